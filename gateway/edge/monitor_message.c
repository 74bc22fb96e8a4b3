/* A monitor's message: read, handed to its monitor, answered. */
#include "edge/monitor_in.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "edge/monitor_device.h"

#include <stdio.h>

XW_COUNTER(accepted_n, "xw_monitor_answers_total", "verdict=\"accept\"", "answers to messages");
XW_COUNTER(error_n, "xw_monitor_answers_total", "verdict=\"error\"", "answers to messages");
XW_COUNTER(reject_n, "xw_monitor_answers_total", "verdict=\"reject\"", "answers to messages");

static void count_answer(enum xw_hl7_verdict verdict)
{
    xw_counter_add(verdict == XW_HL7_ACCEPT  ? &accepted_n
                   : verdict == XW_HL7_ERROR ? &error_n
                                             : &reject_n,
                   1);
}

static int make_answer(struct monitor_conn *conn, const struct xw_hl7_message *message,
                       const struct xw_hl7_header *header, enum xw_hl7_verdict verdict,
                       const struct xw_hl7_error *error, struct xw_buf *ret)
{
    char id[40];
    snprintf(id, sizeof(id), "xw%llx-%llu",
             (unsigned long long)conn->monitor->edge->started_wall_us,
             (unsigned long long)++conn->monitor->answers_n);
    return xw_hl7_ack(message, header, verdict, error, id, xw_edge_wall_us(), ret);
}

/* An answer that waits for nothing but its turn. */
static void answer_now(struct monitor_conn *conn, const struct xw_hl7_message *message,
                       const struct xw_hl7_header *header, enum xw_hl7_verdict verdict,
                       const struct xw_hl7_error *error)
{
    struct monitor_waiting *w = monitor_conn_wait(conn);
    count_answer(verdict);
    if (verdict != XW_HL7_ACCEPT)
        xw_log_warning("monitor.refused", XW_LOG_STR("peer", conn->peer),
                       XW_LOG_STR("where", error->where), XW_LOG_STR("text", error->text));
    if (!w || make_answer(conn, message, header, verdict, error, &w->answer[0]) < 0) {
        xw_tcp_close(&conn->tcp);
        if (w)
            xw_buf_clear(&w->answer[0]);
    }
    if (w)
        w->decided = true;
    monitor_conn_answer(conn);
}

/* The commit with what a message said is done. The connection may be gone meanwhile. */
static void on_committed(struct xw_commit_owner *owner, int status, uint64_t mark)
{
    struct monitor_waiting *w = XW_CONTAINER_OF(owner, struct monitor_waiting, owner);
    struct monitor_conn *conn = w->conn;
    struct xw_monitor *monitor = conn->monitor;
    (void)mark;
    w->good = xw_monitor_device_done(w->device, status);
    if (w->good && xw_fault_point("monitor.commit.after") < 0)
        w->good = false;
    w->decided = true;
    count_answer(w->good ? XW_HL7_ACCEPT : XW_HL7_ERROR);
    monitor_conn_answer(conn);
    /* A connection that is gone is freed at the next tick: somebody may be going through them. */
    monitor_conn_pump(conn);
    monitor_pump_parked(monitor);
}

/* The answers for both ends are made now: the message itself need not be kept until then. */
static int wait_for_commit(struct monitor_conn *conn, struct xw_monitor_device *device,
                           const struct xw_hl7_message *message, const struct xw_hl7_header *header)
{
    struct xw_hl7_error error;
    struct monitor_waiting *w = monitor_conn_wait(conn);
    xw_hl7_error_set(&error, "OBX", "the gateway could not keep it: send it again");
    if (!w)
        return -ENOMEM;
    w->device = device;
    w->owner.done = on_committed;
    int r = make_answer(conn, message, header, XW_HL7_ERROR, &error, &w->answer[0]);
    if (r >= 0)
        r = make_answer(conn, message, header, XW_HL7_ACCEPT, NULL, &w->answer[1]);
    if (r < 0)
        xw_tcp_close(&conn->tcp); /* it is kept, and recognised when it comes again */
    xw_commit_notify(conn->monitor->edge->commit, &w->owner);
    return 0;
}

static int take_oru(struct monitor_conn *conn, const struct xw_hl7_message *message,
                    const struct xw_hl7_header *header, struct xw_hl7_oru *oru)
{
    struct xw_hl7_error error;
    struct xw_monitor_device *device = NULL;
    int r = xw_monitor_device_find(conn->monitor->devices, oru, conn->peer, &device, &error);
    if (r >= 0)
        r = xw_monitor_device_take(device, header, oru, xw_edge_wall_us(), &error);
    if (r == -EAGAIN)
        return r;
    if (r == 1)
        return wait_for_commit(conn, device, message, header);
    answer_now(conn, message, header, r == 0 ? XW_HL7_ACCEPT : XW_HL7_ERROR, &error);
    return 0;
}

int monitor_message_take(struct monitor_conn *conn)
{
    struct xw_hl7_message message;
    struct xw_hl7_header header;
    struct xw_hl7_oru oru = {0};
    struct xw_hl7_error error;
    if (xw_hl7_parse(conn->mllp.message.data, conn->mllp.message.n, &message, &error) < 0) {
        answer_now(conn, NULL, NULL, XW_HL7_REJECT, &error);
        return 0;
    }
    int r = xw_hl7_header_read(&message, &header, &error);
    if (!xw_hl7_header_is_oru(&header, r < 0 ? NULL : &error)) {
        answer_now(conn, &message, &header, XW_HL7_REJECT, &error);
        r = 0;
    } else if (r < 0) {
        answer_now(conn, &message, &header, XW_HL7_ERROR, &error);
        r = 0;
    } else {
        r = xw_hl7_oru_read(&message, &header, &oru, &error);
        if (r == -EOVERFLOW)
            answer_now(conn, &message, &header, XW_HL7_REJECT, &error);
        else if (r < 0)
            answer_now(conn, &message, &header, XW_HL7_ERROR, &error);
        r = r < 0 ? 0 : take_oru(conn, &message, &header, &oru);
        xw_hl7_oru_done(&oru);
    }
    xw_hl7_done(&message);
    return r;
}

void monitor_message_too_large(struct monitor_conn *conn)
{
    struct xw_hl7_message message;
    struct xw_hl7_header header;
    struct xw_hl7_error error, large;
    const struct xw_buf *b = &conn->mllp.message;
    size_t n = 0;
    while (n < b->n && n < 4096 && b->data[n] != '\r' && b->data[n] != '\n')
        n++;
    xw_hl7_error_set(&large, "MSH", "a message above 1 MiB");
    if (xw_hl7_parse(b->data, n, &message, &error) < 0) {
        answer_now(conn, NULL, NULL, XW_HL7_REJECT, &large);
    } else {
        (void)!xw_hl7_header_read(&message, &header, &error);
        answer_now(conn, &message, &header, XW_HL7_REJECT, &large);
        xw_hl7_done(&message);
    }
}
