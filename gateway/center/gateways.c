/* The table of gateways. */
#include "center/gateways.h"

#include "base/log.h"
#include "center/json.h"
#include "center/local.h"

#include <stdio.h>
#include <string.h>

struct xw_gateways {
    struct xw_gateways_config config;
    struct xw_gateway **v;
    size_t n, cap;
    Xw__GatewayStatus *statuses, **pointers;
    Xw__AlarmPath *paths;
    Xw__ImportReport *imports;
    Xw__RulesReport *rules;
    const char **sites;
};

int xw_gateways_new(const struct xw_gateways_config *config, struct xw_gateways **ret_gateways)
{
    struct xw_gateways *g = calloc(1, sizeof(*g));
    if (!g)
        return -ENOMEM;
    g->config = *config;
    *ret_gateways = g;
    return 0;
}

void xw_gateways_free(struct xw_gateways *gateways)
{
    if (!gateways)
        return;
    for (size_t i = 0; i < gateways->n; i++)
        free(gateways->v[i]);
    free(gateways->v);
    free(gateways->statuses);
    free(gateways->paths);
    free(gateways->imports);
    free(gateways->rules);
    free(gateways->pointers);
    free(gateways->sites);
    free(gateways);
}

size_t xw_gateways_n(const struct xw_gateways *gateways)
{
    return gateways->n;
}

const struct xw_gateway *xw_gateways_at(const struct xw_gateways *gateways, size_t i)
{
    return gateways->v[i];
}

static struct xw_gateway *find(const struct xw_gateways *gateways, const char *id)
{
    for (size_t i = 0; i < gateways->n; i++)
        if (strcmp(gateways->v[i]->id, id) == 0)
            return gateways->v[i];
    return NULL;
}

const struct xw_gateway *xw_gateways_find(const struct xw_gateways *gateways, const char *id)
{
    return find(gateways, id);
}

static int grow(struct xw_gateways *g)
{
    if (g->n == XW_GATEWAYS_MAX)
        return -EOVERFLOW;
    if (g->n < g->cap)
        return 0;
    size_t cap = g->cap ? g->cap * 2 : 32;
    struct xw_gateway **v = realloc(g->v, cap * sizeof(struct xw_gateway *));
    if (v)
        g->v = v;
    Xw__GatewayStatus *statuses = realloc(g->statuses, cap * sizeof(*statuses));
    if (statuses)
        g->statuses = statuses;
    Xw__GatewayStatus **pointers = realloc(g->pointers, cap * sizeof(Xw__GatewayStatus *));
    if (pointers)
        g->pointers = pointers;
    Xw__AlarmPath *paths = realloc(g->paths, cap * sizeof(*paths));
    if (paths)
        g->paths = paths;
    Xw__ImportReport *imports = realloc(g->imports, cap * sizeof(*imports));
    if (imports)
        g->imports = imports;
    Xw__RulesReport *rules = realloc(g->rules, cap * sizeof(*rules));
    if (rules)
        g->rules = rules;
    const char **sites = realloc(g->sites, cap * sizeof(*sites));
    if (sites)
        g->sites = sites;
    if (!v || !statuses || !pointers || !paths || !imports || !rules || !sites)
        return -ENOMEM;
    g->cap = cap;
    return 0;
}

static struct xw_gateway *find_or_add(struct xw_gateways *g, const char *id)
{
    struct xw_gateway *gateway = find(g, id);
    if (gateway || strlen(id) >= sizeof(gateway->id) || grow(g) < 0)
        return gateway;
    gateway = calloc(1, sizeof(*gateway));
    if (!gateway)
        return NULL;
    snprintf(gateway->id, sizeof(gateway->id), "%s", id);
    gateway->away_mono_us = gateway->twins_mono_us = xw_clock_mono(g->config.clock).us;
    gateway->twins_told = true;
    g->v[g->n++] = gateway;
    return gateway;
}

