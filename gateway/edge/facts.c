/* What a device says beside the samples: electrodes off, pace pulses, markers. Each is an event
 * record under a run that is always the same for its stream, keyed by the device's own count: said
 * again after a lost acknowledgement it changes nothing. */
#include "edge/attachment.h"
#include "edge/study.h"

#include <stdio.h>
#include <string.h>

void xw_attachment_facts_key(const struct xw_attachment *attachment,
                             uint8_t ret_key[XW_FACTS_KEY_SIZE])
{
    static const uint8_t tag[4] = {'f', 'a', 'c', 't'};
    memcpy(ret_key, tag, sizeof(tag));
    memcpy(ret_key + 4, attachment->id.b, 16);
    for (unsigned i = 0; i < 8; i++)
        ret_key[20 + i] = (uint8_t)(attachment->epoch >> (8 * i));
}

struct xw_uuid xw_attachment_facts_run(const struct xw_uuid *stream)
{
    const struct xw_part parts[] = {{"xw-facts-1", 10}, {stream->b, 16}};
    return xw_uuid_v8(parts, XW_ARRAY_N(parts));
}

static bool among(const Xw__DeviceLeads *leads, const char *electrode)
{
    for (size_t i = 0; i < leads->n_off; i++)
        if (!strcmp(leads->off[i], electrode))
            return true;
    return false;
}

/* Which leads have no signal when these electrodes are off. A chest lead is read against all three
 * limb electrodes; without one of them it is shifted, and still shows the beats: it stays. */
static uint32_t channels_off(const struct xw_stream *stream, const Xw__DeviceLeads *leads)
{
    bool ra = among(leads, "RA"), la = among(leads, "LA"), ll = among(leads, "LL");
    uint32_t mask = 0;
    for (size_t c = 0; c < stream->message->n_channels && c < XW_ECG_CHANNELS_MAX; c++) {
        const char *code = stream->message->channels[c]->code;
        char chest[16];
        snprintf(chest, sizeof(chest), "C%.14s", code[0] == 'V' ? code + 1 : "");
        enum xw_ecg_lead lead = xw_ecg_lead_from_name(code);
        bool off = among(leads, code) || (code[0] == 'V' && among(leads, chest));
        off |= lead == XW_ECG_LEAD_I && (ra || la);
        off |= lead == XW_ECG_LEAD_II && (ra || ll);
        off |= lead == XW_ECG_LEAD_III && (la || ll);
        off |= (lead == XW_ECG_LEAD_AVR || lead == XW_ECG_LEAD_AVL || lead == XW_ECG_LEAD_AVF) &&
               (ra || la || ll);
        if (off)
            mask |= 1U << c;
    }
    return mask;
}

static void record_fact(struct xw_stream *stream, Xw__Event *event, uint64_t seq, uint64_t index)
{
    struct xw_uuid run = xw_attachment_facts_run(&stream->id);
    uint8_t key[XW_EVENT_KEY_SIZE];
    xw_words_event_key(&stream->id, &run, seq, key);
    event->stream_id = (ProtobufCBinaryData){16, stream->id.b};
    event->run_id = (ProtobufCBinaryData){16, run.b};
    event->seq = seq;
    event->first = index;
    event->end = index + 1;
    event->emitted_at = index;
    event->rule = (char *)"device";
    event->confidence = 1;
    xw_stream_record_event(stream, event, key, 1);
    event->run_id = (ProtobufCBinaryData){0, NULL}; /* it was on this stack */
}

static void take_leads(struct xw_stream *stream, const Xw__DeviceLeads *leads, uint64_t index)
{
    enum { ELECTRODES_MAX = 32 };
    Xw__Evidence evidence[ELECTRODES_MAX], *list[ELECTRODES_MAX];
    Xw__Event event = XW__EVENT__INIT;
    stream->lead_off_mask = channels_off(stream, leads);
    event.kind = XW__EVENT_KIND__EVENT_LEADS_OFF;
    event.code = (char *)(leads->n_off ? "ELECTRODES_OFF" : "ELECTRODES_ON");
    event.leads = stream->lead_off_mask;
    for (size_t i = 0; i < leads->n_off && i < ELECTRODES_MAX; i++) {
        xw__evidence__init(&evidence[i]);
        evidence[i].name = leads->off[i];
        evidence[i].unit = (char *)"1";
        evidence[i].value = 1;
        list[i] = &evidence[i];
        event.n_evidence = i + 1;
    }
    event.evidence = list;
    record_fact(stream, &event, leads->seq, index);
    xw_pipeline_lead_off(stream->pipeline, index, stream->lead_off_mask);
}

