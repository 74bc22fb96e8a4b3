/* Blocks, gaps and facts of a device: what is fenced off, and with which words. */
#include "edge/session_data.h"

#include "base/block.h"

#include <stdio.h>
#include <string.h>

#define FAULT(name) XW__DEVICE_FAULT__DEVICE_FAULT_##name

#define FENCE(code, field, ...)                                                                    \
    do {                                                                                           \
        char text_[160];                                                                           \
        snprintf(text_, sizeof(text_), __VA_ARGS__);                                               \
        xw_session_fence(session, FAULT(code), (field), text_);                                    \
        return;                                                                                    \
    } while (0)

static struct xw_session_signal *signal_of(struct xw_session *session, uint32_t number)
{
    struct xw_session_signal *s = number < XW_HELLO_SIGNALS_MAX ? &session->signals[number] : NULL;
    return s && s->used ? s : NULL;
}

static uint64_t samples_in(const struct xw_session_signal *s, uint64_t seconds)
{
    return (s->rate.num * seconds + s->rate.den - 1) / s->rate.den;
}

/* How many channels this data would be, if it is well-formed otherwise; 0 = cannot be told. */
static size_t channels_meant(const Xw__DeviceBlock *b)
{
    static const size_t widths[] = {0, 2, 4, 3};
    size_t values = 0;
    if (b->coding == XW_CODING_DELTA) {
        for (size_t i = 0; i < b->data.len; i++)
            values += !(b->data.data[i] & 0x80);
    } else {
        if (b->data.len % widths[b->coding])
            return 0;
        values = b->data.len / widths[b->coding];
    }
    return values % b->count ? 0 : values / b->count;
}

void xw_session_take_block(struct xw_session *session, const Xw__DeviceBlock *b)
{
    struct xw_session_signal *s = signal_of(session, b->signal);
    if (!s)
        FENCE(CHANNELS, "block.signal", "signal %u was not announced", b->signal);
    if (!b->count || b->count > s->block_max)
        FENCE(TOO_LARGE, "block.count", "%u samples; 1 to %u at this rate", b->count, s->block_max);
    if (b->first > XW_SESSION_INDEX_MAX)
        FENCE(INDEX, "block.first", "%llu is beyond 2^62", (unsigned long long)b->first);
    /* Without resume the first block of a connection may begin anywhere. */
    if ((session->resumes || s->newest) && b->first > s->newest &&
        b->first - s->newest > samples_in(s, XW_SESSION_JUMP_MAX_S))
        FENCE(INDEX, "block.first", "jumps from %llu to %llu without a gap message",
              (unsigned long long)s->newest, (unsigned long long)b->first);
    if (!session->resumes && session->blocks_n && b->first < s->newest)
        FENCE(INDEX, "block.first", "%llu goes back behind %llu, and this device does not resume",
              (unsigned long long)b->first, (unsigned long long)s->newest);
    if (b->coding > XW_CODING_INT24)
        FENCE(MALFORMED, "block.coding", "%u is not known", b->coding);
    if (!b->data.len)
        FENCE(MALFORMED, "block.data", "empty");

    int32_t *x =
        session->host.room(session->host.user, b->signal, (size_t)b->count * s->channels_n);
    if (!x)
        FENCE(STORAGE, "", "no memory now: keep what is not acknowledged");
    int r = xw_block_decode((enum xw_coding)b->coding, b->data.data, b->data.len, s->channels_n,
                            b->count, x);
    bool crc_ok = r >= 0 && xw_block_crc(x, s->channels_n, b->count) == b->crc32c;
    if (!crc_ok)
        session->host.drop(session->host.user, b->signal);
    if (r < 0) {
        size_t meant = channels_meant(b);
        if (meant && meant != s->channels_n)
            FENCE(CHANNELS, "block.data", "%zu channels; %u were announced: say hello again", meant,
                  s->channels_n);
        FENCE(MALFORMED, "block.data", "%zu bytes are not %u samples of %u channels in coding %u",
              b->data.len, b->count, s->channels_n, b->coding);
    }
    if (!crc_ok)
        FENCE(CRC, "block.crc32c", "does not fit the samples from %llu on",
              (unsigned long long)b->first);

    s->newest = XW_MAX(s->newest, b->first + b->count);
    session->blocks_n++;
    const struct xw_session_block block = {.signal = b->signal,
                                           .first = b->first,
                                           .count = b->count,
                                           .channels_n = s->channels_n,
                                           .crc32c = b->crc32c,
                                           .coding = b->coding,
                                           .data = b->data.data,
                                           .size = b->data.len,
                                           .x = x,
                                           .device_clock_us = b->clock_us};
    session->host.block(session->host.user, &block);
}

