/* Blocks that go out in coding 4: coded when their message is made, so that a chain holds just what
 * went out, in its order. Live blocks go on in chains over messages; other lanes begin anew in
 * every message.
 *
 * Threads: loop thread only. Ownership: embedded in the gateway's end; borrows `of`. Memory: about
 * 600 KB and the chains, made when first used. */
#ifndef XW_LINK_CODER_H
#define XW_LINK_CODER_H

#include "link/chain.h"
#include "link/wire.h"

struct xw_coder_stream {
    size_t channels_n;
    uint64_t key_every; /* samples of a chain at most: 10 s */
};

struct xw_coder {
    struct xw_chains live[XW_LINK_ROLES_N], other;
    bool on[XW_LINK_ROLES_N]; /* the county reads coding 4 on this socket */
    struct {                  /* the message that is being made */
        unsigned role;
        bool live;
        size_t values_n, n_bytes;
    } message;
    int32_t *x;
    uint8_t *data;
    /* False: the stream is not known, its blocks stay as they are. */
    bool (*of)(void *user, const struct xw_uuid *stream, struct xw_coder_stream *ret_stream);
    /* What a live block came to on the wire. */
    void (*went)(void *user, const struct xw_uuid *stream, uint32_t count, size_t n_bytes);
    void *user;
};

struct xw_coder_block { /* in coding 0 before, in that or in 4 after */
    const struct xw_uuid *stream;
    uint64_t first, key_first;
    uint32_t count, coding;
    uint8_t *data;
    size_t n_bytes;
};

void xw_coder_init(struct xw_coder *coder);
void xw_coder_done(struct xw_coder *coder);
/* A socket begins or is gone: its chains are, too. */
void xw_coder_socket(struct xw_coder *coder, unsigned role, bool on);

void xw_coder_begin(struct xw_coder *coder, unsigned role, bool live);
/* Codes the block if that makes it smaller; its data then stay until the next message begins. */
void xw_coder_put(struct xw_coder *coder, struct xw_coder_block *block);
/* The message holds as many values as are decoded in one go without holding up the rest. */
bool xw_coder_full(const struct xw_coder *coder, size_t more_n_bytes);
/* The message did not come about: chains that were to go on in it end. */
void xw_coder_failed(struct xw_coder *coder);

#endif
