/* A look at the bones of a DICOM file before DCMTK gets it: lengths that lie, depth without end and
 * files that are cut off are told here, with the place. */
#include "formats/dicom.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DEPTH = 12, MAX_ELEMENTS = 500000 };

#define UNDEFINED_LENGTH 0xffffffffu

struct walker {
    const uint8_t *data;
    size_t n, at;
    bool implicit, big;
    struct {
        size_t end;    /* SIZE_MAX: until its delimiter */
        bool items;    /* a sequence, whose content is items */
        bool implicit; /* how it goes on behind it */
    } stack[MAX_DEPTH];
    unsigned depth;
};

struct element {
    uint16_t group, number;
    uint32_t length;
    bool sequence;
    bool implicit; /* what is in it, whatever is around it (PS3.5 6.2.2: unknown sequences) */
    size_t content;
};

/* Value representations of two and of four bytes of length. Of one that is none DCMTK takes four
 * where two may stand. */
static const char SHORT_VR[] = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US";
static const char LONG_VR[] = "OB OD OF OL OV OW SQ SV UC UN UR UT UV";

static uint16_t u16(const struct walker *w, size_t at)
{
    const uint8_t *p = w->data + at;
    return w->big ? (uint16_t)(p[0] << 8 | p[1]) : xw_formats_le16(p);
}

static uint32_t u32(const struct walker *w, size_t at)
{
    return w->big ? (uint32_t)u16(w, at) << 16 | u16(w, at + 2) : xw_formats_le32(w->data + at);
}

/* A sequence that has a length looks like any element; which tag is one, the dictionary knows. What
 * begins as an item does is looked into, as DCMTK would, but for samples and pixels. */
static bool begins_with_item(const struct walker *w, const struct element *e)
{
    bool samples =
        (e->group == 0x5400 && e->number == 0x1010) || (e->group == 0x7fe0 && e->number == 0x0010);
    return !samples && e->length >= 8 && w->n - e->content >= 8 && u16(w, e->content) == 0xfffe &&
           u16(w, e->content + 2) == 0xe000;
}

static int header(const struct walker *w, struct element *e)
{
    if (w->n - w->at < 8)
        return -ENODATA;
    e->group = u16(w, w->at);
    e->number = u16(w, w->at + 2);
    e->sequence = false;
    e->implicit = w->implicit;
    e->content = w->at + 8;
    if (w->implicit || e->group == 0xfffe) {
        e->length = u32(w, w->at + 4);
        e->sequence =
            e->group != 0xfffe && (e->length == UNDEFINED_LENGTH || begins_with_item(w, e));
        return 0;
    }
    const char vr[] = {(char)w->data[w->at + 4], (char)w->data[w->at + 5], 0};
    if (vr[0] < 'A' || vr[0] > 'Z' || vr[1] < 'A' || vr[1] > 'Z')
        return -EBADMSG;
    if (!strstr(LONG_VR, vr)) {
        e->length = u16(w, w->at + 6);
        return strstr(SHORT_VR, vr) ? 0 : -EBADMSG;
    }
    if (w->n - w->at < 12)
        return -ENODATA;
    e->length = u32(w, w->at + 8);
    e->content = w->at + 12;
    e->sequence = strcmp(vr, "SQ") == 0 || e->length == UNDEFINED_LENGTH;
    e->implicit = strcmp(vr, "UN") == 0;
    return e->sequence && !e->implicit && strcmp(vr, "SQ") != 0 ? -EBADMSG : 0;
}

static int push(struct walker *w, const struct element *e, bool items)
{
    if (w->depth == MAX_DEPTH)
        return -EOVERFLOW;
    w->stack[w->depth].end = e->length == UNDEFINED_LENGTH ? SIZE_MAX : e->content + e->length;
    w->stack[w->depth].implicit = w->implicit;
    w->stack[w->depth++].items = items;
    w->implicit = e->implicit;
    w->at = e->content;
    return 0;
}

