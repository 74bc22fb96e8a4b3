/* Figures of the irregularity of RR intervals. */
#include "dsp/ecg/af.h"
#include "dsp/core/quad.h"
#include "dsp/core/select.h"

#include <math.h>
#include <string.h>

enum {
    WINDOW_MAX = XW_ECG_AF_DEEP + XW_ECG_AF_FAR + 1,
    BEFORE = 4,
    BINS = 80,
    ORDERS = 3, /* an interval may be broken into so many */
    GRID = 40,  /* bins of 4 % for a period from 0.33 to 1.6 s */
    LEVELS = 5, /* of a difference, for words of two */
};

/* Differences of logarithms: a share of the interval. */
static const float ALIKE = 0.05F, CAP = 0.5F, FORETOLD_CAP = 0.3F, EXACT = 0.02F, OFF = 0.07F,
                   EARLY = 0.10F, LATE = 0.40F, STEP = 0.04F, STEP_LARGE = 0.12F,
                   GRID_FROM = -1.11F;

/* The intervals of one window. */
struct view {
    float x[WINDOW_MAX]; /* logarithms */
    bool joined[WINDOW_MAX];
    unsigned n;
};

static float median_of(const float *x, unsigned n)
{
    float own[WINDOW_MAX];
    memcpy(own, x, n * sizeof(*x));
    return xw_dsp_select_median(own, n);
}

/* How the intervals crowd: share in the fullest three bins of 4 %, and what lies off that crowd.
 * Ectopic beats come early, then a pause, around a crowd that is the sinus rate; in fibrillation
 * near flutter the crowd is the shortest interval and the others are longer. */
static float measure_crowd(const float *x, unsigned n, float *ret)
{
    unsigned count[BINS + 2] = {0}, most = 0, best = 1;
    for (unsigned i = 0; i < n; i++) {
        int bin = (int)((x[i] + 1.61F) / 0.04F);
        count[1 + (bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin)]++;
    }
    for (unsigned b = 1; b <= BINS; b++) {
        unsigned three = count[b - 1] + count[b] + count[b + 1];
        if (three > most) {
            most = three;
            best = b;
        }
    }
    float middle = ((float)best - 0.5F) * 0.04F - 1.61F;
    unsigned short_n = 0, long_n = 0, paired_n = 0;
    for (unsigned i = 0; i < n; i++) {
        bool is_short = x[i] < middle - OFF;
        short_n += is_short;
        long_n += x[i] > middle + OFF;
        paired_n += is_short && i + 1 < n && x[i + 1] > middle + 0.02F;
    }
    ret[0] = (float)most / (float)n;
    ret[1] = (float)short_n / (float)n;
    ret[2] = (float)long_n / (float)n;
    ret[3] = ((float)paired_n + 1) / ((float)short_n + 3);
    return middle;
}

/* Which x[k] are like y[k], bit by bit, 64 at most. */
static uint64_t alike_of(const float *x, const float *y, unsigned n)
{
    uint64_t alike = 0;
    unsigned k = 0;
    for (; k + XW_DSP_LANE_QUANTUM <= n; k += XW_DSP_LANE_QUANTUM) {
        xw_quad apart = xw_quad_abs(xw_quad_load(x + k) - xw_quad_load(y + k));
        alike |= (uint64_t)xw_quad_bits(apart < xw_quad_all(ALIKE)) << k;
    }
    for (; k < n; k++)
        alike |= (uint64_t)(fabsf(x[k] - y[k]) < ALIKE) << k;
    return alike;
}

static unsigned ones(uint64_t bits)
{
    return (unsigned)__builtin_popcountll(bits);
}

