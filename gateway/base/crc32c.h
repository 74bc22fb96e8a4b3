/* CRC-32C (Castagnoli): the check over the decoded samples of every block and over stored rows.
 *
 * Threads: pure functions; the choice of kernel is made once, atomically.
 * Source: RFC 3720 appendix B.4, polynomial 0x1EDC6F41 reflected (0x82F63B78), initial and final
 * value 0xFFFFFFFF. Check value: "123456789" gives 0xE3069283. */
#ifndef XW_BASE_CRC32C_H
#define XW_BASE_CRC32C_H

#include "base/base.h"

/* Goes on from `crc` (0 to begin) over n bytes; the result is final and may be fed in again:
 * xw_crc32c(xw_crc32c(0, a, na), b, nb) is the CRC of a followed by b. */
uint32_t xw_crc32c(uint32_t crc, const void *data, size_t n_bytes);

/* The plain C reference (table driven); what xw_crc32c falls back to. */
uint32_t xw_crc32c_table(uint32_t crc, const void *data, size_t n_bytes);

/* The SSE4.2 kernel; call it only where xw_crc32c_has_sse42() says so. */
uint32_t xw_crc32c_sse42(uint32_t crc, const void *data, size_t n_bytes);
bool xw_crc32c_has_sse42(void);

#endif
