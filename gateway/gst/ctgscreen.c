/* The fetal chain as an element. */

/**
 * SECTION:element-ctgscreen
 * @title: ctgscreen
 * @short_description: signal loss, spikes and mix-ups of fetal heart rates, samples unchanged
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -m wfdbsrc location=DIR/1002 ! ctgscreen ! fakesink
 * ]| prints every episode of a CTU-UHB record, and once a minute how much signal there is.
 */
#include "gst/ctgscreen.h"

#include "gst/header.h"
#include "gst/message.h"

struct _XwCtgscreen {
    XwScreen base;
    struct xw_fetal_config config;
    struct xw_fetal_chain *chain;
    guint32 expected; /* fetuses, told before the chain is made or later */
};

G_DEFINE_FINAL_TYPE(XwCtgscreen, xw_ctgscreen, XW_TYPE_SCREEN)

static int configure(XwScreen *screen, const Xw__StreamHeader *header)
{
    return xw_gst_header_fetal_config(header, &XW_CTGSCREEN(screen)->config);
}

static int chain_new(XwScreen *screen, gint64 first)
{
    XwCtgscreen *self = XW_CTGSCREEN(screen);
    self->config.first_sample = first;
    self->config.on_event = xw_screen_event;
    self->config.user = self;
    int r = xw_fetal_chain_new(&self->config, &self->chain);
    if (r == 0)
        xw_fetal_chain_expect(self->chain, self->expected);
    return r;
}

static void chain_free(XwScreen *screen)
{
    XwCtgscreen *self = XW_CTGSCREEN(screen);
    xw_fetal_chain_free(self->chain);
    self->chain = NULL;
}

static void process(XwScreen *screen, const gint32 *x, gsize n)
{
    xw_fetal_chain_process(XW_CTGSCREEN(screen)->chain, x, n);
}

static void gap(XwScreen *screen, gint64 next)
{
    xw_fetal_chain_gap(XW_CTGSCREEN(screen)->chain, next);
}

static void flush(XwScreen *screen)
{
    xw_fetal_chain_flush(XW_CTGSCREEN(screen)->chain);
}

static void run(XwScreen *screen, struct xw_ecg_run *ret_run)
{
    xw_fetal_chain_run(XW_CTGSCREEN(screen)->chain, ret_run);
}

static gboolean sink_event(GstBaseTransform *base, GstEvent *event)
{
    XwCtgscreen *self = XW_CTGSCREEN(base);
    if (xw_gst_expect_get(event, &self->expected) && self->chain)
        xw_fetal_chain_expect(self->chain, self->expected);
    return GST_BASE_TRANSFORM_CLASS(xw_ctgscreen_parent_class)->sink_event(base, event);
}

static void xw_ctgscreen_init(XwCtgscreen *self)
{
    self->chain = NULL;
}

static void xw_ctgscreen_class_init(XwCtgscreenClass *class)
{
    GstElementClass *element = GST_ELEMENT_CLASS(class);
    XwScreenClass *screen = XW_SCREEN_CLASS(class);
    gst_element_class_set_static_metadata(
        element, "CTG screening", "Filter/Analyzer/Audio",
        "Signal loss, spikes and mix-ups of fetal heart rates; samples untouched", "Xinwang");
    xw_screen_class_add_pads(element);
    GST_BASE_TRANSFORM_CLASS(class)->sink_event = sink_event;
    screen->configure = configure;
    screen->chain_new = chain_new;
    screen->chain_free = chain_free;
    screen->process = process;
    screen->gap = gap;
    screen->flush = flush;
    screen->run = run;
}
