/* xinwang-screen --12lead: ten seconds of a recording measured as a 12-lead ECG, as JSON.
 *
 * A recording longer than that: the best of up to 1440 places, or the one named with --at. With
 * --previous, against the best ten seconds of another recording.
 * Errors: negative errno with a sentence in ret_error. */
#ifndef XW_SCREEN_TWELVE_H
#define XW_SCREEN_TWELVE_H

#include "dsp/ecg12/compare.h"
#include "reading/json.h"
#include "tools/screen/screen.h"

int xw_screen_run_twelve(const struct xw_screen_options *options, struct xw_wfdb_error *ret_error);

/* The same printed (gateway/report), with what an ECG file says of its patient. previous: the
 * comparison, or NULL. Characters that no font has and leads that were cut are said on stderr. */
int xw_screen_twelve_pdf(const struct xw_reading_view *view,
                         const struct xw_ecg12_comparison *previous, const struct xw_screen *screen,
                         const struct xw_screen_options *options, struct xw_wfdb_error *ret_error);

#endif
