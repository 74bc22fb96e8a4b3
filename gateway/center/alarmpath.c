/* Probes of the alarm path, as the county sees them. */
#include "center/alarmpath.h"

#include "base/metrics.h"
#include "center/gateways.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(probes, "xw_center_alarm_probes_total", NULL, "probes of the alarm path that arrived");
XW_COUNTER(proven, "xw_center_alarm_probes_proven_total", NULL, "of these, answered by a screen");
XW_GAUGE(
    broken_gauge, "xw_center_alarm_paths_broken", NULL,
    "gateways whose alarms would not reach a screen, for another reason than that none is open");

#define LEG(name) XW__ALARM_LEG__ALARM_LEG_##name
#define PATH(name) XW__ALARM_PATH_STATE__ALARM_PATH_##name

enum {
    PERIOD_US = 60000000, /* until the gateway says another */
    PERIOD_MIN_US = 1000000,
    PERIOD_MAX_US = 120000000,
    ARRIVED_LEGS = 3, /* input, spool, uplink are known when a probe is here */
};

struct path {
    char id[XW_GATEWAY_ID_N];
    uint32_t slot;
    uint8_t run[16];
    uint64_t number;  /* of the newest probe of this run */
    uint32_t serial;  /* counts probes: the lower half of what screens are asked */
    Xw__AlarmLeg leg; /* where that probe is; NONE = decided */
    uint64_t round;   /* the commit that proves the store */
    bool revoked;
    int64_t arrived_us, leg_us, heard_us, period_us;
    uint32_t now_us[XW_ALARMPATH_LEGS_N];
    uint32_t legs_us[XW_ALARMPATH_LEGS_N]; /* of the newest that was proven */
    int64_t proven_wall_us;
    Xw__AlarmPathState verdict;
    Xw__AlarmLeg verdict_leg, said;
    /* as last told */
    Xw__AlarmPathState state;
    Xw__AlarmLeg state_leg;
    int64_t since_wall_us;
};

struct xw_alarmpath {
    struct xw_alarmpath_config config;
    struct path **v;
    size_t n, cap;
    uint64_t round; /* of the commit under way, or of the last one */
    bool keeping;
    size_t near; /* found last: gateways are told of one after another */
    enum { WATCH_UNKNOWN, WATCH_ATTENDED, WATCH_UNATTENDED } watch;
    int64_t empty_since_us; /* without a screen since; 0 = there is one */
};

int xw_alarmpath_new(const struct xw_alarmpath_config *config, struct xw_alarmpath **ret_alarmpath)
{
    struct xw_alarmpath *a = calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->config = *config;
    a->empty_since_us = xw_clock_mono(config->clock).us;
    *ret_alarmpath = a;
    return 0;
}

void xw_alarmpath_free(struct xw_alarmpath *a)
{
    if (!a)
        return;
    for (size_t i = 0; i < a->n; i++)
        free(a->v[i]);
    free(a->v);
    free(a);
}

static int64_t mono_us(const struct xw_alarmpath *a)
{
    return xw_clock_mono(a->config.clock).us;
}

static uint32_t brief(int64_t us)
{
    return us <= 0 ? 1 : (uint32_t)XW_MIN(us, (int64_t)UINT32_MAX);
}

static struct path *find(struct xw_alarmpath *a, const char *id)
{
    for (size_t i = 0; i < a->n; i++) {
        /* In both directions from the last: at, after, before it, and farther. */
        size_t step = (i + 1) / 2;
        size_t at = i % 2 ? (a->near + step) % a->n : (a->near + a->n - step % a->n) % a->n;
        if (!strcmp(a->v[at]->id, id)) {
            a->near = at;
            return a->v[at];
        }
    }
    return NULL;
}

static struct path *add(struct xw_alarmpath *a, const char *id)
{
    if (a->n == XW_GATEWAYS_MAX || strlen(id) >= XW_GATEWAY_ID_N)
        return NULL;
    if (a->n == a->cap) {
        size_t cap = a->cap ? a->cap * 2 : 32;
        struct path **v = realloc(a->v, cap * sizeof(struct path *));
        if (!v)
            return NULL;
        a->v = v;
        a->cap = cap;
    }
    struct path *p = calloc(1, sizeof(*p));
    if (!p)
        return NULL;
    snprintf(p->id, sizeof(p->id), "%s", id);
    p->slot = (uint32_t)a->n;
    p->heard_us = mono_us(a);
    p->period_us = PERIOD_US;
    p->since_wall_us = xw_clock_wall(a->config.clock).us;
    a->v[a->n++] = p;
    return p;
}

