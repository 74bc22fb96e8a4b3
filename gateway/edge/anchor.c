/* Time anchors: what the index of a stream means in time, every 10 s. */
#include "edge/attachment.h"

#include "edge/moment.h"
#include "edge/words.h"

/* Whether the county's clock was set since the last anchor of the stream: the next one says so at
 * once. */
bool xw_anchor_stepped(const struct xw_stream *stream)
{
    const struct xw_uplink *uplink = stream->edge->uplink;
    return uplink && xw_uplink_clock(uplink)->steps_n != stream->anchor_steps_n;
}

/* Time of the newest sample from the arrival envelope. */
void xw_anchor_record(struct xw_stream *stream)
{
    struct xw_edge *edge = stream->edge;
    if (!stream->newest || !stream->fit.any)
        return;
    const struct xw_clockfit *county = edge->uplink ? xw_uplink_clock(edge->uplink) : NULL;
    uint64_t index = stream->newest - 1;
    /* Wall time as ordinal: rises even after the spool was lost. */
    stream->anchor_ordinal = XW_MAX(stream->anchor_ordinal + 1, (uint64_t)xw_edge_wall_us());
    stream->anchor_index = stream->newest;
    stream->anchor_steps_n = county ? county->steps_n : 0;

    Xw__Anchor anchor = XW__ANCHOR__INIT;
    xw_moment_anchor(&stream->fit, county, xw_edge_boot_us(), xw_edge_wall_us(), index, &anchor);
    anchor.stream_id = (ProtobufCBinaryData){16, stream->id.b};
    anchor.boot_id = (ProtobufCBinaryData){16, edge->boot_id};
    anchor.device_clock_us = stream->device_clock_us;
    anchor.ordinal = stream->anchor_ordinal;

    uint8_t key[XW_ANCHOR_KEY_SIZE];
    xw_words_anchor_key(&stream->id, anchor.ordinal, key);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_ANCHOR,
                                     .has_span = true,
                                     .stream = stream->id,
                                     .span = {index, index + 1}};
    xw_commit_message(edge->commit, &record, &anchor.base, false);
}
