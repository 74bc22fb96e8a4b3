/* What the analysing elements have in common: samples pass through untouched (the very buffers that
 * came in go out), events are pushed downstream, serialized, before the buffer during which they
 * were made; copies go to the bus as element messages while `post-messages` is set.
 *
 * They need the sticky stream header (message.h). GST_BUFFER_OFFSET is the index of a buffer's
 * first sample; a jump forward is a gap to the chain, samples older than its position pass
 * unanalysed. A stream that the chain has no use for (rate, modality) passes through without
 * events.
 *
 * Abstract: a subclass gives the chain. Threads: the streaming thread runs the chain. Making and
 * freeing chains is serialised here, since FFT planning is not safe in two threads. */
#ifndef XW_GST_SCREEN_H
#define XW_GST_SCREEN_H

#include <gst/base/gstbasetransform.h>

#include "dsp/ecg/chain.h"
#include "proto/signal.pb-c.h"

#define XW_TYPE_SCREEN (xw_screen_get_type())
G_DECLARE_DERIVABLE_TYPE(XwScreen, xw_screen, XW, SCREEN, GstBaseTransform)

/* A chain of one kind. */
struct xw_screen_chain {
    /* The configuration from a header is kept; rate and channels are told. < 0: no use for it. */
    int (*configure)(XwScreen *self, const Xw__StreamHeader *header);
    /* From `first` on; its events go to xw_screen_event with `self` as user. */
    int (*make)(XwScreen *self, gint64 first, gpointer *ret_chain);
    /* The rest is given what make() made. */
    void (*free)(gpointer chain);
    void (*process)(gpointer chain, const gint32 *x, gsize n);
    void (*gap)(gpointer chain, gint64 next);
    void (*flush)(gpointer chain);
    void (*run)(gpointer chain, struct xw_ecg_run *ret_run);
    /* NULL where electrodes mean nothing. */
    void (*lead_off)(gpointer chain, guint32 mask);
};

struct _XwScreenClass {
    GstBaseTransformClass parent_class;
    const struct xw_screen_chain *chain;
};

void xw_screen_event(void *self, const struct xw_ecg_event *event);
/* What makes the events has changed: said downstream again, once there is a chain. */
void xw_screen_say_run(XwScreen *self);
/* NULL: not made yet. */
gpointer xw_screen_chain(XwScreen *self);
/* In a subclass's class_init: its chain, its pads, its place among the elements. */
void xw_screen_class_setup(XwScreenClass *class, const struct xw_screen_chain *chain,
                           const char *name, const char *description);

#endif
