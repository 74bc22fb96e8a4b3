/* Questions about records, on a reader's thread. */
#include "store/sq.h"

#include <string.h>

struct query_job {
    struct sq_store *store;
    struct store_query query;
    xw_store_records_fn done;
    void *user;
    struct xw_store_records result;
    struct xw_store_record *records;
    uint64_t *seqs;
    size_t records_cap, seqs_cap;
    struct store_chunk *chunks;
};

enum { ANSWER_MAX = 64 << 20, CHUNK = 65536 };

static void *copy(struct query_job *job, const void *data, size_t size)
{
    size_t room = (size + 15U) & ~(size_t)15U;
    struct store_chunk *chunk = job->chunks;
    if (chunk == NULL || chunk->cap - chunk->n < room) {
        size_t cap = XW_MAX(room, (size_t)CHUNK);
        chunk = malloc(sizeof *chunk + cap);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct store_chunk){.next = job->chunks, .cap = cap};
        job->chunks = chunk;
    }
    void *at = (char *)chunk->bytes + chunk->n;
    chunk->n += room;
    if (size > 0)
        memcpy(at, data, size);
    return at;
}

/* Columns of SQ_RECORD_COLUMNS. */
static int add_row(struct query_job *job, sqlite3_stmt *row)
{
    struct xw_store_record record = {.revision = sq_u64(row, 1),
                                     .kind = (uint32_t)sqlite3_column_int64(row, 2),
                                     .wall_us = sqlite3_column_int64(row, 5)};
    const void *key = sq_bytes(row, 0, &record.key_size);
    const void *body = sq_bytes(row, 3, &record.body_size);
    size_t origin_size, id_size;
    const void *origin = sqlite3_column_text(row, 4);
    origin_size = (size_t)sqlite3_column_bytes(row, 4);
    record.key = copy(job, key, record.key_size);
    record.body = copy(job, body, record.body_size);
    char *name = copy(job, origin, origin_size + 1);
    if (record.key == NULL || record.body == NULL || name == NULL)
        return -ENOMEM;
    name[origin_size] = '\0';
    record.origin = name;
    const void *id = sq_bytes(row, 6, &id_size);
    if (id_size == XW_UUID_N_BYTES) {
        record.has_span = true;
        memcpy(record.stream.b, id, id_size);
        record.span = (struct xw_range){sq_u64(row, 7), sq_u64(row, 8)};
        record.event_kind = (uint32_t)sqlite3_column_int64(row, 9);
        record.priority = (uint32_t)sqlite3_column_int64(row, 10);
    }
    size_t n = job->result.records_n;
    int r = store_grow(&job->records, &job->records_cap, n, sizeof record, SIZE_MAX);
    if (r == 0)
        r = store_grow(&job->seqs, &job->seqs_cap, n, sizeof *job->seqs, SIZE_MAX);
    if (r < 0)
        return r;
    job->records[n] = record;
    job->seqs[n] = sq_u64(row, 11);
    job->result.records_n++;
    return 0;
}

/* Steps to the end; more than `limit` rows only sets `more`. */
static int collect(struct query_job *job, sqlite3_stmt *rows, size_t limit)
{
    size_t bytes = 0;
    int r;
    while ((r = sq_step(rows)) == 1) {
        if (job->result.records_n >= limit || bytes > ANSWER_MAX) {
            job->result.more = true;
            break;
        }
        bytes += (size_t)sqlite3_column_bytes(rows, 3) + 256;
        r = add_row(job, rows);
        if (r < 0)
            break;
    }
    (void)sqlite3_reset(rows);
    return r < 0 ? r : 0;
}

static int ask_key(struct query_job *job, struct sq_conn *conn)
{
    sqlite3_stmt *rows = sq_get(conn, SQ_ASK_KEY);
    sq_bind_bytes(rows, 1, job->query.key, job->query.key_size);
    int r = collect(job, rows, 1);
    return r == 0 && job->result.records_n == 0 ? -ENOENT : r;
}

