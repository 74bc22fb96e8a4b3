/* One question to the demo supervisor at a time a connection. */
#include "center/demo_ask.h"

#include "base/log.h"
#include "center/json.h"

#include <string.h>
#include <uv.h>

enum { ASKS_MAX = 32 };

struct ask {
    struct ask *next, **at; /* NULL at: ended already */
    struct xw_demo_asks *asks;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    int handles_n;
    struct xw_buf out, in;
    xw_demo_fn done;
    void *user;
};

struct xw_demo_asks {
    struct xw_loop *loop;
    const char *path;
    int64_t timeout_us;
    struct ask *first;
    uint32_t n;
};

int xw_demo_asks_new(struct xw_loop *loop, const char *path, int64_t timeout_us,
                     struct xw_demo_asks **ret_asks)
{
    struct xw_demo_asks *asks = calloc(1, sizeof(*asks));
    if (!asks)
        return -ENOMEM;
    *asks = (struct xw_demo_asks){.loop = loop, .path = path, .timeout_us = timeout_us};
    *ret_asks = asks;
    return 0;
}

static void on_closed(uv_handle_t *handle)
{
    struct ask *ask = handle->data;
    if (--ask->handles_n > 0)
        return;
    xw_buf_done(&ask->out);
    xw_buf_done(&ask->in);
    free(ask);
}

static void end(struct ask *ask, int status, const json_t *answer)
{
    if (!ask->at)
        return;
    *ask->at = ask->next;
    if (ask->next)
        ask->next->at = ask->at;
    ask->at = NULL;
    ask->asks->n--;
    ask->done(ask->user, status, answer);
    uv_close((uv_handle_t *)&ask->pipe, on_closed);
    uv_close((uv_handle_t *)&ask->timer, on_closed);
}

void xw_demo_asks_free(struct xw_demo_asks *asks)
{
    if (!asks)
        return;
    while (asks->first)
        end(asks->first, -ECANCELED, NULL);
    free(asks);
}

static void on_timeout(uv_timer_t *timer)
{
    end(timer->data, -ETIMEDOUT, NULL);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct ask *ask = handle->data;
    uint8_t *room;
    (void)suggested;
    *ret_buf = uv_buf_init(NULL, 0);
    if (xw_buf_reserve(&ask->in, 4096, &room) == 0)
        *ret_buf = uv_buf_init((char *)room, 4096);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct ask *ask = stream->data;
    json_t *answer;
    (void)buf;
    if (n < 0) {
        end(ask, n == UV_EOF ? -ECONNRESET : n == UV_ENOBUFS ? -EOVERFLOW : (int)n, NULL);
        return;
    }
    xw_buf_added(&ask->in, (size_t)n);
    const uint8_t *newline = ask->in.n ? memchr(ask->in.data, '\n', ask->in.n) : NULL;
    if (!newline)
        return;
    int r = xw_json_parse(ask->in.data, (size_t)(newline - ask->in.data), &answer);
    end(ask, r, r == 0 ? answer : NULL);
    if (r == 0)
        json_decref(answer);
}

static void on_written(uv_write_t *write, int status)
{
    struct ask *ask = write->data;
    if (status < 0)
        end(ask, status, NULL);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct ask *ask = connect->data;
    if (status == UV_ECANCELED)
        return;
    uv_buf_t out = uv_buf_init((char *)ask->out.data, (unsigned)ask->out.n);
    if (status == 0)
        status = uv_write(&ask->write, (uv_stream_t *)&ask->pipe, &out, 1, on_written);
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&ask->pipe, on_room, on_read);
    if (status < 0)
        end(ask, status, NULL);
}

static int make_line(struct xw_buf *out, const char *action, const char *target)
{
    json_t *o = json_object();
    json_object_set_new(o, "action", xw_json_text(action));
    json_object_set_new(o, "target", xw_json_text(target));
    char *text = json_dumps(o, JSON_COMPACT);
    json_decref(o);
    if (!text)
        return -ENOMEM;
    int r = xw_buf_printf(out, "%s\n", text);
    free(text);
    return r;
}

int xw_demo_asks_begin(struct xw_demo_asks *asks, const char *action, const char *target,
                       xw_demo_fn done, void *user)
{
    uv_loop_t *uv = xw_loop_uv(asks->loop);
    if (!asks->path[0])
        return -ENOENT;
    if (asks->n == ASKS_MAX)
        return -EAGAIN;
    struct ask *ask = calloc(1, sizeof(*ask));
    if (!ask)
        return -ENOMEM;
    xw_buf_init(&ask->out, 4096);
    xw_buf_init(&ask->in, XW_JSON_BODY_MAX_BYTES);
    int r = make_line(&ask->out, action, target);
    if (r < 0) {
        xw_buf_done(&ask->out);
        free(ask);
        return r;
    }
    ask->asks = asks;
    ask->done = done;
    ask->user = user;
    ask->handles_n = 2;
    uv_pipe_init(uv, &ask->pipe, 0);
    uv_timer_init(uv, &ask->timer);
    ask->pipe.data = ask->timer.data = ask->connect.data = ask->write.data = ask;
    ask->at = &asks->first;
    ask->next = asks->first;
    if (ask->next)
        ask->next->at = &ask->next;
    asks->first = ask;
    asks->n++;
    uv_timer_start(&ask->timer, on_timeout, (uint64_t)asks->timeout_us / 1000, 0);
    uv_pipe_connect(&ask->connect, &ask->pipe, asks->path, on_connected);
    return 0;
}
