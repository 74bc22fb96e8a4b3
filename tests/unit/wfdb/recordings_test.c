/* Whole public recordings: the sum of every signal against its header, every annotation file.
 * Counts what agrees and prints it; skipped (77) without XW_DATA. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "wfdb/wfdb.h"

static const char *data_folder;
static unsigned sets_seen;

struct tally {
    unsigned files;
    unsigned bad;
    size_t items; /* signals compared, or annotations */
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text);
    size_t m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static void check_record(const char *path, struct tally *tally)
{
    struct xw_wfdb_reader *reader;
    struct xw_wfdb_error e = {0};
    int r = xw_wfdb_reader_open(path, NULL, 0, &reader, &e);
    if (r >= 0) {
        r = xw_wfdb_reader_verify(reader, &e);
        tally->items += r > 0 ? (size_t)r : 0;
        xw_wfdb_reader_close(reader);
    }
    tally->files++;
    tally->bad += r <= 0;
    if (r < 0)
        print_message("%s: %s\n", path, e.text);
}

static void check_annotations(const char *path, struct tally *tally)
{
    struct xw_wfdb_annotations a;
    struct xw_wfdb_error e = {0};
    int r = xw_wfdb_annotations_load(path, &a, &e);
    tally->files++;
    tally->bad += r < 0;
    if (r < 0) {
        print_message("%s: %s\n", path, e.text);
        return;
    }
    tally->items += a.n;
    xw_wfdb_annotations_done(&a);
}

static struct tally check_set(const char *set, const char *suffix,
                              void (*check)(const char *, struct tally *))
{
    char folder[1024];
    char path[2048];
    struct tally tally = {0};
    snprintf(folder, sizeof(folder), "%s/%s", data_folder, set);
    DIR *dir = opendir(folder);
    if (!dir) {
        print_message("%s is not there: passed over\n", set);
        return tally;
    }
    for (struct dirent *entry; (entry = readdir(dir));) {
        if (!ends_with(entry->d_name, suffix))
            continue;
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        check(path, &tally);
    }
    closedir(dir);
    sets_seen++;
    print_message("%s *%s: %u files, %zu items, %u bad\n", set, suffix, tally.files, tally.items,
                  tally.bad);
    assert_int_equal(tally.bad, 0);
    return tally;
}

static void signals_sum_to_what_their_headers_say(void **state)
{
    (void)state;
    static const char *const sets[] = {"mitdb", "nstdb", "vfdb",   "cinc2015",
                                       "ptbxl", "ludb",  "ctu-uhb"};
    size_t signals = 0;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        signals += check_set(sets[i], ".hea", check_record).items;
    print_message("%zu signals agree with their checksums\n", signals);
}

static void annotation_files_are_read_to_their_end_mark(void **state)
{
    (void)state;
    static const char *const sets[][2] = {{"mitdb", ".atr"}, {"nstdb", ".atr"}, {"vfdb", ".atr"},
                                          {"afdb", ".atr"},  {"afdb", ".qrs"},  {"ludb", ".ii"},
                                          {"ludb", ".v1"}};
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++)
        check_set(sets[i][0], sets[i][1], check_annotations);
}

/* The published number of beats of record 100 is 2,273, one of them a PVC. */
static void record_100_has_its_2273_beats(void **state)
{
    (void)state;
    char path[1024];
    struct xw_wfdb_annotations a;
    unsigned beats = 0;
    unsigned pvcs = 0;
    snprintf(path, sizeof(path), "%s/mitdb/100.atr", data_folder);
    if (xw_wfdb_annotations_load(path, &a, NULL) < 0)
        return;
    for (size_t i = 0; i < a.n; i++) {
        beats += xw_wfdb_code_is_beat(a.at[i].code);
        pvcs += a.at[i].code == XW_WFDB_PVC;
    }
    assert_int_equal(beats, 2273);
    assert_int_equal(pvcs, 1);
    assert_string_equal(a.at[0].aux, "(N");
    xw_wfdb_annotations_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_sum_to_what_their_headers_say),
        cmocka_unit_test(annotation_files_are_read_to_their_end_mark),
        cmocka_unit_test(record_100_has_its_2273_beats),
    };
    data_folder = getenv("XW_DATA");
    if (!data_folder)
        return 77;
    int r = cmocka_run_group_tests(tests, NULL, NULL);
    return r == 0 && sets_seen == 0 ? 77 : r;
}
