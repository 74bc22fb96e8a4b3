/* The state of the gateway as JSON. */
#include "edge/enrol.h"
#include "edge/identity.h"
#include "edge/status_json.h"

#include "base/version.h"
#include "edge/attachment.h"
#include "edge/commit.h"
#include "edge/import.h"
#include "edge/monitor.h"
#include "edge/port.h"
#include "edge/probe.h"
#include "edge/rules.h"
#include "edge/technical.h"
#include "edge/video.h"

#include <jansson.h>
#include <string.h>

static json_t *number(uint64_t v)
{
    return json_integer((json_int_t)v);
}

/* What goes on here, whatever the link does. */
static json_t *alarm_json(const struct xw_stream *s)
{
    if (!s->alarm.code[0])
        return json_null();
    json_t *o = json_object();
    json_object_set_new(o, "code", json_string(s->alarm.code));
    json_object_set_new(o, "priority", number(s->alarm.priority));
    json_object_set_new(o, "since_wall_us", json_integer(s->alarm.since_wall_us));
    return o;
}

static json_t *stream_json(const struct xw_stream *s)
{
    char id[XW_UUID_TEXT_N_BYTES];
    struct xw_store_stream stored;
    uint64_t kept = 0;
    if (xw_store_stream(s->edge->store, &s->id, &stored) >= 0)
        kept = xw_ranges_end(stored.known);
    json_t *channels = json_array();
    for (size_t c = 0; c < s->message->n_channels; c++)
        json_array_append_new(channels, json_string(s->message->channels[c]->code));
    int64_t age_us =
        xw_edge_boot_us() - (s->newest ? xw_ratefit_time_us(&s->fit, s->newest - 1) : 0);
    json_t *o = json_object();
    json_object_set_new(o, "stream", json_string(xw_uuid_format(&s->id, id)));
    json_object_set_new(o, "signal", number(s->signal));
    json_object_set_new(o, "channels", channels);
    json_object_set_new(o, "rate_nominal_hz", json_real(s->rate_hz));
    json_object_set_new(o, "rate_hz", json_real(xw_ratefit_rate_hz(&s->fit)));
    json_object_set_new(o, "rate_bpm", json_real((double)s->rate_bpm));
    json_object_set_new(o, "alarm", alarm_json(s));
    json_object_set_new(o, "newest", number(s->newest));
    json_object_set_new(o, "kept", number(kept));
    json_object_set_new(o, "age_us", s->newest_wall_us ? json_integer(age_us) : json_null());
    json_object_set_new(o, "blocks", number(s->blocks_n));
    json_object_set_new(o, "events", number(s->events_n));
    json_object_set_new(o, "late_blocks", number(s->late_blocks_n));
    json_object_set_new(o, "in_flight", number(xw_stream_in_flight(s)));
    return o;
}

static void each_attachment(void *user, struct xw_attachment *a)
{
    char id[XW_UUID_TEXT_N_BYTES];
    const char *state = a->state == XW_ATTACHMENT_OPENING  ? "opening"
                        : a->state == XW_ATTACHMENT_ENDING ? "ending"
                        : a->conn                          ? "attached"
                                                           : "detached";
    json_t *streams = json_array();
    for (size_t i = 0; i < a->streams_n; i++)
        json_array_append_new(streams, stream_json(&a->streams[i]));
    json_t *o = json_object();
    json_object_set_new(o, "device", json_string(a->device_id));
    json_object_set_new(o, "attachment", json_string(xw_uuid_format(&a->id, id)));
    json_object_set_new(o, "model", json_string(a->model));
    json_object_set_new(o, "bed", json_string(xw_edge_config_bed(a->edge->config, a->device_id)));
    json_object_set_new(o, "state", json_string(state));
    json_object_set_new(o, "facts", number(a->facts_kept));
    json_object_set_new(o, "streams", streams);
    json_array_append_new(user, o);
}

