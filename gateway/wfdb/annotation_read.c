/* Reads MIT annotations. Traps met in real files: SKIP is a signed 32-bit number with its high
 * half first (a negative time is legal), NUM and CHN hold until they are changed while SUB does
 * not, AUX is padded to even length, a leading "##" note belongs to the file, not to the heart. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wfdb/annotation_internal.h"
#include "wfdb/wfdb_internal.h"

struct parser {
    const uint8_t *data;
    size_t data_n;
    size_t at;
    int64_t time;
    int8_t channel;
    int8_t num;
    size_t capacity;
    size_t aux_used;
    struct xw_wfdb_annotations out;
};

static bool take_word(struct parser *p, unsigned *ret_word)
{
    if (p->data_n - p->at < 2)
        return false;
    *ret_word = (unsigned)p->data[p->at] | (unsigned)p->data[p->at + 1] << 8;
    p->at += 2;
    return true;
}

static int take_skip(struct parser *p)
{
    unsigned high;
    unsigned low;
    if (!take_word(p, &high) || !take_word(p, &low))
        return -ENODATA;
    p->time += (int32_t)((uint32_t)high << 16 | low);
    return 0;
}

static int take_aux(struct parser *p, unsigned n)
{
    struct xw_wfdb_annotation *a = &p->out.at[p->out.n - 1];
    if (n > XW_WFDB_MAX_AUX_BYTES)
        return -EBADMSG;
    if (p->data_n - p->at < n)
        return -ENODATA;
    /* Room: every AUX takes at least n + 2 bytes of the data, and aux_bytes is as large as they. */
    char *aux = p->out.aux_bytes + p->aux_used;
    memcpy(aux, p->data + p->at, n);
    aux[n] = 0;
    while (n > 0 && aux[n - 1] == 0)
        n--; /* writers count their final NUL */
    p->aux_used += n + 1;
    a->aux = aux;
    a->aux_n = (uint8_t)n;
    return 0;
}

static int add_annotation(struct parser *p, unsigned code)
{
    if (p->out.n == p->capacity) {
        if (p->capacity >= XW_WFDB_MAX_ANNOTATIONS)
            return -EOVERFLOW;
        size_t capacity = p->capacity ? p->capacity * 2 : 256;
        struct xw_wfdb_annotation *at = realloc(p->out.at, capacity * sizeof(*at));
        if (!at)
            return -ENOMEM;
        p->out.at = at;
        p->capacity = capacity;
    }
    p->out.at[p->out.n++] = (struct xw_wfdb_annotation){
        .sample = p->time, .code = (uint8_t)code, .channel = p->channel, .num = p->num};
    return 0;
}

/* What follows an annotation and tells more of it. */
static int modify(struct parser *p, unsigned code, unsigned value)
{
    if (p->out.n == 0)
        return -EBADMSG;
    struct xw_wfdb_annotation *a = &p->out.at[p->out.n - 1];
    int8_t low_byte = (int8_t)(uint8_t)(value & 0xff);
    switch (code) {
    case XW_WFDB_WORD_NUM:
        a->num = p->num = low_byte;
        return 0;
    case XW_WFDB_WORD_SUB:
        a->subtype = low_byte;
        return 0;
    case XW_WFDB_WORD_CHN:
        a->channel = p->channel = low_byte;
        return 0;
    default: {
        int e = take_aux(p, value);
        p->at += e == 0 ? value + (value & 1) : 0;
        if (p->at > p->data_n)
            return -ENODATA;
        return e;
    }
    }
}

static int take_next(struct parser *p, bool *ret_end)
{
    unsigned word;
    if (!take_word(p, &word))
        return -ENODATA;
    unsigned code = word >> 10;
    unsigned value = word & XW_WFDB_WORD_VALUE_MAX;
    *ret_end = word == 0;
    if (*ret_end)
        return 0;
    if (code == XW_WFDB_WORD_SKIP)
        return take_skip(p);
    if (code > XW_WFDB_WORD_SKIP)
        return modify(p, code, value);
    if (code >= XW_WFDB_CODES_N)
        return -EBADMSG;
    p->time += value;
    return code == XW_WFDB_NOTQRS ? 0 : add_annotation(p, code);
}

