/* The model's records: one list of everything ever appended; every question looks through it. */
#include "store/memory.h"

#include <string.h>

enum { KIND_EVENT = 1, KIND_ANCHOR = 3 }; /* Xw__RecordKind */

static int compare_keys(const void *a, size_t a_size, const void *b, size_t b_size)
{
    int order = memcmp(a, b, XW_MIN(a_size, b_size));
    return order != 0 ? order : (a_size < b_size ? -1 : a_size > b_size);
}

static bool same_key(const struct xw_store_record *a, const struct xw_store_record *b)
{
    return compare_keys(a->key, a->key_size, b->key, b->key_size) == 0;
}

static bool same_bytes(const struct xw_store_record *a, const struct xw_store_record *b)
{
    return a->kind == b->kind && a->wall_us == b->wall_us && strcmp(a->origin, b->origin) == 0 &&
           a->body_size == b->body_size &&
           (a->body_size == 0 || memcmp(a->body, b->body, a->body_size) == 0);
}

static struct mem_log *log_find(const struct mem_store *store, const char *name)
{
    for (size_t i = 0; i < store->logs_n; i++)
        if (strcmp(store->logs[i].name, name) == 0)
            return &store->logs[i];
    return NULL;
}

static void log_once(struct mem_store *store, const char *name, size_t record,
                     struct xw_store_done *done)
{
    struct mem_log *log = log_find(store, name);
    if (log == NULL) {
        MEM_PUSH(store->logs, store->logs_n, store->logs_cap);
        log = &store->logs[store->logs_n++];
        *log = (struct mem_log){.n = 0};
        memcpy(log->name, name, strlen(name));
    }
    for (size_t i = 0; i < log->n; i++)
        if (log->records[i] == record)
            return;
    MEM_PUSH(log->records, log->n, log->cap);
    log->records[log->n++] = record;
    done->out_seq_last = XW_MAX(done->out_seq_last, (uint64_t)log->n);
}

static void note_received(struct mem_store *store, const struct xw_uuid *id, uint64_t seq)
{
    struct mem_inlog *inlog = NULL;
    for (size_t i = 0; i < store->inlogs_n && inlog == NULL; i++)
        if (xw_uuid_equal(&store->inlogs[i]->id, id))
            inlog = store->inlogs[i];
    if (inlog == NULL) {
        inlog = mem_zeroed(1, sizeof *inlog);
        inlog->id = *id;
        xw_ranges_init(&inlog->seqs, STORE_RANGES_MAX);
        MEM_PUSH_POINTER(store->inlogs, store->inlogs_n, store->inlogs_cap);
        store->inlogs[store->inlogs_n++] = inlog;
    }
    mem_must(xw_ranges_add(&inlog->seqs, seq, seq + 1));
}

static void insert(struct mem_store *store, const struct xw_store_record *record, bool conflict)
{
    MEM_PUSH(store->records, store->records_n, store->records_cap);
    struct mem_record *entry = &store->records[store->records_n++];
    *entry = (struct mem_record){*record, conflict};
    entry->record.key = mem_copy(record->key, record->key_size);
    entry->record.body = mem_copy(record->body, record->body_size);
    entry->record.origin = mem_copy(record->origin, strlen(record->origin) + 1);
}

static void apply(struct mem_store *store, const struct store_entry *entry,
                  struct xw_store_done *done)
{
    size_t at = SIZE_MAX;
    bool equal_conflict = false;
    for (size_t i = 0; i < store->records_n; i++) {
        const struct mem_record *old = &store->records[i];
        if (old->record.revision != entry->record.revision ||
            !same_key(&old->record, &entry->record))
            continue;
        if (!old->conflict)
            at = i;
        else if (same_bytes(&old->record, &entry->record))
            equal_conflict = true;
    }
    if (at == SIZE_MAX) {
        at = store->records_n;
        insert(store, &entry->record, false);
        done->records_new++;
    } else if (same_bytes(&store->records[at].record, &entry->record)) {
        done->records_known++;
    } else {
        at = SIZE_MAX;
        if (!equal_conflict) {
            insert(store, &entry->record, true);
            done->conflicts++;
        }
    }
    if (at != SIZE_MAX && entry->out_log != NULL)
        log_once(store, entry->out_log, at, done);
    if (entry->in_log != NULL)
        note_received(store, entry->in_log, entry->in_seq);
}

