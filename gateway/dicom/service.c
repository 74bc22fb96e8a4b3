/* The process that listens, starts children and minds the outbox. */
#include "base/clock.h"
#include "base/log.h"
#include "base/notify.h"
#include "dicom/dicom.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

enum { CHILDREN_MAX = 64, NAME_N = 256, MEMORY_MAX = 1 << 30, POLL_MS = 500 };

struct service {
    const struct xw_dicom_config *config;
    int listen_fd;
    struct receiver {
        pid_t pid;
        in_addr_t from; /* address of the peer, network order */
    } receivers[CHILDREN_MAX];
    size_t receivers_n;
    pid_t sender; /* 0: none */
    int sender_fd;
    char name[NAME_N]; /* what it sends */
    int64_t not_before_us;
    int64_t passed; /* place in the outbox of what was tried last */
    bool away_told;
    uint64_t received_n, turned_away_n, sent_n, broken_n;
};

static volatile sig_atomic_t stopping;

static void on_stop(int number)
{
    (void)number;
    stopping = 1;
}

static int64_t now_us(void)
{
    return xw_clock_mono(NULL).us;
}

static int open_port(const struct xw_dicom_config *c, int *ret_fd)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)c->receive_port)};
    const int one = 1;
    if (inet_pton(AF_INET, c->receive_address, &address.sin_addr) != 1)
        return -EINVAL;
    xw_autoclose int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
        return -errno;
    *ret_fd = xw_steal_fd(&fd);
    return 0;
}

/* Nothing that a peer sends can make the child larger, longer or its file bigger than this. */
static void limit_child(int64_t seconds, int64_t file_bytes)
{
    const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX};
    const struct rlimit file = {(rlim_t)file_bytes, (rlim_t)file_bytes};
    const struct rlimit none = {0, 0};
#ifndef XW_SANITIZED /* sanitizers map far more than they use */
    (void)setrlimit(RLIMIT_AS, &memory);
#else
    (void)memory;
#endif
    (void)setrlimit(RLIMIT_FSIZE, &file);
    (void)setrlimit(RLIMIT_CORE, &none);
    signal(SIGXFSZ, SIG_IGN);
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    alarm((unsigned)seconds);
}

/* One peer alone must not be able to shut out all others. */
static bool has_room_for(const struct service *s, in_addr_t from)
{
    size_t of_it_n = 0;
    for (size_t i = 0; i < s->receivers_n; i++)
        of_it_n += s->receivers[i].from == from;
    return s->receivers_n < (size_t)s->config->receive_connections &&
           s->receivers_n < CHILDREN_MAX && of_it_n < (size_t)s->config->receive_connections_each;
}

static void take_connection(struct service *s)
{
    struct sockaddr_in peer = {.sin_family = AF_INET};
    socklen_t peer_n = sizeof(peer);
    int fd = accept4(s->listen_fd, (struct sockaddr *)&peer, &peer_n, SOCK_CLOEXEC);
    if (fd < 0)
        return;
    pid_t child = -1;
    if (has_room_for(s, peer.sin_addr.s_addr))
        child = fork();
    if (child == 0) {
        close(s->listen_fd);
        limit_child(20 * s->config->receive_timeout_us / 1000000,
                    s->config->receive_file_max_bytes);
        _exit(xw_dicom_receive(s->config, fd) < 0 ? 1 : 0);
    }
    close(fd);
    if (child > 0) {
        s->receivers[s->receivers_n++] = (struct receiver){child, peer.sin_addr.s_addr};
        s->received_n++;
    } else {
        s->turned_away_n++;
        xw_log_warning("dicom.turned_away", XW_LOG_UINT("n", s->turned_away_n));
    }
}

static void remove_leftover(const struct service *s, pid_t child)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s/" XW_OUTBOX_TEMPORARY "%ld", s->config->receive_dir,
             (long)child);
    (void)unlink(path);
}

static void receiver_ended(struct service *s, size_t at, int status)
{
    if (WIFSIGNALED(status))
        xw_log_warning("dicom.association_killed", XW_LOG_INT("signal", WTERMSIG(status)));
    else
        xw_log_info("dicom.association", XW_LOG_INT("status", WEXITSTATUS(status)));
    remove_leftover(s, s->receivers[at].pid);
    s->receivers[at] = s->receivers[--s->receivers_n];
}

/* ---- sending ---- */

