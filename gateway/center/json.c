/* JSON in and out: parsing with limits, small values. */
#include "center/json.h"

#include <string.h>

/* jansson's own depth limit is 2048: enough to be a nuisance, so ours is checked before. */
static bool depth_ok(const char *text, size_t size)
{
    int depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '[') && ++depth > XW_JSON_DEPTH_MAX)
            return false;
        else if (!quoted && (c == '}' || c == ']'))
            depth--;
    }
    return true;
}

int xw_json_parse(const void *data, size_t size, json_t **ret_object)
{
    json_error_t error;
    if (size > XW_JSON_BODY_MAX_BYTES)
        return -EOVERFLOW;
    if (size == 0 || !depth_ok(data, size))
        return -EBADMSG;
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        return -EBADMSG;
    if (!json_is_object(root)) {
        json_decref(root);
        return -EBADMSG;
    }
    *ret_object = root;
    return 0;
}

const char *xw_json_get_text(const json_t *object, const char *key, size_t max_n_bytes)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value))
        return NULL;
    size_t n = json_string_length(value);
    return n >= 1 && n <= max_n_bytes ? json_string_value(value) : NULL;
}

int xw_json_get_index(const json_t *object, const char *key, uint64_t *ret_value)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return -ENOENT;
    if (!json_is_integer(value))
        return -EBADMSG;
    json_int_t v = json_integer_value(value);
    if (v < 0 || v >= (INT64_C(1) << 53))
        return -EBADMSG;
    *ret_value = (uint64_t)v;
    return 0;
}

