/* Where gateways listen, as the user writes it: HOST:PORT, or a comma list of them.
 *
 * Threads: any. Errors: -EINVAL. */
#ifndef XW_SIM_GATEWAY_H
#define XW_SIM_GATEWAY_H

#include "base/base.h"

enum { XW_SIM_HOST_BYTES = 64 };

XW_MUST_CHECK int xw_sim_gateway_parse(const char *text, char ret_host[XW_SIM_HOST_BYTES],
                                       uint16_t *ret_port);
/* The next of the list, round and round; *at begins as the list. ret_text: a sentence. */
XW_MUST_CHECK int xw_sim_gateway_next(const char *list, const char **at,
                                      char ret_host[XW_SIM_HOST_BYTES], uint16_t *ret_port,
                                      char *ret_text, size_t size);

#endif
