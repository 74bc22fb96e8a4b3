/* Collects annotations in any order and writes them sorted, in the MIT format. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wfdb/annotation_internal.h"
#include "wfdb/wfdb_internal.h"

enum { MAX_WRITER_AUX_BYTES = 64 * 1024 * 1024 };

struct entry {
    struct xw_wfdb_annotation annotation; /* aux not used: the pool may move */
    size_t aux_at;
    size_t order;
};

struct xw_wfdb_annotation_writer {
    struct entry *entries;
    size_t n;
    size_t capacity;
    char *aux;
    size_t aux_n;
    size_t aux_capacity;
};

int xw_wfdb_annotation_writer_new(struct xw_wfdb_annotation_writer **ret_writer)
{
    struct xw_wfdb_annotation_writer *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    *ret_writer = w;
    return 0;
}

void xw_wfdb_annotation_writer_free(struct xw_wfdb_annotation_writer *writer)
{
    if (!writer)
        return;
    free(writer->entries);
    free(writer->aux);
    free(writer);
}

/* Room for one more entry and aux_n more bytes. */
static int reserve(struct xw_wfdb_annotation_writer *w, size_t aux_n)
{
    if (w->n >= XW_WFDB_MAX_ANNOTATIONS || w->aux_n + aux_n > MAX_WRITER_AUX_BYTES)
        return -EOVERFLOW;
    if (w->n == w->capacity) {
        size_t capacity = w->capacity ? w->capacity * 2 : 256;
        struct entry *entries = realloc(w->entries, capacity * sizeof(*entries));
        if (!entries)
            return -ENOMEM;
        w->entries = entries;
        w->capacity = capacity;
    }
    if (w->aux_n + aux_n > w->aux_capacity) {
        size_t capacity = (w->aux_n + aux_n) * 2;
        char *aux = realloc(w->aux, capacity);
        if (!aux)
            return -ENOMEM;
        w->aux = aux;
        w->aux_capacity = capacity;
    }
    return 0;
}

int xw_wfdb_annotation_writer_add(struct xw_wfdb_annotation_writer *writer,
                                  const struct xw_wfdb_annotation *annotation)
{
    if (annotation->code == XW_WFDB_NOTQRS || annotation->code >= XW_WFDB_CODES_N ||
        annotation->sample < INT64_MIN / 4 || annotation->sample > INT64_MAX / 4)
        return -EINVAL;
    int e = reserve(writer, annotation->aux_n);
    if (e < 0)
        return e;
    struct entry *entry = &writer->entries[writer->n];
    *entry = (struct entry){*annotation, writer->aux_n, writer->n};
    if (annotation->aux_n) {
        memcpy(writer->aux + writer->aux_n, annotation->aux, annotation->aux_n);
        writer->aux_n += annotation->aux_n;
    }
    writer->n++;
    return 0;
}

int xw_wfdb_annotation_writer_mark(struct xw_wfdb_annotation_writer *writer, int64_t sample,
                                   enum xw_wfdb_code code, int subtype, const char *aux)
{
    size_t aux_n = aux ? strlen(aux) : 0;
    if (aux_n > XW_WFDB_MAX_AUX_BYTES || subtype < INT8_MIN || subtype > INT8_MAX)
        return -EINVAL;
    return xw_wfdb_annotation_writer_add(writer,
                                         &(struct xw_wfdb_annotation){.sample = sample,
                                                                      .code = (uint8_t)code,
                                                                      .subtype = (int8_t)subtype,
                                                                      .aux_n = (uint8_t)aux_n,
                                                                      .aux = aux});
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left;
    const struct entry *b = right;
    if (a->annotation.sample != b->annotation.sample)
        return a->annotation.sample < b->annotation.sample ? -1 : 1;
    if (a->annotation.channel != b->annotation.channel)
        return a->annotation.channel < b->annotation.channel ? -1 : 1;
    return a->order < b->order ? -1 : a->order > b->order;
}

struct encoder {
    uint8_t *at;
    int64_t time;
    int8_t channel;
    int8_t num;
};

static void put_word(struct encoder *e, unsigned code, unsigned value)
{
    unsigned word = code << 10 | value;
    *e->at++ = (uint8_t)(word & 0xff);
    *e->at++ = (uint8_t)(word >> 8);
}

