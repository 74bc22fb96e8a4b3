// One file to the archive. In a process of its own.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dcistrmb.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmnet/scu.h>
#include <dcmtk/oflog/oflog.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <sodium.h>

#include "dicom/dicom.h"
#include "formats/formats.h"

namespace
{

enum { FILE_MAX = 256 * 1024 * 1024 };

enum xw_dicom_sent say(char *text, enum xw_dicom_sent what, const char *first, const char *second)
{
    snprintf(text, XW_DICOM_TEXT_N, "%s%s%.180s", first, second[0] ? ": " : "", second);
    return what;
}

// 2.25. and a number of 127 bits, from the bytes of the file and what the UID is of: the same file
// gives the same object.
OFString uid_of(const unsigned char hash[32], unsigned char what)
{
    unsigned char input[33], out[32], digits[40];
    memcpy(input, hash, 32);
    input[32] = what;
    crypto_hash_sha256(out, input, sizeof(input));
    out[0] = (unsigned char)(out[0] & 0x7f);
    size_t n = 0;
    for (bool more = true; more && n < sizeof(digits); n++) {
        unsigned rest = 0;
        more = false;
        for (size_t i = 0; i < 16; i++) {
            unsigned v = rest << 8 | out[i];
            out[i] = (unsigned char)(v / 10);
            rest = v % 10;
            more = more || out[i];
        }
        digits[n] = (unsigned char)('0' + rest);
    }
    OFString uid = "2.25.";
    while (n > 0)
        uid += (char)digits[--n];
    return uid;
}

// Of a file that is no DICOM: made anew, always the same.
bool convert(const struct xw_formats_recording *recording, const unsigned char hash[32],
             DcmFileFormat &object, struct xw_formats_error *error)
{
    uint8_t *bytes = nullptr;
    size_t bytes_n = 0;
    if (xw_formats_encode(recording, XW_FORMATS_DICOM, &bytes, &bytes_n, error) < 0)
        return false;
    DcmInputBufferStream stream;
    stream.setBuffer(bytes, (offile_off_t)bytes_n);
    stream.setEos();
    object.transferInit();
    OFCondition read = object.read(stream);
    object.transferEnd();
    object.loadAllDataIntoMemory();
    free(bytes);
    DcmDataset *d = object.getDataset();
    return read.good() && d &&
           d->putAndInsertOFStringArray(DCM_SOPInstanceUID, uid_of(hash, 1)).good() &&
           d->putAndInsertOFStringArray(DCM_SeriesInstanceUID, uid_of(hash, 2)).good() &&
           d->putAndInsertOFStringArray(DCM_StudyInstanceUID, uid_of(hash, 3)).good();
}

// Answers that another try may change: out of resources, and what is not the object's fault.
bool may_change(Uint16 status)
{
    return (status & 0xff00) == 0xa700 || status == 0x0124 || status == 0x0213 || status == 0x0110;
}

enum xw_dicom_sent transfer(const struct xw_dicom_config *config, DcmDataset *d, char *text)
{
    DcmSCU scu;
    OFString sop_class;
    if (d->findAndGetOFString(DCM_SOPClassUID, sop_class).bad() || sop_class.empty())
        return say(text, XW_DICOM_BROKEN, "the object has no SOP class", "");
    OFList<OFString> syntaxes;
    DcmXfer own(d->getOriginalXfer());
    syntaxes.push_back(own.getXferID());
    if (strcmp(own.getXferID(), UID_LittleEndianExplicitTransferSyntax) != 0)
        syntaxes.push_back(UID_LittleEndianExplicitTransferSyntax);
    syntaxes.push_back(UID_LittleEndianImplicitTransferSyntax);
    Uint32 seconds = (Uint32)(config->send_timeout_us / 1000000);
    scu.setAETitle(config->send_aet);
    scu.setPeerHostName(config->send_host);
    scu.setPeerPort((Uint16)config->send_port);
    scu.setPeerAETitle(config->send_called);
    scu.setACSETimeout(seconds);
    scu.setConnectionTimeout((Sint32)seconds);
    scu.setDIMSEBlockingMode(DIMSE_NONBLOCKING);
    scu.setDIMSETimeout(seconds);
    scu.setDatasetConversionMode(OFTrue);
    scu.setVerbosePCMode(OFFalse);
    OFCondition r = scu.addPresentationContext(sop_class, syntaxes);
    if (r.good())
        r = scu.initNetwork();
    if (r.good())
        r = scu.negotiateAssociation();
    if (r.bad())
        return say(text, XW_DICOM_LATER, "no association with the archive", r.text());
    T_ASC_PresentationContextID context = scu.findPresentationContextID(sop_class, "");
    if (context == 0) {
        scu.closeAssociation(DCMSCU_RELEASE_ASSOCIATION);
        return say(text, XW_DICOM_BROKEN, "the archive takes no ECG of this class", "");
    }
    Uint16 status = 0xffff;
    r = scu.sendSTORERequest(context, "", d, status);
    scu.closeAssociation(r.good() ? DCMSCU_RELEASE_ASSOCIATION : DCMSCU_ABORT_ASSOCIATION);
    if (r.bad())
        return say(text, XW_DICOM_LATER, "the archive ended it", r.text());
    // Warnings (Bxxx: elements coerced or left out) say that it is stored.
    if (status == STATUS_Success || (status & 0xf000) == 0xb000)
        return XW_DICOM_SENT;
    char number[8];
    snprintf(number, sizeof(number), "%04x", status);
    return say(text, may_change(status) ? XW_DICOM_LATER : XW_DICOM_BROKEN,
               "the archive refused it with status", number);
}

} // namespace

extern "C" enum xw_dicom_sent xw_dicom_send(const struct xw_dicom_config *config, const char *path,
                                            char ret_text[XW_DICOM_TEXT_N])
{
    uint8_t *bytes = nullptr;
    size_t bytes_n = 0;
    struct xw_formats_recording *recording = nullptr;
    struct xw_formats_error error = {{0}, {0}};
    unsigned char hash[32];
    ret_text[0] = 0;
    try {
        OFLog::configure(OFLogger::OFF_LOG_LEVEL);
        if (xw_dicom_read(path, FILE_MAX, &bytes, &bytes_n) < 0)
            return say(ret_text, XW_DICOM_LATER, "the file can not be read", "");
        crypto_hash_sha256(hash, bytes, bytes_n);
        // What the checks of the library do not pass is not shown to DCMTK.
        int r = xw_formats_parse(bytes, bytes_n, &recording, &error);
        free(bytes);
        if (r < 0)
            return say(ret_text, r == -ENOMEM ? XW_DICOM_LATER : XW_DICOM_BROKEN, error.where,
                       error.text);
        DcmFileFormat object;
        bool good = recording->kind == XW_FORMATS_DICOM
                        ? object.loadFile(path, EXS_Unknown, EGL_noChange).good()
                        : convert(recording, hash, object, &error);
        xw_formats_free(recording);
        if (!good)
            return say(ret_text, XW_DICOM_BROKEN, "no DICOM object can be made of it", error.text);
        return transfer(config, object.getDataset(), ret_text);
    } catch (...) {
        return say(ret_text, XW_DICOM_LATER, "out of memory", "");
    }
}
