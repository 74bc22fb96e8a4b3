/* The chain: raw frames to analysis frames, analysis frames in hops of five (20 ms) through all
 * stages. A hop runs when its last frame is known and at no other time, so how the caller cuts the
 * input cannot be seen from outside. */
#include "dsp/ecg/chain.h"
#include "dsp/core/sha256.h"
#include "dsp/ecg/chain_private.h"
#include "dsp/ecg/tables.h"

#include <assert.h>
#include <math.h>

static const double PAD_S = 0.6, KEEP_LEVELS_S = 10;
static const char CODE_VERSION[] = "xwdsp-ecg 1";
static char table_hash[XW_ECG_HASH_TEXT_BYTES];

__attribute__((constructor)) static void hash_tables(void)
{
    xw_dsp_sha256_text(&xw_ecg_tables, sizeof(xw_ecg_tables), table_hash);
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
    return true;
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
    static_assert(XW_ECG_KERNEL_TAPS + XW_ECG_HOP - 1 <= XW_ECG_FFT, "overlap-save needs the room");
    float kernels[XW_ECG_BANDS][XW_ECG_KERNEL_TAPS], delay_n[XW_ECG_BANDS];
    const float *pointers[XW_ECG_BANDS];
    xw_ecg_quality_kernels(kernels, delay_n);
    for (unsigned i = 0; i < XW_ECG_BANDS; i++)
        pointers[i] = kernels[i];
    return xw_dsp_bank_init(&chain->bank, chain->config.channels_n, chain->signal.lanes, XW_ECG_HOP,
                            XW_ECG_FFT, XW_ECG_BANDS, pointers, XW_ECG_KERNEL_TAPS, delay_n);
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
    if (error)
        return error;
    xw_ecg_quality_init(&chain->quality, leads_n, chain->signal.lanes);
    xw_ecg_beat_init(&chain->beat);
    xw_ecg_st_init(&chain->st, &chain->config);
    return 0;
}

int xw_ecg_chain_new(const struct xw_ecg_config *config, struct xw_ecg_chain **ret_chain)
{
    if (!is_valid(config) || !ret_chain)
        return -EINVAL;
    struct xw_ecg_chain *chain = xw_dsp_calloc(1, sizeof(*chain));
    if (!chain)
        return -ENOMEM;
    chain->config = *config;
    chain->rate_hz = (double)config->rate_num / config->rate_den;
    hash_config(config, chain->config_hash);
    int error = init_stages(chain);
    if (error) {
        xw_ecg_chain_free(chain);
        return error;
    }
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
    free(chain);
}

int64_t xw_ecg_chain_raw(const struct xw_ecg_chain *chain, double t)
{
    return chain->origin + llround(xw_ecg_front_raw_time(&chain->front, t));
}

static void each_second(struct xw_ecg_chain *chain, int64_t frame)
{
    int64_t begin = xw_ecg_chain_raw(chain, (double)(frame - XW_ECG_ANALYSIS_HZ));
    begin = begin > chain->origin ? begin : chain->origin;
    xw_ecg_quality_second(&chain->quality, &chain->detect, &chain->emit, begin);
    int64_t window =
        xw_ecg_chain_raw(chain, (double)(frame - XW_ECG_VF_SECONDS * XW_ECG_ANALYSIS_HZ));
    window = window > chain->origin ? window : chain->origin;
    xw_ecg_vf_second(&chain->vf, &chain->signal, frame, chain->quality.usable,
                     chain->quality.range_uv);
    xw_ecg_alarm_vf(&chain->alarm, &chain->emit, &chain->vf, window);
    xw_ecg_st_second(&chain->st, &chain->emit, chain->quality.usable);
    if (++chain->second_n % 5 == 0 && chain->emit.hr_bpm > 0) {
        struct xw_ecg_event event = xw_ecg_emit_draft(&chain->emit, XW_ECG_KIND_MEASURE,
                                                      XW_ECG_MEASURE_HEART_RATE, "heart-rate", 1);
        xw_ecg_emit_new(&chain->emit, &event);
    }
}

static void hop(struct xw_ecg_chain *chain)
{
    int64_t first = chain->hop_n;
    chain->hop_n += XW_ECG_HOP;
    if (!chain->ending) {
        xw_dsp_bank_push(&chain->bank, xw_ecg_signal_frame(&chain->signal, first));
        xw_ecg_quality_hop(&chain->quality, &chain->signal, &chain->bank, first, XW_ECG_HOP);
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

/* All that the samples so far can tell is told. */
static void finish(struct xw_ecg_chain *chain)
{
    if (chain->next > chain->origin) {
        int64_t end = chain->signal.n;
        chain->ending = true;
        for (unsigned i = 0; i < (unsigned)(PAD_S * chain->rate_hz) + 8; i++)
            if (xw_ecg_front_hold(&chain->front, &chain->signal))
                advance(chain);
        xw_ecg_detect_flush(&chain->detect, end);
        xw_ecg_chain_beats(chain);
        chain->ending = false;
    }
    xw_ecg_alarm_close(&chain->alarm, &chain->emit, chain->next);
    xw_ecg_st_close(&chain->st, &chain->emit, chain->next);
    xw_ecg_quality_close(&chain->quality, &chain->emit, chain->next);
}

static void begin(struct xw_ecg_chain *chain, int64_t first_sample)
{
    chain->origin = chain->next = chain->emit.now = first_sample;
    chain->hop_n = chain->second_n = 0;
    chain->last_beat = -1;
    chain->last_normal = false;
    chain->open_n = 0;
    memset(chain->said, 0, sizeof(chain->said));
    xw_ecg_front_reset(&chain->front);
    xw_ecg_signal_reset(&chain->signal);
    xw_dsp_bank_reset(&chain->bank);
    xw_ecg_vf_reset(&chain->vf);
    xw_ecg_st_reset(&chain->st);
    xw_ecg_quality_reset(&chain->quality);
    xw_ecg_alarm_reset(&chain->alarm, first_sample);
    chain->emit.hr_bpm = 0;
}

void xw_ecg_chain_gap(struct xw_ecg_chain *chain, int64_t next_sample)
{
    finish(chain);
    int64_t missing_n = next_sample > chain->next ? next_sample - chain->next : 0;
    begin(chain, chain->next + missing_n);
    chain->gaps_n++;
    if ((double)missing_n <= KEEP_LEVELS_S * chain->rate_hz) {
        xw_ecg_detect_resume(&chain->detect);
        return;
    }
    xw_ecg_detect_reset(&chain->detect);
    xw_ecg_beat_reset(&chain->beat);
}

void xw_ecg_chain_flush(struct xw_ecg_chain *chain)
{
    finish(chain);
}

void xw_ecg_chain_reset(struct xw_ecg_chain *chain, int64_t first_sample)
{
    begin(chain, first_sample < 0 ? 0 : first_sample);
    chain->front.lead_off = 0;
    chain->run_first = chain->origin;
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
}
