/* The link tests' store: batches and what they do; see model_store.h. */
#include "unit/link/model_store_in.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

struct mstream *model_find(struct xw_store *s, const struct xw_uuid *id)
{
    for (size_t i = 0; i < s->streams_n; i++)
        if (xw_uuid_equal(&s->streams[i]->id, id))
            return s->streams[i];
    return NULL;
}

struct mlog *model_log(struct xw_store *s, const struct xw_uuid *id)
{
    for (size_t i = 0; i < s->logs_n; i++)
        if (xw_uuid_equal(&s->logs[i]->id, id))
            return s->logs[i];
    s->logs = realloc(s->logs, (s->logs_n + 1) * sizeof(struct mlog *));
    struct mlog *log = calloc(1, sizeof(*log));
    assert(s->logs && log);
    log->id = *id;
    xw_ranges_init(&log->received, RANGES_MAX);
    s->logs[s->logs_n++] = log;
    return log;
}

void model_put_stream(struct xw_store *s, const struct xw_uuid *id, const void *header, size_t size)
{
    if (model_find(s, id))
        return;
    struct mstream *m = calloc(1, sizeof(*m));
    s->streams = realloc(s->streams, (s->streams_n + 1) * sizeof(struct mstream *));
    assert(m && s->streams);
    m->id = *id;
    m->header = model_copy(header, size);
    m->header_size = size;
    xw_ranges_init(&m->blocks, RANGES_MAX);
    xw_ranges_init(&m->known, RANGES_MAX);
    xw_ranges_init(&m->released, RANGES_MAX);
    s->streams[s->streams_n++] = m;
}

void model_put_block(struct xw_store *s, const struct xw_store_block *block)
{
    struct mstream *m = model_find(s, &block->stream);
    assert(m);
    struct xw_range r = {block->first, block->first + block->count};
    if (xw_ranges_overlaps(&m->blocks, r.first, r.end)) {
        const struct xw_store_block *same = model_block(s, &block->stream, block->first);
        if (same && same->count == block->count && same->crc32c == block->crc32c)
            s->figures.blocks_known++;
        else
            s->figures.conflicts++;
        return;
    }
    if (m->b_n == m->b_cap) {
        m->b_cap = m->b_cap ? 2 * m->b_cap : 64;
        m->b = realloc(m->b, m->b_cap * sizeof(*m->b));
        assert(m->b);
    }
    m->b[m->b_n] = (struct mblock){.block = *block};
    m->b[m->b_n++].block.data = model_copy(block->data, block->size);
    model_must(xw_ranges_add(&m->blocks, r.first, r.end));
    model_must(xw_ranges_add(&m->known, r.first, r.end));
    s->figures.blocks_new++;
}

void model_put_gap(struct xw_store *s, const struct xw_store_gap *gap)
{
    struct mstream *m = model_find(s, &gap->stream);
    assert(m);
    if (m->g_n == m->g_cap) {
        m->g_cap = m->g_cap ? 2 * m->g_cap : 16;
        m->g = realloc(m->g, m->g_cap * sizeof(*m->g));
        assert(m->g);
    }
    m->g[m->g_n++] = *gap;
    model_must(xw_ranges_add(&m->known, gap->range.first, gap->range.end));
}

uint64_t xw_store_log_last(struct xw_store *s, const char *out_log)
{
    uint64_t last = 0;
    for (size_t i = 0; i < s->records_n; i++)
        if (!strcmp(s->records[i].out_log, out_log) && s->records[i].seq > last)
            last = s->records[i].seq;
    return last;
}

uint64_t model_put_record(struct xw_store *s, const struct xw_store_record *record,
                          const char *out_log)
{
    for (size_t i = 0; i < s->records_n; i++) {
        const struct xw_store_record *r = &s->records[i].record;
        if (r->key_size == record->key_size && r->revision == record->revision &&
            !memcmp(r->key, record->key, r->key_size)) {
            if (r->body_size == record->body_size && !memcmp(r->body, record->body, r->body_size))
                s->figures.records_known++;
            else
                s->figures.conflicts++;
            return 0;
        }
    }
    if (s->records_n == s->records_cap) {
        s->records_cap = s->records_cap ? 2 * s->records_cap : 64;
        s->records = realloc(s->records, s->records_cap * sizeof(*s->records));
        assert(s->records);
    }
    uint64_t seq = out_log && *out_log ? xw_store_log_last(s, out_log) + 1 : 0;
    struct mrecord *m = &s->records[s->records_n++];
    size_t origin_size = strlen(record->origin) + 1;
    *m = (struct mrecord){.record = *record, .seq = seq};
    snprintf(m->out_log, sizeof(m->out_log), "%s", out_log ? out_log : "");
    m->bytes = malloc(record->key_size + record->body_size + origin_size);
    assert(m->bytes);
    memcpy(m->bytes, record->key, record->key_size);
    if (record->body_size)
        memcpy(m->bytes + record->key_size, record->body, record->body_size);
    memcpy(m->bytes + record->key_size + record->body_size, record->origin, origin_size);
    m->record.key = m->bytes;
    m->record.body = m->bytes + record->key_size;
    m->record.origin = (char *)m->bytes + record->key_size + record->body_size;
    s->figures.records_new++;
    return seq;
}

