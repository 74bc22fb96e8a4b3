/* The records of a study that came as a file. */
#include "edge/import_in.h"
#include "edge/words.h"
#include "proto/study.pb-c.h"

#include <stdio.h>
#include <string.h>

void xw_import_make_key(const struct xw_import *import, uint8_t key[KEY_SIZE])
{
    memcpy(key, "impt", 4);
    memcpy(key + 4, import->ready.hash, XW_IMPORT_HASH_N);
}

int xw_import_put_mark(struct xw_import *import, uint64_t revision)
{
    uint8_t key[KEY_SIZE], body[BODY_SIZE];
    xw_import_make_key(import, key);
    memcpy(body, import->study.b, 16);
    memcpy(body + 16, import->created.b, 16);
    memcpy(body + 32, import->noted.b, 16);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = revision,
                                     .kind = XW_LOCAL_DEVICE,
                                     .body = body,
                                     .body_size = sizeof(body)};
    return xw_commit_once(import->edge->commit, &record, NULL, true);
}

static int put(struct xw_import *import, uint32_t kind, const void *key, size_t key_size,
               uint64_t revision, int64_t wall_us, const ProtobufCMessage *body)
{
    struct xw_store_record record = {
        .key = key, .key_size = key_size, .revision = revision, .kind = kind, .wall_us = wall_us};
    return xw_commit_once(import->edge->commit, &record, body, false);
}

static int put_change(struct xw_import *import, const struct xw_uuid *id, int64_t wall_us,
                      Xw__StudyChange *change)
{
    uint8_t key[32];
    change->study_id = (ProtobufCBinaryData){16, import->study.b};
    change->change_id = (ProtobufCBinaryData){16, (uint8_t *)id->b};
    change->author = (char *)"file";
    change->wall_us = wall_us;
    memcpy(key, import->study.b, 16);
    memcpy(key + 16, id->b, 16);
    return put(import, XW__RECORD_KIND__RECORD_STUDY, key, sizeof(key), 1, wall_us, &change->base);
}

static int put_study(struct xw_import *import, int64_t wall_us)
{
    const struct xw_edge_config *c = import->edge->config;
    const struct xw_import_plan *plan = &import->plan;
    Xw__StudySamples samples[XW_FORMATS_MAX_GROUPS];
    Xw__StudyItem items[XW_FORMATS_MAX_GROUPS], *list[XW_FORMATS_MAX_GROUPS];
    for (size_t i = 0; i < plan->streams_n; i++) {
        xw__study_samples__init(&samples[i]);
        xw__study_item__init(&items[i]);
        samples[i].stream_id = (ProtobufCBinaryData){16, import->ids[i].b};
        samples[i].first = import->first[i];
        samples[i].count = (uint64_t)plan->streams[i].group->samples_n;
        items[i].item_case = XW__STUDY_ITEM__ITEM_SAMPLES;
        items[i].samples = &samples[i];
        list[i] = &items[i];
    }
    Xw__StudyCreate create = XW__STUDY_CREATE__INIT;
    create.kind = XW__STUDY_KIND__STUDY_ECG_12;
    create.site = c->site[0] ? c->site : c->id;
    create.reason = (char *)"other";
    create.n_items = plan->streams_n;
    create.items = list;
    create.attachment_id = (ProtobufCBinaryData){16, (uint8_t *)plan->attachment.b};
    Xw__StudyChange change = XW__STUDY_CHANGE__INIT;
    change.change_case = XW__STUDY_CHANGE__CHANGE_CREATE;
    change.create = &create;
    return put_change(import, &import->created, wall_us, &change);
}

static int put_note(struct xw_import *import, bool dated, int64_t wall_us)
{
    char text[NOTE_N];
    Xw__StudyNote note = XW__STUDY_NOTE__INIT;
    Xw__StudyChange change = XW__STUDY_CHANGE__INIT;
    xw_import_note(import->ready.recording, &import->plan, dated, text, sizeof(text));
    note.text = text;
    change.change_case = XW__STUDY_CHANGE__CHANGE_NOTE;
    change.note = &note;
    return put_change(import, &import->noted, wall_us, &change);
}

