/* What a reader is shown of the network: only classes that it is trusted with, with the model's
 * name and hash; nothing of a recording that it could not see. */
#include "reading/network.h"
#include "unit/ecg12/patient.h"
#include "unit/net12/made.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static struct xw_ecg12_result result;

static void read_sinus(void)
{
    struct xw_ecg12 *engine = NULL;
    struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 2});
    assert_int_equal(xw_ecg12_new(&engine), 0);
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    xw_ecg12_free(engine);
    free(p);
}

static struct xw_net12 *made(uint32_t offered)
{
    struct xw_net12_model model;
    struct xw_net12 *net = NULL;
    size_t n;
    xw_made_model(1, false, &model);
    model.offered = offered;
    uint8_t *bytes = xw_made_bytes(&model, &n);
    assert_int_equal(xw_net12_open(bytes, n, &net, NULL), 0);
    free(bytes);
    free(model.weights);
    return net;
}

static void only_classes_that_are_offered_are_proposed(void **state)
{
    (void)state;
    read_sinus();
    struct xw_net12 *net = made(1U << XW_NET12_AF | 1U << XW_NET12_LBBB);
    json_t *o = xw_reading_network_of(net, &result);
    const json_t *list = json_object_get(o, "proposals");
    assert_string_equal(json_string_value(json_object_get(o, "model")), "made 1");
    assert_string_equal(json_string_value(json_object_get(o, "sha256")), xw_net12_hash(net));
    assert_true(json_is_true(json_object_get(o, "seen")));
    assert_int_equal(json_array_size(list), 2);
    const json_t *first = json_array_get(list, 0);
    double p = json_number_value(json_object_get(first, "probability"));
    assert_string_equal(json_string_value(json_object_get(first, "class")), "AF");
    assert_true(p >= 0 && p <= 1);
    assert_int_equal(json_is_true(json_object_get(first, "said")), p >= 0.5);
    json_decref(o);
    xw_net12_free(net);
    net = made(0);
    o = xw_reading_network_of(net, &result);
    assert_int_equal(json_array_size(json_object_get(o, "proposals")), 0);
    json_decref(o);
    xw_net12_free(net);
}

static void what_was_not_seen_gets_no_proposal(void **state)
{
    (void)state;
    memset(&result, 0, sizeof(result));
    struct xw_net12 *net = made((1U << XW_NET12_CLASSES) - 1);
    json_t *o = xw_reading_network_of(net, &result);
    assert_true(json_is_false(json_object_get(o, "seen")));
    assert_int_equal(json_array_size(json_object_get(o, "proposals")), 0);
    json_decref(o);
    xw_net12_free(net);
    o = xw_reading_network(NULL, &result); /* the shipped one */
    assert_true(json_is_false(json_object_get(o, "seen")));
    json_decref(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_classes_that_are_offered_are_proposed),
        cmocka_unit_test(what_was_not_seen_gets_no_proposal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
