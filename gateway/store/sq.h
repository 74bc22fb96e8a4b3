/* Inside the SQLite store: who owns what, and how the threads hand things over.
 *
 * Threads:
 *   loop    the view (sq_view.c): copies of ranges and log positions, changed only by what the
 *           writer hands over; asks by jobs, reads by the pool.
 *   writer  the only one that writes meta.db (sq_writer.c); owns every sq_stream's range sets.
 *   keeper  the only one that writes day files (sq_keeper.c); changes the index through jobs.
 *   readers the pool's threads, each with a connection of its own (sq_read.c, sq_query.c); their
 *           helpers (sq_crew.c) only decode.
 *   shelf   one thread for objects, one for backups (pools of one).
 * Locks, never two at once except dir_lock -> note_lock: queue_lock (jobs), note_lock (what goes
 * to the loop), dir_lock (directories of rows not yet in segments, list of streams, rows).
 *
 * A reader begins its snapshot of meta.db with dir_lock held, and the writer holds dir_lock over
 * the commit that moves rows into segments: what a reader copied out of the directories and what
 * its snapshot shows always fit together. What is staged for the row that is not committed yet is
 * in the directories, too; readers pass it by.
 */
#ifndef XW_STORE_SQ_H
#define XW_STORE_SQ_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "store/internal.h"
#include "store/sq_frame.h"
#include "store/sq_sql.h"
#include "store/sq_vfs.h"

enum {
    SQ_COMMIT_MAX = 8 << 20,      /* bytes taken into one transaction */
    SQ_PASS_MAX = 48 << 20,       /* bytes of rows compacted in one pass */
    SQ_PASS_BYTES = 32 << 20,     /* so many waiting bytes start a pass at once */
    SQ_PASS_US = 30 * 1000000,    /* so old a row starts a pass */
    SQ_PACK_PRESSURE = 96 << 20,  /* with more waiting, segments are written as the blocks came */
    SQ_SEGMENT_US = 60 * 1000000, /* longest segment */
    SQ_SEGMENT_MAX = 8 << 20,     /* bytes of a segment */
    SQ_WAL_PASSIVE = 16 << 20,    /* from here the keeper checkpoints beside the writer */
    SQ_WAL_HARD = 64 << 20,       /* from here the writer waits for it */
    SQ_WAL_SMALL = 1 << 20,       /* the same while the disk is full */
    SQ_LOGS_MAX = 65536,          /* logs and peers' logs */
    SQ_STREAMS_MAX = 4 * 1000 * 1000,
    SQ_SHORT_EVENT_N = 4096, /* `long` of the record table */
    SQ_READS_MAX = 256,      /* reads accepted and not answered */
};

struct sq_store;

struct sq_stream {
    uint32_t no;
    struct xw_uuid id;
    struct store_shape shape;
    const void *header; /* these never change: shared with the view and readers */
    size_t header_size;
    uint64_t span_max; /* longest possible segment, in samples */
    /* Writer only. blocks: all held; held: those in segments; known: blocks and gaps. */
    struct xw_ranges blocks, known, held, kept, released;
    struct xw_ranges undo_blocks, undo_known, undo_held; /* as before the open transaction */
    bool touched;
    /* Under dir_lock. pend: blocks of batch rows not in a segment yet, disjoint, by first. */
    struct sq_entry *pend;
    size_t pend_n, pend_cap;
};

/* uuid -> number; for one thread. */
struct sq_map {
    struct sq_map_slot {
        struct xw_uuid id;
        uint32_t no; /* 0 = empty */
    } * slots;
    size_t cap, n;
};
uint32_t sq_map_get(const struct sq_map *map, const struct xw_uuid *id);
XW_MUST_CHECK int sq_map_put(struct sq_map *map, const struct xw_uuid *id, uint32_t no);
void sq_map_drop(struct sq_map *map, const struct xw_uuid *id);
void sq_map_done(struct sq_map *map);

/* ---- jobs for the writer ---- */

struct sq_wait {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool over;
    int status;
};

/* stage runs in the transaction: 0, or a refusal that has changed nothing, or -ECANCELED after
 * writer.failed was set (the transaction is rolled back). done runs on the loop and frees the job;
 * without done a waiter is told, without either the writer frees it. */
