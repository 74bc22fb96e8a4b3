/* Patient monitors: HL7 v2 over MLLP on a port of their own.
 *
 * monitor.c          the port: who may connect, who gives way
 * monitor_conn.c     a connection: frames in, answers out, in order of arrival
 * monitor_message.c  a message: read, handed to its monitor, answered
 * monitor_device.c   a monitor: accepted or not, its attachment, its memory, what is kept of it
 *
 * A monitor is known by what it says of itself (never by a patient); one attachment of kind
 * "monitor" each. A message is answered AA only after the commit of everything in it. When a
 * commit fails, every message of that monitor on its way is answered AE, and what is remembered
 * of it is read anew from the store: what was kept after all is recognised when it comes again.
 *
 * Limits: PROTOCOL.md, section 6; 128 monitors remembered. Threads: loop thread only. */
#ifndef XW_EDGE_MONITOR_H
#define XW_EDGE_MONITOR_H

#include "edge/edge.h"
#include "proto/study.pb-c.h"

struct xw_monitor;

struct xw_monitor_stats {
    uint64_t messages, observations, absent, repeated, thinned, unknown, refused, held_back;
};

struct xw_monitor_info {
    const char *device_id, *model, *bed, *peer, *state; /* waiting, refused, attached, detached */
    const struct xw_uuid *attachment;
    int64_t since_wall_us, heard_age_us, clock_behind_us;
    bool clock_known;
    const struct xw_monitor_stats *stats;
};

XW_MUST_CHECK int xw_monitor_new(struct xw_edge *edge, struct xw_monitor **ret_monitor);
/* Opens the port, if one is configured; 0 otherwise. */
XW_MUST_CHECK int xw_monitor_listen(struct xw_monitor *monitor, uint16_t *ret_port_n);
/* Closes the port and every connection; writes that the monitors are detached. */
void xw_monitor_stop(struct xw_monitor *monitor);
/* The store must be closed. */
void xw_monitor_free(struct xw_monitor *monitor);
void xw_monitor_tick(struct xw_monitor *monitor);
/* An attachment record of kind "monitor" of an earlier process. */
void xw_monitor_remember(struct xw_monitor *monitor, const Xw__Attachment *attachment,
                         uint64_t revision);

uint16_t xw_monitor_port(const struct xw_monitor *monitor); /* 0: off */
size_t xw_monitor_connections_n(const struct xw_monitor *monitor);
void xw_monitor_each(struct xw_monitor *monitor,
                     void (*each)(void *user, const struct xw_monitor_info *), void *user);

#endif
