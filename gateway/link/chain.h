/* Chains of blocks in coding 4 (dsp/codec) on one socket, at either end: for each stream the coder
 * or the decoder that goes on from block to block.
 *
 * Both ends see the blocks of a socket in one order, so both give up the same chain when there are
 * too many: that of the stream that was longest without a block. Its next block is a key block.
 * Threads: loop thread only. Ownership: embedded. Limits: max_n chains, of at most 60 KB each.
 * Errors: -EPROTO no chain that the block fits, -EBADMSG malformed, -ENOMEM. */
#ifndef XW_LINK_CHAIN_H
#define XW_LINK_CHAIN_H

#include "base/base.h"
#include "base/uuid.h"

enum {
    XW_CHAINS_LIVE_MAX = 128,              /* streams whose live blocks go on in chains */
    XW_CHAINED_VALUES_MAX = 65536,         /* in coding 4 in one message */
    XW_CHAINED_VALUES_AT_ONCE = 24 * 1024, /* that we put into one, but for a larger single block */
};

struct xw_chain;

struct xw_chains {
    struct xw_chain *v;
    size_t n, max_n;
    uint64_t turn;
};

void xw_chains_init(struct xw_chains *chains, size_t max_n);
void xw_chains_done(struct xw_chains *chains);
/* Every chain ends; the memory stays. */
void xw_chains_clear(struct xw_chains *chains);
/* The stream's chain ends. */
void xw_chains_end(struct xw_chains *chains, const struct xw_uuid *stream);

/* As xw_codec_encode; a key block where the chain would be longer than key_every samples. */
XW_MUST_CHECK int xw_chains_encode(struct xw_chains *chains, const struct xw_uuid *stream,
                                   size_t channels_n, uint64_t key_every, uint64_t first,
                                   const int32_t *x, size_t count_n, uint8_t *ret_data,
                                   size_t cap_n_bytes, uint64_t *ret_key_first);
/* As xw_codec_decode. */
XW_MUST_CHECK int xw_chains_decode(struct xw_chains *chains, const struct xw_uuid *stream,
                                   size_t channels_n, uint64_t first, uint64_t key_first,
                                   const uint8_t *data, size_t n_bytes, size_t count_n,
                                   int32_t *ret_x);

#endif
