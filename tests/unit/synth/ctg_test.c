/* The synthetic labour: the same bytes however it is read, within the wire's values, and each scene
 * is what its name says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dsp/synth/ctg.h"

enum { HZ = 4, CHANNELS = 4, HOUR = 3600 * HZ };

struct told {
    size_t n, movements, decels, losses;
    uint64_t last;
    bool in_order;
};

static void on_event(void *user, uint64_t sample, int fetus, const char *code)
{
    struct told *t = user;
    t->in_order &= sample >= t->last && fetus >= -1 && fetus < XW_SYNTH_FETUSES_MAX;
    t->last = sample;
    t->n++;
    t->movements += !strcmp(code, "movement");
    t->losses += !strcmp(code, "loss");
    t->decels += (!strcmp(code, "late") || !strcmp(code, "variable")) && fetus >= 0;
}

static struct xw_synth_ctg *labour(uint64_t seed, unsigned fetuses_n, const char *scene,
                                   struct told *told)
{
    struct xw_synth_ctg *ctg = NULL;
    const struct xw_synth_ctg_config config = {.rate_num = HZ,
                                               .rate_den = 1,
                                               .seed = seed,
                                               .fetuses_n = fetuses_n,
                                               .on_event = told ? on_event : NULL,
                                               .user = told};
    if (told)
        *told = (struct told){.in_order = true};
    assert_int_equal(xw_synth_ctg_new(&config, &ctg), 0);
    assert_int_equal(xw_synth_ctg_set_scene(ctg, scene), 0);
    return ctg;
}

static void reads_of_any_size_give_the_same_bytes(void **state)
{
    (void)state;
    static int32_t whole[HOUR * 6], cut[HOUR * 6];
    struct told a, b;
    struct xw_synth_ctg *ctg = labour(5, 3, "poor", &a);
    xw_synth_ctg_read(ctg, whole, HOUR);
    xw_synth_ctg_free(ctg);
    ctg = labour(5, 3, "poor", &b);
    unsigned random = 3;
    for (size_t at = 0; at < HOUR;) {
        size_t n = 1 + (size_t)rand_r(&random) % 300;
        n = n < HOUR - at ? n : HOUR - at;
        xw_synth_ctg_read(ctg, cut + at * 6, n);
        at += n;
    }
    xw_synth_ctg_free(ctg);
    assert_memory_equal(whole, cut, sizeof(whole));
    assert_true(a.n == b.n && a.in_order && b.in_order && a.n > 50);
}

static void values_stay_within_what_the_wire_means(void **state)
{
    (void)state;
    static int32_t x[HOUR * 6];
    const char *scene;
    for (unsigned i = 0; (scene = xw_synth_ctg_scene_name(i)); i++) {
        struct xw_synth_ctg *ctg = labour(i, 3, scene, NULL);
        assert_int_equal(xw_synth_ctg_channels(ctg), 6);
        assert_string_equal(xw_synth_ctg_code(ctg, 3), "MHR");
        assert_null(xw_synth_ctg_code(ctg, 6));
        xw_synth_ctg_read(ctg, x, HOUR);
        for (size_t k = 0; k < HOUR; k++) {
            for (unsigned c = 0; c < 4; c++)
                assert_true(x[k * 6 + c] == 0 || (x[k * 6 + c] >= 200 && x[k * 6 + c] <= 960));
            assert_in_range(x[k * 6 + 4], 0, 254);
            assert_in_range(x[k * 6 + 5], 0, 65535);
        }
        xw_synth_ctg_free(ctg);
    }
}

struct shape {
    double mean, sd, lost, low;
};

static struct shape measure(const char *scene, uint64_t seed, struct told *told)
{
    static int32_t x[HOUR * CHANNELS];
    struct xw_synth_ctg *ctg = labour(seed, 1, scene, told);
    xw_synth_ctg_read(ctg, x, HOUR); /* the scene has settled after the first minutes */
    xw_synth_ctg_free(ctg);
    double sum = 0, squares = 0, n = 0, low = 300;
    for (size_t i = HOUR / 10; i < HOUR; i++) {
        double bpm = (double)x[i * CHANNELS] / XW_SYNTH_CTG_RATE_GAIN;
        if (bpm <= 0)
            continue;
        sum += bpm;
        squares += bpm * bpm;
        low = fmin(low, bpm);
        n++;
    }
    double mean = n > 0 ? sum / n : 0;
    return (struct shape){mean, n > 0 ? sqrt(squares / n - mean * mean) : 0, 1 - n / (HOUR * 0.9),
                          low};
}

static void scenes_are_what_they_are_called(void **state)
{
    (void)state;
    struct told told;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct shape normal = measure("normal", seed, &told);
        assert_true(normal.mean > 115 && normal.mean < 165 && normal.lost < 0.1);
        assert_true(told.movements > 8);
        assert_true(measure("tachy", seed, NULL).mean > normal.mean + 20);
        assert_true(measure("brady", seed, NULL).mean < normal.mean - 20);
        assert_true(measure("silent", seed, NULL).sd < normal.sd / 2);
        assert_true(measure("late", seed, &told).low < normal.mean - 15);
        assert_in_range(told.decels, 15, 25); /* one each contraction */
        assert_true(measure("variable", seed, NULL).low < normal.mean - 35);
        assert_true(measure("loss", seed, NULL).lost > 0.99);
        struct shape poor = measure("poor", seed, &told);
        assert_true(poor.lost > 0.15 && poor.lost < 0.7 && told.losses > 50);
        assert_true(fabs(measure("halving", seed, NULL).mean - normal.mean / 2) < 5);
        assert_true(measure("maternal", seed, NULL).mean < 110);
    }
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    struct xw_synth_ctg *ctg = NULL;
    struct xw_synth_ctg_config config = {.rate_num = 4, .rate_den = 1, .fetuses_n = 4};
    assert_int_equal(xw_synth_ctg_new(&config, &ctg), -EINVAL);
    config.fetuses_n = 1;
    config.rate_num = 9;
    assert_int_equal(xw_synth_ctg_new(&config, &ctg), -EINVAL);
    config.rate_num = 4;
    assert_int_equal(xw_synth_ctg_new(&config, &ctg), 0);
    assert_int_equal(xw_synth_ctg_set_scene(ctg, "no such"), -ENOENT);
    xw_synth_ctg_free(ctg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_of_any_size_give_the_same_bytes),
        cmocka_unit_test(values_stay_within_what_the_wire_means),
        cmocka_unit_test(scenes_are_what_they_are_called),
        cmocka_unit_test(what_cannot_be_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
