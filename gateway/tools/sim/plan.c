/* Reading a plan: JSON with every key checked, so that a typing error is told and not ignored. */
#include "plan.h"

#include <jansson.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

void xw_sim_device_defaults(struct xw_sim_device_spec *ret_spec)
{
    *ret_spec = (struct xw_sim_device_spec){
        .host = "127.0.0.1",
        .port = 7101,
        .retain_bytes = 64ULL << 20,
        .source = {.kind = XW_SIM_SYNTH,
                   .rhythm = "sinus",
                   .seed = 1,
                   .gain_counts_per_mv = 1000,
                   .channels_n = 12,
                   .fetuses_n = 1,
                   .loop = true},
    };
}

int xw_sim_source_kind_parse(const char *text, enum xw_sim_source_kind *ret_kind)
{
    static const char *const names[] = {[XW_SIM_SYNTH] = "synth",
                                        [XW_SIM_WFDB] = "wfdb",
                                        [XW_SIM_PATTERN] = "pattern",
                                        [XW_SIM_CALIBRATION] = "calibration",
                                        [XW_SIM_CTG] = "ctg"};
    for (size_t i = 0; i < XW_ARRAY_N(names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_kind = (enum xw_sim_source_kind)i;
            return 0;
        }
    }
    return -EINVAL;
}

static int copy_text(const char *text, char *ret_text, size_t size)
{
    size_t n = strlen(text);
    if (n >= size)
        return -EINVAL;
    memcpy(ret_text, text, n + 1);
    return 0;
}

static int parse_key(const char *hex, struct xw_sim_device_spec *spec)
{
    size_t n = 0;
    if (sodium_hex2bin(spec->key, sizeof(spec->key), hex, strlen(hex), NULL, &n, NULL) != 0 ||
        n == 0)
        return -EINVAL;
    spec->key_n = n;
    return 0;
}

static int whole_number(const json_t *value, int64_t low, int64_t high, int64_t *ret_number)
{
    if (!json_is_integer(value))
        return -EINVAL;
    int64_t number = json_integer_value(value);
    if (number < low || number > high)
        return -ERANGE;
    *ret_number = number;
    return 0;
}

static int parse_source_entry(const char *key, const json_t *value,
                              struct xw_sim_source_spec *source)
{
    const char *text = json_is_string(value) ? json_string_value(value) : NULL;
    int64_t number;
    if (strcmp(key, "kind") == 0)
        return text ? xw_sim_source_kind_parse(text, &source->kind) : -EINVAL;
    if (strcmp(key, "record") == 0)
        return text ? copy_text(text, source->record, sizeof(source->record)) : -EINVAL;
    if (strcmp(key, "rhythm") == 0 || strcmp(key, "scene") == 0)
        return text ? copy_text(text, source->rhythm, sizeof(source->rhythm)) : -EINVAL;
    if (strcmp(key, "loop") == 0) {
        source->loop = json_is_true(value);
        return json_is_boolean(value) ? 0 : -EINVAL;
    }
    if (strcmp(key, "hr") == 0) {
        source->hr_bpm = json_number_value(value);
        return json_is_number(value) && source->hr_bpm >= 0 && source->hr_bpm <= 300 ? 0 : -EINVAL;
    }
    int r = whole_number(value, 0, INT64_MAX, &number);
    if (r < 0)
        return r;
    if (strcmp(key, "seed") == 0)
        source->seed = (uint64_t)number;
    else if (strcmp(key, "gain") == 0 && number >= 1 && number <= 1000000)
        source->gain_counts_per_mv = number;
    else if (strcmp(key, "channels") == 0 && number >= 1 && number <= 18)
        source->channels_n = (unsigned)number;
    else if (strcmp(key, "fetuses") == 0 && number >= 1 && number <= 3)
        source->fetuses_n = (unsigned)number;
    else
        return -EINVAL;
    return 0;
}

