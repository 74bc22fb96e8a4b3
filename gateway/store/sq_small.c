/* Small jobs: epochs, forgetting, keeping, log releases and the upkeep of logs. */
#include "store/sq.h"

#include <string.h>

/* ---- session epochs ---- */

struct sq_epoch *sq_epoch_find(struct sq_store *store, const char *owner)
{
    for (size_t i = 0; i < store->writer.epochs_n; i++)
        if (strcmp(store->writer.epochs[i].owner, owner) == 0)
            return &store->writer.epochs[i];
    return NULL;
}

struct epoch_job {
    struct sq_job job;
    char owner[STORE_NAME_MAX + 1];
    uint64_t epoch;
    xw_store_epoch_fn done;
    void *user;
};

static int epoch_stage(struct sq_store *store, struct sq_job *job)
{
    struct epoch_job *self = XW_CONTAINER_OF(job, struct epoch_job, job);
    struct sq_writer *w = &store->writer;
    struct sq_epoch *epoch = sq_epoch_find(store, self->owner);
    if (epoch == NULL) {
        int r = store_grow(&w->epochs, &w->epochs_cap, w->epochs_n, sizeof *w->epochs, SQ_LOGS_MAX);
        if (r < 0)
            return r;
        epoch = &w->epochs[w->epochs_n++];
        *epoch = (struct sq_epoch){0};
        memcpy(epoch->owner, self->owner, sizeof epoch->owner);
    }
    if (!epoch->touched)
        epoch->undo = epoch->epoch;
    epoch->touched = true;
    self->epoch = ++epoch->epoch;
    sqlite3_stmt *set = sq_get(&w->conn, SQ_EPOCH_SET);
    sq_bind_text(set, 1, epoch->owner);
    sq_bind_u64(set, 2, epoch->epoch);
    int r = sq_run(set);
    return r < 0 ? sq_fail(store, r) : 0;
}

static void epoch_done(struct sq_store *store, struct sq_job *job)
{
    (void)store;
    struct epoch_job *self = XW_CONTAINER_OF(job, struct epoch_job, job);
    self->done(self->user, job->status, job->status < 0 ? 0 : self->epoch);
    free(self);
}

int sq_epoch_next(struct xw_store *base, const char *owner, xw_store_epoch_fn done, void *user)
{
    struct epoch_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    *job = (struct epoch_job){
        .job = {.stage = epoch_stage, .done = epoch_done}, .done = done, .user = user};
    memcpy(job->owner, owner, strlen(owner) + 1);
    int r = sq_post(sq_of(base), &job->job);
    if (r < 0)
        free(job);
    return r;
}

/* ---- another incarnation ---- */

struct renew_job {
    struct sq_job job;
    struct xw_uuid id;
    xw_store_renewed_fn done;
    void *user;
};

static int renew_stage(struct sq_store *store, struct sq_job *job)
{
    struct renew_job *self = XW_CONTAINER_OF(job, struct renew_job, job);
    sqlite3_stmt *set = sq_get(&store->writer.conn, SQ_STATE_SET);
    sq_bind_text(set, 1, "id");
    sq_bind_id(set, 2, &self->id);
    int r = sq_run(set);
    return r < 0 ? sq_fail(store, r) : 0;
}

static void renew_done(struct sq_store *store, struct sq_job *job)
{
    struct renew_job *self = XW_CONTAINER_OF(job, struct renew_job, job);
    if (job->status >= 0)
        store->base.id = self->id;
    if (self->done != NULL)
        self->done(self->user, job->status);
    free(self);
}

int sq_renew(struct xw_store *base, xw_store_renewed_fn done, void *user)
{
    struct renew_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    *job = (struct renew_job){.job = {.stage = renew_stage, .done = renew_done},
                              .id = xw_uuid_v7(NULL),
                              .done = done,
                              .user = user};
    int r = sq_post(sq_of(base), &job->job);
    if (r < 0)
        free(job);
    return r;
}

/* ---- forgetting a local record ---- */

struct forget_job {
    struct sq_job job;
    uint32_t kind;
    uint8_t key[STORE_KEY_MAX];
    size_t size;
};

