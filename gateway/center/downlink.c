/* What the link to the gateways tells the center. */
#include "center/parts.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/alarmpath.h"
#include "center/attachments.h"
#include "center/demo.h"
#include "center/enrol.h"
#include "center/gateway_report.h"
#include "center/gateways.h"
#include "center/hub.h"
#include "center/video.h"

#include <string.h>

XW_COUNTER(beats_bad, "xw_center_bad_beats_total", NULL, "provisional beats of no use");
XW_COUNTER(probes_bad, "xw_center_bad_alarm_probes_total", NULL,
           "probes of the alarm path of no use");
XW_COUNTER(reports_bad, "xw_center_bad_gateway_reports_total", NULL,
           "reports of gateways of no use, or about streams of another");
XW_COUNTER(headers_bad, "xw_center_bad_headers_total", NULL, "stream headers of no use");
XW_COUNTER(healed_samples, "xw_center_healed_samples_total", NULL,
           "samples (of all channels together) that came by backfill");

static void on_gateway(void *user, const struct xw_downlink_gateway *gateway)
{
    struct xw_center *center = user;
    const struct xw_gateway *g = xw_gateways_find(center->gateways, gateway->gateway_id);
    bool was = g && g->linked;
    xw_gateways_update(center->gateways, gateway);
    xw_alarmpath_gateway(center->alarmpath, gateway->gateway_id);
    if (was == gateway->linked)
        return;
    xw_hub_linked(center->hub, gateway->gateway_id, gateway->linked);
    xw_demo_linked(center->demo, gateway->gateway_id, gateway->linked);
    xw_video_linked(center->video, gateway->gateway_id, gateway->linked);
}

static void on_twins(void *user, const char *gateway_id)
{
    struct xw_center *center = user;
    xw_gateways_twins(center->gateways, gateway_id);
}

static void on_stream(void *user, const struct xw_uuid *stream, const void *header,
                      size_t header_size, const char *gateway_id)
{
    struct xw_center *center = user;
    const struct xw_gateway *g = xw_gateways_find(center->gateways, gateway_id);
    struct xw_hub_view view;
    struct xw_uuid id;
    int r = xw_hub_stream(center->hub, stream, header, header_size, g ? g->site : NULL);
    if (r < 0 || xw_hub_find(center->hub, stream, &view) < 0) {
        xw_counter_add(&headers_bad, 1);
        xw_log_warning("center.header", XW_LOG_ID("stream", stream), XW_LOG_ERR(r));
        return;
    }
    xw_hub_stream_linked(center->hub, stream, g && g->linked);
    /* The record of its attachment may have come before. */
    if (xw_uuid_from_bytes(view.header->attachment_id.data, view.header->attachment_id.len, &id) <
            0 ||
        xw_attachments_claim(center->attachments, &id, gateway_id) < 0)
        return;
    const struct xw_attachment *a = xw_attachments_find(center->attachments, &id);
    if (a && a->told)
        xw_hub_bed(center->hub, &id, a->bed);
}

static void on_held(void *user, const struct xw_uuid *stream, uint64_t end)
{
    struct xw_center *center = user;
    struct xw_hub_view view;
    if (xw_hub_find(center->hub, stream, &view) == 0)
        (void)!xw_hub_mark(center->hub, view.header->gateway_id, stream, 0, end);
}

static void on_block(void *user, const struct xw_store_block *block, bool live)
{
    struct xw_center *center = user;
    xw_hub_block(center->hub, block, live);
}

static void on_gap(void *user, const struct xw_store_gap *gap)
{
    struct xw_center *center = user;
    xw_hub_gap(center->hub, gap);
}

static void on_stored(void *user, const struct xw_uuid *stream, struct xw_range range, bool live)
{
    struct xw_center *center = user;
    struct xw_hub_view view;
    xw_hub_stored(center->hub, stream, range, live);
    if (live || xw_hub_find(center->hub, stream, &view) < 0)
        return;
    uint64_t n = range.end - range.first;
    xw_counter_add(&healed_samples, n);
    xw_gateways_backfill(center->gateways, view.header->gateway_id, n);
    xw_demo_healed(center->demo, view.header->gateway_id,
                   (double)n * (double)view.header->rate->den / (double)view.header->rate->num);
}

static void on_record(void *user, const struct xw_store_record *record, const char *gateway_id)
{
    xw_center_record(user, record, gateway_id);
}

static void on_ephemeral(void *user, const char *gateway_id, const char *topic, const void *payload,
                         size_t size)
{
    struct xw_center *center = user;
    if (strcmp(topic, XW_ENROL_RENEW) == 0) {
        xw_enrol_renew(center, gateway_id, payload, size);
        return;
    }
    if (strcmp(topic, "alarm-probe") == 0) {
        if (xw_alarmpath_probe(center->alarmpath, gateway_id, payload, size) < 0)
            xw_counter_add(&probes_bad, 1);
        return;
    }
    if (strcmp(topic, "gateway-status") == 0) {
        if (xw_gateway_report_take(center->gateways, center->hub, gateway_id, payload, size) < 0)
            xw_counter_add(&reports_bad, 1);
        return;
    }
    if (strcmp(topic, "beat") != 0) {
        /* Refusals are counted there; pictures come often, so nothing is logged. */
        (void)!xw_video_ephemeral(center->video, gateway_id, topic, payload, size);
        return;
    }
    int r = xw_hub_beat(center->hub, gateway_id, payload, size);
    if (r < 0 && r != -ENOENT) {
        xw_counter_add(&beats_bad, 1);
        xw_log_warning("center.beat", XW_LOG_STR("gateway", gateway_id), XW_LOG_ERR(r));
    }
}

static void on_suspended(void *user, const struct xw_uuid *streams, size_t streams_n,
                         const char *gateway_id)
{
    struct xw_center *center = user;
    xw_hub_suspended(center->hub, gateway_id, streams, streams_n);
}

void xw_center_fill_watch(struct xw_center *center, struct xw_downlink_watch *ret_watch)
{
    *ret_watch = (struct xw_downlink_watch){
        .user = center,
        .on_gateway = on_gateway,
        .on_twins = on_twins,
        .on_held = on_held,
        .on_stream = on_stream,
        .on_block = on_block,
        .on_gap = on_gap,
        .on_stored = on_stored,
        .on_record = on_record,
        .on_ephemeral = on_ephemeral,
        .on_suspended = on_suspended,
    };
}

void xw_center_poll_gateways(struct xw_center *center)
{
    if (center->downlink)
        xw_downlink_gateways(center->downlink, on_gateway, center);
}
