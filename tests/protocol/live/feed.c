/* A gateway for tests of the county: real uplink, real spool, made-up samples.
 *
 * Sample of stream s, channel c, index i: (i * 7 + c * 13 + s * 29) % 2001 - 1000. Lines on stdin:
 *   pause | go          no more samples are made | on again
 *   alarm S N           EVENT_ALARM number N of stream S, priority high, code VF
 *   end S N             the same alarm, revision 2, ended
 *   beat S N            a provisional beat (ephemeral)
 *   gap S COUNT         a recorded gap instead of samples
 *   study S             a study of the last second, captured at the site
 *   (feed_more.c has more)
 *   quit
 * Lines on stdout, JSON: {"stream"}, {"linked"}, {"record":KIND,"key"}, {"newest":[…]} after pause.
 */
#include "base/block.h"
#include "base/cli.h"
#include "base/log.h"
#include "feed.h"

#include "signal.pb-c.h"
#include "study.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

static void on_committed(void *user, const struct xw_store_done *done)
{
    struct feed *f = user;
    if (done->status < 0)
        say("{\"error\":%d}", done->status);
    else if (f->uplink)
        xw_uplink_committed(f->uplink, done->out_seq_last);
}

void append(struct feed *f, struct xw_store_batch *batch)
{
    if (xw_store_append(f->store, batch, on_committed, f) < 0)
        say("{\"error\":\"append\"}");
}

struct xw_store_batch *batch_new(struct feed *f)
{
    struct xw_store_batch *batch = NULL;
    if (xw_store_batch_new(f->store, &batch) < 0)
        abort();
    return batch;
}

void put_record(struct xw_store_batch *batch, const struct xw_store_record *record)
{
    if (xw_store_batch_record(batch, record, "county", NULL, 0) < 0)
        say("{\"error\":\"record\"}");
}

static void add_anchor(struct feed *f, struct stream *s, struct xw_store_batch *batch)
{
    uint8_t key[25], body[256];
    struct xw_uplink_state state = {0};
    Xw__Anchor a = XW__ANCHOR__INIT;
    if (f->uplink)
        xw_uplink_get_state(f->uplink, &state);
    a.stream_id.len = 16;
    a.stream_id.data = s->id.b;
    a.index = s->newest;
    a.ordinal = ++s->anchor_ordinal;
    a.gateway_wall_us = xw_clock_wall(NULL).us;
    a.county_offset_known = state.county_uncertainty_us != 0;
    a.county_offset_us = state.county_offset_us;
    a.rate_hz = (double)f->hz;
    memcpy(key, s->id.b, 16);
    key[16] = 'a';
    for (unsigned i = 0; i < 8; i++)
        key[17 + i] = (uint8_t)(a.ordinal >> (56 - 8 * i));
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_ANCHOR,
                                     .body = body,
                                     .body_size = xw__anchor__pack(&a, body),
                                     .origin = f->id,
                                     .wall_us = a.gateway_wall_us,
                                     .has_span = true,
                                     .stream = s->id,
                                     .span = {s->newest, s->newest + 1}};
    put_record(batch, &record);
    s->anchor_at = s->newest;
}

static void add_block(struct feed *f, struct stream *s, size_t n, uint32_t count,
                      struct xw_store_batch *batch)
{
    static int32_t x[SAMPLES_MAX * CHANNELS_MAX];
    static uint8_t data[SAMPLES_MAX * CHANNELS_MAX * 5];
    size_t channels_n = (size_t)f->channels_n;
    for (uint32_t i = 0; i < count; i++)
        for (size_t c = 0; c < channels_n; c++)
            x[i * channels_n + c] =
                (int32_t)(((s->newest + i) * 7 + c * 13 + n * 29) % 2001) - 1000;
    int size = xw_block_encode(XW_CODING_DELTA, x, channels_n, count, data, sizeof(data));
    if (size < 0)
        abort();
    struct xw_store_block block = {.stream = s->id,
                                   .first = s->newest,
                                   .count = count,
                                   .crc32c = xw_block_crc(x, channels_n, count),
                                   .data = data,
                                   .size = (size_t)size};
    xw_uplink_block(f->uplink, &block);
    if (xw_store_batch_block(batch, &block) < 0)
        say("{\"error\":\"block\"}");
    s->newest += count;
}

