/* What travels in band beside the samples of a signal pipeline.
 *
 *   xinwang/stream-header  sticky: "header" = the serialized StreamHeader (exact rate and gains)
 *   xinwang/ecg-run        sticky: what made the events (version, hashes, first sample)
 *   xinwang/ecg-event      serialized: one event of the chain, before the buffer that it was made
 *                          in
 *   xinwang/expect         serialized: "fetuses" that had signal before, bit 0 = FHR1
 *   xinwang/rules          serialized: the rule list from the next sample on
 *   xinwang/pulse          serialized: values of a pulse wave of the same patient (struct below)
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
#define XW_GST_RULES_NAME "xinwang/rules"
#define XW_GST_PULSE_NAME "xinwang/pulse"

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

GstEvent *xw_gst_rules_new(const struct xw_ecg_rules *rules);
/* FALSE when it is no rule list. */
gboolean xw_gst_rules_get(GstEvent *event, struct xw_ecg_rules *ret_rules);

/* A stretch of a pulse wave, on the index of the ECG that it bears witness to. */
struct xw_gst_pulse {
    guint wave;    /* which one, below XW_ECG_PULSES_MAX */
    gboolean anew; /* another wave than the one before under this number */
    gdouble rate_hz;
    gdouble at, step; /* ECG samples: of the first value; from one to the next */
    const gfloat *x;  /* NaN: no value */
    gsize n;
};
GstEvent *xw_gst_pulse_new(const struct xw_gst_pulse *pulse);
/* x is borrowed from the event. FALSE when it is no pulse. */
gboolean xw_gst_pulse_get(GstEvent *event, struct xw_gst_pulse *ret_pulse);

gboolean xw_gst_lead_off_get(GstEvent *event, guint64 *ret_index, guint32 *ret_mask);

#endif
