/* What a county may send as `video-want` or `alarm-proof`: every input is read as both. */
#include "edge/deadman.h"
#include "edge/video_parts.h"

#include <stdint.h>

static int begun(void *user, uint64_t number)
{
    (void)user;
    return number ? 0 : -1;
}
static int sent(void *user, const void *payload, size_t size)
{
    (void)user;
    (void)payload;
    return size ? 0 : -1;
}
static void changed(void *user, enum xw_deadman_state state, Xw__AlarmLeg leg)
{
    (void)user;
    if ((unsigned)state > XW_DEADMAN_UNATTENDED || (unsigned)leg > 8)
        abort();
}
static bool offset(void *user, int64_t *ret_us)
{
    (void)user;
    *ret_us = INT64_MIN / 2;
    return true;
}

static void proof(const uint8_t *data, size_t size)
{
    static const struct xw_uuid run = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    struct xw_clock clock;
    struct xw_deadman d;
    xw_clock_fake_init(&clock, 1000000, 1700000000000000);
    const struct xw_deadman_config config = {&clock, 60000000, 20000000, NULL,  begun,
                                             begun,  sent,     changed,  offset};
    xw_deadman_init(&d, &config);
    d.run = run;
    xw_deadman_linked(&d, true);
    xw_deadman_emerged(&d, 1);
    xw_deadman_kept(&d, 1, 0);
    (void)!xw_deadman_proof(&d, data, size);
    xw_clock_fake_advance(&clock, 20000000);
    xw_deadman_tick(&d);
    if (d.leg != XW__ALARM_LEG__ALARM_LEG_NONE)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_video_want want = {.on = false};
    if (xw_video_want_parse(data, size, &want) == 0 && size > 256)
        abort();
    proof(data, size);
    return 0;
}