static void on_timer(void *arg)
{
    struct feed *f = arg;
    uint32_t count = (uint32_t)(f->hz * f->block_ms / 1000);
    more_timer(f);
    if (f->paused)
        return;
    uint64_t due =
        ((uint64_t)xw_clock_mono(NULL).us - f->started_us) / (uint64_t)(f->block_ms * 1000);
    for (; f->blocks_made < due; f->blocks_made++) {
        struct xw_store_batch *batch = batch_new(f);
        for (size_t n = 0; n < (size_t)f->streams_n; n++) {
            struct stream *s = &f->streams[n];
            if (s->anchor_ordinal == 0 || s->newest >= s->anchor_at + (uint64_t)f->hz * 10)
                add_anchor(f, s, batch);
            add_block(f, s, n, count, batch);
        }
        append(f, batch);
    }
}

static void make_header(struct feed *f, struct stream *s, size_t n)
{
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channels[CHANNELS_MAX], *pointers[CHANNELS_MAX];
    Xw__StreamHeader h = XW__STREAM_HEADER__INIT;
    static char *leads[] = {"I",  "II", "III", "aVR", "aVL", "aVF", "V1",  "V2",  "V3",
                            "V4", "V5", "V6",  "V7",  "V8",  "V9",  "V3R", "V4R", "V5R"};
    char device[32];
    snprintf(device, sizeof(device), "ecg-%02zu", n + 1);
    rate.num = (uint64_t)f->hz;
    rate.den = gain.den = 1;
    gain.num = 200;
    for (size_t c = 0; c < (size_t)f->channels_n; c++) {
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
    h.n_channels = (size_t)f->channels_n;
    h.device_id = device;
    h.gateway_id = (char *)(uintptr_t)f->id;
    h.device_epoch = (uint64_t)f->epoch;
    h.demo = true;
    size_t size = xw__stream_header__pack(&h, s->header);
    s->id = xw_uuid_stream(f->id, device, (uint64_t)f->epoch, s->header, size);
    s->run = xw_uuid_v7(NULL);
    h.stream_id.len = h.attachment_id.len = 16;
    h.stream_id.data = h.attachment_id.data = s->id.b;
    s->header_size = xw__stream_header__pack(&h, s->header);
}

static void open_streams(struct feed *f)
{
    struct xw_store_batch *batch = batch_new(f);
    for (size_t n = 0; n < (size_t)f->streams_n; n++) {
        struct stream *s = &f->streams[n];
        struct xw_store_stream held;
        char text[XW_UUID_TEXT_N_BYTES];
        make_header(f, s, n);
        if (xw_store_stream(f->store, &s->id, &held) == 0)
            s->newest = xw_ranges_end(held.known);
        s->anchor_ordinal = s->newest; /* higher than those of the run before */
        s->anchor_at = 0;
        if (xw_store_batch_stream(batch, &s->id, s->header, s->header_size) < 0 ||
            xw_uplink_stream(f->uplink, &s->id, s->header, s->header_size) < 0)
            say("{\"error\":\"stream\"}");
        add_anchor(f, s, batch);
        say("{\"stream\":\"%s\",\"first\":%" PRIu64 "}", xw_uuid_format(&s->id, text), s->newest);
    }
    append(f, batch);
}

/* ---- facts on demand ---- */

static size_t make_event(struct feed *f, struct stream *s, uint64_t seq, bool alarm, bool ended,
                         uint8_t *key, uint8_t *body)
{
    Xw__Event e = XW__EVENT__INIT;
    e.stream_id.len = e.run_id.len = 16;
    e.stream_id.data = s->id.b;
    e.run_id.data = s->run.b;
    e.seq = seq;
    e.kind = alarm ? XW__EVENT_KIND__EVENT_ALARM : XW__EVENT_KIND__EVENT_BEAT;
    e.stage = alarm ? XW__EVENT_STAGE__STAGE_FINAL : XW__EVENT_STAGE__STAGE_PROVISIONAL;
    e.first = s->newest > (uint64_t)f->hz ? s->newest - (uint64_t)f->hz : 0;
    e.end = ended ? s->newest : 0;
    e.code = alarm ? "VF" : "N";
    e.priority = alarm ? XW__PRIORITY__PRIORITY_HIGH : XW__PRIORITY__PRIORITY_NONE;
    e.rate_bpm = 72;
    e.rule = "test";
    e.rule_version = "1";
    memcpy(key, s->id.b, 16);
    memcpy(key + 16, s->run.b, 16);
    for (unsigned i = 0; i < 8; i++)
        key[32 + i] = (uint8_t)(seq >> (56 - 8 * i));
    return xw__event__pack(&e, body);
}

static void send_alarm(struct feed *f, struct stream *s, uint64_t seq, bool ended)
{
    uint8_t key[40], body[512];
    size_t size = make_event(f, s, seq, true, ended, key, body);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = ended ? 2 : 1,
                                     .kind = XW__RECORD_KIND__RECORD_EVENT,
                                     .body = body,
                                     .body_size = size,
                                     .origin = f->id,
                                     .wall_us = xw_clock_wall(NULL).us,
                                     .has_span = true,
                                     .stream = s->id,
                                     .span = {s->newest, ended ? s->newest + 1 : UINT64_MAX},
                                     .event_kind = XW__EVENT_KIND__EVENT_ALARM,
                                     .priority = XW__PRIORITY__PRIORITY_HIGH};
    struct xw_store_batch *batch = batch_new(f);
    put_record(batch, &record);
    append(f, batch);
}

