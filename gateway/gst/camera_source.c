/* Capture: the configured line, its frames with the time at which they were taken. */
#include "gst/camera_in.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static const char tail[] = " ! queue name=xw_queue max-size-buffers=3 max-size-bytes=0 "
                           "max-size-time=0 ! videoconvert ! video/x-raw,format=I420 ! "
                           "appsink name=xw_sink max-buffers=3 drop=true";

void camera_error_text(GstMessage *message, char ret_text[CAMERA_TEXT])
{
    GError *error = NULL;
    gst_message_parse_error(message, &error, NULL);
    snprintf(ret_text, CAMERA_TEXT, "%s: %s", GST_MESSAGE_SRC_NAME(message),
             error ? error->message : "?");
    g_clear_error(&error);
}

GstElement *camera_build(const char *description, char ret_error[CAMERA_TEXT])
{
    GError *error = NULL;
    GstElement *bin = gst_parse_launch_full(description, NULL, GST_PARSE_FLAG_FATAL_ERRORS, &error);
    if (bin && !GST_IS_PIPELINE(bin)) { /* a single element: no tail would have been linked */
        gst_object_unref(bin);
        bin = NULL;
    }
    if (!bin)
        snprintf(ret_error, CAMERA_TEXT, "%s", error ? error->message : "cannot be built");
    g_clear_error(&error);
    return bin;
}

void camera_quiet_bus(GstElement *bin, GstBusSyncHandler handler, gpointer user)
{
    GstBus *bus = gst_element_get_bus(bin);
    gst_bus_set_sync_handler(bus, handler, user, NULL);
    gst_object_unref(bus);
}

int xw_camera_plugins(char ret_text[XW_CAMERA_TEXT_N_BYTES])
{
    static const char *const wanted[] = {"videoconvert", "x264enc", "h264parse", "mp4mux"};
    for (size_t i = 0; i < XW_ARRAY_N(wanted); i++) {
        GstElementFactory *factory = gst_element_factory_find(wanted[i]);
        if (!factory) {
            snprintf(ret_text, XW_CAMERA_TEXT_N_BYTES,
                     "GStreamer has no element '%s': gstreamer1.0-plugins-base, -good, -bad and "
                     "-ugly are needed",
                     wanted[i]);
            return -ENOENT;
        }
        gst_object_unref(factory);
    }
    return 0;
}

int xw_camera_check(const char *source, char ret_text[XW_CAMERA_TEXT_N_BYTES])
{
    xw_autofree char *line = NULL;
    if (asprintf(&line, "%s%s", source, tail) < 0)
        return -ENOMEM;
    GstElement *bin = camera_build(line, ret_text);
    if (!bin)
        return -EINVAL;
    gst_object_unref(bin);
    return 0;
}

static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer user)
{
    struct xw_camera *c = user;
    char text[CAMERA_TEXT];
    (void)bus;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR) {
        camera_error_text(message, text);
        pthread_mutex_lock(&c->lock);
        camera_broken(c, text);
        pthread_mutex_unlock(&c->lock);
    } else if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
        pthread_mutex_lock(&c->lock);
        camera_broken(c, "the source has ended");
        pthread_mutex_unlock(&c->lock);
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
}

/* Wall time at which the frame was taken: its running time says how long ago that was. */
static int64_t capture_wall_us(GstElement *source, const GstSegment *segment, GstClockTime pts)
{
    int64_t wall_us = xw_clock_wall(NULL).us, age_us = 0;
    GstClock *clock = gst_element_get_clock(source);
    guint64 running = segment && GST_CLOCK_TIME_IS_VALID(pts)
                          ? gst_segment_to_running_time(segment, GST_FORMAT_TIME, pts)
                          : GST_CLOCK_TIME_NONE;
    if (clock && GST_CLOCK_TIME_IS_VALID(running))
        age_us =
            GST_CLOCK_DIFF(gst_element_get_base_time(source) + running, gst_clock_get_time(clock)) /
            1000;
    if (clock)
        gst_object_unref(clock);
    return age_us > 0 && age_us < CAMERA_NO_SIGNAL_US ? wall_us - age_us : wall_us;
}

static void hold(struct xw_camera *c, GstBuffer *buffer, int64_t wall_us)
{
    size_t size = gst_buffer_get_size(buffer);
    if (c->held_n == CAMERA_HELD_MAX || c->held_bytes + size > CAMERA_RECORD_RAW_BYTES) {
        atomic_fetch_add(&c->record_dropped_n, 1);
        return;
    }
    c->held[c->held_n++] = (struct camera_held){gst_buffer_ref(buffer), wall_us};
    c->held_bytes += size;
}

