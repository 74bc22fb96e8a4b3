/* xinwang-screen: the gateway's own analysis chain over a recording, as fast as it goes. A WFDB
 * record is streamed, an ECG file of any other kind (libxwformats) is read whole.
 *
 * Purpose    What is measured on public databases is what runs at the bedside.
 * Threads    One. Ownership: x_init/x_done. Units: sample indices are those of the record's rows.
 * Errors     0 or a negative errno with a sentence in `struct xw_screen_error`. */
#ifndef XW_SCREEN_SCREEN_H
#define XW_SCREEN_SCREEN_H

#include "dsp/ecg/chain.h"
#include "dsp/ecg12/ecg12.h"
#include "formats/formats.h"
#include "dsp/ecg/pulse.h"
#include "wfdb/wfdb.h"

#include <stdio.h>

enum xw_screen_stage { XW_SCREEN_STAGE_REVISED, XW_SCREEN_STAGE_FINAL };

struct xw_screen_options {
    const char *record; /* DIR/RECORD, or a file */
    const char *beats;  /* DIR/RECORD.SUFFIX: no signals, its beats alone; NULL: the signals */
    const char *annotator;
    const char *out_dir; /* NULL: no annotation file */
    const char *json;    /* NULL: none; "-": stdout */
    enum xw_screen_stage stage;
    const char *signals; /* numbers or names, apart by commas; NULL: all ECG signals */
    unsigned mains_hz;
    bool delays; /* RECORD.delays beside the annotations */
    bool timing;
    bool no_pulses;            /* pulse waves of the record are not asked */
    const char *rules_file;    /* NULL: the defaults */
    bool check_rules;          /* nothing else is done */
    struct xw_ecg_rules rules; /* in force */
    bool twelve;               /* ten seconds as a 12-lead ECG, instead */
    const char *statements;    /* folder of the tables of its statements; NULL: built in */
    double at_s;               /* … from there; below 0: chosen */
    float age_years;           /* NAN: not known */
    enum xw_ecg12_sex sex;
    const char *previous; /* against this recording; NULL: none */
    const char *pdf;      /* a printed page of them; NULL: none; "-": stdout */
    const char *page;     /* how it looks: KEY=VALUE,…; NULL: as usual */
    char record_of_beats[4096], record_before[4096];
};

/* Returns 0 to go on, 1 when help or version was printed, -EINVAL with a message on stderr. */
int xw_screen_options_parse(int argc, char **argv, struct xw_screen_options *ret_options);

/* One thing that the chain said, its latest word, in order of sequence. */
struct xw_screen_entry {
    struct xw_ecg_event event;
    struct xw_ecg_event first_final; /* its first final word: what --stage final writes */
    bool has_final;
    int64_t said_at;        /* samples consumed at its first word */
    int64_t provisional_at; /* samples consumed at its provisional word, -1: it had none */
};

struct xw_screen {
    struct xw_wfdb_reader *reader;        /* of a WFDB record, else NULL */
    struct xw_formats_recording *file;    /* of any other, else NULL */
    const struct xw_formats_group *ecg;   /* of `file` */
    unsigned chosen[XW_WFDB_MAX_SIGNALS]; /* signals of the record, channel by channel */
    size_t chosen_n;
    int64_t file_row;                    /* of `file`: the next one to be read */
    struct xw_wfdb_reader *pulse_reader; /* PLETH, ABP, ART of the record; NULL without */
    struct xw_ecg_pulse pulse[XW_ECG_PULSES_MAX];
    unsigned pulses_n;
    struct xw_ecg_chain *chain;
    struct xw_ecg_config config;
    struct xw_screen_entry *entries;
    size_t entries_n, entries_max;
    bool overflow;  /* more events than the limit: reported as an error */
    double seconds; /* analysis alone */
    int64_t rows_n;
};

void xw_screen_done(struct xw_screen *screen);
/* Opens the record, configures the chain from its header, runs it to the end. */
int xw_screen_run(struct xw_screen *screen, const struct xw_screen_options *options,
                  struct xw_wfdb_error *ret_error);

/* ---- the record (source.c): of its signals the chosen ones are its channels ---- */

struct xw_screen_signal {
    const char *name;
    double gain_per_mv; /* counts; 0: no voltage */
    double baseline;
    double min_counts, max_counts; /* that the format can carry; NAN: not known */
    int32_t invalid;               /* the count of no sample */
};

/* Opens what the options name: a WFDB record as a stream, another file whole. Initialises screen;
 * xw_screen_done also after an error. */
int xw_screen_open(struct xw_screen *screen, const struct xw_screen_options *options,
                   struct xw_wfdb_error *ret_error);
struct xw_screen_signal xw_screen_signal(const struct xw_screen *screen, unsigned channel);
/* The name that the record gives a channel; as long as screen is open. */
const char *xw_screen_channel_name(const struct xw_screen *screen, unsigned channel);
struct xw_wfdb_fraction xw_screen_rate_hz(const struct xw_screen *screen);
int64_t xw_screen_length(const struct xw_screen *screen); /* rows */
int xw_screen_seek(struct xw_screen *screen, int64_t row);
/* The next rows, channels interleaved: how many, 0 at the end. */
int64_t xw_screen_read(struct xw_screen *screen, int32_t *rows, size_t max_rows,
                       struct xw_wfdb_error *ret_error);

/* The record's pulse waves as witnesses of its chain: open once, then push before each batch of ECG
 * what the same rows hold of them. (pulses.c) */
int xw_screen_pulses_open(struct xw_screen *screen, const struct xw_screen_options *options,
                          struct xw_wfdb_error *ret_error);
int xw_screen_pulses_push(struct xw_screen *screen, int64_t rows_n,
                          struct xw_wfdb_error *ret_error);
bool xw_screen_is_pulse(const char *description);

/* The beats of an annotation file alone; screen->chain stays NULL. */
int xw_screen_run_beats(struct xw_screen *screen, const struct xw_screen_options *options,
                        struct xw_wfdb_error *ret_error);
/* Keeps an event; user: the struct xw_screen. */
void xw_screen_on_event(void *user, const struct xw_ecg_event *event);

/* OUTDIR/RECORD.ANNOTATOR. */
int xw_screen_write_annotations(const struct xw_screen *screen,
                                const struct xw_screen_options *options,
                                struct xw_wfdb_error *ret_error);
/* OUTDIR/RECORD.delays. */
int xw_screen_write_delays(const struct xw_screen *screen, const struct xw_screen_options *options,
                           struct xw_wfdb_error *ret_error);
int xw_screen_write_json(const struct xw_screen *screen, const struct xw_screen_options *options,
                         struct xw_wfdb_error *ret_error);
void xw_screen_print_timing(const struct xw_screen *screen, FILE *out);

/* The word that counts under the options: the last one, or the first final one; NULL for none. */
const struct xw_ecg_event *xw_screen_word(const struct xw_screen_entry *entry,
                                          const struct xw_screen_options *options);

#endif
