/* The device protocol's states: what may come when, and what ends the connection. */
#include "edge/session.h"

#include "base/block.h"
#include "edge/session_data.h"

#include <stdio.h>
#include <string.h>

#define FAULT(name) XW__DEVICE_FAULT__DEVICE_FAULT_##name

void xw_session_init(struct xw_session *session, const struct xw_session_host *host,
                     int64_t hello_timeout_us, int64_t idle_timeout_us, int64_t now_us)
{
    memset(session, 0, sizeof(*session));
    session->host = *host;
    session->hello_timeout_us = hello_timeout_us;
    session->idle_timeout_us = idle_timeout_us;
    session->last_heard_us = session->state_since_us = session->ticked_us = now_us;
    xw_framer_init(&session->framer, XW_SESSION_MESSAGE_MAX);
}

void xw_session_done(struct xw_session *session)
{
    xw_framer_done(&session->framer);
    if (session->hello_message)
        xw__device_message__free_unpacked(session->hello_message, NULL);
    session->hello_message = NULL;
    session->hello = NULL;
}

static void enter(struct xw_session *session, enum xw_session_state state, int64_t now_us)
{
    session->state = state;
    session->state_since_us = now_us;
}

static void send_fault(struct xw_session *session, const struct xw_device_fault *fault)
{
    char text[256];
    snprintf(text, sizeof(text), "%s%s%s", fault->field, fault->field[0] ? ": " : "", fault->text);
    Xw__GatewayFault body = XW__GATEWAY_FAULT__INIT;
    body.code = fault->code;
    body.text = text;
    body.fatal = true;
    Xw__GatewayMessage message = XW__GATEWAY_MESSAGE__INIT;
    message.body_case = XW__GATEWAY_MESSAGE__BODY_FAULT;
    message.fault = &body;
    session->host.send(session->host.user, &message);
}

void xw_session_refuse(struct xw_session *session, const struct xw_device_fault *fault)
{
    if (session->state == XW_SESSION_CLOSED)
        return;
    send_fault(session, fault);
    session->state = XW_SESSION_CLOSED;
    session->host.over(session->host.user, fault);
}

void xw_session_cut(struct xw_session *session)
{
    if (session->state == XW_SESSION_CLOSED)
        return;
    session->state = XW_SESSION_CLOSED;
    session->host.over(session->host.user, NULL);
}

void xw_session_fence(struct xw_session *session, Xw__DeviceFault code, const char *field,
                      const char *text)
{
    struct xw_device_fault fault;
    xw_device_fault_set(&fault, code, field, "%s", text);
    xw_session_refuse(session, &fault);
}

static void take_hello(struct xw_session *session, Xw__DeviceMessage **message)
{
    struct xw_device_fault fault;
    const Xw__DeviceHello *hello = (*message)->hello;
    if (xw_hello_check(hello, &fault) < 0) {
        xw_session_refuse(session, &fault);
        return;
    }
    session->hello_message = XW_STEAL(*message); /* kept for the life of the session */
    session->hello = session->hello_message->hello;
    session->resumes = hello->can_resume;
    for (size_t i = 0; i < hello->n_signals; i++) {
        const Xw__DeviceSignal *in = hello->signals[i];
        session->signals[in->signal] =
            (struct xw_session_signal){.used = true,
                                       .channels_n = (uint32_t)in->n_channels,
                                       .block_max = xw_hello_block_max(in->rate),
                                       .rate = *in->rate};
    }
    session->host.hello(session->host.user, session->hello);
}

static void take_auth(struct xw_session *session, const Xw__DeviceAuth *auth)
{
    if (!session->host.proves(session->host.user, session->nonce, auth->hmac.data, auth->hmac.len))
        xw_session_fence(session, FAULT(IDENTITY), "hmac", "wrong answer to the challenge");
}

static void pong(struct xw_session *session, const Xw__DevicePing *ping)
{
    Xw__GatewayPong body = XW__GATEWAY_PONG__INIT;
    body.clock_us = ping->clock_us;
    Xw__GatewayMessage message = XW__GATEWAY_MESSAGE__INIT;
    message.body_case = XW__GATEWAY_MESSAGE__BODY_PONG;
    message.pong = &body;
    session->host.send(session->host.user, &message);
}

