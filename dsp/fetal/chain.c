/* Counts to rates, and the fetuses in turn, sample by sample: so no cut can be seen. */
#include "dsp/fetal/chain.h"

#include "dsp/core/frame.h"
#include "dsp/core/sha256.h"
#include "dsp/fetal/fetus.h"
#include "dsp/fetal/tables.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FLAG_UC_ZERO = 1 << 14, FLAG_MOVEMENT = 1 << 15, GAP_FILLED_S = 3600 };
static const char CODE_VERSION[] = "xwdsp-fetal 1";
static char table_hash[XW_ECG_HASH_TEXT_BYTES];

struct xw_fetal_chain {
    struct xw_fetal_config config;
    struct xw_fetal_minutes minutes;
    char config_hash[XW_ECG_HASH_TEXT_BYTES];
    struct xw_ecg_emit emit;
    struct xw_fetus fetuses[XW_FETAL_MAX];
    unsigned fetuses_n;
    int fhr_at[XW_FETAL_MAX], mhr_at, flags_at; /* channel of each, -1 = none */
    float *mhr;                                 /* ring with the traces' positions */
    int64_t origin;                             /* index of the sample at position 0 */
    uint32_t flags;                             /* of the sample before */
    int64_t run_first;
    uint64_t samples_n, invalid_n, gaps_n;
};

__attribute__((constructor)) static void hash_tables(void)
{
    xw_dsp_sha256_text(&xw_fetal_tables, sizeof(xw_fetal_tables), table_hash);
}

enum xw_fetal_role xw_fetal_role_from_code(const char *code)
{
    static const char *const CODES[] = {NULL, "FHR1", "FHR2", "FHR3", "MHR", "UC", "FLAGS"};
    for (unsigned i = 1; i < sizeof(CODES) / sizeof(CODES[0]); i++)
        if (!strcmp(CODES[i], code))
            return (enum xw_fetal_role)i;
    return XW_FETAL_ROLE_OTHER;
}

static bool is_valid(const struct xw_fetal_config *c)
{
    unsigned seen = 0;
    if (!c || !c->on_event || !c->rate_num || !c->rate_den || !c->channels_n ||
        c->rate_num > XW_FETAL_RATE_TERM_MAX || c->rate_den > XW_FETAL_RATE_TERM_MAX ||
        c->channels_n > XW_FETAL_CHANNELS_MAX || c->first_sample < 0)
        return false;
    double rate_hz = (double)c->rate_num / c->rate_den;
    if (!(rate_hz >= XW_FETAL_RATE_MIN_HZ && rate_hz <= XW_FETAL_RATE_MAX_HZ))
        return false;
    for (unsigned i = 0; i < c->channels_n; i++) {
        const struct xw_fetal_channel *ch = &c->channels[i];
        if (!isfinite(ch->gain_counts_per_unit) || ch->gain_counts_per_unit < 1e-9 ||
            !isfinite(ch->baseline_counts) || (unsigned)ch->role > XW_FETAL_ROLE_FLAGS)
            return false;
        if (ch->role != XW_FETAL_ROLE_OTHER && (seen & 1U << ch->role))
            return false;
        seen |= 1U << ch->role;
    }
    return seen & 1U << XW_FETAL_ROLE_FHR1;
}

static void hash_config(const struct xw_fetal_config *c, char *ret_text)
{
    double value[3 + 5 * XW_FETAL_CHANNELS_MAX];
    unsigned n = 0;
    value[n++] = c->rate_num;
    value[n++] = c->rate_den;
    value[n++] = c->channels_n;
    for (unsigned i = 0; i < c->channels_n; i++) {
        const struct xw_fetal_channel *ch = &c->channels[i];
        value[n++] = ch->role;
        value[n++] = ch->gain_counts_per_unit;
        value[n++] = ch->baseline_counts;
        value[n++] = ch->has_invalid;
        value[n++] = ch->has_invalid ? ch->invalid_counts : 0;
    }
    xw_dsp_sha256_text(value, n * sizeof(value[0]), ret_text);
}

