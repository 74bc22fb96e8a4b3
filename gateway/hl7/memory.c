/* Remembering. */
#include "hl7/memory.h"

#include <string.h>

enum { BODY_VERSION = 1, BODY_MAX = 8192, SLOT_BYTES = 40, HEAD_BYTES = 10 };

void xw_vitals_memory_init(struct xw_vitals_memory *memory)
{
    memset(memory, 0, sizeof(*memory));
}

static size_t place_of(const struct xw_vitals_memory *m, const struct xw_uuid *id, bool *ret_found)
{
    size_t mask = XW_ARRAY_N(m->table) - 1, i = xw_uuid_hash(id) & mask;
    for (; m->table[i]; i = (i + 1) & mask)
        if (xw_uuid_equal(&m->ids[m->table[i] - 1], id)) {
            *ret_found = true;
            return i;
        }
    *ret_found = false;
    return i;
}

bool xw_vitals_memory_has(const struct xw_vitals_memory *memory, const struct xw_uuid *id)
{
    bool found;
    (void)place_of(memory, id, &found);
    return found;
}

/* Open addressing without marks for deleted places: what follows in the cluster moves up. */
static void forget_id(struct xw_vitals_memory *m, const struct xw_uuid *id)
{
    size_t mask = XW_ARRAY_N(m->table) - 1;
    bool found;
    size_t hole = place_of(m, id, &found);
    if (!found)
        return;
    m->table[hole] = 0;
    for (size_t i = (hole + 1) & mask; m->table[i]; i = (i + 1) & mask) {
        size_t home = xw_uuid_hash(&m->ids[m->table[i] - 1]) & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->table[hole] = m->table[i];
            m->table[i] = 0;
            hole = i;
        }
    }
}

void xw_vitals_memory_add(struct xw_vitals_memory *m, const struct xw_uuid *id)
{
    bool found;
    (void)place_of(m, id, &found);
    if (found)
        return;
    if (m->ids_n == XW_VITALS_IDS_MAX)
        forget_id(m, &m->ids[m->ids_next]);
    else
        m->ids_n++;
    m->ids[m->ids_next] = *id;
    size_t i = place_of(m, id, &found);
    m->table[i] = (uint16_t)(m->ids_next + 1);
    m->ids_next = (m->ids_next + 1) % XW_VITALS_IDS_MAX;
}

void xw_vitals_memory_turn(struct xw_vitals_memory *m)
{
    bool found;
    for (uint32_t i = 0; i < m->ids_n / 2; i++) {
        struct xw_uuid id = m->ids[i];
        m->ids[i] = m->ids[m->ids_n - 1 - i];
        m->ids[m->ids_n - 1 - i] = id;
    }
    memset(m->table, 0, sizeof(m->table));
    for (uint32_t i = 0; i < m->ids_n; i++) {
        size_t at = place_of(m, &m->ids[i], &found);
        m->table[at] = (uint16_t)(i + 1);
    }
}

/* What is still said stays among the ids: a monitor may list its last cuff readings for hours. */
static void keep_fresh(struct xw_vitals_memory *m, const struct xw_uuid *id)
{
    bool found;
    size_t i = place_of(m, id, &found);
    if (found) {
        uint32_t at = m->table[i] - 1U;
        uint32_t ago = (m->ids_next + XW_VITALS_IDS_MAX - at) % XW_VITALS_IDS_MAX;
        if (ago < XW_VITALS_IDS_MAX / 2)
            return;
        const struct xw_uuid same = *id; /* id may lie in the place that is given up */
        forget_id(m, &same);
        m->ids[at] = (struct xw_uuid){{0}};
        xw_vitals_memory_add(m, &same);
    } else {
        xw_vitals_memory_add(m, id);
    }
}

void xw_vitals_memory_next(struct xw_vitals_memory *memory)
{
    memory->message_no++;
}

static struct xw_vitals_slot *slot_of(struct xw_vitals_memory *m, uint64_t what)
{
    struct xw_vitals_slot *oldest = &m->slots[0];
    for (size_t i = 0; i < m->slots_n; i++) {
        if (m->slots[i].what == what)
            return &m->slots[i];
        if (m->slots[i].heard_us < oldest->heard_us)
            oldest = &m->slots[i];
    }
    if (m->slots_n < XW_VITALS_SLOTS_MAX)
        oldest = &m->slots[m->slots_n++];
    *oldest = (struct xw_vitals_slot){.what = what};
    return oldest;
}

