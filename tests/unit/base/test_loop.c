/* The loop: posts, stop, timers, wake-ups, signals, watchdog. */
#include "support.h"
#include "tests.h"

#include "base/loop.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

struct fixture {
    struct xw_loop *loop;
    struct xw_timer *timer;
    unsigned calls;
    unsigned expected;
    unsigned next[4]; /* per posting thread */
};

static void spin_us(int64_t us)
{
    uint64_t begin = xw_loop_watch_begin();
    while (xw_loop_watch_begin() - begin < (uint64_t)us * 1000)
        ;
}

static void count_and_stop(void *arg)
{
    struct fixture *f = arg;
    if (++f->calls == f->expected)
        xw_loop_stop(f->loop);
}

static void post_runs_in_order_on_the_loop(void **state)
{
    (void)state;
    struct fixture f = {.expected = 10};
    assert_int_equal(xw_loop_new(NULL, &f.loop), 0);
    for (int i = 0; i < 10; i++)
        assert_int_equal(xw_loop_post(f.loop, count_and_stop, &f), 0);
    assert_int_equal(f.calls, 0);
    assert_int_equal(xw_loop_run(f.loop), 0);
    assert_int_equal(f.calls, 10);
    assert_true(xw_loop_stopping(f.loop));
    assert_true(xw_loop_on_thread(f.loop));
    xw_loop_free(f.loop);
    xw_loop_free(NULL);
}