static int channel_of(const struct xw_fetal_config *c, enum xw_fetal_role role)
{
    for (unsigned i = 0; i < c->channels_n; i++)
        if (c->channels[i].role == role)
            return (int)i;
    return -1;
}

static int add_fetus(struct xw_fetal_chain *chain, unsigned which)
{
    int channel =
        channel_of(&chain->config, (enum xw_fetal_role)((unsigned)XW_FETAL_ROLE_FHR1 + which));
    if (channel < 0)
        return 0;
    unsigned n = chain->fetuses_n;
    int r = xw_fetus_init(&chain->fetuses[n], which, (unsigned)channel, chain->emit.rate_hz);
    if (r < 0)
        return r;
    chain->fhr_at[n] = channel;
    chain->fetuses_n++;
    return 0;
}

int xw_fetal_chain_new(const struct xw_fetal_config *config, struct xw_fetal_chain **ret_chain)
{
    if (!is_valid(config) || !ret_chain)
        return -EINVAL;
    struct xw_fetal_chain *chain = xw_dsp_calloc(1, sizeof(*chain));
    if (!chain)
        return -ENOMEM;
    chain->config = *config;
    chain->minutes = (struct xw_fetal_minutes){config->rate_num, config->rate_den};
    chain->emit.on_event = config->on_event;
    chain->emit.user = config->user;
    chain->emit.rate_hz = (double)config->rate_num / config->rate_den;
    hash_config(config, chain->config_hash);
    chain->mhr_at = channel_of(config, XW_FETAL_ROLE_MHR);
    chain->flags_at = channel_of(config, XW_FETAL_ROLE_FLAGS);
    int r = 0;
    for (unsigned which = 0; which < XW_FETAL_MAX && r == 0; which++)
        r = add_fetus(chain, which);
    if (r == 0 && chain->mhr_at >= 0) {
        chain->mhr = xw_dsp_calloc((size_t)chain->fetuses[0].trace.mask + 1, sizeof(float));
        r = chain->mhr ? 0 : -ENOMEM;
    }
    if (r < 0) {
        xw_fetal_chain_free(chain);
        return r;
    }
    xw_fetal_chain_reset(chain, config->first_sample);
    *ret_chain = chain;
    return 0;
}

void xw_fetal_chain_free(struct xw_fetal_chain *chain)
{
    if (!chain)
        return;
    for (unsigned i = 0; i < chain->fetuses_n; i++)
        xw_fetus_done(&chain->fetuses[i]);
    free(chain->mhr);
    free(chain);
}

static float rate_of(struct xw_fetal_chain *chain, const int32_t *x, int channel)
{
    const struct xw_fetal_channel *ch = &chain->config.channels[channel];
    if (ch->has_invalid && x[channel] == ch->invalid_counts) {
        chain->invalid_n++;
        return 0;
    }
    double bpm = ((double)x[channel] - ch->baseline_counts) / ch->gain_counts_per_unit;
    return bpm > 0 && bpm < 1000 ? (float)bpm : 0;
}

static void say_mark(struct xw_fetal_chain *chain, enum xw_ecg_code code)
{
    struct xw_ecg_event event =
        xw_ecg_emit_draft(&chain->emit, XW_ECG_KIND_MARKER, code, "monitor-flag", 1);
    event.first = event.end = chain->emit.now - 1;
    event.hr_bpm = 0;
    event.lead_mask = 1U << chain->flags_at;
    xw_ecg_emit_new(&chain->emit, &event);
}

static void take_flags(struct xw_fetal_chain *chain, const int32_t *x)
{
    const struct xw_fetal_channel *ch = &chain->config.channels[chain->flags_at];
    bool valid = !ch->has_invalid || x[chain->flags_at] != ch->invalid_counts;
    uint32_t flags = valid ? (uint32_t)x[chain->flags_at] : 0;
    uint32_t risen = flags & ~chain->flags;
    chain->flags = flags;
    if (risen & FLAG_UC_ZERO)
        say_mark(chain, XW_FETAL_UC_ZERO);
    if (risen & FLAG_MOVEMENT)
        say_mark(chain, XW_FETAL_MOVEMENT);
}

