/* The link over real sockets between real stores: spool and archive on disk, their own threads.
 *
 * XW_LINK_STREAMS, XW_LINK_SECONDS, XW_LINK_GATEWAYS make it larger, for a look at its cost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>
#include <uv.h>

#include "base/block.h"
#include "base/log.h"
#include "link/downlink.h"
#include "link/uplink.h"
#include "proto/signal.pb-c.h"

enum { GATEWAYS_MAX = 20, STREAMS_MAX = 64, CHANNELS = 12, BLOCK_N = 20, BLOCK_MS = 40 };

struct stream {
    struct xw_uuid id;
    uint8_t header[1024];
    size_t header_size;
    uint64_t end;
    struct xw_ranges shown;
};
struct bench;
struct gateway {
    struct bench *bench;
    char id[16];
    struct xw_store *spool;
    struct xw_uplink *uplink;
    struct stream stream[STREAMS_MAX];
    bool linked;
    unsigned county_records;
};
struct bench {
    struct xw_loop *loop;
    struct xw_net *net;
    struct xw_store *archive;
    struct xw_downlink *downlink;
    uint16_t port;
    struct gateway gateway[GATEWAYS_MAX];
    size_t gateways_n, streams_n;
    struct xw_timer *tick;
    uint64_t blocks, records, records_made, conflicts, shown_twice;
    unsigned closed_n;
    char dir[64];
};

static size_t setting(const char *name, size_t otherwise, size_t most)
{
    const char *text = getenv(name);
    return text ? XW_MIN((size_t)strtoul(text, NULL, 10), most) : otherwise;
}

static void on_conflict(void *user, const struct xw_uuid *stream, struct xw_range range)
{
    struct bench *b = user;
    (void)stream;
    (void)range;
    b->conflicts++;
}

static struct xw_store *open_store(struct bench *b, const char *name, bool spool, bool disk)
{
    char dir[128], key_file[140];
    snprintf(dir, sizeof(dir), "%s/%s", b->dir, name);
    snprintf(key_file, sizeof(key_file), "%s.key", dir);
    struct xw_store_config config = {.dir = disk ? dir : NULL,
                                     .key_file = key_file,
                                     .retain_us = 3600000000,
                                     .queue_bytes = 64 << 20,
                                     .readers_n = 2,
                                     .release_needed = spool};
    struct xw_store_watch watch = {.user = b, .on_conflict = on_conflict};
    struct xw_store *store = NULL;
    assert_int_equal(
        (disk ? xw_store_open_sqlite : xw_store_open_memory)(b->loop, &config, &watch, &store), 0);
    return store;
}

static void tick(void *arg)
{
    (void)arg; /* only so that the loop comes round */
}

static bool wait_for(struct bench *b, bool (*so)(struct bench *b), int64_t max_ms)
{
    int64_t until_us = xw_clock_mono(NULL).us + max_ms * 1000;
    while (!so(b) && xw_clock_mono(NULL).us < until_us)
        uv_run(xw_loop_uv(b->loop), UV_RUN_ONCE);
    return so(b);
}

static struct stream *find(struct bench *b, const struct xw_uuid *id)
{
    for (size_t g = 0; g < b->gateways_n; g++)
        for (size_t i = 0; i < b->streams_n; i++)
            if (xw_uuid_equal(&b->gateway[g].stream[i].id, id))
                return &b->gateway[g].stream[i];
    return NULL;
}

static void on_block(void *user, const struct xw_store_block *block, bool live)
{
    struct bench *b = user;
    struct stream *s = find(b, &block->stream);
    (void)live;
    assert_non_null(s);
    b->shown_twice += xw_ranges_count_within(&s->shown, block->first, block->first + block->count);
    assert_true(xw_ranges_add(&s->shown, block->first, block->first + block->count) >= 0);
    b->blocks++;
}
static void on_record(void *user, const struct xw_store_record *record, const char *gateway_id)
{
    struct bench *b = user;
    (void)gateway_id;
    (void)record;
    b->records++;
}
static void on_county_record(void *user, const struct xw_store_record *record)
{
    struct gateway *g = user;
    (void)record;
    g->county_records++;
}
static void on_state(void *user, const struct xw_uplink_state *state)
{
    struct gateway *g = user;
    g->linked = state->linked;
}

