/* What the daemon gives to the uplink, and asks of it. */
#include "link/uplink_in.h"

enum { GATHER_MS = 4 }; /* live blocks of several streams go in one message */

int xw_uplink_stream(struct xw_uplink *u, const struct xw_uuid *stream, const void *header,
                     size_t header_size)
{
    return xw_glink_stream(u->glink, stream, header, header_size);
}

static void gather(struct xw_uplink *u)
{
    if (u->gathering)
        return;
    u->gathering = true;
    xw_timer_start(u->gather, GATHER_MS, 0);
}

void xw_uplink_block(struct xw_uplink *u, const struct xw_store_block *block)
{
    if (xw_glink_block(u->glink, block))
        gather(u);
}

void xw_uplink_gap(struct xw_uplink *u, const struct xw_store_gap *gap)
{
    if (xw_glink_gap(u->glink, gap))
        gather(u);
}

void xw_uplink_committed(struct xw_uplink *u, uint64_t out_seq_last)
{
    xw_glink_committed(u->glink, out_seq_last);
}

void xw_uplink_ephemeral(struct xw_uplink *u, const char *topic, const void *payload, size_t size)
{
    (void)!xw_glink_ephemeral(u->glink, topic, payload, size);
}

int xw_uplink_ephemeral_on(struct xw_uplink *u, unsigned lane, const char *topic,
                           const void *payload, size_t size)
{
    return xw_glink_ephemeral_on(u->glink, lane, topic, payload, size);
}

int xw_uplink_object(struct xw_uplink *u, const uint8_t sha256[32])
{
    return xw_glink_object(u->glink, sha256);
}

void xw_uplink_urgent(struct xw_uplink *u, const struct xw_uuid *stream, struct xw_range range)
{
    xw_glink_urgent(u->glink, stream, range);
}

void xw_uplink_get_state(const struct xw_uplink *u, struct xw_uplink_state *ret_state)
{
    *ret_state = u->state;
    ret_state->text = u->text;
}

const struct xw_clockfit *xw_uplink_clock(const struct xw_uplink *u)
{
    return xw_glink_clock(u->glink);
}

void xw_uplink_lane(const struct xw_uplink *u, unsigned lane, struct xw_uplink_lane *ret_lane)
{
    xw_glink_lane(u->glink, lane, ret_lane);
}
