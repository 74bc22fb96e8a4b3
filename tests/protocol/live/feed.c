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
#include "base/cli.h"
#include "feed.h"

#include "signal.pb-c.h"
#include "study.pb-c.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_anchor(struct feed *f, struct stream *s, struct xw_store_batch *batch)
{
    uint8_t key[25], body[256];
    struct xw_uplink_state state = {0};
    Xw__Anchor a = XW__ANCHOR__INIT;
    if (f->gateway.uplink)
        xw_uplink_get_state(f->gateway.uplink, &state);
    a.stream_id.len = 16;
    a.stream_id.data = s->made.id.b;
    a.index = s->made.newest;
    a.ordinal = ++s->anchor_ordinal;
    a.gateway_wall_us = xw_clock_wall(NULL).us;
    a.county_offset_known = state.county_uncertainty_us != 0;
    a.county_offset_us = state.county_offset_us;
    a.rate_hz = (double)f->hz;
    memcpy(key, s->made.id.b, 16);
    key[16] = 'a';
    for (unsigned i = 0; i < 8; i++)
        key[17 + i] = (uint8_t)(a.ordinal >> (56 - 8 * i));
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_ANCHOR,
                                     .body = body,
                                     .body_size = xw__anchor__pack(&a, body),
                                     .origin = f->gateway.id,
                                     .wall_us = a.gateway_wall_us,
                                     .has_span = true,
                                     .stream = s->made.id,
                                     .span = {s->made.newest, s->made.newest + 1}};
    madeup_record(batch, &record);
    s->anchor_at = s->made.newest;
}

static void add_block(struct feed *f, struct stream *s, size_t n, uint32_t count,
                      struct xw_store_batch *batch)
{
    static int32_t x[MADEUP_SAMPLES_MAX * MADEUP_CHANNELS_MAX];
    size_t channels_n = (size_t)f->channels_n;
    for (uint32_t i = 0; i < count; i++)
        for (size_t c = 0; c < channels_n; c++)
            x[i * channels_n + c] =
                (int32_t)(((s->made.newest + i) * 7 + c * 13 + n * 29) % 2001) - 1000;
    madeup_block(&f->gateway, &s->made, x, channels_n, count, batch);
}

static void on_tick(void *user)
{
    struct feed *f = user;
    uint32_t count = (uint32_t)(f->hz * f->block_ms / 1000);
    more_timer(f);
    if (f->paused)
        return;
    uint64_t due =
        ((uint64_t)xw_clock_mono(NULL).us - f->started_us) / (uint64_t)(f->block_ms * 1000);
    for (; f->blocks_made < due; f->blocks_made++) {
        struct xw_store_batch *batch = madeup_batch(&f->gateway);
        for (size_t n = 0; n < (size_t)f->streams_n; n++) {
            struct stream *s = &f->streams[n];
            if (s->anchor_ordinal == 0 || s->made.newest >= s->anchor_at + (uint64_t)f->hz * 10)
                add_anchor(f, s, batch);
            add_block(f, s, n, count, batch);
        }
        madeup_append(&f->gateway, batch);
    }
}

static void open_streams(struct feed *f)
{
    struct xw_store_batch *batch = madeup_batch(&f->gateway);
    for (size_t n = 0; n < (size_t)f->streams_n; n++) {
        struct stream *s = &f->streams[n];
        struct xw_store_stream held;
        char text[XW_UUID_TEXT_N_BYTES], device[32];
        snprintf(device, sizeof(device), "ecg-%02zu", n + 1);
        madeup_header(&f->gateway, &s->made, device, (uint64_t)f->hz, (size_t)f->channels_n,
                      (uint64_t)f->epoch);
        s->run = xw_uuid_v7(NULL);
        if (xw_store_stream(f->gateway.store, &s->made.id, &held) == 0)
            s->made.newest = xw_ranges_end(held.known);
        s->anchor_ordinal = s->made.newest; /* higher than those of the run before */
        s->anchor_at = 0;
        madeup_open(&f->gateway, &s->made, batch);
        add_anchor(f, s, batch);
        say("{\"stream\":\"%s\",\"first\":%" PRIu64 "}", xw_uuid_format(&s->made.id, text),
            s->made.newest);
    }
    madeup_append(&f->gateway, batch);
}

