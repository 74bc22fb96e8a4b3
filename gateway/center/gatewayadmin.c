/* Codes, revocations and lists. */
#include "center/gatewayadmin.h"

#include "base/log.h"
#include "center/json.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { LIFE_MIN_US = 1000000 };
#define LIFE_MAX_US (30 * INT64_C(86400000000))

static int refuse(struct xw_gatewayadmin *ask, const char *word, const char *text)
{
    ask->word = word;
    ask->error = text;
    return -EINVAL;
}

static bool is(const struct xw_gatewayadmin *ask, const char *verb)
{
    return strcmp(ask->verb, verb) == 0;
}

bool xw_gatewayadmin_knows(const json_t *request)
{
    static const char *const verbs[] = {"gateways", "codes", "code", "withdraw", "revoke"};
    const char *verb = xw_json_get_text(request, "do", 15);
    for (size_t i = 0; verb && i < XW_ARRAY_N(verbs); i++)
        if (strcmp(verbs[i], verb) == 0)
            return true;
    return false;
}

bool xw_gatewayadmin_changes(const struct xw_gatewayadmin *ask)
{
    return is(ask, "code") || is(ask, "withdraw") || is(ask, "revoke");
}

static int read_code(struct xw_gatewayadmin *ask, const json_t *request)
{
    const char *site = xw_json_get_text(request, "site", XW_ENROL_SITE_MAX);
    uint64_t life_us;
    if (!site || !xw_enrol_text_ok(site, XW_ENROL_SITE_MAX))
        return refuse(ask, "bad_request", "site: its name, 1 to 127 bytes");
    snprintf(ask->site, sizeof(ask->site), "%s", site);
    ask->replace = json_is_true(json_object_get(request, "replace"));
    int r = xw_json_get_index(request, "life_us", &life_us);
    if (r == -ENOENT)
        return 0;
    if (r < 0 || life_us < LIFE_MIN_US || life_us > LIFE_MAX_US)
        return refuse(ask, "bad_request", "life_us: 1 s to 30 days");
    ask->life_us = (int64_t)life_us;
    return 0;
}

int xw_gatewayadmin_read(const json_t *request, struct xw_gatewayadmin *ret_ask)
{
    const char *verb = xw_json_get_text(request, "do", sizeof(ret_ask->verb) - 1);
    snprintf(ret_ask->verb, sizeof(ret_ask->verb), "%s", verb ? verb : "");
    if (is(ret_ask, "withdraw")) {
        const char *id = xw_json_get_text(request, "id", sizeof(ret_ask->id) * 2);
        size_t n;
        if (!id || xw_json_unhex(id, ret_ask->id, sizeof(ret_ask->id), &n) < 0 ||
            n != sizeof(ret_ask->id))
            return refuse(ret_ask, "bad_request", "id: of a code, 32 hex digits");
    }
    if (is(ret_ask, "code") || is(ret_ask, "revoke")) {
        const char *gateway = xw_json_get_text(request, "gateway", XW_ENROL_ID_MAX);
        if (!gateway || !xw_enrol_id_ok(gateway))
            return refuse(ret_ask, "bad_request", "gateway: 1 to 64 of A-Z a-z 0-9 . _ : -");
        snprintf(ret_ask->gateway, sizeof(ret_ask->gateway), "%s", gateway);
    }
    return is(ret_ask, "code") ? read_code(ret_ask, request) : 0;
}

static size_t open_n(const struct xw_identities *t, int64_t now_us)
{
    size_t n = 0;
    for (size_t i = 0; i < xw_enrolments_n(t); i++)
        n += strcmp(xw_enrolment_state(xw_enrolments_at(t, i), now_us), "open") == 0;
    return n;
}

/* A code that was given out before must not let in whoever found it beside a stolen gateway. */
static void end_codes(struct xw_gatewayadmin *ask, const struct xw_identities *t, int64_t now_us)
{
    for (size_t i = 0; i < xw_enrolments_n(t) && ask->ended_n < XW_GATEWAYADMIN_ENDED_MAX; i++) {
        const struct xw_enrolment *code = xw_enrolments_at(t, i);
        if (strcmp(code->gateway, ask->gateway) != 0 ||
            strcmp(xw_enrolment_state(code, now_us), "open") != 0)
            continue;
        struct xw_enrolment *ended = &ask->ended[ask->ended_n++];
        *ended = *code;
        ended->withdrawn = true;
        ended->revision++;
    }
}