static void pop(struct walker *w)
{
    w->implicit = w->stack[--w->depth].implicit;
}

static int step(struct walker *w)
{
    struct element e;
    int result = header(w, &e);
    if (result < 0)
        return result;
    bool in_items = w->depth && w->stack[w->depth - 1].items;
    size_t limit =
        w->depth && w->stack[w->depth - 1].end != SIZE_MAX ? w->stack[w->depth - 1].end : w->n;
    if (e.length != UNDEFINED_LENGTH && (e.content > limit || e.length > limit - e.content))
        return e.length > w->n - (e.content < w->n ? e.content : w->n) ? -ENODATA : -EBADMSG;
    if (e.group == 0xfffe && (e.number == 0xe00d || e.number == 0xe0dd)) {
        if (w->depth == 0 || e.length != 0 || in_items != (e.number == 0xe0dd))
            return -EBADMSG;
        pop(w);
        w->at = e.content;
        return 0;
    }
    if (e.group == 0xfffe) {
        if (!in_items || e.number != 0xe000)
            return -EBADMSG;
        return push(w, &e, false);
    }
    if (in_items)
        return -EBADMSG;
    if (e.sequence)
        return push(w, &e, true);
    w->at = e.content + e.length;
    return 0;
}

static int walk(struct walker *w)
{
    for (unsigned count = 0;; count++) {
        while (w->depth && w->stack[w->depth - 1].end <= w->at)
            pop(w);
        if (w->at == w->n)
            break;
        int result = count == MAX_ELEMENTS ? -EOVERFLOW : step(w);
        if (result < 0)
            return result;
    }
    return w->depth ? -ENODATA : 0;
}

/* The file's own header: always explicit and little; tells how the rest is written. */
static int meta(struct walker *w, char *ret_syntax, size_t size)
{
    ret_syntax[0] = 0;
    while (w->n - w->at >= 8 && u16(w, w->at) == 2) {
        struct element e;
        int result = header(w, &e);
        if (result < 0)
            return result;
        if (e.length > w->n - e.content)
            return -ENODATA;
        if (e.number == 0x0010) {
            size_t n = e.length < size - 1 ? e.length : size - 1;
            memcpy(ret_syntax, w->data + e.content, n);
            ret_syntax[n] = 0;
            while (n && (ret_syntax[n - 1] == ' ' || ret_syntax[n - 1] == 0))
                ret_syntax[--n] = 0;
        }
        w->at = e.content + e.length;
    }
    return 0;
}

int xw_formats_dicom_check(const uint8_t *data, size_t n, struct xw_formats_error *ret_error)
{
    struct walker w = {.data = data, .n = n};
    char syntax[65];
    char where[48];
    int e = 0;
    if (n >= 132 && memcmp(data + 128, "DICM", 4) == 0) {
        w.at = 132;
        e = meta(&w, syntax, sizeof(syntax));
        w.implicit = strcmp(syntax, "1.2.840.10008.1.2") == 0;
        w.big = strcmp(syntax, "1.2.840.10008.1.2.2") == 0;
        if (e == 0 && !w.implicit && !w.big && strcmp(syntax, "1.2.840.10008.1.2.1") != 0)
            return xw_formats_fail(ret_error, ENOTSUP, "file meta information",
                                   "a transfer syntax in which no ECG comes");
    } else {
        w.implicit = n >= 6 && !(data[4] >= 'A' && data[4] <= 'Z');
    }
    if (e == 0)
        e = walk(&w);
    if (e == 0)
        return 0;
    snprintf(where, sizeof(where), "byte %zu", w.at);
    return xw_formats_fail(ret_error, -e, where, "%s",
                           e == -ENODATA     ? "the file ends within an element"
                           : e == -EOVERFLOW ? "sequences deeper, or elements more, than in any ECG"
                                             : "not an element where one must be");
}
