/* The encoder for the county: as few bits and as little delay as the link has room for. */
#include "gst/camera_in.h"

#include "gst/handover.h"

#include <gst/video/video.h>
#include <stdio.h>
#include <string.h>

uint32_t camera_fps(const GstCaps *caps)
{
    int num = 0, den = 1;
    const GstStructure *s = gst_caps_get_structure(caps, 0);
    gst_structure_get_fraction(s, "framerate", &num, &den);
    uint32_t fps = num > 0 && den > 0 ? (uint32_t)((num + den - 1) / den) : 25;
    return XW_MIN(XW_MAX(fps, 1U), 240U);
}

static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer user)
{
    struct camera_live *live = user;
    char text[CAMERA_TEXT];
    (void)bus;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        camera_error_text(message, text);
        pthread_mutex_lock(&live->camera->lock);
        camera_broken(live->camera, text);
        pthread_mutex_unlock(&live->camera->lock);
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
}

/* Profile and level stand in the first SPS. */
static void read_codec(struct camera_live *live, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + 7 < n; i++)
        if (!p[i] && !p[i + 1] && p[i + 2] == 1 && (p[i + 3] & 31) == 7) {
            snprintf(live->codec, sizeof(live->codec), "avc1.%02X%02X%02X", p[i + 4], p[i + 5],
                     p[i + 6]);
            return;
        }
}

static void hand_over(struct camera_live *live, const struct xw_camera_frame *head,
                      const void *data)
{
    struct xw_camera *c = live->camera;
    void *room;
    bool full = live->need_key && !head->key;
    pthread_mutex_lock(&c->out_lock);
    if (!full && xw_ring_reserve(&c->frames, sizeof(*head) + head->size, &room) >= 0) {
        memcpy(room, head, sizeof(*head));
        memcpy((char *)room + sizeof(*head), data, head->size);
        xw_ring_commit(&c->frames, sizeof(*head) + head->size);
        live->need_key = false;
    } else {
        full = true;
    }
    pthread_mutex_unlock(&c->out_lock);
    if (full) {
        atomic_fetch_add(&c->live_dropped_n, 1);
        if (!live->need_key)
            xw_camera_key(c);
        live->need_key = true;
    }
    c->config.on_output(c->config.user);
}

