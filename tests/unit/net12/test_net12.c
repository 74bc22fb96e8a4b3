/* The network at work: the same bits everywhere, no allocation, nothing said about what was not
 * seen. XW_GOLDEN_WRITE=1 writes tests/golden/net12/logits.txt anew (after a new model only). */
#include "unit/dsp/allocations.h"
#include "unit/ecg12/patient.h"
#include "unit/net12/made.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char GOLDEN[] = "tests/golden/net12/logits.txt";
static struct xw_ecg12 *engine;
static struct xw_ecg12_result result;
static struct xw_net12 *shipped;

static int setup(void **state)
{
    (void)state;
    return xw_ecg12_new(&engine) < 0 || xw_net12_open_shipped(&shipped) < 0;
}

static int teardown(void **state)
{
    (void)state;
    xw_ecg12_free(engine);
    xw_net12_free(shipped);
    return 0;
}

static struct xw_net12 *open_made(uint64_t seed, bool plain)
{
    struct xw_net12_model model;
    struct xw_net12 *net = NULL;
    size_t n;
    xw_made_model(seed, plain, &model);
    uint8_t *bytes = xw_made_bytes(&model, &n);
    assert_int_equal(xw_net12_open(bytes, n, &net, NULL), 0);
    free(bytes);
    free(model.weights);
    return net;
}

/* One line: model, its hash, the seed of the view, the bits of its logits. */
static void describe(struct xw_net12 *net, uint64_t seed, char *line, size_t line_n)
{
    struct xw_net12_view view;
    struct xw_net12_output out;
    xw_made_view(seed, &view);
    xw_net12_judge(net, &view, &out);
    size_t at = (size_t)snprintf(line, line_n, "%s %.16s view %u:", xw_net12_id(net),
                                 xw_net12_hash(net), (unsigned)seed);
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        uint32_t bits;
        memcpy(&bits, &out.logit[c], sizeof(bits));
        at += (size_t)snprintf(line + at, line_n - at, " %08x", bits);
    }
    snprintf(line + at, line_n - at, "\n");
}

static void logits_are_the_same_bits_on_every_machine_and_compiler(void **state)
{
    (void)state;
    struct xw_net12 *net[3] = {open_made(1, false), open_made(2, true), shipped};
    bool anew = getenv("XW_GOLDEN_WRITE") != NULL;
    FILE *file = fopen(GOLDEN, anew ? "w" : "r");
    assert_non_null(file);
    for (unsigned k = 0; k < 3; k++)
        for (uint64_t seed = 1; seed <= 4; seed++) {
            char line[300], kept[300] = "";
            describe(net[k], seed, line, sizeof(line));
            if (anew) {
                fputs(line, file);
                continue;
            }
            assert_non_null(fgets(kept, sizeof(kept), file));
            assert_string_equal(line, kept);
        }
    fclose(file);
    xw_net12_free(net[0]);
    xw_net12_free(net[1]);
}

static void a_call_allocates_nothing(void **state)
{
    (void)state;
    if (!xw_allocations_can_count())
        skip();
    struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 1});
    struct xw_net12_output out;
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    xw_allocations_begin();
    int said = xw_net12_run(shipped, &result, &out);
    uint64_t calls_n = xw_allocations_end();
    assert_int_equal(said, 0);
    assert_int_equal(calls_n, 0);
    free(p);
}

static void the_same_recording_gets_the_same_answer_whatever_was_judged_before(void **state)
{
    (void)state;
    struct xw_net12_output first, again, other;
    struct xw_net12_view view, strange;
    xw_made_view(5, &view);
    xw_made_view(6, &strange);
    xw_net12_judge(shipped, &view, &first);
    xw_net12_judge(shipped, &strange, &other);
    xw_net12_judge(shipped, &view, &again);
    assert_memory_equal(first.logit, again.logit, sizeof(first.logit));
    assert_memory_equal(first.probability, again.probability, sizeof(first.probability));
}

static void a_twin_judges_the_same_with_borrowed_weights(void **state)
{
    (void)state;
    struct xw_net12 *net = open_made(5, false), *twin = NULL;
    struct xw_net12_view view, other;
    struct xw_net12_output one = {0}, two = {0}, disturbed;
    assert_int_equal(xw_net12_twin(net, &twin), 0);
    xw_made_view(11, &view);
    xw_made_view(12, &other);
    xw_net12_judge(net, &view, &one);
    xw_net12_judge(net, &other, &disturbed);
    xw_net12_judge(twin, &view, &two);
    assert_memory_equal(&one, &two, sizeof(one));
    assert_string_equal(xw_net12_hash(net), xw_net12_hash(twin));
    xw_net12_free(twin);
    xw_net12_judge(net, &view, &two);
    assert_memory_equal(&one, &two, sizeof(one));
    xw_net12_free(net);
}

static void assert_not_looked_at(const struct xw_patient *p)
{
    struct xw_net12_output out;
    memset(&out, 0x5a, sizeof(out));
    struct xw_net12_output before = out;
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    assert_int_equal(xw_net12_run(shipped, &result, &out), -ENODATA);
    assert_memory_equal(out.logit, before.logit, sizeof(out.logit));
}

