/* Sending a record log; see logtx.h. */
#include "link/logtx.h"

#include "base/log.h"
#include "base/metrics.h"
#include "link/record.h"

XW_COUNTER(unsendable, "xw_link_malformed_records_total", NULL,
           "records of our own log that cannot be sent: they are not what they say they are");

enum { LOGTX_QUEUED_MAX = 2048, READ_N = 256, RANGES_MAX = 16384 };

struct read_op {
    struct xw_logtx *tx;
    struct xw_life *life;
    uint64_t session, first, end; /* sequences [first, end) were asked for */
    bool alarms_only;
};

void xw_logtx_init(struct xw_logtx *tx, struct xw_life *life, struct xw_store *store,
                   struct xw_lanes *lanes, const struct xw_clock *clock, const char *name)
{
    *tx = (struct xw_logtx){
        .life = life, .store = store, .lanes = lanes, .clock = clock, .name = name};
    xw_ledger_init(&tx->ledger, RANGES_MAX);
    tx->last = xw_store_log_last(store, name);
}

void xw_logtx_done(struct xw_logtx *tx)
{
    xw_ledger_done(&tx->ledger);
}

int xw_logtx_acked(struct xw_logtx *tx, uint64_t upto, Xw__Range *const *ranges, size_t ranges_n)
{
    /* Only what exists can have arrived: a peer that claims more is broken or lies. */
    if (upto > tx->last)
        return -EPROTO;
    if (ranges_n && ranges[ranges_n - 1]->first + ranges[ranges_n - 1]->count > tx->last + 1)
        return -EPROTO;
    xw_ledger_acked(&tx->ledger, (struct xw_range){0, upto + 1});
    for (size_t i = 0; i < ranges_n; i++)
        xw_ledger_acked(&tx->ledger,
                        (struct xw_range){ranges[i]->first, ranges[i]->first + ranges[i]->count});
    uint64_t contiguous = xw_ranges_contiguous_end(&tx->ledger.has, 0) - 1;
    if (contiguous)
        xw_store_log_release(tx->store, tx->name, contiguous);
    return 0;
}

int xw_logtx_begin(struct xw_logtx *tx, uint64_t upto, Xw__Range *const *ranges, size_t ranges_n)
{
    tx->last = XW_MAX(tx->last, xw_store_log_last(tx->store, tx->name));
    xw_ledger_clear(&tx->ledger);
    tx->session++;
    tx->active = true;
    tx->reading = false;
    tx->base = tx->scan = tx->last;
    return xw_logtx_acked(tx, upto, ranges, ranges_n);
}

void xw_logtx_stop(struct xw_logtx *tx)
{
    tx->session++;
    tx->active = false;
    tx->reading = false;
}

void xw_logtx_committed(struct xw_logtx *tx, uint64_t last)
{
    tx->last = XW_MAX(tx->last, last);
    xw_logtx_step(tx);
}

static void queue_record(struct xw_logtx *tx, uint64_t seq, const struct xw_store_record *stored,
                         bool alarms_only)
{
    struct xw_store_record record = *stored;
    if (xw_ranges_contains(&tx->ledger.accounted, seq))
        return;
    /* Nobody can read it there either; it stays in this store, counted and told. */
    if (xw_record_span(&record) < 0) {
        xw_counter_add(&unsendable, 1);
        xw_log_error("link.record_malformed", XW_LOG_UINT("seq", seq),
                     XW_LOG_UINT("kind", record.kind));
        xw_ledger_skip(&tx->ledger, (struct xw_range){seq, seq + 1});
        return;
    }
    unsigned lane = xw_record_lane(&record, seq <= tx->base);
    if (alarms_only && lane != XW__LANE__LANE_ALARM)
        return;
    if (xw_lanes_record(tx->lanes, lane, xw_clock_mono(tx->clock).us, &tx->ledger, seq, &record) <
        0)
        return; /* the lane is full: read again later */
    if (lane == XW__LANE__LANE_ALARM && record.has_span && tx->on_alarm)
        tx->on_alarm(tx->alarm_user, &record);
}

/* Sequences that the log does not hold any more will never come. */
static void skip_absent(struct xw_logtx *tx, const struct read_op *op,
                        const struct xw_store_records *found)
{
    uint64_t next = op->first;
    for (size_t i = 0; i < found->records_n; i++) {
        uint64_t seq = found->seqs[i];
        if (seq > next)
            xw_ledger_skip(&tx->ledger, (struct xw_range){next, seq});
        next = seq + 1;
    }
    if (!found->more && next < op->end)
        xw_ledger_skip(&tx->ledger, (struct xw_range){next, op->end});
}

static void on_read(void *user, const struct xw_store_records *found)
{
    struct read_op *op = user;
    struct xw_logtx *tx = op->tx;
    if (!op->life->dead && tx->active && tx->session == op->session) {
        tx->reading = false;
        for (size_t i = 0; found->status >= 0 && i < found->records_n; i++)
            queue_record(tx, found->seqs[i], &found->records[i], op->alarms_only);
        if (found->status >= 0) {
            skip_absent(tx, op, found);
            if (op->alarms_only)
                tx->scan = op->first - 1;
        }
        if (tx->on_queued && found->records_n)
            tx->on_queued(tx->user);
        if (found->status >= 0)
            xw_logtx_step(tx);
    }
    xw_life_unref(op->life);
    free(op);
}

static void read_log(struct xw_logtx *tx, uint64_t first, uint64_t end, bool alarms_only)
{
    struct read_op *op = malloc(sizeof(*op));
    if (!op)
        return;
    *op = (struct read_op){tx, tx->life, tx->session, first, end, alarms_only};
    if (xw_store_log_read(tx->store, tx->name, first - 1, (size_t)(end - first), on_read, op) < 0) {
        free(op);
        return; /* too many reads wait: the next tick tries again */
    }
    xw_life_ref(tx->life);
    tx->reading = true;
}

/* The backlog: alarms from the newest and the rest from the oldest, taking turns. */
static bool read_backlog(struct xw_logtx *tx)
{
    struct xw_range todo;
    bool rest = xw_ledger_oldest(&tx->ledger, 1, tx->base + 1, &todo);
    if (!rest)
        tx->scan = 0;
    tx->turn = !tx->turn;
    if (tx->scan && (tx->turn || !rest)) {
        uint64_t first = tx->scan > READ_N ? tx->scan - READ_N + 1 : 1;
        read_log(tx, first, tx->scan + 1, true);
        return true;
    }
    if (rest)
        read_log(tx, todo.first, XW_MIN(todo.end, todo.first + READ_N), false);
    return rest;
}

void xw_logtx_step(struct xw_logtx *tx)
{
    struct xw_range todo;
    if (!tx->active || tx->reading || tx->ledger.queued.total > LOGTX_QUEUED_MAX)
        return;
    if (xw_ledger_oldest(&tx->ledger, tx->base + 1, tx->last + 1, &todo))
        read_log(tx, todo.first, XW_MIN(todo.end, todo.first + READ_N), false);
    else
        (void)read_backlog(tx);
}
