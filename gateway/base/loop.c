/* The loop thread: posts from other threads, stop and signals. Timers and wake-ups: loop_handles.c;
 * the watchdog: loop_watch.c. */
#include "base/loop_internal.h"

#include "base/log.h"
#include "base/metrics.h"

#include <signal.h>
#include <string.h>

enum { POSTS_MAX_DEFAULT = 4096, CLOSE_ROUNDS = 64 };

XW_COUNTER(posts_refused, "xw_loop_posts_refused_total", NULL,
           "posts to the loop refused because its queue was full");

static bool take_post(struct xw_loop *loop, struct xw_post *ret_post)
{
    pthread_mutex_lock(&loop->lock);
    bool some = loop->posts_n > 0;
    if (some) {
        *ret_post = loop->posts[loop->posts_first];
        loop->posts_first = (loop->posts_first + 1) % loop->posts_max;
        loop->posts_n--;
    }
    pthread_mutex_unlock(&loop->lock);
    return some;
}

static void on_posts(uv_async_t *handle)
{
    struct xw_loop *loop = handle->data;
    uint64_t begin = xw_loop_watch_begin();
    struct xw_post post;
    while (take_post(loop, &post)) {
        xw_loop_call(loop, "post", post.fn, post.arg);
        /* Sockets must not starve behind a long queue: come back after the next poll. */
        if (uv_hrtime() - begin > (uint64_t)XW_LOOP_SLOW_US * 1000 / 2) {
            uv_async_send(handle);
            break;
        }
    }
}

int xw_loop_post(struct xw_loop *loop, xw_loop_fn fn, void *arg)
{
    int r = 0;
    pthread_mutex_lock(&loop->lock);
    if (loop->closing) {
        r = -ECANCELED;
    } else if (loop->posts_n == loop->posts_max) {
        r = -EAGAIN;
    } else {
        size_t at = (loop->posts_first + loop->posts_n++) % loop->posts_max;
        loop->posts[at] = (struct xw_post){fn, arg};
        /* Under the lock: once xw_loop_free has taken it, nobody touches the handle any more. */
        uv_async_send(&loop->post_async);
    }
    pthread_mutex_unlock(&loop->lock);
    if (r == -EAGAIN) {
        atomic_fetch_add_explicit(&loop->posts_refused_n, 1, memory_order_relaxed);
        xw_counter_add(&posts_refused, 1);
    }
    return r;
}

static void on_stop_async(uv_async_t *handle)
{
    struct xw_loop *loop = handle->data;
    if (loop->stop_seen)
        return;
    loop->stop_seen = true;
    if (loop->on_stop)
        xw_loop_call(loop, "on_stop", loop->on_stop, loop->on_stop_arg);
    else
        xw_loop_quit(loop);
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct xw_loop *loop = handle->data;
    xw_log_notice("loop.signal", XW_LOG_STR("signal", sigabbrev_np(number)));
    /* With both watchers gone the default action is back: a second signal ends a stop that hangs.
     */
    uv_signal_stop(&loop->sigterm);
    uv_signal_stop(&loop->sigint);
    xw_loop_stop(loop);
}

static int watch_signals(struct xw_loop *loop)
{
    loop->sigterm.data = loop->sigint.data = loop;
    int r = uv_signal_init(&loop->uv, &loop->sigterm);
    if (r == 0)
        r = uv_signal_init(&loop->uv, &loop->sigint);
    if (r == 0)
        r = uv_signal_start(&loop->sigterm, on_signal, SIGTERM);
    if (r == 0)
        r = uv_signal_start(&loop->sigint, on_signal, SIGINT);
    uv_unref((uv_handle_t *)&loop->sigterm);
    uv_unref((uv_handle_t *)&loop->sigint);
    return r;
}

static int start_handles(struct xw_loop *loop)
{
    loop->post_async.data = loop->stop_async.data = loop;
    int r = uv_async_init(&loop->uv, &loop->post_async, on_posts);
    if (r == 0)
        r = uv_async_init(&loop->uv, &loop->stop_async, on_stop_async);
    if (r == 0)
        r = xw_loop_watch_init(loop);
    if (r == 0 && loop->handle_signals)
        r = watch_signals(loop);
    return r;
}

int xw_loop_new(const struct xw_loop_options *options, struct xw_loop **ret_loop)
{
    static const struct xw_loop_options defaults;
    const struct xw_loop_options *o = options ? options : &defaults;
    struct xw_loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        return -ENOMEM;
    loop->posts_max = o->posts_max ? o->posts_max : POSTS_MAX_DEFAULT;
    loop->posts = calloc(loop->posts_max, sizeof(loop->posts[0]));
    int r = loop->posts ? uv_loop_init(&loop->uv) : -ENOMEM;
    if (r < 0) {
        free(loop->posts);
        free(loop);
        return r;
    }
    pthread_mutex_init(&loop->lock, NULL);
    atomic_store(&loop->thread, pthread_self());
    loop->handle_signals = o->handle_signals;
    loop->on_stop = o->on_stop;
    loop->on_stop_arg = o->on_stop_arg;
    r = start_handles(loop);
    if (r < 0) {
        xw_loop_free(loop);
        return r;
    }
    *ret_loop = loop;
    return 0;
}

static void close_if_open(uv_handle_t *handle)
{
    if (handle->loop && !uv_is_closing(handle))
        uv_close(handle, NULL);
}

void xw_loop_free(struct xw_loop *loop)
{
    if (!loop)
        return;
    pthread_mutex_lock(&loop->lock);
    loop->closing = true;
    pthread_mutex_unlock(&loop->lock);
    struct xw_post post;
    while (take_post(loop, &post))
        post.fn(post.arg);
    close_if_open((uv_handle_t *)&loop->post_async);
    close_if_open((uv_handle_t *)&loop->stop_async);
    close_if_open((uv_handle_t *)&loop->prepare);
    close_if_open((uv_handle_t *)&loop->check);
    close_if_open((uv_handle_t *)&loop->sigterm);
    close_if_open((uv_handle_t *)&loop->sigint);
    int r = -EBUSY;
    for (int i = 0; i < CLOSE_ROUNDS && r == -EBUSY; i++) {
        uv_run(&loop->uv, UV_RUN_NOWAIT);
        r = uv_loop_close(&loop->uv);
    }
    if (r < 0) {
        /* Somebody's handle still points into the loop: losing the memory is the lesser evil. */
        xw_log_debug("loop.handles_left");
        return;
    }
    pthread_mutex_destroy(&loop->lock);
    free(loop->posts);
    free(loop);
}

uv_loop_t *xw_loop_uv(struct xw_loop *loop)
{
    return &loop->uv;
}

int xw_loop_run(struct xw_loop *loop)
{
    atomic_store(&loop->thread, pthread_self());
    /* libwebsockets may call uv_stop for its own ends; only our own wish to quit counts. */
    while (!loop->quit)
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    return 0;
}

void xw_loop_stop(struct xw_loop *loop)
{
    atomic_store(&loop->stopping, true);
    uv_async_send(&loop->stop_async);
}

void xw_loop_quit(struct xw_loop *loop)
{
    loop->quit = true;
    uv_stop(&loop->uv);
}

bool xw_loop_stopping(const struct xw_loop *loop)
{
    return atomic_load(&loop->stopping);
}

bool xw_loop_on_thread(const struct xw_loop *loop)
{
    return pthread_equal(atomic_load(&loop->thread), pthread_self()) != 0;
}
