/* What both daemons do before their loop starts: command line, configuration, log level, faults.
 *
 * Options: --config FILE, --set section.name=value (many), --check, --print-config, --version,
 * --list-faults, --log-level LEVEL, --help. Threads: main only. */
#ifndef XW_BASE_DAEMON_H
#define XW_BASE_DAEMON_H

#include "base/base.h"
#include "base/config.h"

struct xw_daemon {
    const char *program;
    const char *summary;
    const char *config_path; /* read when it exists and no --config is given; NULL = none */
    const struct xw_config_schema *schema;
    /* More rules over the whole configuration (also under --check); may be NULL. Writes the reason
     * into ret_error and returns -EINVAL. */
    int (*check)(const void *values, struct xw_config_error *ret_error);
    /* Under --check only: what is not wrong and will not work, a line each on stderr; may be NULL.
     */
    void (*warn)(const void *values);
};

/* Fills ret_values. 0: run. 1: the question was answered, exit 0. Negative: told on stderr, exit 2.
 * Values need xw_config_done after 0 only. Also ignores SIGPIPE and calls xw_fault_init. */
int xw_daemon_start(const struct xw_daemon *daemon, int argc, char **argv,
                    void *ret_values) XW_MUST_CHECK;

#endif
