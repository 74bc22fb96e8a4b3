/* Names against annotations. */
#include "bench/rhythm/names.h"
#include "bench/rhythm/play.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPANS_MAX = 8192, EVENTS_MAX = 8192 };

static const double NEAR_S = 0.15, PAUSE_S = 2, TACHY_BPM = 100;

static const char *const RECORDS[2][23] = {
    {"101", "106", "108", "109", "112", "114", "115", "116", "118", "119", "122", "124",
     "201", "203", "205", "207", "208", "209", "215", "220", "223", "230", NULL},
    {"100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210", "212",
     "213", "214", "219", "221", "222", "228", "231", "232", "233", "234", NULL}};

const char *xw_rhythm_names_record(unsigned half, unsigned index)
{
    return half < 2 && index < 23 ? RECORDS[half][index] : NULL;
}

const char *xw_rhythm_names_name(enum xw_rhythm_name name)
{
    static const char *const NAMES[] = {"couplet", "run, VT", "R-on-T", "SVT", "pause", "AV block"};
    return (unsigned)name < XW_RHYTHM_NAMES_N ? NAMES[name] : "";
}

struct span {
    enum xw_rhythm_name name;
    int64_t first, last;
    uint64_t sequence;
    bool found, withdrawn;
};

struct spans {
    struct span at[SPANS_MAX];
    size_t n;
};

static struct span *add(struct spans *s, enum xw_rhythm_name name, int64_t first, int64_t last)
{
    if (s->n == SPANS_MAX)
        return NULL;
    s->at[s->n] = (struct span){.name = name, .first = first, .last = last};
    return &s->at[s->n++];
}

static char class_of(uint8_t code)
{
    switch (code) {
    case XW_WFDB_PVC:
    case XW_WFDB_RONT:
    case XW_WFDB_FLWAV:
    case XW_WFDB_FUSION:
    case XW_WFDB_VESC:
        return 'V';
    case XW_WFDB_APC:
    case XW_WFDB_ABERR:
    case XW_WFDB_NPC:
    case XW_WFDB_SVPB:
        return 'S';
    default:
        return xw_wfdb_code_is_beat(code) ? 'N' : 0;
    }
}

static void end_run(struct spans *s, char class, unsigned n, int64_t first, int64_t last,
                    double rate_hz)
{
    double bpm = last > first ? 60 * (n - 1) * rate_hz / (double)(last - first) : 0;
    if (class == 'V' && n >= 2)
        add(s, n == 2 ? XW_RHYTHM_NAME_COUPLET : XW_RHYTHM_NAME_RUN, first, last);
    if (class == 'S' && n >= 3 && bpm > TACHY_BPM)
        add(s, XW_RHYTHM_NAME_SVT, first, last);
}

static void add_beats(struct spans *s, const struct xw_wfdb_annotations *atr, double rate_hz)
{
    int64_t first = 0, last = -1;
    unsigned n = 0;
    char class = 0;
    for (size_t i = 0; i < atr->n; i++) {
        const struct xw_wfdb_annotation *a = &atr->at[i];
        char c = class_of(a->code);
        if (!c)
            continue;
        if (last >= 0 && (double)(a->sample - last) > PAUSE_S * rate_hz)
            add(s, XW_RHYTHM_NAME_PAUSE, last, a->sample);
        if (a->code == XW_WFDB_RONT)
            add(s, XW_RHYTHM_NAME_R_ON_T, a->sample, a->sample);
        if (c != class) {
            end_run(s, class, n, first, last, rate_hz);
            class = c;
            first = a->sample;
            n = 0;
        }
        n++;
        last = a->sample;
    }
    end_run(s, class, n, first, last, rate_hz);
}

/* Annotated rhythms that hold what their beats alone do not tell. */
static void add_rhythms(struct spans *s, const struct xw_rhythm_segments *segments)
{
    for (size_t i = 0; i < segments->n; i++) {
        const struct xw_rhythm_segment *g = &segments->at[i];
        if (!strcmp(g->name, "SVTA"))
            add(s, XW_RHYTHM_NAME_SVT, g->first, g->end);
        else if (!strcmp(g->name, "BII"))
            add(s, XW_RHYTHM_NAME_AVB, g->first, g->end);
        else if (!strcmp(g->name, "VT") || !strcmp(g->name, "VFL") || !strcmp(g->name, "IVR"))
            add(s, XW_RHYTHM_NAME_RUN, g->first, g->end);
    }
}