/* ---- facts on demand ---- */

static size_t make_event(struct feed *f, struct stream *s, uint64_t seq, bool alarm, bool ended,
                         uint8_t *key, uint8_t *body)
{
    Xw__Event e = XW__EVENT__INIT;
    e.stream_id.len = e.run_id.len = 16;
    e.stream_id.data = s->made.id.b;
    e.run_id.data = s->run.b;
    e.seq = seq;
    e.kind = alarm ? XW__EVENT_KIND__EVENT_ALARM : XW__EVENT_KIND__EVENT_BEAT;
    e.stage = alarm ? XW__EVENT_STAGE__STAGE_FINAL : XW__EVENT_STAGE__STAGE_PROVISIONAL;
    e.first = s->made.newest > (uint64_t)f->hz ? s->made.newest - (uint64_t)f->hz : 0;
    e.end = ended ? s->made.newest : 0;
    e.code = alarm ? "VF" : "N";
    e.priority = alarm ? XW__PRIORITY__PRIORITY_HIGH : XW__PRIORITY__PRIORITY_NONE;
    e.rate_bpm = 72;
    e.rule = "test";
    e.rule_version = "1";
    memcpy(key, s->made.id.b, 16);
    memcpy(key + 16, s->run.b, 16);
    for (unsigned i = 0; i < 8; i++)
        key[32 + i] = (uint8_t)(seq >> (56 - 8 * i));
    return xw__event__pack(&e, body);
}

static void send_alarm(struct feed *f, struct stream *s, uint64_t seq, bool ended)
{
    uint8_t key[40], body[512];
    size_t size = make_event(f, s, seq, true, ended, key, body);
    struct xw_store_record record = {
        .key = key,
        .key_size = sizeof(key),
        .revision = ended ? 2 : 1,
        .kind = XW__RECORD_KIND__RECORD_EVENT,
        .body = body,
        .body_size = size,
        .origin = f->gateway.id,
        .wall_us = xw_clock_wall(NULL).us,
        .has_span = true,
        .stream = s->made.id,
        .span = {s->made.newest, ended ? s->made.newest + 1 : UINT64_MAX},
        .event_kind = XW__EVENT_KIND__EVENT_ALARM,
        .priority = XW__PRIORITY__PRIORITY_HIGH};
    struct xw_store_batch *batch = madeup_batch(&f->gateway);
    madeup_record(batch, &record);
    madeup_append(&f->gateway, batch);
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
    samples.stream_id.data = s->made.id.b;
    samples.first = s->made.newest > (uint64_t)f->hz ? s->made.newest - (uint64_t)f->hz : 0;
    samples.count = (uint64_t)f->hz;
    item.item_case = XW__STUDY_ITEM__ITEM_SAMPLES;
    item.samples = &samples;
    create.kind = XW__STUDY_KIND__STUDY_ECG_12;
    create.site = (char *)(uintptr_t)f->gateway.site;
    create.reason = "check_up";
    create.items = items;
    create.n_items = 1;
    c.study_id.len = c.change_id.len = 16;
    c.study_id.data = study.b;
    c.change_id.data = change.b;
    c.author = (char *)(uintptr_t)f->gateway.id;
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
                                     .origin = f->gateway.id,
                                     .wall_us = c.wall_us};
    struct xw_store_batch *batch = madeup_batch(&f->gateway);
    madeup_record(batch, &record);
    madeup_append(&f->gateway, batch);
}

