/* Beats of the last minute and their features. */
#include "dsp/ecg/history.h"
#include "dsp/core/select.h"

#include <math.h>

enum { MASK = XW_ECG_HISTORY_BEATS - 1, AROUND = 24, NEAR = 8, P_AROUND = 48 };

static const float RR_MAX_MS = 3000, ALIKE = 0.8F, EARLY = 0.8F;

int xw_ecg_history_init(struct xw_ecg_history *h, unsigned leads_n)
{
    memset(h, 0, sizeof(*h));
    int error = xw_ecg_clusters_init(&h->clusters, leads_n);
    if (error)
        return error;
    size_t floats = XW_ECG_HISTORY_BEATS * xw_ecg_picture_floats(h->clusters.lanes);
    h->pictures = xw_dsp_calloc(floats, sizeof(float));
    if (!h->pictures) {
        xw_ecg_history_done(h);
        return -ENOMEM;
    }
    return 0;
}

void xw_ecg_history_done(struct xw_ecg_history *h)
{
    xw_ecg_clusters_done(&h->clusters);
    free(h->pictures);
    h->pictures = NULL;
}

void xw_ecg_history_resume(struct xw_ecg_history *h)
{
    memset(h->beat, 0, sizeof(h->beat));
    h->beats_n = h->settled_n = 0;
    for (int i = 0; i < XW_ECG_CLUSTERS; i++)
        h->clusters.cluster[i].last_beat = 0;
}

void xw_ecg_history_reset(struct xw_ecg_history *h)
{
    xw_ecg_history_resume(h);
    xw_ecg_clusters_reset(&h->clusters);
    h->long_n = 0;
    h->usual_width_ms = 0;
}

static float *picture_of(struct xw_ecg_history *h, uint64_t index)
{
    return h->pictures + (index & MASK) * xw_ecg_picture_floats(h->clusters.lanes);
}

static void sort(float *x, unsigned n)
{
    for (unsigned i = 1; i < n; i++) {
        float v = x[i];
        unsigned k = i;
        for (; k > 0 && x[k - 1] > v; k--)
            x[k] = x[k - 1];
        x[k] = v;
    }
}

static unsigned rank_of(unsigned n, float share)
{
    return (unsigned)(share * (float)(n - 1) + 0.5F);
}

static float rank(const float *sorted, unsigned n, float share)
{
    return n ? sorted[rank_of(n, share)] : 0;
}

static float blend(float old, float fresh, unsigned n)
{
    return old + (fresh - old) / (float)(n < 32 ? n : 32);
}

struct rhythm {
    float usual, low, high, jumps, near, clean, rank;
};

static bool is_clean(const struct xw_ecg_past *a, const struct xw_ecg_past *b)
{
    return a->like >= ALIKE && b->like >= ALIKE;
}

/* RR intervals around beat `index`: those between beats of the dominant kind, or all of them where
 * such are rare. */
static struct rhythm rhythm_at(struct xw_ecg_history *h, uint64_t index)
{
    float all[2 * AROUND + 1], clean[2 * AROUND + 1], steps[2 * AROUND + 1];
    float near = 0, own = xw_ecg_history_at(h, index)->rr_ms;
    unsigned all_n = 0, clean_n = 0, steps_n = 0, near_n = 0, shorter_n = 0;
    uint64_t oldest = h->beats_n > XW_ECG_HISTORY_BEATS ? h->beats_n - XW_ECG_HISTORY_BEATS : 0;
    uint64_t ahead = h->beats_n - 1 - index < AROUND ? h->beats_n - 1 - index : AROUND;
    uint64_t back = 2 * AROUND - ahead;
    uint64_t first = index >= oldest + back ? index - back : oldest;
    for (uint64_t i = first; i <= index + ahead; i++) {
        const struct xw_ecg_past *b = xw_ecg_history_at(h, i);
        if (b->rr_ms <= 0 || b->rr_ms > RR_MAX_MS)
            continue;
        all[all_n++] = b->rr_ms;
        shorter_n += b->rr_ms < 0.97F * own;
        if (i < index && i + NEAR >= index) {
            near += b->rr_ms;
            near_n++;
        }
        if (i == first)
            continue;
        const struct xw_ecg_past *a = xw_ecg_history_at(h, i - 1);
        if (is_clean(a, b)) {
            clean[clean_n++] = b->rr_ms;
            if (a->rr_ms > 0 && a->rr_ms <= RR_MAX_MS)
                steps[steps_n++] = fabsf(b->rr_ms - a->rr_ms);
        }
    }
    struct rhythm r = {.clean = all_n ? (float)clean_n / (float)all_n : 1};
    const float *x = clean_n >= 5 && 4 * clean_n >= all_n ? clean : all;
    unsigned n = x == clean ? clean_n : all_n;
    sort(x == clean ? clean : all, n);
    r.usual = n ? rank(x, n, 0.5F) : 800;
    r.low = n ? rank(x, n, 0.25F) : 800;
    r.high = n ? rank(x, n, 0.75F) : 800;
    r.jumps = steps_n ? xw_dsp_select(steps, steps_n, rank_of(steps_n, 0.5F)) : 0;
    r.near = near_n ? near / (float)near_n : r.usual;
    r.rank = all_n ? (float)shorter_n / (float)all_n : 0;
    return r;
}

