/* What the 12-lead network proposes, as JSON: the model's name and hash, whether it could see
 * enough, and one proposal for each class that it is trusted with (dsp/net12/README.md); a
 * proposal never is a statement. The caller owns the value; NULL without memory. Threads: shared is
 * only read. */
#ifndef XW_READING_NETWORK_H
#define XW_READING_NETWORK_H

#include "dsp/net12/net12.h"

#include <jansson.h>

/* shared: the model to use; NULL: the shipped one is opened for this call. */
json_t *xw_reading_network(const struct xw_net12 *shared, const struct xw_ecg12_result *result);
/* The same of another model. */
json_t *xw_reading_network_of(struct xw_net12 *net, const struct xw_ecg12_result *result);

#endif
