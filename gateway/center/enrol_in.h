/* What enrol.c and enrol_renew.c share (internal).
 * Threads: loop thread only. */
#ifndef XW_CENTER_ENROL_IN_H
#define XW_CENTER_ENROL_IN_H

#include "center/enrol.h"
#include "center/journal.h"
#include "center/ratelimit.h"
#include "trust/authority.h"

struct xw_enrol {
    struct xw_center *center;
    struct xw_authority *authority;
    struct lws_vhost *vhost;
    struct xw_limiter *per_address, *in_all, *renewals;
    char host[XW_ENROL_HOST_MAX + 1];
    uint32_t seconds;
};

/* What is being made durable. */
struct xw_enrol_job {
    struct xw_enrol *enrol;
    struct xw_enrol_post *post; /* NULL: over the link */
    struct xw_enrolment code;
    struct xw_identity identity;
};

void xw_enrol_grant_free(struct xw_enrol_job *grant);

/* Signs a key for the identity, whose id, site, generation are set; the rest is filled in. */
XW_MUST_CHECK int xw_enrol_sign(struct xw_enrol *e, EVP_PKEY *key, struct xw_identity *identity);
/* Identity, code (NULL: a rotation) and audit entry, in one batch. */
XW_MUST_CHECK int xw_enrol_append(struct xw_enrol_job *g, const struct xw_enrolment *code,
                                  const char *action, xw_journal_fn done);

#endif
