/* The rule list: taken as a whole or not at all. */
#include "edge/rules.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "edge/attachment.h"
#include "edge/ruleset.h"
#include "edge/technical.h"

#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

XW_COUNTER(taken_n, "xw_edge_rules_taken_total", NULL, "rule lists that came into force");
XW_COUNTER(refused_n, "xw_edge_rules_refused_total", NULL, "rule lists that were refused");

XW_COUNTER(county_bad, "xw_edge_rules_malformed_total", NULL,
           "records that should be rule lists of the county and are none");

static const char SUBJECT[] = "rules";

struct xw_edge_rules {
    struct xw_edge *edge;
    uv_signal_t hangup;
    struct xw_ecg_rules rules;
    char hash[XW_ECG_RULES_HASH_BYTES];
    Xw__RulesFrom from;
    bool loaded; /* SIGHUP before that waits for it */
    struct xw_ruleset county;
    bool unsettled; /* of county */
};

static char *copy_path(const struct xw_edge *edge)
{
    char *path = NULL;
    return asprintf(&path, "%s/rules.accepted", edge->config->spool_dir) < 0 ? NULL : path;
}

/* ret_why: what to tell a person. */
static int read_list(const char *path, struct xw_ecg_rules *ret_rules, char *ret_why, size_t room)
{
    struct xw_ecg_rules_error error = {0};
    xw_autofree uint8_t *data = NULL;
    size_t n = 0;
    int r = xw_file_read(path, XW_ECG_RULES_TEXT_MAX_BYTES, &data, &n);
    if (r < 0) {
        snprintf(ret_why, room, "%s",
                 r == -EOVERFLOW ? "the list is longer than 65536 bytes" : strerror(-r));
        return r;
    }
    r = xw_ecg_rules_parse((const char *)data, n, ret_rules, &error);
    if (r < 0)
        snprintf(ret_why, room, "line %u: %s", error.line, error.text);
    return r;
}

static void tell_attachment(void *user, struct xw_attachment *attachment)
{
    const struct xw_edge_rules *rules = user;
    for (size_t i = 0; i < attachment->streams_n; i++) {
        struct xw_stream *stream = &attachment->streams[i];
        if (stream->pipeline && !stream->ended)
            xw_pipeline_rules(stream->pipeline, &rules->rules);
    }
}

static void take(struct xw_edge_rules *rules, const struct xw_ecg_rules *list, Xw__RulesFrom from)
{
    rules->rules = *list;
    rules->from = from;
    xw_ecg_rules_hash(list, rules->hash);
    xw_counter_add(&taken_n, 1);
    xw_log_notice(
        "rules.taken", XW_LOG_UINT("version", list->version), XW_LOG_STR("sha256", rules->hash),
        XW_LOG_STR("from", from == XW__RULES_FROM__RULES_FROM_COUNTY ? "county" : "file"));
    if (rules->edge->fleet)
        xw_fleet_each(rules->edge->fleet, tell_attachment, rules);
}

/* So that a restart does not fall back to the defaults because of a typing error. */
static void keep_copy(const struct xw_edge_rules *rules)
{
    char text[XW_ECG_RULES_TEXT_MAX_BYTES];
    xw_autofree char *path = copy_path(rules->edge);
    size_t n = xw_ecg_rules_write(&rules->rules, false, text, sizeof(text));
    int r = path ? xw_file_make_dirs(rules->edge->config->spool_dir, 0750) : -ENOMEM;
    if (r == 0)
        r = xw_file_write_atomic(path, text, n, 0640);
    if (r < 0)
        xw_log_error("rules.copy", XW_LOG_ERR(r));
}

static void say_refused(struct xw_edge_rules *rules, const char *why)
{
    xw_counter_add(&refused_n, 1);
    xw_technical_clear(rules->edge->technical, XW__TECHNICAL_CODE__TECHNICAL_RULES, SUBJECT);
    xw_technical_raise(rules->edge->technical, XW__TECHNICAL_CODE__TECHNICAL_RULES, SUBJECT, why,
                       NULL);
}

static void refuse(struct xw_edge_rules *rules, const char *why)
{
    xw_log_error("rules.refused", XW_LOG_STR("path", rules->edge->config->rules_path),
                 XW_LOG_STR("why", why), XW_LOG_UINT("in_force", rules->rules.version));
    say_refused(rules, why);
}

/* At start the last list that was right, if there is one. */
static void take_copy(struct xw_edge_rules *rules)
{
    struct xw_ecg_rules list;
    char why[256];
    xw_autofree char *path = copy_path(rules->edge);
    if (path && read_list(path, &list, why, sizeof(why)) == 0)
        take(rules, &list, XW__RULES_FROM__RULES_FROM_FILE);
}

