/* Which certificates of gateways the county stands by, and the codes for gateways that are to come.
 *
 * Two tables in memory over local records of the store (kinds XW_LOCAL_IDENTITY,
 * XW_LOCAL_ENROLMENT). A certificate is refused when its generation is below that of its gateway
 * (another one was enrolled in its place), or equal and the gateway is revoked. A gateway that is
 * not in the table was given its certificate by hand: its chain is all that counts until it is
 * revoked, too.
 *
 * Threads: loop thread only. Ownership: the tables copy; what find and at return is borrowed until
 * the next put. Limits: XW_IDENTITIES_MAX; XW_ENROLMENTS_MAX kept, XW_ENROLMENTS_OPEN_MAX open. */
#ifndef XW_CENTER_IDENTITIES_H
#define XW_CENTER_IDENTITIES_H

#include "base/base.h"
#include "base/buf.h"
#include "center/users.h"
#include "store/store.h"
#include "trust/enrol.h"

enum {
    XW_IDENTITIES_MAX = 10000,
    XW_ENROLMENTS_MAX = 1024,
    XW_ENROLMENTS_OPEN_MAX = 256,
    XW_ENROLMENT_BODY_MAX = 4096,
    XW_IDENTITY_BODY_MAX = 32768,
};
#define XW_ENROLMENT_KEEP_US (7 * INT64_C(86400000000)) /* after it ended */

struct xw_identity {
    char id[XW_ENROL_ID_MAX + 1], site[XW_ENROL_SITE_MAX + 1];
    uint32_t generation;
    int64_t revoked_wall_us; /* 0 = it is not */
    char revoked_by[XW_USER_NAME_N];
    /* The newest certificate; serial "" = not known here. */
    char serial[XW_CERT_SERIAL_N];
    int64_t from_wall_us, until_wall_us;
    uint8_t key_hash[XW_CERT_HASH_N];
    char *certificate; /* its chain, for who did not hear the answer; NULL = none */
    uint64_t revision; /* of its record; 0 = none yet */
};

struct xw_enrolment {
    uint8_t id[XW_CODE_ID_N], county[XW_CODE_KEY_N], gateway_hash[XW_CODE_KEY_N];
    char gateway[XW_ENROL_ID_MAX + 1], site[XW_ENROL_SITE_MAX + 1], by[XW_USER_NAME_N];
    bool replace, withdrawn;
    int64_t made_wall_us, expires_wall_us, used_wall_us; /* used 0 = not yet */
    uint8_t used_key[XW_CERT_HASH_N];                    /* of the gateway that used it */
    uint64_t revision;
};
/* open, used, withdrawn or expired. */
const char *xw_enrolment_state(const struct xw_enrolment *enrolment, int64_t now_wall_us);

struct xw_identities;

XW_MUST_CHECK int xw_identities_new(struct xw_identities **ret_identities);
void xw_identities_free(struct xw_identities *identities);
const struct xw_identity *xw_identities_find(const struct xw_identities *identities,
                                             const char *id);
/* A higher revision replaces a lower one. -EOVERFLOW, -ENOMEM. */
XW_MUST_CHECK int xw_identities_put(struct xw_identities *identities,
                                    const struct xw_identity *identity);
size_t xw_identities_n(const struct xw_identities *identities);
const struct xw_identity *xw_identities_at(const struct xw_identities *identities, size_t i);
/* The revision that wins over rotations (revision + 1) that are being made durable meanwhile. */
uint64_t xw_identity_overrule(uint64_t revision);
/* Enrolling and revoking of one gateway exclude each other while one is being made durable: false
 * when it is held (or XW_IDENTITIES_HELD_MAX are). */
enum { XW_IDENTITIES_HELD_MAX = 64 };
XW_MUST_CHECK bool xw_identities_hold(struct xw_identities *identities, const char *id);
void xw_identities_release(struct xw_identities *identities, const char *id);
/* For xw_downlink_config.refuse; user: the table. A certificate of a later generation than the
 * table knows is not refused, and is remembered for xw_identities_newer. */
const char *xw_identities_refuse(void *user, const struct xw_cert_facts *certificate);
/* Takes out one of those that were met: this store was restored from before they were signed. At
 * most XW_IDENTITIES_NEWER_MAX are remembered; a gateway that is linked is met each second. */
enum { XW_IDENTITIES_NEWER_MAX = 32 };
bool xw_identities_newer(struct xw_identities *identities, struct xw_cert_facts *ret_certificate);

const struct xw_enrolment *xw_enrolments_find(const struct xw_identities *identities,
                                              const uint8_t id[XW_CODE_ID_N]);
XW_MUST_CHECK int xw_enrolments_put(struct xw_identities *identities,
                                    const struct xw_enrolment *enrolment);
void xw_enrolments_drop(struct xw_identities *identities, const uint8_t id[XW_CODE_ID_N]);
size_t xw_enrolments_n(const struct xw_identities *identities);
const struct xw_enrolment *xw_enrolments_at(const struct xw_identities *identities, size_t i);

/* Records at their revisions. ret_key: 80 bytes; ret_body is appended to. */
enum { XW_IDENTITY_KEY_N = 80 };
XW_MUST_CHECK int xw_identity_pack(const struct xw_identity *identity,
                                   char ret_key[XW_IDENTITY_KEY_N], struct xw_buf *ret_body,
                                   struct xw_store_record *ret_record);
/* Its certificate is the caller's, to be freed. */
XW_MUST_CHECK int xw_identity_unpack(const struct xw_store_record *record,
                                     struct xw_identity *ret_identity);
XW_MUST_CHECK int xw_enrolment_pack(const struct xw_enrolment *enrolment,
                                    char ret_key[XW_IDENTITY_KEY_N], struct xw_buf *ret_body,
                                    struct xw_store_record *ret_record);
XW_MUST_CHECK int xw_enrolment_unpack(const struct xw_store_record *record,
                                      struct xw_enrolment *ret_enrolment);

#endif
