/* A folder as a queue: order, what is received twice, what a killed process left. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "dicom/dicom.h"

static char folder[64], path[256];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/xw-outbox-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static const char *in(const char *name)
{
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text)
{
    assert_int_equal(xw_file_write_atomic(in(name), text, strlen(text), 0600), 0);
}

static void assert_text(const char *name, const char *text)
{
    uint8_t *data = NULL;
    size_t n = 0;
    assert_int_equal(xw_file_read(in(name), 100, &data, &n), 0);
    assert_int_equal(n, strlen(text));
    assert_memory_equal(data, text, n);
    free(data);
}

static void test_an_instance_uid_used_twice_replaces_nothing(void **state)
{
    (void)state;
    put(".in-1", "first");
    assert_int_equal(xw_outbox_place(folder, in(".in-1"), "1.2.3"), 0);
    put(".in-2", "second");
    assert_int_equal(xw_outbox_place(folder, in(".in-2"), "1.2.3"), 0);
    assert_text("1.2.3.dcm", "first");
    assert_text("1.2.3~1.dcm", "second");
    assert_int_equal(access(in(".in-1"), F_OK), -1);
    assert_int_equal(xw_outbox_count(folder, 100), 2);
}

static void test_a_file_that_is_not_taken_does_not_hold_up_the_others(void **state)
{
    (void)state;
    char name[256];
    uint32_t n = 0;
    int64_t after = 0;
    struct stat a, b;
    put("a", "1");
    assert_int_equal(stat(in("a"), &a), 0);
    do { /* times of files are as coarse as the kernel's tick */
        put("b", "2");
        assert_int_equal(stat(in("b"), &b), 0);
    } while (a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec);
    assert_int_equal(xw_outbox_next(folder, &after, name, sizeof(name), &n), 1);
    assert_string_equal(name, "a");
    assert_int_equal(xw_outbox_next(folder, &after, name, sizeof(name), &n), 1);
    assert_string_equal(name, "b");
    assert_int_equal(n, 2);
    assert_int_equal(xw_outbox_next(folder, &after, name, sizeof(name), &n), 1);
    assert_string_equal(name, "a");
    assert_int_equal(unlink(in("a")), 0);
    assert_int_equal(unlink(in("b")), 0);
    assert_int_equal(xw_outbox_next(folder, &after, name, sizeof(name), &n), 0);
}

static void test_what_a_killed_process_left_goes(void **state)
{
    (void)state;
    put(".in-77", "half");
    put("whole.dcm", "whole");
    assert_int_equal(xw_outbox_make(folder), 0);
    assert_int_equal(access(in(".in-77"), F_OK), -1);
    assert_text("whole.dcm", "whole");
}

static void test_a_pipe_is_not_read(void **state)
{
    (void)state;
    uint8_t *data = NULL;
    size_t n = 0;
    assert_int_equal(mkfifo(in("pipe"), 0600), 0);
    assert_int_equal(xw_dicom_read(in("pipe"), 100, &data, &n), -EINVAL);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_an_instance_uid_used_twice_replaces_nothing),
        IN_FOLDER(test_a_file_that_is_not_taken_does_not_hold_up_the_others),
        IN_FOLDER(test_what_a_killed_process_left_goes),
        IN_FOLDER(test_a_pipe_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
