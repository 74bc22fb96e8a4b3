/* Runs the chain over the rows of a record and keeps the last word on everything it said. */
#include "tools/screen/screen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { BATCH_ROWS = 4096, ENTRIES_MAX = 8 * 1024 * 1024 };

void xw_screen_done(struct xw_screen *screen)
{
    xw_wfdb_reader_close(screen->reader);
    xw_formats_free(screen->file);
    xw_wfdb_reader_close(screen->pulse_reader);
    xw_ecg_chain_free(screen->chain);
    free(screen->entries);
    memset(screen, 0, sizeof(*screen));
}

/* Sequences rise by one with every new thing, so the place of a thing is its sequence. */
void xw_screen_on_event(void *user, const struct xw_ecg_event *event)
{
    struct xw_screen *screen = user;
    size_t index = (size_t)event->sequence - 1;
    if (index >= screen->entries_max) {
        size_t more = screen->entries_max ? 2 * screen->entries_max : 4096;
        struct xw_screen_entry *entries =
            more <= ENTRIES_MAX ? realloc(screen->entries, more * sizeof(*entries)) : NULL;
        if (!entries) {
            screen->overflow = true;
            return;
        }
        screen->entries = entries;
        screen->entries_max = more;
    }
    struct xw_screen_entry *entry = &screen->entries[index];
    if (index >= screen->entries_n) {
        memset(entry, 0, sizeof(*entry));
        entry->provisional_at = -1;
        entry->said_at = event->emitted_at;
        screen->entries_n = index + 1;
    }
    entry->event = *event;
    if (event->stage == XW_ECG_STAGE_PROVISIONAL)
        entry->provisional_at = event->emitted_at;
    /* An episode's end belongs to its first word; a label changed later does not. */
    if (event->stage == XW_ECG_STAGE_FINAL) {
        entry->first_final = *event;
        entry->has_final = true;
    }
}

const struct xw_ecg_event *xw_screen_word(const struct xw_screen_entry *entry,
                                          const struct xw_screen_options *options)
{
    const struct xw_ecg_event *word = &entry->event;
    if (options->stage == XW_SCREEN_STAGE_FINAL)
        word = entry->has_final ? &entry->first_final : NULL;
    return word && !word->withdrawn && word->kind ? word : NULL;
}

static int fail(struct xw_wfdb_error *ret_error, int error, const char *text)
{
    ret_error->line = 0;
    snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
    return error;
}

static int configure(struct xw_screen *screen, const struct xw_screen_options *options,
                     struct xw_wfdb_error *ret_error)
{
    struct xw_ecg_config *config = &screen->config;
    struct xw_wfdb_fraction rate = xw_screen_rate_hz(screen);
    if (screen->chosen_n > XW_ECG_CHANNELS_MAX)
        return fail(ret_error, -EINVAL, "needs 1 to 18 ECG signals (choose them with -s)");
    while (rate.num > UINT32_MAX || rate.den > UINT32_MAX) {
        rate.num /= 2;
        rate.den /= 2;
    }
    memset(config, 0, sizeof(*config));
    config->rate_num = (uint32_t)rate.num;
    config->rate_den = (uint32_t)rate.den;
    config->channels_n = (uint32_t)screen->chosen_n;
    config->mains_hz = options->mains_hz;
    config->on_event = xw_screen_on_event;
    config->user = screen;
    config->rules = &options->rules;
    for (unsigned c = 0; c < screen->chosen_n; c++) {
        struct xw_screen_signal s = xw_screen_signal(screen, c);
        struct xw_ecg_channel *channel = &config->channels[c];
        channel->lead = xw_ecg_lead_from_name(s.name);
        channel->gain_counts_per_mv = s.gain_per_mv;
        channel->baseline_counts = s.baseline;
        channel->has_invalid = true;
        channel->invalid_counts = s.invalid;
        channel->has_limits = s.min_counts > INT32_MIN && s.max_counts < INT32_MAX; /* not NAN */
        if (channel->has_limits) {
            channel->min_counts = (int32_t)s.min_counts;
            channel->max_counts = (int32_t)s.max_counts;
        }
    }
    int result = xw_ecg_chain_new(config, &screen->chain);
    if (result == -EINVAL)
        return fail(ret_error, result, "not an ECG of 100 to 1000 samples a second in mV");
    return result < 0 ? fail(ret_error, result, strerror(-result)) : 0;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int analyse(struct xw_screen *screen, struct xw_wfdb_error *ret_error)
{
    unsigned channels_n = screen->config.channels_n;
    /* Waves are pushed ahead of the ECG: not by more than a moment. */
    size_t batch_rows = screen->pulses_n ? 64 : BATCH_ROWS;
    int32_t *rows = malloc(sizeof(int32_t) * BATCH_ROWS * channels_n);
    int64_t n = rows ? 1 : -ENOMEM;
    while (n > 0) {
        n = xw_screen_read(screen, rows, batch_rows, ret_error);
        if (n > 0) {
            int result = xw_screen_pulses_push(screen, n, ret_error);
            n = result < 0 ? result : n;
        }
        double start = now_s();
        if (n > 0)
            xw_ecg_chain_process(screen->chain, rows, (size_t)n);
        else if (n == 0)
            xw_ecg_chain_flush(screen->chain);
        screen->seconds += now_s() - start;
        screen->rows_n += n > 0 ? n : 0;
    }
    free(rows);
    if (n == 0 && screen->overflow)
        return fail(ret_error, -EOVERFLOW, "more events than can be kept");
    return (int)n;
}

int xw_screen_run(struct xw_screen *screen, const struct xw_screen_options *options,
                  struct xw_wfdb_error *ret_error)
{
    int result = xw_screen_open(screen, options, ret_error);
    if (result >= 0)
        result = configure(screen, options, ret_error);
    if (result >= 0 && screen->reader && !options->no_pulses)
        result = xw_screen_pulses_open(screen, options, ret_error);
    return result >= 0 ? analyse(screen, ret_error) : result;
}
