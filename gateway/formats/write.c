/* One door to all writers. */
#include "formats/write.h"

#include "base/file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const struct xw_formats_group *xw_formats_one_rhythm(const struct xw_formats_recording *r,
                                                     struct xw_formats_error *ret_error)
{
    const struct xw_formats_group *g = xw_formats_rhythm(r);
    unsigned n = 0;
    for (unsigned i = 0; i < r->groups_n; i++)
        n += r->groups[i].kind == XW_FORMATS_RHYTHM;
    if (!g)
        (void)xw_formats_fail(ret_error, ENODATA, "", "there is no ECG to be written");
    else if (n > 1)
        (void)xw_formats_fail(ret_error, ENOTSUP, "",
                              "leads of different rates or times cannot stand in this format");
    return g && n == 1 ? g : NULL;
}

void xw_formats_count_range(const struct xw_formats_group *g, unsigned c, int32_t *ret_min,
                            int32_t *ret_max, bool *ret_missing)
{
    *ret_min = INT32_MAX;
    *ret_max = INT32_MIN;
    *ret_missing = false;
    for (int64_t i = 0; i < g->samples_n; i++) {
        int32_t v = g->rows[(size_t)i * g->leads_n + c];
        if (v == XW_FORMATS_NO_SAMPLE) {
            *ret_missing = true;
            continue;
        }
        *ret_min = v < *ret_min ? v : *ret_min;
        *ret_max = v > *ret_max ? v : *ret_max;
    }
    if (*ret_min > *ret_max)
        *ret_min = *ret_max = 0;
}

int xw_formats_encode(const struct xw_formats_recording *recording, enum xw_formats_kind kind,
                      uint8_t **ret_data, size_t *ret_data_n, struct xw_formats_error *ret_error)
{
    struct xw_buf out;
    int e = 0;
    if (kind == XW_FORMATS_DICOM)
        return xw_formats_dicom_write(recording, ret_data, ret_data_n, ret_error);
    xw_buf_init(&out, XW_FORMATS_MAX_FILE_BYTES);
    if (kind == XW_FORMATS_AECG)
        e = xw_formats_write_aecg(recording, &out, ret_error);
    else if (kind == XW_FORMATS_SCP)
        e = xw_formats_write_scp(recording, &out, ret_error);
    else if (kind == XW_FORMATS_EDF)
        e = xw_formats_write_edf(recording, &out, ret_error);
    else
        e = xw_formats_fail(ret_error, ENOTSUP, "", "this kind of file is not written");
    if (e == 0)
        *ret_data = xw_buf_take(&out, ret_data_n);
    xw_buf_done(&out);
    return e;
}

int xw_formats_write(const struct xw_formats_recording *recording, enum xw_formats_kind kind,
                     const char *path, struct xw_formats_error *ret_error)
{
    uint8_t *data = NULL;
    size_t n = 0;
    if (kind == XW_FORMATS_WFDB)
        return xw_formats_write_wfdb(recording, path, ret_error);
    int e = xw_formats_encode(recording, kind, &data, &n, ret_error);
    if (e < 0)
        return e;
    e = xw_file_write_atomic(path, data, n, 0600);
    free(data);
    return e < 0 ? xw_formats_fail(ret_error, -e, "", "%s", strerror(-e)) : 0;
}