static void take_link(struct xw_gateways *g, struct xw_gateway *gateway, bool linked, int64_t since)
{
    if (since)
        gateway->since_wall_us = since;
    if (gateway->linked == linked && (linked || gateway->ever_linked))
        return;
    gateway->linked = linked;
    if (linked) {
        gateway->ever_linked = true;
        gateway->lost_told = false;
        if (g->config.on_back)
            g->config.on_back(g->config.user, gateway);
    } else {
        gateway->away_mono_us = xw_clock_mono(g->config.clock).us;
    }
}

void xw_gateways_update(struct xw_gateways *gateways, const struct xw_downlink_gateway *now)
{
    struct xw_gateway *g = find_or_add(gateways, now->gateway_id);
    if (!g) {
        xw_log_warning("gateways.full", XW_LOG_STR("gateway", now->gateway_id));
        return;
    }
    bool site_changed = now->site_name && now->site_name[0] &&
                        strncmp(g->site, now->site_name, sizeof(g->site) - 1) != 0;
    if (site_changed)
        snprintf(g->site, sizeof(g->site), "%s", now->site_name);
    if (now->software)
        snprintf(g->software, sizeof(g->software), "%s", now->software);
    g->demo = now->demo;
    g->rtt_us = now->rtt_us;
    g->clock_offset_us = now->clock_offset_us;
    g->clock_uncertainty_us = now->clock_uncertainty_us;
    g->clock_drift_ppb = now->clock_drift_ppb;
    g->clock_drift_known = now->clock_drift_known;
    g->backlog_samples = now->backlog_samples;
    g->received_bytes = now->received_bytes;
    if (site_changed || !g->revision) {
        g->revision++;
        if (gateways->config.on_site)
            gateways->config.on_site(gateways->config.user, g);
    }
    take_link(gateways, g, now->linked, now->since_wall_us);
}

void xw_gateways_expect(struct xw_gateways *gateways, const char *id, const char *site)
{
    struct xw_gateway *g = find_or_add(gateways, id);
    if (!g)
        return;
    g->silent = g->lost_told = false;
    g->away_mono_us = xw_clock_mono(gateways->config.clock).us;
    if (strcmp(g->site, site) == 0 && g->revision)
        return;
    snprintf(g->site, sizeof(g->site), "%s", site);
    g->revision++;
    if (gateways->config.on_site)
        gateways->config.on_site(gateways->config.user, g);
}

void xw_gateways_silence(struct xw_gateways *gateways, const char *id, bool silent)
{
    struct xw_gateway *g = find(gateways, id);
    if (g)
        g->silent = silent;
}

static void take_imports(struct xw_gateway *g, const Xw__ImportReport *imports)
{
    g->report.imports = imports != NULL;
    if (!imports)
        return;
    g->report.import_failed = imports->failed;
    g->report.import_taken = imports->taken;
    g->report.import_repeated = imports->repeated;
    g->report.import_waiting = imports->waiting;
    g->report.import_quarantine = imports->quarantine;
    g->report.import_reason_wall_us = imports->reason_wall_us;
    snprintf(g->report.import_reason, sizeof(g->report.import_reason), "%s", imports->reason);
}

static void take_rules(struct xw_gateway *g, const Xw__RulesReport *rules)
{
    g->report.rules = rules != NULL;
    if (!rules)
        return;
    g->report.rules_from = (uint32_t)rules->from;
    g->report.rules_version = rules->version;
    g->report.rules_county_version = rules->county_version;
    g->report.rules_own = rules->own;
    g->report.rules_hashed = rules->hash.len == sizeof(g->report.rules_hash);
    if (g->report.rules_hashed)
        memcpy(g->report.rules_hash, rules->hash.data, sizeof(g->report.rules_hash));
    snprintf(g->report.rules_refused, sizeof(g->report.rules_refused), "%s", rules->refused);
}

struct xw_gateway_rules *xw_gateways_rules(struct xw_gateways *gateways, size_t i)
{
    return &gateways->v[i]->rules;
}

uint32_t xw_gateways_rules_highest(const struct xw_gateways *gateways, uint32_t below)
{
    uint32_t highest = 0;
    for (size_t i = 0; i < gateways->n; i++) {
        uint32_t version = gateways->v[i]->report.rules_county_version;
        if (version < below && version > highest)
            highest = version;
    }
    return highest;
}

