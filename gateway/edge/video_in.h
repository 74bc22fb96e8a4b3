/* Between the files of the gateway's pictures. Threads: loop thread only. */
#ifndef XW_EDGE_VIDEO_IN_H
#define XW_EDGE_VIDEO_IN_H

#include "edge/commit.h"
#include "edge/video.h"
#include "edge/video_adapt.h"
#include "gst/camera.h"
#include "proto/signal.pb-c.h"
#include "proto/study.pb-c.h"
#include "proto/video.pb-c.h"

enum { VIDEO_FINISHING_MAX = 64, VIDEO_TEXT = XW_CAMERA_TEXT_N_BYTES };

struct video_source {
    struct xw_video *video;
    const struct xw_edge_video *config;
    struct xw_uuid attachment;
    uint64_t revision;        /* of the attachment's record */
    struct xw_camera *camera; /* NULL: it could not be made */
    bool running;             /* wanted by the technician */
    enum xw_camera_state state;
    char text[VIDEO_TEXT];
    int64_t since_wall_us;
    struct xw_uuid study;
    bool study_told;
    /* the present clip */
    bool recording;
    struct xw_uuid clip;
    int64_t clip_since_wall_us;
    /* live */
    int64_t want_until_us;
    bool key_wanted, live_on;
    uint64_t run_no;
    struct xw_uuid run;
    struct xw_adapt adapt;
    uint64_t dropped, sent_n;
    /* each second */
    int64_t figures_us;
    uint64_t captured_seen, sent_seen, live_dropped_seen, record_dropped_seen;
    struct xw_camera_figures figures;
    float captured_fps, sent_fps;
};

/* A clip that has ended and is not yet an object with its records. */
struct video_finish {
    struct video_finish *next;
    struct xw_video *video;
    struct xw_commit_owner owner;
    struct xw_uuid clip, attachment, study, change;
    bool has_study, create_study;
    char label[65], codec[XW_CAMERA_CODEC_N_BYTES];
    uint32_t width, height;
    int64_t start_wall_us, end_wall_us, county_offset_us;
    bool county_offset_known, demo;
    uint64_t frames_n, size;
    Xw__ClipEnd end;
    uint8_t sha256[32];
    bool imported, committed, busy;
    int64_t retry_us;
};

struct video_kept {
    struct xw_uuid clip;
    uint8_t sha256[32];
    uint64_t size;
    int64_t sent_wall_us; /* 0: the county is not known to have it */
    int64_t again_us;     /* monotonic: not offered before */
    bool offered, removing, gone;
};

struct xw_video {
    struct xw_edge *edge;
    struct video_source sources[XW_EDGE_VIDEO_MAX];
    size_t sources_n;
    char *clips_dir;
    char missing[VIDEO_TEXT]; /* plugins */
    struct xw_wake *wake;
    struct xw_timer *timer;
    struct xw_pool *pool; /* files */
    struct video_finish *finishing;
    size_t finishing_n, jobs_n;
    struct video_kept *kept;
    size_t kept_n, kept_cap;
    bool begun, stopping, halted, no_room;
    enum xw_store_space space;
    struct video_recover *recover;
};

/* video.c */
struct video_source *video_source_of(struct xw_video *video, const struct xw_uuid *attachment);
const char *video_label(const struct video_source *source);
/* Takes what the camera has said. */
void video_drain(struct video_source *source);
/* Tells the cameras whether there is room for recordings. */
void video_may_record(struct xw_video *video);
void video_path(const struct xw_video *video, const struct xw_uuid *clip, const char *suffix,
                char *ret, size_t size);
/* video_live.c */
void video_live_init(struct video_source *source);
void video_live_drain(struct video_source *source);
void video_live_tick(struct video_source *source);
void video_status_send(struct video_source *source);
bool video_watched(const struct video_source *source);
/* video_clip.c */
void video_clip_began(struct video_source *source, const struct xw_camera_event *event);
void video_clip_ended(struct video_source *source, const struct xw_camera_event *event);
/* Takes it. */
void video_finish_add(struct xw_video *video, struct video_finish *finish);
void video_finish_tick(struct xw_video *video);
/* video_keep.c */
void video_keep_add(struct xw_video *video, const struct video_kept *kept);
/* The record that goes with it, in the open batch. */
void video_keep_record(struct xw_video *video, const struct video_kept *kept);
void video_keep_tick(struct xw_video *video);
/* video_recover.c */
void video_recover_begin(struct xw_video *video);
void video_recover_tick(struct xw_video *video);
void video_recover_free(struct xw_video *video);

#endif
