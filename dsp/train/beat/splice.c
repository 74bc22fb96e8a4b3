/* Spliced recordings: a plan of beats, then their pieces laid over one another. */
#include "dsp/train/beat/splice.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double BEFORE_S = 0.28, AFTER_S = 0.42, P_FIRST_S = 0.26, P_END_S = 0.07;

/* What is laid down for a beat: kept in `subtype` of its annotation until then. */
enum piece { PLAIN, WITHOUT_P, VENTRICULAR, BLOCKED /* a ventricular shape behind a P wave */ };

struct plan {
    struct xw_splice *out;
    size_t room;
    uint64_t random;
    double at_s, end_s, usual_s, rate_hz;
    bool wide; /* there are ventricular beats to lay down */
};

static double uniform(struct plan *p, double low, double high)
{
    p->random ^= p->random << 13;
    p->random ^= p->random >> 7;
    p->random ^= p->random << 17;
    return low + (high - low) * (double)(p->random >> 11) / 9007199254740992.0;
}

static void beat(struct plan *p, double rr_s, bool early)
{
    p->at_s += rr_s;
    if (p->at_s >= p->end_s || p->out->beats_n == p->room)
        return;
    struct xw_wfdb_annotation *a = &p->out->beats[p->out->beats_n++];
    memset(a, 0, sizeof(*a));
    a->sample = llround(p->at_s * p->rate_hz);
    a->code = early ? XW_WFDB_APC : XW_WFDB_NORMAL;
}

/* Sinus rhythm with breathing and a little chance. */
static double sinus(struct plan *p, double freedom)
{
    return p->usual_s * (1 + freedom * sin(1.6 * p->at_s) + uniform(p, -0.015, 0.015));
}

static void single_beats(struct plan *p, unsigned n, unsigned low, unsigned high, double coupling)
{
    double freedom = uniform(p, 0.01, 0.07) + fmax(0, uniform(p, -0.2, 0.15));
    for (unsigned i = 0, next = low; i < n; i++) {
        beat(p, sinus(p, freedom), false);
        if (next-- > 0)
            continue;
        next = (unsigned)uniform(p, low, high);
        beat(p, sinus(p, freedom) * (coupling + uniform(p, -0.04, 0.04)), true);
        beat(p, sinus(p, freedom) * uniform(p, 1.0, 1.35), false);
    }
}

static void runs(struct plan *p, unsigned n, double longest)
{
    double freedom = uniform(p, 0.01, 0.05);
    while (n-- > 0) {
        for (unsigned i = (unsigned)uniform(p, 5, 40); i > 0; i--)
            beat(p, sinus(p, freedom), false);
        double rr = fmax(0.3, p->usual_s * uniform(p, 0.42, 0.85));
        for (unsigned i = (unsigned)uniform(p, 2, longest); i > 0; i--)
            beat(p, rr * (1 + uniform(p, -0.03, 0.03)), true);
        beat(p, p->usual_s * uniform(p, 1.0, 1.4), false);
    }
}

/* A sluggish sinus node: long pauses, and early atrial beats between them. */
static void sluggish(struct plan *p, unsigned n)
{
    double slow = uniform(p, 1.1, 1.9), rr = uniform(p, 0.55, 0.85), most = uniform(p, 1.5, 7);
    while (n-- > 0) {
        for (unsigned i = (unsigned)uniform(p, 1, 3); i > 0; i--)
            beat(p, slow * uniform(p, 0.85, 1.3), false);
        for (unsigned i = (unsigned)uniform(p, 1, most); i > 0; i--)
            beat(p, rr * (1 + uniform(p, -0.06, 0.06)), true);
    }
}

static void faster_and_slower(struct plan *p, unsigned n)
{
    double usual = p->usual_s, depth = uniform(p, 0.2, 0.5);
    for (unsigned i = 0; i < n; i++) {
        p->usual_s = usual * (1 - depth * 0.5 * (1 - cos(6.2831853 * i / n)));
        beat(p, sinus(p, 0.01), false);
    }
    p->usual_s = usual;
}

static void fibrillation(struct plan *p, unsigned n)
{
    double shortest = uniform(p, 0.3, 0.5), more = uniform(p, 0.1, 0.3);
    while (n-- > 0) {
        size_t n_before = p->out->beats_n;
        beat(p,
             shortest - more * log(uniform(p, 0.01, 1)) * 0.5 -
                 more * log(uniform(p, 0.01, 1)) * 0.5,
             false);
        if (p->out->beats_n > n_before)
            p->out->beats[n_before].subtype = WITHOUT_P;
    }
}

static void dropped(struct plan *p, unsigned n)
{
    while (n-- > 0) {
        for (unsigned i = (unsigned)uniform(p, 1, 9); i > 0; i--)
            beat(p, sinus(p, 0.02), false);
        beat(p, p->usual_s * (uniform(p, 0, 1) < 0.6 ? 2 : uniform(p, 1.5, 2.6)), false);
    }
}

