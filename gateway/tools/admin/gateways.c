/* Gateways: codes to enrol one, the list, revoking. */
#include "admin.h"

#include "trust/enrol.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static json_t *with(const char *verb, const char *key, const char *value)
{
    return json_pack("{s:s, s:s}", "do", verb, key, value);
}

json_t *xw_admin_gateway_request(const struct xw_admin_options *o, int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[0], "revoke") == 0)
        return with("revoke", "gateway", argv[1]);
    if (strcmp(argv[0], "gateway") != 0)
        return NULL;
    if (argc == 2 && strcmp(argv[1], "list") == 0)
        return json_pack("{s:s}", "do", "gateways");
    if (argc == 2 && strcmp(argv[1], "codes") == 0)
        return json_pack("{s:s}", "do", "codes");
    if (argc != 3)
        return NULL;
    if (strcmp(argv[1], "withdraw") == 0)
        return with("withdraw", "id", argv[2]);
    if (strcmp(argv[1], "code") != 0)
        return NULL;
    json_t *request = with("code", "gateway", argv[2]);
    json_object_set_new(request, "site", json_string(o->site ? o->site : ""));
    json_object_set_new(request, "replace", json_boolean(o->replace));
    if (o->life_us)
        json_object_set_new(request, "life_us", json_integer(o->life_us));
    return request;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));
    return text ? text : "";
}

static const char *time_of(const json_t *o, const char *key, char *buf, size_t size)
{
    time_t s = (time_t)(json_integer_value(json_object_get(o, key)) / 1000000);
    struct tm tm;
    if (!s || !localtime_r(&s, &tm) || !strftime(buf, size, "%Y-%m-%d %H:%M", &tm))
        snprintf(buf, size, "-");
    return buf;
}

static void print_code(const json_t *code)
{
    char expires[32];
    printf("%s  %-24s %-9s until %s  %s\n", text_of(code, "id"), text_of(code, "gateway"),
           text_of(code, "state"), time_of(code, "expires_wall_us", expires, sizeof(expires)),
           text_of(code, "site"));
}

static void print_gateway(const json_t *gateway)
{
    char until[32], revoked[32];
    bool gone = json_is_integer(json_object_get(gateway, "revoked_wall_us"));
    printf("%-24s %-7s certificate until %-16s %s%s  %s  %s\n", text_of(gateway, "id"),
           gone ? "revoked" : "valid", time_of(gateway, "until_wall_us", until, sizeof(until)),
           gone ? "revoked " : "",
           gone ? time_of(gateway, "revoked_wall_us", revoked, sizeof(revoked)) : "",
           text_of(gateway, "certificate"), text_of(gateway, "site"));
}

void xw_admin_print_gateways(const json_t *answer)
{
    const json_t *gateways = json_object_get(answer, "gateways");
    const json_t *codes = json_object_get(answer, "codes");
    char expires[32];
    if (json_object_get(answer, "code"))
        printf("%s\nfor %s, once, until %s\n", text_of(answer, "code"), text_of(answer, "gateway"),
               time_of(answer, "expires_wall_us", expires, sizeof(expires)));
    else if (json_object_get(answer, "state"))
        print_code(answer);
    else if (json_object_get(answer, "revoked_wall_us"))
        print_gateway(answer);
    for (size_t i = 0; i < json_array_size(gateways); i++)
        print_gateway(json_array_get(gateways, i));
    for (size_t i = 0; i < json_array_size(codes); i++)
        print_code(json_array_get(codes, i));
}
