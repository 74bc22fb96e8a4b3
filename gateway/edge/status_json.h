/* What the status page shows, as JSON.
 * Threads: loop thread only. Never a patient's data. */
#ifndef XW_EDGE_STATUS_JSON_H
#define XW_EDGE_STATUS_JSON_H

#include "base/buf.h"
#include "edge/edge.h"

XW_MUST_CHECK int xw_status_json(struct xw_edge *edge, struct xw_buf *ret_text);
/* May a code be typed now? Before enrolment, and while there is no link. */
bool xw_status_may_enrol(const struct xw_edge *edge);
/* {"status": "ok" | "degraded", "checks": {name: "ok" or text}} */
XW_MUST_CHECK int xw_status_health(struct xw_edge *edge, struct xw_buf *ret_text, bool *ret_good);

#endif