static int name_of(enum xw_ecg_code code)
{
    switch (code) {
    case XW_ECG_RHYTHM_COUPLET:
        return XW_RHYTHM_NAME_COUPLET;
    case XW_ECG_RHYTHM_VRUN:
    case XW_ECG_RHYTHM_VT:
        return XW_RHYTHM_NAME_RUN;
    case XW_ECG_RHYTHM_R_ON_T:
        return XW_RHYTHM_NAME_R_ON_T;
    case XW_ECG_RHYTHM_SVT:
        return XW_RHYTHM_NAME_SVT;
    case XW_ECG_RHYTHM_PAUSE:
        return XW_RHYTHM_NAME_PAUSE;
    case XW_ECG_RHYTHM_AVB2:
    case XW_ECG_RHYTHM_AVB3:
        return XW_RHYTHM_NAME_AVB;
    default:
        return -1;
    }
}

/* The last word on each. */
static void on_event(void *user, const struct xw_ecg_event *e)
{
    struct spans *said = user;
    int name = e->kind == XW_ECG_KIND_ALARM ? name_of(e->code) : -1;
    if (name < 0)
        return;
    struct span *s = NULL;
    for (size_t i = said->n; i-- > 0 && !s;)
        if (said->at[i].sequence == e->sequence)
            s = &said->at[i];
    if (!s)
        s = add(said, (enum xw_rhythm_name)name, e->first, e->first);
    if (!s)
        return;
    s->sequence = e->sequence;
    s->withdrawn = e->withdrawn;
    s->last = e->end == XW_ECG_OPEN ? e->first : e->end;
}

static bool meets(const struct span *a, const struct span *b, int64_t near)
{
    return a->name == b->name && a->first <= b->last + near && b->first <= a->last + near;
}

/* R-on-T that is not annotated as such (few are) is right when its beat is ventricular. */
static bool is_ventricular_at(const struct xw_wfdb_annotations *atr, int64_t at, int64_t near)
{
    for (size_t i = 0; i < atr->n; i++)
        if (class_of(atr->at[i].code) == 'V' && llabs(atr->at[i].sample - at) <= near)
            return true;
    return false;
}

static void compare(struct spans *reference, struct spans *said,
                    const struct xw_wfdb_annotations *atr, int64_t near,
                    struct xw_rhythm_names *names)
{
    for (size_t i = 0; i < said->n; i++) {
        const struct span *s = &said->at[i];
        bool right = s->name == XW_RHYTHM_NAME_R_ON_T && is_ventricular_at(atr, s->last - 1, near);
        names->withdrawn += s->withdrawn;
        for (size_t k = 0; k < reference->n && !s->withdrawn; k++)
            if (meets(s, &reference->at[k], near))
                right = reference->at[k].found = true;
        names->name[s->name].right += !s->withdrawn && right;
        names->name[s->name].wrong += !s->withdrawn && !right;
    }
    for (size_t k = 0; k < reference->n; k++) {
        names->name[reference->at[k].name].reference++;
        names->name[reference->at[k].name].found += reference->at[k].found;
    }
}

static int play(const char *path, struct spans *said, int64_t *ret_end, double *ret_rate_hz)
{
    struct xw_rhythm_play play;
    int result = xw_rhythm_play_open(path, on_event, said, &play);
    if (result < 0)
        return result;
    do
        result = xw_rhythm_play_second(&play);
    while (result > 0);
    *ret_end = play.at;
    *ret_rate_hz = play.rate_hz;
    xw_rhythm_play_close(&play);
    return result;
}

int xw_rhythm_names_run(const char *data, const char *record, struct xw_rhythm_names *names)
{
    char path[XW_RHYTHM_PATH_BYTES], atr_path[XW_RHYTHM_PATH_BYTES + 8];
    struct xw_wfdb_annotations atr = {0};
    struct xw_rhythm_segments segments = {0};
    struct spans *said = calloc(2, sizeof(*said));
    int64_t end = 0;
    double rate_hz = 0;
    if (!said)
        return -ENOMEM;
    snprintf(path, sizeof(path), "%s/mitdb/%s", data, record);
    snprintf(atr_path, sizeof(atr_path), "%s.atr", path);
    int result = play(path, said, &end, &rate_hz);
    if (result >= 0)
        result = xw_wfdb_annotations_load(atr_path, &atr, NULL);
    if (result >= 0)
        result = xw_rhythm_segments_load(atr_path, end, &segments);
    if (result >= 0) {
        add_beats(&said[1], &atr, rate_hz);
        add_rhythms(&said[1], &segments);
        compare(&said[1], &said[0], &atr, (int64_t)(NEAR_S * rate_hz), names);
        names->hours += (double)end / rate_hz / 3600;
    }
    xw_rhythm_segments_done(&segments);
    xw_wfdb_annotations_done(&atr);
    free(said);
    return result < 0 ? result : 0;
}
