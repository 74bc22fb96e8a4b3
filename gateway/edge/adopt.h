/* Going on after a restart without saying anything twice.
 *
 * A new chain is warmed with the last samples of the spool and says again what the old one said.
 * Everything the old one said up to the cut (the end of what is stored) is in the store, since
 * events are committed with the block that they were made in. There may be more: a spool that was
 * full refused blocks, which the device keeps, and took what was said of them a second later. This
 * module holds those events and judges each event of the new chain against them:
 *   - a beat within 150 ms of a stored one is the same beat;
 *   - an episode of the same kind and code that overlaps a stored one is the same episode: its
 *     later revisions go on under the stored key (judged at the cut, when its extent is known);
 *   - what the old chain cannot have said yet (a beat of the last second) or did not say (an
 * episode still open at the cut) is new;
 *   - a stored open episode that the new chain does not find again within 10 s ends at the cut;
 *   - a value or a device's mark at or before the last stored one of its code was said: both are
 *     events of an instant, and the new chain counts its seconds from elsewhere;
 *   - beyond the cut the old chain saw more than the new one has yet: an episode that it ended is
 *     not opened again before the new chain has seen as much.
 *   - a summary of a window that is stored is the same one, any other is new.
 * So an alarm appears exactly once, whatever was killed.
 *
 * Threads: one at a time. Ownership: embedded; done frees. Limits: 4,096 stored events, 1,024
 * followed sequences (beyond them the oldest beats are let go; without any, events count as new;
 * counted in overflow_n). */
#ifndef XW_EDGE_ADOPT_H
#define XW_EDGE_ADOPT_H

#include "base/base.h"
#include "dsp/ecg/event.h"
#include "edge/words.h"

enum { XW_ADOPT_KNOWN_MAX = 4096, XW_ADOPT_FOLLOW_MAX = 1024 };

struct xw_adopt_known {
    uint8_t key[XW_EVENT_KEY_SIZE];
    uint64_t revision; /* highest one given out */
    enum xw_ecg_kind kind;
    enum xw_ecg_code code;
    enum xw_ecg_priority priority;
    int64_t first, end; /* XW_ECG_OPEN while it goes on */
    bool taken;
};

struct xw_adopt_follow {
    uint64_t sequence; /* of the new chain */
    int known;         /* index, or -1: judged as said before, not to be said */
    struct xw_ecg_event last;
};

struct xw_adopt {
    struct xw_adopt_known *known;
    size_t known_n, known_cap;
    struct xw_adopt_follow *follow;
    size_t follow_n;
    int64_t cut; /* first sample that is not in the store */
    /* Last stored value or mark of each code that lies beyond the cut. */
    int64_t said[XW_ECG_CODE_COUNT];
    int64_t upto; /* what the old chain said reaches so far: the cut, or later */
    int64_t second_n, beat_tolerance_n;
    bool cut_passed, expired;
    uint64_t overflow_n;
};

enum xw_adopt_verdict {
    XW_ADOPT_NEW,      /* under the new run's own key */
    XW_ADOPT_CONTINUE, /* under the stored key, next revision, onset of the stored one */
    XW_ADOPT_SILENT,   /* said before */
};

void xw_adopt_init(struct xw_adopt *adopt, int64_t cut, double rate_hz);
void xw_adopt_done(struct xw_adopt *adopt);
/* 0, -EOVERFLOW, -ENOMEM. Copied. */
XW_MUST_CHECK int xw_adopt_add(struct xw_adopt *adopt, const struct xw_adopt_known *known);
/* CONTINUE: ret_known is the stored event, its revision already raised. */
enum xw_adopt_verdict xw_adopt_judge(struct xw_adopt *adopt, const struct xw_ecg_event *event,
                                     struct xw_adopt_known *ret_known);

/* known NULL: say it as new. event NULL: end the stored episode at the cut. */
typedef void (*xw_adopt_say_fn)(void *user, const struct xw_adopt_known *known,
                                const struct xw_ecg_event *event);
/* What is said of a stored episode that ends at the cut. An alarm stays one: without its priority
 * the county would take it for withdrawn, and nobody would have to look at it. */
struct xw_ecg_event xw_adopt_ended(const struct xw_adopt *adopt,
                                   const struct xw_adopt_known *known);
/* Call after each block, position = one past its last sample. At the cut it says what the warm-up
 * owes, 10 s later it ends what was not found again. */
void xw_adopt_advance(struct xw_adopt *adopt, int64_t position, xw_adopt_say_fn say, void *user);

#endif
