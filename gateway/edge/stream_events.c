/* What the chain says becomes records (kept) and ephemerals (a beat for the screen, at once). */
#include "edge/stream_events.h"

#include "base/metrics.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(events_out, "xw_edge_events_total", NULL, "event records made");
XW_COUNTER(events_silent, "xw_edge_events_adopted_total", NULL,
           "events of a warmed chain that were said before");

void xw_stream_run_key(const struct xw_uuid *stream, uint8_t ret_key[XW_STREAM_RUN_KEY_SIZE])
{
    static const uint8_t tag[3] = {'r', 'u', 'n'};
    memcpy(ret_key, tag, sizeof(tag));
    memcpy(ret_key + 3, stream->b, 16);
}

static ProtobufCBinaryData id_bytes(const struct xw_uuid *id)
{
    return (ProtobufCBinaryData){16, (uint8_t *)id->b};
}

static void hex_bytes(const char *hex, uint8_t ret[32])
{
    for (size_t i = 0; i < 32; i++) {
        unsigned v = 0;
        for (size_t j = 0; j < 2; j++) {
            char c = hex[2 * i + j];
            v = v << 4 | (unsigned)(c >= 'a' ? c - 'a' + 10 : c >= '0' ? c - '0' : 0);
        }
        ret[i] = (uint8_t)v;
    }
}

void xw_stream_run(struct xw_stream *stream, const struct xw_pipeline_run *run)
{
    uint8_t table[32], config[32], rules[32], key[XW_STREAM_RUN_KEY_SIZE];
    hex_bytes(run->table_hash, table);
    hex_bytes(run->config_hash, config);
    Xw__Run message = XW__RUN__INIT;
    message.run_id = id_bytes(&stream->run);
    message.stream_id = id_bytes(&stream->id);
    uint64_t now =
        stream->adopting ? (uint64_t)stream->adopt.cut : xw_stream_first_in_flight(stream);
    if (!stream->run_told)
        stream->run_first = now;
    message.first = stream->run_first;
    message.code_version = (char *)run->code_version;
    message.isa = (char *)run->isa;
    message.table_hash = (ProtobufCBinaryData){32, table};
    message.config_hash = (ProtobufCBinaryData){32, config};
    if (run->has_rules) {
        hex_bytes(run->rules_hash, rules);
        message.rules_version = run->rules_version;
        message.rules_hash = (ProtobufCBinaryData){32, rules};
        message.rules_first = now;
    }
    if (stream->has_follows)
        message.follows = id_bytes(&stream->follows);
    struct xw_store_record record = {.key = stream->run.b,
                                     .key_size = 16,
                                     .revision = ++stream->run_revision,
                                     .kind = XW__RECORD_KIND__RECORD_RUN};
    xw_commit_message(stream->edge->commit, &record, &message.base, false);
    if (stream->run_told)
        return;

    xw_stream_run_key(&stream->id, key);
    struct xw_store_record last = {.key = key,
                                   .key_size = sizeof(key),
                                   .revision = (uint64_t)xw_edge_wall_us(),
                                   .kind = XW_LOCAL_SETTING,
                                   .body = stream->run.b,
                                   .body_size = 16};
    xw_commit_record(stream->edge->commit, &last, true);
    stream->run_told = true;
}

/* One is shown: the one of the highest priority. */
static void show_alarm(struct xw_stream *stream, const Xw__Event *event)
{
    bool on = !event->end && !event->withdrawn;
    if (on && (!stream->alarm.code[0] || (uint32_t)event->priority > stream->alarm.priority)) {
        snprintf(stream->alarm.code, sizeof(stream->alarm.code), "%s", event->code);
        stream->alarm.priority = (uint32_t)event->priority;
        stream->alarm.since_wall_us = xw_edge_wall_us();
    } else if (!on && !strcmp(stream->alarm.code, event->code)) {
        stream->alarm.code[0] = 0;
    }
}

