/* Objects, our half as sender: offers, windows, chunks. Receiving is object_in.c. */
#include "link/object_in.h"

#include <string.h>

#include "base/metrics.h"

XW_COUNTER(objects_sent, "xw_link_objects_sent_total", NULL,
           "objects that the peer holds verified");
XW_COUNTER(objects_failed, "xw_link_objects_failed_total", NULL,
           "objects given up after three tries");

enum { TRIES_MAX = 3, BULK_QUEUED_MAX_N_BYTES = 64 * 1024 };

struct read_op {
    struct xw_objects *objects;
    struct xw_life *life;
    uint8_t sha256[32];
    uint64_t session, generation;
};

void xw_objects_init(struct xw_objects *objects, struct xw_life *life, struct xw_store *store,
                     struct xw_lanes *lanes, const struct xw_clock *clock)
{
    *objects = (struct xw_objects){.life = life,
                                   .store = store,
                                   .lanes = lanes,
                                   .clock = clock,
                                   .piece_n_bytes = XW_OBJECT_PIECE_N_BYTES};
}

void xw_objects_done(struct xw_objects *objects)
{
    while (objects->out) {
        struct xw_object_out *o = objects->out;
        objects->out = o->next;
        free(o);
    }
    xw_objects_in_clear(objects);
}

static struct xw_object_out *find(const struct xw_objects *objects, const uint8_t *sha256)
{
    for (struct xw_object_out *o = objects->out; o; o = o->next)
        if (!memcmp(o->object.sha256, sha256, 32))
            return o;
    return NULL;
}

static void finish(struct xw_objects *objects, struct xw_object_out *done, int status)
{
    for (struct xw_object_out **at = &objects->out; *at; at = &(*at)->next)
        if (*at == done) {
            *at = done->next;
            break;
        }
    objects->out_n--;
    xw_counter_add(status < 0 ? &objects_failed : &objects_sent, 1);
    if (objects->on_sent)
        objects->on_sent(objects->sent_user, done->object.sha256, status);
    free(done);
}

int xw_objects_offer(struct xw_objects *objects, const uint8_t sha256[32])
{
    struct xw_store_object object;
    if (find(objects, sha256))
        return 0;
    if (objects->out_n >= XW_OBJECTS_MAX)
        return -EAGAIN;
    int r = xw_store_object(objects->store, sha256, &object);
    if (r < 0 || !object.verified)
        return r < 0 ? r : -ENOENT;
    struct xw_object_out *o = calloc(1, sizeof(*o)), **at = &objects->out;
    if (!o)
        return -ENOMEM;
    o->object = object;
    while (*at)
        at = &(*at)->next;
    *at = o;
    objects->out_n++;
    xw_objects_step(objects);
    return 0;
}

void xw_objects_again(struct xw_objects *objects)
{
    for (struct xw_object_out *o = objects->out; o; o = o->next) {
        o->offered = o->wanted = o->reading = false;
        o->generation++;
    }
}

void xw_objects_begin(struct xw_objects *objects)
{
    objects->session++;
    objects->active = true;
    xw_objects_again(objects);
    xw_objects_step(objects);
}

void xw_objects_stop(struct xw_objects *objects)
{
    objects->session++;
    objects->active = false;
    xw_objects_again(objects);
    xw_objects_in_clear(objects);
}

static int send_offer(struct xw_objects *objects, struct xw_object_out *o)
{
    Xw__ObjectOffer offer = XW__OBJECT_OFFER__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    offer.sha256 = (ProtobufCBinaryData){32, o->object.sha256};
    offer.size = o->object.size;
    offer.media_type = o->object.media_type;
    message.body_case = XW__LINK_MESSAGE__BODY_OBJECT_OFFER;
    message.object_offer = &offer;
    return xw_lanes_raw(objects->lanes, XW__LANE__LANE_BULK, xw_clock_mono(objects->clock).us,
                        &message);
}

static int send_chunk(struct xw_objects *objects, struct xw_object_out *o, const void *data,
                      size_t size)
{
    Xw__ObjectChunk chunk = XW__OBJECT_CHUNK__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    chunk.sha256 = (ProtobufCBinaryData){32, o->object.sha256};
    chunk.offset = o->sent;
    chunk.data = (ProtobufCBinaryData){size, (uint8_t *)(uintptr_t)data};
    message.body_case = XW__LINK_MESSAGE__BODY_OBJECT_CHUNK;
    message.object_chunk = &chunk;
    return xw_lanes_raw(objects->lanes, XW__LANE__LANE_BULK, xw_clock_mono(objects->clock).us,
                        &message);
}

