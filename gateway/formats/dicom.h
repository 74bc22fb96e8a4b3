/* The parts of the DICOM reader and writer; DCMTK stays within dicom_*.cc. */
#ifndef XW_FORMATS_DICOM_H
#define XW_FORMATS_DICOM_H

#include "formats/internal.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Whether the elements lie within each other and within the file. */
XW_FORMATS_MUST_CHECK int xw_formats_dicom_check(const uint8_t *data, size_t n,
                                                 struct xw_formats_error *ret_error);
/* A measurement by the meaning that a DICOM annotation gives; false for any other. */
bool xw_formats_dicom_measure(const char *meaning, enum xw_formats_measure_code *ret_code);
/* Code (SCPECG) and meaning of a measurement; false when it has none. */
bool xw_formats_dicom_measure_code(enum xw_formats_measure_code code, const char **ret_code,
                                   const char **ret_meaning);
/* Reads what DCMTK parsed; called after the check. */
XW_FORMATS_MUST_CHECK int xw_formats_dicom_read(const uint8_t *data, size_t n,
                                                struct xw_formats_recording *r,
                                                struct xw_formats_error *ret_error);
/* The whole file in memory; free() *ret_data. */
XW_FORMATS_MUST_CHECK int xw_formats_dicom_write(const struct xw_formats_recording *r,
                                                 uint8_t **ret_data, size_t *ret_n,
                                                 struct xw_formats_error *ret_error);

#ifdef __cplusplus
}
#endif
#endif
