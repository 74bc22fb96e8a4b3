/* Connections of monitors: frames in, answers out. */
#include "edge/monitor.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "edge/monitor_device.h"
#include "hl7/mllp.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

enum {
    CONNECTIONS_MAX = 64,
    WAITING_MAX = 64, /* messages of a connection whose commit is on its way */
    READ_BYTES = 64 * 1024,
    OUT_MAX = 256 * 1024,
    ANSWER_MAX = 2048,
    BACKLOG = 64,
    FRAME_US = 30000000,  /* from the first byte of a frame to its last */
    SILENT_US = 60000000, /* when all places are taken, a connection that is silent gives way */
    LINGER_MS = 500,      /* for the peer to read the last answer */
    PARK_US = 10000000,   /* a message waits so long for its monitor's memory */
};

XW_COUNTER(messages_n, "xw_monitor_messages_total", NULL, "HL7 messages that came");
XW_COUNTER(accepted_n, "xw_monitor_answers_total", "verdict=\"accept\"", "answers to messages");
XW_COUNTER(error_n, "xw_monitor_answers_total", "verdict=\"error\"", "answers to messages");
XW_COUNTER(reject_n, "xw_monitor_answers_total", "verdict=\"reject\"", "answers to messages");
XW_COUNTER(connections_n, "xw_monitor_connections_total", NULL, "connections to the port");
XW_COUNTER(refused_n, "xw_monitor_connections_refused_total", NULL, "connections: too many");
XW_COUNTER(framing_n, "xw_monitor_faults_total", "what=\"framing\"", "connections ended");
XW_COUNTER(large_n, "xw_monitor_faults_total", "what=\"too_large\"", "connections ended");
XW_COUNTER(slow_n, "xw_monitor_faults_total", "what=\"slow\"", "connections ended");
XW_COUNTER(silent_n, "xw_monitor_faults_total", "what=\"silent\"", "connections ended");

struct conn;

/* A message that was taken and is not answered yet. */
struct waiting {
    struct waiting *next;
    struct conn *conn;
    struct xw_monitor_device *device;
    struct xw_commit_owner owner;
    bool decided, good;
    struct xw_buf answer[2]; /* if it cannot be kept; if it is */
};

struct conn {
    struct conn *next, **at;
    struct xw_monitor *monitor;
    uv_tcp_t tcp;
    uv_timer_t linger;
    uint8_t handles_n;
    bool closing, over; /* over: nothing more is read */
    bool reading, pumping;
    char peer[48];
    int64_t heard_us, parked_us;
    struct xw_mllp mllp;
    struct xw_buf rest; /* read and not looked at */
    bool parked;        /* mllp.message waits for its monitor's memory, or for the next batch */
    struct waiting *first, **last;
    size_t waiting_n, out_bytes;
};

struct xw_monitor {
    struct xw_edge *edge;
    struct xw_monitor_devices *devices;
    uv_tcp_t listener;
    bool listening, stopped, freed;
    uint16_t port_n;
    uint32_t handles_n;
    struct conn *conns;
    size_t conns_n, parked_n;
    uint64_t answers_n;
    uint8_t buffer[READ_BYTES];
};

struct write_request {
    uv_write_t request;
    struct conn *conn;
    size_t size;
    uint8_t data[];
};

static void conn_close(struct conn *conn);
static void pump(struct conn *conn);
static void pump_parked(struct xw_monitor *monitor);

/* ---- writing ---- */

static void on_written(uv_write_t *request, int status)
{
    struct write_request *w = (struct write_request *)request;
    w->conn->out_bytes -= w->size;
    if (status < 0)
        conn_close(w->conn);
    free(w);
}

static void write_bytes(struct conn *conn, const uint8_t *data, size_t size)
{
    if (conn->closing || !size)
        return;
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)data, (unsigned)size);
    if (!conn->out_bytes) {
        int n = uv_try_write((uv_stream_t *)&conn->tcp, &buf, 1);
        if (n == (int)size)
            return;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    struct write_request *w = conn->out_bytes + size <= OUT_MAX ? malloc(sizeof(*w) + size) : NULL;
    if (!w) {
        conn_close(conn); /* it does not read */
        return;
    }
    memcpy(w->data, data, size);
    w->conn = conn;
    w->size = size;
    buf = uv_buf_init((char *)w->data, (unsigned)size);
    conn->out_bytes += size;
    if (uv_write(&w->request, (uv_stream_t *)&conn->tcp, &buf, 1, on_written) < 0) {
        conn->out_bytes -= size;
        free(w);
        conn_close(conn);
    }
}

