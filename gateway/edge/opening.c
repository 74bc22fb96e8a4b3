/* Opening an attachment: what did the last process keep of these streams?
 *
 * One look-up after the other (the spool's reads are bounded), for each stream: the last run, the
 * last time anchor, the events and the samples of the last minute (fetal monitors: 35 minutes).
 * Then the new chain is warmed with them, and the streams are committed. A device whose streams are
 * new waits for the commit alone. */
#include "base/log.h"
#include "edge/attachment.h"
#include "edge/port.h"
#include "edge/stream_events.h"

#include <string.h>

enum step {
    STEP_FACTS, /* once for the attachment */
    STEP_RUN,
    STEP_ANCHOR,
    STEP_EVENTS,
    STEP_SAMPLES,
    STEP_NEXT, /* stream */
};
enum { WARM_READ_BYTES = 8 * 1024 * 1024, WARM_EVENTS_MAX = XW_ADOPT_KNOWN_MAX, WARM_RUN_N = 512 };

struct xw_opening {
    struct xw_attachment *attachment;
    enum step step;
    size_t stream_at;
    bool asked;      /* an answer is on its way */
    bool committing; /* all looked up */
    uint64_t warm_next;
};

static void go_on(struct xw_opening *o);

static void answered(struct xw_opening *o, enum step next)
{
    o->asked = false;
    o->step = next;
    go_on(o);
}

static void on_facts(void *user, const struct xw_store_records *records)
{
    struct xw_opening *o = user;
    if (records->status >= 0 && records->records_n)
        o->attachment->facts_upto = o->attachment->facts_kept = records->records[0].revision;
    answered(o, STEP_RUN);
}

static void on_run(void *user, const struct xw_store_records *records)
{
    struct xw_opening *o = user;
    struct xw_stream *stream = &o->attachment->streams[o->stream_at];
    if (records->status >= 0 && records->records_n && records->records[0].body_size == 16) {
        memcpy(stream->follows.b, records->records[0].body, 16);
        stream->has_follows = true;
    }
    answered(o, STEP_ANCHOR);
}

static void on_anchor(void *user, const struct xw_store_records *records)
{
    struct xw_opening *o = user;
    struct xw_stream *stream = &o->attachment->streams[o->stream_at];
    for (size_t i = 0; records->status >= 0 && i < records->records_n; i++) {
        Xw__Anchor *anchor =
            xw__anchor__unpack(NULL, records->records[i].body_size, records->records[i].body);
        if (!anchor)
            continue;
        if (anchor->ordinal > stream->anchor_ordinal) {
            stream->anchor_ordinal = anchor->ordinal;
            stream->anchor_index = anchor->index;
            /* Within one boot of the machine the line goes on: a backlog is known as such. */
            if (anchor->boot_id.len == 16 &&
                !memcmp(anchor->boot_id.data, o->attachment->edge->boot_id, 16))
                xw_ratefit_seed(&stream->fit, anchor->index, (int64_t)anchor->boottime_us);
        }
        xw__anchor__free_unpacked(anchor, NULL);
    }
    answered(o, STEP_EVENTS);
}

static void add_known(struct xw_stream *stream, const struct xw_store_record *record)
{
    struct xw_uuid facts_run = xw_attachment_facts_run(&stream->id);
    Xw__Event *event = xw__event__unpack(NULL, record->body_size, record->body);
    if (!event)
        return;
    enum xw_ecg_kind kind = xw_words_kind_of(event->kind);
    struct xw_adopt_known known = {.revision = record->revision,
                                   .kind = kind,
                                   .code = xw_words_code_of(event->kind, event->code),
                                   .priority = xw_words_priority_of(event->priority),
                                   .first = (int64_t)event->first,
                                   .end = event->end ? (int64_t)event->end : XW_ECG_OPEN};
    bool ours = record->key_size == XW_EVENT_KEY_SIZE && kind && event->run_id.len == 16 &&
                memcmp(event->run_id.data, facts_run.b, 16) != 0 && !event->withdrawn;
    if (ours) {
        memcpy(known.key, record->key, XW_EVENT_KEY_SIZE);
        if (xw_adopt_add(&stream->adopt, &known) < 0)
            stream->adopt.overflow_n++;
    }
    xw__event__free_unpacked(event, NULL);
}

