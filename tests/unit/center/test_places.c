/* Attachments, their newest values, clips, and ranges of objects. */
#include "center/attachments.h"
#include "center/clips.h"
#include "center/http_object.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct xw_clock clock_;

static int64_t offset_us(void *user, const char *gateway_id)
{
    (void)user;
    (void)gateway_id;
    return 1000;
}

static struct xw_attachments *open_table(void)
{
    struct xw_attachments *t;
    xw_clock_fake_init(&clock_, 1000000, 1800000000000000);
    struct xw_attachments_config config = {.clock = &clock_, .offset_us = offset_us};
    assert_int_equal(xw_attachments_new(&config, &t), 0);
    return t;
}

static struct xw_uuid id_of(unsigned n)
{
    struct xw_uuid id = {{0}};
    memcpy(id.b, &n, sizeof(n));
    id.b[15] = 1;
    return id;
}

static const struct xw_attachment *attach(struct xw_attachments *t, unsigned n, const char *gateway,
                                          const char *bed, uint64_t revision, bool attached)
{
    struct xw_uuid id = id_of(n);
    Xw__Attachment a = XW__ATTACHMENT__INIT;
    uint8_t body[256];
    a.attachment_id = (ProtobufCBinaryData){16, id.b};
    a.device_id = "dev";
    a.bed = (char *)(uintptr_t)bed;
    a.attached = attached;
    struct xw_store_record record = {.body = body,
                                     .body_size = xw__attachment__pack(&a, body),
                                     .revision = revision,
                                     .origin = gateway};
    xw_clock_fake_advance(&clock_, 1);
    return xw_attachments_record(t, &record);
}

struct value {
    unsigned attachment;
    const char *code, *source;
    int64_t wall_us, received_us, offset_us;
    bool offset_known;
    double number;
};

static int observe(struct xw_attachments *t, const char *gateway, struct value v)
{
    struct xw_uuid id = id_of(v.attachment), own = id_of(7), got;
    Xw__Observation o = XW__OBSERVATION__INIT;
    uint8_t body[512];
    o.attachment_id = (ProtobufCBinaryData){16, id.b};
    o.observation_id = (ProtobufCBinaryData){16, own.b};
    o.code = (char *)(uintptr_t)v.code;
    o.source = (char *)(uintptr_t)(v.source ? v.source : "");
    o.wall_us = v.wall_us;
    o.received_wall_us = v.received_us;
    o.county_offset_known = v.offset_known;
    o.county_offset_us = v.offset_us;
    o.value_case = XW__OBSERVATION__VALUE_NUMBER;
    o.number = v.number;
    struct xw_store_record record = {.body = body,
                                     .body_size = xw__observation__pack(&o, body),
                                     .revision = 1,
                                     .origin = gateway};
    xw_clock_fake_advance(&clock_, 1);
    return xw_attachments_observation(t, &record, &got);
}

static const struct xw_attachment *get(struct xw_attachments *t, unsigned n)
{
    struct xw_uuid id = id_of(n);
    return xw_attachments_find(t, &id);
}

static void the_highest_revision_is_the_state_in_any_order(void **state)
{
    (void)state;
    struct xw_attachments *t = open_table();
    assert_non_null(attach(t, 1, "gw", "3", 5, true));
    assert_non_null(attach(t, 1, "gw", "2", 4, false));
    assert_string_equal(get(t, 1)->bed, "3");
    assert_true(get(t, 1)->attached);
    assert_non_null(attach(t, 1, "gw", "3", 6, false));
    assert_false(get(t, 1)->attached);
    assert_int_equal(xw_attachments_n(t), 1);
    xw_attachments_free(t);
}

