/* What store.h promises, put to both implementations. */
#include "conformance.h"
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <string.h>

static enum ts_kind kind;

int conformance_setup(void **state)
{
    struct ts *ts = calloc(1, sizeof *ts);
    assert_non_null(ts);
    ts_init(ts, kind);
    ts_open(ts);
    *state = ts;
    return 0;
}

int conformance_teardown(void **state)
{
    ts_done(*state);
    free(*state);
    return 0;
}

static int run(const char *name, enum ts_kind which)
{
    struct CMUnitTest tests[64];
    size_t n = conformance_samples_n, m = conformance_records_n;
    kind = which;
    memcpy(tests, conformance_samples, n * sizeof *tests);
    memcpy(tests + n, conformance_records, m * sizeof *tests);
    return _cmocka_run_group_tests(name, tests, n + m, NULL, NULL);
}

int main(void)
{
    return run("memory", TS_MEMORY) + run("sqlite", TS_SQLITE);
}
