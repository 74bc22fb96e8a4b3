/* Certificates and codes as records of the store; bodies are JSON. */
#include "center/identities.h"

#include "center/json.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

static void put_time(json_t *o, const char *key, int64_t wall_us)
{
    json_object_set_new(o, key, wall_us ? json_integer(wall_us) : json_null());
}

static int64_t take_time(const json_t *o, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(o, key));
    return value > 0 ? value : 0;
}

static void take(const json_t *o, const char *key, char *ret_text, size_t cap)
{
    const char *text = xw_json_get_text(o, key, cap - 1);
    snprintf(ret_text, cap, "%s", text ? text : "");
}

static bool take_bytes(const json_t *o, const char *key, uint8_t *ret_bytes, size_t n)
{
    const char *text = xw_json_get_text(o, key, 2 * n);
    size_t got;
    return text && xw_json_unhex(text, ret_bytes, n, &got) == 0 && got == n;
}

/* Takes o. */
static int finish(json_t *o, const char *key, uint64_t revision, uint32_t kind,
                  struct xw_buf *ret_body, struct xw_store_record *ret_record)
{
    char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
    size_t begin = ret_body->n;
    json_decref(o);
    if (!text)
        return -ENOMEM;
    int r = xw_buf_append_text(ret_body, text);
    free(text);
    if (r < 0)
        return r;
    *ret_record = (struct xw_store_record){.key = key,
                                           .key_size = strlen(key),
                                           .revision = revision,
                                           .kind = kind,
                                           .body = ret_body->data + begin,
                                           .body_size = ret_body->n - begin,
                                           .origin = "county",
                                           .wall_us = xw_clock_wall(NULL).us};
    return 0;
}

/* The key of a record has 64 bytes at most, as many as an id: it is found by a hash of it. */
static void hashed_key(const char *prefix, const void *data, size_t n, char *ret_key)
{
    uint8_t hash[16];
    char hex[2 * sizeof(hash) + 1];
    crypto_generichash(hash, sizeof(hash), data, n, NULL, 0);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    snprintf(ret_key, XW_IDENTITY_KEY_N, "%s/%s", prefix, hex);
}

int xw_identity_pack(const struct xw_identity *identity, char ret_key[XW_IDENTITY_KEY_N],
                     struct xw_buf *ret_body, struct xw_store_record *ret_record)
{
    json_t *o = json_object();
    json_object_set_new(o, "id", xw_json_text(identity->id));
    json_object_set_new(o, "site", xw_json_text(identity->site));
    json_object_set_new(o, "generation", json_integer(identity->generation));
    put_time(o, "revoked", identity->revoked_wall_us);
    json_object_set_new(o, "revoked_by", xw_json_text(identity->revoked_by));
    json_object_set_new(o, "serial", xw_json_text(identity->serial));
    put_time(o, "from", identity->from_wall_us);
    put_time(o, "until", identity->until_wall_us);
    json_object_set_new(o, "key", xw_json_hex(identity->key_hash, sizeof(identity->key_hash)));
    if (identity->certificate)
        json_object_set_new(o, "certificate", xw_json_text(identity->certificate));
    hashed_key("i", identity->id, strlen(identity->id), ret_key);
    return finish(o, ret_key, identity->revision, XW_LOCAL_IDENTITY, ret_body, ret_record);
}

int xw_identity_unpack(const struct xw_store_record *record, struct xw_identity *ret_identity)
{
    json_t *o;
    struct xw_identity identity = {.revision = record->revision};
    int r = xw_json_parse(record->body, record->body_size, &o);
    if (r < 0)
        return r;
    uint64_t generation = 0;
    take(o, "id", identity.id, sizeof(identity.id));
    take(o, "site", identity.site, sizeof(identity.site));
    take(o, "revoked_by", identity.revoked_by, sizeof(identity.revoked_by));
    take(o, "serial", identity.serial, sizeof(identity.serial));
    identity.revoked_wall_us = take_time(o, "revoked");
    identity.from_wall_us = take_time(o, "from");
    identity.until_wall_us = take_time(o, "until");
    r = xw_json_get_index(o, "generation", &generation);
    if (r == 0 && (generation > UINT32_MAX || !xw_enrol_id_ok(identity.id) ||
                   !take_bytes(o, "key", identity.key_hash, sizeof(identity.key_hash))))
        r = -EBADMSG;
    identity.generation = (uint32_t)generation;
    const char *certificate = xw_json_get_text(o, "certificate", XW_PEM_MAX_N_BYTES);
    if (r == 0 && certificate) {
        identity.certificate = strdup(certificate);
        r = identity.certificate ? 0 : -ENOMEM;
    }
    json_decref(o);
    if (r == 0)
        *ret_identity = identity;
    return r;
}

int xw_enrolment_pack(const struct xw_enrolment *enrolment, char ret_key[XW_IDENTITY_KEY_N],
                      struct xw_buf *ret_body, struct xw_store_record *ret_record)
{
    json_t *o = json_object();
    json_object_set_new(o, "id", xw_json_hex(enrolment->id, sizeof(enrolment->id)));
    json_object_set_new(o, "county", xw_json_hex(enrolment->county, sizeof(enrolment->county)));
    json_object_set_new(o, "gateway_hash",
                        xw_json_hex(enrolment->gateway_hash, sizeof(enrolment->gateway_hash)));
    json_object_set_new(o, "gateway", xw_json_text(enrolment->gateway));
    json_object_set_new(o, "site", xw_json_text(enrolment->site));
    json_object_set_new(o, "by", xw_json_text(enrolment->by));
    json_object_set_new(o, "replace", json_boolean(enrolment->replace));
    json_object_set_new(o, "withdrawn", json_boolean(enrolment->withdrawn));
    put_time(o, "made", enrolment->made_wall_us);
    put_time(o, "expires", enrolment->expires_wall_us);
    put_time(o, "used", enrolment->used_wall_us);
    json_object_set_new(o, "used_key",
                        xw_json_hex(enrolment->used_key, sizeof(enrolment->used_key)));
    hashed_key("e", enrolment->id, sizeof(enrolment->id), ret_key);
    return finish(o, ret_key, enrolment->revision, XW_LOCAL_ENROLMENT, ret_body, ret_record);
}

int xw_enrolment_unpack(const struct xw_store_record *record, struct xw_enrolment *ret_enrolment)
{
    json_t *o;
    struct xw_enrolment e = {.revision = record->revision};
    int r = xw_json_parse(record->body, record->body_size, &o);
    if (r < 0)
        return r;
    take(o, "gateway", e.gateway, sizeof(e.gateway));
    take(o, "site", e.site, sizeof(e.site));
    take(o, "by", e.by, sizeof(e.by));
    e.replace = json_is_true(json_object_get(o, "replace"));
    e.withdrawn = json_is_true(json_object_get(o, "withdrawn"));
    e.made_wall_us = take_time(o, "made");
    e.expires_wall_us = take_time(o, "expires");
    e.used_wall_us = take_time(o, "used");
    bool good = take_bytes(o, "id", e.id, sizeof(e.id)) &&
                take_bytes(o, "county", e.county, sizeof(e.county)) &&
                take_bytes(o, "gateway_hash", e.gateway_hash, sizeof(e.gateway_hash)) &&
                take_bytes(o, "used_key", e.used_key, sizeof(e.used_key)) &&
                xw_enrol_id_ok(e.gateway);
    json_decref(o);
    if (good)
        *ret_enrolment = e;
    return good ? 0 : -EBADMSG;
}
