/* OBR, OBX, PV1: from fields to readings. */
#include "hl7/oru.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { MEASUREMENTS_MAX = 64 }; /* pressures of one message that are held against each other */

struct reader {
    const struct xw_hl7_message *m;
    struct xw_hl7_oru *oru;
    struct xw_hl7_error *error;
    size_t cap;
    size_t patients_n;
    bool in_device; /* OBX-18 of the device itself was seen */
};

/* ---- values ---- */

bool xw_hl7_is_sentinel(const char *text)
{
    static const char *const words[] = {
        "\"\"",     "N/A",           "NA",        "NAN",        "NULL",  "NIL", "NONE",
        "ABSENT",   "INVALID",       "UNKNOWN",   "OFF",        "NAV",   "INV", "INF",
        "无",       "无效",          "无值",      "未测",       "ERROR", "ERR", "NOVALUE",
        "NO VALUE", "NOT AVAILABLE", "PROBE OFF", "SENSOR OFF",
    };
    static const double numbers[] = {-32768, 32767,      65535,       8388607,    -8388608,
                                     -1,     -100,       9999,        99999,      -9999,
                                     -999,   2147483647, -2147483648, 4294967295, 16777215};
    if (text[strspn(text, "-*?._ #")] == 0)
        return true;
    for (size_t i = 0; i < XW_ARRAY_N(words); i++)
        if (!strcasecmp(words[i], text))
            return true;
    char *end;
    if (text[strspn(text, "+-0123456789.")] != 0)
        return false;
    double v = strtod(text, &end);
    for (size_t i = 0; !*end && i < XW_ARRAY_N(numbers); i++)
        if (v == numbers[i])
            return true;
    return false;
}

/* A decimal number and nothing else. */
static bool decimal(const char *text, double *ret)
{
    const char *at = text + (*text == '+' || *text == '-');
    size_t whole = strspn(at, "0123456789"), part = 0;
    at += whole;
    if (*at == '.')
        part = strspn(at + 1, "0123456789"), at += 1 + part;
    if (*at || whole + part == 0 || whole + part > 18)
        return false;
    *ret = strtod(text, NULL);
    return true;
}

/* OBX-5 of type SN is comparator^number. */
static void read_value(struct reader *r, const struct xw_hl7_fields *obx,
                       struct xw_hl7_reading *reading)
{
    char type[4], comparator[4];
    struct xw_hl7_piece value = xw_hl7_repeat(r->m, obx->f[5], 1);
    xw_hl7_text(r->m, obx->f[2], 1, type, sizeof(type));
    if (!strcmp(type, "SN")) {
        xw_hl7_text(r->m, value, 1, comparator, sizeof(comparator));
        if (!comparator[0] || !strcmp(comparator, "="))
            value = xw_hl7_component(r->m, value, 2);
    }
    xw_hl7_unescape(r->m, value, reading->value, sizeof(reading->value));
}

/* OBX-11, and the words of IHE PCD in OBX-8. */
static bool is_unusable(struct reader *r, const struct xw_hl7_fields *obx, bool *ret_demo)
{
    static const char *const flags[] = {"INV", "NAV", "CAL", "BUSY", "OFF", "TEST", "STBY"};
    char status[4], flag[8];
    xw_hl7_text(r->m, obx->f[11], 1, status, sizeof(status));
    bool bad = status[0] && !status[1] && strchr("XNDWOI", status[0]);
    for (size_t i = 1; i <= 4; i++) {
        xw_hl7_unescape(r->m, xw_hl7_component(r->m, xw_hl7_repeat(r->m, obx->f[8], i), 1), flag,
                        sizeof(flag));
        *ret_demo |= !strcmp(flag, "DEMO");
        for (size_t k = 0; k < XW_ARRAY_N(flags); k++)
            bad |= !strcmp(flag, flags[k]);
    }
    return bad;
}

