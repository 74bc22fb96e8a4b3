/* XLI, the compression of Philips Sierra XML: a chunk a lead, LZW with codes of 10 bits over the
 * high bytes of all samples and then their low bytes; the samples are second differences. */
#ifndef XW_FORMATS_XLI_H
#define XW_FORMATS_XLI_H

#include "formats/internal.h"

/* One chunk at *at (moved behind it): samples_n samples to out[0], out[stride] … -ENODATA when the
 * data or the chunk ends before, -EBADMSG for an impossible code. */
XW_FORMATS_MUST_CHECK int xw_formats_xli_lead(const uint8_t *data, size_t n, size_t *at,
                                              int64_t samples_n, int32_t *out, size_t stride);

#endif
