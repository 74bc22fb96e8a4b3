/* Two session cores back to back; see rig.h. */
#include "unit/link/rig.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/block.h"
#include "proto/study.pb-c.h"

uint64_t rig_random(struct rig *rig, uint64_t below)
{
    rig->random ^= rig->random << 13; /* xorshift64 */
    rig->random ^= rig->random >> 7;
    rig->random ^= rig->random << 17;
    return rig->random % below;
}

static struct rig_stream *find(struct rig *rig, const struct xw_uuid *id)
{
    for (size_t i = 0; i < rig->streams_n; i++)
        if (xw_uuid_equal(&rig->stream[i].id, id))
            return &rig->stream[i];
    return NULL;
}

/* ---- what the county's watcher is told ---- */

static void on_gateway(void *user, const struct xw_downlink_gateway *gateway)
{
    struct rig *rig = user;
    rig->linked = gateway->linked;
    rig->gateway_events++;
}
static void on_stream(void *user, const struct xw_uuid *stream, const void *header,
                      size_t header_size, const char *gateway_id)
{
    struct rig *rig = user;
    struct rig_stream *s = find(rig, stream);
    assert_string_equal(gateway_id, rig->gateway_id);
    if (s) {
        assert_int_equal(header_size, s->header_size);
        assert_memory_equal(header, s->header, header_size);
    }
}
static void on_block(void *user, const struct xw_store_block *block, bool live)
{
    struct rig *rig = user;
    struct rig_stream *s = find(rig, &block->stream);
    assert_non_null(s);
    rig->last_live = live;
    s->shown_twice += xw_ranges_count_within(&s->shown, block->first, block->first + block->count);
    assert_true(xw_ranges_add(&s->shown, block->first, block->first + block->count) >= 0);
}
static void on_gap(void *user, const struct xw_store_gap *gap)
{
    struct rig_stream *s = find(user, &gap->stream);
    assert_non_null(s);
    s->gaps_n++;
    s->gaps_behind += s->shown.n && xw_ranges_end(&s->shown) > gap->range.first;
}
static void on_stored(void *user, const struct xw_uuid *stream, struct xw_range range, bool live)
{
    struct rig_stream *s = find(user, stream);
    (void)live;
    if (s)
        assert_true(xw_ranges_add(&s->stored, range.first, range.end) >= 0);
}
static void on_record(void *user, const struct xw_store_record *record, const char *gateway_id)
{
    struct rig *rig = user;
    assert_string_equal(record->origin, gateway_id);
    rig->records_told++;
}
static void on_ephemeral(void *user, const char *gateway_id, const char *topic, const void *payload,
                         size_t size)
{
    struct rig *rig = user;
    (void)gateway_id;
    (void)payload;
    (void)size;
    rig->ephemeral_n++;
    snprintf(rig->last_topic, sizeof(rig->last_topic), "%s", topic);
}
static void on_suspended(void *user, const struct xw_uuid *streams, size_t streams_n,
                         const char *gateway_id)
{
    struct rig *rig = user;
    (void)streams;
    (void)gateway_id;
    rig->suspended_n = streams_n;
}
static void on_county_record(void *user, const struct xw_store_record *record)
{
    struct rig *rig = user;
    assert_true(record->key_size > 0);
    rig->county_records_told++;
}
static void on_county_ephemeral(void *user, const char *topic, const void *payload, size_t size)
{
    on_ephemeral(user, "", topic, payload, size);
}
static void on_object(void *user, const uint8_t sha256[32], int status)
{
    struct rig *rig = user;
    (void)sha256;
    rig->object_status = status;
    rig->object_calls++;
}

static void start_gateway(struct rig *rig)
{
    struct xw_glink_config config = {.gateway_id = rig->gateway_id,
                                     .site_name = "东山镇卫生院",
                                     .software = "test",
                                     .demo = true,
                                     .live_late_us = 2000000};
    struct xw_glink_watch watch = {rig, on_county_record, on_county_ephemeral, on_object};
    memset(config.boot_id.b, 7, sizeof(config.boot_id.b));
    assert_int_equal(xw_glink_new(rig->spool, &rig->clock, &config, &watch, &rig->glink), 0);
    for (size_t i = 0; i < rig->streams_n; i++)
        assert_int_equal(xw_glink_stream(rig->glink, &rig->stream[i].id, rig->stream[i].header,
                                         rig->stream[i].header_size),
                         0);
}

