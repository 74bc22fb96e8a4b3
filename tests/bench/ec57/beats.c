/* Beat-by-beat comparison and runs. */
#include "bench/ec57/ec57.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static enum xw_ec57_kind kind_of(enum xw_wfdb_code code, const struct xw_ec57_options *options)
{
    switch (code) {
    case XW_WFDB_NORMAL:
    case XW_WFDB_LBBB:
    case XW_WFDB_RBBB:
    case XW_WFDB_BBB:
    case XW_WFDB_SVESC:
        return XW_EC57_N;
    case XW_WFDB_AESC:
    case XW_WFDB_NESC:
        return options->escapes_normal ? XW_EC57_N : XW_EC57_S;
    case XW_WFDB_ABERR:
    case XW_WFDB_NPC:
    case XW_WFDB_APC:
    case XW_WFDB_SVPB:
        return XW_EC57_S;
    case XW_WFDB_PVC:
    case XW_WFDB_VESC:
    case XW_WFDB_RONT:
        return XW_EC57_V;
    case XW_WFDB_FUSION:
        return XW_EC57_F;
    default:
        return XW_EC57_Q;
    }
}

int xw_ec57_beats_of(const struct xw_wfdb_annotations *annotations,
                     const struct xw_wfdb_annotations *reference,
                     const struct xw_ec57_options *options, struct xw_ec57_beats *ret_beats)
{
    struct xw_ec57_spans flutter;
    int result = xw_ec57_spans_of(reference, "[", INT64_MAX, &flutter);
    ret_beats->n = 0;
    ret_beats->one = result < 0 ? NULL : calloc(annotations->n + 1, sizeof(*ret_beats->one));
    if (!ret_beats->one) {
        xw_ec57_spans_done(&flutter);
        return -ENOMEM;
    }
    int64_t window = llround(options->window_s * options->rate_hz);
    int64_t start = (int64_t)(options->start_s * options->rate_hz);
    start -= annotations == reference ? 0 : window;
    size_t span = 0;
    for (size_t i = 0; i < annotations->n; i++) {
        int64_t at = annotations->at[i].sample;
        while (span < flutter.n && flutter.one[span].end < at)
            span++;
        bool left_out = span < flutter.n && flutter.one[span].first <= at;
        if (!xw_wfdb_code_is_beat(annotations->at[i].code) || at < start || left_out)
            continue;
        ret_beats->one[ret_beats->n].at = at;
        ret_beats->one[ret_beats->n++].kind = kind_of(annotations->at[i].code, options);
    }
    xw_ec57_spans_done(&flutter);
    return 0;
}

void xw_ec57_mark_late(struct xw_ec57_beats *beats, const int64_t *at, size_t n)
{
    size_t k = 0;
    for (size_t i = 0; i < beats->n; i++) {
        while (k < n && at[k] < beats->one[i].at)
            k++;
        beats->one[i].late = k < n && at[k] == beats->one[i].at;
    }
}

static void count_extra(const struct xw_ec57_beat *beat, int64_t start,
                        struct xw_ec57_counts *counts)
{
    if (beat->at < start)
        return;
    counts->count[XW_EC57_O][beat->kind]++;
    counts->late_false += beat->late;
}

void xw_ec57_beats_done(struct xw_ec57_beats *beats)
{
    free(beats->one);
    beats->one = NULL;
    beats->n = 0;
}

static int64_t apart(const struct xw_ec57_beat *a, const struct xw_ec57_beat *b)
{
    return a->at > b->at ? a->at - b->at : b->at - a->at;
}

/* The test beat that is the partner of reference beat i; *j moves past what is used up. */
static bool find_partner(const struct xw_ec57_beats *ref, const struct xw_ec57_beats *test,
                         int64_t window, size_t i, size_t *j, size_t *ret_partner)
{
    const struct xw_ec57_beat *mine = &ref->one[i];
    while (*j < test->n && test->one[*j].at < mine->at - window)
        (*j)++;
    if (*j == test->n || test->one[*j].at > mine->at + window)
        return false;
    size_t best = *j;
    while (best + 1 < test->n && apart(&test->one[best + 1], mine) < apart(&test->one[best], mine))
        best++;
    bool next_is_nearer =
        i + 1 < ref->n && apart(&ref->one[i + 1], &test->one[best]) < apart(mine, &test->one[best]);
    if (next_is_nearer && best == *j)
        return false; /* it belongs to the next one alone */
    *ret_partner = next_is_nearer ? best - 1 : best;
    *j = best + (next_is_nearer ? 0 : 1);
    return true;
}

