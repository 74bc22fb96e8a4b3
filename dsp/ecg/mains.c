/* The subtraction procedure over lanes. The loops over lanes have no branches, so they vectorise.
 */
#include "dsp/ecg/mains.h"
#include "dsp/core/quad.h"

#include <errno.h>
#include <math.h>

static const double LISTEN_HZ[XW_ECG_MAINS_LISTEN_N] = {43, 50, 55, 60, 67};
static const double BLOCK_S = 0.2;         /* coherence and frequency are judged so often */
static const double LMS_TIME_S = 0.04;     /* two mains periods */
static const float LIMIT_UV = 100.0F;      /* spread that still counts as straight */
static const float LIMIT_MAX_UV = 1600.0F; /* where noise never lets it be straight */
static const float ON_UV = 4.0F, OFF_UV = 2.5F;
static const float ON_COHERENCE = 0.5F, OFF_COHERENCE = 0.25F;
static const unsigned OFF_BLOCKS = 10;
static const double TRACK_HZ = 1.2; /* the farthest the mains may wander */

/* Gain of the centred mean over period_n samples (end weights one half where period_n is even). */
static double mean_gain(unsigned period_n, double w)
{
    unsigned half_n = period_n / 2;
    double sum = 1;
    for (unsigned k = 1; k <= half_n; k++) {
        double weight = period_n % 2 == 0 && k == half_n ? 1 : 2;
        sum += weight * cos(w * k);
    }
    return sum / period_n;
}

static void retune(struct xw_ecg_mains *m, double hz)
{
    m->tracked_hz = hz;
    for (unsigned h = 0; h < XW_ECG_MAINS_HARMONICS; h++) {
        double w = 2 * M_PI * hz * (h + 1) / m->rate_hz;
        m->turn_re[h] = cos(w);
        m->turn_im[h] = sin(w);
        m->gain[h] = (float)(1 / (1 - mean_gain(m->period_n, w)));
    }
    /* With few samples a period the interpolation is poor: go back two or three periods, where
     * that falls nearer to a sample. */
    double period = m->rate_hz / hz, back = period;
    for (unsigned k = 2; k <= 3 && period < 4; k++)
        if (fabs(k * period - round(k * period)) < fabs(back - round(back)))
            back = k * period;
    double f = back - floor(back);
    m->back_n = (unsigned)back;
    m->back_weight[0] = (float)(-f * (f - 1) * (f - 2) / 6);
    m->back_weight[1] = (float)((f + 1) * (f - 1) * (f - 2) / 2);
    m->back_weight[2] = (float)(-(f + 1) * f * (f - 2) / 2);
    m->back_weight[3] = (float)((f + 1) * f * (f - 1) / 6);
}

static void choose(struct xw_ecg_mains *m, double hz)
{
    m->nominal_hz = hz;
    m->active = hz < 0.42 * m->rate_hz;
    m->period_n = (unsigned)lround(m->rate_hz / hz);
    if (m->period_n < 2)
        m->period_n = 2;
    m->half_n = m->period_n / 2;
    m->harmonics_n = 0;
    while (m->harmonics_n < XW_ECG_MAINS_HARMONICS && hz * (m->harmonics_n + 1) < 0.45 * m->rate_hz)
        m->harmonics_n++;
    retune(m, hz);
    for (unsigned h = 0; h < XW_ECG_MAINS_HARMONICS; h++) {
        m->now_re[h] = 1;
        m->now_im[h] = 0;
    }
    memset(m->re, 0, sizeof(m->re));
    memset(m->im, 0, sizeof(m->im));
    memset(m->on, 0, sizeof(m->on));
    memset(m->sum_re, 0, sizeof(m->sum_re));
    memset(m->sum_im, 0, sizeof(m->sum_im));
    memset(m->sum_sq, 0, sizeof(m->sum_sq));
    memset(m->sum_n, 0, sizeof(m->sum_n));
    memset(m->last_re, 0, sizeof(m->last_re));
    memset(m->last_im, 0, sizeof(m->last_im));
    memset(m->quiet_blocks, 0, sizeof(m->quiet_blocks));
    m->block_at = 0;
}

static void listen_again(struct xw_ecg_mains *m)
{
    struct xw_ecg_mains_listener *l = &m->listener;
    memset(l->s1, 0, sizeof(l->s1));
    memset(l->s2, 0, sizeof(l->s2));
    l->done_n = 0;
}

