/* Clocks, metrics, files, the service manager's socket. */
#include "support.h"
#include "tests.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/metrics.h"
#include "base/notify.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

static void the_fake_clock_moves_only_as_told(void **state)
{
    (void)state;
    struct xw_clock c;
    xw_clock_fake_init(&c, 100, 5000);
    xw_clock_fake_advance(&c, 10);
    xw_clock_fake_suspend(&c, 1000);
    xw_clock_fake_step_wall(&c, -300);
    assert_int_equal(xw_clock_mono(&c).us, 110);
    assert_int_equal(xw_clock_boot(&c).us, 1110);
    assert_int_equal(xw_clock_wall(&c).us, 5000 + 10 + 1000 - 300);
    struct xw_mono_us later = xw_mono_add_us(xw_clock_mono(&c), 5);
    assert_int_equal(xw_mono_diff_us(later, xw_clock_mono(&c)), 5);
}

static void the_real_clocks_go_forward(void **state)
{
    (void)state;
    struct xw_mono_us a = xw_clock_mono(NULL);
    assert_true(xw_mono_diff_us(xw_clock_mono(NULL), a) >= 0);
    assert_true(xw_clock_boot(NULL).us >= a.us);
    assert_true(xw_clock_wall(NULL).us > 1600000000000000LL);
    uint8_t id[16], again[16];
    assert_int_equal(xw_boot_id(id), 0);
    assert_int_equal(xw_boot_id(again), 0);
    assert_memory_equal(id, again, sizeof(id));
}

static void wall_time_is_written_in_utc(void **state)
{
    (void)state;
    char text[XW_WALL_TEXT_N_BYTES];
    assert_string_equal(xw_wall_format((struct xw_wall_us){0}, text),
                        "1970-01-01T00:00:00.000000Z");
    assert_string_equal(xw_wall_format((struct xw_wall_us){-1}, text),
                        "1969-12-31T23:59:59.999999Z");
    assert_string_equal(xw_wall_format((struct xw_wall_us){1709164800000001LL}, text),
                        "2024-02-29T00:00:00.000001Z");
}

static const int64_t bounds_us[] = {10, 100, 1000};
XW_COUNTER(blocks_live, "xw_test_blocks_total", "lane=\"live\"", "blocks handed on");
XW_COUNTER(blocks_alarm, "xw_test_blocks_total", "lane=\"alarm\"", "blocks handed on");
XW_GAUGE(depth, "xw_test_queue_n", NULL, "items queued");
XW_HISTOGRAM(took, "xw_test_took_us", NULL, "time taken", bounds_us);

static void metrics_are_rendered_for_prometheus(void **state)
{
    (void)state;
    xw_counter_add(&blocks_live, 41);
    xw_counter_add(&blocks_live, 1);
    xw_counter_add(&blocks_alarm, 7);
    xw_gauge_set(&depth, 5);
    xw_gauge_add(&depth, -8);
    xw_histogram_record(&took, 10);
    xw_histogram_record(&took, 11);
    xw_histogram_record(&took, 5000);
    assert_int_equal(xw_histogram_count(&took), 3);
    XW_CLEANUP(xw_buf_done) struct xw_buf page;
    xw_buf_init(&page, 65536);
    assert_int_equal(xw_metrics_render(&page), 0);
    assert_int_equal(xw_buf_append(&page, "", 1), 0);
    const char *text = (const char *)page.data;
    assert_non_null(strstr(text, "# HELP xw_test_blocks_total blocks handed on\n"
                                 "# TYPE xw_test_blocks_total counter\n"
                                 "xw_test_blocks_total{lane=\"alarm\"} 7\n"
                                 "xw_test_blocks_total{lane=\"live\"} 42\n"));
    assert_non_null(strstr(text, "# TYPE xw_test_queue_n gauge\nxw_test_queue_n -3\n"));
    assert_non_null(strstr(text, "xw_test_took_us_bucket{le=\"10\"} 1\n"
                                 "xw_test_took_us_bucket{le=\"100\"} 2\n"
                                 "xw_test_took_us_bucket{le=\"1000\"} 2\n"
                                 "xw_test_took_us_bucket{le=\"+Inf\"} 3\n"
                                 "xw_test_took_us_sum 5021\nxw_test_took_us_count 3\n"));
    assert_non_null(strstr(text, "process_resident_memory_bytes "));
    XW_CLEANUP(xw_buf_done) struct xw_buf small;
    xw_buf_init(&small, 100);
    assert_int_equal(xw_metrics_render(&small), -EOVERFLOW);
}

