/* Studies: the list, and their steps. */
#include "center/api.h"

#include "center/audit.h"
#include "center/lights.h"
#include "center/studies.h"

#include <string.h>

enum { STUDIES_LIST_MAX = 200, REASON_MAX_N = 200 };

static bool sees(const struct xw_http_request *req, const struct xw_study *study)
{
    return study->state.create && xw_api_sees(req, xw_study_site(study));
}

void xw_api_study(struct xw_http_request *req)
{
    struct xw_uuid id;
    const struct xw_study *study = NULL;
    if (xw_uuid_parse(req->capture[0], &id) == 0)
        study = xw_studies_find(req->center->studies, &id);
    if (study && sees(req, study))
        xw_http_reply_json(req, 200, xw_lights_study_json(req->center, study));
    else
        xw_http_reply_error(req, "not_found", "no such study");
}

/* Where the page that follows the study of `before` begins; 0 without one. */
static int page_start(struct xw_http_request *req, size_t *ret_at)
{
    char text[64];
    struct xw_uuid id;
    const struct xw_studies *studies = req->center->studies;
    size_t at = 0, n = xw_studies_n(studies);
    if (xw_http_arg(req, "before", text, sizeof(text)) && text[0]) {
        if (xw_uuid_parse(text, &id) < 0)
            return -EINVAL;
        while (at < n && memcmp(xw_studies_at(studies, at)->id.b, id.b, sizeof(id.b)) != 0)
            at++;
        at++;
    }
    *ret_at = at;
    return 0;
}

void xw_api_studies(struct xw_http_request *req)
{
    char word[32];
    int state = 0;
    size_t at;
    bool more = false;
    if (xw_http_arg(req, "state", word, sizeof(word)) && word[0]) {
        state = xw_json_study_state_parse(word);
        if (state < 0) {
            xw_http_reply_error(req, "bad_request", "state");
            return;
        }
    }
    if (page_start(req, &at) < 0) {
        xw_http_reply_error(req, "bad_request", "before");
        return;
    }
    json_t *array = json_array();
    const struct xw_studies *studies = req->center->studies;
    for (; at < xw_studies_n(studies) && !more; at++) {
        const struct xw_study *s = xw_studies_at(studies, at);
        if (!sees(req, s) || (state && (int)s->state.state != state))
            continue;
        more = json_array_size(array) == STUDIES_LIST_MAX;
        if (!more)
            json_array_append_new(array, xw_lights_study_json(req->center, s));
    }
    xw_http_reply_json(req, 200, json_pack("{s:o,s:b}", "studies", array, "more", more));
}

/* Answers with the study once its change is durable. */
struct changing {
    struct xw_http_request *req;
    struct xw_uuid study, change;
};

/* Two readers may claim at the same moment: the fold took the first. */
static bool was_applied(const struct xw_study *study, const struct xw_uuid *change)
{
    for (size_t i = 0; i < study->changes_n; i++)
        if (memcmp(study->changes[i]->change_id.data, change->b, sizeof(change->b)) == 0)
            return study->state.verdicts[i] == XW_STUDY_APPLIED;
    return false;
}

static void on_changed(void *user, int status)
{
    struct changing *c = user;
    const struct xw_study *study = xw_studies_find(c->req->center->studies, &c->study);
    if (status < 0 || !study)
        xw_http_reply_errno(c->req, status < 0 ? status : -ENOENT);
    else if (!was_applied(study, &c->change))
        xw_http_reply_error(c->req, "conflict", "somebody else was first");
    else
        xw_http_reply_json(c->req, 200, xw_lights_study_json(c->req->center, study));
    xw_http_unref(c->req);
    free(c);
}

