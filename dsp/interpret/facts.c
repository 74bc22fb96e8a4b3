/* The measures that rules may name, taken from one reading. NAN = not known. */
#include "dsp/interpret/internal.h"

#include <math.h>
#include <string.h>

const struct measure_name WHOLE_NAMES[WHOLES_N] = {
    [W_AGE] = {"age", "a"},
    [W_AGE_KNOWN] = {"age_known", ""},
    [W_VERDICT] = {"verdict", ""},
    [W_READABLE] = {"readable", ""},
    [W_USABLE_12] = {"usable_12", ""},
    [W_UNFIT_N] = {"unfit_n", ""},
    [W_LIMB_EXCHANGE] = {"limb_exchange", ""},
    [W_CHEST_EXCHANGE] = {"chest_exchange", ""},
    [W_DEXTROCARDIA] = {"dextrocardia", ""},
    [W_HR] = {"hr_bpm", "/min"},
    [W_RR] = {"rr_ms", "ms"},
    [W_RR_MIN] = {"rr_min_ms", "ms"},
    [W_RR_MAX] = {"rr_max_ms", "ms"},
    [W_RR_RANGE] = {"rr_range_ms", "ms"},
    [W_RR_CV] = {"rr_cv", ""},
    [W_IRREGULAR] = {"irregular", ""},
    [W_P_PRESENT] = {"p_present", ""},
    [W_P_COHERENCE] = {"p_coherence", ""},
    [W_P_MS] = {"p_ms", "ms"},
    [W_PR] = {"pr_ms", "ms"},
    [W_QRS] = {"qrs_ms", "ms"},
    [W_QT] = {"qt_ms", "ms"},
    [W_QTC_BAZETT] = {"qtc_bazett_ms", "ms"},
    [W_QTC_FRIDERICIA] = {"qtc_fridericia_ms", "ms"},
    [W_QTC_FRAMINGHAM] = {"qtc_framingham_ms", "ms"},
    [W_QTC_HODGES] = {"qtc_hodges_ms", "ms"},
    [W_QTC_ADJUSTED] = {"qtc_adjusted_ms", "ms"},
    [W_P_AXIS] = {"p_axis", "deg"},
    [W_QRS_AXIS] = {"qrs_axis", "deg"},
    [W_T_AXIS] = {"t_axis", "deg"},
    [W_SOKOLOW] = {"sokolow_uv", "uV"},
    [W_CORNELL] = {"cornell_uv", "uV"},
    [W_CORNELL_PRODUCT] = {"cornell_mvms", "mV.ms"},
    [W_PEGUERO] = {"peguero_uv", "uV"},
    [W_BEATS_N] = {"beats_n", ""},
    [W_VPC_N] = {"vpc_n", ""},
    [W_APC_N] = {"apc_n", ""},
    [W_PACE_N] = {"pace_n", ""},
    [W_PACED_SHARE] = {"paced_share", ""},
    [W_CHAIN_AF] = {"chain_af", ""},
    [W_CHAIN_FLUTTER] = {"chain_flutter", ""},
    [W_CHAIN_SVT] = {"chain_svt", ""},
    [W_CHAIN_VT] = {"chain_vt", ""},
    [W_CHAIN_VF] = {"chain_vf", ""},
    [W_CHAIN_MOBITZ1] = {"chain_av_mobitz1", ""},
    [W_CHAIN_MOBITZ2] = {"chain_av_mobitz2", ""},
    [W_CHAIN_2TO1] = {"chain_av_2to1", ""},
    [W_CHAIN_AV3] = {"chain_av3", ""},
    [W_CHAIN_ASYSTOLE] = {"chain_asystole", ""},
    [W_LBBB_OR_PACED] = {"lbbb_or_paced", ""},
    [W_GRAVE_N] = {"grave_n", ""},
    [W_NOTES_N] = {"notes_n", ""},
};