static GstFlowReturn on_sample(GstAppSink *sink, gpointer user)
{
    struct camera_live *live = user;
    xw_gst_arrives(live);
    struct xw_camera *c = live->camera;
    camera_in_step(c);
    GstSample *sample = gst_app_sink_pull_sample(sink);
    GstBuffer *buffer = sample ? gst_sample_get_buffer(sample) : NULL;
    GstMapInfo map;
    if (buffer)
        xw_gst_takes(buffer);
    if (buffer && gst_buffer_map(buffer, &map, GST_MAP_READ)) {
        const GstSegment *segment = gst_sample_get_segment(sample);
        guint64 running =
            gst_segment_to_running_time(segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
        struct xw_camera_frame head = {
            .run = live->run,
            .frame = live->frames_n++,
            .key = !GST_BUFFER_FLAG_IS_SET(buffer, GST_BUFFER_FLAG_DELTA_UNIT),
            .capture_wall_us = atomic_load(&live->start_us_seen) +
                               (GST_CLOCK_TIME_IS_VALID(running) ? (int64_t)(running / 1000) : 0),
            .width = live->width,
            .height = live->height,
            .size = map.size};
        if (head.key)
            read_codec(live, map.data, XW_MIN(map.size, (size_t)512));
        memcpy(head.codec, live->codec, sizeof(head.codec));
        hand_over(live, &head, map.data);
        gst_buffer_unmap(buffer, &map);
    }
    if (sample)
        gst_sample_unref(sample);
    camera_in_step(c);
    return GST_FLOW_OK;
}

int camera_live_new(struct xw_camera *c, GstCaps *caps, uint32_t kbit,
                    struct camera_live **ret_live)
{
    char line[768], text[CAMERA_TEXT] = "";
    uint32_t key = XW_MAX(camera_fps(caps) * c->config.key_ms / 1000, 1U);
    struct camera_live *live = calloc(1, sizeof(*live));
    if (!live)
        return -ENOMEM;
    snprintf(line, sizeof(line),
             "appsrc name=xw_in format=time is-live=true block=false max-buffers=0 max-bytes=0 "
             "max-time=0 ! x264enc name=xw_encoder tune=zerolatency speed-preset=veryfast "
             "threads=1 bframes=0 byte-stream=true aud=true bitrate=%u vbv-buf-capacity=200 "
             "key-int-max=%u ! video/x-h264,profile=constrained-baseline ! "
             "h264parse config-interval=-1 ! video/x-h264,stream-format=byte-stream,alignment=au "
             "! appsink name=xw_sink sync=false max-buffers=0",
             kbit, key);
    live->camera = c;
    live->caps = gst_caps_ref(caps);
    live->pts_us = -1;
    live->kbit = kbit;
    live->width = atomic_load(&c->width);
    live->height = atomic_load(&c->height);
    live->bin = camera_build(line, text);
    if (!live->bin) {
        pthread_mutex_lock(&c->lock);
        snprintf(c->error, sizeof(c->error), "%s", text);
        pthread_mutex_unlock(&c->lock);
        gst_caps_unref(live->caps);
        free(live);
        return -ENOENT;
    }
    live->run = ++c->runs_n;
    live->in = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(live->bin), "xw_in"));
    live->encoder = gst_bin_get_by_name(GST_BIN(live->bin), "xw_encoder");
    GstElement *sink = gst_bin_get_by_name(GST_BIN(live->bin), "xw_sink");
    GstAppSinkCallbacks callbacks = {.new_sample = on_sample};
    gst_app_src_set_caps(live->in, caps);
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, live, NULL);
    gst_object_unref(sink);
    camera_quiet_bus(live->bin, on_message, live);
    xw_gst_sets_out(live);
    if (gst_element_set_state(live->bin, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
        camera_live_free(live);
        return -EIO;
    }
    *ret_live = live;
    return 0;
}

void camera_live_free(struct camera_live *live)
{
    if (!live)
        return;
    gst_element_set_state(live->bin, GST_STATE_NULL);
    camera_in_step(live->camera);
    camera_quiet_bus(live->bin, NULL, NULL);
    gst_object_unref(live->in);
    gst_object_unref(live->encoder);
    gst_object_unref(live->bin);
    gst_caps_unref(live->caps);
    free(live);
}

void camera_live_set(struct camera_live *live, uint32_t kbit)
{
    if (kbit == live->kbit)
        return;
    live->kbit = kbit;
    g_object_set(live->encoder, "bitrate", kbit, NULL);
}

void camera_live_key(struct camera_live *live)
{
    gst_element_send_event(
        live->encoder, gst_video_event_new_upstream_force_key_unit(GST_CLOCK_TIME_NONE, TRUE, 0));
}

void camera_live_push(struct camera_live *live, GstBuffer *buffer, int64_t wall_us)
{
    if (gst_app_src_get_current_level_buffers(live->in) >= CAMERA_RAW_FRAMES) {
        atomic_fetch_add(&live->camera->live_dropped_n, 1);
        return;
    }
    if (!live->start_wall_us) {
        live->start_wall_us = wall_us;
        atomic_store(&live->start_us_seen, wall_us);
    }
    GstBuffer *copy = gst_buffer_copy(buffer);
    /* The wall clock may be set back; pictures must not go back. */
    live->pts_us = XW_MAX(wall_us - live->start_wall_us, live->pts_us + 1);
    GST_BUFFER_PTS(copy) = (GstClockTime)live->pts_us * 1000;
    GST_BUFFER_DTS(copy) = GST_CLOCK_TIME_NONE;
    xw_gst_gives(copy);
    (void)gst_app_src_push_buffer(live->in, copy);
}