static void send_study(struct feed *f, struct stream *s)
{
    uint8_t key[32], body[512];
    struct xw_uuid study = xw_uuid_v7(NULL), change = xw_uuid_v7(NULL);
    Xw__StudySamples samples = XW__STUDY_SAMPLES__INIT;
    Xw__StudyItem item = XW__STUDY_ITEM__INIT, *items[] = {&item};
    Xw__StudyCreate create = XW__STUDY_CREATE__INIT;
    Xw__StudyChange c = XW__STUDY_CHANGE__INIT;
    samples.stream_id.len = 16;
    samples.stream_id.data = s->id.b;
    samples.first = s->newest > (uint64_t)f->hz ? s->newest - (uint64_t)f->hz : 0;
    samples.count = (uint64_t)f->hz;
    item.item_case = XW__STUDY_ITEM__ITEM_SAMPLES;
    item.samples = &samples;
    create.kind = XW__STUDY_KIND__STUDY_ECG_12;
    create.site = (char *)(uintptr_t)f->site;
    create.reason = "check_up";
    create.items = items;
    create.n_items = 1;
    c.study_id.len = c.change_id.len = 16;
    c.study_id.data = study.b;
    c.change_id.data = change.b;
    c.author = (char *)(uintptr_t)f->id;
    c.wall_us = xw_clock_wall(NULL).us;
    c.change_case = XW__STUDY_CHANGE__CHANGE_CREATE;
    c.create = &create;
    memcpy(key, study.b, 16);
    memcpy(key + 16, change.b, 16);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_STUDY,
                                     .body = body,
                                     .body_size = xw__study_change__pack(&c, body),
                                     .origin = f->id,
                                     .wall_us = c.wall_us};
    struct xw_store_batch *batch = batch_new(f);
    put_record(batch, &record);
    append(f, batch);
}

