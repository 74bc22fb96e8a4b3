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

struct _XwScreenClass {
    GstBaseTransformClass parent_class;
    /* The configuration from a header is kept; rate and channels are told. < 0: no use for it. */
    int (*configure)(XwScreen *self, const Xw__StreamHeader *header);
    /* The chain, from `first` on; its events go to xw_screen_event with `self` as user. */
    int (*chain_new)(XwScreen *self, gint64 first);
    void (*chain_free)(XwScreen *self);
    void (*process)(XwScreen *self, const gint32 *x, gsize n);
    void (*gap)(XwScreen *self, gint64 next);
    void (*flush)(XwScreen *self);
    void (*run)(XwScreen *self, struct xw_ecg_run *ret_run);
    /* NULL where electrodes mean nothing. */
    void (*lead_off)(XwScreen *self, guint32 mask);
};

void xw_screen_event(void *self, const struct xw_ecg_event *event);
/* For both pads. */
void xw_screen_class_add_pads(GstElementClass *element);

#endif
