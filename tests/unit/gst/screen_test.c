/* ecgscreen: samples untouched, events in band and independent of how the samples are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <gst/app/gstappsrc.h>
#include <gst/check/gstharness.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gst/ecgscreen.h"
#include "gst/handover.h"
#include "gst/header.h"
#include "gst/message.h"
#include "gst/xwsink.h"
#include "unit/gst/patient.h"

enum { SECONDS = 40, ROWS = SECONDS * PATIENT_RATE_HZ };

static GstCaps *caps_of(const uint8_t *bytes, size_t size)
{
    Xw__StreamHeader *header = xw__stream_header__unpack(NULL, size, bytes);
    GstCaps *caps = xw_gst_header_caps(header);
    xw__stream_header__free_unpacked(header, NULL);
    return caps;
}

static GstBuffer *buffer_of(const int32_t *x, uint64_t first, size_t rows)
{
    size_t size = rows * PATIENT_CHANNELS * sizeof(*x);
    GstBuffer *buffer = gst_buffer_new_memdup(x + first * PATIENT_CHANNELS, size);
    GST_BUFFER_OFFSET(buffer) = first;
    GST_BUFFER_OFFSET_END(buffer) = first + rows;
    GST_BUFFER_PTS(buffer) = gst_util_uint64_scale(first, GST_SECOND, PATIENT_RATE_HZ);
    GST_BUFFER_DURATION(buffer) = gst_util_uint64_scale(rows, GST_SECOND, PATIENT_RATE_HZ);
    xw_gst_gives(buffer);
    return buffer;
}

static GstHarness *harness_new(void)
{
    size_t n;
    uint8_t *header = patient_header(&n);
    GstElement *screen = g_object_new(XW_TYPE_ECGSCREEN, "post-messages", FALSE, NULL);
    GstHarness *h = gst_harness_new_with_element(screen, "sink", "src");
    gst_object_unref(screen);
    gst_harness_set_src_caps(h, caps_of(header, n));
    gst_harness_push_event(h, xw_gst_header_event_new(header, n));
    free(header);
    return h;
}

static void samples_pass_through_bit_for_bit(void **state)
{
    (void)state;
    int32_t *x = patient_samples(3, SECONDS, NULL, 0);
    GstHarness *h = harness_new();
    for (uint64_t at = 0; at < ROWS; at += 125) {
        GstBuffer *in = buffer_of(x, at, 125);
        GstBuffer *out = gst_harness_push_and_pull(h, in);
        assert_ptr_equal(in, out); /* the very buffer */
        assert_int_equal(
            gst_buffer_memcmp(out, 0, x + at * PATIENT_CHANNELS, 125 * PATIENT_CHANNELS * 4), 0);
        assert_int_equal(GST_BUFFER_OFFSET(out), at);
        gst_buffer_unref(out);
    }
    gst_harness_teardown(h);
    free(x);
}

struct heard {
    struct xw_ecg_event events[8192];
    size_t n, blocks_n;
    uint64_t end; /* of the last block */
    bool order_ok, at_end;
    unsigned runs_n;
};

static void on_run(void *user, const struct xw_ecg_run *run)
{
    struct heard *heard = user;
    assert_int_equal(strlen(run->table_hash), 64);
    heard->runs_n++;
}

static void on_block(void *user, GstBuffer *buffer, const struct xw_ecg_event *events, size_t n)
{
    struct heard *heard = user;
    uint64_t end = buffer ? GST_BUFFER_OFFSET_END(buffer) : UINT64_MAX;
    for (size_t i = 0; i < n; i++) {
        /* Made while this very block was consumed, or by the gap in front of it. */
        bool fits =
            (uint64_t)events[i].emitted_at <= end && (uint64_t)events[i].emitted_at >= heard->end;
        heard->order_ok = heard->order_ok && fits;
        assert_true(heard->n < 8192);
        heard->events[heard->n++] = events[i];
    }
    heard->at_end = !buffer;
    heard->blocks_n += buffer != NULL;
    if (buffer)
        heard->end = end;
}

