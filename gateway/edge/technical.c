/* Technical alarms as records. */
#include "edge/technical.h"

#include "base/log.h"
#include "edge/commit.h"

#include <stdio.h>
#include <string.h>

enum { OPEN_MAX = 256 };

struct alarm {
    struct xw_uuid id, stream;
    bool has_stream;
    Xw__TechnicalCode code;
    char subject[65], text[192];
    int64_t from_wall_us;
};

struct xw_technical {
    struct xw_edge *edge;
    struct alarm open[OPEN_MAX]; /* oldest first */
    size_t open_n;
};

int xw_technical_new(struct xw_edge *edge, struct xw_technical **ret_technical)
{
    struct xw_technical *technical = calloc(1, sizeof(*technical));
    if (!technical)
        return -ENOMEM;
    technical->edge = edge;
    *ret_technical = technical;
    return 0;
}

void xw_technical_free(struct xw_technical *technical)
{
    free(technical);
}

/* That nobody watches at the county the county knows best: a thousand gateways need not tell it. */
static bool stays_here(Xw__TechnicalCode code)
{
    return code == XW__TECHNICAL_CODE__TECHNICAL_UNATTENDED;
}

static void record(struct xw_edge *edge, const struct xw_uuid *id, uint64_t revision,
                   const Xw__TechnicalAlarm *message)
{
    struct xw_store_record r = {.key = id->b,
                                .key_size = 16,
                                .revision = revision,
                                .kind = XW__RECORD_KIND__RECORD_TECHNICAL,
                                .priority = XW__PRIORITY__PRIORITY_TECHNICAL};
    xw_commit_message(edge->commit, &r, &message->base, stays_here(message->code));
}

static void record_alarm(struct xw_technical *technical, const struct alarm *alarm, bool ended)
{
    Xw__TechnicalAlarm message = XW__TECHNICAL_ALARM__INIT;
    message.alarm_id = (ProtobufCBinaryData){16, (uint8_t *)alarm->id.b};
    message.code = alarm->code;
    message.subject = (char *)alarm->subject;
    message.text = (char *)alarm->text;
    message.from_wall_us = alarm->from_wall_us;
    message.to_wall_us = ended ? xw_edge_wall_us() : 0;
    if (alarm->has_stream)
        message.stream_id = (ProtobufCBinaryData){16, (uint8_t *)alarm->stream.b};
    record(technical->edge, &alarm->id, ended ? 2 : 1, &message);
}

static size_t find(const struct xw_technical *technical, Xw__TechnicalCode code,
                   const char *subject)
{
    size_t i = 0;
    while (i < technical->open_n &&
           (technical->open[i].code != code || strcmp(technical->open[i].subject, subject) != 0))
        i++;
    return i;
}

static void end(struct xw_technical *technical, size_t i)
{
    record_alarm(technical, &technical->open[i], true);
    technical->open_n--;
    memmove(&technical->open[i], &technical->open[i + 1],
            (technical->open_n - i) * sizeof(technical->open[0]));
}

bool xw_technical_raise(struct xw_technical *technical, Xw__TechnicalCode code, const char *subject,
                        const char *text, const struct xw_uuid *stream)
{
    if (find(technical, code, subject) < technical->open_n)
        return false;
    if (technical->open_n == OPEN_MAX)
        end(technical, 0);
    struct alarm *alarm = &technical->open[technical->open_n++];
    memset(alarm, 0, sizeof(*alarm));
    alarm->id = xw_uuid_v7(NULL);
    alarm->code = code;
    alarm->from_wall_us = xw_edge_wall_us();
    snprintf(alarm->subject, sizeof(alarm->subject), "%s", subject);
    snprintf(alarm->text, sizeof(alarm->text), "%s", text);
    if (stream) {
        alarm->stream = *stream;
        alarm->has_stream = true;
    }
    record_alarm(technical, alarm, false);
    xw_log_warning("technical.alarm", XW_LOG_STR("code", xw_technical_name(code)),
                   XW_LOG_STR("subject", subject), XW_LOG_STR("text", text));
    return true;
}

void xw_technical_clear(struct xw_technical *technical, Xw__TechnicalCode code, const char *subject)
{
    size_t i = find(technical, code, subject);
    if (i == technical->open_n)
        return;
    xw_log_info("technical.end", XW_LOG_STR("code", xw_technical_name(code)),
                XW_LOG_STR("subject", subject));
    end(technical, i);
}

bool xw_technical_is_open(const struct xw_technical *technical, Xw__TechnicalCode code,
                          const char *subject)
{
    return find(technical, code, subject) < technical->open_n;
}

static bool opened_here(const struct xw_technical *technical, const struct xw_uuid *id)
{
    for (size_t i = 0; i < technical->open_n; i++)
        if (xw_uuid_equal(&technical->open[i].id, id))
            return true;
    return false;
}

void xw_technical_end_old(struct xw_technical *technical, const struct xw_store_record *r)
{
    struct xw_uuid id;
    Xw__TechnicalAlarm *old = xw__technical_alarm__unpack(NULL, r->body_size, r->body);
    if (!old)
        return;
    bool ours = r->origin && !strcmp(r->origin, technical->edge->config->id);
    ours =
        ours && xw_uuid_from_bytes(r->key, r->key_size, &id) == 0 && !opened_here(technical, &id);
    if (ours && !old->to_wall_us) {
        old->to_wall_us = xw_edge_wall_us();
        record(technical->edge, &id, r->revision + 1, old);
    }
    xw__technical_alarm__free_unpacked(old, NULL);
}

void xw_technical_each(const struct xw_technical *technical,
                       void (*each)(void *user, const struct xw_technical_open *), void *user)
{
    for (size_t i = 0; i < technical->open_n; i++) {
        const struct alarm *a = &technical->open[i];
        const struct xw_technical_open open = {a->code, a->subject, a->text, a->from_wall_us};
        each(user, &open);
    }
}

const char *xw_technical_name(Xw__TechnicalCode code)
{
    switch (code) {
    case XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST:
        return "link_lost";
    case XW__TECHNICAL_CODE__TECHNICAL_SPOOL_LOW:
        return "spool_low";
    case XW__TECHNICAL_CODE__TECHNICAL_SPOOL_FULL:
        return "spool_full";
    case XW__TECHNICAL_CODE__TECHNICAL_DEVICE_FENCED:
        return "device_fenced";
    case XW__TECHNICAL_CODE__TECHNICAL_DEVICE_GONE:
        return "device_gone";
    case XW__TECHNICAL_CODE__TECHNICAL_CONFLICT:
        return "conflict";
    case XW__TECHNICAL_CODE__TECHNICAL_UNREADABLE:
        return "unreadable";
    case XW__TECHNICAL_CODE__TECHNICAL_LINK_NARROW:
        return "link_narrow";
    case XW__TECHNICAL_CODE__TECHNICAL_CLOCK:
        return "clock";
    case XW__TECHNICAL_CODE__TECHNICAL_ALARM_PATH:
        return "alarm_path";
    case XW__TECHNICAL_CODE__TECHNICAL_UNATTENDED:
        return "unattended";
    case XW__TECHNICAL_CODE__TECHNICAL_RULES:
        return "rules";
    case XW__TECHNICAL_CODE__TECHNICAL_ELECTRODES:
        return "electrodes";
    default:
        return "other";
    }
}
