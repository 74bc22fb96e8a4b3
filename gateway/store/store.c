/* The public functions: arguments are checked here once, for both implementations. */
#include "store/internal.h"

#include <string.h>

void xw_store_close(struct xw_store *store, void (*done)(void *user), void *user)
{
    store->ops->close(store, done, user);
}

const struct xw_vault *xw_store_vault(const struct xw_store *store)
{
    return store->vault;
}

struct xw_uuid xw_store_id(const struct xw_store *store)
{
    return store->id;
}

int xw_store_renew(struct xw_store *store, xw_store_renewed_fn done, void *user)
{
    return store->ops->renew(store, done, user);
}

int xw_store_append(struct xw_store *store, struct xw_store_batch *batch, xw_store_done_fn done,
                    void *user)
{
    if (batch->epoch_bad) {
        xw_store_batch_free(batch);
        return -EINVAL;
    }
    return store->ops->append(store, batch, done, user);
}

int xw_store_stream(struct xw_store *store, const struct xw_uuid *stream,
                    struct xw_store_stream *ret_stream)
{
    return store->ops->stream(store, stream, ret_stream);
}

void xw_store_streams(struct xw_store *store,
                      void (*each)(void *user, const struct xw_store_stream *), void *user)
{
    store->ops->streams(store, each, user);
}

void xw_store_release(struct xw_store *store, const struct xw_uuid *stream, struct xw_range range)
{
    store->ops->release(store, stream, range, true);
}

void xw_store_unrelease(struct xw_store *store, const struct xw_uuid *stream, struct xw_range range)
{
    store->ops->release(store, stream, range, false);
}

int xw_store_read(struct xw_store *store, const struct xw_uuid *stream, struct xw_range range,
                  size_t max_bytes, xw_store_samples_fn done, void *user)
{
    if (range.first > range.end || done == NULL)
        return -EINVAL;
    return store->ops->read(store, stream, range, max_bytes, done, user);
}

static int query_key(struct store_query *query, const void *key, size_t key_size)
{
    if (key == NULL)
        return 0;
    if (key_size > STORE_KEY_MAX)
        return -EINVAL;
    memcpy(query->key, key, key_size);
    query->key_size = key_size;
    query->has_key = true;
    return 0;
}

static int query_log(struct store_query *query, const char *log)
{
    size_t n = strnlen(log, STORE_NAME_MAX + 1);
    if (n > STORE_NAME_MAX)
        return -EINVAL;
    memcpy(query->log, log, n + 1);
    return 0;
}

static int ask(struct xw_store *store, struct store_query *query, size_t limit,
               xw_store_records_fn done, void *user)
{
    if (done == NULL || limit < 1)
        return -EINVAL;
    query->limit = XW_MIN(limit, (size_t)STORE_LIMIT_MAX);
    return store->ops->query(store, query, done, user);
}

int xw_store_record(struct xw_store *store, const void *key, size_t key_size,
                    xw_store_records_fn done, void *user)
{
    struct store_query query = {.what = QUERY_KEY};
    if (key == NULL || key_size < 1 || query_key(&query, key, key_size) < 0)
        return -EINVAL;
    return ask(store, &query, 1, done, user);
}

int xw_store_records(struct xw_store *store, uint32_t kind, const void *after, size_t after_size,
                     bool newest_first, size_t limit, xw_store_records_fn done, void *user)
{
    struct store_query query = {.what = QUERY_KIND, .kind = kind, .newest_first = newest_first};
    int r = query_key(&query, after, after_size);
    return r < 0 ? r : ask(store, &query, limit, done, user);
}

int xw_store_records_prefix(struct xw_store *store, uint32_t kind, const void *prefix,
                            size_t prefix_size, size_t limit, xw_store_records_fn done, void *user)
{
    struct store_query query = {.what = QUERY_PREFIX, .kind = kind};
    int r = query_key(&query, prefix, prefix_size);
    return r < 0 ? r : ask(store, &query, limit, done, user);
}

int xw_store_events(struct xw_store *store, const struct xw_uuid *stream, struct xw_range range,
                    uint32_t kinds, size_t limit, xw_store_records_fn done, void *user)
{
    struct store_query query = {
        .what = QUERY_EVENTS, .stream = *stream, .range = range, .kinds = kinds};
    if (range.first > range.end)
        return -EINVAL;
    return ask(store, &query, limit, done, user);
}

