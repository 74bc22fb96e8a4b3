/* What is kept once: ids, spot values, thinning, and what survives a restart. */
#include "support.h"

#define SECOND INT64_C(1000000)

static const struct xw_vitals_rule rule = {5 * SECOND, 60 * SECOND};

static struct xw_uuid id_of(uint64_t n)
{
    const struct xw_part part = {&n, sizeof(n)};
    return xw_uuid_v8(&part, 1);
}

static struct xw_vitals_memory *memory_new(void)
{
    struct xw_vitals_memory *m = malloc(sizeof(*m));
    xw_vitals_memory_init(m);
    return m;
}

static enum xw_vitals_news look(struct xw_vitals_memory *m, uint64_t what, uint64_t content,
                                uint64_t id, bool timed, bool continuous, int64_t now_s)
{
    struct xw_uuid uuid = id_of(id);
    return xw_vitals_memory_look(m, what, content, &uuid, timed, continuous, now_s * SECOND + 1,
                                 now_s * SECOND, &rule);
}

static void the_last_4096_ids_are_known_and_no_more(void **state)
{
    struct xw_vitals_memory *m = memory_new();
    (void)state;
    for (uint64_t n = 0; n < 20000; n++) {
        struct xw_uuid id = id_of(n);
        assert_false(xw_vitals_memory_has(m, &id));
        xw_vitals_memory_add(m, &id);
        xw_vitals_memory_add(m, &id); /* again: nothing */
        if (n % 997)
            continue;
        for (uint64_t k = n > 4200 ? n - 4200 : 0; k <= n; k++) {
            id = id_of(k);
            assert_int_equal(xw_vitals_memory_has(m, &id), k + XW_VITALS_IDS_MAX > n);
        }
    }
    free(m);
}

static void after_a_restart_the_oldest_ids_are_forgotten_first(void **state)
{
    struct xw_vitals_memory *m = memory_new();
    (void)state;
    for (uint64_t n = 5000; n > 5000 - XW_VITALS_IDS_MAX;
         n--) { /* as they are read: newest first */
        struct xw_uuid id = id_of(n);
        xw_vitals_memory_add(m, &id);
    }
    xw_vitals_memory_turn(m);
    for (uint64_t n = 5001; n <= 5100; n++) {
        struct xw_uuid id = id_of(n), oldest = id_of(n - XW_VITALS_IDS_MAX);
        assert_true(xw_vitals_memory_has(m, &oldest));
        xw_vitals_memory_add(m, &id);
        assert_false(xw_vitals_memory_has(m, &oldest));
    }
    for (uint64_t n = 5100; n > 5100 - XW_VITALS_IDS_MAX; n--) {
        struct xw_uuid id = id_of(n);
        assert_true(xw_vitals_memory_has(m, &id));
    }
    free(m);
}

static void a_reading_with_its_time_is_kept_once_however_long_it_is_repeated(void **state)
{
    struct xw_vitals_memory *m = memory_new();
    (void)state;
    assert_int_equal(look(m, 1, 10, 100, true, false, 1000), XW_VITALS_NEW);
    for (uint64_t n = 0; n < 20000; n++) { /* far more than the ids that are remembered */
        assert_int_equal(look(m, 2, n, 1000 + n, true, true, 1001 + (int64_t)n), XW_VITALS_NEW);
        assert_int_equal(look(m, 1, 10, 100, true, false, 1001 + (int64_t)n), XW_VITALS_KNOWN);
    }
    assert_int_equal(look(m, 1, 10, 101, true, false, 30000), XW_VITALS_NEW); /* measured again */
    free(m);
}

static void a_spot_value_without_a_time_is_old_until_it_changes_or_pauses(void **state)
{
    struct xw_vitals_memory *m = memory_new();
    (void)state;
    assert_int_equal(look(m, 1, 10, 1, false, false, 1000), XW_VITALS_NEW);
    for (int64_t t = 1; t < 600; t++)
        assert_int_equal(look(m, 1, 10, (uint64_t)(1 + t), false, false, 1000 + t),
                         XW_VITALS_KNOWN);
    assert_int_equal(look(m, 1, 11, 900, false, false, 1600), XW_VITALS_NEW);
    assert_int_equal(look(m, 1, 11, 901, false, false, 1660), XW_VITALS_KNOWN);
    assert_int_equal(look(m, 1, 11, 902, false, false, 1721), XW_VITALS_NEW); /* after 61 s */
    free(m);
}

