/* What is wrong with a lead, and whether the whole can be read. The ideas of the CinC 2011
 * challenge (flat, saturated, jumps, wander, noise), restated; limits here. */
#include "dsp/ecg12/internal.h"

#define FLAT_UV                                                                                    \
    5.0f            /* peak to peak: less than the noise of any amplifier with an electrode on it */
#define FLAT_S 2.0f /* longer than the pause between two waves of a slow heart */
#define RAIL_MS 30  /* so long at one extreme value */
#define RANGE_UV 15000.0f /* peak to peak: no heart */
#define WANDER_UV 2000.0f /* of the baseline: off the paper */
#define STEP_UV 1500.0f   /* between means of 400 ms */
#define NOISE_UV 60.0f    /* RMS beside the QRS complexes: said */
#define NOISE_SHARE                                                                                \
    0.12f /* of the QRS peak to peak: such a lead is left out, if also above NOISE_UV */

static const uint32_t UNFIT = XW_ECG12_FLAW_FLAT | XW_ECG12_FLAW_SATURATED | XW_ECG12_FLAW_GAPS |
                              XW_ECG12_FLAW_NOISE | XW_ECG12_FLAW_STEP | XW_ECG12_FLAW_RANGE |
                              XW_ECG12_FLAW_COPY;

/* Longest stretch within FLAT_UV, in samples. */
static int longest_flat(const float *x, int n)
{
    int longest = 0, from = 0;
    float low = x[0], high = x[0];
    for (int i = 0; i < n; i++) {
        low = x[i] < low ? x[i] : low;
        high = x[i] > high ? x[i] : high;
        if (high - low > FLAT_UV) {
            /* Back to the longest stretch that ends here and is still flat. */
            low = high = x[i];
            int k = i;
            while (k > from) {
                float a = x[k - 1] < low ? x[k - 1] : low, z = x[k - 1] > high ? x[k - 1] : high;
                if (z - a > FLAT_UV)
                    break;
                low = a;
                high = z;
                k--;
            }
            from = k;
        }
        longest = i - from + 1 > longest ? i - from + 1 : longest;
    }
    return longest;
}

/* Longest run of one and the same value at an end of the range; known rails count from their own
 * value. */
static int longest_rail(const struct xw_ecg12_channel *c, int n, float low, float high)
{
    int longest = 0, run = 0;
    float bottom = isfinite(c->min_uv) ? c->min_uv : low,
          top = isfinite(c->max_uv) ? c->max_uv : high;
    for (int i = 0; i < n; i++) {
        bool at = c->uv[i] >= top || c->uv[i] <= bottom;
        run = at && (run == 0 || c->uv[i] == c->uv[i - 1]) ? run + 1 : at ? 1 : 0;
        longest = run > longest ? run : longest;
    }
    return longest;
}

static void judge_channel(struct xw_ecg12 *e, unsigned c, const struct xw_ecg12_input *input)
{
    const struct xw_ecg12_channel *channel = &input->channels[c];
    const float *x = e->raw + (size_t)c * XW12_N_MAX;
    int n = (int)input->samples_n, known = 0;
    float low = INFINITY, high = -INFINITY;
    for (int i = 0; i < n; i++)
        if (isfinite(channel->uv[i])) {
            known++;
            low = channel->uv[i] < low ? channel->uv[i] : low;
            high = channel->uv[i] > high ? channel->uv[i] : high;
        }
    if (known < n / 2) {
        e->flaws[c] |= XW_ECG12_FLAW_GAPS | (known ? 0 : XW_ECG12_FLAW_FLAT);
        return;
    }
    /* No electrode lies so far from the others; what the limit made of it says nothing. */
    if (high > XW12_LIMIT_UV || low < -XW12_LIMIT_UV) {
        e->flaws[c] |= XW_ECG12_FLAW_RANGE;
        return;
    }
    if ((float)longest_flat(x, e->n) > FLAT_S * XW12_HZ)
        e->flaws[c] |= XW_ECG12_FLAW_FLAT;
    if (high - low > 2000 && longest_rail(channel, n, low, high) > RAIL_MS * input->rate_hz / 1000)
        e->flaws[c] |= XW_ECG12_FLAW_SATURATED;
    if (high - low > RANGE_UV)
        e->flaws[c] |= XW_ECG12_FLAW_RANGE;
    float mean_low = INFINITY, mean_high = -INFINITY, last = NAN;
    for (int from = 0; from + XW12_MS(400) <= e->n; from += XW12_MS(400)) {
        float mean = 0;
        for (int i = 0; i < XW12_MS(400); i++)
            mean += x[from + i] / XW12_MS(400);
        mean_low = mean < mean_low ? mean : mean_low;
        mean_high = mean > mean_high ? mean : mean_high;
        if (isfinite(last) && fabsf(mean - last) > STEP_UV)
            e->flaws[c] |= XW_ECG12_FLAW_STEP;
        last = mean;
    }
    if (mean_high - mean_low > WANDER_UV)
        e->flaws[c] |= XW_ECG12_FLAW_WANDER;
}