int xw_store_anchors(struct xw_store *store, const struct xw_uuid *stream, uint64_t index,
                     xw_store_records_fn done, void *user)
{
    struct store_query query = {.what = QUERY_ANCHORS, .stream = *stream, .after = index};
    return ask(store, &query, 2, done, user);
}

int xw_store_forget(struct xw_store *store, uint32_t kind, const void *key, size_t key_size)
{
    if (kind < XW_LOCAL_USER || key_size < 1 || key_size > STORE_KEY_MAX)
        return -EINVAL;
    return store->ops->forget(store, kind, key, key_size);
}

uint64_t xw_store_log_last(struct xw_store *store, const char *out_log)
{
    return store->ops->log_last(store, out_log);
}

int xw_store_log_read(struct xw_store *store, const char *out_log, uint64_t after, size_t limit,
                      xw_store_records_fn done, void *user)
{
    struct store_query query = {.what = QUERY_LOG, .after = after};
    int r = query_log(&query, out_log);
    return r < 0 ? r : ask(store, &query, limit, done, user);
}

const struct xw_ranges *xw_store_log_received(struct xw_store *store, const struct xw_uuid *in_log)
{
    return store->ops->log_received(store, in_log);
}

void xw_store_log_release(struct xw_store *store, const char *out_log, uint64_t upto)
{
    store->ops->log_release(store, out_log, upto);
}

int xw_store_epoch_next(struct xw_store *store, const char *owner, xw_store_epoch_fn done,
                        void *user)
{
    if (strnlen(owner, STORE_NAME_MAX + 1) > STORE_NAME_MAX || done == NULL)
        return -EINVAL;
    return store->ops->epoch_next(store, owner, done, user);
}

int xw_store_object(struct xw_store *store, const uint8_t sha256[32],
                    struct xw_store_object *ret_object)
{
    return store->ops->object(store, sha256, ret_object);
}

int xw_store_object_write(struct xw_store *store, const uint8_t sha256[32], uint64_t size,
                          const char *media_type, uint64_t offset, const void *data,
                          size_t data_size, xw_store_object_fn done, void *user)
{
    struct store_object_part part = {
        .size = size, .offset = offset, .data = data, .data_size = data_size};
    if (data_size > STORE_OBJECT_CHUNK_MAX || offset > size || data_size > size - offset ||
        size > STORE_INDEX_MAX)
        return -EINVAL;
    memcpy(part.sha256, sha256, sizeof part.sha256);
    if (media_type != NULL) {
        size_t n = strnlen(media_type, sizeof part.media_type);
        if (n == sizeof part.media_type)
            return -EINVAL;
        memcpy(part.media_type, media_type, n);
    }
    return store->ops->object_write(store, &part, done, user);
}

int xw_store_object_read(struct xw_store *store, const uint8_t sha256[32], uint64_t offset,
                         size_t max_size, xw_store_bytes_fn done, void *user)
{
    if (done == NULL)
        return -EINVAL;
    return store->ops->object_read(store, sha256, offset, max_size, done, user);
}

int xw_store_object_import(struct xw_store *store, const char *path, const char *media_type,
                           xw_store_object_fn done, void *user)
{
    if (!*path || strnlen(media_type, STORE_MEDIA_MAX + 1) > STORE_MEDIA_MAX || done == NULL)
        return -EINVAL;
    return store->ops->object_import(store, path, media_type, done, user);
}

int xw_store_object_remove(struct xw_store *store, const uint8_t sha256[32],
                           xw_store_status_fn done, void *user)
{
    if (done == NULL)
        return -EINVAL;
    return store->ops->object_remove(store, sha256, done, user);
}

void xw_store_beside(struct xw_store *store, uint64_t bytes)
{
    if (store->ops->beside != NULL)
        store->ops->beside(store, bytes);
}

int xw_store_backup(struct xw_store *store, const char *dir, xw_store_status_fn done, void *user)
{
    return store->ops->backup(store, dir, done, user);
}

int xw_store_compact(struct xw_store *store, xw_store_status_fn done, void *user)
{
    return store->ops->compact(store, done, user);
}

int xw_store_keep(struct xw_store *store, const struct xw_uuid *stream, struct xw_range range)
{
    if (range.first > range.end || range.end > STORE_INDEX_MAX)
        return -EINVAL;
    return store->ops->keep(store, stream, range);
}

void xw_store_stats(const struct xw_store *store, struct xw_store_stats *ret_stats)
{
    store->ops->stats(store, ret_stats);
}
