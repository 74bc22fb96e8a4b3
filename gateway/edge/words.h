/* The chain's words in the words of the wire: events, runs, keys.
 *
 * Codes on the wire: beats N S V F / Q; episodes NO_FINDING ASYSTOLE PAUSE BRADY TACHY VT VRUN
 * COUPLET BIGEMINY TRIGEMINY VF AFIB AFL SVT AVB2 AVB3 R_ON_T PACED ST_ELEVATION ST_DEPRESSION;
 * CANNOT_SEE LEAD_OFF NOISE; values HEART_RATE ST SQI. Fetal, n = 1 to 3: FHRn_LOSS FHRn_MHR
 * FHRn_DOUBLED FHRn_HALVED (quality), FHRn_SPIKE (noise), FHRn_SIGNAL (a value), FHRn_SIGNAL_LOSS
 * (alarm); marks MOVEMENT UC_ZERO.
 *
 * Threads: pure functions. Ownership: what a filled message points to lives in the scratch. */
#ifndef XW_EDGE_WORDS_H
#define XW_EDGE_WORDS_H

#include "base/base.h"
#include "base/uuid.h"
#include "dsp/ecg/chain.h"
#include "proto/signal.pb-c.h"
#include "proto/study.pb-c.h"

enum { XW_EVENT_KEY_SIZE = 40, XW_ANCHOR_KEY_SIZE = 25 };
enum { XW_WORDS_EVIDENCE_MAX = 2 * XW_ECG_EVIDENCE_MAX + XW_ECG_CHANNELS_MAX };

/* stream | run | sequence, big-endian. */
void xw_words_event_key(const struct xw_uuid *stream, const struct xw_uuid *run, uint64_t sequence,
                        uint8_t ret_key[XW_EVENT_KEY_SIZE]);
/* stream | "a" | ordinal, big-endian. */
void xw_words_anchor_key(const struct xw_uuid *stream, uint64_t ordinal,
                         uint8_t ret_key[XW_ANCHOR_KEY_SIZE]);

struct xw_words_scratch {
    Xw__Evidence evidence[XW_WORDS_EVIDENCE_MAX];
    Xw__Evidence *list[XW_WORDS_EVIDENCE_MAX];
    char names[XW_ECG_CHANNELS_MAX][32];
    char rule_version[40]; /* "2", or "2/7-3fa9c0d1": and of the rule list, with its hash */
    char code[2];
};

/* header: of the stream, for rate and channel codes. run, seq: those of the key. */
void xw_words_event(const struct xw_ecg_event *event, const Xw__StreamHeader *header,
                    const struct xw_uuid *stream, const struct xw_uuid *run, uint64_t seq,
                    struct xw_words_scratch *scratch, Xw__Event *ret_event);
/* The event goes on under a stored onset. A new chain may see the end of what it takes for the same
 * episode before that: then it is of one sample, for no event ends before it begins. */
void xw_words_event_onset(Xw__Event *event, int64_t first);

/* The wire's word of a code, static; "" for none. */
const char *xw_words_code(enum xw_ecg_kind kind, enum xw_ecg_code code);
/* Back again: XW_ECG_CODE_NONE when it is no word of the chain. */
enum xw_ecg_code xw_words_code_of(Xw__EventKind kind, const char *word);
Xw__EventKind xw_words_kind(enum xw_ecg_kind kind);
/* 0 when the chain has no such kind. */
enum xw_ecg_kind xw_words_kind_of(Xw__EventKind kind);
Xw__Priority xw_words_priority(enum xw_ecg_priority priority);
/* Back; NONE for what a later version may have. */
enum xw_ecg_priority xw_words_priority_of(Xw__Priority priority);

#endif
