/* Reading a monitor of a plan. */
#include "monitor_plan.h"

#include <stdio.h>
#include <string.h>

#include "monitor_model.h"

void xw_sim_monitor_defaults(struct xw_sim_monitor_spec *ret_spec)
{
    *ret_spec = (struct xw_sim_monitor_spec){.host = "127.0.0.1",
                                             .port = 2575,
                                             .scenario = "normal",
                                             .seed = 1,
                                             .every_s = 1,
                                             .nibp_every_s = 120,
                                             .window = 1};
}

static int copy_text(const char *text, char *ret_text, size_t size)
{
    size_t n = strlen(text);
    if (n >= size || strpbrk(text, "|^~\\&\r\n\"") != NULL)
        return -EINVAL;
    memcpy(ret_text, text, n + 1);
    return 0;
}

static int parse_text(const char *key, const char *text, struct xw_sim_monitor_spec *spec)
{
    if (!strcmp(key, "id"))
        return copy_text(text, spec->id, sizeof(spec->id));
    if (!strcmp(key, "gateway"))
        return xw_sim_gateway_parse(text, spec->host, &spec->port);
    if (!strcmp(key, "bed"))
        return copy_text(text, spec->bed, sizeof(spec->bed));
    if (!strcmp(key, "scenario") && xw_sim_vitals_scene_ok(text))
        return copy_text(text, spec->scenario, sizeof(spec->scenario));
    /* label and site are for those who start the simulator */
    return !strcmp(key, "label") || !strcmp(key, "site") ? 0 : -EINVAL;
}

static int parse_number(const char *key, double v, struct xw_sim_monitor_spec *spec)
{
    if (!strcmp(key, "every_s") && v >= 0.01 && v <= 3600)
        spec->every_s = v;
    else if (!strcmp(key, "nibp_every_s") && v >= 1 && v <= 86400)
        spec->nibp_every_s = v;
    else if (!strcmp(key, "clock_offset_s") && v >= -1e9 && v <= 1e9)
        spec->clock_offset_s = v;
    else if (!strcmp(key, "start_s") && v >= 0)
        spec->start_s = v;
    else if (!strcmp(key, "seed") && v >= 0)
        spec->seed = (uint64_t)v;
    else if (!strcmp(key, "window") && v >= 1 && v <= 64)
        spec->window = (unsigned)v;
    else
        return -EINVAL;
    return 0;
}

int xw_sim_monitor_parse(json_t *object, size_t number, struct xw_sim_monitor_spec *ret_spec,
                         char *ret_text, size_t size)
{
    const char *key;
    json_t *value;
    xw_sim_monitor_defaults(ret_spec);
    ret_spec->seed = number + 1;
    json_object_foreach(object, key, value)
    {
        int r = json_is_string(value)   ? parse_text(key, json_string_value(value), ret_spec)
                : json_is_number(value) ? parse_number(key, json_number_value(value), ret_spec)
                                        : -EINVAL;
        if (r < 0) {
            snprintf(ret_text, size, "monitor %zu: wrong entry \"%.40s\"", number, key);
            return r;
        }
    }
    if (ret_spec->id[0])
        return 0;
    snprintf(ret_text, size, "monitor %zu has no \"id\"", number);
    return -EINVAL;
}
