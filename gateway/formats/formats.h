/* The ECG file formats that a county meets, read and written behind one interface.
 *
 * Purpose    A file of any kind becomes one recording: leads with their exact counts, rate, gain
 * and baseline, the patient, and what the vendor's program said of it. Formats    read: HL7 aECG,
 * SCP-ECG (EN 1064), DICOM waveform, EDF/EDF+, GE MUSE XML, Philips Sierra XML 1.03/1.04 (XLI),
 * MFER (ISO 22077), WFDB. What a file is, is told by its content, never by its name. Threads    No
 * global state but the one-time set-up of libxml2 and DCMTK (xw_formats_init, which every call
 * makes for itself). One recording is used by one thread at a time. Ownership  A recording owns
 * everything it points to; xw_formats_free(NULL) is fine. Units      Samples are the file's own
 * counts, never filtered, resampled or rounded. A physical value is (count - baseline) / gain in
 * the lead's unit; voltages are always in mV. Errors     0 or a negative errno: -ENOENT no such
 * file, -ENOTSUP not an ECG file, or a form of one that is not read, -EBADMSG malformed, -ENODATA
 * cut off or without samples, -EOVERFLOW a limit, -ENOMEM, -EINVAL a wrong call. struct
 * xw_formats_error then says what and where; neither names a patient. Patients   struct
 * xw_formats_patient, statements and warnings of the vendor are for a screen or a store; nothing in
 * this library logs anything. Source     ANSI/HL7 V3 ECG R1 (aECG), EN 1064:2005+A1 / ISO
 * 11073-91064, DICOM PS3.3 C.10.9 and PS3.16 CID 3001, Kemp 1992 and 2003 (EDF, EDF+), ISO 22077-1.
 */
#ifndef XW_FORMATS_FORMATS_H
#define XW_FORMATS_FORMATS_H

#include "dsp/ecg/lead.h"
#include "wfdb/wfdb.h"

