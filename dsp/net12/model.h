/* A model as bytes, and read. Little-endian; written by dsp/train/twelve.
 *
 *   0  8  "XWNET12\n"
 *   8  4  version, 1
 *  12  4  length of all, with the hash
 *  16 32  id, padded with NUL
 *  48  4  leads, 4 samples of the beat, 4 globals, 4 figures, 4 classes: as compiled
 *  68  4  members, 4 convolutions, 4 segments, 4 hidden units
 *  84  4  classes offered, bits
 *  88     each convolution: 4 channels out, 4 width, 4 stride
 *         float each: mean, scale of figures; slope, offset, limit of classes
 *         binary16 each: weights, member by member in the order of kernel.h
 *  last 64  SHA-256 of what is before, hexadecimal
 */
#ifndef XW_DSP_NET12_MODEL_H
#define XW_DSP_NET12_MODEL_H

#include "dsp/net12/kernel.h"

enum {
    XW_NET12_VERSION = 1,
    XW_NET12_HEAD_BYTES = 88,
    XW_NET12_TAIL_BYTES = XW_NET12_HASH_BYTES - 1,
    XW_NET12_MEMBERS_MAX = 16,
};

struct xw_net12_model {
    char id[XW_NET12_ID_BYTES];
    struct xw_net12_shape shape;
    unsigned members_n;
    uint32_t offered; /* bits of classes */
    float mean[XW_NET12_FIGURES], scale[XW_NET12_FIGURES];
    /* calibrated logit = slope * logit + offset; said from probability `limit` on */
    float slope[XW_NET12_CLASSES], offset[XW_NET12_CLASSES], limit[XW_NET12_CLASSES];
    float *weights; /* members_n x shape.weights_n; the caller's */
};

/* Bytes of a model of this shape. */
size_t xw_net12_model_bytes(const struct xw_net12_model *model);
/* Head alone, so that weights can be given room; then all. NULL, or what is wrong and where. */
const char *xw_net12_model_head(const uint8_t *bytes, size_t bytes_n,
                                struct xw_net12_model *ret_model, size_t *ret_offset);
const char *xw_net12_model_body(const uint8_t *bytes, size_t bytes_n, struct xw_net12_model *model,
                                char ret_hash[XW_NET12_HASH_BYTES], size_t *ret_offset);
/* Weights are rounded to binary16. ret_bytes: xw_net12_model_bytes. */
void xw_net12_model_write(const struct xw_net12_model *model, uint8_t *ret_bytes);

/* IEEE binary16; rounds to nearest, ties to even; beyond ±65504: the largest. */
uint16_t xw_net12_half(float x);
float xw_net12_float(uint16_t half);

extern const uint8_t xw_net12_shipped[];
extern const size_t xw_net12_shipped_n;

#endif
