/* The chain: raw frames to analysis frames, analysis frames in hops of five (20 ms) through all
 * stages (the quality bands, which are judged each second, in hops of half a second). A hop runs
 * when its last frame is known and at no other time, so how the caller cuts the input cannot be
 * seen from outside. */
#include "dsp/ecg/chain.h"
#include "dsp/core/sha256.h"
#include "dsp/ecg/chain_private.h"
#include "dsp/ecg/tables.h"
#include "dsp/ecg/net.h"
#include "dsp/train/tables.h"

#include <assert.h>
#include <math.h>
#include <stddef.h>

static const double PAD_S = 0.6, KEEP_LEVELS_S = 30, AFTER_ELECTRODE_S = 3, FEW_LEFT_S = 30;
/* Of the say of all leads: beyond it a beat on the good ones is not sure to be seen. */
static const float NOISE_RULES = 0.5F;
enum { NOISE_RULES_S = 7, DISTURBED_S = 15 };
static const char CODE_VERSION[] = "xwdsp-ecg 1";
static char table_hash[XW_ECG_HASH_TEXT_BYTES];

/* Numbers alone: no pointers, no padding. */
static void hash_net(const struct xw_dsp_net *net, char *ret_text)
{
    xw_dsp_sha256_text(net->mean, sizeof(*net) - offsetof(struct xw_dsp_net, mean), ret_text);
}

__attribute__((constructor)) static void hash_tables(void)
{
    char part[12][XW_ECG_HASH_TEXT_BYTES];
    const struct xw_ecg_trees *model[] = {&xw_ecg_trees_v_final, &xw_ecg_trees_s_final,
                                          &xw_ecg_trees_v_later, &xw_ecg_trees_s_later};
    const struct xw_ecg_net *net[] = {&xw_ecg_net_v_final, &xw_ecg_net_s_final, &xw_ecg_net_v_later,
                                      &xw_ecg_net_s_later};
    memset(part, 0, sizeof(part));
    xw_dsp_sha256_text(&xw_ecg_tables, sizeof(xw_ecg_tables), part[0]);
    for (unsigned i = 0; i < 4; i++)
        xw_dsp_sha256_text(model[i]->tree, model[i]->trees_n * sizeof(model[i]->tree[0]),
                           part[i + 1]);
    for (unsigned i = 0; i < 4; i++)
        xw_dsp_sha256_text(net[i], sizeof(*net[i]), part[i + 7]);
    hash_net(&xw_af_table, part[5]);
    hash_net(&xw_vf_table, part[6]);
    hash_net(&xw_af_early_table, part[11]);
    xw_dsp_sha256_text(part, sizeof(part), table_hash);
}

const char *xw_ecg_chain_table_hash(void)
{
    return table_hash;
}

static bool is_valid(const struct xw_ecg_config *c)
{
    if (!c || !c->on_event || !c->rate_den || !c->channels_n ||
        c->channels_n > XW_ECG_CHANNELS_MAX || c->first_sample < 0 ||
        (c->mains_hz != 0 && c->mains_hz != 50 && c->mains_hz != 60))
        return false;
    double rate_hz = (double)c->rate_num / c->rate_den;
    if (!(rate_hz >= XW_ECG_RATE_MIN_HZ && rate_hz <= XW_ECG_RATE_MAX_HZ))
        return false;
    for (unsigned i = 0; i < c->channels_n; i++) {
        double gain = c->channels[i].gain_counts_per_mv;
        if (!isfinite(gain) || fabs(gain) < 1e-9 || !isfinite(c->channels[i].baseline_counts))
            return false;
    }
    return !c->rules || xw_ecg_rules_check(c->rules, NULL) == 0;
}

/* The configuration without its pointers and without padding, as text. */
static void hash_config(const struct xw_ecg_config *c, char *ret_text)
{
    double value[4 + 9 * XW_ECG_CHANNELS_MAX];
    unsigned n = 0;
    value[n++] = c->rate_num;
    value[n++] = c->rate_den;
    value[n++] = c->channels_n;
    value[n++] = c->mains_hz;
    for (unsigned i = 0; i < c->channels_n; i++) {
        const struct xw_ecg_channel *ch = &c->channels[i];
        value[n++] = ch->lead;
        value[n++] = ch->gain_counts_per_mv;
        value[n++] = ch->baseline_counts;
        value[n++] = ch->has_invalid;
        value[n++] = ch->has_invalid ? ch->invalid_counts : 0;
        value[n++] = ch->has_limits;
        value[n++] = ch->has_limits ? ch->min_counts : 0;
        value[n++] = ch->has_limits ? ch->max_counts : 0;
    }
    xw_dsp_sha256_text(value, n * sizeof(value[0]), ret_text);
}

