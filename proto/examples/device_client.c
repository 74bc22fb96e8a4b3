/* A complete device in C without any library: hello, blocks, acknowledgements, resume.
 *
 * usage: device_client HOST PORT DEVICE_ID [SECONDS]
 *
 * Sends one lead II of 250 samples per second (a made-up pulse) in blocks of 40 ms, keeps the last
 * minute until it is acknowledged, and comes back after a cut with the same epoch. What it could
 * not keep it declares as a gap. For the HMAC challenge see device_client.py; DEVICE-HOWTO.md tells
 * all.
 */
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { RATE = 250, COUNT = 10, KEPT = 60 * RATE / COUNT, ROOM = 512 };

/* ---- protobuf by hand: a field is varint(number << 3 | type) and then its value ---- */
struct out {
    uint8_t b[ROOM];
    size_t n;
};
static void varint(struct out *o, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        o->b[o->n++] = (uint8_t)(v | 0x80);
    o->b[o->n++] = (uint8_t)v;
}
static void num(struct out *o, unsigned field, uint64_t v)
{
    varint(o, field << 3);
    varint(o, v);
}
static void fixed(struct out *o, unsigned field, uint64_t v, unsigned size)
{
    varint(o, field << 3 | (size == 8 ? 1 : 5));
    for (unsigned i = 0; i < size; i++)
        o->b[o->n++] = (uint8_t)(v >> (8 * i));
}
static void bytes(struct out *o, unsigned field, const void *data, size_t n)
{
    varint(o, field << 3 | 2);
    varint(o, n);
    memcpy(o->b + o->n, data, n);
    o->n += n;
}
static void message(struct out *o, unsigned field, const struct out *m)
{
    bytes(o, field, m->b, m->n);
}
/* Reads a varint; 0 when the bytes end before it does. */
static int get(const uint8_t **at, const uint8_t *end, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; *at < end && shift < 64; shift += 7) {
        *v |= (uint64_t)(**at & 0x7f) << shift;
        if (*(*at)++ < 0x80)
            return 1;
    }
    return 0;
}
/* The next field of a message: its number, with *v a number (*data is NULL then) or the size of
 * what begins at *data. */
static unsigned next_field(const uint8_t **at, const uint8_t *end, uint64_t *v,
                           const uint8_t **data)
{
    uint64_t tag;
    *data = NULL;
    if (!get(at, end, &tag))
        return 0;
    if ((tag & 7) == 0)
        return get(at, end, v) ? (unsigned)(tag >> 3) : 0;
    *v = (tag & 7) == 1 ? 8 : 4;
    if (((tag & 7) == 2 && !get(at, end, v)) || *v > (uint64_t)(end - *at))
        return 0;
    *data = *at;
    *at += *v;
    return (unsigned)(tag >> 3);
}

static uint32_t crc32c(const uint8_t *p, size_t n)
{
    uint32_t c = 0xffffffff;
    for (; n; n--, p++) {
        c ^= *p;
        for (int i = 0; i < 8; i++)
            c = c >> 1 ^ (c & 1 ? 0x82f63b78 : 0);
    }
    return ~c;
}

static int sample(uint64_t i)
{
    int d = (int)(i % RATE) - 60; /* one beat a second */
    return 25 + (d > -12 && d < 12 ? 800 - 65 * abs(d) : 0);
}
static void make_block(struct out *m, uint64_t first)
{
    uint8_t raw[2 * COUNT], wide[4 * COUNT];
    struct out block = {.n = 0};
    for (unsigned i = 0; i < COUNT; i++) {
        int32_t x = sample(first + i);
        for (unsigned k = 0; k < 4; k++)
            wide[4 * i + k] = (uint8_t)((uint32_t)x >> (8 * k));
        memcpy(raw + 2 * i, wide + 4 * i, 2);
    }
    num(&block, 2, first);
    num(&block, 3, COUNT);
    num(&block, 4, 1); /* coding 1: int16, little-endian, interleaved */
    fixed(&block, 5, crc32c(wide, sizeof(wide)), 4); /* over int32, whatever the coding */
    bytes(&block, 6, raw, sizeof(raw));
    m->n = 0;
    message(m, 3, &block);
}
static void make_hello(struct out *m, const char *device, uint64_t epoch)
{
    struct out hello = {.n = 0}, signal = {.n = 0}, channel = {.n = 0}, part = {.n = 0};
    bytes(&channel, 1, "II", 2);
    bytes(&channel, 2, "mV", 2);
    num(&part, 1, 1000); /* gain: 1000 counts ... */
    num(&part, 2, 1);    /* ... for 1 mV */
    message(&channel, 3, &part);
    num(&signal, 2, 1); /* ECG; signal number 0 */
    part.n = 0;
    num(&part, 1, RATE);
    num(&part, 2, 1);
    message(&signal, 3, &part);
    message(&signal, 4, &channel);
    num(&hello, 1, 1); /* version */
    bytes(&hello, 2, device, strlen(device));
    bytes(&hello, 3, "example", 7);
    fixed(&hello, 5, epoch, 8);
    num(&hello, 6, 1); /* can resume */
    message(&hello, 7, &signal);
    message(m, 1, &hello);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
static int send_message(int fd, const struct out *m)
{
    struct out framed = {.n = 0};
    varint(&framed, m->n);
    memcpy(framed.b + framed.n, m->b, m->n);
    framed.n += m->n;
    return send(fd, framed.b, framed.n, MSG_NOSIGNAL) == (ssize_t)framed.n ? 0 : -1;
}
static int connect_to(const char *host, const char *port)
{
    struct addrinfo *a, hints = {.ai_socktype = SOCK_STREAM};
    if (getaddrinfo(host, port, &hints, &a) != 0)
        return -1;
    int fd = socket(a->ai_family, SOCK_STREAM, 0);
    if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
        close(fd);
        fd = -1;
    }
    freeaddrinfo(a);
    return fd;
}