struct long_rr {
    float middle, high;
};

/* Median and upper tenth of the last minutes, or those given while there are few. */
static struct long_rr long_rr(const struct xw_ecg_history *h, float middle, float high)
{
    float x[XW_ECG_HISTORY_LONG];
    unsigned n = (unsigned)(h->long_n < XW_ECG_HISTORY_LONG ? h->long_n : XW_ECG_HISTORY_LONG);
    if (n < 8)
        return (struct long_rr){middle, high};
    memcpy(x, h->long_rr, n * sizeof(x[0]));
    float middle_rr = xw_dsp_select(x, n, rank_of(n, 0.5F));
    return (struct long_rr){middle_rr, xw_dsp_select(x, n, rank_of(n, 0.9F))};
}

static bool same_kind(const struct xw_ecg_history *h, const struct xw_ecg_past *b)
{
    return b->pictured && h->clusters.cluster[b->cluster].generation == b->generation;
}

/* What the kinds learn from RR: before the beat when it comes, after it one beat later. */
static void teach_kind(struct xw_ecg_history *h, const struct xw_ecg_past *b, float usual)
{
    struct xw_ecg_cluster *k = &h->clusters.cluster[b->cluster];
    if (b->rr_ms > 0 && b->rr_ms <= RR_MAX_MS) {
        k->rr_n++;
        k->rr = blend(k->rr, b->rr_ms / usual, k->rr_n);
    }
    if (h->usual_width_ms > 0 && b->width_ms > 0)
        k->width = blend(k->width, b->width_ms / h->usual_width_ms, k->learned_n);
    k->p_like = blend(k->p_like, b->p_like, k->learned_n);
    if (h->beats_n < 2 || b->rr_ms <= 0 || b->rr_ms > RR_MAX_MS)
        return;
    const struct xw_ecg_past *before = xw_ecg_history_at(h, h->beats_n - 2);
    if (!same_kind(h, before))
        return;
    k = &h->clusters.cluster[before->cluster];
    k->post_n++;
    k->post = blend(k->post, b->rr_ms / usual, k->post_n);
}

struct xw_ecg_past *xw_ecg_history_push(struct xw_ecg_history *h,
                                        const struct xw_ecg_signal *signal, int64_t t,
                                        const struct xw_ecg_past *beat, const float *weight)
{
    uint64_t index = h->beats_n++;
    struct xw_ecg_past *b = xw_ecg_history_at(h, index);
    *b = *beat;
    b->cluster = -1;
    b->like = 1;
    b->pictured =
        xw_ecg_picture_take(signal, xw_ecg_picture_centre(signal, t, weight), picture_of(h, index));
    if (!b->pictured)
        return b;
    float high = long_rr(h, 0, 0).high;
    bool early = b->rr_ms > 0 && b->rr_ms < EARLY * high;
    b->cluster =
        xw_ecg_clusters_join(&h->clusters, picture_of(h, index), weight, !early, &b->shift);
    struct xw_ecg_cluster *k = &h->clusters.cluster[b->cluster];
    b->generation = k->generation;
    k->last_beat = index;
    int dominant = xw_ecg_clusters_dominant(&h->clusters);
    struct xw_ecg_likeness l =
        xw_ecg_picture_compare(picture_of(h, index), b->shift, h->clusters.cluster[dominant].x,
                               xw_ecg_part_qrs, weight, h->clusters.lanes, h->clusters.leads_n);
    b->like = l.match;
    b->p_like =
        xw_ecg_picture_compare(picture_of(h, index), b->shift, h->clusters.cluster[dominant].x,
                               xw_ecg_part_p, weight, h->clusters.lanes, h->clusters.leads_n)
            .match;
    if (l.match >= ALIKE && b->width_ms > 0)
        h->usual_width_ms = h->usual_width_ms > 0
                                ? h->usual_width_ms + 0.05F * (b->width_ms - h->usual_width_ms)
                                : b->width_ms;
    teach_kind(h, b, rhythm_at(h, index).usual);
    if (b->rr_ms > 0 && b->rr_ms <= RR_MAX_MS && index % 4 == 0 && index > 0 &&
        is_clean(xw_ecg_history_at(h, index - 1), b))
        h->long_rr[h->long_n++ % XW_ECG_HISTORY_LONG] = b->rr_ms;
    return b;
}

