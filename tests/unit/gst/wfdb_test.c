/* wfdbsrc on a real recording (MIT-BIH 100): every sample, in order, with its index and time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <gst/check/gstharness.h>
#include <stdio.h>
#include <stdlib.h>

#include "gst/header.h"
#include "gst/message.h"
#include "gst/wfdbsrc.h"
#include "gst/xwsink.h"

static char location[4096];

struct heard {
    struct xw_wfdb_reader *reader;
    uint64_t next;
    bool at_end, same;
};

static void on_run(void *user, const struct xw_ecg_run *run)
{
    (void)user;
    (void)run;
}

static void on_block(void *user, GstBuffer *buffer, const struct xw_ecg_event *events, size_t n)
{
    struct heard *heard = user;
    int32_t rows[2 * 4096];
    (void)events;
    (void)n;
    heard->at_end = !buffer;
    if (!buffer)
        return;
    uint64_t count = GST_BUFFER_OFFSET_END(buffer) - GST_BUFFER_OFFSET(buffer);
    assert_int_equal(GST_BUFFER_OFFSET(buffer), heard->next);
    assert_int_equal(xw_wfdb_reader_read(heard->reader, rows, count, NULL), (int64_t)count);
    heard->same = heard->same && !gst_buffer_memcmp(buffer, 0, rows, count * 8);
    assert_int_equal(GST_BUFFER_PTS(buffer),
                     gst_util_uint64_scale_round(heard->next, GST_SECOND, 360));
    heard->next += count;
}

static void every_sample_comes_once(void **state)
{
    (void)state;
    struct heard heard = {.same = true};
    assert_int_equal(xw_wfdb_reader_open(location, NULL, 0, &heard.reader, NULL), 0);
    GstElement *pipeline = gst_pipeline_new(NULL);
    GstElement *source = g_object_new(XW_TYPE_WFDBSRC, "location", location, NULL);
    XwSink *sink = g_object_new(XW_TYPE_SINK, NULL);
    xw_sink_set_handler(sink, &(struct xw_sink_handler){&heard, on_run, on_block});
    gst_bin_add_many(GST_BIN(pipeline), source, GST_ELEMENT(sink), NULL);
    assert_true(gst_element_link(source, GST_ELEMENT(sink)));
    gst_element_set_state(pipeline, GST_STATE_PLAYING);
    GstBus *bus = gst_element_get_bus(pipeline);
    GstMessage *m =
        gst_bus_timed_pop_filtered(bus, 60 * GST_SECOND, GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    assert_int_equal(GST_MESSAGE_TYPE(m), GST_MESSAGE_EOS);
    gst_message_unref(m);
    gst_object_unref(bus);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
    assert_true(heard.at_end && heard.same);
    assert_int_equal(heard.next, (uint64_t)xw_wfdb_reader_length(heard.reader));
    xw_wfdb_reader_close(heard.reader);
}

static void a_missing_record_is_a_clear_error(void **state)
{
    (void)state;
    GstElement *pipeline = gst_pipeline_new(NULL);
    GstElement *source = g_object_new(XW_TYPE_WFDBSRC, "location", "no/such/record", NULL);
    gst_bin_add(GST_BIN(pipeline), source);
    assert_int_equal(gst_element_set_state(pipeline, GST_STATE_PAUSED), GST_STATE_CHANGE_FAILURE);
    gst_element_set_state(pipeline, GST_STATE_NULL);
    gst_object_unref(pipeline);
}

int main(int argc, char **argv)
{
    const char *data = getenv("XW_DATA");
    if (!data)
        return 77;
    snprintf(location, sizeof(location), "%s/mitdb/100", data);
    setenv("GST_REGISTRY_DISABLE", "yes", 0);
    gst_init(&argc, &argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_sample_comes_once),
        cmocka_unit_test(a_missing_record_is_a_clear_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