struct sq_job {
    struct sq_job *next;
    int (*stage)(struct sq_store *, struct sq_job *);
    void (*publish)(struct sq_store *, struct sq_job *); /* writer, committed, under dir_lock */
    void (*done)(struct sq_store *, struct sq_job *);
    struct sq_wait *wait;
    int status;
    bool alone; /* own transaction with dir_lock held over the commit */
    size_t bytes;
};
/* Takes the job. After the writer ended: -ECANCELED, the job stays with the caller. */
XW_MUST_CHECK int sq_post(struct sq_store *store, struct sq_job *job);
/* From the keeper: posts and waits; the job stays with the caller. */
XW_MUST_CHECK int sq_call(struct sq_store *store, struct sq_job *job);

/* ---- what the writer tells the loop ---- */

enum sq_op_kind {
    OP_BLOCKS_ADD,
    OP_BLOCKS_SUB,
    OP_KNOWN_ADD,
    OP_STREAM,
    OP_LOG,
    OP_LOG_LAST,
    OP_INLOG,
    OP_INLOG_ADD
};
struct sq_op {
    enum sq_op_kind kind;
    uint32_t no;
    struct xw_range range;
    const void *thing; /* sq_stream, name, id: never freed before the store */
};
struct sq_note {
    struct sq_note *next;
    struct sq_op *ops;
    size_t ops_n, ops_cap;
    struct sq_job *jobs, **jobs_tail;
    /* or one call of the watch */
    enum { NOTE_COMMIT, NOTE_SPACE, NOTE_CONFLICT, NOTE_UNREADABLE, NOTE_STATUS } kind;
    enum xw_store_space space;
    uint64_t free_bytes;
    struct xw_uuid stream;
    struct xw_range range;
    const char *text;
    xw_store_status_fn status_fn;
    void *user;
    int status;
};
/* On the loop: what has come. */
void sq_notes_run(struct sq_store *store);
void sq_note_send(struct sq_store *store, struct sq_note *note);
/* For the watch and for requests of the keeper; without memory it is dropped and logged. */
void sq_note_unreadable(struct sq_store *store, const struct xw_uuid *id, struct xw_range range,
                        const char *text);
void sq_note_status(struct sq_store *store, xw_store_status_fn fn, void *user, int status);

/* ---- the writer's own state ---- */

struct sq_log {
    char name[STORE_NAME_MAX + 1];
    uint64_t last, last_undo, released, thin_upto;
    bool touched, fresh;
};
struct sq_inlog {
    struct xw_uuid id;
    struct xw_ranges ranges, undo;
    bool touched, fresh;
};
struct sq_epoch {
    char owner[STORE_NAME_MAX + 1];
    uint64_t epoch, undo;
    bool touched;
};

struct sq_writer {
    struct sq_conn conn;
    int failed;           /* errno of the open transaction, 0 = sound */
    struct sq_note *note; /* of the open transaction */
    struct sq_map map;    /* streams */
    struct sq_stream **touched;
    size_t touched_n, touched_cap;
    size_t streams_committed_n;
    uint64_t batch_next;     /* id of the row being filled */
    uint64_t compacted_upto; /* rows up to here are in segments */
    bool trim_pending;       /* some of them still take room */
    struct sq_entry *staged; /* directory of the row being filled */
    size_t staged_n, staged_cap;
    struct xw_buf data, dir;
    int32_t *x, *y; /* samples of one block each */
    uint8_t *piece; /* one block, coded */
    struct sq_log **logs;
    size_t logs_n, logs_cap;
    struct sq_inlog **inlogs;
    size_t inlogs_n, inlogs_cap;
    struct sq_epoch *epochs;
    size_t epochs_n, epochs_cap;
    uint64_t room_bytes;         /* left to this transaction's batches */
    int64_t refused_us;          /* the disk refused a commit then; 0 = never */
    int64_t checkpoint_after_us; /* a hard checkpoint failed: not again before */
};

/* A batch row that waits for compaction. */
struct sq_row {
    uint64_t id;
    uint64_t bytes;
    int64_t mono_us;
};

/* ---- the loop's view ---- */

struct sq_view_stream {
    struct xw_uuid id;
    const struct sq_stream *stream; /* what of it never changes */
    struct xw_ranges blocks, known, released;
    bool released_dirty;
};
struct sq_view_log {
    const char *name;
    uint64_t last;
};
struct sq_view_inlog {
    struct xw_uuid id;
    struct xw_ranges ranges;
};
struct sq_view {
    struct sq_map map;
    struct sq_view_stream **streams; /* streams[no - 1] */
    size_t streams_n, streams_cap;
    struct sq_view_log *logs;
    size_t logs_n, logs_cap;
    struct sq_view_inlog **inlogs;
    size_t inlogs_n, inlogs_cap;
    struct xw_ranges nothing;
    struct xw_timer *lazy; /* writes released marks down */
    bool lazy_armed;
};

