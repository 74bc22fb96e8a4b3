/* The picture sources of a gateway as a whole. */
#include "edge/video_in.h"

#include "base/file.h"
#include "base/log.h"

#include <stdio.h>
#include <string.h>

enum { LIVE_LOOK_MS = 100 };

struct video_source *video_source_of(struct xw_video *v, const struct xw_uuid *attachment)
{
    for (size_t i = 0; i < v->sources_n; i++)
        if (xw_uuid_equal(&v->sources[i].attachment, attachment))
            return &v->sources[i];
    return NULL;
}

void video_path(const struct xw_video *v, const struct xw_uuid *clip, const char *suffix, char *ret,
                size_t size)
{
    char id[XW_UUID_TEXT_N_BYTES];
    snprintf(ret, size, "%s/%s%s", v->clips_dir, xw_uuid_format(clip, id), suffix);
}

static struct xw_uuid attachment_of(const char *gateway, const char *source)
{
    const struct xw_part parts[] = {
        {"xw-video-1", 10},
        {gateway, strlen(gateway) + 1}, /* with its final 0 as separator */
        {source, strlen(source)},
    };
    return xw_uuid_v8(parts, XW_ARRAY_N(parts));
}

const char *video_label(const struct video_source *s)
{
    return s->config->label[0] ? s->config->label : s->config->id;
}

/* ---- the attachment's record ---- */

static void record_attachment(struct xw_video *v, const struct xw_uuid *id, uint64_t *revision,
                              Xw__Attachment *message, bool attached)
{
    message->attached = attached;
    message->since_wall_us = xw_edge_wall_us();
    *revision = XW_MAX(*revision + 1, (uint64_t)xw_edge_wall_us());
    struct xw_store_record record = {.key = id->b,
                                     .key_size = 16,
                                     .revision = *revision,
                                     .kind = XW__RECORD_KIND__RECORD_ATTACHMENT};
    xw_commit_message(v->edge->commit, &record, &message->base, false);
}

static void say_attached(struct video_source *s, bool attached)
{
    Xw__Attachment message = XW__ATTACHMENT__INIT;
    message.attachment_id = (ProtobufCBinaryData){16, s->attachment.b};
    message.device_id = s->config->id;
    message.model = (char *)video_label(s);
    message.demo = s->video->edge->config->demo;
    message.bed = s->config->bed;
    message.kind = (char *)"video";
    record_attachment(s->video, &s->attachment, &s->revision, &message, attached);
}

bool xw_video_remember(struct xw_video *v, const struct xw_store_record *record)
{
    struct xw_uuid id;
    Xw__Attachment *message = xw__attachment__unpack(NULL, record->body_size, record->body);
    bool ours = message && !strcmp(message->kind, "video") &&
                xw_uuid_from_bytes(record->key, record->key_size, &id) == 0;
    struct video_source *s = ours ? video_source_of(v, &id) : NULL;
    uint64_t revision = record->revision;
    if (s)
        s->revision = revision;
    else if (ours && message->attached) /* it was configured once */
        record_attachment(v, &id, &revision, message, false);
    if (message)
        xw__attachment__free_unpacked(message, NULL);
    return ours;
}

/* ---- what cameras say ---- */

static void take_state(struct video_source *s, const struct xw_camera_event *event)
{
    s->state = event->state;
    s->since_wall_us = xw_edge_wall_us();
    snprintf(s->text, sizeof(s->text), "%s", event->text);
    if (s->state == XW_CAMERA_FAILED)
        xw_log_warning("video.failed", XW_LOG_STR("source", s->config->id),
                       XW_LOG_STR("text", s->text));
    else
        xw_log_info("video.state", XW_LOG_STR("source", s->config->id),
                    XW_LOG_INT("state", (int)s->state));
    video_status_send(s);
}

void video_drain(struct video_source *s)
{
    struct xw_camera_event event;
    if (!s->camera)
        return;
    while (xw_camera_take_event(s->camera, &event) >= 0) {
        if (event.what == XW_CAMERA_SAYS_STATE)
            take_state(s, &event);
        else if (event.what == XW_CAMERA_SAYS_BEGAN)
            video_clip_began(s, &event);
        else
            video_clip_ended(s, &event);
    }
    video_live_drain(s);
}

static void on_wake(void *arg)
{
    struct xw_video *v = arg;
    for (size_t i = 0; i < v->sources_n; i++)
        video_drain(&v->sources[i]);
}

static void on_output(void *user)
{
    xw_wake_up(((struct video_source *)user)->video->wake);
}

static void on_timer(void *arg)
{
    struct xw_video *v = arg;
    for (size_t i = 0; i < v->sources_n; i++)
        video_live_tick(&v->sources[i]);
}

/* ---- life ---- */

static int make_camera(struct video_source *s)
{
    struct xw_video *v = s->video;
    const struct xw_edge_config *c = v->edge->config;
    const struct xw_camera_config config = {
        .source = s->config->source,
        .clips_dir = v->clips_dir,
        .vault = xw_store_vault(v->edge->store),
        .bitrate_kbit = (uint32_t)c->video_kbit,
        .key_ms = (uint32_t)(c->video_key_us / 1000),
        .clip_max_us = c->video_clip_max_us,
        .on_output = on_output,
        .user = s,
    };
    if (v->missing[0]) {
        snprintf(s->text, sizeof(s->text), "%s", v->missing);
    } else if (xw_camera_check(s->config->source, s->text) >= 0) {
        s->text[0] = 0;
        return xw_camera_new(&config, &s->camera);
    }
    s->state = XW_CAMERA_FAILED;
    xw_log_error("video.source", XW_LOG_STR("source", s->config->id), XW_LOG_STR("text", s->text));
    return 0;
}

