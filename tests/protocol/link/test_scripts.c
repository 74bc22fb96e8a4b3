/* Single messages against the county's end of the link: what is refused, with which code, and that
 * nobody else is harmed. One behaviour a test; the peer is a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/link/script.h"

static uint8_t log_none[16] = {4};

/* The county's side, welcomed, with a stream open; the rig's own gateway is the name's owner. */
struct scene {
    struct rig *rig;
    struct xw_conn *conn;
    struct rig_stream *stream;
    uint8_t data[4096];
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
    s->block = rig_encode(s->stream, 0, 20, s->data);
}

static void scene_end(struct scene *s)
{
    script_hang_up(s->rig, s->conn);
    rig_free(s->rig);
}

static Xw__Block wire_block(struct scene *s)
{
    Xw__Block b = XW__BLOCK__INIT;
    b.stream_id = (ProtobufCBinaryData){16, s->stream->id.b};
    b.first = s->block.first;
    b.count = s->block.count;
    b.crc32c = s->block.crc32c;
    b.data = (ProtobufCBinaryData){s->block.size, s->data};
    return b;
}

static int give_block(struct scene *s, Xw__Block b)
{
    Xw__Blocks blocks = XW__BLOCKS__INIT;
    Xw__Block *list[] = {&b};
    blocks.lane = XW__LANE__LANE_LIVE;
    blocks.blocks = list;
    blocks.n_blocks = 1;
    MESSAGE(blocks, BLOCKS, &blocks);
    return rig_give_county(s->rig, s->conn, &message);
}

static void refuse_block(Xw__LinkFault code, void (*spoil)(Xw__Block *b))
{
    struct scene s;
    scene_begin(&s);
    Xw__Block b = wire_block(&s);
    spoil(&b);
    assert_true(give_block(&s, b) < 0);
    script_expect_close(s.rig, s.conn, true, code);
    assert_int_equal(s.stream->shown.total, 0);
    scene_end(&s);
}

