/* Gathering and appending; see intake.h. */
#include "link/intake.h"

#include <string.h>

#include "base/fault.h"
#include "link/record.h"

struct append_op {
    struct xw_intake *intake;
    struct xw_life *life;
    struct xw_intake_gathered what;
};

void xw_intake_init(struct xw_intake *intake, struct xw_life *life, struct xw_store *store,
                    const struct xw_intake_ops *ops, void *user)
{
    *intake = (struct xw_intake){.life = life, .store = store, .ops = ops, .user = user};
}

static void drop_gathered(struct xw_intake_gathered *g)
{
    for (size_t i = 0; i < g->entries_n; i++)
        free(g->entries[i].record);
    free(g->entries);
    xw_store_batch_free(g->batch);
    *g = (struct xw_intake_gathered){0};
}

void xw_intake_done(struct xw_intake *intake)
{
    drop_gathered(&intake->next);
}

static int need_batch(struct xw_intake *intake)
{
    struct xw_intake_gathered *g = &intake->next;
    return g->batch ? 0 : xw_store_batch_new(intake->store, &g->batch);
}

static int new_entry(struct xw_intake *intake, struct xw_intake_entry **ret_entry)
{
    struct xw_intake_gathered *g = &intake->next;
    if (!g->entries || g->entries_n == g->entries_cap) {
        size_t cap = g->entries_cap ? 2 * g->entries_cap : 64;
        struct xw_intake_entry *entries = realloc(g->entries, cap * sizeof(*entries));
        if (!entries)
            return -ENOMEM;
        g->entries = entries;
        g->entries_cap = cap;
    }
    *ret_entry = &g->entries[g->entries_n++];
    **ret_entry = (struct xw_intake_entry){0};
    return 0;
}

int xw_intake_stream(struct xw_intake *intake, const struct xw_uuid *id, const void *header,
                     size_t header_size)
{
    int r = need_batch(intake);
    return r < 0 ? r : xw_store_batch_stream(intake->next.batch, id, header, header_size);
}

/* Consecutive ranges of one stream become one entry: one call back, one acknowledgement. */
static int note_range(struct xw_intake *intake, void *stream, struct xw_range range, bool live)
{
    struct xw_intake_gathered *g = &intake->next;
    struct xw_intake_entry *entry = g->entries_n ? &g->entries[g->entries_n - 1] : NULL;
    if (entry && entry->stream == stream && entry->live == live &&
        entry->range.end == range.first) {
        entry->range.end = range.end;
        return 0;
    }
    int r = new_entry(intake, &entry);
    if (r < 0)
        return r;
    entry->stream = stream;
    entry->range = range;
    entry->live = live;
    return 0;
}

int xw_intake_block(struct xw_intake *intake, void *stream, const struct xw_store_block *block,
                    bool live)
{
    int r = need_batch(intake);
    if (r >= 0)
        r = xw_store_batch_block(intake->next.batch, block);
    if (r < 0)
        return r;
    return note_range(intake, stream, (struct xw_range){block->first, block->first + block->count},
                      live);
}

int xw_intake_gap(struct xw_intake *intake, void *stream, const struct xw_store_gap *gap, bool live)
{
    int r = need_batch(intake);
    if (r >= 0)
        r = xw_store_batch_gap(intake->next.batch, gap);
    return r < 0 ? r : note_range(intake, stream, gap->range, live);
}

int xw_intake_record(struct xw_intake *intake, const struct xw_store_record *record,
                     const struct xw_uuid *in_log, uint64_t seq)
{
    struct xw_intake_entry *entry;
    struct xw_store_record *copy = xw_record_copy(record);
    int r = copy ? need_batch(intake) : -ENOMEM;
    if (r >= 0)
        r = xw_store_batch_record(intake->next.batch, record, NULL, in_log, seq);
    if (r >= 0)
        r = new_entry(intake, &entry);
    if (r < 0) {
        free(copy);
        return r;
    }
    entry->range = (struct xw_range){seq, seq + 1};
    entry->record = copy;
    return 0;
}

void xw_intake_owe(struct xw_intake *intake, uint64_t conn_id, uint64_t n_bytes)
{
    struct xw_intake_gathered *g = &intake->next;
    for (size_t i = 0; i < g->due_n; i++)
        if (g->due[i].conn_id == conn_id) {
            g->due[i].n_bytes += n_bytes;
            return;
        }
    if (g->due_n == XW_INTAKE_CONNS_MAX) { /* the oldest socket is gone by now */
        memmove(&g->due[0], &g->due[1], (XW_INTAKE_CONNS_MAX - 1) * sizeof(g->due[0]));
        g->due_n--;
    }
    g->due[g->due_n++] = (struct xw_intake_due){conn_id, n_bytes};
}

static void report(struct xw_intake *intake, const struct xw_intake_gathered *g, int status)
{
    const struct xw_intake_ops *ops = intake->ops;
    for (size_t i = 0; i < g->entries_n; i++) {
        const struct xw_intake_entry *e = &g->entries[i];
        if (e->stream && status >= 0)
            ops->stored(intake->user, e->stream, e->range, e->live);
        else if (e->stream)
            ops->lost(intake->user, e->stream, e->range);
        else if (status >= 0)
            ops->recorded(intake->user, e->range.first, e->record);
        else
            ops->unrecorded(intake->user, e->range.first);
    }
    for (size_t i = 0; i < g->due_n; i++)
        ops->settled(intake->user, g->due[i].conn_id, g->due[i].n_bytes);
    ops->done(intake->user, status);
}

static void on_appended(void *user, const struct xw_store_done *done)
{
    struct append_op *op = user;
    struct xw_intake *intake = op->intake;
    if (!op->life->dead) {
        int status = done->status;
        if (status >= 0)
            status = xw_fault_point("link.ack.after_store");
        intake->appending = false;
        report(intake, &op->what, status);
    }
    drop_gathered(&op->what);
    xw_life_unref(op->life);
    free(op);
}

void xw_intake_submit(struct xw_intake *intake)
{
    struct append_op *op;
    if (intake->appending || !intake->next.batch || !(op = malloc(sizeof(*op))))
        return;
    *op = (struct append_op){intake, intake->life, intake->next};
    intake->next = (struct xw_intake_gathered){0};
    struct xw_store_batch *batch = XW_STEAL(op->what.batch);
    if (intake->owner)
        xw_store_batch_epoch(batch, intake->owner, intake->epoch);
    int r = xw_fault_point("link.ack.before_store");
    if (r < 0)
        xw_store_batch_free(batch);
    else
        r = xw_store_append(intake->store, batch, on_appended, op);
    if (r < 0) {
        report(intake, &op->what, r);
        drop_gathered(&op->what);
        free(op);
        return;
    }
    intake->appending = true;
    xw_life_ref(intake->life);
}

bool xw_intake_waiting(const struct xw_intake *intake)
{
    return intake->appending || intake->next.batch;
}
