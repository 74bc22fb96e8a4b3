/* AFDB and MITDB beats through the RR analysis. */
#include "bench/rhythm/af.h"
#include "bench/rhythm/af_made.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LEARN_EVERY = 3 * XW_ECG_AF_STRIDE }; /* beats: the windows overlap */

const struct xw_fit_recipe xw_rhythm_af_recipe = {
    .id = "af-rr 2",
    .inputs_n = XW_ECG_AF_FEATURES,
    .hidden_n = 4,
    .members_n = 3,
    .epochs_n = 6,
    .batch_n = 64,
    .rate = 0.003F,
    .l2 = 0.003F,
    .seed = 20,
};

const struct xw_fit_recipe xw_rhythm_af_early_recipe = {
    .id = "af-rr-early 1",
    .inputs_n = XW_ECG_AF_FEATURES,
    .hidden_n = 4,
    .members_n = 3,
    .epochs_n = 6,
    .batch_n = 64,
    .rate = 0.003F,
    .l2 = 0.003F,
    .seed = 22,
};

static bool is_listed(const char *list, const char *name)
{
    const char *at = strstr(list, name);
    return at && strlen(name) == 3;
}

static const char DS1[] = "101 106 108 109 112 114 115 116 118 119 122 124 201 203 205 207 208 209 "
                          "215 220 223 230";
static const char DS2[] = "100 103 105 111 113 117 121 123 200 202 210 212 213 214 219 221 222 228 "
                          "231 232 233 234";

static bool is_ventricular(uint8_t code)
{
    return code == XW_WFDB_PVC || code == XW_WFDB_VESC || code == XW_WFDB_RONT ||
           code == XW_WFDB_FLWAV;
}

static int load(const char *data, const char *database, const char *name, const char *beats,
                struct xw_rhythm_af_record *r)
{
    char path[XW_RHYTHM_PATH_BYTES];
    struct xw_wfdb_annotations a;
    struct xw_wfdb_header header;
    struct xw_wfdb_error error = {0};
    memset(r, 0, sizeof(*r));
    snprintf(r->name, sizeof(r->name), "%s", name);
    snprintf(path, sizeof(path), "%s/%s/%s", data, database, name);
    int result = xw_wfdb_header_load(path, &header, &error);
    if (result < 0)
        return result;
    r->rate_hz = (double)header.frame_rate_hz.num / (double)header.frame_rate_hz.den;
    r->end = header.frames_n;
    xw_wfdb_header_done(&header);
    snprintf(path, sizeof(path), "%s/%s/%s.%s", data, database, name, beats);
    if ((result = xw_wfdb_annotations_load(path, &a, &error)) < 0)
        return result;
    r->beat = calloc(a.n + 1, sizeof(*r->beat));
    r->usable = calloc(a.n + 1, 1);
    if (!r->beat || !r->usable) {
        xw_wfdb_annotations_done(&a);
        return -ENOMEM;
    }
    bool before = true;
    for (size_t i = 0; i < a.n; i++) {
        if (!xw_wfdb_code_is_beat(a.at[i].code) && a.at[i].code != XW_WFDB_FLWAV)
            continue;
        bool ventricular = is_ventricular(a.at[i].code);
        r->usable[r->beats_n] = r->beats_n && !ventricular && !before;
        r->beat[r->beats_n++] = a.at[i].sample;
        before = ventricular;
    }
    xw_wfdb_annotations_done(&a);
    if (r->beats_n) /* what lies behind the last beat is not judged */
        r->end = r->beat[r->beats_n - 1] + 1;
    snprintf(path, sizeof(path), "%s/%s/%s.atr", data, database, name);
    return xw_rhythm_segments_load(path, r->end, &r->truth);
}

int xw_rhythm_af_load(const char *data, bool with_ds2, struct xw_rhythm_af *ret_af)
{
    struct xw_rhythm_list list;
    memset(ret_af, 0, sizeof(*ret_af));
    int result = xw_rhythm_list(data, "afdb", "qrs", &list);
    for (unsigned i = 0; !result && i < list.n && ret_af->n < XW_RHYTHM_AF_RECORDS_MAX; i++) {
        struct xw_rhythm_af_record *r = &ret_af->record[ret_af->n];
        result = load(data, "afdb", list.name[i], "qrs", r);
        r->scored = true;
        ret_af->n += !result;
    }
    if (!result && xw_rhythm_list(data, "mitdb", "atr", &list) < 0)
        list.n = 0;
    for (unsigned i = 0; !result && i < list.n && ret_af->n < XW_RHYTHM_AF_RECORDS_MAX; i++) {
        bool wanted = is_listed(DS1, list.name[i]) || (with_ds2 && is_listed(DS2, list.name[i]));
        if (wanted)
            result = load(data, "mitdb", list.name[i], "atr", &ret_af->record[ret_af->n]);
        ret_af->n += wanted && !result;
    }
    if (result < 0)
        xw_rhythm_af_done(ret_af);
    return result;
}

