/* Units of segments: blocks that are coded together and come back byte for byte; damage; and days
 * that are re-coded when they are over, while they are read. XW_SEED sets the seed. */
#include "days.h"

#include "base/block.h"
#include "base/crc32c.h"
#include "store/sq_day.h"
#include "store/sq_fetch.h"
#include "store/sq_unit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { CHANNELS_MAX = 12, BLOCKS_MAX = 400, RAW_MAX = 8 << 20 };

/* Blocks of one stream, one after the other but for some holes. */
struct blocks {
    struct store_shape shape;
    struct sq_entry entries[BLOCKS_MAX];
    size_t n, raw_n;
    uint8_t *raw;
    int32_t *x; /* of the block that is made */
};

static void blocks_init(struct blocks *b, uint32_t channels_n, double rate_hz)
{
    *b = (struct blocks){.shape = {channels_n, rate_hz}};
    b->raw = malloc(RAW_MAX);
    b->x = malloc(XW_BLOCK_VALUES_MAX * sizeof *b->x);
    assert_true(b->raw != NULL && b->x != NULL);
}

static void blocks_done(struct blocks *b)
{
    free(b->raw);
    free(b->x);
}

/* A wave with some noise; noise_bits 32: anything at all. */
static void add(struct blocks *b, uint64_t first, uint32_t count, enum xw_coding coding,
                unsigned noise_bits, uint64_t *random)
{
    uint32_t width = b->shape.channels_n;
    for (size_t i = 0; i < (size_t)count * width; i++) {
        uint64_t t = first + i / width;
        int32_t wave = (int32_t)(t % 700) - (int32_t)(t % 90) * (int32_t)(i % width);
        uint32_t noise = noise_bits == 0 ? 0 : ts_random(random) >> (32 - noise_bits);
        b->x[i] = (int32_t)((uint32_t)wave + noise);
    }
    uint8_t *to = b->raw + b->raw_n;
    int n = xw_block_encode(coding, b->x, width, count, to, RAW_MAX - b->raw_n);
    assert_true(n > 0 && b->n < BLOCKS_MAX);
    b->entries[b->n++] = (struct sq_entry){.first = first,
                                           .count = count,
                                           .coding = coding,
                                           .crc32c = xw_block_crc(b->x, width, count),
                                           .sum = xw_crc32c(0, to, (size_t)n),
                                           .offset = (uint32_t)b->raw_n,
                                           .size = (uint32_t)n};
    b->raw_n += (size_t)n;
}

static void pack(const struct blocks *b, struct sq_entry *ret_entries, struct xw_buf *ret_data)
{
    struct sq_packer *packer = NULL;
    memcpy(ret_entries, b->entries, b->n * sizeof *ret_entries);
    xw_buf_init(ret_data, RAW_MAX * 2);
    assert_int_equal(sq_packer_new(&packer), 0);
    assert_int_equal(sq_pack(packer, &b->shape, ret_entries, b->n, b->raw, ret_data), 0);
    sq_packer_free(packer);
}

/* Opens one packed block by itself. */
static bool comes_back(const struct blocks *b, const struct sq_entry *packed, size_t i,
                       const struct xw_buf *data)
{
    const struct sq_entry *e = &packed[i];
    const uint8_t *was = b->raw + b->entries[i].offset;
    assert_int_equal(e->size, b->entries[i].size);
    if (e->unit_count == 0)
        return memcmp(data->data + e->offset, was, e->size) == 0;
    uint8_t *to = malloc(e->size);
    struct sq_want want = {.entry = e, .to = to};
    assert_non_null(to);
    assert_int_equal(sq_unit_open(b->shape.channels_n, data->data + e->offset, &want, 1), 0);
    bool same = !want.bad && memcmp(to, was, e->size) == 0;
    assert_true(want.bad || same); /* never anything else */
    free(to);
    return same;
}

static size_t units_n(const struct sq_entry *entries, size_t n)
{
    size_t units = 0;
    for (size_t i = 0; i < n; i++)
        units +=
            entries[i].unit_count != 0 && (i == 0 || entries[i].offset != entries[i - 1].offset);
    return units;
}

