/* The simulator's journal: what was generated, for a judge that stands outside.
 *
 * One JSON object a line, flushed as a line: {"t":
 * "device"|"stream"|"range"|"truth"|"fact"|"acked"| "given_up", …}. A "range" line names a device,
 * a signal, the first sample, the count and the SHA-256 of the samples as little-endian int32,
 * interleaved. Threads: one. Errors: a journal that cannot be written ends the simulator: it would
 * prove nothing.
 */
#ifndef XW_SIM_JOURNAL_H
#define XW_SIM_JOURNAL_H

#include <sodium.h>
#include <stdio.h>

#include "base/base.h"
#include "base/uuid.h"

struct xw_sim_journal {
    FILE *file; /* NULL: no journal is kept */
};

XW_MUST_CHECK int xw_sim_journal_open(struct xw_sim_journal *journal, const char *path);
void xw_sim_journal_close(struct xw_sim_journal *journal);
void xw_sim_journal_line(struct xw_sim_journal *journal, const char *format, ...) XW_PRINTF(2, 3);

/* Gathers samples into range lines of about a second. */
struct xw_sim_digest {
    crypto_hash_sha256_state state;
    uint64_t first;
    uint64_t count;
};
void xw_sim_digest_add(struct xw_sim_digest *digest, uint64_t first, const int32_t *x,
                       size_t channels_n, size_t count_n);
/* Writes and clears what was gathered; nothing if nothing was. */
void xw_sim_digest_write(struct xw_sim_digest *digest, struct xw_sim_journal *journal,
                         const char *device_id, uint32_t signal);

#endif
