/* The life of a recording in records: begun, ended, an object of a study.
 *
 *   BEGAN   record CLIP revision 1 (and the study), sidecar ID.clip with the same bytes, encrypted
 *   ENDED   file cut and closed ─▶ linked into the objects ─▶ one batch: CLIP revision 2, the
 * study's item, the note that it is kept here ─▶ ID.part and ID.clip deleted ─▶ offered
 *
 * A crash anywhere leaves ID.part until that batch is committed; the next start does the rest. The
 * ids of the changes follow from the clip's, so that what is written twice is the same. */
#include "edge/video_in.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"
#include "vault/sealed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

XW_COUNTER(clips_total, "xw_video_clips_total", NULL, "recordings that ended");
XW_COUNTER(clips_interrupted, "xw_video_clips_interrupted_total", NULL,
           "recordings that an earlier process left and this one finished");

enum { RETRY_US = 10000000, LAST_REVISION = 2, CLIP_BODY_MAX = 1024 };

static struct xw_uuid derived(const char *tag, const struct xw_uuid *id)
{
    const struct xw_part parts[] = {{tag, strlen(tag)}, {id->b, 16}};
    return xw_uuid_v8(parts, XW_ARRAY_N(parts));
}

static void fill_clip(Xw__Clip *m, const struct video_finish *f)
{
    xw__clip__init(m);
    m->clip_id = (ProtobufCBinaryData){16, (uint8_t *)f->clip.b};
    m->attachment_id = (ProtobufCBinaryData){16, (uint8_t *)f->attachment.b};
    if (f->has_study)
        m->study_id = (ProtobufCBinaryData){16, (uint8_t *)f->study.b};
    m->label = (char *)f->label;
    m->codec = (char *)f->codec;
    m->media_type = (char *)"video/mp4";
    m->width = f->width;
    m->height = f->height;
    m->start_wall_us = f->start_wall_us;
    m->county_offset_us = f->county_offset_us;
    m->county_offset_known = f->county_offset_known;
    m->demo = f->demo;
}

static void record_clip(struct xw_video *v, const Xw__Clip *message, const struct xw_uuid *clip,
                        uint64_t revision, int64_t wall_us)
{
    struct xw_store_record record = {.key = clip->b,
                                     .key_size = 16,
                                     .revision = revision,
                                     .kind = XW__RECORD_KIND__RECORD_CLIP,
                                     .wall_us = wall_us};
    xw_commit_message(v->edge->commit, &record, &message->base, false);
}

static void record_change(struct xw_video *v, const struct xw_uuid *study,
                          const struct xw_uuid *change_id, int64_t wall_us, Xw__StudyChange *change)
{
    uint8_t key[32];
    change->study_id = (ProtobufCBinaryData){16, (uint8_t *)study->b};
    change->change_id = (ProtobufCBinaryData){16, (uint8_t *)change_id->b};
    change->author = (char *)"device";
    change->wall_us = wall_us;
    memcpy(key, study->b, 16);
    memcpy(key + 16, change_id->b, 16);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_STUDY,
                                     .wall_us = wall_us};
    xw_commit_message(v->edge->commit, &record, &change->base, false);
}

/* Two clips of one study may both say it, after a crash: the first stays, its id is the study's. */
static void create_study(struct xw_video *v, const struct video_finish *f)
{
    const struct xw_edge_config *c = v->edge->config;
    struct xw_uuid id = derived("xw-study-create-1", &f->study);
    Xw__StudyCreate create = XW__STUDY_CREATE__INIT;
    create.kind = XW__STUDY_KIND__STUDY_ULTRASOUND;
    create.site = c->site[0] ? c->site : c->id;
    create.reason = (char *)"other";
    create.attachment_id = (ProtobufCBinaryData){16, (uint8_t *)f->attachment.b};
    Xw__StudyChange change = XW__STUDY_CHANGE__INIT;
    change.change_case = XW__STUDY_CHANGE__CHANGE_CREATE;
    change.create = &create;
    record_change(v, &f->study, &id, f->start_wall_us, &change);
}

static void add_item(struct xw_video *v, const struct video_finish *f)
{
    struct xw_uuid id = derived("xw-clip-item-1", &f->clip);
    Xw__StudyItem item = XW__STUDY_ITEM__INIT;
    item.item_case = XW__STUDY_ITEM__ITEM_OBJECT_SHA256;
    item.object_sha256 = (ProtobufCBinaryData){32, (uint8_t *)f->sha256};
    Xw__StudyChange change = XW__STUDY_CHANGE__INIT;
    change.change_case = XW__STUDY_CHANGE__CHANGE_ADD_ITEM;
    change.add_item = &item;
    record_change(v, &f->study, &id, f->end_wall_us, &change);
}