void xw_alarmpath_gateway(struct xw_alarmpath *a, const char *gateway_id)
{
    if (!find(a, gateway_id))
        (void)!add(a, gateway_id);
}

/* ---- what is thought of a gateway's way ---- */

static bool at_gateway(Xw__AlarmLeg leg)
{
    return leg == LEG(INPUT) || leg == LEG(SPOOL);
}

static bool is_leg(Xw__AlarmLeg leg)
{
    return leg > LEG(NONE) && leg < LEG(UNATTENDED);
}

static void judge(struct xw_alarmpath *a, struct path *p)
{
    bool silent = mono_us(a) - p->heard_us >= p->period_us + a->config.late_us;
    Xw__AlarmPathState state = p->verdict;
    Xw__AlarmLeg leg = p->verdict == PATH(BROKEN) ? p->verdict_leg : LEG(NONE);
    if (p->revoked) {
        state = PATH(UNPROVEN);
        leg = LEG(NONE);
    } else if (silent) {
        state = PATH(BROKEN);
        leg = at_gateway(p->said) ? p->said : LEG(UPLINK);
    } else if (state != PATH(BROKEN) && is_leg(p->said)) {
        state = PATH(BROKEN); /* it came, and the gateway never heard of it */
        leg = p->said;
    }
    if (state == p->state && leg == p->state_leg)
        return;
    if (state != p->state)
        p->since_wall_us = xw_clock_wall(a->config.clock).us;
    xw_gauge_add(&broken_gauge, (state == PATH(BROKEN)) - (p->state == PATH(BROKEN)));
    p->state = state;
    p->state_leg = leg;
    a->config.changed(a->config.user, p->id, state, leg);
}

void xw_alarmpath_silence(struct xw_alarmpath *a, const char *gateway_id, bool silent)
{
    struct path *p = find(a, gateway_id);
    if (!p || p->revoked == silent)
        return;
    p->revoked = silent;
    p->leg = p->verdict_leg = p->said = LEG(NONE);
    p->verdict = PATH(UNPROVEN);
    p->heard_us = mono_us(a);
    judge(a, p);
}

/* ---- a probe on its way ---- */

static void reply(struct xw_alarmpath *a, struct path *p, Xw__AlarmVerdict verdict,
                  Xw__AlarmLeg leg)
{
    uint8_t payload[XW_ALARMPATH_PAYLOAD_MAX];
    Xw__AlarmProof proof = XW__ALARM_PROOF__INIT;
    proof.run_id = (ProtobufCBinaryData){sizeof(p->run), p->run};
    proof.number = p->number;
    proof.verdict = verdict;
    proof.leg = leg;
    proof.uplink_us = p->now_us[LEG(UPLINK) - 1];
    proof.store_us = p->now_us[LEG(STORE) - 1];
    proof.fanout_us = p->now_us[LEG(FANOUT) - 1];
    proof.screen_us = p->now_us[LEG(SCREEN) - 1];
    proof.sent_wall_us = xw_clock_wall(a->config.clock).us;
    if (xw__alarm_proof__get_packed_size(&proof) <= sizeof(payload))
        a->config.send(a->config.user, p->id, payload, xw__alarm_proof__pack(&proof, payload));
}

static void decide(struct xw_alarmpath *a, struct path *p, Xw__AlarmPathState state,
                   Xw__AlarmLeg leg)
{
    p->leg = LEG(NONE);
    p->verdict = state;
    p->verdict_leg = leg;
    if (state == PATH(PROVEN)) {
        xw_counter_add(&proven, 1);
        p->proven_wall_us = xw_clock_wall(a->config.clock).us;
        /* The way back is told later, by the gateway: until then that of the time before stands. */
        memcpy(p->legs_us, p->now_us, sizeof(p->legs_us) - sizeof(p->legs_us[0]));
    }
    reply(a, p,
          state == PATH(PROVEN)       ? XW__ALARM_VERDICT__ALARM_PROVEN
          : state == PATH(UNATTENDED) ? XW__ALARM_VERDICT__ALARM_UNATTENDED
                                      : XW__ALARM_VERDICT__ALARM_BROKEN,
          leg);
    judge(a, p);
}

