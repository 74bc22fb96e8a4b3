/* What the store's tests share: a loop, a store of either kind, requests that wait for their
 * answer, and samples that are a function of stream, index and variant.
 *
 * Threads: one. */
#ifndef XW_TESTS_STORE_SUPPORT_H
#define XW_TESTS_STORE_SUPPORT_H

#include <sqlite3.h>

#include "store/store.h"

enum ts_kind { TS_MEMORY, TS_SQLITE };

struct ts {
    enum ts_kind kind;
    struct xw_loop *loop;
    struct xw_store *store;
    struct xw_store_config config;
    char dir[256], key_file[300];
    /* the watch */
    unsigned conflicts, unreadable, low, full, ok;
    struct xw_range last_unreadable;
    enum xw_store_space last_space;
};

/* A folder of its own below TMPDIR; the key file, the same everywhere, lies beside it. */
void ts_init(struct ts *ts, enum ts_kind kind);
void ts_open(struct ts *ts);
int ts_try_open(struct ts *ts);
void ts_close(struct ts *ts);
void ts_reopen(struct ts *ts); /* the model keeps what it has */
void ts_done(struct ts *ts);   /* closes and removes the folder */
void ts_remove(const char *dir);
/* A file that can be imported: encrypted where the store is. */
void ts_write_file(const struct ts *ts, const char *path, const void *data, size_t n);
/* One of the store's databases, from outside. */
struct ts_db {
    sqlite3 *db;
    struct xw_vault *vault;
    struct sq_vfs *vfs;
};
void ts_db_open(const char *dir, const char *name, struct ts_db *ret_db);
void ts_db_close(struct ts_db *db);
/* Runs the loop once. */
void ts_spin(struct ts *ts);

/* Streams are told by a small number; channels and rate follow from it. */
struct xw_uuid ts_stream(unsigned n);
unsigned ts_channels(unsigned n);
/* malloc'd. */
void *ts_header(unsigned n, size_t *ret_size);
int32_t ts_sample(unsigned n, uint64_t index, unsigned channel, unsigned variant);
/* `to` samples from first on; those of index >= twist are of variant 1 + variant. */
void ts_add_block(struct xw_store_batch *batch, unsigned n, uint64_t first, uint32_t count,
                  unsigned variant);
void ts_add_stream(struct xw_store_batch *batch, unsigned n);
void ts_add_gap(struct xw_store_batch *batch, unsigned n, uint64_t first, uint64_t end,
                uint32_t reason);
struct xw_store_batch *ts_batch(struct ts *ts);

struct xw_store_done ts_append(struct ts *ts, struct xw_store_batch *batch);
/* One batch each. */
struct xw_store_done ts_put_stream(struct ts *ts, unsigned n);
struct xw_store_done ts_put_block(struct ts *ts, unsigned n, uint64_t first, uint32_t count,
                                  unsigned variant);
struct xw_store_done ts_put_gap(struct ts *ts, unsigned n, uint64_t first, uint64_t end,
                                uint32_t reason);
int ts_compact(struct ts *ts);
int ts_backup(struct ts *ts, const char *dir);
uint64_t ts_epoch(struct ts *ts, const char *owner);

/* An answer, copied. */
struct ts_samples {
    int status;
    struct xw_store_block *blocks;
    size_t blocks_n;
    struct xw_store_gap *gaps;
    size_t gaps_n;
    struct xw_ranges unknown;
    uint64_t next;
};
void ts_read(struct ts *ts, unsigned n, uint64_t first, uint64_t end, size_t max_bytes,
             struct ts_samples *ret);
void ts_samples_done(struct ts_samples *samples);
/* Every sample of [first, end) is there once with the values of the variant. */
void ts_expect(struct ts *ts, unsigned n, uint64_t first, uint64_t end, unsigned variant);

struct ts_records {
    int status;
    struct xw_store_record *records;
    uint64_t *seqs;
    size_t records_n;
    bool more;
};
void ts_collect(void *user, const struct xw_store_records *records);
/* Waits for the answer of a question whose callback was ts_collect with this user. */
void ts_wait_records(struct ts *ts, int asked, struct ts_records *records);
void ts_records_done(struct ts_records *records);

struct xw_ranges ts_ranges(const struct xw_ranges *from);
uint64_t ts_seed(void); /* XW_SEED, or drawn; printed */
uint32_t ts_random(uint64_t *state);

#endif