static int forget_stage(struct sq_store *store, struct sq_job *job)
{
    struct forget_job *self = XW_CONTAINER_OF(job, struct forget_job, job);
    sqlite3_stmt *del = sq_get(&store->writer.conn, SQ_RECORD_FORGET);
    (void)sqlite3_bind_int64(del, 1, self->kind);
    sq_bind_bytes(del, 2, self->key, self->size);
    int r = sq_run(del);
    return r < 0 ? sq_fail(store, r) : 0;
}

int sq_forget(struct xw_store *base, uint32_t kind, const void *key, size_t size)
{
    struct forget_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    *job = (struct forget_job){.job = {.stage = forget_stage}, .kind = kind, .size = size};
    memcpy(job->key, key, size);
    int r = sq_post(sq_of(base), &job->job);
    if (r < 0)
        free(job);
    return r;
}

/* ---- keeping samples of a study ---- */

struct keep_job {
    struct sq_job job;
    uint32_t no;
    struct xw_range range;
};

static int keep_apply(struct sq_store *store, struct sq_stream *stream, struct xw_range range)
{
    struct sq_conn *conn = &store->writer.conn;
    struct xw_buf bytes;
    xw_buf_init(&bytes, 16 << 20);
    int r = sq_ranges_encode(&stream->kept, &bytes);
    sqlite3_stmt *set = sq_get(conn, SQ_KEPT_SET);
    (void)sqlite3_bind_int64(set, 1, stream->no);
    sq_bind_bytes(set, 2, bytes.data, bytes.n);
    if (r == 0)
        r = sq_run(set);
    (void)sqlite3_reset(set);
    xw_buf_done(&bytes);
    sqlite3_stmt *mark = sq_get(conn, SQ_SEGMENT_KEEP);
    (void)sqlite3_bind_int64(mark, 1, stream->no);
    (void)sqlite3_bind_int64(
        mark, 2,
        range.first > stream->span_max ? (int64_t)(range.first - stream->span_max) - 1 : -1);
    sq_bind_u64(mark, 3, range.end);
    sq_bind_u64(mark, 4, range.first);
    return r < 0 ? r : sq_run(mark);
}

/* A mark that stays in memory after a failed commit keeps samples that it need not: harmless. */
static int keep_stage(struct sq_store *store, struct sq_job *job)
{
    struct keep_job *self = XW_CONTAINER_OF(job, struct keep_job, job);
    struct sq_stream *stream = store->streams[self->no - 1];
    int r = xw_ranges_add(&stream->kept, self->range.first, self->range.end);
    if (r == 0)
        r = keep_apply(store, stream, self->range);
    return r < 0 ? sq_fail(store, r) : 0;
}

int sq_keep(struct xw_store *base, const struct xw_uuid *id, struct xw_range range)
{
    struct sq_store *store = sq_of(base);
    uint32_t no = sq_map_get(&store->view.map, id);
    if (no == 0)
        return -ENOENT;
    if (range.first == range.end)
        return 0;
    struct keep_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    *job = (struct keep_job){.job = {.stage = keep_stage}, .no = no, .range = range};
    int r = sq_post(store, &job->job);
    if (r < 0)
        free(job);
    return r;
}

/* ---- logs that the peer has ---- */

struct log_job {
    struct sq_job job;
    char name[STORE_NAME_MAX + 1];
    uint64_t upto;
};

static int log_release_stage(struct sq_store *store, struct sq_job *job)
{
    struct log_job *self = XW_CONTAINER_OF(job, struct log_job, job);
    struct sq_writer *w = &store->writer;
    for (size_t i = 0; i < w->logs_n; i++) {
        if (strcmp(w->logs[i]->name, self->name) != 0 || self->upto <= w->logs[i]->released)
            continue;
        sqlite3_stmt *set = sq_get(&w->conn, SQ_LOG_RELEASED);
        (void)sqlite3_bind_int64(set, 1, (int64_t)i + 1);
        sq_bind_u64(set, 2, self->upto);
        int r = sq_run(set);
        if (r < 0)
            return sq_fail(store, r);
        w->logs[i]->released = XW_MIN(self->upto, w->logs[i]->last);
    }
    return 0;
}

