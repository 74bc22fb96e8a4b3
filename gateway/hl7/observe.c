/* Identity, time and group of an observation. */
#include "hl7/observe.h"

#include <stdio.h>
#include <string.h>

void xw_observation_key(const struct xw_uuid *attachment, int64_t wall_us, const struct xw_uuid *id,
                        uint8_t ret_key[XW_OBSERVATION_KEY_SIZE])
{
    memcpy(ret_key, attachment->b, 16);
    ret_key[16] = 'o';
    for (unsigned i = 0; i < 8; i++)
        ret_key[17 + i] = (uint8_t)((uint64_t)wall_us >> (56 - 8 * i));
    memcpy(ret_key + 25, id->b, 16);
}

enum { GROUPED_READINGS_MAX = 256 }; /* a longer message is no monitor's: each value by itself */

struct run {
    struct xw_vitals_memory *memory;
    const struct xw_observe_context *context;
    const struct xw_hl7_header *header;
    const struct xw_hl7_oru *oru;
    int64_t arrival_us; /* less what it was held back */
    char message_text[240];
};

static uint64_t hash(uint64_t h, const void *data, size_t n)
{
    const uint8_t *at = data;
    for (size_t i = 0; i < n; i++)
        h = (h ^ at[i]) * UINT64_C(0x100000001b3);
    return h;
}

static uint64_t hash_text(uint64_t h, const char *text)
{
    return hash(h, text, strlen(text) + 1);
}

static uint64_t what_of(const struct xw_hl7_reading *g)
{
    uint64_t h = hash(UINT64_C(0xcbf29ce484222325), &g->vital->id, sizeof(g->vital->id));
    return hash_text(h, g->channel);
}

static size_t stem(const struct xw_hl7_reading *g)
{
    const char *dot = strrchr(g->channel, '.');
    return dot ? (size_t)(dot - g->channel) : strlen(g->channel);
}

/* Values of one measurement: the same family, channel but for its last part, and time. */
static bool together(const struct xw_hl7_reading *a, const struct xw_hl7_reading *b)
{
    return a->vital->family != XW_FAMILY_NONE && a->vital->family == b->vital->family &&
           stem(a) == stem(b) && !memcmp(a->channel, b->channel, stem(a)) &&
           !strcmp(a->time_text, b->time_text);
}

/* Of the value, or of all values of its measurement: one that differs makes it another one. */
static uint64_t content_of(const struct run *run, const struct xw_hl7_reading *g)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    if (g->vital->family == XW_FAMILY_NONE || g->continuous ||
        run->oru->readings_n > GROUPED_READINGS_MAX)
        return hash(hash_text(hash_text(h, g->value), g->unit), &g->absent, sizeof(g->absent));
    for (size_t i = 0; i < run->oru->readings_n; i++) {
        const struct xw_hl7_reading *other = &run->oru->readings[i];
        if (other == g || together(g, other)) {
            h = hash(h, &other->vital->id, sizeof(other->vital->id));
            h = hash_text(hash_text(h, other->value), other->unit);
        }
    }
    return h;
}

static struct xw_uuid id_of(const struct run *run, const struct xw_hl7_reading *g, const char *code,
                            bool timed)
{
    const struct xw_observe_context *c = run->context;
    bool coarse = g->continuous && g->time.precision_us > 1000000;
    const char *own = timed ? g->time_text : "";
    const char *message = !timed || coarse ? run->message_text : "";
    const struct xw_part parts[] = {
        {"xw-observation-1", 16},
        {c->gateway_id, strlen(c->gateway_id) + 1},
        {c->device_id, strlen(c->device_id) + 1},
        {code, strlen(code) + 1},
        {g->channel, strlen(g->channel) + 1},
        {own, strlen(own) + 1},
        {message, strlen(message) + 1},
        {g->value, strlen(g->value) + 1},
        {g->unit, strlen(g->unit)},
    };
    return xw_uuid_v8(parts, XW_ARRAY_N(parts));
}

static struct xw_uuid group_of(const struct run *run, const struct xw_hl7_reading *g,
                               uint64_t content, bool timed)
{
    const struct xw_observe_context *c = run->context;
    const char *when = timed ? g->time_text : run->message_text;
    const struct xw_part parts[] = {
        {"xw-measurement-1", 16},
        {c->gateway_id, strlen(c->gateway_id) + 1},
        {c->device_id, strlen(c->device_id) + 1},
        {&g->vital->family, sizeof(g->vital->family)},
        {g->channel, stem(g)},
        {"", 1},
        {when, strlen(when) + 1},
        {&content, sizeof(content)},
    };
    return xw_uuid_v8(parts, XW_ARRAY_N(parts));
}

