/* Starting and stopping in order. */
#include "edge/life_in.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/version.h"
#include "edge/attachment.h"
#include "edge/commit.h"
#include "edge/decide.h"
#include "edge/electrodes.h"
#include "edge/enrol.h"
#include "edge/import.h"
#include "edge/monitor.h"
#include "edge/past.h"
#include "edge/pipeline.h"
#include "edge/port.h"
#include "edge/probe.h"
#include "edge/renew.h"
#include "edge/rules.h"
#include "edge/status.h"
#include "edge/study.h"
#include "edge/technical.h"
#include "edge/video.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { TICK_MS = 1000, STOP_POLL_MS = 20, STOP_WAIT_US = 2000000, LINK_LOST_AFTER_US = 2000000 };
enum { CLOCK_OFF_US = 2000000 };
enum { SPOOL_QUEUE_BYTES = 64 * 1024 * 1024, SPOOL_READERS = 2 };

/* ---- running ---- */

/* What does not fit is said, never just late. */
static void check_room(struct xw_edge *edge)
{
    char text[128];
    if (!edge->link.linked || (!edge->link.suspended_n && !edge->link.held)) {
        xw_technical_clear(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_LINK_NARROW,
                           edge->config->id);
        return;
    }
    snprintf(text, sizeof(text), "%" PRIu64 " kbit/s: %u streams not live, pictures and files wait",
             edge->link.rate_bytes_per_s / 125, edge->link.suspended_n);
    xw_technical_raise(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_LINK_NARROW, edge->config->id,
                       text, NULL);
}

static void check_link(struct life *life)
{
    struct xw_edge *edge = &life->edge;
    if (!edge->uplink)
        return;
    xw_uplink_get_state(edge->uplink, &edge->link);
    edge->link.text = NULL;
    if (!edge->link.linked && xw_edge_now_us() - life->unlinked_us > LINK_LOST_AFTER_US)
        xw_technical_raise(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST,
                           edge->config->id,
                           edge->link.refused ? "the county does not take our certificate"
                                              : "no connection to the county",
                           NULL);
    check_room(edge);
}

/* Display times of this gateway are wrong; those of samples are not, their anchors know better. */
static void check_clock(struct xw_edge *edge)
{
    const struct xw_uplink_state *link = &edge->link;
    int64_t off_us = link->county_offset_us < 0 ? -link->county_offset_us : link->county_offset_us;
    int64_t doubt_us = (int64_t)XW_MIN(link->county_uncertainty_us, UINT64_C(1) << 40);
    char text[64];
    if (!link->linked || !link->county_uncertainty_us)
        return;
    if (off_us - doubt_us > CLOCK_OFF_US) {
        snprintf(text, sizeof(text), "%.1f s off the county's clock",
                 (double)-link->county_offset_us / 1e6);
        xw_technical_raise(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_CLOCK, edge->config->id,
                           text, NULL);
    } else if (off_us < CLOCK_OFF_US / 2) {
        xw_technical_clear(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_CLOCK, edge->config->id);
    }
}

static void on_tick(void *arg)
{
    struct life *life = arg;
    xw_fleet_tick(life->edge.fleet);
    xw_port_tick(life->edge.port);
    xw_monitor_tick(life->edge.monitor);
    xw_study_tick(life->edge.study);
    xw_import_tick(life->edge.import);
    check_link(life);
    xw_renew_tick(life->edge.renew);
    check_clock(&life->edge);
    xw_probe_tick(life->edge.probe);
    xw_life_show_space(life);
    if (xw_edge_rules_settle(life->edge.rules))
        life->report.due_us = 0; /* the county waits for it */
    xw_report_tick(&life->report, &life->edge);
    xw_video_tick(life->edge.video);
}

static void on_watchdog(void *arg)
{
    (void)arg;
    (void)xw_notify("WATCHDOG=1");
}

static void fail(struct life *life, const char *what, int r)
{
    xw_log_error("gateway.start", XW_LOG_STR("what", what), XW_LOG_ERR(r));
    life->result = r;
    xw_loop_stop(life->edge.loop);
}

/* One that was opened for enrolment stays. */
static int open_status(struct life *life)
{
    struct xw_edge *edge = &life->edge;
    return edge->status ? 0 : xw_status_new(edge, &edge->status, &life->status_port);
}

static void ready(struct life *life)
{
    uint64_t watchdog_ms = xw_notify_watchdog_ms();
    (void)xw_notify("READY=1");
    if (watchdog_ms)
        xw_timer_start(life->watchdog, watchdog_ms, watchdog_ms);
}

