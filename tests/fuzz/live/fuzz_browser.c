/* A browser's message: refused, or something that says the same again when it is packed. */
#include "center/live_parse.h"

#include "live.pb-c.h"

#include <stdlib.h>
#include <string.h>

static size_t pack(const struct xw_browser_message *m, uint8_t *ret_data)
{
    Xw__BrowserMessage wire = XW__BROWSER_MESSAGE__INIT;
    Xw__WatchStream watch = XW__WATCH_STREAM__INIT;
    Xw__UnwatchStream unwatch = XW__UNWATCH_STREAM__INIT;
    Xw__WatchList list = XW__WATCH_LIST__INIT;
    Xw__BrowserPing ping = XW__BROWSER_PING__INIT;
    watch.stream_id.len = unwatch.stream_id.len = sizeof(m->stream.b);
    watch.stream_id.data = unwatch.stream_id.data = (uint8_t *)(uintptr_t)m->stream.b;
    watch.history_ms = m->history_ms;
    list.on = m->on;
    ping.client_us = m->client_us;
    Xw__WatchAttachments attachments = XW__WATCH_ATTACHMENTS__INIT;
    Xw__WatchVideo video = XW__WATCH_VIDEO__INIT;
    Xw__AlarmScreen screen = XW__ALARM_SCREEN__INIT;
    Xw__AlarmSeen seen = XW__ALARM_SEEN__INIT;
    screen.on = m->on;
    seen.probe = m->probe;
    seen.held_us = m->held_us;
    ProtobufCBinaryData ids[XW_BROWSER_ATTACHMENTS_MAX];
    for (uint32_t i = 0; i < m->attachments_n && i < XW_BROWSER_ATTACHMENTS_MAX; i++)
        ids[attachments.n_attachment_ids++] =
            (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)m->attachments[i].b};
    attachments.attachment_ids = ids;
    video.attachment_id = watch.stream_id;
    video.on = m->on;
    video.need_key = m->need_key;
    switch (m->kind) {
    case XW_BROWSER_WATCH:
        wire.body_case = XW__BROWSER_MESSAGE__BODY_WATCH;
        wire.watch = &watch;
        break;
    case XW_BROWSER_UNWATCH:
        wire.body_case = XW__BROWSER_MESSAGE__BODY_UNWATCH;
        wire.unwatch = &unwatch;
        break;
    case XW_BROWSER_LIST:
        wire.body_case = XW__BROWSER_MESSAGE__BODY_LIST;
        wire.list = &list;
        break;
    case XW_BROWSER_PING:
        wire.body_case = XW__BROWSER_MESSAGE__BODY_PING;
        wire.ping = &ping;
        break;
    case XW_BROWSER_ATTACHMENTS:
        wire.body_case = XW__BROWSER_MESSAGE__BODY_ATTACHMENTS;
        wire.attachments = &attachments;
        break;
    case XW_BROWSER_VIDEO:
        wire.body_case = XW__BROWSER_MESSAGE__BODY_VIDEO;
        wire.video = &video;
        break;
    case XW_BROWSER_SCREEN:
        wire.body_case = XW__BROWSER_MESSAGE__BODY_ALARM_SCREEN;
        wire.alarm_screen = &screen;
        break;
    case XW_BROWSER_SEEN:
        wire.body_case = XW__BROWSER_MESSAGE__BODY_ALARM_SEEN;
        wire.alarm_seen = &seen;
        break;
    case XW_BROWSER_NOTHING:
        break;
    }
    return xw__browser_message__pack(&wire, ret_data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_browser_message m, again;
    uint8_t packed[2048];
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        return 0;
    if (size)
        memcpy(copy, data, size);
    int r = xw_browser_message_parse(copy, size, &m);
    free(copy);
    if (r < 0)
        return 0;
    if (m.history_ms > 2000)
        abort();
    size_t n = pack(&m, packed);
    if (xw_browser_message_parse(packed, n, &again) < 0 || again.kind != m.kind ||
        !xw_uuid_equal(&again.stream, &m.stream) || again.history_ms != m.history_ms ||
        again.on != m.on || again.client_us != m.client_us || again.probe != m.probe ||
        again.held_us != m.held_us || again.need_key != m.need_key ||
        again.attachments_n != XW_MIN(m.attachments_n, (uint32_t)XW_BROWSER_ATTACHMENTS_MAX))
        abort();
    return 0;
}
