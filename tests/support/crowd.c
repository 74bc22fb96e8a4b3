/* Thousands of made-up gateways at one county, for a bench: each has its own certificate, session
 * and clock exchanges; some send a live stream of twelve leads at 500 Hz, the others are idle.
 * Nothing is stored here and nothing is healed: what is measured is the county.
 *
 * Once a second a JSON line: {"welcomed" (connections), "sent" (blocks), "behind" (samples not
 * acknowledged), "lost" (connections)}. Ends when stdin does. Single thread.
 */
#include "base/block.h"
#include "base/cli.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "crowd_wire.h"

#include "link.pb-c.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    LEADS_N = 12,
    RATE_HZ = 500,
    BLOCKS_N = 16, /* different contents */
    GATEWAYS_MAX = 10000,
    EVENTS_N = 256,
    CLOCK_US = 2000000,
    CREDIT_N_BYTES = 1 << 20,
    TICK_MS = 5,
};

struct crowd;

struct gateway;

/* Socket 0 carries the signals, socket 1, the bulk, only its clock. */
struct leg {
    struct gateway *gateway;
    struct crowd_wire wire;
    bool welcomed;
};
struct gateway {
    struct crowd *crowd;
    struct leg leg[2];
    char id[32];
    struct xw_uuid stream, session, boot, spool;
    bool live, wanted;
    uint64_t next, upto; /* samples: the next to send, acknowledged */
    uint64_t spent, credit;
    int64_t clock_due_us, block_due_us;
};

struct crowd {
    struct crowd_ca *ca;
    int epoll;
    int64_t port, gateways_n, live_n, block_ms, sockets_n;
    const char *certs;
    struct gateway *v;
    size_t open_n, welcomed_n, lost_n;
    uint64_t sent_n;
    uint8_t *data[BLOCKS_N];
    size_t size[BLOCKS_N];
    uint32_t crc[BLOCKS_N], count;
    int64_t tell_due_us;
};

static int64_t now_us(void)
{
    return xw_clock_mono(NULL).us;
}

static void lose(struct leg *leg)
{
    struct crowd *crowd = leg->gateway->crowd;
    if (leg->wire.fd < 0)
        return;
    fprintf(stderr, "xw-crowd: %s lost a connection\n", leg->gateway->id);
    crowd_wire_close(&leg->wire);
    crowd->lost_n++;
    crowd->welcomed_n -= leg->welcomed;
    leg->welcomed = false;
}

static void say(struct leg *leg, const Xw__LinkMessage *message)
{
    struct gateway *g = leg->gateway;
    uint8_t data[CROWD_WIRE_MAX_N_BYTES];
    size_t n = xw__link_message__get_packed_size(message);
    if (leg->wire.fd < 0 || n > sizeof(data))
        return;
    xw__link_message__pack(message, data);
    if (message->body_case == XW__LINK_MESSAGE__BODY_OPEN ||
        message->body_case == XW__LINK_MESSAGE__BODY_BLOCKS)
        g->spent += n;
    if (crowd_wire_send(&leg->wire, data, n) < 0)
        lose(leg);
}

static ProtobufCBinaryData id_of(struct xw_uuid *id)
{
    return (ProtobufCBinaryData){sizeof(id->b), id->b};
}

static void say_hello(struct leg *leg)
{
    struct gateway *g = leg->gateway;
    Xw__LinkHello hello = XW__LINK_HELLO__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    hello.version = 1;
    hello.role = leg == &g->leg[1] ? XW__SOCKET_ROLE__SOCKET_BULK : XW__SOCKET_ROLE__SOCKET_SIGNALS;
    hello.session_id = id_of(&g->session);
    hello.boot_id = id_of(&g->boot);
    hello.spool_id = id_of(&g->spool);
    hello.gateway_id = g->id;
    hello.site_name = g->id;
    hello.software = "crowd";
    hello.demo = true;
    message.body_case = XW__LINK_MESSAGE__BODY_HELLO;
    message.hello = &hello;
    say(leg, &message);
}

