/* Asking the running center over its admin socket. */
#include "admin.h"

#include "base/buf.h"
#include "center/json.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

enum { TIMEOUT_S = 15, ANSWER_MAX_BYTES = 4 << 20 };

static int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct timeval timeout = {.tv_sec = TIMEOUT_S};
    if (strlen(path) >= sizeof(address.sun_path))
        return -ENAMETOOLONG;
    memcpy(address.sun_path, path, strlen(path));
    xw_autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
        return -errno;
    return xw_steal_fd(&fd);
}

static int send_line(int fd, const json_t *request)
{
    char *text = json_dumps(request, JSON_COMPACT);
    int r = 0;
    if (!text)
        return -ENOMEM;
    size_t n = strlen(text);
    text[n] = '\n';
    for (size_t at = 0; r == 0 && at < n + 1;) {
        ssize_t sent = send(fd, text + at, n + 1 - at, MSG_NOSIGNAL);
        if (sent < 0)
            r = -errno;
        else
            at += (size_t)sent;
    }
    memset(text, 0, n);
    free(text);
    return r;
}

static int receive_line(int fd, struct xw_buf *line)
{
    for (;;) {
        uint8_t *room;
        int r = xw_buf_reserve(line, 4096, &room);
        if (r < 0)
            return r;
        ssize_t n = recv(fd, room, 4096, 0);
        if (n <= 0)
            return n < 0 ? -errno : -ECONNRESET;
        xw_buf_added(line, (size_t)n);
        if (memchr(room, '\n', (size_t)n))
            return 0;
    }
}

int xw_admin_ask_running(const char *socket_path, const json_t *request, json_t **ret_answer)
{
    int r = connect_to(socket_path);
    if (r < 0)
        return r;
    xw_autoclose int fd = r;
    struct xw_buf line;
    xw_buf_init(&line, ANSWER_MAX_BYTES);
    r = send_line(fd, request);
    if (r == 0)
        r = receive_line(fd, &line);
    if (r == 0) {
        *ret_answer = json_loadb((const char *)line.data, line.n, JSON_DISABLE_EOF_CHECK, NULL);
        if (!*ret_answer)
            r = -EBADMSG;
    }
    xw_buf_done(&line);
    return r;
}