static void judge(struct reader *r, const struct xw_hl7_fields *obx, struct xw_hl7_reading *g)
{
    char code[33], text[65];
    double number;
    xw_hl7_text(r->m, obx->f[6], 1, code, sizeof(code));
    xw_hl7_text(r->m, obx->f[6], 2, text, sizeof(text));
    snprintf(g->unit, sizeof(g->unit), "%s", text[0] ? text : code);
    bool unusable = is_unusable(r, obx, &g->demo);
    if (xw_hl7_is_sentinel(g->value))
        g->absent = XW_HL7_SENTINEL;
    else if (unusable)
        g->absent = XW_HL7_STATUS;
    else if (!decimal(g->value, &number))
        g->absent = XW_HL7_NOT_NUMBER;
    else if (xw_unit_convert(g->vital, number, code, text, &g->number) < 0)
        g->absent = XW_HL7_UNIT;
    else if (!xw_vital_possible(g->vital, g->number))
        g->absent = XW_HL7_IMPOSSIBLE;
    else
        g->absent = XW_HL7_PRESENT;
    if (g->absent != XW_HL7_PRESENT)
        g->number = 0;
}

/* ---- codes, times, devices ---- */

/* First coding of OBX-3, else the alternate one. */
static struct xw_vital_code look_up(struct reader *r, struct xw_hl7_piece field)
{
    struct xw_vital_code found = {0};
    for (size_t first = 1; first <= 4 && found.id == XW_VITAL_NONE; first += 3) {
        char code[65], text[65], system[33];
        xw_hl7_text(r->m, field, first, code, sizeof(code));
        xw_hl7_text(r->m, field, first + 1, text, sizeof(text));
        xw_hl7_text(r->m, field, first + 2, system, sizeof(system));
        if (code[0] || text[0])
            found = xw_vital_lookup(code, text, system);
    }
    return found;
}

static void read_times(struct reader *r, const struct xw_hl7_fields *obx,
                       struct xw_hl7_reading *reading)
{
    xw_hl7_text(r->m, obx->f[14], 1, reading->time_text, sizeof(reading->time_text));
    reading->timed =
        xw_hl7_time_parse(reading->time_text, strlen(reading->time_text), &reading->time) == 0 &&
        reading->time.precision_us <= 60000000;
}

static bool id_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("._:-", c));
}

/* Our alphabet; runs of anything else become one hyphen. */
static void safe_id(const char *text, char *ret, size_t size)
{
    size_t n = 0;
    for (; *text && n + 1 < size; text++) {
        char c = id_char(*text) ? *text : '-';
        if (c == '-' && (n == 0 || ret[n - 1] == '-'))
            continue;
        ret[n++] = c;
    }
    while (n > 0 && ret[n - 1] == '-')
        n--;
    ret[n] = 0;
}

static bool worldwide(const char *id, const char *type)
{
    static const char *const types[] = {"EUI-64", "UUID", "GUID", "ISO", "DNS", "URI"};
    size_t n = strlen(id);
    for (size_t i = 0; i < XW_ARRAY_N(types); i++)
        if (id[0] && !strcasecmp(type, types[i]))
            return true;
    return n == 16 && strspn(id, "0123456789abcdefABCDEF") == n;
}

/* An identifier, one of whose components is worldwide: name^id^type or name^^id^type. */
static bool device_from(struct reader *r, struct xw_hl7_piece field)
{
    char part[5][65] = {{0}};
    for (size_t i = 1; i <= 4; i++)
        xw_hl7_text(r->m, field, i, part[i - 1], sizeof(part[0]));
    for (size_t i = 0; i < 4; i++) {
        if (!part[i][0] || !worldwide(part[i], part[i + 1]))
            continue;
        if (!strcmp(part[i + 1], "ISO") && !strchr(part[i], '.'))
            continue;
        safe_id(part[i], r->oru->device_id, sizeof(r->oru->device_id));
        r->oru->device_unique = r->oru->device_id[0] != 0;
        return r->oru->device_unique;
    }
    return false;
}

/* MSH-3 and MSH-4: an id of the sender, else its name (which another monitor may have, too). */
static void device_from_sender(struct reader *r, const struct xw_hl7_header *h)
{
    char application[65], facility[65], both[132];
    xw_hl7_text(r->m, h->msh.f[3], 1, application, sizeof(application));
    xw_hl7_text(r->m, h->msh.f[4], 1, facility, sizeof(facility));
    snprintf(r->oru->model, sizeof(r->oru->model), "%s", application[0] ? application : facility);
    if (device_from(r, h->msh.f[3]) || device_from(r, h->msh.f[4]))
        return;
    snprintf(both, sizeof(both), "%s%s%s", application, application[0] && facility[0] ? "-" : "",
             facility);
    safe_id(both, r->oru->device_id, 41); /* room for an address behind it */
}

