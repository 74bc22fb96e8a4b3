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
    BATCHES_OUT_MAX = 2,
    OWNERS_A_BATCH = 256,
    RECORDS_WAITING_MAX = 8192,
    BATCH_BYTES = 512 * 1024,
    CONGESTED_BYTES = 16 * 1024 * 1024,
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
    struct saved_list records;
};

struct xw_commit {
    struct xw_edge *edge;
    struct out *open; /* gathering; NULL = nothing yet */
    uint32_t out_n;
    size_t out_bytes;
    struct saved_list waiting; /* of failed batches */
    bool full;
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

static void note_owner(struct out *out, struct xw_commit_owner *owner)
{
    if (!owner)
        return;
    for (size_t i = 0; i < out->owners_n; i++)
        if (out->owners[i] == owner)
            return;
    owner->waiting_n++;
    out->owners[out->owners_n++] = owner;
    if (out->owners_n == OWNERS_A_BATCH)
        xw_commit_flush(out->commit);
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

void xw_commit_stream(struct xw_commit *commit, const struct xw_uuid *stream, const void *header,
                      size_t header_size, struct xw_commit_owner *owner)
{
    struct out *out = gathering(commit);
    int r = out ? xw_store_batch_stream(out->batch, stream, header, header_size) : -ENOMEM;
    if (r < 0) {
        not_added(commit, owner, r);
        return;
    }
    out->urgent = true; /* a device waits for it */
    note_owner(out, owner);
}

void xw_commit_block(struct xw_commit *commit, const struct xw_store_block *block,
                     struct xw_commit_owner *owner)
{
    if (commit->full) {
        owner->done(owner, -ENOSPC, owner->mark);
        return;
    }
    struct out *out = gathering(commit);
    int r = out ? xw_store_batch_block(out->batch, block) : -ENOMEM;
    if (r < 0) {
        not_added(commit, owner, r);
        return;
    }
    commit->stats.blocks++;
    out->bytes += block->size + 64;
    note_owner(out, owner);
}

void xw_commit_gap(struct xw_commit *commit, const struct xw_store_gap *gap,
                   struct xw_commit_owner *owner)
{
    struct out *out = gathering(commit);
    int r = out ? xw_store_batch_gap(out->batch, gap) : -ENOMEM;
    if (r < 0)
        not_added(commit, owner, r);
    else
        note_owner(out, owner);
}

static bool is_urgent(const struct xw_store_record *record)
{
    if (record->kind == XW__RECORD_KIND__RECORD_EVENT)
        return record->priority >= XW__PRIORITY__PRIORITY_LOW;
    return record->kind != XW__RECORD_KIND__RECORD_ANCHOR && record->kind < XW_LOCAL_USER;
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

static void add_or_wait(struct xw_commit *commit, struct saved *saved)
{
    struct out *out = saved ? gathering(commit) : NULL;
    int r = out ? add_saved(out, saved) : -ENOMEM;
    if (r >= 0)
        return;
    xw_log_error("edge.record", XW_LOG_ERR(r));
    xw_counter_add(&records_dropped, 1);
    commit->stats.records_dropped++;
    free(saved);
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
    struct out *out = gathering(commit);
    if (out)
        note_owner(out, owner);
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

static bool is_beat(const struct saved *saved)
{
    return saved->record.kind == XW__RECORD_KIND__RECORD_EVENT &&
           saved->record.event_kind == XW__EVENT_KIND__EVENT_BEAT;
}

static void keep_records(struct xw_commit *commit, struct saved_list *list)
{
    for (struct saved *s; (s = list_take(list));) {
        if (s->once) {
            free(s);
            continue;
        }
        size_t limit = is_beat(s) ? RECORDS_WAITING_MAX / 2 : RECORDS_WAITING_MAX;
        if (commit->waiting.n < limit) {
            list_add(&commit->waiting, s);
            continue;
        }
        xw_counter_add(&records_dropped, 1);
        commit->stats.records_dropped++;
        free(s);
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

static void on_done(void *user, const struct xw_store_done *done)
{
    struct out *out = user;
    struct xw_commit *commit = out->commit;
    commit->out_n--;
    commit->out_bytes -= out->bytes;
    if (done->status < 0) {
        xw_counter_add(&commit_failed, 1);
        commit->stats.failed++;
        enter_full(commit, done->status);
        keep_records(commit, &out->records);
    } else if (done->out_seq_last && commit->edge->uplink) {
        xw_uplink_committed(commit->edge->uplink, done->out_seq_last);
    }
    finish(out, done->status);
}

/* While the spool refuses, what waits is tried once a second. */
static void gather_waiting(struct xw_commit *commit)
{
    int64_t now = xw_edge_now_us();
    if (commit->full && now - commit->full_since_us >= ROOM_AGAIN_US && now >= commit->retry_at_us)
        commit->full = false; /* let the next block find out */
    if (!commit->waiting.n || commit->out_n || now < commit->retry_at_us)
        return;
    struct out *out = gathering(commit);
    for (struct saved *s; out && out->bytes < BATCH_BYTES && (s = list_take(&commit->waiting));)
        if (add_saved(out, s) < 0)
            free(s);
    commit->retry_at_us = now + RETRY_US;
}

void xw_commit_flush(struct xw_commit *commit)
{
    if (commit->waiting.n || commit->full)
        gather_waiting(commit);
    struct out *out = commit->open;
    if (!out || (commit->out_n >= BATCHES_OUT_MAX && out->bytes < BATCH_BYTES &&
                 out->owners_n < OWNERS_A_BATCH))
        return;
    commit->open = NULL;
    commit->out_n++;
    commit->out_bytes += out->bytes;
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
    return commit->out_bytes + (commit->open ? commit->open->bytes : 0) > CONGESTED_BYTES;
}

bool xw_commit_idle(const struct xw_commit *commit)
{
    return !commit->open && !commit->out_n && !commit->waiting.n;
}

void xw_commit_space(struct xw_commit *commit, enum xw_store_space space)
{
    if (space == XW_SPACE_FULL && !commit->full) {
        enter_full(commit, -ENOSPC);
    } else if (space != XW_SPACE_FULL && commit->full) {
        commit->full = false;
        commit->retry_at_us = 0;
    }
}

bool xw_commit_full(const struct xw_commit *commit)
{
    return commit->full;
}

void xw_commit_stats(const struct xw_commit *commit, struct xw_commit_stats *ret_stats)
{
    *ret_stats = commit->stats;
    ret_stats->records_waiting = commit->waiting.n;
}
