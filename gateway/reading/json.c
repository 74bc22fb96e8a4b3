/* What was measured, as JSON. */
#include "reading/json.h"

#include "reading/network.h"
#include "reading/words.h"

#include <math.h>
#include <string.h>

static json_t *number(float value, double unit)
{
    return isfinite(value) ? json_real(round((double)value / unit) * unit) : json_null();
}

static void put(json_t *object, const char *key, float value, double unit)
{
    json_object_set_new(object, key, number(value, unit));
}

static json_t *marks(const struct xw_ecg12_marks *m)
{
    const struct {
        const char *key;
        float ms;
    } all[] = {{"p_on", m->p_on},     {"p_peak", m->p_peak}, {"p_off", m->p_off},
               {"qrs_on", m->qrs_on}, {"r_peak", m->r_peak}, {"qrs_off", m->qrs_off},
               {"t_on", m->t_on},     {"t_peak", m->t_peak}, {"t_off", m->t_off}};
    json_t *object = json_object();
    for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++)
        put(object, all[k].key, all[k].ms, 0.1);
    return object;
}

/* A name for each row: its lead, or what the header calls it. */
const char *xw_reading_row_name(const struct xw_reading_view *t, unsigned l)
{
    enum xw_ecg_lead lead = t->result->leads[l].lead;
    return lead == XW_ECG_LEAD_OTHER && l < t->input->channels_n ? t->name[l]
                                                                 : xw_ecg_lead_name(lead);
}

static json_t *flaws(uint32_t mask)
{
    json_t *list = json_array();
    for (unsigned bit = 0; bit < 8; bit++)
        if (mask >> bit & 1)
            json_array_append_new(list,
                                  json_string(xw_ecg12_flaw_name((enum xw_ecg12_flaw)(1u << bit))));
    return list;
}

static json_t *lead_row(const struct xw_reading_view *t, unsigned l)
{
    const struct xw_ecg12_lead_row *r = &t->result->leads[l];
    json_t *o = json_object();
    json_object_set_new(o, "lead", json_string(xw_reading_row_name(t, l)));
    json_object_set_new(o, "derived", json_boolean(r->derived));
    json_object_set_new(o, "usable", json_boolean(r->usable));
    json_object_set_new(o, "flaws", flaws(r->flaws));
    const struct {
        const char *key;
        float value;
    } all[] = {{"noise_uv", r->noise_uv},
               {"p_uv", r->p_uv},
               {"p2_uv", r->p2_uv},
               {"q_uv", r->q_uv},
               {"r_uv", r->r_uv},
               {"s_uv", r->s_uv},
               {"r2_uv", r->r2_uv},
               {"s2_uv", r->s2_uv},
               {"q_ms", r->q_ms},
               {"r_ms", r->r_ms},
               {"s_ms", r->s_ms},
               {"r2_ms", r->r2_ms},
               {"s2_ms", r->s2_ms},
               {"p_ms", r->p_ms},
               {"qrs_ms", r->qrs_ms},
               {"r_peak_ms", r->r_peak_ms},
               {"st_j_uv", r->st_j_uv},
               {"st_60_uv", r->st_60_uv},
               {"st_80_uv", r->st_80_uv},
               {"st_slope_uv_s", r->st_slope_uv_s},
               {"t_uv", r->t_uv},
               {"t2_uv", r->t2_uv},
               {"t_width_ms", r->t_width_ms},
               {"qrs_area_uvs", r->qrs_area_uvs},
               {"qrs_pp_uv", r->qrs_pp_uv}};
    for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++)
        put(o, all[k].key, all[k].value, 0.1);
    json_object_set_new(o, "notched", r->usable ? json_boolean(r->notched) : json_null());
    return o;
}

