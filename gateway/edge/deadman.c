/* Probes of the alarm path, as the gateway sees them. */
#include "edge/deadman.h"

#include <string.h>

#define LEG(name) XW__ALARM_LEG__ALARM_LEG_##name

void xw_deadman_init(struct xw_deadman *d, const struct xw_deadman_config *config)
{
    memset(d, 0, sizeof(*d));
    d->config = *config;
    d->run = xw_uuid_v7(NULL);
    d->due_us = xw_clock_mono(config->clock).us + config->period_us / 2; /* or when it is linked */
    d->since_wall_us = xw_clock_wall(config->clock).us;
}

static int64_t now_us(const struct xw_deadman *d)
{
    return xw_clock_mono(d->config.clock).us;
}

static uint32_t brief(int64_t us)
{
    return us <= 0 ? 1 : (uint32_t)XW_MIN(us, (int64_t)UINT32_MAX);
}

static void leg_done(struct xw_deadman *d, Xw__AlarmLeg next)
{
    int64_t now = now_us(d);
    d->now.legs_us[d->leg - 1] = brief(now - d->leg_us);
    d->leg = next;
    d->leg_us = now;
}

static int send(struct xw_deadman *d, uint64_t number)
{
    uint8_t payload[XW_DEADMAN_PAYLOAD_MAX];
    Xw__AlarmProbe probe = XW__ALARM_PROBE__INIT;
    probe.run_id = (ProtobufCBinaryData){sizeof(d->run.b), d->run.b};
    probe.number = number;
    probe.input_us = d->now.legs_us[LEG(INPUT) - 1];
    probe.spool_us = d->now.legs_us[LEG(SPOOL) - 1];
    probe.sent_wall_us = xw_clock_wall(d->config.clock).us;
    probe.period_ms = (uint32_t)(d->config.period_us / 1000);
    probe.broken = d->broken;
    probe.proven = d->proven.number;
    probe.back_us = d->proven.legs_us[LEG(BACK) - 1];
    if (xw__alarm_probe__get_packed_size(&probe) > sizeof(payload))
        return -EMSGSIZE;
    return d->config.send(d->config.user, payload, xw__alarm_probe__pack(&probe, payload));
}

/* How the gateway sees the way now; what is not heard is said again by the next probe. */
static void tell(struct xw_deadman *d)
{
    if (d->linked)
        (void)!send(d, 0);
}

static void set_state(struct xw_deadman *d, enum xw_deadman_state state, Xw__AlarmLeg leg)
{
    bool changed = d->state != state || d->broken != leg;
    if (d->state != state)
        d->since_wall_us = xw_clock_wall(d->config.clock).us;
    d->state = state;
    d->broken = leg;
    if (changed)
        d->config.changed(d->config.user, state, leg);
    tell(d);
}

static void end(struct xw_deadman *d)
{
    d->leg = LEG(NONE);
    d->sent = false;
    /* By the beginning, not the end: what waits for its turn must not make the period longer. */
    d->due_us = XW_MAX(d->begun_us + d->config.period_us, now_us(d));
}

static void fail(struct xw_deadman *d, Xw__AlarmLeg leg)
{
    end(d);
    set_state(d, XW_DEADMAN_BROKEN, leg);
}

static void try_send(struct xw_deadman *d)
{
    if (d->leg != LEG(UPLINK) || d->sent || !d->linked)
        return;
    d->sent = send(d, d->number) >= 0;
    d->sent_us = now_us(d);
}

static void begin(struct xw_deadman *d)
{
    d->number++;
    d->begun_us = d->leg_us = now_us(d);
    d->leg = LEG(INPUT);
    d->sent = false;
    memset(&d->now, 0, sizeof(d->now));
    d->now.number = d->number;
    if (d->config.inject(d->config.user, d->number) < 0)
        fail(d, LEG(INPUT));
}

void xw_deadman_tick(struct xw_deadman *d)
{
    int64_t now = now_us(d);
    if (d->leg != LEG(NONE) && now - d->begun_us >= d->config.wait_us)
        fail(d, d->leg);
    else if (d->leg == LEG(NONE) && now >= d->due_us)
        begin(d);
    try_send(d);
}

void xw_deadman_linked(struct xw_deadman *d, bool linked)
{
    if (linked == d->linked)
        return;
    d->linked = linked;
    if (!linked && d->leg >= LEG(UPLINK)) { /* what was on its way is lost: it goes again */
        d->leg = LEG(UPLINK);
        d->sent = false;
    }
    if (linked && d->leg == LEG(NONE))
        begin(d);
    try_send(d);
}

