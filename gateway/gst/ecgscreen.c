/* The analysis chain in a pipeline: samples untouched, events in band. */

/**
 * SECTION:element-ecgscreen
 * @title: ecgscreen
 * @short_description: finds beats, rhythms and alarms in an ECG without changing a sample
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -m wfdbsrc location=DIR/100 ! ecgscreen ! fakesink
 * ]| prints every beat and episode of the record as an element message.
 */
#include "gst/ecgscreen.h"

#include "gst/handover.h"
#include "gst/header.h"
#include "gst/message.h"

GST_DEBUG_CATEGORY_STATIC(ecgscreen_debug);
#define GST_CAT_DEFAULT ecgscreen_debug

/* FFTW's planner is one per process. */
static GMutex plan_lock;

struct _XwEcgscreen {
    GstBaseTransform base;
    struct xw_ecg_config config;
    gboolean have_config;
    struct xw_ecg_chain *chain; /* made at the first buffer, which says where the run begins */
    gint64 position;            /* index of the sample that the chain waits for */
    GArray *events;             /* struct xw_ecg_event, made by the chain, not pushed yet */
    guint32 lead_off_mask;      /* told for samples from lead_off_index on */
    guint64 lead_off_index;
    gboolean lead_off_due;
    gboolean post_messages; /* atomic */
    guint mains_hz;
    guint64 samples_n, late_samples_n;
};

G_DEFINE_FINAL_TYPE(XwEcgscreen, xw_ecgscreen, GST_TYPE_BASE_TRANSFORM)

enum { PROP_POST_MESSAGES = 1, PROP_MAINS, PROP_SAMPLES, PROP_LATE_SAMPLES };

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(XW_GST_CAPS_TEXT));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(XW_GST_CAPS_TEXT));

static void chain_drop(XwEcgscreen *self)
{
    g_mutex_lock(&plan_lock);
    xw_ecg_chain_free(self->chain);
    g_mutex_unlock(&plan_lock);
    self->chain = NULL;
}

static void on_event(void *user, const struct xw_ecg_event *event)
{
    XwEcgscreen *self = user;
    g_array_append_val(self->events, *event);
}

/* What the chain said goes downstream, ahead of the buffer that made it say so. */
static void push_events(XwEcgscreen *self)
{
    GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD(self);
    gboolean post = g_atomic_int_get(&self->post_messages);
    for (guint i = 0; i < self->events->len; i++) {
        const struct xw_ecg_event *event = &g_array_index(self->events, struct xw_ecg_event, i);
        gst_pad_push_event(pad, xw_gst_ecg_event_new(event));
        if (post)
            gst_element_post_message(
                GST_ELEMENT(self),
                gst_message_new_element(GST_OBJECT(self), xw_gst_ecg_event_structure(event)));
    }
    g_array_set_size(self->events, 0);
}

static gboolean chain_begin(XwEcgscreen *self, gint64 first)
{
    self->config.first_sample = first;
    self->config.mains_hz = self->mains_hz;
    self->config.on_event = on_event;
    self->config.user = self;
    g_mutex_lock(&plan_lock);
    int r = xw_ecg_chain_new(&self->config, &self->chain);
    g_mutex_unlock(&plan_lock);
    if (r < 0) {
        GST_ELEMENT_ERROR(self, LIBRARY, INIT, ("the analysis cannot be set up"),
                          ("chain_new: %s", g_strerror(-r)));
        return FALSE;
    }
    self->position = first;
    struct xw_ecg_run run;
    xw_ecg_chain_run(self->chain, &run);
    gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(self), xw_gst_run_new(&run));
    return TRUE;
}

/* Feeds samples, stopping where an announced change of the electrodes begins. */
static void feed(XwEcgscreen *self, const gint32 *x, gint64 n)
{
    guint channels = self->config.channels_n;
    if (self->lead_off_due && (gint64)self->lead_off_index < self->position + n) {
        gint64 before = MAX((gint64)self->lead_off_index - self->position, 0);
        xw_ecg_chain_process(self->chain, x, (size_t)before);
        xw_ecg_chain_set_lead_off(self->chain, self->lead_off_mask);
        self->lead_off_due = FALSE;
        self->position += before;
        x += before * channels;
        n -= before;
    }
    xw_ecg_chain_process(self->chain, x, (size_t)n);
    self->position += n;
}

/* Where the buffer lies: its own offset, else its time stamp after a break, else right behind. */
static gint64 buffer_first(XwEcgscreen *self, GstBuffer *buffer)
{
    if (GST_BUFFER_OFFSET_IS_VALID(buffer))
        return (gint64)GST_BUFFER_OFFSET(buffer);
    if (GST_BUFFER_PTS_IS_VALID(buffer) && (GST_BUFFER_IS_DISCONT(buffer) || !self->chain))
        return (gint64)gst_util_uint64_scale_round(GST_BUFFER_PTS(buffer), self->config.rate_num,
                                                   GST_SECOND * self->config.rate_den);
    return self->chain ? self->position : 0;
}

