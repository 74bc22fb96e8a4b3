/* What a gateway tells of itself and its streams (topic "gateway-status").
 *
 * Threads: loop thread only. Errors: -EBADMSG no report, or an id that is none; -EPERM a stream of
 * another gateway (what stood before it was taken); -ENOENT a gateway that never linked. Marks of
 * streams that are not known here are passed over. */
#ifndef XW_CENTER_GATEWAY_REPORT_H
#define XW_CENTER_GATEWAY_REPORT_H

#include "center/gateways.h"
#include "center/hub.h"

enum { XW_GATEWAY_REPORT_STREAMS_MAX = 256 };

XW_MUST_CHECK int xw_gateway_report_take(struct xw_gateways *gateways, struct xw_hub *hub,
                                         const char *gateway_id, const void *payload, size_t size);

#endif
