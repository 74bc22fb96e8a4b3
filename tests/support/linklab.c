/* The link laboratory: a bad radio link between two network namespaces, for tests. Two TUN devices
 * and this program between them, which gives each way a rate with a long queue, delay, jitter,
 * losses (linkway.h), holes of which nobody is told, and changes of the far side's address
 * (linknat.h), by script and seed.
 *
 * It makes one TUN device in the namespace it is started in (10.213.0.1, the county) and another
 * in a new namespace of its own (10.213.2.1, the gateway), where it stays: `nsenter -t PID -n
 * PROGRAM` runs a program behind the link, and all of it is gone when this process is. Needs root,
 * or a user namespace (`unshare -Urn`); where neither is allowed it ends with 77.
 *
 * Lines on stdin, and in --script FILE:
 *   rate N | down-rate N                         bit/s towards the county, towards the gateway
 *   buffer-ms N, delay-ms N, jitter-ms N, reorder 0|1, loss-ppm N, burst-ppm N, burst-n N
 *                                                both ways; with up- or down- before it: one way
 *   cut | cut-up | cut-down | up                 a hole, both ways or one; all is well again
 *   rebind                                       the carrier gives another public address
 *   address                                      and the gateway's own device has another one, too
 *   zero | at MS LINE                            LINE is obeyed MS after the last zero (the start)
 *   stat
 * After the start and after each line of stdin one JSON line on stdout says how it stands; what was
 * obeyed at its time says {"event", "at_us"} (CLOCK_MONOTONIC). Ends when stdin does. Single
 * thread.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "base/cli.h"
#include "linknat.h"
#include "linkway.h"

enum { MTU = 1500, LINE_MAX_N = 128, SCRIPT_MAX = 1024, TIMER_SLACK_NS = 20000 };
enum {
    NEAR = 0x0ad50001,   /* 10.213.0.1 */
    PUBLIC = 0x0ad50101, /* 10.213.1.1 and on, as the county sees the gateway */
    OWN = 0x0ad50201,    /* 10.213.2.1 and on, as the gateway sees itself */
};

struct step {
    int64_t at_us;
    char line[LINE_MAX_N];
};

struct lab {
    struct linkway up, down; /* up: from the far namespace */
    struct linknat nat;
    int near_fd, far_fd, far_socket; /* far_socket: for ioctl there */
    int64_t zero_us;
    struct step *steps; /* what is to be obeyed, in any order */
    size_t steps_n;
    char line[LINE_MAX_N];
    size_t line_n;
};

static int64_t now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- what it is told ---- */

static void tell_way(const char *name, struct linkway *way)
{
    const struct linkway_stats *s = &way->stats;
    printf(",\"%s\":{\"packets\":%" PRIu64 ",\"passed\":%" PRIu64 ",\"bytes\":%" PRIu64
           ",\"full\":%" PRIu64 ",\"lost\":%" PRIu64 ",\"burst\":%" PRIu64 ",\"hole\":%" PRIu64
           ",\"overtaken\":%" PRIu64 "}",
           name, s->came_n, s->passed_n, s->passed_bytes, s->full_n, s->lost_n, s->burst_n,
           s->hole_n, s->overtaken_n);
}

static uint64_t dropped_n(const struct linkway *way)
{
    return way->stats.full_n + way->stats.lost_n + way->stats.burst_n + way->stats.hole_n;
}

static void tell(struct lab *lab)
{
    printf("{\"pid\":%d,\"at_us\":%" PRId64 ",\"rate\":%" PRId64 ",\"queue_us\":%" PRId64
           ",\"peak_queue_us\":%" PRId64,
           (int)getpid(), now_us(), lab->up.plan.rate, linkway_queue_us(&lab->up),
           linkway_peak_us(&lab->up));
    printf(",\"up_bytes\":%" PRIu64 ",\"up_dropped\":%" PRIu64 ",\"down_bytes\":%" PRIu64
           ",\"down_dropped\":%" PRIu64 ",\"stale\":%" PRIu64,
           lab->up.stats.passed_bytes, dropped_n(&lab->up), lab->down.stats.passed_bytes,
           dropped_n(&lab->down), lab->nat.stale_n);
    tell_way("up", &lab->up);
    tell_way("down", &lab->down);
    printf("}\n");
    fflush(stdout);
}

