/* The parts of the center and what each is told of the others. */
#include "center/parts.h"

#include "base/log.h"
#include "center/alarmpath.h"
#include "center/alarms.h"
#include "center/attachments.h"
#include "center/audit.h"
#include "center/clips.h"
#include "center/enrol.h"
#include "center/gateways.h"
#include "center/hub.h"
#include "center/identities.h"
#include "center/journal.h"
#include "center/live.h"
#include "center/patients.h"
#include "center/ratelimit.h"
#include "center/rulelist.h"
#include "center/sessions.h"
#include "center/studies.h"
#include "center/technical.h"
#include "center/video.h"

#include <string.h>

enum { RULE_LISTS_PER_MIN = 20 };

/* ---- hub ---- */

static const struct xw_ranges *known_ranges(void *user, const struct xw_uuid *stream)
{
    struct xw_center *center = user;
    struct xw_store_stream s;
    return xw_store_stream(center->store, stream, &s) == 0 ? s.known : NULL;
}

static int64_t clock_offset_us(void *user, const char *gateway_id)
{
    struct xw_center *center = user;
    const struct xw_gateway *g = xw_gateways_find(center->gateways, gateway_id);
    return g ? g->clock_offset_us : 0;
}

static size_t gateways(void *user, const Xw__GatewayStatus *const **ret_statuses,
                       const char *const **ret_sites)
{
    struct xw_center *center = user;
    return xw_gateways_statuses(center->gateways, ret_statuses, ret_sites);
}

static void picture_want(void *user, const struct xw_uuid *attachment, bool on, bool key)
{
    struct xw_center *center = user;
    xw_video_want(center->video, attachment, on, key);
}

static void probe_written(void *user, uint64_t probe)
{
    struct xw_center *center = user;
    xw_alarmpath_written(center->alarmpath, probe);
}

static int make_hub(struct xw_center *center)
{
    struct xw_hub_config config = {
        .streams_max = 4096,
        .hold_us = center->config.hold_us,
        .demo = center->config.demo,
        .user = center,
        .want_write = xw_live_want_write,
        .known = known_ranges,
        .clock_offset_us = clock_offset_us,
        .picture_want = picture_want,
        .probe_written = probe_written,
        .gateways = gateways,
    };
    return xw_hub_new(&config, &center->hub);
}

/* ---- attachments and pictures ---- */

static int64_t county_offset_us(void *user, const char *gateway_id)
{
    return -clock_offset_us(user, gateway_id);
}

static int make_attachments(struct xw_center *center)
{
    struct xw_attachments_config config = {.user = center, .offset_us = county_offset_us};
    return xw_attachments_new(&config, &center->attachments);
}

static const char *picture_owner(void *user, const struct xw_uuid *attachment)
{
    struct xw_center *center = user;
    const struct xw_attachment *a = xw_attachments_find(center->attachments, attachment);
    return a && a->told && strcmp(a->kind, "video") == 0 ? a->gateway_id : NULL;
}

static bool picture_linked(void *user, const char *gateway_id)
{
    const struct xw_center *center = user;
    const struct xw_gateway *g = xw_gateways_find(center->gateways, gateway_id);
    return g && g->linked;
}

static void picture_send(void *user, const char *gateway_id, const char *topic, const void *payload,
                         size_t size)
{
    struct xw_center *center = user;
    if (center->downlink)
        xw_downlink_ephemeral(center->downlink, gateway_id, topic, payload, size);
}

static void picture_frame(void *user, const struct xw_uuid *attachment, const Xw__LiveVideo *frame)
{
    struct xw_center *center = user;
    xw_hub_picture(center->hub, attachment, frame);
}

static void picture_status(void *user, const struct xw_uuid *attachment,
                           const Xw__VideoStatus *status)
{
    struct xw_center *center = user;
    const char *owner = picture_owner(user, attachment);
    xw_hub_picture_status(center->hub, attachment, xw_center_site(center, owner), status);
}