void xw_rhythm_af_done(struct xw_rhythm_af *af)
{
    for (unsigned i = 0; i < af->n; i++) {
        free(af->record[i].beat);
        free(af->record[i].usable);
        xw_rhythm_segments_done(&af->record[i].truth);
    }
    free(af->example);
    free(af->early);
    memset(af, 0, sizeof(*af));
}

/* 1 fibrillation, 0 another rhythm, -1 not to be learned from. */
static int target_of(const char *name)
{
    if (strcmp(name, "AFIB") == 0)
        return 1;
    return *name == 0 ? -1 : strncmp(name, "AFL", 3) == 0 ? -1 : 0;
}

/* The early look learns from the newest twelve intervals being one thing: what is before may be
 * another, so that it knows what has just begun. */
static void take_early(struct xw_rhythm_af *all, unsigned index, const struct xw_ecg_af *af)
{
    const struct xw_rhythm_af_record *r = &all->record[index];
    size_t hint = 0;
    if (af->n < XW_ECG_AF_EARLY_FAR || af->n % LEARN_EVERY)
        return;
    int64_t first = af->rr[(af->n - XW_ECG_AF_EARLY_NEAR) % XW_ECG_AF_RING].at;
    int target = target_of(xw_rhythm_name_at(&r->truth, first, &hint));
    if (target < 0 || target_of(xw_rhythm_name_at(&r->truth, af->now, &hint)) != target)
        return;
    struct xw_fit_example *e = &all->early[all->early_n++];
    memcpy(e->x, af->early.features, sizeof(e->x[0]) * XW_ECG_AF_FEATURES);
    e->target = (float)target;
    e->group = index;
}

static void take_examples(struct xw_rhythm_af *all, unsigned index, struct xw_ecg_af *af)
{
    const struct xw_rhythm_af_record *r = &all->record[index];
    bool long_record = r->scored;
    xw_ecg_af_reset(af);
    size_t hint = 0;
    uint64_t seen = 0, taken = 0;
    for (size_t i = 1; i < r->beats_n + XW_ECG_AF_FAR; i++) {
        if (i < r->beats_n)
            xw_ecg_af_beat(af, r->beat[i],
                           (float)(1000 * (double)(r->beat[i] - r->beat[i - 1]) / r->rate_hz),
                           long_record || r->usable[i]);
        else
            xw_ecg_af_finish(af);
        if (af->n != taken)
            take_early(all, index, af);
        taken = af->n;
        if (af->judged == seen)
            continue;
        seen = af->judged;
        int64_t at = af->rr[(seen - 1) % XW_ECG_AF_RING].at;
        int target = target_of(xw_rhythm_name_at(&r->truth, at, &hint));
        if (target < 0 || (seen - 1) % LEARN_EVERY)
            continue;
        struct xw_fit_example *e = &all->example[all->examples_n++];
        memcpy(e->x, af->features, sizeof(af->features));
        e->target = (float)target;
        e->group = index;
    }
}

/* A record with much of one thing does not drown the others, nor do the long records the short. */
static void balance(struct xw_fit_example *example, size_t n)
{
    double count[XW_RHYTHM_AF_RECORDS_MAX][2] = {0};
    for (size_t k = 0; k < n; k++)
        count[example[k].group][example[k].target > 0]++;
    for (size_t k = 0; k < n; k++) {
        struct xw_fit_example *e = &example[k];
        e->weight = (float)(50 / sqrt(count[e->group][e->target > 0]));
    }
}

int xw_rhythm_af_examples(struct xw_rhythm_af *all)
{
    size_t beats_n = 0;
    for (unsigned i = 0; i < all->n; i++)
        beats_n += all->record[i].beats_n;
    const size_t room = beats_n / 2 + all->n + 1 + xw_rhythm_af_made_room(all);
    all->example = calloc(room, sizeof(*all->example));
    all->early = calloc(room, sizeof(*all->early));
    struct xw_ecg_af *af = calloc(1, sizeof(*af));
    if (!all->example || !all->early || !af) {
        free(af);
        return -ENOMEM;
    }
    xw_ecg_af_init(af, NULL, 1);
    for (unsigned i = 0; i < all->n; i++)
        if (all->record[i].scored || is_listed(DS1, all->record[i].name))
            take_examples(all, i, af);
    free(af);
    balance(all->example, all->examples_n);
    balance(all->early, all->early_n);
    int result = 0;
    for (unsigned i = 0; i < all->n && !result; i++)
        if (all->record[i].scored || is_listed(DS1, all->record[i].name))
            result = xw_rhythm_af_make(all, i, xw_rhythm_af_recipe.seed);
    return result;
}

