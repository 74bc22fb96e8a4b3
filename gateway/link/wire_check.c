/* What a LinkMessage may look like, kind by kind: everything that can be said without a session. */
#include "link/wire.h"

#include <string.h>

#include "base/block.h"

static int refuse(struct xw_wire_fault *ret_fault, Xw__LinkFault code, const char *text)
{
    *ret_fault = (struct xw_wire_fault){code, text};
    return -EBADMSG;
}

static int malformed(struct xw_wire_fault *ret_fault, const char *text)
{
    return refuse(ret_fault, XW__LINK_FAULT__LINK_FAULT_MALFORMED, text);
}

bool xw_wire_id_ok(const char *text)
{
    size_t n = strlen(text);
    if (n < 1 || n > XW_LINK_ID_MAX_N_BYTES)
        return false;
    for (const char *p = text; *p; p++) {
        bool word =
            (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        if (!word && !strchr("._:-", *p))
            return false;
    }
    return true;
}

/* Length of the sequence at p, 0 if it is none: shortest form, no surrogates, at most U+10FFFF. */
static size_t utf8_sequence(const unsigned char *p)
{
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
        (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

bool xw_wire_utf8_ok(const char *text, size_t max_n_bytes)
{
    const unsigned char *p = (const unsigned char *)text;
    if (strlen(text) > max_n_bytes)
        return false;
    while (*p) {
        size_t n = utf8_sequence(p);
        if (!n)
            return false;
        p += n;
    }
    return true;
}

static bool text_ok(const char *text)
{
    return xw_wire_utf8_ok(text, XW_LINK_TEXT_MAX_N_BYTES);
}

static bool id16_ok(const ProtobufCBinaryData *bytes)
{
    if (bytes->len != XW_UUID_N_BYTES)
        return false;
    struct xw_uuid id = xw_wire_uuid(bytes);
    return !xw_uuid_is_nil(&id);
}

static bool span_ok(uint64_t first, uint64_t count)
{
    return count > 0 && count <= XW_LINK_INDEX_MAX && first <= XW_LINK_INDEX_MAX - count;
}

/* Ascending, disjoint, none empty. */
static bool ranges_ok(Xw__Range *const *ranges, size_t n)
{
    uint64_t end = 0;
    if (n > XW_LINK_RANGES_MAX)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!span_ok(ranges[i]->first, ranges[i]->count) || ranges[i]->first < end)
            return false;
        end = ranges[i]->first + ranges[i]->count;
    }
    return true;
}

static bool fraction_ok(const Xw__Fraction *f)
{
    return f && f->num > 0 && f->den > 0;
}

static bool channel_ok(const Xw__Channel *c)
{
    return *c->code && xw_wire_utf8_ok(c->code, 32) && xw_wire_utf8_ok(c->unit, 32) &&
           xw_wire_utf8_ok(c->label, 64) && fraction_ok(c->gain) && c->adc_min <= c->adc_max;
}

bool xw_wire_header_ok(const Xw__StreamHeader *h, const char **ret_why)
{
    const char *why = NULL;
    if (!h)
        why = "header: missing";
    else if (!id16_ok(&h->stream_id))
        why = "header: stream_id";
    else if (!id16_ok(&h->attachment_id))
        why = "header: attachment_id";
    else if (!fraction_ok(h->rate) || h->rate->num / h->rate->den > 20000 ||
             h->rate->den / h->rate->num > 86400)
        why = "header: rate"; /* once a day to 20 kHz */
    else if (h->n_channels < 1 || h->n_channels > XW_BLOCK_CHANNELS_MAX)
        why = "header: channels";
    else if (!xw_wire_id_ok(h->gateway_id))
        why = "header: gateway_id";
    else if (!xw_wire_id_ok(h->device_id))
        why = "header: device_id";
    else if (!text_ok(h->device_model))
        why = "header: device_model";
    else if (!(h->high_pass_hz >= 0 && h->high_pass_hz <= 1000) ||
             !(h->low_pass_hz >= 0 && h->low_pass_hz <= 100000))
        why = "header: filters";
    for (size_t i = 0; !why && i < h->n_channels; i++)
        if (!channel_ok(h->channels[i]))
            why = "header: channel";
    if (why)
        *ret_why = why;
    return !why;
}

static int check_header(const Xw__StreamHeader *header, struct xw_wire_fault *f)
{
    const char *why;
    return xw_wire_header_ok(header, &why) ? 0 : refuse(f, XW__LINK_FAULT__LINK_FAULT_HEADER, why);
}

static int check_hello(const Xw__LinkHello *m, struct xw_wire_fault *f)
{
    if (m->version != XW_LINK_VERSION)
        return refuse(f, XW__LINK_FAULT__LINK_FAULT_VERSION, "hello: version 1 is spoken here");
    if (!id16_ok(&m->session_id) || !id16_ok(&m->boot_id) || !id16_ok(&m->spool_id))
        return malformed(f, "hello: id");
    if (m->role != XW__SOCKET_ROLE__SOCKET_SIGNALS && m->role != XW__SOCKET_ROLE__SOCKET_BULK)
        return malformed(f, "hello: role");
    if (!xw_wire_id_ok(m->gateway_id))
        return refuse(f, XW__LINK_FAULT__LINK_FAULT_IDENTITY, "hello: gateway_id");
    if (!text_ok(m->site_name) || !text_ok(m->software))
        return malformed(f, "hello: text");
    if (m->county_log_id.len && !id16_ok(&m->county_log_id))
        return malformed(f, "hello: county_log_id");
    if (m->records_last > XW_LINK_INDEX_MAX || m->records_upto > XW_LINK_INDEX_MAX ||
        !ranges_ok(m->records_ranges, m->n_records_ranges))
        return malformed(f, "hello: records");
    if (m->streams_n > XW_LINK_STREAMS_MAX)
        return refuse(f, XW__LINK_FAULT__LINK_FAULT_LIMIT, "hello: streams_n");
    return 0;
}

static int check_held(const Xw__StreamHeld *m, struct xw_wire_fault *f)
{
    int r = check_header(m->header, f);
    if (r < 0)
        return r;
    if (!ranges_ok(m->held, m->n_held) || !ranges_ok(m->gaps, m->n_gaps))
        return malformed(f, "held: ranges");
    return 0;
}

static int check_welcome(const Xw__LinkWelcome *m, struct xw_wire_fault *f)
{
    if (m->version != XW_LINK_VERSION)
        return refuse(f, XW__LINK_FAULT__LINK_FAULT_VERSION, "welcome: version 1 is spoken here");
    if (!id16_ok(&m->store_id) || !id16_ok(&m->spool_id) || !id16_ok(&m->county_log_id))
        return malformed(f, "welcome: id");
    if (!m->session_epoch)
        return malformed(f, "welcome: session_epoch");
    if (m->records_upto > XW_LINK_INDEX_MAX || m->county_records_last > XW_LINK_INDEX_MAX ||
        !ranges_ok(m->records_ranges, m->n_records_ranges))
        return malformed(f, "welcome: records");
    return 0;
}

static int check_block(const Xw__Block *b, struct xw_wire_fault *f)
{
    if (!id16_ok(&b->stream_id))
        return malformed(f, "block: stream_id");
    if (!span_ok(b->first, b->count) || b->count > XW_BLOCK_COUNT_MAX)
        return malformed(f, "block: range");
    bool chained = b->coding == XW_CODING_CHAINED;
    if ((b->coding != XW_CODING_DELTA && !chained) || b->key_first > (chained ? b->first : 0))
        return malformed(f, "block: coding");
    if (!b->data.len)
        return malformed(f, "block: data");
    return 0;
}

static int check_blocks(const Xw__Blocks *m, struct xw_wire_fault *f)
{
    if ((unsigned)m->lane > XW__LANE__LANE_BULK)
        return malformed(f, "blocks: lane");
    if (!m->n_blocks && !m->n_gaps)
        return malformed(f, "blocks: empty");
    for (size_t i = 0; i < m->n_blocks; i++) {
        int r = check_block(m->blocks[i], f);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < m->n_gaps; i++) {
        const Xw__Gap *g = m->gaps[i];
        if (!id16_ok(&g->stream_id))
            return malformed(f, "gap: stream_id");
        if (!span_ok(g->first, g->count))
            return malformed(f, "gap: range");
        if (g->reason == XW__GAP_REASON__GAP_REASON_UNSPECIFIED)
            return malformed(f, "gap: reason");
    }
    return 0;
}

static int check_block_ack(const Xw__BlockAck *m, struct xw_wire_fault *f)
{
    for (size_t i = 0; i < m->n_streams; i++) {
        const Xw__StreamAck *a = m->streams[i];
        if (!id16_ok(&a->stream_id))
            return malformed(f, "block_ack: stream_id");
        if (a->upto > XW_LINK_INDEX_MAX || !ranges_ok(a->ranges, a->n_ranges))
            return malformed(f, "block_ack: ranges");
    }
    return 0;
}

static int check_records(const Xw__Records *m, struct xw_wire_fault *f)
{
    if ((unsigned)m->lane > XW__LANE__LANE_BULK)
        return malformed(f, "records: lane");
    if (!id16_ok(&m->log_id) || !m->n_records)
        return malformed(f, "records: log_id");
    for (size_t i = 0; i < m->n_records; i++) {
        const Xw__Record *r = m->records[i]->record;
        if (!m->records[i]->seq || m->records[i]->seq >= XW_LINK_INDEX_MAX || !r)
            return malformed(f, "record: seq");
        if (r->key.len < 1 || r->key.len > 64)
            return malformed(f, "record: key");
        if (!r->revision || r->kind < 1 || (unsigned)r->kind >= 1000)
            return malformed(f, "record: revision or kind");
        if (r->body.len > XW_LINK_BODY_MAX_N_BYTES)
            return refuse(f, XW__LINK_FAULT__LINK_FAULT_TOO_LARGE, "record: body");
        if (!xw_wire_id_ok(r->origin))
            return malformed(f, "record: origin");
    }
    return 0;
}

static int check_object(const Xw__LinkMessage *m, struct xw_wire_fault *f)
{
    switch (m->body_case) {
    case XW__LINK_MESSAGE__BODY_OBJECT_OFFER: {
        const Xw__ObjectOffer *o = m->object_offer;
        return o->sha256.len == 32 && o->size && o->size <= XW_LINK_OBJECT_MAX_N_BYTES &&
                       xw_wire_utf8_ok(o->media_type, 63)
                   ? 0
                   : malformed(f, "object_offer");
    }
    case XW__LINK_MESSAGE__BODY_OBJECT_WANT:
        return m->object_want->sha256.len == 32 ? 0 : malformed(f, "object_want");
    case XW__LINK_MESSAGE__BODY_OBJECT_CHUNK: {
        const Xw__ObjectChunk *c = m->object_chunk;
        return c->sha256.len == 32 && c->data.len && c->data.len <= XW_LINK_CHUNK_MAX_N_BYTES &&
                       c->offset <= XW_LINK_OBJECT_MAX_N_BYTES
                   ? 0
                   : malformed(f, "object_chunk");
    }
    default:
        return m->object_ack->sha256.len == 32 && text_ok(m->object_ack->error)
                   ? 0
                   : malformed(f, "object_ack");
    }
}

static int check_suspended(const Xw__Suspended *m, struct xw_wire_fault *f)
{
    if (m->n_stream_ids > XW_LINK_STREAMS_MAX)
        return malformed(f, "suspended: too many");
    for (size_t i = 0; i < m->n_stream_ids; i++)
        if (!id16_ok(&m->stream_ids[i]))
            return malformed(f, "suspended: stream_id");
    return 0;
}

/* Kinds that one end alone may send. */
static bool direction_ok(const Xw__LinkMessage *m, enum xw_wire_from from)
{
    switch (m->body_case) {
    case XW__LINK_MESSAGE__BODY_HELLO:
    case XW__LINK_MESSAGE__BODY_HELD:
    case XW__LINK_MESSAGE__BODY_OPEN:
    case XW__LINK_MESSAGE__BODY_BLOCKS:
    case XW__LINK_MESSAGE__BODY_SUSPENDED:
        return from == XW_FROM_GATEWAY;
    case XW__LINK_MESSAGE__BODY_WELCOME:
    case XW__LINK_MESSAGE__BODY_WANTED:
    case XW__LINK_MESSAGE__BODY_BLOCK_ACK:
        return from == XW_FROM_COUNTY;
    default:
        return true;
    }
}

int xw_wire_check(const Xw__LinkMessage *m, enum xw_wire_from from, struct xw_wire_fault *f)
{
    if (!direction_ok(m, from))
        return refuse(f, XW__LINK_FAULT__LINK_FAULT_STATE, "not from this end");
    switch (m->body_case) {
    case XW__LINK_MESSAGE__BODY_HELLO:
        return check_hello(m->hello, f);
    case XW__LINK_MESSAGE__BODY_HELD:
        return check_held(m->held, f);
    case XW__LINK_MESSAGE__BODY_WELCOME:
        return check_welcome(m->welcome, f);
    case XW__LINK_MESSAGE__BODY_WANTED:
        return id16_ok(&m->wanted->stream_id) && ranges_ok(m->wanted->wanted, m->wanted->n_wanted)
                   ? 0
                   : malformed(f, "wanted");
    case XW__LINK_MESSAGE__BODY_OPEN:
        return check_header(m->open->header, f);
    case XW__LINK_MESSAGE__BODY_BLOCKS:
        return check_blocks(m->blocks, f);
    case XW__LINK_MESSAGE__BODY_BLOCK_ACK:
        return check_block_ack(m->block_ack, f);
    case XW__LINK_MESSAGE__BODY_RECORDS:
        return check_records(m->records, f);
    case XW__LINK_MESSAGE__BODY_RECORD_ACK:
        return id16_ok(&m->record_ack->log_id) && m->record_ack->upto < XW_LINK_INDEX_MAX &&
                       ranges_ok(m->record_ack->ranges, m->record_ack->n_ranges)
                   ? 0
                   : malformed(f, "record_ack");
    case XW__LINK_MESSAGE__BODY_OBJECT_OFFER:
    case XW__LINK_MESSAGE__BODY_OBJECT_WANT:
    case XW__LINK_MESSAGE__BODY_OBJECT_CHUNK:
    case XW__LINK_MESSAGE__BODY_OBJECT_ACK:
        return check_object(m, f);
    case XW__LINK_MESSAGE__BODY_EPHEMERAL:
        return *m->ephemeral->topic &&
                       xw_wire_utf8_ok(m->ephemeral->topic, XW_LINK_TOPIC_MAX_N_BYTES) &&
                       m->ephemeral->payload.len <= XW_LINK_EPHEMERAL_MAX_N_BYTES
                   ? 0
                   : malformed(f, "ephemeral");
    case XW__LINK_MESSAGE__BODY_CREDIT:
    case XW__LINK_MESSAGE__BODY_CLOCK:
        return 0;
    case XW__LINK_MESSAGE__BODY_SUSPENDED:
        return check_suspended(m->suspended, f);
    case XW__LINK_MESSAGE__BODY_CLOSE:
        return xw_wire_utf8_ok(m->close->text, 256) ? 0 : malformed(f, "close: text");
    default:
        return 0; /* a kind of a later version: tolerated, does nothing */
    }
}
