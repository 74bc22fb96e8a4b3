/* The event log: form of a line, escaping, levels, limits per call site. */
#include "support.h"
#include "tests.h"

#include "base/log.h"
#include "base/uuid.h"

#include <pthread.h>
#include <string.h>

static struct {
    char lines[64][2100];
    unsigned n;
} seen;
static struct xw_clock test_clock;

static void sink(void *arg, enum xw_log_level level, const char *line, size_t n_bytes)
{
    (void)arg;
    (void)level;
    assert_int_equal(strlen(line), n_bytes);
    assert_null(strchr(line, '\n'));
    snprintf(seen.lines[seen.n % XW_ARRAY_N(seen.lines)], sizeof(seen.lines[0]), "%s", line);
    seen.n++;
}

static int set_up(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    xw_clock_fake_init(&test_clock, 1, 1700000000123456LL);
    xw_log_set_clock(&test_clock);
    xw_log_set_sink(sink, NULL);
    xw_log_set_level(XW_LOG_INFO);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    xw_log_flush();
    xw_log_set_sink(NULL, NULL);
    xw_log_set_clock(NULL);
    return 0;
}

static void a_line_has_time_level_event_and_fields(void **state)
{
    (void)state;
    struct xw_uuid id;
    assert_int_equal(xw_uuid_parse("01234567-89ab-7def-8123-456789abcdef", &id), 0);
    xw_log_info("link.up", XW_LOG_STR("gateway", "town-a"), XW_LOG_INT("rtt_us", -812),
                XW_LOG_UINT("n", UINT64_MAX), XW_LOG_NUM("rate", 62.4725), XW_LOG_ID("stream", &id),
                XW_LOG_ERR(-ENOSPC), XW_LOG_STR("none", NULL));
    assert_string_equal(seen.lines[0],
                        "2023-11-14T22:13:20.123456Z info link.up gateway=town-a rtt_us=-812 "
                        "n=18446744073709551615 rate=62.4725 "
                        "stream=01234567-89ab-7def-8123-456789abcdef error=ENOSPC none=-");
    xw_log_warning("alone");
    assert_string_equal(seen.lines[1], "2023-11-14T22:13:20.123456Z warning alone");
}

static void a_peers_text_cannot_forge_a_line(void **state)
{
    (void)state;
    xw_log_error("device.bad", XW_LOG_STR("why", "x\n2023 info ok a=\"1\"\\\x1b\xe5"));
    assert_non_null(strstr(seen.lines[0], " why=\"x\\x0a2023 info ok a=\\\"1\\\"\\\\\\x1b\\xe5\""));
    xw_log_error("device.empty", XW_LOG_STR("why", ""));
    assert_non_null(strstr(seen.lines[1], " why=\"\""));
    char huge[5000];
    memset(huge, 'a', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    xw_log_error("device.huge", XW_LOG_STR("why", huge), XW_LOG_INT("after", 1));
    assert_true(strlen(seen.lines[2]) < 400);
    assert_non_null(strstr(seen.lines[2], " after=1"));
}

static void levels_above_the_set_one_are_not_made(void **state)
{
    (void)state;
    unsigned evaluated = 0;
    xw_log_debug("hidden", XW_LOG_UINT("n", ++evaluated));
    assert_int_equal(seen.n + evaluated, 0);
    xw_log_set_level(XW_LOG_DEBUG);
    xw_log_debug("shown");
    assert_int_equal(seen.n, 1);
    enum xw_log_level level = XW_LOG_INFO;
    assert_int_equal(xw_log_level_parse("warning", &level), 0);
    assert_int_equal(level, XW_LOG_WARNING);
    assert_int_equal(xw_log_level_parse("loud", &level), -EINVAL);
}

static void complain(void)
{
    xw_log_warning("disk.slow");
}

static void a_noisy_site_is_limited_and_its_lines_counted(void **state)
{
    (void)state;
    for (int i = 0; i < 100; i++)
        complain();
    assert_int_equal(seen.n, 10);
    xw_log_warning("other.site"); /* has its own limit */
    assert_int_equal(seen.n, 11);
    xw_clock_fake_advance(&test_clock, 10000000);
    complain();
    assert_int_equal(seen.n, 12);
    assert_non_null(strstr(seen.lines[11], "disk.slow repeated=90"));
    complain(); /* no fresh burst for a site that was silenced */
    complain();
    assert_int_equal(seen.n, 12);
    xw_log_flush();
    assert_int_equal(seen.n, 13);
    assert_non_null(strstr(seen.lines[12], "warning disk.slow repeated=2"));
    xw_log_flush();
    assert_int_equal(seen.n, 13);
}

static void *log_much(void *arg)
{
    (void)arg;
    for (int i = 0; i < 500; i++)
        xw_log_notice("from.thread", XW_LOG_INT("i", i));
    return NULL;
}

static void threads_may_log_at_one_site(void **state)
{
    (void)state;
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_much, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(seen.n, 10);
    xw_log_flush();
    assert_non_null(strstr(seen.lines[10], "repeated=1990"));
}

#define WITH_SINK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
const struct CMUnitTest log_tests[] = {
    WITH_SINK(a_line_has_time_level_event_and_fields),
    WITH_SINK(a_peers_text_cannot_forge_a_line),
    WITH_SINK(levels_above_the_set_one_are_not_made),
    WITH_SINK(a_noisy_site_is_limited_and_its_lines_counted),
    WITH_SINK(threads_may_log_at_one_site),
};
const size_t log_tests_n = XW_ARRAY_N(log_tests);
