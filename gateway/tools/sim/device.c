/* The device's own side: samples in time, facts, what is kept, what the gateway says. */
#include "device.h"

#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <string.h>

#include "base/block.h"
#include "base/log.h"

enum { BLOCKS_PER_TICK_MAX = 64, FACT_BYTES_MAX = 512 };

static void on_truth(void *user, uint64_t sample, const char *code)
{
    struct xw_sim_device *device = user;
    xw_sim_journal_line(device->journal,
                        "{\"t\":\"truth\",\"device\":\"%s\",\"sample\":%" PRIu64
                        ",\"code\":\"%s\"}",
                        device->spec->id, sample, code);
}

static void on_movement(void *user, uint64_t sample)
{
    struct xw_sim_device *device = user;
    if (xw_sim_device_marker(device, XW__MARKER_CODE__MARKER_MOVEMENT, sample) < 0)
        xw_log_error("sim.memory", XW_LOG_STR("device", device->spec->id));
}

static void journal_device(const struct xw_sim_device *device)
{
    xw_sim_journal_line(device->journal,
                        "{\"t\":\"device\",\"device\":\"%s\",\"epoch\":\"%" PRIu64
                        "\",\"rate_num\":%" PRIu64 ",\"rate_den\":%" PRIu64
                        ",\"channels\":%u,\"block\":%u,\"speed\":%g,\"start_wall_us\":%" PRId64
                        ",\"start_mono_us\":%" PRId64 "}",
                        device->spec->id, device->epoch, device->rate_num, device->rate_den,
                        device->channels_n, device->block_n, device->speed, device->start_wall.us,
                        device->start_mono.us);
}

int xw_sim_device_init(struct xw_sim_device *device, struct xw_loop *loop,
                       struct xw_sim_journal *journal, const struct xw_sim_device_spec *spec,
                       double speed, double duration_s, bool demo, char ret_text[XW_SIM_TEXT_BYTES])
{
    *device = (struct xw_sim_device){.spec = spec,
                                     .loop = loop,
                                     .journal = journal,
                                     .demo = demo,
                                     .speed = speed,
                                     .retry_ms = 100};
    int r = xw_sim_source_new(spec, on_truth, on_movement, device, &device->source, ret_text);
    if (r < 0)
        return r;
    randombytes_buf(&device->epoch, sizeof(device->epoch));
    xw_sim_source_rate(device->source, &device->rate_num, &device->rate_den);
    device->channels_n = xw_sim_source_channels(device->source);
    double rate_hz = (double)device->rate_num / (double)device->rate_den;
    uint32_t block_ms = spec->block_ms ? spec->block_ms : rate_hz < 25 ? 500 : 40;
    device->block_n = (uint32_t)fmax(1, floor(rate_hz * block_ms / 1000));
    device->end = duration_s > 0 ? (uint64_t)llround(duration_s * rate_hz) : UINT64_MAX;
    device->coded_bound = xw_block_bound(device->channels_n, device->block_n);
    device->x = calloc((size_t)device->block_n * device->channels_n, sizeof(*device->x));
    device->coded = malloc(device->coded_bound);
    if (!device->x || !device->coded)
        return -ENOMEM;
    int64_t delay_us = (int64_t)(spec->start_s * 1e6);
    device->start_mono = xw_mono_add_us(xw_clock_mono(NULL), delay_us);
    device->start_wall = (struct xw_wall_us){xw_clock_wall(NULL).us + delay_us};
    xw_sim_retain_init(&device->retain, spec->retain_bytes);
    xw_framer_init(&device->framer, XW_FRAME_MAX_N_BYTES);
    journal_device(device);
    return 0;
}

void xw_sim_device_done(struct xw_sim_device *device)
{
    xw_sim_retain_done(&device->retain);
    xw_framer_done(&device->framer);
    xw_sim_source_free(device->source);
    free(device->x);
    free(device->coded);
    device->source = NULL;
    device->x = NULL;
    device->coded = NULL;
}

