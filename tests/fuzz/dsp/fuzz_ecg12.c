/* Reading twelve leads: any rate, length, set of leads and mutation of a synthetic ECG gives an
 * error or a result that keeps what marks.h says; the same input gives the same bytes; a score goes
 * with it.
 *
 * Input: rate (2 bytes), length (2), leads (1), scene (1), seed (1), then mutations of 6 bytes:
 * kind, lead, from (2, 1/65536 of the record), how long (1, 40 ms each), size (1). */
#include "unit/ecg12/marks.h"
#include "unit/ecg12/patient.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEAD = 7, STEP = 6, MUTATIONS_MAX = 40 };

static void must(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "fuzz_ecg12: %s\n", what);
        abort();
    }
}

static float special(uint8_t which)
{
    static const float VALUE[] = {NAN,   INFINITY, -INFINITY, 0,      -32768,  32767,
                                  1e30f, -1e30f,   5e6f,      1e-30f, 8388607, -8388608};
    return VALUE[which % (sizeof(VALUE) / sizeof(*VALUE))];
}

static void mutate(struct xw_patient *p, const uint8_t *m)
{
    unsigned n = p->input.samples_n, leads = p->input.channels_n, at = m[1] % leads;
    unsigned from = (unsigned)(m[2] | m[3] << 8) * n / 65536u;
    unsigned to = from + (unsigned)(m[4] * 0.04 * p->input.rate_hz) + 1;
    bool all = m[1] & 128;
    float by = powf(10, (float)(m[5] - 128) / 40);
    uint32_t random = m[5] + 1u;
    to = to > n ? n : to;
    if (m[0] % 12 == 10) { /* a label that is not true */
        p->input.channels[at].lead = (enum xw_ecg_lead)(m[5] % XW_ECG_LEAD_COUNT);
        return;
    }
    if (m[0] % 12 == 11) { /* another lead's numbers */
        memcpy(p->uv[at], p->uv[m[5] % leads], sizeof(p->uv[0]));
        return;
    }
    for (unsigned l = all ? 0 : at; l < (all ? leads : at + 1); l++)
        for (unsigned i = m[0] % 12 == 1 ? 0 : from; i < (m[0] % 12 == 1 ? n : to); i++) {
            float *x = &p->uv[l][i];
            random = random * 1664525u + 1013904223u;
            switch (m[0] % 12) {
            case 0:
                *x = special(m[5]);
                break;
            case 1: /* of the whole lead */
            case 2:
                *x *= by;
                break;
            case 3:
                *x += 100 * by;
                break;
            case 4:
                *x += by * ((float)(random >> 8) / 16777216.0f - 0.5f);
                break;
            case 5:
                *x = p->uv[l][from];
                break;
            case 6:
                *x = fminf(fmaxf(*x, -by), by);
                break;
            case 7:
                *x = i % (m[5] + 2u) ? *x : special(m[5]);
                break;
            case 8:
                *x += 50 * by * sinf(0.01f * (float)(m[5] + 1) * (float)(i - from));
                break;
            default:
                *x = -*x;
                break;
            }
        }
}

static struct xw_patient *build(const uint8_t *data, size_t size)
{
    unsigned scenes = 1;
    while (xw_synth_scene_name(scenes))
        scenes++;
    unsigned rate = 100 + (unsigned)(data[0] | data[1] << 8) % 901;
    double seconds = 9 + 1.24 * (data[2] | data[3] << 8) / 65535.0;
    if (seconds * rate > XW_PATIENT_ROWS_MAX)
        return NULL;
    struct xw_patient *p =
        xw_patient_new(&(struct xw_patient_wish){.scene = xw_synth_scene_name(data[5] % scenes),
                                                 .seed = data[6],
                                                 .rate_hz = rate,
                                                 .seconds = seconds});
    p->input.channels_n = 1 + data[4] % 12u;
    if (p->input.channels_n == 9)
        p->input.channels_n = XW_ECG12_LEADS_MAX; /* rows beyond those of the patient are flat */
    for (unsigned l = XW_SYNTH_LEADS_N; l < p->input.channels_n; l++)
        p->input.channels[l] = (struct xw_ecg12_channel){
            .lead = XW_ECG_LEAD_OTHER, .uv = p->uv[l], .min_uv = NAN, .max_uv = NAN};
    for (size_t at = HEAD, k = 0; at + STEP <= size && k < MUTATIONS_MAX; at += STEP, k++)
        mutate(p, data + at);
    return p;
}

/* Exact size, so that a read behind the end is seen. */
static void exact(struct xw_patient *p, float *rows[XW_ECG12_LEADS_MAX])
{
    for (unsigned l = 0; l < p->input.channels_n; l++) {
        size_t bytes = sizeof(float) * p->input.samples_n;
        rows[l] = malloc(bytes);
        must(rows[l] != NULL, "no memory");
        memcpy(rows[l], p->uv[l], bytes);
        p->input.channels[l].uv = rows[l];
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct xw_ecg12 *engine;
    static struct xw_ecg12_result first, second;
    float *rows[XW_ECG12_LEADS_MAX] = {NULL};
    if (size < HEAD || (!engine && xw_ecg12_new(&engine) < 0))
        return 0;
    struct xw_patient *p = build(data, size);
    if (!p)
        return 0;
    exact(p, rows);
    float score = -1;
    int read = xw_ecg12_read(engine, &p->input, &first);
    must(xw_ecg12_score(engine, &p->input, &score) == read, "a score of what is not read");
    if (read == 0) {
        const char *fault = xw_marks_fault(&p->input, &first);
        must(!fault, fault);
        must(score == first.score, "another score than the reading's");
        must(xw_ecg12_read(engine, &p->input, &second) == 0, "read once, refused twice");
        must(memcmp((const void *)&first, (const void *)&second, sizeof(first)) == 0,
             "the same input, other bytes");
    }
    for (unsigned l = 0; l < XW_ECG12_LEADS_MAX; l++)
        free(rows[l]);
    free(p);
    return 0;
}