static json_t *beats(const struct xw_reading_view *t)
{
    json_t *list = json_array();
    for (unsigned b = 0; b < t->result->beats_n; b++) {
        const struct xw_ecg12_beat *beat = &t->result->beats[b];
        json_t *o = json_object(), *leads = json_object();
        put(o, "time_ms", beat->time_ms, 0.1);
        put(o, "match", beat->match, 0.001);
        json_object_set_new(o, "dominant", json_boolean(beat->dominant));
        json_object_set_new(o, "paced", json_boolean(beat->paced));
        json_object_set_new(o, "global", marks(&beat->global));
        for (unsigned l = 0; l < t->result->leads_n; l++)
            if (t->result->leads[l].usable)
                json_object_set_new(leads, xw_reading_row_name(t, l), marks(&beat->lead[l]));
        json_object_set_new(o, "leads", leads);
        json_array_append_new(list, o);
    }
    return list;
}

static json_t *median(const struct xw_reading_view *t)
{
    const struct xw_ecg12_result *r = t->result;
    if (!r->median_of_n)
        return json_null();
    json_t *o = json_object(), *rows = json_object(), *leads = json_object();
    json_object_set_new(o, "rate_hz", json_integer(XW_ECG12_MEDIAN_HZ));
    json_object_set_new(o, "beats_n", json_integer(r->median_of_n));
    json_object_set_new(o, "marks_ms", marks(&r->median));
    for (unsigned l = 0; l < r->leads_n; l++) {
        if (!r->leads[l].usable)
            continue;
        json_t *row = json_array();
        for (unsigned i = 0; i < XW_ECG12_MEDIAN_N; i++)
            json_array_append_new(row, number(r->median_uv[l][i], 0.1));
        json_object_set_new(rows, xw_reading_row_name(t, l), row);
        json_object_set_new(leads, xw_reading_row_name(t, l), marks(&r->leads[l].marks));
    }
    json_object_set_new(o, "lead_marks_ms", leads);
    json_object_set_new(o, "uv", rows);
    return o;
}

static json_t *measurements(const struct xw_ecg12_result *r)
{
    const struct {
        const char *key;
        float value;
        double unit;
    } all[] = {{"hr_bpm", r->hr_bpm, 0.1},
               {"rr_ms", r->rr_ms, 0.1},
               {"rr_sd_ms", r->rr_sd_ms, 0.1},
               {"rr_min_ms", r->rr_min_ms, 0.1},
               {"rr_max_ms", r->rr_max_ms, 0.1},
               {"p_coherence", r->p_coherence, 0.001},
               {"p_ms", r->p_ms, 0.1},
               {"pr_ms", r->pr_ms, 0.1},
               {"qrs_ms", r->qrs_ms, 0.1},
               {"qt_ms", r->qt_ms, 0.1},
               {"jt_ms", r->jt_ms, 0.1},
               {"pr_sd_ms", r->pr_sd_ms, 0.1},
               {"qrs_sd_ms", r->qrs_sd_ms, 0.1},
               {"qt_sd_ms", r->qt_sd_ms, 0.1},
               {"qtc_bazett_ms", r->qtc_bazett_ms, 0.1},
               {"qtc_fridericia_ms", r->qtc_fridericia_ms, 0.1},
               {"qtc_framingham_ms", r->qtc_framingham_ms, 0.1},
               {"qtc_hodges_ms", r->qtc_hodges_ms, 0.1},
               {"p_axis_deg", r->p_axis_deg, 0.1},
               {"qrs_axis_deg", r->qrs_axis_deg, 0.1},
               {"t_axis_deg", r->t_axis_deg, 0.1},
               {"rv5_mv", r->rv5_mv, 0.0001},
               {"sv1_mv", r->sv1_mv, 0.0001},
               {"rv5_sv1_mv", r->rv5_sv1_mv, 0.0001}};
    json_t *o = json_object();
    for (size_t k = 0; k < sizeof(all) / sizeof(*all); k++)
        put(o, all[k].key, all[k].value, all[k].unit);
    bool known = r->verdict != XW_ECG12_UNACCEPTABLE;
    json_object_set_new(o, "irregular", known ? json_boolean(r->irregular) : json_null());
    json_object_set_new(o, "p_present", known ? json_boolean(r->p_present) : json_null());
    json_object_set_new(o, "wide_qrs", known ? json_boolean(r->wide_qrs) : json_null());
    return o;
}

