/* The admin socket. */
#include "center/control.h"

#include "base/log.h"
#include "center/audit.h"
#include "center/gatewayadmin.h"
#include "center/json.h"
#include "center/sessions.h"
#include "center/useradmin.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <uv.h>

enum { CONNECTIONS_MAX = 8, LINE_MAX_BYTES = 8192, TIMEOUT_MS = 10000 };

struct talk {
    struct talk *next, **at; /* at NULL: closing */
    struct xw_control *control;
    uv_pipe_t pipe;
    uv_timer_t timer;
    uv_write_t write;
    int held_n; /* open handles, and a request under way */
    struct xw_buf in;
    char *out;
    bool asked;
    struct xw_useradmin ask;
    struct xw_user user; /* being stored */
    struct xw_gatewayadmin gateways;
};

struct xw_control {
    struct xw_center *center;
    uv_pipe_t pipe;
    struct talk *first;
    uint32_t n;
    int held_n;
    bool ending;
};

static void control_release(struct xw_control *control)
{
    if (--control->held_n == 0)
        free(control);
}

static void talk_release(struct talk *talk)
{
    if (--talk->held_n > 0)
        return;
    sodium_memzero(&talk->ask, sizeof(talk->ask));
    sodium_memzero(&talk->gateways, sizeof(talk->gateways));
    xw_buf_done(&talk->in);
    free(talk->out);
    control_release(talk->control);
    free(talk);
}

static void on_handle_closed(uv_handle_t *handle)
{
    talk_release(handle->data);
}

static void talk_close(struct talk *talk)
{
    if (!talk->at)
        return;
    *talk->at = talk->next;
    if (talk->next)
        talk->next->at = talk->at;
    talk->at = NULL;
    talk->control->n--;
    uv_close((uv_handle_t *)&talk->pipe, on_handle_closed);
    uv_close((uv_handle_t *)&talk->timer, on_handle_closed);
}

static void on_written(uv_write_t *write, int status)
{
    (void)status;
    talk_close(write->data);
}

/* Takes answer. */
static void reply(struct talk *talk, json_t *answer)
{
    char *text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    if (!text || !talk->at) {
        free(text);
        talk_close(talk);
        return;
    }
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the NUL */
    talk->out = text;
    uv_buf_t buf = uv_buf_init(text, (unsigned)n + 1);
    if (uv_write(&talk->write, (uv_stream_t *)&talk->pipe, &buf, 1, on_written) < 0)
        talk_close(talk);
}

static void reply_error(struct talk *talk, const char *text)
{
    reply(talk, json_pack("{s:s}", "error", text));
}

static void on_stored(void *user, int status)
{
    struct talk *talk = user;
    struct xw_center *center = talk->control->center;
    if (status < 0) {
        reply_error(talk, status == -ENOSPC ? "the disk is full" : "could not be stored");
    } else if (!talk->control->ending) {
        if (xw_users_put(center->users, &talk->user) < 0)
            xw_log_error("control.users_full");
        /* A new password or a disabled user signs every browser out. */
        xw_sessions_end_user(center->sessions, talk->user.user);
        reply(talk, json_object());
    }
    talk_release(talk);
}

static void on_hashed(void *arg, int status)
{
    struct talk *talk = arg;
    struct xw_center *center = talk->control->center;
    char key[64];
    struct xw_buf body;
    struct xw_audit_entry entry;
    struct xw_store_record records[2];
    xw_buf_init(&body, 2048);
    int r = status;
    if (r == 0 && !talk->control->ending)
        r = xw_useradmin_apply(&talk->ask, center->users, &talk->user);
    if (r == 0 && !talk->control->ending)
        r = xw_user_pack(&talk->user, key, &body, &records[0]);
    if (r == 0 && !talk->control->ending) {
        char action[32] = "user_";
        strncat(action, talk->ask.verb, sizeof(action) - 6);
        xw_audit_fill(&entry, "local-admin", action, talk->user.user, "ok", &records[1]);
        r = xw_journal_append(center->journal, records, 2, NULL, on_stored, talk);
        if (r == 0) {
            xw_buf_done(&body);
            return;
        }
    }
    xw_buf_done(&body);
    reply_error(talk, talk->ask.error ? talk->ask.error : "could not be stored");
    talk_release(talk);
}

static void hash_work(void *arg)
{
    xw_useradmin_hash(&((struct talk *)arg)->ask);
}

static void on_changed(void *user)
{
    struct talk *talk = user;
    if (!talk->control->ending)
        reply(talk, xw_gatewayadmin_answer(&talk->gateways, talk->control->center->identities,
                                           xw_clock_wall(NULL).us));
    talk_release(talk);
}

