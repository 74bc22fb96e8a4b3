/* Ten seconds of a synthetic patient as input for dsp/ecg12. */
#ifndef XW_TEST_ECG12_PATIENT_H
#define XW_TEST_ECG12_PATIENT_H

#include "dsp/ecg12/ecg12.h"
#include "dsp/synth/synth.h"

enum { XW_PATIENT_ROWS_MAX = 10250 };

struct xw_patient {
    struct xw_ecg12_input input;
    float uv[XW_ECG12_LEADS_MAX][XW_PATIENT_ROWS_MAX];
    unsigned truth_n;
    double truth_ms[64]; /* R peaks within the window */
    char label[64];
};

struct xw_patient_wish {
    const char *scene;
    unsigned rate_hz; /* 0: 500 */
    uint64_t seed;
    double seconds; /* 0: 10 */
    bool arms_reversed;
    float emg_mv, wander_mv, mains_mv;
};

/* NULL only without memory; free() it. The first 20 s of the patient are passed over. */
struct xw_patient *xw_patient_new(const struct xw_patient_wish *wish);
int xw_patient_row(const struct xw_patient *p, enum xw_ecg_lead lead); /* -1: none */
/* Keeps only the first n channels of those named. */
void xw_patient_keep(struct xw_patient *p, const enum xw_ecg_lead *leads, unsigned n);

#endif
