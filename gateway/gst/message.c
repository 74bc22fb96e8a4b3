/* Makers and parsers of the in-band events of a signal pipeline. */
#include "gst/message.h"

#include <string.h>

static XwGstEcgEvent *ecg_event_copy(XwGstEcgEvent *event)
{
    return g_memdup2(event, sizeof(*event));
}

static void ecg_event_free(XwGstEcgEvent *event)
{
    g_free(event);
}

G_DEFINE_BOXED_TYPE(XwGstEcgEvent, xw_gst_ecg_event, ecg_event_copy, ecg_event_free)

GstStructure *xw_gst_ecg_event_structure(const struct xw_ecg_event *event)
{
    gint64 end = event->end == XW_ECG_OPEN ? -1 : event->end;
    GstStructure *s = gst_structure_new(
        XW_GST_EVENT_NAME, "kind", G_TYPE_STRING, xw_ecg_kind_name(event->kind), "code",
        G_TYPE_STRING, xw_ecg_code_name(event->code), "stage", G_TYPE_STRING,
        xw_ecg_stage_name(event->stage), "priority", G_TYPE_STRING,
        xw_ecg_priority_name(event->priority), "sequence", G_TYPE_UINT64, (guint64)event->sequence,
        "revision", G_TYPE_UINT, event->revision, "first", G_TYPE_INT64, (gint64)event->first,
        "end", G_TYPE_INT64, end, "emitted-at", G_TYPE_INT64, (gint64)event->emitted_at, "hr-bpm",
        G_TYPE_DOUBLE, (double)event->hr_bpm, "rule", G_TYPE_STRING, event->rule, NULL);
    if (event->withdrawn)
        gst_structure_set(s, "withdrawn", G_TYPE_BOOLEAN, TRUE, NULL);
    return s;
}

GstEvent *xw_gst_ecg_event_new(const struct xw_ecg_event *event)
{
    GstStructure *s = gst_structure_new(XW_GST_EVENT_NAME, "event", XW_GST_TYPE_ECG_EVENT, event,
                                        "kind", G_TYPE_STRING, xw_ecg_kind_name(event->kind), NULL);
    return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, s);
}

static const GstStructure *structure_of(GstEvent *event, const char *name)
{
    const GstStructure *s = gst_event_get_structure(event);
    return s && gst_structure_has_name(s, name) ? s : NULL;
}

const struct xw_ecg_event *xw_gst_ecg_event_get(GstEvent *event)
{
    const GstStructure *s = structure_of(event, XW_GST_EVENT_NAME);
    const GValue *v = s ? gst_structure_get_value(s, "event") : NULL;
    return v && G_VALUE_HOLDS(v, XW_GST_TYPE_ECG_EVENT) ? g_value_get_boxed(v) : NULL;
}

GstEvent *xw_gst_run_new(const struct xw_ecg_run *run)
{
    GstStructure *s = gst_structure_new(
        XW_GST_RUN_NAME, "code-version", G_TYPE_STRING, run->code_version, "table-hash",
        G_TYPE_STRING, run->table_hash, "config-hash", G_TYPE_STRING, run->config_hash, "isa",
        G_TYPE_STRING, run->isa, "first-sample", G_TYPE_INT64, (gint64)run->first_sample, NULL);
    if (run->has_rules)
        gst_structure_set(s, "rules-version", G_TYPE_UINT, run->rules_version, "rules-hash",
                          G_TYPE_STRING, run->rules_hash, NULL);
    return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, s);
}

gboolean xw_gst_run_get(GstEvent *event, struct xw_ecg_run *ret_run)
{
    const GstStructure *s = structure_of(event, XW_GST_RUN_NAME);
    gint64 first = 0;
    if (!s || !gst_structure_get_int64(s, "first-sample", &first))
        return FALSE;
    const char *table = gst_structure_get_string(s, "table-hash");
    const char *config = gst_structure_get_string(s, "config-hash");
    const char *version = gst_structure_get_string(s, "code-version");
    const char *isa = gst_structure_get_string(s, "isa");
    if (!table || !config || !version || !isa)
        return FALSE;
    memset(ret_run, 0, sizeof(*ret_run));
    ret_run->code_version = version;
    ret_run->isa = isa;
    ret_run->first_sample = first;
    g_strlcpy(ret_run->table_hash, table, sizeof(ret_run->table_hash));
    g_strlcpy(ret_run->config_hash, config, sizeof(ret_run->config_hash));
    const char *rules = gst_structure_get_string(s, "rules-hash");
    if (rules && gst_structure_get_uint(s, "rules-version", &ret_run->rules_version)) {
        g_strlcpy(ret_run->rules_hash, rules, sizeof(ret_run->rules_hash));
        ret_run->has_rules = true;
    }
    return TRUE;
}