static float ratio(float a, float b)
{
    return b > 0 ? fminf(a / b, 8) : 0;
}

static float ln(float x)
{
    return logf(fmaxf(x, 1e-3F));
}

/* An RR interval between two beats of the dominant kind, or 0. */
static float clean_rr(struct xw_ecg_history *h, uint64_t index)
{
    const struct xw_ecg_past *b = xw_ecg_history_at(h, index);
    bool clean = b->rr_ms > 0 && is_clean(xw_ecg_history_at(h, index - 1), b);
    return clean ? b->rr_ms : 0;
}

static bool is_jump(float quotient)
{
    return quotient < 0.85F || quotient > 1.18F;
}

/* Match of the P parts of the beats without a jump of RR between them. */
struct p_run {
    float sum;
    unsigned n;
};

static void add_p(struct p_run *p, const struct xw_ecg_past *b)
{
    if (b->pictured && p->n < 2 * AROUND) {
        p->sum += b->p_like;
        p->n++;
    }
}

/* From the beat back to the last time that RR jumped: the first RR after the jump over the one
 * before it. RR next to other kinds of beats are passed over. */
static void find_jump(struct xw_ecg_history *h, uint64_t index, float *x, struct p_run *p)
{
    const struct xw_ecg_past *b = xw_ecg_history_at(h, index);
    uint64_t oldest = h->beats_n > XW_ECG_HISTORY_BEATS ? h->beats_n - XW_ECG_HISTORY_BEATS : 0;
    float later = b->rr_ms, back_n = 0;
    x[XW_ECG_FEATURE_JUMP] = 1;
    for (uint64_t i = index; i > oldest + 1 && later > 0; i--) {
        float rr = clean_rr(h, i - 1);
        back_n += 1;
        if (rr <= 0)
            continue;
        if (is_jump(later / rr)) {
            x[XW_ECG_FEATURE_JUMP] = ratio(later, rr);
            break;
        }
        add_p(p, xw_ecg_history_at(h, i - 1));
        later = rr;
    }
    x[XW_ECG_FEATURE_JUMP_AGO] = logf(1 + back_n);
}

static void find_end(struct xw_ecg_history *h, uint64_t index, float *x, struct p_run *p)
{
    float before = xw_ecg_history_at(h, index)->rr_ms, ahead_n = 0;
    x[XW_ECG_FEATURE_END] = 1;
    for (uint64_t i = index + 1; i < h->beats_n && before > 0; i++) {
        float rr = clean_rr(h, i);
        ahead_n += 1;
        if (rr <= 0)
            continue;
        if (is_jump(rr / before)) {
            x[XW_ECG_FEATURE_END] = ratio(rr, before);
            break;
        }
        add_p(p, xw_ecg_history_at(h, i));
        before = rr;
    }
    x[XW_ECG_FEATURE_END_AHEAD] = logf(1 + ahead_n);
}

/* Median match of the P parts around beat `index`, of beats of the dominant kind that are not early
 * against the long RR of the last minutes: what a P wave in this rhythm is worth. Where a sluggish
 * sinus node lets early beats be the many, the few late ones tell. */
