/* The model: the same meaning with none of the machinery. Everything is decided sample by sample or
 * by plain search, so that it can be checked by reading.
 *
 * Threads: the loop only; a request waits in a list until the loop comes round. */
#ifndef XW_STORE_MEMORY_H
#define XW_STORE_MEMORY_H

#include "store/internal.h"

struct mem_block {
    struct xw_store_block block; /* data is owned */
};
struct mem_stream {
    struct xw_uuid id;
    void *header;
    size_t header_size;
    struct store_shape shape;
    struct mem_block *blocks; /* disjoint, by first */
    size_t blocks_n, blocks_cap;
    struct mem_block *conflicts;
    size_t conflicts_n, conflicts_cap;
    struct xw_store_gap *gaps; /* disjoint, any order */
    size_t gaps_n, gaps_cap;
    struct xw_ranges held, known, released;
};
struct mem_record {
    struct xw_store_record record; /* key, body, origin are owned */
    bool conflict;                 /* the other bytes of a revision that is there */
};
struct mem_log {
    char name[STORE_NAME_MAX + 1];
    size_t *records; /* records[seq - 1]: index in mem_store.records */
    size_t n, cap;
};
struct mem_inlog {
    struct xw_uuid id;
    struct xw_ranges seqs;
};
struct mem_epoch {
    char owner[STORE_NAME_MAX + 1];
    uint64_t epoch;
};
struct mem_object {
    struct xw_store_object state;
    uint8_t *data;
    uint64_t expected;
};

struct mem_store;
struct mem_request {
    struct mem_request *next;
    void (*run)(struct mem_store *, struct mem_request *);
};

struct mem_store {
    struct xw_store base;
    struct xw_wake *wake;
    struct mem_request *requests, **requests_tail;
    size_t queue_bytes;
    bool closing;
    struct mem_stream **streams;
    size_t streams_n, streams_cap;
    struct mem_record *records;
    size_t records_n, records_cap;
    struct mem_log *logs;
    size_t logs_n, logs_cap;
    struct mem_inlog **inlogs;
    size_t inlogs_n, inlogs_cap;
    struct mem_epoch *epochs;
    size_t epochs_n, epochs_cap;
    struct mem_object **objects;
    size_t objects_n, objects_cap;
    struct xw_ranges nothing;
    int32_t *x, *y;
    uint8_t *piece;
    struct xw_store_stats stats;
};

static inline struct mem_store *mem_of(const struct xw_store *store)
{
    return XW_CONTAINER_OF(store, struct mem_store, base);
}

/* Memory is not what the model is about: without it the process ends. */
void *mem_copy(const void *data, size_t size) __attribute__((returns_nonnull));
void *mem_zeroed(size_t n, size_t size) __attribute__((returns_nonnull));
void mem_must(int r);
#define MEM_PUSH(v, n, cap) mem_must(store_grow(&(v), &(cap), (n), sizeof *(v), SIZE_MAX))
#define MEM_PUSH_POINTER(v, n, cap)                                                                \
    mem_must(store_grow(&(v), &(cap), (n), sizeof(void *), SIZE_MAX))

/* Takes the request. */
void mem_later(struct mem_store *store, struct mem_request *request);

/* memory_samples.c */
struct mem_stream *mem_stream_find(const struct mem_store *store, const struct xw_uuid *id);
XW_MUST_CHECK int mem_check_samples(struct mem_store *store, const struct xw_store_batch *batch);
void mem_apply_samples(struct mem_store *store, const struct xw_store_batch *batch,
                       struct xw_store_done *done);
int mem_stream_get(struct xw_store *store, const struct xw_uuid *id,
                   struct xw_store_stream *ret_stream);
void mem_streams(struct xw_store *store, void (*each)(void *, const struct xw_store_stream *),
                 void *user);
void mem_release(struct xw_store *store, const struct xw_uuid *id, struct xw_range range, bool set);
XW_MUST_CHECK int mem_read(struct xw_store *store, const struct xw_uuid *id, struct xw_range range,
                           size_t max_bytes, xw_store_samples_fn done, void *user);
void mem_samples_free(struct mem_store *store);

/* memory_records.c */
void mem_apply_records(struct mem_store *store, const struct xw_store_batch *batch,
                       struct xw_store_done *done);
XW_MUST_CHECK int mem_query(struct xw_store *store, const struct store_query *query,
                            xw_store_records_fn done, void *user);
XW_MUST_CHECK int mem_forget(struct xw_store *store, uint32_t kind, const void *key, size_t size);
uint64_t mem_log_last(struct xw_store *store, const char *name);
const struct xw_ranges *mem_log_received(struct xw_store *store, const struct xw_uuid *id);
void mem_records_free(struct mem_store *store);

/* memory_object.c */
XW_MUST_CHECK int mem_object_get(struct xw_store *store, const uint8_t *sha256,
                                 struct xw_store_object *ret_object);
XW_MUST_CHECK int mem_object_write(struct xw_store *store, const struct store_object_part *part,
                                   xw_store_object_fn done, void *user);
XW_MUST_CHECK int mem_object_read(struct xw_store *store, const uint8_t *sha256, uint64_t offset,
                                  size_t max_size, xw_store_bytes_fn done, void *user);
XW_MUST_CHECK int mem_object_import(struct xw_store *store, const char *path,
                                    const char *media_type, xw_store_object_fn done, void *user);
XW_MUST_CHECK int mem_object_remove(struct xw_store *store, const uint8_t *sha256,
                                    xw_store_status_fn done, void *user);
void mem_objects_free(struct mem_store *store);

#endif