static int make_code(struct xw_gatewayadmin *ask, const struct xw_identities *t, int64_t now_us)
{
    const struct xw_identity *identity = xw_identities_find(t, ask->gateway);
    bool taken = identity ? !identity->revoked_wall_us : ask->known;
    struct xw_enrolment *e = &ask->enrolment;
    struct xw_code code;
    struct xw_code_keys keys;
    if (taken && !ask->replace)
        return refuse(ask, "conflict",
                      "there is a gateway of this id; replace puts another in its place");
    if (open_n(t, now_us) >= XW_ENROLMENTS_OPEN_MAX || xw_enrolments_n(t) >= XW_ENROLMENTS_MAX)
        return refuse(ask, "too_many", "too many codes; withdraw some");
    xw_code_new(&code);
    xw_code_derive(&code, &keys);
    xw_code_format(&code, ask->code);
    *e = (struct xw_enrolment){.replace = ask->replace,
                               .made_wall_us = now_us,
                               .expires_wall_us =
                                   now_us + (ask->life_us ? ask->life_us : ask->life_default_us),
                               .revision = 1};
    memcpy(e->id, keys.id, sizeof(e->id));
    memcpy(e->county, keys.county, sizeof(e->county));
    xw_code_hash(keys.gateway, e->gateway_hash);
    snprintf(e->gateway, sizeof(e->gateway), "%s", ask->gateway);
    snprintf(e->site, sizeof(e->site), "%s", ask->site);
    snprintf(e->by, sizeof(e->by), "%s", ask->by);
    ask->has_enrolment = true;
    end_codes(ask, t, now_us);
    sodium_memzero(&code, sizeof(code));
    sodium_memzero(&keys, sizeof(keys));
    return 0;
}

static int withdraw(struct xw_gatewayadmin *ask, const struct xw_identities *t)
{
    const struct xw_enrolment *known = xw_enrolments_find(t, ask->id);
    if (!known)
        return refuse(ask, "not_found", "no such code");
    if (known->used_wall_us)
        return refuse(ask, "conflict", "it was used already; revoke the gateway");
    ask->enrolment = *known;
    ask->enrolment.withdrawn = true;
    ask->enrolment.revision++;
    ask->has_enrolment = true;
    snprintf(ask->gateway, sizeof(ask->gateway), "%s", known->gateway);
    return 0;
}

static int revoke_gateway(struct xw_gatewayadmin *ask, const struct xw_identities *t,
                          int64_t now_us)
{
    const struct xw_identity *known = xw_identities_find(t, ask->gateway);
    if (!known && !ask->known)
        return refuse(ask, "not_found", "no such gateway");
    if (known && known->revoked_wall_us)
        return refuse(ask, "conflict", "it is revoked already");
    if (known) {
        ask->identity = *known;
    } else {
        ask->identity = (struct xw_identity){.generation = ask->generation ? ask->generation : 1};
        snprintf(ask->identity.id, sizeof(ask->identity.id), "%s", ask->gateway);
    }
    ask->identity.revoked_wall_us = now_us;
    snprintf(ask->identity.revoked_by, sizeof(ask->identity.revoked_by), "%s", ask->by);
    ask->identity.certificate = NULL;
    ask->identity.revision = xw_identity_overrule(ask->identity.revision);
    ask->has_identity = true;
    end_codes(ask, t, now_us);
    return 0;
}

int xw_gatewayadmin_apply(struct xw_gatewayadmin *ask, const struct xw_identities *identities,
                          int64_t now_wall_us)
{
    if (is(ask, "code"))
        return make_code(ask, identities, now_wall_us);
    if (is(ask, "withdraw"))
        return withdraw(ask, identities);
    return is(ask, "revoke") ? revoke_gateway(ask, identities, now_wall_us) : 0;
}

