/* Makes the pictures of the simulated probe at their times. */
#include "probe.h"

#include "base/clock.h"

#include <stdio.h>
#include <string.h>

static bool size_ok(uint32_t width, uint32_t height)
{
    return width >= XW_PICTURE_SIZE_MIN && width <= XW_PICTURE_SIZE_MAX && height >= 240 &&
           height <= XW_PICTURE_SIZE_MAX && width % 16 == 0 && height % 16 == 0;
}

static int open_player(struct xw_probe *p, const char *file, char ret_text[160])
{
    char line[2048];
    GError *error = NULL;
    snprintf(line, sizeof(line),
             "filesrc name=file ! decodebin ! videoconvert ! videoscale add-borders=true ! "
             "video/x-raw,format=I420,width=%u,height=%u,pixel-aspect-ratio=1/1 ! "
             "appsink name=frames sync=false max-buffers=2",
             p->width, p->height);
    p->player = gst_parse_launch(line, &error);
    if (!p->player) {
        snprintf(ret_text, 160, "%s", error ? error->message : "cannot play");
        g_clear_error(&error);
        return -EINVAL;
    }
    GstElement *source = gst_bin_get_by_name(GST_BIN(p->player), "file");
    g_object_set(source, "location", file, NULL);
    gst_object_unref(source);
    p->frames = GST_APP_SINK(gst_bin_get_by_name(GST_BIN(p->player), "frames"));
    gst_element_set_state(p->player, GST_STATE_PLAYING);
    if (gst_element_get_state(p->player, NULL, NULL, 10 * GST_SECOND) == GST_STATE_CHANGE_SUCCESS)
        return 0;
    snprintf(ret_text, 160, "%.100s: no recording that can be played", file);
    return -EINVAL;
}

/* The next picture of the file, from the beginning again after the last. */
static GstBuffer *next_played(struct xw_probe *p)
{
    for (int again = 0; again < 2; again++) {
        GstSample *sample = gst_app_sink_try_pull_sample(p->frames, GST_SECOND);
        if (sample) {
            GstBuffer *buffer = gst_buffer_copy_deep(gst_sample_get_buffer(sample));
            gst_sample_unref(sample);
            return buffer;
        }
        if (gst_app_sink_is_eos(p->frames))
            gst_element_seek_simple(p->player, GST_FORMAT_TIME, GST_SEEK_FLAG_FLUSH, 0);
    }
    return NULL;
}

static GstBuffer *make_buffer(struct xw_probe *p, uint32_t width, uint32_t height, uint32_t count)
{
    GstMapInfo map;
    int64_t wall_us = xw_clock_wall(NULL).us;
    if (!p->player && (p->picture.width != width || p->picture.height != height)) {
        xw_picture_done(&p->picture);
        if (xw_picture_init(&p->picture, width, height, p->seed) < 0)
            return NULL;
    }
    GstBuffer *buffer = p->player
                            ? next_played(p)
                            : gst_buffer_new_allocate(NULL, xw_picture_bytes(width, height), NULL);
    if (!buffer || !gst_buffer_map(buffer, &map, GST_MAP_READWRITE))
        return buffer;
    if (!p->player)
        xw_picture_draw(&p->picture, wall_us - p->started_us, map.data);
    if (map.size >= xw_picture_bytes(width, height))
        xw_picture_mark(map.data, width, height, count, wall_us);
    gst_buffer_unmap(buffer, &map);
    return buffer;
}

static void push(struct xw_probe *p, GstAppSrc *in, GstBuffer *buffer, uint32_t width,
                 uint32_t height, bool fresh)
{
    if (fresh) {
        GstCaps *caps =
            gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT,
                                (int)width, "height", G_TYPE_INT, (int)height, "framerate",
                                GST_TYPE_FRACTION, (int)p->fps, 1, NULL);
        gst_app_src_set_caps(in, caps);
        gst_caps_unref(caps);
    }
    if (gst_app_src_get_current_level_buffers(in) < 4)
        (void)gst_app_src_push_buffer(in, buffer);
    else
        gst_buffer_unref(buffer);
}

