/* Records between wire and store. */
#include "link/record.h"

#include <string.h>

#include "proto/study.pb-c.h"

static int event_span(struct xw_store_record *record)
{
    Xw__Event *event = xw__event__unpack(NULL, record->body_size, record->body);
    if (!event)
        return -EBADMSG;
    int r = -EBADMSG;
    bool sane = event->first < XW_LINK_INDEX_MAX && event->end <= XW_LINK_INDEX_MAX &&
                (!event->end || event->end > event->first);
    if (sane &&
        xw_uuid_from_bytes(event->stream_id.data, event->stream_id.len, &record->stream) >= 0) {
        bool lasts = event->kind == XW__EVENT_KIND__EVENT_RHYTHM ||
                     event->kind == XW__EVENT_KIND__EVENT_ALARM ||
                     event->kind == XW__EVENT_KIND__EVENT_QUALITY ||
                     event->kind == XW__EVENT_KIND__EVENT_LEADS_OFF ||
                     event->kind == XW__EVENT_KIND__EVENT_NOISE;
        uint64_t open_end = lasts ? UINT64_MAX : event->first + 1;
        record->has_span = true;
        record->span = (struct xw_range){event->first, event->end ? event->end : open_end};
        record->event_kind = (uint32_t)event->kind;
        record->priority = (uint32_t)event->priority;
        r = 0;
    }
    xw__event__free_unpacked(event, NULL);
    return r;
}

static int anchor_span(struct xw_store_record *record)
{
    Xw__Anchor *anchor = xw__anchor__unpack(NULL, record->body_size, record->body);
    if (!anchor)
        return -EBADMSG;
    int r = -EBADMSG;
    if (anchor->index < XW_LINK_INDEX_MAX &&
        xw_uuid_from_bytes(anchor->stream_id.data, anchor->stream_id.len, &record->stream) >= 0) {
        record->has_span = true;
        record->span = (struct xw_range){anchor->index, anchor->index + 1};
        r = 0;
    }
    xw__anchor__free_unpacked(anchor, NULL);
    return r;
}

int xw_record_span(struct xw_store_record *record)
{
    record->has_span = false;
    record->event_kind = 0;
    record->priority = 0;
    switch (record->kind) {
    case XW__RECORD_KIND__RECORD_EVENT:
        return event_span(record);
    case XW__RECORD_KIND__RECORD_ANCHOR:
        return anchor_span(record);
    case XW__RECORD_KIND__RECORD_TECHNICAL:
        record->priority = XW__PRIORITY__PRIORITY_TECHNICAL;
        return 0;
    default:
        return 0;
    }
}

int xw_record_read(const Xw__Record *wire, struct xw_store_record *ret_record)
{
    struct xw_store_record record = {
        .key = wire->key.data,
        .key_size = wire->key.len,
        .revision = wire->revision,
        .kind = (uint32_t)wire->kind,
        .body = wire->body.data,
        .body_size = wire->body.len,
        .origin = wire->origin,
        .wall_us = wire->wall_us,
    };
    int r = xw_record_span(&record);
    if (r < 0)
        return r;
    *ret_record = record;
    return 0;
}

unsigned xw_record_lane(const struct xw_store_record *record, bool backlog)
{
    switch (record->kind) {
    case XW__RECORD_KIND__RECORD_TECHNICAL:
    case XW__RECORD_KIND__RECORD_ALARM_ACK:
        return XW__LANE__LANE_ALARM;
    case XW__RECORD_KIND__RECORD_EVENT:
        if (record->event_kind == XW__EVENT_KIND__EVENT_ALARM ||
            record->priority >= XW__PRIORITY__PRIORITY_MEDIUM)
            return XW__LANE__LANE_ALARM;
        return backlog ? XW__LANE__LANE_BACKFILL : XW__LANE__LANE_LIVE;
    case XW__RECORD_KIND__RECORD_ANCHOR:
    case XW__RECORD_KIND__RECORD_RUN:
        return backlog ? XW__LANE__LANE_BACKFILL : XW__LANE__LANE_LIVE;
    default:
        return XW__LANE__LANE_STUDY;
    }
}

struct xw_store_record *xw_record_copy(const struct xw_store_record *record)
{
    size_t origin_size = strlen(record->origin) + 1;
    struct xw_store_record *copy =
        malloc(sizeof(*copy) + record->key_size + record->body_size + origin_size);
    if (!copy)
        return NULL;
    uint8_t *key = (uint8_t *)(copy + 1), *body = key + record->key_size;
    char *origin = (char *)body + record->body_size;
    *copy = *record;
    memcpy(key, record->key, record->key_size);
    if (record->body_size)
        memcpy(body, record->body, record->body_size);
    memcpy(origin, record->origin, origin_size);
    copy->key = key;
    copy->body = body;
    copy->origin = origin;
    return copy;
}
