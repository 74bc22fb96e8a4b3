/* The link tests' store; see model_store.h. */
#include "unit/link/model_store.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

enum { RANGES_MAX = 65536 };

struct mblock {
    struct xw_store_block block;
    bool broken;
};
struct mstream {
    struct xw_uuid id;
    uint8_t *header;
    size_t header_size;
    struct xw_ranges blocks, known, released;
    struct mblock *b;
    size_t b_n, b_cap;
    struct xw_store_gap *g;
    size_t g_n, g_cap;
};
struct mrecord {
    struct xw_store_record record;
    uint8_t *bytes;
    char out_log[80];
    uint64_t seq;
};
struct mlog {
    struct xw_uuid id;
    struct xw_ranges received;
};
struct mepoch {
    char owner[80];
    uint64_t epoch;
};
struct mobject {
    struct xw_store_object object;
    uint8_t *data;
};

enum entry_kind { E_STREAM, E_BLOCK, E_GAP, E_RECORD };
struct entry {
    struct entry *next;
    enum entry_kind kind;
    struct xw_uuid id;
    struct xw_store_block block;
    struct xw_store_gap gap;
    struct xw_store_record record;
    uint8_t *bytes;
    size_t size;
    char out_log[80];
    bool has_in;
    struct xw_uuid in_log;
    uint64_t in_seq;
};
struct xw_store_batch {
    struct entry *head, **tail;
    size_t bytes;
    char owner[80];
    uint64_t epoch;
};

/* One completion that waits. */
struct job {
    struct job *next;
    void (*run)(struct xw_store *store, struct job *job);
    struct xw_store_batch *batch;
    int status;
    void *user;
    xw_store_done_fn done;
    xw_store_samples_fn samples;
    xw_store_records_fn records;
    xw_store_epoch_fn epoch;
    xw_store_object_fn object;
    xw_store_bytes_fn bytes;
    struct xw_uuid stream;
    struct xw_range range;
    size_t max;
    char name[80];
    uint64_t after, offset, size;
    uint8_t sha256[32];
    char media_type[64];
    uint8_t *data;
    size_t data_size;
};

struct xw_store {
    struct xw_uuid id;
    struct mstream **streams;
    size_t streams_n;
    struct mrecord *records;
    size_t records_n, records_cap;
    struct mlog **logs;
    size_t logs_n;
    struct mepoch epochs[64];
    size_t epochs_n;
    struct mobject *objects;
    size_t objects_n;
    struct job *head, **tail;
    bool hold;
    int fail;
    struct model_figures figures;
};

static void must(int r)
{
    if (r < 0) {
        fprintf(stderr, "model store: %d\n", r);
        abort();
    }
}

static void *copy(const void *data, size_t size)
{
    void *p = malloc(size ? size : 1);
    if (!p)
        abort();
    if (size)
        memcpy(p, data, size);
    return p;
}

struct xw_store *model_new(void)
{
    struct xw_store *s = calloc(1, sizeof(*s));
    assert(s);
    s->id = xw_uuid_v7(NULL);
    s->tail = &s->head;
    return s;
}

void model_set_id(struct xw_store *s, const char *name, uint64_t seed)
{
    const struct xw_part parts[] = {{name, strlen(name)}, {&seed, sizeof(seed)}};
    s->id = xw_uuid_v8(parts, XW_ARRAY_N(parts));
}

static void job_free(struct job *job)
{
    xw_store_batch_free(job->batch);
    free(job->data);
    free(job);
}

static struct job *job_new(struct xw_store *s, void (*run)(struct xw_store *, struct job *),
                           void *user)
{
    struct job *job = calloc(1, sizeof(*job));
    assert(job);
    job->run = run;
    job->user = user;
    *s->tail = job;
    s->tail = &job->next;
    return job;
}

size_t model_run(struct xw_store *s)
{
    size_t n = 0;
    while (s->head && !s->hold) {
        struct job *job = s->head;
        s->head = job->next;
        if (!s->head)
            s->tail = &s->head;
        job->run(s, job);
        job_free(job);
        n++;
    }
    return n;
}

void model_free(struct xw_store *s)
{
    s->hold = false;
    for (struct job *job = s->head; job; job = job->next)
        job->status = -ECANCELED;
    model_run(s);
    for (size_t i = 0; i < s->streams_n; i++) {
        struct mstream *m = s->streams[i];
        for (size_t k = 0; k < m->b_n; k++)
            free((void *)(uintptr_t)m->b[k].block.data);
        free(m->b);
        free(m->g);
        free(m->header);
        xw_ranges_done(&m->blocks);
        xw_ranges_done(&m->known);
        xw_ranges_done(&m->released);
        free(m);
    }
    for (size_t i = 0; i < s->records_n; i++)
        free(s->records[i].bytes);
    for (size_t i = 0; i < s->logs_n; i++) {
        xw_ranges_done(&s->logs[i]->received);
        free(s->logs[i]);
    }
    for (size_t i = 0; i < s->objects_n; i++)
        free(s->objects[i].data);
    free(s->objects);
    free(s->logs);
    free(s->records);
    free(s->streams);
    free(s);
}

