/* Which beats a finding rests on: the fiducials that go into the `beats` of its record, so that a
 * reader can see them lit.
 *
 * A rhythm or an alarm rests on the beats from its onset to where it was first said (or its end),
 * its first 64. What was found so stays with all later words on it, however long the episode lasts.
 * A beat that is taken back, and a finding of noise, lead off or quality, rests on none.
 * Threads: one at a time. Ownership: embedded, no memory of its own. Limits: the last 1,024 beats,
 * 32 findings that may be said again. Units: raw sample indices. */
#ifndef XW_EDGE_BASIS_H
#define XW_EDGE_BASIS_H

#include "base/base.h"
#include "dsp/ecg/event.h"

enum { XW_BASIS_BEATS_MAX = 64, XW_BASIS_RING = 1024, XW_BASIS_OPEN_MAX = 32 };

struct xw_basis {
    int64_t ring[XW_BASIS_RING]; /* in order of time */
    size_t first, n;
    struct xw_basis_open {
        uint64_t sequence; /* 0 = free */
        size_t n;
        uint64_t beats[XW_BASIS_BEATS_MAX];
    } open[XW_BASIS_OPEN_MAX];
    size_t next; /* the one that gives way */
};

void xw_basis_init(struct xw_basis *basis);
/* Every event of the chain, in order, before it is asked for. */
void xw_basis_event(struct xw_basis *basis, const struct xw_ecg_event *event);
/* The beats of this event, in rising order; valid until the next call of either. */
size_t xw_basis_beats(struct xw_basis *basis, const struct xw_ecg_event *event,
                      const uint64_t **ret_beats);

#endif
