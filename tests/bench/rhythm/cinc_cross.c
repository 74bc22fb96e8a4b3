/* The score of intensive care's alarms with limits that were chosen on other records. */
#include "bench/rhythm/cinc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FOLDS = 5, LIMITS = 6, VALUES = 4, CACHE_MAX = 200 };

/* From the widest notion (anything a little unlike the usual beat, any spread) in even steps; the
 * first value of each list is where the search begins. */
static const struct {
    const char *name;
    float value[VALUES];
    unsigned n;
} LIST[LIMITS] = {
    {"vt_strange", {0.7F, 0.8F, 0.6F, 0.9F}, 4},
    {"vt_alike", {0.5F, 0.4F, 0.3F, 0.7F}, 4},
    {"vt_strange_n", {5, 4, 3}, 3},
    {"vt_strange_rr", {1, 0.9F, 0.8F, 0.7F}, 4},
    {"vt_uneven", {1, 0.5F, 0.35F, 0.2F}, 4},
    {"veto_uneven", {0.4F, 0.3F, 0.5F, 0.2F}, 4},
};

struct setting {
    unsigned at[LIMITS];
    bool raised[XW_RHYTHM_CINC_RECORDS_MAX];
};

struct cross {
    const char *data;
    struct xw_rhythm_cinc_record record[XW_RHYTHM_CINC_RECORDS_MAX];
    unsigned fold[XW_RHYTHM_CINC_RECORDS_MAX], n;
    struct setting tried[CACHE_MAX];
    unsigned tried_n;
};

static struct xw_rhythm_cinc_limits limits_of(const unsigned *at)
{
    return (struct xw_rhythm_cinc_limits){.alarm = {.vt_strange = LIST[0].value[at[0]],
                                                    .vt_alike = LIST[1].value[at[1]],
                                                    .vt_strange_rr = LIST[3].value[at[3]],
                                                    .vt_uneven = LIST[4].value[at[4]],
                                                    .veto_uneven = LIST[5].value[at[5]]},
                                          .vt_strange_n = LIST[2].value[at[2]]};
}

/* What the chain says of all records with this setting; NULL: *ret_error says why. */
static const struct setting *try(struct cross *c, const unsigned *at, int *ret_error)
{
    for (unsigned i = 0; i < c->tried_n; i++)
        if (memcmp(c->tried[i].at, at, sizeof(c->tried[i].at)) == 0)
            return &c->tried[i];
    if (c->tried_n == CACHE_MAX) {
        *ret_error = -ENOMEM;
        return NULL;
    }
    struct setting *s = &c->tried[c->tried_n];
    struct xw_rhythm_cinc_limits limits = limits_of(at);
    *ret_error = xw_rhythm_cinc_judge(c->data, &limits, true, c->record, c->n);
    if (*ret_error < 0)
        return NULL;
    memcpy(s->at, at, sizeof(s->at));
    for (unsigned i = 0; i < c->n; i++)
        s->raised[i] = c->record[i].raised;
    c->tried_n++;
    return s;
}

static void tally(const struct cross *c, const struct setting *s, unsigned fold, bool held_out,
                  struct xw_rhythm_cinc *to)
{
    for (unsigned i = 0; i < c->n; i++) {
        struct xw_rhythm_cinc_record r = c->record[i];
        r.raised = s->raised[i];
        if ((c->fold[i] == fold) == held_out)
            xw_rhythm_cinc_count(to, &r);
    }
}

static const struct setting *search(struct cross *c, unsigned fold, int *ret_error)
{
    unsigned at[LIMITS] = {0};
    const struct setting *best = try(c, at, ret_error);
    for (unsigned k = 0; best && k < LIMITS; k++) {
        double most = -1;
        unsigned chosen = 0;
        for (at[k] = 0; best && at[k] < LIST[k].n; at[k]++) {
            struct xw_rhythm_cinc here = {.all = {0, 0, 0, 0}};
            if (!(best = try(c, at, ret_error)))
                break;
            tally(c, best, fold, false, &here);
            double points = xw_rhythm_cinc_points(&here.all);
            if (points > most) {
                most = points;
                chosen = at[k];
            }
        }
        at[k] = chosen;
    }
    return best ? try(c, at, ret_error) : NULL;
}

static void deal(struct cross *c)
{
    unsigned of_kind[XW_RHYTHM_CINC_KINDS] = {0};
    for (unsigned i = 0; i < c->n; i++)
        c->fold[i] = of_kind[c->record[i].kind]++ % FOLDS;
}

int xw_rhythm_cinc_cross(const char *data, bool verbose, struct xw_rhythm_cinc *ret_cinc,
                         unsigned *ret_settings_n)
{
    struct cross *c = calloc(1, sizeof(*c));
    memset(ret_cinc, 0, sizeof(*ret_cinc));
    if (!c)
        return -ENOMEM;
    c->data = data;
    int result = xw_rhythm_cinc_list(data, c->record, &c->n);
    deal(c);
    for (unsigned fold = 0; fold < FOLDS && result >= 0; fold++) {
        const struct setting *s = search(c, fold, &result);
        if (!s)
            break;
        struct xw_rhythm_cinc here = {.all = {0, 0, 0, 0}};
        tally(c, s, fold, true, &here);
        tally(c, s, fold, true, ret_cinc);
        for (unsigned k = 0; verbose && k < LIMITS; k++)
            printf("%s %g ", LIST[k].name, (double)LIST[k].value[s->at[k]]);
        if (verbose)
            printf("fold %u: %.2f\n", fold, xw_rhythm_cinc_points(&here.all));
    }
    *ret_settings_n = c->tried_n;
    free(c);
    return result;
}