/* Pairs alike, pairs alike whose successors are alike too. */
static void measure_pairs(const float *x, unsigned n, float *ret)
{
    enum { WORD = 64 };
    unsigned alike_n = 0, one_n = 0, kept_one_n = 0, two_n = 0, kept_two_n = 0;
    for (unsigned away = 1; away < n; away++) {
        uint64_t last = 0;                              /* the word before this one */
        for (unsigned k = 0; k + away < n; k += WORD) { /* x[k] against x[k + away] */
            unsigned here_n = n - away - k < WORD ? n - away - k : WORD;
            uint64_t alike = alike_of(x + k, x + k + away, here_n);
            uint64_t there = here_n < WORD ? (1ULL << here_n) - 1 : UINT64_MAX;
            uint64_t before = (alike << 1 | last >> (WORD - 1)) & there;
            uint64_t two = before & (alike << 2 | last >> (WORD - 2));
            alike_n += ones(alike);
            one_n += ones(before);
            kept_one_n += ones(before & alike);
            two_n += ones(two);
            kept_two_n += ones(two & alike);
            last = alike;
        }
    }
    float pairs = 0.5F * (float)n * (float)(n - 1);
    ret[0] = logf(((float)alike_n + 1) / (pairs + 2));
    float share = ((float)alike_n + 1) / (pairs + 2);
    ret[1] = logf(((float)kept_one_n + 4 * share) / (((float)one_n + 4) * share));
    ret[2] = logf(((float)kept_two_n + 4 * share) / (((float)two_n + 4) * share));
}

static void measure_order(const float *x, unsigned n, float *ret)
{
    float middle = median_of(x, n), differences[WINDOW_MAX] = {0};
    float sum = 0, foretold = 0, one = 0, two = 0, all = 1e-4F, turns_n = 0, exact_n = 0;
    for (unsigned i = 0; i < n; i++) {
        float here = fminf(fmaxf(x[i] - middle, -CAP), CAP);
        all += here * here;
        if (!i)
            continue;
        differences[i - 1] = fabsf(x[i] - x[i - 1]);
        sum += fminf(differences[i - 1], CAP);
        one += here * fminf(fmaxf(x[i - 1] - middle, -CAP), CAP);
        if (i >= 2)
            two += here * fminf(fmaxf(x[i - 2] - middle, -CAP), CAP);
        if (i + 1 < n)
            turns_n += (x[i] - x[i - 1]) * (x[i + 1] - x[i]) < 0;
        float nearest = FORETOLD_CAP;
        for (unsigned k = 1; k <= BEFORE && k <= i; k++)
            nearest = fminf(nearest, fabsf(x[i] - x[i - k]));
        foretold += nearest;
        exact_n += nearest < EXACT;
    }
    float m = (float)(n - 1);
    ret[0] = logf(sum / m + 0.005F);
    ret[1] = logf(median_of(differences, n - 1) + 0.005F);
    ret[2] = logf(foretold / m + 0.002F);
    ret[3] = one / all;
    ret[4] = two / all;
    ret[5] = turns_n / (float)n;
    ret[6] = exact_n / m;
}

/* Is there one period that nearly every beat keeps to some beat before it, though beats of noise or
 * early ones may lie between? The best share. Slips of a detector in an even rhythm leave it high;
 * in fibrillation no period is so well kept. */
static float measure_grid(const struct view *v)
{
    unsigned count[GRID + 2] = {0}, best = 0;
    for (unsigned i = 0; i < v->n; i++) {
        uint64_t met = 0;
        float sum = 0;
        for (unsigned k = 0; k < ORDERS && k <= i; k++) {
            sum += expf(v->x[i - k]);
            float bin = (logf(sum) - GRID_FROM) / STEP;
            if (bin >= 0 && bin < GRID)
                met |= 7ULL << (unsigned)bin;
            if (!v->joined[i - k])
                break;
        }
        for (; met; met &= met - 1)
            count[__builtin_ctzll(met)]++;
    }
    for (unsigned b = 1; b <= GRID; b++)
        best = count[b] > best ? count[b] : best;
    return (float)best / (float)v->n;
}

/* What is left without the early beats and the pauses behind them: how much neighbours differ
 * there (ln), and how much is left. Sinus rhythm with many early beats is even then. */
static void measure_kept(const float *x, unsigned n, float middle, float *ret)
{
    float differences[WINDOW_MAX] = {0}, last = 0;
    unsigned kept_n = 0;
    for (unsigned i = 1; i < n; i++) {
        if (x[i] < middle - EARLY || x[i - 1] < middle - EARLY || x[i] > middle + LATE)
            continue;
        if (kept_n)
            differences[kept_n - 1] = fabsf(x[i] - last);
        last = x[i];
        kept_n++;
    }
    ret[0] = logf((kept_n > 2 ? median_of(differences, kept_n - 1) : 0.05F) + 0.005F);
    ret[1] = (float)kept_n / (float)n;
}

static unsigned level_of(float difference)
{
    float size = fabsf(difference);
    unsigned away = size > STEP_LARGE ? 2 : size > STEP ? 1 : 0;
    return difference < 0 ? LEVELS / 2 - away : LEVELS / 2 + away;
}

