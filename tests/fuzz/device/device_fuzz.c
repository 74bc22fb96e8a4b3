/* Everything a device may send: framing, messages, states. The first byte says how the host answers
 * a hello (accept, challenge, wait) and how the bytes are cut; the rest is the stream. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "edge/session.h"

struct host {
    struct xw_session session;
    uint8_t how;
    int32_t *room;
    uint64_t blocks_n;
    bool over;
};

static void on_send(void *user, const Xw__GatewayMessage *message)
{
    (void)user;
    assert(xw__gateway_message__get_packed_size(message) < 4096);
}

static void accept(struct host *host)
{
    uint64_t newest[XW_HELLO_SIGNALS_MAX] = {0};
    Xw__GatewayAccepted accepted = XW__GATEWAY_ACCEPTED__INIT;
    newest[0] = host->how & 0x80 ? 1000000 : 0;
    xw_session_opening(&host->session);
    xw_session_accept(&host->session, &accepted, newest, 0);
}

static void on_hello(void *user, const Xw__DeviceHello *hello)
{
    struct host *host = user;
    static const uint8_t nonce[XW_SESSION_NONCE_BYTES];
    static const struct xw_hello_origin origin = {"g", false};
    static const struct xw_uuid fresh;
    for (size_t i = 0; i < hello->n_signals; i++) { /* what was checked makes a header */
        struct xw_uuid id;
        uint8_t *header;
        size_t n;
        if (xw_hello_header(hello, hello->signals[i], &origin, &fresh, &id, &header, &n) == 0)
            free(header);
    }
    if ((host->how & 3) == 1)
        xw_session_challenge(&host->session, nonce, 0);
    else if ((host->how & 3) == 2)
        xw_session_wait(&host->session, "wait");
    else
        accept(host);
}

static bool on_proves(void *user, const uint8_t nonce[XW_SESSION_NONCE_BYTES], const void *hmac,
                      size_t size)
{
    (void)nonce;
    (void)hmac;
    if (size != 32)
        return false;
    accept(user);
    return true;
}

static int32_t *on_room(void *user, unsigned signal, size_t values_n)
{
    struct host *host = user;
    assert(signal < XW_HELLO_SIGNALS_MAX && !host->room && values_n);
    host->room = malloc(values_n * sizeof(int32_t)); /* exact: an overrun is seen */
    return host->room;
}

static void give_back(struct host *host)
{
    assert(host->room);
    free(host->room);
    host->room = NULL;
}

static void on_drop(void *user, unsigned signal)
{
    (void)signal;
    give_back(user);
}

static void on_block(void *user, const struct xw_session_block *block)
{
    struct host *host = user;
    assert(block->count && block->x == host->room && !host->over);
    host->blocks_n++;
    give_back(host);
}

static void on_gap(void *user, unsigned signal, uint64_t first, uint64_t count)
{
    (void)user;
    (void)signal;
    assert(count && first + count > first);
}

static void on_fact(void *user, const Xw__DeviceMessage *message, uint64_t seq)
{
    (void)user;
    (void)message;
    assert(seq);
}

static void on_over(void *user, const struct xw_device_fault *fault)
{
    struct host *host = user;
    assert(!host->over);
    host->over = true;
    assert(!fault || memchr(fault->text, 0, sizeof(fault->text)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct host host;
    if (!size)
        return 0;
    memset(&host, 0, sizeof(host));
    host.how = data[0];
    const struct xw_session_host calls = {&host,   on_send,  on_hello, on_proves, on_room,
                                          on_drop, on_block, on_gap,   on_fact,   on_over};
    xw_session_init(&host.session, &calls, 5000000, 30000000, 0);
    size_t cut = host.how & 0x40 ? 1 + (host.how >> 2 & 15) : 65536;
    for (size_t at = 1; at < size; at += cut)
        xw_session_feed(&host.session, data + at, XW_MIN(cut, size - at), (int64_t)at);
    for (int64_t t = 1000000; t <= 60000000; t += 1000000)
        xw_session_tick(&host.session, t);
    xw_session_cut(&host.session);
    assert(host.over && !host.room);
    xw_session_done(&host.session);
    return 0;
}
