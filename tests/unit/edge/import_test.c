/* The folder of ECG files: what is complete, what waits, what is broken; and what becomes of a
 * recording. Clocks are the test's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/file.h"
#include "edge/import_dir.h"
#include "proto/signal.pb-c.h"
#include "unit/formats/made.h"

#define SECOND INT64_C(1000000)
#define WALL_US INT64_C(1800000000000000)

static char folder[64], outbox[96];
static struct xw_import_view view;
static struct xw_import_ready ready;
static int64_t now_us;

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof(folder), "/tmp/xw-import-XXXXXX");
    if (sodium_init() < 0 || !mkdtemp(folder))
        return -1;
    snprintf(outbox, sizeof(outbox), "%s/out", folder);
    now_us = 1000 * SECOND;
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    return system(command);
}

static struct xw_import_dir *opened(int64_t keep_us, const char *to)
{
    const struct xw_import_rules rules = {folder, to, 64 * 1024, 2 * SECOND, 60 * SECOND, keep_us};
    struct xw_import_dir *dir = NULL;
    assert_int_equal(xw_import_dir_new(&rules, &dir), 0);
    return dir;
}

static void put(const char *name, const void *data, size_t n)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    assert_int_equal(xw_file_write_atomic(path, data, n, 0600), 0);
}

static bool is_there(const char *sub, const char *name)
{
    char path[256];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s%s", folder, sub, name);
    return lstat(path, &st) == 0;
}

static int look(struct xw_import_dir *dir, int64_t after_us)
{
    now_us += after_us;
    int r = xw_import_dir_look(dir, now_us, WALL_US, &view, &ready);
    xw_formats_free(ready.recording);
    ready.recording = NULL;
    return r;
}

static uint8_t *made_file(unsigned leads_n, size_t *ret_n)
{
    struct xw_formats_recording *r = made_recording(leads_n, 500, 250);
    struct xw_formats_error e = {{0}, {0}};
    uint8_t *data = NULL;
    assert_int_equal(xw_formats_encode(r, XW_FORMATS_EDF, &data, ret_n, &e), 0);
    xw_formats_free(r);
    return data;
}

static void test_a_file_is_ready_only_when_it_has_rested(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(SECOND, NULL);
    size_t n = 0;
    uint8_t *data = made_file(3, &n), hash[32];
    put("a.edf", data, n);
    assert_int_equal(look(dir, 0), 0);
    assert_int_equal(look(dir, SECOND), 0);
    put("a.edf", data, n - 100); /* it is written again */
    assert_int_equal(look(dir, SECOND), 0);
    assert_int_equal(look(dir, SECOND), 0);
    put("a.edf", data, n);
    assert_int_equal(look(dir, 0), 0);
    assert_int_equal(look(dir, 2 * SECOND), 1);
    crypto_hash_sha256(hash, data, n);
    assert_memory_equal(ready.hash, hash, 32);
    assert_string_equal(ready.name, "a.edf");
    assert_int_equal(look(dir, SECOND), 1); /* until it is taken */
    assert_int_equal(xw_import_dir_taken(dir, &ready), 0);
    assert_false(is_there("", "a.edf"));
    assert_true(is_there("done/", "a.edf"));
    assert_int_equal(look(dir, SECOND), 0);
    assert_int_equal(view.waiting_n, 0);
    free(data);
    xw_import_dir_free(dir);
}

static void test_what_is_put_there_meanwhile_is_not_moved(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(SECOND, NULL);
    size_t n = 0, m = 0;
    uint8_t *one = made_file(3, &n), *two = made_file(2, &m);
    put("a.edf", one, n);
    (void)look(dir, 0);
    assert_int_equal(look(dir, 2 * SECOND), 1);
    put("a.edf", two, m);
    assert_int_equal(xw_import_dir_taken(dir, &ready), 0);
    assert_true(is_there("", "a.edf"));
    (void)look(dir, SECOND);
    assert_int_equal(look(dir, 2 * SECOND), 1);
    free(one);
    free(two);
    xw_import_dir_free(dir);
}

