/* A synthetic patient with its stream header. */
#include "unit/gst/patient.h"

#include "dsp/synth/synth.h"
#include "proto/signal.pb-c.h"

#include <assert.h>
#include <stdlib.h>

int32_t *patient_samples(uint64_t seed, unsigned seconds, const char *scene, unsigned at_s)
{
    struct xw_synth_config config;
    struct xw_synth *synth = NULL;
    xw_synth_config_init(&config);
    config.seed = seed;
    int r = xw_synth_new(&config, &synth);
    assert(r == 0);
    size_t rows = (size_t)seconds * PATIENT_RATE_HZ, before = (size_t)at_s * PATIENT_RATE_HZ;
    int32_t *x = malloc(rows * PATIENT_CHANNELS * sizeof(*x));
    assert(x && before <= rows);
    xw_synth_read(synth, x, before);
    r = scene ? xw_synth_set_scene(synth, scene) : 0;
    assert(r == 0);
    (void)r;
    xw_synth_read(synth, x + before * PATIENT_CHANNELS, rows - before);
    xw_synth_free(synth);
    return x;
}

uint8_t *patient_header(size_t *ret_size)
{
    Xw__StreamHeader header = XW__STREAM_HEADER__INIT;
    Xw__Fraction rate = XW__FRACTION__INIT, gain = XW__FRACTION__INIT;
    Xw__Channel channels[PATIENT_CHANNELS], *list[PATIENT_CHANNELS];
    rate.num = PATIENT_RATE_HZ;
    rate.den = 1;
    gain.num = 1000;
    gain.den = 1;
    for (unsigned c = 0; c < PATIENT_CHANNELS; c++) {
        xw__channel__init(&channels[c]);
        channels[c].code = (char *)xw_synth_lead_name((enum xw_synth_lead)c);
        channels[c].unit = (char *)"mV";
        channels[c].gain = &gain;
        channels[c].adc_min = -32767;
        channels[c].adc_max = 32767;
        list[c] = &channels[c];
    }
    header.modality = XW__MODALITY__MODALITY_ECG;
    header.rate = &rate;
    header.n_channels = PATIENT_CHANNELS;
    header.channels = list;
    size_t n = xw__stream_header__get_packed_size(&header);
    uint8_t *bytes = malloc(n);
    assert(bytes);
    *ret_size = xw__stream_header__pack(&header, bytes);
    return bytes;
}
