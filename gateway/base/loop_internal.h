/* What loop.c, loop_watch.c and pool.c share about the loop's insides. Not for other modules. */
#ifndef XW_BASE_LOOP_INTERNAL_H
#define XW_BASE_LOOP_INTERNAL_H

#include "base/loop.h"

#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

struct xw_post {
    xw_loop_fn fn;
    void *arg;
};

struct xw_loop {
    uv_loop_t uv;
    uv_async_t post_async;
    uv_async_t stop_async;
    uv_prepare_t prepare;
    uv_check_t check;
    uv_signal_t sigterm;
    uv_signal_t sigint;
    bool handle_signals;
    xw_loop_fn on_stop;
    void *on_stop_arg;
    bool stop_seen; /* loop thread: on_stop ran */
    bool quit;      /* loop thread */
    atomic_bool stopping;
    _Atomic pthread_t thread;

    pthread_mutex_t lock; /* of the five below */
    struct xw_post *posts;
    size_t posts_max;
    size_t posts_first;
    size_t posts_n;
    bool closing;

    _Atomic uint64_t posts_refused_n;
    _Atomic uint64_t slow_callbacks_n;
    _Atomic uint64_t slow_polls_n;
    _Atomic uint64_t longest_us;
    uint64_t poll_begin_ns; /* loop thread: when the poll phase began, and idle time until then */
    uint64_t poll_idle_ns;
};

/* Begins measuring batches of socket callbacks; the handles do not keep the loop alive. */
int xw_loop_watch_init(struct xw_loop *loop) XW_MUST_CHECK;
/* Calls fn(arg), measured. */
void xw_loop_call(struct xw_loop *loop, const char *what, xw_loop_fn fn, void *arg);

#endif