static void expect_directory(const struct blocks *b, const struct sq_entry *packed,
                             const struct xw_buf *data)
{
    struct xw_buf dir;
    struct sq_entry *again = NULL;
    size_t n = 0;
    xw_buf_init(&dir, 1 << 20);
    assert_int_equal(sq_dir_encode(packed, b->n, true, packed[0].first, &dir), 0);
    assert_int_equal(sq_dir_decode(dir.data, dir.n, true, packed[0].first, data->n, &again, &n), 0);
    assert_int_equal(n, b->n);
    for (size_t i = 0; i < n; i++) {
        const struct sq_entry *x = &again[i], *y = &packed[i];
        assert_true(x->first == y->first && x->count == y->count && x->coding == y->coding &&
                    x->crc32c == y->crc32c && x->sum == y->sum && x->offset == y->offset &&
                    x->size == y->size && x->unit_count == y->unit_count &&
                    x->unit_size == y->unit_size && x->unit_first == y->unit_first);
    }
    free(again);
    /* a byte more or less of data does not fit the directory */
    assert_int_equal(sq_dir_decode(dir.data, dir.n, true, packed[0].first, data->n + 1, &again, &n),
                     -EBADMSG);
    xw_buf_done(&dir);
}

static void blocks_of_any_cut_come_back_byte_for_byte(void **state)
{
    (void)state;
    uint64_t random = ts_seed();
    static const double rates[] = {4, 250, 500, 1000, 100000};
    static struct sq_entry packed[BLOCKS_MAX];
    for (unsigned round = 0; round < 40; round++) {
        struct blocks b;
        struct xw_buf data;
        uint64_t at = ts_random(&random) % 3 ? ts_random(&random) : (1ULL << 62);
        blocks_init(&b, 1 + ts_random(&random) % CHANNELS_MAX, rates[ts_random(&random) % 5]);
        unsigned longest = 1 + ts_random(&random) % 600;
        size_t n = 1 + ts_random(&random) % 60;
        for (size_t i = 0; i < n; i++) {
            uint32_t count = 1 + ts_random(&random) % longest;
            enum xw_coding coding = ts_random(&random) % 4 ? XW_CODING_DELTA : XW_CODING_INT24;
            at += ts_random(&random) % 10 ? 0 : ts_random(&random) % 1000;
            add(&b, at, count, coding, ts_random(&random) % 12, &random);
            at += count;
        }
        pack(&b, packed, &data);
        for (size_t i = 0; i < b.n; i++)
            assert_true(comes_back(&b, packed, i, &data));
        assert_true(data.n <= b.raw_n);
        expect_directory(&b, packed, &data);
        xw_buf_done(&data);
        blocks_done(&b);
    }
}

/* 60 s of 12 leads at 500 Hz in blocks of 200 ms. */
static void a_minute_is_six_units_and_much_smaller(void **state)
{
    (void)state;
    uint64_t random = 1;
    static struct sq_entry packed[BLOCKS_MAX];
    struct blocks b;
    struct xw_buf data;
    blocks_init(&b, 12, 500);
    for (uint64_t i = 0; i < 300; i++)
        add(&b, i * 100, 100, XW_CODING_DELTA, 3, &random);
    pack(&b, packed, &data);
    assert_int_equal(units_n(packed, b.n), 6);
    assert_true(data.n * 2 < b.raw_n);
    xw_buf_done(&data);
    blocks_done(&b);
}

static void what_does_not_get_smaller_stays_as_it_came(void **state)
{
    (void)state;
    uint64_t random = 7;
    static struct sq_entry packed[BLOCKS_MAX];
    struct blocks b;
    struct xw_buf data;
    blocks_init(&b, 2, 100);
    for (uint64_t i = 0; i < 20; i++)
        add(&b, i * 1000, 1000, XW_CODING_INT32, 32, &random);
    add(&b, 1ULL << 40, 8192 * 4 + 1, XW_CODING_DELTA, 2, &random); /* too long for a unit */
    pack(&b, packed, &data);
    assert_int_equal(units_n(packed, b.n), 0);
    for (size_t i = 0; i < b.n; i++)
        assert_true(comes_back(&b, packed, i, &data));
    xw_buf_done(&data);
    blocks_done(&b);
}

