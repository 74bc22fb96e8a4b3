/* Studies born at a device: its button says "capture this" or "chest pain".
 *
 * The mark is kept at once (local record) with the ids of the study to be, in the same batch as the
 * marker's event; when 10 s after it are in the spool (or 60 s have passed without them) the
 * study's first change is written. A crash in between loses nothing and makes no second study.
 * Limit: 64 marks waiting; beyond it a study is written at once with what there is.
 * Threads: loop thread only. */
#ifndef XW_EDGE_STUDY_H
#define XW_EDGE_STUDY_H

#include "edge/edge.h"

struct xw_stream;

XW_MUST_CHECK int xw_study_new(struct xw_edge *edge, struct xw_study **ret_study);
void xw_study_free(struct xw_study *study);
void xw_study_mark(struct xw_study *study, struct xw_stream *stream, uint64_t seq, uint64_t index,
                   bool chest_pain);
/* A mark of an earlier process (a local record read at start). */
void xw_study_remember(struct xw_study *study, const struct xw_store_record *record);
bool xw_study_is_mark(const struct xw_store_record *record);
/* Once a second. */
void xw_study_tick(struct xw_study *study);

#endif