void sq_log_release(struct xw_store *base, const char *name, uint64_t upto)
{
    size_t n = strnlen(name, STORE_NAME_MAX + 1);
    struct log_job *job = n <= STORE_NAME_MAX ? calloc(1, sizeof *job) : NULL;
    if (job == NULL)
        return;
    *job = (struct log_job){.job = {.stage = log_release_stage}, .upto = upto};
    memcpy(job->name, name, n);
    if (sq_post(sq_of(base), &job->job) < 0)
        free(job);
}

struct upkeep_job {
    struct sq_job job;
    bool more;
};

enum { STEP_N = 2000, STEPS_MAX = 100 };

/* Entries up to there that the peer has, and of a spool the observations in them: a monitor says
 * some ten thousand an hour, and the peer keeps them. */
static int thin(struct sq_store *store, uint32_t no, uint64_t upto, bool *ret_more)
{
    static const enum sq_statement both[] = {SQ_LOG_OBSERVATIONS, SQ_LOG_THIN};
    for (size_t i = store->base.config.release_needed ? 0 : 1; i < XW_ARRAY_N(both); i++) {
        sqlite3_stmt *del = sq_get(&store->writer.conn, both[i]);
        (void)sqlite3_bind_int64(del, 1, no);
        sq_bind_u64(del, 2, upto);
        (void)sqlite3_bind_int64(del, 3, STEP_N);
        int r = sq_run(del);
        if (r < 0)
            return r;
    }
    *ret_more |= sqlite3_changes(store->writer.conn.db) >= STEP_N;
    return 0;
}

/* A mark (time, sequence) an hour tells later which sequences are older than retain_us. */
static int log_upkeep(struct sq_store *store, uint32_t no, const struct sq_log *log, bool *ret_more)
{
    const int64_t hour_us = 3600000000LL;
    struct sq_conn *conn = &store->writer.conn;
    int64_t now_us = sq_wall_us(), keep_us = (int64_t)store->base.config.retain_us;
    sqlite3_stmt *mark = sq_get(conn, SQ_LOG_MARK);
    (void)sqlite3_bind_int64(mark, 1, no);
    (void)sqlite3_bind_int64(mark, 2, now_us - now_us % hour_us);
    sq_bind_u64(mark, 3, log->last);
    int r = sq_run(mark);
    if (r < 0 || keep_us == 0)
        return r;
    sqlite3_stmt *old = sq_get(conn, SQ_LOG_MARK_OLD);
    (void)sqlite3_bind_int64(old, 1, no);
    (void)sqlite3_bind_int64(old, 2, now_us - keep_us);
    r = sq_step(old);
    uint64_t upto = r == 1 ? XW_MIN(sq_u64(old, 0), log->released) : 0;
    (void)sqlite3_reset(old);
    if (r < 0 || upto == 0)
        return r < 0 ? r : 0;
    r = thin(store, no, upto, ret_more);
    sqlite3_stmt *del = sq_get(conn, SQ_LOG_MARK_DEL);
    (void)sqlite3_bind_int64(del, 1, no);
    sq_bind_u64(del, 2, upto);
    return r < 0 ? r : sq_run(del);
}

static int logs_stage(struct sq_store *store, struct sq_job *job)
{
    struct upkeep_job *self = XW_CONTAINER_OF(job, struct upkeep_job, job);
    for (size_t i = 0; i < store->writer.logs_n; i++) {
        int r = log_upkeep(store, (uint32_t)i + 1, store->writer.logs[i], &self->more);
        if (r < 0)
            return sq_fail(store, r);
    }
    return 0;
}

int sq_logs_upkeep(struct sq_store *store)
{
    int r = 0;
    bool more = true;
    for (size_t i = 0; more && r == 0 && i < STEPS_MAX; i++) { /* commits go between */
        struct upkeep_job self = {.job = {.stage = logs_stage}};
        r = sq_call(store, &self.job);
        more = self.more;
    }
    return r;
}