/* ---- answers, in order of arrival ---- */

static void waiting_free(struct waiting *w)
{
    xw_buf_done(&w->answer[0]);
    xw_buf_done(&w->answer[1]);
    free(w);
}

static void count_answer(enum xw_hl7_verdict verdict)
{
    xw_counter_add(verdict == XW_HL7_ACCEPT  ? &accepted_n
                   : verdict == XW_HL7_ERROR ? &error_n
                                             : &reject_n,
                   1);
}

static void answer_decided(struct conn *conn)
{
    while (conn->first && conn->first->decided) {
        struct waiting *w = conn->first;
        conn->first = w->next;
        if (!conn->first)
            conn->last = &conn->first;
        conn->waiting_n--;
        if (!conn->closing && xw_fault_point("monitor.ack.before_send") < 0)
            conn_close(conn);
        write_bytes(conn, w->answer[w->good].data, w->answer[w->good].n);
        waiting_free(w);
    }
}

/* The commit with what a message said is done. The connection may be gone meanwhile. */
static void on_committed(struct xw_commit_owner *owner, int status, uint64_t mark)
{
    struct waiting *w = XW_CONTAINER_OF(owner, struct waiting, owner);
    struct conn *conn = w->conn;
    struct xw_monitor *monitor = conn->monitor;
    (void)mark;
    w->good = xw_monitor_device_done(w->device, status);
    if (w->good && xw_fault_point("monitor.commit.after") < 0)
        w->good = false;
    w->decided = true;
    count_answer(w->good ? XW_HL7_ACCEPT : XW_HL7_ERROR);
    answer_decided(conn);
    pump(conn); /* one that is gone is freed at the next tick: somebody may be going through them */
    pump_parked(monitor);
}

static struct waiting *waiting_new(struct conn *conn)
{
    struct waiting *w = calloc(1, sizeof(*w));
    if (!w)
        return NULL;
    w->conn = conn;
    w->owner.done = on_committed;
    xw_buf_init(&w->answer[0], ANSWER_MAX);
    xw_buf_init(&w->answer[1], ANSWER_MAX);
    *conn->last = w;
    conn->last = &w->next;
    conn->waiting_n++;
    return w;
}

