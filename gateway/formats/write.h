/* The writers, and what they share. */
#ifndef XW_FORMATS_WRITE_H
#define XW_FORMATS_WRITE_H

#include "base/buf.h"
#include "formats/dicom.h"

/* The rhythm when it is the only group of it; NULL with a sentence. */
const struct xw_formats_group *xw_formats_one_rhythm(const struct xw_formats_recording *r,
                                                     struct xw_formats_error *ret_error);
/* Smallest and largest count of a lead, and whether samples are missing. */
void xw_formats_count_range(const struct xw_formats_group *g, unsigned c, int32_t *ret_min,
                            int32_t *ret_max, bool *ret_missing);

XW_FORMATS_MUST_CHECK int xw_formats_write_aecg(const struct xw_formats_recording *r,
                                                struct xw_buf *out,
                                                struct xw_formats_error *ret_error);
XW_FORMATS_MUST_CHECK int xw_formats_write_scp(const struct xw_formats_recording *r,
                                               struct xw_buf *out,
                                               struct xw_formats_error *ret_error);
XW_FORMATS_MUST_CHECK int xw_formats_write_edf(const struct xw_formats_recording *r,
                                               struct xw_buf *out,
                                               struct xw_formats_error *ret_error);
XW_FORMATS_MUST_CHECK int xw_formats_write_wfdb(const struct xw_formats_recording *r,
                                                const char *path,
                                                struct xw_formats_error *ret_error);

#endif
