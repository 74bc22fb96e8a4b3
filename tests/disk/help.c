/* What the layer's own tests share. */
#include "help.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

char dir[256];

int setup(void **state)
{
    const char *tmp = getenv("TMPDIR");
    (void)state;
    (void)snprintf(dir, sizeof(dir), "%s/xw-disk-XXXXXX", tmp ? tmp : "/tmp");
    return mkdtemp(dir) ? 0 : -1;
}

int teardown(void **state)
{
    (void)state;
    char command[300];
    (void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
    return system(command); /* NOLINT(cert-env33-c): our own folder */
}

const char *at(const char *name)
{
    static char paths[4][320];
    static unsigned i;
    char *path = paths[i++ % 4];
    (void)snprintf(path, sizeof(paths[0]), "%s/%s", dir, name);
    return path;
}

void must(bool held)
{
    if (!held)
        _exit(9);
}

void put(const char *name, uint8_t value, bool sync)
{
    uint8_t bytes[N];
    memset(bytes, value, sizeof(bytes));
    int fd = open(at(name), O_WRONLY | O_CREAT, 0600);
    must(fd >= 0 && pwrite(fd, bytes, N, 0) == N && (!sync || fdatasync(fd) == 0));
    must(close(fd) == 0);
}

void sync_folder(const char *name)
{
    int fd = open(name, O_RDONLY | O_DIRECTORY);
    must(fd >= 0 && fsync(fd) == 0 && close(fd) == 0);
}

int cut_after(const char *rules, void (*body)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int silence = open("/dev/null", O_WRONLY);
        (void)dup2(silence, 2);
        must(xw_disk_configure(rules) == 0);
        body();
        xw_disk_cut();
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

void expect_cut(const char *rules, void (*body)(void))
{
    int status = cut_after(rules, body);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
        fail_msg("%s: status %x", rules, (unsigned)status);
}

void with_seed(unsigned seed, const char *more, void (*body)(void))
{
    char rules[128];
    (void)snprintf(rules, sizeof(rules), "power:%u%s", seed, more);
    expect_cut(rules, body);
}

ssize_t get(const char *name, uint8_t *bytes, size_t n)
{
    int fd = open(at(name), O_RDONLY);
    if (fd < 0)
        return -1;
    ssize_t got = read(fd, bytes, n);
    (void)close(fd);
    return got;
}

bool all(const uint8_t *bytes, size_t n, uint8_t value)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != value)
            return false;
    return true;
}

unsigned sectors_of(const uint8_t *bytes, uint8_t value)
{
    unsigned n = 0;
    for (unsigned s = 0; s < SECTORS; s++) {
        assert_true(all(bytes + s * 512, 512, bytes[s * 512]));
        n += bytes[s * 512] == value;
    }
    return n;
}
