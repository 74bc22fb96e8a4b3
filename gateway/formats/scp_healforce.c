/* Healforce recorders (Prince 180, PC-80) write files that look like SCP-ECG and are not: section 0
 * without its mark, pointers from 0, no usable checksum, samples a second where the time between
 * samples should be, and always one lead whose data are the leads interleaved, four samples of 10
 * bits and two marks in three words. Learned from such files; nothing else is taken so. */
#include "formats/scp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { QUAD_BYTES = 6, MAX_HEALFORCE_LEADS = 12 };

static const uint8_t *section(const uint8_t *data, size_t n, unsigned number, size_t *ret_n)
{
    for (size_t at = 22; at + 10 <= 82 && at + 10 <= n; at += 10) {
        uint32_t length = xw_formats_le32(data + at + 2);
        uint32_t start = xw_formats_le32(data + at + 6);
        if (xw_formats_le16(data + at) != number)
            continue;
        if (length <= XW_FORMATS_SCP_HEADER_BYTES || start > n || length > n - start)
            return NULL;
        *ret_n = length - XW_FORMATS_SCP_HEADER_BYTES;
        return data + start + XW_FORMATS_SCP_HEADER_BYTES;
    }
    return NULL;
}

bool xw_formats_scp_is_healforce(const uint8_t *data, size_t n)
{
    return n >= 100 && memcmp(data + 16, "SCPECG", 6) != 0 && xw_formats_le16(data + 8) == 0 &&
           xw_formats_le32(data + 28) == 6;
}

static int32_t sample(unsigned word)
{
    return (int32_t)(word & 0x3ff) - 0x200;
}

static void unpack(const uint8_t *p, size_t quads_n, size_t values_n, int32_t *out)
{
    for (size_t i = 0; i < quads_n; i++, p += QUAD_BYTES) {
        unsigned a = xw_formats_le16(p);
        unsigned b = xw_formats_le16(p + 2);
        unsigned c = xw_formats_le16(p + 4);
        unsigned d = (a & 0x3c00) >> 2 | (b & 0x3c00) >> 6 | (c & 0x3c00) >> 10;
        const unsigned four[] = {a, b, c, d};
        for (size_t k = 0; k < 4 && 4 * i + k < values_n; k++)
            out[4 * i + k] = sample(four[k]);
    }
}

/* Dates with their high byte first, as nowhere else in the format. */
static void identity(const uint8_t *s, size_t n, struct xw_formats_recording *r)
{
    for (size_t at = 0; at + 3 <= n;) {
        size_t length = xw_formats_le16(s + at + 1);
        const uint8_t *p = s + at + 3;
        if (length == 0 || length > n - at - 3)
            return;
        if (s[at] == 2)
            xw_formats_text(r->patient.id, sizeof(r->patient.id), p, length);
        if (s[at] == 25 && length >= 4)
            (void)xw_formats_set_date(&r->start, p[0] << 8 | p[1], p[2], p[3]);
        if (s[at] == 26 && length >= 3)
            (void)xw_formats_set_clock(&r->start, p[0], p[1], p[2], 0);
        at += 3 + length;
    }
}

int xw_formats_scp_healforce(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                             struct xw_formats_error *ret_error)
{
    size_t leads_bytes = 0;
    size_t wave_bytes = 0;
    size_t who_bytes = 0;
    const uint8_t *leads = section(data, n, 3, &leads_bytes);
    const uint8_t *wave = section(data, n, 6, &wave_bytes);
    const uint8_t *who = section(data, n, 1, &who_bytes);
    struct xw_formats_group *g;
    if (!leads || !wave || wave_bytes < 8)
        return xw_formats_fail(ret_error, EBADMSG, "section 0",
                               "its pointers do not lead to leads and rhythm");
    unsigned leads_n = leads[0];
    unsigned nv = xw_formats_le16(wave);
    unsigned rate = xw_formats_le16(wave + 2);
    size_t bytes_n = xw_formats_le16(wave + 6);
    if (leads_n < 1 || leads_n > MAX_HEALFORCE_LEADS || nv == 0 || rate < 50 || rate > 1000)
        return xw_formats_fail(ret_error, ENOTSUP, "section 6",
                               "SCP of a kind that is not read (no mark in section 0)");
    if (bytes_n > wave_bytes - 8)
        return xw_formats_fail(ret_error, ENODATA, "section 6", "its data end behind the section");
    size_t quads_n = bytes_n / QUAD_BYTES;
    int e = xw_formats_add_group(r, XW_FORMATS_RHYTHM, leads_n, (int64_t)(4 * quads_n / leads_n),
                                 &g, ret_error);
    if (e < 0)
        return e;
    g->rate_hz = (struct xw_wfdb_fraction){rate, 1};
    for (unsigned c = 0; c < leads_n; c++) {
        char name[16];
        snprintf(name, sizeof(name), "ch%u", c + 1);
        xw_formats_name_lead(&g->leads[c], name);
        e = xw_formats_set_scale(&g->leads[c], (struct xw_wfdb_fraction){nv, 1}, "nV");
        if (e < 0)
            return xw_formats_fail(ret_error, EBADMSG, "section 6", "its amplitude is none");
    }
    unpack(wave + 8, quads_n, (size_t)g->samples_n * leads_n, g->rows);
    identity(who, who_bytes, r);
    snprintf(r->device.maker, sizeof(r->device.maker), "Healforce");
    snprintf(r->version, sizeof(r->version), "Healforce");
    xw_formats_warn(r,
                    "a device's own form of SCP: no checksum could be compared, and which lead a "
                    "channel is, it does not say");
    return 0;
}
