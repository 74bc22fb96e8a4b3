/* Lanes: the queues and the choice between them. Messages are built in lane_take.c. */
#include "link/lane.h"

#include <string.h>

#include "base/metrics.h"
#include "link/lane_scratch.h"

XW_COUNTER(lane_refused, "xw_link_lane_refused_total", NULL, "things refused by a full lane");
XW_COUNTER(lane_late, "xw_link_lane_late_total", NULL, "things that waited too long in a lane");

enum {
    BLOCK_OVERHEAD_N_BYTES = 58, /* with all indices at their largest */
    GAP_N_BYTES = 48,
    RECORD_OVERHEAD_N_BYTES = 56,
    SHARE_FRAME_N_BYTES = 4096, /* earned before a waiting lane is let in */
    EARNED_MAX_N_BYTES = 16 * 1024,
};

static const size_t lane_max[XW_LANES_N] = {
    [XW__LANE__LANE_ALARM] = 1024 * 1024, [XW__LANE__LANE_LIVE] = 8 * 1024 * 1024,
    [XW__LANE__LANE_STUDY] = 1024 * 1024, [XW__LANE__LANE_BACKFILL] = 1024 * 1024,
    [XW__LANE__LANE_VIDEO] = 1024 * 1024, [XW__LANE__LANE_BULK] = 512 * 1024,
};
/* Per mille of the bytes that other lanes send. */
static const size_t lane_share[XW_LANES_N] = {0, 0, 50, 30, 30, 10};

void xw_lanes_init(struct xw_lanes *lanes)
{
    *lanes = (struct xw_lanes){0};
    for (unsigned i = 0; i < XW_LANES_N; i++) {
        lanes->lane[i].tail = &lanes->lane[i].head;
        lanes->lane[i].bytes_max = lane_max[i];
    }
}

void xw_lane_pop(struct xw_lane *lane)
{
    struct xw_item *item = lane->head;
    lane->head = item->next;
    if (!lane->head)
        lane->tail = &lane->head;
    lane->bytes -= item->bytes;
    lane->n--;
    free(item);
}

void xw_lanes_clear(struct xw_lanes *lanes)
{
    for (unsigned i = 0; i < XW_LANES_N; i++) {
        while (lanes->lane[i].head)
            xw_lane_pop(&lanes->lane[i]);
        lanes->lane[i].earned = 0;
    }
}

void xw_lanes_done(struct xw_lanes *lanes)
{
    xw_lanes_clear(lanes);
    free(lanes->scratch);
    lanes->scratch = NULL;
}

/* A new item with room for `size` data bytes, or NULL when the lane is full. */
static struct xw_item *item_new(struct xw_lane *lane, enum xw_item_kind kind, int64_t now_us,
                                size_t size, size_t bytes, int *ret_error)
{
    if (lane->bytes + bytes > lane->bytes_max) {
        lane->refused_n++;
        xw_counter_add(&lane_refused, 1);
        *ret_error = -EAGAIN;
        return NULL;
    }
    struct xw_item *item = malloc(sizeof(*item) + size);
    if (!item) {
        *ret_error = -ENOMEM;
        return NULL;
    }
    memset(item, 0, sizeof(*item));
    item->kind = kind;
    item->since_us = now_us;
    item->bytes = bytes;
    item->size = size;
    return item;
}

static void push(struct xw_lane *lane, struct xw_item *item)
{
    *lane->tail = item;
    lane->tail = &item->next;
    lane->bytes += item->bytes;
    lane->n++;
    if (item->ledger)
        xw_ledger_queued(item->ledger, item->range);
}

int xw_lanes_block(struct xw_lanes *lanes, unsigned lane, int64_t now_us, struct xw_ledger *ledger,
                   const struct xw_store_block *block)
{
    int r = 0;
    struct xw_item *item = item_new(&lanes->lane[lane], XW_ITEM_BLOCK, now_us, block->size,
                                    block->size + BLOCK_OVERHEAD_N_BYTES, &r);
    if (!item)
        return r;
    item->ledger = ledger;
    item->stream = block->stream;
    item->range = (struct xw_range){block->first, block->first + block->count};
    item->u.block.coding = block->coding;
    item->u.block.crc32c = block->crc32c;
    memcpy(item->data, block->data, block->size);
    push(&lanes->lane[lane], item);
    return 0;
}

int xw_lanes_gap(struct xw_lanes *lanes, unsigned lane, int64_t now_us, struct xw_ledger *ledger,
                 const struct xw_store_gap *gap)
{
    int r = 0;
    struct xw_item *item = item_new(&lanes->lane[lane], XW_ITEM_GAP, now_us, 0, GAP_N_BYTES, &r);
    if (!item)
        return r;
    item->ledger = ledger;
    item->stream = gap->stream;
    item->range = gap->range;
    item->u.gap.reason = gap->reason;
    push(&lanes->lane[lane], item);
    return 0;
}

