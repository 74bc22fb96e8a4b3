/* Live pictures: parts to access units in any order, what is lost, and what is asked of the
 * gateway. */
#include "center/video.h"
#include "center/video_join.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { PARTS = 6, SIZE = 1000 };

/* ---- the joiner ---- */

struct join {
    struct xw_video_budget budget;
    struct xw_video_join join;
    int64_t now_us;
};

static void join_init(struct join *j)
{
    *j = (struct join){.budget = {.max_bytes = 8 << 20}};
    xw_video_join_init(&j->join, &j->budget);
}

static void join_done(struct join *j)
{
    xw_video_join_done(&j->join);
    assert_int_equal(j->budget.used_bytes, 0);
}

static Xw__VideoPart part_of(uint8_t run, uint64_t frame, uint32_t part, uint32_t parts, bool key)
{
    static uint8_t attachment[16] = {1}, runs[256][16], data[XW_VIDEO_PART_MAX_BYTES];
    Xw__VideoPart p = XW__VIDEO_PART__INIT;
    runs[run][0] = run;
    memset(data, (int)(frame * 16 + part) & 255, sizeof(data));
    p.attachment_id = (ProtobufCBinaryData){16, attachment};
    p.run_id = (ProtobufCBinaryData){16, runs[run]};
    p.frame = frame;
    p.part = part;
    p.parts = parts;
    p.key = key;
    p.capture_wall_us = 1000000 + (int64_t)frame;
    if (part == 0) {
        p.codec = "avc1.42C01F";
        p.width = 640;
        p.height = 480;
    }
    p.data = (ProtobufCBinaryData){SIZE + part, data};
    return p;
}

static int feed(struct join *j, uint8_t run, uint64_t frame, uint32_t part, uint32_t parts,
                bool key)
{
    Xw__VideoPart p = part_of(run, frame, part, parts, key);
    return xw_video_join_part(&j->join, &p, j->now_us);
}

static void feed_whole(struct join *j, uint8_t run, uint64_t frame, bool key)
{
    for (uint32_t i = 0; i < PARTS; i++)
        assert_int_equal(feed(j, run, frame, i, PARTS, key), 0);
}

/* Takes the next unit out and checks its bytes; its frame, or -1. */
static int64_t next(struct join *j)
{
    struct xw_video_unit unit;
    const uint8_t *data;
    int r = xw_video_join_next(&j->join, &unit, &data);
    if (r == 0)
        return -1;
    assert_int_equal(r, 1);
    size_t at = 0;
    for (uint32_t i = 0; i < unit.parts; i++)
        for (size_t k = 0; k < SIZE + i; k++)
            assert_int_equal(data[at++], (unit.frame * 16 + i) & 255);
    assert_int_equal(at, unit.size);
    assert_string_equal(unit.codec, "avc1.42C01F");
    return (int64_t)unit.frame;
}

static void parts_in_any_order_and_twice_make_the_same_unit(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (unsigned round = 0; round < 200; round++) {
        struct join j;
        uint32_t order[PARTS];
        join_init(&j);
        for (uint32_t i = 0; i < PARTS; i++)
            order[i] = i;
        for (uint32_t i = PARTS - 1; i > 0; i--) {
            uint32_t k = (uint32_t)rand_r(&seed) % (i + 1), swap = order[i];
            order[i] = order[k];
            order[k] = swap;
        }
        for (uint32_t i = 0; i < PARTS; i++) {
            assert_int_equal(next(&j), -1);
            assert_int_equal(feed(&j, 1, 0, order[i], PARTS, true), 0);
            if (i + 1 < PARTS)
                assert_int_equal(feed(&j, 1, 0, order[i], PARTS, true), 0);
        }
        assert_int_equal(next(&j), 0);
        assert_int_equal(next(&j), -1);
        assert_int_equal(feed(&j, 1, 0, 3, PARTS, true), 0); /* once more, too late */
        assert_int_equal(next(&j), -1);
        assert_int_equal(j.join.lost_n, 0);
        join_done(&j);
    }
}

