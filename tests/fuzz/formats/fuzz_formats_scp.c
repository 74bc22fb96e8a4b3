/* SCP-ECG behind its checksums: they are put right first, so that what lies behind is reached. */
#include <stdlib.h>
#include <string.h>

#include "formats/scp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void seal(uint8_t *section, size_t n)
{
    uint16_t crc = xw_formats_scp_crc(section + 2, n - 2);
    section[0] = (uint8_t)crc;
    section[1] = (uint8_t)(crc >> 8);
}

static void put_right(uint8_t *d, size_t n)
{
    size_t pointers = xw_formats_le32(d + 10);
    for (size_t at = 22; at + 10 <= 6 + pointers && at + 10 <= n; at += 10) {
        uint32_t length = xw_formats_le32(d + at + 2);
        uint32_t place = xw_formats_le32(d + at + 6);
        if (length >= 16 && place >= 7 && place - 1 <= n && length <= n - (place - 1) &&
            xw_formats_le32(d + place - 1 + 4) <= length &&
            xw_formats_le32(d + place - 1 + 4) >= 16 && place > 7)
            seal(d + place - 1, xw_formats_le32(d + place - 1 + 4));
    }
    if (pointers >= 16 && pointers <= n - 6)
        seal(d + 6, pointers);
    d[2] = (uint8_t)n;
    d[3] = (uint8_t)(n >> 8);
    d[4] = (uint8_t)(n >> 16);
    d[5] = 0;
    seal(d, n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_formats_error error = {{0}, {0}};
    struct xw_formats_recording *r = NULL;
    if (size < 64 || size > 1 << 20)
        return 0;
    uint8_t *copy = malloc(size);
    if (!copy)
        return 0;
    memcpy(copy, data, size);
    put_right(copy, size);
    if (xw_formats_parse(copy, size, &r, &error) >= 0)
        xw_formats_free(r);
    else if (!error.text[0])
        abort();
    free(copy);
    return 0;
}
