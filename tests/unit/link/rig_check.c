/* A rig's oracle, and single messages for scripts; see rig.h. */
#include "unit/link/rig.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/block.h"

/* ---- the oracle ---- */

const struct xw_ranges *rig_known(struct xw_store *store, const struct rig_stream *stream)
{
    struct xw_store_stream view;
    static const struct xw_ranges none;
    return xw_store_stream(store, &stream->id, &view) < 0 ? &none : view.known;
}

const struct xw_ranges *rig_released(struct xw_store *store, const struct rig_stream *stream)
{
    struct xw_store_stream view;
    static const struct xw_ranges none;
    return xw_store_stream(store, &stream->id, &view) < 0 ? &none : view.released;
}

bool rig_all_there(struct rig *rig)
{
    for (size_t i = 0; i < rig->streams_n; i++)
        if (!xw_ranges_covers(rig_known(rig->archive, &rig->stream[i]), 0, rig->stream[i].end))
            return false;
    return model_figures(rig->archive).records_n == rig->records_made + rig->county_records_made &&
           model_figures(rig->spool).records_n == rig->records_made + rig->county_records_made;
}

static void check_stream(struct rig *rig, struct rig_stream *s)
{
    int32_t *x = calloc(70000, sizeof(*x));
    assert_non_null(x);
    assert_true(xw_ranges_covers(rig_known(rig->archive, s), 0, s->end));
    assert_int_equal(xw_ranges_end(rig_known(rig->archive, s)), s->end);
    for (uint64_t at = 0; at < s->end;) {
        const struct xw_store_block *b = model_block(rig->archive, &s->id, at);
        assert_non_null(b);
        assert_true(xw_block_decode(XW_CODING_DELTA, b->data, b->size, RIG_CHANNELS, b->count, x) >=
                    0);
        for (uint32_t i = 0; i < b->count; i++)
            for (unsigned c = 0; c < RIG_CHANNELS; c++)
                assert_int_equal(x[i * RIG_CHANNELS + c], rig_sample(s, c, at + i));
        at += b->count;
    }
    assert_int_equal(s->shown_twice, 0);
    free(x);
}

void rig_check_all(struct rig *rig)
{
    for (size_t i = 0; i < rig->streams_n; i++)
        check_stream(rig, &rig->stream[i]);
    assert_int_equal(model_figures(rig->archive).conflicts, 0);
    assert_int_equal(model_figures(rig->spool).conflicts, 0);
    assert_true(rig_all_there(rig));
}

/* ---- scripts ---- */

static uint8_t *packed(const Xw__LinkMessage *message, size_t *ret_size)
{
    uint8_t *data = malloc(xw__link_message__get_packed_size(message) + 1);
    assert_non_null(data);
    *ret_size = xw__link_message__pack(message, data);
    return data;
}

int rig_give_county(struct rig *rig, struct xw_conn *conn, const Xw__LinkMessage *message)
{
    size_t size;
    uint8_t *data = packed(message, &size);
    int r = xw_clink_receive(rig->clink, conn, data, size);
    free(data);
    return r;
}

int rig_give_gateway(struct rig *rig, struct xw_conn *conn, const Xw__LinkMessage *message)
{
    size_t size;
    uint8_t *data = packed(message, &size);
    int r = xw_glink_receive(rig->glink, conn, data, size);
    free(data);
    return r;
}

static Xw__LinkMessage *unpacked(struct xw_buf *buf, int r)
{
    Xw__LinkMessage *message = r > 0 ? xw__link_message__unpack(NULL, buf->n, buf->data) : NULL;
    xw_buf_done(buf);
    return message;
}

Xw__LinkMessage *rig_take_county(struct rig *rig, struct xw_conn *conn)
{
    struct xw_buf buf;
    xw_buf_init(&buf, XW_LINK_HELLO_MAX_N_BYTES);
    return unpacked(&buf, xw_clink_pull(rig->clink, conn, &buf));
}

Xw__LinkMessage *rig_take_gateway(struct rig *rig, struct xw_conn *conn)
{
    struct xw_buf buf;
    xw_buf_init(&buf, XW_LINK_HELLO_MAX_N_BYTES);
    return unpacked(&buf, xw_glink_pull(rig->glink, conn, &buf));
}
