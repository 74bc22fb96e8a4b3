/* The inside of an ECG chain. Private to dsp/ecg. */
#ifndef XW_DSP_ECG_CHAIN_PRIVATE_H
#define XW_DSP_ECG_CHAIN_PRIVATE_H

#include "dsp/ecg/alarm.h"
#include "dsp/ecg/avblock.h"
#include "dsp/ecg/beat.h"
#include "dsp/ecg/chain.h"
#include "dsp/ecg/flutter.h"
#include "dsp/ecg/front.h"
#include "dsp/ecg/pattern.h"
#include "dsp/ecg/hrv.h"
#include "dsp/ecg/quality.h"
#include "dsp/ecg/st.h"

enum {
    XW_ECG_HOP = 5,
    XW_ECG_BANK_HOP = 125, /* quality is judged once a second: its bands need no shorter ones */
    XW_ECG_FFT = 256,
    XW_ECG_SAID_BEATS = 64,
};

/* A beat that the outside has heard of, by token. */
struct xw_ecg_said {
    uint64_t token, sequence;
    uint32_t revision;
    int64_t at;
    bool open; /* provisional, without a final word */
};

struct xw_ecg_chain {
    struct xw_ecg_config config;
    char config_hash[XW_ECG_HASH_TEXT_BYTES];
    double rate_hz;
    int64_t origin; /* raw index of the first sample since start, reset or gap */
    int64_t next;   /* raw index of the next sample */
    int64_t hop_n;  /* analysis frames that went through the hops */
    int64_t second_n;
    unsigned noise_rules_s; /* noisy leads have had most of the say for so long */
    unsigned disturbed_s;   /* so long yet some lead counts as newly come, gone or noisy */
    bool ending;            /* padding after the last sample: nothing new is seen in it */
    int64_t end_frame;      /* then: the first analysis frame of the padding */
    struct xw_ecg_front front;
    struct xw_ecg_signal signal;
    struct xw_dsp_bank bank;
    struct xw_ecg_detect detect;
    struct xw_ecg_quality quality;
    struct xw_ecg_vf vf;
    struct xw_ecg_beat beat;
    struct xw_ecg_st st;
    struct xw_ecg_af af;
    enum xw_ecg_code last_code; /* of the last final beat */
    struct xw_ecg_alarm alarm;
    struct xw_ecg_pattern pattern;
    struct xw_ecg_avblock avblock;
    struct xw_ecg_flutter flutter;
    struct xw_ecg_hrv hrv;
    struct xw_ecg_emit emit;
    struct xw_ecg_rules rules;
    char rules_hash[XW_ECG_RULES_HASH_BYTES];
    struct xw_ecg_said said[XW_ECG_SAID_BEATS];
    unsigned open_n;   /* provisional beats without a final word */
    int64_t last_beat; /* raw index, -1 = none */
    bool last_normal;
    int64_t run_first;
    uint64_t samples_n, beats_n, late_n, gaps_n;
};

/* Turns what the detector said into events (chain_beats.c). */
void xw_ecg_chain_beats(struct xw_ecg_chain *chain);

/* Last looks at beats old enough, or at all of them (chain_beats.c). */
void xw_ecg_chain_revise(struct xw_ecg_chain *chain, bool all);

/* The RR analysis changed its mind about the atria (chain_beats.c). */
void xw_ecg_chain_atria(struct xw_ecg_chain *chain);

/* Raw index of an instant in analysis frames. */
int64_t xw_ecg_chain_raw(const struct xw_ecg_chain *chain, double t);

#endif
