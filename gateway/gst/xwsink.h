/* `xwsink`: the end of a signal pipeline. It hands each block, together with the events that were
 * made during it, to whoever stores both in one transaction.
 *
 * Threads: set the handler before the pipeline leaves READY; it is called on the streaming thread
 * and may block (that is the back-pressure). Ownership: everything is borrowed for the call.
 * Without a handler the blocks are counted and dropped. */
#ifndef XW_GST_XWSINK_H
#define XW_GST_XWSINK_H

#include <gst/base/gstbasesink.h>

#include "dsp/ecg/chain.h"

#define XW_TYPE_SINK (xw_sink_get_type())
G_DECLARE_FINAL_TYPE(XwSink, xw_sink, XW, SINK, GstBaseSink)

struct xw_sink_handler {
    void *user;
    /* What makes the events from here on. */
    void (*on_run)(void *user, const struct xw_ecg_run *run);
    /* buffer NULL: the stream is at its end; these events are the last ones. */
    void (*on_block)(void *user, GstBuffer *buffer, const struct xw_ecg_event *events,
                     size_t events_n);
};

void xw_sink_set_handler(XwSink *sink, const struct xw_sink_handler *handler);

#endif
