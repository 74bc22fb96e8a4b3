/* A gateway's load on its uplink, without devices: ECG streams of a natural size, pictures as
 * ephemeral messages, one large object. Everything goes through one real uplink over a real spool.
 *
 * A sample of index i is "taken" at begin_us + i / rate on the monotonic clock, so whoever reads
 * it at the county knows its age. Lines on stdin: video KBIT/S | object BYTES | streams N | quit.
 * JSON lines on stdout: {"begin_us","streams":[…]}, {"object":"SHA-256"}, and each 250 ms a line
 * with the state of the uplink.
 */
#include "base/block.h"
#include "base/cli.h"
#include "link/uplink.h"

#include "link.pb-c.h"
#include "signal.pb-c.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

enum {
    STREAMS_MAX = 64,
    RATE_HZ = 500,
    LEADS_N = 12,
    PICTURE_N_BYTES = 12 * 1024,
    TICK_MS = 10,
    STATE_MS = 250,
    PIECE_N_BYTES = 256 * 1024,
};

struct stream {
    struct xw_uuid id;
    uint8_t header[2048];
    size_t header_size;
    uint64_t newest;
    int32_t level[LEADS_N];
};

struct load {
    struct xw_loop *loop;
    struct xw_net *net;
    struct xw_store *store;
    struct xw_uplink *uplink;
    struct xw_timer *timer;
    uv_pipe_t in;
    char line[128];
    size_t line_n;
    int64_t port, streams_n, block_ms, video_kbit, spread;
    const char *certs, *id, *dir, *address;
    struct stream streams[STREAMS_MAX];
    uint64_t begin_us, blocks_made, video_from_us, video_made, video_bytes;
    int64_t state_due_us;
    uint32_t random;
    uint8_t *object, sha256[32];
    size_t object_size, object_at;
};

static uint64_t now_us(void)
{
    return (uint64_t)xw_clock_mono(NULL).us;
}

static uint32_t random_next(struct load *f)
{
    f->random ^= f->random << 13;
    f->random ^= f->random >> 17;
    f->random ^= f->random << 5;
    return f->random;
}

static void on_committed(void *user, const struct xw_store_done *done)
{
    struct load *f = user;
    if (done->status < 0)
        printf("{\"error\":%d}\n", done->status);
    else if (f->uplink)
        xw_uplink_committed(f->uplink, done->out_seq_last);
}

/* ---- ECG ---- */

static void add_block(struct load *f, struct stream *s, uint32_t count,
                      struct xw_store_batch *batch)
{
    static int32_t x[RATE_HZ * LEADS_N];
    static uint8_t data[RATE_HZ * LEADS_N * 5];
    for (uint32_t i = 0; i < count; i++)
        for (size_t c = 0; c < LEADS_N; c++) {
            int32_t step = (int32_t)(random_next(f) % (2 * (uint32_t)f->spread + 1));
            s->level[c] += step - (int32_t)f->spread - s->level[c] / 64;
            x[i * LEADS_N + c] = s->level[c];
        }
    int size = xw_block_encode(XW_CODING_DELTA, x, LEADS_N, count, data, sizeof(data));
    if (size < 0)
        abort();
    struct xw_store_block block = {.stream = s->id,
                                   .first = s->newest,
                                   .count = count,
                                   .crc32c = xw_block_crc(x, LEADS_N, count),
                                   .data = data,
                                   .size = (size_t)size};
    xw_uplink_block(f->uplink, &block);
    if (xw_store_batch_block(batch, &block) < 0)
        abort();
    s->newest += count;
}

