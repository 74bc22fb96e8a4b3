/* xinwang-gateway: devices on one side, the county on the other, a spool between them. */
#include "base/daemon.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/version.h"
#include "edge/life.h"
#include "edge/pipeline.h"
#include "gst/camera.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { ARGS_MAX = 160 };

/* Picture sources whose line GStreamer cannot build. */
static void warn(const void *values)
{
    const struct xw_edge_config *c = values;
    char text[XW_CAMERA_TEXT_N_BYTES] = "", registry[] = "/dev/null";
    if (!xw_edge_config_has_video(c) || xw_pipeline_setup(registry) < 0)
        return;
    if (xw_camera_plugins(text) < 0)
        fprintf(stderr, "xinwang-gateway: pictures: %s\n", text);
    for (size_t i = 0; i < XW_EDGE_VIDEO_MAX && !text[0]; i++) {
        char why[XW_CAMERA_TEXT_N_BYTES] = "";
        if (c->video[i].source[0] && xw_camera_check(c->video[i].source, why) < 0)
            fprintf(stderr, "xinwang-gateway: picture source %s: %s\n", c->video[i].id, why);
    }
}

/* --enrol CODE, --county HOST. The texts live as long as the process; the code does not stay where
 * everybody who lists processes reads it. */
static int expand(int argc, char **argv, char **ret_argv)
{
    static char set[] = "--set", values[2][400];
    size_t used = 0;
    int n = 0;
    for (int i = 0; i < argc && n < ARGS_MAX - 3; i++) {
        bool code = !strcmp(argv[i], "--enrol"), county = !strcmp(argv[i], "--county");
        if ((code || county) && i + 1 < argc && used < XW_ARRAY_N(values)) {
            snprintf(values[used], sizeof(values[0]), "enrol.%s=%s", code ? "code" : "county",
                     argv[i + 1]);
            i++;
            if (code)
                memset(argv[i], '*', strlen(argv[i]));
            ret_argv[n++] = set;
            ret_argv[n++] = values[used++];
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
        .program = "xinwang-gateway",
        .summary =
            "takes signals from devices, keeps them, screens them, sends them to the county. "
            "--enrol CODE and --county HOST[:PORT] are short for --set enrol.code=, enrol.county=.",
        .config_path = "/etc/xinwang/gateway.conf",
        .schema = &xw_edge_schema,
        .check = xw_edge_config_check,
        .warn = warn,
    };
    struct xw_edge_config config;
    char *args[ARGS_MAX];
    int r = xw_daemon_start(&daemon, expand(argc, argv, args), args, &config);
    if (r != 0)
        return r > 0 ? 0 : 2;
    if (sodium_init() < 0) {
        fprintf(stderr, "xinwang-gateway: no source of random numbers\n");
        return 1;
    }
    r = xw_life_run(&config);
    xw_config_done(&xw_edge_schema, &config);
    xw_log_flush();
    return r < 0 ? 1 : 0;
}
