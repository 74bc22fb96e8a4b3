/* xinwang-dicom: takes ECGs from devices by C-STORE into the folder that the gateway watches, and
 * brings files of an outbox to an archive (PACS) by C-STORE.
 *
 * Each association and each sending is a child process with limits of its own on time, memory and
 * file size: a peer that is hostile or hangs costs one child. A received object is answered with
 * success only when it is durable in the folder under its final name. A file leaves the outbox only
 * after the archive has answered with success; the object that is made of a file is the same each
 * time, with the same instance UID, so that what is sent again after a kill replaces itself there.
 *
 * Threads: none. Errors: 0 or a negative errno. Logs name no file, no patient, no UID. */
#ifndef XW_DICOM_DICOM_H
#define XW_DICOM_DICOM_H

#include "base/base.h"
#include "base/config.h"

#ifdef __cplusplus
extern "C" {
#endif

struct xw_dicom_config {
    /* [receive] */
    char *receive_address, *receive_dir, *receive_aet;
    int64_t receive_port, receive_connections, receive_connections_each, receive_file_max_bytes;
    int64_t receive_timeout_us;
    int64_t receive_waiting_max;
    struct xw_config_list receive_from;
    /* [send] */
    char *send_host, *send_dir, *send_aet, *send_called;
    int64_t send_port, send_retry_us, send_timeout_us;
};

extern const struct xw_config_schema xw_dicom_schema;
XW_MUST_CHECK int xw_dicom_config_check(const void *values, struct xw_config_error *ret_error);

enum { XW_DICOM_TEXT_N = 256 };

/* One association on an accepted socket, to its end (receive.cc). In a child. 0, or -EPROTO. */
int xw_dicom_receive(const struct xw_dicom_config *config, int fd);

/* What became of a file that was to be sent: the exit status of the child. */
enum xw_dicom_sent {
    XW_DICOM_SENT = 0,
    XW_DICOM_LATER = 10,  /* the archive is away or short of something */
    XW_DICOM_BROKEN = 11, /* the file, or the archive will never take it */
};
/* Sends one file (send.cc). In a child. The reason goes to ret_text. */
enum xw_dicom_sent xw_dicom_send(const struct xw_dicom_config *config, const char *path,
                                 char ret_text[XW_DICOM_TEXT_N]);

/* ---- the outbox (outbox.c) ---- */

/* The file that waits longest of those behind *after, which becomes its own place in the order;
 * behind the last of them the first again (0: from the beginning). 1 and its name, 0 for none.
 * ret_waiting_n: all that wait. */
XW_MUST_CHECK int xw_outbox_next(const char *dir, int64_t *after, char *ret_name, size_t name_size,
                                 uint32_t *ret_waiting_n);
/* What was received, from its temporary file to NAME.dcm, or another name where that one waits
 * already: devices use an instance UID twice, and both were answered with success. Durable; the
 * bytes must be already. Temporary files begin with XW_OUTBOX_TEMPORARY; xw_outbox_make removes
 * those of an earlier process. */
XW_MUST_CHECK int xw_outbox_place(const char *dir, const char *temporary, const char *name);
#define XW_OUTBOX_TEMPORARY ".in-"
/* Away with it: to `quarantine` with the reason beside it, or for good (reason NULL). Durable. */
XW_MUST_CHECK int xw_outbox_done(const char *dir, const char *name, const char *reason);
XW_MUST_CHECK int xw_outbox_make(const char *dir);
/* Regular files of the folder that are no temporary ones, at most `most`. */
uint32_t xw_outbox_count(const char *dir, uint32_t most);

/* A whole file, for C++, which can not read our headers of files; free() it. */
XW_MUST_CHECK int xw_dicom_read(const char *path, size_t max, uint8_t **ret_data, size_t *ret_n);

/* Until SIGTERM or SIGINT. 0 or a negative errno. */
int xw_dicom_serve(const struct xw_dicom_config *config);

#ifdef __cplusplus
}
#endif
#endif
