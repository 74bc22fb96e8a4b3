/* xinwang-sim ctg: simulated fetal monitors, synthetic or replaying CTU-UHB. */
#include "main.h"

#include <stdio.h>

struct options {
    struct xw_sim_main_options shared;
    const char *scene;
    int64_t fetuses_n;
};

static int make_plan(const struct options *options, struct xw_sim_plan *ret_plan,
                     char ret_text[XW_SIM_TEXT_BYTES])
{
    const struct xw_sim_main_options *shared = &options->shared;
    struct xw_sim_device_spec like;
    xw_sim_device_defaults(&like);
    if (shared->rate_hz < 1 || shared->rate_hz > 8 || shared->block_ms < 4 ||
        shared->block_ms > 1000 || options->fetuses_n < 1 || options->fetuses_n > 3 ||
        shared->devices_n < 1 || shared->speed <= 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES,
                 "--rate 1..8, --block-ms 4..1000, --fetuses 1..3, --devices from 1, --speed > 0");
        return -EINVAL;
    }
    like.source.kind = XW_SIM_CTG;
    snprintf(like.source.rhythm, sizeof(like.source.rhythm), "%s", options->scene);
    like.source.fetuses_n = (unsigned)options->fetuses_n;
    return xw_sim_main_devices(shared, &like, ret_plan, ret_text);
}

int xw_sim_main_ctg(int argc, char **argv)
{
    struct options o = {.shared = {XW_SIM_MAIN_DEFAULTS, .gateway = "127.0.0.1:7101",
                                   .prefix = "ctg", .rate_hz = 4, .block_ms = 500},
                        .scene = "normal",
                        .fetuses_n = 1};
    struct xw_sim_main_options *shared = &o.shared;
    const struct xw_cli_option table[] = {
        {"gateway", 'g', "HOST:PORT,…", XW_CLI_TEXT, &shared->gateway,
         "device ports, dealt out in turn (127.0.0.1:7101)"},
        {"devices", 'n', "N", XW_CLI_INT, &shared->devices_n, "how many (1)"},
        {"prefix", 0, "ID", XW_CLI_TEXT, &shared->prefix, "device id, or its beginning (ctg)"},
        {"record", 'r', "DIR/RECORD", XW_CLI_TEXT, &shared->record,
         "replays this recording (CTU-UHB), over and over, instead of the model"},
        {"scene", 0, "NAME", XW_CLI_TEXT, &o.scene,
         "normal, silent, tachy, brady, sinusoidal, early, late, variable, prolonged, decel, loss, "
         "poor, maternal, doubling, halving (normal)"},
        {"fetuses", 'f', "N", XW_CLI_INT, &o.fetuses_n, "1 to 3 (1)"},
        {"rate", 0, "HZ", XW_CLI_INT, &shared->rate_hz,
         "samples per second (4; a recording has its own)"},
        {"block-ms", 'b', "MS", XW_CLI_INT, &shared->block_ms, "length of a block (500)"},
        {"control", 0, "SOCKET", XW_CLI_TEXT, &shared->control,
         "unix socket for requests while it runs: a scene's name, also with ctg_ before it"},
    };
    const struct xw_cli cli = {"xinwang-sim ctg", NULL,
                               "Simulated fetal monitors through the real device protocol.", table,
                               XW_ARRAY_N(table)};
    char text[XW_SIM_TEXT_BYTES] = "";
    struct xw_sim_plan plan;
    int status;
    if (xw_sim_main_parse(&cli, shared, argc, argv, &status) != 0)
        return status;
    return xw_sim_main_play(make_plan(&o, &plan, text), text, &plan, shared);
}
