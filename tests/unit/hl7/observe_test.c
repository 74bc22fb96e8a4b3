/* Messages in, observations out: identity, time, groups. */
#include "support.h"

#include <math.h>

#define SECOND INT64_C(1000000)

enum { KEPT_MAX = 64 };

struct rig {
    struct xw_vitals_memory memory;
    struct xw_uuid attachment;
    int64_t wall_us, now_us, keep_every_us;
    size_t kept_n;
    Xw__Observation *kept[KEPT_MAX];
    uint8_t keys[KEPT_MAX][XW_OBSERVATION_KEY_SIZE];
    struct xw_observe_counts counts;
};

static int setup(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    rig->attachment = (struct xw_uuid){{1, 2, 3}};
    rig->wall_us = INT64_C(1795320000) * SECOND; /* 2026-11-22 12:00:00 +0800 */
    rig->now_us = 1000 * SECOND;
    *state = rig;
    return 0;
}

static void forget_kept(struct rig *rig)
{
    while (rig->kept_n)
        xw__observation__free_unpacked(rig->kept[--rig->kept_n], NULL);
}

static int teardown(void **state)
{
    forget_kept(*state);
    free(*state);
    return 0;
}

static int on_observation(void *user, const Xw__Observation *o,
                          const uint8_t key[XW_OBSERVATION_KEY_SIZE])
{
    struct rig *rig = user;
    uint8_t bytes[1024];
    assert_true(rig->kept_n < KEPT_MAX);
    assert_true(xw__observation__get_packed_size(o) <= sizeof(bytes));
    size_t n = xw__observation__pack(o, bytes);
    memcpy(rig->keys[rig->kept_n], key, XW_OBSERVATION_KEY_SIZE);
    rig->kept[rig->kept_n++] = xw__observation__unpack(NULL, n, bytes);
    return 0;
}

/* The segments after MSH, sent by the monitor's clock at `sent`, heard after_s later. */
static void hear(struct rig *rig, int64_t after_s, const char *sent, const char *control,
                 const char *segments)
{
    struct hl7_read t;
    char text[4096];
    rig->wall_us += after_s * SECOND;
    rig->now_us += after_s * SECOND;
    snprintf(text, sizeof(text), "MSH|^~\\&|M|F|||%s||ORU^R01|%s|P|2.6\r%s", sent, control,
             segments);
    hl7_read(&t, text);
    assert_int_equal(t.r, 0);
    const struct xw_observe_context context = {
        .gateway_id = "town-a",
        .device_id = "mon-1",
        .attachment = &rig->attachment,
        .received_us = rig->wall_us,
        .now_us = rig->now_us,
        .rule = {rig->keep_every_us, 60 * SECOND},
    };
    assert_int_equal(
        xw_observe(&rig->memory, &context, &t.header, &t.oru, on_observation, rig, &rig->counts),
        0);
    hl7_read_done(&t);
}

#define SPO2 "OBX|1|NM|150456^^MDC|1.3.1|97|%|||||R\r"

static void a_value_without_a_time_was_true_when_it_came(void **state)
{
    struct rig *rig = *state;
    hear(rig, 0, "20261122114800", "c1", SPO2); /* 12 minutes slow */
    assert_int_equal(rig->kept_n, 1);
    const Xw__Observation *o = rig->kept[0];
    assert_int_equal(o->wall_us, rig->wall_us);
    assert_int_equal(o->time_source, XW__OBSERVATION_TIME__TIME_RECEIVED);
    assert_string_equal(o->code, "59408-5");
    assert_string_equal(o->code_system, "http://loinc.org");
    assert_string_equal(o->unit, "%");
    assert_string_equal(o->device_id, "mon-1");
    assert_int_equal(o->value_case, XW__OBSERVATION__VALUE_NUMBER);
    assert_true(o->number == 97 && o->continuous);
    assert_int_equal(o->group_id.len, 0);
}

static void the_key_sorts_by_time(void **state)
{
    struct rig *rig = *state;
    hear(rig, 0, "20261122120000", "c1", SPO2);
    const uint8_t *key = rig->keys[0];
    assert_memory_equal(key, rig->attachment.b, 16);
    assert_int_equal(key[16], 'o');
    uint64_t wall = 0;
    for (unsigned i = 0; i < 8; i++)
        wall = wall << 8 | key[17 + i];
    assert_int_equal(wall, rig->wall_us);
    assert_memory_equal(key + 25, rig->kept[0]->observation_id.data, 16);
}

