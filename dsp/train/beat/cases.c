/* Looks of the chain, matched with annotations. */
#include "dsp/train/beat/cases.h"
#include "dsp/ecg/chain_private.h"
#include "dsp/train/beat/splice.h"
#include "wfdb/wfdb.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

enum { NOISE_ON_S = 60, SPLICE_S = 1800 };

struct run {
    struct xw_cases *cases;
    const struct xw_wfdb_annotations *reference;
    const struct xw_ecg_chain *chain;
    int64_t window, start;
    unsigned record, variant;
    bool failed;
    char noise[4096]; /* path of the noise record */
};

static char label_of(enum xw_wfdb_code code)
{
    switch (code) {
    case XW_WFDB_NORMAL:
    case XW_WFDB_LBBB:
    case XW_WFDB_RBBB:
    case XW_WFDB_BBB:
        return 'N';
    case XW_WFDB_ABERR:
    case XW_WFDB_NPC:
    case XW_WFDB_APC:
    case XW_WFDB_SVPB:
        return 'S';
    case XW_WFDB_NESC:
    case XW_WFDB_AESC:
    case XW_WFDB_SVESC:
        return 'e';
    case XW_WFDB_PVC:
    case XW_WFDB_VESC:
        return 'V';
    case XW_WFDB_FUSION:
        return 'F';
    default:
        return 'Q';
    }
}

static char label_at(const struct run *run, int64_t at)
{
    size_t low = 0, high = run->reference->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (run->reference->at[middle].sample < at - run->window)
            low = middle + 1;
        else
            high = middle;
    }
    bool flutter = false;
    for (size_t i = low; i-- > 0;)
        if (run->reference->at[i].code == XW_WFDB_VFON ||
            run->reference->at[i].code == XW_WFDB_VFOFF) {
            flutter = run->reference->at[i].code == XW_WFDB_VFON;
            break;
        }
    int64_t best = run->window + 1;
    char label = flutter ? 'Q' : 'O';
    for (; low < run->reference->n && run->reference->at[low].sample <= at + run->window; low++) {
        int64_t off = run->reference->at[low].sample - at;
        off = off < 0 ? -off : off;
        if (xw_wfdb_code_is_beat(run->reference->at[low].code) && off < best) {
            best = off;
            label = label_of(run->reference->at[low].code);
        }
    }
    return label;
}

int xw_cases_push(struct xw_cases *cases, const struct xw_case *one)
{
    if (cases->n == cases->room) {
        size_t room = cases->room ? 2 * cases->room : 65536;
        struct xw_case *more = realloc(cases->one, room * sizeof(*more));
        if (!more)
            return -ENOMEM;
        cases->one = more;
        cases->room = room;
    }
    cases->one[cases->n++] = *one;
    return 0;
}

static void on_look(void *user, int64_t at, unsigned stage, const float x[XW_ECG_FEATURES])
{
    struct run *run = user;
    struct xw_cases *cases = run->cases;
    char label = label_at(run, at);
    /* Of the many normal beats in the later variants one in four is enough. */
    if (at < run->start || run->failed || (stage == 1 && run->variant) ||
        (label == 'N' && (run->variant || stage == 1) && run->variant != 4 && at % 4 != 0))
        return;
    struct xw_case one = {.record = (uint16_t)run->record,
                          .stage = (uint8_t)stage,
                          .variant = (uint8_t)run->variant,
                          .label = label};
    one.fibrillates = stage == 2 && run->chain->af.active && at >= run->chain->af.since_at;
    memcpy(one.x, x, sizeof(one.x));
    run->failed = xw_cases_push(cases, &one) < 0;
}

static void ignore(void *user, const struct xw_ecg_event *event)
{
    (void)user;
    (void)event;
}

/* Root of the mean square about the mean. */
static double strength(const int32_t *rows, int64_t n, unsigned channels_n, unsigned c)
{
    double sum = 0, square = 0;
    for (int64_t i = 0; i < n; i++) {
        double x = rows[i * channels_n + c];
        sum += x;
        square += x * x;
    }
    return sqrt(fmax(1, square / (double)n - sum * sum / ((double)n * (double)n)));
}

/* Adds a noise record of the noise stress test (muscle, wander), a minute on and a minute off, as
 * strong as the signal's own root mean square times `factor`. */
static int add_noise(const char *path, int32_t *rows, int64_t n, unsigned channels_n,
                     double rate_hz, double factor, int64_t from)
{
    struct xw_wfdb_reader *reader = NULL;
    struct xw_wfdb_error error = {0};
    int result = xw_wfdb_reader_open(path, NULL, 0, &reader, &error);
    if (result < 0)
        return result;
    unsigned noises_n = xw_wfdb_reader_channels(reader);
    int64_t length = xw_wfdb_reader_length(reader);
    int32_t *noise = malloc(sizeof(int32_t) * (size_t)length * noises_n);
    length = noise ? xw_wfdb_reader_read(reader, noise, (size_t)length, &error) : -ENOMEM;
    for (unsigned c = 0; c < channels_n && length > 0; c++) {
        double gain = factor * strength(rows, n, channels_n, c) /
                      strength(noise, length, noises_n, c % noises_n);
        for (int64_t i = 0; i < n; i++)
            if ((int64_t)((double)i / rate_hz / NOISE_ON_S) % 2 == 1)
                rows[i * channels_n + c] +=
                    (int32_t)lround(gain * noise[(i + from) % length * noises_n + c % noises_n]);
    }
    free(noise);
    xw_wfdb_reader_close(reader);
    return length < 0 ? (int)length : 0;
}