enum { KIND_EVENT = 1 }; /* has no index by kind: there are too many, and beats come by place */

static int ask_kind(struct query_job *job, struct sq_conn *conn)
{
    const struct store_query *query = &job->query;
    bool events = query->kind == KIND_EVENT;
    enum sq_statement which = events ? SQ_ASK_EVENT_KEY : SQ_ASK_KIND;
    if (query->newest_first && query->has_key)
        which = events ? SQ_ASK_EVENT_KEY_DOWN : SQ_ASK_KIND_DOWN;
    else if (query->newest_first)
        which = events ? SQ_ASK_EVENT_KEY_LAST : SQ_ASK_KIND_LAST;
    sqlite3_stmt *rows = sq_get(conn, which);
    (void)sqlite3_bind_int64(rows, 1, query->kind);
    if (!query->newest_first || query->has_key)
        sq_bind_bytes(rows, 2, query->key, query->key_size);
    (void)sqlite3_bind_int64(rows, 3, (int64_t)query->limit + 1);
    return collect(job, rows, query->limit);
}

/* Keys from the prefix itself on, while they begin with it. */
static int ask_prefix(struct query_job *job, struct sq_conn *conn)
{
    const struct store_query *query = &job->query;
    sqlite3_stmt *rows =
        sq_get(conn, query->kind == KIND_EVENT ? SQ_ASK_EVENT_PREFIX : SQ_ASK_PREFIX);
    uint8_t last[STORE_KEY_MAX + 1];
    memcpy(last, query->key, query->key_size);
    memset(last + query->key_size, 0xff, sizeof last - query->key_size);
    (void)sqlite3_bind_int64(rows, 1, query->kind);
    sq_bind_bytes(rows, 2, query->key, query->key_size);
    (void)sqlite3_bind_int64(rows, 3, (int64_t)query->limit + 1);
    sq_bind_bytes(rows, 4, last, sizeof last);
    return collect(job, rows, query->limit);
}

static int compare_spans(const void *a, const void *b)
{
    const struct xw_store_record *x = a, *y = b;
    if (x->span.first != y->span.first)
        return x->span.first < y->span.first ? -1 : 1;
    int order = memcmp(x->key, y->key, XW_MIN(x->key_size, y->key_size));
    return order != 0 ? order : (x->key_size < y->key_size ? -1 : x->key_size > y->key_size);
}

/* Short events begin a bounded way before the range; of the few long ones all earlier are tried. */
static int ask_events(struct query_job *job, struct sq_conn *conn)
{
    const struct store_query *query = &job->query;
    uint64_t first = query->range.first;
    uint32_t kinds = query->kinds == 0 ? UINT32_MAX : query->kinds;
    sqlite3_stmt *rows = sq_get(conn, SQ_ASK_EVENTS_LONG);
    sq_bind_id(rows, 1, &query->stream);
    sq_bind_u64(rows, 2, query->range.end);
    sq_bind_u64(rows, 3, first);
    (void)sqlite3_bind_int64(rows, 4, kinds);
    (void)sqlite3_bind_int64(rows, 5, (int64_t)query->limit + 1);
    int r = collect(job, rows, query->limit);
    size_t long_n = job->result.records_n;
    if (r < 0)
        return r;
    rows = sq_get(conn, SQ_ASK_EVENTS);
    sq_bind_id(rows, 1, &query->stream);
    (void)sqlite3_bind_int64(
        rows, 2, first > SQ_SHORT_EVENT_N ? (int64_t)(first - SQ_SHORT_EVENT_N) - 1 : -1);
    sq_bind_u64(rows, 3, query->range.end);
    sq_bind_u64(rows, 4, first);
    (void)sqlite3_bind_int64(rows, 5, kinds);
    (void)sqlite3_bind_int64(rows, 6, (int64_t)query->limit + 1);
    r = collect(job, rows, query->limit + long_n);
    if (job->result.records_n > 1)
        qsort(job->records, job->result.records_n, sizeof *job->records, compare_spans);
    if (job->result.records_n > query->limit) {
        job->result.records_n = query->limit;
        job->result.more = true;
    }
    return r;
}

