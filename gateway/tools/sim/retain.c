/* The list behind resume. */
#include "retain.h"

#include <string.h>

void xw_sim_retain_init(struct xw_sim_retain *retain, uint64_t limit_bytes)
{
    *retain = (struct xw_sim_retain){.limit_bytes = limit_bytes};
}

void xw_sim_retain_done(struct xw_sim_retain *retain)
{
    for (struct xw_sim_entry *entry = retain->head, *next; entry; entry = next) {
        next = entry->next;
        free(entry);
    }
    *retain = (struct xw_sim_retain){0};
}

struct xw_sim_entry *xw_sim_retain_add(struct xw_sim_retain *retain, size_t n_bytes)
{
    struct xw_sim_entry *entry = malloc(sizeof(*entry) + n_bytes);
    if (!entry)
        return NULL;
    memset(entry, 0, sizeof(*entry));
    entry->n_bytes = n_bytes;
    if (retain->tail)
        retain->tail->next = entry;
    else
        retain->head = entry;
    retain->tail = entry;
    if (!retain->unsent)
        retain->unsent = entry;
    retain->bytes_n += n_bytes;
    retain->entries_n++;
    return entry;
}

static void unlink_after(struct xw_sim_retain *retain, struct xw_sim_entry *before,
                         struct xw_sim_entry *entry)
{
    if (before)
        before->next = entry->next;
    else
        retain->head = entry->next;
    if (retain->tail == entry)
        retain->tail = before;
    if (retain->unsent == entry)
        retain->unsent = entry->next;
    retain->bytes_n -= entry->n_bytes;
    retain->entries_n--;
}

static bool is_held(const struct xw_sim_entry *entry, uint64_t upto, const struct xw_ranges *held,
                    uint64_t facts_upto)
{
    if (entry->count == 0)
        return entry->fact_seq <= facts_upto;
    uint64_t end = entry->first + entry->count;
    return end <= upto || xw_ranges_covers(held, XW_MAX(entry->first, XW_MIN(upto, end)), end);
}

uint64_t xw_sim_retain_acked(struct xw_sim_retain *retain, uint64_t upto,
                             const struct xw_ranges *held, uint64_t facts_upto)
{
    uint64_t samples_n = 0;
    uint64_t reach = XW_MAX(upto, xw_ranges_end(held));
    struct xw_sim_entry *before = NULL, *next;
    for (struct xw_sim_entry *entry = retain->head; entry; entry = next) {
        next = entry->next;
        if (is_held(entry, upto, held, facts_upto)) {
            samples_n += entry->count;
            unlink_after(retain, before, entry);
            free(entry);
            continue;
        }
        if (entry->count > 0 && entry->first >= reach)
            break; /* nothing later can be held */
        before = entry;
    }
    return samples_n;
}

void xw_sim_retain_rewind(struct xw_sim_retain *retain)
{
    retain->unsent = retain->head;
}

struct xw_sim_entry *xw_sim_retain_shed(struct xw_sim_retain *retain)
{
    if (retain->bytes_n <= retain->limit_bytes)
        return NULL;
    struct xw_sim_entry *before = NULL;
    for (struct xw_sim_entry *entry = retain->head; entry; before = entry, entry = entry->next) {
        if (entry->count == 0 || entry->is_gap)
            continue;
        unlink_after(retain, before, entry);
        entry->next = NULL;
        retain->given_up_n += entry->count;
        return entry;
    }
    return NULL;
}