/* One beat of ventricular shape, the plan's last. */
static void wide(struct plan *p, double rr_s, enum piece piece)
{
    size_t n = p->out->beats_n;
    beat(p, rr_s, false);
    if (p->out->beats_n == n)
        return;
    p->out->beats[n].subtype = (int8_t)piece;
    p->out->beats[n].code = piece == BLOCKED ? XW_WFDB_BBB : XW_WFDB_PVC;
}

static void ventricular(struct plan *p, unsigned n, unsigned low, unsigned high)
{
    double coupling = uniform(p, 0.45, 0.95), rest = uniform(p, 0, 1);
    while (n-- > 0) {
        for (unsigned i = (unsigned)uniform(p, low, high); i > 0; i--)
            beat(p, sinus(p, 0.02), false);
        double own = coupling + uniform(p, -0.05, 0.05);
        bool between = rest < 0.12 && own < 0.6;
        wide(p, p->usual_s * own, VENTRICULAR);
        beat(p,
             p->usual_s * (between      ? 1.03 - own
                           : rest < 0.7 ? 2 - own + uniform(p, -0.03, 0.03)
                                        : uniform(p, 0.9, 1.3)),
             false);
    }
}

/* Runs, from fast ones to those no faster than the sinus node. */
static void ventricular_runs(struct plan *p, unsigned n)
{
    while (n-- > 0) {
        for (unsigned i = (unsigned)uniform(p, 4, 30); i > 0; i--)
            beat(p, sinus(p, 0.03), false);
        double rr = fmax(0.36, p->usual_s * uniform(p, 0.45, 1.15));
        for (unsigned i = (unsigned)uniform(p, 2, 25); i > 0; i--)
            wide(p, rr * (1 + uniform(p, -0.03, 0.03)), VENTRICULAR);
        beat(p, fmax(rr, p->usual_s * uniform(p, 0.9, 1.4)), false);
    }
}

/* Conduction that comes and goes: another shape, the same P waves, no change of time. */
static void blocked(struct plan *p, unsigned n)
{
    double longest = uniform(p, 2, 40);
    while (n-- > 0) {
        for (unsigned i = (unsigned)uniform(p, 2, 30); i > 0; i--)
            beat(p, sinus(p, 0.03), false);
        for (unsigned i = (unsigned)uniform(p, 1, longest); i > 0; i--)
            wide(p, sinus(p, 0.03), BLOCKED);
    }
}

static void make_plan(struct plan *p)
{
    double usual_s = uniform(p, 0.6, 1.15);
    while (p->at_s < p->end_s) {
        p->usual_s = usual_s * uniform(p, 0.93, 1.07);
        switch ((unsigned)uniform(p, 0, p->wide ? 16 : 11)) {
        case 0:
            single_beats(p, 90, 6, 20, uniform(p, 0.55, 0.85));
            break;
        case 1:
            single_beats(p, 40, 0, 2, uniform(p, 0.5, 0.8));
            break;
        case 2:
            runs(p, 6, 6);
            break;
        case 3:
            runs(p, 3, 60);
            break;
        case 4:
        case 10:
            sluggish(p, 25);
            break;
        case 5:
            faster_and_slower(p, 100);
            break;
        case 6:
        case 9:
            fibrillation(p, 100);
            break;
        case 7:
            dropped(p, 12);
            break;
        case 11:
            ventricular(p, 8, 3, 12);
            break;
        case 12:
            ventricular(p, 20, 1, 3);
            break;
        case 13:
        case 14:
            ventricular_runs(p, 4);
            break;
        case 15:
            blocked(p, 4);
            break;
        default:
            single_beats(p, 100, 200, 200, 0.7);
            break;
        }
    }
}

struct source {
    const int32_t *rows;
    unsigned channels_n;
    int64_t rows_n, *at, *wide; /* plain beats, ventricular beats */
    size_t n, wide_n;
    double rate_hz;
};

static bool is_plain(const struct xw_wfdb_annotation *a)
{
    return a->code == XW_WFDB_NORMAL || a->code == XW_WFDB_LBBB || a->code == XW_WFDB_RBBB;
}

static size_t find_plain(const struct xw_wfdb_annotations *reference, struct source *s)
{
    for (size_t i = 1; i + 1 < reference->n; i++) {
        const struct xw_wfdb_annotation *a = &reference->at[i];
        if (a->code == XW_WFDB_PVC && (double)(a->sample - a[-1].sample) > 0.34 * s->rate_hz &&
            (double)(a[1].sample - a->sample) > 0.5 * s->rate_hz &&
            a->sample > (int64_t)s->rate_hz && a->sample < s->rows_n - (int64_t)s->rate_hz)
            s->wide[s->wide_n++] = a->sample;
        bool room = (double)(a->sample - a[-1].sample) > 0.66 * s->rate_hz &&
                    (double)(a[1].sample - a->sample) > 0.66 * s->rate_hz;
        if (room && is_plain(&a[-1]) && is_plain(a) && is_plain(&a[1]) &&
            a->sample > (int64_t)s->rate_hz && a->sample < s->rows_n - (int64_t)s->rate_hz)
            s->at[s->n++] = a->sample;
    }
    return s->n;
}

