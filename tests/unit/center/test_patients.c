/* Whose recordings they are: patients and assignments in any order, revised, and nonsense. */
#include "center/patients.h"

#include "signal.pb-c.h"
#include "study.pb-c.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct xw_patients *patients;

static int setup(void **state)
{
    (void)state;
    return xw_patients_new(&patients);
}

static int teardown(void **state)
{
    (void)state;
    xw_patients_free(patients);
    return 0;
}

static struct xw_uuid id_of(unsigned n)
{
    struct xw_uuid id = {{1, 2, 3}};
    memcpy(id.b + 4, &n, sizeof(n));
    return id;
}

static void take(uint32_t kind, uint64_t revision, const ProtobufCMessage *message)
{
    uint8_t body[512];
    struct xw_store_record record = {.kind = kind,
                                     .revision = revision,
                                     .body = body,
                                     .body_size = protobuf_c_message_pack(message, body)};
    xw_patients_record(patients, &record);
}

static void patient(unsigned n, uint64_t revision, const char *sex, const char *born)
{
    struct xw_uuid id = id_of(n);
    Xw__PatientChange wire = XW__PATIENT_CHANGE__INIT;
    wire.patient_id = (ProtobufCBinaryData){16, id.b};
    wire.name = (char *)(uintptr_t) "not kept";
    wire.sex = (char *)(uintptr_t)sex;
    wire.birth_date = (char *)(uintptr_t)born;
    take(XW__RECORD_KIND__RECORD_PATIENT, revision, &wire.base);
}

struct assigned {
    unsigned id, patient, study, attachment;
    int64_t from_us, to_us;
    double age_years;
};

static void assign(const struct assigned *a, uint64_t revision)
{
    struct xw_uuid id = id_of(a->id), whose = id_of(a->patient), study = id_of(a->study),
                   attachment = id_of(a->attachment);
    Xw__Assignment wire = XW__ASSIGNMENT__INIT;
    wire.assignment_id = (ProtobufCBinaryData){16, id.b};
    wire.patient_id = (ProtobufCBinaryData){16, whose.b};
    if (a->study)
        wire.study_id = (ProtobufCBinaryData){16, study.b};
    if (a->attachment)
        wire.attachment_id = (ProtobufCBinaryData){16, attachment.b};
    wire.from_wall_us = a->from_us;
    wire.to_wall_us = a->to_us;
    wire.age_years = a->age_years;
    take(XW__RECORD_KIND__RECORD_ASSIGNMENT, revision, &wire.base);
}

static const struct xw_patient *of_study(unsigned n)
{
    struct xw_uuid id = id_of(n);
    return xw_patients_of_study(patients, &id);
}

static const struct xw_patient *of_attachment(unsigned n, int64_t wall_us)
{
    struct xw_uuid id = id_of(n);
    return xw_patients_of_attachment(patients, &id, wall_us);
}

static void a_study_is_its_patients_whatever_came_first(void **state)
{
    (void)state;
    assert_null(of_study(100));
    assign(&(struct assigned){.id = 200, .patient = 1, .study = 100}, 1);
    assert_null(of_study(100)); /* who that is has not come yet */
    patient(1, 1, "F", "1961-02-28");
    patient(2, 1, "M", "1980");
    const struct xw_patient *p = of_study(100);
    assert_non_null(p);
    assert_int_equal(p->sex, 'F');
    assert_int_equal(p->year, 1961);
    assert_int_equal(p->month, 2);
    assert_int_equal(p->day, 28);
    assert_int_equal(xw_patients_n(patients), 2);
    /* Found to be another's. */
    assign(&(struct assigned){.id = 200, .patient = 2, .study = 100}, 2);
    assert_int_equal(of_study(100)->sex, 'M');
    assign(&(struct assigned){.id = 200, .patient = 1, .study = 100}, 1); /* the old word again */
    assert_int_equal(of_study(100)->sex, 'M');
    patient(2, 3, "U", "");
    patient(2, 2, "F", "1970");
    assert_int_equal(of_study(100)->sex, 0);
    assert_int_equal(of_study(100)->year, 0);
}

