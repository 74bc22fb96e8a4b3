/* Ten minutes of mixed signal (scenes, electrodes off, noise, gaps, resets, lead-off flags) through
 * a chain, with every allocation of the whole process counted: there must be none. */
#include "unit/dsp/allocations.h"
#include "unit/dsp/labour.h"
#include "unit/dsp/mixed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static void the_counter_counts(void **state)
{
    (void)state;
    xw_allocations_begin();
    void *volatile p = malloc(100);
    free(p);
    assert_int_equal(xw_allocations_end(), 2);
}

static void ten_minutes_of_mixed_signal_allocate_nothing(void **state)
{
    (void)state;
    struct xw_mixed mixed;
    assert_int_equal(xw_mixed_init(&mixed, 500, 5), 0);
    xw_allocations_begin();
    xw_mixed_play(&mixed, 600);
    uint64_t calls_n = xw_allocations_end();
    printf("%llu events, %llu allocations\n", (unsigned long long)mixed.events_n,
           (unsigned long long)calls_n);
    assert_true(mixed.events_n > 500);
    assert_int_equal(calls_n, 0);
    xw_mixed_done(&mixed);
}

static void ten_hours_of_a_mixed_labour_allocate_nothing(void **state)
{
    (void)state;
    enum { HZ = 4, N = 10 * 3600 * HZ, CHANNELS = 5, CUT = 2 };
    int32_t *x = calloc((size_t)N * CHANNELS, sizeof(*x));
    struct xw_recorder said;
    struct xw_fetal_config config;
    struct xw_fetal_chain *chain = NULL;
    assert_non_null(x);
    xw_recorder_init(&said);
    xw_labour_read(x, N, HZ, 1, 2, 3);
    xw_labour_config(&config, HZ, 1, 2, &said);
    assert_int_equal(xw_fetal_chain_new(&config, &chain), 0);
    xw_allocations_begin();
    for (size_t at = 0; at < N; at += CUT)
        xw_fetal_chain_process(chain, x + at * CHANNELS, CUT);
    xw_fetal_chain_gap(chain, N + 20000);
    xw_fetal_chain_flush(chain);
    xw_fetal_chain_reset(chain, 0);
    uint64_t calls_n = xw_allocations_end();
    assert_true(said.n > 1000);
    assert_int_equal(calls_n, 0);
    xw_fetal_chain_free(chain);
    xw_recorder_done(&said);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counter_counts),
        cmocka_unit_test(ten_minutes_of_mixed_signal_allocate_nothing),
        cmocka_unit_test(ten_hours_of_a_mixed_labour_allocate_nothing),
    };
    if (!xw_allocations_can_count())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
