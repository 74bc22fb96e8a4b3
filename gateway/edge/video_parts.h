/* A picture on its way: cut into parts that fit an ephemeral message, and asked for.
 * Threads: pure. Errors: -EMSGSIZE more parts than the protocol has, -ENOMEM, -EBADMSG. */
#ifndef XW_EDGE_VIDEO_PARTS_H
#define XW_EDGE_VIDEO_PARTS_H

#include "base/base.h"
#include "base/uuid.h"

enum { XW_VIDEO_PART_MAX = 12 * 1024, XW_VIDEO_PARTS_MAX = 256, XW_VIDEO_PART_ROOM = 13 * 1024 };

struct xw_video_unit {
    struct xw_uuid attachment, run;
    uint64_t frame;
    bool key;
    int64_t capture_wall_us, county_offset_us;
    bool county_offset_known;
    const char *codec;
    uint32_t width, height;
    const void *data;
    size_t size;
};

/* Bytes that the parts of so many take on the lane, at most. */
size_t xw_video_parts_bytes(size_t size);
/* Each part in order, packed; a negative answer ends it. */
XW_MUST_CHECK int xw_video_parts(const struct xw_video_unit *unit,
                                 int (*each)(void *user, const void *data, size_t size),
                                 void *user);

struct xw_video_want {
    struct xw_uuid attachment;
    bool on, key;
    uint32_t delay_ms; /* of the newest picture at the county; 0: not known */
};
XW_MUST_CHECK int xw_video_want_parse(const void *data, size_t size,
                                      struct xw_video_want *ret_want);

#endif