void xw_session_take_gap(struct xw_session *session, const Xw__DeviceGap *g)
{
    struct xw_session_signal *s = signal_of(session, g->signal);
    if (!s)
        FENCE(CHANNELS, "gap.signal", "signal %u was not announced", g->signal);
    if (!g->count)
        FENCE(MALFORMED, "gap.count", "0");
    if (g->first > XW_SESSION_INDEX_MAX || g->count > XW_SESSION_INDEX_MAX)
        FENCE(INDEX, "gap.first", "beyond 2^62");
    uint64_t most = samples_in(s, XW_SESSION_GAP_MAX_S);
    uint64_t end = g->first + g->count;
    if (end > s->newest && end - s->newest > most)
        FENCE(INDEX, "gap.count", "more than a year ahead");
    if (!session->resumes && g->first < s->newest)
        FENCE(INDEX, "gap.first", "%llu goes back behind %llu", (unsigned long long)g->first,
              (unsigned long long)s->newest);
    s->newest = XW_MAX(s->newest, end);
    session->host.gap(session->host.user, g->signal, g->first, g->count);
}

void xw_session_take_fact(struct xw_session *session, const Xw__DeviceMessage *m)
{
    uint64_t seq = 0, index = 0;
    uint32_t number = 0;
    const char *what = "leads";
    if (m->body_case == XW__DEVICE_MESSAGE__BODY_LEADS) {
        seq = m->leads->seq;
        index = m->leads->index;
        number = m->leads->signal;
        if (m->leads->n_off > 32)
            FENCE(MALFORMED, "leads.off", "%zu electrodes; at most 32", m->leads->n_off);
        for (size_t i = 0; i < m->leads->n_off; i++)
            if (strnlen(m->leads->off[i], 9) > 8)
                FENCE(MALFORMED, "leads.off", "an electrode's name has at most 8 bytes");
    } else if (m->body_case == XW__DEVICE_MESSAGE__BODY_PACE) {
        seq = m->pace->seq;
        index = m->pace->index;
        number = m->pace->signal;
        what = "pace";
    } else {
        seq = m->marker->seq;
        index = m->marker->index;
        number = m->marker->signal;
        what = "marker";
    }
    struct xw_session_signal *s = signal_of(session, number);
    if (!s)
        FENCE(CHANNELS, what, "signal %u was not announced", number);
    if (!seq || seq > XW_SESSION_INDEX_MAX)
        FENCE(MALFORMED, what, "seq counts from 1");
    if (index > XW_SESSION_INDEX_MAX ||
        (index > s->newest && index - s->newest > samples_in(s, XW_SESSION_JUMP_MAX_S)))
        FENCE(INDEX, what, "index %llu is far ahead of the samples", (unsigned long long)index);
    if (seq <= session->facts_upto)
        return; /* sent again: it is held, and the next acknowledgement says so */
    /* The first of a connection may leave numbers out: those the device has no longer. */
    if (session->fact_seen && seq != session->facts_upto + 1)
        FENCE(INDEX, what, "seq %llu after %llu", (unsigned long long)seq,
              (unsigned long long)session->facts_upto);
    session->fact_seen = true;
    session->facts_upto = seq;
    session->host.fact(session->host.user, m, seq);
}
