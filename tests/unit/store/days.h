/* For tests of the durable store alone: days that pass, files in its folder.
 *
 * Threads: one. */
#ifndef XW_TESTS_STORE_DAYS_H
#define XW_TESTS_STORE_DAYS_H

#include "support.h"

#include "base/clock.h"

#define TS_DAY_US (24LL * 3600 * 1000000)
enum { TS_COUNT = 100 }; /* samples of a block of ts_put_blocks */

/* The store's clock between setup and teardown; begins at 2026-11-21 22:26 UTC. */
extern struct xw_clock ts_wall;

/* For cmocka: *state is a struct ts whose store is not open yet. */
int ts_days_setup(void **state);
int ts_days_teardown(void **state);

/* Blocks [from, to) of stream n, a commit each. */
void ts_put_blocks(struct ts *ts, unsigned n, unsigned from, unsigned to);
/* Samples in gaps of [0, end); all gaps are of this reason. */
uint64_t ts_gap_samples(struct ts *ts, unsigned n, uint64_t end, uint32_t reason);
/* Of a kind, at most 100,000. */
size_t ts_records_n(struct ts *ts, uint32_t kind);
/* How many files of the folder have this in their names. */
unsigned ts_files_with(const char *dir, const char *part);
void ts_path(const struct ts *ts, const char *name, char ret_path[512]);

#endif