int xw_lanes_record(struct xw_lanes *lanes, unsigned lane, int64_t now_us, struct xw_ledger *ledger,
                    uint64_t seq, const struct xw_store_record *record)
{
    int r = 0;
    size_t origin_size = strlen(record->origin) + 1;
    size_t size = record->key_size + record->body_size + origin_size;
    struct xw_item *item = item_new(&lanes->lane[lane], XW_ITEM_RECORD, now_us, size,
                                    size + RECORD_OVERHEAD_N_BYTES, &r);
    if (!item)
        return r;
    item->ledger = ledger;
    item->range = (struct xw_range){seq, seq + 1};
    item->u.record.revision = record->revision;
    item->u.record.kind = record->kind;
    item->u.record.key_size = record->key_size;
    item->u.record.body_size = record->body_size;
    item->u.record.origin_size = origin_size;
    item->u.record.wall_us = record->wall_us;
    memcpy(item->data, record->key, record->key_size);
    if (record->body_size)
        memcpy(item->data + record->key_size, record->body, record->body_size);
    memcpy(item->data + record->key_size + record->body_size, record->origin, origin_size);
    push(&lanes->lane[lane], item);
    return 0;
}

int xw_lanes_raw(struct xw_lanes *lanes, unsigned lane, int64_t now_us,
                 const Xw__LinkMessage *message)
{
    int r = 0;
    size_t size = xw__link_message__get_packed_size(message);
    struct xw_item *item = item_new(&lanes->lane[lane], XW_ITEM_RAW, now_us, size, size, &r);
    if (!item)
        return r;
    xw__link_message__pack(message, item->data);
    push(&lanes->lane[lane], item);
    return 0;
}

size_t xw_lanes_expire(struct xw_lanes *lanes, unsigned lane, int64_t now_us, int64_t max_us)
{
    struct xw_lane *l = &lanes->lane[lane];
    size_t dropped_n = 0;
    while (l->head && now_us - l->head->since_us > max_us) {
        if (l->head->ledger)
            xw_ledger_dropped(l->head->ledger, l->head->range);
        xw_lane_pop(l);
        dropped_n++;
    }
    l->late_n += dropped_n;
    xw_counter_add(&lane_late, dropped_n);
    return dropped_n;
}

void xw_lanes_drop(struct xw_lanes *lanes, unsigned lane, struct xw_ledger *ledger)
{
    struct xw_lane *l = &lanes->lane[lane];
    struct xw_item **at = &l->head;
    while (*at) {
        struct xw_item *item = *at;
        if (item->ledger != ledger) {
            at = &item->next;
            continue;
        }
        xw_ledger_dropped(ledger, item->range);
        *at = item->next;
        l->bytes -= item->bytes;
        l->n--;
        free(item);
    }
    l->tail = at;
}

int64_t xw_lanes_age_us(const struct xw_lanes *lanes, unsigned lane, int64_t now_us)
{
    const struct xw_item *head = lanes->lane[lane].head;
    return head ? now_us - head->since_us : 0;
}

int xw_lanes_next(const struct xw_lanes *lanes, unsigned mask)
{
    int first = -1, earned = -1;
    for (unsigned i = 0; i < XW_LANES_N; i++) {
        if (!(mask & XW_LANE_BIT(i)) || !lanes->lane[i].head)
            continue;
        if (first < 0)
            first = (int)i;
        else if (earned < 0 && lanes->lane[i].earned >= SHARE_FRAME_N_BYTES)
            earned = (int)i;
    }
    return earned >= 0 ? earned : first;
}

void xw_lanes_share(struct xw_lanes *lanes, unsigned lane, size_t sent_n_bytes)
{
    lanes->lane[lane].sent_n_bytes += sent_n_bytes;
    for (unsigned i = 0; i < XW_LANES_N; i++) {
        struct xw_lane *l = &lanes->lane[i];
        if (i == lane)
            l->earned = l->earned > sent_n_bytes ? l->earned - sent_n_bytes : 0;
        else if (l->head)
            l->earned =
                XW_MIN(l->earned + sent_n_bytes * lane_share[i] / 1000, (size_t)EARNED_MAX_N_BYTES);
        else
            l->earned = 0;
    }
}

size_t xw_lanes_head_n_bytes(const struct xw_lanes *lanes, unsigned lane)
{
    return lanes->lane[lane].head ? lanes->lane[lane].head->bytes : 0;
}
