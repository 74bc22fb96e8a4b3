/* xinwang-dicom: ECGs by DICOM C-STORE, in from devices and out to an archive. */
#include "base/daemon.h"
#include "base/log.h"
#include "dicom/dicom.h"

#include <sodium.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    static const struct xw_daemon daemon = {
        .program = "xinwang-dicom",
        .summary = "takes ECGs by DICOM C-STORE into the folder that a gateway watches, and sends "
                   "files of an outbox to an archive",
        .config_path = "/etc/xinwang/dicom.conf",
        .schema = &xw_dicom_schema,
        .check = xw_dicom_config_check,
    };
    struct xw_dicom_config config;
    int r = xw_daemon_start(&daemon, argc, argv, &config);
    if (r != 0)
        return r > 0 ? 0 : 2;
    if (sodium_init() < 0) {
        fprintf(stderr, "xinwang-dicom: no source of random numbers\n");
        return 1;
    }
    r = xw_dicom_serve(&config);
    xw_config_done(&xw_dicom_schema, &config);
    xw_log_flush();
    return r < 0 ? 1 : 0;
}