static void an_old_reading_is_as_old_as_the_monitor_says(void **state)
{
    struct rig *rig = *state;
    hear(rig, 0, "20261122104500+0700", "c1",
         "OBX|1|NM|150021^^MDC|1.1.9.1|120|mm[Hg]|||||R|||20261122103500\r"
         "OBX|2|NM|150022^^MDC|1.1.9.2|80|mm[Hg]|||||R|||20261122043500+0100\r");
    assert_int_equal(rig->kept_n, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(rig->wall_us - rig->kept[i]->wall_us, 600 * SECOND);
        assert_int_equal(rig->kept[i]->time_source, XW__OBSERVATION_TIME__TIME_MEASURED);
        assert_false(rig->kept[i]->continuous);
    }
}

static void a_message_that_is_sent_again_adds_nothing(void **state)
{
    struct rig *rig = *state;
    hear(rig, 0, "20261122120000", "c1", SPO2);
    hear(rig, 30, "20261122120000", "c1", SPO2);
    assert_int_equal(rig->kept_n, 1);
    assert_int_equal(rig->counts.known_n, 1);
    hear(rig, 1, "20261122120031", "c2", SPO2);
    assert_int_equal(rig->kept_n, 2);
}

static void the_same_value_in_the_same_second_of_another_message_is_another_one(void **state)
{
    struct rig *rig = *state;
    hear(rig, 0, "20261122120000", "c1", SPO2);
    hear(rig, 0, "20261122120000", "c2", SPO2);
    assert_int_equal(rig->kept_n, 2);
}

static void a_value_that_was_held_back_is_not_made_younger(void **state)
{
    struct rig *rig = *state;
    for (int i = 0; i < 10; i++) {
        char sent[32], control[8];
        snprintf(sent, sizeof(sent), "202611221200%02d", i);
        snprintf(control, sizeof(control), "c%d", i);
        hear(rig, 1, sent, control, SPO2);
    }
    /* Sent at :10, on its way for two minutes. */
    hear(rig, 121, "20261122120010", "late", SPO2);
    const Xw__Observation *o = rig->kept[rig->kept_n - 1];
    assert_int_equal(o->received_wall_us - o->wall_us, 120 * SECOND);
    assert_int_equal(rig->counts.held_back, 1);
}

static void a_repeated_cuff_reading_without_a_time_keeps_the_time_of_its_first_sight(void **state)
{
    struct rig *rig = *state;
    static const char first[] = "OBX|1|NM|150021^^MDC|1.1.9.1|120|mm[Hg]|||||R\r"
                                "OBX|2|NM|150022^^MDC|1.1.9.2|80|mm[Hg]|||||R\r"
                                "OBX|3|NM|150023^^MDC|1.1.9.3|93|mm[Hg]|||||R\r";
    /* Only the mean differs: it is another reading, with all its values. */
    static const char second[] = "OBX|1|NM|150021^^MDC|1.1.9.1|120|mm[Hg]|||||R\r"
                                 "OBX|2|NM|150022^^MDC|1.1.9.2|80|mm[Hg]|||||R\r"
                                 "OBX|3|NM|150023^^MDC|1.1.9.3|94|mm[Hg]|||||R\r";
    char sent[32], control[16];
    for (int i = 0; i < 50; i++) {
        snprintf(sent, sizeof(sent), "202611221200%02d", i);
        snprintf(control, sizeof(control), "c%d", i);
        hear(rig, 1, sent, control, i < 30 ? first : second);
    }
    assert_int_equal(rig->kept_n, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(rig->kept[i]->wall_us, rig->kept[i / 3 * 3]->wall_us);
        assert_int_equal(rig->kept[i]->group_id.len, 16);
        assert_memory_equal(rig->kept[i]->group_id.data, rig->kept[i / 3 * 3]->group_id.data, 16);
    }
    assert_memory_not_equal(rig->kept[0]->group_id.data, rig->kept[3]->group_id.data, 16);
    assert_int_equal(rig->kept[3]->wall_us - rig->kept[0]->wall_us, 30 * SECOND);
}

