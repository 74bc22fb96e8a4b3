/* What has been reached on MIT-BIH is held: counts, not timings. Needs XW_DATA with mitdb; without
 * it the test is skipped. The chain runs here as xinwang-screen runs it. */
#include "bench/ec57/ec57.h"
#include "dsp/ecg/chain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { BEATS_MAX = 16384, THINGS_MAX = 1 << 20 };

enum { DS2_N = 22 };

/* DS2 first, then DS1 and the four that are paced. */
static const char *const RECORDS[] = {
    "100", "103", "105", "111", "113", "117", "121", "123", "200", "202", "210", "212",
    "213", "214", "219", "221", "222", "228", "231", "232", "233", "234", "101", "106",
    "108", "109", "112", "114", "115", "116", "118", "119", "122", "124", "201", "203",
    "205", "207", "208", "209", "215", "220", "223", "230", "102", "104", "107", "217"};

struct heard {
    struct xw_wfdb_annotation *final, *last;
    size_t n;
    uint32_t *place; /* by sequence: index + 1 */
};

static enum xw_wfdb_code code_of(enum xw_ecg_code code)
{
    return code == XW_ECG_BEAT_VENTRICULAR        ? XW_WFDB_PVC
           : code == XW_ECG_BEAT_SUPRAVENTRICULAR ? XW_WFDB_SVPB
           : code == XW_ECG_BEAT_UNKNOWN          ? XW_WFDB_UNKNOWN
                                                  : XW_WFDB_NORMAL;
}

static void on_event(void *user, const struct xw_ecg_event *e)
{
    struct heard *h = user;
    if (e->kind != XW_ECG_KIND_BEAT || e->stage == XW_ECG_STAGE_PROVISIONAL || e->withdrawn ||
        e->sequence >= THINGS_MAX)
        return;
    uint32_t place = h->place[e->sequence];
    if (place) {
        h->last[place - 1].code = (uint8_t)code_of(e->code);
        return;
    }
    if (h->n == BEATS_MAX)
        return;
    h->final[h->n].sample = h->last[h->n].sample = e->first;
    h->final[h->n].code = h->last[h->n].code = (uint8_t)code_of(e->code);
    h->place[e->sequence] = (uint32_t)++h->n;
}

static void run(const char *path, struct heard *h)
{
    struct xw_wfdb_reader *reader = NULL;
    struct xw_ecg_chain *chain = NULL;
    struct xw_wfdb_error error;
    assert_true(xw_wfdb_reader_open(path, NULL, 0, &reader, &error) >= 0);
    struct xw_ecg_config config = {.rate_num = 360,
                                   .rate_den = 1,
                                   .channels_n = xw_wfdb_reader_channels(reader),
                                   .on_event = on_event,
                                   .user = h};
    for (unsigned c = 0; c < config.channels_n; c++) {
        const struct xw_wfdb_signal *signal = xw_wfdb_reader_signal(reader, c);
        config.channels[c].lead = xw_ecg_lead_from_name(signal->description);
        config.channels[c].gain_counts_per_mv = (double)signal->gain.num / (double)signal->gain.den;
        config.channels[c].baseline_counts = signal->baseline;
    }
    assert_int_equal(xw_ecg_chain_new(&config, &chain), 0);
    static int32_t rows[8192 * 2];
    int64_t n;
    while ((n = xw_wfdb_reader_read(reader, rows, 8192, &error)) > 0)
        xw_ecg_chain_process(chain, rows, (size_t)n);
    xw_ecg_chain_flush(chain);
    xw_ecg_chain_free(chain);
    xw_wfdb_reader_close(reader);
}

static void score(const struct heard *h, bool revised, double start_s,
                  const struct xw_wfdb_annotations *reference, struct xw_ec57_counts *sum)
{
    struct xw_ec57_options options = {.rate_hz = 360, .start_s = start_s, .window_s = 0.15};
    struct xw_wfdb_annotations test = {.at = revised ? h->last : h->final, .n = h->n};
    struct xw_ec57_beats a, b;
    assert_int_equal(xw_ec57_beats_of(reference, reference, &options, &a), 0);
    assert_int_equal(xw_ec57_beats_of(&test, reference, &options, &b), 0);
    xw_ec57_compare(&a, &b, &options, sum);
    xw_ec57_beats_done(&a);
    xw_ec57_beats_done(&b);
}

static void beats_of_all_records_and_labels_of_ds2_are_found(void **state)
{
    (void)state;
    const char *data = getenv("XW_DATA");
    char path[4096];
    if (!data) {
        printf("skipped: XW_DATA is not set\n");
        skip();
    }
    snprintf(path, sizeof(path), "%s/mitdb/100.hea", data);
    FILE *there = fopen(path, "r");
    if (!there) {
        printf("skipped: no mitdb in XW_DATA\n");
        skip();
    }
    fclose(there);
    struct heard h = {calloc(BEATS_MAX, sizeof(*h.final)), calloc(BEATS_MAX, sizeof(*h.last)), 0,
                      calloc(THINGS_MAX, sizeof(*h.place))};
    struct xw_ec57_counts qrs, all, later, labels;
    memset(&qrs, 0, sizeof(qrs));
    memset(&all, 0, sizeof(all));
    memset(&later, 0, sizeof(later));
    memset(&labels, 0, sizeof(labels));
    assert_true(h.final && h.last && h.place);
    for (size_t i = 0; i < sizeof(RECORDS) / sizeof(RECORDS[0]); i++) {
        struct xw_wfdb_annotations reference;
        h.n = 0;
        memset(h.place, 0, THINGS_MAX * sizeof(*h.place));
        snprintf(path, sizeof(path), "%s/mitdb/%s", data, RECORDS[i]);
        run(path, &h);
        snprintf(path, sizeof(path), "%s/mitdb/%s.atr", data, RECORDS[i]);
        assert_true(xw_wfdb_annotations_load(path, &reference, NULL) >= 0);
        score(&h, false, 0, &reference, &all);
        score(&h, false, 300, &reference, &later);
        if (i < DS2_N) {
            score(&h, false, 0, &reference, &qrs);
            score(&h, true, 300, &reference, &labels);
        }
        xw_wfdb_annotations_done(&reference);
    }
    free(h.final);
    free(h.last);
    free(h.place);
    struct xw_ec57_rate q = xw_ec57_qrs(&qrs), v = xw_ec57_kind(&labels, XW_EC57_V),
                        s = xw_ec57_kind(&labels, XW_EC57_S), a = xw_ec57_qrs(&all),
                        l = xw_ec57_qrs(&later);
    printf("QRS of all: %.3f/%.3f, from 5:00 %.3f/%.3f\n", a.se, a.ppv, l.se, l.ppv);
    printf("QRS of DS2 missed %u extra %u; V %.2f/%.2f; S %.2f/%.2f\n", (unsigned)q.missed_n,
           (unsigned)q.false_n, v.se, v.ppv, s.se, s.ppv);
    assert_true(a.missed_n + a.false_n <= 175);
    assert_true(a.se >= 99.91 && a.ppv >= 99.92);
    assert_true(l.missed_n + l.false_n <= 150);
    assert_true(l.se >= 99.90 && l.ppv >= 99.92);
    assert_true(q.missed_n + q.false_n <= 93);
    assert_true(v.se >= 97.5);
    assert_true(v.ppv >= 97.2);
    assert_true(s.se >= 76.8);
    assert_true(s.ppv >= 69.9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(beats_of_all_records_and_labels_of_ds2_are_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
