/* Writes a record: one format 16 file that grows, and at the end the header with its sums. The
 * header comes last and by rename, so that a record that can be opened is a whole one. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wfdb/wfdb_internal.h"

enum { CHUNK_BYTES = 32 * 1024, MAX_PATH_BYTES = 4096 };

struct column {
    char description[XW_WFDB_MAX_NAME_BYTES];
    char unit[XW_WFDB_MAX_UNIT_BYTES];
    char gain[40];
    int32_t baseline;
    int32_t initial;
    uint32_t sum;
};

struct xw_wfdb_writer {
    char path[MAX_PATH_BYTES]; /* without extension */
    char rate[40];
    FILE *data;
    int64_t rows_n;
    char when[32];       /* " hh:mm:ss.mmm dd/mm/yyyy", or nothing */
    char comments[2048]; /* lines */
    size_t columns_n;
    struct column columns[XW_WFDB_MAX_SIGNALS];
};

static bool name_is_plain(const char *name)
{
    if (!*name || strlen(name) >= XW_WFDB_MAX_NAME_BYTES - 4)
        return false;
    for (const char *c = name; *c; c++) {
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
            return false;
    }
    return true;
}

/* Text that stands in one line of the header; a unit has no blanks either. */
static int copy_field(const char *from, char *to, size_t to_size, bool blanks)
{
    size_t n = strlen(from);
    if (n >= to_size)
        return -EINVAL;
    for (size_t i = 0; i < n; i++) {
        if ((unsigned char)from[i] < 0x20 || (!blanks && from[i] == ' '))
            return -EINVAL;
    }
    memcpy(to, from, n + 1);
    return 0;
}

static int fill_columns(struct xw_wfdb_writer *w, const struct xw_wfdb_writer_signal *signals)
{
    for (size_t i = 0; i < w->columns_n; i++) {
        struct column *c = &w->columns[i];
        c->baseline = signals[i].baseline;
        if (signals[i].gain.num <= 0 ||
            xw_wfdb_print_decimal(signals[i].gain, c->gain, sizeof(c->gain)) < 0 ||
            copy_field(signals[i].description, c->description, sizeof(c->description), true) < 0 ||
            copy_field(signals[i].unit, c->unit, sizeof(c->unit), false) < 0)
            return -EINVAL;
    }
    return 0;
}

static int path_with(const struct xw_wfdb_writer *w, const char *suffix, char *ret_path)
{
    int n = snprintf(ret_path, MAX_PATH_BYTES, "%s%s", w->path, suffix);
    return n < 0 || n >= MAX_PATH_BYTES ? -ENAMETOOLONG : 0;
}

int xw_wfdb_writer_open(const char *record_path, struct xw_wfdb_fraction rate_hz,
                        const struct xw_wfdb_writer_signal *signals, size_t signals_n,
                        struct xw_wfdb_writer **ret_writer, struct xw_wfdb_error *ret_error)
{
    char path[MAX_PATH_BYTES];
    size_t path_n = strlen(record_path);
    if (signals_n == 0 || signals_n > XW_WFDB_MAX_SIGNALS ||
        !name_is_plain(xw_wfdb_base_name(record_path)))
        return xw_wfdb_fail(ret_error, 0, EINVAL,
                            "the record's name or number of signals is wrong");
    struct xw_wfdb_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return xw_wfdb_fail(ret_error, 0, ENOMEM, "out of memory");
    w->columns_n = signals_n;
    int e = path_n + sizeof(".hea.tmp") > sizeof(w->path) ? -ENAMETOOLONG : 0;
    if (e == 0) {
        memcpy(w->path, record_path, path_n + 1);
        e = fill_columns(w, signals);
    }
    if (e == 0 &&
        (rate_hz.num <= 0 || xw_wfdb_print_decimal(rate_hz, w->rate, sizeof(w->rate)) < 0))
        e = -EINVAL;
    if (e < 0 || (e = path_with(w, ".dat", path)) < 0) {
        free(w);
        return xw_wfdb_fail(ret_error, 0, -e, "the rate, a gain, a text or the path does not fit");
    }
    w->data = fopen(path, "wbe");
    if (!w->data) {
        e = errno;
        free(w);
        return xw_wfdb_fail(ret_error, 0, e, "%s: %s", xw_wfdb_base_name(path), strerror(e));
    }
    *ret_writer = w;
    return 0;
}

