/* Where a durable record goes: folds, hub, demo. */
#include "center/center.h"

#include "base/log.h"
#include "center/alarms.h"
#include "center/attachments.h"
#include "center/clips.h"
#include "center/demo.h"
#include "center/gateways.h"
#include "center/hub.h"
#include "center/patients.h"
#include "center/rulelist.h"
#include "center/studies.h"
#include "center/technical.h"

#include <stdio.h>
#include <string.h>

const char *xw_center_site(const struct xw_center *center, const char *gateway_id)
{
    const struct xw_gateway *g = gateway_id ? xw_gateways_find(center->gateways, gateway_id) : NULL;
    return g && g->site[0] ? g->site : NULL;
}

/* The gateway that owns the stream of a study gets its changes. */
static void find_owner(struct xw_center *center, struct xw_study *study)
{
    for (size_t i = 0; i < study->state.items_n && !study->gateway_id[0]; i++) {
        const Xw__StudyItem *item = study->state.items[i];
        struct xw_hub_view view;
        struct xw_uuid id;
        if (item->item_case == XW__STUDY_ITEM__ITEM_SAMPLES &&
            xw_uuid_from_bytes(item->samples->stream_id.data, item->samples->stream_id.len, &id) ==
                0 &&
            xw_hub_find(center->hub, &id, &view) == 0)
            snprintf(study->gateway_id, sizeof(study->gateway_id), "%s", view.header->gateway_id);
    }
}

/* Pictures and observations are not in the hub: their attachment tells the gateway. */
static void find_owner_by_attachment(struct xw_center *center, struct xw_study *study)
{
    const Xw__StudyCreate *create = study->state.create;
    struct xw_uuid id;
    if (study->gateway_id[0] || !create ||
        xw_uuid_from_bytes(create->attachment_id.data, create->attachment_id.len, &id) < 0)
        return;
    const struct xw_attachment *a = xw_attachments_find(center->attachments, &id);
    if (a)
        snprintf(study->gateway_id, sizeof(study->gateway_id), "%s", a->gateway_id);
}

static void keep_items(struct xw_center *center, const struct xw_study *study)
{
    for (size_t i = 0; i < study->state.items_n; i++) {
        const Xw__StudyItem *item = study->state.items[i];
        struct xw_uuid id;
        uint64_t end;
        if (item->item_case != XW__STUDY_ITEM__ITEM_SAMPLES ||
            xw_uuid_from_bytes(item->samples->stream_id.data, item->samples->stream_id.len, &id) <
                0 ||
            __builtin_add_overflow(item->samples->first, item->samples->count, &end))
            continue;
        int r = xw_store_keep(center->store, &id, (struct xw_range){item->samples->first, end});
        if (r < 0)
            xw_log_warning("study.keep", XW_LOG_ID("stream", &id), XW_LOG_ERR(r));
    }
}

void xw_center_study(struct xw_center *center, const struct xw_store_record *record)
{
    struct xw_study *study = xw_studies_record(center->studies, record);
    if (!study)
        return;
    if (!study->gateway_id[0] && record->origin && strcmp(record->origin, "county") != 0)
        snprintf(study->gateway_id, sizeof(study->gateway_id), "%s", record->origin);
    find_owner(center, study);
    find_owner_by_attachment(center, study);
    keep_items(center, study);
}

/* Site of a study change, once the study is known. */
static const char *study_site(const struct xw_center *center, const struct xw_store_record *record)
{
    struct xw_uuid id;
    const struct xw_study *study = NULL;
    if (record->key_size >= sizeof(id.b)) {
        memcpy(id.b, record->key, sizeof(id.b));
        study = xw_studies_find(center->studies, &id);
    }
    return study ? xw_study_site(study) : NULL;
}

static const char *technical_site(const struct xw_center *center,
                                  const struct xw_store_record *record, const char *gateway_id)
{
    Xw__TechnicalAlarm *alarm = xw__technical_alarm__unpack(NULL, record->body_size, record->body);
    const char *site = xw_center_site(center, gateway_id);
    if (alarm && !site)
        site = xw_center_site(center, alarm->subject);
    if (alarm)
        xw__technical_alarm__free_unpacked(alarm, NULL);
    return site;
}

