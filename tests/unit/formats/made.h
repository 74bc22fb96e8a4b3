/* Recordings and files made up for the tests: nothing of any patient. */
#ifndef XW_TESTS_FORMATS_MADE_H
#define XW_TESTS_FORMATS_MADE_H

#include "formats/formats.h"

/* leads_n (≤ 12, in the usual order) of a rhythm with something like beats, and a patient. */
struct xw_formats_recording *made_recording(unsigned leads_n, int64_t samples_n, int64_t rate_hz);
/* The largest difference of any sample of a lead that both have, in uV; -1 when rates, lengths or
 * leads do not fit. */
double made_difference_uv(const struct xw_formats_recording *a,
                          const struct xw_formats_recording *b);

/* Base64 of bytes; free() it. */
char *made_base64(const uint8_t *data, size_t n);

#endif