static int init_bank(struct xw_ecg_chain *chain)
{
    static_assert((int)XW_ECG_AVB_STEP == (int)XW_ECG_HOP, "a hop is a frame of the P wave search");
    static_assert(XW_ECG_KERNEL_TAPS + XW_ECG_BANK_HOP - 1 <= XW_ECG_FFT,
                  "overlap-save needs room");
    static_assert(XW_ECG_BANK_HOP % XW_ECG_HOP == 0 && XW_ECG_ANALYSIS_HZ % XW_ECG_BANK_HOP == 0 &&
                      (int)XW_ECG_BANK_HOP <= (int)XW_ECG_SIGNAL_WINDOW,
                  "the bank's hop ends with a hop and with a second");
    float kernels[XW_ECG_BANDS][XW_ECG_KERNEL_TAPS], delay_n[XW_ECG_BANDS];
    const float *pointers[XW_ECG_BANDS];
    xw_ecg_quality_kernels(kernels, delay_n);
    for (unsigned i = 0; i < XW_ECG_BANDS; i++)
        pointers[i] = kernels[i];
    return xw_dsp_bank_init(&chain->bank, chain->config.channels_n, chain->signal.lanes,
                            XW_ECG_BANK_HOP, XW_ECG_FFT, XW_ECG_BANDS, pointers, XW_ECG_KERNEL_TAPS,
                            delay_n);
}

static int init_stages(struct xw_ecg_chain *chain)
{
    unsigned leads_n = chain->config.channels_n;
    int error = xw_ecg_front_init(&chain->front, &chain->config);
    if (!error)
        error = xw_ecg_signal_init(&chain->signal, leads_n);
    if (!error)
        error = init_bank(chain);
    if (!error)
        error = xw_ecg_detect_init(&chain->detect, &chain->signal);
    if (!error)
        error = xw_ecg_vf_init(&chain->vf);
    if (!error)
        error = xw_ecg_avblock_init(&chain->avblock, leads_n);
    if (error)
        return error;
    xw_ecg_quality_init(&chain->quality, leads_n, chain->signal.lanes);
    xw_ecg_af_init(&chain->af, NULL, chain->rate_hz);
    xw_ecg_alarm_init(&chain->alarm);
    xw_ecg_st_init(&chain->st, &chain->config);
    return xw_ecg_beat_init(&chain->beat, leads_n);
}

static void use_rules(struct xw_ecg_chain *chain, const struct xw_ecg_rules *rules)
{
    chain->rules = *rules;
    xw_ecg_rules_hash(rules, chain->rules_hash);
    xw_ecg_emit_rules(&chain->emit, &chain->rules);
    chain->af.limit = rules->af_limit;
}

int xw_ecg_chain_set_rules(struct xw_ecg_chain *chain, const struct xw_ecg_rules *rules)
{
    int result = xw_ecg_rules_check(rules, NULL);
    if (result == 0)
        use_rules(chain, rules);
    return result;
}

int xw_ecg_chain_new(const struct xw_ecg_config *config, struct xw_ecg_chain **ret_chain)
{
    if (!is_valid(config) || !ret_chain)
        return -EINVAL;
    struct xw_ecg_chain *chain = xw_dsp_calloc(1, sizeof(*chain));
    if (!chain)
        return -ENOMEM;
    chain->config = *config;
    chain->config.rules = NULL; /* ours is chain->rules */
    chain->rate_hz = (double)config->rate_num / config->rate_den;
    hash_config(config, chain->config_hash);
    int error = init_stages(chain);
    if (error) {
        xw_ecg_chain_free(chain);
        return error;
    }
    struct xw_ecg_rules otherwise;
    xw_ecg_rules_default(&otherwise);
    use_rules(chain, config->rules ? config->rules : &otherwise);
    chain->emit.on_event = config->on_event;
    chain->emit.user = config->user;
    chain->emit.rate_hz = chain->rate_hz;
    xw_ecg_chain_reset(chain, config->first_sample);
    *ret_chain = chain;
    return 0;
}

void xw_ecg_chain_free(struct xw_ecg_chain *chain)
{
    if (!chain)
        return;
    xw_ecg_front_done(&chain->front);
    xw_ecg_signal_done(&chain->signal);
    xw_dsp_bank_done(&chain->bank);
    xw_ecg_detect_done(&chain->detect);
    xw_ecg_beat_done(&chain->beat);
    xw_ecg_vf_done(&chain->vf);
    xw_ecg_avblock_done(&chain->avblock);
    free(chain);
}

