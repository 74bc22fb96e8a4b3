/* The trainer: its gradients are slopes of the loss, the same seed gives the same weights, nothing
 * of what is left out is looked at; its figures on examples worked out by hand. Made-up cases. */
#include "dsp/train/twelve/labels.h"
#include "dsp/train/twelve/score.h"
#include "unit/net12/made.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES = 160 };

/* Class c is there if the c-th lead stands above its level in the middle of the beat. */
static struct xw_twelve_cases make_cases(uint64_t seed)
{
    struct xw_twelve_cases cases = {CASES, calloc(CASES, sizeof(*cases.at))};
    assert_non_null(cases.at);
    for (unsigned i = 0; i < CASES; i++) {
        struct xw_twelve_case *e = &cases.at[i];
        e->number = (int)i + 1;
        e->patient = (int)i / 2; /* two of each */
        e->fold = i / 2 % XW_TWELVE_FOLDS;
        e->seen = true;
        xw_made_view(seed * 1000 + i, &e->view);
        for (unsigned k = 0; k < XW_NET12_BEAT_N * XW_NET12_LEADS; k++)
            e->view.beat_mv[k] *= 0.25F;
        for (unsigned f = 0; f < XW_NET12_FIGURES; f++)
            e->view.figures[f] = f % 5 ? 1 : NAN;
        for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
            e->known[c] = true;
            e->target[c] = xw_made_number(&seed) > 0;
            for (unsigned t = 50; t < 70; t++)
                e->view.beat_mv[t * XW_NET12_LEADS + c % XW_NET12_LEADS] += e->target[c] ? 1 : 0;
        }
    }
    return cases;
}

static void small_recipe(struct xw_twelve_recipe *r)
{
    xw_twelve_recipe_net(r);
    r->epochs_n = 4;
    r->shape = (struct xw_net12_shape){.convs_n = 2, .segments_n = 3, .hidden_n = 8};
    r->shape.conv[0] = (struct xw_net12_conv){.out_n = 6, .width = 5, .stride = 3};
    r->shape.conv[1] = (struct xw_net12_conv){.out_n = 6, .width = 3, .stride = 2};
    assert_null(xw_net12_shape_complete(&r->shape));
}

static double loss_of(const struct xw_net12_shape *s, const float *w, const struct xw_net12_view *v,
                      const float *z, const struct xw_twelve_case *truth, float *work)
{
    float logits[XW_NET12_CLASSES];
    double loss = 0;
    xw_net12_forward(s, w, v->beat_mv, z, work, logits);
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++)
        if (truth->known[c])
            loss += log1p(exp((double)(truth->target[c] ? -logits[c] : logits[c])));
    return loss;
}

static void gradients_are_the_slopes_of_the_loss(void **state)
{
    (void)state;
    struct xw_net12_model m;
    struct xw_twelve_case truth = {.seen = true};
    static float mean[XW_NET12_FIGURES], ones[XW_NET12_FIGURES], z[XW_NET12_FIGURES];
    xw_made_model(11, false, &m);
    xw_made_view(3, &truth.view);
    for (unsigned f = 0; f < XW_NET12_FIGURES; f++)
        ones[f] = 0.2F;
    xw_net12_scale(truth.view.figures, mean, ones, z);
    for (unsigned c = 0; c < XW_NET12_CLASSES; c++) {
        truth.known[c] = c != 3;
        truth.target[c] = c % 2;
    }
    unsigned n = m.shape.weights_n;
    float *room = calloc(2 * (size_t)n + 2 * (size_t)m.shape.work_n, sizeof(*room));
    assert_non_null(room);
    float *gradient = room, *turned = room + n, *work = turned + n, *back = work + m.shape.work_n;
    xw_twelve_turn(&m.shape, m.weights, turned);
    double loss = xw_twelve_gradient(&m.shape, m.weights, turned, truth.view.beat_mv, z, &truth,
                                     work, back, gradient);
    assert_true(fabs(loss - loss_of(&m.shape, m.weights, &truth.view, z, &truth, work)) < 1e-4);
    unsigned off = 0;
    for (unsigned i = 0; i < n; i += i < m.shape.hidden_at ? 3 : 7) {
        const float reach = 4e-3F;
        float keep = m.weights[i];
        m.weights[i] = keep + reach;
        double above = loss_of(&m.shape, m.weights, &truth.view, z, &truth, work);
        m.weights[i] = keep - reach;
        double below = loss_of(&m.shape, m.weights, &truth.view, z, &truth, work);
        m.weights[i] = keep;
        double slope = (above - below) / (2 * (double)reach);
        off += fabs(slope - (double)gradient[i]) > 0.01 + 0.02 * fabs(slope);
    }
    assert_true(off <= 3); /* where a unit bends within the reach */
    free(room);
    free(m.weights);
}

