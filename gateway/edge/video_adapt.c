/* The rule of pictures on a narrow link. */
#include "edge/video_adapt.h"

enum {
    WAITING_MAX_US = 150000,
    WAITING_LOW_US = 50000,
    CUT_AGAIN_US = 1000000,
    RAISE_US = 10000000,
    GIVE_UP_US = 3000000,
    COME_BACK_US = 5000000,
    KEY_US = 300000,
    START_KBIT = 1000,
    START_RAISE_US = 1000000,
    LATE_US = 500000,
    LATE_HOLD_US = 700000,
    LEAST_CREEP_US = 10000, /* a report: another way may be longer for good */
};

void xw_adapt_init(struct xw_adapt *a, uint32_t floor_kbit, uint32_t ceiling_kbit, uint64_t lost_n)
{
    uint32_t lowest_kbit = XW_MIN(floor_kbit, ceiling_kbit);
    uint32_t first_kbit = XW_MAX(lowest_kbit, (uint32_t)START_KBIT);
    first_kbit = XW_MIN(first_kbit, ceiling_kbit);
    *a = (struct xw_adapt){.floor_kbit = lowest_kbit,
                           .ceiling_kbit = ceiling_kbit,
                           .kbit = first_kbit,
                           .starting = true,
                           .dropping = true,
                           .lost_seen = lost_n,
                           .key_asked_us = INT64_MIN / 2,
                           .raised_us = INT64_MIN / 2,
                           .late_until_us = INT64_MIN / 2};
}

void xw_adapt_restart(struct xw_adapt *a)
{
    a->dropping = true;
    a->dropping_since_us = 0;
}

void xw_adapt_delay(struct xw_adapt *a, int64_t now_us, int64_t delay_us)
{
    if (delay_us <= 0)
        return;
    int64_t least_us = a->delay_least_us ? a->delay_least_us + LEAST_CREEP_US : delay_us;
    a->delay_least_us = XW_MIN(least_us, delay_us);
    if (delay_us - a->delay_least_us > LATE_US)
        a->late_until_us = now_us + LATE_HOLD_US;
}

/* In the lane, or somewhere behind it. */
static int64_t waiting(const struct xw_adapt *a, int64_t now_us, const struct xw_adapt_lane *lane)
{
    return now_us < a->late_until_us ? XW_MAX(lane->waiting_us, (int64_t)LATE_US)
                                     : lane->waiting_us;
}

static void cut(struct xw_adapt *a, int64_t now_us)
{
    a->kbit = XW_MAX(a->kbit * 7 / 10, a->floor_kbit);
    a->starting = false;
    a->cut_us = a->raised_us = now_us;
}

static void yield_now(struct xw_adapt *a, int64_t now_us)
{
    a->yielded = a->dropping = true;
    a->yielded_us = a->blocked_us = now_us;
    a->kbit = a->floor_kbit;
    a->starting = false;
    a->cut_us = a->raised_us = now_us;
}

static void begin_dropping(struct xw_adapt *a, int64_t now_us)
{
    a->dropping = true;
    a->dropping_since_us = now_us;
    cut(a, now_us);
}

bool xw_adapt_frame(struct xw_adapt *a, int64_t now_us, const struct xw_adapt_lane *lane, bool key,
                    bool fits)
{
    bool lost = lane->lost_n != a->lost_seen;
    a->lost_seen = lane->lost_n;
    if (a->yielded)
        return false;
    if (!a->dropping && (lost || !fits || waiting(a, now_us, lane) > WAITING_MAX_US))
        begin_dropping(a, now_us);
    if (!a->dropping)
        return true;
    if (!key || !fits || lost || waiting(a, now_us, lane) > WAITING_LOW_US)
        return false;
    a->dropping = false;
    a->dropping_since_us = 0;
    return true;
}

void xw_adapt_tick(struct xw_adapt *a, int64_t now_us, const struct xw_adapt_lane *lane)
{
    bool wide = !lane->suspended && waiting(a, now_us, lane) <= WAITING_LOW_US;
    if (a->yielded) {
        if (!wide)
            a->blocked_us = now_us;
        if (now_us - a->blocked_us >= COME_BACK_US) {
            a->yielded = false;
            xw_adapt_restart(a);
        }
        return;
    }
    if (lane->suspended) {
        yield_now(a, now_us);
        return;
    }
    bool stuck = a->dropping && a->dropping_since_us && waiting(a, now_us, lane) > WAITING_LOW_US;
    if (stuck && a->kbit == a->floor_kbit && now_us - a->dropping_since_us >= GIVE_UP_US)
        yield_now(a, now_us);
    else if (stuck && now_us - a->cut_us >= CUT_AGAIN_US)
        cut(a, now_us);
    bool quick = a->starting && !a->dropping && waiting(a, now_us, lane) <= WAITING_LOW_US;
    if (quick && now_us - a->raised_us >= START_RAISE_US) {
        a->kbit = XW_MIN(a->kbit * 3 / 2, a->ceiling_kbit);
        a->raised_us = now_us;
    } else if (a->kbit < a->ceiling_kbit && now_us - a->raised_us >= RAISE_US) {
        a->kbit = XW_MIN(a->kbit + XW_MAX(a->kbit / 10, 1U), a->ceiling_kbit);
        a->raised_us = now_us;
    }
}

bool xw_adapt_wants_key(struct xw_adapt *a, int64_t now_us, const struct xw_adapt_lane *lane,
                        bool asked)
{
    bool after_drop = a->dropping && a->dropping_since_us &&
                      waiting(a, now_us, lane) <= WAITING_LOW_US && !a->yielded;
    if ((!asked && !after_drop) || now_us - a->key_asked_us < KEY_US)
        return false;
    a->key_asked_us = now_us;
    return true;
}

bool xw_adapt_lowered(const struct xw_adapt *a)
{
    return !a->starting && !a->yielded && (uint64_t)a->kbit * 4 < (uint64_t)a->ceiling_kbit * 3;
}
