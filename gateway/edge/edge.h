/* What the parts of xinwang-gateway share: one process, one loop.
 * Threads: loop thread only. Ownership: main owns the whole; parts borrow it for their lives. */
#ifndef XW_EDGE_EDGE_H
#define XW_EDGE_EDGE_H

#include "base/base.h"
#include "base/clock.h"
#include "base/loop.h"
#include "edge/config.h"
#include "link/net.h"
#include "link/uplink.h"
#include "store/store.h"

enum { XW_EDGE_ATTACHMENTS_MAX = 128 };
#define XW_EDGE_LOG "county" /* the spool's outgoing record log */

struct xw_commit;
struct xw_technical;
struct xw_decide;
struct xw_port;
struct xw_fleet;
struct xw_study;
struct xw_monitor;
struct xw_video;
struct xw_import;
struct xw_probe;
struct xw_status;
struct xw_edge_enrol;
struct xw_renew;
struct xw_edge_identity;
struct xw_edge_rules;
struct xw_electrodes;

struct xw_edge {
    const struct xw_edge_config *config;
    struct xw_loop *loop;
    struct xw_net *net;
    struct xw_store *store;
    struct xw_uplink *uplink; /* NULL: none configured */
    uint8_t boot_id[16];
    int64_t started_wall_us;
    struct xw_commit *commit;
    struct xw_technical *technical;
    struct xw_decide *decide;
    struct xw_study *study;
    struct xw_video *video;
    struct xw_import *import;
    struct xw_fleet *fleet;
    struct xw_port *port;
    struct xw_monitor *monitor;
    struct xw_probe *probe;
    struct xw_edge_rules *rules;
    struct xw_electrodes *electrodes; /* NULL: nobody looks */
    struct xw_status *status;
    struct xw_edge_enrol *enrol;       /* NULL: name and certificate by configuration */
    struct xw_edge_identity *identity; /* NULL: by configuration, or not enrolled yet */
    struct xw_renew *renew;
    bool enrolling;              /* nothing but the status page is there yet */
    struct xw_uplink_state link; /* last told */
    bool stopping;
};

static inline int64_t xw_edge_now_us(void)
{
    return xw_clock_mono(NULL).us;
}
static inline int64_t xw_edge_wall_us(void)
{
    return xw_clock_wall(NULL).us;
}
static inline int64_t xw_edge_boot_us(void)
{
    return xw_clock_boot(NULL).us;
}

#endif
