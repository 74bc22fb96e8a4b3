/* Offset and drift between two clocks from exchanges of messages. */
#include "base/clockfit.h"

#include <math.h>
#include <string.h>

#define BUCKET_US INT64_C(20000000)
#define DRIFT_SPAN_US 120e6  /* less says nothing about crystals */
#define YOUNG_US 45e6        /* without a drift only so much of the past counts */
#define HOLE_US 120e6        /* so long without an exchange */
#define DRIFT_MOST 500e-6    /* what a clock may do at all; adjtime slews by as much */
#define DRIFT_UNKNOWN 200e-6 /* of two crystals that nothing is known of */
#define DRIFT_LEAST 0.5e-6   /* warmth changes a crystal by as much within hours */
#define ABSURD_US (INT64_C(1) << 58)

void xw_clockfit_init(struct xw_clockfit *fit)
{
    memset(fit, 0, sizeof(*fit));
}

static double line_at(const struct xw_clockfit *fit, int64_t boot_us)
{
    return fit->at_us + fit->drift * (double)(boot_us - fit->base_boot_us);
}

/* How far the line can be from the truth at this moment. */
static double doubt_us(const struct xw_clockfit *fit, int64_t boot_us)
{
    int64_t first_us = fit->base_boot_us + (int64_t)fit->forth[0].at_us;
    double away_us = boot_us > fit->last_us ? (double)(boot_us - fit->last_us)
                     : boot_us < first_us   ? (double)(first_us - boot_us)
                                            : 0;
    return fit->half_us + away_us * (fit->drift_known ? fit->drift_doubt : DRIFT_UNKNOWN);
}

static double turn(const struct xw_clockfit_point *a, const struct xw_clockfit_point *b,
                   const struct xw_clockfit_point *c)
{
    return (b->at_us - a->at_us) * (c->peer_us - a->peer_us) -
           (b->peer_us - a->peer_us) * (c->at_us - a->at_us);
}

/* Slope of the hull's edge over the middle of the time; sign 1: lower hull, -1: upper. */
static double hull_slope(const struct xw_clockfit_point *points, size_t n, double sign)
{
    struct xw_clockfit_point hull[XW_CLOCKFIT_BUCKETS_N] = {{0, 0}};
    size_t m = 0, e = 0;
    double middle = (points[0].at_us + points[n - 1].at_us) / 2;
    for (size_t i = 0; i < n; i++) {
        while (m >= 2 && sign * turn(&hull[m - 2], &hull[m - 1], &points[i]) <= 0)
            m--;
        hull[m++] = points[i];
    }
    while (e + 2 < m && hull[e + 1].at_us < middle)
        e++;
    double run = m > 1 ? hull[e + 1].at_us - hull[e].at_us : 0;
    return run > 0 ? (hull[e + 1].peer_us - hull[e].peer_us) / run : 0;
}

/* The tightest pair of lines of this drift around all points from `from` on: above by what was
 * received, below by what was sent. Negative: they contradict each other. */
static double bracket(const struct xw_clockfit *fit, size_t from, double drift, double *ret_middle)
{
    double above = INFINITY, below = -INFINITY;
    for (size_t i = from; i < fit->n; i++) {
        above = fmin(above, fit->forth[i].peer_us - drift * fit->forth[i].at_us);
        below = fmax(below, fit->back[i].peer_us - drift * fit->back[i].at_us);
    }
    *ret_middle = (above + below) / 2;
    return above - below;
}

static void drop_oldest(struct xw_clockfit *fit, size_t n)
{
    fit->n -= n;
    memmove(fit->forth, fit->forth + n, fit->n * sizeof(fit->forth[0]));
    memmove(fit->back, fit->back + n, fit->n * sizeof(fit->back[0]));
}

/* The longest stretch without a hole. A slope across a hole would rest on the few messages since,
 * which may all have been late. */
static size_t longest_run(const struct xw_clockfit *fit, size_t *ret_n)
{
    size_t begin = 0, best = 0, best_n = 0;
    for (size_t i = 0; i < fit->n; i++) {
        if (i && fit->forth[i].at_us - fit->forth[i - 1].at_us > HOLE_US)
            begin = i;
        if (i + 1 - begin > best_n) {
            best = begin;
            best_n = i + 1 - begin;
        }
    }
    *ret_n = best_n;
    return best;
}

static void find_drift(struct xw_clockfit *fit)
{
    size_t n, from = longest_run(fit, &n);
    double span_us = n ? fit->forth[from + n - 1].at_us - fit->forth[from].at_us : 0;
    if (span_us < DRIFT_SPAN_US)
        return;
    double drift = (hull_slope(fit->forth + from, n, 1) + hull_slope(fit->back + from, n, -1)) / 2,
           middle;
    drift = fmax(-DRIFT_MOST, fmin(DRIFT_MOST, drift));
    double gap_us = bracket(fit, 0, drift, &middle);
    fit->drift = drift;
    fit->drift_known = true;
    fit->drift_doubt = XW_MIN(DRIFT_UNKNOWN, DRIFT_LEAST + fmax(gap_us, 0) / span_us);
}

