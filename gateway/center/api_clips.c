/* Recordings of pictures: their list, and the bytes of an object that is named by one of them or by
 * a study. */
#include "center/api.h"

#include "center/attachments.h"
#include "center/audit.h"
#include "center/clips.h"
#include "center/http_object.h"
#include "center/studies.h"

#include <string.h>

enum { CLIPS_LIST_MAX = 1000 };

static uint64_t held_bytes(struct xw_store *store, const struct xw_clip *clip)
{
    struct xw_store_object object;
    if (clip->wire->sha256.len != 32 ||
        xw_store_object(store, clip->wire->sha256.data, &object) < 0)
        return 0;
    return object.held;
}

void xw_api_clips(struct xw_http_request *req)
{
    struct xw_center *center = req->center;
    const struct xw_attachment *a = xw_api_own_attachment(req);
    if (!a)
        return;
    int64_t offset_us = xw_attachments_county_us(center->attachments, a->gateway_id, 0, false, 0);
    json_t *array = json_array();
    for (size_t i = 0; i < xw_clips_n(center->clips); i++) {
        const struct xw_clip *clip = xw_clips_at(center->clips, i);
        if (!xw_uuid_equal(&clip->attachment, &a->id) ||
            strcmp(clip->gateway_id, a->gateway_id) != 0)
            continue;
        json_array_append_new(array,
                              xw_clip_json(clip, offset_us, held_bytes(center->store, clip)));
        if (json_array_size(array) == CLIPS_LIST_MAX)
            break;
    }
    xw_http_reply_json(req, 200, json_pack("{s:o}", "clips", array));
}

/* Media type of the object if this user may see something that names it; NULL otherwise. */
static const char *seen_as(struct xw_http_request *req, const uint8_t sha256[32],
                           const char *store_type)
{
    const struct xw_center *center = req->center;
    for (const struct xw_clip *clip = NULL;
         (clip = xw_clips_object(center->clips, sha256, clip)) != NULL;)
        if (xw_api_sees(req, xw_center_site(center, clip->gateway_id)))
            return xw_clip_media_type(clip->wire->media_type);
    for (size_t i = 0; i < xw_studies_n(center->studies); i++) {
        const struct xw_study *study = xw_studies_at(center->studies, i);
        if (!study->state.create || !xw_api_sees(req, xw_study_site(study)))
            continue;
        for (size_t k = 0; k < study->state.items_n; k++) {
            const Xw__StudyItem *item = study->state.items[k];
            if (item->item_case == XW__STUDY_ITEM__ITEM_OBJECT_SHA256 &&
                item->object_sha256.len == 32 && memcmp(item->object_sha256.data, sha256, 32) == 0)
                return xw_clip_media_type(store_type);
        }
    }
    return NULL;
}

void xw_api_object(struct xw_http_request *req)
{
    uint8_t sha256[32];
    size_t n;
    struct xw_store_object object;
    const char *type = NULL;
    if (xw_json_unhex(req->capture[0], sha256, sizeof(sha256), &n) == 0 && n == sizeof(sha256) &&
        xw_store_object(req->center->store, sha256, &object) == 0 && object.verified)
        type = seen_as(req, sha256, object.media_type);
    if (!type) {
        xw_http_reply_error(req, "not_found", "no such object, or not here yet");
        return;
    }
    struct xw_session *session = xw_http_session(req);
    struct xw_uuid opened;
    memcpy(opened.b, sha256, sizeof(opened.b));
    if (session && xw_session_note_read(session, &opened, xw_clock_wall(NULL).us))
        xw_audit(req->center, req->who.user, "view", req->capture[0], "ok");
    xw_http_reply_object(req, sha256, object.size, type);
}
