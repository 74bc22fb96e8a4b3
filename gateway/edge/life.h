/* The life of the daemon: start in order, run, stop in order.
 *
 * Start: spool, what earlier processes left (decisions, attachments, alarms, marks), uplink, device
 * port, status page, READY. Stop: no new data, devices told, pipelines emptied (at most 2 s), spool
 * closed, then the rest.
 * Threads: main only. Errors: negative errno after a line in the log. */
#ifndef XW_EDGE_LIFE_H
#define XW_EDGE_LIFE_H

#include "edge/config.h"

XW_MUST_CHECK int xw_life_run(const struct xw_edge_config *config);

#endif
