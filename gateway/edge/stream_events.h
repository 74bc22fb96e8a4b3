/* The event side of a stream; private to stream.c and stream_events.c. */
#ifndef XW_EDGE_STREAM_EVENTS_H
#define XW_EDGE_STREAM_EVENTS_H

#include "edge/stream.h"

/* The run that the events from here on belong to, as a record. */
void xw_stream_run(struct xw_stream *stream, const struct xw_pipeline_run *run);
void xw_stream_event(struct xw_stream *stream, const struct xw_ecg_event *event);
/* The chain has consumed everything before position. */
void xw_stream_advance(struct xw_stream *stream, uint64_t position);

/* Local record: the last run of a stream; key "run" | stream, body the run's id. */
enum { XW_STREAM_RUN_KEY_SIZE = 19 };
void xw_stream_run_key(const struct xw_uuid *stream, uint8_t ret_key[XW_STREAM_RUN_KEY_SIZE]);

#endif
