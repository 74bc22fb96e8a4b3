/* The rule list: any text gives a list within its ranges or one error with its line, and nothing of
 * a refused list comes out; what was taken, written and read again is the same. */
#include "dsp/ecg/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good)
        abort();
}

static void comes_back(const struct xw_ecg_rules *rules)
{
    static char text[XW_ECG_RULES_TEXT_MAX_BYTES];
    char hash[2][XW_ECG_RULES_HASH_BYTES];
    for (int help = 0; help < 2; help++) {
        struct xw_ecg_rules again;
        struct xw_ecg_rules_error error;
        size_t n = xw_ecg_rules_write(rules, help, text, sizeof(text));
        check(n < sizeof(text));
        check(xw_ecg_rules_parse(text, n, &again, &error) == 0);
        xw_ecg_rules_hash(rules, hash[0]);
        xw_ecg_rules_hash(&again, hash[1]);
        check(strcmp(hash[0], hash[1]) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_ecg_rules rules;
    unsigned char before[sizeof(rules)], after[sizeof(rules)];
    struct xw_ecg_rules_error error = {.line = 0};
    char *text = malloc(size ? size : 1);
    check(text != NULL);
    if (size)
        memcpy(text, data, size);
    memset(&rules, 0x5a, sizeof(rules));
    memcpy(before, &rules, sizeof(rules));
    int result = xw_ecg_rules_parse(text, size, &rules, &error);
    free(text);
    if (result == 0) {
        check(xw_ecg_rules_check(&rules, NULL) == 0 && rules.version >= 1);
        comes_back(&rules);
        return 0;
    }
    check(result == -EINVAL && error.text[0] && memchr(error.text, 0, sizeof(error.text)));
    memcpy(after, &rules, sizeof(rules));
    check(memcmp(before, after, sizeof(before)) == 0);
    return 0;
}