/* What earlier processes left is known: devices may come. */
static void on_past(void *user, int status)
{
    struct life *life = user;
    struct xw_edge *edge = &life->edge;
    uint16_t device_port = 0, monitor_port = 0;
    int r = status;
    if (edge->stopping)
        return;
    if (r < 0) {
        fail(life, "spool", r);
        return;
    }
    (void)xw_edge_rules_settle(edge->rules);
    r = xw_port_new(edge, &edge->port, &device_port);
    if (r < 0) {
        fail(life, "device port", r);
        return;
    }
    r = xw_monitor_listen(edge->monitor, &monitor_port);
    if (r < 0) {
        fail(life, "monitor port", r);
        return;
    }
    edge->enrolling = false;
    r = open_status(life);
    if (r < 0) {
        fail(life, "status page", r);
        return;
    }
    xw_video_begin(edge->video);
    xw_timer_start(life->tick, TICK_MS, TICK_MS);
    life->started = true;
    xw_log_notice("gateway.ready", XW_LOG_STR("gateway", edge->config->id),
                  XW_LOG_UINT("device_port", device_port),
                  XW_LOG_UINT("monitor_port", monitor_port),
                  XW_LOG_UINT("status_port", life->status_port));
    ready(life);
}

static int start_uplink(struct life *life)
{
    struct xw_edge *edge = &life->edge;
    const struct xw_edge_config *c = edge->config;
    if (!c->uplink_host[0])
        return 0;
    xw_version_line("xinwang-gateway", life->software, sizeof(life->software));
    const struct xw_uplink_config config = {
        .host = c->uplink_host,
        .address = c->uplink_address[0] ? c->uplink_address : NULL,
        .port = (uint16_t)c->uplink_port,
        .tls = {.cert_path = c->cert_path[0] ? c->cert_path : NULL,
                .key_path = c->key_path[0] ? c->key_path : NULL,
                .ca_path = c->ca_path[0] ? c->ca_path : NULL},
        .gateway_id = c->id,
        .site_name = c->site,
        .software = life->software,
        .demo = c->demo,
        .live_late_us = (uint64_t)c->live_late_us,
    };
    const struct xw_uplink_watch watch = xw_life_uplink_watch(life);
    life->unlinked_us = xw_edge_now_us();
    return xw_uplink_new(edge->loop, edge->net, edge->store, &config, &watch, &edge->uplink);
}

static int open_store(struct life *life, bool moved)
{
    const struct xw_edge_config *c = life->edge.config;
    const struct xw_store_config config = {
        .dir = c->spool_dir,
        .key_file = c->spool_key_file,
        .limit_bytes = (uint64_t)c->spool_limit_bytes,
        .reserve_bytes = (uint64_t)c->spool_reserve_bytes,
        .low_bytes = (uint64_t)c->spool_low_bytes,
        .retain_us = (uint64_t)c->spool_retain_us,
        .queue_bytes = SPOOL_QUEUE_BYTES,
        .readers_n = SPOOL_READERS,
        .release_needed = true,
        .renew = moved,
    };
    const struct xw_store_watch watch = xw_life_store_watch(life);
    return xw_store_open_sqlite(life->edge.loop, &config, &watch, &life->edge.store);
}

/* Two boxes from one image would both say "record 120" and mean different ones. */
static int open_spool(struct life *life, const char **ret_what)
{
    const struct xw_edge_config *c = life->edge.config;
    char machine[XW_EDGE_MACHINE_N];
    bool moved = false;
    xw_edge_machine("", machine);
    int r = xw_edge_spool_claim(c->spool_dir, c->id, machine, &moved);
    if (r == -EEXIST)
        *ret_what = "the spool is another gateway's (the file `gateway` in it)";
    if (moved)
        xw_log_notice("spool.moved", XW_LOG_STR("dir", c->spool_dir));
    return r < 0 ? r : open_store(life, moved);
}

/* The list of plugins lies in the spool: a service may write nowhere else. */
static int setup_gstreamer(const struct xw_edge_config *c)
{
    xw_autofree char *registry = NULL;
    if (!xw_edge_config_has_video(c))
        return xw_pipeline_setup(NULL);
    int r = xw_file_make_dirs(c->spool_dir, 0750);
    if (r == 0 && asprintf(&registry, "%s/gstreamer.registry", c->spool_dir) < 0)
        return -ENOMEM;
    return r < 0 ? r : xw_pipeline_setup(registry);
}

#define STEP(what, call)                                                                           \
    do {                                                                                           \
        *ret_what = (what);                                                                        \
        r = (call);                                                                                \
        if (r < 0)                                                                                 \
            return r;                                                                              \
    } while (0)

