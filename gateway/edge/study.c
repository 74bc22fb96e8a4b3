/* From a device's mark to a study. */
#include "edge/study.h"

#include "base/log.h"
#include "edge/attachment.h"
#include "edge/commit.h"

#include <math.h>
#include <string.h>

enum { MARKS_MAX = 64, AROUND_S = 10, WAIT_US = 60000000 };

/* Body of the local record: everything, in this order, integers little-endian. */
struct mark {
    struct xw_uuid stream, attachment, study, change;
    uint64_t first, count;
    int64_t wall_us;
    uint8_t chest_pain;
    /* not in the record */
    int64_t since_us;
};
enum { KEY_SIZE = 4 + 16, BODY_SIZE = 4 * 16 + 3 * 8 + 1 };

struct recent {
    struct xw_uuid stream;
    uint64_t seq; /* counts from 1: 0 is a free place */
};
enum { RECENT_MAX = 256 };

struct xw_study {
    struct xw_edge *edge;
    struct recent recent[RECENT_MAX];
    size_t recent_at;
    struct mark marks[MARKS_MAX];
    size_t marks_n;
};

int xw_study_new(struct xw_edge *edge, struct xw_study **ret_study)
{
    struct xw_study *study = calloc(1, sizeof(*study));
    if (!study)
        return -ENOMEM;
    study->edge = edge;
    *ret_study = study;
    return 0;
}

void xw_study_free(struct xw_study *study)
{
    free(study);
}

static void make_key(const struct mark *mark, uint8_t key[KEY_SIZE])
{
    static const uint8_t tag[4] = {'m', 'a', 'r', 'k'};
    memcpy(key, tag, sizeof(tag));
    memcpy(key + 4, mark->study.b, 16);
}

