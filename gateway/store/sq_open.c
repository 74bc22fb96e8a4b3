/* Opening and closing the SQLite store. */
#include "store/sq.h"

#include "base/file.h"
#include "base/fault.h"
#include "base/log.h"
#include "store/sq_crew.h"
#include "store/sq_unit.h"

#include <string.h>

static const struct store_ops ops;

static void wake(void *arg)
{
    struct sq_store *store = arg;
    sq_notes_run(store);
}

static void free_writer(struct sq_writer *w)
{
    sq_conn_close(&w->conn);
    free(w->logs);
    free(w->inlogs);
    free(w->epochs);
    free(w->touched);
    free(w->staged);
    free(w->x);
    free(w->y);
    free(w->piece);
    xw_buf_done(&w->data);
    xw_buf_done(&w->dir);
}

/* Every thread has ended. */
static void free_store(struct sq_store *store)
{
    sq_notes_run(store);
    sq_view_done(store);
    sq_objects_close(store);
    sq_seal_forget(store);
    sq_packer_free(store->packer);
    sq_unload(store);
    /* The writer's connection last: it is the one that leaves the log's files where they are. */
    for (size_t i = 0; i < store->conns_n; i++) {
        sq_conn_close(store->conns[i]);
        free(store->conns[i]);
    }
    free_writer(&store->writer);
    sq_vault_close(store);
    sq_unlock(store);
    if (store->wake != NULL)
        xw_wake_free(store->wake);
    (void)pthread_mutex_destroy(&store->queue_lock);
    (void)pthread_mutex_destroy(&store->note_lock);
    (void)pthread_mutex_destroy(&store->dir_lock);
    (void)pthread_mutex_destroy(&store->keeper_lock);
    (void)pthread_mutex_destroy(&store->conns_lock);
    (void)pthread_cond_destroy(&store->queue_cond);
    (void)pthread_cond_destroy(&store->keeper_cond);
    free(store->streams);
    free(store->rows);
    free(store->dir);
    free(store->meta_path);
    free(store);
}

static int init_writer(struct sq_writer *w)
{
    xw_buf_init(&w->data, (size_t)STORE_BATCH_MAX + 2 * SQ_COMMIT_MAX + XW_BLOCK_VALUES_MAX * 5);
    xw_buf_init(&w->dir, 64 << 20);
    w->x = malloc(XW_BLOCK_VALUES_MAX * sizeof *w->x);
    w->y = malloc(XW_BLOCK_VALUES_MAX * sizeof *w->y);
    w->piece = malloc((size_t)XW_BLOCK_VALUES_MAX * 5);
    return w->x != NULL && w->y != NULL && w->piece != NULL ? 0 : -ENOMEM;
}

static int init_store(struct sq_store *store, struct xw_loop *loop,
                      const struct xw_store_config *config, const struct xw_store_watch *watch)
{
    store->base = (struct xw_store){.ops = &ops, .loop = loop, .config = *config};
    if (watch != NULL)
        store->base.watch = *watch;
    if (store->base.config.queue_bytes == 0)
        store->base.config.queue_bytes = 64 << 20;
    store->base.config.readers_n = XW_MIN(XW_MAX(config->readers_n, 1U), 8U);
    (void)pthread_mutex_init(&store->queue_lock, NULL);
    (void)pthread_mutex_init(&store->note_lock, NULL);
    (void)pthread_mutex_init(&store->dir_lock, NULL);
    (void)pthread_mutex_init(&store->keeper_lock, NULL);
    (void)pthread_mutex_init(&store->conns_lock, NULL);
    (void)pthread_cond_init(&store->queue_cond, NULL);
    /* The keeper's tick must not wait longer when somebody sets the wall clock back. */
    pthread_condattr_t monotonic;
    (void)pthread_condattr_init(&monotonic);
    (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&store->keeper_cond, &monotonic);
    (void)pthread_condattr_destroy(&monotonic);
    store->lock_fd = store->backup_fd = -1;
    store->queue_tail = &store->queue;
    store->notes_tail = &store->notes;
    store->dir = strdup(config->dir);
    if (store->dir == NULL || asprintf(&store->meta_path, "%s/meta.db", config->dir) < 0) {
        store->meta_path = NULL;
        return -ENOMEM;
    }
    store->base.config.dir = store->dir;
    store->base.config.key_file = NULL; /* the caller's, and not looked at again */
    int r = xw_wake_new(loop, wake, store, &store->wake);
    return r < 0 ? r : init_writer(&store->writer);
}

static int start_threads(struct sq_store *store)
{
    struct xw_loop *loop = store->base.loop;
    uint32_t readers_n = store->base.config.readers_n;
    int r = sq_crew_new(XW_MAX(readers_n - 1, 1U), &store->crew);
    if (r == 0)
        r = xw_pool_new(loop, "store-read", readers_n, SQ_READS_MAX, &store->readers);
    if (r == 0)
        r = xw_pool_new(loop, "store-shelf", 1, SQ_READS_MAX, &store->shelf);
    if (r == 0)
        r = xw_pool_new(loop, "store-copy", 1, 4, &store->copier);
    if (r == 0)
        r = -pthread_create(&store->writer_thread, NULL, sq_writer_main, store);
    store->writer_runs = r == 0;
    if (r == 0)
        r = -pthread_create(&store->keeper_thread, NULL, sq_keeper_main, store);
    store->keeper_runs = r == 0;
    return r;
}

