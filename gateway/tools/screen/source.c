/* The signals of a record, whatever kind of file it is; see screen.h. */
#include "tools/screen/screen.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

static int fail(struct xw_wfdb_error *ret_error, int error, const char *text)
{
    ret_error->line = 0;
    snprintf(ret_error->text, sizeof(ret_error->text), "%s", text);
    return error;
}

/* Counts per mV, 0 if the unit is none of voltage. */
static double gain_per_mv(struct xw_wfdb_fraction counts_per_unit, const char *unit)
{
    double gain = (double)counts_per_unit.num / (double)counts_per_unit.den;
    if (strcasecmp(unit, "mV") == 0)
        return gain;
    if (strcasecmp(unit, "uV") == 0)
        return gain * 1000;
    if (strcasecmp(unit, "V") == 0)
        return gain / 1000;
    return 0;
}

static struct xw_screen_signal of_wfdb(const struct xw_wfdb_signal *s)
{
    return (struct xw_screen_signal){.name = s->description,
                                     .gain_per_mv = gain_per_mv(s->gain, s->unit),
                                     .baseline = s->baseline,
                                     .min_counts = s->count_min,
                                     .max_counts = s->count_max,
                                     .invalid = s->invalid};
}

static struct xw_screen_signal of_file(const struct xw_formats_lead *l)
{
    return (struct xw_screen_signal){.name = l->name,
                                     .gain_per_mv = gain_per_mv(l->gain, l->unit),
                                     .baseline = (double)l->baseline.num / (double)l->baseline.den,
                                     .min_counts = NAN,
                                     .max_counts = NAN,
                                     .invalid = XW_FORMATS_NO_SAMPLE};
}

/* header: of a WFDB record, else NULL. */
static struct xw_screen_signal signal_at(const struct xw_screen *screen,
                                         const struct xw_wfdb_header *header, unsigned index)
{
    return header ? of_wfdb(&header->signals[index]) : of_file(&screen->ecg->leads[index]);
}

struct xw_screen_signal xw_screen_signal(const struct xw_screen *screen, unsigned channel)
{
    return screen->ecg ? of_file(&screen->ecg->leads[screen->chosen[channel]])
                       : of_wfdb(xw_wfdb_reader_signal(screen->reader, channel));
}

static int find_signal(const struct xw_screen *screen, const struct xw_wfdb_header *header,
                       unsigned signals_n, const char *name)
{
    char *end = NULL;
    unsigned long number = strtoul(name, &end, 10);
    if (*name >= '0' && *name <= '9' && *end == 0)
        return number < signals_n ? (int)number : -1;
    for (unsigned i = 0; i < signals_n; i++)
        if (strcasecmp(signal_at(screen, header, i).name, name) == 0)
            return (int)i;
    return -1;
}

/* The signals named in the list, or every one in a unit of voltage (a pulse wave is in mmHg). */
static int choose_signals(struct xw_screen *screen, const struct xw_wfdb_header *header,
                          unsigned signals_n, const char *list, struct xw_wfdb_error *ret_error)
{
    screen->chosen_n = 0;
    for (unsigned i = 0; !list && i < signals_n; i++) {
        if (screen->chosen_n > XW_ECG_CHANNELS_MAX)
            break; /* too many: told by whoever needs them */
        struct xw_screen_signal s = signal_at(screen, header, i);
        if (fabs(s.gain_per_mv) > 0 && strncasecmp(s.name, "RESP", 4) != 0 &&
            !xw_screen_is_pulse(s.name))
            screen->chosen[screen->chosen_n++] = i;
    }
    while (list && *list) {
        char name[64];
        size_t n = strcspn(list, ",");
        int found = -1;
        if (n < sizeof(name) && screen->chosen_n < XW_WFDB_MAX_SIGNALS) {
            memcpy(name, list, n);
            name[n] = 0;
            found = find_signal(screen, header, signals_n, name);
        }
        if (found < 0) {
            snprintf(ret_error->text, sizeof(ret_error->text), "no signal '%.*s' in this record",
                     (int)(n < 64 ? n : 64), list);
            return -EINVAL;
        }
        screen->chosen[screen->chosen_n++] = (unsigned)found;
        list += n + (list[n] == ',');
    }
    return screen->chosen_n ? 0 : fail(ret_error, -EINVAL, "no signal of this record is in mV");
}

