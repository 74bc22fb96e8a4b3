/* The journal's lines. */
#include "journal.h"

#include <stdarg.h>

#include "base/log.h"

int xw_sim_journal_open(struct xw_sim_journal *journal, const char *path)
{
    journal->file = NULL;
    if (!path[0])
        return 0;
    journal->file = fopen(path, "ae");
    if (!journal->file)
        return -errno;
    setvbuf(journal->file, NULL, _IOLBF, 1 << 14);
    return 0;
}

void xw_sim_journal_close(struct xw_sim_journal *journal)
{
    if (journal->file)
        fclose(journal->file);
    journal->file = NULL;
}

void xw_sim_journal_line(struct xw_sim_journal *journal, const char *format, ...)
{
    if (!journal->file)
        return;
    va_list args;
    va_start(args, format);
    int n = vfprintf(journal->file, format, args);
    va_end(args);
    if (n < 0 || fputc('\n', journal->file) == EOF) {
        xw_log_error("sim.journal", XW_LOG_ERR(errno));
        _exit(1);
    }
}

void xw_sim_digest_add(struct xw_sim_digest *digest, uint64_t first, const int32_t *x,
                       size_t channels_n, size_t count_n)
{
    if (digest->count == 0) {
        crypto_hash_sha256_init(&digest->state);
        digest->first = first;
    }
    /* Little-endian hosts only, as is the whole project (x86-64, arm64). */
    crypto_hash_sha256_update(&digest->state, (const unsigned char *)x,
                              channels_n * count_n * sizeof(*x));
    digest->count += count_n;
}

void xw_sim_digest_write(struct xw_sim_digest *digest, struct xw_sim_journal *journal,
                         const char *device_id, uint32_t signal)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(hash) + 1];
    if (digest->count == 0)
        return;
    crypto_hash_sha256_final(&digest->state, hash);
    sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
    xw_sim_journal_line(journal,
                        "{\"t\":\"range\",\"device\":\"%s\",\"signal\":%u,\"first\":%llu,"
                        "\"count\":%llu,\"sha256\":\"%s\"}",
                        device_id, signal, (unsigned long long)digest->first,
                        (unsigned long long)digest->count, hex);
    digest->count = 0;
}
