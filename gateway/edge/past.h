/* What earlier processes left in the spool and this one must know before devices come: decisions
 * about devices, attachments that look attached, marks without a study. Technical alarms that are
 * still open are found after that, beside the devices: there may be years of them.
 * Threads: loop thread only. `done` is called once, with 0 or the spool's error. */
#ifndef XW_EDGE_PAST_H
#define XW_EDGE_PAST_H

#include "edge/edge.h"

XW_MUST_CHECK int xw_past_read(struct xw_edge *edge, void (*done)(void *user, int status),
                               void *user);

#endif