void xw12_judge_raw(struct xw_ecg12 *e, const struct xw_ecg12_input *input)
{
    for (unsigned c = 0; c < input->channels_n; c++)
        judge_channel(e, c, input);
    xw12_judge_copies(e);
}

void xw12_judge_flaws(struct xw_ecg12 *e)
{
    e->unfit = 0;
    for (unsigned l = 0; l < e->leads_n; l++)
        if (e->flaws[l] & UNFIT)
            e->unfit |= (uint32_t)1 << l;
}

/* What is left beside the QRS complexes when everything slower than a T wave's flank is taken away.
 */
bool xw12_judge_noise(struct xw_ecg12 *e)
{
    const struct xw12_view *v = &e->rec;
    uint32_t before = e->unfit;
    for (unsigned l = 0; l < e->leads_n; l++) {
        const float *x = xw12_row(v->x, v, l), *slow = xw12_row(v->slow, v, l);
        double sum = 0;
        int used = 0, from = XW12_MS(40);
        float pp[XW12_BEATS];
        for (int b = 0; b <= e->beats_n; b++) {
            int on = b < e->beats_n ? (int)e->beat[b].global[XW12_QRS_ON] - XW12_MS(16)
                                    : e->n - XW12_MS(40);
            for (int i = from; i < on && i < e->n; i++, used++)
                sum += (double)(x[i] - slow[i]) * (x[i] - slow[i]);
            if (b == e->beats_n)
                break;
            from = (int)e->beat[b].global[XW12_QRS_OFF] + XW12_MS(24);
            float low = 0, high = 0;
            for (int i = on < 0 ? 0 : on; i < from && i < e->n; i++) {
                low = x[i] < low ? x[i] : low;
                high = x[i] > high ? x[i] : high;
            }
            pp[b] = high - low;
        }
        e->noise_uv[l] = used ? (float)sqrt(sum / used) : 0;
        float usual = xw12_median_of(pp, e->beats_n);
        if (e->noise_uv[l] > NOISE_UV && e->noise_uv[l] > NOISE_SHARE * usual)
            e->flaws[l] |= XW_ECG12_FLAW_NOISE;
    }
    xw12_judge_flaws(e);
    return e->unfit != before;
}

static unsigned bits(uint32_t mask)
{
    unsigned n = 0;
    for (; mask; mask &= mask - 1)
        n++;
    return n;
}

static unsigned standard_leads(const struct xw_ecg12 *e)
{
    unsigned n = 0;
    for (unsigned l = 0; l < e->leads_n; l++)
        n += e->lead[l] >= XW_ECG_LEAD_I && e->lead[l] <= XW_ECG_LEAD_V6;
    return n;
}

