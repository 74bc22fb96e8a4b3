/* The streams of the hub: headers, newest sample, time of it, what the list shows. */
#include "center/hub_internal.h"

#include "base/log.h"
#include "center/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct xw_hub_stream *hub_stream_find(const struct xw_hub *hub, const struct xw_uuid *id)
{
    struct xw_hub_stream *s = hub->buckets[xw_uuid_hash(id) & (hub->buckets_n - 1)];
    while (s && !xw_uuid_equal(&s->id, id))
        s = s->hash_next;
    return s;
}

bool hub_stream_live(const struct xw_hub_stream *stream, int64_t now_us)
{
    return stream->grown && now_us - stream->grew_mono_us <= HUB_LIVE_US;
}

static void unlink_stream(struct xw_hub_stream *stream)
{
    struct xw_hub *hub = stream->hub;
    struct xw_hub_stream **at = &hub->buckets[xw_uuid_hash(&stream->id) & (hub->buckets_n - 1)];
    while (*at != stream)
        at = &(*at)->hash_next;
    *at = stream->hash_next;
    *stream->at = stream->next;
    if (stream->next)
        stream->next->at = stream->at;
    else
        hub->streams_end = stream->at;
    hub->stats.streams_n--;
}

void hub_stream_free(struct xw_hub_stream *stream)
{
    while (stream->watches)
        hub_watch_drop(stream->watches);
    unlink_stream(stream);
    stream->hub->stats.ring_bytes -= stream->ring.bytes_cap;
    xw_hub_ring_done(&stream->ring);
    xw_ranges_done(&stream->unshown);
    xw__stream_header__free_unpacked(stream->header, NULL);
    free(stream->header_bytes);
    free(stream->head_json);
    free(stream->anchor.body);
    free(stream);
}

/* The one silent longest that nobody watches; -EOVERFLOW when all are watched. */
static int make_room(struct xw_hub *hub)
{
    struct xw_hub_stream *oldest = NULL;
    for (struct xw_hub_stream *s = hub->streams; s; s = s->next)
        if (!s->watches && (!oldest || s->grew_mono_us < oldest->grew_mono_us))
            oldest = s;
    if (!oldest)
        return -EOVERFLOW;
    hub_stream_free(oldest);
    return 0;
}

static bool header_ok(const Xw__StreamHeader *header)
{
    if (!header || header->n_channels == 0 || header->n_channels > 64 || !header->rate)
        return false;
    if (header->rate->num == 0 || header->rate->den == 0)
        return false;
    for (size_t i = 0; i < header->n_channels; i++) {
        const Xw__Fraction *gain = header->channels[i]->gain;
        if (gain && (gain->num == 0 || gain->den == 0))
            return false;
    }
    return true;
}

static void link_stream(struct xw_hub *hub, struct xw_hub_stream *s)
{
    struct xw_hub_stream **bucket = &hub->buckets[xw_uuid_hash(&s->id) & (hub->buckets_n - 1)];
    s->hash_next = *bucket;
    *bucket = s;
    s->at = hub->streams_end;
    *hub->streams_end = s;
    hub->streams_end = &s->next;
    hub->stats.streams_n++;
}

static int stream_new(struct xw_hub *hub, const struct xw_uuid *id, const void *bytes, size_t size)
{
    Xw__StreamHeader *header = xw__stream_header__unpack(NULL, size, bytes);
    if (!header_ok(header)) {
        if (header)
            xw__stream_header__free_unpacked(header, NULL);
        return -EBADMSG;
    }
    struct xw_hub_stream *s = calloc(1, sizeof(*s));
    uint8_t *copy = malloc(size);
    char *json = xw_json_stream_head(id, header);
    if (!s || !copy || !json) {
        free(s);
        free(copy);
        free(json);
        xw__stream_header__free_unpacked(header, NULL);
        return -ENOMEM;
    }
    memcpy(copy, bytes, size);
    *s = (struct xw_hub_stream){.hub = hub,
                                .id = *id,
                                .header = header,
                                .header_bytes = copy,
                                .header_size = size,
                                .head_json = json,
                                .grew_mono_us = xw_clock_mono(hub->config.clock).us,
                                .rate_hz = (double)header->rate->num / (double)header->rate->den,
                                .channels_n = (uint32_t)header->n_channels,
                                .changed_tick = hub->tick};
    link_stream(hub, s);
    return 0;
}

int xw_hub_stream(struct xw_hub *hub, const struct xw_uuid *id, const void *header,
                  size_t header_size, const char *site)
{
    struct xw_hub_stream *s = hub_stream_find(hub, id);
    if (!s) {
        if (hub->stats.streams_n >= hub->config.streams_max) {
            int r = make_room(hub);
            if (r < 0)
                return r;
        }
        int r = stream_new(hub, id, header, header_size);
        if (r < 0)
            return r;
        s = hub_stream_find(hub, id);
    }
    if (site)
        snprintf(s->site, sizeof(s->site), "%s", site);
    s->changed_tick = hub->tick;
    return 0;
}

int64_t hub_stream_wall_us(const struct xw_hub_stream *stream, uint64_t index)
{
    const struct hub_anchor *a = &stream->anchor;
    if (!a->known)
        return 0;
    double samples = index >= a->index ? (double)(index - a->index) : -(double)(a->index - index);
    double us = samples / a->rate_hz * 1e6;
    if (!(fabs(us) < 1e16))
        return 0;
    return a->wall_us + (int64_t)llround(us);
}

