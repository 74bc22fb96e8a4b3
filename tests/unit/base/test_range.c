/* Sets of ranges against a bitmap model: after every random operation all questions are asked of
 * both and must agree, and the invariants of the vector must hold. */
#include "support.h"

#include "base/range.h"

#include <string.h>

enum { SPACE = 96, SET_MAX = 24 };

struct model {
    bool in[SPACE + 1]; /* one more, always false */
};

static size_t model_runs(const struct model *m)
{
    size_t n = 0;
    for (size_t i = 0; i < SPACE; i++)
        n += m->in[i] && (i == 0 || !m->in[i - 1]);
    return n;
}

static void check_equal(const struct xw_ranges *set, const struct model *m)
{
    uint64_t total = 0;
    assert_int_equal(set->n, model_runs(m));
    assert_true(set->n <= set->cap || set->n == 0);
    for (size_t i = 0; i < set->n; i++) {
        assert_true(set->v[i].first < set->v[i].end);
        if (i)
            assert_true(set->v[i - 1].end < set->v[i].first);
        total += set->v[i].end - set->v[i].first;
        for (uint64_t k = set->v[i].first; k < set->v[i].end; k++)
            assert_true(m->in[k]);
        assert_false(m->in[set->v[i].end]);
    }
    assert_int_equal(set->total, total);
}

static uint64_t model_count(const struct model *m, uint64_t first, uint64_t end)
{
    uint64_t n = 0;
    for (uint64_t i = first; i < end; i++)
        n += m->in[i];
    return n;
}

static void check_gaps(const struct xw_ranges *set, const struct model *m, uint64_t first,
                       uint64_t end)
{
    struct xw_range gap = {0, 0};
    uint64_t a = first;
    while (a < end && m->in[a])
        a++;
    assert_int_equal(xw_ranges_first_gap(set, first, end, &gap), a < end);
    if (a < end) {
        uint64_t b = a;
        while (b < end && !m->in[b])
            b++;
        assert_int_equal(gap.first, a);
        assert_int_equal(gap.end, b);
    }
    uint64_t z = end;
    while (z > first && m->in[z - 1])
        z--;
    bool some = first < end && z > first;
    assert_int_equal(xw_ranges_last_gap(set, first, end, &gap), some);
    if (some) {
        uint64_t y = z;
        while (y > first && !m->in[y - 1])
            y--;
        assert_int_equal(gap.first, y);
        assert_int_equal(gap.end, z);
    }
}

static void check_queries(const struct xw_ranges *set, const struct model *m, uint64_t *seed)
{
    uint64_t first = test_random(seed) % SPACE;
    uint64_t end = first + test_random(seed) % (SPACE - first + 1);
    uint64_t n = model_count(m, first, end);
    assert_int_equal(xw_ranges_contains(set, first), m->in[first]);
    assert_int_equal(xw_ranges_covers(set, first, end), n == end - first);
    assert_int_equal(xw_ranges_overlaps(set, first, end), n > 0);
    assert_int_equal(xw_ranges_count_within(set, first, end), n);
    uint64_t contiguous = first;
    while (m->in[contiguous])
        contiguous++;
    assert_int_equal(xw_ranges_contiguous_end(set, first), contiguous);
    uint64_t last = 0;
    for (uint64_t i = 0; i < SPACE; i++)
        last = m->in[i] ? i + 1 : last;
    assert_int_equal(xw_ranges_end(set), last);
    size_t position = xw_ranges_find(set, first);
    assert_true(position == set->n || set->v[position].end > first);
    assert_true(position == 0 || set->v[position - 1].end <= first);
    check_gaps(set, m, first, end);
}

static void random_range(uint64_t *seed, uint64_t *ret_first, uint64_t *ret_end)
{
    *ret_first = test_random(seed) % SPACE;
    uint64_t longest = test_random(seed) % 4 ? 6 : SPACE;
    *ret_end = XW_MIN(*ret_first + test_random(seed) % longest, (uint64_t)SPACE);
}

