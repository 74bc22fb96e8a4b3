/* Events of the chain as messages of the wire. */
#include "edge/words.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void put_be64(uint64_t v, uint8_t *ret)
{
    for (int i = 7; i >= 0; i--, v >>= 8)
        ret[i] = (uint8_t)v;
}

void xw_words_event_key(const struct xw_uuid *stream, const struct xw_uuid *run, uint64_t sequence,
                        uint8_t ret_key[XW_EVENT_KEY_SIZE])
{
    memcpy(ret_key, stream->b, 16);
    memcpy(ret_key + 16, run->b, 16);
    put_be64(sequence, ret_key + 32);
}

void xw_words_anchor_key(const struct xw_uuid *stream, uint64_t ordinal,
                         uint8_t ret_key[XW_ANCHOR_KEY_SIZE])
{
    memcpy(ret_key, stream->b, 16);
    ret_key[16] = 'a';
    put_be64(ordinal, ret_key + 17);
}

static const char *const code_words[XW_ECG_CODE_COUNT] = {
    [XW_ECG_CODE_NONE] = "",
    [XW_ECG_BEAT_NORMAL] = "N",
    [XW_ECG_BEAT_SUPRAVENTRICULAR] = "S",
    [XW_ECG_BEAT_VENTRICULAR] = "V",
    [XW_ECG_BEAT_FUSION] = "F",
    [XW_ECG_BEAT_PACED] = "/",
    [XW_ECG_BEAT_UNKNOWN] = "Q",
    [XW_ECG_RHYTHM_NORMAL] = "NO_FINDING",
    [XW_ECG_RHYTHM_ASYSTOLE] = "ASYSTOLE",
    [XW_ECG_RHYTHM_PAUSE] = "PAUSE",
    [XW_ECG_RHYTHM_BRADY] = "BRADY",
    [XW_ECG_RHYTHM_TACHY] = "TACHY",
    [XW_ECG_RHYTHM_VT] = "VT",
    [XW_ECG_RHYTHM_VRUN] = "VRUN",
    [XW_ECG_RHYTHM_COUPLET] = "COUPLET",
    [XW_ECG_RHYTHM_BIGEMINY] = "BIGEMINY",
    [XW_ECG_RHYTHM_TRIGEMINY] = "TRIGEMINY",
    [XW_ECG_RHYTHM_VF] = "VF",
    [XW_ECG_RHYTHM_AF] = "AFIB",
    [XW_ECG_RHYTHM_AFL] = "AFL",
    [XW_ECG_RHYTHM_SVT] = "SVT",
    [XW_ECG_RHYTHM_AVB2] = "AVB2",
    [XW_ECG_RHYTHM_AVB3] = "AVB3",
    [XW_ECG_RHYTHM_PACED] = "PACED",
    [XW_ECG_FINDING_ST_ELEVATION] = "ST_ELEVATION",
    [XW_ECG_FINDING_ST_DEPRESSION] = "ST_DEPRESSION",
    [XW_ECG_QUALITY_CANNOT_SEE] = "CANNOT_SEE",
    [XW_ECG_QUALITY_LEAD_OFF] = "LEAD_OFF",
    [XW_ECG_QUALITY_NOISE] = "NOISE",
    [XW_ECG_MEASURE_HEART_RATE] = "HEART_RATE",
    [XW_ECG_MEASURE_ST] = "ST",
    [XW_ECG_MEASURE_SQI] = "SQI",
    [XW_FETAL_LOSS] = "FHR1_LOSS",
    [XW_FETAL_LOSS + 1] = "FHR2_LOSS",
    [XW_FETAL_LOSS + 2] = "FHR3_LOSS",
    [XW_FETAL_SPIKE] = "FHR1_SPIKE",
    [XW_FETAL_SPIKE + 1] = "FHR2_SPIKE",
    [XW_FETAL_SPIKE + 2] = "FHR3_SPIKE",
    [XW_FETAL_SIGNAL] = "FHR1_SIGNAL",
    [XW_FETAL_SIGNAL + 1] = "FHR2_SIGNAL",
    [XW_FETAL_SIGNAL + 2] = "FHR3_SIGNAL",
    [XW_FETAL_SIGNAL_LOSS] = "FHR1_SIGNAL_LOSS",
    [XW_FETAL_SIGNAL_LOSS + 1] = "FHR2_SIGNAL_LOSS",
    [XW_FETAL_SIGNAL_LOSS + 2] = "FHR3_SIGNAL_LOSS",
    [XW_FETAL_MATERNAL] = "FHR1_MHR",
    [XW_FETAL_MATERNAL + 1] = "FHR2_MHR",
    [XW_FETAL_MATERNAL + 2] = "FHR3_MHR",
    [XW_FETAL_DOUBLED] = "FHR1_DOUBLED",
    [XW_FETAL_DOUBLED + 1] = "FHR2_DOUBLED",
    [XW_FETAL_DOUBLED + 2] = "FHR3_DOUBLED",
    [XW_FETAL_HALVED] = "FHR1_HALVED",
    [XW_FETAL_HALVED + 1] = "FHR2_HALVED",
    [XW_FETAL_HALVED + 2] = "FHR3_HALVED",
    [XW_FETAL_MOVEMENT] = "MOVEMENT",
    [XW_FETAL_UC_ZERO] = "UC_ZERO",
    [XW_ECG_RHYTHM_R_ON_T] = "R_ON_T",
    [XW_ECG_SUMMARY_HRV] = "HRV",
    [XW_ECG_SUMMARY_BURDEN] = "BURDEN",
    [XW_ECG_QUALITY_DENIED] = "ALARM_DENIED",
};

