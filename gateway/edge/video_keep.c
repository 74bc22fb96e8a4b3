/* Recordings that lie in the spool's objects: until the county has them, and `retain` after it.
 *
 * A local record a clip, key "clip" | clip id: SHA-256, size, when the county was known to hold it.
 * What the county is not known to hold is offered, a few at a time, in each life of the process;
 * what it holds is offered again once an hour, so that a county that was restored from a backup
 * gets it back while it is still here. */
#include "edge/video_in.h"

#include "base/log.h"
#include "base/metrics.h"

#include <string.h>

XW_GAUGE(kept_bytes_gauge, "xw_video_kept_bytes", NULL, "recordings in the spool");
XW_GAUGE(unsent_gauge, "xw_video_unsent_clips", NULL,
         "recordings that the county is not known to hold");

enum {
    KEY_SIZE = 4 + 16,
    BODY_SIZE = 32 + 8 + 8,
    KEPT_MAX = 65536,
    OFFERS_MAX = 4,
    GIVEN_UP_US = 60000000,
};
#define AGAIN_US INT64_C(3600000000)

static void make_key(const struct video_kept *k, uint8_t key[KEY_SIZE])
{
    memcpy(key, "clip", 4);
    memcpy(key + 4, k->clip.b, 16);
}

static void put_u64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

void video_keep_record(struct xw_video *v, const struct video_kept *k)
{
    uint8_t key[KEY_SIZE], body[BODY_SIZE];
    make_key(k, key);
    memcpy(body, k->sha256, 32);
    put_u64(body + 32, k->size);
    put_u64(body + 40, (uint64_t)k->sent_wall_us);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = k->sent_wall_us ? 2 : 1,
                                     .kind = XW_LOCAL_CLIP,
                                     .body = body,
                                     .body_size = sizeof(body),
                                     .wall_us = k->sent_wall_us ? k->sent_wall_us : 1};
    xw_commit_record(v->edge->commit, &record, true);
}

void video_keep_add(struct xw_video *v, const struct video_kept *kept)
{
    for (size_t i = 0; i < v->kept_n; i++)
        if (xw_uuid_equal(&v->kept[i].clip, &kept->clip))
            return;
    if (v->kept_n == v->kept_cap) {
        size_t cap = XW_MIN(XW_MAX(v->kept_cap * 2, (size_t)64), (size_t)KEPT_MAX);
        struct video_kept *more = cap > v->kept_n ? realloc(v->kept, cap * sizeof(*more)) : NULL;
        if (!more) { /* its record stays: the next start takes it up */
            xw_log_warning("video.kept_full", XW_LOG_UINT("kept", v->kept_n));
            return;
        }
        v->kept = more;
        v->kept_cap = cap;
    }
    v->kept[v->kept_n++] = *kept;
}

void xw_video_remember_clip(struct xw_video *v, const struct xw_store_record *record)
{
    const uint8_t *body = record->body;
    if (record->key_size != KEY_SIZE || record->body_size != BODY_SIZE)
        return;
    struct video_kept k = {.size = get_u64(body + 32), .sent_wall_us = (int64_t)get_u64(body + 40)};
    memcpy(k.clip.b, (const uint8_t *)record->key + 4, 16);
    memcpy(k.sha256, body, 32);
    video_keep_add(v, &k);
}

/* ---- to the county ---- */

static void offer(struct xw_video *v, struct video_kept *k)
{
    int r = xw_uplink_object(v->edge->uplink, k->sha256);
    if (r >= 0)
        k->offered = true;
    else
        k->again_us = xw_edge_now_us() + GIVEN_UP_US;
    /* It went for room, and that it did could not be noted on a full disk: noted now. */
    k->gone = r == -ENOENT && k->sent_wall_us;
    if (r < 0 && r != -EAGAIN && !k->gone)
        xw_log_error("video.offer", XW_LOG_ID("clip", &k->clip), XW_LOG_ERR(r));
}

