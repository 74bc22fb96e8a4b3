/* LinkMessages as bytes: the arena, unpacking, packing and ranges. Checks are in wire_check.c. */
#include "link/wire.h"

#include <string.h>

enum {
    ARENA_N_BYTES = 256 * 1024,
    EXTRA_MAX_N_BYTES = 8 * 1024 * 1024, /* 64 KiB of the emptiest submessages need about 4 MiB */
};

struct xw_wire_extra {
    struct xw_wire_extra *next;
    max_align_t data[];
};

static void *arena_alloc(void *user, size_t size)
{
    struct xw_wire_arena *arena = user;
    size_t aligned = (size + 15) & ~(size_t)15;
    if (aligned < size)
        return NULL;
    if (aligned <= arena->cap - arena->n) {
        void *p = arena->data + arena->n;
        arena->n += aligned;
        return p;
    }
    if (aligned > EXTRA_MAX_N_BYTES - arena->extra_n_bytes)
        return NULL;
    struct xw_wire_extra *extra = malloc(sizeof(*extra) + aligned);
    if (!extra)
        return NULL;
    extra->next = arena->extra;
    arena->extra = extra;
    arena->extra_n_bytes += aligned;
    return extra->data;
}

static void arena_free(void *user XW_UNUSED, void *p XW_UNUSED)
{
}

static void arena_reset(struct xw_wire_arena *arena)
{
    while (arena->extra) {
        struct xw_wire_extra *extra = arena->extra;
        arena->extra = extra->next;
        free(extra);
    }
    arena->extra_n_bytes = 0;
    arena->n = 0;
}

int xw_wire_arena_init(struct xw_wire_arena *arena)
{
    *arena = (struct xw_wire_arena){.cap = ARENA_N_BYTES};
    arena->data = malloc(ARENA_N_BYTES);
    if (!arena->data)
        return -ENOMEM;
    arena->allocator =
        (ProtobufCAllocator){.alloc = arena_alloc, .free = arena_free, .allocator_data = arena};
    return 0;
}

void xw_wire_arena_done(struct xw_wire_arena *arena)
{
    arena_reset(arena);
    free(arena->data);
    arena->data = NULL;
    arena->cap = 0;
}

/* A field of number 0 cannot be; the generated code lets it pass when its tag is in a longer form
 * than needed, and then refuses its own repetition of it. The schema is not recursive. */
static bool has_field_zero(const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *d = message->descriptor;
    const char *base = (const char *)message;
    for (unsigned i = 0; i < message->n_unknown_fields; i++)
        if (!message->unknown_fields[i].tag)
            return true;
    for (unsigned i = 0; i < d->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &d->fields[i];
        ProtobufCMessage *const *sub = (ProtobufCMessage *const *)(const void *)(base + f->offset);
        size_t n = 1;
        if (f->type != PROTOBUF_C_TYPE_MESSAGE)
            continue;
        if (f->label == PROTOBUF_C_LABEL_REPEATED) {
            memcpy(&n, base + f->quantifier_offset, sizeof(n));
            if (n)
                memcpy(&sub, base + f->offset, sizeof(sub));
        } else if (f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) {
            uint32_t set;
            memcpy(&set, base + f->quantifier_offset, sizeof(set));
            n = set == f->id;
        }
        for (size_t k = 0; k < n; k++)
            if (sub[k] && has_field_zero(sub[k]))
                return true;
    }
    return false;
}

int xw_wire_read(struct xw_wire_arena *arena, enum xw_wire_from from, const void *data,
                 size_t n_bytes, Xw__LinkMessage **ret_message, struct xw_wire_fault *ret_fault)
{
    if (n_bytes > XW_LINK_HELLO_MAX_N_BYTES) {
        *ret_fault = (struct xw_wire_fault){XW__LINK_FAULT__LINK_FAULT_TOO_LARGE, "message"};
        return -EBADMSG;
    }
    arena_reset(arena);
    Xw__LinkMessage *message = xw__link_message__unpack(&arena->allocator, n_bytes, data);
    if (!message) {
        *ret_fault = (struct xw_wire_fault){XW__LINK_FAULT__LINK_FAULT_MALFORMED, "not a message"};
        return -EBADMSG;
    }
    if (n_bytes > XW_LINK_MESSAGE_MAX_N_BYTES &&
        message->body_case != XW__LINK_MESSAGE__BODY_HELLO &&
        message->body_case != XW__LINK_MESSAGE__BODY_HELD) {
        *ret_fault = (struct xw_wire_fault){XW__LINK_FAULT__LINK_FAULT_TOO_LARGE, "message"};
        return -EBADMSG;
    }
    if (has_field_zero(&message->base)) {
        *ret_fault = (struct xw_wire_fault){XW__LINK_FAULT__LINK_FAULT_MALFORMED, "field number 0"};
        return -EBADMSG;
    }
    int r = xw_wire_check(message, from, ret_fault);
    if (r < 0)
        return r;
    *ret_message = message;
    return 0;
}

int xw_wire_write(const Xw__LinkMessage *message, struct xw_buf *ret_buf)
{
    size_t size = xw__link_message__get_packed_size(message);
    uint8_t *room;
    int r = xw_buf_reserve(ret_buf, size, &room);
    if (r < 0)
        return r;
    xw_buf_added(ret_buf, xw__link_message__pack(message, room));
    return 0;
}

bool xw_wire_counted(const Xw__LinkMessage *message)
{
    switch (message->body_case) {
    case XW__LINK_MESSAGE__BODY_OPEN:
    case XW__LINK_MESSAGE__BODY_BLOCKS:
    case XW__LINK_MESSAGE__BODY_RECORDS:
    case XW__LINK_MESSAGE__BODY_OBJECT_OFFER:
    case XW__LINK_MESSAGE__BODY_OBJECT_CHUNK:
    case XW__LINK_MESSAGE__BODY_EPHEMERAL:
        return true;
    default:
        return false;
    }
}

struct xw_uuid xw_wire_uuid(const ProtobufCBinaryData *bytes)
{
    struct xw_uuid id = {{0}};
    if (bytes->len == sizeof(id.b))
        memcpy(id.b, bytes->data, sizeof(id.b));
    return id;
}

size_t xw_wire_ranges(const struct xw_ranges *set, Xw__Range *ret_ranges, Xw__Range **ret_pointers,
                      size_t max_n)
{
    size_t skip = set->n > max_n ? set->n - max_n : 0;
    size_t n = set->n - skip;
    for (size_t i = 0; i < n; i++) {
        const struct xw_range *r = &set->v[skip + i];
        xw__range__init(&ret_ranges[i]);
        ret_ranges[i].first = r->first;
        ret_ranges[i].count = r->end - r->first;
        ret_pointers[i] = &ret_ranges[i];
    }
    if (skip) {
        ret_ranges[0].count += ret_ranges[0].first - set->v[0].first;
        ret_ranges[0].first = set->v[0].first;
    }
    return n;
}

int xw_wire_ranges_get(Xw__Range *const *ranges, size_t n, struct xw_ranges *ret_set)
{
    for (size_t i = 0; i < n; i++) {
        int r = xw_ranges_add(ret_set, ranges[i]->first, ranges[i]->first + ranges[i]->count);
        if (r < 0)
            return r;
    }
    return 0;
}
