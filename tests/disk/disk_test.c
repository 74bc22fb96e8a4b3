/* What a cut may take of bytes, lengths and names, and what not. Each case runs in a child under
 * the layer, ends by a cut, and the parent looks at what is left. */
#include "help.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- bytes ---- */

static void write_over(void)
{
    put("a", 2, false);
}

static void write_over_and_sync(void)
{
    put("a", 2, true);
}

static void what_was_not_synced_is_old_new_or_torn_at_sectors(void **state)
{
    (void)state;
    unsigned old = 0, new = 0, torn = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", write_over);
        assert_int_equal(get("a", bytes, N), N);
        unsigned n = sectors_of(bytes, 2);
        assert_int_equal(n + sectors_of(bytes, 1), SECTORS);
        old += n == 0;
        new += n == SECTORS;
        torn += n > 0 && n < SECTORS;
    }
    assert_true(old > SEEDS / 10 && new > SEEDS / 10 && torn > SEEDS / 10);
}

static void what_was_synced_stays(void **state)
{
    (void)state;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", write_over_and_sync);
        assert_int_equal(get("a", bytes, N), N);
        assert_true(all(bytes, N, 2));
    }
}

static void a_lying_disk_loses_what_was_synced(void **state)
{
    (void)state;
    unsigned lost = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, ":lie=data", write_over_and_sync);
        assert_int_equal(get("a", bytes, N), N);
        lost += !all(bytes, N, 2);
    }
    assert_true(lost > SEEDS / 4);
}

static void write_two_sync_one(void)
{
    put("a", 2, false);
    put("b", 2, true);
}

static void a_sync_covers_its_own_file_only(void **state)
{
    (void)state;
    unsigned kept = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        put("b", 1, false);
        with_seed(seed, "", write_two_sync_one);
        assert_true(get("b", bytes, N) == N && all(bytes, N, 2));
        assert_int_equal(get("a", bytes, N), N);
        kept += all(bytes, N, 2);
    }
    assert_true(kept > 0 && kept < SEEDS);
}

static void range_sync(void)
{
    uint8_t bytes[N];
    memset(bytes, 2, sizeof(bytes));
    int fd = open(at("a"), O_WRONLY);
    must(fd >= 0 && write(fd, bytes, N) == N);
    must(sync_file_range(fd, 0, N, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0);
}

static void synchronous(void)
{
    uint8_t bytes[N];
    memset(bytes, 2, sizeof(bytes));
    int fd = open(at("a"), O_WRONLY | O_DSYNC);
    must(fd >= 0 && pwrite(fd, bytes, N / 2, 0) == N / 2);
    fd = open(at("a"), O_WRONLY);
    must(fd >= 0 && pwrite(fd, bytes, N / 2, N / 2) == N / 2);
}

static void sync_file_range_promises_nothing_and_o_dsync_its_own_write(void **state)
{
    (void)state;
    unsigned lost = 0, lost_behind = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", range_sync);
        assert_int_equal(get("a", bytes, N), N);
        lost += !all(bytes, N, 2);
        put("a", 1, false);
        with_seed(seed, "", synchronous);
        assert_int_equal(get("a", bytes, N), N);
        assert_true(all(bytes, N / 2, 2));
        lost_behind += !all(bytes + N / 2, N / 2, 2);
    }
    assert_true(lost > SEEDS / 4 && lost_behind > SEEDS / 4);
}

static void shorten_and_append(void)
{
    uint8_t bytes[N];
    memset(bytes, 3, sizeof(bytes));
    int fd = open(at("a"), O_WRONLY);
    must(fd >= 0 && ftruncate(fd, 700) == 0 && pwrite(fd, bytes, 300, 700) == 300);
}

/* 700 of the old, then what came there at some time: old, zero or new bytes, never a length that
 * the file did not have, nor bytes of nowhere. */
static void lengths_are_old_new_or_between(void **state)
{
    (void)state;
    unsigned old = 0, cut = 0, new = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", shorten_and_append);
        ssize_t n = get("a", bytes, N);
        assert_true(n >= 700 && n <= N);
        assert_true(all(bytes, 512, 1));
        old += n == N;
        cut += n == 700;
        new += n == 1000 && all(bytes + 700, 300, 3);
    }
    assert_true(old > 0 && cut > 0 && new > 0);
}

/* ---- names ---- */

static void make_file(void)
{
    put("new", 5, true);
}

