/* The samples of a file, a batch at a time, into streams of this process. */
#include "base/block.h"
#include "base/fault.h"
#include "base/log.h"
#include "edge/import_in.h"
#include "proto/signal.pb-c.h"

#include <string.h>

static bool put_block(struct xw_import *import, const struct xw_import_stream *s,
                      struct open_stream *open, size_t *bytes)
{
    uint64_t left = (uint64_t)s->group->samples_n - import->sample_at;
    uint32_t n = left < s->block_n ? (uint32_t)left : s->block_n;
    xw_import_samples(s, import->sample_at, n, import->x);
    int size = xw_block_encode(XW_CODING_DELTA, import->x, s->leads_n, n, import->data,
                               xw_block_bound(s->leads_n, s->block_n));
    if (size < 0)
        return false;
    uint64_t first = import->first[import->stream_at] + import->sample_at;
    const struct xw_store_block block = {.stream = open->id,
                                         .first = first,
                                         .count = n,
                                         .coding = XW_CODING_DELTA,
                                         .crc32c = xw_block_crc(import->x, s->leads_n, n),
                                         .data = import->data,
                                         .size = (size_t)size};
    xw_commit_block(import->edge->commit, &block, &import->owner);
    import->sample_at += n;
    open->end = first + n;
    *bytes += (size_t)size;
    return true;
}

/* The stream of this header, or the place that was not used for longest. */
static struct open_stream *open_stream(struct xw_import *import, const struct xw_import_stream *s)
{
    struct open_stream *oldest = NULL;
    for (size_t i = 0; i < OPEN_MAX; i++) {
        struct open_stream *o = &import->open[i];
        if (o->plain && o->plain_size == s->plain_size &&
            memcmp(o->plain, s->plain, s->plain_size) == 0) {
            o->used = import->file_no;
            return o;
        }
        if (!oldest || o->used < oldest->used)
            oldest = o;
    }
    uint8_t *plain = malloc(s->plain_size);
    if (!plain)
        return NULL;
    memcpy(plain, s->plain, s->plain_size);
    free(oldest->plain);
    *oldest = (struct open_stream){xw_uuid_v7(NULL), plain, s->plain_size, 0, import->file_no};
    return oldest;
}

static bool begin_stream(struct xw_import *import, const struct xw_import_stream *s,
                         struct open_stream *open)
{
    xw_autofree uint8_t *header = NULL;
    size_t header_size = 0;
    struct xw_edge *edge = import->edge;
    free(import->x);
    free(import->data);
    import->x = malloc(sizeof(int32_t) * s->block_n * s->leads_n);
    import->data = malloc(xw_block_bound(s->leads_n, s->block_n));
    if (!import->x || !import->data ||
        xw_import_header(&import->plan, s, &open->id, &header, &header_size) < 0)
        return false;
    xw_commit_stream(edge->commit, &open->id, header, header_size, &import->owner);
    if (edge->uplink && xw_uplink_stream(edge->uplink, &open->id, header, header_size) < 0)
        xw_log_error("edge.uplink.stream", XW_LOG_ID("stream", &open->id));
    uint64_t first = open->end ? open->end + (uint64_t)(BETWEEN_S * s->rate_hz) : 0;
    if (first) {
        const struct xw_store_gap gap = {.stream = open->id,
                                         .range = {open->end, first},
                                         .reason = XW__GAP_REASON__GAP_NOT_CAPTURED};
        xw_commit_gap(edge->commit, &gap, &import->owner);
    }
    import->ids[import->stream_at] = open->id;
    import->first[import->stream_at] = open->end = first;
    return true;
}

static void close_study(struct xw_import *import)
{
    int r = xw_fault_point("import.study");
    if (r < 0) {
        xw_import_fail(import, "study", r);
        return;
    }
    import->state = CLOSING;
    r = xw_import_put_study(import);
    if (r < 0) { /* part of it may be kept: it is the same when it is written again */
        xw_import_fail(import, "study", r);
        return;
    }
    xw_commit_notify(import->edge->commit, &import->owner);
}

/* About a megabyte more; what comes from devices goes on between two of these. */
void xw_import_write_more(struct xw_import *import)
{
    size_t bytes = 0;
    if (!xw_commit_takes(import->edge->commit)) {
        xw_import_fail(import, "spool", -EAGAIN);
        return;
    }
    if (import->stream_at == import->plan.streams_n) {
        close_study(import);
        return;
    }
    int r = xw_fault_point("import.samples");
    if (r < 0) {
        xw_import_fail(import, "samples", r);
        return;
    }
    import->state = WRITING;
    const struct xw_import_stream *s = &import->plan.streams[import->stream_at];
    struct open_stream *open = open_stream(import, s);
    import->adding = true;
    import->said = 0;
    bool good = open && (import->sample_at || begin_stream(import, s, open));
    while (good && bytes < BATCH_BYTES && import->sample_at < (uint64_t)s->group->samples_n)
        good = put_block(import, s, open, &bytes);
    import->adding = false;
    if (!good || import->said < 0) {
        xw_import_fail(import, "block", good ? import->said : -ENOMEM);
        return;
    }
    if (import->sample_at == (uint64_t)s->group->samples_n) {
        import->stream_at++;
        import->sample_at = 0;
    }
    xw_commit_notify(import->edge->commit, &import->owner);
}