static void leads_that_are_missing_or_unfit_are_not_guessed(void **state)
{
    (void)state;
    static const enum xw_ecg_lead EIGHT[] = {XW_ECG_LEAD_I,  XW_ECG_LEAD_II, XW_ECG_LEAD_V1,
                                             XW_ECG_LEAD_V2, XW_ECG_LEAD_V3, XW_ECG_LEAD_V4,
                                             XW_ECG_LEAD_V5, XW_ECG_LEAD_V6};
    struct xw_net12_output out;
    for (unsigned n = 1; n <= 8; n++) {
        struct xw_patient *p =
            xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 3});
        xw_patient_keep(p, EIGHT, n);
        if (n < 8) {
            assert_not_looked_at(p);
        } else { /* the other four follow from two */
            assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
            assert_int_equal(xw_net12_run(shipped, &result, &out), 0);
        }
        free(p);
    }
    struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 3});
    int row = xw_patient_row(p, XW_ECG_LEAD_V3);
    memset(p->uv[row], 0, sizeof(p->uv[row]));
    assert_not_looked_at(p);
    for (unsigned l = 0; l < p->input.channels_n; l++)
        memset(p->uv[l], 0, sizeof(p->uv[l]));
    assert_not_looked_at(p);
    free(p);
}

static void a_result_of_nothing_is_not_looked_at(void **state)
{
    (void)state;
    struct xw_net12_output out;
    memset(&result, 0, sizeof(result));
    assert_int_equal(xw_net12_run(shipped, &result, &out), -ENODATA);
    result.verdict = XW_ECG12_ACCEPTABLE;
    assert_int_equal(xw_net12_run(shipped, &result, &out), -ENODATA);
}

static void whatever_is_seen_probabilities_stay_between_0_and_1(void **state)
{
    (void)state;
    static const float WILD[] = {NAN, INFINITY, -INFINITY, 1e38F, -1e38F, 1e-40F};
    struct xw_net12_view view;
    struct xw_net12_output out;
    uint64_t random = 7;
    for (unsigned round = 0; round < 50; round++) {
        xw_made_view(round + 1, &view);
        for (unsigned k = 0; k < 40; k++) {
            unsigned f = (unsigned)((xw_made_number(&random) + 1) / 2 * XW_NET12_FIGURES);
            view.figures[f] = WILD[k % 6];
        }
        xw_net12_judge(shipped, &view, &out);
        for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
            assert_true(isfinite(out.logit[c]));
            assert_true(out.probability[c] >= 0 && out.probability[c] <= 1);
            assert_int_equal(out.yes[c],
                             out.probability[c] >= xw_net12_limit(shipped, (enum xw_net12_class)c));
        }
    }
}

static void a_patients_ten_seconds_make_the_view_of_its_median_beat(void **state)
{
    (void)state;
    struct xw_patient *p = xw_patient_new(&(struct xw_patient_wish){.scene = "sinus", .seed = 9});
    struct xw_net12_view view;
    assert_int_equal(xw_ecg12_read(engine, &p->input, &result), 0);
    assert_int_equal(xw_net12_look(&result, &view), 0);
    unsigned l = 0;
    while (result.leads[l].lead != XW_ECG_LEAD_V5)
        l++;
    float sum = 0;
    for (int k = -2; k <= 2; k++)
        sum += result.median_uv[l][XW_ECG12_MEDIAN_R + k];
    float seen = view.beat_mv[40 * XW_NET12_LEADS + 6]; /* V5 */
    assert_true(fabsf(seen - sum / 5000) < 1e-5F);
    assert_true(fabsf(view.figures[0] - result.hr_bpm) < 1e-3F);
    free(p);
}

static void the_shipped_model_names_itself_and_keeps_its_limits(void **state)
{
    (void)state;
    assert_true(strlen(xw_net12_id(shipped)) > 0);
    assert_int_equal(strlen(xw_net12_hash(shipped)), 64);
    assert_true(xw_net12_parameters(shipped) <= XW_NET12_PARAMETERS_MAX);
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        float limit = xw_net12_limit(shipped, (enum xw_net12_class)c);
        assert_true(limit > 0 && limit < 1);
        assert_non_null(xw_net12_class_name((enum xw_net12_class)c));
    }
    assert_null(xw_net12_class_name(XW_NET12_CLASSES));
    assert_false(xw_net12_offered(shipped, XW_NET12_CLASSES));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logits_are_the_same_bits_on_every_machine_and_compiler),
        cmocka_unit_test(a_call_allocates_nothing),
        cmocka_unit_test(the_same_recording_gets_the_same_answer_whatever_was_judged_before),
        cmocka_unit_test(a_twin_judges_the_same_with_borrowed_weights),
        cmocka_unit_test(leads_that_are_missing_or_unfit_are_not_guessed),
        cmocka_unit_test(a_result_of_nothing_is_not_looked_at),
        cmocka_unit_test(whatever_is_seen_probabilities_stay_between_0_and_1),
        cmocka_unit_test(a_patients_ten_seconds_make_the_view_of_its_median_beat),
        cmocka_unit_test(the_shipped_model_names_itself_and_keeps_its_limits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
