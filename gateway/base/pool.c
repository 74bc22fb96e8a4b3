/* The bounded worker pool. Job slots are all allocated at the start: a slot is either free, queued,
 * running or done, so nothing accepted can be lost for want of memory or room. */
#include "base/loop.h"

#include "base/metrics.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum { THREADS_MAX = 64, JOBS_MAX = 1 << 20 };

XW_COUNTER(jobs_refused, "xw_pool_jobs_refused_total", NULL,
           "jobs refused because the worker pool was full");
XW_COUNTER(jobs_done, "xw_pool_jobs_total", NULL, "jobs done by worker pools");

struct job {
    struct job *next;
    xw_work_fn work;
    xw_done_fn done;
    void *arg;
    int status;
};

struct job_list {
    struct job *first;
    struct job *last;
};

struct xw_pool {
    struct xw_wake *wake;
    size_t threads_n;
    size_t threads_started_n;
    pthread_t *threads;
    char name[12];
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t more;
    struct job *free_jobs;
    struct job_list queued;
    struct job_list done;
    size_t pending_n;
    bool ending;
    _Atomic uint64_t refused_n;
    struct job jobs[];
};

static void list_push(struct job_list *list, struct job *job)
{
    job->next = NULL;
    if (list->last)
        list->last->next = job;
    else
        list->first = job;
    list->last = job;
}

static struct job *list_pop(struct job_list *list)
{
    struct job *job = list->first;
    if (job) {
        list->first = job->next;
        if (!list->first)
            list->last = NULL;
    }
    return job;
}

static void *worker(void *arg)
{
    struct xw_pool *pool = arg;
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->ending && !pool->queued.first)
            pthread_cond_wait(&pool->more, &pool->lock);
        if (pool->ending)
            break;
        struct job *job = list_pop(&pool->queued);
        pthread_mutex_unlock(&pool->lock);
        job->work(job->arg);
        pthread_mutex_lock(&pool->lock);
        list_push(&pool->done, job);
        xw_wake_up(pool->wake);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Frees the slot before it calls done, so that done may submit again even to a full pool. */
static bool finish_one(struct xw_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    struct job *job = list_pop(&pool->done);
    struct job finished = {0};
    if (job) {
        finished = *job;
        job->next = pool->free_jobs;
        pool->free_jobs = job;
        pool->pending_n--;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!job)
        return false;
    xw_counter_add(&jobs_done, 1);
    if (finished.done)
        finished.done(finished.arg, finished.status);
    return true;
}

static void on_wake(void *arg)
{
    struct xw_pool *pool = arg;
    uint64_t begin = xw_loop_watch_begin();
    while (finish_one(pool)) {
        if (xw_loop_watch_begin() - begin > (uint64_t)XW_LOOP_SLOW_US * 1000 / 2) {
            xw_wake_up(pool->wake); /* the rest after the next poll */
            return;
        }
    }
}

static int start_threads(struct xw_pool *pool)
{
    /* Signals belong to the loop thread: workers inherit a full mask. */
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = 0;
    for (size_t i = 0; i < pool->threads_n && r == 0; i++) {
        r = -pthread_create(&pool->threads[i], NULL, worker, pool);
        if (r == 0) {
            char name[16]; /* the kernel's limit: 11 + "/63" fit */
            snprintf(name, sizeof(name), "%s/%u", pool->name, (unsigned)i % THREADS_MAX);
            pthread_setname_np(pool->threads[i], name);
            pool->threads_started_n++;
        }
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

int xw_pool_new(struct xw_loop *loop, const char *name, size_t threads_n, size_t jobs_max,
                struct xw_pool **ret_pool)
{
    if (threads_n == 0 || threads_n > THREADS_MAX || jobs_max == 0 || jobs_max > JOBS_MAX)
        return -EINVAL;
    struct xw_pool *pool = calloc(1, sizeof(*pool) + jobs_max * sizeof(pool->jobs[0]));
    if (!pool)
        return -ENOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->more, NULL);
    snprintf(pool->name, sizeof(pool->name), "%s", name);
    pool->threads_n = threads_n;
    for (size_t i = jobs_max; i-- > 0;) {
        pool->jobs[i].next = pool->free_jobs;
        pool->free_jobs = &pool->jobs[i];
    }
    pool->threads = calloc(threads_n, sizeof(pool->threads[0]));
    int r = pool->threads ? xw_wake_new(loop, on_wake, pool, &pool->wake) : -ENOMEM;
    if (r == 0)
        r = start_threads(pool);
    if (r < 0) {
        xw_pool_free(pool);
        return r;
    }
    *ret_pool = pool;
    return 0;
}

void xw_pool_free(struct xw_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->ending = true;
    pthread_cond_broadcast(&pool->more);
    pthread_mutex_unlock(&pool->lock);
    for (size_t i = 0; i < pool->threads_started_n; i++)
        pthread_join(pool->threads[i], NULL);
    for (struct job *job; (job = list_pop(&pool->queued));) {
        job->status = -ECANCELED;
        list_push(&pool->done, job);
    }
    while (finish_one(pool))
        ;
    xw_wake_free(pool->wake);
    pthread_cond_destroy(&pool->more);
    pthread_mutex_destroy(&pool->lock);
    free(pool->threads);
    free(pool);
}

int xw_pool_submit(struct xw_pool *pool, xw_work_fn work, xw_done_fn done, void *arg)
{
    int r = 0;
    pthread_mutex_lock(&pool->lock);
    struct job *job = pool->free_jobs;
    if (pool->ending) {
        r = -ECANCELED;
    } else if (!job) {
        r = -EAGAIN;
    } else {
        pool->free_jobs = job->next;
        *job = (struct job){.work = work, .done = done, .arg = arg};
        list_push(&pool->queued, job);
        pool->pending_n++;
        pthread_cond_signal(&pool->more);
    }
    pthread_mutex_unlock(&pool->lock);
    if (r == -EAGAIN) {
        atomic_fetch_add_explicit(&pool->refused_n, 1, memory_order_relaxed);
        xw_counter_add(&jobs_refused, 1);
    }
    return r;
}

size_t xw_pool_pending_n(struct xw_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t n = pool->pending_n;
    pthread_mutex_unlock(&pool->lock);
    return n;
}

uint64_t xw_pool_refused_n(struct xw_pool *pool)
{
    return atomic_load_explicit(&pool->refused_n, memory_order_relaxed);
}
