/* The tables of the 12-lead reading: one of the four is the input (its first byte says which), the
 * others are the built-in ones. Any text gives tables or one error with its place; what was taken
 * judges any reading, with numbers that the input chose, without leaving its bounds. */
#include "dsp/interpret/interpret.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

/* Plausible and absurd numbers by turns, from the input. */
static float number(const uint8_t *data, size_t size, unsigned *at)
{
    static const float ODD[] = {0, NAN, INFINITY, -INFINITY, 1e30F, -1e30F, 120, 200};
    uint8_t byte = size ? data[(*at)++ % size] : 0;
    return byte < 200 ? ((float)byte - 100) * 12 : ODD[byte & 7];
}

static void judge(const struct xw_interpret_tables *tables, const uint8_t *data, size_t size)
{
    static struct xw_ecg12_result r;
    static struct xw_interpretation said;
    unsigned at = 0;
    memset(&r, 0, sizeof(r));
    r.verdict = XW_ECG12_ACCEPTABLE;
    r.median_of_n = 8;
    r.leads_n = 18;
    for (unsigned l = 0; l < r.leads_n; l++) {
        struct xw_ecg12_lead_row *row = &r.leads[l];
        float *figures[] = {&row->p_uv,      &row->q_uv,         &row->r_uv,     &row->s_uv,
                            &row->r2_uv,     &row->q_ms,         &row->r_ms,     &row->s_ms,
                            &row->st_j_uv,   &row->st_60_uv,     &row->st_80_uv, &row->t_uv,
                            &row->qrs_pp_uv, &row->qrs_area_uvs, &row->r_peak_ms};
        row->lead = (enum xw_ecg_lead)(l % XW_ECG_LEAD_COUNT);
        row->usable = number(data, size, &at) > -600;
        for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
            *figures[i] = number(data, size, &at);
    }
    float *wholes[] = {&r.hr_bpm,     &r.rr_ms,        &r.rr_min_ms,  &r.rr_max_ms,
                       &r.pr_ms,      &r.qrs_ms,       &r.qt_ms,      &r.qtc_fridericia_ms,
                       &r.p_axis_deg, &r.qrs_axis_deg, &r.p_coherence};
    for (size_t i = 0; i < sizeof(wholes) / sizeof(*wholes); i++)
        *wholes[i] = number(data, size, &at);
    r.beats_n = XW_ECG12_BEATS_MAX;
    for (unsigned b = 0; b < r.beats_n; b++)
        r.beats[b].time_ms = (float)b * 150 + number(data, size, &at) / 20;
    struct xw_interpret_input input = {&r, number(data, size, &at), (enum xw_ecg12_sex)(at % 3),
                                       at};
    xw_interpret_make(tables, &input, &said);
    check(said.n <= XW_INTERPRET_SAID_MAX);
    for (unsigned i = 0; i < said.n; i++) {
        check(said.said[i].entry && said.said[i].rules_n >= 1);
        check(said.said[i].values_n <= XW_INTERPRET_VALUES_MAX &&
              !(said.said[i].leads >> r.leads_n));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_interpret_texts texts;
    struct xw_interpret_tables *tables = NULL;
    struct xw_interpret_error error = {0};
    xw_interpret_builtin(&texts);
    struct xw_interpret_text *all[] = {&texts.statements, &texts.limits, &texts.rules,
                                       &texts.relations};
    if (size && data[0] < 4)
        *all[data[0]] = (struct xw_interpret_text){(const char *)data + 1, size - 1};
    int result = xw_interpret_parse(&texts, &tables, &error);
    if (result == 0) {
        judge(tables, data, size);
        xw_interpret_free(tables);
        return 0;
    }
    check(!tables && (result == -EINVAL || result == -EFBIG));
    check(error.table && error.text[0] && memchr(error.text, 0, sizeof(error.text)));
    return 0;
}
