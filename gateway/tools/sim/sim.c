/* Devices in time, and what can be asked of them. */
#include "sim.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

enum { TICK_MS = 4, REPORT_MS = 1000 };

static bool all_finished(const struct xw_sim *sim)
{
    for (size_t i = 0; i < sim->devices_n; i++)
        if (!xw_sim_device_finished(&sim->devices[i]))
            return false;
    for (size_t i = 0; i < sim->monitors_n; i++)
        if (!xw_sim_monitor_finished(&sim->monitors[i]))
            return false;
    return true;
}

static bool all_made(const struct xw_sim *sim)
{
    for (size_t i = 0; i < sim->devices_n; i++)
        if (sim->devices[i].next < sim->devices[i].end)
            return false;
    for (size_t i = 0; i < sim->monitors_n; i++)
        if (!xw_sim_monitor_made_all(&sim->monitors[i]))
            return false;
    return true;
}

static void on_tick(void *arg)
{
    struct xw_sim *sim = arg;
    struct xw_mono_us now = xw_clock_mono(NULL);
    for (size_t i = 0; i < sim->devices_n; i++)
        xw_sim_device_tick(&sim->devices[i], now);
    for (size_t i = 0; i < sim->monitors_n; i++)
        xw_sim_monitor_tick(&sim->monitors[i], now);
    if (!all_made(sim))
        return;
    if (sim->ended_at.us == 0)
        sim->ended_at = now;
    bool late = xw_mono_diff_us(now, sim->ended_at) > (int64_t)(sim->linger_s * 1e6);
    if (all_finished(sim) || late) {
        sim->exit_code = all_finished(sim) ? 0 : 3;
        xw_loop_stop(sim->loop);
    }
}

static void on_report(void *arg)
{
    struct xw_sim *sim = arg;
    uint64_t made_n = 0, acked_n = 0, kept_bytes = 0, online_n = 0;
    for (size_t i = 0; i < sim->devices_n; i++) {
        const struct xw_sim_device *device = &sim->devices[i];
        made_n += device->made_n;
        acked_n += device->acked_n;
        kept_bytes += device->retain.bytes_n;
        online_n += device->state == XW_SIM_SENDING;
    }
    uint64_t monitors_online_n = 0, messages_n = 0, messages_acked_n = 0;
    for (size_t i = 0; i < sim->monitors_n; i++) {
        monitors_online_n += sim->monitors[i].connected;
        messages_n += sim->monitors[i].made_n;
        messages_acked_n += sim->monitors[i].acked_n;
    }
    xw_sim_journal_line(&sim->journal,
                        "{\"t\":\"acked\",\"mono_us\":%" PRId64 ",\"made\":%" PRIu64
                        ",\"acked\":%" PRIu64 "}",
                        xw_clock_mono(NULL).us, made_n, acked_n);
    if (!sim->quiet && sim->monitors_n)
        xw_log_info("sim.monitors", XW_LOG_UINT("online", monitors_online_n),
                    XW_LOG_UINT("messages", messages_n), XW_LOG_UINT("acked", messages_acked_n));
    if (!sim->quiet && sim->devices_n)
        xw_log_info("sim.state", XW_LOG_UINT("online", online_n), XW_LOG_UINT("made", made_n),
                    XW_LOG_UINT("acked", acked_n), XW_LOG_UINT("kept_bytes", kept_bytes));
}

int xw_sim_start(struct xw_sim *sim, struct xw_loop *loop, const struct xw_sim_plan *plan,
                 double linger_s, bool quiet, char ret_text[XW_SIM_TEXT_BYTES])
{
    *sim = (struct xw_sim){.loop = loop, .plan = plan, .linger_s = linger_s, .quiet = quiet};
    snprintf(ret_text, XW_SIM_TEXT_BYTES, "no memory, or a file that can't be written");
    int r = xw_sim_journal_open(&sim->journal, plan->journal);
    if (r < 0)
        return r;
    sim->devices = calloc(plan->devices_n, sizeof(*sim->devices));
    if (!sim->devices)
        return -ENOMEM;
    for (size_t i = 0; i < plan->devices_n; i++) {
        r = xw_sim_device_init(&sim->devices[i], loop, &sim->journal, &plan->devices[i],
                               plan->speed, plan->duration_s, plan->demo, ret_text);
        sim->devices_n = i + 1;
        if (r < 0)
            return r;
    }
    sim->monitors = calloc(plan->monitors_n + 1, sizeof(*sim->monitors));
    if (!sim->monitors)
        return -ENOMEM;
    for (; sim->monitors_n < plan->monitors_n; sim->monitors_n++)
        xw_sim_monitor_init(&sim->monitors[sim->monitors_n], loop, &sim->journal,
                            &plan->monitors[sim->monitors_n], plan->speed, plan->duration_s,
                            plan->demo);
    if (plan->control[0]) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "the control socket can't be made");
        r = xw_sim_control_new(sim, plan->control, &sim->control);
        if (r < 0)
            return r;
    }
    r = xw_timer_new(loop, on_tick, sim, &sim->tick);
    if (r >= 0)
        r = xw_timer_new(loop, on_report, sim, &sim->report);
    if (r < 0)
        return r;
    xw_timer_start(sim->tick, 1, TICK_MS);
    xw_timer_start(sim->report, REPORT_MS, REPORT_MS);
    return 0;
}

