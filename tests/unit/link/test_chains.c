/* Chains of coded blocks: what a message holds, when a key block is due, that both ends forget the
 * same chain. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/block.h"
#include "link/coder.h"
#include "unit/link/rig.h"

enum { CHANNELS = 3, COUNT = 50, KEY_EVERY = 500, DATA = 4096 };

struct desk {
    struct xw_coder coder;
    struct xw_chains decoder, other;
    bool known;
    size_t went_n;
};

static bool of(void *user, const struct xw_uuid *stream, struct xw_coder_stream *ret_stream)
{
    const struct desk *desk = user;
    (void)stream;
    *ret_stream = (struct xw_coder_stream){CHANNELS, KEY_EVERY};
    return desk->known;
}
static void went(void *user, const struct xw_uuid *stream, uint32_t count, size_t n_bytes)
{
    (void)stream, (void)count, (void)n_bytes;
    ((struct desk *)user)->went_n++;
}

static void desk_begin(struct desk *desk)
{
    memset(desk, 0, sizeof(*desk));
    xw_coder_init(&desk->coder);
    desk->coder.of = of;
    desk->coder.went = went;
    desk->coder.user = desk;
    desk->known = true;
    xw_coder_socket(&desk->coder, 0, true);
    xw_chains_init(&desk->decoder, XW_CHAINS_LIVE_MAX);
    xw_chains_init(&desk->other, 1);
}
static void desk_end(struct desk *desk)
{
    xw_coder_done(&desk->coder);
    xw_chains_done(&desk->decoder);
    xw_chains_done(&desk->other);
}

static struct xw_uuid stream_of(unsigned number)
{
    return (struct xw_uuid){.b = {(uint8_t)number, (uint8_t)(number >> 8), 7}};
}

static void samples_of(uint64_t first, int32_t *ret_x)
{
    for (uint64_t i = 0; i < COUNT; i++)
        for (unsigned c = 0; c < CHANNELS; c++) {
            uint64_t v = (first + i) * 2654435761U + c * 97;
            ret_x[i * CHANNELS + c] = (int32_t)((v ^ v >> 15) % 512);
        }
}

/* Codes one block; true when it came to be in coding 4, which then decodes to the same samples. */
static bool put(struct desk *desk, unsigned stream, uint64_t first, bool live, bool *ret_key)
{
    uint8_t data[DATA];
    int32_t x[CHANNELS * COUNT], back[CHANNELS * COUNT];
    struct xw_uuid id = stream_of(stream);
    samples_of(first, x);
    int n = xw_block_encode(XW_CODING_DELTA, x, CHANNELS, COUNT, data, sizeof(data));
    assert_true(n > 0);
    struct xw_coder_block b = {
        .stream = &id, .first = first, .count = COUNT, .data = data, .n_bytes = (size_t)n};
    xw_coder_put(&desk->coder, &b);
    *ret_key = b.coding == XW_CODING_CHAINED && b.key_first == first;
    if (b.coding != XW_CODING_CHAINED) {
        assert_true(b.coding == XW_CODING_DELTA && b.data == data && b.n_bytes == (size_t)n);
        return false;
    }
    assert_true(b.n_bytes < (size_t)n);
    assert_int_equal(xw_chains_decode(live ? &desk->decoder : &desk->other, &id, CHANNELS, first,
                                      b.key_first, b.data, b.n_bytes, COUNT, back),
                     0);
    assert_memory_equal(back, x, sizeof(x));
    return true;
}

static void live_goes_on_over_messages_and_begins_anew_after_the_time_of_a_chain(void **state)
{
    (void)state;
    struct desk desk;
    bool key;
    desk_begin(&desk);
    for (unsigned i = 0; i < 40; i++) {
        xw_coder_begin(&desk.coder, 0, true);
        assert_true(put(&desk, 1, (uint64_t)i * COUNT, true, &key));
        assert_int_equal(key, i % (KEY_EVERY / COUNT) == 0);
    }
    assert_int_equal(desk.went_n, 40);
    desk_end(&desk);
}

static void a_block_that_did_not_go_out_ends_the_chain(void **state)
{
    (void)state;
    struct desk desk;
    bool key;
    desk_begin(&desk);
    xw_coder_begin(&desk.coder, 0, true);
    assert_true(put(&desk, 1, 0, true, &key) && key);
    assert_true(put(&desk, 1, COUNT, true, &key) && !key);
    assert_true(put(&desk, 1, 3 * COUNT, true, &key) && key); /* one was left out */
    assert_true(put(&desk, 1, 4 * COUNT, true, &key) && !key);
    xw_coder_failed(&desk.coder); /* the message could not be written */
    xw_coder_begin(&desk.coder, 0, true);
    assert_true(put(&desk, 1, 5 * COUNT, true, &key) && key);
    xw_coder_socket(&desk.coder, 0, true); /* another socket */
    xw_coder_begin(&desk.coder, 0, true);
    assert_true(put(&desk, 1, 6 * COUNT, true, &key) && key);
    desk.known = false; /* not of ours: as it is */
    assert_false(put(&desk, 1, 7 * COUNT, true, &key));
    desk.known = true;
    xw_coder_socket(&desk.coder, 0, false); /* a county that does not read it */
    xw_coder_begin(&desk.coder, 0, true);
    assert_false(put(&desk, 1, 8 * COUNT, true, &key));
    desk_end(&desk);
}

