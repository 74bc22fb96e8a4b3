/* The store: what the gateway's spool and the county's archive have in common.
 *
 * Samples come as blocks and gaps of streams; facts come as records. One writer thread commits what
 * has gathered since its last commit in one durable transaction (group commit). An append is done
 * only when its bytes are synced: this is what every acknowledgement rests on, and no setting
 * weakens it.
 *
 * Threads: every function is called on the loop thread, and every callback comes on the loop
 * thread, never from within the call that caused it. Reads run on the store's own bounded workers.
 * Ownership: a batch is taken by xw_store_append; results are owned by the store and valid until
 * the callback returns. Strings and bytes given in are copied. Errors: negative errno. -ENOSPC the
 * disk or the configured limit is full, -EAGAIN the queue is full (try again at the next
 * completion), -EBADMSG malformed or wrong CRC, -EINVAL impossible argument, -ENOENT unknown stream
 * or key, -ESTALE the session epoch is older than the store's. Ranges are half-open sample ranges
 * [first, end). Indices, revisions and sequences are below 2^63. Stored blocks of a stream never
 * overlap: of a block that overlaps, only what is new is stored, re-coded in coding 0; a differing
 * one is kept beside (a conflict), its new part stored likewise. Implementations: sqlite.c (spool
 * and archive) and memory.c (the model that the conformance suite compares against; nothing
 * durable).
 */
#ifndef XW_STORE_STORE_H
#define XW_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"
#include "base/loop.h"
#include "base/range.h"
#include "base/uuid.h"

struct xw_store;
struct xw_store_batch;

/* ---- opening ---- */

struct xw_store_config {
    const char *dir;        /* created if missing; NULL for the memory model */
    const char *key_file;   /* opens the folder's keyring (vault/vault.h); made for a new folder */
    uint64_t limit_bytes;   /* of samples and records together; 0 = only the disk limits */
    uint64_t reserve_bytes; /* free disk space to be left; below it appends fail with -ENOSPC */
    uint64_t low_bytes;     /* room below which on_space says "low", before anything is refused */
    uint64_t retain_us;   /* continuous samples in no study are kept at least so long; 0 = always */
    uint64_t queue_bytes; /* batches waiting for the writer, at most */
    uint32_t readers_n;   /* reading workers, 1..8 */
    bool release_needed;  /* a spool: nothing is dropped that xw_store_release did not name */
    bool renew;           /* a copy of a store that goes on elsewhere: another incarnation */
};

enum xw_store_space { XW_SPACE_OK, XW_SPACE_LOW, XW_SPACE_FULL };

struct xw_store_watch {
    void *user;
    void (*on_space)(void *user, enum xw_store_space space, uint64_t free_bytes);
    /* An overlap that differs: both versions are kept. */
    void (*on_conflict)(void *user, const struct xw_uuid *stream, struct xw_range range);
    /* Something stored can't be read any more: it was put aside, its range is a gap now. A nil
     * stream and an empty range: which samples it was is not known. */
    void (*on_unreadable)(void *user, const struct xw_uuid *stream, struct xw_range range,
                          const char *text);
};

/* -EBUSY: another process has it open. -ENOKEY, -EKEYREJECTED, -EACCES, -EPROTO: no key, not its
 * key, or not encrypted (xw_vault_explain); nothing is changed then. */
XW_MUST_CHECK int xw_store_open_sqlite(struct xw_loop *loop, const struct xw_store_config *config,
                                       const struct xw_store_watch *watch,
                                       struct xw_store **ret_store);
XW_MUST_CHECK int xw_store_open_memory(struct xw_loop *loop, const struct xw_store_config *config,
                                       const struct xw_store_watch *watch,
                                       struct xw_store **ret_store);
/* Commits what is queued, calls its callbacks, then closes and calls done. */
void xw_store_close(struct xw_store *store, void (*done)(void *user), void *user);

/* Incarnation: a new random one for a new store and after a restore from a backup. */
struct xw_uuid xw_store_id(const struct xw_store *store);
/* Takes another one, durable before done: what a peer knows of the logs of the old one is not of
 * this store. done may be NULL. */
typedef void (*xw_store_renewed_fn)(void *user, int status);
XW_MUST_CHECK int xw_store_renew(struct xw_store *store, xw_store_renewed_fn done, void *user);
/* The keys of its folder, for files that lie beside it or are imported; NULL: the memory model.
 * Valid as long as the store. */