/* Counts runs of at least `least` V in `in`, and those during which the other has as many. */
static void count_runs(const struct xw_ec57_beats *in, const struct xw_ec57_beats *other,
                       int64_t window, size_t least, uint64_t *ret_n, uint64_t *ret_found)
{
    size_t k = 0;
    for (size_t i = 0; i < in->n;) {
        size_t end = i;
        while (end < in->n && in->one[end].kind == XW_EC57_V)
            end++;
        if (end - i >= least) {
            size_t row = 0, longest = 0;
            while (k < other->n && other->one[k].at < in->one[i].at - window)
                k++;
            for (size_t m = k; m < other->n && other->one[m].at <= in->one[end - 1].at + window;
                 m++) {
                row = other->one[m].kind == XW_EC57_V ? row + 1 : 0;
                longest = row > longest ? row : longest;
            }
            (*ret_n)++;
            *ret_found += longest >= least;
        }
        i = end > i ? end : i + 1;
    }
}

void xw_ec57_compare(const struct xw_ec57_beats *reference, const struct xw_ec57_beats *test,
                     const struct xw_ec57_options *options, struct xw_ec57_counts *counts)
{
    int64_t window = llround(options->window_s * options->rate_hz);
    int64_t start = (int64_t)(options->start_s * options->rate_hz);
    size_t j = 0, extra = 0;
    for (size_t i = 0; i < reference->n; i++) {
        size_t partner = 0;
        enum xw_ec57_kind kind = reference->one[i].kind;
        if (!find_partner(reference, test, window, i, &j, &partner)) {
            counts->count[kind][XW_EC57_O]++;
            continue;
        }
        for (; extra < partner; extra++)
            count_extra(&test->one[extra], start, counts);
        extra = partner + 1;
        counts->count[kind][test->one[partner].kind]++;
        counts->late_true += test->one[partner].late;
    }
    for (; extra < test->n; extra++)
        count_extra(&test->one[extra], start, counts);
    for (size_t k = 0; k < 2; k++) {
        count_runs(reference, test, window, k + 2, &counts->run_ref[k], &counts->run_found[k]);
        count_runs(test, reference, window, k + 2, &counts->run_test[k], &counts->run_right[k]);
    }
}

void xw_ec57_add(struct xw_ec57_counts *sum, const struct xw_ec57_counts *counts)
{
    for (unsigned r = 0; r < XW_EC57_KINDS; r++)
        for (unsigned t = 0; t < XW_EC57_KINDS; t++)
            sum->count[r][t] += counts->count[r][t];
    sum->late_true += counts->late_true;
    sum->late_false += counts->late_false;
    for (unsigned k = 0; k < 2; k++) {
        sum->run_ref[k] += counts->run_ref[k];
        sum->run_found[k] += counts->run_found[k];
        sum->run_test[k] += counts->run_test[k];
        sum->run_right[k] += counts->run_right[k];
    }
}

static struct xw_ec57_rate rate_of(uint64_t true_n, uint64_t missed_n, uint64_t false_n)
{
    struct xw_ec57_rate r = {true_n, missed_n, false_n, NAN, NAN};
    if (true_n + missed_n)
        r.se = 100.0 * (double)true_n / (double)(true_n + missed_n);
    if (true_n + false_n)
        r.ppv = 100.0 * (double)true_n / (double)(true_n + false_n);
    return r;
}

struct xw_ec57_rate xw_ec57_qrs(const struct xw_ec57_counts *counts)
{
    uint64_t true_n = 0, missed_n = 0, false_n = 0;
    for (unsigned r = 0; r < XW_EC57_O; r++) {
        for (unsigned t = 0; t < XW_EC57_O; t++)
            true_n += counts->count[r][t];
        missed_n += counts->count[r][XW_EC57_O];
        false_n += counts->count[XW_EC57_O][r];
    }
    return rate_of(true_n, missed_n, false_n);
}

struct xw_ec57_rate xw_ec57_kind(const struct xw_ec57_counts *counts, enum xw_ec57_kind kind)
{
    uint64_t missed_n = 0, false_n = 0;
    for (unsigned t = 0; t < XW_EC57_KINDS; t++)
        missed_n += t != (unsigned)kind ? counts->count[kind][t] : 0;
    for (unsigned r = 0; r < XW_EC57_KINDS; r++) {
        bool forgiven = r == XW_EC57_Q || (kind == XW_EC57_V && r == XW_EC57_F);
        false_n += r != (unsigned)kind && !forgiven ? counts->count[r][kind] : 0;
    }
    return rate_of(counts->count[kind][kind], missed_n, false_n);
}
