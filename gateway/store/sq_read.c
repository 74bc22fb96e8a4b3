/* Reading samples of a range, on a reader's thread. */
#include "store/sq_crew.h"
#include "store/sq_fetch.h"
#include "store/sq_unit.h"

#include "base/log.h"

#include <string.h>

enum { TRIES = 4 }; /* when retention or re-coding came between index, directory and bytes */

struct read_job {
    struct sq_store *store;
    const struct sq_stream *stream; /* only what never changes, but pend under dir_lock */
    struct xw_range range;
    size_t max_bytes;
    xw_store_samples_fn done;
    void *user;
    /* result */
    struct xw_store_samples result;
    struct xw_store_block *blocks;
    struct xw_store_gap *gaps;
    size_t gaps_cap;
    uint8_t *bytes;
    struct xw_ranges unknown;
    struct xw_ranges covered;
};

static int add_gap(struct read_job *job, struct xw_range range, uint32_t reason)
{
    range.first = XW_MAX(range.first, job->range.first);
    range.end = XW_MIN(range.end, job->result.next);
    if (range.first >= range.end)
        return 0;
    int r = store_grow(&job->gaps, &job->gaps_cap, job->result.gaps_n, sizeof *job->gaps, SIZE_MAX);
    if (r == 0)
        r = xw_ranges_add(&job->covered, range.first, range.end);
    if (r == 0)
        job->gaps[job->result.gaps_n++] = (struct xw_store_gap){job->stream->id, range, reason};
    return r;
}

static int read_gaps(struct read_job *job, struct sq_conn *conn)
{
    sqlite3_stmt *list = sq_get(conn, SQ_GAP_RANGE);
    (void)sqlite3_bind_int64(list, 1, job->stream->no);
    sq_bind_u64(list, 2, job->range.first);
    sq_bind_u64(list, 3, job->range.end);
    int r;
    while ((r = sq_step(list)) == 1) {
        struct xw_range range = {sq_u64(list, 0), sq_u64(list, 1)};
        r = add_gap(job, range, (uint32_t)sqlite3_column_int64(list, 2));
        if (r < 0)
            break;
    }
    (void)sqlite3_reset(list);
    return r;
}

enum { GAP_UNREADABLE = 4 }; /* Xw__GapReason */

/* A block whose bytes are damaged is a gap of this answer, and by a job of the writer for good. */
static int lose_block(struct read_job *job, const struct sq_entry *entry, const uint8_t *bytes,
                      size_t size)
{
    struct xw_range range = {entry->first, sq_entry_end(entry)};
    sq_mark_unreadable(job->store, job->stream->no, range, entry->batch, bytes, size);
    return add_gap(job, range, GAP_UNREADABLE);
}

static bool same_unit(const struct sq_ref *a, const struct sq_ref *b)
{
    return a->entry.unit_count != 0 && b->entry.unit_count != 0 && a->day == b->day &&
           a->row == b->row && a->entry.offset == b->entry.offset;
}

/* How many of the places fit into max_bytes (at least one), and where the answer ends: between two
 * units where that leaves anything, so that who goes on from there opens none twice. */
static size_t cut_answer(struct read_job *job, const struct sq_fetch *fetch, size_t *ret_bytes)
{
    size_t n = 0, bytes = 0;
    while (n < fetch->refs_n && fetch->refs[n].entry.first < fetch->complete_to &&
           (n == 0 || bytes + fetch->refs[n].entry.size <= job->max_bytes))
        bytes += fetch->refs[n++].entry.size;
    job->result.next = fetch->complete_to;
    if (n < fetch->refs_n && fetch->refs[n].entry.first < fetch->complete_to) {
        size_t whole = n;
        while (whole > 0 && same_unit(&fetch->refs[whole - 1], &fetch->refs[whole]))
            whole--;
        for (; whole > 0 && n > whole; n--)
            bytes -= fetch->refs[n - 1].entry.size;
        job->result.next = fetch->refs[n].entry.first;
    }
    *ret_bytes = bytes;
    return n;
}

/* ---- blocks ---- */

/* The units that an answer needs, opened side by side. */
struct unit {
    struct sq_want *wants; /* those of this unit */
    size_t wants_n;
    uint8_t *bytes;
    int status;
};
struct answer {
    uint32_t channels_n;
    struct sq_want *wants; /* a block each */
    struct unit *units;
    size_t units_n;
};

static void answer_done(struct answer *answer)
{
    for (size_t i = 0; i < answer->units_n; i++)
        free(answer->units[i].bytes);
    free(answer->units);
    free(answer->wants);
}

