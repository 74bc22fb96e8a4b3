/* The parts of the SCP-ECG reader and writer. EN 1064 counts samples and bytes from 1. */
#ifndef XW_FORMATS_SCP_H
#define XW_FORMATS_SCP_H

#include "formats/internal.h"

enum {
    XW_FORMATS_SCP_SECTIONS_N = 12,
    XW_FORMATS_SCP_HEADER_BYTES = 16, /* of a section */
    XW_FORMATS_SCP_NONE = 29999,      /* from here on up to 32767: a value that was not computed */
};

/* The content of a section, behind its header; n 0: it is not in the file. */
struct xw_formats_scp_section {
    const uint8_t *data;
    size_t n;
};

struct xw_formats_scp {
    struct xw_formats_scp_section sections[XW_FORMATS_SCP_SECTIONS_N];
};

/* CRC-CCITT, from 0xffff. */
uint16_t xw_formats_scp_crc(const uint8_t *data, size_t n);

/* Sections 1, 7, 8, 10: what is malformed in them is a warning or left out. */
void xw_formats_scp_identity(const struct xw_formats_scp *f, struct xw_formats_recording *r);
void xw_formats_scp_findings(const struct xw_formats_scp *f, struct xw_formats_recording *r);

/* Sections 2 to 6. */
XW_FORMATS_MUST_CHECK int xw_formats_scp_signals(const struct xw_formats_scp *f,
                                                 struct xw_formats_recording *r,
                                                 struct xw_formats_error *ret_error);

/* ---- Huffman, section 2 ---- */

struct xw_formats_scp_tables;

/* NULL in *ret_tables when the file has no section 2: its samples are plain 16-bit numbers. */
XW_FORMATS_MUST_CHECK int xw_formats_scp_tables_read(const struct xw_formats_scp_section *section,
                                                     struct xw_formats_scp_tables **ret_tables,
                                                     struct xw_formats_error *ret_error);
void xw_formats_scp_tables_free(struct xw_formats_scp_tables *tables);
/* Up to samples_n values; returns how many were there. -EBADMSG: a code of no table. */
XW_FORMATS_MUST_CHECK int64_t xw_formats_scp_decode(const struct xw_formats_scp_tables *tables,
                                                    const uint8_t *data, size_t n,
                                                    int64_t samples_n, int32_t *out);
/* Undoes first (1) or second (2) differences in place; -EBADMSG when a value leaves 32 bits. */
XW_FORMATS_MUST_CHECK int xw_formats_scp_integrate(int32_t *values, int64_t n, unsigned order);

/* ---- Healforce ---- */

/* A device's own form: no mark in section 0, pointers from 0, 10-bit samples of interleaved leads.
 */
bool xw_formats_scp_is_healforce(const uint8_t *data, size_t n);
XW_FORMATS_MUST_CHECK int xw_formats_scp_healforce(const uint8_t *data, size_t n,
                                                   struct xw_formats_recording *r,
                                                   struct xw_formats_error *ret_error);

#endif
