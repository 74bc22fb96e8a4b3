/* One stream's pipeline: appsrc ! ecgscreen | ctgscreen | nothing ! xwsink, by modality, in a
 * GstPipeline of its own.
 *
 * The loop thread pushes blocks in; the streaming thread runs the chain and puts what came of each
 * block into a ring; the loop takes it out. Pushing never blocks: who pushes looks at in_flight and
 * stops reading the device. The streaming thread waits when the ring is full, so nothing is lost.
 * It wakes the loop when there are events; plain blocks are found at the loop's next look (20 ms).
 *
 * Threads: every function on the loop thread. `on_output` is called on the streaming thread and may
 * only wake the loop. Errors: -ENOMEM, -EIO (GStreamer would not start). Once broken (a pipeline
 * error), blocks still come out of take, without events: samples are kept whatever analysis does.
 */
#ifndef XW_EDGE_PIPELINE_H
#define XW_EDGE_PIPELINE_H

#include "base/base.h"
#include "dsp/fetal/chain.h"
#include "proto/signal.pb-c.h"

struct xw_pipeline;

enum xw_pipeline_what {
    XW_PIPELINE_RUN,    /* what makes the events that follow; again when its rules change */
    XW_PIPELINE_EVENTS, /* part of the events of the next BLOCK */
    XW_PIPELINE_BLOCK,
    XW_PIPELINE_END,
};

enum { XW_PIPELINE_TEXT_N_BYTES = 96 };
struct xw_pipeline_run {
    char code_version[XW_PIPELINE_TEXT_N_BYTES], isa[XW_PIPELINE_TEXT_N_BYTES];
    char table_hash[XW_ECG_HASH_TEXT_BYTES], config_hash[XW_ECG_HASH_TEXT_BYTES];
    bool has_rules;
    uint32_t rules_version;
    char rules_hash[XW_ECG_RULES_HASH_BYTES];
};

struct xw_pipeline_out {
    enum xw_pipeline_what what;
    uint32_t events_n;
    uint64_t first; /* BLOCK */
    uint32_t count;
    union {
        struct xw_pipeline_run run;
        struct xw_ecg_event events[1]; /* events_n of them */
    } u;
};

/* Once per process, before any pipeline. registry: where GStreamer notes which plugins there are;
 * NULL: none are wanted. */
XW_MUST_CHECK int xw_pipeline_setup(const char *registry);

struct xw_pipeline_config {
    const Xw__StreamHeader *header; /* borrowed for the call, as its bytes */
    const void *header_bytes;
    size_t header_size;
    uint32_t mains_hz;
    const struct xw_ecg_rules *rules; /* of an ECG; NULL: the defaults */
    void (*on_output)(void *user);
    void *user;
};
XW_MUST_CHECK int xw_pipeline_new(const struct xw_pipeline_config *config,
                                  struct xw_pipeline **ret_pipeline);
/* Stops at once; what is inside is gone. NULL is fine. */
void xw_pipeline_free(struct xw_pipeline *pipeline);

/* Room for a block's samples, then push or drop it. NULL: no memory. */
int32_t *xw_pipeline_room(struct xw_pipeline *pipeline, size_t values_n);
void xw_pipeline_drop(struct xw_pipeline *pipeline);
void xw_pipeline_push(struct xw_pipeline *pipeline, uint64_t first, uint32_t count);
void xw_pipeline_lead_off(struct xw_pipeline *pipeline, uint64_t index, uint32_t mask);
/* Other rules for an ECG from about now on; a RUN comes out when they are in force. */
void xw_pipeline_rules(struct xw_pipeline *pipeline, const struct xw_ecg_rules *rules);
/* A stretch of a pulse wave of the same patient, for an ECG; x is copied. Dropped while the
 * pipeline is far behind or broken: false. */
struct xw_gst_pulse;
bool xw_pipeline_pulse(struct xw_pipeline *pipeline, const struct xw_gst_pulse *pulse);
/* CTG, after a restart: fetuses (bit 0 = FHR1) that are known to have had signal. */
void xw_pipeline_expect(struct xw_pipeline *pipeline, uint32_t fetuses);
/* An alarm of sequence `number` and one sample, as a chain would say it: comes out as a BLOCK with
 * that event. For a pipeline of one channel. -ENOMEM. */
XW_MUST_CHECK int xw_pipeline_probe(struct xw_pipeline *pipeline, uint64_t number);
/* No more samples: END comes out at last. */
void xw_pipeline_end(struct xw_pipeline *pipeline);

/* The oldest output, borrowed until consume; -EAGAIN: none now. */
XW_MUST_CHECK int xw_pipeline_take(struct xw_pipeline *pipeline,
                                   const struct xw_pipeline_out **ret_out);
void xw_pipeline_consume(struct xw_pipeline *pipeline);
/* Blocks pushed and not taken out yet. */
uint32_t xw_pipeline_in_flight(const struct xw_pipeline *pipeline);
bool xw_pipeline_broken(const struct xw_pipeline *pipeline);

#endif
