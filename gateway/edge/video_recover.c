/* Recordings that an earlier process left in clips/: cut to whole fragments and finished as
 * interrupted. One at a time; what each was is told by its record, or by its sidecar when the
 * record did not get into the spool. A file without a whole fragment holds nothing and goes. */
#include "edge/video_in.h"
#include "edge/video_left.h"

#include "base/log.h"
#include "gst/fragments.h"
#include "vault/sealed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LEFT_MAX = 8192, CHUNK = 256 * 1024, SIDECAR_MAX = 4096 };

struct video_recover {
    struct xw_video *video;
    const struct xw_vault *vault;
    struct xw_uuid *left;
    size_t left_n, at;
    bool waiting; /* for room among what is being finished */
    /* the present one */
    char part[512], sidecar[512];
    struct xw_fragments fragments;
    int result;
    uint8_t *facts;
    size_t facts_n;
    struct video_finish *finish;
};

static void next(struct video_recover *r);

/* ---- on the pool ---- */

/* Nothing of it was ever synced: its head is not on the disk. */
static bool is_headless(int fd)
{
    static const uint8_t never[8];
    uint8_t head[XW_SEALED_HEAD] = {0};
    return pread(fd, head, sizeof(head), 0) < XW_SEALED_HEAD || memcmp(head, never, 8) == 0;
}

/* A file that is none of ours, or of a key that is missing, stays where it is. */
static int scan(struct video_recover *r)
{
    struct xw_sealed sealed;
    uint64_t at = 0;
    xw_autoclose int fd = open(r->part, O_RDWR | O_CLOEXEC);
    if (fd < 0) /* gone: only its sidecar is left, it is finished, or nothing of it was whole */
        return errno == ENOENT ? 0 : -errno;
    int e = xw_sealed_open(r->vault, fd, &sealed);
    if (e < 0)
        return e == -EBADMSG && is_headless(fd) ? 0 : e;
    xw_autofree uint8_t *chunk = malloc(CHUNK);
    if (!chunk)
        return -ENOMEM;
    for (;;) {
        ssize_t n = xw_sealed_pread(&sealed, fd, at, chunk, CHUNK);
        if (n < 0)
            return (int)n;
        at += (uint64_t)n;
        e = xw_fragments_take(&r->fragments, chunk, (size_t)n);
        if (e == -ENOMEM) /* nothing is cut off for that */
            return e;
        if (n == 0 || e < 0)
            break;
    }
    if (!r->fragments.whole)
        return 0;
    e = xw_sealed_cut(fd, r->fragments.whole);
    return e == 0 && fsync(fd) < 0 ? -errno : e;
}

static void scan_work(void *arg)
{
    struct video_recover *r = arg;
    r->result = scan(r);
    if (r->result == 0 &&
        xw_sealed_note_read(r->vault, r->sidecar, SIDECAR_MAX, &r->facts, &r->facts_n) < 0)
        r->facts = NULL;
}

/* ---- on the loop ---- */

static void done_with(struct video_recover *r)
{
    xw_fragments_done(&r->fragments);
    free(XW_STEAL(r->facts));
    free(XW_STEAL(r->finish));
    r->at++;
    next(r);
}

static void forget(struct video_recover *r)
{
    (void)unlink(r->part);
    (void)unlink(r->sidecar);
    done_with(r);
}

static void copy_text(char *ret, size_t size, const char *text)
{
    snprintf(ret, size, "%s", text ? text : "");
}

static struct video_finish *finish_of(struct video_recover *r, const Xw__Clip *m)
{
    struct video_finish *f = calloc(1, sizeof(*f));
    if (!f)
        return NULL;
    f->clip = r->left[r->at];
    f->end = XW__CLIP_END__CLIP_INTERRUPTED;
    f->size = r->fragments.whole;
    f->frames_n = r->fragments.frames_n;
    if (m && xw_uuid_from_bytes(m->attachment_id.data, m->attachment_id.len, &f->attachment) == 0) {
        f->has_study = xw_uuid_from_bytes(m->study_id.data, m->study_id.len, &f->study) == 0;
        copy_text(f->label, sizeof(f->label), m->label);
        f->start_wall_us = m->start_wall_us;
        f->county_offset_us = m->county_offset_us;
        f->county_offset_known = m->county_offset_known;
        f->demo = m->demo;
        f->width = m->width;
        f->height = m->height;
        copy_text(f->codec, sizeof(f->codec), m->codec);
    } else { /* nothing says whose it was: the pictures are kept all the same */
        if (r->video->sources_n)
            f->attachment = r->video->sources[0].attachment;
        f->start_wall_us = xw_uuid_v7_time(&f->clip).us;
        f->width = r->fragments.width;
        f->height = r->fragments.height;
        copy_text(f->codec, sizeof(f->codec), r->fragments.codec);
        xw_log_warning("video.clip_unknown", XW_LOG_ID("clip", &f->clip));
    }
    f->end_wall_us = f->start_wall_us + xw_fragments_duration_us(&r->fragments);
    return f;
}