static void another_gateway_does_not_take_a_device_that_has_one(void **state)
{
    (void)state;
    struct xw_attachments *t = open_table();
    assert_non_null(attach(t, 1, "gw", "3", 1, true));
    assert_null(attach(t, 1, "thief", "9", 2, true));
    assert_string_equal(get(t, 1)->gateway_id, "gw");
    assert_string_equal(get(t, 1)->bed, "3");
    assert_int_equal(observe(t, "thief", (struct value){1, "a", NULL, 1, 1, 0, false, 5}), -EPERM);
    assert_int_equal(get(t, 1)->newest_n, 0);
    /* Who only spoke of it before its record came gives way to the record. */
    assert_int_equal(observe(t, "thief", (struct value){2, "a", NULL, 1, 1, 0, false, 5}), 1);
    assert_non_null(attach(t, 2, "gw", "3", 1, true));
    assert_string_equal(get(t, 2)->gateway_id, "gw");
    assert_int_equal(get(t, 2)->newest_n, 0);
    xw_attachments_free(t);
}

static void the_newest_of_a_code_is_by_county_time(void **state)
{
    (void)state;
    struct xw_attachments *t = open_table();
    assert_int_equal(observe(t, "gw", (struct value){1, "hr", NULL, 1000, 1000, 0, true, 70}), 1);
    assert_int_equal(observe(t, "gw", (struct value){1, "hr", NULL, 900, 1100, 0, true, 71}), 0);
    /* Earlier by the gateway's clock, later by the county's. */
    assert_int_equal(observe(t, "gw", (struct value){1, "hr", NULL, 900, 1100, 5000, true, 72}), 1);
    assert_int_equal(get(t, 1)->newest_n, 1);
    assert_true(get(t, 1)->newest[0].wire->number == 72);
    assert_int_equal(get(t, 1)->newest[0].wall_us, 5900);
    /* The same moment: what was received later; and another source is another value. */
    assert_int_equal(observe(t, "gw", (struct value){1, "hr", NULL, 900, 1050, 5000, true, 73}), 0);
    assert_int_equal(observe(t, "gw", (struct value){1, "hr", NULL, 900, 1200, 5000, true, 74}), 1);
    assert_int_equal(observe(t, "gw", (struct value){1, "hr", "spo2", 1, 1, 0, false, 75}), 1);
    assert_int_equal(get(t, 1)->newest_n, 2);
    assert_int_equal(get(t, 1)->newest[1].wall_us, 1001); /* by the link's clock exchange */
    xw_attachments_free(t);
}

static void an_observation_out_of_its_limits_is_refused(void **state)
{
    (void)state;
    struct xw_attachments *t = open_table();
    char text[80] = {0};
    memset(text, 'x', 65);
    assert_int_equal(observe(t, "gw", (struct value){1, "", NULL, 1, 1, 0, false, 1}), -EBADMSG);
    assert_int_equal(observe(t, "gw", (struct value){1, text, NULL, 1, 1, 0, false, 1}), -EBADMSG);
    assert_int_equal(observe(t, "gw", (struct value){1, "a", text, 1, 1, 0, false, 1}), -EBADMSG);
    assert_int_equal(observe(t, "gw", (struct value){1, "a", NULL, -1, 1, 0, false, 1}), -EBADMSG);
    assert_int_equal(observe(t, "gw", (struct value){1, "a", NULL, 1, 1, 0, false, NAN}), -EBADMSG);
    assert_int_equal(observe(t, "gw", (struct value){1, "a", NULL, 1, 1, INT64_MIN, true, 1}),
                     -EBADMSG);
    assert_int_equal(xw_attachments_n(t), 0);
    xw_attachments_free(t);
}

static void codes_of_an_attachment_are_limited_and_the_oldest_goes(void **state)
{
    (void)state;
    struct xw_attachments *t = open_table();
    char code[16];
    for (int i = 0; i < XW_CODES_MAX + 50; i++) {
        snprintf(code, sizeof(code), "c%d", i);
        assert_int_equal(observe(t, "gw", (struct value){1, code, NULL, i + 1, 1, 0, true, 1}), 1);
    }
    assert_int_equal(get(t, 1)->newest_n, XW_CODES_MAX);
    for (uint32_t i = 0; i < XW_CODES_MAX; i++)
        assert_true(get(t, 1)->newest[i].wall_us > 50);
    xw_attachments_free(t);
}