int64_t xw_ecg_chain_raw(const struct xw_ecg_chain *chain, double t)
{
    return chain->origin + llround(xw_ecg_front_raw_time(&chain->front, t));
}

/* Leads that came, went or were noisy lately are searched for beats of another size than theirs:
 * what moves like a QRS on a good one then is no silence, though no beat was seen. */
static void judge_swings(struct xw_ecg_chain *chain)
{
    const struct xw_ecg_quality *q = &chain->quality;
    chain->disturbed_s =
        q->off | q->noisy ? DISTURBED_S : chain->disturbed_s - (chain->disturbed_s > 0);
    chain->alarm.swinging = chain->disturbed_s && xw_ecg_detect_swings(&chain->detect, q->usable);
    if (chain->alarm.swinging)
        chain->alarm.swung_until = chain->emit.now;
}

static void each_second(struct xw_ecg_chain *chain, int64_t frame)
{
    int64_t begin = xw_ecg_chain_raw(chain, (double)(frame - XW_ECG_ANALYSIS_HZ));
    begin = begin > chain->origin ? begin : chain->origin;
    uint32_t off = chain->quality.off;
    xw_ecg_quality_second(&chain->quality, &chain->detect, &chain->emit, begin);
    xw_ecg_detect_second(&chain->detect, !(chain->quality.noisy | chain->quality.off),
                         chain->quality.cannot_see);
    /* An electrode that falls or comes back makes beats of its own on all leads that it is part of,
     * and those after it look another way until that is known. */
    unsigned changed_n = (unsigned)__builtin_popcount(chain->quality.off ^ off);
    bool few_left = 2 * (unsigned)__builtin_popcount(chain->quality.off) > chain->config.channels_n;
    if (changed_n && 4 * changed_n >= chain->config.channels_n)
        xw_ecg_pattern_cover(
            &chain->pattern, begin - (int64_t)chain->rate_hz,
            xw_ecg_chain_raw(chain, (double)frame) +
                (int64_t)((few_left ? FEW_LEFT_S : AFTER_ELECTRODE_S) * chain->rate_hz));
    xw_ecg_detect_set_loud(&chain->detect, xw_ecg_quality_loud(&chain->quality));
    int64_t next_second = chain->emit.now + (int64_t)chain->rate_hz;
    chain->alarm.upset = chain->quality.upset;
    if (chain->quality.upset)
        chain->alarm.doubted_until = next_second;
    judge_swings(chain);
    /* Not for ever: a heart that stops as the noise begins has no beats left by which the good
     * leads could gain the say. */
    bool rules =
        xw_ecg_detect_share(&chain->detect, chain->quality.noisy, chain->quality.off) > NOISE_RULES;
    chain->noise_rules_s = rules ? chain->noise_rules_s + 1 : 0;
    if (rules || chain->quality.upset)
        xw_ecg_pattern_cover(&chain->pattern, begin, next_second);
    if (rules && chain->noise_rules_s <= NOISE_RULES_S)
        chain->alarm.hidden_until = chain->emit.now;
    struct xw_ecg_vf_beats recent = xw_ecg_alarm_recent(&chain->alarm, &chain->emit);
    /* A lead that came back swings like a heart that fibrillates. */
    xw_ecg_vf_second(&chain->vf, &chain->signal, frame,
                     chain->quality.usable & chain->quality.settled, chain->quality.range_uv,
                     &recent);
    xw_ecg_alarm_vf(&chain->alarm, &chain->emit, &chain->vf);
    xw_ecg_st_second(&chain->st, &chain->emit, chain->quality.usable);
    xw_ecg_chain_revise(chain, false);
    bool barred = chain->vf.active || chain->vf.suspected || chain->alarm.asystole.open ||
                  chain->quality.cannot_see;
    xw_ecg_avblock_second(&chain->avblock, &chain->emit, chain->quality.usable,
                          chain->alarm.fibrillating || chain->flutter.active || barred);
    if (xw_ecg_flutter_second(&chain->flutter, &chain->avblock, &chain->emit,
                              chain->quality.usable & chain->quality.settled,
                              barred || chain->alarm.vt.open))
        xw_ecg_alarm_flutter(&chain->alarm, &chain->emit, &chain->flutter);
    int64_t centre = xw_ecg_chain_raw(chain, (double)frame - XW_ECG_ANALYSIS_HZ / 2.0);
    xw_ecg_hrv_second(&chain->hrv, &chain->emit, centre, !chain->quality.cannot_see);
    if (++chain->second_n % 5 == 0 && chain->emit.hr_bpm > 0) {
        struct xw_ecg_event event = xw_ecg_emit_draft(&chain->emit, XW_ECG_KIND_MEASURE,
                                                      XW_ECG_MEASURE_HEART_RATE, "heart-rate", 1);
        xw_ecg_emit_new(&chain->emit, &event);
    }
}

