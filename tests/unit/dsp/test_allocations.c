/* Ten minutes of mixed signal (scenes, electrodes off, noise, gaps, resets, lead-off flags) through
 * a chain, with every allocation of the whole process counted: there must be none. */
#include "unit/dsp/allocations.h"
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_counter_counts),
        cmocka_unit_test(ten_minutes_of_mixed_signal_allocate_nothing),
    };
    if (!xw_allocations_can_count())
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
