/* From counts to the text of a reading. */
#include "reading/reading.h"

#include "reading/compare.h"
#include "reading/json.h"
#include "reading/words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct xw_reading_shared {
    struct xw_interpret_tables *tables;
    struct xw_net12 *network;
};

struct work {
    struct xw_ecg12 *engine;
    struct xw_ecg12_result *result;
    struct xw_ecg12_input input;
    const char *name[XW_ECG12_LEADS_MAX];
    float *uv;
    const struct xw_reading_shared *shared;
    struct xw_interpretation said;
    struct xw_reading_rhythm rhythm;
};

int xw_reading_samples(const Xw__StreamHeader *h, size_t *ret_n)
{
    bool ecg =
        h->modality == XW__MODALITY__MODALITY_ECG || h->modality == XW__MODALITY__MODALITY_HOLTER;
    if (!ecg || !h->rate || !h->rate->den || !h->n_channels || h->n_channels > XW_ECG12_LEADS_MAX)
        return -EINVAL;
    double rate_hz = (double)h->rate->num / (double)h->rate->den;
    if (!(rate_hz >= XW_ECG12_RATE_MIN_HZ && rate_hz <= XW_ECG12_RATE_MAX_HZ))
        return -EINVAL;
    *ret_n = (size_t)(10 * rate_hz);
    return 0;
}

/* 0: the unit is none of voltage. */
static double uv_per_unit(const char *unit)
{
    return strcmp(unit, "mV") == 0 ? 1000 : strcmp(unit, "uV") == 0 ? 1 : 0;
}

static int channel(struct work *w, const struct xw_reading_ask *a, size_t c)
{
    const Xw__Channel *ch = a->header->channels[c];
    size_t n = a->n, channels_n = a->header->n_channels;
    double scale = uv_per_unit(ch->unit);
    if (scale <= 0 || !ch->gain || !ch->gain->num || !ch->gain->den)
        return -EINVAL;
    scale *= (double)ch->gain->den / (double)ch->gain->num;
    float *uv = w->uv + c * n;
    for (size_t i = 0; i < n; i++) {
        int32_t count = a->counts[i * channels_n + c];
        bool known = a->have[i] && !(ch->has_invalid && count == ch->invalid);
        uv[i] = known ? (float)(((double)count - ch->baseline) * scale) : NAN;
    }
    bool rails = ch->adc_min < ch->adc_max;
    w->name[c] = ch->code;
    w->input.channels[c] = (struct xw_ecg12_channel){
        .lead = xw_ecg_lead_from_name(ch->code),
        .uv = uv,
        .min_uv = rails ? (float)(((double)ch->adc_min - ch->baseline) * scale) : NAN,
        .max_uv = rails ? (float)(((double)ch->adc_max - ch->baseline) * scale) : NAN};
    return 0;
}

static int measure(struct work *w, const struct xw_reading_ask *a)
{
    size_t channels_n = a->header->n_channels;
    w->uv = malloc(sizeof(*w->uv) * channels_n * a->n);
    w->result = calloc(1, sizeof(*w->result));
    int r = w->uv && w->result ? xw_ecg12_new(&w->engine) : -ENOMEM;
    w->input.rate_hz = (double)a->header->rate->num / (double)a->header->rate->den;
    w->input.samples_n = (unsigned)a->n;
    w->input.channels_n = (unsigned)channels_n;
    w->input.age_years = a->age_years;
    w->input.sex = a->sex;
    for (size_t c = 0; r >= 0 && c < channels_n; c++)
        r = channel(w, a, c);
    if (r >= 0)
        r = xw_ecg12_read(w->engine, &w->input, w->result);
    return r < 0 ? r : xw_reading_rhythm_find(&w->input, &w->rhythm);
}

/* [[first, end], …] in indices of the stream. */
static json_t *holes(const struct xw_reading_ask *a)
{
    json_t *list = json_array();
    for (size_t i = 0; i < a->n;) {
        size_t end = i;
        while (end < a->n && !a->have[end])
            end++;
        if (end > i) {
            uint64_t from = a->first + i, to = a->first + end;
            json_array_append_new(list, json_pack("[I,I]", (json_int_t)from, (json_int_t)to));
        }
        i = end > i ? end : i + 1;
    }
    return list;
}

static void work_done(struct work *w)
{
    xw_ecg12_free(w->engine);
    free(w->result);
    free(w->uv);
}

/* What the device says that its samples were filtered with. */
static struct xw_ecg12_band band_of(const Xw__StreamHeader *h)
{
    return (struct xw_ecg12_band){h->high_pass_hz > 0 ? (float)h->high_pass_hz : NAN,
                                  h->low_pass_hz > 0 ? (float)h->low_pass_hz : NAN};
}

