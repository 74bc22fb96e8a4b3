/* Single messages against the gateway's end of the link: what is refused, with which code. One
 * behaviour a test; the peer is a script. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/link/script.h"

static uint8_t log_none[16] = {4};

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
    script_expect_close(s.rig, &s.conn, false, XW__LINK_FAULT__LINK_FAULT_STATE);
    gscene_end(&s);
}

static void a_welcome_for_another_spool_is_refused(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    assert_true(welcome(&s, script_spool, 0) < 0);
    script_expect_close(s.rig, &s.conn, false, XW__LINK_FAULT__LINK_FAULT_STATE);
    gscene_end(&s);
}

static void records_that_never_were_cannot_be_held(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    assert_true(welcome(&s, NULL, 1000) < 0);
    script_expect_close(s.rig, &s.conn, false, XW__LINK_FAULT__LINK_FAULT_STATE);
    gscene_end(&s);
}

static void an_acknowledgement_of_what_was_not_sent_is_not_believed(void **state)
{
    (void)state;
    struct gscene s;
    gscene_begin(&s);
    assert_int_equal(welcome(&s, NULL, 0), 0);
    Xw__LinkMessage *m = script_take_until(s.rig, &s.conn, false, XW__LINK_MESSAGE__BODY_HELD);
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
    script_expect_close(s.rig, &s.conn, false, XW__LINK_FAULT__LINK_FAULT_STATE);
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
    script_expect_close(s.rig, &s.conn, false, XW__LINK_FAULT__LINK_FAULT_STATE);
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
        cmocka_unit_test(nothing_comes_before_the_welcome),
        cmocka_unit_test(a_welcome_for_another_spool_is_refused),
        cmocka_unit_test(records_that_never_were_cannot_be_held),
        cmocka_unit_test(an_acknowledgement_of_what_was_not_sent_is_not_believed),
        cmocka_unit_test(an_acknowledgement_of_an_unknown_stream_is_refused),
        cmocka_unit_test(records_acknowledged_must_exist),
        cmocka_unit_test(a_close_is_not_answered),
        cmocka_unit_test(no_content_goes_beyond_the_credit),
    };
    return cmocka_run_group_tests_name("link_scripts_gateway", tests, NULL, NULL);
}
