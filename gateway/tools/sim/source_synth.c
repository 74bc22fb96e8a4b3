/* A synthetic patient as a source, and what the demo console can do to him. */
#include "source_kind.h"

#include <stdio.h>
#include <string.h>

#include "dsp/synth/synth.h"

struct patient {
    struct xw_synth *synth;
    char scene[32]; /* what "normal" goes back to */
    float hr_bpm;
};

static void on_event(void *user, const struct xw_synth_event *event)
{
    static const char *const rhythms[XW_SYNTH_RHYTHMS_N] = {[XW_SYNTH_SINUS] = "(SINUS",
                                                            [XW_SYNTH_AF] = "(AF",
                                                            [XW_SYNTH_VT] = "(VT",
                                                            [XW_SYNTH_VF] = "(VF",
                                                            [XW_SYNTH_ASYSTOLE] = "(ASYSTOLE",
                                                            [XW_SYNTH_AVB1] = "(AVB1",
                                                            [XW_SYNTH_AVB2] = "(AVB2",
                                                            [XW_SYNTH_AVB3] = "(AVB3"};
    struct xw_sim_source *source = user;
    const char label[] = {event->label, 0};
    if (event->kind == XW_SYNTH_BEAT)
        source->on_truth(source->user, event->sample, label);
    else if (event->kind == XW_SYNTH_RHYTHM)
        source->on_truth(source->user, event->sample, rhythms[event->rhythm]);
}

static int read_patient(struct xw_sim_source *source, int32_t *ret_x, size_t n)
{
    struct patient *patient = source->state;
    xw_synth_read(patient->synth, ret_x, n);
    return (int)n;
}

static void patient_done(struct xw_sim_source *source)
{
    struct patient *patient = source->state;
    xw_synth_free(patient->synth);
    free(patient);
}

/* A scene, with the patient's own rate where the scene is his sinus rhythm. */
static int set_scene(struct patient *patient, const char *scene)
{
    int r = xw_synth_set_scene(patient->synth, scene);
    if (r < 0)
        return -EINVAL;
    if (patient->hr_bpm <= 0)
        return 0;
    if (strcmp(scene, "sinus") == 0 || strcmp(scene, "tachy") == 0 || strcmp(scene, "brady") == 0)
        return xw_synth_set_rhythm(patient->synth, XW_SYNTH_SINUS, patient->hr_bpm);
    if (strcmp(scene, "af") == 0)
        return xw_synth_set_rhythm(patient->synth, XW_SYNTH_AF, patient->hr_bpm);
    return 0;
}

static int set_off(struct xw_sim_source *source, uint32_t electrodes)
{
    static const char *const names[XW_SYNTH_ELECTRODES_N] = {"RA", "LA", "LL", "V1", "V2",
                                                             "V3", "V4", "V5", "V6"};
    struct patient *patient = source->state;
    int r = xw_synth_set_electrodes_off(patient->synth, electrodes);
    if (r < 0)
        return r;
    size_t n = 0;
    for (unsigned e = 0; e < XW_SYNTH_ELECTRODES_N; e++)
        if (electrodes & (1U << e))
            source->off[n++] = names[e];
    source->off[n] = NULL;
    return 0;
}

static int set_noise(struct patient *patient, bool on)
{
    struct xw_synth_noise noise;
    xw_synth_get_noise(patient->synth, &noise);
    noise.emg_mv = on ? 0.15F : 0;
    noise.mains_mv = on ? 0.1F : 0;
    noise.mains_hz = 50;
    noise.motion_mv = on ? 0.4F : 0;
    return xw_synth_set_noise(patient->synth, &noise);
}

static int back_to_normal(struct xw_sim_source *source)
{
    struct patient *patient = source->state;
    xw_synth_set_arms_reversed(patient->synth, false);
    int r = set_off(source, 0);
    if (r >= 0)
        r = set_noise(patient, false);
    return r < 0 ? r : set_scene(patient, patient->scene);
}

static int act(struct xw_sim_source *source, const char *action)
{
    struct patient *patient = source->state;
    if (strcmp(action, "normal") == 0)
        return back_to_normal(source);
    if (strcmp(action, "lead_off") == 0)
        return set_off(source, 1U << XW_SYNTH_C3);
    if (strcmp(action, "arm_off") == 0)
        return set_off(source, 1U << XW_SYNTH_LA);
    if (strcmp(action, "lead_on") == 0)
        return set_off(source, 0);
    if (strcmp(action, "noise") == 0)
        return set_noise(patient, true);
    if (strcmp(action, "arms_reversed") == 0) {
        xw_synth_set_arms_reversed(patient->synth, true);
        return 0;
    }
    if (strcmp(action, "chest_pain") == 0)
        return set_scene(patient, "stemi-inferior");
    return set_scene(patient, action);
}

int xw_sim_source_synth(struct xw_sim_source *source, const struct xw_sim_device_spec *spec,
                        char ret_text[XW_SIM_TEXT_BYTES])
{
    struct xw_synth_config config;
    xw_sim_source_fill_channels(source, XW_SYNTH_LEADS_N, spec->source.gain_counts_per_mv);
    xw_synth_config_init(&config);
    config.rate_num = spec->rate_hz;
    config.rate_den = 1;
    config.seed = spec->source.seed;
    config.gain_num = (uint32_t)spec->source.gain_counts_per_mv;
    config.gain_den = 1;
    config.on_event = on_event;
    config.user = source;
    struct patient *patient = calloc(1, sizeof(*patient));
    if (!patient)
        return -ENOMEM;
    int r = xw_synth_new(&config, &patient->synth);
    if (r < 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "a synthetic patient needs 100 samples/s or more");
        free(patient);
        return r;
    }
    snprintf(patient->scene, sizeof(patient->scene), "%s", spec->source.rhythm);
    patient->hr_bpm = (float)spec->source.hr_bpm;
    source->state = patient;
    source->read = read_patient;
    source->act = act;
    source->done = patient_done;
    r = set_scene(patient, patient->scene);
    if (r < 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "unknown rhythm \"%.31s\"", patient->scene);
        xw_synth_free(patient->synth);
        free(patient);
    }
    return r;
}
