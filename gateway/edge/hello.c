/* Checking a device's hello, and the stream headers that it amounts to. */
#include "edge/hello.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define FAULT_HEADER XW__DEVICE_FAULT__DEVICE_FAULT_HEADER
#define RATE_TERM_MAX (UINT64_C(1) << 31)
#define GAIN_TERM_MAX (UINT64_C(1) << 53)
#define VALUES_PER_S_MAX 131072.0

void xw_device_fault_set(struct xw_device_fault *fault, Xw__DeviceFault code, const char *field,
                         const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fault->code = code;
    snprintf(fault->field, sizeof(fault->field), "%s", field);
    vsnprintf(fault->text, sizeof(fault->text), format, args);
    va_end(args);
}

#define REFUSE(code, field, ...)                                                                   \
    do {                                                                                           \
        xw_device_fault_set(ret_fault, (code), (field), __VA_ARGS__);                              \
        return -EBADMSG;                                                                           \
    } while (0)

static bool word_ok(const char *text, size_t max)
{
    size_t n = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-");
    return n >= 1 && n <= max && !text[n];
}

/* protobuf-c does not check UTF-8: only well-formed text without control characters goes on. */
static bool text_ok(const char *text, size_t max)
{
    const uint8_t *p = (const uint8_t *)text;
    if (strlen(text) > max)
        return false;
    while (*p) {
        unsigned more = *p < 0x80 ? 0 : (*p & 0xe0) == 0xc0 ? 1 : (*p & 0xf0) == 0xe0 ? 2 : 3;
        if (*p < 0x20 || *p == 0x7f || (*p >= 0x80 && *p < 0xc2) || *p > 0xf4)
            return false;
        uint8_t lead = *p++;
        for (unsigned i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80)
                return false;
            if (i == 0 && ((lead == 0xe0 && *p < 0xa0) || (lead == 0xed && *p > 0x9f) ||
                           (lead == 0xf0 && *p < 0x90) || (lead == 0xf4 && *p > 0x8f)))
                return false; /* overlong, surrogate, beyond Unicode */
        }
    }
    return true;
}

static double units_per_mv(const char *unit)
{
    return !strcmp(unit, "mV")   ? 1.0
           : !strcmp(unit, "uV") ? 1e3
           : !strcmp(unit, "nV") ? 1e6
           : !strcmp(unit, "V")  ? 1e-3
                                 : 0.0;
}

static bool is_ecg(Xw__Modality modality)
{
    return modality == XW__MODALITY__MODALITY_ECG || modality == XW__MODALITY__MODALITY_HOLTER;
}

static int check_channel(const Xw__Channel *c, bool ecg, const char *at,
                         struct xw_device_fault *ret_fault)
{
    char field[80];
#define FIELD(name) (snprintf(field, sizeof(field), "%.60s.%s", at, (name)), field)
    if (!word_ok(c->code, 16))
        REFUSE(FAULT_HEADER, FIELD("code"), "1 to 16 of A-Z a-z 0-9 . _ : -");
    if (!c->unit[0] || !text_ok(c->unit, 16))
        REFUSE(FAULT_HEADER, FIELD("unit"), "a UCUM unit of 1 to 16 bytes");
    if (!text_ok(c->label, 32))
        REFUSE(FAULT_HEADER, FIELD("label"), "at most 32 bytes of text");
    if (!c->gain || !c->gain->num || !c->gain->den || c->gain->num > GAIN_TERM_MAX ||
        c->gain->den > GAIN_TERM_MAX)
        REFUSE(FAULT_HEADER, FIELD("gain"), "a fraction of 1 to 2^53 over 1 to 2^53");
    if (c->adc_min > c->adc_max)
        REFUSE(FAULT_HEADER, FIELD("adc_min"), "above adc_max");
    if (ecg) {
        double per_mv = (double)c->gain->num / (double)c->gain->den * units_per_mv(c->unit);
        if (units_per_mv(c->unit) == 0.0)
            REFUSE(FAULT_HEADER, FIELD("unit"), "an ECG needs a unit of voltage: mV, uV, nV, V");
        if (per_mv < 1.0 || per_mv > 1e7)
            REFUSE(FAULT_HEADER, FIELD("gain"), "impossible: %.4g counts per mV", per_mv);
    }
    return 0;
#undef FIELD
}

