/* Beats kept in order of time, and what open findings were found to rest on. */
#include "edge/basis.h"

#include <string.h>

void xw_basis_init(struct xw_basis *basis)
{
    memset(basis, 0, sizeof(*basis));
}

static int64_t *slot(struct xw_basis *b, size_t i)
{
    return &b->ring[(b->first + i) % XW_BASIS_RING];
}

/* The place of the first beat at or after `at`. */
static size_t place_of(struct xw_basis *b, int64_t at)
{
    size_t i = b->n;
    while (i > 0 && *slot(b, i - 1) >= at)
        i--;
    return i;
}

static void take_away(struct xw_basis *b, int64_t at)
{
    size_t i = place_of(b, at);
    if (i == b->n || *slot(b, i) != at)
        return;
    for (; i + 1 < b->n; i++)
        *slot(b, i) = *slot(b, i + 1);
    b->n--;
}

/* Beats found by look-back come behind later ones: put where they belong. */
static void add(struct xw_basis *b, int64_t at)
{
    if (b->n == XW_BASIS_RING) {
        b->first = (b->first + 1) % XW_BASIS_RING;
        b->n--;
    }
    size_t place = place_of(b, at);
    if (place < b->n && *slot(b, place) == at)
        return;
    for (size_t i = b->n++; i > place; i--)
        *slot(b, i) = *slot(b, i - 1);
    *slot(b, place) = at;
}

void xw_basis_event(struct xw_basis *b, const struct xw_ecg_event *event)
{
    if (event->kind != XW_ECG_KIND_BEAT || event->stage == XW_ECG_STAGE_PROVISIONAL)
        return;
    if (event->withdrawn)
        take_away(b, event->first);
    else if (event->stage == XW_ECG_STAGE_FINAL)
        add(b, event->first);
}

static struct xw_basis_open *find(struct xw_basis *b, uint64_t sequence)
{
    for (size_t i = 0; i < XW_BASIS_OPEN_MAX; i++)
        if (b->open[i].sequence == sequence)
            return &b->open[i];
    return NULL;
}

size_t xw_basis_beats(struct xw_basis *b, const struct xw_ecg_event *event,
                      const uint64_t **ret_beats)
{
    bool rests = event->kind == XW_ECG_KIND_ALARM || event->kind == XW_ECG_KIND_RHYTHM;
    if (!rests || !event->sequence)
        return 0;
    struct xw_basis_open *known = find(b, event->sequence);
    if (!known) {
        known = &b->open[b->next++ % XW_BASIS_OPEN_MAX];
        *known = (struct xw_basis_open){.sequence = event->sequence};
        int64_t end = event->end < event->emitted_at ? event->end : event->emitted_at;
        for (size_t i = place_of(b, event->first);
             i < b->n && *slot(b, i) < end && known->n < XW_BASIS_BEATS_MAX; i++)
            known->beats[known->n++] = (uint64_t)*slot(b, i);
    }
    *ret_beats = known->beats;
    return known->n;
}