static void start_county(struct rig *rig)
{
    struct xw_downlink_watch watch = {rig,          on_gateway, on_stream, on_block,
                                      on_gap,       on_stored,  on_record, on_ephemeral,
                                      on_suspended, NULL,       NULL};
    assert_int_equal(xw_clink_new(rig->archive, &rig->clock, 16, &watch, &rig->clink), 0);
}

struct rig *rig_new(uint64_t seed)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    assert_non_null(rig);
    rig->random = seed * 0x9e3779b97f4a7c15U + 1;
    xw_clock_fake_init(&rig->clock, 1000000000, INT64_C(1760000000000000));
    snprintf(rig->gateway_id, sizeof(rig->gateway_id), "town-a");
    rig->certificate = rig->gateway_id;
    rig->spool = model_new();
    rig->archive = model_new();
    model_set_id(rig->spool, "spool", seed);
    model_set_id(rig->archive, "archive", seed);
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
        rig->pipe[role].to_county.tail = &rig->pipe[role].to_county.head;
        rig->pipe[role].to_gateway.tail = &rig->pipe[role].to_gateway.head;
    }
    start_gateway(rig);
    start_county(rig);
    return rig;
}

void rig_free(struct rig *rig)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        rig_cut(rig, role, 0);
    xw_glink_free(rig->glink);
    xw_clink_free(rig->clink);
    model_free(rig->spool);
    model_free(rig->archive);
    for (size_t i = 0; i < rig->streams_n; i++) {
        xw_ranges_done(&rig->stream[i].shown);
        xw_ranges_done(&rig->stream[i].stored);
    }
    free(rig);
}

/* ---- what is captured ---- */

struct rig_stream *rig_add_stream(struct rig *rig)
{
    static const char *const codes[RIG_CHANNELS] = {"I", "II", "V1"};
    assert_true(rig->streams_n < RIG_STREAMS_MAX);
    struct rig_stream *s = &rig->stream[rig->streams_n++];
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channel[RIG_CHANNELS], *channels[RIG_CHANNELS];
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    uint8_t attachment[16] = {9, (uint8_t)rig->streams_n};
    const struct xw_part parts[] = {{"stream", 6}, {&rig->streams_n, sizeof(rig->streams_n)}};
    s->id = xw_uuid_v8(parts, XW_ARRAY_N(parts));
    rate.num = RIG_RATE_HZ;
    rate.den = 1;
    gain.num = 1000;
    gain.den = 1;
    for (unsigned i = 0; i < RIG_CHANNELS; i++) {
        xw__channel__init(&channel[i]);
        channel[i].code = (char *)(uintptr_t)codes[i];
        channel[i].unit = (char *)(uintptr_t) "mV";
        channel[i].gain = &gain;
        channel[i].adc_min = -32768;
        channel[i].adc_max = 32767;
        channels[i] = &channel[i];
    }
    header.stream_id = (ProtobufCBinaryData){16, s->id.b};
    header.attachment_id = (ProtobufCBinaryData){16, attachment};
    header.modality = XW__MODALITY__MODALITY_ECG;
    header.rate = &rate;
    header.channels = channels;
    header.n_channels = RIG_CHANNELS;
    header.device_id = (char *)(uintptr_t) "dev-1";
    header.gateway_id = rig->gateway_id;
    s->header_size = xw__stream_header__get_packed_size(&header);
    assert_true(s->header_size <= sizeof(s->header));
    xw__stream_header__pack(&header, s->header);
    xw_ranges_init(&s->shown, 100000);
    xw_ranges_init(&s->stored, 100000);
    model_put_stream(rig->spool, &s->id, s->header, s->header_size);
    assert_int_equal(xw_glink_stream(rig->glink, &s->id, s->header, s->header_size), 0);
    return s;
}

int32_t rig_sample(const struct rig_stream *stream, unsigned channel, uint64_t index)
{
    uint64_t x = index * 2654435761U + channel * 97 + stream->id.b[15];
    x ^= x >> 15;
    return (int32_t)(x % 4096) - 2048;
}

