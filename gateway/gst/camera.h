/* One picture source: opened and kept open, encoded twice (for the county, and for the record).
 *
 *   SOURCE ! queue ! videoconvert ! appsink ─┬▶ appsrc ! x264enc (adapts) ! h264parse ! appsink
 *            capture time of each frame      └▶ appsrc ! x264enc ! queue ! mp4mux ! appsink ─▶ file
 *
 * The record keeps its rate whatever the link can carry. A clip ends when the source does, falls
 * silent for 2 s, changes its size, at clip_max, when it may not be recorded any more, and when the
 * encoder or the file cannot follow; it is then cut to whole fragments. A source that fails is
 * tried again after 1 s, doubling to 30 s.
 *
 * Threads: a control thread of its own opens, builds and ends pipelines (that may take seconds);
 * GStreamer's threads carry the frames. The functions are for the loop thread; none blocks but
 * new's counterpart free (at most some seconds). on_output comes on any thread and may only wake.
 * Ownership: config's texts are copied. Limits: 8 raw frames before the live encoder, 32 MiB of
 * them before the record's and 50 frames while it begins, 8 MiB encoded before the file, 4 MiB of
 * frames for the loop; what does not fit is dropped and counted. Errors: -ENOMEM, -EAGAIN. Needs
 * the elements of gst-plugins-base, -good, -bad (h264parse), -ugly (x264enc); without one of them
 * the source is FAILED with its name. */
#ifndef XW_GST_CAMERA_H
#define XW_GST_CAMERA_H

#include "base/base.h"
#include "base/uuid.h"

struct xw_camera;

enum xw_camera_state {
    XW_CAMERA_IDLE,
    XW_CAMERA_STARTING,
    XW_CAMERA_RUNNING,
    XW_CAMERA_NO_SIGNAL,
    XW_CAMERA_FAILED,
};

/* Why a clip ended. */
enum xw_camera_end {
    XW_CAMERA_END_STOPPED,
    XW_CAMERA_END_NO_SIGNAL,
    XW_CAMERA_END_CHANGED,
    XW_CAMERA_END_NO_ROOM,
    XW_CAMERA_END_FAILED,
    XW_CAMERA_END_LONG,
};

enum { XW_CAMERA_TEXT_N_BYTES = 160, XW_CAMERA_CODEC_N_BYTES = 16 };

struct xw_vault;
struct xw_camera_config {
    const char *source; /* GStreamer line that ends in raw or decodable pictures */
    const char *clips_dir;
    const struct xw_vault *vault; /* recordings are encrypted with its keys; outlives the camera */
    uint32_t bitrate_kbit;        /* of the record */
    uint32_t key_ms;              /* between key frames for the county */
    int64_t clip_max_us;
    void (*on_output)(void *user);
    void *user;
};

enum xw_camera_what { XW_CAMERA_SAYS_STATE, XW_CAMERA_SAYS_BEGAN, XW_CAMERA_SAYS_ENDED };
struct xw_camera_event {
    enum xw_camera_what what;
    enum xw_camera_state state; /* STATE, with text */
    char text[XW_CAMERA_TEXT_N_BYTES];
    /* BEGAN, ENDED; its file is clips_dir/ID.part, closed and cut at ENDED */
    struct xw_uuid clip;
    enum xw_camera_end end;
    uint32_t width, height;
    char codec[XW_CAMERA_CODEC_N_BYTES];
    int64_t start_wall_us, end_wall_us;
    uint64_t frames_n, size; /* 0: nothing whole was recorded, there is no file */
};
struct xw_camera_frame {
    uint64_t run;   /* counts starts of the live encoder */
    uint64_t frame; /* of the run, from 0 */
    bool key;
    int64_t capture_wall_us;
    uint32_t width, height;
    char codec[XW_CAMERA_CODEC_N_BYTES];
    size_t size;
};

/* Once before the first camera: is everything there? -ENOENT names what is missing. */
XW_MUST_CHECK int xw_camera_plugins(char ret_text[XW_CAMERA_TEXT_N_BYTES]);
/* Is this a line that GStreamer can build? -EINVAL with its words. Opens nothing. */
XW_MUST_CHECK int xw_camera_check(const char *source, char ret_text[XW_CAMERA_TEXT_N_BYTES]);

XW_MUST_CHECK int xw_camera_new(const struct xw_camera_config *config,
                                struct xw_camera **ret_camera);
/* Ends everything; the last events are lost (the clip's file stays). NULL is fine. */
void xw_camera_free(struct xw_camera *camera);

void xw_camera_run(struct xw_camera *camera, bool on);
/* May clips be written? */
void xw_camera_record(struct xw_camera *camera, bool on);
/* Frames for the county: made only while wanted. kbit may change at any time. */
void xw_camera_live(struct xw_camera *camera, bool on, uint32_t kbit);
/* The next frame shall be a key frame. */
void xw_camera_key(struct xw_camera *camera);

XW_MUST_CHECK int xw_camera_take_event(struct xw_camera *camera, struct xw_camera_event *ret_event);
/* The oldest frame, borrowed until consume. */
XW_MUST_CHECK int xw_camera_take_frame(struct xw_camera *camera, const struct xw_camera_frame **ret,
                                       const void **ret_data);
void xw_camera_consume_frame(struct xw_camera *camera);

struct xw_camera_figures {
    uint64_t captured_n;       /* frames of the source */
    uint64_t record_dropped_n; /* frames missing in the record */
    uint64_t live_dropped_n;   /* frames the live encoder or the loop had no room for */
    uint64_t clip_bytes;       /* durable bytes of the present clip; 0 = none */
    uint32_t width, height;    /* 0 = no frame yet */
};
/* Any thread. */
void xw_camera_figures(struct xw_camera *camera, struct xw_camera_figures *ret_figures);

#endif
