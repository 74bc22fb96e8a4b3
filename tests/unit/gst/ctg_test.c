/* wfdbsrc ! ctgscreen ! xwsink: a CTU-UHB record is a CTG, its samples pass untouched, and what is
 * said of them comes with the block that made it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <gst/gst.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dsp/synth/ctg.h"
#include "gst/ctgscreen.h"
#include "gst/header.h"
#include "gst/message.h"
#include "gst/wfdbsrc.h"
#include "gst/xwsink.h"

enum { HZ = 4, ROWS = 40 * 60 * HZ, EVENTS_MAX = 1024 };

static char folder[] = "/tmp/xw-gst-ctg-XXXXXX";
static char location[64];
static int16_t samples[ROWS * 2];

/* A labour as CTU-UHB writes one: format 16, gain 100, 0 = no signal. */
static void write_record(void)
{
    static int32_t x[ROWS * 4];
    const struct xw_synth_ctg_config config = {
        .rate_num = HZ, .rate_den = 1, .seed = 3, .fetuses_n = 1};
    struct xw_synth_ctg *ctg = NULL;
    char path[80];
    assert_int_equal(xw_synth_ctg_new(&config, &ctg), 0);
    xw_synth_ctg_read(ctg, x, ROWS / 2);
    assert_int_equal(xw_synth_ctg_set_scene(ctg, "loss"), 0);
    xw_synth_ctg_read(ctg, x + ROWS / 2 * 4, ROWS / 4);
    assert_int_equal(xw_synth_ctg_set_scene(ctg, "normal"), 0);
    xw_synth_ctg_read(ctg, x + ROWS / 4 * 3 * 4, ROWS / 4);
    xw_synth_ctg_free(ctg);
    for (size_t i = 0; i < ROWS; i++) {
        samples[2 * i] = (int16_t)(x[4 * i] * 25);
        samples[2 * i + 1] = (int16_t)(x[4 * i + 2] * 50);
    }
    assert_non_null(mkdtemp(folder));
    snprintf(location, sizeof(location), "%s/1", folder);
    snprintf(path, sizeof(path), "%s.hea", location);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file, "1 2 4 %d\n1.dat 16 100(0)/bpm 12 0 0 0 0 FHR\n1.dat 16 100/nd 12 0 0 0 0 UC\n",
            ROWS);
    fclose(file);
    snprintf(path, sizeof(path), "%s.dat", location);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(samples, sizeof(samples), 1, file), 1);
    fclose(file);
}

struct heard {
    struct xw_ecg_event events[EVENTS_MAX];
    size_t n;
    uint64_t end;
    bool same, in_place;
    unsigned runs_n;
};

static void on_run(void *user, const struct xw_ecg_run *run)
{
    struct heard *heard = user;
    assert_string_equal(run->code_version, "xwdsp-fetal 1");
    heard->runs_n++;
}

static void on_block(void *user, GstBuffer *buffer, const struct xw_ecg_event *events, size_t n)
{
    struct heard *heard = user;
    uint64_t end = buffer ? GST_BUFFER_OFFSET_END(buffer) : UINT64_MAX;
    GstMapInfo map;
    for (size_t i = 0; i < n; i++) {
        assert_true(heard->n < EVENTS_MAX);
        heard->in_place &=
            (uint64_t)events[i].emitted_at <= end && (uint64_t)events[i].emitted_at >= heard->end;
        heard->events[heard->n++] = events[i];
    }
    if (!buffer || !gst_buffer_map(buffer, &map, GST_MAP_READ))
        return;
    const int32_t *x = (const int32_t *)(const void *)map.data;
    for (size_t i = 0; i < map.size / 4; i++)
        heard->same &= x[i] == samples[heard->end * 2 + i];
    gst_buffer_unmap(buffer, &map);
    heard->end = end;
}