void camera_held_to(struct xw_camera *c, struct camera_record *record)
{
    for (size_t i = 0; i < c->held_n; i++) {
        if (record)
            camera_record_push(record, c->held[i].buffer, c->held[i].wall_us);
        else
            atomic_fetch_add(&c->record_dropped_n, 1);
        gst_buffer_unref(c->held[i].buffer);
    }
    c->held_n = c->held_bytes = 0;
}

static void take_frame(struct xw_camera *c, GstElement *source, GstSample *sample)
{
    GstBuffer *buffer = gst_sample_get_buffer(sample);
    GstCaps *caps = gst_sample_get_caps(sample);
    if (!buffer || !caps)
        return;
    int64_t wall_us =
        capture_wall_us(source, gst_sample_get_segment(sample), GST_BUFFER_PTS(buffer));
    atomic_fetch_add(&c->captured_n, 1);
    pthread_mutex_lock(&c->lock);
    c->frame_us = camera_now_us();
    if (!c->caps || !gst_caps_is_equal(c->caps, caps)) {
        int width = 0, height = 0;
        const GstStructure *s = gst_caps_get_structure(caps, 0);
        gst_structure_get_int(s, "width", &width);
        gst_structure_get_int(s, "height", &height);
        camera_held_to(c, NULL);
        gst_caps_replace(&c->caps, caps);
        atomic_store(&c->width, (uint32_t)XW_MAX(width, 0));
        atomic_store(&c->height, (uint32_t)XW_MAX(height, 0));
        pthread_cond_signal(&c->cond);
    }
    if (c->live && c->live->caps == c->caps)
        camera_live_push(c->live, buffer, wall_us);
    if (c->record && c->record->caps == c->caps)
        camera_record_push(c->record, buffer, wall_us);
    else if (c->may_record)
        hold(c, buffer, wall_us);
    if (c->state != XW_CAMERA_RUNNING)
        pthread_cond_signal(&c->cond);
    pthread_mutex_unlock(&c->lock);
}

static GstFlowReturn on_sample(GstAppSink *sink, gpointer user)
{
    struct xw_camera *c = user;
    GstSample *sample = gst_app_sink_pull_sample(sink);
    GstObject *parent = gst_object_get_parent(GST_OBJECT(sink));
    if (sample && parent)
        take_frame(c, GST_ELEMENT(parent), sample);
    if (sample)
        gst_sample_unref(sample);
    if (parent)
        gst_object_unref(parent);
    return GST_FLOW_OK;
}

int camera_source_open(struct xw_camera *c)
{
    xw_autofree char *line = NULL;
    char text[CAMERA_TEXT] = "no memory";
    if (asprintf(&line, "%s%s", c->source_line, tail) < 0)
        return -ENOMEM;
    GstElement *source = camera_build(line, text);
    if (!source) {
        pthread_mutex_lock(&c->lock);
        snprintf(c->error, sizeof(c->error), "%s", text);
        pthread_mutex_unlock(&c->lock);
        return -EINVAL;
    }
    GstElement *sink = gst_bin_get_by_name(GST_BIN(source), "xw_sink");
    GstElement *queue = gst_bin_get_by_name(GST_BIN(source), "xw_queue");
    GstAppSinkCallbacks callbacks = {.new_sample = on_sample};
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, c, NULL);
    camera_quiet_bus(source, on_message, c);
    pthread_mutex_lock(&c->lock);
    c->source_broken = false;
    c->error[0] = 0;
    c->frame_us = 0;
    gst_caps_replace(&c->caps, NULL);
    pthread_mutex_unlock(&c->lock);
    /* A live source loses what nobody takes; a file waits, and is played at its own pace. */
    GstStateChangeReturn r = gst_element_set_state(source, GST_STATE_PAUSED);
    bool live = r == GST_STATE_CHANGE_NO_PREROLL;
    g_object_set(sink, "sync", !live, "drop", live, NULL);
    if (live)
        gst_util_set_object_arg(G_OBJECT(queue), "leaky", "downstream");
    if (r != GST_STATE_CHANGE_FAILURE)
        r = gst_element_set_state(source, GST_STATE_PLAYING);
    gst_object_unref(queue);
    gst_object_unref(sink);
    c->source = source;
    c->opened_us = camera_now_us();
    return r == GST_STATE_CHANGE_FAILURE ? -EIO : 0;
}

void camera_source_close(struct xw_camera *c)
{
    GstElement *source = XW_STEAL(c->source);
    if (!source)
        return;
    gst_element_set_state(source, GST_STATE_NULL);
    camera_quiet_bus(source, NULL, NULL);
    gst_object_unref(source);
    pthread_mutex_lock(&c->lock);
    camera_held_to(c, NULL);
    gst_caps_replace(&c->caps, NULL);
    atomic_store(&c->width, 0);
    atomic_store(&c->height, 0);
    pthread_mutex_unlock(&c->lock);
}
