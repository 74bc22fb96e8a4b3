/* The control thread of a picture source, and what goes to the loop. */
#include "gst/camera_in.h"

#include "base/clock.h"
#include "base/log.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    EVENTS_BYTES = 64 * 1024,
    FRAMES_BYTES = 4 * 1024 * 1024,
    LOOK_MS = 100,
    FIRST_FRAME_US = 5000000, /* an address must be found, a device switched on */
    REOPEN_US = 15000000,     /* silent for so long: perhaps it waits for us */
    RETRY_FIRST_US = 1000000,
    RETRY_MAX_US = 30000000,
    GOOD_US = 10000000,        /* frames for so long: the next failure is a first one */
    RECORD_AGAIN_US = 5000000, /* a disk that refuses does not get ten new clips a second */
};

int64_t camera_now_us(void)
{
    return xw_clock_mono(NULL).us;
}

void camera_in_step(struct xw_camera *c)
{
    pthread_mutex_lock(&c->lock);
    pthread_mutex_unlock(&c->lock);
}

/* ---- to the loop ---- */

void camera_say(struct xw_camera *c, const struct xw_camera_event *event)
{
    pthread_mutex_lock(&c->out_lock);
    while (xw_ring_write(&c->events, event, sizeof(*event)) < 0) {
        pthread_mutex_unlock(&c->out_lock);
        c->config.on_output(c->config.user);
        g_usleep(1000);
        pthread_mutex_lock(&c->lock);
        bool quit = c->quit;
        pthread_mutex_unlock(&c->lock);
        if (quit)
            return;
        pthread_mutex_lock(&c->out_lock);
    }
    pthread_mutex_unlock(&c->out_lock);
    c->config.on_output(c->config.user);
}

int xw_camera_take_event(struct xw_camera *c, struct xw_camera_event *ret_event)
{
    const void *data;
    size_t n;
    int r = xw_ring_peek(&c->events, &data, &n);
    if (r < 0)
        return r;
    memcpy(ret_event, data, sizeof(*ret_event));
    xw_ring_consume(&c->events);
    return 0;
}

int xw_camera_take_frame(struct xw_camera *c, const struct xw_camera_frame **ret,
                         const void **ret_data)
{
    const void *data;
    size_t n;
    int r = xw_ring_peek(&c->frames, &data, &n);
    if (r < 0)
        return r;
    *ret = data;
    *ret_data = (const char *)data + sizeof(**ret);
    return 0;
}

void xw_camera_consume_frame(struct xw_camera *c)
{
    xw_ring_consume(&c->frames);
}

void xw_camera_figures(struct xw_camera *c, struct xw_camera_figures *ret_figures)
{
    *ret_figures = (struct xw_camera_figures){
        .captured_n = atomic_load(&c->captured_n),
        .record_dropped_n = atomic_load(&c->record_dropped_n),
        .live_dropped_n = atomic_load(&c->live_dropped_n),
        .clip_bytes = atomic_load(&c->clip_bytes),
        .width = atomic_load(&c->width),
        .height = atomic_load(&c->height),
    };
}

void camera_broken(struct xw_camera *c, const char *text)
{
    if (!c->source_broken)
        snprintf(c->error, sizeof(c->error), "%s", text);
    c->source_broken = true;
    pthread_cond_signal(&c->cond);
}

/* ---- control thread ---- */

static void set_state(struct xw_camera *c, enum xw_camera_state state, const char *text)
{
    struct xw_camera_event event = {.what = XW_CAMERA_SAYS_STATE, .state = state};
    pthread_mutex_lock(&c->lock);
    bool same = c->state == state;
    c->state = state;
    snprintf(event.text, sizeof(event.text), "%s", text ? text : c->error);
    pthread_mutex_unlock(&c->lock);
    if (!same)
        camera_say(c, &event);
}

static void end_record(struct xw_camera *c, enum xw_camera_end end)
{
    pthread_mutex_lock(&c->lock);
    struct camera_record *record = XW_STEAL(c->record);
    pthread_mutex_unlock(&c->lock);
    if (record)
        camera_record_end(record, end);
}

static void end_live(struct xw_camera *c)
{
    pthread_mutex_lock(&c->lock);
    struct camera_live *live = XW_STEAL(c->live);
    pthread_mutex_unlock(&c->lock);
    camera_live_free(live);
}

