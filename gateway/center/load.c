/* At start: what the store holds, into the tables in memory, one read after another.
 *
 * Records first (people, sessions, sites, acknowledgements, alarms, studies), then for each stream
 * its newest anchor and the alarms of its last week. */
#include "center/center.h"

#include "base/log.h"
#include "center/alarms.h"
#include "center/attachments.h"
#include "center/clips.h"
#include "center/gateways.h"
#include "center/hub.h"
#include "center/identities.h"
#include "center/patients.h"
#include "center/revoked.h"
#include "center/rulelist.h"
#include "center/sessions.h"
#include "center/studies.h"
#include "center/technical.h"
#include "center/users.h"

#include <stdio.h>
#include <string.h>

enum { PAGE = 512, ALARM_DAYS = 7, ALARMS_PER_STREAM = 500, RULE_LISTS_MAX = 4096 };

struct load {
    struct xw_center *center;
    void (*done)(struct xw_center *center, int status);
    size_t step;
    uint8_t after[64];
    size_t after_n, taken_n;
    struct xw_uuid *streams;
    size_t streams_n, streams_cap, at;
    uint64_t newest;
    bool merged; /* what a backup forgot of revocations */
};

static void take_user(struct xw_center *center, const struct xw_store_record *record)
{
    struct xw_user user;
    if (xw_user_unpack(record, &user) < 0 || xw_users_put(center->users, &user) < 0)
        xw_log_warning("load.user");
}

static void take_session(struct xw_center *center, const struct xw_store_record *record)
{
    struct xw_session session;
    if (xw_session_unpack(record, &session) == 0)
        xw_sessions_restore(center->sessions, &session);
}

static void take_setting(struct xw_center *center, const struct xw_store_record *record)
{
    int r = xw_gateways_restore(center->gateways, record);
    if (r < 0 && r != -ENOENT)
        xw_log_warning("load.gateway", XW_LOG_ERR(r));
}

static void take_identity(struct xw_center *center, const struct xw_store_record *record)
{
    struct xw_identity identity = {.certificate = NULL};
    int r = xw_identity_unpack(record, &identity);
    if (r == 0)
        r = xw_identities_put(center->identities, &identity);
    if (r == 0 && identity.revoked_wall_us)
        xw_gateways_silence(center->gateways, identity.id, true);
    free(identity.certificate);
    if (r < 0)
        xw_log_error("load.identity", XW_LOG_ERR(r));
}

static void take_enrolment(struct xw_center *center, const struct xw_store_record *record)
{
    struct xw_enrolment enrolment;
    if (xw_enrolment_unpack(record, &enrolment) < 0 ||
        xw_enrolments_put(center->identities, &enrolment) < 0)
        xw_log_warning("load.enrolment");
}

static void take_technical(struct xw_center *center, const struct xw_store_record *record)
{
    xw_technicals_record(center->technicals, record);
}

static void take_ack(struct xw_center *center, const struct xw_store_record *record)
{
    (void)xw_alarms_record(center->alarms, record);
}

static void take_rules(struct xw_center *center, const struct xw_store_record *record)
{
    xw_rulelists_record(center->rules, record);
}

static const struct step {
    uint32_t kind;
    bool newest_first;
    size_t max_n;
    void (*take)(struct xw_center *center, const struct xw_store_record *record);
} steps[] = {
    /* Before the streams … */
    {XW_LOCAL_USER, false, XW_USERS_MAX, take_user},
    {XW_LOCAL_SESSION, false, 65536, take_session},
    {XW_LOCAL_SETTING, false, XW_GATEWAYS_MAX, take_setting},
    {XW_LOCAL_IDENTITY, false, XW_IDENTITIES_MAX, take_identity},
    {XW_LOCAL_ENROLMENT, false, XW_ENROLMENTS_MAX, take_enrolment},
    {XW__RECORD_KIND__RECORD_TECHNICAL, true, XW_TECHNICALS_MAX, take_technical},
    {XW__RECORD_KIND__RECORD_RULESET, true, RULE_LISTS_MAX, take_rules},
    /* … and after them. */
    {XW__RECORD_KIND__RECORD_ATTACHMENT, false, 65536, xw_center_attachment},
    {XW__RECORD_KIND__RECORD_CLIP, true, XW_CLIPS_MAX, xw_center_clip},
    {XW__RECORD_KIND__RECORD_ALARM_ACK, false, 1000000, take_ack},
    {XW__RECORD_KIND__RECORD_PATIENT, true, XW_PATIENTS_MAX, xw_center_patient},
    {XW__RECORD_KIND__RECORD_ASSIGNMENT, true, XW_ASSIGNMENTS_MAX, xw_center_patient},
    {XW__RECORD_KIND__RECORD_STUDY, true, 200000, xw_center_study},
};
enum { STEPS_BEFORE_STREAMS = 7 };

static void run_step(struct load *load);
static void run_stream(struct load *load);

static void finish(struct load *load, int status)
{
    struct xw_center *center = load->center;
    void (*done)(struct xw_center * center_, int status_) = load->done;
    xw_log_info("load.done", XW_LOG_UINT("users", xw_users_n(center->users)),
                XW_LOG_UINT("streams", load->streams_n),
                XW_LOG_UINT("studies", xw_studies_n(center->studies)),
                XW_LOG_UINT("attachments", xw_attachments_n(center->attachments)),
                XW_LOG_UINT("clips", xw_clips_n(center->clips)), XW_LOG_INT("status", status));
    free(load->streams);
    free(load);
    done(center, status);
}

