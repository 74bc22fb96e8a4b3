/* The simulated probe as a network camera, and its control socket. */
#include "ultrasound.h"

#include "base/cli.h"
#include "probe.h"

#include <gio/gio.h>
#include <gio/gunixsocketaddress.h>
#include <glib-unix.h>
#include <gst/rtsp-server/rtsp-server.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#define MOUNT "/probe"

struct camera {
    struct xw_probe probe;
    GMainLoop *loop;
    GstRTSPServer *server;
    GstRTSPMediaFactory *factory;
    uint32_t width, height; /* of the beginning */
    bool plugged;
};

struct options {
    int64_t port, width, height, fps, seed;
    const char *file, *control;
};

/* ---- RTSP ---- */

static void on_unprepared(GstRTSPMedia *media, gpointer user)
{
    (void)media;
    xw_probe_watch(user, NULL);
}

static void on_media(GstRTSPMediaFactory *factory, GstRTSPMedia *media, gpointer user)
{
    struct camera *camera = user;
    (void)factory;
    GstElement *element = gst_rtsp_media_get_element(media);
    GstElement *in = gst_bin_get_by_name_recurse_up(GST_BIN(element), "in");
    g_object_set(in, "do-timestamp", TRUE, NULL);
    g_signal_connect(media, "unprepared", G_CALLBACK(on_unprepared), &camera->probe);
    xw_probe_watch(&camera->probe, GST_APP_SRC(in));
    gst_object_unref(element);
}

static void plug(struct camera *camera, bool on)
{
    if (camera->plugged == on)
        return;
    camera->plugged = on;
    GstRTSPMountPoints *mounts = gst_rtsp_server_get_mount_points(camera->server);
    if (on)
        gst_rtsp_mount_points_add_factory(mounts, MOUNT, g_object_ref(camera->factory));
    else
        gst_rtsp_mount_points_remove_factory(mounts, MOUNT);
    g_object_unref(mounts);
}

static GstRTSPFilterResult end_client(GstRTSPServer *server, GstRTSPClient *client, gpointer user)
{
    (void)server;
    (void)client;
    (void)user;
    return GST_RTSP_FILTER_REMOVE;
}

static int serve(struct camera *camera, int64_t port)
{
    char text[16];
    camera->server = gst_rtsp_server_new();
    snprintf(text, sizeof(text), "%d", (int)port);
    gst_rtsp_server_set_address(camera->server, "127.0.0.1");
    gst_rtsp_server_set_service(camera->server, text);
    camera->factory = gst_rtsp_media_factory_new();
    gst_rtsp_media_factory_set_launch(
        camera->factory,
        "( appsrc name=in is-live=true format=time max-buffers=0 max-bytes=0 ! "
        "queue max-size-buffers=4 leaky=downstream ! jpegenc quality=90 ! rtpjpegpay name=pay0 "
        "pt=26 )");
    gst_rtsp_media_factory_set_shared(camera->factory, TRUE);
    gst_rtsp_media_factory_set_latency(camera->factory, 0);
    g_signal_connect(camera->factory, "media-configure", G_CALLBACK(on_media), camera);
    plug(camera, true);
    return gst_rtsp_server_attach(camera->server, NULL) ? 0 : -EADDRINUSE;
}

/* ---- control ---- */

static guint clients_n(struct camera *camera)
{
    GList *list = gst_rtsp_server_client_filter(camera->server, NULL, NULL);
    guint n = g_list_length(list);
    g_list_free_full(list, g_object_unref);
    return n;
}

static int act(struct camera *camera, const json_t *request, const char *action)
{
    struct xw_probe *probe = &camera->probe;
    if (!strcmp(action, "no_signal")) {
        xw_probe_silence(probe, true);
    } else if (!strcmp(action, "unplug")) {
        plug(camera, false);
        GList *none = gst_rtsp_server_client_filter(camera->server, end_client, NULL);
        g_list_free(none);
    } else if (!strcmp(action, "normal")) {
        plug(camera, true);
        xw_probe_silence(probe, false);
        if (!probe->player)
            return xw_probe_resize(probe, camera->width, camera->height);
    } else if (!strcmp(action, "resize")) {
        json_int_t width = json_integer_value(json_object_get(request, "width"));
        json_int_t height = json_integer_value(json_object_get(request, "height"));
        return width > 0 && height > 0 && width < 10000 && height < 10000
                   ? xw_probe_resize(probe, (uint32_t)width, (uint32_t)height)
                   : -EINVAL;
    } else if (strcmp(action, "stats") != 0) {
        return -EINVAL;
    }
    return 0;
}

static char *ask(struct camera *camera, const char *line)
{
    json_error_t error;
    json_t *request = json_loads(line, 0, &error), *answer = json_object();
    const char *action = json_string_value(json_object_get(request, "action"));
    if (!action || act(camera, request, action) < 0) {
        json_object_set_new(answer, "error", json_string("no such action, or not possible"));
    } else {
        json_object_set_new(answer, "frames",
                            json_integer((json_int_t)xw_probe_frames(&camera->probe)));
        json_object_set_new(answer, "clients", json_integer(clients_n(camera)));
    }
    char *text = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
    json_decref(request);
    return text;
}