static void hop(struct xw_ecg_chain *chain)
{
    chain->hop_n += XW_ECG_HOP;
    if (!chain->ending)
        xw_ecg_avblock_push(&chain->avblock, &chain->signal, chain->hop_n - XW_ECG_HOP);
    if (!chain->ending && chain->hop_n % XW_ECG_BANK_HOP == 0) {
        int64_t first = chain->hop_n - XW_ECG_BANK_HOP;
        xw_dsp_bank_push(&chain->bank, xw_ecg_signal_frame(&chain->signal, first));
        xw_ecg_quality_hop(&chain->quality, &chain->signal, &chain->bank, first, XW_ECG_BANK_HOP);
    }
    xw_ecg_detect_step(&chain->detect);
    xw_ecg_chain_beats(chain);
    if (chain->ending)
        return;
    if (chain->hop_n % XW_ECG_ANALYSIS_HZ == 0)
        each_second(chain, chain->hop_n);
    xw_ecg_alarm_tick(&chain->alarm, &chain->emit, &chain->vf, chain->quality.cannot_see,
                      chain->open_n > 0);
}

static void advance(struct xw_ecg_chain *chain)
{
    while (chain->signal.n - chain->hop_n >= XW_ECG_HOP)
        hop(chain);
}

void xw_ecg_chain_process(struct xw_ecg_chain *chain, const int32_t *x, size_t n)
{
    unsigned channels_n = chain->config.channels_n;
    for (size_t i = 0; i < n; i++, x += channels_n) {
        unsigned made_n = xw_ecg_front_push(&chain->front, x, &chain->signal);
        chain->emit.now = ++chain->next;
        chain->samples_n++;
        if (made_n)
            advance(chain);
    }
}

void xw_ecg_chain_set_lead_off(struct xw_ecg_chain *chain, uint32_t lead_mask)
{
    chain->front.lead_off = lead_mask & ((1U << chain->config.channels_n) - 1);
}

void xw_ecg_chain_set_pulses(struct xw_ecg_chain *chain, const struct xw_ecg_pulse *const *pulses,
                             unsigned n)
{
    chain->alarm.pulses_n = n < XW_ECG_PULSES_MAX ? n : XW_ECG_PULSES_MAX;
    for (unsigned i = 0; i < chain->alarm.pulses_n; i++)
        chain->alarm.pulse[i] = pulses[i];
}

/* All that the samples so far can tell is told. */
static void finish(struct xw_ecg_chain *chain)
{
    if (chain->next > chain->origin) {
        int64_t end = chain->signal.n;
        chain->ending = true;
        chain->end_frame = end;
        for (unsigned i = 0; i < (unsigned)(PAD_S * chain->rate_hz) + 8; i++)
            if (xw_ecg_front_hold(&chain->front, &chain->signal))
                advance(chain);
        xw_ecg_detect_flush(&chain->detect, end);
        xw_ecg_chain_beats(chain);
        chain->ending = false;
    }
    xw_ecg_chain_revise(chain, true);
    while (xw_ecg_af_waiting(&chain->af))
        if (xw_ecg_af_finish(&chain->af))
            xw_ecg_chain_atria(chain);
    xw_ecg_pattern_close(&chain->pattern, &chain->emit, chain->next);
    xw_ecg_avblock_close(&chain->avblock, &chain->emit, chain->next);
    xw_ecg_alarm_close(&chain->alarm, &chain->emit, chain->next);
    xw_ecg_st_close(&chain->st, &chain->emit, chain->next);
    xw_ecg_quality_close(&chain->quality, &chain->emit, chain->next);
}

