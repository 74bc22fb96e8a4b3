/* Blocks in coding 4 against each end of the link: what the county refuses, what the gateway sends
 * to which county. One behaviour a test; the peer is a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/block.h"
#include "dsp/codec/codec.h"
#include "protocol/link/script.h"

/* The county's side, welcomed, with a stream open. */
struct scene {
    struct rig *rig;
    struct xw_conn *conn;
    struct rig_stream *stream;
    struct xw_store_block block;
};

static void scene_begin(struct scene *s)
{
    s->rig = rig_new(1);
    s->stream = rig_add_stream(s->rig);
    s->conn = script_welcomed(s->rig, "town-a");
    Xw__StreamHeader *header = script_header_of(s->stream);
    assert_int_equal(script_open_stream(s->rig, s->conn, header), 0);
    xw__stream_header__free_unpacked(header, NULL);
}

static void scene_end(struct scene *s)
{
    script_hang_up(s->rig, s->conn);
    rig_free(s->rig);
}

/* The scene's block i (of 20 samples) in coding 4, coded by the given codec. */
static Xw__Block coded_block(struct scene *s, struct xw_codec *codec, unsigned i, uint8_t *data)
{
    int32_t x[20 * RIG_CHANNELS];
    uint8_t plain[1024];
    s->block = rig_encode(s->stream, i * 20, 20, plain);
    assert_int_equal(xw_block_decode(XW_CODING_DELTA, plain, s->block.size, RIG_CHANNELS, 20, x),
                     0);
    Xw__Block b = XW__BLOCK__INIT;
    b.stream_id = (ProtobufCBinaryData){16, s->stream->id.b};
    b.first = s->block.first;
    b.count = s->block.count;
    b.crc32c = s->block.crc32c;
    int n = xw_codec_encode(codec, i * 20, false, x, 20, data, 1024, &b.key_first);
    assert_true(n > 0);
    b.coding = XW_CODING_CHAINED;
    b.data = (ProtobufCBinaryData){(size_t)n, data};
    return b;
}

static int give_blocks(struct scene *s, struct xw_conn *conn, Xw__Lane lane, Xw__Block *b, size_t n)
{
    Xw__Blocks blocks = XW__BLOCKS__INIT;
    Xw__Block *list[4];
    for (size_t i = 0; i < n; i++)
        list[i] = &b[i];
    blocks.lane = lane;
    blocks.blocks = list;
    blocks.n_blocks = n;
    MESSAGE(blocks, BLOCKS, &blocks);
    return rig_give_county(s->rig, conn, &message);
}

static void coded_begin(struct scene *s, struct xw_codec **ret_codec)
{
    scene_begin(s);
    assert_int_equal(xw_codec_new(RIG_CHANNELS, ret_codec), 0);
}

static void coded_end(struct scene *s, struct xw_codec *codec)
{
    xw_codec_free(codec);
    scene_end(s);
}

static void a_chain_goes_on_over_live_messages(void **state)
{
    (void)state;
    struct scene s;
    struct xw_codec *codec;
    uint8_t data[1024];
    coded_begin(&s, &codec);
    for (unsigned i = 0; i < 5; i++) {
        Xw__Block b = coded_block(&s, codec, i, data);
        assert_int_equal(b.key_first, 0);
        assert_int_equal(give_blocks(&s, s.conn, XW__LANE__LANE_LIVE, &b, 1), 0);
        assert_int_equal(s.stream->shown.total, 20 * (i + 1));
    }
    coded_end(&s, codec);
}

static void a_coded_block_without_the_one_before_it_is_refused(void **state)
{
    (void)state;
    static const Xw__Lane lanes[] = {XW__LANE__LANE_LIVE, XW__LANE__LANE_BACKFILL};
    for (unsigned k = 0; k < 4; k++) {
        struct scene s;
        struct xw_codec *codec;
        uint8_t data[3][1024];
        coded_begin(&s, &codec);
        Xw__Block b[3];
        for (unsigned i = 0; i < 3; i++)
            b[i] = coded_block(&s, codec, i, data[i]);
        Xw__Lane lane = lanes[k % 2];
        if (k < 2) { /* the one in the middle is missing */
            assert_int_equal(give_blocks(&s, s.conn, lane, &b[0], 1), 0);
            assert_true(give_blocks(&s, s.conn, lane, &b[2], 1) < 0);
        } else if (lane == XW__LANE__LANE_BACKFILL) { /* chains end with a message of backfill */
            assert_int_equal(give_blocks(&s, s.conn, lane, b, 2), 0);
            assert_true(give_blocks(&s, s.conn, lane, &b[2], 1) < 0);
        } else { /* backfill is no part of a live chain */
            assert_int_equal(give_blocks(&s, s.conn, lane, &b[0], 1), 0);
            assert_true(give_blocks(&s, s.conn, XW__LANE__LANE_BACKFILL, &b[1], 1) < 0);
        }
        script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
        coded_end(&s, codec);
    }
}

