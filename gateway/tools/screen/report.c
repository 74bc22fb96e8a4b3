/* What was found, as a WFDB annotation file, as JSON, and as a line of timing. */
#include "tools/screen/screen.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { BASIS_BEATS_MAX = 64 }; /* as a gateway gives them */

static const char *record_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static double seconds_of(const struct xw_screen *screen, int64_t sample)
{
    return (double)sample * screen->config.rate_den / screen->config.rate_num;
}

static int mark_beat(struct xw_wfdb_annotation_writer *writer, const struct xw_ecg_event *e)
{
    char letter[2] = {xw_ecg_code_letter(e->code), 0};
    int code = xw_wfdb_code_of(letter);
    return xw_wfdb_annotation_writer_mark(
        writer, e->first, code < 0 ? XW_WFDB_UNKNOWN : (enum xw_wfdb_code)code, 0, NULL);
}

/* Fibrillation is bracketed by [ and ] as the format has it; other rhythms are + with a string. */
static int mark_rhythm(struct xw_wfdb_annotation_writer *writer, const struct xw_ecg_event *e)
{
    const char *aux = xw_ecg_code_rhythm(e->code);
    if (!aux)
        return 0;
    int result = xw_wfdb_annotation_writer_mark(writer, e->first, XW_WFDB_RHYTHM, 0, aux);
    if (result >= 0 && e->code == XW_ECG_RHYTHM_VF) {
        result = xw_wfdb_annotation_writer_mark(writer, e->first, XW_WFDB_VFON, 0, NULL);
        if (result >= 0 && e->end != XW_ECG_OPEN)
            result = xw_wfdb_annotation_writer_mark(writer, e->end, XW_WFDB_VFOFF, 0, NULL);
    }
    return result;
}

/* Noise: bits of the subtype are the first four leads; -1 means that nothing can be seen. */
static int mark_noise(struct xw_wfdb_annotation_writer *writer, const struct xw_ecg_event *e)
{
    int subtype = e->kind == XW_ECG_KIND_QUALITY ? -1 : (int)(e->lead_mask & 15);
    int result = xw_wfdb_annotation_writer_mark(writer, e->first, XW_WFDB_NOISE, subtype, NULL);
    if (result >= 0 && e->end != XW_ECG_OPEN)
        result = xw_wfdb_annotation_writer_mark(writer, e->end, XW_WFDB_NOISE, 0, NULL);
    return result;
}

static int mark(struct xw_wfdb_annotation_writer *writer, const struct xw_ecg_event *e)
{
    switch (e->kind) {
    case XW_ECG_KIND_BEAT:
        return mark_beat(writer, e);
    case XW_ECG_KIND_RHYTHM:
        return mark_rhythm(writer, e);
    case XW_ECG_KIND_NOISE:
        return mark_noise(writer, e);
    case XW_ECG_KIND_QUALITY:
        return e->code == XW_ECG_QUALITY_CANNOT_SEE ? mark_noise(writer, e) : 0;
    default:
        return 0;
    }
}

int xw_screen_write_annotations(const struct xw_screen *screen,
                                const struct xw_screen_options *options,
                                struct xw_wfdb_error *ret_error)
{
    struct xw_wfdb_annotation_writer *writer = NULL;
    int result = xw_wfdb_annotation_writer_new(&writer);
    for (size_t i = 0; i < screen->entries_n && result >= 0; i++) {
        const struct xw_ecg_event *e = xw_screen_word(&screen->entries[i], options);
        if (e)
            result = mark(writer, e);
    }
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/%s.%s", options->out_dir,
                          record_name(options->record), options->annotator);
    if (result >= 0 && (length < 0 || (size_t)length >= sizeof(path)))
        result = -ENAMETOOLONG;
    if (result >= 0)
        result = xw_wfdb_annotation_writer_save(writer, path, ret_error);
    else
        snprintf(ret_error->text, sizeof(ret_error->text), "annotations: %s", strerror(-result));
    xw_wfdb_annotation_writer_free(writer);
    return result;
}

