/* Live pictures: only while somebody at the county looks, and only what the uplink has room for. */
#include "edge/video_in.h"

#include "base/log.h"
#include "base/metrics.h"
#include "edge/video_parts.h"
#include "proto/link.pb-c.h"

#include <string.h>

XW_COUNTER(given_way_total, "xw_video_given_way_total", NULL,
           "pictures not sent because the uplink had no room");

enum { WANT_US = 5000000, STATUS_MAX = 1024 };

void video_live_init(struct video_source *s)
{
    const struct xw_edge_config *c = s->video->edge->config;
    xw_adapt_init(&s->adapt, (uint32_t)c->video_floor_kbit, (uint32_t)c->video_kbit, 0);
}

bool video_watched(const struct video_source *s)
{
    return xw_edge_now_us() < s->want_until_us;
}

static struct xw_uplink_lane lane_now(const struct video_source *s)
{
    struct xw_uplink_lane lane = {0};
    if (s->video->edge->uplink)
        xw_uplink_lane(s->video->edge->uplink, XW__LANE__LANE_VIDEO, &lane);
    return lane;
}

static struct xw_adapt_lane for_adapt(struct xw_uplink_lane lane)
{
    return (struct xw_adapt_lane){.waiting_us = lane.oldest_us,
                                  .lost_n = lane.dropped_n,
                                  .suspended = lane.suspended_n > 0 || lane.held};
}

static int send_part(void *user, const void *data, size_t size)
{
    struct video_source *s = user;
    xw_uplink_ephemeral(s->video->edge->uplink, "video", data, size);
    return 0;
}

static void send_frame(struct video_source *s, const struct xw_camera_frame *frame,
                       const void *data)
{
    const struct xw_uplink_state *link = &s->video->edge->link;
    if (frame->run != s->run_no) {
        s->run_no = frame->run;
        s->run = xw_uuid_v7(NULL);
        s->dropped = 0;
        xw_adapt_restart(&s->adapt);
    }
    struct xw_uplink_lane now = lane_now(s);
    struct xw_adapt_lane lane = for_adapt(now);
    bool fits = xw_video_parts_bytes(frame->size) <= now.room_bytes;
    bool send = s->live_on && link->linked &&
                xw_adapt_frame(&s->adapt, xw_edge_now_us(), &lane, frame->key, fits);
    const struct xw_video_unit unit = {
        .attachment = s->attachment,
        .run = s->run,
        .frame = frame->frame,
        .key = frame->key,
        .capture_wall_us = frame->capture_wall_us,
        .county_offset_us = link->county_uncertainty_us ? link->county_offset_us : 0,
        .county_offset_known = link->county_uncertainty_us > 0,
        .codec = frame->codec,
        .width = frame->width,
        .height = frame->height,
        .data = data,
        .size = frame->size,
    };
    if (send && xw_video_parts(&unit, send_part, s) >= 0) {
        s->sent_n++;
        return;
    }
    s->dropped++;
    xw_counter_add(&given_way_total, 1);
}

void video_live_drain(struct video_source *s)
{
    const struct xw_camera_frame *frame;
    const void *data;
    while (xw_camera_take_frame(s->camera, &frame, &data) >= 0) {
        send_frame(s, frame, data);
        xw_camera_consume_frame(s->camera);
    }
}

void video_live_tick(struct video_source *s)
{
    int64_t now = xw_edge_now_us();
    struct xw_adapt_lane lane = for_adapt(lane_now(s));
    bool was_yielded = s->adapt.yielded;
    if (!s->camera)
        return;
    bool wanted = now < s->want_until_us && s->video->edge->link.linked && !s->video->stopping;
    if (wanted)
        xw_adapt_tick(&s->adapt, now, &lane);
    s->live_on = wanted && !s->adapt.yielded;
    xw_camera_live(s->camera, s->live_on, s->adapt.kbit);
    if (s->live_on && xw_adapt_wants_key(&s->adapt, now, &lane, s->key_wanted)) {
        xw_camera_key(s->camera);
        s->key_wanted = false;
    }
    if (was_yielded != s->adapt.yielded) {
        xw_log_info("video.yielded", XW_LOG_STR("source", s->config->id),
                    XW_LOG_INT("yielded", s->adapt.yielded));
        video_status_send(s);
    }
}

void xw_video_wanted(struct xw_video *v, const void *payload, size_t size)
{
    struct xw_video_want want;
    struct video_source *s =
        xw_video_want_parse(payload, size, &want) < 0 ? NULL : video_source_of(v, &want.attachment);
    if (!s)
        return;
    bool watched = video_watched(s);
    s->want_until_us = want.on ? xw_edge_now_us() + WANT_US : 0;
    s->key_wanted |= want.on && want.key && watched;
    if (want.on && !watched) {
        video_live_init(s); /* the lane is judged anew */
        s->adapt.lost_seen = lane_now(s).dropped_n;
    }
    xw_adapt_delay(&s->adapt, xw_edge_now_us(), (int64_t)want.delay_ms * 1000);
    video_live_tick(s);
}

static Xw__VideoState state_of(enum xw_camera_state state)
{
    switch (state) {
    case XW_CAMERA_STARTING:
        return XW__VIDEO_STATE__VIDEO_STARTING;
    case XW_CAMERA_RUNNING:
        return XW__VIDEO_STATE__VIDEO_LIVE;
    case XW_CAMERA_NO_SIGNAL:
        return XW__VIDEO_STATE__VIDEO_NO_SIGNAL;
    case XW_CAMERA_FAILED:
        return XW__VIDEO_STATE__VIDEO_FAILED;
    default:
        return XW__VIDEO_STATE__VIDEO_IDLE;
    }
}

void video_status_send(struct video_source *s)
{
    struct xw_edge *edge = s->video->edge;
    uint8_t packed[STATUS_MAX];
    if (!edge->uplink || !edge->link.linked)
        return;
    Xw__VideoStatus m = XW__VIDEO_STATUS__INIT;
    m.attachment_id = (ProtobufCBinaryData){16, s->attachment.b};
    m.state = state_of(s->state);
    m.text = s->text;
    m.since_wall_us = s->since_wall_us;
    m.width = s->figures.width;
    m.height = s->figures.height;
    m.captured_fps = s->captured_fps;
    m.sent_fps = s->sent_fps;
    m.kbit_per_s = s->adapt.kbit;
    m.dropped = s->dropped;
    m.yielded = s->adapt.yielded;
    m.lowered = video_watched(s) && xw_adapt_lowered(&s->adapt);
    if (s->recording) {
        m.clip_id = (ProtobufCBinaryData){16, s->clip.b};
        m.clip_since_wall_us = s->clip_since_wall_us;
        m.clip_size = s->figures.clip_bytes;
    } else if (s->state == XW_CAMERA_RUNNING && s->video->no_room) {
        m.text = (char *)"no room: not recorded";
    }
    m.label = s->config->label[0] ? s->config->label : s->config->id;
    size_t n = xw__video_status__get_packed_size(&m);
    if (n > sizeof(packed))
        return;
    xw__video_status__pack(&m, packed);
    xw_uplink_ephemeral(edge->uplink, "video-status", packed, n);
}
