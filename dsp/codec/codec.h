/* Lossless coding of the samples of a stream, in integers alone.
 *
 * Purpose    Blocks of int32 counts become bytes and the same counts again: on the link, in sealed
 *            files. Each value is predicted from what came before it in all channels and only the
 *            error is coded; what the predictors learn is carried from block to block, so that a
 *            short block costs no more than a long one. README.md has the design.
 * Chain      A key block starts from nothing. Every other block can be read only directly after the
 *            one before it, back to its key block: it is named by its own first index and that of
 *            its key block (`key_first`), and the decoder refuses what does not fit. It never
 *            returns other samples than were coded, but for damaged bytes: those are the business
 *            of the CRC that goes with a block.
 * Same bytes The same calls give the same bytes on every machine and compiler: no floating point,
 *            nothing undefined, every sum wraps or is bounded.
 * Threads    One object is used by one thread at a time, for coding or for decoding.
 * Memory     All of it at _new, about 7 KiB and 0.8 KiB a channel; nothing later.
 * Units      x: count_n x channels_n interleaved int32 counts (sample-major). Indices below 2^62.
 * Errors     0 or more, or a negative errno; see each call. */
#ifndef XW_DSP_CODEC_H
#define XW_DSP_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    XW_CODEC_CHANNELS_MAX = 64,
    XW_CODEC_COUNT_MAX = 65536,
    XW_CODEC_VALUES_MAX = 262144, /* channels_n x count_n */
};

struct xw_codec;

/* -EINVAL: not 1 to 64 channels. -ENOMEM. */
__attribute__((warn_unused_result)) int xw_codec_new(size_t channels_n,
                                                     struct xw_codec **ret_codec);
void xw_codec_free(struct xw_codec *codec);

/* Ends the chain: the next block coded is a key block, and only a key block is decoded. */
void xw_codec_reset(struct xw_codec *codec);

/* Most bytes of a block: a byte more than the plain samples. */
size_t xw_codec_bound(size_t channels_n, size_t count_n);

/* Codes samples first .. first + count_n - 1. It becomes a key block if `key` is set, if there is
 * no chain, or if the block does not follow directly on the last one; *ret_key_first says which key
 * block it depends on (its own `first`: itself). Returns the number of bytes, at least 1.
 * -EINVAL: impossible shape. -ENOSPC: cap_n_bytes is below the bound. Both change nothing. */
__attribute__((warn_unused_result)) int xw_codec_encode(struct xw_codec *codec, uint64_t first,
                                                        bool key, const int32_t *x, size_t count_n,
                                                        uint8_t *ret_data, size_t cap_n_bytes,
                                                        uint64_t *ret_key_first);

/* Fills ret_x[0 .. channels_n * count_n), using up exactly n_bytes.
 * -EPROTO: neither a key block nor the next one of this chain; nothing changes. -EINVAL: impossible
 * shape; nothing changes. -EBADMSG: malformed; the chain has ended, ret_x is unspecified. */
__attribute__((warn_unused_result)) int xw_codec_decode(struct xw_codec *codec, uint64_t first,
                                                        uint64_t key_first, const uint8_t *data,
                                                        size_t n_bytes, size_t count_n,
                                                        int32_t *ret_x);

#endif