struct xw_vault;
const struct xw_vault *xw_store_vault(const struct xw_store *store);

/* ---- appending ---- */

struct xw_store_block {
    struct xw_uuid stream;
    uint64_t first;
    uint32_t count;
    uint32_t coding;
    uint32_t crc32c;
    const void *data;
    size_t size;
};

struct xw_store_gap {
    struct xw_uuid stream;
    struct xw_range range;
    uint32_t reason; /* Xw__GapReason, or XW_LOCAL_GAP_EXPIRED */
};
/* Samples deleted by retention stay known as a gap of this reason (in a spool: GAP_SPOOL_LIMIT). */
enum { XW_LOCAL_GAP_EXPIRED = 1000 };

/* Kinds below 1000 are those of signal.proto; from 1000 on they stay in this store. */
enum xw_store_local_kind {
    XW_LOCAL_USER = 1000,
    XW_LOCAL_SESSION = 1001,
    XW_LOCAL_AUDIT = 1002,
    XW_LOCAL_SETTING = 1003,
    XW_LOCAL_DEVICE = 1004,
    XW_LOCAL_CLIP = 1005,      /* a recording kept here, and whether the next store has it */
    XW_LOCAL_PROBE = 1006,     /* the last probe of the alarm path */
    XW_LOCAL_IDENTITY = 1010,  /* a gateway's certificate, or that it was revoked */
    XW_LOCAL_ENROLMENT = 1011, /* a code for a gateway that is to come */
    XW_LOCAL_PERSON = 1012,    /* a change of the people of a gateway (people/people.h) */
};

struct xw_store_record {
    const void *key;
    size_t key_size; /* 1..64 */
    uint64_t revision;
    uint32_t kind;
    const void *body;
    size_t body_size; /* at most 64 KiB */
    const char *origin;
    int64_t wall_us;
    /* For events: what xw_store_events looks them up by. has_span = false for other kinds. */
    bool has_span;
    struct xw_uuid stream;
    struct xw_range span; /* end == first + 1 for a beat; UINT64_MAX while open */
    uint32_t event_kind;  /* Xw__EventKind */
    uint32_t priority;    /* Xw__Priority */
};

XW_MUST_CHECK int xw_store_batch_new(struct xw_store *store, struct xw_store_batch **ret_batch);
void xw_store_batch_free(struct xw_store_batch *batch);
size_t xw_store_batch_bytes(const struct xw_store_batch *batch);

/* A stream is opened by its header (serialized Xw__StreamHeader); the same again changes nothing,
 * another header for the same id is -EEXIST at completion. */
XW_MUST_CHECK int xw_store_batch_stream(struct xw_store_batch *batch, const struct xw_uuid *stream,
                                        const void *header, size_t header_size);
XW_MUST_CHECK int xw_store_batch_block(struct xw_store_batch *batch,
                                       const struct xw_store_block *block);
XW_MUST_CHECK int xw_store_batch_gap(struct xw_store_batch *batch, const struct xw_store_gap *gap);
/* out_log: name of the log that passes it on (NULL = none); it gets the log's next sequence.
 * in_log/in_seq: the peer's log that it came from (NULL = none), noted as received. */
XW_MUST_CHECK int xw_store_batch_record(struct xw_store_batch *batch,
                                        const struct xw_store_record *record, const char *out_log,
                                        const struct xw_uuid *in_log, uint64_t in_seq);
/* Appends of an older session epoch of this owner (a gateway id) are refused with -ESTALE. */
void xw_store_batch_epoch(struct xw_store_batch *batch, const char *owner, uint64_t epoch);

struct xw_store_done {
    int status; /* 0 or negative errno: all of the batch or nothing of it */
    uint32_t blocks_new;
    uint32_t blocks_known; /* equal range, equal CRC: nothing changed */
    uint32_t conflicts;
    uint32_t records_new;
    uint32_t records_known;
    uint64_t out_seq_last; /* highest sequence given out in this batch, 0 = none */
};
typedef void (*xw_store_done_fn)(void *user, const struct xw_store_done *done);
/* Takes the batch, also on failure. */
XW_MUST_CHECK int xw_store_append(struct xw_store *store, struct xw_store_batch *batch,
                                  xw_store_done_fn done, void *user);

/* ---- streams and ranges: the loop thread's view, brought up to date before each completion ----
 */