static void send_gap(struct feed *f, struct stream *s, uint64_t count)
{
    struct xw_store_gap gap = {.stream = s->made.id,
                               .range = {s->made.newest, s->made.newest + count},
                               .reason = XW__GAP_REASON__GAP_NOT_CAPTURED};
    struct xw_store_batch *batch = madeup_batch(&f->gateway);
    xw_uplink_gap(f->gateway.uplink, &gap);
    if (xw_store_batch_gap(batch, &gap) < 0)
        say("{\"error\":\"gap\"}");
    madeup_append(&f->gateway, batch);
    s->made.newest += count;
}

static void say_newest(const struct feed *f)
{
    printf("{\"newest\":[");
    for (size_t n = 0; n < (size_t)f->streams_n; n++)
        printf("%s%" PRIu64, n ? "," : "", f->streams[n].made.newest);
    say("]}");
}

static void on_line(void *user, char *line)
{
    struct feed *f = user;
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
        xw_uplink_ephemeral(f->gateway.uplink, "beat", body, size);
    } else if (strcmp(line, "gap") == 0) {
        send_gap(f, s, value);
    } else if (strcmp(line, "study") == 0) {
        send_study(f, s);
    } else if (!more_line(f, words, n)) {
        xw_loop_stop(f->gateway.loop);
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

int main(int argc, char **argv)
{
    static struct feed f = {
        .streams_n = 1, .hz = 500, .channels_n = 12, .block_ms = 40, .epoch = 1};
    struct madeup *g = &f.gateway;
    *g = (struct madeup){.address = "127.0.0.1",
                         .id = "gw-01",
                         .site = "东镇",
                         .software = "feed",
                         .user = &f,
                         .on_tick = on_tick,
                         .on_line = on_line,
                         .on_object = more_object,
                         .on_record = on_record,
                         .on_ephemeral = more_ephemeral,
                         .on_state = on_state};
    const struct xw_cli_option options[] = {
        {"port", 'p', "PORT", XW_CLI_INT, &g->port, "of the county, on 127.0.0.1"},
        {"certs", 'c', "DIR", XW_CLI_TEXT, &g->certs, "ca.pem, ID.pem, ID.key"},
        {"id", 'i', "ID", XW_CLI_TEXT, &g->id, "of this gateway"},
        {"site", 's', "SITE", XW_CLI_TEXT, &g->site, "its site"},
        {"dir", 'd', "DIR", XW_CLI_TEXT, &g->dir, "spool; without it, in memory"},
        {"streams", 'n', "N", XW_CLI_INT, &f.streams_n, "at most 400"},
        {"hz", 0, "N", XW_CLI_INT, &f.hz, "samples a second"},
        {"channels", 0, "N", XW_CLI_INT, &f.channels_n, "at most 18"},
        {"block-ms", 0, "MS", XW_CLI_INT, &f.block_ms, "length of a block"},
        {"epoch", 0, "N", XW_CLI_INT, &f.epoch,
         "of the device: another one, other streams; 0: new ones"},
    };
    const struct xw_cli cli = {.program = "xw-feed",
                               .summary = "A gateway for tests of the county.",
                               .options = options,
                               .options_n = XW_ARRAY_N(options)};
    int first;
    int r = xw_cli_parse(&cli, argc, argv, &first);
    if (r != 0)
        return r > 0 ? 0 : 2;
    if (!g->certs || f.streams_n < 1 || f.streams_n > STREAMS_MAX || f.channels_n < 1 ||
        f.channels_n > MADEUP_CHANNELS_MAX || f.hz * f.block_ms / 1000 > MADEUP_SAMPLES_MAX)
        return 2;
    g->tick_ms = (uint64_t)f.block_ms;
    r = madeup_start(g);
    if (r < 0) {
        fprintf(stderr, "xw-feed: %s\n", strerror(-r));
        return 1;
    }
    open_streams(&f);
    f.started_us = (uint64_t)xw_clock_mono(NULL).us;
    r = madeup_run(g);
    more_free(&f);
    return r < 0;
}
