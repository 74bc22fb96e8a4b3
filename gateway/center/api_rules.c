/* The rule list: reading, checking a text, a new version, the way back, the history. */
#include "center/api.h"

#include "center/ratelimit.h"
#include "center/rulelist.h"

#include <stdio.h>
#include <string.h>

enum { HISTORY_PAGE = 25, SAME_VERSION_MAX = 16 };

struct saving {
    struct xw_http_request *req;
    struct xw_rulelist_ask ask;
};

/* ---- the list in force ---- */

void xw_api_rules(struct xw_http_request *req)
{
    const struct xw_rulelist *newest = xw_rulelists_newest(req->center->rules);
    char text[XW_RULELIST_TEXT_N];
    json_t *o = json_object();
    (void)xw_ecg_rules_write(&newest->rules, false, text, sizeof(text));
    json_object_set_new(o, "list", xw_rulelist_json(newest));
    json_object_set_new(o, "items", xw_rulelist_items_json(&newest->rules));
    json_object_set_new(o, "text", xw_json_text(text));
    xw_http_reply_json(req, 200, o);
}

/* ---- mistakes ---- */

/* "section.name" where the text begins with it. */
static void put_mistake(json_t *o, const struct xw_ecg_rules_error *error)
{
    char field[96];
    size_t n = strspn(error->text, "abcdefghijklmnopqrstuvwxyz0123456789_.");
    bool named =
        n > 0 && n < sizeof(field) && error->text[n] == ':' && memchr(error->text, '.', n) != NULL;
    snprintf(field, sizeof(field), "%.*s", named ? (int)n : 0, error->text);
    json_object_set_new(o, "line", json_integer(error->line));
    json_object_set_new(o, "field", named ? json_string(field) : json_null());
    json_object_set_new(o, "text", xw_json_text(error->text));
}

/* Missing is a mistake as well. */
static int parse(const json_t *o, struct xw_ecg_rules *ret_rules, struct xw_ecg_rules_error *error)
{
    const char *text = xw_json_get_text(o, "text", XW_ECG_RULES_TEXT_MAX_BYTES);
    if (text)
        return xw_ecg_rules_parse(text, strlen(text), ret_rules, error);
    *error = (struct xw_ecg_rules_error){.text = "text: the rule list is needed"};
    return -EINVAL;
}

static json_t *body_of(struct xw_http_request *req)
{
    json_t *o;
    if (xw_json_parse(req->body.data, req->body.n, &o) == 0)
        return o;
    xw_http_reply_error(req, "bad_request", "a JSON object is needed");
    return NULL;
}

void xw_api_rules_check(struct xw_http_request *req)
{
    struct xw_ecg_rules rules;
    struct xw_ecg_rules_error error = {0};
    json_t *o = body_of(req);
    if (!o)
        return;
    json_t *answer = json_object();
    int r = parse(o, &rules, &error);
    json_decref(o);
    json_object_set_new(answer, "ok", json_boolean(r == 0));
    if (r == 0)
        json_object_set_new(answer, "items", xw_rulelist_items_json(&rules));
    else
        put_mistake(answer, &error);
    xw_http_reply_json(req, 200, answer);
}

static void reply_mistake(struct xw_http_request *req, const struct xw_ecg_rules_error *error)
{
    json_t *o = json_object();
    json_object_set_new(o, "error", json_string("bad_request"));
    put_mistake(o, error);
    xw_http_reply_json(req, 400, o);
}

/* ---- a new version ---- */

/* Somebody was quicker: who, and what is in force now. */
static void reply_conflict(struct xw_http_request *req, const char *text)
{
    json_t *o = json_object();
    json_object_set_new(o, "error", json_string("conflict"));
    json_object_set_new(o, "text", json_string(text));
    json_object_set_new(o, "list", xw_rulelist_json(xw_rulelists_newest(req->center->rules)));
    xw_http_reply_json(req, 409, o);
}

static void finish(struct saving *s)
{
    struct xw_http_request *req = s->req;
    struct xw_center *center = req->center;
    if (!s->ask.error) {
        xw_rulelists_pass(center->rules, center->gateways, xw_clock_mono(NULL).us);
        xw_http_reply_json(req, 200, xw_rulelist_json(xw_rulelists_newest(center->rules)));
    } else if (strcmp(s->ask.word, "conflict") == 0) {
        reply_conflict(req, s->ask.error);
    } else {
        xw_http_reply_error(req, s->ask.word, s->ask.error);
    }
    xw_http_unref(req);
    free(s);
}

static void on_saved(void *user)
{
    finish(user);
}

/* Takes s. */
static void save(struct saving *s)
{
    struct xw_center *center = s->req->center;
    uint32_t newest = xw_rulelists_newest(center->rules)->version;
    /* What a gateway says is believed as far as a backup may have been behind. */
    s->ask.above = xw_gateways_rules_highest(center->gateways, newest + XW_RULELIST_AHEAD_MAX);
    if (xw_rulelists_save(center->rules, &s->ask, on_saved, s) < 0)
        finish(s);
}

static bool is_plain(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            return false;
    return true;
}