static int parse_device_entry(const char *key, json_t *value, struct xw_sim_device_spec *spec,
                              char ret_text[XW_SIM_TEXT_BYTES])
{
    const char *text = json_is_string(value) ? json_string_value(value) : NULL;
    int64_t number;
    if (strcmp(key, "id") == 0)
        return text ? copy_text(text, spec->id, sizeof(spec->id)) : -EINVAL;
    if (strcmp(key, "gateway") == 0)
        return text ? xw_sim_gateway_parse(text, spec->host, &spec->port) : -EINVAL;
    if (strcmp(key, "key") == 0)
        return text ? parse_key(text, spec) : -EINVAL;
    if (strcmp(key, "label") == 0 || strcmp(key, "site") == 0)
        return 0; /* for those who start the simulator */
    if (strcmp(key, "start_s") == 0) {
        spec->start_s = json_number_value(value);
        return json_is_number(value) && spec->start_s >= 0 ? 0 : -EINVAL;
    }
    if (strcmp(key, "source") == 0) {
        const char *name;
        json_t *entry;
        if (!json_is_object(value))
            return -EINVAL;
        json_object_foreach(value, name, entry)
        {
            int r = parse_source_entry(name, entry, &spec->source);
            if (r < 0) {
                snprintf(ret_text, XW_SIM_TEXT_BYTES, "source: wrong entry \"%.40s\"", name);
                return r;
            }
        }
        return 0;
    }
    int r = whole_number(value, 0, INT64_MAX >> 20, &number);
    if (r < 0)
        return r;
    if (strcmp(key, "rate") == 0 && number >= 1 && number <= 4000)
        spec->rate_hz = (uint32_t)number;
    else if (strcmp(key, "block_ms") == 0 && number >= 4 && number <= 1000)
        spec->block_ms = (uint32_t)number;
    else if (strcmp(key, "retain_mb") == 0)
        spec->retain_bytes = (uint64_t)number << 20;
    else
        return -EINVAL;
    return 0;
}

static int parse_devices(json_t *list, struct xw_sim_plan *plan, char ret_text[XW_SIM_TEXT_BYTES])
{
    size_t n = json_array_size(list);
    if (n == 0 || n > XW_SIM_DEVICES_MAX) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "devices: 1 to %d of them", XW_SIM_DEVICES_MAX);
        return -EINVAL;
    }
    plan->devices = calloc(n, sizeof(*plan->devices));
    if (!plan->devices)
        return -ENOMEM;
    plan->devices_n = n;
    for (size_t i = 0; i < n; i++) {
        const char *key;
        json_t *value;
        xw_sim_device_defaults(&plan->devices[i]);
        plan->devices[i].source.seed = i + 1;
        json_object_foreach(json_array_get(list, i), key, value)
        {
            ret_text[0] = 0;
            int r = parse_device_entry(key, value, &plan->devices[i], ret_text);
            if (r < 0) {
                if (!ret_text[0])
                    snprintf(ret_text, XW_SIM_TEXT_BYTES, "device %zu: wrong entry \"%.40s\"", i,
                             key);
                return -EINVAL;
            }
        }
        if (!plan->devices[i].rate_hz)
            plan->devices[i].rate_hz = plan->devices[i].source.kind == XW_SIM_CTG ? 4 : 500;
        if (!plan->devices[i].id[0]) {
            snprintf(ret_text, XW_SIM_TEXT_BYTES, "device %zu has no \"id\"", i);
            return -EINVAL;
        }
    }
    return 0;
}

static int parse_monitors(json_t *list, struct xw_sim_plan *plan, char ret_text[XW_SIM_TEXT_BYTES])
{
    size_t n = json_array_size(list);
    if (n > XW_SIM_MONITORS_MAX || !json_is_array(list)) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "monitors: at most %d", XW_SIM_MONITORS_MAX);
        return -EINVAL;
    }
    plan->monitors = calloc(n ? n : 1, sizeof(*plan->monitors));
    if (!plan->monitors)
        return -ENOMEM;
    for (int r; plan->monitors_n < n; plan->monitors_n++) {
        r = xw_sim_monitor_parse(json_array_get(list, plan->monitors_n), plan->monitors_n,
                                 &plan->monitors[plan->monitors_n], ret_text, XW_SIM_TEXT_BYTES);
        if (r < 0)
            return r;
    }
    return 0;
}