/* A probe whose loss alarm is open had signal once, even if the samples to learn from show none. */
static uint32_t fetuses_missed(const struct xw_stream *stream)
{
    uint32_t mask = 0;
    for (size_t i = 0; i < stream->adopt.known_n; i++) {
        unsigned code = stream->adopt.known[i].code;
        if (code >= XW_FETAL_SIGNAL_LOSS && code < XW_FETAL_SIGNAL_LOSS + XW_FETAL_MAX)
            mask |= 1U << (code - XW_FETAL_SIGNAL_LOSS);
    }
    return mask;
}

static void on_events(void *user, const struct xw_store_records *records)
{
    struct xw_opening *o = user;
    struct xw_stream *stream = &o->attachment->streams[o->stream_at];
    for (size_t i = 0; records->status >= 0 && i < records->records_n; i++)
        add_known(stream, &records->records[i]);
    uint32_t missed = fetuses_missed(stream);
    if (missed && stream->pipeline)
        xw_pipeline_expect(stream->pipeline, missed);
    answered(o, STEP_SAMPLES);
}

/* How many blocks from here on can go in at once: gapless, and not more than WARM_RUN_N samples. */
static size_t warm_run(const struct xw_store_block *b, size_t most, uint64_t from, uint64_t cut)
{
    size_t n = 0;
    uint64_t first = b->first, next = first;
    if (first < from)
        return 0;
    while (n < most && b[n].first == next && b[n].first + b[n].count <= cut &&
           (!n || next + b[n].count - first <= WARM_RUN_N))
        next += b[n++].count;
    return n;
}

static void on_samples(void *user, const struct xw_store_samples *samples)
{
    struct xw_opening *o = user;
    struct xw_stream *stream = &o->attachment->streams[o->stream_at];
    uint64_t cut = (uint64_t)stream->adopt.cut;
    for (size_t i = 0, n; samples->status >= 0 && i < samples->blocks_n; i += n) {
        /* Overlapping versions of a conflict: the chain takes what goes forward. */
        n = warm_run(&samples->blocks[i], samples->blocks_n - i, o->warm_next, cut);
        if (n && stream->pipeline)
            xw_stream_warm(stream, &samples->blocks[i], n);
        if (n)
            o->warm_next = samples->blocks[i + n - 1].first + samples->blocks[i + n - 1].count;
        n = XW_MAX(n, (size_t)1);
    }
    bool whole = samples->status < 0 || samples->next >= cut || !samples->blocks_n;
    if (!whole)
        o->warm_next = XW_MAX(o->warm_next, samples->next);
    answered(o, whole ? STEP_NEXT : STEP_SAMPLES);
}

static uint64_t warm_from(const struct xw_stream *stream)
{
    uint64_t cut = (uint64_t)stream->adopt.cut, back = xw_stream_warmup_n(stream);
    return cut > back ? cut - back : 0;
}

/* Where the stream stands in the spool; true if there is something to go on from. */
static bool find_cut(struct xw_stream *stream)
{
    struct xw_store_stream stored;
    if (xw_store_stream(stream->edge->store, &stream->id, &stored) < 0 || !stored.known->n)
        return false;
    stream->newest = xw_ranges_end(stored.known);
    if (stream->adopting)
        return true;
    xw_adopt_init(&stream->adopt, (int64_t)stream->newest, stream->rate_hz);
    stream->adopting = true;
    return true;
}