/* PROTOCOL.md 1.7. */
static int check_ctg(const Xw__DeviceSignal *s, const char *at, struct xw_device_fault *ret_fault)
{
    static const struct {
        const char *code, *unit, *other_unit;
    } known[] = {
        {"FHR1", "/min", NULL}, {"FHR2", "/min", NULL},     {"FHR3", "/min", NULL},
        {"MHR", "/min", NULL},  {"UC", "{toco}", "mm[Hg]"}, {"FLAGS", "{flags}", NULL},
    };
    char field[80];
    size_t next = 0;
    for (size_t c = 0; c < s->n_channels; c++) {
        const Xw__Channel *ch = s->channels[c];
        size_t k = 0;
#define FIELD(name) (snprintf(field, sizeof(field), "%.40s.channels[%zu].%s", at, c, (name)), field)
        while (k < XW_ARRAY_N(known) && strcmp(known[k].code, ch->code) != 0)
            k++;
        if (k == XW_ARRAY_N(known))
            REFUSE(FAULT_HEADER, FIELD("code"),
                   "%s is no channel of a CTG: FHR1 FHR2 FHR3 MHR UC FLAGS", ch->code);
        if (c == 0 && k != 0)
            REFUSE(FAULT_HEADER, FIELD("code"), "FHR1 is the first channel of a CTG, not %s",
                   ch->code);
        if (k < next)
            REFUSE(FAULT_HEADER, FIELD("code"),
                   "%s: in this order, each once: FHR1 FHR2 FHR3 MHR UC FLAGS", ch->code);
        next = k + 1;
        if (strcmp(ch->unit, known[k].unit) != 0 &&
            (!known[k].other_unit || strcmp(ch->unit, known[k].other_unit) != 0))
            REFUSE(FAULT_HEADER, FIELD("unit"), "%s is in %s%s%s", ch->code, known[k].unit,
                   known[k].other_unit ? " or " : "",
                   known[k].other_unit ? known[k].other_unit : "");
        bool flags = k == XW_ARRAY_N(known) - 1;
        if (!ch->has_invalid && !flags)
            REFUSE(FAULT_HEADER, FIELD("has_invalid"),
                   "the count that means \"no value\" is needed");
        if (flags && (ch->gain->num != ch->gain->den || ch->baseline))
            REFUSE(FAULT_HEADER, FIELD("gain"), "FLAGS are bits: gain 1, baseline 0");
#undef FIELD
    }
    return 0;
}

static int check_signal(const Xw__DeviceSignal *s, size_t i, struct xw_device_fault *ret_fault)
{
    char at[32], field[64];
    snprintf(at, sizeof(at), "signals[%zu]", i);
#define FIELD(name) (snprintf(field, sizeof(field), "%.60s.%s", at, (name)), field)
    bool ecg = is_ecg(s->modality);
    if (s->signal >= XW_HELLO_SIGNALS_MAX)
        REFUSE(FAULT_HEADER, FIELD("signal"), "0 to 15");
    if (!protobuf_c_enum_descriptor_get_value(&xw__modality__descriptor, (int)s->modality) ||
        s->modality == XW__MODALITY__MODALITY_UNSPECIFIED)
        REFUSE(FAULT_HEADER, FIELD("modality"), "unknown modality %d", (int)s->modality);
    if (!s->rate || !s->rate->num || !s->rate->den || s->rate->num > RATE_TERM_MAX ||
        s->rate->den > RATE_TERM_MAX)
        REFUSE(FAULT_HEADER, FIELD("rate"), "a fraction of 1 to 2^31 over 1 to 2^31");
    double rate_hz = (double)s->rate->num / (double)s->rate->den;
    if (rate_hz < (ecg ? 50.0 : 1.0 / 60.0) || rate_hz > (ecg ? 4000.0 : 10000.0))
        REFUSE(FAULT_HEADER, FIELD("rate"), "impossible: %.6g samples per second", rate_hz);
    size_t most = ecg ? 18 : XW_HELLO_CHANNELS_MAX;
    if (!s->n_channels || s->n_channels > most)
        REFUSE(FAULT_HEADER, FIELD("channels"), "%zu channels; 1 to %zu", s->n_channels, most);
    for (size_t c = 0; c < s->n_channels; c++) {
        snprintf(field, sizeof(field), "%s.channels[%zu]", at, c);
        int r = check_channel(s->channels[c], ecg, field, ret_fault);
        if (r < 0)
            return r;
        for (size_t d = 0; d < c; d++)
            if (!strcmp(s->channels[d]->code, s->channels[c]->code))
                REFUSE(FAULT_HEADER, FIELD("channels"), "%s stands there twice",
                       s->channels[c]->code);
    }
    return s->modality == XW__MODALITY__MODALITY_CTG ? check_ctg(s, at, ret_fault) : 0;
#undef FIELD
}

