/* Technical alarms. */
#include "center/technical.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/json.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(technical_raised, "xw_center_technical_alarms_total", NULL,
           "technical alarms that the county raised");

struct technical {
    Xw__TechnicalAlarm *alarm;
    uint64_t revision;
    uint64_t kept_revision; /* durable; below revision: still to be kept (the disk was full) */
    bool in_flight;
    char origin[128];
};

struct xw_technicals {
    struct xw_journal *journal;
    void (*show)(void *user, const struct xw_store_record *record);
    void *user;
    struct technical v[XW_TECHNICALS_MAX]; /* oldest first */
    size_t n;
};

int xw_technicals_new(struct xw_journal *journal,
                      void (*show)(void *user, const struct xw_store_record *record), void *user,
                      struct xw_technicals **ret_technicals)
{
    struct xw_technicals *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->journal = journal;
    t->show = show;
    t->user = user;
    *ret_technicals = t;
    return 0;
}

void xw_technicals_free(struct xw_technicals *technicals)
{
    if (!technicals)
        return;
    for (size_t i = 0; i < technicals->n; i++)
        xw__technical_alarm__free_unpacked(technicals->v[i].alarm, NULL);
    free(technicals);
}

static void make_room(struct xw_technicals *t)
{
    size_t i = 0;
    while (i + 1 < t->n && !t->v[i].alarm->to_wall_us)
        i++;
    if (!t->v[i].alarm->to_wall_us)
        i = 0;
    xw__technical_alarm__free_unpacked(t->v[i].alarm, NULL);
    memmove(&t->v[i], &t->v[i + 1], (t->n - i - 1) * sizeof(t->v[0]));
    t->n--;
}

static struct technical *find_id(struct xw_technicals *t, const Xw__TechnicalAlarm *alarm)
{
    for (size_t i = t->n; i > 0; i--) {
        const ProtobufCBinaryData *id = &t->v[i - 1].alarm->alarm_id;
        if (id->len == alarm->alarm_id.len && memcmp(id->data, alarm->alarm_id.data, id->len) == 0)
            return &t->v[i - 1];
    }
    return NULL;
}

static void take(struct xw_technicals *t, const struct xw_store_record *record, bool durable)
{
    Xw__TechnicalAlarm *alarm = xw__technical_alarm__unpack(NULL, record->body_size, record->body);
    if (!alarm || alarm->alarm_id.len != 16) {
        if (alarm)
            xw__technical_alarm__free_unpacked(alarm, NULL);
        return;
    }
    struct technical *old = find_id(t, alarm);
    if (old && old->revision >= record->revision) {
        xw__technical_alarm__free_unpacked(alarm, NULL);
        return;
    }
    if (!old) {
        if (t->n == XW_TECHNICALS_MAX)
            make_room(t);
        size_t at = t->n;
        while (at > 0 && t->v[at - 1].alarm->from_wall_us > alarm->from_wall_us)
            at--;
        memmove(&t->v[at + 1], &t->v[at], (t->n - at) * sizeof(t->v[0]));
        t->n++;
        old = &t->v[at];
        *old = (struct technical){0};
    } else {
        xw__technical_alarm__free_unpacked(old->alarm, NULL);
    }
    old->alarm = alarm;
    old->revision = record->revision;
    if (durable)
        old->kept_revision = record->revision;
    snprintf(old->origin, sizeof(old->origin), "%s", record->origin ? record->origin : "");
}

void xw_technicals_record(struct xw_technicals *technicals, const struct xw_store_record *record)
{
    take(technicals, record, true);
}

static struct technical *find_open(const struct xw_technicals *t, Xw__TechnicalCode code,
                                   const char *subject)
{
    for (size_t i = t->n; i > 0; i--) {
        const struct technical *v = &t->v[i - 1];
        if (v->alarm->code == code && !v->alarm->to_wall_us && strcmp(v->origin, "county") == 0 &&
            strcmp(v->alarm->subject, subject) == 0)
            return (struct technical *)(uintptr_t)v;
    }
    return NULL;
}

bool xw_technicals_open(const struct xw_technicals *technicals, Xw__TechnicalCode code,
                        const char *subject)
{
    return find_open(technicals, code, subject) != NULL;
}

/* A revision on its way to the disk. */
struct keeping {
    struct xw_technicals *technicals;
    struct xw_uuid id;
    uint64_t revision;
};

static struct technical *find_key(struct xw_technicals *t, const struct xw_uuid *id)
{
    for (size_t i = t->n; i > 0; i--)
        if (memcmp(t->v[i - 1].alarm->alarm_id.data, id->b, sizeof(id->b)) == 0)
            return &t->v[i - 1];
    return NULL;
}

static void on_kept(void *user, int status)
{
    struct keeping *keeping = user;
    struct technical *v = find_key(keeping->technicals, &keeping->id);
    if (v) {
        v->in_flight = false;
        if (status == 0)
            v->kept_revision = XW_MAX(v->kept_revision, keeping->revision);
    }
    free(keeping);
}