void xw_deadman_emerged(struct xw_deadman *d, uint64_t number)
{
    if (d->leg != LEG(INPUT) || number != d->number)
        return;
    leg_done(d, LEG(SPOOL));
    if (d->config.keep(d->config.user, number) < 0)
        fail(d, LEG(SPOOL));
}

void xw_deadman_kept(struct xw_deadman *d, uint64_t number, int status)
{
    if (d->leg != LEG(SPOOL) || number != d->number)
        return;
    if (status < 0) {
        fail(d, LEG(SPOOL));
        return;
    }
    leg_done(d, LEG(UPLINK));
    try_send(d);
}

/* Of the way back only the offset between the clocks can tell; without it half of the round trip.
 */
static uint32_t back_us(const struct xw_deadman *d, const Xw__AlarmProof *proof)
{
    int64_t offset_us, us = 0;
    if (d->config.offset(d->config.user, &offset_us) &&
        !__builtin_sub_overflow(xw_clock_wall(d->config.clock).us + offset_us, proof->sent_wall_us,
                                &us))
        return brief(us);
    uint64_t county_us = (uint64_t)proof->store_us + proof->fanout_us + proof->screen_us;
    return brief((now_us(d) - d->sent_us - (int64_t)county_us) / 2);
}

static void decided(struct xw_deadman *d, const Xw__AlarmProof *proof)
{
    const uint32_t county[] = {proof->uplink_us, proof->store_us, proof->fanout_us,
                               proof->screen_us};
    memcpy(&d->now.legs_us[LEG(UPLINK) - 1], county, sizeof(county));
    d->now.legs_us[LEG(BACK) - 1] = back_us(d, proof);
    end(d);
    switch (proof->verdict) {
    case XW__ALARM_VERDICT__ALARM_PROVEN:
        d->now.wall_us = xw_clock_wall(d->config.clock).us;
        d->proven = d->now;
        set_state(d, XW_DEADMAN_PROVEN, LEG(NONE));
        break;
    case XW__ALARM_VERDICT__ALARM_UNATTENDED:
        set_state(d, XW_DEADMAN_UNATTENDED, LEG(UNATTENDED));
        break;
    default:
        set_state(d, XW_DEADMAN_BROKEN, proof->leg);
    }
}

static bool fits(const struct xw_deadman *d, const Xw__AlarmProof *proof)
{
    return proof->run_id.len == sizeof(d->run.b) &&
           !memcmp(proof->run_id.data, d->run.b, sizeof(d->run.b)) && proof->number == d->number &&
           d->leg >= LEG(UPLINK) && d->sent;
}

static bool leg_of_county(Xw__AlarmLeg leg)
{
    return leg == LEG(STORE) || leg == LEG(FANOUT) || leg == LEG(SCREEN);
}

int xw_deadman_proof(struct xw_deadman *d, const void *data, size_t size)
{
    if (size > XW_DEADMAN_PAYLOAD_MAX)
        return -EBADMSG;
    Xw__AlarmProof *proof = xw__alarm_proof__unpack(NULL, size, data);
    if (!proof)
        return -EBADMSG;
    int r = 0;
    if (proof->verdict == XW__ALARM_VERDICT__ALARM_ARRIVED) {
        /* Whatever is missing from here is missing on the way back. */
        if (fits(d, proof) && d->leg == LEG(UPLINK))
            leg_done(d, LEG(BACK));
    } else if (proof->verdict == XW__ALARM_VERDICT__ALARM_PROVEN ||
               proof->verdict == XW__ALARM_VERDICT__ALARM_UNATTENDED ||
               (proof->verdict == XW__ALARM_VERDICT__ALARM_BROKEN && leg_of_county(proof->leg))) {
        if (fits(d, proof))
            decided(d, proof);
    } else {
        r = -EBADMSG;
    }
    xw__alarm_proof__free_unpacked(proof, NULL);
    return r;
}

const char *xw_deadman_leg_name(Xw__AlarmLeg leg)
{
    static const char *const names[] = {"none",   "input",  "spool", "uplink",    "store",
                                        "fanout", "screen", "back",  "unattended"};
    return (unsigned)leg < XW_ARRAY_N(names) ? names[leg] : "none";
}

const char *xw_deadman_state_name(enum xw_deadman_state state)
{
    static const char *const names[] = {"unproven", "proven", "broken", "unattended"};
    return (unsigned)state < XW_ARRAY_N(names) ? names[state] : "unproven";
}