/* The limits of a block and of a unit; what is above the latter stays as it came. */
static void the_biggest_blocks_come_back(void **state)
{
    (void)state;
    static const struct {
        uint32_t channels_n, count;
        size_t units;
    } cases[] = {{64, 1024, 1}, {64, 1025, 0}, {64, 4096, 0}, {1, 65536, 1}, {4, 65536, 0}};
    uint64_t random = 3;
    static struct sq_entry packed[BLOCKS_MAX];
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct blocks b;
        struct xw_buf data;
        blocks_init(&b, cases[i].channels_n, 100000);
        add(&b, 5, cases[i].count, XW_CODING_DELTA, 3, &random);
        pack(&b, packed, &data);
        assert_int_equal(units_n(packed, 1), cases[i].units);
        assert_true(comes_back(&b, packed, 0, &data));
        if (cases[i].units > 0)
            expect_directory(&b, packed, &data);
        xw_buf_done(&data);
        blocks_done(&b);
    }
}

static void a_block_that_does_not_fit_its_crc_stays_as_it_came(void **state)
{
    (void)state;
    uint64_t random = 7;
    static struct sq_entry packed[BLOCKS_MAX];
    struct blocks b;
    struct xw_buf data;
    blocks_init(&b, 3, 500);
    for (uint64_t i = 0; i < 9; i++)
        add(&b, i * 125, 125, XW_CODING_DELTA, 3, &random);
    b.entries[4].crc32c ^= 1;
    pack(&b, packed, &data);
    for (size_t i = 0; i < b.n; i++) {
        assert_int_equal(packed[i].unit_count == 0, i == 4);
        assert_true(comes_back(&b, packed, i, &data));
    }
    xw_buf_done(&data);
    blocks_done(&b);
}

static void of_a_damaged_unit_what_lies_before_the_damage_comes_back(void **state)
{
    (void)state;
    uint64_t random = ts_seed();
    static struct sq_entry packed[BLOCKS_MAX];
    struct blocks b;
    struct xw_buf data;
    blocks_init(&b, 12, 500);
    for (uint64_t i = 0; i < 40; i++)
        add(&b, i * 125, 125, XW_CODING_DELTA, 3, &random);
    pack(&b, packed, &data);
    assert_int_equal(units_n(packed, b.n), 1);
    for (unsigned round = 0; round < 30; round++) {
        size_t at = ts_random(&random) % data.n, good = 0;
        data.data[at] ^= (uint8_t)(1 + ts_random(&random) % 255);
        for (size_t i = 0; i < b.n; i++)
            good += comes_back(&b, packed, i, &data); /* or nothing */
        assert_true(good < b.n && good + 6 > b.n * at / data.n);

        xw_buf_done(&data);
        pack(&b, packed, &data);
    }
    xw_buf_done(&data);
    blocks_done(&b);
}

/* ---- in the store ---- */

static uint64_t size_of(const struct ts *ts, const char *name)
{
    char path[512];
    struct stat st;
    ts_path(ts, name, path);
    assert_int_equal(stat(path, &st), 0);
    return (uint64_t)st.st_size;
}