static void play(guint block_ms, struct heard *heard)
{
    GstElement *pipeline = gst_pipeline_new(NULL);
    GstElement *source =
        g_object_new(XW_TYPE_WFDBSRC, "location", location, "block-ms", block_ms, NULL);
    GstElement *screen = g_object_new(XW_TYPE_CTGSCREEN, "post-messages", FALSE, NULL);
    XwSink *sink = g_object_new(XW_TYPE_SINK, NULL);
    memset(heard, 0, sizeof(*heard));
    heard->same = heard->in_place = true;
    xw_sink_set_handler(sink, &(struct xw_sink_handler){heard, on_run, on_block});
    gst_bin_add_many(GST_BIN(pipeline), source, screen, GST_ELEMENT(sink), NULL);
    assert_true(gst_element_link_many(source, screen, GST_ELEMENT(sink), NULL));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *m =
        gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    assert_non_null(m);
    assert_int_equal(GST_MESSAGE_TYPE(m), GST_MESSAGE_EOS);
    gst_message_unref(m);
    gst_object_unref(bus);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
}

static void a_record_of_fetal_rates_is_a_ctg(void **state)
{
    (void)state;
    struct xw_wfdb_reader *reader = NULL;
    struct xw_wfdb_error error = {0};
    struct xw_fetal_config config;
    guint8 *bytes = NULL;
    gsize size = 0;
    assert_int_equal(xw_wfdb_reader_open(location, NULL, 0, &reader, &error), 0);
    assert_int_equal(xw_gst_header_from_wfdb(reader, &bytes, &size), 0);
    Xw__StreamHeader *header = xw__stream_header__unpack(NULL, size, bytes);
    assert_non_null(header);
    assert_int_equal(header->modality, XW__MODALITY__MODALITY_CTG);
    assert_int_equal(header->n_channels, 2);
    assert_string_equal(header->channels[0]->code, "FHR1");
    assert_string_equal(header->channels[0]->unit, "/min");
    assert_true(header->channels[0]->has_invalid);
    assert_int_equal(header->channels[0]->invalid, 0);
    assert_int_equal(header->channels[0]->gain->num, 100);
    assert_string_equal(header->channels[1]->code, "UC");
    assert_string_equal(header->channels[1]->unit, "{toco}");
    assert_int_equal(xw_gst_header_fetal_config(header, &config), 0);
    header->rate->num = 25; /* kept, but not analysed */
    assert_true(xw_gst_header_fetal_config(header, &config) < 0);
    header->rate->num = 4;
    header->modality = XW__MODALITY__MODALITY_ECG;
    assert_true(xw_gst_header_fetal_config(header, &config) < 0);
    xw__stream_header__free_unpacked(header, NULL);
    g_free(bytes);
    xw_wfdb_reader_close(reader);
}

static void samples_pass_and_events_come_with_their_block(void **state)
{
    (void)state;
    static struct heard one, other;
    play(500, &one);
    assert_true(one.same && one.in_place);
    assert_int_equal(one.end, ROWS);
    assert_int_equal(one.runs_n, 1);
    size_t minutes = 0, alarms = 0;
    for (size_t i = 0; i < one.n; i++) {
        minutes += one.events[i].code == XW_FETAL_SIGNAL;
        alarms += one.events[i].code == XW_FETAL_SIGNAL_LOSS && one.events[i].revision == 0;
    }
    assert_int_equal(minutes, 40);
    assert_int_equal(alarms, 1);
    for (guint block_ms = 250; block_ms <= 5000; block_ms += 1750) {
        play(block_ms, &other);
        assert_int_equal(one.n, other.n);
        assert_memory_equal(one.events, other.events, one.n * sizeof(one.events[0]));
    }
}

static void the_word_of_expected_probes_is_read_back(void **state)
{
    (void)state;
    guint32 fetuses = 0;
    GstEvent *event = xw_gst_expect_new(5);
    assert_true(xw_gst_expect_get(event, &fetuses));
    assert_int_equal(fetuses, 5);
    gst_event_unref(event);
    event = xw_gst_lead_off_new(1, 2);
    assert_false(xw_gst_expect_get(event, &fetuses));
    gst_event_unref(event);
}

int main(int argc, char **argv)
{
    setenv("GST_REGISTRY_DISABLE", "yes", 0);
    gst_init(&argc, &argv);
    write_record();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_of_fetal_rates_is_a_ctg),
        cmocka_unit_test(samples_pass_and_events_come_with_their_block),
        cmocka_unit_test(the_word_of_expected_probes_is_read_back),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    char path[80];
    snprintf(path, sizeof(path), "%s.hea", location);
    unlink(path);
    snprintf(path, sizeof(path), "%s.dat", location);
    unlink(path);
    rmdir(folder);
    return failed;
}
