/* What people.h promises, on both stores. All people are made up. */
#include "support.h"

#include "people/people_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static enum ts_kind kind_of(void **state)
{
    return *(enum ts_kind *)*state;
}

static void everything_of_a_person_comes_back(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("买买提·艾力𠮷", "男", "35岁", "0571-88888888", NULL), mother;
    struct xw_person_fault f;
    tp_init(&tp, kind_of(state));
    mother = tp_person("李四", "", "", "", "11010519491231002");
    assert_int_equal(xw_number_newborn(&mother.numbers[0], 2, &p.numbers[0], &f), 0);
    assert_int_equal(
        xw_number_read(XW_NUMBER_INPATIENT, "zy-1", "town", tp_today, &p.numbers[1], &f), 0);
    p.numbers_n = 2;
    struct xw_uuid id = tp_register(&tp, &p);
    assert_true(xw_person_equal(tp_entry_of(&tp, id).person, &p));
    tp_reopen(&tp);
    assert_true(xw_person_equal(tp_entry_of(&tp, id).person, &p));
    assert_true(tp_is_head(&tp, id, id));
    tp_done(&tp);
}

static void registering_twice_is_registering_once(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    struct xw_person q = tp_person("王五", "女", "", "", NULL);
    struct tp_answer a = {.over = false}, b = {.over = false}, c = {.over = false};
    struct xw_people_stats stats;
    tp_init(&tp, kind_of(state));
    struct xw_uuid id = xw_uuid_v7(NULL);
    /* Both are asked for before the first is over: a page that tries again. */
    int r = xw_people_register(tp.people, &id, &p, &tp_by, tp_on_answer, &a, NULL);
    int s = xw_people_register(tp.people, &id, &p, &tp_by, tp_on_answer, &b, NULL);
    int t = xw_people_register(tp.people, &id, &q, &tp_by, tp_on_answer, &c, NULL);
    assert_int_equal(tp_wait(&tp, r, &a), 0);
    assert_int_equal(tp_wait(&tp, s, &b), -EALREADY);
    assert_int_equal(tp_wait(&tp, t, &c), -EEXIST);
    assert_int_equal(xw_people_register(tp.people, &id, &p, &tp_by, NULL, NULL, NULL), -EALREADY);
    xw_people_stats(tp.people, &stats);
    assert_int_equal(stats.entries_n, 1);
    assert_int_equal(stats.changes_n, 1);
    tp_done(&tp);
}

static void of_two_that_correct_the_second_is_told(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    struct xw_person q = tp_person("李思", "女", "", "", NULL);
    struct xw_person s = tp_person("李斯", "女", "", "", NULL);
    struct tp_answer a = {.over = false}, b = {.over = false};
    struct xw_uuid change;
    tp_init(&tp, kind_of(state));
    struct xw_uuid id = tp_register(&tp, &p), base = tp_entry_of(&tp, id).details;
    int x = xw_people_correct(tp.people, &id, &base, &q, &tp_by, tp_on_answer, &a);
    int y = xw_people_correct(tp.people, &id, &base, &s, &tp_by, tp_on_answer, &b);
    assert_int_equal(tp_wait(&tp, x, &a), 0);
    assert_int_equal(tp_wait(&tp, y, &b), -ESTALE);
    assert_true(xw_person_equal(tp_entry_of(&tp, id).person, &q));
    assert_int_equal(tp_correct(&tp, id, base, &s, &change), -ESTALE);
    assert_int_equal(tp_correct(&tp, id, a.change, &s, &change), 0);
    struct xw_uuid other = xw_uuid_v7(NULL);
    assert_int_equal(tp_correct(&tp, other, base, &s, &change), -ENOENT);
    tp_done(&tp);
}