/* One change to set and model; a refusal must be for the limit and must change nothing. */
static void change(struct xw_ranges *set, struct model *m, uint64_t *seed)
{
    uint64_t first, end;
    random_range(seed, &first, &end);
    struct model changed = *m;
    unsigned kind = (unsigned)(test_random(seed) % 8);
    int r = 0;
    if (kind == 0) {
        xw_ranges_trim(set, first / 4);
        memset(changed.in, 0, first / 4);
    } else if (kind <= 4) {
        memset(changed.in + first, 1, end - first);
        r = xw_ranges_add(set, first, end);
    } else {
        memset(changed.in + first, 0, end - first);
        r = xw_ranges_subtract(set, first, end);
    }
    if (model_runs(&changed) > SET_MAX) {
        assert_int_equal(r, -EOVERFLOW);
    } else {
        assert_int_equal(r, 0);
        *m = changed;
    }
    check_equal(set, m);
}

static void single_changes_agree_with_a_bitmap(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int round = 0; round < 300; round++) {
        XW_CLEANUP(xw_ranges_done) struct xw_ranges set;
        struct model m = {{0}};
        xw_ranges_init(&set, SET_MAX);
        for (int step = 0; step < 150; step++) {
            change(&set, &m, &seed);
            check_queries(&set, &m, &seed);
        }
    }
}

static void build(struct xw_ranges *set, struct model *m, uint64_t *seed)
{
    memset(m, 0, sizeof(*m));
    xw_ranges_init(set, SPACE);
    int n = (int)(test_random(seed) % 20);
    for (int i = 0; i < n; i++) {
        uint64_t first, end;
        random_range(seed, &first, &end);
        assert_int_equal(xw_ranges_add(set, first, end), 0);
        memset(m->in + first, 1, end - first);
    }
}

static void whole_set_operations_agree_with_a_bitmap(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (int round = 0; round < 4000; round++) {
        XW_CLEANUP(xw_ranges_done) struct xw_ranges a;
        XW_CLEANUP(xw_ranges_done) struct xw_ranges b;
        XW_CLEANUP(xw_ranges_done) struct xw_ranges out;
        struct model ma, mb, want;
        build(&a, &ma, &seed);
        build(&b, &mb, &seed);
        xw_ranges_init(&out, SPACE);
        uint64_t first = test_random(&seed) % SPACE;
        uint64_t end = first + test_random(&seed) % (SPACE - first + 1);

        for (size_t i = 0; i <= SPACE; i++)
            want.in[i] = ma.in[i] && mb.in[i];
        assert_int_equal(xw_ranges_intersect(&a, &b, &out), 0);
        check_equal(&out, &want);
        for (size_t i = 0; i <= SPACE; i++)
            want.in[i] = ma.in[i] && i >= first && i < end;
        assert_int_equal(xw_ranges_clip(&a, first, end, &out), 0);
        check_equal(&out, &want);
        for (size_t i = 0; i <= SPACE; i++)
            want.in[i] = !ma.in[i] && i >= first && i < end;
        assert_int_equal(xw_ranges_complement(&a, first, end, &out), 0);
        check_equal(&out, &want);

        assert_int_equal(xw_ranges_copy(&a, &out), 0);
        assert_true(xw_ranges_equal(&a, &out));
        assert_int_equal(xw_ranges_add_all(&out, &b), 0);
        for (size_t i = 0; i <= SPACE; i++)
            want.in[i] = ma.in[i] || mb.in[i];
        check_equal(&out, &want);
        assert_int_equal(xw_ranges_copy(&a, &out), 0);
        assert_int_equal(xw_ranges_subtract_all(&out, &b), 0);
        for (size_t i = 0; i <= SPACE; i++)
            want.in[i] = ma.in[i] && !mb.in[i];
        check_equal(&out, &want);
        /* In place: the result replaces an input. */
        for (size_t i = 0; i <= SPACE; i++)
            want.in[i] = ma.in[i] && mb.in[i];
        assert_int_equal(xw_ranges_intersect(&a, &b, &a), 0);
        check_equal(&a, &want);
        assert_int_equal(xw_ranges_subtract_all(&a, &a), 0);
        assert_int_equal(a.n + a.total, 0);
    }
}

