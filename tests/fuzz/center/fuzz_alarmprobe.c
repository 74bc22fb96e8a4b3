/* What a gateway may send as `alarm-probe`, and what screens may answer. */
#include "center/alarmpath.h"

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
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
        return 0;
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
    return 0;
}
