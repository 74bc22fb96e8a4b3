// One association of a device that stores ECGs. In a process of its own.
#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmdata/dctk.h>
#include <dcmtk/dcmnet/dul.h>
#include <dcmtk/dcmnet/scp.h>
#include <dcmtk/oflog/oflog.h>

#include <cerrno>
#include <cstdio>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dicom/dicom.h"

namespace
{

enum { PATH_SIZE = 1024 };

// All that was written is on the disk, the name too.
bool sync_file(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool good = fsync(fd) == 0;
    close(fd);
    return good;
}

class Storage : public DcmSCP
{
  public:
    explicit Storage(const struct xw_dicom_config *config) : config_(config)
    {
    }

  protected:
    OFBool stopAfterCurrentAssociation() override
    {
        return OFTrue;
    }

    OFBool checkCalledAETitleAccepted(const OFString &called) override
    {
        return called == config_->receive_aet;
    }

    OFBool checkCallingAETitleAccepted(const OFString &calling) override
    {
        const struct xw_config_list *from = &config_->receive_from;
        for (size_t i = 0; i < from->n; i++)
            if (calling == from->items[i])
                return OFTrue;
        return from->n == 0;
    }

    OFCondition handleIncomingCommand(T_DIMSE_Message *message,
                                      const DcmPresentationContextInfo &info) override
    {
        if (message->CommandField != DIMSE_C_STORE_RQ)
            return DcmSCP::handleIncomingCommand(message, info);
        T_DIMSE_C_StoreRQ &request = message->msg.CStoreRQ;
        Uint16 status = store(request, info);
        return sendSTOREResponse(info.presentationContextID, request, status);
    }

  private:
    // A name that cannot leave the folder and says nothing of the patient; the same object again
    // has the same one.
    static bool name_of(const T_DIMSE_C_StoreRQ &request, char *name, size_t size)
    {
        size_t n = 0;
        for (const char *p = request.AffectedSOPInstanceUID; *p; p++)
            if ((*p >= '0' && *p <= '9') || *p == '.')
                n++;
            else
                return false;
        return n >= 1 && n <= 64 && request.AffectedSOPInstanceUID[0] != '.' &&
               snprintf(name, size, "%s", request.AffectedSOPInstanceUID) > 0;
    }

    Uint16 store(T_DIMSE_C_StoreRQ &request, const DcmPresentationContextInfo &info)
    {
        char name[80], temporary[PATH_SIZE];
        bool named = name_of(request, name, sizeof(name));
        snprintf(temporary, sizeof(temporary), "%s/" XW_OUTBOX_TEMPORARY "%ld",
                 config_->receive_dir, (long)getpid());
        bool room = xw_outbox_count(config_->receive_dir, (uint32_t)config_->receive_waiting_max) <
                    (uint32_t)config_->receive_waiting_max;
        // The data set comes whatever is answered.
        OFCondition taken =
            receiveSTORERequest(request, info.presentationContextID, OFString(temporary));
        Uint16 status = STATUS_Success;
        if (!named)
            status = STATUS_STORE_Error_CannotUnderstand;
        else if (taken.bad() || !room || !sync_file(temporary) ||
                 xw_outbox_place(config_->receive_dir, temporary, name) < 0)
            status = STATUS_STORE_Refused_OutOfResources;
        if (status != STATUS_Success)
            (void)unlink(temporary);
        return status;
    }

    const struct xw_dicom_config *config_;
};

} // namespace

extern "C" int xw_dicom_receive(const struct xw_dicom_config *config, int fd)
{
    try {
        OFLog::configure(OFLogger::OFF_LOG_LEVEL);
        Storage scp(config);
        OFList<OFString> syntaxes;
        syntaxes.push_back(UID_LittleEndianExplicitTransferSyntax);
        syntaxes.push_back(UID_LittleEndianImplicitTransferSyntax);
        syntaxes.push_back(UID_BigEndianExplicitTransferSyntax);
        static const char *const classes[] = {UID_TwelveLeadECGWaveformStorage,
                                              UID_GeneralECGWaveformStorage,
                                              UID_AmbulatoryECGWaveformStorage};
        for (const char *one : classes)
            if (scp.addPresentationContext(one, syntaxes).bad())
                return -ENOMEM;
        if (scp.setEnableVerification().bad())
            return -ENOMEM;
        Uint32 seconds = (Uint32)(config->receive_timeout_us / 1000000);
        scp.setAETitle(config->receive_aet);
        scp.setHostLookupEnabled(OFFalse);
        scp.setPort((Uint16)config->receive_port);
        scp.setConnectionBlockingMode(DUL_NOBLOCK);
        scp.setConnectionTimeout(seconds);
        scp.setACSETimeout(seconds);
        scp.setDIMSEBlockingMode(DIMSE_NONBLOCKING);
        scp.setDIMSETimeout(seconds);
        scp.setProgressNotificationMode(OFFalse);
        dcmExternalSocketHandle.set(fd); // accepted already
        return scp.listen().good() ? 0 : -EPROTO;
    } catch (...) {
        return -ENOMEM;
    }
}
