/* Bytes of a unit that a damaged disk may change, behind a sound directory: nothing is read or
 * written outside, and a block either fits its CRC or is bad.
 * Input: channels - 1 (6 bits), blocks - 1 (4 bits of the next), samples of each block, bytes. */
#include "base/crc32c.h"
#include "store/sq_unit.h"

#include <stdlib.h>
#include <string.h>

enum { HEAD = 3, BLOCKS_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD + 1 || size > 1 << 16)
        return 0;
    uint32_t channels_n = 1U + (data[0] & 63), n = 1U + (data[1] & 15), count = 1U + data[2];
    struct sq_entry entries[BLOCKS_MAX];
    struct sq_want wants[BLOCKS_MAX];
    uint8_t *bytes = malloc(size - HEAD);
    if (bytes == NULL)
        abort();
    memcpy(bytes, data + HEAD, size - HEAD);
    for (uint32_t i = 0; i < n; i++) {
        /* All zeros fit one of the CRCs, so that some blocks come out of anything. */
        uint32_t block_n = count * channels_n;
        int32_t *zeros = calloc(block_n, sizeof *zeros);
        if (zeros == NULL)
            abort();
        entries[i] = (struct sq_entry){.first = 1000 + (uint64_t)i * count,
                                       .count = count,
                                       .crc32c = xw_block_crc(zeros, channels_n, count),
                                       .size = block_n,
                                       .unit_first = 1000,
                                       .unit_count = n * count,
                                       .unit_size = (uint32_t)(size - HEAD)};
        wants[i] = (struct sq_want){.entry = &entries[i], .to = malloc(block_n)};
        if (wants[i].to == NULL)
            abort();
        free(zeros);
    }
    if (sq_unit_open(channels_n, bytes, wants, n) < 0)
        abort();
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; !wants[i].bad && k < entries[i].size; k++)
            if (wants[i].to[k] != 0)
                abort();
        free(wants[i].to);
    }
    free(bytes);
    return 0;
}
