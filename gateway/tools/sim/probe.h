/* What the simulated probe shows now, and the thread that makes it.
 *
 * Threads: the drawing thread and the main loop share it under its lock; a media that comes or goes
 * sets `in`. Ownership: xw_probe_done frees after the thread ended. */
#ifndef XW_SIM_PROBE_H
#define XW_SIM_PROBE_H

#include "picture.h"

#include <gst/app/gstappsink.h>
#include <gst/app/gstappsrc.h>
#include <pthread.h>

struct xw_probe {
    pthread_mutex_t lock;
    pthread_t thread;
    bool running, quit;
    /* under lock */
    GstAppSrc *in;           /* of the media being watched; NULL: nobody looks */
    uint32_t width, height;  /* wanted */
    uint32_t sent_w, sent_h; /* of the caps that `in` has */
    bool silent;
    uint64_t frames_n;
    /* the drawing thread's */
    uint32_t fps;
    uint64_t seed;
    struct xw_picture picture;
    GstElement *player; /* of --file, or NULL */
    GstAppSink *frames;
    int64_t started_us;
};

/* file: NULL for the drawn scene. -EINVAL with a sentence in ret_text. */
XW_MUST_CHECK int xw_probe_start(struct xw_probe *probe, uint32_t width, uint32_t height,
                                 uint32_t fps, uint64_t seed, const char *file, char ret_text[160]);
void xw_probe_done(struct xw_probe *probe);
/* Takes the reference; NULL: the media is gone. */
void xw_probe_watch(struct xw_probe *probe, GstAppSrc *in);
XW_MUST_CHECK int xw_probe_resize(struct xw_probe *probe, uint32_t width, uint32_t height);
void xw_probe_silence(struct xw_probe *probe, bool on);
uint64_t xw_probe_frames(struct xw_probe *probe);

#endif
