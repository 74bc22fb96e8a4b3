/* The county's authority: a folder with a root and two issuing certificates below it.
 *
 *   ca.pem ca.key              root, 30 years; its key is needed for `init` alone and may be taken
 * away gateways.pem gateways.key  signs gateways; the running center has it, for enrolment and
 * rotation servers.pem servers.key    signs servers; xinwang-admin only
 *
 * Keys have mode 0600. The folder is made beside its place and renamed: it is whole or not there.
 * Chains (PEM) are leaf first, then the issuing certificate; ca.pem is what others trust.
 *
 * Threads: none of its own; opening reads files (at start), signing takes about 0.1 ms. Ownership:
 * xw_authority_free. Errors: negative errno; -EEXIST an authority is there already, -ENOENT none,
 * -EBADMSG a file is broken or does not fit the others. */
#ifndef XW_TRUST_AUTHORITY_H
#define XW_TRUST_AUTHORITY_H

#include "trust/cert.h"

struct xw_authority;

/* name: the county's, as certificates show it; up to 48 bytes. */
XW_MUST_CHECK int xw_authority_init(const char *dir, const char *name, int64_t now_s);

enum xw_authority_role { XW_AUTHORITY_GATEWAYS, XW_AUTHORITY_SERVERS };
XW_MUST_CHECK int xw_authority_open(const char *dir, enum xw_authority_role role,
                                    struct xw_authority **ret_authority);
void xw_authority_free(struct xw_authority *authority);
/* The root as PEM. */
const struct xw_buf *xw_authority_root(const struct xw_authority *authority);

/* Signs a gateway's key. ret_chain is appended to. The certificate never outlives its issuer. */
XW_MUST_CHECK int xw_authority_gateway(struct xw_authority *authority, EVP_PKEY *key,
                                       const char *id, uint32_t generation, int64_t now_s,
                                       int64_t life_s, struct xw_buf *ret_chain,
                                       struct xw_cert_facts *ret_facts);
XW_MUST_CHECK int xw_authority_server(struct xw_authority *authority, EVP_PKEY *key,
                                      const char *name, const char *const *hosts, size_t hosts_n,
                                      int64_t now_s, int64_t life_s, struct xw_buf *ret_chain);

#endif
