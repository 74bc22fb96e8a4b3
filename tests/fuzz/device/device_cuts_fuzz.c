/* A device's whole connection: the same bytes in one piece and in small cuts must have the same
 * effect; samples are given on only as they were sent; nothing is said after a fatal fault.
 * Input: how the host answers (enum below) and, in the upper bits, size of the cuts; the stream. */
#include "base/block.h"
#include "base/crc32c.h"
#include "edge/session.h"

#include <stdlib.h>
#include <string.h>

enum { ASK_PROOF = 1, OPEN_LATER = 2, PAUSE = 4, WAIT = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct host {
    struct xw_session session;
    unsigned how;
    uint32_t said; /* CRC over everything sent and given on */
    unsigned over_n, fatal_n;
    uint64_t facts_upto;
    int32_t *room;
    size_t room_n;
};

static void note(struct host *h, const void *data, size_t size)
{
    h->said = xw_crc32c(h->said, data, size);
}

static void send_message(void *user, const Xw__GatewayMessage *message)
{
    struct host *h = user;
    if (h->fatal_n)
        abort();
    if (message->body_case == XW__GATEWAY_MESSAGE__BODY_FAULT && message->fault->fatal)
        h->fatal_n++;
    size_t n = xw__gateway_message__get_packed_size(message);
    uint8_t *bytes = malloc(n + 1);
    note(h, bytes, xw__gateway_message__pack(message, bytes));
    free(bytes);
}

static void accept_device(struct host *h)
{
    Xw__GatewayAccepted accepted = XW__GATEWAY_ACCEPTED__INIT;
    uint64_t newest[XW_HELLO_SIGNALS_MAX] = {0};
    xw_session_accept(&h->session, &accepted, newest, 0);
}

static void hello(void *user, const Xw__DeviceHello *said)
{
    struct host *h = user;
    static const uint8_t nonce[XW_SESSION_NONCE_BYTES] = {1, 2, 3};
    const struct xw_hello_origin origin = {"town-a", false};
    const struct xw_uuid fresh = {{7}};
    for (size_t i = 0; i < said->n_signals; i++) {
        struct xw_uuid stream;
        uint8_t *header;
        size_t n;
        if (xw_hello_header(said, said->signals[i], &origin, said->can_resume ? NULL : &fresh,
                            &stream, &header, &n) < 0)
            abort();
        note(h, header, n);
        free(header);
    }
    if (h->how & ASK_PROOF)
        xw_session_challenge(&h->session, nonce, 0);
    else if (h->how & WAIT)
        xw_session_wait(&h->session, "not known here");
    else if (h->how & OPEN_LATER)
        xw_session_opening(&h->session);
    else
        accept_device(h);
}

static bool proves(void *user, const uint8_t nonce[XW_SESSION_NONCE_BYTES], const void *hmac,
                   size_t size)
{
    struct host *h = user;
    (void)nonce;
    if (size < 1 || *(const uint8_t *)hmac != 0x47)
        return false;
    accept_device(h);
    return true;
}

static int32_t *room(void *user, unsigned signal, size_t values_n)
{
    struct host *h = user;
    if (h->room || signal >= XW_HELLO_SIGNALS_MAX || !values_n || values_n > XW_BLOCK_VALUES_MAX)
        abort();
    h->room_n = values_n;
    return h->room = malloc(values_n * sizeof(int32_t));
}

static void drop(void *user, unsigned signal)
{
    struct host *h = user;
    (void)signal;
    free(XW_STEAL(h->room));
}

static void block(void *user, const struct xw_session_block *b)
{
    struct host *h = user;
    const struct xw_session_signal *s = &h->session.signals[b->signal];
    if (h->session.state != XW_SESSION_LIVE || b->x != h->room || !b->count ||
        b->count > s->block_max || (size_t)b->count * b->channels_n != h->room_n ||
        xw_block_crc(b->x, b->channels_n, b->count) != b->crc32c)
        abort();
    note(h, &b->first, sizeof(b->first));
    note(h, b->x, h->room_n * sizeof(int32_t));
    drop(h, b->signal);
    if (h->how & PAUSE)
        xw_session_pause(&h->session);
}

static void gap(void *user, unsigned signal, uint64_t first, uint64_t count)
{
    struct host *h = user;
    if (!h->session.signals[signal].used || !count || first + count < first)
        abort();
    note(h, &first, sizeof(first));
    note(h, &count, sizeof(count));
}

static void fact(void *user, const Xw__DeviceMessage *message, uint64_t seq)
{
    struct host *h = user;
    (void)message;
    if (seq <= h->facts_upto)
        abort();
    h->facts_upto = seq;
    note(h, &seq, sizeof(seq));
}

static void over(void *user, const struct xw_device_fault *fault)
{
    struct host *h = user;
    h->over_n++;
    if (h->over_n != 1 || h->session.state != XW_SESSION_CLOSED ||
        (fault && (!h->fatal_n || !memchr(fault->text, 0, sizeof(fault->text)))))
        abort();
}

/* What the host does once it has looked things up, the disk has room again, and so on. */
static void settle(struct host *h)
{
    for (;;) {
        if (h->session.state == XW_SESSION_OPENING)
            accept_device(h);
        else if (h->session.paused && h->session.state != XW_SESSION_CLOSED)
            xw_session_resume(&h->session, 0);
        else
            return;
    }
}

static uint32_t run(const uint8_t *data, size_t size, size_t cut, unsigned how)
{
    struct host h = {.how = how};
    const struct xw_session_host host = {&h,   send_message, hello, proves, room,
                                         drop, block,        gap,   fact,   over};
    xw_session_init(&h.session, &host, 10000000, 10000000, 0);
    for (size_t at = 0; at < size; at += cut) {
        size_t n = XW_MIN(cut, size - at);
        uint8_t *exact = malloc(n);
        memcpy(exact, data + at, n);
        xw_session_feed(&h.session, exact, n, 0);
        free(exact);
        settle(&h);
    }
    for (int64_t t = 1000000; t <= 20000000; t += 1000000)
        xw_session_tick(&h.session, t); /* silence ends it, if nothing has */
    xw_session_cut(&h.session);
    if (h.over_n != 1 || h.room)
        abort();
    xw_session_done(&h.session);
    return h.said;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size - 1 > XW_FRAME_PUSH_MAX_N_BYTES)
        return 0;
    unsigned how = data[0] & 15;
    size_t cut = (size_t)(data[0] >> 4) * 3 + 1;
    if (run(data + 1, size - 1, size, how) != run(data + 1, size - 1, cut, how))
        abort();
    return 0;
}