static void on_read(void *user, int status, const void *data, size_t size)
{
    struct read_op *op = user;
    struct xw_objects *objects = op->objects;
    if (!op->life->dead && objects->session == op->session) {
        struct xw_object_out *o = find(objects, op->sha256);
        if (o && o->generation == op->generation) {
            o->reading = false;
            if (status < 0 && status != -EAGAIN)
                finish(objects, o, status);
            else if (status >= 0 && size && send_chunk(objects, o, data, size) >= 0) {
                o->sent += size;
                o->sent_most = XW_MAX(o->sent_most, o->sent);
            }
            if (objects->on_queued)
                objects->on_queued(objects->user);
            if (status >= 0)
                xw_objects_step(objects);
        }
    }
    xw_life_unref(op->life);
    free(op);
}

static void read_piece(struct xw_objects *objects, struct xw_object_out *o)
{
    struct read_op *op = malloc(sizeof(*op));
    if (!op)
        return;
    *op = (struct read_op){.objects = objects,
                           .life = objects->life,
                           .session = objects->session,
                           .generation = o->generation};
    memcpy(op->sha256, o->object.sha256, 32);
    if (xw_store_object_read(objects->store, op->sha256, o->sent, objects->piece_n_bytes, on_read,
                             op) < 0) {
        free(op);
        return;
    }
    xw_life_ref(objects->life);
    o->reading = true;
}

void xw_objects_step(struct xw_objects *objects)
{
    if (!objects->active)
        return;
    xw_objects_in_step(objects);
    for (struct xw_object_out *o = objects->out; o; o = o->next) {
        if (objects->lanes->lane[XW__LANE__LANE_BULK].bytes > BULK_QUEUED_MAX_N_BYTES)
            return;
        if (!o->offered)
            o->offered = send_offer(objects, o) >= 0;
        else if (o->wanted && !o->reading && o->sent < o->object.size &&
                 o->sent + objects->piece_n_bytes <= o->acked + o->window)
            read_piece(objects, o);
    }
}

static int refuse(struct xw_wire_fault *ret_fault, const char *text)
{
    *ret_fault = (struct xw_wire_fault){XW__LINK_FAULT__LINK_FAULT_STATE, text};
    return -EPROTO;
}

static int on_want(struct xw_objects *objects, const Xw__ObjectWant *want,
                   struct xw_wire_fault *ret_fault)
{
    struct xw_object_out *o = find(objects, want->sha256.data);
    if (!o)
        return 0; /* done before: the answer to an offer made twice */
    if (want->offset > o->object.size)
        return refuse(ret_fault, "object_want: beyond its size");
    if (want->offset == o->object.size) {
        finish(objects, o, 0);
        return 0;
    }
    o->wanted = true;
    o->reading = false;
    o->generation++;
    o->sent = o->acked = want->offset;
    o->window = want->window_bytes ? want->window_bytes : XW_OBJECT_WINDOW_UNSAID_N_BYTES;
    o->window = XW_MIN(XW_MAX(o->window, (uint64_t)XW_OBJECT_PIECE_N_BYTES),
                       (uint64_t)XW_OBJECT_WINDOW_MAX_N_BYTES);
    return 0;
}

static int on_ack(struct xw_objects *objects, const Xw__ObjectAck *ack,
                  struct xw_wire_fault *ret_fault)
{
    struct xw_object_out *o = find(objects, ack->sha256.data);
    if (!o || !o->wanted)
        return 0;
    if (ack->upto > XW_MAX(o->sent, o->sent_most))
        return refuse(ret_fault, "object_ack: beyond what was sent");
    if (ack->verified) {
        finish(objects, o, 0);
        return 0;
    }
    if (!*ack->error) {
        o->acked = XW_MAX(o->acked, ack->upto);
        if (ack->upto > o->sent) { /* came in before a socket died, became durable after the want */
            o->sent = ack->upto;
            o->reading = false;
            o->generation++;
        }
        return 0;
    }
    if (++o->tries >= TRIES_MAX) {
        finish(objects, o, -EBADMSG);
        return 0;
    }
    o->reading = false;
    o->generation++;
    o->sent = o->acked = ack->upto;
    return 0;
}

int xw_objects_message(struct xw_objects *objects, const struct xw_conn *conn,
                       const Xw__LinkMessage *message, size_t n_bytes,
                       struct xw_wire_fault *ret_fault)
{
    int r;
    switch (message->body_case) {
    case XW__LINK_MESSAGE__BODY_OBJECT_WANT:
        r = on_want(objects, message->object_want, ret_fault);
        break;
    case XW__LINK_MESSAGE__BODY_OBJECT_ACK:
        r = on_ack(objects, message->object_ack, ret_fault);
        break;
    case XW__LINK_MESSAGE__BODY_OBJECT_OFFER:
        return xw_objects_in_offer(objects, message->object_offer, ret_fault);
    default:
        return xw_objects_in_chunk(objects, conn, message->object_chunk, n_bytes, ret_fault);
    }
    if (r >= 0)
        xw_objects_step(objects);
    return r;
}