static bool is_repeat(const struct xw_vitals_slot *slot, uint64_t content, const struct xw_uuid *id,
                      bool timed, int64_t now_us, const struct xw_vitals_rule *rule)
{
    if (!slot->wall_us)
        return false;
    if (xw_uuid_equal(&slot->id, id))
        return true;
    return !timed && slot->content == content && now_us - slot->heard_us <= rule->forget_us;
}

enum xw_vitals_news xw_vitals_memory_look(struct xw_vitals_memory *memory, uint64_t what,
                                          uint64_t content, const struct xw_uuid *id, bool timed,
                                          bool continuous, int64_t wall_us, int64_t now_us,
                                          const struct xw_vitals_rule *rule)
{
    struct xw_vitals_slot *slot = slot_of(memory, what * 2 + timed);
    bool known = xw_vitals_memory_has(memory, id);
    bool repeat = !continuous && is_repeat(slot, content, id, timed, now_us, rule);
    bool said = !timed && memory->message_no && slot->message_no == memory->message_no;
    int64_t kept_ago_us = now_us - slot->kept_us;
    slot->heard_us = now_us;
    slot->message_no = memory->message_no;
    if (known || repeat || said) {
        keep_fresh(memory, id);
        return XW_VITALS_KNOWN;
    }
    if (continuous && slot->wall_us && slot->content == content &&
        kept_ago_us < rule->keep_every_us)
        return XW_VITALS_THIN;
    slot->content = content;
    slot->id = *id;
    slot->wall_us = wall_us;
    slot->kept_us = now_us;
    memory->slots_changed |= !continuous;
    xw_vitals_memory_add(memory, id);
    return XW_VITALS_NEW;
}

/* ---- the durable part: version, clock, slots; little-endian ---- */

static uint8_t *put64(uint8_t *at, uint64_t v)
{
    for (unsigned i = 0; i < 8; i++)
        *at++ = (uint8_t)(v >> (8 * i));
    return at;
}

static uint64_t get64(const uint8_t *at)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < 8; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}

int xw_vitals_memory_write(struct xw_vitals_memory *m, struct xw_buf *ret_body)
{
    uint8_t head[HEAD_BYTES] = {BODY_VERSION, m->clock.known};
    put64(head + 2, (uint64_t)xw_hl7_clock_behind_us(&m->clock));
    int r = xw_buf_append(ret_body, head, sizeof(head));
    for (size_t i = 0; i < m->slots_n && r >= 0; i++) {
        const struct xw_vitals_slot *s = &m->slots[i];
        uint8_t bytes[SLOT_BYTES], *at = put64(bytes, s->what);
        at = put64(at, s->content);
        memcpy(at, s->id.b, 16);
        put64(at + 16, (uint64_t)s->wall_us);
        r = xw_buf_append(ret_body, bytes, sizeof(bytes));
    }
    if (r >= 0)
        m->slots_changed = false;
    return r;
}

int xw_vitals_memory_read(struct xw_vitals_memory *m, const void *body, size_t size, int64_t now_us,
                          int64_t wall_us)
{
    const uint8_t *at = body;
    if (size < HEAD_BYTES || at[0] != BODY_VERSION || (size - HEAD_BYTES) % SLOT_BYTES ||
        (size - HEAD_BYTES) / SLOT_BYTES > XW_VITALS_SLOTS_MAX)
        return -EBADMSG;
    if (at[1])
        xw_hl7_clock_set(&m->clock, (int64_t)get64(at + 2), wall_us);
    m->slots_n = (size - HEAD_BYTES) / SLOT_BYTES;
    at += HEAD_BYTES;
    for (size_t i = 0; i < m->slots_n; i++, at += SLOT_BYTES) {
        struct xw_vitals_slot *s = &m->slots[i];
        *s = (struct xw_vitals_slot){.what = get64(at),
                                     .content = get64(at + 8),
                                     .wall_us = (int64_t)get64(at + 32),
                                     .heard_us = now_us};
        memcpy(s->id.b, at + 16, 16);
    }
    return 0;
}
