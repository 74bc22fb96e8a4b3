/* xinwang-sim: simulated devices; ECG by default, `xinwang-sim ctg` fetal monitors (main_ctg.c),
 * `xinwang-sim monitor` patient monitors (main_monitor.c).
 *
 * With --plan FILE as many different devices as it names; without it --devices of one kind, made
 * from the other options. Ends when every device has made its --duration and all is acknowledged
 * (exit 0), after --linger seconds more without that (exit 3), or at SIGTERM.
 */
#include <stdio.h>
#include <string.h>

#include "ultrasound.h" /* xinwang-sim ultrasound */

#include "main.h"

struct options {
    struct xw_sim_main_options shared;
    const char *plan, *kind, *rhythm;
    int64_t channels_n;
    double hr_bpm;
};

static int make_plan(const struct options *options, struct xw_sim_plan *ret_plan,
                     char ret_text[XW_SIM_TEXT_BYTES])
{
    if (options->plan)
        return xw_sim_plan_load(options->plan, ret_plan, ret_text);
    const struct xw_sim_main_options *shared = &options->shared;
    struct xw_sim_device_spec like;
    xw_sim_device_defaults(&like);
    if (xw_sim_source_kind_parse(options->kind, &like.source.kind) < 0 || shared->rate_hz < 1 ||
        shared->rate_hz > 4000 || shared->block_ms < 0 || shared->block_ms > 1000 ||
        options->channels_n < 1 || options->channels_n > 18 || shared->devices_n < 1 ||
        options->hr_bpm < 0 || shared->speed <= 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES,
                 "--source synth|wfdb|pattern|calibration, --rate 1..4000, --block-ms 4..1000, "
                 "--channels 1..18, --devices from 1");
        return -EINVAL;
    }
    snprintf(like.source.rhythm, sizeof(like.source.rhythm), "%s", options->rhythm);
    like.source.hr_bpm = options->hr_bpm;
    like.source.channels_n = (unsigned)options->channels_n;
    return xw_sim_main_devices(shared, &like, ret_plan, ret_text);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "ctg") == 0)
        return xw_sim_main_ctg(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "monitor") == 0)
        return xw_sim_main_monitor(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "ultrasound") == 0)
        return xw_sim_ultrasound(argc - 1, argv + 1);
    struct options o = {.shared = {XW_SIM_MAIN_DEFAULTS, .gateway = "127.0.0.1:7101",
                                   .prefix = "sim", .rate_hz = 500},
                        .kind = "synth",
                        .rhythm = "sinus",
                        .channels_n = 12};
    struct xw_sim_main_options *shared = &o.shared;
    const struct xw_cli_option table[] = {
        {"plan", 'p', "FILE", XW_CLI_TEXT, &o.plan,
         "devices from a JSON file (see plan.h); replaces what follows"},
        {"gateway", 'g', "HOST:PORT,…", XW_CLI_TEXT, &shared->gateway,
         "device ports, dealt out in turn (127.0.0.1:7101)"},
        {"devices", 'n', "N", XW_CLI_INT, &shared->devices_n, "how many (1)"},
        {"prefix", 0, "ID", XW_CLI_TEXT, &shared->prefix, "device id, or its beginning (sim)"},
        {"source", 's', "KIND", XW_CLI_TEXT, &o.kind, "synth, pattern or calibration (synth)"},
        {"record", 'r', "DIR/RECORD", XW_CLI_TEXT, &shared->record,
         "replays this WFDB recording (ECG or CTG), over and over"},
        {"rhythm", 0, "NAME", XW_CLI_TEXT, &o.rhythm, "of a synthetic patient (sinus)"},
        {"hr", 0, "BPM", XW_CLI_NUMBER, &o.hr_bpm,
         "heart rate of a synthetic patient (the rhythm's own)"},
        {"channels", 0, "N", XW_CLI_INT, &o.channels_n, "of pattern and calibration (12)"},
        {"rate", 0, "HZ", XW_CLI_INT, &shared->rate_hz,
         "samples per second (500; a recording has its own)"},
        {"block-ms", 'b', "MS", XW_CLI_INT, &shared->block_ms,
         "length of a block (40; 500 below 25 samples per second)"},
        {"control", 0, "SOCKET", XW_CLI_TEXT, &shared->control,
         "unix socket for requests while it runs"},
    };
    const struct xw_cli cli = {"xinwang-sim", NULL,
                               "Simulated ECG devices through the real device protocol; fetal "
                               "monitors: xinwang-sim ctg --help.",
                               table, XW_ARRAY_N(table)};
    char text[XW_SIM_TEXT_BYTES] = "";
    struct xw_sim_plan plan;
    int status;
    if (xw_sim_main_parse(&cli, shared, argc, argv, &status) != 0)
        return status;
    return xw_sim_main_play(make_plan(&o, &plan, text), text, &plan, shared);
}
