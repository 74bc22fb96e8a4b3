/* Between object.c (sending) and object_in.c (receiving). */
#ifndef XW_LINK_OBJECT_IN_H
#define XW_LINK_OBJECT_IN_H

#include "link/object.h"

struct xw_object_out {
    struct xw_object_out *next;
    struct xw_store_object object;
    uint64_t sent, acked, window, generation;
    unsigned tries;
    bool offered, wanted, reading;
    uint64_t sent_most; /* ever, on any socket: so much may be acknowledged */
};

struct xw_object_in {
    struct xw_object_in *next;
    struct xw_objects *objects; /* NULL: the session ended while a write was out */
    struct xw_life *life;
    uint8_t sha256[32];
    uint64_t size;
    char media_type[64];
    uint64_t next_offset, held;
    struct xw_buf buf; /* chunks that wait for the write before them */
    bool writing, want_due;
    bool hole_asked;  /* asked again since the last chunk that followed */
    int64_t again_us; /* the store refused: asked for again then; 0 = it did not */
    uint64_t conn_id, owed_n_bytes, writing_owed_n_bytes;
};

int xw_objects_in_offer(struct xw_objects *objects, const Xw__ObjectOffer *offer,
                        struct xw_wire_fault *ret_fault);
int xw_objects_in_chunk(struct xw_objects *objects, const struct xw_conn *conn,
                        const Xw__ObjectChunk *chunk, size_t n_bytes,
                        struct xw_wire_fault *ret_fault);
/* Asks for what the store refused. */
void xw_objects_in_step(struct xw_objects *objects);
void xw_objects_in_clear(struct xw_objects *objects);

#endif
