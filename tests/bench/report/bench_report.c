/* What a printed page costs: pdf_page_ms (fonts loaded), pdf_first_page_ms (with loading them),
 * pdf_bytes of one page of twelve made leads with noise, in Chinese and English. */
#include "bench/dsp/print.h"
#include "unit/report/made.h"

#include <stdio.h>
#include <time.h>

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

int main(void)
{
    static struct made made;
    struct xw_report_fonts *fonts = NULL;
    char text[XW_REPORT_ERROR_BYTES];
    size_t bytes = 0;
    made_report(&made, 12);
    made.report.language = XW_REPORT_BOTH;
    double start = now_ms();
    if (xw_report_fonts_new(NULL, 0, &fonts, text) < 0) {
        fprintf(stderr, "report: %s\n", text);
        return 77;
    }
    int n = 0;
    double first = 0;
    double spent = 0;
    for (double begin = now_ms(); n < 21 || spent < 250; n++) {
        struct xw_report_output out = {0};
        if (xw_report_render(fonts, &made.report, &out) < 0)
            return 1;
        bytes = out.pdf_n;
        xw_report_output_done(&out);
        if (n == 0) {
            first = now_ms() - start;
            begin = now_ms();
        }
        spent = now_ms() - begin;
    }
    xw_bench_print("pdf_page_ms", spent / (n - 1), "ms", NULL, 0);
    xw_bench_print("pdf_first_page_ms", first, "ms", NULL, 0);
    xw_bench_print("pdf_bytes", (double)bytes, "bytes", NULL, 0);
    xw_report_fonts_free(fonts);
    return 0;
}
