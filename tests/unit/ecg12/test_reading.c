/* From counts and a stream's header to the text of a reading. */
#include "reading/reading.h"
#include "unit/ecg12/patient.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { N = 5000, GAIN = 200, BASELINE = 7, INVALID = -32768 };

struct stream {
    Xw__StreamHeader header;
    Xw__Fraction rate, gain;
    Xw__Channel channel[XW_ECG12_LEADS_MAX], *pointer[XW_ECG12_LEADS_MAX];
    int32_t *counts;
    uint8_t have[N];
    struct xw_reading_ask ask;
    struct xw_patient *patient;
    struct xw_reading_shared *shared;
};

static int setup(void **state)
{
    struct stream *s = calloc(1, sizeof(*s));
    s->patient = xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 3});
    unsigned channels_n = s->patient->input.channels_n;
    s->counts = calloc((size_t)N * channels_n, sizeof(*s->counts));
    xw__stream_header__init(&s->header);
    xw__fraction__init(&s->rate);
    xw__fraction__init(&s->gain);
    s->rate.num = 500;
    s->gain.num = GAIN;
    s->rate.den = s->gain.den = 1;
    s->header.modality = XW__MODALITY__MODALITY_ECG;
    s->header.rate = &s->rate;
    s->header.n_channels = channels_n;
    s->header.channels = s->pointer;
    for (unsigned c = 0; c < channels_n; c++) {
        Xw__Channel *ch = s->pointer[c] = &s->channel[c];
        xw__channel__init(ch);
        ch->code = (char *)(uintptr_t)xw_ecg_lead_name(s->patient->input.channels[c].lead);
        ch->unit = (char *)(uintptr_t) "mV";
        ch->gain = &s->gain;
        ch->baseline = BASELINE;
        ch->has_invalid = true;
        ch->invalid = INVALID;
        for (size_t i = 0; i < N; i++)
            s->counts[i * channels_n + c] =
                (int32_t)lroundf(s->patient->input.channels[c].uv[i] * GAIN / 1000) + BASELINE;
    }
    memset(s->have, 1, N);
    s->ask = (struct xw_reading_ask){.header = &s->header,
                                     .first = 90000,
                                     .n = N,
                                     .counts = s->counts,
                                     .have = s->have,
                                     .age_years = NAN};
    *state = s;
    return xw_reading_shared_new(&s->shared);
}

static int teardown(void **state)
{
    struct stream *s = *state;
    xw_reading_shared_free(s->shared);
    free(s->patient);
    free(s->counts);
    free(s);
    return 0;
}

static json_t *make(const struct stream *s)
{
    char *text = NULL;
    size_t bytes = 0;
    assert_int_equal(xw_reading_make(s->shared, &s->ask, &text, &bytes), 0);
    assert_int_equal(strlen(text), bytes);
    json_t *o = json_loads(text, 0, NULL);
    free(text);
    assert_non_null(o);
    return o;
}

static double value(json_t *o, const char *key)
{
    return json_number_value(json_object_get(json_object_get(o, "measurements"), key));
}

static void a_stream_is_measured_as_its_signal_in_uv_is(void **state)
{
    struct stream *s = *state;
    static struct xw_ecg12_result direct;
    struct xw_ecg12 *engine;
    assert_int_equal(xw_ecg12_new(&engine), 0);
    assert_int_equal(xw_ecg12_read(engine, &s->patient->input, &direct), 0);
    xw_ecg12_free(engine);
    json_t *o = make(s);
    assert_string_equal(json_string_value(json_object_get(o, "verdict")),
                        xw_ecg12_verdict_name(direct.verdict));
    assert_int_equal(json_integer_value(json_object_get(o, "from_sample")), 90000);
    assert_int_equal(json_array_size(json_object_get(o, "holes")), 0);
    assert_null(json_object_get(o, "record"));
    assert_true(fabs(value(o, "hr_bpm") - (double)direct.hr_bpm) < 0.5);
    assert_true(fabs(value(o, "qrs_ms") - (double)direct.qrs_ms) < 6);
    json_decref(o);
}

