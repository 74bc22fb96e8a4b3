/* Helpers of the store's tests. */
#include "support.h"

#include "base/block.h"
#include "base/file.h"
#include "base/loop.h"
#include "proto/signal.pb-c.h"
#include "store/sq_vfs.h"
#include "vault/sealed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <uv.h>

enum { MAX_COUNT = 8192 };

/* ---- life ---- */

static void on_space(void *user, enum xw_store_space space, uint64_t free_bytes)
{
    struct ts *ts = user;
    (void)free_bytes;
    ts->last_space = space;
    if (space == XW_SPACE_LOW)
        ts->low++;
    else if (space == XW_SPACE_FULL)
        ts->full++;
    else
        ts->ok++;
}

static void on_conflict(void *user, const struct xw_uuid *stream, struct xw_range range)
{
    (void)stream;
    (void)range;
    ((struct ts *)user)->conflicts++;
}

static void on_unreadable(void *user, const struct xw_uuid *stream, struct xw_range range,
                          const char *text)
{
    struct ts *ts = user;
    (void)stream;
    (void)text;
    ts->unreadable++;
    ts->last_unreadable = range;
}

/* One key for every folder: a copy, or the same folder in another process, opens with it too. */
static void put_key(const char *dir, char *ret_path, size_t cap)
{
    static const char text[] = "xinwang-key 1 0000002a "
                               "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    (void)snprintf(ret_path, cap, "%s.key", dir);
    /* What fails here is seen when the store is opened. */
    if (access(ret_path, F_OK) < 0)
        (void)!xw_file_write_atomic(ret_path, text, sizeof text - 1, 0600);
}

void ts_init(struct ts *ts, enum ts_kind kind)
{
    const char *tmp = getenv("TMPDIR");
    *ts = (struct ts){.kind = kind};
    assert_int_equal(xw_loop_new(NULL, &ts->loop), 0);
    (void)snprintf(ts->dir, sizeof ts->dir, "%s/xw-store-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(ts->dir));
    put_key(ts->dir, ts->key_file, sizeof ts->key_file);
    ts->config = (struct xw_store_config){.dir = ts->dir,
                                          .key_file = ts->key_file,
                                          .low_bytes = 1 << 20,
                                          .queue_bytes = 32 << 20,
                                          .readers_n = 2};
}

int ts_try_open(struct ts *ts)
{
    if (ts->config.dir != NULL)
        put_key(ts->config.dir, ts->key_file, sizeof ts->key_file);
    if (ts->config.key_file == NULL)
        ts->config.key_file = ts->key_file;
    struct xw_store_watch watch = {.user = ts,
                                   .on_space = on_space,
                                   .on_conflict = on_conflict,
                                   .on_unreadable = on_unreadable};
    return ts->kind == TS_SQLITE ? xw_store_open_sqlite(ts->loop, &ts->config, &watch, &ts->store)
                                 : xw_store_open_memory(ts->loop, &ts->config, &watch, &ts->store);
}

void ts_open(struct ts *ts)
{
    assert_int_equal(ts_try_open(ts), 0);
}

void ts_spin(struct ts *ts)
{
    (void)uv_run(xw_loop_uv(ts->loop), UV_RUN_ONCE);
}

static void set_flag(void *user)
{
    *(bool *)user = true;
}

static void wait_for(struct ts *ts, const bool *flag)
{
    while (!*flag)
        ts_spin(ts);
}

void ts_close(struct ts *ts)
{
    bool closed = false;
    xw_store_close(ts->store, set_flag, &closed);
    wait_for(ts, &closed);
    ts->store = NULL;
}

void ts_reopen(struct ts *ts)
{
    if (ts->kind == TS_MEMORY)
        return;
    ts_close(ts);
    ts_open(ts);
}

void ts_remove(const char *dir)
{
    DIR *folder = opendir(dir);
    if (folder == NULL)
        return;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char path[1024];
        struct stat st;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
            ts_remove(path);
        else
            (void)unlink(path);
    }
    (void)closedir(folder);
    (void)rmdir(dir);
}

void ts_done(struct ts *ts)
{
    if (ts->store != NULL)
        ts_close(ts);
    xw_loop_free(ts->loop);
    ts_remove(ts->dir);
    (void)unlink(ts->key_file);
}

