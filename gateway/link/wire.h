/* LinkMessages as bytes: limits, unpacking without heap storms, and every check that needs no
 * state.
 *
 * A message that passes xw_wire_check has ids of the right size, sane ranges, known shapes and
 * texts that are UTF-8 within their limits; whether it may come now, and from whom, is the
 * session's to say. Threads: loop thread only. Ownership: an unpacked message lives in the arena
 * until its next reset. Errors: -EBADMSG with a fault (code and text for LinkClose). Source:
 * proto/PROTOCOL.md, "Link: limits".
 */
#ifndef XW_LINK_WIRE_H
#define XW_LINK_WIRE_H

#include "base/base.h"
#include "base/buf.h"
#include "base/range.h"
#include "base/uuid.h"
#include "proto/link.pb-c.h"

enum {
    XW_LINK_VERSION = 1,
    XW_LINK_MESSAGE_MAX_N_BYTES = 64 * 1024,
    XW_LINK_HELLO_MAX_N_BYTES = 256 * 1024, /* LinkHello and StreamHeld */
    XW_LINK_FRAME_MAX_N_BYTES = 16 * 1024,  /* what we put into one message of coalesced things */
    XW_LINK_FRAME_MIN_N_BYTES = 256,
    XW_LINK_STREAMS_MAX = 4096,     /* of one session */
    XW_LINK_RANGES_MAX = 8192,      /* in one message */
    XW_LINK_RANGES_TOLD_MAX = 2048, /* that we put into one message; older ones are merged */
    XW_LINK_BODY_MAX_N_BYTES = 48 * 1024,
    XW_LINK_CHUNK_MAX_N_BYTES = 32 * 1024,
    XW_LINK_TOPIC_MAX_N_BYTES = 64,
    XW_LINK_EPHEMERAL_MAX_N_BYTES = 16 * 1024,
    XW_LINK_TEXT_MAX_N_BYTES = 128,
    XW_LINK_ID_MAX_N_BYTES = 64, /* gateway and device ids */
    XW_LINK_ROLES_N = 2,         /* Xw__SocketRole */
};
#define XW_LINK_INDEX_MAX (UINT64_C(1) << 62)
#define XW_LINK_OBJECT_MAX_N_BYTES (UINT64_C(1) << 40)

struct xw_wire_fault {
    Xw__LinkFault code;
    const char *text; /* a literal */
};

/* Memory of one unpacked message: a length bomb ends at its limit, not in the machine's memory. */
struct xw_wire_arena {
    ProtobufCAllocator allocator;
    uint8_t *data;
    size_t n, cap;
    struct xw_wire_extra *extra;
    size_t extra_n_bytes;
};
XW_MUST_CHECK int xw_wire_arena_init(struct xw_wire_arena *arena);
void xw_wire_arena_done(struct xw_wire_arena *arena);

enum xw_wire_from { XW_FROM_GATEWAY, XW_FROM_COUNTY };

/* Unpacks (resetting the arena first) and checks. */
XW_MUST_CHECK int xw_wire_read(struct xw_wire_arena *arena, enum xw_wire_from from,
                               const void *data, size_t n_bytes, Xw__LinkMessage **ret_message,
                               struct xw_wire_fault *ret_fault);
XW_MUST_CHECK int xw_wire_check(const Xw__LinkMessage *message, enum xw_wire_from from,
                                struct xw_wire_fault *ret_fault);
/* Appends the packed message. -EOVERFLOW above the buffer's limit, -ENOMEM. */
XW_MUST_CHECK int xw_wire_write(const Xw__LinkMessage *message, struct xw_buf *ret_buf);

/* True for the kinds that the receiver's credit counts: those that carry content. */
bool xw_wire_counted(const Xw__LinkMessage *message);

/* 1..64 of [A-Za-z0-9._:-]: gateway and device ids. */
bool xw_wire_id_ok(const char *text);
bool xw_wire_utf8_ok(const char *text, size_t max_n_bytes);
bool xw_wire_header_ok(const Xw__StreamHeader *header, const char **ret_why);
struct xw_uuid xw_wire_uuid(const ProtobufCBinaryData *bytes);

/* At most max ranges out of a set: beyond that the oldest are merged into one that spans them,
 * which a reader may take as "at least these". Returns their number. */
size_t xw_wire_ranges(const struct xw_ranges *set, Xw__Range *ret_ranges, Xw__Range **ret_pointers,
                      size_t max_n);
XW_MUST_CHECK int xw_wire_ranges_get(Xw__Range *const *ranges, size_t n, struct xw_ranges *ret_set);

#endif
