/* The vital signs of a simulated patient: slow wandering around what the scene asks for.
 * Threads: pure but for the state given. Deterministic for a seed. */
#ifndef XW_SIM_MONITOR_MODEL_H
#define XW_SIM_MONITOR_MODEL_H

#include "base/base.h"

struct xw_sim_vitals {
    uint64_t random;
    char scene[32];
    bool spo2_off;
    double hr, spo2, pi, resp, temp, sys, dia; /* now */
};

/* Scenes: normal, hypotension, fever, desaturation, tachycardia. */
bool xw_sim_vitals_scene_ok(const char *scene);
void xw_sim_vitals_init(struct xw_sim_vitals *vitals, const char *scene, uint64_t seed);
/* A scene, or: desat, vitals_normal, spo2_off, spo2_on. -EINVAL: unknown. */
XW_MUST_CHECK int xw_sim_vitals_act(struct xw_sim_vitals *vitals, const char *action);
void xw_sim_vitals_step(struct xw_sim_vitals *vitals, double seconds);

#endif