static float steady_p(struct xw_ecg_history *h, uint64_t index, float high)
{
    float late[2 * P_AROUND + 1], all[2 * P_AROUND + 1];
    unsigned late_n = 0, all_n = 0;
    uint64_t oldest = h->beats_n > XW_ECG_HISTORY_BEATS ? h->beats_n - XW_ECG_HISTORY_BEATS : 0;
    uint64_t end = h->beats_n - index > P_AROUND ? index + P_AROUND : h->beats_n;
    uint64_t first = end > oldest + 2 * P_AROUND ? end - 2 * P_AROUND : oldest;
    for (uint64_t i = first; i < end; i++) {
        const struct xw_ecg_past *b = xw_ecg_history_at(h, i);
        if (!b->pictured || b->like < ALIKE || i == index)
            continue;
        all[all_n++] = b->p_like;
        if (b->rr_ms >= EARLY * high)
            late[late_n++] = b->p_like;
    }
    float *x = late_n >= 3 ? late : all;
    unsigned n = x == late ? late_n : all_n;
    return n ? xw_dsp_select(x, n, rank_of(n, 0.5F)) : 0;
}

/* RR of the beat so many before (< 0) or after, or the usual one. */
static float rr_at(struct xw_ecg_history *h, uint64_t index, int off, float usual)
{
    uint64_t oldest = h->beats_n > XW_ECG_HISTORY_BEATS ? h->beats_n - XW_ECG_HISTORY_BEATS : 0;
    if ((off < 0 && index < oldest + (uint64_t)-off) ||
        (off > 0 && index + (uint64_t)off >= h->beats_n))
        return 0;
    float rr = xw_ecg_history_at(h, index + (uint64_t)(int64_t)off)->rr_ms;
    return rr > 0 && rr <= RR_MAX_MS ? rr : usual;
}

/* Median of the two RR before it and of those of the second and third beat after it, as far as
 * they are there. */
static float rr_of_four(struct xw_ecg_history *h, uint64_t index, float usual)
{
    static const int OFF[4] = {-2, -1, 2, 3};
    float x[4];
    unsigned n = 0;
    for (unsigned i = 0; i < 4; i++) {
        float rr = rr_at(h, index, OFF[i], usual);
        if (rr > 0)
            x[n++] = rr;
    }
    sort(x, n);
    return n == 0 ? usual : 0.5F * (x[(n - 1) / 2] + x[n / 2]);
}

static void time_features(struct xw_ecg_history *h, uint64_t index, float *x)
{
    const struct xw_ecg_past *b = xw_ecg_history_at(h, index);
    struct rhythm r = rhythm_at(h, index);
    float rr = b->rr_ms > 0 ? b->rr_ms : r.usual;
    const struct xw_ecg_past *before = index > 0 ? xw_ecg_history_at(h, index - 1) : NULL;
    float rr_before = before && before->rr_ms > 0 ? before->rr_ms : r.usual;
    x[XW_ECG_FEATURE_RR] = ratio(rr, r.usual);
    x[XW_ECG_FEATURE_RR_BEFORE] = ratio(rr_before, r.usual);
    x[XW_ECG_FEATURE_RR_STEP] = ratio(rr, rr_before);
    x[XW_ECG_FEATURE_RR_NEAR] = ratio(rr, r.near);
    struct long_rr longer = long_rr(h, r.usual, r.high);
    x[XW_ECG_FEATURE_RR_LONG] = ratio(rr, longer.high);
    x[XW_ECG_FEATURE_RR_MIDDLE] = ratio(rr, longer.middle);
    x[XW_ECG_FEATURE_P_STEADY] = steady_p(h, index, longer.high);
    x[XW_ECG_FEATURE_P_ODD] = b->p_like - x[XW_ECG_FEATURE_P_STEADY];
    x[XW_ECG_FEATURE_RR_TWO] = ratio(rr, rr_at(h, index, -2, r.usual));
    x[XW_ECG_FEATURE_RR_FOUR] = ratio(rr, rr_of_four(h, index, r.usual));
    x[XW_ECG_FEATURE_RR_RANK] = r.rank;
    x[XW_ECG_FEATURE_EARLY] = fmaxf(
        -20, fminf(20, (r.usual - rr) / fmaxf(fmaxf(r.jumps, r.high - r.low), 0.03F * r.usual)));
    x[XW_ECG_FEATURE_USUAL] = ln(r.usual / 1000);
    x[XW_ECG_FEATURE_SPREAD] = ratio(r.high - r.low, r.usual);
    x[XW_ECG_FEATURE_JUMPS] = ratio(r.jumps, r.usual);
    x[XW_ECG_FEATURE_CLEAN] = r.clean;
    struct p_run p = {0, 0};
    add_p(&p, b);
    find_jump(h, index, x, &p);
    find_end(h, index, x, &p);
    x[XW_ECG_FEATURE_P_RUN] = p.n ? p.sum / (float)p.n - x[XW_ECG_FEATURE_P_STEADY] : 0;
    if (index + 1 >= h->beats_n)
        return;
    const struct xw_ecg_past *next = xw_ecg_history_at(h, index + 1);
    float post = next->rr_ms > 0 ? next->rr_ms : r.usual;
    x[XW_ECG_FEATURE_POST] = ratio(post, r.usual);
    x[XW_ECG_FEATURE_POST_STEP] = ratio(post, rr);
    x[XW_ECG_FEATURE_SUM] = ratio(rr + post, 2 * r.usual);
}

