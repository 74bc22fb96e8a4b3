/* XLI decoding. */
#include "formats/xli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_BYTES = 8, CODE_BITS = 10, CODES_N = 1 << CODE_BITS, END_CODE = CODES_N - 1 };

struct lzw {
    const uint8_t *data;
    size_t n, at;
    uint32_t bits;
    unsigned bits_n;
    int next;              /* the code that the next new string gets */
    int before[CODES_N];   /* the string without its last byte; -1 for one byte */
    uint8_t last[CODES_N]; /* its last byte */
    uint16_t length[CODES_N];
};

static int read_code(struct lzw *z)
{
    while (z->bits_n < CODE_BITS) {
        if (z->at == z->n)
            return END_CODE;
        z->bits = z->bits << 8 | z->data[z->at++];
        z->bits_n += 8;
    }
    z->bits_n -= CODE_BITS;
    return (int)(z->bits >> z->bits_n & (CODES_N - 1));
}

/* Writes the string of a code so that it ends at out + length; never beyond out_n. */
static void put(const struct lzw *z, int code, uint8_t *out, size_t out_n)
{
    for (size_t i = z->length[code]; code >= 0 && i-- > 0; code = z->before[code])
        if (i < out_n)
            out[i] = z->last[code];
}

static uint8_t first_byte(const struct lzw *z, int code)
{
    while (z->before[code] >= 0)
        code = z->before[code];
    return z->last[code];
}

static int decompress(struct lzw *z, uint8_t *out, size_t out_n)
{
    int previous = -1;
    size_t done = 0;
    for (int i = 0; i < 256; i++) {
        z->before[i] = -1;
        z->last[i] = (uint8_t)i;
        z->length[i] = 1;
    }
    z->next = 256;
    while (done < out_n) {
        int code = read_code(z);
        if (code == END_CODE)
            return -ENODATA;
        if (code > z->next || (code == z->next && (previous < 0 || z->next >= END_CODE)))
            return -EBADMSG;
        if (previous >= 0 && z->next < END_CODE) {
            z->before[z->next] = previous;
            z->last[z->next] = first_byte(z, code == z->next ? previous : code);
            z->length[z->next] = (uint16_t)(z->length[previous] + 1);
            z->next++;
        }
        put(z, code, out + done, out_n - done);
        done += z->length[code] < out_n - done ? z->length[code] : out_n - done;
        previous = code;
    }
    return 0;
}

/* The third sample on: twice the last minus the one before minus the difference read one step
 * earlier, less 64; all in 16 bits, as the device has them. */
static void undo_differences(const uint8_t *bytes, int64_t n, int32_t first, int32_t *out,
                             size_t stride)
{
    int32_t difference = first;
    int32_t x = 0;
    int32_t y = 0;
    for (int64_t i = 0; i < n; i++) {
        int32_t read = (int16_t)(uint16_t)(bytes[i] << 8 | bytes[n + i]);
        int32_t z = read;
        if (i >= 2) {
            z = (int16_t)(uint16_t)((uint32_t)(2 * y - x - difference) & 0xffff);
            difference = read - 64;
        }
        out[(size_t)i * stride] = z;
        x = y;
        y = z;
    }
}

int xw_formats_xli_lead(const uint8_t *data, size_t n, size_t *at, int64_t samples_n, int32_t *out,
                        size_t stride)
{
    if (n - *at < HEADER_BYTES)
        return -ENODATA;
    const uint8_t *header = data + *at;
    uint32_t size = xw_formats_le32(header);
    if (size > n - *at - HEADER_BYTES)
        return -ENODATA;
    size_t bytes_n = 2 * (size_t)samples_n;
    struct lzw *z = calloc(1, sizeof(*z));
    uint8_t *bytes = malloc(bytes_n);
    int e = z && bytes ? 0 : -ENOMEM;
    if (e == 0) {
        z->data = header + HEADER_BYTES;
        z->n = size;
        e = decompress(z, bytes, bytes_n);
    }
    if (e == 0)
        undo_differences(bytes, samples_n, xw_formats_les16(header + 6), out, stride);
    free(bytes);
    free(z);
    *at += HEADER_BYTES + size;
    return e;
}
