/* What travels in band beside the samples of a signal pipeline.
 *
 *   xinwang/stream-header  sticky: "header" = the serialized StreamHeader (exact rate and gains)
 *   xinwang/ecg-run        sticky: what made the events (version, hashes, first sample)
 *   xinwang/ecg-event      serialized: one event of the chain, before the buffer that it was made
 *                          in
 *   xinwang/expect         serialized: "fetuses" that had signal before, bit 0 = FHR1
 *   xinwang/lead-off       serialized: "mask" of channels without an electrode from "index" on
 *
 * The fields of an ecg-event are readable (gst-launch-1.0 -m shows a copy of them as an element
 * message); the event itself, bit for bit, is in the boxed field "event".
 *
 * Threads: pure functions. Ownership: makers return a new reference; parsers borrow. */
#ifndef XW_GST_MESSAGE_H
#define XW_GST_MESSAGE_H

#include <gst/gst.h>

#include "dsp/ecg/chain.h"

#define XW_GST_HEADER_NAME "xinwang/stream-header"
#define XW_GST_RUN_NAME "xinwang/ecg-run"
#define XW_GST_EVENT_NAME "xinwang/ecg-event"
#define XW_GST_LEAD_OFF_NAME "xinwang/lead-off"
#define XW_GST_EXPECT_NAME "xinwang/expect"

typedef struct xw_ecg_event XwGstEcgEvent; /* as G_DEFINE_BOXED_TYPE wants it named */
#define XW_GST_TYPE_ECG_EVENT (xw_gst_ecg_event_get_type())
GType xw_gst_ecg_event_get_type(void);

GstStructure *xw_gst_ecg_event_structure(const struct xw_ecg_event *event);
GstEvent *xw_gst_ecg_event_new(const struct xw_ecg_event *event);
/* NULL when it is no ecg-event. */
const struct xw_ecg_event *xw_gst_ecg_event_get(GstEvent *event);

GstEvent *xw_gst_run_new(const struct xw_ecg_run *run);
/* ret_run's texts are borrowed from the event. FALSE when it is no ecg-run. */
gboolean xw_gst_run_get(GstEvent *event, struct xw_ecg_run *ret_run);

GstEvent *xw_gst_header_event_new(const void *header, size_t header_size);
gboolean xw_gst_header_event_get(GstEvent *event, const guint8 **ret_header, gsize *ret_size);

GstEvent *xw_gst_lead_off_new(guint64 index, guint32 mask);
GstEvent *xw_gst_expect_new(guint32 fetuses);
gboolean xw_gst_expect_get(GstEvent *event, guint32 *ret_fetuses);

gboolean xw_gst_lead_off_get(GstEvent *event, guint64 *ret_index, guint32 *ret_mask);

#endif
