#include "unit/report/made.h"

#include <math.h>

void made_report(struct made *m, unsigned leads_n)
{
    xw_report_init(&m->report);
    m->report.rate_hz = MADE_RATE_HZ;
    m->report.samples_n = MADE_N;
    m->report.leads_n = leads_n;
    uint32_t noise = 1;
    for (unsigned l = 0; l < leads_n; l++) {
        for (int i = 0; i < MADE_N; i++) {
            double t = i % MADE_RATE_HZ - 250;
            noise = noise * 1664525u + 1013904223u;
            m->uv[l][i] =
                (float)(1200 * exp(-t * t / 60) + 250 * exp(-(t - 130) * (t - 130) / 1500) +
                        (double)(noise >> 24) / 16 - 8);
        }
        m->report.leads[l] =
            (struct xw_report_lead){.lead = (enum xw_ecg_lead)(XW_ECG_LEAD_I + l), .uv = m->uv[l]};
    }
}
