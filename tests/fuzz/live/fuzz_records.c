/* Records and headers as a gateway may send them: into the hub, the alarms and the studies, and out
 * again as JSON. The first byte says what the rest is. */
#include "center/alarms.h"
#include "center/attachments.h"
#include "center/clips.h"
#include "center/patients.h"
#include "center/hub.h"
#include "center/json.h"
#include "center/studies.h"
#include "center/technical.h"

#include <stdlib.h>
#include <string.h>

static void want_write(void *user, void *socket_user)
{
    (void)user;
    (void)socket_user;
}

static bool every(void *user, const struct xw_uuid *stream)
{
    (void)user;
    (void)stream;
    return true;
}

static bool every_text(void *user, const char *subject, const char *origin)
{
    (void)user;
    (void)subject;
    (void)origin;
    return true;
}

static void feed_hub(const struct xw_store_record *record, const uint8_t *data, size_t size)
{
    struct xw_hub *hub;
    struct xw_hub_socket *socket;
    struct xw_hub_config config = {.streams_max = 2, .hold_us = 2000000, .want_write = want_write};
    struct xw_uuid id = {{0}};
    if (xw_hub_new(&config, &hub) < 0)
        return;
    if (size >= 16)
        memcpy(id.b, data, 16);
    if (xw_hub_socket_new(hub, NULL, NULL, &socket) == 0) {
        xw_hub_list(socket, true);
        if (xw_hub_stream(hub, &id, data, size, "site") == 0 && xw_hub_watch(socket, &id, 100) < 0)
            abort();
        xw_hub_record(hub, record, NULL);
        xw_hub_attachment_record(hub, &id, record, NULL, true);
        (void)!xw_hub_beat(hub, "gw", data, size);
        struct xw_store_block block = {
            .stream = id, .first = 0, .count = 1, .coding = size % 4, .data = data, .size = size};
        xw_hub_block(hub, &block, true);
        xw_hub_tick(hub);
        struct xw_buf out;
        xw_buf_init(&out, 4 << 20);
        while (xw_hub_next(socket, &out) > 0)
            xw_buf_clear(&out);
        xw_buf_done(&out);
        xw_hub_socket_free(socket);
    }
    xw_hub_free(hub);
}

static void feed_alarms(struct xw_store_record *record)
{
    struct xw_alarms *alarms;
    struct xw_alarms_config config = {0};
    if (xw_alarms_new(&config, &alarms) < 0)
        return;
    for (uint64_t revision = 1; revision <= 2; revision++) {
        record->revision = revision;
        (void)xw_alarms_record(alarms, record);
    }
    json_decref(xw_alarms_json(alarms, 10, every, NULL));
    xw_alarms_free(alarms);
}

static void feed_studies(const struct xw_store_record *record)
{
    struct xw_studies *studies;
    if (xw_studies_new(&studies) < 0)
        return;
    const struct xw_study *study = xw_studies_record(studies, record);
    if (study) {
        json_t *o = xw_study_json(study, NULL);
        if (!o)
            abort();
        json_decref(o);
    }
    xw_studies_free(studies);
}

static void feed_clips(const struct xw_store_record *record)
{
    struct xw_clips *clips;
    if (xw_clips_new(&clips) < 0)
        return;
    const struct xw_clip *clip = xw_clips_record(clips, record);
    if (clip) {
        json_t *o = xw_clip_json(clip, 1, 2);
        if (!o || xw_clips_count(clips, &clip->attachment) != 1)
            abort();
        json_decref(o);
    }
    xw_clips_free(clips);
}

static void feed_attachments(const struct xw_store_record *record)
{
    struct xw_attachments *table;
    struct xw_attachments_config config = {0};
    struct xw_uuid id;
    if (xw_attachments_new(&config, &table) < 0)
        return;
    const struct xw_attachment *a = xw_attachments_record(table, record);
    if (a)
        (void)xw_bed_id(a);
    if (xw_attachments_observation(table, record, &id) >= 0) {
        a = xw_attachments_find(table, &id);
        if (!a || a->newest_n != 1)
            abort();
        json_t *o = xw_json_observation(a->newest[0].wire, record->key, record->key_size, 1, 2);
        /* What is absent has no number. */
        if (!o || (!json_is_null(json_object_get(o, "absent")) &&
                   !json_is_null(json_object_get(o, "value"))))
            abort();
        json_decref(o);
    }
    xw_attachments_free(table);
}

/* An age is a person's, whatever the date of birth says. */
static void feed_patients(const struct xw_store_record *record)
{
    struct xw_patients *patients;
    struct xw_uuid id;
    if (xw_patients_new(&patients) < 0)
        return;
    xw_patients_record(patients, record);
    if (record->body_size >= sizeof(id.b)) {
        memcpy(id.b, (const uint8_t *)record->body + record->body_size - sizeof(id.b),
               sizeof(id.b));
        const struct xw_patient *p = xw_patients_of_study(patients, &id);
        float years = p ? xw_patient_age_years(p, INT64_C(1700000000000000)) : 0;
        if (years < 0 || years > 130)
            abort();
        (void)xw_patients_of_attachment(patients, &id, 0);
        (void)xw_patients_age_at_study(patients, &id, 0);
    }
    xw_patients_free(patients);
}

static void feed_technicals(const struct xw_store_record *record)
{
    struct xw_technicals *technicals;
    if (xw_technicals_new(NULL, NULL, NULL, &technicals) < 0)
        return;
    xw_technicals_record(technicals, record);
    json_decref(xw_technicals_json(technicals, 10, every_text, NULL));
    xw_technicals_free(technicals);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t kinds[] = {
        XW__RECORD_KIND__RECORD_EVENT,       XW__RECORD_KIND__RECORD_ANCHOR,
        XW__RECORD_KIND__RECORD_STUDY,       XW__RECORD_KIND__RECORD_ALARM_ACK,
        XW__RECORD_KIND__RECORD_TECHNICAL,   XW__RECORD_KIND__RECORD_ATTACHMENT,
        XW__RECORD_KIND__RECORD_OBSERVATION, XW__RECORD_KIND__RECORD_CLIP,
        XW__RECORD_KIND__RECORD_PATIENT,     XW__RECORD_KIND__RECORD_ASSIGNMENT,
    };
    if (size < 1)
        return 0;
    size_t body_size = size - 1;
    uint8_t *body = malloc(body_size ? body_size : 1);
    uint8_t key[XW_EVENT_KEY_N] = {0};
    if (!body)
        return 0;
    memcpy(body, data + 1, body_size);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = kinds[data[0] % XW_ARRAY_N(kinds)],
                                     .body = body,
                                     .body_size = body_size,
                                     .origin = "gw"};
    feed_hub(&record, body, body_size);
    feed_alarms(&record);
    feed_studies(&record);
    feed_technicals(&record);
    feed_clips(&record);
    feed_patients(&record);
    feed_attachments(&record);
    free(body);
    return 0;
}
