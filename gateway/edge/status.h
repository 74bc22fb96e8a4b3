/* The status page on loopback: /, /status.json, /healthz, /metrics; POST /devices/ID/accept|refuse,
 * /video/ID/start|stop, /enrol {"county","code"} (only before it is enrolled, when nothing else is
 * there).
 *
 * A change needs the header X-Xinwang-Token: the page carries the token of this process, scripts
 * use the configured one. Requests whose Host is not a loopback name are refused (DNS rebinding).
 * Threads: loop thread only. Never a patient's data. */
#ifndef XW_EDGE_STATUS_H
#define XW_EDGE_STATUS_H

#include "edge/edge.h"

XW_MUST_CHECK int xw_status_new(struct xw_edge *edge, struct xw_status **ret_status,
                                uint16_t *ret_port);
void xw_status_free(struct xw_status *status);

#endif