static void when_the_table_is_full_a_detached_one_goes_first(void **state)
{
    (void)state;
    struct xw_attachments *t = open_table();
    for (unsigned i = 0; i < XW_ATTACHMENTS_MAX; i++)
        assert_non_null(attach(t, i, "gw", "", 1, i != 77));
    assert_non_null(attach(t, 100000, "gw", "", 1, true));
    assert_int_equal(xw_attachments_n(t), XW_ATTACHMENTS_MAX);
    assert_null(get(t, 77));
    assert_non_null(get(t, 0)); /* used now */
    assert_non_null(attach(t, 100001, "gw", "", 1, true));
    assert_null(get(t, 1));
    assert_non_null(get(t, 0));
    xw_attachments_free(t);
}

static void values_in_memory_are_limited_and_told_as_incomplete(void **state)
{
    (void)state;
    struct xw_attachments *t = open_table();
    char code[16];
    unsigned n = XW_OBSERVATIONS_MAX / XW_CODES_MAX;
    for (unsigned a = 0; a <= n; a++) {
        for (int i = 0; i < XW_CODES_MAX; i++) {
            snprintf(code, sizeof(code), "c%d", i);
            assert_int_equal(observe(t, "gw", (struct value){a, code, NULL, 1, 1, 0, true, 1}), 1);
        }
        struct xw_uuid id = id_of(a);
        xw_attachments_complete(t, &id);
    }
    assert_int_equal(get(t, 0)->newest_n, 0);
    assert_false(get(t, 0)->complete);
    assert_int_equal(get(t, n)->newest_n, XW_CODES_MAX);
    assert_true(get(t, n)->complete);
    xw_attachments_free(t);
}

static void beds_are_by_gateway_and_name(void **state)
{
    (void)state;
    struct xw_attachments *t = open_table();
    struct xw_uuid a = xw_bed_id(attach(t, 1, "gw", "3", 1, true));
    struct xw_uuid b = xw_bed_id(attach(t, 2, "gw", "3", 1, true));
    struct xw_uuid c = xw_bed_id(attach(t, 3, "other", "3", 1, true));
    struct xw_uuid d = xw_bed_id(attach(t, 4, "gw", "", 1, true)), own = id_of(4);
    assert_true(xw_uuid_equal(&a, &b));
    assert_false(xw_uuid_equal(&a, &c));
    assert_true(xw_uuid_equal(&d, &own));
    xw_attachments_free(t);
}

/* ---- clips ---- */

static const struct xw_clip *clip(struct xw_clips *clips, unsigned n, const char *gateway,
                                  uint64_t revision, Xw__ClipEnd end)
{
    struct xw_uuid id = id_of(n), attachment = id_of(1);
    uint8_t body[512], sha256[32] = {(uint8_t)n};
    Xw__Clip c = XW__CLIP__INIT;
    c.clip_id = (ProtobufCBinaryData){16, id.b};
    c.attachment_id = (ProtobufCBinaryData){16, attachment.b};
    c.end = end;
    c.start_wall_us = 1000;
    if (end)
        c.sha256 = (ProtobufCBinaryData){32, sha256};
    c.media_type = "video/mp4";
    struct xw_store_record record = {.body = body,
                                     .body_size = xw__clip__pack(&c, body),
                                     .revision = revision,
                                     .origin = gateway};
    return xw_clips_record(clips, &record);
}

static void a_clip_is_its_highest_revision_and_stays_its_gateways(void **state)
{
    struct xw_clips *clips;
    uint8_t sha256[32] = {3};
    (void)state;
    assert_int_equal(xw_clips_new(&clips), 0);
    assert_non_null(clip(clips, 3, "gw", 2, XW__CLIP_END__CLIP_STOPPED));
    assert_non_null(clip(clips, 3, "gw", 1, XW__CLIP_END__CLIP_RUNNING));
    assert_null(clip(clips, 3, "thief", 3, XW__CLIP_END__CLIP_FAILED));
    const struct xw_clip *c = xw_clips_object(clips, sha256, NULL);
    assert_non_null(c);
    assert_int_equal(c->wire->end, XW__CLIP_END__CLIP_STOPPED);
    assert_null(xw_clips_object(clips, sha256, c));
    json_t *o = xw_clip_json(c, 500, 7);
    assert_string_equal(json_string_value(json_object_get(o, "end")), "stopped");
    assert_int_equal(json_integer_value(json_object_get(o, "start_wall_us")), 1500);
    assert_int_equal(json_integer_value(json_object_get(o, "held")), 7);
    assert_true(json_is_null(json_object_get(o, "end_wall_us")));
    json_decref(o);
    xw_clips_free(clips);
}

