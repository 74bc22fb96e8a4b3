/* What is proven of a study. */
#include "center/lights.h"

#include "center/clips.h"
#include "center/hub.h"

#include <string.h>

#define PROVEN XW__LIGHT__LIGHT_PROVEN
#define WAITING XW__LIGHT__LIGHT_WAITING
#define UNKNOWN XW__LIGHT__LIGHT_UNKNOWN

/* Waiting is worse than unknown: it is known to lack something. */
static Xw__Light worse(Xw__Light a, Xw__Light b)
{
    if (a == WAITING || b == WAITING)
        return WAITING;
    return a == PROVEN ? b : a;
}

static void samples(struct xw_center *center, const Xw__StudySamples *item,
                    struct xw_hub_lights *lights)
{
    struct xw_store_stream stored;
    struct xw_hub_view view;
    struct xw_uuid id;
    uint64_t end;
    if (xw_uuid_from_bytes(item->stream_id.data, item->stream_id.len, &id) < 0 ||
        __builtin_add_overflow(item->first, item->count, &end))
        return;
    bool known = xw_store_stream(center->store, &id, &stored) == 0;
    uint64_t held = known ? xw_ranges_count_within(stored.known, item->first, end) : 0;
    uint64_t top = known ? xw_ranges_end(stored.known) : 0;
    if (xw_hub_find(center->hub, &id, &view) == 0)
        top = XW_MAX(top, view.newest);
    Xw__Light gateway = xw_hub_kept(center->hub, &id, end);
    bool captured = top >= end || gateway == PROVEN;
    lights->captured = worse(lights->captured, captured ? PROVEN : WAITING);
    lights->gateway = worse(lights->gateway, gateway);
    lights->county = worse(lights->county, held == item->count ? PROVEN : WAITING);
}

/* A recording is told of by its gateway once it is whole in the spool. */
static void object(struct xw_center *center, const ProtobufCBinaryData *sha256,
                   struct xw_hub_lights *lights)
{
    struct xw_store_object held;
    bool whole = sha256->len == 32 && xw_store_object(center->store, sha256->data, &held) == 0 &&
                 held.verified;
    lights->county = worse(lights->county, whole ? PROVEN : WAITING);
}

json_t *xw_lights_study(struct xw_center *center, const struct xw_study *study)
{
    static const char *const words[] = {"unknown", "waiting", "proven"};
    struct xw_hub_lights l = {PROVEN, PROVEN, PROVEN};
    for (size_t i = 0; i < study->state.items_n; i++) {
        const Xw__StudyItem *item = study->state.items[i];
        if (item->item_case == XW__STUDY_ITEM__ITEM_SAMPLES)
            samples(center, item->samples, &l);
        else if (item->item_case == XW__STUDY_ITEM__ITEM_OBJECT_SHA256)
            object(center, &item->object_sha256, &l);
    }
    if (!study->state.items_n)
        l = (struct xw_hub_lights){WAITING, UNKNOWN, UNKNOWN};
    return json_pack("{s:s,s:s,s:s}", "captured", words[l.captured], "gateway", words[l.gateway],
                     "county", words[l.county]);
}

json_t *xw_lights_study_json(struct xw_center *center, const struct xw_study *study)
{
    json_t *o = xw_study_json(study, center->clips);
    if (o)
        json_object_set_new(o, "lights", xw_lights_study(center, study));
    return o;
}
