// Writes a DICOM waveform object: 12-lead, general or ambulatory ECG, by what the samples are.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmdata/dcostrmb.h>

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <new>
#include <string>
#include <vector>

extern "C" {
#include "base/uuid.h"
}
#include "formats/dicom.h"

namespace
{

enum { PADDING = -32768 };

// "2.25." and the number that a UUID is.
std::string new_uid()
{
    struct xw_uuid id = xw_uuid_v7(nullptr);
    std::string digits;
    bool left = true;
    while (left) {
        unsigned remainder = 0;
        left = false;
        for (auto &byte : id.b) {
            unsigned v = remainder << 8 | byte;
            byte = static_cast<uint8_t>(v / 10);
            remainder = v % 10;
            left = left || byte;
        }
        digits.insert(digits.begin(), static_cast<char>('0' + remainder));
    }
    return "2.25." + digits;
}

// At most 16 characters, as a DS may have.
std::string decimal(struct xw_wfdb_fraction value)
{
    char text[48];
    xw_formats_print_fraction(value, text, sizeof(text));
    for (int digits = 15; strlen(text) > 16 && digits > 0; digits--)
        snprintf(text, sizeof(text), "%.*g", digits, xw_formats_double(value));
    return text;
}

std::string decimal(double value)
{
    char text[48];
    for (int digits = 10; digits > 0; digits--) {
        snprintf(text, sizeof(text), "%.*g", digits, value);
        if (strlen(text) <= 16)
            break;
    }
    return text;
}

struct writer {
    bool ok;
    void text(DcmItem *item, const DcmTagKey &tag, const std::string &value)
    {
        ok = ok && item->putAndInsertString(tag, value.c_str()).good();
    }
    void u16(DcmItem *item, const DcmTagKey &tag, unsigned value)
    {
        ok = ok && item->putAndInsertUint16(tag, static_cast<Uint16>(value)).good();
    }
    void u32(DcmItem *item, const DcmTagKey &tag, uint32_t value)
    {
        ok = ok && item->putAndInsertUint32(tag, value).good();
    }
    DcmItem *item(DcmItem *parent, const DcmTagKey &tag)
    {
        DcmItem *made = nullptr;
        ok = ok && parent->findOrCreateSequenceItem(tag, made, -2).good() && made;
        return made;
    }
    void code(DcmItem *parent, const DcmTagKey &tag, const std::string &value,
              const std::string &scheme, const std::string &meaning)
    {
        DcmItem *one = item(parent, tag);
        if (!ok)
            return;
        text(one, DCM_CodeValue, value);
        text(one, DCM_CodingSchemeDesignator, scheme);
        if (scheme == "SCPECG")
            text(one, DCM_CodingSchemeVersion, "1.3");
        text(one, DCM_CodeMeaning, meaning);
    }
};

std::string cut(const char *value, size_t bytes)
{
    size_t n = strnlen(value, bytes + 1);
    if (n > bytes)
        for (n = bytes; n && (static_cast<unsigned char>(value[n]) & 0xc0) == 0x80;)
            n--;
    std::string out(value, n);
    for (auto &c : out)
        if (c == '\\' || c == '^' || c == '=')
            c = ' ';
    return out;
}

std::string date_of(const struct xw_formats_time *t)
{
    char text[16];
    snprintf(text, sizeof(text), "%04d%02d%02d", t->year % 10000, t->month % 100, t->day % 100);
    return t->has_date ? text : "";
}

std::string time_of(const struct xw_formats_time *t)
{
    char text[24];
    unsigned ms = static_cast<unsigned>(t->ms_of_day);
    snprintf(text, sizeof(text), "%02u%02u%02u.%03u", ms / 3600000 % 24, ms / 60000 % 60,
             ms / 1000 % 60, ms % 1000);
    return t->has_time ? text : "";
}

const char *storage_class(const struct xw_formats_recording *r)
{
    unsigned leads_n = 0;
    int64_t samples_n = 0;
    double rate = 0;
    bool standard = true;
    for (unsigned i = 0; i < r->groups_n; i++) {
        const struct xw_formats_group *g = &r->groups[i];
        if (g->kind != XW_FORMATS_RHYTHM)
            continue;
        leads_n = g->leads_n > leads_n ? g->leads_n : leads_n;
        samples_n = g->samples_n > samples_n ? g->samples_n : samples_n;
        rate = xw_formats_double(g->rate_hz);
        for (unsigned c = 0; c < g->leads_n; c++)
            standard = standard && xw_formats_lead_number(g->leads[c].code) != 0;
    }
    bool in_range = rate >= 200 && rate <= 1000 && r->groups_n <= 4;
    if (in_range && standard && leads_n <= 13 && samples_n <= 16384)
        return UID_TwelveLeadECGWaveformStorage;
    if (in_range && leads_n <= 24 && samples_n <= 65536)
        return UID_GeneralECGWaveformStorage;
    return UID_AmbulatoryECGWaveformStorage;
}

void put_identity(writer &w, DcmDataset *d, const struct xw_formats_recording *r)
{
    const struct xw_formats_patient *p = &r->patient;
    const struct xw_formats_device *device = &r->device;
    std::string name = cut(p->family, 40);
    std::string given = cut(p->given, 20);
    std::string sop_class = storage_class(r);
    char age[8] = "";
    w.text(d, DCM_SpecificCharacterSet, "ISO_IR 192");
    w.text(d, DCM_SOPClassUID, sop_class);
    w.text(d, DCM_SOPInstanceUID, new_uid());
    w.text(d, DCM_StudyDate, date_of(&r->start));
    w.text(d, DCM_ContentDate, date_of(&r->start));
    w.text(d, DCM_AcquisitionDateTime, date_of(&r->start) + time_of(&r->start));
    w.text(d, DCM_StudyTime, time_of(&r->start));
    w.text(d, DCM_ContentTime, time_of(&r->start));
    w.text(d, DCM_AccessionNumber, "");
    w.text(d, DCM_Modality, "ECG");
    w.text(d, DCM_Manufacturer, cut(device->maker, 64));
    w.text(d, DCM_ReferringPhysicianName, "");
    w.text(d, DCM_ManufacturerModelName, cut(device->model, 64));
    w.text(d, DCM_DeviceSerialNumber, cut(device->serial, 64));
    w.text(d, DCM_SoftwareVersions, cut(device->software, 64));
    w.text(d, DCM_PatientName, given.empty() ? name : name + "^" + given);
    w.text(d, DCM_PatientID, cut(p->id, 64));
    w.text(d, DCM_PatientBirthDate, date_of(&p->born));
    w.text(d, DCM_PatientSex, p->sex ? std::string(1, p->sex) : "");
    if (p->has_age && p->age_years >= 0 && p->age_years < 999) {
        snprintf(age, sizeof(age), "%03uY", static_cast<unsigned>(p->age_years) % 1000);
        w.text(d, DCM_PatientAge, age);
    }
    w.text(d, DCM_StudyInstanceUID, new_uid());
    w.text(d, DCM_SeriesInstanceUID, new_uid());
    w.text(d, DCM_StudyID, "");
    w.text(d, DCM_SeriesNumber, "1");
    w.text(d, DCM_InstanceNumber, "1");
    w.ok = w.ok && d->insertEmptyElement(DCM_AcquisitionContextSequence).good();
}

void put_lead_source(writer &w, DcmItem *channel, const struct xw_formats_lead *l)
{
    unsigned number = xw_formats_lead_number(l->code);
    if (number)
        w.code(channel, DCM_ChannelSourceSequence, "2:" + std::to_string(number), "MDC",
               std::string("Lead ") + l->name);
    else
        w.code(channel, DCM_ChannelSourceSequence, cut(l->name, 16), "99XINWANG", cut(l->name, 64));
}

// The scale in uV or in the lead's own unit; the shift brings counts into 16 bits.
int put_channel(writer &w, DcmItem *group, const struct xw_formats_recording *r,
                const struct xw_formats_lead *l, int64_t shift)
{
    DcmItem *channel = w.item(group, DCM_ChannelDefinitionSequence);
    bool ecg = strcmp(l->unit, "mV") == 0;
    struct xw_wfdb_fraction whole = {ecg ? 1000 : 1, 1};
    struct xw_wfdb_fraction step;
    struct xw_wfdb_fraction zero;
    if (!w.ok || xw_formats_divide(whole, l->gain, &step) < 0 ||
        xw_formats_fraction(static_cast<__int128>(shift) * l->baseline.den - l->baseline.num,
                            l->baseline.den, &zero) < 0 ||
        xw_formats_multiply(zero, step, &zero) < 0)
        return -ERANGE;
    put_lead_source(w, channel, l);
    w.text(channel, DCM_ChannelSensitivity, decimal(step));
    w.code(channel, DCM_ChannelSensitivityUnitsSequence, ecg ? "uV" : l->unit, "UCUM",
           ecg ? "microvolt" : l->unit);
    w.text(channel, DCM_ChannelSensitivityCorrectionFactor, "1");
    w.text(channel, DCM_ChannelBaseline, decimal(zero));
    w.text(channel, DCM_ChannelSampleSkew, "0");
    w.u16(channel, DCM_WaveformBitsStored, 16);
    if (r->filters.highpass_hz > 0)
        w.text(channel, DCM_FilterLowFrequency, decimal(r->filters.highpass_hz));
    if (r->filters.lowpass_hz > 0)
        w.text(channel, DCM_FilterHighFrequency, decimal(r->filters.lowpass_hz));
    if (r->filters.notch_hz > 0)
        w.text(channel, DCM_NotchFilterFrequency, decimal(r->filters.notch_hz));
    return 0;
}

int64_t shift_of(const struct xw_formats_group *g, unsigned c, bool *missing, bool *fits)
{
    int64_t min = INT32_MAX;
    int64_t max = INT32_MIN;
    for (int64_t i = 0; i < g->samples_n; i++) {
        int32_t v = g->rows[static_cast<size_t>(i) * g->leads_n + c];
        if (v == XW_FORMATS_NO_SAMPLE) {
            *missing = true;
            continue;
        }
        min = v < min ? v : min;
        max = v > max ? v : max;
    }
    *fits = *fits && (min > max || max - min <= 65534);
    return min <= max && (min <= PADDING || max > INT16_MAX) ? (min + max) / 2 : 0;
}

int put_group(writer &w, DcmDataset *d, const struct xw_formats_recording *r,
              const struct xw_formats_group *g, struct xw_formats_error *ret_error)
{
    DcmItem *item = w.item(d, DCM_WaveformSequence);
    std::vector<Uint16> samples(static_cast<size_t>(g->samples_n) * g->leads_n);
    bool missing = false;
    if (!w.ok)
        return -ENOMEM;
    unsigned rhythms_n = 0;
    for (unsigned i = 0; i < r->groups_n; i++)
        rhythms_n += r->groups[i].kind == XW_FORMATS_RHYTHM;
    if (rhythms_n > 1) // with one group there is nothing that it could be late against
        w.text(item, DCM_MultiplexGroupTimeOffset,
               decimal(static_cast<double>(g->offset_us) / 1000));
    w.text(item, DCM_WaveformOriginality, "ORIGINAL");
    w.u16(item, DCM_NumberOfWaveformChannels, g->leads_n);
    w.u32(item, DCM_NumberOfWaveformSamples, static_cast<uint32_t>(g->samples_n));
    w.text(item, DCM_SamplingFrequency, decimal(g->rate_hz));
    w.text(item, DCM_MultiplexGroupLabel, "RHYTHM");
    for (unsigned c = 0; c < g->leads_n; c++) {
        const struct xw_formats_lead *l = &g->leads[c];
        bool fits = true;
        int64_t shift = shift_of(g, c, &missing, &fits);
        if (!fits)
            return xw_formats_fail(ret_error, ERANGE, l->name, "its values do not fit 16 bits");
        if (put_channel(w, item, r, l, shift) < 0)
            return xw_formats_fail(ret_error, ERANGE, l->name, "its gain cannot be written");
        for (int64_t i = 0; i < g->samples_n; i++) {
            size_t at = static_cast<size_t>(i) * g->leads_n + c;
            int64_t v = g->rows[at] - shift;
            if (g->rows[at] == XW_FORMATS_NO_SAMPLE)
                v = PADDING;

            samples[at] = static_cast<Uint16>(v & 0xffff);
        }
    }
    w.u16(item, DCM_WaveformBitsAllocated, 16);
    w.text(item, DCM_WaveformSampleInterpretation, "SS");
    Uint16 padding = static_cast<Uint16>(PADDING & 0xffff);
    if (missing)
        w.ok = w.ok &&
               item->putAndInsertUint16Array(DcmTag(DCM_WaveformPaddingValue, EVR_OW), &padding, 1)
                   .good();
    w.ok = w.ok && item->putAndInsertUint16Array(DcmTag(DCM_WaveformData, EVR_OW), samples.data(),
                                                 static_cast<unsigned long>(samples.size()))
                       .good();
    return w.ok ? 0 : -ENOMEM;
}

void put_notes(writer &w, DcmDataset *d, const struct xw_formats_recording *r)
{
    const Uint16 all[2] = {1, 0};
    for (size_t i = 0; i < r->measures_n && w.ok; i++) {
        const struct xw_formats_measure *m = &r->measures[i];
        const char *code = nullptr;
        const char *meaning = nullptr;
        if (m->lead != XW_ECG_LEAD_OTHER ||
            !xw_formats_dicom_measure_code(m->code, &code, &meaning))
            continue;
        std::string unit = xw_formats_measure_unit(m->code);
        DcmItem *note = w.item(d, DCM_WaveformAnnotationSequence);
        if (!w.ok)
            return;
        w.code(note, DCM_MeasurementUnitsCodeSequence, unit, "UCUM",
               unit == "ms"    ? "millisecond"
               : unit == "deg" ? "degree"
                               : "per minute");
        w.code(note, DCM_ConceptNameCodeSequence, code, "SCPECG", meaning);
        w.ok = w.ok && note->putAndInsertUint16Array(DCM_ReferencedWaveformChannels, all, 2).good();
        w.u16(note, DCM_AnnotationGroupNumber, 0);
        w.text(note, DCM_NumericValue, decimal(m->value));
    }
    for (size_t i = 0; i < r->statements_n && w.ok; i++) {
        DcmItem *note = w.item(d, DCM_WaveformAnnotationSequence);
        if (!w.ok)
            return;
        w.text(note, DCM_UnformattedTextValue, cut(r->statements[i].text, 255));
        w.ok = w.ok && note->putAndInsertUint16Array(DCM_ReferencedWaveformChannels, all, 2).good();
        w.u16(note, DCM_AnnotationGroupNumber, 1);
    }
}

int encode(DcmFileFormat &file, uint8_t **ret_data, size_t *ret_n)
{
    size_t n = static_cast<size_t>(file.getDataset()->calcElementLength(EXS_LittleEndianExplicit,
                                                                        EET_ExplicitLength)) +
               65536;
    for (size_t grown = 0; grown < 4; grown++, n *= 2) {
        uint8_t *data = static_cast<uint8_t *>(malloc(n));
        if (!data)
            return -ENOMEM;
        DcmOutputBufferStream stream(data, static_cast<offile_off_t>(n));
        file.transferInit();
        OFCondition result =
            file.write(stream, EXS_LittleEndianExplicit, EET_ExplicitLength, nullptr);
        file.transferEnd();
        void *bytes = nullptr;
        offile_off_t length = 0;
        stream.flushBuffer(bytes, length);
        if (result.good() && bytes == data) {
            *ret_data = data;
            *ret_n = static_cast<size_t>(length);
            return 0;
        }
        free(data);
        if (result != EC_StreamNotifyClient)
            return -EIO;
    }
    return -EOVERFLOW;
}

int write(const struct xw_formats_recording *r, uint8_t **ret_data, size_t *ret_n,
          struct xw_formats_error *ret_error)
{
    writer w = {true};
    DcmFileFormat file;
    DcmDataset *d = file.getDataset();
    int e = 0;
    put_identity(w, d, r);
    for (unsigned i = 0; i < r->groups_n && e == 0; i++)
        if (r->groups[i].kind == XW_FORMATS_RHYTHM)
            e = put_group(w, d, r, &r->groups[i], ret_error);
    if (e == -ERANGE)
        return e;
    put_notes(w, d, r);
    if (e == 0 && w.ok)
        e = encode(file, ret_data, ret_n);
    if (e < 0 || !w.ok)
        return xw_formats_fail(ret_error, e < 0 ? -e : ENOMEM, "", "the object cannot be encoded");
    return 0;
}

} // namespace

int xw_formats_dicom_write(const struct xw_formats_recording *r, uint8_t **ret_data, size_t *ret_n,
                           struct xw_formats_error *ret_error)
{
    bool any = false;
    for (unsigned i = 0; i < r->groups_n; i++)
        any = any || r->groups[i].kind == XW_FORMATS_RHYTHM;
    if (!any)
        return xw_formats_fail(ret_error, ENODATA, "", "there is no ECG to be written");
    try {
        return write(r, ret_data, ret_n, ret_error);
    } catch (const std::bad_alloc &) {
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    } catch (...) {
        return xw_formats_fail(ret_error, EIO, "", "the object cannot be encoded");
    }
}