const char *xw_words_code(enum xw_ecg_kind kind, enum xw_ecg_code code)
{
    (void)kind;
    return (unsigned)code < XW_ECG_CODE_COUNT && code_words[code] ? code_words[code] : "";
}

enum xw_ecg_code xw_words_code_of(Xw__EventKind kind, const char *word)
{
    (void)kind; /* the words of all kinds are different */
    for (unsigned c = 1; c < XW_ECG_CODE_COUNT; c++)
        if (code_words[c] && !strcmp(code_words[c], word))
            return (enum xw_ecg_code)c;
    return XW_ECG_CODE_NONE;
}

static const struct {
    enum xw_ecg_kind chain;
    Xw__EventKind wire;
} kinds[] = {
    {XW_ECG_KIND_BEAT, XW__EVENT_KIND__EVENT_BEAT},
    {XW_ECG_KIND_RHYTHM, XW__EVENT_KIND__EVENT_RHYTHM},
    {XW_ECG_KIND_ALARM, XW__EVENT_KIND__EVENT_ALARM},
    {XW_ECG_KIND_QUALITY, XW__EVENT_KIND__EVENT_QUALITY},
    {XW_ECG_KIND_LEAD_OFF, XW__EVENT_KIND__EVENT_LEADS_OFF},
    {XW_ECG_KIND_NOISE, XW__EVENT_KIND__EVENT_NOISE},
    {XW_ECG_KIND_MEASURE, XW__EVENT_KIND__EVENT_MEASUREMENT},
    {XW_ECG_KIND_MARKER, XW__EVENT_KIND__EVENT_MARKER},
    {XW_ECG_KIND_SUMMARY, XW__EVENT_KIND__EVENT_SUMMARY},
};

Xw__EventKind xw_words_kind(enum xw_ecg_kind kind)
{
    for (size_t i = 0; i < XW_ARRAY_N(kinds); i++)
        if (kinds[i].chain == kind)
            return kinds[i].wire;
    return XW__EVENT_KIND__EVENT_UNSPECIFIED;
}

enum xw_ecg_kind xw_words_kind_of(Xw__EventKind kind)
{
    for (size_t i = 0; i < XW_ARRAY_N(kinds); i++)
        if (kinds[i].wire == kind)
            return kinds[i].chain;
    return (enum xw_ecg_kind)0;
}

Xw__Priority xw_words_priority(enum xw_ecg_priority priority)
{
    switch (priority) {
    case XW_ECG_PRIORITY_TECHNICAL:
        return XW__PRIORITY__PRIORITY_TECHNICAL;
    case XW_ECG_PRIORITY_LOW:
        return XW__PRIORITY__PRIORITY_LOW;
    case XW_ECG_PRIORITY_MEDIUM:
        return XW__PRIORITY__PRIORITY_MEDIUM;
    case XW_ECG_PRIORITY_HIGH:
        return XW__PRIORITY__PRIORITY_HIGH;
    case XW_ECG_PRIORITY_NONE:
        break;
    }
    return XW__PRIORITY__PRIORITY_NONE;
}

