/* xinwang-screen: the gateway's own analysis chain over a WFDB recording, as fast as it goes.
 *
 * Purpose    What is measured on public databases is what runs at the bedside.
 * Threads    One. Ownership: x_init/x_done. Units: sample indices are those of the record's rows.
 * Errors     0 or a negative errno with a sentence in `struct xw_screen_error`. */
#ifndef XW_SCREEN_SCREEN_H
#define XW_SCREEN_SCREEN_H

#include "dsp/ecg/chain.h"
#include "wfdb/wfdb.h"

#include <stdio.h>

enum xw_screen_stage { XW_SCREEN_STAGE_END, XW_SCREEN_STAGE_FINAL };

struct xw_screen_options {
    const char *record; /* DIR/RECORD */
    const char *annotator;
    const char *out_dir; /* NULL: no annotation file */
    const char *json;    /* NULL: none; "-": stdout */
    enum xw_screen_stage stage;
    unsigned signals[XW_WFDB_MAX_SIGNALS];
    size_t signals_n; /* 0: all ECG signals */
    unsigned mains_hz;
    bool timing;
};

/* Returns 0 to go on, 1 when help or version was printed, -EINVAL with a message on stderr. */
int xw_screen_options_parse(int argc, char **argv, struct xw_screen_options *ret_options);

/* One thing that the chain said, its latest word, in order of sequence. */
struct xw_screen_entry {
    struct xw_ecg_event event;
    struct xw_ecg_event first_final; /* its first final word: what --stage final writes */
    bool has_final;
};

struct xw_screen {
    struct xw_wfdb_reader *reader;
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

/* OUTDIR/RECORD.ANNOTATOR. */
int xw_screen_write_annotations(const struct xw_screen *screen,
                                const struct xw_screen_options *options,
                                struct xw_wfdb_error *ret_error);
int xw_screen_write_json(const struct xw_screen *screen, const struct xw_screen_options *options,
                         struct xw_wfdb_error *ret_error);
void xw_screen_print_timing(const struct xw_screen *screen, FILE *out);

/* The word that counts under the options: the last one, or the first final one; NULL for none. */
const struct xw_ecg_event *xw_screen_word(const struct xw_screen_entry *entry,
                                          const struct xw_screen_options *options);

#endif