static void keep(struct xw_technicals *t, const struct xw_store_record *record)
{
    struct keeping *keeping = malloc(sizeof(*keeping));
    if (!keeping)
        return;
    *keeping = (struct keeping){.technicals = t, .revision = record->revision};
    memcpy(keeping->id.b, record->key, sizeof(keeping->id.b));
    struct technical *v = find_key(t, &keeping->id);
    int r = xw_journal_append(t->journal, record, 1, NULL, on_kept, keeping);
    if (r < 0) {
        xw_log_warning("technical.not_kept", XW_LOG_ERR(r));
        free(keeping);
    } else if (v) {
        v->in_flight = true;
    }
}

static void append(struct xw_technicals *t, const Xw__TechnicalAlarm *alarm, uint64_t revision)
{
    size_t size = xw__technical_alarm__get_packed_size(alarm);
    xw_autofree uint8_t *body = malloc(size);
    if (!body)
        return;
    xw__technical_alarm__pack(alarm, body);
    struct xw_store_record record = {.key = alarm->alarm_id.data,
                                     .key_size = alarm->alarm_id.len,
                                     .revision = revision,
                                     .kind = XW__RECORD_KIND__RECORD_TECHNICAL,
                                     .body = body,
                                     .body_size = size,
                                     .origin = "county",
                                     .wall_us = xw_clock_wall(NULL).us};
    take(t, &record, false);
    if (t->show)
        t->show(t->user, &record);
    keep(t, &record);
}

void xw_technicals_tick(struct xw_technicals *technicals)
{
    for (size_t i = 0; i < technicals->n; i++) {
        struct technical *v = &technicals->v[i];
        if (v->kept_revision >= v->revision || v->in_flight || strcmp(v->origin, "county") != 0)
            continue;
        uint8_t body[1024];
        size_t size = xw__technical_alarm__get_packed_size(v->alarm);
        if (size > sizeof(body))
            continue;
        xw__technical_alarm__pack(v->alarm, body);
        const struct xw_store_record record = {.key = v->alarm->alarm_id.data,
                                               .key_size = v->alarm->alarm_id.len,
                                               .revision = v->revision,
                                               .kind = XW__RECORD_KIND__RECORD_TECHNICAL,
                                               .body = body,
                                               .body_size = size,
                                               .origin = "county",
                                               .wall_us = xw_clock_wall(NULL).us};
        keep(technicals, &record);
        return; /* one a tick: the disk may still be full */
    }
}

void xw_technicals_raise(struct xw_technicals *technicals, Xw__TechnicalCode code,
                         const char *subject, const char *text)
{
    if (find_open(technicals, code, subject))
        return;
    struct xw_uuid id = xw_uuid_v7(NULL);
    Xw__TechnicalAlarm alarm = XW__TECHNICAL_ALARM__INIT;
    alarm.alarm_id.len = sizeof(id.b);
    alarm.alarm_id.data = id.b;
    alarm.code = code;
    alarm.subject = (char *)(uintptr_t)subject;
    alarm.text = (char *)(uintptr_t)text;
    alarm.from_wall_us = xw_clock_wall(NULL).us;
    xw_counter_add(&technical_raised, 1);
    xw_log_notice("technical.raised", XW_LOG_STR("code", xw_json_technical_code((int)code)),
                  XW_LOG_STR("subject", subject));
    append(technicals, &alarm, 1);
}

static void end_alarm(struct xw_technicals *technicals, const struct technical *open,
                      Xw__TechnicalCode code, const char *subject)
{
    Xw__TechnicalAlarm alarm = *open->alarm;
    struct xw_uuid id;
    char text[256], who[256];
    memcpy(id.b, alarm.alarm_id.data, sizeof(id.b));
    snprintf(text, sizeof(text), "%s", alarm.text);
    snprintf(who, sizeof(who), "%s", alarm.subject);
    alarm.alarm_id.data = id.b;
    alarm.text = text;
    alarm.subject = who;
    alarm.stream_id = (ProtobufCBinaryData){0};
    alarm.to_wall_us = xw_clock_wall(NULL).us;
    xw_log_notice("technical.cleared", XW_LOG_STR("code", xw_json_technical_code((int)code)),
                  XW_LOG_STR("subject", subject));
    append(technicals, &alarm, open->revision + 1);
}

void xw_technicals_clear(struct xw_technicals *technicals, Xw__TechnicalCode code,
                         const char *subject)
{
    /* More than one may be open if an end could not be kept before a restart. */
    for (const struct technical *open; (open = find_open(technicals, code, subject));)
        end_alarm(technicals, open, code, subject);
}

json_t *xw_technicals_json(const struct xw_technicals *t, size_t limit,
                           bool (*sees)(void *user, const char *subject, const char *origin),
                           void *user)
{
    json_t *array = json_array();
    for (size_t i = t->n; i > 0 && json_array_size(array) < limit; i--)
        if (sees(user, t->v[i - 1].alarm->subject, t->v[i - 1].origin))
            json_array_append_new(array, xw_json_technical(t->v[i - 1].alarm));
    return array;
}