void hub_stream_anchor(struct xw_hub_stream *stream, const void *body, size_t size)
{
    Xw__Anchor *wire = xw__anchor__unpack(NULL, size, body);
    struct hub_anchor *a = &stream->anchor;
    if (!wire)
        return;
    /* A later anchor may correct earlier ones: the highest ordinal is the truth. */
    if (!a->known || wire->ordinal >= a->ordinal) {
        uint8_t *copy = malloc(size ? size : 1);
        int64_t offset = 0;
        if (wire->county_offset_known)
            offset = wire->county_offset_us;
        else if (stream->hub->config.clock_offset_us)
            offset = -stream->hub->config.clock_offset_us(stream->hub->config.user,
                                                          stream->header->gateway_id);
        if (copy) {
            memcpy(copy, body, size);
            free(a->body);
            bool rate_ok = wire->rate_hz > 0.01 && wire->rate_hz < 1e6;
            *a = (struct hub_anchor){.known = true,
                                     .index = wire->index,
                                     .ordinal = wire->ordinal,
                                     .wall_us = wire->gateway_wall_us + offset,
                                     .rate_hz = rate_ok ? wire->rate_hz : stream->rate_hz,
                                     .body = copy,
                                     .body_size = size};
        }
    }
    xw__anchor__free_unpacked(wire, NULL);
}

void hub_stream_event(struct xw_hub_stream *stream, const Xw__Event *event)
{
    /* 0 is unknown, and says so: in fibrillation the rate from before must not go on standing
     * there. */
    bool beat = event->kind == XW__EVENT_KIND__EVENT_BEAT;
    bool alarm = event->kind == XW__EVENT_KIND__EVENT_ALARM && event->end == 0;
    uint64_t at = beat ? event->first : event->emitted_at;
    if ((beat || alarm) && !event->withdrawn && at >= stream->rate_at) {
        stream->rate_bpm = event->rate_bpm;
        stream->rate_at = at;
    }
    if (event->kind == XW__EVENT_KIND__EVENT_LEADS_OFF && event->first >= stream->leads_off_at) {
        stream->leads_off = event->end == 0 ? event->leads : 0;
        stream->leads_off_at = event->first;
    }
    stream->changed_tick = stream->hub->tick;
}

void xw_hub_seed(struct xw_hub *hub, const struct xw_uuid *stream, uint64_t newest,
                 const struct xw_store_record *anchor)
{
    struct xw_hub_stream *s = hub_stream_find(hub, stream);
    if (!s)
        return;
    if (newest > s->newest)
        s->newest = newest;
    if (anchor)
        hub_stream_anchor(s, anchor->body, anchor->body_size);
    /* Silent since then: who makes room first is decided by this. */
    int64_t newest_us = hub_stream_wall_us(s, newest);
    int64_t silent_us = xw_clock_wall(hub->config.clock).us - newest_us;
    if (newest_us && silent_us > 0)
        s->grew_mono_us -= silent_us;
}

void xw_hub_alarm(struct xw_hub *hub, const struct xw_uuid *stream, uint32_t priority,
                  const char *code)
{
    struct xw_hub_stream *s = hub_stream_find(hub, stream);
    if (!s)
        return;
    s->alarm = priority;
    snprintf(s->alarm_code, sizeof(s->alarm_code), "%s", priority ? code : "");
    s->changed_tick = hub->tick;
}

void xw_hub_site(struct xw_hub *hub, const char *gateway_id, const char *site)
{
    for (struct xw_hub_stream *s = hub->streams; s; s = s->next)
        if (strcmp(s->header->gateway_id, gateway_id) == 0)
            snprintf(s->site, sizeof(s->site), "%s", site);
}

void xw_hub_bed(struct xw_hub *hub, const struct xw_uuid *attachment, const char *bed)
{
    for (struct xw_hub_stream *s = hub->streams; s; s = s->next)
        if (s->header->attachment_id.len == sizeof(attachment->b) &&
            memcmp(s->header->attachment_id.data, attachment->b, sizeof(attachment->b)) == 0)
            snprintf(s->bed, sizeof(s->bed), "%s", bed);
}

static void fill_view(const struct xw_hub_stream *s, int64_t now_us, struct xw_hub_view *ret_view)
{
    double age_s = (double)(s->newest - XW_MIN(s->rate_at, s->newest)) / s->rate_hz;
    *ret_view = (struct xw_hub_view){
        .id = s->id,
        .header = s->header,
        .site = s->site,
        .bed = s->bed,
        .head_json = s->head_json,
        .newest = s->newest,
        .newest_wall_us = s->newest ? hub_stream_wall_us(s, s->newest - 1) : 0,
        .live = hub_stream_live(s, now_us),
        .suspended = s->suspended,
        .rate_bpm = age_s <= HUB_RATE_OLD_S ? s->rate_bpm : 0,
        .alarm = s->alarm,
        .alarm_code = s->alarm_code,
        .stream = s,
    };
}

int xw_hub_find(struct xw_hub *hub, const struct xw_uuid *id, struct xw_hub_view *ret_view)
{
    const struct xw_hub_stream *s = hub_stream_find(hub, id);
    if (!s)
        return -ENOENT;
    fill_view(s, xw_clock_mono(hub->config.clock).us, ret_view);
    return 0;
}

void xw_hub_each(struct xw_hub *hub, void (*each)(void *user, const struct xw_hub_view *view),
                 void *user)
{
    int64_t now_us = xw_clock_mono(hub->config.clock).us;
    for (const struct xw_hub_stream *s = hub->streams; s; s = s->next) {
        struct xw_hub_view view;
        fill_view(s, now_us, &view);
        each(user, &view);
    }
}

int64_t xw_hub_wall_us(struct xw_hub *hub, const struct xw_uuid *id, uint64_t index)
{
    const struct xw_hub_stream *s = hub_stream_find(hub, id);
    return s ? hub_stream_wall_us(s, index) : 0;
}
