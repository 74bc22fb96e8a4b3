/* A session with a peer that says anything: a script of steps, played against one end of the link.
 *
 * A step is one byte and, for SAY, a length (two bytes, LE) and that many bytes of message:
 *   low 3 bits: what (enum below); bit 3: which socket; bits 4 to 7: how much (time, failures).
 * Whatever the peer says, the end itself never says anything that its own checks would refuse, and
 * a connection that has failed is one that will be closed.
 * Threads: one. */
#ifndef XW_TESTS_FUZZ_LINK_SCRIPT_H
#define XW_TESTS_FUZZ_LINK_SCRIPT_H

#include "link/conn.h"
#include "unit/link/model_store.h"

enum script_what {
    SCRIPT_SAY,
    SCRIPT_TICK,
    SCRIPT_HEAR, /* the peer reads what there is */
    SCRIPT_STORE,
    SCRIPT_REOPEN,
    SCRIPT_FAIL_STORE,
    SCRIPT_HOLD_STORE,
    SCRIPT_OWN, /* the end has something to say itself */
};

struct script_end {
    void *core;
    struct xw_uuid store;   /* its id; c0 c1 … cf in a message stands for it */
    enum xw_wire_from from; /* what this end says comes from */
    void (*open)(void *core, struct xw_conn *conn, unsigned role);
    int (*receive)(void *core, struct xw_conn *conn, const void *data, size_t n_bytes);
    int (*pull)(void *core, struct xw_conn *conn, struct xw_buf *ret_buf);
    void (*closed)(void *core, struct xw_conn *conn);
    void (*tick)(void *core);
    void (*own)(void *core, unsigned which);
};

/* Plays it; all connections are closed at the end. */
void script_play(const struct script_end *end, struct xw_clock *clock, struct xw_store *store,
                 const uint8_t *data, size_t size);

#endif
