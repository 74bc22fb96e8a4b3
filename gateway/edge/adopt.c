/* Judging a warmed chain's events against what is stored already. */
#include "edge/adopt.h"

#include <math.h>
#include <string.h>

enum { PENDING_S = 10, FRESH_BEAT_S = 1, AHEAD_S = 2 };
#define BEAT_TOLERANCE_S 0.150

void xw_adopt_init(struct xw_adopt *adopt, int64_t cut, double rate_hz)
{
    memset(adopt, 0, sizeof(*adopt));
    adopt->cut = adopt->upto = cut;
    for (size_t i = 0; i < XW_ARRAY_N(adopt->said); i++)
        adopt->said[i] = INT64_MIN;
    adopt->second_n = (int64_t)lround(rate_hz);
    adopt->beat_tolerance_n = (int64_t)lround(rate_hz * BEAT_TOLERANCE_S);
}

void xw_adopt_done(struct xw_adopt *adopt)
{
    free(adopt->known);
    free(adopt->follow);
    adopt->known = NULL;
    adopt->follow = NULL;
    adopt->known_n = adopt->known_cap = adopt->follow_n = 0;
}

static bool of_an_instant(enum xw_ecg_kind kind)
{
    return kind == XW_ECG_KIND_MEASURE || kind == XW_ECG_KIND_MARKER;
}

int xw_adopt_add(struct xw_adopt *adopt, const struct xw_adopt_known *known)
{
    if (of_an_instant(known->kind)) {
        if (known->first >= adopt->cut && known->code < XW_ECG_CODE_COUNT)
            adopt->said[known->code] = XW_MAX(adopt->said[known->code], known->first);
        return 0;
    }
    if (adopt->known_n == XW_ADOPT_KNOWN_MAX)
        return -EOVERFLOW;
    if (adopt->known_n == adopt->known_cap) {
        size_t cap = adopt->known_cap ? adopt->known_cap * 2 : 64;
        struct xw_adopt_known *grown = realloc(adopt->known, cap * sizeof(*grown));
        if (!grown)
            return -ENOMEM;
        adopt->known = grown;
        adopt->known_cap = cap;
    }
    adopt->known[adopt->known_n++] = *known;
    adopt->upto = XW_MAX(adopt->upto, known->first);
    if (known->end != XW_ECG_OPEN)
        adopt->upto = XW_MAX(adopt->upto, known->end);
    return 0;
}

static struct xw_adopt_follow *followed(struct xw_adopt *adopt, uint64_t sequence)
{
    for (size_t i = adopt->follow_n; i-- > 0;)
        if (adopt->follow[i].sequence == sequence)
            return &adopt->follow[i];
    return NULL;
}

static int match_beat(const struct xw_adopt *adopt, const struct xw_ecg_event *event)
{
    int best = -1;
    int64_t best_distance = adopt->beat_tolerance_n + 1;
    for (size_t i = 0; i < adopt->known_n; i++) {
        const struct xw_adopt_known *k = &adopt->known[i];
        int64_t distance = llabs(k->first - event->first);
        if (k->kind == XW_ECG_KIND_BEAT && distance < best_distance) {
            best = (int)i;
            best_distance = distance;
        }
    }
    return best;
}

/* The last stored episode that is the same one; open ones first. */
static int match_episode(const struct xw_adopt *adopt, const struct xw_ecg_event *event)
{
    int best = -1;
    for (size_t i = 0; i < adopt->known_n; i++) {
        const struct xw_adopt_known *k = &adopt->known[i];
        if (k->kind != event->kind || k->code != event->code || k->taken)
            continue;
        bool open = k->end == XW_ECG_OPEN;
        int64_t from = XW_MAX(adopt->cut, k->first);
        int64_t until = open ? from + PENDING_S * adopt->second_n : k->end + adopt->second_n;
        bool meets = event->first <= until &&
                     (event->end == XW_ECG_OPEN || event->end + adopt->second_n >= k->first);
        /* Beyond the cut both saw the onset: what is open does not reach everything after it. */
        if (k->first > adopt->cut)
            meets = meets && event->first + AHEAD_S * adopt->second_n >= k->first;
        if (meets && (best < 0 || open || adopt->known[best].end != XW_ECG_OPEN))
            best = (int)i;
    }
    return best;
}

