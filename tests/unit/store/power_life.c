/* Starting children and judges. */
#include "power_in.h"

#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* Starts this program in another part of it; what it prints goes where `log` says. */
static pid_t start(char **argv, int out, const char *log, bool aborts)
{
    struct rlimit none = {0, 0};
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    int fd = open(log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    (void)dup2(fd, 1);
    (void)dup2(fd, 2);
    (void)fcntl(out, F_SETFD, 0);
    (void)setrlimit(RLIMIT_CORE, &none);
    /* A child that fails on its way out leaves what it has; the sanitizer need not say so. */
    (void)setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
    if (aborts) /* a failed check then says which one */
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1);
    (void)execv("/proc/self/exe", argv);
    _exit(127);
}

/* A descriptor from which a child reads what the life has been so far, and its work. */
static int life_fd(const struct life *life, const struct work *work)
{
    char path[64] = "/tmp/xw-life-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)unlink(path);
    assert_int_equal(xw_file_write_all(fd, life, sizeof *life), 0);
    if (work != NULL)
        assert_int_equal(xw_file_write_all(fd, work, sizeof *work), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void take(struct life *life, const struct mark *mark)
{
    switch ((enum told)mark->kind) {
    case TOLD_ID:
        life->has_id = true;
        life->id = mark->id;
        break;
    case TOLD_APPEND:
        life->appended[mark->a] = true;
        while (life->appends_n < POWER_APPENDS_MAX && life->appended[life->appends_n])
            life->appends_n++;
        break;
    case TOLD_OBJECT:
        life->held[mark->a] = mark->b == 0 ? 0 : XW_MAX(life->held[mark->a], (uint32_t)mark->b);
        life->ending[mark->a] = false;
        life->anew_n += mark->b == 0;
        break;
    case TOLD_ENDING:
        life->ending[mark->a] = mark->b != 0;
        break;
    case TOLD_IMPORT:
        life->imported[mark->a] = true;
        break;
    case TOLD_REMOVE:
        *(mark->b ? &life->removed[mark->a] : &life->removing[mark->a]) = true;
        break;
    case TOLD_STATE:
        life->state = mark->b;
        break;
    case TOLD_EPOCH:
        life->epoch = XW_MAX(life->epoch, mark->b);
        break;
    case TOLD_COPY:
        life->copies = mark->a + 1;
        break;
    case TOLD_ACTED:
        break;
    }
}

void power_print_log(const char *log)
{
    uint8_t *text = NULL;
    size_t n = 0;
    if (xw_file_read(log, 1 << 20, &text, &n) == 0)
        print_message("%s\n", (char *)text + (n > 3000 ? n - 3000 : 0));
    free(text);
}

static void take_all(int fd, struct life *life, uint64_t *ret_acted_n)
{
    for (struct mark mark; read(fd, &mark, sizeof mark) == sizeof mark;) {
        take(life, &mark);
        if (mark.kind == TOLD_ACTED)
            *ret_acted_n = mark.b;
    }
}

int power_child(const struct round *round, const struct work *work, const char *rules,
                uint64_t seed, struct life *life, uint64_t *ret_acted_n)
{
    int ends[2], status = 0;
    char out[16], in[16], random[24], name[] = "power", part[] = "child";
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    int fd = life_fd(life, work);
    (void)snprintf(out, sizeof out, "%d", ends[1]);
    (void)snprintf(in, sizeof in, "%d", fd);
    (void)snprintf(random, sizeof random, "%llu", (unsigned long long)seed);
    char *argv[] = {
        name, part, (char *)(uintptr_t)round->dir, (char *)(uintptr_t)rules, random, out, in, NULL};
    pid_t pid = start(argv, ends[1], round->log, !work->may_fail);
    (void)close(ends[1]);
    (void)close(fd);
    take_all(ends[0], life, ret_acted_n);
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

bool power_judge(const struct round *round, const struct life *life)
{
    int status = 0, fd = life_fd(life, NULL);
    char in[16], name[] = "power", part[] = "judge";
    (void)snprintf(in, sizeof in, "%d", fd);
    char *argv[] = {name, part, (char *)(uintptr_t)round->dir, in, NULL};
    pid_t pid = start(argv, fd, round->log, true);
    (void)close(fd);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    if (!well && !round->quiet) {
        print_message("the judge: status %x\n", (unsigned)status);
        power_print_log(round->log);
    }
    return well;
}

int power_part(int argc, char **argv)
{
    if (argc == 7 && strcmp(argv[1], "child") == 0)
        return power_run_child(argv + 2);
    if (argc == 4 && strcmp(argv[1], "judge") == 0)
        return power_run_judge(argv + 2);
    return -1;
}
