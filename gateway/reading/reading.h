/* Ten seconds of a stream, measured: counts and the stream's header in, compact JSON out.
 *
 * Threads    xw_reading_make runs where it is called (a worker, never the loop: about 15 ms); what
 * is shared is made once and only read, so any number may run at once; the caller bounds how many.
 * Memory     shared: below 1 MB. An engine of about 3 MB for the length of a call; the text (about
 * 150 kB, at most XW_READING_TEXT_MAX_BYTES) belongs to the caller (free). Units      counts are
 * the device's own, interleaved n x channels; indices are the stream's. Holes      a sample that is
 * not held, and a count that means "no value", is unknown to the measurement; the ranges not held
 * are said in the answer ("holes"). Errors     -EINVAL (not ECG, 1 to 18 leads, 100 to 1000 Hz; not
 * 9 to 10.25 s), -ENOMEM, -EOVERFLOW. A bad signal is a verdict, not an error. */
#ifndef XW_READING_READING_H
#define XW_READING_READING_H

#include "base/base.h"
#include "dsp/ecg12/ecg12.h"

#include "signal.pb-c.h"

enum { XW_READING_TEXT_MAX_BYTES = 4 << 20 };

struct xw_reading_previous;

struct xw_reading_ask {
    const Xw__StreamHeader *header;
    uint64_t first;        /* index of the first sample */
    size_t n;              /* samples of each channel */
    const int32_t *counts; /* n x channels, interleaved */
    const uint8_t *have;   /* n; 0: not held */
    float age_years;       /* NAN: not known */
    enum xw_ecg12_sex sex;
    bool patient_known;                         /* it is known whose it is */
    const struct xw_reading_previous *previous; /* NULL: there is none */
};

/* An earlier recording of the same patient, to be compared with (compare.h). */
struct xw_reading_previous {
    struct xw_reading_ask ask;  /* its own `previous` is not looked at */
    const char *study, *stream; /* their ids, as they are to be told */
    int64_t wall_us;
};

/* Samples of ten seconds of this stream, or -EINVAL: it cannot be read as an ECG of many leads. */
XW_MUST_CHECK int xw_reading_samples(const Xw__StreamHeader *header, size_t *ret_n);

/* What every reading needs and none changes: tables of statements, weights of the network. */
struct xw_reading_shared;

/* The tables and the network that are built in. -ENOMEM, -EBADMSG. */
XW_MUST_CHECK int xw_reading_shared_new(struct xw_reading_shared **ret_shared);
/* After the last call that was given it has returned. */
void xw_reading_shared_free(struct xw_reading_shared *shared);

/* Takes the text ended by 0, its length without it in *ret_bytes. */
XW_MUST_CHECK int xw_reading_make(const struct xw_reading_shared *shared,
                                  const struct xw_reading_ask *ask, char **ret_text,
                                  size_t *ret_bytes);

#endif