static int init_sources(struct xw_video *v)
{
    const struct xw_edge_config *c = v->edge->config;
    for (size_t i = 0; i < XW_EDGE_VIDEO_MAX; i++) {
        if (!c->video[i].source[0])
            continue;
        struct video_source *s = &v->sources[v->sources_n++];
        s->video = v;
        s->config = &c->video[i];
        s->attachment = attachment_of(c->id, s->config->id);
        s->since_wall_us = xw_edge_wall_us();
        video_live_init(s);
        int r = make_camera(s);
        if (r < 0)
            return r;
    }
    return 0;
}

int xw_video_new(struct xw_edge *edge, struct xw_video **ret_video)
{
    struct xw_video *v = calloc(1, sizeof(*v));
    if (!v)
        return -ENOMEM;
    *ret_video = v; /* freed by its owner, also after a failure */
    v->edge = edge;
    if (asprintf(&v->clips_dir, "%s/clips", edge->config->spool_dir) < 0) {
        v->clips_dir = NULL;
        return -ENOMEM;
    }
    int r = xw_wake_new(edge->loop, on_wake, v, &v->wake);
    if (r == 0)
        r = xw_timer_new(edge->loop, on_timer, v, &v->timer);
    if (r == 0)
        r = xw_pool_new(edge->loop, "video", 1, 256, &v->pool);
    if (r == 0 && xw_edge_config_has_video(edge->config)) {
        r = xw_file_make_dirs(v->clips_dir, 0750);
        if (xw_camera_plugins(v->missing) == 0)
            v->missing[0] = 0;
        if (r == 0)
            r = init_sources(v);
    }
    return r;
}

void xw_video_begin(struct xw_video *v)
{
    v->begun = true;
    video_recover_begin(v); /* looks at what is there before a source makes more */
    for (size_t i = 0; i < v->sources_n; i++) {
        struct video_source *s = &v->sources[i];
        say_attached(s, true);
        if (s->config->autostart)
            (void)!xw_video_run(v, s->config->id, true);
    }
    if (v->sources_n)
        xw_timer_start(v->timer, LIVE_LOOK_MS, LIVE_LOOK_MS);
}

void xw_video_stop(struct xw_video *v)
{
    v->stopping = true;
    for (size_t i = 0; i < v->sources_n; i++) {
        if (v->begun)
            say_attached(&v->sources[i], false);
        if (v->sources[i].camera)
            xw_camera_run(v->sources[i].camera, false);
    }
}

bool xw_video_idle(struct xw_video *v)
{
    video_finish_tick(v);
    for (size_t i = 0; i < v->sources_n; i++)
        if (v->sources[i].camera && v->sources[i].state != XW_CAMERA_IDLE)
            return false;
    return !v->finishing && !v->jobs_n;
}

void xw_video_halt(struct xw_video *v)
{
    v->stopping = v->halted = true;
    for (size_t i = 0; i < v->sources_n; i++)
        xw_camera_free(XW_STEAL(v->sources[i].camera));
    if (v->pool)
        xw_pool_free(XW_STEAL(v->pool));
}

void xw_video_free(struct xw_video *v)
{
    if (!v)
        return;
    xw_video_halt(v);
    video_recover_free(v);
    while (v->finishing) {
        struct video_finish *f = v->finishing;
        v->finishing = f->next;
        free(f);
    }
    if (v->wake)
        xw_wake_free(v->wake);
    if (v->timer)
        xw_timer_free(v->timer);
    free(v->kept);
    free(v->clips_dir);
    free(v);
}

/* ---- the technician ---- */

void video_may_record(struct xw_video *v)
{
    bool may = v->space == XW_SPACE_OK && v->finishing_n < VIDEO_FINISHING_MAX / 2;
    v->no_room = v->space != XW_SPACE_OK;
    for (size_t i = 0; i < v->sources_n; i++)
        if (v->sources[i].camera)
            xw_camera_record(v->sources[i].camera, may);
}

int xw_video_run(struct xw_video *v, const char *id, bool on)
{
    for (size_t i = 0; i < v->sources_n; i++) {
        struct video_source *s = &v->sources[i];
        if (strcmp(s->config->id, id) != 0)
            continue;
        if (!s->camera)
            return -ENODEV;
        if (on && !s->running) {
            s->study = xw_uuid_v7(NULL);
            s->study_told = false;
        }
        s->running = on;
        video_may_record(v);
        xw_camera_run(s->camera, on);
        xw_log_notice("video.run", XW_LOG_STR("source", id), XW_LOG_INT("on", on));
        return 0;
    }
    return -ENOENT;
}

void xw_video_space(struct xw_video *v, enum xw_store_space space)
{
    v->space = space;
    video_may_record(v);
}

void xw_video_linked(struct xw_video *v, bool linked)
{
    for (size_t i = 0; linked && i < v->sources_n; i++)
        video_status_send(&v->sources[i]);
}