static void leg_done(struct xw_alarmpath *a, struct path *p, Xw__AlarmLeg next)
{
    int64_t now = mono_us(a);
    p->now_us[p->leg - 1] = brief(now - p->leg_us);
    p->leg = next;
    p->leg_us = now;
}

/* Without a screen it waits for one: somebody may just be turning a page. */
static void show(struct xw_alarmpath *a, struct path *p)
{
    uint64_t probe = (uint64_t)(p->slot + 1) << 32 | p->serial;
    p->leg = LEG(UNATTENDED);
    if (a->config.screens(a->config.user) && a->config.show(a->config.user, p->id, probe))
        p->leg = LEG(FANOUT);
    p->leg_us = mono_us(a);
}

static void keep(struct xw_alarmpath *a)
{
    bool wanted = false;
    for (size_t i = 0; i < a->n && !wanted; i++)
        wanted = a->v[i]->leg == LEG(STORE);
    if (!wanted || a->keeping)
        return;
    a->keeping = true;
    a->round++;
    int r = a->config.keep(a->config.user);
    if (r < 0)
        xw_alarmpath_kept(a, r);
}

void xw_alarmpath_kept(struct xw_alarmpath *a, int status)
{
    a->keeping = false;
    for (size_t i = 0; i < a->n; i++) {
        struct path *p = a->v[i];
        if (p->leg != LEG(STORE) || p->round > a->round)
            continue; /* came when this commit was on its way already */
        if (status < 0) {
            decide(a, p, PATH(BROKEN), LEG(STORE));
            continue;
        }
        leg_done(a, p, LEG(FANOUT));
        show(a, p);
    }
    if (status >= 0)
        keep(a); /* else at the next tick: a store that refuses is not asked at once again */
}

static struct path *asked(const struct xw_alarmpath *a, uint64_t probe)
{
    uint64_t slot = probe >> 32;
    if (!slot || slot > a->n)
        return NULL;
    struct path *p = a->v[slot - 1];
    return p->serial == (uint32_t)probe && (p->leg == LEG(FANOUT) || p->leg == LEG(SCREEN)) ? p
                                                                                            : NULL;
}

void xw_alarmpath_written(struct xw_alarmpath *a, uint64_t probe)
{
    struct path *p = asked(a, probe);
    if (p && p->leg == LEG(FANOUT))
        leg_done(a, p, LEG(SCREEN));
}

void xw_alarmpath_seen(struct xw_alarmpath *a, uint64_t probe, uint32_t held_us)
{
    struct path *p = asked(a, probe);
    if (!p || p->leg != LEG(SCREEN))
        return;
    /* What the page did not need for itself was the network's, there and back. */
    int64_t away_us = mono_us(a) - p->leg_us, held = XW_MIN((int64_t)held_us, away_us);
    p->now_us[LEG(SCREEN) - 1] = brief(held);
    p->now_us[LEG(FANOUT) - 1] = brief(p->now_us[LEG(FANOUT) - 1] + (away_us - held) / 2);
    decide(a, p, PATH(PROVEN), LEG(NONE));
}

static uint32_t uplink_us(const struct xw_alarmpath *a, const char *id, const Xw__AlarmProbe *probe)
{
    int64_t offset_us, sent_us, us;
    if (!a->config.offset(a->config.user, id, &offset_us) ||
        __builtin_add_overflow(probe->sent_wall_us, offset_us, &sent_us) ||
        __builtin_sub_overflow(xw_clock_wall(a->config.clock).us, sent_us, &us))
        return 0;
    return brief(us);
}

