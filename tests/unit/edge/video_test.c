/* Pictures on a narrow link: the rule with a clock of its own, parts, wants. */
#include "edge/video_adapt.h"
#include "edge/video_parts.h"
#include "proto/video.pb-c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000)
#define S INT64_C(1000000)

static struct xw_adapt_lane waiting(int64_t us)
{
    return (struct xw_adapt_lane){.waiting_us = us};
}

static bool frame(struct xw_adapt *a, int64_t now_us, int64_t waiting_us, bool key)
{
    struct xw_adapt_lane lane = waiting(waiting_us);
    return xw_adapt_frame(a, now_us, &lane, key, true);
}

static void the_first_frame_sent_is_a_key_frame(void **state)
{
    struct xw_adapt a;
    (void)state;
    xw_adapt_init(&a, 250, 4000, 0);
    assert_false(frame(&a, 0, 0, false));
    assert_true(frame(&a, 40 * MS, 0, true));
    assert_true(frame(&a, 80 * MS, 0, false));
    assert_int_equal(a.kbit, 1000);
}

static void begin_at(struct xw_adapt *a, uint32_t kbit);

static void what_queues_on_the_way_is_told_by_the_county_and_counts_as_waiting(void **state)
{
    struct xw_adapt a;
    struct xw_adapt_lane lane = waiting(0);
    (void)state;
    begin_at(&a, 2000);
    assert_true(frame(&a, 0, 0, true));
    xw_adapt_delay(&a, 0, 600 * MS); /* a long way */
    xw_adapt_delay(&a, 100 * MS, 700 * MS);
    assert_true(frame(&a, 200 * MS, 0, false));
    xw_adapt_delay(&a, 300 * MS, 1300 * MS);
    assert_false(frame(&a, 300 * MS, 0, false));
    assert_int_equal(a.kbit, 1400);
    assert_false(frame(&a, 900 * MS, 0, true)); /* the queue is not gone yet */
    assert_false(xw_adapt_wants_key(&a, 900 * MS, &lane, false));
    assert_true(xw_adapt_wants_key(&a, 1000 * MS, &lane, false));
    assert_true(frame(&a, 1040 * MS, 0, true));
    xw_adapt_delay(&a, 1100 * MS, 0); /* not known */
    xw_adapt_delay(&a, 1100 * MS, 650 * MS);
    assert_true(frame(&a, 1100 * MS, 0, false));
}

static void a_way_that_becomes_longer_for_good_is_believed_in_time(void **state)
{
    struct xw_adapt a;
    (void)state;
    begin_at(&a, 2000);
    xw_adapt_delay(&a, 0, 50 * MS);
    for (int64_t t = 0; t < 60 * S; t += 300 * MS)
        xw_adapt_delay(&a, t, 900 * MS);
    assert_true(frame(&a, 60 * S, 0, true));
}

static void begin_at(struct xw_adapt *a, uint32_t kbit)
{
    xw_adapt_init(a, 250, 4000, 0);
    a->starting = false;
    a->kbit = kbit;
    a->raised_us = 0;
}

static void the_aim_grows_quickly_until_the_first_drop(void **state)
{
    struct xw_adapt a;
    struct xw_adapt_lane lane = waiting(0);
    (void)state;
    xw_adapt_init(&a, 250, 4000, 0);
    (void)frame(&a, 0, 0, true);
    for (int64_t t = 0; t <= 1 * S; t += 100 * MS)
        xw_adapt_tick(&a, t, &lane);
    assert_int_equal(a.kbit, 2250);
    (void)frame(&a, 1100 * MS, 200 * MS, false);
    assert_int_equal(a.kbit, 1575);
    (void)frame(&a, 1200 * MS, 0, true);
    for (int64_t t = 1200 * MS; t <= 10 * S; t += 100 * MS)
        xw_adapt_tick(&a, t, &lane);
    assert_int_equal(a.kbit, 1575);
    xw_adapt_init(&a, 1500, 4000, 0);
    assert_int_equal(a.kbit, 1500); /* not below the floor */
    xw_adapt_init(&a, 250, 600, 0);
    assert_int_equal(a.kbit, 600); /* nor above the ceiling */
}

