/* Labours. */
#include "unit/dsp/labour.h"

#include <stdlib.h>
#include <string.h>

void xw_labour_config(struct xw_fetal_config *config, uint32_t rate_num, uint32_t rate_den,
                      unsigned fetuses_n, struct xw_recorder *recorder)
{
    memset(config, 0, sizeof(*config));
    config->rate_num = rate_num;
    config->rate_den = rate_den;
    config->channels_n = fetuses_n + 3;
    config->on_event = xw_recorder_on_event;
    config->user = recorder;
    for (unsigned c = 0; c < config->channels_n; c++) {
        struct xw_fetal_channel *ch = &config->channels[c];
        unsigned role = c < fetuses_n ? XW_FETAL_ROLE_FHR1 + c : XW_FETAL_ROLE_MHR + c - fetuses_n;
        ch->role = (enum xw_fetal_role)role;
        ch->gain_counts_per_unit = role <= XW_FETAL_ROLE_MHR  ? XW_SYNTH_CTG_RATE_GAIN
                                   : role == XW_FETAL_ROLE_UC ? XW_SYNTH_CTG_UC_GAIN
                                                              : 1;
        ch->has_invalid = true;
        ch->invalid_counts = role <= XW_FETAL_ROLE_MHR ? 0 : -1;
    }
}

void xw_labour_read(int32_t *x, size_t n, uint32_t rate_num, uint32_t rate_den, unsigned fetuses_n,
                    uint64_t seed)
{
    const struct xw_synth_ctg_config config = {
        .rate_num = rate_num, .rate_den = rate_den, .seed = seed, .fetuses_n = fetuses_n};
    struct xw_synth_ctg *synth = NULL;
    size_t step = (size_t)rate_num * 600 / rate_den, channels_n = fetuses_n + 3;
    unsigned scenes_n = 0;
    while (xw_synth_ctg_scene_name(scenes_n))
        scenes_n++;
    if (!scenes_n || xw_synth_ctg_new(&config, &synth) < 0)
        abort();
    for (size_t at = 0; at < n; at += step) {
        if (xw_synth_ctg_set_scene(synth, xw_synth_ctg_scene_name((unsigned)(seed % scenes_n))) < 0)
            abort();
        xw_synth_ctg_read(synth, x + at * channels_n, n - at < step ? n - at : step);
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        seed ^= seed >> 33;
    }
    xw_synth_ctg_free(synth);
}