static void a_list_of_old_readings_that_is_repeated_for_hours_is_kept_once(void **state)
{
    struct xw_vitals_memory *m = memory_new();
    (void)state;
    for (uint64_t n = 0; n < 30000; n++) {
        xw_vitals_memory_next(m);
        for (uint64_t k = 0; k < 3; k++) /* three readings of one channel in each message */
            assert_int_equal(look(m, 1, k, k + 1, true, false, (int64_t)n + 1),
                             n ? XW_VITALS_KNOWN : XW_VITALS_NEW);
        assert_int_equal(look(m, 2, n, 1000 + n, true, true, (int64_t)n + 1), XW_VITALS_NEW);
    }
    free(m);
}

static void of_a_value_said_twice_in_a_message_the_first_counts(void **state)
{
    struct xw_vitals_memory *m = memory_new();
    (void)state;
    for (uint64_t n = 0; n < 3; n++) {
        xw_vitals_memory_next(m);
        assert_int_equal(look(m, 1, 10, 100, false, false, 10),
                         n ? XW_VITALS_KNOWN : XW_VITALS_NEW);
        assert_int_equal(look(m, 1, 11, 101, false, false, 10), XW_VITALS_KNOWN);
        assert_int_equal(look(m, 1, 12, 102, true, false, 10), n ? XW_VITALS_KNOWN : XW_VITALS_NEW);
    }
    free(m);
}

static void equal_continuous_values_are_thinned_and_changes_are_not(void **state)
{
    struct xw_vitals_memory *m = memory_new();
    (void)state;
    assert_int_equal(look(m, 1, 72, 1, true, true, 100), XW_VITALS_NEW);
    assert_int_equal(look(m, 1, 72, 2, true, true, 101), XW_VITALS_THIN);
    assert_int_equal(look(m, 1, 73, 3, true, true, 102), XW_VITALS_NEW);
    assert_int_equal(look(m, 1, 73, 4, true, true, 106), XW_VITALS_THIN);
    assert_int_equal(look(m, 1, 73, 5, true, true, 107), XW_VITALS_NEW);
    assert_int_equal(look(m, 1, 73, 5, true, true, 113), XW_VITALS_KNOWN); /* sent again */
    free(m);
}

static void more_channels_than_there_is_room_for_harm_nobody(void **state)
{
    struct xw_vitals_memory *m = memory_new();
    (void)state;
    for (uint64_t n = 0; n < 1000; n++)
        assert_int_equal(look(m, n, 1, n, true, false, (int64_t)n + 1), XW_VITALS_NEW);
    assert_int_equal(m->slots_n, XW_VITALS_SLOTS_MAX);
    assert_int_equal(look(m, 999, 1, 999, true, false, 2000), XW_VITALS_KNOWN);
    free(m);
}

static void spot_values_and_the_clock_survive_a_restart(void **state)
{
    struct xw_vitals_memory *m = memory_new(), *after = memory_new();
    struct xw_buf body;
    (void)state;
    xw_buf_init(&body, 8192);
    xw_hl7_clock_set(&m->clock, -4321 * SECOND, 1);
    for (uint64_t n = 0; n < 200; n++)
        look(m, n, n + 7, n + 100, n % 2, false, 1000 + (int64_t)n);
    assert_true(m->slots_changed);
    assert_int_equal(xw_vitals_memory_write(m, &body), 0);
    assert_false(m->slots_changed);
    assert_int_equal(xw_vitals_memory_read(after, body.data, body.n, 5000 * SECOND, 1), 0);
    assert_int_equal(xw_hl7_clock_behind_us(&after->clock), -4321 * SECOND);
    assert_int_equal(look(after, 199, 206, 299, true, false, 5001), XW_VITALS_KNOWN);
    assert_int_equal(look(after, 198, 205, 9999, false, false, 5001), XW_VITALS_KNOWN);
    assert_int_equal(look(after, 197, 204, 9998, true, false, 5001), XW_VITALS_NEW);
    assert_int_equal(xw_vitals_memory_read(after, body.data, body.n - 1, 0, 0), -EBADMSG);
    assert_int_equal(xw_vitals_memory_read(after, "\2", 1, 0, 0), -EBADMSG);
    xw_buf_done(&body);
    free(m);
    free(after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_4096_ids_are_known_and_no_more),
        cmocka_unit_test(after_a_restart_the_oldest_ids_are_forgotten_first),
        cmocka_unit_test(a_reading_with_its_time_is_kept_once_however_long_it_is_repeated),
        cmocka_unit_test(a_spot_value_without_a_time_is_old_until_it_changes_or_pauses),
        cmocka_unit_test(a_list_of_old_readings_that_is_repeated_for_hours_is_kept_once),
        cmocka_unit_test(of_a_value_said_twice_in_a_message_the_first_counts),
        cmocka_unit_test(equal_continuous_values_are_thinned_and_changes_are_not),
        cmocka_unit_test(more_channels_than_there_is_room_for_harm_nobody),
        cmocka_unit_test(spot_values_and_the_clock_survive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