static void what_is_left_out_changes_nothing_and_a_seed_gives_the_same_model(void **state)
{
    (void)state;
    struct xw_twelve_recipe recipe;
    struct xw_twelve_cases cases = make_cases(5);
    struct xw_net12_model model;
    uint8_t *bytes[3];
    size_t n[3];
    small_recipe(&recipe);
    recipe.epochs_n = 1;
    for (unsigned k = 0; k < 3; k++) {
        assert_int_equal(xw_twelve_make(&recipe, &cases, 2, &model), 0);
        assert_int_equal(model.members_n, XW_TWELVE_FOLDS - 1);
        assert_int_equal(xw_twelve_pack(&model, &bytes[k], &n[k]), 0);
        free(model.weights);
        for (unsigned i = 0; i < CASES && k == 1; i++)
            if (cases.at[i].fold == 2) {
                xw_made_view(99 + i, &cases.at[i].view);
                memset(cases.at[i].target, i % 3 == 0, sizeof(cases.at[i].target));
            }
    }
    for (unsigned k = 1; k < 3; k++) {
        assert_int_equal(n[0], n[k]);
        assert_memory_equal(bytes[0], bytes[k], n[0]);
    }
    for (unsigned k = 0; k < 3; k++)
        free(bytes[k]);
    xw_twelve_cases_done(&cases);
}

static void a_shape_in_the_beat_is_learned(void **state)
{
    (void)state;
    struct xw_twelve_recipe recipe;
    struct xw_twelve_cases cases = make_cases(6);
    static float mean[XW_NET12_FIGURES], scale[XW_NET12_FIGURES];
    static struct xw_twelve_verdict said[CASES];
    float z[XW_NET12_FIGURES];
    small_recipe(&recipe);
    recipe.epochs_n = 30;
    recipe.rate = 0.01F;
    float *weights = calloc(recipe.shape.weights_n + recipe.shape.work_n, sizeof(*weights));
    assert_non_null(weights);
    xw_twelve_measure(&cases, 0, mean, scale);
    assert_int_equal(xw_twelve_learn(&recipe, &cases, 0, 1, mean, scale, 8, weights), 0);
    for (unsigned i = 0; i < CASES; i++) {
        cases.at[i].seen = cases.at[i].fold == 0; /* judged alone */
        xw_net12_scale(cases.at[i].view.figures, mean, scale, z);
        xw_net12_forward(&recipe.shape, weights, cases.at[i].view.beat_mv, z,
                         weights + recipe.shape.weights_n, said[i].logit);
    }
    uint8_t *draws = xw_twelve_draws(&cases, 1);
    assert_non_null(draws);
    struct xw_twelve_figure area = xw_twelve_auc(&cases, draws, said, 2); /* V1, its alone */
    printf("area %.3f\n", area.value);
    assert_true(area.value > 0.9);
    free(draws);
    free(weights);
    xw_twelve_cases_done(&cases);
}

static void areas_f1_and_draws_are_those_worked_out_by_hand(void **state)
{
    (void)state;
    struct xw_twelve_cases cases = make_cases(1);
    static struct xw_twelve_verdict v[CASES], other[CASES];
    static const float LOGIT[6] = {1, 2, 3, 3, 4, 5};
    static const bool TARGET[6] = {false, true, false, true, true, false};
    for (unsigned i = 0; i < CASES; i++) {
        cases.at[i].known[7] = i < 6;
        cases.at[i].target[7] = i < 6 && TARGET[i];
        v[i].logit[7] = i < 6 ? LOGIT[i] : 0;
        v[i].said[7] = i >= 2;
        other[i].said[7] = i < 6 && TARGET[i];
    }
    uint8_t *draws = xw_twelve_draws(&cases, 3);
    assert_non_null(draws);
    /* pairs in order: 2>1; 3>1, 3=3; 4>1, 4>3 = 4.5 of 9 */
    assert_true(fabs(xw_twelve_auc(&cases, draws, v, 7).value - 0.5) < 1e-12);
    /* said 4 of the six, right 2, true 3 */
    assert_true(fabs(xw_twelve_f1(&cases, draws, v, 7).value - 4.0 / 7) < 1e-12);
    struct xw_twelve_figure gain = xw_twelve_f1_gain(&cases, draws, other, v, 7);
    assert_true(fabs(gain.value - 3.0 / 7) < 1e-12);
    assert_true(gain.low <= gain.value && gain.value <= gain.high);
    for (unsigned d = 0; d <= XW_TWELVE_DRAWS; d++) {
        unsigned total = 0;
        for (unsigned i = 0; i < CASES; i += 2) {
            assert_int_equal(draws[d * CASES + i], draws[d * CASES + i + 1]); /* one patient */
            total += draws[d * CASES + i];
        }
        assert_int_equal(total, CASES / 2);
    }
    free(draws);
    xw_twelve_cases_done(&cases);
}

