/* Fault points: rules, determinism, death. */
#include "support.h"
#include "tests.h"

#include "base/fault.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static int point_a(void)
{
    return xw_fault_point("test.a");
}

static int point_a_again(void)
{
    return xw_fault_point("test.a");
}

static int point_b(void)
{
    return xw_fault_point("test.b");
}

static char why[256];

static int configure(const char *text)
{
    why[0] = '\0';
    return xw_fault_configure(text, why, sizeof(why));
}

static int tear_down(void **state)
{
    (void)state;
    return configure(NULL);
}

static void without_rules_points_do_nothing(void **state)
{
    (void)state;
    assert_int_equal(configure(""), 0);
    assert_false(atomic_load(&xw_fault_armed));
    assert_int_equal(point_a() + point_b(), 0);
}

static void an_error_comes_after_n_passes_and_at_most_k_times(void **state)
{
    (void)state;
    assert_int_equal(configure("test.a:error=ENOSPC:after=3:times=2"), 0);
    int got[8];
    for (int i = 0; i < 8; i++)
        got[i] = i % 2 ? point_a_again() : point_a(); /* two places, one name, one count */
    static const int want[8] = {0, 0, 0, -ENOSPC, -ENOSPC, 0, 0, 0};
    assert_memory_equal(got, want, sizeof(want));
    assert_int_equal(xw_fault_acted_n("test.a"), 2);
    assert_int_equal(point_b(), 0);
}

static void chance_is_repeatable_by_its_seed(void **state)
{
    (void)state;
    unsigned acted[2] = {0, 0};
    uint64_t pattern[2] = {0, 0};
    for (int run = 0; run < 2; run++) {
        assert_int_equal(configure("test.*:prob=0.25:seed=7:error=EIO"), 0);
        for (int i = 0; i < 2000; i++) {
            bool hit = point_a() == -EIO;
            acted[run] += hit;
            pattern[run] = pattern[run] * 31 + hit;
        }
    }
    assert_int_equal(acted[0], acted[1]);
    assert_true(pattern[0] == pattern[1]);
    assert_in_range(acted[0], 400, 600);
}

static void mistakes_in_the_rules_are_told(void **state)
{
    (void)state;
    static const char *const bad[] = {"test.nowhere",        "test.a:after=x", "test.a:error=EWHAT",
                                      "test.a:prob=2",       "test.a:bang",    "test.a:after=-1",
                                      "test.b;test.nowhere", "test.a:what=1",  "nothing.*"};
    for (size_t i = 0; i < XW_ARRAY_N(bad); i++) {
        assert_int_equal(configure(bad[i]), -EINVAL);
        assert_non_null(strstr(why, "XW_FAULT: "));
        assert_false(atomic_load(&xw_fault_armed));
    }
}

static void rules_of_the_file_layer_are_refused_where_it_is_not(void **state)
{
    (void)state;
    static const char *const rules[] = {"power:1", "disk.write:error=EIO", "test.a;alloc:after=3"};
    for (size_t i = 0; i < XW_ARRAY_N(rules); i++) {
        assert_int_equal(configure(rules[i]), -EINVAL);
        assert_non_null(strstr(why, "libxwdisk.so"));
        assert_false(atomic_load(&xw_fault_armed));
    }
}

static void a_delay_delays(void **state)
{
    (void)state;
    struct timespec a, b;
    assert_int_equal(configure("test.b:delay=20"), 0);
    clock_gettime(CLOCK_MONOTONIC, &a);
    assert_int_equal(point_b(), 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    assert_true((b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000 >= 19);
}

static void kill_is_the_default_and_sudden(void **state)
{
    (void)state;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (configure("test.a:after=1") < 0)
            _exit(1);
        point_a();
        point_a();
        _exit(2);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void the_list_names_every_place(void **state)
{
    (void)state;
    char *text = NULL;
    size_t n;
    FILE *out = open_memstream(&text, &n);
    xw_fault_list(out);
    fclose(out);
    assert_non_null(strstr(text, "test.b "));
    assert_non_null(strstr(text, "test_fault.c:"));
    free(text);
}

#define DISARMED(test) cmocka_unit_test_teardown(test, tear_down)
const struct CMUnitTest fault_tests[] = {
    DISARMED(without_rules_points_do_nothing),
    DISARMED(an_error_comes_after_n_passes_and_at_most_k_times),
    DISARMED(chance_is_repeatable_by_its_seed),
    DISARMED(mistakes_in_the_rules_are_told),
    DISARMED(rules_of_the_file_layer_are_refused_where_it_is_not),
    DISARMED(a_delay_delays),
    DISARMED(kill_is_the_default_and_sudden),
    DISARMED(the_list_names_every_place),
};
const size_t fault_tests_n = XW_ARRAY_N(fault_tests);