static void refuse_coded(Xw__LinkFault code, void (*spoil)(Xw__Block *b))
{
    struct scene s;
    struct xw_codec *codec;
    uint8_t data[1024];
    coded_begin(&s, &codec);
    Xw__Block b = coded_block(&s, codec, 1, data);
    spoil(&b);
    assert_true(give_blocks(&s, s.conn, XW__LANE__LANE_LIVE, &b, 1) < 0);
    script_expect_close(s.rig, s.conn, true, code);
    assert_int_equal(s.stream->shown.total, 0);
    coded_end(&s, codec);
}
static void key_behind(Xw__Block *b)
{
    b->key_first = b->first + 1;
}
static void key_elsewhere(Xw__Block *b)
{
    b->key_first = b->first - 1;
}
static void plain_but_too_short(Xw__Block *b)
{
    b->data.data[0] = 0xFF;
}
static void crc_of_another(Xw__Block *b)
{
    b->crc32c ^= 1;
}
static void coded_blocks_are_checked(void **state)
{
    (void)state;
    refuse_coded(XW__LINK_FAULT__LINK_FAULT_MALFORMED, key_behind);
    refuse_coded(XW__LINK_FAULT__LINK_FAULT_STATE, key_elsewhere);
    refuse_coded(XW__LINK_FAULT__LINK_FAULT_MALFORMED, plain_but_too_short);
    refuse_coded(XW__LINK_FAULT__LINK_FAULT_CRC, crc_of_another);
}

/* A few bytes for a great many samples. */
static void a_message_may_not_ask_for_too_many_samples(void **state)
{
    (void)state;
    enum { COUNT = 12000 };
    struct scene s;
    struct xw_codec *codec;
    uint64_t key_first;
    uint8_t *data = malloc(xw_codec_bound(RIG_CHANNELS, COUNT));
    int32_t *x = calloc((size_t)COUNT * RIG_CHANNELS, sizeof(*x));
    assert_true(data && x);
    coded_begin(&s, &codec);
    Xw__Block b[2];
    b[0] = coded_block(&s, codec, 0, data);
    xw_codec_reset(codec);
    int n = xw_codec_encode(codec, 0, true, x, COUNT, data, xw_codec_bound(RIG_CHANNELS, COUNT),
                            &key_first);
    assert_in_range(n, 1, 2000);
    b[0].count = COUNT;
    b[0].crc32c = xw_block_crc(x, RIG_CHANNELS, COUNT);
    b[0].data = (ProtobufCBinaryData){(size_t)n, data};
    b[1] = b[0];
    b[1].first = b[1].key_first = COUNT;
    assert_true(give_blocks(&s, s.conn, XW__LANE__LANE_BACKFILL, b, 2) < 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_TOO_LARGE);
    coded_end(&s, codec);
    free(data);
    free(x);
}

/* ---- the gateway ---- */

static int welcome_gateway(struct rig *rig, struct xw_conn *conn, uint64_t codings)
{
    Xw__LinkWelcome body = XW__LINK_WELCOME__INIT;
    struct xw_uuid spool = xw_store_id(rig->spool);
    uint8_t store[16] = {5};
    body.version = 1;
    body.store_id = body.county_log_id = (ProtobufCBinaryData){16, store};
    body.session_epoch = 1;
    body.spool_id = (ProtobufCBinaryData){16, spool.b};
    body.credit_bytes = 1 << 20;
    body.block_codings = codings;
    MESSAGE(welcome, WELCOME, &body);
    return rig_give_gateway(rig, conn, &message);
}

