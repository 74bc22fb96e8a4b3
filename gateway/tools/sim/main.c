/* xinwang-sim: simulated devices; ECG by default, `xinwang-sim ctg` fetal monitors (main_ctg.c),
 * `xinwang-sim monitor` patient monitors (main_monitor.c).
 *
 * With --plan FILE as many different devices as it names; without it --devices of one kind, made
 * from the other options. Ends when every device has made its --duration and all is acknowledged
 * (exit 0), after --linger seconds more without that (exit 3), or at SIGTERM.
 */
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "ultrasound.h" /* xinwang-sim ultrasound */

#include "base/cli.h"
#include "base/log.h"
#include "main.h"
#include "main_monitor.h"

struct options {
    const char *plan, *gateway, *prefix, *kind, *record, *rhythm, *journal, *control;
    int64_t devices_n, rate_hz, block_ms, seed, channels_n;
    double speed, duration_s, linger_s, hr_bpm;
    bool demo, quiet;
};

static int make_plan(const struct options *options, struct xw_sim_plan *ret_plan,
                     char ret_text[XW_SIM_TEXT_BYTES])
{
    if (options->plan)
        return xw_sim_plan_load(options->plan, ret_plan, ret_text);
    struct xw_sim_device_spec like;
    xw_sim_device_defaults(&like);
    if (xw_sim_source_kind_parse(options->kind, &like.source.kind) < 0 || options->rate_hz < 1 ||
        options->rate_hz > 4000 || options->block_ms < 0 || options->block_ms > 1000 ||
        options->channels_n < 1 || options->channels_n > 18 || options->devices_n < 1 ||
        options->hr_bpm < 0 || options->speed <= 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES,
                 "--source synth|wfdb|pattern|calibration, --rate 1..4000, --block-ms 4..1000, "
                 "--channels 1..18, --devices from 1");
        return -EINVAL;
    }
    if (options->record)
        like.source.kind = XW_SIM_WFDB;
    snprintf(like.source.record, sizeof(like.source.record), "%s",
             options->record ? options->record : "");
    snprintf(like.source.rhythm, sizeof(like.source.rhythm), "%s", options->rhythm);
    like.source.hr_bpm = options->hr_bpm;
    like.source.seed = (uint64_t)options->seed;
    like.source.channels_n = (unsigned)options->channels_n;
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

int xw_sim_main_run(struct xw_sim_plan *plan, double linger_s, bool quiet)
{
    char text[XW_SIM_TEXT_BYTES] = "";
    struct xw_sim sim = {0};
    struct xw_loop *loop = NULL;
    const struct xw_loop_options loop_options = {.handle_signals = true};
    int r = xw_loop_new(&loop_options, &loop);
    if (r >= 0)
        r = xw_sim_start(&sim, loop, plan, linger_s, quiet, text);
    if (r >= 0)
        r = xw_loop_run(loop);
    else
        fprintf(stderr, "xinwang-sim: %s\n", text[0] ? text : strerror(-r));
    xw_sim_stop(&sim);
    xw_loop_free(loop);
    xw_sim_plan_done(plan);
    return r < 0 ? 2 : sim.exit_code;
}

static int run(const struct options *options)
{
    char text[XW_SIM_TEXT_BYTES] = "";
    struct xw_sim_plan plan;
    int r = make_plan(options, &plan, text);
    if (r < 0) {
        fprintf(stderr, "xinwang-sim: %s\n", text[0] ? text : strerror(-r));
        return 2;
    }
    return xw_sim_main_run(&plan, options->linger_s, options->quiet);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "ctg") == 0)
        return xw_sim_main_ctg(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "monitor") == 0)
        return xw_sim_main_monitor(argc - 1, argv + 1);
    struct options o = {.gateway = "127.0.0.1:7101",
                        .prefix = "sim",
                        .kind = "synth",
                        .rhythm = "sinus",
                        .journal = "",
                        .control = "",
                        .devices_n = 1,
                        .rate_hz = 500,
                        .seed = 1,
                        .channels_n = 12,
                        .speed = 1,
                        .linger_s = 30};
    const struct xw_cli_option table[] = {
        {"plan", 'p', "FILE", XW_CLI_TEXT, &o.plan,
         "devices from a JSON file (see plan.h); replaces what follows"},
        {"gateway", 'g', "HOST:PORT,…", XW_CLI_TEXT, &o.gateway,
         "device ports, dealt out in turn (127.0.0.1:7101)"},
        {"devices", 'n', "N", XW_CLI_INT, &o.devices_n, "how many (1)"},
        {"prefix", 0, "ID", XW_CLI_TEXT, &o.prefix, "device id, or its beginning (sim)"},
        {"source", 's', "KIND", XW_CLI_TEXT, &o.kind, "synth, pattern or calibration (synth)"},
        {"record", 'r', "DIR/RECORD", XW_CLI_TEXT, &o.record,
         "replays this WFDB recording (ECG or CTG), over and over"},
        {"rhythm", 0, "NAME", XW_CLI_TEXT, &o.rhythm, "of a synthetic patient (sinus)"},
        {"hr", 0, "BPM", XW_CLI_NUMBER, &o.hr_bpm,
         "heart rate of a synthetic patient (the rhythm's own)"},
        {"seed", 0, "N", XW_CLI_INT, &o.seed, "of the first patient; the next counts up (1)"},
        {"channels", 0, "N", XW_CLI_INT, &o.channels_n, "of pattern and calibration (12)"},
        {"rate", 0, "HZ", XW_CLI_INT, &o.rate_hz,
         "samples per second (500; a recording has its own)"},
        {"block-ms", 'b', "MS", XW_CLI_INT, &o.block_ms,
         "length of a block (40; 500 below 25 samples per second)"},
        {"speed", 'x', "N", XW_CLI_NUMBER, &o.speed, "times real time (1)"},
        {"duration", 'd', "S", XW_CLI_NUMBER, &o.duration_s,
         "seconds of signal a device (0 = until stopped)"},
        {"linger", 0, "S", XW_CLI_NUMBER, &o.linger_s,
         "waits so long for the last acknowledgements (30)"},
        {"journal", 'j', "FILE", XW_CLI_TEXT, &o.journal,
         "what was made, one JSON line a second and device"},
        {"control", 0, "SOCKET", XW_CLI_TEXT, &o.control, "unix socket for requests while it runs"},
        {"demo", 0, NULL, XW_CLI_FLAG, &o.demo, "says of itself that it is a demonstration"},
        {"quiet", 'q', NULL, XW_CLI_FLAG, &o.quiet, "no line a second"},
    };
    const struct xw_cli cli = {"xinwang-sim", NULL,
                               "Simulated ECG devices through the real device protocol; fetal "
                               "monitors: xinwang-sim ctg --help.",
                               table, XW_ARRAY_N(table)};
    int first;
    if (argc > 1 && !strcmp(argv[1], "ultrasound"))
        return xw_sim_ultrasound(argc - 1, argv + 1);
    int r = xw_cli_parse(&cli, argc, argv, &first);
    if (r != 0)
        return r < 0 ? 2 : 0;
    if (sodium_init() < 0)
        return 2;
    return run(&o);
}