static void wait_for_end(GstElement *pipeline)
{
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *message =
        gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    assert_non_null(message);
    assert_int_equal(GST_MESSAGE_TYPE(message), GST_MESSAGE_EOS);
    gst_message_unref(message);
    gst_object_unref(bus);
}

/* appsrc ! ecgscreen ! xwsink; cuts from rand_r(seed), 1 to `longest` rows; gap_at: 500 rows are
 * left out there. */
static void play(const int32_t *x, unsigned seed, size_t longest, uint64_t gap_at,
                 struct heard *heard)
{
    size_t header_size;
    uint8_t *header = patient_header(&header_size);
    GstElement *pipeline = gst_pipeline_new(NULL);
    GstElement *source = g_object_new(GST_TYPE_APP_SRC, "format", GST_FORMAT_TIME, NULL);
    GstElement *screen = g_object_new(XW_TYPE_ECGSCREEN, "post-messages", FALSE, NULL);
    XwSink *sink = g_object_new(XW_TYPE_SINK, NULL);
    memset(heard, 0, sizeof(*heard));
    heard->order_ok = true;
    xw_sink_set_handler(sink, &(struct xw_sink_handler){heard, on_run, on_block});
    GstCaps *caps = caps_of(header, header_size);
    g_object_set(source, "caps", caps, "max-bytes", (guint64)0, NULL);
    gst_caps_unref(caps);
    gst_bin_add_many(GST_BIN(pipeline), source, screen, GST_ELEMENT(sink), NULL);
    assert_true(gst_element_link_many(source, screen, GST_ELEMENT(sink), NULL));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    gst_element_send_event(source, xw_gst_header_event_new(header, header_size));
    for (uint64_t at = 0; at < ROWS;) {
        size_t rows = 1 + (size_t)rand_r(&seed) % longest;
        rows = MIN(rows, ROWS - at);
        if (gap_at > at && gap_at < at + rows)
            rows = gap_at - at;
        if (at == gap_at && gap_at)
            at += 500;
        gst_app_src_push_buffer(GST_APP_SRC(source), buffer_of(x, at, MIN(rows, ROWS - at)));
        at += rows;
    }
    gst_app_src_end_of_stream(GST_APP_SRC(source));
    wait_for_end(pipeline);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    free(header);
}

static void events_come_with_the_block_that_made_them(void **state)
{
    (void)state;
    static struct heard heard;
    int32_t *x = patient_samples(5, SECONDS, "vf", 20);
    play(x, 1, 50, 0, &heard);
    assert_true(heard.order_ok);
    assert_true(heard.at_end);
    assert_int_equal(heard.runs_n, 1);
    unsigned beats = 0, vf = 0;
    for (size_t i = 0; i < heard.n; i++) {
        beats += heard.events[i].kind == XW_ECG_KIND_BEAT;
        vf += heard.events[i].kind == XW_ECG_KIND_ALARM &&
              heard.events[i].code == XW_ECG_RHYTHM_VF && heard.events[i].revision == 0;
    }
    assert_true(beats > 20);
    assert_int_equal(vf, 1);
    free(x);
}

/* The words are the same, and so are the places at which they were said, up to the block's end. */
static void events_do_not_depend_on_the_cut(void **state)
{
    (void)state;
    static struct heard one, other;
    const char *text = getenv("XW_TEST_SEED");
    unsigned seed = text ? (unsigned)strtoul(text, NULL, 10) : 20261122;
    static const size_t longest[] = {7, 333, 5000};
    print_message("XW_TEST_SEED=%u\n", seed);
    int32_t *x = patient_samples(seed, SECONDS, "vf", 25);
    play(x, seed, 50, 6000, &one);
    assert_true(one.n > 20);
    for (size_t i = 0; i < G_N_ELEMENTS(longest); i++) {
        play(x, seed + (unsigned)i, longest[i], 6000, &other);
        assert_int_equal(one.n, other.n);
        assert_memory_equal(one.events, other.events, one.n * sizeof(one.events[0]));
    }
    free(x);
}

