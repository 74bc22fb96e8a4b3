/* The same ECG in three formats: samples, what the vendor measured, what we measure; every other
 * sample's stored measurements beside ours; and how long a file takes. XW_DATA names the unpacked
 * recordings; exit 77 without them. */
#include "bench/dsp/print.h"
#include "bench/formats/measured.h"
#include "unit/formats/made.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char *const TRIPLE[] = {"scp", "dcm", "xml"};

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static struct xw_formats_recording *open_sample(const char *folder, const char *name)
{
    char path[1024];
    struct xw_formats_recording *r = NULL;
    struct xw_formats_error e = {{0}, {0}};
    snprintf(path, sizeof(path), "%s/formats/%s", folder, name);
    if (xw_formats_open(path, 0, &r, &e) < 0)
        fprintf(stderr, "%s: %s %s\n", name, e.where, e.text);
    return r;
}

/* The largest difference of a measurement that two of the files state, in its own unit. */
static double measures_apart(struct xw_formats_recording *const *files)
{
    double worst = 0;
    for (int code = 0; code < XW_FORMATS_MEASURES_N; code++) {
        for (int a = 0; a < 3; a++) {
            for (int b = a + 1; b < 3; b++) {
                double x;
                double y;
                if (!xw_formats_find_measure(files[a], (enum xw_formats_measure_code)code, &x) ||
                    !xw_formats_find_measure(files[b], (enum xw_formats_measure_code)code, &y))
                    continue;
                fprintf(stderr, "%s: %s %g, %s %g\n",
                        xw_formats_measure_name((enum xw_formats_measure_code)code), TRIPLE[a], x,
                        TRIPLE[b], y);
                worst = fmax(worst, fabs(x - y));
            }
        }
    }
    return worst;
}

/* What we measure of the three; below 0: one of them cannot be read as an ECG. */
static double read_apart(struct xw_formats_recording *const *files)
{
    struct xw_ecg12 *engine = NULL;
    struct xw_ecg12_result *r = calloc(3, sizeof(*r));
    double worst = 0;
    if (!r || xw_ecg12_new(&engine) < 0)
        worst = -1;
    for (int i = 0; i < 3 && worst >= 0; i++) {
        if (measured_read(files[i], engine, &r[i]) < 0)
            worst = -1;
        else if (i)
            worst = fmax(worst, measured_apart(&r[0], &r[i]));
    }
    xw_ecg12_free(engine);
    free(r);
    return worst;
}

/* The largest difference to the vendor's intervals of the whole recording is for a reader of
 * stderr: programs differ, and nobody measured these by hand. */
static void vendors(const char *folder)
{
    static const char *const FILES[] = {"triple/Example.xml",
                                        "scp/demo.scp",
                                        "scp/62.SCP",
                                        "scp/0000050.ECG.scp",
                                        "aecg/hl7aecg-Example2.xml",
                                        "dicom/waveform_ecg.dcm",
                                        "muse/example1.xml",
                                        "muse/example2.xml",
                                        "philips-sierra/3191723_ZZDEMOPTONLY_1-04_orig.xml",
                                        "philips-sierra/ad4d3d80-d165_1-04_orig.xml"};
    struct xw_ecg12 *engine = NULL;
    struct xw_ecg12_result *r = calloc(1, sizeof(*r));
    unsigned compared = 0;
    if (r && xw_ecg12_new(&engine) >= 0) {
        for (size_t i = 0; i < sizeof(FILES) / sizeof(*FILES); i++) {
            struct xw_formats_recording *file = open_sample(folder, FILES[i]);
            if (file && measured_read(file, engine, r) >= 0)
                compared += measured_beside(FILES[i], file, r);
            else
                fprintf(stderr, "%s: not ten seconds of an ECG\n", FILES[i]);
            xw_formats_free(file);
        }
    }
    xw_bench_print("formats_vendor_measures_compared", compared, "1", NULL, 0);
    xw_ecg12_free(engine);
    free(r);
}

static int triple(const char *folder)
{
    struct xw_formats_recording *files[3] = {NULL};
    double worst = 0;
    for (int i = 0; i < 3; i++) {
        char name[64];
        snprintf(name, sizeof(name), "triple/Example.%s", TRIPLE[i]);
        files[i] = open_sample(folder, name);
        if (!files[i])
            return 1;
    }
    for (int i = 1; i < 3; i++) {
        double d = made_difference_uv(files[0], files[i]);
        worst = !(d >= 0) || worst < 0 ? -1 : fmax(worst, d); /* a NAN is a failure too */
    }
    xw_bench_print("triple_max_diff_uv", worst, "uV", NULL, 0);
    xw_bench_print("triple_measure_max_diff", measures_apart(files), "ms or deg", NULL, 0);
    double read = read_apart(files);
    xw_bench_print("triple_reading_max_diff", read, "ms, deg or uV", NULL, 0);
    for (int i = 0; i < 3; i++)
        xw_formats_free(files[i]);
    return worst < 0 || !(read >= 0);
}

static void timing(const char *folder, const char *name, const char *metric)
{
    int n = 0;
    double start = now_ms();
    double spent = 0;
    for (; spent < 200 || n < 5; n++, spent = now_ms() - start) {
        struct xw_formats_recording *r = open_sample(folder, name);
        if (!r)
            return;
        xw_formats_free(r);
    }
    xw_bench_print(metric, spent / n, "ms", NULL, 0);
}

int main(void)
{
    const char *folder = getenv("XW_DATA");
    char path[1024];
    snprintf(path, sizeof(path), "%s/formats/triple/Example.scp", folder ? folder : "");
    FILE *there = folder ? fopen(path, "rb") : NULL;
    if (!there) {
        fprintf(stderr, "formats: XW_DATA names no folder with formats\n");
        return 77;
    }
    fclose(there);
    int result = triple(folder);
    vendors(folder);
    timing(folder, "triple/Example.scp", "formats_read_scp_ms");
    timing(folder, "triple/Example.dcm", "formats_read_dicom_ms");
    timing(folder, "triple/Example.xml", "formats_read_aecg_ms");
    timing(folder, "muse/example1.xml", "formats_read_muse_ms");
    timing(folder, "philips-sierra/ad4d3d80-d165_1-04_orig.xml", "formats_read_sierra_ms");
    timing(folder, "edf/0000050.ECG.edf", "formats_read_edf_ms");
    return result;
}