struct sq_seal;
struct sq_packer;
struct sq_crew;

struct sq_request {
    struct sq_request *next;
    xw_store_status_fn done;
    void *user;
};
struct sq_objects;

struct sq_store {
    struct xw_store base;
    char *dir;
    char *meta_path;
    struct xw_vault *vault;
    struct sq_vfs *vfs;
    int lock_fd, backup_fd; /* one store a folder; held by tools that copy it */
    struct xw_wake *wake;
    struct xw_pool *readers, *shelf, *copier;
    struct sq_crew *crew; /* readers' helpers */
    pthread_t writer_thread, keeper_thread;
    bool writer_runs, keeper_runs;

    pthread_mutex_t queue_lock;
    pthread_cond_t queue_cond;
    struct sq_job *queue, **queue_tail;
    bool queue_closed;
    size_t queue_bytes; /* loop only: of batches not yet answered */

    pthread_mutex_t note_lock;
    struct sq_note *notes, **notes_tail;

    pthread_mutex_t dir_lock;
    struct sq_stream **streams; /* streams[no - 1] */
    size_t streams_n, streams_cap;
    struct sq_row *rows; /* not compacted, by id */
    size_t rows_n, rows_cap;
    uint64_t rows_bytes;

    struct sq_writer writer;
    struct sq_view view;
    struct sq_objects *objects;

    pthread_mutex_t keeper_lock;
    pthread_cond_t keeper_cond;
    struct sq_request *requests;
    bool keeper_stop;
    atomic_bool keeper_hurry; /* bytes wait, or room is needed */
    struct sq_seal *seal;     /* keeper only: the day being hashed */
    struct sq_packer *packer; /* keeper only */
    struct sq_repack {        /* keeper only: how far a day that is over is re-coded */
        uint32_t day;
        int64_t after_row;
        bool walked, over;
    } repack;
    struct sq_belief { /* keeper only: the time that retention believes */
        bool loaded, doubt;
        int64_t wall_us, boot_us, doubt_boot_us, kept_us;
    } belief;
    atomic_int backups; /* while not 0, day files are neither sealed nor deleted */

    pthread_mutex_t conns_lock; /* reading connections at rest */
    struct sq_conn *conns[16];
    size_t conns_n;

    atomic_int space;
    atomic_uint_fast64_t bytes, free_bytes, wal_bytes, commits, blocks_n, records_n, conflicts_n;
    atomic_uint_fast64_t beside; /* bytes of others that count against the limit */
    atomic_uint_fast32_t day_files_n;
    atomic_bool closing; /* set on the loop; a backup looks at it */
    void (*closed)(void *);
    void *closed_user;
};

static inline struct sq_store *sq_of(const struct xw_store *store)
{
    return XW_CONTAINER_OF(store, struct sq_store, base);
}

/* Wall clock of retention and of the names of day files; tests hold it still. */
struct xw_clock;
void sq_set_clock(const struct xw_clock *clock);
/* For tests: instead of SQ_PACK_PRESSURE. */
void sq_set_pressure(uint64_t bytes);
int64_t sq_wall_us(void);
int64_t sq_boot_us(void);
uint32_t sq_day_of(int64_t wall_us); /* 20261122 */
int64_t sq_day_end_us(uint32_t day);

/* sq_believe.c: the wall time by which things may expire; not on the writer's thread. */
XW_MUST_CHECK int sq_retain_time(struct sq_store *store, int64_t *ret_wall_us);

/* sq_load.c: streams, directories, ranges, logs out of meta.db. */
XW_MUST_CHECK int sq_load(struct sq_store *store);
void sq_unload(struct sq_store *store);
/* sq_vault.c: the folder's keys, and the way to its files. Only an empty folder gets new ones, and
 * only by its owner; -EPROTO: what is there is not encrypted. */
