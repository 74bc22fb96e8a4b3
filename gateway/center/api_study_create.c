/* A new study: of samples on the screen, of recordings, or of the values as they are now. */
#include "center/api.h"

#include "center/attachments.h"
#include "center/clips.h"
#include "center/hub.h"

#include <string.h>

enum { STUDY_MAX_S = 30 * 60, STUDY_CTG_MAX_S = 4 * 3600, ITEMS_MAX = 64 };

static const char *const reasons[] = {"chest_pain", "palpitation", "syncope",
                                      "check_up",   "alarm",       "other"};

static const char *known_reason(const char *text)
{
    for (size_t i = 0; text && i < XW_ARRAY_N(reasons); i++)
        if (strcmp(reasons[i], text) == 0)
            return reasons[i];
    return NULL;
}

/* What every kind has in common; the items are the caller's. */
static void append_create(struct xw_http_request *req, const json_t *o, Xw__StudyCreate *wire,
                          const char *gateway_id, const char *site)
{
    struct xw_uuid study = xw_uuid_v7(NULL);
    Xw__StudyChange change = XW__STUDY_CHANGE__INIT;
    const char *reason = known_reason(xw_json_get_text(o, "reason", 32));
    if (!reason) {
        xw_http_reply_error(req, "bad_request", "reason");
        return;
    }
    wire->site = (char *)(uintptr_t)site;
    wire->reason = (char *)(uintptr_t)reason;
    wire->urgent = json_is_true(json_object_get(o, "urgent"));
    change.change_case = XW__STUDY_CHANGE__CHANGE_CREATE;
    change.create = wire;
    xw_api_study_change(req, &study, &change, gateway_id, "study_create");
}

static void create_of_samples(struct xw_http_request *req, const json_t *o)
{
    struct xw_uuid stream;
    struct xw_hub_view view;
    uint64_t first, count;
    const char *id = xw_json_get_text(o, "stream", 36);
    if (!id || xw_uuid_parse(id, &stream) < 0) {
        xw_http_reply_error(req, "bad_request", "stream");
        return;
    }
    if (xw_hub_find(req->center->hub, &stream, &view) < 0 || !xw_api_sees(req, view.site)) {
        xw_http_reply_error(req, "not_found", "no such stream");
        return;
    }
    bool ctg = view.header->modality == XW__MODALITY__MODALITY_CTG;
    double rate_hz = (double)view.header->rate->num / (double)view.header->rate->den;
    if (xw_json_get_index(o, "first", &first) < 0 || xw_json_get_index(o, "count", &count) < 0 ||
        count == 0 || (double)count > rate_hz * (ctg ? STUDY_CTG_MAX_S : STUDY_MAX_S) ||
        first >= view.newest) {
        xw_http_reply_error(req, "bad_request",
                            "first, count: within what has come, 30 min at most (CTG: 4 h)");
        return;
    }
    Xw__StudySamples samples = XW__STUDY_SAMPLES__INIT;
    Xw__StudyItem item = XW__STUDY_ITEM__INIT, *items[] = {&item};
    Xw__StudyCreate wire = XW__STUDY_CREATE__INIT;
    samples.stream_id.len = sizeof(stream.b);
    samples.stream_id.data = stream.b;
    samples.first = first;
    samples.count = count;
    item.item_case = XW__STUDY_ITEM__ITEM_SAMPLES;
    item.samples = &samples;
    wire.kind = ctg ? XW__STUDY_KIND__STUDY_CTG : XW__STUDY_KIND__STUDY_ECG_12;
    wire.items = items;
    wire.n_items = 1;
    wire.attachment_id = view.header->attachment_id;
    append_create(req, o, &wire, view.header->gateway_id, view.site);
}

/* Items of the clips named; their number, or -EBADMSG. */
static int clip_items(struct xw_http_request *req, const struct xw_attachment *a,
                      const json_t *clips, Xw__StudyItem *items)
{
    size_t n = json_array_size(clips);
    if (n == 0 || n > ITEMS_MAX)
        return -EBADMSG;
    for (size_t i = 0; i < n; i++) {
        const char *text = json_string_value(json_array_get(clips, i));
        struct xw_uuid id;
        if (!text || xw_uuid_parse(text, &id) < 0)
            return -EBADMSG;
        const struct xw_clip *clip = xw_clips_find(req->center->clips, &id);
        if (!clip || !xw_uuid_equal(&clip->attachment, &a->id) || clip->wire->sha256.len != 32)
            return -EBADMSG;
        xw__study_item__init(&items[i]);
        items[i].item_case = XW__STUDY_ITEM__ITEM_OBJECT_SHA256;
        items[i].object_sha256 = clip->wire->sha256;
    }
    return (int)n;
}

/* Items of the newest value of each code; keys: room for their record keys. */
static int value_items(const struct xw_attachment *a, uint8_t keys[][XW_OBSERVATION_KEY_N],
                       Xw__StudyItem *items)
{
    int n = 0;
    for (uint32_t i = 0; i < a->newest_n && n < ITEMS_MAX; i++) {
        const Xw__Observation *o = a->newest[i].wire;
        xw_observation_key(&a->id, o->wall_us, o->observation_id.data, keys[n]);
        xw__study_item__init(&items[n]);
        items[n].item_case = XW__STUDY_ITEM__ITEM_OBSERVATION_KEY;
        items[n].observation_key.len = XW_OBSERVATION_KEY_N;
        items[n].observation_key.data = keys[n];
        n++;
    }
    return n ? n : -EBADMSG;
}

static void create_of_attachment(struct xw_http_request *req, const json_t *o)
{
    Xw__StudyItem items[ITEMS_MAX], *pointers[ITEMS_MAX];
    uint8_t keys[ITEMS_MAX][XW_OBSERVATION_KEY_N];
    Xw__StudyCreate wire = XW__STUDY_CREATE__INIT;
    const char *text = xw_json_get_text(o, "attachment", 36);
    const json_t *clips = json_object_get(o, "clips");
    const struct xw_attachment *a = NULL;
    struct xw_uuid id;
    if (text && xw_uuid_parse(text, &id) == 0)
        a = xw_attachments_find(req->center->attachments, &id);
    const char *site = a ? xw_center_site(req->center, a->gateway_id) : NULL;
    if (!a || !site || !xw_api_sees(req, site)) {
        xw_http_reply_error(req, "not_found", "no such attachment");
        return;
    }
    int n = clips ? clip_items(req, a, clips, items) : value_items(a, keys, items);
    if (n < 0) {
        xw_http_reply_error(req, "bad_request",
                            clips ? "clips: 1 to 64 of this attachment that have ended"
                                  : "this attachment has no values");
        return;
    }
    for (int i = 0; i < n; i++)
        pointers[i] = &items[i];
    id = a->id;
    wire.kind = clips ? XW__STUDY_KIND__STUDY_ULTRASOUND : XW__STUDY_KIND__STUDY_VITALS;
    wire.items = pointers;
    wire.n_items = (size_t)n;
    wire.attachment_id.len = sizeof(id.b);
    wire.attachment_id.data = id.b;
    append_create(req, o, &wire, a->gateway_id, site);
}

void xw_api_study_create(struct xw_http_request *req)
{
    json_t *o;
    if (xw_json_parse(req->body.data, req->body.n, &o) < 0) {
        xw_http_reply_error(req, "bad_request", "a JSON object is needed");
        return;
    }
    if (json_object_get(o, "attachment"))
        create_of_attachment(req, o);
    else
        create_of_samples(req, o);
    json_decref(o);
}
