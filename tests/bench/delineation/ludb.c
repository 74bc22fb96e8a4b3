/* Scoring against LUDB: each lead against its own annotation.
 *
 * Conventions (as Moskalenko 2020 has them): onsets and offsets are points of a wave of one kind
 * (P, QRS, T); a point is found if a point of ours of the same sort lies within 150 ms and belongs
 * to no nearer one. The first and the last beats of a strip are not annotated, so points of ours
 * outside of what is annotated in that lead are not scored, nor where theirs has a wave without
 * that boundary. F1 is over onsets and offsets of all leads together; errors are ours minus theirs.
 */
#include "bench/delineation/bench.h"
#include "dsp/ecg12/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KINDS = 3, SIDES = 2, POINTS = 256, TOLERANCE_MS = 150 };

struct tally {
    double tp, fn, fp, sum, sum_sq;
};

struct score {
    struct tally at[KINDS][SIDES];
};

static const char KIND[KINDS] = {'p', 'N', 't'};
static const char *const NAME[KINDS] = {"p", "qrs", "t"};

/* Waves whose boundary on this side was not marked: nothing is known of it. */
static int open_points(const struct xw_bench_wave *w, int n, int kind, int side, double step_ms,
                       double *out)
{
    int used = 0;
    for (int i = 0; i < n && used < POINTS; i++)
        if (w[i].kind == KIND[kind] && (side ? w[i].off : w[i].on) < 0)
            out[used++] = w[i].peak * step_ms;
    return used;
}

static int truth_points(const struct xw_bench_wave *w, int n, int kind, int side, double step_ms,
                        double *out)
{
    int used = 0;
    for (int i = 0; i < n && used < POINTS; i++) {
        int sample = side ? w[i].off : w[i].on;
        if (w[i].kind == KIND[kind] && sample >= 0)
            out[used++] = sample * step_ms;
    }
    return used;
}

static int our_points(const struct xw_ecg12_result *r, unsigned lead, int kind, int side,
                      double *out)
{
    int used = 0;
    for (unsigned b = 0; b < r->beats_n; b++) {
        const struct xw_ecg12_marks *m = &r->beats[b].lead[lead];
        float t = kind == 0   ? (side ? m->p_off : m->p_on)
                  : kind == 1 ? (side ? m->qrs_off : m->qrs_on)
                              : (side ? m->t_off : m->t_on);
        if (isfinite(t))
            out[used++] = t;
    }
    return used;
}

static void match(const double *truth, int truth_n, const double *ours, int ours_n,
                  const double *open, int open_n, double from, double to, struct tally *t)
{
    bool used_truth[POINTS] = {false}, used_ours[POINTS] = {false};
    for (;;) {
        int a = -1, b = -1;
        double best = TOLERANCE_MS + 1e-6;
        for (int i = 0; i < truth_n; i++)
            for (int j = 0; j < ours_n && !used_truth[i]; j++)
                if (!used_ours[j] && fabs(truth[i] - ours[j]) < best) {
                    best = fabs(truth[i] - ours[j]);
                    a = i;
                    b = j;
                }
        if (a < 0)
            break;
        used_truth[a] = used_ours[b] = true;
        double error = ours[b] - truth[a];
        t->tp++;
        t->sum += error;
        t->sum_sq += error * error;
    }
    for (int i = 0; i < truth_n; i++)
        t->fn += !used_truth[i];
    for (int j = 0; j < ours_n; j++)
        for (int k = 0; k < open_n && !used_ours[j]; k++)
            used_ours[j] = fabs(open[k] - ours[j]) < TOLERANCE_MS;
    for (int j = 0; j < ours_n; j++)
        t->fp += !used_ours[j] && ours[j] >= from && ours[j] <= to;
}

static void score_lead(const struct xw_ecg12_result *r, unsigned lead,
                       const struct xw_bench_wave *w, int n, double step_ms, struct score *s)
{
    double from = 1e9, to = -1;
    for (int i = 0; i < n; i++) {
        int first = w[i].on >= 0 ? w[i].on : w[i].peak, last = w[i].off >= 0 ? w[i].off : w[i].peak;
        from = first * step_ms < from ? first * step_ms : from;
        to = last * step_ms > to ? last * step_ms : to;
    }
    for (int kind = 0; kind < KINDS; kind++)
        for (int side = 0; side < SIDES; side++) {
            double truth[POINTS], ours[POINTS];
            int truth_n = truth_points(w, n, kind, side, step_ms, truth);
            int ours_n = our_points(r, lead, kind, side, ours);
            double open[POINTS];
            int open_n = open_points(w, n, kind, side, step_ms, open);
            match(truth, truth_n, ours, ours_n, open, open_n, from, to, &s->at[kind][side]);
        }
}

