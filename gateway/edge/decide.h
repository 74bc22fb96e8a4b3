/* Which devices may attach, and how they prove who they are.
 *
 * A decision is a record (kind DEVICE; key derived from gateway and device), so it outlives the
 * process and is seen at the county. Keys for the challenge come from a file of their own.
 * Limits: 1,024 decisions, 256 keys. Threads: loop thread only. */
#ifndef XW_EDGE_DECIDE_H
#define XW_EDGE_DECIDE_H

#include "edge/edge.h"

enum xw_decision { XW_DECISION_NONE, XW_DECISION_ACCEPTED, XW_DECISION_REFUSED };
enum { XW_DECIDE_NONCE_BYTES = 32 };

/* -ENOENT, -EBADMSG: the key file; told in the log with its line. */
XW_MUST_CHECK int xw_decide_new(struct xw_edge *edge, struct xw_decide **ret_decide);
void xw_decide_free(struct xw_decide *decide);
enum xw_decision xw_decide_device(const struct xw_decide *decide, const char *device_id);
/* The same for a patient monitor, whose list is [monitor]'s. */
enum xw_decision xw_decide_monitor(const struct xw_decide *decide, const char *device_id);
/* By a person at the status page (author "site") or the county; written as a record. */
void xw_decide_set(struct xw_decide *decide, const char *device_id, bool accepted,
                   const char *author);
/* A decision of an earlier process, or one that came from the county. */
void xw_decide_remember(struct xw_decide *decide, const struct xw_store_record *record);

bool xw_decide_has_key(const struct xw_decide *decide, const char *device_id);
/* HMAC-SHA-256(key, "xw-device-1" | nonce | device id), compared in constant time. */
bool xw_decide_proves(const struct xw_decide *decide, const char *device_id,
                      const uint8_t nonce[XW_DECIDE_NONCE_BYTES], const void *hmac, size_t size);

#endif
