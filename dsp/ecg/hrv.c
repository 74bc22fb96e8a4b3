/* Windows of five minutes: which intervals are NN, and what they amount to. */
#include "dsp/ecg/hrv.h"
#include "dsp/ecg/tables.h"

#include <math.h>
#include <string.h>

enum { SEEN = 1, ATRIA = 2 };
enum { NEAR = 5, NEAR_ALL = 2 * NEAR + 1, NN_MIN = 2 };
/* Multiples of 1/300 Hz: 0.04 ≤ f < 0.15, 0.15 ≤ f ≤ 0.4. */
enum { LF_FIRST = 12, LF_LAST = 44, HF_FIRST = 45, HF_LAST = 120 };

static const double WINDOW_S = XW_ECG_HRV_WINDOW_S;

/* First index of window n. */
static int64_t first_of(const struct xw_ecg_hrv *h, int64_t n)
{
    return (n * XW_ECG_HRV_WINDOW_S * h->rate_num + h->rate_den - 1) / h->rate_den;
}

static int64_t window_of(const struct xw_ecg_hrv *h, int64_t at)
{
    return at * h->rate_den / ((int64_t)XW_ECG_HRV_WINDOW_S * h->rate_num);
}

static int64_t second_of(const struct xw_ecg_hrv *h, int64_t at)
{
    return at * h->rate_den / h->rate_num;
}

static uint8_t *cell(struct xw_ecg_hrv *h, int64_t second)
{
    return &h->second[second % XW_ECG_HRV_SECONDS];
}

static uint8_t flags_of(struct xw_ecg_hrv *h, int64_t second)
{
    bool held = second <= h->second_at && second > h->second_at - XW_ECG_HRV_SECONDS && second >= 0;
    return held ? *cell(h, second) : 0;
}

/* The ring reaches to this second; what is new is unseen. */
static void reach(struct xw_ecg_hrv *h, int64_t second)
{
    if (second - h->second_at >= XW_ECG_HRV_SECONDS) {
        memset(h->second, 0, sizeof(h->second));
        h->second_at = second;
    }
    while (h->second_at < second)
        *cell(h, ++h->second_at) = 0;
}

void xw_ecg_hrv_reset(struct xw_ecg_hrv *h, uint32_t rate_num, uint32_t rate_den,
                      int64_t first_sample)
{
    h->rate_num = rate_num;
    h->rate_den = rate_den;
    h->beats_n = h->lost_n = 0;
    memset(h->second, 0, sizeof(h->second));
    h->second_at = second_of(h, first_sample);
    h->window = window_of(h, first_sample);
    h->atria = false;
}

void xw_ecg_hrv_gap(struct xw_ecg_hrv *h)
{
    h->atria = false; /* what is due is said with the first second after it */
}

void xw_ecg_hrv_beat(struct xw_ecg_hrv *h, int64_t at, float rr_ms, enum xw_ecg_code code)
{
    if (h->beats_n >= XW_ECG_HRV_BEATS &&
        h->beat[h->beats_n % XW_ECG_HRV_BEATS].at >= first_of(h, h->window))
        h->lost_n++;
    h->beat[h->beats_n++ % XW_ECG_HRV_BEATS] = (struct xw_ecg_hrv_beat){at, rr_ms, code};
}

void xw_ecg_hrv_revise(struct xw_ecg_hrv *h, int64_t at, enum xw_ecg_code code)
{
    for (uint64_t i = h->beats_n; i-- > 0 && h->beats_n - i <= XW_ECG_HRV_BEATS;) {
        struct xw_ecg_hrv_beat *beat = &h->beat[i % XW_ECG_HRV_BEATS];
        if (beat->at == at)
            beat->code = code;
        if (beat->at <= at)
            return;
    }
}

void xw_ecg_hrv_atria(struct xw_ecg_hrv *h, bool fibrillating, int64_t since)
{
    h->atria = fibrillating;
    int64_t s = second_of(h, since), oldest = h->second_at - XW_ECG_HRV_SECONDS + 1;
    for (s = s > oldest ? s : oldest, s = s > 0 ? s : 0; s <= h->second_at; s++)
        *cell(h, s) = (uint8_t)((*cell(h, s) & SEEN) | (fibrillating ? ATRIA : 0));
}

static float median(float *x, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        float v = x[i];
        unsigned k = i;
        for (; k > 0 && x[k - 1] > v; k--)
            x[k] = x[k - 1];
        x[k] = v;
    }
    return x[n / 2];
}

static const struct xw_ecg_hrv_beat *beat_at(const struct xw_ecg_hrv *h, uint64_t i)
{
    return &h->beat[i % XW_ECG_HRV_BEATS];
}

