/* The devices of the county, folded from records ATTACHMENT, and beside each the newest observation
 * of each of its codes.
 *
 * An attachment belongs to the gateway whose record named it first; records of another gateway
 * about it are refused and counted. Observations may come before their attachment (the link does
 * not order lanes): the entry is made then, and `told` is false until its record comes.
 *
 * Threads: loop thread only. Ownership: the table owns what it folded; pointers are borrowed until
 * control goes back to the loop. Limits: XW_ATTACHMENTS_MAX (the detached one used longest ago
 * goes, then any; counted; the store keeps it), XW_CODES_MAX codes of an attachment (the oldest
 * value goes), XW_OBSERVATIONS_MAX values in all (those of the attachment used longest ago go and
 * are read again from the store when asked for: `complete`). Times: µs, county wall time unless a
 * name says otherwise. Errors: negative errno. */
#ifndef XW_CENTER_ATTACHMENTS_H
#define XW_CENTER_ATTACHMENTS_H

#include "base/base.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "store/store.h"

#include "study.pb-c.h"

enum {
    XW_ATTACHMENTS_MAX = 4096,
    XW_CODES_MAX = 128,
    XW_OBSERVATIONS_MAX = 65536,
    XW_BED_N = 65,
    XW_OBSERVATION_KEY_N = 41, /* attachment | "o" | wall_us of the gateway | observation */
};

struct xw_newest {
    Xw__Observation *wire;
    int64_t wall_us;
};

struct xw_attachment {
    struct xw_uuid id;
    char gateway_id[128], device[72], model[72], kind[24], bed[XW_BED_N];
    bool told, attached, demo;
    bool complete; /* `newest` holds what the store has, not only what came since the start */
    int64_t since_gateway_us, used_us;
    uint64_t revision;
    struct xw_newest *newest; /* one a code and source, any order */
    uint32_t newest_n;
};

struct xw_attachments_config {
    const struct xw_clock *clock;
    void *user;
    /* County wall time minus the wall time of this gateway, now; for values that do not know. */
    int64_t (*offset_us)(void *user, const char *gateway_id);
};

struct xw_attachments;

XW_MUST_CHECK int xw_attachments_new(const struct xw_attachments_config *config,
                                     struct xw_attachments **ret_attachments);
void xw_attachments_free(struct xw_attachments *attachments);

/* A durable record ATTACHMENT, also at start. The entry, or NULL when it is of no use (counted). */
const struct xw_attachment *xw_attachments_record(struct xw_attachments *attachments,
                                                  const struct xw_store_record *record);
/* A durable record OBSERVATION. 1: the newest of its code now; 0: older than what is known;
 * -EBADMSG, -EPERM (another gateway's attachment), -ENOMEM: refused, counted. ret_id: whose. */
XW_MUST_CHECK int xw_attachments_observation(struct xw_attachments *attachments,
                                             const struct xw_store_record *record,
                                             struct xw_uuid *ret_id);
/* A record CLIP of a gateway about an attachment: -EPERM if it is another's. */
XW_MUST_CHECK int xw_attachments_claim(struct xw_attachments *attachments, const struct xw_uuid *id,
                                       const char *gateway_id);
/* Everything that the store has of its newest values was folded in. */
void xw_attachments_complete(struct xw_attachments *attachments, const struct xw_uuid *id);
/* Marks it as used now. NULL: unknown. */
const struct xw_attachment *xw_attachments_find(struct xw_attachments *attachments,
                                                const struct xw_uuid *id);
size_t xw_attachments_n(const struct xw_attachments *attachments);
/* In order of their ids. */
const struct xw_attachment *xw_attachments_at(const struct xw_attachments *attachments, size_t i);
/* County time of a gateway's time; offset as the record has it, else the present one. */
int64_t xw_attachments_county_us(const struct xw_attachments *attachments, const char *gateway_id,
                                 int64_t gateway_us, bool known, int64_t offset_us);

/* A body that keeps to its limits, NULL otherwise. Free with xw__observation__free_unpacked. */
Xw__Observation *xw_observation_read(const void *body, size_t size);
/* The key of its record. observation: 16 bytes. */
void xw_observation_key(const struct xw_uuid *attachment, int64_t gateway_wall_us,
                        const uint8_t *observation, uint8_t ret_key[XW_OBSERVATION_KEY_N]);
/* The bed's id as in API.md. */
struct xw_uuid xw_bed_id(const struct xw_attachment *attachment);

#endif