static void on_line(GObject *object, GAsyncResult *result, gpointer user)
{
    GDataInputStream *in = G_DATA_INPUT_STREAM(object);
    GSocketConnection *connection = user;
    struct camera *camera = g_object_get_data(G_OBJECT(connection), "camera");
    char *line = g_data_input_stream_read_line_finish(in, result, NULL, NULL);
    if (line) {
        char *answer = ask(camera, line);
        GOutputStream *out = g_io_stream_get_output_stream(G_IO_STREAM(connection));
        if (answer) {
            g_output_stream_write_all(out, answer, strlen(answer), NULL, NULL, NULL);
            g_output_stream_write_all(out, "\n", 1, NULL, NULL, NULL);
        }
        free(answer);
    }
    g_free(line);
    g_object_unref(in);
    g_io_stream_close(G_IO_STREAM(connection), NULL, NULL);
    g_object_unref(connection);
}

static gboolean on_connection(GSocketService *service, GSocketConnection *connection,
                              GObject *source, gpointer user)
{
    (void)service;
    (void)source;
    GDataInputStream *in =
        g_data_input_stream_new(g_io_stream_get_input_stream(G_IO_STREAM(connection)));
    g_object_set_data(G_OBJECT(connection), "camera", user);
    g_buffered_input_stream_set_buffer_size(G_BUFFERED_INPUT_STREAM(in), 4096);
    g_data_input_stream_read_line_async(in, G_PRIORITY_DEFAULT, NULL, on_line,
                                        g_object_ref(connection));
    return TRUE;
}

static GSocketService *listen_control(struct camera *camera, const char *path)
{
    GSocketService *service = g_socket_service_new();
    (void)unlink(path); /* of an earlier one that was killed */
    GSocketAddress *address = g_unix_socket_address_new(path);
    gboolean ok =
        g_socket_listener_add_address(G_SOCKET_LISTENER(service), address, G_SOCKET_TYPE_STREAM,
                                      G_SOCKET_PROTOCOL_DEFAULT, NULL, NULL, NULL);
    g_object_unref(address);
    if (!ok) {
        g_object_unref(service);
        return NULL;
    }
    g_signal_connect(service, "incoming", G_CALLBACK(on_connection), camera);
    g_socket_service_start(service);
    return service;
}

static gboolean on_signal(gpointer user)
{
    g_main_loop_quit(user);
    return G_SOURCE_REMOVE;
}

static int run(const struct options *o)
{
    struct camera camera = {.width = (uint32_t)o->width, .height = (uint32_t)o->height};
    char text[160] = "";
    GSocketService *control = NULL;
    gst_init(NULL, NULL);
    int r = xw_probe_start(&camera.probe, camera.width, camera.height, (uint32_t)o->fps,
                           (uint64_t)o->seed, o->file, text);
    if (r == 0) {
        snprintf(text, sizeof(text), "port %d is not free", (int)o->port);
        r = serve(&camera, o->port);
    }
    if (r == 0 && o->control) {
        snprintf(text, sizeof(text), "%.120s: no socket can be made there", o->control);
        control = listen_control(&camera, o->control);
        r = control ? 0 : -EADDRINUSE;
    }
    if (r < 0) {
        fprintf(stderr, "xinwang-sim ultrasound: %s\n", text);
    } else {
        camera.loop = g_main_loop_new(NULL, FALSE);
        g_unix_signal_add(SIGTERM, on_signal, camera.loop);
        g_unix_signal_add(SIGINT, on_signal, camera.loop);
        printf("rtsp://127.0.0.1:%d" MOUNT "\n", gst_rtsp_server_get_bound_port(camera.server));
        fflush(stdout);
        g_main_loop_run(camera.loop);
        g_main_loop_unref(camera.loop);
    }
    if (o->control)
        (void)unlink(o->control);
    if (control)
        g_object_unref(control);
    xw_probe_done(&camera.probe);
    if (camera.factory)
        g_object_unref(camera.factory);
    if (camera.server)
        g_object_unref(camera.server);
    return r < 0 ? 2 : 0;
}

int xw_sim_ultrasound(int argc, char **argv)
{
    struct options o = {.width = 640, .height = 480, .fps = 25, .seed = 1, .port = 0};
    const struct xw_cli_option table[] = {
        {"port", 'p', "PORT", XW_CLI_INT, &o.port, "on loopback; 0: any free one, printed (0)"},
        {"width", 0, "PIXELS", XW_CLI_INT, &o.width, "of the picture, a multiple of 16 (640)"},
        {"height", 0, "PIXELS", XW_CLI_INT, &o.height, "a multiple of 16 (480)"},
        {"fps", 0, "N", XW_CLI_INT, &o.fps, "pictures a second (25)"},
        {"seed", 0, "N", XW_CLI_INT, &o.seed, "of the scene (1)"},
        {"file", 0, "FILE", XW_CLI_TEXT, &o.file, "shows this recording, over and over"},
        {"control", 0, "SOCKET", XW_CLI_TEXT, &o.control,
         "unix socket: no_signal, unplug, resize, normal, stats"},
    };
    const struct xw_cli cli = {"xinwang-sim ultrasound", NULL,
                               "A simulated ultrasound probe as a network camera (RTSP).", table,
                               XW_ARRAY_N(table)};
    int first;
    int r = xw_cli_parse(&cli, argc, argv, &first);
    if (r != 0)
        return r < 0 ? 2 : 0;
    if (o.port < 0 || o.port > 65535 || o.width < 0 || o.width > 10000 || o.height < 0 ||
        o.height > 10000 || o.fps < 0 || o.fps > 1000) {
        fprintf(stderr, "xinwang-sim ultrasound: --port 0..65535, and sizes of a picture\n");
        return 2;
    }
    return run(&o);
}
