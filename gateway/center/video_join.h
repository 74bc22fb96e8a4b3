/* Access units of one picture source, put together again from their parts.
 *
 * Parts of a unit may come in any order and twice; two units may be in flight at a time. A unit
 * that misses a part is lost, and so is what follows it up to the next key frame (PROTOCOL 5.1).
 * Units come out whole, in the order of their frames, beginning with a key frame; nothing is kept.
 *
 * Threads: one at a time. Ownership: parts are copied; a unit's data belongs to the joiner until
 * the next call. Limits: 256 parts of 12 KiB, two units, XW_VIDEO_JOIN_OLD_US for a unit to be
 * whole, and the bytes of all joiners that share a budget. Units: bytes, µs of the monotonic clock;
 * capture times of the gateway's clock. Errors: -EBADMSG a part that cannot be, -ENOSPC no budget,
 * -ENOMEM. */
#ifndef XW_CENTER_VIDEO_JOIN_H
#define XW_CENTER_VIDEO_JOIN_H

#include "base/base.h"
#include "base/uuid.h"

#include "video.pb-c.h"

enum {
    XW_VIDEO_PART_MAX_BYTES = 12288,
    XW_VIDEO_PARTS_MAX = 256,
    XW_VIDEO_UNITS = 2,
    XW_VIDEO_JOIN_OLD_US = 2000000,
    XW_VIDEO_CODEC_N = 33,
};

struct xw_video_piece {
    uint8_t *data;
    uint32_t size;
};

struct xw_video_unit {
    uint64_t frame;
    struct xw_uuid run;
    bool key, offset_known;
    int64_t capture_us, offset_us, began_us;
    char codec[XW_VIDEO_CODEC_N];
    uint32_t width, height;
    struct xw_video_piece *pieces; /* NULL: the place is free */
    uint32_t parts, have_n;
    size_t size;
};

struct xw_video_budget {
    size_t used_bytes, max_bytes;
};

struct xw_video_join {
    struct xw_video_budget *budget;
    struct xw_uuid run, run_before;
    bool begun, need_key;
    uint64_t next; /* frame that goes on from what came out last */
    struct xw_video_unit units[XW_VIDEO_UNITS];
    uint8_t *out;
    uint64_t lost_n, late_n; /* units given up, parts of no use any more */
};

void xw_video_join_init(struct xw_video_join *join, struct xw_video_budget *budget);
/* Forgets everything that is in flight; begins again with a key frame. */
void xw_video_join_reset(struct xw_video_join *join);
void xw_video_join_done(struct xw_video_join *join);
/* 0: taken, or of no use (late, twice, before a key frame). Then take out what is whole. */
XW_MUST_CHECK int xw_video_join_part(struct xw_video_join *join, const Xw__VideoPart *part,
                                     int64_t now_us);
/* 1: the next whole unit and its data, valid until the next call of any of these; 0: none; -ENOMEM:
 * it is lost. */
XW_MUST_CHECK int xw_video_join_next(struct xw_video_join *join, struct xw_video_unit *ret_unit,
                                     const uint8_t **ret_data);
/* Gives up what has not become whole for too long. */
void xw_video_join_expire(struct xw_video_join *join, int64_t now_us);

#endif
