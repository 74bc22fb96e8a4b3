/* The life of the daemon: store, load, sockets, seconds, stop. */
#include "center/center.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/notify.h"
#include "center/alarmpath.h"
#include "center/control.h"
#include "center/demo.h"
#include "center/enrol.h"
#include "center/gateways.h"
#include "center/http.h"
#include "center/hub.h"
#include "center/identities.h"
#include "center/live.h"
#include "center/parts.h"
#include "center/rulelist.h"
#include "center/secret.h"
#include "center/static.h"
#include "center/technical.h"
#include "center/video.h"
#include "reading/reading.h"

#include <string.h>

enum { POOL_JOBS_MAX = 64, LOAD_GRACE_US = 5000000 };

XW_COUNTER(store_conflicts, "xw_center_store_conflicts_total", NULL,
           "overlaps of samples that differ");

/* Browsers that died without a word are found by pings; TCP alone would take minutes. */
static const struct lws_retry_bo idle = {.secs_since_valid_ping = 5, .secs_since_valid_hangup = 15};

static struct lws_protocols protocols[] = {
    {.name = "http", .callback = xw_http_callback, .per_session_data_size = sizeof(void *)},
    {.name = "xw-live-1", .callback = xw_live_callback, .rx_buffer_size = 4096},
    {0},
};

static void fail(struct xw_center *center, const char *what, int error)
{
    xw_log_error("center.failed", XW_LOG_STR("what", what), XW_LOG_ERR(error));
    center->failed = error ? error : -EIO;
    xw_loop_stop(center->loop);
}

/* ---- store ---- */

enum { FULL_FOR_US = 10000000 };

static void show_space(struct xw_center *center)
{
    static const struct {
        enum xw_store_space space;
        Xw__TechnicalCode code;
        const char *text;
    } alarms[] = {
        {XW_SPACE_LOW, XW__TECHNICAL_CODE__TECHNICAL_STORE_LOW, "the county's disk is nearly full"},
        {XW_SPACE_FULL, XW__TECHNICAL_CODE__TECHNICAL_STORE_FULL, "the county's disk is full"},
    };
    enum xw_store_space space = center->space;
    /* A disk at its limit takes one commit and refuses the next: one alarm, not hundreds. */
    if (center->full_us && xw_clock_mono(NULL).us - center->full_us < FULL_FOR_US)
        space = XW_SPACE_FULL;
    else
        center->full_us = 0;
    for (size_t i = 0; i < XW_ARRAY_N(alarms); i++) {
        if (space == alarms[i].space)
            xw_technicals_raise(center->technicals, alarms[i].code, "county", alarms[i].text);
        else
            xw_technicals_clear(center->technicals, alarms[i].code, "county");
    }
}

static void on_space(void *user, enum xw_store_space space, uint64_t free_bytes)
{
    struct xw_center *center = user;
    center->space = space;
    if (space == XW_SPACE_FULL)
        center->full_us = xw_clock_mono(NULL).us;
    xw_log_notice("store.space", XW_LOG_INT("space", space), XW_LOG_UINT("free_bytes", free_bytes));
    if (center->serving)
        show_space(center);
}

static void on_conflict(void *user, const struct xw_uuid *stream, struct xw_range range)
{
    struct xw_center *center = user;
    char text[XW_UUID_TEXT_N_BYTES];
    xw_counter_add(&store_conflicts, 1);
    xw_log_warning("store.conflict", XW_LOG_ID("stream", stream), XW_LOG_UINT("first", range.first),
                   XW_LOG_UINT("end", range.end));
    if (center->technicals)
        xw_technicals_raise(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_CONFLICT,
                            xw_uuid_format(stream, text), "two versions of the same samples");
}

static void on_unreadable(void *user, const struct xw_uuid *stream, struct xw_range range,
                          const char *text)
{
    struct xw_center *center = user;
    char id[XW_UUID_TEXT_N_BYTES];
    xw_log_error("store.unreadable", XW_LOG_ID("stream", stream), XW_LOG_UINT("first", range.first),
                 XW_LOG_UINT("end", range.end), XW_LOG_STR("text", text));
    if (center->technicals)
        xw_technicals_raise(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_UNREADABLE,
                            xw_uuid_format(stream, id), "samples can no longer be read");
}

