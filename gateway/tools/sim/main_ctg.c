/* xinwang-sim ctg: simulated fetal monitors, synthetic or replaying CTU-UHB. */
#include "main.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/cli.h"

struct options {
    const char *gateway, *prefix, *record, *scene, *journal, *control;
    int64_t devices_n, rate_hz, block_ms, seed, fetuses_n;
    double speed, duration_s, linger_s;
    bool demo, quiet;
};

static int make_plan(const struct options *options, struct xw_sim_plan *ret_plan,
                     char ret_text[XW_SIM_TEXT_BYTES])
{
    struct xw_sim_device_spec like;
    xw_sim_device_defaults(&like);
    if (options->rate_hz < 1 || options->rate_hz > 8 || options->block_ms < 4 ||
        options->block_ms > 1000 || options->fetuses_n < 1 || options->fetuses_n > 3 ||
        options->devices_n < 1 || options->speed <= 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES,
                 "--rate 1..8, --block-ms 4..1000, --fetuses 1..3, --devices from 1, --speed > 0");
        return -EINVAL;
    }
    like.source.kind = options->record ? XW_SIM_WFDB : XW_SIM_CTG;
    snprintf(like.source.record, sizeof(like.source.record), "%s",
             options->record ? options->record : "");
    snprintf(like.source.rhythm, sizeof(like.source.rhythm), "%s", options->scene);
    like.source.seed = (uint64_t)options->seed;
    like.source.fetuses_n = (unsigned)options->fetuses_n;
    like.rate_hz = (uint32_t)options->rate_hz;
    like.block_ms = (uint32_t)options->block_ms;
    int r = xw_sim_plan_many(&like, options->prefix, (size_t)options->devices_n, options->gateway,
                             ret_plan, ret_text);
    if (r < 0)
        return r;
    ret_plan->speed = options->speed;
    ret_plan->duration_s = options->duration_s;
    ret_plan->demo = options->demo;
    snprintf(ret_plan->journal, sizeof(ret_plan->journal), "%s", options->journal);
    snprintf(ret_plan->control, sizeof(ret_plan->control), "%s", options->control);
    return 0;
}

int xw_sim_main_ctg(int argc, char **argv)
{
    struct options o = {.gateway = "127.0.0.1:7101",
                        .prefix = "ctg",
                        .scene = "normal",
                        .journal = "",
                        .control = "",
                        .devices_n = 1,
                        .rate_hz = 4,
                        .block_ms = 500,
                        .seed = 1,
                        .fetuses_n = 1,
                        .speed = 1,
                        .linger_s = 30};
    const struct xw_cli_option table[] = {
        {"gateway", 'g', "HOST:PORT,…", XW_CLI_TEXT, &o.gateway,
         "device ports, dealt out in turn (127.0.0.1:7101)"},
        {"devices", 'n', "N", XW_CLI_INT, &o.devices_n, "how many (1)"},
        {"prefix", 0, "ID", XW_CLI_TEXT, &o.prefix, "device id, or its beginning (ctg)"},
        {"record", 'r', "DIR/RECORD", XW_CLI_TEXT, &o.record,
         "replays this recording (CTU-UHB), over and over, instead of the model"},
        {"scene", 0, "NAME", XW_CLI_TEXT, &o.scene,
         "normal, silent, tachy, brady, sinusoidal, early, late, variable, prolonged, decel, loss, "
         "poor, maternal, doubling, halving (normal)"},
        {"fetuses", 'f', "N", XW_CLI_INT, &o.fetuses_n, "1 to 3 (1)"},
        {"seed", 0, "N", XW_CLI_INT, &o.seed, "of the first one; the next counts up (1)"},
        {"rate", 0, "HZ", XW_CLI_INT, &o.rate_hz,
         "samples per second (4; a recording has its own)"},
        {"block-ms", 'b', "MS", XW_CLI_INT, &o.block_ms, "length of a block (500)"},
        {"speed", 'x', "N", XW_CLI_NUMBER, &o.speed, "times real time (1)"},
        {"duration", 'd', "S", XW_CLI_NUMBER, &o.duration_s,
         "seconds of signal a device (0 = until stopped)"},
        {"linger", 0, "S", XW_CLI_NUMBER, &o.linger_s,
         "waits so long for the last acknowledgements (30)"},
        {"journal", 'j', "FILE", XW_CLI_TEXT, &o.journal,
         "what was made, one JSON line a second and device"},
        {"control", 0, "SOCKET", XW_CLI_TEXT, &o.control,
         "unix socket for requests while it runs: a scene's name, also with ctg_ before it"},
        {"demo", 0, NULL, XW_CLI_FLAG, &o.demo, "says of itself that it is a demonstration"},
        {"quiet", 'q', NULL, XW_CLI_FLAG, &o.quiet, "no line a second"},
    };
    const struct xw_cli cli = {"xinwang-sim ctg", NULL,
                               "Simulated fetal monitors through the real device protocol.", table,
                               XW_ARRAY_N(table)};
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
        fprintf(stderr, "xinwang-sim: %s\n", text[0] ? text : strerror(-r));
        return 2;
    }
    return xw_sim_main_run(&plan, o.linger_s, o.quiet);
}
