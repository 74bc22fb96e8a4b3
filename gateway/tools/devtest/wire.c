/* The connection: the gateway's own session code judges the bytes, this file answers. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "devtest.h"

enum { ACK_EVERY_US = 100000, READ_BYTES = 16384 };

int64_t now_us(void)
{
    return xw_clock_mono(NULL).us;
}

static void on_send(void *user, const Xw__GatewayMessage *message)
{
    struct devtest *t = user;
    uint8_t bytes[65536];
    size_t n = xw__gateway_message__get_packed_size(message);
    if (t->fd < 0 || n + XW_FRAME_HEADER_MAX_N_BYTES > sizeof(bytes))
        return;
    size_t header = xw_frame_header(n, bytes);
    xw__gateway_message__pack(message, bytes + header);
    for (size_t at = 0; at < header + n;) {
        ssize_t w = send(t->fd, bytes + at, header + n - at, MSG_NOSIGNAL);
        if (w <= 0)
            return;
        at += (size_t)w;
    }
}

struct told {
    Xw__SignalHeld messages[XW_HELLO_SIGNALS_MAX], *list[XW_HELLO_SIGNALS_MAX];
    Xw__Range ranges[XW_HELLO_SIGNALS_MAX][16], *range_list[XW_HELLO_SIGNALS_MAX][16];
    size_t n;
};

static void make_held(struct devtest *t, struct told *told)
{
    told->n = 0;
    for (unsigned i = 0; i < XW_HELLO_SIGNALS_MAX; i++) {
        const struct sent *s = &t->sent[i];
        if (!s->used)
            continue;
        Xw__SignalHeld *m = &told->messages[told->n];
        xw__signal_held__init(m);
        m->signal = i;
        uint64_t upto = xw_ranges_contiguous_end(&s->known, 0);
        m->upto = XW_MIN(upto, t->held_back[i]);
        size_t n = 0;
        for (size_t r = xw_ranges_find(&s->known, upto);
             !t->hide_ranges && t->held_back[i] == UINT64_MAX && r < s->known.n && n < 16; r++) {
            xw__range__init(&told->ranges[i][n]);
            told->ranges[i][n].first = s->known.v[r].first;
            told->ranges[i][n].count = s->known.v[r].end - s->known.v[r].first;
            told->range_list[i][n] = &told->ranges[i][n];
            n++;
        }
        m->ranges = told->range_list[i];
        m->n_ranges = n;
        told->list[told->n++] = m;
    }
}

void wire_accept(struct devtest *t)
{
    struct told told;
    uint64_t newest[XW_HELLO_SIGNALS_MAX] = {0};
    make_held(t, &told);
    for (size_t i = 0; i < t->session.hello->n_signals; i++)
        newest[i] = xw_ranges_end(&t->sent[t->session.hello->signals[i]->signal].known);
    Xw__GatewayAccepted accepted = XW__GATEWAY_ACCEPTED__INIT;
    accepted.version = 1;
    accepted.n_held = told.n;
    accepted.held = told.list;
    accepted.facts_upto = t->facts_upto;
    accepted.max_block_ms = 250;
    accepted.max_message_bytes = XW_SESSION_MESSAGE_MAX;
    t->accepted = true;
    xw_session_opening(&t->session);
    xw_session_accept(&t->session, &accepted, newest, now_us());
}

void wire_ack(struct devtest *t)
{
    struct told told;
    make_held(t, &told);
    Xw__GatewayAck ack = XW__GATEWAY_ACK__INIT;
    ack.n_held = told.n;
    ack.held = told.list;
    ack.facts_upto = t->facts_upto;
    Xw__GatewayMessage message = XW__GATEWAY_MESSAGE__INIT;
    message.body_case = XW__GATEWAY_MESSAGE__BODY_ACK;
    message.ack = &ack;
    t->ack_n++;
    on_send(t, &message);
}

/* The streams that the hello amounts to: the same at every connection of one epoch. */
static void compare_hello(struct devtest *t, const Xw__DeviceHello *hello)
{
    const struct xw_hello_origin origin = {"devtest", false};
    struct xw_uuid fresh = {{0}}, id;
    uint8_t *header;
    size_t n;
    if (xw_hello_header(hello, hello->signals[0], &origin, &fresh, &id, &header, &n) < 0)
        return;
    if (!t->first_header) {
        t->first_header = header;
        t->first_header_size = n;
        t->epoch = hello->epoch;
        t->resumes = hello->can_resume;
        snprintf(t->device_id, sizeof(t->device_id), "%s", hello->device_id);
        return;
    }
    t->hello_changed |= n != t->first_header_size || memcmp(header, t->first_header, n) != 0;
    free(header);
}

