/* What is remembered of one monitor, so that nothing is kept twice and nothing old looks new.
 *
 * - The ids of its last 4,096 observations: a message that is sent again adds nothing.
 * - For each spot value (cuff pressure, temperature, glucose, …) the last one. A monitor repeats
 *   it in every message: with its time it has the same id; without one it is the same reading as
 *   long as the value (for a cuff reading: all its values) does not change and it was heard of
 *   within `forget_us`.
 * - For each continuous value the last kept one, for `keep_every`.
 *
 * Spot values survive a restart in a body of at most 8 KiB; ids are read back from the store.
 * Limits: 4,096 ids, 96 slots; the oldest gives way. Threads: one at a time. Monotonic µs. */
#ifndef XW_HL7_MEMORY_H
#define XW_HL7_MEMORY_H

#include "base/buf.h"
#include "base/uuid.h"
#include "hl7/clock.h"

enum { XW_VITALS_IDS_MAX = 4096, XW_VITALS_SLOTS_MAX = 96 };

struct xw_vitals_slot {
    uint64_t what;    /* quantity, channel, and whether it has a time */
    uint64_t content; /* of the measurement's values */
    struct xw_uuid id;
    int64_t wall_us;
    int64_t heard_us, kept_us;
    uint64_t message_no;
};

struct xw_vitals_memory {
    struct xw_uuid ids[XW_VITALS_IDS_MAX];
    uint32_t ids_n, ids_next;
    uint16_t table[2 * XW_VITALS_IDS_MAX]; /* open addressing: place in ids + 1, 0 = free */
    struct xw_vitals_slot slots[XW_VITALS_SLOTS_MAX];
    size_t slots_n;
    uint64_t message_no;
    bool slots_changed; /* since the last xw_vitals_memory_write */
    struct xw_hl7_clock clock;
};

void xw_vitals_memory_init(struct xw_vitals_memory *memory);
bool xw_vitals_memory_has(const struct xw_vitals_memory *memory, const struct xw_uuid *id);
void xw_vitals_memory_add(struct xw_vitals_memory *memory, const struct xw_uuid *id);
/* All were added newest first, into an empty memory: from now on the oldest are forgotten first. */
void xw_vitals_memory_turn(struct xw_vitals_memory *memory);
/* Another message begins: of a value without a time that it says twice, the first counts. */
void xw_vitals_memory_next(struct xw_vitals_memory *memory);

struct xw_vitals_rule {
    int64_t keep_every_us; /* equal continuous values are kept once in so long; 0 = all are */
    int64_t forget_us; /* a spot value without a time that was not heard of for so long is new */
};
enum xw_vitals_news {
    XW_VITALS_NEW,
    XW_VITALS_KNOWN, /* kept already, or the same reading said again */
    XW_VITALS_THIN   /* equal to what was kept less than keep_every ago */
};
/* what, content: hashes of quantity and channel, and of the measurement's values. timed: the id
 * rests on the reading's own time. Notes the reading as kept when it is new. */
enum xw_vitals_news xw_vitals_memory_look(struct xw_vitals_memory *memory, uint64_t what,
                                          uint64_t content, const struct xw_uuid *id, bool timed,
                                          bool continuous, int64_t wall_us, int64_t now_us,
                                          const struct xw_vitals_rule *rule);

/* The durable part. */
XW_MUST_CHECK int xw_vitals_memory_write(struct xw_vitals_memory *memory, struct xw_buf *ret_body);
/* -EBADMSG: not ours; the memory stays empty. Everything counts as heard of at now_us. */
XW_MUST_CHECK int xw_vitals_memory_read(struct xw_vitals_memory *memory, const void *body,
                                        size_t size, int64_t now_us, int64_t wall_us);

#endif
