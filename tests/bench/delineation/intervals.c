/* Intervals of the median beat against the annotated ones of LUDB. A published limit (QRS 120 ms)
 * is one of a duration over all leads, so what counts here is that ours is neither long nor short
 * on the whole: ours minus theirs, mean and SD over records. Theirs: of every beat the boundary
 * over leads by the same rank as dsp/ecg12 takes it, the interval's median over beats. */
#include "bench/delineation/bench.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NEAR_MS = 150, LEADS_LEAST = 6 };

struct side {
    char kind;
    bool end;
};
static const struct interval {
    const char *name;
    struct side from, to;
} INTERVAL[XW_BENCH_INTERVALS] = {
    {"p", {'p', false}, {'p', true}},
    {"pr", {'p', false}, {'N', false}},
    {"qrs", {'N', false}, {'N', true}},
    {"qt", {'N', false}, {'t', true}},
};

/* The annotated boundary over leads that belongs to one of ours; ms, NAN: too few leads have it. */
static double over_leads(const struct xw_bench_lead_waves *leads, unsigned leads_n, struct side s,
                         double ours_ms)
{
    float at[XW12_LEADS];
    int n = 0;
    for (unsigned l = 0; l < leads_n; l++) {
        double best = NEAR_MS;
        for (int w = 0; w < leads[l].n; w++) {
            const struct xw_bench_wave *wave = &leads[l].wave[w];
            int sample = s.end ? wave->off : wave->on;
            double error = sample * leads[l].step_ms - ours_ms;
            if (wave->kind == s.kind && sample >= 0 && fabs(error) < fabs(best))
                best = error;
        }
        if (fabs(best) < NEAR_MS)
            at[n++] = (float)(ours_ms + best);
    }
    if (n < LEADS_LEAST)
        return (double)NAN;
    (void)xw12_median_of(at, n); /* in order */
    int rank = s.kind == 't' ? n / 4 : 2;
    return (double)(s.end ? at[n - 1 - rank] : at[rank]);
}

static double ours_at(const struct xw_ecg12_marks *m, struct side s)
{
    if (s.kind == 'p')
        return (double)(s.end ? m->p_off : m->p_on);
    if (s.kind == 't')
        return (double)(s.end ? m->t_off : m->t_on);
    return (double)(s.end ? m->qrs_off : m->qrs_on);
}

static float ours_of(const struct xw_ecg12_result *r, int interval)
{
    const float ms[XW_BENCH_INTERVALS] = {r->p_ms, r->pr_ms, r->qrs_ms, r->qt_ms};
    return ms[interval];
}

void xw_bench_intervals_add(const struct xw_ecg12_result *r,
                            const struct xw_bench_lead_waves *leads, unsigned leads_n,
                            struct xw_bench_intervals *to)
{
    for (int k = 0; k < XW_BENCH_INTERVALS; k++) {
        float theirs[XW_ECG12_BEATS_MAX];
        int n = 0;
        for (unsigned b = 0; b < r->beats_n; b++) {
            const struct xw_ecg12_marks *m = &r->beats[b].global;
            double from =
                over_leads(leads, leads_n, INTERVAL[k].from, ours_at(m, INTERVAL[k].from));
            double until = over_leads(leads, leads_n, INTERVAL[k].to, ours_at(m, INTERVAL[k].to));
            if (r->beats[b].dominant && isfinite(from) && isfinite(until))
                theirs[n++] = (float)(until - from);
        }
        float truth = xw12_median_of(theirs, n), error = ours_of(r, k) - truth;
        if (!isfinite(error))
            continue;
        to->of[k].n++;
        to->of[k].sum += (double)error;
        to->of[k].sum_sq += (double)error * (double)error;
    }
}

void xw_bench_intervals_print(const struct xw_bench_intervals *i, const char *suffix)
{
    for (int k = 0; k < XW_BENCH_INTERVALS; k++) {
        char name[64];
        double n = i->of[k].n + 1e-9, mean = i->of[k].sum / n;
        snprintf(name, sizeof(name), "ludb_%s_interval_mean_ms%s", INTERVAL[k].name, suffix);
        xw_bench_print(name, mean, "ms");
        snprintf(name, sizeof(name), "ludb_%s_interval_sd_ms%s", INTERVAL[k].name, suffix);
        xw_bench_print(name, sqrt(fmax(0, i->of[k].sum_sq / n - mean * mean)), "ms");
    }
}