/* Packs a message with its length in front into a new kept entry. */
static struct xw_sim_entry *keep(struct xw_sim_device *device, const Xw__DeviceMessage *message)
{
    uint8_t header[XW_FRAME_HEADER_MAX_N_BYTES];
    size_t body_n = xw__device_message__get_packed_size(message);
    size_t header_n = xw_frame_header(body_n, header);
    struct xw_sim_entry *entry = xw_sim_retain_add(&device->retain, header_n + body_n);
    if (!entry)
        return NULL;
    memcpy(entry->bytes, header, header_n);
    xw__device_message__pack(message, entry->bytes + header_n);
    return entry;
}

static int keep_gap(struct xw_sim_device *device, uint64_t first, uint64_t count)
{
    Xw__DeviceGap gap = XW__DEVICE_GAP__INIT;
    Xw__DeviceMessage message = XW__DEVICE_MESSAGE__INIT;
    gap.first = first;
    gap.count = count;
    message.body_case = XW__DEVICE_MESSAGE__BODY_GAP;
    message.gap = &gap;
    struct xw_sim_entry *entry = keep(device, &message);
    if (!entry)
        return -ENOMEM;
    entry->first = first;
    entry->count = count;
    entry->is_gap = true;
    xw_sim_journal_line(device->journal,
                        "{\"t\":\"given_up\",\"device\":\"%s\",\"first\":%" PRIu64
                        ",\"count\":%" PRIu64 "}",
                        device->spec->id, first, count);
    return 0;
}

static int keep_block(struct xw_sim_device *device, uint64_t first, uint32_t count)
{
    int n = xw_block_encode(XW_CODING_DELTA, device->x, device->channels_n, count, device->coded,
                            device->coded_bound);
    if (n < 0)
        return n;
    double us_per_sample = 1e6 * (double)device->rate_den / (double)device->rate_num;
    Xw__DeviceBlock block = XW__DEVICE_BLOCK__INIT;
    Xw__DeviceMessage message = XW__DEVICE_MESSAGE__INIT;
    block.first = first;
    block.count = count;
    block.crc32c = xw_block_crc(device->x, device->channels_n, count);
    block.data = (ProtobufCBinaryData){.data = device->coded, .len = (size_t)n};
    block.clock_us = (uint64_t)((double)(first + count) * us_per_sample);
    message.body_case = XW__DEVICE_MESSAGE__BODY_BLOCK;
    message.block = &block;
    struct xw_sim_entry *entry = keep(device, &message);
    if (!entry)
        return -ENOMEM;
    entry->first = first;
    entry->count = count;
    for (struct xw_sim_entry *shed; (shed = xw_sim_retain_shed(&device->retain)); free(shed)) {
        int r = keep_gap(device, shed->first, shed->count);
        if (r < 0) {
            free(shed);
            return r;
        }
    }
    return 0;
}

/* Samples whose capture instant has come. */
static uint64_t due(const struct xw_sim_device *device, struct xw_mono_us now)
{
    double s = (double)xw_mono_diff_us(now, device->start_mono) * 1e-6 * device->speed;
    if (s <= 0)
        return 0;
    return (uint64_t)(s * (double)device->rate_num / (double)device->rate_den);
}

static void make_due(struct xw_sim_device *device, struct xw_mono_us now)
{
    uint64_t until = XW_MIN(due(device, now), device->end);
    uint64_t second_n = XW_MAX(device->rate_num / device->rate_den, 1UL);
    for (int i = 0; i < BLOCKS_PER_TICK_MAX && !device->frozen; i++) {
        uint64_t left = until - XW_MIN(until, device->next);
        /* A whole block, or the rest when the end is there. */
        if (left == 0 || (left < device->block_n && until < device->end))
            return;
        uint32_t want = (uint32_t)XW_MIN(left, (uint64_t)device->block_n);
        int n = xw_sim_source_read(device->source, device->x, want);
        if (n <= 0) {
            device->end = device->next; /* a recording has ended, or cannot be read */
            return;
        }
        xw_sim_digest_add(&device->digest, device->next, device->x, device->channels_n, (size_t)n);
        if (keep_block(device, device->next, (uint32_t)n) < 0) {
            xw_log_error("sim.memory", XW_LOG_STR("device", device->spec->id));
            _exit(1);
        }
        device->next += (uint64_t)n;
        device->made_n += (uint64_t)n;
        if (device->digest.count >= second_n)
            xw_sim_digest_write(&device->digest, device->journal, device->spec->id, 0);
    }
}

void xw_sim_device_journal_rest(struct xw_sim_device *device)
{
    xw_sim_digest_write(&device->digest, device->journal, device->spec->id, 0);
}

