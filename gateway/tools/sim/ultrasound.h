/* xinwang-sim ultrasound: a probe as a network camera (RTSP, JPEG pictures: no delay of a codec).
 *
 * Options: --port (0: any free one, printed as "rtsp://127.0.0.1:PORT/probe" on stdout), --width,
 * --height, --fps, --seed, --file (a recording is shown instead of the drawn scene, over and over),
 * --control SOCKET. Requests on the socket, one JSON line each, {"action": NAME}: no_signal (the
 * connection stays, pictures stop), unplug (connections end, none is taken), resize (with "width",
 * "height"), normal (all of that undone, the first size), stats ({"frames", "clients"}).
 *
 * The gateway's source line for it: rtspsrc location=rtsp://127.0.0.1:PORT/probe latency=0
 * protocols=tcp ! rtpjpegdepay ! jpegdec
 *
 * Threads: a GLib main loop, a thread that draws. Errors: exit status 2 after a sentence. */
#ifndef XW_SIM_ULTRASOUND_H
#define XW_SIM_ULTRASOUND_H

int xw_sim_ultrasound(int argc, char **argv);

#endif
