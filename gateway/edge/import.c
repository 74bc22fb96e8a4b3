/* From a file in the folder to a study in the spool. */
#include "edge/import_in.h"

#include "base/fault.h"
#include "base/log.h"
#include "base/metrics.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(taken_n, "xw_import_files_total", "result=\"study\"", "files that became a study");
XW_COUNTER(repeated_n, "xw_import_files_total", "result=\"repeated\"",
           "files whose bytes were a study already");
XW_COUNTER(broken_n, "xw_import_files_total", "result=\"broken\"", "files put into quarantine");
XW_COUNTER(failed_n, "xw_import_commits_failed_total", NULL,
           "files that the spool did not take; they are tried again");
XW_GAUGE(waiting_gauge, "xw_import_waiting_files", NULL,
         "files in the folder that are not taken yet");
XW_GAUGE(quarantine_gauge, "xw_import_quarantine_files", NULL, "broken files put aside");

static void on_committed(struct xw_commit_owner *owner, int status, uint64_t mark);

int xw_import_new(struct xw_edge *edge, struct xw_import **ret_import)
{
    const struct xw_edge_config *c = edge->config;
    const struct xw_import_rules rules = {
        c->import_dir,       c->import_outbox,     (uint64_t)c->import_file_max_bytes,
        c->import_settle_us, c->import_give_up_us, c->import_keep_us};
    struct xw_import *import = calloc(1, sizeof(*import));
    if (!import)
        return -ENOMEM;
    import->edge = edge;
    import->owner.done = on_committed;
    int r = 0;
    if (c->import_dir[0]) {
        import->open = calloc(OPEN_MAX, sizeof(*import->open));
        import->view = calloc(1, sizeof(*import->view));
        import->next_view = calloc(1, sizeof(*import->next_view));
        r = import->open && import->view && import->next_view
                ? xw_import_dir_new(&rules, &import->dir)
                : -ENOMEM;
        if (r == 0)
            r = xw_pool_new(edge->loop, "import", 1, 2, &import->pool);
    }
    if (r < 0) {
        xw_import_free(import);
        return r;
    }
    *ret_import = import;
    return 0;
}

static void let_go(struct xw_import *import)
{
    xw_import_plan_done(&import->plan);
    xw_formats_free(XW_STEAL(import->ready.recording));
    free(XW_STEAL(import->x));
    free(XW_STEAL(import->data));
}

void xw_import_free(struct xw_import *import)
{
    if (!import)
        return;
    import->stopping = true;
    if (import->pool)
        xw_pool_free(import->pool);
    let_go(import);
    xw_import_dir_free(import->dir);
    for (size_t i = 0; import->open && i < OPEN_MAX; i++)
        free(import->open[i].plain);
    free(import->open);
    free(import->view);
    free(import->next_view);
    free(import);
}

/* ---- after it is kept ---- */

static void move_work(void *arg)
{
    struct xw_import *import = arg;
    import->result = import->refuse
                         ? xw_import_dir_refuse(import->dir, &import->ready, import->text)
                         : xw_import_dir_taken(import->dir, &import->ready);
    if (import->result < 0) /* seen again and known again, not at once */
        xw_import_dir_put_off(import->dir, &import->ready, xw_edge_now_us() + WAIT_MOVE_US);
}

static void move_done(void *arg, int status)
{
    struct xw_import *import = arg;
    if (status == 0 && import->result < 0)
        xw_log_warning("import.move", XW_LOG_ERR(import->result));
    let_go(import);
    import->state = IDLE;
    if (status == 0 && import->result == 0)
        xw_import_tick(import); /* the next one */
}

static void move_away(struct xw_import *import, bool refuse)
{
    import->refuse = refuse;
    import->state = MOVING;
    int r = xw_pool_submit(import->pool, move_work, move_done, import);
    if (r < 0) {
        let_go(import);
        import->state = IDLE;
    }
}

/* The file stays where it is, and is read again. */
void xw_import_fail(struct xw_import *import, const char *what, int r)
{
    xw_log_warning("import.failed", XW_LOG_STR("what", what), XW_LOG_ERR(r));
    xw_counter_add(&failed_n, 1);
    import->not_before_us = xw_edge_now_us() + RETRY_US;
    let_go(import);
    import->state = IDLE;
}

static void keep_samples(struct xw_import *import)
{
    for (size_t i = 0; i < import->plan.streams_n; i++) {
        const struct xw_import_stream *s = &import->plan.streams[i];
        uint64_t first = import->first[i];
        const struct xw_range range = {first, first + (uint64_t)s->group->samples_n};
        if (import->edge->uplink)
            xw_uplink_urgent(import->edge->uplink, &import->ids[i], range);
        int r = xw_store_keep(import->edge->store, &import->ids[i], range);
        if (r < 0)
            xw_log_warning("import.keep", XW_LOG_ERR(r));
    }
}

static void taken(struct xw_import *import)
{
    int r = xw_fault_point("import.kept");
    import->attached_told = true;
    import->taken++;
    xw_counter_add(&taken_n, 1);
    keep_samples(import);
    xw_log_info("import.study", XW_LOG_ID("study", &import->study),
                XW_LOG_STR("kind", xw_formats_kind_name(import->ready.recording->kind)),
                XW_LOG_INT("fault", r));
    move_away(import, false);
}

