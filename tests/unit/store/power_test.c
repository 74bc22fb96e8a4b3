/* Power cuts under the store, at drawn calls, some while it comes up from the cut before; and the
 * same seeds on a disk whose syncs are a lie, which must fail: that shows that the test notices.
 *
 *   XW_SEED=1 XW_ROUNDS=500 build/release/tests/store_power_test      so many cuts
 *   XW_KEEP=1                                                         leaves a lost life's folder
 */
#include "power.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

enum {
    CUTS = 5 /* of one life */,
    APPENDS = 60,
    CHANGES = 900 /* of a child that is not cut, about */
};

static bool one_cut(const struct round *round, const char *rules, uint64_t seed, struct life *life)
{
    const struct work work = {.appends_n = APPENDS, .end = END_CUT};
    uint64_t acted;
    int status = power_child(round, &work, rules, seed, life, &acted);
    bool cut = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    if (!cut && !round->quiet) {
        print_message("the child: status %x\n", (unsigned)status);
        power_print_log(round->log);
    }
    return cut;
}

/* One folder, `cuts` cuts; whether nothing was lost. */
static bool one_life(uint64_t seed, unsigned cuts, const char *lie, bool quiet)
{
    const char *tmp = getenv("TMPDIR");
    char dir[256], store[280], log[280], rules[400];
    static struct life life;
    uint64_t random = seed;
    bool well = true;
    life = (struct life){.appends_n = 0};
    (void)snprintf(dir, sizeof dir, "%s/xw-power-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(dir));
    (void)snprintf(store, sizeof store, "%s/store", dir);
    (void)snprintf(log, sizeof log, "%s/log", dir);
    const struct round round = {store, log, quiet};
    for (unsigned cut = 0; well && cut < cuts; cut++) {
        /* Often while it opens, or little later: then what is left was itself never whole. */
        unsigned after = ts_random(&random) % 4 == 0 ? 1 + ts_random(&random) % 60
                                                     : 1 + ts_random(&random) % CHANGES;
        uint32_t power = ts_random(&random), work = ts_random(&random);
        bool look = cut + 1 == cuts || ts_random(&random) % 2 == 0;
        (void)snprintf(rules, sizeof rules, "power:%u:after=%u%s:under=%s", power, after, lie, dir);
        well = one_cut(&round, rules, work, &life);
        if (well && look)
            well = power_judge(&round, &life);
        if (!well && !quiet)
            print_message("life of seed %llu, cut %u: %s\n", (unsigned long long)seed, cut, rules);
    }
    if (!well && !quiet && getenv("XW_KEEP") != NULL)
        print_message("left in %s\n", dir);
    else
        ts_remove(dir);
    return well;
}

static uint64_t campaign_seed;
static unsigned cuts_n;

static void everything_acknowledged_survives_power_cuts(void **state)
{
    (void)state;
    unsigned failed = 0;
    for (unsigned done = 0; done < cuts_n; done += CUTS)
        failed += !one_life(campaign_seed + done / CUTS, XW_MIN((unsigned)CUTS, cuts_n - done), "",
                            false);
    print_message("%u cuts, %u lives with a loss\n", cuts_n, failed);
    assert_int_equal(failed, 0);
}

/* The very same seeds: were nothing found here, the test above would prove nothing. */
static void a_disk_whose_syncs_lie_is_found_out(void **state)
{
    (void)state;
    static const char *const lies[] = {":lie=all", ":lie=data", ":lie=names"};
    for (size_t lie = 0; lie < XW_ARRAY_N(lies); lie++) {
        unsigned lives = 0, failed = 0;
        for (unsigned done = 0; done < cuts_n && (failed == 0 || done < 20); done += CUTS) {
            lives++;
            failed += !one_life(campaign_seed + done / CUTS, CUTS, lies[lie], true);
        }
        print_message("%s: %u of %u lives with a loss\n", lies[lie] + 1, failed, lives);
        assert_true(failed > 0);
    }
}

int main(int argc, char **argv)
{
    int part = power_part(argc, argv);
    if (part >= 0)
        return part;
    const char *rounds = getenv("XW_ROUNDS");
    cuts_n = rounds == NULL ? 20 : (unsigned)strtoul(rounds, NULL, 10);
    campaign_seed = ts_seed() % 1000000 * 1000;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_acknowledged_survives_power_cuts),
        cmocka_unit_test(a_disk_whose_syncs_lie_is_found_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
