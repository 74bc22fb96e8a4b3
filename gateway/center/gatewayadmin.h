/* What an administrator changes about gateways: the same for the API, the admin socket of the
 * running center and xinwang-admin on the store of a stopped one.
 *
 *   {"do":"gateways"}                                       {"gateways":[Identity]}
 *   {"do":"codes"}                                          {"codes":[Enrolment]}
 *   {"do":"code","gateway","site","replace","life_us"}      Enrolment with "code"
 *   {"do":"withdraw","id"}                                  Enrolment
 *   {"do":"revoke","gateway"}                               Identity
 *   anything wrong                                          {"error": text}
 *
 * Identity and Enrolment as in proto/API.md. Threads: loop thread. */
#ifndef XW_CENTER_GATEWAYADMIN_H
#define XW_CENTER_GATEWAYADMIN_H

#include "center/audit.h"
#include "center/identities.h"

#include <jansson.h>

enum { XW_GATEWAYADMIN_ENDED_MAX = 4 };

struct xw_gatewayadmin {
    /* In. */
    char verb[16];
    char gateway[XW_ENROL_ID_MAX + 1], site[XW_ENROL_SITE_MAX + 1];
    char by[XW_USER_NAME_N];
    bool replace;
    bool known;          /* the gateway was linked before, with a certificate made by hand */
    uint32_t generation; /* of that certificate, when it is linked now */
    int64_t life_us, life_default_us;
    uint8_t id[XW_CODE_ID_N];
    /* Out. */
    const char *error, *word; /* NULL = fine; word: of API.md */
    bool has_enrolment, has_identity;
    struct xw_enrolment enrolment;
    /* Codes of the same gateway that end with this: of a gateway there is one open code at most,
     * and none that was made before it was revoked. */
    struct xw_enrolment ended[XW_GATEWAYADMIN_ENDED_MAX];
    size_t ended_n;
    struct xw_identity identity; /* without its certificate: nobody gets it any more */
    char code[XW_CODE_TEXT_N];
};

/* Is this one of the verbs above? */
bool xw_gatewayadmin_knows(const json_t *request);
/* -EINVAL with ret_ask->error. */
XW_MUST_CHECK int xw_gatewayadmin_read(const json_t *request, struct xw_gatewayadmin *ret_ask);
/* Does it change anything? */
bool xw_gatewayadmin_changes(const struct xw_gatewayadmin *ask);
/* What is to be stored, in ask; -EINVAL with ask->error. */
XW_MUST_CHECK int xw_gatewayadmin_apply(struct xw_gatewayadmin *ask,
                                        const struct xw_identities *identities,
                                        int64_t now_wall_us);

/* The records of a change, to be appended together. */
struct xw_gatewayadmin_records {
    struct xw_store_record v[3 + XW_GATEWAYADMIN_ENDED_MAX];
    size_t n;
    char keys[2 + XW_GATEWAYADMIN_ENDED_MAX][XW_IDENTITY_KEY_N];
    struct xw_buf bodies[2 + XW_GATEWAYADMIN_ENDED_MAX];
    struct xw_audit_entry audit;
};
XW_MUST_CHECK int xw_gatewayadmin_pack(const struct xw_gatewayadmin *ask,
                                       struct xw_gatewayadmin_records *ret_records);
void xw_gatewayadmin_records_done(struct xw_gatewayadmin_records *records);
/* The change is durable: into the tables. */
void xw_gatewayadmin_put(const struct xw_gatewayadmin *ask, struct xw_identities *identities);
/* To be sent; also of "gateways" and "codes". */
json_t *xw_gatewayadmin_answer(const struct xw_gatewayadmin *ask,
                               const struct xw_identities *identities, int64_t now_wall_us);
json_t *xw_gatewayadmin_identity_json(const struct xw_identity *identity);

#endif