static void make_file_and_sync_folder(void)
{
    put("new", 5, true);
    sync_folder(dir);
}

static void make_name_only(void)
{
    put("new", 5, false);
    sync_folder(dir);
}

static void a_synced_file_without_its_name_is_gone(void **state)
{
    (void)state;
    unsigned gone = 0, empty = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        with_seed(seed, "", make_file);
        ssize_t n = get("new", bytes, N);
        assert_true(n == -1 || (n == N && all(bytes, N, 5)));
        gone += n == -1;
        (void)unlink(at("new"));
        with_seed(seed, "", make_file_and_sync_folder);
        assert_true(get("new", bytes, N) == N && all(bytes, N, 5));
        (void)unlink(at("new"));
        with_seed(seed, "", make_name_only);
        n = get("new", bytes, N);
        assert_true(n >= 0);
        empty += n == 0;
        (void)unlink(at("new"));
    }
    assert_true(gone > SEEDS / 4 && gone < SEEDS && empty > SEEDS / 10);
}

static void replace(void)
{
    put("tmp", 2, true);
    must(rename(at("tmp"), at("a")) == 0);
}

static void replace_without_sync(void)
{
    put("tmp", 2, false);
    must(rename(at("tmp"), at("a")) == 0);
}

static void a_rename_is_one_change_and_may_bring_a_file_without_its_bytes(void **state)
{
    (void)state;
    unsigned old = 0, new = 0, broken = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", replace);
        assert_int_equal(get("a", bytes, N), N);
        assert_true(all(bytes, N, 1) || all(bytes, N, 2));
        old += bytes[0] == 1;
        new += bytes[0] == 2;
        if (bytes[0] == 2)
            assert_int_equal(get("tmp", bytes, N), -1);
        (void)unlink(at("tmp"));
        put("a", 1, false);
        with_seed(seed, "", replace_without_sync);
        ssize_t n = get("a", bytes, N);
        broken += n < N || !(all(bytes, N, 1) || all(bytes, N, 2));
        (void)unlink(at("tmp"));
    }
    assert_true(old > SEEDS / 10 && new > SEEDS / 10 && broken > SEEDS / 10);
}

static void remove_file(void)
{
    must(unlink(at("a")) == 0);
}

static void make_folder(void)
{
    must(mkdir(at("f"), 0700) == 0);
    put("f/x", 4, true);
    sync_folder(at("f"));
}

static void removals_come_back_and_new_folders_go(void **state)
{
    (void)state;
    unsigned back = 0, gone = 0;
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        put("a", 1, false);
        with_seed(seed, "", remove_file);
        ssize_t n = get("a", bytes, N);
        assert_true(n == -1 || (n == N && all(bytes, N, 1)));
        back += n == N;
        with_seed(seed, "", make_folder);
        n = get("f/x", bytes, N);
        assert_true(n == -1 || (n == N && all(bytes, N, 4)));
        gone += access(at("f"), F_OK) < 0;
        (void)unlink(at("f/x"));
        (void)rmdir(at("f"));
    }
    assert_true(back > SEEDS / 4 && back < SEEDS && gone > SEEDS / 4 && gone < SEEDS);
}

static void link_file(void)
{
    must(link(at("a"), at("l")) == 0);
}

static void a_link_is_a_name_like_any_other(void **state)
{
    (void)state;
    unsigned there = 0;
    put("a", 1, false);
    for (unsigned seed = 0; seed < SEEDS; seed++) {
        uint8_t bytes[N];
        with_seed(seed, "", link_file);
        ssize_t n = get("l", bytes, N);
        assert_true(n == -1 || (n == N && all(bytes, N, 1)));
        there += n == N;
        (void)unlink(at("l"));
    }
    assert_true(there > SEEDS / 4 && there < SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(what_was_not_synced_is_old_new_or_torn_at_sectors),
        CASE(what_was_synced_stays),
        CASE(a_lying_disk_loses_what_was_synced),
        CASE(a_sync_covers_its_own_file_only),
        CASE(sync_file_range_promises_nothing_and_o_dsync_its_own_write),
        CASE(lengths_are_old_new_or_between),
        CASE(a_synced_file_without_its_name_is_gone),
        CASE(a_rename_is_one_change_and_may_bring_a_file_without_its_bytes),
        CASE(removals_come_back_and_new_folders_go),
        CASE(a_link_is_a_name_like_any_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
