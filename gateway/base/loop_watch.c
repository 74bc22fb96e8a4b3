/* The watchdog over the loop thread: how long callbacks take.
 *
 * Callbacks made by this module are timed one by one. Socket callbacks are made by libuv and
 * libwebsockets; the time between "prepare" (before the poll) and "check" (behind it), less the
 * time spent waiting in the kernel, is what their whole batch took. */
#include "base/loop_internal.h"

#include "base/log.h"
#include "base/metrics.h"

XW_COUNTER(slow_callbacks, "xw_loop_slow_callbacks_total", NULL,
           "callbacks on the loop thread that took more than 2 ms");
XW_COUNTER(slow_polls, "xw_loop_slow_polls_total", NULL,
           "batches of socket callbacks that took more than 2 ms");
XW_GAUGE(longest, "xw_loop_longest_us", NULL, "longest callback or batch so far");

static void note_longest(struct xw_loop *loop, uint64_t us)
{
    /* One writer: the loop thread. */
    if (us > atomic_load_explicit(&loop->longest_us, memory_order_relaxed)) {
        atomic_store_explicit(&loop->longest_us, us, memory_order_relaxed);
        xw_gauge_set(&longest, (int64_t)us);
    }
}

uint64_t xw_loop_watch_begin(void)
{
    return uv_hrtime();
}

void xw_loop_watch_end(struct xw_loop *loop, const char *what, uint64_t begin)
{
    uint64_t us = (uv_hrtime() - begin) / 1000;
    note_longest(loop, us);
    if (XW_LIKELY(us <= XW_LOOP_SLOW_US))
        return;
    atomic_fetch_add_explicit(&loop->slow_callbacks_n, 1, memory_order_relaxed);
    xw_counter_add(&slow_callbacks, 1);
    xw_log_debug("loop.slow", XW_LOG_STR("what", what), XW_LOG_UINT("took_us", us));
}

void xw_loop_call(struct xw_loop *loop, const char *what, xw_loop_fn fn, void *arg)
{
    uint64_t begin = xw_loop_watch_begin();
    fn(arg);
    xw_loop_watch_end(loop, what, begin);
}

static void on_prepare(uv_prepare_t *handle)
{
    struct xw_loop *loop = handle->data;
    loop->poll_begin_ns = uv_hrtime();
    loop->poll_idle_ns = uv_metrics_idle_time(&loop->uv);
}

static void on_check(uv_check_t *handle)
{
    struct xw_loop *loop = handle->data;
    uint64_t idle_ns = uv_metrics_idle_time(&loop->uv) - loop->poll_idle_ns;
    uint64_t whole_ns = uv_hrtime() - loop->poll_begin_ns;
    uint64_t us = whole_ns > idle_ns ? (whole_ns - idle_ns) / 1000 : 0;
    note_longest(loop, us);
    if (XW_LIKELY(us <= XW_LOOP_SLOW_US))
        return;
    atomic_fetch_add_explicit(&loop->slow_polls_n, 1, memory_order_relaxed);
    xw_counter_add(&slow_polls, 1);
}

int xw_loop_watch_init(struct xw_loop *loop)
{
    int r = uv_loop_configure(&loop->uv, UV_METRICS_IDLE_TIME);
    if (r < 0)
        return r;
    loop->prepare.data = loop->check.data = loop;
    uv_prepare_init(&loop->uv, &loop->prepare);
    uv_check_init(&loop->uv, &loop->check);
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
    return 0;
}

void xw_loop_stats(const struct xw_loop *loop, struct xw_loop_stats *ret_stats)
{
    *ret_stats = (struct xw_loop_stats){
        .posts_refused_n = atomic_load_explicit(&loop->posts_refused_n, memory_order_relaxed),
        .slow_callbacks_n = atomic_load_explicit(&loop->slow_callbacks_n, memory_order_relaxed),
        .slow_polls_n = atomic_load_explicit(&loop->slow_polls_n, memory_order_relaxed),
        .longest_us = atomic_load_explicit(&loop->longest_us, memory_order_relaxed),
    };
}