static void the_limit_refuses_and_changes_nothing(void **state)
{
    (void)state;
    XW_CLEANUP(xw_ranges_done) struct xw_ranges set;
    XW_CLEANUP(xw_ranges_done) struct xw_ranges more;
    xw_ranges_init(&set, 2);
    xw_ranges_init(&more, 8);
    assert_int_equal(xw_ranges_add(&set, 10, 20), 0);
    assert_int_equal(xw_ranges_add(&set, 30, 40), 0);
    assert_int_equal(xw_ranges_add(&set, 50, 60), -EOVERFLOW);
    assert_int_equal(xw_ranges_add(&set, 0, 5), -EOVERFLOW);
    assert_int_equal(xw_ranges_subtract(&set, 12, 13), -EOVERFLOW);
    for (uint64_t i = 0; i < 3; i++)
        assert_int_equal(xw_ranges_add(&more, 100 * i, 100 * i + 1), 0);
    assert_int_equal(xw_ranges_add_all(&set, &more), -EOVERFLOW);
    assert_int_equal(xw_ranges_copy(&more, &set), -EOVERFLOW);
    assert_int_equal(xw_ranges_complement(&more, 0, 1000, &set), -EOVERFLOW);
    assert_int_equal(set.n, 2);
    assert_int_equal(set.total, 20);
    /* What merges or shortens needs no room. */
    assert_int_equal(xw_ranges_add(&set, 20, 30), 0);
    assert_int_equal(set.n, 1);
    assert_int_equal(xw_ranges_subtract(&set, 15, 35), 0);
    assert_int_equal(set.n, 2);
    assert_int_equal(xw_ranges_subtract(&set, 0, 100), 0);
    assert_int_equal(set.n, 0);
}

static void the_ends_of_the_index_space_are_sound(void **state)
{
    (void)state;
    XW_CLEANUP(xw_ranges_done) struct xw_ranges set;
    xw_ranges_init(&set, 4);
    struct xw_range gap;
    assert_int_equal(xw_ranges_add(&set, 5, 4), -EINVAL);
    assert_int_equal(xw_ranges_add(&set, 7, 7), 0);
    assert_int_equal(set.n, 0);
    assert_int_equal(xw_ranges_end(&set), 0);
    assert_int_equal(xw_ranges_contiguous_end(&set, 3), 3);
    assert_true(xw_ranges_covers(&set, 9, 9));
    assert_int_equal(xw_ranges_add(&set, UINT64_MAX - 1, UINT64_MAX), 0);
    assert_int_equal(xw_ranges_add(&set, 0, 1), 0);
    assert_true(xw_ranges_contains(&set, UINT64_MAX - 1));
    assert_false(xw_ranges_contains(&set, UINT64_MAX));
    assert_true(xw_ranges_last_gap(&set, 0, UINT64_MAX, &gap));
    assert_true(gap.first == 1 && gap.end == UINT64_MAX - 1);
    assert_int_equal(xw_ranges_add(&set, 1, UINT64_MAX - 1), 0);
    assert_int_equal(set.n, 1);
    assert_true(set.total == UINT64_MAX);
    assert_int_equal(xw_ranges_subtract(&set, 0, UINT64_MAX), 0);
    assert_true(set.n == 0 && set.total == 0);
}

static void appending_in_order_keeps_one_range(void **state)
{
    (void)state;
    XW_CLEANUP(xw_ranges_done) struct xw_ranges set;
    xw_ranges_init(&set, 1);
    for (uint64_t i = 0; i < 100000; i++)
        assert_int_equal(xw_ranges_add(&set, i * 20, i * 20 + 20), 0);
    assert_int_equal(set.n, 1);
    assert_int_equal(set.total, 2000000);
    unsigned seen = 0;
    XW_RANGES_FOREACH(range, &set)
    {
        assert_int_equal(range->end - range->first, 2000000);
        seen++;
    }
    assert_int_equal(seen, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_changes_agree_with_a_bitmap),
        cmocka_unit_test(whole_set_operations_agree_with_a_bitmap),
        cmocka_unit_test(the_limit_refuses_and_changes_nothing),
        cmocka_unit_test(the_ends_of_the_index_space_are_sound),
        cmocka_unit_test(appending_in_order_keeps_one_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