static void each_waiting(void *user, const struct xw_port_waiting *w)
{
    json_t *o = json_object();
    json_object_set_new(o, "device", json_string(w->device_id));
    json_object_set_new(o, "model", json_string(w->model));
    json_object_set_new(o, "peer", json_string(w->peer));
    json_object_set_new(o, "since_wall_us", json_integer(w->since_wall_us));
    json_array_append_new(user, o);
}

static void each_monitor(void *user, const struct xw_monitor_info *m)
{
    char id[XW_UUID_TEXT_N_BYTES];
    const struct xw_monitor_stats *s = m->stats;
    json_t *o = json_object();
    json_object_set_new(o, "device", json_string(m->device_id));
    json_object_set_new(o, "attachment", json_string(xw_uuid_format(m->attachment, id)));
    json_object_set_new(o, "model", json_string(m->model));
    json_object_set_new(o, "bed", json_string(m->bed));
    json_object_set_new(o, "peer", json_string(m->peer));
    json_object_set_new(o, "state", json_string(m->state));
    json_object_set_new(o, "since_wall_us", json_integer(m->since_wall_us));
    json_object_set_new(o, "heard_age_us",
                        m->heard_age_us < 0 ? json_null() : json_integer(m->heard_age_us));
    json_object_set_new(o, "clock_behind_us",
                        m->clock_known ? json_integer(m->clock_behind_us) : json_null());
    json_object_set_new(o, "messages", number(s->messages));
    json_object_set_new(o, "observations", number(s->observations));
    json_object_set_new(o, "absent", number(s->absent));
    json_object_set_new(o, "repeated", number(s->repeated));
    json_object_set_new(o, "thinned", number(s->thinned));
    json_object_set_new(o, "unknown", number(s->unknown));
    json_object_set_new(o, "refused", number(s->refused));
    json_object_set_new(o, "held_back", number(s->held_back));
    json_array_append_new(user, o);
}

/* Monitors that nobody has decided about wait in the same list as devices. */
static void each_waiting_monitor(void *user, const struct xw_monitor_info *m)
{
    if (strcmp(m->state, "waiting") != 0)
        return;
    const struct xw_port_waiting w = {m->device_id, m->model, m->peer, m->since_wall_us};
    each_waiting(user, &w);
}

static void each_alarm(void *user, const struct xw_technical_open *a)
{
    json_t *o = json_object();
    json_object_set_new(o, "code", json_string(xw_technical_name(a->code)));
    json_object_set_new(o, "subject", json_string(a->subject));
    json_object_set_new(o, "text", json_string(a->text));
    json_object_set_new(o, "from_wall_us", json_integer(a->from_wall_us));
    json_array_append_new(user, o);
}

static void each_picture(void *user, const struct xw_video_status *s)
{
    char id[XW_UUID_TEXT_N_BYTES];
    json_t *o = json_object();
    json_object_set_new(o, "id", json_string(s->id));
    json_object_set_new(o, "label", json_string(s->label));
    json_object_set_new(o, "bed", json_string(s->bed));
    json_object_set_new(o, "attachment", json_string(xw_uuid_format(&s->attachment, id)));
    json_object_set_new(o, "state", json_string(s->state));
    json_object_set_new(o, "text", json_string(s->text));
    json_object_set_new(o, "since_wall_us", json_integer(s->since_wall_us));
    json_object_set_new(o, "running", json_boolean(s->running));
    json_object_set_new(o, "watched", json_boolean(s->watched));
    json_object_set_new(o, "yielded", json_boolean(s->yielded));
    json_object_set_new(o, "width", number(s->width));
    json_object_set_new(o, "height", number(s->height));
    json_object_set_new(o, "captured_fps", json_real((double)s->captured_fps));
    json_object_set_new(o, "sent_fps", json_real((double)s->sent_fps));
    json_object_set_new(o, "kbit_per_s", number(s->kbit_per_s));
    json_object_set_new(o, "dropped", number(s->dropped));
    json_object_set_new(o, "record_dropped", number(s->record_dropped));
    json_object_set_new(o, "recording", json_boolean(s->recording));
    json_object_set_new(o, "clip_since_wall_us", json_integer(s->clip_since_wall_us));
    json_object_set_new(o, "clip_bytes", number(s->clip_bytes));
    json_array_append_new(user, o);
}