int xw_wfdb_writer_write(struct xw_wfdb_writer *writer, const int32_t *rows, size_t rows_n)
{
    uint8_t bytes[CHUNK_BYTES];
    size_t n = rows_n * writer->columns_n;
    for (size_t i = 0; i < n; i++) {
        if (rows[i] < INT16_MIN || rows[i] > INT16_MAX)
            return -ERANGE;
    }
    if (writer->rows_n == 0 && rows_n) {
        for (size_t c = 0; c < writer->columns_n; c++)
            writer->columns[c].initial = rows[c];
    }
    for (size_t i = 0; i < n;) {
        size_t k = 0;
        for (; i < n && k + 2 <= sizeof(bytes); i++, k += 2) {
            writer->columns[i % writer->columns_n].sum += (uint32_t)rows[i];
            bytes[k] = (uint8_t)((uint32_t)rows[i] & 0xff);
            bytes[k + 1] = (uint8_t)((uint32_t)rows[i] >> 8 & 0xff);
        }
        if (fwrite(bytes, 1, k, writer->data) != k)
            return -EIO;
    }
    writer->rows_n += (int64_t)rows_n;
    return 0;
}

void xw_wfdb_writer_describe(struct xw_wfdb_writer *writer, const struct xw_wfdb_record_info *info)
{
    unsigned ms = (unsigned)info->time_ms;
    int n = 0;
    writer->when[0] = 0;
    if (info->has_time && ms < 86400000)
        n = snprintf(writer->when, sizeof(writer->when), " %02u:%02u:%02u.%03u", ms / 3600000,
                     ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
    if (n && info->has_date)
        snprintf(writer->when + n, sizeof(writer->when) - (size_t)n, " %02u/%02u/%04u",
                 (unsigned)info->day % 100, (unsigned)info->month % 100,
                 (unsigned)info->year % 10000);
    snprintf(writer->comments, sizeof(writer->comments), "%s", info->comments);
}

static int write_comments(const char *comments, FILE *file)
{
    int r = 0;
    for (const char *at = comments; r >= 0 && *at;) {
        size_t n = strcspn(at, "\n");
        if (n)
            r = fprintf(file, "# %.*s\n", (int)n, at);
        at += n + (at[n] == '\n');
    }
    return r;
}

static int write_header(const struct xw_wfdb_writer *w, FILE *file)
{
    const char *name = xw_wfdb_base_name(w->path);
    int r = fprintf(file, "%s %zu %s %lld%s\n", name, w->columns_n, w->rate, (long long)w->rows_n,
                    w->when);
    for (size_t i = 0; r >= 0 && i < w->columns_n; i++) {
        const struct column *c = &w->columns[i];
        r = fprintf(file, "%s.dat 16 %s(%d)/%s 16 0 %d %d 0 %s\n", name, c->gain, c->baseline,
                    c->unit, c->initial, (int16_t)(uint16_t)(c->sum & 0xffff), c->description);
    }
    if (r >= 0)
        r = write_comments(w->comments, file);
    return r < 0 ? -EIO : 0;
}

static int save_header(const struct xw_wfdb_writer *w)
{
    char path[MAX_PATH_BYTES];
    char temporary[MAX_PATH_BYTES];
    if (path_with(w, ".hea", path) < 0 || path_with(w, ".hea.tmp", temporary) < 0)
        return -ENAMETOOLONG;
    FILE *file = fopen(temporary, "wbe");
    if (!file)
        return -errno;
    int e = write_header(w, file);
    if (fclose(file) != 0 && e == 0)
        e = -EIO;
    if (e == 0 && rename(temporary, path) < 0)
        e = -errno;
    if (e < 0)
        unlink(temporary);
    return e;
}

int xw_wfdb_writer_finish(struct xw_wfdb_writer *writer, struct xw_wfdb_error *ret_error)
{
    int e = fclose(writer->data) == 0 ? 0 : -EIO;
    if (e == 0)
        e = save_header(writer);
    if (e < 0)
        e = xw_wfdb_fail(ret_error, 0, -e, "%s: %s", xw_wfdb_base_name(writer->path), strerror(-e));
    free(writer);
    return e;
}

void xw_wfdb_writer_abandon(struct xw_wfdb_writer *writer)
{
    char path[MAX_PATH_BYTES];
    if (!writer)
        return;
    fclose(writer->data);
    if (path_with(writer, ".dat", path) == 0)
        unlink(path);
    free(writer);
}