/* ---- beginning ---- */

struct sidecar {
    struct xw_video *video;
    char path[512];
    uint8_t body[CLIP_BODY_MAX];
    size_t size;
};

static void write_sidecar(void *arg)
{
    struct sidecar *job = arg;
    int r = xw_sealed_note_write(xw_store_vault(job->video->edge->store), job->path, job->body,
                                 job->size, 0640);
    if (r < 0)
        xw_log_warning("video.sidecar", XW_LOG_ERR(r));
}

static void sidecar_done(void *arg, int status)
{
    struct sidecar *job = arg;
    (void)status;
    job->video->jobs_n--;
    free(job);
}

static void keep_sidecar(struct xw_video *v, const struct xw_uuid *clip, const Xw__Clip *message)
{
    struct sidecar *job = calloc(1, sizeof(*job));
    if (!job || xw__clip__get_packed_size(message) > sizeof(job->body)) {
        free(job);
        return;
    }
    job->video = v;
    job->size = xw__clip__pack(message, job->body);
    video_path(v, clip, ".clip", job->path, sizeof(job->path));
    if (xw_pool_submit(v->pool, write_sidecar, sidecar_done, job) < 0)
        free(job);
    else
        v->jobs_n++;
}

static void describe(struct video_source *s, const struct xw_camera_event *event,
                     struct video_finish *f)
{
    const struct xw_edge *edge = s->video->edge;
    f->video = s->video;
    f->clip = event->clip;
    f->attachment = s->attachment;
    f->study = s->study;
    f->has_study = s->config->study;
    snprintf(f->label, sizeof(f->label), "%s",
             s->config->label[0] ? s->config->label : s->config->id);
    memcpy(f->codec, event->codec, sizeof(f->codec));
    f->width = event->width;
    f->height = event->height;
    f->start_wall_us = event->start_wall_us;
    f->end_wall_us = event->end_wall_us;
    f->county_offset_known = edge->link.county_uncertainty_us > 0;
    f->county_offset_us = f->county_offset_known ? edge->link.county_offset_us : 0;
    f->demo = edge->config->demo;
    f->frames_n = event->frames_n;
    f->size = event->size;
}

void video_clip_began(struct video_source *s, const struct xw_camera_event *event)
{
    struct video_finish f = {0};
    Xw__Clip message;
    s->recording = true;
    s->clip = event->clip;
    s->clip_since_wall_us = event->start_wall_us;
    describe(s, event, &f);
    fill_clip(&message, &f);
    if (f.has_study && !s->study_told)
        create_study(s->video, &f);
    s->study_told = true;
    record_clip(s->video, &message, &f.clip, 1, f.start_wall_us);
    keep_sidecar(s->video, &f.clip, &message);
    xw_log_info("video.clip", XW_LOG_STR("source", s->config->id), XW_LOG_ID("clip", &f.clip));
    video_status_send(s);
}

/* ---- ending ---- */

static Xw__ClipEnd end_of(const struct video_source *s, enum xw_camera_end end)
{
    switch (end) {
    case XW_CAMERA_END_STOPPED:
        return s->video->stopping ? XW__CLIP_END__CLIP_INTERRUPTED : XW__CLIP_END__CLIP_STOPPED;
    case XW_CAMERA_END_NO_SIGNAL:
        return XW__CLIP_END__CLIP_NO_SIGNAL;
    case XW_CAMERA_END_CHANGED:
        return XW__CLIP_END__CLIP_CHANGED;
    case XW_CAMERA_END_NO_ROOM:
        return s->video->no_room ? XW__CLIP_END__CLIP_NO_ROOM : XW__CLIP_END__CLIP_FAILED;
    case XW_CAMERA_END_LONG:
        return XW__CLIP_END__CLIP_LONG;
    default:
        return XW__CLIP_END__CLIP_FAILED;
    }
}

void video_clip_ended(struct video_source *s, const struct xw_camera_event *event)
{
    struct video_finish *f = calloc(1, sizeof(*f));
    if (s->recording && xw_uuid_equal(&s->clip, &event->clip))
        s->recording = false;
    if (!f)
        return; /* the next start finishes it */
    describe(s, event, f);
    f->end = end_of(s, event->end);
    video_finish_add(s->video, f);
    video_status_send(s);
}