static void on_page(void *user, const struct xw_store_records *records)
{
    struct load *load = user;
    const struct step *step = &steps[load->step];
    if (records->status < 0) {
        finish(load, records->status);
        return;
    }
    for (size_t i = 0; i < records->records_n; i++)
        step->take(load->center, &records->records[i]);
    load->taken_n += records->records_n;
    if (records->more && records->records_n && load->taken_n < step->max_n) {
        const struct xw_store_record *last = &records->records[records->records_n - 1];
        load->after_n = XW_MIN(last->key_size, sizeof(load->after));
        memcpy(load->after, last->key, load->after_n);
    } else {
        load->step++;
        load->after_n = load->taken_n = 0;
    }
    run_step(load);
}

static void add_stream(void *user, const struct xw_store_stream *stream)
{
    struct load *load = user;
    Xw__StreamHeader *header = xw__stream_header__unpack(NULL, stream->header_size, stream->header);
    if (!header)
        return;
    const struct xw_gateway *g = xw_gateways_find(load->center->gateways, header->gateway_id);
    int r = xw_hub_stream(load->center->hub, &stream->id, stream->header, stream->header_size,
                          g ? g->site : NULL);
    struct xw_uuid attachment;
    if (xw_uuid_from_bytes(header->attachment_id.data, header->attachment_id.len, &attachment) == 0)
        (void)!xw_attachments_claim(load->center->attachments, &attachment, header->gateway_id);
    xw__stream_header__free_unpacked(header, NULL);
    if (r < 0) {
        xw_log_warning("load.stream", XW_LOG_ID("stream", &stream->id), XW_LOG_ERR(r));
        return;
    }
    if (load->streams_n == load->streams_cap) {
        size_t cap = load->streams_cap ? load->streams_cap * 2 : 256;
        struct xw_uuid *v = realloc(load->streams, cap * sizeof(*v));
        if (!v)
            return;
        load->streams = v;
        load->streams_cap = cap;
    }
    load->streams[load->streams_n++] = stream->id;
}

static void silence(void *user, const char *gateway)
{
    struct xw_center *center = user;
    xw_gateways_silence(center->gateways, gateway, true);
}

static void run_step(struct load *load)
{
    struct xw_center *center = load->center;
    /* Once the identities are there. Without the file to read the county does not start: it could
     * let in who was shut out. */
    if (load->step == STEPS_BEFORE_STREAMS && !load->merged) {
        load->merged = true;
        int merged =
            xw_revoked_merge(center->config.store_dir, center->identities, silence, center);
        if (merged < 0) {
            xw_log_error("load.revoked", XW_LOG_ERR(merged));
            finish(load, merged);
            return;
        }
    }
    if (load->step == STEPS_BEFORE_STREAMS && !load->streams) {
        xw_store_streams(load->center->store, add_stream, load);
        if (load->streams_n) {
            run_stream(load);
            return;
        }
    }
    if (load->step == XW_ARRAY_N(steps)) {
        finish(load, 0);
        return;
    }
    const struct step *step = &steps[load->step];
    int r = xw_store_records(load->center->store, step->kind, load->after_n ? load->after : NULL,
                             load->after_n, step->newest_first, PAGE, on_page, load);
    if (r < 0)
        finish(load, r);
}

static void on_alarms(void *user, const struct xw_store_records *records)
{
    struct load *load = user;
    for (size_t i = 0; records->status == 0 && i < records->records_n; i++)
        (void)xw_alarms_record(load->center->alarms, &records->records[i]);
    load->at++;
    run_stream(load);
}

static void on_anchors(void *user, const struct xw_store_records *records)
{
    struct load *load = user;
    const struct xw_uuid *id = &load->streams[load->at];
    struct xw_hub_view view;
    bool any = records->status == 0 && records->records_n > 0;
    xw_hub_seed(load->center->hub, id, load->newest, any ? &records->records[0] : NULL);
    int r = xw_hub_find(load->center->hub, id, &view);
    if (r == 0) {
        double rate_hz = (double)view.header->rate->num / (double)view.header->rate->den;
        uint64_t week = (uint64_t)(rate_hz * 86400 * ALARM_DAYS);
        uint64_t back = XW_MIN(week, load->newest);
        struct xw_range range = {load->newest - back, UINT64_MAX};
        r = xw_store_events(load->center->store, id, range,
                            UINT32_C(1) << XW__EVENT_KIND__EVENT_ALARM, ALARMS_PER_STREAM,
                            on_alarms, load);
    }
    if (r < 0) {
        load->at++;
        run_stream(load);
    }
}

static void run_stream(struct load *load)
{
    while (load->at < load->streams_n) {
        struct xw_store_stream stream;
        const struct xw_uuid *id = &load->streams[load->at];
        int r = xw_store_stream(load->center->store, id, &stream);
        if (r == 0) {
            load->newest = xw_ranges_end(stream.known);
            r = xw_store_anchors(load->center->store, id, load->newest, on_anchors, load);
            if (r == 0)
                return;
        }
        load->at++;
    }
    run_step(load);
}

void xw_center_load(struct xw_center *center, void (*done)(struct xw_center *center, int status))
{
    struct load *load = calloc(1, sizeof(*load));
    if (!load) {
        done(center, -ENOMEM);
        return;
    }
    load->center = center;
    load->done = done;
    run_step(load);
}
