/* Beats as short pictures, and the bank of kinds that they fall into.
 *
 * A picture is 66 frames of 8 ms of every lead: from 256 ms before the middle of the QRS to 264 ms
 * after it, so that the P wave, the QRS and the beginning of the T wave can be compared one by one.
 * A kind is the running mean of pictures that look alike over all leads at once; each lead counts
 * by its trust. Kinds are few; the least used gives way, and its slot gets a new generation, so
 * that nobody takes the new kind for the old. Private to dsp/ecg. Life: init, take, join, reset,
 * done. Thread rule: none shared. Units: µV; nothing allocates after init. */
#ifndef XW_DSP_ECG_CLUSTER_H
#define XW_DSP_ECG_CLUSTER_H

#include "dsp/ecg/signal.h"

enum {
    XW_ECG_PICTURE_FRAMES = 66,
    XW_ECG_PICTURE_MIDDLE = 32, /* index of the middle of the QRS */
    XW_ECG_PICTURE_SHIFT = 2,
    XW_ECG_CLUSTERS = 12,
};

/* Parts of a picture, as indices against its middle. */
struct xw_ecg_part {
    int first, end;
};
extern const struct xw_ecg_part xw_ecg_part_p, xw_ecg_part_qrs, xw_ecg_part_t;

struct xw_ecg_cluster {
    float *x;
    float beats_n;           /* decays: of about the last five minutes */
    float rr, post, width;   /* running means: RR over the usual, RR after it, width over usual */
    float p_like;            /* and match of the P part with the dominant kind's */
    float speed_hz, breadth; /* of its mean picture, renewed now and then */
    float support;           /* beats of all kinds that look like it */
    unsigned learned_n, p_learned_n, rr_n, post_n;
    uint32_t generation; /* 0 = never used */
    uint64_t last_beat;
};

struct xw_ecg_clusters {
    unsigned lanes, leads_n;
    float *memory;
    uint32_t generation, joined_n;
    int dominant; /* -1 = none yet */
    struct xw_ecg_cluster cluster[XW_ECG_CLUSTERS];
};

/* How one picture compares with another in one part. */
struct xw_ecg_likeness {
    float match;       /* correlation over all leads, -1..1 */
    float difference;  /* energy of the difference over the energy of the second */
    float energy;      /* energy of the first over that of the second */
    float worst, best; /* correlation of single leads that count */
    float own, other;  /* energies of the two, weighted */
};

int xw_ecg_clusters_init(struct xw_ecg_clusters *k, unsigned leads_n)
    __attribute__((warn_unused_result));
void xw_ecg_clusters_done(struct xw_ecg_clusters *k);
void xw_ecg_clusters_reset(struct xw_ecg_clusters *k);

/* Floats of one picture with so many lanes. */
static inline size_t xw_ecg_picture_floats(unsigned lanes)
{
    return (size_t)XW_ECG_PICTURE_FRAMES * lanes;
}

/* Where the movement of all leads around frame t has its centre: the same point of a beat whichever
 * of its waves the detector tops on. weight: one per lane, ≥ 0. */
int64_t xw_ecg_picture_centre(const struct xw_ecg_signal *signal, int64_t t, const float *weight);

/* The picture around analysis frame t; false if it has left the signal or is not there yet. Before
 * the first frame the first frame stands. */
bool xw_ecg_picture_take(const struct xw_ecg_signal *signal, int64_t t, float *ret_picture);

/* Compares a part of picture a, moved by `shift`, with b. weight: one per lane, ≥ 0. */
struct xw_ecg_likeness xw_ecg_picture_compare(const float *a, int shift, const float *b,
                                              struct xw_ecg_part part, const float *weight,
                                              unsigned lanes, unsigned leads_n);

/* Finds the kind that the picture belongs to, or makes a new one, and takes it in; of an early beat
 * (not `with_p`) what lies before the QRS is left out, so that the kind keeps the P wave of the
 * usual rhythm. `ret_shift` is where the picture's middle lies against the kind's. Returns the
 * slot. */
int xw_ecg_clusters_join(struct xw_ecg_clusters *k, const float *picture, const float *weight,
                         bool with_p, int *ret_shift);

/* The kind that is the patient's usual beat: many, not early, not slow; -1 = none. Found anew now
 * and then, when pictures join. */
static inline int xw_ecg_clusters_dominant(const struct xw_ecg_clusters *k)
{
    return k->dominant;
}

/* How fast the QRS part of a picture moves (its mean frequency), and which share of it lies away
 * from the level before it. */
struct xw_ecg_pace {
    float speed_hz, breadth;
};

/* What noise and wander there is in a picture: energy of the bends beside the QRS, and of the step
 * from its first to its last level, both weighted. */
struct xw_ecg_unrest {
    float rough, drift;
};
struct xw_ecg_unrest xw_ecg_picture_unrest(const float *picture, const float *weight,
                                           unsigned lanes, unsigned leads_n);

struct xw_ecg_pace xw_ecg_picture_pace(const float *picture, int shift, const float *weight,
                                       unsigned lanes, unsigned leads_n);

/* Share of the beats in the bank that are of this kind. */
float xw_ecg_clusters_share(const struct xw_ecg_clusters *k, int cluster);

#endif
