/* Boxes of a fragmented MP4 file. */
#include "gst/fragments.h"

#include <stdio.h>
#include <string.h>

#define BOX(a, b, c, d)                                                                            \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))
enum { DEPTH_MAX = 8, SAMPLES_MAX = 1 << 16 };
#define BODY_MAX (UINT64_C(1) << 40)

void xw_fragments_init(struct xw_fragments *f)
{
    *f = (struct xw_fragments){0};
}

void xw_fragments_done(struct xw_fragments *f)
{
    free(XW_STEAL(f->box));
}

static uint32_t u32(const uint8_t *p)
{
    return BOX(p[0], p[1], p[2], p[3]);
}

static uint64_t u64(const uint8_t *p)
{
    return (uint64_t)u32(p) << 32 | u32(p + 4);
}

/* ---- the insides of moov and moof ---- */

static void take_tfhd(struct xw_fragments *f, const uint8_t *p, size_t n)
{
    size_t at = 8; /* version, flags, track */
    if (n < at)
        return;
    uint32_t flags = u32(p) & 0xffffff;
    at += (flags & 1 ? 8U : 0) + (flags & 2 ? 4U : 0);
    if ((flags & 8) && n >= at + 4)
        f->default_duration = u32(p + at);
}

static int take_trun(struct xw_fragments *f, const uint8_t *p, size_t n)
{
    if (n < 8)
        return -EBADMSG;
    uint32_t flags = u32(p) & 0xffffff, samples_n = u32(p + 4);
    size_t at = 8 + (flags & 1 ? 4U : 0) + (flags & 4 ? 4U : 0);
    size_t each = (flags & 0x100 ? 4U : 0) + (flags & 0x200 ? 4U : 0) + (flags & 0x400 ? 4U : 0) +
                  (flags & 0x800 ? 4U : 0);
    if (samples_n > SAMPLES_MAX || n < at + each * samples_n)
        return -EBADMSG;
    f->moof_frames += samples_n;
    for (uint32_t i = 0; i < samples_n; i++, at += each)
        f->moof_duration += flags & 0x100 ? u32(p + at) : f->default_duration;
    return 0;
}

static void take_avc1(struct xw_fragments *f, const uint8_t *p, size_t n)
{
    enum { VISUAL = 78 };
    if (n < VISUAL + 8 + 4)
        return;
    f->width = (uint32_t)p[24] << 8 | p[25];
    f->height = (uint32_t)p[26] << 8 | p[27];
    for (size_t at = VISUAL; at + 12 <= n;) {
        uint32_t size = u32(p + at);
        if (u32(p + at + 4) == BOX('a', 'v', 'c', 'C'))
            snprintf(f->codec, sizeof(f->codec), "avc1.%02X%02X%02X", p[at + 9], p[at + 10],
                     p[at + 11]);
        if (size < 8)
            return;
        at += size;
    }
}

static int walk(struct xw_fragments *f, const uint8_t *p, size_t n, unsigned depth);

static int take_inner(struct xw_fragments *f, uint32_t type, const uint8_t *p, size_t n,
                      unsigned depth)
{
    switch (type) {
    case BOX('t', 'r', 'a', 'k'):
    case BOX('m', 'd', 'i', 'a'):
    case BOX('m', 'i', 'n', 'f'):
    case BOX('s', 't', 'b', 'l'):
    case BOX('m', 'v', 'e', 'x'):
    case BOX('t', 'r', 'a', 'f'):
        return walk(f, p, n, depth + 1);
    case BOX('s', 't', 's', 'd'):
        return n >= 8 ? walk(f, p + 8, n - 8, depth + 1) : -EBADMSG;
    case BOX('a', 'v', 'c', '1'):
        take_avc1(f, p, n);
        return 0;
    case BOX('m', 'd', 'h', 'd'):
        if (n >= 24)
            f->timescale = p[0] == 1 ? u32(p + 20) : u32(p + 12);
        return 0;
    case BOX('t', 'r', 'e', 'x'):
        if (n >= 16)
            f->default_duration = u32(p + 12);
        return 0;
    case BOX('t', 'f', 'h', 'd'):
        take_tfhd(f, p, n);
        return 0;
    case BOX('t', 'r', 'u', 'n'):
        return take_trun(f, p, n);
    default:
        return 0;
    }
}

