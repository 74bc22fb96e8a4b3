/* The model store: opening, the list of requests, batches, epochs. Nothing is durable. */
#include "store/memory.h"

#include "base/loop.h"

#include <string.h>

void mem_must(int r)
{
    if (r < 0)
        abort();
}

void *mem_copy(const void *data, size_t size)
{
    void *copy = malloc(size + 1);
    if (copy == NULL)
        abort();
    if (size > 0)
        memcpy(copy, data, size);
    return copy;
}

void *mem_zeroed(size_t n, size_t size)
{
    void *zeroed = calloc(n, size);
    if (zeroed == NULL)
        abort();
    return zeroed;
}

void mem_later(struct mem_store *store, struct mem_request *request)
{
    request->next = NULL;
    *store->requests_tail = request;
    store->requests_tail = &request->next;
    xw_wake_up(store->wake);
}

static void run_requests(struct mem_store *store)
{
    struct mem_request *request = store->requests;
    store->requests = NULL;
    store->requests_tail = &store->requests;
    for (struct mem_request *next; request != NULL; request = next) {
        next = request->next;
        request->run(store, request);
    }
}

/* ---- batches ---- */

struct append {
    struct mem_request request;
    struct xw_store_batch *batch;
    xw_store_done_fn done;
    void *user;
};

static struct mem_epoch *epoch_find(struct mem_store *store, const char *owner)
{
    for (size_t i = 0; i < store->epochs_n; i++)
        if (strcmp(store->epochs[i].owner, owner) == 0)
            return &store->epochs[i];
    return NULL;
}

static int check(struct mem_store *store, const struct xw_store_batch *batch)
{
    if (batch->owner != NULL) {
        const struct mem_epoch *epoch = epoch_find(store, batch->owner);
        if (epoch != NULL && batch->epoch < epoch->epoch)
            return -ESTALE;
    }
    int r = mem_check_samples(store, batch);
    uint64_t limit = store->base.config.limit_bytes;
    if (r == 0 && limit != 0 && store->stats.bytes + batch->bytes > limit)
        r = -ENOSPC;
    return r;
}

static void append_run(struct mem_store *store, struct mem_request *request)
{
    struct append *self = XW_CONTAINER_OF(request, struct append, request);
    struct xw_store_done done = {.status = check(store, self->batch)};
    if (done.status == 0) {
        mem_apply_samples(store, self->batch, &done);
        mem_apply_records(store, self->batch, &done);
        store->stats.bytes += self->batch->bytes;
        store->stats.commits++;
        store->stats.blocks += done.blocks_new;
        store->stats.records += done.records_new;
        store->stats.conflicts += done.conflicts;
    }
    store->queue_bytes -= self->batch->bytes;
    if (self->done != NULL)
        self->done(self->user, &done);
    xw_store_batch_free(self->batch);
    free(self);
}

static int append(struct xw_store *base, struct xw_store_batch *batch, xw_store_done_fn done,
                  void *user)
{
    struct mem_store *store = mem_of(base);
    int r = 0;
    if (store->closing)
        r = -ECANCELED;
    else if (store->queue_bytes > 0 && store->queue_bytes + batch->bytes > base->config.queue_bytes)
        r = -EAGAIN;
    if (r < 0) {
        xw_store_batch_free(batch);
        return r;
    }
    struct append self = {.request.run = append_run, .batch = batch, .done = done, .user = user};
    store->queue_bytes += batch->bytes;
    mem_later(store, &((struct append *)mem_copy(&self, sizeof self))->request);
    return 0;
}

/* ---- epochs ---- */

struct epoch_request {
    struct mem_request request;
    char owner[STORE_NAME_MAX + 1];
    xw_store_epoch_fn done;
    void *user;
};

static void epoch_run(struct mem_store *store, struct mem_request *request)
{
    struct epoch_request *self = XW_CONTAINER_OF(request, struct epoch_request, request);
    struct mem_epoch *epoch = epoch_find(store, self->owner);
    if (epoch == NULL) {
        MEM_PUSH(store->epochs, store->epochs_n, store->epochs_cap);
        epoch = &store->epochs[store->epochs_n++];
        *epoch = (struct mem_epoch){.epoch = 0};
        memcpy(epoch->owner, self->owner, sizeof epoch->owner);
    }
    self->done(self->user, 0, ++epoch->epoch);
    free(self);
}

static int epoch_next(struct xw_store *base, const char *owner, xw_store_epoch_fn done, void *user)
{
    struct epoch_request self = {.request.run = epoch_run, .done = done, .user = user};
    memcpy(self.owner, owner, strlen(owner) + 1);
    mem_later(mem_of(base), &((struct epoch_request *)mem_copy(&self, sizeof self))->request);
    return 0;
}

/* ---- what has no meaning here: it only answers ---- */

