/* Tells the county how this gateway stands: link, queue, spool, and how far each stream is captured
 * and kept (GatewayReport), each 5 s on the lane of studies. Not while that lane stands still.
 * Threads: loop thread only. */
#ifndef XW_EDGE_REPORT_H
#define XW_EDGE_REPORT_H

#include "edge/edge.h"

enum { XW_REPORT_EVERY_US = 5000000, XW_REPORT_STREAMS_MAX = 256 };

struct xw_report {
    int64_t due_us;
};

/* Each second. */
void xw_report_tick(struct xw_report *report, struct xw_edge *edge);

#endif
