/* Two median beats laid over each other: how alike they are, and whether an exchange of two
 * electrodes would make them so. */
#include "dsp/ecg12/compare_in.h"

#define LEAST_SHARE 0.02f /* of the power: below it two leads are one, exchanged or not */
#define REACH_MS 40

struct pair {
    const float *before, *now;
};

struct over {
    int from, to; /* samples of the present median beat */
    int shift;    /* the earlier one is read so much later */
};

static const float *row(const struct xw_ecg12_result *r, enum xw_ecg_lead lead)
{
    int l = xw12_usable(r, lead);
    return l < 0 ? NULL : r->median_uv[l];
}

static bool find(const struct xw_ecg12_result *before, const struct xw_ecg12_result *now,
                 enum xw_ecg_lead lead, struct pair *ret)
{
    *ret = (struct pair){row(before, lead), row(now, lead)};
    return ret->before && ret->now;
}

static float value(const float *x, int i)
{
    return x[i < 0 ? 0 : i >= XW_ECG12_MEDIAN_N ? XW_ECG12_MEDIAN_N - 1 : i];
}

/* ---- alignment ---- */

/* Root mean square over the leads that both have: it is the same whichever cable is where. */
static void strength(const struct xw_ecg12_comparison *c, const struct xw_ecg12_result *r,
                     float out[XW_ECG12_MEDIAN_N])
{
    for (int i = 0; i < XW_ECG12_MEDIAN_N; i++) {
        float sum = 0;
        for (unsigned l = 0; l < c->leads_n; l++) {
            const float *x = row(r, c->leads[l].lead);
            sum += x[i] * x[i];
        }
        out[i] = sqrtf(sum);
    }
}

/* Products of the earlier and the present one, summed over rows. */
struct products {
    float aa, bb, ab;
};
static const struct products NONE = {1e-3f, 1e-3f, 0};

static void add_row(struct products *p, const float *a, const float *b, const struct over *o)
{
    for (int i = o->from; i <= o->to; i++) {
        float x = value(a, i + o->shift), y = b[i];
        p->aa += x * x;
        p->bb += y * y;
        p->ab += x * y;
    }
}

static float likeness_of(const struct products *p)
{
    return p->ab / sqrtf(p->aa * p->bb);
}

static float correlation(const float *a, const float *b, const struct over *o)
{
    struct products p = NONE;
    add_row(&p, a, b, o);
    return likeness_of(&p);
}

static struct over align(const struct xw_ecg12_result *before, const struct xw_ecg12_result *now,
                         const struct xw_ecg12_comparison *c)
{
    float a[XW_ECG12_MEDIAN_N], z[XW_ECG12_MEDIAN_N];
    struct over best = {XW12_MS(now->median.qrs_on - 20), XW12_MS(now->median.qrs_off + 60), 0};
    best.from = best.from < 0 ? 0 : best.from;
    best.to = best.to >= XW_ECG12_MEDIAN_N ? XW_ECG12_MEDIAN_N - 1 : best.to;
    strength(c, before, a);
    strength(c, now, z);
    float likeness = -2;
    struct over o = best;
    for (o.shift = -XW12_MS(REACH_MS); o.shift <= XW12_MS(REACH_MS); o.shift++) {
        float here = correlation(a, z, &o);
        if (here > likeness) {
            likeness = here;
            best.shift = o.shift;
        }
    }
    return best;
}

/* ---- exchanges ---- */

/* Squared distance of the earlier row to `sign` times another row of the present. */
static float distance(const float *before, const float *now, float sign, const struct over *o)
{
    float sum = 0;
    for (int i = o->from; i <= o->to; i++) {
        float d = value(before, i + o->shift) - sign * now[i];
        sum += d * d;
    }
    return sum;
}

static float power(const struct pair *p, const struct over *o)
{
    float sum = 0;
    for (int i = o->from; i <= o->to; i++)
        sum +=
            value(p->before, i + o->shift) * value(p->before, i + o->shift) + p->now[i] * p->now[i];
    return sum;
}

/* How much nearer; a floor keeps noise from deciding between leads that hardly differ. */
static float nearer(float as_is, float exchanged, float total)
{
    float floor = LEAST_SHARE * total + 1;
    return (as_is + floor) / (exchanged + floor);
}

static void limbs(const struct xw_ecg12_result *before, const struct xw_ecg12_result *now,
                  const struct over *o, struct xw_ecg12_comparison *out)
{
    /* Which lead then stands at I, II, III, and its sign. */
    static const struct {
        const char *kind;
        int from[3];
        float sign[3];
    } EXCHANGE[3] = {{"RA/LA", {0, 2, 1}, {-1, 1, 1}},
                     {"RA/LL", {2, 1, 0}, {-1, -1, -1}},
                     {"LA/LL", {1, 0, 2}, {1, 1, -1}}};
    struct pair p[3];
    float as_is = 0, total = 0, best = 0;
    for (int k = 0; k < 3; k++) {
        if (!find(before, now, (enum xw_ecg_lead)(XW_ECG_LEAD_I + k), &p[k]))
            return;
        as_is += distance(p[k].before, p[k].now, 1, o);
        total += power(&p[k], o);
    }
    for (int x = 0; x < 3; x++) {
        float other = 0;
        for (int k = 0; k < 3; k++)
            other += distance(p[k].before, p[EXCHANGE[x].from[k]].now, EXCHANGE[x].sign[k], o);
        float gain = nearer(as_is, other, total);
        if (gain > best) {
            best = gain;
            out->limb_kind = gain > XW12_LIMB_NEARER ? EXCHANGE[x].kind : NULL;
        }
    }
    out->limb_gain = best > 1 ? best : 1;
}

static void chest(const struct xw_ecg12_result *before, const struct xw_ecg12_result *now,
                  const struct over *o, struct xw_ecg12_comparison *out)
{
    static const char *const PAIR[5] = {"V1/V2", "V2/V3", "V3/V4", "V4/V5", "V5/V6"};
    for (int k = 0; k < 5; k++) {
        struct pair a, b;
        if (!find(before, now, (enum xw_ecg_lead)(XW_ECG_LEAD_V1 + k), &a) ||
            !find(before, now, (enum xw_ecg_lead)(XW_ECG_LEAD_V2 + k), &b))
            continue;
        float as_is = distance(a.before, a.now, 1, o) + distance(b.before, b.now, 1, o);
        float other = distance(a.before, b.now, 1, o) + distance(b.before, a.now, 1, o);
        float gain = nearer(as_is, other, power(&a, o) + power(&b, o));
        if (!(gain <= out->precordial_gain)) {
            out->precordial_gain = gain > 1 ? gain : 1;
            out->precordial_kind = gain > XW12_CHEST_NEARER ? PAIR[k] : NULL;
        }
    }
}

void xw12_lay_over(const struct xw_ecg12_result *before, const struct xw_ecg12_result *now,
                   struct xw_ecg12_comparison *out)
{
    if (!isfinite(now->median.qrs_on) || !isfinite(now->median.qrs_off) || !out->leads_n)
        return;
    struct over o = align(before, now, out);
    struct products all = NONE;
    for (unsigned l = 0; l < out->leads_n; l++) {
        struct pair p;
        if (!find(before, now, out->leads[l].lead, &p))
            continue;
        out->leads[l].likeness = correlation(p.before, p.now, &o);
        add_row(&all, p.before, p.now, &o);
    }
    out->likeness = likeness_of(&all);
    out->shift_ms = 2 * (float)o.shift;
    limbs(before, now, &o, out);
    chest(before, now, &o, out);
}