void mem_apply_records(struct mem_store *store, const struct xw_store_batch *batch,
                       struct xw_store_done *done)
{
    for (size_t i = 0; i < batch->records_n; i++)
        apply(store, &batch->records[i], done);
}

/* ---- questions ---- */

static bool is_newest(const struct mem_store *store, size_t at)
{
    const struct mem_record *one = &store->records[at];
    if (one->conflict || one->record.key == NULL)
        return false;
    for (size_t i = 0; i < store->records_n; i++)
        if (!store->records[i].conflict && store->records[i].record.key != NULL &&
            same_key(&store->records[i].record, &one->record) &&
            store->records[i].record.revision > one->record.revision)
            return false;
    return true;
}

static bool in_kinds(const struct store_query *query, uint32_t kind)
{
    return query->kinds == 0 || (kind < 32 && (query->kinds >> kind & 1) != 0);
}

static bool matches(const struct store_query *query, const struct xw_store_record *record)
{
    int order = compare_keys(record->key, record->key_size, query->key, query->key_size);
    switch (query->what) {
    case QUERY_KEY:
        return order == 0;
    case QUERY_KIND:
        if (record->kind != query->kind)
            return false;
        return !query->has_key || (query->newest_first ? order < 0 : order > 0);
    case QUERY_PREFIX:
        return record->kind == query->kind && record->key_size >= query->key_size &&
               memcmp(record->key, query->key, query->key_size) == 0;
    case QUERY_EVENTS:
        return record->kind == KIND_EVENT && record->has_span &&
               xw_uuid_equal(&record->stream, &query->stream) &&
               record->span.first < query->range.end && record->span.end > query->range.first &&
               in_kinds(query, record->event_kind);
    case QUERY_ANCHORS:
        return record->kind == KIND_ANCHOR && record->has_span &&
               xw_uuid_equal(&record->stream, &query->stream);
    case QUERY_LOG:
        break;
    }
    return false;
}

static int by_key(const void *a, const void *b)
{
    const struct xw_store_record *x = a, *y = b;
    return compare_keys(x->key, x->key_size, y->key, y->key_size);
}
static int by_key_down(const void *a, const void *b)
{
    return by_key(b, a);
}
static int by_span(const void *a, const void *b)
{
    const struct xw_store_record *x = a, *y = b;
    if (x->span.first != y->span.first)
        return x->span.first < y->span.first ? -1 : 1;
    return by_key(a, b);
}

/* Of all anchors, sorted: the last one at or before the index, and the first behind it. */
static size_t pick_anchors(struct xw_store_record *records, size_t n, uint64_t index)
{
    size_t after = 0;
    while (after < n && records[after].span.first <= index)
        after++;
    struct xw_store_record picked[2];
    size_t picked_n = 0;
    if (after > 0)
        picked[picked_n++] = records[after - 1];
    if (after < n)
        picked[picked_n++] = records[after];
    memcpy(records, picked, picked_n * sizeof *records);
    return picked_n;
}

struct query_request {
    struct mem_request request;
    struct store_query query;
    xw_store_records_fn done;
    void *user;
};

static void answer_log(struct mem_store *store, const struct store_query *query,
                       struct xw_store_record *records, uint64_t *seqs,
                       struct xw_store_records *ret_result)
{
    const struct mem_log *log = log_find(store, query->log);
    for (uint64_t seq = query->after + 1; log != NULL && seq <= log->n; seq++) {
        if (ret_result->records_n >= query->limit) {
            ret_result->more = true;
            break;
        }
        seqs[ret_result->records_n] = seq;
        records[ret_result->records_n++] = store->records[log->records[seq - 1]].record;
    }
}