/* A step may be spread over several batches: it is done with the last one, or when one fails. */
static void on_committed(struct xw_commit_owner *owner, int status, uint64_t mark)
{
    struct xw_import *import = XW_CONTAINER_OF(owner, struct xw_import, owner);
    (void)mark;
    if (import->adding) {
        import->said = status < 0 ? status : import->said;
        return;
    }
    if (import->state != MARKING && import->state != WRITING && import->state != CLOSING)
        return;
    if (status < 0)
        xw_import_fail(import, "commit", status);
    else if (!owner->waiting_n && import->state == CLOSING)
        taken(import);
    else if (!owner->waiting_n)
        xw_import_write_more(import);
}

/* ---- is it new? ---- */

static void mark_study(struct xw_import *import)
{
    import->study = xw_uuid_v7(NULL);
    import->created = xw_uuid_v7(NULL);
    import->noted = xw_uuid_v7(NULL);
    if (!xw_commit_takes(import->edge->commit)) {
        xw_import_fail(import, "spool", -EAGAIN);
        return;
    }
    import->state = MARKING;
    int r = xw_fault_point("import.mark");
    if (r >= 0)
        r = xw_import_put_mark(import, 1);
    if (r < 0)
        xw_import_fail(import, "mark", r);
    else
        xw_commit_notify(import->edge->commit, &import->owner);
}

static void on_known(void *user, const struct xw_store_records *records)
{
    struct xw_import *import = user;
    bool found = records->status >= 0 && records->records_n;
    const struct xw_store_record *known = found ? records->records : NULL;
    if (records->status < 0 && records->status != -ENOENT) {
        xw_import_fail(import, "look-up", records->status);
        return;
    }
    import->stream_at = 0;
    import->sample_at = 0;
    if (!known || known->body_size != BODY_SIZE) {
        mark_study(import);
    } else if (known->revision >= 2) {
        import->repeated++;
        xw_counter_add(&repeated_n, 1);
        xw_log_info("import.repeated");
        move_away(import, false);
    } else { /* it was begun before: the ids stay, the samples are written again */
        const uint8_t *body = known->body;
        memcpy(import->study.b, body, 16);
        memcpy(import->created.b, body + 16, 16);
        memcpy(import->noted.b, body + 32, 16);
        xw_import_write_more(import);
    }
}

static void take(struct xw_import *import)
{
    const struct xw_edge *edge = import->edge;
    uint8_t key[KEY_SIZE];
    int r = xw_import_plan_init(&import->plan, import->ready.recording, edge->config->id,
                                edge->config->demo, import->text);
    import->file_no++;
    if (r == -ENODATA) {
        move_away(import, true);
        return;
    }
    struct xw_store_stats stats;
    xw_store_stats(edge->store, &stats);
    if (stats.streams_n >= STREAMS_MAX) {
        xw_import_fail(import, "too many streams in the spool", -EOVERFLOW);
        return;
    }
    xw_import_make_key(import, key);
    import->state = ASKING;
    if (r == 0)
        r = xw_store_record(edge->store, key, sizeof(key), on_known, import);
    if (r < 0)
        xw_import_fail(import, "look-up", r);
}

/* ---- looking ---- */

static void look_work(void *arg)
{
    struct xw_import *import = arg;
    import->result = xw_import_dir_look(import->dir, xw_edge_now_us(), xw_edge_wall_us(),
                                        import->next_view, &import->ready);
}

static void look_done(void *arg, int status)
{
    struct xw_import *import = arg;
    struct xw_import_view *view = import->next_view;
    import->state = IDLE;
    if (status < 0)
        return;
    if (view->error < 0 && import->view->error != view->error)
        xw_log_error("import.folder", XW_LOG_ERR(view->error));
    for (; import->broken < view->broken_n; import->broken++) {
        xw_counter_add(&broken_n, 1);
        xw_log_notice("import.broken");
    }
    import->next_view = import->view;
    import->view = view;
    xw_gauge_set(&waiting_gauge, (int64_t)view->waiting_n);
    xw_gauge_set(&quarantine_gauge, (int64_t)view->quarantine_n);
    if (import->result == 1 && !import->stopping)
        take(import);
    else
        let_go(import);
}

void xw_import_tick(struct xw_import *import)
{
    if (!import->dir || import->stopping || import->state != IDLE || import->owner.waiting_n ||
        xw_edge_now_us() < import->not_before_us || xw_commit_full(import->edge->commit))
        return;
    import->state = LOOKING;
    if (xw_pool_submit(import->pool, look_work, look_done, import) < 0)
        import->state = IDLE;
}

void xw_import_stop(struct xw_import *import)
{
    import->stopping = true;
}

bool xw_import_idle(const struct xw_import *import)
{
    return import->state == IDLE && !import->owner.waiting_n;
}

void xw_import_totals(const struct xw_import *import, struct xw_import_totals *ret_totals)
{
    *ret_totals = (struct xw_import_totals){import->taken, import->repeated, import->broken,
                                            import->dir ? import->view : NULL};
}

void xw_import_each_stream(const struct xw_import *import,
                           void (*each)(void *user, const struct xw_uuid *stream), void *user)
{
    for (size_t i = 0; import->open && i < OPEN_MAX; i++)
        if (import->open[i].plain)
            each(user, &import->open[i].id);
}
