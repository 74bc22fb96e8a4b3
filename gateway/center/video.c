/* Picture sources. */
#include "center/video.h"

#include "base/metrics.h"
#include "center/video_join.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(parts_in, "xw_center_video_parts_total", NULL, "parts of pictures taken from gateways");
XW_COUNTER(frames_in, "xw_center_video_frames_total", NULL, "whole pictures put together");
XW_COUNTER(frames_lost, "xw_center_video_lost_frames_total", NULL,
           "pictures given up because a part or what they rest on was missing");
XW_COUNTER(refused, "xw_center_video_refused_total", NULL,
           "parts and statuses of pictures that could not be used");
XW_COUNTER(wants_out, "xw_center_video_wants_total", NULL, "video-want messages sent");

struct source {
    struct xw_uuid id;
    char gateway_id[128];
    bool used, on, key_due, unreachable;
    int64_t heard_us, want_us, key_us;
    int64_t delay_us; /* of the newest picture, not told to the gateway yet; 0: none */
    struct xw_video_join join;
    Xw__VideoStatus *status; /* the newest of the gateway, in its own clock */
};

struct xw_video {
    struct xw_video_config config;
    struct xw_video_budget budget;
    struct source sources[XW_VIDEO_SOURCES_MAX];
    size_t sources_end;
};

