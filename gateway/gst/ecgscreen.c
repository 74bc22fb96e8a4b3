/* The ECG chain as an element. */

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

#include "gst/header.h"

struct _XwEcgscreen {
    XwScreen base;
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain;
    guint mains_hz;
};

G_DEFINE_FINAL_TYPE(XwEcgscreen, xw_ecgscreen, XW_TYPE_SCREEN)

enum { PROP_MAINS = 1 };

static int configure(XwScreen *screen, const Xw__StreamHeader *header)
{
    XwEcgscreen *self = XW_ECGSCREEN(screen);
    return xw_gst_header_ecg_config(header, self->mains_hz, &self->config);
}

static int chain_new(XwScreen *screen, gint64 first)
{
    XwEcgscreen *self = XW_ECGSCREEN(screen);
    self->config.first_sample = first;
    self->config.mains_hz = self->mains_hz;
    self->config.on_event = xw_screen_event;
    self->config.user = self;
    return xw_ecg_chain_new(&self->config, &self->chain);
}

static void chain_free(XwScreen *screen)
{
    XwEcgscreen *self = XW_ECGSCREEN(screen);
    xw_ecg_chain_free(self->chain);
    self->chain = NULL;
}

static void process(XwScreen *screen, const gint32 *x, gsize n)
{
    xw_ecg_chain_process(XW_ECGSCREEN(screen)->chain, x, n);
}

static void gap(XwScreen *screen, gint64 next)
{
    xw_ecg_chain_gap(XW_ECGSCREEN(screen)->chain, next);
}

static void flush(XwScreen *screen)
{
    xw_ecg_chain_flush(XW_ECGSCREEN(screen)->chain);
}

static void run(XwScreen *screen, struct xw_ecg_run *ret_run)
{
    xw_ecg_chain_run(XW_ECGSCREEN(screen)->chain, ret_run);
}

static void lead_off(XwScreen *screen, guint32 mask)
{
    xw_ecg_chain_set_lead_off(XW_ECGSCREEN(screen)->chain, mask);
}

static void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec)
{
    if (id == PROP_MAINS)
        XW_ECGSCREEN(object)->mains_hz = g_value_get_uint(value);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec)
{
    if (id == PROP_MAINS)
        g_value_set_uint(value, XW_ECGSCREEN(object)->mains_hz);
    else
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
}

static void xw_ecgscreen_init(XwEcgscreen *self)
{
    self->chain = NULL;
}

static void xw_ecgscreen_class_init(XwEcgscreenClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    XwScreenClass *screen = XW_SCREEN_CLASS(class);
    object->set_property = set_property;
    object->get_property = get_property;
    g_object_class_install_property(
        object, PROP_MAINS,
        g_param_spec_uint("mains", "Mains", "50 or 60 Hz; 0 = found by listening", 0, 60, 0,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    gst_element_class_set_static_metadata(element, "ECG screening", "Filter/Analyzer/Audio",
                                          "Finds beats, rhythms and alarms; samples untouched",
                                          "Xinwang");
    xw_screen_class_add_pads(element);
    screen->configure = configure;
    screen->chain_new = chain_new;
    screen->chain_free = chain_free;
    screen->process = process;
    screen->gap = gap;
    screen->flush = flush;
    screen->run = run;
    screen->lead_off = lead_off;
}
