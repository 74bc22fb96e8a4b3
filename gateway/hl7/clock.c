/* Least differences, and ages. */
#include "hl7/clock.h"

#define SECOND INT64_C(1000000)

enum { STEADY_MESSAGES = 4 };
static const int64_t coarse_us = 2 * SECOND, period_us = 300 * SECOND, steady_us = 10 * SECOND;
static const int64_t year_us = 366 * 86400 * SECOND, set_age_max_us = 600 * SECOND;

int64_t xw_hl7_clock_behind_us(const struct xw_hl7_clock *clock)
{
    return !clock->known ? 0 : XW_MIN(clock->least_us[0], clock->least_us[1]);
}

void xw_hl7_clock_set(struct xw_hl7_clock *clock, int64_t behind_us, int64_t now_us)
{
    *clock = (struct xw_hl7_clock){
        .known = true, .least_us = {behind_us, behind_us}, .period_from_us = now_us};
}

/* Late by about the same for 10 s: the monitor's clock was set. A backlog that drains gets less
 * late with every message. */
static bool was_set(struct xw_hl7_clock *clock, int64_t arrival_us, int64_t lag_us)
{
    bool goes_on = clock->late_n && lag_us - clock->late_low_us <= coarse_us &&
                   clock->late_high_us - lag_us <= coarse_us;
    if (!goes_on) {
        clock->late_n = 0;
        clock->late_from_us = arrival_us;
        clock->late_low_us = clock->late_high_us = lag_us;
    }
    clock->late_n++;
    clock->late_low_us = XW_MIN(clock->late_low_us, lag_us);
    clock->late_high_us = XW_MAX(clock->late_high_us, lag_us);
    return clock->late_n >= STEADY_MESSAGES && arrival_us - clock->late_from_us >= steady_us;
}

int64_t xw_hl7_clock_add(struct xw_hl7_clock *clock, int64_t arrival_us,
                         const struct xw_hl7_time *sent)
{
    int64_t lag_us = arrival_us - xw_hl7_time_utc_us(sent);
    if (!clock->known || arrival_us < clock->period_from_us) {
        xw_hl7_clock_set(clock, lag_us, arrival_us);
        return 0;
    }
    if (arrival_us - clock->period_from_us > period_us) {
        clock->least_us[1] = clock->least_us[0];
        clock->least_us[0] = lag_us;
        clock->period_from_us = arrival_us;
    }
    int64_t late_us = lag_us - xw_hl7_clock_behind_us(clock);
    if (late_us <= XW_MAX(coarse_us, sent->precision_us)) {
        clock->late_n = 0;
        clock->least_us[0] = XW_MIN(clock->least_us[0], lag_us);
        return 0;
    }
    if (was_set(clock, arrival_us, lag_us)) {
        xw_hl7_clock_set(clock, clock->late_low_us, arrival_us);
        return 0;
    }
    return late_us;
}

static bool believable(int64_t age_us, int64_t precision_us, int64_t most_us)
{
    return age_us >= -(coarse_us + precision_us) && age_us <= most_us;
}

struct xw_hl7_when xw_hl7_when(const struct xw_hl7_header *header, const struct xw_hl7_oru *oru,
                               const struct xw_hl7_reading *reading, int64_t arrival_us)
{
    struct xw_hl7_when when = {arrival_us, false};
    if (!header->has_sent)
        return when;
    /* A time that is only told to the minute says nothing finer than that. */
    int64_t precision_us = XW_MAX(header->sent.precision_us, reading->time.precision_us);
    if (reading->timed) {
        int64_t age_us = xw_hl7_time_diff_us(&header->sent, &reading->time);
        if (believable(age_us, precision_us, year_us)) {
            int64_t fine_us = precision_us > SECOND && age_us < precision_us ? 0 : age_us;
            fine_us = XW_MAX(fine_us, (int64_t)0);
            when = (struct xw_hl7_when){arrival_us - fine_us, true};
        }
    } else if (oru->has_set_time) {
        int64_t age_us = xw_hl7_time_diff_us(&header->sent, &oru->set_time);
        if (believable(age_us, oru->set_time.precision_us, set_age_max_us)) {
            age_us = XW_MAX(age_us, (int64_t)0);
            when = (struct xw_hl7_when){arrival_us - age_us, true};
        }
    }
    return when;
}