enum xw_ecg_priority xw_words_priority_of(Xw__Priority priority)
{
    for (unsigned p = XW_ECG_PRIORITY_NONE; p <= XW_ECG_PRIORITY_HIGH; p++)
        if (xw_words_priority((enum xw_ecg_priority)p) == priority)
            return (enum xw_ecg_priority)p;
    return XW_ECG_PRIORITY_NONE;
}

static void add_evidence(struct xw_words_scratch *s, size_t *n, const char *name, double value,
                         const char *unit, bool threshold)
{
    Xw__Evidence *e = &s->evidence[*n];
    xw__evidence__init(e);
    e->name = (char *)name;
    e->value = value;
    e->unit = (char *)unit;
    e->threshold = threshold;
    s->list[(*n)++] = e;
}

static size_t make_evidence(const struct xw_ecg_event *in, const Xw__StreamHeader *header,
                            struct xw_words_scratch *s)
{
    size_t n = 0;
    for (uint32_t i = 0; i < in->evidence_n && i < XW_ECG_EVIDENCE_MAX; i++) {
        const struct xw_ecg_evidence *e = &in->evidence[i];
        const char *name = xw_ecg_value_name(e->id), *unit = xw_ecg_value_unit(e->id);
        add_evidence(s, &n, name, (double)e->measured, unit, false);
        if (e->limit != 0.0f)
            add_evidence(s, &n, name, (double)e->limit, unit, true);
    }
    if (in->code != XW_ECG_MEASURE_ST && in->code != XW_ECG_MEASURE_SQI)
        return n;
    const char *what = in->code == XW_ECG_MEASURE_ST ? "st" : "sqi";
    for (size_t c = 0; c < header->n_channels && c < XW_ECG_CHANNELS_MAX; c++) {
        if (!(in->lead_mask & (1U << c)))
            continue;
        snprintf(s->names[c], sizeof(s->names[c]), "%s.%.16s", what, header->channels[c]->code);
        add_evidence(s, &n, s->names[c], (double)in->lead_value[c],
                     in->code == XW_ECG_MEASURE_ST ? "uV" : "1", false);
    }
    return n;
}

void xw_words_event(const struct xw_ecg_event *in, const Xw__StreamHeader *header,
                    const struct xw_uuid *stream, const struct xw_uuid *run, uint64_t seq,
                    struct xw_words_scratch *s, Xw__Event *ret)
{
    double rate_hz = (double)header->rate->num / (double)header->rate->den;
    xw__event__init(ret);
    ret->stream_id = (ProtobufCBinaryData){16, (uint8_t *)stream->b};
    ret->run_id = (ProtobufCBinaryData){16, (uint8_t *)run->b};
    ret->seq = seq;
    ret->kind = xw_words_kind(in->kind);
    ret->stage = in->stage == XW_ECG_STAGE_PROVISIONAL ? XW__EVENT_STAGE__STAGE_PROVISIONAL
                 : in->stage == XW_ECG_STAGE_REVISED   ? XW__EVENT_STAGE__STAGE_REVISED
                                                       : XW__EVENT_STAGE__STAGE_FINAL;
    ret->first = (uint64_t)in->first;
    /* What holds for one instant (a beat, a measurement) has no end. */
    ret->end = in->end == XW_ECG_OPEN || in->end <= in->first ? 0 : (uint64_t)in->end;
    ret->emitted_at = (uint64_t)in->emitted_at;
    ret->code = (char *)xw_words_code(in->kind, in->code);
    ret->priority = xw_words_priority(in->priority);
    ret->late = in->late;
    ret->withdrawn = in->withdrawn;
    ret->rate_bpm = in->hr_bpm;
    ret->rr_samples = (uint32_t)lround((double)in->rr_ms * 1e-3 * rate_hz);
    ret->leads = in->lead_mask;
    ret->rule = (char *)in->rule;
    if (in->has_rules)
        snprintf(s->rule_version, sizeof(s->rule_version), "%u/%u-%08x", in->rule_version,
                 in->rules_version, in->rules_tag);
    else
        snprintf(s->rule_version, sizeof(s->rule_version), "%u", in->rule_version);
    ret->rule_version = s->rule_version;
    ret->n_evidence = make_evidence(in, header, s);
    ret->evidence = s->list;
    ret->confidence = in->confidence;
}

void xw_words_event_onset(Xw__Event *event, int64_t first)
{
    event->first = (uint64_t)first;
    if (event->end && event->end <= event->first)
        event->end = event->first + 1;
}
