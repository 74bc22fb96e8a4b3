/* Headers, samples and words of a recording that came as a file. */
#include "edge/import_make.h"

#include "base/block.h"
#include "edge/hello.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum { RATE_MIN_HZ = 50, RATE_MAX_HZ = 4000, MODEL_N = 65, BLOCK_ROWS_MAX = 4096 };

/* ---- headers ---- */

struct parts {
    Xw__Channel channels[XW_IMPORT_LEADS_MAX], *list[XW_IMPORT_LEADS_MAX];
    Xw__Fraction gains[XW_IMPORT_LEADS_MAX], rate;
    char codes[XW_IMPORT_LEADS_MAX][17], model[MODEL_N];
};

static Xw__Fraction reduced(uint64_t num, uint64_t den)
{
    uint64_t a = num, b = den;
    while (b) {
        uint64_t t = a % b;
        a = b;
        b = t;
    }
    Xw__Fraction f = XW__FRACTION__INIT;
    f.num = num / a;
    f.den = den / a;
    return f;
}

static bool is_negative(const struct xw_formats_lead *lead)
{
    return (lead->gain.num < 0) != (lead->gain.den < 0);
}

static uint64_t size_of(int64_t v)
{
    return v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
}

static double baseline_of(const struct xw_formats_lead *lead)
{
    double b = (double)lead->baseline.num / (double)lead->baseline.den;
    return round(is_negative(lead) ? -b : b);
}

/* A voltage whose numbers a header can carry. */
static bool lead_fits(const struct xw_formats_lead *lead)
{
    if (strcmp(lead->unit, "mV") != 0 || lead->gain.num == 0 || lead->gain.den == 0 ||
        lead->baseline.den == 0)
        return false;
    return fabs(baseline_of(lead)) < 2147483647.0;
}

static bool group_fits(const struct xw_formats_group *group)
{
    if (group->kind != XW_FORMATS_RHYTHM || group->samples_n < 1 || group->rate_hz.num < 1 ||
        group->rate_hz.den < 1)
        return false;
    double rate = (double)group->rate_hz.num / (double)group->rate_hz.den;
    return rate >= RATE_MIN_HZ && rate <= RATE_MAX_HZ;
}

/* Names of leads and devices are shown everywhere and live in headers: plain ASCII only. */
static size_t put_ascii(char *dst, size_t size, const char *text)
{
    size_t n = 0;
    for (const char *p = text; *p && n + 1 < size; p++)
        if (*p >= 0x20 && *p < 0x7f)
            dst[n++] = *p;
    dst[n] = 0;
    return n;
}

static void put_channel(struct parts *parts, unsigned at, const struct xw_formats_lead *lead)
{
    Xw__Channel *c = &parts->channels[at];
    xw__channel__init(c);
    if (!put_ascii(parts->codes[at], sizeof(parts->codes[at]), lead->name))
        snprintf(parts->codes[at], sizeof(parts->codes[at]), "lead %u", at + 1);
    parts->gains[at] = reduced(size_of(lead->gain.num), size_of(lead->gain.den));
    c->code = parts->codes[at];
    c->unit = (char *)"mV";
    c->gain = &parts->gains[at];
    c->baseline = (int32_t)baseline_of(lead);
    c->has_invalid = true;
    c->invalid = XW_FORMATS_NO_SAMPLE;
    c->adc_min = INT32_MIN + 1;
    c->adc_max = INT32_MAX;
    parts->list[at] = c;
}

static void put_model(char model[MODEL_N], const struct xw_formats_device *device)
{
    size_t n = put_ascii(model, MODEL_N, device->maker);
    if (n > 0 && n + 1 < MODEL_N && device->model[0])
        model[n++] = ' ';
    put_ascii(model + n, MODEL_N - n, device->model);
}

