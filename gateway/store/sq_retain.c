/* Retention: continuous samples that nobody keeps go when they are old; in a spool also earlier,
 * when room is needed, but there never what the next store has not acknowledged.
 *
 * One transaction enters the audit records, the gaps and takes the segments out of the index; only
 * then their bytes are deleted. A crash between leaves bytes that nothing refers to: they go when
 * the day's file does. */
#include "store/sq_day.h"

#include "base/fault.h"
#include "base/log.h"

#include <string.h>

enum { STEP_N = 64, GAP_SPOOL_LIMIT = 3 };

struct old_segment {
    uint32_t no, day;
    uint64_t first, end, bytes;
    int64_t wall_us;
};

struct retain_job {
    struct sq_job job;
    int64_t cutoff_us;
    uint32_t reason;
    const char *why;
    /* Where to go on. */
    int64_t after_wall_us;
    uint32_t after_no;
    uint64_t after_first;
    bool more;
    uint64_t freed;
    struct old_segment dropped[STEP_N];
    struct xw_uuid ids[STEP_N];
    size_t dropped_n;
};

static int list_old(struct sq_store *store, struct retain_job *self, struct old_segment *old,
                    size_t *ret_n)
{
    sqlite3_stmt *rows = sq_get(&store->writer.conn, SQ_SEGMENT_OLD);
    (void)sqlite3_bind_int64(rows, 1, self->after_wall_us);
    (void)sqlite3_bind_int64(rows, 2, self->after_no);
    sq_bind_u64(rows, 3, self->after_first);
    (void)sqlite3_bind_int64(rows, 4, self->cutoff_us);
    (void)sqlite3_bind_int64(rows, 5, STEP_N);
    size_t n = 0;
    int r;
    while ((r = sq_step(rows)) == 1 && n < STEP_N)
        old[n++] = (struct old_segment){.no = (uint32_t)sqlite3_column_int64(rows, 0),
                                        .first = sq_u64(rows, 1),
                                        .end = sq_u64(rows, 2),
                                        .day = (uint32_t)sqlite3_column_int64(rows, 3),
                                        .bytes = sq_u64(rows, 4),
                                        .wall_us = sqlite3_column_int64(rows, 6)};
    (void)sqlite3_reset(rows);
    self->more = n == STEP_N;
    if (n > 0) {
        self->after_wall_us = old[n - 1].wall_us;
        self->after_no = old[n - 1].no;
        self->after_first = old[n - 1].first;
    }
    *ret_n = n;
    return r < 0 ? r : 0;
}

/* What of the segment is held must have been released. */
static bool may_go(const struct sq_store *store, const struct sq_stream *stream,
                   const struct old_segment *old)
{
    if (!store->base.config.release_needed)
        return true;
    struct xw_ranges held;
    xw_ranges_init(&held, STORE_RANGES_MAX);
    int r = xw_ranges_clip(&stream->held, old->first, old->end, &held);
    if (r == 0)
        r = xw_ranges_subtract_all(&held, &stream->released);
    bool released = r == 0 && held.n == 0;
    xw_ranges_done(&held);
    return released;
}