/* blocks: samples held; known: blocks and gaps; released: acknowledged by the next store. */
struct xw_store_stream {
    struct xw_uuid id;
    const void *header;
    size_t header_size;
    const struct xw_ranges *blocks;
    const struct xw_ranges *known;
    const struct xw_ranges *released;
};
/* -ENOENT. Valid until control goes back to the loop. */
XW_MUST_CHECK int xw_store_stream(struct xw_store *store, const struct xw_uuid *stream,
                                  struct xw_store_stream *ret_stream);
/* Calls each for every stream; each must not change the store. */
void xw_store_streams(struct xw_store *store,
                      void (*each)(void *user, const struct xw_store_stream *), void *user);
/* The next store has it: it may go when room is needed. Kept in memory at once, on disk lazily:
 * losing the mark costs a repeated offer, nothing else. */
void xw_store_release(struct xw_store *store, const struct xw_uuid *stream, struct xw_range range);
/* Forgets marks inside range: the next store was restored from a backup and wants it again. */
void xw_store_unrelease(struct xw_store *store, const struct xw_uuid *stream,
                        struct xw_range range);

/* ---- reading ---- */

struct xw_store_samples {
    int status;
    const struct xw_store_block *blocks; /* whole blocks that touch the range, by first index */
    size_t blocks_n;
    const struct xw_store_gap *gaps;
    size_t gaps_n;
    struct xw_ranges *unknown; /* neither block nor gap within what was read */
    uint64_t next;             /* go on here; == end: complete */
};
typedef void (*xw_store_samples_fn)(void *user, const struct xw_store_samples *samples);
/* Stops after max_bytes of block data (at least one block), or earlier, where going on from next
 * costs less than stopping later would. -EAGAIN: too many reads waiting. */
XW_MUST_CHECK int xw_store_read(struct xw_store *store, const struct xw_uuid *stream,
                                struct xw_range range, size_t max_bytes, xw_store_samples_fn done,
                                void *user);

struct xw_store_records {
    int status;
    const struct xw_store_record *records; /* highest revision of each key */
    const uint64_t *seqs;                  /* sequences in the log, where one was read */
    size_t records_n;
    bool more;
};
typedef void (*xw_store_records_fn)(void *user, const struct xw_store_records *records);

XW_MUST_CHECK int xw_store_record(struct xw_store *store, const void *key, size_t key_size,
                                  xw_store_records_fn done, void *user);
/* Records of one kind with a key greater than after (NULL: from the first), by key. newest_first:
 * by key downwards, from below after. */
XW_MUST_CHECK int xw_store_records(struct xw_store *store, uint32_t kind, const void *after,
                                   size_t after_size, bool newest_first, size_t limit,
                                   xw_store_records_fn done, void *user);
/* Keys of a kind that begin with prefix. */
XW_MUST_CHECK int xw_store_records_prefix(struct xw_store *store, uint32_t kind, const void *prefix,
                                          size_t prefix_size, size_t limit,
                                          xw_store_records_fn done, void *user);
/* Events of a stream whose span touches range, by span.first; kinds: bit per Xw__EventKind, 0 =
 * all. */
XW_MUST_CHECK int xw_store_events(struct xw_store *store, const struct xw_uuid *stream,
                                  struct xw_range range, uint32_t kinds, size_t limit,
                                  xw_store_records_fn done, void *user);
/* Time anchors of a stream: the record with the highest Anchor.index <= index, and the next one.
 * Found by the span that the anchor's record was appended with. */
XW_MUST_CHECK int xw_store_anchors(struct xw_store *store, const struct xw_uuid *stream,
                                   uint64_t index, xw_store_records_fn done, void *user);
/* Drops a local record (sessions that have ended). */
XW_MUST_CHECK int xw_store_forget(struct xw_store *store, uint32_t kind, const void *key,
                                  size_t key_size);

/* ---- logs ---- */

/* Last sequence given out in an outgoing log; 0 = none yet. */
uint64_t xw_store_log_last(struct xw_store *store, const char *out_log);
/* Every revision appended to the log with a sequence in (after, after + limit], by sequence. */
XW_MUST_CHECK int xw_store_log_read(struct xw_store *store, const char *out_log, uint64_t after,
                                    size_t limit, xw_store_records_fn done, void *user);