static void merges_can_be_ended(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    struct xw_uuid a, b, c, change, m;
    tp_init(&tp, kind_of(state));
    a = tp_register(&tp, &p);
    b = tp_register(&tp, &p);
    c = tp_register(&tp, &p);
    assert_int_equal(tp_merge(&tp, a, a, &change), -ELOOP);
    assert_int_equal(tp_merge(&tp, a, b, &m), 0);
    assert_true(tp_is_head(&tp, a, b));
    assert_int_equal(tp_entry_of(&tp, b).merged_n, 1);
    assert_int_equal(tp_merge(&tp, b, a, &change), -ELOOP);
    assert_int_equal(tp_merge(&tp, a, c, &change), -ESTALE); /* it is somebody's already */
    assert_int_equal(tp_merge(&tp, b, c, &change), 0);
    assert_true(tp_is_head(&tp, a, c));
    assert_int_equal(tp_correct(&tp, a, tp_entry_of(&tp, a).details, &p, &change), -ESTALE);
    tp_reopen(&tp);
    assert_true(tp_is_head(&tp, a, c));
    assert_int_equal(tp_split(&tp, b, &change), 0);
    assert_true(tp_is_head(&tp, a, b)); /* what was merged before goes with it */
    assert_true(tp_is_head(&tp, b, b));
    assert_int_equal(tp_split(&tp, b, &change), -ESTALE);
    assert_int_equal(tp_split(&tp, a, &change), 0);
    assert_true(tp_is_head(&tp, a, a));
    tp_reopen(&tp);
    assert_true(tp_is_head(&tp, a, a) && tp_is_head(&tp, b, b) && tp_is_head(&tp, c, c));
    tp_done(&tp);
}

static void every_change_can_be_taken_back_and_that_too(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    struct xw_person q = tp_person("李思", "女", "", "", NULL);
    struct xw_uuid a, b, made, c, m, u, v, change;
    tp_init(&tp, kind_of(state));
    a = tp_register(&tp, &p);
    b = tp_register(&tp, &p);
    made = tp_entry_of(&tp, a).details;
    /* a correction */
    assert_int_equal(tp_correct(&tp, a, made, &q, &c), 0);
    assert_int_equal(tp_undo(&tp, a, c, &u), 0);
    assert_true(xw_person_equal(tp_entry_of(&tp, a).person, &p));
    assert_int_equal(tp_undo(&tp, a, c, &change), -ESTALE);
    assert_int_equal(tp_undo(&tp, a, u, &v), 0);
    assert_true(xw_person_equal(tp_entry_of(&tp, a).person, &q));
    /* a merge, and its end */
    assert_int_equal(tp_merge(&tp, a, b, &m), 0);
    assert_int_equal(tp_undo(&tp, a, m, &u), 0);
    assert_true(tp_is_head(&tp, a, a));
    assert_int_equal(tp_undo(&tp, a, u, &v), 0);
    assert_true(tp_is_head(&tp, a, b));
    assert_int_equal(tp_undo(&tp, a, v, &u), 0);
    /* a registration */
    assert_int_equal(tp_undo(&tp, a, made, &u), 0);
    assert_true(tp_entry_of(&tp, a).withdrawn);
    assert_int_equal(tp_merge(&tp, b, a, &change), -ESTALE);
    assert_int_equal(tp_merge(&tp, a, b, &change), -ESTALE);
    assert_int_equal(tp_undo(&tp, a, made, &change), -ESTALE);
    assert_int_equal(tp_undo(&tp, a, u, &v), 0);
    assert_false(tp_entry_of(&tp, a).withdrawn);
    /* one that others are */
    assert_int_equal(tp_merge(&tp, b, a, &m), 0);
    assert_int_equal(tp_undo(&tp, a, v, &change), -EBUSY);
    struct xw_uuid none = xw_uuid_v7(NULL);
    assert_int_equal(tp_undo(&tp, a, none, &change), -ENOENT);
    assert_int_equal(tp_undo(&tp, none, made, &change), -ENOENT);
    tp_reopen(&tp);
    assert_true(tp_is_head(&tp, b, a));
    assert_true(xw_person_equal(tp_entry_of(&tp, a).person, &q));
    tp_done(&tp);
}

struct seen {
    size_t n;
    enum xw_people_verb verbs[16];
    uint64_t last;
};

static void on_history(void *user, const struct xw_people_change *change)
{
    struct seen *seen = user;
    assert_string_equal(change->author, "dr-li");
    assert_string_equal(change->reason, "because");
    assert_int_equal(change->wall_us, 1795420800000000LL);
    assert_true(change->number > seen->last);
    assert_int_equal(change->person_then != NULL,
                     change->verb == XW_PEOPLE_REGISTER || change->verb == XW_PEOPLE_CORRECT);
    seen->last = change->number;
    seen->verbs[seen->n++ % 16] = change->verb;
}

