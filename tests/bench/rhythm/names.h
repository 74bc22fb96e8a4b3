/* What is named on MIT-BIH records (couplets, runs, R-on-T, SVT, pauses, AV block) against what
 * their beat and rhythm annotations make. Ventricular beats: V r ! E and F, since
 * fusion is never told from V here; supraventricular: A a J S
 * (three above 100/min are SVT); a pause: RR of more than two seconds. An episode is right when it
 * meets one of the reference that is of the same kind; a run may be named run or tachycardia.
 * Errors: negative errno. One thread. */
#ifndef XW_RHYTHM_NAMES_H
#define XW_RHYTHM_NAMES_H

#include "bench/rhythm/records.h"

enum xw_rhythm_name {
    XW_RHYTHM_NAME_COUPLET,
    XW_RHYTHM_NAME_RUN,
    XW_RHYTHM_NAME_R_ON_T, /* right: its beat is ventricular and begins early */
    XW_RHYTHM_NAME_SVT,
    XW_RHYTHM_NAME_PAUSE,
    XW_RHYTHM_NAME_AVB,
    XW_RHYTHM_NAMES_N,
};

struct xw_rhythm_names {
    struct {
        unsigned reference, found, right, wrong;
    } name[XW_RHYTHM_NAMES_N];
    unsigned withdrawn; /* names that were taken back later */
    double hours;
};

const char *xw_rhythm_names_name(enum xw_rhythm_name name);
/* Adds one record of DATA/mitdb. */
int xw_rhythm_names_run(const char *data, const char *record, struct xw_rhythm_names *names);
/* DS1 of de Chazal et al. (half 0) or DS2 (half 1); NULL behind the last. */
const char *xw_rhythm_names_record(unsigned half, unsigned index);

#endif