static int make_plain(struct xw_import_stream *s, const struct xw_formats_recording *recording,
                      const char *gateway_id, bool demo)
{
    struct parts parts;
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    for (unsigned c = 0; c < s->leads_n; c++)
        put_channel(&parts, c, &s->group->leads[s->lead[c]]);
    put_model(parts.model, &recording->device);
    parts.rate = reduced((uint64_t)s->group->rate_hz.num, (uint64_t)s->group->rate_hz.den);
    header.modality = XW__MODALITY__MODALITY_ECG;
    header.rate = &parts.rate;
    header.n_channels = s->leads_n;
    header.channels = parts.list;
    header.device_id = (char *)XW_IMPORT_DEVICE;
    header.gateway_id = (char *)gateway_id;
    header.index_source = XW__INDEX_SOURCE__INDEX_BY_GATEWAY;
    header.device_model = parts.model;
    header.high_pass_hz = recording->filters.highpass_hz;
    header.low_pass_hz = recording->filters.lowpass_hz;
    header.demo = demo;
    s->plain_size = xw__stream_header__get_packed_size(&header);
    s->plain = malloc(s->plain_size);
    if (!s->plain)
        return -ENOMEM;
    xw__stream_header__pack(&header, s->plain);
    return 0;
}

int xw_import_header(const struct xw_import_plan *plan, const struct xw_import_stream *stream,
                     const struct xw_uuid *id, uint8_t **ret_header, size_t *ret_size)
{
    Xw__StreamHeader *header = xw__stream_header__unpack(NULL, stream->plain_size, stream->plain);
    uint8_t *bytes = malloc(stream->plain_size + 64); /* the two ids take 18 bytes each */
    if (header && bytes) {
        header->stream_id = (ProtobufCBinaryData){16, (uint8_t *)id->b};
        header->attachment_id = (ProtobufCBinaryData){16, (uint8_t *)plan->attachment.b};
        *ret_size = xw__stream_header__pack(header, bytes);
        *ret_header = XW_STEAL(bytes);
        header->stream_id = header->attachment_id = (ProtobufCBinaryData){0, NULL};
    }
    bool good = header && !bytes;
    if (header)
        xw__stream_header__free_unpacked(header, NULL);
    free(bytes);
    return good ? 0 : -ENOMEM;
}

/* A block is about a second. */
static void set_shape(struct xw_import_stream *s)
{
    s->rate_hz = (double)s->group->rate_hz.num / (double)s->group->rate_hz.den;
    double rows = ceil(s->rate_hz);
    s->block_n = rows > BLOCK_ROWS_MAX ? BLOCK_ROWS_MAX : (uint32_t)rows;
}

int xw_import_plan_init(struct xw_import_plan *plan, const struct xw_formats_recording *recording,
                        const char *gateway_id, bool demo, char ret_text[XW_IMPORT_TEXT_N])
{
    memset(plan, 0, sizeof(*plan));
    plan->attachment = xw_hello_attachment(gateway_id, XW_IMPORT_DEVICE);
    for (unsigned g = 0; g < recording->groups_n; g++) {
        const struct xw_formats_group *group = &recording->groups[g];
        struct xw_import_stream *s = &plan->streams[plan->streams_n];
        s->group = group;
        s->leads_n = 0;
        for (unsigned l = 0; group_fits(group) && l < group->leads_n; l++)
            if (lead_fits(&group->leads[l]) && s->leads_n < XW_IMPORT_LEADS_MAX)
                s->lead[s->leads_n++] = l;
            else
                plan->leads_left++;
        if (!s->leads_n) {
            plan->groups_left += group->kind == XW_FORMATS_RHYTHM;
            continue;
        }
        set_shape(s);
        plan->streams_n++;
        if (make_plain(s, recording, gateway_id, demo) < 0) {
            xw_import_plan_done(plan);
            snprintf(ret_text, XW_IMPORT_TEXT_N, "out of memory");
            return -ENOMEM;
        }
    }
    if (plan->streams_n)
        return 0;
    snprintf(ret_text, XW_IMPORT_TEXT_N,
             "no ECG of %d to %d samples a second in a unit of voltage is in it", RATE_MIN_HZ,
             RATE_MAX_HZ);
    return -ENODATA;
}

void xw_import_plan_done(struct xw_import_plan *plan)
{
    for (size_t i = 0; i < plan->streams_n; i++)
        free(plan->streams[i].plain);
    plan->streams_n = 0;
}

/* ---- samples ---- */

