/* The index of studies. */
#include "center/studies.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/json.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(studies_refused, "xw_center_study_changes_refused_total", NULL,
           "study changes of no use: malformed, or more than a study may have");

struct xw_studies {
    struct xw_study **v; /* by id: by birth */
    size_t n, cap;
};

int xw_studies_new(struct xw_studies **ret_studies)
{
    struct xw_studies *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    *ret_studies = s;
    return 0;
}

static void study_free(struct xw_study *study)
{
    for (size_t i = 0; i < study->changes_n; i++)
        xw__study_change__free_unpacked(study->changes[i], NULL);
    free(study->changes);
    free(study);
}

void xw_studies_free(struct xw_studies *studies)
{
    if (!studies)
        return;
    for (size_t i = 0; i < studies->n; i++)
        study_free(studies->v[i]);
    free(studies->v);
    free(studies);
}

size_t xw_studies_n(const struct xw_studies *studies)
{
    return studies->n;
}

const struct xw_study *xw_studies_at(const struct xw_studies *studies, size_t i)
{
    return studies->v[studies->n - 1 - i];
}

/* Position of the first study with id >= this one. */
static size_t lower_bound(const struct xw_studies *studies, const struct xw_uuid *id)
{
    size_t low = 0, high = studies->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (xw_uuid_compare(&studies->v[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct xw_study *find(const struct xw_studies *studies, const struct xw_uuid *id)
{
    size_t i = lower_bound(studies, id);
    return i < studies->n && xw_uuid_equal(&studies->v[i]->id, id) ? studies->v[i] : NULL;
}

const struct xw_study *xw_studies_find(const struct xw_studies *studies, const struct xw_uuid *id)
{
    return find(studies, id);
}

static bool finished(const struct xw_study *study)
{
    return study->state.state == XW__STUDY_STATE__STUDY_SEEN ||
           study->state.state == XW__STUDY_STATE__STUDY_CANCELLED;
}

static int make_room(struct xw_studies *s)
{
    if (s->n == XW_STUDIES_MAX) {
        size_t i = 0;
        while (i < s->n && !finished(s->v[i]))
            i++;
        if (i == s->n)
            return -EOVERFLOW;
        study_free(s->v[i]);
        memmove(&s->v[i], &s->v[i + 1], (s->n - i - 1) * sizeof(struct xw_study *));
        s->n--;
    }
    if (s->n == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        struct xw_study **v = realloc(s->v, cap * sizeof(struct xw_study *));
        if (!v)
            return -ENOMEM;
        s->v = v;
        s->cap = cap;
    }
    return 0;
}

static struct xw_study *find_or_add(struct xw_studies *s, const struct xw_uuid *id)
{
    struct xw_study *study = find(s, id);
    if (study || make_room(s) < 0)
        return study;
    study = calloc(1, sizeof(*study));
    if (!study)
        return NULL;
    study->id = *id;
    size_t at = lower_bound(s, id);
    memmove(&s->v[at + 1], &s->v[at], (s->n - at) * sizeof(struct xw_study *));
    s->v[at] = study;
    s->n++;
    return study;
}

static bool holds(const struct xw_study *study, const Xw__StudyChange *change)
{
    for (size_t i = 0; i < study->changes_n; i++) {
        const ProtobufCBinaryData *id = &study->changes[i]->change_id;
        if (id->len == change->change_id.len &&
            memcmp(id->data, change->change_id.data, id->len) == 0)
            return true;
    }
    return false;
}

static int add_change(struct xw_study *study, Xw__StudyChange *change)
{
    if (study->changes_n == XW_STUDY_CHANGES_MAX)
        return -EOVERFLOW;
    if (study->changes_n == study->changes_cap) {
        size_t cap = study->changes_cap ? study->changes_cap * 2 : 8;
        Xw__StudyChange **v = realloc(study->changes, cap * sizeof(Xw__StudyChange *));
        if (!v)
            return -ENOMEM;
        study->changes = v;
        study->changes_cap = cap;
    }
    study->changes[study->changes_n++] = change;
    return 0;
}

struct xw_study *xw_studies_record(struct xw_studies *studies, const struct xw_store_record *record)
{
    struct xw_uuid id;
    Xw__StudyChange *change = xw__study_change__unpack(NULL, record->body_size, record->body);
    struct xw_study *study = NULL;
    if (change && change->change_id.len == 16 && change->change_case &&
        xw_uuid_from_bytes(change->study_id.data, change->study_id.len, &id) == 0)
        study = find_or_add(studies, &id);
    if (study && holds(study, change)) {
        xw__study_change__free_unpacked(change, NULL);
        return study;
    }
    if (!study || add_change(study, change) < 0) {
        xw_counter_add(&studies_refused, 1);
        xw_log_warning("study.refused", XW_LOG_STR("origin", record->origin));
        if (change)
            xw__study_change__free_unpacked(change, NULL);
        return NULL;
    }
    xw_study_fold(study->changes, study->changes_n, &study->state);
    return study;
}

const char *xw_study_site(const struct xw_study *study)
{
    return study->state.create ? study->state.create->site : "";
}

/* The clip whose bytes the object is, if there is one. */
static json_t *clip_id(const struct xw_clips *clips, const ProtobufCBinaryData *sha256)
{
    const struct xw_clip *clip =
        clips && sha256->len == 32 ? xw_clips_object(clips, sha256->data, NULL) : NULL;
    return clip ? xw_json_uuid(&clip->id) : json_null();
}

static json_t *item_json(const Xw__StudyItem *item, const struct xw_clips *clips)
{
    json_t *o = json_object();
    if (item->item_case == XW__STUDY_ITEM__ITEM_SAMPLES) {
        json_object_set_new(
            o, "stream", xw_json_id(item->samples->stream_id.data, item->samples->stream_id.len));
        json_object_set_new(o, "first", json_integer((json_int_t)item->samples->first));
        json_object_set_new(o, "count", json_integer((json_int_t)item->samples->count));
    } else if (item->item_case == XW__STUDY_ITEM__ITEM_OBJECT_SHA256) {
        json_object_set_new(o, "object",
                            xw_json_hex(item->object_sha256.data, item->object_sha256.len));
        json_object_set_new(o, "clip", clip_id(clips, &item->object_sha256));
    } else {
        json_object_set_new(o, "observation",
                            xw_json_hex(item->observation_key.data, item->observation_key.len));
    }
    return o;
}

static json_t *change_json(const Xw__StudyChange *c, enum xw_study_verdict verdict)
{
    char what[96];
    const char *word = "note";
    if (c->change_case == XW__STUDY_CHANGE__CHANGE_CREATE)
        word = "created";
    else if (c->change_case == XW__STUDY_CHANGE__CHANGE_ADD_ITEM)
        word = "item";
    else if (c->change_case == XW__STUDY_CHANGE__CHANGE_STATE)
        word = xw_json_study_state((int)c->state->state);
    snprintf(what, sizeof(what), "%s%s",
             verdict == XW_STUDY_REQUEST   ? "request:"
             : verdict == XW_STUDY_IGNORED ? "ignored:"
                                           : "",
             word ? word : "other");
    json_t *o = json_object();
    json_object_set_new(o, "wall_us", json_integer(c->wall_us));
    json_object_set_new(o, "author", xw_json_text(c->author));
    json_object_set_new(o, "what", json_string(what));
    if (c->change_case == XW__STUDY_CHANGE__CHANGE_STATE && c->state->reason[0])
        json_object_set_new(o, "reason", xw_json_text(c->state->reason));
    if (c->change_case == XW__STUDY_CHANGE__CHANGE_NOTE)
        json_object_set_new(o, "text", xw_json_text(c->note->text));
    return o;
}

json_t *xw_study_json(const struct xw_study *study, const struct xw_clips *clips)
{
    const struct xw_study_state *s = &study->state;
    const char *kind = s->create ? xw_json_study_kind((int)s->create->kind) : NULL;
    const char *state = xw_json_study_state((int)s->state);
    json_t *o = json_object(), *items = json_array(), *changes = json_array();
    for (size_t i = 0; i < s->items_n; i++)
        json_array_append_new(items, item_json(s->items[i], clips));
    for (size_t i = 0; i < study->changes_n; i++)
        json_array_append_new(changes, change_json(study->changes[i], s->verdicts[i]));
    json_object_set_new(o, "id", xw_json_uuid(&study->id));
    json_object_set_new(o, "kind", json_string(kind ? kind : "other"));
    json_object_set_new(o, "site", xw_json_text(xw_study_site(study)));
    json_object_set_new(o, "reason", xw_json_text(s->create ? s->create->reason : ""));
    json_object_set_new(o, "urgent", json_boolean(s->create && s->create->urgent));
    json_object_set_new(o, "state", json_string(state ? state : "other"));
    json_object_set_new(o, "items", items);
    json_object_set_new(o, "created_wall_us", json_integer(s->created_wall_us));
    json_object_set_new(o, "author", xw_json_text(s->author));
    json_object_set_new(o, "claimed_by", s->claimed_by ? xw_json_text(s->claimed_by) : json_null());
    json_object_set_new(o, "changes", changes);
    return o;
}
