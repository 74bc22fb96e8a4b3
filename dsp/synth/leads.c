/* From the dipole to electrodes, from electrodes to leads.
 *
 * Dower's matrix gives I, II and V1..V6 of a dipole. With the mean of RA, LA and LL (Wilson's
 * terminal) at zero, the potentials follow: RA = -(I+II)/3, LA = (2I-II)/3, LL = (2II-I)/3, Ck =
 * Vk. The leads are then taken from potentials exactly as a device does. */
#include <math.h>

#include "dsp/synth/synth_internal.h"

/* Dower et al. 1980: columns x (left), y (down), z (back). */
static const float dower[XW_SYNTH_INDEPENDENT_N][3] = {
    {0.632f, -0.235f, 0.059f},  /* I */
    {0.235f, 1.066f, -0.132f},  /* II */
    {-0.515f, 0.157f, -0.917f}, /* V1 */
    {0.044f, 0.164f, -1.387f},  /* V2 */
    {0.882f, 0.098f, -1.277f},  /* V3 */
    {1.213f, 0.127f, -0.601f},  /* V4 */
    {1.125f, 0.127f, -0.086f},  /* V5 */
    {0.831f, 0.076f, 0.230f},   /* V6 */
};

/* This patient: the heart turned a little in the frontal and horizontal plane, and its voltage. */
void xw_synth_leads_init(struct xw_synth *s)
{
    struct xw_synth_rng rng = {s->config.seed ^ UINT64_C(0x70617469656e74)};
    double frontal = (xw_synth_rng_uniform(&rng) - 0.5) * 0.42; /* ±12 degrees */
    double level = (xw_synth_rng_uniform(&rng) - 0.5) * 0.24;   /* ±7 degrees */
    double voltage = 0.88 + 0.30 * xw_synth_rng_uniform(&rng);
    s->t_scale = (float)(0.85 + 0.35 * xw_synth_rng_uniform(&rng));
    double cf = cos(frontal);
    double sf = sin(frontal);
    double cl = cos(level);
    double sl = sin(level);
    for (int i = 0; i < XW_SYNTH_INDEPENDENT_N; i++) {
        double x = (double)dower[i][0];
        double y = (double)dower[i][1];
        double z = (double)dower[i][2];
        double xf = x * cf + y * sf;
        s->leads_of[i][0] = (float)(voltage * (xf * cl + z * sl));
        s->leads_of[i][1] = (float)(voltage * (y * cf - x * sf));
        s->leads_of[i][2] = (float)(voltage * (z * cl - xf * sl));
    }
}

void xw_synth_leads_project(const struct xw_synth *s, const struct xw_synth_vector *dipole,
                            float *ret_potentials_mv)
{
    float lead[XW_SYNTH_INDEPENDENT_N];
    for (int i = 0; i < XW_SYNTH_INDEPENDENT_N; i++)
        lead[i] = s->leads_of[i][0] * dipole->x + s->leads_of[i][1] * dipole->y +
                  s->leads_of[i][2] * dipole->z;
    ret_potentials_mv[XW_SYNTH_RA] = -(lead[0] + lead[1]) * (1.0f / 3);
    ret_potentials_mv[XW_SYNTH_LA] = (2 * lead[0] - lead[1]) * (1.0f / 3);
    ret_potentials_mv[XW_SYNTH_LL] = (2 * lead[1] - lead[0]) * (1.0f / 3);
    for (int i = 0; i < 6; i++)
        ret_potentials_mv[XW_SYNTH_C1 + i] = lead[2 + i];
}

/* Limb leads from the two that are measured, so that I + III = II holds to the count; a rail is
 * met only at the very end: with RA off, I and II are at the rail and III is still good. */
void xw_synth_leads_quantise(const struct xw_synth *s, const float *potentials_mv, int32_t *ret_row)
{
    float ra = potentials_mv[s->arms_reversed ? XW_SYNTH_LA : XW_SYNTH_RA];
    float la = potentials_mv[s->arms_reversed ? XW_SYNTH_RA : XW_SYNTH_LA];
    float ll = potentials_mv[XW_SYNTH_LL];
    float gain = s->counts_per_mv;
    float wilson = (potentials_mv[XW_SYNTH_RA] + potentials_mv[XW_SYNTH_LA] + ll) * (1.0f / 3);
    int64_t leads[XW_SYNTH_LEADS_N];
    int64_t one = lrintf((la - ra) * gain);
    int64_t two = lrintf((ll - ra) * gain);
    leads[XW_SYNTH_I] = one;
    leads[XW_SYNTH_II] = two;
    leads[XW_SYNTH_III] = two - one;
    leads[XW_SYNTH_AVR] = -(one + two) / 2;
    leads[XW_SYNTH_AVL] = (2 * one - two) / 2;
    leads[XW_SYNTH_AVF] = (2 * two - one) / 2;
    for (int i = 0; i < 6; i++)
        leads[XW_SYNTH_V1 + i] = lrintf((potentials_mv[XW_SYNTH_C1 + i] - wilson) * gain);
    for (unsigned c = 0; c < s->config.channels_n; c++) {
        int64_t count = leads[s->config.channels[c]] + s->config.baseline;
        if (count < s->config.count_min)
            count = s->config.count_min;
        if (count > s->config.count_max)
            count = s->config.count_max;
        ret_row[c] = (int32_t)count;
    }
}

uint32_t xw_synth_leads_off(const struct xw_synth *synth)
{
    /* Every limb electrode is part of Wilson's terminal, and so of the augmented and chest leads.
     */
    const uint32_t common = 0xfffu & ~(7u << XW_SYNTH_I);
    static const uint8_t limb[3][2] = {
        {XW_SYNTH_I, XW_SYNTH_II}, {XW_SYNTH_I, XW_SYNTH_III}, {XW_SYNTH_II, XW_SYNTH_III}};
    uint32_t leads = 0;
    for (int i = 0; i < XW_SYNTH_ELECTRODES_N; i++) {
        if (!synth->electrodes[i].off)
            continue;
        if (i < 3) {
            int at = synth->arms_reversed && i < 2 ? 1 - i : i; /* the cable, not the arm */
            leads |= common | 1u << limb[at][0] | 1u << limb[at][1];
        } else {
            leads |= 1u << (XW_SYNTH_V1 + i - XW_SYNTH_C1);
        }
    }
    return leads;
}

const char *xw_synth_lead_name(enum xw_synth_lead lead)
{
    static const char names[XW_SYNTH_LEADS_N][4] = {"I",  "II", "III", "aVR", "aVL", "aVF",
                                                    "V1", "V2", "V3",  "V4",  "V5",  "V6"};
    return (unsigned)lead < XW_SYNTH_LEADS_N ? names[lead] : "";
}
