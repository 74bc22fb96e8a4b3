/* Records between wire and store: the span by which the store finds events, and the lane they take.
 *
 * Threads: pure functions (they allocate for a moment). Errors: -EBADMSG when the body of an event,
 * anchor or technical alarm is not what its kind says.
 */
#ifndef XW_LINK_RECORD_H
#define XW_LINK_RECORD_H

#include "base/base.h"
#include "link/wire.h"
#include "store/store.h"

/* Borrows all pointers of the wire record. */
XW_MUST_CHECK int xw_record_read(const Xw__Record *wire, struct xw_store_record *ret_record);
/* Fills has_span, stream, span, event_kind and priority from kind and body. */
XW_MUST_CHECK int xw_record_span(struct xw_store_record *record);
/* Alarm-priority things ahead of all; an event of the backlog must not delay live ones. */
unsigned xw_record_lane(const struct xw_store_record *record, bool backlog);
/* One heap block, freed with free(); NULL without memory. */
struct xw_store_record *xw_record_copy(const struct xw_store_record *record);

#endif
