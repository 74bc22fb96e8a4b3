/* Between the files of a camera: camera.c (control thread, what goes to the loop), camera_source.c
 * (capture), camera_live.c and camera_record.c (encoders).
 *
 * Lock order: lock, then a ring's. GStreamer's state changes are made without lock held. */
#ifndef XW_GST_CAMERA_IN_H
#define XW_GST_CAMERA_IN_H

#include "base/ring.h"
#include "gst/camera.h"
#include "gst/fragments.h"
#include "vault/sealed.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    CAMERA_RAW_FRAMES = 8,
    CAMERA_NO_SIGNAL_US = 2000000,
    CAMERA_TEXT = XW_CAMERA_TEXT_N_BYTES,
    CAMERA_HELD_MAX = 50,
    CAMERA_RECORD_RAW_BYTES = 32 * 1024 * 1024,
};

/* A frame that waits for its recording to begin. */
struct camera_held {
    GstBuffer *buffer;
    int64_t wall_us;
};

struct camera_live {
    struct xw_camera *camera;
    GstCaps *caps;
    GstElement *bin, *encoder;
    GstAppSrc *in;
    uint64_t run, frames_n;
    uint32_t kbit, width, height;
    int64_t start_wall_us; /* of the first frame; guarded by the camera's lock */
    int64_t pts_us;        /* of the newest; likewise */
    _Atomic int64_t start_us_seen;
    char codec[XW_CAMERA_CODEC_N_BYTES];
    bool need_key; /* the loop's ring was full: nothing before the next key frame */
};

struct camera_record {
    struct xw_camera *camera;
    struct xw_uuid id;
    GstCaps *caps;
    GstElement *bin;
    GstAppSrc *in;
    int fd;
    char path[512];
    struct xw_sealed sealed;
    uint64_t written;              /* bytes of content */
    struct xw_fragments fragments; /* its writing thread's; the control thread's after the end */
    int64_t start_wall_us, last_pts_ns;
    int64_t began_us;          /* monotonic */
    uint64_t dropped_in_a_row; /* raw frames that found no room */
    bool told;                 /* BEGAN */
    _Atomic bool ended;        /* end of stream came through, or an error */
    _Atomic int error;         /* of the file or the encoder */
};

struct xw_camera {
    char *source_line, *clips_dir;
    struct xw_camera_config config;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t cond;
    /* wanted, by the loop; under lock */
    bool run, quit, may_record, live_on, key_wanted;
    uint32_t live_kbit;
    /* said by GStreamer's threads; under lock */
    bool source_broken;
    char error[CAMERA_TEXT];
    GstCaps *caps; /* of the newest frame; encoders of others take nothing and are replaced */
    struct camera_held held[CAMERA_HELD_MAX]; /* of these caps */
    size_t held_n, held_bytes;
    int64_t frame_us; /* monotonic; the newest frame; 0 = none of this opening */
    /* the control thread's; pointers are read by the capturing thread under lock */
    GstElement *source;
    GstElement *source_sink;
    struct camera_live *live;
    struct camera_record *record;
    int64_t opened_us, retry_us;
    int64_t record_retry_us; /* control thread */
    unsigned tries;
    uint64_t runs_n;
    enum xw_camera_state state;
    /* to the loop */
    pthread_mutex_t out_lock; /* producers of both rings */
    struct xw_ring events, frames;
    _Atomic uint64_t captured_n, record_dropped_n, live_dropped_n, clip_bytes;
    _Atomic uint32_t width, height;
};

int64_t camera_now_us(void);
/* Control thread, and the record's writing thread; waits for room. */
void camera_say(struct xw_camera *camera, const struct xw_camera_event *event);
/* Takes and leaves the lock: what was written before it was left is seen. GStreamer orders its
 * threads as well, but by locks that the thread sanitizer does not know. */
void camera_in_step(struct xw_camera *camera);
/* Wakes the control thread; lock is held. */
void camera_broken(struct xw_camera *camera, const char *text);

/* Lock is held. Frames that waited are the record's, or nobody's: then they are counted. */
void camera_held_to(struct xw_camera *camera, struct camera_record *record);
/* -EINVAL, -EIO with the reason in camera->error. */
XW_MUST_CHECK int camera_source_open(struct xw_camera *camera);
void camera_source_close(struct xw_camera *camera);

XW_MUST_CHECK int camera_live_new(struct xw_camera *camera, GstCaps *caps, uint32_t kbit,
                                  struct camera_live **ret_live);
void camera_live_free(struct camera_live *live);
void camera_live_set(struct camera_live *live, uint32_t kbit);
void camera_live_key(struct camera_live *live);
/* Lock is held: takes its own reference of the memory. */
void camera_live_push(struct camera_live *live, GstBuffer *buffer, int64_t wall_us);

XW_MUST_CHECK int camera_record_new(struct xw_camera *camera, GstCaps *caps,
                                    struct camera_record **ret_record);
/* Detached from the capture: drains, cuts, closes and says ENDED; frees it. */
void camera_record_end(struct camera_record *record, enum xw_camera_end end);
void camera_record_push(struct camera_record *record, GstBuffer *buffer, int64_t wall_us);

/* Helpers of both encoders. */
GstElement *camera_build(const char *description, char ret_error[CAMERA_TEXT]);
uint32_t camera_fps(const GstCaps *caps);
void camera_quiet_bus(GstElement *bin, GstBusSyncHandler handler, gpointer user);
void camera_error_text(GstMessage *message, char ret_text[CAMERA_TEXT]);

#endif