#ifdef __cplusplus
extern "C" {
#endif

#define XW_FORMATS_MUST_CHECK __attribute__((warn_unused_result))
/* The count of a sample that the file does not have (no electrode, null value, not recorded). */
#define XW_FORMATS_NO_SAMPLE INT32_MIN

enum {
    XW_FORMATS_MAX_FILE_BYTES = 256 * 1024 * 1024, /* what -1 as a limit means */
    XW_FORMATS_MAX_SAMPLES = 128 * 1024 * 1024,    /* of all leads and groups together */
    XW_FORMATS_MAX_LEADS = 64,                     /* of one group */
    XW_FORMATS_MAX_GROUPS = 64,
    XW_FORMATS_MAX_MEASURES = 1024,
    XW_FORMATS_MAX_STATEMENTS = 256,
    XW_FORMATS_MAX_WARNINGS = 16,
    XW_FORMATS_TEXT_BYTES = 256, /* UTF-8 with the final NUL */
    XW_FORMATS_NAME_BYTES = 64,
};

enum xw_formats_kind {
    XW_FORMATS_UNKNOWN = 0,
    XW_FORMATS_AECG,
    XW_FORMATS_SCP,
    XW_FORMATS_DICOM,
    XW_FORMATS_EDF,
    XW_FORMATS_MUSE,
    XW_FORMATS_SIERRA,
    XW_FORMATS_MFER,
    XW_FORMATS_WFDB,
    XW_FORMATS_KINDS_N
};

struct xw_formats_error {
    char where[XW_FORMATS_NAME_BYTES]; /* "section 6, lead 3", "line 120", "" for the whole file */
    char text[XW_FORMATS_TEXT_BYTES];
};

/* As the file has it; local to the recording unless a zone is known. */
struct xw_formats_time {
    bool has_date, has_time, has_zone;
    int16_t year;
    int8_t month, day; /* 1.. */
    int32_t ms_of_day; /* 0..86399999 */
    int16_t zone_min;  /* minutes east of UTC */
};

struct xw_formats_lead {
    enum xw_ecg_lead code;
    char name[32]; /* the standard name where there is one ("aVR"), else as the file has it */
    char unit[16]; /* "mV" for every voltage; else UCUM or as the file has it */
    struct xw_wfdb_fraction gain;     /* counts per unit, > 0, or < 0 for a reversed amplifier */
    struct xw_wfdb_fraction baseline; /* the count of 0 units; need not be whole */
    bool derived;                     /* not in the file: computed exactly from I and II */
};

enum xw_formats_group_kind { XW_FORMATS_RHYTHM, XW_FORMATS_MEDIAN };

/* Leads of one rate and one span of time. */
struct xw_formats_group {
    enum xw_formats_group_kind kind;
    struct xw_wfdb_fraction rate_hz;
    int64_t offset_us; /* of the first sample, after the recording's start */
    int64_t samples_n; /* a lead */
    unsigned leads_n;
    struct xw_formats_lead *leads;
    int32_t *rows; /* samples_n x leads_n counts, interleaved */
};

/* Never to be logged. Empty texts and zeros: not in the file. */
struct xw_formats_patient {
    char id[XW_FORMATS_TEXT_BYTES];
    char family[XW_FORMATS_TEXT_BYTES]; /* the whole name where the file does not divide it */
    char given[XW_FORMATS_TEXT_BYTES];
    struct xw_formats_time born; /* a date */
    char sex;                    /* 'M', 'F', 'O' other, 0 unknown */
    bool has_age;
    double age_years;
};

struct xw_formats_device {
    char maker[XW_FORMATS_NAME_BYTES];
    char model[XW_FORMATS_NAME_BYTES];
    char software[XW_FORMATS_NAME_BYTES];
    char serial[XW_FORMATS_NAME_BYTES];
};

/* Cut-off frequencies in Hz that the file says were applied to its samples; 0: not said. */
struct xw_formats_filters {
    double highpass_hz;
    double lowpass_hz;
    double notch_hz;
};

enum xw_formats_measure_code {
    XW_FORMATS_HEART_RATE, /* /min, of the ventricles */
    XW_FORMATS_ATRIAL_RATE,
    XW_FORMATS_RR, /* ms from here */
    XW_FORMATS_PP,
    XW_FORMATS_P_DURATION,
    XW_FORMATS_PR,
    XW_FORMATS_QRS,
    XW_FORMATS_QT,
    XW_FORMATS_QTC, /* by a formula that the file does not name */
    XW_FORMATS_QTC_BAZETT,
    XW_FORMATS_QTC_FRIDERICIA,
    XW_FORMATS_QTC_FRAMINGHAM,
    XW_FORMATS_QTC_HODGES,
    XW_FORMATS_P_AXIS, /* degrees in the frontal plane */
    XW_FORMATS_QRS_AXIS,
    XW_FORMATS_T_AXIS,
    XW_FORMATS_P_AMPLITUDE, /* uV from here, of one lead */
    XW_FORMATS_Q_AMPLITUDE,
    XW_FORMATS_R_AMPLITUDE,
    XW_FORMATS_S_AMPLITUDE,
    XW_FORMATS_T_AMPLITUDE,
    XW_FORMATS_J_AMPLITUDE,
    XW_FORMATS_MEASURES_N
};

struct xw_formats_measure {
    enum xw_formats_measure_code code;
    enum xw_ecg_lead lead; /* XW_ECG_LEAD_OTHER: of the whole recording */
    double value;
};

struct xw_formats_statement {
    char code[XW_FORMATS_NAME_BYTES]; /* the vendor's; "" for none */
    char text[XW_FORMATS_TEXT_BYTES];
};

struct xw_formats_recording {
    enum xw_formats_kind kind;
    char version[32]; /* of the format, as the file has it */
    struct xw_formats_time start;
    struct xw_formats_patient patient;
    struct xw_formats_device device;
    struct xw_formats_filters filters;
    unsigned groups_n;
    struct xw_formats_group groups[XW_FORMATS_MAX_GROUPS];
    size_t measures_n;
    struct xw_formats_measure *measures;
    size_t statements_n;
    struct xw_formats_statement *statements;
    unsigned warnings_n; /* what was odd and how it was taken; none says who the patient is */
    char warnings[XW_FORMATS_MAX_WARNINGS][XW_FORMATS_TEXT_BYTES];
    int64_t samples_n; /* private: of all groups, against the limit */
};

/* "aecg", "scp", "dicom", "edf", "muse", "sierra", "mfer", "wfdb"; "unknown". */
const char *xw_formats_kind_name(enum xw_formats_kind kind);
enum xw_formats_kind xw_formats_kind_of(const char *name);
/* "pr", "qtc_bazett" …, and its UCUM unit. */
const char *xw_formats_measure_name(enum xw_formats_measure_code code);
const char *xw_formats_measure_unit(enum xw_formats_measure_code code);

/* What the bytes are, from their beginning; 64 KiB of it are enough. */
enum xw_formats_kind xw_formats_sniff(const uint8_t *data, size_t data_n);

/* path: a file; for WFDB the header, with or without ".hea". max_bytes: larger files are
 * -EOVERFLOW; 0 means XW_FORMATS_MAX_FILE_BYTES. */
XW_FORMATS_MUST_CHECK int xw_formats_open(const char *path, size_t max_bytes,
                                          struct xw_formats_recording **ret_recording,
                                          struct xw_formats_error *ret_error);
/* The same from memory; data borrowed for the call. WFDB is several files: -ENOTSUP here. */
XW_FORMATS_MUST_CHECK int xw_formats_parse(const uint8_t *data, size_t data_n,
                                           struct xw_formats_recording **ret_recording,
                                           struct xw_formats_error *ret_error);
void xw_formats_free(struct xw_formats_recording *recording);

/* The first rhythm group with most leads, or NULL: "the ECG" of the recording. */
const struct xw_formats_group *xw_formats_rhythm(const struct xw_formats_recording *recording);
/* A count in the lead's unit; NAN for XW_FORMATS_NO_SAMPLE. */
double xw_formats_value(const struct xw_formats_lead *lead, int32_t count);
/* -1 when the group has no such lead. */
int xw_formats_find_lead(const struct xw_formats_group *group, enum xw_ecg_lead code);
/* The measurement of the whole recording; false when the file has none. */
bool xw_formats_find_measure(const struct xw_formats_recording *recording,
                             enum xw_formats_measure_code code, double *ret_value);

/* ---- writing ---- */

/* Writes the recording as one file of this kind (AECG, SCP, DICOM, EDF; WFDB: DIR/RECORD, two
 * files). Counts, gain, lead names, patient, time and measurements are kept as far as the format
 * can say them; what it cannot say without a loss of more than half a count is -ERANGE with a
 * sentence. Rhythm groups only; derived leads are written as any other. Replaces path atomically.
 * -ENOTSUP: kinds that are only read. */
XW_FORMATS_MUST_CHECK int xw_formats_write(const struct xw_formats_recording *recording,
                                           enum xw_formats_kind kind, const char *path,
                                           struct xw_formats_error *ret_error);
/* The same into memory (not WFDB); *ret_data is the caller's, free() it. */
XW_FORMATS_MUST_CHECK int xw_formats_encode(const struct xw_formats_recording *recording,
                                            enum xw_formats_kind kind, uint8_t **ret_data,
                                            size_t *ret_data_n, struct xw_formats_error *ret_error);

#ifdef __cplusplus
}
#endif
#endif
