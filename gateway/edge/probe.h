/* The alarm path of this gateway, probed (deadman.h): its own small signal pipeline, the commit,
 * the lane of alarms, and the technical alarms ALARM_PATH and UNATTENDED.
 *
 * Local alarms have nothing to do with it: they are in the spool and on the status page whether the
 * way to the county is whole or not. Without an uplink nothing is probed.
 * Threads: loop thread only. */
#ifndef XW_EDGE_PROBE_H
#define XW_EDGE_PROBE_H

#include "edge/deadman.h"
#include "edge/edge.h"

XW_MUST_CHECK int xw_probe_new(struct xw_edge *edge, struct xw_probe **ret_probe);
void xw_probe_free(struct xw_probe *probe);
void xw_probe_tick(struct xw_probe *probe);
void xw_probe_linked(struct xw_probe *probe, bool linked);
void xw_probe_proof(struct xw_probe *probe, const void *payload, size_t size);
/* Borrowed, to be shown. */
const struct xw_deadman *xw_probe_deadman(const struct xw_probe *probe);

#endif