static json_t *exchange(const struct xw_ecg12_exchange *x)
{
    static const char *const KIND[4] = {"RA/LA", "RA/RL", "RA/LL", "LA/LL"};
    json_t *o = json_object(), *scores = json_object();
    json_object_set_new(o, "limb", x->limb_kind ? json_string(x->limb_kind) : json_null());
    json_object_set_new(o, "precordial",
                        x->precordial_kind ? json_string(x->precordial_kind) : json_null());
    for (int k = 0; k < 4; k++)
        put(scores, KIND[k], x->limb_score[k], 0.001);
    json_object_set_new(o, "limb_scores", scores);
    put(o, "precordial_score", x->precordial_score, 0.001);
    put(o, "p_axis_deg", x->p_axis_deg, 0.1);
    put(o, "qrs_axis_deg", x->qrs_axis_deg, 0.1);
    put(o, "t_axis_deg", x->t_axis_deg, 0.1);
    put(o, "i_v6_match", x->r_v6_i_match, 0.001);
    put(o, "ii_pp_uv", x->ii_pp_uv, 0.1);
    return o;
}

static json_t *header(const struct xw_reading_view *t)
{
    const struct xw_ecg12_result *r = t->result;
    const char *slash = t->record ? strrchr(t->record, '/') : NULL;
    char version[XW_ECG12_VERSION_BYTES];
    xw_ecg12_version(version);
    json_t *o = json_object(), *unfit = json_array(), *paces = json_array();
    if (t->record)
        json_object_set_new(o, "record", json_string(slash ? slash + 1 : t->record));
    json_object_set_new(o, "tables", json_string(version));
    json_object_set_new(o, "rate_hz", json_real(t->input->rate_hz));
    json_object_set_new(o, "from_sample", json_integer(t->from));
    json_object_set_new(o, "samples", json_integer(t->input->samples_n));
    put(o, "age_years", t->input->age_years, 0.01);
    json_object_set_new(o, "sex",
                        t->input->sex == XW_ECG12_MALE     ? json_string("M")
                        : t->input->sex == XW_ECG12_FEMALE ? json_string("F")
                                                           : json_null());
    json_object_set_new(o, "verdict", json_string(xw_ecg12_verdict_name(r->verdict)));
    json_object_set_new(o, "reason",
                        r->reason ? json_string(xw_ecg12_reason_name(r->reason)) : json_null());
    put(o, "score", r->score, 0.001);
    for (unsigned l = 0; l < r->leads_n; l++)
        if (r->unfit >> l & 1)
            json_array_append_new(unfit, json_string(xw_reading_row_name(t, l)));
    json_object_set_new(o, "unfit", unfit);
    for (unsigned k = 0; k < r->pace_n; k++)
        json_array_append_new(paces, number(r->pace_ms[k], 0.1));
    json_object_set_new(o, "paces_ms", paces);
    return o;
}

json_t *xw_reading_json(const struct xw_reading_view *t)
{
    json_t *o = header(t), *leads = json_array();
    json_object_set_new(o, "measurements", measurements(t->result));
    json_object_set_new(o, "exchange", exchange(&t->result->exchange));
    json_object_set_new(o, "interpretation", xw_reading_words_json(t));
    json_object_set_new(o, "network", xw_reading_network(t->network, t->result));
    json_object_set_new(o, "rhythms",
                        t->rhythm ? xw_reading_rhythm_json(t->rhythm, t->from) : json_null());
    for (unsigned l = 0; l < t->result->leads_n; l++)
        json_array_append_new(leads, lead_row(t, l));
    json_object_set_new(o, "leads", leads);
    json_object_set_new(o, "beats", beats(t));
    json_object_set_new(o, "median", median(t));
    json_object_set_new(o, "previous", t->previous ? json_incref(t->previous) : json_null());
    return o;
}
