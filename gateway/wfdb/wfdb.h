/* WFDB recordings (PhysioNet): headers, signals, annotations; read as streams, and written.
 *
 * Purpose    One reader for everything that replays or screens a recording: gst `wfdbsrc`,
 *            xinwang-sim, xinwang-screen and the tests.
 * Formats    signals 16, 61, 80, 160, 24, 32, 212, several files a record, a byte offset ("16+24",
 *            the Matlab v4 form), skew, samples per frame; annotations in the MIT format.
 *            Not read, with a clear error: multi-segment headers, formats 8, 310, 311, 508, 516,
 *            524, AHA annotations.
 * Threads    No global state. One object is used by one thread at a time.
 * Ownership  Every `_open`/`_new`/`_load` has its `_close`/`_free`/`_done`; NULL is fine there.
 * Units      Counts are the recording's own ADC counts as int32, never changed. "Frame" is a WFDB
 *            frame; "row" is one sample of each selected signal. Rates are exact fractions.
 * Errors     0 or more, or a negative errno: -ENOENT no such file, -EBADMSG malformed, -ENODATA
 *            truncated, -ENOTSUP a form that is not read, -EPERM a file name that leaves the
 *            record's folder, -EOVERFLOW a limit, -EINVAL a wrong call. `ret_error` (may be NULL)
 *            gets a sentence for the user; it names files of the record, never their comments.
 * Source     WFDB Applications Guide, header(5), signal(5), annot(5), PhysioNet.
 */
#ifndef XW_WFDB_WFDB_H
#define XW_WFDB_WFDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define XW_WFDB_MUST_CHECK __attribute__((warn_unused_result))

enum {
    XW_WFDB_MAX_SIGNALS = 64,
    XW_WFDB_MAX_LINE_BYTES = 4096,
    XW_WFDB_MAX_HEADER_BYTES = 256 * 1024,
    XW_WFDB_MAX_NAME_BYTES = 128, /* with the final NUL: record, file name, description */
    XW_WFDB_MAX_UNIT_BYTES = 32,
    XW_WFDB_MAX_COMMENTS_BYTES = 64 * 1024,
    XW_WFDB_MAX_SPF = 4096,
    XW_WFDB_MAX_SKEW_FRAMES = 4096,
    XW_WFDB_MAX_ANNOTATIONS_BYTES = 64 * 1024 * 1024,
    XW_WFDB_MAX_ANNOTATIONS = 16 * 1024 * 1024,
    XW_WFDB_MAX_AUX_BYTES = 255,
};

struct xw_wfdb_error {
    unsigned line; /* of the header, 1-based; 0: not about a line */
    char text[256];
};

/* num/den in lowest terms, den > 0. */
struct xw_wfdb_fraction {
    int64_t num;
    int64_t den;
};

struct xw_wfdb_signal {
    char file[XW_WFDB_MAX_NAME_BYTES];
    char description[XW_WFDB_MAX_NAME_BYTES]; /* lead name as it stands, e.g. "MLII", "AVR" */
    char unit[XW_WFDB_MAX_UNIT_BYTES];        /* "mV" when the header names none */
    int format;
    uint32_t samples_per_frame;
    int32_t skew_frames;   /* ≥ 0: this signal's samples lie so many frames late in its file */
    uint64_t offset_bytes; /* start of the samples in the file */
    struct xw_wfdb_fraction gain; /* counts per unit, exact (4305.1 is 43051/10), > 0 */
    bool gain_known;              /* false: the header says "uncalibrated"; gain is then 200 */
    int32_t baseline;             /* the count of 0 physical units */
    int32_t adc_resolution_bits;  /* 0: unknown */
    int32_t adc_zero;
    int32_t initial_value;
    uint32_t checksum;   /* low 16 bits of the sum of all samples */
    bool checksum_known; /* the header gives one */
    int32_t block_size_bytes;
    int32_t invalid; /* the count that means "no valid sample", by format (16: -32768 …) */
    int32_t count_min;
    int32_t count_max; /* smallest and largest count the format can carry, without `invalid` */
};