static void a_gap_in_the_index_is_a_gap_to_the_chain(void **state)
{
    (void)state;
    static struct heard heard;
    int32_t *x = patient_samples(7, SECONDS, NULL, 0);
    play(x, 2, 100, 8000, &heard);
    assert_true(heard.order_ok);
    for (size_t i = 0; i < heard.n; i++)
        if (heard.events[i].kind == XW_ECG_KIND_BEAT)
            assert_false(heard.events[i].first >= 8000 && heard.events[i].first < 8500);
    free(x);
}

static void older_samples_pass_without_analysis(void **state)
{
    (void)state;
    int32_t *x = patient_samples(9, SECONDS, NULL, 0);
    GstHarness *h = harness_new();
    guint64 late = 0;
    gst_buffer_unref(gst_harness_push_and_pull(h, buffer_of(x, 1000, 100)));
    gst_buffer_unref(gst_harness_push_and_pull(h, buffer_of(x, 500, 100)));
    gst_buffer_unref(gst_harness_push_and_pull(h, buffer_of(x, 1050, 100)));
    g_object_get(h->element, "late-samples", &late, NULL);
    assert_int_equal(late, 150);
    gst_harness_teardown(h);
    free(x);
}

static void a_stream_without_header_passes(void **state)
{
    (void)state;
    int32_t *x = patient_samples(9, 1, NULL, 0);
    size_t n;
    uint8_t *header = patient_header(&n);
    GstElement *screen = g_object_new(XW_TYPE_ECGSCREEN, NULL);
    GstHarness *h = gst_harness_new_with_element(screen, "sink", "src");
    gst_object_unref(screen);
    gst_harness_set_src_caps(h, caps_of(header, n));
    gst_buffer_unref(gst_harness_push_and_pull(h, buffer_of(x, 0, 100)));
    gst_harness_teardown(h);
    free(header);
    free(x);
}

/* The same samples, with and without the flag and cut anyhow: only the index says what is missing.
 */
static void a_discontinuity_without_a_gap_is_none(void **state)
{
    (void)state;
    int32_t *x = patient_samples(13, SECONDS, NULL, 0);
    GstHarness *h = harness_new();
    unsigned beats_n[2] = {0};
    for (int flagged = 0; flagged < 2; flagged++) {
        for (uint64_t at = 0; at < ROWS; at += 125) {
            GstBuffer *in = buffer_of(x, at, 125);
            if (flagged && at % 875 == 0)
                GST_BUFFER_FLAG_SET(in, GST_BUFFER_FLAG_DISCONT);
            gst_buffer_unref(gst_harness_push_and_pull(h, in));
            for (GstEvent *e; (e = gst_harness_try_pull_event(h)); gst_event_unref(e)) {
                const struct xw_ecg_event *event = xw_gst_ecg_event_get(e);
                beats_n[flagged] +=
                    event && event->kind == XW_ECG_KIND_BEAT && event->stage == XW_ECG_STAGE_FINAL;
            }
        }
        gst_harness_teardown(h);
        h = flagged ? NULL : harness_new();
    }
    assert_true(beats_n[0] > 30);
    assert_int_equal(beats_n[0], beats_n[1]);
    free(x);
}

/* Values of a pulse wave of 125 Hz for the second that begins at ECG index `at`. */
static void push_pulse(GstHarness *h, uint64_t at, bool beats)
{
    gfloat x[125];
    for (unsigned i = 0; i < 125; i++) {
        unsigned phase = (unsigned)((at / 4 + i) % 100); /* 75 a minute */
        x[i] = beats && phase < 20 ? (gfloat)phase : 0;
    }
    const struct xw_gst_pulse pulse = {
        .wave = 1, .anew = at == 0, .rate_hz = 125, .at = (double)at, .step = 4, .x = x, .n = 125};
    gst_harness_push_event(h, xw_gst_pulse_new(&pulse));
}

