/* Three lights of a stream: captured, stored at the gateway, stored at the county. What is not
 * known is not green. */
#include "center/hub_internal.h"

#include <string.h>

#define PROVEN XW__LIGHT__LIGHT_PROVEN
#define WAITING XW__LIGHT__LIGHT_WAITING
#define UNKNOWN XW__LIGHT__LIGHT_UNKNOWN

enum {
    MARK_FRESH_US = 15000000, /* a gateway tells each 5 s */
    GATEWAY_SLACK_S = 8,      /* and what came since then it has not told */
    COUNTY_SLACK_S = 3,       /* blocks gather, and commits take their time */
};

int xw_hub_mark(struct xw_hub *hub, const char *gateway_id, const struct xw_uuid *stream,
                uint64_t captured, uint64_t kept)
{
    struct xw_hub_stream *s = hub_stream_find(hub, stream);
    if (!s)
        return -ENOENT;
    if (strcmp(s->header->gateway_id, gateway_id) != 0)
        return -EPERM;
    int64_t now_us = xw_clock_mono(hub->config.clock).us;
    if (captured > s->mark.captured)
        s->mark.grew_us = now_us;
    s->mark.captured = XW_MAX(s->mark.captured, captured);
    s->mark.kept = XW_MAX(s->mark.kept, kept);
    if (captured) /* what a spool holds as a session begins says nothing about the device */
        s->mark.told_us = now_us;
    s->changed_tick = hub->tick;
    return 0;
}

void xw_hub_linked(struct xw_hub *hub, const char *gateway_id, bool linked)
{
    for (struct xw_hub_stream *s = hub->streams; s; s = s->next)
        if (!strcmp(s->header->gateway_id, gateway_id)) {
            s->linked = linked;
            s->changed_tick = hub->tick;
        }
}

void xw_hub_stream_linked(struct xw_hub *hub, const struct xw_uuid *stream, bool linked)
{
    struct xw_hub_stream *s = hub_stream_find(hub, stream);
    if (s)
        s->linked = linked;
}

static uint64_t stored_end(const struct xw_hub_stream *s)
{
    const struct xw_ranges *known =
        s->hub->config.known ? s->hub->config.known(s->hub->config.user, &s->id) : NULL;
    return known && known->n ? xw_ranges_end(known) : 0;
}

struct xw_hub_lights xw_hub_lights(const struct xw_hub_view *view)
{
    const struct xw_hub_stream *s = view->stream;
    int64_t now_us = xw_clock_mono(s->hub->config.clock).us;
    uint64_t top = XW_MAX(s->newest, s->mark.captured);
    bool told = s->mark.told_us && now_us - s->mark.told_us <= MARK_FRESH_US;
    bool grows = told && s->mark.grew_us && now_us - s->mark.grew_us <= MARK_FRESH_US;
    struct xw_hub_lights l = {UNKNOWN, UNKNOWN, UNKNOWN};
    if (hub_stream_live(s, now_us) || (s->linked && grows))
        l.captured = PROVEN;
    else if (s->linked)
        l.captured = WAITING;
    uint64_t slack = (uint64_t)(s->rate_hz * GATEWAY_SLACK_S) + 1;
    if (s->linked && s->mark.kept && (s->mark.kept >= top || (told && s->mark.kept + slack >= top)))
        l.gateway = PROVEN;
    else if (s->linked && told)
        l.gateway = WAITING;
    uint64_t behind = (uint64_t)(s->rate_hz * COUNTY_SLACK_S) + 1;
    if (hub_missing(s) || stored_end(s) + behind < top)
        l.county = WAITING;
    else if (s->linked) /* else there may be more that nobody here knows of */
        l.county = PROVEN;
    return l;
}

Xw__Light xw_hub_kept(struct xw_hub *hub, const struct xw_uuid *stream, uint64_t end)
{
    const struct xw_hub_stream *s = hub_stream_find(hub, stream);
    if (!s)
        return UNKNOWN;
    if (s->mark.kept >= end)
        return PROVEN;
    return s->linked && s->mark.told_us ? WAITING : UNKNOWN;
}