static void test_a_broken_file_waits_then_goes_aside_with_its_reason(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(SECOND, NULL);
    put("note.txt", "no ECG", 6);
    put("empty.edf", "", 0);
    (void)look(dir, 0);
    assert_int_equal(look(dir, 3 * SECOND), 0);
    assert_int_equal(view.waiting_n, 2);
    assert_true(view.waiting[0].text[0] && view.waiting[1].text[0]);
    assert_int_equal(look(dir, 50 * SECOND), 0);
    assert_true(is_there("", "note.txt"));
    assert_int_equal(look(dir, 10 * SECOND), 0);
    assert_true(is_there("quarantine/", "note.txt"));
    assert_true(is_there("quarantine/", "note.txt.reason"));
    assert_true(is_there("quarantine/", "empty.edf"));
    assert_int_equal(view.quarantine_n, 2);
    assert_int_equal(view.broken_n, 2);
    assert_int_equal(view.waiting_n, 0);
    put("note.txt", "none again", 10); /* does not replace the first */
    (void)look(dir, 0);
    (void)look(dir, 61 * SECOND);
    assert_int_equal(view.quarantine_n, 3);
    assert_true(is_there("quarantine/", "note.txt~1"));
    xw_import_dir_free(dir);
    dir = opened(SECOND, NULL); /* another process knows them, too */
    (void)look(dir, 0);
    assert_int_equal(view.quarantine_n, 3);
    assert_true(view.quarantine[0].text[0]);
    xw_import_dir_free(dir);
}