static unsigned asystoles(bool with_pulse, unsigned *ret_denied)
{
    int32_t *x = patient_samples(15, SECONDS, "asystole", 20);
    GstHarness *h = harness_new();
    unsigned raised = 0;
    *ret_denied = 0;
    for (uint64_t at = 0; at < ROWS; at += PATIENT_RATE_HZ) {
        if (with_pulse)
            push_pulse(h, at, true);
        gst_buffer_unref(gst_harness_push_and_pull(h, buffer_of(x, at, PATIENT_RATE_HZ)));
        for (GstEvent *e; (e = gst_harness_try_pull_event(h)); gst_event_unref(e)) {
            const struct xw_ecg_event *event = xw_gst_ecg_event_get(e);
            raised += event && event->kind == XW_ECG_KIND_ALARM &&
                      event->code == XW_ECG_RHYTHM_ASYSTOLE && event->revision == 0;
            *ret_denied += event && event->code == XW_ECG_QUALITY_DENIED;
        }
    }
    gst_harness_teardown(h);
    free(x);
    return raised;
}

static void a_pulse_wave_in_band_denies_an_asystole(void **state)
{
    (void)state;
    unsigned denied;
    assert_int_equal(asystoles(false, &denied), 1);
    assert_int_equal(denied, 0);
    assert_int_equal(asystoles(true, &denied), 0);
    assert_int_equal(denied, 1);
}

/* Numbers that no wave has leave the chain as it is. */
static void a_senseless_pulse_wave_is_let_alone(void **state)
{
    (void)state;
    int32_t *x = patient_samples(15, 2, NULL, 0);
    GstHarness *h = harness_new();
    const gfloat values[3] = {1, (gfloat)NAN, (gfloat)INFINITY};
    const struct xw_gst_pulse bad[] = {
        {.wave = 4, .rate_hz = 125, .at = 0, .step = 4, .x = values, .n = 3},
        {.wave = 0, .rate_hz = 5, .at = 0, .step = 4, .x = values, .n = 3},
        {.wave = 0, .rate_hz = 125, .at = (gdouble)NAN, .step = 4, .x = values, .n = 3},
        {.wave = 0, .rate_hz = 125, .at = 1e300, .step = 4, .x = values, .n = 3},
        {.wave = 0, .rate_hz = 125, .at = -50, .step = -4, .x = values, .n = 3},
        {.wave = 0, .rate_hz = (gdouble)NAN, .at = 0, .step = 4, .x = values, .n = 3},
        {.wave = 0, .rate_hz = 125, .at = -1e12, .step = 4, .x = values, .n = 3},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        gst_harness_push_event(h, xw_gst_pulse_new(&bad[i]));
        gst_buffer_unref(gst_harness_push_and_pull(h, buffer_of(x, 100 * i, 100)));
    }
    gst_harness_teardown(h);
    free(x);
}

int main(int argc, char **argv)
{
    setenv("GST_REGISTRY_DISABLE", "yes", 0);
    gst_init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_pass_through_bit_for_bit),
        cmocka_unit_test(events_come_with_the_block_that_made_them),
        cmocka_unit_test(events_do_not_depend_on_the_cut),
        cmocka_unit_test(a_gap_in_the_index_is_a_gap_to_the_chain),
        cmocka_unit_test(older_samples_pass_without_analysis),
        cmocka_unit_test(a_stream_without_header_passes),
        cmocka_unit_test(a_discontinuity_without_a_gap_is_none),
        cmocka_unit_test(a_pulse_wave_in_band_denies_an_asystole),
        cmocka_unit_test(a_senseless_pulse_wave_is_let_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