/* Adds the stretch [first, end) that was called `said`. */
static void add(const struct xw_rhythm_af_record *r, int64_t first, int64_t end, bool said,
                struct xw_rhythm_af_score *score)
{
    for (size_t i = 0; i < r->truth.n; i++) {
        const struct xw_rhythm_segment *s = &r->truth.at[i];
        int64_t from = s->first > first ? s->first : first, to = s->end < end ? s->end : end;
        double seconds = to > from ? (double)(to - from) / r->rate_hz : 0;
        bool is = strcmp(s->name, "AFIB") == 0;
        bool flutter = strncmp(s->name, "AFL", 3) == 0;
        struct xw_rhythm_durations *both[] = {&score->without_flutter, &score->with_flutter};
        for (unsigned k = flutter ? 1 : 0; k < 2; k++) {
            both[k]->both += is && said ? seconds : 0;
            both[k]->missed += is && !said ? seconds : 0;
            both[k]->extra += !is && said ? seconds : 0;
            both[k]->neither += !is && !said ? seconds : 0;
        }
    }
}

struct said {
    int64_t first, end, at; /* `at`: when it was said */
};

static void measure_delays(const struct xw_rhythm_af_record *r, const struct said *said, size_t n,
                           struct xw_rhythm_af_score *score)
{
    for (size_t i = 0; i < r->truth.n; i++) {
        const struct xw_rhythm_segment *s = &r->truth.at[i];
        if (strcmp(s->name, "AFIB") != 0 || (double)(s->end - s->first) < 60 * r->rate_hz)
            continue;
        size_t k = 0;
        while (k < n && said[k].end <= s->first)
            k++;
        if (k == n || said[k].first >= s->end) {
            score->missed_n++;
            continue;
        }
        double delay = (double)(said[k].at - s->first) / r->rate_hz;
        if (score->delays_n < sizeof(score->delay_s) / sizeof(score->delay_s[0]))
            score->delay_s[score->delays_n++] = delay > 0 ? delay : 0;
    }
}

static void use(struct xw_ecg_af *af, const struct xw_rhythm_af_tables *t, double rate_hz)
{
    xw_ecg_af_init(af, t ? t->table : NULL, rate_hz);
    if (t && t->early)
        af->early.table = t->early;
    if (t && t->early_price > 0) {
        af->early.price = t->early_price;
        af->early.caution = t->early_caution;
    }
}

static void note_back(const struct xw_rhythm_af_record *r, int64_t first, int64_t end,
                      struct xw_rhythm_af_score *score)
{
    bool was = false;
    for (size_t i = 0; i < r->truth.n; i++)
        was |= strcmp(r->truth.at[i].name, "AFIB") == 0 && r->truth.at[i].first < end &&
               first < r->truth.at[i].end;
    score->back_n++;
    score->back_true_n += was;
}

void xw_rhythm_af_run(const struct xw_rhythm_af_record *r, const struct xw_rhythm_af_tables *tables,
                      struct xw_rhythm_af_score *score)
{
    struct xw_ecg_af *af = calloc(1, sizeof(*af));
    struct said *said = calloc(r->beats_n + 1, sizeof(*said));
    size_t n = 0;
    int64_t from = r->truth.n ? r->truth.at[0].first : 0;
    bool was = false;
    if (!af || !said) {
        free(af);
        free(said);
        return;
    }
    use(af, tables, r->rate_hz);
    for (size_t i = 1; i < r->beats_n + XW_ECG_AF_FAR; i++) {
        size_t last = i < r->beats_n ? i : r->beats_n - 1;
        bool changed =
            i < r->beats_n
                ? xw_ecg_af_beat(af, r->beat[i],
                                 (float)(1000 * (double)(r->beat[i] - r->beat[i - 1]) / r->rate_hz),
                                 r->scored || r->usable[i])
                : xw_ecg_af_finish(af);
        if (!changed || af->active == was)
            continue;
        was = af->active;
        if (af->active)
            said[n++] = (struct said){af->since_at, r->end, r->beat[last]};
        else if (n && af->taken_back)
            note_back(r, said[--n].first, r->beat[last], score);
        else if (n)
            said[n - 1].end = af->since_at;
    }
    for (size_t k = 0; k < n; k++) {
        add(r, from, said[k].first, false, score);
        add(r, said[k].first, said[k].end, true, score);
        from = said[k].end;
    }
    add(r, from, r->end, false, score);
    measure_delays(r, said, n, score);
    free(said);
    free(af);
}
