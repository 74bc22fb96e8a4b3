/* The gateway's half of the dead-man alarm path: would an alarm reach the county's screen?
 *
 * Each period a probe takes the way of an alarm: out of a signal pipeline, into the spool, over the
 * lane of alarms, through the county's store to a screen, and back. Each leg has its time; the leg
 * at which a probe stands when its wait is over is broken. A link that comes back is probed at
 * once. Probes are not kept: only a change of state is told, to be a technical alarm.
 *
 * Threads: pure; loop thread. Ownership: embedded; config is copied. Units: µs, monotonic but for
 * wall times. Times: with period 60 s and wait 20 s a leg that breaks is told within 80 s. */
#ifndef XW_EDGE_DEADMAN_H
#define XW_EDGE_DEADMAN_H

#include "base/base.h"
#include "base/clock.h"
#include "base/uuid.h"
#include "proto/health.pb-c.h"

enum { XW_DEADMAN_LEGS_N = 7, XW_DEADMAN_PAYLOAD_MAX = 256 };

enum xw_deadman_state {
    XW_DEADMAN_UNPROVEN,
    XW_DEADMAN_PROVEN,
    XW_DEADMAN_BROKEN,
    XW_DEADMAN_UNATTENDED, /* whole, and nobody at the county has an alarm screen open */
};

struct xw_deadman_config {
    const struct xw_clock *clock;
    int64_t period_us, wait_us;
    void *user;
    /* Puts the probe into a pipeline; xw_deadman_emerged when it came out. Negative: broken. */
    int (*inject)(void *user, uint64_t number);
    /* Commits; xw_deadman_kept when it is synced. Negative: broken. */
    int (*keep)(void *user, uint64_t number);
    /* To the county, on the lane of alarms. Negative: no session, it is sent when there is one. */
    int (*send)(void *user, const void *payload, size_t size);
    void (*changed)(void *user, enum xw_deadman_state state, Xw__AlarmLeg leg);
    /* County wall - gateway wall; false: not known. */
    bool (*offset)(void *user, int64_t *ret_us);
};

struct xw_deadman_proof {
    uint64_t number;                     /* 0 = never */
    int64_t wall_us;                     /* gateway's clock, when it came back */
    uint32_t legs_us[XW_DEADMAN_LEGS_N]; /* input .. back; 0 = not known */
};

struct xw_deadman {
    struct xw_deadman_config config;
    struct xw_uuid run;
    uint64_t number;  /* of the newest probe */
    Xw__AlarmLeg leg; /* where it is; NONE = none under way */
    int64_t begun_us, leg_us, due_us, sent_us;
    bool linked, sent;
    struct xw_deadman_proof now, proven; /* legs of the one under way; the newest that came back */
    enum xw_deadman_state state;
    Xw__AlarmLeg broken;
    int64_t since_wall_us;
};

void xw_deadman_init(struct xw_deadman *deadman, const struct xw_deadman_config *config);
/* Each second or oftener. */
void xw_deadman_tick(struct xw_deadman *deadman);
void xw_deadman_linked(struct xw_deadman *deadman, bool linked);
void xw_deadman_emerged(struct xw_deadman *deadman, uint64_t number);
void xw_deadman_kept(struct xw_deadman *deadman, uint64_t number, int status);
/* Payload of "alarm-proof". -EBADMSG when it is none; one of another run or probe is passed over.
 */
XW_MUST_CHECK int xw_deadman_proof(struct xw_deadman *deadman, const void *data, size_t size);

const char *xw_deadman_leg_name(Xw__AlarmLeg leg);              /* "uplink" */
const char *xw_deadman_state_name(enum xw_deadman_state state); /* "proven" */

#endif
