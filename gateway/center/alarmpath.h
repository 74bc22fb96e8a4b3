/* The county's half of the dead-man alarm path: every gateway's probe goes through the store to an
 * alarm screen, and its answer back; a gateway whose probe does not come is broken at "uplink".
 *
 * A probe that arrives waits for a commit that began after it (one for all that wait), is shown to
 * every open alarm screen, and is proven by the first that answers; the leg at which it stands
 * after wait_us is broken. Without a screen for that long it is "unattended": said as such, no
 * fault of a gateway. What the gateway says of the way back counts as well.
 *
 * Threads: loop thread only. Ownership: ids and payloads are copied. Limits: XW_GATEWAYS_MAX
 * gateways. Units: µs, monotonic but for wall times. Errors: -EBADMSG not a probe, -EOVERFLOW. */
#ifndef XW_CENTER_ALARMPATH_H
#define XW_CENTER_ALARMPATH_H

#include "base/base.h"
#include "base/clock.h"

#include "live.pb-c.h"

enum { XW_ALARMPATH_LEGS_N = 7, XW_ALARMPATH_PAYLOAD_MAX = 256 };

struct xw_alarmpath_config {
    const struct xw_clock *clock;
    int64_t wait_us;       /* from the arrival of a probe to an answer */
    int64_t late_us;       /* beyond its period a probe may be late */
    int64_t unattended_us; /* without a screen for so long is said */
    void *user;
    /* A commit, please: xw_alarmpath_kept answers, perhaps before this returns. Negative: refused.
     */
    int (*keep)(void *user);
    /* To every alarm screen; xw_alarmpath_written when one is handed to a socket. Their number. */
    uint32_t (*show)(void *user, const char *gateway_id, uint64_t probe);
    uint32_t (*screens)(void *user);
    /* "alarm-proof" to a gateway; what is lost is noticed there. */
    void (*send)(void *user, const char *gateway_id, const void *payload, size_t size);
    /* County wall - gateway wall; false: not known. */
    bool (*offset)(void *user, const char *gateway_id, int64_t *ret_us);
    void (*changed)(void *user, const char *gateway_id, Xw__AlarmPathState state, Xw__AlarmLeg leg);
    /* Nobody watches, although there are gateways; somebody does again. */
    void (*attended)(void *user, bool attended);
};

struct xw_alarmpath;

XW_MUST_CHECK int xw_alarmpath_new(const struct xw_alarmpath_config *config,
                                   struct xw_alarmpath **ret_alarmpath);
void xw_alarmpath_free(struct xw_alarmpath *alarmpath);
/* There is such a gateway: its probes are expected from now on. */
void xw_alarmpath_gateway(struct xw_alarmpath *alarmpath, const char *gateway_id);
/* A revoked gateway is not missed: nothing is said of its way. false: it is let in again. */
void xw_alarmpath_silence(struct xw_alarmpath *alarmpath, const char *gateway_id, bool silent);
/* Payload of "alarm-probe". */
XW_MUST_CHECK int xw_alarmpath_probe(struct xw_alarmpath *alarmpath, const char *gateway_id,
                                     const void *payload, size_t size);
void xw_alarmpath_kept(struct xw_alarmpath *alarmpath, int status);
void xw_alarmpath_written(struct xw_alarmpath *alarmpath, uint64_t probe);
/* A screen answers; what was not asked, or is decided, is passed over. */
void xw_alarmpath_seen(struct xw_alarmpath *alarmpath, uint64_t probe, uint32_t held_us);
/* Every 100 ms. */
void xw_alarmpath_tick(struct xw_alarmpath *alarmpath);
/* As the pages show it; legs_us is borrowed until the gateway is told of again. */
void xw_alarmpath_fill(struct xw_alarmpath *alarmpath, const char *gateway_id,
                       Xw__AlarmPath *ret_path);

#endif