/* Sequences received of a peer's log, as ranges. Valid until control goes back to the loop. */
const struct xw_ranges *xw_store_log_received(struct xw_store *store, const struct xw_uuid *in_log);
/* The peer has all up to here; entries are thinned out after retain_us (0 = never), of a spool with
 * the observations in them. */
void xw_store_log_release(struct xw_store *store, const char *out_log, uint64_t upto);

/* ---- session epochs ---- */

/* Next epoch of the owner, durable before done. */
typedef void (*xw_store_epoch_fn)(void *user, int status, uint64_t epoch);
XW_MUST_CHECK int xw_store_epoch_next(struct xw_store *store, const char *owner,
                                      xw_store_epoch_fn done, void *user);

/* ---- objects: bytes named by SHA-256, in files; partial ones are resumed ---- */

struct xw_store_object {
    uint8_t sha256[32];
    uint64_t size;
    uint64_t held; /* durable bytes from the start */
    bool verified; /* whole and its hash is right */
    char media_type[64];
};
XW_MUST_CHECK int xw_store_object(struct xw_store *store, const uint8_t sha256[32],
                                  struct xw_store_object *ret_object);
typedef void (*xw_store_object_fn)(void *user, int status, const struct xw_store_object *object);
/* Creates or goes on; data at offset == held, else -ESPIPE. done when durable; at the end the hash
 * is checked: wrong = -EBADMSG, and the object starts again at 0. */
XW_MUST_CHECK int xw_store_object_write(struct xw_store *store, const uint8_t sha256[32],
                                        uint64_t size, const char *media_type, uint64_t offset,
                                        const void *data, size_t data_size, xw_store_object_fn done,
                                        void *user);
typedef void (*xw_store_bytes_fn)(void *user, int status, const void *data, size_t size);
XW_MUST_CHECK int xw_store_object_read(struct xw_store *store, const uint8_t sha256[32],
                                       uint64_t offset, size_t max_size, xw_store_bytes_fn done,
                                       void *user);

/* Takes a finished file as an object: its bytes are synced and hashed, linked into the objects (one
 * file system, no second copy; path keeps its name and must not be written to any more), and the
 * row is durable before done. The file is encrypted (vault/sealed.h) with a key of xw_store_vault;
 * the memory model takes it plain. A file whose bytes are there already changes nothing. -EXDEV:
 * other file system, -ENOENT, -EINVAL nothing in it, -EBADMSG not encrypted. */
XW_MUST_CHECK int xw_store_object_import(struct xw_store *store, const char *path,
                                         const char *media_type, xw_store_object_fn done,
                                         void *user);
typedef void (*xw_store_status_fn)(void *user, int status);
/* Lets an object go that nobody needs here any more; what is not there is removed as well. done
 * when durable. -EBUSY: it is being written. */
XW_MUST_CHECK int xw_store_object_remove(struct xw_store *store, const uint8_t sha256[32],
                                         xw_store_status_fn done, void *user);
/* Bytes that lie beside the samples and records and count against the limit (recordings). */
void xw_store_beside(struct xw_store *store, uint64_t bytes);

/* ---- upkeep ---- */

/* A consistent copy of everything into dir while appends go on: the small database, sealed day
 * files as files, the open one through the database's own backup. */
XW_MUST_CHECK int xw_store_backup(struct xw_store *store, const char *dir, xw_store_status_fn done,
                                  void *user);
/* The same for an administrator's tool: another process may have the store in dir open. Blocks;
 * opens nothing for writing in dir; sealing and retention of the open store wait for it. Not on a
 * loop. */
XW_MUST_CHECK int xw_store_backup_dir(const char *dir, const char *key_file, const char *to);
/* Compaction and retention run by themselves; tests and benches ask for one pass now. */
XW_MUST_CHECK int xw_store_compact(struct xw_store *store, xw_store_status_fn done, void *user);
/* Samples in a study are kept; before each deletion of continuous samples the range is recorded. */
XW_MUST_CHECK int xw_store_keep(struct xw_store *store, const struct xw_uuid *stream,
                                struct xw_range range);

struct xw_store_stats {
    uint64_t bytes, wal_bytes, free_bytes;
    uint64_t commits, blocks, records, conflicts;
    uint64_t queue_bytes;
    uint32_t streams_n, day_files_n;
};
void xw_store_stats(const struct xw_store *store, struct xw_store_stats *ret_stats);

#endif