struct xw_store_block rig_encode(const struct rig_stream *stream, uint64_t first, uint32_t count,
                                 uint8_t *data)
{
    int32_t *x = calloc((size_t)count * RIG_CHANNELS, sizeof(*x));
    assert_non_null(x);
    for (uint32_t i = 0; i < count; i++)
        for (unsigned c = 0; c < RIG_CHANNELS; c++)
            x[i * RIG_CHANNELS + c] = rig_sample(stream, c, first + i);
    int n = xw_block_encode(XW_CODING_DELTA, x, RIG_CHANNELS, count, data,
                            xw_block_bound(RIG_CHANNELS, count));
    assert_true(n > 0);
    struct xw_store_block block = {
        stream->id, first, count, 0, xw_block_crc(x, RIG_CHANNELS, count), data, (size_t)n};
    free(x);
    return block;
}

static void make_block(struct rig *rig, struct rig_stream *stream, uint32_t count, bool live,
                       bool spool)
{
    uint8_t *data = malloc(xw_block_bound(RIG_CHANNELS, count));
    assert_non_null(data);
    struct xw_store_block block = rig_encode(stream, stream->end, count, data);
    stream->end += count;
    if (live)
        xw_glink_block(rig->glink, &block);
    if (spool) {
        model_put_block(rig->spool, &block);
        xw_glink_committed(rig->glink, 0);
    }
    free(data);
}

void rig_block(struct rig *rig, struct rig_stream *stream, uint32_t count)
{
    make_block(rig, stream, count, true, true);
}
void rig_block_live_only(struct rig *rig, struct rig_stream *stream, uint32_t count)
{
    make_block(rig, stream, count, true, false);
}
void rig_block_spool_only(struct rig *rig, struct rig_stream *stream, uint32_t count)
{
    make_block(rig, stream, count, false, true);
}

void rig_record(struct rig *rig, struct rig_stream *stream, bool alarm)
{
    Xw__Event event = XW__EVENT__INIT;
    uint8_t body[256], key[40], run[16] = {3};
    uint64_t seq = ++rig->records_made;
    event.stream_id = (ProtobufCBinaryData){16, stream->id.b};
    event.run_id = (ProtobufCBinaryData){16, run};
    event.seq = seq;
    event.kind = alarm ? XW__EVENT_KIND__EVENT_ALARM : XW__EVENT_KIND__EVENT_BEAT;
    event.priority = alarm ? XW__PRIORITY__PRIORITY_HIGH : XW__PRIORITY__PRIORITY_NONE;
    event.first = stream->end;
    event.code = (char *)(uintptr_t)(alarm ? "VF" : "N");
    memcpy(key, stream->id.b, 16);
    memcpy(key + 16, run, 16);
    for (unsigned i = 0; i < 8; i++)
        key[32 + i] = (uint8_t)(seq >> (56 - 8 * i));
    assert_true(xw__event__get_packed_size(&event) <= sizeof(body));
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_EVENT,
                                     .body = body,
                                     .body_size = xw__event__pack(&event, body),
                                     .origin = rig->gateway_id,
                                     .wall_us = xw_clock_wall(&rig->clock).us};
    xw_glink_committed(rig->glink, model_put_record(rig->spool, &record, "county"));
}

void rig_county_record(struct rig *rig)
{
    uint64_t n = ++rig->county_records_made;
    struct xw_store_record record = {.key = &n,
                                     .key_size = sizeof(n),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_ALARM_ACK,
                                     .body = "ack",
                                     .body_size = 3,
                                     .origin = "county",
                                     .wall_us = 1};
    xw_clink_committed(rig->clink, rig->gateway_id,
                       model_put_record(rig->archive, &record, "gw/town-a"));
}

void rig_restart_county(struct rig *rig)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        rig_cut(rig, role, 0);
    xw_clink_free(rig->clink);
    model_crash(rig->archive);
    for (size_t i = 0; i < rig->streams_n; i++) {
        xw_ranges_clear(&rig->stream[i].shown);
        xw_ranges_clear(&rig->stream[i].stored);
    }
    start_county(rig);
}

void rig_restart_gateway(struct rig *rig)
{
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        rig_cut(rig, role, 0);
    xw_glink_free(rig->glink);
    model_crash(rig->spool);
    start_gateway(rig);
}
