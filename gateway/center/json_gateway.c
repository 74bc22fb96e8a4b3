/* JSON of gateways: as in proto/API.md. */
#include "center/json.h"

static json_t *number(uint64_t v)
{
    return json_integer((json_int_t)v);
}

const char *xw_json_alarm_leg(int leg)
{
    static const char *const legs[] = {"none",   "input",  "spool", "uplink",    "store",
                                       "fanout", "screen", "back",  "unattended"};
    return leg >= 0 && (size_t)leg < XW_ARRAY_N(legs) ? legs[leg] : "none";
}

static json_t *alarm_path(const Xw__AlarmPath *path)
{
    static const char *const states[] = {"unproven", "proven", "broken", "unattended"};
    enum { LEGS_N = 7 };
    size_t state = (size_t)path->state;
    json_t *legs = json_object();
    for (size_t i = 0; i < LEGS_N; i++) {
        uint32_t us = i < path->n_legs_us ? path->legs_us[i] : 0;
        json_object_set_new(legs, xw_json_alarm_leg((int)i + 1), us ? number(us) : json_null());
    }
    json_t *o = json_object();
    json_object_set_new(o, "state", json_string(states[state < XW_ARRAY_N(states) ? state : 0]));
    json_object_set_new(o, "leg",
                        path->leg ? json_string(xw_json_alarm_leg((int)path->leg)) : json_null());
    json_object_set_new(o, "since_wall_us", json_integer(path->since_wall_us));
    json_object_set_new(o, "proven_wall_us",
                        path->proven_wall_us ? json_integer(path->proven_wall_us) : json_null());
    json_object_set_new(o, "legs_us", legs);
    return o;
}

static json_t *time_or_null(int64_t wall_us)
{
    return wall_us ? json_integer(wall_us) : json_null();
}

/* What the gateway told of itself; nothing of it stands for more than report_wall_us says. */
static void add_report(json_t *o, const Xw__GatewayStatus *g)
{
    json_object_set_new(o, "seen", json_boolean(g->seen));
    json_object_set_new(o, "clock_uncertainty_us",
                        g->clock_uncertainty_us ? number(g->clock_uncertainty_us) : json_null());
    json_object_set_new(o, "clock_drift_ppm",
                        g->clock_drift_known ? json_real(g->clock_drift_ppb / 1e3) : json_null());
    json_object_set_new(o, "report_wall_us", time_or_null(g->report_wall_us));
    json_object_set_new(o, "uplink_bytes_per_s", number(g->uplink_bytes_per_s));
    json_object_set_new(o, "backlog_bytes", number(g->backlog_bytes));
    json_object_set_new(o, "backlog_ms", number(g->backlog_ms));
    json_object_set_new(o, "oldest_unsent_wall_us", time_or_null(g->oldest_unsent_wall_us));
    json_object_set_new(o, "spool_bytes", number(g->spool_bytes));
    json_object_set_new(o, "spool_free_bytes", number(g->spool_free_bytes));
    json_object_set_new(o, "spool_low", json_boolean(g->spool_low));
    json_object_set_new(o, "spool_full", json_boolean(g->spool_full));
    json_object_set_new(o, "suspended", json_integer(g->suspended_n));
}

static json_t *imports(const Xw__ImportReport *i)
{
    if (!i)
        return json_null();
    json_t *o = json_object();
    json_object_set_new(o, "taken", number(i->taken));
    json_object_set_new(o, "repeated", number(i->repeated));
    json_object_set_new(o, "waiting", json_integer(i->waiting));
    json_object_set_new(o, "quarantine", json_integer(i->quarantine));
    json_object_set_new(o, "reason", xw_json_text(i->reason));
    json_object_set_new(o, "reason_wall_us", time_or_null(i->reason_wall_us));
    json_object_set_new(o, "failed", json_boolean(i->failed));
    return o;
}

static json_t *rules(const Xw__RulesReport *r)
{
    static const char *const from[] = {"defaults", "file", "county"};
    if (!r)
        return json_null();
    json_t *o = json_object();
    size_t at = (size_t)r->from < XW_ARRAY_N(from) ? (size_t)r->from : 0;
    json_object_set_new(o, "from", json_string(from[at]));
    json_object_set_new(o, "version", json_integer(r->version));
    json_object_set_new(o, "hash", xw_json_hex(r->hash.data, r->hash.len));
    json_object_set_new(o, "county_version", json_integer(r->county_version));
    json_object_set_new(o, "refused", xw_json_text(r->refused));
    json_object_set_new(o, "own", json_boolean(r->own));
    return o;
}

json_t *xw_json_gateway(const Xw__GatewayStatus *g, uint32_t streams_n,
                        const struct xw_json_identity *identity)
{
    json_t *o = json_object();
    json_object_set_new(o, "id", xw_json_text(g->gateway_id));
    json_object_set_new(o, "site", xw_json_text(g->site_name));
    json_object_set_new(o, "linked", json_boolean(g->linked));
    json_object_set_new(o, "since_wall_us", json_integer(g->since_wall_us));
    json_object_set_new(o, "rtt_us", json_integer(g->rtt_us));
    json_object_set_new(o, "clock_offset_us", json_integer(g->clock_offset_us));
    json_object_set_new(o, "backlog_samples", number(g->backlog_samples));
    json_object_set_new(o, "received_bytes_per_s", number(g->received_bytes_per_s));
    json_object_set_new(o, "backfill_samples_per_s", number(g->backfill_samples_per_s));
    json_object_set_new(o, "software", xw_json_text(g->software));
    json_object_set_new(o, "streams", json_integer(streams_n));
    json_object_set_new(o, "certificate_until_wall_us",
                        time_or_null(identity->certificate_until_wall_us));
    json_object_set_new(o, "revoked_wall_us", time_or_null(identity->revoked_wall_us));
    add_report(o, g);
    json_object_set_new(o, "imports", imports(g->imports));
    json_object_set_new(o, "rules", rules(g->rules));
    if (g->alarm_path)
        json_object_set_new(o, "alarm_path", alarm_path(g->alarm_path));
    return o;
}
