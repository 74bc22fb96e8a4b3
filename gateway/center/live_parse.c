/* Browser messages. */
#include "center/live_parse.h"

#include "live.pb-c.h"

static int take_attachments(const Xw__WatchAttachments *wire, struct xw_browser_message *m)
{
    m->attachments_n = (uint32_t)wire->n_attachment_ids;
    for (size_t i = 0; i < wire->n_attachment_ids; i++) {
        struct xw_uuid id;
        if (xw_uuid_from_bytes(wire->attachment_ids[i].data, wire->attachment_ids[i].len, &id) < 0)
            return -EBADMSG;
        if (i < XW_BROWSER_ATTACHMENTS_MAX)
            m->attachments[i] = id;
    }
    return 0;
}

static int take(const Xw__BrowserMessage *wire, struct xw_browser_message *m)
{
    switch (wire->body_case) {
    case XW__BROWSER_MESSAGE__BODY_WATCH:
        m->kind = XW_BROWSER_WATCH;
        m->history_ms = XW_MIN(wire->watch->history_ms, 2000U);
        return xw_uuid_from_bytes(wire->watch->stream_id.data, wire->watch->stream_id.len,
                                  &m->stream);
    case XW__BROWSER_MESSAGE__BODY_UNWATCH:
        m->kind = XW_BROWSER_UNWATCH;
        return xw_uuid_from_bytes(wire->unwatch->stream_id.data, wire->unwatch->stream_id.len,
                                  &m->stream);
    case XW__BROWSER_MESSAGE__BODY_LIST:
        m->kind = XW_BROWSER_LIST;
        m->on = wire->list->on;
        return 0;
    case XW__BROWSER_MESSAGE__BODY_PING:
        m->kind = XW_BROWSER_PING;
        m->client_us = wire->ping->client_us;
        return 0;
    case XW__BROWSER_MESSAGE__BODY_ATTACHMENTS:
        m->kind = XW_BROWSER_ATTACHMENTS;
        return take_attachments(wire->attachments, m);
    case XW__BROWSER_MESSAGE__BODY_VIDEO:
        m->kind = XW_BROWSER_VIDEO;
        m->on = wire->video->on;
        m->need_key = wire->video->need_key;
        return xw_uuid_from_bytes(wire->video->attachment_id.data, wire->video->attachment_id.len,
                                  &m->stream);
    case XW__BROWSER_MESSAGE__BODY_ALARM_SCREEN:
        m->kind = XW_BROWSER_SCREEN;
        m->on = wire->alarm_screen->on;
        return 0;
    case XW__BROWSER_MESSAGE__BODY_ALARM_SEEN:
        m->kind = XW_BROWSER_SEEN;
        m->probe = wire->alarm_seen->probe;
        m->held_us = wire->alarm_seen->held_us;
        return 0;
    default:
        m->kind = XW_BROWSER_NOTHING;
        return 0;
    }
}

int xw_browser_message_parse(const void *data, size_t size, struct xw_browser_message *ret_message)
{
    struct xw_browser_message m = {.kind = XW_BROWSER_NOTHING};
    if (size > XW_BROWSER_MESSAGE_MAX_BYTES)
        return -EOVERFLOW;
    Xw__BrowserMessage *wire = xw__browser_message__unpack(NULL, size, data);
    if (!wire)
        return -EBADMSG;
    int r = take(wire, &m);
    xw__browser_message__free_unpacked(wire, NULL);
    if (r < 0)
        return -EBADMSG;
    *ret_message = m;
    return 0;
}