/* ---- files ---- */

void ts_write_file(const struct ts *ts, const char *path, const void *data, size_t n)
{
    const struct xw_vault *vault = xw_store_vault(ts->store);
    struct xw_sealed sealed;
    if (vault == NULL) {
        assert_int_equal(xw_file_write_atomic(path, data, n, 0600), 0);
        return;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(xw_sealed_begin(vault, fd, &sealed), 0);
    assert_int_equal(xw_sealed_pwrite(&sealed, fd, 0, data, n), 0);
    assert_int_equal(close(fd), 0);
}

void ts_db_open(const char *dir, const char *name, struct ts_db *ret_db)
{
    char path[600], key_file[600];
    put_key(dir, key_file, sizeof key_file);
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    assert_int_equal(xw_vault_open(dir, key_file, XW_VAULT_READER, &ret_db->vault), 0);
    assert_int_equal(sq_vfs_new(ret_db->vault, &ret_db->vfs), 0);
    assert_int_equal(
        sqlite3_open_v2(path, &ret_db->db, SQLITE_OPEN_READWRITE, sq_vfs_name(ret_db->vfs)),
        SQLITE_OK);
    assert_int_equal(sq_vfs_prepare(ret_db->db), 0);
    /* A store that is open at the same time may be writing just now. */
    assert_int_equal(sqlite3_busy_timeout(ret_db->db, 10000), SQLITE_OK);
}

void ts_db_close(struct ts_db *db)
{
    (void)sqlite3_close(db->db);
    sq_vfs_free(db->vfs);
    xw_vault_free(db->vault);
}

/* ---- what is appended ---- */

struct xw_uuid ts_stream(unsigned n)
{
    struct xw_uuid id = {{0x01, 0x8f, 0, 0, 0, 0, 0x70, 0, 0x80}};
    id.b[14] = (uint8_t)(n >> 8);
    id.b[15] = (uint8_t)n;
    return id;
}

unsigned ts_channels(unsigned n)
{
    return 1 + n % 3;
}

void *ts_header(unsigned n, size_t *ret_size)
{
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    Xw__Fraction rate = XW__FRACTION__INIT;
    Xw__Channel channels[3], *list[3];
    struct xw_uuid id = ts_stream(n);
    rate.num = 500;
    rate.den = 1;
    for (unsigned i = 0; i < ts_channels(n); i++) {
        xw__channel__init(&channels[i]);
        list[i] = &channels[i];
    }
    header.stream_id = (ProtobufCBinaryData){XW_UUID_N_BYTES, id.b};
    header.rate = &rate;
    header.channels = list;
    header.n_channels = ts_channels(n);
    *ret_size = xw__stream_header__get_packed_size(&header);
    void *bytes = malloc(*ret_size);
    assert_non_null(bytes);
    (void)xw__stream_header__pack(&header, bytes);
    return bytes;
}

int32_t ts_sample(unsigned n, uint64_t index, unsigned channel, unsigned variant)
{
    uint32_t h = (uint32_t)index * 2654435761U + n * 40503U + channel * 9176U + variant * 77777U;
    h ^= h >> 15;
    return (int32_t)(h % 4001U) - 2000;
}

void ts_add_block(struct xw_store_batch *batch, unsigned n, uint64_t first, uint32_t count,
                  unsigned variant)
{
    static int32_t x[MAX_COUNT * 3];
    static uint8_t data[MAX_COUNT * 3 * 5];
    unsigned width = ts_channels(n);
    assert_true(count <= MAX_COUNT);
    for (uint32_t i = 0; i < count; i++)
        for (unsigned c = 0; c < width; c++)
            x[i * width + c] = ts_sample(n, first + i, c, variant);
    int size = xw_block_encode(XW_CODING_DELTA, x, width, count, data, sizeof data);
    assert_true(size > 0);
    struct xw_store_block block = {.stream = ts_stream(n),
                                   .first = first,
                                   .count = count,
                                   .crc32c = xw_block_crc(x, width, count),
                                   .data = data,
                                   .size = (size_t)size};
    assert_int_equal(xw_store_batch_block(batch, &block), 0);
}

void ts_add_stream(struct xw_store_batch *batch, unsigned n)
{
    size_t size;
    void *header = ts_header(n, &size);
    struct xw_uuid id = ts_stream(n);
    assert_int_equal(xw_store_batch_stream(batch, &id, header, size), 0);
    free(header);
}

void ts_add_gap(struct xw_store_batch *batch, unsigned n, uint64_t first, uint64_t end,
                uint32_t reason)
{
    struct xw_store_gap gap = {ts_stream(n), {first, end}, reason};
    assert_int_equal(xw_store_batch_gap(batch, &gap), 0);
}

struct xw_store_batch *ts_batch(struct ts *ts)
{
    struct xw_store_batch *batch = NULL;
    assert_int_equal(xw_store_batch_new(ts->store, &batch), 0);
    return batch;
}

/* ---- requests that wait ---- */

struct waiting {
    bool over;
    int status;
    uint64_t number;
    struct xw_store_done done;
};

static void on_done(void *user, const struct xw_store_done *done)
{
    struct waiting *waiting = user;
    waiting->done = *done;
    waiting->over = true;
}

static void on_status(void *user, int status)
{
    struct waiting *waiting = user;
    waiting->status = status;
    waiting->over = true;
}

static void on_epoch(void *user, int status, uint64_t epoch)
{
    struct waiting *waiting = user;
    waiting->status = status;
    waiting->number = epoch;
    waiting->over = true;
}

struct xw_store_done ts_append(struct ts *ts, struct xw_store_batch *batch)
{
    struct waiting waiting = {.over = false};
    assert_int_equal(xw_store_append(ts->store, batch, on_done, &waiting), 0);
    assert_false(waiting.over); /* never from within the call */
    wait_for(ts, &waiting.over);
    return waiting.done;
}

struct xw_store_done ts_put_stream(struct ts *ts, unsigned n)
{
    struct xw_store_batch *batch = ts_batch(ts);
    ts_add_stream(batch, n);
    return ts_append(ts, batch);
}

struct xw_store_done ts_put_block(struct ts *ts, unsigned n, uint64_t first, uint32_t count,
                                  unsigned variant)
{
    struct xw_store_batch *batch = ts_batch(ts);
    ts_add_block(batch, n, first, count, variant);
    return ts_append(ts, batch);
}

struct xw_store_done ts_put_gap(struct ts *ts, unsigned n, uint64_t first, uint64_t end,
                                uint32_t reason)
{
    struct xw_store_batch *batch = ts_batch(ts);
    ts_add_gap(batch, n, first, end, reason);
    return ts_append(ts, batch);
}

int ts_compact(struct ts *ts)
{
    struct waiting waiting = {.over = false};
    assert_int_equal(xw_store_compact(ts->store, on_status, &waiting), 0);
    wait_for(ts, &waiting.over);
    return waiting.status;
}

int ts_backup(struct ts *ts, const char *dir)
{
    struct waiting waiting = {.over = false};
    assert_int_equal(xw_store_backup(ts->store, dir, on_status, &waiting), 0);
    wait_for(ts, &waiting.over);
    return waiting.status;
}

uint64_t ts_epoch(struct ts *ts, const char *owner)
{
    struct waiting waiting = {.over = false};
    assert_int_equal(xw_store_epoch_next(ts->store, owner, on_epoch, &waiting), 0);
    wait_for(ts, &waiting.over);
    assert_int_equal(waiting.status, 0);
    return waiting.number;
}

/* ---- reading ---- */

struct reading {
    bool over;
    struct ts_samples *ret;
};

static void *copy(const void *data, size_t size)
{
    void *bytes = malloc(size + 1);
    assert_non_null(bytes);
    if (size > 0)
        memcpy(bytes, data, size);
    return bytes;
}

struct xw_ranges ts_ranges(const struct xw_ranges *from)
{
    struct xw_ranges set;
    xw_ranges_init(&set, 1 << 20);
    assert_int_equal(xw_ranges_copy(from, &set), 0);
    return set;
}

static void on_samples(void *user, const struct xw_store_samples *samples)
{
    struct reading *reading = user;
    struct ts_samples *ret = reading->ret;
    *ret = (struct ts_samples){.status = samples->status,
                               .blocks_n = samples->blocks_n,
                               .gaps_n = samples->gaps_n,
                               .next = samples->next};
    ret->blocks = copy(samples->blocks, samples->blocks_n * sizeof *ret->blocks);
    ret->gaps = copy(samples->gaps, samples->gaps_n * sizeof *ret->gaps);
    for (size_t i = 0; i < ret->blocks_n; i++)
        ret->blocks[i].data = copy(ret->blocks[i].data, ret->blocks[i].size);
    ret->unknown = ts_ranges(samples->unknown);
    reading->over = true;
}

void ts_read(struct ts *ts, unsigned n, uint64_t first, uint64_t end, size_t max_bytes,
             struct ts_samples *ret)
{
    struct reading reading = {.ret = ret};
    struct xw_uuid id = ts_stream(n);
    int r = xw_store_read(ts->store, &id, (struct xw_range){first, end}, max_bytes, on_samples,
                          &reading);
    assert_int_equal(r, 0);
    wait_for(ts, &reading.over);
}

void ts_samples_done(struct ts_samples *samples)
{
    for (size_t i = 0; i < samples->blocks_n; i++)
        free((void *)(uintptr_t)samples->blocks[i].data);
    free(samples->blocks);
    free(samples->gaps);
    xw_ranges_done(&samples->unknown);
}

static void expect_block(unsigned n, const struct xw_store_block *block, unsigned variant)
{
    static int32_t x[MAX_COUNT * 3];
    unsigned width = ts_channels(n);
    assert_true(block->count <= MAX_COUNT);
    assert_int_equal(xw_block_decode((enum xw_coding)block->coding, block->data, block->size, width,
                                     block->count, x),
                     0);
    assert_int_equal(xw_block_crc(x, width, block->count), block->crc32c);
    for (uint32_t i = 0; i < block->count; i++)
        for (unsigned c = 0; c < width; c++)
            assert_int_equal(x[i * width + c], ts_sample(n, block->first + i, c, variant));
}

void ts_expect(struct ts *ts, unsigned n, uint64_t first, uint64_t end, unsigned variant)
{
    struct ts_samples samples;
    uint64_t at = first;
    while (at < end) {
        ts_read(ts, n, at, end, 100000, &samples);
        assert_int_equal(samples.status, 0);
        assert_int_equal(samples.gaps_n, 0);
        assert_int_equal(samples.unknown.n, 0);
        for (size_t i = 0; i < samples.blocks_n; i++) {
            const struct xw_store_block *block = &samples.blocks[i];
            assert_true(block->first <= at && block->first + block->count > at);
            expect_block(n, block, variant);
            at = block->first + block->count;
        }
        assert_true(samples.next == end ? at >= end : at == samples.next);
        ts_samples_done(&samples);
    }
}

/* ---- records ---- */

struct collecting {
    struct ts_records *ret;
};

void ts_collect(void *user, const struct xw_store_records *records)
{
    struct ts_records *ret = user;
    ret->records_n = records->records_n;
    ret->more = records->more;
    ret->records = copy(records->records, records->records_n * sizeof *ret->records);
    ret->seqs = copy(records->seqs, records->records_n * sizeof *ret->seqs);
    for (size_t i = 0; i < ret->records_n; i++) {
        struct xw_store_record *record = &ret->records[i];
        record->key = copy(record->key, record->key_size);
        record->body = copy(record->body, record->body_size);
        record->origin = copy(record->origin, strlen(record->origin) + 1);
    }
    ret->status = records->status;
}

void ts_wait_records(struct ts *ts, int asked, struct ts_records *records)
{
    assert_int_equal(asked, 0);
    while (records->status == 1)
        ts_spin(ts);
}

void ts_records_done(struct ts_records *records)
{
    for (size_t i = 0; i < records->records_n; i++) {
        free((void *)(uintptr_t)records->records[i].key);
        free((void *)(uintptr_t)records->records[i].body);
        free((void *)(uintptr_t)records->records[i].origin);
    }
    free(records->records);
    free(records->seqs);
}

uint64_t ts_seed(void)
{
    uint64_t seed = 0;
    const char *text = getenv("XW_SEED");
    if (text != NULL)
        seed = strtoull(text, NULL, 0);
    else if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed)
        seed = (uint64_t)time(NULL);
    print_message("XW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

uint32_t ts_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (uint32_t)(*state >> 33);
}