const struct measure_name OF_LEAD_NAMES[OF_LEADS_N] = {
    [L_P] = {"p_uv", "uV"},
    [L_P_POS] = {"p_pos_uv", "uV"},
    [L_P_NEG] = {"p_neg_uv", "uV"},
    [L_Q] = {"q_uv", "uV"},
    [L_R] = {"r_uv", "uV"},
    [L_S] = {"s_uv", "uV"},
    [L_R2] = {"r2_uv", "uV"},
    [L_S2] = {"s2_uv", "uV"},
    [L_RMAX] = {"rmax_uv", "uV"},
    [L_S_ABS] = {"s_abs_uv", "uV"},
    [L_DEEPEST] = {"deepest_uv", "uV"},
    [L_Q_MS] = {"q_ms", "ms"},
    [L_R_MS] = {"r_ms", "ms"},
    [L_S_MS] = {"s_ms", "ms"},
    [L_R2_MS] = {"r2_ms", "ms"},
    [L_Q_SHARE] = {"q_share", ""},
    [L_QRS_MS] = {"lead_qrs_ms", "ms"},
    [L_P_MS] = {"lead_p_ms", "ms"},
    [L_R_PEAK] = {"r_peak_ms", "ms"},
    [L_ST_J] = {"st_j_uv", "uV"},
    [L_ST_60] = {"st_60_uv", "uV"},
    [L_ST_80] = {"st_80_uv", "uV"},
    [L_ST_SLOPE] = {"st_slope_uv_s", "uV/s"},
    [L_T] = {"t_uv", "uV"},
    [L_T2] = {"t2_uv", "uV"},
    [L_T_ABS] = {"t_abs_uv", "uV"},
    [L_T_WIDTH] = {"t_width_ms", "ms"},
    [L_AREA] = {"area_uvs", "uV.s"},
    [L_PP] = {"pp_uv", "uV"},
    [L_NOTCHED] = {"notched", ""},
};

/* How much sooner or wider than the usual beat an ectopic one is. */
static const double EARLY = 0.82, WIDER_MS = 25, WIDE_MS = 115, ALIKE = 0.85;

static double least(double a, double b, double c)
{
    return fmin(a, fmin(b, c));
}

static void lead_facts(const struct xw_ecg12_lead_row *r, double *to)
{
    to[L_P] = r->p_uv;
    to[L_P_POS] = fmax(r->p_uv, r->p2_uv);
    to[L_P_NEG] = fmin(r->p_uv, r->p2_uv);
    to[L_Q] = r->q_uv;
    to[L_R] = r->r_uv;
    to[L_S] = r->s_uv;
    to[L_R2] = r->r2_uv;
    to[L_S2] = r->s2_uv;
    to[L_RMAX] = fmax(r->r_uv, r->r2_uv);
    to[L_DEEPEST] = least(r->q_uv, r->s_uv, r->s2_uv);
    /* A QS complex is a Q by name and an S by depth. */
    to[L_S_ABS] = r->r_uv > 0 ? -fmin(r->s_uv, r->s2_uv) : -to[L_DEEPEST];
    to[L_Q_MS] = r->q_uv < 0 ? (double)r->q_ms : 0;
    to[L_R_MS] = r->r_ms;
    to[L_S_MS] = r->s_uv < 0 ? (double)r->s_ms : 0;
    to[L_R2_MS] = r->r2_ms;
    to[L_Q_SHARE] = !(r->q_uv < 0) ? 0 : to[L_RMAX] > 0 ? -(double)r->q_uv / to[L_RMAX] : 10;
    to[L_QRS_MS] = r->qrs_ms;
    to[L_P_MS] = r->p_ms;
    to[L_R_PEAK] = r->r_peak_ms;
    to[L_ST_J] = r->st_j_uv;
    to[L_ST_60] = r->st_60_uv;
    to[L_ST_80] = r->st_80_uv;
    to[L_ST_SLOPE] = r->st_slope_uv_s;
    to[L_T] = r->t_uv;
    to[L_T2] = r->t2_uv;
    to[L_T_ABS] = fmax(fabs((double)r->t_uv), fabs((double)r->t2_uv));
    to[L_T_WIDTH] = r->t_width_ms;
    to[L_AREA] = r->qrs_area_uvs;
    to[L_PP] = r->qrs_pp_uv;
    to[L_NOTCHED] = r->notched;
}

