/* Attachments and their newest observations. */
#include "center/attachments.h"

#include "base/metrics.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

XW_COUNTER(refused, "xw_center_attachment_records_refused_total", NULL,
           "attachments and observations of no use, or about another gateway's device");
XW_COUNTER(observations_in, "xw_center_observations_total", NULL, "observations taken");
XW_COUNTER(evicted, "xw_center_attachments_evicted_total", NULL,
           "attachments given up in memory to make room");
XW_COUNTER(values_evicted, "xw_center_observations_evicted_total", NULL,
           "newest values given up in memory to make room; read again when asked for");

struct xw_attachments {
    struct xw_attachments_config config;
    struct xw_attachment **v; /* by id */
    size_t n, values_n;
};

int xw_attachments_new(const struct xw_attachments_config *config,
                       struct xw_attachments **ret_attachments)
{
    struct xw_attachments *t = calloc(1, sizeof(*t));
    if (t)
        t->v = calloc(XW_ATTACHMENTS_MAX, sizeof(struct xw_attachment *));
    if (!t || !t->v) {
        free(t);
        return -ENOMEM;
    }
    t->config = *config;
    *ret_attachments = t;
    return 0;
}

static void drop_values(struct xw_attachments *t, struct xw_attachment *a)
{
    for (uint32_t i = 0; i < a->newest_n; i++)
        xw__observation__free_unpacked(a->newest[i].wire, NULL);
    t->values_n -= a->newest_n;
    free(a->newest);
    a->newest = NULL;
    a->newest_n = 0;
    a->complete = false;
}

void xw_attachments_free(struct xw_attachments *attachments)
{
    if (!attachments)
        return;
    for (size_t i = 0; i < attachments->n; i++) {
        drop_values(attachments, attachments->v[i]);
        free(attachments->v[i]);
    }
    free(attachments->v);
    free(attachments);
}

size_t xw_attachments_n(const struct xw_attachments *attachments)
{
    return attachments->n;
}

const struct xw_attachment *xw_attachments_at(const struct xw_attachments *attachments, size_t i)
{
    return attachments->v[i];
}