static void two_units_may_interleave_and_come_out_in_order(void **state)
{
    struct join j;
    (void)state;
    join_init(&j);
    feed_whole(&j, 1, 0, true);
    assert_int_equal(next(&j), 0);
    for (uint32_t i = 0; i < PARTS - 1; i++) {
        assert_int_equal(feed(&j, 1, 1, i, PARTS, false), 0);
        assert_int_equal(feed(&j, 1, 2, i, PARTS, false), 0);
    }
    assert_int_equal(feed(&j, 1, 2, PARTS - 1, PARTS, false), 0);
    assert_int_equal(next(&j), -1);
    assert_int_equal(feed(&j, 1, 1, PARTS - 1, PARTS, false), 0);
    assert_int_equal(next(&j), 1);
    assert_int_equal(next(&j), 2);
    assert_int_equal(j.join.lost_n, 0);
    join_done(&j);
}

static void nothing_comes_before_a_key_frame(void **state)
{
    struct join j;
    (void)state;
    join_init(&j);
    feed_whole(&j, 1, 5, false);
    assert_int_equal(next(&j), -1);
    assert_true(j.join.need_key);
    feed_whole(&j, 1, 6, true);
    assert_int_equal(next(&j), 6);
    feed_whole(&j, 1, 7, false);
    assert_int_equal(next(&j), 7);
    join_done(&j);
}

static void a_missing_part_costs_its_unit_and_what_follows_up_to_the_next_key(void **state)
{
    struct join j;
    (void)state;
    join_init(&j);
    feed_whole(&j, 1, 0, true);
    assert_int_equal(next(&j), 0);
    for (uint32_t i = 0; i < PARTS - 1; i++)
        assert_int_equal(feed(&j, 1, 1, i, PARTS, false), 0);
    for (uint64_t frame = 2; frame < 6; frame++) {
        feed_whole(&j, 1, frame, false);
        assert_int_equal(next(&j), -1);
    }
    assert_true(j.join.need_key);
    feed_whole(&j, 1, 6, true);
    assert_int_equal(next(&j), 6);
    feed_whole(&j, 1, 7, false);
    assert_int_equal(next(&j), 7);
    assert_true(j.join.lost_n >= 1);
    join_done(&j);
}

static void a_whole_key_frame_does_not_wait_for_an_older_unit(void **state)
{
    struct join j;
    (void)state;
    join_init(&j);
    feed_whole(&j, 1, 0, true);
    assert_int_equal(next(&j), 0);
    assert_int_equal(feed(&j, 1, 1, 0, PARTS, false), 0);
    feed_whole(&j, 1, 2, true);
    assert_int_equal(next(&j), 2);
    assert_int_equal(j.join.lost_n, 1);
    join_done(&j);
}

static void a_jump_of_the_sender_goes_on_with_its_key_frame_only(void **state)
{
    struct join j;
    (void)state;
    join_init(&j);
    feed_whole(&j, 1, 0, true);
    assert_int_equal(next(&j), 0);
    feed_whole(&j, 1, 9, false);
    assert_int_equal(next(&j), -1);
    feed_whole(&j, 1, 12, true);
    assert_int_equal(next(&j), 12);
    join_done(&j);
}

static void another_run_begins_with_a_key_frame_and_the_old_one_is_late(void **state)
{
    struct join j;
    (void)state;
    join_init(&j);
    feed_whole(&j, 1, 0, true);
    assert_int_equal(next(&j), 0);
    assert_int_equal(feed(&j, 1, 1, 0, PARTS, false), 0);
    feed_whole(&j, 2, 0, true);
    assert_int_equal(next(&j), 0);
    feed_whole(&j, 1, 1, false);
    assert_int_equal(next(&j), -1);
    feed_whole(&j, 2, 1, false);
    assert_int_equal(next(&j), 1);
    join_done(&j);
}

static void a_unit_that_never_becomes_whole_is_given_up(void **state)
{
    struct join j;
    (void)state;
    join_init(&j);
    assert_int_equal(feed(&j, 1, 0, 0, PARTS, true), 0);
    assert_true(j.budget.used_bytes > 0);
    xw_video_join_expire(&j.join, XW_VIDEO_JOIN_OLD_US);
    assert_true(j.budget.used_bytes > 0);
    xw_video_join_expire(&j.join, XW_VIDEO_JOIN_OLD_US + 1);
    assert_int_equal(j.budget.used_bytes, 0);
    assert_int_equal(j.join.lost_n, 1);
    join_done(&j);
}

