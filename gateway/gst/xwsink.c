/* The end of a signal pipeline: a block and the events made during it, handed over together. */

/**
 * SECTION:element-xwsink
 * @title: xwsink
 * @short_description: hands blocks and their events to the spool
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 wfdbsrc location=DIR/100 ! ecgscreen post-messages=false ! xwsink
 * ]| In a pipeline without the gateway it counts and drops.
 */
#include "gst/xwsink.h"

#include "gst/handover.h"
#include "gst/header.h"
#include "gst/message.h"

struct _XwSink {
    GstBaseSink base;
    struct xw_sink_handler handler;
    GArray *events; /* of the buffer that is to come */
    guint64 samples_n, events_n;
    guint channels_n;
};

G_DEFINE_FINAL_TYPE(XwSink, xw_sink, GST_TYPE_BASE_SINK)

enum { PROP_SAMPLES = 1, PROP_EVENTS };

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE(
    "sink", GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS(XW_GST_CAPS_TEXT));

void xw_sink_set_handler(XwSink *sink, const struct xw_sink_handler *handler)
{
    sink->handler = *handler;
}

static void hand_over(XwSink *self, GstBuffer *buffer)
{
    if (self->handler.on_block)
        self->handler.on_block(self->handler.user, buffer,
                               (const struct xw_ecg_event *)(const void *)self->events->data,
                               self->events->len);
    g_array_set_size(self->events, 0);
}

static GstFlowReturn render(GstBaseSink *base, GstBuffer *buffer)
{
    XwSink *self = XW_SINK(base);
    xw_gst_takes(buffer);
    if (self->channels_n)
        self->samples_n += gst_buffer_get_size(buffer) / (sizeof(gint32) * self->channels_n);
    hand_over(self, buffer);
    return GST_FLOW_OK;
}

static gboolean event(GstBaseSink *base, GstEvent *event)
{
    XwSink *self = XW_SINK(base);
    const struct xw_ecg_event *ecg = xw_gst_ecg_event_get(event);
    struct xw_ecg_run run;
    if (ecg) {
        g_array_append_val(self->events, *ecg);
        self->events_n++;
    } else if (xw_gst_run_get(event, &run)) {
        if (self->handler.on_run)
            self->handler.on_run(self->handler.user, &run);
    } else if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
        hand_over(self, NULL);
    }
    return GST_BASE_SINK_CLASS(xw_sink_parent_class)->event(base, event);
}

static gboolean set_caps(GstBaseSink *base, GstCaps *caps)
{
    gint channels = 0;
    gst_structure_get_int(gst_caps_get_structure(caps, 0), "channels", &channels);
    XW_SINK(base)->channels_n = (guint)channels;
    return TRUE;
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    XwSink *self = XW_SINK(object);
    if (id == PROP_SAMPLES)
        g_value_set_uint64(value, self->samples_n);
    else if (id == PROP_EVENTS)
        g_value_set_uint64(value, self->events_n);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void finalize(GObject *object)
{
    g_array_unref(XW_SINK(object)->events);
    G_OBJECT_CLASS(xw_sink_parent_class)->finalize(object);
}

static void xw_sink_init(XwSink *self)
{
    self->events = g_array_sized_new(FALSE, FALSE, sizeof(struct xw_ecg_event), 16);
    gst_base_sink_set_sync(GST_BASE_SINK(self), FALSE);
    gst_base_sink_set_async_enabled(GST_BASE_SINK(self), FALSE);
    gst_base_sink_set_last_sample_enabled(GST_BASE_SINK(self), FALSE);
    gst_base_sink_set_qos_enabled(GST_BASE_SINK(self), FALSE);
}

static void xw_sink_class_init(XwSinkClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    GstBaseSinkClass *base = GST_BASE_SINK_CLASS(class);
    object->get_property = get_property;
    object->finalize = finalize;
    g_object_class_install_property(object, PROP_SAMPLES,
                                    g_param_spec_uint64("samples", "Samples", "samples received", 0,
                                                        G_MAXUINT64, 0,
                                                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
    g_object_class_install_property(object, PROP_EVENTS,
                                    g_param_spec_uint64("events", "Events", "events received", 0,
                                                        G_MAXUINT64, 0,
                                                        G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
    gst_element_class_set_static_metadata(element, "Signal store sink", "Sink",
                                          "Hands blocks and their events to the spool", "Xinwang");
    gst_element_class_add_static_pad_template(element, &sink_template);
    base->render = render;
    base->event = event;
    base->set_caps = set_caps;
}