static json_t *clips_json(struct xw_edge *edge)
{
    struct xw_video_totals t;
    xw_video_totals(edge->video, &t);
    json_t *o = json_object();
    json_object_set_new(o, "kept", number(t.kept_n));
    json_object_set_new(o, "kept_bytes", number(t.kept_bytes));
    json_object_set_new(o, "unsent", number(t.unsent_n));
    json_object_set_new(o, "unsent_bytes", number(t.unsent_bytes));
    json_object_set_new(o, "finishing", number(t.finishing_n));
    return o;
}

static json_t *link_json(struct xw_edge *edge)
{
    struct xw_uplink_state state = {0};
    if (edge->uplink)
        xw_uplink_get_state(edge->uplink, &state);
    json_t *o = json_object();
    json_object_set_new(o, "configured", json_boolean(edge->uplink != NULL));
    json_object_set_new(o, "linked", json_boolean(state.linked));
    json_object_set_new(o, "text", json_string(state.text ? state.text : ""));
    json_object_set_new(o, "refused", json_boolean(state.refused));
    json_object_set_new(o, "distrusted", json_boolean(state.distrusted));
    json_object_set_new(o, "since_wall_us", json_integer(state.since_wall_us));
    json_object_set_new(o, "rtt_us", number(state.rtt_us));
    json_object_set_new(o, "offset_known", json_boolean(state.county_uncertainty_us > 0));
    json_object_set_new(o, "county_offset_us", json_integer(state.county_offset_us));
    json_object_set_new(o, "county_uncertainty_us", number(state.county_uncertainty_us));
    json_object_set_new(o, "rate_bytes_per_s", number(state.rate_bytes_per_s));
    json_object_set_new(o, "suspended", number(state.suspended_n));
    json_object_set_new(o, "held", json_boolean(state.held));
    json_object_set_new(o, "backlog_samples", number(state.backlog_samples));
    json_object_set_new(o, "backlog_bytes", number(state.backlog_bytes));
    json_object_set_new(o, "certificate_until_wall_us",
                        edge->identity ? json_integer(edge->identity->facts.until_s * 1000000)
                                       : json_null());
    return o;
}

/* The way of an alarm to the county's screen, leg by leg. */
static json_t *alarm_path_json(const struct xw_deadman *d)
{
    json_t *legs = json_object();
    for (int i = 0; i < XW_DEADMAN_LEGS_N; i++) {
        uint32_t us = d->proven.legs_us[i];
        json_object_set_new(legs, xw_deadman_leg_name((Xw__AlarmLeg)(i + 1)),
                            us ? number(us) : json_null());
    }
    json_t *o = json_object();
    json_object_set_new(o, "state", json_string(xw_deadman_state_name(d->state)));
    json_object_set_new(o, "leg",
                        d->state == XW_DEADMAN_BROKEN ? json_string(xw_deadman_leg_name(d->broken))
                                                      : json_null());
    json_object_set_new(o, "since_wall_us", json_integer(d->since_wall_us));
    json_object_set_new(o, "proven_wall_us",
                        d->proven.number ? json_integer(d->proven.wall_us) : json_null());
    json_object_set_new(o, "legs_us", legs);
    return o;
}