/* Windows lie on a fixed grid: the one of the same start is the same one. */
static bool knows_window(const struct xw_adopt *adopt, const struct xw_ecg_event *event)
{
    for (size_t i = 0; i < adopt->known_n; i++)
        if (adopt->known[i].kind == XW_ECG_KIND_SUMMARY && adopt->known[i].code == event->code &&
            adopt->known[i].first == event->first)
            return true;
    return false;
}

/* The oldest beat gives way: its last word was said within a minute. */
static void make_room(struct xw_adopt *adopt)
{
    size_t i = 0;
    while (i < adopt->follow_n && adopt->follow[i].last.kind != XW_ECG_KIND_BEAT)
        i++;
    if (i == adopt->follow_n)
        return;
    memmove(&adopt->follow[i], &adopt->follow[i + 1],
            (adopt->follow_n - i - 1) * sizeof(*adopt->follow));
    adopt->follow_n--;
}

static struct xw_adopt_follow *follow(struct xw_adopt *adopt, const struct xw_ecg_event *event,
                                      int known)
{
    if (!adopt->follow)
        adopt->follow = calloc(XW_ADOPT_FOLLOW_MAX, sizeof(*adopt->follow));
    if (adopt->follow_n == XW_ADOPT_FOLLOW_MAX)
        make_room(adopt);
    if (!adopt->follow || adopt->follow_n == XW_ADOPT_FOLLOW_MAX) {
        adopt->overflow_n++;
        return NULL;
    }
    struct xw_adopt_follow *f = &adopt->follow[adopt->follow_n++];
    f->sequence = event->sequence;
    f->known = known;
    f->last = *event;
    if (known >= 0)
        adopt->known[known].taken = true;
    return f;
}

/* The old chain saw it end in samples that the new one has not seen yet. */
static bool knew_its_end(const struct xw_adopt *adopt, const struct xw_adopt_known *k,
                         const struct xw_ecg_event *event)
{
    return !adopt->expired && event->end == XW_ECG_OPEN && k->end != XW_ECG_OPEN &&
           k->end > adopt->cut;
}

static enum xw_adopt_verdict go_on(struct xw_adopt *adopt, struct xw_adopt_follow *f,
                                   const struct xw_ecg_event *event,
                                   struct xw_adopt_known *ret_known)
{
    f->last = *event;
    if (f->known < 0)
        return XW_ADOPT_SILENT;
    struct xw_adopt_known *k = &adopt->known[f->known];
    bool beat = event->kind == XW_ECG_KIND_BEAT;
    if (!adopt->cut_passed)
        return XW_ADOPT_SILENT; /* what is owed is said at the cut */
    bool same = beat ? k->code == event->code && !event->withdrawn
                     : k->end == event->end && k->code == event->code;
    if (same || (!beat && knew_its_end(adopt, k, event)))
        return XW_ADOPT_SILENT;
    k->code = event->code;
    k->end = beat ? k->end : event->end;
    k->revision++;
    *ret_known = *k;
    return XW_ADOPT_CONTINUE;
}

enum xw_adopt_verdict xw_adopt_judge(struct xw_adopt *adopt, const struct xw_ecg_event *event,
                                     struct xw_adopt_known *ret_known)
{
    struct xw_adopt_follow *f = followed(adopt, event->sequence);
    if (f)
        return go_on(adopt, f, event, ret_known);
    bool warm = event->emitted_at <= adopt->cut;
    if (event->kind == XW_ECG_KIND_SUMMARY)
        return knows_window(adopt, event) ? XW_ADOPT_SILENT : XW_ADOPT_NEW;
    if (of_an_instant(event->kind)) {
        bool said = event->code < XW_ECG_CODE_COUNT && event->first <= adopt->said[event->code];
        return warm || said ? XW_ADOPT_SILENT : XW_ADOPT_NEW;
    }
    if (adopt->expired && event->first > adopt->upto)
        return XW_ADOPT_NEW;
    if (event->kind == XW_ECG_KIND_BEAT) {
        if (event->stage == XW_ECG_STAGE_PROVISIONAL || event->withdrawn)
            return warm ? XW_ADOPT_SILENT : XW_ADOPT_NEW;
        int known = match_beat(adopt, event);
        bool fresh = event->first >= adopt->cut - FRESH_BEAT_S * adopt->second_n;
        if (known < 0 && (fresh || !warm))
            return XW_ADOPT_NEW;
        f = follow(adopt, event, known);
        return f && known >= 0 && !warm ? go_on(adopt, f, event, ret_known) : XW_ADOPT_SILENT;
    }
    if (warm) { /* which stored one it is shows at the cut, when its extent is known */
        follow(adopt, event, -1);
        return XW_ADOPT_SILENT;
    }
    int known = match_episode(adopt, event);
    if (known < 0)
        return XW_ADOPT_NEW;
    f = follow(adopt, event, known);
    return f ? go_on(adopt, f, event, ret_known) : XW_ADOPT_SILENT;
}