static int drop(struct sq_store *store, struct sq_stream *stream, const struct old_segment *old,
                const struct retain_job *self)
{
    struct sq_conn *conn = &store->writer.conn;
    struct xw_range range = {old->first, old->end};
    /* A segment may span holes that others fill: only what lies in it goes. */
    struct xw_ranges holes, present;
    xw_ranges_init(&holes, STORE_RANGES_MAX);
    xw_ranges_init(&present, STORE_RANGES_MAX);
    sqlite3_stmt *get = sq_get(conn, SQ_SEGMENT_GET);
    (void)sqlite3_bind_int64(get, 1, old->no);
    sq_bind_u64(get, 2, old->first);
    int r = sq_step(get);
    if (r == 1) {
        size_t size;
        const void *bytes = sq_bytes(get, 3, &size);
        r = sq_ranges_decode(bytes, size, &holes);
    }
    (void)sqlite3_reset(get);
    if (r == 0)
        r = xw_ranges_complement(&holes, old->first, old->end, &present);
    if (r == 0)
        r = sq_audit(store, stream, range, old->bytes, self->why);
    for (size_t i = 0; r == 0 && i < present.n; i++)
        r = sq_unindex(store, stream, present.v[i], self->reason);
    sqlite3_stmt *del = sq_get(conn, SQ_SEGMENT_DEL);
    (void)sqlite3_bind_int64(del, 1, old->no);
    sq_bind_u64(del, 2, old->first);
    if (r == 0)
        r = sq_run(del);
    sqlite3_stmt *day = sq_get(conn, SQ_DAY_LESS);
    (void)sqlite3_bind_int64(day, 1, old->day);
    sq_bind_u64(day, 2, old->bytes);
    if (r == 0)
        r = sq_run(day);
    sqlite3_stmt *beats = sq_get(conn, SQ_RECORD_BEATS);
    sq_bind_id(beats, 1, &stream->id);
    sq_bind_u64(beats, 2, old->first);
    sq_bind_u64(beats, 3, old->end);
    if (r == 0)
        r = sq_run(beats);
    if (r == 0 && store->base.config.release_needed) {
        sqlite3_stmt *anchors = sq_get(conn, SQ_RECORD_ANCHORS);
        sq_bind_id(anchors, 1, &stream->id);
        sq_bind_u64(anchors, 2, old->first);
        sq_bind_u64(anchors, 3, old->end);
        r = sq_run(anchors);
    }
    xw_ranges_done(&holes);
    xw_ranges_done(&present);
    return r;
}

static int retain_stage(struct sq_store *store, struct sq_job *job)
{
    struct retain_job *self = XW_CONTAINER_OF(job, struct retain_job, job);
    struct old_segment old[STEP_N];
    size_t n = 0;
    self->dropped_n = 0;
    int r = list_old(store, self, old, &n);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct sq_stream *stream = store->streams[old[i].no - 1];
        if (!may_go(store, stream, &old[i]))
            continue;
        r = drop(store, stream, &old[i], self);
        self->ids[self->dropped_n] = stream->id;
        self->dropped[self->dropped_n++] = old[i];
        self->freed += old[i].bytes;
    }
    return r < 0 ? sq_fail(store, r) : 0;
}

/* ---- the files, by the keeper ---- */

struct day_job {
    struct sq_job job;
    uint32_t day;
    bool gone;
};

static int day_stage(struct sq_store *store, struct sq_job *job)
{
    struct day_job *self = XW_CONTAINER_OF(job, struct day_job, job);
    struct sq_conn *conn = &store->writer.conn;
    sqlite3_stmt *set = sq_get(conn, self->gone ? SQ_DAY_DEL : SQ_DAY_OPEN);
    (void)sqlite3_bind_int64(set, 1, self->day);
    if (!self->gone)
        sq_bind_u64(set, 2, 0);
    int r = sq_run(set);
    return r < 0 ? sq_fail(store, r) : 0;
}

static int count_segments(struct sq_store *store, uint32_t day, uint64_t *ret_n)
{
    struct sq_conn *conn = NULL;
    int r = sq_conn_take(store, &conn);
    if (r < 0)
        return r;
    sqlite3_stmt *count = sq_get(conn, SQ_SEGMENT_OF_DAY_N);
    (void)sqlite3_bind_int64(count, 1, day);
    r = sq_step(count);
    if (r == 1)
        *ret_n = sq_u64(count, 0);
    (void)sqlite3_reset(count);
    sq_conn_give(store, conn);
    return r == 1 ? 0 : r < 0 ? r : -EIO;
}