static void answer_state(struct mem_store *store, const struct store_query *query,
                         struct xw_store_record *records, struct xw_store_records *ret_result)
{
    size_t n = 0;
    for (size_t i = 0; i < store->records_n; i++)
        if (is_newest(store, i) && matches(query, &store->records[i].record))
            records[n++] = store->records[i].record;
    bool places = query->what == QUERY_EVENTS || query->what == QUERY_ANCHORS;
    if (n > 1)
        qsort(records, n, sizeof *records,
              places                ? by_span
              : query->newest_first ? by_key_down
                                    : by_key);
    if (query->what == QUERY_ANCHORS)
        n = pick_anchors(records, n, query->after);
    ret_result->more = n > query->limit;
    ret_result->records_n = XW_MIN(n, query->limit);
    if (query->what == QUERY_KEY && n == 0)
        ret_result->status = -ENOENT;
}

static void query_run(struct mem_store *store, struct mem_request *request)
{
    struct query_request *self = XW_CONTAINER_OF(request, struct query_request, request);
    struct xw_store_record *records = mem_zeroed(store->records_n + 2, sizeof *records);
    uint64_t *seqs = mem_zeroed(store->records_n + 2, sizeof *seqs);
    struct xw_store_records result = {.records = records, .seqs = seqs};
    if (self->query.what == QUERY_LOG)
        answer_log(store, &self->query, records, seqs, &result);
    else
        answer_state(store, &self->query, records, &result);
    self->done(self->user, &result);
    free(records);
    free(seqs);
    free(self);
}

int mem_query(struct xw_store *base, const struct store_query *query, xw_store_records_fn done,
              void *user)
{
    if (mem_of(base)->closing)
        return -ECANCELED;
    struct query_request self = {
        .request.run = query_run, .query = *query, .done = done, .user = user};
    mem_later(mem_of(base), &((struct query_request *)mem_copy(&self, sizeof self))->request);
    return 0;
}

struct forget_request {
    struct mem_request request;
    uint32_t kind;
    uint8_t key[STORE_KEY_MAX];
    size_t size;
};

/* The place in the list stays (logs point to it), empty. */
static void forget_run(struct mem_store *store, struct mem_request *request)
{
    struct forget_request *self = XW_CONTAINER_OF(request, struct forget_request, request);
    for (size_t i = 0; i < store->records_n; i++) {
        struct mem_record *one = &store->records[i];
        if (one->record.key == NULL || one->record.kind != self->kind ||
            compare_keys(one->record.key, one->record.key_size, self->key, self->size) != 0)
            continue;
        free((void *)(uintptr_t)one->record.key);
        free((void *)(uintptr_t)one->record.body);
        free((void *)(uintptr_t)one->record.origin);
        one->record = (struct xw_store_record){.key = NULL};
        one->conflict = true;
    }
    free(self);
}

int mem_forget(struct xw_store *base, uint32_t kind, const void *key, size_t size)
{
    struct forget_request self = {.request.run = forget_run, .kind = kind, .size = size};
    memcpy(self.key, key, size);
    mem_later(mem_of(base), &((struct forget_request *)mem_copy(&self, sizeof self))->request);
    return 0;
}

uint64_t mem_log_last(struct xw_store *base, const char *name)
{
    const struct mem_log *log = log_find(mem_of(base), name);
    return log == NULL ? 0 : log->n;
}

const struct xw_ranges *mem_log_received(struct xw_store *base, const struct xw_uuid *id)
{
    const struct mem_store *store = mem_of(base);
    for (size_t i = 0; i < store->inlogs_n; i++)
        if (xw_uuid_equal(&store->inlogs[i]->id, id))
            return &store->inlogs[i]->seqs;
    return &store->nothing;
}

void mem_records_free(struct mem_store *store)
{
    for (size_t i = 0; i < store->records_n; i++) {
        free((void *)(uintptr_t)store->records[i].record.key);
        free((void *)(uintptr_t)store->records[i].record.body);
        free((void *)(uintptr_t)store->records[i].record.origin);
    }
    free(store->records);
    for (size_t i = 0; i < store->logs_n; i++)
        free(store->logs[i].records);
    free(store->logs);
    for (size_t i = 0; i < store->inlogs_n; i++) {
        xw_ranges_done(&store->inlogs[i]->seqs);
        free(store->inlogs[i]);
    }
    free(store->inlogs);
}