XW_MUST_CHECK int sq_vault_open(struct sq_store *store, const char *key_file, bool owner);
void sq_vault_close(struct sq_store *store);
/* sq_recover.c: opens meta.db; a damaged one is put aside and what day files hold is taken up. */
XW_MUST_CHECK int sq_recover_open(struct sq_store *store);
XW_MUST_CHECK int sq_put_aside(const char *path);
/* Day files that are in the index and cannot be opened: put aside, their ranges become gaps. */
XW_MUST_CHECK int sq_check_days(struct sq_store *store);

/* sq_index.c, writer: range sets and directories together. */
struct sq_stream *sq_stream_find(struct sq_store *store, const struct xw_uuid *id);
XW_MUST_CHECK int sq_stream_new(struct sq_store *store, uint32_t no, const struct xw_uuid *id,
                                const void *header, size_t size, const struct store_shape *shape,
                                struct sq_stream **ret_stream);
void sq_stream_free(struct sq_stream *stream);
XW_MUST_CHECK int sq_touch(struct sq_store *store, struct sq_stream *stream);
XW_MUST_CHECK int sq_pend_insert(struct sq_store *store, struct sq_stream *stream,
                                 const struct sq_entry *entry);
/* Under dir_lock: the first entry that ends after index. */
size_t sq_pend_find(const struct sq_stream *stream, uint64_t index);
XW_MUST_CHECK int sq_op(struct sq_store *store, enum sq_op_kind kind, uint32_t no,
                        struct xw_range range, const void *thing);
void sq_undo(struct sq_store *store);
void sq_settle(struct sq_store *store); /* after the commit: forgets what undo would need */

/* sq_apply.c, sq_records.c, sq_batch.c: a batch in the transaction. */
XW_MUST_CHECK int sq_append(struct xw_store *store, struct xw_store_batch *batch,
                            xw_store_done_fn done, void *user);
XW_MUST_CHECK int sq_apply_block(struct sq_store *store, struct sq_stream *stream,
                                 const struct xw_store_block *block, struct xw_store_done *done);
XW_MUST_CHECK int sq_apply_gap(struct sq_store *store, struct sq_stream *stream,
                               struct xw_range range, uint32_t reason);
XW_MUST_CHECK int sq_apply_record(struct sq_store *store, const struct store_entry *entry,
                                  struct xw_store_done *done);
XW_MUST_CHECK int sq_audit(struct sq_store *store, const struct sq_stream *stream,
                           struct xw_range range, uint64_t bytes, const char *reason);
XW_MUST_CHECK int sq_logs_flush(struct sq_store *store);
struct sq_epoch *sq_epoch_find(struct sq_store *store, const char *owner);
XW_MUST_CHECK int sq_epoch_next(struct xw_store *store, const char *owner, xw_store_epoch_fn done,
                                void *user);
XW_MUST_CHECK int sq_renew(struct xw_store *store, xw_store_renewed_fn done, void *user);
XW_MUST_CHECK int sq_forget(struct xw_store *store, uint32_t kind, const void *key, size_t size);
XW_MUST_CHECK int sq_log_of(struct sq_store *store, const char *name, uint32_t *ret_no);
void sq_log_release(struct xw_store *store, const char *name, uint64_t upto);
/* Upkeep of logs: a mark of time, and a step of thinning. */
XW_MUST_CHECK int sq_logs_upkeep(struct sq_store *store);

/* sq_writer.c, sq_queue.c */
void *sq_writer_main(void *store);
/* What goes into the next transaction; NULL when there is nothing (and waiting was not allowed, or
 * the queue is closed). */
struct sq_job *sq_take_jobs(struct sq_store *store, bool may_wait);
/* Fails the open transaction; yields -ECANCELED. */
int sq_fail(struct sq_store *store, int r);
void sq_look_at_space(struct sq_store *store);
/* To the watch and, when it gets tight, to the keeper. */
void sq_tell_space(struct sq_store *store, enum xw_store_space space, uint64_t room);

/* sq_view.c */
XW_MUST_CHECK int sq_view_init(struct sq_store *store);
void sq_view_done(struct sq_store *store);
void sq_view_apply(struct sq_store *store, const struct sq_note *note);
int sq_view_stream_get(struct xw_store *store, const struct xw_uuid *id,
                       struct xw_store_stream *ret_stream);
void sq_view_streams(struct xw_store *store, void (*each)(void *, const struct xw_store_stream *),
                     void *user);
void sq_view_release(struct xw_store *store, const struct xw_uuid *id, struct xw_range range,
                     bool set);
