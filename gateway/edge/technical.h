/* Technical alarms of this gateway: raised once, ended once, each a record with two revisions.
 *
 * What an earlier process left open is ended at the start (if it is still so, it is raised again).
 * Limit: 256 open at a time; beyond it the oldest ends.
 * Threads: loop thread only. Texts are copied; never a patient's. */
#ifndef XW_EDGE_TECHNICAL_H
#define XW_EDGE_TECHNICAL_H

#include "edge/edge.h"
#include "proto/signal.pb-c.h"
#include "proto/study.pb-c.h"

XW_MUST_CHECK int xw_technical_new(struct xw_edge *edge, struct xw_technical **ret_technical);
void xw_technical_free(struct xw_technical *technical);
/* Open (code, subject) again: nothing changes; true if it was raised now. stream may be NULL. */
bool xw_technical_raise(struct xw_technical *technical, Xw__TechnicalCode code, const char *subject,
                        const char *text, const struct xw_uuid *stream);
void xw_technical_clear(struct xw_technical *technical, Xw__TechnicalCode code,
                        const char *subject);
bool xw_technical_is_open(const struct xw_technical *technical, Xw__TechnicalCode code,
                          const char *subject);
/* A record of an earlier process. */
void xw_technical_end_old(struct xw_technical *technical, const struct xw_store_record *record);

struct xw_technical_open {
    Xw__TechnicalCode code;
    const char *subject, *text;
    int64_t from_wall_us;
};
void xw_technical_each(const struct xw_technical *technical,
                       void (*each)(void *user, const struct xw_technical_open *), void *user);
const char *xw_technical_name(Xw__TechnicalCode code); /* "device_fenced" */

#endif