int xw_screen_write_delays(const struct xw_screen *screen, const struct xw_screen_options *options,
                           struct xw_wfdb_error *ret_error)
{
    char path[4096];
    int length = snprintf(path, sizeof(path), "%s/%s.delays", options->out_dir,
                          record_name(options->record));
    FILE *f = length > 0 && (size_t)length < sizeof(path) ? fopen(path, "w") : NULL;
    int result = f ? 0 : -errno;
    for (size_t i = 0; f && i < screen->entries_n; i++) {
        const struct xw_screen_entry *e = &screen->entries[i];
        if (e->event.kind != XW_ECG_KIND_BEAT || e->event.withdrawn || !e->has_final)
            continue;
        bool revised = e->event.stage == XW_ECG_STAGE_REVISED;
        fprintf(f, "%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%" PRId64 "\t%d\n", e->event.first,
                e->provisional_at, e->first_final.emitted_at, revised ? e->event.emitted_at : -1,
                e->first_final.late);
    }
    if (f && fclose(f) != 0)
        result = -errno;
    if (result < 0)
        snprintf(ret_error->text, sizeof(ret_error->text), "%s.delays: %s",
                 record_name(options->record), strerror(-result));
    return result;
}

static json_t *evidence_json(const struct xw_ecg_event *e)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < e->evidence_n; i++) {
        const struct xw_ecg_evidence *v = &e->evidence[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:f, s:f, s:s}", "name", xw_ecg_value_name(v->id),
                                        "measured", (double)v->measured, "limit", (double)v->limit,
                                        "unit", xw_ecg_value_unit(v->id)));
    }
    return list;
}

static json_t *leads_json(const struct xw_screen *screen, const struct xw_ecg_event *e)
{
    json_t *leads = json_object();
    for (unsigned c = 0; c < screen->config.channels_n; c++)
        if (e->lead_mask >> c & 1)
            json_object_set_new(leads, xw_screen_channel_name(screen, c),
                                json_real((double)e->lead_value[c]));
    return leads;
}

/* Fiducials, rising. */
struct beats {
    int64_t *at;
    size_t n;
};

static int compare_index(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* All beats of the record, as the options want them; nothing if there is no memory. */
static struct beats beats_of(const struct xw_screen *screen,
                             const struct xw_screen_options *options)
{
    struct beats b = {.at = malloc((screen->entries_n + 1) * sizeof(*b.at))};
    for (size_t i = 0; b.at && i < screen->entries_n; i++) {
        const struct xw_ecg_event *e = xw_screen_word(&screen->entries[i], options);
        if (e && e->kind == XW_ECG_KIND_BEAT && !e->withdrawn)
            b.at[b.n++] = e->first;
    }
    if (b.n)
        qsort(b.at, b.n, sizeof(*b.at), compare_index);
    return b;
}

/* What a finding rests on, as a gateway tells it: the beats from its onset to where it was first
 * said. */
static json_t *basis_json(const struct beats *beats, const struct xw_ecg_event *e, int64_t said_at)
{
    json_t *list = json_array();
    size_t low = 0, high = beats->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (beats->at[middle] < e->first)
            low = middle + 1;
        else
            high = middle;
    }
    int64_t end = e->end < said_at ? e->end : said_at;
    for (size_t i = low;
         i < beats->n && beats->at[i] < end && json_array_size(list) < BASIS_BEATS_MAX; i++)
        json_array_append_new(list, json_integer((json_int_t)beats->at[i]));
    return list;
}

static json_t *event_json(const struct xw_screen *screen, const struct xw_ecg_event *e)
{
    json_t *o =
        json_pack("{s:I, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:I, s:f, s:I, s:b, s:f, s:f, s:f}",
                  "sequence", (json_int_t)e->sequence, "kind", xw_ecg_kind_name(e->kind), "stage",
                  xw_ecg_stage_name(e->stage), "code", xw_ecg_code_name(e->code), "priority",
                  xw_ecg_priority_name(e->priority), "rule", e->rule, "rule_version",
                  (int)e->rule_version, "revision", (int)e->revision, "first", (json_int_t)e->first,
                  "first_s", seconds_of(screen, e->first), "emitted_at", (json_int_t)e->emitted_at,
                  "late", e->late, "hr_bpm", (double)e->hr_bpm, "rr_ms", (double)e->rr_ms,
                  "confidence", (double)e->confidence);
    if (e->has_rules)
        json_object_set_new(o, "rules", json_sprintf("%u-%08x", e->rules_version, e->rules_tag));
    if (e->end != XW_ECG_OPEN)
        json_object_set_new(o, "end", json_integer((json_int_t)e->end));
    if (e->evidence_n)
        json_object_set_new(o, "evidence", evidence_json(e));
    if (e->kind != XW_ECG_KIND_BEAT && e->lead_mask)
        json_object_set_new(o, "leads", leads_json(screen, e));
    return o;
}

