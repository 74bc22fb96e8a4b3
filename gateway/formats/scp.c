/* SCP-ECG: the container, its checksums and pointers. */
#include "formats/scp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

uint16_t xw_formats_scp_crc(const uint8_t *data, size_t n)
{
    uint32_t crc = 0xffff;
    for (size_t i = 0; i < n; i++) {
        /* The usual shortcut for this polynomial, one byte a step. */
        uint32_t x = (crc >> 8 ^ data[i]) & 0xff;
        x ^= x >> 4;
        crc = (crc << 8 ^ x << 12 ^ x << 5 ^ x) & 0xffff;
    }
    return (uint16_t)crc;
}

/* A section at a place of the file: header, number, checksum. */
static int take_section(const uint8_t *data, size_t n, unsigned number, uint32_t at,
                        uint32_t length, struct xw_formats_scp *f, struct xw_formats_recording *r,
                        struct xw_formats_error *ret_error)
{
    char where[32];
    snprintf(where, sizeof(where), "section %u", number);
    if (length < XW_FORMATS_SCP_HEADER_BYTES || at < 1 || at - 1 > n || length > n - (at - 1))
        return xw_formats_fail(ret_error, EBADMSG, where, "it does not lie within the file");
    const uint8_t *s = data + (at - 1);
    if (xw_formats_le16(s + 2) != number || xw_formats_le32(s + 4) > length ||
        xw_formats_le32(s + 4) < XW_FORMATS_SCP_HEADER_BYTES)
        return xw_formats_fail(ret_error, EBADMSG, where,
                               "what the pointer leads to is not this section");
    length = xw_formats_le32(s + 4);
    uint16_t stored = xw_formats_le16(s);
    if (stored != xw_formats_scp_crc(s + 2, length - 2)) {
        if (stored != 0)
            return xw_formats_fail(ret_error, EBADMSG, where, "its checksum is wrong");
        xw_formats_warn(r, "section %u carries no checksum", number);
    }
    f->sections[number].data = s + XW_FORMATS_SCP_HEADER_BYTES;
    f->sections[number].n = length - XW_FORMATS_SCP_HEADER_BYTES;
    return 0;
}

static int take_pointers(const uint8_t *data, size_t n, struct xw_formats_scp *f,
                         struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    int e = take_section(data, n, 0, 7, xw_formats_le32(data + 10), f, r, ret_error);
    if (e < 0)
        return e;
    const uint8_t *p = f->sections[0].data;
    for (size_t left = f->sections[0].n; left >= 10; p += 10, left -= 10) {
        unsigned number = xw_formats_le16(p);
        uint32_t length = xw_formats_le32(p + 2);
        if (number == 0 || length == 0)
            continue;
        if (number >= XW_FORMATS_SCP_SECTIONS_N)
            continue; /* a maker's own, or of a later version */
        if (f->sections[number].n)
            return xw_formats_fail(ret_error, EBADMSG, "section 0", "section %u stands twice",
                                   number);
        e = take_section(data, n, number, xw_formats_le32(p + 6), length, f, r, ret_error);
        if (e < 0)
            return e;
    }
    return 0;
}

static int check_file(const uint8_t *data, size_t *n, struct xw_formats_recording *r,
                      struct xw_formats_error *ret_error)
{
    if (*n < 6 + XW_FORMATS_SCP_HEADER_BYTES + 10)
        return xw_formats_fail(ret_error, ENODATA, "", "the file ends within its first section");
    uint32_t length = xw_formats_le32(data + 2);
    if (length > *n)
        return xw_formats_fail(ret_error, ENODATA, "", "the file says %u bytes and has %zu", length,
                               *n);
    if (length < 6 + XW_FORMATS_SCP_HEADER_BYTES)
        return xw_formats_fail(ret_error, EBADMSG, "", "the file says it has %u bytes", length);
    if (length < *n)
        xw_formats_warn(r, "%zu bytes follow the end that the file states", *n - length);
    *n = length;
    uint16_t stored = xw_formats_le16(data);
    if (stored == xw_formats_scp_crc(data + 2, length - 2))
        return 0;
    if (stored != 0)
        return xw_formats_fail(ret_error, EBADMSG, "", "the checksum of the file is wrong");
    xw_formats_warn(r, "the file carries no checksum");
    return 0;
}

int xw_formats_read_scp(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                        struct xw_formats_error *ret_error)
{
    struct xw_formats_scp f = {0};
    if (xw_formats_scp_is_healforce(data, n))
        return xw_formats_scp_healforce(data, n, r, ret_error);
    int e = check_file(data, &n, r, ret_error);
    if (e == 0)
        e = take_pointers(data, n, &f, r, ret_error);
    if (e < 0)
        return e;
    unsigned version = data[15];
    snprintf(r->version, sizeof(r->version), "%u.%u", version / 10, version % 10);
    xw_formats_scp_identity(&f, r);
    e = xw_formats_scp_signals(&f, r, ret_error);
    if (e == 0)
        xw_formats_scp_findings(&f, r);
    return e;
}
