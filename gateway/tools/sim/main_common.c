/* What the command lines of the simulator share. */
#include "main.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { OPTIONS_MAX = 32 };

int xw_sim_main_parse(const struct xw_cli *own, struct xw_sim_main_options *options, int argc,
                      char **argv, int *ret_exit)
{
    const struct xw_cli_option shared[] = {
        {"seed", 0, "N", XW_CLI_INT, &options->seed, "of the first one; the next counts up (1)"},
        {"speed", 'x', "N", XW_CLI_NUMBER, &options->speed, "times real time (1)"},
        {"duration", 'd', "S", XW_CLI_NUMBER, &options->duration_s,
         "seconds of signal a device (0 = until stopped)"},
        {"linger", 0, "S", XW_CLI_NUMBER, &options->linger_s,
         "waits so long for the last acknowledgements (30)"},
        {"journal", 'j', "FILE", XW_CLI_TEXT, &options->journal, "what was made, as JSON lines"},
        {"demo", 0, NULL, XW_CLI_FLAG, &options->demo, "says of itself that it is a demonstration"},
        {"quiet", 'q', NULL, XW_CLI_FLAG, &options->quiet, "no line a second"},
    };
    struct xw_cli_option table[OPTIONS_MAX];
    struct xw_cli cli = *own;
    int first;
    if (own->options_n + XW_ARRAY_N(shared) > OPTIONS_MAX)
        abort();
    memcpy(table, own->options, own->options_n * sizeof(table[0]));
    memcpy(table + own->options_n, shared, sizeof(shared));
    cli.options = table;
    cli.options_n += XW_ARRAY_N(shared);
    int r = xw_cli_parse(&cli, argc, argv, &first);
    if (r == 0 && sodium_init() < 0)
        r = -ENOSYS;
    *ret_exit = r < 0 ? 2 : 0;
    return r != 0;
}

void xw_sim_main_settings(const struct xw_sim_main_options *options, struct xw_sim_plan *plan)
{
    plan->speed = options->speed;
    plan->duration_s = options->duration_s;
    plan->demo = options->demo;
    snprintf(plan->journal, sizeof(plan->journal), "%s", options->journal);
    snprintf(plan->control, sizeof(plan->control), "%s", options->control);
}

int xw_sim_main_devices(const struct xw_sim_main_options *options, struct xw_sim_device_spec *like,
                        struct xw_sim_plan *ret_plan, char ret_text[XW_SIM_TEXT_BYTES])
{
    if (options->record)
        like->source.kind = XW_SIM_WFDB;
    snprintf(like->source.record, sizeof(like->source.record), "%s",
             options->record ? options->record : "");
    like->source.seed = (uint64_t)options->seed;
    like->rate_hz = (uint32_t)options->rate_hz;
    like->block_ms = (uint32_t)options->block_ms;
    int r = xw_sim_plan_many(like, options->prefix, (size_t)options->devices_n, options->gateway,
                             ret_plan, ret_text);
    if (r >= 0)
        xw_sim_main_settings(options, ret_plan);
    return r;
}

static int tell(int r, const char *text)
{
    fprintf(stderr, "xinwang-sim: %s\n", text[0] ? text : strerror(-r));
    return 2;
}

int xw_sim_main_play(int planned, const char *text, struct xw_sim_plan *plan,
                     const struct xw_sim_main_options *options)
{
    char why[XW_SIM_TEXT_BYTES] = "";
    struct xw_sim sim = {0};
    struct xw_loop *loop = NULL;
    const struct xw_loop_options loop_options = {.handle_signals = true};
    if (planned < 0)
        return tell(planned, text);
    int r = xw_loop_new(&loop_options, &loop);
    if (r >= 0)
        r = xw_sim_start(&sim, loop, plan, options->linger_s, options->quiet, why);
    if (r >= 0)
        r = xw_loop_run(loop);
    else
        (void)tell(r, why);
    xw_sim_stop(&sim);
    xw_loop_free(loop);
    xw_sim_plan_done(plan);
    return r < 0 ? 2 : sim.exit_code;
}
