/* Technical alarms: of the county itself (links, store) and of its gateways.
 *
 * Threads: loop thread only. Limits: XW_TECHNICALS_MAX, the oldest ended ones are let go from
 * memory (the store keeps them). */
#ifndef XW_CENTER_TECHNICAL_H
#define XW_CENTER_TECHNICAL_H

#include "base/base.h"
#include "center/journal.h"
#include "store/store.h"

#include <jansson.h>

#include "study.pb-c.h"

enum { XW_TECHNICALS_MAX = 1024 };

struct xw_technicals;

/* show: called at once for each change of the county's own, durable or not (a full disk must not
 * hide its own alarm). */
XW_MUST_CHECK int xw_technicals_new(struct xw_journal *journal,
                                    void (*show)(void *user, const struct xw_store_record *record),
                                    void *user, struct xw_technicals **ret_technicals);
void xw_technicals_free(struct xw_technicals *technicals);
/* A durable record of kind TECHNICAL, also at start. */
void xw_technicals_record(struct xw_technicals *technicals, const struct xw_store_record *record);
/* Each second: what a full disk refused is offered again, so that the record of an alarm and of its
 * end is there once there is room. */
void xw_technicals_tick(struct xw_technicals *technicals);
/* Opens one of the county unless it is open already; closes it. */
void xw_technicals_raise(struct xw_technicals *technicals, Xw__TechnicalCode code,
                         const char *subject, const char *text);
void xw_technicals_clear(struct xw_technicals *technicals, Xw__TechnicalCode code,
                         const char *subject);
/* Newest first; sees(): may the asker know of this subject's alarms (subject, origin)? */
json_t *xw_technicals_json(const struct xw_technicals *technicals, size_t limit,
                           bool (*sees)(void *user, const char *subject, const char *origin),
                           void *user);
bool xw_technicals_open(const struct xw_technicals *technicals, Xw__TechnicalCode code,
                        const char *subject);

#endif
