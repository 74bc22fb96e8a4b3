/* An annotation file of beats alone: the rhythm from the RR intervals, as the chain would say it.
 */
#include "tools/screen/screen.h"

#include "dsp/ecg/af.h"
#include "dsp/ecg/alarm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct listener {
    struct xw_ecg_emit emit;
    struct xw_ecg_alarm alarm;
    struct xw_ecg_af af;
};

/* DIR/RECORD.SUFFIX: the record's header tells the rate. */
static int read_rate(struct xw_screen *screen, const struct xw_screen_options *options,
                     struct xw_wfdb_error *ret_error)
{
    struct xw_wfdb_header header;
    int result = xw_wfdb_header_load(options->record, &header, ret_error);
    if (result < 0)
        return result;
    struct xw_wfdb_fraction rate = header.frame_rate_hz;
    xw_wfdb_header_done(&header);
    if (rate.num <= 0 || rate.num > 100000 || rate.den > 100000) {
        ret_error->line = 0;
        snprintf(ret_error->text, sizeof(ret_error->text), "a rate that no ECG has");
        return -EINVAL;
    }
    screen->config.rate_num = (uint32_t)rate.num;
    screen->config.rate_den = (uint32_t)rate.den;
    return 0;
}

static bool is_ventricular(uint8_t code)
{
    return code == XW_WFDB_PVC || code == XW_WFDB_VESC || code == XW_WFDB_RONT ||
           code == XW_WFDB_FLWAV;
}

static void listen(struct listener *l, const struct xw_wfdb_annotations *a)
{
    int64_t before = -1;
    bool ventricular = false;
    for (size_t i = 0; i < a->n; i++) {
        const struct xw_wfdb_annotation *beat = &a->at[i];
        if ((!xw_wfdb_code_is_beat(beat->code) && beat->code != XW_WFDB_FLWAV) ||
            beat->sample < 0 || beat->sample <= before)
            continue;
        l->emit.now = beat->sample + 1;
        bool wide = is_ventricular(beat->code);
        float rr_ms =
            before < 0 ? 0 : (float)((double)(beat->sample - before) * 1000 / l->emit.rate_hz);
        struct xw_ecg_alarm_beat known = {.at = beat->sample,
                                          .rr_ms = rr_ms,
                                          .code =
                                              wide ? XW_ECG_BEAT_VENTRICULAR : XW_ECG_BEAT_NORMAL,
                                          .known = true,
                                          .match = 1,
                                          .likeness = 1,
                                          .confidence = 1};
        xw_ecg_alarm_note(&l->alarm, &l->emit, &known);
        if (before < 0)
            xw_ecg_alarm_begin_rhythm(&l->alarm, &l->emit, beat->sample);
        else if (xw_ecg_af_beat(&l->af, beat->sample, rr_ms, !wide && !ventricular))
            xw_ecg_alarm_af(&l->alarm, &l->emit, &l->af);
        before = beat->sample;
        ventricular = wide;
    }
    while (xw_ecg_af_waiting(&l->af))
        if (xw_ecg_af_finish(&l->af))
            xw_ecg_alarm_af(&l->alarm, &l->emit, &l->af);
    xw_ecg_alarm_close(&l->alarm, &l->emit, l->emit.now);
}

int xw_screen_run_beats(struct xw_screen *screen, const struct xw_screen_options *options,
                        struct xw_wfdb_error *ret_error)
{
    memset(screen, 0, sizeof(*screen));
    int result = read_rate(screen, options, ret_error);
    struct xw_wfdb_annotations beats;
    if (result >= 0)
        result = xw_wfdb_annotations_load(options->beats, &beats, ret_error);
    if (result < 0)
        return result;
    struct listener *l = calloc(1, sizeof(*l));
    if (l) {
        l->emit.on_event = xw_screen_on_event;
        l->emit.user = screen;
        l->emit.rate_hz = (double)screen->config.rate_num / screen->config.rate_den;
        xw_ecg_emit_rules(&l->emit, &options->rules);
        xw_ecg_alarm_init(&l->alarm);
        xw_ecg_alarm_reset(&l->alarm, 0);
        xw_ecg_af_init(&l->af, NULL, l->emit.rate_hz);
        l->af.limit = options->rules.af_limit;
        listen(l, &beats);
        screen->rows_n = l->emit.now;
    }
    xw_wfdb_annotations_done(&beats);
    result = l ? 0 : -ENOMEM;
    free(l);
    return result;
}
