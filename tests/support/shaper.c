/* A narrow link between two network namespaces, for tests: two TUN devices and a queue between
 * them, each way its own. What a radio link does to TCP is here: a rate, a buffer that fills (and
 * drops when it is full), a delay, a cut of which nobody is told.
 *
 * It makes one TUN device in the namespace it is started in (10.213.0.1) and another in a new
 * namespace of its own (10.213.0.2), where it stays: `nsenter -t PID -n PROGRAM` runs a program
 * behind the link, and all of it is gone when this process is. Needs root.
 *
 * Options: --rate BIT/S --down-rate BIT/S --buffer-ms MS --delay-ms MS (one way).
 * Lines on stdin: rate N | down-rate N | buffer-ms N | delay-ms N | cut | up | stat. After the
 * start and after each line one JSON line on stdout. Ends when stdin does. Single thread.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/cli.h"

enum { MTU = 1500, PACKETS_MAX = 65536 };

struct packet {
    struct packet *next;
    int64_t at_us; /* arrived; then: to be delivered */
    size_t size;
    uint8_t data[];
};
struct list {
    struct packet *head, **tail;
};
/* One direction: `waiting` for the wire, then `flying` for the delay. */
struct way {
    int in, out;
    int64_t rate, free_us; /* bit/s; the wire is free from then on */
    struct list waiting, flying;
    size_t waiting_bytes, packets_n, peak_bytes;
    uint64_t passed_bytes, dropped_n;
};
struct shaper {
    struct way up, down; /* up: from the new namespace */
    int64_t buffer_ms, delay_ms;
    bool cut;
    char line[128];
    size_t line_n;
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void push(struct list *list, struct packet *packet)
{
    packet->next = NULL;
    *list->tail = packet;
    list->tail = &packet->next;
}

static struct packet *pop(struct list *list)
{
    struct packet *packet = list->head;
    list->head = packet->next;
    if (!list->head)
        list->tail = &list->head;
    return packet;
}

static void take(struct shaper *s, struct way *w)
{
    uint8_t data[MTU + 64];
    for (ssize_t n; (n = read(w->in, data, sizeof(data))) > 0;) {
        size_t size = (size_t)n, room = (size_t)(w->rate / 8 * s->buffer_ms / 1000);
        room = XW_MAX(room, (size_t)(2 * MTU));
        if (s->cut || w->waiting_bytes + size > room || w->packets_n >= PACKETS_MAX) {
            w->dropped_n++;
            continue;
        }
        struct packet *packet = malloc(sizeof(*packet) + size);
        if (!packet)
            continue;
        packet->at_us = now_us();
        packet->size = size;
        memcpy(packet->data, data, size);
        push(&w->waiting, packet);
        w->packets_n++;
        w->waiting_bytes += size;
        w->peak_bytes = XW_MAX(w->peak_bytes, w->waiting_bytes);
    }
}

/* Moves what is due; returns when something is due next. */
static int64_t step(struct shaper *s, struct way *w, int64_t now)
{
    while (w->waiting.head && w->free_us <= now) {
        struct packet *packet = pop(&w->waiting);
        int64_t begin = XW_MAX(w->free_us, packet->at_us);
        w->waiting_bytes -= packet->size;
        w->free_us = begin + (int64_t)packet->size * 8 * 1000000 / w->rate;
        packet->at_us = w->free_us + s->delay_ms * 1000;
        push(&w->flying, packet);
    }
    while (w->flying.head && w->flying.head->at_us <= now) {
        struct packet *packet = pop(&w->flying);
        w->packets_n--;
        if (s->cut || write(w->out, packet->data, packet->size) < 0)
            w->dropped_n++;
        else
            w->passed_bytes += packet->size;
        free(packet);
    }
    int64_t next = now + 1000000;
    if (w->waiting.head)
        next = XW_MIN(next, w->free_us);
    if (w->flying.head)
        next = XW_MIN(next, w->flying.head->at_us);
    return next;
}

static void tell(struct shaper *s)
{
    int64_t us = s->up.rate ? (int64_t)s->up.waiting_bytes * 8 * 1000000 / s->up.rate : 0;
    int64_t peak = s->up.rate ? (int64_t)s->up.peak_bytes * 8 * 1000000 / s->up.rate : 0;
    printf("{\"pid\":%d,\"rate\":%lld,\"queue_us\":%lld,\"peak_queue_us\":%lld,"
           "\"up_bytes\":%llu,\"up_dropped\":%llu,\"down_bytes\":%llu,\"down_dropped\":%llu}\n",
           (int)getpid(), (long long)s->up.rate, (long long)us, (long long)peak,
           (unsigned long long)s->up.passed_bytes, (unsigned long long)s->up.dropped_n,
           (unsigned long long)s->down.passed_bytes, (unsigned long long)s->down.dropped_n);
    fflush(stdout);
    s->up.peak_bytes = s->up.waiting_bytes;
}

static void obey(struct shaper *s, const char *line)
{
    const char *space = strchr(line, ' ');
    long long value = space ? strtoll(space + 1, NULL, 10) : 0;
    if (!strncmp(line, "rate ", 5) && value > 0)
        s->up.rate = value;
    else if (!strncmp(line, "down-rate ", 10) && value > 0)
        s->down.rate = value;
    else if (!strncmp(line, "buffer-ms ", 10) && value > 0)
        s->buffer_ms = value;
    else if (!strncmp(line, "delay-ms ", 9) && value >= 0)
        s->delay_ms = value;
    else if (!strcmp(line, "cut") || !strcmp(line, "up"))
        s->cut = *line == 'c';
    tell(s);
}

/* False at the end of stdin. */
static bool listen_stdin(struct shaper *s)
{
    ssize_t n = read(0, s->line + s->line_n, sizeof(s->line) - 1 - s->line_n);
    if (n <= 0)
        return false;
    s->line_n += (size_t)n;
    for (char *end; (end = memchr(s->line, '\n', s->line_n)) != NULL;) {
        size_t used = (size_t)(end - s->line) + 1;
        *end = 0;
        obey(s, s->line);
        memmove(s->line, s->line + used, s->line_n - used);
        s->line_n -= used;
    }
    return s->line_n < sizeof(s->line) - 1;
}

static int configure(const char *name, const char *own, const char *peer)
{
    struct ifreq r = {0};
    struct sockaddr_in address = {.sin_family = AF_INET};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    memcpy(r.ifr_name, name, strlen(name) + 1);
    inet_pton(AF_INET, own, &address.sin_addr);
    memcpy(&r.ifr_addr, &address, sizeof(address));
    int bad = ioctl(fd, SIOCSIFADDR, &r) < 0;
    inet_pton(AF_INET, peer, &address.sin_addr);
    memcpy(&r.ifr_dstaddr, &address, sizeof(address));
    bad = bad || ioctl(fd, SIOCSIFDSTADDR, &r) < 0;
    r.ifr_flags = IFF_UP | IFF_RUNNING | IFF_POINTOPOINT;
    bad = bad || ioctl(fd, SIOCSIFFLAGS, &r) < 0;
    int r_errno = errno;
    close(fd);
    return bad ? -r_errno : 0;
}

static int tun(const char *own, const char *peer)
{
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    memcpy(r.ifr_name, "xwlink", sizeof("xwlink"));
    int bad = ioctl(fd, TUNSETIFF, &r) < 0 ? -errno : configure("xwlink", own, peer);
    if (bad < 0)
        close(fd);
    return bad < 0 ? bad : fd;
}

/* The loopback device of the new namespace is down at first. */
static int loopback_up(void)
{
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int bad = fd < 0 || ioctl(fd, SIOCSIFFLAGS, &r) < 0 ? -errno : 0;
    if (fd >= 0)
        close(fd);
    return bad;
}

static int open_ways(struct shaper *s)
{
    int near_fd = tun("10.213.0.1", "10.213.0.2");
    if (near_fd < 0)
        return near_fd;
    if (unshare(CLONE_NEWNET) < 0)
        return -errno;
    int far_fd = tun("10.213.0.2", "10.213.0.1");
    if (far_fd < 0)
        return far_fd;
    s->up.in = s->down.out = far_fd;
    s->up.out = s->down.in = near_fd;
    for (unsigned i = 0; i < 2; i++) {
        struct way *w = i ? &s->down : &s->up;
        w->waiting.tail = &w->waiting.head;
        w->flying.tail = &w->flying.head;
    }
    return loopback_up();
}

static void run(struct shaper *s)
{
    for (bool on = true; on;) {
        int64_t now = now_us();
        int64_t next = XW_MIN(step(s, &s->up, now), step(s, &s->down, now));
        int64_t wait_us = XW_MAX(next - now_us(), (int64_t)0);
        struct pollfd fds[] = {{0, POLLIN, 0}, {s->up.in, POLLIN, 0}, {s->down.in, POLLIN, 0}};
        struct timespec t = {wait_us / 1000000, (long)(wait_us % 1000000) * 1000};
        if (ppoll(fds, XW_ARRAY_N(fds), &t, NULL) < 0 && errno != EINTR)
            return;
        if (fds[1].revents)
            take(s, &s->up);
        if (fds[2].revents)
            take(s, &s->down);
        if (fds[0].revents)
            on = listen_stdin(s);
    }
}

int main(int argc, char **argv)
{
    static struct shaper s = {
        .up.rate = 1000000, .down.rate = 20000000, .buffer_ms = 1000, .delay_ms = 15};
    const struct xw_cli_option options[] = {
        {"rate", 'r', "BIT/S", XW_CLI_INT, &s.up.rate, "from the new namespace"},
        {"down-rate", 0, "BIT/S", XW_CLI_INT, &s.down.rate, "into it"},
        {"buffer-ms", 'b', "MS", XW_CLI_INT, &s.buffer_ms, "what each way holds before it drops"},
        {"delay-ms", 'd', "MS", XW_CLI_INT, &s.delay_ms, "each way"},
    };
    const struct xw_cli cli = {.program = "xw-shaper",
                               .summary = "A narrow link into a network namespace of its own.",
                               .options = options,
                               .options_n = XW_ARRAY_N(options)};
    int first, r = xw_cli_parse(&cli, argc, argv, &first);
    if (r)
        return r > 0 ? 0 : 2;
    if (s.up.rate <= 0 || s.down.rate <= 0 || s.buffer_ms <= 0 || s.delay_ms < 0)
        return 2;
    r = open_ways(&s);
    if (r < 0) {
        fprintf(stderr, "xw-shaper: %s\n", strerror(-r));
        return 77; /* not root, or no TUN: the caller skips */
    }
    tell(&s);
    run(&s);
    return 0;
}
