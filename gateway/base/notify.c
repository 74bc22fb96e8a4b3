/* The service manager's notification socket. */
#include "base/notify.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int xw_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    if (!path || !*path)
        return 0;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = strlen(path);
    if ((path[0] != '/' && path[0] != '@') || n >= sizeof(address.sun_path))
        return -EINVAL;
    memcpy(address.sun_path, path, n);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* a name in the abstract name space */
    xw_autoclose int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -errno;
    socklen_t address_n = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
    ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address,
                          address_n);
    return sent < 0 ? -errno : 1;
}

uint64_t xw_notify_watchdog_ms(void)
{
    const char *period = getenv("WATCHDOG_USEC");
    const char *pid = getenv("WATCHDOG_PID");
    if (!period)
        return 0;
    if (pid && strtoull(pid, NULL, 10) != (unsigned long long)getpid())
        return 0; /* meant for our parent, inherited by accident */
    return strtoull(period, NULL, 10) / 2000;
}
