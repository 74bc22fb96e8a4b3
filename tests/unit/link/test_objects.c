/* Objects both ways through cuts and ends of processes: byte for byte, in the end, whatever happens
 * on the way; and what is live goes on beside them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "unit/link/rig.h"

enum { SIZE_MAX_N_BYTES = 900000, EVENTS_N = 20, PIECE_N_BYTES = 65536 };

struct object {
    uint8_t *data, sha256[32];
    size_t size;
};

static struct object make(struct rig *rig, struct xw_store *store)
{
    struct object o = {.size = 200000 + (size_t)rig_random(rig, SIZE_MAX_N_BYTES - 200000)};
    o.data = malloc(o.size);
    assert_non_null(o.data);
    for (size_t i = 0; i < o.size; i++)
        o.data[i] = (uint8_t)rig_random(rig, 256);
    crypto_hash_sha256(o.sha256, o.data, o.size);
    model_put_object(store, o.sha256, "video/mp4", o.data, o.size);
    return o;
}

struct read {
    const struct object *object;
    size_t at;
};

static void on_read(void *user, int status, const void *data, size_t size)
{
    struct read *read = user;
    assert_int_equal(status, 0);
    assert_true(size > 0 && size <= read->object->size - read->at);
    assert_memory_equal(data, read->object->data + read->at, size);
    read->at += size;
}

/* Whole, verified, and the bytes that were made. */
static void check(struct xw_store *store, const struct object *object)
{
    struct xw_store_object held;
    struct read read = {.object = object};
    assert_int_equal(xw_store_object(store, object->sha256, &held), 0);
    assert_true(held.verified);
    assert_int_equal(held.size, object->size);
    while (read.at < object->size) {
        size_t before = read.at;
        assert_int_equal(
            xw_store_object_read(store, object->sha256, read.at, PIECE_N_BYTES, on_read, &read), 0);
        model_run(store);
        assert_true(read.at > before);
    }
}

static bool there(struct xw_store *store, const struct object *object)
{
    struct xw_store_object held;
    return xw_store_object(store, object->sha256, &held) >= 0 && held.verified;
}

/* As the daemons do at each start: what may not be at the other end is offered again. */
static void offer(struct rig *rig, const struct object *up, const struct object *down)
{
    assert_int_equal(xw_glink_object(rig->glink, up->sha256), 0);
    int r = xw_clink_object(rig->clink, rig->gateway_id, down->sha256);
    assert_true(r == 0 || r == -ENOENT); /* the gateway has not come yet */
}

static void connect_both(struct rig *rig)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
        if (!rig->pipe[role].up)
            rig_connect(rig, role);
        rig_run(rig, 30000);
    }
}

static void happen(struct rig *rig)
{
    unsigned role = (unsigned)rig_random(rig, 2);
    switch (rig_random(rig, 5)) {
    case 0:
        rig_restart_county(rig);
        break;
    case 1:
        rig_restart_gateway(rig);
        break;
    case 2:
        if (rig->pipe[role].up)
            rig_cut_half(rig, role);
        break;
    default:
        if (rig->pipe[role].up)
            rig_cut(rig, role, rig_random(rig, 4));
        if (rig_random(rig, 2) && rig->pipe[!role].up)
            rig_cut(rig, !role, rig_random(rig, 4));
    }
}

static void twenty_cuts_and_kills_leave_every_byte_as_it_was(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct rig *rig = rig_new(seed);
        struct rig_stream *s = rig_add_stream(rig);
        struct object up = make(rig, rig->spool), down = make(rig, rig->archive);
        print_message("seed %llu: %zu bytes up, %zu down\n", (unsigned long long)seed, up.size,
                      down.size);
        for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
            rig->pipe[role].window = 40000;
        for (unsigned i = 0; i < EVENTS_N; i++) {
            connect_both(rig);
            offer(rig, &up, &down);
            for (uint64_t n = rig_random(rig, 12); n-- > 0;) {
                rig_block(rig, s, 20);
                rig_run(rig, 40000);
            }
            happen(rig);
        }
        for (unsigned i = 0; i < 200 && !(there(rig->archive, &up) && there(rig->spool, &down));
             i++) {
            connect_both(rig);
            offer(rig, &up, &down);
            rig_run(rig, 500000);
        }
        check(rig->archive, &up);
        check(rig->spool, &down);
        rig_run(rig, 5000000);
        rig_check_all(rig);
        free(up.data);
        free(down.data);
        rig_free(rig);
    }
}

