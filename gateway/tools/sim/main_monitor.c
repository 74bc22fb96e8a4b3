/* `xinwang-sim monitor`: patient monitors, one to hundreds. */
#include "main_monitor.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"
#include "sim.h"

struct options {
    const char *gateway, *prefix, *scenario, *journal, *control;
    int64_t monitors_n, seed, window;
    double every_s, nibp_every_s, clock_offset_s, duration_s, linger_s, speed;
    bool demo, quiet;
};

static int make_plan(const struct options *o, struct xw_sim_plan *plan,
                     char ret_text[XW_SIM_TEXT_BYTES])
{
    snprintf(
        ret_text, XW_SIM_TEXT_BYTES,
        "--monitors 1..%d, --every 0.01..3600, --nibp-every 1..86400, --window 1..64, --prefix "
        "of at most 11 hexadecimal digits or any name, --scenario as in --help",
        XW_SIM_MONITORS_MAX);
    if (o->monitors_n < 1 || o->monitors_n > XW_SIM_MONITORS_MAX || o->every_s < 0.01 ||
        o->every_s > 3600 || o->nibp_every_s < 1 || o->nibp_every_s > 86400 || o->window < 1 ||
        o->window > 64 || strlen(o->prefix) > 48 || !xw_sim_vitals_scene_ok(o->scenario) ||
        o->speed <= 0)
        return -EINVAL;
    *plan = (struct xw_sim_plan){.speed = o->speed, .duration_s = o->duration_s, .demo = o->demo};
    plan->monitors = calloc((size_t)o->monitors_n, sizeof(*plan->monitors));
    if (!plan->monitors)
        return -ENOMEM;
    plan->monitors_n = (size_t)o->monitors_n;
    snprintf(plan->journal, sizeof(plan->journal), "%s", o->journal);
    snprintf(plan->control, sizeof(plan->control), "%s", o->control);
    const char *at = o->gateway;
    for (size_t i = 0; i < plan->monitors_n; i++) {
        struct xw_sim_monitor_spec *spec = &plan->monitors[i];
        char one[96];
        size_t n = strcspn(at, ",");
        xw_sim_monitor_defaults(spec);
        snprintf(one, sizeof(one), "%.*s", (int)XW_MIN(n, sizeof(one) - 1), at);
        if (xw_sim_monitor_parse_gateway(one, spec) < 0) {
            snprintf(ret_text, XW_SIM_TEXT_BYTES, "--gateway: HOST:PORT, not '%.60s'", one);
            xw_sim_plan_done(plan);
            return -EINVAL;
        }
        at = at[n] ? at + n + 1 : o->gateway;
        snprintf(spec->id, sizeof(spec->id), "%.48s%05u", o->prefix, (unsigned)(i + 1));
        snprintf(spec->scenario, sizeof(spec->scenario), "%s", o->scenario);
        spec->seed = (uint64_t)o->seed + i;
        spec->every_s = o->every_s;
        spec->nibp_every_s = o->nibp_every_s;
        spec->clock_offset_s = o->clock_offset_s;
        spec->window = (unsigned)o->window;
        /* Not all in the same instant. */
        spec->start_s = o->every_s * (double)i / (double)plan->monitors_n;
    }
    return 0;
}

static int run(struct xw_sim_plan *plan, const struct options *o)
{
    char text[XW_SIM_TEXT_BYTES] = "";
    struct xw_sim sim = {0};
    struct xw_loop *loop = NULL;
    const struct xw_loop_options loop_options = {.handle_signals = true};
    int r = xw_loop_new(&loop_options, &loop);
    if (r >= 0)
        r = xw_sim_start(&sim, loop, plan, o->linger_s, o->quiet, text);
    if (r >= 0)
        r = xw_loop_run(loop);
    else
        fprintf(stderr, "xinwang-sim: %s\n", text[0] ? text : strerror(-r));
    xw_sim_stop(&sim);
    xw_loop_free(loop);
    return r < 0 ? 2 : sim.exit_code;
}

int xw_sim_main_monitor(int argc, char **argv)
{
    struct options o = {.gateway = "127.0.0.1:2575",
                        .prefix = "00A03700000",
                        .scenario = "normal",
                        .journal = "",
                        .control = "",
                        .monitors_n = 1,
                        .seed = 1,
                        .window = 1,
                        .every_s = 1,
                        .nibp_every_s = 120,
                        .speed = 1,
                        .linger_s = 30};
    const struct xw_cli_option table[] = {
        {"gateway", 'g', "HOST:PORT,…", XW_CLI_TEXT, &o.gateway,
         "monitor ports, dealt out in turn (127.0.0.1:2575)"},
        {"monitors", 'n', "N", XW_CLI_INT, &o.monitors_n, "how many (1)"},
        {"prefix", 0, "ID", XW_CLI_TEXT, &o.prefix,
         "beginning of the ids, a number of five digits follows (00A03700000: an EUI-64)"},
        {"scenario", 's', "NAME", XW_CLI_TEXT, &o.scenario,
         "normal, hypotension, fever, desaturation, tachycardia (normal)"},
        {"seed", 0, "N", XW_CLI_INT, &o.seed, "of the first patient; the next counts up (1)"},
        {"every", 'e', "S", XW_CLI_NUMBER, &o.every_s, "seconds between messages (1)"},
        {"nibp-every", 0, "S", XW_CLI_NUMBER, &o.nibp_every_s, "between cuff readings (120)"},
        {"clock-offset", 0, "S", XW_CLI_NUMBER, &o.clock_offset_s,
         "how far the monitors' clocks are ahead (0)"},
        {"window", 'w', "N", XW_CLI_INT, &o.window, "messages that may wait for their ACK (1)"},
        {"speed", 'x', "N", XW_CLI_NUMBER, &o.speed, "times real time (1)"},
        {"duration", 'd', "S", XW_CLI_NUMBER, &o.duration_s,
         "seconds of each monitor (0 = until stopped)"},
        {"linger", 0, "S", XW_CLI_NUMBER, &o.linger_s, "waits so long for the last ACKs (30)"},
        {"journal", 'j', "FILE", XW_CLI_TEXT, &o.journal,
         "what was sent and what was answered, one JSON line each"},
        {"control", 0, "SOCKET", XW_CLI_TEXT, &o.control,
         "unix socket for requests while it runs: a scenario's name, desat, spo2_off, spo2_on, "
         "nibp, vitals_normal"},
        {"demo", 0, NULL, XW_CLI_FLAG, &o.demo, "says of itself that it is a demonstration"},
        {"quiet", 'q', NULL, XW_CLI_FLAG, &o.quiet, "no line a second"},
    };
    const struct xw_cli cli = {"xinwang-sim monitor", NULL,
                               "Simulated patient monitors: IHE PCD-01 (HL7 v2.6) over MLLP.",
                               table, XW_ARRAY_N(table)};
    char text[XW_SIM_TEXT_BYTES] = "";
    struct xw_sim_plan plan;
    int first;
    int r = xw_cli_parse(&cli, argc, argv, &first);
    if (r != 0)
        return r < 0 ? 2 : 0;
    if (sodium_init() < 0)
        return 2;
    r = make_plan(&o, &plan, text);
    if (r < 0) {
        fprintf(stderr, "xinwang-sim: %s\n", text);
        return 2;
    }
    r = run(&plan, &o);
    xw_sim_plan_done(&plan);
    return r;
}
