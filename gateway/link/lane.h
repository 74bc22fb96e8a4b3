/* Six lanes of things that wait for a socket, and which of them goes next.
 *
 * Order is strict (alarm > live > study > backfill > video > bulk), but a lane that waits while
 * others send earns a small share of their bytes and is let in when it has earned a frame: nothing
 * starves, and live keeps almost everything.
 * A message coalesces what waits at the head of a lane up to the frame size. Blocks are never cut.
 * Threads: loop thread only. Ownership: items belong to their lane once pushed.
 * Limits: bytes a lane; a full lane refuses (-EAGAIN, counted), its owner leaves it to healing.
 */
#ifndef XW_LINK_LANE_H
#define XW_LINK_LANE_H

#include "base/base.h"
#include "base/buf.h"
#include "link/coder.h"
#include "link/ledger.h"
#include "link/wire.h"
#include "store/store.h"

enum { XW_LANES_N = 6, XW_LANE_COALESCE_MAX = 256 };
#define XW_LANE_BIT(lane) (1U << (lane))

enum xw_item_kind { XW_ITEM_BLOCK, XW_ITEM_GAP, XW_ITEM_RECORD, XW_ITEM_RAW };

struct xw_item {
    struct xw_item *next;
    enum xw_item_kind kind;
    int64_t since_us;         /* monotonic */
    size_t bytes;             /* on the wire, at most */
    struct xw_ledger *ledger; /* told what becomes of `range`; NULL for raw messages */
    struct xw_range range;
    struct xw_uuid stream;
    union {
        struct {
            uint32_t coding, crc32c;
        } block;
        struct {
            uint32_t reason;
        } gap;
        struct {
            uint64_t revision;
            uint32_t kind;
            size_t key_size, body_size, origin_size; /* data: key, body, origin with its NUL */
            int64_t wall_us;
        } record;
    } u;
    size_t size;
    uint8_t data[];
};

struct xw_lane {
    struct xw_item *head, **tail;
    size_t bytes, n, bytes_max;
    size_t earned; /* bytes of share earned while waiting */
    uint64_t refused_n, late_n, sent_n_bytes;
};

struct xw_lanes {
    struct xw_lane lane[XW_LANES_N];
    struct xw_uuid log_id;            /* of the records that we send */
    struct xw_lanes_scratch *scratch; /* made at the first message: most lanes never send */
    struct xw_coder *coder;           /* borrowed; NULL: blocks go as they are */
};

void xw_lanes_init(struct xw_lanes *lanes);
void xw_lanes_done(struct xw_lanes *lanes);
/* Drops everything; ledgers are not told (a new session clears them). */
void xw_lanes_clear(struct xw_lanes *lanes);

XW_MUST_CHECK int xw_lanes_block(struct xw_lanes *lanes, unsigned lane, int64_t now_us,
                                 struct xw_ledger *ledger, const struct xw_store_block *block);
XW_MUST_CHECK int xw_lanes_gap(struct xw_lanes *lanes, unsigned lane, int64_t now_us,
                               struct xw_ledger *ledger, const struct xw_store_gap *gap);
XW_MUST_CHECK int xw_lanes_record(struct xw_lanes *lanes, unsigned lane, int64_t now_us,
                                  struct xw_ledger *ledger, uint64_t seq,
                                  const struct xw_store_record *record);
/* A whole message; packed now. */
XW_MUST_CHECK int xw_lanes_raw(struct xw_lanes *lanes, unsigned lane, int64_t now_us,
                               const Xw__LinkMessage *message);

/* Drops what waits for longer than max_us at the head of a lane, telling its ledger. Returns how
 * many things. */
size_t xw_lanes_expire(struct xw_lanes *lanes, unsigned lane, int64_t now_us, int64_t max_us);
/* Drops what a ledger has in a lane, telling it. */
void xw_lanes_drop(struct xw_lanes *lanes, unsigned lane, struct xw_ledger *ledger);
/* Age of the oldest thing in the lane; 0 when it is empty. */
int64_t xw_lanes_age_us(const struct xw_lanes *lanes, unsigned lane, int64_t now_us);

/* The lane that goes next among those in mask, or -1. */
int xw_lanes_next(const struct xw_lanes *lanes, unsigned mask);
/* Bytes that the next message of this lane takes at least (before coding). */
size_t xw_lanes_head_n_bytes(const struct xw_lanes *lanes, unsigned lane);
/* Appends the next message of the lane to ret_buf: what fits into max_n_bytes, at least one thing.
 * The ledgers are told that it was sent on the socket of this role. */
XW_MUST_CHECK int xw_lanes_take(struct xw_lanes *lanes, unsigned lane, unsigned role,
                                size_t max_n_bytes, struct xw_buf *ret_buf);

#endif
