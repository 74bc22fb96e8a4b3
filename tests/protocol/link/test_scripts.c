/* Single messages against each end of the link: what is refused, with which code, and that nobody
 * else is harmed. One behaviour a test; the peer is a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/link/rig.h"

#define MESSAGE(field_, case_, body_)                                                              \
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;                                              \
    message.body_case = XW__LINK_MESSAGE__BODY_##case_;                                            \
    message.field_ = (body_)

static uint8_t session_a[16] = {1}, boot[16] = {2}, spool_a[16] = {3}, log_none[16] = {4};

/* A script's connection to the county. */
static struct xw_conn *dial(struct rig *rig, const char *certificate)
{
    struct xw_conn *conn = calloc(1, sizeof(*conn));
    assert_non_null(conn);
    xw_conn_init(conn, &rig->clock);
    snprintf(conn->peer_name, sizeof(conn->peer_name), "%s", certificate);
    xw_clink_open(rig->clink, conn);
    return conn;
}

static void hang_up(struct rig *rig, struct xw_conn *conn)
{
    xw_clink_closed(rig->clink, conn);
    xw_conn_done(conn);
    free(conn);
}

static Xw__LinkHello hello_of(const char *gateway_id)
{
    Xw__LinkHello hello = XW__LINK_HELLO__INIT;
    hello.version = 1;
    hello.session_id = (ProtobufCBinaryData){16, session_a};
    hello.boot_id = (ProtobufCBinaryData){16, boot};
    hello.spool_id = (ProtobufCBinaryData){16, spool_a};
    hello.gateway_id = (char *)(uintptr_t)gateway_id;
    return hello;
}

static int say_hello(struct rig *rig, struct xw_conn *conn, Xw__LinkHello hello)
{
    MESSAGE(hello, HELLO, &hello);
    return rig_give_county(rig, conn, &message);
}

/* Everything that waits is taken until a message of this kind; NULL if none comes. */
static Xw__LinkMessage *take_until(struct rig *rig, struct xw_conn *conn, bool county,
                                   Xw__LinkMessage__BodyCase kind)
{
    Xw__LinkMessage *m;
    while ((m = county ? rig_take_county(rig, conn) : rig_take_gateway(rig, conn))) {
        if (m->body_case == kind)
            return m;
        xw__link_message__free_unpacked(m, NULL);
    }
    return NULL;
}

static void expect_close(struct rig *rig, struct xw_conn *conn, bool county, Xw__LinkFault code)
{
    struct xw_buf buf;
    Xw__LinkMessage *m = take_until(rig, conn, county, XW__LINK_MESSAGE__BODY_CLOSE);
    assert_non_null(m);
    if (m->close->code != code)
        fprintf(stderr, "closed with %s: %s\n", xw_conn_fault_text(m->close->code), m->close->text);
    assert_int_equal(m->close->code, code);
    assert_true(strlen(m->close->text) > 0);
    xw__link_message__free_unpacked(m, NULL);
    xw_buf_init(&buf, 1000);
    assert_int_equal(county ? xw_clink_pull(rig->clink, conn, &buf)
                            : xw_glink_pull(rig->glink, conn, &buf),
                     -ESHUTDOWN);
    xw_buf_done(&buf);
}

/* A welcomed script. */
static struct xw_conn *welcomed(struct rig *rig, const char *gateway_id)
{
    struct xw_conn *conn = dial(rig, gateway_id);
    assert_int_equal(say_hello(rig, conn, hello_of(gateway_id)), 0);
    model_run(rig->archive);
    Xw__LinkMessage *m = take_until(rig, conn, true, XW__LINK_MESSAGE__BODY_WELCOME);
    assert_non_null(m);
    xw__link_message__free_unpacked(m, NULL);
    return conn;
}

static Xw__StreamHeader *header_of(const struct rig_stream *s)
{
    Xw__StreamHeader *header = xw__stream_header__unpack(NULL, s->header_size, s->header);
    assert_non_null(header);
    return header;
}

