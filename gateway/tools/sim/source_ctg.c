/* A synthetic labour as a source, and what the demo console can do to it. */
#include "source_kind.h"

#include <stdio.h>
#include <string.h>

#include "dsp/synth/ctg.h"

struct labour {
    struct xw_synth_ctg *synth;
    char scene[32]; /* what "normal" goes back to */
};

static void on_event(void *user, uint64_t sample, int fetus, const char *code)
{
    struct xw_sim_source *source = user;
    char text[40];
    if (fetus < 0)
        snprintf(text, sizeof(text), "(%s", code);
    else
        snprintf(text, sizeof(text), "fhr%d-%s", fetus + 1, code);
    source->on_truth(source->user, sample, text);
    if (!strcmp(code, "movement") && source->on_movement)
        source->on_movement(source->user, sample);
}

static int read_labour(struct xw_sim_source *source, int32_t *ret_x, size_t n)
{
    struct labour *labour = source->state;
    xw_synth_ctg_read(labour->synth, ret_x, n);
    return (int)n;
}

static void labour_done(struct xw_sim_source *source)
{
    struct labour *labour = source->state;
    xw_synth_ctg_free(labour->synth);
    free(labour);
}

static int act(struct xw_sim_source *source, const char *action)
{
    struct labour *labour = source->state;
    if (strncmp(action, "ctg_", 4) == 0)
        action += 4;
    if (strcmp(action, "normal") == 0)
        action = labour->scene;
    return xw_synth_ctg_set_scene(labour->synth, action) < 0 ? -EINVAL : 0;
}

static void fill_channel(const struct xw_synth_ctg *synth, unsigned c, struct xw_sim_channel *to)
{
    const char *code = xw_synth_ctg_code(synth, c);
    bool uc = !strcmp(code, "UC"), flags = !strcmp(code, "FLAGS");
    snprintf(to->code, sizeof(to->code), "%s", code);
    snprintf(to->unit, sizeof(to->unit), "%s", uc ? "{toco}" : flags ? "{flags}" : "/min");
    to->gain_num = uc ? XW_SYNTH_CTG_UC_GAIN : flags ? 1 : XW_SYNTH_CTG_RATE_GAIN;
    to->gain_den = 1;
    to->has_invalid = true;
    to->invalid = uc || flags ? -1 : 0;
    to->adc_min = 0;
    to->adc_max = uc ? 255 : flags ? 65535 : 1023;
}

int xw_sim_source_ctg(struct xw_sim_source *source, const struct xw_sim_device_spec *spec,
                      char ret_text[XW_SIM_TEXT_BYTES])
{
    const struct xw_synth_ctg_config config = {.rate_num = spec->rate_hz,
                                               .rate_den = 1,
                                               .seed = spec->source.seed,
                                               .fetuses_n = spec->source.fetuses_n,
                                               .on_event = on_event,
                                               .user = source};
    struct labour *labour = calloc(1, sizeof(*labour));
    if (!labour)
        return -ENOMEM;
    int r = xw_synth_ctg_new(&config, &labour->synth);
    if (r < 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES,
                 "a synthetic CTG has 1 to 8 samples/s, 1 to 3 fetuses");
        free(labour);
        return r;
    }
    source->channels_n = xw_synth_ctg_channels(labour->synth);
    for (unsigned c = 0; c < source->channels_n; c++)
        fill_channel(labour->synth, c, &source->channels[c]);
    bool plain = !strcmp(spec->source.rhythm, "sinus"); /* the default of all sources */
    snprintf(labour->scene, sizeof(labour->scene), "%s", plain ? "normal" : spec->source.rhythm);
    source->modality = XW__MODALITY__MODALITY_CTG;
    source->state = labour;
    source->read = read_labour;
    source->act = act;
    source->done = labour_done;
    r = xw_synth_ctg_set_scene(labour->synth, labour->scene);
    if (r < 0) {
        snprintf(ret_text, XW_SIM_TEXT_BYTES, "unknown scene \"%.31s\"", labour->scene);
        labour_done(source);
        source->done = NULL;
    }
    return r < 0 ? -EINVAL : 0;
}