int xw_gateways_report(struct xw_gateways *gateways, const char *id,
                       const Xw__GatewayReport *report)
{
    struct xw_gateway *g = find(gateways, id);
    if (!g)
        return -ENOENT;
    g->report.told_wall_us = xw_clock_wall(gateways->config.clock).us;
    g->report.uplink_bytes_per_s = report->uplink_bytes_per_s;
    g->report.backlog_bytes = report->backlog_bytes;
    g->report.backlog_ms = report->backlog_ms;
    g->report.oldest_unsent_wall_us = report->oldest_unsent_wall_us;
    g->report.spool_bytes = report->spool_bytes;
    g->report.spool_free_bytes = report->spool_free_bytes;
    g->report.spool_low = report->spool_low;
    g->report.spool_full = report->spool_full;
    g->report.suspended_n = report->suspended_n;
    take_imports(g, report->imports);
    take_rules(g, report->rules);
    return 0;
}

static void fill_imports(const struct xw_gateway *g, Xw__ImportReport *i, Xw__GatewayStatus *s)
{
    xw__import_report__init(i);
    s->imports = g->report.imports ? i : NULL;
    i->failed = g->report.import_failed;
    i->taken = g->report.import_taken;
    i->repeated = g->report.import_repeated;
    i->waiting = g->report.import_waiting;
    i->quarantine = g->report.import_quarantine;
    i->reason = (char *)g->report.import_reason;
    if (g->report.import_reason_wall_us &&
        __builtin_sub_overflow(g->report.import_reason_wall_us, g->clock_offset_us,
                               &i->reason_wall_us))
        i->reason_wall_us = 0;
}

static void fill_rules(struct xw_gateway *g, Xw__RulesReport *r, Xw__GatewayStatus *s)
{
    xw__rules_report__init(r);
    s->rules = g->report.rules ? r : NULL;
    r->from = (Xw__RulesFrom)g->report.rules_from;
    r->version = g->report.rules_version;
    r->county_version = g->report.rules_county_version;
    r->own = g->report.rules_own;
    r->refused = g->report.rules_refused;
    if (g->report.rules_hashed)
        r->hash = (ProtobufCBinaryData){sizeof(g->report.rules_hash), g->report.rules_hash};
}

static void fill_report(const struct xw_gateway *g, Xw__GatewayStatus *s)
{
    s->report_wall_us = g->report.told_wall_us;
    s->uplink_bytes_per_s = g->report.uplink_bytes_per_s;
    s->backlog_bytes = g->report.backlog_bytes;
    s->backlog_ms = g->report.backlog_ms;
    s->spool_bytes = g->report.spool_bytes;
    s->spool_free_bytes = g->report.spool_free_bytes;
    s->spool_low = g->report.spool_low;
    s->spool_full = g->report.spool_full;
    s->suspended_n = g->report.suspended_n;
    if (g->report.oldest_unsent_wall_us &&
        __builtin_sub_overflow(g->report.oldest_unsent_wall_us, g->clock_offset_us,
                               &s->oldest_unsent_wall_us))
        s->oldest_unsent_wall_us = 0;
    s->clock_uncertainty_us = g->clock_uncertainty_us;
    s->clock_drift_ppb = g->clock_drift_ppb;
    s->clock_drift_known = g->clock_drift_known;
    s->seen = g->ever_linked;
}

void xw_gateways_backfill(struct xw_gateways *gateways, const char *id, uint64_t samples_n)
{
    struct xw_gateway *g = find(gateways, id);
    if (g)
        g->backfill_samples += samples_n;
}

void xw_gateways_second(struct xw_gateways *gateways)
{
    for (size_t i = 0; i < gateways->n; i++) {
        struct xw_gateway *g = gateways->v[i];
        g->received_bytes_per_s =
            g->received_bytes > g->received_before ? g->received_bytes - g->received_before : 0;
        g->received_before = g->received_bytes;
        g->backfill_samples_per_s = g->backfill_samples;
        g->backfill_samples = 0;
    }
}