static void parts_that_cannot_be_are_refused(void **state)
{
    struct join j;
    (void)state;
    join_init(&j);
    assert_int_equal(feed(&j, 1, 0, 0, 0, true), -EBADMSG);
    assert_int_equal(feed(&j, 1, 0, 0, 257, true), -EBADMSG);
    assert_int_equal(feed(&j, 1, 0, 6, 6, true), -EBADMSG);
    assert_int_equal(feed(&j, 1, UINT64_C(1) << 62, 0, 1, true), -EBADMSG);
    Xw__VideoPart p = part_of(1, 0, 0, 1, true);
    p.codec = "<script>";
    assert_int_equal(xw_video_join_part(&j.join, &p, 0), -EBADMSG);
    p.codec = "";
    assert_int_equal(xw_video_join_part(&j.join, &p, 0), -EBADMSG);
    p = part_of(1, 0, 0, 1, true);
    p.data.len = XW_VIDEO_PART_MAX_BYTES + 1;
    assert_int_equal(xw_video_join_part(&j.join, &p, 0), -EBADMSG);
    p.data.len = 0;
    assert_int_equal(xw_video_join_part(&j.join, &p, 0), -EBADMSG);
    p = part_of(1, 0, 0, 1, true);
    p.run_id.len = 15;
    assert_int_equal(xw_video_join_part(&j.join, &p, 0), -EBADMSG);
    /* Parts of one unit that disagree cost the unit. */
    assert_int_equal(feed(&j, 1, 0, 0, 3, true), 0);
    assert_int_equal(feed(&j, 1, 0, 1, 4, true), -EBADMSG);
    assert_int_equal(j.budget.used_bytes, 0);
    join_done(&j);
}

static void the_budget_of_all_joiners_is_kept(void **state)
{
    struct join j;
    struct xw_video_join other;
    (void)state;
    join_init(&j);
    j.budget.max_bytes = 3 * SIZE;
    xw_video_join_init(&other, &j.budget);
    assert_int_equal(feed(&j, 1, 0, 0, PARTS, true), 0);
    assert_int_equal(feed(&j, 1, 0, 1, PARTS, true), 0);
    Xw__VideoPart p = part_of(1, 0, 0, PARTS, true);
    assert_int_equal(xw_video_join_part(&other, &p, 0), -ENOSPC);
    assert_true(j.budget.used_bytes <= j.budget.max_bytes);
    xw_video_join_done(&other);
    join_done(&j);
}

/* ---- the sources ---- */

struct county {
    struct xw_clock clock;
    struct xw_video *video;
    bool linked;
    unsigned wants_n, keys_n, frames_n, states_n;
    uint32_t delay_ms;
    bool on;
    Xw__VideoState state;
    int64_t wall_us, since_us;
    bool key;
    char codec[40];
};

static const char *owner(void *user, const struct xw_uuid *attachment)
{
    (void)user;
    return attachment->b[0] == 1 ? "town-a" : NULL;
}

static bool linked(void *user, const char *gateway_id)
{
    (void)gateway_id;
    return ((struct county *)user)->linked;
}

static int64_t offset_us(void *user, const char *gateway_id)
{
    (void)user;
    (void)gateway_id;
    return 250;
}

static void send_want(void *user, const char *gateway_id, const char *topic, const void *payload,
                      size_t size)
{
    struct county *c = user;
    assert_string_equal(gateway_id, "town-a");
    assert_string_equal(topic, "video-want");
    Xw__VideoWant *want = xw__video_want__unpack(NULL, size, payload);
    assert_non_null(want);
    c->wants_n++;
    c->keys_n += want->key ? 1 : 0;
    c->on = want->on;
    c->delay_ms = want->delay_ms;
    xw__video_want__free_unpacked(want, NULL);
}

static void take_frame(void *user, const struct xw_uuid *attachment, const Xw__LiveVideo *frame)
{
    struct county *c = user;
    (void)attachment;
    c->frames_n++;
    c->wall_us = frame->capture_wall_us;
    c->key = frame->key;
    snprintf(c->codec, sizeof(c->codec), "%s", frame->codec);
}

static void take_status(void *user, const struct xw_uuid *attachment, const Xw__VideoStatus *status)
{
    struct county *c = user;
    (void)attachment;
    c->states_n++;
    c->state = status->state;
    c->since_us = status->since_wall_us;
}

static struct xw_uuid probe = {{1}};

