/* What a gateway may send of itself: first byte even: `alarm-probe`, answered by a screen; odd:
 * `gateway-status`. */
#include "center/alarmpath.h"
#include "center/gateway_report.h"

#include <stdint.h>
#include <string.h>

static struct xw_alarmpath *path;

static int keep(void *user)
{
    (void)user;
    return 0;
}
static uint32_t show(void *user, const char *gateway_id, uint64_t probe)
{
    (void)user;
    (void)gateway_id;
    xw_alarmpath_written(path, probe);
    xw_alarmpath_seen(path, probe ^ (probe & 1), 1);
    return 1;
}
static uint32_t screens(void *user)
{
    (void)user;
    return 1;
}
static void answer(void *user, const char *gateway_id, const void *payload, size_t size)
{
    (void)user;
    (void)gateway_id;
    Xw__AlarmProof *proof = xw__alarm_proof__unpack(NULL, size, payload);
    if (!proof)
        abort();
    xw__alarm_proof__free_unpacked(proof, NULL);
}
static bool offset(void *user, const char *gateway_id, int64_t *ret_us)
{
    (void)user;
    (void)gateway_id;
    *ret_us = INT64_MAX / 2;
    return true;
}
static void changed(void *user, const char *gateway_id, Xw__AlarmPathState state, Xw__AlarmLeg leg)
{
    (void)user;
    (void)gateway_id;
    if ((unsigned)state > 3 || (unsigned)leg > 8)
        abort();
}
static void attended(void *user, bool watched)
{
    (void)user;
    (void)watched;
}

static void probe(const uint8_t *data, size_t size)
{
    struct xw_clock clock;
    xw_clock_fake_init(&clock, 1000000, 1700000000000000);
    const struct xw_alarmpath_config config = {.clock = &clock,
                                               .wait_us = 10000000,
                                               .late_us = 25000000,
                                               .unattended_us = 60000000,
                                               .keep = keep,
                                               .show = show,
                                               .screens = screens,
                                               .send = answer,
                                               .offset = offset,
                                               .changed = changed,
                                               .attended = attended};
    if (xw_alarmpath_new(&config, &path) < 0)
        return;
    if (xw_alarmpath_probe(path, "town-a", data, size) == 0) {
        xw_alarmpath_kept(path, 0);
        xw_clock_fake_advance(&clock, 10000000);
        xw_alarmpath_tick(path);
        xw_clock_fake_advance(&clock, 200000000);
        xw_alarmpath_tick(path);
    }
    Xw__AlarmPath shown;
    xw_alarmpath_fill(path, "town-a", &shown);
    if (shown.n_legs_us != 0 && shown.n_legs_us != XW_ALARMPATH_LEGS_N)
        abort();
    xw_alarmpath_free(path);
}

static void want_write(void *user, void *socket_user)
{
    (void)user;
    (void)socket_user;
}

static void add_stream(struct xw_hub *hub)
{
    struct xw_uuid id;
    uint8_t bytes[256];
    Xw__Fraction rate = XW__FRACTION__INIT;
    Xw__Channel channel = XW__CHANNEL__INIT, *channels[] = {&channel};
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    for (size_t i = 0; i < sizeof(id.b); i++)
        id.b[i] = (uint8_t)(0x10 + i);
    rate.num = 500;
    rate.den = 1;
    channel.code = "I";
    channel.unit = "mV";
    header.stream_id = header.attachment_id = (ProtobufCBinaryData){sizeof(id.b), id.b};
    header.rate = &rate;
    header.channels = channels;
    header.n_channels = 1;
    header.gateway_id = "town-a";
    if (xw_hub_stream(hub, &id, bytes, xw__stream_header__pack(&header, bytes), "site") < 0)
        abort();
}

static void report(const uint8_t *data, size_t size)
{
    struct xw_clock clock;
    struct xw_hub *hub;
    struct xw_gateways *gateways;
    const Xw__GatewayStatus *const *statuses;
    const char *const *sites;
    xw_clock_fake_init(&clock, 1000000, 1700000000000000);
    const struct xw_hub_config config = {
        .clock = &clock, .streams_max = 4, .hold_us = 2000000, .want_write = want_write};
    const struct xw_gateways_config gateways_config = {.clock = &clock};
    if (xw_hub_new(&config, &hub) < 0)
        return;
    if (xw_gateways_new(&gateways_config, &gateways) < 0) {
        xw_hub_free(hub);
        return;
    }
    add_stream(hub);
    xw_gateways_update(gateways, &(struct xw_downlink_gateway){.gateway_id = "town-a",
                                                               .linked = true,
                                                               .clock_offset_us = INT64_MAX});
    xw_hub_linked(hub, "town-a", true);
    (void)!xw_gateway_report_take(gateways, hub, "town-a", data, size);
    xw_hub_tick(hub);
    if (xw_gateways_statuses(gateways, &statuses, &sites) != 1)
        abort();
    xw_gateways_free(gateways);
    xw_hub_free(hub);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size && data[0] & 1)
        report(data + 1, size - 1);
    else if (size)
        probe(data + 1, size - 1);
    return 0;
}