static int make_video(struct xw_center *center)
{
    struct xw_video_config config = {.user = center,
                                     .owner = picture_owner,
                                     .linked = picture_linked,
                                     .offset_us = county_offset_us,
                                     .send = picture_send,
                                     .frame = picture_frame,
                                     .status = picture_status};
    return xw_video_new(&config, &center->video);
}

/* ---- journal ---- */

static void on_passed_on(void *user, const char *gateway_id, uint64_t out_seq_last)
{
    struct xw_center *center = user;
    if (center->downlink)
        xw_downlink_committed(center->downlink, gateway_id, out_seq_last);
}

static void on_committed(void *user, const struct xw_store_record *record)
{
    xw_center_record(user, record, NULL);
}

static int make_journal(struct xw_center *center)
{
    struct xw_journal_config config = {.store = center->store,
                                       .user = center,
                                       .on_passed_on = on_passed_on,
                                       .on_committed = on_committed};
    return xw_journal_new(&config, &center->journal);
}

/* ---- sessions ---- */

static void on_session_end(void *user, const struct xw_session *session)
{
    struct xw_center *center = user;
    uint8_t key[34] = {'s', '/'};
    if (!center->serving)
        return; /* at start, or ending: found again and ended again at the next start */
    memcpy(key + 2, session->hash, sizeof(session->hash));
    int r = xw_store_forget(center->store, XW_LOCAL_SESSION, key, sizeof(key));
    if (r < 0 && r != -ENOENT)
        xw_log_warning("session.forget", XW_LOG_ERR(r));
}

static void save_session(void *user, const struct xw_session *session)
{
    struct xw_center *center = user;
    uint8_t key[34];
    struct xw_buf body;
    struct xw_store_record record;
    xw_buf_init(&body, 1024);
    int r = xw_session_pack(session, key, &body, &record);
    if (r == 0)
        r = xw_journal_append(center->journal, &record, 1, NULL, NULL, NULL);
    if (r < 0)
        xw_log_warning("session.not_kept", XW_LOG_ERR(r));
    xw_buf_done(&body);
}

void xw_center_save_sessions(struct xw_center *center)
{
    xw_sessions_save(center->sessions, save_session, center);
}

static int make_sessions(struct xw_center *center)
{
    struct xw_sessions_config config = {.idle_us = center->config.session_idle_us,
                                        .max_us = center->config.session_max_us,
                                        .max_n = (uint32_t)center->config.sessions_max,
                                        .user = center,
                                        .on_end = on_session_end};
    return xw_sessions_new(&config, &center->sessions);
}

/* ---- alarms ---- */

static void on_stream_alarm(void *user, const struct xw_uuid *stream, uint32_t priority,
                            const char *code)
{
    struct xw_center *center = user;
    xw_hub_alarm(center->hub, stream, priority, code);
}

static int64_t sample_wall_us(void *user, const struct xw_uuid *stream, uint64_t index)
{
    struct xw_center *center = user;
    return xw_hub_wall_us(center->hub, stream, index);
}

static const char *gateway_of(void *user, const struct xw_uuid *stream)
{
    struct xw_center *center = user;
    struct xw_hub_view view;
    return xw_hub_find(center->hub, stream, &view) == 0 ? view.header->gateway_id : NULL;
}

static int make_alarms(struct xw_center *center)
{
    struct xw_alarms_config config = {.journal = center->journal,
                                      .user = center,
                                      .on_stream = on_stream_alarm,
                                      .wall_us = sample_wall_us,
                                      .gateway = gateway_of};
    return xw_alarms_new(&config, &center->alarms);
}

/* ---- gateways ---- */

