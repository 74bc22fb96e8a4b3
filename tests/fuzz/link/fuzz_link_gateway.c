/* The gateway's end of the link, and a county that says anything: nothing is released that was not
 * sent, and nothing is lost from the spool. */
#include "base/block.h"
#include "fuzz/link/script.h"
#include "link/glink.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCKS_N = 20, BLOCK_COUNT = 20 };

static const struct xw_uuid stream_id = {{0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
                                          0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f}};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_record(void *user, const struct xw_store_record *record)
{
    (void)user;
    if (strcmp(record->origin, "county") != 0)
        abort();
}
static void on_ephemeral(void *user, const char *topic, const void *payload, size_t size)
{
    (void)user;
    (void)payload;
    if (strlen(topic) > XW_LINK_TOPIC_MAX_N_BYTES || size > XW_LINK_EPHEMERAL_MAX_N_BYTES)
        abort();
}
static void on_object(void *user, const uint8_t sha256[32], int status)
{
    (void)user;
    (void)sha256;
    (void)status;
}

static void open_socket(void *core, struct xw_conn *conn, unsigned role)
{
    xw_glink_open(core, conn, role);
}
static int receive(void *core, struct xw_conn *conn, const void *data, size_t n_bytes)
{
    return xw_glink_receive(core, conn, data, n_bytes);
}
static int pull(void *core, struct xw_conn *conn, struct xw_buf *ret_buf)
{
    return xw_glink_pull(core, conn, ret_buf);
}
static void closed(void *core, struct xw_conn *conn)
{
    xw_glink_closed(core, conn);
}
static void tick(void *core)
{
    struct xw_glink_figures figures;
    xw_glink_tick(core);
    xw_glink_figures(core, &figures);
}
static void own(void *core, unsigned which)
{
    if (which & 1)
        xw_glink_committed(core, which);
    else if (which & 2)
        (void)!xw_glink_ephemeral(core, "presence", "x", 1);
    else
        xw_glink_urgent(core, &stream_id, (struct xw_range){0, 10});
}

static size_t header_of(uint8_t ret_header[512])
{
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channel = XW__CHANNEL__INIT, *channels[1] = {&channel};
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    static uint8_t attachment[16] = {9};
    rate.num = 500;
    rate.den = 1;
    gain.num = 1000;
    gain.den = 1;
    channel.code = "II";
    channel.unit = "mV";
    channel.gain = &gain;
    channel.adc_min = -32768;
    channel.adc_max = 32767;
    header.stream_id = (ProtobufCBinaryData){sizeof(stream_id.b), (uint8_t *)stream_id.b};
    header.attachment_id = (ProtobufCBinaryData){sizeof(attachment), attachment};
    header.modality = XW__MODALITY__MODALITY_ECG;
    header.rate = &rate;
    header.channels = channels;
    header.n_channels = 1;
    header.device_id = "dev-1";
    header.gateway_id = "town-a";
    return xw__stream_header__pack(&header, ret_header);
}

static struct xw_store *spool_new(struct xw_glink **ret_glink, const struct xw_clock *clock)
{
    struct xw_store *store = model_new();
    const struct xw_glink_config config = {.gateway_id = "town-a",
                                           .site_name = "a",
                                           .software = "fuzz",
                                           .boot_id = {{7}},
                                           .live_late_us = 2000000};
    const struct xw_glink_watch watch = {NULL, on_record, on_ephemeral, on_object};
    uint8_t header[512], data[256];
    int32_t x[BLOCK_COUNT];
    size_t header_size = header_of(header);
    model_put_stream(store, &stream_id, header, header_size);
    if (xw_glink_new(store, clock, &config, &watch, ret_glink) < 0 ||
        xw_glink_stream(*ret_glink, &stream_id, header, header_size) < 0)
        abort();
    for (unsigned i = 0; i < BLOCKS_N; i++) {
        for (int k = 0; k < BLOCK_COUNT; k++)
            x[k] = (int32_t)i * 3 + k;
        int n = xw_block_encode(XW_CODING_DELTA, x, 1, BLOCK_COUNT, data, sizeof(data));
        if (n < 0)
            abort();
        const struct xw_store_block block = {.stream = stream_id,
                                             .first = (uint64_t)i * BLOCK_COUNT,
                                             .count = BLOCK_COUNT,
                                             .crc32c = xw_block_crc(x, 1, BLOCK_COUNT),
                                             .data = data,
                                             .size = (size_t)n};
        model_put_block(store, &block);
        (void)xw_glink_block(*ret_glink, &block);
    }
    return store;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_clock clock;
    struct xw_glink *glink;
    struct xw_store_stream view;
    xw_clock_fake_init(&clock, 1000000000, INT64_C(1760000000000000));
    struct xw_store *store = spool_new(&glink, &clock);
    const struct script_end end = {
        glink, xw_store_id(store), XW_FROM_GATEWAY, open_socket, receive, pull, closed, tick, own};
    script_play(&end, &clock, store, data, size);
    if (xw_store_stream(store, &stream_id, &view) < 0 ||
        !xw_ranges_covers(view.known, 0, BLOCKS_N * BLOCK_COUNT) ||
        xw_ranges_end(view.known) != BLOCKS_N * BLOCK_COUNT ||
        (view.released && xw_ranges_end(view.released) > BLOCKS_N * BLOCK_COUNT))
        abort();
    xw_glink_free(glink);
    model_free(store);
    return 0;
}