static int open_stream(struct rig *rig, struct xw_conn *conn, Xw__StreamHeader *header)
{
    Xw__StreamOpen open = XW__STREAM_OPEN__INIT;
    open.header = header;
    MESSAGE(open, OPEN, &open);
    return rig_give_county(rig, conn, &message);
}

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
    s->conn = welcomed(s->rig, "town-a");
    Xw__StreamHeader *header = header_of(s->stream);
    assert_int_equal(open_stream(s->rig, s->conn, header), 0);
    xw__stream_header__free_unpacked(header, NULL);
    s->block = rig_encode(s->stream, 0, 20, s->data);
}

static void scene_end(struct scene *s)
{
    hang_up(s->rig, s->conn);
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
    expect_close(s.rig, s.conn, true, code);
    assert_int_equal(s.stream->shown.total, 0);
    scene_end(&s);
}

/* ---- the county ---- */

static void the_first_message_must_be_a_hello(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct xw_conn *conn = dial(rig, "town-a");
    Xw__Credit credit = XW__CREDIT__INIT;
    MESSAGE(credit, CREDIT, &credit);
    assert_true(rig_give_county(rig, conn, &message) < 0);
    expect_close(rig, conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    hang_up(rig, conn);
    rig_free(rig);
}

static void refuse_hello(const char *certificate, Xw__LinkHello hello, Xw__LinkFault code)
{
    struct rig *rig = rig_new(1);
    struct xw_conn *conn = dial(rig, certificate);
    assert_true(say_hello(rig, conn, hello) < 0);
    expect_close(rig, conn, true, code);
    hang_up(rig, conn);
    rig_free(rig);
}

static void another_version_is_refused(void **state)
{
    (void)state;
    Xw__LinkHello hello = hello_of("town-a");
    hello.version = 2;
    refuse_hello("town-a", hello, XW__LINK_FAULT__LINK_FAULT_VERSION);
}
static void the_certificate_of_another_is_refused(void **state)
{
    (void)state;
    refuse_hello("town-b", hello_of("town-a"), XW__LINK_FAULT__LINK_FAULT_IDENTITY);
}
static void an_id_that_is_none_is_refused(void **state)
{
    (void)state;
    refuse_hello("", hello_of("town a\n"), XW__LINK_FAULT__LINK_FAULT_IDENTITY);
}
static void a_session_id_must_have_16_bytes(void **state)
{
    (void)state;
    Xw__LinkHello hello = hello_of("town-a");
    hello.session_id.len = 15;
    refuse_hello("town-a", hello, XW__LINK_FAULT__LINK_FAULT_MALFORMED);
}
static void a_site_name_must_be_utf8(void **state)
{
    (void)state;
    Xw__LinkHello hello = hello_of("town-a");
    hello.site_name = (char *)(uintptr_t) "\xed\xa0\x80";
    refuse_hello("town-a", hello, XW__LINK_FAULT__LINK_FAULT_MALFORMED);
}
static void too_many_streams_are_refused(void **state)
{
    (void)state;
    Xw__LinkHello hello = hello_of("town-a");
    hello.streams_n = XW_LINK_STREAMS_MAX + 1;
    refuse_hello("town-a", hello, XW__LINK_FAULT__LINK_FAULT_LIMIT);
}

static void a_second_hello_is_refused(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct xw_conn *conn = welcomed(rig, "town-a");
    assert_true(say_hello(rig, conn, hello_of("town-a")) < 0);
    expect_close(rig, conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    hang_up(rig, conn);
    rig_free(rig);
}

static void silence_instead_of_a_hello_ends(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    struct xw_conn *conn = dial(rig, "town-a");
    rig_run(rig, 5100000);
    expect_close(rig, conn, true, XW__LINK_FAULT__LINK_FAULT_TIMEOUT);
    hang_up(rig, conn);
    rig_free(rig);
}

static void blocks_before_the_welcome_are_refused(void **state)
{
    (void)state;
    struct scene s = {.rig = rig_new(1)};
    s.stream = rig_add_stream(s.rig);
    s.block = rig_encode(s.stream, 0, 20, s.data);
    s.conn = dial(s.rig, "town-a");
    assert_int_equal(say_hello(s.rig, s.conn, hello_of("town-a")), 0);
    assert_true(give_block(&s, wire_block(&s)) < 0); /* the epoch is not taken yet */
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    scene_end(&s);
}

static void a_stream_must_be_announced_in_this_session(void **state)
{
    (void)state;
    struct scene s = {.rig = rig_new(1)};
    s.stream = rig_add_stream(s.rig);
    s.block = rig_encode(s.stream, 0, 20, s.data);
    s.conn = welcomed(s.rig, "town-a");
    assert_true(give_block(&s, wire_block(&s)) < 0);
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    scene_end(&s);
}

static void a_header_of_another_gateway_is_refused(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    Xw__StreamHeader *header = header_of(s.stream);
    header->gateway_id[5] = 'b';
    assert_true(open_stream(s.rig, s.conn, header) < 0);
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_IDENTITY);
    xw__stream_header__free_unpacked(header, NULL);
    scene_end(&s);
}

static void a_stream_of_another_gateway_cannot_be_taken(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    struct xw_conn *thief = welcomed(s.rig, "town-b");
    Xw__StreamHeader *header = header_of(s.stream);
    header->gateway_id[5] = 'b';
    assert_true(open_stream(s.rig, thief, header) < 0);
    expect_close(s.rig, thief, true, XW__LINK_FAULT__LINK_FAULT_IDENTITY);
    xw__stream_header__free_unpacked(header, NULL);
    hang_up(s.rig, thief);
    assert_int_equal(give_block(&s, wire_block(&s)), 0); /* the owner goes on */
    assert_int_equal(s.stream->shown.total, 20);
    scene_end(&s);
}

static void a_header_does_not_change(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    Xw__StreamHeader *header = header_of(s.stream);
    header->channels[0]->baseline = 1;
    assert_true(open_stream(s.rig, s.conn, header) < 0);
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_HEADER);
    xw__stream_header__free_unpacked(header, NULL);
    scene_end(&s);
}

