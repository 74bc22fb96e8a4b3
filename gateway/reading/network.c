/* Proposals of dsp/net12. */
#include "reading/network.h"

#include <math.h>

static json_t *proposal(const struct xw_net12 *net, const struct xw_net12_output *said,
                        enum xw_net12_class class)
{
    double probability = round((double)said->probability[class] * 1000) / 1000;
    json_t *o = json_object();
    json_object_set_new(o, "class", json_string(xw_net12_class_name(class)));
    json_object_set_new(o, "probability", json_real(probability));
    json_object_set_new(o, "limit",
                        json_real(round((double)xw_net12_limit(net, class) * 1000) / 1000));
    json_object_set_new(o, "said", json_boolean(said->yes[class]));
    return o;
}

json_t *xw_reading_network_of(struct xw_net12 *net, const struct xw_ecg12_result *result)
{
    struct xw_net12_output said;
    bool seen = xw_net12_run(net, result, &said) == 0;
    json_t *o = json_object(), *list = json_array();
    json_object_set_new(o, "model", json_string(xw_net12_id(net)));
    json_object_set_new(o, "sha256", json_string(xw_net12_hash(net)));
    json_object_set_new(o, "seen", json_boolean(seen));
    for (unsigned c = 0; c < XW_NET12_CLASSES && seen; c++)
        if (xw_net12_offered(net, (enum xw_net12_class)c))
            json_array_append_new(list, proposal(net, &said, (enum xw_net12_class)c));
    json_object_set_new(o, "proposals", list);
    return o;
}

json_t *xw_reading_network(const struct xw_net12 *shared, const struct xw_ecg12_result *result)
{
    struct xw_net12 *net = NULL;
    if ((shared ? xw_net12_twin(shared, &net) : xw_net12_open_shipped(&net)) < 0)
        return NULL;
    json_t *o = xw_reading_network_of(net, result);
    xw_net12_free(net);
    return o;
}
