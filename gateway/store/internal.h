/* What the two stores share: the batch, the shape of a stream, cutting of blocks, the dispatch.
 *
 * Threads: a batch belongs to whoever holds it; the functions are pure otherwise. */
#ifndef XW_STORE_INTERNAL_H
#define XW_STORE_INTERNAL_H

#include "base/block.h"
#include "store/store.h"

enum {
    STORE_RANGES_MAX = 262144,  /* ranges of one set of one stream */
    STORE_HEADER_MAX = 65536,   /* bytes of a stream header */
    STORE_NAME_MAX = 96,        /* origin, log name, owner of an epoch */
    STORE_KEY_MAX = 64,         /* bytes of a record's key */
    STORE_BODY_MAX = 65536,     /* bytes of a record's body */
    STORE_BATCH_MAX = 32 << 20, /* bytes of one batch */
    STORE_OBJECT_CHUNK_MAX = 1 << 20,
    STORE_MEDIA_MAX = 63,    /* bytes of a media type */
    STORE_LIMIT_MAX = 65536, /* records in one answer */
};
/* Indices, revisions, sequences: what a signed 64-bit column holds. UINT64_MAX stands for "open".
 */
#define STORE_INDEX_MAX ((uint64_t)INT64_MAX)

struct store_shape {
    uint32_t channels_n;
    double rate_hz;
};
/* -EBADMSG: not a StreamHeader, or no possible shape, or another stream's id. */
XW_MUST_CHECK int store_shape_parse(const struct xw_uuid *id, const void *header, size_t size,
                                    struct store_shape *ret_shape);
/* Decodes into x (XW_BLOCK_VALUES_MAX) and checks the CRC: -EBADMSG. */
XW_MUST_CHECK int store_block_decode(const struct store_shape *shape,
                                     const struct xw_store_block *block, int32_t *x);
/* Samples `piece` of the decoded block as a block of its own in coding 0; *ret_piece points into
 * data, which has room for xw_block_bound. */
XW_MUST_CHECK int store_block_cut(const struct store_shape *shape,
                                  const struct xw_store_block *block, const int32_t *x,
                                  struct xw_range piece, uint8_t *data,
                                  struct xw_store_block *ret_piece);
static inline uint64_t store_block_end(const struct xw_store_block *block)
{
    return block->first + block->count;
}

/* Room for one more of `size` bytes each in *v; doubles. -ENOMEM, -EOVERFLOW at max. */
XW_MUST_CHECK int store_grow(void *v_pointer, size_t *cap, size_t n, size_t size, size_t max);

/* ---- batch ---- */

struct store_chunk {
    struct store_chunk *next;
    size_t n, cap;
    max_align_t bytes[];
};
struct store_header {
    struct xw_uuid id;
    const void *header;
    size_t size;
};
struct store_entry {
    struct xw_store_record record;
    const char *out_log;
    const struct xw_uuid *in_log;
    uint64_t in_seq;
};
struct xw_store_batch {
    struct store_chunk *chunks;
    struct store_header *headers;
    size_t headers_n, headers_cap;
    struct xw_store_block *blocks;
    size_t blocks_n, blocks_cap;
    struct xw_store_gap *gaps;
    size_t gaps_n, gaps_cap;
    struct store_entry *records;
    size_t records_n, records_cap;
    const char *owner;
    uint64_t epoch;
    bool epoch_bad; /* the owner's name could not be taken */
    size_t bytes;
};

/* ---- dispatch ---- */

/* All questions about records in one form. */
enum store_query_kind {
    QUERY_KEY,
    QUERY_KIND,
    QUERY_PREFIX,
    QUERY_EVENTS,
    QUERY_ANCHORS,
    QUERY_LOG
};
struct store_query {
    enum store_query_kind what;
    uint32_t kind;
    uint8_t key[STORE_KEY_MAX]; /* key, prefix, or after */
    size_t key_size;
    bool has_key, newest_first;
    struct xw_uuid stream;
    struct xw_range range;
    uint32_t kinds;
    uint64_t after; /* log sequence, anchor index */
    char log[STORE_NAME_MAX + 1];
    size_t limit;
};
struct store_object_part {
    uint8_t sha256[32];
    uint64_t size, offset;
    char media_type[64];
    const void *data;
    size_t data_size;
};

struct store_ops {
    void (*close)(struct xw_store *, void (*)(void *), void *);
    int (*append)(struct xw_store *, struct xw_store_batch *, xw_store_done_fn, void *);
    int (*stream)(struct xw_store *, const struct xw_uuid *, struct xw_store_stream *);
    void (*streams)(struct xw_store *, void (*)(void *, const struct xw_store_stream *), void *);
    void (*release)(struct xw_store *, const struct xw_uuid *, struct xw_range, bool set);
    int (*read)(struct xw_store *, const struct xw_uuid *, struct xw_range, size_t,
                xw_store_samples_fn, void *);
    int (*query)(struct xw_store *, const struct store_query *, xw_store_records_fn, void *);
    int (*forget)(struct xw_store *, uint32_t, const void *, size_t);
    uint64_t (*log_last)(struct xw_store *, const char *);
    const struct xw_ranges *(*log_received)(struct xw_store *, const struct xw_uuid *);
    void (*log_release)(struct xw_store *, const char *, uint64_t);
    int (*epoch_next)(struct xw_store *, const char *, xw_store_epoch_fn, void *);
    int (*renew)(struct xw_store *, xw_store_renewed_fn, void *);
    int (*object)(struct xw_store *, const uint8_t *, struct xw_store_object *);
    int (*object_write)(struct xw_store *, const struct store_object_part *, xw_store_object_fn,
                        void *);
    int (*object_read)(struct xw_store *, const uint8_t *, uint64_t, size_t, xw_store_bytes_fn,
                       void *);
    int (*object_import)(struct xw_store *, const char *, const char *, xw_store_object_fn, void *);
    int (*object_remove)(struct xw_store *, const uint8_t *, xw_store_status_fn, void *);
    void (*beside)(struct xw_store *, uint64_t); /* NULL: no limit is kept */
    int (*backup)(struct xw_store *, const char *, xw_store_status_fn, void *);
    int (*compact)(struct xw_store *, xw_store_status_fn, void *);
    int (*keep)(struct xw_store *, const struct xw_uuid *, struct xw_range);
    void (*stats)(const struct xw_store *, struct xw_store_stats *);
};

struct xw_store {
    const struct store_ops *ops;
    struct xw_loop *loop;
    struct xw_store_config config;
    struct xw_store_watch watch;
    struct xw_uuid id;
    const struct xw_vault *vault;
};

#endif