static void county_init(struct county *c)
{
    *c = (struct county){.linked = true};
    xw_clock_fake_init(&c->clock, 1000000000, 1800000000000000);
    struct xw_video_config config = {.clock = &c->clock,
                                     .user = c,
                                     .owner = owner,
                                     .linked = linked,
                                     .offset_us = offset_us,
                                     .send = send_want,
                                     .frame = take_frame,
                                     .status = take_status};
    assert_int_equal(xw_video_new(&config, &c->video), 0);
}

static int say_part(struct county *c, const char *gateway_id, uint64_t frame, bool key)
{
    Xw__VideoPart p = part_of(1, frame, 0, 1, key);
    uint8_t packed[XW_VIDEO_PART_MAX_BYTES + 256];
    return xw_video_ephemeral(c->video, gateway_id, "video", packed,
                              xw__video_part__pack(&p, packed));
}

static int say_state(struct county *c, const char *gateway_id, Xw__VideoState state, uint8_t id)
{
    Xw__VideoStatus s = XW__VIDEO_STATUS__INIT;
    uint8_t packed[256], attachment[16] = {id};
    s.attachment_id = (ProtobufCBinaryData){16, attachment};
    s.state = state;
    s.since_wall_us = 1000;
    return xw_video_ephemeral(c->video, gateway_id, "video-status", packed,
                              xw__video_status__pack(&s, packed));
}

static void pass(struct county *c, int64_t ms)
{
    for (int64_t i = 0; i < ms / 100; i++) {
        xw_clock_fake_advance(&c->clock, 100000);
        xw_video_tick(c->video);
    }
}

static void wants_go_out_on_change_and_each_two_seconds_and_keys_are_merged(void **state)
{
    struct county c;
    (void)state;
    county_init(&c);
    xw_video_want(c.video, &probe, true, true);
    assert_int_equal(c.wants_n, 1);
    assert_int_equal(c.keys_n, 1);
    assert_true(c.on);
    for (unsigned i = 0; i < 10; i++)
        xw_video_want(c.video, &probe, true, true);
    assert_int_equal(c.keys_n, 1);
    pass(&c, 200);
    assert_int_equal(c.keys_n, 1);
    pass(&c, 100);
    assert_int_equal(c.keys_n, 2);
    pass(&c, 1500);
    assert_int_equal(c.wants_n, 2);
    pass(&c, 2600);
    assert_int_equal(c.wants_n, 4);
    assert_int_equal(c.keys_n, 2);
    xw_video_want(c.video, &probe, false, false);
    assert_int_equal(c.wants_n, 5);
    assert_false(c.on);
    pass(&c, 5000);
    assert_int_equal(c.wants_n, 5);
    xw_video_free(c.video);
}

static void pictures_nobody_watches_are_not_put_together(void **state)
{
    struct county c;
    (void)state;
    county_init(&c);
    assert_int_equal(say_part(&c, "town-a", 0, true), 0);
    assert_int_equal(c.frames_n, 0);
    xw_video_want(c.video, &probe, true, true);
    assert_int_equal(say_part(&c, "town-a", 1, true), 0);
    assert_int_equal(c.frames_n, 1);
    assert_int_equal(c.wall_us, 1000001 + 250); /* in the county's clock */
    assert_string_equal(c.codec, "avc1.42C01F");
    assert_int_equal(say_part(&c, "town-a", 2, false), 0);
    assert_string_equal(c.codec, "");
    xw_video_free(c.video);
}

static void late_pictures_are_told_to_the_gateway_at_once(void **state)
{
    struct county c;
    uint8_t packed[XW_VIDEO_PART_MAX_BYTES + 256];
    (void)state;
    county_init(&c);
    xw_video_want(c.video, &probe, true, true);
    for (unsigned i = 0; i < 4; i++) {
        Xw__VideoPart p = part_of(1, i, 0, 1, i == 0);
        p.county_offset_known = i < 3;
        p.county_offset_us = 0;
        xw_clock_fake_advance(&c.clock, 200000);
        p.capture_wall_us = xw_clock_wall(&c.clock).us - (i == 0 ? 100000 : 900000);
        assert_int_equal(xw_video_ephemeral(c.video, "town-a", "video", packed,
                                            xw__video_part__pack(&p, packed)),
                         0);
        assert_int_equal(c.wants_n, i == 0 ? 1 : 2); /* 200, 400, 600, 800 ms: one in 300 ms */
        assert_int_equal(c.delay_ms, i == 0 ? 0 : 900);
    }
    pass(&c, 2000);
    assert_int_equal(c.delay_ms, 900); /* the third one's; without an offset nothing is known */
    pass(&c, 2000);
    assert_int_equal(c.delay_ms, 0);
    xw_video_free(c.video);
}

