/* The loop thread (libuv) and the bounded worker pool beside it.
 *
 * Threads: xw_loop_post, xw_wake_up, xw_loop_stop and xw_pool_submit may be called from any thread;
 * everything else only from the thread that runs the loop (or before it runs / after it returned).
 * Callbacks run on the loop thread unless they are a pool's work function. Nothing on the loop may
 * take more than 2 ms: a watchdog measures every callback made here, and every batch of socket
 * callbacks made by libuv (libwebsockets), and counts violations.
 *
 * Queues: posts (limit given, -EAGAIN and counted when full), pool jobs (likewise). Nothing
 * accepted is ever lost: a job's done function always runs on the loop, a post always runs, at the
 * latest in xw_loop_free / xw_pool_free.
 *
 * Order at stop: xw_loop_run returns → owners of foreign handles (libwebsockets' context) destroy
 * them → xw_pool_free → xw_loop_free. */
#ifndef XW_BASE_LOOP_H
#define XW_BASE_LOOP_H

#include "base/base.h"

typedef struct uv_loop_s uv_loop_t;

struct xw_loop;
struct xw_timer;
struct xw_wake;
struct xw_pool;

typedef void (*xw_loop_fn)(void *arg);

enum { XW_LOOP_SLOW_US = 2000 };

struct xw_loop_options {
    size_t posts_max;    /* 0 = 4096 */
    bool handle_signals; /* SIGTERM and SIGINT stop the loop; a second one ends the process */
    xw_loop_fn on_stop;  /* called once on the loop when a stop was asked for; may be NULL */
    void *on_stop_arg;
};

/* options NULL = defaults. -ENOMEM or libuv's -errno. */
int xw_loop_new(const struct xw_loop_options *options, struct xw_loop **ret_loop) XW_MUST_CHECK;
/* Runs posts still queued (new ones are refused), closes its handles. NULL is fine. */
void xw_loop_free(struct xw_loop *loop);
/* For libwebsockets' foreign_loops and uv handles of the caller. */
uv_loop_t *xw_loop_uv(struct xw_loop *loop);
/* Until xw_loop_stop. Without on_stop the loop ends at the stop; with on_stop the callback begins
 * an orderly end (goodbye frames) and calls xw_loop_quit when done. Returns 0. */
int xw_loop_run(struct xw_loop *loop);
/* Asks for the stop; any thread, any number of times. Not from signal handlers. */
void xw_loop_stop(struct xw_loop *loop);
/* Ends xw_loop_run after this round; loop thread only. */
void xw_loop_quit(struct xw_loop *loop);
bool xw_loop_stopping(const struct xw_loop *loop);
/* True on the thread that runs (or ran last) this loop. */
bool xw_loop_on_thread(const struct xw_loop *loop);

/* Runs fn(arg) soon on the loop, in order of posting per thread. -EAGAIN full (counted),
 * -ECANCELED when the loop is being freed: arg stays with the caller. */
int xw_loop_post(struct xw_loop *loop, xw_loop_fn fn, void *arg) XW_MUST_CHECK;

/* Timers on the loop. Handles are freed asynchronously by xw_timer_free; free before the loop. */
int xw_timer_new(struct xw_loop *loop, xw_loop_fn fn, void *arg,
                 struct xw_timer **ret_timer) XW_MUST_CHECK;
/* First after delay_ms, then every repeat_ms (0 = once). Starting again moves it. */
void xw_timer_start(struct xw_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void xw_timer_stop(struct xw_timer *timer);
void xw_timer_free(struct xw_timer *timer);

/* A wake-up: many xw_wake_up calls before the loop comes round give one fn(arg). Never full. */
int xw_wake_new(struct xw_loop *loop, xw_loop_fn fn, void *arg,
                struct xw_wake **ret_wake) XW_MUST_CHECK;
void xw_wake_up(struct xw_wake *wake); /* any thread; also in a signal handler */
/* No other thread may be calling xw_wake_up any more. */
void xw_wake_free(struct xw_wake *wake);

/* Brackets a callback that came from elsewhere (libwebsockets), so that it is measured by itself:
 *   uint64_t t = xw_loop_watch_begin(); … xw_loop_watch_end(loop, "lws.browser", t); */
uint64_t xw_loop_watch_begin(void);
void xw_loop_watch_end(struct xw_loop *loop, const char *what, uint64_t begin);

struct xw_loop_stats {
    uint64_t posts_refused_n;
    uint64_t slow_callbacks_n; /* single callbacks over XW_LOOP_SLOW_US */
    uint64_t slow_polls_n;     /* batches of socket callbacks over XW_LOOP_SLOW_US */
    uint64_t longest_us;       /* longest single callback or batch so far */
};
/* Any thread. Also in /metrics as xw_loop_*. */
void xw_loop_stats(const struct xw_loop *loop, struct xw_loop_stats *ret_stats);

/* Work on the pool's threads: must not touch the loop except by posting. */
typedef void (*xw_work_fn)(void *arg);
/* On the loop afterwards: status 0, or -ECANCELED when the pool ended before the work began. */
typedef void (*xw_done_fn)(void *arg, int status);

/* threads_n 1..64; jobs_max: accepted and not yet done. -ENOMEM, -EINVAL, -EAGAIN (no thread). */
int xw_pool_new(struct xw_loop *loop, const char *name, size_t threads_n, size_t jobs_max,
                struct xw_pool **ret_pool) XW_MUST_CHECK;
/* Waits for running work, cancels what has not begun, calls every done function. Loop thread. */
void xw_pool_free(struct xw_pool *pool);
/* arg is borrowed until done ran. done may be NULL. -EAGAIN full (counted), -ECANCELED ending. */
int xw_pool_submit(struct xw_pool *pool, xw_work_fn work, xw_done_fn done, void *arg) XW_MUST_CHECK;
size_t xw_pool_pending_n(struct xw_pool *pool);
uint64_t xw_pool_refused_n(struct xw_pool *pool);

#endif