int xw_gatewayadmin_pack(const struct xw_gatewayadmin *ask,
                         struct xw_gatewayadmin_records *ret_records)
{
    struct xw_gatewayadmin_records *p = ret_records;
    char action[32];
    int r = 0;
    p->n = 0;
    xw_buf_init(&p->bodies[0], XW_IDENTITY_BODY_MAX);
    for (size_t i = 1; i < XW_ARRAY_N(p->bodies); i++)
        xw_buf_init(&p->bodies[i], XW_ENROLMENT_BODY_MAX);
    if (ask->has_identity) {
        r = xw_identity_pack(&ask->identity, p->keys[0], &p->bodies[0], &p->v[p->n]);
        p->n += r == 0;
    }
    if (r == 0 && ask->has_enrolment) {
        r = xw_enrolment_pack(&ask->enrolment, p->keys[1], &p->bodies[1], &p->v[p->n]);
        p->n += r == 0;
    }
    for (size_t i = 0; r == 0 && i < ask->ended_n; i++) {
        r = xw_enrolment_pack(&ask->ended[i], p->keys[2 + i], &p->bodies[2 + i], &p->v[p->n]);
        p->n += r == 0;
    }
    if (r < 0)
        return r;
    snprintf(action, sizeof(action), "gateway_%.15s", ask->verb);
    xw_audit_fill(&p->audit, ask->by, action, ask->gateway, "ok", &p->v[p->n++]);
    return 0;
}

void xw_gatewayadmin_records_done(struct xw_gatewayadmin_records *records)
{
    for (size_t i = 0; i < XW_ARRAY_N(records->bodies); i++)
        xw_buf_done(&records->bodies[i]);
}

void xw_gatewayadmin_put(const struct xw_gatewayadmin *ask, struct xw_identities *identities)
{
    if ((ask->has_identity && xw_identities_put(identities, &ask->identity) < 0) ||
        (ask->has_enrolment && xw_enrolments_put(identities, &ask->enrolment) < 0))
        xw_log_error("identities.full");
    for (size_t i = 0; i < ask->ended_n; i++)
        if (xw_enrolments_put(identities, &ask->ended[i]) < 0)
            xw_log_error("identities.full");
}

/* ---- answers ---- */

static json_t *time_json(int64_t wall_us)
{
    return wall_us ? json_integer(wall_us) : json_null();
}

json_t *xw_gatewayadmin_identity_json(const struct xw_identity *identity)
{
    json_t *o = json_object();
    json_object_set_new(o, "id", xw_json_text(identity->id));
    json_object_set_new(o, "site", xw_json_text(identity->site));
    json_object_set_new(o, "generation", json_integer(identity->generation));
    json_object_set_new(o, "certificate", xw_json_text(identity->serial));
    json_object_set_new(o, "from_wall_us", time_json(identity->from_wall_us));
    json_object_set_new(o, "until_wall_us", time_json(identity->until_wall_us));
    json_object_set_new(o, "revoked_wall_us", time_json(identity->revoked_wall_us));
    json_object_set_new(o, "revoked_by", xw_json_text(identity->revoked_by));
    return o;
}

static json_t *enrolment_json(const struct xw_enrolment *e, int64_t now_us)
{
    json_t *o = json_object();
    json_object_set_new(o, "id", xw_json_hex(e->id, sizeof(e->id)));
    json_object_set_new(o, "gateway", xw_json_text(e->gateway));
    json_object_set_new(o, "site", xw_json_text(e->site));
    json_object_set_new(o, "state", json_string(xw_enrolment_state(e, now_us)));
    json_object_set_new(o, "replace", json_boolean(e->replace));
    json_object_set_new(o, "by", xw_json_text(e->by));
    json_object_set_new(o, "made_wall_us", time_json(e->made_wall_us));
    json_object_set_new(o, "expires_wall_us", time_json(e->expires_wall_us));
    json_object_set_new(o, "used_wall_us", time_json(e->used_wall_us));
    return o;
}

json_t *xw_gatewayadmin_answer(const struct xw_gatewayadmin *ask,
                               const struct xw_identities *identities, int64_t now_wall_us)
{
    if (ask->error)
        return json_pack("{s:s}", "error", ask->error);
    if (is(ask, "revoke"))
        return xw_gatewayadmin_identity_json(&ask->identity);
    if (ask->has_enrolment) {
        json_t *o = enrolment_json(&ask->enrolment, now_wall_us);
        if (ask->code[0])
            json_object_set_new(o, "code", json_string(ask->code));
        return o;
    }
    json_t *array = json_array();
    bool codes = is(ask, "codes");
    for (size_t i = 0; codes && i < xw_enrolments_n(identities); i++)
        json_array_append_new(array, enrolment_json(xw_enrolments_at(identities, i), now_wall_us));
    for (size_t i = 0; !codes && i < xw_identities_n(identities); i++)
        json_array_append_new(array,
                              xw_gatewayadmin_identity_json(xw_identities_at(identities, i)));
    return json_pack("{s:o}", codes ? "codes" : "gateways", array);
}
