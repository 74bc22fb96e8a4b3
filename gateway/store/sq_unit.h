/* Units: blocks of a segment that follow one another, coded together by the lossless codec
 * (dsp/codec) as one key block of about 10 s. What the codec leaves behind are a block's samples;
 * its cut, CRC and size stand in the directory, and opening a unit gives each block's own bytes
 * again, as they came.
 *
 * A unit is written only after it was opened and every byte compared. Where it would not be smaller
 * or would not come back, its blocks stay as they came.
 *
 * Threads: opening is pure; a packer belongs to one thread (the keeper).
 * Errors: -ENOMEM, errors of xw_buf_append. */
#ifndef XW_STORE_SQ_UNIT_H
#define XW_STORE_SQ_UNIT_H

#include "store/internal.h"
#include "store/sq_frame.h"

enum {
    SQ_UNIT_US = 10 * 1000000,   /* a unit is so long … */
    SQ_UNIT_VALUES_LEAST = 4096, /* … but has so many values, of a slow stream … */
    SQ_UNIT_VALUES_MAX = 65536,  /* … and no more than these */
};

/* A block that is wanted of a unit. */
struct sq_want {
    const struct sq_entry *entry;
    uint8_t *to; /* entry->size bytes */
    bool bad;    /* it did not come out as it went in */
};
/* wants[0..n): blocks of one unit, whose bytes these are. Of damaged bytes those blocks still come
 * out whose samples fit their CRC. */
XW_MUST_CHECK int sq_unit_open(uint32_t channels_n, const uint8_t *bytes, struct sq_want *wants,
                               size_t n);

struct sq_packer;
XW_MUST_CHECK int sq_packer_new(struct sq_packer **ret_packer);
void sq_packer_free(struct sq_packer *packer);
/* entries[0..n): blocks in order, as they came, whose bytes lie in raw at their offsets. Appends
 * their new bytes to ret_data and puts into the entries where these are. */
XW_MUST_CHECK int sq_pack(struct sq_packer *packer, const struct store_shape *shape,
                          struct sq_entry *entries, size_t n, const uint8_t *raw,
                          struct xw_buf *ret_data);

#endif
