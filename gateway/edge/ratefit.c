/* Lower envelope of arrival times: capture time and true rate of a stream. */
#include "edge/ratefit.h"

#include <math.h>
#include <string.h>

#define BUCKET_US INT64_C(2000000)
#define STEP_DOWN_US 200e3
#define STEP_UP_US 500e3
#define STEP_UP_AFTER_US INT64_C(30000000)
#define TRUST_SPAN_S 20.0
#define WRONG_SPAN_S 30.0
#define WRONG_SHARE 0.05

void xw_ratefit_init(struct xw_ratefit *fit, double nominal_hz)
{
    memset(fit, 0, sizeof(*fit));
    fit->nominal_hz = nominal_hz;
    fit->us_per_sample = 1e6 / nominal_hz;
}

static void begin_at(struct xw_ratefit *fit, uint64_t index, int64_t us)
{
    fit->base_index = index;
    fit->base_us = us;
    fit->points[0] = (struct xw_ratefit_point){0, 0};
    fit->points_n = 1;
    fit->bucket_us = us;
    fit->above_since_us = 0;
    fit->at_us = 0;
    fit->us_per_sample = 1e6 / fit->nominal_hz;
    fit->span_s = 0;
    fit->any = true;
}

void xw_ratefit_seed(struct xw_ratefit *fit, uint64_t index, int64_t us)
{
    begin_at(fit, index, us);
}

static double index_delta(const struct xw_ratefit *fit, uint64_t index)
{
    return index >= fit->base_index ? (double)(index - fit->base_index)
                                    : -(double)(fit->base_index - index);
}

int64_t xw_ratefit_time_us(const struct xw_ratefit *fit, uint64_t index)
{
    double us = fit->at_us + index_delta(fit, index) * fit->us_per_sample;
    return fit->base_us + (int64_t)llround(us);
}

double xw_ratefit_rate_hz(const struct xw_ratefit *fit)
{
    return 1e6 / fit->us_per_sample;
}

/* > 0 when c lies above the line from a to b. */
static double turn(const struct xw_ratefit_point *a, const struct xw_ratefit_point *b,
                   const struct xw_ratefit_point *c)
{
    return (b->samples - a->samples) * (c->us - a->us) -
           (b->us - a->us) * (c->samples - a->samples);
}

/* The hull edge over the mean index becomes the line. */
static void refit(struct xw_ratefit *fit)
{
    struct xw_ratefit_point hull[XW_RATEFIT_POINTS_MAX];
    size_t n = 0;
    double mean = 0;
    if (!fit->points_n)
        return;
    for (size_t i = 0; i < fit->points_n; i++) {
        const struct xw_ratefit_point *p = &fit->points[i];
        while (n >= 2 && turn(&hull[n - 2], &hull[n - 1], p) <= 0)
            n--;
        hull[n++] = *p;
        mean += p->samples;
    }
    mean /= (double)fit->points_n;
    size_t e = 0;
    while (e + 2 < n && hull[e + 1].samples < mean)
        e++;
    const struct xw_ratefit_point *a = &hull[e], *b = n > 1 ? &hull[e + 1] : a;
    double span = fit->points[fit->points_n - 1].samples - fit->points[0].samples;
    fit->span_s = span / fit->nominal_hz;
    if (fit->span_s >= TRUST_SPAN_S && b->samples > a->samples) {
        fit->us_per_sample = (b->us - a->us) / (b->samples - a->samples);
        fit->at_us = a->us - a->samples * fit->us_per_sample;
        return;
    }
    /* Too short for a slope: the nominal one, under the lowest point. */
    fit->us_per_sample = 1e6 / fit->nominal_hz;
    fit->at_us = INFINITY;
    for (size_t i = 0; i < n; i++)
        fit->at_us = fmin(fit->at_us, hull[i].us - hull[i].samples * fit->us_per_sample);
}

static void add_point(struct xw_ratefit *fit, uint64_t index, int64_t us)
{
    struct xw_ratefit_point p = {index_delta(fit, index), (double)(us - fit->base_us)};
    struct xw_ratefit_point *last = &fit->points[fit->points_n - 1];
    if (p.samples <= last->samples)
        return; /* sent again, or an old hole filled: says nothing about the present */
    double slope = 1e6 / fit->nominal_hz;
    bool lower = p.us - p.samples * slope < last->us - last->samples * slope;
    if (us - fit->bucket_us >= BUCKET_US) {
        if (fit->points_n == XW_RATEFIT_POINTS_MAX) {
            memmove(fit->points, fit->points + 1, sizeof(fit->points) - sizeof(fit->points[0]));
            fit->points_n--;
        }
        fit->points[fit->points_n++] = p;
        fit->bucket_us = us;
        refit(fit);
    } else if (lower && fit->points_n > 1) {
        *last = p;
    } else if (lower) {
        begin_at(fit, index, us); /* within the first 2 s the earliest arrival is the origin */
    }
}