struct status_request {
    struct mem_request request;
    xw_store_status_fn done;
    void *user;
    int status;
};

static void status_run(struct mem_store *store, struct mem_request *request)
{
    (void)store;
    struct status_request *self = XW_CONTAINER_OF(request, struct status_request, request);
    if (self->done != NULL)
        self->done(self->user, self->status);
    free(self);
}

static int answer_later(struct xw_store *base, xw_store_status_fn done, void *user, int status)
{
    struct status_request self = {
        .request.run = status_run, .done = done, .user = user, .status = status};
    mem_later(mem_of(base), &((struct status_request *)mem_copy(&self, sizeof self))->request);
    return 0;
}

static int renew(struct xw_store *base, xw_store_renewed_fn done, void *user)
{
    base->id = xw_uuid_v7(NULL);
    return answer_later(base, done, user, 0);
}

static int compact(struct xw_store *base, xw_store_status_fn done, void *user)
{
    return answer_later(base, done, user, 0);
}

static int backup(struct xw_store *base, const char *dir, xw_store_status_fn done, void *user)
{
    (void)dir;
    return answer_later(base, done, user, -EOPNOTSUPP);
}

static int keep(struct xw_store *base, const struct xw_uuid *id, struct xw_range range)
{
    (void)range;
    return mem_stream_find(mem_of(base), id) == NULL ? -ENOENT : 0;
}

static void log_release(struct xw_store *base, const char *name, uint64_t upto)
{
    (void)base;
    (void)name;
    (void)upto;
}

static void stats(const struct xw_store *base, struct xw_store_stats *ret_stats)
{
    const struct mem_store *store = mem_of(base);
    *ret_stats = store->stats;
    ret_stats->queue_bytes = store->queue_bytes;
    ret_stats->streams_n = (uint32_t)store->streams_n;
}

/* ---- life ---- */

static void wake(void *arg)
{
    run_requests(arg);
}

struct close_request {
    struct mem_request request;
    void (*done)(void *);
    void *user;
};

static void close_run(struct mem_store *store, struct mem_request *request)
{
    struct close_request *self = XW_CONTAINER_OF(request, struct close_request, request);
    void (*done)(void *) = self->done;
    void *user = self->user;
    free(self);
    mem_samples_free(store);
    mem_records_free(store);
    mem_objects_free(store);
    free(store->epochs);
    xw_ranges_done(&store->nothing);
    xw_wake_free(store->wake);
    free(store->x);
    free(store->y);
    free(store->piece);
    free(store);
    if (done != NULL)
        done(user);
}

static void close_store(struct xw_store *base, void (*done)(void *), void *user)
{
    struct close_request self = {.request.run = close_run, .done = done, .user = user};
    mem_of(base)->closing = true;
    mem_later(mem_of(base), &((struct close_request *)mem_copy(&self, sizeof self))->request);
}

static const struct store_ops ops = {
    .close = close_store,
    .append = append,
    .stream = mem_stream_get,
    .streams = mem_streams,
    .release = mem_release,
    .read = mem_read,
    .query = mem_query,
    .forget = mem_forget,
    .log_last = mem_log_last,
    .log_received = mem_log_received,
    .log_release = log_release,
    .epoch_next = epoch_next,
    .renew = renew,
    .object = mem_object_get,
    .object_write = mem_object_write,
    .object_read = mem_object_read,
    .object_import = mem_object_import,
    .object_remove = mem_object_remove,
    .backup = backup,
    .compact = compact,
    .keep = keep,
    .stats = stats,
};

int xw_store_open_memory(struct xw_loop *loop, const struct xw_store_config *config,
                         const struct xw_store_watch *watch, struct xw_store **ret_store)
{
    struct mem_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return -ENOMEM;
    store->base =
        (struct xw_store){.ops = &ops, .loop = loop, .config = *config, .id = xw_uuid_v7(NULL)};
    if (watch != NULL)
        store->base.watch = *watch;
    if (store->base.config.queue_bytes == 0)
        store->base.config.queue_bytes = 64 << 20;
    store->requests_tail = &store->requests;
    xw_ranges_init(&store->nothing, 1);
    store->x = malloc(XW_BLOCK_VALUES_MAX * sizeof *store->x);
    store->y = malloc(XW_BLOCK_VALUES_MAX * sizeof *store->y);
    store->piece = malloc((size_t)XW_BLOCK_VALUES_MAX * 5);
    int r = xw_wake_new(loop, wake, store, &store->wake);
    if (store->x == NULL || store->y == NULL || store->piece == NULL)
        r = r < 0 ? r : -ENOMEM;
    if (r < 0) {
        if (store->wake != NULL)
            xw_wake_free(store->wake);
        free(store->x);
        free(store->y);
        free(store->piece);
        free(store);
        return r;
    }
    *ret_store = &store->base;
    return 0;
}