static int open_chain(struct run *run, const struct xw_wfdb_reader *reader,
                      struct xw_ecg_chain **ret_chain)
{
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(reader);
    struct xw_ecg_config config = {.rate_num = (uint32_t)rate.num,
                                   .rate_den = (uint32_t)rate.den,
                                   .channels_n = xw_wfdb_reader_channels(reader),
                                   .on_event = ignore};
    for (unsigned c = 0; c < config.channels_n; c++) {
        const struct xw_wfdb_signal *signal = xw_wfdb_reader_signal(reader, c);
        config.channels[c].gain_counts_per_mv = (double)signal->gain.num / (double)signal->gain.den;
        config.channels[c].baseline_counts = run->variant == 4 ? 0 : signal->baseline;
    }
    int result = xw_ecg_chain_new(&config, ret_chain);
    if (result == 0) {
        (*ret_chain)->beat.on_look = on_look;
        (*ret_chain)->beat.user = run;
        run->chain = *ret_chain;
    }
    return result;
}

static int play(struct run *run, const struct xw_wfdb_reader *reader, const int32_t *rows,
                int64_t rows_n)
{
    struct xw_ecg_chain *chain = NULL;
    int result = open_chain(run, reader, &chain);
    if (result < 0)
        return result;
    xw_ecg_chain_process(chain, rows, (size_t)rows_n);
    xw_ecg_chain_flush(chain);
    xw_ecg_chain_free(chain);
    return run->failed ? -ENOMEM : 0;
}

static int play_spliced(struct run *run, const struct xw_wfdb_reader *reader, const int32_t *rows,
                        int64_t rows_n)
{
    struct xw_splice splice;
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(reader);
    int result = xw_splice_make(rows, rows_n, xw_wfdb_reader_channels(reader),
                                (double)rate.num / (double)rate.den, run->reference, SPLICE_S,
                                run->record + 1, &splice);
    if (result == -ENODATA)
        return 0;
    if (result < 0)
        return result;
    struct xw_wfdb_annotations truth = {.at = splice.beats, .n = splice.beats_n};
    struct run spliced = *run;
    spliced.reference = &truth;
    result = play(&spliced, reader, splice.rows, splice.rows_n);
    xw_splice_done(&splice);
    return result;
}

static int run_record(struct run *run, struct xw_wfdb_reader *reader)
{
    unsigned channels_n = xw_wfdb_reader_channels(reader);
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(reader);
    double rate_hz = (double)rate.num / (double)rate.den;
    int64_t length = xw_wfdb_reader_length(reader);
    int32_t *rows = malloc(sizeof(int32_t) * (size_t)length * channels_n);
    struct xw_wfdb_error error = {0};
    int64_t n = rows ? xw_wfdb_reader_read(reader, rows, (size_t)length, &error) : -ENOMEM;
    int result = (int)(n < 0 ? n : 0);
    if (n > 0 && (run->variant == 3 || run->variant == 5))
        result = add_noise(run->noise, rows, n, channels_n, rate_hz, run->variant == 3 ? 0.35 : 0.9,
                           7919 * (int64_t)run->record);
    if (n > 0 && result == 0)
        result =
            run->variant == 4 ? play_spliced(run, reader, rows, n) : play(run, reader, rows, n);
    free(rows);
    return result;
}

int xw_cases_add(struct xw_cases *cases, const char *dir, const char *record, unsigned number,
                 unsigned variant, double start_s)
{
    char path[4096];
    struct xw_wfdb_annotations reference;
    struct xw_wfdb_error error = {0};
    struct xw_wfdb_reader *reader = NULL;
    unsigned signal = variant == 2;
    snprintf(path, sizeof(path), "%s/%s.atr", dir, record);
    int result = xw_wfdb_annotations_load(path, &reference, &error);
    if (result < 0)
        goto out;
    snprintf(path, sizeof(path), "%s/%s", dir, record);
    result = xw_wfdb_reader_open(path, &signal, variant == 1 || variant == 2, &reader, &error);
    if (result >= 0) {
        struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(reader);
        double rate_hz = (double)rate.num / (double)rate.den;
        struct run run = {cases,
                          &reference,
                          NULL,
                          (int64_t)lround(0.15 * rate_hz),
                          (int64_t)(start_s * rate_hz),
                          number,
                          variant,
                          false,
                          {0}};
        snprintf(run.noise, sizeof(run.noise), "%s/../nstdb/%s", dir, number % 3 ? "ma" : "bw");
        result = run_record(&run, reader);
    }
    xw_wfdb_reader_close(reader);
    xw_wfdb_annotations_done(&reference);
out:
    if (result < 0)
        fprintf(stderr, "%s: %s\n", path, error.text[0] ? error.text : strerror(-result));
    return result;
}

void xw_cases_done(struct xw_cases *cases)
{
    free(cases->one);
    memset(cases, 0, sizeof(*cases));
}