static int make_answer(struct conn *conn, const struct xw_hl7_message *message,
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
static void answer_now(struct conn *conn, const struct xw_hl7_message *message,
                       const struct xw_hl7_header *header, enum xw_hl7_verdict verdict,
                       const struct xw_hl7_error *error)
{
    struct waiting *w = waiting_new(conn);
    count_answer(verdict);
    if (verdict != XW_HL7_ACCEPT)
        xw_log_warning("monitor.refused", XW_LOG_STR("peer", conn->peer),
                       XW_LOG_STR("where", error->where), XW_LOG_STR("text", error->text));
    if (!w || make_answer(conn, message, header, verdict, error, &w->answer[0]) < 0) {
        conn_close(conn);
        if (w)
            xw_buf_clear(&w->answer[0]);
    }
    if (w)
        w->decided = true;
    answer_decided(conn);
}

/* ---- a message ---- */

/* The answers for both ends are made now: the message itself need not be kept until then. */
static int wait_for_commit(struct conn *conn, struct xw_monitor_device *device,
                           const struct xw_hl7_message *message, const struct xw_hl7_header *header)
{
    struct xw_hl7_error error;
    struct waiting *w = waiting_new(conn);
    xw_hl7_error_set(&error, "OBX", "the gateway could not keep it: send it again");
    if (!w)
        return -ENOMEM;
    w->device = device;
    int r = make_answer(conn, message, header, XW_HL7_ERROR, &error, &w->answer[0]);
    if (r >= 0)
        r = make_answer(conn, message, header, XW_HL7_ACCEPT, NULL, &w->answer[1]);
    if (r < 0)
        conn_close(conn); /* it is kept, and recognised when it comes again */
    xw_commit_notify(conn->monitor->edge->commit, &w->owner);
    return 0;
}

static int take_oru(struct conn *conn, const struct xw_hl7_message *message,
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

/* -EAGAIN: not now; the same message again later. */
static int take_message(struct conn *conn)
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

/* ---- reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct conn *conn = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init((char *)conn->monitor->buffer, READ_BYTES);
}

static void on_linger(uv_timer_t *timer)
{
    conn_close(timer->data);
}

/* The last answer goes out, then the end; what the peer still sends is read and dropped, so that a
 * reset does not take the answer away from it. */
static void end_conn(struct conn *conn)
{
    conn->over = true;
    xw_buf_clear(&conn->rest);
    if (!conn->closing)
        uv_timer_start(&conn->linger, on_linger, LINGER_MS, 0);
}

/* Too large a message: its header alone is read, to say which one. */
static void refuse_large(struct conn *conn)
{
    struct xw_hl7_message message;
    struct xw_hl7_header header;
    struct xw_hl7_error error, large;
    const struct xw_buf *b = &conn->mllp.message;
    size_t n = 0;
    while (n < b->n && n < 4096 && b->data[n] != '\r' && b->data[n] != '\n')
        n++;
    xw_hl7_error_set(&large, "MSH", "a message above 1 MiB");
    xw_counter_add(&large_n, 1);
    if (xw_hl7_parse(b->data, n, &message, &error) < 0) {
        answer_now(conn, NULL, NULL, XW_HL7_REJECT, &large);
    } else {
        (void)!xw_hl7_header_read(&message, &header, &error);
        answer_now(conn, &message, &header, XW_HL7_REJECT, &large);
        xw_hl7_done(&message);
    }
    end_conn(conn);
}

static void bad_framing(struct conn *conn)
{
    xw_counter_add(&framing_n, 1);
    xw_log_warning("monitor.framing", XW_LOG_STR("peer", conn->peer));
    end_conn(conn);
    if (!conn->waiting_n)
        conn_close(conn);
}

static bool can_take(const struct conn *conn)
{
    return !conn->over && !conn->closing && conn->waiting_n < WAITING_MAX &&
           !xw_commit_congested(conn->monitor->edge->commit);
}

static void park(struct conn *conn)
{
    conn->parked_us = xw_edge_now_us();
    conn->parked = true;
    conn->monitor->parked_n++;
}

/* Takes what was read, as far as it can be taken now. */
static void take_rest(struct conn *conn)
{
    while (can_take(conn)) {
        if (conn->parked) {
            if (take_message(conn) == -EAGAIN)
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
        if (take_message(conn) == -EAGAIN)
            park(conn);
    }
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct conn *conn = stream->data;
    if (n < 0) {
        conn_close(conn);
        return;
    }
    conn->heard_us = xw_edge_now_us();
    if (n == 0 || conn->over)
        return;
    if (xw_buf_append(&conn->rest, buf->base, (size_t)n) < 0) {
        conn_close(conn);
        return;
    }
    pump(conn);
}

/* Reading stops while something that was read waits. */
static void pump(struct conn *conn)
{
    if (conn->pumping) /* a commit that failed at once calls back from within */
        return;
    conn->pumping = true;
    take_rest(conn);
    conn->pumping = false;
    if (conn->closing)
        return;
    bool read = conn->over || (!conn->rest.n && !conn->parked && conn->waiting_n < WAITING_MAX);
    if (read && !conn->reading)
        uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read);
    else if (!read && conn->reading)
        uv_read_stop((uv_stream_t *)&conn->tcp);
    conn->reading = read;
}

static void pump_parked(struct xw_monitor *monitor)
{
    for (struct conn *conn = monitor->parked_n ? monitor->conns : NULL, *next; conn; conn = next) {
        next = conn->next;
        if (conn->parked)
            pump(conn);
    }
}

static void on_ready(void *user)
{
    struct xw_monitor *monitor = user;
    for (struct conn *conn = monitor->conns, *next; conn; conn = next) {
        next = conn->next;
        pump(conn);
    }
}

/* ---- the life of a connection ---- */

static void handle_gone(struct xw_monitor *monitor)
{
    if (--monitor->handles_n == 0 && monitor->freed)
        free(monitor);
}

static void conn_free(struct conn *conn)
{
    struct xw_monitor *monitor = conn->monitor;
    *conn->at = conn->next;
    if (conn->next)
        conn->next->at = conn->at;
    monitor->conns_n--;
    monitor->parked_n -= conn->parked;
    xw_mllp_done(&conn->mllp);
    xw_buf_done(&conn->rest);
    free(conn);
    handle_gone(monitor);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct conn *conn = handle->data;
    if (--conn->handles_n == 0 && !conn->waiting_n)
        conn_free(conn);
}

static void conn_close(struct conn *conn)
{
    if (conn->closing)
        return;
    conn->closing = true;
    uv_close((uv_handle_t *)&conn->linger, on_handle_closed);
    uv_close((uv_handle_t *)&conn->tcp, on_handle_closed);
}

static void name_peer(struct conn *conn)
{
    struct sockaddr_storage address;
    int n = sizeof(address);
    snprintf(conn->peer, sizeof(conn->peer), "unknown");
    if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&address, &n) < 0)
        return;
    if (address.ss_family == AF_INET6)
        uv_ip6_name((const struct sockaddr_in6 *)&address, conn->peer, sizeof(conn->peer));
    else
        uv_ip4_name((const struct sockaddr_in *)&address, conn->peer, sizeof(conn->peer));
}