static void send_gap(struct feed *f, struct stream *s, uint64_t count)
{
    struct xw_store_gap gap = {.stream = s->id,
                               .range = {s->newest, s->newest + count},
                               .reason = XW__GAP_REASON__GAP_NOT_CAPTURED};
    struct xw_store_batch *batch = batch_new(f);
    xw_uplink_gap(f->uplink, &gap);
    if (xw_store_batch_gap(batch, &gap) < 0)
        say("{\"error\":\"gap\"}");
    append(f, batch);
    s->newest += count;
}

static void say_newest(const struct feed *f)
{
    printf("{\"newest\":[");
    for (size_t n = 0; n < (size_t)f->streams_n; n++)
        printf("%s%" PRIu64, n ? "," : "", f->streams[n].newest);
    say("]}");
}

static void take_line(struct feed *f, char *line)
{
    char *words[5] = {line, "0", "0", "0", "0"};
    size_t n = 1;
    for (char *c = line; *c && n < XW_ARRAY_N(words); c++)
        if (*c == ' ') {
            *c = 0;
            words[n++] = c + 1;
        }
    size_t at = (size_t)strtoul(words[1], NULL, 10);
    uint64_t value = strtoull(words[2], NULL, 10);
    struct stream *s = &f->streams[at < (size_t)f->streams_n ? at : 0];
    uint8_t key[40], body[512];
    if (strcmp(line, "pause") == 0) {
        f->paused = true;
        say_newest(f);
    } else if (strcmp(line, "go") == 0) {
        f->paused = false;
        f->started_us =
            (uint64_t)xw_clock_mono(NULL).us - f->blocks_made * (uint64_t)f->block_ms * 1000;
    } else if (strcmp(line, "alarm") == 0 || strcmp(line, "end") == 0) {
        send_alarm(f, s, value, line[0] == 'e');
    } else if (strcmp(line, "beat") == 0) {
        size_t size = make_event(f, s, value, false, false, key, body);
        xw_uplink_ephemeral(f->uplink, "beat", body, size);
    } else if (strcmp(line, "gap") == 0) {
        send_gap(f, s, value);
    } else if (strcmp(line, "study") == 0) {
        send_study(f, s);
    } else if (!more_line(f, words, n)) {
        xw_loop_stop(f->loop);
    }
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *ret_buf)
{
    struct feed *f = handle->data;
    (void)suggested;
    *ret_buf = uv_buf_init(f->line + f->line_n, (unsigned)(sizeof(f->line) - 1 - f->line_n));
}

