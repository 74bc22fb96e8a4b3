/* The writer's queue, and the room that its batches have. */
#include "store/sq.h"

#include "base/file.h"

/* ---- the queue ---- */

int sq_post(struct sq_store *store, struct sq_job *job)
{
    (void)pthread_mutex_lock(&store->queue_lock);
    int r = store->queue_closed ? -ECANCELED : 0;
    if (r == 0) {
        job->next = NULL;
        *store->queue_tail = job;
        store->queue_tail = &job->next;
        (void)pthread_cond_signal(&store->queue_cond);
    }
    (void)pthread_mutex_unlock(&store->queue_lock);
    return r;
}

int sq_call(struct sq_store *store, struct sq_job *job)
{
    struct sq_wait wait = {.over = false};
    (void)pthread_mutex_init(&wait.lock, NULL);
    (void)pthread_cond_init(&wait.cond, NULL);
    /* cppcheck-suppress autoVariables ; this function outlives the wait */
    job->wait = &wait;
    int r = sq_post(store, job);
    if (r == 0) {
        (void)pthread_mutex_lock(&wait.lock);
        while (!wait.over)
            (void)pthread_cond_wait(&wait.cond, &wait.lock);
        r = wait.status;
        (void)pthread_mutex_unlock(&wait.lock);
    }
    job->wait = NULL;
    (void)pthread_mutex_destroy(&wait.lock);
    (void)pthread_cond_destroy(&wait.cond);
    return r;
}

/* What goes into the next transaction; NULL when the queue is closed and empty. */
struct sq_job *sq_take_jobs(struct sq_store *store, bool may_wait)
{
    (void)pthread_mutex_lock(&store->queue_lock);
    while (store->queue == NULL && !store->queue_closed && may_wait)
        (void)pthread_cond_wait(&store->queue_cond, &store->queue_lock);
    struct sq_job *first = store->queue, *last = first;
    if (first != NULL) {
        size_t bytes = first->bytes;
        while (last->next != NULL && !first->alone && !last->next->alone &&
               bytes + last->next->bytes <= SQ_COMMIT_MAX) {
            last = last->next;
            bytes += last->bytes;
        }
        store->queue = last->next;
        if (store->queue == NULL)
            store->queue_tail = &store->queue;
        last->next = NULL;
    }
    (void)pthread_mutex_unlock(&store->queue_lock);
    return first;
}

/* ---- space ---- */

static int64_t pragma(struct sq_store *store, enum sq_statement which)
{
    sqlite3_stmt *statement = sq_get(&store->writer.conn, which);
    int64_t value = 0;
    if (sq_step(statement) == 1) {
        value = sqlite3_column_int64(statement, 0);
        (void)sqlite3_reset(statement);
    }
    return value;
}

/* ret_free: pages that meta.db holds and does not use. */
static uint64_t bytes_used(struct sq_store *store, uint64_t *ret_free)
{
    *ret_free = (uint64_t)pragma(store, SQ_PAGES_FREE) * 4096U;
    uint64_t bytes = (uint64_t)pragma(store, SQ_PAGES) * 4096U - *ret_free;
    sqlite3_stmt *days = sq_get(&store->writer.conn, SQ_DAY_ALL);
    uint32_t n = 0;
    for (; sq_step(days) == 1; n++)
        bytes += sq_u64(days, 1);
    atomic_store(&store->day_files_n, n);
    return bytes;
}

static void note_space(struct sq_store *store, enum xw_store_space space, uint64_t room)
{
    struct sq_note *note = calloc(1, sizeof *note);
    if (note == NULL)
        return;
    *note = (struct sq_note){.kind = NOTE_SPACE, .space = space, .free_bytes = room};
    sq_note_send(store, note);
}

void sq_tell_space(struct sq_store *store, enum xw_store_space space, uint64_t room)
{
    int before = atomic_exchange(&store->space, (int)space);
    if (before == (int)space)
        return;
    /* "Low" is never left out: it is what starts the alarm before anything is refused. */
    if (before == XW_SPACE_OK && space == XW_SPACE_FULL)
        note_space(store, XW_SPACE_LOW, room);
    note_space(store, space, room);
    if (space != XW_SPACE_OK) {
        atomic_store(&store->keeper_hurry, true);
        sq_keeper_wake(store);
    }
}

enum { REFUSED_FOR_US = 1000000 };

static uint64_t less(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0;
}

void sq_look_at_space(struct sq_store *store)
{
    const struct xw_store_config *config = &store->base.config;
    uint64_t room = UINT64_MAX;
    uint64_t reusable;
    uint64_t bytes = bytes_used(store, &reusable) + atomic_load(&store->beside);
    struct xw_file_space space;
    if (xw_file_space(store->dir, &space) == 0) {
        atomic_store(&store->free_bytes, space.free_n_bytes);
        /* The file of meta.db never shrinks: what compaction emptied in it is room as well, else a
         * disk that was full once would stay full. */
        room = less(space.free_n_bytes + reusable, config->reserve_bytes);
    }
    if (config->limit_bytes != 0)
        room = XW_MIN(room, less(config->limit_bytes, bytes));
    atomic_store(&store->bytes, bytes);
    store->writer.room_bytes = room;
    /* Full is told before a batch is refused: a batch has at most STORE_BATCH_MAX, but what comes
     * in practice is far less, so the last quarter MiB counts as nothing. */
    enum xw_store_space state = XW_SPACE_OK;
    uint64_t full = XW_MIN((uint64_t)(256 << 10), config->low_bytes / 4);
    /* What compaction frees a little at a time must not end and raise the alarm in turn. */
    if (atomic_load(&store->space) == XW_SPACE_FULL)
        full *= 4;
    if (room <= full)
        state = XW_SPACE_FULL;
    else if (room < config->low_bytes)
        state = XW_SPACE_LOW;
    /* A quota refuses what the file system says there is room for: that it was refused holds for a
     * while, or it would be tried without a pause. */
    int64_t *refused_us = &store->writer.refused_us;
    if (*refused_us && xw_clock_mono(NULL).us - *refused_us < REFUSED_FOR_US)
        state = XW_SPACE_FULL;
    else
        *refused_us = 0;
    sq_tell_space(store, state, room);
}
