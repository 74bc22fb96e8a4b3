/* `xinwang-sim monitor`: patient monitors, one to hundreds. */
#include "main.h"

#include <stdio.h>
#include <string.h>

struct options {
    struct xw_sim_main_options shared;
    const char *scenario;
    int64_t window;
    double every_s, nibp_every_s, clock_offset_s;
};

static int make_plan(const struct options *o, struct xw_sim_plan *plan,
                     char ret_text[XW_SIM_TEXT_BYTES])
{
    const struct xw_sim_main_options *shared = &o->shared;
    snprintf(
        ret_text, XW_SIM_TEXT_BYTES,
        "--monitors 1..%d, --every 0.01..3600, --nibp-every 1..86400, --window 1..64, --prefix "
        "of at most 11 hexadecimal digits or any name, --scenario as in --help",
        XW_SIM_MONITORS_MAX);
    if (shared->devices_n < 1 || shared->devices_n > XW_SIM_MONITORS_MAX || o->every_s < 0.01 ||
        o->every_s > 3600 || o->nibp_every_s < 1 || o->nibp_every_s > 86400 || o->window < 1 ||
        o->window > 64 || strlen(shared->prefix) > 48 || !xw_sim_vitals_scene_ok(o->scenario) ||
        shared->speed <= 0)
        return -EINVAL;
    *plan = (struct xw_sim_plan){0};
    plan->monitors = calloc((size_t)shared->devices_n, sizeof(*plan->monitors));
    if (!plan->monitors)
        return -ENOMEM;
    plan->monitors_n = (size_t)shared->devices_n;
    xw_sim_main_settings(shared, plan);
    const char *at = shared->gateway;
    for (size_t i = 0; i < plan->monitors_n; i++) {
        struct xw_sim_monitor_spec *spec = &plan->monitors[i];
        xw_sim_monitor_defaults(spec);
        if (xw_sim_gateway_next(shared->gateway, &at, spec->host, &spec->port, ret_text,
                                XW_SIM_TEXT_BYTES) < 0) {
            xw_sim_plan_done(plan);
            return -EINVAL;
        }
        snprintf(spec->id, sizeof(spec->id), "%.48s%05u", shared->prefix, (unsigned)(i + 1));
        snprintf(spec->scenario, sizeof(spec->scenario), "%s", o->scenario);
        spec->seed = (uint64_t)shared->seed + i;
        spec->every_s = o->every_s;
        spec->nibp_every_s = o->nibp_every_s;
        spec->clock_offset_s = o->clock_offset_s;
        spec->window = (unsigned)o->window;
        /* Not all in the same instant. */
        spec->start_s = o->every_s * (double)i / (double)plan->monitors_n;
    }
    return 0;
}

int xw_sim_main_monitor(int argc, char **argv)
{
    struct options o = {
        .shared = {XW_SIM_MAIN_DEFAULTS, .gateway = "127.0.0.1:2575", .prefix = "00A03700000"},
        .scenario = "normal",
        .window = 1,
        .every_s = 1,
        .nibp_every_s = 120};
    struct xw_sim_main_options *shared = &o.shared;
    const struct xw_cli_option table[] = {
        {"gateway", 'g', "HOST:PORT,…", XW_CLI_TEXT, &shared->gateway,
         "monitor ports, dealt out in turn (127.0.0.1:2575)"},
        {"monitors", 'n', "N", XW_CLI_INT, &shared->devices_n, "how many (1)"},
        {"prefix", 0, "ID", XW_CLI_TEXT, &shared->prefix,
         "beginning of the ids, a number of five digits follows (00A03700000: an EUI-64)"},
        {"scenario", 's', "NAME", XW_CLI_TEXT, &o.scenario,
         "normal, hypotension, fever, desaturation, tachycardia (normal)"},
        {"every", 'e', "S", XW_CLI_NUMBER, &o.every_s, "seconds between messages (1)"},
        {"nibp-every", 0, "S", XW_CLI_NUMBER, &o.nibp_every_s, "between cuff readings (120)"},
        {"clock-offset", 0, "S", XW_CLI_NUMBER, &o.clock_offset_s,
         "how far the monitors' clocks are ahead (0)"},
        {"window", 'w', "N", XW_CLI_INT, &o.window, "messages that may wait for their ACK (1)"},
        {"control", 0, "SOCKET", XW_CLI_TEXT, &shared->control,
         "unix socket for requests while it runs: a scenario's name, desat, spo2_off, spo2_on, "
         "nibp, vitals_normal"},
    };
    const struct xw_cli cli = {"xinwang-sim monitor", NULL,
                               "Simulated patient monitors: IHE PCD-01 (HL7 v2.6) over MLLP.",
                               table, XW_ARRAY_N(table)};
    char text[XW_SIM_TEXT_BYTES] = "";
    struct xw_sim_plan plan;
    int status;
    if (xw_sim_main_parse(&cli, shared, argc, argv, &status) != 0)
        return status;
    return xw_sim_main_play(make_plan(&o, &plan, text), text, &plan, shared);
}
