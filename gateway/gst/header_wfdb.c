/* The stream header that a WFDB record amounts to. */
#include "gst/header.h"

#include <errno.h>
#include <string.h>

struct made {
    Xw__StreamHeader header;
    Xw__Fraction rate;
    Xw__Channel *list[XW_WFDB_MAX_SIGNALS];
    Xw__Channel channels[XW_WFDB_MAX_SIGNALS];
    Xw__Fraction gains[XW_WFDB_MAX_SIGNALS];
};

static void make_channel(const struct xw_wfdb_signal *signal, struct made *made, unsigned c)
{
    Xw__Channel *channel = &made->channels[c];
    Xw__Fraction *gain = &made->gains[c];
    xw__channel__init(channel);
    xw__fraction__init(gain);
    enum xw_ecg_lead lead = xw_ecg_lead_from_name(signal->description);
    gain->num = (uint64_t)signal->gain.num;
    gain->den = (uint64_t)signal->gain.den;
    channel->code =
        lead == XW_ECG_LEAD_OTHER ? (char *)signal->description : (char *)xw_ecg_lead_name(lead);
    channel->label = (char *)signal->description;
    channel->unit = (char *)signal->unit;
    channel->gain = gain;
    channel->baseline = signal->baseline;
    channel->has_invalid = true;
    channel->invalid = signal->invalid;
    channel->adc_min = signal->count_min;
    channel->adc_max = signal->count_max;
    made->list[c] = channel;
}

/* CTG: every signal is a fetal monitor's, in the order of the wire, and FHR1 is the first. */
static gboolean is_fetal(const struct xw_wfdb_reader *reader)
{
    struct xw_wfdb_fetal fetal;
    enum xw_fetal_role last = XW_FETAL_ROLE_OTHER;
    for (unsigned c = 0; c < xw_wfdb_reader_channels(reader); c++) {
        if (!xw_wfdb_fetal_signal(xw_wfdb_reader_signal(reader, c), &fetal))
            return FALSE;
        enum xw_fetal_role role = xw_fetal_role_from_code(fetal.code);
        if (role <= last || (c == 0 && role != XW_FETAL_ROLE_FHR1))
            return FALSE;
        last = role;
    }
    return TRUE;
}

static void make_fetal(const struct xw_wfdb_signal *signal, Xw__Channel *channel)
{
    struct xw_wfdb_fetal fetal;
    if (!xw_wfdb_fetal_signal(signal, &fetal))
        return;
    channel->code = (char *)fetal.code;
    channel->unit = (char *)fetal.unit;
    if (fetal.zero_is_none)
        channel->invalid = signal->baseline;
}

int xw_gst_header_from_wfdb(const struct xw_wfdb_reader *reader, guint8 **ret_header,
                            gsize *ret_size)
{
    struct made *made = g_try_new0(struct made, 1);
    if (!made)
        return -ENOMEM;
    struct xw_wfdb_fraction rate = xw_wfdb_reader_rate_hz(reader);
    xw__stream_header__init(&made->header);
    xw__fraction__init(&made->rate);
    made->rate.num = (uint64_t)rate.num;
    made->rate.den = (uint64_t)rate.den;
    gboolean fetal = is_fetal(reader);
    made->header.modality = fetal ? XW__MODALITY__MODALITY_CTG : XW__MODALITY__MODALITY_ECG;
    made->header.rate = &made->rate;
    made->header.n_channels = xw_wfdb_reader_channels(reader);
    made->header.channels = made->list;
    made->header.device_id = (char *)xw_wfdb_reader_header(reader)->record;
    made->header.demo = true;
    for (unsigned c = 0; c < made->header.n_channels; c++) {
        make_channel(xw_wfdb_reader_signal(reader, c), made, c);
        if (fetal)
            make_fetal(xw_wfdb_reader_signal(reader, c), &made->channels[c]);
    }

    gsize size = xw__stream_header__get_packed_size(&made->header);
    guint8 *bytes = g_try_malloc(size);
    if (bytes)
        xw__stream_header__pack(&made->header, bytes);
    g_free(made);
    if (!bytes)
        return -ENOMEM;
    *ret_header = bytes;
    *ret_size = size;
    return 0;
}
