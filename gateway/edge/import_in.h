/* What the parts of the import share (internal): import.c, import_study.c, import_write.c.
 * Threads: loop thread only, but for what the struct says is the job's. */
#ifndef XW_EDGE_IMPORT_IN_H
#define XW_EDGE_IMPORT_IN_H

#include "edge/commit.h"
#include "edge/import.h"

enum { BATCH_BYTES = 1 << 20, RETRY_US = 10000000, NOTE_N = 8192, WAIT_MOVE_US = 5000000 };

/* Body of the local record: ids of the study and of its two changes. */
enum { KEY_SIZE = 4 + XW_IMPORT_HASH_N, BODY_SIZE = 3 * 16 };

/* Streams that this process opened; between two files, so that no filter runs from one into the
 * other, a gap. A spool with so many streams gets no more of files: what is left is for devices. */
enum { OPEN_MAX = 128, BETWEEN_S = 10, STREAMS_MAX = 3000 };

struct open_stream {
    struct xw_uuid id;
    uint8_t *plain; /* what the header says, without ids; NULL: a free place */
    size_t plain_size;
    uint64_t end;  /* one after the last sample that was written */
    uint64_t used; /* number of the file that used it last */
};

enum state { IDLE, LOOKING, ASKING, MARKING, WRITING, CLOSING, MOVING };

struct xw_import {
    struct xw_edge *edge;
    struct xw_pool *pool;
    struct xw_import_dir *dir;
    enum state state;
    bool stopping, attached_told;
    int64_t not_before_us;
    uint64_t taken, repeated, broken;
    /* The job's, while state is LOOKING or MOVING; else the loop's. */
    struct xw_import_view *view, *next_view;
    struct xw_import_ready ready;
    int result;
    bool refuse;
    char text[XW_IMPORT_TEXT_N];
    /* The file at hand. */
    struct xw_import_plan plan;
    struct xw_uuid study, created, noted;
    bool adding; /* what the commit says at once is remembered, not acted on */
    int said;
    size_t stream_at;
    uint64_t sample_at;
    struct xw_uuid ids[XW_FORMATS_MAX_GROUPS]; /* where each group went */
    uint64_t first[XW_FORMATS_MAX_GROUPS];
    struct open_stream *open;
    uint64_t file_no;
    struct xw_commit_owner owner;
    int32_t *x;
    uint8_t *data;
};

/* The file stays where it is, and is read again. */
void xw_import_fail(struct xw_import *import, const char *what, int r);

/* import_study.c: records, into the batch that gathers. */
void xw_import_make_key(const struct xw_import *import, uint8_t key[KEY_SIZE]);
XW_MUST_CHECK int xw_import_put_mark(struct xw_import *import, uint64_t revision);
/* The study with all that belongs to it, and the mark that says so. */
XW_MUST_CHECK int xw_import_put_study(struct xw_import *import);

/* import_write.c: about a megabyte more of the samples; behind the last of them the study. What
 * goes wrong is told by xw_import_fail. */
void xw_import_write_more(struct xw_import *import);

#endif
