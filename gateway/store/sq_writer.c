/* The writer: takes what has gathered, one transaction, one sync, then tells the loop.
 *
 * While it waits for the disk the next jobs gather, so that commits grow with the load by
 * themselves; nothing is delayed on purpose. */
#include "store/sq.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"

#include <string.h>
#include <sys/stat.h>

XW_COUNTER(commits, "xw_store_commits_total", NULL, "durable transactions of the store");
XW_COUNTER(commits_failed, "xw_store_commits_failed_total", NULL,
           "transactions of the store rolled back");

XW_COUNTER(checkpoints_failed, "xw_store_checkpoints_failed_total", NULL,
           "times the write-ahead log could not be copied into meta.db: while this rises it grows");

enum { CHECKPOINT_AGAIN_US = 10000000 };

int sq_fail(struct sq_store *store, int r)
{
    store->writer.failed = r;
    return -ECANCELED;
}

/* ---- one transaction ---- */

static int flush_row(struct sq_store *store)
{
    struct sq_writer *w = &store->writer;
    if (w->staged_n == 0)
        return 0;
    int r = sq_dir_encode(w->staged, w->staged_n, false, 0, &w->dir);
    sqlite3_stmt *add = sq_get(&w->conn, SQ_BATCH_ADD);
    sq_bind_u64(add, 1, w->batch_next);
    sq_bind_bytes(add, 2, w->dir.data, w->dir.n);
    sq_bind_bytes(add, 3, w->data.data, w->data.n);
    if (r == 0)
        r = sq_run(add);
    (void)sqlite3_reset(add);
    return r;
}

static int stage_all(struct sq_store *store, struct sq_job *jobs)
{
    struct sq_writer *w = &store->writer;
    int r = sq_run(sq_get(&w->conn, SQ_BEGIN));
    if (r < 0)
        return r;
    sq_look_at_space(store);
    for (struct sq_job *job = jobs; job != NULL && w->failed == 0; job = job->next)
        job->status = job->stage(store, job);
    if (w->failed < 0)
        return w->failed;
    r = flush_row(store);
    if (r == 0)
        r = sq_logs_flush(store);
    if (r == 0)
        r = xw_fault_point("store.commit.before");
    return r;
}

/* The new row is readable from here on. */
static int publish_row(struct sq_store *store)
{
    struct sq_writer *w = &store->writer;
    int r =
        store_grow(&store->rows, &store->rows_cap, store->rows_n, sizeof *store->rows, SIZE_MAX);
    if (r < 0)
        return r;
    store->rows[store->rows_n++] =
        (struct sq_row){w->batch_next, w->data.n, xw_clock_mono(NULL).us};
    store->rows_bytes += w->data.n;
    w->batch_next++;
    if (store->rows_bytes >= SQ_PASS_BYTES) {
        atomic_store(&store->keeper_hurry, true);
        sq_keeper_wake(store);
    }
    return 0;
}

static int commit(struct sq_store *store, struct sq_job *jobs)
{
    struct sq_writer *w = &store->writer;
    int r = stage_all(store, jobs);
    bool locked = jobs->alone && r == 0;
    if (locked)
        (void)pthread_mutex_lock(&store->dir_lock);
    if (r == 0)
        r = sq_run(sq_get(&w->conn, SQ_COMMIT));
    if (r == 0 && locked)
        for (struct sq_job *job = jobs; job != NULL; job = job->next)
            if (job->publish != NULL && job->status >= 0)
                job->publish(store, job);
    if (locked)
        (void)pthread_mutex_unlock(&store->dir_lock);
    return r;
}

static void finish_job(struct sq_store *store, struct sq_job *job, struct sq_note *note)
{
    (void)store;
    if (job->done != NULL) {
        job->next = NULL;
        *note->jobs_tail = job;
        note->jobs_tail = &job->next;
    } else if (job->wait != NULL) {
        struct sq_wait *wait = job->wait;
        (void)pthread_mutex_lock(&wait->lock);
        wait->status = job->status;
        wait->over = true;
        (void)pthread_cond_signal(&wait->cond);
        (void)pthread_mutex_unlock(&wait->lock);
    } else {
        free(job);
    }
}

/* What became of the transaction. */
static int run_jobs(struct sq_store *store, struct sq_job *jobs, struct sq_note *note)
{
    struct sq_writer *w = &store->writer;
    w->failed = 0;
    w->note = note;
    *note = (struct sq_note){.kind = NOTE_COMMIT};
    note->jobs_tail = &note->jobs;
    int r = commit(store, jobs);
    if (r < 0) {
        (void)sqlite3_exec(w->conn.db, "ROLLBACK", NULL, NULL, NULL);
        sq_undo(store);
        xw_counter_add(&commits_failed, 1);
        note->ops_n = 0;
        if (r == -ENOSPC) {
            w->refused_us = xw_clock_mono(NULL).us;
            sq_tell_space(store, XW_SPACE_FULL, 0);
        }
        xw_log_warning("store.commit_failed", XW_LOG_ERR(r),
                       XW_LOG_STR("sqlite", sqlite3_errmsg(w->conn.db)));
    } else {
        (void)xw_fault_point("store.commit.after");
        bool row = w->staged_n > 0;
        (void)pthread_mutex_lock(&store->dir_lock);
        if (row && publish_row(store) < 0)
            w->batch_next++; /* compacted after the next start; readable all the same */
        w->streams_committed_n = store->streams_n;
        (void)pthread_mutex_unlock(&store->dir_lock);
        sq_settle(store);
        atomic_fetch_add(&store->commits, 1);
        xw_counter_add(&commits, 1);
    }
    for (struct sq_job *job = jobs, *next; job != NULL; job = next) {
        next = job->next;
        /* A refusal of its own stands, whatever became of the transaction. */
        if (r < 0 && (job->status >= 0 || job->status == -ECANCELED))
            job->status = r;
        finish_job(store, job, note);
    }
    return r;
}