static int64_t ask(const struct ts *ts, const char *name, const char *text)
{
    struct ts_db db;
    sqlite3_stmt *get = NULL;
    ts_db_open(ts->dir, name, &db);
    assert_int_equal(sqlite3_prepare_v2(db.db, text, -1, &get, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(get), SQLITE_ROW);
    int64_t value = sqlite3_column_int64(get, 0);
    (void)sqlite3_finalize(get);
    ts_db_close(&db);
    return value;
}

static void set_version(const struct ts *ts, const char *text)
{
    struct ts_db db;
    ts_db_open(ts->dir, "meta.db", &db);
    assert_int_equal(sqlite3_exec(db.db, text, NULL, NULL, NULL), SQLITE_OK);
    ts_db_close(&db);
}

static const char day_name[] = "day-20261121.db";
static const char plain_n[] = "SELECT count(*) FROM segment WHERE substr(dir, 1, 2) = x'5301'";
enum { STREAMS = 3, MANY = 120, EACH = 40 };

/* A day of segments as they came; *ret_bytes: of its file. */
static void a_day_as_it_came(struct ts *ts, uint64_t *ret_bytes)
{
    sq_set_pressure(0);
    ts_open(ts);
    for (unsigned from = 0; from < MANY; from += EACH) {
        for (unsigned n = 1; n <= STREAMS; n++)
            ts_put_blocks(ts, n, from, from + EACH);
        assert_int_equal(ts_compact(ts), 0);
    }
    sq_set_pressure(UINT64_MAX);
    ts_close(ts);
    *ret_bytes = size_of(ts, day_name);
    assert_int_equal(ask(ts, day_name, plain_n), MANY / EACH * STREAMS);
    ts_open(ts);
}

static void expect_day(struct ts *ts)
{
    for (unsigned n = 1; n <= STREAMS; n++)
        ts_expect(ts, n, 0, MANY * TS_COUNT, 0);
}

static void a_day_that_is_over_is_re_coded_and_sealed(void **state)
{
    struct ts *ts = *state;
    uint64_t before;
    a_day_as_it_came(ts, &before);
    expect_day(ts);
    xw_clock_fake_advance(&ts_wall, TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    expect_day(ts);
    ts_close(ts);
    assert_int_equal(ask(ts, day_name, plain_n), 0);
    assert_int_equal(ask(ts, "meta.db", "SELECT sealed FROM day"), 1);
    assert_true(size_of(ts, day_name) < before);
    /* the index knows what is there now */
    assert_int_equal(ask(ts, "meta.db", "SELECT bytes FROM day"),
                     ask(ts, day_name, "SELECT sum(length(dir) + length(data)) FROM segment"));
    assert_int_equal(ask(ts, "meta.db", "SELECT sum(bytes) FROM segment"),
                     ask(ts, "meta.db", "SELECT bytes FROM day"));
    ts_open(ts);
    expect_day(ts);
    assert_int_equal(ts->unreadable, 0);
}

struct over {
    bool over;
    int status;
};

static void on_status(void *user, int status)
{
    *(struct over *)user = (struct over){true, status};
}

static void a_day_is_read_while_it_is_re_coded(void **state)
{
    struct ts *ts = *state;
    uint64_t before;
    struct over over = {.over = false};
    a_day_as_it_came(ts, &before);
    xw_clock_fake_advance(&ts_wall, TS_DAY_US);
    assert_int_equal(xw_store_compact(ts->store, on_status, &over), 0);
    unsigned reads = 0;
    for (; !over.over; reads++)
        expect_day(ts);
    assert_int_equal(over.status, 0);
    expect_day(ts);
    assert_int_equal(ts->unreadable, 0);
    print_message("read %u times meanwhile\n", reads);
}

enum { DAYS = 6, DAY_BLOCKS = 10 };

/* Six days of one stream: all but the first one re-coded and sealed. */
static void one_day_as_it_came_before_five_others(struct ts *ts)
{
    ts_open(ts);
    for (unsigned day = 1; day < DAYS; day++) {
        xw_clock_fake_advance(&ts_wall, TS_DAY_US);
        ts_put_blocks(ts, 1, day * DAY_BLOCKS, (day + 1) * DAY_BLOCKS);
        assert_int_equal(ts_compact(ts), 0);
    }
    xw_clock_fake_advance(&ts_wall, TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    xw_clock_fake_advance(&ts_wall, -DAYS * TS_DAY_US);
    sq_set_pressure(0);
    ts_put_blocks(ts, 1, 0, DAY_BLOCKS);
    assert_int_equal(ts_compact(ts), 0);
    sq_set_pressure(UINT64_MAX);
    xw_clock_fake_advance(&ts_wall, DAYS * TS_DAY_US);
}

/* A read of more days than it keeps open: the first one is re-coded between directory and bytes. */
static void what_is_re_coded_under_a_read_is_not_taken_for_damage(void **state)
{
    struct ts *ts = *state;
    one_day_as_it_came_before_five_others(ts);
    const struct sq_store *store = sq_of(ts->store);
    struct sq_conn conn;
    struct sq_fetch fetch;
    struct xw_range all = {0, DAYS * DAY_BLOCKS * TS_COUNT};
    assert_int_equal(sq_conn_open(&conn, store->vfs, store->meta_path, false), 0);
    sq_fetch_init(&fetch, sq_of(ts->store), &conn, store->streams[0]);
    assert_int_equal(sq_fetch_find(&fetch, store->streams[0]->span_max, all, SIZE_MAX), 0);
    assert_int_equal(fetch.refs_n, DAYS * DAY_BLOCKS);
    assert_int_equal(fetch.refs[0].entry.unit_count, 0);
    assert_int_equal(ts_compact(ts), 0);

    uint8_t *bytes = malloc(fetch.refs[0].entry.size);
    assert_non_null(bytes);
    assert_int_equal(sq_fetch_stored(&fetch, &fetch.refs[0], bytes), -ESTALE);
    for (unsigned i = 0; i < DAY_BLOCKS; i++) { /* the writer's look finds where it is now */
        free(bytes);
        bytes = malloc(fetch.refs[i].entry.size);
        assert_non_null(bytes);
        assert_int_equal(sq_fetch_bytes(&fetch, &fetch.refs[i], bytes), 0);
        assert_int_equal(xw_crc32c(0, bytes, fetch.refs[i].entry.size), fetch.refs[i].entry.sum);
    }
    free(bytes);
    sq_fetch_done(&fetch);
    sq_conn_close(&conn);
    ts_expect(ts, 1, all.first, all.end, 0);
    assert_int_equal(ts->unreadable, 0);
}

static void a_damaged_block_stays_damaged_and_alone(void **state)
{
    struct ts *ts = *state;
    uint64_t before;
    struct ts_db db;
    a_day_as_it_came(ts, &before);
    ts_close(ts);
    ts_db_open(ts->dir, day_name, &db);
    assert_int_equal(
        sqlite3_exec(db.db,
                     "UPDATE segment SET data = CAST(substr(data, 1, 300) || x'5a5a5a5a' ||"
                     " substr(data, 305) AS BLOB) WHERE id = 2",
                     NULL, NULL, NULL),
        SQLITE_OK);
    ts_db_close(&db);
    ts_open(ts);
    xw_clock_fake_advance(&ts_wall, TS_DAY_US);
    assert_int_equal(ts_compact(ts), 0);
    assert_int_equal(ts_gap_samples(ts, 2, MANY * TS_COUNT, 4), TS_COUNT);
    while (ts->unreadable < 1)
        ts_spin(ts);
    assert_int_equal(ts->unreadable, 1);
    ts_expect(ts, 1, 0, MANY * TS_COUNT, 0);
    ts_expect(ts, 3, 0, MANY * TS_COUNT, 0);
}

/* The block that a segment begins with is lost, comes again, and gets a segment of its own. */
static void begin_again(struct ts *ts, int64_t later_us)
{
    uint64_t before;
    struct ts_db db;
    a_day_as_it_came(ts, &before);
    ts_close(ts);
    ts_db_open(ts->dir, day_name, &db);
    assert_int_equal(
        sqlite3_exec(db.db,
                     "UPDATE segment SET data = CAST(x'5a5a5a5a' || substr(data, 5) AS BLOB)"
                     " WHERE id = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    ts_db_close(&db);
    ts_open(ts);
    assert_int_equal(ts_gap_samples(ts, 1, MANY * TS_COUNT, 4), TS_COUNT);
    while (ts->unreadable < 1)
        ts_spin(ts);
    xw_clock_fake_advance(&ts_wall, later_us);
    ts_put_blocks(ts, 1, 0, 1);
    /* another read had found the same, and says so late */
    sq_mark_unreadable(sq_of(ts->store), 1, (struct xw_range){0, TS_COUNT}, 0, NULL, 0);
    ts_put_blocks(ts, 2, MANY, MANY + 1);
    ts_expect(ts, 1, 0, MANY * TS_COUNT, 0);
    assert_int_equal(ts_compact(ts), 0);
    ts_expect(ts, 1, 0, MANY * TS_COUNT, 0);
    ts_close(ts);
    ts_open(ts);
    ts_expect(ts, 1, 0, MANY * TS_COUNT, 0);
    assert_int_equal(ts->unreadable, 1);
    ts_close(ts); /* every segment is in the index once, with its bytes */
    assert_int_equal(ask(ts, "meta.db", "SELECT sum(bytes) FROM segment"),
                     ask(ts, "meta.db", "SELECT sum(bytes) FROM day"));
    ts_open(ts);
}

static void the_first_block_of_a_segment_comes_again(void **state)
{
    begin_again(*state, 0);
}

static void the_first_block_of_a_segment_comes_again_another_day(void **state)
{
    begin_again(*state, TS_DAY_US);
}

/* Twenty blocks out of the middle of units, asked for in any pieces. */
static void any_piece_of_a_unit_can_be_read(void **state)
{
    struct ts *ts = *state;
    uint64_t random = ts_seed();
    ts_open(ts);
    for (unsigned n = 1; n <= STREAMS; n++)
        ts_put_blocks(ts, n, 0, MANY);
    assert_int_equal(ts_compact(ts), 0);
    for (unsigned i = 0; i < 60; i++) {
        uint64_t first = ts_random(&random) % (MANY * TS_COUNT);
        uint64_t end = first + 1 + ts_random(&random) % (MANY * TS_COUNT - first);
        size_t max_bytes = ts_random(&random) % 4000;
        struct ts_samples got;
        ts_read(ts, 1 + i % STREAMS, first, end, max_bytes, &got);
        assert_int_equal(got.status, 0);
        assert_true(got.blocks_n > 0 && got.unknown.n == 0 && got.gaps_n == 0);
        assert_int_equal(got.blocks[0].first, first / TS_COUNT * TS_COUNT);
        size_t bytes = 0;
        for (size_t k = 0; k < got.blocks_n; k++)
            bytes += got.blocks[k].size;
        assert_true(got.blocks_n == 1 || bytes <= max_bytes);
        ts_samples_done(&got);
        ts_expect(ts, 1 + i % STREAMS, first, end, 0);
    }
}

/* A program that would take units for damage does not open the store; we open what it made. */
static void a_store_of_the_version_before_is_taken_over(void **state)
{
    struct ts *ts = *state;
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 10);
    ts_close(ts);
    assert_int_equal(ask(ts, "meta.db", "PRAGMA user_version"), 2);
    set_version(ts, "PRAGMA user_version = 1");
    ts_open(ts);
    ts_expect(ts, 1, 0, 10 * TS_COUNT, 0);
    ts_close(ts);
    assert_int_equal(ask(ts, "meta.db", "PRAGMA user_version"), 2);
    set_version(ts, "PRAGMA user_version = 3");
    assert_int_equal(ts_try_open(ts), -EPROTO);
    ts->store = NULL;
}

/* Who reads on from where an answer ended finds a unit's beginning. */
static void an_answer_that_is_cut_ends_between_two_units(void **state)
{
    struct ts *ts = *state;
    ts_open(ts);
    ts_put_blocks(ts, 1, 0, 3 * 50); /* 10 s are 50 blocks */
    assert_int_equal(ts_compact(ts), 0);
    struct ts_samples got;
    ts_read(ts, 1, 0, 15000, SIZE_MAX, &got);
    size_t unit = 0;
    for (size_t i = 0; i < 50; i++)
        unit += got.blocks[i].size;
    ts_samples_done(&got);
    ts_read(ts, 1, 1000, 15000, unit * 3 / 2, &got);
    assert_int_equal(got.next, 5000);
    ts_samples_done(&got);
    ts_read(ts, 1, got.next, 15000, unit * 3 / 2, &got);
    assert_int_equal(got.next, 10000);
    ts_samples_done(&got);
    ts_read(ts, 1, 0, 15000, unit / 2, &got); /* not even one: as many blocks as fit */
    assert_true(got.blocks_n > 15 && got.blocks_n < 35);
    ts_samples_done(&got);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_of_any_cut_come_back_byte_for_byte),
        cmocka_unit_test(a_minute_is_six_units_and_much_smaller),
        cmocka_unit_test(what_does_not_get_smaller_stays_as_it_came),
        cmocka_unit_test(the_biggest_blocks_come_back),
        cmocka_unit_test(a_block_that_does_not_fit_its_crc_stays_as_it_came),
        cmocka_unit_test(of_a_damaged_unit_what_lies_before_the_damage_comes_back),
#define T(name) cmocka_unit_test_setup_teardown(name, ts_days_setup, ts_days_teardown)
        T(a_day_that_is_over_is_re_coded_and_sealed),
        T(a_day_is_read_while_it_is_re_coded),
        T(what_is_re_coded_under_a_read_is_not_taken_for_damage),
        T(a_damaged_block_stays_damaged_and_alone),
        T(the_first_block_of_a_segment_comes_again),
        T(the_first_block_of_a_segment_comes_again_another_day),
        T(a_store_of_the_version_before_is_taken_over),
        T(any_piece_of_a_unit_can_be_read),
        T(an_answer_that_is_cut_ends_between_two_units),
#undef T
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
