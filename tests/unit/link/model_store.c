/* The link tests' store: its life and its streams; see model_store.h. */
#include "unit/link/model_store_in.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

void model_must(int r)
{
    if (r < 0) {
        fprintf(stderr, "model store: %d\n", r);
        abort();
    }
}

void *model_copy(const void *data, size_t size)
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

struct job *model_job(struct xw_store *s, void (*run)(struct xw_store *, struct job *), void *user)
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
    model_objects_free(s);
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
/* ---- streams ---- */

static void view(const struct mstream *m, struct xw_store_stream *ret_stream)
{
    *ret_stream = (struct xw_store_stream){m->id,      m->header, m->header_size,
                                           &m->blocks, &m->known, &m->released};
}

int xw_store_stream(struct xw_store *s, const struct xw_uuid *stream,
                    struct xw_store_stream *ret_stream)
{
    struct mstream *m = model_find(s, stream);
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
    struct mstream *m = model_find(s, stream);
    assert(m && xw_ranges_covers(&m->known, range.first, range.end));
    model_must(xw_ranges_add(&m->released, range.first, range.end));
}

void xw_store_unrelease(struct xw_store *s, const struct xw_uuid *stream, struct xw_range range)
{
    struct mstream *m = model_find(s, stream);
    if (m)
        model_must(xw_ranges_subtract(&m->released, range.first, range.end));
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
    struct mstream *m = model_find(s, stream);
    for (size_t i = 0; m && i < m->b_n; i++)
        if (m->b[i].block.first >= range.first && m->b[i].block.first < range.end)
            m->b[i].broken = true;
}

void model_restore(struct xw_store *s, const struct xw_uuid *stream, uint64_t first,
                   uint64_t received_upto)
{
    struct mstream *m = model_find(s, stream);
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
    model_must(xw_ranges_subtract(&m->blocks, first, UINT64_MAX));
    model_must(xw_ranges_subtract(&m->known, first, UINT64_MAX));
    for (size_t i = 0; i < s->logs_n; i++)
        model_must(xw_ranges_subtract(&s->logs[i]->received, received_upto + 1, UINT64_MAX));
}
