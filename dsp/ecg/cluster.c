/* Pictures of beats, and kinds of them. */
#include "dsp/ecg/cluster.h"

#include <math.h>

enum { FRAMES = XW_ECG_PICTURE_FRAMES, MIDDLE = XW_ECG_PICTURE_MIDDLE, RENEW = 8 };

const struct xw_ecg_part xw_ecg_part_p = {-29, -12};
const struct xw_ecg_part xw_ecg_part_qrs = {-11, 15};
const struct xw_ecg_part xw_ecg_part_t = {15, 31};

static const float SAME = 0.88F, UNEQUAL = 0.1F, ALIKE = 0.85F;
static const float FORGET = 0.9975F; /* per beat */
static const unsigned SLOWEST = 32;

int xw_ecg_clusters_init(struct xw_ecg_clusters *k, unsigned leads_n)
{
    memset(k, 0, sizeof(*k));
    k->leads_n = leads_n;
    k->lanes = xw_dsp_lanes(leads_n);
    k->dominant = -1;
    size_t floats = xw_ecg_picture_floats(k->lanes);
    k->memory = xw_dsp_calloc(XW_ECG_CLUSTERS * floats, sizeof(float));
    if (!k->memory)
        return -ENOMEM;
    for (unsigned i = 0; i < XW_ECG_CLUSTERS; i++)
        k->cluster[i].x = k->memory + i * floats;
    return 0;
}

void xw_ecg_clusters_done(struct xw_ecg_clusters *k)
{
    free(k->memory);
    k->memory = NULL;
}

void xw_ecg_clusters_reset(struct xw_ecg_clusters *k)
{
    k->dominant = -1;
    k->joined_n = 0;
    for (unsigned i = 0; i < XW_ECG_CLUSTERS; i++) {
        float *x = k->cluster[i].x;
        memset(&k->cluster[i], 0, sizeof(k->cluster[i]));
        k->cluster[i].x = x;
    }
}

int64_t xw_ecg_picture_centre(const struct xw_ecg_signal *signal, int64_t t, const float *weight)
{
    enum { REACH = 25, FURTHEST = 20, ROUNDS = 3 };
    int64_t centre = t;
    for (unsigned round = 0; round < ROUNDS; round++) {
        int64_t first = centre - REACH - 1, sum_n = 2 * REACH + 1;
        float sum = 0, moment = 0;
        if (!xw_ecg_signal_has(signal, first, centre + REACH + 2))
            return t;
        const float *x = xw_ecg_signal_frame(signal, first);
        for (int64_t i = 0; i < sum_n; i++, x += signal->lanes) {
            float speed = 0;
            for (unsigned c = 0; c < signal->leads_n; c++) {
                float step = x[2 * signal->lanes + c] - x[c];
                speed += weight[c] * step * step;
            }
            sum += speed;
            moment += speed * (float)(i - REACH);
        }
        int64_t off = sum > 0 ? lroundf(moment / sum) : 0;
        centre += off;
        centre = centre > t + FURTHEST   ? t + FURTHEST
                 : centre < t - FURTHEST ? t - FURTHEST
                                         : centre;
        if (off == 0)
            break;
    }
    return centre;
}

bool xw_ecg_picture_take(const struct xw_ecg_signal *signal, int64_t t, float *ret_picture)
{
    unsigned lanes = signal->lanes;
    int64_t newest = signal->n - 2; /* the last frames stand for those that are not there yet */
    if (t < 0 || t + MIDDLE >= signal->n || signal->n - (t - 2 * MIDDLE - 1) > XW_ECG_SIGNAL_FRAMES)
        return false;
    for (int64_t i = 0; i < FRAMES; i++, ret_picture += lanes) {
        int64_t at = t + 2 * (i - MIDDLE);
        at = at < newest ? at : newest;
        const float *before = xw_ecg_signal_frame(signal, at > 1 ? at - 1 : 0);
        const float *middle = xw_ecg_signal_frame(signal, at > 0 ? at : 0);
        const float *after = xw_ecg_signal_frame(signal, at >= 0 ? at + 1 : 0);
        for (unsigned c = 0; c < lanes; c++)
            ret_picture[c] = 0.25F * before[c] + 0.5F * middle[c] + 0.25F * after[c];
    }
    return true;
}

struct sums {
    float aa[XW_DSP_LANES_MAX], bb[XW_DSP_LANES_MAX], ab[XW_DSP_LANES_MAX];
};

/* Second moments about each lead's own means over the part. */
static void add_up(const float *restrict a, const float *restrict b, unsigned n, unsigned lanes,
                   struct sums *restrict s)
{
    const xw_quad share = xw_quad_all((float)n), none = {0};
    for (unsigned c = 0; c < lanes; c += XW_DSP_LANE_QUANTUM) {
        xw_quad sa = none, sb = none, aa = none, bb = none, ab = none;
        for (unsigned i = 0; i < n; i++) {
            xw_quad x = xw_quad_load(a + (size_t)i * lanes + c);
            xw_quad y = xw_quad_load(b + (size_t)i * lanes + c);
            sa += x;
            sb += y;
            aa += x * x;
            bb += y * y;
            ab += x * y;
        }
        xw_quad_store(s->aa + c, xw_quad_max(none, aa - sa * sa / share));
        xw_quad_store(s->bb + c, xw_quad_max(none, bb - sb * sb / share));
        xw_quad_store(s->ab + c, ab - sa * sb / share);
    }
}