struct xw_wfdb_header {
    char record[XW_WFDB_MAX_NAME_BYTES];
    unsigned signals_n;
    struct xw_wfdb_fraction frame_rate_hz;   /* 250 if not given, as WFDB has it */
    struct xw_wfdb_fraction counter_rate_hz; /* equal to frame_rate_hz if not given */
    double counter_base;
    int64_t frames_n; /* 0: not stated */
    bool has_base_time;
    int32_t base_time_ms; /* since midnight, local to the recording */
    bool has_base_date;
    int16_t base_year;
    int8_t base_month; /* 1..12 */
    int8_t base_day;   /* 1..31 */
    struct xw_wfdb_signal signals[XW_WFDB_MAX_SIGNALS];
    /* Comment lines without '#', joined by '\n'. They may hold patient data: never log them. */
    char *comments;
};

/* Parse: text borrowed, text_n bytes, LF or CRLF. On success the header is to be given to _done. */
XW_WFDB_MUST_CHECK int xw_wfdb_header_parse(const char *text, size_t text_n,
                                            struct xw_wfdb_header *ret_header,
                                            struct xw_wfdb_error *ret_error);
/* record_path: "DIR/RECORD", with or without ".hea". */
XW_WFDB_MUST_CHECK int xw_wfdb_header_load(const char *record_path,
                                           struct xw_wfdb_header *ret_header,
                                           struct xw_wfdb_error *ret_error);
void xw_wfdb_header_done(struct xw_wfdb_header *header);

/* ---- signals ---- */

struct xw_wfdb_reader;

/* Opens the record and the files of the selected signals. signals: signals_n header indices, in
 * the order wanted in a row; signals_n 0 selects all. Selected signals must have the same number
 * of samples per frame (else -ENOTSUP: open one reader a rate; nothing is ever resampled); with
 * more than one sample a frame the row rate is the frame rate times that number.
 * Files shorter than the header promises are refused here (-ENODATA). */
XW_WFDB_MUST_CHECK int xw_wfdb_reader_open(const char *record_path, const unsigned *signals,
                                           size_t signals_n, struct xw_wfdb_reader **ret_reader,
                                           struct xw_wfdb_error *ret_error);
void xw_wfdb_reader_close(struct xw_wfdb_reader *reader);

const struct xw_wfdb_header *xw_wfdb_reader_header(const struct xw_wfdb_reader *reader);
unsigned xw_wfdb_reader_channels(const struct xw_wfdb_reader *reader);
/* The header entry of output channel `channel` (< xw_wfdb_reader_channels). */
const struct xw_wfdb_signal *xw_wfdb_reader_signal(const struct xw_wfdb_reader *reader,
                                                   unsigned channel);
struct xw_wfdb_fraction xw_wfdb_reader_rate_hz(const struct xw_wfdb_reader *reader); /* of rows */
int64_t xw_wfdb_reader_length(const struct xw_wfdb_reader *reader);                  /* rows */
int64_t xw_wfdb_reader_position(const struct xw_wfdb_reader *reader);                /* next row */

/* Reads up to rows_n rows into ret_rows (rows_n x channels, interleaved). Returns the rows read;
 * fewer than asked only at the end, 0 at the end; -EIO / -ENODATA if a file shrank under us.
 * Skewed signals have no samples for the last skew frames: their `invalid` stands there. */
XW_WFDB_MUST_CHECK int64_t xw_wfdb_reader_read(struct xw_wfdb_reader *reader, int32_t *ret_rows,
                                               size_t rows_n, struct xw_wfdb_error *ret_error);
/* 0 ≤ row ≤ length, else -EINVAL. */
XW_WFDB_MUST_CHECK int xw_wfdb_reader_seek(struct xw_wfdb_reader *reader, int64_t row);

/* Reads the whole record once and compares every selected signal with its header's checksum.
 * Returns how many signals could be compared; -EBADMSG if one differs. The position stays. */
