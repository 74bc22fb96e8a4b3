/* The parts of a life among themselves. */
#ifndef XW_TESTS_STORE_POWER_IN_H
#define XW_TESTS_STORE_POWER_IN_H

#include "power.h"

/* Descriptors and texts come as arguments of the command line. */
int power_run_child(char **argv);
int power_run_judge(char **argv);

#endif
