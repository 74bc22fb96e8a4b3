/* Days that pass, and files in the store's folder. */
#include "days.h"

#include "store/sq_day.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>

struct xw_clock ts_wall;

int ts_days_setup(void **state)
{
    struct ts *ts = calloc(1, sizeof *ts);
    assert_non_null(ts);
    xw_clock_fake_init(&ts_wall, 0, 1795300000000000LL); /* 2026-11-21 22:26 UTC */
    sq_set_clock(&ts_wall);
    ts_init(ts, TS_SQLITE);
    *state = ts;
    return 0;
}

int ts_days_teardown(void **state)
{
    ts_done(*state);
    free(*state);
    sq_set_clock(NULL);
    return 0;
}

void ts_put_blocks(struct ts *ts, unsigned n, unsigned from, unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        struct xw_store_batch *batch = ts_batch(ts);
        ts_add_stream(batch, n);
        ts_add_block(batch, n, (uint64_t)i * TS_COUNT, TS_COUNT, 0);
        assert_int_equal(ts_append(ts, batch).status, 0);
    }
}

uint64_t ts_gap_samples(struct ts *ts, unsigned n, uint64_t end, uint32_t reason)
{
    struct ts_samples samples;
    uint64_t sum = 0;
    ts_read(ts, n, 0, end, SIZE_MAX, &samples);
    assert_int_equal(samples.status, 0);
    for (size_t i = 0; i < samples.gaps_n; i++) {
        assert_int_equal(samples.gaps[i].reason, reason);
        sum += samples.gaps[i].range.end - samples.gaps[i].range.first;
    }
    ts_samples_done(&samples);
    return sum;
}

size_t ts_records_n(struct ts *ts, uint32_t kind)
{
    struct ts_records got = {.status = 1};
    ts_wait_records(ts, xw_store_records(ts->store, kind, NULL, 0, false, 100000, ts_collect, &got),
                    &got);
    size_t n = got.records_n;
    ts_records_done(&got);
    return n;
}

unsigned ts_files_with(const char *dir, const char *part)
{
    unsigned n = 0;
    DIR *folder = opendir(dir);
    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;)
        n += strstr(entry->d_name, part) != NULL;
    (void)closedir(folder);
    return n;
}

void ts_path(const struct ts *ts, const char *name, char ret_path[512])
{
    (void)snprintf(ret_path, 512, "%s/%s", ts->dir, name);
}