/* Lays the beat at `own` down at sample `at`: what lies before its QRS times `p_factor`, the rest
 * times `factor`. Both ends are brought to 0. */
static void lay(const struct source *s, int64_t own, struct xw_splice *out, int64_t at,
                double p_factor, double factor)
{
    int64_t first = -llround(BEFORE_S * s->rate_hz), end = llround(AFTER_S * s->rate_hz);
    double p_first = -P_FIRST_S * s->rate_hz, p_end = -P_END_S * s->rate_hz;
    for (unsigned c = 0; c < s->channels_n; c++) {
        const int32_t *from = s->rows + (own * s->channels_n + c);
        double low = 0, high = 0;
        for (int64_t k = 0; k < 8; k++) {
            low += from[(first + k) * s->channels_n] / 8.0;
            high += from[(end - k) * s->channels_n] / 8.0;
        }
        for (int64_t k = first; k <= end; k++) {
            if (at + k < 0 || at + k >= out->rows_n)
                continue;
            double share = (double)(k - first) / (double)(end - first);
            double x = from[k * s->channels_n] - (low + share * (high - low));
            double in_p = ((double)k - p_first) / (p_end - p_first);
            double p_share = in_p > 0 && in_p < 1 ? fmin(1, 4 * fmin(in_p, 1 - in_p)) : 0;
            x *= factor + (p_factor - factor) * p_share; /* fades in and out */
            out->rows[(at + k) * out->channels_n + c] += (int32_t)lround(x);
        }
    }
}

int xw_splice_make(const int32_t *rows, int64_t rows_n, unsigned channels_n, double rate_hz,
                   const struct xw_wfdb_annotations *reference, double seconds, uint64_t seed,
                   struct xw_splice *ret_splice)
{
    static const double FACTOR[4] = {-1, -0.5, 0.2, 0.8};
    struct xw_splice *out = ret_splice;
    memset(out, 0, sizeof(*out));
    struct plan p = {.out = out,
                     .room = (size_t)(seconds * 5),
                     .random = seed * 2654435761U + 12345,
                     .at_s = 0.5,
                     .end_s = seconds,
                     .usual_s = 0.8,
                     .rate_hz = rate_hz};
    struct source s = {.rows = rows,
                       .channels_n = channels_n,
                       .rows_n = rows_n,
                       .at = calloc(reference->n + 1, sizeof(int64_t)),
                       .wide = calloc(reference->n + 1, sizeof(int64_t)),
                       .rate_hz = rate_hz};
    out->channels_n = channels_n;
    out->rows_n = (int64_t)(seconds * rate_hz);
    out->rows = calloc((size_t)out->rows_n * channels_n, sizeof(*out->rows));
    out->beats = calloc(p.room, sizeof(*out->beats));
    int result = s.at && s.wide && out->rows && out->beats ? 0 : -ENOMEM;
    if (result == 0 && find_plain(reference, &s) < 100)
        result = -ENODATA;
    if (result == 0) {
        p.wide = s.wide_n >= 5;
        make_plan(&p);
        double factor = FACTOR[seed % 4];
        size_t which = 0;
        for (size_t i = 0; i < out->beats_n; i++, which++) {
            struct xw_wfdb_annotation *b = &out->beats[i];
            int64_t plain = s.at[which % s.n], at = b->sample;
            if (uniform(&p, 0, 1) < 0.05)
                factor = FACTOR[(unsigned)uniform(&p, 0, 4)];
            if (b->subtype == VENTRICULAR || b->subtype == BLOCKED)
                lay(&s, s.wide[which % s.wide_n], out, at, b->subtype == BLOCKED ? 0 : 1, 1);
            if (b->subtype == BLOCKED)
                lay(&s, plain, out, at, 1, 0);
            if (b->subtype == WITHOUT_P || b->subtype == PLAIN)
                lay(&s, plain, out, at,
                    b->code == XW_WFDB_APC ? factor
                    : b->subtype           ? uniform(&p, -0.2, 0.2)
                                           : 1,
                    1);
        }
        for (int64_t i = 0; i < out->rows_n * channels_n; i++)
            out->rows[i] += (int32_t)lround(uniform(&p, -1.5, 1.5));
    }
    free(s.at);
    free(s.wide);
    if (result < 0)
        xw_splice_done(out);
    return result;
}

void xw_splice_done(struct xw_splice *splice)
{
    free(splice->rows);
    free(splice->beats);
    memset(splice, 0, sizeof(*splice));
}