static void the_history_says_who_when_and_why(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    struct xw_uuid a, b, change;
    struct seen seen = {.n = 0};
    tp_init(&tp, kind_of(state));
    a = tp_register(&tp, &p);
    b = tp_register(&tp, &p);
    assert_int_equal(tp_merge(&tp, a, b, &change), 0);
    assert_int_equal(tp_split(&tp, a, &change), 0);
    tp_reopen(&tp);
    assert_int_equal(xw_people_history(tp.people, &a, on_history, &seen), 0);
    assert_int_equal(seen.n, 3);
    assert_int_equal(seen.verbs[0], XW_PEOPLE_REGISTER);
    assert_int_equal(seen.verbs[1], XW_PEOPLE_MERGE);
    assert_int_equal(seen.verbs[2], XW_PEOPLE_SPLIT);
    tp_done(&tp);
}

/* Ids of changes sort by wall time; the fold does not. */
static void a_clock_that_goes_back_changes_no_order(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    struct xw_person q = tp_person("李思", "女", "", "", NULL);
    struct xw_uuid a, b, change;
    tp_init(&tp, kind_of(state));
    a = tp_register(&tp, &p);
    b = tp_register(&tp, &p);
    xw_clock_fake_step_wall(&tp.clock, -366LL * 86400 * 1000000);
    assert_int_equal(tp_correct(&tp, a, tp_entry_of(&tp, a).details, &q, &change), 0);
    assert_int_equal(tp_merge(&tp, a, b, &change), 0);
    tp_reopen(&tp);
    assert_true(xw_person_equal(tp_entry_of(&tp, a).person, &q));
    assert_true(tp_is_head(&tp, a, b));
    assert_int_equal(tp_split(&tp, a, &change), 0);
    tp_done(&tp);
}

static void who_and_why_are_asked_for(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    char author[XW_PEOPLE_AUTHOR_MAX + 2], reason[XW_PEOPLE_REASON_MAX + 2];
    struct xw_people_by by = {.author = "", .reason = "x"};
    struct xw_uuid a, b;
    tp_init(&tp, kind_of(state));
    a = tp_register(&tp, &p);
    b = tp_register(&tp, &p);
    assert_int_equal(xw_people_merge(tp.people, &a, &b, &by, NULL, NULL), -EINVAL);
    by = (struct xw_people_by){.author = "x", .reason = ""};
    assert_int_equal(xw_people_merge(tp.people, &a, &b, &by, NULL, NULL), -EINVAL);
    assert_int_equal(xw_people_split(tp.people, &a, &by, NULL, NULL), -EINVAL);
    memset(author, 'a', sizeof(author));
    memset(reason, 'b', sizeof(reason));
    author[XW_PEOPLE_AUTHOR_MAX + 1] = reason[XW_PEOPLE_REASON_MAX + 1] = 0;
    by = (struct xw_people_by){.author = author, .reason = "x"};
    assert_int_equal(xw_people_merge(tp.people, &a, &b, &by, NULL, NULL), -EINVAL);
    by = (struct xw_people_by){.author = author + 1, .reason = reason};
    assert_int_equal(xw_people_merge(tp.people, &a, &b, &by, NULL, NULL), -EINVAL);
    by.reason = reason + 1;
    struct tp_answer answer = {.over = false};
    int r = xw_people_merge(tp.people, &a, &b, &by, tp_on_answer, &answer);
    assert_int_equal(tp_wait(&tp, r, &answer), 0);
    tp_done(&tp);
}

static void the_queue_has_a_limit(void **state)
{
    static struct tp_answer answers[XW_PEOPLE_QUEUE_MAX + 1];
    struct tp tp;
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    struct xw_people_stats stats;
    size_t taken = 0;
    int r = 0;
    memset(answers, 0, sizeof(answers));
    tp_init(&tp, kind_of(state));
    for (size_t i = 0; i <= XW_PEOPLE_QUEUE_MAX + 1 && r == 0; i++) {
        r = xw_people_register(tp.people, NULL, &p, &tp_by, tp_on_answer,
                               &answers[XW_MIN(i, (size_t)XW_PEOPLE_QUEUE_MAX)], NULL);
        taken += r == 0;
    }
    assert_int_equal(r, -EAGAIN);
    assert_int_equal(taken, XW_PEOPLE_QUEUE_MAX + 1); /* one is under way */
    for (size_t i = 0; i < taken; i++)
        assert_int_equal(tp_wait(&tp, 0, &answers[i]), 0);
    xw_people_stats(tp.people, &stats);
    assert_int_equal(stats.entries_n, taken);
    tp_done(&tp);
}

