/* Capture time of a sample in three clocks. */
#include "edge/moment.h"

void xw_moment_anchor(const struct xw_ratefit *fit, const struct xw_clockfit *county,
                      int64_t boot_us, int64_t wall_us, uint64_t index, Xw__Anchor *ret_anchor)
{
    Xw__Anchor *a = ret_anchor;
    int64_t taken_us = xw_ratefit_time_us(fit, index), county_us;
    double drift;
    a->index = index;
    a->boottime_us = (uint64_t)taken_us;
    a->gateway_wall_us = taken_us + (wall_us - boot_us);
    a->rate_hz = xw_ratefit_rate_hz(fit);
    a->county_offset_known =
        county && xw_clockfit_peer_us(county, taken_us, &county_us, &a->uncertainty_us);
    a->county_offset_us = a->county_offset_known ? county_us - a->gateway_wall_us : 0;
    if (!a->county_offset_known)
        a->uncertainty_us = 0;
    if (county && xw_clockfit_drift(county, &drift))
        a->rate_hz /= 1 + drift;
}
