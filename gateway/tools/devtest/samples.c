/* What the device sent, kept to be compared with what it sends again. */
#include <string.h>

#include "devtest.h"

enum { RANGES_MAX = 4096, ROWS_STEP = 4096 };

void samples_hello(struct devtest *t, const Xw__DeviceHello *hello)
{
    for (size_t i = 0; i < hello->n_signals; i++) {
        const Xw__DeviceSignal *in = hello->signals[i];
        struct sent *s = &t->sent[in->signal];
        s->rows_n = 0;
        s->any = false;
        if (s->used)
            continue;
        s->used = true;
        s->channels_n = (uint32_t)in->n_channels;
        s->rate_hz = (double)in->rate->num / (double)in->rate->den;
        xw_ranges_init(&s->known, RANGES_MAX);
        xw_ranges_init(&s->blocks, RANGES_MAX);
    }
}

static bool grow(struct sent *s, uint64_t rows)
{
    if (rows <= s->rows_cap)
        return true;
    size_t cap = (size_t)rows + ROWS_STEP;
    if (cap > SAMPLES_MAX / s->channels_n)
        return false;
    int32_t *x = realloc(s->x, cap * s->channels_n * sizeof(*x));
    if (!x)
        return false;
    s->x = x;
    s->rows_cap = cap;
    return true;
}

void samples_block(struct devtest *t, const struct xw_session_block *b)
{
    struct sent *s = &t->sent[b->signal];
    if (!s->base_set) {
        s->base = b->first;
        s->base_set = true;
    }
    if (!s->any)
        s->first_seen = b->first;
    s->any = true;
    s->rows_n += b->count;
    t->last_block_us = now_us();
    if (xw_ranges_add(&s->known, b->first, b->first + b->count) < 0 || b->first < s->base ||
        !grow(s, b->first + b->count - s->base))
        return; /* beyond what is kept: not compared */
    for (uint32_t i = 0; i < b->count; i++) {
        int32_t *mine = s->x + (b->first + i - s->base) * s->channels_n;
        const int32_t *its = b->x + (size_t)i * s->channels_n;
        if (xw_ranges_contains(&s->blocks, b->first + i))
            t->resent_differs_n += memcmp(mine, its, s->channels_n * sizeof(*its)) != 0;
        else
            memcpy(mine, its, s->channels_n * sizeof(*its));
    }
    if (xw_ranges_add(&s->blocks, b->first, b->first + b->count) < 0)
        return;
}

void samples_gap(struct devtest *t, unsigned signal, uint64_t first, uint64_t count)
{
    struct sent *s = &t->sent[signal];
    if (!s->any)
        s->first_seen = first;
    s->any = true;
    if (xw_ranges_add(&s->known, first, first + count) < 0)
        return;
}

void samples_free(struct devtest *t)
{
    for (unsigned i = 0; i < XW_HELLO_SIGNALS_MAX; i++) {
        free(t->sent[i].x);
        if (t->sent[i].used) {
            xw_ranges_done(&t->sent[i].known);
            xw_ranges_done(&t->sent[i].blocks);
        }
    }
    free(t->first_header);
}
