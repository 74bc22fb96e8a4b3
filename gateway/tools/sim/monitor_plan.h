/* Simulated patient monitors in a plan: "monitors": [{"id": "00A0370000000001", "gateway":
 * "127.0.0.1:2575", "scenario": "normal", "seed": 1, "every_s": 1, "nibp_every_s": 120,
 * "clock_offset_s": 0, "window": 1, "bed": "", "start_s": 0}].
 *
 * id: 16 hexadecimal digits are an EUI-64, anything else a name; the gateway knows the monitor by
 * it. window: messages that may wait for their ACK. clock_offset_s: how wrong its clock is. bed:
 * what PV1-3 says. Errors: -EINVAL. Threads: main only. */
#ifndef XW_SIM_MONITOR_PLAN_H
#define XW_SIM_MONITOR_PLAN_H

#include "base/base.h"
#include "gateway.h"

#include <jansson.h>

struct xw_sim_monitor_spec {
    char id[65];
    char host[XW_SIM_HOST_BYTES];
    uint16_t port;
    char scenario[32];
    char bed[33];
    uint64_t seed;
    double every_s, nibp_every_s, clock_offset_s, start_s;
    unsigned window;
};

enum { XW_SIM_MONITORS_MAX = 1024 };

void xw_sim_monitor_defaults(struct xw_sim_monitor_spec *ret_spec);
/* One entry of the list. ret_text: a sentence. */
XW_MUST_CHECK int xw_sim_monitor_parse(json_t *object, size_t number,
                                       struct xw_sim_monitor_spec *ret_spec, char *ret_text,
                                       size_t size);

#endif
