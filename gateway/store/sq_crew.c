/* A list of tasks; each thread takes the next piece of the first that has one left. */
#include "store/sq_crew.h"

#include <pthread.h>
#include <signal.h>

enum { HANDS_MAX = 8 };

struct task {
    struct task *next;
    void (*work)(void *user, size_t i);
    void *user;
    size_t n, begun, done;
};

struct sq_crew {
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t more, fewer;
    struct task *tasks;
    bool ending;
    pthread_t hands[HANDS_MAX];
    size_t hands_n;
};

/* With the lock held: one piece of the task. */
static void do_one(struct sq_crew *crew, struct task *task)
{
    size_t i = task->begun++;
    (void)pthread_mutex_unlock(&crew->lock);
    task->work(task->user, i);
    (void)pthread_mutex_lock(&crew->lock);
    if (++task->done == task->n)
        (void)pthread_cond_broadcast(&crew->fewer);
}

static struct task *with_work(struct sq_crew *crew)
{
    struct task *task = crew->tasks;
    while (task != NULL && task->begun == task->n)
        task = task->next;
    return task;
}

static void *hand(void *arg)
{
    struct sq_crew *crew = arg;
    (void)pthread_mutex_lock(&crew->lock);
    while (!crew->ending) {
        struct task *task = with_work(crew);
        if (task != NULL)
            do_one(crew, task);
        else
            (void)pthread_cond_wait(&crew->more, &crew->lock);
    }
    (void)pthread_mutex_unlock(&crew->lock);
    return NULL;
}

int sq_crew_new(size_t hands_n, struct sq_crew **ret_crew)
{
    struct sq_crew *crew = calloc(1, sizeof *crew);
    if (crew == NULL)
        return -ENOMEM;
    (void)pthread_mutex_init(&crew->lock, NULL);
    (void)pthread_cond_init(&crew->more, NULL);
    (void)pthread_cond_init(&crew->fewer, NULL);
    sigset_t all, before;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = 0;
    for (size_t i = 0; r == 0 && i < XW_MIN(hands_n, (size_t)HANDS_MAX); i++) {
        r = -pthread_create(&crew->hands[i], NULL, hand, crew);
        crew->hands_n += r == 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r < 0) {
        sq_crew_free(crew);
        return r;
    }
    *ret_crew = crew;
    return 0;
}

void sq_crew_free(struct sq_crew *crew)
{
    if (crew == NULL)
        return;
    (void)pthread_mutex_lock(&crew->lock);
    crew->ending = true;
    (void)pthread_cond_broadcast(&crew->more);
    (void)pthread_mutex_unlock(&crew->lock);
    for (size_t i = 0; i < crew->hands_n; i++)
        (void)pthread_join(crew->hands[i], NULL);
    (void)pthread_mutex_destroy(&crew->lock);
    (void)pthread_cond_destroy(&crew->more);
    (void)pthread_cond_destroy(&crew->fewer);
    free(crew);
}

void sq_crew_run(struct sq_crew *crew, size_t n, void (*work)(void *user, size_t i), void *user)
{
    if (n == 0)
        return;
    struct task task = {.work = work, .user = user, .n = n};
    (void)pthread_mutex_lock(&crew->lock);
    struct task **tail = &crew->tasks;
    while (*tail != NULL)
        tail = &(*tail)->next;
    *tail = &task;
    if (n > 1)
        (void)pthread_cond_broadcast(&crew->more);
    while (task.begun < task.n)
        do_one(crew, &task);
    while (task.done < task.n)
        (void)pthread_cond_wait(&crew->fewer, &crew->lock);
    struct task **at = &crew->tasks;
    while (*at != &task)
        at = &(*at)->next;
    *at = task.next;
    (void)pthread_mutex_unlock(&crew->lock);
}