static void test_writers_own_names_links_and_large_files_are_not_read(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(SECOND, NULL);
    size_t n = 0;
    uint8_t *data = made_file(3, &n), large[65 * 1024];
    char path[256];
    memset(large, 0, sizeof(large));
    put(".hidden", data, n);
    put("a.edf.part", data, n);
    put("a.tmp", data, n);
    put("large", large, sizeof(large));
    snprintf(path, sizeof(path), "%s/link.edf", folder);
    assert_int_equal(symlink("/dev/zero", path), 0);
    snprintf(path, sizeof(path), "%s/pipe.edf", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    (void)look(dir, 0);
    assert_int_equal(look(dir, 70 * SECOND), 0);
    assert_int_equal(view.waiting_n, 0);
    assert_true(is_there("quarantine/", "large"));
    assert_true(is_there("", ".hidden") && is_there("", "a.edf.part") && is_there("", "link.edf"));
    free(data);
    xw_import_dir_free(dir);
}

static void test_a_file_that_ends_the_process_is_given_up(void **state)
{
    (void)state;
    size_t n = 0;
    uint8_t *data = made_file(3, &n);
    put("evil.edf", data, n);
    put(".trying", "2 evil.edf", 10);
    struct xw_import_dir *dir = opened(SECOND, NULL);
    (void)look(dir, 0);
    assert_int_equal(look(dir, 2 * SECOND), 1); /* the third time it was read */
    assert_false(is_there("", ".trying"));
    put(".trying", "3 evil.edf", 10);
    assert_int_equal(look(dir, SECOND), 0);
    assert_int_equal(look(dir, SECOND), 0);
    assert_true(is_there("quarantine/", "evil.edf"));
    free(data);
    xw_import_dir_free(dir);
}

/* As on a full disk: nothing can be written beside it. */
static void test_what_is_not_the_files_fault_does_not_put_it_aside(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(SECOND, NULL);
    size_t n = 0;
    uint8_t *data = made_file(3, &n);
    char path[256];
    snprintf(path, sizeof(path), "%s/.trying", folder);
    assert_int_equal(mkdir(path, 0700), 0);
    put("good.edf", data, n);
    (void)look(dir, 0);
    assert_int_equal(look(dir, 61 * SECOND), 0);
    assert_int_equal(look(dir, 61 * SECOND), 0);
    assert_true(is_there("", "good.edf"));
    assert_true(view.waiting[0].text[0]);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(look(dir, 61 * SECOND), 1);
    free(data);
    xw_import_dir_free(dir);
}

static void test_nothing_is_deleted_through_a_link(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(SECOND, NULL);
    char done[256], other[256];
    snprintf(done, sizeof(done), "%s/done", folder);
    snprintf(other, sizeof(other), "%s/other", folder);
    assert_int_equal(mkdir(other, 0700), 0);
    put("other/kept", "x", 1);
    assert_int_equal(rmdir(done), 0);
    assert_int_equal(symlink(other, done), 0);
    assert_int_equal(xw_import_dir_look(dir, now_us, INT64_MAX / 2, &view, &ready), 0);
    assert_true(is_there("other/", "kept"));
    xw_import_dir_free(dir);
}

static void test_a_pipe_beside_a_broken_file_holds_nobody(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(SECOND, NULL);
    char path[256];
    put("quarantine/a", "x", 1);
    snprintf(path, sizeof(path), "%s/quarantine/a.reason", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    snprintf(path, sizeof(path), "%s/.trying", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    put("note.txt", "no ECG", 6);
    (void)look(dir, 0);
    assert_int_equal(look(dir, 3 * SECOND), 0);
    assert_int_equal(view.quarantine_n, 1);
    xw_import_dir_free(dir);
}

static void test_a_file_called_like_a_reason_is_not_replaced_by_one(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(SECOND, NULL);
    uint8_t *back = NULL;
    size_t n = 0;
    char path[256];
    put("quarantine/a.reason", "no ECG either", 13);
    put("a", "no ECG", 6);
    (void)look(dir, 0);
    (void)look(dir, 61 * SECOND);
    snprintf(path, sizeof(path), "%s/quarantine/a.reason", folder);
    assert_int_equal(xw_file_read(path, 100, &back, &n), 0);
    assert_string_equal((const char *)back, "no ECG either");
    assert_true(is_there("quarantine/", "a~1") && is_there("quarantine/", "a~1.reason"));
    free(back);
    xw_import_dir_free(dir);
}

static void test_folders_that_were_cleared_away_are_made_again(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(SECOND, NULL);
    char path[256];
    snprintf(path, sizeof(path), "%s/quarantine", folder);
    assert_int_equal(rmdir(path), 0);
    put("note.txt", "no ECG", 6);
    (void)look(dir, 0);
    (void)look(dir, 61 * SECOND);
    assert_true(is_there("quarantine/", "note.txt"));
    xw_import_dir_free(dir);
}

static void test_more_files_than_are_followed_are_counted(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(SECOND, NULL);
    for (int i = 0; i < XW_IMPORT_WAITING_MAX + 20; i++) {
        char name[32];
        snprintf(name, sizeof(name), "f%d", i);
        put(name, "x", 1);
    }
    (void)look(dir, 0);
    assert_int_equal(view.waiting_n, XW_IMPORT_WAITING_MAX + 20);
    assert_int_equal(view.unseen_n, 20);
    assert_int_equal(view.waiting_shown, XW_IMPORT_SHOWN_MAX);
    xw_import_dir_free(dir);
}

static void put_numbered(const char *format, int n)
{
    for (int i = 0; i < n; i++) {
        char name[48];
        snprintf(name, sizeof(name), format, i);
        put(name, "x", 1);
    }
}

static void test_a_full_quarantine_holds_up_no_good_file(void **state)
{
    (void)state;
    size_t n;
    xw_autofree uint8_t *data = made_file(1, &n);
    struct xw_import_dir *dir = opened(SECOND, NULL);
    put_numbered("quarantine/q%d", XW_IMPORT_QUARANTINE_MAX);
    put_numbered("f%d", 2 * XW_IMPORT_WAITING_MAX + 20);
    (void)look(dir, 0);
    assert_true(view.quarantine_full);
    for (int i = 0; i < 6; i++)
        (void)look(dir, 61 * SECOND);
    assert_int_equal(view.left_n, 2 * XW_IMPORT_WAITING_MAX + 20);
    assert_int_equal(view.waiting_n, 2 * XW_IMPORT_WAITING_MAX + 20);
    assert_int_equal(view.unseen_n, 0);
    put("good.edf", data, n);
    (void)look(dir, SECOND);
    assert_int_equal(look(dir, 3 * SECOND), 1);
    assert_string_equal(ready.name, "good.edf");
    assert_int_equal(xw_import_dir_taken(dir, &ready), 0);
    /* Somebody clears it up: the broken ones go there after all. */
    char command[160];
    snprintf(command, sizeof(command), "rm -f %s/quarantine/q*", folder);
    assert_int_equal(system(command), 0);
    for (int i = 0; i < 6; i++)
        (void)look(dir, 61 * SECOND);
    assert_true(view.quarantine_n >= XW_IMPORT_WAITING_MAX);
    xw_import_dir_free(dir);
}

static void test_taken_files_go_to_the_outbox_by_their_hash(void **state)
{
    (void)state;
    struct xw_import_dir *dir = opened(0, outbox); /* keep nothing */
    size_t n = 0;
    uint8_t *data = made_file(3, &n), *back = NULL;
    size_t back_n = 0;
    char hash[65], path[256];
    put("zhang.edf", data, n);
    (void)look(dir, 0);
    assert_int_equal(look(dir, 2 * SECOND), 1);
    assert_int_equal(xw_import_dir_taken(dir, &ready), 0);
    assert_false(is_there("", "zhang.edf") || is_there("done/", "zhang.edf"));
    snprintf(path, sizeof(path), "%s/%s.ecg", outbox, sodium_bin2hex(hash, 65, ready.hash, 32));
    assert_int_equal(xw_file_read(path, 1 << 20, &back, &back_n), 0);
    assert_int_equal(back_n, n);
    free(back);
    free(data);
    xw_import_dir_free(dir);
}

static void test_a_recording_becomes_streams_of_its_own_counts(void **state)
{
    (void)state;
    struct xw_formats_recording *r = made_recording(12, 500, 250);
    struct xw_import_plan plan, again;
    char text[XW_IMPORT_TEXT_N];
    uint8_t *header = NULL;
    size_t header_n = 0;
    int32_t x[12 * 250];
    const struct xw_uuid id = {{1, 2, 3}};
    r->groups[0].leads[3].gain.num = -r->groups[0].leads[3].gain.num;
    r->groups[0].rows[3] = 77;
    r->groups[0].rows[12 + 3] = XW_FORMATS_NO_SAMPLE;
    snprintf(r->groups[0].leads[5].unit, 16, "mmHg");
    assert_int_equal(xw_import_plan_init(&plan, r, "gw-1", false, text), 0);
    assert_int_equal(plan.streams_n, 1);
    assert_int_equal(plan.streams[0].leads_n, 11);
    assert_int_equal(plan.leads_left, 1);
    assert_int_equal(xw_import_header(&plan, &plan.streams[0], &id, &header, &header_n), 0);
    Xw__StreamHeader *h = xw__stream_header__unpack(NULL, header_n, header);
    assert_non_null(h);
    assert_int_equal(h->n_channels, 11);
    assert_memory_equal(h->stream_id.data, id.b, 16);
    assert_string_equal(h->channels[0]->code, "I");
    assert_true(h->channels[3]->gain->num > 0 && h->channels[3]->has_invalid);
    xw_import_samples(&plan.streams[0], 0, 250, x);
    assert_int_equal(x[3], -77); /* a reversed amplifier */
    assert_int_equal(x[11 + 3], XW_FORMATS_NO_SAMPLE);
    assert_int_equal(x[0], r->groups[0].rows[0]);
    assert_int_equal(xw_import_plan_init(&again, r, "gw-1", false, text), 0);
    assert_int_equal(again.streams[0].plain_size, plan.streams[0].plain_size);
    assert_memory_equal(again.streams[0].plain, plan.streams[0].plain, plan.streams[0].plain_size);
    xw__stream_header__free_unpacked(h, NULL);
    free(header);
    xw_import_plan_done(&again);
    xw_import_plan_done(&plan);
    r->groups[0].rate_hz.num = 10; /* no ECG any more */
    assert_int_equal(xw_import_plan_init(&plan, r, "gw-1", false, text), -ENODATA);
    assert_true(text[0]);
    xw_formats_free(r);
}

static void test_the_time_is_the_files_and_the_note_names_nobody(void **state)
{
    (void)state;
    struct xw_formats_recording *r = made_recording(12, 500, 250);
    struct xw_import_plan plan;
    char text[XW_IMPORT_TEXT_N], note[1024];
    int64_t wall_us = 0;
    r->start = (struct xw_formats_time){true, true, true, 2024, 3, 9, 50706123, 480};
    assert_true(xw_import_start_us(r, &wall_us));
    assert_true(wall_us == INT64_C(1709964306123000)); /* 14:05:06.123 of UTC+8 */
    r->start.has_time = false;
    assert_false(xw_import_start_us(r, &wall_us));
    assert_int_equal(xw_import_plan_init(&plan, r, "gw-1", false, text), 0);
    snprintf(r->patient.family, 16, "Mustermann");
    xw_import_note(r, &plan, false, note, sizeof(note));
    assert_non_null(strstr(note, "12 leads, 250 Hz, 2 s"));
    assert_non_null(strstr(note, "no time in the file"));
    assert_null(strstr(note, "Mustermann"));
    struct xw_uuid who = xw_import_patient_id(r, "gw-1"), same = xw_import_patient_id(r, "gw-1");
    assert_true(xw_uuid_equal(&who, &same) && !xw_uuid_is_nil(&who));
    memset(&r->patient, 0, sizeof(r->patient));
    who = xw_import_patient_id(r, "gw-1");
    assert_true(xw_uuid_is_nil(&who));
    xw_import_plan_done(&plan);
    xw_formats_free(r);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(test_a_file_is_ready_only_when_it_has_rested),
        IN_FOLDER(test_what_is_put_there_meanwhile_is_not_moved),
        IN_FOLDER(test_a_broken_file_waits_then_goes_aside_with_its_reason),
        IN_FOLDER(test_writers_own_names_links_and_large_files_are_not_read),
        IN_FOLDER(test_a_file_that_ends_the_process_is_given_up),
        IN_FOLDER(test_what_is_not_the_files_fault_does_not_put_it_aside),
        IN_FOLDER(test_nothing_is_deleted_through_a_link),
        IN_FOLDER(test_a_pipe_beside_a_broken_file_holds_nobody),
        IN_FOLDER(test_folders_that_were_cleared_away_are_made_again),
        IN_FOLDER(test_a_file_called_like_a_reason_is_not_replaced_by_one),
        IN_FOLDER(test_more_files_than_are_followed_are_counted),
        IN_FOLDER(test_a_full_quarantine_holds_up_no_good_file),
        IN_FOLDER(test_taken_files_go_to_the_outbox_by_their_hash),
        cmocka_unit_test(test_a_recording_becomes_streams_of_its_own_counts),
        cmocka_unit_test(test_the_time_is_the_files_and_the_note_names_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
