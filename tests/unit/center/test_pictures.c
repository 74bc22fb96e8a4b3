/* Pictures and records of attachments in the hub: who gets them, and what a slow socket loses. */
#include "hub_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define KIND(name) XW__LIVE_MESSAGE__BODY_##name

static struct xw_hub_socket *open_socket(struct fixture *f, const char *site)
{
    struct xw_hub_socket *socket;
    assert_int_equal(xw_hub_socket_new(f->hub, site, f, &socket), 0);
    fixture_drain(socket, KIND(HELLO));
    return socket;
}

static void show(struct fixture *f, uint8_t id, uint64_t frame, bool key, size_t size)
{
    static uint8_t data[1 << 20];
    struct xw_uuid attachment = fixture_id(id);
    Xw__LiveVideo v = XW__LIVE_VIDEO__INIT;
    v.attachment_id = (ProtobufCBinaryData){16, attachment.b};
    v.frame = frame;
    v.key = key;
    v.data = (ProtobufCBinaryData){size, data};
    xw_hub_picture(f->hub, &attachment, &v);
}

static void watch(struct xw_hub_socket *socket, uint8_t id)
{
    struct xw_uuid attachment = fixture_id(id);
    assert_int_equal(xw_hub_picture_watch(socket, &attachment, "a", false), 1);
}

/* Frame of the next message, -1 none, -2 something else. */
static int64_t next_frame(struct xw_hub_socket *socket)
{
    Xw__LiveMessage *m = fixture_next(socket);
    int64_t frame = !m ? -1 : m->body_case == KIND(VIDEO) ? (int64_t)m->video->frame : -2;
    if (m)
        xw__live_message__free_unpacked(m, NULL);
    return frame;
}