int xw_ecg_mains_init(struct xw_ecg_mains *m, unsigned leads_n, double rate_hz, unsigned mains_hz)
{
    memset(m, 0, sizeof(*m));
    if (!leads_n || leads_n > XW_DSP_LANES_MAX || !(rate_hz >= 50) ||
        (mains_hz != 0 && mains_hz != 50 && mains_hz != 60))
        return -EINVAL;
    m->leads_n = leads_n;
    m->lanes = xw_dsp_lanes(leads_n);
    m->rate_hz = rate_hz;
    m->chosen_by_listening = mains_hz == 0;
    /* One delay whatever is chosen later: that of the longer period. */
    m->delay_n = (unsigned)lround(rate_hz / (mains_hz == 60 ? 60 : 50)) / 2;
    m->ring_n = 4 * m->delay_n + 20;
    m->block_n = (unsigned)lround(BLOCK_S * rate_hz);
    m->rate_lms = (float)(2 / (LMS_TIME_S * rate_hz));
    m->nominal_hz = mains_hz ? mains_hz : 50;
    m->x = xw_dsp_calloc(2 * (size_t)m->ring_n * m->lanes, sizeof(float));
    m->difference = xw_dsp_calloc(2 * (size_t)m->ring_n * m->lanes, sizeof(float));
    if (!m->x || !m->difference) {
        xw_ecg_mains_done(m);
        return -ENOMEM;
    }
    for (unsigned i = 0; i < XW_ECG_MAINS_LISTEN_N; i++)
        m->listener.coefficient[i] = 2 * cos(2 * M_PI * LISTEN_HZ[i] / rate_hz);
    xw_ecg_mains_reset(m);
    return 0;
}

void xw_ecg_mains_done(struct xw_ecg_mains *m)
{
    free(m->x);
    free(m->difference);
    memset(m, 0, sizeof(*m));
}

void xw_ecg_mains_reset(struct xw_ecg_mains *m)
{
    m->in_n = 0;
    m->at = 0;
    for (unsigned c = 0; c < XW_DSP_LANES_MAX; c++)
        m->limit[c] = LIMIT_UV;
    m->listener.lead = 0;
    m->listener.votes_50 = m->listener.votes_60 = 0;
    m->listener.last = 0;
    listen_again(m);
    choose(m, m->nominal_hz);
}

/* A line counts as mains where it stands well above its neighbours on both sides. */
static void vote(struct xw_ecg_mains *m)
{
    struct xw_ecg_mains_listener *l = &m->listener;
    double power[XW_ECG_MAINS_LISTEN_N];
    for (unsigned i = 0; i < XW_ECG_MAINS_LISTEN_N; i++)
        power[i] =
            l->s1[i] * l->s1[i] + l->s2[i] * l->s2[i] - l->coefficient[i] * l->s1[i] * l->s2[i];
    bool is_50 = power[1] > 6 * (power[0] + power[2]) / 2 && power[1] > 2 * power[3];
    bool is_60 = power[3] > 6 * (power[2] + power[4]) / 2 && power[3] > 2 * power[1];
    l->votes_50 = is_50 ? l->votes_50 + 1 : is_60 ? 0 : l->votes_50;
    l->votes_60 = is_60 ? l->votes_60 + 1 : is_50 ? 0 : l->votes_60;
    if (l->votes_60 >= 2 && m->nominal_hz < 55)
        choose(m, 60);
    else if (l->votes_50 >= 2 && m->nominal_hz > 55)
        choose(m, 50);
    l->lead = (l->lead + 1) % m->leads_n;
    listen_again(m);
}

static void listen(struct xw_ecg_mains *m, const float *frame)
{
    struct xw_ecg_mains_listener *l = &m->listener;
    double x = frame[l->lead] - l->last;
    l->last = frame[l->lead];
    if (l->done_n++ == 0)
        x = 0; /* another lead than before: no difference yet */
    for (unsigned i = 0; i < XW_ECG_MAINS_LISTEN_N; i++) {
        double s = x + l->coefficient[i] * l->s1[i] - l->s2[i];
        l->s2[i] = l->s1[i];
        l->s1[i] = s;
    }
    if (l->done_n >= (unsigned)m->rate_hz)
        vote(m);
}

/* Frequency from the turn of the phasors between two blocks, all leads that carry the line. */
static void track(struct xw_ecg_mains *m, double turn_re, double turn_im)
{
    if (turn_re == 0 && turn_im == 0)
        return;
    double hz = atan2(turn_im, turn_re) / (2 * M_PI * (double)m->block_n / m->rate_hz);
    hz = m->tracked_hz + 0.5 * hz;
    if (fabs(hz - m->nominal_hz) <= TRACK_HZ)
        retune(m, hz);
}

