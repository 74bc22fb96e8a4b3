/* A script's side of a connection; see script.h. */
#include "protocol/link/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

uint8_t script_session[16] = {1}, script_boot[16] = {2}, script_spool[16] = {3};

struct xw_conn *script_dial(struct rig *rig, const char *certificate)
{
    struct xw_conn *conn = calloc(1, sizeof(*conn));
    assert_non_null(conn);
    xw_conn_init(conn, &rig->clock);
    snprintf(conn->peer_name, sizeof(conn->peer_name), "%s", certificate);
    xw_clink_open(rig->clink, conn);
    return conn;
}

void script_hang_up(struct rig *rig, struct xw_conn *conn)
{
    xw_clink_closed(rig->clink, conn);
    xw_conn_done(conn);
    free(conn);
}

Xw__LinkHello script_hello_of(const char *gateway_id)
{
    Xw__LinkHello hello = XW__LINK_HELLO__INIT;
    hello.version = 1;
    hello.session_id = (ProtobufCBinaryData){16, script_session};
    hello.boot_id = (ProtobufCBinaryData){16, script_boot};
    hello.spool_id = (ProtobufCBinaryData){16, script_spool};
    hello.gateway_id = (char *)(uintptr_t)gateway_id;
    return hello;
}

int script_say_hello(struct rig *rig, struct xw_conn *conn, Xw__LinkHello hello)
{
    MESSAGE(hello, HELLO, &hello);
    return rig_give_county(rig, conn, &message);
}

Xw__LinkMessage *script_take_until(struct rig *rig, struct xw_conn *conn, bool county,
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

void script_expect_close(struct rig *rig, struct xw_conn *conn, bool county, Xw__LinkFault code)
{
    struct xw_buf buf;
    Xw__LinkMessage *m = script_take_until(rig, conn, county, XW__LINK_MESSAGE__BODY_CLOSE);
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

struct xw_conn *script_welcomed(struct rig *rig, const char *gateway_id)
{
    struct xw_conn *conn = script_dial(rig, gateway_id);
    assert_int_equal(script_say_hello(rig, conn, script_hello_of(gateway_id)), 0);
    model_run(rig->archive);
    Xw__LinkMessage *m = script_take_until(rig, conn, true, XW__LINK_MESSAGE__BODY_WELCOME);
    assert_non_null(m);
    xw__link_message__free_unpacked(m, NULL);
    return conn;
}

Xw__StreamHeader *script_header_of(const struct rig_stream *s)
{
    Xw__StreamHeader *header = xw__stream_header__unpack(NULL, s->header_size, s->header);
    assert_non_null(header);
    return header;
}

int script_open_stream(struct rig *rig, struct xw_conn *conn, Xw__StreamHeader *header)
{
    Xw__StreamOpen open = XW__STREAM_OPEN__INIT;
    open.header = header;
    MESSAGE(open, OPEN, &open);
    return rig_give_county(rig, conn, &message);
}