/* x NULL: a sample without any value. */
static void take_sample(struct xw_fetal_chain *chain, const int32_t *x)
{
    int64_t at = chain->fetuses[0].trace.n;
    chain->emit.now = chain->origin + at + 1;
    if (chain->mhr)
        chain->mhr[at & chain->fetuses[0].trace.mask] = x ? rate_of(chain, x, chain->mhr_at) : 0;
    for (unsigned i = 0; i < chain->fetuses_n; i++) {
        struct xw_fetus *fetus = &chain->fetuses[i];
        float bpm = x ? rate_of(chain, x, chain->fhr_at[i]) : 0;
        xw_fetus_sample(fetus, &chain->emit, chain->origin, bpm, chain->mhr);
        xw_fetus_advance(fetus, &chain->emit, chain->origin, &chain->minutes, false);
    }
    if (x && chain->flags_at >= 0)
        take_flags(chain, x);
}

void xw_fetal_chain_process(struct xw_fetal_chain *chain, const int32_t *x, size_t n)
{
    for (size_t i = 0; i < n; i++, x += chain->config.channels_n)
        take_sample(chain, x);
    chain->samples_n += n;
}

void xw_fetal_chain_expect(struct xw_fetal_chain *chain, uint32_t fetuses)
{
    for (unsigned i = 0; i < chain->fetuses_n; i++)
        if (fetuses & 1U << chain->fetuses[i].which)
            chain->fetuses[i].seen = true;
}

void xw_fetal_chain_gap(struct xw_fetal_chain *chain, int64_t next_sample)
{
    int64_t missing = next_sample - (chain->origin + chain->fetuses[0].trace.n);
    if (missing <= 0)
        return;
    /* After an hour without signal every window is empty: the rest is a jump of the index. */
    int64_t fill = (int64_t)ceil(GAP_FILLED_S * chain->emit.rate_hz);
    for (int64_t i = 0; i < missing && i < fill; i++)
        take_sample(chain, NULL);
    if (missing > fill)
        chain->origin += missing - fill;
    chain->emit.now = next_sample;
    chain->flags = 0;
    chain->gaps_n++;
}

void xw_fetal_chain_flush(struct xw_fetal_chain *chain)
{
    for (unsigned i = 0; i < chain->fetuses_n; i++) {
        xw_fetus_advance(&chain->fetuses[i], &chain->emit, chain->origin, &chain->minutes, true);
        xw_fetus_end(&chain->fetuses[i], &chain->emit, chain->origin);
    }
}

void xw_fetal_chain_reset(struct xw_fetal_chain *chain, int64_t first_sample)
{
    chain->origin = chain->run_first = first_sample < 0 ? 0 : first_sample;
    chain->emit.now = chain->origin;
    chain->flags = 0;
    for (unsigned i = 0; i < chain->fetuses_n; i++)
        xw_fetus_reset(&chain->fetuses[i]);
}

uint32_t xw_fetal_chain_delay(const struct xw_fetal_chain *chain)
{
    return (uint32_t)chain->fetuses[0].trace.len.hold_n;
}

struct xw_ecg_stats xw_fetal_chain_stats(const struct xw_fetal_chain *chain)
{
    return (struct xw_ecg_stats){.samples_n = chain->samples_n,
                                 .events_n = chain->emit.events_n,
                                 .invalid_n = chain->invalid_n,
                                 .gaps_n = chain->gaps_n};
}

void xw_fetal_chain_run(const struct xw_fetal_chain *chain, struct xw_ecg_run *ret_run)
{
    memset(ret_run, 0, sizeof(*ret_run));
    ret_run->code_version = CODE_VERSION;
    memcpy(ret_run->table_hash, table_hash, sizeof(table_hash));
    memcpy(ret_run->config_hash, chain->config_hash, sizeof(chain->config_hash));
    ret_run->isa = xw_ecg_isa();
    ret_run->first_sample = chain->run_first;
}