/* The device itself says its own id in OBX-18: of its first OBX (x.0.0.0, or the first at all). */
static void read_equipment(struct reader *r, const struct xw_hl7_fields *obx)
{
    if (r->in_device || !obx->f[18].n)
        return;
    r->in_device = r->oru->device_own = device_from(r, xw_hl7_repeat(r->m, obx->f[18], 1));
}

/* ---- segments ---- */

static int add_reading(struct reader *r, const struct xw_hl7_reading *reading)
{
    struct xw_hl7_oru *oru = r->oru;
    if (oru->readings_n == XW_HL7_READINGS_MAX) {
        xw_hl7_error_set(r->error, "OBX", "more than %d observations", XW_HL7_READINGS_MAX);
        return -EOVERFLOW;
    }
    if (oru->readings_n == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 32;
        void *grown = realloc(oru->readings, cap * sizeof(*oru->readings));
        if (!grown)
            return -ENOMEM;
        oru->readings = grown;
        r->cap = cap;
    }
    oru->readings[oru->readings_n++] = *reading;
    return 0;
}

static bool says_something(struct reader *r, const struct xw_hl7_fields *obx)
{
    char type[4];
    xw_hl7_text(r->m, obx->f[2], 1, type, sizeof(type));
    return obx->f[5].n > 0 && strcmp(type, "NA") != 0 && strcmp(type, "ED") != 0;
}

static int read_obx(struct reader *r, const struct xw_hl7_piece *segment)
{
    struct xw_hl7_fields obx;
    struct xw_hl7_reading g = {0};
    xw_hl7_split(r->m, segment, &obx);
    read_equipment(r, &obx);
    struct xw_vital_code code = look_up(r, obx.f[3]);
    if (code.id == XW_VITAL_NONE) {
        if (says_something(r, &obx))
            r->oru->unknown_n++;
        else
            r->oru->other_n++;
        return 0;
    }
    g.vital = xw_vital(code.id);
    g.mdc = code.mdc;
    g.continuous = g.vital->continuous || code.continuous;
    snprintf(g.source, sizeof(g.source), "%s", code.source ? code.source : g.vital->source);
    xw_hl7_text(r->m, obx.f[4], 1, g.channel, sizeof(g.channel));
    read_value(r, &obx, &g);
    read_times(r, &obx, &g);
    judge(r, &obx, &g);
    return add_reading(r, &g);
}

static void read_obr(struct reader *r, const struct xw_hl7_piece *segment)
{
    struct xw_hl7_fields obr;
    char text[33];
    if (r->oru->has_set_time)
        return;
    xw_hl7_split(r->m, segment, &obr);
    xw_hl7_text(r->m, obr.f[7], 1, text, sizeof(text));
    r->oru->has_set_time = xw_hl7_time_parse(text, strlen(text), &r->oru->set_time) == 0 &&
                           r->oru->set_time.precision_us <= 60000000;
}

static void read_pv1(struct reader *r, const struct xw_hl7_piece *segment)
{
    struct xw_hl7_fields pv1;
    char unit[33], room[33], bed[33];
    xw_hl7_split(r->m, segment, &pv1);
    xw_hl7_text(r->m, pv1.f[3], 1, unit, sizeof(unit));
    xw_hl7_text(r->m, pv1.f[3], 2, room, sizeof(room));
    xw_hl7_text(r->m, pv1.f[3], 3, bed, sizeof(bed));
    char *place = r->oru->place;
    size_t size = sizeof(r->oru->place);
    snprintf(place, size, "%.20s%s%.20s%s%.20s", unit, unit[0] && room[0] ? " " : "", room,
             (unit[0] || room[0]) && bed[0] ? " " : "", bed);
    /* Cut where a character ended. */
    size_t n = 0;
    for (size_t k; n < strlen(place) && (k = xw_hl7_utf8_at(place + n, strlen(place) - n)); n += k)
        ;
    place[n] = 0;
}

static int read_segment(struct reader *r, const struct xw_hl7_piece *segment)
{
    if (xw_hl7_is(segment, "OBX"))
        return read_obx(r, segment);
    if (xw_hl7_is(segment, "OBR"))
        read_obr(r, segment);
    else if (xw_hl7_is(segment, "PV1"))
        read_pv1(r, segment);
    else if (xw_hl7_is(segment, "PID") && ++r->patients_n > 1) {
        xw_hl7_error_set(r->error, "PID", "more than one patient in a message");
        return -EBADMSG;
    } else if (xw_hl7_is(segment, "MSH")) {
        xw_hl7_error_set(r->error, "MSH", "two messages in one frame");
        return -EBADMSG;
    }
    return 0;
}

