/* The two halves of the EDF reader. */
#ifndef XW_FORMATS_EDF_H
#define XW_FORMATS_EDF_H

#include "formats/internal.h"

enum { XW_FORMATS_EDF_FIXED_BYTES = 256, XW_FORMATS_EDF_MAX_SIGNALS = XW_FORMATS_MAX_LEADS };

struct xw_formats_edf {
    const uint8_t *data;
    size_t n;
    unsigned signals_n;
    unsigned sample_bytes; /* 2, or 3 for BDF */
    size_t header_bytes;
    size_t record_bytes;
    int64_t records_n;
    struct xw_wfdb_fraction record_s;
    bool plus, plus_d;
    uint32_t samples[XW_FORMATS_EDF_MAX_SIGNALS]; /* of a record */
    size_t offset[XW_FORMATS_EDF_MAX_SIGNALS];    /* in a record */
    bool notes[XW_FORMATS_EDF_MAX_SIGNALS];       /* a signal of annotations */
};

/* Patient, recorder and start, as EDF+ has them or as plain EDF has them. */
void xw_formats_edf_identity(struct xw_formats_edf *f, struct xw_formats_recording *r);
/* EDF+: when a record begins, from its first annotation signal, after the start of the file. */
bool xw_formats_edf_record_time(const struct xw_formats_edf *f, int64_t record, int64_t *ret_us);

#endif
