/* SHA-256 of tables and configurations, so that a result can name what made it. For a few
 * kilobytes at init, not for bulk data. Thread rule: pure functions. Source: FIPS 180-4. */
#ifndef XW_DSP_CORE_SHA256_H
#define XW_DSP_CORE_SHA256_H

#include <stddef.h>

enum { XW_DSP_SHA256_TEXT_BYTES = 65 };

/* Writes 64 hex digits and a NUL. */
void xw_dsp_sha256_text(const void *data, size_t bytes_n, char ret_text[XW_DSP_SHA256_TEXT_BYTES]);

#endif
