/* Shared by the files of this library only: building a recording, exact numbers, texts, bounded
 * reading of bytes. */
#ifndef XW_FORMATS_INTERNAL_H
#define XW_FORMATS_INTERNAL_H

#include "formats/formats.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Fills ret_error (may be NULL) and returns -error, so that callers write `return fail(…)`. */
__attribute__((format(printf, 4, 5))) int xw_formats_fail(struct xw_formats_error *ret_error,
                                                          int error, const char *where,
                                                          const char *format, ...);

/* ---- building ---- */

/* A new group with room for samples_n of leads_n leads, all XW_FORMATS_NO_SAMPLE. -EOVERFLOW. */
XW_FORMATS_MUST_CHECK int xw_formats_add_group(struct xw_formats_recording *r,
                                               enum xw_formats_group_kind kind, unsigned leads_n,
                                               int64_t samples_n,
                                               struct xw_formats_group **ret_group,
                                               struct xw_formats_error *ret_error);
/* Takes the last group away again. */
void xw_formats_drop_group(struct xw_formats_recording *r);
/* Name and code of a lead from whatever a file calls it. */
void xw_formats_name_lead(struct xw_formats_lead *lead, const char *name);
/* The lead of an SCP-ECG / MFER / MDC (11073-10102) lead number; false when it has no name here. */
bool xw_formats_name_lead_number(struct xw_formats_lead *lead, unsigned number);
/* The number for a lead, 0 when there is none. */
unsigned xw_formats_lead_number(enum xw_ecg_lead code);
/* units_per_count (e.g. "2.5" uV) in a unit of voltage becomes gain in counts per mV and unit mV;
 * other units are kept. -EBADMSG for 0 or what is out of reason. */
XW_FORMATS_MUST_CHECK int xw_formats_set_scale(struct xw_formats_lead *lead,
                                               struct xw_wfdb_fraction units_per_count,
                                               const char *unit);
/* Both are silent when there is no more room. */
void xw_formats_add_measure(struct xw_formats_recording *r, enum xw_formats_measure_code code,
                            enum xw_ecg_lead lead, double value);
void xw_formats_add_statement(struct xw_formats_recording *r, const char *code, const char *text);
__attribute__((format(printf, 2, 3))) void xw_formats_warn(struct xw_formats_recording *r,
                                                           const char *format, ...);
/* Adds III, aVR, aVL, aVF to a group that has I and II and none of them, exactly: the augmented
 * leads at twice the gain. Nothing happens where that cannot be exact. */
XW_FORMATS_MUST_CHECK int xw_formats_derive_limb_leads(struct xw_formats_recording *r,
                                                       struct xw_formats_group *group,
                                                       struct xw_formats_error *ret_error);

/* ---- exact numbers ---- */

/* den > 0, lowest terms. -ERANGE when it does not fit. */
int xw_formats_fraction(__int128 num, __int128 den, struct xw_wfdb_fraction *ret);
int xw_formats_multiply(struct xw_wfdb_fraction a, struct xw_wfdb_fraction b,
                        struct xw_wfdb_fraction *ret);
int xw_formats_divide(struct xw_wfdb_fraction a, struct xw_wfdb_fraction b,
                      struct xw_wfdb_fraction *ret);
/* A decimal with blanks around it ("  -2.500e+01 "), exactly. -EBADMSG, -ERANGE. */
int xw_formats_decimal(const char *text, size_t text_n, struct xw_wfdb_fraction *ret);
/* A whole number with blanks around it, within min..max. -EBADMSG, -ERANGE. */
int xw_formats_whole(const char *text, size_t text_n, int64_t min, int64_t max, int64_t *ret);
/* The shortest decimal that is exact, else 12 significant digits. */
void xw_formats_print_fraction(struct xw_wfdb_fraction value, char *ret_text, size_t text_size);
double xw_formats_double(struct xw_wfdb_fraction value);

/* ---- texts and times ---- */

/* Copies as UTF-8 without control characters or blanks at the ends. What is not UTF-8 is taken as
 * GB 18030 where all its high bytes come in pairs above 0xA0, else as Latin-1. */
void xw_formats_text(char *dst, size_t dst_size, const void *src, size_t src_n);
/* "YYYYMMDDhhmmss.fff+zzzz", "YYYY-MM-DDThh:mm:ss", or a part of it; false: not a time. */
bool xw_formats_parse_time(const char *text, size_t text_n, struct xw_formats_time *ret_time);
/* Date and time of day when they are possible; else nothing happens and it is false. */
bool xw_formats_set_date(struct xw_formats_time *t, int64_t year, int64_t month, int64_t day);
bool xw_formats_set_clock(struct xw_formats_time *t, int64_t hour, int64_t minute, int64_t second,
                          int64_t ms);

/* Base64 with blanks and line ends in it. -EBADMSG: a wrong character, cut off, or bits left over.
 * free() *ret_data. */
XW_FORMATS_MUST_CHECK int xw_formats_base64(const char *text, size_t text_n, uint8_t **ret_data,
                                            size_t *ret_data_n);
uint32_t xw_formats_crc32(const uint8_t *data, size_t data_n);

/* ---- bytes ---- */

static inline uint16_t xw_formats_le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}
static inline uint32_t xw_formats_le32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}
static inline int32_t xw_formats_les16(const uint8_t *p)
{
    return (int16_t)xw_formats_le16(p);
}

/* ---- the formats: each fills the empty recording ---- */

int xw_formats_read_aecg(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error);
int xw_formats_read_scp(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                        struct xw_formats_error *ret_error);
int xw_formats_read_dicom(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                          struct xw_formats_error *ret_error);
int xw_formats_read_edf(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                        struct xw_formats_error *ret_error);
int xw_formats_read_muse(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error);
int xw_formats_read_sierra(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                           struct xw_formats_error *ret_error);
int xw_formats_read_mfer(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error);
int xw_formats_read_wfdb(const char *path, struct xw_formats_recording *r,
                         struct xw_formats_error *ret_error);

#ifdef __cplusplus
}
#endif
#endif
