/* A gateway's load on its uplink, without devices: ECG streams of a natural size, pictures as
 * ephemeral messages, one large object. Everything goes through one real uplink over a real spool.
 *
 * A sample of index i is "taken" at begin_us + i / rate on the monotonic clock, so whoever reads
 * it at the county knows its age. Lines on stdin: video KBIT/S | object BYTES | quit.
 * JSON lines on stdout: {"begin_us","streams":[…]}, {"object":"SHA-256"}, and each 250 ms a line
 * with the state of the uplink.
 */
#include "base/cli.h"
#include "madeup.h"

#include "link.pb-c.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum {
    STREAMS_MAX = 64,
    RATE_HZ = 500,
    LEADS_N = 12,
    PICTURE_N_BYTES = 12 * 1024,
    STATE_MS = 250,
};

struct stream {
    struct madeup_stream made;
    int32_t level[LEADS_N];
};

struct load {
    struct madeup gateway;
    int64_t streams_n, block_ms, video_kbit, spread;
    struct stream streams[STREAMS_MAX];
    uint64_t begin_us, blocks_made, video_from_us, video_made;
    int64_t state_due_us;
    uint32_t random;
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

/* ---- ECG ---- */

static void add_block(struct load *f, struct stream *s, uint32_t count,
                      struct xw_store_batch *batch)
{
    static int32_t x[RATE_HZ * LEADS_N];
    for (uint32_t i = 0; i < count; i++)
        for (size_t c = 0; c < LEADS_N; c++) {
            int32_t step = (int32_t)(random_next(f) % (2 * (uint32_t)f->spread + 1));
            s->level[c] += step - (int32_t)f->spread - s->level[c] / 64;
            x[i * LEADS_N + c] = s->level[c];
        }
    madeup_block(&f->gateway, &s->made, x, LEADS_N, count, batch);
}

static void open_streams(struct load *f)
{
    struct xw_store_batch *batch = madeup_batch(&f->gateway);
    f->begin_us = now_us();
    printf("{\"begin_us\":%" PRIu64 ",\"streams\":[", f->begin_us);
    for (size_t n = 0; n < (size_t)f->streams_n; n++) {
        struct madeup_stream *s = &f->streams[n].made;
        char text[XW_UUID_TEXT_N_BYTES], device[32];
        snprintf(device, sizeof(device), "load-%02zu", n + 1);
        madeup_header(&f->gateway, s, device, RATE_HZ, LEADS_N, 0);
        madeup_open(&f->gateway, s, batch);
        printf("%s\"%s\"", n ? "," : "", xw_uuid_format(&s->id, text));
    }
    say("]}");
    madeup_append(&f->gateway, batch);
}

/* ---- pictures and the object ---- */

static void make_pictures(struct load *f)
{
    static uint8_t picture[PICTURE_N_BYTES];
    uint64_t due = (now_us() - f->video_from_us) * (uint64_t)f->video_kbit / 8000 / PICTURE_N_BYTES;
    for (; f->video_made < due; f->video_made++) {
        struct xw_uplink_lane lane;
        xw_uplink_lane(f->gateway.uplink, XW__LANE__LANE_VIDEO, &lane);
        randombytes_buf(picture, 64);
        /* As a picture source does it: what would wait too long is not made. */
        if (lane.oldest_us < 300000)
            xw_uplink_ephemeral(f->gateway.uplink, "video", picture, sizeof(picture));
    }
}

static void on_object(void *user, int status)
{
    const struct load *f = user;
    const struct madeup_object *o = &f->gateway.object;
    char hex[65];
    sodium_bin2hex(hex, sizeof(hex), o->sha256, sizeof(o->sha256));
    say("{\"object\":\"%s\",\"size\":%zu,\"status\":%d}", hex, o->n, status);
}

static void make_object(struct load *f, size_t size)
{
    static const uint8_t seed[randombytes_SEEDBYTES] = {7}; /* the same after a restart */
    uint8_t *data = size ? malloc(size) : NULL;
    if (!data)
        return;
    randombytes_buf_deterministic(data, size, seed);
    madeup_object(&f->gateway, data, size);
}

static void tell_state(struct load *f)
{
    struct xw_uplink_state state;
    printf("{\"at_us\":%" PRIu64, now_us());
    for (unsigned i = 0; i < 6; i++) {
        struct xw_uplink_lane lane;
        xw_uplink_lane(f->gateway.uplink, i, &lane);
        printf("%s{\"waiting\":%zu,\"oldest_us\":%" PRId64 ",\"dropped\":%" PRIu64
               ",\"sent\":%" PRIu64 "}",
               i ? "," : ",\"lanes\":[", lane.waiting_bytes, lane.oldest_us, lane.dropped_n,
               lane.sent_bytes);
        if (i == 5)
            printf("],\"paced\":%" PRIu64 ",\"suspended\":%u", lane.rate_bytes_per_s,
                   lane.suspended_n);
    }
    xw_uplink_get_state(f->gateway.uplink, &state);
    say(",\"linked\":%s,\"rtt_us\":%u,\"rate\":%" PRIu64 ",\"backlog\":%" PRIu64 "}",
        state.linked ? "true" : "false", state.rtt_us, state.rate_bytes_per_s, state.backlog_bytes);
}

static void on_tick(void *user)
{
    struct load *f = user;
    uint32_t count = (uint32_t)(RATE_HZ * f->block_ms / 1000);
    uint64_t due = (now_us() - f->begin_us) / (uint64_t)(f->block_ms * 1000);
    for (; f->blocks_made < due; f->blocks_made++) {
        struct xw_store_batch *batch = madeup_batch(&f->gateway);
        for (size_t n = 0; n < (size_t)f->streams_n; n++)
            add_block(f, &f->streams[n], count, batch);
        madeup_append(&f->gateway, batch);
    }
    if (f->video_kbit)
        make_pictures(f);
    if ((int64_t)now_us() >= f->state_due_us) {
        f->state_due_us = (int64_t)now_us() + STATE_MS * 1000;
        tell_state(f);
    }
}

static void on_line(void *user, char *line)
{
    struct load *f = user;
    const char *space = strchr(line, ' ');
    long long value = space ? strtoll(space + 1, NULL, 10) : 0;
    if (!strncmp(line, "video ", 6)) {
        f->video_kbit = value;
        f->video_from_us = now_us();
        f->video_made = 0;
    } else if (!strncmp(line, "object ", 7)) {
        make_object(f, (size_t)value);
    } else {
        xw_loop_stop(f->gateway.loop);
    }
}

int main(int argc, char **argv)
{
    static struct load f = {.streams_n = 2, .block_ms = 40, .spread = 400, .random = 1};
    struct madeup *g = &f.gateway;
    *g = (struct madeup){.address = "127.0.0.1",
                         .id = "gw-01",
                         .site = "load",
                         .software = "load",
                         .tick_ms = 10,
                         .user = &f,
                         .on_tick = on_tick,
                         .on_line = on_line,
                         .on_object = on_object};
    const struct xw_cli_option options[] = {
        {"port", 'p', "PORT", XW_CLI_INT, &g->port, "of the county"},
        {"address", 'a', "ADDRESS", XW_CLI_TEXT, &g->address, "of the county"},
        {"certs", 'c', "DIR", XW_CLI_TEXT, &g->certs, "ca.pem, ID.pem, ID.key"},
        {"id", 'i', "ID", XW_CLI_TEXT, &g->id, "of this gateway"},
        {"dir", 'd', "DIR", XW_CLI_TEXT, &g->dir, "spool"},
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
    if (!g->certs || !g->dir || f.streams_n < 1 || f.streams_n > STREAMS_MAX || f.block_ms < 10 ||
        f.block_ms > 1000 || f.spread < 1 || f.spread > 8000)
        return 2;
    r = madeup_start(g);
    if (r < 0) {
        fprintf(stderr, "xw-load: %s\n", strerror(-r));
        return 1;
    }
    open_streams(&f);
    return madeup_run(g) < 0;
}
