/* Makes one message out of what waits at the head of a lane. */
#include "link/lane.h"

#include "base/metrics.h"
#include "link/lane_scratch.h"

XW_COUNTER(sent_messages, "xw_link_sent_messages_total", NULL, "messages built from lanes");
XW_COUNTER(sent_blocks, "xw_link_sent_blocks_total", NULL, "blocks handed to sockets");
XW_COUNTER(sent_records, "xw_link_sent_records_total", NULL, "records handed to sockets");

enum { MESSAGE_OVERHEAD_N_BYTES = 32 };

static void put_block(struct xw_lanes_scratch *s, size_t at, struct xw_item *item)
{
    Xw__Block *b = &s->block[at];
    xw__block__init(b);
    b->stream_id = (ProtobufCBinaryData){sizeof(item->stream.b), item->stream.b};
    b->first = item->range.first;
    b->count = (uint32_t)(item->range.end - item->range.first);
    b->coding = item->u.block.coding;
    b->crc32c = item->u.block.crc32c;
    b->data = (ProtobufCBinaryData){item->size, item->data};
    s->blocks[at] = b;
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

/* How many items from the head go into one message. */
static size_t run_n(const struct xw_lane *lane, size_t max_n_bytes)
{
    size_t n = 1, bytes = MESSAGE_OVERHEAD_N_BYTES + lane->head->bytes;
    if (lane->head->kind == XW_ITEM_RAW)
        return 1;
    for (const struct xw_item *i = lane->head->next; i && n < XW_LANE_COALESCE_MAX; i = i->next) {
        bytes += i->bytes;
        if (bytes > max_n_bytes || !same_message(lane->head, i))
            break;
        n++;
    }
    return n;
}

static int write_items(struct xw_lanes *lanes, unsigned lane, size_t n, struct xw_buf *ret_buf)
{
    if (!lanes->scratch && !(lanes->scratch = malloc(sizeof(*lanes->scratch))))
        return -ENOMEM;
    struct xw_lanes_scratch *s = lanes->scratch;
    size_t blocks_n = 0, gaps_n = 0, records_n = 0;
    struct xw_item *item = lanes->lane[lane].head;
    for (size_t i = 0; i < n; i++, item = item->next) {
        if (item->kind == XW_ITEM_BLOCK)
            put_block(s, blocks_n++, item);
        else if (item->kind == XW_ITEM_GAP)
            put_gap(s, gaps_n++, item);
        else
            put_record(s, records_n++, item);
    }
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    Xw__Blocks blocks = XW__BLOCKS__INIT;
    Xw__Records records = XW__RECORDS__INIT;
    if (records_n) {
        records.lane = (Xw__Lane)lane;
        records.log_id = (ProtobufCBinaryData){sizeof(lanes->log_id.b), lanes->log_id.b};
        records.records = s->records;
        records.n_records = records_n;
        message.body_case = XW__LINK_MESSAGE__BODY_RECORDS;
        message.records = &records;
    } else {
        blocks.lane = (Xw__Lane)lane;
        blocks.blocks = s->blocks;
        blocks.n_blocks = blocks_n;
        blocks.gaps = s->gaps;
        blocks.n_gaps = gaps_n;
        message.body_case = XW__LINK_MESSAGE__BODY_BLOCKS;
        message.blocks = &blocks;
    }
    int r = xw_wire_write(&message, ret_buf);
    if (r < 0)
        return r;
    xw_counter_add(&sent_blocks, blocks_n);
    xw_counter_add(&sent_records, records_n);
    return 0;
}

int xw_lanes_take(struct xw_lanes *lanes, unsigned lane, unsigned role, size_t max_n_bytes,
                  struct xw_buf *ret_buf)
{
    struct xw_lane *l = &lanes->lane[lane];
    if (!l->head)
        return -EAGAIN;
    size_t n = run_n(l, max_n_bytes), before = ret_buf->n;
    int r = l->head->kind == XW_ITEM_RAW ? xw_buf_append(ret_buf, l->head->data, l->head->size)
                                         : write_items(lanes, lane, n, ret_buf);
    if (r < 0)
        return r;
    for (size_t i = 0; i < n; i++) {
        if (l->head->ledger)
            xw_ledger_sent(l->head->ledger, role, l->head->range);
        xw_lane_pop(l);
    }
    xw_counter_add(&sent_messages, 1);
    xw_lanes_share(lanes, lane, ret_buf->n - before);
    return 0;
}
