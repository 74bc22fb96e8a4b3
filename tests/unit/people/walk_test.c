/* Random walks of registering, correcting, merging, splitting and undoing against a model that
 * keeps no log: an array of entries and a stack of what each change replaced. */
#include "support.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { ENTRIES = 24, STEPS = 400, CHANGES = 1024 };

struct model_change {
    struct xw_uuid id;
    char sort; /* d details, l link, p presence */
    int old;   /* what it replaced: name, entry, withdrawn */
};

struct model_entry {
    struct xw_uuid id;
    int name, into;
    bool withdrawn;
    struct model_change changes[CHANGES];
    int changes_n;
};

struct walk {
    struct tp tp;
    uint64_t seed;
    struct model_entry *e;
    int n;
};

static const char *const names[] = {"张三", "李四", "王五", "赵六", "单雄信", "曾国藩"};

static struct xw_person person_of(int name)
{
    return tp_person(names[name], "男", "1980", "", NULL);
}

static int head_of(const struct walk *w, int at)
{
    while (w->e[at].into >= 0)
        at = w->e[at].into;
    return at;
}

static bool has_members(const struct walk *w, int at)
{
    for (int i = 0; i < w->n; i++)
        if (w->e[i].into == at)
            return true;
    return false;
}

static int last_of(const struct model_entry *e, char sort)
{
    for (int i = e->changes_n - 1; i >= 0; i--)
        if (e->changes[i].sort == sort)
            return i;
    return -1;
}

static void note(struct model_entry *e, const struct xw_uuid *id, char sort, int old)
{
    assert_true(e->changes_n < CHANGES);
    e->changes[e->changes_n++] = (struct model_change){.id = *id, .sort = sort, .old = old};
}

static void step_register(struct walk *w)
{
    int name = (int)(ts_random(&w->seed) % XW_ARRAY_N(names));
    struct xw_person p = person_of(name);
    struct tp_answer a = {.over = false};
    struct model_entry *e = &w->e[w->n];
    struct xw_uuid id;
    int r = xw_people_register(w->tp.people, NULL, &p, &tp_by, tp_on_answer, &a, &id);
    assert_int_equal(tp_wait(&w->tp, r, &a), 0);
    *e = (struct model_entry){.id = id, .name = name, .into = -1};
    note(e, &a.change, 'd', -1);
    w->n++;
}

static void step_correct(struct walk *w, int at)
{
    struct model_entry *e = &w->e[at];
    int name = (int)(ts_random(&w->seed) % XW_ARRAY_N(names));
    struct xw_person p = person_of(name);
    struct tp_answer a = {.over = false};
    struct xw_people_entry seen;
    assert_int_equal(xw_people_entry(w->tp.people, &e->id, &seen), 0);
    bool stale = ts_random(&w->seed) % 4 == 0;
    const struct xw_uuid *base = stale ? &e->id : &seen.details;
    int r = xw_people_correct(w->tp.people, &e->id, base, &p, &tp_by, tp_on_answer, &a);
    r = tp_wait(&w->tp, r, &a);
    assert_int_equal(r, stale || e->withdrawn || e->into >= 0 ? -ESTALE : 0);
    if (r == 0) {
        note(e, &a.change, 'd', e->name);
        e->name = name;
    }
}

static void step_merge(struct walk *w, int at, int into)
{
    struct model_entry *e = &w->e[at];
    struct tp_answer a = {.over = false};
    int r = tp_wait(&w->tp,
                    xw_people_merge(w->tp.people, &e->id, &w->e[into].id, &tp_by, tp_on_answer, &a),
                    &a);
    int head = head_of(w, into);
    int want = e->withdrawn || e->into >= 0 ? -ESTALE
               : head == at                 ? -ELOOP
               : w->e[head].withdrawn       ? -ESTALE
                                            : 0;
    assert_int_equal(r, want);
    if (r == 0) {
        note(e, &a.change, 'l', -1);
        e->into = head;
    }
}

static void step_split(struct walk *w, int at)
{
    struct model_entry *e = &w->e[at];
    struct tp_answer a = {.over = false};
    int r = tp_wait(&w->tp, xw_people_split(w->tp.people, &e->id, &tp_by, tp_on_answer, &a), &a);
    assert_int_equal(r, e->into >= 0 ? 0 : -ESTALE);
    if (r == 0) {
        note(e, &a.change, 'l', e->into);
        e->into = -1;
    }
}

/* What an undo of the k-th change must answer, and does to the model. The first change registers:
 * it is the entry's presence until something else was said of that. */
