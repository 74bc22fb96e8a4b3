/* Between the files of the county's end: clink.c (gateways and sessions), clink_receive.c,
 * clink_stream.c (headers, blocks, what is wanted), clink_pull.c. */
#ifndef XW_LINK_CLINK_IN_H
#define XW_LINK_CLINK_IN_H

#include "link/chain.h"
#include "link/clink.h"

enum {
    XW_CLINK_ACK_US = 50000,                      /* acknowledgements are gathered for so long */
    XW_CLINK_SUBMIT_US = 20000,                   /* between two batches of one gateway */
    XW_CLINK_HELD_MAX_N_BYTES = 16 * 1024 * 1024, /* of StreamHeld in one session */
};

enum { XW_CLINK_TWIN_US = 3000000 };
enum { XW_CLINK_PROBE_US = 2000000 }; /* a refusing store is tried, if nothing else comes */

struct xw_cstream {
    struct xw_cstream *next; /* of the same gateway */
    struct xw_cgateway *gateway;
    struct xw_uuid id;
    uint8_t *header;
    size_t header_size, channels_n;
    uint64_t session;            /* announced in */
    uint64_t header_in;          /* number of the batch that holds the header */
    struct xw_ranges pending;    /* given to the store, not durable yet */
    struct xw_ranges fresh;      /* durable, not acknowledged yet */
    struct xw_ranges held, gaps; /* of the StreamHeld that is to be answered */
    struct xw_ranges wanted;     /* and not here yet */
    struct xw_ranges lost;       /* received, and refused by the store */
    struct xw_ranges shown;      /* given on, not durable yet: not given on again */
    bool wanted_due, again_due;
};

enum xw_cstate { XW_CGATEWAY_IDLE, XW_CGATEWAY_TAKING_EPOCH, XW_CGATEWAY_OPEN };

struct xw_cgateway {
    struct xw_cgateway *next;
    struct xw_clink *clink;
    char id[XW_LINK_ID_MAX_N_BYTES + 1];
    char out_log[XW_LINK_ID_MAX_N_BYTES + 4]; /* "gw/" + id */
    char site_name[XW_LINK_TEXT_MAX_N_BYTES + 1], software[XW_LINK_TEXT_MAX_N_BYTES + 1];
    bool demo, linked;
    enum xw_cstate state;
    struct xw_side side;
    struct xw_uuid session_id, spool_id, boot_id;
    uint64_t session, epoch, batch;
    unsigned epochs_taken_n; /* asked for and not answered: nothing may be appended meanwhile */
    struct xw_cstream *streams;
    size_t streams_n, held_n_bytes;
    int64_t since_wall_us, ack_due_us, submitted_us;
    bool wanted_due;
    uint64_t received_n_bytes;
    struct xw_chains chains[XW_LINK_ROLES_N]; /* of live blocks */
    uint64_t chains_conn_id[XW_LINK_ROLES_N]; /* of the socket that they came on */
    bool storage_fails;
    uint64_t withheld_n_bytes; /* credit of the bulk socket while the store refuses */
    uint64_t withheld_conn_id;
};

struct xw_clink {
    struct xw_life life;
    struct xw_store *store;
    const struct xw_clock *clock;
    struct xw_downlink_watch watch;
    uint32_t gateways_max, gateways_n;
    struct xw_cgateway *gateways;
    struct xw_conn *waiting; /* no hello yet */
    struct xw_idmap streams;
    struct xw_wire_arena arena;
    int32_t *samples; /* of the block being checked */
    uint8_t *recoded; /* the same in coding 0, if it came in another; made when first needed */
    struct xw_chains chains; /* of other blocks, in one message */
    struct xw_uuid store_id;
};

int xw_clink_fail(struct xw_conn *conn, Xw__LinkFault code, const char *text);
XW_MUST_CHECK int xw_clink_hello(struct xw_clink *clink, struct xw_conn *conn,
                                 const Xw__LinkHello *hello);
void xw_clink_gateway_figures(const struct xw_cgateway *g, struct xw_downlink_gateway *ret_figures);

XW_MUST_CHECK int xw_clink_held(struct xw_cgateway *g, struct xw_conn *conn,
                                const Xw__StreamHeld *held, size_t n_bytes);
XW_MUST_CHECK int xw_clink_stream_open(struct xw_cgateway *g, struct xw_conn *conn,
                                       const Xw__StreamOpen *open);
XW_MUST_CHECK int xw_clink_blocks(struct xw_cgateway *g, struct xw_conn *conn,
                                  const Xw__Blocks *blocks, size_t n_bytes);
XW_MUST_CHECK int xw_clink_suspended(struct xw_cgateway *g, struct xw_conn *conn,
                                     const Xw__Suspended *suspended);
extern const struct xw_intake_ops xw_clink_intake_ops;
void xw_clink_submit(struct xw_cgateway *g);
/* The store takes again, or it is time to see whether it does. */
void xw_clink_ask_again(struct xw_cgateway *g);
/* Streams of older sessions that nothing waits for any more. */
void xw_clink_sweep(struct xw_cgateway *g, bool all);

#endif
