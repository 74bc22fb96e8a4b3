/* What the county's page of gateways shows of this one. */
#include "edge/report.h"

#include "edge/attachment.h"
#include "edge/commit.h"
#include "edge/import.h"
#include "edge/rules.h"
#include "edge/technical.h"
#include "proto/health.pb-c.h"
#include "proto/link.pb-c.h"

enum { STUCK_US = 10000000, PAYLOAD_MAX = 16 * 1024 };

struct marks {
    struct xw_edge *edge;
    size_t n;
    Xw__StreamMark mark[XW_REPORT_STREAMS_MAX], *pointers[XW_REPORT_STREAMS_MAX];
};

static void each_attachment(void *user, struct xw_attachment *a)
{
    struct marks *m = user;
    for (size_t i = 0; i < a->streams_n && m->n < XW_REPORT_STREAMS_MAX; i++) {
        struct xw_stream *s = &a->streams[i];
        struct xw_store_stream stored;
        Xw__StreamMark *mark = &m->mark[m->n];
        if (!s->newest)
            continue;
        xw__stream_mark__init(mark);
        mark->stream_id = (ProtobufCBinaryData){sizeof(s->id.b), s->id.b};
        mark->captured = s->newest;
        if (xw_store_stream(m->edge->store, &s->id, &stored) >= 0)
            mark->kept = xw_ranges_end(stored.known);
        m->pointers[m->n++] = mark;
    }
}

/* Of files everything that was captured is kept. */
static void each_import(void *user, const struct xw_uuid *id)
{
    struct marks *m = user;
    struct xw_store_stream stored;
    if (m->n == XW_REPORT_STREAMS_MAX || xw_store_stream(m->edge->store, id, &stored) < 0)
        return;
    Xw__StreamMark *mark = &m->mark[m->n];
    xw__stream_mark__init(mark);
    mark->stream_id = (ProtobufCBinaryData){sizeof(id->b), (uint8_t *)id->b};
    mark->captured = mark->kept = xw_ranges_end(stored.known);
    m->pointers[m->n++] = mark;
}

static void fill(struct xw_edge *edge, Xw__GatewayReport *report)
{
    const char *id = edge->config->id;
    struct xw_store_stats spool;
    xw_store_stats(edge->store, &spool);
    report->uplink_bytes_per_s = edge->link.rate_bytes_per_s;
    report->backlog_bytes = edge->link.backlog_bytes;
    report->backlog_ms = (uint64_t)(edge->link.backlog_us / 1000);
    report->oldest_unsent_wall_us = edge->link.oldest_unsent_wall_us;
    report->suspended_n = edge->link.suspended_n;
    report->spool_bytes = spool.bytes;
    report->spool_free_bytes = spool.free_bytes;
    report->spool_low =
        xw_technical_is_open(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_SPOOL_LOW, id);
    report->spool_full = xw_commit_full(edge->commit);
}

static bool fill_imports(const struct xw_edge *edge, Xw__ImportReport *imports)
{
    struct xw_import_totals totals;
    xw_import_totals(edge->import, &totals);
    if (!totals.view)
        return false;
    imports->taken = totals.taken;
    imports->repeated = totals.repeated;
    imports->waiting = totals.view->waiting_n;
    imports->quarantine = totals.view->quarantine_n;
    imports->failed = totals.view->error < 0 || totals.view->quarantine_full;
    if (totals.view->quarantine_shown) {
        imports->reason = (char *)totals.view->quarantine[0].text;
        imports->reason_wall_us = totals.view->quarantine[0].wall_us;
    }
    return true;
}

void xw_report_tick(struct xw_report *report, struct xw_edge *edge)
{
    static struct marks marks; /* one loop thread; too large for its stack */
    static uint8_t payload[PAYLOAD_MAX];
    struct xw_uplink_lane lane;
    int64_t now_us = xw_edge_now_us();
    if (!edge->uplink || !edge->link.linked || now_us < report->due_us)
        return;
    xw_uplink_lane(edge->uplink, XW__LANE__LANE_STUDY, &lane);
    if (lane.oldest_us > STUCK_US)
        return;
    report->due_us = now_us + XW_REPORT_EVERY_US;
    Xw__GatewayReport message = XW__GATEWAY_REPORT__INIT;
    marks.edge = edge;
    marks.n = 0;
    xw_fleet_each(edge->fleet, each_attachment, &marks);
    xw_import_each_stream(edge->import, each_import, &marks);
    Xw__ImportReport imports = XW__IMPORT_REPORT__INIT;
    fill(edge, &message);
    if (fill_imports(edge, &imports))
        message.imports = &imports;
    struct xw_edge_rules_report rules;
    xw_edge_rules_report(edge->rules, &rules);
    message.rules = &rules.message;
    message.streams = marks.pointers;
    message.n_streams = marks.n;
    size_t n = xw__gateway_report__get_packed_size(&message);
    if (n > sizeof(payload))
        return;
    xw__gateway_report__pack(&message, payload);
    (void)!xw_uplink_ephemeral_on(edge->uplink, XW__LANE__LANE_STUDY, "gateway-status", payload, n);
}
