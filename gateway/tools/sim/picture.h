/* Pictures of a simulated ultrasound probe: a sector with speckle that moves like tissue, a beating
 * ring, a depth scale, a clock; and two strips by which a program knows the picture again.
 *
 * A strip is a row of 36 cells of 8 x 8 pixels at the left edge: white, black, 32 bits of a number
 * (most significant first, white is 1), parity (white if the number of ones is odd), white. Row 0
 * holds the count of the picture, row 1 the milliseconds of the wall clock modulo 2^32 at which it
 * was made. Cells lie on the grid of the codecs' blocks and survive them at any rate in use.
 *
 * Threads: one. Ownership: xw_picture_done frees. Errors: -ENOMEM, -EINVAL (size). All of it is
 * made up: no recording, no patient. Pixels are I420: luma, then two planes of 128. */
#ifndef XW_SIM_PICTURE_H
#define XW_SIM_PICTURE_H

#include "base/base.h"

enum {
    XW_PICTURE_CELL = 8,
    XW_PICTURE_CELLS = 36,
    XW_PICTURE_SIZE_MIN = 320,
    XW_PICTURE_SIZE_MAX = 1920,
};

struct xw_picture {
    uint32_t width, height; /* multiples of 16 */
    uint64_t seed;
    uint16_t *depth, *angle; /* of each pixel in the sector's texture; 0xffff outside */
    uint8_t *texture;        /* polar speckle */
    uint16_t *chamber;       /* distance of each of its cells from a beating chamber's centre */
};

XW_MUST_CHECK int xw_picture_init(struct xw_picture *picture, uint32_t width, uint32_t height,
                                  uint64_t seed);
void xw_picture_done(struct xw_picture *picture);
size_t xw_picture_bytes(uint32_t width, uint32_t height);
/* pixels: xw_picture_bytes. t_us: of the scene. */
void xw_picture_draw(const struct xw_picture *picture, int64_t t_us, uint8_t *pixels);
/* Onto any picture of at least 320 pixels' width: strips and clock. */
void xw_picture_mark(uint8_t *pixels, uint32_t width, uint32_t height, uint32_t count,
                     int64_t wall_us);
/* The number in a strip of a luma plane; -EBADMSG: no strip there. */
XW_MUST_CHECK int xw_picture_read(const uint8_t *luma, uint32_t stride, uint32_t row,
                                  uint32_t *ret_number);

#endif