static void put_skip(struct encoder *e, int64_t by)
{
    uint32_t u = (uint32_t)(int32_t)by;
    put_word(e, XW_WFDB_WORD_SKIP, 0);
    *e->at++ = (uint8_t)(u >> 16 & 0xff);
    *e->at++ = (uint8_t)(u >> 24);
    *e->at++ = (uint8_t)(u & 0xff);
    *e->at++ = (uint8_t)(u >> 8 & 0xff);
    e->time += by;
}

static size_t skips_needed(int64_t by)
{
    return by >= 0 && by <= XW_WFDB_WORD_VALUE_MAX ? 0
                                                   : (size_t)((by < 0 ? -by : by) / INT32_MAX) + 1;
}

static void put_annotation(struct encoder *e, const struct entry *entry, const char *aux_pool)
{
    const struct xw_wfdb_annotation *a = &entry->annotation;
    for (size_t n = skips_needed(a->sample - e->time); n > 0; n--) {
        int64_t by = a->sample - e->time;
        put_skip(e, by < -INT32_MAX ? -INT32_MAX : by > INT32_MAX ? INT32_MAX : by);
    }
    put_word(e, a->code, (unsigned)(a->sample - e->time));
    e->time = a->sample;
    if (a->subtype)
        put_word(e, XW_WFDB_WORD_SUB, (uint8_t)a->subtype);
    if (a->channel != e->channel)
        put_word(e, XW_WFDB_WORD_CHN, (uint8_t)a->channel);
    if (a->num != e->num)
        put_word(e, XW_WFDB_WORD_NUM, (uint8_t)a->num);
    e->channel = a->channel;
    e->num = a->num;
    if (a->aux_n) {
        put_word(e, XW_WFDB_WORD_AUX, a->aux_n);
        memcpy(e->at, aux_pool + entry->aux_at, a->aux_n);
        e->at += a->aux_n;
        if (a->aux_n & 1)
            *e->at++ = 0;
    }
}

static size_t encoded_bound(const struct xw_wfdb_annotation_writer *w)
{
    size_t bytes = 2;
    int64_t time = 0;
    for (size_t i = 0; i < w->n; i++) {
        const struct xw_wfdb_annotation *a = &w->entries[i].annotation;
        bytes += skips_needed(a->sample - time) * 6 + 10 + a->aux_n + (a->aux_n & 1);
        if (bytes > XW_WFDB_MAX_ANNOTATIONS_BYTES)
            return 0;
        time = a->sample;
    }
    return bytes;
}

int xw_wfdb_annotation_writer_encode(struct xw_wfdb_annotation_writer *writer, uint8_t **ret_data,
                                     size_t *ret_data_n)
{
    if (writer->n)
        qsort(writer->entries, writer->n, sizeof(*writer->entries), compare_entries);
    size_t bound = encoded_bound(writer);
    if (bound == 0)
        return -EOVERFLOW;
    uint8_t *data = malloc(bound);
    if (!data)
        return -ENOMEM;
    struct encoder e = {.at = data};
    for (size_t i = 0; i < writer->n; i++)
        put_annotation(&e, &writer->entries[i], writer->aux);
    put_word(&e, 0, 0);
    *ret_data_n = (size_t)(e.at - data);
    *ret_data = data;
    return 0;
}

static int save_bytes(const char *path, const uint8_t *data, size_t data_n)
{
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof(temporary))
        return -ENAMETOOLONG;
    FILE *file = fopen(temporary, "wbe");
    if (!file)
        return -errno;
    int e = fwrite(data, 1, data_n, file) == data_n ? 0 : -EIO;
    if (fclose(file) != 0 && e == 0)
        e = -EIO;
    if (e == 0 && rename(temporary, path) < 0)
        e = -errno;
    if (e < 0)
        unlink(temporary);
    return e;
}

int xw_wfdb_annotation_writer_save(struct xw_wfdb_annotation_writer *writer, const char *path,
                                   struct xw_wfdb_error *ret_error)
{
    uint8_t *data = NULL;
    size_t data_n = 0;
    int e = xw_wfdb_annotation_writer_encode(writer, &data, &data_n);
    if (e == 0)
        e = save_bytes(path, data, data_n);
    free(data);
    if (e < 0)
        return xw_wfdb_fail(ret_error, 0, -e, "%s: %s", xw_wfdb_base_name(path), strerror(-e));
    return 0;
}