int xw_hello_check(const Xw__DeviceHello *hello, struct xw_device_fault *ret_fault)
{
    if (hello->version != 1)
        REFUSE(XW__DEVICE_FAULT__DEVICE_FAULT_VERSION, "version", "%u is not spoken here, 1 is",
               hello->version);
    if (!word_ok(hello->device_id, XW_HELLO_ID_MAX))
        REFUSE(XW__DEVICE_FAULT__DEVICE_FAULT_IDENTITY, "device_id",
               "1 to 64 of A-Z a-z 0-9 . _ : -");
    if (!text_ok(hello->model, 64))
        REFUSE(FAULT_HEADER, "model", "at most 64 bytes of text");
    if (!text_ok(hello->firmware, 64))
        REFUSE(FAULT_HEADER, "firmware", "at most 64 bytes of text");
    if (!hello->n_signals || hello->n_signals > XW_HELLO_SIGNALS_MAX)
        REFUSE(FAULT_HEADER, "signals", "%zu signals; 1 to 16", hello->n_signals);
    uint32_t numbers = 0;
    double values_per_s = 0;
    for (size_t i = 0; i < hello->n_signals; i++) {
        const Xw__DeviceSignal *s = hello->signals[i];
        int r = check_signal(s, i, ret_fault);
        if (r < 0)
            return r;
        if (numbers & (1U << s->signal))
            REFUSE(FAULT_HEADER, "signals", "signal %u stands there twice", s->signal);
        numbers |= 1U << s->signal;
        values_per_s += (double)s->rate->num / (double)s->rate->den * (double)s->n_channels;
    }
    if (values_per_s > VALUES_PER_S_MAX)
        REFUSE(FAULT_HEADER, "signals", "%.0f values a second in all; at most %.0f", values_per_s,
               VALUES_PER_S_MAX);
    return 0;
}

uint32_t xw_hello_block_max(const Xw__Fraction *rate)
{
    uint64_t per_s = rate->num / rate->den;
    uint64_t n = per_s >= 25 ? rate->num / (4 * rate->den) : per_s;
    return (uint32_t)XW_MAX(n, UINT64_C(1));
}

struct xw_uuid xw_hello_attachment(const char *gateway_id, const char *device_id)
{
    const struct xw_part parts[] = {
        {"xw-attachment-1", 15},
        {gateway_id, strlen(gateway_id) + 1}, /* with its final 0 as separator */
        {device_id, strlen(device_id)},
    };
    return xw_uuid_v8(parts, XW_ARRAY_N(parts));
}

static Xw__Fraction lowest_terms(const Xw__Fraction *f)
{
    uint64_t a = f->num, b = f->den;
    while (b) {
        uint64_t t = a % b;
        a = b;
        b = t;
    }
    Xw__Fraction out = XW__FRACTION__INIT;
    out.num = f->num / a;
    out.den = f->den / a;
    return out;
}

struct canonical {
    Xw__Fraction rate, gains[XW_HELLO_CHANNELS_MAX];
    Xw__Channel channels[XW_HELLO_CHANNELS_MAX], *list[XW_HELLO_CHANNELS_MAX];
};

int xw_hello_header(const Xw__DeviceHello *hello, const Xw__DeviceSignal *signal,
                    const struct xw_hello_origin *origin, const struct xw_uuid *fresh,
                    struct xw_uuid *ret_stream, uint8_t **ret_header, size_t *ret_size)
{
    struct canonical c;
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    c.rate = lowest_terms(signal->rate);
    for (size_t i = 0; i < signal->n_channels; i++) {
        c.gains[i] = lowest_terms(signal->channels[i]->gain);
        c.channels[i] = *signal->channels[i];
        c.channels[i].gain = &c.gains[i];
        c.channels[i].base.n_unknown_fields = 0;
        if (!c.channels[i].has_invalid)
            c.channels[i].invalid = 0;
        c.list[i] = &c.channels[i];
    }
    header.modality = signal->modality;
    header.rate = &c.rate;
    header.n_channels = signal->n_channels;
    header.channels = c.list;
    header.device_id = hello->device_id;
    header.gateway_id = (char *)origin->gateway_id;
    header.index_source =
        hello->can_resume ? XW__INDEX_SOURCE__INDEX_BY_DEVICE : XW__INDEX_SOURCE__INDEX_BY_GATEWAY;
    header.device_epoch = hello->can_resume ? hello->epoch : 0;
    header.device_model = hello->model;
    header.demo = hello->demo || origin->demo;

    size_t plain = xw__stream_header__get_packed_size(&header);
    uint8_t *bytes = malloc(plain + 64); /* the two ids take 18 bytes each */
    if (!bytes)
        return -ENOMEM;
    xw__stream_header__pack(&header, bytes);
    struct xw_uuid stream = hello->can_resume ? xw_uuid_stream(origin->gateway_id, hello->device_id,
                                                               hello->epoch, bytes, plain)
                                              : *fresh;
    struct xw_uuid attachment = xw_hello_attachment(origin->gateway_id, hello->device_id);
    header.stream_id = (ProtobufCBinaryData){16, stream.b};
    header.attachment_id = (ProtobufCBinaryData){16, attachment.b};
    *ret_size = xw__stream_header__pack(&header, bytes);
    *ret_header = bytes;
    *ret_stream = stream;
    return 0;
}
