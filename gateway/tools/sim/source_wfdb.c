/* A recording as a source: the counts of its files, its own rate, gain and baseline. */
#include "source_kind.h"

#include <stdio.h>
#include <string.h>

#include "wfdb/wfdb.h"

struct recording {
    struct xw_wfdb_reader *reader;
    bool loop;
};

/* Lead names as the network writes them; what is no known lead stays as the recording has it. */
static void lead_code(const char *description, char *ret_code, size_t size)
{
    static const struct {
        const char *from, *to;
    } names[] = {{"MLI", "I"},   {"MLII", "II"}, {"MLIII", "III"}, {"AVR", "aVR"}, {"AVL", "aVL"},
                 {"AVF", "aVF"}, {"i", "I"},     {"ii", "II"},     {"iii", "III"}, {"avr", "aVR"},
                 {"avl", "aVL"}, {"avf", "aVF"}, {"v1", "V1"},     {"v2", "V2"},   {"v3", "V3"},
                 {"v4", "V4"},   {"v5", "V5"},   {"v6", "V6"}};
    const char *code = description;
    for (size_t i = 0; i < XW_ARRAY_N(names); i++)
        if (strcmp(description, names[i].from) == 0)
            code = names[i].to;
    size_t n = 0;
    for (; *code && n + 1 < size; code++)
        ret_code[n++] = *code > ' ' && *code < 127 ? *code : '_';
    ret_code[n] = 0;
    if (n == 0)
        snprintf(ret_code, size, "ECG");
}

static int read_recording(struct xw_sim_source *source, int32_t *ret_x, size_t n)
{
    struct recording *recording = source->state;
    size_t got = 0;
    while (got < n) {
        int64_t r =
            xw_wfdb_reader_read(recording->reader, ret_x + got * source->channels_n, n - got, NULL);
        if (r < 0)
            return (int)r;
        if (r == 0 && (!recording->loop || xw_wfdb_reader_seek(recording->reader, 0) < 0))
            break;
        got += (size_t)r;
    }
    return (int)got;
}

static void recording_done(struct xw_sim_source *source)
{
    struct recording *recording = source->state;
    xw_wfdb_reader_close(recording->reader);
    free(recording);
}

/* A fetal monitor's recording: its signals in the order of the wire, FHR1 among them. */
static size_t select_fetal(const struct xw_wfdb_header *header, unsigned *ret_signals)
{
    static const char *const ORDER[] = {"FHR1", "FHR2", "FHR3", "MHR", "UC"};
    struct xw_wfdb_fetal fetal;
    size_t n = 0;
    for (size_t k = 0; k < XW_ARRAY_N(ORDER) && (k == 0 || n > 0); k++) {
        for (unsigned i = 0; i < header->signals_n; i++) {
            if (!xw_wfdb_fetal_signal(&header->signals[i], &fetal) ||
                strcmp(fetal.code, ORDER[k]) != 0)
                continue;
            ret_signals[n++] = i;
            break;
        }
    }
    return n;
}

static void take_fetal(const struct xw_wfdb_signal *from, struct xw_sim_channel *to)
{
    struct xw_wfdb_fetal fetal;
    if (!xw_wfdb_fetal_signal(from, &fetal))
        return;
    snprintf(to->code, sizeof(to->code), "%s", fetal.code);
    snprintf(to->unit, sizeof(to->unit), "%s", fetal.unit);
    if (fetal.zero_is_none)
        to->invalid = from->baseline;
}

/* The leads of a recording that are ECG: of mixed files (pressure, pulse) the others are left out.
 */
static size_t select_signals(const struct xw_wfdb_header *header, unsigned *ret_signals)
{
    size_t n = 0;
    for (unsigned i = 0; i < header->signals_n && n < XW_SIM_CHANNELS_MAX; i++)
        if (strcmp(header->signals[i].unit, "mV") == 0 ||
            strcmp(header->signals[i].unit, "uV") == 0)
            ret_signals[n++] = i;
    return n;
}

int xw_sim_source_wfdb(struct xw_sim_source *source, const struct xw_sim_device_spec *spec,
                       char ret_text[XW_SIM_TEXT_BYTES])
{
    struct xw_wfdb_error error = {0};
    struct xw_wfdb_header header;
    unsigned signals[XW_SIM_CHANNELS_MAX];
    int r = xw_wfdb_header_load(spec->source.record, &header, &error);
    if (r < 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "%.240s", error.text);
        return r;
    }
    size_t signals_n = select_fetal(&header, signals);
    bool fetal = signals_n > 0;
    if (!fetal)
        signals_n = select_signals(&header, signals);
    xw_wfdb_header_done(&header);
    if (signals_n == 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "the recording of %.64s has no ECG in mV and no FHR",
                 spec->id);
        return -EINVAL;
    }
    struct recording *recording = calloc(1, sizeof(*recording));
    if (!recording)
        return -ENOMEM;
    recording->loop = spec->source.loop;
    r = xw_wfdb_reader_open(spec->source.record, signals, signals_n, &recording->reader, &error);
    if (r < 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "%.240s", error.text);
        free(recording);
        return r;
    }
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(recording->reader);
    source->rate_num = (uint64_t)rate.num;
    source->rate_den = (uint64_t)rate.den;
    source->channels_n = xw_wfdb_reader_channels(recording->reader);
    for (unsigned c = 0; c < source->channels_n; c++) {
        const struct xw_wfdb_signal *from = xw_wfdb_reader_signal(recording->reader, c);
        struct xw_sim_channel *to = &source->channels[c];
        lead_code(from->description, to->code, sizeof(to->code));
        snprintf(to->unit, sizeof(to->unit), "%.15s", from->unit);
        to->gain_num = (uint64_t)from->gain.num;
        to->gain_den = (uint64_t)from->gain.den;
        to->baseline = from->baseline;
        to->has_invalid = true;
        to->invalid = from->invalid;
        to->adc_min = from->count_min;
        to->adc_max = from->count_max;
        if (fetal)
            take_fetal(from, to);
    }
    if (fetal)
        source->modality = XW__MODALITY__MODALITY_CTG;
    source->state = recording;
    source->read = read_recording;
    source->done = recording_done;
    return 0;
}