static void an_absent_value_has_a_reason_and_no_number(void **state)
{
    struct rig *rig = *state;
    hear(rig, 0, "20261122120000", "c1",
         "OBX|1|NM|150456^^MDC|1.3.1|---|%|||||R\rOBX|2|NM|150344^MDC_TEMP^MDC|1.2.1|99|Cel|||||"
         "R\r");
    assert_int_equal(rig->kept_n, 2);
    assert_int_equal(rig->counts.absent_n, 2);
    assert_int_equal(rig->kept[0]->absent, XW__ABSENT_REASON__ABSENT_SENTINEL);
    assert_int_equal(rig->kept[1]->absent, XW__ABSENT_REASON__ABSENT_IMPOSSIBLE);
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(rig->kept[i]->value_case, XW__OBSERVATION__VALUE__NOT_SET);
    assert_string_equal(rig->kept[0]->reported_value, "---");
}

static void a_time_that_cannot_be_true_is_not_believed(void **state)
{
    static const char *const times[] = {"20261122130000", "20240101000000", "20261122", "nonsense"};
    struct rig *rig = *state;
    for (size_t i = 0; i < XW_ARRAY_N(times); i++) {
        char obx[256];
        forget_kept(rig);
        xw_vitals_memory_init(&rig->memory);
        snprintf(obx, sizeof(obx), "OBX|1|NM|150021^^MDC|1.1.9.1|120|mm[Hg]|||||R|||%s\r",
                 times[i]);
        hear(rig, 0, "20261122120000", "c1", obx);
        assert_int_equal(rig->kept_n, 1);
        assert_int_equal(rig->kept[0]->wall_us, rig->wall_us);
        hear(rig, 5, "20261122120005", "c2", obx); /* and repeated it stays the first one */
        assert_int_equal(rig->kept_n, 1);
    }
}

static void a_code_without_a_LOINC_is_an_MDC_number(void **state)
{
    struct rig *rig = *state;
    hear(rig, 0, "20261122120000", "c1", "OBX|1|NM|149546^^MDC|1.1.9.4|63|{beat}/min|||||R\r");
    assert_string_equal(rig->kept[0]->code, "149546");
    assert_string_equal(rig->kept[0]->code_system, "urn:iso:std:iso:11073:10101");
    assert_int_equal(rig->kept[0]->mdc, 149546);
}

/* Byte for byte: another program that follows PROTOCOL.md must come to the same. */
static void ids_are_those_of_the_protocol(void **state)
{
    struct rig *rig = *state;
    char text[XW_UUID_TEXT_N_BYTES];
    struct xw_uuid id;
    hear(rig, 0, "20261122120000", "c1", SPO2);
    hear(rig, 0, "20261122120000", "c1",
         "OBX|1|NM|150021^^MDC|1.1.9.1|120|mm[Hg]|||||R|||20261122115000\r");
    assert_int_equal(xw_uuid_from_bytes(rig->kept[0]->observation_id.data, 16, &id), 0);
    assert_string_equal(xw_uuid_format(&id, text), "a24bc6b0-ae3c-8102-91e6-63fafe0a6a16");
    assert_int_equal(xw_uuid_from_bytes(rig->kept[1]->observation_id.data, 16, &id), 0);
    assert_string_equal(xw_uuid_format(&id, text), "56a6e532-a564-869e-89fd-661505e8c298");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_value_without_a_time_was_true_when_it_came),
        TEST(the_key_sorts_by_time),
        TEST(an_old_reading_is_as_old_as_the_monitor_says),
        TEST(a_message_that_is_sent_again_adds_nothing),
        TEST(the_same_value_in_the_same_second_of_another_message_is_another_one),
        TEST(a_value_that_was_held_back_is_not_made_younger),
        TEST(a_repeated_cuff_reading_without_a_time_keeps_the_time_of_its_first_sight),
        TEST(an_absent_value_has_a_reason_and_no_number),
        TEST(a_time_that_cannot_be_true_is_not_believed),
        TEST(a_code_without_a_LOINC_is_an_MDC_number),
        TEST(ids_are_those_of_the_protocol),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
