/* One socket's control queue, credit and clock; see conn.h. */
#include "link/conn.h"

#include <stdio.h>
#include <string.h>

struct xw_conn_note {
    struct xw_conn_note *next;
    size_t size;
    uint8_t data[];
};

void xw_conn_init(struct xw_conn *conn, const struct xw_clock *clock)
{
    static uint64_t last_id;
    *conn = (struct xw_conn){.id = ++last_id};
    conn->tail = &conn->head;
    conn->opened_us = conn->heard_us = xw_clock_mono(clock).us;
    conn->clock_due_us = conn->ticked_us = conn->opened_us;
}

static void drop_notes(struct xw_conn *conn)
{
    while (conn->head) {
        struct xw_conn_note *note = conn->head;
        conn->head = note->next;
        free(note);
    }
    conn->tail = &conn->head;
    conn->control_n_bytes = 0;
}

void xw_conn_done(struct xw_conn *conn)
{
    drop_notes(conn);
}

static void wake(struct xw_conn *conn)
{
    if (conn->wake)
        conn->wake(conn);
}

void xw_conn_send(struct xw_conn *conn, const Xw__LinkMessage *message)
{
    if (conn->state >= XW_CONN_CLOSING)
        return;
    size_t size = xw__link_message__get_packed_size(message);
    struct xw_conn_note *note = NULL;
    if (conn->control_n_bytes + size <= XW_CONN_CONTROL_MAX_N_BYTES ||
        message->body_case == XW__LINK_MESSAGE__BODY_HELLO)
        note = malloc(sizeof(*note) + size);
    if (!note) {
        xw_conn_end(conn, XW__LINK_FAULT__LINK_FAULT_LIMIT, "control queue is full");
        return;
    }
    *note = (struct xw_conn_note){.size = size};
    xw__link_message__pack(message, note->data);
    *conn->tail = note;
    conn->tail = &note->next;
    conn->control_n_bytes += size;
    wake(conn);
}

static void set_fault(struct xw_conn *conn, Xw__LinkFault code, const char *text)
{
    conn->fault = code;
    snprintf(conn->fault_text, sizeof(conn->fault_text), "%s", text);
}

void xw_conn_fail(struct xw_conn *conn, Xw__LinkFault code, const char *text)
{
    if (conn->state >= XW_CONN_CLOSING)
        return;
    drop_notes(conn); /* the reason must get through, not what waited before it */
    Xw__LinkClose body = XW__LINK_CLOSE__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    set_fault(conn, code, text);
    /* That our own store refuses is not the peer's fault. */
    conn->violated = code != XW__LINK_FAULT__LINK_FAULT_SHUTDOWN &&
                     code != XW__LINK_FAULT__LINK_FAULT_SUPERSEDED &&
                     code != XW__LINK_FAULT__LINK_FAULT_STORAGE;
    body.code = code;
    body.text = conn->fault_text;
    message.body_case = XW__LINK_MESSAGE__BODY_CLOSE;
    message.close = &body;
    xw_conn_send(conn, &message);
    if (conn->state < XW_CONN_CLOSING)
        conn->state = XW_CONN_CLOSING;
    wake(conn);
}

void xw_conn_end(struct xw_conn *conn, Xw__LinkFault code, const char *text)
{
    if (conn->state >= XW_CONN_CLOSING)
        return;
    drop_notes(conn);
    set_fault(conn, code, text);
    conn->state = XW_CONN_ENDED;
    wake(conn);
}

int xw_conn_pull(struct xw_conn *conn, struct xw_buf *ret_buf)
{
    struct xw_conn_note *note = conn->head;
    if (!note) {
        if (conn->state == XW_CONN_CLOSING)
            conn->state = XW_CONN_ENDED;
        return conn->state == XW_CONN_ENDED ? -ESHUTDOWN : 0;
    }
    int r = xw_buf_append(ret_buf, note->data, note->size);
    if (r < 0)
        return r;
    conn->head = note->next;
    if (!conn->head)
        conn->tail = &conn->head;
    conn->control_n_bytes -= note->size;
    free(note);
    return 1;
}

int xw_conn_take(struct xw_conn *conn, size_t n_bytes)
{
    if (conn->got_n_bytes + n_bytes > conn->allowed_n_bytes)
        return -EPROTO;
    conn->got_n_bytes += n_bytes;
    return 0;
}

