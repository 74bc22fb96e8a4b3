/* Threads: main only. */
#ifndef XW_SIM_MAIN_MONITOR_H
#define XW_SIM_MAIN_MONITOR_H

/* `xinwang-sim monitor …`; argv[0] is "monitor". Returns the exit status. */
int xw_sim_main_monitor(int argc, char **argv);

#endif
