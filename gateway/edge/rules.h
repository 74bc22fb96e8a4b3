/* The rule list by which this gateway screens.
 *
 * The county's newest list counts, once one came; it lies in the spool as a record and is in force
 * again after any restart before a device is accepted. Until then, and always with
 * analysis.county_rules = no, it is the file analysis.rules, read at start and on SIGHUP, and
 * without it the defaults.
 *
 * A list that is right is in force at once, for every running analysis too; of the file a copy is
 * kept in the spool folder (rules.accepted). One with a mistake, or one that cannot be read, is
 * refused as a whole: what was in force stays, after a restart too. It is a technical alarm (RULES)
 * until a list is taken.
 *
 * Threads: loop thread only; reading and the copy are small files. Errors: -ENOMEM or libuv's from
 * new; a bad list is none. */
#ifndef XW_EDGE_RULES_H
#define XW_EDGE_RULES_H

#include "dsp/ecg/rules.h"
#include "edge/edge.h"
#include "proto/health.pb-c.h"

/* Watches SIGHUP; the defaults are in force. */
XW_MUST_CHECK int xw_edge_rules_new(struct xw_edge *edge, struct xw_edge_rules **ret_rules);
/* Before the loop; NULL is fine. */
void xw_edge_rules_free(struct xw_edge_rules *rules);
/* Reads the file, if it counts. The spool and the technical alarms are there. */
void xw_edge_rules_load(struct xw_edge_rules *rules);
/* A list of the county (record of kind RULESET), durable here. In force with the next settle. */
void xw_edge_rules_county(struct xw_edge_rules *rules, const struct xw_store_record *record);
/* Each second, and before devices come: the newest of what came is put in force. True: something of
 * the report changed. */
bool xw_edge_rules_settle(struct xw_edge_rules *rules);
struct xw_edge_rules_report {
    Xw__RulesReport message; /* borrows hash, and texts until the next settle */
    uint8_t hash[32];
};
void xw_edge_rules_report(const struct xw_edge_rules *rules,
                          struct xw_edge_rules_report *ret_report);
/* In force; borrowed until the next load or settle. */
const struct xw_ecg_rules *xw_edge_rules(const struct xw_edge_rules *rules);

#endif