XW_WFDB_MUST_CHECK int xw_wfdb_reader_verify(struct xw_wfdb_reader *reader,
                                             struct xw_wfdb_error *ret_error);

/* ---- fetal monitors ---- */

/* What a signal is on the wires of Xinwang; static texts. */
struct xw_wfdb_fetal {
    const char *code;  /* FHR1, FHR2, FHR3, MHR, UC */
    const char *unit;  /* UCUM */
    bool zero_is_none; /* such recordings write 0 where there was no signal */
};
/* By description and unit, as CTU-UHB has them ("FHR" in bpm, "UC"). False: no such signal. */
bool xw_wfdb_fetal_signal(const struct xw_wfdb_signal *signal, struct xw_wfdb_fetal *ret_fetal);

/* ---- writing a record: one format 16 file and its header ---- */

struct xw_wfdb_writer;

struct xw_wfdb_writer_signal {
    const char *description;
    const char *unit;
    struct xw_wfdb_fraction gain; /* counts per unit; the denominator's prime factors are 2, 5 */
    int32_t baseline;
};

/* Creates DIR/RECORD.dat; the header DIR/RECORD.hea appears at _finish, when all is known.
 * record_path without extension; its last part: letters, digits, '_' and '-'. */
XW_WFDB_MUST_CHECK int xw_wfdb_writer_open(const char *record_path, struct xw_wfdb_fraction rate_hz,
                                           const struct xw_wfdb_writer_signal *signals,
                                           size_t signals_n, struct xw_wfdb_writer **ret_writer,
                                           struct xw_wfdb_error *ret_error);
/* rows: rows_n x signals_n interleaved; a count outside int16 gives -ERANGE and writes nothing. */
XW_WFDB_MUST_CHECK int xw_wfdb_writer_write(struct xw_wfdb_writer *writer, const int32_t *rows,
                                            size_t rows_n);
/* What stands in the header beside the signals. */
struct xw_wfdb_record_info {
    bool has_time, has_date; /* a date stands only behind a time */
    int32_t time_ms;         /* since midnight */
    int year, month, day;
    const char *comments; /* lines, without '#'; "" for none. May hold patient data */
};
/* Before _finish; copied. What does not fit is left out. */
void xw_wfdb_writer_describe(struct xw_wfdb_writer *writer, const struct xw_wfdb_record_info *info);
/* Writes the header and closes; takes the writer in every case. */
XW_WFDB_MUST_CHECK int xw_wfdb_writer_finish(struct xw_wfdb_writer *writer,
                                             struct xw_wfdb_error *ret_error);
/* Gives up: closes, and removes the unfinished .dat. */
void xw_wfdb_writer_abandon(struct xw_wfdb_writer *writer);

/* ---- annotations ---- */

/* WFDB annotation codes (ecgcodes of the MIT format). */
enum xw_wfdb_code {
    XW_WFDB_NOTQRS = 0,
    XW_WFDB_NORMAL = 1,
    XW_WFDB_LBBB = 2,
    XW_WFDB_RBBB = 3,
    XW_WFDB_ABERR = 4,
    XW_WFDB_PVC = 5,
    XW_WFDB_FUSION = 6,
    XW_WFDB_NPC = 7,
    XW_WFDB_APC = 8,
    XW_WFDB_SVPB = 9,
    XW_WFDB_VESC = 10,
    XW_WFDB_NESC = 11,
    XW_WFDB_PACE = 12,
    XW_WFDB_UNKNOWN = 13,
    XW_WFDB_NOISE = 14,
    XW_WFDB_ARFCT = 16,
    XW_WFDB_STCH = 18,
    XW_WFDB_TCH = 19,
    XW_WFDB_SYSTOLE = 20,
    XW_WFDB_DIASTOLE = 21,
    XW_WFDB_NOTE = 22,
    XW_WFDB_MEASURE = 23,
    XW_WFDB_PWAVE = 24,
    XW_WFDB_BBB = 25,
    XW_WFDB_PACESP = 26,
    XW_WFDB_TWAVE = 27,
    XW_WFDB_RHYTHM = 28,
    XW_WFDB_UWAVE = 29,
    XW_WFDB_LEARN = 30,
    XW_WFDB_FLWAV = 31,
    XW_WFDB_VFON = 32,
    XW_WFDB_VFOFF = 33,
    XW_WFDB_AESC = 34,
    XW_WFDB_SVESC = 35,
    XW_WFDB_LINK = 36,
    XW_WFDB_NAPC = 37,
    XW_WFDB_PFUS = 38,
    XW_WFDB_WFON = 39,
    XW_WFDB_WFOFF = 40,
    XW_WFDB_RONT = 41,
    XW_WFDB_CODES_N = 50,
};

