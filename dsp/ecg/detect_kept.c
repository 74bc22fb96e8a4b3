/* QRS detector: what it knew before it was blind comes back afterwards. Half a minute of noise is
 * full of beats to it; by their levels, shapes and intervals it would not find the heart's own for
 * as long as it takes to forget them. */
#include "dsp/ecg/detect.h"
#include "dsp/ecg/tables.h"

/* The second that is said to be blind is the second or third of the noise, and a beat's final word
 * may come from before it: the older of two states kept four seconds apart knows none of it. */
enum { KEEP_EVERY_S = 4, BEATS_LEAST = 4 };

enum { SWINGS_OF_S = 4, SWINGS_N = 3 };

static void keep(struct xw_ecg_detect *d)
{
    struct xw_ecg_detect_kept *k = &d->kept[d->kept_n++ % 2];
    memcpy(k->peak, d->peak, d->leads_n * sizeof(d->peak[0]));
    memcpy(k->noise, d->noise, d->leads_n * sizeof(d->noise[0]));
    memcpy(k->level, d->level, sizeof(k->level));
    memcpy(k->weight, d->weight, sizeof(k->weight));
    memcpy(k->trust, d->trust, sizeof(k->trust));
    xw_ecg_template_copy(&k->shapes, &d->shapes);
    xw_ecg_template_copy(&k->waves, &d->waves);
    k->q_peak = d->q_peak;
    k->q_noise = d->q_noise;
    k->q_strange = d->q_strange;
    k->rr = d->rr;
    memcpy(k->after, d->after, sizeof(k->after));
    k->after_n = d->after_n;
}

void xw_ecg_detect_recall(struct xw_ecg_detect *d)
{
    if (d->kept_n < 2)
        return;
    const struct xw_ecg_detect_kept *k = &d->kept[d->kept_n % 2];
    memcpy(d->peak, k->peak, d->leads_n * sizeof(d->peak[0]));
    memcpy(d->noise, k->noise, d->leads_n * sizeof(d->noise[0]));
    memcpy(d->level, k->level, sizeof(d->level));
    memcpy(d->weight, k->weight, sizeof(d->weight));
    memcpy(d->trust, k->trust, sizeof(d->trust));
    for (unsigned c = 0; c < d->leads_n; c++)
        d->inverse[c] = 1 / d->level[c];
    xw_ecg_template_copy(&d->shapes, &k->shapes);
    xw_ecg_template_copy(&d->waves, &k->waves);
    d->q_peak = k->q_peak;
    d->q_noise = k->q_noise;
    d->q_strange = k->q_strange;
    d->rr = k->rr;
    memcpy(d->after, k->after, sizeof(d->after));
    d->after_n = k->after_n;
    d->noise_since = d->strange_since = 0;
    d->louder_n = 0;
    d->denials = 0;
    d->rebuilt_t = d->step_n;
    /* The last beat may be one of the noise: of its level nothing follows for the next. */
    memcpy(d->last.level, d->level, sizeof(d->last.level));
    d->last.match = 0;
}

void xw_ecg_detect_second(struct xw_ecg_detect *d, bool clear, bool blind)
{
    if (blind) {
        d->blind_s++;
        d->clear_s = 0;
        return;
    }
    if (d->blind_s)
        xw_ecg_detect_recall(d);
    d->blind_s = 0;
    d->clear_s = clear ? d->clear_s + 1 : 0;
    if (d->clear_s && d->clear_s % KEEP_EVERY_S == 0 && d->q_peak.used_n >= BEATS_LEAST)
        keep(d);
}

void xw_ecg_detect_set_loud(struct xw_ecg_detect *d, uint32_t loud)
{
    for (unsigned c = 0; c < d->leads_n; c++)
        if ((loud | d->loud) >> c & 1)
            d->trust[c] = loud >> c & 1 ? 0 : d->weight[c] * d->inverse[c] * d->inverse[c];
    d->loud = loud;
}

bool xw_ecg_detect_swings(const struct xw_ecg_detect *d, uint32_t leads)
{
    unsigned of_n = d->seconds_n < SWINGS_OF_S ? d->seconds_n : SWINGS_OF_S;
    for (; leads; leads &= leads - 1) {
        unsigned n = 0;
        for (unsigned i = 1; i <= of_n; i++)
            n += d->seconds[(d->seconds_n - i) % XW_ECG_DETECT_LOST_SLOTS][__builtin_ctz(leads)] >=
                 xw_ecg_tables.swing_uv;
        if (n >= SWINGS_N)
            return true;
    }
    return false;
}

float xw_ecg_detect_share(const struct xw_ecg_detect *d, uint32_t leads, uint32_t off)
{
    float sum = 0, all = 0;
    for (unsigned c = 0; c < d->leads_n; c++) {
        float weight = (off | d->silent) >> c & 1 ? 0 : d->weight[c];
        sum += leads >> c & 1 ? weight : 0;
        all += weight;
    }
    return all > 0 ? sum / all : 0;
}