static void an_earlier_recording_is_compared_with(void **state)
{
    struct stream *s = *state;
    json_t *o = make(s);
    assert_true(json_is_null(json_object_get(o, "previous")));
    assert_true(json_is_false(json_object_get(o, "patient_known")));
    json_decref(o);
    struct xw_reading_previous previous = {
        .ask = s->ask, .study = "a study", .stream = "a stream", .wall_us = 77};
    previous.ask.first = 4;
    s->ask.previous = &previous;
    s->ask.patient_known = true;
    s->ask.age_years = 63;
    s->ask.sex = XW_ECG12_FEMALE;
    s->header.high_pass_hz = 0.05;
    s->header.low_pass_hz = 100;
    o = make(s);
    const json_t *p = json_object_get(o, "previous");
    assert_true(json_is_true(json_object_get(o, "patient_known")));
    assert_string_equal(json_string_value(json_object_get(o, "sex")), "F");
    assert_true(json_number_value(json_object_get(o, "age_years")) == 63);
    assert_string_equal(json_string_value(json_object_get(p, "study")), "a study");
    assert_int_equal(json_integer_value(json_object_get(p, "wall_us")), 77);
    assert_int_equal(json_integer_value(json_object_get(p, "from_sample")), 4);
    assert_true(json_is_true(json_object_get(p, "band_known")));
    const json_t *qrs = json_object_get(json_object_get(p, "measurements"), "qrs_ms");
    assert_true(json_number_value(json_object_get(qrs, "by")) == 0);
    json_decref(o);
    /* One that cannot be measured is said so, one that is no ECG takes nothing away. */
    uint8_t none[N] = {0};
    previous.ask.have = none;
    o = make(s);
    p = json_object_get(o, "previous");
    assert_string_equal(json_string_value(json_object_get(p, "why_not")), "before-unread");
    json_decref(o);
    previous.ask.n = 17;
    o = make(s);
    assert_true(json_is_null(json_object_get(o, "previous")));
    assert_string_not_equal(json_string_value(json_object_get(o, "verdict")), "unacceptable");
    json_decref(o);
}

static void holes_are_said_and_never_filled(void **state)
{
    struct stream *s = *state;
    memset(s->have, 0, 20);
    memset(s->have + 1000, 0, 30);
    memset(s->have + N - 1, 0, 1);
    for (size_t i = 1000 * s->header.n_channels; i < 1030 * s->header.n_channels; i++)
        s->counts[i] = INT32_MAX; /* what lies there must not be looked at */
    json_t *o = make(s), *holes = json_object_get(o, "holes");
    char *text = json_dumps(holes, JSON_COMPACT);
    assert_string_equal(text, "[[90000,90020],[91000,91030],[94999,95000]]");
    assert_string_not_equal(json_string_value(json_object_get(o, "verdict")), "unacceptable");
    free(text);
    json_decref(o);
}

static void nothing_held_is_a_verdict_and_not_an_error(void **state)
{
    struct stream *s = *state;
    memset(s->have, 0, N);
    json_t *o = make(s);
    assert_string_equal(json_string_value(json_object_get(o, "verdict")), "unacceptable");
    assert_true(json_is_null(json_object_get(json_object_get(o, "measurements"), "hr_bpm")));
    json_decref(o);
}

static void what_is_no_ecg_of_ten_seconds_is_refused(void **state)
{
    struct stream *s = *state;
    char *text = NULL;
    size_t bytes = 0;
    s->ask.n = 4499;
    assert_int_equal(xw_reading_make(s->shared, &s->ask, &text, &bytes), -EINVAL);
    s->ask.n = N;
    s->header.modality = XW__MODALITY__MODALITY_CTG;
    assert_int_equal(xw_reading_make(s->shared, &s->ask, &text, &bytes), -EINVAL);
    s->header.modality = XW__MODALITY__MODALITY_ECG;
    s->rate.num = 99;
    assert_int_equal(xw_reading_make(s->shared, &s->ask, &text, &bytes), -EINVAL);
    s->rate.num = 500;
    s->channel[1].unit = (char *)(uintptr_t) "mm[Hg]";
    assert_int_equal(xw_reading_make(s->shared, &s->ask, &text, &bytes), -EINVAL);
    s->channel[1].unit = (char *)(uintptr_t) "mV";
    s->gain.num = 0;
    assert_int_equal(xw_reading_make(s->shared, &s->ask, &text, &bytes), -EINVAL);
    assert_null(text);
}

struct reader {
    pthread_t thread;
    const struct stream *stream;
    char *text;
    int result;
};

static void *read_it(void *arg)
{
    struct reader *r = arg;
    size_t bytes = 0;
    r->result = xw_reading_make(r->stream->shared, &r->stream->ask, &r->text, &bytes);
    return NULL;
}

static void what_is_shared_serves_many_threads_and_says_the_same(void **state)
{
    struct stream *s = *state;
    struct reader reader[4];
    char *alone = NULL;
    size_t bytes = 0;
    assert_int_equal(xw_reading_make(s->shared, &s->ask, &alone, &bytes), 0);
    assert_non_null(strstr(alone, "\"seen\":true"));
    for (int k = 0; k < 4; k++) {
        reader[k] = (struct reader){.stream = s};
        assert_int_equal(pthread_create(&reader[k].thread, NULL, read_it, &reader[k]), 0);
    }
    for (int k = 0; k < 4; k++) {
        assert_int_equal(pthread_join(reader[k].thread, NULL), 0);
        assert_int_equal(reader[k].result, 0);
        assert_string_equal(reader[k].text, alone);
        free(reader[k].text);
    }
    free(alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_stream_is_measured_as_its_signal_in_uv_is, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(an_earlier_recording_is_compared_with, setup, teardown),
        cmocka_unit_test_setup_teardown(holes_are_said_and_never_filled, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_held_is_a_verdict_and_not_an_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_no_ecg_of_ten_seconds_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_shared_serves_many_threads_and_says_the_same, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