static json_t *spool_json(struct xw_edge *edge)
{
    struct xw_store_stats s;
    struct xw_commit_stats c;
    xw_store_stats(edge->store, &s);
    xw_commit_stats(edge->commit, &c);
    json_t *o = json_object();
    json_object_set_new(o, "full", json_boolean(xw_commit_full(edge->commit)));
    json_object_set_new(o, "bytes", number(s.bytes));
    json_object_set_new(o, "free_bytes", number(s.free_bytes));
    json_object_set_new(o, "commits", number(s.commits));
    json_object_set_new(o, "blocks", number(s.blocks));
    json_object_set_new(o, "records", number(s.records));
    json_object_set_new(o, "conflicts", number(s.conflicts));
    json_object_set_new(o, "streams", number(s.streams_n));
    json_object_set_new(o, "batches_failed", number(c.failed));
    json_object_set_new(o, "records_waiting", number(c.records_waiting));
    return o;
}

static json_t *import_lines(const struct xw_import_line *lines, uint32_t n)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < n; i++) {
        json_t *o = json_object();
        json_t *name = json_string(lines[i].name), *text = json_string(lines[i].text);
        json_object_set_new(o, "name", name ? name : json_string("?")); /* no UTF-8 */
        json_object_set_new(o, "text", text ? text : json_string("?"));
        json_object_set_new(o, "bytes", number(lines[i].bytes));
        json_object_set_new(o, "wall_us", json_integer(lines[i].wall_us));
        json_array_append_new(list, o);
    }
    return list;
}

/* Names of files are for who stands before the gateway: they may say who the patient is. */
static json_t *imports_json(struct xw_edge *edge)
{
    struct xw_import_totals t;
    xw_import_totals(edge->import, &t);
    if (!t.view)
        return json_null();
    json_t *o = json_object();
    json_object_set_new(o, "dir", json_string(edge->config->import_dir));
    json_object_set_new(o, "error", json_string(t.view->error < 0 ? strerror(-t.view->error) : ""));
    json_object_set_new(o, "taken", number(t.taken));
    json_object_set_new(o, "repeated", number(t.repeated));
    json_object_set_new(o, "broken", number(t.broken));
    json_object_set_new(o, "waiting_n", number(t.view->waiting_n));
    json_object_set_new(o, "quarantine_n", number(t.view->quarantine_n));
    json_object_set_new(o, "quarantine_full", json_boolean(t.view->quarantine_full));
    json_object_set_new(o, "waiting", import_lines(t.view->waiting, t.view->waiting_shown));
    json_object_set_new(o, "quarantine",
                        import_lines(t.view->quarantine, t.view->quarantine_shown));
    return o;
}

static int dump(json_t *o, struct xw_buf *ret_text)
{
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    int r = text ? xw_buf_append_text(ret_text, text) : -ENOMEM;
    free(text);
    json_decref(o);
    return r;
}

/* While the county takes what we have there is nothing to enrol for: who sits here for a minute
 * cannot send this gateway's patients to a county of his own. */
bool xw_status_may_enrol(const struct xw_edge *edge)
{
    return edge->enrol && (edge->enrolling || !edge->link.linked);
}

static json_t *enrolment_json(struct xw_edge *edge)
{
    struct xw_edge_enrol_state state = {"", "", "", "", ""};
    json_t *o = json_object();
    if (edge->enrol)
        xw_edge_enrol_get(edge->enrol, &state);
    json_object_set_new(o, "needed", json_boolean(edge->enrolling));
    json_object_set_new(o, "possible", json_boolean(xw_status_may_enrol(edge)));
    json_object_set_new(o, "was", json_string(state.was));
    json_object_set_new(o, "state", json_string(state.state));
    json_object_set_new(o, "county", json_string(state.county));
    json_object_set_new(o, "word", json_string(state.word));
    json_object_set_new(o, "text", json_string(state.text));
    return o;
}

/* Before it is enrolled there is nothing else to show. */
static int enrolling_json(struct xw_edge *edge, struct xw_buf *ret_text)
{
    json_t *o = json_object();
    json_object_set_new(o, "gateway", json_string(""));
    json_object_set_new(o, "site", json_string(""));
    json_object_set_new(o, "demo", json_boolean(edge->config->demo));
    json_object_set_new(o, "version", json_string(xw_version()));
    json_object_set_new(o, "wall_us", json_integer(xw_edge_wall_us()));
    json_object_set_new(o, "started_wall_us", json_integer(edge->started_wall_us));
    json_object_set_new(o, "enrolment", enrolment_json(edge));
    return dump(o, ret_text);
}

