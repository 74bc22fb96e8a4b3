/* A recording's ECG through the analysis chain, second by second.
 * Ownership: open/close. Errors: negative errno. */
#ifndef XW_BENCH_RHYTHM_PLAY_H
#define XW_BENCH_RHYTHM_PLAY_H

#include "dsp/ecg/chain.h"
#include "dsp/ecg/pulse.h"
#include "wfdb/wfdb.h"

struct xw_rhythm_play {
    struct xw_wfdb_reader *reader;
    struct xw_ecg_chain *chain;
    double rate_hz;
    unsigned channels_n;
    int32_t *rows;
    struct xw_wfdb_reader *pulse_reader; /* PLETH and ABP; NULL without */
    struct xw_ecg_pulse pulse[XW_ECG_PULSES_MAX];
    unsigned pulses_n;
    int64_t end; /* samples from here on are not given; INT64_MAX: all are */
    int64_t at;
};

int xw_rhythm_play_open(const char *record_path, xw_ecg_event_fn on_event, void *user,
                        struct xw_rhythm_play *ret_play);
/* Lets the record's pulse waves bear witness; 0 when it has none. Before the first second. */
int xw_rhythm_play_pulses(const char *record_path, struct xw_rhythm_play *play);
/* About a second more; 0 at the end (the chain is flushed then). */
int xw_rhythm_play_second(struct xw_rhythm_play *play);
void xw_rhythm_play_close(struct xw_rhythm_play *play);

#endif