static void make_stream(struct gateway *g, struct stream *s)
{
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channel[CHANNELS], *channels[CHANNELS];
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    char code[CHANNELS][8];
    s->id = xw_uuid_v7(NULL);
    rate.num = 500;
    rate.den = gain.den = 1;
    gain.num = 1000;
    for (unsigned i = 0; i < CHANNELS; i++) {
        snprintf(code[i], sizeof(code[i]), "V%u", i);
        xw__channel__init(&channel[i]);
        channel[i].code = code[i];
        channel[i].unit = (char *)(uintptr_t) "mV";
        channel[i].gain = &gain;
        channels[i] = &channel[i];
    }
    header.stream_id = header.attachment_id = (ProtobufCBinaryData){16, s->id.b};
    header.modality = XW__MODALITY__MODALITY_ECG;
    header.rate = &rate;
    header.channels = channels;
    header.n_channels = CHANNELS;
    header.device_id = (char *)(uintptr_t) "dev-1";
    header.gateway_id = g->id;
    s->header_size = xw__stream_header__get_packed_size(&header);
    assert_true(s->header_size <= sizeof(s->header));
    xw__stream_header__pack(&header, s->header);
    xw_ranges_init(&s->shown, 100000);
}

static void on_spooled(void *user, const struct xw_store_done *done)
{
    struct gateway *g = user;
    assert_int_equal(done->status, 0);
    if (g->uplink)
        xw_uplink_committed(g->uplink, done->out_seq_last);
}

/* One block of each stream: to the live lane at once, to the spool in one batch. */
static void capture(struct gateway *g)
{
    static int32_t x[CHANNELS * BLOCK_N];
    static uint8_t data[CHANNELS * BLOCK_N * 5];
    struct bench *b = g->bench;
    struct xw_store_batch *batch;
    assert_int_equal(xw_store_batch_new(g->spool, &batch), 0);
    for (size_t i = 0; i < b->streams_n; i++) {
        struct stream *s = &g->stream[i];
        for (unsigned k = 0; k < XW_ARRAY_N(x); k++)
            x[k] = (int32_t)((s->end + k) * 37 % 251) - (int32_t)(k % CHANNELS);
        int n = xw_block_encode(XW_CODING_DELTA, x, CHANNELS, BLOCK_N, data, sizeof(data));
        assert_true(n > 0);
        struct xw_store_block block = {
            s->id, s->end, BLOCK_N, 0, xw_block_crc(x, CHANNELS, BLOCK_N), data, (size_t)n};
        if (s->end == 0)
            assert_int_equal(xw_store_batch_stream(batch, &s->id, s->header, s->header_size), 0);
        assert_int_equal(xw_store_batch_block(batch, &block), 0);
        if (g->uplink)
            xw_uplink_block(g->uplink, &block);
        s->end += BLOCK_N;
    }
    uint64_t key = ++b->records_made;
    struct xw_store_record record = {.key = &key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_DEVICE,
                                     .body = "x",
                                     .body_size = 1,
                                     .origin = g->id,
                                     .wall_us = 1};
    assert_int_equal(xw_store_batch_record(batch, &record, "county", NULL, 0), 0);
    assert_int_equal(xw_store_append(g->spool, batch, on_spooled, g), 0);
}

static void start_downlink(struct bench *b)
{
    struct xw_downlink_config config = {.address = "127.0.0.1", .gateways_max = GATEWAYS_MAX};
    struct xw_downlink_watch watch = {.user = b, .on_block = on_block, .on_record = on_record};
    assert_int_equal(
        xw_downlink_new(b->loop, b->net, b->archive, &config, &watch, &b->downlink, &b->port), 0);
}

static void start_uplink(struct gateway *g)
{
    struct bench *b = g->bench;
    struct xw_uplink_config config = {.host = "127.0.0.1",
                                      .port = b->port,
                                      .gateway_id = g->id,
                                      .site_name = "x",
                                      .software = "x",
                                      .live_late_us = 2000000};
    struct xw_uplink_watch watch = {.user = g, .on_state = on_state, .on_record = on_county_record};
    assert_int_equal(xw_uplink_new(b->loop, b->net, g->spool, &config, &watch, &g->uplink), 0);
    for (size_t i = 0; i < b->streams_n; i++)
        assert_int_equal(xw_uplink_stream(g->uplink, &g->stream[i].id, g->stream[i].header,
                                          g->stream[i].header_size),
                         0);
}

static bool all_there(struct bench *b)
{
    for (size_t g = 0; g < b->gateways_n; g++)
        for (size_t i = 0; i < b->streams_n; i++) {
            struct xw_store_stream in_store;
            const struct stream *s = &b->gateway[g].stream[i];
            if (xw_store_stream(b->archive, &s->id, &in_store) < 0 ||
                !xw_ranges_covers(in_store.blocks, 0, s->end))
                return false;
        }
    return b->records == b->records_made;
}