static enum xw_ecg12_reason reason_against(const struct xw_ecg12 *e)
{
    bool any = false;
    for (unsigned l = 0; l < e->leads_n; l++)
        any |= !(e->flaws[l] & XW_ECG12_FLAW_FLAT);
    if (!any)
        return XW_ECG12_REASON_NO_SIGNAL;
    if (bits(e->unfit) == e->leads_n)
        return XW_ECG12_REASON_NO_LEADS;
    if (e->beats_n && xw12_judge_gain(e) == XW12_GAIN_HIGH)
        return XW_ECG12_REASON_GAIN_HIGH;
    if (e->beats_n < 3)
        return XW_ECG12_REASON_NO_BEATS;
    float match[XW12_BEATS];
    for (int b = 0; b < e->beats_n; b++)
        match[b] = e->beat[b].match;
    if (e->median_of_n < 3 || xw12_median_of(match, e->beats_n) < 0.7f)
        return XW_ECG12_REASON_UNLIKE;
    return XW_ECG12_REASON_NONE;
}

void xw12_verdict(struct xw_ecg12 *e, struct xw_ecg12_result *result)
{
    result->unfit = e->unfit;
    result->reason = reason_against(e);
    result->verdict = XW_ECG12_UNACCEPTABLE;
    if (result->reason)
        return;
    result->verdict = XW_ECG12_LIMITED;
    if (2 * bits(e->unfit) > e->leads_n)
        result->reason = XW_ECG12_REASON_MANY_LEADS;
    else if (e->unfit)
        result->reason = XW_ECG12_REASON_SOME_LEADS;
    else if (xw12_judge_gain(e) == XW12_GAIN_LOW)
        result->reason = XW_ECG12_REASON_GAIN_LOW;
    else if (standard_leads(e) < 12)
        result->reason = XW_ECG12_REASON_FEW_LEADS;
    else
        result->verdict = XW_ECG12_ACCEPTABLE;
}

float xw12_window_score(const struct xw_ecg12 *e)
{
    float sum = 0;
    for (unsigned l = 0; l < e->given_n; l++) {
        if (e->flaws[l] & UNFIT)
            continue;
        const float *x = e->raw + (size_t)l * XW12_N_MAX;
        double rough = 0, wander = 0, mean = 0;
        /* Second differences over 8 ms: muscle and mains; the QRS is too rare to matter in a
         * median-like mean. */
        for (int i = 4; i + 4 < e->n; i++)
            rough += fmin(100, fabs((double)(x[i] - 0.5f * (x[i - 4] + x[i + 4]))));
        for (int i = 0; i < e->n; i++)
            mean += (double)x[i] / e->n;
        for (int from = 0; from + XW12_HZ <= e->n; from += XW12_HZ) {
            double second = 0;
            for (int i = 0; i < XW12_HZ; i++)
                second += (double)x[from + i] / XW12_HZ;
            wander += fabs(second - mean) * XW12_HZ / e->n;
        }
        sum += (float)(1 / (1 + rough / e->n / 10 + wander / 300));
    }
    return e->given_n ? sum / (float)e->given_n : 0;
}

const char *xw_ecg12_verdict_name(enum xw_ecg12_verdict verdict)
{
    static const char *const NAME[] = {"unacceptable", "limited", "acceptable"};
    return (unsigned)verdict < 3 ? NAME[verdict] : "unknown";
}

const char *xw_ecg12_reason_name(enum xw_ecg12_reason reason)
{
    static const char *const NAME[] = {"none",      "no-signal",  "no-usable-leads", "no-beats",
                                       "unlike",    "many-leads", "some-leads",      "few-leads",
                                       "gain-high", "gain-low"};
    return (unsigned)reason < sizeof(NAME) / sizeof(*NAME) ? NAME[reason] : "unknown";
}

const char *xw_ecg12_flaw_name(enum xw_ecg12_flaw flaw)
{
    static const char *const NAME[] = {"flat",   "saturated", "gaps",  "noise",
                                       "wander", "step",      "range", "copy"};
    for (unsigned i = 0; i < sizeof(NAME) / sizeof(*NAME); i++)
        if ((unsigned)flaw == 1u << i)
            return NAME[i];
    return "unknown";
}
