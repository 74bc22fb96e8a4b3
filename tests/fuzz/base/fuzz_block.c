/* Block decoder: any bytes, any claimed shape. What it accepts must encode to the same bytes again
 * (the coding is canonical), and the decoded CRC must be that of the samples.
 * Input: channels, count low, count high, coding, then the data. */
#include "base/block.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    size_t channels_n = data[0];
    size_t count_n = (size_t)data[1] | (size_t)(data[2] & 0x0F) << 8;
    enum xw_coding coding = (enum xw_coding)(data[3] % 5);
    size_t n_bytes = size - 4;
    uint8_t *exact = malloc(n_bytes + 1);
    memcpy(exact, data + 4, n_bytes);
    int32_t *x = malloc((channels_n * count_n + 1) * sizeof(x[0]));
    if (xw_block_decode(coding, exact, n_bytes, channels_n, count_n, x) == 0) {
        size_t bound = xw_block_bound(channels_n, count_n);
        uint8_t *again = malloc(bound);
        int n = xw_block_encode(coding, x, channels_n, count_n, again, bound);
        if (n < 0 || (size_t)n != n_bytes || memcmp(again, exact, n_bytes) != 0)
            abort();
        (void)xw_block_crc(x, channels_n, count_n);
        free(again);
    }
    free(x);
    free(exact);
    return 0;
}