GstEvent *xw_gst_header_event_new(const void *header, size_t header_size)
{
    GBytes *bytes = g_bytes_new(header, header_size);
    GstStructure *s = gst_structure_new(XW_GST_HEADER_NAME, "header", G_TYPE_BYTES, bytes, NULL);
    g_bytes_unref(bytes);
    return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM_STICKY, s);
}

gboolean xw_gst_header_event_get(GstEvent *event, const guint8 **ret_header, gsize *ret_size)
{
    const GstStructure *s = structure_of(event, XW_GST_HEADER_NAME);
    const GValue *v = s ? gst_structure_get_value(s, "header") : NULL;
    if (!v || !G_VALUE_HOLDS(v, G_TYPE_BYTES))
        return FALSE;
    *ret_header = g_bytes_get_data(g_value_get_boxed(v), ret_size);
    return TRUE;
}

GstEvent *xw_gst_lead_off_new(guint64 index, guint32 mask)
{
    return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM,
                                gst_structure_new(XW_GST_LEAD_OFF_NAME, "index", G_TYPE_UINT64,
                                                  index, "mask", G_TYPE_UINT, mask, NULL));
}

gboolean xw_gst_lead_off_get(GstEvent *event, guint64 *ret_index, guint32 *ret_mask)
{
    const GstStructure *s = structure_of(event, XW_GST_LEAD_OFF_NAME);
    return s && gst_structure_get_uint64(s, "index", ret_index) &&
           gst_structure_get_uint(s, "mask", ret_mask);
}

GstEvent *xw_gst_expect_new(guint32 fetuses)
{
    return gst_event_new_custom(
        GST_EVENT_CUSTOM_DOWNSTREAM,
        gst_structure_new(XW_GST_EXPECT_NAME, "fetuses", G_TYPE_UINT, fetuses, NULL));
}

gboolean xw_gst_expect_get(GstEvent *event, guint32 *ret_fetuses)
{
    const GstStructure *s = structure_of(event, XW_GST_EXPECT_NAME);
    return s && gst_structure_get_uint(s, "fetuses", ret_fetuses);
}

GstEvent *xw_gst_rules_new(const struct xw_ecg_rules *rules)
{
    GBytes *bytes = g_bytes_new(rules, sizeof(*rules));
    GstStructure *s = gst_structure_new(XW_GST_RULES_NAME, "rules", G_TYPE_BYTES, bytes, NULL);
    g_bytes_unref(bytes);
    return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, s);
}

gboolean xw_gst_rules_get(GstEvent *event, struct xw_ecg_rules *ret_rules)
{
    const GstStructure *s = structure_of(event, XW_GST_RULES_NAME);
    const GValue *v = s ? gst_structure_get_value(s, "rules") : NULL;
    gsize size = 0;
    const void *bytes =
        v && G_VALUE_HOLDS(v, G_TYPE_BYTES) ? g_bytes_get_data(g_value_get_boxed(v), &size) : NULL;
    if (!bytes || size != sizeof(*ret_rules))
        return FALSE;
    memcpy(ret_rules, bytes, size);
    return TRUE;
}

GstEvent *xw_gst_pulse_new(const struct xw_gst_pulse *pulse)
{
    GBytes *bytes = g_bytes_new(pulse->x, pulse->n * sizeof(*pulse->x));
    GstStructure *s = gst_structure_new(
        XW_GST_PULSE_NAME, "wave", G_TYPE_UINT, pulse->wave, "anew", G_TYPE_BOOLEAN, pulse->anew,
        "rate", G_TYPE_DOUBLE, pulse->rate_hz, "at", G_TYPE_DOUBLE, pulse->at, "step",
        G_TYPE_DOUBLE, pulse->step, "values", G_TYPE_BYTES, bytes, NULL);
    g_bytes_unref(bytes);
    return gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, s);
}

gboolean xw_gst_pulse_get(GstEvent *event, struct xw_gst_pulse *ret_pulse)
{
    const GstStructure *s = structure_of(event, XW_GST_PULSE_NAME);
    const GValue *v = s ? gst_structure_get_value(s, "values") : NULL;
    struct xw_gst_pulse pulse;
    gsize size = 0;
    if (!v || !G_VALUE_HOLDS(v, G_TYPE_BYTES) ||
        !gst_structure_get(s, "wave", G_TYPE_UINT, &pulse.wave, "anew", G_TYPE_BOOLEAN, &pulse.anew,
                           "rate", G_TYPE_DOUBLE, &pulse.rate_hz, "at", G_TYPE_DOUBLE, &pulse.at,
                           "step", G_TYPE_DOUBLE, &pulse.step, NULL))
        return FALSE;
    pulse.x = g_bytes_get_data(g_value_get_boxed(v), &size);
    pulse.n = size / sizeof(*pulse.x);
    *ret_pulse = pulse;
    return TRUE;
}
