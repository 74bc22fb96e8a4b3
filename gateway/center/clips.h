/* The recordings of pictures, folded from records CLIP.
 *
 * Threads: loop thread only. Ownership: the table owns what it folded; pointers are borrowed until
 * control goes back to the loop. Limits: XW_CLIPS_MAX in memory (the one that began first and has
 * ended goes, counted; the store keeps it), texts as in clip_ok. Times of the wire are the
 * gateway's; xw_clip_json gives county time. */
#ifndef XW_CENTER_CLIPS_H
#define XW_CENTER_CLIPS_H

#include "base/base.h"
#include "base/uuid.h"
#include "store/store.h"

#include "study.pb-c.h"

#include <jansson.h>

enum { XW_CLIPS_MAX = 16384 };

struct xw_clip {
    struct xw_uuid id, attachment;
    char gateway_id[128];
    uint64_t revision;
    Xw__Clip *wire;
};

struct xw_clips;

XW_MUST_CHECK int xw_clips_new(struct xw_clips **ret_clips);
void xw_clips_free(struct xw_clips *clips);
/* A durable record CLIP, also at start. The clip as it is now, NULL when the record is of no use
 * (counted). */
const struct xw_clip *xw_clips_record(struct xw_clips *clips, const struct xw_store_record *record);
const struct xw_clip *xw_clips_find(const struct xw_clips *clips, const struct xw_uuid *id);
size_t xw_clips_n(const struct xw_clips *clips);
/* 0 = newest. */
const struct xw_clip *xw_clips_at(const struct xw_clips *clips, size_t i);
uint32_t xw_clips_count(const struct xw_clips *clips, const struct xw_uuid *attachment);
/* The next clip after `after` (NULL: the first) whose object this is. */
const struct xw_clip *xw_clips_object(const struct xw_clips *clips, const uint8_t sha256[32],
                                      const struct xw_clip *after);
/* offset_us: county wall time minus the gateway's, where the clip does not know; held: bytes of its
 * object that the county has. */
json_t *xw_clip_json(const struct xw_clip *clip, int64_t offset_us, uint64_t held);
/* What a browser may be told that the bytes are; "application/octet-stream" for what is not known.
 */
const char *xw_clip_media_type(const char *media_type);

#endif
