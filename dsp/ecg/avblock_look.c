/* The search for a train of P waves beside the QRS complexes. */
#include "dsp/ecg/avblock.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

enum {
    WINDOW = XW_ECG_AVB_WINDOW,
    CENTRE = 2, /* a bump: mean of ±40 ms … */
    SIDE = 3,   /* less that of 60 ms on each side */
    REACH = CENTRE + SIDE,
    QRS_BEFORE = 4, /* the QRS is bridged by a line: around R no P can be seen */
    QRS_AFTER = 6,
    AFTER_MAX = 30, /* the usual T wave: from the QRS to at most so long after R */
    BEATS = 32,
    NEWEST = 30,
    APART = 8, /* peaks */
    PP_MIN = 18,
    PP_MAX = 75,
    PR_MIN = 4,   /* from the P's middle to R */
    AFTER_T = 10, /* a P this close behind R is not one that should be conducted */
    HITS_MIN = 6,
    STEP_MEAN = 10,
    STEP_UV = 2000, /* more than any T wave lifts the mean of 200 ms */
};

struct view {
    const struct xw_ecg_rules *rules;
    int64_t first; /* frame of index 0 */
    int n;
    int r[BEATS], r_n; /* R of all beats */
    int after;         /* end of the usual beat */
    int peak[XW_ECG_AVB_PEAKS], peaks_n;
};

struct train {
    float period;
    int at[XW_ECG_AVB_PEAKS]; /* those seen */
    int hits, misses;
};

static void sort(float *x, int n)
{
    for (int i = 1; i < n; i++) {
        float v = x[i];
        int k = i;
        for (; k > 0 && x[k - 1] > v; k--)
            x[k] = x[k - 1];
        x[k] = v;
    }
}