static void end_block(struct xw_ecg_mains *m)
{
    double turn_re = 0, turn_im = 0;
    for (unsigned c = 0; c < m->leads_n; c++) {
        float n = m->sum_n[c];
        bool heard = n >= 0.25F * (float)m->block_n;
        float re = heard ? 2 * m->sum_re[c] / n : 0, im = heard ? 2 * m->sum_im[c] / n : 0;
        float size_sq = re * re + im * im;
        float coherence = heard && m->sum_sq[c] > 0 ? 0.5F * size_sq * n / m->sum_sq[c] : 0;
        if (heard) {
            bool strong = size_sq > ON_UV * ON_UV && coherence > ON_COHERENCE;
            bool weak = size_sq < OFF_UV * OFF_UV || coherence < OFF_COHERENCE;
            m->quiet_blocks[c] = weak ? m->quiet_blocks[c] + 1 : 0;
            if (strong)
                m->on[c] = 1;
            else if (m->quiet_blocks[c] >= OFF_BLOCKS)
                m->on[c] = 0;
            m->limit[c] = fmaxf(LIMIT_UV, 0.9F * m->limit[c]);
        } else {
            m->limit[c] = fminf(LIMIT_MAX_UV, 1.25F * m->limit[c]);
        }
        if (m->on[c] > 0) {
            turn_re += (double)(re * m->last_re[c] + im * m->last_im[c]);
            turn_im += (double)(im * m->last_re[c] - re * m->last_im[c]);
        }
        m->last_re[c] = re;
        m->last_im[c] = im;
        m->sum_re[c] = m->sum_im[c] = m->sum_sq[c] = m->sum_n[c] = 0;
    }
    m->block_at = 0;
    track(m, turn_re, turn_im);
}

static void turn(struct xw_ecg_mains *m)
{
    for (unsigned h = 0; h < m->harmonics_n; h++) {
        double re = m->now_re[h] * m->turn_re[h] - m->now_im[h] * m->turn_im[h];
        double im = m->now_re[h] * m->turn_im[h] + m->now_im[h] * m->turn_re[h];
        double fix = 1.5 - 0.5 * (re * re + im * im); /* keeps the length at 1 */
        m->now_re[h] = re * fix;
        m->now_im[h] = im * fix;
    }
}

/* Mean over one period around the centre, and the spread of the differences in its window. */
static void measure(const struct xw_ecg_mains *m, const float *restrict x,
                    const float *restrict difference, float *restrict mean, float *restrict spread)
{
    unsigned lanes = m->lanes, last = 2 * m->half_n;
    xw_quad edge = xw_quad_all(m->period_n % 2 == 0 ? 0.5F : 1.0F);
    xw_quad scale = xw_quad_all(1.0F / (float)m->period_n);
    for (unsigned c = 0; c < lanes; c += XW_DSP_LANE_QUANTUM) {
        xw_quad sum = edge * (xw_quad_load(x + c) + xw_quad_load(x + (size_t)last * lanes + c));
        xw_quad low = xw_quad_load(difference + c), high = low;
        for (unsigned i = 1; i <= last; i++) {
            xw_quad d = xw_quad_load(difference + (size_t)i * lanes + c);
            low = xw_quad_min(d, low);
            high = xw_quad_max(d, high);
        }
        for (unsigned i = 1; i < last; i++)
            sum += xw_quad_load(x + (size_t)i * lanes + c);
        xw_quad_store(mean + c, sum * scale);
        xw_quad_store(spread + c, high - low);
    }
}

static void add(float *sum, xw_quad part)
{
    xw_quad_store(sum, xw_quad_load(sum) + part);
}