/* Keeper first (it waits for the writer), then the pools (objects post to the writer), then the
 * writer, which empties its queue. Pools run their done functions here. */
static void stop_threads(struct sq_store *store)
{
    (void)pthread_mutex_lock(&store->keeper_lock);
    store->keeper_stop = true;
    (void)pthread_cond_broadcast(&store->keeper_cond);
    (void)pthread_mutex_unlock(&store->keeper_lock);
    if (store->keeper_runs)
        (void)pthread_join(store->keeper_thread, NULL);
    xw_pool_free(store->copier);
    xw_pool_free(store->shelf);
    xw_pool_free(store->readers);
    sq_crew_free(store->crew);
    store->crew = NULL;
    (void)pthread_mutex_lock(&store->queue_lock);
    store->queue_closed = true;
    (void)pthread_cond_broadcast(&store->queue_cond);
    (void)pthread_mutex_unlock(&store->queue_lock);
    if (store->writer_runs)
        (void)pthread_join(store->writer_thread, NULL);
    store->keeper_runs = store->writer_runs = false;
}

int xw_store_open_sqlite(struct xw_loop *loop, const struct xw_store_config *config,
                         const struct xw_store_watch *watch, struct xw_store **ret_store)
{
    if (config->dir == NULL || config->key_file == NULL)
        return -EINVAL;
    struct sq_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return -ENOMEM;
    int r = init_store(store, loop, config, watch);
    if (r == 0)
        r = xw_file_make_dirs(store->dir, 0750);
    if (r == 0)
        r = sq_lock(store);
    if (r == 0)
        r = xw_fault_point("store.open");
    if (r == 0)
        r = sq_vault_open(store, config->key_file, true);
    if (r == 0)
        r = sq_recover_open(store);
    if (r == 0)
        r = sq_objects_open(store);
    if (r == 0)
        r = sq_view_init(store);
    if (r == 0)
        sq_look_at_space(store);
    if (r == 0)
        r = start_threads(store);
    if (r < 0) {
        const char *why = xw_vault_explain(r);
        if (why == NULL)
            xw_log_error("store.open_failed", XW_LOG_ERR(r));
        else
            xw_log_error("store.open_failed", XW_LOG_ERR(r), XW_LOG_STR("why", why));
        stop_threads(store);
        free_store(store);
        return r;
    }
    *ret_store = &store->base;
    return 0;
}

static void close_now(void *arg)
{
    struct sq_store *store = arg;
    void (*closed)(void *) = store->closed;
    void *user = store->closed_user;
    sq_view_flush_released(store);
    stop_threads(store);
    (void)sqlite3_wal_checkpoint_v2(store->writer.conn.db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                    NULL);
    free_store(store);
    if (closed != NULL)
        closed(user);
}

/* Not from within the call: what closes the store may stand on its callbacks' stack. */
static void close_store(struct xw_store *base, void (*done)(void *), void *user)
{
    struct sq_store *store = sq_of(base);
    store->closed = done;
    store->closed_user = user;
    store->closing = true;
    if (xw_loop_post(base->loop, close_now, store) < 0)
        close_now(store);
}

static void stats(const struct xw_store *base, struct xw_store_stats *ret_stats)
{
    struct sq_store *store = sq_of(base);
    *ret_stats = (struct xw_store_stats){
        .bytes = atomic_load(&store->bytes),
        .wal_bytes = atomic_load(&store->wal_bytes),
        .free_bytes = atomic_load(&store->free_bytes),
        .commits = atomic_load(&store->commits),
        .blocks = atomic_load(&store->blocks_n),
        .records = atomic_load(&store->records_n),
        .conflicts = atomic_load(&store->conflicts_n),
        .queue_bytes = store->queue_bytes,
        .streams_n = (uint32_t)store->view.streams_n,
        .day_files_n = (uint32_t)atomic_load(&store->day_files_n),
    };
}

static void beside(struct xw_store *base, uint64_t bytes)
{
    atomic_store(&sq_of(base)->beside, bytes);
}

static const struct store_ops ops = {
    .close = close_store,
    .append = sq_append,
    .stream = sq_view_stream_get,
    .streams = sq_view_streams,
    .release = sq_view_release,
    .read = sq_read,
    .query = sq_query,
    .forget = sq_forget,
    .log_last = sq_view_log_last,
    .log_received = sq_view_log_received,
    .log_release = sq_log_release,
    .epoch_next = sq_epoch_next,
    .renew = sq_renew,
    .object = sq_object_get,
    .object_write = sq_object_write,
    .object_read = sq_object_read,
    .object_import = sq_object_import,
    .object_remove = sq_object_remove,
    .beside = beside,
    .backup = sq_backup,
    .compact = sq_compact_request,
    .keep = sq_keep,
    .stats = stats,
};