static int parse_plan(json_t *root, struct xw_sim_plan *plan, char ret_text[XW_SIM_TEXT_BYTES])
{
    const char *key;
    json_t *value;
    json_object_foreach(root, key, value)
    {
        int r = 0;
        ret_text[0] = 0;
        if (strcmp(key, "devices") == 0)
            r = parse_devices(value, plan, ret_text);
        else if (strcmp(key, "monitors") == 0)
            r = parse_monitors(value, plan, ret_text);
        else if (strcmp(key, "journal") == 0 && json_is_string(value))
            r = copy_text(json_string_value(value), plan->journal, sizeof(plan->journal));
        else if (strcmp(key, "control") == 0 && json_is_string(value))
            r = copy_text(json_string_value(value), plan->control, sizeof(plan->control));
        else if (strcmp(key, "demo") == 0 && json_is_boolean(value))
            plan->demo = json_is_true(value);
        else if (strcmp(key, "speed") == 0 && json_number_value(value) > 0)
            plan->speed = json_number_value(value);
        else if (strcmp(key, "duration_s") == 0 && json_is_number(value))
            plan->duration_s = json_number_value(value);
        else
            r = -EINVAL;
        if (r < 0) {
            if (!ret_text[0])
                snprintf(ret_text, XW_SIM_TEXT_BYTES, "wrong entry \"%.40s\"", key);
            return r;
        }
    }
    if (plan->devices_n == 0 && plan->monitors_n == 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "no \"devices\" and no \"monitors\"");
        return -EINVAL;
    }
    return 0;
}

int xw_sim_plan_load(const char *path, struct xw_sim_plan *ret_plan,
                     char ret_text[XW_SIM_TEXT_BYTES])
{
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!root) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "line %d: %.200s", error.line, error.text);
        return -EINVAL;
    }
    struct xw_sim_plan plan = {.speed = 1};
    int r = json_is_object(root) ? parse_plan(root, &plan, ret_text) : -EINVAL;
    json_decref(root);
    if (r < 0) {
        xw_sim_plan_done(&plan);
        return r;
    }
    *ret_plan = plan;
    return 0;
}

int xw_sim_plan_many(const struct xw_sim_device_spec *like, const char *prefix, size_t devices_n,
                     const char *gateways, struct xw_sim_plan *ret_plan,
                     char ret_text[XW_SIM_TEXT_BYTES])
{
    struct xw_sim_plan plan = {.speed = 1, .devices_n = devices_n};
    if (devices_n == 0 || devices_n > XW_SIM_DEVICES_MAX || strlen(prefix) > 48) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "1 to %d devices, prefix of at most 48 letters",
                 XW_SIM_DEVICES_MAX);
        return -EINVAL;
    }
    plan.devices = calloc(devices_n, sizeof(*plan.devices));
    if (!plan.devices)
        return -ENOMEM;
    const char *at = gateways;
    for (size_t i = 0; i < devices_n; i++) {
        struct xw_sim_device_spec *spec = &plan.devices[i];
        *spec = *like;
        snprintf(spec->id, sizeof(spec->id), devices_n == 1 ? "%.48s" : "%.48s-%04zu", prefix,
                 i + 1);
        spec->source.seed = like->source.seed + i;
        if (xw_sim_gateway_next(gateways, &at, spec->host, &spec->port, ret_text,
                                XW_SIM_TEXT_BYTES) < 0) {
            xw_sim_plan_done(&plan);
            return -EINVAL;
        }
    }
    *ret_plan = plan;
    return 0;
}

void xw_sim_plan_done(struct xw_sim_plan *plan)
{
    free(plan->devices);
    plan->devices = NULL;
    plan->devices_n = 0;
    free(plan->monitors);
    plan->monitors = NULL;
    plan->monitors_n = 0;
}