static void make_header(struct load *f, struct stream *s, size_t n)
{
    static char *leads[] = {"I",  "II", "III", "aVR", "aVL", "aVF",
                            "V1", "V2", "V3",  "V4",  "V5",  "V6"};
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channels[LEADS_N], *pointers[LEADS_N];
    Xw__StreamHeader h = XW__STREAM_HEADER__INIT;
    char device[32];
    snprintf(device, sizeof(device), "load-%02zu", n + 1);
    rate.num = RATE_HZ;
    rate.den = gain.den = 1;
    gain.num = 1000;
    for (size_t c = 0; c < LEADS_N; c++) {
        xw__channel__init(&channels[c]);
        channels[c].code = leads[c];
        channels[c].unit = "mV";
        channels[c].gain = &gain;
        channels[c].adc_min = -32768;
        channels[c].adc_max = 32767;
        pointers[c] = &channels[c];
    }
    h.modality = XW__MODALITY__MODALITY_ECG;
    h.rate = &rate;
    h.channels = pointers;
    h.n_channels = LEADS_N;
    h.device_id = device;
    h.gateway_id = (char *)(uintptr_t)f->id;
    h.demo = true;
    s->id = xw_uuid_v7(NULL);
    h.stream_id = h.attachment_id = (ProtobufCBinaryData){16, s->id.b};
    s->header_size = xw__stream_header__pack(&h, s->header);
}

static struct xw_store_batch *batch_new(struct load *f)
{
    struct xw_store_batch *batch = NULL;
    if (xw_store_batch_new(f->store, &batch) < 0)
        abort();
    return batch;
}

static void append(struct load *f, struct xw_store_batch *batch)
{
    if (xw_store_append(f->store, batch, on_committed, f) < 0)
        printf("{\"error\":\"append\"}\n");
}

static void open_streams(struct load *f)
{
    struct xw_store_batch *batch = batch_new(f);
    f->begin_us = now_us();
    printf("{\"begin_us\":%" PRIu64 ",\"streams\":[", f->begin_us);
    for (size_t n = 0; n < (size_t)f->streams_n; n++) {
        struct stream *s = &f->streams[n];
        char text[XW_UUID_TEXT_N_BYTES];
        make_header(f, s, n);
        if (xw_store_batch_stream(batch, &s->id, s->header, s->header_size) < 0 ||
            xw_uplink_stream(f->uplink, &s->id, s->header, s->header_size) < 0)
            abort();
        printf("%s\"%s\"", n ? "," : "", xw_uuid_format(&s->id, text));
    }
    printf("]}\n");
    fflush(stdout);
    append(f, batch);
}

/* ---- pictures and the object ---- */

static void make_pictures(struct load *f)
{
    static uint8_t picture[PICTURE_N_BYTES];
    uint64_t due = (now_us() - f->video_from_us) * (uint64_t)f->video_kbit / 8000 / PICTURE_N_BYTES;
    for (; f->video_made < due; f->video_made++) {
        struct xw_uplink_lane lane;
        xw_uplink_lane(f->uplink, XW__LANE__LANE_VIDEO, &lane);
        randombytes_buf(picture, 64);
        /* As a picture source does it: what would wait too long is not made. */
        if (lane.oldest_us < 300000)
            xw_uplink_ephemeral(f->uplink, "video", picture, sizeof(picture));
    }
}

static void on_object(void *user, int status, const struct xw_store_object *object);

static void write_object(struct load *f)
{
    size_t n = XW_MIN(f->object_size - f->object_at, (size_t)PIECE_N_BYTES);
    if (xw_store_object_write(f->store, f->sha256, f->object_size, "video/mp4", f->object_at,
                              f->object + f->object_at, n, on_object, f) < 0)
        printf("{\"error\":\"object\"}\n");
}

static void on_object(void *user, int status, const struct xw_store_object *object)
{
    struct load *f = user;
    char hex[65];
    if (status < 0) {
        printf("{\"error\":%d}\n", status);
        return;
    }
    f->object_at = object->held;
    if (!object->verified) {
        write_object(f);
        return;
    }
    sodium_bin2hex(hex, sizeof(hex), f->sha256, sizeof(f->sha256));
    int r = xw_uplink_object(f->uplink, f->sha256);
    printf("{\"object\":\"%s\",\"size\":%zu,\"status\":%d}\n", hex, f->object_size, r);
    fflush(stdout);
    free(f->object);
    f->object = NULL;
}