static void the_first_message_must_be_a_hello(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct xw_conn *conn = script_dial(rig, "town-a");
    Xw__Credit credit = XW__CREDIT__INIT;
    MESSAGE(credit, CREDIT, &credit);
    assert_true(rig_give_county(rig, conn, &message) < 0);
    script_expect_close(rig, conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    script_hang_up(rig, conn);
    rig_free(rig);
}

static void refuse_hello(const char *certificate, Xw__LinkHello hello, Xw__LinkFault code)
{
    struct rig *rig = rig_new(1);
    struct xw_conn *conn = script_dial(rig, certificate);
    assert_true(script_say_hello(rig, conn, hello) < 0);
    script_expect_close(rig, conn, true, code);
    script_hang_up(rig, conn);
    rig_free(rig);
}

static void another_version_is_refused(void **state)
{
    (void)state;
    Xw__LinkHello hello = script_hello_of("town-a");
    hello.version = 2;
    refuse_hello("town-a", hello, XW__LINK_FAULT__LINK_FAULT_VERSION);
}
static void the_certificate_of_another_is_refused(void **state)
{
    (void)state;
    refuse_hello("town-b", script_hello_of("town-a"), XW__LINK_FAULT__LINK_FAULT_IDENTITY);
}
static void an_id_that_is_none_is_refused(void **state)
{
    (void)state;
    refuse_hello("", script_hello_of("town a\n"), XW__LINK_FAULT__LINK_FAULT_IDENTITY);
}
static void a_session_id_must_have_16_bytes(void **state)
{
    (void)state;
    Xw__LinkHello hello = script_hello_of("town-a");
    hello.session_id.len = 15;
    refuse_hello("town-a", hello, XW__LINK_FAULT__LINK_FAULT_MALFORMED);
}
static void a_site_name_must_be_utf8(void **state)
{
    (void)state;
    Xw__LinkHello hello = script_hello_of("town-a");
    hello.site_name = (char *)(uintptr_t) "\xed\xa0\x80";
    refuse_hello("town-a", hello, XW__LINK_FAULT__LINK_FAULT_MALFORMED);
}
static void too_many_streams_are_refused(void **state)
{
    (void)state;
    Xw__LinkHello hello = script_hello_of("town-a");
    hello.streams_n = XW_LINK_STREAMS_MAX + 1;
    refuse_hello("town-a", hello, XW__LINK_FAULT__LINK_FAULT_LIMIT);
}

static void a_second_hello_is_refused(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct xw_conn *conn = script_welcomed(rig, "town-a");
    assert_true(script_say_hello(rig, conn, script_hello_of("town-a")) < 0);
    script_expect_close(rig, conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    script_hang_up(rig, conn);
    rig_free(rig);
}

static void silence_instead_of_a_hello_ends(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct xw_conn *conn = script_dial(rig, "town-a");
    rig_run(rig, 5100000);
    script_expect_close(rig, conn, true, XW__LINK_FAULT__LINK_FAULT_TIMEOUT);
    script_hang_up(rig, conn);
    rig_free(rig);
}

static void blocks_before_the_welcome_are_refused(void **state)
{
    (void)state;
    struct scene s = {.rig = rig_new(1)};
    s.stream = rig_add_stream(s.rig);
    s.block = rig_encode(s.stream, 0, 20, s.data);
    s.conn = script_dial(s.rig, "town-a");
    assert_int_equal(script_say_hello(s.rig, s.conn, script_hello_of("town-a")), 0);
    assert_true(give_block(&s, wire_block(&s)) < 0); /* the epoch is not taken yet */
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    scene_end(&s);
}

static void a_stream_must_be_announced_in_this_session(void **state)
{
    (void)state;
    struct scene s = {.rig = rig_new(1)};
    s.stream = rig_add_stream(s.rig);
    s.block = rig_encode(s.stream, 0, 20, s.data);
    s.conn = script_welcomed(s.rig, "town-a");
    assert_true(give_block(&s, wire_block(&s)) < 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    scene_end(&s);
}

static void a_header_of_another_gateway_is_refused(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    Xw__StreamHeader *header = script_header_of(s.stream);
    header->gateway_id[5] = 'b';
    assert_true(script_open_stream(s.rig, s.conn, header) < 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_IDENTITY);
    xw__stream_header__free_unpacked(header, NULL);
    scene_end(&s);
}

static void a_stream_of_another_gateway_cannot_be_taken(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    struct xw_conn *thief = script_welcomed(s.rig, "town-b");
    Xw__StreamHeader *header = script_header_of(s.stream);
    header->gateway_id[5] = 'b';
    assert_true(script_open_stream(s.rig, thief, header) < 0);
    script_expect_close(s.rig, thief, true, XW__LINK_FAULT__LINK_FAULT_IDENTITY);
    xw__stream_header__free_unpacked(header, NULL);
    script_hang_up(s.rig, thief);
    assert_int_equal(give_block(&s, wire_block(&s)), 0); /* the owner goes on */
    assert_int_equal(s.stream->shown.total, 20);
    scene_end(&s);
}

static void a_header_does_not_change(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    Xw__StreamHeader *header = script_header_of(s.stream);
    header->channels[0]->baseline = 1;
    assert_true(script_open_stream(s.rig, s.conn, header) < 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_HEADER);
    xw__stream_header__free_unpacked(header, NULL);
    scene_end(&s);
}

static void a_rate_of_zero_is_refused(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    Xw__StreamHeader *header = script_header_of(s.stream);
    header->rate->den = 0;
    assert_true(script_open_stream(s.rig, s.conn, header) < 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_HEADER);
    xw__stream_header__free_unpacked(header, NULL);
    scene_end(&s);
}

static void wrong_crc(Xw__Block *b)
{
    b->crc32c ^= 1;
}
static void cut_data(Xw__Block *b)
{
    b->data.len--;
}
static void no_samples(Xw__Block *b)
{
    b->count = 0;
}
static void end_of_time(Xw__Block *b)
{
    b->first = UINT64_MAX - 3;
}
static void other_coding(Xw__Block *b)
{
    b->coding = 9;
}
static void other_count(Xw__Block *b)
{
    b->count = 65536;
}
static void short_id(Xw__Block *b)
{
    b->stream_id.len = 3;
}
static void a_block_whose_crc_is_wrong_is_refused(void **state)
{
    (void)state;
    refuse_block(XW__LINK_FAULT__LINK_FAULT_CRC, wrong_crc);
}
static void a_block_that_does_not_decode_is_refused(void **state)
{
    (void)state;
    refuse_block(XW__LINK_FAULT__LINK_FAULT_MALFORMED, cut_data);
    refuse_block(XW__LINK_FAULT__LINK_FAULT_MALFORMED, other_coding);
    refuse_block(XW__LINK_FAULT__LINK_FAULT_MALFORMED, other_count);
}
static void a_block_of_an_impossible_range_is_refused(void **state)
{
    (void)state;
    refuse_block(XW__LINK_FAULT__LINK_FAULT_MALFORMED, no_samples);
    refuse_block(XW__LINK_FAULT__LINK_FAULT_MALFORMED, end_of_time);
    refuse_block(XW__LINK_FAULT__LINK_FAULT_MALFORMED, short_id);
}

static void an_oversized_message_is_refused(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    static uint8_t big[XW_LINK_MESSAGE_MAX_N_BYTES + 100];
    Xw__Ephemeral body = XW__EPHEMERAL__INIT;
    body.topic = (char *)(uintptr_t) "x";
    body.payload = (ProtobufCBinaryData){sizeof(big), big};
    MESSAGE(ephemeral, EPHEMERAL, &body);
    assert_true(rig_give_county(s.rig, s.conn, &message) < 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_TOO_LARGE);
    scene_end(&s);
}

static void a_length_bomb_ends_at_its_limit(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    static uint8_t bomb[XW_LINK_MESSAGE_MAX_N_BYTES];
    size_t body = sizeof(bomb) - 4, n = 0;
    bomb[n++] = 0x32; /* blocks */
    bomb[n++] = (uint8_t)(body | 0x80);
    bomb[n++] = (uint8_t)(body >> 7 | 0x80);
    bomb[n++] = (uint8_t)(body >> 14);
    for (; n + 1 < sizeof(bomb); n += 2)
        bomb[n] = 0x12; /* an empty block, 32,000 times */
    assert_true(xw_clink_receive(s.rig->clink, s.conn, bomb, sizeof(bomb)) < 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_MALFORMED);
    scene_end(&s);
}

static void what_only_the_county_says_is_refused_from_a_gateway(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    Xw__BlockAck body = XW__BLOCK_ACK__INIT;
    MESSAGE(block_ack, BLOCK_ACK, &body);
    assert_true(rig_give_county(s.rig, s.conn, &message) < 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    scene_end(&s);
}

static void credit_may_not_be_overdrawn(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    model_hold(s.rig->archive, true); /* nothing becomes durable: no more credit */
    int r = 0;
    for (unsigned i = 0; r >= 0 && i < 20000; i++) {
        s.block = rig_encode(s.stream, i * 20, 20, s.data);
        r = give_block(&s, wire_block(&s));
    }
    assert_true(r < 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_CREDIT);
    assert_true(s.conn->got_n_bytes <= XW_CONN_CREDIT_N_BYTES);
    model_hold(s.rig->archive, false);
    scene_end(&s);
}

static void refuse_record(const char *origin, uint8_t *log, const char *event_body,
                          Xw__LinkFault code)
{
    struct scene s;
    scene_begin(&s);
    Xw__Records records = XW__RECORDS__INIT;
    Xw__LoggedRecord logged = XW__LOGGED_RECORD__INIT, *list[] = {&logged};
    Xw__Record record = XW__RECORD__INIT;
    record.key = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t) "k1"};
    record.revision = 1;
    record.kind = event_body ? XW__RECORD_KIND__RECORD_EVENT : XW__RECORD_KIND__RECORD_DEVICE;
    if (event_body)
        record.body = (ProtobufCBinaryData){strlen(event_body), (uint8_t *)(uintptr_t)event_body};
    record.origin = (char *)(uintptr_t)origin;
    logged.seq = 1;
    logged.record = &record;
    records.log_id = (ProtobufCBinaryData){16, log};
    records.records = list;
    records.n_records = 1;
    MESSAGE(records, RECORDS, &records);
    assert_true(rig_give_county(s.rig, s.conn, &message) < 0);
    script_expect_close(s.rig, s.conn, true, code);
    assert_int_equal(model_figures(s.rig->archive).records_n, 0);
    scene_end(&s);
}

static void a_record_must_be_the_gateways_own(void **state)
{
    (void)state;
    refuse_record("town-b", script_spool, NULL, XW__LINK_FAULT__LINK_FAULT_IDENTITY);
}
static void a_record_must_be_of_the_announced_log(void **state)
{
    (void)state;
    refuse_record("town-a", log_none, NULL, XW__LINK_FAULT__LINK_FAULT_STATE);
}
static void an_event_must_be_one(void **state)
{
    (void)state;
    refuse_record("town-a", script_spool, "no event", XW__LINK_FAULT__LINK_FAULT_MALFORMED);
    refuse_record("town-a", script_spool, "", XW__LINK_FAULT__LINK_FAULT_MALFORMED);
}

static void a_suspended_stream_must_be_known(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    Xw__Suspended body = XW__SUSPENDED__INIT;
    ProtobufCBinaryData id = {16, log_none};
    body.stream_ids = &id;
    body.n_stream_ids = 1;
    MESSAGE(suspended, SUSPENDED, &body);
    assert_true(rig_give_county(s.rig, s.conn, &message) < 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    scene_end(&s);
}

static void a_newer_session_ends_the_older(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    struct xw_conn *newer = script_dial(s.rig, "town-a");
    uint8_t other[16] = {77};
    Xw__LinkHello hello = script_hello_of("town-a");
    hello.session_id.data = other;
    assert_int_equal(script_say_hello(s.rig, newer, hello), 0);
    script_expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_SUPERSEDED);
    model_run(s.rig->archive);
    Xw__LinkMessage *m = script_take_until(s.rig, newer, true, XW__LINK_MESSAGE__BODY_WELCOME);
    assert_non_null(m);
    assert_int_equal(m->welcome->session_epoch, 2);
    xw__link_message__free_unpacked(m, NULL);
    assert_true(s.rig->linked);
    script_hang_up(s.rig, newer);
    assert_false(s.rig->linked);
    scene_end(&s);
}

static void an_unknown_kind_does_nothing(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    assert_int_equal(xw_clink_receive(s.rig->clink, s.conn, "\xa2\x06\x02hi", 5), 0);
    assert_int_equal(give_block(&s, wire_block(&s)), 0);
    scene_end(&s);
}

static void more_gateways_than_configured_are_refused(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct xw_conn *conn[17];
    char id[17][8];
    for (unsigned i = 0; i < 17; i++) {
        snprintf(id[i], sizeof(id[i]), "g%u", i);
        conn[i] = script_dial(rig, id[i]);
        if (i < 16)
            assert_int_equal(script_say_hello(rig, conn[i], script_hello_of(id[i])), 0);
    }
    assert_true(script_say_hello(rig, conn[16], script_hello_of(id[16])) < 0);
    script_expect_close(rig, conn[16], true, XW__LINK_FAULT__LINK_FAULT_LIMIT);
    /* The model's watcher knows town-a only: let the epochs come after everybody hung up. */
    for (unsigned i = 0; i < 17; i++)
        script_hang_up(rig, conn[i]);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_message_must_be_a_hello),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(the_certificate_of_another_is_refused),
        cmocka_unit_test(an_id_that_is_none_is_refused),
        cmocka_unit_test(a_session_id_must_have_16_bytes),
        cmocka_unit_test(a_site_name_must_be_utf8),
        cmocka_unit_test(too_many_streams_are_refused),
        cmocka_unit_test(a_second_hello_is_refused),
        cmocka_unit_test(silence_instead_of_a_hello_ends),
        cmocka_unit_test(blocks_before_the_welcome_are_refused),
        cmocka_unit_test(a_stream_must_be_announced_in_this_session),
        cmocka_unit_test(a_header_of_another_gateway_is_refused),
        cmocka_unit_test(a_stream_of_another_gateway_cannot_be_taken),
        cmocka_unit_test(a_header_does_not_change),
        cmocka_unit_test(a_rate_of_zero_is_refused),
        cmocka_unit_test(a_block_whose_crc_is_wrong_is_refused),
        cmocka_unit_test(a_block_that_does_not_decode_is_refused),
        cmocka_unit_test(a_block_of_an_impossible_range_is_refused),
        cmocka_unit_test(an_oversized_message_is_refused),
        cmocka_unit_test(a_length_bomb_ends_at_its_limit),
        cmocka_unit_test(what_only_the_county_says_is_refused_from_a_gateway),
        cmocka_unit_test(credit_may_not_be_overdrawn),
        cmocka_unit_test(a_record_must_be_the_gateways_own),
        cmocka_unit_test(a_record_must_be_of_the_announced_log),
        cmocka_unit_test(an_event_must_be_one),
        cmocka_unit_test(a_suspended_stream_must_be_known),
        cmocka_unit_test(a_newer_session_ends_the_older),
        cmocka_unit_test(an_unknown_kind_does_nothing),
        cmocka_unit_test(more_gateways_than_configured_are_refused),
    };
    return cmocka_run_group_tests_name("link_scripts_county", tests, NULL, NULL);
}