void xw_edge_rules_load(struct xw_edge_rules *rules)
{
    const char *path = rules->edge->config->rules_path;
    struct xw_ecg_rules list;
    char why[256] = "";
    bool first = !rules->loaded;
    rules->loaded = true;
    if (!path[0])
        return;
    if (rules->from == XW__RULES_FROM__RULES_FROM_COUNTY) {
        xw_log_notice("rules.file_not_read", XW_LOG_STR("path", path),
                      XW_LOG_UINT("county_version", rules->rules.version));
        return;
    }
    if (read_list(path, &list, why, sizeof(why)) < 0) {
        if (first)
            take_copy(rules);
        refuse(rules, why);
        return;
    }
    take(rules, &list, XW__RULES_FROM__RULES_FROM_FILE);
    keep_copy(rules);
    xw_technical_clear(rules->edge->technical, XW__TECHNICAL_CODE__TECHNICAL_RULES, SUBJECT);
}

void xw_edge_rules_county(struct xw_edge_rules *rules, const struct xw_store_record *record)
{
    int r = xw_ruleset_take(&rules->county, record->body, record->body_size);
    if (r < 0) {
        xw_counter_add(&county_bad, 1);
        xw_log_warning("rules.malformed", XW_LOG_ERR(r));
    }
    rules->unsettled |= r > 0;
}

static void settle_refused(struct xw_edge_rules *rules)
{
    char why[XW_RULESET_WHY_N + 48];
    const struct xw_ruleset *county = &rules->county;
    snprintf(why, sizeof(why), "version %u of the county: %s", county->newest_version,
             county->refused);
    xw_log_error("rules.refused", XW_LOG_UINT("county_version", county->newest_version),
                 XW_LOG_STR("why", county->refused), XW_LOG_UINT("in_force", rules->rules.version));
    say_refused(rules, why);
}

bool xw_edge_rules_settle(struct xw_edge_rules *rules)
{
    const struct xw_ruleset *county = &rules->county;
    bool follows = rules->edge->config->rules_county;
    if (!rules->unsettled || !rules->loaded)
        return false;
    if (follows && xw_fault_point("rules.settle") < 0)
        return false; /* at the next tick */
    rules->unsettled = false;
    if (!follows)
        return true;
    char hash[XW_ECG_RULES_HASH_BYTES];
    if (county->good_version) {
        xw_ecg_rules_hash(&county->good, hash);
        if (rules->from != XW__RULES_FROM__RULES_FROM_COUNTY || strcmp(hash, rules->hash) != 0)
            take(rules, &county->good, XW__RULES_FROM__RULES_FROM_COUNTY);
    }
    if (county->refused[0])
        settle_refused(rules);
    else
        xw_technical_clear(rules->edge->technical, XW__TECHNICAL_CODE__TECHNICAL_RULES, SUBJECT);
    return true;
}

void xw_edge_rules_report(const struct xw_edge_rules *rules,
                          struct xw_edge_rules_report *ret_report)
{
    struct xw_edge_rules_report *report = ret_report;
    Xw__RulesReport *m = &report->message;
    size_t n;
    xw__rules_report__init(m);
    m->from = rules->from;
    m->version = rules->rules.version;
    (void)sodium_hex2bin(report->hash, sizeof(report->hash), rules->hash, strlen(rules->hash), NULL,
                         &n, NULL);
    m->hash = (ProtobufCBinaryData){sizeof(report->hash), report->hash};
    m->county_version = rules->county.newest_version;
    m->own = !rules->edge->config->rules_county;
    m->refused = (char *)(uintptr_t)(m->own ? "" : rules->county.refused);
}

static void on_hangup(uv_signal_t *handle, int number)
{
    struct xw_edge_rules *rules = handle->data;
    (void)number;
    if (rules->loaded && !rules->edge->stopping)
        xw_edge_rules_load(rules);
}

const struct xw_ecg_rules *xw_edge_rules(const struct xw_edge_rules *rules)
{
    return &rules->rules;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

int xw_edge_rules_new(struct xw_edge *edge, struct xw_edge_rules **ret_rules)
{
    struct xw_edge_rules *rules = calloc(1, sizeof(*rules));
    if (!rules)
        return -ENOMEM;
    rules->edge = edge;
    rules->hangup.data = rules;
    xw_ecg_rules_default(&rules->rules);
    xw_ecg_rules_hash(&rules->rules, rules->hash);
    int r = uv_signal_init(xw_loop_uv(edge->loop), &rules->hangup);
    if (r < 0) {
        free(rules);
        return r;
    }
    uv_unref((uv_handle_t *)&rules->hangup);
    r = uv_signal_start(&rules->hangup, on_hangup, SIGHUP);
    if (r < 0) {
        xw_edge_rules_free(rules);
        return r;
    }
    *ret_rules = rules;
    return 0;
}

void xw_edge_rules_free(struct xw_edge_rules *rules)
{
    if (rules)
        uv_close((uv_handle_t *)&rules->hangup, on_closed);
}