static void all_leads(const struct xw_ecg12_result *r, struct facts *f)
{
    for (unsigned i = 0; i < r->leads_n && r->median_of_n; i++) {
        enum xw_ecg_lead lead = r->leads[i].lead;
        if (lead == XW_ECG_LEAD_OTHER || !r->leads[i].usable || f->seen[lead])
            continue;
        f->seen[lead] = true;
        f->row[lead] = (int)i;
        lead_facts(&r->leads[i], f->lead[lead]);
    }
}

/* Ectopic beats: early, and of another shape and wider (or of the usual shape). */
static void ectopics(const struct xw_ecg12_result *r, struct facts *f)
{
    double usual_qrs = r->qrs_ms, usual_rr = r->rr_ms;
    unsigned wide = 0, narrow = 0, paced = 0;
    for (unsigned b = 0; b < r->beats_n; b++) {
        const struct xw_ecg12_beat *beat = &r->beats[b];
        f->dominant |= (uint64_t)beat->dominant << b;
        f->paced |= (uint64_t)beat->paced << b;
        paced += beat->paced;
        if (!b || beat->paced || !(usual_rr > 0))
            continue;
        double rr = beat->time_ms - r->beats[b - 1].time_ms;
        double qrs = beat->global.qrs_off - beat->global.qrs_on;
        if (rr > EARLY * usual_rr || isnan(qrs))
            continue;
        if (beat->match < ALIKE && qrs >= fmax(WIDE_MS, usual_qrs + WIDER_MS)) {
            f->premature_wide |= (uint64_t)1 << b;
            wide++;
        } else if (beat->match >= ALIKE && r->p_present) {
            f->premature_narrow |= (uint64_t)1 << b;
            narrow++;
        }
    }
    bool known = r->beats_n >= 3 && usual_rr > 0;
    f->whole[W_VPC_N] = known ? (double)wide : (double)NAN;
    f->whole[W_APC_N] = known ? (double)narrow : (double)NAN;
    f->whole[W_PACED_SHARE] = r->beats_n ? (double)paced / r->beats_n : NAN;
    f->whole[W_PACE_N] = r->pace_n;
    f->whole[W_BEATS_N] = r->beats_n;
}

static void sums(struct facts *f)
{
    static const enum xw_ecg_lead TWELVE[] = {XW_ECG_LEAD_I,   XW_ECG_LEAD_II,  XW_ECG_LEAD_III,
                                              XW_ECG_LEAD_AVR, XW_ECG_LEAD_AVL, XW_ECG_LEAD_AVF,
                                              XW_ECG_LEAD_V1,  XW_ECG_LEAD_V2,  XW_ECG_LEAD_V3,
                                              XW_ECG_LEAD_V4,  XW_ECG_LEAD_V5,  XW_ECG_LEAD_V6};
    double *w = f->whole;
    double deepest = 0;
    unsigned n = 0;
    for (unsigned i = 0; i < 12; i++) {
        n += f->seen[TWELVE[i]];
        deepest = f->seen[TWELVE[i]] ? fmax(deepest, f->lead[TWELVE[i]][L_S_ABS]) : deepest;
    }
    const bool *seen = f->seen;
    const double *v1 = f->lead[XW_ECG_LEAD_V1], *v3 = f->lead[XW_ECG_LEAD_V3];
    const double *v4 = f->lead[XW_ECG_LEAD_V4], *avl = f->lead[XW_ECG_LEAD_AVL];
    double r56 = fmax(seen[XW_ECG_LEAD_V5] ? f->lead[XW_ECG_LEAD_V5][L_RMAX] : (double)NAN,
                      seen[XW_ECG_LEAD_V6] ? f->lead[XW_ECG_LEAD_V6][L_RMAX] : (double)NAN);
    bool cornell = seen[XW_ECG_LEAD_AVL] && seen[XW_ECG_LEAD_V3];
    w[W_USABLE_12] = n;
    w[W_SOKOLOW] = seen[XW_ECG_LEAD_V1] ? v1[L_S_ABS] + r56 : NAN;
    w[W_CORNELL] = cornell ? avl[L_RMAX] + v3[L_S_ABS] : NAN;
    /* The product adds 0.8 mV for women. */
    double added = f->input->sex == XW_ECG12_FEMALE ? 800 : 0;
    w[W_CORNELL_PRODUCT] = (w[W_CORNELL] + added) / 1000 * w[W_QRS];
    w[W_PEGUERO] = n == 12 ? deepest + v4[L_S_ABS] : NAN;
}

