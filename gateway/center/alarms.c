/* The alarms of the county, and their acknowledgement. */
#include "center/alarms.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/json.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(alarms_seen, "xw_center_alarms_total", NULL, "clinical alarms that came");
XW_COUNTER(alarms_acked, "xw_center_alarm_acks_total", NULL, "of them acknowledged");

struct xw_alarms {
    struct xw_alarms_config config;
    struct xw_alarm *v[XW_ALARMS_MAX]; /* by onset, oldest first */
    size_t n;
};

/* One acknowledgement under way. */
struct ack {
    struct xw_alarms *alarms;
    uint8_t key[XW_EVENT_KEY_N];
    xw_alarms_fn done;
    void *user;
};

int xw_alarms_new(const struct xw_alarms_config *config, struct xw_alarms **ret_alarms)
{
    struct xw_alarms *a = calloc(1, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->config = *config;
    *ret_alarms = a;
    return 0;
}

static void alarm_free(struct xw_alarm *alarm)
{
    xw__event__free_unpacked(alarm->event, NULL);
    free(alarm);
}

void xw_alarms_free(struct xw_alarms *alarms)
{
    if (!alarms)
        return;
    for (size_t i = 0; i < alarms->n; i++)
        alarm_free(alarms->v[i]);
    free(alarms);
}

static struct xw_alarm *find(const struct xw_alarms *alarms, const void *key, size_t size)
{
    if (size != XW_EVENT_KEY_N)
        return NULL;
    for (size_t i = alarms->n; i > 0; i--)
        if (memcmp(alarms->v[i - 1]->key, key, XW_EVENT_KEY_N) == 0)
            return alarms->v[i - 1];
    return NULL;
}

const struct xw_alarm *xw_alarms_find(const struct xw_alarms *alarms, const void *key, size_t size)
{
    return find(alarms, key, size);
}

static void tell_stream(struct xw_alarms *alarms, const struct xw_uuid *stream)
{
    const struct xw_alarm *highest = NULL;
    for (size_t i = 0; i < alarms->n; i++) {
        const struct xw_alarm *a = alarms->v[i];
        if (a->acked_wall_us || !xw_uuid_equal(&a->stream, stream))
            continue;
        if (!highest || a->event->priority >= highest->event->priority)
            highest = a;
    }
    if (alarms->config.on_stream)
        alarms->config.on_stream(alarms->config.user, stream,
                                 highest ? (uint32_t)highest->event->priority : 0,
                                 highest ? highest->event->code : "");
}

static void make_room(struct xw_alarms *alarms)
{
    size_t i = 0;
    while (i < alarms->n && !alarms->v[i]->acked_wall_us)
        i++;
    if (i == alarms->n)
        i = 0;
    alarm_free(alarms->v[i]);
    memmove(&alarms->v[i], &alarms->v[i + 1], (alarms->n - i - 1) * sizeof(struct xw_alarm *));
    alarms->n--;
}

static void insert(struct xw_alarms *alarms, struct xw_alarm *alarm)
{
    if (alarms->n == XW_ALARMS_MAX)
        make_room(alarms);
    size_t at = alarms->n;
    while (at > 0 && alarms->v[at - 1]->wall_us > alarm->wall_us)
        at--;
    memmove(&alarms->v[at + 1], &alarms->v[at], (alarms->n - at) * sizeof(struct xw_alarm *));
    alarms->v[at] = alarm;
    alarms->n++;
}

static bool is_ours(const Xw__Event *event)
{
    return event->kind == XW__EVENT_KIND__EVENT_ALARM && event->stream_id.len == 16 &&
           (event->priority == XW__PRIORITY__PRIORITY_MEDIUM ||
            event->priority == XW__PRIORITY__PRIORITY_HIGH);
}

/* A revision that takes the alarm back says so, or has an empty code or no priority: it needs
 * nobody any more. */
static bool withdrawn(const Xw__Event *event)
{
    return event->withdrawn || event->code[0] == 0 ||
           event->priority == XW__PRIORITY__PRIORITY_NONE;
}

static bool take_event(struct xw_alarms *alarms, const struct xw_store_record *record)
{
    if (record->key_size != XW_EVENT_KEY_N ||
        (record->has_span && record->event_kind != XW__EVENT_KIND__EVENT_ALARM))
        return false;
    Xw__Event *event = xw__event__unpack(NULL, record->body_size, record->body);
    if (!event)
        return false;
    struct xw_alarm *alarm = find(alarms, record->key, record->key_size);
    bool fresh = !alarm;
    if (alarm ? alarm->revision >= record->revision : !is_ours(event) || withdrawn(event)) {
        xw__event__free_unpacked(event, NULL);
        return false;
    }
    if (fresh) {
        alarm = calloc(1, sizeof(*alarm));
        if (!alarm) {
            xw__event__free_unpacked(event, NULL);
            return false;
        }
        memcpy(alarm->key, record->key, sizeof(alarm->key));
        memcpy(alarm->stream.b, event->stream_id.data, sizeof(alarm->stream.b));
        alarm->wall_us =
            alarms->config.wall_us
                ? alarms->config.wall_us(alarms->config.user, &alarm->stream, event->first)
                : 0;
        if (!alarm->wall_us)
            alarm->wall_us = record->wall_us;
        alarm->came_us = xw_clock_mono(NULL).us;
        insert(alarms, alarm);
        xw_counter_add(&alarms_seen, 1);
    } else {
        xw__event__free_unpacked(alarm->event, NULL);
    }
    alarm->event = event;
    alarm->revision = record->revision;
    if (withdrawn(event) && !alarm->acked_wall_us) {
        alarm->acked_wall_us = record->wall_us;
        snprintf(alarm->acked_by, sizeof(alarm->acked_by), "machine");
    }
    tell_stream(alarms, &alarm->stream);
    return fresh;
}

static void take_ack(struct xw_alarms *alarms, const struct xw_store_record *record)
{
    Xw__AlarmAck *ack = xw__alarm_ack__unpack(NULL, record->body_size, record->body);
    if (!ack)
        return;
    struct xw_alarm *alarm = find(alarms, ack->event_key.data, ack->event_key.len);
    if (alarm && !alarm->acked_wall_us) {
        snprintf(alarm->acked_by, sizeof(alarm->acked_by), "%s", ack->author);
        alarm->acked_wall_us = ack->wall_us ? ack->wall_us : record->wall_us;
        xw_counter_add(&alarms_acked, 1);
        tell_stream(alarms, &alarm->stream);
    }
    xw__alarm_ack__free_unpacked(ack, NULL);
}

bool xw_alarms_record(struct xw_alarms *alarms, const struct xw_store_record *record)
{
    if (record->kind == XW__RECORD_KIND__RECORD_EVENT)
        return take_event(alarms, record);
    if (record->kind == XW__RECORD_KIND__RECORD_ALARM_ACK)
        take_ack(alarms, record);
    return false;
}

static void on_ack_done(void *user, int status)
{
    struct ack *ack = user;
    struct xw_alarm *alarm = find(ack->alarms, ack->key, sizeof(ack->key));
    if (alarm)
        alarm->acking = false;
    if (status == 0 && alarm)
        ack->done(ack->user, 0, alarm->acked_by, alarm->acked_wall_us);
    else
        ack->done(ack->user, status ? status : -ENOENT, "", 0);
    free(ack);
}

/* The acknowledgement and its audit entry, durable together. */
static int append(struct xw_alarms *alarms, struct xw_alarm *alarm, const char *by, struct ack *ack)
{
    uint8_t key[1 + XW_EVENT_KEY_N] = {'k'}, body[256];
    struct xw_audit_entry entry;
    struct xw_store_record records[2];
    char subject[2 * XW_EVENT_KEY_N + 1] = "";
    memcpy(key + 1, alarm->key, XW_EVENT_KEY_N);
    for (size_t i = 0; i < XW_EVENT_KEY_N; i++)
        snprintf(subject + 2 * i, 3, "%02x", alarm->key[i]);
    Xw__AlarmAck wire = XW__ALARM_ACK__INIT;
    wire.event_key.len = XW_EVENT_KEY_N;
    wire.event_key.data = alarm->key;
    wire.author = (char *)(uintptr_t)by;
    wire.wall_us = xw_clock_wall(NULL).us;
    if (xw__alarm_ack__get_packed_size(&wire) > sizeof(body))
        return -EINVAL;
    records[0] = (struct xw_store_record){.key = key,
                                          .key_size = sizeof(key),
                                          .revision = 1,
                                          .kind = XW__RECORD_KIND__RECORD_ALARM_ACK,
                                          .body = body,
                                          .body_size = xw__alarm_ack__pack(&wire, body),
                                          .origin = "county",
                                          .wall_us = wire.wall_us};
    xw_audit_fill(&entry, by, "alarm_ack", subject, "ok", &records[1]);
    const char *gateway =
        alarms->config.gateway ? alarms->config.gateway(alarms->config.user, &alarm->stream) : NULL;
    return xw_journal_append(alarms->config.journal, records, 2, gateway, on_ack_done, ack);
}

int xw_alarms_ack(struct xw_alarms *alarms, const void *key, size_t size, const char *by,
                  xw_alarms_fn done, void *user)
{
    struct xw_alarm *alarm = find(alarms, key, size);
    if (!alarm)
        return -ENOENT;
    if (alarm->acked_wall_us) {
        done(user, 0, alarm->acked_by, alarm->acked_wall_us);
        return 0;
    }
    if (alarm->acking)
        return -EAGAIN;
    struct ack *ack = calloc(1, sizeof(*ack));
    if (!ack)
        return -ENOMEM;
    ack->alarms = alarms;
    ack->done = done;
    ack->user = user;
    memcpy(ack->key, alarm->key, sizeof(ack->key));
    int r = append(alarms, alarm, by, ack);
    if (r < 0) {
        free(ack);
        return r;
    }
    alarm->acking = true;
    return 0;
}

json_t *xw_alarms_json(const struct xw_alarms *alarms, size_t limit,
                       bool (*sees)(void *user, const struct xw_uuid *stream), void *user)
{
    json_t *array = json_array();
    for (size_t i = alarms->n; i > 0 && json_array_size(array) < limit; i--) {
        const struct xw_alarm *a = alarms->v[i - 1];
        if (!sees(user, &a->stream))
            continue;
        json_t *o = xw_json_event(a->event, a->key, sizeof(a->key), a->revision, a->wall_us);
        json_object_set_new(o, "acked_by",
                            a->acked_wall_us ? xw_json_text(a->acked_by) : json_null());
        json_object_set_new(o, "acked_wall_us",
                            a->acked_wall_us ? json_integer(a->acked_wall_us) : json_null());
        json_array_append_new(array, o);
    }
    return array;
}
