/* An analysis chain in a pipeline: samples untouched, events in band. */

#include "gst/screen.h"

#include "gst/handover.h"
#include "gst/header.h"
#include "gst/message.h"

GST_DEBUG_CATEGORY_STATIC(screen_debug);
#define GST_CAT_DEFAULT screen_debug

/* FFTW's planner is one per process. */
static GMutex plan_lock;

typedef struct {
    guint64 rate_num, rate_den;
    guint channels_n;
    gboolean have_config;
    gpointer chain;        /* made at the first buffer: it says where it begins */
    gint64 position;       /* index of the sample that the chain waits for */
    GArray *events;        /* struct xw_ecg_event, made by the chain, not pushed yet */
    guint32 lead_off_mask; /* told for samples from lead_off_index on */
    guint64 lead_off_index;
    gboolean lead_off_due;
    gboolean post_messages; /* atomic */
    guint64 samples_n, late_samples_n;
} XwScreenPrivate;

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE(XwScreen, xw_screen, GST_TYPE_BASE_TRANSFORM)

enum { PROP_POST_MESSAGES = 1, PROP_SAMPLES, PROP_LATE_SAMPLES };

static XwScreenPrivate *priv_of(XwScreen *self)
{
    return xw_screen_get_instance_private(self);
}

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(XW_GST_CAPS_TEXT));
static GstStaticPadTemplate src_template =
    GST_STATIC_PAD_TEMPLATE("src", GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS(XW_GST_CAPS_TEXT));

static const struct xw_screen_chain *calls_of(XwScreen *self)
{
    return XW_SCREEN_GET_CLASS(self)->chain;
}

static void chain_drop(XwScreen *self)
{
    XwScreenPrivate *priv = priv_of(self);
    if (!priv->chain)
        return;
    g_mutex_lock(&plan_lock);
    calls_of(self)->free(priv->chain);
    g_mutex_unlock(&plan_lock);
    priv->chain = NULL;
}

gpointer xw_screen_chain(XwScreen *self)
{
    return priv_of(self)->chain;
}

void xw_screen_event(void *self, const struct xw_ecg_event *event)
{
    g_array_append_val(priv_of(self)->events, *event);
}

/* What the chain said goes downstream, ahead of the buffer that made it say so. */
static void push_events(XwScreen *self)
{
    XwScreenPrivate *priv = priv_of(self);
    GstPad *pad = GST_BASE_TRANSFORM_SRC_PAD(self);
    gboolean post = g_atomic_int_get(&priv->post_messages);
    for (guint i = 0; i < priv->events->len; i++) {
        const struct xw_ecg_event *event = &g_array_index(priv->events, struct xw_ecg_event, i);
        gst_pad_push_event(pad, xw_gst_ecg_event_new(event));
        if (post)
            gst_element_post_message(
                GST_ELEMENT(self),
                gst_message_new_element(GST_OBJECT(self), xw_gst_ecg_event_structure(event)));
    }
    g_array_set_size(priv->events, 0);
}

void xw_screen_say_run(XwScreen *self)
{
    XwScreenPrivate *priv = priv_of(self);
    struct xw_ecg_run run;
    if (!priv->chain)
        return;
    calls_of(self)->run(priv->chain, &run);
    gst_pad_push_event(GST_BASE_TRANSFORM_SRC_PAD(self), xw_gst_run_new(&run));
}

static gboolean chain_begin(XwScreen *self, gint64 first)
{
    XwScreenPrivate *priv = priv_of(self);
    g_mutex_lock(&plan_lock);
    int r = calls_of(self)->make(self, first, &priv->chain);
    g_mutex_unlock(&plan_lock);
    if (r < 0) {
        GST_ELEMENT_ERROR(self, LIBRARY, INIT, ("the analysis cannot be set up"),
                          ("make: %s", g_strerror(-r)));
        return FALSE;
    }
    priv->position = first;
    xw_screen_say_run(self);
    return TRUE;
}

