/* The order in which things reach the spool: nothing is told as kept while something before it is
 * not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <string.h>
#include <uv.h>

#include "base/fault.h"
#include "base/log.h"
#include "edge/commit.h"
#include "store/memory.h"
#include "store/store.h"

struct bed {
    struct xw_edge edge;
    struct xw_edge_config config;
    struct xw_store_config store_config;
    struct xw_commit_owner owner;
    unsigned kept_n, refused_n;
    uint64_t kept_mark;
    bool closed;
};

static void on_owner(struct xw_commit_owner *owner, int status, uint64_t mark)
{
    struct bed *bed = XW_CONTAINER_OF(owner, struct bed, owner);
    if (status < 0) {
        bed->refused_n++;
        return;
    }
    bed->kept_n++;
    bed->kept_mark = XW_MAX(bed->kept_mark, mark);
}

static void bed_init(struct bed *bed)
{
    const struct xw_store_watch watch = {0};
    static char id[] = "town-a";
    memset(bed, 0, sizeof(*bed));
    bed->config.id = id;
    bed->owner.done = on_owner;
    bed->edge.config = &bed->config;
    assert_int_equal(xw_loop_new(NULL, &bed->edge.loop), 0);
    assert_int_equal(
        xw_store_open_memory(bed->edge.loop, &bed->store_config, &watch, &bed->edge.store), 0);
    assert_int_equal(xw_commit_new(&bed->edge, &bed->edge.commit), 0);
}

static void on_closed(void *user)
{
    *(bool *)user = true;
}

static void bed_done(struct bed *bed)
{
    xw_commit_free(bed->edge.commit);
    xw_store_close(bed->edge.store, on_closed, &bed->closed);
    while (!bed->closed)
        uv_run(xw_loop_uv(bed->edge.loop), UV_RUN_ONCE);
    xw_loop_free(bed->edge.loop);
}

static void spin(struct bed *bed)
{
    for (int i = 0; i < 100 && !xw_commit_idle(bed->edge.commit); i++) {
        xw_commit_flush(bed->edge.commit);
        uv_run(xw_loop_uv(bed->edge.loop), UV_RUN_NOWAIT);
    }
}

/* A fact as a device's: a record, its count, and the owner that hears of it. */
static void fact(struct bed *bed, uint8_t seq)
{
    struct xw_store_record record = {.key = &seq,
                                     .key_size = 1,
                                     .revision = 1,
                                     .kind = XW_LOCAL_DEVICE,
                                     .body = "x",
                                     .body_size = 1};
    xw_commit_record(bed->edge.commit, &record, true);
    bed->owner.mark = seq;
    xw_commit_notify(bed->edge.commit, &bed->owner);
}

static void fault(const char *text)
{
    char error[128];
    assert_int_equal(xw_fault_configure(text, error, sizeof(error)), 0);
}

static unsigned stored;
static void on_records(void *user, const struct xw_store_records *records)
{
    assert_int_equal(records->status, 0);
    stored = (unsigned)records->records_n;
    *(bool *)user = true;
}

static unsigned stored_n(struct bed *bed)
{
    bool over = false;
    assert_int_equal(
        xw_store_records(bed->edge.store, XW_LOCAL_DEVICE, NULL, 0, false, 100, on_records, &over),
        0);
    while (!over)
        uv_run(xw_loop_uv(bed->edge.loop), UV_RUN_ONCE);
    return stored;
}

static void what_is_told_as_kept_is_kept(void **state)
{
    struct bed bed;
    (void)state;
    bed_init(&bed);
    fact(&bed, 1);
    spin(&bed);
    assert_int_equal(bed.kept_n, 1);
    assert_int_equal(bed.kept_mark, 1);
    assert_int_equal(stored_n(&bed), 1);
    bed_done(&bed);
}

static void nothing_overtakes_what_was_refused(void **state)
{
    struct bed bed;
    (void)state;
    bed_init(&bed);
    fault("edge.commit.append:times=1:error=ENOSPC");
    fact(&bed, 1);
    xw_commit_flush(bed.edge.commit); /* refused: the record waits */
    assert_int_equal(bed.refused_n, 1);
    assert_true(xw_commit_behind(bed.edge.commit));
    fact(&bed, 2); /* there would be room again */
    fact(&bed, 3);
    xw_commit_flush(bed.edge.commit);
    uv_run(xw_loop_uv(bed.edge.loop), UV_RUN_NOWAIT);
    assert_int_equal(bed.kept_n, 0);
    assert_true(xw_commit_full(bed.edge.commit));
    assert_int_equal(stored_n(&bed), 0);
    while (!xw_commit_idle(bed.edge.commit)) { /* tried again once a second */
        assert_true(xw_commit_behind(bed.edge.commit));
        uv_run(xw_loop_uv(bed.edge.loop), UV_RUN_NOWAIT);
    }
    assert_false(xw_commit_behind(bed.edge.commit));
    assert_int_equal(stored_n(&bed), 3);
    assert_false(xw_commit_full(bed.edge.commit));
    fact(&bed, 4);
    spin(&bed);
    assert_int_equal(bed.kept_mark, 4);
    fault(NULL);
    bed_done(&bed);
}

static void the_next_batch_waits_for_the_one_before(void **state)
{
    struct bed bed;
    (void)state;
    bed_init(&bed);
    fact(&bed, 1);
    xw_commit_flush(bed.edge.commit); /* with the store */
    fact(&bed, 2);
    xw_commit_flush(bed.edge.commit); /* one at a time */
    struct xw_commit_stats stats;
    xw_commit_stats(bed.edge.commit, &stats);
    assert_int_equal(stats.batches, 1);
    spin(&bed);
    assert_int_equal(bed.kept_mark, 2);
    assert_int_equal(stored_n(&bed), 2);
    bed_done(&bed);
}

static void a_record_that_can_never_be_kept_stops_nobody(void **state)
{
    struct bed bed;
    struct xw_commit_stats stats;
    (void)state;
    bed_init(&bed);
    /* The batch of three, then the first alone; the other two are fit. */
    fault("edge.commit.append:times=3:error=EINVAL");
    for (uint8_t i = 1; i <= 3; i++)
        fact(&bed, i);
    xw_commit_flush(bed.edge.commit);
    while (!xw_commit_idle(bed.edge.commit))
        uv_run(xw_loop_uv(bed.edge.loop), UV_RUN_NOWAIT);
    xw_commit_stats(bed.edge.commit, &stats);
    assert_int_equal(stats.records_dropped, 1);
    assert_int_equal(stored_n(&bed), 2);
    assert_false(xw_commit_full(bed.edge.commit));
    fault(NULL);
    bed_done(&bed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_told_as_kept_is_kept),
        cmocka_unit_test(nothing_overtakes_what_was_refused),
        cmocka_unit_test(the_next_batch_waits_for_the_one_before),
        cmocka_unit_test(a_record_that_can_never_be_kept_stops_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