/* The value that would stand at index k if x were sorted; x is left in another order. */
static float select_rank(float *x, int n, int k)
{
    int low = 0, high = n - 1;
    while (low < high) {
        float pivot = x[(low + high) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (i < high && x[i] < pivot)
                i++;
            while (j > low && x[j] > pivot)
                j--;
            if (i <= j) {
                float v = x[i];
                x[i++] = x[j];
                x[j--] = v;
            }
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            break;
    }
    return x[k];
}

static float sample(const struct xw_ecg_avblock *a, int64_t frame, unsigned lead)
{
    return a->x[((size_t)frame & (XW_ECG_AVB_RING - 1)) * a->lanes + lead];
}

/* Its mean level of a fifth of a second is far from that of the fifth before: the electrode was
 * touched. The edge makes a beat that is none, and what follows it bumps that are no P waves. */
static bool is_stepped(const struct xw_ecg_avblock *a, const struct view *v, unsigned lead)
{
    float difference = 0;
    for (int i = 0; i < v->n; i++) {
        difference += sample(a, v->first + i, lead);
        if (i >= STEP_MEAN)
            difference -= 2 * sample(a, v->first + i - STEP_MEAN, lead);
        if (i >= 2 * STEP_MEAN)
            difference += sample(a, v->first + i - 2 * STEP_MEAN, lead);
        if (i >= 2 * STEP_MEAN - 1 && fabsf(difference) > STEP_UV * STEP_MEAN)
            return true;
    }
    return false;
}

static uint32_t good_leads(const struct xw_ecg_avblock *a, const struct view *v, uint32_t usable)
{
    uint32_t bad = 0;
    for (int i = 0; i < v->n; i++)
        bad |= a->bad[(size_t)(v->first + i) & (XW_ECG_AVB_RING - 1)];
    uint32_t good = usable & ~bad & ((1U << a->leads_n) - 1);
    for (uint32_t rest = good; rest; rest &= rest - 1)
        if (is_stepped(a, v, (unsigned)__builtin_ctz(rest)))
            good &= ~(1U << __builtin_ctz(rest));
    return good;
}

/* One lead, with lines in the place of the QRS: their steep waves would spread through the filter
 * into the P waves beside them. */
static void bridge(const struct xw_ecg_avblock *a, const struct view *v, unsigned lead, float *ret)
{
    for (int i = 0; i < v->n; i++)
        ret[i] = sample(a, v->first + i, lead);
    for (int i = 0; i < v->r_n; i++) {
        int from = v->r[i] - QRS_BEFORE - 1, to = v->r[i] + QRS_AFTER + 1;
        from = from < 0 ? 0 : from;
        to = to > v->n - 1 ? v->n - 1 : to;
        float slope = to > from ? (ret[to] - ret[from]) / (float)(to - from) : 0;
        for (int k = from + 1; k < to; k++)
            ret[k] = ret[from] + slope * (float)(k - from);
    }
}

/* Bumps of about 100 ms of one lead. */
static void filter(struct xw_ecg_avblock *a, const struct view *v, unsigned lead)
{
    float *out = a->lead[lead], x[WINDOW] = {0};
    bridge(a, v, lead, x);
    memset(out, 0, sizeof(float) * WINDOW);
    for (int i = REACH; i < v->n - REACH; i++) {
        float centre = 0, side = 0;
        for (int k = -CENTRE; k <= CENTRE; k++)
            centre += x[i + k];
        for (int k = CENTRE + 1; k <= REACH; k++)
            side += x[i - k] + x[i + k];
        out[i] = centre / (2 * CENTRE + 1) - side / (2 * SIDE);
    }
}

/* Takes the usual T off: the median over the beats, so that a P which stands in some of them does
 * not count. */
static void cancel(struct xw_ecg_avblock *a, const struct view *v, unsigned lead)
{
    float usual[AFTER_MAX], *x = a->lead[lead];
    for (int k = 0; k < v->after; k++) {
        float at[BEATS];
        int n = 0;
        for (int i = 0; i < v->r_n; i++)
            if (v->r[i] + k >= REACH && v->r[i] + k < v->n - REACH)
                at[n++] = x[v->r[i] + k];
        sort(at, n);
        usual[k] = n ? at[n / 2] : 0;
    }
    for (int i = 0; i < v->r_n; i++) {
        int next = i + 1 < v->r_n ? v->r[i + 1] - QRS_BEFORE : v->n;
        for (int k = 0; k < v->after && v->r[i] + k < next; k++)
            if (v->r[i] + k >= REACH && v->r[i] + k < v->n - REACH)
                x[v->r[i] + k] -= usual[k];
    }
}

static void hide(struct xw_ecg_avblock *a, const struct view *v)
{
    for (int i = 0; i < v->n; i++)
        a->hidden[i] = i < REACH || i >= v->n - REACH;
    for (int i = 0; i < v->r_n; i++)
        for (int k = v->r[i] - QRS_BEFORE; k <= v->r[i] + QRS_AFTER; k++)
            if (k >= 0 && k < v->n)
                a->hidden[k] = true;
}

/* All leads seen along the direction in which they move most together (the first principal
 * component of what is left), upright. */
static void project(struct xw_ecg_avblock *a, const struct view *v, uint32_t leads)
{
    float c[XW_ECG_CHANNELS_MAX][XW_ECG_CHANNELS_MAX] = {{0}}, u[XW_ECG_CHANNELS_MAX] = {0};
    unsigned lead[XW_ECG_CHANNELS_MAX], n = 0;
    for (unsigned i = 0; i < a->leads_n; i++)
        if (leads >> i & 1)
            lead[n++] = i;
    for (unsigned i = 0; i < n; i++)
        for (unsigned k = 0; k <= i; k++) {
            float sum = 0;
            for (int t = 0; t < v->n; t++)
                if (!a->hidden[t])
                    sum += a->lead[lead[i]][t] * a->lead[lead[k]][t];
            c[i][k] = c[k][i] = sum;
        }
    unsigned most = 0;
    for (unsigned i = 1; i < n; i++)
        most = c[i][i] > c[most][most] ? i : most;
    u[most] = 1;
    for (int round = 0; round < 16; round++) {
        float w[XW_ECG_CHANNELS_MAX], norm = 0;
        for (unsigned i = 0; i < n; i++) {
            w[i] = 0;
            for (unsigned k = 0; k < n; k++)
                w[i] += c[i][k] * u[k];
            norm += w[i] * w[i];
        }
        for (unsigned i = 0; i < n && norm > 0; i++)
            u[i] = w[i] / sqrtf(norm);
    }
    double skew = 0;
    for (int t = 0; t < v->n; t++) {
        float p = 0;
        for (unsigned i = 0; i < n; i++)
            p += u[i] * a->lead[lead[i]][t];
        a->p[t] = a->hidden[t] ? 0 : p;
        skew += (double)a->p[t] * (double)a->p[t] * (double)a->p[t];
    }
    for (int t = 0; t < v->n && skew < 0; t++)
        a->p[t] = -a->p[t];
}

/* Peaks well above what else is there. */
static void find_peaks(const struct xw_ecg_avblock *a, struct view *v)
{
    v->peaks_n = 0;
    float all[WINDOW] = {0}, height[XW_ECG_AVB_PEAKS];
    int n = 0, found_n = 0, found[XW_ECG_AVB_PEAKS];
    for (int i = 0; i < v->n; i++)
        if (!a->hidden[i])
            all[n++] = fabsf(a->p[i]);
    if (!n)
        return;
    float noise = select_rank(all, n, n / 2);
    for (int i = 1; i + 1 < v->n && found_n < XW_ECG_AVB_PEAKS; i++) {
        bool top = a->p[i] > T.avb_p_uv && a->p[i] >= a->p[i - 1] && a->p[i] > a->p[i + 1];
        for (int k = -APART; k <= APART && top; k++)
            top = i + k < 0 || i + k >= v->n || a->p[i + k] <= a->p[i];
        if (top) {
            height[found_n] = a->p[i];
            found[found_n++] = i;
        }
    }
    float ranked[XW_ECG_AVB_PEAKS];
    memcpy(ranked, height, sizeof(float) * (size_t)found_n);
    sort(ranked, found_n);
    float least = found_n ? fmaxf(0.5F * ranked[found_n * 4 / 5], 3.5F * noise) : 0;
    for (int i = 0; i < found_n; i++)
        if (height[i] >= least)
            v->peak[v->peaks_n++] = found[i];
}

/* The peak nearest to `at`; *hint: where to look first, as `at` only grows. -1: no peaks. */
static int nearest(const struct view *v, float at, int *hint)
{
    if (!v->peaks_n)
        return -1;
    while (*hint + 1 < v->peaks_n &&
           fabsf((float)v->peak[*hint + 1] - at) < fabsf((float)v->peak[*hint] - at))
        ++*hint;
    return v->peak[*hint];
}

static bool is_hidden(const struct xw_ecg_avblock *a, const struct view *v, int at)
{
    for (int k = at - 2; k <= at + 2; k++)
        if (k < 0 || k >= v->n || a->hidden[k])
            return true;
    return false;
}

/* Walks from a peak with this period. Where a QRS stands nothing can be seen: neither for nor
 * against. */
static struct train walk(const struct xw_ecg_avblock *a, const struct view *v, int from,
                         float period)
{
    struct train t = {.period = period};
    float at = (float)from, most = 1 + (1 / v->rules->avb_seen - 1) * (float)v->peaks_n;
    int hint = 0;
    for (; at < (float)v->n && (float)t.misses <= most; at += t.period) {
        int peak = nearest(v, at, &hint);
        float off = (float)peak - at;
        if (peak >= 0 && fabsf(off) <= fmaxf(3, 0.1F * t.period)) {
            if (t.hits == 0 || peak > t.at[t.hits - 1])
                t.at[t.hits++] = peak;
            t.period += 0.2F * off;
            at = (float)peak;
        } else if (!is_hidden(a, v, (int)at)) {
            t.misses++;
        }
    }
    return t;
}

static struct train find_train(const struct xw_ecg_avblock *a, const struct view *v)
{
    struct train best = {0};
    for (int from = 0; from < 3 && from < v->peaks_n; from++)
        for (int period = PP_MIN; period <= PP_MAX; period++) {
            struct train t = walk(a, v, v->peak[from], (float)period);
            float expected = (float)(t.hits + t.misses);
            if (t.hits >= HITS_MIN && (float)t.hits >= v->rules->avb_seen * expected &&
                4 * t.hits >= 3 * v->peaks_n && t.hits - t.misses > best.hits - best.misses)
                best = t;
        }
    return best;
}

/* Median spacing of the P waves seen, those next to each other. */
static float period_of(const struct train *t)
{
    float pp[XW_ECG_AVB_PEAKS];
    int n = 0;
    for (int i = 1; i < t->hits; i++)
        if ((float)(t->at[i] - t->at[i - 1]) < 1.5F * t->period)
            pp[n++] = (float)(t->at[i] - t->at[i - 1]);
    sort(pp, n);
    return n ? pp[n / 2] : t->period;
}

struct verdict {
    int conducted, blocked, jumps,
        growing; /* P waves; jumps of PR over a blocked P, of them down */
    int led;     /* R with a P before them */
    float pr_max, lock, spread, rr;
};

static int r_after(const struct view *v, int at)
{
    for (int i = 0; i < v->r_n; i++)
        if (v->r[i] > at)
            return i;
    return v->r_n;
}

static struct verdict weigh(const struct view *v, const struct train *t, float period)
{
    struct verdict w = {0};
    int pr_max = (int)(v->rules->avb_pr_max_s * XW_ECG_AVB_HZ), before = 0;
    bool skipped = false;
    for (int i = 0; i < t->hits; i++) {
        int k = r_after(v, t->at[i]), next = k < v->r_n ? v->r[k] : v->n;
        int pr = next - t->at[i];
        if (k < v->r_n && pr >= PR_MIN && pr <= pr_max) {
            w.conducted++;
            w.pr_max = fmaxf(w.pr_max, (float)pr);
            if (skipped && before) {
                w.jumps++;
                w.growing += before > pr + 1;
            }
            before = pr;
            skipped = false;
        } else if (pr > pr_max && k > 0 && t->at[i] - v->r[k - 1] >= AFTER_T) {
            w.blocked++;
            skipped = true;
        }
    }
    double re = 0, im = 0;
    float low = INFINITY, high = 0, rr[BEATS];
    int n = 0, rr_n = 0;
    for (int i = 0; i < v->r_n; i++) {
        float phase = -1;
        for (int k = 0; k < t->hits; k++) {
            float pr = (float)(v->r[i] - t->at[k]);
            if (pr >= 0 && pr < 2 * period)
                phase = fmodf(pr, period) / period;
            w.led += pr >= PR_MIN && pr <= (float)pr_max &&
                     (k + 1 == t->hits || t->at[k + 1] >= v->r[i]);
        }
        if (phase >= 0) {
            re += cos(6.283185307179586 * (double)phase);
            im += sin(6.283185307179586 * (double)phase);
            n++;
        }
        if (i > 0) {
            rr[rr_n] = (float)(v->r[i] - v->r[i - 1]);
            low = fminf(low, rr[rr_n]);
            high = fmaxf(high, rr[rr_n++]);
        }
    }
    sort(rr, rr_n);
    w.rr = rr_n ? rr[rr_n / 2] : 0;
    w.spread = w.rr > 0 ? (high - low) / w.rr : 1;
    w.lock = n ? (float)(sqrt(re * re + im * im) / n) : 1;
    return w;
}

/* Second degree: nearly every QRS is led by a P, and P waves are left over. */
static const char *second_degree(const struct view *v, const struct verdict *w)
{
    if (w->blocked < (int)v->rules->avb2_blocked_n || w->conducted < 3 ||
        4 * w->led < 3 * (v->r_n - 1) || 2 * w->blocked > 3 * w->conducted)
        return NULL;
    if (w->spread < T.avb3_rr_spread && 5 * w->blocked >= 4 * w->conducted - 5)
        return "av-block-2-to-1";
    return 2 * w->growing > w->jumps ? "av-block-wenckebach" : "av-block-constant-pr";
}

static bool is_third_degree(const struct view *v, const struct verdict *w, float period)
{
    return v->r_n >= 5 && w->spread < T.avb3_rr_spread &&
           w->rr > 60.0F * XW_ECG_AVB_HZ / v->rules->avb3_bpm && w->rr > T.avb3_ratio * period &&
           w->lock < T.avb3_lock;
}

static bool view_of(const struct xw_ecg_avblock *a, struct view *v)
{
    /* What is newest may hold a QRS that is not known yet. */
    int64_t end = a->n > NEWEST ? a->n - NEWEST : 0;
    v->n = (int)(end < WINDOW ? end : WINDOW);
    v->first = end - v->n;
    int64_t low = a->beats_n > XW_ECG_AVB_BEATS ? (int64_t)a->beats_n - XW_ECG_AVB_BEATS : 0;
    for (int64_t i = low; i < (int64_t)a->beats_n; i++) {
        int64_t at = a->beat[i % XW_ECG_AVB_BEATS].frame - v->first;
        if (at < -AFTER_MAX || at >= v->n + QRS_BEFORE)
            continue;
        if (v->r_n == BEATS)
            return false;
        v->r[v->r_n++] = (int)at;
    }
    if (v->n < WINDOW / 2 || v->r_n < 4)
        return false;
    float rr[BEATS];
    for (int i = 1; i < v->r_n; i++)
        rr[i - 1] = (float)(v->r[i] - v->r[i - 1]);
    sort(rr, v->r_n - 1);
    float rr_s = fminf(rr[(v->r_n - 1) / 2] / XW_ECG_AVB_HZ, 1.44F);
    v->after = (int)(0.48F * sqrtf(rr_s) * XW_ECG_AVB_HZ);
    v->after = v->after < AFTER_MAX ? v->after : AFTER_MAX;
    return true;
}

struct xw_ecg_avb_look xw_ecg_avblock_look(struct xw_ecg_avblock *a,
                                           const struct xw_ecg_rules *rules, uint32_t usable)
{
    struct xw_ecg_avb_look look = {.code = XW_ECG_CODE_NONE};
    struct view v = {.rules = rules};
    if (!view_of(a, &v))
        return look;
    uint32_t leads = good_leads(a, &v, usable);
    if (!leads)
        return look;
    for (unsigned c = 0; c < a->leads_n; c++)
        if (leads >> c & 1) {
            filter(a, &v, c);
            cancel(a, &v, c);
        }
    hide(a, &v);
    project(a, &v, leads);
    struct train t = {0};
    for (int turned = 0; turned < 2 && !t.hits; turned++) {
        for (int i = 0; i < v.n && turned; i++)
            a->p[i] = -a->p[i];
        find_peaks(a, &v);
        t = find_train(a, &v);
    }

    if (!t.hits)
        return look;
    float period = period_of(&t);
    struct verdict w = weigh(&v, &t, period);

    look.rule = second_degree(&v, &w);
    if (is_third_degree(&v, &w, period)) {
        look.code = XW_ECG_RHYTHM_AVB3;
        look.rule = "av-block-dissociation";
    } else if (look.rule) {
        look.code = XW_ECG_RHYTHM_AVB2;
    }
    look.atrial_bpm = 60.0F * XW_ECG_AVB_HZ / period;
    look.ventricular_bpm = w.rr > 0 ? 60.0F * XW_ECG_AVB_HZ / w.rr : 0;
    look.seen = (float)t.hits / (float)(t.hits + t.misses);
    look.blocked_n = (float)w.blocked;
    look.pr_ms = w.pr_max * 1000 / XW_ECG_AVB_HZ;
    look.lock = w.lock;
    look.first_frame = v.first + t.at[0];
    return look;
}