static void on_hello(void *user, const Xw__DeviceHello *hello)
{
    struct devtest *t = user;
    uint8_t nonce[XW_SESSION_NONCE_BYTES];
    struct xw_device_fault fault;
    compare_hello(t, hello);
    samples_hello(t, hello);
    switch (t->answer) {
    case ANSWER_ACCEPT:
        wire_accept(t);
        return;
    case ANSWER_CHALLENGE:
        randombytes_buf(nonce, sizeof(nonce));
        xw_session_challenge(&t->session, nonce, now_us());
        return;
    case ANSWER_WAIT:
        xw_session_wait(&t->session, "devtest: please wait");
        return;
    case ANSWER_REFUSE:
        xw_device_fault_set(&fault, XW__DEVICE_FAULT__DEVICE_FAULT_BUSY, "", "devtest: come back");
        xw_session_refuse(&t->session, &fault);
        return;
    }
}

static bool on_proves(void *user, const uint8_t nonce[XW_SESSION_NONCE_BYTES], const void *hmac,
                      size_t size)
{
    struct devtest *t = user;
    uint8_t right[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    const char *id = t->session.hello->device_id;
    crypto_auth_hmacsha256_init(&state, t->key, t->key_size);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)"xw-device-1", 11);
    crypto_auth_hmacsha256_update(&state, nonce, XW_SESSION_NONCE_BYTES);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)id, strlen(id));
    crypto_auth_hmacsha256_final(&state, right);
    if (size != sizeof(right) || sodium_memcmp(right, hmac, size) != 0)
        return false;
    t->proved = true;
    wire_accept(t);
    return true;
}

static int32_t room[XW_HELLO_CHANNELS_MAX * 65536];

static int32_t *on_room(void *user, unsigned signal, size_t values_n)
{
    (void)user;
    (void)signal;
    return values_n <= XW_ARRAY_N(room) ? room : NULL;
}

static void on_drop(void *user, unsigned signal)
{
    (void)user;
    (void)signal;
}

static void on_block(void *user, const struct xw_session_block *block)
{
    samples_block(user, block);
}

static void on_gap(void *user, unsigned signal, uint64_t first, uint64_t count)
{
    samples_gap(user, signal, first, count);
}

static void on_fact(void *user, const Xw__DeviceMessage *message, uint64_t seq)
{
    struct devtest *t = user;
    (void)message;
    t->facts_upto = seq;
}

static void on_over(void *user, const struct xw_device_fault *fault)
{
    struct devtest *t = user;
    t->over = true;
    t->bye = t->session.bye;
    t->faulted = fault && t->answer != ANSWER_REFUSE;
    if (fault)
        t->fault = *fault;
}

bool wire_wait(struct devtest *t, int64_t wait_us)
{
    static const struct xw_session_host template = {
        NULL, on_send, on_hello, on_proves, on_room, on_drop, on_block, on_gap, on_fact, on_over};
    struct pollfd p = {.fd = t->listener, .events = POLLIN};
    wire_cut(t);
    if (poll(&p, 1, (int)(wait_us / 1000)) != 1)
        return false;
    t->fd = accept(t->listener, NULL, NULL);
    if (t->fd < 0)
        return false;
    int one = 1;
    setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    struct xw_session_host host = template;
    host.user = t;
    t->connected = true;
    t->accepted = t->over = t->proved = t->bye = t->faulted = false;
    t->ack_at_us = now_us();
    xw_session_init(&t->session, &host, 5000000, 30000000, now_us());
    return true;
}

void wire_run(struct devtest *t, int64_t us)
{
    uint8_t bytes[READ_BYTES];
    int64_t end = now_us() + us;
    while (t->connected && !t->over && now_us() < end) {
        struct pollfd p = {.fd = t->fd, .events = POLLIN};
        if (poll(&p, 1, 10) == 1) {
            ssize_t n = recv(t->fd, bytes, sizeof(bytes), 0);
            if (n <= 0)
                xw_session_cut(&t->session);
            else
                xw_session_feed(&t->session, bytes, (size_t)n, now_us());
        }
        xw_session_tick(&t->session, now_us());
        if (t->accepted && t->acking && !t->over && now_us() - t->ack_at_us >= ACK_EVERY_US) {
            t->ack_at_us = now_us();
            wire_ack(t);
        }
    }
}

void wire_cut(struct devtest *t)
{
    if (!t->connected)
        return;
    t->connected = false;
    close(t->fd);
    t->fd = -1;
    xw_session_done(&t->session);
}

void wire_warn(struct devtest *t, Xw__DeviceFault code, const char *text)
{
    Xw__GatewayFault fault = XW__GATEWAY_FAULT__INIT;
    fault.code = code;
    fault.text = (char *)text;
    Xw__GatewayMessage message = XW__GATEWAY_MESSAGE__INIT;
    message.body_case = XW__GATEWAY_MESSAGE__BODY_FAULT;
    message.fault = &fault;
    on_send(t, &message);
}
