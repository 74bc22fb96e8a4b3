/* From the input to clean rows at 500 Hz. */
#include "dsp/ecg12/internal.h"

#include <string.h>

static int compare(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

float xw12_median_of(float *values, int n)
{
    if (n <= 0)
        return NAN;
    /* Few values: insertion keeps qsort's overhead and any allocation of its own away. */
    for (int i = 1; i < n; i++) {
        float value = values[i];
        int j = i;
        for (; j > 0 && compare(&values[j - 1], &value) > 0; j--)
            values[j] = values[j - 1];
        values[j] = value;
    }
    return n % 2 ? values[n / 2] : 0.5f * (values[n / 2 - 1] + values[n / 2]);
}

/* Windowed sinc between input samples; `half` input samples on each side. */
static int tabulate(struct xw_ecg12 *e, double rate_hz)
{
    double narrow = rate_hz > XW12_HZ ? rate_hz / XW12_HZ : 1;
    int half = (int)(12 * narrow), taps = 2 * half;
    double cutoff = 0.46 / narrow;
    for (int p = 0; p <= XW12_PHASES; p++) {
        float *row = e->kernel + (ptrdiff_t)p * taps;
        double sum = 0;
        for (int j = 0; j < taps; j++) {
            double t = j - (half - 1) - (double)p / XW12_PHASES, x = 2 * M_PI * cutoff * t;
            double window = fabs(t) < half ? 0.5 + 0.5 * cos(M_PI * t / half) : 0;
            double value = window * (fabs(x) < 1e-9 ? 1 : sin(x) / x);
            row[j] = (float)value;
            sum += value;
        }
        for (int j = 0; j < taps; j++)
            row[j] = (float)(row[j] / sum);
    }
    return half;
}

static void resample(const struct xw_ecg12 *e, const float *in, int in_n, double step, int half,
                     float *out)
{
    int taps = 2 * half;
    for (int k = 0; k < e->n; k++) {
        double t = k * step;
        int base = (int)t;
        const float *row = e->kernel + (ptrdiff_t)lrint((t - base) * XW12_PHASES) * taps;
        float sum = 0;
        if (base - half + 1 >= 0 && base + half < in_n) {
            const float *from = in + base - half + 1;
            for (int j = 0; j < taps; j++)
                sum += row[j] * from[j];
        } else {
            for (int j = 0; j < taps; j++) {
                int i = base - half + 1 + j;
                sum += row[j] * in[i < 0 ? 0 : i >= in_n ? in_n - 1 : i];
            }
        }
        out[k] = sum;
    }
}

/* Missing values become a line between their neighbours. Returns the longest run of them. */
static int fill(const float *uv, int n, float *out)
{
    int longest = 0, last = -1;
    for (int i = 0; i <= n; i++) {
        bool known = i < n && isfinite(uv[i]);
        if (!known && i < n)
            continue;
        int run = i - last - 1;
        longest = run > longest ? run : longest;
        float value = i < n ? xw12_clampf(uv[i], -XW12_LIMIT_UV, XW12_LIMIT_UV) : 0;
        float from = last >= 0 ? out[last] : value, to = i < n ? value : from;
        for (int j = last + 1; j < i; j++)
            out[j] = from + (to - from) * (float)(j - last) / (float)(i - last);
        if (i < n)
            out[i] = value;
        last = i;
    }
    return longest;
}

static int find_lead(const struct xw_ecg12 *e, enum xw_ecg_lead lead)
{
    for (unsigned i = 0; i < e->leads_n; i++)
        if (e->lead[i] == lead)
            return (int)i;
    return -1;
}

static void derive(struct xw_ecg12 *e, enum xw_ecg_lead lead, int a, float wa, int b, float wb)
{
    if (a < 0 || b < 0 || e->leads_n >= XW12_LEADS || find_lead(e, lead) >= 0)
        return;
    unsigned to = e->leads_n++;
    float *out = e->raw + (size_t)to * XW12_N_MAX;
    const float *x = e->raw + (size_t)a * XW12_N_MAX, *y = e->raw + (size_t)b * XW12_N_MAX;
    for (int i = 0; i < e->n; i++)
        out[i] = wa * x[i] + wb * y[i];
    e->lead[to] = lead;
    e->derived[to] = true;
    e->flaws[to] = e->flaws[a] | e->flaws[b];
}

/* Einthoven and Goldberger: exact, so what follows from two leads was seen. */
static void derive_all(struct xw_ecg12 *e)
{
    int i = find_lead(e, XW_ECG_LEAD_I), ii = find_lead(e, XW_ECG_LEAD_II),
        iii = find_lead(e, XW_ECG_LEAD_III);
    if (ii < 0)
        derive(e, XW_ECG_LEAD_II, i, 1, iii, 1);
    if (i < 0)
        derive(e, XW_ECG_LEAD_I, ii, 1, iii, -1);
    i = find_lead(e, XW_ECG_LEAD_I);
    ii = find_lead(e, XW_ECG_LEAD_II);
    derive(e, XW_ECG_LEAD_III, ii, 1, i, -1);
    derive(e, XW_ECG_LEAD_AVR, i, -0.5f, ii, -0.5f);
    derive(e, XW_ECG_LEAD_AVL, i, 1, ii, -0.5f);
    derive(e, XW_ECG_LEAD_AVF, ii, 1, i, -0.5f);
}

void xw12_prepare(struct xw_ecg12 *e, const struct xw_ecg12_input *input)
{
    int in_n = (int)input->samples_n;
    double step = input->rate_hz / XW12_HZ;
    bool same = fabs(step - 1) < 1e-9;
    e->n = (int)((in_n - 1) / step) + 1;
    if (e->n > XW12_N_MAX)
        e->n = XW12_N_MAX;
    e->given_n = e->leads_n = input->channels_n;
    int half = same ? 0 : tabulate(e, input->rate_hz);
    for (unsigned c = 0; c < XW12_LEADS; c++)
        e->lead[c] = XW_ECG_LEAD_OTHER; /* of an earlier reading */
    for (unsigned c = 0; c < input->channels_n; c++) {
        enum xw_ecg_lead lead = input->channels[c].lead;
        float *filled = e->stack;
        e->lead[c] = find_lead(e, lead) < 0 ? lead : XW_ECG_LEAD_OTHER;
        e->derived[c] = false;
        e->flaws[c] = 0;
        int gap_n = fill(input->channels[c].uv, in_n, filled);
        if (gap_n > 0.2 * input->rate_hz)
            e->flaws[c] |= XW_ECG12_FLAW_GAPS;
        float *out = e->raw + (size_t)c * XW12_N_MAX;
        if (same)
            memcpy(out, filled, sizeof(float) * (size_t)e->n);
        else
            resample(e, filled, in_n, step, half, out);
    }
    xw12_judge_raw(e, input);
    derive_all(e);
    e->rec = (struct xw12_view){.n = e->n,
                                .leads_n = e->leads_n,
                                .stride = XW12_N_MAX,
                                .x = e->rec_rows[0],
                                .fine = e->rec_rows[1],
                                .slow = e->rec_rows[2],
                                .dfine = e->rec_rows[3],
                                .dslow = e->rec_rows[4],
                                .g = e->rec_sum[0],
                                .gs = e->rec_sum[1],
                                .vm = e->rec_sum[2]};
}

/* Mean over 2·half + 1 samples; edges held. in ≠ out. */
static void boxcar(const float *in, int n, int half, float *out)
{
    double sum = 0;
    for (int i = -half; i <= half; i++)
        sum += in[i < 0 ? 0 : i >= n ? n - 1 : i];
    for (int i = 0; i < n; i++) {
        out[i] = (float)(sum / (2 * half + 1));
        int add = i + half + 1, drop = i - half;
        sum += in[add >= n ? n - 1 : add] - in[drop < 0 ? 0 : drop];
    }
}

void xw12_detrend(struct xw_ecg12 *e)
{
    for (unsigned l = 0; l < e->leads_n; l++) {
        const float *raw = e->raw + (size_t)l * XW12_N_MAX;
        float *x = xw12_row(e->rec.x, &e->rec, l);
        boxcar(raw, e->n, XW12_MS(300), e->work[0]);
        boxcar(e->work[0], e->n, XW12_MS(300), e->work[1]);
        for (int i = 0; i < e->n; i++)
            x[i] = raw[i] - e->work[1][i];
    }
}

/* ---- mains ---- */

enum { MAINS_HOP = XW12_MS(500) };

/* Amplitudes of one line, each half a second over a second, beats left out (mask 0). */
static float fit_line(struct xw_ecg12 *e, const float *x, const float *mask, double hz,
                      float *cosine, float *sine)
{
    int knots = e->n / MAINS_HOP + 1;
    double total = 0;
    for (int k = 0; k < knots; k++) {
        int from = (k - 1) * MAINS_HOP, to = (k + 1) * MAINS_HOP;
        double c = 0, s = 0, weight = 1e-3;
        for (int i = from < 0 ? 0 : from; i < to && i < e->n; i++) {
            double phase = 2 * M_PI * hz * i / XW12_HZ;
            c += mask[i] * x[i] * cos(phase);
            s += mask[i] * x[i] * sin(phase);
            weight += mask[i];
        }
        cosine[k] = (float)(2 * c / weight);
        sine[k] = (float)(2 * s / weight);
        total += hypot(cosine[k], sine[k]);
    }
    return (float)(total / knots);
}

static void subtract_line(struct xw_ecg12 *e, float *raw, double hz, const float *cosine,
                          const float *sine)
{
    int knots = e->n / MAINS_HOP + 1;
    for (int i = 0; i < e->n; i++) {
        int k = i / MAINS_HOP, next = k + 1 < knots ? k + 1 : k;
        float f = (float)(i % MAINS_HOP) / MAINS_HOP;
        double phase = 2 * M_PI * hz * i / XW12_HZ;
        raw[i] -= (cosine[k] + f * (cosine[next] - cosine[k])) * (float)cos(phase) +
                  (sine[k] + f * (sine[next] - sine[k])) * (float)sin(phase);
    }
}

void xw12_mains(struct xw_ecg12 *e)
{
    float *mask = e->work[2], *high = e->work[1];
    for (int i = 0; i < e->n; i++)
        mask[i] = 1;
    for (int b = 0; b < e->beats_n; b++)
        for (int i = e->beat[b].r - XW12_MS(90); i < e->beat[b].r + XW12_MS(110); i++)
            if (i >= 0 && i < e->n)
                mask[i] = 0;
    static const double LINES[] = {50, 60};
    for (unsigned l = 0; l < e->leads_n; l++) {
        float *raw = e->raw + (size_t)l * XW12_N_MAX;
        boxcar(raw, e->n, XW12_MS(20), e->work[0]);
        for (int i = 0; i < e->n; i++)
            high[i] = raw[i] - e->work[0][i];
        double power = 0, weight = 1;
        for (int i = 0; i < e->n; i++) {
            power += (double)mask[i] * high[i] * high[i];
            weight += mask[i];
        }
        for (size_t k = 0; k < sizeof(LINES) / sizeof(*LINES); k++) {
            float *cosine = e->work[3], *sine = e->work[3] + 64;
            float height = fit_line(e, high, mask, LINES[k], cosine, sine);
            /* The line must be most of what is there: an unneeded filter only adds its own error.
             */
            if (height > 8 && 0.5 * height * height > 0.4 * power / weight)
                subtract_line(e, raw, LINES[k], cosine, sine);
        }
    }
}

/* ---- baseline through the PR levels ---- */

static float level_at(const float *x, int n, int at)
{
    int from = at - XW12_MS(20), to = at - XW12_MS(4);
    float sum = 0;
    int used = 0;
    for (int i = from; i <= to; i++)
        if (i >= 0 && i < n) {
            sum += x[i];
            used++;
        }
    return used ? sum / (float)used : x[at < 0 ? 0 : at >= n ? n - 1 : at];
}

/* Cubic through the knots with slopes from neighbours, limited so that it cannot overshoot. */
static void bend(const float *t, const float *y, int knots, int n, float *out)
{
    for (int k = -1; k < knots; k++) {
        int from = k < 0 ? 0 : (int)t[k], to = k + 1 < knots ? (int)t[k + 1] : n;
        if (k < 0 || k + 1 >= knots) {
            for (int i = from; i < to && i < n; i++)
                out[i] = y[k < 0 ? 0 : k];
            continue;
        }
        float span = t[k + 1] - t[k], rise = y[k + 1] - y[k];
        float m0 = k > 0 ? (y[k + 1] - y[k - 1]) / (t[k + 1] - t[k - 1]) * span : 0;
        float m1 = k + 2 < knots ? (y[k + 2] - y[k]) / (t[k + 2] - t[k]) * span : 0;
        float limit = 3 * fabsf(rise);
        m0 = m0 * rise <= 0 ? 0 : xw12_clampf(m0, -limit, limit);
        m1 = m1 * rise <= 0 ? 0 : xw12_clampf(m1, -limit, limit);
        for (int i = from; i < to && i < n; i++) {
            float u = ((float)i - t[k]) / span, u2 = u * u, u3 = u2 * u;
            out[i] = y[k] + m0 * (u3 - 2 * u2 + u) + rise * (3 * u2 - 2 * u3) + m1 * (u3 - u2);
        }
    }
}

void xw12_level(struct xw_ecg12 *e)
{
    float t[XW12_BEATS], y[XW12_BEATS];
    for (unsigned l = 0; l < e->leads_n; l++) {
        const float *raw = e->raw + (size_t)l * XW12_N_MAX;
        float *x = xw12_row(e->rec.x, &e->rec, l), *base = e->work[0];
        int knots = 0;
        for (int b = 0; b < e->beats_n; b++) {
            float on = e->beat[b].global[XW12_QRS_ON];
            if (!(on >= XW12_MS(24)) || (knots && on - XW12_MS(12) <= t[knots - 1]))
                continue;
            t[knots] = on - XW12_MS(12);
            y[knots++] = level_at(raw, e->n, (int)on);
        }
        if (!knots)
            continue;
        bend(t, y, knots, e->n, base);
        for (int i = 0; i < e->n; i++)
            x[i] = raw[i] - base[i];
    }
}

/* ---- views ---- */

static void slope(const float *in, int n, int half, float *out)
{
    float scale = 1.0f / (float)(4 * half); /* 2·half samples of 2 ms */
    for (int i = 0; i < n; i++) {
        int a = i - half < 0 ? 0 : i - half, b = i + half >= n ? n - 1 : i + half;
        out[i] = (in[b] - in[a]) * scale;
    }
}

static void add_square(float *sum, const float *row, int n)
{
    for (int i = 0; i < n; i++)
        sum[i] += row[i] * row[i];
}

static void sums(struct xw12_view *v, bool fine)
{
    unsigned used = 0;
    if (fine)
        memset(v->g, 0, sizeof(float) * (size_t)v->n);
    memset(v->gs, 0, sizeof(float) * (size_t)v->n);
    memset(v->vm, 0, sizeof(float) * (size_t)v->n);
    for (unsigned l = 0; l < v->leads_n; l++) {
        if (!(v->use >> l & 1))
            continue;
        used++;
        if (fine)
            add_square(v->g, xw12_row(v->dfine, v, l), v->n);
        add_square(v->gs, xw12_row(v->dslow, v, l), v->n);
        add_square(v->vm, xw12_row(v->slow, v, l), v->n);
    }
    float scale = used ? 1.0f / (float)used : 0;
    for (int i = 0; i < v->n; i++) {
        if (fine)
            v->g[i] = sqrtf(v->g[i] * scale);
        v->gs[i] = sqrtf(v->gs[i] * scale);
        v->vm[i] = sqrtf(v->vm[i] * scale);
    }
}

static void fill_slow(struct xw12_view *v, unsigned lead, const float *x, float *work)
{
    float *slow = xw12_row(v->slow, v, lead);
    boxcar(x, v->n, XW12_MS(10), work);
    boxcar(work, v->n, XW12_MS(10), slow);
    slope(slow, v->n, 4, xw12_row(v->dslow, v, lead));
}

void xw12_view_fill(struct xw12_view *v, float *work)
{
    for (unsigned l = 0; l < v->leads_n; l++) {
        const float *x = xw12_row(v->x, v, l);
        boxcar(x, v->n, 1, xw12_row(v->fine, v, l));
        slope(xw12_row(v->fine, v, l), v->n, 2, xw12_row(v->dfine, v, l));
        fill_slow(v, l, x, work);
    }
    sums(v, true);
}

void xw12_view_blank(struct xw12_view *v, const struct xw12_beat *beats, int beats_n,
                     float *work[2])
{
    for (unsigned l = 0; l < v->leads_n; l++) {
        float *flat = work[0];
        memcpy(flat, xw12_row(v->x, v, l), sizeof(float) * (size_t)v->n);
        for (int b = 0; b < beats_n; b++) {
            int from = (int)beats[b].global[XW12_QRS_ON],
                to = (int)beats[b].global[XW12_QRS_OFF] + 1;
            from = from < 0 ? 0 : from;
            to = to >= v->n ? v->n - 1 : to;
            float a = flat[from], z = flat[to];
            for (int i = from; i < to; i++)
                flat[i] = a + (z - a) * (float)(i - from) / (float)(to - from);
        }
        fill_slow(v, l, flat, work[1]);
    }
    sums(v, false);
}
