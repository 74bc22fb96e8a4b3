/* Who did what: local records that nothing changes afterwards.
 *
 * Entry: {"user","action","subject","outcome"}; key "A" + UUIDv7, so that keys sort by time.
 * Subjects are ids of streams, studies, alarms, users; never a patient. Threads: loop thread only.
 */
#ifndef XW_CENTER_AUDIT_H
#define XW_CENTER_AUDIT_H

#include "base/base.h"
#include "base/uuid.h"
#include "center/center.h"
#include "center/journal.h"

enum { XW_AUDIT_KEY_N = 17, XW_AUDIT_BODY_N = 512 };

/* Memory of one entry until it was appended. */
struct xw_audit_entry {
    uint8_t key[XW_AUDIT_KEY_N];
    char body[XW_AUDIT_BODY_N];
};

/* Fills ret_record, which points into entry: to be appended together with what it is about. */
void xw_audit_fill(struct xw_audit_entry *entry, const char *user, const char *action,
                   const char *subject, const char *outcome, struct xw_store_record *ret_record);
/* Appends one by itself; a failure is counted and logged. */
void xw_audit(struct xw_center *center, const char *user, const char *action, const char *subject,
              const char *outcome);
/* The same with a stream as subject. */
void xw_audit_stream(struct xw_center *center, const char *user, const char *action,
                     const struct xw_uuid *stream);

#endif