static void take_gateways(struct talk *talk, const json_t *request)
{
    struct xw_center *center = talk->control->center;
    struct xw_gatewayadmin *ask = &talk->gateways;
    snprintf(ask->by, sizeof(ask->by), "local-admin");
    if (xw_gatewayadmin_read(request, ask) == 0 && xw_gatewayadmin_changes(ask)) {
        talk->held_n++;
        xw_center_change(center, ask, on_changed, talk);
        return;
    }
    reply(talk, xw_gatewayadmin_answer(ask, center->identities, xw_clock_wall(NULL).us));
}

static void take_line(struct talk *talk, size_t n)
{
    struct xw_center *center = talk->control->center;
    json_t *request;
    talk->asked = true;
    uv_read_stop((uv_stream_t *)&talk->pipe);
    if (xw_json_parse(talk->in.data, n, &request) < 0) {
        reply_error(talk, "a JSON object is needed");
        return;
    }
    talk->ask.hash_rounds = (uint64_t)center->config.hash_rounds;
    talk->ask.hash_memory_bytes = (size_t)center->config.hash_memory_bytes;
    if (xw_gatewayadmin_knows(request)) {
        take_gateways(talk, request);
        json_decref(request);
        return;
    }
    int r = xw_useradmin_read(request, &talk->ask);
    json_decref(request);
    sodium_memzero(talk->in.data, talk->in.n);
    if (r < 0) {
        reply_error(talk, talk->ask.error);
    } else if (strcmp(talk->ask.verb, "list") == 0) {
        reply(talk, xw_useradmin_list(center->users));
    } else {
        talk->held_n++;
        if (xw_pool_submit(center->pool, hash_work, on_hashed, talk) < 0) {
            talk->held_n--;
            reply_error(talk, "busy; try again");
        }
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct talk *talk = handle->data;
    uint8_t *room;
    (void)suggested;
    *ret_buf = uv_buf_init(NULL, 0);
    if (xw_buf_reserve(&talk->in, 1024, &room) == 0)
        *ret_buf = uv_buf_init((char *)room, 1024);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
    struct talk *talk = stream->data;
    (void)buf;
    if (n < 0) {
        talk_close(talk);
        return;
    }
    xw_buf_added(&talk->in, (size_t)n);
    const uint8_t *newline = talk->in.n ? memchr(talk->in.data, '\n', talk->in.n) : NULL;
    if (newline && !talk->asked)
        take_line(talk, (size_t)(newline - talk->in.data));
}

static void on_timeout(uv_timer_t *timer)
{
    talk_close(timer->data);
}

static void on_connection(uv_stream_t *server, int status)
{
    struct xw_control *control = server->data;
    if (status < 0)
        return;
    struct talk *talk = calloc(1, sizeof(*talk));
    if (!talk)
        return;
    talk->control = control;
    control->held_n++;
    talk->held_n = 2;
    xw_buf_init(&talk->in, LINE_MAX_BYTES);
    uv_pipe_init(xw_loop_uv(control->center->loop), &talk->pipe, 0);
    uv_timer_init(xw_loop_uv(control->center->loop), &talk->timer);
    talk->pipe.data = talk->timer.data = talk->write.data = talk;
    talk->at = &control->first;
    talk->next = control->first;
    if (talk->next)
        talk->next->at = &talk->next;
    control->first = talk;
    control->n++;
    if (uv_accept(server, (uv_stream_t *)&talk->pipe) < 0 || control->n > CONNECTIONS_MAX ||
        uv_timer_start(&talk->timer, on_timeout, TIMEOUT_MS, 0) < 0 ||
        uv_read_start((uv_stream_t *)&talk->pipe, on_room, on_read) < 0)
        talk_close(talk);
}

/* Does anybody listen there? */
static bool answered(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path))
        return false;
    memcpy(address.sun_path, path, strlen(path));
    xw_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static void on_server_closed(uv_handle_t *handle)
{
    control_release(handle->data);
}

int xw_control_new(struct xw_center *center, const char *path, struct xw_control **ret_control)
{
    if (answered(path))
        return -EADDRINUSE;
    struct xw_control *control = calloc(1, sizeof(*control));
    if (!control)
        return -ENOMEM;
    control->center = center;
    control->held_n = 1;
    int r = uv_pipe_init(xw_loop_uv(center->loop), &control->pipe, 0);
    if (r < 0) {
        free(control);
        return r;
    }
    control->pipe.data = control;
    (void)unlink(path);
    mode_t before = umask(0177); /* only its owner may connect, from the first moment on */
    r = uv_pipe_bind(&control->pipe, path);
    umask(before);
    if (r == 0)
        r = uv_listen((uv_stream_t *)&control->pipe, CONNECTIONS_MAX, on_connection);
    if (r < 0) {
        uv_close((uv_handle_t *)&control->pipe, on_server_closed);
        return r;
    }
    *ret_control = control;
    return 0;
}

void xw_control_free(struct xw_control *control)
{
    if (!control)
        return;
    control->ending = true;
    while (control->first)
        talk_close(control->first);
    uv_close((uv_handle_t *)&control->pipe, on_server_closed); /* unlinks the path */
}