static void close_all(struct xw_camera *c, enum xw_camera_end end)
{
    end_live(c);
    end_record(c, end);
    camera_source_close(c);
}

static void failed(struct xw_camera *c)
{
    int64_t now = camera_now_us(), wait_us = RETRY_FIRST_US;
    if (c->state == XW_CAMERA_RUNNING && now - c->opened_us > GOOD_US)
        c->tries = 0;
    for (unsigned i = 0; i < c->tries && wait_us < RETRY_MAX_US; i++)
        wait_us *= 2;
    c->tries++;
    c->retry_us = now + XW_MIN(wait_us, (int64_t)RETRY_MAX_US);
    close_all(c, XW_CAMERA_END_NO_SIGNAL);
    set_state(c, XW_CAMERA_FAILED, NULL);
}

static void open_source(struct xw_camera *c)
{
    if (c->state != XW_CAMERA_FAILED)
        set_state(c, XW_CAMERA_STARTING, "");
    if (camera_source_open(c) < 0) {
        pthread_mutex_lock(&c->lock);
        if (!c->error[0])
            snprintf(c->error, sizeof(c->error), "the source does not start");
        pthread_mutex_unlock(&c->lock);
        failed(c);
    }
}

/* A clip begins, or goes on in another one: the new one takes frames before the old one is drained.
 */
static void begin_record(struct xw_camera *c, GstCaps *caps)
{
    struct camera_record *record = NULL;
    if (camera_record_new(c, caps, &record) < 0) {
        failed(c);
        return;
    }
    pthread_mutex_lock(&c->lock);
    struct camera_record *old = c->record;
    c->record = record;
    camera_held_to(c, record->caps == c->caps ? record : NULL);
    pthread_mutex_unlock(&c->lock);
    if (old)
        camera_record_end(old, XW_CAMERA_END_LONG);
}

static void tend_record(struct xw_camera *c, GstCaps *caps, bool may)
{
    if (c->record && atomic_load(&c->record->error) < 0) {
        end_record(c, XW_CAMERA_END_FAILED);
        c->record_retry_us = camera_now_us() + RECORD_AGAIN_US;
    }
    if (c->record && !may)
        end_record(c, XW_CAMERA_END_NO_ROOM);
    if (!may) { /* what waited must not begin a recording of later */
        pthread_mutex_lock(&c->lock);
        camera_held_to(c, NULL);
        pthread_mutex_unlock(&c->lock);
    }
    bool full = c->record && camera_now_us() - c->record->began_us >= c->config.clip_max_us;
    if (may && (full || (!c->record && camera_now_us() >= c->record_retry_us)))
        begin_record(c, caps);
}

static void tend_live(struct xw_camera *c, GstCaps *caps, bool wanted, uint32_t kbit, bool key)
{
    struct camera_live *live = NULL;
    if (!wanted) {
        end_live(c);
    } else if (c->live) {
        camera_live_set(c->live, kbit);
        if (key)
            camera_live_key(c->live);
    } else if (camera_live_new(c, caps, kbit, &live) < 0) {
        failed(c);
    } else {
        pthread_mutex_lock(&c->lock);
        c->live = live;
        pthread_mutex_unlock(&c->lock);
    }
}

static void tend_frames(struct xw_camera *c, int64_t frame_us)
{
    int64_t now = camera_now_us();
    if (!frame_us) {
        if (now - c->opened_us > FIRST_FRAME_US)
            set_state(c, XW_CAMERA_NO_SIGNAL, "no picture comes");
    } else if (now - frame_us > CAMERA_NO_SIGNAL_US) {
        set_state(c, XW_CAMERA_NO_SIGNAL, "no picture comes");
        end_live(c);
        end_record(c, XW_CAMERA_END_NO_SIGNAL);
    } else {
        set_state(c, XW_CAMERA_RUNNING, "");
    }
    int64_t silent_since = frame_us ? frame_us : c->opened_us;
    if (c->state == XW_CAMERA_NO_SIGNAL && now - silent_since > REOPEN_US) {
        camera_source_close(c);
        open_source(c);
    }
}

