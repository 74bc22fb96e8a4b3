/* When to warn of exchanged electrodes. */
#include "edge/electrodes.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { IN_A_ROW = 2 };

static const char *kind_of(const struct xw_ecg12_result *r)
{
    const struct xw_ecg12_exchange *x = &r->exchange;
    if (x->limb && x->limb_kind && strcmp(x->limb_kind, "LA/LL") != 0)
        return x->limb_kind;
    return x->precordial ? x->precordial_kind : NULL;
}

/* What it rests on: axes and likeness of I and V6, or how much smoother the chest row would be. */
static void describe(const struct xw_ecg12_result *r, const char *kind,
                     char text[XW_ELECTRODES_TEXT_N])
{
    const struct xw_ecg12_exchange *x = &r->exchange;
    int n = snprintf(text, XW_ELECTRODES_TEXT_N, "%s:", kind);
    const struct {
        const char *name;
        float value;
        int digits;
    } limb[] = {{"P", x->p_axis_deg, 0},
                {"QRS", x->qrs_axis_deg, 0},
                {"T", x->t_axis_deg, 0},
                {"I/V6", x->r_v6_i_match, 2}},
      chest[] = {{"row", x->precordial_score, 1}};
    bool is_chest = kind[0] == 'V';
    for (size_t i = 0; i < (is_chest ? XW_ARRAY_N(chest) : XW_ARRAY_N(limb)); i++) {
        const char *name = is_chest ? chest[i].name : limb[i].name;
        float value = is_chest ? chest[i].value : limb[i].value;
        int digits = is_chest ? chest[i].digits : limb[i].digits;
        if (isfinite(value) && n > 0 && n < XW_ELECTRODES_TEXT_N)
            n += snprintf(text + n, (size_t)(XW_ELECTRODES_TEXT_N - n), " %s %.*f", name, digits,
                          (double)value);
    }
}

enum xw_electrode_step xw_electrode_step(struct xw_electrode_state *s,
                                         const struct xw_ecg12_result *result,
                                         char ret_text[XW_ELECTRODES_TEXT_N])
{
    if (result->verdict == XW_ECG12_UNACCEPTABLE)
        return XW_ELECTRODES_KEEP; /* says nothing for or against */
    const char *kind = kind_of(result);
    bool same = kind && s->kind && strcmp(kind, s->kind) == 0;
    s->same_n = kind ? (same ? s->same_n + 1 : 1) : 0;
    s->none_n = kind ? 0 : s->none_n + 1;
    s->kind = kind;
    if (s->same_n >= IN_A_ROW && !(s->raised && strcmp(s->raised, kind) == 0)) {
        s->raised = kind;
        describe(result, kind, ret_text);
        return XW_ELECTRODES_RAISE;
    }
    if (s->raised && s->none_n >= IN_A_ROW) {
        s->raised = NULL;
        return XW_ELECTRODES_CLEAR;
    }
    return XW_ELECTRODES_KEEP;
}
