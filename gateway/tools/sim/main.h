/* What the command lines of the simulator share. Threads: main only. */
#ifndef XW_SIM_MAIN_H
#define XW_SIM_MAIN_H

#include "base/cli.h"
#include "sim.h"

/* Options of every kind of device, and their defaults (the caller's for the rest). */
struct xw_sim_main_options {
    const char *gateway, *prefix, *journal, *control;
    int64_t devices_n, seed;
    double speed, duration_s, linger_s;
    bool demo, quiet;
    /* not of patient monitors */
    const char *record;
    int64_t rate_hz, block_ms;
};
#define XW_SIM_MAIN_DEFAULTS                                                                       \
    .journal = "", .control = "", .devices_n = 1, .seed = 1, .speed = 1, .linger_s = 30

/* Parses the kind's own options and, behind them, those that all have. 0 to go on; 1: ret_exit is
 * the status to end with. */
XW_MUST_CHECK int xw_sim_main_parse(const struct xw_cli *own, struct xw_sim_main_options *options,
                                    int argc, char **argv, int *ret_exit);
/* Speed, duration, demo, journal, control. */
void xw_sim_main_settings(const struct xw_sim_main_options *options, struct xw_sim_plan *plan);
/* A plan of devices like this one, with seed, rate, block and recording of the options. */
XW_MUST_CHECK int xw_sim_main_devices(const struct xw_sim_main_options *options,
                                      struct xw_sim_device_spec *like, struct xw_sim_plan *ret_plan,
                                      char ret_text[XW_SIM_TEXT_BYTES]);
/* Plays the plan to its end and gives it back; returns the exit status. planned: what making the
 * plan returned; negative: says so, with text. */
int xw_sim_main_play(int planned, const char *text, struct xw_sim_plan *plan,
                     const struct xw_sim_main_options *options);
/* `xinwang-sim ctg …`; argv[0] is "ctg". */
int xw_sim_main_ctg(int argc, char **argv);
/* `xinwang-sim monitor …`; argv[0] is "monitor". */
int xw_sim_main_monitor(int argc, char **argv);

#endif
