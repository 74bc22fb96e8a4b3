/* The parts of the gateway that a probe of the alarm path goes through. */
#include "edge/probe.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "edge/commit.h"
#include "edge/pipeline.h"
#include "edge/technical.h"
#include "proto/link.pb-c.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(probes, "xw_edge_alarm_probes_total", NULL, "probes of the alarm path begun");
XW_COUNTER(proofs_bad, "xw_edge_bad_alarm_proofs_total", NULL, "answers to probes of no use");
XW_GAUGE(path_gauge, "xw_edge_alarm_path", NULL,
         "way of alarms to the county's screen: 0 unproven, 1 proven, 2 broken, 3 unattended");

static const char record_key[] = "alarm-probe";

struct xw_probe {
    struct xw_edge *edge;
    struct xw_deadman deadman;
    struct xw_pipeline *pipeline;
    struct xw_wake *wake;
    struct xw_commit_owner owner;
};

/* ---- out of a pipeline, as an alarm comes out of a patient's ---- */

static void on_output(void *user)
{
    xw_wake_up(user);
}

static int make_pipeline(struct xw_probe *probe)
{
    Xw__Fraction one = XW__FRACTION__INIT;
    Xw__Channel channel = XW__CHANNEL__INIT, *channels[] = {&channel};
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    uint8_t bytes[256];
    one.num = one.den = 1;
    channel.code = "PROBE";
    channel.unit = "1";
    channel.gain = &one;
    header.modality = XW__MODALITY__MODALITY_OTHER;
    header.rate = &one;
    header.channels = channels;
    header.n_channels = 1;
    header.device_id = "alarm-probe";
    const struct xw_pipeline_config config = {.header = &header,
                                              .header_bytes = bytes,
                                              .header_size =
                                                  xw__stream_header__pack(&header, bytes),
                                              .on_output = on_output,
                                              .user = probe->wake};
    return xw_pipeline_new(&config, &probe->pipeline);
}

static int inject(void *user, uint64_t number)
{
    struct xw_probe *probe = user;
    xw_counter_add(&probes, 1);
    if (probe->pipeline && xw_pipeline_broken(probe->pipeline)) {
        xw_pipeline_free(probe->pipeline);
        probe->pipeline = NULL;
    }
    int r = xw_fault_point("probe.input");
    if (r >= 0 && !probe->pipeline)
        r = make_pipeline(probe);
    return r < 0 ? r : xw_pipeline_probe(probe->pipeline, number);
}

static void drain(void *arg)
{
    struct xw_probe *probe = arg;
    const struct xw_pipeline_out *out;
    while (probe->pipeline && xw_pipeline_take(probe->pipeline, &out) == 0) {
        bool alarm = out->what == XW_PIPELINE_BLOCK && out->events_n == 1;
        uint64_t number = alarm ? out->u.events[0].sequence : 0;
        xw_pipeline_consume(probe->pipeline);
        if (alarm)
            xw_deadman_emerged(&probe->deadman, number);
    }
}

/* ---- into the spool ---- */

static void on_kept(struct xw_commit_owner *owner, int status, uint64_t mark)
{
    struct xw_probe *probe = XW_CONTAINER_OF(owner, struct xw_probe, owner);
    xw_deadman_kept(&probe->deadman, mark, status);
}

/* The last probe stays in the spool as a row of its own, so that the sync is one of real bytes. */
static int keep(void *user, uint64_t number)
{
    struct xw_probe *probe = user;
    struct xw_edge *edge = probe->edge;
    int r = xw_fault_point("probe.spool");
    if (r < 0)
        return r;
    if (!xw_commit_takes(edge->commit))
        return -EAGAIN;
    r = xw_store_forget(edge->store, XW_LOCAL_PROBE, record_key, sizeof(record_key) - 1);
    if (r < 0 && r != -ENOENT)
        return r;
    struct xw_store_record record = {.key = record_key,
                                     .key_size = sizeof(record_key) - 1,
                                     .revision = (uint64_t)xw_edge_wall_us(),
                                     .kind = XW_LOCAL_PROBE,
                                     .body = &number,
                                     .body_size = sizeof(number)};
    r = xw_commit_once(edge->commit, &record, NULL, true);
    if (r < 0)
        return r;
    probe->owner.mark = number;
    xw_commit_notify(edge->commit, &probe->owner);
    return 0;
}