struct xw_ecg_likeness xw_ecg_picture_compare(const float *a, int shift, const float *b,
                                              struct xw_ecg_part part, const float *weight,
                                              unsigned lanes, unsigned leads_n)
{
    struct xw_ecg_likeness l = {.worst = 1, .best = -1};
    struct sums s = {0};
    float top = 0, aa = 0, bb = 0, ab = 0;
    add_up(a + (size_t)(MIDDLE + part.first + shift) * lanes,
           b + (size_t)(MIDDLE + part.first) * lanes, (unsigned)(part.end - part.first), lanes, &s);
    for (unsigned c = 0; c < leads_n; c++) {
        aa += weight[c] * s.aa[c];
        bb += weight[c] * s.bb[c];
        ab += weight[c] * s.ab[c];
        top = xw_max(top, weight[c] * s.bb[c]);
    }
    for (unsigned c = 0; c < leads_n; c++) {
        if (weight[c] * s.bb[c] < 0.15F * top)
            continue;
        float own = s.aa[c] > 0 && s.bb[c] > 0 ? s.ab[c] / sqrtf(s.aa[c] * s.bb[c]) : 0;
        l.worst = xw_min(l.worst, own);
        l.best = xw_max(l.best, own);
    }
    l.match = aa > 0 && bb > 0 ? ab / sqrtf(aa * bb) : 0;
    l.difference = bb > 0 ? xw_max(0, aa + bb - 2 * ab) / bb : 1;
    l.energy = bb > 0 ? aa / bb : 1;
    l.own = aa;
    l.other = bb;
    return l;
}

static struct xw_ecg_likeness best_shift(const struct xw_ecg_clusters *k, int cluster,
                                         const float *picture, const float *weight, int *ret_shift)
{
    struct xw_ecg_likeness best = {.match = -2};
    for (int shift = -XW_ECG_PICTURE_SHIFT; shift <= XW_ECG_PICTURE_SHIFT; shift++) {
        struct xw_ecg_likeness l = xw_ecg_picture_compare(
            picture, shift, k->cluster[cluster].x, xw_ecg_part_qrs, weight, k->lanes, k->leads_n);
        if (l.match > best.match) {
            best = l;
            *ret_shift = shift;
        }
    }
    return best;
}

static int least_used(const struct xw_ecg_clusters *k)
{
    int least = 0;
    for (int i = 1; i < XW_ECG_CLUSTERS; i++) {
        const struct xw_ecg_cluster *a = &k->cluster[i], *b = &k->cluster[least];
        if (a->beats_n < b->beats_n || (a->beats_n <= b->beats_n && a->last_beat < b->last_beat))
            least = i;
    }
    return least;
}

struct xw_ecg_pace xw_ecg_picture_pace(const float *picture, int shift, const float *weight,
                                       unsigned lanes, unsigned leads_n)
{
    enum { FIRST = -14, END = 19, LEVEL = 4 };
    const float *x = picture + (size_t)(MIDDLE + FIRST + shift) * lanes;
    struct xw_ecg_pace pace = {0, 0};
    float fast = 0, all = 0, away[END - FIRST] = {0}, top = 0;
    for (unsigned c = 0; c < leads_n; c++) {
        float level = 0;
        for (unsigned i = 0; i < LEVEL; i++)
            level += x[(size_t)i * lanes + c] / LEVEL;
        for (unsigned i = 0; i < END - FIRST; i++) {
            float own = x[(size_t)i * lanes + c] - level;
            float step = i ? x[(size_t)i * lanes + c] - x[(size_t)(i - 1) * lanes + c] : 0;
            all += weight[c] * own * own;
            fast += weight[c] * step * step;
            away[i] += weight[c] * own * own;
        }
    }
    for (unsigned i = 0; i < END - FIRST; i++)
        top = xw_max(top, away[i]);
    for (unsigned i = 0; i < END - FIRST; i++)
        pace.breadth += away[i] > 0.09F * top ? 1.0F / (END - FIRST) : 0;
    if (all > 0)
        pace.speed_hz = sqrtf(fast / all) * 125 / 6.2831853F;
    return pace;
}

struct xw_ecg_unrest xw_ecg_picture_unrest(const float *picture, const float *weight,
                                           unsigned lanes, unsigned leads_n)
{
    enum { EDGE = 6 };
    struct xw_ecg_unrest u = {0, 0};
    for (unsigned c = 0; c < leads_n; c++) {
        float bends = 0, first = 0, last = 0;
        for (unsigned i = 1; i + 1 < FRAMES; i++) {
            const float *x = picture + (size_t)i * lanes + c;
            float bend = x[-(ptrdiff_t)lanes] - 2 * x[0] + x[lanes];
            bool beside = i + 12 < MIDDLE || i > MIDDLE + 16;
            bends += beside ? bend * bend : 0;
        }
        for (unsigned i = 0; i < EDGE; i++) {
            first += picture[(size_t)i * lanes + c] / EDGE;
            last += picture[(size_t)(FRAMES - 1 - i) * lanes + c] / EDGE;
        }
        u.rough += weight[c] * bends;
        u.drift += weight[c] * (last - first) * (last - first);
    }
    return u;
}