/* Feeds samples, stopping where an announced change of the electrodes begins. */
static void feed(XwScreen *self, const gint32 *x, gint64 n)
{
    XwScreenPrivate *priv = priv_of(self);
    const struct xw_screen_chain *calls = calls_of(self);
    if (priv->lead_off_due && (gint64)priv->lead_off_index < priv->position + n) {
        gint64 before = MAX((gint64)priv->lead_off_index - priv->position, 0);
        calls->process(priv->chain, x, (gsize)before);
        if (calls->lead_off)
            calls->lead_off(priv->chain, priv->lead_off_mask);
        priv->lead_off_due = FALSE;
        priv->position += before;
        x += before * priv->channels_n;
        n -= before;
    }
    calls->process(priv->chain, x, (gsize)n);
    priv->position += n;
}

/* Where the buffer lies: its own offset, else its time stamp after a break, else right behind. */
static gint64 buffer_first(XwScreen *self, GstBuffer *buffer)
{
    XwScreenPrivate *priv = priv_of(self);
    if (GST_BUFFER_OFFSET_IS_VALID(buffer))
        return (gint64)GST_BUFFER_OFFSET(buffer);
    if (GST_BUFFER_PTS_IS_VALID(buffer) && (GST_BUFFER_IS_DISCONT(buffer) || !priv->chain))
        return (gint64)gst_util_uint64_scale_round(GST_BUFFER_PTS(buffer), priv->rate_num,
                                                   GST_SECOND * priv->rate_den);
    return priv->chain ? priv->position : 0;
}

static GstFlowReturn transform_ip(GstBaseTransform *base, GstBuffer *buffer)
{
    XwScreen *self = XW_SCREEN(base);
    XwScreenPrivate *priv = priv_of(self);
    if (!priv->have_config)
        return GST_FLOW_OK;
    GstMapInfo map;
    xw_gst_takes(buffer);
    if (!gst_buffer_map(buffer, &map, GST_MAP_READ))
        return GST_FLOW_ERROR;
    guint channels = priv->channels_n;
    gint64 n = (gint64)(map.size / (sizeof(gint32) * channels));
    gint64 first = buffer_first(self, buffer);
    gboolean ok = priv->chain != NULL || chain_begin(self, first);
    if (ok) {
        if (first > priv->position) {
            calls_of(self)->gap(priv->chain, first);
            priv->position = first;
        }
        /* An old hole that is filled in late: kept and sent on, but the analysis went on since. */
        gint64 skip = MIN(priv->position - first, n);
        priv->late_samples_n += (guint64)skip;
        priv->samples_n += (guint64)n;
        feed(self, (const gint32 *)(const void *)map.data + skip * channels, n - skip);
    }
    gst_buffer_unmap(buffer, &map);
    push_events(self);
    return ok ? GST_FLOW_OK : GST_FLOW_ERROR;
}

/* The end of a run: what can still be said is said. */
static void chain_end(XwScreen *self)
{
    XwScreenPrivate *priv = priv_of(self);
    if (!priv->chain)
        return;
    calls_of(self)->flush(priv->chain);
    push_events(self);
    chain_drop(self);
}

static void take_header(XwScreen *self, const guint8 *bytes, gsize size)
{
    XwScreenPrivate *priv = priv_of(self);
    Xw__StreamHeader *header = xw__stream_header__unpack(NULL, size, bytes);
    chain_end(self);
    int r = header && header->rate ? calls_of(self)->configure(self, header) : -1;
    priv->have_config = r == 0;
    if (r < 0) {
        GST_INFO_OBJECT(self, "this stream passes without analysis");
    } else {
        priv->rate_num = header->rate->num;
        priv->rate_den = header->rate->den;
        priv->channels_n = (guint)header->n_channels;
    }
    if (header)
        xw__stream_header__free_unpacked(header, NULL);
}