static bool word_is(const char *line, const char *word, size_t n)
{
    return strlen(word) == n && !strncmp(line, word, n);
}

/* A setting of one way. False: there is no such one. */
static bool set(struct linkway_plan *plan, const char *word, size_t n, int64_t value)
{
    if (value < 0)
        return false;
    if (word_is(word, "rate", n))
        plan->rate = value;
    else if (word_is(word, "buffer-ms", n))
        plan->buffer_us = value * 1000;
    else if (word_is(word, "delay-ms", n))
        plan->delay_us = value * 1000;
    else if (word_is(word, "jitter-ms", n))
        plan->jitter_us = value * 1000;
    else if (word_is(word, "reorder", n))
        plan->reorder = value != 0;
    else if (word_is(word, "loss-ppm", n))
        plan->loss_ppm = value;
    else if (word_is(word, "burst-ppm", n))
        plan->burst_ppm = value;
    else if (word_is(word, "burst-n", n))
        plan->burst_n = value;
    else
        return false;
    return true;
}

static int far_address(struct lab *lab, uint32_t own);

static bool obey(struct lab *lab, const char *line);

static bool later(struct lab *lab, const char *line)
{
    char *end;
    long long ms = strtoll(line, &end, 10);
    if (ms < 0 || *end != ' ' || strlen(end + 1) >= LINE_MAX_N || lab->steps_n >= SCRIPT_MAX)
        return false;
    struct step *step = &lab->steps[lab->steps_n++];
    step->at_us = lab->zero_us + ms * 1000;
    snprintf(step->line, sizeof(step->line), "%s", end + 1);
    return true;
}

static bool obey_word(struct lab *lab, const char *line)
{
    bool cut = !strcmp(line, "cut"), up = !strcmp(line, "up");
    if (cut || up)
        lab->up.plan.hole = lab->down.plan.hole = cut;
    else if (!strcmp(line, "cut-up"))
        lab->up.plan.hole = true;
    else if (!strcmp(line, "cut-down"))
        lab->down.plan.hole = true;
    else if (!strcmp(line, "rebind"))
        return linknat_change(&lab->nat, lab->nat.own) == 0;
    else if (!strcmp(line, "address"))
        return linknat_change(&lab->nat, lab->nat.own + 1) == 0 &&
               far_address(lab, lab->nat.own) == 0;
    else if (!strcmp(line, "zero"))
        lab->zero_us = now_us();
    else
        return !strcmp(line, "stat");
    return true;
}

static bool obey(struct lab *lab, const char *line)
{
    const char *space = strchr(line, ' ');
    if (!space)
        return obey_word(lab, line);
    if (!strncmp(line, "at ", 3))
        return later(lab, line + 3);
    size_t n = (size_t)(space - line);
    int64_t value = strtoll(space + 1, NULL, 10);
    if (word_is(line, "rate", n))
        return set(&lab->up.plan, line, n, value);
    if (!strncmp(line, "up-", 3))
        return set(&lab->up.plan, line + 3, n - 3, value);
    if (!strncmp(line, "down-", 5))
        return set(&lab->down.plan, line + 5, n - 5, value);
    return set(&lab->up.plan, line, n, value) && set(&lab->down.plan, line, n, value);
}

static void obey_or_say(struct lab *lab, const char *line)
{
    if (!obey(lab, line))
        fprintf(stderr, "xw-linklab: '%s' is not understood\n", line);
}