static struct xw_ecg_likeness compare(struct xw_ecg_history *h, uint64_t index, const float *with,
                                      int shift, struct xw_ecg_part part, const float *weight)
{
    return xw_ecg_picture_compare(picture_of(h, index), shift, with, part, weight,
                                  h->clusters.lanes, h->clusters.leads_n);
}

/* Two beats' QRS against each other: their pictures, moved to their middles. */
static struct xw_ecg_likeness compare_beats(struct xw_ecg_history *h, uint64_t one, uint64_t two,
                                            const float *weight)
{
    const struct xw_ecg_past *a = xw_ecg_history_at(h, one), *b = xw_ecg_history_at(h, two);
    struct xw_ecg_likeness l = {.energy = 1};
    if (!a->pictured || !b->pictured)
        return l;
    const float *with = picture_of(h, two) + (ptrdiff_t)b->shift * (ptrdiff_t)h->clusters.lanes;
    return compare(h, one, with, a->shift, xw_ecg_part_qrs, weight);
}

static void shape_features(struct xw_ecg_history *h, uint64_t index, const float *weight, float *x)
{
    struct xw_ecg_past *b = xw_ecg_history_at(h, index);
    int dominant = xw_ecg_clusters_dominant(&h->clusters);
    if (dominant < 0 || !b->pictured)
        return;
    const struct xw_ecg_cluster *main = &h->clusters.cluster[dominant];
    struct xw_ecg_likeness qrs = {.match = -2};
    int shift = b->shift;
    for (int s = -XW_ECG_PICTURE_SHIFT; s <= XW_ECG_PICTURE_SHIFT; s++) {
        struct xw_ecg_likeness l = compare(h, index, main->x, s, xw_ecg_part_qrs, weight);
        if (l.match > qrs.match) {
            qrs = l;
            shift = s;
        }
    }
    b->like = qrs.match;
    b->p_like = compare(h, index, main->x, shift, xw_ecg_part_p, weight).match;
    x[XW_ECG_FEATURE_MATCH] = qrs.match;
    x[XW_ECG_FEATURE_DIFFERENCE] = fminf(qrs.difference, 8);
    x[XW_ECG_FEATURE_ENERGY] = ln(qrs.energy);
    x[XW_ECG_FEATURE_WORST] = qrs.worst;
    x[XW_ECG_FEATURE_BEST] = qrs.best;
    struct xw_ecg_likeness p = compare(h, index, main->x, shift, xw_ecg_part_p, weight);
    x[XW_ECG_FEATURE_P_MATCH] = p.match;
    x[XW_ECG_FEATURE_P_DIFFERENCE] = fminf(p.difference, 20);
    x[XW_ECG_FEATURE_P_ENERGY] = ln(p.energy);
    x[XW_ECG_FEATURE_P_SHARE] = ln(ratio(p.own, qrs.other));
    x[XW_ECG_FEATURE_P_USUAL] = ln(ratio(p.other, qrs.other));
    struct xw_ecg_likeness t = compare(h, index, main->x, shift, xw_ecg_part_t, weight);
    x[XW_ECG_FEATURE_T_MATCH] = t.match;
    x[XW_ECG_FEATURE_T_DIFFERENCE] = fminf(t.difference, 20);
    struct xw_ecg_pace pace = xw_ecg_picture_pace(picture_of(h, index), shift, weight,
                                                  h->clusters.lanes, h->clusters.leads_n);
    x[XW_ECG_FEATURE_SPEED] = ratio(pace.speed_hz, main->speed_hz);
    x[XW_ECG_FEATURE_SPEED_HZ] = pace.speed_hz;
    x[XW_ECG_FEATURE_BREADTH] = pace.breadth - main->breadth;
    struct xw_ecg_unrest unrest =
        xw_ecg_picture_unrest(picture_of(h, index), weight, h->clusters.lanes, h->clusters.leads_n);
    x[XW_ECG_FEATURE_ROUGH] = ln(ratio(unrest.rough, qrs.other));
    x[XW_ECG_FEATURE_DRIFT] = ln(ratio(unrest.drift, qrs.other));
    struct xw_ecg_likeness last = {.energy = 1};
    if (index > 0 && index + XW_ECG_HISTORY_BEATS > h->beats_n)
        last = compare_beats(h, index, index - 1, weight);
    x[XW_ECG_FEATURE_LAST_MATCH] = last.match;
    x[XW_ECG_FEATURE_LAST_ENERGY] = ln(last.energy);
    if (index + 1 < h->beats_n)
        x[XW_ECG_FEATURE_NEXT_MATCH] = compare_beats(h, index, index + 1, weight).match;
}