/* Who it is, as the file has it; the study is his. */
static int put_patient(struct xw_import *import, int64_t wall_us)
{
    const struct xw_formats_patient *p = &import->ready.recording->patient;
    struct xw_uuid id = xw_import_patient_id(import->ready.recording, import->edge->config->id);
    char name[2 * XW_FORMATS_TEXT_BYTES + 2], born[32] = "";
    if (xw_uuid_is_nil(&id))
        return 0;
    snprintf(name, sizeof(name), "%s%s%s", p->family, p->family[0] && p->given[0] ? " " : "",
             p->given);
    if (p->born.has_date)
        snprintf(born, sizeof(born), "%04d-%02d-%02d", p->born.year, p->born.month, p->born.day);
    Xw__PatientChange patient = XW__PATIENT_CHANGE__INIT;
    patient.patient_id = (ProtobufCBinaryData){16, id.b};
    patient.name = name;
    patient.sex = (char *)(p->sex == 'M' ? "M" : p->sex == 'F' ? "F" : "U");
    patient.birth_date = born;
    patient.site_number = (char *)p->id;
    int r = put(import, XW__RECORD_KIND__RECORD_PATIENT, id.b, 16, 1, wall_us, &patient.base);
    const struct xw_part parts[] = {{"xw-file-assignment-1", 20}, {import->study.b, 16}};
    struct xw_uuid assigned = xw_uuid_v8(parts, XW_ARRAY_N(parts));
    Xw__Assignment assignment = XW__ASSIGNMENT__INIT;
    assignment.assignment_id = (ProtobufCBinaryData){16, assigned.b};
    assignment.patient_id = (ProtobufCBinaryData){16, id.b};
    assignment.study_id = (ProtobufCBinaryData){16, import->study.b};
    assignment.from_wall_us = wall_us;
    assignment.author = (char *)"file";
    if (p->has_age && p->age_years > 0 && p->age_years <= 130)
        assignment.age_years = p->age_years;
    if (r >= 0)
        r = put(import, XW__RECORD_KIND__RECORD_ASSIGNMENT, assigned.b, 16, 1, wall_us,
                &assignment.base);
    return r;
}

/* The time of a stream's first sample. The offset to the county's clock is not known: it was the
 * device's clock that was read. */
static int put_anchor(struct xw_import *import, size_t at, int64_t wall_us)
{
    const struct xw_import_stream *s = &import->plan.streams[at];
    uint64_t first = import->first[at];
    uint8_t key[XW_ANCHOR_KEY_SIZE];
    Xw__Anchor anchor = XW__ANCHOR__INIT;
    anchor.stream_id = (ProtobufCBinaryData){16, import->ids[at].b};
    anchor.boot_id = (ProtobufCBinaryData){16, import->edge->boot_id};
    anchor.index = first;
    anchor.gateway_wall_us = wall_us + s->group->offset_us;
    anchor.rate_hz = s->rate_hz;
    anchor.ordinal = first + 1;
    xw_words_anchor_key(&import->ids[at], anchor.ordinal, key);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_ANCHOR,
                                     .has_span = true,
                                     .stream = import->ids[at],
                                     .span = {first, first + 1},
                                     .wall_us = wall_us};
    return xw_commit_once(import->edge->commit, &record, &anchor.base, false);
}

static int put_attachment(struct xw_import *import)
{
    Xw__Attachment a = XW__ATTACHMENT__INIT;
    int64_t now_us = xw_edge_wall_us();
    if (import->attached_told)
        return 0;
    a.attachment_id = (ProtobufCBinaryData){16, import->plan.attachment.b};
    a.device_id = (char *)XW_IMPORT_DEVICE;
    a.since_wall_us = now_us;
    a.demo = import->edge->config->demo;
    a.kind = (char *)"file";
    return put(import, XW__RECORD_KIND__RECORD_ATTACHMENT, import->plan.attachment.b, 16,
               (uint64_t)now_us, now_us, &a.base);
}

int xw_import_put_study(struct xw_import *import)
{
    int64_t wall_us = import->ready.changed_wall_us;
    bool dated = xw_import_start_us(import->ready.recording, &wall_us);
    int r = put_attachment(import);
    for (size_t i = 0; r >= 0 && i < import->plan.streams_n; i++)
        r = put_anchor(import, i, wall_us);
    if (r >= 0)
        r = put_patient(import, wall_us);
    if (r >= 0)
        r = put_study(import, wall_us);
    if (r >= 0)
        r = put_note(import, dated, wall_us);
    return r < 0 ? r : xw_import_put_mark(import, 2);
}