static void count_seconds(struct xw_ratefit *fit, uint32_t count, int64_t us)
{
    if (us - fit->second_us >= 2000000) { /* the first, or after a pause */
        fit->seconds_n = 0;
        fit->in_second_n = 0;
        fit->second_us = us;
        return;
    }
    if (us - fit->second_us >= 1000000) {
        if (fit->seconds_n == XW_ARRAY_N(fit->second_n)) {
            memmove(fit->second_n, fit->second_n + 1,
                    sizeof(fit->second_n) - sizeof(fit->second_n[0]));
            fit->seconds_n--;
        }
        fit->second_n[fit->seconds_n++] = fit->in_second_n;
        fit->in_second_n = 0;
        fit->second_us += 1000000;
    }
    fit->in_second_n += count;
    fit->block_max = XW_MAX(fit->block_max, count);
}

void xw_ratefit_add(struct xw_ratefit *fit, uint64_t index, uint32_t count, int64_t us,
                    uint64_t device_clock_us)
{
    if (!fit->any)
        begin_at(fit, index, us);
    count_seconds(fit, count, us);
    if (device_clock_us > fit->clock_last_us && index > fit->clock_last_index) {
        if (!fit->clock_first_us) {
            fit->clock_first_us = device_clock_us;
            fit->clock_first_index = index;
        }
        fit->clock_last_us = device_clock_us;
        fit->clock_last_index = index;
    }
    double late_us = (double)(us - xw_ratefit_time_us(fit, index));
    if (late_us < -STEP_DOWN_US) {
        begin_at(fit, index, us);
        fit->restarts_n++;
        return;
    }
    if (late_us < STEP_UP_US) {
        fit->above_since_us = 0;
    } else if (!fit->above_since_us) {
        fit->above_since_us = us;
    } else if (us - fit->above_since_us > STEP_UP_AFTER_US) {
        begin_at(fit, index, us);
        fit->restarts_n++;
    }
    if (!fit->above_since_us)
        add_point(fit, index, us); /* a late one has nothing to say about the envelope */
}

void xw_ratefit_pause(struct xw_ratefit *fit)
{
    fit->seconds_n = 0;
    fit->in_second_n = 0;
    fit->second_us = 0;
    fit->above_since_us = 0;
    fit->clock_first_us = fit->clock_last_us = 0;
}

/* Mean of the last 30 s if they were even: within 30 % or 1.5 blocks of it, each of them. */
static double steady_hz(const struct xw_ratefit *fit)
{
    double sum = 0;
    if (fit->seconds_n < XW_ARRAY_N(fit->second_n))
        return 0;
    for (uint32_t i = 0; i < fit->seconds_n; i++)
        sum += fit->second_n[i];
    double mean = sum / fit->seconds_n, slack = 0.3 * mean + 1.5 * fit->block_max;
    for (uint32_t i = 0; i < fit->seconds_n; i++)
        if (fabs(fit->second_n[i] - mean) > slack)
            return 0;
    return mean;
}

bool xw_ratefit_wrong(const struct xw_ratefit *fit, double *ret_hz)
{
    double hz = 0;
    double clock_s = (double)(fit->clock_last_us - fit->clock_first_us) / 1e6;
    if (fit->clock_first_us && clock_s >= WRONG_SPAN_S) {
        /* Told by the device's own clock: independent of how the network delivers. */
        hz = (double)(fit->clock_last_index - fit->clock_first_index) / clock_s;
    } else if (!fit->clock_first_us) {
        /* A backlog comes in bursts or at many times the rate; what flows evenly at half to one and
         * a half times the rate is a rate, and not the one announced. */
        hz = steady_hz(fit);
        if (hz < 0.5 * fit->nominal_hz || hz > 1.5 * fit->nominal_hz)
            return false;
    }
    if (hz <= 0 || fabs(hz / fit->nominal_hz - 1) <= WRONG_SHARE)
        return false;
    *ret_hz = hz;
    return true;
}