static void a_rate_of_zero_is_refused(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    Xw__StreamHeader *header = header_of(s.stream);
    header->rate->den = 0;
    assert_true(open_stream(s.rig, s.conn, header) < 0);
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_HEADER);
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
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_TOO_LARGE);
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
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_MALFORMED);
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
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
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
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_CREDIT);
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
    expect_close(s.rig, s.conn, true, code);
    assert_int_equal(model_figures(s.rig->archive).records_n, 0);
    scene_end(&s);
}

static void a_record_must_be_the_gateways_own(void **state)
{
    (void)state;
    refuse_record("town-b", spool_a, NULL, XW__LINK_FAULT__LINK_FAULT_IDENTITY);
}
static void a_record_must_be_of_the_announced_log(void **state)
{
    (void)state;
    refuse_record("town-a", log_none, NULL, XW__LINK_FAULT__LINK_FAULT_STATE);
}
static void an_event_must_be_one(void **state)
{
    (void)state;
    refuse_record("town-a", spool_a, "no event", XW__LINK_FAULT__LINK_FAULT_MALFORMED);
    refuse_record("town-a", spool_a, "", XW__LINK_FAULT__LINK_FAULT_MALFORMED);
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
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_STATE);
    scene_end(&s);
}

static void a_newer_session_ends_the_older(void **state)
{
    (void)state;
    struct scene s;
    scene_begin(&s);
    struct xw_conn *newer = dial(s.rig, "town-a");
    uint8_t other[16] = {77};
    Xw__LinkHello hello = hello_of("town-a");
    hello.session_id.data = other;
    assert_int_equal(say_hello(s.rig, newer, hello), 0);
    expect_close(s.rig, s.conn, true, XW__LINK_FAULT__LINK_FAULT_SUPERSEDED);
    model_run(s.rig->archive);
    Xw__LinkMessage *m = take_until(s.rig, newer, true, XW__LINK_MESSAGE__BODY_WELCOME);
    assert_non_null(m);
    assert_int_equal(m->welcome->session_epoch, 2);
    xw__link_message__free_unpacked(m, NULL);
    assert_true(s.rig->linked);
    hang_up(s.rig, newer);
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
        conn[i] = dial(rig, id[i]);
        if (i < 16)
            assert_int_equal(say_hello(rig, conn[i], hello_of(id[i])), 0);
    }
    assert_true(say_hello(rig, conn[16], hello_of(id[16])) < 0);
    expect_close(rig, conn[16], true, XW__LINK_FAULT__LINK_FAULT_LIMIT);
    /* The model's watcher knows town-a only: let the epochs come after everybody hung up. */
    for (unsigned i = 0; i < 17; i++)
        hang_up(rig, conn[i]);
    rig_free(rig);
}