static int compare_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Delay of the final word on beats in ms: median, 99th percentile, largest; late ones apart. */
static json_t *delays_json(const struct xw_screen *screen)
{
    double *delay = malloc((screen->entries_n + 1) * sizeof(*delay));
    size_t n = 0, late_n = 0;
    for (size_t i = 0; delay && i < screen->entries_n; i++) {
        const struct xw_screen_entry *entry = &screen->entries[i];
        const struct xw_ecg_event *e = &entry->first_final;
        if (!entry->has_final || e->kind != XW_ECG_KIND_BEAT || e->withdrawn)
            continue;
        late_n += e->late;
        if (!e->late)
            delay[n++] = 1000 * seconds_of(screen, e->emitted_at - e->first);
    }
    if (n)
        qsort(delay, n, sizeof(*delay), compare_double);
    json_t *o = json_pack("{s:I, s:f, s:f, s:f}", "late_beats", (json_int_t)late_n, "median_ms",
                          n ? delay[n / 2] : 0.0, "p99_ms", n ? delay[n * 99 / 100] : 0.0, "max_ms",
                          n ? delay[n - 1] : 0.0);
    free(delay);
    return o;
}

static json_t *summary_json(const struct xw_screen *screen, const struct xw_screen_options *options)
{
    json_t *beats = json_object();
    json_t *events = json_array();
    struct beats all = beats_of(screen, options);
    for (size_t i = 0; i < screen->entries_n; i++) {
        const struct xw_ecg_event *e = xw_screen_word(&screen->entries[i], options);
        if (!e)
            continue;
        json_t *o = event_json(screen, e);
        if (e->kind == XW_ECG_KIND_RHYTHM || e->kind == XW_ECG_KIND_ALARM)
            json_object_set_new(o, "beats", basis_json(&all, e, screen->entries[i].said_at));
        json_array_append_new(events, o);
        if (e->kind != XW_ECG_KIND_BEAT)
            continue;
        const char *name = xw_ecg_code_name(e->code);
        json_int_t n = json_integer_value(json_object_get(beats, name));
        json_object_set_new(beats, name, json_integer(n + 1));
    }
    free(all.at);
    struct xw_ecg_run run = {.code_version = "beats alone", .isa = xw_ecg_isa()};
    if (screen->chain)
        xw_ecg_chain_run(screen->chain, &run);
    else
        memcpy(run.table_hash, xw_ecg_chain_table_hash(), sizeof(run.table_hash));
    char rules_hash[XW_ECG_RULES_HASH_BYTES];
    xw_ecg_rules_hash(&options->rules, rules_hash);
    return json_pack("{s:s, s:I, s:f, s:i, s:{s:s, s:s, s:s, s:s, s:i, s:s}, s:o, s:o, s:o}",
                     "record", record_name(options->record), "samples", (json_int_t)screen->rows_n,
                     "seconds", seconds_of(screen, screen->rows_n), "signals",
                     (int)screen->config.channels_n, "run", "code_version", run.code_version,
                     "table_hash", run.table_hash, "config_hash", run.config_hash, "isa", run.isa,
                     "rules_version", (int)options->rules.version, "rules_hash", rules_hash,
                     "beats", beats, "final_delay", delays_json(screen), "events", events);
}

int xw_screen_write_json(const struct xw_screen *screen, const struct xw_screen_options *options,
                         struct xw_wfdb_error *ret_error)
{
    json_t *summary = summary_json(screen, options);
    const size_t flags = JSON_INDENT(1) | JSON_REAL_PRECISION(7);
    int result = -ENOMEM;
    if (summary && strcmp(options->json, "-") == 0) {
        result = json_dumpf(summary, stdout, flags) == 0 ? 0 : -EIO;
        putchar('\n');
    } else if (summary) {
        result = json_dump_file(summary, options->json, flags) == 0 ? 0 : -EIO;
    }
    if (result < 0)
        snprintf(ret_error->text, sizeof(ret_error->text), "%s: %s", options->json,
                 strerror(-result));
    json_decref(summary);
    return result;
}

void xw_screen_print_timing(const struct xw_screen *screen, FILE *out)
{
    double recorded = seconds_of(screen, screen->rows_n);
    double spent = screen->seconds > 0 ? screen->seconds : 1e-9;
    fprintf(out, "%.3f s for %.1f s of %u signals: %.0f samples/s, %.0f x real time\n",
            screen->seconds, recorded, screen->config.channels_n,
            (double)screen->rows_n * screen->config.channels_n / spent, recorded / spent);
}