int xw_video_new(const struct xw_video_config *config, struct xw_video **ret_video)
{
    struct xw_video *v = calloc(1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    v->config = *config;
    v->budget.max_bytes = XW_VIDEO_BUDGET_BYTES;
    *ret_video = v;
    return 0;
}

static void source_done(struct source *s)
{
    xw_video_join_done(&s->join);
    if (s->status)
        xw__video_status__free_unpacked(s->status, NULL);
    *s = (struct source){0};
}

void xw_video_free(struct xw_video *video)
{
    if (!video)
        return;
    for (size_t i = 0; i < video->sources_end; i++)
        source_done(&video->sources[i]);
    free(video);
}

static int64_t now_us(const struct xw_video *v)
{
    return xw_clock_mono(v->config.clock).us;
}

static struct source *find(struct xw_video *v, const struct xw_uuid *id)
{
    for (size_t i = 0; i < v->sources_end; i++)
        if (v->sources[i].used && xw_uuid_equal(&v->sources[i].id, id))
            return &v->sources[i];
    return NULL;
}

/* A free place, or that of the unwatched source that has been silent longest. */
static struct source *free_place(struct xw_video *v)
{
    struct source *oldest = NULL;
    for (size_t i = 0; i < XW_VIDEO_SOURCES_MAX; i++) {
        struct source *s = &v->sources[i];
        if (!s->used) {
            v->sources_end = XW_MAX(v->sources_end, i + 1);
            return s;
        }
        if (!s->on && now_us(v) - s->heard_us > XW_VIDEO_SILENT_US &&
            (!oldest || s->heard_us < oldest->heard_us))
            oldest = s;
    }
    if (oldest)
        source_done(oldest);
    return oldest;
}

static int find_or_add(struct xw_video *v, const struct xw_uuid *id, struct source **ret_source)
{
    struct source *s = find(v, id);
    const char *owner = v->config.owner(v->config.user, id);
    if (!owner)
        return -EPERM;
    if (!s) {
        s = free_place(v);
        if (!s)
            return -EOVERFLOW;
        *s = (struct source){.used = true, .id = *id, .heard_us = now_us(v)};
        xw_video_join_init(&s->join, &v->budget);
        /* Before the first message everything is due. */
        s->want_us = s->key_us = now_us(v) - XW_VIDEO_WANT_US;
    }
    snprintf(s->gateway_id, sizeof(s->gateway_id), "%s", owner);
    *ret_source = s;
    return 0;
}

/* ---- to the gateway ---- */

static void send_want(struct xw_video *v, struct source *s)
{
    Xw__VideoWant want = XW__VIDEO_WANT__INIT;
    uint8_t packed[64];
    int64_t now = now_us(v);
    bool key = s->on && s->key_due && now - s->key_us >= XW_VIDEO_KEY_US;
    want.attachment_id.len = sizeof(s->id.b);
    want.attachment_id.data = s->id.b;
    want.on = s->on;
    want.key = key;
    want.delay_ms = (uint32_t)(XW_MIN(s->delay_us, INT64_C(60000000)) / 1000);
    s->delay_us = 0;
    if (key) {
        s->key_due = false;
        s->key_us = now;
    }
    s->want_us = now;
    xw_counter_add(&wants_out, 1);
    v->config.send(v->config.user, s->gateway_id, "video-want", packed,
                   xw__video_want__pack(&want, packed));
}

static void ask_key(struct xw_video *v, struct source *s)
{
    s->key_due = true;
    if (s->on && now_us(v) - s->key_us >= XW_VIDEO_KEY_US)
        send_want(v, s);
}

/* Queues on the way (a modem's, a relay's) are seen from this end alone: the gateway is told at
 * once when pictures get old, and else with every want. */
static void note_delay(struct xw_video *v, struct source *s, int64_t capture_us)
{
    int64_t delay_us = capture_us ? xw_clock_wall(v->config.clock).us - capture_us : 0;
    s->delay_us = XW_MAX(delay_us, (int64_t)0);
    if (s->delay_us > XW_VIDEO_DELAY_US && now_us(v) - s->want_us >= XW_VIDEO_KEY_US)
        send_want(v, s);
}

/* ---- states ---- */

static void tell_status(struct xw_video *v, struct source *s)
{
    static const Xw__VideoStatus none = XW__VIDEO_STATUS__INIT;
    Xw__VideoStatus out = s->status ? *s->status : none;
    int64_t offset_us = v->config.offset_us(v->config.user, s->gateway_id);
    out.attachment_id.len = sizeof(s->id.b);
    out.attachment_id.data = s->id.b;
    if (out.since_wall_us)
        out.since_wall_us += offset_us;
    if (out.clip_since_wall_us)
        out.clip_since_wall_us += offset_us;
    if (s->unreachable) {
        bool linked = v->config.linked(v->config.user, s->gateway_id);
        int64_t ago_us = now_us(v) - s->heard_us;
        out.state = XW__VIDEO_STATE__VIDEO_UNREACHABLE;
        out.text = linked ? "the gateway says nothing of this source" : "no link to the gateway";
        out.since_wall_us = xw_clock_wall(v->config.clock).us - ago_us;
        out.captured_fps = out.sent_fps = 0;
        out.yielded = false;
    }
    v->config.status(v->config.user, &s->id, &out);
}

static void set_unreachable(struct xw_video *v, struct source *s)
{
    if (s->unreachable)
        return;
    s->unreachable = true;
    xw_video_join_reset(&s->join);
    tell_status(v, s);
}

static void heard(struct xw_video *v, struct source *s)
{
    s->heard_us = now_us(v);
    if (!s->unreachable)
        return;
    s->unreachable = false;
    if (s->status)
        tell_status(v, s);
}

static bool status_ok(const Xw__VideoStatus *s)
{
    const int64_t far_us = INT64_C(1) << 53;
    return s && strnlen(s->text, 257) <= 256 && strnlen(s->label, 65) <= 64 &&
           (s->clip_id.len == 0 || s->clip_id.len == 16) && s->since_wall_us >= 0 &&
           s->since_wall_us < far_us && s->clip_since_wall_us >= 0 &&
           s->clip_since_wall_us < far_us && s->captured_fps >= 0 && s->captured_fps < 10000 &&
           s->sent_fps >= 0 && s->sent_fps < 10000;
}

static int whose(struct xw_video *v, const char *gateway_id, const ProtobufCBinaryData *attachment,
                 struct source **ret_source)
{
    struct xw_uuid id;
    if (xw_uuid_from_bytes(attachment->data, attachment->len, &id) < 0)
        return -EBADMSG;
    const char *owner = v->config.owner(v->config.user, &id);
    if (!owner || strcmp(owner, gateway_id) != 0)
        return -EPERM;
    return find_or_add(v, &id, ret_source);
}

static int take_status(struct xw_video *v, const char *gateway_id, const void *data, size_t size)
{
    Xw__VideoStatus *status = xw__video_status__unpack(NULL, size, data);
    struct source *s;
    int r = status_ok(status) ? whose(v, gateway_id, &status->attachment_id, &s) : -EBADMSG;
    if (r < 0) {
        if (status)
            xw__video_status__free_unpacked(status, NULL);
        return r;
    }
    if (s->status)
        xw__video_status__free_unpacked(s->status, NULL);
    s->status = status;
    s->unreachable = false;
    s->heard_us = now_us(v);
    tell_status(v, s);
    return 0;
}

/* ---- pictures ---- */

static void give_on(struct xw_video *v, struct source *s)
{
    struct xw_video_unit unit;
    const uint8_t *data;
    while (xw_video_join_next(&s->join, &unit, &data) > 0) {
        Xw__LiveVideo frame = XW__LIVE_VIDEO__INIT;
        int64_t offset_us =
            unit.offset_known ? unit.offset_us : v->config.offset_us(v->config.user, s->gateway_id);
        frame.attachment_id.len = frame.run_id.len = 16;
        frame.attachment_id.data = s->id.b;
        frame.run_id.data = unit.run.b;
        frame.frame = unit.frame;
        frame.key = unit.key;
        frame.capture_wall_us = unit.capture_us ? unit.capture_us + offset_us : 0;
        if (unit.key) {
            frame.codec = unit.codec;
            frame.width = unit.width;
            frame.height = unit.height;
        }
        frame.data.len = unit.size;
        frame.data.data = (uint8_t *)(uintptr_t)data;
        xw_counter_add(&frames_in, 1);
        v->config.frame(v->config.user, &s->id, &frame);
        if (s->on && unit.offset_known)
            note_delay(v, s, frame.capture_wall_us);
    }
}

static int take_part(struct xw_video *v, const char *gateway_id, const void *data, size_t size)
{
    Xw__VideoPart *part = xw__video_part__unpack(NULL, size, data);
    struct source *s;
    int r = part ? whose(v, gateway_id, &part->attachment_id, &s) : -EBADMSG;
    if (r == 0)
        heard(v, s);
    if (r == 0 && s->on) { /* otherwise it was on its way when the last one looked away */
        uint64_t lost_n = s->join.lost_n;
        xw_counter_add(&parts_in, 1);
        r = xw_video_join_part(&s->join, part, now_us(v));
        give_on(v, s);
        xw_counter_add(&frames_lost, s->join.lost_n - lost_n);
        /* A key frame that is coming in parts needs no second one. */
        if (s->join.need_key && !part->key)
            ask_key(v, s);
    }
    if (part)
        xw__video_part__free_unpacked(part, NULL);
    return r;
}

int xw_video_ephemeral(struct xw_video *video, const char *gateway_id, const char *topic,
                       const void *payload, size_t size)
{
    int r = -ENOENT;
    if (strcmp(topic, "video") == 0)
        r = take_part(video, gateway_id, payload, size);
    else if (strcmp(topic, "video-status") == 0)
        r = take_status(video, gateway_id, payload, size);
    else
        return r;
    if (r < 0)
        xw_counter_add(&refused, 1);
    return r;
}

/* ---- what browsers and the link do ---- */

void xw_video_want(struct xw_video *video, const struct xw_uuid *attachment, bool on, bool key)
{
    struct source *s = find(video, attachment);
    if (!s && (!on || find_or_add(video, attachment, &s) < 0))
        return;
    bool changed = s->on != on;
    s->on = on;
    s->key_due = on && (s->key_due || key || changed);
    if (!on)
        xw_video_join_reset(&s->join);
    if (changed)
        send_want(video, s);
    else if (s->key_due)
        ask_key(video, s);
    if (on && !video->config.linked(video->config.user, s->gateway_id)) {
        s->unreachable = false; /* told once more: this one has just begun to look */
        set_unreachable(video, s);
    }
}

void xw_video_linked(struct xw_video *video, const char *gateway_id, bool linked)
{
    for (size_t i = 0; i < video->sources_end; i++) {
        struct source *s = &video->sources[i];
        if (!s->used || strcmp(s->gateway_id, gateway_id) != 0)
            continue;
        if (!linked) {
            s->unreachable = false; /* what was only silent until now is cut off: another reason */
            set_unreachable(video, s);
        } else if (s->on) {
            s->key_due = true;
            send_want(video, s);
        }
    }
}

void xw_video_tick(struct xw_video *video)
{
    int64_t now = now_us(video);
    for (size_t i = 0; i < video->sources_end; i++) {
        struct source *s = &video->sources[i];
        if (!s->used)
            continue;
        uint64_t lost_n = s->join.lost_n;
        xw_video_join_expire(&s->join, now);
        xw_counter_add(&frames_lost, s->join.lost_n - lost_n);
        s->key_due |= s->join.lost_n != lost_n;
        if (now - s->heard_us > XW_VIDEO_SILENT_US)
            set_unreachable(video, s);
        if (s->on && (now - s->want_us >= XW_VIDEO_WANT_US ||
                      (s->key_due && now - s->key_us >= XW_VIDEO_KEY_US)))
            send_want(video, s);
    }
}