static const char *const state_names[] = {"before the hello", "before the proof", "while waiting",
                                          "while opening",    "while live",       "at the end"};

static void wrong_state(struct xw_session *session, const char *what)
{
    char text[96];
    snprintf(text, sizeof(text), "not allowed %s", state_names[session->state]);
    xw_session_fence(session, FAULT(STATE), what, text);
}

/* Who may say what when: pings at any time after the hello, data only while live. */
static void dispatch(struct xw_session *session, Xw__DeviceMessage **message, int64_t now_us)
{
    Xw__DeviceMessage *m = *message;
    bool live = session->state == XW_SESSION_LIVE;
    (void)now_us;
    switch (m->body_case) {
    case XW__DEVICE_MESSAGE__BODY_HELLO:
        if (session->state == XW_SESSION_HELLO)
            take_hello(session, message);
        else
            wrong_state(session, "hello");
        return;
    case XW__DEVICE_MESSAGE__BODY_AUTH:
        if (session->state == XW_SESSION_PROVING)
            take_auth(session, m->auth);
        else
            wrong_state(session, "auth");
        return;
    case XW__DEVICE_MESSAGE__BODY_PING:
        if (session->state == XW_SESSION_HELLO)
            wrong_state(session, "ping");
        else
            pong(session, m->ping);
        return;
    case XW__DEVICE_MESSAGE__BODY_BYE:
        session->bye = true;
        xw_session_cut(session);
        return;
    case XW__DEVICE_MESSAGE__BODY_BLOCK:
        if (live)
            xw_session_take_block(session, m->block);
        else
            wrong_state(session, "block");
        return;
    case XW__DEVICE_MESSAGE__BODY_GAP:
        if (live)
            xw_session_take_gap(session, m->gap);
        else
            wrong_state(session, "gap");
        return;
    case XW__DEVICE_MESSAGE__BODY_LEADS:
    case XW__DEVICE_MESSAGE__BODY_PACE:
    case XW__DEVICE_MESSAGE__BODY_MARKER:
        if (live)
            xw_session_take_fact(session, m);
        else
            wrong_state(session, "leads, pace or marker");
        return;
    case XW__DEVICE_MESSAGE__BODY__NOT_SET:
    default:
        /* A message of a later version: not known here, and so passed over. An entirely empty one
         * is nobody's. */
        if (!m->base.n_unknown_fields)
            xw_session_fence(session, FAULT(MALFORMED), "message", "empty");
        return;
    }
}

static void drain(struct xw_session *session, int64_t now_us)
{
    const uint8_t *data;
    size_t n;
    while (session->state != XW_SESSION_CLOSED && session->state != XW_SESSION_OPENING &&
           !session->paused) {
        int r = xw_framer_next(&session->framer, &data, &n);
        if (r == 0)
            return;
        if (r < 0) {
            char text[128];
            snprintf(text, sizeof(text), "not a length of 1 to %d in shortest form at byte %llu",
                     XW_SESSION_MESSAGE_MAX,
                     (unsigned long long)xw_framer_offset(&session->framer));
            xw_session_fence(session, FAULT(TOO_LARGE), "length", text);
            return;
        }
        session->messages_n++;
        session->last_heard_us = now_us;
        Xw__DeviceMessage *message = xw__device_message__unpack(NULL, n, data);
        if (!message) {
            char text[128];
            snprintf(text, sizeof(text), "not a DeviceMessage (%zu bytes, before byte %llu)", n,
                     (unsigned long long)xw_framer_offset(&session->framer));
            xw_session_fence(session, FAULT(MALFORMED), "message", text);
            return;
        }
        dispatch(session, &message, now_us);
        if (message)
            xw__device_message__free_unpacked(message, NULL);
    }
}

