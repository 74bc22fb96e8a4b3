/* Opening meta.db, also when it is damaged: the file is put aside, a new one is made, and what the
 * day files hold is entered into it again. The store is then a new incarnation: records and logs of
 * the damaged file are gone, and the peers send what they still have. */
#include "store/sq_day.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int rename_one(const char *path, const char *suffix, const char *aside)
{
    xw_autofree char *from = NULL, *to = NULL;
    if (asprintf(&from, "%s%s", path, suffix) < 0)
        return -ENOMEM;
    if (asprintf(&to, "%s%s", aside, suffix) < 0) {
        free(XW_STEAL(from));
        return -ENOMEM;
    }
    return rename(from, to) < 0 && errno != ENOENT ? -errno : 0;
}

int sq_put_aside(const char *path)
{
    xw_autofree char *aside = NULL;
    struct xw_uuid unique = xw_uuid_v7(NULL);
    char text[XW_UUID_TEXT_N_BYTES];
    if (asprintf(&aside, "%s.bad-%s", path, xw_uuid_format(&unique, text)) < 0)
        return -ENOMEM;
    int r = rename_one(path, "", aside);
    if (r == 0)
        r = rename_one(path, "-wal", aside);
    if (r == 0)
        r = rename_one(path, "-shm", aside);
    if (r == 0)
        r = xw_file_sync_parent(path);
    xw_log_error("store.put_aside", XW_LOG_ERR(r));
    return r;
}

/* ---- entering day files again ---- */

struct reindex {
    struct sq_store *store;
    uint32_t day;
    uint64_t bytes;
};

static int stream_of(struct sq_store *store, const struct sq_segment *segment,
                     struct sq_stream **ret_stream)
{
    *ret_stream = sq_stream_find(store, &segment->stream);
    if (*ret_stream != NULL)
        return 0;
    struct store_shape shape;
    int r = store_shape_parse(&segment->stream, segment->header, segment->header_size, &shape);
    if (r == 0)
        r = sq_stream_new(store, (uint32_t)store->streams_n + 1, &segment->stream, segment->header,
                          segment->header_size, &shape, ret_stream);
    if (r < 0 || *ret_stream == NULL)
        return r;
    sqlite3_stmt *add = sq_get(&store->writer.conn, SQ_STREAM_ADD);
    (void)sqlite3_bind_int64(add, 1, (*ret_stream)->no);
    sq_bind_id(add, 2, &segment->stream);
    sq_bind_bytes(add, 3, segment->header, segment->header_size);
    (void)sqlite3_bind_int64(add, 4, segment->wall_us);
    return sq_run(add);
}

/* Holes are what the directory leaves out, and what another segment holds already (a copy left by
 * a crash): stored blocks never overlap. */
static int holes_of(const struct sq_stream *stream, const struct sq_segment *segment,
                    struct xw_ranges *ret_present, struct xw_buf *ret_holes)
{
    xw_autofree struct sq_entry *entries = NULL;
    struct xw_ranges holes;
    size_t n = 0;
    xw_ranges_init(&holes, STORE_RANGES_MAX);
    int r = sq_dir_decode(segment->dir, segment->dir_size, true, segment->first, segment->data_size,
                          &entries, &n);
    for (size_t i = 0; r == 0 && i < n; i++)
        if (!xw_ranges_overlaps(&stream->held, entries[i].first, sq_entry_end(&entries[i])))
            r = xw_ranges_add(ret_present, entries[i].first, sq_entry_end(&entries[i]));
    if (r == 0)
        r = xw_ranges_complement(ret_present, segment->first, segment->end, &holes);
    if (r == 0 && holes.n > 0)
        r = sq_ranges_encode(&holes, ret_holes);
    xw_ranges_done(&holes);
    return r;
}

static int enter(struct reindex *reindex, struct sq_stream *stream,
                 const struct sq_segment *segment, const struct xw_buf *holes)
{
    uint64_t bytes = segment->data_size + segment->dir_size;
    sqlite3_stmt *add = sq_get(&reindex->store->writer.conn, SQ_SEGMENT_ADD);
    (void)sqlite3_bind_int64(add, 1, stream->no);
    sq_bind_u64(add, 2, segment->first);
    sq_bind_u64(add, 3, segment->end);
    (void)sqlite3_bind_int64(add, 4, reindex->day);
    (void)sqlite3_bind_int64(add, 5, segment->wall_us);
    sq_bind_u64(add, 6, bytes);
    (void)sqlite3_bind_int(add, 7, 0);
    if (holes->n > 0)
        sq_bind_bytes(add, 8, holes->data, holes->n);
    reindex->bytes += bytes;
    return sq_run(add);
}

