/* Time anchors: what the index of a stream means in time, every 10 s. */
#include "edge/attachment.h"

#include "edge/words.h"

/* Time of the newest sample from the arrival envelope; both wall times follow from boot time, so a
 * stepped wall clock shows as a step between anchors and nowhere else. */
void xw_anchor_record(struct xw_stream *stream)
{
    struct xw_edge *edge = stream->edge;
    if (!stream->newest || !stream->fit.any)
        return;
    uint64_t index = stream->newest - 1;
    int64_t taken_us = xw_ratefit_time_us(&stream->fit, index);
    int64_t wall_us = taken_us + (xw_edge_wall_us() - xw_edge_boot_us());
    /* Wall time as ordinal: rises even after the spool was lost. */
    stream->anchor_ordinal = XW_MAX(stream->anchor_ordinal + 1, (uint64_t)xw_edge_wall_us());
    stream->anchor_index = stream->newest;

    Xw__Anchor anchor = XW__ANCHOR__INIT;
    anchor.stream_id = (ProtobufCBinaryData){16, stream->id.b};
    anchor.index = index;
    anchor.boot_id = (ProtobufCBinaryData){16, edge->boot_id};
    anchor.boottime_us = (uint64_t)taken_us;
    anchor.gateway_wall_us = wall_us;
    anchor.county_offset_known = edge->link.county_uncertainty_us > 0;
    anchor.county_offset_us = anchor.county_offset_known ? edge->link.county_offset_us : 0;
    anchor.uncertainty_us = edge->link.county_uncertainty_us;
    anchor.rate_hz = xw_ratefit_rate_hz(&stream->fit);
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
