/* Between the files of the patient monitors' port. Threads: loop thread only. */
#ifndef XW_EDGE_MONITOR_IN_H
#define XW_EDGE_MONITOR_IN_H

#include "base/buf.h"
#include "edge/commit.h"
#include "edge/monitor.h"
#include "edge/tcp.h"
#include "hl7/mllp.h"

struct monitor_conn;
struct xw_monitor_device;

/* A message that was taken and is not answered yet. */
struct monitor_waiting {
    struct monitor_waiting *next;
    struct monitor_conn *conn;
    struct xw_monitor_device *device;
    struct xw_commit_owner owner;
    bool decided, good;
    struct xw_buf answer[2]; /* if it cannot be kept; if it is */
};

struct monitor_conn {
    struct xw_tcp_conn tcp;
    struct xw_monitor *monitor;
    bool over; /* nothing more is read */
    bool pumping;
    char peer[XW_TCP_ADDRESS_N];
    int64_t heard_us, parked_us;
    struct xw_mllp mllp;
    struct xw_buf rest; /* read and not looked at */
    bool parked;        /* mllp.message waits for its monitor's memory, or for the next batch */
    struct monitor_waiting *first, **last;
    size_t waiting_n;
};

struct xw_monitor {
    struct xw_edge *edge;
    struct xw_monitor_devices *devices;
    struct xw_tcp_port tcp;
    bool stopped;
    uint16_t port_n;
    size_t parked_n;
    uint64_t answers_n;
};

static inline struct monitor_conn *monitor_conn_of(struct xw_tcp_conn *tcp)
{
    return XW_CONTAINER_OF(tcp, struct monitor_conn, tcp);
}

/* ---- monitor.c ---- */
/* Something changed for messages that were put back: they are tried again. */
void monitor_pump_parked(struct xw_monitor *monitor);

/* ---- monitor_conn.c ---- */
void monitor_conn_init(struct monitor_conn *conn, struct xw_monitor *monitor);
/* Of one that is closed and waits for no commit. */
void monitor_conn_free(struct monitor_conn *conn);
/* For struct xw_tcp_calls. One that is closed while commits are on their way stays until the tick
 * after the last of them. */
void monitor_conn_received(struct xw_tcp_conn *tcp, const void *data, size_t n);
void monitor_conn_closed(struct xw_tcp_conn *tcp);
/* Messages that wait for a commit are dropped: the store is closed, no word will come. */
void monitor_conn_forget(struct monitor_conn *conn);
/* Takes what was read as far as it can be taken now; reading stops while something waits. */
void monitor_conn_pump(struct monitor_conn *conn);
void monitor_conn_tick(struct monitor_conn *conn, int64_t now_us);
/* The place of a message's answer, behind those that came before. NULL: no memory. */
struct monitor_waiting *monitor_conn_wait(struct monitor_conn *conn);
/* Sends what is decided and next in turn. */
void monitor_conn_answer(struct monitor_conn *conn);

/* ---- monitor_message.c ---- */
/* The message that the framer holds. -EAGAIN: not now; the same message again later. */
int monitor_message_take(struct monitor_conn *conn);
/* Too large a message: its header alone is read, to say which one. */
void monitor_message_too_large(struct monitor_conn *conn);

#endif
