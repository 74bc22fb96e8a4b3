// DICOM waveforms out of DCMTK's hands into a recording. No exception leaves this file.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/oflog/oflog.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <pthread.h>

#include "formats/dicom.h"

namespace
{

void be_silent()
{
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
}

pthread_once_t once = PTHREAD_ONCE_INIT;

OFString text_of(DcmItem *item, const DcmTagKey &tag)
{
    OFString value;
    if (item && item->findAndGetOFString(tag, value).bad())
        value.clear();
    return value;
}

void copy_text(DcmItem *item, const DcmTagKey &tag, char *dst, size_t size)
{
    OFString value = text_of(item, tag);
    xw_formats_text(dst, size, value.c_str(), value.length());
}

bool decimal_of(DcmItem *item, const DcmTagKey &tag, struct xw_wfdb_fraction *ret)
{
    OFString value = text_of(item, tag);
    return !value.empty() && xw_formats_decimal(value.c_str(), value.length(), ret) == 0;
}

DcmItem *first_item(DcmItem *item, const DcmTagKey &sequence)
{
    DcmItem *found = nullptr;
    if (!item || item->findAndGetSequenceItem(sequence, found, 0).bad())
        return nullptr;
    return found;
}

void name_lead(DcmItem *channel, unsigned index, struct xw_formats_lead *lead)
{
    DcmItem *source = first_item(channel, DCM_ChannelSourceSequence);
    OFString code = text_of(source, DCM_CodeValue);
    OFString scheme = text_of(source, DCM_CodingSchemeDesignator);
    char meaning[XW_FORMATS_TEXT_BYTES];
    copy_text(source, DCM_CodeMeaning, meaning, sizeof(meaning));
    // "2:61" (MDC) and "5.6.3-9-61" (SCPECG) both end with the number of the lead.
    size_t at = scheme == "MDC"      ? code.find(':')
                : scheme == "SCPECG" ? code.rfind('-')
                                     : OFString_npos;
    int64_t number = 0;
    if (at != OFString_npos &&
        xw_formats_whole(code.c_str() + at + 1, code.length() - at - 1, 1, 65535, &number) == 0 &&
        xw_formats_name_lead_number(lead, static_cast<unsigned>(number & 0xff)))
        return;
    if (!meaning[0])
        copy_text(channel, DCM_ChannelLabel, meaning, sizeof(meaning));
    if (!meaning[0])
        snprintf(meaning, sizeof(meaning), "ch%u", index + 1);
    xw_formats_name_lead(lead, meaning);
}

// physical = count x sensitivity x correction + baseline, so that 0 is at -baseline / step.
int scale_lead(DcmItem *channel, struct xw_formats_lead *lead)
{
    struct xw_wfdb_fraction step;
    struct xw_wfdb_fraction correction;
    struct xw_wfdb_fraction baseline;
    struct xw_wfdb_fraction zero;
    OFString unit =
        text_of(first_item(channel, DCM_ChannelSensitivityUnitsSequence), DCM_CodeValue);
    if (!decimal_of(channel, DCM_ChannelSensitivity, &step))
        return -EBADMSG;
    if (decimal_of(channel, DCM_ChannelSensitivityCorrectionFactor, &correction) &&
        xw_formats_multiply(step, correction, &step) < 0)
        return -EBADMSG;
    if (step.num == 0)
        return -EBADMSG;
    if (decimal_of(channel, DCM_ChannelBaseline, &baseline) && baseline.num != 0) {
        if (xw_formats_divide(baseline, step, &zero) < 0)
            return -EBADMSG;
        lead->baseline.num = -zero.num;
        lead->baseline.den = zero.den;
    }
    return xw_formats_set_scale(lead, step, unit.c_str());
}

void take_filters(DcmItem *channel, struct xw_formats_filters *f)
{
    struct xw_wfdb_fraction hz;
    if (decimal_of(channel, DCM_FilterLowFrequency, &hz))
        f->highpass_hz = xw_formats_double(hz);
    if (decimal_of(channel, DCM_FilterHighFrequency, &hz))
        f->lowpass_hz = xw_formats_double(hz);
    if (decimal_of(channel, DCM_NotchFilterFrequency, &hz))
        f->notch_hz = xw_formats_double(hz);
}

struct samples {
    const Uint8 *bytes;
    const Uint16 *words;
    unsigned long n; // of bytes or of words
    unsigned bits;
    bool is_signed;
    bool has_padding;
    uint32_t padding;
};

int32_t sample_at(const struct samples *s, size_t i)
{
    uint32_t v = s->bits == 32 ? s->words[2 * i] | static_cast<uint32_t>(s->words[2 * i + 1]) << 16
                 : s->bits == 16 ? s->words[i]
                 : s->bytes      ? s->bytes[i]
                                 : (s->words[i / 2] >> (8 * (i % 2)) & 0xff);
    uint32_t mask = s->bits == 32 ? 0xffffffffu : (1u << s->bits) - 1;
    if (s->has_padding && v == (s->padding & mask))
        return XW_FORMATS_NO_SAMPLE;
    if (s->is_signed)
        return static_cast<int32_t>(v << (32 - s->bits)) >> (32 - s->bits);
    return v > INT32_MAX ? XW_FORMATS_NO_SAMPLE : static_cast<int32_t>(v);
}

// A padding value amid the counts (0, most often) cannot be told from a value: only one at an end
// of the range is taken for what it says.
bool believable(const struct samples *s)
{
    uint32_t top = s->bits == 32 ? 0xffffffffu : (1u << s->bits) - 1;
    uint32_t v = s->padding & top;
    return s->is_signed ? v == top / 2 || v == top / 2 + 1 : v == top || v == 0;
}

int find_samples(DcmItem *item, uint64_t want, const char *where, struct samples *s,
                 struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    Uint16 bits = 0;
    OFString kind = text_of(item, DCM_WaveformSampleInterpretation);
    if (item->findAndGetUint16(DCM_WaveformBitsAllocated, bits).bad())
        bits = 0;
    if ((bits != 8 || (kind != "SB" && kind != "UB")) &&
        (bits != 16 || (kind != "SS" && kind != "US")) &&
        (bits != 32 || (kind != "SL" && kind != "UL")))
        return xw_formats_fail(ret_error, ENOTSUP, where, "samples of a kind that is not read");
    s->bits = bits;
    s->is_signed = kind[0] == 'S';
    if (item->findAndGetUint16Array(DCM_WaveformData, s->words, &s->n).bad() || !s->words) {
        s->words = nullptr;
        if (bits != 8 || item->findAndGetUint8Array(DCM_WaveformData, s->bytes, &s->n).bad())
            s->bytes = nullptr;
    }
    uint64_t there = s->words ? static_cast<uint64_t>(s->n) * 16 / bits : s->bytes ? s->n : 0;
    if (there < want)
        return xw_formats_fail(ret_error, ENODATA, where, "%llu samples are stated, %llu are there",
                               static_cast<unsigned long long>(want),
                               static_cast<unsigned long long>(there));
    const Uint16 *pad16 = nullptr;
    const Uint8 *pad8 = nullptr;
    unsigned long n = 0;
    if (item->findAndGetUint16Array(DCM_WaveformPaddingValue, pad16, &n).good() && pad16 && n) {
        s->has_padding = true;
        s->padding = pad16[0] | (n > 1 ? static_cast<uint32_t>(pad16[1]) << 16 : 0);
    } else if (item->findAndGetUint8Array(DCM_WaveformPaddingValue, pad8, &n).good() && pad8 && n) {
        s->has_padding = true;
        s->padding = pad8[0];
    }
    if (s->has_padding && !believable(s)) {
        s->has_padding = false;
        xw_formats_warn(r, "%s: its padding value is one of its values: none is taken as missing",
                        where);
    }
    return 0;
}

enum xw_formats_group_kind kind_of(DcmItem *item, unsigned index)
{
    OFString label = text_of(item, DCM_MultiplexGroupLabel);
    for (size_t i = 0; i < label.length(); i++)
        label[i] = static_cast<char>(toupper(static_cast<unsigned char>(label[i])));
    if (label.find("MEDIAN") != OFString_npos || label.find("BEAT") != OFString_npos)
        return XW_FORMATS_MEDIAN;
    if (index && label.empty() && text_of(item, DCM_WaveformOriginality) == "DERIVED")
        return XW_FORMATS_MEDIAN;
    return XW_FORMATS_RHYTHM;
}

int add_group(DcmItem *item, unsigned index, struct xw_formats_recording *r,
              struct xw_formats_error *ret_error)
{
    char where[32];
    Uint16 channels = 0;
    Uint32 n = 0;
    struct xw_wfdb_fraction rate;
    struct xw_wfdb_fraction offset;
    struct xw_formats_group *g;
    struct samples s;
    snprintf(where, sizeof(where), "waveform %u", index + 1);
    memset(&s, 0, sizeof(s));
    if (item->findAndGetUint16(DCM_NumberOfWaveformChannels, channels).bad() ||
        item->findAndGetUint32(DCM_NumberOfWaveformSamples, n).bad() || channels == 0 || n == 0)
        return xw_formats_fail(ret_error, EBADMSG, where, "channels or samples are none");
    if (!decimal_of(item, DCM_SamplingFrequency, &rate) || rate.num <= 0)
        return xw_formats_fail(ret_error, EBADMSG, where, "its sampling frequency is none");
    int e = find_samples(item, static_cast<uint64_t>(channels) * n, where, &s, r, ret_error);
    if (e == 0)
        e = xw_formats_add_group(r, kind_of(item, index), channels, n, &g, ret_error);
    if (e < 0)
        return e;
    g->rate_hz = rate;
    if (decimal_of(item, DCM_MultiplexGroupTimeOffset, &offset) && offset.num > 0 &&
        xw_formats_double(offset) < 4e10)
        g->offset_us = static_cast<int64_t>(xw_formats_double(offset) * 1000);
    for (unsigned c = 0; c < channels; c++) {
        DcmItem *channel = nullptr;
        if (item->findAndGetSequenceItem(DCM_ChannelDefinitionSequence, channel,
                                         static_cast<signed long>(c))
                .bad() ||
            !channel)
            return xw_formats_fail(ret_error, EBADMSG, where, "channel %u is not described", c + 1);
        name_lead(channel, c, &g->leads[c]);
        if (scale_lead(channel, &g->leads[c]) < 0)
            return xw_formats_fail(ret_error, EBADMSG, where,
                                   "channel %u: its sensitivity is missing or none", c + 1);
        take_filters(channel, &r->filters);
    }
    for (size_t i = 0; i < static_cast<size_t>(n) * channels; i++)
        g->rows[i] = sample_at(&s, i);
    return 0;
}

void take_time(DcmDataset *d, struct xw_formats_time *t)
{
    static const struct {
        DcmTagKey date, time;
    } PAIRS[] = {{DCM_AcquisitionDate, DCM_AcquisitionTime},
                 {DCM_ContentDate, DCM_ContentTime},
                 {DCM_StudyDate, DCM_StudyTime}};
    OFString text = text_of(d, DCM_AcquisitionDateTime);
    if (xw_formats_parse_time(text.c_str(), text.length(), t))
        return;
    for (const auto &pair : PAIRS) {
        text = text_of(d, pair.date) + text_of(d, pair.time);
        if (xw_formats_parse_time(text.c_str(), text.length(), t))
            return;
    }
}

void take_identity(DcmDataset *d, struct xw_formats_recording *r)
{
    struct xw_formats_patient *p = &r->patient;
    char name[XW_FORMATS_TEXT_BYTES];
    copy_text(d, DCM_PatientName, name, sizeof(name));
    // The first spelling of up to three, family^given^…
    name[strcspn(name, "=")] = 0;
    size_t n = strcspn(name, "^");
    xw_formats_text(p->family, sizeof(p->family), name, n);
    const char *given = name + n + (name[n] == '^');
    xw_formats_text(p->given, sizeof(p->given), given, strcspn(given, "^"));
    copy_text(d, DCM_PatientID, p->id, sizeof(p->id));
    OFString text = text_of(d, DCM_PatientSex);
    p->sex = text == "M" || text == "F" || text == "O" ? text[0] : '\0';
    text = text_of(d, DCM_PatientBirthDate);
    (void)xw_formats_parse_time(text.c_str(), text.length(), &p->born);
    text = text_of(d, DCM_PatientAge);
    int64_t age;
    if (text.length() == 4 && xw_formats_whole(text.c_str(), 3, 0, 999, &age) == 0) {
        double per_year = text[3] == 'D'   ? 365.2425
                          : text[3] == 'W' ? 52.1775
                          : text[3] == 'M' ? 12
                                           : 1;
        p->has_age = true;
        p->age_years = static_cast<double>(age) / per_year;
    }
    copy_text(d, DCM_Manufacturer, r->device.maker, sizeof(r->device.maker));
    copy_text(d, DCM_ManufacturerModelName, r->device.model, sizeof(r->device.model));
    copy_text(d, DCM_SoftwareVersions, r->device.software, sizeof(r->device.software));
    copy_text(d, DCM_DeviceSerialNumber, r->device.serial, sizeof(r->device.serial));
    take_time(d, &r->start);
}

void take_annotation(DcmItem *item, struct xw_formats_recording *r)
{
    char text[XW_FORMATS_TEXT_BYTES];
    enum xw_formats_measure_code code;
    struct xw_wfdb_fraction value;
    copy_text(item, DCM_UnformattedTextValue, text, sizeof(text));
    if (text[0]) {
        xw_formats_add_statement(r, "", text);
        return;
    }
    DcmItem *concept = first_item(item, DCM_ConceptNameCodeSequence);
    copy_text(concept, DCM_CodeMeaning, text, sizeof(text));
    Uint16 channel = 0; // group and channel; channel 0 is all of them
    (void)item->findAndGetUint16(DCM_ReferencedWaveformChannels, channel, 1);
    if (channel != 0 || !xw_formats_dicom_measure(text, &code) ||
        !decimal_of(item, DCM_NumericValue, &value))
        return;
    OFString unit = text_of(first_item(item, DCM_MeasurementUnitsCodeSequence), DCM_CodeValue);
    double number = xw_formats_double(value);
    if (unit == "s" && strcmp(xw_formats_measure_unit(code), "ms") == 0)
        number *= 1000;
    // An interval of 0 is how a device says that it has none.
    if (number != 0 || strcmp(xw_formats_measure_unit(code), "deg") == 0)
        xw_formats_add_measure(r, code, XW_ECG_LEAD_OTHER, number);
}

int read_dataset(DcmDataset *d, struct xw_formats_recording *r, struct xw_formats_error *ret_error)
{
    DcmSequenceOfItems *waves = nullptr;
    DcmSequenceOfItems *notes = nullptr;
    OFString charset = text_of(d, DCM_SpecificCharacterSet);
    if (d->findAndGetSequence(DCM_WaveformSequence, waves).bad() || !waves)
        return xw_formats_fail(ret_error, ENOTSUP, "", "a DICOM object without waveforms");
    // Without a character set GB 18030 and Latin-1 are told apart as in other files.
    if (!charset.empty() && d->convertToUTF8().bad())
        xw_formats_warn(r, "texts in a character set that could not be converted");
    take_identity(d, r);
    for (unsigned i = 0; i < waves->card(); i++) {
        int e = add_group(waves->getItem(i), i, r, ret_error);
        if (e < 0)
            return e;
    }
    if (r->groups_n == 0)
        return xw_formats_fail(ret_error, ENODATA, "", "the object's list of waveforms is empty");
    if (d->findAndGetSequence(DCM_WaveformAnnotationSequence, notes).good() && notes)
        for (unsigned long i = 0; i < notes->card() && i < 4096; i++)
            take_annotation(notes->getItem(i), r);
    return 0;
}

} // namespace

int xw_formats_dicom_read(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                          struct xw_formats_error *ret_error)
{
    (void)pthread_once(&once, be_silent);
    try {
        DcmInputBufferStream stream;
        DcmFileFormat file;
        stream.setBuffer(data, static_cast<offile_off_t>(n));
        stream.setEos();
        file.transferInit();
        OFCondition result = file.read(stream);
        file.transferEnd();
        if (result.bad() && result != EC_EndOfStream)
            return xw_formats_fail(ret_error, EBADMSG, "", "not a DICOM object that can be read");
        snprintf(r->version, sizeof(r->version), "DICOM");
        return read_dataset(file.getDataset(), r, ret_error);
    } catch (const std::bad_alloc &) {
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    } catch (...) {
        return xw_formats_fail(ret_error, EBADMSG, "", "not a DICOM object that can be read");
    }
}