static void what_waits_is_told_at_the_end(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    struct tp_answer a = {.over = false}, b = {.over = false};
    tp_init(&tp, kind_of(state));
    struct xw_uuid id = tp_register(&tp, &p), other = tp_register(&tp, &p);
    assert_int_equal(xw_people_merge(tp.people, &id, &other, &tp_by, tp_on_answer, &a), 0);
    assert_int_equal(xw_people_split(tp.people, &id, &tp_by, tp_on_answer, &b), 0);
    ts_close(&tp.ts);
    xw_people_free(tp.people);
    assert_true(a.over && b.over);
    /* The second is judged and appended once the first is over, which the closing store refuses. */
    assert_int_equal(a.status, 0);
    assert_true(b.status < 0);
    ts_open(&tp.ts);
    ts_done(&tp.ts);
}

/* ---- damage ---- */

static void records_of_no_use_are_counted_and_the_rest_goes_on(void **state)
{
    struct tp tp;
    struct xw_person p = tp_person("李四", "女", "", "", NULL);
    struct xw_people_stats stats;
    static const char *const keys[] = {"a", "b"};
    struct xw_uuid a, b, change;
    tp_init(&tp, kind_of(state));
    a = tp_register(&tp, &p);
    b = tp_register(&tp, &p);
    assert_int_equal(tp_merge(&tp, a, b, &change), 0);
    for (size_t i = 0; i < 2; i++) {
        struct xw_store_batch *batch = ts_batch(&tp.ts);
        /* Bytes that are no change; and a split of somebody who is not there. */
        struct op op = {.verb = XW_PEOPLE_SPLIT, .id = xw_uuid_v7(NULL)};
        struct change *c;
        assert_int_equal(xw_people_pack(&op, 99, xw_uuid_v7(NULL), 0, &c), 0);
        struct xw_store_record record = {.key = keys[i],
                                         .key_size = 1,
                                         .revision = 1,
                                         .kind = XW_LOCAL_PERSON,
                                         .body = i ? (const void *)c->body : "\x08\xff",
                                         .body_size = i ? c->body_n : 2,
                                         .origin = ""};
        assert_int_equal(xw_store_batch_record(batch, &record, NULL, NULL, 0), 0);
        assert_int_equal(ts_append(&tp.ts, batch).status, 0);
        xw_people_change_free(c);
    }
    tp_reopen(&tp);
    xw_people_stats(tp.people, &stats);
    assert_int_equal(stats.unreadable_n, 2);
    assert_int_equal(stats.entries_n, 2);
    assert_true(tp_is_head(&tp, a, b));
    assert_int_equal(tp_split(&tp, a, &change), 0); /* its number is behind 99 */
    tp_reopen(&tp);
    assert_true(tp_is_head(&tp, a, a));
    tp_done(&tp);
}

#define ON(test, kind)                                                                             \
    {                                                                                              \
        .name = #test, .test_func = (test), .initial_state = (void *)(uintptr_t) & (kind)          \
    }
#define BOTH(test) ON(test, memory), ON(test, sqlite)

int main(void)
{
    static const enum ts_kind memory = TS_MEMORY, sqlite = TS_SQLITE;
    const struct CMUnitTest tests[] = {
        BOTH(everything_of_a_person_comes_back),
        BOTH(registering_twice_is_registering_once),
        BOTH(of_two_that_correct_the_second_is_told),
        BOTH(merges_can_be_ended),
        BOTH(every_change_can_be_taken_back_and_that_too),
        BOTH(the_history_says_who_when_and_why),
        BOTH(a_clock_that_goes_back_changes_no_order),
        BOTH(who_and_why_are_asked_for),
        BOTH(the_queue_has_a_limit),
        ON(what_waits_is_told_at_the_end, sqlite),
        BOTH(records_of_no_use_are_counted_and_the_rest_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