static int walk(struct xw_fragments *f, const uint8_t *p, size_t n, unsigned depth)
{
    int r = depth < DEPTH_MAX ? 0 : -EBADMSG;
    if (!p) /* a box of its head alone */
        return r;
    while (r == 0 && n >= 8) {
        size_t size = u32(p);
        if (size < 8 || size > n)
            return -EBADMSG;
        r = take_inner(f, u32(p + 4), p + 8, size - 8, depth);
        p += size;
        n -= size;
    }
    return r;
}

/* ---- the boxes of the file ---- */

static int begin_box(struct xw_fragments *f)
{
    uint64_t size = u32(f->head);
    f->type = u32(f->head + 4);
    if (size == 1)
        size = u64(f->head + 8);
    if (size < f->head_size || size - f->head_size > BODY_MAX)
        return -EBADMSG;
    f->left = size - f->head_size;
    f->box_n = 0;
    bool kept = f->type == BOX('m', 'o', 'o', 'v') || f->type == BOX('m', 'o', 'o', 'f');
    if (f->at == f->head_size && f->type != BOX('f', 't', 'y', 'p'))
        return -EBADMSG;
    if (f->type == BOX('m', 'o', 'o', 'f') && !f->header)
        return -EBADMSG;
    if (f->type == BOX('m', 'd', 'a', 't') && !f->moof)
        return -EBADMSG;
    if (!kept)
        return 0;
    if (f->left > XW_FRAGMENTS_BOX_MAX)
        return -EBADMSG;
    free(f->box);
    f->box = malloc((size_t)f->left + 1);
    return f->box ? 0 : -ENOMEM;
}

static int end_box(struct xw_fragments *f)
{
    int r = 0;
    if (f->type == BOX('m', 'o', 'o', 'v')) {
        r = walk(f, f->box, f->box_n, 0);
        f->header = r == 0;
    } else if (f->type == BOX('m', 'o', 'o', 'f')) {
        f->moof_frames = f->moof_duration = 0;
        r = walk(f, f->box, f->box_n, 0);
        f->moof = r == 0;
    } else if (f->type == BOX('m', 'd', 'a', 't')) {
        f->moof = false;
        f->whole = f->at;
        f->whole_n++;
        f->frames_n += f->moof_frames;
        f->duration += f->moof_duration;
    }
    free(XW_STEAL(f->box));
    f->head_n = 0;
    return r;
}

/* How many bytes of the box's head are wanted: 8, or 16 with a 64-bit size. */
static size_t head_wanted(const struct xw_fragments *f)
{
    return f->head_n >= 8 && u32(f->head) == 1 ? 16 : 8;
}

static int take_head(struct xw_fragments *f, const uint8_t **p, size_t *n)
{
    while (*n && f->head_n < head_wanted(f)) {
        f->head[f->head_n++] = *(*p)++;
        (*n)--;
        f->at++;
    }
    if (f->head_n < 8 || f->head_n < head_wanted(f))
        return 0;
    f->head_size = f->head_n;
    int r = begin_box(f);
    return r < 0 ? r : f->left ? 0 : end_box(f);
}

int xw_fragments_take(struct xw_fragments *f, const void *data, size_t size)
{
    const uint8_t *p = data;
    int r = f->bad ? -EBADMSG : 0;
    while (r == 0 && size) {
        bool in_body = f->head_n >= 8 && f->head_n == head_wanted(f) && f->left;
        if (!in_body) {
            r = take_head(f, &p, &size);
            continue;
        }
        size_t n = (size_t)XW_MIN(f->left, (uint64_t)size);
        if (f->box) {
            memcpy(f->box + f->box_n, p, n);
            f->box_n += n;
        }
        p += n;
        size -= n;
        f->at += n;
        f->left -= n;
        if (!f->left)
            r = end_box(f);
    }
    f->bad |= r < 0;
    return r;
}

int64_t xw_fragments_duration_us(const struct xw_fragments *f)
{
    if (!f->timescale)
        return 0;
    uint64_t whole_s = f->duration / f->timescale, rest = f->duration % f->timescale;
    if (whole_s > UINT32_MAX)
        return 0;
    return (int64_t)(whole_s * 1000000 + rest * 1000000 / f->timescale);
}