/* Entropy of words of two differences, over the largest there could be; share of the differences
 * that are small and follow a small one. */
static void measure_words(const float *x, unsigned n, float *ret)
{
    unsigned count[LEVELS * LEVELS] = {0}, words_n = 0, quiet_n = 0;
    for (unsigned i = 2; i < n; i++, words_n++) {
        unsigned before = level_of(x[i - 1] - x[i - 2]), here = level_of(x[i] - x[i - 1]);
        count[before * LEVELS + here]++;
        quiet_n += before == LEVELS / 2 && here == LEVELS / 2;
    }
    float entropy = 0;
    for (unsigned w = 0; w < LEVELS * LEVELS; w++)
        if (count[w])
            entropy -= (float)count[w] * logf((float)count[w] / (float)words_n);
    unsigned most = words_n < LEVELS * LEVELS ? words_n : LEVELS * LEVELS;
    ret[0] = entropy / ((float)words_n * logf((float)most));
    ret[1] = (float)quiet_n / (float)words_n;
}

static void measure_window(const struct view *v, float *to)
{
    float middle;
    measure_order(v->x, v->n, to);
    middle = measure_crowd(v->x, v->n, &to[7]);
    measure_pairs(v->x, v->n, &to[11]);
    to[14] = measure_grid(v);
    measure_kept(v->x, v->n, middle, &to[15]);
    measure_words(v->x, v->n, &to[17]);
}

/* The intervals [first, end); the mean of their logarithms, 0 and no figures under six. */
static float measure_stretch(const struct xw_ecg_af *af, uint64_t first, uint64_t end, float *to)
{
    struct view v = {0};
    float mean = 0;
    for (uint64_t i = first; i < end; i++, v.n++) {
        v.x[v.n] = af->rr[i % XW_ECG_AF_RING].log_rr;
        v.joined[v.n] = af->rr[i % XW_ECG_AF_RING].joined;
        mean += v.x[v.n];
    }
    if (v.n < 6)
        return 0;
    measure_window(&v, to);
    return mean / (float)v.n;
}

void xw_ecg_af_measure(const struct xw_ecg_af *af, uint64_t centre, float *ret_features)
{
    static const struct {
        unsigned before, after;
    } REACH[] = {{XW_ECG_AF_NEAR, XW_ECG_AF_NEAR},
                 {XW_ECG_AF_FAR, XW_ECG_AF_FAR},
                 {XW_ECG_AF_DEEP, XW_ECG_AF_FAR}};
    memset(ret_features, 0, sizeof(float) * XW_ECG_AF_FEATURES);
    float *to = ret_features;
    for (unsigned w = 0; w < 3; w++, to += XW_ECG_AF_PER_WINDOW) {
        uint64_t first = centre > REACH[w].before ? centre - REACH[w].before : 0;
        uint64_t end = centre + REACH[w].after + 1 < af->n ? centre + REACH[w].after + 1 : af->n;
        if (end - first < 6)
            return;
        ret_features[XW_ECG_AF_FEATURES - 2] = measure_stretch(af, first, end, to);
    }
    /* How the two windows differ tells a border. */
    ret_features[XW_ECG_AF_FEATURES - 1] = ret_features[2] - ret_features[XW_ECG_AF_PER_WINDOW + 2];
}

void xw_ecg_af_measure_early(const struct xw_ecg_af *af, float *ret_features)
{
    memset(ret_features, 0, sizeof(float) * XW_ECG_AF_FEATURES);
    uint64_t n = af->n, far = n > XW_ECG_AF_EARLY_FAR ? n - XW_ECG_AF_EARLY_FAR : 0;
    uint64_t past = far > XW_ECG_AF_EARLY_PAST ? far - XW_ECG_AF_EARLY_PAST : 0;
    if (n < XW_ECG_AF_EARLY_NEAR)
        return;
    float *to = ret_features;
    float now = measure_stretch(af, n - XW_ECG_AF_EARLY_NEAR, n, to);
    measure_stretch(af, far, n, to + XW_ECG_AF_PER_WINDOW);
    float before = measure_stretch(af, past, far, to + 2 * XW_ECG_AF_PER_WINDOW);
    ret_features[XW_ECG_AF_FEATURES - 2] = now;
    ret_features[XW_ECG_AF_FEATURES - 1] = far - past < 6 ? 0 : now - before;
}
