/* A hub for tests. */
#include "hub_fixture.h"

#include "base/block.h"

#include <stdarg.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

static void want_write(void *user, void *socket_user)
{
    struct fixture *f = user;
    (void)socket_user;
    f->wakes_n++;
}

static void picture_want(void *user, const struct xw_uuid *attachment, bool on, bool key)
{
    struct fixture *f = user;
    (void)attachment;
    f->wanted = on;
    f->keys_n += key;
}

static const struct xw_ranges *known(void *user, const struct xw_uuid *stream)
{
    struct fixture *f = user;
    (void)stream;
    return &f->known;
}

void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof(*f));
    xw_clock_fake_init(&f->clock, 1000000000, 1800000000000000);
    xw_ranges_init(&f->known, 1000);
    struct xw_hub_config config = {.clock = &f->clock,
                                   .streams_max = 8,
                                   .hold_us = 2000000,
                                   .user = f,
                                   .want_write = want_write,
                                   .known = known,
                                   .picture_want = picture_want};
    assert_int_equal(xw_hub_new(&config, &f->hub), 0);
}

void fixture_done(struct fixture *f)
{
    xw_hub_free(f->hub);
    xw_ranges_done(&f->known);
}

struct xw_uuid fixture_id(uint8_t n)
{
    struct xw_uuid id;
    memset(id.b, n, sizeof(id.b));
    return id;
}

void fixture_stream(struct fixture *f, uint8_t n, const char *site)
{
    struct xw_uuid id = fixture_id(n);
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channels[FIXTURE_CHANNELS], *pointers[FIXTURE_CHANNELS];
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    uint8_t packed[1024];
    rate.num = FIXTURE_RATE_HZ;
    rate.den = gain.den = 1;
    gain.num = 1000;
    for (size_t i = 0; i < FIXTURE_CHANNELS; i++) {
        xw__channel__init(&channels[i]);
        channels[i].code = i ? "II" : "I";
        channels[i].unit = "mV";
        channels[i].gain = &gain;
        pointers[i] = &channels[i];
    }
    header.stream_id.len = header.attachment_id.len = sizeof(id.b);
    header.stream_id.data = header.attachment_id.data = id.b;
    header.modality = XW__MODALITY__MODALITY_ECG;
    header.rate = &rate;
    header.n_channels = FIXTURE_CHANNELS;
    header.channels = pointers;
    header.device_id = "device";
    header.gateway_id = "gw";
    size_t size = xw__stream_header__pack(&header, packed);
    assert_int_equal(xw_hub_stream(f->hub, &id, packed, size, site), 0);
}

void fixture_block(struct fixture *f, uint8_t n, uint64_t first, bool live)
{
    int32_t x[FIXTURE_BLOCK * FIXTURE_CHANNELS];
    uint8_t data[FIXTURE_BLOCK * FIXTURE_CHANNELS * 5];
    for (size_t i = 0; i < XW_ARRAY_N(x); i++)
        x[i] = (int32_t)(first * FIXTURE_CHANNELS + i);
    int size =
        xw_block_encode(XW_CODING_DELTA, x, FIXTURE_CHANNELS, FIXTURE_BLOCK, data, sizeof(data));
    assert_true(size > 0);
    struct xw_store_block block = {.stream = fixture_id(n),
                                   .first = first,
                                   .count = FIXTURE_BLOCK,
                                   .crc32c = xw_block_crc(x, FIXTURE_CHANNELS, FIXTURE_BLOCK),
                                   .data = data,
                                   .size = (size_t)size};
    xw_clock_fake_advance(&f->clock, FIXTURE_BLOCK * 1000000 / FIXTURE_RATE_HZ);
    xw_hub_block(f->hub, &block, live);
}

Xw__LiveMessage *fixture_next(struct xw_hub_socket *socket)
{
    struct xw_buf buf;
    xw_buf_init(&buf, 4 << 20);
    int r = xw_hub_next(socket, &buf);
    assert_true(r >= 0);
    Xw__LiveMessage *message = r ? xw__live_message__unpack(NULL, buf.n, buf.data) : NULL;
    assert_true(!r || message);
    xw_buf_done(&buf);
    return message;
}

size_t fixture_drain(struct xw_hub_socket *socket, Xw__LiveMessage__BodyCase kind)
{
    size_t n = 0;
    for (Xw__LiveMessage *m; (m = fixture_next(socket)) != NULL;) {
        n += m->body_case == kind;
        xw__live_message__free_unpacked(m, NULL);
    }
    return n;
}
