/* The encoder for the record, and its file, encrypted: fragments of a second, each synced. */
#include "gst/camera_in.h"

#include "base/fault.h"
#include "base/file.h"
#include "gst/handover.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { DRAIN_US = 5000000, DROPPED_MAX = 100, FRAGMENT_MS = 1000 };

static void fail(struct camera_record *record, int error)
{
    struct xw_camera *c = record->camera;
    int none = 0;
    atomic_compare_exchange_strong(&record->error, &none, error);
    pthread_mutex_lock(&c->lock);
    pthread_cond_signal(&c->cond);
    pthread_mutex_unlock(&c->lock);
}

static GstBusSyncReply on_message(GstBus *bus, GstMessage *message, gpointer user)
{
    struct camera_record *record = user;
    (void)bus;
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR)
        fail(record, -EIO);
    if (GST_MESSAGE_TYPE(message) == GST_MESSAGE_ERROR ||
        GST_MESSAGE_TYPE(message) == GST_MESSAGE_EOS) {
        pthread_mutex_lock(&record->camera->lock);
        atomic_store(&record->ended, true);
        pthread_cond_signal(&record->camera->cond);
        pthread_mutex_unlock(&record->camera->lock);
    }
    gst_message_unref(message);
    return GST_BUS_DROP;
}

static void tell_begin(struct camera_record *record)
{
    struct xw_camera_event event = {.what = XW_CAMERA_SAYS_BEGAN,
                                    .clip = record->id,
                                    .width = record->fragments.width,
                                    .height = record->fragments.height,
                                    .start_wall_us = record->start_wall_us};
    memcpy(event.codec, record->fragments.codec, sizeof(event.codec));
    record->told = true;
    camera_say(record->camera, &event);
}

static int write_bytes(struct camera_record *record, const void *data, size_t size)
{
    uint64_t whole = record->fragments.whole;
    int r = xw_fault_point("video.clip.write");
    if (r == 0)
        r = xw_sealed_pwrite(&record->sealed, record->fd, record->written, data, size);
    if (r == 0)
        record->written += size;
    if (r == 0)
        r = xw_fragments_take(&record->fragments, data, size);
    if (r == 0 && record->fragments.header && !record->told)
        tell_begin(record);
    if (r < 0 || record->fragments.whole == whole)
        return r;
    if (fdatasync(record->fd) < 0)
        return -errno;
    atomic_store(&record->camera->clip_bytes, record->fragments.whole);
    return xw_fault_point("video.clip.fragment");
}

static GstFlowReturn on_sample(GstAppSink *sink, gpointer user)
{
    struct camera_record *record = user;
    xw_gst_arrives(record);
    camera_in_step(record->camera);
    GstSample *sample = gst_app_sink_pull_sample(sink);
    GstBuffer *buffer = sample ? gst_sample_get_buffer(sample) : NULL;
    GstMapInfo map;
    int r = 0;
    if (buffer)
        xw_gst_takes(buffer);
    if (buffer && gst_buffer_map(buffer, &map, GST_MAP_READ)) {
        if (atomic_load(&record->error) == 0 && map.size)
            r = write_bytes(record, map.data, map.size);
        gst_buffer_unmap(buffer, &map);
    }
    if (sample)
        gst_sample_unref(sample);
    if (r < 0)
        fail(record, r);
    camera_in_step(record->camera);
    return GST_FLOW_OK;
}

static int assemble(struct camera_record *record, GstCaps *caps, char ret_error[CAMERA_TEXT])
{
    char line[768];
    snprintf(line, sizeof(line),
             "appsrc name=xw_in format=time is-live=true block=false max-buffers=0 max-bytes=0 "
             "max-time=0 ! x264enc tune=zerolatency speed-preset=veryfast threads=1 bframes=0 "
             "bitrate=%u key-int-max=%u ! video/x-h264,profile=constrained-baseline ! h264parse ! "
             "queue max-size-buffers=0 max-size-time=0 max-size-bytes=8388608 ! "
             "mp4mux fragment-duration=%d fragment-mode=dash-or-mss streamable=true ! "
             "appsink name=xw_sink sync=false max-buffers=0",
             record->camera->config.bitrate_kbit, camera_fps(caps), FRAGMENT_MS);
    record->bin = camera_build(line, ret_error);
    if (!record->bin)
        return -ENOENT;
    record->in = GST_APP_SRC(gst_bin_get_by_name(GST_BIN(record->bin), "xw_in"));
    GstElement *sink = gst_bin_get_by_name(GST_BIN(record->bin), "xw_sink");
    GstAppSinkCallbacks callbacks = {.new_sample = on_sample};
    gst_app_src_set_caps(record->in, caps);
    gst_app_sink_set_callbacks(GST_APP_SINK(sink), &callbacks, record, NULL);
    gst_object_unref(sink);
    camera_quiet_bus(record->bin, on_message, record);
    xw_gst_sets_out(record);
    if (gst_element_set_state(record->bin, GST_STATE_PLAYING) == GST_STATE_CHANGE_FAILURE) {
        snprintf(ret_error, CAMERA_TEXT, "the encoder does not start");
        return -EIO;
    }
    return 0;
}

static void record_free(struct camera_record *record)
{
    if (record->bin) {
        gst_element_set_state(record->bin, GST_STATE_NULL);
        camera_quiet_bus(record->bin, NULL, NULL);
        gst_object_unref(record->bin);
    }
    if (record->in)
        gst_object_unref(record->in);
    if (record->fd >= 0)
        close(record->fd);
    xw_fragments_done(&record->fragments);
    gst_caps_unref(record->caps);
    free(record);
}