void xw_gateways_twins(struct xw_gateways *gateways, const char *id)
{
    struct xw_gateway *g = find(gateways, id);
    if (!g)
        return;
    g->twins_mono_us = xw_clock_mono(gateways->config.clock).us;
    g->twins_told = true;
    if (gateways->config.on_twins)
        gateways->config.on_twins(gateways->config.user, g, true);
}

void xw_gateways_check(struct xw_gateways *gateways)
{
    int64_t now_us = xw_clock_mono(gateways->config.clock).us;
    for (size_t i = 0; i < gateways->n; i++) {
        struct xw_gateway *g = gateways->v[i];
        if (g->twins_told && now_us - g->twins_mono_us >= XW_GATEWAYS_TWINS_US) {
            g->twins_told = false;
            if (gateways->config.on_twins)
                gateways->config.on_twins(gateways->config.user, g, false);
        }
        if (g->linked || g->lost_told || g->silent ||
            now_us - g->away_mono_us < gateways->config.lost_after_us)
            continue;
        g->lost_told = true;
        if (gateways->config.on_lost)
            gateways->config.on_lost(gateways->config.user, g);
    }
}

size_t xw_gateways_statuses(struct xw_gateways *gateways,
                            const Xw__GatewayStatus *const **ret_statuses,
                            const char *const **ret_sites)
{
    for (size_t i = 0; i < gateways->n; i++) {
        struct xw_gateway *g = gateways->v[i];
        Xw__GatewayStatus *s = &gateways->statuses[i];
        xw__gateway_status__init(s);
        s->gateway_id = g->id;
        s->site_name = g->site;
        s->linked = g->linked;
        s->since_wall_us = g->since_wall_us;
        s->rtt_us = g->rtt_us;
        s->clock_offset_us = g->clock_offset_us;
        s->backlog_samples = g->backlog_samples;
        s->received_bytes_per_s = g->received_bytes_per_s;
        s->backfill_samples_per_s = g->backfill_samples_per_s;
        s->software = g->software;
        fill_report(g, s);
        fill_imports(g, &gateways->imports[i], s);
        fill_rules(g, &gateways->rules[i], s);
        if (gateways->config.alarm_path) {
            gateways->config.alarm_path(gateways->config.user, g->id, &gateways->paths[i]);
            s->alarm_path = &gateways->paths[i];
        }
        gateways->pointers[i] = s;
        gateways->sites[i] = g->site;
    }
    *ret_statuses = (const Xw__GatewayStatus *const *)gateways->pointers;
    *ret_sites = gateways->sites;
    return gateways->n;
}

int xw_gateway_pack(const struct xw_gateway *gateway, char *ret_key, struct xw_buf *ret_body,
                    struct xw_store_record *ret_record)
{
    int n = snprintf(ret_key, 64, "g/%s", gateway->id);
    if (n >= 64)
        return -ENAMETOOLONG;
    json_t *o = json_object();
    json_object_set_new(o, "id", xw_json_text(gateway->id));
    json_object_set_new(o, "site", xw_json_text(gateway->site));
    const struct xw_local local = {.key = ret_key,
                                   .key_size = (size_t)n,
                                   .kind = XW_LOCAL_SETTING,
                                   .revision = gateway->revision,
                                   .wall_us = xw_clock_wall(NULL).us};
    return xw_local_pack(o, &local, ret_body, ret_record);
}

int xw_gateways_restore(struct xw_gateways *gateways, const struct xw_store_record *record)
{
    json_t *o;
    if (record->key_size < 3 || memcmp(record->key, "g/", 2) != 0)
        return -ENOENT;
    int r = xw_json_parse(record->body, record->body_size, &o);
    if (r < 0)
        return r;
    const char *id = xw_json_get_text(o, "id", XW_GATEWAY_ID_N - 1);
    const char *site = xw_json_get_text(o, "site", XW_GATEWAY_SITE_N - 1);
    struct xw_gateway *g = id ? find_or_add(gateways, id) : NULL;
    if (g) {
        snprintf(g->site, sizeof(g->site), "%s", site ? site : "");
        g->revision = record->revision;
        g->ever_linked = true;
        g->since_wall_us = record->wall_us;
    }
    json_decref(o);
    return g ? 0 : -EBADMSG;
}
