/* Versions of the rule list. */
#include "center/rulelist.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "center/audit.h"
#include "center/json.h"
#include "center/rulelist_in.h"
#include "dsp/core/sha256.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "study.pb-c.h"

XW_COUNTER(lists_made, "xw_center_rule_lists_total", NULL, "versions of the rule list made");
XW_GAUGE(version_gauge, "xw_center_rules_version", NULL, "version of the county's rule list");

static const char PREFIX[] = "rules/";
enum { PREFIX_TEXT_N = sizeof(PREFIX) - 1, VERSION_MAX = 999999999 };

void xw_rulelist_prefix(uint32_t version, uint8_t ret_prefix[XW_RULELIST_PREFIX_N])
{
    memset(ret_prefix, 0, XW_RULELIST_PREFIX_N);
    memcpy(ret_prefix, PREFIX, PREFIX_TEXT_N);
    for (unsigned i = 0; i < 4; i++)
        ret_prefix[XW_RULELIST_PREFIX_N - 1 - i] = (uint8_t)(version >> (8 * i));
}

/* ---- one version ---- */

static int take(const Xw__RuleSet *wire, struct xw_rulelist *ret_list)
{
    struct xw_rulelist list = {.version = wire->version,
                               .based_on = wire->based_on,
                               .back_to = wire->back_to,
                               .wall_us = wire->wall_us};
    struct xw_ecg_rules_error error;
    if (!wire->version || strlen(wire->author) >= sizeof(list.author) ||
        strlen(wire->reason) >= sizeof(list.reason) ||
        xw_ecg_rules_parse(wire->text, strlen(wire->text), &list.rules, &error) < 0 ||
        list.rules.version != wire->version)
        return -EBADMSG;
    snprintf(list.author, sizeof(list.author), "%s", wire->author);
    snprintf(list.reason, sizeof(list.reason), "%s", wire->reason);
    xw_ecg_rules_hash(&list.rules, list.hash);
    *ret_list = list;
    return 0;
}

static bool is_ours(const struct xw_store_record *record)
{
    return record->kind == XW__RECORD_KIND__RECORD_RULESET && record->origin &&
           strcmp(record->origin, "county") == 0 && record->key_size == XW_RULELIST_KEY_N &&
           memcmp(record->key, PREFIX, PREFIX_TEXT_N) == 0;
}

static uint32_t version_of(const struct xw_store_record *record)
{
    const uint8_t *key = record->key;
    uint32_t version = 0;
    for (size_t i = XW_RULELIST_PREFIX_N - 4; i < XW_RULELIST_PREFIX_N; i++)
        version = version << 8 | key[i];
    return version;
}

int xw_rulelist_unpack(const struct xw_store_record *record, struct xw_rulelist *ret_list)
{
    if (!is_ours(record))
        return -EBADMSG;
    Xw__RuleSet *wire = xw__rule_set__unpack(NULL, record->body_size, record->body);
    int r = wire ? take(wire, ret_list) : -EBADMSG;
    if (wire)
        xw__rule_set__free_unpacked(wire, NULL);
    return r;
}

static void unhex(const char *text, uint8_t ret_bytes[32])
{
    size_t n;
    (void)sodium_hex2bin(ret_bytes, 32, text, 64, NULL, &n, NULL);
}

