/* HOST:PORT, and lists of it. */
#include "gateway.h"

#include <stdio.h>
#include <string.h>

#include "base/config.h"

int xw_sim_gateway_parse(const char *text, char ret_host[XW_SIM_HOST_BYTES], uint16_t *ret_port)
{
    const char *colon = strrchr(text, ':');
    int64_t port;
    if (!colon || colon == text || colon - text >= XW_SIM_HOST_BYTES ||
        xw_parse_int(colon + 1, &port) < 0 || port < 1 || port > 65535)
        return -EINVAL;
    memcpy(ret_host, text, (size_t)(colon - text));
    ret_host[colon - text] = 0;
    *ret_port = (uint16_t)port;
    return 0;
}

int xw_sim_gateway_next(const char *list, const char **at, char ret_host[XW_SIM_HOST_BYTES],
                        uint16_t *ret_port, char *ret_text, size_t size)
{
    char one[96];
    size_t n = strcspn(*at, ",");
    snprintf(one, sizeof(one), "%.*s", (int)XW_MIN(n, sizeof(one) - 1), *at);
    if (xw_sim_gateway_parse(one, ret_host, ret_port) < 0) {
        snprintf(ret_text, size, "--gateway: HOST:PORT, not '%.60s'", one);
        return -EINVAL;
    }
    *at = (*at)[n] ? *at + n + 1 : list;
    return 0;
}
