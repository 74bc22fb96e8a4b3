/* A gateway without an identity, or with one that the county does not take any more: it asks the
 * county for one with a code, again and again while only the way there fails, until it is enrolled
 * or refused.
 *
 * Threads: loop thread; the asking itself runs on a worker. Ownership: of the life. Limits: one
 * asking at a time, 20 s each; tries after 2 s, doubling to 60 s. */
#ifndef XW_EDGE_ENROL_H
#define XW_EDGE_ENROL_H

#include "edge/edge.h"
#include "edge/identity.h"

struct xw_edge_enrol;

/* done: enrolled and durable; it takes the identity. (Not to be freed from there.) */
XW_MUST_CHECK int xw_edge_enrol_new(struct xw_edge *edge,
                                    void (*done)(void *user, struct xw_edge_identity *identity),
                                    void *user, struct xw_edge_enrol **ret_enrol);
void xw_edge_enrol_free(struct xw_edge_enrol *enrol);

enum { XW_EDGE_ENROL_PORT = 8702 };
/* county: HOST, HOST:PORT or [V6]:PORT. -EINVAL county, -EBADMSG no code, -EILSEQ a mistyped one,
 * -EBUSY one is being asked with. Also says so in the state. */
XW_MUST_CHECK int xw_edge_enrol_ask(struct xw_edge_enrol *enrol, const char *county,
                                    const char *code);
struct xw_edge_enrol_state {
    const char *state; /* idle asking waiting refused */
    const char *county, *word, *text;
    const char *was; /* who this gateway is already, by its identity or its spool; "" = nobody */
};
/* A worker is at it: keys and files are not to be touched. NULL is fine. */
bool xw_edge_enrol_busy(const struct xw_edge_enrol *enrol);
void xw_edge_enrol_get(const struct xw_edge_enrol *enrol, struct xw_edge_enrol_state *ret_state);
/* "host:port" taken apart; also for tests. */
XW_MUST_CHECK int xw_edge_enrol_split(const char *county, char ret_host[XW_ENROL_HOST_MAX + 1],
                                      uint16_t *ret_port);

#endif