static void tend(struct xw_camera *c)
{
    pthread_mutex_lock(&c->lock);
    bool run = c->run, broken = c->source_broken;
    bool may = c->may_record, live_on = c->live_on, key = c->key_wanted;
    uint32_t kbit = c->live_kbit;
    int64_t frame_us = c->frame_us;
    c->key_wanted = false;
    GstCaps *caps = c->caps ? gst_caps_ref(c->caps) : NULL;
    pthread_mutex_unlock(&c->lock);

    if (!run) {
        if (c->source || c->state != XW_CAMERA_IDLE) {
            close_all(c, XW_CAMERA_END_STOPPED);
            c->tries = 0;
            c->retry_us = 0;
            set_state(c, XW_CAMERA_IDLE, "");
        }
    } else if (!c->source) {
        if (camera_now_us() >= c->retry_us)
            open_source(c);
    } else if (broken) {
        failed(c);
    } else {
        if (c->live && c->live->caps != caps)
            end_live(c);
        if (c->record && c->record->caps != caps)
            end_record(c, XW_CAMERA_END_CHANGED);
        tend_frames(c, frame_us);
        if (caps && c->state == XW_CAMERA_RUNNING) {
            tend_record(c, caps, may);
            if (c->source)
                tend_live(c, caps, live_on, kbit, key);
        }
    }
    if (caps)
        gst_caps_unref(caps);
}

static void *control(void *arg)
{
    struct xw_camera *c = arg;
    struct timespec until;
    pthread_mutex_lock(&c->lock);
    while (!c->quit) {
        pthread_mutex_unlock(&c->lock);
        tend(c);
        pthread_mutex_lock(&c->lock);
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_MS * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        if (!c->quit)
            (void)pthread_cond_timedwait(&c->cond, &c->lock, &until);
    }
    pthread_mutex_unlock(&c->lock);
    close_all(c, XW_CAMERA_END_STOPPED);
    return NULL;
}

/* ---- loop thread ---- */

static void init_locks(struct xw_camera *c)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->cond, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&c->lock, NULL);
    pthread_mutex_init(&c->out_lock, NULL);
}

static void camera_done(struct xw_camera *c)
{
    xw_ring_done(&c->events);
    xw_ring_done(&c->frames);
    pthread_cond_destroy(&c->cond);
    pthread_mutex_destroy(&c->lock);
    pthread_mutex_destroy(&c->out_lock);
    free(c->source_line);
    free(c->clips_dir);
    free(c);
}

int xw_camera_new(const struct xw_camera_config *config, struct xw_camera **ret_camera)
{
    struct xw_camera *c = calloc(1, sizeof(*c));
    if (!c)
        return -ENOMEM;
    init_locks(c);
    c->config = *config;
    c->source_line = strdup(config->source);
    c->clips_dir = strdup(config->clips_dir);
    c->config.source = c->config.clips_dir = NULL;
    int r = c->source_line && c->clips_dir ? 0 : -ENOMEM;
    if (r == 0)
        r = xw_ring_init(&c->events, EVENTS_BYTES);
    if (r == 0)
        r = xw_ring_init(&c->frames, FRAMES_BYTES);
    if (r == 0) {
        sigset_t all, before; /* signals belong to the loop */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        r = -pthread_create(&c->thread, NULL, control, c);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    if (r < 0) {
        camera_done(c);
        return r;
    }
    *ret_camera = c;
    return 0;
}

void xw_camera_free(struct xw_camera *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->quit = true;
    pthread_cond_broadcast(&c->cond);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
    camera_done(c);
}

static void set(struct xw_camera *c, bool *flag, bool on)
{
    pthread_mutex_lock(&c->lock);
    if (*flag != on) {
        *flag = on;
        pthread_cond_signal(&c->cond);
    }
    pthread_mutex_unlock(&c->lock);
}

void xw_camera_run(struct xw_camera *c, bool on)
{
    set(c, &c->run, on);
}

void xw_camera_record(struct xw_camera *c, bool on)
{
    set(c, &c->may_record, on);
}

void xw_camera_live(struct xw_camera *c, bool on, uint32_t kbit)
{
    pthread_mutex_lock(&c->lock);
    if (c->live_on != on || c->live_kbit != kbit)
        pthread_cond_signal(&c->cond);
    c->live_on = on;
    c->live_kbit = kbit;
    pthread_mutex_unlock(&c->lock);
}

void xw_camera_key(struct xw_camera *c)
{
    set(c, &c->key_wanted, true);
}