static void arrived(struct xw_alarmpath *a, struct path *p, const Xw__AlarmProbe *probe)
{
    xw_counter_add(&probes, 1);
    p->number = probe->number;
    p->serial++;
    p->arrived_us = p->leg_us = p->heard_us = mono_us(a);
    memset(p->now_us, 0, sizeof(p->now_us));
    p->now_us[LEG(INPUT) - 1] = probe->input_us;
    p->now_us[LEG(SPOOL) - 1] = probe->spool_us;
    p->now_us[LEG(UPLINK) - 1] = uplink_us(a, p->id, probe);
    p->leg = LEG(STORE);
    p->round = a->round + 1;
    reply(a, p, XW__ALARM_VERDICT__ALARM_ARRIVED, LEG(NONE));
    keep(a);
}

static bool probe_ok(const Xw__AlarmProbe *probe, size_t run_size)
{
    return probe->run_id.len == run_size && (unsigned)probe->broken <= LEG(UNATTENDED);
}

static void take(struct xw_alarmpath *a, struct path *p, const Xw__AlarmProbe *probe)
{
    int64_t period_us = (int64_t)probe->period_ms * 1000;
    memcpy(p->run, probe->run_id.data, sizeof(p->run));
    p->said = probe->broken;
    p->period_us = XW_MAX(XW_MIN(period_us, (int64_t)PERIOD_MAX_US), (int64_t)PERIOD_MIN_US);
    if (probe->proven)
        p->legs_us[LEG(BACK) - 1] = probe->back_us;
    if (probe->number)
        arrived(a, p, probe);
    judge(a, p);
}

int xw_alarmpath_probe(struct xw_alarmpath *a, const char *gateway_id, const void *payload,
                       size_t size)
{
    if (size > XW_ALARMPATH_PAYLOAD_MAX)
        return -EBADMSG;
    Xw__AlarmProbe *probe = xw__alarm_probe__unpack(NULL, size, payload);
    struct path *p = find(a, gateway_id);
    int r = 0;
    if (!probe || !probe_ok(probe, sizeof(p->run)))
        r = -EBADMSG;
    else if (!p && !(p = add(a, gateway_id)))
        r = -EOVERFLOW;
    if (r == 0)
        take(a, p, probe);
    if (probe)
        xw__alarm_probe__free_unpacked(probe, NULL);
    return r;
}

/* ---- time ---- */

static void look(struct xw_alarmpath *a, struct path *p, int64_t now_us)
{
    if (p->leg == LEG(UNATTENDED) && a->config.screens(a->config.user))
        show(a, p);
    if (p->leg != LEG(NONE) && now_us - p->arrived_us >= a->config.wait_us)
        decide(a, p, p->leg == LEG(UNATTENDED) ? PATH(UNATTENDED) : PATH(BROKEN), p->leg);
    judge(a, p);
}

static void check_attended(struct xw_alarmpath *a, int64_t now_us)
{
    bool empty = !a->config.screens(a->config.user);
    if (!empty)
        a->empty_since_us = 0;
    else if (!a->empty_since_us)
        a->empty_since_us = now_us;
    bool unattended =
        a->n && empty &&
        (a->watch == WATCH_UNATTENDED || now_us - a->empty_since_us >= a->config.unattended_us);
    /* An alarm of before a restart ends when somebody watches, not before. */
    if (a->watch == (unattended ? WATCH_UNATTENDED : WATCH_ATTENDED) || (!unattended && empty))
        return;
    a->watch = unattended ? WATCH_UNATTENDED : WATCH_ATTENDED;
    a->config.attended(a->config.user, !unattended);
}

void xw_alarmpath_tick(struct xw_alarmpath *a)
{
    int64_t now_us = mono_us(a);
    for (size_t i = 0; i < a->n; i++)
        look(a, a->v[i], now_us);
    check_attended(a, now_us);
    keep(a);
}

void xw_alarmpath_fill(struct xw_alarmpath *a, const char *gateway_id, Xw__AlarmPath *ret_path)
{
    struct path *p = find(a, gateway_id);
    xw__alarm_path__init(ret_path);
    if (!p)
        return;
    ret_path->state = p->state;
    ret_path->since_wall_us = p->since_wall_us;
    ret_path->leg = p->state_leg;
    ret_path->proven_wall_us = p->proven_wall_us;
    ret_path->legs_us = p->legs_us;
    ret_path->n_legs_us = p->proven_wall_us ? XW_ARRAY_N(p->legs_us) : 0;
}
