/* Times of HL7 v2: YYYY[MM[DD[HH[MM[SS[.S…]]]]]][±ZZZZ], also with milliseconds glued on.
 * Threads: pure. Errors: -EBADMSG. Source: HL7 v2.6, 2.A.22 (DTM). */
#ifndef XW_HL7_TIME_H
#define XW_HL7_TIME_H

#include "base/base.h"

struct xw_hl7_time {
    int64_t us; /* since 1970 by the clock on the wall there: UTC only after subtracting the zone */
    int64_t precision_us; /* 1 s with seconds, 60 s with minutes, … */
    bool has_zone;
    int32_t zone_min; /* east of Greenwich */
};

XW_MUST_CHECK int xw_hl7_time_parse(const char *text, size_t n, struct xw_hl7_time *ret_time);
/* later - earlier. A zone that only one of them tells is taken for both: it is one clock. */
int64_t xw_hl7_time_diff_us(const struct xw_hl7_time *later, const struct xw_hl7_time *earlier);
/* Without a zone: as if the clock showed UTC. */
int64_t xw_hl7_time_utc_us(const struct xw_hl7_time *time);

#endif
