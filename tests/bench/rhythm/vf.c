/* VFDB, and DS1 of MITDB as examples of what is not shockable. */
#include "bench/rhythm/vf.h"
#include "bench/rhythm/play.h"
#include "dsp/ecg/chain_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct xw_fit_recipe xw_rhythm_vf_recipe = {
    .id = "vf-wave 2",
    .inputs_n = XW_ECG_VF_FEATURES,
    .hidden_n = 6,
    .epochs_n = 30,
    .batch_n = 64,
    .rate = 0.005F,
    .l2 = 0.003F,
    .seed = 21,
};

static const char DS1[] = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 "
                          "215 220 223 230";

static const double LATELY_S = 2;

enum kind { NOT_LOOKED_AT = -1, OTHER, SHOCKABLE, TACHYCARDIA };

static enum kind kind_of(const char *name)
{
    static const char *const FIBRILLATION[] = {"VF", "VFIB", "VFL"};
    for (unsigned i = 0; i < sizeof(FIBRILLATION) / sizeof(FIBRILLATION[0]); i++)
        if (strcmp(name, FIBRILLATION[i]) == 0)
            return SHOCKABLE;
    if (strcmp(name, "VT") == 0)
        return TACHYCARDIA;
    return *name == 0 || strcmp(name, "NOISE") == 0 || strcmp(name, "NOD") == 0 ? NOT_LOOKED_AT
                                                                                : OTHER;
}

static int load(const char *data, const char *database, const char *name,
                struct xw_rhythm_vf_record *r)
{
    char path[XW_RHYTHM_PATH_BYTES + 8];
    struct xw_wfdb_header header;
    memset(r, 0, sizeof(*r));
    snprintf(r->name, sizeof(r->name), "%s", name);
    snprintf(r->path, sizeof(r->path), "%s/%s/%s", data, database, name);
    int result = xw_wfdb_header_load(r->path, &header, NULL);
    if (result < 0)
        return result;
    r->rate_hz = (double)header.frame_rate_hz.num / (double)header.frame_rate_hz.den;
    r->end = header.frames_n;
    xw_wfdb_header_done(&header);
    snprintf(path, sizeof(path), "%s.atr", r->path);
    return xw_rhythm_segments_load(path, r->end, &r->truth);
}

int xw_rhythm_vf_load(const char *data, struct xw_rhythm_vf *ret_vf)
{
    static const char *const DATABASE[] = {"vfdb", "mitdb"};
    struct xw_rhythm_list list;
    int result = 0;
    memset(ret_vf, 0, sizeof(*ret_vf));
    for (unsigned d = 0; d < 2 && !result; d++) {
        result = xw_rhythm_list(data, DATABASE[d], "atr", &list);
        for (unsigned i = 0; !result && i < list.n && ret_vf->n < XW_RHYTHM_VF_RECORDS_MAX; i++) {
            struct xw_rhythm_vf_record *r = &ret_vf->record[ret_vf->n];
            if (d == 1 && !strstr(DS1, list.name[i]))
                continue;
            result = load(data, DATABASE[d], list.name[i], r);
            r->scored = d == 0;
            ret_vf->n += !result;
        }
    }
    if (result < 0)
        xw_rhythm_vf_done(ret_vf);
    return result;
}

void xw_rhythm_vf_done(struct xw_rhythm_vf *vf)
{
    for (unsigned i = 0; i < vf->n; i++)
        xw_rhythm_segments_done(&vf->record[i].truth);
    free(vf->example);
    memset(vf, 0, sizeof(*vf));
}

static void ignore(void *user, const struct xw_ecg_event *event)
{
    (void)user;
    (void)event;
}

/* What the last two of the four seconds are; -1: more than one thing. So the onset is learned from,
 * where the first two are still something else. */
static int target_of(const struct xw_rhythm_vf_record *r, int64_t end)
{
    size_t hint = 0;
    int64_t first = end - (int64_t)(LATELY_S * r->rate_hz);
    enum kind kind = kind_of(xw_rhythm_name_at(&r->truth, first, &hint));
    for (int64_t t = first; t < end; t += (int64_t)(r->rate_hz / 2)) {
        enum kind other = kind_of(xw_rhythm_name_at(&r->truth, t, &hint));
        if ((other == OTHER) != (kind == OTHER) || other == NOT_LOOKED_AT)
            return -1;
    }
    return kind == NOT_LOOKED_AT ? -1 : kind != OTHER;
}

static int take_examples(struct xw_rhythm_vf *all, unsigned index)
{
    const struct xw_rhythm_vf_record *r = &all->record[index];
    struct xw_rhythm_play play;
    unsigned seen = 0;
    int result = xw_rhythm_play_open(r->path, ignore, NULL, &play);
    while (result >= 0 && (result = xw_rhythm_play_second(&play)) > 0) {
        const struct xw_ecg_vf *v = &play.chain->vf;
        if (v->seconds_n == seen || v->seconds_n < XW_ECG_VF_SECONDS || v->lead[0] < 0)
            continue;
        seen = v->seconds_n;
        int target = target_of(r, play.chain->next);
        if (target < 0)
            continue;
        struct xw_fit_example *e = &all->example[all->examples_n++];
        memcpy(e->x, v->features, sizeof(v->features));
        e->target = (float)target;
        e->weight = 1;
        e->group = index;
    }
    xw_rhythm_play_close(&play);
    return result;
}

