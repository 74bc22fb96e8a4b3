/* The link tests' store: reads, epochs, objects; see model_store.h. */
#include "unit/link/model_store_in.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

static int by_first(const void *a, const void *b)
{
    const struct xw_store_block *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static void run_read(struct xw_store *s, struct job *job)
{
    struct mstream *m = model_find(s, &job->stream);
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
    model_must(xw_ranges_complement(&m->known, job->range.first, out.next, &unknown));
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
    struct job *job = model_job(s, run_read, user);
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
    struct job *job = model_job(s, run_log, user);
    snprintf(job->name, sizeof(job->name), "%s", out_log);
    job->after = after;
    job->max = limit;
    job->records = done;
    return 0;
}

const struct xw_ranges *xw_store_log_received(struct xw_store *s, const struct xw_uuid *in_log)
{
    return &model_log(s, in_log)->received;
}

void xw_store_log_release(struct xw_store *s XW_UNUSED, const char *out_log XW_UNUSED,
                          uint64_t upto XW_UNUSED)
{
}

static void run_epoch(struct xw_store *s, struct job *job)
{
    struct mepoch *e = model_epoch(s, job->name);
    job->epoch(job->user, job->status, job->status ? 0 : ++e->epoch);
}

int xw_store_epoch_next(struct xw_store *s, const char *owner, xw_store_epoch_fn done, void *user)
{
    struct job *job = model_job(s, run_epoch, user);
    snprintf(job->name, sizeof(job->name), "%s", owner);
    job->epoch = done;
    return 0;
}

static void run_renew(struct xw_store *s, struct job *job)
{
    if (job->status == 0)
        s->id.b[15] ^= 0x5a;
    if (job->renewed)
        job->renewed(job->user, job->status);
}

int xw_store_renew(struct xw_store *s, xw_store_renewed_fn done, void *user)
{
    model_job(s, run_renew, user)->renewed = done;
    return 0;
}

/* ---- objects ---- */

void model_objects_free(struct xw_store *s)
{
    for (size_t i = 0; i < s->objects_n; i++)
        free(s->objects[i].data);
    free(s->objects);
}

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
    struct job *job = model_job(s, run_write, user);
    memcpy(job->sha256, sha256, 32);
    job->size = size;
    job->offset = offset;
    snprintf(job->media_type, sizeof(job->media_type), "%s", media_type);
    job->data = model_copy(data, data_size);
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
    struct job *job = model_job(s, run_bytes, user);
    memcpy(job->sha256, sha256, 32);
    job->offset = offset;
    job->max = max_size;
    job->bytes = done;
    return 0;
}
