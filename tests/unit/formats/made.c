#include "unit/formats/made.h"

#include "formats/internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int32_t beat(int64_t i, int64_t rate_hz, unsigned lead)
{
    double t = fmod((double)i / (double)rate_hz, 0.8);
    double r = 240 * exp(-pow((t - 0.3) / 0.012, 2)) - 60 * exp(-pow((t - 0.33) / 0.012, 2));
    double wave = 25 * exp(-pow((t - 0.14) / 0.03, 2)) + 70 * exp(-pow((t - 0.58) / 0.05, 2));
    return (int32_t)lrint((1 - 0.3 * (double)lead) * (r + wave)) + (int32_t)(i * 7919 % 5) - 2;
}

struct xw_formats_recording *made_recording(unsigned leads_n, int64_t samples_n, int64_t rate_hz)
{
    static const char *const NAMES[] = {"I",  "II", "III", "aVR", "aVL", "aVF",
                                        "V1", "V2", "V3",  "V4",  "V5",  "V6"};
    struct xw_formats_recording *r = calloc(1, sizeof(*r));
    struct xw_formats_group *g = NULL;
    if (!r || xw_formats_add_group(r, XW_FORMATS_RHYTHM, leads_n, samples_n, &g, NULL) < 0)
        abort();
    g->rate_hz = (struct xw_wfdb_fraction){rate_hz, 1};
    for (unsigned c = 0; c < leads_n; c++) {
        xw_formats_name_lead(&g->leads[c], NAMES[c]);
        if (xw_formats_set_scale(&g->leads[c], (struct xw_wfdb_fraction){5, 1}, "uV") < 0)
            abort();
        for (int64_t i = 0; i < samples_n; i++)
            g->rows[(size_t)i * leads_n + c] = beat(i, rate_hz, c);
    }
    snprintf(r->patient.id, sizeof(r->patient.id), "T-0042");
    snprintf(r->patient.family, sizeof(r->patient.family), "\xe5\xbc\xa0");
    snprintf(r->patient.given, sizeof(r->patient.given), "\xe4\xb8\x89");
    r->patient.sex = 'F';
    (void)xw_formats_set_date(&r->patient.born, 1961, 2, 28);
    (void)xw_formats_set_date(&r->start, 2024, 3, 9);
    (void)xw_formats_set_clock(&r->start, 14, 5, 6, 0);
    snprintf(r->device.maker, sizeof(r->device.maker), "Maker & Co");
    snprintf(r->device.model, sizeof(r->device.model), "M12");
    r->filters.highpass_hz = 0.05;
    r->filters.lowpass_hz = 150;
    xw_formats_add_measure(r, XW_FORMATS_HEART_RATE, XW_ECG_LEAD_OTHER, 75);
    xw_formats_add_measure(r, XW_FORMATS_PR, XW_ECG_LEAD_OTHER, 160);
    xw_formats_add_measure(r, XW_FORMATS_QRS, XW_ECG_LEAD_OTHER, 90);
    xw_formats_add_measure(r, XW_FORMATS_QT, XW_ECG_LEAD_OTHER, 380);
    xw_formats_add_measure(r, XW_FORMATS_QRS_AXIS, XW_ECG_LEAD_OTHER, -12);
    return r;
}

double made_difference_uv(const struct xw_formats_recording *a,
                          const struct xw_formats_recording *b)
{
    const struct xw_formats_group *x = xw_formats_rhythm(a);
    const struct xw_formats_group *y = xw_formats_rhythm(b);
    double worst = 0;
    if (!x || !y || x->samples_n != y->samples_n || x->leads_n != y->leads_n ||
        fabs((double)x->rate_hz.num / (double)x->rate_hz.den -
             (double)y->rate_hz.num / (double)y->rate_hz.den) > 1e-6)
        return -1;
    for (unsigned c = 0; c < x->leads_n; c++) {
        int d = xw_formats_find_lead(y, x->leads[c].code);
        if (d < 0)
            return -1;
        for (int64_t i = 0; i < x->samples_n; i++) {
            double u = xw_formats_value(&x->leads[c], x->rows[(size_t)i * x->leads_n + c]);
            double v = xw_formats_value(&y->leads[d], y->rows[(size_t)i * y->leads_n + (size_t)d]);
            double difference = isnan(u) && isnan(v) ? 0 : fabs(u - v) * 1000;
            if (!(difference <= worst))
                worst = difference; /* a NAN stays */
        }
    }
    return worst;
}

char *made_base64(const uint8_t *data, size_t n)
{
    static const char SIGNS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = malloc(n / 3 * 4 + 5);
    size_t out = 0;
    if (!text)
        abort();
    for (size_t i = 0; i < n; i += 3) {
        uint32_t v = (uint32_t)data[i] << 16 | (i + 1 < n ? (uint32_t)data[i + 1] << 8 : 0) |
                     (i + 2 < n ? data[i + 2] : 0);
        text[out++] = SIGNS[v >> 18];
        text[out++] = SIGNS[v >> 12 & 63];
        text[out++] = i + 1 < n ? SIGNS[v >> 6 & 63] : '=';
        text[out++] = i + 2 < n ? SIGNS[v & 63] : '=';
    }
    text[out] = 0;
    return text;
}