/* ---- the gateway ---- */

struct gscene {
    struct rig *rig;
    struct xw_conn conn;
    struct rig_stream *stream;
};

static void gscene_begin(struct gscene *s)
{
    s->rig = rig_new(1);
    s->stream = rig_add_stream(s->rig);
    for (unsigned i = 0; i < 10; i++)
        rig_block(s->rig, s->stream, 20);
    rig_record(s->rig, s->stream, false);
    xw_conn_init(&s->conn, &s->rig->clock);
    xw_glink_open(s->rig->glink, &s->conn, 0);
    Xw__LinkMessage *m = rig_take_gateway(s->rig, &s->conn);
    assert_non_null(m);
    assert_int_equal(m->body_case, XW__LINK_MESSAGE__BODY_HELLO);
    assert_int_equal(m->hello->streams_n, 1);
    xw__link_message__free_unpacked(m, NULL);
}

static void gscene_end(struct gscene *s)
{
    xw_glink_closed(s->rig->glink, &s->conn);
    xw_conn_done(&s->conn);
    rig_free(s->rig);
}

static int welcome(struct gscene *s, const uint8_t *spool_id, uint64_t records_upto)
{
    Xw__LinkWelcome body = XW__LINK_WELCOME__INIT;
    struct xw_uuid spool = xw_store_id(s->rig->spool);
    uint8_t store[16] = {5};
    if (spool_id)
        memcpy(spool.b, spool_id, 16);
    body.version = 1;
    body.store_id = body.county_log_id = (ProtobufCBinaryData){16, store};
    body.session_epoch = 1;
    body.spool_id = (ProtobufCBinaryData){16, spool.b};
    body.records_upto = records_upto;
    body.credit_bytes = 1 << 20;
    MESSAGE(welcome, WELCOME, &body);
    return rig_give_gateway(s->rig, &s->conn, &message);
}

static void nothing_comes_before_the_welcome(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    Xw__Credit body = XW__CREDIT__INIT;
    MESSAGE(credit, CREDIT, &body);
    assert_true(rig_give_gateway(s.rig, &s.conn, &message) < 0);
    expect_close(s.rig, &s.conn, false, XW__LINK_FAULT__LINK_FAULT_STATE);
    gscene_end(&s);
}

static void a_welcome_for_another_spool_is_refused(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    assert_true(welcome(&s, spool_a, 0) < 0);
    expect_close(s.rig, &s.conn, false, XW__LINK_FAULT__LINK_FAULT_STATE);
    gscene_end(&s);
}

static void records_that_never_were_cannot_be_held(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    assert_true(welcome(&s, NULL, 1000) < 0);
    expect_close(s.rig, &s.conn, false, XW__LINK_FAULT__LINK_FAULT_STATE);
    gscene_end(&s);
}

