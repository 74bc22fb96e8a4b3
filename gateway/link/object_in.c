/* Objects, our half as receiver: how much is held, chunks in order into the store, verified at the
 * end. Chunks that come while a write is out gather in a buffer no larger than the sender's window.
 */
#include "link/object_in.h"

#include <stdio.h>
#include <string.h>

#include "base/metrics.h"

XW_COUNTER(objects_in, "xw_link_objects_received_total", NULL, "objects received and verified");
XW_COUNTER(objects_refused, "xw_link_objects_refused_total", NULL,
           "pieces of objects that the store refused; asked for again");

enum { REFUSED_US = 1000000 }; /* until it is asked for again */

static struct xw_object_in *find(const struct xw_objects *objects, const uint8_t *sha256)
{
    for (struct xw_object_in *i = objects->in; i; i = i->next)
        if (!memcmp(i->sha256, sha256, 32))
            return i;
    return NULL;
}

static void unlink_in(struct xw_objects *objects, const struct xw_object_in *in)
{
    for (struct xw_object_in **at = &objects->in; *at; at = &(*at)->next)
        if (*at == in) {
            *at = in->next;
            objects->in_n--;
            return;
        }
}

static void free_in(struct xw_object_in *in)
{
    xw_buf_done(&in->buf);
    free(in);
}

void xw_objects_in_clear(struct xw_objects *objects)
{
    while (objects->in) {
        struct xw_object_in *in = objects->in;
        objects->in = in->next;
        in->objects = NULL;
        if (!in->writing)
            free_in(in);
    }
    objects->in_n = 0;
}

static void send_want(struct xw_objects *objects, const uint8_t *sha256, uint64_t offset)
{
    Xw__ObjectWant want = XW__OBJECT_WANT__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    want.sha256 = (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)sha256};
    want.offset = offset;
    want.window_bytes = XW_OBJECT_WINDOW_N_BYTES;
    message.body_case = XW__LINK_MESSAGE__BODY_OBJECT_WANT;
    message.object_want = &want;
    objects->send(objects->user, &message);
}

static void send_ack(struct xw_objects *objects, const uint8_t *sha256, uint64_t upto,
                     bool verified, const char *error)
{
    Xw__ObjectAck ack = XW__OBJECT_ACK__INIT;
    Xw__LinkMessage message = XW__LINK_MESSAGE__INIT;
    ack.sha256 = (ProtobufCBinaryData){32, (uint8_t *)(uintptr_t)sha256};
    ack.upto = upto;
    ack.verified = verified;
    ack.error = (char *)(uintptr_t)error;
    message.body_case = XW__LINK_MESSAGE__BODY_OBJECT_ACK;
    message.object_ack = &ack;
    objects->send(objects->user, &message);
}

int xw_objects_in_offer(struct xw_objects *objects, const Xw__ObjectOffer *offer,
                        struct xw_wire_fault *ret_fault)
{
    struct xw_store_object object;
    uint64_t held = 0;
    if (xw_store_object(objects->store, offer->sha256.data, &object) >= 0) {
        if (object.verified) {
            send_want(objects, offer->sha256.data, offer->size);
            return 0;
        }
        held = object.held < offer->size ? object.held : 0;
    }
    struct xw_object_in *in = find(objects, offer->sha256.data);
    if (in && in->writing) {
        in->want_due = true; /* how far it is held is known when the write is done */
        return 0;
    }
    if (!in && objects->in_n >= XW_OBJECTS_MAX) {
        *ret_fault = (struct xw_wire_fault){XW__LINK_FAULT__LINK_FAULT_LIMIT, "too many objects"};
        return -EPROTO;
    }
    if (!in) {
        in = calloc(1, sizeof(*in));
        if (!in)
            return 0; /* not answered: it is offered again in the next session */
        in->objects = objects;
        in->life = objects->life;
        memcpy(in->sha256, offer->sha256.data, 32);
        xw_buf_init(&in->buf, XW_OBJECT_WINDOW_N_BYTES + XW_LINK_CHUNK_MAX_N_BYTES);
        in->next = objects->in;
        objects->in = in;
        objects->in_n++;
    }
    in->size = offer->size;
    snprintf(in->media_type, sizeof(in->media_type), "%s", offer->media_type);
    in->held = in->next_offset = held;
    in->hole_asked = false;
    in->again_us = 0;
    xw_buf_clear(&in->buf);
    send_want(objects, in->sha256, held);
    return 0;
}

static void write_on(struct xw_object_in *in);

/* A full disk says nothing about the object: it is not the sender's error, which would give up
 * after three. Nothing is acknowledged, and when there may be room it is asked for again. */
