/* Atrial flutter, as something possible: one even atrial wave at 240 to 340 a minute that goes on
 * through all beats, while the ventricles answer every second, third, fourth … of it.
 *
 * Every two seconds the last eight, at 50 Hz, are taken from the ring of the P wave search. The QRS
 * are left out (not filled: a sine is fitted to the samples between them by least squares), a mean
 * of half a second is taken off, and each lead gets the height of the sine that fits best at every
 * frequency from 2 to 8 Hz. All of these must hold at once:
 *
 *   peak ratio  the wave stands above every other frequency of that range but its own double. T and
 *               P waves make a comb at multiples of the ventricular rate, of which the lower ones
 *               are higher. Fibrillatory waves wander: no peak.
 *   share       what the wave and its double explain of all that is left between the QRS.
 *   lock        the QRS keep to one phase of the wave. Tremor of 4 to 6 Hz goes its own way.
 *   height      of the wave, in µV.
 *
 * Between the QRS of a fast rhythm little is seen but one P and one T wave, and these look the same
 * as two flutter waves, or three, if they part the RR interval into equal shares. So an even 2:1 or
 * 3:1 conduction is not said, unless the wave was seen before, when fewer were answered; said are
 * an even 4:1 and more, and a changing one. In an even rhythm lock and share must be higher. 1:1 is
 * not looked for. What fibrillates coarsely and evenly for seconds looks the same: "possible".
 * An episode is said when three looks agree, dated back to the begin of the first one's window, and
 * ends when three in a row find nothing, by limits a fifth lower. Private to dsp/ecg. Life: reset,
 * second. Thread rule: none shared; nothing allocates. Units: frames of 20 ms unless the name says
 * otherwise. */
#ifndef XW_DSP_ECG_FLUTTER_H
#define XW_DSP_ECG_FLUTTER_H

#include "dsp/ecg/avblock.h"

enum {
    XW_ECG_FLUTTER_RULE_VERSION = 1,
    XW_ECG_FLUTTER_WINDOW = 8 * XW_ECG_AVB_HZ,
    XW_ECG_FLUTTER_LOW_BPM = 240,
};

/* What one look found. */
struct xw_ecg_flutter_look {
    float atrial_bpm, ventricular_bpm; /* the latter after the median RR */
    float conduction;                  /* one over the other */
    float peak_ratio;                  /* the wave over every other frequency */
    float lock;                        /* 0..1 */
    float height_uv;
    float share;  /* of what is left between the QRS: that which the wave explains */
    float uneven; /* mean difference of neighbouring RR, share of the median */
    int lead;     /* the one that shows it best, -1 = none: the rest is 0 */
    int beats_n;
    int64_t first_frame;
};

struct xw_ecg_flutter {
    unsigned second_n, agreed_n, missed_n;
    bool active;
    int64_t since_at, until_at;
    int64_t first_at, seen_at;       /* of the first look that agreed; of the newest */
    struct xw_ecg_flutter_look look; /* the newest that found it */
};

void xw_ecg_flutter_reset(struct xw_ecg_flutter *f);
/* Once a second; barred: nothing may be said now. True when it changed its mind. */
bool xw_ecg_flutter_second(struct xw_ecg_flutter *f, const struct xw_ecg_avblock *a,
                           const struct xw_ecg_emit *emit, uint32_t usable, bool barred);
/* What a look is held against. */
struct xw_ecg_flutter_limits {
    float peak, lock, share, height_uv;
};
struct xw_ecg_flutter_limits xw_ecg_flutter_limits(const struct xw_ecg_flutter_look *look,
                                                   const struct xw_ecg_rules *rules);
/* Does it hold within these rules? What goes on need not show as much. */
bool xw_ecg_flutter_holds(const struct xw_ecg_flutter_look *look, const struct xw_ecg_rules *rules,
                          bool goes_on);

/* One look at the last eight seconds. (flutter_look.c) */
struct xw_ecg_flutter_look xw_ecg_flutter_look(const struct xw_ecg_avblock *a, uint32_t usable);

#endif
