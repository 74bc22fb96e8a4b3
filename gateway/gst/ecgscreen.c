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
    guint mains_hz;
};

G_DEFINE_FINAL_TYPE(XwEcgscreen, xw_ecgscreen, XW_TYPE_SCREEN)

enum { PROP_MAINS = 1 };

static int configure(XwScreen *screen, const Xw__StreamHeader *header)
{
    XwEcgscreen *self = XW_ECGSCREEN(screen);
    return xw_gst_header_ecg_config(header, self->mains_hz, &self->config);
}

static int make(XwScreen *screen, gint64 first, gpointer *ret_chain)
{
    XwEcgscreen *self = XW_ECGSCREEN(screen);
    struct xw_ecg_chain *chain;
    self->config.first_sample = first;
    self->config.mains_hz = self->mains_hz;
    self->config.on_event = xw_screen_event;
    self->config.user = self;
    int r = xw_ecg_chain_new(&self->config, &chain);
    if (r == 0)
        *ret_chain = chain;
    return r;
}

static void drop(gpointer chain)
{
    xw_ecg_chain_free(chain);
}

static void process(gpointer chain, const gint32 *x, gsize n)
{
    xw_ecg_chain_process(chain, x, n);
}

static void gap(gpointer chain, gint64 next)
{
    xw_ecg_chain_gap(chain, next);
}

static void flush(gpointer chain)
{
    xw_ecg_chain_flush(chain);
}

static void run(gpointer chain, struct xw_ecg_run *ret_run)
{
    xw_ecg_chain_run(chain, ret_run);
}

static void lead_off(gpointer chain, guint32 mask)
{
    xw_ecg_chain_set_lead_off(chain, mask);
}

static const struct xw_screen_chain calls = {
    .configure = configure,
    .make = make,
    .free = drop,
    .process = process,
    .gap = gap,
    .flush = flush,
    .run = run,
    .lead_off = lead_off,
};

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
    (void)self;
}

static void xw_ecgscreen_class_init(XwEcgscreenClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    object->set_property = set_property;
    object->get_property = get_property;
    g_object_class_install_property(
        object, PROP_MAINS,
        g_param_spec_uint("mains", "Mains", "50 or 60 Hz; 0 = found by listening", 0, 60, 0,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    xw_screen_class_setup(XW_SCREEN_CLASS(class), &calls, "ECG screening",
                          "Finds beats, rhythms and alarms; samples untouched");
}