static int delete_rows(struct sq_store *store, uint32_t day, const struct retain_job *self)
{
    sqlite3 *db = NULL;
    sq_seal_touched(store, day);
    int r = sq_day_open_write(store, day, &db);
    if (r == 0)
        r = sq_exec(db, "BEGIN IMMEDIATE");
    for (size_t i = 0; r == 0 && i < self->dropped_n; i++)
        if (self->dropped[i].day == day)
            r = sq_day_delete(db, &self->ids[i], self->dropped[i].first);
    if (r == 0)
        r = sq_exec(db, "COMMIT; PRAGMA incremental_vacuum");
    if (r == 0)
        (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    (void)sqlite3_close(db);
    return r;
}

static void unlink_day(const struct sq_store *store, uint32_t day)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    xw_autofree char *path = sq_day_path(store, day);
    for (size_t i = 0; path != NULL && i < XW_ARRAY_N(suffixes); i++) {
        xw_autofree char *name = NULL;
        if (asprintf(&name, "%s%s", path, suffixes[i]) < 0)
            return;
        (void)unlink(name);
    }
}

/* An empty day that is over loses its file; the row goes first, so that no crash leaves a row
 * without a file, which would look like a loss. */
static int clean_day(struct sq_store *store, uint32_t day, const struct retain_job *self)
{
    uint64_t n = 0;
    int r = count_segments(store, day, &n);
    if (r < 0)
        return r;
    struct day_job job = {.job = {.stage = day_stage}, .day = day, .gone = n == 0};
    if (n == 0 && day == sq_day_of(sq_wall_us()))
        job.gone = false;
    r = sq_call(store, &job.job);
    if (r < 0)
        return r;
    if (job.gone) {
        sq_seal_touched(store, day);
        unlink_day(store, day);
        return 0;
    }
    return delete_rows(store, day, self);
}

static int clean_days(struct sq_store *store, const struct retain_job *self)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < self->dropped_n; i++) {
        bool seen = false;
        for (size_t k = 0; k < i && !seen; k++)
            seen = self->dropped[k].day == self->dropped[i].day;
        if (!seen)
            r = clean_day(store, self->dropped[i].day, self);
    }
    return r;
}

static int run(struct sq_store *store, struct retain_job *self, uint64_t enough)
{
    do {
        self->job = (struct sq_job){.stage = retain_stage};
        int r = sq_call(store, &self->job);
        if (r == 0)
            r = xw_fault_point("store.retain");
        if (r == 0)
            r = clean_days(store, self);
        if (r < 0)
            return r;
    } while (self->more && self->freed < enough);
    return 0;
}

int sq_retain_pass(struct sq_store *store)
{
    const struct xw_store_config *config = &store->base.config;
    const int64_t day_us = 86400LL * 1000000;
    int64_t now_us, retain_us = (int64_t)config->retain_us;
    bool spool = config->release_needed;
    if (sq_backup_runs(store))
        return 0; /* a backup copies day files: none goes meanwhile */
    int r = sq_retain_time(store, &now_us);
    if (r < 0)
        return r;
    struct retain_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    if (retain_us > 0) {
        int64_t cutoff_us = now_us - retain_us;
        /* Whole days go at once, so that a sealed file is not changed bit by bit. */
        if (retain_us >= day_us)
            cutoff_us -= cutoff_us % day_us;
        *job = (struct retain_job){.cutoff_us = cutoff_us,
                                   .reason = spool ? (uint32_t)GAP_SPOOL_LIMIT
                                                   : (uint32_t)XW_LOCAL_GAP_EXPIRED,
                                   .why = "retention",
                                   .after_wall_us = INT64_MIN};
        r = run(store, job, UINT64_MAX);
    }
    if (r == 0 && spool && atomic_load(&store->space) != XW_SPACE_OK) {
        *job = (struct retain_job){.cutoff_us = INT64_MAX,
                                   .reason = GAP_SPOOL_LIMIT,
                                   .why = "room",
                                   .after_wall_us = INT64_MIN};
        r = run(store, job, config->low_bytes * 2 + (16 << 20));
    }
    free(job);
    return r;
}