static void refused(struct xw_object_in *in)
{
    struct xw_objects *objects = in->objects;
    struct xw_store_object object;
    xw_counter_add(&objects_refused, 1);
    objects->settled(objects->user, in->conn_id, in->owed_n_bytes);
    in->owed_n_bytes = 0;
    xw_buf_clear(&in->buf);
    if (xw_store_object(objects->store, in->sha256, &object) >= 0)
        in->held = object.held;
    in->next_offset = in->held;
    in->want_due = false;
    in->again_us = xw_clock_mono(objects->clock).us + REFUSED_US;
}

void xw_objects_in_step(struct xw_objects *objects)
{
    int64_t now_us = xw_clock_mono(objects->clock).us;
    for (struct xw_object_in *in = objects->in; in; in = in->next) {
        if (!in->again_us || now_us < in->again_us)
            continue;
        in->again_us = 0;
        send_want(objects, in->sha256, in->held);
    }
}

static void on_written(void *user, int status, const struct xw_store_object *object)
{
    struct xw_object_in *in = user;
    struct xw_objects *objects = in->objects;
    struct xw_life *life = in->life;
    in->writing = false;
    if (!objects || life->dead) {
        if (!objects)
            free_in(in);
        xw_life_unref(life);
        return;
    }
    objects->settled(objects->user, in->conn_id, in->writing_owed_n_bytes);
    if (status == -EBADMSG) {
        in->held = in->next_offset = 0;
        objects->settled(objects->user, in->conn_id, in->owed_n_bytes);
        in->owed_n_bytes = 0;
        xw_buf_clear(&in->buf);
        send_ack(objects, in->sha256, 0, false, "the SHA-256 is another");
    } else if (status < 0) {
        refused(in);
    } else {
        in->held = object->held;
        send_ack(objects, in->sha256, in->held, object->verified, "");
        if (object->verified) {
            xw_counter_add(&objects_in, 1);
            unlink_in(objects, in);
            free_in(in);
            xw_life_unref(life);
            return;
        }
    }
    if (in->want_due) {
        in->want_due = false;
        in->next_offset = in->held;
        xw_buf_clear(&in->buf);
        send_want(objects, in->sha256, in->held);
    }
    write_on(in);
    xw_life_unref(life);
}

static void write_on(struct xw_object_in *in)
{
    struct xw_objects *objects = in->objects;
    if (in->writing || !in->buf.n)
        return;
    int r = xw_store_object_write(objects->store, in->sha256, in->size, in->media_type, in->held,
                                  in->buf.data, in->buf.n, on_written, in);
    in->writing_owed_n_bytes = in->owed_n_bytes;
    in->owed_n_bytes = 0;
    xw_buf_clear(&in->buf);
    if (r < 0) {
        objects->settled(objects->user, in->conn_id, in->writing_owed_n_bytes);
        refused(in);
        return;
    }
    in->writing = true;
    xw_life_ref(in->life);
}

/* Chunks went over two sockets, as after one of them came back, and one overtook another: what is
 * missing is asked for once, from what is held. */
static void ask_again(struct xw_object_in *in)
{
    if (in->hole_asked)
        return;
    in->hole_asked = true;
    if (in->writing) {
        in->want_due = true; /* how far it is held is known when the write is done */
        return;
    }
    in->next_offset = in->held;
    xw_buf_clear(&in->buf);
    send_want(in->objects, in->sha256, in->held);
}

int xw_objects_in_chunk(struct xw_objects *objects, const struct xw_conn *conn,
                        const Xw__ObjectChunk *chunk, size_t n_bytes,
                        struct xw_wire_fault *ret_fault)
{
    struct xw_object_in *in = find(objects, chunk->sha256.data);
    bool waits = in && (in->want_due || in->again_us);
    bool hole = in && !waits && chunk->offset > in->next_offset;
    /* Here already: on its way while it began again from elsewhere. */
    if (!in || waits || hole || chunk->data.len <= in->next_offset - chunk->offset) {
        objects->settled(objects->user, conn->id, n_bytes);
        if (hole)
            ask_again(in);
        return 0;
    }
    size_t had = (size_t)(in->next_offset - chunk->offset), n = chunk->data.len - had;
    in->hole_asked = false;
    if (n > in->size - in->next_offset || xw_buf_append(&in->buf, chunk->data.data + had, n) < 0) {
        *ret_fault = (struct xw_wire_fault){XW__LINK_FAULT__LINK_FAULT_STATE,
                                            "object_chunk: beyond its size or window"};
        return -EPROTO;
    }
    in->next_offset += n;
    if (in->conn_id != conn->id) {
        objects->settled(objects->user, in->conn_id, in->owed_n_bytes);
        in->owed_n_bytes = 0;
        in->conn_id = conn->id;
    }
    in->owed_n_bytes += n_bytes;
    write_on(in);
    return 0;
}
