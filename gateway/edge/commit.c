/* Group commit into the spool. */
#include "edge/commit.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "proto/signal.pb-c.h"
#include "proto/study.pb-c.h"

#include <string.h>
#include <uv.h>

enum {
    OWNERS_A_BATCH = 256,
    RECORDS_WAITING_MAX = 8192,
    BATCH_BYTES = 512 * 1024,
    GAP_BYTES = 64,
    WAITED_BYTES = 64 * 1024, /* fits into what a full spool has left for records */
    GATHERED_MAX_BYTES = 4 * 1024 * 1024,
    RETRY_US = 1000000,
    ROOM_AGAIN_US = 5000000,
    GATHER_US =
        40000, /* an acknowledgement may take 100 ms; fewer syncs are more county per disk */
};

XW_COUNTER(commit_failed, "xw_edge_commit_failed_total", NULL, "batches that the spool refused");
XW_COUNTER(records_dropped, "xw_edge_records_dropped_total", NULL,
           "records let go because the spool took none for too long");

/* A record as it must be said again if its batch fails: one allocation. */
struct saved {
    struct saved *next;
    struct xw_store_record record;
    bool local, once;
    uint8_t key[64];
    uint8_t body[];
};

struct saved_list {
    struct saved *first, **last;
    size_t n;
};

struct out {
    struct xw_commit *commit;
    struct xw_store_batch *batch;
    struct xw_commit_owner *owners[OWNERS_A_BATCH];
    uint64_t marks[OWNERS_A_BATCH];
    size_t owners_n, bytes;
    int64_t begun_us;
    bool urgent; /* an alarm, a decision: not to be gathered */
    bool waited; /* holds records that were refused before */
    struct saved_list records;
};

struct xw_commit {
    struct xw_edge *edge;
    struct out *open; /* gathering; NULL = nothing yet */
    uint32_t out_n;
    struct saved_list waiting; /* of failed batches */
    bool full, told_full;      /* refused; the store says so itself */
    bool waited_out;           /* what waited is being tried again */
    bool singly;               /* one that waits is not fit to be kept: find it */
    int64_t full_since_us, retry_at_us;
    uv_prepare_t prepare;
    struct xw_commit_stats stats;
};

static void list_init(struct saved_list *list)
{
    list->first = NULL;
    list->last = &list->first;
    list->n = 0;
}

static void list_add(struct saved_list *list, struct saved *saved)
{
    saved->next = NULL;
    *list->last = saved;
    list->last = &saved->next;
    list->n++;
}

static struct saved *list_take(struct saved_list *list)
{
    struct saved *saved = list->first;
    if (!saved)
        return NULL;
    list->first = saved->next;
    if (!list->first)
        list->last = &list->first;
    list->n--;
    return saved;
}

static void list_free(struct saved_list *list)
{
    for (struct saved *s; (s = list_take(list));)
        free(s);
}

static bool due(const struct xw_commit *commit)
{
    const struct out *out = commit->open;
    if (commit->out_n)
        return false;
    if (commit->waiting.n || commit->full)
        return true;
    return out && (out->urgent || out->bytes >= BATCH_BYTES ||
                   xw_edge_now_us() - out->begun_us >= GATHER_US);
}

static void on_prepare(uv_prepare_t *handle)
{
    if (due(handle->data))
        xw_commit_flush(handle->data);
}