void model_fail(struct xw_store *s, int status)
{
    s->fail = status;
}

void model_hold(struct xw_store *s, bool hold)
{
    s->hold = hold;
}

void model_crash(struct xw_store *s)
{
    /* Those who wait are told that it failed, so that they let go; nothing of it was kept. */
    for (struct job *job = s->head; job; job = job->next)
        job->status = -ECANCELED;
    s->hold = false;
    model_run(s);
}

struct xw_uuid xw_store_id(const struct xw_store *s)
{
    return s->id;
}

/* ---- appending ---- */

static struct mstream *find(struct xw_store *s, const struct xw_uuid *id)
{
    for (size_t i = 0; i < s->streams_n; i++)
        if (xw_uuid_equal(&s->streams[i]->id, id))
            return s->streams[i];
    return NULL;
}

static struct mlog *log_of(struct xw_store *s, const struct xw_uuid *id)
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
    if (find(s, id))
        return;
    struct mstream *m = calloc(1, sizeof(*m));
    s->streams = realloc(s->streams, (s->streams_n + 1) * sizeof(struct mstream *));
    assert(m && s->streams);
    m->id = *id;
    m->header = copy(header, size);
    m->header_size = size;
    xw_ranges_init(&m->blocks, RANGES_MAX);
    xw_ranges_init(&m->known, RANGES_MAX);
    xw_ranges_init(&m->released, RANGES_MAX);
    s->streams[s->streams_n++] = m;
}

void model_put_block(struct xw_store *s, const struct xw_store_block *block)
{
    struct mstream *m = find(s, &block->stream);
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
    m->b[m->b_n++].block.data = copy(block->data, block->size);
    must(xw_ranges_add(&m->blocks, r.first, r.end));
    must(xw_ranges_add(&m->known, r.first, r.end));
    s->figures.blocks_new++;
}

void model_put_gap(struct xw_store *s, const struct xw_store_gap *gap)
{
    struct mstream *m = find(s, &gap->stream);
    assert(m);
    if (m->g_n == m->g_cap) {
        m->g_cap = m->g_cap ? 2 * m->g_cap : 16;
        m->g = realloc(m->g, m->g_cap * sizeof(*m->g));
        assert(m->g);
    }
    m->g[m->g_n++] = *gap;
    must(xw_ranges_add(&m->known, gap->range.first, gap->range.end));
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
    e->bytes = copy(data, size);
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

static struct mepoch *epoch_of(struct xw_store *s, const char *owner)
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
                must(xw_ranges_add(&log_of(s, &e->in_log)->received, e->in_seq, e->in_seq + 1));
            break;
        }
}

