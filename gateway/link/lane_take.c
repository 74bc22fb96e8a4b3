/* Makes one message out of what waits at the head of a lane. */
#include "link/lane.h"

#include "base/metrics.h"
#include "link/lane_scratch.h"

XW_COUNTER(sent_messages, "xw_link_sent_messages_total", NULL, "messages built from lanes");
XW_COUNTER(sent_blocks, "xw_link_sent_blocks_total", NULL, "blocks handed to sockets");
XW_COUNTER(sent_records, "xw_link_sent_records_total", NULL, "records handed to sockets");

enum { MESSAGE_OVERHEAD_N_BYTES = 32 };

struct counts {
    size_t blocks, gaps, records;
};

/* Returns the bytes that it takes in the message, at most. */
static size_t put_block(struct xw_lanes *lanes, size_t at, struct xw_item *item)
{
    struct xw_coder_block coded = {.stream = &item->stream,
                                   .first = item->range.first,
                                   .count = (uint32_t)(item->range.end - item->range.first),
                                   .coding = item->u.block.coding,
                                   .data = item->data,
                                   .n_bytes = item->size};
    if (lanes->coder)
        xw_coder_put(lanes->coder, &coded);
    Xw__Block *b = &lanes->scratch->block[at];
    xw__block__init(b);
    b->stream_id = (ProtobufCBinaryData){sizeof(item->stream.b), item->stream.b};
    b->first = coded.first;
    b->count = coded.count;
    b->coding = coded.coding;
    b->key_first = coded.key_first;
    b->crc32c = item->u.block.crc32c;
    b->data = (ProtobufCBinaryData){coded.n_bytes, coded.data};
    lanes->scratch->blocks[at] = b;
    return item->bytes - (item->size - coded.n_bytes);
}

static void put_gap(struct xw_lanes_scratch *s, size_t at, struct xw_item *item)
{
    Xw__Gap *g = &s->gap[at];
    xw__gap__init(g);
    g->stream_id = (ProtobufCBinaryData){sizeof(item->stream.b), item->stream.b};
    g->first = item->range.first;
    g->count = item->range.end - item->range.first;
    g->reason = (Xw__GapReason)item->u.gap.reason;
    s->gaps[at] = g;
}

static void put_record(struct xw_lanes_scratch *s, size_t at, struct xw_item *item)
{
    Xw__Record *r = &s->record[at];
    xw__record__init(r);
    uint8_t *body = item->data + item->u.record.key_size;
    r->key = (ProtobufCBinaryData){item->u.record.key_size, item->data};
    r->revision = item->u.record.revision;
    r->kind = (Xw__RecordKind)item->u.record.kind;
    r->body = (ProtobufCBinaryData){item->u.record.body_size, body};
    r->origin = (char *)(body + item->u.record.body_size);
    r->wall_us = item->u.record.wall_us;
    xw__logged_record__init(&s->logged[at]);
    s->logged[at].seq = item->range.first;
    s->logged[at].record = r;
    s->records[at] = &s->logged[at];
}

static bool same_message(const struct xw_item *head, const struct xw_item *item)
{
    bool records = head->kind == XW_ITEM_RECORD;
    return item->kind != XW_ITEM_RAW && (item->kind == XW_ITEM_RECORD) == records;
}

/* The county takes a message's gaps behind its blocks. What is live is told to those who watch in
 * its order, so a gap there ends the message for the blocks behind it. */
static bool out_of_order(unsigned lane, const struct counts *n, const struct xw_item *item)
{
    return lane <= XW__LANE__LANE_LIVE && n->gaps && item->kind == XW_ITEM_BLOCK;
}

/* Puts items from the head into the scratch message, as many as fit; returns how many. What a block
 * comes to is known when it is coded, so the next one is measured as it waits: it can only shrink.
 */
static size_t put_items(struct xw_lanes *lanes, unsigned lane, size_t max_n_bytes,
                        struct counts *ret_n)
{
    struct xw_lanes_scratch *s = lanes->scratch;
    struct xw_item *head = lanes->lane[lane].head, *item = head;
    size_t n = 0, bytes = MESSAGE_OVERHEAD_N_BYTES;
    for (; item && n < XW_LANE_COALESCE_MAX; item = item->next, n++) {
        if (n && (bytes + item->bytes > max_n_bytes || !same_message(head, item) ||
                  out_of_order(lane, ret_n, item) ||
                  (lanes->coder && xw_coder_full(lanes->coder, item->size))))
            break;
        size_t takes = item->bytes;
        if (item->kind == XW_ITEM_BLOCK)
            takes = put_block(lanes, ret_n->blocks++, item);
        else if (item->kind == XW_ITEM_GAP)
            put_gap(s, ret_n->gaps++, item);
        else
            put_record(s, ret_n->records++, item);
        bytes += takes;
    }
    return n;
}

/* Writes one message; returns how many items are in it, or an error. */
static int write_items(struct xw_lanes *lanes, unsigned lane, unsigned role, size_t max_n_bytes,
                       struct xw_buf *ret_buf)
{
    if (!lanes->scratch && !(lanes->scratch = malloc(sizeof(*lanes->scratch))))
        return -ENOMEM;
    struct xw_lanes_scratch *s = lanes->scratch;
    struct counts in = {0};
    if (lanes->coder)
        xw_coder_begin(lanes->coder, role, lane <= XW__LANE__LANE_LIVE);
    size_t n = put_items(lanes, lane, max_n_bytes, &in);
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    Xw__Blocks blocks = XW__BLOCKS__INIT;
    Xw__Records records = XW__RECORDS__INIT;
    if (in.records) {
        records.lane = (Xw__Lane)lane;
        records.log_id = (ProtobufCBinaryData){sizeof(lanes->log_id.b), lanes->log_id.b};
        records.records = s->records;
        records.n_records = in.records;
        message.body_case = XW__LINK_MESSAGE__BODY_RECORDS;
        message.records = &records;
    } else {
        blocks.lane = (Xw__Lane)lane;
        blocks.blocks = s->blocks;
        blocks.n_blocks = in.blocks;
        blocks.gaps = s->gaps;
        blocks.n_gaps = in.gaps;
        message.body_case = XW__LINK_MESSAGE__BODY_BLOCKS;
        message.blocks = &blocks;
    }
    int r = xw_wire_write(&message, ret_buf);
    if (r < 0) {
        if (lanes->coder)
            xw_coder_failed(lanes->coder);
        return r;
    }
    xw_counter_add(&sent_blocks, in.blocks);
    xw_counter_add(&sent_records, in.records);
    return (int)n;
}

int xw_lanes_take(struct xw_lanes *lanes, unsigned lane, unsigned role, size_t max_n_bytes,
                  struct xw_buf *ret_buf)
{
    struct xw_lane *l = &lanes->lane[lane];
    if (!l->head)
        return -EAGAIN;
    size_t before = ret_buf->n;
    bool raw = l->head->kind == XW_ITEM_RAW;
    int r = raw ? xw_buf_append(ret_buf, l->head->data, l->head->size)
                : write_items(lanes, lane, role, max_n_bytes, ret_buf);
    if (r < 0)
        return r;
    int n = raw ? 1 : r;
    for (int i = 0; i < n; i++) {
        if (l->head->ledger)
            xw_ledger_sent(l->head->ledger, role, l->head->range);
        xw_lane_pop(l);
    }
    xw_counter_add(&sent_messages, 1);
    xw_lanes_share(lanes, lane, ret_buf->n - before);
    return 0;
}
