/* The sample formats of signal(5): where a sample lies and what count it carries. */
#include "wfdb/wfdb_internal.h"

static const struct xw_wfdb_format formats[] = {
    /* code, samples and bytes of a unit, invalid, min, max */
    {16, 1, 2, -32768, -32767, 32767},
    {61, 1, 2, -32768, -32767, 32767},
    {80, 1, 1, -128, -127, 127},
    {160, 1, 2, -32768, -32767, 32767},
    {212, 2, 3, -2048, -2047, 2047},
    {24, 1, 3, -8388608, -8388607, 8388607},
    {32, 1, 4, INT32_MIN, INT32_MIN + 1, INT32_MAX},
};

const struct xw_wfdb_format *xw_wfdb_format_find(int code)
{
    for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
        if (formats[i].code == code)
            return &formats[i];
    }
    return NULL;
}

uint64_t xw_wfdb_format_bytes(const struct xw_wfdb_format *format, uint64_t samples_n)
{
    /* An odd 212 sample at the end needs two of its unit's three bytes. */
    return (samples_n * format->unit_bytes + format->unit_samples - 1) / format->unit_samples;
}

static int32_t low16(const uint8_t *p)
{
    return (int16_t)(uint16_t)(p[0] | p[1] << 8);
}

static int32_t high16(const uint8_t *p)
{
    return (int16_t)(uint16_t)(p[1] | p[0] << 8);
}

static int32_t low24(const uint8_t *p)
{
    uint32_t u = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
    return (int32_t)(u ^ 0x800000u) - 0x800000;
}

static int32_t low32(const uint8_t *p)
{
    return (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
                     (uint32_t)p[3] << 24);
}

/* Two 12-bit samples in three bytes; the middle byte has the high nibble of the first sample below
 * and that of the second above. */
static int32_t packed12(const uint8_t *raw, size_t i)
{
    const uint8_t *p = raw + i / 2 * 3;
    uint32_t u = i % 2 ? (uint32_t)p[2] | (uint32_t)(p[1] & 0xf0) << 4
                       : (uint32_t)p[0] | (uint32_t)(p[1] & 0x0f) << 8;
    return (int32_t)(u ^ 0x800u) - 0x800;
}

void xw_wfdb_format_decode(const struct xw_wfdb_format *format, const uint8_t *raw, size_t first,
                           size_t stride, size_t n, int32_t *out, size_t out_step)
{
    size_t i = first;
    size_t k;
    switch (format->code) {
    case 16:
        for (k = 0; k < n; k++, i += stride)
            out[k * out_step] = low16(raw + 2 * i);
        break;
    case 61:
        for (k = 0; k < n; k++, i += stride)
            out[k * out_step] = high16(raw + 2 * i);
        break;
    case 80:
        for (k = 0; k < n; k++, i += stride)
            out[k * out_step] = (int32_t)raw[i] - 128;
        break;
    case 160: /* offset binary */
        for (k = 0; k < n; k++, i += stride)
            out[k * out_step] = (int32_t)(raw[2 * i] | raw[2 * i + 1] << 8) - 32768;
        break;
    case 24:
        for (k = 0; k < n; k++, i += stride)
            out[k * out_step] = low24(raw + 3 * i);
        break;
    case 32:
        for (k = 0; k < n; k++, i += stride)
            out[k * out_step] = low32(raw + 4 * i);
        break;
    default: /* 212 */
        for (k = 0; k < n; k++, i += stride)
            out[k * out_step] = packed12(raw, i);
        break;
    }
}