static uint64_t taken, acked; /* samples converted; samples that the gateway answers for */

/* What we no longer have is declared lost; the rest goes again, oldest first. */
static int resume(int fd)
{
    struct out m;
    uint64_t oldest = taken > (uint64_t)KEPT * COUNT ? taken - (uint64_t)KEPT * COUNT : 0;
    if (acked < oldest) {
        struct out gap = {.n = 0};
        num(&gap, 2, acked);
        num(&gap, 3, oldest - acked);
        m.n = 0;
        message(&m, 4, &gap);
        if (send_message(fd, &m) < 0)
            return -1;
        acked = oldest;
    }
    for (uint64_t first = acked - acked % COUNT; first < taken; first += COUNT) {
        make_block(&m, first); /* a real device takes it from its memory */
        if (send_message(fd, &m) < 0)
            return -1;
    }
    return 0;
}

/* One message of the gateway. Returns 1 when it accepted us, -1 at the end. */
static int take(const uint8_t *at, const uint8_t *end)
{
    uint64_t v, w;
    const uint8_t *data, *inner;
    unsigned kind = next_field(&at, end, &v, &data), field;
    if (kind == 5)
        fprintf(stderr, "the gateway reports a fault\n");
    if ((kind != 3 && kind != 4) || !data) /* accepted, acknowledgement */
        return 0;
    const uint8_t *held_end = data + v;
    while ((field = next_field(&data, held_end, &v, &inner)) != 0) {
        if (field != (kind == 3 ? 2u : 1u) || !inner)
            continue;
        const uint8_t *p = inner, *signal_end = inner + v;
        while ((field = next_field(&p, signal_end, &w, &inner)) != 0)
            if (field == 2 && w > acked)
                acked = w; /* contiguous from 0: all before it may be forgotten */
    }
    return kind == 3;
}

static void session(int fd, const char *device, uint64_t epoch, double begin, uint64_t total)
{
    static uint8_t in[65536];
    size_t in_n = 0;
    int live = 0;
    double said = now_s(), heard = said;
    struct out m = {.n = 0};
    make_hello(&m, device, epoch);
    if (send_message(fd, &m) < 0)
        return;
    while (!total || acked < total) {
        double now = now_s();
        while ((!total || taken < total) && (double)(taken + COUNT) <= (now - begin) * RATE) {
            make_block(&m, taken);
            taken += COUNT;
            if (live && send_message(fd, &m) < 0)
                return;
            said = now;
        }
        if (now - said > 5) { /* say something at least every 30 s */
            struct out ping = {.n = 0};
            num(&ping, 1, (uint64_t)(now * 1e6));
            m.n = 0;
            message(&m, 8, &ping);
            said = now;
            if (send_message(fd, &m) < 0)
                return;
        }
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (now - heard > 15 || poll(&p, 1, 10) < 0)
            return;
        if (!p.revents)
            continue;
        ssize_t n = recv(fd, in + in_n, sizeof(in) - in_n, 0);
        if (n <= 0)
            return;
        heard = now;
        in_n += (size_t)n;
        for (;;) {
            const uint8_t *at = in;
            uint64_t size;
            if (!get(&at, in + in_n, &size) || size > (uint64_t)(in + in_n - at))
                break;
            int accepted = take(at, at + size);
            at += size;
            in_n -= (size_t)(at - in);
            memmove(in, at, in_n);
            if (accepted && resume(fd) < 0)
                return;
            live |= accepted;
        }
    }
    struct out bye = {.n = 0};
    m.n = 0;
    bytes(&bye, 1, "done", 4);
    message(&m, 9, &bye);
    send_message(fd, &m);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: %s HOST PORT DEVICE_ID [SECONDS]\n", argv[0]);
        return 2;
    }
    uint64_t total = argc > 4 ? strtoull(argv[4], NULL, 10) * RATE : 0;
    uint64_t epoch =
        (uint64_t)time(NULL) << 20 | (uint64_t)getpid(); /* our index begins at 0 now */
    double begin = now_s();
    while (!total || acked < total) {
        int fd = connect_to(argv[1], argv[2]);
        if (fd >= 0) {
            session(fd, argv[3], epoch, begin, total);
            close(fd);
        }
        if (!total || acked < total)
            sleep(1); /* samples are taken meanwhile, as `taken` shows at the next session */
    }
    printf("acknowledged %llu\n", (unsigned long long)acked);
    return 0;
}