void xw_api_study_change(struct xw_http_request *req, const struct xw_uuid *study,
                         const Xw__StudyChange *what, const char *gateway_id, const char *action)
{
    Xw__StudyChange full = *what, *change = &full;
    struct xw_uuid change_id = xw_uuid_v7(NULL);
    struct xw_audit_entry entry;
    struct xw_store_record records[2];
    uint8_t key[32];
    char subject[XW_UUID_TEXT_N_BYTES];
    change->study_id.len = change->change_id.len = 16;
    change->study_id.data = (uint8_t *)(uintptr_t)study->b;
    change->change_id.data = change_id.b;
    change->author = req->who.user;
    change->by_county = true;
    change->wall_us = xw_clock_wall(NULL).us;
    memcpy(key, study->b, 16);
    memcpy(key + 16, change_id.b, 16);
    size_t size = xw__study_change__get_packed_size(change);
    xw_autofree uint8_t *body = malloc(size + 1);
    struct changing *c = calloc(1, sizeof(*c));
    if (!body || !c) {
        free(c);
        xw_http_reply_error(req, "internal", "memory");
        return;
    }
    xw__study_change__pack(change, body);
    records[0] = (struct xw_store_record){.key = key,
                                          .key_size = sizeof(key),
                                          .revision = 1,
                                          .kind = XW__RECORD_KIND__RECORD_STUDY,
                                          .body = body,
                                          .body_size = size,
                                          .origin = "county",
                                          .wall_us = change->wall_us};
    xw_audit_fill(&entry, req->who.user, action, xw_uuid_format(study, subject), "ok", &records[1]);
    *c = (struct changing){xw_http_ref(req), *study, change_id};
    int r = xw_journal_append(req->center->journal, records, 2, gateway_id, on_changed, c);
    if (r < 0) {
        xw_http_reply_errno(req, r);
        xw_http_unref(req);
        free(c);
    }
}

/* Which steps belong to whom. */
static unsigned roles_of(Xw__StudyState from, Xw__StudyState to)
{
    if (to == XW__STUDY_STATE__STUDY_CANCELLED || to == XW__STUDY_STATE__STUDY_SEEN)
        return XW_ROLE_SITE;
    if (from == XW__STUDY_STATE__STUDY_RETURNED && to == XW__STUDY_STATE__STUDY_CAPTURED)
        return XW_ROLE_SITE;
    return XW_ROLE_READER;
}

/* Once claimed, the work belongs to who claimed it; a review is another reader's. */
static bool others_study(const struct xw_http_request *req, const struct xw_study *study,
                         Xw__StudyState to)
{
    return to != XW__STUDY_STATE__STUDY_REVIEWED && req->who.role == XW_ROLE_READER &&
           study->state.claimed_by && strcmp(study->state.claimed_by, req->who.user) != 0;
}

void xw_api_study_state(struct xw_http_request *req)
{
    struct xw_uuid id;
    const struct xw_study *study = NULL;
    json_t *o;
    if (xw_uuid_parse(req->capture[0], &id) == 0)
        study = xw_studies_find(req->center->studies, &id);
    if (!study || !sees(req, study)) {
        xw_http_reply_error(req, "not_found", "no such study");
        return;
    }
    if (xw_json_parse(req->body.data, req->body.n, &o) < 0) {
        xw_http_reply_error(req, "bad_request", "a JSON object is needed");
        return;
    }
    const char *word = xw_json_get_text(o, "state", 32);
    const char *reason = xw_json_get_text(o, "reason", REASON_MAX_N);
    int to = word ? xw_json_study_state_parse(word) : -EINVAL;
    if (to < 0) {
        xw_http_reply_error(req, "bad_request", "state");
    } else if (!xw_study_follows(study->state.state, (Xw__StudyState)to)) {
        xw_http_reply_error(req, "conflict", "not from where the study stands");
    } else if (!(roles_of(study->state.state, (Xw__StudyState)to) & req->who.role)) {
        xw_http_reply_error(req, "forbidden", "not for this role");
    } else if (others_study(req, study, (Xw__StudyState)to)) {
        xw_http_reply_error(req, "conflict", "another reader has claimed it");
    } else if (study->changes_n >= XW_STUDY_CHANGES_MAX) {
        xw_http_reply_error(req, "conflict", "the study has too many changes");
    } else {
        Xw__StudyStateChange step = XW__STUDY_STATE_CHANGE__INIT;
        Xw__StudyChange change = XW__STUDY_CHANGE__INIT;
        step.state = (Xw__StudyState)to;
        step.reason = (char *)(uintptr_t)(reason ? reason : "");
        change.change_case = XW__STUDY_CHANGE__CHANGE_STATE;
        change.state = &step;
        xw_api_study_change(req, &id, &change, study->gateway_id, "study_state");
    }
    json_decref(o);
}
