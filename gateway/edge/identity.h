/* Who this gateway is at its county, as enrolment left it: one file that is whole or not there.
 *
 *   identity.json      everything: id, site, county, certificate, key, the county's root (0600)
 *   certificate.pem key.pem ca.pem   copies for TLS, made from it again at each start
 *   pending.key        the key of an enrolment or rotation under way: an answer that was lost is
 *                      asked for again with the same key, and is then the same
 *
 * Killed at any point the gateway is what it was, or what it has become: identity.json is replaced
 * by one rename. Threads: any, blocks on the disk: loading at start, the rest on a worker.
 * Ownership: texts are freed with xw_edge_identity_done. Errors: -ENOENT not enrolled, -EBADMSG the
 * file is broken. */
#ifndef XW_EDGE_IDENTITY_H
#define XW_EDGE_IDENTITY_H

#include "trust/enrol.h"

enum { XW_EDGE_PATH_N = 512, XW_EDGE_IDENTITY_MAX_N_BYTES = 65536 };

struct xw_edge_identity {
    struct xw_enrol_grant grant;         /* as the county gave it */
    char address[XW_ENROL_HOST_MAX + 1]; /* where the county was reached */
    char *key;                           /* PEM */
    struct xw_cert_facts facts;          /* of the certificate */
    char cert_path[XW_EDGE_PATH_N], key_path[XW_EDGE_PATH_N], ca_path[XW_EDGE_PATH_N];
};

XW_MUST_CHECK int xw_edge_identity_load(const char *dir, struct xw_edge_identity *ret_identity);
/* Durable when it returns 0; pending.key is gone. Fills facts and paths. */
XW_MUST_CHECK int xw_edge_identity_save(const char *dir, struct xw_edge_identity *identity);
void xw_edge_identity_done(struct xw_edge_identity *identity);

/* A file that cannot be read is kept beside its place, as identity.json.broken: the gateway is
 * enrolled anew rather than never starting again. */
XW_MUST_CHECK int xw_edge_identity_aside(const char *dir);

/* Whose data a spool holds: the file `gateway` in it. A spool never changes its gateway, since what
 * it has not sent yet would be refused by the county for ever. "" when it does not say. */
void xw_edge_spool_owner(const char *spool_dir, char ret_id[XW_ENROL_ID_MAX + 1]);
enum { XW_EDGE_MACHINE_N = 33 };
/* Writes it if it is not there; -EEXIST it is another's. machine: of xw_edge_machine. *ret_moved:
 * the spool was last used on another machine: it is a copy, of which the other may go on. */
XW_MUST_CHECK int xw_edge_spool_claim(const char *spool_dir, const char *id, const char *machine,
                                      bool *ret_moved);
/* What tells this machine from another that was started from a copy of its disk: the board's serial
 * number or the addresses of its built-in network cards, hashed. "" when it has neither. sys: "".
 */
void xw_edge_machine(const char *root, char ret_machine[XW_EDGE_MACHINE_N]);

/* The key of what is under way: the one that was begun with, or a new one, durable. */
XW_MUST_CHECK int xw_edge_pending_key(const char *dir, EVP_PKEY **ret_key);

#endif
