/* A reading of ten seconds as JSON: the one writer that tools and daemons share, so that they say
 * the same. null stands for what is not known; times are ms from `from_sample`.
 *
 * Threads: none of its own; a view is only read. Memory: the caller owns the object returned.
 * Errors: NULL when memory is short. */
#ifndef XW_READING_JSON_H
#define XW_READING_JSON_H

#include "dsp/ecg12/ecg12.h"
#include "dsp/interpret/interpret.h"
#include "dsp/net12/net12.h"
#include "reading/rhythm.h"

#include <jansson.h>

/* What was read; everything is borrowed. */
struct xw_reading_view {
    const struct xw_ecg12_input *input;
    const struct xw_ecg12_result *result;
    int64_t from;            /* row of the recording or index of the stream */
    const char *const *name; /* of the channels, as in the header; derived leads have none */
    const char *record;      /* name of a file; NULL: none is said */
    /* The machine's statements and the tables they were made with (words.h); NULL: none are made.
     */
    const struct xw_interpret_tables *tables;
    const struct xw_interpretation *said;
    const struct xw_reading_rhythm *rhythm; /* of the same seconds; NULL: null is written */
    const struct xw_net12 *network; /* shared; NULL: the shipped one is opened for this reading */
    json_t *previous; /* the comparison (compare.h), kept a ref of; NULL: null is written */
};

json_t *xw_reading_json(const struct xw_reading_view *view);

#endif
