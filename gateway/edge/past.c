/* Reading what earlier processes left, kind by kind, page by page. */
#include "edge/past.h"

#include "base/log.h"
#include "edge/attachment.h"
#include "edge/decide.h"
#include "edge/monitor.h"
#include "edge/rules.h"
#include "edge/study.h"
#include "edge/technical.h"
#include "edge/video.h"

#include <string.h>

enum { PAGE = 256 };

struct past {
    struct xw_edge *edge;
    void (*done)(void *user, int status);
    void *user;
    bool told; /* devices may come: what is left has time */
    size_t kind_at;
    uint8_t after[64];
    size_t after_size;
};

static void take_attachment(struct xw_edge *edge, const struct xw_store_record *record)
{
    struct xw_uuid id;
    if (xw_video_remember(edge->video, record))
        return;
    Xw__Attachment *message = xw__attachment__unpack(NULL, record->body_size, record->body);
    if (message && !strcmp(message->kind, "monitor"))
        xw_monitor_remember(edge->monitor, message, record->revision);
    else if (message && xw_uuid_from_bytes(record->key, record->key_size, &id) == 0)
        xw_fleet_remember(edge->fleet, &id, record->revision, message->attached, record->body,
                          record->body_size);
    if (message)
        xw__attachment__free_unpacked(message, NULL);
}

static void take_device(struct xw_edge *edge, const struct xw_store_record *record)
{
    xw_decide_remember(edge->decide, record);
}

static void take_rules(struct xw_edge *edge, const struct xw_store_record *record)
{
    xw_edge_rules_county(edge->rules, record);
}

static void take_technical(struct xw_edge *edge, const struct xw_store_record *record)
{
    xw_technical_end_old(edge->technical, record);
}

static void take_mark(struct xw_edge *edge, const struct xw_store_record *record)
{
    if (xw_study_is_mark(record))
        xw_study_remember(edge->study, record);
}

static void take_clip(struct xw_edge *edge, const struct xw_store_record *record)
{
    xw_video_remember_clip(edge->video, record);
}

static const struct {
    uint32_t kind;
    bool late; /* newest first, all pages, while devices are served already */
    void (*take)(struct xw_edge *edge, const struct xw_store_record *record);
} kinds[] = {
    {XW__RECORD_KIND__RECORD_DEVICE, false, take_device},
    {XW__RECORD_KIND__RECORD_RULESET, false, take_rules},
    {XW__RECORD_KIND__RECORD_ATTACHMENT, false, take_attachment},
    {XW_LOCAL_DEVICE, false, take_mark},
    {XW_LOCAL_CLIP, false, take_clip},
    {XW__RECORD_KIND__RECORD_TECHNICAL, true, take_technical},
};

static void ask(struct past *past);

static void tell(struct past *past, int status)
{
    if (!past->told)
        past->done(past->user, status);
    past->told = true;
}

static void on_records(void *user, const struct xw_store_records *records)
{
    struct past *past = user;
    if (records->status < 0) {
        tell(past, records->status);
        free(past);
        return;
    }
    for (size_t i = 0; i < records->records_n; i++)
        kinds[past->kind_at].take(past->edge, &records->records[i]);
    if (records->more && records->records_n) {
        const struct xw_store_record *last = &records->records[records->records_n - 1];
        memcpy(past->after, last->key, last->key_size);
        past->after_size = last->key_size;
    } else {
        past->kind_at++;
        past->after_size = 0;
    }
    ask(past);
}

static void ask(struct past *past)
{
    bool over = past->kind_at == XW_ARRAY_N(kinds) || past->edge->stopping;
    if (over || kinds[past->kind_at].late)
        tell(past, 0);
    if (over || past->edge->stopping) {
        free(past);
        return;
    }
    int r = xw_store_records(past->edge->store, kinds[past->kind_at].kind,
                             past->after_size ? past->after : NULL, past->after_size,
                             kinds[past->kind_at].late, PAGE, on_records, past);
    if (r < 0) {
        xw_log_warning("edge.past", XW_LOG_ERR(r));
        tell(past, r);
        free(past);
    }
}

int xw_past_read(struct xw_edge *edge, void (*done)(void *user, int status), void *user)
{
    struct past *past = calloc(1, sizeof(*past));
    if (!past)
        return -ENOMEM;
    past->edge = edge;
    past->done = done;
    past->user = user;
    ask(past);
    return 0;
}