static int keep_fact(struct xw_sim_device *device, Xw__DeviceMessage *message, uint64_t sample,
                     const char *kind)
{
    struct xw_sim_entry *entry = keep(device, message);
    if (!entry)
        return -ENOMEM;
    entry->fact_seq = device->fact_seq;
    xw_sim_journal_line(device->journal,
                        "{\"t\":\"fact\",\"device\":\"%s\",\"seq\":%" PRIu64
                        ",\"kind\":\"%s\",\"sample\":%" PRIu64 "}",
                        device->spec->id, device->fact_seq, kind, sample);
    xw_sim_device_pump(device);
    return 0;
}

static const char *marker_word(Xw__MarkerCode code)
{
    return code == XW__MARKER_CODE__MARKER_CHEST_PAIN       ? "chest_pain"
           : code == XW__MARKER_CODE__MARKER_MOVEMENT       ? "movement"
           : code == XW__MARKER_CODE__MARKER_PATIENT_BUTTON ? "button"
                                                            : "marker";
}

int xw_sim_device_marker(struct xw_sim_device *device, Xw__MarkerCode code, uint64_t sample)
{
    Xw__DeviceMarker marker = XW__DEVICE_MARKER__INIT;
    Xw__DeviceMessage message = XW__DEVICE_MESSAGE__INIT;
    marker.seq = ++device->fact_seq;
    marker.index = sample;
    marker.code = code;
    message.body_case = XW__DEVICE_MESSAGE__BODY_MARKER;
    message.marker = &marker;
    return keep_fact(device, &message, sample, marker_word(code));
}

int xw_sim_device_leads(struct xw_sim_device *device, const char *const *off)
{
    char *names[16];
    Xw__DeviceLeads leads = XW__DEVICE_LEADS__INIT;
    Xw__DeviceMessage message = XW__DEVICE_MESSAGE__INIT;
    leads.seq = ++device->fact_seq;
    leads.index = device->next;
    leads.off = names;
    for (; off[leads.n_off] && leads.n_off < XW_ARRAY_N(names); leads.n_off++)
        names[leads.n_off] = (char *)(uintptr_t)off[leads.n_off];
    message.body_case = XW__DEVICE_MESSAGE__BODY_LEADS;
    message.leads = &leads;
    return keep_fact(device, &message, device->next, leads.n_off ? "leads_off" : "leads_on");
}

bool xw_sim_device_finished(const struct xw_sim_device *device)
{
    return (device->frozen || device->next >= device->end) && device->retain.entries_n == 0;
}

/* ---- what the gateway says ---- */

static int take_held(struct xw_sim_device *device, Xw__SignalHeld *const *held, size_t held_n,
                     uint64_t facts_upto)
{
    struct xw_ranges ranges;
    uint64_t upto = 0;
    int r = 0;
    xw_ranges_init(&ranges, 4096);
    for (size_t i = 0; i < held_n && r >= 0; i++) {
        if (held[i]->signal != 0)
            continue;
        upto = held[i]->upto;
        for (size_t k = 0; k < held[i]->n_ranges && r >= 0; k++)
            r = xw_ranges_add(&ranges, held[i]->ranges[k]->first,
                              held[i]->ranges[k]->first + held[i]->ranges[k]->count);
    }
    if (r >= 0)
        device->acked_n += xw_sim_retain_acked(&device->retain, upto, &ranges, facts_upto);
    xw_ranges_done(&ranges);
    return r;
}

static int answer_challenge(struct xw_sim_device *device, const Xw__GatewayChallenge *challenge)
{
    static const char tag[] = "xw-device-1";
    uint8_t mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, device->spec->key, device->spec->key_n);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)tag, sizeof(tag) - 1);
    crypto_auth_hmacsha256_update(&state, challenge->nonce.data, challenge->nonce.len);
    crypto_auth_hmacsha256_update(&state, (const uint8_t *)device->spec->id,
                                  strlen(device->spec->id));
    crypto_auth_hmacsha256_final(&state, mac);
    Xw__DeviceAuth auth = XW__DEVICE_AUTH__INIT;
    Xw__DeviceMessage message = XW__DEVICE_MESSAGE__INIT;
    auth.hmac = (ProtobufCBinaryData){.data = mac, .len = sizeof(mac)};
    message.body_case = XW__DEVICE_MESSAGE__BODY_AUTH;
    message.auth = &auth;
    return xw_sim_device_send(device, &message);
}