static void open_unit(void *user, size_t i)
{
    const struct answer *answer = user;
    struct unit *unit = &answer->units[i];
    unit->status = sq_unit_open(answer->channels_n, unit->bytes, unit->wants, unit->wants_n);
}

static int fetch_unit(struct answer *answer, struct sq_fetch *fetch, const struct sq_ref *ref,
                      struct sq_want *want)
{
    struct unit *unit = &answer->units[answer->units_n];
    *unit = (struct unit){.wants = want, .wants_n = 1, .bytes = malloc(ref->entry.unit_size)};
    if (unit->bytes == NULL)
        return -ENOMEM;
    answer->units_n++;
    int r = sq_fetch_stored(fetch, ref, unit->bytes);
    return r == -EBADMSG ? 0 : r; /* what of it is sound shows when it is opened */
}

/* Every block's own bytes to their places in job->bytes, or known as bad. */
static int fetch_all(struct read_job *job, struct sq_fetch *fetch, struct answer *answer, size_t n)
{
    size_t used = 0;
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct sq_ref *ref = &fetch->refs[i];
        struct sq_want *want = &answer->wants[i];
        *want = (struct sq_want){.entry = &ref->entry, .to = job->bytes + used};
        used += ref->entry.size;
        if (ref->entry.unit_count == 0) {
            r = sq_fetch_stored(fetch, ref, want->to);
            want->bad = r == -EBADMSG;
            r = want->bad ? 0 : r;
        } else if (i > 0 && same_unit(ref, ref - 1)) {
            answer->units[answer->units_n - 1].wants_n++;
        } else {
            r = fetch_unit(answer, fetch, ref, want);
        }
    }
    if (r == 0)
        sq_crew_run(job->store->crew, answer->units_n, open_unit, answer);
    for (size_t i = 0; r == 0 && i < answer->units_n; i++)
        r = answer->units[i].status;
    return r;
}

/* A damaged unit is put aside once, with the first block that is lost with it. */
static int lose_want(struct read_job *job, const struct answer *answer, const struct sq_want *want)
{
    const struct sq_entry *e = want->entry;
    if (e->unit_count == 0)
        return lose_block(job, e, want->to, e->size);
    for (size_t i = 0; i < answer->units_n; i++) {
        const struct unit *unit = &answer->units[i];
        size_t at = 0;
        while (at < unit->wants_n && !unit->wants[at].bad)
            at++;
        if (at < unit->wants_n && &unit->wants[at] == want)
            return lose_block(job, e, unit->bytes, e->unit_size);
    }
    return lose_block(job, e, NULL, 0);
}

static int give_blocks(struct read_job *job, const struct answer *answer, size_t n)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < n; i++) {
        const struct sq_want *want = &answer->wants[i];
        const struct sq_entry *e = want->entry;
        if (want->bad) {
            r = lose_want(job, answer, want);
            continue;
        }
        r = xw_ranges_add(&job->covered, e->first, sq_entry_end(e));
        if (r == 0)
            job->blocks[job->result.blocks_n++] = (struct xw_store_block){.stream = job->stream->id,
                                                                          .first = e->first,
                                                                          .count = e->count,
                                                                          .coding = e->coding,
                                                                          .crc32c = e->crc32c,
                                                                          .data = want->to,
                                                                          .size = e->size};
    }
    return r;
}

static int read_blocks(struct read_job *job, struct sq_fetch *fetch)
{
    size_t bytes, n = cut_answer(job, fetch, &bytes);
    struct answer answer = {.channels_n = job->stream->shape.channels_n,
                            .wants = calloc(n + 1, sizeof *answer.wants),
                            .units = calloc(n + 1, sizeof *answer.units)};
    job->blocks = calloc(n + 1, sizeof *job->blocks);
    job->bytes = malloc(bytes + 1);
    int r = -ENOMEM;
    if (job->blocks != NULL && job->bytes != NULL && answer.wants != NULL && answer.units != NULL)
        r = fetch_all(job, fetch, &answer, n);
    if (r == 0)
        r = give_blocks(job, &answer, n);
    answer_done(&answer);
    for (size_t i = 0; r == 0 && i < fetch->lost_n; i++) {
        sq_mark_unreadable(job->store, job->stream->no, fetch->lost[i], 0, NULL, 0);
        r = add_gap(job, fetch->lost[i], GAP_UNREADABLE);
    }
    return r;
}