static void remove_finish(struct video_finish *f)
{
    struct video_finish **at = &f->video->finishing;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
    f->video->finishing_n--;
    free(f);
}

static void delete_files(const struct video_finish *f)
{
    char path[512];
    video_path(f->video, &f->clip, ".part", path, sizeof(path));
    (void)unlink(path);
    video_path(f->video, &f->clip, ".clip", path, sizeof(path));
    (void)unlink(path);
}

static struct video_kept kept_of(const struct video_finish *f)
{
    struct video_kept kept = {.clip = f->clip, .size = f->size};
    memcpy(kept.sha256, f->sha256, 32);
    return kept;
}

static void on_committed(struct xw_commit_owner *owner, int status, uint64_t mark)
{
    struct video_finish *f = XW_CONTAINER_OF(owner, struct video_finish, owner);
    (void)mark;
    f->busy = false;
    if (status < 0) { /* the same again later: equal bytes change nothing */
        f->retry_us = xw_edge_now_us() + RETRY_US;
        return;
    }
    if (xw_fault_point("video.clip.committed") < 0)
        return;
    delete_files(f);
    if (f->size) {
        struct video_kept kept = kept_of(f);
        video_keep_add(f->video, &kept);
    }
    xw_counter_add(&clips_total, 1);
    if (f->end == XW__CLIP_END__CLIP_INTERRUPTED && !f->video->stopping)
        xw_counter_add(&clips_interrupted, 1);
    xw_log_info("video.clip_done", XW_LOG_ID("clip", &f->clip), XW_LOG_UINT("frames", f->frames_n),
                XW_LOG_UINT("bytes", f->size), XW_LOG_INT("end", (int)f->end));
    f->committed = true; /* freed by the next look: the commit still holds the owner */
    f->retry_us = 0;
}

static void write_end(struct video_finish *f)
{
    Xw__Clip message;
    fill_clip(&message, f);
    message.end_wall_us = XW_MAX(f->end_wall_us, f->start_wall_us);
    message.frames_n = f->frames_n;
    message.end = f->end;
    message.size = f->size;
    if (f->size)
        message.sha256 = (ProtobufCBinaryData){32, f->sha256};
    if (f->create_study && f->has_study)
        create_study(f->video, f);
    record_clip(f->video, &message, &f->clip, LAST_REVISION, message.end_wall_us);
    if (f->size && f->has_study)
        add_item(f->video, f);
    if (f->size) {
        struct video_kept kept = kept_of(f);
        video_keep_record(f->video, &kept);
    }
    f->busy = true;
    f->owner.done = on_committed;
    xw_commit_notify(f->video->edge->commit, &f->owner);
}

static void on_imported(void *user, int status, const struct xw_store_object *object)
{
    struct video_finish *f = user;
    f->busy = false;
    if (f->video->halted)
        return; /* the store closes: the next start does it */
    if (status < 0) {
        xw_log_warning("video.import", XW_LOG_ID("clip", &f->clip), XW_LOG_ERR(status));
        f->retry_us = xw_edge_now_us() + RETRY_US;
        return;
    }
    memcpy(f->sha256, object->sha256, 32);
    f->size = object->size;
    f->imported = true;
    if (xw_fault_point("video.clip.imported") >= 0)
        write_end(f);
}

static void step(struct video_finish *f)
{
    char path[512];
    if (f->committed) {
        if (!f->owner.waiting_n)
            remove_finish(f);
    } else if (f->busy || xw_edge_now_us() < f->retry_us) {
        return;
    } else if (f->imported || !f->size) {
        write_end(f);
    } else {
        video_path(f->video, &f->clip, ".part", path, sizeof(path));
        f->busy = true;
        int r = xw_store_object_import(f->video->edge->store, path, "video/mp4", on_imported, f);
        if (r < 0) {
            f->busy = false;
            f->retry_us = xw_edge_now_us() + RETRY_US;
        }
    }
}

void video_finish_add(struct xw_video *v, struct video_finish *f)
{
    f->video = v;
    f->next = v->finishing;
    v->finishing = f;
    v->finishing_n++;
    step(f);
}

void video_finish_tick(struct xw_video *v)
{
    for (struct video_finish *f = v->finishing, *next; f; f = next) {
        next = f->next;
        step(f);
    }
}
