/* Between lane.c and lane_take.c: the structs of one message being built, kept so that building
 * allocates nothing. */
#ifndef XW_LINK_LANE_SCRATCH_H
#define XW_LINK_LANE_SCRATCH_H

#include "link/lane.h"

struct xw_lanes_scratch {
    Xw__Block block[XW_LANE_COALESCE_MAX];
    Xw__Block *blocks[XW_LANE_COALESCE_MAX];
    Xw__Gap gap[XW_LANE_COALESCE_MAX];
    Xw__Gap *gaps[XW_LANE_COALESCE_MAX];
    Xw__Record record[XW_LANE_COALESCE_MAX];
    Xw__LoggedRecord logged[XW_LANE_COALESCE_MAX];
    Xw__LoggedRecord *records[XW_LANE_COALESCE_MAX];
};

void xw_lane_pop(struct xw_lane *lane);
void xw_lanes_share(struct xw_lanes *lanes, unsigned lane, size_t sent_n_bytes);

#endif