static void a_file_is_written_whole_or_not_at_all(void **state)
{
    (void)state;
    char folder[] = "/tmp/xw-file-XXXXXX";
    assert_non_null(mkdtemp(folder));
    char deep[64], path[80], temporary[96];
    snprintf(deep, sizeof(deep), "%s/a/b", folder);
    snprintf(path, sizeof(path), "%s/f", deep);
    snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    assert_int_equal(xw_file_make_dirs(deep, 0700), 0);
    assert_int_equal(xw_file_make_dirs(deep, 0700), 0);
    assert_int_equal(xw_file_write_atomic(path, "old", 3, 0600), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    static const char *const faults[] = {"file.write:error=ENOSPC", "file.rename:error=ENOSPC"};
    char why[128];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(xw_fault_configure(faults[i], why, sizeof(why)), 0);
        assert_int_equal(xw_file_write_atomic(path, "newer", 5, 0600), -ENOSPC);
        assert_int_equal(xw_fault_configure(NULL, why, sizeof(why)), 0);
        assert_int_equal(access(temporary, F_OK), -1);
        xw_autofree uint8_t *data = NULL;
        size_t n;
        assert_int_equal(xw_file_read(path, 3, &data, &n), 0);
        assert_int_equal(n, 3);
        assert_string_equal((char *)data, "old");
    }
    assert_int_equal(xw_file_write_atomic(path, "newer", 5, 0600), 0);
    uint8_t *untouched = NULL;
    size_t n;
    assert_int_equal(xw_file_read(path, 4, &untouched, &n), -EOVERFLOW);
    assert_null(untouched);
    assert_int_equal(xw_file_read(deep, 4, &untouched, &n), -EISDIR);
    assert_int_equal(xw_file_make_dirs(path, 0700), -ENOTDIR);
    struct xw_file_space space;
    assert_int_equal(xw_file_space(path, &space), 0);
    assert_true(space.total_n_bytes > 0 && space.free_n_bytes <= space.total_n_bytes);
    unlink(path);
    rmdir(deep);
    *strrchr(deep, '/') = '\0';
    rmdir(deep);
    assert_int_equal(rmdir(folder), 0);
}

static void files_without_a_size_are_read_to_their_end(void **state)
{
    (void)state;
    xw_autofree uint8_t *data = NULL;
    size_t n;
    assert_int_equal(xw_file_read("/proc/self/status", 1 << 16, &data, &n), 0);
    assert_true(n > 100);
    assert_int_equal(strlen((char *)data), n);
}

static void the_service_manager_hears_us(void **state)
{
    (void)state;
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(xw_notify("READY=1"), 0);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int n = snprintf(address.sun_path + 1, sizeof(address.sun_path) - 1, "xw-notify-%d", getpid());
    assert_int_equal(bind(fd, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)),
                     0);
    char name[64];
    snprintf(name, sizeof(name), "@xw-notify-%d", getpid());
    setenv("NOTIFY_SOCKET", name, 1);
    assert_int_equal(xw_notify("READY=1\nSTATUS=up"), 1);
    char got[64];
    ssize_t got_n = recv(fd, got, sizeof(got), 0);
    assert_int_equal(got_n, 17);
    assert_memory_equal(got, "READY=1\nSTATUS=up", 17);
    setenv("NOTIFY_SOCKET", "relative", 1);
    assert_int_equal(xw_notify("READY=1"), -EINVAL);
    unsetenv("NOTIFY_SOCKET");
    close(fd);
}

static void the_watchdog_period_is_halved_and_only_ours(void **state)
{
    (void)state;
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
    assert_int_equal(xw_notify_watchdog_ms(), 0);
    setenv("WATCHDOG_USEC", "30000000", 1);
    assert_int_equal(xw_notify_watchdog_ms(), 15000);
    setenv("WATCHDOG_PID", "1", 1);
    assert_int_equal(xw_notify_watchdog_ms(), 0);
    unsetenv("WATCHDOG_PID");
    unsetenv("WATCHDOG_USEC");
}

const struct CMUnitTest system_tests[] = {
    cmocka_unit_test(the_fake_clock_moves_only_as_told),
    cmocka_unit_test(the_real_clocks_go_forward),
    cmocka_unit_test(wall_time_is_written_in_utc),
    cmocka_unit_test(metrics_are_rendered_for_prometheus),
    cmocka_unit_test(a_file_is_written_whole_or_not_at_all),
    cmocka_unit_test(files_without_a_size_are_read_to_their_end),
    cmocka_unit_test(the_service_manager_hears_us),
    cmocka_unit_test(the_watchdog_period_is_halved_and_only_ours),
};
const size_t system_tests_n = XW_ARRAY_N(system_tests);
