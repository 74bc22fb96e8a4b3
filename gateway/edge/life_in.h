/* What life.c and life_watch.c share (internal).
 * Threads: loop thread only. */
#ifndef XW_EDGE_LIFE_IN_H
#define XW_EDGE_LIFE_IN_H

#include "edge/edge.h"
#include "edge/identity.h"
#include "edge/life.h"
#include "edge/report.h"

struct life {
    struct xw_edge edge;
    struct xw_timer *tick, *stop_timer, *watchdog;
    int64_t stop_since_us;
    bool closing, started;
    struct xw_report report;
    int64_t unlinked_us;
    enum xw_store_space space;
    int64_t full_us; /* the spool was last full then; 0 = never */
    int result;
    char software[160];           /* borrowed by the uplink for its life */
    struct xw_edge_config config; /* ours: what enrolment gave is put in */
    struct xw_edge_identity identity;
    uint16_t status_port;
};

/* life_watch.c: what is done when the spool or the uplink says something. user: the life. */
struct xw_store_watch xw_life_store_watch(struct life *life);
struct xw_uplink_watch xw_life_uplink_watch(struct life *life);
/* Alarms of a full spool end when it has not been full for a while. */
void xw_life_show_space(struct life *life);

#endif
