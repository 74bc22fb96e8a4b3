/* The worker pool: every accepted job is done exactly once on the loop, or cancelled. */
#include "support.h"
#include "tests.h"

#include "base/loop.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

struct job {
    struct bench *bench;
    unsigned worked;
    unsigned done;
    int status;
};

struct bench {
    struct xw_loop *loop;
    struct xw_pool *pool;
    sem_t gate;
    sem_t entered;
    unsigned done_n;
    unsigned want_n;
    unsigned submitted_n;
    struct job jobs[2000];
};

static void work(void *arg)
{
    struct job *job = arg;
    job->worked++;
}

static void work_at_gate(void *arg)
{
    struct job *job = arg;
    job->worked++;
    sem_post(&job->bench->entered);
    sem_wait(&job->bench->gate);
}

static void done(void *arg, int status)
{
    struct job *job = arg;
    assert_true(xw_loop_on_thread(job->bench->loop));
    job->done++;
    job->status = status;
    if (++job->bench->done_n == job->bench->want_n)
        xw_loop_stop(job->bench->loop);
}

static int set_up(void **state)
{
    struct bench *b = test_calloc(1, sizeof(*b));
    sem_init(&b->gate, 0, 0);
    sem_init(&b->entered, 0, 0);
    for (size_t i = 0; i < XW_ARRAY_N(b->jobs); i++)
        b->jobs[i].bench = b;
    assert_int_equal(xw_loop_new(NULL, &b->loop), 0);
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    xw_pool_free(b->pool);
    xw_loop_free(b->loop);
    sem_destroy(&b->gate);
    sem_destroy(&b->entered);
    test_free(b);
    return 0;
}

static void done_and_more(void *arg, int status);

/* Submits until the pool is full, and goes on from the done callbacks. */
static void submit_more(struct bench *b)
{
    while (b->submitted_n < XW_ARRAY_N(b->jobs)) {
        struct job *job = &b->jobs[b->submitted_n];
        if (xw_pool_submit(b->pool, work, done_and_more, job) < 0)
            return;
        b->submitted_n++;
    }
}

static void done_and_more(void *arg, int status)
{
    struct job *job = arg;
    submit_more(job->bench); /* a slot is free again: the pool lets itself be refilled from done */
    done(arg, status);
}

static void every_job_is_worked_and_done_exactly_once(void **state)
{
    struct bench *b = *state;
    b->want_n = XW_ARRAY_N(b->jobs);
    assert_int_equal(xw_pool_new(b->loop, "test", 3, 16, &b->pool), 0);
    submit_more(b);
    xw_loop_run(b->loop);
    for (size_t i = 0; i < XW_ARRAY_N(b->jobs); i++) {
        assert_int_equal(b->jobs[i].worked, 1);
        assert_int_equal(b->jobs[i].done, 1);
        assert_int_equal(b->jobs[i].status, 0);
    }
    assert_int_equal(xw_pool_pending_n(b->pool), 0);
}

static void a_full_pool_refuses_and_counts(void **state)
{
    struct bench *b = *state;
    b->want_n = 2;
    assert_int_equal(xw_pool_new(b->loop, "test", 1, 2, &b->pool), 0);
    assert_int_equal(xw_pool_submit(b->pool, work_at_gate, done, &b->jobs[0]), 0);
    assert_int_equal(xw_pool_submit(b->pool, work, done, &b->jobs[1]), 0);
    assert_int_equal(xw_pool_submit(b->pool, work, done, &b->jobs[2]), -EAGAIN);
    assert_int_equal(xw_pool_refused_n(b->pool), 1);
    assert_int_equal(xw_pool_pending_n(b->pool), 2);
    sem_post(&b->gate);
    xw_loop_run(b->loop);
    assert_int_equal(b->jobs[2].worked + b->jobs[2].done, 0);
}

static void freeing_waits_for_running_work_and_cancels_the_rest(void **state)
{
    struct bench *b = *state;
    assert_int_equal(xw_pool_new(b->loop, "test", 1, 8, &b->pool), 0);
    assert_int_equal(xw_pool_submit(b->pool, work_at_gate, done, &b->jobs[0]), 0);
    sem_wait(&b->entered); /* the only thread is busy now */
    assert_int_equal(xw_pool_submit(b->pool, work, done, &b->jobs[1]), 0);
    sem_post(&b->gate);
    xw_pool_free(b->pool);
    b->pool = NULL;
    assert_int_equal(b->jobs[0].done, 1);
    assert_int_equal(b->jobs[0].status, 0);
    assert_int_equal(b->jobs[1].done, 1);
    /* Begun or not is the scheduler's choice; done and status must tell the truth. */
    assert_int_equal(b->jobs[1].status, b->jobs[1].worked ? 0 : -ECANCELED);
}

static void look_at_mask(void *arg)
{
    struct job *job = arg;
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    job->worked = (unsigned)sigismember(&mask, SIGTERM);
}

static void workers_leave_signals_to_the_loop_thread(void **state)
{
    struct bench *b = *state;
    b->want_n = 1;
    assert_int_equal(xw_pool_new(b->loop, "a-very-long-name", 1, 1, &b->pool), 0);
    assert_int_equal(xw_pool_submit(b->pool, look_at_mask, done, &b->jobs[0]), 0);
    xw_loop_run(b->loop);
    assert_int_equal(b->jobs[0].worked, 1);
}

static void impossible_sizes_are_refused(void **state)
{
    struct bench *b = *state;
    assert_int_equal(xw_pool_new(b->loop, "test", 0, 1, &b->pool), -EINVAL);
    assert_int_equal(xw_pool_new(b->loop, "test", 1, 0, &b->pool), -EINVAL);
    assert_int_equal(xw_pool_new(b->loop, "test", 65, 1, &b->pool), -EINVAL);
}

const struct CMUnitTest pool_tests[] = {
    cmocka_unit_test_setup_teardown(every_job_is_worked_and_done_exactly_once, set_up, tear_down),
    cmocka_unit_test_setup_teardown(a_full_pool_refuses_and_counts, set_up, tear_down),
    cmocka_unit_test_setup_teardown(freeing_waits_for_running_work_and_cancels_the_rest, set_up,
                                    tear_down),
    cmocka_unit_test_setup_teardown(workers_leave_signals_to_the_loop_thread, set_up, tear_down),
    cmocka_unit_test_setup_teardown(impossible_sizes_are_refused, set_up, tear_down),
};
const size_t pool_tests_n = XW_ARRAY_N(pool_tests);
