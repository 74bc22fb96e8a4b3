/* QRS errors on MIT-BIH: xinwang-screen over all records of XW_DATA/mitdb, both signals, cold start
 * at 0:00, beats paired within 150 ms, ventricular flutter left out (ANSI/AAMI EC57).
 * usage: bench_qrs (XW_DATA set). The program is taken from ../bin beside this one. */
#include "bench/dsp/print.h"
#include "wfdb/wfdb.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { RECORDS_MAX = 256, BASELINE_ERRORS = 511 };

extern char **environ;

struct beats {
    int64_t *at;
    size_t n;
};

struct score {
    size_t beats_n, missed_n, extra_n;
};

static struct beats beats_of(const struct xw_wfdb_annotations *a,
                             const struct xw_wfdb_annotations *reference)
{
    struct beats b = {calloc(a->n + 1, sizeof(int64_t)), 0};
    for (size_t i = 0; i < a->n && b.at; i++) {
        bool flutter = false;
        int64_t since = -1;
        for (size_t k = 0; k < reference->n && reference->at[k].sample <= a->at[i].sample; k++)
            since = reference->at[k].code == XW_WFDB_VFON    ? reference->at[k].sample
                    : reference->at[k].code == XW_WFDB_VFOFF ? -1
                                                             : since;
        flutter = since >= 0;
        if (xw_wfdb_code_is_beat(a->at[i].code) && !flutter)
            b.at[b.n++] = a->at[i].sample;
    }
    return b;
}

/* Pairs in order of time; where two tests are near one reference the nearer is its partner. */
static struct score compare(const struct beats *ref, const struct beats *test, int64_t window)
{
    struct score s = {ref->n, 0, 0};
    size_t i = 0, j = 0, paired_n = 0;
    while (i < ref->n && j < test->n) {
        int64_t d = test->at[j] - ref->at[i];
        if (d < -window) {
            j++;
            continue;
        }
        if (d > window) {
            i++;
            continue;
        }
        size_t best = j;
        while (best + 1 < test->n &&
               llabs(test->at[best + 1] - ref->at[i]) < llabs(test->at[best] - ref->at[i]))
            best++;
        bool next_is_nearer = i + 1 < ref->n && llabs(ref->at[i + 1] - test->at[best]) <
                                                    llabs(ref->at[i] - test->at[best]);
        if (next_is_nearer && best > j) {
            best--;
        } else if (next_is_nearer) {
            i++;
            continue;
        }
        paired_n++;
        i++;
        j = best + 1;
    }
    s.missed_n = ref->n - paired_n;
    s.extra_n = test->n - paired_n;
    return s;
}

static int screen(const char *program, const char *record, const char *out_dir)
{
    pid_t pid;
    int status;
    char *argv[] = {(char *)program, "-r", (char *)record, "-o", (char *)out_dir, NULL};
    if (posix_spawn(&pid, program, NULL, NULL, argv, environ) != 0)
        return -errno;
    if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return -EIO;
    return 0;
}

static int score_record(const char *data, const char *name, const char *program,
                        const char *out_dir, struct score *total)
{
    char record[4096], reference_path[4096 + 8], test_path[4096];
    struct xw_wfdb_annotations reference, test;
    struct xw_wfdb_header header;
    struct xw_wfdb_error error = {0};
    snprintf(record, sizeof(record), "%s/mitdb/%s", data, name);
    snprintf(reference_path, sizeof(reference_path), "%s.atr", record);
    snprintf(test_path, sizeof(test_path), "%s/%s.xw", out_dir, name);
    int result = screen(program, record, out_dir);
    if (result < 0 || (result = xw_wfdb_header_load(record, &header, &error)) < 0)
        return result;
    double rate_hz = (double)header.frame_rate_hz.num / (double)header.frame_rate_hz.den;
    xw_wfdb_header_done(&header);
    if ((result = xw_wfdb_annotations_load(reference_path, &reference, &error)) < 0)
        return result;
    result = xw_wfdb_annotations_load(test_path, &test, &error);
    if (result >= 0) {
        struct beats a = beats_of(&reference, &reference), b = beats_of(&test, &reference);
        struct score s = compare(&a, &b, (int64_t)lround(0.15 * rate_hz));
        fprintf(stderr, "%s: %zu beats, missed %zu, extra %zu\n", name, s.beats_n, s.missed_n,
                s.extra_n);
        total->beats_n += s.beats_n;
        total->missed_n += s.missed_n;
        total->extra_n += s.extra_n;
        free(a.at);
        free(b.at);
        xw_wfdb_annotations_done(&test);
    }
    xw_wfdb_annotations_done(&reference);
    unlink(test_path);
    return result;
}

static int has_header(const struct dirent *e)
{
    size_t n = strlen(e->d_name);
    return n > 4 && n < 64 && strcmp(e->d_name + n - 4, ".hea") == 0;
}

int main(int argc, char **argv)
{
    (void)argc;
    const char *data = getenv("XW_DATA");
    char folder[4000], program[4000], out_dir[] = "/tmp/xw-bench-qrs-XXXXXX";
    if (!data) {
        fprintf(stderr, "bench_qrs: XW_DATA is not set\n");
        return 77;
    }
    const char *slash = strrchr(argv[0], '/');
    snprintf(program, sizeof(program), "%.*s../bin/xinwang-screen",
             slash ? (int)(slash - argv[0] + 1) : 0, argv[0]);
    snprintf(folder, sizeof(folder), "%s/mitdb", data);
    struct dirent **list;
    int n = scandir(folder, &list, has_header, alphasort);
    if (n <= 0 || !mkdtemp(out_dir)) {
        fprintf(stderr, "bench_qrs: no recordings in XW_DATA/mitdb\n");
        return 77;
    }
    struct score total = {0};
    int failed = 0;
    for (int i = 0; i < n; i++) {
        list[i]->d_name[strlen(list[i]->d_name) - 4] = 0;
        failed |= score_record(data, list[i]->d_name, program, out_dir, &total) < 0;
        free(list[i]);
    }
    free(list);
    rmdir(out_dir);
    if (failed || !total.beats_n) {
        fprintf(stderr, "bench_qrs: a record could not be scored\n");
        return 1;
    }
    double found = (double)(total.beats_n - total.missed_n);
    xw_bench_print("qrs_mitdb_0_errors", (double)(total.missed_n + total.extra_n), "beats",
                   "best open C detector (gqrs with gqpost)", BASELINE_ERRORS);
    xw_bench_print("qrs_mitdb_0_beats", (double)total.beats_n, "beats", NULL, 0);
    xw_bench_print("qrs_mitdb_0_se", 100 * found / (double)total.beats_n, "%",
                   "best open C detector (gqrs with gqpost)", 99.703);
    xw_bench_print("qrs_mitdb_0_ppv", 100 * found / (found + (double)total.extra_n), "%",
                   "best open C detector (gqrs with gqpost)", 99.830);
    return 0;
}
