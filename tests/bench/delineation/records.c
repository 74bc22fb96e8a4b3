/* Recordings and annotations from folders of WFDB files. */
#include "bench/delineation/bench.h"

#include "wfdb/wfdb.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int number_of(const char *path)
{
    const char *name = strrchr(path, '/');
    return (int)strtol(name ? name + 1 : path, NULL, 10);
}

static int compare(const void *a, const void *b)
{
    return number_of(*(char *const *)a) - number_of(*(char *const *)b);
}

int xw_bench_list(const char *folder, char ***ret_paths, size_t *ret_n)
{
    DIR *dir = opendir(folder);
    if (!dir)
        return -errno;
    enum { MAX = 100000 };
    char **paths = calloc(MAX, sizeof(*paths));
    size_t n = 0;
    for (struct dirent *entry; paths && (entry = readdir(dir)) && n < MAX;) {
        size_t length = strlen(entry->d_name);
        if (length <= 4 || strcmp(entry->d_name + length - 4, ".hea") != 0)
            continue;
        char path[1024];
        snprintf(path, sizeof(path), "%s/%.*s", folder, (int)length - 4, entry->d_name);
        paths[n] = strdup(path);
        n += paths[n] != NULL;
    }
    closedir(dir);
    if (!paths)
        return -ENOMEM;
    qsort(paths, n, sizeof(*paths), compare);
    *ret_paths = paths;
    *ret_n = n;
    return 0;
}

void xw_bench_list_free(char **paths, size_t n)
{
    for (size_t i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
}

int xw_bench_load(const char *path, struct xw_bench_record *r)
{
    struct xw_wfdb_reader *reader = NULL;
    struct xw_wfdb_error error = {0};
    int result = xw_wfdb_reader_open(path, NULL, 0, &reader, &error);
    if (result < 0)
        return result;
    snprintf(r->path, sizeof(r->path), "%s", path);
    r->number = number_of(path);
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(reader);
    unsigned channels = xw_wfdb_reader_channels(reader);
    r->input.rate_hz = (double)rate.num / (double)rate.den;
    r->input.channels_n = channels;
    r->input.age_years = NAN;
    r->input.sex = XW_ECG12_SEX_UNKNOWN;
    size_t want = (size_t)(10 * r->input.rate_hz);
    int32_t *rows = malloc(sizeof(*rows) * want * (channels ? channels : 1));
    int64_t n = -EINVAL;
    if (rows && channels && channels <= XW_ECG12_LEADS_MAX && want <= XW_BENCH_ROWS_MAX)
        n = xw_wfdb_reader_read(reader, rows, want, &error);
    for (unsigned c = 0; c < channels && n > 0; c++) {
        const struct xw_wfdb_signal *s = xw_wfdb_reader_signal(reader, c);
        double scale = 1000.0 * (double)s->gain.den / (double)s->gain.num;
        for (int64_t i = 0; i < n; i++) {
            int32_t count = rows[i * channels + c];
            r->uv[c][i] = count == s->invalid ? NAN : (float)((count - s->baseline) * scale);
        }
        r->input.channels[c] =
            (struct xw_ecg12_channel){.lead = xw_ecg_lead_from_name(s->description),
                                      .uv = r->uv[c],
                                      .min_uv = NAN,
                                      .max_uv = NAN};
    }
    r->input.samples_n = n > 0 ? (unsigned)n : 0;
    free(rows);
    xw_wfdb_reader_close(reader);
    return n > 0 ? 0 : (int)n;
}

int xw_bench_waves(const char *path, const char *lead, struct xw_bench_wave *waves)
{
    char file[1100], suffix[32] = {0};
    for (size_t i = 0; i + 1 < sizeof(suffix) && lead[i]; i++)
        suffix[i] = (char)(lead[i] >= 'A' && lead[i] <= 'Z' ? lead[i] + 32 : lead[i]);
    snprintf(file, sizeof(file), "%s.%s", path, suffix);
    struct xw_wfdb_annotations a;
    struct xw_wfdb_error error = {0};
    int result = xw_wfdb_annotations_load(file, &a, &error);
    if (result < 0)
        return result;
    int n = 0, open = -1;
    for (size_t i = 0; i < a.n && n < XW_BENCH_WAVES_MAX; i++) {
        int sample = (int)a.at[i].sample;
        if (a.at[i].code == XW_WFDB_WFON) {
            open = sample;
        } else if (a.at[i].code == XW_WFDB_WFOFF) {
            if (n && waves[n - 1].off < 0)
                waves[n - 1].off = sample;
        } else {
            char kind = a.at[i].code == XW_WFDB_PWAVE   ? 'p'
                        : a.at[i].code == XW_WFDB_TWAVE ? 't'
                                                        : 'N';
            waves[n++] = (struct xw_bench_wave){kind, open, sample, -1};
            open = -1;
        }
    }
    xw_wfdb_annotations_done(&a);
    return n;
}

void xw_bench_print(const char *name, double value, const char *unit)
{
    const char *commit = getenv("XW_COMMIT"), *cpu = getenv("XW_CPU");
    printf("{\"name\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"commit\":\"%s\",\"cpu\":\"%s\"}\n",
           name, value, unit, commit ? commit : "unknown", cpu ? cpu : "unknown");
}