static void other_lanes_begin_anew_in_every_message(void **state)
{
    (void)state;
    struct desk desk;
    bool key;
    desk_begin(&desk);
    for (unsigned message = 0; message < 3; message++) {
        xw_coder_begin(&desk.coder, 0, false);
        xw_chains_clear(&desk.other);
        for (unsigned i = 0; i < 4; i++) {
            assert_true(put(&desk, 1, (message * 4 + i) * (uint64_t)COUNT, false, &key));
            assert_int_equal(key, i == 0);
        }
        assert_true(put(&desk, 2, 0, false, &key) && key); /* of another stream */
        assert_true(put(&desk, 2, COUNT, false, &key) && !key);
    }
    assert_int_equal(desk.went_n, 0);
    desk_end(&desk);
}

static void a_block_that_does_not_shrink_goes_as_it_is(void **state)
{
    (void)state;
    struct desk desk;
    uint8_t data[DATA];
    int32_t x[CHANNELS] = {5, 6, 7};
    struct xw_uuid id = stream_of(1);
    desk_begin(&desk);
    int n = xw_block_encode(XW_CODING_DELTA, x, CHANNELS, 1, data, sizeof(data));
    struct xw_coder_block b = {
        .stream = &id, .first = 0, .count = 1, .data = data, .n_bytes = (size_t)n};
    xw_coder_begin(&desk.coder, 0, true);
    xw_coder_put(&desk.coder, &b);
    assert_int_equal(b.coding, XW_CODING_DELTA);
    b.data[0] = 0xFF; /* not even decodable: not ours to judge */
    xw_coder_put(&desk.coder, &b);
    assert_int_equal(b.coding, XW_CODING_DELTA);
    desk_end(&desk);
}

/* More streams than chains, in any order: the decoder never lacks a chain that the coder goes on
 * with (put() checks it). */
static void both_ends_forget_the_same_chain(void **state)
{
    (void)state;
    enum { STREAMS = XW_CHAINS_LIVE_MAX + 40, ROUNDS = 6000 };
    struct desk desk;
    static uint64_t next[STREAMS];
    uint64_t random = 1;
    unsigned keys_n = 0;
    bool key;
    desk_begin(&desk);
    for (unsigned i = 0; i < ROUNDS; i++) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        unsigned stream = (unsigned)(random >> 33) % (random >> 63 ? STREAMS : 8);
        if (i % 500 == 499)
            xw_coder_failed(&desk.coder);
        xw_coder_begin(&desk.coder, 0, true);
        assert_true(put(&desk, stream, next[stream], true, &key));
        next[stream] += COUNT;
        keys_n += key;
    }
    assert_int_equal(desk.decoder.n, XW_CHAINS_LIVE_MAX);
    assert_true(keys_n > STREAMS && keys_n < ROUNDS);
    desk_end(&desk);
}

static void a_message_holds_no_more_values_than_its_limit(void **state)
{
    (void)state;
    struct desk desk;
    bool key;
    desk_begin(&desk);
    xw_coder_begin(&desk.coder, 0, true);
    unsigned n = 0;
    for (; !xw_coder_full(&desk.coder, (size_t)CHANNELS * COUNT); n++)
        assert_true(put(&desk, 1, n * (uint64_t)COUNT, true, &key));
    assert_in_range(n * CHANNELS * COUNT, XW_CHAINED_VALUES_AT_ONCE - CHANNELS * COUNT,
                    XW_CHAINED_VALUES_AT_ONCE);
    while (put(&desk, 1, n * (uint64_t)COUNT, true, &key)) /* until one goes as it is */
        n++;
    assert_in_range(desk.coder.message.values_n, n * CHANNELS * COUNT, XW_CHAINED_VALUES_MAX);
    desk_end(&desk);
}

static void blocks_go_in_chains_to_a_county_that_reads_them(void **state)
{
    (void)state;
    for (unsigned old = 0; old < 2; old++) {
        struct rig *rig = rig_new(1);
        rig->old_county = old;
        struct rig_stream *s = rig_add_stream(rig);
        for (unsigned i = 0; i < 100; i++) /* 4 s off line */
            rig_block(rig, s, 20);
        rig_connect(rig, 0);
        rig_run(rig, 20000);
        rig_connect(rig, 1);
        rig_run(rig, 3000000);
        uint64_t healed_n = rig->coded_n;
        for (unsigned i = 0; i < 750; i++) { /* 30 s live */
            rig_block(rig, s, 20);
            rig_run(rig, 40000);
        }
        rig_check_all(rig);
        if (old) {
            assert_int_equal(rig->coded_n, 0);
        } else {
            assert_int_equal(rig->plain_n, 0);
            assert_int_equal(healed_n, 100);
            assert_in_range(rig->keys_n, 4, 16); /* three chains of 10 s, one of each backfill */
        }
        rig_free(rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_goes_on_over_messages_and_begins_anew_after_the_time_of_a_chain),
        cmocka_unit_test(a_block_that_did_not_go_out_ends_the_chain),
        cmocka_unit_test(other_lanes_begin_anew_in_every_message),
        cmocka_unit_test(a_block_that_does_not_shrink_goes_as_it_is),
        cmocka_unit_test(both_ends_forget_the_same_chain),
        cmocka_unit_test(a_message_holds_no_more_values_than_its_limit),
        cmocka_unit_test(blocks_go_in_chains_to_a_county_that_reads_them),
    };
    return cmocka_run_group_tests_name("link_chains", tests, NULL, NULL);
}