/* based_on and reason; answers what is wrong and returns NULL. */
static struct saving *begin(struct xw_http_request *req, const json_t *o)
{
    uint64_t based_on;
    const char *reason = xw_json_get_text(o, "reason", XW_RULELIST_REASON_N - 1);
    if (!reason || !is_plain(reason) || reason[strspn(reason, " ")] == 0) {
        xw_http_reply_error(req, "bad_request", "reason: why, 1 to 500 bytes in one line");
        return NULL;
    }
    if (xw_json_get_index(o, "based_on", &based_on) < 0 || based_on > UINT32_MAX) {
        xw_http_reply_error(req, "bad_request", "based_on: the version that was changed");
        return NULL;
    }
    if (based_on != xw_rulelists_newest(req->center->rules)->version) {
        reply_conflict(req, "there is a newer version");
        return NULL;
    }
    if (!xw_limiter_try(req->center->rules_limiter, 'u', req->who.user)) {
        xw_http_reply_error(req, "too_many", "20 versions a minute are enough");
        return NULL;
    }
    struct saving *s = calloc(1, sizeof(*s));
    if (!s) {
        xw_http_reply_error(req, "busy", "no memory");
        return NULL;
    }
    s->req = xw_http_ref(req);
    s->ask.based_on = (uint32_t)based_on;
    snprintf(s->ask.by, sizeof(s->ask.by), "%s", req->who.user);
    snprintf(s->ask.reason, sizeof(s->ask.reason), "%s", reason);
    return s;
}

void xw_api_rules_save(struct xw_http_request *req)
{
    struct xw_ecg_rules rules;
    struct xw_ecg_rules_error error = {0};
    json_t *o = body_of(req);
    if (!o)
        return;
    if (parse(o, &rules, &error) < 0) {
        reply_mistake(req, &error);
    } else {
        struct saving *s = begin(req, o);
        if (s) {
            s->ask.rules = rules;
            save(s);
        }
    }
    json_decref(o);
}

/* ---- the way back ---- */

static void on_older(void *user, const struct xw_store_records *records)
{
    struct saving *s = user;
    struct xw_rulelist list, best = {.version = 0};
    for (size_t i = 0; records->status == 0 && i < records->records_n; i++)
        if (xw_rulelist_unpack(&records->records[i], &list) == 0 &&
            list.version == s->ask.back_to && (!best.version || list.wall_us > best.wall_us))
            best = list;
    if (best.version) {
        s->ask.rules = best.rules;
        save(s);
        return;
    }
    s->ask.word = records->status < 0 ? "busy" : "not_found";
    s->ask.error = records->status < 0 ? "could not be read; try again" : "no such version";
    finish(s);
}

void xw_api_rules_back(struct xw_http_request *req)
{
    uint64_t version = 0;
    uint8_t prefix[XW_RULELIST_PREFIX_N];
    json_t *o = body_of(req);
    if (!o)
        return;
    int r = xw_json_get_index(o, "version", &version);
    struct saving *s = NULL;
    if (r < 0 || version > UINT32_MAX)
        xw_http_reply_error(req, "bad_request", "version: of the history; 0 = the defaults");
    else
        s = begin(req, o);
    json_decref(o);
    if (!s)
        return;
    s->ask.back_to = (uint32_t)version;
    if (version == 0) {
        xw_ecg_rules_default(&s->ask.rules);
        save(s);
        return;
    }
    xw_rulelist_prefix((uint32_t)version, prefix);
    r = xw_store_records_prefix(req->center->store, XW__RECORD_KIND__RECORD_RULESET, prefix,
                                sizeof(prefix), SAME_VERSION_MAX, on_older, s);
    if (r < 0) {
        s->ask.word = "busy";
        s->ask.error = "could not be read; try again";
        finish(s);
    }
}

/* ---- history ---- */

static void on_history(void *user, const struct xw_store_records *records)
{
    struct xw_http_request *req = user;
    struct xw_rulelist list;
    if (records->status < 0) {
        xw_http_reply_errno(req, records->status);
        xw_http_unref(req);
        return;
    }
    json_t *array = json_array(), *o = json_object();
    for (size_t i = 0; i < records->records_n; i++)
        if (xw_rulelist_unpack(&records->records[i], &list) == 0)
            json_array_append_new(array, xw_rulelist_json(&list));
    bool more = records->more && records->records_n > 0;
    const struct xw_store_record *last = more ? &records->records[records->records_n - 1] : NULL;
    json_object_set_new(o, "lists", array);
    json_object_set_new(o, "next", last ? xw_json_hex(last->key, last->key_size) : json_null());
    xw_http_reply_json(req, 200, o);
    xw_http_unref(req);
}

void xw_api_rules_history(struct xw_http_request *req)
{
    char text[160];
    uint8_t key[64];
    size_t n = 0;
    const char *before = xw_http_arg(req, "before", text, sizeof(text));
    if (before && (xw_json_unhex(before, key, sizeof(key), &n) < 0 || n == 0)) {
        xw_http_reply_error(req, "bad_request", "before: what an answer gave as next");
        return;
    }
    int r =
        xw_store_records(req->center->store, XW__RECORD_KIND__RECORD_RULESET, before ? key : NULL,
                         n, true, HISTORY_PAGE, on_history, xw_http_ref(req));
    if (r < 0) {
        xw_http_reply_errno(req, r);
        xw_http_unref(req);
    }
}