/* Everything that needs to know who we are. */
static int start_rest(struct life *life, const char **ret_what)
{
    struct xw_edge *edge = &life->edge;
    int r;
    STEP("gstreamer", setup_gstreamer(edge->config));
    STEP("spool", open_spool(life, ret_what));
    STEP("commit", xw_commit_new(edge, &edge->commit));
    STEP("alarms", xw_technical_new(edge, &edge->technical));
    xw_edge_rules_load(edge->rules);
    STEP("devices", xw_decide_new(edge, &edge->decide));
    STEP("studies", xw_study_new(edge, &edge->study));
    STEP("pictures", xw_video_new(edge, &edge->video));
    STEP("folder of files (import.dir)", xw_import_new(edge, &edge->import));
    if (edge->config->electrodes)
        STEP("electrodes", xw_electrodes_new(edge, &edge->electrodes));
    STEP("fleet", xw_fleet_new(edge, &edge->fleet));
    STEP("monitors", xw_monitor_new(edge, &edge->monitor));
    STEP("alarm path", xw_probe_new(edge, &edge->probe));
    STEP("uplink", start_uplink(life));
    if (edge->identity)
        STEP("rotation", xw_renew_new(edge, edge->identity, &edge->renew));
    STEP("timer", xw_timer_new(edge->loop, on_tick, life, &life->tick));
    STEP("past", xw_past_read(edge, on_past, life));
    return 0;
}

/* ---- who we are ---- */

/* The strings are the identity's, for the life of the process; those of the configuration are freed
 * by who made it. What the configuration says of site and address goes before. */
static void become(struct life *life, const struct xw_edge_identity *identity)
{
    struct xw_edge_config *c = &life->config;
    life->identity = *identity;
    struct xw_edge_identity *i = &life->identity;
    life->edge.identity = i;
    c->id = i->grant.gateway;
    c->uplink_host = i->grant.host;
    c->uplink_port = i->grant.port;
    c->cert_path = i->cert_path;
    c->key_path = i->key_path;
    c->ca_path = i->ca_path;
    if (!c->site[0])
        c->site = i->grant.site;
    if (!c->uplink_address[0])
        c->uplink_address = i->address;
}

/* Enrolled anew while everything else goes on: the same gateway, with another certificate, perhaps
 * of another county. What was borrowed from the identity stays where it is. */
static void become_again(struct life *life, struct xw_edge_identity *fresh)
{
    struct xw_edge_identity before = life->identity, *now = &life->identity;
    *now = *fresh;
    memcpy(now->grant.gateway, before.grant.gateway, sizeof(now->grant.gateway));
    life->config.uplink_port = now->grant.port;
    xw_renew_replaced(life->edge.renew);
    if (life->edge.uplink && xw_uplink_rehome(life->edge.uplink, now->grant.port) < 0)
        xw_log_error("enrol.not_used");
    xw_edge_identity_done(&before);
}

static void on_enrolled(void *user, struct xw_edge_identity *identity)
{
    struct life *life = user;
    const char *what = "";
    if (life->edge.stopping) {
        xw_edge_identity_done(identity);
        return;
    }
    if (life->edge.identity) {
        become_again(life, identity);
        return;
    }
    become(life, identity);
    int r = start_rest(life, &what);
    if (r < 0)
        fail(life, what, r);
}

/* Nothing but the status page, until somebody types a code there. */
static int start_enrolment(struct life *life, const char **ret_what)
{
    struct xw_edge *edge = &life->edge;
    int r;
    edge->enrolling = true;
    STEP("enrolment", xw_edge_enrol_new(edge, on_enrolled, life, &edge->enrol));
    STEP("status page", open_status(life));
    xw_log_notice("gateway.not_enrolled", XW_LOG_UINT("status_port", life->status_port));
    ready(life);
    return 0;
}

static int start(struct life *life, const char **ret_what)
{
    struct xw_edge *edge = &life->edge;
    struct xw_edge_identity identity;
    int r;
    STEP("boot id", xw_boot_id(edge->boot_id));
    STEP("rules", xw_edge_rules_new(edge, &edge->rules));
    STEP("network", xw_net_new(edge->loop, &edge->net));
    STEP("timer", xw_timer_new(edge->loop, on_watchdog, NULL, &life->watchdog));
    if (xw_edge_config_enrols(edge->config)) {
        *ret_what = "identity";
        r = xw_edge_identity_load(edge->config->enrol_dir, &identity);
        if (r == -EBADMSG) {
            xw_log_error("identity.broken", XW_LOG_STR("kept_beside", edge->config->enrol_dir));
            r = xw_edge_identity_aside(edge->config->enrol_dir);
            r = r == 0 ? -ENOENT : r;
        }
        if (r == -ENOENT)
            return start_enrolment(life, ret_what);
        if (r < 0)
            return r;
        become(life, &identity);
        STEP("enrolment", xw_edge_enrol_new(edge, on_enrolled, life, &edge->enrol));
    }
    return start_rest(life, ret_what);
}
#undef STEP

