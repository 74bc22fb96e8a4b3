/* The newest of the county's rule lists, and the newest that can be used. */
#include "edge/ruleset.h"

#include "dsp/core/sha256.h"
#include "proto/study.pb-c.h"

#include <stdio.h>
#include <string.h>

static bool is_later(const Xw__RuleSet *list, uint32_t version, int64_t wall_us)
{
    return list->version > version || (list->version == version && list->wall_us > wall_us);
}

static bool is_whole(const Xw__RuleSet *list)
{
    char right[XW_DSP_SHA256_TEXT_BYTES], said[XW_DSP_SHA256_TEXT_BYTES];
    if (list->sha256.len != 32)
        return false;
    xw_dsp_sha256_text(list->text, strlen(list->text), right);
    for (size_t i = 0; i < 32; i++)
        snprintf(said + 2 * i, 3, "%02x", list->sha256.data[i]);
    return memcmp(right, said, 64) == 0;
}

/* 0, or why it cannot be used. */
static int read_list(const Xw__RuleSet *list, struct xw_ecg_rules *ret_rules,
                     char ret_why[XW_RULESET_WHY_N])
{
    struct xw_ecg_rules_error error = {0};
    struct xw_ecg_rules rules;
    if (!is_whole(list)) {
        snprintf(ret_why, XW_RULESET_WHY_N, "the text is not the one of its SHA-256");
        return -EINVAL;
    }
    int r = xw_ecg_rules_parse(list->text, strlen(list->text), &rules, &error);
    if (r < 0) {
        snprintf(ret_why, XW_RULESET_WHY_N, "line %u: %s", error.line, error.text);
        return r;
    }
    if (rules.version != list->version) {
        snprintf(ret_why, XW_RULESET_WHY_N, "list.version: %u in the text of version %u",
                 rules.version, list->version);
        return -EINVAL;
    }
    *ret_rules = rules;
    return 0;
}

static int take(struct xw_ruleset *set, const Xw__RuleSet *list)
{
    char why[XW_RULESET_WHY_N] = "";
    struct xw_ecg_rules rules;
    bool newest = is_later(list, set->newest_version, set->newest_wall_us);
    if (!newest && !is_later(list, set->good_version, set->good_wall_us))
        return 0;
    int r = read_list(list, &rules, why);
    if (r < 0 && !newest)
        return 0;
    if (newest) {
        set->newest_version = list->version;
        set->newest_wall_us = list->wall_us;
        memcpy(set->refused, why, sizeof(set->refused));
    }
    if (r == 0) {
        set->good = rules;
        set->good_version = list->version;
        set->good_wall_us = list->wall_us;
    }
    return 1;
}

int xw_ruleset_take(struct xw_ruleset *set, const void *body, size_t n)
{
    Xw__RuleSet *list = xw__rule_set__unpack(NULL, n, body);
    if (!list)
        return -EBADMSG;
    int r = list->version ? take(set, list) : -EBADMSG;
    xw__rule_set__free_unpacked(list, NULL);
    return r;
}