/* The mnemonic ("N", "V", "[", "+", …); "" for a code without one. */
const char *xw_wfdb_code_mnemonic(int code);
/* The code of a mnemonic, or -1. */
int xw_wfdb_code_of(const char *mnemonic);
/* True for codes that mark a beat (a QRS complex), as WFDB's isqrs() has it. */
bool xw_wfdb_code_is_beat(int code);

struct xw_wfdb_annotation {
    int64_t sample; /* frame of the record; may be negative (seen in real files) */
    uint8_t code;   /* enum xw_wfdb_code, 1..49 */
    int8_t subtype;
    int8_t channel;
    int8_t num;
    uint8_t aux_n;
    const char *aux; /* aux_n bytes and a NUL; NULL if there is none. "(AFIB" for rhythms */
};

struct xw_wfdb_annotations {
    struct xw_wfdb_annotation *at;
    size_t n;
    /* Ticks per second if the file states one ("## time resolution:"), else 0/1: the record's. */
    struct xw_wfdb_fraction time_resolution_hz;
    char *aux_bytes; /* private: where the aux strings live */
};

/* data borrowed. Order is kept as in the file. Leading "##" notes that carry the file's own
 * parameters are taken out. A file without its end mark gives -ENODATA. */
XW_WFDB_MUST_CHECK int xw_wfdb_annotations_parse(const uint8_t *data, size_t data_n,
                                                 struct xw_wfdb_annotations *ret_annotations,
                                                 struct xw_wfdb_error *ret_error);
/* path: the whole file name, e.g. "DIR/100.atr". */
XW_WFDB_MUST_CHECK int xw_wfdb_annotations_load(const char *path,
                                                struct xw_wfdb_annotations *ret_annotations,
                                                struct xw_wfdb_error *ret_error);
void xw_wfdb_annotations_done(struct xw_wfdb_annotations *annotations);

struct xw_wfdb_annotation_writer;

XW_WFDB_MUST_CHECK int xw_wfdb_annotation_writer_new(struct xw_wfdb_annotation_writer **ret_writer);
void xw_wfdb_annotation_writer_free(struct xw_wfdb_annotation_writer *writer);
/* Copies the annotation and its aux. Any order: late beats may come after a rhythm change. */
XW_WFDB_MUST_CHECK int xw_wfdb_annotation_writer_add(struct xw_wfdb_annotation_writer *writer,
                                                     const struct xw_wfdb_annotation *annotation);
/* Short form: aux is a C string or NULL. */
XW_WFDB_MUST_CHECK int xw_wfdb_annotation_writer_mark(struct xw_wfdb_annotation_writer *writer,
                                                      int64_t sample, enum xw_wfdb_code code,
                                                      int subtype, const char *aux);
/* Sorts by sample, channel, order of adding, and encodes; *ret_data is the caller's, free() it. */
XW_WFDB_MUST_CHECK int xw_wfdb_annotation_writer_encode(struct xw_wfdb_annotation_writer *writer,
                                                        uint8_t **ret_data, size_t *ret_data_n);
/* The same into a file (temporary name, then rename). The writer stays the caller's. */
XW_WFDB_MUST_CHECK int xw_wfdb_annotation_writer_save(struct xw_wfdb_annotation_writer *writer,
                                                      const char *path,
                                                      struct xw_wfdb_error *ret_error);

#endif