const char *xw_screen_channel_name(const struct xw_screen *screen, unsigned channel)
{
    return screen->ecg ? screen->ecg->leads[screen->chosen[channel]].name
                       : xw_wfdb_reader_signal(screen->reader, channel)->description;
}

struct xw_wfdb_fraction xw_screen_rate_hz(const struct xw_screen *screen)
{
    return screen->ecg ? screen->ecg->rate_hz : xw_wfdb_reader_rate_hz(screen->reader);
}

int64_t xw_screen_length(const struct xw_screen *screen)
{
    return screen->ecg ? screen->ecg->samples_n : xw_wfdb_reader_length(screen->reader);
}

int xw_screen_seek(struct xw_screen *screen, int64_t row)
{
    if (!screen->ecg)
        return xw_wfdb_reader_seek(screen->reader, row);
    if (row < 0 || row > screen->ecg->samples_n)
        return -EINVAL;
    screen->file_row = row;
    return 0;
}

int64_t xw_screen_read(struct xw_screen *screen, int32_t *rows, size_t max_rows,
                       struct xw_wfdb_error *ret_error)
{
    if (!screen->ecg)
        return xw_wfdb_reader_read(screen->reader, rows, max_rows, ret_error);
    const struct xw_formats_group *g = screen->ecg;
    int64_t left = g->samples_n - screen->file_row;
    int64_t n = left < (int64_t)max_rows ? left : (int64_t)max_rows;
    for (int64_t i = 0; i < n; i++)
        for (size_t c = 0; c < screen->chosen_n; c++)
            rows[(size_t)i * screen->chosen_n + c] =
                g->rows[(size_t)(screen->file_row + i) * g->leads_n + screen->chosen[c]];
    screen->file_row += n;
    return n;
}

/* Opens what the options name: a WFDB record as a stream, another file whole. */
static int open_record(struct xw_screen *screen, const struct xw_screen_options *options,
                       struct xw_wfdb_header *header, struct xw_wfdb_error *ret_error)
{
    struct xw_formats_error error = {{0}, {0}};
    struct stat st;
    int result = xw_wfdb_header_load(options->record, header, ret_error);
    if (result >= 0) {
        result = choose_signals(screen, header, header->signals_n, options->signals, ret_error);
        return result < 0 ? result
                          : xw_wfdb_reader_open(options->record, screen->chosen, screen->chosen_n,
                                                &screen->reader, ret_error);
    }
    memset(header, 0, sizeof(*header));
    if (stat(options->record, &st) < 0)
        return result; /* what the WFDB reader said of it */
    result = xw_formats_open(options->record, 0, &screen->file, &error);
    if (result < 0) {
        snprintf(ret_error->text, sizeof(ret_error->text), "%.60s%s%.180s", error.where,
                 error.where[0] ? ": " : "", error.text);
        return result;
    }
    screen->ecg = xw_formats_rhythm(screen->file);
    if (!screen->ecg)
        return fail(ret_error, -ENODATA, "the file holds no ECG");
    return choose_signals(screen, NULL, screen->ecg->leads_n, options->signals, ret_error);
}

int xw_screen_open(struct xw_screen *screen, const struct xw_screen_options *options,
                   struct xw_wfdb_error *ret_error)
{
    struct xw_wfdb_header *header = calloc(1, sizeof(*header));
    memset(screen, 0, sizeof(*screen));
    if (!header)
        return fail(ret_error, -ENOMEM, "out of memory");
    int result = open_record(screen, options, header, ret_error);
    xw_wfdb_header_done(header); /* the reader has one of its own */
    free(header);
    return result;
}