/* A record with much of one thing does not drown the others. */
static void balance(struct xw_rhythm_vf *all)
{
    double count[XW_RHYTHM_VF_RECORDS_MAX][2] = {0};
    for (size_t k = 0; k < all->examples_n; k++)
        count[all->example[k].group][all->example[k].target > 0]++;
    for (size_t k = 0; k < all->examples_n; k++) {
        struct xw_fit_example *e = &all->example[k];
        e->weight = 30 / (float)(count[e->group][e->target > 0] + 60);
        if (!all->record[e->group].scored)
            e->weight *= 0.5F;
    }
}

int xw_rhythm_vf_examples(struct xw_rhythm_vf *all)
{
    size_t seconds = 0;
    for (unsigned i = 0; i < all->n; i++)
        seconds += (size_t)((double)all->record[i].end / all->record[i].rate_hz) + 2;
    all->example = calloc(seconds + 1, sizeof(*all->example));
    if (!all->example)
        return -ENOMEM;
    int result = 0;
    for (unsigned i = 0; i < all->n && result >= 0; i++)
        result = take_examples(all, i);
    balance(all);
    return result;
}

struct said {
    const struct xw_rhythm_vf_record *record;
    struct {
        int64_t first, end, at;
        uint64_t sequence;
    } alarm[4096];
    size_t n;
};

static void on_event(void *user, const struct xw_ecg_event *e)
{
    struct said *said = user;
    if (e->kind != XW_ECG_KIND_ALARM ||
        (e->code != XW_ECG_RHYTHM_VF && e->code != XW_ECG_RHYTHM_VT))
        return;
    size_t k = 0;
    while (k < said->n && said->alarm[k].sequence != e->sequence)
        k++;
    if (k == said->n) {
        if (k == sizeof(said->alarm) / sizeof(said->alarm[0]))
            return;
        said->alarm[said->n++].at = e->emitted_at;
        said->alarm[k].sequence = e->sequence;
    }
    said->alarm[k].first = e->first;
    said->alarm[k].end = e->end == XW_ECG_OPEN ? said->record->end : e->end;
}

static bool is_said(const struct said *said, int64_t t)
{
    for (size_t k = 0; k < said->n; k++)
        if (said->alarm[k].first <= t && t < said->alarm[k].end)
            return true;
    return false;
}

static void put(struct xw_rhythm_durations *d, bool is, bool says, double seconds)
{
    *(is ? says ? &d->both : &d->missed : says ? &d->extra : &d->neither) += seconds;
}

static void score_time(const struct xw_rhythm_vf_record *r, const struct said *said,
                       struct xw_rhythm_vf_score *score)
{
    int64_t step = (int64_t)(r->rate_hz / 10);
    size_t hint = 0;
    for (int64_t t = 0; t < r->end; t += step) {
        enum kind kind = kind_of(xw_rhythm_name_at(&r->truth, t, &hint));
        if (kind == NOT_LOOKED_AT)
            continue;
        bool says = is_said(said, t);
        put(&score->all, kind != OTHER, says, (double)step / r->rate_hz);
        if (kind != TACHYCARDIA)
            put(&score->without_vt, kind != OTHER, says, (double)step / r->rate_hz);
    }
}

static void score_alarms(const struct xw_rhythm_vf_record *r, const struct said *said,
                         struct xw_rhythm_vf_score *score)
{
    for (size_t k = 0; k < said->n; k++) {
        bool right = false, seen = false;
        for (size_t i = 0; i < r->truth.n; i++) {
            enum kind kind = kind_of(r->truth.at[i].name);
            bool meets = r->truth.at[i].first < said->alarm[k].end + (int64_t)r->rate_hz &&
                         said->alarm[k].first < r->truth.at[i].end + (int64_t)r->rate_hz;
            right |= meets && kind > OTHER;
            seen |= meets && kind != NOT_LOOKED_AT;
        }
        score->alarms_n += seen;
        score->false_n += seen && !right;
    }
    for (size_t i = 0; i < r->truth.n; i++) {
        const struct xw_rhythm_segment *s = &r->truth.at[i];
        if (kind_of(s->name) <= OTHER || (double)(s->end - s->first) < 10 * r->rate_hz ||
            (i && kind_of(s[-1].name) > OTHER))
            continue;
        size_t k = 0;
        while (k < said->n && said->alarm[k].end <= s->first)
            k++;
        if (k == said->n || said->alarm[k].first >= s->end || said->alarm[k].at >= s->end)
            score->missed_n++;
        else if (score->delays_n < 512)
            score->delay_s[score->delays_n++] =
                said->alarm[k].at > s->first ? (double)(said->alarm[k].at - s->first) / r->rate_hz
                                             : 0;
    }
}

int xw_rhythm_vf_run(const struct xw_rhythm_vf_record *r, const struct xw_dsp_net *table,
                     struct xw_rhythm_vf_score *score)
{
    struct xw_rhythm_play play;
    struct said *said = calloc(1, sizeof(*said));
    if (!said)
        return -ENOMEM;
    said->record = r;
    int result = xw_rhythm_play_open(r->path, on_event, said, &play);
    if (result >= 0 && table)
        play.chain->vf.table = table;
    while (result >= 0 && (result = xw_rhythm_play_second(&play)) > 0)
        ;
    xw_rhythm_play_close(&play);
    score_time(r, said, score);
    score_alarms(r, said, score);
    free(said);
    return result;
}
