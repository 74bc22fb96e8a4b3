/* The handlers of proto/API.md, by file. Each answers its request, now or after a store read.
 *
 * Threads: loop thread only. Session, role and CSRF were checked by route.c. */
#ifndef XW_CENTER_API_H
#define XW_CENTER_API_H

#include "center/http.h"

struct xw_attachment;
struct xw_hub_view;

/* api_session.c */
void xw_api_login(struct xw_http_request *req);
void xw_api_logout(struct xw_http_request *req);
void xw_api_me(struct xw_http_request *req);
/* Signs the user in and answers as login does; used by the demo too. */
void xw_api_enter(struct xw_http_request *req, const struct xw_user *user);

/* api_streams.c, api_ranges.c */
void xw_api_streams(struct xw_http_request *req);
void xw_api_stream(struct xw_http_request *req);
void xw_api_ranges(struct xw_http_request *req);
void xw_api_anchors(struct xw_http_request *req);
void xw_api_gateways(struct xw_http_request *req);
/* The stream of the path, if the user may see it; otherwise answers and returns false. */
bool xw_api_own_stream(struct xw_http_request *req, struct xw_uuid *ret_id);
/* Does the user see streams of this gateway? */
bool xw_api_sees(const struct xw_http_request *req, const char *site);

/* One Stream as JSON. */
XW_MUST_CHECK int xw_api_append_stream(struct xw_buf *buf, const struct xw_hub_view *view);
/* 200 with the JSON that buf holds, an error when r < 0; empties buf. */
void xw_api_reply_buf(struct xw_http_request *req, struct xw_buf *buf, int r);

/* api_beds.c */
void xw_api_beds(struct xw_http_request *req);
void xw_api_bed(struct xw_http_request *req);
/* The attachment of the path, if the user may see it; otherwise answers and returns NULL. */
const struct xw_attachment *xw_api_own_attachment(struct xw_http_request *req);
/* api_observations.c */
void xw_api_observations(struct xw_http_request *req);
/* api_clips.c */
void xw_api_clips(struct xw_http_request *req);
void xw_api_object(struct xw_http_request *req);

/* api_samples.c */
void xw_api_samples(struct xw_http_request *req);
/* api_samples_json.c: decodes here, writes the text on a worker. */
void xw_api_samples_json(struct xw_http_request *req, struct xw_range range, uint32_t channels_n,
                         const struct xw_store_samples *samples);
/* api_reading.c: ten seconds measured as a 12-lead ECG, on a worker. */
void xw_api_reading(struct xw_http_request *req);
/* api_events.c */
void xw_api_events(struct xw_http_request *req);
/* api_alarms.c */
void xw_api_alarms(struct xw_http_request *req);
void xw_api_alarm_ack(struct xw_http_request *req);
/* api_studies.c */
void xw_api_studies(struct xw_http_request *req);
void xw_api_study(struct xw_http_request *req);
void xw_api_study_state(struct xw_http_request *req);
/* api_study_create.c */
void xw_api_study_create(struct xw_http_request *req);
/* The change and its audit entry, durable together; this gateway gets it. Answers with the study.
 */
void xw_api_study_change(struct xw_http_request *req, const struct xw_uuid *study,
                         const Xw__StudyChange *what, const char *gateway_id, const char *action);
/* api_identities.c */
void xw_api_enrolments(struct xw_http_request *req);
void xw_api_enrolment_create(struct xw_http_request *req);
void xw_api_enrolment_withdraw(struct xw_http_request *req);
void xw_api_gateway_revoke(struct xw_http_request *req);
/* api_rules.c */
void xw_api_rules(struct xw_http_request *req);
void xw_api_rules_check(struct xw_http_request *req);
void xw_api_rules_save(struct xw_http_request *req);
void xw_api_rules_back(struct xw_http_request *req);
void xw_api_rules_history(struct xw_http_request *req);
/* api_admin.c */
void xw_api_audit(struct xw_http_request *req);
void xw_api_healthz(struct xw_http_request *req);
void xw_api_metrics(struct xw_http_request *req);
/* api_demo.c */
void xw_api_demo(struct xw_http_request *req);
void xw_api_demo_enter(struct xw_http_request *req);
void xw_api_demo_action(struct xw_http_request *req);

#endif