static int ask_anchors(struct query_job *job, struct sq_conn *conn)
{
    const enum sq_statement which[2] = {SQ_ASK_ANCHOR, SQ_ASK_ANCHOR_NEXT};
    int r = 0;
    for (size_t i = 0; r == 0 && i < 2; i++) {
        sqlite3_stmt *rows = sq_get(conn, which[i]);
        sq_bind_id(rows, 1, &job->query.stream);
        sq_bind_u64(rows, 2, job->query.after);
        r = collect(job, rows, 2);
    }
    return r;
}

static int ask_log(struct query_job *job, struct sq_conn *conn)
{
    const struct store_query *query = &job->query;
    sqlite3_stmt *find = sq_get(conn, SQ_LOG_BY_NAME);
    sq_bind_text(find, 1, query->log);
    int r = sq_step(find);
    int64_t no = r == 1 ? sqlite3_column_int64(find, 0) : 0;
    (void)sqlite3_reset(find);
    if (r <= 0)
        return r;
    sqlite3_stmt *rows = sq_get(conn, SQ_ASK_LOG);
    uint64_t end = query->after > STORE_INDEX_MAX - query->limit ? STORE_INDEX_MAX
                                                                 : query->after + query->limit;
    (void)sqlite3_bind_int64(rows, 1, no);
    sq_bind_u64(rows, 2, query->after);
    sq_bind_u64(rows, 3, end);
    r = collect(job, rows, SIZE_MAX);
    if (r == 0 && !job->result.more) {
        find = sq_get(conn, SQ_LOG_AFTER);
        (void)sqlite3_bind_int64(find, 1, no);
        sq_bind_u64(find, 2, end);
        r = sq_step(find);
        job->result.more = r == 1;
        (void)sqlite3_reset(find);
    }
    return r < 0 ? r : 0;
}

static int ask(struct query_job *job, struct sq_conn *conn)
{
    switch (job->query.what) {
    case QUERY_KEY:
        return ask_key(job, conn);
    case QUERY_KIND:
        return ask_kind(job, conn);
    case QUERY_PREFIX:
        return ask_prefix(job, conn);
    case QUERY_EVENTS:
        return ask_events(job, conn);
    case QUERY_ANCHORS:
        return ask_anchors(job, conn);
    case QUERY_LOG:
        return ask_log(job, conn);
    }
    return -EINVAL;
}

/* Several statements of one answer see one snapshot. */
static void query_work(void *arg)
{
    struct query_job *job = arg;
    struct sq_conn *conn = NULL;
    int r = sq_conn_take(job->store, &conn);
    if (r == 0) {
        r = sq_run(sq_get(conn, SQ_BEGIN_READ));
        if (r == 0)
            r = ask(job, conn);
        (void)sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
        sq_conn_give(job->store, conn);
    }
    if (r < 0)
        job->result = (struct xw_store_records){.status = r};
    job->result.records = job->records;
    job->result.seqs = job->seqs;
}

static void query_done(void *arg, int status)
{
    struct query_job *job = arg;
    if (status < 0)
        job->result = (struct xw_store_records){.status = status};
    job->done(job->user, &job->result);
    for (struct store_chunk *chunk = job->chunks, *next; chunk != NULL; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    free(job->records);
    free(job->seqs);
    free(job);
}

int sq_query(struct xw_store *base, const struct store_query *query, xw_store_records_fn done,
             void *user)
{
    struct sq_store *store = sq_of(base);
    if (store->closing)
        return -ECANCELED;
    struct query_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    *job = (struct query_job){.store = store, .query = *query, .done = done, .user = user};
    int r = xw_pool_submit(store->readers, query_work, query_done, job);
    if (r < 0)
        free(job);
    return r;
}
