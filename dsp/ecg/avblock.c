/* AV block: when it is looked for, and its episode. */
#include "dsp/ecg/avblock.h"
#include "dsp/ecg/tables.h"

#include <math.h>

#define T xw_ecg_tables

enum { EVERY_S = 2, AGREE = 2, MISS = 4, BEATS_MIN = 4 };

int xw_ecg_avblock_init(struct xw_ecg_avblock *a, unsigned leads_n)
{
    memset(a, 0, sizeof(*a));
    a->leads_n = leads_n;
    a->lanes = xw_dsp_lanes(leads_n);
    a->x = xw_dsp_calloc((size_t)XW_ECG_AVB_RING * a->lanes, sizeof(float));
    a->bad = xw_dsp_calloc(XW_ECG_AVB_RING, sizeof(uint32_t));
    a->memory = xw_dsp_calloc((size_t)XW_ECG_AVB_WINDOW * leads_n, sizeof(float));
    for (unsigned c = 0; c < leads_n && a->memory; c++)
        a->lead[c] = a->memory + (size_t)c * XW_ECG_AVB_WINDOW;
    return a->x && a->bad && a->memory ? 0 : -ENOMEM;
}

void xw_ecg_avblock_done(struct xw_ecg_avblock *a)
{
    free(a->x);
    free(a->bad);
    free(a->memory);
    a->x = a->memory = NULL;
    a->bad = NULL;
}

void xw_ecg_avblock_reset(struct xw_ecg_avblock *a)
{
    a->n = 0;
    a->beats_n = 0;
    a->second_n = a->agreed_n = a->missed_n = 0;
    a->episode.open = false;
}

void xw_ecg_avblock_push(struct xw_ecg_avblock *a, const struct xw_ecg_signal *signal,
                         int64_t first)
{
    size_t to = (size_t)(a->n++ & (XW_ECG_AVB_RING - 1));
    float *mean = a->x + to * a->lanes;
    const float *x = xw_ecg_signal_frame(signal, first);
    uint32_t bad = 0;
    memset(mean, 0, a->lanes * sizeof(float));
    for (unsigned i = 0; i < XW_ECG_AVB_STEP; i++, x += a->lanes) {
        bad |= signal->bad[xw_ecg_signal_at(first + i)];
        for (unsigned c = 0; c < a->lanes; c++)
            mean[c] += x[c] * (1.0F / XW_ECG_AVB_STEP);
    }
    a->bad[to] = bad;
}

void xw_ecg_avblock_beat(struct xw_ecg_avblock *a, int64_t at, int64_t t, enum xw_ecg_code code)
{
    a->beat[a->beats_n++ % XW_ECG_AVB_BEATS] =
        (struct xw_ecg_avb_beat){.at = at, .frame = t / XW_ECG_AVB_STEP, .code = code};
}

static const struct xw_ecg_avb_beat *ago(const struct xw_ecg_avblock *a, uint64_t n)
{
    return &a->beat[(a->beats_n - 1 - n) % XW_ECG_AVB_BEATS];
}

/* Slow, or an RR that jumps up though no ventricular beat is there to make it do so. */
static bool is_worth_a_look(const struct xw_ecg_avblock *a)
{
    int64_t since = a->n - XW_ECG_AVB_WINDOW;
    uint64_t n = 0;
    unsigned ventricular_n = 0;
    bool jumps = false;
    while (n < a->beats_n && n < XW_ECG_AVB_BEATS && ago(a, n)->frame >= since)
        ventricular_n += ago(a, n++)->code == XW_ECG_BEAT_VENTRICULAR;
    if (n < BEATS_MIN)
        return false;
    for (uint64_t i = 0; i + 2 < n; i++) {
        float rr = (float)(ago(a, i)->frame - ago(a, i + 1)->frame);
        float before = (float)(ago(a, i + 1)->frame - ago(a, i + 2)->frame);
        jumps |= rr >= T.avb_jump * before && ago(a, i + 1)->code != XW_ECG_BEAT_VENTRICULAR;
    }
    float mean = (float)(ago(a, 0)->frame - ago(a, n - 1)->frame) / (float)(n - 1);
    bool mixed = 5 * ventricular_n > n && 5 * ventricular_n < 4 * n;
    return !mixed && (jumps || mean > 60.0F * XW_ECG_AVB_HZ / T.avb_slow_bpm);
}

