/* xinwang-devtest: plays the gateway for a vendor's device and prints pass or FAIL for each rule.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cli.h"
#include "devtest.h"

static int listen_on(const char *address, int64_t port, int *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t n = sizeof(a);
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, address, &a.sin_addr) != 1)
        return -EINVAL;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 8) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    *ret_port = ntohs(a.sin_port);
    return fd;
}

int main(int argc, char **argv)
{
    static struct devtest t;
    const char *address = "127.0.0.1", *key = NULL;
    int64_t port = 7701;
    int rest = 0, bound = 0;
    t = (struct devtest){.fd = -1, .phase_us = 10000000, .wait_us = 20000000};
    const struct xw_cli_option options[] = {
        {"address", 'a', "ADDRESS", XW_CLI_TEXT, &address, "where to listen (127.0.0.1)"},
        {"port", 'p', "PORT", XW_CLI_INT, &port, "port; 0 = any free one (7701)"},
        {"key", 'k', "HEX", XW_CLI_TEXT, &key, "the device's key: it must prove that it has it"},
        {"phase", 0, "TIME", XW_CLI_DURATION, &t.phase_us, "length of a phase (10s)"},
        {"wait", 0, "TIME", XW_CLI_DURATION, &t.wait_us, "time to wait for a reconnect (20s)"},
    };
    const struct xw_cli cli = {"xinwang-devtest", NULL,
                               "Plays the gateway for one device and judges what it does.", options,
                               XW_ARRAY_N(options)};
    int r = xw_cli_parse(&cli, argc, argv, &rest);
    if (r != 0)
        return r > 0 ? 0 : 2;
    if (sodium_init() < 0)
        return 2;
    if (key && (sodium_hex2bin(t.key, sizeof(t.key), key, strlen(key), NULL, &t.key_size, NULL) ||
                t.key_size < 16)) {
        fprintf(stderr, "--key: 16 to 64 bytes in hex\n");
        return 2;
    }
    t.listener = listen_on(address, port, &bound);
    if (t.listener < 0) {
        fprintf(stderr, "%s port %lld: %s\n", address, (long long)port, strerror(-t.listener));
        return 2;
    }
    printf("listening on %s port %d\n", address, bound);
    fflush(stdout);
    r = scenarios_run(&t);
    samples_free(&t);
    close(t.listener);
    return r;
}
