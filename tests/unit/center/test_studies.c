/* The fold of a study: any order of arrival, illegal steps, late requests of the site. */
#include "center/study_fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define S(name) XW__STUDY_STATE__STUDY_##name
enum { N_MAX = 16 };

/* Changes with ids in the order they are made. */
struct history {
    Xw__StudyChange changes[N_MAX], *pointers[N_MAX];
    Xw__StudyStateChange steps[N_MAX];
    Xw__StudyCreate create;
    uint8_t ids[N_MAX][16];
    size_t n;
};

static Xw__StudyChange *add(struct history *h, const char *author, bool by_county)
{
    Xw__StudyChange *c = &h->changes[h->n];
    xw__study_change__init(c);
    memset(h->ids[h->n], 0, 16);
    h->ids[h->n][0] = (uint8_t)(h->n + 1);
    c->change_id.len = 16;
    c->change_id.data = h->ids[h->n];
    c->author = (char *)(uintptr_t)author;
    c->by_county = by_county;
    c->wall_us = (int64_t)h->n * 1000;
    h->pointers[h->n++] = c;
    return c;
}

static void created(struct history *h)
{
    Xw__StudyChange *c = add(h, "device", false);
    xw__study_create__init(&h->create);
    c->change_case = XW__STUDY_CHANGE__CHANGE_CREATE;
    c->create = &h->create;
}

static void step(struct history *h, const char *author, bool by_county, Xw__StudyState to)
{
    Xw__StudyStateChange *s = &h->steps[h->n];
    Xw__StudyChange *c = add(h, author, by_county);
    xw__study_state_change__init(s);
    s->state = to;
    c->change_case = XW__STUDY_CHANGE__CHANGE_STATE;
    c->state = s;
}

static void a_study_goes_from_captured_to_seen(void **state)
{
    static const Xw__StudyState way[] = {S(CLAIMED), S(REPORTED), S(REVIEWED),
                                         S(SIGNED),  S(RELEASED), S(SEEN)};
    struct history h = {.n = 0};
    struct xw_study_state s;
    (void)state;
    created(&h);
    xw_study_fold(h.pointers, h.n, &s);
    assert_int_equal(s.state, S(CAPTURED));
    for (size_t i = 0; i < XW_ARRAY_N(way); i++) {
        step(&h, "reader", true, way[i]);
        xw_study_fold(h.pointers, h.n, &s);
        assert_int_equal(s.state, way[i]);
    }
    assert_string_equal(s.claimed_by, "reader");
    assert_string_equal(s.author, "device");
}

static void a_step_that_does_not_follow_is_shown_and_ignored(void **state)
{
    struct history h = {.n = 0};
    struct xw_study_state s;
    (void)state;
    created(&h);
    step(&h, "reader", true, S(SIGNED));
    xw_study_fold(h.pointers, h.n, &s);
    assert_int_equal(s.state, S(CAPTURED));
    assert_int_equal(s.verdicts[1], XW_STUDY_IGNORED);
}

static void the_first_of_two_claims_counts(void **state)
{
    struct history h = {.n = 0};
    struct xw_study_state s;
    (void)state;
    created(&h);
    step(&h, "first", true, S(CLAIMED));
    step(&h, "second", true, S(CLAIMED));
    xw_study_fold(h.pointers, h.n, &s);
    assert_string_equal(s.claimed_by, "first");
    assert_int_equal(s.verdicts[2], XW_STUDY_IGNORED);
}

/* The site cancelled while cut off, before the claim, and its record came after it. */
static void a_cancellation_of_a_claimed_study_is_only_a_request(void **state)
{
    struct history h = {.n = 0};
    struct xw_study_state s;
    (void)state;
    created(&h);
    step(&h, "gw", false, S(CANCELLED));
    step(&h, "reader", true, S(CLAIMED));
    xw_study_fold(h.pointers, h.n, &s);
    assert_int_equal(s.state, S(CLAIMED));
    assert_int_equal(s.verdicts[1], XW_STUDY_REQUEST);
}

static void an_unclaimed_study_can_be_cancelled_by_its_site(void **state)
{
    struct history h = {.n = 0};
    struct xw_study_state s;
    (void)state;
    created(&h);
    step(&h, "gw", false, S(CANCELLED));
    xw_study_fold(h.pointers, h.n, &s);
    assert_int_equal(s.state, S(CANCELLED));
}

static void putting_it_back_frees_the_claim(void **state)
{
    struct history h = {.n = 0};
    struct xw_study_state s;
    (void)state;
    created(&h);
    step(&h, "first", true, S(CLAIMED));
    step(&h, "first", true, S(CAPTURED));
    xw_study_fold(h.pointers, h.n, &s);
    assert_null(s.claimed_by);
    step(&h, "second", true, S(CLAIMED));
    xw_study_fold(h.pointers, h.n, &s);
    assert_string_equal(s.claimed_by, "second");
}

/* Every order of arrival gives the same state. */
static void the_order_of_arrival_does_not_matter(void **state)
{
    struct history h = {.n = 0};
    struct xw_study_state reference, s;
    uint64_t seed = 7;
    (void)state;
    created(&h);
    step(&h, "gw", false, S(CANCELLED));
    step(&h, "a", true, S(CLAIMED));
    step(&h, "b", true, S(CLAIMED));
    step(&h, "a", true, S(REPORTED));
    step(&h, "b", true, S(REVIEWED));
    step(&h, "a", true, S(SIGNED));
    xw_study_fold(h.pointers, h.n, &reference);
    assert_int_equal(reference.state, S(SIGNED));
    for (unsigned round = 0; round < 2000; round++) {
        for (size_t i = h.n - 1; i > 0; i--) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t other = (size_t)(seed >> 33) % (i + 1);
            Xw__StudyChange *t = h.pointers[i];
            h.pointers[i] = h.pointers[other];
            h.pointers[other] = t;
        }
        xw_study_fold(h.pointers, h.n, &s);
        assert_int_equal(s.state, reference.state);
        assert_string_equal(s.claimed_by, reference.claimed_by);
        assert_memory_equal(s.verdicts, reference.verdicts, h.n * sizeof(s.verdicts[0]));
    }
}

static void changes_before_the_creation_wait_for_it(void **state)
{
    struct history h = {.n = 0};
    struct xw_study_state s;
    (void)state;
    step(&h, "reader", true, S(CLAIMED));
    xw_study_fold(h.pointers, h.n, &s);
    assert_null(s.create);
    assert_int_equal(s.verdicts[0], XW_STUDY_IGNORED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_study_goes_from_captured_to_seen),
        cmocka_unit_test(a_step_that_does_not_follow_is_shown_and_ignored),
        cmocka_unit_test(the_first_of_two_claims_counts),
        cmocka_unit_test(a_cancellation_of_a_claimed_study_is_only_a_request),
        cmocka_unit_test(an_unclaimed_study_can_be_cancelled_by_its_site),
        cmocka_unit_test(putting_it_back_frees_the_claim),
        cmocka_unit_test(the_order_of_arrival_does_not_matter),
        cmocka_unit_test(changes_before_the_creation_wait_for_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