static void rhythm_bits(uint32_t bits, double *w)
{
    for (unsigned b = 0; b <= W_CHAIN_ASYSTOLE - W_CHAIN_AF; b++)
        w[W_CHAIN_AF + b] = bits >> b & 1;
}

static void exchanges(const struct xw_ecg12_exchange *x, double *w)
{
    bool dextro = x->limb && x->limb_kind && !strcmp(x->limb_kind, "dextrocardia");
    w[W_LIMB_EXCHANGE] = x->limb && !dextro;
    w[W_DEXTROCARDIA] = dextro;
    w[W_CHEST_EXCHANGE] = x->precordial;
}

static void intervals(const struct xw_ecg12_result *r, double *w)
{
    w[W_HR] = r->hr_bpm;
    w[W_RR] = r->rr_ms;
    w[W_RR_MIN] = r->rr_min_ms;
    w[W_RR_MAX] = r->rr_max_ms;
    w[W_RR_RANGE] = (double)r->rr_max_ms - (double)r->rr_min_ms;
    w[W_RR_CV] = (double)r->rr_sd_ms / (double)r->rr_ms;
    w[W_P_COHERENCE] = r->p_coherence;
    w[W_P_MS] = r->p_ms;
    w[W_PR] = r->pr_ms;
    w[W_QRS] = r->qrs_ms;
    w[W_QT] = r->qt_ms;
    w[W_QTC_BAZETT] = r->qtc_bazett_ms;
    w[W_QTC_FRIDERICIA] = r->qtc_fridericia_ms;
    w[W_QTC_FRAMINGHAM] = r->qtc_framingham_ms;
    w[W_QTC_HODGES] = r->qtc_hodges_ms;
    /* A wide QRS lengthens the QT by itself. */
    w[W_QTC_ADJUSTED] =
        (double)r->qtc_fridericia_ms - (r->qrs_ms >= 120 ? (double)r->qrs_ms - 100 : 0);
    w[W_P_AXIS] = r->p_axis_deg;
    w[W_QRS_AXIS] = r->qrs_axis_deg;
    w[W_T_AXIS] = r->t_axis_deg;
}

void xw_interpret_facts(const struct xw_interpret_input *input, struct facts *ret)
{
    const struct xw_ecg12_result *r = input->result;
    memset(ret, 0, sizeof(*ret));
    ret->input = input;
    double *w = ret->whole;
    for (unsigned i = 0; i < WHOLES_N; i++)
        w[i] = NAN;
    bool known = isfinite(input->age_years);
    ret->age = known ? input->age_years : 50;
    w[W_AGE] = ret->age;
    w[W_AGE_KNOWN] = known;
    w[W_VERDICT] = r->verdict;
    w[W_READABLE] = r->verdict != XW_ECG12_UNACCEPTABLE && r->median_of_n > 0;
    w[W_UNFIT_N] = __builtin_popcount(r->unfit);
    w[W_LBBB_OR_PACED] = w[W_GRAVE_N] = w[W_NOTES_N] = 0;
    rhythm_bits(input->rhythm, w);
    w[W_USABLE_12] = 0;
    if (!(w[W_READABLE] > 0))
        return;
    exchanges(&r->exchange, w);
    intervals(r, w);
    w[W_IRREGULAR] = r->irregular;
    w[W_P_PRESENT] = r->p_present;
    ectopics(r, ret);
    all_leads(r, ret);
    sums(ret);
}
