/* What a device has sent, or wants to send, and nobody has acknowledged: kept until then.
 *
 * A list of framed DeviceMessages in the order of their making. Blocks are known by their sample
 * range, facts (leads, pace, marker) by their sequence. Bounded in bytes: at the limit the oldest
 * block goes and a DeviceGap takes its place, so that nothing is lost silently.
 * Threads: one. Ownership: the list owns its entries.
 */
#ifndef XW_SIM_RETAIN_H
#define XW_SIM_RETAIN_H

#include "base/base.h"
#include "base/range.h"

struct xw_sim_entry {
    struct xw_sim_entry *next;
    uint64_t first, count; /* block or gap; count = 0 for facts */
    uint64_t fact_seq;
    size_t n_bytes;
    bool is_gap;
    uint8_t bytes[]; /* framed: ready for the wire */
};

struct xw_sim_retain {
    struct xw_sim_entry *head, *tail;
    struct xw_sim_entry *unsent; /* first one that this connection has not been given */
    uint64_t bytes_n, limit_bytes, entries_n, given_up_n;
};

void xw_sim_retain_init(struct xw_sim_retain *retain, uint64_t limit_bytes);
void xw_sim_retain_done(struct xw_sim_retain *retain);
/* A new entry with room for n bytes, linked in at the end; fill entry->bytes. NULL: no memory. */
struct xw_sim_entry *xw_sim_retain_add(struct xw_sim_retain *retain, size_t n_bytes);
/* Forgets what is held over there: all before upto, what lies in held (sorted), facts <=
 * facts_upto. Returns the samples acknowledged by it. */
uint64_t xw_sim_retain_acked(struct xw_sim_retain *retain, uint64_t upto,
                             const struct xw_ranges *held, uint64_t facts_upto);
/* A new connection: all that is left is to be sent again, oldest first. */
void xw_sim_retain_rewind(struct xw_sim_retain *retain);
/* Over the limit: unlinks the oldest block for good; the caller writes the gap and frees it. */
struct xw_sim_entry *xw_sim_retain_shed(struct xw_sim_retain *retain);

#endif