static void offer_some(struct xw_video *v)
{
    int64_t now = xw_edge_now_us();
    size_t out = 0;
    for (size_t i = 0; i < v->kept_n; i++)
        out += v->kept[i].offered;
    for (int sent = 0; sent < 2; sent++) /* unknown ones first */
        for (size_t i = 0; i < v->kept_n && out < OFFERS_MAX; i++) {
            struct video_kept *k = &v->kept[i];
            if ((k->sent_wall_us != 0) != sent || k->offered || k->removing || now < k->again_us)
                continue;
            offer(v, k);
            out += k->offered;
        }
}

void xw_video_object(struct xw_video *v, const uint8_t sha256[32], int status)
{
    for (size_t i = 0; i < v->kept_n; i++) {
        struct video_kept *k = &v->kept[i];
        if (memcmp(k->sha256, sha256, 32) != 0)
            continue;
        k->offered = false;
        k->again_us = xw_edge_now_us() + (status < 0 ? GIVEN_UP_US : AGAIN_US);
        if (status < 0) {
            xw_log_warning("video.object", XW_LOG_ID("clip", &k->clip), XW_LOG_ERR(status));
        } else if (!k->sent_wall_us) {
            k->sent_wall_us = xw_edge_wall_us();
            video_keep_record(v, k);
            xw_log_info("video.at_county", XW_LOG_ID("clip", &k->clip));
        }
    }
}

/* ---- retention ---- */

struct removal {
    struct xw_video *video;
    struct xw_uuid clip;
};

static void on_removed(void *user, int status)
{
    struct removal *removal = user;
    struct xw_video *v = removal->video;
    uint8_t key[KEY_SIZE];
    for (size_t i = 0; i < v->kept_n; i++) {
        struct video_kept *k = &v->kept[i];
        if (!xw_uuid_equal(&k->clip, &removal->clip))
            continue;
        k->removing = false;
        k->again_us = xw_edge_now_us() + GIVEN_UP_US;
        if (status < 0)
            break;
        make_key(k, key);
        if (v->edge->store && xw_store_forget(v->edge->store, XW_LOCAL_CLIP, key, KEY_SIZE) < 0)
            xw_log_warning("video.forget", XW_LOG_ID("clip", &k->clip));
        v->kept[i] = v->kept[--v->kept_n];
        break;
    }
    free(removal);
}

/* Only what the county holds: after retain, or at once when room is needed. */
static void remove_some(struct xw_video *v)
{
    int64_t now = xw_edge_wall_us(), retain = v->edge->config->spool_retain_us;
    bool tight = v->space != XW_SPACE_OK;
    for (size_t i = 0; i < v->kept_n; i++) {
        struct video_kept *k = &v->kept[i];
        bool old = k->gone || (retain && now - k->sent_wall_us > retain);
        if (!k->sent_wall_us || k->offered || k->removing || (!old && !tight))
            continue;
        struct removal *removal = calloc(1, sizeof(*removal));
        if (!removal)
            return;
        *removal = (struct removal){v, k->clip};
        k->removing = true;
        if (xw_store_object_remove(v->edge->store, k->sha256, on_removed, removal) < 0) {
            k->removing = false;
            free(removal);
        }
        return; /* one a second: the next room may be enough */
    }
}

void video_keep_tick(struct xw_video *v)
{
    struct xw_video_totals totals;
    if (v->stopping)
        return;
    if (v->edge->uplink && v->edge->link.linked)
        offer_some(v);
    remove_some(v);
    xw_video_totals(v, &totals);
    xw_gauge_set(&kept_bytes_gauge, (int64_t)totals.kept_bytes);
    xw_gauge_set(&unsent_gauge, (int64_t)totals.unsent_n);
}

void xw_video_totals(const struct xw_video *v, struct xw_video_totals *ret_totals)
{
    *ret_totals = (struct xw_video_totals){.kept_n = v->kept_n, .finishing_n = v->finishing_n};
    for (size_t i = 0; i < v->kept_n; i++) {
        ret_totals->kept_bytes += v->kept[i].size;
        if (!v->kept[i].sent_wall_us) {
            ret_totals->unsent_n++;
            ret_totals->unsent_bytes += v->kept[i].size;
        }
    }
}