static void take_pace(struct xw_stream *stream, const Xw__DevicePace *pace, uint64_t index)
{
    Xw__Evidence evidence[2] = {XW__EVIDENCE__INIT, XW__EVIDENCE__INIT};
    Xw__Evidence *list[2] = {&evidence[0], &evidence[1]};
    evidence[0].name = (char *)"width";
    evidence[0].unit = (char *)"us";
    evidence[0].value = pace->width_us;
    evidence[1].name = (char *)"amplitude";
    evidence[1].unit = (char *)"uV";
    evidence[1].value = pace->amplitude_uv;
    Xw__Event event = XW__EVENT__INIT;
    event.kind = XW__EVENT_KIND__EVENT_PACE;
    event.code = (char *)"PACE";
    event.n_evidence = 2;
    event.evidence = list;
    record_fact(stream, &event, pace->seq, index);
}

static const char *marker_word(Xw__MarkerCode code)
{
    switch (code) {
    case XW__MARKER_CODE__MARKER_PATIENT_BUTTON:
        return "PATIENT_BUTTON";
    case XW__MARKER_CODE__MARKER_MOVEMENT:
        return "MOVEMENT";
    case XW__MARKER_CODE__MARKER_STUDY:
        return "STUDY";
    case XW__MARKER_CODE__MARKER_CHEST_PAIN:
        return "CHEST_PAIN";
    default:
        return "OTHER";
    }
}

static void take_marker(struct xw_stream *stream, const Xw__DeviceMarker *marker, uint64_t index)
{
    Xw__Event event = XW__EVENT__INIT;
    event.kind = XW__EVENT_KIND__EVENT_MARKER;
    event.code = (char *)marker_word(marker->code);
    record_fact(stream, &event, marker->seq, index);
    bool pain = marker->code == XW__MARKER_CODE__MARKER_CHEST_PAIN;
    if (pain || marker->code == XW__MARKER_CODE__MARKER_STUDY)
        xw_study_mark(stream->edge->study, stream, marker->seq, index, pain);
}

/* Where a fact of the device lies in the stream. Before the first block of a connection nothing
 * says how the device's index and the stream's belong together: it is now, at the stream's end. */
static uint64_t stream_index(const struct xw_stream *stream, uint64_t device_index)
{
    if (stream->by_device)
        return device_index;
    return stream->offset_set ? device_index + stream->offset : stream->newest;
}

void xw_attachment_fact(struct xw_attachment *a, const Xw__DeviceMessage *m, uint64_t seq)
{
    unsigned number = m->body_case == XW__DEVICE_MESSAGE__BODY_LEADS  ? m->leads->signal
                      : m->body_case == XW__DEVICE_MESSAGE__BODY_PACE ? m->pace->signal
                                                                      : m->marker->signal;
    struct xw_stream *stream = xw_attachment_stream(a, number);
    if (!stream)
        return;
    /* Not taken now, and none after it, until the device comes again and sends it once more. */
    a->facts_refused |= a->resumes && xw_commit_full(a->edge->commit);
    if (a->facts_refused) {
        a->owner.done(&a->owner, -ENOSPC, 0);
        return;
    }
    if (m->body_case == XW__DEVICE_MESSAGE__BODY_LEADS)
        take_leads(stream, m->leads, stream_index(stream, m->leads->index));
    else if (m->body_case == XW__DEVICE_MESSAGE__BODY_PACE)
        take_pace(stream, m->pace, stream_index(stream, m->pace->index));
    else
        take_marker(stream, m->marker, stream_index(stream, m->marker->index));

    a->facts_upto = seq;
    a->owner.mark = seq;
    uint8_t key[XW_FACTS_KEY_SIZE], body[8];
    xw_attachment_facts_key(a, key);
    for (unsigned i = 0; i < 8; i++)
        body[i] = (uint8_t)(seq >> (8 * i));
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = seq,
                                     .kind = XW_LOCAL_DEVICE,
                                     .body = body,
                                     .body_size = sizeof(body)};
    xw_commit_record(a->edge->commit, &record, true);
    xw_commit_notify(a->edge->commit, &a->owner);
}
