/* Our measurements of the ECG in a file, beside those that the vendor's program left in it.
 *
 * Purpose    Says how far the two are apart; whose is right nobody knows.
 * Threads    One. Errors: a negative errno, with a sentence on stderr.
 */
#ifndef XW_BENCH_FORMATS_MEASURED_H
#define XW_BENCH_FORMATS_MEASURED_H

#include "dsp/ecg12/ecg12.h"
#include "formats/formats.h"

/* The first ten seconds of the recording's rhythm. -EINVAL: no ten seconds of 1 to 18 leads at 100
 * to 1000 samples per second. */
int measured_read(const struct xw_formats_recording *recording, struct xw_ecg12 *engine,
                  struct xw_ecg12_result *ret_result);

/* The largest difference between two results in any interval, axis or lead's figure, in ms, degrees
 * or uV; what one of them has and the other has not is INFINITY. */
double measured_apart(const struct xw_ecg12_result *a, const struct xw_ecg12_result *b);

/* A line for each measurement that both the file and we state, to stderr. Returns how many. */
unsigned measured_beside(const char *name, const struct xw_formats_recording *recording,
                         const struct xw_ecg12_result *result);

#endif
