/* Reads ten seconds and hands them to dsp/ecg12. */
#include "tools/screen/twelve.h"

#include "reading/compare.h"
#include "reading/words.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PLACES_MAX = 1440, ROWS_MAX = 10250 };

struct window {
    struct xw_screen screen; /* its record alone */
    struct xw_ecg12 *engine;
    struct xw_ecg12_result *result;
    struct xw_ecg12_input input;
    const char *name[XW_ECG12_LEADS_MAX];
    double uv_per_count[XW_ECG12_LEADS_MAX];
    int32_t *rows;
    float *uv;
    size_t want;
    int64_t from;
    struct xw_interpretation said;
    struct xw_reading_rhythm rhythm;
};

static int fail(struct xw_wfdb_error *ret_error, int error, const char *text)
{
    ret_error->line = 0;
    snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
    return error;
}

static void done(struct window *w)
{
    xw_screen_done(&w->screen);
    xw_ecg12_free(w->engine);
    free(w->result);
    free(w->rows);
    free(w->uv);
}

static int configure(struct window *w, struct xw_wfdb_error *ret_error)
{
    struct xw_wfdb_fraction rate = xw_screen_rate_hz(&w->screen);
    unsigned n = (unsigned)w->screen.chosen_n;
    w->input.rate_hz = (double)rate.num / (double)rate.den;
    if (!n || n > XW_ECG12_LEADS_MAX)
        return fail(ret_error, -EINVAL, "needs 1 to 18 ECG signals (choose them with -s)");
    if (!(w->input.rate_hz >= XW_ECG12_RATE_MIN_HZ && w->input.rate_hz <= XW_ECG12_RATE_MAX_HZ))
        return fail(ret_error, -EINVAL, "a 12-lead ECG has 100 to 1000 samples a second");
    int64_t length = xw_screen_length(&w->screen);
    if ((double)length < XW_ECG12_SECONDS_MIN * w->input.rate_hz)
        return fail(ret_error, -ENODATA, "shorter than 9 seconds");
    bool whole = (double)length <= XW_ECG12_SECONDS_MAX * w->input.rate_hz;
    w->want = whole ? (size_t)length : (size_t)(10 * w->input.rate_hz);
    w->rows = malloc(sizeof(*w->rows) * n * w->want);
    w->uv = malloc(sizeof(*w->uv) * n * w->want);
    w->result = calloc(1, sizeof(*w->result));
    if (!w->rows || !w->uv || !w->result)
        return fail(ret_error, -ENOMEM, "out of memory");
    w->input.channels_n = n;
    for (unsigned c = 0; c < n; c++) {
        struct xw_screen_signal s = xw_screen_signal(&w->screen, c);
        w->uv_per_count[c] = 1000 / s.gain_per_mv;
        w->name[c] = s.name;
        w->input.channels[c] = (struct xw_ecg12_channel){
            .lead = xw_ecg_lead_from_name(s.name),
            .uv = w->uv + c * w->want,
            .min_uv = (float)((s.min_counts - s.baseline) * w->uv_per_count[c]),
            .max_uv = (float)((s.max_counts - s.baseline) * w->uv_per_count[c])};
    }
    int result = xw_ecg12_new(&w->engine);
    return result < 0 ? fail(ret_error, result, "out of memory") : 0;
}

static int load(struct window *w, int64_t from, struct xw_wfdb_error *ret_error)
{
    unsigned n = w->input.channels_n;
    int result = xw_screen_seek(&w->screen, from);
    if (result < 0)
        return fail(ret_error, result, "the recording has no such place");
    int64_t got = xw_screen_read(&w->screen, w->rows, w->want, ret_error);
    if (got < 0)
        return (int)got;
    if ((size_t)got < w->want)
        return fail(ret_error, -ENODATA, "the recording ends before ten seconds have passed");
    for (unsigned c = 0; c < n; c++) {
        struct xw_screen_signal s = xw_screen_signal(&w->screen, c);
        for (size_t i = 0; i < w->want; i++) {
            int32_t count = w->rows[i * n + c];
            w->uv[c * w->want + i] =
                count == s.invalid ? NAN : (float)((count - s.baseline) * w->uv_per_count[c]);
        }
    }
    w->input.samples_n = (unsigned)w->want;
    return 0;
}

/* The first of the places with the best score. */
static int choose(struct window *w, int64_t *ret_from, struct xw_wfdb_error *ret_error)
{
    int64_t last = xw_screen_length(&w->screen) - (int64_t)w->want, best_from = 0;
    int64_t places = last / (int64_t)w->input.rate_hz + 1;
    places = places > PLACES_MAX ? PLACES_MAX : places;
    float best = -1;
    for (int64_t k = 0; k < places && last > 0; k++) {
        int64_t from = places > 1 ? last * k / (places - 1) : 0;
        float score = 0;
        int result = load(w, from, ret_error);
        if (result >= 0)
            result = xw_ecg12_score(w->engine, &w->input, &score);
        if (result < 0)
            return result;
        if (score > best) {
            best = score;
            best_from = from;
        }
    }
    *ret_from = best_from;
    return 0;
}

/* What the file says of its patient, where the options say nothing. */
static void know_patient(struct window *w)
{
    const struct xw_formats_patient *p = w->screen.file ? &w->screen.file->patient : NULL;
    if (p && p->has_age && !isfinite(w->input.age_years) && p->age_years >= 0 &&
        p->age_years <= 130)
        w->input.age_years = (float)p->age_years;
    if (p && w->input.sex == XW_ECG12_SEX_UNKNOWN && (p->sex == 'M' || p->sex == 'F'))
        w->input.sex = p->sex == 'F' ? XW_ECG12_FEMALE : XW_ECG12_MALE;
}

