/* Live messages: packed once, shared by every socket that sends them. */
#include "center/hub_internal.h"

#include "base/block.h"
#include "base/varint.h"

#include <string.h>

XW_COUNTER(hub_memory_short, "xw_center_memory_refusals_total", NULL,
           "live messages not made because memory was short");

enum { TAG_BLOCKS = (1 << 3) | 2, TAG_GAPS = (2 << 3) | 2 };

struct hub_message *hub_message_pack(const Xw__LiveMessage *message)
{
    size_t size = xw__live_message__get_packed_size(message);
    struct hub_message *m = size <= UINT32_MAX ? malloc(sizeof(*m) + size) : NULL;
    if (!m) {
        xw_counter_add(&hub_memory_short, 1);
        return NULL;
    }
    m->refs = 1;
    m->size = (uint32_t)size;
    m->probe = 0;
    xw__live_message__pack(message, m->data);
    return m;
}

struct hub_message *hub_message_ref(struct hub_message *message)
{
    message->refs++;
    return message;
}

void hub_message_unref(struct hub_message *message)
{
    if (message && --message->refs == 0)
        free(message);
}

struct hub_message *hub_message_record(const struct xw_store_record *record)
{
    Xw__Record wire = XW__RECORD__INIT;
    wire.key.len = record->key_size;
    wire.key.data = (uint8_t *)(uintptr_t)record->key;
    wire.revision = record->revision;
    wire.kind = (Xw__RecordKind)record->kind;
    wire.body.len = record->body_size;
    wire.body.data = (uint8_t *)(uintptr_t)record->body;
    wire.origin = (char *)(uintptr_t)(record->origin ? record->origin : "");
    wire.wall_us = record->wall_us;
    Xw__LiveRecord live = XW__LIVE_RECORD__INIT;
    live.record = &wire;
    Xw__LiveMessage message = XW__LIVE_MESSAGE__INIT;
    message.body_case = XW__LIVE_MESSAGE__BODY_RECORD;
    message.record = &live;
    return hub_message_pack(&message);
}

static uint8_t *push(struct xw_hub_stream *stream, uint8_t tag, size_t size, uint64_t first,
                     uint64_t end)
{
    uint8_t head[1 + XW_VARINT64_MAX_N_BYTES];
    head[0] = tag;
    size_t head_n = 1 + xw_varint_put(head + 1, size);
    if (size > UINT32_MAX - sizeof(head))
        return NULL;
    uint8_t *room = xw_hub_ring_push(&stream->ring, (uint32_t)(head_n + size), first, end);
    if (!room)
        return NULL;
    memcpy(room, head, head_n);
    return room + head_n;
}

/* Browsers get coding 0 only. */
static int recode(const struct xw_hub_stream *stream, const struct xw_store_block *block,
                  uint8_t **ret_data, size_t *ret_size)
{
    size_t channels_n = stream->channels_n, count_n = block->count;
    if (!xw_block_shape_ok(channels_n, count_n))
        return -EBADMSG;
    size_t bound = xw_block_bound(channels_n, count_n);
    xw_autofree int32_t *x = malloc(channels_n * count_n * sizeof(*x));
    xw_autofree uint8_t *data = malloc(bound);
    if (!x || !data)
        return -ENOMEM;
    int r = xw_block_decode((enum xw_coding)block->coding, block->data, block->size, channels_n,
                            count_n, x);
    if (r < 0)
        return r; /* cppcheck-suppress memleak ; data is xw_autofree */
    r = xw_block_encode(XW_CODING_DELTA, x, channels_n, count_n, data, bound);
    if (r < 0)
        return r; /* cppcheck-suppress memleak ; data is xw_autofree */
    *ret_size = (size_t)r;
    *ret_data = XW_STEAL(data);
    return 0;
}

int hub_message_push_block(struct xw_hub_stream *stream, const struct xw_store_block *block)
{
    xw_autofree uint8_t *recoded = NULL;
    const uint8_t *data = block->data;
    size_t size = block->size;
    if (block->coding != XW_CODING_DELTA) {
        int r = recode(stream, block, &recoded, &size);
        if (r < 0)
            return r;
        data = recoded;
    }
    Xw__Block wire = XW__BLOCK__INIT;
    wire.stream_id.len = sizeof(stream->id.b);
    wire.stream_id.data = stream->id.b;
    wire.first = block->first;
    wire.count = block->count;
    wire.crc32c = block->crc32c;
    wire.data.len = size;
    wire.data.data = (uint8_t *)(uintptr_t)data;
    uint8_t *room = push(stream, TAG_BLOCKS, xw__block__get_packed_size(&wire), block->first,
                         block->first + block->count);
    if (!room)
        return -ENOSPC;
    xw__block__pack(&wire, room);
    return 0;
}

int hub_message_push_gap(struct xw_hub_stream *stream, const struct xw_store_gap *gap)
{
    Xw__Gap wire = XW__GAP__INIT;
    wire.stream_id.len = sizeof(stream->id.b);
    wire.stream_id.data = stream->id.b;
    wire.first = gap->range.first;
    wire.count = gap->range.end - gap->range.first;
    wire.reason = (Xw__GapReason)gap->reason;
    uint8_t *room =
        push(stream, TAG_GAPS, xw__gap__get_packed_size(&wire), gap->range.first, gap->range.end);
    if (!room)
        return -ENOSPC;
    xw__gap__pack(&wire, room);
    return 0;
}