static void make_object(struct load *f, size_t size)
{
    static const uint8_t seed[randombytes_SEEDBYTES] = {7}; /* the same after a restart */
    struct xw_store_object held;
    if (f->object || !size || !(f->object = malloc(size)))
        return;
    f->object_size = size;
    f->object_at = 0;
    randombytes_buf_deterministic(f->object, size, seed);
    crypto_hash_sha256(f->sha256, f->object, size);
    if (xw_store_object(f->store, f->sha256, &held) < 0) {
        write_object(f);
        return;
    }
    f->object_at = held.held;
    if (held.verified)
        on_object(f, 0, &held);
    else
        write_object(f);
}

static void tell_state(struct load *f)
{
    struct xw_uplink_state state;
    printf("{\"at_us\":%" PRIu64, now_us());
    for (unsigned i = 0; i < 6; i++) {
        struct xw_uplink_lane lane;
        xw_uplink_lane(f->uplink, i, &lane);
        printf("%s{\"waiting\":%zu,\"oldest_us\":%" PRId64 ",\"dropped\":%" PRIu64
               ",\"sent\":%" PRIu64 "}",
               i ? "," : ",\"lanes\":[", lane.waiting_bytes, lane.oldest_us, lane.dropped_n,
               lane.sent_bytes);
        if (i == 5)
            printf("],\"paced\":%" PRIu64 ",\"suspended\":%u", lane.rate_bytes_per_s,
                   lane.suspended_n);
    }
    xw_uplink_get_state(f->uplink, &state);
    printf(",\"linked\":%s,\"rtt_us\":%u,\"rate\":%" PRIu64 ",\"backlog\":%" PRIu64 "}\n",
           state.linked ? "true" : "false", state.rtt_us, state.rate_bytes_per_s,
           state.backlog_bytes);
    fflush(stdout);
}

static void on_timer(void *arg)
{
    struct load *f = arg;
    uint32_t count = (uint32_t)(RATE_HZ * f->block_ms / 1000);
    uint64_t due = (now_us() - f->begin_us) / (uint64_t)(f->block_ms * 1000);
    for (; f->blocks_made < due; f->blocks_made++) {
        struct xw_store_batch *batch = batch_new(f);
        for (size_t n = 0; n < (size_t)f->streams_n; n++)
            add_block(f, &f->streams[n], count, batch);
        append(f, batch);
    }
    if (f->video_kbit)
        make_pictures(f);
    if ((int64_t)now_us() >= f->state_due_us) {
        f->state_due_us = (int64_t)now_us() + STATE_MS * 1000;
        tell_state(f);
    }
}

/* ---- life ---- */

