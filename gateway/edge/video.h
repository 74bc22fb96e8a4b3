/* Picture sources of this gateway: probes and cameras, their live pictures and their recordings.
 *
 *   camera (gst) ─┬ frames ─▶ video_live: parts on the lane VIDEO while the county wants them
 *                 └ clips ──▶ video_clip: record CLIP, study, object ─▶ video_keep: until the
 * county has it, and retain after
 *
 * A recording that a killed process left is finished at the next start (video_recover).
 * Threads: loop thread only; cameras have threads of their own. Without a configured source, or
 * without GStreamer's plugins, everything here is idle. Limits: four sources; 64 clips being
 * finished. */
#ifndef XW_EDGE_VIDEO_H
#define XW_EDGE_VIDEO_H

#include "edge/edge.h"

struct xw_video;

XW_MUST_CHECK int xw_video_new(struct xw_edge *edge, struct xw_video **ret_video);
/* The store must be closed. */
void xw_video_free(struct xw_video *video);
/* What earlier processes left is known: recordings are finished, sources with autostart run. */
void xw_video_begin(struct xw_video *video);
/* Sources are stopped and their clips finished; idle when that is done. */
void xw_video_stop(struct xw_video *video);
bool xw_video_idle(struct xw_video *video);
/* Ends the cameras' threads, finished or not: before the store is closed. */
void xw_video_halt(struct xw_video *video);

/* The technician's button. -ENOENT no such source, -ENODEV no plugins. */
XW_MUST_CHECK int xw_video_run(struct xw_video *video, const char *id, bool on);
/* Once a second. */
void xw_video_tick(struct xw_video *video);
/* An ephemeral message of the county. */
void xw_video_wanted(struct xw_video *video, const void *payload, size_t size);
/* The county holds one of our objects, or it was given up. */
void xw_video_object(struct xw_video *video, const uint8_t sha256[32], int status);
void xw_video_space(struct xw_video *video, enum xw_store_space space);
void xw_video_linked(struct xw_video *video, bool linked);

/* Records of an earlier process: an attachment (true: it was a picture source's), a kept clip. */
bool xw_video_remember(struct xw_video *video, const struct xw_store_record *record);
void xw_video_remember_clip(struct xw_video *video, const struct xw_store_record *record);

/* For the status page. */
struct xw_video_status {
    const char *id, *label, *bed, *state, *text;
    struct xw_uuid attachment;
    bool running, watched, yielded;
    int64_t since_wall_us;
    uint32_t width, height, kbit_per_s;
    float captured_fps, sent_fps;
    uint64_t dropped, record_dropped;
    bool recording;
    int64_t clip_since_wall_us;
    uint64_t clip_bytes;
};
void xw_video_each(struct xw_video *video, void (*each)(void *user, const struct xw_video_status *),
                   void *user);
struct xw_video_totals {
    size_t kept_n, unsent_n, finishing_n;
    uint64_t kept_bytes, unsent_bytes;
};
void xw_video_totals(const struct xw_video *video, struct xw_video_totals *ret_totals);

#endif