/* What is due of the script; returns when the next step is. */
static int64_t play(struct lab *lab, int64_t now)
{
    int64_t due_us = INT64_MAX;
    for (size_t i = 0; i < lab->steps_n;) {
        if (lab->steps[i].at_us > now) {
            due_us = XW_MIN(due_us, lab->steps[i++].at_us);
            continue;
        }
        struct step step = lab->steps[i];
        memmove(&lab->steps[i], &lab->steps[i + 1], (lab->steps_n - i - 1) * sizeof(lab->steps[0]));
        lab->steps_n--;
        obey_or_say(lab, step.line);
        printf("{\"event\":\"%s\",\"at_us\":%" PRId64 "}\n", step.line, now_us());
        fflush(stdout);
    }
    return due_us;
}

static bool read_script(struct lab *lab, const char *path)
{
    char line[LINE_MAX_N + 32];
    FILE *in = fopen(path, "re");
    if (!in)
        return false;
    while (fgets(line, sizeof(line), in)) {
        line[strcspn(line, "\r\n")] = 0;
        if (*line && *line != '#')
            obey_or_say(lab, line);
    }
    return fclose(in) == 0;
}

/* False at the end of stdin. */
static bool listen_stdin(struct lab *lab)
{
    ssize_t n = read(0, lab->line + lab->line_n, sizeof(lab->line) - 1 - lab->line_n);
    if (n <= 0)
        return false;
    lab->line_n += (size_t)n;
    for (char *end; (end = memchr(lab->line, '\n', lab->line_n)) != NULL;) {
        size_t used = (size_t)(end - lab->line) + 1;
        *end = 0;
        obey_or_say(lab, lab->line);
        tell(lab);
        memmove(lab->line, lab->line + used, lab->line_n - used);
        lab->line_n -= used;
    }
    return lab->line_n < sizeof(lab->line) - 1;
}

/* ---- devices ---- */

static struct sockaddr in4(uint32_t address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    struct sockaddr any;
    memcpy(&any, &in, sizeof(any));
    return any;
}

/* fd: any socket of the device's namespace. */
static int configure(int fd, uint32_t own)
{
    struct ifreq r = {.ifr_name = "xwlink"};
    r.ifr_addr = in4(own);
    if (ioctl(fd, SIOCSIFADDR, &r) < 0)
        return -errno;
    r.ifr_netmask = in4(0xffff0000);
    if (ioctl(fd, SIOCSIFNETMASK, &r) < 0)
        return -errno;
    r.ifr_flags = IFF_UP | IFF_RUNNING | IFF_POINTOPOINT;
    return ioctl(fd, SIOCSIFFLAGS, &r) < 0 ? -errno : 0;
}

static int far_address(struct lab *lab, uint32_t own)
{
    return configure(lab->far_socket, own);
}

static int tun(uint32_t own, int *ret_socket)
{
    struct ifreq r = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    memcpy(r.ifr_name, "xwlink", sizeof("xwlink"));
    *ret_socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int bad =
        *ret_socket < 0 || ioctl(fd, TUNSETIFF, &r) < 0 ? -errno : configure(*ret_socket, own);
    if (bad < 0)
        close(fd);
    return bad < 0 ? bad : fd;
}

/* The loopback device of the new namespace is down at first. */
static int loopback_up(int fd)
{
    struct ifreq r = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING | IFF_LOOPBACK};
    return ioctl(fd, SIOCSIFFLAGS, &r) < 0 ? -errno : 0;
}

static int open_devices(struct lab *lab)
{
    int near_socket = -1;
    lab->near_fd = tun(NEAR, &near_socket);
    if (lab->near_fd < 0)
        return lab->near_fd;
    close(near_socket);
    if (unshare(CLONE_NEWNET) < 0)
        return -errno;
    lab->far_fd = tun(OWN, &lab->far_socket);
    return lab->far_fd < 0 ? lab->far_fd : loopback_up(lab->far_socket);
}

/* ---- packets ---- */

static void take(struct lab *lab, struct linkway *way, int fd)
{
    uint8_t data[MTU + 64];
    for (ssize_t n; (n = read(fd, data, sizeof(data))) > 0;)
        /* The address is the carrier's: it is decided where the packet enters the network. */
        if (way == &lab->down || linknat_out(&lab->nat, data, (size_t)n))
            linkway_put(way, now_us(), data, (size_t)n);
}