static int compare_gaps(const void *a, const void *b)
{
    uint64_t x = ((const struct xw_store_gap *)a)->range.first;
    uint64_t y = ((const struct xw_store_gap *)b)->range.first;
    return x < y ? -1 : x > y;
}

static void clear_result(struct read_job *job)
{
    free(job->blocks);
    free(job->gaps);
    free(job->bytes);
    job->blocks = NULL;
    job->gaps = NULL;
    job->bytes = NULL;
    job->gaps_cap = 0;
    job->result = (struct xw_store_samples){0};
    xw_ranges_clear(&job->covered);
    xw_ranges_clear(&job->unknown);
}

/* The snapshot and the copy of the directory are taken together (sq.h, locks); batch_next changes
 * under the lock, after its row was committed. */
static int begin_snapshot(struct read_job *job, struct sq_fetch *fetch)
{
    (void)pthread_mutex_lock(&job->store->dir_lock);
    int r = sq_run(sq_get(fetch->conn, SQ_BEGIN_READ));
    if (r == 0) {
        sqlite3_stmt *any = sq_get(fetch->conn, SQ_STATE_GET);
        sq_bind_text(any, 1, "id");
        r = sq_run(any);
    }
    if (r == 0)
        r = sq_fetch_pend(fetch, job->stream, job->range, job->store->writer.batch_next);
    (void)pthread_mutex_unlock(&job->store->dir_lock);
    return r;
}

static int read_once(struct read_job *job, struct sq_conn *conn, bool last_try)
{
    struct sq_fetch fetch;
    sq_fetch_init(&fetch, job->store, conn, job->stream);
    int r = begin_snapshot(job, &fetch);
    if (r == 0)
        r = sq_fetch_find(&fetch, job->stream->span_max, job->range, job->max_bytes);
    if (r == 0 && fetch.vanished && !last_try)
        r = -ESTALE; /* retention may have been between: look once more */
    if (r == 0)
        r = read_blocks(job, &fetch);
    if (r == 0)
        r = read_gaps(job, conn);
    if (r == 0)
        r = xw_ranges_complement(&job->covered, job->range.first, job->result.next, &job->unknown);
    sq_fetch_done(&fetch);
    (void)sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

static void read_work(void *arg)
{
    struct read_job *job = arg;
    struct sq_conn *conn = NULL;
    int r = sq_conn_take(job->store, &conn);
    if (r == 0) {
        r = -ESTALE;
        for (int tries = 1; r == -ESTALE && tries <= TRIES; tries++) {
            clear_result(job);
            r = read_once(job, conn, tries == TRIES);
        }
        sq_conn_give(job->store, conn);
    }
    if (r == -ESTALE)
        r = -EAGAIN;
    if (r < 0) {
        clear_result(job);
        job->result.next = job->range.first;
    }
    if (job->result.gaps_n > 1)
        qsort(job->gaps, job->result.gaps_n, sizeof *job->gaps, compare_gaps);
    job->result.status = r;
    job->result.blocks = job->blocks;
    job->result.gaps = job->gaps;
    job->result.unknown = &job->unknown;
}

static void read_done(void *arg, int status)
{
    struct read_job *job = arg;
    if (status < 0)
        job->result = (struct xw_store_samples){
            .status = status, .unknown = &job->unknown, .next = job->range.first};
    job->done(job->user, &job->result);
    clear_result(job);
    xw_ranges_done(&job->covered);
    xw_ranges_done(&job->unknown);
    free(job);
}

int sq_read(struct xw_store *base, const struct xw_uuid *id, struct xw_range range,
            size_t max_bytes, xw_store_samples_fn done, void *user)
{
    struct sq_store *store = sq_of(base);
    uint32_t no = sq_map_get(&store->view.map, id);
    if (no == 0)
        return -ENOENT;
    if (store->closing)
        return -ECANCELED;
    struct read_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return -ENOMEM;
    range.end = XW_MIN(range.end, STORE_INDEX_MAX);
    range.first = XW_MIN(range.first, range.end);
    *job = (struct read_job){.store = store,
                             .stream = store->view.streams[no - 1]->stream,
                             .range = range,
                             .max_bytes = max_bytes,
                             .done = done,
                             .user = user};
    xw_ranges_init(&job->covered, STORE_RANGES_MAX);
    xw_ranges_init(&job->unknown, STORE_RANGES_MAX);
    int r = xw_pool_submit(store->readers, read_work, read_done, job);
    if (r < 0)
        free(job);
    return r;
}