/* ---- stopping ---- */

static void on_store_closed(void *user)
{
    struct life *life = user;
    life->edge.store = NULL;
    xw_loop_quit(life->edge.loop);
}

static void close_store(struct life *life)
{
    if (life->closing)
        return;
    life->closing = true;
    if (life->edge.video)
        xw_video_halt(life->edge.video);
    xw_renew_free(XW_STEAL(life->edge.renew));
    xw_uplink_free(XW_STEAL(life->edge.uplink));
    if (life->edge.store)
        xw_store_close(life->edge.store, on_store_closed, life);
    else
        xw_loop_quit(life->edge.loop);
}

/* The pipelines are emptied into the spool first: what the devices were told about stays true
 * anyway, this only spares them sending it again. */
static void on_stop_poll(void *arg)
{
    struct life *life = arg;
    struct xw_edge *edge = &life->edge;
    xw_commit_flush(edge->commit);
    bool idle = xw_fleet_idle(edge->fleet) && xw_video_idle(edge->video) &&
                xw_import_idle(edge->import) && xw_commit_idle(edge->commit);
    if (idle || xw_edge_now_us() - life->stop_since_us > STOP_WAIT_US) {
        xw_timer_stop(life->stop_timer);
        close_store(life);
    }
}

static void on_stop(void *arg)
{
    struct life *life = arg;
    struct xw_edge *edge = &life->edge;
    (void)xw_notify("STOPPING=1");
    xw_log_notice("gateway.stop", XW_LOG_STR("gateway", edge->config->id));
    edge->stopping = true;
    life->stop_since_us = xw_edge_now_us();
    if (edge->port)
        xw_port_stop(edge->port); /* detaches every device, with its record */
    if (edge->monitor)
        xw_monitor_stop(edge->monitor);
    if (edge->import)
        xw_import_stop(edge->import);
    xw_status_free(XW_STEAL(edge->status));
    if (edge->video)
        xw_video_stop(edge->video);
    if (!edge->commit || !edge->fleet ||
        xw_timer_new(edge->loop, on_stop_poll, life, &life->stop_timer) < 0) {
        close_store(life);
        return;
    }
    xw_timer_start(life->stop_timer, STOP_POLL_MS, STOP_POLL_MS);
}

static void free_timer(struct xw_timer *timer)
{
    if (timer)
        xw_timer_free(timer);
}

int xw_life_run(const struct xw_edge_config *config)
{
    struct life *life = calloc(1, sizeof(*life));
    if (!life)
        return -ENOMEM;
    struct xw_edge *edge = &life->edge;
    life->config = *config;
    edge->config = &life->config;
    edge->started_wall_us = xw_edge_wall_us();
    const struct xw_loop_options options = {
        .handle_signals = true, .on_stop = on_stop, .on_stop_arg = life};
    const char *what = "loop";
    int r = xw_loop_new(&options, &edge->loop);
    if (r < 0) {
        xw_log_error("gateway.start", XW_LOG_STR("what", what), XW_LOG_ERR(r));
        free(life);
        return r;
    }
    r = start(life, &what);
    if (r < 0)
        fail(life, what, r);
    xw_loop_run(edge->loop); /* also after a failure: what was opened is closed in order */
    r = life->result;

    xw_port_free(edge->port);
    xw_monitor_free(edge->monitor);
    xw_probe_free(edge->probe);
    xw_edge_rules_free(edge->rules);
    xw_fleet_free(edge->fleet);
    xw_electrodes_free(edge->electrodes);
    xw_import_free(edge->import);
    xw_video_free(edge->video);
    xw_study_free(edge->study);
    xw_decide_free(edge->decide);
    xw_technical_free(edge->technical);
    xw_commit_free(edge->commit);
    free_timer(life->tick);
    free_timer(life->watchdog);
    free_timer(life->stop_timer);
    xw_edge_enrol_free(edge->enrol);
    xw_net_free(edge->net);
    xw_edge_identity_done(&life->identity);
    xw_loop_free(edge->loop);
    free(life);
    return r;
}