/* The record points into key and body. */
static int pack(const struct xw_rulelist *list, uint8_t key[XW_RULELIST_KEY_N],
                uint8_t body[XW_RULELIST_BODY_N], struct xw_store_record *ret_record)
{
    char text[XW_RULELIST_TEXT_N], text_hash[XW_DSP_SHA256_TEXT_BYTES];
    uint8_t sha256[32], list_hash[32];
    size_t n = xw_ecg_rules_write(&list->rules, false, text, sizeof(text));
    if (n >= sizeof(text))
        return -EOVERFLOW;
    xw_dsp_sha256_text(text, n, text_hash);
    unhex(text_hash, sha256);
    unhex(list->hash, list_hash);
    Xw__RuleSet wire = XW__RULE_SET__INIT;
    wire.version = list->version;
    wire.text = text;
    wire.sha256 = (ProtobufCBinaryData){sizeof(sha256), sha256};
    wire.author = (char *)(uintptr_t)list->author;
    wire.reason = (char *)(uintptr_t)list->reason;
    wire.wall_us = list->wall_us;
    wire.based_on = list->based_on;
    wire.back_to = list->back_to;
    wire.list_hash = (ProtobufCBinaryData){sizeof(list_hash), list_hash};
    if (xw__rule_set__get_packed_size(&wire) > XW_RULELIST_BODY_N)
        return -EOVERFLOW;
    xw_rulelist_prefix(list->version, key);
    randombytes_buf(key + XW_RULELIST_PREFIX_N, XW_RULELIST_KEY_N - XW_RULELIST_PREFIX_N);
    *ret_record = (struct xw_store_record){.key = key,
                                           .key_size = XW_RULELIST_KEY_N,
                                           .revision = 1,
                                           .kind = XW__RECORD_KIND__RECORD_RULESET,
                                           .body = body,
                                           .body_size = xw__rule_set__pack(&wire, body),
                                           .origin = "county",
                                           .wall_us = list->wall_us};
    return 0;
}

/* ---- the newest ---- */

int xw_rulelists_new(struct xw_journal *journal, struct xw_rulelists **ret_lists)
{
    struct xw_rulelists *lists = calloc(1, sizeof(*lists));
    if (!lists)
        return -ENOMEM;
    lists->journal = journal;
    xw_ecg_rules_default(&lists->newest.rules);
    xw_ecg_rules_hash(&lists->newest.rules, lists->newest.hash);
    *ret_lists = lists;
    return 0;
}

void xw_rulelists_free(struct xw_rulelists *lists)
{
    free(lists);
}

const struct xw_rulelist *xw_rulelists_newest(const struct xw_rulelists *lists)
{
    return &lists->newest;
}

void xw_rulelists_record(struct xw_rulelists *lists, const struct xw_store_record *record)
{
    struct xw_rulelist list;
    const struct xw_rulelist *newest = &lists->newest;
    if (is_ours(record))
        lists->seen_version = XW_MAX(lists->seen_version, version_of(record));
    if (record->body_size > sizeof(lists->body) || xw_rulelist_unpack(record, &list) < 0 ||
        list.version < newest->version ||
        (list.version == newest->version && list.wall_us <= newest->wall_us))
        return;
    lists->newest = list;
    memcpy(lists->key, record->key, sizeof(lists->key));
    memcpy(lists->body, record->body, record->body_size);
    lists->record = *record;
    lists->record.key = lists->key;
    lists->record.body = lists->body;
    lists->record.origin = "county";
    xw_gauge_set(&version_gauge, list.version);
}

/* ---- the next one ---- */

struct save {
    struct xw_rulelists *lists;
    struct xw_rulelist_ask *ask;
    void (*done)(void *user);
    void *user;
};

static int refuse(struct xw_rulelist_ask *ask, const char *word, const char *text)
{
    ask->word = word;
    ask->error = text;
    return -EINVAL;
}

static void on_stored(void *user, int status)
{
    struct save *save = user;
    const struct xw_rulelist *newest = &save->lists->newest;
    save->lists->saving = false;
    (void)xw_fault_point("center.rules.kept"); /* durable, and nobody has been told yet */
    if (status < 0) {
        (void)refuse(save->ask, status == -ENOSPC ? "storage" : "busy",
                     status == -ENOSPC ? "the disk is full" : "could not be stored; try again");
    } else {
        xw_counter_add(&lists_made, 1);
        xw_log_notice("rules.made", XW_LOG_UINT("version", newest->version),
                      XW_LOG_STR("by", newest->author), XW_LOG_STR("sha256", newest->hash));
    }
    save->done(save->user);
    free(save);
}

static int append(struct save *save, const struct xw_rulelist *list)
{
    uint8_t key[XW_RULELIST_KEY_N], body[XW_RULELIST_BODY_N];
    struct xw_audit_entry entry;
    struct xw_store_record records[2];
    char subject[64];
    int r = pack(list, key, body, &records[0]);
    if (r < 0)
        return r;
    snprintf(subject, sizeof(subject), "version %u sha256 %.16s", list->version, list->hash);
    xw_audit_fill(&entry, list->author, list->back_to ? "rules_back" : "rules_save", subject, "ok",
                  &records[1]);
    return xw_journal_append(save->lists->journal, records, 2, NULL, on_stored, save);
}