/* A receiver of an earlier version says no window: then 128 KiB are on the way at most. */
static void a_receiver_that_says_no_window_gets_the_small_one(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct object up = make(rig, rig->spool);
    connect_both(rig);
    rig->pipe[0].stalled = rig->pipe[1].stalled = true;
    assert_int_equal(xw_glink_object(rig->glink, up.sha256), 0);
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        for (Xw__LinkMessage *m; (m = rig_take_gateway(rig, &rig->pipe[role].gateway)) != NULL;)
            xw__link_message__free_unpacked(m, NULL);
    Xw__ObjectWant want = XW__OBJECT_WANT__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    want.sha256 = (ProtobufCBinaryData){32, up.sha256};
    message.body_case = XW__LINK_MESSAGE__BODY_OBJECT_WANT;
    message.object_want = &want;
    assert_int_equal(rig_give_gateway(rig, &rig->pipe[0].gateway, &message), 0);
    size_t sent = 0;
    for (unsigned i = 0; i < 3000; i++) {
        model_run(rig->spool);
        xw_clock_fake_advance(&rig->clock, 1000);
        Xw__LinkMessage *m = rig_take_gateway(rig, &rig->pipe[1].gateway);
        if (m && m->body_case == XW__LINK_MESSAGE__BODY_OBJECT_CHUNK)
            sent += m->object_chunk->data.len;
        if (m)
            xw__link_message__free_unpacked(m, NULL);
    }
    assert_true(sent > 0);
    assert_in_range(sent, 8192, 128 * 1024);
    free(up.data);
    rig_free(rig);
}

/* What the county says goes to the gateway at once. */
static void answer(struct rig *rig)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        for (Xw__LinkMessage *m; (m = rig_take_county(rig, &rig->pipe[role].county)) != NULL;) {
            assert_int_equal(rig_give_gateway(rig, &rig->pipe[role].gateway, m), 0);
            xw__link_message__free_unpacked(m, NULL);
        }
}

/* When the second socket is back, chunks on the first may come after later ones on the second. */
static void a_chunk_that_is_overtaken_by_others_is_asked_for_again(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct object up = make(rig, rig->spool);
    Xw__LinkMessage *late = NULL;
    unsigned chunks_n = 0;
    connect_both(rig);
    rig->pipe[0].stalled = rig->pipe[1].stalled = true;
    assert_int_equal(xw_glink_object(rig->glink, up.sha256), 0);
    for (unsigned i = 0; i < 20000 && !there(rig->archive, &up); i++) {
        model_run(rig->spool);
        model_run(rig->archive);
        xw_clock_fake_advance(&rig->clock, 20000);
        answer(rig);
        Xw__LinkMessage *m = rig_take_gateway(rig, &rig->pipe[1].gateway);
        if (!m)
            continue;
        bool chunk = m->body_case == XW__LINK_MESSAGE__BODY_OBJECT_CHUNK;
        chunks_n += chunk;
        if (chunk && chunks_n % 7 == 3 && !late) {
            late = m;
            continue;
        }
        assert_int_equal(rig_give_county(rig, &rig->pipe[1].county, m), 0);
        xw__link_message__free_unpacked(m, NULL);
        if (late && chunks_n % 7 == 6) {
            assert_int_equal(rig_give_county(rig, &rig->pipe[0].county, late), 0);
            xw__link_message__free_unpacked(late, NULL);
            late = NULL;
        }
    }
    assert_true(chunks_n > up.size / 8192);
    check(rig->archive, &up);
    if (late)
        xw__link_message__free_unpacked(late, NULL);
    free(up.data);
    rig_free(rig);
}

static void what_a_full_store_refuses_comes_when_it_has_room_however_long_it_had_none(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct object up = make(rig, rig->spool), down = make(rig, rig->archive);
    connect_both(rig);
    offer(rig, &up, &down);
    rig_run(rig, 50000);
    model_fail(rig->archive, -ENOSPC);
    model_fail(rig->spool, -ENOSPC);
    rig_run(rig, 20000000);
    assert_false(there(rig->archive, &up) || there(rig->spool, &down));
    model_fail(rig->archive, 0);
    model_fail(rig->spool, 0);
    /* In the same session: nobody gave up. */
    for (unsigned i = 0; i < 60 && !(there(rig->archive, &up) && there(rig->spool, &down)); i++)
        rig_run(rig, 1000000);
    check(rig->archive, &up);
    check(rig->spool, &down);
    free(up.data);
    free(down.data);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(twenty_cuts_and_kills_leave_every_byte_as_it_was),
        cmocka_unit_test(a_receiver_that_says_no_window_gets_the_small_one),
        cmocka_unit_test(a_chunk_that_is_overtaken_by_others_is_asked_for_again),
        cmocka_unit_test(what_a_full_store_refuses_comes_when_it_has_room_however_long_it_had_none),
    };
    return cmocka_run_group_tests_name("link_objects", tests, NULL, NULL);
}
