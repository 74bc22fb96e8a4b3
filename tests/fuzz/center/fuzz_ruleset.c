/* A record of kind RULESET, at both ends: a gateway takes it or says why not, and what it has in
 * force stays within the ranges; the county reads the same or nothing. */
#include "center/rulelist.h"
#include "edge/ruleset.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static void at_the_county(const uint8_t *data, size_t size)
{
    uint8_t key[XW_RULELIST_KEY_N] = {0};
    struct xw_rulelist list;
    xw_rulelist_prefix(1, key);
    const struct xw_store_record record = {.key = key,
                                           .key_size = sizeof(key),
                                           .revision = 1,
                                           .kind = XW__RECORD_KIND__RECORD_RULESET,
                                           .body = data,
                                           .body_size = size,
                                           .origin = "county"};
    if (xw_rulelist_unpack(&record, &list) < 0)
        return;
    check(list.version && xw_ecg_rules_check(&list.rules, NULL) == 0);
    check(memchr(list.author, 0, sizeof(list.author)) &&
          memchr(list.reason, 0, sizeof(list.reason)));
    json_t *o = xw_rulelist_json(&list);
    check(o != NULL);
    json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_ruleset set = {.good_version = 0};
    for (int twice = 0; twice < 2; twice++) {
        int r = xw_ruleset_take(&set, data, size);
        check(r == -EBADMSG || r == !twice);
        check((r == -EBADMSG) == (set.newest_version == 0));
    }
    check(memchr(set.refused, 0, sizeof(set.refused)) != NULL);
    check(!set.newest_version || (set.refused[0] != 0) == (set.good_version == 0));
    check(!set.good_version || xw_ecg_rules_check(&set.good, NULL) == 0);
    at_the_county(data, size);
    return 0;
}
