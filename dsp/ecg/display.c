/* Display filters; the header is the specification, this is its reference. */
#include "dsp/ecg/display.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static const double STRAIGHT_UV = 100;
static const double LMS_TIME_S = 0.04;

static struct xw_ecg_display_biquad make_section(double k, double q)
{
    double n = 1 / (1 + k / q + k * k);
    struct xw_ecg_display_biquad s;
    s.b0 = k * k * n;
    s.b1 = 2 * s.b0;
    s.b2 = s.b0;
    s.a1 = 2 * (k * k - 1) * n;
    s.a2 = (1 - k / q + k * k) * n;
    return s;
}

static void make_mains(struct xw_ecg_display_design *d)
{
    double w = 2 * M_PI * d->mains_hz / d->rate_hz, sum = 1;
    d->period_n = (unsigned)lround(d->rate_hz / d->mains_hz);
    d->half_n = d->period_n / 2;
    for (unsigned k = 1; k <= d->half_n; k++)
        sum += (d->period_n % 2 == 0 && k == d->half_n ? 1 : 2) * cos(w * k);
    d->gain = 1 / (1 - sum / d->period_n);
    double period = d->rate_hz / d->mains_hz, r = period - floor(period);
    d->back_n = (unsigned)period;
    d->back_weight[0] = -r * (r - 1) * (r - 2) / 6;
    d->back_weight[1] = (r + 1) * (r - 1) * (r - 2) / 2;
    d->back_weight[2] = -(r + 1) * r * (r - 2) / 2;
    d->back_weight[3] = (r + 1) * r * (r - 1) / 6;
    d->turn_re = cos(w);
    d->turn_im = sin(w);
    d->step = 2 / (LMS_TIME_S * d->rate_hz);
}

int xw_ecg_display_make(double rate_hz, double high_pass_hz, double low_pass_hz, double mains_hz,
                        struct xw_ecg_display_design *ret_design)
{
    struct xw_ecg_display_design d;
    memset(&d, 0, sizeof(d));
    if (!(rate_hz >= 100 && rate_hz <= 1000) || !(high_pass_hz >= 0) || !(low_pass_hz >= 0) ||
        (fabs(mains_hz) > 0 && fabs(mains_hz - 50) > 0 && fabs(mains_hz - 60) > 0))
        return -EINVAL;
    d.rate_hz = rate_hz;
    if (high_pass_hz > 0) {
        d.high_pass_hz = high_pass_hz;
        d.decay = exp(-2 * M_PI * high_pass_hz / rate_hz);
    }
    if (low_pass_hz > 0 && low_pass_hz < 0.45 * rate_hz) {
        double k = tan(M_PI * low_pass_hz / rate_hz);
        d.low_pass_hz = low_pass_hz;
        d.sections_n = XW_ECG_DISPLAY_SECTIONS;
        d.section[0] = make_section(k, 1 / (2 * cos(M_PI / 8)));
        d.section[1] = make_section(k, 1 / (2 * cos(3 * M_PI / 8)));
    }
    if (mains_hz > 0 && rate_hz >= 4 * mains_hz) {
        d.mains_hz = mains_hz;
        make_mains(&d);
    }
    *ret_design = d;
    return 0;
}

void xw_ecg_display_init(struct xw_ecg_display *d, const struct xw_ecg_display_design *design)
{
    memset(d, 0, sizeof(*d));
    d->design = *design;
    xw_ecg_display_reset(d);
}

void xw_ecg_display_reset(struct xw_ecg_display *d)
{
    d->started = false;
    d->re = d->im = d->sine = 0;
    d->cosine = 1;
    d->at = 0;
}

static double back(const struct xw_ecg_display *d, unsigned n)
{
    return d->x[(d->at - n) % XW_ECG_DISPLAY_RING];
}

/* `at` is the place of the newest sample. */
static double remove_mains(struct xw_ecg_display *d)
{
    const struct xw_ecg_display_design *g = &d->design;
    unsigned last = 2 * g->half_n;
    double ends = g->period_n % 2 == 0 ? 0.5 : 1, sum = 0;
    double low = INFINITY, high = -INFINITY;
    for (unsigned i = last + 1; i-- > 0;) { /* oldest first */
        const double *b = g->back_weight;
        unsigned m = i + g->back_n;
        double difference = back(d, i) - (b[0] * back(d, m - 1) + b[1] * back(d, m) +
                                          b[2] * back(d, m + 1) + b[3] * back(d, m + 2));
        low = difference < low ? difference : low;
        high = difference > high ? difference : high;
        sum += (i == 0 || i == last ? ends : 1) * back(d, i);
    }
    double centre = back(d, g->half_n), found = centre - sum / g->period_n;
    double model = d->re * d->cosine - d->im * d->sine, out;
    if (high - low < STRAIGHT_UV) {
        double s = g->step * (found - model);
        d->re += s * d->cosine;
        d->im -= s * d->sine;
        out = centre - g->gain * found;
    } else {
        out = centre - g->gain * model;
    }
    double c = d->cosine * g->turn_re - d->sine * g->turn_im;
    double s = d->cosine * g->turn_im + d->sine * g->turn_re;
    double fix = 1.5 - 0.5 * (c * c + s * s);
    d->cosine = c * fix;
    d->sine = s * fix;
    return out;
}

static void start(struct xw_ecg_display *d, double x)
{
    for (unsigned i = 0; i < XW_ECG_DISPLAY_RING; i++)
        d->x[i] = x;
    d->last = x;
    d->level = 0;
    double y = d->design.high_pass_hz > 0 ? 0 : x; /* what the low pass sees first */
    for (unsigned i = 0; i < d->design.sections_n; i++) {
        d->z1[i] = (1 - d->design.section[i].b0) * y;
        d->z2[i] = (d->design.section[i].b2 - d->design.section[i].a2) * y;
    }
    d->started = true;
}

double xw_ecg_display_process(struct xw_ecg_display *d, double x_uv)
{
    const struct xw_ecg_display_design *g = &d->design;
    double y = x_uv;
    if (!d->started)
        start(d, x_uv);
    if (g->period_n) {
        d->at = (d->at + 1) % XW_ECG_DISPLAY_RING;
        d->x[d->at] = x_uv;
        y = remove_mains(d);
    }
    if (g->high_pass_hz > 0) {
        d->level = g->decay * (d->level + y - d->last);
        d->last = y;
        y = d->level;
    }
    for (unsigned i = 0; i < g->sections_n; i++) {
        const struct xw_ecg_display_biquad *s = &g->section[i];
        double x = y;
        y = s->b0 * x + d->z1[i];
        d->z1[i] = s->b1 * x - s->a1 * y + d->z2[i];
        d->z2[i] = s->b2 * x - s->a2 * y;
    }
    return y;
}