static GstFlowReturn transform_ip(GstBaseTransform *base, GstBuffer *buffer)
{
    XwEcgscreen *self = XW_ECGSCREEN(base);
    if (!self->have_config)
        return GST_FLOW_OK;
    GstMapInfo map;
    xw_gst_takes(buffer);
    if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
        return GST_FLOW_ERROR;
    guint channels = self->config.channels_n;
    gint64 n = (gint64)(map.size / (sizeof(gint32) * channels));
    gint64 first = buffer_first(self, buffer);
    gboolean ok = self->chain || chain_begin(self, first);
    if (ok) {
        if (first > self->position) {
            xw_ecg_chain_gap(self->chain, first);
            self->position = first;
        }
        /* An old hole that is filled in late: kept and sent on, but the rhythm went on since. */
        gint64 skip = MIN(self->position - first, n);
        self->late_samples_n += (guint64)skip;
        self->samples_n += (guint64)n;
        feed(self, (const gint32 *)(const void *)map.data + skip * channels, n - skip);
    }
    gst_buffer_unmap(buffer, &map);
    push_events(self);
    return ok ? GST_FLOW_OK : GST_FLOW_ERROR;
}

static void take_header(XwEcgscreen *self, const guint8 *bytes, gsize size)
{
    Xw__StreamHeader *header = xw__stream_header__unpack(NULL, size, bytes);
    if (self->chain) {
        xw_ecg_chain_flush(self->chain);
        push_events(self);
        chain_drop(self);
    }
    int r = header ? xw_gst_header_ecg_config(header, self->mains_hz, &self->config) : -1;
    self->have_config = r == 0;
    if (r < 0)
        GST_INFO_OBJECT(self, "this stream passes without analysis");
    if (header)
        xw__stream_header__free_unpacked(header, NULL);
}

static gboolean sink_event(GstBaseTransform *base, GstEvent *event)
{
    XwEcgscreen *self = XW_ECGSCREEN(base);
    const guint8 *bytes;
    gsize size;
    if (xw_gst_lead_off_get(event, &self->lead_off_index, &self->lead_off_mask))
        self->lead_off_due = TRUE;
    gboolean header = xw_gst_header_event_get(event, &bytes, &size);
    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS && self->chain) {
        xw_ecg_chain_flush(self->chain);
        push_events(self);
        chain_drop(self);
    } else if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP && self->chain) {
        chain_drop(self);
        g_array_set_size(self->events, 0);
    }
    if (header)
        take_header(self, bytes, size);
    return GST_BASE_TRANSFORM_CLASS(xw_ecgscreen_parent_class)->sink_event(base, event);
}

static gboolean set_caps(GstBaseTransform *base, GstCaps *in, GstCaps *out)
{
    XwEcgscreen *self = XW_ECGSCREEN(base);
    (void)out;
    gint channels = 0;
    gst_structure_get_int(gst_caps_get_structure(in, 0), "channels", &channels);
    if (self->have_config && self->config.channels_n != (guint)channels) {
        GST_INFO_OBJECT(self, "caps with %d channels: waiting for their stream header", channels);
        self->have_config = FALSE;
    }
    return TRUE;
}

static gboolean stop(GstBaseTransform *base)
{
    XwEcgscreen *self = XW_ECGSCREEN(base);
    chain_drop(self);
    g_array_set_size(self->events, 0);
    self->have_config = FALSE;
    self->lead_off_due = FALSE;
    return TRUE;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    XwEcgscreen *self = XW_ECGSCREEN(object);
    if (id == PROP_POST_MESSAGES)
        g_atomic_int_set(&self->post_messages, g_value_get_boolean(value));
    else if (id == PROP_MAINS)
        self->mains_hz = g_value_get_uint(value);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    XwEcgscreen *self = XW_ECGSCREEN(object);
    if (id == PROP_POST_MESSAGES)
        g_value_set_boolean(value, g_atomic_int_get(&self->post_messages));
    else if (id == PROP_MAINS)
        g_value_set_uint(value, self->mains_hz);
    else if (id == PROP_SAMPLES)
        g_value_set_uint64(value, self->samples_n);
    else if (id == PROP_LATE_SAMPLES)
        g_value_set_uint64(value, self->late_samples_n);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void finalize(GObject *object)
{
    XwEcgscreen *self = XW_ECGSCREEN(object);
    chain_drop(self);
    g_array_unref(self->events);
    G_OBJECT_CLASS(xw_ecgscreen_parent_class)->finalize(object);
}

static void xw_ecgscreen_init(XwEcgscreen *self)
{
    self->events = g_array_sized_new(FALSE, FALSE, sizeof(struct xw_ecg_event), 64);
    self->post_messages = TRUE;
    gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), TRUE);
}

static void xw_ecgscreen_class_init(XwEcgscreenClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS(class);
    GST_DEBUG_CATEGORY_INIT(ecgscreen_debug, "ecgscreen", 0, "ECG analysis");
    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    g_object_class_install_property(
        object, PROP_POST_MESSAGES,
        g_param_spec_boolean("post-messages", "Post messages", "copy every event to the bus", TRUE,
                             G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    g_object_class_install_property(
        object, PROP_MAINS,
        g_param_spec_uint("mains", "Mains", "50 or 60 Hz; 0 = found by listening", 0, 60, 0,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    g_object_class_install_property(object, PROP_SAMPLES,
                                    g_param_spec_uint64("samples", "Samples", "samples passed on",
                                                        0, G_MAXUINT64, 0,
                                                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
    g_object_class_install_property(
        object, PROP_LATE_SAMPLES,
        g_param_spec_uint64("late-samples", "Late samples",
                            "samples older than the analysis, passed on without it", 0, G_MAXUINT64,
                            0, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
    gst_element_class_set_static_metadata(element, "ECG screening", "Filter/Analyzer/Audio",
                                          "Finds beats, rhythms and alarms; samples untouched",
                                          "Xinwang");
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);
    base->transform_ip = transform_ip;
    base->transform_ip_on_passthrough = TRUE;
    base->sink_event = sink_event;
    base->set_caps = set_caps;
    base->stop = stop;
}
