/* The control socket: a unix socket, one JSON line in, one JSON line out, then it is closed. */
#include <string.h>
#include <unistd.h>
#include <uv.h>

#include "sim.h"

enum { REQUEST_MAX_BYTES = 4096, BACKLOG = 8 };

struct xw_sim_control {
    struct xw_sim *sim;
    uv_pipe_t server;
    char path[XW_SIM_PATH_BYTES];
};

struct client {
    uv_pipe_t pipe;
    uv_write_t request;
    struct xw_sim_control *control;
    char *answer;
    size_t n;
    char text[REQUEST_MAX_BYTES + 1];
};

static void on_client_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    free(client->answer);
    free(client);
}

static void on_answered(uv_write_t *request, int status)
{
    (void)status;
    uv_close((uv_handle_t *)request->handle, on_client_closed);
}

static void answer(struct client *client)
{
    client->answer = xw_sim_ask(client->control->sim, client->text);
    size_t n = client->answer ? strlen(client->answer) : 0;
    uv_read_stop((uv_stream_t *)&client->pipe);
    if (n > 0) {
        static char newline[] = "\n";
        uv_buf_t bufs[] = {uv_buf_init(client->answer, (unsigned)n), uv_buf_init(newline, 1)};
        if (uv_write(&client->request, (uv_stream_t *)&client->pipe, bufs, 2, on_answered) == 0)
            return;
    }
    uv_close((uv_handle_t *)&client->pipe, on_client_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct client *client = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init(client->text + client->n, (unsigned)(REQUEST_MAX_BYTES - client->n));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct client *client = stream->data;
    (void)buf;
    if (n < 0) { /* also a request that filled the room without a newline */
        uv_close((uv_handle_t *)stream, on_client_closed);
        return;
    }
    client->n += (size_t)n;
    char *end = memchr(client->text, '\n', client->n);
    if (!end)
        return;
    *end = 0;
    answer(client);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct xw_sim_control *control = server->data;
    struct client *client = status < 0 ? NULL : calloc(1, sizeof(*client));
    if (!client)
        return;
    client->control = control;
    uv_pipe_init(server->loop, &client->pipe, 0);
    client->pipe.data = client;
    if (uv_accept(server, (uv_stream_t *)&client->pipe) < 0 ||
        uv_read_start((uv_stream_t *)&client->pipe, on_alloc, on_read) < 0)
        uv_close((uv_handle_t *)&client->pipe, on_client_closed);
}

int xw_sim_control_new(struct xw_sim *sim, const char *path, struct xw_sim_control **ret_control)
{
    struct xw_sim_control *control = calloc(1, sizeof(*control));
    if (!control)
        return -ENOMEM;
    control->sim = sim;
    memcpy(control->path, path, strlen(path) + 1);
    unlink(path); /* of an earlier simulator that was killed */
    uv_pipe_init(xw_loop_uv(sim->loop), &control->server, 0);
    control->server.data = control;
    int r = uv_pipe_bind(&control->server, path);
    if (r >= 0)
        r = uv_listen((uv_stream_t *)&control->server, BACKLOG, on_connection);
    if (r < 0) {
        xw_sim_control_free(control);
        return r;
    }
    *ret_control = control;
    return 0;
}

static void on_server_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void xw_sim_control_free(struct xw_sim_control *control)
{
    if (!control)
        return;
    unlink(control->path);
    uv_close((uv_handle_t *)&control->server, on_server_closed);
}