void xw_import_samples(const struct xw_import_stream *stream, uint64_t first, size_t n,
                       int32_t *ret_x)
{
    const struct xw_formats_group *g = stream->group;
    for (unsigned c = 0; c < stream->leads_n; c++) {
        const struct xw_formats_lead *lead = &g->leads[stream->lead[c]];
        bool negative = is_negative(lead);
        for (size_t i = 0; i < n; i++) {
            int32_t x = g->rows[(size_t)(first + i) * g->leads_n + stream->lead[c]];
            ret_x[i * stream->leads_n + c] = negative && x != XW_FORMATS_NO_SAMPLE ? -x : x;
        }
    }
}

/* ---- words ---- */

bool xw_import_start_us(const struct xw_formats_recording *recording, int64_t *ret_wall_us)
{
    const struct xw_formats_time *s = &recording->start;
    if (!s->has_date || !s->has_time || s->year < 1900 || s->year > 2200)
        return false;
    struct tm tm = {.tm_year = s->year - 1900,
                    .tm_mon = s->month - 1,
                    .tm_mday = s->day,
                    .tm_hour = s->ms_of_day / 3600000,
                    .tm_min = s->ms_of_day / 60000 % 60,
                    .tm_sec = s->ms_of_day / 1000 % 60,
                    .tm_isdst = -1};
    time_t seconds = s->has_zone ? timegm(&tm) - (time_t)s->zone_min * 60 : mktime(&tm);
    *ret_wall_us = (int64_t)seconds * 1000000 + s->ms_of_day % 1000 * INT64_C(1000);
    return true;
}

XW_PRINTF(4, 5)
static void add(char *text, size_t size, size_t *at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = *at < size ? vsnprintf(text + *at, size - *at, format, args) : 0;
    va_end(args);
    *at = n > 0 && (size_t)n < size - *at ? *at + (size_t)n : size - 1;
}

void xw_import_note(const struct xw_formats_recording *recording, const struct xw_import_plan *plan,
                    bool dated, char *ret_text, size_t size)
{
    static const enum xw_formats_measure_code CODES[] = {
        XW_FORMATS_HEART_RATE, XW_FORMATS_PR, XW_FORMATS_QRS, XW_FORMATS_QT, XW_FORMATS_QTC};
    size_t at = 0;
    ret_text[0] = 0;
    add(ret_text, size, &at, "file: %s", xw_formats_kind_name(recording->kind));
    for (size_t i = 0; i < plan->streams_n && i < 4; i++) {
        const struct xw_import_stream *s = &plan->streams[i];
        add(ret_text, size, &at, "; %u leads, %.6g Hz, %.6g s", s->leads_n, s->rate_hz,
            (double)s->group->samples_n / s->rate_hz);
    }
    for (size_t i = 0; i < XW_ARRAY_N(CODES); i++) {
        double value = 0;
        if (xw_formats_find_measure(recording, CODES[i], &value))
            add(ret_text, size, &at, "; device says %s %.6g %s", xw_formats_measure_name(CODES[i]),
                value, xw_formats_measure_unit(CODES[i]));
    }
    if (!dated)
        add(ret_text, size, &at, "; no time in the file: the time shown is that of the file");
    if (plan->leads_left || plan->groups_left)
        add(ret_text, size, &at, "; left out: %u channels that are no ECG", plan->leads_left);
    for (unsigned i = 0; i < recording->warnings_n; i++)
        add(ret_text, size, &at, "; %s", recording->warnings[i]);
}

struct xw_uuid xw_import_patient_id(const struct xw_formats_recording *recording,
                                    const char *gateway_id)
{
    const struct xw_formats_patient *p = &recording->patient;
    char born[32];
    if (!p->id[0] && !p->family[0] && !p->given[0])
        return (struct xw_uuid){{0}};
    snprintf(born, sizeof(born), "%d-%d-%d", p->born.year, p->born.month, p->born.day);
    const struct xw_part parts[] = {
        {"xw-file-patient-1", 18},        {gateway_id, strlen(gateway_id) + 1},
        {p->id, strlen(p->id) + 1},       {p->family, strlen(p->family) + 1},
        {p->given, strlen(p->given) + 1}, {&p->sex, 1},
        {born, strlen(born) + 1}};
    return xw_uuid_v8(parts, XW_ARRAY_N(parts));
}