static void calibration_finds_slope_and_offset_and_the_limit_the_best_f1(void **state)
{
    (void)state;
    enum { N = 4000 };
    static float logit[N], probability[N];
    static bool target[N];
    uint64_t random = 17;
    for (unsigned i = 0; i < N; i++) {
        logit[i] = 4 * xw_made_number(&random);
        probability[i] = 1 / (1 + expf(-(0.5F * logit[i] - 1)));
        target[i] = xw_twelve_uniform(&random) < (double)probability[i];
    }
    float slope, offset;
    xw_twelve_calibrate(logit, target, N, &slope, &offset);
    printf("slope %.3f, offset %.3f\n", (double)slope, (double)offset);
    assert_true(fabsf(slope - 0.5F) < 0.06F && fabsf(offset + 1) < 0.12F);
    const float four[4] = {0.9F, 0.7F, 0.4F, 0.1F};
    const bool true_of_four[4] = {true, true, false, false};
    float limit = xw_twelve_limit(four, true_of_four, 4);
    assert_true(limit > 0.4F && limit < 0.7F);
    memset(target, 0, sizeof(target));
    xw_twelve_calibrate(logit, target, N, &slope, &offset); /* none there: rare, finite */
    assert_true(isfinite(slope) && isfinite(offset));
    assert_true(xw_twelve_limit(probability, target, N) > 0);
}

static void reliability_bins_hold_what_was_said_and_found(void **state)
{
    (void)state;
    struct xw_twelve_cases cases = make_cases(2);
    static struct xw_twelve_verdict v[CASES];
    for (unsigned i = 0; i < CASES; i++) {
        v[i].probability[0] = i % 2 ? 0.1F : 1.0F;
        cases.at[i].target[0] = i % 4 == 0;
    }
    struct xw_twelve_reliability t;
    xw_twelve_reliability(&cases, v, 0, &t);
    assert_int_equal(t.n[0], CASES / 2);
    assert_int_equal(t.n[XW_TWELVE_BINS - 1], CASES / 2);
    assert_true(fabs(t.found[XW_TWELVE_BINS - 1] - 0.5) < 1e-9);
    assert_true(fabs(t.error - (0.5 * 0.1 + 0.5 * 0.5)) < 1e-6);
    xw_twelve_cases_done(&cases);
}

static void labels_are_read_with_quotes_and_any_certainty(void **state)
{
    (void)state;
    struct xw_twelve_codes codes = {.n = 2, .at = {{"IMI", XW_NET12_MI}, {"CRBBB", XW_NET12_CD}}};
    struct xw_twelve_case e;
    char line[] =
        "269,2282.0,87.0,1,\"{'IMI': 100.0, 'CRBBB': 0.0, 'SR': 0.0}\",LAD,\"a, b\",,8,,x\n";
    assert_true(xw_twelve_label(&codes, line, &e));
    assert_int_equal(e.number, 269);
    assert_int_equal(e.patient, 2282);
    assert_true(e.age_years > 86.9F && e.age_years < 87.1F);
    assert_int_equal(e.sex, XW_ECG12_FEMALE);
    assert_int_equal(e.fold, 7);
    assert_true(e.target[XW_NET12_MI] && e.target[XW_NET12_CD] && e.target[XW_NET12_RBBB]);
    assert_false(e.target[XW_NET12_NORM] || e.target[XW_NET12_AF]);
    assert_true(e.known[XW_NET12_NORM]);
    char rhythm[] = "7,1,60,0,{'AFIB': 0.0},,,,1\n";
    assert_true(xw_twelve_label(&codes, rhythm, &e));
    assert_true(e.target[XW_NET12_AF] && e.known[XW_NET12_AF]);
    assert_false(e.known[XW_NET12_NORM]); /* no diagnosis: superclasses are not known */
    char *bad[] = {strdup("ecg_id,patient_id,age,sex,scp_codes,a,b,c,strat_fold\n"),
                   strdup("7,1,60,0,{},,,,9\n"), strdup("7,1\n"), strdup("\n")};
    for (unsigned k = 0; k < 4; k++) {
        assert_false(xw_twelve_label(&codes, bad[k], &e));
        free(bad[k]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gradients_are_the_slopes_of_the_loss),
        cmocka_unit_test(what_is_left_out_changes_nothing_and_a_seed_gives_the_same_model),
        cmocka_unit_test(a_shape_in_the_beat_is_learned),
        cmocka_unit_test(areas_f1_and_draws_are_those_worked_out_by_hand),
        cmocka_unit_test(calibration_finds_slope_and_offset_and_the_limit_the_best_f1),
        cmocka_unit_test(reliability_bins_hold_what_was_said_and_found),
        cmocka_unit_test(labels_are_read_with_quotes_and_any_certainty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