static void refit(struct xw_clockfit *fit)
{
    double gap_us, middle;
    size_t from = 0;
    find_drift(fit);
    if (!fit->drift_known) /* two clocks of unknown rate: the past soon says nothing */
        while (from + 1 < fit->n &&
               fit->forth[fit->n - 1].at_us - fit->forth[from].at_us > YOUNG_US)
            from++;
    /* A clock that is being slewed, or was set by less than a round trip: the older part is of
     * another line. */
    while ((gap_us = bracket(fit, from, fit->drift, &middle)) < 0 && from + 1 < fit->n)
        from++;
    if (gap_us < 0)
        return; /* within one bucket: the next one tells */
    if (from && fit->drift_known)
        drop_oldest(fit, from);
    fit->at_us = middle;
    fit->half_us = gap_us / 2 + 1;
}

static void begin_at(struct xw_clockfit *fit, const struct xw_clockfit_exchange *e)
{
    fit->base_boot_us = e->arrived_us;
    fit->base_peer_us = e->transmit_us - e->arrived_us;
    fit->n = 0;
    fit->at_us = 0;
}

static void put(struct xw_clockfit *fit, const struct xw_clockfit_exchange *e)
{
    const struct xw_clockfit_point forth = {
        (double)(e->sent_us - fit->base_boot_us),
        (double)(e->receive_us - e->sent_us - fit->base_peer_us)};
    const struct xw_clockfit_point back = {
        (double)(e->arrived_us - fit->base_boot_us),
        (double)(e->transmit_us - e->arrived_us - fit->base_peer_us)};
    if (!fit->n || e->arrived_us - fit->bucket_us >= BUCKET_US) {
        if (fit->n == XW_CLOCKFIT_BUCKETS_N)
            drop_oldest(fit, 1);
        fit->bucket_us = e->arrived_us;
        fit->forth[fit->n] = forth;
        fit->back[fit->n++] = back;
        return;
    }
    struct xw_clockfit_point *f = &fit->forth[fit->n - 1], *b = &fit->back[fit->n - 1];
    if (forth.peer_us - fit->drift * forth.at_us < f->peer_us - fit->drift * f->at_us)
        *f = forth;
    if (back.peer_us - fit->drift * back.at_us > b->peer_us - fit->drift * b->at_us)
        *b = back;
}

static bool possible(const struct xw_clockfit_exchange *e)
{
    const int64_t all[] = {e->sent_us, e->arrived_us, e->receive_us, e->transmit_us};
    for (size_t i = 0; i < XW_ARRAY_N(all); i++)
        if (all[i] > ABSURD_US || all[i] < -ABSURD_US)
            return false;
    int64_t away_us = e->arrived_us - e->sent_us, held_us = e->transmit_us - e->receive_us;
    return away_us >= 0 && held_us >= 0 && held_us <= away_us;
}

/* The line lies outside of what the exchange allows by more than it can be wrong. */
static bool contradicts(const struct xw_clockfit *fit, const struct xw_clockfit_exchange *e)
{
    double above = (double)(e->receive_us - e->sent_us - fit->base_peer_us);
    double below = (double)(e->transmit_us - e->arrived_us - fit->base_peer_us);
    double doubt = doubt_us(fit, e->arrived_us) + 1;
    return line_at(fit, e->sent_us) - doubt > above || line_at(fit, e->arrived_us) + doubt < below;
}

void xw_clockfit_add(struct xw_clockfit *fit, const struct xw_clockfit_exchange *e)
{
    if (!possible(e) || (fit->n && e->arrived_us < fit->last_us - BUCKET_US))
        return;
    if (!fit->n) {
        begin_at(fit, e);
    } else if (contradicts(fit, e)) {
        begin_at(fit, e);
        fit->steps_n++;
    }
    put(fit, e);
    fit->last_us = XW_MAX(fit->last_us, e->arrived_us);
    refit(fit);
}

bool xw_clockfit_peer_us(const struct xw_clockfit *fit, int64_t boot_us, int64_t *ret_wall_us,
                         uint64_t *ret_uncertainty_us)
{
    if (!fit->n || boot_us > ABSURD_US || boot_us < -ABSURD_US)
        return false;
    *ret_wall_us = boot_us + fit->base_peer_us + (int64_t)llround(line_at(fit, boot_us));
    *ret_uncertainty_us = (uint64_t)doubt_us(fit, boot_us) + 1;
    return true;
}

bool xw_clockfit_drift(const struct xw_clockfit *fit, double *ret_drift)
{
    if (!fit->drift_known)
        return false;
    *ret_drift = fit->drift;
    return true;
}
