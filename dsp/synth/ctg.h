/* A synthetic labour: fetal heart rates of one to three fetuses, the mother's pulse, contractions
 * and flags, in the counts of the wire (PROTOCOL.md 1.7), with the truth of what was put there.
 *
 * Model      Own. Rate = baseline + slow wander + variability (three slow waves of drifting phase
 *            and a little noise) + accelerations (raised cosine, with a movement) - decelerations
 *            (tied to contractions: early, late; or abrupt: variable; or prolonged). Contractions
 *            come every three minutes as bells over a resting tone. The probe may lose the signal
 *            in bursts, take the mother's pulse for the fetus', double or halve it.
 * Truth      The callback gets movements, accelerations, decelerations, contractions, losses and
 *            scenes, in order of sample, during the read that delivers that sample.
 * Same bytes Output depends on configuration, seed and at which sample each scene was set; never on
 *            the sizes of the reads.
 * Threads    One object, one thread at a time; no allocation after new.
 * Units      FHR, MHR: 4 counts per /min, 0 = no value; UC 2 counts per unit, -1 = no value; FLAGS
 *            -1 = no value. Sample indices count from the first sample read.
 * Errors     -EINVAL out of range, -ENOENT no such scene, -ENOMEM.
 * It is for demonstration and tests, never evidence of how well an algorithm does on patients. */
#ifndef XW_SYNTH_CTG_H
#define XW_SYNTH_CTG_H

#include "dsp/synth/synth.h"

enum {
    XW_SYNTH_FETUSES_MAX = 3,
    XW_SYNTH_CTG_CHANNELS_MAX = XW_SYNTH_FETUSES_MAX + 3,
    XW_SYNTH_CTG_RATE_GAIN = 4, /* counts per /min */
    XW_SYNTH_CTG_UC_GAIN = 2,
};

/* code: a static word: "movement", "acceleration", "early", "late", "variable", "prolonged",
 * "contraction", "loss", "signal", "maternal", "doubling", "halving", or a scene's name.
 * fetus: 0 to 2, or -1 where it is none's. */
typedef void (*xw_synth_ctg_event_fn)(void *user, uint64_t sample, int fetus, const char *code);

struct xw_synth_ctg_config {
    uint32_t rate_num, rate_den; /* 0.5 to 8 samples a second */
    uint64_t seed;
    unsigned fetuses_n;             /* 1 to 3; channels: FHR1 …, MHR, UC, FLAGS */
    xw_synth_ctg_event_fn on_event; /* may be NULL */
    void *user;
};

struct xw_synth_ctg;

XW_SYNTH_MUST_CHECK int xw_synth_ctg_new(const struct xw_synth_ctg_config *config,
                                         struct xw_synth_ctg **ret_ctg);
void xw_synth_ctg_free(struct xw_synth_ctg *ctg);
unsigned xw_synth_ctg_channels(const struct xw_synth_ctg *ctg);
/* "FHR1", …: the codes of the wire, in order; static. */
const char *xw_synth_ctg_code(const struct xw_synth_ctg *ctg, unsigned channel);

/* From the next sample on: normal, silent (little variability), tachy, brady, sinusoidal, early,
 * late, variable, prolonged (once, now), decel (a contraction now, and late ones from then on),
 * loss (nothing comes), poor (bursts of loss and spikes), maternal, doubling (of a slow rate: let
 * brady go before), halving. Loss and mix-ups are the first fetus'. */
XW_SYNTH_MUST_CHECK int xw_synth_ctg_set_scene(struct xw_synth_ctg *ctg, const char *name);
const char *xw_synth_ctg_scene_name(unsigned index); /* NULL behind the last */

/* n x channels counts, interleaved. */
void xw_synth_ctg_read(struct xw_synth_ctg *ctg, int32_t *ret_x, size_t n);

#endif