static bool all_released(struct bench *b)
{
    for (size_t g = 0; g < b->gateways_n; g++)
        for (size_t i = 0; i < b->streams_n; i++) {
            struct xw_store_stream in_store;
            const struct stream *s = &b->gateway[g].stream[i];
            if (xw_store_stream(b->gateway[g].spool, &s->id, &in_store) < 0 ||
                !xw_ranges_covers(in_store.released, 0, s->end))
                return false;
        }
    return true;
}

static bool never(struct bench *b)
{
    (void)b;
    return false;
}

static void on_closed(void *user)
{
    ((struct bench *)user)->closed_n++;
}
static bool all_closed(struct bench *b)
{
    return b->closed_n == b->gateways_n + 1;
}

static double cpu_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void run(bool disk)
{
    struct bench *b = calloc(1, sizeof(*b));
    assert_non_null(b);
    snprintf(b->dir, sizeof(b->dir), "/tmp/xw-link-stores-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    b->gateways_n = setting("XW_LINK_GATEWAYS", 2, GATEWAYS_MAX);
    b->streams_n = setting("XW_LINK_STREAMS", 3, STREAMS_MAX);
    size_t seconds = setting("XW_LINK_SECONDS", 2, 3600);
    assert_int_equal(xw_loop_new(NULL, &b->loop), 0);
    assert_int_equal(xw_net_new(b->loop, &b->net), 0);
    assert_int_equal(xw_timer_new(b->loop, tick, NULL, &b->tick), 0);
    xw_timer_start(b->tick, 5, 5);
    b->archive = open_store(b, "archive", false, disk);
    for (size_t g = 0; g < b->gateways_n; g++) {
        struct gateway *gw = &b->gateway[g];
        gw->bench = b;
        snprintf(gw->id, sizeof(gw->id), "gw-%zu", g);
        gw->spool = open_store(b, gw->id, true, disk);
        for (size_t i = 0; i < b->streams_n; i++)
            make_stream(gw, &gw->stream[i]);
    }
    for (unsigned i = 0; i < 25; i++) { /* a second off line */
        for (size_t g = 0; g < b->gateways_n; g++)
            capture(&b->gateway[g]);
        wait_for(b, never, 5);
    }
    start_downlink(b);
    for (size_t g = 0; g < b->gateways_n; g++)
        start_uplink(&b->gateway[g]);
    double before = cpu_s();
    for (size_t i = 0; i < seconds * 1000 / BLOCK_MS; i++) {
        for (size_t g = 0; g < b->gateways_n; g++) {
            capture(&b->gateway[g]);
            wait_for(b, never, BLOCK_MS / (int64_t)b->gateways_n);
        }
    }
    double used = cpu_s() - before;
    assert_true(wait_for(b, all_there, 20000));
    assert_true(wait_for(b, all_released, 20000));
    assert_int_equal(b->conflicts, 0);
    assert_int_equal(b->shown_twice, 0);
    fprintf(stderr, "%zu gateways x %zu streams: %.0f us of CPU a stream and second, both ends\n",
            b->gateways_n, b->streams_n,
            1e6 * used / (double)(seconds * b->gateways_n * b->streams_n));
    for (size_t g = 0; g < b->gateways_n; g++)
        xw_uplink_free(b->gateway[g].uplink);
    xw_downlink_free(b->downlink);
    xw_store_close(b->archive, on_closed, b);
    for (size_t g = 0; g < b->gateways_n; g++)
        xw_store_close(b->gateway[g].spool, on_closed, b);
    assert_true(wait_for(b, all_closed, 10000));
    xw_timer_free(b->tick);
    xw_net_free(b->net);
    xw_loop_free(b->loop);
    for (size_t g = 0; g < b->gateways_n; g++)
        for (size_t i = 0; i < b->streams_n; i++)
            xw_ranges_done(&b->gateway[g].stream[i].shown);
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", b->dir);
    assert_int_equal(system(command), 0);
    free(b);
}

static void the_memory_model_serves_both_ends(void **state)
{
    (void)state;
    run(false);
}
static void stores_on_disk_serve_both_ends(void **state)
{
    (void)state;
    run(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_memory_model_serves_both_ends),
        cmocka_unit_test(stores_on_disk_serve_both_ends),
    };
    if (getenv("XW_TEST_ONLY"))
        cmocka_set_test_filter(getenv("XW_TEST_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