static int ask(struct xw_opening *o)
{
    struct xw_attachment *a = o->attachment;
    struct xw_store *store = a->edge->store;
    struct xw_stream *stream = &a->streams[o->stream_at];
    uint8_t key[XW_FACTS_KEY_SIZE], run_key[XW_STREAM_RUN_KEY_SIZE];
    switch (o->step) {
    case STEP_FACTS:
        xw_attachment_facts_key(a, key);
        return xw_store_record(store, key, sizeof(key), on_facts, o);
    case STEP_RUN:
        xw_stream_run_key(&stream->id, run_key);
        return xw_store_record(store, run_key, sizeof(run_key), on_run, o);
    case STEP_ANCHOR:
        return xw_store_anchors(store, &stream->id, stream->newest, on_anchor, o);
    case STEP_EVENTS: {
        const uint32_t kinds =
            1U << XW__EVENT_KIND__EVENT_BEAT | 1U << XW__EVENT_KIND__EVENT_RHYTHM |
            1U << XW__EVENT_KIND__EVENT_ALARM | 1U << XW__EVENT_KIND__EVENT_QUALITY |
            1U << XW__EVENT_KIND__EVENT_LEADS_OFF | 1U << XW__EVENT_KIND__EVENT_NOISE |
            1U << XW__EVENT_KIND__EVENT_MEASUREMENT | 1U << XW__EVENT_KIND__EVENT_MARKER |
            1U << XW__EVENT_KIND__EVENT_SUMMARY;
        /* Beyond the cut, too: of samples that were refused and come again. */
        struct xw_range range = {warm_from(stream), INT64_MAX};
        o->warm_next = range.first;
        return xw_store_events(store, &stream->id, range, kinds, WARM_EVENTS_MAX, on_events, o);
    }
    case STEP_SAMPLES: {
        struct xw_range range = {o->warm_next, (uint64_t)stream->adopt.cut};
        if (range.first >= range.end)
            return 1;
        return xw_store_read(store, &stream->id, range, WARM_READ_BYTES, on_samples, o);
    }
    case STEP_NEXT:
        break;
    }
    return -EINVAL;
}

/* All is known: the pipelines run, the headers go to the spool. */
static void commit_streams(struct xw_opening *o)
{
    struct xw_attachment *a = o->attachment;
    o->committing = true;
    for (size_t i = 0; i < a->streams_n; i++) {
        struct xw_stream *stream = &a->streams[i];
        if (stream->adopting && !xw_stream_in_flight(stream))
            xw_stream_advance(stream, (uint64_t)stream->adopt.cut); /* nothing to learn from */
        xw_commit_stream(a->edge->commit, &stream->id, stream->header, stream->header_size,
                         &a->owner);
    }
}

static bool begin_stream(struct xw_opening *o)
{
    struct xw_stream *stream = &o->attachment->streams[o->stream_at];
    int r = xw_stream_begin(stream);
    if (r < 0) {
        xw_log_error("edge.stream.begin", XW_LOG_ERR(r));
        return false;
    }
    return true;
}

static void go_on(struct xw_opening *o)
{
    struct xw_attachment *a = o->attachment;
    while (!o->asked && !o->committing) {
        if (o->step == STEP_RUN) {
            if (o->stream_at == a->streams_n) {
                commit_streams(o);
                return;
            }
            struct xw_stream *stream = &a->streams[o->stream_at];
            if (!stream->pipeline && !begin_stream(o)) {
                xw_attachment_opened(a, -EIO);
                return;
            }
            if (!stream->by_device || !find_cut(stream)) {
                o->stream_at++;
                continue;
            }
        } else if (o->step == STEP_NEXT) {
            o->stream_at++;
            o->step = STEP_RUN;
            continue;
        }
        o->asked = true;
        int r = ask(o);
        if (r == 0)
            return;
        o->asked = false;
        if (r == -EAGAIN)
            return; /* too many reads just now: the tick asks again */
        o->step++;  /* nothing there (or unreadable): go on without it */
    }
}

void xw_attachment_open(struct xw_attachment *attachment)
{
    /* What an earlier try said of these streams is not in the spool yet: it would be said again. */
    if (xw_commit_behind(attachment->edge->commit)) {
        xw_attachment_opened(attachment, -ENOSPC);
        return;
    }
    struct xw_opening *o = calloc(1, sizeof(*o));
    if (!o) {
        xw_attachment_opened(attachment, -ENOMEM);
        return;
    }
    o->attachment = attachment;
    o->step = attachment->resumes ? STEP_FACTS : STEP_RUN;
    attachment->opening = o;
    go_on(o);
}

void xw_opening_tick(struct xw_attachment *attachment)
{
    struct xw_opening *o = attachment->opening;
    if (o && !o->asked && !o->committing)
        go_on(o);
}

void xw_opening_committed(struct xw_attachment *attachment, int status)
{
    if (attachment->opening && attachment->opening->committing)
        xw_attachment_opened(attachment, status);
}