/* The next block that the gateway sends, its coding and key; false: none. */
static bool next_block(struct rig *rig, struct xw_conn *conn, Xw__Block *ret_block)
{
    Xw__LinkMessage *m = script_take_until(rig, conn, false, XW__LINK_MESSAGE__BODY_BLOCKS);
    if (!m)
        return false;
    assert_int_equal(m->blocks->n_blocks, 1);
    *ret_block = *m->blocks->blocks[0];
    xw__link_message__free_unpacked(m, NULL);
    return true;
}

static void the_gateway_codes_only_for_a_county_that_says_it_reads_it(void **state)
{
    (void)state;
    static const uint64_t codings[] = {0, 1U << XW_CODING_INT16, 1U << XW_CODING_CHAINED, ~0ULL};
    for (unsigned k = 0; k < XW_ARRAY_N(codings); k++) {
        struct rig *rig = rig_new(1);
        struct rig_stream *stream = rig_add_stream(rig);
        struct xw_conn conn;
        Xw__Block b = XW__BLOCK__INIT;
        xw_conn_init(&conn, &rig->clock);
        xw_glink_open(rig->glink, &conn, 0);
        assert_int_equal(welcome_gateway(rig, &conn, codings[k]), 0);
        for (unsigned i = 0; i < 4; i++) {
            rig_block_live_only(rig, stream, 20);
            assert_true(next_block(rig, &conn, &b));
            assert_int_equal(b.coding, k < 2 ? XW_CODING_DELTA : XW_CODING_CHAINED);
            assert_int_equal(b.key_first, 0);
        }
        xw_glink_closed(rig->glink, &conn);
        xw_conn_done(&conn);
        rig_free(rig);
    }
}

static void a_reconnected_gateway_begins_with_a_key_block(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct rig_stream *stream = rig_add_stream(rig);
    for (unsigned k = 0; k < 3; k++) {
        struct xw_conn conn;
        Xw__Block b = XW__BLOCK__INIT;
        xw_conn_init(&conn, &rig->clock);
        xw_glink_open(rig->glink, &conn, 0);
        assert_int_equal(welcome_gateway(rig, &conn, 1U << XW_CODING_CHAINED), 0);
        for (unsigned i = 0; i < 3; i++) {
            uint64_t first = stream->end - 20 * i;
            rig_block_live_only(rig, stream, 20);
            assert_true(next_block(rig, &conn, &b));
            assert_int_equal(b.coding, XW_CODING_CHAINED);
            assert_int_equal(b.key_first, first);
        }
        xw_glink_closed(rig->glink, &conn);
        xw_conn_done(&conn);
    }
    rig_free(rig);
}

static void a_live_block_that_was_left_out_is_followed_by_a_key_block(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct rig_stream *stream = rig_add_stream(rig);
    struct xw_conn conn;
    Xw__Block b = XW__BLOCK__INIT;
    xw_conn_init(&conn, &rig->clock);
    xw_glink_open(rig->glink, &conn, 0);
    assert_int_equal(welcome_gateway(rig, &conn, 1U << XW_CODING_CHAINED), 0);
    rig_block_live_only(rig, stream, 20);
    assert_true(next_block(rig, &conn, &b));
    assert_int_equal(b.key_first, 0);
    rig_block_live_only(rig, stream, 20); /* waits for longer than live may */
    xw_clock_fake_advance(&rig->clock, 3000000);
    xw_glink_tick(rig->glink);
    rig_block_live_only(rig, stream, 20);
    assert_true(next_block(rig, &conn, &b));
    assert_int_equal(b.first, 40);
    assert_int_equal(b.key_first, 40);
    xw_glink_closed(rig->glink, &conn);
    xw_conn_done(&conn);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_goes_on_over_live_messages),
        cmocka_unit_test(a_coded_block_without_the_one_before_it_is_refused),
        cmocka_unit_test(coded_blocks_are_checked),
        cmocka_unit_test(a_message_may_not_ask_for_too_many_samples),
        cmocka_unit_test(the_gateway_codes_only_for_a_county_that_says_it_reads_it),
        cmocka_unit_test(a_reconnected_gateway_begins_with_a_key_block),
        cmocka_unit_test(a_live_block_that_was_left_out_is_followed_by_a_key_block),
    };
    return cmocka_run_group_tests_name("link_coded_scripts", tests, NULL, NULL);
}
