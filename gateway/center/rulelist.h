/* The county's rule list: versions that are only ever added, each with who, when and why.
 *
 * The newest is in memory; the older ones are read from the store where somebody asks for them. A
 * version is a record of kind RULESET (study.proto) with origin "county"; what a gateway sends
 * under that kind is not looked at. Its text is written here from the values that were given:
 * comments are not kept, and its number is the county's next one, above what any gateway has (after
 * a restored backup they may be ahead of us).
 *
 * One save at a time; the answer comes when the version and its audit entry are durable.
 *
 * Threads: loop thread only. Ownership: copies. Limits: XW_RULELIST_REASON_N bytes of reason, 64
 * gateways that are being given it at a time. Errors: in xw_rulelist_ask, with a word of API.md.
 * Source: proto/PROTOCOL.md, section 8. */
#ifndef XW_CENTER_RULELIST_H
#define XW_CENTER_RULELIST_H

#include "base/base.h"
#include "center/gateways.h"
#include "center/journal.h"
#include "center/users.h"
#include "dsp/ecg/rules.h"

#include <jansson.h>

enum {
    XW_RULELIST_REASON_N = 501,
    XW_RULELIST_KEY_N = 22, /* "rules/", version, 8 random bytes */
    XW_RULELIST_PREFIX_N = 14,
    XW_RULELIST_TEXT_N = 8192,
    XW_RULELIST_BODY_N = XW_RULELIST_TEXT_N + 1024,
    /* What a gateway says that it has is believed so far above our own: no gateway can use up the
     * numbers. */
    XW_RULELIST_AHEAD_MAX = 10000,
};
/* Who makes a version that nobody asked for (rulelist_pass.c); no user can have this name. */
#define XW_RULELIST_BY_COUNTY "(county)"

/* One version. version 0: the defaults, which nobody made. */
struct xw_rulelist {
    struct xw_ecg_rules rules;
    uint32_t version, based_on, back_to;
    int64_t wall_us;
    char author[XW_USER_NAME_N], reason[XW_RULELIST_REASON_N];
    char hash[XW_ECG_RULES_HASH_BYTES];
};

/* -EBADMSG: none of the county's lists, or one that this program cannot use. */
XW_MUST_CHECK int xw_rulelist_unpack(const struct xw_store_record *record,
                                     struct xw_rulelist *ret_list);
/* What all versions of this number begin with in the store. */
void xw_rulelist_prefix(uint32_t version, uint8_t ret_prefix[XW_RULELIST_PREFIX_N]);
/* RuleList of API.md. */
json_t *xw_rulelist_json(const struct xw_rulelist *list);
/* [{"section","name",…}] of API.md, with the values of this list. */
json_t *xw_rulelist_items_json(const struct xw_ecg_rules *rules);

struct xw_rulelists;

XW_MUST_CHECK int xw_rulelists_new(struct xw_journal *journal, struct xw_rulelists **ret_lists);
void xw_rulelists_free(struct xw_rulelists *lists);
/* A record became durable, or was read at start. */
void xw_rulelists_record(struct xw_rulelists *lists, const struct xw_store_record *record);
/* In force; never NULL. */
const struct xw_rulelist *xw_rulelists_newest(const struct xw_rulelists *lists);

/* What somebody wants to be the next version. */
struct xw_rulelist_ask {
    /* In. */
    struct xw_ecg_rules rules; /* its version does not matter */
    uint32_t based_on, back_to;
    uint32_t above; /* the next version is above this */
    char by[XW_USER_NAME_N], reason[XW_RULELIST_REASON_N];
    /* Out. */
    const char *word, *error; /* NULL = it is the newest now */
};
/* -EINVAL with word and error: nothing happens. Otherwise done comes later; ask is the caller's and
 * lives until then. */
XW_MUST_CHECK int xw_rulelists_save(struct xw_rulelists *lists, struct xw_rulelist_ask *ask,
                                    void (*done)(void *user), void *user);

/* rulelist_pass.c: each second, and after a save: what lacks in the logs of gateways is put there,
 * once each; again when a gateway says for a minute that it does not have it. A linked gateway with
 * a higher number than ours comes from another county, or from after the backup that we were
 * restored from: what is in force here is saved anew above that number (at most once a minute), so
 * that it follows us and not a list of elsewhere. */
void xw_rulelists_pass(struct xw_rulelists *lists, struct xw_gateways *gateways, int64_t now_us);

#endif