json_t *xw_json_text(const char *text)
{
    if (!text)
        text = "";
    json_t *value = json_string(text);
    if (value)
        return value;
    char *copy = strdup(text);
    if (!copy)
        return NULL;
    for (char *c = copy; *c; c++)
        if (*c & 0x80)
            *c = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

json_t *xw_json_uuid(const struct xw_uuid *id)
{
    char text[XW_UUID_TEXT_N_BYTES];
    return json_string(xw_uuid_format(id, text));
}

json_t *xw_json_id(const void *data, size_t size)
{
    struct xw_uuid id;
    return xw_uuid_from_bytes(data, size, &id) == 0 ? xw_json_uuid(&id) : json_null();
}

json_t *xw_json_hex(const void *data, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    char text[2 * 64];
    if (size > 64)
        return json_null();
    for (size_t i = 0; i < size; i++) {
        text[2 * i] = digits[((const uint8_t *)data)[i] >> 4];
        text[2 * i + 1] = digits[((const uint8_t *)data)[i] & 15];
    }
    return json_stringn(text, 2 * size);
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

int xw_json_unhex(const char *text, uint8_t *ret_data, size_t cap, size_t *ret_size)
{
    size_t n = strlen(text);
    if (n == 0 || n % 2 != 0 || n / 2 > cap)
        return -EBADMSG;
    for (size_t i = 0; i < n; i++)
        if (nibble(text[i]) < 0)
            return -EBADMSG;
    for (size_t i = 0; i < n / 2; i++)
        ret_data[i] =
            (uint8_t)((unsigned)nibble(text[2 * i]) << 4 | (unsigned)nibble(text[2 * i + 1]));
    *ret_size = n / 2;
    return 0;
}

json_t *xw_json_ranges(const struct xw_ranges *set)
{
    json_t *array = json_array();
    for (size_t i = 0; i < set->n; i++)
        json_array_append_new(array,
                              json_pack("{s:I, s:I}", "first", (json_int_t)set->v[i].first, "count",
                                        (json_int_t)(set->v[i].end - set->v[i].first)));
    return array;
}

struct word {
    int value;
    const char *text;
};

static const char *find_text(const struct word *words, size_t n, int value)
{
    for (size_t i = 0; i < n; i++)
        if (words[i].value == value)
            return words[i].text;
    return NULL;
}

static int find_value(const struct word *words, size_t n, const char *text, size_t n_bytes)
{
    for (size_t i = 0; i < n; i++)
        if (strlen(words[i].text) == n_bytes && memcmp(words[i].text, text, n_bytes) == 0)
            return words[i].value;
    return -ENOENT;
}

static const struct word kinds[] = {
    {XW__EVENT_KIND__EVENT_BEAT, "beat"},
    {XW__EVENT_KIND__EVENT_RHYTHM, "rhythm"},
    {XW__EVENT_KIND__EVENT_ALARM, "alarm"},
    {XW__EVENT_KIND__EVENT_QUALITY, "quality"},
    {XW__EVENT_KIND__EVENT_LEADS_OFF, "leads_off"},
    {XW__EVENT_KIND__EVENT_MARKER, "marker"},
    {XW__EVENT_KIND__EVENT_PACE, "pace"},
    {XW__EVENT_KIND__EVENT_MEASUREMENT, "measurement"},
    {XW__EVENT_KIND__EVENT_NOISE, "noise"},
    {XW__EVENT_KIND__EVENT_SUMMARY, "summary"},
};
static const struct word states[] = {
    {XW__STUDY_STATE__STUDY_CAPTURED, "captured"}, {XW__STUDY_STATE__STUDY_CANCELLED, "cancelled"},
    {XW__STUDY_STATE__STUDY_CLAIMED, "claimed"},   {XW__STUDY_STATE__STUDY_REPORTED, "reported"},
    {XW__STUDY_STATE__STUDY_REVIEWED, "reviewed"}, {XW__STUDY_STATE__STUDY_SIGNED, "signed"},
    {XW__STUDY_STATE__STUDY_RELEASED, "released"}, {XW__STUDY_STATE__STUDY_SEEN, "seen"},
    {XW__STUDY_STATE__STUDY_RETURNED, "returned"},
};
static const struct word study_kinds[] = {
    {XW__STUDY_KIND__STUDY_ECG_12, "ecg_12"},
    {XW__STUDY_KIND__STUDY_HOLTER, "holter"},
    {XW__STUDY_KIND__STUDY_CTG, "ctg"},
    {XW__STUDY_KIND__STUDY_VITALS, "vitals"},
    {XW__STUDY_KIND__STUDY_ULTRASOUND, "ultrasound"},
};
static const struct word technical_codes[] = {
    {XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, "link_lost"},
    {XW__TECHNICAL_CODE__TECHNICAL_SPOOL_LOW, "spool_low"},
    {XW__TECHNICAL_CODE__TECHNICAL_SPOOL_FULL, "spool_full"},
    {XW__TECHNICAL_CODE__TECHNICAL_DEVICE_FENCED, "device_fenced"},
    {XW__TECHNICAL_CODE__TECHNICAL_DEVICE_GONE, "device_gone"},
    {XW__TECHNICAL_CODE__TECHNICAL_CONFLICT, "conflict"},
    {XW__TECHNICAL_CODE__TECHNICAL_STORE_LOW, "store_low"},
    {XW__TECHNICAL_CODE__TECHNICAL_STORE_FULL, "store_full"},
    {XW__TECHNICAL_CODE__TECHNICAL_UNREADABLE, "unreadable"},
    {XW__TECHNICAL_CODE__TECHNICAL_LINK_NARROW, "link_narrow"},
    {XW__TECHNICAL_CODE__TECHNICAL_CLOCK, "clock"},
    {XW__TECHNICAL_CODE__TECHNICAL_ALARM_PATH, "alarm_path"},
    {XW__TECHNICAL_CODE__TECHNICAL_UNATTENDED, "unattended"},
    {XW__TECHNICAL_CODE__TECHNICAL_RULES, "rules"},
    {XW__TECHNICAL_CODE__TECHNICAL_ELECTRODES, "electrodes"},
};
static const struct word gap_reasons[] = {
    {XW__GAP_REASON__GAP_DEVICE, "device"},
    {XW__GAP_REASON__GAP_NOT_CAPTURED, "not_captured"},
    {XW__GAP_REASON__GAP_SPOOL_LIMIT, "spool_limit"},
    {XW__GAP_REASON__GAP_UNREADABLE, "unreadable"},
    {XW__GAP_REASON__GAP_FENCED, "fenced"},
};

static const struct word priorities[] = {
    {XW__PRIORITY__PRIORITY_NONE, "none"},           {XW__PRIORITY__PRIORITY_LOW, "low"},
    {XW__PRIORITY__PRIORITY_MEDIUM, "medium"},       {XW__PRIORITY__PRIORITY_HIGH, "high"},
    {XW__PRIORITY__PRIORITY_TECHNICAL, "technical"},
};

const char *xw_json_priority(int priority)
{
    const char *text = find_text(priorities, XW_ARRAY_N(priorities), priority);
    return text ? text : "none";
}
const char *xw_json_event_kind(int kind)
{
    return find_text(kinds, XW_ARRAY_N(kinds), kind);
}
int xw_json_event_kind_parse(const char *word, size_t n_bytes)
{
    return find_value(kinds, XW_ARRAY_N(kinds), word, n_bytes);
}
const char *xw_json_study_state(int state)
{
    return find_text(states, XW_ARRAY_N(states), state);
}
int xw_json_study_state_parse(const char *word)
{
    return find_value(states, XW_ARRAY_N(states), word, strlen(word));
}
const char *xw_json_study_kind(int kind)
{
    return find_text(study_kinds, XW_ARRAY_N(study_kinds), kind);
}
const char *xw_json_technical_code(int code)
{
    return find_text(technical_codes, XW_ARRAY_N(technical_codes), code);
}
const char *xw_json_gap_reason(int reason)
{
    return find_text(gap_reasons, XW_ARRAY_N(gap_reasons), reason);
}