/* ---- upkeep between transactions ---- */

/* Rows already in segments go a few at a time, so that no commit waits for many. */
static int trim_stage(struct sq_store *store, struct sq_job *job)
{
    (void)job;
    struct sq_writer *w = &store->writer;
    uint64_t ids[64], bytes = 0;
    size_t n = 0;
    sqlite3_stmt *list = sq_get(&w->conn, SQ_BATCH_OLD);
    sq_bind_u64(list, 1, w->compacted_upto);
    int r;
    while ((r = sq_step(list)) == 1 && n < XW_ARRAY_N(ids) && bytes < (4 << 20)) {
        ids[n++] = sq_u64(list, 0);
        bytes += sq_u64(list, 1);
    }
    (void)sqlite3_reset(list);
    w->trim_pending = r == 1 || n == XW_ARRAY_N(ids);
    for (size_t i = 0; r >= 0 && i < n; i++) {
        sqlite3_stmt *del = sq_get(&w->conn, SQ_BATCH_DEL);
        sq_bind_u64(del, 1, ids[i]);
        r = sq_run(del);
    }
    return r < 0 ? sq_fail(store, r) : 0;
}

static void checkpoint_hard(struct sq_store *store)
{
    struct stat st;
    char path[4096];
    int n = snprintf(path, sizeof path, "%s-wal", store->meta_path);
    if (n < 0 || (size_t)n >= sizeof path || stat(path, &st) < 0)
        return;
    atomic_store(&store->wal_bytes, (uint64_t)st.st_size);
    int64_t now_us = xw_clock_mono(NULL).us;
    /* On a full disk the log's file is room that is needed now. */
    bool full = atomic_load(&store->space) == XW_SPACE_FULL;
    if (st.st_size < (full ? SQ_WAL_SMALL : SQ_WAL_HARD) ||
        now_us < store->writer.checkpoint_after_us)
        return;
    /* The keeper has written most of it into the database already; what is in the way is its own
     * checkpoint or a read, and both end soon. The snapshot of a backup does not: commits must not
     * wait for it again and again. */
    bool backup = atomic_load(&store->backups) > 0;
    (void)sqlite3_busy_timeout(store->writer.conn.db, backup ? 50 : 5000);
    int rc = sqlite3_wal_checkpoint_v2(store->writer.conn.db, NULL, SQLITE_CHECKPOINT_TRUNCATE,
                                       NULL, NULL);
    (void)sqlite3_busy_timeout(store->writer.conn.db, 5000);
    store->writer.checkpoint_after_us = rc != SQLITE_OK && backup ? now_us + 2000000 : 0;
    if (rc == SQLITE_OK || rc == SQLITE_BUSY)
        return;
    /* A frame in the middle that can not be read any more, or a broken disk: the log grows until
     * the disk is full, and a restart finds its end at that frame. Commits do not wait for it at
     * each turn. */
    xw_counter_add(&checkpoints_failed, 1);
    store->writer.checkpoint_after_us = now_us + CHECKPOINT_AGAIN_US;
    xw_log_error("store.checkpoint_failed", XW_LOG_UINT("log_bytes", (uint64_t)st.st_size),
                 XW_LOG_STR("sqlite", sqlite3_errstr(rc)));
}

/* A note must never fail to reach the loop after a commit, so it is there before. */
static struct sq_note *note_new(struct sq_store *store)
{
    for (;;) {
        struct sq_note *note = calloc(1, sizeof *note);
        if (note != NULL)
            return note;
        xw_log_error("store.no_memory");
        (void)store;
        (void)usleep(10000);
    }
}

void *sq_writer_main(void *arg)
{
    struct sq_store *store = arg;
    struct sq_writer *w = &store->writer;
    for (;;) {
        struct sq_job *jobs = sq_take_jobs(store, !w->trim_pending);
        struct sq_job *trim = NULL;
        if (jobs == NULL && w->trim_pending) {
            jobs = trim = calloc(1, sizeof *trim);
            if (trim == NULL)
                w->trim_pending = false;
            else
                *trim = (struct sq_job){.stage = trim_stage};
        }
        if (jobs == NULL) {
            (void)pthread_mutex_lock(&store->queue_lock);
            bool over = store->queue_closed && store->queue == NULL;
            (void)pthread_mutex_unlock(&store->queue_lock);
            if (over)
                return NULL;
            continue;
        }
        struct sq_note *note = note_new(store);
        /* Also when it could not begin or commit (a full disk): tried at once it would fail for
         * ever, and the store would never close. */
        if (run_jobs(store, jobs, note) < 0 && trim != NULL)
            w->trim_pending = false; /* again after the next compaction */
        sq_note_send(store, note);
        checkpoint_hard(store);
    }
}