static void subtract(struct xw_ecg_mains *m, const float *restrict centre,
                     const float *restrict mean, const float *restrict spread, float *restrict out)
{
    enum { H = XW_ECG_MAINS_HARMONICS };
    xw_quad turn_re[H], turn_im[H], zero = {0}, one = xw_quad_all(1);
    for (unsigned h = 0; h < H; h++) {
        turn_re[h] = xw_quad_all((float)m->now_re[h]);
        turn_im[h] = xw_quad_all((float)m->now_im[h]);
    }
    for (unsigned c = 0; c < m->lanes; c += XW_DSP_LANE_QUANTUM) {
        xw_quad re[H], im[H], model = zero, shown = zero, middle = xw_quad_load(centre + c);
        xw_quad found = middle - xw_quad_load(mean + c);
        xw_quad_mask calm = xw_quad_load(spread + c) < xw_quad_load(m->limit + c);
        xw_quad straight = xw_quad_select(calm, one, zero);
        for (unsigned h = 0; h < m->harmonics_n; h++) {
            re[h] = xw_quad_load(m->re[h] + c);
            im[h] = xw_quad_load(m->im[h] + c);
            xw_quad part = re[h] * turn_re[h] - im[h] * turn_im[h];
            model += part;
            shown += xw_quad_all(m->gain[h]) * part;
        }
        xw_quad step = straight * xw_quad_all(m->rate_lms) * (found - model);
        for (unsigned h = 0; h < m->harmonics_n; h++) {
            /* cppcheck-suppress uninitvar */
            xw_quad_store(m->re[h] + c, re[h] + step * turn_re[h]);
            /* cppcheck-suppress uninitvar */
            xw_quad_store(m->im[h] + c, im[h] - step * turn_im[h]);
        }
        add(m->sum_re + c, straight * found * turn_re[0]);
        add(m->sum_im + c, zero - straight * found * turn_im[0]);
        add(m->sum_sq + c, straight * found * found);
        add(m->sum_n + c, straight);
        xw_quad hum = xw_quad_select(calm, xw_quad_all(m->gain[0]) * found, shown);
        xw_quad_store(out + c, middle - xw_quad_load(m->on + c) * hum);
    }
}

static void remember(float *ring, unsigned ring_n, unsigned lanes, unsigned at, const float *frame)
{
    xw_quad_copy_frame(ring + (size_t)at * lanes, frame, lanes);
    xw_quad_copy_frame(ring + (size_t)(at + ring_n) * lanes, frame, lanes);
}

void xw_ecg_mains_process(struct xw_ecg_mains *m, const float *frame, float *out)
{
    unsigned lanes = m->lanes, n = m->ring_n;
    float difference[XW_DSP_LANES_MAX] = {0}, mean[XW_DSP_LANES_MAX], spread[XW_DSP_LANES_MAX];
    if (m->in_n == 0) {
        for (unsigned i = 0; i < n; i++) {
            remember(m->x, n, lanes, i, frame);
            remember(m->difference, n, lanes, i, difference);
        }
    }
    unsigned at = m->at;
    m->at = at + 1 < n ? at + 1 : 0;
    remember(m->x, n, lanes, at, frame);
    const float *x = m->x + (size_t)(at + n) * lanes; /* newest; older ones before it */
    if (m->chosen_by_listening)
        listen(m, frame);
    m->in_n++;
    const float *centre = x - (size_t)m->delay_n * lanes;
    if (!m->active) {
        memcpy(out, centre, lanes * sizeof(float));
        return;
    }
    const float *before = x - (size_t)(m->back_n + 2) * lanes; /* one period ago, interpolated */
    xw_quad weight[4];
    for (unsigned i = 0; i < 4; i++)
        weight[i] = xw_quad_all(m->back_weight[i]);
    for (unsigned c = 0; c < lanes; c += XW_DSP_LANE_QUANTUM)
        xw_quad_store(difference + c, xw_quad_load(x + c) - weight[3] * xw_quad_load(before + c) -
                                          weight[2] * xw_quad_load(before + lanes + c) -
                                          weight[1] * xw_quad_load(before + 2 * lanes + c) -
                                          weight[0] * xw_quad_load(before + 3 * lanes + c));
    remember(m->difference, n, lanes, at, difference);
    /* The window of one period around the centre ends delay_n - half_n samples ago. */
    size_t back = (size_t)(m->delay_n + m->half_n) * lanes;
    measure(m, x - back, m->difference + (size_t)(at + n) * lanes - back, mean, spread);
    subtract(m, centre, mean, spread, out);
    turn(m);
    if (++m->block_at >= m->block_n)
        end_block(m);
}

void xw_ecg_mains_amend(struct xw_ecg_mains *m, unsigned lead, unsigned ago, float value)
{
    size_t at = (size_t)((m->at + m->ring_n - ago) % m->ring_n) * m->lanes + lead;
    size_t again = at + (size_t)m->ring_n * m->lanes;
    float more = value - m->x[at];
    m->x[at] = m->x[again] = value;
    m->difference[at] += more;
    m->difference[again] += more;
}
