/* The newest rule list into the log of every gateway.
 *
 * A log takes a record once, whoever asks how often: after a restart everything is simply given
 * again. Older versions are not given any more; a gateway that was away gets what its log has. */
#include "center/rulelist.h"

#include "base/log.h"
#include "base/metrics.h"
#include "center/rulelist_in.h"

#include <stdio.h>
#include <string.h>

enum { GIVING_MAX = 64, AGAIN_US = 60000000 };

XW_COUNTER(given_n, "xw_center_rule_lists_given_total", NULL,
           "times a rule list was put into the log of a gateway, or was found there");

struct giving {
    struct xw_rulelists *lists;
    struct xw_gateways *gateways;
    size_t i; /* gateways are never taken out of their table */
    uint32_t version;
    int64_t now_us;
};

static void on_given(void *user, int status)
{
    struct giving *giving = user;
    struct xw_gateway_rules *rules = xw_gateways_rules(giving->gateways, giving->i);
    giving->lists->giving_n--;
    rules->giving = false;
    if (status == 0) {
        xw_counter_add(&given_n, 1);
        rules->given = giving->version;
        rules->given_us = giving->now_us;
    }
    free(giving);
}

/* A log is thinned out after months; a gateway whose spool was lost since then asks in vain. */
static bool lacks(const struct xw_gateway *g, uint32_t version, int64_t now_us)
{
    if (g->rules.given != version)
        return true;
    return g->linked && g->report.rules && g->report.rules_county_version < version &&
           now_us - g->rules.given_us >= AGAIN_US;
}

static int give(struct xw_rulelists *lists, struct xw_gateways *gateways, size_t i, int64_t now_us)
{
    struct giving *giving = calloc(1, sizeof(*giving));
    if (!giving)
        return -ENOMEM;
    *giving = (struct giving){.lists = lists,
                              .gateways = gateways,
                              .i = i,
                              .version = lists->newest.version,
                              .now_us = now_us};
    int r = xw_journal_append(lists->journal, &lists->record, 1, xw_gateways_at(gateways, i)->id,
                              on_given, giving);
    if (r < 0) {
        free(giving);
        return r;
    }
    xw_gateways_rules(gateways, i)->giving = true;
    lists->giving_n++;
    return 0;
}

/* ---- above what a gateway brought ---- */

static void on_risen(void *user)
{
    struct xw_rulelists *lists = user;
    lists->rising = false;
    if (lists->ask.error)
        xw_log_warning("rules.not_raised", XW_LOG_STR("why", lists->ask.error));
}

/* 0: no linked gateway is ahead of us. A list of ours that only a later program can read is ours.
 */
static uint32_t brought(const struct xw_rulelists *lists, const struct xw_gateways *gateways)
{
    uint32_t own = XW_MAX(lists->newest.version, lists->seen_version), highest = 0;
    for (size_t i = 0; i < xw_gateways_n(gateways); i++) {
        const struct xw_gateway *g = xw_gateways_at(gateways, i);
        uint32_t version = g->report.rules_county_version;
        if (g->linked && g->report.rules && version > own &&
            version < own + XW_RULELIST_AHEAD_MAX && version > highest)
            highest = version;
    }
    return highest;
}

static void rise_above(struct xw_rulelists *lists, const struct xw_gateways *gateways,
                       int64_t now_us)
{
    uint32_t version = brought(lists, gateways);
    if (!version || lists->rising || lists->saving ||
        (lists->risen_us && now_us - lists->risen_us < AGAIN_US))
        return;
    lists->risen_us = now_us;
    lists->ask = (struct xw_rulelist_ask){.rules = lists->newest.rules,
                                          .based_on = lists->newest.version,
                                          .above = version,
                                          .by = XW_RULELIST_BY_COUNTY};
    snprintf(lists->ask.reason, sizeof(lists->ask.reason), "gateway-ahead %u", version);
    lists->rising = true;
    if (xw_rulelists_save(lists, &lists->ask, on_risen, lists) < 0)
        on_risen(lists);
}

void xw_rulelists_pass(struct xw_rulelists *lists, struct xw_gateways *gateways, int64_t now_us)
{
    rise_above(lists, gateways, now_us);
    if (!lists->record.key_size)
        return;
    for (size_t i = 0; i < xw_gateways_n(gateways) && lists->giving_n < GIVING_MAX; i++) {
        const struct xw_gateway *g = xw_gateways_at(gateways, i);
        if (g->silent || g->rules.giving || !lacks(g, lists->newest.version, now_us))
            continue;
        if (give(lists, gateways, i, now_us) < 0)
            return; /* the next second */
    }
}
