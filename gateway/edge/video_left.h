/* What lies in the folder of recordings at the start, when nobody writes there yet.
 *
 * A recording is ID.part, what was known of it at its beginning ID.clip, written as ID.clip.tmp. A
 * kill may leave any of them alone: ID.clip between the deletion of both, or when nothing of the
 * recording was whole; ID.clip.tmp before its rename.
 *
 * Threads: any, one at a time. Errors: what cannot be read is not listed. */
#ifndef XW_EDGE_VIDEO_LEFT_H
#define XW_EDGE_VIDEO_LEFT_H

#include "base/base.h"
#include "base/uuid.h"

/* Each recording that any file speaks of once, the oldest first; at most max. Temporary files are
 * deleted, all that is not named like a recording is left alone. */
XW_MUST_CHECK size_t xw_video_left(const char *clips_dir, struct xw_uuid *ret_left, size_t max);

#endif