static void kind_features(struct xw_ecg_history *h, uint64_t index, const float *weight, float *x)
{
    const struct xw_ecg_past *b = xw_ecg_history_at(h, index);
    int dominant = xw_ecg_clusters_dominant(&h->clusters);
    if (dominant < 0 || !b->pictured)
        return;
    const struct xw_ecg_cluster *main = &h->clusters.cluster[dominant];
    if (!same_kind(h, b)) { /* its kind is gone: a rare one */
        x[XW_ECG_FEATURE_KIND_P] = x[XW_ECG_FEATURE_P_ODD];
        x[XW_ECG_FEATURE_KIND_RR] = x[XW_ECG_FEATURE_RR];
        x[XW_ECG_FEATURE_KIND_WIDTH] = x[XW_ECG_FEATURE_WIDTH];
        x[XW_ECG_FEATURE_KIND_LIKE] = x[XW_ECG_FEATURE_MATCH];
        x[XW_ECG_FEATURE_KIND_POST] = x[XW_ECG_FEATURE_POST];
        return;
    }
    const struct xw_ecg_cluster *k = &h->clusters.cluster[b->cluster];
    x[XW_ECG_FEATURE_KIND_P] = k->p_like - x[XW_ECG_FEATURE_P_STEADY];
    x[XW_ECG_FEATURE_KIND_MATCH] = compare(h, index, k->x, b->shift, xw_ecg_part_qrs, weight).match;
    x[XW_ECG_FEATURE_KIND_SHARE] = xw_ecg_clusters_share(&h->clusters, b->cluster);
    x[XW_ECG_FEATURE_KIND_BEATS] = logf(1 + k->beats_n);
    x[XW_ECG_FEATURE_KIND_RR] = k->rr_n ? k->rr : x[XW_ECG_FEATURE_RR];
    x[XW_ECG_FEATURE_KIND_POST] = k->post_n ? k->post : x[XW_ECG_FEATURE_POST];
    x[XW_ECG_FEATURE_KIND_WIDTH] = k->width > 0 ? k->width : x[XW_ECG_FEATURE_WIDTH];
    x[XW_ECG_FEATURE_KIND_LIKE] =
        b->cluster == dominant ? 1
                               : xw_ecg_picture_compare(k->x, 0, main->x, xw_ecg_part_qrs, weight,
                                                        h->clusters.lanes, h->clusters.leads_n)
                                     .match;
}

void xw_ecg_history_features(struct xw_ecg_history *h, uint64_t index, const float *weight,
                             float ret_x[XW_ECG_FEATURES], bool *ret_complete)
{
    const struct xw_ecg_past *b = xw_ecg_history_at(h, index);
    memset(ret_x, 0, XW_ECG_FEATURES * sizeof(float));
    ret_x[XW_ECG_FEATURE_WIDTH_S] = b->width_ms / 1000;
    ret_x[XW_ECG_FEATURE_WIDTH] = ratio(b->width_ms, h->usual_width_ms);
    ret_x[XW_ECG_FEATURE_LEVEL] = b->q;
    ret_x[XW_ECG_FEATURE_KNOWN] = b->known;
    shape_features(h, index, weight, ret_x);
    time_features(h, index, ret_x);
    kind_features(h, index, weight, ret_x);
    *ret_complete = index + 1 < h->beats_n;
}
