/* What the detector knows of a patient, put aside while the signal is good, and taken up again
 * after a time in which nothing could be seen: noise teaches levels and shapes that hide the beats
 * after it. */
#include "dsp/ecg/detect.h"

#include <errno.h>
#include <string.h>

enum { EVERY_S = 4, SETTLED_S = 8, BLIND_S = 3 };

int xw_ecg_detect_memory_init(struct xw_ecg_detect_memory *m, const struct xw_ecg_detect *d)
{
    memset(m, 0, sizeof(*m));
    for (unsigned i = 0; i < XW_ECG_DETECT_MEMORIES; i++)
        if (xw_ecg_template_init(&m->kept[i].shapes, d->leads_n, d->shapes.slope) < 0 ||
            xw_ecg_template_init(&m->kept[i].waves, d->leads_n, d->waves.slope) < 0)
            return -ENOMEM;
    return 0;
}

void xw_ecg_detect_memory_done(struct xw_ecg_detect_memory *m)
{
    for (unsigned i = 0; i < XW_ECG_DETECT_MEMORIES; i++) {
        xw_ecg_template_done(&m->kept[i].shapes);
        xw_ecg_template_done(&m->kept[i].waves);
    }
}

void xw_ecg_detect_memory_reset(struct xw_ecg_detect_memory *m)
{
    m->kept_n = m->good_s = m->blind_s = m->age_s = 0;
}

static void keep(struct xw_ecg_detect_known *k, const struct xw_ecg_detect *d)
{
    memcpy(k->peak, d->peak, sizeof(k->peak));
    memcpy(k->noise, d->noise, sizeof(k->noise));
    memcpy(k->level, d->level, sizeof(k->level));
    memcpy(k->inverse, d->inverse, sizeof(k->inverse));
    memcpy(k->weight, d->weight, sizeof(k->weight));
    memcpy(k->trust, d->trust, sizeof(k->trust));
    memcpy(k->after, d->after, sizeof(k->after));
    k->after_n = d->after_n;
    k->q_peak = d->q_peak;
    k->q_noise = d->q_noise;
    k->q_strange = d->q_strange;
    k->rr = d->rr;
    xw_ecg_template_copy(&k->shapes, &d->shapes);
    xw_ecg_template_copy(&k->waves, &d->waves);
}

static void recall(struct xw_ecg_detect *d, const struct xw_ecg_detect_known *k)
{
    memcpy(d->peak, k->peak, sizeof(d->peak));
    memcpy(d->noise, k->noise, sizeof(d->noise));
    memcpy(d->level, k->level, sizeof(d->level));
    memcpy(d->inverse, k->inverse, sizeof(d->inverse));
    memcpy(d->weight, k->weight, sizeof(d->weight));
    memcpy(d->trust, k->trust, sizeof(d->trust));
    memcpy(d->after, k->after, sizeof(d->after));
    d->after_n = k->after_n;
    d->q_peak = k->q_peak;
    d->q_noise = k->q_noise;
    d->q_strange = k->q_strange;
    d->rr = k->rr;
    xw_ecg_template_copy(&d->shapes, &k->shapes);
    xw_ecg_template_copy(&d->waves, &k->waves);
    d->noise_since = d->strange_since = 0;
    d->louder_n = 0;
    d->last.match = 0; /* the last beat was one of the noise: nothing is held against it */
    memcpy(d->last.level, d->level, sizeof(d->last.level));
}

/* Of the two the older where the newer may have heard the noise begin. */
void xw_ecg_detect_second(struct xw_ecg_detect *d, bool sees)
{
    struct xw_ecg_detect_memory *m = &d->memory;
    if (!sees) {
        m->blind_s++;
        m->good_s = 0;
        return;
    }
    if (m->blind_s >= BLIND_S && m->kept_n) {
        if (m->kept_n > 1 && m->age_s < EVERY_S)
            m->newest ^= 1U;
        recall(d, &m->kept[m->newest]);
        m->kept_n = 1; /* only what was recalled is known to be good */
        m->age_s = EVERY_S;
    }
    m->blind_s = 0;
    m->age_s++;
    if (++m->good_s < SETTLED_S || m->age_s < EVERY_S)
        return;
    m->newest ^= 1U;
    keep(&m->kept[m->newest], d);
    m->kept_n += m->kept_n < XW_ECG_DETECT_MEMORIES;
    m->age_s = 0;
}