static enum xw_ecg_priority priority_of(const struct xw_ecg_rules *rules, enum xw_ecg_code code)
{
    return code == XW_ECG_RHYTHM_AVB3 ? rules->avb3_priority : rules->avb2_priority;
}

static struct xw_ecg_event draft(const struct xw_ecg_emit *emit, const struct xw_ecg_avb_look *l,
                                 int64_t first)
{
    struct xw_ecg_event event =
        xw_ecg_emit_draft(emit, XW_ECG_KIND_ALARM, l->code, l->rule, XW_ECG_AVB_RULE_VERSION);
    const struct xw_ecg_rules *rules = emit->rules;
    bool third = l->code == XW_ECG_RHYTHM_AVB3;
    event.priority = priority_of(rules, l->code);
    event.first = first;
    event.confidence = fminf(0.5F + (l->seen - rules->avb_seen), 0.65F);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_ATRIAL_BPM, l->atrial_bpm,
                         third ? T.avb3_ratio * l->ventricular_bpm : 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_RATE_BPM, l->ventricular_bpm,
                         third ? rules->avb3_bpm : 0);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_P_SEEN, l->seen, rules->avb_seen);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_P_BLOCKED, l->blocked_n,
                         third ? 0 : rules->avb2_blocked_n);
    if (!third)
        xw_ecg_emit_evidence(&event, XW_ECG_VALUE_PR_MS, l->pr_ms, 1000 * rules->avb_pr_max_s);
    xw_ecg_emit_evidence(&event, XW_ECG_VALUE_PR_LOCK, l->lock, third ? T.avb3_lock : 0);
    return event;
}

/* Raw index of a frame, by the beat nearest to it. */
static int64_t raw_of(const struct xw_ecg_avblock *a, const struct xw_ecg_emit *emit, int64_t frame)
{
    const struct xw_ecg_avb_beat *near = ago(a, 0);
    for (uint64_t i = 1; i < a->beats_n && i < XW_ECG_AVB_BEATS; i++)
        if (llabs(ago(a, i)->frame - frame) < llabs(near->frame - frame))
            near = ago(a, i);
    double n = (double)(frame - near->frame) * emit->rate_hz / XW_ECG_AVB_HZ;
    int64_t raw = near->at + llround(n);
    return raw < 0 ? 0 : raw;
}

void xw_ecg_avblock_close(struct xw_ecg_avblock *a, struct xw_ecg_emit *emit, int64_t end)
{
    xw_ecg_episode_close(emit, &a->episode, end);
    a->agreed_n = a->missed_n = 0;
}

void xw_ecg_avblock_second(struct xw_ecg_avblock *a, struct xw_ecg_emit *emit, uint32_t usable,
                           bool barred)
{
    if (++a->second_n % EVERY_S)
        return;
    struct xw_ecg_avb_look look = {.code = XW_ECG_CODE_NONE};
    if (!barred && usable && is_worth_a_look(a)) {
        look = xw_ecg_avblock_look(a, emit->rules, usable);
        a->looks_n++;
        if (look.code != XW_ECG_CODE_NONE && !priority_of(emit->rules, look.code))
            look.code = XW_ECG_CODE_NONE;
    }
    if (look.code == XW_ECG_CODE_NONE) {
        if (a->episode.open ? ++a->missed_n >= MISS : true)
            xw_ecg_avblock_close(a, emit, a->seen_until);
        return;
    }
    a->missed_n = 0;
    if (a->episode.open && a->episode.event.code != look.code)
        xw_ecg_avblock_close(a, emit, a->seen_until);
    a->seen_until = emit->now;
    bool again = a->agreed_n && a->look.code == look.code;
    a->agreed_n = again ? a->agreed_n + 1 : 1;
    int64_t first_frame = again ? a->look.first_frame : look.first_frame;
    a->look = look;
    a->look.first_frame = first_frame;
    if (a->episode.open || a->agreed_n < AGREE)
        return;
    struct xw_ecg_event event = draft(emit, &look, raw_of(a, emit, first_frame));
    xw_ecg_episode_open(emit, &a->episode, &event);
}
