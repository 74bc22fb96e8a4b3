/* First-order approach to a scene's values, and a little noise. */
#include "monitor_model.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

struct scene {
    const char *name;
    double hr, spo2, pi, resp, temp, sys, dia;
};

static const struct scene scenes[] = {
    {"normal", 76, 97.5, 3.2, 16, 36.7, 122, 76},
    {"hypotension", 118, 95, 0.9, 22, 36.2, 84, 48},
    {"fever", 106, 96, 4.1, 22, 39.2, 118, 70},
    {"desaturation", 112, 82, 2.0, 28, 36.8, 138, 86},
    {"tachycardia", 142, 96, 2.4, 20, 36.9, 108, 66},
};

static const struct scene *scene_of(const char *name)
{
    for (size_t i = 0; i < XW_ARRAY_N(scenes); i++)
        if (!strcmp(scenes[i].name, name))
            return &scenes[i];
    return NULL;
}

bool xw_sim_vitals_scene_ok(const char *scene)
{
    return scene_of(scene) != NULL;
}

/* splitmix64, as a number in [-1, 1). */
static double noise(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    z ^= z >> 31;
    return (double)(z >> 11) / 4503599627370496.0 - 1;
}

void xw_sim_vitals_init(struct xw_sim_vitals *v, const char *scene, uint64_t seed)
{
    const struct scene *s = scene_of(scene);
    s = s ? s : &scenes[0];
    *v = (struct xw_sim_vitals){.random = seed * 7919 + 1,
                                .hr = s->hr,
                                .spo2 = s->spo2,
                                .pi = s->pi,
                                .resp = s->resp,
                                .temp = s->temp,
                                .sys = s->sys,
                                .dia = s->dia};
    snprintf(v->scene, sizeof(v->scene), "%s", s->name);
}

int xw_sim_vitals_act(struct xw_sim_vitals *v, const char *action)
{
    const char *scene = !strcmp(action, "desat")                                    ? "desaturation"
                        : !strcmp(action, "vitals_normal")                          ? "normal"
                        : !strcmp(action, "spo2_off") || !strcmp(action, "spo2_on") ? v->scene
                                                                                    : action;
    if (!scene_of(scene))
        return -EINVAL;
    if (scene != v->scene)
        snprintf(v->scene, sizeof(v->scene), "%s", scene);
    if (!strcmp(action, "spo2_off"))
        v->spo2_off = true;
    else if (strcmp(scene, "normal") == 0 || !strcmp(action, "spo2_on"))
        v->spo2_off = false;
    return 0;
}

static void approach(double *x, double target, double seconds, double tau_s, double jitter)
{
    *x += (target - *x) * (1 - exp(-seconds / tau_s)) + jitter * sqrt(XW_MIN(seconds, 10.0));
}

void xw_sim_vitals_step(struct xw_sim_vitals *v, double seconds)
{
    const struct scene *s = scene_of(v->scene);
    approach(&v->hr, s->hr, seconds, 12, 0.7 * noise(&v->random));
    approach(&v->spo2, s->spo2, seconds, 10, 0.25 * noise(&v->random));
    approach(&v->pi, s->pi, seconds, 20, 0.1 * noise(&v->random));
    approach(&v->resp, s->resp, seconds, 15, 0.4 * noise(&v->random));
    approach(&v->temp, s->temp, seconds, 240, 0.01 * noise(&v->random));
    approach(&v->sys, s->sys, seconds, 30, 0.6 * noise(&v->random));
    approach(&v->dia, s->dia, seconds, 30, 0.4 * noise(&v->random));
    v->spo2 = XW_MIN(v->spo2, 100.0);
    v->pi = XW_MAX(v->pi, 0.1);
    v->dia = XW_MIN(v->dia, v->sys - 12);
}