static gboolean sink_event(GstBaseTransform *base, GstEvent *event)
{
    XwScreen *self = XW_SCREEN(base);
    XwScreenPrivate *priv = priv_of(self);
    const guint8 *bytes;
    gsize size;
    if (xw_gst_lead_off_get(event, &priv->lead_off_index, &priv->lead_off_mask))
        priv->lead_off_due = TRUE;
    gboolean header = xw_gst_header_event_get(event, &bytes, &size);
    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
        chain_end(self);
    } else if (GST_EVENT_TYPE(event) == GST_EVENT_FLUSH_STOP) {
        chain_drop(self);
        g_array_set_size(priv->events, 0);
    }
    if (header)
        take_header(self, bytes, size);
    return GST_BASE_TRANSFORM_CLASS(xw_screen_parent_class)->sink_event(base, event);
}

static gboolean set_caps(GstBaseTransform *base, GstCaps *in, GstCaps *out)
{
    XwScreenPrivate *priv = priv_of(XW_SCREEN(base));
    (void)out;
    gint channels = 0;
    gst_structure_get_int(gst_caps_get_structure(in, 0), "channels", &channels);
    if (priv->have_config && priv->channels_n != (guint)channels) {
        GST_INFO_OBJECT(base, "caps with %d channels: waiting for their stream header", channels);
        priv->have_config = FALSE;
    }
    return TRUE;
}

static gboolean stop(GstBaseTransform *base)
{
    XwScreen *self = XW_SCREEN(base);
    XwScreenPrivate *priv = priv_of(self);
    chain_drop(self);
    g_array_set_size(priv->events, 0);
    priv->have_config = FALSE;
    priv->lead_off_due = FALSE;
    return TRUE;
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    if (id == PROP_POST_MESSAGES)
        g_atomic_int_set(&priv_of(XW_SCREEN(object))->post_messages, g_value_get_boolean(value));
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    XwScreenPrivate *priv = priv_of(XW_SCREEN(object));
    if (id == PROP_POST_MESSAGES)
        g_value_set_boolean(value, g_atomic_int_get(&priv->post_messages));
    else if (id == PROP_SAMPLES)
        g_value_set_uint64(value, priv->samples_n);
    else if (id == PROP_LATE_SAMPLES)
        g_value_set_uint64(value, priv->late_samples_n);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void finalize(GObject *object)
{
    XwScreen *self = XW_SCREEN(object);
    chain_drop(self);
    g_array_unref(priv_of(self)->events);
    G_OBJECT_CLASS(xw_screen_parent_class)->finalize(object);
}

static void xw_screen_init(XwScreen *self)
{
    XwScreenPrivate *priv = priv_of(self);
    priv->events = g_array_sized_new(FALSE, FALSE, sizeof(struct xw_ecg_event), 64);
    priv->post_messages = TRUE;
    gst_base_transform_set_passthrough(GST_BASE_TRANSFORM(self), TRUE);
}

void xw_screen_class_setup(XwScreenClass *class, const struct xw_screen_chain *chain,
                           const char *name, const char *description)
{
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    class->chain = chain;
    gst_element_class_set_static_metadata(element, name, "Filter/Analyzer/Audio", description,
                                          "Xinwang");
    gst_element_class_add_static_pad_template(element, &sink_template);
    gst_element_class_add_static_pad_template(element, &src_template);
}

static void xw_screen_class_init(XwScreenClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    GstBaseTransformClass *base = GST_BASE_TRANSFORM_CLASS(class);
    GST_DEBUG_CATEGORY_INIT(screen_debug, "xwscreen", 0, "signal analysis");
    object->set_property = set_property;
    object->get_property = get_property;
    object->finalize = finalize;
    g_object_class_install_property(
        object, PROP_POST_MESSAGES,
        g_param_spec_boolean("post-messages", "Post messages", "copy every event to the bus", TRUE,
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
    base->transform_ip = transform_ip;
    base->transform_ip_on_passthrough = TRUE;
    base->sink_event = sink_event;
    base->set_caps = set_caps;
    base->stop = stop;
}
