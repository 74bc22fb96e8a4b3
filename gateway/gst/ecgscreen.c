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
#include "dsp/ecg/pulse.h"
#include "gst/message.h"

#include <math.h>

struct _XwEcgscreen {
    XwScreen base;
    struct xw_ecg_config config;
    guint mains_hz;
    struct xw_ecg_rules rules; /* in force; told before the chain is made or later */
    struct {
        struct xw_ecg_pulse pulse;
        gboolean used;
        gint64 newest; /* index of its last value */
    } wave[XW_ECG_PULSES_MAX];
};

G_DEFINE_FINAL_TYPE(XwEcgscreen, xw_ecgscreen, XW_TYPE_SCREEN)

enum { PROP_MAINS = 1 };

static int configure(XwScreen *screen, const Xw__StreamHeader *header)
{
    XwEcgscreen *self = XW_ECGSCREEN(screen);
    return xw_gst_header_ecg_config(header, self->mains_hz, &self->config);
}

static void offer_waves(XwEcgscreen *self, struct xw_ecg_chain *chain)
{
    const struct xw_ecg_pulse *list[XW_ECG_PULSES_MAX];
    unsigned n = 0;
    for (unsigned i = 0; i < XW_ECG_PULSES_MAX; i++)
        if (self->wave[i].used)
            list[n++] = &self->wave[i].pulse;
    xw_ecg_chain_set_pulses(chain, list, n);
}

static int make(XwScreen *screen, gint64 first, gpointer *ret_chain)
{
    XwEcgscreen *self = XW_ECGSCREEN(screen);
    struct xw_ecg_chain *chain;
    self->config.first_sample = first;
    self->config.mains_hz = self->mains_hz;
    self->config.on_event = xw_screen_event;
    self->config.user = self;
    self->config.rules = &self->rules;
    int r = xw_ecg_chain_new(&self->config, &chain);
    if (r < 0)
        return r;
    offer_waves(self, chain);
    *ret_chain = chain;
    return 0;
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

/* The wave as far as it came; the ECG of the same time comes before or after it. */
static void take_pulse(XwEcgscreen *self, const struct xw_gst_pulse *in)
{
    gpointer chain = xw_screen_chain(XW_SCREEN(self));
    if (in->wave >= XW_ECG_PULSES_MAX || !self->config.rate_den || !isfinite(in->at) ||
        fabs(in->at) > 1e15 || !(in->step > 0 && in->step < 1e4))
        return;
    struct xw_ecg_pulse *pulse = &self->wave[in->wave].pulse;
    gint64 *newest = &self->wave[in->wave].newest;
    if (in->anew || !self->wave[in->wave].used) {
        double ecg_hz = (double)self->config.rate_num / self->config.rate_den;
        self->wave[in->wave].used = xw_ecg_pulse_init(pulse, in->rate_hz, ecg_hz) == 0;
        *newest = G_MININT64;
        if (chain)
            offer_waves(self, chain);
    }
    for (gsize i = 0; i < in->n && self->wave[in->wave].used; i++) {
        gint64 at = MAX((gint64)llround(in->at + (double)i * in->step), *newest);
        xw_ecg_pulse_push(pulse, in->x[i], at, isfinite(in->x[i]));
        *newest = at;
    }
}

static gboolean sink_event(GstBaseTransform *base, GstEvent *event)
{
    XwEcgscreen *self = XW_ECGSCREEN(base);
    gpointer chain = xw_screen_chain(XW_SCREEN(base));
    struct xw_ecg_rules rules;
    struct xw_gst_pulse pulse;
    if (xw_gst_pulse_get(event, &pulse))
        take_pulse(self, &pulse);
    if (xw_gst_rules_get(event, &rules) && xw_ecg_rules_check(&rules, NULL) == 0) {
        self->rules = rules;
        if (chain && xw_ecg_chain_set_rules(chain, &rules) == 0)
            xw_screen_say_run(XW_SCREEN(base));
    }
    return GST_BASE_TRANSFORM_CLASS(xw_ecgscreen_parent_class)->sink_event(base, event);
}

static void xw_ecgscreen_init(XwEcgscreen *self)
{
    xw_ecg_rules_default(&self->rules);
}

static void xw_ecgscreen_class_init(XwEcgscreenClass *class)
{
    GObjectClass *object = G_OBJECT_CLASS(class);
    object->set_property = set_property;
    object->get_property = get_property;
    GST_BASE_TRANSFORM_CLASS(class)->sink_event = sink_event;
    g_object_class_install_property(
        object, PROP_MAINS,
        g_param_spec_uint("mains", "Mains", "50 or 60 Hz; 0 = found by listening", 0, 60, 0,
                          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
    xw_screen_class_setup(XW_SCREEN_CLASS(class), &calls, "ECG screening",
                          "Finds beats, rhythms and alarms; samples untouched");
}
