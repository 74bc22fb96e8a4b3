/* JSON of the browser API: requests with limits, and the objects of proto/API.md.
 *
 * Threads: pure functions. Ownership: returned json_t and text belong to the caller (json_decref,
 * free). Text that is not UTF-8 (a device may send anything) has its bad bytes replaced by '?'.
 * Errors: NULL when memory is short. Units as in API.md. */
#ifndef XW_CENTER_JSON_H
#define XW_CENTER_JSON_H

#include "base/base.h"
#include "base/range.h"
#include "base/uuid.h"

#include <jansson.h>

#include "live.pb-c.h"
#include "signal.pb-c.h"
#include "study.pb-c.h"

enum { XW_JSON_DEPTH_MAX = 8, XW_JSON_BODY_MAX_BYTES = 65536 };

/* An object from a request's body: -EBADMSG when it is none, holds a key twice, is nested deeper
 * than XW_JSON_DEPTH_MAX or is followed by anything; -EOVERFLOW too long. */
XW_MUST_CHECK int xw_json_parse(const void *data, size_t size, json_t **ret_object);
/* A text member of 1..max bytes; NULL otherwise. Borrowed from the object. */
const char *xw_json_get_text(const json_t *object, const char *key, size_t max_n_bytes);
/* A whole number of 0 .. 2^53 - 1: -ENOENT missing, -EBADMSG anything else. */
XW_MUST_CHECK int xw_json_get_index(const json_t *object, const char *key, uint64_t *ret_value);

json_t *xw_json_text(const char *text);
json_t *xw_json_uuid(const struct xw_uuid *id);
/* UUID text of 16 protobuf bytes; null when they are not 16. */
json_t *xw_json_id(const void *data, size_t size);
json_t *xw_json_hex(const void *data, size_t size);
XW_MUST_CHECK int xw_json_unhex(const char *text, uint8_t *ret_data, size_t cap, size_t *ret_size);
json_t *xw_json_ranges(const struct xw_ranges *set);
/* Members of Stream that never change ("id":… "demo":…), without the outer braces. */
char *xw_json_stream_head(const struct xw_uuid *id, const Xw__StreamHeader *header);
json_t *xw_json_event(const Xw__Event *event, const void *key, size_t key_size, uint64_t revision,
                      int64_t wall_us);
json_t *xw_json_anchor(const Xw__Anchor *anchor);
/* Times: county. key: of its record. json_observation.c */
json_t *xw_json_observation(const Xw__Observation *observation, const void *key, size_t key_size,
                            int64_t wall_us, int64_t received_wall_us);
/* json_gateway.c */
struct xw_json_identity {
    int64_t certificate_until_wall_us; /* of the newest certificate; 0 = not known */
    int64_t revoked_wall_us;           /* 0 = it is not */
};
json_t *xw_json_gateway(const Xw__GatewayStatus *gateway, uint32_t streams_n,
                        const struct xw_json_identity *identity);
json_t *xw_json_technical(const Xw__TechnicalAlarm *alarm);

/* Words of API.md; NULL / -ENOENT when unknown. */
const char *xw_json_event_kind(int kind);
XW_MUST_CHECK int xw_json_event_kind_parse(const char *word, size_t n_bytes);
const char *xw_json_study_state(int state);
XW_MUST_CHECK int xw_json_study_state_parse(const char *word);
const char *xw_json_study_kind(int kind);
const char *xw_json_technical_code(int code);
const char *xw_json_alarm_leg(int leg); /* "none" when unknown */
const char *xw_json_gap_reason(int reason);
const char *xw_json_priority(int priority);

#endif