static int reindex_segment(void *user, const struct sq_segment *segment)
{
    struct reindex *reindex = user;
    struct sq_stream *stream = NULL;
    struct xw_ranges present;
    struct xw_buf holes;
    xw_ranges_init(&present, STORE_RANGES_MAX);
    xw_buf_init(&holes, 16 << 20);
    int r = stream_of(reindex->store, segment, &stream);
    if (r == 0)
        r = holes_of(stream, segment, &present, &holes);
    if (r == 0 && present.n > 0)
        r = enter(reindex, stream, segment, &holes);
    if (r == 0)
        r = xw_ranges_add_all(&stream->held, &present);
    xw_ranges_done(&present);
    xw_buf_done(&holes);
    return r == -EBADMSG ? 0 : r; /* a damaged one is passed by; its file stays as it is */
}

static int reindex_day(struct sq_store *store, uint32_t day)
{
    struct reindex reindex = {.store = store, .day = day};
    sqlite3 *db = NULL;
    bool unlocked;
    int r = sq_day_open(store, day, &db, &unlocked);
    if (r == 0)
        r = sq_day_each(db, reindex_segment, &reindex);
    (void)sqlite3_close(db);
    if (r == -EUCLEAN || r == -ENOENT)
        return 0; /* sq_check_days finds it, if it was in the index */
    sqlite3_stmt *set = sq_get(&store->writer.conn, SQ_DAY_OPEN);
    (void)sqlite3_bind_int64(set, 1, day);
    sq_bind_u64(set, 2, reindex.bytes);
    return r < 0 ? r : sq_run(set);
}

/* With the index in one transaction: a meta.db without an id is one whose making was cut short, and
 * its day files are still to be entered. */
static int new_identity(struct sq_store *store)
{
    struct xw_uuid id = xw_uuid_v7(NULL);
    sqlite3_stmt *set = sq_get(&store->writer.conn, SQ_STATE_SET);
    sq_bind_text(set, 1, "id");
    sq_bind_id(set, 2, &id);
    return sq_run(set);
}

static int has_identity(struct sq_store *store)
{
    sqlite3_stmt *get = sq_get(&store->writer.conn, SQ_STATE_GET);
    sq_bind_text(get, 1, "id");
    int r = sq_step(get);
    (void)sqlite3_reset(get);
    return r;
}

static void tell_lost(struct sq_store *store, const char *text)
{
    struct xw_uuid nil = {{0}};
    sq_note_unreadable(store, &nil, (struct xw_range){0, 0}, text);
}

static int reindex_all(struct sq_store *store, size_t *ret_days_n)
{
    xw_autofree uint32_t *days = NULL;
    size_t n = 0;
    int r = sq_day_list(store, &days, &n);
    if (r == 0)
        r = sq_run(sq_get(&store->writer.conn, SQ_BEGIN));
    for (size_t i = 0; r == 0 && i < n; i++)
        r = reindex_day(store, days[i]);
    for (size_t i = 0; r == 0 && i < store->streams_n; i++)
        r = sq_write_held(store, store->streams[i]);
    if (r == 0)
        r = new_identity(store);
    if (r == 0)
        r = xw_fault_point("store.reindex");
    if (r == 0)
        r = sq_run(sq_get(&store->writer.conn, SQ_COMMIT));
    else
        (void)sqlite3_exec(store->writer.conn.db, "ROLLBACK", NULL, NULL, NULL);
    if (n > 0)
        xw_log_notice("store.reindexed", XW_LOG_UINT("days", n),
                      XW_LOG_UINT("streams", store->streams_n), XW_LOG_ERR(r));
    sq_unload(store);
    *ret_days_n = n;
    return r;
}

static int start_anew(struct sq_store *store)
{
    size_t days_n;
    sq_unload(store);
    sq_conn_close(&store->writer.conn);
    int r = sq_put_aside(store->meta_path);
    if (r == 0)
        r = sq_conn_open(&store->writer.conn, store->vfs, store->meta_path, true);
    if (r == 0)
        r = reindex_all(store, &days_n);
    if (r == 0)
        r = sq_load(store);
    if (r == 0)
        tell_lost(store, "meta.db was damaged: put aside");
    return r;
}

/* A process that was killed between writing a commit and syncing it leaves a log that SQLite reads
 * as committed. What is found so is as good as acknowledged (a block that comes again is known, a
 * log's sequence was given out), so it must be on the disk before anybody is told. */
