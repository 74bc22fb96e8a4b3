/* A stream header as GStreamer caps and as the configuration of an analysis chain; and a header
 * made from a WFDB record.
 *
 * Caps: audio/x-raw, S32LE, interleaved, rounded rate (at least 1), channel-mask 0. The exact rate
 * is in the header, which goes along as a sticky event.
 * Threads: pure functions. Errors: -ENOTSUP the chain has no use for such a stream, -ENOMEM. */
#ifndef XW_GST_HEADER_H
#define XW_GST_HEADER_H

#include <gst/gst.h>

#include "dsp/ecg/chain.h"
#include "dsp/fetal/chain.h"
#include "proto/signal.pb-c.h"
#include "wfdb/wfdb.h"

#define XW_GST_CAPS_TEXT                                                                           \
    "audio/x-raw, format=(string)S32LE, layout=(string)interleaved, "                              \
    "rate=(int)[1, 10000], channels=(int)[1, 64]"

GstCaps *xw_gst_header_caps(const Xw__StreamHeader *header);

/* Fills everything but first_sample, on_event and user. */
int xw_gst_header_ecg_config(const Xw__StreamHeader *header, guint32 mains_hz,
                             struct xw_ecg_config *ret_config);

int xw_gst_header_fetal_config(const Xw__StreamHeader *header, struct xw_fetal_config *ret_config);

/* The serialized header of the reader's selected signals, with empty ids; g_free it. A record of
 * fetal heart rates and contractions is CTG, any other ECG. */
int xw_gst_header_from_wfdb(const struct xw_wfdb_reader *reader, guint8 **ret_header,
                            gsize *ret_size);

#endif