int xw_rulelists_save(struct xw_rulelists *lists, struct xw_rulelist_ask *ask,
                      void (*done)(void *user), void *user)
{
    uint32_t highest = XW_MAX(lists->seen_version, ask->above);
    struct xw_rulelist list = {.rules = ask->rules,
                               .version = highest + 1,
                               .based_on = ask->based_on,
                               .back_to = ask->back_to,
                               .wall_us = xw_clock_wall(NULL).us};
    if (lists->saving)
        return refuse(ask, "busy", "another version is just being saved; try again");
    if (ask->based_on != lists->newest.version)
        return refuse(ask, "conflict", "there is a newer version");
    if (list.version > VERSION_MAX)
        return refuse(ask, "conflict", "there are no more versions");
    /* Only where nothing else tells them apart: gateways take the later of two of one version. */
    list.wall_us = XW_MAX(list.wall_us, lists->newest.wall_us + 1);
    list.rules.version = list.version;
    memcpy(list.author, ask->by, sizeof(list.author));
    memcpy(list.reason, ask->reason, sizeof(list.reason));
    xw_ecg_rules_hash(&list.rules, list.hash);
    struct save *save = calloc(1, sizeof(*save));
    if (!save)
        return refuse(ask, "busy", "no memory");
    *save = (struct save){.lists = lists, .ask = ask, .done = done, .user = user};
    int r = append(save, &list);
    if (r < 0) {
        free(save);
        return r == -ENOSPC ? refuse(ask, "storage", "the disk is full")
                            : refuse(ask, "busy", "could not be stored; try again");
    }
    lists->saving = true;
    return 0;
}

/* ---- answers ---- */

static void put_values(json_t *o, const struct xw_ecg_rules *rules)
{
    struct xw_ecg_rules_entry e;
    char key[96];
    json_t *values = json_object();
    for (unsigned i = 0; i < xw_ecg_rules_entries_n(); i++) {
        xw_ecg_rules_entry(rules, i, &e);
        snprintf(key, sizeof(key), "%s.%s", e.section, e.name);
        json_object_set_new(values, key, json_string(e.value));
    }
    json_object_set_new(o, "values", values);
}

json_t *xw_rulelist_json(const struct xw_rulelist *list)
{
    json_t *o = json_object();
    json_object_set_new(o, "version", json_integer(list->version));
    json_object_set_new(o, "hash", json_string(list->hash));
    json_object_set_new(o, "author", xw_json_text(list->author));
    json_object_set_new(o, "reason", xw_json_text(list->reason));
    json_object_set_new(o, "wall_us", list->version ? json_integer(list->wall_us) : json_null());
    json_object_set_new(o, "based_on", json_integer(list->based_on));
    json_object_set_new(o, "back_to", list->back_to ? json_integer(list->back_to) : json_null());
    put_values(o, &list->rules);
    return o;
}

json_t *xw_rulelist_items_json(const struct xw_ecg_rules *rules)
{
    struct xw_ecg_rules defaults;
    struct xw_ecg_rules_entry e, otherwise;
    json_t *array = json_array();
    xw_ecg_rules_default(&defaults);
    for (unsigned i = 0; i < xw_ecg_rules_entries_n(); i++) {
        xw_ecg_rules_entry(rules, i, &e);
        xw_ecg_rules_entry(&defaults, i, &otherwise);
        json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "section", e.section, "name", e.name,
                              "type", e.type, "value", e.value, "default", otherwise.value);
        if (e.allowed[0]) {
            json_t *allowed = json_array();
            for (size_t a = 0; e.allowed[a]; a++)
                json_array_append_new(allowed, json_string(e.allowed[a]));
            json_object_set_new(o, "allowed", allowed);
        } else {
            json_object_set_new(o, "min", json_string(e.min));
            json_object_set_new(o, "max", json_string(e.max));
        }
        json_object_set_new(o, "means", xw_json_text(e.means));
        json_array_append_new(array, o);
    }
    return array;
}