void xw_sim_stop(struct xw_sim *sim)
{
    if (sim->tick) {
        on_report(sim);
        xw_timer_free(sim->tick);
        xw_timer_free(sim->report);
    }
    xw_sim_control_free(sim->control);
    for (size_t i = 0; i < sim->devices_n; i++) {
        xw_sim_device_journal_rest(&sim->devices[i]);
        xw_sim_device_close(&sim->devices[i], "end");
        xw_sim_device_done(&sim->devices[i]);
    }
    for (size_t i = 0; i < sim->monitors_n; i++)
        xw_sim_monitor_done(&sim->monitors[i]);
    free(sim->monitors);
    sim->monitors = NULL;
    sim->monitors_n = 0;
    free(sim->devices);
    xw_sim_journal_close(&sim->journal);
    sim->devices = NULL;
    sim->devices_n = 0;
}

struct xw_sim_device *xw_sim_device_by_id(struct xw_sim *sim, const char *id)
{
    for (size_t i = 0; i < sim->devices_n; i++)
        if (strcmp(sim->devices[i].spec->id, id) == 0)
            return &sim->devices[i];
    return NULL;
}

static json_t *device_stats(const struct xw_sim_device *device)
{
    static const char *const states[] = {"offline", "connecting", "greeting", "sending", "ended"};
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b}", "device", device->spec->id,
                     "state", states[device->state], "made", (json_int_t)device->made_n, "acked",
                     (json_int_t)device->acked_n, "kept", (json_int_t)device->retain.entries_n,
                     "connects", (json_int_t)device->connects_n, "faults",
                     (json_int_t)device->faults_n, "finished", xw_sim_device_finished(device));
}

static json_t *monitor_stats(const struct xw_sim_monitor *m)
{
    return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "device", m->spec->id,
                     "state", m->connected ? "sending" : "offline", "made", (json_int_t)m->made_n,
                     "acked", (json_int_t)m->acked_n, "kept", (json_int_t)m->kept_n, "connects",
                     (json_int_t)m->connects_n, "faults", (json_int_t)m->refused_n, "resent",
                     (json_int_t)m->resent_n, "finished", xw_sim_monitor_finished(m));
}

static json_t *ask_all(struct xw_sim *sim, const char *action)
{
    if (strcmp(action, "stats") == 0) {
        json_t *list = json_array();
        for (size_t i = 0; i < sim->devices_n; i++)
            json_array_append_new(list, device_stats(&sim->devices[i]));
        for (size_t i = 0; i < sim->monitors_n; i++)
            json_array_append_new(list, monitor_stats(&sim->monitors[i]));
        return json_pack("{s:b, s:o}", "ok", 1, "devices", list);
    }
    bool freeze = strcmp(action, "freeze") == 0;
    if (!freeze && strcmp(action, "thaw") != 0)
        return NULL;
    for (size_t i = 0; i < sim->devices_n; i++) {
        if (freeze)
            xw_sim_device_journal_rest(&sim->devices[i]);
        sim->devices[i].frozen = freeze;
    }
    for (size_t i = 0; i < sim->monitors_n; i++)
        sim->monitors[i].frozen = freeze;
    return json_pack("{s:b}", "ok", 1);
}

static int act(struct xw_sim_device *device, const char *action)
{
    if (strcmp(action, "marker") == 0)
        return xw_sim_device_marker(device, XW__MARKER_CODE__MARKER_STUDY, device->next);
    if (strcmp(action, "movement") == 0)
        return xw_sim_device_marker(device, XW__MARKER_CODE__MARKER_MOVEMENT, device->next);
    if (strcmp(action, "button") == 0)
        return xw_sim_device_marker(device, XW__MARKER_CODE__MARKER_PATIENT_BUTTON, device->next);
    int r = xw_sim_source_act(device->source, action);
    if (r < 0)
        return r;
    xw_sim_journal_line(device->journal,
                        "{\"t\":\"action\",\"device\":\"%s\",\"action\":\"%s\",\"sample\":%" PRIu64
                        "}",
                        device->spec->id, action, device->next);
    if (strcmp(action, "chest_pain") == 0)
        r = xw_sim_device_marker(device, XW__MARKER_CODE__MARKER_CHEST_PAIN, device->next);
    const char *const *off = xw_sim_source_off(device->source);
    bool off_now = off[0] != NULL;
    if (r >= 0 && off_now != device->off_now)
        r = xw_sim_device_leads(device, off);
    device->off_now = off_now;
    return r;
}

static struct xw_sim_monitor *monitor_by_id(struct xw_sim *sim, const char *id)
{
    for (size_t i = 0; i < sim->monitors_n; i++)
        if (strcmp(sim->monitors[i].spec->id, id) == 0)
            return &sim->monitors[i];
    return NULL;
}

static json_t *ask_device(struct xw_sim *sim, const char *action, const char *id)
{
    struct xw_sim_device *device = xw_sim_device_by_id(sim, id);
    struct xw_sim_monitor *monitor = monitor_by_id(sim, id);
    if (!device && !monitor)
        return json_pack("{s:s}", "error", "no such device");
    int r = device ? act(device, action) : xw_sim_monitor_act(monitor, action);
    if (r == -EOPNOTSUPP)
        return json_pack("{s:s}", "error", "a recording cannot be changed");
    if (r < 0)
        return json_pack("{s:s}", "error", r == -EINVAL ? "unknown action" : strerror(-r));
    return json_pack("{s:b}", "ok", 1);
}

char *xw_sim_ask(struct xw_sim *sim, const char *request)
{
    json_t *root = json_loads(request, JSON_REJECT_DUPLICATES, NULL);
    const char *action = json_string_value(json_object_get(root, "action"));
    const char *id = json_string_value(json_object_get(root, "device"));
    json_t *answer = NULL;
    if (action)
        answer = id ? ask_device(sim, action, id) : ask_all(sim, action);
    if (!answer)
        answer = json_pack("{s:s}", "error",
                           "an object with \"action\" and maybe \"device\" is asked for");
    char *text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    json_decref(root);
    return text;
}
