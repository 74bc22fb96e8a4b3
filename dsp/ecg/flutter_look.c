/* The search for one even wave between the QRS complexes. */
#include "dsp/ecg/flutter.h"
#include "dsp/core/quad.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define TWO_PI 6.283185307179586

enum {
    WINDOW = XW_ECG_FLUTTER_WINDOW,
    HALF_MEAN = 12, /* 0.5 s is taken off */
    QRS_BEFORE = 4,
    QRS_AFTER = 6,
    WIDE_AFTER = 12, /* a ventricular beat */
    BEATS = 40,
    BEATS_MIN = 5,
    NEWEST = 30, /* may hold a QRS that is not known yet */
    STEPS_A_HZ = 16,
    LOW = 2 * STEPS_A_HZ, /* the range of the spectrum, */
    HIGH = 8 * STEPS_A_HZ,
    ATRIAL_LOW = 4 * STEPS_A_HZ, /* and of the wave: 240/min … */
    ATRIAL_HIGH = 91,            /* … 341/min */
    COARSE = 2,
    FINE = 8, /* a hundred-and-twenty-eighth of a Hz */
};

/* Below this nothing more is asked. */
static const float WORTH_UV = 10, WORTH_SHARE = 0.3F;

struct view {
    int64_t first;
    int n;
    int r[BEATS], r_n, wide_n;
    bool hidden[WINDOW];
};

static bool view_of(const struct xw_ecg_avblock *a, struct view *v)
{
    int64_t end = a->n - NEWEST;
    if (end < WINDOW)
        return false;
    v->n = WINDOW;
    v->first = end - WINDOW;
    int64_t low = a->beats_n > XW_ECG_AVB_BEATS ? (int64_t)a->beats_n - XW_ECG_AVB_BEATS : 0;
    for (int64_t i = low; i < (int64_t)a->beats_n; i++) {
        const struct xw_ecg_avb_beat *beat = &a->beat[i % XW_ECG_AVB_BEATS];
        int64_t at = beat->frame - v->first;
        bool wide = beat->code == XW_ECG_BEAT_VENTRICULAR;
        if (at < -WIDE_AFTER || at >= WINDOW + QRS_BEFORE)
            continue;
        for (int64_t k = at - QRS_BEFORE; k <= at + (wide ? WIDE_AFTER : QRS_AFTER); k++)
            if (k >= 0 && k < WINDOW)
                v->hidden[k] = true;
        if (at < 0 || at >= WINDOW)
            continue;
        if (v->r_n == BEATS)
            return false;
        v->r[v->r_n++] = (int)at;
        v->wide_n += wide;
    }
    return v->r_n >= BEATS_MIN && 4 * v->wide_n < v->r_n;
}

static float sample(const struct xw_ecg_avblock *a, int64_t frame, unsigned lead)
{
    return a->x[((size_t)frame & (XW_ECG_AVB_RING - 1)) * a->lanes + lead];
}

/* One lead between its QRS, lines in their place, without its mean of half a second. */
static void prepare(const struct xw_ecg_avblock *a, const struct view *v, unsigned lead, float *ret)
{
    float x[WINDOW], sum[WINDOW + 1];
    for (int i = 0; i < WINDOW; i++)
        x[i] = sample(a, v->first + i, lead);
    for (int i = 0; i < WINDOW; i++) {
        if (!v->hidden[i])
            continue;
        int from = i - 1, to = i;
        while (to < WINDOW && v->hidden[to])
            to++;
        float begin = from >= 0 ? x[from] : to < WINDOW ? x[to] : 0;
        float end = to < WINDOW ? x[to] : begin;
        for (int k = i; k < to; k++)
            x[k] = begin + (end - begin) * (float)(k - from) / (float)(to - from);
        i = to;
    }
    sum[0] = 0;
    for (int i = 0; i < WINDOW; i++)
        sum[i + 1] = sum[i] + x[i];
    for (int i = 0; i < WINDOW; i++) {
        int low = i - HALF_MEAN < 0 ? 0 : i - HALF_MEAN;
        int high = i + HALF_MEAN + 1 > WINDOW ? WINDOW : i + HALF_MEAN + 1;
        ret[i] = x[i] - (sum[high] - sum[low]) / (float)(high - low);
    }
}

/* A sine by least squares. */
struct sine {
    float re, im; /* of its cosine and sine, µV; phase 0 at the window's begin */
};

static float height(struct sine s)
{
    return sqrtf(s.re * s.re + s.im * s.im);
}

/* Sines turned on together frame by frame, in single precision (over 400 frames that costs a
 * ten-thousandth): two quads, so that one is added up while the other is still being turned. */
enum { FOUR = XW_DSP_LANE_QUANTUM, QUADS = 2, BATCH = QUADS * FOUR };