static void add(struct score *to, const struct score *s)
{
    for (int k = 0; k < KINDS; k++)
        for (int side = 0; side < SIDES; side++) {
            struct tally *a = &to->at[k][side];
            const struct tally *b = &s->at[k][side];
            *a = (struct tally){a->tp + b->tp, a->fn + b->fn, a->fp + b->fp, a->sum + b->sum,
                                a->sum_sq + b->sum_sq};
        }
}

static double f1(const struct score *s, int kind)
{
    double tp = 0, wrong = 0;
    for (int side = 0; side < SIDES; side++) {
        tp += s->at[kind][side].tp;
        wrong += s->at[kind][side].fn + s->at[kind][side].fp;
    }
    return tp + wrong > 0 ? 100 * 2 * tp / (2 * tp + wrong) : 100;
}

static double deviation(const struct tally *t)
{
    double mean = t->sum / (t->tp + 1e-9);
    return sqrt(fmax(0, t->sum_sq / (t->tp + 1e-9) - mean * mean));
}

static void report(const struct score *s, const char *suffix)
{
    static const char *const SIDE[SIDES] = {"on", "off"};
    char name[64];
    for (int k = 0; k < KINDS; k++) {
        snprintf(name, sizeof(name), "ludb_%s_f1%s", NAME[k], suffix);
        xw_bench_print(name, f1(s, k), "%");
        for (int side = 0; side < SIDES; side++) {
            const struct tally *t = &s->at[k][side];
            snprintf(name, sizeof(name), "ludb_%s_%s_sd_ms%s", NAME[k], SIDE[side], suffix);
            xw_bench_print(name, deviation(t), "ms");
            snprintf(name, sizeof(name), "ludb_%s_%s_mean_ms%s", NAME[k], SIDE[side], suffix);
            xw_bench_print(name, t->sum / (t->tp + 1e-9), "ms");
        }
    }
}

static void tell(const struct xw_bench_record *rec, const struct xw_ecg12_result *r,
                 const struct score *s)
{
    fprintf(stderr,
            "%d beats %u coh %.2f rr %.0f irr %d P tp %g fn %g fp %g | QRS fn %g fp %g sd %.1f "
            "%.1f | T fn %g fp %g sd %.1f mean %.1f\n",
            rec->number, r->beats_n, (double)r->p_coherence, (double)r->rr_ms, r->irregular,
            s->at[0][0].tp, s->at[0][0].fn + s->at[0][1].fn, s->at[0][0].fp + s->at[0][1].fp,
            s->at[1][0].fn + s->at[1][1].fn, s->at[1][0].fp + s->at[1][1].fp,
            deviation(&s->at[1][0]), deviation(&s->at[1][1]), s->at[2][0].fn + s->at[2][1].fn,
            s->at[2][0].fp + s->at[2][1].fp, deviation(&s->at[2][1]),
            s->at[2][1].sum / (s->at[2][1].tp + 1e-9));
}

int xw_bench_ludb(const char *data, const struct xw12_bound_trees *const trees[XW_BENCH_FOLDS],
                  const char *suffix, bool verbose)
{
    char folder[1024];
    snprintf(folder, sizeof(folder), "%s/ludb", data);
    char **paths;
    size_t n;
    int result = xw_bench_list(folder, &paths, &n);
    if (result < 0)
        return result;
    struct score all = {0};
    struct xw_bench_intervals intervals = {0};
    static struct xw_bench_lead_waves leads[XW12_LEADS];
    struct xw_bench_record *rec = calloc(1, sizeof(*rec));
    struct xw_ecg12_result *r = calloc(1, sizeof(*r));
    struct xw_ecg12 *engine = NULL;
    if (!rec || !r || xw_ecg12_new(&engine) < 0)
        result = -ENOMEM;
    size_t scored = 0;
    for (size_t i = 0; i < n && result >= 0; i++) {
        struct score one = {0};
        if (xw_bench_load(paths[i], rec) < 0)
            continue;
        if (trees)
            engine->trees = trees[xw_bench_fold(rec->number)];
        if (xw_ecg12_read(engine, &rec->input, r) < 0)
            continue;
        for (unsigned l = 0; l < rec->input.channels_n; l++) {
            struct xw_bench_lead_waves *w = &leads[l];
            w->n = xw_bench_waves(paths[i], xw_ecg_lead_name(rec->input.channels[l].lead), w->wave);
            w->step_ms = 1000.0 / rec->input.rate_hz;
            if (w->n > 0)
                score_lead(r, l, w->wave, w->n, w->step_ms, &one);
        }
        xw_bench_intervals_add(r, leads, rec->input.channels_n, &intervals);
        add(&all, &one);
        scored++;
        if (verbose)
            tell(rec, r, &one);
    }
    report(&all, suffix);
    xw_bench_intervals_print(&intervals, suffix);
    if (!*suffix)
        xw_bench_print("ludb_records", (double)scored, "records");
    xw_ecg12_free(engine);
    free(r);
    free(rec);
    xw_bench_list_free(paths, n);
    return result;
}