static void on_input(uv_stream_t *in, ssize_t n, const uv_buf_t *buf)
{
    struct feed *f = in->data;
    (void)buf;
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

static void on_state(void *user, const struct xw_uplink_state *state)
{
    static int before = -1;
    (void)user;
    if (before != (int)state->linked)
        say("{\"linked\":%s}", state->linked ? "true" : "false");
    before = state->linked;
}

static void on_record(void *user, const struct xw_store_record *record)
{
    (void)user;
    printf("{\"record\":%u,\"key\":\"", record->kind);
    for (size_t i = 0; i < record->key_size; i++)
        printf("%02x", ((const uint8_t *)record->key)[i]);
    say("\"}");
}

static void on_closed(void *user)
{
    struct feed *f = user;
    f->store = NULL;
    xw_loop_quit(f->loop);
}

static void on_stop(void *arg)
{
    struct feed *f = arg;
    xw_timer_free(f->timer);
    uv_close((uv_handle_t *)&f->in, NULL);
    xw_uplink_free(f->uplink);
    f->uplink = NULL;
    xw_store_close(f->store, on_closed, f);
}

static int start(struct feed *f)
{
    char ca[512], cert[512], key[512];
    snprintf(ca, sizeof(ca), "%s/ca.pem", f->certs);
    snprintf(cert, sizeof(cert), "%s/%s.pem", f->certs, f->id);
    snprintf(key, sizeof(key), "%s/%s.key", f->certs, f->id);
    struct xw_store_config store = {
        .dir = f->dir, .queue_bytes = 64 << 20, .readers_n = 1, .release_needed = true};
    struct xw_store_watch store_watch = {0};
    /* The uplink keeps the strings of its configuration. */
    static struct xw_uplink_config config;
    config = (struct xw_uplink_config){.host = "localhost",
                                       .address = "127.0.0.1",
                                       .port = (uint16_t)f->port,
                                       .tls = {strdup(cert), strdup(key), strdup(ca)},
                                       .gateway_id = f->id,
                                       .site_name = f->site,
                                       .software = "feed",
                                       .demo = true,
                                       .live_late_us = 2000000};
    struct xw_uplink_watch watch = {
        .user = f, .on_state = on_state, .on_record = on_record, .on_ephemeral = more_ephemeral};
    struct xw_loop_options options = {.handle_signals = true, .on_stop = on_stop, .on_stop_arg = f};
    int r = xw_loop_new(&options, &f->loop);
    if (r == 0)
        r = xw_net_new(f->loop, &f->net);
    if (r == 0)
        r = f->dir ? xw_store_open_sqlite(f->loop, &store, &store_watch, &f->store)
                   : xw_store_open_memory(f->loop, &store, &store_watch, &f->store);
    if (r == 0)
        r = xw_uplink_new(f->loop, f->net, f->store, &config, &watch, &f->uplink);
    if (r == 0)
        r = xw_timer_new(f->loop, on_timer, f, &f->timer);
    return r;
}

int main(int argc, char **argv)
{
    static struct feed f = {.streams_n = 1,
                            .hz = 500,
                            .channels_n = 12,
                            .block_ms = 40,
                            .epoch = 1,
                            .id = "gw-01",
                            .site = "东镇"};
    const struct xw_cli_option options[] = {
        {"port", 'p', "PORT", XW_CLI_INT, &f.port, "of the county, on 127.0.0.1"},
        {"certs", 'c', "DIR", XW_CLI_TEXT, &f.certs, "ca.pem, ID.pem, ID.key"},
        {"id", 'i', "ID", XW_CLI_TEXT, &f.id, "of this gateway"},
        {"site", 's', "SITE", XW_CLI_TEXT, &f.site, "its site"},
        {"dir", 'd', "DIR", XW_CLI_TEXT, &f.dir, "spool; without it, in memory"},
        {"streams", 'n', "N", XW_CLI_INT, &f.streams_n, "at most 400"},
        {"hz", 0, "N", XW_CLI_INT, &f.hz, "samples a second"},
        {"channels", 0, "N", XW_CLI_INT, &f.channels_n, "at most 18"},
        {"block-ms", 0, "MS", XW_CLI_INT, &f.block_ms, "length of a block"},
        {"epoch", 0, "N", XW_CLI_INT, &f.epoch, "of the device: another one, other streams"},
    };
    const struct xw_cli cli = {.program = "xw-feed",
                               .summary = "A gateway for tests of the county.",
                               .options = options,
                               .options_n = XW_ARRAY_N(options)};
    int first;
    int r = xw_cli_parse(&cli, argc, argv, &first);
    if (r != 0)
        return r > 0 ? 0 : 2;
    if (!f.certs || f.streams_n < 1 || f.streams_n > STREAMS_MAX || f.channels_n < 1 ||
        f.channels_n > CHANNELS_MAX || f.hz * f.block_ms / 1000 > SAMPLES_MAX)
        return 2;
    r = start(&f);
    if (r < 0) {
        fprintf(stderr, "xw-feed: %s\n", strerror(-r));
        return 1;
    }
    open_streams(&f);
    f.started_us = (uint64_t)xw_clock_mono(NULL).us;
    uv_pipe_init(xw_loop_uv(f.loop), &f.in, 0);
    f.in.data = &f;
    if (uv_pipe_open(&f.in, 0) < 0 || uv_read_start((uv_stream_t *)&f.in, on_room, on_input) < 0)
        return 1;
    xw_timer_start(f.timer, 10, (uint64_t)f.block_ms);
    xw_loop_run(f.loop);
    more_free(&f);
    xw_net_free(f.net);
    xw_loop_free(f.loop);
    return 0;
}
