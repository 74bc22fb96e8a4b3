/* Recordings read, measured, labelled. */
#include "dsp/train/twelve/cases.h"

#include "dsp/train/twelve/labels.h"
#include "dsp/train/twelve/rules.h"
#include "wfdb/wfdb.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 10250, LINE_BYTES = 4096 };

struct bench {
    struct xw_ecg12 *engine;
    struct xw_ecg12_input input;
    struct xw_ecg12_result result;
    struct xw_interpret_tables *tables;
    struct xw_interpretation stated;
    float uv[XW_ECG12_LEADS_MAX][ROWS_MAX];
    int32_t rows[ROWS_MAX * XW_ECG12_LEADS_MAX];
};

static int take_rows(struct bench *b, struct xw_wfdb_reader *reader)
{
    struct xw_wfdb_error error = {0};
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(reader);
    unsigned channels = xw_wfdb_reader_channels(reader);
    b->input = (struct xw_ecg12_input){
        .rate_hz = (double)rate.num / (double)rate.den, .channels_n = channels, .age_years = NAN};
    size_t want = (size_t)(10 * b->input.rate_hz);
    if (!channels || channels > XW_ECG12_LEADS_MAX || want > ROWS_MAX)
        return -EINVAL;
    int64_t n = xw_wfdb_reader_read(reader, b->rows, want, &error);
    if (n <= 0)
        return n < 0 ? (int)n : -EBADMSG;
    for (unsigned c = 0; c < channels; c++) {
        const struct xw_wfdb_signal *s = xw_wfdb_reader_signal(reader, c);
        double scale = 1000.0 * (double)s->gain.den / (double)s->gain.num;
        for (int64_t i = 0; i < n; i++) {
            int32_t count = b->rows[i * channels + c];
            b->uv[c][i] = count == s->invalid ? NAN : (float)((count - s->baseline) * scale);
        }
        b->input.channels[c] =
            (struct xw_ecg12_channel){.lead = xw_ecg_lead_from_name(s->description),
                                      .uv = b->uv[c],
                                      .min_uv = NAN,
                                      .max_uv = NAN};
    }
    b->input.samples_n = (unsigned)n;
    return 0;
}

static int look(struct bench *b, const char *folder, struct xw_twelve_case *e)
{
    char path[1100];
    struct xw_wfdb_reader *reader = NULL;
    struct xw_wfdb_error error = {0};
    snprintf(path, sizeof(path), "%s/%05d_hr", folder, e->number);
    int result = xw_wfdb_reader_open(path, NULL, 0, &reader, &error);
    if (result < 0)
        return result;
    result = take_rows(b, reader);
    xw_wfdb_reader_close(reader);
    if (result >= 0)
        result = xw_ecg12_read(b->engine, &b->input, &b->result);
    if (result < 0)
        return result;
    struct xw_interpret_input input = {&b->result, e->age_years, e->sex, 0};
    xw_twelve_rules(b->tables, &input, &b->stated, e->rules);
    e->seen = xw_net12_look(&b->result, &e->view) == 0;
    return 0;
}

static int check_folds(const struct xw_twelve_cases *cases)
{
    for (size_t i = 0; i < cases->n; i++)
        for (size_t k = 0; k < i; k++)
            if (cases->at[i].patient == cases->at[k].patient &&
                cases->at[i].fold != cases->at[k].fold) {
                fprintf(stderr, "cases: one patient lies in two folds\n");
                return -EBADMSG;
            }
    return 0;
}

static int read_all(struct bench *b, const char *folder, const struct xw_twelve_codes *codes,
                    struct xw_twelve_cases *cases)
{
    char path[1100], line[LINE_BYTES];
    snprintf(path, sizeof(path), "%s/labels.csv", folder);
    FILE *file = fopen(path, "r");
    if (!file)
        return -errno;
    int result = 0;
    while (result >= 0 && cases->n < XW_TWELVE_CASES_MAX && fgets(line, sizeof(line), file)) {
        struct xw_twelve_case *e = &cases->at[cases->n];
        if (!xw_twelve_label(codes, line, e))
            continue;
        result = look(b, folder, e);
        if (result < 0)
            fprintf(stderr, "cases: record %d: %s\n", e->number, strerror(-result));
        cases->n++;
    }
    fclose(file);
    return result < 0 ? result : check_folds(cases);
}

int xw_twelve_cases_load(const char *folder, struct xw_twelve_cases *ret_cases)
{
    char path[1100];
    struct xw_twelve_codes codes;
    struct xw_twelve_cases cases = {0, calloc(XW_TWELVE_CASES_MAX, sizeof(*cases.at))};
    struct bench *b = calloc(1, sizeof(*b));
    snprintf(path, sizeof(path), "%s/scp_statements.csv", folder);
    int result = b && cases.at ? xw_twelve_codes_load(path, &codes) : -ENOMEM;
    if (result >= 0)
        result = xw_ecg12_new(&b->engine);
    if (result >= 0) {
        struct xw_interpret_texts texts;
        xw_interpret_builtin(&texts);
        result = xw_interpret_parse(&texts, &b->tables, NULL);
    }
    if (result >= 0)
        result = read_all(b, folder, &codes, &cases);
    if (b) {
        xw_ecg12_free(b->engine);
        xw_interpret_free(b->tables);
    }
    free(b);
    if (result < 0)
        xw_twelve_cases_done(&cases);
    else
        *ret_cases = cases;
    return result < 0 ? result : 0;
}

void xw_twelve_cases_done(struct xw_twelve_cases *cases)
{
    free(cases->at);
    cases->at = NULL;
    cases->n = 0;
}