/* The interval that ends with beat i, of the beats from `begin` to before `end`. */
static bool is_nn(struct xw_ecg_hrv *h, uint64_t i, uint64_t begin, uint64_t end)
{
    const struct xw_ecg_hrv_beat *beat = beat_at(h, i);
    if (i == begin || beat->code != XW_ECG_BEAT_NORMAL ||
        beat_at(h, i - 1)->code != XW_ECG_BEAT_NORMAL || beat->rr_ms < xw_ecg_tables.hrv_low_ms ||
        beat->rr_ms > xw_ecg_tables.hrv_high_ms ||
        flags_of(h, second_of(h, beat->at)) != SEEN) /* unseen, or fibrillating */
        return false;
    float around[NEAR_ALL] = {0};
    unsigned n = 0;
    uint64_t from = i - begin > NEAR ? i - NEAR : begin + 1;
    uint64_t to = i + NEAR < end ? i + NEAR : end - 1;
    for (uint64_t k = from; k <= to; k++)
        if (beat_at(h, k)->rr_ms > 0)
            around[n++] = beat_at(h, k)->rr_ms;
    float usual = median(around, n);
    return fabsf(beat->rr_ms - usual) <= xw_ecg_tables.hrv_near * usual;
}

/* What one window is made of. */
struct window {
    int64_t first, end;
    uint64_t begin_beat, end_beat; /* begin_beat: the last one before it, if there is one */
    unsigned beats_n, v_n, s_n, seen_s, af_s;
    unsigned nn_n, steps_n, steps50_n; /* steps: between NN that follow one another */
    double nn_ms, steps_sq;
};

static void find_beats(const struct xw_ecg_hrv *h, struct window *w)
{
    uint64_t oldest = h->beats_n > XW_ECG_HRV_BEATS ? h->beats_n - XW_ECG_HRV_BEATS : 0;
    w->end_beat = h->beats_n;
    while (w->end_beat > oldest && beat_at(h, w->end_beat - 1)->at >= w->end)
        w->end_beat--;
    w->begin_beat = w->end_beat;
    while (w->begin_beat > oldest && beat_at(h, w->begin_beat - 1)->at >= w->first)
        w->begin_beat--;
    if (w->begin_beat > oldest)
        w->begin_beat--;
}

static void count_seconds(struct xw_ecg_hrv *h, struct window *w)
{
    int64_t second = h->window * XW_ECG_HRV_WINDOW_S;
    for (unsigned i = 0; i < XW_ECG_HRV_WINDOW_S; i++) {
        uint8_t flags = flags_of(h, second + i);
        w->seen_s += (flags & SEEN) != 0;
        w->af_s += flags == (SEEN | ATRIA);
    }
}

static void count_beats(struct xw_ecg_hrv *h, struct window *w)
{
    bool before = false;
    for (uint64_t i = w->begin_beat; i < w->end_beat; i++) {
        const struct xw_ecg_hrv_beat *beat = beat_at(h, i);
        if (beat->at < w->first)
            continue;
        w->beats_n++;
        w->v_n += beat->code == XW_ECG_BEAT_VENTRICULAR;
        w->s_n += beat->code == XW_ECG_BEAT_SUPRAVENTRICULAR;
        bool nn = is_nn(h, i, w->begin_beat, w->end_beat);
        if (nn) {
            h->t[w->nn_n] = (double)(beat->at - w->first) * h->rate_den / h->rate_num;
            h->nn[w->nn_n] = (double)beat->rr_ms;
            w->nn_ms += (double)beat->rr_ms;
            if (before) {
                double step = h->nn[w->nn_n] - h->nn[w->nn_n - 1];
                w->steps_n++;
                w->steps50_n += fabs(step) > 50;
                w->steps_sq += step * step;
            }
            w->nn_n++;
        }
        before = nn;
    }
}

static void say(const struct window *w, struct xw_ecg_emit *emit, struct xw_ecg_event *event)
{
    event->first = w->first;
    event->end = w->end;
    xw_ecg_emit_new(emit, event);
}

static void say_burden(const struct window *w, struct xw_ecg_emit *emit)
{
    struct xw_ecg_event event = xw_ecg_emit_draft(emit, XW_ECG_KIND_SUMMARY, XW_ECG_SUMMARY_BURDEN,
                                                  "burden-5min", XW_ECG_HRV_RULE_VERSION);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_SEEN_S, (float)w->seen_s, 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_AF_BURDEN, 100.0F * (float)w->af_s / (float)w->seen_s,
                         0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_BEATS_N, (float)w->beats_n, 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_V_BEATS_N, (float)w->v_n, 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_S_BEATS_N, (float)w->s_n, 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_NN_CLEAN, (float)(w->nn_ms / (WINDOW_S * 10)),
                         100 * xw_ecg_tables.hrv_clean);
    event.confidence = (float)w->seen_s / XW_ECG_HRV_WINDOW_S;
    say(w, emit, &event);
}

/* Takes mean and straight line off the series; returns its variance before the line went. */
static double level(struct xw_ecg_hrv *h, unsigned n, double mean_ms)
{
    double t_mean = 0, tt = 0, tx = 0, sum_sq = 0;
    for (unsigned i = 0; i < n; i++)
        t_mean += h->t[i] / n;
    for (unsigned i = 0; i < n; i++) {
        h->nn[i] -= mean_ms;
        sum_sq += h->nn[i] * h->nn[i];
        tt += (h->t[i] - t_mean) * (h->t[i] - t_mean);
        tx += (h->t[i] - t_mean) * h->nn[i];
    }
    double slope = tt > 0 ? tx / tt : 0;
    for (unsigned i = 0; i < n; i++)
        h->nn[i] -= slope * (h->t[i] - t_mean);
    return sum_sq / (n - 1);
}