static void say_open(struct gateway *g)
{
    static char *leads[] = {"I",  "II", "III", "aVR", "aVL", "aVF",
                            "V1", "V2", "V3",  "V4",  "V5",  "V6"};
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channels[LEADS_N], *pointers[LEADS_N];
    Xw__StreamHeader h = XW__STREAM_HEADER__INIT;
    Xw__StreamOpen open = XW__STREAM_OPEN__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    rate.num = RATE_HZ;
    rate.den = gain.den = 1;
    gain.num = 1000;
    for (size_t c = 0; c < LEADS_N; c++) {
        xw__channel__init(&channels[c]);
        channels[c].code = leads[c];
        channels[c].unit = "mV";
        channels[c].gain = &gain;
        channels[c].adc_min = -32768;
        channels[c].adc_max = 32767;
        pointers[c] = &channels[c];
    }
    h.modality = XW__MODALITY__MODALITY_ECG;
    h.rate = &rate;
    h.channels = pointers;
    h.n_channels = LEADS_N;
    h.device_id = "crowd";
    h.gateway_id = g->id;
    h.demo = true;
    g->stream = xw_uuid_v7(NULL);
    h.stream_id = h.attachment_id = id_of(&g->stream);
    open.header = &h;
    message.body_case = XW__LINK_MESSAGE__BODY_OPEN;
    message.open = &open;
    say(&g->leg[0], &message);
}

static void say_credit(struct leg *leg)
{
    Xw__Credit credit = XW__CREDIT__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    credit.limit_bytes = CREDIT_N_BYTES;
    message.body_case = XW__LINK_MESSAGE__BODY_CREDIT;
    message.credit = &credit;
    say(leg, &message);
}

static void say_clock(struct leg *leg, const Xw__Clock *asked)
{
    Xw__Clock clock = XW__CLOCK__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    int64_t wall_us = xw_clock_wall(NULL).us;
    clock.origin_us = asked ? asked->origin_us : wall_us;
    if (asked)
        clock.receive_us = clock.transmit_us = wall_us;
    message.body_case = XW__LINK_MESSAGE__BODY_CLOCK;
    message.clock = &clock;
    say(leg, &message);
}

static void say_block(struct gateway *g)
{
    struct crowd *crowd = g->crowd;
    size_t k = g->next / crowd->count % BLOCKS_N;
    Xw__Block block = XW__BLOCK__INIT, *pointer = &block;
    Xw__Blocks blocks = XW__BLOCKS__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    block.stream_id = id_of(&g->stream);
    block.first = g->next;
    block.count = crowd->count;
    block.crc32c = crowd->crc[k];
    block.data = (ProtobufCBinaryData){crowd->size[k], crowd->data[k]};
    blocks.lane = XW__LANE__LANE_LIVE;
    blocks.blocks = &pointer;
    blocks.n_blocks = 1;
    message.body_case = XW__LINK_MESSAGE__BODY_BLOCKS;
    message.blocks = &blocks;
    if (g->spent + crowd->size[k] + 256 > g->credit)
        return; /* the next round */
    say(&g->leg[0], &message);
    g->next += crowd->count;
    crowd->sent_n++;
}

static void dial(struct leg *leg);

static void on_welcome(struct leg *leg, const Xw__LinkWelcome *welcome)
{
    struct gateway *g = leg->gateway;
    leg->welcomed = true;
    g->crowd->welcomed_n++;
    say_credit(leg);
    if (leg != &g->leg[0])
        return;
    g->credit = welcome->credit_bytes;
    if (g->live)
        say_open(g);
    if (g->crowd->sockets_n > 1)
        dial(&g->leg[1]);
}

