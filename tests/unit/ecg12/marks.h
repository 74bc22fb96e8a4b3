/* What holds of every result of dsp/ecg12, whatever was read. */
#ifndef XW_TEST_ECG12_MARKS_H
#define XW_TEST_ECG12_MARKS_H

#include "dsp/ecg12/ecg12.h"

/* NULL, or what is wrong: marks within the record and in order, figures finite or NAN, none of a
 * lead that was left out, none at all of what is unacceptable. */
const char *xw_marks_fault(const struct xw_ecg12_input *input,
                           const struct xw_ecg12_result *result);

#endif