static void pictures_that_wait_too_long_drop_to_the_next_key_frame(void **state)
{
    struct xw_adapt a;
    (void)state;
    begin_at(&a, 4000);
    assert_true(frame(&a, 0, 0, true));
    assert_true(frame(&a, 40 * MS, 150 * MS, false)); /* at the limit: still good */
    assert_false(frame(&a, 80 * MS, 151 * MS, false));
    assert_int_equal(a.kbit, 2800);
    assert_false(frame(&a, 120 * MS, 0, false));       /* no single picture in between */
    assert_false(frame(&a, 160 * MS, 120 * MS, true)); /* a key frame, but the lane is full */
    assert_true(frame(&a, 200 * MS, 20 * MS, true));
    assert_int_equal(a.kbit, 2800); /* one drop, one step */
}

static void what_the_lane_lost_counts_as_a_drop(void **state)
{
    struct xw_adapt a;
    (void)state;
    xw_adapt_init(&a, 250, 4000, 7);
    assert_true(frame(&(struct xw_adapt){0}, 0, 0, false)); /* nothing is dropped by itself */
    struct xw_adapt_lane lane = {.lost_n = 7};
    assert_true(xw_adapt_frame(&a, 0, &lane, true, true));
    lane.lost_n = 8;
    assert_false(xw_adapt_frame(&a, 40 * MS, &lane, false, true));
    assert_true(xw_adapt_frame(&a, 80 * MS, &lane, true, true));
    assert_false(xw_adapt_frame(&a, 120 * MS, &lane, false, false)); /* does not fit whole */
    assert_true(a.dropping);
}

static void the_aim_falls_by_steps_and_not_below_the_floor(void **state)
{
    struct xw_adapt a;
    (void)state;
    begin_at(&a, 4000);
    uint32_t before = 4000;
    for (int64_t t = 0; t < 60 * S; t += 500 * MS) {
        (void)frame(&a, t, 0, true);
        (void)frame(&a, t + 100 * MS, 200 * MS, false);
        assert_true(a.kbit <= before && a.kbit >= 250);
        before = a.kbit;
    }
    assert_int_equal(a.kbit, 250);
    assert_true(xw_adapt_lowered(&a));
    assert_false(a.yielded); /* a frame now and then still gets through */
}

static void after_ten_good_seconds_the_aim_rises_by_a_tenth(void **state)
{
    struct xw_adapt a;
    struct xw_adapt_lane lane = waiting(0);
    (void)state;
    begin_at(&a, 4000);
    (void)frame(&a, 0, 0, true);
    (void)frame(&a, 1 * S, 200 * MS, false);
    assert_int_equal(a.kbit, 2800);
    (void)frame(&a, 1100 * MS, 0, true);
    xw_adapt_tick(&a, 11 * S - 1, &lane);
    assert_int_equal(a.kbit, 2800);
    xw_adapt_tick(&a, 11 * S, &lane);
    assert_int_equal(a.kbit, 3080);
    xw_adapt_tick(&a, 20 * S, &lane);
    assert_int_equal(a.kbit, 3080);
    for (int64_t t = 21 * S; t < 200 * S; t += S)
        xw_adapt_tick(&a, t, &lane);
    assert_int_equal(a.kbit, 4000);
}