static json_t *rules_json(const struct xw_edge *edge)
{
    static const char *const from[] = {"defaults", "file", "county"};
    struct xw_edge_rules_report r;
    xw_edge_rules_report(edge->rules, &r);
    return json_pack("{s:s, s:I, s:I, s:s, s:b}", "from", from[r.message.from], "version",
                     (json_int_t)r.message.version, "county_version",
                     (json_int_t)r.message.county_version, "refused", r.message.refused, "own",
                     (int)r.message.own);
}

int xw_status_json(struct xw_edge *edge, struct xw_buf *ret_text)
{
    if (edge->enrolling)
        return enrolling_json(edge, ret_text);
    json_t *devices = json_array(), *waiting = json_array(), *alarms = json_array();
    json_t *monitors = json_array();
    xw_fleet_each(edge->fleet, each_attachment, devices);
    xw_port_each_waiting(edge->port, each_waiting, waiting);
    xw_monitor_each(edge->monitor, each_monitor, monitors);
    xw_monitor_each(edge->monitor, each_waiting_monitor, waiting);
    xw_technical_each(edge->technical, each_alarm, alarms);
    json_t *o = json_object();
    json_object_set_new(o, "gateway", json_string(edge->config->id));
    json_object_set_new(o, "site", json_string(edge->config->site));
    json_object_set_new(o, "demo", json_boolean(edge->config->demo));
    json_object_set_new(o, "version", json_string(xw_version()));
    json_object_set_new(o, "wall_us", json_integer(xw_edge_wall_us()));
    json_object_set_new(o, "started_wall_us", json_integer(edge->started_wall_us));
    json_object_set_new(o, "enrolment", enrolment_json(edge));
    json_object_set_new(o, "link", link_json(edge));
    json_object_set_new(o, "alarm_path", alarm_path_json(xw_probe_deadman(edge->probe)));
    json_object_set_new(o, "rules", rules_json(edge));
    json_object_set_new(o, "spool", spool_json(edge));
    json_object_set_new(o, "devices", devices);
    json_object_set_new(o, "monitors", monitors);
    json_object_set_new(o, "monitor_port", number(xw_monitor_port(edge->monitor)));
    json_t *pictures = json_array();
    xw_video_each(edge->video, each_picture, pictures);
    json_object_set_new(o, "pictures", pictures);
    json_object_set_new(o, "clips", clips_json(edge));
    json_object_set_new(o, "imports", imports_json(edge));
    json_object_set_new(o, "waiting", waiting);
    json_object_set_new(o, "alarms", alarms);
    return dump(o, ret_text);
}

int xw_status_health(struct xw_edge *edge, struct xw_buf *ret_text, bool *ret_good)
{
    if (edge->enrolling) {
        *ret_good = false;
        return dump(json_pack("{s:s, s:{s:s}}", "status", "degraded", "checks", "enrolment",
                              "not enrolled"),
                    ret_text);
    }
    const char *id = edge->config->id;
    bool full = xw_commit_full(edge->commit);
    bool low = xw_technical_is_open(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_SPOOL_LOW, id);
    bool cut = edge->uplink && !edge->link.linked;
    json_t *checks = json_object();
    json_object_set_new(checks, "spool", json_string(full ? "takes nothing" : low ? "low" : "ok"));
    json_object_set_new(checks, "link", json_string(cut ? "cut" : "ok"));
    json_t *o = json_object();
    *ret_good = !full && !low && !cut;
    json_object_set_new(o, "status", json_string(*ret_good ? "ok" : "degraded"));
    json_object_set_new(o, "checks", checks);
    return dump(o, ret_text);
}