static void give(struct lab *lab, struct linkway *way, int fd)
{
    for (struct linkway_packet *p; (p = linkway_take(way, now_us())) != NULL; free(p))
        if (way == &lab->up || linknat_in(&lab->nat, p->data, p->size))
            (void)!write(fd, p->data, p->size);
}

static void run(struct lab *lab)
{
    for (bool on = true; on;) {
        int64_t next = play(lab, now_us());
        give(lab, &lab->up, lab->near_fd);
        give(lab, &lab->down, lab->far_fd);
        next = XW_MIN(next, linkway_due_us(&lab->up));
        next = XW_MIN(next, linkway_due_us(&lab->down));
        int64_t now = now_us(), wait_us = XW_MAX(XW_MIN(next, now + 1000000) - now, (int64_t)0);
        struct pollfd fds[] = {{0, POLLIN, 0}, {lab->far_fd, POLLIN, 0}, {lab->near_fd, POLLIN, 0}};
        struct timespec t = {wait_us / 1000000, (long)(wait_us % 1000000) * 1000};
        if (ppoll(fds, XW_ARRAY_N(fds), &t, NULL) < 0 && errno != EINTR)
            return;
        if (fds[1].revents)
            take(lab, &lab->up, lab->far_fd);
        if (fds[2].revents)
            take(lab, &lab->down, lab->near_fd);
        if (fds[0].revents)
            on = listen_stdin(lab);
    }
}

int main(int argc, char **argv)
{
    static struct lab lab;
    static struct step steps[SCRIPT_MAX];
    int64_t seed = 1, rate = 1000000, down_rate = 20000000, buffer_ms = 1000, delay_ms = 15;
    const char *script = NULL;
    bool check = false;
    const struct xw_cli_option options[] = {
        {"rate", 'r', "BIT/S", XW_CLI_INT, &rate, "from the new namespace; 0: any"},
        {"down-rate", 0, "BIT/S", XW_CLI_INT, &down_rate, "into it"},
        {"buffer-ms", 'b', "MS", XW_CLI_INT, &buffer_ms, "what each way holds before it drops"},
        {"delay-ms", 'd', "MS", XW_CLI_INT, &delay_ms, "each way"},
        {"seed", 's', "N", XW_CLI_INT, &seed, "of losses and jitter"},
        {"script", 0, "FILE", XW_CLI_TEXT, &script, "lines to obey at the start"},
        {"check", 0, NULL, XW_CLI_FLAG, &check, "only tell whether it may: 0 or 77"},
    };
    const struct xw_cli cli = {.program = "xw-linklab",
                               .summary = "A bad link into a network namespace of its own.",
                               .options = options,
                               .options_n = XW_ARRAY_N(options)};
    int first, r = xw_cli_parse(&cli, argc, argv, &first);
    if (r)
        return r > 0 ? 0 : 2;
    if (rate < 0 || down_rate < 0 || buffer_ms <= 0 || delay_ms < 0)
        return 2;
    lab.steps = steps;
    lab.zero_us = now_us();
    linkway_init(&lab.up, (uint64_t)seed * 2);
    linkway_init(&lab.down, (uint64_t)seed * 2 + 1);
    linknat_init(&lab.nat, OWN, PUBLIC);
    lab.up.plan = lab.down.plan = (struct linkway_plan){
        .rate = rate, .buffer_us = buffer_ms * 1000, .delay_us = delay_ms * 1000, .burst_n = 1};
    lab.down.plan.rate = down_rate;
    r = open_devices(&lab);
    if (r < 0) {
        fprintf(stderr, "xw-linklab: %s\n", strerror(-r));
        return 77; /* no namespaces, or no TUN: the caller skips */
    }
    if (check)
        return 0;
    if (script && !read_script(&lab, script))
        return 2;
    prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS, 0, 0, 0);
    tell(&lab);
    run(&lab);
    linkway_done(&lab.up);
    linkway_done(&lab.down);
    return 0;
}
