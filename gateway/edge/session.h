/* The gateway's side of the device protocol, one connection: framing, states, limits, fences.
 *
 *   HELLO ─▶ (PROVING ─▶) (WAITING ─▶) OPENING ─▶ LIVE ─▶ CLOSED
 *
 * It does no I/O and knows no clock: bytes and times come in, messages and decoded blocks go out
 * through the host. Everything wrong ends in one fatal GatewayFault, host->fenced, and CLOSED.
 *
 * Threads: one at a time. Ownership: embedded; messages are borrowed for the call. Errors: none to
 * the caller, who looks at `state`; feed never fails.
 * Units: µs of one monotonic clock. */
#ifndef XW_EDGE_SESSION_H
#define XW_EDGE_SESSION_H

#include "base/base.h"
#include "base/frame.h"
#include "edge/hello.h"

enum {
    XW_SESSION_NONCE_BYTES = 32,
    XW_SESSION_MESSAGE_MAX = 256 * 1024,
    XW_SESSION_JUMP_MAX_S = 3600,           /* forward, without a gap message */
    XW_SESSION_GAP_MAX_S = 366 * 24 * 3600, /* one gap, and how far ahead it may end */
};
#define XW_SESSION_INDEX_MAX (UINT64_C(1) << 62)

enum xw_session_state {
    XW_SESSION_HELLO,
    XW_SESSION_PROVING, /* challenge sent */
    XW_SESSION_WAITING, /* for somebody to accept the device */
    XW_SESSION_OPENING, /* the host looks up what is held; nothing is read meanwhile */
    XW_SESSION_LIVE,
    XW_SESSION_CLOSED,
};

struct xw_session_block {
    unsigned signal;
    uint64_t first;
    uint32_t count;
    uint32_t channels_n;
    uint32_t crc32c;
    uint32_t coding;
    const void *data; /* as sent, in `coding` */
    size_t size;
    int32_t *x; /* from host->room, decoded and checked */
    uint64_t device_clock_us;
};

/* What the session asks of its host. Never re-entered. */
struct xw_session_host {
    void *user;
    void (*send)(void *user, const Xw__GatewayMessage *message);
    /* Checked hello; the host answers, at once or later, with one of the calls below. */
    void (*hello)(void *user, const Xw__DeviceHello *hello);
    /* The answer to the challenge: true if hmac is right. */
    bool (*proves)(void *user, const uint8_t nonce[XW_SESSION_NONCE_BYTES], const void *hmac,
                   size_t size);
    /* Room for the decoded samples; NULL: out of memory. Given back by block or by drop. */
    int32_t *(*room)(void *user, unsigned signal, size_t values_n);
    void (*drop)(void *user, unsigned signal);
    void (*block)(void *user, const struct xw_session_block *block);
    void (*gap)(void *user, unsigned signal, uint64_t first, uint64_t count);
    /* One of leads, pace, marker; new (seq above all before). */
    void (*fact)(void *user, const Xw__DeviceMessage *message, uint64_t seq);
    /* The connection is over: fault NULL after a bye, else what was wrong (already sent). */
    void (*over)(void *user, const struct xw_device_fault *fault);
};

struct xw_session_signal {
    bool used;
    uint32_t channels_n, block_max;
    Xw__Fraction rate;
    uint64_t newest; /* one past the highest index of a block or gap seen or held */
};

struct xw_session {
    struct xw_session_host host;
    enum xw_session_state state;
    struct xw_framer framer;
    uint8_t nonce[XW_SESSION_NONCE_BYTES];
    Xw__DeviceHello *hello; /* from HELLO on */
    Xw__DeviceMessage *hello_message;
    struct xw_session_signal signals[XW_HELLO_SIGNALS_MAX];
    uint64_t facts_upto;
    bool fact_seen;
    int64_t last_heard_us, state_since_us, ticked_us;
    int64_t hello_timeout_us, idle_timeout_us;
    uint64_t bytes_n, messages_n, blocks_n;
    bool resumes; /* hello.can_resume */
    bool bye;     /* the device said so itself */
    bool paused;  /* nothing is taken out of the framer */
};

void xw_session_init(struct xw_session *session, const struct xw_session_host *host,
                     int64_t hello_timeout_us, int64_t idle_timeout_us, int64_t now_us);
void xw_session_done(struct xw_session *session);

/* Bytes from the device. They are all taken, but for OPENING, where messages stay in the framer
 * until xw_session_accept; the host stops reading meanwhile. n <= 64 KiB. */
void xw_session_feed(struct xw_session *session, const void *data, size_t n_bytes, int64_t now_us);
/* Timeouts; call it every 100 ms to 1 s. */
void xw_session_tick(struct xw_session *session, int64_t now_us);

/* From within host->block: no more until resume (the pipeline is full). The host stops reading. */
void xw_session_pause(struct xw_session *session);
void xw_session_resume(struct xw_session *session, int64_t now_us);

/* The host's answers to hello. */
void xw_session_challenge(struct xw_session *session, const uint8_t nonce[XW_SESSION_NONCE_BYTES],
                          int64_t now_us);
void xw_session_wait(struct xw_session *session, const char *reason);
void xw_session_opening(struct xw_session *session);
/* held: for each signal of the hello. newest[i] of hello->signals[i]: one past the last known. */
void xw_session_accept(struct xw_session *session, const Xw__GatewayAccepted *accepted,
                       const uint64_t *newest, int64_t now_us);
/* Ends the session with a fatal fault (also: shutdown, storage, busy). */
void xw_session_refuse(struct xw_session *session, const struct xw_device_fault *fault);
/* Ends it without a word: the peer is gone. host->over is called with `fault` NULL. */
void xw_session_cut(struct xw_session *session);

#endif