static void run_append(struct xw_store *s, struct job *job)
{
    struct xw_store_done done = {.status = job->status};
    if (!done.status && *job->batch->owner &&
        job->batch->epoch < epoch_of(s, job->batch->owner)->epoch)
        done.status = -ESTALE;
    for (const struct entry *e = job->batch->head; e && !done.status; e = e->next)
        if (e->kind == E_BLOCK && !find(s, &e->block.stream)) {
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
    struct job *job = job_new(s, run_append, user);
    job->batch = batch;
    job->done = done;
    job->status = s->fail;
    return 0;
}

/* ---- streams ---- */

static void view(const struct mstream *m, struct xw_store_stream *ret_stream)
{
    *ret_stream = (struct xw_store_stream){m->id,      m->header, m->header_size,
                                           &m->blocks, &m->known, &m->released};
}

int xw_store_stream(struct xw_store *s, const struct xw_uuid *stream,
                    struct xw_store_stream *ret_stream)
{
    struct mstream *m = find(s, stream);
    if (!m)
        return -ENOENT;
    view(m, ret_stream);
    return 0;
}

void xw_store_streams(struct xw_store *s, void (*each)(void *user, const struct xw_store_stream *),
                      void *user)
{
    for (size_t i = 0; i < s->streams_n; i++) {
        struct xw_store_stream v;
        view(s->streams[i], &v);
        each(user, &v);
    }
}

void xw_store_release(struct xw_store *s, const struct xw_uuid *stream, struct xw_range range)
{
    struct mstream *m = find(s, stream);
    assert(m && xw_ranges_covers(&m->known, range.first, range.end));
    must(xw_ranges_add(&m->released, range.first, range.end));
}

void xw_store_unrelease(struct xw_store *s, const struct xw_uuid *stream, struct xw_range range)
{
    struct mstream *m = find(s, stream);
    if (m)
        must(xw_ranges_subtract(&m->released, range.first, range.end));
}

/* ---- reading ---- */

static int by_first(const void *a, const void *b)
{
    const struct xw_store_block *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void run_read(struct xw_store *s, struct job *job)
{
    struct mstream *m = find(s, &job->stream);
    struct xw_ranges unknown;
    struct xw_store_samples out = {
        .status = job->status, .unknown = &unknown, .next = job->range.end};
    xw_ranges_init(&unknown, RANGES_MAX);
    if (!m || out.status) {
        out.status = out.status ? out.status : -ENOENT;
        job->samples(job->user, &out);
        return;
    }
    struct xw_store_block *blocks = calloc(m->b_n + 1, sizeof(*blocks));
    struct xw_store_gap *gaps = calloc(m->g_n + 1, sizeof(*gaps));
    assert(blocks && gaps);
    for (size_t i = 0; i < m->b_n; i++) {
        const struct xw_store_block *b = &m->b[i].block;
        if (!m->b[i].broken && b->first < job->range.end && b->first + b->count > job->range.first)
            blocks[out.blocks_n++] = *b;
    }
    qsort(blocks, out.blocks_n, sizeof(*blocks), by_first);
    size_t bytes = 0;
    for (size_t i = 0; i < out.blocks_n; i++) {
        bytes += blocks[i].size;
        if (bytes > job->max && i) {
            out.next = blocks[i].first;
            out.blocks_n = i;
        }
    }
    for (size_t i = 0; i < m->g_n; i++)
        if (m->g[i].range.first < out.next && m->g[i].range.end > job->range.first)
            gaps[out.gaps_n++] = m->g[i];
    must(xw_ranges_complement(&m->known, job->range.first, out.next, &unknown));
    out.blocks = blocks;
    out.gaps = gaps;
    job->samples(job->user, &out);
    xw_ranges_done(&unknown);
    free(blocks);
    free(gaps);
}

int xw_store_read(struct xw_store *s, const struct xw_uuid *stream, struct xw_range range,
                  size_t max_bytes, xw_store_samples_fn done, void *user)
{
    struct job *job = job_new(s, run_read, user);
    job->stream = *stream;
    job->range = range;
    job->max = max_bytes;
    job->samples = done;
    return 0;
}

static void run_log(struct xw_store *s, struct job *job)
{
    struct xw_store_records out = {.status = job->status};
    struct xw_store_record *records = calloc(s->records_n + 1, sizeof(*records));
    uint64_t *seqs = calloc(s->records_n + 1, sizeof(*seqs));
    assert(records && seqs);
    for (size_t i = 0; !out.status && i < s->records_n; i++) {
        const struct mrecord *m = &s->records[i];
        if (strcmp(m->out_log, job->name) != 0 || m->seq <= job->after ||
            m->seq > job->after + job->max)
            continue;
        records[out.records_n] = m->record;
        seqs[out.records_n++] = m->seq;
    }
    out.records = records;
    out.seqs = seqs;
    job->records(job->user, &out);
    free(records);
    free(seqs);
}

int xw_store_log_read(struct xw_store *s, const char *out_log, uint64_t after, size_t limit,
                      xw_store_records_fn done, void *user)
{
    struct job *job = job_new(s, run_log, user);
    snprintf(job->name, sizeof(job->name), "%s", out_log);
    job->after = after;
    job->max = limit;
    job->records = done;
    return 0;
}

const struct xw_ranges *xw_store_log_received(struct xw_store *s, const struct xw_uuid *in_log)
{
    return &log_of(s, in_log)->received;
}

void xw_store_log_release(struct xw_store *s XW_UNUSED, const char *out_log XW_UNUSED,
                          uint64_t upto XW_UNUSED)
{
}

static void run_epoch(struct xw_store *s, struct job *job)
{
    struct mepoch *e = epoch_of(s, job->name);
    job->epoch(job->user, job->status, job->status ? 0 : ++e->epoch);
}

int xw_store_epoch_next(struct xw_store *s, const char *owner, xw_store_epoch_fn done, void *user)
{
    struct job *job = job_new(s, run_epoch, user);
    snprintf(job->name, sizeof(job->name), "%s", owner);
    job->epoch = done;
    return 0;
}

/* ---- objects ---- */

static struct mobject *object_of(struct xw_store *s, const uint8_t *sha256)
{
    for (size_t i = 0; i < s->objects_n; i++)
        if (!memcmp(s->objects[i].object.sha256, sha256, 32))
            return &s->objects[i];
    return NULL;
}

static struct mobject *object_add(struct xw_store *s, const uint8_t *sha256, uint64_t size,
                                  const char *media_type)
{
    struct mobject *o = object_of(s, sha256);
    if (o)
        return o;
    s->objects = realloc(s->objects, (s->objects_n + 1) * sizeof(*s->objects));
    assert(s->objects);
    o = &s->objects[s->objects_n++];
    *o = (struct mobject){.object.size = size};
    memcpy(o->object.sha256, sha256, 32);
    snprintf(o->object.media_type, sizeof(o->object.media_type), "%s", media_type);
    o->data = malloc(size);
    assert(o->data);
    return o;
}

void model_put_object(struct xw_store *s, const uint8_t sha256[32], const char *media_type,
                      const void *data, size_t size)
{
    struct mobject *o = object_add(s, sha256, size, media_type);
    memcpy(o->data, data, size);
    o->object.held = size;
    o->object.verified = true;
}

int xw_store_object(struct xw_store *s, const uint8_t sha256[32],
                    struct xw_store_object *ret_object)
{
    const struct mobject *o = object_of(s, sha256);
    if (!o)
        return -ENOENT;
    *ret_object = o->object;
    return 0;
}

static void run_write(struct xw_store *s, struct job *job)
{
    uint8_t hash[32];
    struct mobject *o = object_add(s, job->sha256, job->size, job->media_type);
    int status = job->status;
    if (!status && job->offset != o->object.held)
        status = -ESPIPE;
    if (!status) {
        memcpy(o->data + job->offset, job->data, job->data_size);
        o->object.held += job->data_size;
    }
    if (!status && o->object.held == o->object.size) {
        crypto_hash_sha256(hash, o->data, o->object.size);
        o->object.verified = !memcmp(hash, job->sha256, 32);
        if (!o->object.verified) {
            o->object.held = 0;
            status = -EBADMSG;
        }
    }
    job->object(job->user, status, &o->object);
}

int xw_store_object_write(struct xw_store *s, const uint8_t sha256[32], uint64_t size,
                          const char *media_type, uint64_t offset, const void *data,
                          size_t data_size, xw_store_object_fn done, void *user)
{
    struct job *job = job_new(s, run_write, user);
    memcpy(job->sha256, sha256, 32);
    job->size = size;
    job->offset = offset;
    snprintf(job->media_type, sizeof(job->media_type), "%s", media_type);
    job->data = copy(data, data_size);
    job->data_size = data_size;
    job->object = done;
    job->status = s->fail;
    return 0;
}

static void run_bytes(struct xw_store *s, struct job *job)
{
    const struct mobject *o = object_of(s, job->sha256);
    int status = job->status ? job->status : o ? 0 : -ENOENT;
    size_t n = status ? 0 : (size_t)XW_MIN((uint64_t)job->max, o->object.held - job->offset);
    job->bytes(job->user, status, status ? NULL : o->data + job->offset, n);
}

int xw_store_object_read(struct xw_store *s, const uint8_t sha256[32], uint64_t offset,
                         size_t max_size, xw_store_bytes_fn done, void *user)
{
    struct job *job = job_new(s, run_bytes, user);
    memcpy(job->sha256, sha256, 32);
    job->offset = offset;
    job->max = max_size;
    job->bytes = done;
    return 0;
}

/* ---- for the tests ---- */

struct model_figures model_figures(const struct xw_store *s)
{
    struct model_figures f = s->figures;
    f.records_n = s->records_n;
    return f;
}

const struct xw_store_block *model_block(const struct xw_store *s, const struct xw_uuid *stream,
                                         uint64_t first)
{
    for (size_t i = 0; i < s->streams_n; i++)
        if (xw_uuid_equal(&s->streams[i]->id, stream))
            for (size_t k = s->streams[i]->b_n; k-- > 0;)
                if (s->streams[i]->b[k].block.first == first)
                    return &s->streams[i]->b[k].block;
    return NULL;
}

void model_break(struct xw_store *s, const struct xw_uuid *stream, struct xw_range range)
{
    struct mstream *m = find(s, stream);
    for (size_t i = 0; m && i < m->b_n; i++)
        if (m->b[i].block.first >= range.first && m->b[i].block.first < range.end)
            m->b[i].broken = true;
}

void model_restore(struct xw_store *s, const struct xw_uuid *stream, uint64_t first,
                   uint64_t received_upto)
{
    struct mstream *m = find(s, stream);
    assert(m);
    s->id = xw_uuid_v7(NULL);
    size_t kept = 0;
    for (size_t i = 0; i < m->b_n; i++) {
        if (m->b[i].block.first < first)
            m->b[kept++] = m->b[i];
        else
            free((void *)(uintptr_t)m->b[i].block.data);
    }
    m->b_n = kept;
    must(xw_ranges_subtract(&m->blocks, first, UINT64_MAX));
    must(xw_ranges_subtract(&m->known, first, UINT64_MAX));
    for (size_t i = 0; i < s->logs_n; i++)
        must(xw_ranges_subtract(&s->logs[i]->received, received_upto + 1, UINT64_MAX));
}
