/* ECG files that somebody puts into a folder become studies, as if they had been captured here.
 *
 * import_dir.c    the folder: complete, half, broken (a thread of its own); import_move.c
 * import_make.c   a recording as headers, samples and words
 * import.c        once, durably, into the spool; then the file is moved away
 * import_write.c  its samples; import_study.c: its records
 *
 * The way of a file: its hash is looked up among the local records; if it is not there, a record
 * with the ids of the study to be is kept (revision 1), then the samples, a batch at a time, then
 * in one batch the study and the record's revision 2; only after that commit the file is moved.
 * What is done again after a kill has the same ids, so no file is lost and no study comes twice; at
 * most samples stay that no study names. The same bytes under another name are the same study.
 *
 * Files with equal leads, rate, gains and device share a stream of this process (ten seconds of
 * "not captured" between them), so that streams do not become as many as files.
 *
 * Threads: loop thread only; one job at a time on a pool of one thread. Limits: one file at a time,
 * import.file_max bytes of it; import_dir.h. Patients: the name in a file goes into records PATIENT
 * and ASSIGNMENT, nowhere else. */
#ifndef XW_EDGE_IMPORT_H
#define XW_EDGE_IMPORT_H

#include "edge/edge.h"
#include "edge/import_dir.h"

struct xw_import;

/* Without import.dir it is there and does nothing. */
XW_MUST_CHECK int xw_import_new(struct xw_edge *edge, struct xw_import **ret_import);
/* Waits for what its thread does. The store must be closed. */
void xw_import_free(struct xw_import *import);
/* Once a second; nothing happens before the first. */
void xw_import_tick(struct xw_import *import);
/* Nothing is begun any more. */
void xw_import_stop(struct xw_import *import);
bool xw_import_idle(const struct xw_import *import);

struct xw_import_totals {
    uint64_t taken, repeated, broken;
    const struct xw_import_view *view; /* NULL: import.dir is not set */
};
/* Borrowed until control goes back to the loop. */
void xw_import_totals(const struct xw_import *import, struct xw_import_totals *ret_totals);

/* Streams that this process opened. */
void xw_import_each_stream(const struct xw_import *import,
                           void (*each)(void *user, const struct xw_uuid *stream), void *user);

#endif