int xw_commit_new(struct xw_edge *edge, struct xw_commit **ret_commit)
{
    struct xw_commit *commit = calloc(1, sizeof(*commit));
    if (!commit)
        return -ENOMEM;
    commit->edge = edge;
    list_init(&commit->waiting);
    uv_prepare_init(xw_loop_uv(edge->loop), &commit->prepare);
    commit->prepare.data = commit;
    uv_prepare_start(&commit->prepare, on_prepare);
    uv_unref((uv_handle_t *)&commit->prepare);
    *ret_commit = commit;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void xw_commit_free(struct xw_commit *commit)
{
    if (!commit)
        return;
    if (commit->open) {
        xw_store_batch_free(commit->open->batch);
        list_free(&commit->open->records);
        free(commit->open);
    }
    list_free(&commit->waiting);
    uv_close((uv_handle_t *)&commit->prepare, on_closed);
}

static struct out *gathering(struct xw_commit *commit)
{
    if (commit->open)
        return commit->open;
    struct out *out = calloc(1, sizeof(*out));
    if (!out)
        return NULL;
    if (xw_store_batch_new(commit->edge->store, &out->batch) < 0) {
        free(out);
        return NULL;
    }
    out->commit = commit;
    list_init(&out->records);
    out->begun_us = xw_edge_now_us();
    commit->open = out;
    return out;
}

static bool note_owner(struct out *out, struct xw_commit_owner *owner)
{
    for (size_t i = 0; owner && i < out->owners_n; i++)
        if (out->owners[i] == owner)
            return true;
    if (!owner)
        return true;
    if (out->owners_n == OWNERS_A_BATCH)
        return false;
    owner->waiting_n++;
    out->owners[out->owners_n++] = owner;
    return true;
}

/* Adding failed (memory, or a block that the store finds impossible): as if its batch had failed.
 */
static void not_added(struct xw_commit *commit, struct xw_commit_owner *owner, int r)
{
    xw_log_error("edge.commit", XW_LOG_ERR(r));
    commit->stats.failed++;
    if (owner)
        owner->done(owner, r, owner->mark);
}

/* The batch that gathers, with this owner to hear of it. NULL: no memory, or something waits that
 * must be kept first. */
static struct out *place_for(struct xw_commit *commit, struct xw_commit_owner *owner)
{
    struct out *out = commit->waiting.n ? NULL : gathering(commit);
    return out && note_owner(out, owner) ? out : NULL;
}

void xw_commit_stream(struct xw_commit *commit, const struct xw_uuid *stream, const void *header,
                      size_t header_size, struct xw_commit_owner *owner)
{
    struct out *out = place_for(commit, owner);
    int r = out ? xw_store_batch_stream(out->batch, stream, header, header_size) : -EAGAIN;
    if (r < 0)
        not_added(commit, owner, r);
    else
        out->urgent = true; /* a device waits for it */
}

void xw_commit_block(struct xw_commit *commit, const struct xw_store_block *block,
                     struct xw_commit_owner *owner)
{
    if (xw_commit_full(commit)) {
        owner->done(owner, -ENOSPC, owner->mark);
        return;
    }
    struct out *out = place_for(commit, owner);
    int r = out ? xw_store_batch_block(out->batch, block) : -EAGAIN;
    if (r < 0) {
        not_added(commit, owner, r);
        return;
    }
    commit->stats.blocks++;
    out->bytes += block->size + 64;
}

void xw_commit_gap(struct xw_commit *commit, const struct xw_store_gap *gap,
                   struct xw_commit_owner *owner)
{
    struct out *out = place_for(commit, owner);
    int r = out ? xw_store_batch_gap(out->batch, gap) : -EAGAIN;
    if (r < 0)
        not_added(commit, owner, r);
    else
        out->bytes += GAP_BYTES;
}

static bool is_urgent(const struct xw_store_record *record)
{
    if (record->kind == XW__RECORD_KIND__RECORD_EVENT)
        return record->priority >= XW__PRIORITY__PRIORITY_LOW;
    return record->kind != XW__RECORD_KIND__RECORD_ANCHOR &&
           (record->kind < XW_LOCAL_USER || record->kind == XW_LOCAL_PROBE);
}

static int add_saved(struct out *out, struct saved *saved)
{
    int r = xw_store_batch_record(out->batch, &saved->record, saved->local ? NULL : XW_EDGE_LOG,
                                  NULL, 0);
    if (r < 0)
        return r;
    list_add(&out->records, saved);
    out->urgent |= is_urgent(&saved->record);
    out->bytes += saved->record.body_size + 160;
    out->commit->stats.records++;
    return 0;
}

static struct saved *saved_new(struct xw_commit *commit, const struct xw_store_record *record,
                               bool local)
{
    struct saved *saved = malloc(sizeof(*saved) + record->body_size);
    if (!saved || record->key_size > sizeof(saved->key)) {
        free(saved);
        return NULL;
    }
    saved->record = *record;
    saved->local = local;
    saved->once = false;
    memcpy(saved->key, record->key, record->key_size);
    if (record->body && record->body_size)
        memcpy(saved->body, record->body, record->body_size);
    saved->record.key = saved->key;
    saved->record.body = saved->body;
    saved->record.origin = commit->edge->config->id;
    if (!saved->record.wall_us)
        saved->record.wall_us = xw_edge_wall_us();
    return saved;
}

static void drop_saved(struct xw_commit *commit, struct saved *saved)
{
    xw_counter_add(&records_dropped, 1);
    commit->stats.records_dropped++;
    free(saved);
}

static bool is_beat(const struct saved *saved)
{
    return saved->record.kind == XW__RECORD_KIND__RECORD_EVENT &&
           saved->record.event_kind == XW__EVENT_KIND__EVENT_BEAT;
}

static void keep_waiting(struct xw_commit *commit, struct saved *saved)
{
    size_t limit = is_beat(saved) ? RECORDS_WAITING_MAX / 2 : RECORDS_WAITING_MAX;
    if (commit->waiting.n < limit)
        list_add(&commit->waiting, saved);
    else
        drop_saved(commit, saved);
}

/* Nothing overtakes what waits: a count that is kept says that everything before it is kept. */
static void add_or_wait(struct xw_commit *commit, struct saved *saved)
{
    if (saved && commit->waiting.n) {
        keep_waiting(commit, saved);
        return;
    }
    struct out *out = saved ? gathering(commit) : NULL;
    int r = out ? add_saved(out, saved) : -ENOMEM;
    if (r >= 0)
        return;
    xw_log_error("edge.record", XW_LOG_ERR(r));
    drop_saved(commit, saved);
}

void xw_commit_record(struct xw_commit *commit, struct xw_store_record *record, bool local)
{
    add_or_wait(commit, saved_new(commit, record, local));
}

void xw_commit_message(struct xw_commit *commit, struct xw_store_record *record,
                       const ProtobufCMessage *body, bool local)
{
    record->body = NULL;
    record->body_size = protobuf_c_message_get_packed_size(body);
    struct saved *saved = saved_new(commit, record, local);
    if (saved)
        protobuf_c_message_pack(body, saved->body);
    add_or_wait(commit, saved);
}

bool xw_commit_takes(const struct xw_commit *commit)
{
    return !commit->full && !commit->waiting.n &&
           (!commit->open || commit->open->owners_n < OWNERS_A_BATCH);
}

int xw_commit_once(struct xw_commit *commit, struct xw_store_record *record,
                   const ProtobufCMessage *body, bool local)
{
    if (body) {
        record->body = NULL;
        record->body_size = protobuf_c_message_get_packed_size(body);
    }
    struct saved *saved = saved_new(commit, record, local);
    if (saved && body)
        protobuf_c_message_pack(body, saved->body);
    struct out *out = saved ? gathering(commit) : NULL;
    if (!out) {
        free(saved);
        return -ENOMEM;
    }
    saved->once = true;
    int r = add_saved(out, saved);
    if (r < 0)
        free(saved);
    return r;
}

void xw_commit_notify(struct xw_commit *commit, struct xw_commit_owner *owner)
{
    if (!place_for(commit, owner))
        owner->done(owner, -EAGAIN, owner->mark);
}

/* ---- sending off, and what becomes of it ---- */

static void enter_full(struct xw_commit *commit, int status)
{
    commit->retry_at_us = xw_edge_now_us() + RETRY_US;
    if (commit->full)
        return;
    xw_log_error("edge.spool.refuses", XW_LOG_ERR(status));
    commit->full = true;
    commit->full_since_us = xw_edge_now_us();
}

static void keep_records(struct xw_commit *commit, struct saved_list *list)
{
    for (struct saved *s; (s = list_take(list));) {
        if (s->once)
            free(s);
        else
            keep_waiting(commit, s);
    }
}

static void finish(struct out *out, int status)
{
    for (size_t i = 0; i < out->owners_n; i++) {
        struct xw_commit_owner *owner = out->owners[i];
        owner->waiting_n--;
        owner->done(owner, status, out->marks[i]);
    }
    list_free(&out->records);
    free(out);
}

/* It may go another time, as it is. */
static bool is_shortage(int status)
{
    return status == -ENOSPC || status == -EIO || status == -EAGAIN || status == -ENOMEM ||
           status == -ECANCELED || status == -EBUSY || status == -EROFS || status == -EDQUOT;
}

/* What gathered behind a batch that failed fails with it: it must not be kept before it. */
static void fail_open(struct xw_commit *commit, int status)
{
    struct out *out = XW_STEAL(commit->open);
    if (!out)
        return;
    keep_records(commit, &out->records);
    xw_store_batch_free(XW_STEAL(out->batch));
    finish(out, status);
}

static void on_done(void *user, const struct xw_store_done *done)
{
    struct out *out = user;
    struct xw_commit *commit = out->commit;
    commit->out_n--;
    commit->waited_out &= !out->waited;
    if (done->status < 0) {
        xw_counter_add(&commit_failed, 1);
        commit->stats.failed++;
        enter_full(commit, done->status);
        if (out->waited && !is_shortage(done->status)) {
            if (commit->singly && out->records.n == 1) {
                xw_log_error("edge.record", XW_LOG_ERR(done->status));
                drop_saved(commit, list_take(&out->records));
            }
            commit->singly = true;
            commit->retry_at_us = 0;
        }
        /* In their order: what was sent, what gathered behind it, what waited already. */
        struct saved_list before = commit->waiting;
        list_init(&commit->waiting);
        keep_records(commit, &out->records);
        fail_open(commit, done->status);
        if (!before.first)
            before.last = &before.first;
        keep_records(commit, &before);
    } else {
        if (done->out_seq_last && commit->edge->uplink)
            xw_uplink_committed(commit->edge->uplink, done->out_seq_last);
        commit->retry_at_us = 0; /* there is room: what still waits may follow at once */
        commit->singly &= commit->waiting.n > 0;
        if (!commit->waiting.n && out->waited && !commit->told_full)
            commit->full = false;
    }
    finish(out, done->status);
}

/* While the spool refuses, what waits is tried once a second. */
static void gather_waiting(struct xw_commit *commit)
{
    int64_t now = xw_edge_now_us();
    if (commit->full && !commit->waiting.n && now - commit->full_since_us >= ROOM_AGAIN_US &&
        now >= commit->retry_at_us)
        commit->full = false; /* let the next block find out */
    if (!commit->waiting.n || commit->out_n || now < commit->retry_at_us)
        return;
    struct out *out = gathering(commit);
    size_t most = commit->singly ? 1 : WAITED_BYTES;
    for (struct saved *s; out && out->bytes < most && (s = list_take(&commit->waiting));)
        if (add_saved(out, s) < 0)
            drop_saved(commit, s);
    if (out)
        out->waited = true;
    commit->retry_at_us = now + RETRY_US;
}

void xw_commit_flush(struct xw_commit *commit)
{
    if (commit->out_n)
        return;
    if (commit->waiting.n || commit->full)
        gather_waiting(commit);
    struct out *out = commit->open;
    if (!out)
        return;
    commit->open = NULL;
    commit->out_n++;
    commit->waited_out |= out->waited;
    commit->stats.batches++;
    for (size_t i = 0; i < out->owners_n; i++)
        out->marks[i] = out->owners[i]->mark;
    int r = xw_fault_point("edge.commit.append");
    if (r >= 0)
        r = xw_store_append(commit->edge->store, XW_STEAL(out->batch), on_done, out);
    else
        xw_store_batch_free(XW_STEAL(out->batch));
    if (r < 0) {
        const struct xw_store_done done = {.status = r};
        on_done(out, &done);
    }
}

bool xw_commit_congested(const struct xw_commit *commit)
{
    return commit->open && commit->open->bytes > GATHERED_MAX_BYTES;
}

bool xw_commit_idle(const struct xw_commit *commit)
{
    return !commit->open && !commit->out_n && !commit->waiting.n;
}

void xw_commit_space(struct xw_commit *commit, enum xw_store_space space)
{
    commit->told_full = space == XW_SPACE_FULL;
    if (space == XW_SPACE_FULL && !commit->full) {
        enter_full(commit, -ENOSPC);
    } else if (space != XW_SPACE_FULL && commit->full) {
        commit->full = false;
        commit->retry_at_us = 0;
    }
}

bool xw_commit_behind(const struct xw_commit *commit)
{
    return commit->waiting.n || commit->waited_out || (commit->open && commit->open->waited);
}

bool xw_commit_full(const struct xw_commit *commit)
{
    return commit->full || commit->waiting.n;
}

void xw_commit_stats(const struct xw_commit *commit, struct xw_commit_stats *ret_stats)
{
    *ret_stats = commit->stats;
    ret_stats->records_waiting = commit->waiting.n;
}