static int sync_log(const struct sq_store *store)
{
    xw_autofree char *path = NULL;
    if (asprintf(&path, "%s-wal", store->meta_path) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    return fdatasync(fd) < 0 ? -errno : 0;
}

static int open_meta(struct sq_store *store, bool fresh)
{
    size_t days_n = 0;
    int r = sq_conn_open(&store->writer.conn, store->vfs, store->meta_path, true);
    if (r == 0 && fresh)
        r = xw_file_sync_parent(store->meta_path);
    if (r == 0)
        r = sync_log(store);
    /* No meta.db but day files: as if it had been damaged; also when this was interrupted. */
    int known = r == 0 ? has_identity(store) : 1;
    if (known < 0)
        r = known;
    else if (known == 0)
        r = reindex_all(store, &days_n);
    if (r == 0 && days_n > 0)
        tell_lost(store, "meta.db was not there");
    return r == 0 ? sq_load(store) : r;
}

/* A read that failed (EIO) comes out of SQLite as "malformed", like damage. What is damaged is so
 * at a second look too; nothing is put aside for less. */
int sq_recover_open(struct sq_store *store)
{
    bool fresh = access(store->meta_path, F_OK) < 0;
    int r = open_meta(store, fresh);
    if (r == -EUCLEAN) {
        sq_unload(store);
        sq_conn_close(&store->writer.conn);
        r = open_meta(store, fresh);
    }
    if (r == -EUCLEAN)
        r = start_anew(store);
    return r < 0 ? r : sq_check_days(store);
}

/* ---- day files that the index names ---- */

/* Ranges of one stream of a lost day, told by as few jobs as can be. */
static void lose(struct sq_store *store, uint32_t no, struct xw_ranges *lost)
{
    for (size_t i = 0; i < lost->n; i++)
        sq_mark_unreadable(store, no, lost->v[i], 0, NULL, 0);
    xw_ranges_clear(lost);
}

static int lose_day(struct sq_store *store, uint32_t day)
{
    struct xw_ranges lost, holes, present;
    xw_ranges_init(&lost, STORE_RANGES_MAX);
    xw_ranges_init(&holes, STORE_RANGES_MAX);
    xw_ranges_init(&present, STORE_RANGES_MAX);
    sqlite3_stmt *rows = sq_get(&store->writer.conn, SQ_SEGMENT_OF_DAY);
    (void)sqlite3_bind_int64(rows, 1, day);
    uint32_t no = 0;
    int r;
    while ((r = sq_step(rows)) == 1) {
        uint32_t row_no = (uint32_t)sqlite3_column_int64(rows, 0);
        size_t size;
        const void *bytes = sq_bytes(rows, 4, &size);
        if (row_no != no)
            lose(store, no, &lost);
        no = row_no;
        sq_ranges_or_none(bytes, size, &holes);
        r = xw_ranges_complement(&holes, sq_u64(rows, 1), sq_u64(rows, 2), &present);
        if (r == 0)
            r = xw_ranges_add_all(&lost, &present);
        if (r < 0)
            break;
    }
    (void)sqlite3_reset(rows);
    lose(store, no, &lost);
    xw_ranges_done(&lost);
    xw_ranges_done(&holes);
    xw_ranges_done(&present);
    return r;
}

/* Two looks, as above. */
static int look_at_day(const struct sq_store *store, uint32_t day)
{
    int r = -EUCLEAN;
    for (int looks = 0; r == -EUCLEAN && looks < 2; looks++) {
        sqlite3 *db = NULL;
        bool unlocked;
        r = sq_day_open(store, day, &db, &unlocked);
        (void)sqlite3_close(db);
    }
    return r;
}

int sq_check_days(struct sq_store *store)
{
    xw_autofree uint32_t *days = NULL;
    size_t n = 0, cap = 0;
    sqlite3_stmt *rows = sq_get(&store->writer.conn, SQ_DAY_ALL);
    int r;
    while ((r = sq_step(rows)) == 1) {
        r = store_grow(&days, &cap, n, sizeof *days, 1 << 20);
        if (r < 0)
            break;
        days[n++] = (uint32_t)sqlite3_column_int64(rows, 0);
    }
    (void)sqlite3_reset(rows);
    for (size_t i = 0; r == 0 && i < n; i++) {
        r = look_at_day(store, days[i]);
        if (r != -EUCLEAN && r != -ENOENT)
            continue;
        xw_autofree char *path = sq_day_path(store, days[i]);
        r = path == NULL ? -ENOMEM : r == -EUCLEAN ? sq_put_aside(path) : 0;
        if (r == 0)
            r = lose_day(store, days[i]);
    }
    return r;
}
