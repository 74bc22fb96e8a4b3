/* The picture sources of the county: from ephemeral messages of gateways to frames for the hub, and
 * back what browsers want (PROTOCOL 5.1).
 *
 * Only the gateway that an attachment belongs to may speak for it. What nobody watches is not put
 * together. `video-want` goes out when it changes, again every 2 s while somebody watches, and with
 * `key` at most once in 300 ms. When the link is lost, or a source is silent for 5 s though linked,
 * browsers get a status VIDEO_UNREACHABLE made here.
 *
 * Threads: loop thread only. Limits: XW_VIDEO_SOURCES_MAX sources (an unwatched one that is silent
 * makes room), XW_VIDEO_BUDGET_BYTES of parts in flight in all. Times: gateway's clock in, county's
 * out. Errors: negative errno; everything refused is counted. */
#ifndef XW_CENTER_VIDEO_H
#define XW_CENTER_VIDEO_H

#include "base/base.h"
#include "base/clock.h"
#include "base/uuid.h"

#include "live.pb-c.h"

enum {
    XW_VIDEO_SOURCES_MAX = 256,
    XW_VIDEO_BUDGET_BYTES = 64 << 20,
    XW_VIDEO_WANT_US = 2000000,
    XW_VIDEO_KEY_US = 300000,
    XW_VIDEO_DELAY_US = 400000, /* a picture older than this is told to its gateway at once */
    XW_VIDEO_SILENT_US = 5000000,
};

struct xw_video_config {
    const struct xw_clock *clock;
    void *user;
    /* The gateway that the attachment belongs to; NULL: not known, or no picture source. */
    const char *(*owner)(void *user, const struct xw_uuid *attachment);
    bool (*linked)(void *user, const char *gateway_id);
    /* County wall time minus the gateway's, now. */
    int64_t (*offset_us)(void *user, const char *gateway_id);
    void (*send)(void *user, const char *gateway_id, const char *topic, const void *payload,
                 size_t size);
    void (*frame)(void *user, const struct xw_uuid *attachment, const Xw__LiveVideo *frame);
    void (*status)(void *user, const struct xw_uuid *attachment, const Xw__VideoStatus *status);
};

struct xw_video;

XW_MUST_CHECK int xw_video_new(const struct xw_video_config *config, struct xw_video **ret_video);
void xw_video_free(struct xw_video *video);
/* -ENOENT: not a topic of ours. -EBADMSG, -EPERM (not this gateway's), -EOVERFLOW, -ENOSPC. */
XW_MUST_CHECK int xw_video_ephemeral(struct xw_video *video, const char *gateway_id,
                                     const char *topic, const void *payload, size_t size);
/* on: browsers watch, or none does any more; key: somebody needs a key frame. */
void xw_video_want(struct xw_video *video, const struct xw_uuid *attachment, bool on, bool key);
void xw_video_linked(struct xw_video *video, const char *gateway_id, bool linked);
/* Every 100 ms. */
void xw_video_tick(struct xw_video *video);

#endif
