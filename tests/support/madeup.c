/* A made-up gateway. */
#include "madeup.h"

#include "base/block.h"

#include "signal.pb-c.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { PIECE_N_BYTES = 256 * 1024, FIRST_TICK_MS = 10 };

void say(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* ---- the spool ---- */

static void on_committed(void *user, const struct xw_store_done *done)
{
    struct madeup *m = user;
    if (done->status < 0)
        say("{\"error\":%d}", done->status);
    else if (m->uplink)
        xw_uplink_committed(m->uplink, done->out_seq_last);
}

struct xw_store_batch *madeup_batch(struct madeup *m)
{
    struct xw_store_batch *batch = NULL;
    if (xw_store_batch_new(m->store, &batch) < 0)
        abort();
    return batch;
}

void madeup_append(struct madeup *m, struct xw_store_batch *batch)
{
    if (xw_store_append(m->store, batch, on_committed, m) < 0)
        say("{\"error\":\"append\"}");
}

void madeup_record(struct xw_store_batch *batch, const struct xw_store_record *record)
{
    if (xw_store_batch_record(batch, record, "county", NULL, 0) < 0)
        say("{\"error\":\"record\"}");
}

/* ---- streams ---- */

void madeup_header(const struct madeup *m, struct madeup_stream *stream, const char *device,
                   uint64_t hz, size_t channels_n, uint64_t epoch)
{
    static char *leads[] = {"I",  "II", "III", "aVR", "aVL", "aVF", "V1",  "V2",  "V3",
                            "V4", "V5", "V6",  "V7",  "V8",  "V9",  "V3R", "V4R", "V5R"};
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channels[MADEUP_CHANNELS_MAX], *pointers[MADEUP_CHANNELS_MAX];
    Xw__StreamHeader h = XW__STREAM_HEADER__INIT;
    rate.num = hz;
    rate.den = gain.den = 1;
    gain.num = 200;
    for (size_t c = 0; c < channels_n; c++) {
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
    h.n_channels = channels_n;
    h.device_id = (char *)(uintptr_t)device;
    h.gateway_id = (char *)(uintptr_t)m->id;
    h.device_epoch = epoch;
    h.demo = true;
    size_t size = xw__stream_header__pack(&h, stream->header);
    stream->id =
        epoch ? xw_uuid_stream(m->id, device, epoch, stream->header, size) : xw_uuid_v7(NULL);
    h.stream_id = h.attachment_id = (ProtobufCBinaryData){16, stream->id.b};
    stream->header_size = xw__stream_header__pack(&h, stream->header);
}

void madeup_open(struct madeup *m, struct madeup_stream *stream, struct xw_store_batch *batch)
{
    if (xw_store_batch_stream(batch, &stream->id, stream->header, stream->header_size) < 0 ||
        xw_uplink_stream(m->uplink, &stream->id, stream->header, stream->header_size) < 0)
        say("{\"error\":\"stream\"}");
}

void madeup_block(struct madeup *m, struct madeup_stream *stream, const int32_t *x,
                  size_t channels_n, uint32_t count, struct xw_store_batch *batch)
{
    static uint8_t data[MADEUP_SAMPLES_MAX * MADEUP_CHANNELS_MAX * 5];
    int size = xw_block_encode(XW_CODING_DELTA, x, channels_n, count, data, sizeof(data));
    if (size < 0)
        abort();
    struct xw_store_block block = {.stream = stream->id,
                                   .first = stream->newest,
                                   .count = count,
                                   .crc32c = xw_block_crc(x, channels_n, count),
                                   .data = data,
                                   .size = (size_t)size};
    xw_uplink_block(m->uplink, &block);
    if (xw_store_batch_block(batch, &block) < 0)
        say("{\"error\":\"block\"}");
    stream->newest += count;
}

/* ---- an object ---- */

static void on_written(void *user, int status, const struct xw_store_object *object);

static void write_on(struct madeup *m)
{
    struct madeup_object *o = &m->object;
    size_t n = XW_MIN(o->n - o->at, (size_t)PIECE_N_BYTES);
    if (xw_store_object_write(m->store, o->sha256, o->n, "video/mp4", o->at, o->data + o->at, n,
                              on_written, m) < 0)
        say("{\"error\":\"object\"}");
}

static void on_written(void *user, int status, const struct xw_store_object *object)
{
    struct madeup *m = user;
    if (status >= 0 && object && !object->verified) {
        m->object.at = object->held;
        write_on(m);
        return;
    }
    free(m->object.data);
    m->object.data = NULL;
    if (status < 0 || !object)
        say("{\"error\":\"object %d\"}", status);
    else if (m->uplink)
        m->on_object(m->user, xw_uplink_object(m->uplink, m->object.sha256));
}

void madeup_object(struct madeup *m, uint8_t *data, size_t n)
{
    struct madeup_object *o = &m->object;
    struct xw_store_object held = {0};
    if (o->data) {
        say("{\"error\":\"one object after the other\"}");
        free(data);
        return;
    }
    *o = (struct madeup_object){.data = data, .n = n};
    crypto_hash_sha256(o->sha256, data, n);
    if (xw_store_object(m->store, o->sha256, &held) == 0)
        on_written(m, 0, &held);
    else
        write_on(m);
}

/* ---- life ---- */

static void on_timer(void *arg)
{
    const struct madeup *m = arg;
    m->on_tick(m->user);
}

static void on_room(uv_handle_t *handle, size_t suggested XW_UNUSED, uv_buf_t *ret_buf)
{
    struct madeup *m = handle->data;
    *ret_buf = uv_buf_init(m->line + m->line_n, (unsigned)(sizeof(m->line) - 1 - m->line_n));
}

static void on_input(uv_stream_t *in, ssize_t n, const uv_buf_t *buf XW_UNUSED)
{
    struct madeup *m = in->data;
    if (n < 0) {
        xw_loop_stop(m->loop);
        return;
    }
    m->line_n += (size_t)n;
    for (char *end; (end = memchr(m->line, '\n', m->line_n)) != NULL;) {
        size_t used = (size_t)(end - m->line) + 1;
        *end = 0;
        m->on_line(m->user, m->line);
        memmove(m->line, m->line + used, m->line_n - used);
        m->line_n -= used;
    }
}

static void on_closed(void *user)
{
    struct madeup *m = user;
    m->store = NULL;
    xw_loop_quit(m->loop);
}

static void on_stop(void *arg)
{
    struct madeup *m = arg;
    xw_timer_free(m->timer);
    uv_close((uv_handle_t *)&m->in, NULL);
    xw_uplink_free(m->uplink);
    m->uplink = NULL;
    xw_store_close(m->store, on_closed, m);
}

static int open_uplink(struct madeup *m)
{
    const struct xw_uplink_watch watch = {.user = m->user,
                                          .on_state = m->on_state,
                                          .on_record = m->on_record,
                                          .on_ephemeral = m->on_ephemeral};
    snprintf(m->ca, sizeof(m->ca), "%s/ca.pem", m->certs);
    snprintf(m->cert, sizeof(m->cert), "%s/%s.pem", m->certs, m->id);
    snprintf(m->key, sizeof(m->key), "%s/%s.key", m->certs, m->id);
    m->config = (struct xw_uplink_config){.host = "localhost",
                                          .address = m->address,
                                          .port = (uint16_t)m->port,
                                          .tls = {m->cert, m->key, m->ca},
                                          .gateway_id = m->id,
                                          .site_name = m->site,
                                          .software = m->software,
                                          .demo = true};
    return xw_uplink_new(m->loop, m->net, m->store, &m->config, &watch, &m->uplink);
}

int madeup_start(struct madeup *m)
{
    char key_file[512];
    snprintf(key_file, sizeof(key_file), "%s.key", m->dir ? m->dir : "");
    const struct xw_store_config store = {.dir = m->dir,
                                          .key_file = key_file,
                                          .queue_bytes = 64 << 20,
                                          .readers_n = 1,
                                          .release_needed = true};
    const struct xw_store_watch store_watch = {0};
    const struct xw_loop_options options = {
        .handle_signals = true, .on_stop = on_stop, .on_stop_arg = m};
    if (sodium_init() < 0)
        return -ENOSYS;
    int r = xw_loop_new(&options, &m->loop);
    if (r == 0)
        r = xw_net_new(m->loop, &m->net);
    if (r == 0)
        r = m->dir ? xw_store_open_sqlite(m->loop, &store, &store_watch, &m->store)
                   : xw_store_open_memory(m->loop, &store, &store_watch, &m->store);
    if (r == 0)
        r = open_uplink(m);
    if (r == 0)
        r = xw_timer_new(m->loop, on_timer, m, &m->timer);
    return r;
}

int madeup_run(struct madeup *m)
{
    uv_pipe_init(xw_loop_uv(m->loop), &m->in, 0);
    m->in.data = m;
    int r = uv_pipe_open(&m->in, 0);
    if (r >= 0)
        r = uv_read_start((uv_stream_t *)&m->in, on_room, on_input);
    if (r < 0)
        return r;
    xw_timer_start(m->timer, FIRST_TICK_MS, m->tick_ms);
    xw_loop_run(m->loop);
    free(m->object.data);
    xw_net_free(m->net);
    xw_loop_free(m->loop);
    return 0;
}