void sq_view_flush_released(struct sq_store *store);
uint64_t sq_view_log_last(struct xw_store *store, const char *name);
const struct xw_ranges *sq_view_log_received(struct xw_store *store, const struct xw_uuid *id);
int sq_keep(struct xw_store *store, const struct xw_uuid *id, struct xw_range range);

/* sq_conns.c: reading connections */
XW_MUST_CHECK int sq_conn_take(struct sq_store *store, struct sq_conn **ret_conn);
void sq_conn_give(struct sq_store *store, struct sq_conn *conn);

/* sq_read.c, sq_query.c */
XW_MUST_CHECK int sq_read(struct xw_store *store, const struct xw_uuid *id, struct xw_range range,
                          size_t max_bytes, xw_store_samples_fn done, void *user);
XW_MUST_CHECK int sq_query(struct xw_store *store, const struct store_query *query,
                           xw_store_records_fn done, void *user);

/* sq_keeper.c, sq_compact.c, sq_retain.c, sq_seal.c: on the keeper's thread */
void *sq_keeper_main(void *store);
void sq_keeper_wake(struct sq_store *store);
XW_MUST_CHECK int sq_compact_request(struct xw_store *store, xw_store_status_fn done, void *user);
/* One pass over what waits: 1 more is waiting, 0 all done. */
XW_MUST_CHECK int sq_compact_pass(struct sq_store *store, bool all);
XW_MUST_CHECK int sq_retain_pass(struct sq_store *store);
/* Seals days that are over; hashes a slice at a time: 1 more to do. */
XW_MUST_CHECK int sq_seal_step(struct sq_store *store, bool all);
void sq_seal_forget(struct sq_store *store);
/* sq_repack.c: re-codes segments of a day that is over which were written as the blocks came; at
 * most about `bytes` of them. 1: more to do. */
XW_MUST_CHECK int sq_repack_step(struct sq_store *store, uint32_t day, size_t bytes);
/* The day's file is about to change: what was hashed of it is void. */
void sq_seal_touched(struct sq_store *store, uint32_t day);
/* Takes a range that cannot be read out of the index: it becomes a gap, its bytes are kept.
 * `batch`: the row where it lay, 0 a segment; what came again meanwhile and lies in another row
 * stays. */
void sq_mark_unreadable(struct sq_store *store, uint32_t no, struct xw_range range, uint64_t batch,
                        const void *bytes, size_t size);
XW_MUST_CHECK int sq_write_held(struct sq_store *store, const struct sq_stream *stream);
XW_MUST_CHECK int sq_gap_add(struct sq_store *store, uint32_t no, struct xw_range range,
                             uint32_t reason);
/* In the transaction: what was held of range becomes a gap; index rows are the caller's. */
XW_MUST_CHECK int sq_unindex(struct sq_store *store, struct sq_stream *stream,
                             struct xw_range range, uint32_t reason);

/* sq_backup.c, sq_lock.c, sq_object.c */
XW_MUST_CHECK int sq_lock(struct sq_store *store);
void sq_unlock(struct sq_store *store);
/* From outside: a descriptor that holds the lock until it is closed. */
XW_MUST_CHECK int sq_lock_backup(const char *dir);
/* While one runs, here or in another process, day files are neither sealed nor deleted. */
bool sq_backup_runs(const struct sq_store *store);
XW_MUST_CHECK int sq_backup(struct xw_store *store, const char *dir, xw_store_status_fn done,
                            void *user);
XW_MUST_CHECK int sq_objects_open(struct sq_store *store);
void sq_objects_close(struct sq_store *store);
XW_MUST_CHECK int sq_object_get(struct xw_store *store, const uint8_t *sha256,
                                struct xw_store_object *ret_object);
XW_MUST_CHECK int sq_object_write(struct xw_store *store, const struct store_object_part *part,
                                  xw_store_object_fn done, void *user);
XW_MUST_CHECK int sq_object_read(struct xw_store *store, const uint8_t *sha256, uint64_t offset,
                                 size_t max_size, xw_store_bytes_fn done, void *user);
/* sq_import.c */
XW_MUST_CHECK int sq_object_import(struct xw_store *store, const char *path, const char *media_type,
                                   xw_store_object_fn done, void *user);
XW_MUST_CHECK int sq_object_remove(struct xw_store *store, const uint8_t *sha256,
                                   xw_store_status_fn done, void *user);

#endif
