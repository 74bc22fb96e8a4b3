/* SIGKILL at every fault point on the way of a change: a child registers, corrects and merges, and
 * says over a pipe what was acknowledged; the parent opens what is left. Everything acknowledged is
 * there, nothing is there twice, and it goes on. */
#include "support.h"

#include "base/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { ROUNDS = 30 };

struct said {
    uint32_t verb;
    struct xw_uuid id, change;
};

struct child {
    struct tp tp;
    int pipe;
};

struct asked {
    struct child *child;
    struct said said;
    bool over;
};

static void on_done(void *user, int status, const struct xw_uuid *change)
{
    struct asked *asked = user;
    asked->said.change = *change;
    if (status == 0 && write(asked->child->pipe, &asked->said, sizeof(asked->said)) !=
                           (ssize_t)sizeof(asked->said))
        _exit(3);
    asked->over = true;
}

static void wait_over(struct child *child, int r, const struct asked *asked)
{
    while (r == 0 && !asked->over)
        ts_spin(&child->tp.ts);
}

static void run_child(const char *dir, const char *fault, int pipe_fd)
{
    struct child c = {.pipe = pipe_fd};
    struct xw_person p = tp_person("张三", "男", "1980", "", NULL);
    struct xw_person q = tp_person("章三", "男", "1980", "", NULL);
    char error[128];
    ts_init(&c.tp.ts, TS_SQLITE);
    (void)rmdir(c.tp.ts.dir);
    c.tp.ts.config.dir = dir;
    xw_clock_fake_init(&c.tp.clock, 0, 1795420800000000LL);
    if (ts_try_open(&c.tp.ts) < 0)
        _exit(5);
    tp_open(&c.tp);
    if (xw_fault_configure(fault, error, sizeof(error)) < 0)
        _exit(4);
    for (int i = 0; i < ROUNDS; i++) {
        struct asked a = {.child = &c, .said.verb = XW_PEOPLE_REGISTER};
        struct asked b = {.child = &c, .said.verb = XW_PEOPLE_REGISTER};
        struct asked d = {.child = &c, .said.verb = XW_PEOPLE_CORRECT};
        struct asked m = {.child = &c, .said.verb = XW_PEOPLE_MERGE};
        a.said.id = xw_uuid_v7(NULL);
        b.said.id = xw_uuid_v7(NULL);
        d.said.id = m.said.id = a.said.id;
        int x = xw_people_register(c.tp.people, &a.said.id, &p, &tp_by, on_done, &a, NULL);
        int y = xw_people_register(c.tp.people, &b.said.id, &p, &tp_by, on_done, &b, NULL);
        wait_over(&c, x, &a);
        wait_over(&c, y, &b);
        struct xw_people_entry e;
        if (xw_people_entry(c.tp.people, &a.said.id, &e) < 0)
            continue; /* it was refused */
        x = xw_people_correct(c.tp.people, &a.said.id, &e.details, &q, &tp_by, on_done, &d);
        y = xw_people_merge(c.tp.people, &a.said.id, &b.said.id, &tp_by, on_done, &m);
        wait_over(&c, x, &d);
        wait_over(&c, y, &m);
    }
    _exit(0);
}

struct found {
    const struct xw_uuid *change;
    int n;
};

static void look(void *user, const struct xw_people_change *change)
{
    struct found *found = user;
    found->n += xw_uuid_equal(&change->id, found->change);
}

static void expect(struct tp *tp, const struct said *said)
{
    struct xw_people_entry e;
    struct found found = {.change = &said->change};
    assert_int_equal(xw_people_entry(tp->people, &said->id, &e), 0);
    assert_int_equal(xw_people_history(tp->people, &said->id, look, &found), 0);
    assert_int_equal(found.n, 1);
    if (said->verb == XW_PEOPLE_CORRECT)
        assert_string_equal(e.person->name, "章三");
    if (said->verb == XW_PEOPLE_MERGE)
        assert_false(xw_uuid_equal(&e.head, &e.id));
}

static bool one_round(const char *fault, size_t *ret_said)
{
    const char *tmp = getenv("TMPDIR");
    char dir[256];
    int ends[2], status = 0;
    struct said said;
    struct xw_people_stats stats;
    struct tp tp = {.people = NULL};
    (void)snprintf(dir, sizeof dir, "%s/xw-people-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)close(ends[0]);
        run_child(dir, fault, ends[1]);
    }
    (void)close(ends[1]);
    struct said *all = calloc(ROUNDS * 4, sizeof(*all));
    assert_non_null(all);
    size_t n = 0;
    while (read(ends[0], &said, sizeof(said)) == (ssize_t)sizeof(said))
        all[n++] = said;
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
    assert_true(killed || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
    ts_init(&tp.ts, TS_SQLITE);
    (void)rmdir(tp.ts.dir);
    memcpy(tp.ts.dir, dir, sizeof(dir));
    ts_open(&tp.ts);
    xw_clock_fake_init(&tp.clock, 0, 1795420800000000LL);
    tp_open(&tp);
    for (size_t i = 0; i < n; i++)
        expect(&tp, &all[i]);
    xw_people_stats(tp.people, &stats);
    assert_int_equal(stats.unreadable_n, 0);
    assert_true(stats.changes_n >= n);
    /* At most what was on its way is there without having been acknowledged. */
    assert_true(stats.changes_n <= n + 2);
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    (void)tp_register(&tp, &p);
    tp_done(&tp);
    free(all);
    *ret_said = n;
    return killed;
}

static void everything_acknowledged_survives_a_kill(void **state)
{
    static const char *const faults[] = {"people.append", "people.fold", "store.commit.before",
                                         "store.commit.after"};
    (void)state;
    uint64_t seed = ts_seed();
    for (size_t f = 0; f < XW_ARRAY_N(faults); f++)
        for (unsigned round = 0; round < 4; round++) {
            char text[96];
            size_t n;
            unsigned after = ts_random(&seed) % (3 * ROUNDS);
            (void)snprintf(text, sizeof text, "%s:after=%u", faults[f], after);
            bool killed = one_round(text, &n);
            print_message("%s: %s, %zu acknowledged\n", text, killed ? "killed" : "ran through", n);
            assert_true(killed);
        }
}

static void what_was_refused_is_not_there(void **state)
{
    size_t n;
    (void)state;
    assert_false(one_round("store.commit.before:prob=0.3:error=ENOSPC:seed=5", &n));
    assert_true(n > 0 && n < ROUNDS * 4);
    assert_false(one_round("people.append:prob=0.3:error=EIO:seed=6", &n));
    assert_true(n > 0 && n < ROUNDS * 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_acknowledged_survives_a_kill),
        cmocka_unit_test(what_was_refused_is_not_there),
    };
    (void)tp_speller();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
