/* JSON of streams, events, anchors, technical alarms: as in proto/API.md. */
#include "center/json.h"

#include <math.h>
#include <string.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *fraction(const Xw__Fraction *f)
{
    return json_pack("{s:I, s:I}", "num", (json_int_t)(f ? f->num : 1), "den",
                     (json_int_t)(f ? f->den : 1));
}

static const char *modality(Xw__Modality m)
{
    switch (m) {
    case XW__MODALITY__MODALITY_ECG:
        return "ecg";
    case XW__MODALITY__MODALITY_HOLTER:
        return "holter";
    case XW__MODALITY__MODALITY_CTG:
        return "ctg";
    case XW__MODALITY__MODALITY_PLETH:
        return "pleth";
    case XW__MODALITY__MODALITY_PRESSURE:
        return "pressure";
    case XW__MODALITY__MODALITY_RESPIRATION:
        return "respiration";
    default:
        return "other";
    }
}

static json_t *channels(const Xw__StreamHeader *header)
{
    json_t *array = json_array();
    for (size_t i = 0; i < header->n_channels; i++) {
        const Xw__Channel *c = header->channels[i];
        json_t *object = json_object();
        json_object_set_new(object, "code", xw_json_text(c->code));
        json_object_set_new(object, "unit", xw_json_text(c->unit));
        json_object_set_new(object, "gain", fraction(c->gain));
        json_object_set_new(object, "baseline", json_integer(c->baseline));
        json_object_set_new(object, "invalid",
                            c->has_invalid ? json_integer(c->invalid) : json_null());
        json_array_append_new(array, object);
    }
    return array;
}

char *xw_json_stream_head(const struct xw_uuid *id, const Xw__StreamHeader *header)
{
    json_t *o = json_object();
    json_object_set_new(o, "id", xw_json_uuid(id));
    json_object_set_new(o, "attachment",
                        xw_json_id(header->attachment_id.data, header->attachment_id.len));
    json_object_set_new(o, "modality", json_string(modality(header->modality)));
    json_object_set_new(o, "rate", fraction(header->rate));
    json_object_set_new(o, "channels", channels(header));
    json_object_set_new(o, "device", xw_json_text(header->device_id));
    json_object_set_new(o, "model", xw_json_text(header->device_model));
    json_object_set_new(o, "gateway", xw_json_text(header->gateway_id));
    json_object_set_new(o, "demo", json_boolean(header->demo));
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (!text)
        return NULL;
    size_t n = strlen(text);
    memmove(text, text + 1, n - 2);
    text[n - 2] = 0;
    return text;
}

static json_t *evidence(const Xw__Event *e)
{
    json_t *array = json_array();
    for (size_t i = 0; i < e->n_evidence && i < 64; i++) {
        const Xw__Evidence *v = e->evidence[i];
        json_t *object = json_object();
        json_object_set_new(object, "name", xw_json_text(v->name));
        json_object_set_new(object, "value", number(v->value));
        json_object_set_new(object, "unit", xw_json_text(v->unit));
        json_object_set_new(object, "threshold", json_boolean(v->threshold));
        json_array_append_new(array, object);
    }
    return array;
}

json_t *xw_json_event(const Xw__Event *e, const void *key, size_t key_size, uint64_t revision,
                      int64_t wall_us)
{
    static const char *const stages[] = {"final", "provisional", "revised"};
    const char *kind = xw_json_event_kind((int)e->kind);
    json_t *o = json_object();
    json_object_set_new(o, "key", xw_json_hex(key, key_size));
    json_object_set_new(o, "stream", xw_json_id(e->stream_id.data, e->stream_id.len));
    json_object_set_new(o, "run", xw_json_id(e->run_id.data, e->run_id.len));
    json_object_set_new(o, "seq", json_integer((json_int_t)e->seq));
    json_object_set_new(o, "revision", json_integer((json_int_t)revision));
    json_object_set_new(o, "kind", json_string(kind ? kind : "other"));
    json_object_set_new(o, "stage",
                        json_string((unsigned)e->stage < 3 ? stages[e->stage] : "final"));
    json_object_set_new(o, "first", json_integer((json_int_t)e->first));
    json_object_set_new(o, "end", e->end ? json_integer((json_int_t)e->end) : json_null());
    json_object_set_new(o, "emitted_at", json_integer((json_int_t)e->emitted_at));
    json_object_set_new(o, "code", xw_json_text(e->code));
    json_object_set_new(o, "priority", json_string(xw_json_priority((int)e->priority)));
    json_object_set_new(o, "late", json_boolean(e->late));
    json_object_set_new(o, "withdrawn", json_boolean(e->withdrawn));
    json_object_set_new(o, "rate_bpm", number((double)e->rate_bpm));
    json_object_set_new(o, "rr_samples", json_integer((json_int_t)e->rr_samples));
    json_object_set_new(o, "leads", json_integer((json_int_t)e->leads));
    json_object_set_new(o, "rule", xw_json_text(e->rule));
    json_object_set_new(o, "rule_version", xw_json_text(e->rule_version));
    json_object_set_new(o, "evidence", evidence(e));
    json_object_set_new(o, "confidence", number((double)e->confidence));
    json_t *beats = json_array();
    for (size_t i = 0; i < e->n_beats && i < 64; i++)
        json_array_append_new(beats, json_integer((json_int_t)e->beats[i]));
    json_object_set_new(o, "beats", beats);
    json_object_set_new(o, "wall_us", wall_us ? json_integer(wall_us) : json_null());
    return o;
}

json_t *xw_json_anchor(const Xw__Anchor *a)
{
    json_t *o = json_object();
    json_object_set_new(o, "index", json_integer((json_int_t)a->index));
    json_object_set_new(o, "boottime_us", json_integer((json_int_t)a->boottime_us));
    json_object_set_new(o, "gateway_wall_us", json_integer(a->gateway_wall_us));
    json_object_set_new(o, "county_offset_us",
                        a->county_offset_known ? json_integer(a->county_offset_us) : json_null());
    json_object_set_new(o, "uncertainty_us", json_integer((json_int_t)a->uncertainty_us));
    json_object_set_new(o, "rate_hz", number(a->rate_hz));
    return o;
}

json_t *xw_json_technical(const Xw__TechnicalAlarm *a)
{
    const char *code = xw_json_technical_code((int)a->code);
    json_t *o = json_object();
    json_object_set_new(o, "id", xw_json_id(a->alarm_id.data, a->alarm_id.len));
    json_object_set_new(o, "code", json_string(code ? code : "other"));
    json_object_set_new(o, "subject", xw_json_text(a->subject));
    json_object_set_new(o, "text", xw_json_text(a->text));
    json_object_set_new(o, "from_wall_us", json_integer(a->from_wall_us));
    json_object_set_new(o, "to_wall_us", a->to_wall_us ? json_integer(a->to_wall_us) : json_null());
    json_object_set_new(o, "stream", xw_json_id(a->stream_id.data, a->stream_id.len));
    return o;
}