static Xw__AbsentReason absent_of(enum xw_hl7_absent absent)
{
    switch (absent) {
    case XW_HL7_SENTINEL:
        return XW__ABSENT_REASON__ABSENT_SENTINEL;
    case XW_HL7_IMPOSSIBLE:
        return XW__ABSENT_REASON__ABSENT_IMPOSSIBLE;
    case XW_HL7_UNIT:
        return XW__ABSENT_REASON__ABSENT_UNIT;
    case XW_HL7_NOT_NUMBER:
        return XW__ABSENT_REASON__ABSENT_NOT_NUMBER;
    case XW_HL7_STATUS:
        return XW__ABSENT_REASON__ABSENT_STATUS;
    case XW_HL7_PRESENT:
        break;
    }
    return XW__ABSENT_REASON__ABSENT_NONE;
}

static void fill(const struct run *run, struct xw_hl7_reading *g, char *code,
                 const struct xw_hl7_when *when, const struct xw_uuid *id,
                 const struct xw_uuid *group, Xw__Observation *o)
{
    const struct xw_observe_context *c = run->context;
    xw__observation__init(o);
    o->observation_id = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)id->b};
    o->attachment_id = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)c->attachment->b};
    o->code = code;
    o->code_system =
        (char *)(uintptr_t)(g->vital->loinc ? "http://loinc.org" : "urn:iso:std:iso:11073:10101");
    o->absent = absent_of(g->absent);
    if (g->absent == XW_HL7_PRESENT) {
        o->value_case = XW__OBSERVATION__VALUE_NUMBER;
        o->number = g->number;
    }
    o->unit = (char *)(uintptr_t)g->vital->ucum;
    o->wall_us = when->wall_us;
    o->source = g->source;
    o->mdc = g->mdc;
    if (group)
        o->group_id = (ProtobufCBinaryData){16, (uint8_t *)(uintptr_t)group->b};
    o->time_source =
        when->measured ? XW__OBSERVATION_TIME__TIME_MEASURED : XW__OBSERVATION_TIME__TIME_RECEIVED;
    o->received_wall_us = c->received_us;
    o->county_offset_known = c->county_offset_known;
    o->county_offset_us = c->county_offset_known ? c->county_offset_us : 0;
    o->reported_value = g->value;
    o->reported_unit = g->unit;
    o->device_id = (char *)(uintptr_t)c->device_id;
    o->demo = c->demo || g->demo;
    o->continuous = g->continuous;
}

static int observe_one(const struct run *run, struct xw_hl7_reading *g, xw_observe_add_fn add,
                       void *user, struct xw_observe_counts *counts)
{
    char code[16];
    uint8_t key[XW_OBSERVATION_KEY_SIZE];
    if (g->vital->loinc)
        snprintf(code, sizeof(code), "%s", g->vital->loinc);
    else
        snprintf(code, sizeof(code), "%u", (unsigned)g->vital->mdc);
    struct xw_hl7_when when = xw_hl7_when(run->header, run->oru, g, run->arrival_us);
    /* Its own time counts only if it could be held against the sending time. */
    bool timed = g->timed && when.measured;
    uint64_t content = content_of(run, g);
    struct xw_uuid id = id_of(run, g, code, timed), group = {{0}};
    enum xw_vitals_news news =
        xw_vitals_memory_look(run->memory, what_of(g), content, &id, timed, g->continuous,
                              when.wall_us, run->context->now_us, &run->context->rule);
    if (news != XW_VITALS_NEW) {
        counts->known_n += news == XW_VITALS_KNOWN;
        counts->thin_n += news == XW_VITALS_THIN;
        return 0;
    }
    bool grouped = g->vital->family != XW_FAMILY_NONE;
    if (grouped)
        group = group_of(run, g, content, timed);
    Xw__Observation o;
    fill(run, g, code, &when, &id, grouped ? &group : NULL, &o);
    xw_observation_key(run->context->attachment, o.wall_us, &id, key);
    counts->new_n++;
    counts->absent_n += g->absent != XW_HL7_PRESENT;
    return add(user, &o, key);
}

int xw_observe(struct xw_vitals_memory *memory, const struct xw_observe_context *context,
               const struct xw_hl7_header *header, const struct xw_hl7_oru *oru,
               xw_observe_add_fn add, void *user, struct xw_observe_counts *ret_counts)
{
    struct run run = {memory, context, header, oru, context->received_us, ""};
    int r = 0;
    *ret_counts = (struct xw_observe_counts){0};
    int64_t held_us = header->has_sent
                          ? xw_hl7_clock_add(&memory->clock, context->received_us, &header->sent)
                          : 0;
    run.arrival_us -= held_us;
    ret_counts->held_back = held_us > 0;
    snprintf(run.message_text, sizeof(run.message_text), "%s|%.*s", header->sent_text,
             (int)XW_MIN(header->control_id.n, (size_t)200), header->control_id.at);
    xw_vitals_memory_next(memory);
    for (size_t i = 0; i < oru->readings_n && r >= 0; i++)
        r = observe_one(&run, &oru->readings[i], add, user, ret_counts);
    return r;
}