static size_t lower_bound(const struct xw_attachments *t, const struct xw_uuid *id)
{
    size_t low = 0, high = t->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (xw_uuid_compare(&t->v[middle]->id, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t now_us(const struct xw_attachments *t)
{
    return xw_clock_mono(t->config.clock).us;
}

static struct xw_attachment *find(struct xw_attachments *t, const struct xw_uuid *id)
{
    size_t i = lower_bound(t, id);
    if (i == t->n || !xw_uuid_equal(&t->v[i]->id, id))
        return NULL;
    t->v[i]->used_us = now_us(t);
    return t->v[i];
}

const struct xw_attachment *xw_attachments_find(struct xw_attachments *attachments,
                                                const struct xw_uuid *id)
{
    return find(attachments, id);
}

/* One that is not attached before one that is; of those the one used longest ago. */
static void make_room(struct xw_attachments *t)
{
    size_t oldest = 0;
    for (size_t i = 1; i < t->n; i++) {
        const struct xw_attachment *a = t->v[i], *o = t->v[oldest];
        if (a->attached != o->attached ? o->attached : a->used_us < o->used_us)
            oldest = i;
    }
    drop_values(t, t->v[oldest]);
    free(t->v[oldest]);
    memmove(&t->v[oldest], &t->v[oldest + 1], (t->n - oldest - 1) * sizeof(struct xw_attachment *));
    t->n--;
    xw_counter_add(&evicted, 1);
}

/* -EPERM: another gateway's. */
static int find_or_add(struct xw_attachments *t, const struct xw_uuid *id, const char *gateway_id,
                       struct xw_attachment **ret_attachment)
{
    struct xw_attachment *a = find(t, id);
    if (!gateway_id || !gateway_id[0] || strlen(gateway_id) >= sizeof(a->gateway_id))
        return -EBADMSG;
    if (a) {
        *ret_attachment = a;
        return strcmp(a->gateway_id, gateway_id) == 0 ? 0 : -EPERM;
    }
    if (t->n == XW_ATTACHMENTS_MAX)
        make_room(t);
    a = calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->id = *id;
    a->used_us = now_us(t);
    snprintf(a->gateway_id, sizeof(a->gateway_id), "%s", gateway_id);
    size_t at = lower_bound(t, id);
    memmove(&t->v[at + 1], &t->v[at], (t->n - at) * sizeof(struct xw_attachment *));
    t->v[at] = a;
    t->n++;
    *ret_attachment = a;
    return 0;
}

int xw_attachments_claim(struct xw_attachments *attachments, const struct xw_uuid *id,
                         const char *gateway_id)
{
    struct xw_attachment *a;
    return find_or_add(attachments, id, gateway_id, &a);
}

static void fold(struct xw_attachment *a, const Xw__Attachment *wire, uint64_t revision)
{
    if (a->told && revision < a->revision)
        return;
    snprintf(a->device, sizeof(a->device), "%s", wire->device_id);
    snprintf(a->model, sizeof(a->model), "%s", wire->model);
    snprintf(a->kind, sizeof(a->kind), "%s", wire->kind);
    snprintf(a->bed, sizeof(a->bed), "%s", wire->bed);
    a->told = true;
    a->attached = wire->attached;
    a->demo = wire->demo;
    a->since_gateway_us = wire->since_wall_us;
    a->revision = revision;
}

const struct xw_attachment *xw_attachments_record(struct xw_attachments *attachments,
                                                  const struct xw_store_record *record)
{
    Xw__Attachment *wire = xw__attachment__unpack(NULL, record->body_size, record->body);
    struct xw_attachment *a = NULL;
    struct xw_uuid id;
    int r = wire ? xw_uuid_from_bytes(wire->attachment_id.data, wire->attachment_id.len, &id)
                 : -EBADMSG;
    if (r == 0)
        r = find_or_add(attachments, &id, record->origin, &a);
    if (r == -EPERM && a && !a->told) {
        /* Another gateway spoke of it without having it: it is whose record this is. */
        drop_values(attachments, a);
        snprintf(a->gateway_id, sizeof(a->gateway_id), "%s", record->origin);
        r = 0;
    }
    if (r == 0)
        fold(a, wire, record->revision);
    else
        xw_counter_add(&refused, 1);
    if (wire)
        xw__attachment__free_unpacked(wire, NULL);
    return r == 0 ? a : NULL;
}

/* ---- observations ---- */

static bool time_ok(int64_t us)
{
    return us >= 0 && us < (INT64_C(1) << 53);
}

static bool text_ok(const char *text, size_t max_n)
{
    return strnlen(text, max_n + 1) <= max_n;
}

Xw__Observation *xw_observation_read(const void *body, size_t size)
{
    Xw__Observation *o = xw__observation__unpack(NULL, size, body);
    if (!o)
        return NULL;
    bool number = o->value_case == XW__OBSERVATION__VALUE_NUMBER;
    bool text = o->value_case == XW__OBSERVATION__VALUE_TEXT;
    if (o->attachment_id.len == 16 && o->observation_id.len == 16 && o->code[0] &&
        text_ok(o->code, 64) && text_ok(o->code_system, 64) && text_ok(o->unit, 32) &&
        text_ok(o->source, 64) && text_ok(o->reported_value, 64) && text_ok(o->reported_unit, 64) &&
        text_ok(o->device_id, 64) && (!number || isfinite(o->number)) &&
        (!text || text_ok(o->text, 256)) && time_ok(o->wall_us) && time_ok(o->received_wall_us) &&
        llabs(o->county_offset_us) < (INT64_C(1) << 53))
        return o;
    xw__observation__free_unpacked(o, NULL);
    return NULL;
}

int64_t xw_attachments_county_us(const struct xw_attachments *attachments, const char *gateway_id,
                                 int64_t gateway_us, bool known, int64_t offset_us)
{
    const struct xw_attachments_config *c = &attachments->config;
    if (!known)
        offset_us = c->offset_us ? c->offset_us(c->user, gateway_id) : 0;
    return gateway_us + offset_us;
}

static void make_values_room(struct xw_attachments *t, const struct xw_attachment *except)
{
    struct xw_attachment *oldest = NULL;
    for (size_t i = 0; i < t->n; i++)
        if (t->v[i] != except && t->v[i]->newest_n &&
            (!oldest || t->v[i]->used_us < oldest->used_us))
            oldest = t->v[i];
    if (!oldest)
        return;
    xw_counter_add(&values_evicted, oldest->newest_n);
    drop_values(t, oldest);
}

/* The place of a code, a new one if need be; NULL without memory. */
static struct xw_newest *place(struct xw_attachments *t, struct xw_attachment *a,
                               const Xw__Observation *o)
{
    uint32_t oldest = 0;
    for (uint32_t i = 0; i < a->newest_n; i++) {
        const Xw__Observation *known = a->newest[i].wire;
        if (strcmp(known->code, o->code) == 0 && strcmp(known->source, o->source) == 0 &&
            strcmp(known->code_system, o->code_system) == 0)
            return &a->newest[i];
        if (a->newest[i].wall_us < a->newest[oldest].wall_us)
            oldest = i;
    }
    if (a->newest_n == XW_CODES_MAX) {
        xw__observation__free_unpacked(a->newest[oldest].wire, NULL);
        a->newest[oldest] = (struct xw_newest){.wall_us = INT64_MIN};
        xw_counter_add(&values_evicted, 1);
        return &a->newest[oldest];
    }
    if (t->values_n >= XW_OBSERVATIONS_MAX)
        make_values_room(t, a);
    struct xw_newest *v = realloc(a->newest, (a->newest_n + 1) * sizeof(*v));
    if (!v)
        return NULL;
    a->newest = v;
    a->newest[a->newest_n] = (struct xw_newest){.wall_us = INT64_MIN};
    t->values_n++;
    return &a->newest[a->newest_n++];
}

/* Takes o. */
static int take(struct xw_attachments *t, struct xw_attachment *a, Xw__Observation *o)
{
    int64_t wall_us = xw_attachments_county_us(t, a->gateway_id, o->wall_us, o->county_offset_known,
                                               o->county_offset_us);
    struct xw_newest *at = place(t, a, o);
    /* Equal times: what came later was said later. */
    if (!at || (at->wire &&
                (wall_us < at->wall_us ||
                 (wall_us == at->wall_us && o->received_wall_us < at->wire->received_wall_us)))) {
        xw__observation__free_unpacked(o, NULL);
        return at ? 0 : -ENOMEM;
    }
    if (at->wire)
        xw__observation__free_unpacked(at->wire, NULL);
    *at = (struct xw_newest){o, wall_us};
    return 1;
}

int xw_attachments_observation(struct xw_attachments *attachments,
                               const struct xw_store_record *record, struct xw_uuid *ret_id)
{
    Xw__Observation *o = xw_observation_read(record->body, record->body_size);
    struct xw_attachment *a = NULL;
    struct xw_uuid id;
    int r = o ? xw_uuid_from_bytes(o->attachment_id.data, o->attachment_id.len, &id) : -EBADMSG;
    if (r == 0)
        r = find_or_add(attachments, &id, record->origin, &a);
    if (r == 0) {
        *ret_id = id;
        xw_counter_add(&observations_in, 1);
        return take(attachments, a, o);
    }
    xw_counter_add(&refused, 1);
    if (o)
        xw__observation__free_unpacked(o, NULL);
    return r;
}

void xw_attachments_complete(struct xw_attachments *attachments, const struct xw_uuid *id)
{
    struct xw_attachment *a = find(attachments, id);
    if (a)
        a->complete = true;
}

void xw_observation_key(const struct xw_uuid *attachment, int64_t gateway_wall_us,
                        const uint8_t *observation, uint8_t ret_key[XW_OBSERVATION_KEY_N])
{
    memcpy(ret_key, attachment->b, 16);
    ret_key[16] = 'o';
    for (unsigned i = 0; i < 8; i++)
        ret_key[17 + i] = (uint8_t)((uint64_t)gateway_wall_us >> (56 - 8 * i));
    memcpy(ret_key + 25, observation, 16);
}

struct xw_uuid xw_bed_id(const struct xw_attachment *attachment)
{
    crypto_hash_sha256_state state;
    uint8_t hash[crypto_hash_sha256_BYTES];
    struct xw_uuid id = attachment->id;
    if (!attachment->bed[0])
        return id;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const uint8_t *)attachment->gateway_id,
                              strlen(attachment->gateway_id) + 1);
    crypto_hash_sha256_update(&state, (const uint8_t *)attachment->bed, strlen(attachment->bed));
    crypto_hash_sha256_final(&state, hash);
    memcpy(id.b, hash, sizeof(id.b));
    return id;
}
