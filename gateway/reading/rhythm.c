/* The chain over ten seconds; see rhythm.h. */
#include "reading/rhythm.h"

#include "dsp/ecg/chain.h"
#include "dsp/interpret/interpret.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 512 };

/* Counts of a quarter of a microvolt: finer than any recorder of this field. */
static const double COUNTS_PER_MV = 4000;
static const float COUNTS_PER_UV = 4, FURTHEST_UV = 5e8F;

static pthread_mutex_t planning = PTHREAD_MUTEX_INITIALIZER;

static bool is_rhythm(const struct xw_ecg_event *e)
{
    return (e->kind == XW_ECG_KIND_RHYTHM || e->kind == XW_ECG_KIND_ALARM) &&
           e->code != XW_ECG_RHYTHM_NORMAL;
}

/* The last word on each thing stays. */
static void on_event(void *user, const struct xw_ecg_event *event)
{
    struct xw_reading_rhythm *r = user;
    if (!is_rhythm(event))
        return;
    unsigned i = 0;
    while (i < r->n && r->finding[i].sequence != event->sequence)
        i++;
    if (event->withdrawn) {
        if (i < r->n)
            memmove(&r->finding[i], &r->finding[i + 1], sizeof(r->finding[0]) * (--r->n - i));
        return;
    }
    if (i == XW_READING_RHYTHMS_MAX)
        return;
    r->finding[i] = *event;
    r->n += i == r->n;
}

static int32_t count_of(float uv)
{
    if (!isfinite(uv) || fabsf(uv) > FURTHEST_UV)
        return INT32_MIN;
    return (int32_t)lrintf(uv * COUNTS_PER_UV);
}

static void configure(const struct xw_ecg12_input *input, struct xw_reading_rhythm *ret,
                      struct xw_ecg_config *ret_config)
{
    *ret_config = (struct xw_ecg_config){.rate_num = (uint32_t)lrint(input->rate_hz * 1000),
                                         .rate_den = 1000,
                                         .channels_n = input->channels_n,
                                         .on_event = on_event,
                                         .user = ret};
    for (unsigned c = 0; c < input->channels_n; c++) {
        const struct xw_ecg12_channel *from = &input->channels[c];
        bool rails = isfinite(from->min_uv) && isfinite(from->max_uv) &&
                     fmaxf(fabsf(from->min_uv), fabsf(from->max_uv)) < FURTHEST_UV;
        ret_config->channels[c] =
            (struct xw_ecg_channel){.lead = from->lead,
                                    .gain_counts_per_mv = COUNTS_PER_MV,
                                    .has_invalid = true,
                                    .invalid_counts = INT32_MIN,
                                    .has_limits = rails,
                                    .min_counts = rails ? count_of(from->min_uv) : 0,
                                    .max_counts = rails ? count_of(from->max_uv) : 0};
    }
}

static void feed(struct xw_ecg_chain *chain, const struct xw_ecg12_input *input)
{
    int32_t rows[PIECE * XW_ECG12_LEADS_MAX];
    for (unsigned at = 0; at < input->samples_n;) {
        unsigned n = XW_MIN(input->samples_n - at, (unsigned)PIECE);
        for (unsigned i = 0; i < n; i++)
            for (unsigned c = 0; c < input->channels_n; c++)
                rows[i * input->channels_n + c] = count_of(input->channels[c].uv[at + i]);
        xw_ecg_chain_process(chain, rows, n);
        at += n;
    }
    xw_ecg_chain_flush(chain);
}

/* Fibrillation is not among them: in ten seconds the intervals alone call many an ectopic rhythm so
 * (PTB-XL: 16 more false of 700); the reading has the P waves beside them. */
static uint32_t bits_of(const struct xw_ecg_event *e)
{
    switch (e->code) {
    case XW_ECG_RHYTHM_AFL:
        return XW_INTERPRET_CHAIN_FLUTTER;
    case XW_ECG_RHYTHM_SVT:
        return XW_INTERPRET_CHAIN_SVT;
    case XW_ECG_RHYTHM_VT:
        return XW_INTERPRET_CHAIN_VT;
    case XW_ECG_RHYTHM_VF:
        return XW_INTERPRET_CHAIN_VF;
    case XW_ECG_RHYTHM_AVB2:
        return strcmp(e->rule, "av-block-wenckebach") == 0 ? XW_INTERPRET_CHAIN_MOBITZ1
               : strcmp(e->rule, "av-block-2-to-1") == 0   ? XW_INTERPRET_CHAIN_2TO1
                                                           : XW_INTERPRET_CHAIN_MOBITZ2;
    case XW_ECG_RHYTHM_AVB3:
        return XW_INTERPRET_CHAIN_AV3;
    case XW_ECG_RHYTHM_ASYSTOLE:
        return XW_INTERPRET_CHAIN_ASYSTOLE;
    default:
        return 0;
    }
}

int xw_reading_rhythm_find(const struct xw_ecg12_input *input, struct xw_reading_rhythm *ret)
{
    struct xw_ecg_config config;
    struct xw_ecg_chain *chain = NULL;
    struct xw_ecg_run run;
    *ret = (struct xw_reading_rhythm){.n = 0};
    configure(input, ret, &config);
    pthread_mutex_lock(&planning);
    int r = xw_ecg_chain_new(&config, &chain);
    pthread_mutex_unlock(&planning);
    if (r < 0)
        return r;
    feed(chain, input);
    xw_ecg_chain_run(chain, &run);
    ret->code_version = run.code_version;
    pthread_mutex_lock(&planning);
    xw_ecg_chain_free(chain);
    pthread_mutex_unlock(&planning);
    for (unsigned i = 0; i < ret->n; i++)
        ret->bits |= bits_of(&ret->finding[i]);
    return 0;
}

static json_t *values_of(const struct xw_ecg_event *e)
{
    json_t *list = json_array();
    for (unsigned i = 0; i < e->evidence_n; i++)
        json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:f}", "name",
                                              xw_ecg_value_name(e->evidence[i].id), "unit",
                                              xw_ecg_value_unit(e->evidence[i].id), "measured",
                                              (double)e->evidence[i].measured, "limit",
                                              (double)e->evidence[i].limit));
    return list;
}

json_t *xw_reading_rhythm_json(const struct xw_reading_rhythm *rhythm, int64_t from)
{
    json_t *list = json_array();
    for (unsigned i = 0; list && i < rhythm->n; i++) {
        const struct xw_ecg_event *e = &rhythm->finding[i];
        json_t *one =
            json_pack("{s:s, s:s, s:i, s:I, s:f, s:f, s:o}", "code", xw_ecg_code_name(e->code),
                      "rule", e->rule, "rule_version", (int)e->rule_version, "from",
                      (json_int_t)from + e->first, "rate_bpm", (double)e->hr_bpm, "confidence",
                      (double)e->confidence, "values", values_of(e));
        if (one && e->end != XW_ECG_OPEN)
            json_object_set_new(one, "to", json_integer((json_int_t)from + e->end));
        if (!one || json_array_append_new(list, one) < 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}
