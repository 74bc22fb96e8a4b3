/* Stream header to caps and to the analysis chain's configuration. */
#include "gst/header.h"

#include <errno.h>
#include <math.h>
#include <string.h>

GstCaps *xw_gst_header_caps(const Xw__StreamHeader *header)
{
    double rate_hz = (double)header->rate->num / (double)header->rate->den;
    gint rounded = (gint)lround(rate_hz);
    return gst_caps_new_simple("audio/x-raw", "format", G_TYPE_STRING, "S32LE", "layout",
                               G_TYPE_STRING, "interleaved", "rate", G_TYPE_INT, MAX(rounded, 1),
                               "channels", G_TYPE_INT, (gint)header->n_channels, "channel-mask",
                               GST_TYPE_BITMASK, (guint64)0, NULL);
}

/* UCUM units of voltage: how many of them are one mV; 0 = not a voltage. */
static double units_per_mv(const char *unit)
{
    if (!strcmp(unit, "mV"))
        return 1.0;
    if (!strcmp(unit, "uV"))
        return 1e3;
    if (!strcmp(unit, "nV"))
        return 1e6;
    if (!strcmp(unit, "V"))
        return 1e-3;
    return 0.0;
}

int xw_gst_header_ecg_config(const Xw__StreamHeader *header, guint32 mains_hz,
                             struct xw_ecg_config *ret_config)
{
    if (header->modality != XW__MODALITY__MODALITY_ECG &&
        header->modality != XW__MODALITY__MODALITY_HOLTER)
        return -ENOTSUP;
    if (!header->rate || !header->rate->den || header->rate->num > UINT32_MAX ||
        header->rate->den > UINT32_MAX || !header->n_channels ||
        header->n_channels > XW_ECG_CHANNELS_MAX)
        return -ENOTSUP;
    double rate_hz = (double)header->rate->num / (double)header->rate->den;
    if (rate_hz < XW_ECG_RATE_MIN_HZ || rate_hz > XW_ECG_RATE_MAX_HZ)
        return -ENOTSUP;

    struct xw_ecg_config config = {.rate_num = (guint32)header->rate->num,
                                   .rate_den = (guint32)header->rate->den,
                                   .channels_n = (guint32)header->n_channels,
                                   .mains_hz = mains_hz};
    for (size_t c = 0; c < header->n_channels; c++) {
        const Xw__Channel *in = header->channels[c];
        struct xw_ecg_channel *out = &config.channels[c];
        double per_mv = units_per_mv(in->unit);
        if (per_mv == 0.0 || !in->gain || !in->gain->num || !in->gain->den)
            return -ENOTSUP;
        out->lead = xw_ecg_lead_from_name(in->code);
        out->gain_counts_per_mv = (double)in->gain->num / (double)in->gain->den * per_mv;
        out->baseline_counts = in->baseline;
        out->has_invalid = in->has_invalid;
        out->invalid_counts = in->invalid;
        out->has_limits = in->adc_min < in->adc_max;
        out->min_counts = in->adc_min;
        out->max_counts = in->adc_max;
    }
    *ret_config = config;
    return 0;
}

int xw_gst_header_fetal_config(const Xw__StreamHeader *header, struct xw_fetal_config *ret_config)
{
    if (header->modality != XW__MODALITY__MODALITY_CTG || !header->rate || !header->rate->den ||
        header->rate->num > XW_FETAL_RATE_TERM_MAX || header->rate->den > XW_FETAL_RATE_TERM_MAX ||
        !header->n_channels || header->n_channels > XW_FETAL_CHANNELS_MAX)
        return -ENOTSUP;
    double rate_hz = (double)header->rate->num / (double)header->rate->den;
    if (rate_hz < XW_FETAL_RATE_MIN_HZ || rate_hz > XW_FETAL_RATE_MAX_HZ)
        return -ENOTSUP;
    struct xw_fetal_config config = {.rate_num = (guint32)header->rate->num,
                                     .rate_den = (guint32)header->rate->den,
                                     .channels_n = (guint32)header->n_channels};
    bool fhr1 = false;
    for (size_t c = 0; c < header->n_channels; c++) {
        const Xw__Channel *in = header->channels[c];
        struct xw_fetal_channel *out = &config.channels[c];
        if (!in->gain || !in->gain->num || !in->gain->den)
            return -ENOTSUP;
        out->role = xw_fetal_role_from_code(in->code);
        out->gain_counts_per_unit = (double)in->gain->num / (double)in->gain->den;
        out->baseline_counts = in->baseline;
        out->has_invalid = in->has_invalid;
        out->invalid_counts = in->invalid;
        for (size_t d = 0; d < c; d++)
            if (out->role != XW_FETAL_ROLE_OTHER && config.channels[d].role == out->role)
                return -ENOTSUP;
        fhr1 |= out->role == XW_FETAL_ROLE_FHR1;
    }
    if (!fhr1)
        return -ENOTSUP;
    *ret_config = config;
    return 0;
}
