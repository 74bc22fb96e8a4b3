/* One stream at the gateway: blocks through its pipeline into the spool, events into records.
 *
 *   device ─▶ xw_stream_take_block ─┬▶ uplink (live, at once)
 *                                   └▶ pipeline ─▶ xw_stream_drain ─▶ commit (block + its events)
 *
 * Threads: loop thread only. Ownership: belongs to its attachment. Indices are those of the stream.
 */
#ifndef XW_EDGE_STREAM_H
#define XW_EDGE_STREAM_H

#include "edge/adopt.h"
#include "edge/basis.h"
#include "edge/commit.h"
#include "edge/edge.h"
#include "edge/pipeline.h"
#include "edge/ratefit.h"
#include "edge/session.h"
#include "edge/witness.h"

struct xw_attachment;
struct xw_flight;

struct xw_stream {
    struct xw_edge *edge;
    struct xw_attachment *attachment;
    unsigned signal; /* the device's number of it */
    struct xw_uuid id;
    uint8_t *header;
    size_t header_size;
    Xw__StreamHeader *message;
    double rate_hz;
    bool by_device; /* the device gives the index */

    struct xw_pipeline *pipeline;
    struct xw_flight *flight_first, **flight_last; /* in the pipeline, in order */
    struct xw_uuid run, follows;
    bool has_follows, run_told;
    uint64_t run_first, run_revision; /* of the record of the run */
    struct xw_adopt adopt;
    bool adopting;
    struct xw_witnesses witnesses; /* of an ECG */
    struct xw_basis basis;
    struct xw_electrode_watch *electrodes; /* of an ECG with limb and chest leads */
    bool electrodes_unsuited;

    struct xw_ratefit fit;
    uint64_t newest;        /* one past the newest sample or gap received */
    int64_t newest_wall_us; /* when it arrived; 0 = nothing since the start */
    uint64_t device_clock_us;
    uint64_t anchor_ordinal, anchor_index;
    int64_t anchor_due_us;
    uint32_t anchor_steps_n; /* of the county's clock, when the last one was made */

    /* Index given by the gateway: stream index = device's index + offset. */
    uint64_t offset;
    bool offset_set;
    uint64_t connection_first;

    uint32_t lead_off_mask;
    float rate_bpm; /* last heart rate said */
    /* The alarm that is going on, as it is shown here: known before anything is stored or sent. */
    struct {
        char code[32]; /* "" = none */
        uint32_t priority;
        int64_t since_wall_us;
    } alarm;
    uint64_t samples_n, blocks_n, events_n, late_blocks_n;
    bool refused;     /* the spool took something not: the device sends again from there on */
    uint32_t stale_n; /* so many blocks on their way come again; UINT32_MAX: all, until it does */
    bool ended;       /* its pipeline has said its last word */
};

/* header is taken. -ENOMEM, -EBADMSG, -EIO. The pipeline is made by xw_stream_begin. */
XW_MUST_CHECK int xw_stream_init(struct xw_stream *stream, struct xw_attachment *attachment,
                                 unsigned signal, const struct xw_uuid *id, uint8_t *header,
                                 size_t header_size);
void xw_stream_done(struct xw_stream *stream);
/* Makes the pipeline; a new analysis run begins. */
XW_MUST_CHECK int xw_stream_begin(struct xw_stream *stream);

/* How many samples before the cut the chain wants to learn from. */
uint64_t xw_stream_warmup_n(const struct xw_stream *stream);
/* Samples of the spool for the chain to learn from: coding 0, all before the cut, each block
 * beginning where the one before it ends; together a block's shape at most. */
void xw_stream_warm(struct xw_stream *stream, const struct xw_store_block *blocks, size_t blocks_n);

/* What is held of the stream lies in this many pieces already, and the block would be one more. The
 * store's own limit would refuse the whole batch, with what other devices sent. */
enum { XW_STREAM_RANGES_MAX = 8192 };
bool xw_stream_scattered(const struct xw_stream *stream, uint64_t first, uint32_t count);
int32_t *xw_stream_room(struct xw_stream *stream, size_t values_n);
void xw_stream_take_block(struct xw_stream *stream, const struct xw_session_block *block);
void xw_stream_take_gap(struct xw_stream *stream, uint64_t first, uint64_t count);
void xw_stream_gap(struct xw_stream *stream, uint64_t first, uint64_t end, Xw__GapReason reason);
/* A connection begins or ends. */
void xw_stream_attached(struct xw_stream *stream);
/* The spool took something not. What this connection sends behind it is not kept either: the device
 * sends all of it again, and what is kept has no hole that a process started meanwhile would read
 * over. (Of a device that cannot send again it is kept.) */
void xw_stream_refused(struct xw_stream *stream);
/* Ends the run: the chain says all that can be said. */
void xw_stream_end(struct xw_stream *stream);
/* Takes out what the pipeline has done. */
void xw_stream_drain(struct xw_stream *stream);
uint32_t xw_stream_in_flight(const struct xw_stream *stream);
/* Index of the oldest block in the pipeline; `newest` when there is none. */
uint64_t xw_stream_first_in_flight(const struct xw_stream *stream);

/* What is kept, in the device's indices: contiguous from 0 and (at most max) ranges beyond. */
void xw_stream_held(const struct xw_stream *stream, uint64_t *ret_upto, Xw__Range *ret_ranges,
                    size_t max, size_t *ret_n);
/* After the spool had refused: what is missing of a stream that nobody can send again is a gap. */
void xw_stream_fill_lost(struct xw_stream *stream);

/* An event record of this stream under any run. */
void xw_stream_record_event(struct xw_stream *stream, const Xw__Event *event,
                            const uint8_t key[XW_EVENT_KEY_SIZE], uint64_t revision);

#endif