struct comb {
    xw_quad re[QUADS], im[QUADS], turn_re[QUADS], turn_im[QUADS];
    xw_quad cc[QUADS], cs[QUADS], ss[QUADS], xc[QUADS], xs[QUADS];
};

static inline void turn_on(struct comb *c)
{
    for (int q = 0; q < QUADS; q++) {
        xw_quad next = c->re[q] * c->turn_re[q] - c->im[q] * c->turn_im[q];
        c->im[q] = c->re[q] * c->turn_im[q] + c->im[q] * c->turn_re[q];
        c->re[q] = next;
    }
}

static inline void take_frame(struct comb *c, float frame)
{
    xw_quad x = xw_quad_all(frame);
    for (int q = 0; q < QUADS; q++) {
        c->cc[q] += c->re[q] * c->re[q];
        c->cs[q] += c->re[q] * c->im[q];
        c->ss[q] += c->im[q] * c->im[q];
        c->xc[q] += c->re[q] * x;
        c->xs[q] += c->im[q] * x;
    }
}

static void fit_batch(const struct view *v, const float *x, const double *turn, struct sine *ret)
{
    struct comb c = {.re = {xw_quad_all(1), xw_quad_all(1)}};
    for (int k = 0; k < BATCH; k++) {
        c.turn_re[k / FOUR][k % FOUR] = (float)cos(turn[k]);
        c.turn_im[k / FOUR][k % FOUR] = (float)sin(turn[k]);
    }
    for (int i = 0; i < WINDOW;) {
        for (; i < WINDOW && v->hidden[i]; i++)
            turn_on(&c);
        for (; i < WINDOW && !v->hidden[i]; i++) {
            take_frame(&c, x[i]);
            turn_on(&c);
        }
    }
    for (int k = 0; k < BATCH; k++) {
        int q = k / FOUR, i = k % FOUR;
        float det = c.cc[q][i] * c.ss[q][i] - c.cs[q][i] * c.cs[q][i];
        ret[k] = (struct sine){0};
        if (det > 1e-3F) {
            ret[k].re = (c.xc[q][i] * c.ss[q][i] - c.xs[q][i] * c.cs[q][i]) / det;
            ret[k].im = (c.xs[q][i] * c.cc[q][i] - c.xc[q][i] * c.cs[q][i]) / det;
        }
    }
}

/* Sines at frequencies from hz on, n of them, step_hz apart. */
static void fit_many(const struct view *v, const float *x, float hz, float step_hz, int n,
                     struct sine *ret)
{
    for (int first = 0; first < n; first += BATCH) {
        double turn[BATCH] = {0};
        struct sine batch[BATCH];
        for (int k = 0; k < BATCH && first + k < n; k++)
            turn[k] = TWO_PI * ((double)hz + (first + k) * (double)step_hz) / XW_ECG_AVB_HZ;
        fit_batch(v, x, turn, batch);
        for (int k = 0; k < BATCH && first + k < n; k++)
            ret[first + k] = batch[k];
    }
}

static float hz_of(int step)
{
    return (float)step / STEPS_A_HZ;
}

/* Takes the wave and its double out of x; returns the share of x between the QRS that they were. */
static float take_out(const struct view *v, float hz, float *x)
{
    double all = 0, left = 0;
    for (int i = 0; i < WINDOW; i++)
        all += v->hidden[i] ? 0 : (double)x[i] * (double)x[i];
    for (int harmonic = 1; harmonic <= 2; harmonic++) {
        double turn = TWO_PI * harmonic * (double)hz / XW_ECG_AVB_HZ;
        double turn_re = cos(turn), turn_im = sin(turn), re = 1, im = 0;
        struct sine s;
        fit_many(v, x, (float)harmonic * hz, 0, 1, &s);
        for (int i = 0; i < WINDOW; i++) {
            x[i] -= s.re * (float)re + s.im * (float)im;
            double next = re * turn_re - im * turn_im;
            im = re * turn_im + im * turn_re;
            re = next;
        }
    }
    for (int i = 0; i < WINDOW; i++)
        left += v->hidden[i] ? 0 : (double)x[i] * (double)x[i];
    return all > 0 ? (float)(1 - left / all) : 0;
}

/* How much the QRS keep to one phase of the wave. */
static float lock_of(const struct view *v, float hz)
{
    double re = 0, im = 0;
    for (int i = 0; i < v->r_n; i++) {
        re += cos(TWO_PI * (double)hz * v->r[i] / XW_ECG_AVB_HZ);
        im += sin(TWO_PI * (double)hz * v->r[i] / XW_ECG_AVB_HZ);
    }
    return (float)(sqrt(re * re + im * im) / v->r_n);
}