/* At the cut: open episodes find theirs first, so that none is left to a closed one. */
static void match_followed(struct xw_adopt *adopt, bool open)
{
    for (size_t i = 0; i < adopt->follow_n; i++) {
        struct xw_adopt_follow *f = &adopt->follow[i];
        if (f->known >= 0 || f->last.kind == XW_ECG_KIND_BEAT ||
            (f->last.end == XW_ECG_OPEN) != open)
            continue;
        f->known = match_episode(adopt, &f->last);
        if (f->known >= 0)
            adopt->known[f->known].taken = true;
    }
}

static void say_owed(struct xw_adopt *adopt, xw_adopt_say_fn say, void *user)
{
    for (size_t i = 0; i < adopt->follow_n; i++) {
        struct xw_adopt_follow *f = &adopt->follow[i];
        bool beat = f->last.kind == XW_ECG_KIND_BEAT;
        if (f->known >= 0) {
            struct xw_adopt_known *k = &adopt->known[f->known];
            bool owed = beat ? f->last.code != k->code && f->last.stage == XW_ECG_STAGE_REVISED
                             : f->last.end != k->end &&
                                   !(k->end != XW_ECG_OPEN && f->last.end != XW_ECG_OPEN);
            if (!owed || (!beat && knew_its_end(adopt, k, &f->last)))
                continue;
            k->end = beat ? k->end : f->last.end;
            k->code = f->last.code;
            k->revision++;
            say(user, k, &f->last);
        } else if (!beat && f->last.end == XW_ECG_OPEN) {
            say(user, NULL, &f->last);
            /* From here on it is the new run's own: no longer followed. */
            adopt->follow[i--] = adopt->follow[--adopt->follow_n];
        }
    }
}

/* The old chain said that they had ended; the new one has seen as much, and to it they go on. */
static void say_reopened(struct xw_adopt *adopt, xw_adopt_say_fn say, void *user)
{
    for (size_t i = 0; i < adopt->follow_n; i++) {
        struct xw_adopt_follow *f = &adopt->follow[i];
        if (f->known < 0 || f->last.kind == XW_ECG_KIND_BEAT || f->last.end != XW_ECG_OPEN)
            continue;
        struct xw_adopt_known *k = &adopt->known[f->known];
        if (k->end == XW_ECG_OPEN || k->end <= adopt->cut)
            continue;
        k->end = XW_ECG_OPEN;
        k->revision++;
        say(user, k, &f->last);
    }
}

struct xw_ecg_event xw_adopt_ended(const struct xw_adopt *adopt, const struct xw_adopt_known *known)
{
    return (struct xw_ecg_event){.kind = known->kind,
                                 .stage = XW_ECG_STAGE_FINAL,
                                 .code = known->code,
                                 .priority = known->priority,
                                 .rule = "restart",
                                 .first = known->first,
                                 .end = known->end,
                                 .emitted_at = adopt->cut};
}

void xw_adopt_advance(struct xw_adopt *adopt, int64_t position, xw_adopt_say_fn say, void *user)
{
    if (!adopt->cut_passed && position >= adopt->cut) {
        adopt->cut_passed = true;
        match_followed(adopt, true);
        match_followed(adopt, false);
        say_owed(adopt, say, user);
    }
    if (adopt->expired || position < adopt->upto + PENDING_S * adopt->second_n)
        return;
    adopt->expired = true;
    say_reopened(adopt, say, user);
    for (size_t i = 0; i < adopt->known_n; i++) {
        struct xw_adopt_known *k = &adopt->known[i];
        if (k->kind == XW_ECG_KIND_BEAT || k->end != XW_ECG_OPEN || k->taken)
            continue;
        k->end = XW_MAX(adopt->cut, k->first + 1);
        k->revision++;
        say(user, k, NULL);
    }
}