/* Beats that look like a kind count for it, so that a rhythm whose usual beat fell into two kinds
 * is not outvoted by an ectopic one. What comes early, is followed by a pause or moves slowly is
 * less likely to be the usual one. */
static void find_dominant(struct xw_ecg_clusters *k, const float *weight)
{
    float top = 0, fastest = 0;
    int best = -1;
    for (int i = 0; i < XW_ECG_CLUSTERS; i++) {
        struct xw_ecg_cluster *c = &k->cluster[i];
        if (!c->learned_n)
            continue;
        struct xw_ecg_pace pace = xw_ecg_picture_pace(c->x, 0, weight, k->lanes, k->leads_n);
        c->speed_hz = pace.speed_hz;
        c->breadth = pace.breadth;
        c->support = c->beats_n;
        for (int j = 0; j < XW_ECG_CLUSTERS; j++)
            if (j != i && k->cluster[j].learned_n &&
                xw_ecg_picture_compare(k->cluster[j].x, 0, c->x, xw_ecg_part_qrs, weight, k->lanes,
                                       k->leads_n)
                        .match > ALIKE)
                c->support += k->cluster[j].beats_n;
        if (c->beats_n > 3)
            fastest = fmaxf(fastest, c->speed_hz);
    }
    for (int i = 0; i < XW_ECG_CLUSTERS; i++) {
        const struct xw_ecg_cluster *c = &k->cluster[i];
        if (!c->learned_n)
            continue;
        float early = 1, slow = 1;
        if (c->rr_n >= 3 && c->post_n >= 3)
            early = fminf(fmaxf(c->rr / fmaxf(c->post, 0.1F), 0.5F), 1);
        if (fastest > 0)
            slow = fminf(fmaxf(c->speed_hz / fastest, 0.6F), 0.9F);
        float score = (c->support + c->beats_n) * early * early * slow * slow;
        score *= i == k->dominant ? 1.25F : 1;
        if (best < 0 || score > top) {
            best = i;
            top = score;
        }
    }
    k->dominant = best;
}

static float rate_of(unsigned learned_n)
{
    return 1.0F / (float)(learned_n < SLOWEST ? learned_n : SLOWEST);
}

int xw_ecg_clusters_join(struct xw_ecg_clusters *k, const float *picture, const float *weight,
                         bool with_p, int *ret_shift)
{
    float top = -2;
    int index = -1, shift = 0;
    for (int i = 0; i < XW_ECG_CLUSTERS; i++) {
        k->cluster[i].beats_n *= FORGET;
        if (!k->cluster[i].learned_n)
            continue;
        int own = 0;
        struct xw_ecg_likeness l = best_shift(k, i, picture, weight, &own);
        float score = l.match - UNEQUAL * fabsf(logf(fmaxf(l.energy, 1e-4F)));
        if (score > top) {
            top = score;
            index = i;
            shift = own;
        }
    }
    if (index < 0 || top < SAME) {
        index = least_used(k);
        k->dominant = index == k->dominant ? -1 : k->dominant;
        struct xw_ecg_cluster fresh = {.x = k->cluster[index].x, .generation = ++k->generation};
        k->cluster[index] = fresh;
        shift = 0;
    }
    struct xw_ecg_cluster *mine = &k->cluster[index];
    mine->learned_n++;
    mine->beats_n += 1;
    mine->p_learned_n += with_p;
    float qrs_rate = rate_of(mine->learned_n);
    float p_rate = mine->learned_n == 1 ? 1 : with_p ? rate_of(mine->p_learned_n) : 0;
    for (int i = 0; i < FRAMES; i++) {
        float rate = i < MIDDLE + xw_ecg_part_qrs.first ? p_rate : qrs_rate;
        int from = i + shift < 0 ? 0 : i + shift >= FRAMES ? FRAMES - 1 : i + shift;
        const float *x = picture + (size_t)from * k->lanes;
        float *y = mine->x + (size_t)i * k->lanes;
        for (unsigned c = 0; c < k->lanes; c++)
            y[c] += rate * (x[c] - y[c]);
    }
    *ret_shift = shift;
    if (k->joined_n++ % RENEW == 0 || k->joined_n < RENEW || k->dominant < 0)
        find_dominant(k, weight);
    return index;
}

float xw_ecg_clusters_share(const struct xw_ecg_clusters *k, int cluster)
{
    float sum = 0;
    for (int i = 0; i < XW_ECG_CLUSTERS; i++)
        sum += k->cluster[i].beats_n;
    return sum > 0 ? k->cluster[cluster].beats_n / sum : 0;
}