/* Median RR in frames. */
static float usual_rr(const struct view *v)
{
    int rr[BEATS], n = 0;
    for (int i = 1; i < v->r_n; i++) {
        int x = v->r[i] - v->r[i - 1], k = n++;
        for (; k > 0 && rr[k - 1] > x; k--)
            rr[k] = rr[k - 1];
        rr[k] = x;
    }
    int upper = n / 2, lower = (n - 1) / 2;
    return n ? 0.5F * (float)(rr[upper] + rr[lower]) : 0;
}

/* Mean difference of neighbouring RR over the usual one. */
static float uneven_of(const struct view *v, float usual)
{
    int differences = 0;
    for (int i = 2; i < v->r_n; i++)
        differences += abs(v->r[i] - 2 * v->r[i - 1] + v->r[i - 2]);
    return usual > 0 ? (float)differences / (float)(v->r_n - 2) / usual : 0;
}

/* Where the highest wave of 240 to 340 a minute stands, in Hz. */
static float best_hz(const struct view *v, const float *x, float *ret_height)
{
    struct sine coarse[(ATRIAL_HIGH - ATRIAL_LOW) / COARSE + 1], fine[2 * FINE + 1];
    int n = (ATRIAL_HIGH - ATRIAL_LOW) / COARSE + 1;
    float most = -1, best = 0, step_hz = hz_of(1) / FINE;
    fit_many(v, x, hz_of(ATRIAL_LOW), hz_of(COARSE), n, coarse);
    for (int k = 0; k < n; k++) {
        float h = height(coarse[k]);
        best = h > most ? hz_of(ATRIAL_LOW + k * COARSE) : best;
        most = fmaxf(most, h);
    }
    float from = best - hz_of(1);
    fit_many(v, x, from, step_hz, 2 * FINE + 1, fine);
    for (int k = 0; k <= 2 * FINE; k++) {
        float h = height(fine[k]);
        best = h > most ? from + (float)k * step_hz : best;
        most = fmaxf(most, h);
    }
    *ret_height = most;
    return best;
}

/* x is left without the wave. */
static struct xw_ecg_flutter_look look_at(const struct view *v, float *x, int lead)
{
    struct xw_ecg_flutter_look look = {.lead = -1, .first_frame = v->first, .beats_n = v->r_n};
    float other = 1, hz = best_hz(v, x, &look.height_uv);
    if (look.height_uv < WORTH_UV)
        return look;
    look.share = take_out(v, hz, x);
    if (look.share < WORTH_SHARE)
        return look;
    /* What the wave's gaps would make of it at other frequencies is gone with it. */
    struct sine rest[(HIGH - LOW) / COARSE + 1];
    int rest_n = (HIGH - LOW) / COARSE + 1;
    fit_many(v, x, hz_of(LOW), hz_of(COARSE), rest_n, rest);
    for (int k = 0; k < rest_n; k++)
        other = fmaxf(other, height(rest[k]));
    float usual = usual_rr(v);
    look.lead = lead;
    look.atrial_bpm = 60 * hz;
    look.peak_ratio = look.height_uv / other;
    look.lock = lock_of(v, hz);
    look.uneven = uneven_of(v, usual);
    look.ventricular_bpm = usual > 0 ? 60.0F * XW_ECG_AVB_HZ / usual : 0;
    look.conduction = usual > 0 ? look.atrial_bpm / look.ventricular_bpm : 0;
    return look;
}

/* Of leads that show the wave high enough, else of all, the one in which it stands out most. */
static bool is_better(const struct xw_ecg_flutter_look *look,
                      const struct xw_ecg_flutter_look *than)
{
    float least = xw_ecg_tables.afl_height_uv;
    bool high = look->height_uv >= least, other_high = than->height_uv >= least;
    if (look->lead < 0 || than->lead < 0 || high != other_high)
        return look->lead >= 0 && (than->lead < 0 || high);
    return look->peak_ratio > than->peak_ratio;
}

struct xw_ecg_flutter_look xw_ecg_flutter_look(const struct xw_ecg_avblock *a, uint32_t usable)
{
    struct xw_ecg_flutter_look best = {.lead = -1};
    struct view v = {0};
    if (!view_of(a, &v))
        return best;
    uint32_t leads = usable & ((1U << a->leads_n) - 1);
    for (int i = 0; i < WINDOW; i++)
        leads &= ~a->bad[(size_t)(v.first + i) & (XW_ECG_AVB_RING - 1)];
    for (unsigned c = 0; c < a->leads_n; c++) {
        if (!(leads >> c & 1))
            continue;
        float x[WINDOW];
        prepare(a, &v, c, x);
        struct xw_ecg_flutter_look look = look_at(&v, x, (int)c);
        if (is_better(&look, &best))
            best = look;
    }
    return best;
}