void xw_center_attachment(struct xw_center *center, const struct xw_store_record *record)
{
    const struct xw_attachment *a = xw_attachments_record(center->attachments, record);
    if (a)
        xw_hub_bed(center->hub, &a->id, a->bed);
}

/* NULL: of no use, or about another gateway's device. */
static const struct xw_clip *take_clip(struct xw_center *center,
                                       const struct xw_store_record *record)
{
    const struct xw_clip *clip = xw_clips_record(center->clips, record);
    if (!clip || xw_attachments_claim(center->attachments, &clip->attachment, clip->gateway_id) < 0)
        return NULL;
    return clip;
}

void xw_center_clip(struct xw_center *center, const struct xw_store_record *record)
{
    (void)take_clip(center, record);
}

void xw_center_patient(struct xw_center *center, const struct xw_store_record *record)
{
    xw_patients_record(center->patients, record);
}

/* Observations, clips, attachments: to those who watch the attachment. The list gets no backlog of
 * observations, only what is the newest of its code. */
static void attachment_record(struct xw_center *center, const struct xw_store_record *record,
                              const char *site)
{
    const struct xw_attachment *a;
    const struct xw_clip *clip;
    struct xw_uuid id;
    int r;
    switch (record->kind) {
    case XW__RECORD_KIND__RECORD_OBSERVATION:
        r = xw_attachments_observation(center->attachments, record, &id);
        if (r >= 0)
            xw_hub_attachment_record(center->hub, &id, record, site, r > 0);
        break;
    case XW__RECORD_KIND__RECORD_ATTACHMENT:
        a = xw_attachments_record(center->attachments, record);
        if (!a)
            break;
        xw_hub_bed(center->hub, &a->id, a->bed);
        xw_hub_attachment_record(center->hub, &a->id, record, site, true);
        break;
    default:
        clip = take_clip(center, record);
        if (clip)
            xw_hub_attachment_record(center->hub, &clip->attachment, record, site, true);
    }
}

void xw_center_record(struct xw_center *center, const struct xw_store_record *record,
                      const char *gateway_id)
{
    const char *site = xw_center_site(center, gateway_id);
    switch (record->kind) {
    case XW__RECORD_KIND__RECORD_EVENT:
        if (xw_alarms_record(center->alarms, record))
            xw_demo_alarm(center->demo, record->priority);
        break;
    case XW__RECORD_KIND__RECORD_ALARM_ACK:
        (void)xw_alarms_record(center->alarms, record);
        if (!gateway_id)
            xw_demo_acked(center->demo);
        break;
    case XW__RECORD_KIND__RECORD_STUDY:
        xw_center_study(center, record);
        site = study_site(center, record);
        break;
    case XW__RECORD_KIND__RECORD_TECHNICAL:
        if (!gateway_id)
            return; /* the county's own were shown when they were raised */
        xw_technicals_record(center->technicals, record);
        break;
    case XW__RECORD_KIND__RECORD_PATIENT:
    case XW__RECORD_KIND__RECORD_ASSIGNMENT:
        xw_center_patient(center, record);
        break;
    case XW__RECORD_KIND__RECORD_RULESET:
        if (!gateway_id)
            xw_rulelists_record(center->rules, record);
        return;
    case XW__RECORD_KIND__RECORD_ATTACHMENT:
    case XW__RECORD_KIND__RECORD_OBSERVATION:
    case XW__RECORD_KIND__RECORD_CLIP:
        attachment_record(center, record, site);
        return;
    default:
        break;
    }
    xw_hub_record(center->hub, record, site);
}

/* For technical alarms raised here: their subject tells the site. */
void xw_center_show_technical(void *user, const struct xw_store_record *record)
{
    struct xw_center *center = user;
    xw_hub_record(center->hub, record, technical_site(center, record, NULL));
}