static int accepted(struct xw_sim_device *device, const Xw__GatewayAccepted *message)
{
    char text[XW_UUID_TEXT_N_BYTES];
    for (size_t i = 0; i < message->n_held; i++) {
        struct xw_uuid stream;
        if (message->held[i]->signal != 0 ||
            xw_uuid_from_bytes(message->held[i]->stream_id.data, message->held[i]->stream_id.len,
                               &stream) < 0)
            continue;
        if (!device->stream_known || !xw_uuid_equal(&stream, &device->stream))
            xw_sim_journal_line(
                device->journal,
                "{\"t\":\"stream\",\"device\":\"%s\",\"signal\":0,\"stream\":\"%s\"}",
                device->spec->id, xw_uuid_format(&stream, text));
        device->stream = stream;
        device->stream_known = true;
    }
    device->state = XW_SIM_SENDING;
    device->retry_ms = 100;
    xw_sim_retain_rewind(&device->retain);
    int r = take_held(device, message->held, message->n_held, message->facts_upto);
    xw_sim_device_pump(device);
    return r;
}

int xw_sim_device_heard(struct xw_sim_device *device, const Xw__GatewayMessage *message)
{
    switch (message->body_case) {
    case XW__GATEWAY_MESSAGE__BODY_CHALLENGE:
        return answer_challenge(device, message->challenge);
    case XW__GATEWAY_MESSAGE__BODY_WAITING:
        return 0;
    case XW__GATEWAY_MESSAGE__BODY_ACCEPTED:
        return accepted(device, message->accepted);
    case XW__GATEWAY_MESSAGE__BODY_ACK:
        return take_held(device, message->ack->held, message->ack->n_held,
                         message->ack->facts_upto);
    case XW__GATEWAY_MESSAGE__BODY_PONG:
        return 0;
    case XW__GATEWAY_MESSAGE__BODY_FAULT:
        device->faults_n++;
        xw_log_warning("sim.fault", XW_LOG_STR("device", device->spec->id),
                       XW_LOG_INT("code", message->fault->code),
                       XW_LOG_STR("text", message->fault->text));
        if (message->fault->fatal) /* as DEVICE-HOWTO asks of a device that was sent away */
            device->retry_ms = XW_MAX(device->retry_ms, 500U);
        return message->fault->fatal ? -ECONNRESET : 0;
    default:
        return 0; /* a newer gateway may say more */
    }
}

/* ---- time ---- */

void xw_sim_device_tick(struct xw_sim_device *device, struct xw_mono_us now)
{
    if (!device->frozen && xw_mono_diff_us(now, device->start_mono) >= 0)
        make_due(device, now);
    switch (device->state) {
    case XW_SIM_OFFLINE:
        if (xw_mono_diff_us(now, device->retry_at) >= 0 &&
            xw_mono_diff_us(now, device->start_mono) >= 0)
            xw_sim_device_connect(device, now);
        break;
    case XW_SIM_SENDING:
        xw_sim_device_pump(device);
        if (xw_mono_diff_us(now, device->pinged_at) > 2000000) {
            Xw__DevicePing ping = XW__DEVICE_PING__INIT;
            Xw__DeviceMessage message = XW__DEVICE_MESSAGE__INIT;
            ping.clock_us = (uint64_t)now.us;
            message.body_case = XW__DEVICE_MESSAGE__BODY_PING;
            message.ping = &ping;
            device->pinged_at = now;
            if (xw_sim_device_send(device, &message) < 0) {
                xw_sim_device_close(device, "ping not sent");
                return;
            }
        }
        /* Pings are answered: five silent seconds mean that nobody is there. */
        if (xw_mono_diff_us(now, device->heard_at) > 5000000)
            xw_sim_device_close(device, "silence");
        break;
    case XW_SIM_CONNECTING:
    case XW_SIM_GREETING:
        if (device->state == XW_SIM_CONNECTING && xw_mono_diff_us(now, device->heard_at) > 5000000)
            xw_sim_device_close(device, "no connection");
        break;
    case XW_SIM_ENDED:
        break;
    }
}