static int write_json(const struct xw_reading_view *view, const char *file,
                      struct xw_wfdb_error *ret_error)
{
    json_t *o = xw_reading_json(view);
    size_t flags = JSON_INDENT(1) | JSON_REAL_PRECISION(9);
    bool out = strcmp(file, "-") == 0;
    int result = !o ? -1 : out ? json_dumpf(o, stdout, flags) : json_dump_file(o, file, flags);
    json_decref(o);
    if (result == 0 && out && (fputc('\n', stdout) == EOF || fflush(stdout) == EOF))
        result = -1;
    if (result == 0)
        return 0;
    ret_error->line = 0;
    snprintf(ret_error->text, sizeof(ret_error->text), "cannot write %s", file);
    return -EIO;
}

/* Ten seconds of the record that the options name, from at_s or the best, measured and judged. */
static int measure(struct window *w, const struct xw_screen_options *options,
                   const struct xw_interpret_tables *tables, double at_s,
                   struct xw_wfdb_error *ret_error)
{
    w->input.age_years = options->age_years;
    w->input.sex = options->sex;
    int result = xw_screen_open(&w->screen, options, ret_error);
    if (result >= 0)
        result = configure(w, ret_error);
    if (result >= 0)
        know_patient(w);
    if (result >= 0 && at_s >= 0)
        w->from = at_s * w->input.rate_hz < (double)xw_screen_length(&w->screen)
                      ? (int64_t)(at_s * w->input.rate_hz)
                      : xw_screen_length(&w->screen);
    else if (result >= 0)
        result = choose(w, &w->from, ret_error);
    if (result >= 0)
        result = load(w, w->from, ret_error);
    if (result < 0)
        return result;
    result = xw_ecg12_read(w->engine, &w->input, w->result);
    if (result < 0)
        return fail(ret_error, result, "not ten seconds of an ECG");
    result = xw_reading_rhythm_find(&w->input, &w->rhythm);
    if (result < 0)
        return fail(ret_error, result, "out of memory");
    struct xw_reading_view view = {.input = &w->input, .result = w->result};
    xw_reading_words_make(tables, &view, w->rhythm.bits, &w->said);
    return 0;
}

/* What the file says that its samples were filtered with. */
static struct xw_ecg12_band band_of(const struct window *w)
{
    const struct xw_formats_filters *f = w->screen.file ? &w->screen.file->filters : NULL;
    return (struct xw_ecg12_band){f && f->highpass_hz > 0 ? (float)f->highpass_hz : NAN,
                                  f && f->lowpass_hz > 0 ? (float)f->lowpass_hz : NAN};
}

static int compare(const struct window *before, const struct window *now,
                   struct xw_ecg12_comparison *ret, struct xw_wfdb_error *ret_error)
{
    const struct xw_ecg12_band bands[2] = {band_of(before), band_of(now)};
    struct xw_ecg12_comparer *comparer = NULL;
    int result = xw_ecg12_comparer_new(&comparer);
    if (result >= 0)
        result = xw_ecg12_compare(comparer, &before->input, &now->input, bands, ret);
    xw_ecg12_comparer_free(comparer);
    return result < 0 ? fail(ret_error, result, "the two recordings cannot be compared") : 0;
}

static int write_out(const struct window *w, const struct window *before,
                     const struct xw_interpret_tables *tables,
                     const struct xw_screen_options *options, struct xw_wfdb_error *ret_error)
{
    struct xw_reading_view view = {.input = &w->input,
                                   .result = w->result,
                                   .from = w->from,
                                   .name = w->name,
                                   .record = options->record,
                                   .tables = tables,
                                   .said = &w->said,
                                   .rhythm = &w->rhythm};
    struct xw_ecg12_comparison c;
    int result = 0;
    if (before) {
        result = compare(before, w, &c, ret_error);
        view.previous = result < 0 ? NULL : xw_reading_compare_json(&c, &before->said, &w->said);
        if (view.previous) {
            const char *slash = strrchr(options->previous, '/');
            json_object_set_new(view.previous, "record",
                                json_string(slash ? slash + 1 : options->previous));
            json_object_set_new(view.previous, "from_sample", json_integer(before->from));
        }
    }
    if (result >= 0 && options->pdf)
        result = xw_screen_twelve_pdf(&view, before ? &c : NULL, &w->screen, options, ret_error);
    if (result >= 0 && (options->json || !options->pdf))
        result = write_json(&view, options->json ? options->json : "-", ret_error);
    json_decref(view.previous);
    return result;
}

int xw_screen_run_twelve(const struct xw_screen_options *options, struct xw_wfdb_error *ret_error)
{
    struct window *w = calloc(1, sizeof(*w)), *before = NULL;
    struct xw_interpret_tables *tables = NULL;
    char error[XW_READING_ERROR_BYTES];
    int result = w ? xw_reading_words_open(options->statements, &tables, error) : -ENOMEM;
    if (result < 0)
        (void)fail(ret_error, result, w ? error : "out of memory");
    else
        result = measure(w, options, tables, options->at_s, ret_error);
    if (result >= 0 && options->previous) {
        struct xw_screen_options other = *options;
        other.record = options->previous;
        before = calloc(1, sizeof(*before));
        result = before ? measure(before, &other, tables, -1, ret_error)
                        : fail(ret_error, -ENOMEM, "out of memory");
    }
    if (result >= 0)
        result = write_out(w, before, tables, options, ret_error);
    if (before)
        done(before);
    if (w)
        done(w);
    free(before);
    free(w);
    xw_interpret_free(tables);
    return result;
}
