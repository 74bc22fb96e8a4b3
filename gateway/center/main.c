/* xinwang-center: the county's end. Gateways connect to it, browsers read from it. */
#include "base/daemon.h"
#include "base/log.h"
#include "center/center.h"

#include <string.h>

enum { ARGS_MAX = 128 };

static void on_stop(void *arg)
{
    xw_center_stop(arg);
}

/* --demo is short for --set demo.enabled=yes. */
static int expand(int argc, char **argv, char **ret_argv)
{
    static char set[] = "--set", demo[] = "demo.enabled=yes";
    int n = 0;
    for (int i = 0; i < argc && n < ARGS_MAX - 3; i++) {
        if (strcmp(argv[i], "--demo") == 0) {
            ret_argv[n++] = set;
            ret_argv[n++] = demo;
        } else {
            ret_argv[n++] = argv[i];
        }
    }
    ret_argv[n] = NULL;
    return n;
}

int main(int argc, char **argv)
{
    static const struct xw_daemon daemon = {
        .program = "xinwang-center",
        .summary =
            "The county's end of Xinwang: archive, live fan-out, browser API. --demo is short "
            "for --set demo.enabled=yes.",
        .config_path = "/etc/xinwang/center.conf",
        .schema = &xw_center_schema,
        .check = xw_center_config_check,
    };
    static struct xw_center center;
    char *args[ARGS_MAX];
    int r = xw_daemon_start(&daemon, expand(argc, argv, args), args, &center.config);
    if (r != 0)
        return r > 0 ? 0 : 2;
    struct xw_loop_options options = {
        .handle_signals = true, .on_stop = on_stop, .on_stop_arg = &center};
    r = xw_loop_new(&options, &center.loop);
    if (r == 0)
        r = xw_center_start(&center);
    if (r < 0) {
        xw_log_error("center.start", XW_LOG_ERR(r));
        center.failed = r;
        if (center.loop)
            xw_loop_stop(center.loop);
    }
    if (center.loop)
        xw_loop_run(center.loop);
    xw_center_done(&center);
    xw_loop_free(center.loop);
    xw_log_flush();
    xw_config_done(&xw_center_schema, &center.config);
    return center.failed ? 1 : 0;
}