int xw_store_batch_new(struct xw_store *s XW_UNUSED, struct xw_store_batch **ret_batch)
{
    struct xw_store_batch *b = calloc(1, sizeof(*b));
    assert(b);
    b->tail = &b->head;
    *ret_batch = b;
    return 0;
}

void xw_store_batch_free(struct xw_store_batch *b)
{
    while (b && b->head) {
        struct entry *e = b->head;
        b->head = e->next;
        free(e->bytes);
        free(e);
    }
    free(b);
}

static struct entry *entry_new(struct xw_store_batch *b, enum entry_kind kind, const void *data,
                               size_t size)
{
    struct entry *e = calloc(1, sizeof(*e));
    assert(e);
    e->kind = kind;
    e->bytes = model_copy(data, size);
    e->size = size;
    *b->tail = e;
    b->tail = &e->next;
    b->bytes += size;
    return e;
}

int xw_store_batch_stream(struct xw_store_batch *b, const struct xw_uuid *stream,
                          const void *header, size_t header_size)
{
    entry_new(b, E_STREAM, header, header_size)->id = *stream;
    return 0;
}

int xw_store_batch_block(struct xw_store_batch *b, const struct xw_store_block *block)
{
    struct entry *e = entry_new(b, E_BLOCK, block->data, block->size);
    e->block = *block;
    e->block.data = e->bytes;
    return 0;
}

int xw_store_batch_gap(struct xw_store_batch *b, const struct xw_store_gap *gap)
{
    entry_new(b, E_GAP, NULL, 0)->gap = *gap;
    return 0;
}

int xw_store_batch_record(struct xw_store_batch *b, const struct xw_store_record *record,
                          const char *out_log, const struct xw_uuid *in_log, uint64_t in_seq)
{
    size_t origin_size = strlen(record->origin) + 1;
    struct entry *e = entry_new(b, E_RECORD, NULL, 0);
    free(e->bytes);
    e->bytes = malloc(record->key_size + record->body_size + origin_size);
    assert(e->bytes);
    memcpy(e->bytes, record->key, record->key_size);
    if (record->body_size)
        memcpy(e->bytes + record->key_size, record->body, record->body_size);
    memcpy(e->bytes + record->key_size + record->body_size, record->origin, origin_size);
    e->record = *record;
    e->record.key = e->bytes;
    e->record.body = e->bytes + record->key_size;
    e->record.origin = (char *)e->bytes + record->key_size + record->body_size;
    snprintf(e->out_log, sizeof(e->out_log), "%s", out_log ? out_log : "");
    if (in_log) {
        e->has_in = true;
        e->in_log = *in_log;
        e->in_seq = in_seq;
    }
    return 0;
}

void xw_store_batch_epoch(struct xw_store_batch *b, const char *owner, uint64_t epoch)
{
    snprintf(b->owner, sizeof(b->owner), "%s", owner);
    b->epoch = epoch;
}

struct mepoch *model_epoch(struct xw_store *s, const char *owner)
{
    for (size_t i = 0; i < s->epochs_n; i++)
        if (!strcmp(s->epochs[i].owner, owner))
            return &s->epochs[i];
    assert(s->epochs_n < 64);
    struct mepoch *e = &s->epochs[s->epochs_n++];
    snprintf(e->owner, sizeof(e->owner), "%s", owner);
    return e;
}

static void apply(struct xw_store *s, const struct xw_store_batch *b)
{
    for (const struct entry *e = b->head; e; e = e->next)
        switch (e->kind) {
        case E_STREAM:
            model_put_stream(s, &e->id, e->bytes, e->size);
            break;
        case E_BLOCK:
            model_put_block(s, &e->block);
            break;
        case E_GAP:
            model_put_gap(s, &e->gap);
            break;
        case E_RECORD:
            model_put_record(s, &e->record, e->out_log);
            if (e->has_in)
                model_must(
                    xw_ranges_add(&model_log(s, &e->in_log)->received, e->in_seq, e->in_seq + 1));
            break;
        }
}

static void run_append(struct xw_store *s, struct job *job)
{
    struct xw_store_done done = {.status = job->status};
    if (!done.status && *job->batch->owner &&
        job->batch->epoch < model_epoch(s, job->batch->owner)->epoch)
        done.status = -ESTALE;
    for (const struct entry *e = job->batch->head; e && !done.status; e = e->next)
        if (e->kind == E_BLOCK && !model_find(s, &e->block.stream)) {
            const struct entry *h = job->batch->head;
            while (h && !(h->kind == E_STREAM && xw_uuid_equal(&h->id, &e->block.stream)))
                h = h->next;
            done.status = h ? 0 : -ENOENT;
        }
    if (!done.status) {
        apply(s, job->batch);
        s->figures.batches++;
    }
    job->done(job->user, &done);
}

int xw_store_append(struct xw_store *s, struct xw_store_batch *batch, xw_store_done_fn done,
                    void *user)
{
    struct job *job = model_job(s, run_append, user);
    job->batch = batch;
    job->done = done;
    job->status = s->fail;
    return 0;
}