static void finish_it(struct video_recover *r)
{
    struct video_finish *f = XW_STEAL(r->finish);
    xw_log_notice("video.clip_left", XW_LOG_ID("clip", &f->clip), XW_LOG_UINT("bytes", f->size));
    video_finish_add(r->video, f);
    done_with(r);
}

static void on_study(void *user, const struct xw_store_records *records)
{
    struct video_recover *r = user;
    r->finish->create_study = records->status >= 0 && !records->records_n;
    finish_it(r);
}

/* The clip's record is not in the spool: perhaps its study is not either. */
static void ask_study(struct video_recover *r)
{
    int e = r->finish->has_study
                ? xw_store_records_prefix(r->video->edge->store, XW__RECORD_KIND__RECORD_STUDY,
                                          r->finish->study.b, 16, 1, on_study, r)
                : -ENOENT;
    if (e < 0)
        finish_it(r);
}

static void on_record(void *user, const struct xw_store_records *records)
{
    struct video_recover *r = user;
    const struct xw_store_record *record =
        records->status >= 0 && records->records_n ? &records->records[0] : NULL;
    Xw__Clip *m = record ? xw__clip__unpack(NULL, record->body_size, record->body) : NULL;
    if (!m && r->facts)
        m = xw__clip__unpack(NULL, r->facts_n, r->facts);
    bool ended = record && m && m->end != XW__CLIP_END__CLIP_RUNNING;
    bool nothing = !record && !r->fragments.whole;
    if (!ended && !nothing)
        r->finish = finish_of(r, m);
    if (m)
        xw__clip__free_unpacked(m, NULL);
    if (ended || nothing)
        forget(r);
    else if (!r->finish)
        done_with(r); /* no memory: the next start tries again */
    else if (record)
        finish_it(r);
    else
        ask_study(r);
}

static void scan_done(void *arg, int status)
{
    struct video_recover *r = arg;
    const struct xw_uuid *clip = &r->left[r->at];
    r->video->jobs_n--;
    if (status < 0 || r->video->stopping)
        return;
    if (r->result < 0) {
        xw_log_error("video.clip_unreadable", XW_LOG_ID("clip", clip), XW_LOG_ERR(r->result));
        done_with(r);
    } else if (xw_store_record(r->video->edge->store, clip->b, 16, on_record, r) < 0) {
        done_with(r);
    }
}

static void next(struct video_recover *r)
{
    struct xw_video *v = r->video;
    r->waiting = v->finishing_n >= VIDEO_FINISHING_MAX / 2;
    if (r->at >= r->left_n || v->stopping || r->waiting)
        return;
    video_path(v, &r->left[r->at], ".part", r->part, sizeof(r->part));
    video_path(v, &r->left[r->at], ".clip", r->sidecar, sizeof(r->sidecar));
    xw_fragments_init(&r->fragments);
    if (xw_pool_submit(v->pool, scan_work, scan_done, r) >= 0)
        v->jobs_n++;
    else
        r->waiting = true;
}

void video_recover_tick(struct xw_video *v)
{
    if (v->recover && v->recover->waiting)
        next(v->recover);
}

void video_recover_begin(struct xw_video *v)
{
    struct video_recover *r = calloc(1, sizeof(*r));
    if (!r)
        return;
    r->video = v;
    r->vault = xw_store_vault(v->edge->store);
    v->recover = r;
    r->left = calloc(LEFT_MAX, sizeof(*r->left));
    if (r->left)
        r->left_n = xw_video_left(v->clips_dir, r->left, LEFT_MAX);
    next(r);
}

void video_recover_free(struct xw_video *v)
{
    struct video_recover *r = XW_STEAL(v->recover);
    if (!r)
        return;
    xw_fragments_done(&r->fragments);
    free(r->facts);
    free(r->finish);
    free(r->left);
    free(r);
}
