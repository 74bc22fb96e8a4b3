/* One attachment: accepted, acknowledged, recorded. */
#include "edge/attachment.h"

#include "base/fault.h"
#include "base/log.h"
#include "edge/port.h"
#include "edge/technical.h"

#include <string.h>

enum { RANGES_MAX = 256 };

struct xw_stream *xw_attachment_stream(struct xw_attachment *attachment, unsigned signal)
{
    for (size_t i = 0; i < attachment->streams_n; i++)
        if (attachment->streams[i].signal == signal)
            return &attachment->streams[i];
    return NULL;
}

struct held {
    Xw__SignalHeld messages[XW_HELLO_SIGNALS_MAX], *list[XW_HELLO_SIGNALS_MAX];
    Xw__Range ranges[RANGES_MAX], *range_list[RANGES_MAX];
    size_t ranges_n;
};

static void make_held(struct xw_attachment *attachment, bool with_ids, struct held *held)
{
    held->ranges_n = 0;
    for (size_t i = 0; i < attachment->streams_n; i++) {
        struct xw_stream *stream = &attachment->streams[i];
        Xw__SignalHeld *m = &held->messages[i];
        size_t n;
        xw__signal_held__init(m);
        m->signal = stream->signal;
        xw_stream_held(stream, &m->upto, held->ranges + held->ranges_n, RANGES_MAX - held->ranges_n,
                       &n);
        m->ranges = held->range_list + held->ranges_n;
        m->n_ranges = n;
        for (; n > 0; n--, held->ranges_n++)
            held->range_list[held->ranges_n] = &held->ranges[held->ranges_n];
        if (with_ids)
            m->stream_id = (ProtobufCBinaryData){16, stream->id.b};
        held->list[i] = m;
    }
}

void xw_attachment_accept(struct xw_attachment *attachment)
{
    struct held held;
    uint64_t newest[XW_HELLO_SIGNALS_MAX];
    uint32_t block_ms = 250;
    for (size_t i = 0; i < attachment->streams_n; i++) {
        struct xw_stream *stream = &attachment->streams[i];
        xw_stream_attached(stream);
        newest[i] = stream->by_device ? stream->newest : 0;
        if (attachment->edge->uplink && xw_uplink_stream(attachment->edge->uplink, &stream->id,
                                                         stream->header, stream->header_size) < 0)
            xw_log_error("edge.uplink.stream", XW_LOG_ID("stream", &stream->id));
    }
    make_held(attachment, true, &held);
    Xw__GatewayAccepted accepted = XW__GATEWAY_ACCEPTED__INIT;
    accepted.version = 1;
    accepted.n_held = attachment->streams_n;
    accepted.held = held.list;
    accepted.facts_upto = attachment->facts_kept;
    accepted.max_block_ms = block_ms;
    accepted.max_message_bytes = XW_SESSION_MESSAGE_MAX;
    attachment->attached_us = xw_edge_now_us();
    attachment->storage_told = false;
    attachment->facts_refused = false;
    attachment->facts_upto = attachment->owner.mark = attachment->facts_kept;
    attachment->attaches_n++;
    xw_technical_clear(attachment->edge->technical, XW__TECHNICAL_CODE__TECHNICAL_DEVICE_GONE,
                       attachment->device_id);
    xw_attachment_record(attachment, true);
    xw_log_info("device.accepted", XW_LOG_STR("device", attachment->device_id),
                XW_LOG_UINT("held", held.messages[0].upto));
    xw_devconn_accept(attachment->conn, &accepted, newest);
}

void xw_attachment_send_ack(struct xw_attachment *attachment, int64_t now_us)
{
    struct held held;
    attachment->ack_due = false;
    attachment->ack_sent_us = now_us;
    if (!attachment->conn || xw_fault_point("device.ack.before_send") < 0)
        return;
    make_held(attachment, false, &held);
    Xw__GatewayAck ack = XW__GATEWAY_ACK__INIT;
    ack.n_held = attachment->streams_n;
    ack.held = held.list;
    ack.facts_upto = attachment->facts_kept;
    Xw__GatewayMessage message = XW__GATEWAY_MESSAGE__INIT;
    message.body_case = XW__GATEWAY_MESSAGE__BODY_ACK;
    message.ack = &ack;
    attachment->acks_n++;
    xw_devconn_send(attachment->conn, &message);
}

void xw_attachment_record(struct xw_attachment *attachment, bool attached)
{
    ProtobufCBinaryData ids[XW_HELLO_SIGNALS_MAX];
    for (size_t i = 0; i < attachment->streams_n; i++)
        ids[i] = (ProtobufCBinaryData){16, attachment->streams[i].id.b};
    Xw__Attachment message = XW__ATTACHMENT__INIT;
    message.attachment_id = (ProtobufCBinaryData){16, attachment->id.b};
    message.device_id = attachment->device_id;
    message.model = attachment->model;
    message.firmware = attachment->firmware;
    message.n_stream_ids = attachment->streams_n;
    message.stream_ids = ids;
    message.attached = attached;
    message.since_wall_us = xw_edge_wall_us();
    message.demo = attachment->demo;
    message.bed = (char *)xw_edge_config_bed(attachment->edge->config, attachment->device_id);
    /* Wall time as revision: rises even after the spool was lost. */
    attachment->revision = XW_MAX(attachment->revision + 1, (uint64_t)xw_edge_wall_us());
    struct xw_store_record record = {.key = attachment->id.b,
                                     .key_size = 16,
                                     .revision = attachment->revision,
                                     .kind = XW__RECORD_KIND__RECORD_ATTACHMENT};
    xw_commit_message(attachment->edge->commit, &record, &message.base, false);
}