void xw_stream_record_event(struct xw_stream *stream, const Xw__Event *event,
                            const uint8_t key[XW_EVENT_KEY_SIZE], uint64_t revision)
{
    bool point = event->kind == XW__EVENT_KIND__EVENT_BEAT ||
                 event->kind == XW__EVENT_KIND__EVENT_MEASUREMENT ||
                 event->kind == XW__EVENT_KIND__EVENT_MARKER ||
                 event->kind == XW__EVENT_KIND__EVENT_PACE;
    uint64_t end = point ? event->first + 1 : event->end ? event->end : UINT64_MAX;
    uint64_t span_end = XW_MAX(end, event->first + 1);
    struct xw_store_record record = {
        .key = key,
        .key_size = XW_EVENT_KEY_SIZE,
        .revision = revision,
        .kind = XW__RECORD_KIND__RECORD_EVENT,
        .has_span = true,
        .stream = stream->id,
        .span = {event->first, span_end},
        .event_kind = (uint32_t)event->kind,
        .priority = (uint32_t)event->priority,
    };
    if (event->kind == XW__EVENT_KIND__EVENT_ALARM)
        show_alarm(stream, event);
    xw_commit_message(stream->edge->commit, &record, &event->base, false);
    stream->events_n++;
    xw_counter_add(&events_out, 1);
}

/* A beat for the screen, before anything is certain: droppable, never stored. */
static void say_now(struct xw_stream *stream, const Xw__Event *event)
{
    uint8_t bytes[2048];
    size_t n = xw__event__get_packed_size(event);
    if (!stream->edge->uplink || n > sizeof(bytes))
        return;
    xw__event__pack(event, bytes);
    xw_uplink_ephemeral(stream->edge->uplink, "beat", bytes, n);
}

/* known: go on under its key, with its onset. event NULL: end it at the cut. */
static void say(void *user, const struct xw_adopt_known *known, const struct xw_ecg_event *event)
{
    struct xw_stream *stream = user;
    struct xw_words_scratch scratch;
    Xw__Event message;
    struct xw_ecg_event ended;
    struct xw_uuid run = stream->run;
    uint8_t key[XW_EVENT_KEY_SIZE];
    if (!event && !known)
        return;
    if (!event) {
        ended = xw_adopt_ended(&stream->adopt, known);
        event = &ended;
    }
    uint64_t seq = event->sequence, revision = (uint64_t)event->revision + 1;
    if (known) {
        memcpy(key, known->key, sizeof(key));
        memcpy(run.b, known->key + 16, 16);
        seq = 0;
        for (size_t i = 32; i < XW_EVENT_KEY_SIZE; i++)
            seq = seq << 8 | known->key[i];
        revision = known->revision;
    } else {
        xw_words_event_key(&stream->id, &run, seq, key);
    }
    xw_words_event(event, stream->message, &stream->id, &run, seq, &scratch, &message);
    const uint64_t *beats = NULL;
    message.n_beats = xw_basis_beats(&stream->basis, event, &beats);
    message.beats = (uint64_t *)beats;
    if (known)
        xw_words_event_onset(&message, known->first);
    if (event->stage == XW_ECG_STAGE_PROVISIONAL ||
        (event->withdrawn && event->kind == XW_ECG_KIND_BEAT && event->revision <= 1 && !known)) {
        say_now(stream, &message); /* the beat was never recorded: nothing to take back there */
        return;
    }
    xw_stream_record_event(stream, &message, key, revision);
}

void xw_stream_event(struct xw_stream *stream, const struct xw_ecg_event *event)
{
    struct xw_adopt_known known;
    xw_basis_event(&stream->basis, event);
    bool fetal = stream->message->modality == XW__MODALITY__MODALITY_CTG;
    /* Unknown (0) as well: in fibrillation and asystole the last rate is not the rate. Of a CTG
     * FHR1's, 0 when there was too little of it. */
    if (!fetal || event->code == XW_FETAL_SIGNAL)
        stream->rate_bpm = event->hr_bpm;
    if (!stream->adopting) {
        say(stream, NULL, event);
        return;
    }
    switch (xw_adopt_judge(&stream->adopt, event, &known)) {
    case XW_ADOPT_NEW:
        say(stream, NULL, event);
        return;
    case XW_ADOPT_CONTINUE:
        say(stream, &known, event);
        return;
    case XW_ADOPT_SILENT:
        xw_counter_add(&events_silent, 1);
        return;
    }
}

void xw_stream_advance(struct xw_stream *stream, uint64_t position)
{
    if (stream->adopting)
        xw_adopt_advance(&stream->adopt, (int64_t)position, say, stream);
}
