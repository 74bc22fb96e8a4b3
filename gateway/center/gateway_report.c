/* Reports of gateways. */
#include "center/gateway_report.h"

static int mark(struct xw_hub *hub, const char *gateway_id, const Xw__StreamMark *m)
{
    struct xw_uuid id;
    if (xw_uuid_from_bytes(m->stream_id.data, m->stream_id.len, &id) < 0)
        return -EBADMSG;
    int r = xw_hub_mark(hub, gateway_id, &id, m->captured, m->kept);
    return r == -ENOENT ? 0 : r;
}

int xw_gateway_report_take(struct xw_gateways *gateways, struct xw_hub *hub, const char *gateway_id,
                           const void *payload, size_t size)
{
    Xw__GatewayReport *report = xw__gateway_report__unpack(NULL, size, payload);
    if (!report)
        return -EBADMSG;
    int r = report->n_streams > XW_GATEWAY_REPORT_STREAMS_MAX
                ? -EBADMSG
                : xw_gateways_report(gateways, gateway_id, report);
    for (size_t i = 0; r == 0 && i < report->n_streams; i++)
        r = mark(hub, gateway_id, report->streams[i]);
    xw__gateway_report__free_unpacked(report, NULL);
    return r;
}