/* All places are taken: the one that was silent longest gives way, if it is silent. */
static bool make_room(struct xw_monitor *monitor)
{
    struct conn *oldest = NULL;
    size_t open_n = 0;
    for (struct conn *conn = monitor->conns; conn; conn = conn->next) {
        if (conn->closing)
            continue;
        open_n++;
        if (!conn->waiting_n && (!oldest || conn->heard_us < oldest->heard_us))
            oldest = conn;
    }
    if (open_n <= CONNECTIONS_MAX)
        return true;
    if (!oldest || xw_edge_now_us() - oldest->heard_us < SILENT_US)
        return false;
    xw_counter_add(&silent_n, 1);
    conn_close(oldest);
    return true;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct xw_monitor *monitor = listener->data;
    struct conn *conn = status < 0 ? NULL : calloc(1, sizeof(*conn));
    if (!conn)
        return;
    conn->monitor = monitor;
    conn->last = &conn->first;
    conn->heard_us = xw_edge_now_us();
    xw_mllp_init(&conn->mllp);
    xw_buf_init(&conn->rest, READ_BYTES);
    uv_tcp_init(xw_loop_uv(monitor->edge->loop), &conn->tcp);
    uv_timer_init(xw_loop_uv(monitor->edge->loop), &conn->linger);
    conn->tcp.data = conn->linger.data = conn;
    conn->handles_n = 2;
    conn->next = monitor->conns;
    conn->at = &monitor->conns;
    if (conn->next)
        conn->next->at = &conn->next;
    monitor->conns = conn;
    monitor->conns_n++;
    monitor->handles_n++;
    xw_counter_add(&connections_n, 1);
    if (uv_accept(listener, (uv_stream_t *)&conn->tcp) < 0) {
        conn_close(conn);
        return;
    }
    if (!make_room(monitor)) {
        xw_counter_add(&refused_n, 1);
        conn_close(conn);
        return;
    }
    uv_tcp_nodelay(&conn->tcp, 1);
    name_peer(conn);
    pump(conn);
}

/* ---- the port ---- */

int xw_monitor_new(struct xw_edge *edge, struct xw_monitor **ret_monitor)
{
    struct xw_monitor *monitor = calloc(1, sizeof(*monitor));
    if (!monitor)
        return -ENOMEM;
    monitor->edge = edge;
    int r = xw_monitor_devices_new(edge, on_ready, monitor, &monitor->devices);
    if (r < 0) {
        free(monitor);
        return r;
    }
    *ret_monitor = monitor;
    return 0;
}

