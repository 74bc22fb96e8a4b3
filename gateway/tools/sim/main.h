/* What the command lines of the simulator share. Threads: main only. */
#ifndef XW_SIM_MAIN_H
#define XW_SIM_MAIN_H

#include "sim.h"

/* Plays the plan to its end and gives it back; returns the exit status. */
int xw_sim_main_run(struct xw_sim_plan *plan, double linger_s, bool quiet);
/* `xinwang-sim ctg …`; argv[0] is "ctg". */
int xw_sim_main_ctg(int argc, char **argv);

#endif
