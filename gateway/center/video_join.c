/* Parts to access units. */
#include "center/video_join.h"

#include <stdio.h>
#include <string.h>

void xw_video_join_init(struct xw_video_join *join, struct xw_video_budget *budget)
{
    *join = (struct xw_video_join){.budget = budget, .need_key = true};
}

static void unit_free(struct xw_video_join *join, struct xw_video_unit *unit)
{
    for (uint32_t i = 0; unit->pieces && i < unit->parts; i++)
        free(unit->pieces[i].data);
    join->budget->used_bytes -= unit->size;
    free(unit->pieces);
    *unit = (struct xw_video_unit){0};
}

static void unit_lose(struct xw_video_join *join, struct xw_video_unit *unit)
{
    unit_free(join, unit);
    join->lost_n++;
    join->need_key = true;
}

void xw_video_join_reset(struct xw_video_join *join)
{
    for (size_t i = 0; i < XW_VIDEO_UNITS; i++)
        if (join->units[i].pieces)
            unit_free(join, &join->units[i]);
    free(join->out);
    join->out = NULL;
    join->need_key = true;
}

void xw_video_join_done(struct xw_video_join *join)
{
    if (join->budget)
        xw_video_join_reset(join);
}

static bool codec_ok(const char *codec)
{
    size_t n = 0;
    for (; codec[n]; n++)
        if (n == XW_VIDEO_CODEC_N - 1 ||
            !strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.", codec[n]))
            return false;
    return true;
}

static bool part_ok(const Xw__VideoPart *p)
{
    const int64_t far_us = INT64_C(1) << 53;
    if (p->attachment_id.len != 16 || p->run_id.len != 16 || p->parts < 1 ||
        p->parts > XW_VIDEO_PARTS_MAX || p->part >= p->parts || p->data.len < 1 ||
        p->data.len > XW_VIDEO_PART_MAX_BYTES || p->frame >= UINT64_C(1) << 62)
        return false;
    if (p->capture_wall_us < 0 || p->capture_wall_us >= far_us || p->county_offset_us <= -far_us ||
        p->county_offset_us >= far_us)
        return false;
    if (p->part != 0)
        return true;
    return codec_ok(p->codec) && (p->codec[0] || !p->key) && p->width <= 16384 &&
           p->height <= 16384;
}

/* The place of the part's unit: there already, free, or taken from an older one. NULL: of no use.
 */
static struct xw_video_unit *place(struct xw_video_join *join, const Xw__VideoPart *part)
{
    struct xw_video_unit *free_one = NULL, *oldest = NULL;
    bool key_before = false;
    for (size_t i = 0; i < XW_VIDEO_UNITS; i++) {
        struct xw_video_unit *u = &join->units[i];
        if (!u->pieces) {
            free_one = u;
            continue;
        }
        if (u->frame == part->frame)
            return u;
        key_before |= u->key && u->frame < part->frame;
        if (!oldest || u->frame < oldest->frame)
            oldest = u;
    }
    if (join->need_key && !part->key && !key_before)
        return NULL;
    if (free_one)
        return free_one;
    if (oldest->frame > part->frame)
        return NULL;
    unit_lose(join, oldest);
    return place(join, part); /* once: there is room now, but perhaps nothing to rest on */
}

static int open_unit(struct xw_video_join *join, struct xw_video_unit *unit,
                     const Xw__VideoPart *part, int64_t now_us)
{
    struct xw_video_piece *pieces = calloc(part->parts, sizeof(*pieces));
    if (!pieces)
        return -ENOMEM;
    *unit = (struct xw_video_unit){.frame = part->frame,
                                   .run = join->run,
                                   .key = part->key,
                                   .began_us = now_us,
                                   .pieces = pieces,
                                   .parts = part->parts};
    return 0;
}

static int add_piece(struct xw_video_join *join, struct xw_video_unit *unit,
                     const Xw__VideoPart *part)
{
    struct xw_video_piece *piece = unit->pieces ? &unit->pieces[part->part] : NULL;
    if (!piece || piece->data) {
        join->late_n++;
        return 0;
    }
    if (part->data.len > join->budget->max_bytes - join->budget->used_bytes)
        return -ENOSPC;
    piece->data = malloc(part->data.len);
    if (!piece->data)
        return -ENOMEM;
    memcpy(piece->data, part->data.data, part->data.len);
    piece->size = (uint32_t)part->data.len;
    unit->size += piece->size;
    join->budget->used_bytes += piece->size;
    unit->have_n++;
    if (part->part == 0) {
        unit->capture_us = part->capture_wall_us;
        unit->offset_known = part->county_offset_known;
        unit->offset_us = part->county_offset_us;
        unit->width = part->width;
        unit->height = part->height;
        snprintf(unit->codec, sizeof(unit->codec), "%s", part->codec);
    }
    return 0;
}

/* Another start of the encoder: nothing of the old one can be gone on with. */
static bool enter_run(struct xw_video_join *join, const struct xw_uuid *run)
{
    if (xw_uuid_equal(&join->run, run))
        return true;
    if (xw_uuid_equal(&join->run_before, run))
        return false;
    xw_video_join_reset(join);
    join->run_before = join->run;
    join->run = *run;
    join->begun = false;
    return true;
}

int xw_video_join_part(struct xw_video_join *join, const Xw__VideoPart *part, int64_t now_us)
{
    struct xw_uuid run;
    if (!part_ok(part) || xw_uuid_from_bytes(part->run_id.data, part->run_id.len, &run) < 0)
        return -EBADMSG;
    if (!enter_run(join, &run) || (join->begun && part->frame < join->next)) {
        join->late_n++;
        return 0;
    }
    struct xw_video_unit *unit = place(join, part);
    if (!unit) {
        join->late_n++;
        return 0;
    }
    int r = unit->pieces ? 0 : open_unit(join, unit, part, now_us);
    if (r == 0 && (unit->parts != part->parts || unit->key != (bool)part->key))
        r = -EBADMSG;
    if (r == 0)
        r = add_piece(join, unit, part);
    if (r < 0 && unit->pieces)
        unit_lose(join, unit);
    return r;
}

static bool whole(const struct xw_video_unit *unit)
{
    return unit->pieces && unit->have_n == unit->parts;
}

/* The unit to look at next: the older one, but a whole key frame does not wait for anything. */
static struct xw_video_unit *first_unit(struct xw_video_join *join)
{
    struct xw_video_unit *first = NULL;
    for (size_t i = 0; i < XW_VIDEO_UNITS; i++) {
        struct xw_video_unit *u = &join->units[i];
        if (u->pieces && (!first || u->frame < first->frame))
            first = u;
    }
    for (size_t i = 0; first && !whole(first) && i < XW_VIDEO_UNITS; i++)
        if (&join->units[i] != first && whole(&join->units[i]) && join->units[i].key) {
            unit_lose(join, first);
            first = &join->units[i];
        }
    return first && whole(first) ? first : NULL;
}

static int take_out(struct xw_video_join *join, struct xw_video_unit *unit,
                    struct xw_video_unit *ret_unit, const uint8_t **ret_data)
{
    free(join->out);
    join->out = malloc(unit->size);
    if (!join->out) {
        unit_lose(join, unit);
        return -ENOMEM;
    }
    size_t at = 0;
    for (uint32_t i = 0; i < unit->parts; i++) {
        memcpy(join->out + at, unit->pieces[i].data, unit->pieces[i].size);
        at += unit->pieces[i].size;
    }
    *ret_unit = *unit;
    ret_unit->pieces = NULL;
    *ret_data = join->out;
    join->next = unit->frame + 1;
    join->begun = true;
    join->need_key = false;
    unit_free(join, unit);
    return 1;
}

int xw_video_join_next(struct xw_video_join *join, struct xw_video_unit *ret_unit,
                       const uint8_t **ret_data)
{
    for (struct xw_video_unit *u; (u = first_unit(join)) != NULL;) {
        if (u->key || (join->begun && !join->need_key && u->frame == join->next))
            return take_out(join, u, ret_unit, ret_data);
        unit_lose(join, u); /* cannot be shown without what came before it */
    }
    return 0;
}

void xw_video_join_expire(struct xw_video_join *join, int64_t now_us)
{
    for (size_t i = 0; i < XW_VIDEO_UNITS; i++)
        if (join->units[i].pieces && now_us - join->units[i].began_us > XW_VIDEO_JOIN_OLD_US)
            unit_lose(join, &join->units[i]);
}