static void put_u64(uint8_t *p, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint64_t get_u64(const uint8_t *p)
{
    uint64_t v = 0;
    for (unsigned i = 8; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static void keep(struct xw_study *study, const struct mark *mark, uint64_t revision)
{
    uint8_t key[KEY_SIZE], body[BODY_SIZE];
    make_key(mark, key);
    memcpy(body, mark->stream.b, 16);
    memcpy(body + 16, mark->attachment.b, 16);
    memcpy(body + 32, mark->study.b, 16);
    memcpy(body + 48, mark->change.b, 16);
    put_u64(body + 64, mark->first);
    put_u64(body + 72, mark->count);
    put_u64(body + 80, (uint64_t)mark->wall_us);
    body[88] = mark->chest_pain;
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = revision,
                                     .kind = XW_LOCAL_DEVICE,
                                     .body = body,
                                     .body_size = sizeof(body),
                                     .wall_us = mark->wall_us};
    xw_commit_record(study->edge->commit, &record, true);
}

bool xw_study_is_mark(const struct xw_store_record *record)
{
    return record->key_size == KEY_SIZE && !memcmp(record->key, "mark", 4) &&
           record->body_size == BODY_SIZE;
}

static void write_study(struct xw_study *study, const struct mark *mark)
{
    struct xw_edge *edge = study->edge;
    Xw__StudySamples samples = XW__STUDY_SAMPLES__INIT;
    samples.stream_id = (ProtobufCBinaryData){16, (uint8_t *)mark->stream.b};
    samples.first = mark->first;
    samples.count = mark->count;
    Xw__StudyItem item = XW__STUDY_ITEM__INIT, *items[] = {&item};
    item.item_case = XW__STUDY_ITEM__ITEM_SAMPLES;
    item.samples = &samples;
    Xw__StudyCreate create = XW__STUDY_CREATE__INIT;
    create.kind = XW__STUDY_KIND__STUDY_ECG_12;
    create.site = edge->config->site[0] ? edge->config->site : edge->config->id;
    create.reason = (char *)(mark->chest_pain ? "chest_pain" : "other");
    create.urgent = mark->chest_pain;
    create.n_items = 1;
    create.items = items;
    create.attachment_id = (ProtobufCBinaryData){16, (uint8_t *)mark->attachment.b};
    Xw__StudyChange change = XW__STUDY_CHANGE__INIT;
    change.study_id = (ProtobufCBinaryData){16, (uint8_t *)mark->study.b};
    change.change_id = (ProtobufCBinaryData){16, (uint8_t *)mark->change.b};
    change.author = (char *)"device";
    change.wall_us = mark->wall_us;
    change.change_case = XW__STUDY_CHANGE__CHANGE_CREATE;
    change.create = &create;

    uint8_t key[32];
    memcpy(key, mark->study.b, 16);
    memcpy(key + 16, mark->change.b, 16);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_STUDY,
                                     .priority = mark->chest_pain ? XW__PRIORITY__PRIORITY_HIGH
                                                                  : XW__PRIORITY__PRIORITY_NONE,
                                     .wall_us = mark->wall_us};
    xw_commit_message(edge->commit, &record, &change.base, false);
    keep(study, mark, 2); /* in the same batch: the mark is done */
    if (edge->uplink)
        xw_uplink_urgent(edge->uplink, &mark->stream,
                         (struct xw_range){mark->first, mark->first + mark->count});
    int r = xw_store_keep(edge->store, &mark->stream,
                          (struct xw_range){mark->first, mark->first + mark->count});
    if (r < 0)
        xw_log_warning("edge.study.keep", XW_LOG_ERR(r));
    xw_log_info("study.captured", XW_LOG_ID("study", &mark->study),
                XW_LOG_INT("urgent", mark->chest_pain));
}

static void add(struct xw_study *study, const struct mark *mark)
{
    if (study->marks_n == MARKS_MAX) {
        write_study(study, mark);
        return;
    }
    study->marks[study->marks_n] = *mark;
    study->marks[study->marks_n++].since_us = xw_edge_now_us();
}

/* A mark that comes again within this process (the spool was full, so it was not acknowledged) is
 * the same study. Over a restart the facts record says so: it is committed with the mark. */
static bool seen(struct xw_study *study, const struct xw_uuid *stream, uint64_t seq)
{
    for (size_t i = 0; i < RECENT_MAX; i++)
        if (study->recent[i].seq == seq && xw_uuid_equal(&study->recent[i].stream, stream))
            return true;
    study->recent[study->recent_at] = (struct recent){*stream, seq};
    study->recent_at = (study->recent_at + 1) % RECENT_MAX;
    return false;
}

void xw_study_mark(struct xw_study *study, struct xw_stream *stream, uint64_t seq, uint64_t index,
                   bool chest_pain)
{
    uint64_t around = (uint64_t)llround(stream->rate_hz * AROUND_S);
    if (seen(study, &stream->id, seq))
        return;
    struct mark mark = {.stream = stream->id,
                        .attachment = stream->attachment->id,
                        .study = xw_uuid_v7(NULL),
                        .change = xw_uuid_v7(NULL),
                        .first = index > around ? index - around : 0,
                        .wall_us = xw_edge_wall_us(),
                        .chest_pain = chest_pain};
    mark.count = index + around - mark.first;
    keep(study, &mark, 1);
    add(study, &mark);
}

void xw_study_remember(struct xw_study *study, const struct xw_store_record *record)
{
    const uint8_t *body = record->body;
    struct mark mark = {.first = get_u64(body + 64),
                        .count = get_u64(body + 72),
                        .wall_us = (int64_t)get_u64(body + 80),
                        .chest_pain = body[88]};
    if (record->revision != 1)
        return; /* its study is written */
    memcpy(mark.stream.b, body, 16);
    memcpy(mark.attachment.b, body + 16, 16);
    memcpy(mark.study.b, body + 32, 16);
    memcpy(mark.change.b, body + 48, 16);
    add(study, &mark);
}

void xw_study_tick(struct xw_study *study)
{
    int64_t now = xw_edge_now_us();
    for (size_t i = 0; i < study->marks_n; i++) {
        struct mark *mark = &study->marks[i];
        struct xw_store_stream stored;
        bool there = xw_store_stream(study->edge->store, &mark->stream, &stored) >= 0 &&
                     xw_ranges_covers(stored.known, mark->first, mark->first + mark->count);
        if (!there && now - mark->since_us < WAIT_US)
            continue;
        write_study(study, mark);
        study->marks[i--] = study->marks[--study->marks_n];
    }
}
