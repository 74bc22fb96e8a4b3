/* Bodies of the browser API: what is accepted is an object, reads the same when it is written and
 * parsed again, and its members keep to their limits. */
#include "center/json.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_member(const json_t *object, const char *key)
{
    uint64_t index = 0;
    uint8_t bytes[8];
    size_t n = 0;
    const char *text = xw_json_get_text(object, key, TEXT_MAX);
    if (xw_json_get_index(object, key, &index) == 0 && index >= UINT64_C(1) << 53)
        abort();
    if (!text)
        return;
    if (strlen(text) > TEXT_MAX || !text[0])
        abort();
    if (xw_json_unhex(text, bytes, sizeof(bytes), &n) == 0 && n > sizeof(bytes))
        abort();
    (void)!xw_json_event_kind_parse(text, strlen(text));
    (void)!xw_json_study_state_parse(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *object, *again;
    char *exact = malloc(size + 1);
    memcpy(exact, data, size);
    int r = xw_json_parse(exact, size, &object);
    free(exact);
    if (r < 0)
        return 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) read_member(object, key);
    char *text = json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII);
    if (!text)
        abort();
    /* Escapes make it longer; within the limit it must parse, and be the same. */
    if (strlen(text) <= XW_JSON_BODY_MAX_BYTES) {
        if (xw_json_parse(text, strlen(text), &again) < 0 || !json_equal(object, again))
            abort();
        json_decref(again);
    }
    free(text);
    json_decref(object);
    return 0;
}