static void start_sender(struct service *s)
{
    char path[1024];
    uint32_t waiting_n = 0;
    int ends[2];
    int r = xw_outbox_next(s->config->send_dir, &s->passed, s->name, sizeof(s->name), &waiting_n);
    if (r <= 0 || pipe2(ends, O_CLOEXEC) < 0) {
        s->not_before_us = now_us() + 1000000;
        return;
    }
    snprintf(path, sizeof(path), "%s/%s", s->config->send_dir, s->name);
    pid_t child = fork();
    if (child == 0) {
        char text[XW_DICOM_TEXT_N];
        limit_child(4 * s->config->send_timeout_us / 1000000 + 10, 0);
        enum xw_dicom_sent what = xw_dicom_send(s->config, path, text);
        if (write(ends[1], text, strlen(text)) < 0)
            _exit(XW_DICOM_LATER);
        _exit((int)what);
    }
    close(ends[1]);
    if (child < 0) {
        close(ends[0]);
        s->not_before_us = now_us() + s->config->send_retry_us;
        return;
    }
    s->sender = child;
    s->sender_fd = ends[0];
}

static void put_away(struct service *s, const char *reason)
{
    int r = xw_outbox_done(s->config->send_dir, s->name, reason);
    if (r < 0) {
        xw_log_error("dicom.outbox", XW_LOG_ERR(r));
        s->not_before_us = now_us() + s->config->send_retry_us;
    }
}

static void sender_ended(struct service *s, int status)
{
    char text[XW_DICOM_TEXT_N] = "";
    ssize_t n = read(s->sender_fd, text, sizeof(text) - 1);
    text[n > 0 ? n : 0] = 0;
    close(s->sender_fd);
    s->sender = 0;
    int what = WIFEXITED(status) ? WEXITSTATUS(status) : (int)XW_DICOM_LATER;
    if (what == XW_DICOM_SENT) {
        put_away(s, NULL);
        s->sent_n++;
        s->away_told = false;
        xw_log_info("dicom.sent", XW_LOG_UINT("n", s->sent_n));
    } else if (what == XW_DICOM_BROKEN) {
        put_away(s, text);
        s->broken_n++;
        xw_log_warning("dicom.not_sendable", XW_LOG_STR("why", text));
    } else {
        s->not_before_us = now_us() + s->config->send_retry_us;
        if (!s->away_told)
            xw_log_warning("dicom.archive_away", XW_LOG_STR("why", text));
        s->away_told = true;
    }
}

static void reap(struct service *s)
{
    int status;
    for (pid_t child; (child = waitpid(-1, &status, WNOHANG)) > 0;) {
        if (child == s->sender) {
            sender_ended(s, status);
            continue;
        }
        for (size_t i = 0; i < s->receivers_n; i++)
            if (s->receivers[i].pid == child) {
                receiver_ended(s, i, status);
                break;
            }
    }
}

static void end_children(struct service *s)
{
    for (size_t i = 0; i < s->receivers_n; i++)
        (void)kill(s->receivers[i].pid, SIGKILL);
    if (s->sender)
        (void)kill(s->sender, SIGKILL);
    for (size_t i = 0; i < s->receivers_n; i++) {
        (void)waitpid(s->receivers[i].pid, NULL, 0);
        remove_leftover(s, s->receivers[i].pid);
    }
    if (s->sender)
        (void)waitpid(s->sender, NULL, 0);
}

static int open_all(struct service *s)
{
    const struct xw_dicom_config *c = s->config;
    const struct sigaction stop = {.sa_handler = on_stop};
    int r = 0;
    (void)sigaction(SIGTERM, &stop, NULL);
    (void)sigaction(SIGINT, &stop, NULL);
    if (c->receive_port) {
        r = xw_outbox_make(c->receive_dir);
        if (r == 0)
            r = open_port(c, &s->listen_fd);
    }
    if (r == 0 && c->send_host[0])
        r = xw_outbox_make(c->send_dir);
    return r;
}

int xw_dicom_serve(const struct xw_dicom_config *config)
{
    struct service s = {.config = config, .listen_fd = -1};
    int r = open_all(&s);
    if (r < 0) {
        xw_log_error("dicom.start", XW_LOG_ERR(r));
        return r;
    }
    (void)xw_notify("READY=1");
    xw_log_notice("dicom.ready", XW_LOG_INT("port", s.listen_fd < 0 ? 0 : config->receive_port),
                  XW_LOG_INT("sends", config->send_host[0] != 0));
    while (!stopping) {
        struct pollfd fd = {.fd = s.listen_fd, .events = POLLIN};
        if (poll(&fd, 1, s.sender || s.receivers_n ? 50 : POLL_MS) > 0)
            take_connection(&s);
        reap(&s);
        if (config->send_host[0] && !s.sender && now_us() >= s.not_before_us)
            start_sender(&s);
    }
    (void)xw_notify("STOPPING=1");
    end_children(&s);
    if (s.listen_fd >= 0)
        close(s.listen_fd);
    return 0;
}