static void only_its_own_gateway_speaks_for_a_source(void **state)
{
    struct county c;
    (void)state;
    county_init(&c);
    xw_video_want(c.video, &probe, true, true);
    assert_int_equal(say_part(&c, "town-b", 0, true), -EPERM);
    assert_int_equal(say_state(&c, "town-b", XW__VIDEO_STATE__VIDEO_LIVE, 1), -EPERM);
    assert_int_equal(say_state(&c, "town-a", XW__VIDEO_STATE__VIDEO_LIVE, 2), -EPERM);
    assert_int_equal(xw_video_ephemeral(c.video, "town-a", "video", "junk", 4), -EBADMSG);
    assert_int_equal(xw_video_ephemeral(c.video, "town-a", "video-status", "junk", 4), -EBADMSG);
    assert_int_equal(xw_video_ephemeral(c.video, "town-a", "beat", "", 0), -ENOENT);
    assert_int_equal(c.frames_n, 0);
    assert_int_equal(c.states_n, 0);
    xw_video_free(c.video);
}

static void a_lost_picture_asks_for_a_key_frame(void **state)
{
    struct county c;
    (void)state;
    county_init(&c);
    xw_video_want(c.video, &probe, true, true);
    assert_int_equal(say_part(&c, "town-a", 0, true), 0);
    pass(&c, 400);
    unsigned keys_n = c.keys_n;
    assert_int_equal(say_part(&c, "town-a", 2, false), 0);
    assert_int_equal(c.frames_n, 1);
    assert_int_equal(c.keys_n, keys_n + 1);
    xw_video_free(c.video);
}

static void a_cut_link_and_silence_are_told_and_taken_back(void **state)
{
    struct county c;
    (void)state;
    county_init(&c);
    assert_int_equal(say_state(&c, "town-a", XW__VIDEO_STATE__VIDEO_LIVE, 1), 0);
    assert_int_equal(c.state, XW__VIDEO_STATE__VIDEO_LIVE);
    assert_int_equal(c.since_us, 1250);
    c.linked = false;
    xw_video_linked(c.video, "town-a", false);
    assert_int_equal(c.state, XW__VIDEO_STATE__VIDEO_UNREACHABLE);
    assert_int_equal(c.states_n, 2);
    c.linked = true;
    xw_video_linked(c.video, "town-a", true);
    assert_int_equal(say_state(&c, "town-a", XW__VIDEO_STATE__VIDEO_LIVE, 1), 0);
    assert_int_equal(c.state, XW__VIDEO_STATE__VIDEO_LIVE);
    pass(&c, 5100);
    assert_int_equal(c.state, XW__VIDEO_STATE__VIDEO_UNREACHABLE);
    assert_int_equal(c.states_n, 4);
    pass(&c, 10000);
    assert_int_equal(c.states_n, 4);
    xw_video_free(c.video);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_in_any_order_and_twice_make_the_same_unit),
        cmocka_unit_test(two_units_may_interleave_and_come_out_in_order),
        cmocka_unit_test(nothing_comes_before_a_key_frame),
        cmocka_unit_test(a_missing_part_costs_its_unit_and_what_follows_up_to_the_next_key),
        cmocka_unit_test(a_whole_key_frame_does_not_wait_for_an_older_unit),
        cmocka_unit_test(a_jump_of_the_sender_goes_on_with_its_key_frame_only),
        cmocka_unit_test(another_run_begins_with_a_key_frame_and_the_old_one_is_late),
        cmocka_unit_test(a_unit_that_never_becomes_whole_is_given_up),
        cmocka_unit_test(parts_that_cannot_be_are_refused),
        cmocka_unit_test(the_budget_of_all_joiners_is_kept),
        cmocka_unit_test(wants_go_out_on_change_and_each_two_seconds_and_keys_are_merged),
        cmocka_unit_test(pictures_nobody_watches_are_not_put_together),
        cmocka_unit_test(late_pictures_are_told_to_the_gateway_at_once),
        cmocka_unit_test(only_its_own_gateway_speaks_for_a_source),
        cmocka_unit_test(a_lost_picture_asks_for_a_key_frame),
        cmocka_unit_test(a_cut_link_and_silence_are_told_and_taken_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