static void a_watch_begins_with_a_key_frame(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    show(&f, 1, 0, true, 100); /* nobody watches */
    watch(socket, 1);
    assert_true(f.wanted);
    assert_int_equal(f.keys_n, 1);
    show(&f, 1, 1, false, 100);
    assert_int_equal(next_frame(socket), -1);
    show(&f, 1, 2, true, 100);
    show(&f, 1, 3, false, 100);
    assert_int_equal(next_frame(socket), 2);
    assert_int_equal(next_frame(socket), 3);
    struct xw_uuid id = fixture_id(1);
    xw_hub_picture_unwatch(socket, &id);
    assert_false(f.wanted);
    show(&f, 1, 4, true, 100);
    assert_int_equal(next_frame(socket), -1);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void the_last_viewer_to_go_ends_the_want(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *one = open_socket(&f, NULL), *two = open_socket(&f, "a");
    watch(one, 1);
    watch(two, 1);
    xw_hub_socket_free(one);
    assert_true(f.wanted);
    xw_hub_socket_free(two);
    assert_false(f.wanted);
    fixture_done(&f);
}

static void a_source_of_another_site_cannot_be_watched(void **state)
{
    struct fixture f;
    struct xw_uuid id = fixture_id(1);
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *socket = open_socket(&f, "b");
    assert_int_equal(xw_hub_picture_watch(socket, &id, "a", false), -ENOENT);
    assert_int_equal(xw_hub_picture_watch(socket, &id, NULL, false), -ENOENT);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void eight_sources_a_socket_and_no_more(void **state)
{
    struct fixture f;
    struct xw_uuid id = fixture_id(100);
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    for (unsigned i = 1; i <= XW_HUB_PICTURE_WATCH_MAX; i++)
        watch(socket, (uint8_t)i);
    assert_int_equal(xw_hub_picture_watch(socket, &id, "a", false), -EOVERFLOW);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

/* Blocks and records that wait go before pictures that came earlier. */
static void live_blocks_and_records_go_before_pictures(void **state)
{
    struct fixture f;
    struct xw_uuid id = fixture_id(1);
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "a");
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    assert_int_equal(xw_hub_watch(socket, &id, 0), 0);
    fixture_drain(socket, KIND(STREAM));
    watch(socket, 9);
    for (uint64_t i = 0; i < 5; i++)
        show(&f, 9, i, i == 0, 100000);
    fixture_block(&f, 1, 0, true);
    xw_hub_pong(socket, 1);
    bool picture = false;
    unsigned before = 0;
    for (Xw__LiveMessage *m; (m = fixture_next(socket)) != NULL;) {
        picture |= m->body_case == KIND(VIDEO);
        before += !picture;
        xw__live_message__free_unpacked(m, NULL);
    }
    assert_true(picture);
    assert_int_equal(before, 2);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void more_than_half_a_second_goes_up_to_the_next_key_frame(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *slow = open_socket(&f, NULL), *fine = open_socket(&f, NULL);
    watch(slow, 1);
    watch(fine, 1);
    unsigned keys_n = f.keys_n;
    for (uint64_t i = 0; i < 100; i++) { /* 4 s, key frames each second */
        show(&f, 1, i, i % 25 == 0, 1000);
        assert_int_equal(next_frame(fine), i);
        xw_clock_fake_advance(&f.clock, 40000);
    }
    struct xw_hub_stats stats;
    xw_hub_stats(f.hub, &stats);
    assert_true(stats.pictures_dropped_n > 50);
    assert_true(f.keys_n > keys_n); /* the place was lost: asked, but not for each picture */
    assert_true(f.keys_n - keys_n <= 5);
    int64_t first = next_frame(slow), n = 0;
    assert_true(first == -1 || first % 25 == 0);
    for (int64_t last = first, now; first >= 0 && (now = next_frame(slow)) >= 0; last = now, n++)
        assert_int_equal(now, last + 1);
    assert_true(n <= 13);
    show(&f, 1, 100, false, 1000);
    if (first < 0)
        assert_int_equal(next_frame(slow), -1);
    show(&f, 1, 101, true, 1000);
    while (next_frame(slow) >= 0)
        ;
    show(&f, 1, 102, false, 1000);
    assert_int_equal(next_frame(slow), 102);
    xw_hub_socket_free(slow);
    xw_hub_socket_free(fine);
    fixture_done(&f);
}

static void the_bytes_that_wait_for_a_socket_are_limited(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1);
    for (uint64_t i = 0; i < 100; i++) /* all within one moment */
        show(&f, 1, i, i % 10 == 0, 1 << 20);
    size_t n = 0;
    int64_t last = -1;
    for (int64_t now; (now = next_frame(socket)) >= 0; n++) {
        assert_true(now == last + 1 || now % 10 == 0);
        last = now;
    }
    assert_true(n >= 1 && n <= 4);
    for (uint64_t i = 100; i < 300; i++)
        show(&f, 1, i, i == 100, 10);
    for (n = 0; next_frame(socket) >= 0; n++)
        ;
    assert_true(n <= XW_HUB_PICTURE_QUEUE_MAX);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void one_source_that_is_too_much_costs_the_other_nothing(void **state)
{
    struct fixture f;
    unsigned seen = 0;
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *socket = open_socket(&f, NULL);
    watch(socket, 1);
    watch(socket, 2);
    for (uint64_t i = 0; i < 20; i++) {
        show(&f, 2, i, i == 0, 100);
        for (Xw__LiveMessage *m; seen <= i && (m = fixture_next(socket)) != NULL;) {
            seen += m->video->attachment_id.data[0] == 2;
            xw__live_message__free_unpacked(m, NULL);
        }
        show(&f, 1, i, i == 0, 1 << 20);
        xw_clock_fake_advance(&f.clock, 40000);
    }
    assert_int_equal(seen, 20);
    xw_hub_socket_free(socket);
    fixture_done(&f);
}

static void say_state(struct fixture *f, uint8_t id, Xw__VideoState state, const char *site)
{
    struct xw_uuid attachment = fixture_id(id);
    Xw__VideoStatus s = XW__VIDEO_STATUS__INIT;
    s.attachment_id = (ProtobufCBinaryData){16, attachment.b};
    s.state = state;
    xw_hub_picture_status(f->hub, &attachment, site, &s);
}

static void only_the_newest_state_waits_and_only_for_who_may_see_it(void **state)
{
    struct fixture f;
    struct xw_uuid id = fixture_id(1);
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *list = open_socket(&f, NULL), *far = open_socket(&f, "b"),
                         *near = open_socket(&f, "a"), *idle = open_socket(&f, NULL);
    xw_hub_list(list, true);
    xw_hub_list(far, true);
    assert_int_equal(xw_hub_attachments(near, &id, 1), 0);
    fixture_drain(list, KIND(STATUS));
    fixture_drain(far, KIND(STATUS));
    for (unsigned i = 0; i < 100; i++)
        say_state(&f, 1, i % 2 ? XW__VIDEO_STATE__VIDEO_LIVE : XW__VIDEO_STATE__VIDEO_STARTING,
                  "a");
    assert_int_equal(fixture_drain(list, KIND(VIDEO_STATUS)), 1);
    assert_int_equal(fixture_drain(near, KIND(VIDEO_STATUS)), 1);
    assert_int_equal(fixture_drain(far, KIND(VIDEO_STATUS)), 0);
    assert_int_equal(fixture_drain(idle, KIND(VIDEO_STATUS)), 0);
    /* Who comes later gets it at once. */
    assert_int_equal(xw_hub_attachments(idle, &id, 1), 0);
    assert_int_equal(fixture_drain(idle, KIND(VIDEO_STATUS)), 1);
    xw_hub_socket_free(list);
    xw_hub_socket_free(far);
    xw_hub_socket_free(near);
    xw_hub_socket_free(idle);
    fixture_done(&f);
}

static void records_of_an_attachment_go_to_who_watches_it(void **state)
{
    struct fixture f;
    struct xw_uuid id = fixture_id(1), other = fixture_id(2), many[65] = {{{0}}};
    (void)state;
    fixture_init(&f);
    struct xw_hub_socket *one = open_socket(&f, NULL), *two = open_socket(&f, NULL),
                         *far = open_socket(&f, "b"), *list = open_socket(&f, NULL);
    struct xw_store_record record = {
        .key = "k", .key_size = 1, .kind = XW__RECORD_KIND__RECORD_OBSERVATION, .revision = 1};
    assert_int_equal(xw_hub_attachments(one, &id, 1), 0);
    assert_int_equal(xw_hub_attachments(two, &other, 1), 0);
    assert_int_equal(xw_hub_attachments(far, &id, 1), 0);
    assert_int_equal(xw_hub_attachments(two, many, 65), -EOVERFLOW);
    xw_hub_list(list, true);
    fixture_drain(list, KIND(STATUS));
    xw_hub_attachment_record(f.hub, &id, &record, "a", false);
    assert_int_equal(fixture_drain(one, KIND(RECORD)), 1);
    assert_int_equal(fixture_drain(two, KIND(RECORD)), 0);
    assert_int_equal(fixture_drain(far, KIND(RECORD)), 0);
    assert_int_equal(fixture_drain(list, KIND(RECORD)), 0);
    xw_hub_attachment_record(f.hub, &id, &record, "a", true);
    assert_int_equal(fixture_drain(list, KIND(RECORD)), 1);
    assert_int_equal(fixture_drain(one, KIND(RECORD)), 1);
    assert_int_equal(xw_hub_attachments(one, NULL, 0), 0);
    xw_hub_attachment_record(f.hub, &id, &record, "a", false);
    assert_int_equal(fixture_drain(one, KIND(RECORD)), 0);
    xw_hub_socket_free(one);
    xw_hub_socket_free(two);
    xw_hub_socket_free(far);
    xw_hub_socket_free(list);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_watch_begins_with_a_key_frame),
        cmocka_unit_test(the_last_viewer_to_go_ends_the_want),
        cmocka_unit_test(a_source_of_another_site_cannot_be_watched),
        cmocka_unit_test(eight_sources_a_socket_and_no_more),
        cmocka_unit_test(live_blocks_and_records_go_before_pictures),
        cmocka_unit_test(more_than_half_a_second_goes_up_to_the_next_key_frame),
        cmocka_unit_test(the_bytes_that_wait_for_a_socket_are_limited),
        cmocka_unit_test(one_source_that_is_too_much_costs_the_other_nothing),
        cmocka_unit_test(only_the_newest_state_waits_and_only_for_who_may_see_it),
        cmocka_unit_test(records_of_an_attachment_go_to_who_watches_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
