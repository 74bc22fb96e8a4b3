/* Any bytes as an ECG file of any kind: refused with a sentence, or a recording that keeps its
 * word. What is accepted and can be written must be read again with the same leads. */
#include <stdlib.h>
#include <string.h>

#include "formats/formats.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_group(const struct xw_formats_group *g)
{
    if (g->leads_n == 0 || g->leads_n > XW_FORMATS_MAX_LEADS || g->samples_n <= 0 ||
        g->rate_hz.num <= 0 || g->rate_hz.den <= 0)
        abort();
    for (unsigned c = 0; c < g->leads_n; c++)
        if (g->leads[c].gain.num == 0 || g->leads[c].gain.den <= 0 ||
            g->leads[c].baseline.den <= 0 || memchr(g->leads[c].name, 0, 32) == NULL)
            abort();
    volatile int32_t last = g->rows[(size_t)g->samples_n * g->leads_n - 1];
    (void)last;
}

static void again(const struct xw_formats_recording *r, enum xw_formats_kind kind)
{
    uint8_t *data = NULL;
    size_t n = 0;
    struct xw_formats_recording *back = NULL;
    struct xw_formats_error error = {{0}, {0}};
    if (xw_formats_encode(r, kind, &data, &n, &error) < 0) {
        if (!error.text[0])
            abort();
        return;
    }
    if (xw_formats_parse(data, n, &back, &error) >= 0)
        xw_formats_free(back);
    free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xw_formats_recording *r = NULL;
    struct xw_formats_error error = {{0}, {0}};
    if (xw_formats_parse(data, size, &r, &error) < 0) {
        if (!error.text[0] || r)
            abort();
        return 0;
    }
    int64_t samples_n = 0;
    for (unsigned i = 0; i < r->groups_n; i++) {
        check_group(&r->groups[i]);
        samples_n += r->groups[i].samples_n * r->groups[i].leads_n;
    }
    if (r->groups_n == 0)
        abort();
    if (samples_n < 100000)
        again(r, (enum xw_formats_kind)(XW_FORMATS_AECG + size % 4));
    xw_formats_free(r);
    return 0;
}