static void an_acknowledgement_of_what_was_not_sent_is_not_believed(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    assert_int_equal(welcome(&s, NULL, 0), 0);
    Xw__LinkMessage *m = take_until(s.rig, &s.conn, false, XW__LINK_MESSAGE__BODY_HELD);
    assert_non_null(m);
    assert_int_equal(m->held->held[0]->count, 200);
    xw__link_message__free_unpacked(m, NULL);
    Xw__BlockAck body = XW__BLOCK_ACK__INIT;
    Xw__StreamAck ack = XW__STREAM_ACK__INIT, *acks[] = {&ack};
    ack.stream_id = (ProtobufCBinaryData){16, s.stream->id.b};
    ack.upto = 200;
    body.streams = acks;
    body.n_streams = 1;
    MESSAGE(block_ack, BLOCK_ACK, &body);
    assert_int_equal(rig_give_gateway(s.rig, &s.conn, &message), 0);
    for (unsigned i = 0; i < 30; i++) {
        xw_clock_fake_advance(&s.rig->clock, 10000);
        xw_glink_tick(s.rig->glink);
    }
    assert_int_equal(rig_released(s.rig->spool, s.stream)->total, 0);
    gscene_end(&s);
}

static void an_acknowledgement_of_an_unknown_stream_is_refused(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    assert_int_equal(welcome(&s, NULL, 0), 0);
    Xw__StreamWanted body = XW__STREAM_WANTED__INIT;
    body.stream_id = (ProtobufCBinaryData){16, log_none};
    MESSAGE(wanted, WANTED, &body);
    assert_true(rig_give_gateway(s.rig, &s.conn, &message) < 0);
    expect_close(s.rig, &s.conn, false, XW__LINK_FAULT__LINK_FAULT_STATE);
    gscene_end(&s);
}

static void records_acknowledged_must_exist(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    assert_int_equal(welcome(&s, NULL, 0), 0);
    struct xw_uuid spool = xw_store_id(s.rig->spool);
    Xw__RecordAck body = XW__RECORD_ACK__INIT;
    body.log_id = (ProtobufCBinaryData){16, spool.b};
    body.upto = 2;
    MESSAGE(record_ack, RECORD_ACK, &body);
    assert_true(rig_give_gateway(s.rig, &s.conn, &message) < 0);
    expect_close(s.rig, &s.conn, false, XW__LINK_FAULT__LINK_FAULT_STATE);
    gscene_end(&s);
}

static void a_close_is_not_answered(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    assert_int_equal(welcome(&s, NULL, 0), 0);
    Xw__LinkClose body = XW__LINK_CLOSE__INIT;
    body.code = XW__LINK_FAULT__LINK_FAULT_SHUTDOWN;
    MESSAGE(close, CLOSE, &body);
    assert_true(rig_give_gateway(s.rig, &s.conn, &message) < 0);
    struct xw_buf buf;
    xw_buf_init(&buf, 1000);
    assert_int_equal(xw_glink_pull(s.rig->glink, &s.conn, &buf), -ESHUTDOWN);
    xw_buf_done(&buf);
    assert_int_equal(s.conn.fault, XW__LINK_FAULT__LINK_FAULT_SHUTDOWN);
    assert_true(s.conn.fault_by_peer);
    gscene_end(&s);
}

static void no_content_goes_beyond_the_credit(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    assert_int_equal(welcome(&s, NULL, 0), 0);
    s.conn.credit_n_bytes = 4000; /* as if the county had said so */
    Xw__LinkMessage *m;
    for (unsigned i = 0; i < 100; i++)
        rig_block(s.rig, s.stream, 20);
    while ((m = rig_take_gateway(s.rig, &s.conn)))
        xw__link_message__free_unpacked(m, NULL);
    assert_true(s.conn.sent_n_bytes > 2000 && s.conn.sent_n_bytes <= 4000);
    gscene_end(&s);
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
        cmocka_unit_test(nothing_comes_before_the_welcome),
        cmocka_unit_test(a_welcome_for_another_spool_is_refused),
        cmocka_unit_test(records_that_never_were_cannot_be_held),
        cmocka_unit_test(an_acknowledgement_of_what_was_not_sent_is_not_believed),
        cmocka_unit_test(an_acknowledgement_of_an_unknown_stream_is_refused),
        cmocka_unit_test(records_acknowledged_must_exist),
        cmocka_unit_test(a_close_is_not_answered),
        cmocka_unit_test(no_content_goes_beyond_the_credit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