static void take(void *user, const uint8_t *data, size_t n_bytes)
{
    struct leg *leg = user;
    struct gateway *g = leg->gateway;
    Xw__LinkMessage *m = xw__link_message__unpack(NULL, n_bytes, data);
    if (!m)
        return;
    if (m->body_case == XW__LINK_MESSAGE__BODY_WELCOME)
        on_welcome(leg, m->welcome);
    else if (m->body_case == XW__LINK_MESSAGE__BODY_WANTED)
        g->wanted = true;
    else if (m->body_case == XW__LINK_MESSAGE__BODY_CREDIT && leg == &g->leg[0])
        g->credit = XW_MAX(g->credit, m->credit->limit_bytes);
    else if (m->body_case == XW__LINK_MESSAGE__BODY_CLOCK && !m->clock->receive_us)
        say_clock(leg, m->clock);
    else if (m->body_case == XW__LINK_MESSAGE__BODY_BLOCK_ACK)
        for (size_t i = 0; i < m->block_ack->n_streams; i++)
            g->upto = XW_MAX(g->upto, m->block_ack->streams[i]->upto);
    else if (m->body_case == XW__LINK_MESSAGE__BODY_CLOSE)
        fprintf(stderr, "xw-crowd: %s is told: %s\n", g->id, m->close->text);
    xw__link_message__free_unpacked(m, NULL);
}

static void make_blocks(struct crowd *crowd)
{
    static int32_t x[RATE_HZ * LEADS_N];
    uint32_t state = 1;
    int32_t level[LEADS_N] = {0};
    crowd->count = (uint32_t)(RATE_HZ * crowd->block_ms / 1000);
    for (size_t k = 0; k < BLOCKS_N; k++) {
        for (size_t i = 0; i < (size_t)crowd->count * LEADS_N; i++) {
            state = state * 1664525 + 1013904223;
            level[i % LEADS_N] += (int32_t)(state >> 24) / 2 - 64 - level[i % LEADS_N] / 64;
            x[i] = level[i % LEADS_N];
        }
        size_t room = (size_t)crowd->count * LEADS_N * 5;
        crowd->data[k] = malloc(room);
        int n = crowd->data[k] ? xw_block_encode(XW_CODING_DELTA, x, LEADS_N, crowd->count,
                                                 crowd->data[k], room)
                               : -ENOMEM;
        if (n < 0)
            abort();
        crowd->size[k] = (size_t)n;
        crowd->crc[k] = xw_block_crc(x, LEADS_N, crowd->count);
    }
}

static void dial(struct leg *leg)
{
    struct gateway *g = leg->gateway;
    struct crowd *crowd = g->crowd;
    if (crowd_wire_open(crowd->ca, (uint16_t)crowd->port, g->id, &leg->wire) < 0) {
        fprintf(stderr, "xw-crowd: %s is not let in\n", g->id);
        crowd->lost_n++;
        return;
    }
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = leg};
    epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, leg->wire.fd, &event);
    say_hello(leg);
}

static void join(struct crowd *crowd, struct gateway *g, size_t i)
{
    snprintf(g->id, sizeof(g->id), "crowd-%05zu", i + 1);
    g->crowd = crowd;
    g->live = i < (size_t)crowd->live_n;
    g->session = xw_uuid_v7(NULL);
    g->boot = xw_uuid_v7(NULL);
    g->spool = xw_uuid_v7(NULL);
    for (size_t k = 0; k < XW_ARRAY_N(g->leg); k++)
        g->leg[k] = (struct leg){.gateway = g, .wire.fd = -1};
    int64_t now = now_us(); /* they do not tick together */
    g->clock_due_us = now + (int64_t)i * 7919 % CLOCK_US;
    g->block_due_us = now + (int64_t)i * 7919 % (crowd->block_ms * 1000);
    dial(&g->leg[0]);
}