static void one_frame(struct xw_probe *p)
{
    pthread_mutex_lock(&p->lock);
    uint32_t width = p->width, height = p->height, count = (uint32_t)p->frames_n;
    GstAppSrc *in = p->in && !p->silent ? gst_object_ref(p->in) : NULL;
    bool fresh = width != p->sent_w || height != p->sent_h;
    p->sent_w = width;
    p->sent_h = height;
    p->frames_n += in != NULL;
    pthread_mutex_unlock(&p->lock);
    if (!in)
        return;
    GstBuffer *buffer = make_buffer(p, width, height, count);
    if (buffer) {
        GST_BUFFER_PTS(buffer) = GST_BUFFER_DTS(buffer) = GST_CLOCK_TIME_NONE;
        push(p, in, buffer, width, height, fresh);
    }
    gst_object_unref(in);
}

static void *draw(void *arg)
{
    struct xw_probe *p = arg;
    int64_t next_us = xw_clock_mono(NULL).us;
    for (;;) {
        pthread_mutex_lock(&p->lock);
        bool quit = p->quit;
        pthread_mutex_unlock(&p->lock);
        if (quit)
            return NULL;
        one_frame(p);
        next_us += 1000000 / (int64_t)p->fps;
        int64_t now_us = xw_clock_mono(NULL).us;
        if (next_us > now_us)
            g_usleep((gulong)(next_us - now_us));
        else if (now_us - next_us > 1000000)
            next_us = now_us; /* it cannot draw so fast: no burst afterwards */
    }
}

int xw_probe_start(struct xw_probe *p, uint32_t width, uint32_t height, uint32_t fps, uint64_t seed,
                   const char *file, char ret_text[160])
{
    *p = (struct xw_probe){.width = width, .height = height, .fps = fps, .seed = seed};
    snprintf(ret_text, 160, "--width 320..1920, --height 240..1920, multiples of 16; --fps 1..60");
    if (!size_ok(width, height) || fps < 1 || fps > 60)
        return -EINVAL;
    pthread_mutex_init(&p->lock, NULL);
    p->started_us = xw_clock_wall(NULL).us;
    int r = file ? open_player(p, file, ret_text) : 0;
    if (r == 0)
        r = -pthread_create(&p->thread, NULL, draw, p);
    p->running = r == 0;
    return r;
}

void xw_probe_done(struct xw_probe *p)
{
    if (p->running) {
        pthread_mutex_lock(&p->lock);
        p->quit = true;
        pthread_mutex_unlock(&p->lock);
        pthread_join(p->thread, NULL);
    }
    xw_probe_watch(p, NULL);
    if (p->player) {
        gst_element_set_state(p->player, GST_STATE_NULL);
        gst_object_unref(p->frames);
        gst_object_unref(p->player);
    }
    xw_picture_done(&p->picture);
}

void xw_probe_watch(struct xw_probe *p, GstAppSrc *in)
{
    pthread_mutex_lock(&p->lock);
    GstAppSrc *old = p->in;
    p->in = in;
    p->sent_w = p->sent_h = 0;
    pthread_mutex_unlock(&p->lock);
    if (old)
        gst_object_unref(old);
}

int xw_probe_resize(struct xw_probe *p, uint32_t width, uint32_t height)
{
    if (!size_ok(width, height) || p->player)
        return -EINVAL;
    pthread_mutex_lock(&p->lock);
    p->width = width;
    p->height = height;
    pthread_mutex_unlock(&p->lock);
    return 0;
}

void xw_probe_silence(struct xw_probe *p, bool on)
{
    pthread_mutex_lock(&p->lock);
    p->silent = on;
    pthread_mutex_unlock(&p->lock);
}

uint64_t xw_probe_frames(struct xw_probe *p)
{
    pthread_mutex_lock(&p->lock);
    uint64_t n = p->frames_n;
    pthread_mutex_unlock(&p->lock);
    return n;
}