/* It gets its name when its head is on the disk: a power cut leaves no recording that nobody can
 * read. Every fragment is synced; without the folder's sync a cut could take the name of all. */
static int open_file(struct camera_record *record)
{
    char path[sizeof(record->path) + 4];
    snprintf(path, sizeof(path), "%s.tmp", record->path);
    record->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (record->fd < 0)
        return -errno;
    int r = xw_sealed_begin(record->camera->config.vault, record->fd, &record->sealed);
    if (r == 0 && (fdatasync(record->fd) < 0 || rename(path, record->path) < 0))
        r = -errno;
    if (r < 0)
        (void)unlink(path);
    return r < 0 ? r : xw_file_sync_parent(record->path);
}

int camera_record_new(struct xw_camera *c, GstCaps *caps, struct camera_record **ret_record)
{
    char id[XW_UUID_TEXT_N_BYTES], text[CAMERA_TEXT] = "";
    struct camera_record *record = calloc(1, sizeof(*record));
    if (!record)
        return -ENOMEM;
    record->camera = c;
    record->caps = gst_caps_ref(caps);
    record->id = xw_uuid_v7(NULL);
    record->last_pts_ns = -1;
    record->began_us = camera_now_us();
    xw_fragments_init(&record->fragments);
    snprintf(record->path, sizeof(record->path), "%s/%s.part", c->clips_dir,
             xw_uuid_format(&record->id, id));
    int r = open_file(record);
    if (r == 0)
        r = assemble(record, caps, text);
    if (r < 0) {
        if (record->fd >= 0)
            (void)unlink(record->path);
        if (!text[0])
            snprintf(text, sizeof(text), "the clip's file: %s", strerror(-r));
        pthread_mutex_lock(&c->lock);
        snprintf(c->error, sizeof(c->error), "%s", text);
        pthread_mutex_unlock(&c->lock);
        record_free(record);
        return r;
    }
    *ret_record = record;
    return 0;
}

void camera_record_push(struct camera_record *record, GstBuffer *buffer, int64_t wall_us)
{
    struct xw_camera *c = record->camera;
    if (gst_app_src_get_current_level_bytes(record->in) + gst_buffer_get_size(buffer) >
            CAMERA_RECORD_RAW_BYTES ||
        atomic_load(&record->error) < 0) {
        atomic_fetch_add(&c->record_dropped_n, 1);
        if (++record->dropped_in_a_row == DROPPED_MAX)
            atomic_store(&record->error, -EBUSY);
        pthread_cond_signal(&c->cond);
        return;
    }
    record->dropped_in_a_row = 0;
    if (!record->start_wall_us)
        record->start_wall_us = wall_us;
    int64_t pts_ns = (wall_us - record->start_wall_us) * 1000;
    pts_ns = XW_MAX(pts_ns, record->last_pts_ns + 1000);
    record->last_pts_ns = pts_ns;
    GstBuffer *copy = gst_buffer_copy(buffer);
    GST_BUFFER_PTS(copy) = (GstClockTime)pts_ns;
    GST_BUFFER_DTS(copy) = GST_CLOCK_TIME_NONE;
    GST_BUFFER_DURATION(copy) = GST_CLOCK_TIME_NONE;
    xw_gst_gives(copy);
    (void)gst_app_src_push_buffer(record->in, copy);
}

/* Everything that was captured goes through the encoder into the file. */
static void drain(struct camera_record *record)
{
    struct xw_camera *c = record->camera;
    struct timespec until;
    (void)gst_app_src_end_of_stream(record->in);
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += DRAIN_US / 1000000;
    pthread_mutex_lock(&c->lock);
    while (!atomic_load(&record->ended) &&
           pthread_cond_timedwait(&c->cond, &c->lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&c->lock);
    gst_element_set_state(record->bin, GST_STATE_NULL);
    camera_in_step(c);
}

/* Cut to whole fragments; what is left behind them is of no use. Whatever fails, what is whole
 * stays: the owner syncs it again before it counts. */
static uint64_t finish_file(struct camera_record *record)
{
    uint64_t whole = record->fragments.whole;
    if (!whole)
        (void)unlink(record->path);
    else if (xw_sealed_cut(record->fd, whole) < 0 || fsync(record->fd) < 0)
        fail(record, -errno);
    return whole;
}

void camera_record_end(struct camera_record *record, enum xw_camera_end end)
{
    struct xw_camera *c = record->camera;
    drain(record);
    uint64_t whole = finish_file(record);
    int error = atomic_load(&record->error);
    if (error == -ENOSPC || error == -EDQUOT)
        end = XW_CAMERA_END_NO_ROOM;
    else if (error < 0)
        end = XW_CAMERA_END_FAILED;
    struct xw_camera_event event = {
        .what = XW_CAMERA_SAYS_ENDED,
        .clip = record->id,
        .end = end,
        .width = record->fragments.width,
        .height = record->fragments.height,
        .start_wall_us = record->start_wall_us,
        .frames_n = record->fragments.frames_n,
        .size = whole,
    };
    event.end_wall_us = record->start_wall_us + xw_fragments_duration_us(&record->fragments);
    memcpy(event.codec, record->fragments.codec, sizeof(event.codec));
    atomic_store(&c->clip_bytes, 0);
    if (record->told)
        camera_say(c, &event);
    record_free(record);
}