static int open_store(struct xw_center *center)
{
    const struct xw_center_config *c = &center->config;
    struct xw_store_config config = {
        .dir = c->store_dir,
        .key_file = c->store_key_file,
        .limit_bytes = (uint64_t)c->store_limit_bytes,
        .reserve_bytes = (uint64_t)c->store_reserve_bytes,
        .low_bytes = (uint64_t)c->store_low_bytes,
        .retain_us = (uint64_t)c->store_retain_us,
        .queue_bytes = (uint64_t)c->store_queue_bytes,
        .readers_n = (uint32_t)c->store_readers_n,
    };
    struct xw_store_watch watch = {.user = center,
                                   .on_space = on_space,
                                   .on_conflict = on_conflict,
                                   .on_unreadable = on_unreadable};
    return xw_store_open_sqlite(center->loop, &config, &watch, &center->store);
}

/* ---- sockets ---- */

static int listen_gateways(struct xw_center *center)
{
    const struct xw_center_config *c = &center->config;
    struct xw_downlink_config config = {
        .address = c->gateway_address,
        .port = (uint16_t)c->gateway_port,
        .tls = {.cert_path = c->gateway_cert, .key_path = c->gateway_key, .ca_path = c->gateway_ca},
        .gateways_max = (uint32_t)c->gateways_max,
        .refuse = xw_identities_refuse,
        .refuse_user = center->identities,
    };
    struct xw_downlink_watch watch;
    xw_center_fill_watch(center, &watch);
    return xw_downlink_new(center->loop, center->net, center->store, &config, &watch,
                           &center->downlink, &center->gateway_port);
}

/* Without an authority everything but enrolment works. */
static int listen_enrolment(struct xw_center *center)
{
    int r = xw_enrol_new(center, &center->enrol, &center->enrol_port);
    if (r != -ENOENT)
        return r;
    xw_log_notice("enrol.off", XW_LOG_STR("no_authority_in", center->config.enrol_authority));
    return 0;
}

static int listen_browsers(struct xw_center *center)
{
    const struct xw_center_config *c = &center->config;
    protocols[1].per_session_data_size = xw_live_memory_n_bytes();
    struct xw_net_listen config = {
        .name = "browser",
        .address = c->browser_address,
        .port = (uint16_t)c->browser_port,
        .tls = {.cert_path = c->browser_cert[0] ? c->browser_cert : NULL,
                .key_path = c->browser_key[0] ? c->browser_key : NULL},
        .protocols = protocols,
        .user = center,
        .idle = &idle,
    };
    return xw_net_listen(center->net, &config, &center->browser, &center->browser_port);
}

/* ---- seconds ---- */

static void on_second(void *arg)
{
    struct xw_center *center = arg;
    xw_center_poll_gateways(center);
    xw_gateways_second(center->gateways);
    xw_rulelists_pass(center->rules, center->gateways, xw_clock_mono(NULL).us);
    xw_hub_tick(center->hub);
    if (center->serving)
        show_space(center);
    xw_technicals_tick(center->technicals);
    xw_sessions_expire(center->sessions);
    xw_downlink_check(center->downlink);
    if (center->enrol)
        xw_enrol_second(center->enrol);
    xw_enrol_learn(center);
    xw_live_check(center);
    xw_center_save_sessions(center);
    xw_demo_second(center->demo);
    if (xw_notify_watchdog_ms())
        (void)xw_notify("WATCHDOG=1");
}

static void on_tenth(void *arg)
{
    struct xw_center *center = arg;
    xw_hub_flush(center->hub);
    xw_gateways_check(center->gateways);
    xw_alarmpath_tick(center->alarmpath);
    xw_video_tick(center->video);
}

static int start_timers(struct xw_center *center)
{
    int r = xw_timer_new(center->loop, on_second, center, &center->second);
    if (r == 0)
        r = xw_timer_new(center->loop, on_tenth, center, &center->tenth);
    if (r == 0) {
        xw_timer_start(center->second, 1000, 1000);
        xw_timer_start(center->tenth, 100, 100);
    }
    return r;
}

/* ---- start ---- */