static void on_listener_closed(uv_handle_t *handle)
{
    handle_gone(handle->data);
}

int xw_monitor_listen(struct xw_monitor *monitor, uint16_t *ret_port_n)
{
    const struct xw_edge_config *config = monitor->edge->config;
    struct sockaddr_storage address = {0};
    int n = sizeof(address), port_n = (int)config->monitor_port;
    if (!port_n)
        return 0;
    int r = uv_ip4_addr(config->monitor_address, port_n, (struct sockaddr_in *)&address);
    if (r < 0)
        r = uv_ip6_addr(config->monitor_address, port_n, (struct sockaddr_in6 *)&address);
    if (r < 0)
        return -EINVAL;
    uv_tcp_init(xw_loop_uv(monitor->edge->loop), &monitor->listener);
    monitor->listener.data = monitor;
    monitor->listening = true;
    monitor->handles_n++;
    r = uv_tcp_bind(&monitor->listener, (const struct sockaddr *)&address, 0);
    if (r >= 0)
        r = uv_listen((uv_stream_t *)&monitor->listener, BACKLOG, on_connection);
    if (r >= 0)
        r = uv_tcp_getsockname(&monitor->listener, (struct sockaddr *)&address, &n);
    if (r < 0)
        return r;
    monitor->port_n = ntohs(((struct sockaddr_in *)&address)->sin_port); /* same place in both */
    *ret_port_n = monitor->port_n;
    return 0;
}

static void close_all(struct xw_monitor *monitor)
{
    if (monitor->listening)
        uv_close((uv_handle_t *)&monitor->listener, on_listener_closed);
    monitor->listening = false;
    for (struct conn *conn = monitor->conns; conn; conn = conn->next)
        conn_close(conn);
}

void xw_monitor_stop(struct xw_monitor *monitor)
{
    if (monitor->stopped)
        return;
    monitor->stopped = true;
    close_all(monitor);
    xw_monitor_devices_stop(monitor->devices);
}

void xw_monitor_free(struct xw_monitor *monitor)
{
    if (!monitor)
        return;
    close_all(monitor);
    for (struct conn *conn = monitor->conns, *next; conn; conn = next) {
        next = conn->next;
        for (struct waiting *w; (w = conn->first);) { /* the store is closed: no word will come */
            conn->first = w->next;
            conn->waiting_n--;
            waiting_free(w);
        }
        if (!conn->handles_n)
            conn_free(conn);
    }
    xw_monitor_devices_free(monitor->devices);
    monitor->freed = true;
    if (!monitor->handles_n)
        free(monitor);
}

static void tick_conn(struct conn *conn, int64_t now)
{
    if (conn->parked && now - conn->parked_us > PARK_US) {
        conn_close(conn);
    } else if (xw_mllp_late(&conn->mllp, now, FRAME_US) && !conn->over && !conn->waiting_n) {
        xw_counter_add(&slow_n, 1);
        xw_log_warning("monitor.slow", XW_LOG_STR("peer", conn->peer));
        conn_close(conn);
    } else {
        pump(conn);
    }
}

void xw_monitor_tick(struct xw_monitor *monitor)
{
    int64_t now = xw_edge_now_us();
    for (struct conn *conn = monitor->conns, *next; conn; conn = next) {
        next = conn->next;
        if (!conn->closing)
            tick_conn(conn, now);
        else if (!conn->handles_n && !conn->waiting_n)
            conn_free(conn);
    }
    xw_monitor_devices_tick(monitor->devices);
}

void xw_monitor_remember(struct xw_monitor *monitor, const Xw__Attachment *attachment,
                         uint64_t revision)
{
    xw_monitor_devices_remember(monitor->devices, attachment, revision);
}

uint16_t xw_monitor_port(const struct xw_monitor *monitor)
{
    return monitor->port_n;
}

size_t xw_monitor_connections_n(const struct xw_monitor *monitor)
{
    return monitor->conns_n;
}

void xw_monitor_each(struct xw_monitor *monitor,
                     void (*each)(void *user, const struct xw_monitor_info *), void *user)
{
    xw_monitor_devices_each(monitor->devices, each, user);
}
