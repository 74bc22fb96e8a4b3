/* Display filters against the golden vectors (the browser's filters read the same files), and what
 * a reader may expect of them. */
#include "dsp/ecg/display.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char FOLDER[] = "tests/golden/dsp";

static void check_file(const char *path)
{
    char line[256], *end;
    double parameter[4], largest = 0;
    struct xw_ecg_display_design design;
    struct xw_ecg_display filter;
    size_t samples_n = 0;
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof(line), file) && line[0] == '#')
        continue;
    char *p = line;
    for (unsigned i = 0; i < 4; i++, p = end)
        parameter[i] = strtod(p, &end);
    assert_int_equal(
        xw_ecg_display_make(parameter[0], parameter[1], parameter[2], parameter[3], &design), 0);
    xw_ecg_display_init(&filter, &design);
    while (fgets(line, sizeof(line), file)) {
        double x = strtod(line, &end), expected = strtod(end, NULL);
        largest = fmax(largest, fabs(xw_ecg_display_process(&filter, x) - expected));
        samples_n++;
    }
    fclose(file);
    printf("%s: %zu samples, largest difference %.4f uV\n", path, samples_n, largest);
    assert_true(samples_n > 200);
    assert_true(largest < 1);
}

static void golden_vectors_hold_within_1_uv(void **state)
{
    (void)state;
    unsigned files_n = 0;
    DIR *dir = opendir(FOLDER);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char path[512];
        if (strncmp(e->d_name, "display-", 8) != 0)
            continue;
        snprintf(path, sizeof(path), "%s/%s", FOLDER, e->d_name);
        check_file(path);
        files_n++;
    }
    closedir(dir);
    assert_true(files_n >= 8);
}

/* Peak-to-peak output over gain of a sine after settling. */
static double gain_at(double rate, double high, double low, double hz)
{
    struct xw_ecg_display_design design;
    struct xw_ecg_display filter;
    double top = 0;
    assert_int_equal(xw_ecg_display_make(rate, high, low, 0, &design), 0);
    xw_ecg_display_init(&filter, &design);
    for (size_t i = 0; i < (size_t)(40 * rate); i++) {
        double y = xw_ecg_display_process(&filter, 1000 * sin(2 * M_PI * hz * (double)i / rate));
        if (i > (size_t)(30 * rate))
            top = fmax(top, fabs(y));
    }
    return top / 1000;
}

static void corners_lie_at_3_db(void **state)
{
    (void)state;
    assert_float_equal(gain_at(500, 0, 40, 40), M_SQRT1_2, 0.01);
    assert_float_equal(gain_at(1000, 0, 150, 150), M_SQRT1_2, 0.01);
    assert_float_equal(gain_at(500, 0.5, 0, 0.5), M_SQRT1_2, 0.01);
    assert_true(gain_at(500, 0.05, 150, 10) > 0.99);
}

/* IEC 60601-2-25: after 300 µV s the trace is within 100 µV and sloping less than 300 µV/s. */
static void the_diagnostic_band_passes_the_impulse_test(void **state)
{
    (void)state;
    struct xw_ecg_display_design design;
    struct xw_ecg_display filter;
    assert_int_equal(xw_ecg_display_make(500, 0.05, 150, 0, &design), 0);
    xw_ecg_display_init(&filter, &design);
    double last = 0;
    for (int i = 0; i < 1000; i++) {
        double y = xw_ecg_display_process(&filter, i >= 100 && i < 150 ? 3000 : 0);
        if (i > 200) { /* the low pass itself has died away */
            assert_true(fabs(y) <= 100);
            assert_true(fabs(y - last) * 500 <= 300);
        }
        last = y;
    }
}

static void wrong_designs_are_refused(void **state)
{
    (void)state;
    struct xw_ecg_display_design design;
    assert_true(xw_ecg_display_make(99, 0, 0, 0, &design) < 0);
    assert_true(xw_ecg_display_make(1001, 0, 0, 0, &design) < 0);
    assert_true(xw_ecg_display_make(500, -1, 0, 0, &design) < 0);
    assert_true(xw_ecg_display_make(500, 0, 0, 55, &design) < 0);
    assert_true(xw_ecg_display_make((double)NAN, 0, 0, 0, &design) < 0);
    assert_int_equal(xw_ecg_display_make(100, 0, 150, 50, &design), 0);
    assert_int_equal(design.sections_n, 0);
    assert_int_equal(design.period_n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_vectors_hold_within_1_uv),
        cmocka_unit_test(corners_lie_at_3_db),
        cmocka_unit_test(the_diagnostic_band_passes_the_impulse_test),
        cmocka_unit_test(wrong_designs_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
