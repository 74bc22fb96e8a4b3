/* Rhythm, ectopy and ST by one word: for command lines and the demo's buttons. */
#include <errno.h>
#include <string.h>

#include "dsp/synth/synth_internal.h"

static const struct {
    const char *name;
    enum xw_synth_rhythm_kind rhythm;
    float bpm;
    enum xw_synth_ectopy ectopy;
    enum xw_synth_st st;
} scenes[] = {
    {"sinus", XW_SYNTH_SINUS, 70, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"tachy", XW_SYNTH_SINUS, 135, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"brady", XW_SYNTH_SINUS, 38, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"pvc", XW_SYNTH_SINUS, 72, XW_SYNTH_PVC, XW_SYNTH_ST_NONE},
    {"bigeminy", XW_SYNTH_SINUS, 72, XW_SYNTH_BIGEMINY, XW_SYNTH_ST_NONE},
    {"couplets", XW_SYNTH_SINUS, 76, XW_SYNTH_COUPLETS, XW_SYNTH_ST_NONE},
    {"apc", XW_SYNTH_SINUS, 70, XW_SYNTH_APC, XW_SYNTH_ST_NONE},
    {"af", XW_SYNTH_AF, 0, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"vt", XW_SYNTH_VT, 0, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"vf", XW_SYNTH_VF, 0, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"asystole", XW_SYNTH_ASYSTOLE, 0, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"avb1", XW_SYNTH_AVB1, 0, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"avb2", XW_SYNTH_AVB2, 0, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"avb3", XW_SYNTH_AVB3, 0, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"stemi-inferior", XW_SYNTH_SINUS, 82, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_INFERIOR},
    {"stemi-anterior", XW_SYNTH_SINUS, 88, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_ANTERIOR},
    {"flutter", XW_SYNTH_AFL, 0, XW_SYNTH_NO_ECTOPY, XW_SYNTH_ST_NONE},
    {"trigeminy", XW_SYNTH_SINUS, 72, XW_SYNTH_TRIGEMINY, XW_SYNTH_ST_NONE},
    {"run", XW_SYNTH_SINUS, 76, XW_SYNTH_RUNS, XW_SYNTH_ST_NONE},
    {"pause", XW_SYNTH_SINUS, 64, XW_SYNTH_PAUSES, XW_SYNTH_ST_NONE},
};

enum { SCENES_N = sizeof(scenes) / sizeof(scenes[0]) };

int xw_synth_set_scene(struct xw_synth *synth, const char *name)
{
    for (unsigned i = 0; i < SCENES_N; i++) {
        if (strcmp(scenes[i].name, name) != 0)
            continue;
        int e = xw_synth_set_ectopy(synth, scenes[i].ectopy);
        if (e == 0)
            e = xw_synth_set_st(synth, scenes[i].st, scenes[i].st ? 0.35f : 0);
        return e == 0 ? xw_synth_set_rhythm(synth, scenes[i].rhythm, scenes[i].bpm) : e;
    }
    return -ENOENT;
}

const char *xw_synth_scene_name(unsigned index)
{
    return index < SCENES_N ? scenes[index].name : NULL;
}