/* Not being able to change users is no reason not to serve. */
static void open_control(struct xw_center *center)
{
    char path[256];
    int r = xw_center_admin_path(&center->config, path, sizeof(path));
    if (r == 0 && path[0])
        r = xw_control_new(center, path, &center->control);
    if (r < 0)
        xw_log_warning("admin.socket", XW_LOG_ERR(r));
}

static void on_loaded(struct xw_center *center, int status)
{
    if (xw_loop_stopping(center->loop))
        return;
    if (status < 0) {
        fail(center, "load", status);
        return;
    }
    if (center->config.demo) {
        status = xw_demo_new(center, &center->demo);
        if (status < 0) {
            fail(center, "demo", status);
            return;
        }
    }
    /* A gateway that does not come back after a restart is missed as well. */
    for (size_t i = 0; i < xw_gateways_n(center->gateways); i++) {
        const struct xw_gateway *g = xw_gateways_at(center->gateways, i);
        xw_alarmpath_gateway(center->alarmpath, g->id);
        xw_alarmpath_silence(center->alarmpath, g->id, g->silent);
    }
    open_control(center);
    status = listen_gateways(center);
    if (status < 0) {
        fail(center, "gateway port", status);
        return;
    }
    status = listen_enrolment(center);
    if (status < 0) {
        fail(center, "enrolment port", status);
        return;
    }
    status = listen_browsers(center);
    if (status < 0) {
        fail(center, "browser port", status);
        return;
    }
    status = start_timers(center);
    if (status < 0) {
        fail(center, "timers", status);
        return;
    }
    center->serving = true;
    show_space(center);
    xw_log_notice("center.ready", XW_LOG_UINT("browser_port", center->browser_port),
                  XW_LOG_UINT("gateway_port", center->gateway_port),
                  XW_LOG_UINT("enrol_port", center->enrol_port),
                  XW_LOG_STR("demo", center->config.demo ? "yes" : "no"));
    (void)xw_notify("READY=1");
}

int xw_center_start(struct xw_center *center)
{
    int r = xw_secret_init();
    if (r == 0)
        r = xw_pool_new(center->loop, "work", (size_t)center->config.workers_n, POOL_JOBS_MAX,
                        &center->pool);
    if (r == 0)
        r = xw_net_new(center->loop, &center->net);
    if (r == 0)
        r = xw_reading_shared_new(&center->readings);
    if (r < 0)
        return r;
    r = xw_static_load(center->config.browser_web, &center->pages);
    if (r < 0)
        xw_log_warning("pages.missing", XW_LOG_STR("dir", center->config.browser_web),
                       XW_LOG_ERR(r));
    r = open_store(center);
    if (r < 0) {
        xw_log_error("store.open", XW_LOG_STR("dir", center->config.store_dir), XW_LOG_ERR(r));
        return r;
    }
    r = xw_center_parts_new(center);
    if (r < 0)
        return r;
    xw_center_load(center, on_loaded);
    return 0;
}

/* ---- stop ---- */

static void on_store_closed(void *user)
{
    struct xw_center *center = user;
    center->store = NULL;
    xw_loop_quit(center->loop);
}

void xw_center_stop(struct xw_center *center)
{
    (void)xw_notify("STOPPING=1");
    center->serving = false;
    xw_timer_free(center->second);
    xw_timer_free(center->tenth);
    center->second = center->tenth = NULL;
    xw_control_free(center->control);
    center->control = NULL;
    xw_demo_free(center->demo);
    center->demo = NULL;
    /* Gateways first: nothing new comes in; then what is queued is made durable. Browsers may still
     * be there: their requests are answered "busy" until the loop has ended. */
    xw_enrol_close(center->enrol);
    xw_downlink_free(center->downlink);
    center->downlink = NULL;
    if (center->journal)
        xw_journal_stop(center->journal);
    if (center->store)
        xw_store_close(center->store, on_store_closed, center);
    else
        xw_loop_quit(center->loop);
}

void xw_center_done(struct xw_center *center)
{
    xw_net_free(center->net);
    xw_pool_free(center->pool); /* its workers read what comes next */
    xw_reading_shared_free(center->readings);
    xw_center_parts_free(center);
    xw_static_free(center->pages);
}
