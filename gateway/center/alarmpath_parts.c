/* What the alarm path goes through at the county: journal, hub, link, technical alarms. */
#include "center/parts.h"

#include "base/fault.h"
#include "center/alarmpath.h"
#include "center/gateways.h"
#include "center/hub.h"
#include "center/journal.h"
#include "center/json.h"
#include "center/technical.h"

#include <stdio.h>

static const char probe_key[] = "alarm-probe";

static void on_probe_kept(void *user, int status)
{
    struct xw_center *center = user;
    xw_alarmpath_kept(center->alarmpath, status);
}

/* The newest probe is a row of its own, so that the sync is one of real bytes. */
static int keep_probe(void *user)
{
    struct xw_center *center = user;
    int64_t wall_us = xw_clock_wall(NULL).us;
    int r = xw_fault_point("probe.store");
    if (r >= 0)
        r = xw_store_forget(center->store, XW_LOCAL_PROBE, probe_key, sizeof(probe_key) - 1);
    if (r < 0 && r != -ENOENT)
        return r;
    const struct xw_store_record record = {.key = probe_key,
                                           .key_size = sizeof(probe_key) - 1,
                                           .revision = (uint64_t)wall_us,
                                           .kind = XW_LOCAL_PROBE,
                                           .body = &wall_us,
                                           .body_size = sizeof(wall_us),
                                           .origin = "county",
                                           .wall_us = wall_us};
    return xw_journal_append(center->journal, &record, 1, NULL, on_probe_kept, center);
}

static uint32_t show_probe(void *user, const char *gateway_id, uint64_t probe)
{
    struct xw_center *center = user;
    return xw_hub_probe(center->hub, gateway_id, probe);
}

static uint32_t alarm_screens(void *user)
{
    const struct xw_center *center = user;
    return xw_hub_screens(center->hub);
}

static void send_proof(void *user, const char *gateway_id, const void *payload, size_t size)
{
    struct xw_center *center = user;
    if (center->downlink)
        (void)!xw_downlink_alarm_ephemeral(center->downlink, gateway_id, "alarm-proof", payload,
                                           size);
}

static bool probe_offset_us(void *user, const char *gateway_id, int64_t *ret_us)
{
    const struct xw_center *center = user;
    const struct xw_gateway *g = xw_gateways_find(center->gateways, gateway_id);
    *ret_us = g ? -g->clock_offset_us : 0;
    return g && g->clock_uncertainty_us > 0;
}

static void path_changed(void *user, const char *gateway_id, Xw__AlarmPathState state,
                         Xw__AlarmLeg leg)
{
    struct xw_center *center = user;
    char text[64];
    xw_technicals_clear(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_ALARM_PATH, gateway_id);
    if (state != XW__ALARM_PATH_STATE__ALARM_PATH_BROKEN)
        return;
    snprintf(text, sizeof(text), "leg %s", xw_json_alarm_leg((int)leg));
    xw_technicals_raise(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_ALARM_PATH, gateway_id,
                        text);
}

static void attended(void *user, bool watched)
{
    struct xw_center *center = user;
    if (watched)
        xw_technicals_clear(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_UNATTENDED, "county");
    else
        xw_technicals_raise(center->technicals, XW__TECHNICAL_CODE__TECHNICAL_UNATTENDED, "county",
                            "no alarm screen is open");
}

int xw_center_alarmpath_new(struct xw_center *center)
{
    const struct xw_alarmpath_config config = {.wait_us = center->config.probe_wait_us,
                                               .late_us = center->config.probe_late_us,
                                               .unattended_us = center->config.unattended_us,
                                               .user = center,
                                               .keep = keep_probe,
                                               .show = show_probe,
                                               .screens = alarm_screens,
                                               .send = send_proof,
                                               .offset = probe_offset_us,
                                               .changed = path_changed,
                                               .attended = attended};
    return xw_alarmpath_new(&config, &center->alarmpath);
}
