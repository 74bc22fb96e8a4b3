/* Timers and wake-ups of the loop: thin owners of libuv handles, freed when libuv lets go. */
#include "base/loop_internal.h"

struct xw_timer {
    uv_timer_t uv;
    struct xw_loop *loop;
    xw_loop_fn fn;
    void *arg;
};

struct xw_wake {
    uv_async_t uv;
    struct xw_loop *loop;
    xw_loop_fn fn;
    void *arg;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_timer(uv_timer_t *handle)
{
    const struct xw_timer *timer = handle->data;
    /* fn may free the timer; its memory lives on until the close callback, not within this call. */
    xw_loop_call(timer->loop, "timer", timer->fn, timer->arg);
}

int xw_timer_new(struct xw_loop *loop, xw_loop_fn fn, void *arg, struct xw_timer **ret_timer)
{
    struct xw_timer *timer = calloc(1, sizeof(*timer));
    if (!timer)
        return -ENOMEM;
    timer->loop = loop;
    timer->fn = fn;
    timer->arg = arg;
    timer->uv.data = timer;
    int r = uv_timer_init(&loop->uv, &timer->uv);
    if (r < 0) {
        free(timer);
        return r;
    }
    *ret_timer = timer;
    return 0;
}

void xw_timer_start(struct xw_timer *timer, uint64_t delay_ms, uint64_t repeat_ms)
{
    /* libuv counts from the time it last looked, which may be long ago before the loop runs. */
    uv_update_time(&timer->loop->uv);
    uv_timer_start(&timer->uv, on_timer, delay_ms, repeat_ms);
}

void xw_timer_stop(struct xw_timer *timer)
{
    uv_timer_stop(&timer->uv);
}

void xw_timer_free(struct xw_timer *timer)
{
    if (timer)
        uv_close((uv_handle_t *)&timer->uv, on_closed);
}

static void on_wake(uv_async_t *handle)
{
    const struct xw_wake *wake = handle->data;
    xw_loop_call(wake->loop, "wake", wake->fn, wake->arg);
}

int xw_wake_new(struct xw_loop *loop, xw_loop_fn fn, void *arg, struct xw_wake **ret_wake)
{
    struct xw_wake *wake = calloc(1, sizeof(*wake));
    if (!wake)
        return -ENOMEM;
    wake->loop = loop;
    wake->fn = fn;
    wake->arg = arg;
    wake->uv.data = wake;
    int r = uv_async_init(&loop->uv, &wake->uv, on_wake);
    if (r < 0) {
        free(wake);
        return r;
    }
    *ret_wake = wake;
    return 0;
}

void xw_wake_up(struct xw_wake *wake)
{
    uv_async_send(&wake->uv);
}

void xw_wake_free(struct xw_wake *wake)
{
    if (wake)
        uv_close((uv_handle_t *)&wake->uv, on_closed);
}