static void at_the_floor_pictures_yield_and_come_back_when_there_is_room(void **state)
{
    struct xw_adapt a;
    struct xw_adapt_lane full = waiting(400 * MS), empty = waiting(0);
    int64_t t = 0;
    (void)state;
    xw_adapt_init(&a, 250, 4000, 0);
    (void)frame(&a, 0, 0, true);
    for (; t < 30 * S && !a.yielded; t += 100 * MS) {
        assert_true(t < 40 * MS || !frame(&a, t, 400 * MS, t % S == 0));
        xw_adapt_tick(&a, t, &full);
    }
    assert_true(a.yielded);
    assert_false(xw_adapt_lowered(&a)); /* more than that */
    assert_int_equal(a.kbit, 250);
    assert_false(frame(&a, t, 0, true)); /* not at the first quiet moment */
    int64_t quiet = t;
    for (; a.yielded && t < quiet + 20 * S; t += 100 * MS)
        xw_adapt_tick(&a, t, &empty);
    assert_true(t - quiet >= 4900 * MS && t - quiet <= 5200 * MS);
    assert_false(frame(&a, t, 0, false));
    assert_true(frame(&a, t, 0, true));
}

static void suspended_samples_make_pictures_yield_at_once(void **state)
{
    struct xw_adapt a;
    struct xw_adapt_lane narrow = {.suspended = true}, wide = {0};
    (void)state;
    xw_adapt_init(&a, 250, 4000, 0);
    assert_true(frame(&a, 0, 0, true));
    xw_adapt_tick(&a, 100 * MS, &narrow);
    assert_true(a.yielded);
    xw_adapt_tick(&a, 5 * S, &narrow);
    xw_adapt_tick(&a, 9 * S, &wide);
    assert_true(a.yielded);
    xw_adapt_tick(&a, 10 * S, &wide);
    assert_false(a.yielded);
}

static void key_frames_are_asked_for_at_most_every_300_ms(void **state)
{
    struct xw_adapt a;
    struct xw_adapt_lane lane = waiting(0);
    unsigned asked = 0;
    (void)state;
    xw_adapt_init(&a, 250, 4000, 0);
    (void)frame(&a, 0, 0, true);
    assert_false(xw_adapt_wants_key(&a, 0, &lane, false));
    for (int64_t t = 0; t < 3 * S; t += 10 * MS)
        asked += xw_adapt_wants_key(&a, t, &lane, true);
    assert_int_equal(asked, 10);
    (void)frame(&a, 4 * S, 200 * MS, false);
    struct xw_adapt_lane full = waiting(200 * MS);
    assert_false(xw_adapt_wants_key(&a, 4 * S, &full, false)); /* it would only wait */
    assert_true(xw_adapt_wants_key(&a, 4100 * MS, &lane, false));
}

/* ---- parts ---- */

struct got {
    uint8_t data[XW_VIDEO_PART_MAX * 4];
    size_t size, bytes;
    uint32_t parts;
    unsigned n;
};

static int each(void *user, const void *data, size_t size)
{
    struct got *got = user;
    Xw__VideoPart *part = xw__video_part__unpack(NULL, size, data);
    assert_non_null(part);
    assert_true(size <= 16 * 1024);
    assert_true(part->data.len <= XW_VIDEO_PART_MAX);
    assert_int_equal(part->part, got->n);
    assert_int_equal(part->frame, 41);
    assert_int_equal(part->capture_wall_us, 1234567);
    assert_true(part->key);
    assert_string_equal(part->codec, got->n ? "" : "avc1.42C01F");
    assert_int_equal(part->width, got->n ? 0 : 640);
    if (part->data.len)
        memcpy(got->data + got->size, part->data.data, part->data.len);
    got->size += part->data.len;
    got->bytes += size;
    got->parts = part->parts;
    got->n++;
    xw__video_part__free_unpacked(part, NULL);
    return 0;
}