static int model_undo(struct walk *w, int at, int k, char *ret_sort, int *ret_old)
{
    struct model_entry *e = &w->e[at];
    char sort = e->changes[k].sort;
    int presence = last_of(e, 'p');
    if (k == (presence < 0 ? 0 : presence)) {
        *ret_sort = 'p';
        *ret_old = e->withdrawn;
        if (e->withdrawn) {
            e->withdrawn = false;
            return 0;
        }
        if (e->into >= 0)
            return -ESTALE;
        if (has_members(w, at))
            return -EBUSY;
        e->withdrawn = true;
        return 0;
    }
    *ret_sort = sort;
    if (k != last_of(e, sort) || k == 0)
        return -ESTALE;
    if (sort == 'd') {
        *ret_old = e->name;
        if (e->withdrawn || e->into >= 0)
            return -ESTALE;
        e->name = e->changes[k].old;
        return 0;
    }
    *ret_old = e->into;
    if (e->into >= 0) { /* it merged */
        e->into = -1;
        return 0;
    }
    int head = head_of(w, e->changes[k].old);
    if (e->withdrawn)
        return -ESTALE;
    if (head == at)
        return -ELOOP;
    if (w->e[head].withdrawn)
        return -ESTALE;
    e->into = head;
    return 0;
}

static void step_undo(struct walk *w, int at)
{
    struct model_entry *e = &w->e[at];
    int k = (int)(ts_random(&w->seed) % (unsigned)e->changes_n);
    if (ts_random(&w->seed) % 2)
        k = e->changes_n - 1;
    struct xw_uuid change = e->changes[k].id;
    struct tp_answer a = {.over = false};
    char sort = 0;
    int old = 0;
    int r = tp_wait(&w->tp, xw_people_undo(w->tp.people, &e->id, &change, &tp_by, tp_on_answer, &a),
                    &a);
    assert_int_equal(r, model_undo(w, at, k, &sort, &old));
    if (r == 0)
        note(e, &a.change, sort, old);
}

static void count(void *user, const struct xw_uuid *id)
{
    (void)id;
    ++*(int *)user;
}

static void count_change(void *user, const struct xw_people_change *change)
{
    (void)change;
    ++*(int *)user;
}

static void compare(struct walk *w)
{
    struct xw_people_stats stats;
    for (int i = 0; i < w->n; i++) {
        struct xw_people_entry e;
        struct xw_person p = person_of(w->e[i].name);
        int members = 0, want = 0, history = 0;
        assert_int_equal(xw_people_entry(w->tp.people, &w->e[i].id, &e), 0);
        assert_true(xw_uuid_equal(&e.head, &w->e[head_of(w, i)].id));
        assert_true(xw_person_equal(e.person, &p));
        assert_int_equal(e.withdrawn, w->e[i].withdrawn);
        xw_people_members(w->tp.people, &w->e[i].id, count, &members);
        for (int k = 0; k < w->n; k++)
            want += head_of(w, k) == i;
        assert_int_equal(members, want);
        assert_int_equal(xw_people_history(w->tp.people, &w->e[i].id, count_change, &history), 0);
        assert_int_equal(history, w->e[i].changes_n);
    }
    xw_people_stats(w->tp.people, &stats);
    assert_int_equal(stats.entries_n, w->n);
    assert_int_equal(stats.unreadable_n, 0);
}

static void walk(enum ts_kind kind, uint64_t seed, int steps)
{
    struct walk w = {.seed = seed};
    w.e = calloc(ENTRIES, sizeof(*w.e));
    assert_non_null(w.e);
    tp_init(&w.tp, kind);
    step_register(&w);
    for (int i = 0; i < steps; i++) {
        int at = (int)(ts_random(&w.seed) % (unsigned)w.n);
        int other = (int)(ts_random(&w.seed) % (unsigned)w.n);
        unsigned what = ts_random(&w.seed) % 100;
        if (what < 10 && w.n < ENTRIES)
            step_register(&w);
        else if (what < 30)
            step_correct(&w, at);
        else if (what < 60)
            step_merge(&w, at, other);
        else if (what < 70)
            step_split(&w, at);
        else if (what < 97)
            step_undo(&w, at);
        else {
            xw_clock_fake_step_wall(&w.tp.clock,
                                    (int64_t)(ts_random(&w.seed) % 200) * 3600000000LL -
                                        100 * 3600000000LL);
            tp_reopen(&w.tp);
        }
        if (i % 10 == 0)
            compare(&w);
    }
    tp_reopen(&w.tp);
    compare(&w);
    tp_done(&w.tp);
    free(w.e);
}

static void walks_end_where_the_model_does(void **state)
{
    (void)state;
    uint64_t seed = ts_seed();
    const char *rounds = getenv("XW_ROUNDS");
    int n = rounds ? (int)strtol(rounds, NULL, 10) : 20;
    for (int i = 0; i < n; i++)
        walk(TS_MEMORY, seed + (uint64_t)i, STEPS);
    walk(TS_SQLITE, seed, 120);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(walks_end_where_the_model_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
