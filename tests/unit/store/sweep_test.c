/* Every call that can fail fails once, and from one call on the disk is dead; every allocation
 * fails once. The store says so and goes on, or the process ends by itself; what it acknowledged is
 * there when it is opened again, with nothing told as damaged.
 *
 *   XW_SWEEP=all build/release/tests/store_sweep_test     each call, not some of them (minutes) */
#include "power.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { APPENDS = 14, LAST = 100000 };

static bool all;
static uint64_t base_seed;
/* What the child under the rule does; with parts alone it ends by a cut, and none begins anew. */
static uint32_t appends_n = APPENDS, parts_n, power_seed;

/* Ended by itself or by the cut at its end; never by a signal of a bug, or by waiting for ever. A
 * helper of the tests that got no memory ends with 255. */
static bool ended_well(int status, bool no_memory)
{
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == SIGKILL;
    return WEXITSTATUS(status) == 0 || (no_memory && WEXITSTATUS(status) == 255);
}

/* One store: a child without faults, one with the rule, the judge. False: over the end. */
static bool one(const char *rule, unsigned n, const char *more, unsigned *wrong)
{
    const char *tmp = getenv("TMPDIR");
    char dir[256], store[280], log[280], rules[500];
    static struct life life;
    uint64_t acted = 1;
    life = (struct life){.appends_n = 0};
    (void)snprintf(dir, sizeof dir, "%s/xw-sweep-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(dir));
    (void)snprintf(store, sizeof store, "%s/store", dir);
    (void)snprintf(log, sizeof log, "%s/log", dir);
    const struct round round = {store, log, false};
    const struct work before = {.appends_n = APPENDS, .end = END_LEFT};
    const struct work work = {.appends_n = appends_n,
                              .parts_n = parts_n,
                              .end = n % 2 || parts_n > 0 ? END_CUT : END_CLOSED,
                              .may_fail = true};
    (void)snprintf(rules, sizeof rules, "power:%u:under=%s", power_seed + n + 1, dir);
    int status = power_child(&round, &before, rules, base_seed, &life, &acted);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    acted = 1; /* a child that ends early was hit */
    (void)snprintf(rules, sizeof rules, "power:%u:under=%s;%s:after=%u%s", power_seed + n + 1, dir,
                   rule, n, more);
    status = power_child(&round, &work, rules, base_seed + 1, &life, &acted);
    bool well = ended_well(status, strcmp(rule, "alloc") == 0);
    if (!well) {
        print_message("the child: status %x\n", (unsigned)status);
        power_print_log(log);
    }
    well = well && power_judge(&round, &life) && (parts_n == 0 || life.anew_n == 0);
    if (!well)
        print_message("%s\n", rules);
    *wrong += !well;
    ts_remove(dir);
    return acted > 0;
}

/* About `points` places of a rule, or all. */
static void sweep(const char *rule, const char *more, unsigned points, unsigned about_n)
{
    unsigned wrong = 0, done = 0;
    uint64_t random = base_seed + about_n;
    unsigned step = all ? 1 : XW_MAX(1U, about_n / points);
    for (unsigned n = all ? 0 : ts_random(&random) % step; n < LAST; n += step) {
        done++;
        if (!one(rule, n, more, &wrong) || (!all && done >= points * 2))
            break;
    }
    print_message("%s%s: %u places, %u wrong\n", rule, more, done, wrong);
    assert_int_equal(wrong, 0);
}

static void each_call_fails_once(void **state)
{
    (void)state;
    sweep("disk.*:error=EIO", ":times=1", 6, 900);
    sweep("disk.write:error=ENOSPC", ":times=1", 4, 240);
    sweep("disk.write:short", ":times=1", 2, 240);
    sweep("disk.read:error=EIO", ":times=1", 4, 400);
    sweep("disk.read:short", ":times=1", 2, 400);
    sweep("disk.sync:error=EIO", ":times=1", 4, 120);
    sweep("disk.open:error=EMFILE", ":times=1", 3, 60);
    sweep("disk.truncate:error=ENOSPC", ":times=1", 2, 6);
    sweep("disk.rename:error=EIO", ":times=1", 2, 4);
    sweep("disk.link:error=EIO", ":times=1", 1, 2);
    sweep("disk.unlink:error=EIO", ":times=1", 3, 8);
    sweep("disk.mkdir:error=ENOSPC", ":times=1", 2, 4);
}

/* The first ones are those of meta.db, its log and its shared memory. */
static void each_of_the_first_files_fails_to_open_once(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (unsigned n = 0; n < 10; n++)
        (void)one("disk.open:error=EMFILE", n, ":times=1", &wrong);
    assert_int_equal(wrong, 0);
}

static void from_one_call_on_the_disk_is_dead(void **state)
{
    (void)state;
    sweep("disk.*:error=EIO", "", 3, 900);
    sweep("disk.write:error=ENOSPC", "", 3, 240);
    sweep("disk.sync:error=EIO", "", 2, 120);
}

/* Full while a transaction is being written, and room again after some calls. */
static void room_comes_back(void **state)
{
    (void)state;
    sweep("disk.write:error=ENOSPC", ":times=7", 3, 240);
    sweep("disk.write:error=ENOSPC:prob=0.2", ":times=30", 2, 60);
}

/* An object's parts: of what was made when a call failed everything is still to be made durable,
 * and what was renamed whole is not begun anew. */
static void each_call_of_an_object_fails_once(void **state)
{
    (void)state;
    appends_n = 0;
    parts_n = 15; /* two whole ones and the beginning of a third */
    sweep("disk.*:error=EIO:name=objects", ":times=1", 10, 90);
    sweep("disk.sync:error=EIO:name=objects", ":times=1", 6, 16);
    sweep("disk.write:error=ENOSPC:name=meta.db-wal", ":times=1", 6, 12);
    appends_n = APPENDS;
    parts_n = 0;
}

/* The file is there and nobody was told of it; what is then acknowledged needs its name. */
static void a_part_that_found_no_room_at_first_keeps_its_name_through_a_cut(void **state)
{
    (void)state;
    unsigned wrong = 0;
    appends_n = 0;
    parts_n = 3;
    for (power_seed = 0; power_seed < 8; power_seed++)
        (void)one("disk.write:error=ENOSPC:name=.part", power_seed % 2, ":times=1", &wrong);
    appends_n = APPENDS;
    parts_n = power_seed = 0;
    assert_int_equal(wrong, 0);
}

static void each_allocation_fails_once(void **state)
{
    (void)state;
#if defined(__SANITIZE_ADDRESS__)
    skip();
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    skip();
#endif
#endif
    sweep("alloc", ":times=1", 12, 9000);
}

int main(int argc, char **argv)
{
    int part = power_part(argc, argv);
    if (part >= 0)
        return part;
    const char *which = getenv("XW_SWEEP");
    all = which != NULL && strcmp(which, "all") == 0;
    base_seed = ts_seed();
    const char *only = getenv("XW_TESTS"); /* names, as cmocka filters them */
    if (only != NULL)
        cmocka_set_test_filter(only);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails_once),
        cmocka_unit_test(each_of_the_first_files_fails_to_open_once),
        cmocka_unit_test(from_one_call_on_the_disk_is_dead),
        cmocka_unit_test(room_comes_back),
        cmocka_unit_test(each_call_of_an_object_fails_once),
        cmocka_unit_test(a_part_that_found_no_room_at_first_keeps_its_name_through_a_cut),
        cmocka_unit_test(each_allocation_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
