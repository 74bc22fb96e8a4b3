/* Making the parts of the center and the callbacks that tie them together (internal).
 *
 * Threads: loop thread only. */
#ifndef XW_CENTER_PARTS_H
#define XW_CENTER_PARTS_H

#include "center/center.h"

/* Everything that needs no socket: hub, tables, journal. The store is open. */
XW_MUST_CHECK int xw_center_parts_new(struct xw_center *center);
/* alarmpath_parts.c */
XW_MUST_CHECK int xw_center_alarmpath_new(struct xw_center *center);
/* After the store was closed. */
void xw_center_parts_free(struct xw_center *center);
/* Keeps when sessions were last used. */
void xw_center_save_sessions(struct xw_center *center);
/* downlink.c: what the link to the gateways tells us. */
void xw_center_fill_watch(struct xw_center *center, struct xw_downlink_watch *ret_watch);
/* Figures of all gateways, as the downlink has them now. */
void xw_center_poll_gateways(struct xw_center *center);

#endif