static void tick(struct crowd *crowd)
{
    int64_t now = now_us();
    uint64_t behind = 0;
    for (size_t i = 0; i < crowd->open_n; i++) {
        struct gateway *g = &crowd->v[i];
        if (!g->leg[0].welcomed)
            continue;
        if (now >= g->clock_due_us) {
            g->clock_due_us += CLOCK_US;
            for (size_t k = 0; k < XW_ARRAY_N(g->leg); k++)
                if (g->leg[k].welcomed)
                    say_clock(&g->leg[k], NULL);
        }
        while (g->live && g->wanted && now >= g->block_due_us) {
            g->block_due_us += crowd->block_ms * 1000;
            say_block(g);
        }
        behind += g->next - XW_MIN(g->next, g->upto);
    }
    if (now < crowd->tell_due_us)
        return;
    crowd->tell_due_us = now + 1000000;
    printf("{\"welcomed\":%zu,\"sent\":%" PRIu64 ",\"behind\":%" PRIu64 ",\"lost\":%zu}\n",
           crowd->welcomed_n, crowd->sent_n, behind, crowd->lost_n);
    fflush(stdout);
}

/* False at the end of stdin. */
static bool serve(struct crowd *crowd, int wait_ms)
{
    struct epoll_event events[EVENTS_N];
    int n = epoll_wait(crowd->epoll, events, EVENTS_N, wait_ms);
    for (int i = 0; i < n; i++) {
        struct leg *leg = events[i].data.ptr;
        char nothing[64];
        if (!leg) {
            if (read(0, nothing, sizeof(nothing)) <= 0)
                return false;
        } else if (leg->wire.fd >= 0 && crowd_wire_receive(&leg->wire, take, leg) < 0) {
            lose(leg);
        }
    }
    tick(crowd);
    return true;
}

int main(int argc, char **argv)
{
    static struct crowd crowd = {
        .gateways_n = 2000, .live_n = 300, .block_ms = 100, .sockets_n = 2};
    const struct xw_cli_option options[] = {
        {"port", 'p', "PORT", XW_CLI_INT, &crowd.port, "of the county, on loopback"},
        {"certs", 'c', "DIR", XW_CLI_TEXT, &crowd.certs, "ca.pem, authority/gateways.pem and .key"},
        {"gateways", 'g', "N", XW_CLI_INT, &crowd.gateways_n, "how many"},
        {"live", 'l', "N", XW_CLI_INT, &crowd.live_n, "of them with a stream"},
        {"sockets", 0, "N", XW_CLI_INT, &crowd.sockets_n, "of each gateway, 1 or 2"},
        {"block-ms", 0, "MS", XW_CLI_INT, &crowd.block_ms, "length of a block"},
    };
    const struct xw_cli cli = {.program = "xw-crowd",
                               .summary = "Thousands of made-up gateways, for a bench.",
                               .options = options,
                               .options_n = XW_ARRAY_N(options)};
    int first, r = xw_cli_parse(&cli, argc, argv, &first);
    if (r)
        return r > 0 ? 0 : 2;
    if (!crowd.certs || crowd.gateways_n < 1 || crowd.gateways_n > GATEWAYS_MAX ||
        crowd.live_n < 0 || crowd.sockets_n < 1 || crowd.sockets_n > 2 || crowd.block_ms < 10 ||
        crowd.block_ms > 1000)
        return 2;
    crowd.v = calloc((size_t)crowd.gateways_n, sizeof(*crowd.v));
    crowd.epoll = epoll_create1(EPOLL_CLOEXEC);
    r = crowd_ca_open(crowd.certs, &crowd.ca);
    if (!crowd.v || crowd.epoll < 0 || r < 0) {
        fprintf(stderr, "xw-crowd: no authority in %s\n", crowd.certs);
        return 1;
    }
    make_blocks(&crowd);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(crowd.epoll, EPOLL_CTL_ADD, 0, &event);
    for (bool on = true; on;) {
        if (crowd.open_n < (size_t)crowd.gateways_n) {
            join(&crowd, &crowd.v[crowd.open_n], crowd.open_n);
            crowd.open_n++;
        }
        on = serve(&crowd, crowd.open_n < (size_t)crowd.gateways_n ? 0 : TICK_MS);
    }
    return 0;
}