static bool is_file_note(const struct xw_wfdb_annotation *a)
{
    return a->code == XW_WFDB_NOTE && a->sample == 0 && a->aux && strncmp(a->aux, "## ", 3) == 0;
}

/* Takes the file's own notes off the front: its time resolution, its private codes. */
static void strip_file_notes(struct xw_wfdb_annotations *out)
{
    static const char resolution[] = "## time resolution: ";
    static const char definitions[] = "## annotation type definitions";
    static const char definitions_end[] = "## end of definitions";
    size_t n = 0;
    bool defining = false;
    for (; n < out->n; n++) {
        const struct xw_wfdb_annotation *a = &out->at[n];
        bool is_note = a->code == XW_WFDB_NOTE && a->sample == 0 && a->aux;
        if (!is_note || (!defining && !is_file_note(a)))
            break;
        if (strncmp(a->aux, resolution, sizeof(resolution) - 1) == 0) {
            struct xw_wfdb_cursor c = {a->aux + sizeof(resolution) - 1, a->aux + a->aux_n};
            struct xw_wfdb_fraction f;
            if (xw_wfdb_parse_decimal(&c, &f) == 0 && f.num > 0)
                out->time_resolution_hz = f;
        }
        if (strcmp(a->aux, definitions) == 0)
            defining = true;
        else if (strcmp(a->aux, definitions_end) == 0)
            defining = false;
    }
    if (n) {
        memmove(out->at, out->at + n, (out->n - n) * sizeof(*out->at));
        out->n -= n;
    }
}

static int explain(const struct parser *p, int e, struct xw_wfdb_error *ret_error)
{
    const char *what = e == -ENODATA     ? "the annotation file ends without its end mark"
                       : e == -EBADMSG   ? "not an MIT annotation file"
                       : e == -EOVERFLOW ? "too many annotations"
                                         : "out of memory";
    return xw_wfdb_fail(ret_error, 0, -e, "%s (byte %zu, after %zu annotations)", what, p->at,
                        p->out.n);
}

int xw_wfdb_annotations_parse(const uint8_t *data, size_t data_n,
                              struct xw_wfdb_annotations *ret_annotations,
                              struct xw_wfdb_error *ret_error)
{
    struct parser p = {.data = data, .data_n = data_n};
    bool end = false;
    int e = 0;
    if (data_n > XW_WFDB_MAX_ANNOTATIONS_BYTES)
        return explain(&p, -EOVERFLOW, ret_error);
    p.out.time_resolution_hz = (struct xw_wfdb_fraction){0, 1};
    p.out.aux_bytes = malloc(data_n + 1);
    if (!p.out.aux_bytes)
        return explain(&p, -ENOMEM, ret_error);
    while (e == 0 && !end)
        e = take_next(&p, &end);
    if (e < 0) {
        xw_wfdb_annotations_done(&p.out);
        return explain(&p, e, ret_error);
    }
    strip_file_notes(&p.out);
    *ret_annotations = p.out;
    return 0;
}

int xw_wfdb_annotations_load(const char *path, struct xw_wfdb_annotations *ret_annotations,
                             struct xw_wfdb_error *ret_error)
{
    uint8_t *data;
    size_t data_n;
    int e = xw_wfdb_load_file(path, xw_wfdb_base_name(path), XW_WFDB_MAX_ANNOTATIONS_BYTES, &data,
                              &data_n, ret_error);
    if (e < 0)
        return e;
    e = xw_wfdb_annotations_parse(data, data_n, ret_annotations, ret_error);
    free(data);
    return e;
}

void xw_wfdb_annotations_done(struct xw_wfdb_annotations *annotations)
{
    if (!annotations)
        return;
    free(annotations->at);
    free(annotations->aux_bytes);
    *annotations = (struct xw_wfdb_annotations){.time_resolution_hz = {0, 1}};
}