static void on_site(void *user, const struct xw_gateway *gateway)
{
    struct xw_center *center = user;
    char key[64];
    struct xw_buf body;
    struct xw_store_record record;
    xw_hub_site(center->hub, gateway->id, gateway->site);
    xw_buf_init(&body, 1024);
    int r = xw_gateway_pack(gateway, key, &body, &record);
    if (r == 0)
        r = xw_journal_append(center->journal, &record, 1, NULL, NULL, NULL);
    if (r < 0)
        xw_log_warning("gateway.not_kept", XW_LOG_STR("gateway", gateway->id), XW_LOG_ERR(r));
    xw_buf_done(&body);
}

static void on_lost(void *user, const struct xw_gateway *gateway)
{
    struct xw_center *center = user;
    xw_technicals_raise(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, gateway->id,
                        "link lost");
}

static void on_back(void *user, const struct xw_gateway *gateway)
{
    struct xw_center *center = user;
    xw_technicals_clear(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, gateway->id);
}

static void on_twins(void *user, const struct xw_gateway *gateway, bool two)
{
    struct xw_center *center = user;
    if (two)
        xw_technicals_raise(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_CONFLICT, gateway->id,
                            "two machines have the identity of this gateway: revoke it, and enrol "
                            "the right one anew");
    else
        xw_technicals_clear(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_CONFLICT,
                            gateway->id);
}

static void alarm_path(void *user, const char *gateway_id, Xw__AlarmPath *ret_path)
{
    struct xw_center *center = user;
    xw_alarmpath_fill(center->alarmpath, gateway_id, ret_path);
}

static int make_gateways(struct xw_center *center)
{
    struct xw_gateways_config config = {.lost_after_us = center->config.link_lost_us,
                                        .user = center,
                                        .on_site = on_site,
                                        .on_lost = on_lost,
                                        .on_twins = on_twins,
                                        .alarm_path = alarm_path,
                                        .on_back = on_back};
    return xw_gateways_new(&config, &center->gateways);
}

int xw_center_parts_new(struct xw_center *center)
{
    int r = make_hub(center);
    if (r == 0)
        r = make_attachments(center);
    if (r == 0)
        r = xw_clips_new(&center->clips);
    if (r == 0)
        r = xw_patients_new(&center->patients);
    if (r == 0)
        r = make_video(center);
    if (r == 0)
        r = make_journal(center);
    if (r == 0)
        r = xw_users_new(&center->users);
    if (r == 0)
        r = make_sessions(center);
    if (r == 0)
        r = xw_limiter_new(NULL, (uint32_t)center->config.tries_per_min, &center->limiter);
    if (r == 0)
        r = xw_limiter_new(NULL, RULE_LISTS_PER_MIN, &center->rules_limiter);
    if (r == 0)
        r = xw_rulelists_new(center->journal, &center->rules);
    if (r == 0)
        r = xw_studies_new(&center->studies);
    if (r == 0)
        r = make_alarms(center);
    if (r == 0)
        r = xw_technicals_new(center->journal, xw_center_show_technical, center,
                              &center->technicals);
    if (r == 0)
        r = make_gateways(center);
    if (r == 0)
        r = xw_identities_new(&center->identities);
    if (r == 0)
        r = xw_center_alarmpath_new(center);
    return r;
}

void xw_center_parts_free(struct xw_center *center)
{
    xw_alarmpath_free(center->alarmpath);
    xw_enrol_free(center->enrol);
    xw_identities_free(center->identities);
    xw_gateways_free(center->gateways);
    xw_technicals_free(center->technicals);
    xw_alarms_free(center->alarms);
    xw_studies_free(center->studies);
    xw_limiter_free(center->limiter);
    xw_limiter_free(center->rules_limiter);
    xw_rulelists_free(center->rules);
    xw_sessions_free(center->sessions);
    xw_users_free(center->users);
    xw_journal_free(center->journal);
    xw_video_free(center->video);
    xw_clips_free(center->clips);
    xw_patients_free(center->patients);
    xw_attachments_free(center->attachments);
    xw_hub_free(center->hub);
}