void xw_conn_settle(struct xw_conn *conn, uint64_t n_bytes)
{
    conn->settled_n_bytes += n_bytes;
    uint64_t limit = conn->settled_n_bytes + XW_CONN_CREDIT_N_BYTES;
    if (limit - conn->allowed_n_bytes < XW_CONN_CREDIT_N_BYTES / 4)
        return;
    conn->allowed_n_bytes = limit;
    Xw__Credit body = XW__CREDIT__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    body.limit_bytes = limit;
    message.body_case = XW__LINK_MESSAGE__BODY_CREDIT;
    message.credit = &body;
    xw_conn_send(conn, &message);
}

static void send_clock(struct xw_conn *conn, int64_t origin, int64_t receive, int64_t transmit)
{
    Xw__Clock body = XW__CLOCK__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    body.origin_us = origin;
    body.receive_us = receive;
    body.transmit_us = transmit;
    message.body_case = XW__LINK_MESSAGE__BODY_CLOCK;
    message.clock = &body;
    xw_conn_send(conn, &message);
}

int xw_conn_clock(struct xw_conn *conn, const struct xw_clock *clock, const Xw__Clock *message,
                  struct xw_conn_time *ret_time)
{
    int64_t wall_us = xw_clock_wall(clock).us;
    if (!message->receive_us && !message->transmit_us) {
        send_clock(conn, message->origin_us, wall_us, wall_us);
        return 0;
    }
    if (!conn->clock_origin_us || message->origin_us != conn->clock_origin_us)
        return 0; /* the answer to a request given up long ago */
    /* The round trip by our monotonic clock: a step of the wall clock must not spoil it. */
    int64_t away_us = xw_clock_mono(clock).us - conn->clock_sent_us;
    int64_t held_us = 0, rtt_us;
    if (__builtin_sub_overflow(message->transmit_us, message->receive_us, &held_us) ||
        held_us < 0 || held_us > away_us)
        held_us = 0;
    rtt_us = away_us - held_us;
    int64_t offset_us;
    if (__builtin_sub_overflow(message->receive_us, message->origin_us, &offset_us) ||
        __builtin_sub_overflow(offset_us, rtt_us / 2, &offset_us))
        return 0;
    conn->clock_origin_us = 0;
    conn->rtt_us = (uint32_t)XW_MIN(rtt_us, (int64_t)INT32_MAX);
    *ret_time = (struct xw_conn_time){conn->rtt_us,
                                      offset_us,
                                      {conn->clock_sent_boot_us, xw_clock_boot(clock).us,
                                       message->receive_us, message->transmit_us}};
    return 1;
}

void xw_conn_tick(struct xw_conn *conn, const struct xw_clock *clock)
{
    int64_t now_us = xw_clock_mono(clock).us;
    int64_t passed_us = now_us - conn->ticked_us;
    conn->ticked_us = now_us;
    if (passed_us > XW_CONN_STALL_US) {
        /* A machine that was held up (a paused guest, a full disk) has not read what came
         * meanwhile: that is no silence of the peer's. */
        conn->opened_us += passed_us;
        conn->heard_us += passed_us;
    }
    if (conn->state >= XW_CONN_CLOSING)
        return;
    if (conn->state < XW_CONN_OPEN) {
        if (now_us - conn->opened_us > XW_CONN_HELLO_US)
            xw_conn_fail(conn, XW__LINK_FAULT__LINK_FAULT_TIMEOUT, "no hello or welcome in 5 s");
        return;
    }
    if (now_us - conn->heard_us > XW_CONN_SILENT_US) {
        xw_conn_end(conn, XW__LINK_FAULT__LINK_FAULT_TIMEOUT, "link is silent");
        return;
    }
    if (now_us >= conn->clock_due_us) {
        conn->clock_due_us = now_us + XW_CONN_CLOCK_US;
        conn->clock_origin_us = xw_clock_wall(clock).us;
        conn->clock_sent_us = now_us;
        conn->clock_sent_boot_us = xw_clock_boot(clock).us;
        send_clock(conn, conn->clock_origin_us, 0, 0);
    }
}

const char *xw_conn_fault_text(Xw__LinkFault fault)
{
    static const char *const texts[] = {
        "unspecified", "malformed", "too large",  "version", "state",         "identity", "header",
        "CRC",         "credit",    "superseded", "storage", "shutting down", "timeout",  "limit"};
    return (unsigned)fault < XW_ARRAY_N(texts) ? texts[fault] : "unknown";
}
