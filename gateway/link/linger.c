/* Refused connections kept until their refusal has been read; see linger.h. */
#include "link/linger.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

enum { TICK_MS = 500 };

struct kept {
    int fd;
    int64_t until_us;
};

struct xw_linger {
    struct xw_timer *tick;
    struct kept v[XW_LINGER_MAX]; /* oldest first */
    size_t n;
    bool ticking;
};

static void drop(struct xw_linger *l, size_t n)
{
    for (size_t i = 0; i < n; i++)
        close(l->v[i].fd);
    l->n -= n;
    for (size_t i = 0; i < l->n; i++)
        l->v[i] = l->v[i + n];
}

static void on_tick(void *arg)
{
    struct xw_linger *l = arg;
    int64_t now_us = xw_clock_mono(NULL).us;
    size_t n = 0;
    while (n < l->n && l->v[n].until_us <= now_us)
        n++;
    drop(l, n);
    if (l->n == 0) {
        xw_timer_stop(l->tick);
        l->ticking = false;
    }
}

int xw_linger_new(struct xw_loop *loop, struct xw_linger **ret_linger)
{
    struct xw_linger *l = calloc(1, sizeof(*l));
    if (!l)
        return -ENOMEM;
    int r = xw_timer_new(loop, on_tick, l, &l->tick);
    if (r < 0) {
        free(l);
        return r;
    }
    *ret_linger = l;
    return 0;
}

void xw_linger_free(struct xw_linger *l)
{
    if (!l)
        return;
    drop(l, l->n);
    xw_timer_free(l->tick);
    free(l);
}

void xw_linger_take(struct xw_linger *l, int fd)
{
    int kept = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    if (kept < 0)
        return;
    (void)shutdown(kept, SHUT_WR);
    if (l->n == XW_LINGER_MAX)
        drop(l, 1);
    l->v[l->n++] = (struct kept){kept, xw_clock_mono(NULL).us + (int64_t)XW_LINGER_MS * 1000};
    if (!l->ticking)
        xw_timer_start(l->tick, TICK_MS, TICK_MS);
    l->ticking = true;
}
