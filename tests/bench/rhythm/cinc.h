/* Alarms of intensive care (PhysioNet/CinC Challenge 2015) through the chain: only samples before
 * 5:00 reach it; an alarm is held to be true when the chain itself raised one of its kind in the
 * last seconds before that. The challenge's own score: (TP+TN)/(TP+TN+FP+5 FN), in percent. */
#ifndef XW_BENCH_RHYTHM_CINC_H
#define XW_BENCH_RHYTHM_CINC_H

#include "bench/rhythm/records.h"
#include "dsp/ecg/alarm.h"

#include <stdbool.h>

enum xw_rhythm_cinc_kind {
    XW_RHYTHM_CINC_ASYSTOLE,
    XW_RHYTHM_CINC_BRADY,
    XW_RHYTHM_CINC_TACHY,
    XW_RHYTHM_CINC_VF,
    XW_RHYTHM_CINC_VT,
    XW_RHYTHM_CINC_KINDS,
};

struct xw_rhythm_cinc_score {
    unsigned tp, fp, fn, tn;
};

struct xw_rhythm_cinc {
    struct xw_rhythm_cinc_score kind[XW_RHYTHM_CINC_KINDS], all;
};

/* The limits that a look at these records set. */
struct xw_rhythm_cinc_limits {
    struct xw_ecg_alarm_limits alarm;
    float vt_strange_n;
};

enum { XW_RHYTHM_CINC_RECORDS_MAX = 256 };
struct xw_rhythm_cinc_record {
    char name[XW_RHYTHM_NAME_BYTES];
    enum xw_rhythm_cinc_kind kind;
    bool is, raised; /* true as annotated; by the chain */
};
/* Those of ALARMS, in its order. -ENOENT, -EBADMSG: too many. */
int xw_rhythm_cinc_list(const char *data, struct xw_rhythm_cinc_record *ret_records,
                        unsigned *ret_n);
/* Judges them all; limits NULL: as compiled in. */
int xw_rhythm_cinc_judge(const char *data, const struct xw_rhythm_cinc_limits *limits,
                         bool with_pulse, struct xw_rhythm_cinc_record *records, unsigned n);
void xw_rhythm_cinc_count(struct xw_rhythm_cinc *c, const struct xw_rhythm_cinc_record *record);

/* Five folds (of each kind every fifth record): limits are chosen on the other four by a search
 * that knows only its lists and where it begins, and the fifth is scored with them. The search:
 * limit by limit, one sweep, the value with the most points; at a tie the one nearer the begin.
 * ret_settings_n: different settings tried in all. (cinc_cross.c) */
int xw_rhythm_cinc_cross(const char *data, bool verbose, struct xw_rhythm_cinc *ret_cinc,
                         unsigned *ret_settings_n);

/* verbose: each record that was judged wrongly, on stdout. with_pulse: pulse waves may deny. */
int xw_rhythm_cinc_run(const char *data, bool with_pulse, bool verbose,
                       struct xw_rhythm_cinc *ret_cinc);
double xw_rhythm_cinc_points(const struct xw_rhythm_cinc_score *s);
const char *xw_rhythm_cinc_name(enum xw_rhythm_cinc_kind kind);

#endif
