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

void xw_technicals_record(struct xw_technicals *t, const struct xw_store_record *record)
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
    snprintf(old->origin, sizeof(old->origin), "%s", record->origin ? record->origin : "");
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
    xw_technicals_record(t, &record);
    if (t->show)
        t->show(t->user, &record);
    int r = xw_journal_append(t->journal, &record, 1, NULL, NULL, NULL);
    if (r < 0)
        xw_log_warning("technical.not_kept", XW_LOG_ERR(r));
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

void xw_technicals_clear(struct xw_technicals *technicals, Xw__TechnicalCode code,
                         const char *subject)
{
    struct technical *open = find_open(technicals, code, subject);
    if (!open)
        return;
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
