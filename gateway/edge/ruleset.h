/* The county's rule lists as they come: which is the newest, and which of them can be used.
 *
 * Lists may come in any order and more than once. The highest version counts; of two of one version
 * (the county was restored from a backup and went on) the later one. A list that this program does
 * not understand is refused as a whole, and the newest one that it does understand stays.
 *
 * Threads: any, one table by one at a time. No I/O, no allocation that outlives a call. Errors:
 * -EBADMSG for bytes that are no list at all. Source: proto/PROTOCOL.md, section 8. */
#ifndef XW_EDGE_RULESET_H
#define XW_EDGE_RULESET_H

#include "base/base.h"
#include "dsp/ecg/rules.h"

enum { XW_RULESET_WHY_N = 256 };

struct xw_ruleset {
    uint32_t newest_version; /* 0: none came */
    int64_t newest_wall_us;
    char refused[XW_RULESET_WHY_N]; /* why the newest is not the good one; empty: it is */
    uint32_t good_version;          /* 0: none */
    int64_t good_wall_us;
    struct xw_ecg_rules good;
};

/* body: a RuleSet of study.proto. 1: something of the table changed; 0: it is older, or known. */
XW_MUST_CHECK int xw_ruleset_take(struct xw_ruleset *set, const void *body, size_t n);

#endif