static void a_device_is_a_patients_for_a_time(void **state)
{
    (void)state;
    patient(1, 1, "F", "1961");
    patient(2, 1, "M", "1980");
    assign(&(struct assigned){.id = 5, .patient = 1, .attachment = 9, .from_us = 10, .to_us = 20},
           1);
    assert_null(of_attachment(9, 9));
    assert_int_equal(of_attachment(9, 19)->sex, 'F');
    assert_null(of_attachment(9, 20));
    assign(&(struct assigned){.id = 6, .patient = 2, .attachment = 9, .from_us = 30}, 1);
    assert_int_equal(of_attachment(9, 1000)->sex, 'M');
    assert_null(of_attachment(9, 25));
}

static void the_age_is_that_of_the_day(void **state)
{
    (void)state;
    static const struct {
        const char *born;
        double years; /* on 2024-03-09 */
    } CASES[] = {{"1961-02-28", 63.03}, {"2024-03-01", 0.02}, {"1980", 43.7},
                 {"1961-13-01", NAN},   {"61-02-28", NAN},    {"", NAN},
                 {"2030-01-01", NAN},   {"1961/02/28", NAN},  {"1961-02-2x", NAN}};
    for (size_t k = 0; k < XW_ARRAY_N(CASES); k++) {
        patient(1, k + 1, "F", CASES[k].born);
        assign(&(struct assigned){.id = 5, .patient = 1, .study = 7}, 1);
        double years = (double)xw_patient_age_years(of_study(7), INT64_C(1709942400) * 1000 * 1000);
        if (isnan(CASES[k].years))
            assert_true(isnan(years));
        else
            assert_true(fabs(years - CASES[k].years) < 0.02);
    }
}

static void what_the_recording_says_counts_without_a_date_of_birth(void **state)
{
    (void)state;
    const int64_t day_us = INT64_C(1709942400) * 1000 * 1000;
    struct xw_uuid one = id_of(7), other = id_of(8), nobody = id_of(9);
    patient(1, 1, "F", "");
    assign(&(struct assigned){.id = 5, .patient = 1, .study = 7, .age_years = 63}, 1);
    assign(&(struct assigned){.id = 6, .patient = 1, .study = 8}, 1);
    assert_true(xw_patients_age_at_study(patients, &one, day_us) == 63);
    assert_true(isnan(xw_patients_age_at_study(patients, &other, day_us)));
    assert_true(isnan(xw_patients_age_at_study(patients, &nobody, day_us)));
    patient(1, 2, "F", "1980");
    assert_true(fabs((double)xw_patients_age_at_study(patients, &one, day_us) - 43.7) < 0.1);
    assign(&(struct assigned){.id = 6, .patient = 1, .study = 8, .age_years = 900}, 2);
    patient(1, 3, "F", "");
    assert_true(isnan(xw_patients_age_at_study(patients, &other, day_us)));
}

static void many_are_found_again_and_nonsense_is_none(void **state)
{
    (void)state;
    enum { MANY = 5000 };
    for (unsigned n = 1; n <= MANY; n++) {
        patient(n, 1, n % 2 ? "M" : "F", "1950");
        assign(&(struct assigned){.id = 20000 + n, .patient = n, .study = 10000 + n}, 1);
    }
    for (unsigned n = 1; n <= MANY; n++)
        assert_int_equal(of_study(10000 + n)->sex, n % 2 ? 'M' : 'F');
    static uint8_t junk[] = {0xff, 0xff, 0xff, 0x00};
    struct xw_store_record record = {
        .kind = XW__RECORD_KIND__RECORD_PATIENT, .body = junk, .body_size = sizeof(junk)};
    xw_patients_record(patients, &record);
    record.kind = XW__RECORD_KIND__RECORD_ASSIGNMENT;
    xw_patients_record(patients, &record);
    record.body_size = 0;
    xw_patients_record(patients, &record);
    assert_int_equal(xw_patients_n(patients), MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_study_is_its_patients_whatever_came_first, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_device_is_a_patients_for_a_time, setup, teardown),
        cmocka_unit_test_setup_teardown(the_age_is_that_of_the_day, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_recording_says_counts_without_a_date_of_birth,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(many_are_found_again_and_nonsense_is_none, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