static int compare(const struct work *before, const struct xw_reading_previous *p,
                   const struct work *now, const struct xw_reading_ask *a, json_t **ret)
{
    const struct xw_ecg12_band bands[2] = {band_of(p->ask.header), band_of(a->header)};
    struct xw_ecg12_comparison c;
    struct xw_ecg12_comparer *comparer = NULL;
    int r = xw_ecg12_comparer_new(&comparer);
    if (r >= 0)
        r = xw_ecg12_compare(comparer, &before->input, &now->input, bands, &c);
    xw_ecg12_comparer_free(comparer);
    if (r < 0)
        return r;
    *ret = xw_reading_compare_json(&c, &before->said, &now->said);
    if (!*ret)
        return -ENOMEM;
    json_object_set_new(*ret, "study", json_string(p->study));
    json_object_set_new(*ret, "stream", json_string(p->stream));
    json_object_set_new(*ret, "from_sample", json_integer((json_int_t)p->ask.first));
    json_object_set_new(*ret, "wall_us", json_integer(p->wall_us));
    return 0;
}

/* Measures the earlier one as it is, then both alike. One that cannot be read takes nothing away
 * from the reading: *ret stays NULL. */
static int look_back(const struct work *now, const struct xw_reading_ask *a, json_t **ret)
{
    if (!a->previous)
        return 0;
    struct work *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->shared = now->shared;
    int r = measure(w, &a->previous->ask);
    struct xw_reading_view view = {.input = &w->input, .result = w->result};
    if (r >= 0) {
        xw_reading_words_make(w->shared->tables, &view, w->rhythm.bits, &w->said);
        r = compare(w, a->previous, now, a, ret);
    }
    work_done(w);
    free(w);
    return r == -EINVAL ? 0 : r;
}

static int write_text(struct work *w, const struct xw_reading_ask *a, char **ret_text,
                      size_t *ret_bytes)
{
    struct xw_reading_view view = {.input = &w->input,
                                   .result = w->result,
                                   .from = (int64_t)a->first,
                                   .name = w->name,
                                   .tables = w->shared->tables,
                                   .said = &w->said,
                                   .rhythm = &w->rhythm,
                                   .network = w->shared->network};
    xw_reading_words_make(w->shared->tables, &view, w->rhythm.bits, &w->said);
    int r = look_back(w, a, &view.previous);
    json_t *o = r < 0 ? NULL : xw_reading_json(&view);
    json_decref(view.previous);
    if (!o)
        return r < 0 ? r : -ENOMEM;
    r = json_object_set_new(o, "holes", holes(a)) < 0 ||
                json_object_set_new(o, "patient_known", json_boolean(a->patient_known)) < 0
            ? -ENOMEM
            : 0;
    char *text = r < 0 ? NULL : json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9));
    json_decref(o);
    if (!text)
        return -ENOMEM;
    size_t bytes = strlen(text);
    if (bytes > XW_READING_TEXT_MAX_BYTES) {
        free(text);
        return -EOVERFLOW;
    }
    *ret_text = text;
    *ret_bytes = bytes;
    return 0;
}

int xw_reading_shared_new(struct xw_reading_shared **ret_shared)
{
    char error[XW_READING_ERROR_BYTES];
    struct xw_reading_shared *shared = calloc(1, sizeof(*shared));
    int r = shared ? xw_reading_words_open(NULL, &shared->tables, error) : -ENOMEM;
    if (r >= 0)
        r = xw_net12_open_shipped(&shared->network);
    if (r < 0) {
        xw_reading_shared_free(shared);
        return r;
    }
    *ret_shared = shared;
    return 0;
}

void xw_reading_shared_free(struct xw_reading_shared *shared)
{
    if (!shared)
        return;
    xw_interpret_free(shared->tables);
    xw_net12_free(shared->network);
    free(shared);
}

int xw_reading_make(const struct xw_reading_shared *shared, const struct xw_reading_ask *a,
                    char **ret_text, size_t *ret_bytes)
{
    size_t ten;
    int r = xw_reading_samples(a->header, &ten);
    if (r < 0)
        return r;
    /* Bounds what is allocated; the engine says the exact limits. */
    if (a->n < ten / 2 || a->n > ten * 2)
        return -EINVAL;
    struct work *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->shared = shared;
    r = measure(w, a);
    if (r >= 0)
        r = write_text(w, a, ret_text, ret_bytes);
    work_done(w);
    free(w);
    return r;
}