static void take_line(struct load *f, const char *line)
{
    const char *space = strchr(line, ' ');
    long long value = space ? strtoll(space + 1, NULL, 10) : 0;
    if (!strncmp(line, "video ", 6)) {
        f->video_kbit = value;
        f->video_from_us = now_us();
        f->video_made = 0;
    } else if (!strncmp(line, "object ", 7)) {
        make_object(f, (size_t)value);
    } else {
        xw_loop_stop(f->loop);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested XW_UNUSED, uv_buf_t *ret_buf)
{
    struct load *f = handle->data;
    *ret_buf = uv_buf_init(f->line + f->line_n, (unsigned)(sizeof(f->line) - 1 - f->line_n));
}

static void on_input(uv_stream_t *in, ssize_t n, const uv_buf_t *buf XW_UNUSED)
{
    struct load *f = in->data;
    if (n < 0) {
        xw_loop_stop(f->loop);
        return;
    }
    f->line_n += (size_t)n;
    for (char *end; (end = memchr(f->line, '\n', f->line_n)) != NULL;) {
        size_t used = (size_t)(end - f->line) + 1;
        *end = 0;
        take_line(f, f->line);
        memmove(f->line, f->line + used, f->line_n - used);
        f->line_n -= used;
    }
}

static void on_closed(void *user)
{
    struct load *f = user;
    f->store = NULL;
    xw_loop_quit(f->loop);
}

static void on_stop(void *arg)
{
    struct load *f = arg;
    xw_timer_free(f->timer);
    uv_close((uv_handle_t *)&f->in, NULL);
    xw_uplink_free(f->uplink);
    f->uplink = NULL;
    xw_store_close(f->store, on_closed, f);
}

static int start(struct load *f)
{
    static char ca[512], cert[512], key[512];
    static struct xw_uplink_config config; /* the uplink keeps its strings */
    snprintf(ca, sizeof(ca), "%s/ca.pem", f->certs);
    snprintf(cert, sizeof(cert), "%s/%s.pem", f->certs, f->id);
    snprintf(key, sizeof(key), "%s/%s.key", f->certs, f->id);
    struct xw_store_config store = {
        .dir = f->dir, .queue_bytes = 64 << 20, .readers_n = 1, .release_needed = true};
    struct xw_store_watch store_watch = {0};
    config = (struct xw_uplink_config){.host = "localhost",
                                       .address = f->address,
                                       .port = (uint16_t)f->port,
                                       .tls = {cert, key, ca},
                                       .gateway_id = f->id,
                                       .site_name = "load",
                                       .software = "load",
                                       .demo = true};
    struct xw_loop_options options = {.handle_signals = true, .on_stop = on_stop, .on_stop_arg = f};
    int r = xw_loop_new(&options, &f->loop);
    if (r == 0)
        r = xw_net_new(f->loop, &f->net);
    if (r == 0)
        r = xw_store_open_sqlite(f->loop, &store, &store_watch, &f->store);
    if (r == 0)
        r = xw_uplink_new(f->loop, f->net, f->store, &config, NULL, &f->uplink);
    if (r == 0)
        r = xw_timer_new(f->loop, on_timer, f, &f->timer);
    return r;
}

int main(int argc, char **argv)
{
    static struct load f = {.streams_n = 2,
                            .block_ms = 40,
                            .spread = 400,
                            .id = "gw-01",
                            .address = "127.0.0.1",
                            .random = 1};
    const struct xw_cli_option options[] = {
        {"port", 'p', "PORT", XW_CLI_INT, &f.port, "of the county"},
        {"address", 'a', "ADDRESS", XW_CLI_TEXT, &f.address, "of the county"},
        {"certs", 'c', "DIR", XW_CLI_TEXT, &f.certs, "ca.pem, ID.pem, ID.key"},
        {"id", 'i', "ID", XW_CLI_TEXT, &f.id, "of this gateway"},
        {"dir", 'd', "DIR", XW_CLI_TEXT, &f.dir, "spool"},
        {"streams", 'n', "N", XW_CLI_INT, &f.streams_n, "of 12 leads, 500 Hz; at most 64"},
        {"block-ms", 0, "MS", XW_CLI_INT, &f.block_ms, "length of a block"},
        {"spread", 0, "COUNTS", XW_CLI_INT, &f.spread, "largest step between two samples"},
    };
    const struct xw_cli cli = {.program = "xw-load",
                               .summary = "The load of a gateway on its uplink, for tests.",
                               .options = options,
                               .options_n = XW_ARRAY_N(options)};
    int first, r = xw_cli_parse(&cli, argc, argv, &first);
    if (r != 0)
        return r > 0 ? 0 : 2;
    if (!f.certs || !f.dir || f.streams_n < 1 || f.streams_n > STREAMS_MAX || f.block_ms < 10 ||
        f.block_ms > 1000 || f.spread < 1 || f.spread > 8000)
        return 2;
    r = sodium_init() < 0 ? -ENOSYS : start(&f);
    if (r < 0) {
        fprintf(stderr, "xw-load: %s\n", strerror(-r));
        return 1;
    }
    open_streams(&f);
    uv_pipe_init(xw_loop_uv(f.loop), &f.in, 0);
    f.in.data = &f;
    if (uv_pipe_open(&f.in, 0) < 0 || uv_read_start((uv_stream_t *)&f.in, on_room, on_input) < 0)
        return 1;
    xw_timer_start(f.timer, TICK_MS, TICK_MS);
    xw_loop_run(f.loop);
    xw_net_free(f.net);
    xw_loop_free(f.loop);
    return 0;
}
