/* The common beginning of both daemons. */
#include "base/daemon.h"

#include "base/cli.h"
#include "base/fault.h"
#include "base/log.h"

#include <signal.h>

struct asked {
    const char *config;
    struct xw_cli_texts sets;
    const char *log_level;
    bool check;
    bool print_config;
    bool list_faults;
};

static int parse_command_line(const struct xw_daemon *daemon, int argc, char **argv,
                              struct asked *ret_asked)
{
    struct asked *a = ret_asked;
    const struct xw_cli_option options[] = {
        {"config", 'c', "FILE", XW_CLI_TEXT, &a->config, "configuration file (and FILE.d/*.conf)"},
        {"set", 's', "SECTION.NAME=VALUE", XW_CLI_TEXTS, &a->sets,
         "set one value over the files; may be repeated"},
        {"check", 0, NULL, XW_CLI_FLAG, &a->check, "check the configuration and exit"},
        {"print-config", 0, NULL, XW_CLI_FLAG, &a->print_config,
         "print every setting with help and present value and exit"},
        {"list-faults", 0, NULL, XW_CLI_FLAG, &a->list_faults,
         "list the fault points that XW_FAULT can name and exit"},
        {"log-level", 'l', "LEVEL", XW_CLI_TEXT, &a->log_level,
         "error, warning, notice, info (default) or debug"},
    };
    const struct xw_cli cli = {.program = daemon->program,
                               .summary = daemon->summary,
                               .options = options,
                               .options_n = XW_ARRAY_N(options)};
    int first;
    return xw_cli_parse(&cli, argc, argv, &first);
}

static int set_log_level(const char *text, struct xw_config_error *ret_error)
{
    enum xw_log_level level;
    int r = text ? xw_log_level_parse(text, &level) : 0;
    if (r < 0)
        snprintf(ret_error->text, sizeof(ret_error->text), "--log-level: '%s' is no level", text);
    else if (text)
        xw_log_set_level(level);
    return r;
}

static int load(const struct xw_daemon *daemon, const struct asked *asked, void *values,
                struct xw_config_error *ret_error)
{
    const char *path = asked->config ? asked->config : daemon->config_path;
    int r = 0;
    if (path && (asked->config || access(path, F_OK) == 0))
        r = xw_config_load(daemon->schema, path, values, ret_error);
    for (size_t i = 0; i < asked->sets.n && r == 0; i++)
        r = xw_config_set(daemon->schema, asked->sets.v[i], values, ret_error);
    if (r == 0 && daemon->check)
        r = daemon->check(values, ret_error);
    return r;
}

int xw_daemon_start(const struct xw_daemon *daemon, int argc, char **argv, void *ret_values)
{
    struct asked asked = {0};
    int r = parse_command_line(daemon, argc, argv, &asked);
    if (r != 0)
        return r;
    if (asked.list_faults) {
        xw_fault_list(stdout);
        return 1;
    }
    struct xw_config_error error = {"out of memory"};
    r = xw_config_init(daemon->schema, ret_values, &error);
    if (r == 0) {
        r = set_log_level(asked.log_level, &error);
        if (r == 0)
            r = load(daemon, &asked, ret_values, &error);
        if (r == 0)
            r = xw_fault_init(error.text, sizeof(error.text));
        if (r == 0 && asked.print_config)
            xw_config_print(daemon->schema, ret_values, stdout);
        if (r == 0 && asked.check && daemon->warn)
            daemon->warn(ret_values);
        if (r == 0 && asked.check && !asked.print_config)
            printf("%s: the configuration is good\n", daemon->program);
        if (r == 0 && !asked.print_config && !asked.check) {
            /* A peer that hangs up must be an EPIPE at its socket, not the end of the process. */
            signal(SIGPIPE, SIG_IGN);
            return 0;
        }
        xw_config_done(daemon->schema, ret_values);
    }
    if (r == 0)
        return 1;
    fprintf(stderr, "%s: %s\n", daemon->program, error.text);
    return r;
}