/* ---- values that only make sense together ---- */

static bool same_measurement(const struct xw_hl7_reading *a, const struct xw_hl7_reading *b)
{
    const char *ae = strrchr(a->channel, '.'), *be = strrchr(b->channel, '.');
    size_t an = ae ? (size_t)(ae - a->channel) : strlen(a->channel);
    size_t bn = be ? (size_t)(be - b->channel) : strlen(b->channel);
    return a->vital->family == b->vital->family && an == bn &&
           !memcmp(a->channel, b->channel, an) && !strcmp(a->time_text, b->time_text);
}

static double pressure(const struct xw_hl7_oru *oru, const struct xw_hl7_reading *of,
                       enum xw_vital_id id)
{
    for (size_t i = 0; i < oru->readings_n; i++) {
        const struct xw_hl7_reading *g = &oru->readings[i];
        if (g->vital->id == id && g->absent == XW_HL7_PRESENT && same_measurement(g, of))
            return g->number;
    }
    return NAN;
}

static void judge_pressures(struct xw_hl7_oru *oru)
{
    static const enum xw_vital_id ids[][3] = {
        {XW_VITAL_NIBP_SYS, XW_VITAL_NIBP_DIA, XW_VITAL_NIBP_MEAN},
        {XW_VITAL_ART_SYS, XW_VITAL_ART_DIA, XW_VITAL_ART_MEAN}};
    size_t measurements_n = 0;
    for (size_t i = 0; i < oru->readings_n && measurements_n < MEASUREMENTS_MAX; i++) {
        const struct xw_hl7_reading of = oru->readings[i];
        for (size_t k = 0; k < XW_ARRAY_N(ids); k++) {
            if (of.vital->id != ids[k][0])
                continue;
            measurements_n++;
            double sys = pressure(oru, &of, ids[k][0]), dia = pressure(oru, &of, ids[k][1]);
            if (xw_vital_pressures_possible(sys, dia, pressure(oru, &of, ids[k][2])))
                continue;
            for (size_t j = 0; j < oru->readings_n; j++) {
                struct xw_hl7_reading *g = &oru->readings[j];
                bool one = g->vital->id == ids[k][0] || g->vital->id == ids[k][1] ||
                           g->vital->id == ids[k][2];
                if (one && g->absent == XW_HL7_PRESENT && same_measurement(g, &of))
                    g->absent = XW_HL7_IMPOSSIBLE;
            }
        }
    }
}

/* A quantity that comes over several channels: those without a value are left out when another has
 * one, so that "none" on a second probe does not hide the first. */
static uint32_t drop_empty_channels(struct xw_hl7_oru *oru)
{
    bool has[XW_VITALS_N] = {false};
    size_t n = 0;
    for (size_t i = 0; i < oru->readings_n; i++)
        has[oru->readings[i].vital->id] |= oru->readings[i].absent == XW_HL7_PRESENT;
    for (size_t i = 0; i < oru->readings_n; i++)
        if (oru->readings[i].absent == XW_HL7_PRESENT || !has[oru->readings[i].vital->id])
            oru->readings[n++] = oru->readings[i];
    uint32_t dropped = (uint32_t)(oru->readings_n - n);
    oru->readings_n = n;
    return dropped;
}

int xw_hl7_oru_read(const struct xw_hl7_message *message, const struct xw_hl7_header *header,
                    struct xw_hl7_oru *ret_oru, struct xw_hl7_error *ret_error)
{
    struct xw_hl7_oru oru = {0};
    struct reader r = {.m = message, .oru = &oru, .error = ret_error};
    int status = 0;
    device_from_sender(&r, header);
    for (size_t i = 1; i < message->segments_n && status == 0; i++)
        status = read_segment(&r, &message->segments[i]);
    if (status == 0) {
        judge_pressures(&oru);
        oru.other_n += drop_empty_channels(&oru);
        *ret_oru = oru;
    } else {
        xw_hl7_oru_done(&oru);
    }
    return status;
}

void xw_hl7_oru_done(struct xw_hl7_oru *oru)
{
    free(oru->readings);
    oru->readings = NULL;
    oru->readings_n = 0;
}