static void a_picture_comes_together_from_its_parts(void **state)
{
    static const size_t sizes[] = {0,
                                   1,
                                   XW_VIDEO_PART_MAX - 1,
                                   XW_VIDEO_PART_MAX,
                                   XW_VIDEO_PART_MAX + 1,
                                   XW_VIDEO_PART_MAX * 3 + 17};
    static uint8_t data[XW_VIDEO_PART_MAX * 4];
    static struct got got;
    (void)state;
    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = (uint8_t)(i * 31 >> 3);
    for (size_t i = 0; i < XW_ARRAY_N(sizes); i++) {
        struct xw_video_unit unit = {.attachment = xw_uuid_v7(NULL),
                                     .run = xw_uuid_v7(NULL),
                                     .frame = 41,
                                     .key = true,
                                     .capture_wall_us = 1234567,
                                     .county_offset_us = -5,
                                     .county_offset_known = true,
                                     .codec = "avc1.42C01F",
                                     .width = 640,
                                     .height = 480,
                                     .data = data,
                                     .size = sizes[i]};
        memset(&got, 0, sizeof(got));
        assert_int_equal(xw_video_parts(&unit, each, &got), 0);
        assert_int_equal(got.size, sizes[i]);
        assert_memory_equal(got.data, data, sizes[i]);
        assert_int_equal(got.n, got.parts);
        assert_true(got.bytes <= xw_video_parts_bytes(sizes[i]));
    }
}

static int never(void *user, const void *data, size_t size)
{
    (void)user;
    (void)data;
    (void)size;
    fail();
    return 0;
}

static void a_picture_of_more_parts_than_the_wire_has_is_refused(void **state)
{
    struct xw_video_unit unit = {
        .codec = "", .data = state, .size = (size_t)XW_VIDEO_PART_MAX * XW_VIDEO_PARTS_MAX + 1};
    assert_int_equal(xw_video_parts(&unit, never, NULL), -EMSGSIZE);
}

static void a_want_is_read_and_nonsense_refused(void **state)
{
    struct xw_video_want want;
    uint8_t packed[64];
    struct xw_uuid id = xw_uuid_v7(NULL);
    Xw__VideoWant message = XW__VIDEO_WANT__INIT;
    (void)state;
    message.attachment_id = (ProtobufCBinaryData){16, id.b};
    message.on = message.key = true;
    message.delay_ms = 730;
    size_t n = xw__video_want__pack(&message, packed);
    assert_int_equal(xw_video_want_parse(packed, n, &want), 0);
    assert_int_equal(want.delay_ms, 730);
    assert_true(want.on && want.key && xw_uuid_equal(&want.attachment, &id));
    for (size_t cut = 0; cut < n; cut++)
        if (cut < 18)
            assert_true(xw_video_want_parse(packed, cut, &want) < 0);
    message.attachment_id.len = 15;
    n = xw__video_want__pack(&message, packed);
    assert_true(xw_video_want_parse(packed, n, &want) < 0);
    assert_true(xw_video_want_parse(packed, 100000, &want) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_queues_on_the_way_is_told_by_the_county_and_counts_as_waiting),
        cmocka_unit_test(a_way_that_becomes_longer_for_good_is_believed_in_time),
        cmocka_unit_test(the_first_frame_sent_is_a_key_frame),
        cmocka_unit_test(the_aim_grows_quickly_until_the_first_drop),
        cmocka_unit_test(pictures_that_wait_too_long_drop_to_the_next_key_frame),
        cmocka_unit_test(what_the_lane_lost_counts_as_a_drop),
        cmocka_unit_test(the_aim_falls_by_steps_and_not_below_the_floor),
        cmocka_unit_test(after_ten_good_seconds_the_aim_rises_by_a_tenth),
        cmocka_unit_test(at_the_floor_pictures_yield_and_come_back_when_there_is_room),
        cmocka_unit_test(suspended_samples_make_pictures_yield_at_once),
        cmocka_unit_test(key_frames_are_asked_for_at_most_every_300_ms),
        cmocka_unit_test(a_picture_comes_together_from_its_parts),
        cmocka_unit_test(a_picture_of_more_parts_than_the_wire_has_is_refused),
        cmocka_unit_test(a_want_is_read_and_nonsense_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