/* All sines are turned on by their own first harmonic: one multiplication instead of a sine. */
static void turn(struct xw_ecg_hrv *h, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        double c = h->c[i] * h->c1[i] - h->s[i] * h->s1[i];
        h->s[i] = h->c[i] * h->s1[i] + h->s[i] * h->c1[i];
        h->c[i] = c;
    }
}

double xw_ecg_hrv_lomb(struct xw_ecg_hrv *h, unsigned n, unsigned first, unsigned last)
{
    double power = 0, base = 2 * M_PI / WINDOW_S;
    for (unsigned i = 0; i < n; i++) {
        h->c1[i] = cos(base * h->t[i]);
        h->s1[i] = sin(base * h->t[i]);
        h->c[i] = cos(base * first * h->t[i]);
        h->s[i] = sin(base * first * h->t[i]);
    }
    for (unsigned k = first; k <= last; k++, turn(h, n)) {
        double cc = 0, ss = 0, cs = 0, xc = 0, xs = 0;
        for (unsigned i = 0; i < n; i++) {
            cc += h->c[i] * h->c[i];
            ss += h->s[i] * h->s[i];
            cs += h->c[i] * h->s[i];
            xc += h->nn[i] * h->c[i];
            xs += h->nn[i] * h->s[i];
        }
        /* What the best sine of that frequency takes off the sum of squares. */
        double det = cc * ss - cs * cs;
        if (det > 1e-9 * n * n)
            power += (xc * xc * ss - 2 * xc * xs * cs + xs * xs * cc) / det / n;
    }
    return power;
}

static void say_hrv(struct xw_ecg_hrv *h, const struct window *w, struct xw_ecg_emit *emit)
{
    double mean_ms = w->nn_ms / w->nn_n;
    double sdnn_ms = sqrt(level(h, w->nn_n, mean_ms));
    double steps_n = w->steps_n ? w->steps_n : 1;
    struct xw_ecg_event event = xw_ecg_emit_draft(emit, XW_ECG_KIND_SUMMARY, XW_ECG_SUMMARY_HRV,
                                                  "hrv-5min", XW_ECG_HRV_RULE_VERSION);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_NN_MEAN_MS, (float)mean_ms, 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_SDNN_MS, (float)sdnn_ms, 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RMSSD_MS, (float)sqrt(w->steps_sq / steps_n), 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_PNN50, (float)(100 * w->steps50_n / steps_n), 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_LF_MS2,
                         (float)xw_ecg_hrv_lomb(h, w->nn_n, LF_FIRST, LF_LAST), 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_HF_MS2,
                         (float)xw_ecg_hrv_lomb(h, w->nn_n, HF_FIRST, HF_LAST), 0);
    event.confidence = fminf((float)(w->nn_ms / (WINDOW_S * 1000)), 1);
    say(w, emit, &event);
}

static void say_window(struct xw_ecg_hrv *h, struct xw_ecg_emit *emit)
{
    struct window w = {.first = first_of(h, h->window), .end = first_of(h, h->window + 1)};
    count_seconds(h, &w);
    if (!w.seen_s)
        return;
    find_beats(h, &w);
    count_beats(h, &w);
    say_burden(&w, emit);
    if (w.nn_n >= NN_MIN && w.steps_n > 0 &&
        w.nn_ms >= (double)xw_ecg_tables.hrv_clean * WINDOW_S * 1000)
        say_hrv(h, &w, emit);
}

/* Windows that end at least so many samples before `now`. */
static void say_ended(struct xw_ecg_hrv *h, struct xw_ecg_emit *emit, int64_t delay_n)
{
    int64_t last = window_of(h, emit->now - delay_n > 0 ? emit->now - delay_n : 0);
    int64_t held = h->second_at / XW_ECG_HRV_WINDOW_S; /* of what is later nothing was seen */
    for (; h->window < last && h->window <= held; h->window++)
        say_window(h, emit);
    h->window = last > h->window ? last : h->window;
}

void xw_ecg_hrv_second(struct xw_ecg_hrv *h, struct xw_ecg_emit *emit, int64_t centre, bool seen)
{
    int64_t second = second_of(h, centre);
    /* A gap may be longer than the ring: what lies before it is said while it is still held. */
    if (second - h->second_at > XW_ECG_HRV_DELAY_S)
        say_ended(h, emit, XW_ECG_HRV_DELAY_S * (int64_t)h->rate_num / h->rate_den);
    reach(h, second);
    if (seen && second >= 0 && second > h->second_at - XW_ECG_HRV_SECONDS)
        *cell(h, second) = (uint8_t)(SEEN | (h->atria ? ATRIA : 0));
    say_ended(h, emit, XW_ECG_HRV_DELAY_S * (int64_t)h->rate_num / h->rate_den);
}

void xw_ecg_hrv_flush(struct xw_ecg_hrv *h, struct xw_ecg_emit *emit)
{
    say_ended(h, emit, 0);
}
