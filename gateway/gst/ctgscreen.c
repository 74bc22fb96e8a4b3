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
    guint32 expected; /* fetuses, told before the chain is made or later */
};

G_DEFINE_FINAL_TYPE(XwCtgscreen, xw_ctgscreen, XW_TYPE_SCREEN)

static int configure(XwScreen *screen, const Xw__StreamHeader *header)
{
    return xw_gst_header_fetal_config(header, &XW_CTGSCREEN(screen)->config);
}

static int make(XwScreen *screen, gint64 first, gpointer *ret_chain)
{
    XwCtgscreen *self = XW_CTGSCREEN(screen);
    struct xw_fetal_chain *chain;
    self->config.first_sample = first;
    self->config.on_event = xw_screen_event;
    self->config.user = self;
    int r = xw_fetal_chain_new(&self->config, &chain);
    if (r < 0)
        return r;
    xw_fetal_chain_expect(chain, self->expected);
    *ret_chain = chain;
    return 0;
}

static void drop(gpointer chain)
{
    xw_fetal_chain_free(chain);
}

static void process(gpointer chain, const gint32 *x, gsize n)
{
    xw_fetal_chain_process(chain, x, n);
}

static void gap(gpointer chain, gint64 next)
{
    xw_fetal_chain_gap(chain, next);
}

static void flush(gpointer chain)
{
    xw_fetal_chain_flush(chain);
}

static void run(gpointer chain, struct xw_ecg_run *ret_run)
{
    xw_fetal_chain_run(chain, ret_run);
}

static const struct xw_screen_chain calls = {
    .configure = configure,
    .make = make,
    .free = drop,
    .process = process,
    .gap = gap,
    .flush = flush,
    .run = run,
};

static gboolean sink_event(GstBaseTransform *base, GstEvent *event)
{
    XwCtgscreen *self = XW_CTGSCREEN(base);
    gpointer chain = xw_screen_chain(XW_SCREEN(base));
    if (xw_gst_expect_get(event, &self->expected) && chain)
        xw_fetal_chain_expect(chain, self->expected);
    return GST_BASE_TRANSFORM_CLASS(xw_ctgscreen_parent_class)->sink_event(base, event);
}

static void xw_ctgscreen_init(XwCtgscreen *self)
{
    (void)self;
}

static void xw_ctgscreen_class_init(XwCtgscreenClass *class)
{
    xw_screen_class_setup(XW_SCREEN_CLASS(class), &calls, "CTG screening",
                          "Signal loss, spikes and mix-ups of fetal heart rates; samples "
                          "untouched");
    GST_BASE_TRANSFORM_CLASS(class)->sink_event = sink_event;
}
