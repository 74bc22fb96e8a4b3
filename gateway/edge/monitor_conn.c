/* A connection of monitors: frames in, answers out, in order of arrival. */
#include "edge/monitor_in.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"

enum {
    WAITING_MAX = 64, /* messages of a connection whose commit is on its way */
    ANSWER_MAX = 2048,
    FRAME_US = 30000000, /* from the first byte of a frame to its last */
    PARK_US = 10000000,  /* a message waits so long for its monitor's memory */
};

XW_COUNTER(messages_n, "xw_monitor_messages_total", NULL, "HL7 messages that came");
XW_COUNTER(framing_n, "xw_monitor_faults_total", "what=\"framing\"", "connections ended");
XW_COUNTER(large_n, "xw_monitor_faults_total", "what=\"too_large\"", "connections ended");
XW_COUNTER(slow_n, "xw_monitor_faults_total", "what=\"slow\"", "connections ended");

/* ---- answers, in order of arrival ---- */

struct monitor_waiting *monitor_conn_wait(struct monitor_conn *conn)
{
    struct monitor_waiting *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->conn = conn;
    xw_buf_init(&w->answer[0], ANSWER_MAX);
    xw_buf_init(&w->answer[1], ANSWER_MAX);
    *conn->last = w;
    conn->last = &w->next;
    conn->waiting_n++;
    return w;
}

static struct monitor_waiting *take_first(struct monitor_conn *conn)
{
    struct monitor_waiting *w = conn->first;
    conn->first = w->next;
    if (!conn->first)
        conn->last = &conn->first;
    conn->waiting_n--;
    return w;
}

static void waiting_free(struct monitor_waiting *w)
{
    xw_buf_done(&w->answer[0]);
    xw_buf_done(&w->answer[1]);
    free(w);
}

void monitor_conn_answer(struct monitor_conn *conn)
{
    while (conn->first && conn->first->decided) {
        struct monitor_waiting *w = take_first(conn);
        if (!conn->tcp.closing && xw_fault_point("monitor.ack.before_send") < 0)
            xw_tcp_close(&conn->tcp);
        xw_tcp_write(&conn->tcp, w->answer[w->good].data, w->answer[w->good].n);
        waiting_free(w);
    }
}

void monitor_conn_forget(struct monitor_conn *conn)
{
    while (conn->first)
        waiting_free(take_first(conn));
}

/* ---- reading ---- */

/* The last answer goes out, then the end. */
static void end_conn(struct monitor_conn *conn)
{
    conn->over = true;
    xw_buf_clear(&conn->rest);
    xw_tcp_linger(&conn->tcp);
}

static void refuse_large(struct monitor_conn *conn)
{
    xw_counter_add(&large_n, 1);
    monitor_message_too_large(conn);
    end_conn(conn);
}

static void bad_framing(struct monitor_conn *conn)
{
    xw_counter_add(&framing_n, 1);
    xw_log_warning("monitor.framing", XW_LOG_STR("peer", conn->peer));
    end_conn(conn);
    if (!conn->waiting_n)
        xw_tcp_close(&conn->tcp);
}

static bool can_take(const struct monitor_conn *conn)
{
    return !conn->over && !conn->tcp.closing && conn->waiting_n < WAITING_MAX &&
           !xw_commit_congested(conn->monitor->edge->commit);
}

static void park(struct monitor_conn *conn)
{
    conn->parked_us = xw_edge_now_us();
    conn->parked = true;
    conn->monitor->parked_n++;
}

/* Takes what was read, as far as it can be taken now. */
static void take_rest(struct monitor_conn *conn)
{
    while (can_take(conn)) {
        if (conn->parked) {
            if (monitor_message_take(conn) == -EAGAIN)
                return;
            conn->parked = false;
            conn->monitor->parked_n--;
            continue;
        }
        size_t used = 0;
        if (!conn->rest.n)
            return;
        int r = xw_mllp_feed(&conn->mllp, conn->rest.data, conn->rest.n, xw_edge_now_us(), &used);
        if (r >= 0)
            xw_buf_drop(&conn->rest, used);
        if (r == -EOVERFLOW)
            refuse_large(conn);
        else if (r < 0)
            bad_framing(conn);
        if (r != 1)
            continue;
        xw_counter_add(&messages_n, 1);
        if (monitor_message_take(conn) == -EAGAIN)
            park(conn);
    }
}

void monitor_conn_received(struct xw_tcp_conn *tcp, const void *data, size_t n)
{
    struct monitor_conn *conn = monitor_conn_of(tcp);
    conn->heard_us = xw_edge_now_us();
    if (n == 0 || conn->over)
        return;
    if (xw_buf_append(&conn->rest, data, n) < 0) {
        xw_tcp_close(tcp);
        return;
    }
    monitor_conn_pump(conn);
}

void monitor_conn_pump(struct monitor_conn *conn)
{
    if (conn->pumping) /* a commit that failed at once calls back from within */
        return;
    conn->pumping = true;
    take_rest(conn);
    conn->pumping = false;
    bool waits = conn->rest.n || conn->parked || conn->waiting_n >= WAITING_MAX;
    xw_tcp_read(&conn->tcp, conn->over || !waits);
}

/* ---- its life ---- */

void monitor_conn_init(struct monitor_conn *conn, struct xw_monitor *monitor)
{
    conn->monitor = monitor;
    conn->last = &conn->first;
    conn->heard_us = xw_edge_now_us();
    xw_mllp_init(&conn->mllp);
    xw_buf_init(&conn->rest, XW_TCP_READ_BYTES);
}

void monitor_conn_free(struct monitor_conn *conn)
{
    conn->monitor->parked_n -= conn->parked;
    xw_mllp_done(&conn->mllp);
    xw_buf_done(&conn->rest);
    xw_tcp_unlink(&conn->tcp);
    free(conn);
}

void monitor_conn_closed(struct xw_tcp_conn *tcp)
{
    struct monitor_conn *conn = monitor_conn_of(tcp);
    if (!conn->waiting_n)
        monitor_conn_free(conn);
}

void monitor_conn_tick(struct monitor_conn *conn, int64_t now_us)
{
    if (conn->parked && now_us - conn->parked_us > PARK_US) {
        xw_tcp_close(&conn->tcp);
    } else if (xw_mllp_late(&conn->mllp, now_us, FRAME_US) && !conn->over && !conn->waiting_n) {
        xw_counter_add(&slow_n, 1);
        xw_log_warning("monitor.slow", XW_LOG_STR("peer", conn->peer));
        xw_tcp_close(&conn->tcp);
    } else {
        monitor_conn_pump(conn);
    }
}
