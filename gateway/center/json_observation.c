/* JSON of an observation, as in proto/API.md. */
#include "center/json.h"

#include <math.h>

json_t *xw_json_observation(const Xw__Observation *o, const void *key, size_t key_size,
                            int64_t wall_us, int64_t received_wall_us)
{
    static const char *const absent[] = {NULL,   "sentinel",   "impossible",
                                         "unit", "not_number", "status"};
    bool number = o->value_case == XW__OBSERVATION__VALUE_NUMBER && isfinite(o->number);
    const char *why = (unsigned)o->absent < XW_ARRAY_N(absent) ? absent[o->absent] : "status";
    json_t *j = json_object();
    json_object_set_new(j, "id", xw_json_id(o->observation_id.data, o->observation_id.len));
    json_object_set_new(j, "key", xw_json_hex(key, key_size));
    json_object_set_new(j, "attachment", xw_json_id(o->attachment_id.data, o->attachment_id.len));
    json_object_set_new(j, "code", xw_json_text(o->code));
    json_object_set_new(j, "code_system", xw_json_text(o->code_system));
    json_object_set_new(j, "mdc", json_integer(o->mdc));
    /* What is absent never shows a number, whatever the sender put beside it. */
    json_object_set_new(j, "value", number && !why ? json_real(o->number) : json_null());
    json_object_set_new(j, "text",
                        o->value_case == XW__OBSERVATION__VALUE_TEXT && !why ? xw_json_text(o->text)
                                                                             : json_null());
    json_object_set_new(j, "unit", xw_json_text(o->unit));
    json_object_set_new(j, "wall_us", json_integer(wall_us));
    json_object_set_new(j, "received_wall_us", json_integer(received_wall_us));
    json_object_set_new(j, "time_source",
                        json_string(o->time_source == XW__OBSERVATION_TIME__TIME_MEASURED
                                        ? "measured"
                                        : "received"));
    json_object_set_new(j, "source", xw_json_text(o->source));
    json_object_set_new(j, "group", xw_json_id(o->group_id.data, o->group_id.len));
    json_object_set_new(j, "absent", why ? json_string(why) : json_null());
    json_object_set_new(j, "reported_value", xw_json_text(o->reported_value));
    json_object_set_new(j, "reported_unit", xw_json_text(o->reported_unit));
    json_object_set_new(j, "device", xw_json_text(o->device_id));
    json_object_set_new(j, "continuous", json_boolean(o->continuous));
    json_object_set_new(j, "demo", json_boolean(o->demo));
    return j;
}
