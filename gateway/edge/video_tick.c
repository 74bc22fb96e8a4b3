/* What is looked at once a second, and what the status page shows. */
#include "edge/video_in.h"

#include "base/metrics.h"

XW_COUNTER(captured_total, "xw_video_captured_total", NULL, "pictures that came from sources");
XW_COUNTER(sent_total, "xw_video_sent_total", NULL, "pictures handed to the uplink");
XW_COUNTER(dropped_total, "xw_video_dropped_total", NULL,
           "pictures not sent: no room on the uplink, in the encoder or on the way to the loop");
XW_COUNTER(record_dropped_total, "xw_video_record_dropped_total", NULL,
           "pictures missing in a recording: encoder or disk too slow");
XW_GAUGE(running_gauge, "xw_video_running", NULL, "picture sources that give pictures");
XW_GAUGE(recording_gauge, "xw_video_recording", NULL, "recordings going on");

/* ---- each second ---- */

static void count(struct xw_counter *counter, uint64_t now, uint64_t *seen)
{
    xw_counter_add(counter, now - *seen);
    *seen = now;
}

static void look(struct video_source *s)
{
    int64_t now = xw_edge_now_us();
    double seconds = (double)(now - s->figures_us) / 1e6;
    if (!s->camera)
        return;
    xw_camera_figures(s->camera, &s->figures);
    if (s->figures_us && seconds > 0) {
        s->captured_fps = (float)((double)(s->figures.captured_n - s->captured_seen) / seconds);
        s->sent_fps = (float)((double)(s->sent_n - s->sent_seen) / seconds);
    }
    s->figures_us = now;
    s->dropped += s->figures.live_dropped_n - s->live_dropped_seen;
    count(&captured_total, s->figures.captured_n, &s->captured_seen);
    count(&sent_total, s->sent_n, &s->sent_seen);
    count(&dropped_total, s->figures.live_dropped_n, &s->live_dropped_seen);
    count(&record_dropped_total, s->figures.record_dropped_n, &s->record_dropped_seen);
}

void xw_video_tick(struct xw_video *v)
{
    int64_t running = 0, recording = 0;
    uint64_t beside = 0;
    for (size_t i = 0; i < v->sources_n; i++) {
        struct video_source *s = &v->sources[i];
        video_drain(s);
        look(s);
        video_status_send(s);
        running += s->state == XW_CAMERA_RUNNING;
        recording += s->recording;
        beside += s->figures.clip_bytes;
    }
    xw_gauge_set(&running_gauge, running);
    xw_gauge_set(&recording_gauge, recording);
    video_finish_tick(v);
    video_recover_tick(v);
    video_keep_tick(v);
    video_may_record(v);
    struct xw_video_totals totals;
    xw_video_totals(v, &totals);
    for (const struct video_finish *f = v->finishing; f; f = f->next)
        beside += f->size;
    xw_store_beside(v->edge->store, beside + totals.kept_bytes);
}

/* ---- for the page ---- */

static const char *state_word(enum xw_camera_state state)
{
    switch (state) {
    case XW_CAMERA_STARTING:
        return "starting";
    case XW_CAMERA_RUNNING:
        return "live";
    case XW_CAMERA_NO_SIGNAL:
        return "no_signal";
    case XW_CAMERA_FAILED:
        return "failed";
    default:
        return "idle";
    }
}

void xw_video_each(struct xw_video *v, void (*each)(void *user, const struct xw_video_status *),
                   void *user)
{
    for (size_t i = 0; i < v->sources_n; i++) {
        struct video_source *s = &v->sources[i];
        if (s->camera)
            xw_camera_figures(s->camera, &s->figures);
        const struct xw_video_status status = {
            .id = s->config->id,
            .label = video_label(s),
            .bed = s->config->bed,
            .state = state_word(s->state),
            .text = s->state == XW_CAMERA_RUNNING && v->no_room ? "no room: not recorded" : s->text,
            .attachment = s->attachment,
            .running = s->running,
            .watched = video_watched(s),
            .yielded = s->adapt.yielded,
            .since_wall_us = s->since_wall_us,
            .width = s->figures.width,
            .height = s->figures.height,
            .kbit_per_s = s->adapt.kbit,
            .captured_fps = s->captured_fps,
            .sent_fps = s->sent_fps,
            .dropped = s->dropped,
            .record_dropped = s->figures.record_dropped_n,
            .recording = s->recording,
            .clip_since_wall_us = s->clip_since_wall_us,
            .clip_bytes = s->figures.clip_bytes,
        };
        each(user, &status);
    }
}
