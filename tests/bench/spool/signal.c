/* Signals cut into blocks of 250 ms. */
#include "bench/spool/signal.h"

#include "base/block.h"
#include "bench/codec/recordings.h"
#include "dsp/synth/synth.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS_MAX = 64, PATIENTS = 8, PATIENT_S = 60 };

static int add_rows(struct signal *signal, const int32_t *x, size_t rows_n)
{
    for (size_t at = 0; at + SIGNAL_COUNT <= rows_n; at += SIGNAL_COUNT) {
        uint8_t bytes[SIGNAL_LEADS * SIGNAL_COUNT * 5];
        const int32_t *from = x + at * SIGNAL_LEADS;
        int n =
            xw_block_encode(XW_CODING_DELTA, from, SIGNAL_LEADS, SIGNAL_COUNT, bytes, sizeof bytes);
        if (n < 0)
            return n;
        if (signal->n == signal->cap) {
            size_t cap = signal->cap ? signal->cap * 2 : 256;
            struct signal_block *v = realloc(signal->blocks, cap * sizeof *v);
            if (!v)
                return -ENOMEM;
            signal->blocks = v;
            signal->cap = cap;
        }
        struct signal_block *block = &signal->blocks[signal->n];
        *block = (struct signal_block){malloc((size_t)n), (size_t)n,
                                       xw_block_crc(from, SIGNAL_LEADS, SIGNAL_COUNT)};
        if (!block->data)
            return -ENOMEM;
        memcpy(block->data, bytes, (size_t)n);
        signal->n++;
    }
    return 0;
}

static int take(struct xw_recording *r, void *user)
{
    if (r->nth >= RECORDS_MAX || r->channels_n != SIGNAL_LEADS || r->rate_hz != SIGNAL_RATE_HZ)
        return 0;
    return add_rows(user, r->x, r->rows_n);
}

static int synthesize(struct signal *signal)
{
    size_t rows_n = (size_t)PATIENT_S * SIGNAL_RATE_HZ;
    int32_t *x = malloc(rows_n * SIGNAL_LEADS * sizeof *x);
    int r = x ? 0 : -ENOMEM;
    for (uint64_t seed = 1; r == 0 && seed <= PATIENTS; seed++) {
        struct xw_synth_config config;
        struct xw_synth *synth;
        xw_synth_config_init(&config);
        config.seed = seed;
        r = xw_synth_new(&config, &synth);
        if (r < 0)
            break;
        xw_synth_read(synth, x, rows_n);
        r = add_rows(signal, x, rows_n);
        xw_synth_free(synth);
    }
    free(x);
    return r;
}

int signal_make(struct signal *ret_signal)
{
    *ret_signal = (struct signal){.source = "PTB-XL, 64 records"};
    int r = xw_recordings_read("ptbxl", take, ret_signal);
    if (r >= 0 && ret_signal->n == 0) {
        ret_signal->source = "synthetic patients";
        r = synthesize(ret_signal);
    }
    return r < 0 ? r : 0;
}

void signal_done(struct signal *signal)
{
    for (size_t i = 0; i < signal->n; i++)
        free(signal->blocks[i].data);
    free(signal->blocks);
    *signal = (struct signal){0};
}
