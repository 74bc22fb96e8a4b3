/* The keeper: compaction, checkpoints, retention and sealing, beside everything else.
 *
 * WAL of meta.db: the writer never checkpoints within a commit. From 16 MiB on the keeper copies
 * what it can (a passive checkpoint stops nobody); while commits go on without a pause that alone
 * never lets the log begin anew, so from 64 MiB on the writer truncates it between two commits,
 * when little is left to copy. A day file's log is emptied after every pass, which is at most
 * SQ_PASS_MAX. Together: below 200 MiB, but for the time that a backup holds a snapshot of meta.db.
 */
#include "store/sq.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

enum { TICK_MS = 1000, RETAIN_TICKS = 30, LOGS_TICKS = 60, RETRY_TICKS = 5 };

void sq_keeper_wake(struct sq_store *store)
{
    (void)pthread_mutex_lock(&store->keeper_lock);
    (void)pthread_cond_signal(&store->keeper_cond);
    (void)pthread_mutex_unlock(&store->keeper_lock);
}

int sq_compact_request(struct xw_store *base, xw_store_status_fn done, void *user)
{
    struct sq_store *store = sq_of(base);
    struct sq_request *request = calloc(1, sizeof *request);
    if (request == NULL)
        return -ENOMEM;
    *request = (struct sq_request){.done = done, .user = user};
    sq_view_flush_released(store); /* before the keeper asks what may go */
    (void)pthread_mutex_lock(&store->keeper_lock);
    struct sq_request **tail = &store->requests;
    while (*tail != NULL)
        tail = &(*tail)->next;
    *tail = request;
    (void)pthread_cond_signal(&store->keeper_cond);
    (void)pthread_mutex_unlock(&store->keeper_lock);
    return 0;
}

/* Waits for a tick, a request or a hurry. False: stop. */
static bool wait_tick(struct sq_store *store, struct sq_request **ret_requests)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += TICK_MS % 1000 * 1000000L;
    until.tv_sec += TICK_MS / 1000 + until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    (void)pthread_mutex_lock(&store->keeper_lock);
    int rc = 0;
    while (!store->keeper_stop && store->requests == NULL && rc == 0 &&
           !atomic_load(&store->keeper_hurry))
        rc = pthread_cond_timedwait(&store->keeper_cond, &store->keeper_lock, &until);
    *ret_requests = store->requests;
    store->requests = NULL;
    bool go_on = !store->keeper_stop;
    (void)pthread_mutex_unlock(&store->keeper_lock);
    return go_on;
}

static void checkpoint(struct sq_store *store, sqlite3 *db)
{
    char path[4096];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s-wal", store->meta_path);
    if (n < 0 || (size_t)n >= sizeof path || stat(path, &st) < 0 || st.st_size < SQ_WAL_PASSIVE)
        return;
    (void)sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

static bool stopping(struct sq_store *store)
{
    (void)pthread_mutex_lock(&store->keeper_lock);
    bool stop = store->keeper_stop;
    (void)pthread_mutex_unlock(&store->keeper_lock);
    return stop;
}

static int compact_all(struct sq_store *store, sqlite3 *db, bool all)
{
    int r;
    while ((r = sq_compact_pass(store, all)) == 1 && !stopping(store))
        checkpoint(store, db);
    return r;
}

static void answer(struct sq_store *store, struct sq_request *requests, int status)
{
    for (struct sq_request *next; requests != NULL; requests = next) {
        next = requests->next;
        if (requests->done != NULL)
            sq_note_status(store, requests->done, requests->user, status);
        free(requests);
    }
}

/* What was asked for is done whole: everything compacted, expired, sealed. */
static int upkeep_now(struct sq_store *store, sqlite3 *db)
{
    int r = compact_all(store, db, true);
    if (r == 0)
        r = sq_retain_pass(store);
    while (r == 0 && !stopping(store) && (r = sq_seal_step(store, true)) == 1)
        r = 0;
    if (r == 0)
        r = sq_logs_upkeep(store);
    return r;
}

static void upkeep(struct sq_store *store, sqlite3 *db, uint64_t tick)
{
    bool hurry = atomic_exchange(&store->keeper_hurry, false);
    int r = compact_all(store, db, false);
    if (r < 0)
        xw_log_warning("store.compact_failed", XW_LOG_ERR(r));
    if (hurry || tick % RETAIN_TICKS == 0)
        r = sq_retain_pass(store);
    if (r == 0 && tick % LOGS_TICKS == 0)
        r = sq_logs_upkeep(store);
    if (r == 0)
        r = sq_seal_step(store, false);
    if (r < 0 && r != -ECANCELED)
        xw_log_warning("store.upkeep_failed", XW_LOG_ERR(r));
}

void *sq_keeper_main(void *arg)
{
    struct sq_store *store = arg;
    struct sq_conn conn;
    struct sq_request *requests = NULL;
    /* A connection of its own: a checkpoint needs no transaction and blocks none. */
    int opened = sq_conn_open(&conn, store->vfs, store->meta_path, false);
    if (opened == 0)
        opened = sq_exec(conn.db, "PRAGMA query_only = OFF; PRAGMA synchronous = FULL");
    for (uint64_t tick = 1; wait_tick(store, &requests); tick++) {
        if (requests != NULL)
            answer(store, requests, upkeep_now(store, conn.db));
        upkeep(store, conn.db, tick);
        if (opened == 0)
            checkpoint(store, conn.db);
    }
    answer(store, requests, -ECANCELED);
    if (opened == 0)
        sq_conn_close(&conn);
    return NULL;
}
