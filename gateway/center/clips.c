/* The index of clips. */
#include "center/clips.h"

#include "base/metrics.h"
#include "center/json.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(refused, "xw_center_clips_refused_total", NULL, "clip records of no use");
XW_COUNTER(evicted, "xw_center_clips_evicted_total", NULL,
           "clips given up in memory to make room; the store keeps them");

struct xw_clips {
    struct xw_clip **v; /* by id: by birth */
    size_t n, cap;
};

int xw_clips_new(struct xw_clips **ret_clips)
{
    struct xw_clips *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    *ret_clips = c;
    return 0;
}

static void clip_free(struct xw_clip *clip)
{
    xw__clip__free_unpacked(clip->wire, NULL);
    free(clip);
}

void xw_clips_free(struct xw_clips *clips)
{
    if (!clips)
        return;
    for (size_t i = 0; i < clips->n; i++)
        clip_free(clips->v[i]);
    free(clips->v);
    free(clips);
}

size_t xw_clips_n(const struct xw_clips *clips)
{
    return clips->n;
}

const struct xw_clip *xw_clips_at(const struct xw_clips *clips, size_t i)
{
    return clips->v[clips->n - 1 - i];
}

static size_t lower_bound(const struct xw_clips *clips, const struct xw_uuid *id)
{
    size_t low = 0, high = clips->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (xw_uuid_compare(&clips->v[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct xw_clip *find(const struct xw_clips *clips, const struct xw_uuid *id)
{
    size_t i = lower_bound(clips, id);
    return i < clips->n && xw_uuid_equal(&clips->v[i]->id, id) ? clips->v[i] : NULL;
}

const struct xw_clip *xw_clips_find(const struct xw_clips *clips, const struct xw_uuid *id)
{
    return find(clips, id);
}

uint32_t xw_clips_count(const struct xw_clips *clips, const struct xw_uuid *attachment)
{
    uint32_t n = 0;
    for (size_t i = 0; i < clips->n; i++)
        n += xw_uuid_equal(&clips->v[i]->attachment, attachment);
    return n;
}

const struct xw_clip *xw_clips_object(const struct xw_clips *clips, const uint8_t sha256[32],
                                      const struct xw_clip *after)
{
    for (size_t i = after ? lower_bound(clips, &after->id) + 1 : 0; i < clips->n; i++)
        if (clips->v[i]->wire->sha256.len == 32 &&
            memcmp(clips->v[i]->wire->sha256.data, sha256, 32) == 0)
            return clips->v[i];
    return NULL;
}

static bool time_ok(int64_t us)
{
    return us >= 0 && us < (INT64_C(1) << 53);
}

static bool clip_ok(const Xw__Clip *c)
{
    return c && c->clip_id.len == 16 && c->attachment_id.len == 16 &&
           (c->study_id.len == 0 || c->study_id.len == 16) &&
           (c->sha256.len == 0 || c->sha256.len == 32) && strnlen(c->label, 65) <= 64 &&
           strnlen(c->codec, 65) <= 64 && strnlen(c->media_type, 65) <= 64 &&
           time_ok(c->start_wall_us) && time_ok(c->end_wall_us) &&
           llabs(c->county_offset_us) < (INT64_C(1) << 53) && c->size < (UINT64_C(1) << 53) &&
           c->frames_n < (UINT64_C(1) << 53);
}

static int make_room(struct xw_clips *c)
{
    if (c->n == XW_CLIPS_MAX) {
        size_t i = 0;
        while (i < c->n && c->v[i]->wire->end == XW__CLIP_END__CLIP_RUNNING)
            i++;
        i = i == c->n ? 0 : i;
        clip_free(c->v[i]);
        memmove(&c->v[i], &c->v[i + 1], (c->n - i - 1) * sizeof(struct xw_clip *));
        c->n--;
        xw_counter_add(&evicted, 1);
    }
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 64;
        struct xw_clip **v = realloc(c->v, cap * sizeof(struct xw_clip *));
        if (!v)
            return -ENOMEM;
        c->v = v;
        c->cap = cap;
    }
    return 0;
}

static struct xw_clip *add(struct xw_clips *clips, const struct xw_uuid *id, const char *gateway_id)
{
    struct xw_clip *clip = calloc(1, sizeof(*clip));
    if (!clip || make_room(clips) < 0) {
        free(clip);
        return NULL;
    }
    clip->id = *id;
    snprintf(clip->gateway_id, sizeof(clip->gateway_id), "%s", gateway_id);
    size_t at = lower_bound(clips, id);
    memmove(&clips->v[at + 1], &clips->v[at], (clips->n - at) * sizeof(struct xw_clip *));
    clips->v[at] = clip;
    clips->n++;
    return clip;
}

static const struct xw_clip *refuse(Xw__Clip *wire)
{
    xw_counter_add(&refused, 1);
    if (wire)
        xw__clip__free_unpacked(wire, NULL);
    return NULL;
}

const struct xw_clip *xw_clips_record(struct xw_clips *clips, const struct xw_store_record *record)
{
    Xw__Clip *wire = xw__clip__unpack(NULL, record->body_size, record->body);
    struct xw_uuid id, attachment;
    if (!clip_ok(wire) || !record->origin ||
        xw_uuid_from_bytes(wire->clip_id.data, wire->clip_id.len, &id) < 0 ||
        xw_uuid_from_bytes(wire->attachment_id.data, wire->attachment_id.len, &attachment) < 0)
        return refuse(wire);
    struct xw_clip *clip = find(clips, &id);
    if (clip && (strcmp(clip->gateway_id, record->origin) != 0 ||
                 !xw_uuid_equal(&clip->attachment, &attachment)))
        return refuse(wire);
    if (clip && record->revision < clip->revision) {
        xw__clip__free_unpacked(wire, NULL);
        return clip;
    }
    if (!clip)
        clip = add(clips, &id, record->origin);
    if (!clip)
        return refuse(wire);
    if (clip->wire)
        xw__clip__free_unpacked(clip->wire, NULL);
    clip->attachment = attachment;
    clip->revision = record->revision;
    clip->wire = wire;
    return clip;
}

json_t *xw_clip_json(const struct xw_clip *clip, int64_t offset_us, uint64_t held)
{
    static const char *const ends[] = {"running",     "stopped", "no_signal", "changed",
                                       "interrupted", "no_room", "failed",    "long"};
    const Xw__Clip *c = clip->wire;
    if (c->county_offset_known)
        offset_us = c->county_offset_us;
    json_t *o = json_object();
    json_object_set_new(o, "id", xw_json_uuid(&clip->id));
    json_object_set_new(o, "attachment", xw_json_uuid(&clip->attachment));
    json_object_set_new(o, "study", xw_json_id(c->study_id.data, c->study_id.len));
    json_object_set_new(o, "label", xw_json_text(c->label));
    json_object_set_new(o, "codec", xw_json_text(c->codec));
    json_object_set_new(o, "media_type", json_string(xw_clip_media_type(c->media_type)));
    json_object_set_new(o, "width", json_integer(c->width));
    json_object_set_new(o, "height", json_integer(c->height));
    json_object_set_new(o, "start_wall_us", json_integer(c->start_wall_us + offset_us));
    json_object_set_new(o, "end_wall_us",
                        c->end_wall_us ? json_integer(c->end_wall_us + offset_us) : json_null());
    json_object_set_new(o, "frames", json_integer((json_int_t)c->frames_n));
    json_object_set_new(
        o, "end", json_string((unsigned)c->end < XW_ARRAY_N(ends) ? ends[c->end] : "stopped"));
    json_object_set_new(o, "sha256",
                        c->sha256.len ? xw_json_hex(c->sha256.data, c->sha256.len) : json_null());
    json_object_set_new(o, "size", json_integer((json_int_t)c->size));
    json_object_set_new(o, "held", json_integer((json_int_t)held));
    json_object_set_new(o, "demo", json_boolean(c->demo));
    return o;
}

const char *xw_clip_media_type(const char *media_type)
{
    static const char *const known[] = {"video/mp4", "image/png", "image/jpeg"};
    for (size_t i = 0; i < XW_ARRAY_N(known); i++)
        if (strcmp(known[i], media_type) == 0)
            return known[i];
    return "application/octet-stream";
}