static void a_full_queue_refuses_and_counts(void **state)
{
    (void)state;
    struct fixture f = {.expected = 99};
    struct xw_loop_stats stats;
    assert_int_equal(xw_loop_new(&(struct xw_loop_options){.posts_max = 3}, &f.loop), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(xw_loop_post(f.loop, count_and_stop, &f), 0);
    assert_int_equal(xw_loop_post(f.loop, count_and_stop, &f), -EAGAIN);
    xw_loop_stats(f.loop, &stats);
    assert_int_equal(stats.posts_refused_n, 1);
    /* Never run: freeing still calls what was accepted. */
    xw_loop_free(f.loop);
    assert_int_equal(f.calls, 3);
}

static void refuse_while_freeing(void *arg)
{
    struct fixture *f = arg;
    assert_int_equal(xw_loop_post(f->loop, count_and_stop, f), -ECANCELED);
    f->calls++;
}

static void posts_are_refused_while_the_loop_is_freed(void **state)
{
    (void)state;
    struct fixture f = {0};
    assert_int_equal(xw_loop_new(NULL, &f.loop), 0);
    assert_int_equal(xw_loop_post(f.loop, refuse_while_freeing, &f), 0);
    xw_loop_free(f.loop);
    assert_int_equal(f.calls, 1);
}

enum { POSTERS = 4, POSTS_EACH = 5000 };

struct poster {
    struct fixture *f;
    unsigned id;
};
struct message {
    struct fixture *f;
    unsigned id;
    unsigned sequence;
};

static void take_message(void *arg)
{
    struct message *m = arg;
    assert_int_equal(m->sequence, m->f->next[m->id]++); /* per thread in order */
    count_and_stop(m->f);
    free(m);
}

static void *post_many(void *arg)
{
    struct poster *p = arg;
    for (unsigned i = 0; i < POSTS_EACH; i++) {
        struct message *m = malloc(sizeof(*m));
        *m = (struct message){p->f, p->id, i};
        while (xw_loop_post(p->f->loop, take_message, m) == -EAGAIN)
            sched_yield();
    }
    return NULL;
}

static void posts_of_many_threads_all_arrive_in_order(void **state)
{
    (void)state;
    struct fixture f = {.expected = POSTERS * POSTS_EACH};
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];
    assert_int_equal(xw_loop_new(&(struct xw_loop_options){.posts_max = 64}, &f.loop), 0);
    for (unsigned i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){&f, i};
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
    xw_loop_run(f.loop);
    for (unsigned i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(f.calls, POSTERS * POSTS_EACH);
    xw_loop_free(f.loop);
}

static void free_own_timer(void *arg)
{
    struct fixture *f = arg;
    if (++f->calls == 3) {
        xw_timer_free(f->timer);
        xw_loop_stop(f->loop);
    }
}

static void a_timer_repeats_and_may_free_itself(void **state)
{
    (void)state;
    struct fixture f = {0};
    assert_int_equal(xw_loop_new(NULL, &f.loop), 0);
    assert_int_equal(xw_timer_new(f.loop, free_own_timer, &f, &f.timer), 0);
    xw_timer_start(f.timer, 1, 1);
    xw_loop_run(f.loop);
    assert_int_equal(f.calls, 3);
    xw_loop_free(f.loop);
}

static void stop_on_wake(void *arg)
{
    struct fixture *f = arg;
    f->calls++;
    xw_loop_stop(f->loop);
}

static void many_wake_ups_are_one_call(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct xw_wake *wake;
    assert_int_equal(xw_loop_new(NULL, &f.loop), 0);
    assert_int_equal(xw_wake_new(f.loop, stop_on_wake, &f, &wake), 0);
    for (int i = 0; i < 1000; i++)
        xw_wake_up(wake);
    xw_loop_run(f.loop);
    assert_int_equal(f.calls, 1);
    xw_wake_free(wake);
    xw_wake_free(NULL);
    xw_loop_free(f.loop);
}

static void quit_later(void *arg)
{
    struct fixture *f = arg;
    f->calls++;
    xw_loop_quit(f->loop);
}

static void begin_orderly_end(void *arg)
{
    struct fixture *f = arg;
    f->calls++;
    assert_int_equal(xw_loop_post(f->loop, quit_later, f), 0);
}

static void on_stop_runs_once_and_decides_the_end(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct xw_loop_options options = {.on_stop = begin_orderly_end, .on_stop_arg = &f};
    assert_int_equal(xw_loop_new(&options, &f.loop), 0);
    xw_loop_stop(f.loop);
    xw_loop_stop(f.loop);
    xw_loop_run(f.loop);
    assert_int_equal(f.calls, 2); /* on_stop once, quit_later once */
    xw_loop_free(f.loop);
}

static void raise_term(void *arg)
{
    (void)arg;
    raise(SIGTERM);
}

static void sigterm_stops_the_loop_and_restores_the_default(void **state)
{
    (void)state;
    struct fixture f = {0};
    assert_int_equal(xw_loop_new(&(struct xw_loop_options){.handle_signals = true}, &f.loop), 0);
    assert_int_equal(xw_loop_post(f.loop, raise_term, NULL), 0);
    xw_loop_run(f.loop);
    struct sigaction now;
    assert_int_equal(sigaction(SIGTERM, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_DFL);
    xw_loop_free(f.loop);
}

static void be_slow(void *arg)
{
    struct fixture *f = arg;
    spin_us(XW_LOOP_SLOW_US + 1000);
    xw_loop_stop(f->loop);
}

static void the_watchdog_counts_slow_callbacks_and_polls(void **state)
{
    (void)state;
    struct fixture f = {0};
    struct xw_loop_stats stats;
    assert_int_equal(xw_loop_new(NULL, &f.loop), 0);
    assert_int_equal(xw_loop_post(f.loop, be_slow, &f), 0);
    xw_loop_run(f.loop);
    xw_loop_stats(f.loop, &stats);
    assert_true(stats.slow_callbacks_n >= 1);
    assert_true(stats.slow_polls_n >= 1);
    assert_in_range(stats.longest_us, XW_LOOP_SLOW_US + 1000, 10000000);
    xw_loop_watch_end(f.loop, "test", xw_loop_watch_begin() - 5000000);
    struct xw_loop_stats after;
    xw_loop_stats(f.loop, &after);
    assert_int_equal(after.slow_callbacks_n, stats.slow_callbacks_n + 1);
    xw_loop_free(f.loop);
}

const struct CMUnitTest loop_tests[] = {
    cmocka_unit_test(post_runs_in_order_on_the_loop),
    cmocka_unit_test(a_full_queue_refuses_and_counts),
    cmocka_unit_test(posts_are_refused_while_the_loop_is_freed),
    cmocka_unit_test(posts_of_many_threads_all_arrive_in_order),
    cmocka_unit_test(a_timer_repeats_and_may_free_itself),
    cmocka_unit_test(many_wake_ups_are_one_call),
    cmocka_unit_test(on_stop_runs_once_and_decides_the_end),
    cmocka_unit_test(sigterm_stops_the_loop_and_restores_the_default),
    cmocka_unit_test(the_watchdog_counts_slow_callbacks_and_polls),
};
const size_t loop_tests_n = XW_ARRAY_N(loop_tests);
