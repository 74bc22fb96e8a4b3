/* When a sample was taken, as an anchor says it: by the stream's own line (ratefit) in this
 * gateway's boot time, by the link's line (clockfit) in the county's time, and by this gateway's
 * wall clock.
 *
 * Gateway and county time are of one and the same reading of the clocks, so a wall clock that is
 * set changes gateway_wall_us and county_offset_us by the same, and their sum not at all. Threads:
 * pure. Units: µs. */
#ifndef XW_EDGE_MOMENT_H
#define XW_EDGE_MOMENT_H

#include "base/clockfit.h"
#include "edge/ratefit.h"
#include "proto/study.pb-c.h"

/* county NULL: no uplink. Sets index, boottime, wall time, offset and uncertainty, and the true
 * rate, in samples a second of the county's clock where its drift is known. */
void xw_moment_anchor(const struct xw_ratefit *fit, const struct xw_clockfit *county,
                      int64_t boot_us, int64_t wall_us, uint64_t index, Xw__Anchor *ret_anchor);

#endif