void xw_session_feed(struct xw_session *session, const void *data, size_t n_bytes, int64_t now_us)
{
    if (session->state == XW_SESSION_CLOSED)
        return;
    session->bytes_n += n_bytes;
    int r = xw_framer_push(&session->framer, data, n_bytes);
    if (r < 0)
        xw_session_fence(session, FAULT(TOO_LARGE), "message", "sent too much before the answer");
    else
        drain(session, now_us);
}

void xw_session_pause(struct xw_session *session)
{
    session->paused = true;
}

void xw_session_resume(struct xw_session *session, int64_t now_us)
{
    session->paused = false;
    session->last_heard_us = now_us; /* it was we who did not listen */
    drain(session, now_us);
}

void xw_session_tick(struct xw_session *session, int64_t now_us)
{
    enum { STALL_US = 1500000 };
    int64_t passed_us = now_us - session->ticked_us;
    session->ticked_us = now_us;
    if (passed_us > STALL_US) { /* it was this process that stood still, and has not read since */
        session->state_since_us += passed_us;
        session->last_heard_us += passed_us;
    }
    int64_t in_state_us = now_us - session->state_since_us;
    switch (session->state) {
    case XW_SESSION_HELLO:
        if (in_state_us >= session->hello_timeout_us)
            xw_session_fence(session, FAULT(TIMEOUT), "hello", "did not come in time");
        return;
    case XW_SESSION_PROVING:
        if (in_state_us >= session->hello_timeout_us)
            xw_session_fence(session, FAULT(TIMEOUT), "auth", "did not come in time");
        return;
    case XW_SESSION_WAITING:
    case XW_SESSION_LIVE:
        if (!session->paused && now_us - session->last_heard_us >= session->idle_timeout_us)
            xw_session_fence(session, FAULT(TIMEOUT), "", "nothing was heard, not even a ping");
        return;
    case XW_SESSION_OPENING:
    case XW_SESSION_CLOSED:
        return;
    }
}

void xw_session_challenge(struct xw_session *session, const uint8_t nonce[XW_SESSION_NONCE_BYTES],
                          int64_t now_us)
{
    memcpy(session->nonce, nonce, XW_SESSION_NONCE_BYTES);
    enter(session, XW_SESSION_PROVING, now_us);
    Xw__GatewayChallenge body = XW__GATEWAY_CHALLENGE__INIT;
    body.nonce = (ProtobufCBinaryData){XW_SESSION_NONCE_BYTES, session->nonce};
    Xw__GatewayMessage message = XW__GATEWAY_MESSAGE__INIT;
    message.body_case = XW__GATEWAY_MESSAGE__BODY_CHALLENGE;
    message.challenge = &body;
    session->host.send(session->host.user, &message);
}

void xw_session_wait(struct xw_session *session, const char *reason)
{
    session->state = XW_SESSION_WAITING;
    Xw__GatewayWaiting body = XW__GATEWAY_WAITING__INIT;
    body.reason = (char *)reason;
    Xw__GatewayMessage message = XW__GATEWAY_MESSAGE__INIT;
    message.body_case = XW__GATEWAY_MESSAGE__BODY_WAITING;
    message.waiting = &body;
    session->host.send(session->host.user, &message);
}

void xw_session_opening(struct xw_session *session)
{
    session->state = XW_SESSION_OPENING;
}

void xw_session_accept(struct xw_session *session, const Xw__GatewayAccepted *accepted,
                       const uint64_t *newest, int64_t now_us)
{
    for (size_t i = 0; i < session->hello->n_signals; i++)
        session->signals[session->hello->signals[i]->signal].newest = newest[i];
    session->facts_upto = accepted->facts_upto;
    session->last_heard_us = now_us;
    enter(session, XW_SESSION_LIVE, now_us);
    Xw__GatewayMessage message = XW__GATEWAY_MESSAGE__INIT;
    message.body_case = XW__GATEWAY_MESSAGE__BODY_ACCEPTED;
    message.accepted = (Xw__GatewayAccepted *)accepted;
    session->host.send(session->host.user, &message);
    drain(session, now_us); /* what came in while it was opened */
}
