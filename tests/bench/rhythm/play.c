/* Every signal in mV but breathing and pressure. */
#include "bench/rhythm/play.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static size_t choose(const struct xw_wfdb_header *header, unsigned *signals)
{
    size_t n = 0;
    for (unsigned i = 0; i < header->signals_n && n < XW_ECG_CHANNELS_MAX; i++) {
        const struct xw_wfdb_signal *s = &header->signals[i];
        if (strcasecmp(s->unit, "mV") == 0 && strncasecmp(s->description, "RESP", 4) != 0 &&
            strncasecmp(s->description, "PLETH", 5) != 0 && strcasecmp(s->description, "ABP") != 0)
            signals[n++] = i;
    }
    return n;
}

static int new_chain(struct xw_rhythm_play *play, xw_ecg_event_fn on_event, void *user)
{
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(play->reader);
    struct xw_ecg_config config = {.rate_num = (uint32_t)rate.num,
                                   .rate_den = (uint32_t)rate.den,
                                   .channels_n = play->channels_n,
                                   .on_event = on_event,
                                   .user = user};
    play->rate_hz = (double)rate.num / (double)rate.den;
    for (unsigned c = 0; c < play->channels_n; c++) {
        const struct xw_wfdb_signal *s = xw_wfdb_reader_signal(play->reader, c);
        config.channels[c] =
            (struct xw_ecg_channel){.lead = xw_ecg_lead_from_name(s->description),
                                    .gain_counts_per_mv = (double)s->gain.num / (double)s->gain.den,
                                    .baseline_counts = s->baseline,
                                    .has_invalid = true,
                                    .invalid_counts = s->invalid};
    }
    return xw_ecg_chain_new(&config, &play->chain);
}

int xw_rhythm_play_open(const char *record_path, xw_ecg_event_fn on_event, void *user,
                        struct xw_rhythm_play *ret_play)
{
    struct xw_wfdb_header header;
    unsigned signals[XW_ECG_CHANNELS_MAX];
    memset(ret_play, 0, sizeof(*ret_play));
    ret_play->end = INT64_MAX;
    int result = xw_wfdb_header_load(record_path, &header, NULL);
    if (result < 0)
        return result;
    size_t n = choose(&header, signals);
    xw_wfdb_header_done(&header);
    if (!n)
        return -ENODATA;
    result = xw_wfdb_reader_open(record_path, signals, n, &ret_play->reader, NULL);
    if (result < 0)
        return result;
    ret_play->channels_n = (unsigned)n;
    result = new_chain(ret_play, on_event, user);
    ret_play->rows = calloc((size_t)(ret_play->rate_hz + 1) * n, sizeof(int32_t));
    if (result >= 0 && !ret_play->rows)
        result = -ENOMEM;
    if (result < 0)
        xw_rhythm_play_close(ret_play);
    return result;
}

int xw_rhythm_play_pulses(const char *record_path, struct xw_rhythm_play *play)
{
    const struct xw_wfdb_header *header = xw_wfdb_reader_header(play->reader);
    unsigned signals[XW_ECG_PULSES_MAX], n = 0;
    for (unsigned i = 0; i < header->signals_n && n < XW_ECG_PULSES_MAX; i++)
        if (strcasecmp(header->signals[i].description, "PLETH") == 0 ||
            strcasecmp(header->signals[i].description, "ABP") == 0)
            signals[n++] = i;
    if (!n)
        return 0;
    int result = xw_wfdb_reader_open(record_path, signals, n, &play->pulse_reader, NULL);
    for (unsigned i = 0; i < n && result >= 0; i++)
        result = xw_ecg_pulse_init(&play->pulse[i], play->rate_hz, play->rate_hz);
    const struct xw_ecg_pulse *list[XW_ECG_PULSES_MAX];
    for (unsigned i = 0; i < n; i++)
        list[i] = &play->pulse[i];
    play->pulses_n = n;
    if (result >= 0)
        xw_ecg_chain_set_pulses(play->chain, list, n);
    return result;
}

static void push_pulses(struct xw_rhythm_play *play, int64_t n)
{
    int32_t row[XW_ECG_PULSES_MAX];
    for (int64_t i = 0; i < n; i++) {
        if (xw_wfdb_reader_read(play->pulse_reader, row, 1, NULL) != 1)
            return;
        for (unsigned k = 0; k < play->pulses_n; k++) {
            const struct xw_wfdb_signal *s = xw_wfdb_reader_signal(play->pulse_reader, k);
            xw_ecg_pulse_push(&play->pulse[k], (float)row[k], play->at + i, row[k] != s->invalid);
        }
    }
}

int xw_rhythm_play_second(struct xw_rhythm_play *play)
{
    int64_t want = (int64_t)play->rate_hz;
    if (want > play->end - play->at)
        want = play->end - play->at;
    int64_t n = want > 0 ? xw_wfdb_reader_read(play->reader, play->rows, (size_t)want, NULL) : 0;
    if (n > 0 && play->pulse_reader)
        push_pulses(play, n);
    if (n > 0)
        xw_ecg_chain_process(play->chain, play->rows, (size_t)n);
    else if (n == 0)
        xw_ecg_chain_flush(play->chain);
    play->at += n > 0 ? n : 0;
    return n > 0 ? 1 : (int)n;
}

void xw_rhythm_play_close(struct xw_rhythm_play *play)
{
    xw_ecg_chain_free(play->chain);
    xw_wfdb_reader_close(play->reader);
    xw_wfdb_reader_close(play->pulse_reader);
    free(play->rows);
    memset(play, 0, sizeof(*play));
}
