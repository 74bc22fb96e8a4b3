/* Atrial flutter: when it is believed, from when and until when. */
#include "dsp/ecg/flutter.h"
#include "dsp/ecg/tables.h"

#include <string.h>

#define T xw_ecg_tables

enum { EVERY_S = 2, AGREE = 3, MISS = 3 };

void xw_ecg_flutter_reset(struct xw_ecg_flutter *f)
{
    memset(f, 0, sizeof(*f));
}

struct xw_ecg_flutter_limits xw_ecg_flutter_limits(const struct xw_ecg_flutter_look *look,
                                                   const struct xw_ecg_rules *rules)
{
    bool even = look->uneven < T.afl_uneven;
    return (struct xw_ecg_flutter_limits){
        .peak = rules->flutter_peak,
        .lock = even ? T.afl_lock_even : T.afl_lock,
        .share = even || look->conduction < T.afl_open ? T.afl_share_even : T.afl_share,
        .height_uv = T.afl_height_uv};
}

/* Does the conduction leave enough of the wave to be seen? */
static bool is_open_to_view(const struct xw_ecg_flutter_look *look)
{
    return look->conduction >= T.afl_open || look->uneven >= T.afl_uneven_open;
}

bool xw_ecg_flutter_holds(const struct xw_ecg_flutter_look *look, const struct xw_ecg_rules *rules,
                          bool goes_on)
{
    struct xw_ecg_flutter_limits l = xw_ecg_flutter_limits(look, rules);
    float slack = goes_on ? T.afl_slack : 1;
    return look->lead >= 0 && look->conduction >= T.afl_conduction &&
           (goes_on || is_open_to_view(look)) && look->peak_ratio >= slack * l.peak &&
           look->lock >= slack * l.lock && look->share >= slack * l.share &&
           look->height_uv >= slack * l.height_uv;
}

/* Raw index of the begin of a window, not before the beat that it begins with. */
static int64_t raw_of(const struct xw_ecg_avblock *a, const struct xw_ecg_emit *emit, int64_t frame)
{
    int64_t at = emit->now - (int64_t)((double)(a->n - frame) * emit->rate_hz / XW_ECG_AVB_HZ);
    int64_t n = a->beats_n < XW_ECG_AVB_BEATS ? (int64_t)a->beats_n : XW_ECG_AVB_BEATS;
    for (int64_t i = n; i > 0; i--) {
        const struct xw_ecg_avb_beat *beat =
            &a->beat[(a->beats_n - (uint64_t)i) % XW_ECG_AVB_BEATS];
        if (beat->frame >= frame)
            return beat->at;
    }
    return at > 0 ? at : 0;
}

bool xw_ecg_flutter_second(struct xw_ecg_flutter *f, const struct xw_ecg_avblock *a,
                           const struct xw_ecg_emit *emit, uint32_t usable, bool barred)
{
    if (++f->second_n % EVERY_S)
        return false;
    struct xw_ecg_flutter_look look = {.lead = -1};
    if (!barred && usable)
        look = xw_ecg_flutter_look(a, usable);
    if (!xw_ecg_flutter_holds(&look, emit->rules, f->active)) {
        f->agreed_n = 0;
        if (!f->active || ++f->missed_n < MISS)
            return false;
        f->active = false;
        f->until_at = f->seen_at;
        return true;
    }
    f->missed_n = 0;
    if (!f->agreed_n++)
        f->first_at = raw_of(a, emit, look.first_frame);
    f->look = look;
    f->seen_at = emit->now;
    if (f->active || f->agreed_n < AGREE)
        return false;
    f->active = true;
    f->since_at = f->first_at;
    return true;
}
