/* ALARMS lists the records: NAME,KIND,TRUE. */
#include "bench/rhythm/cinc.h"
#include "bench/rhythm/play.h"
#include "dsp/ecg/chain_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double END_S = 300, LAST_S = 16;

static const struct {
    const char *name;
    enum xw_ecg_code codes[3];
} KINDS[XW_RHYTHM_CINC_KINDS] = {
    [XW_RHYTHM_CINC_ASYSTOLE] = {"Asystole", {XW_ECG_RHYTHM_ASYSTOLE}},
    [XW_RHYTHM_CINC_BRADY] = {"Bradycardia", {XW_ECG_RHYTHM_BRADY, XW_ECG_RHYTHM_ASYSTOLE}},
    [XW_RHYTHM_CINC_TACHY] = {"Tachycardia", {XW_ECG_RHYTHM_TACHY, XW_ECG_RHYTHM_VT}},
    [XW_RHYTHM_CINC_VF] = {"Ventricular_Flutter_Fib", {XW_ECG_RHYTHM_VF, XW_ECG_RHYTHM_VT}},
    [XW_RHYTHM_CINC_VT] = {"Ventricular_Tachycardia", {XW_ECG_RHYTHM_VT, XW_ECG_RHYTHM_VF}},
};

const char *xw_rhythm_cinc_name(enum xw_rhythm_cinc_kind kind)
{
    return KINDS[kind].name;
}

double xw_rhythm_cinc_points(const struct xw_rhythm_cinc_score *s)
{
    double right = s->tp + s->tn, all = right + s->fp + 5.0 * s->fn;
    return all > 0 ? 100 * right / all : 0;
}

struct judgement {
    enum xw_rhythm_cinc_kind kind;
    double rate_hz;
    bool raised;
};

static void on_event(void *user, const struct xw_ecg_event *e)
{
    struct judgement *j = user;
    /* What is open is not yet known to last; the flush closes all. */
    if (e->kind != XW_ECG_KIND_ALARM || e->end == XW_ECG_OPEN)
        return;
    int64_t since = (int64_t)((END_S - LAST_S) * j->rate_hz);
    for (unsigned k = 0; k < 3; k++)
        j->raised |=
            KINDS[j->kind].codes[k] && e->code == KINDS[j->kind].codes[k] && e->end > since;
}

static int judge(const char *path, const struct xw_rhythm_cinc_limits *limits, bool with_pulse,
                 struct judgement *j)
{
    struct xw_rhythm_play play;
    struct xw_wfdb_header header;
    int result = xw_wfdb_header_load(path, &header, NULL);
    if (result < 0)
        return result;
    j->rate_hz = (double)header.frame_rate_hz.num / (double)header.frame_rate_hz.den;
    xw_wfdb_header_done(&header);
    result = xw_rhythm_play_open(path, on_event, j, &play);
    if (result < 0)
        return result;
    if (limits) {
        struct xw_ecg_rules rules = play.chain->rules;
        rules.vt_strange_n = limits->vt_strange_n;
        play.chain->alarm.limits = limits->alarm;
        result = xw_ecg_chain_set_rules(play.chain, &rules);
    }
    play.end = (int64_t)(END_S * j->rate_hz);
    if (with_pulse && result >= 0)
        result = xw_rhythm_play_pulses(path, &play);
    while (result >= 0 && (result = xw_rhythm_play_second(&play)) > 0)
        ;
    xw_rhythm_play_close(&play);
    return result;
}

static void count(struct xw_rhythm_cinc_score *s, bool is, bool says)
{
    *(is ? says ? &s->tp : &s->fn : says ? &s->fp : &s->tn) += 1;
}

/* NAME,KIND,0 or 1; false: no such line. */
static bool parse(char *line, char **ret_name, enum xw_rhythm_cinc_kind *ret_kind, bool *ret_true)
{
    char *comma = strchr(line, ','), *second = comma ? strchr(comma + 1, ',') : NULL;
    if (!second)
        return false;
    *comma = *second = 0;
    *ret_name = line;
    *ret_true = second[1] == '1';
    for (unsigned k = 0; k < XW_RHYTHM_CINC_KINDS; k++)
        if (strcmp(comma + 1, KINDS[k].name) == 0) {
            *ret_kind = (enum xw_rhythm_cinc_kind)k;
            return true;
        }
    return false;
}

void xw_rhythm_cinc_count(struct xw_rhythm_cinc *c, const struct xw_rhythm_cinc_record *r)
{
    count(&c->kind[r->kind], r->is, r->raised);
    count(&c->all, r->is, r->raised);
}

int xw_rhythm_cinc_list(const char *data, struct xw_rhythm_cinc_record *ret_records,
                        unsigned *ret_n)
{
    char path[XW_RHYTHM_PATH_BYTES], line[256], *name;
    int result = 0;
    *ret_n = 0;
    snprintf(path, sizeof(path), "%s/cinc2015/ALARMS", data);
    FILE *list = fopen(path, "r");
    if (!list)
        return -errno;
    while (result == 0 && fgets(line, sizeof(line), list)) {
        struct xw_rhythm_cinc_record r = {.raised = false};
        if (!parse(line, &name, &r.kind, &r.is))
            continue;
        int length = snprintf(r.name, sizeof(r.name), "%.*s", XW_RHYTHM_NAME_BYTES - 1, name);
        if (length <= 0 || *ret_n == XW_RHYTHM_CINC_RECORDS_MAX)
            result = -EBADMSG;
        else
            ret_records[(*ret_n)++] = r;
    }
    fclose(list);
    return result;
}

int xw_rhythm_cinc_judge(const char *data, const struct xw_rhythm_cinc_limits *limits,
                         bool with_pulse, struct xw_rhythm_cinc_record *records, unsigned n)
{
    char path[XW_RHYTHM_PATH_BYTES];
    int result = 0;
    for (unsigned i = 0; i < n && result >= 0; i++) {
        struct judgement j = {.kind = records[i].kind};
        snprintf(path, sizeof(path), "%s/cinc2015/%s", data, records[i].name);
        result = judge(path, limits, with_pulse, &j);
        records[i].raised = j.raised;
    }
    return result;
}

int xw_rhythm_cinc_run(const char *data, bool with_pulse, bool verbose,
                       struct xw_rhythm_cinc *ret_cinc)
{
    struct xw_rhythm_cinc_record *r = calloc(XW_RHYTHM_CINC_RECORDS_MAX, sizeof(*r));
    unsigned n = 0;
    memset(ret_cinc, 0, sizeof(*ret_cinc));
    int result = r ? xw_rhythm_cinc_list(data, r, &n) : -ENOMEM;
    if (result >= 0)
        result = xw_rhythm_cinc_judge(data, NULL, with_pulse, r, n);
    for (unsigned i = 0; i < n && result >= 0; i++) {
        xw_rhythm_cinc_count(ret_cinc, &r[i]);
        if (verbose && r[i].is != r[i].raised)
            printf("  %s %s %s\n", r[i].name, KINDS[r[i].kind].name,
                   r[i].is ? "missed" : "false alarm");
    }
    free(r);
    return result;
}