static void a_full_table_keeps_what_is_running(void **state)
{
    struct xw_clips *clips;
    (void)state;
    assert_int_equal(xw_clips_new(&clips), 0);
    for (unsigned i = 0; i < XW_CLIPS_MAX; i++)
        assert_non_null(
            clip(clips, i, "gw", 1, i ? XW__CLIP_END__CLIP_STOPPED : XW__CLIP_END__CLIP_RUNNING));
    assert_non_null(clip(clips, 1 << 20, "gw", 1, XW__CLIP_END__CLIP_STOPPED));
    assert_int_equal(xw_clips_n(clips), XW_CLIPS_MAX);
    struct xw_uuid running = id_of(0);
    assert_non_null(xw_clips_find(clips, &running));
    xw_clips_free(clips);
}

static void a_media_type_is_one_of_ours_or_plain_bytes(void **state)
{
    (void)state;
    assert_string_equal(xw_clip_media_type("video/mp4"), "video/mp4");
    assert_string_equal(xw_clip_media_type("text/html"), "application/octet-stream");
    assert_string_equal(xw_clip_media_type("video/mp4\r\nx: y"), "application/octet-stream");
    assert_string_equal(xw_clip_media_type(""), "application/octet-stream");
}

static void a_range_header_is_one_range_everything_or_416(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t size;
        int r;
        uint64_t first, count;
    } cases[] = {
        {"bytes=0-0", 10, 1, 0, 1},
        {"bytes=0-", 10, 1, 0, 10},
        {"bytes=9-", 10, 1, 9, 1},
        {"bytes=2-5", 10, 1, 2, 4},
        {"bytes=2-500", 10, 1, 2, 8},
        {"bytes=-3", 10, 1, 7, 3},
        {"bytes=-300", 10, 1, 0, 10},
        {"bytes=10-", 10, -ERANGE, 0, 0},
        {"bytes=0-", 0, -ERANGE, 0, 0},
        {"bytes=-0", 10, -ERANGE, 0, 0},
        {"bytes=-1", 0, -ERANGE, 0, 0},
        {"bytes=5-2", 10, 0, 0, 0},
        {"bytes=", 10, 0, 0, 0},
        {"bytes=-", 10, 0, 0, 0},
        {"bytes=1", 10, 0, 0, 0},
        {"bytes=1-2,4-5", 10, 0, 0, 0},
        {"bytes= 1-2", 10, 0, 0, 0},
        {"bytes=1-2 ", 10, 0, 0, 0},
        {"bytes=99999999999999999999-", 10, 0, 0, 0},
        {"lines=1-2", 10, 0, 0, 0},
        {"", 10, 0, 0, 0},
    };
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        uint64_t first = 0, count = 0;
        int r = xw_http_range(cases[i].text, cases[i].size, &first, &count);
        if (r != cases[i].r || first != cases[i].first || count != cases[i].count)
            fail_msg("%s of %llu: %d", cases[i].text, (unsigned long long)cases[i].size, r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_highest_revision_is_the_state_in_any_order),
        cmocka_unit_test(another_gateway_does_not_take_a_device_that_has_one),
        cmocka_unit_test(the_newest_of_a_code_is_by_county_time),
        cmocka_unit_test(an_observation_out_of_its_limits_is_refused),
        cmocka_unit_test(codes_of_an_attachment_are_limited_and_the_oldest_goes),
        cmocka_unit_test(when_the_table_is_full_a_detached_one_goes_first),
        cmocka_unit_test(values_in_memory_are_limited_and_told_as_incomplete),
        cmocka_unit_test(beds_are_by_gateway_and_name),
        cmocka_unit_test(a_clip_is_its_highest_revision_and_stays_its_gateways),
        cmocka_unit_test(a_full_table_keeps_what_is_running),
        cmocka_unit_test(a_media_type_is_one_of_ours_or_plain_bytes),
        cmocka_unit_test(a_range_header_is_one_range_everything_or_416),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