/* ---- to the county ---- */

static int send_probe(void *user, const void *payload, size_t size)
{
    struct xw_probe *probe = user;
    struct xw_uplink *uplink = probe->edge->uplink;
    return uplink
               ? xw_uplink_ephemeral_on(uplink, XW__LANE__LANE_ALARM, "alarm-probe", payload, size)
               : -ENOTCONN;
}

static bool offset(void *user, int64_t *ret_us)
{
    const struct xw_probe *probe = user;
    *ret_us = probe->edge->link.county_offset_us;
    return probe->edge->link.county_uncertainty_us > 0;
}

/* ---- what is said about it ---- */

static void changed(void *user, enum xw_deadman_state state, Xw__AlarmLeg leg)
{
    struct xw_probe *probe = user;
    struct xw_technical *technical = probe->edge->technical;
    const char *id = probe->edge->config->id;
    char text[64];
    xw_gauge_set(&path_gauge, state);
    xw_log_notice("alarm.path", XW_LOG_STR("state", xw_deadman_state_name(state)),
                  XW_LOG_STR("leg", xw_deadman_leg_name(leg)));
    /* Another leg is another alarm: the old one ends. */
    xw_technical_clear(technical, XW__TECHNICAL_CODE__TECHNICAL_ALARM_PATH, id);
    if (state == XW_DEADMAN_BROKEN) {
        snprintf(text, sizeof(text), "leg %s", xw_deadman_leg_name(leg));
        xw_technical_raise(technical, XW__TECHNICAL_CODE__TECHNICAL_ALARM_PATH, id, text, NULL);
    }
    if (state == XW_DEADMAN_UNATTENDED)
        xw_technical_raise(technical, XW__TECHNICAL_CODE__TECHNICAL_UNATTENDED, id,
                           "no alarm screen is open at the county", NULL);
    else
        xw_technical_clear(technical, XW__TECHNICAL_CODE__TECHNICAL_UNATTENDED, id);
}

/* ---- life ---- */

int xw_probe_new(struct xw_edge *edge, struct xw_probe **ret_probe)
{
    struct xw_probe *probe = calloc(1, sizeof(*probe));
    if (!probe)
        return -ENOMEM;
    probe->edge = edge;
    probe->owner.done = on_kept;
    const struct xw_deadman_config config = {.period_us = edge->config->probe_every_us,
                                             .wait_us = edge->config->probe_wait_us,
                                             .user = probe,
                                             .inject = inject,
                                             .keep = keep,
                                             .send = send_probe,
                                             .changed = changed,
                                             .offset = offset};
    xw_deadman_init(&probe->deadman, &config);
    int r = xw_wake_new(edge->loop, drain, probe, &probe->wake);
    if (r < 0) {
        free(probe);
        return r;
    }
    *ret_probe = probe;
    return 0;
}

void xw_probe_free(struct xw_probe *probe)
{
    if (!probe)
        return;
    xw_pipeline_free(probe->pipeline); /* stops the thread that wakes us */
    xw_wake_free(probe->wake);
    free(probe);
}

void xw_probe_tick(struct xw_probe *probe)
{
    if (probe->edge->uplink)
        xw_deadman_tick(&probe->deadman);
}

void xw_probe_linked(struct xw_probe *probe, bool linked)
{
    xw_deadman_linked(&probe->deadman, linked);
}

void xw_probe_proof(struct xw_probe *probe, const void *payload, size_t size)
{
    if (xw_deadman_proof(&probe->deadman, payload, size) < 0)
        xw_counter_add(&proofs_bad, 1);
}

const struct xw_deadman *xw_probe_deadman(const struct xw_probe *probe)
{
    return &probe->deadman;
}