static void begin(struct xw_ecg_chain *chain, int64_t first_sample)
{
    chain->origin = chain->next = chain->emit.now = first_sample;
    chain->hop_n = chain->second_n = 0;
    chain->noise_rules_s = 0;
    chain->disturbed_s = DISTURBED_S;
    chain->last_beat = -1;
    chain->last_normal = false;
    chain->open_n = 0;
    memset(chain->said, 0, sizeof(chain->said));
    xw_ecg_front_reset(&chain->front);
    xw_ecg_signal_reset(&chain->signal);
    xw_dsp_bank_reset(&chain->bank);
    xw_ecg_vf_reset(&chain->vf);
    xw_ecg_af_reset(&chain->af);
    chain->last_code = XW_ECG_CODE_NONE;
    xw_ecg_st_reset(&chain->st);
    xw_ecg_quality_reset(&chain->quality);
    xw_ecg_alarm_reset(&chain->alarm, first_sample);
    xw_ecg_pattern_reset(&chain->pattern);
    xw_ecg_avblock_reset(&chain->avblock);
    xw_ecg_flutter_reset(&chain->flutter);
    chain->emit.hr_bpm = 0;
}

void xw_ecg_chain_gap(struct xw_ecg_chain *chain, int64_t next_sample)
{
    finish(chain);
    bool was_blind = chain->quality.cannot_see || chain->quality.upset || chain->detect.loud;
    xw_ecg_hrv_gap(&chain->hrv);
    int64_t missing_n = next_sample > chain->next ? next_sample - chain->next : 0;
    begin(chain, chain->next + missing_n);
    chain->gaps_n++;
    if ((double)missing_n <= KEEP_LEVELS_S * chain->rate_hz) {
        xw_ecg_detect_resume(&chain->detect);
        if (was_blind)
            xw_ecg_detect_recall(&chain->detect);
        xw_ecg_beat_resume(&chain->beat);
        return;
    }
    xw_ecg_detect_reset(&chain->detect);
    xw_ecg_beat_reset(&chain->beat);
}

void xw_ecg_chain_flush(struct xw_ecg_chain *chain)
{
    finish(chain);
    xw_ecg_hrv_flush(&chain->hrv, &chain->emit);
}

void xw_ecg_chain_reset(struct xw_ecg_chain *chain, int64_t first_sample)
{
    begin(chain, first_sample < 0 ? 0 : first_sample);
    chain->front.lead_off = 0;
    chain->run_first = chain->origin;
    xw_ecg_hrv_reset(&chain->hrv, chain->config.rate_num, chain->config.rate_den, chain->origin);
    xw_ecg_detect_reset(&chain->detect);
    xw_ecg_beat_reset(&chain->beat);
}

struct xw_ecg_delays xw_ecg_chain_delay(const struct xw_ecg_chain *chain)
{
    double frame = chain->rate_hz / XW_ECG_ANALYSIS_HZ;
    double front = xw_ecg_front_delay(&chain->front);
    double top = front + (XW_ECG_DETECT_HALF + XW_ECG_HOP + XW_ECG_BEAT_REACH) * frame;
    struct xw_ecg_delays d;
    d.bank_n = (uint32_t)ceil((double)xw_dsp_bank_delay(&chain->bank, XW_ECG_BAND_QRS) * frame);
    d.provisional_n = (uint32_t)ceil(top + XW_ECG_DETECT_PEAK * frame);
    d.final_n = (uint32_t)ceil(top + XW_ECG_DETECT_WAIT * frame);
    return d;
}

struct xw_ecg_stats xw_ecg_chain_stats(const struct xw_ecg_chain *chain)
{
    return (struct xw_ecg_stats){
        .samples_n = (uint64_t)chain->samples_n,
        .events_n = chain->emit.events_n,
        .beats_n = chain->beats_n,
        .late_n = chain->late_n,
        .invalid_n = chain->front.bad_values_n,
        .gaps_n = chain->gaps_n,
    };
}

const char *xw_ecg_isa(void)
{
#if defined(__AVX512F__)
    return "x86-64 avx512";
#elif defined(__AVX2__)
    return "x86-64 avx2";
#elif defined(__SSE2__)
    return "x86-64 sse2";
#elif defined(__aarch64__)
    return "aarch64";
#else
    return "generic";
#endif
}

void xw_ecg_chain_run(const struct xw_ecg_chain *chain, struct xw_ecg_run *ret_run)
{
    memset(ret_run, 0, sizeof(*ret_run));
    ret_run->code_version = CODE_VERSION;
    memcpy(ret_run->table_hash, table_hash, sizeof(table_hash));
    memcpy(ret_run->config_hash, chain->config_hash, sizeof(chain->config_hash));
    ret_run->isa = xw_ecg_isa();
    ret_run->first_sample = chain->run_first;
    ret_run->has_rules = true;
    ret_run->rules_version = chain->rules.version;
    memcpy(ret_run->rules_hash, chain->rules_hash, sizeof(chain->rules_hash));
}
