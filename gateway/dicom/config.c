/* Every setting of xinwang-dicom. */
#include "dicom/dicom.h"

#include <stdio.h>
#include <string.h>

#define S struct xw_dicom_config
#define SECOND INT64_C(1000000)
#define MIB (INT64_C(1) << 20)

static const struct xw_config_item items[] = {
    XW_CONFIG_STRING(S, receive_address, "receive", "address", "127.0.0.1",
                     "where devices connect; 0.0.0.0 opens the port to the network"),
    XW_CONFIG_INT(S, receive_port, "receive", "port", 0, 65535, NULL, "0",
                  "0 = nothing is received; 11112 is the port registered for DICOM"),
    XW_CONFIG_STRING(S, receive_aet, "receive", "aet", "XINWANG",
                     "our application entity title, 1 to 16 characters"),
    XW_CONFIG_LIST(S, receive_from, "receive", "from", 64, "",
                   "titles of who may send; empty = everybody"),
    XW_CONFIG_PATH(S, receive_dir, "receive", "dir", "",
                   "the folder that the gateway watches (its import.dir)"),
    XW_CONFIG_INT(S, receive_connections, "receive", "connections", 1, 64, NULL, "8",
                  "associations at a time; more are turned away"),
    XW_CONFIG_INT(S, receive_connections_each, "receive", "connections_each", 1, 64, NULL, "4",
                  "of these from one address, so that one peer does not shut out the others"),
    XW_CONFIG_BYTES(S, receive_file_max_bytes, "receive", "file_max", 1024, 256 * MIB, "64MiB",
                    "a larger object is refused (out of resources)"),
    XW_CONFIG_INT(S, receive_waiting_max, "receive", "waiting_max", 1, 4096, "files", "200",
                  "while so many wait in the folder, objects are refused (out of resources): the "
                  "device keeps them"),
    XW_CONFIG_DURATION(S, receive_timeout_us, "receive", "timeout", SECOND, 3600 * SECOND, "30s",
                       "a peer that is silent for so long is cut off; a whole association may take "
                       "twenty times that"),

    XW_CONFIG_STRING(S, send_host, "send", "host", "", "the archive; empty = nothing is sent"),
    XW_CONFIG_INT(S, send_port, "send", "port", 1, 65535, NULL, "104", "its port"),
    XW_CONFIG_STRING(S, send_called, "send", "called", "PACS", "its application entity title"),
    XW_CONFIG_STRING(S, send_aet, "send", "aet", "XINWANG", "ours"),
    XW_CONFIG_PATH(S, send_dir, "send", "dir", "",
                   "the outbox: ECG files of any kind, sent as DICOM, the oldest first, until the "
                   "archive has them (the gateway's import.outbox)"),
    XW_CONFIG_DURATION(S, send_retry_us, "send", "retry", SECOND, 3600 * SECOND, "30s",
                       "how long to wait when the archive did not take something"),
    XW_CONFIG_DURATION(S, send_timeout_us, "send", "timeout", SECOND, 600 * SECOND, "60s",
                       "an archive that does not answer for so long is away"),
};

const struct xw_config_schema xw_dicom_schema = {
    .program = "xinwang-dicom",
    .items = items,
    .items_n = XW_ARRAY_N(items),
    .values_n_bytes = sizeof(struct xw_dicom_config),
};

static bool title_ok(const char *title)
{
    size_t n = strlen(title);
    if (n < 1 || n > 16 || title[0] == ' ' || title[n - 1] == ' ')
        return false;
    for (size_t i = 0; i < n; i++)
        if (title[i] < 0x20 || title[i] > 0x7e || title[i] == '\\')
            return false;
    return true;
}

int xw_dicom_config_check(const void *values, struct xw_config_error *ret_error)
{
    const struct xw_dicom_config *c = values;
    const char *wrong = NULL;
    if (!title_ok(c->receive_aet) || !title_ok(c->send_aet) || !title_ok(c->send_called))
        wrong = "titles: 1 to 16 printable ASCII characters, no backslash";
    else if (c->receive_port && !c->receive_dir[0])
        wrong = "receive.dir: needed with receive.port";
    else if (c->send_host[0] && !c->send_dir[0])
        wrong = "send.dir: needed with send.host";
    else if (c->send_host[0] && c->receive_port && !strcmp(c->send_dir, c->receive_dir))
        wrong = "send.dir: another folder than receive.dir";
    for (size_t i = 0; !wrong && i < c->receive_from.n; i++)
        if (!title_ok(c->receive_from.items[i]))
            wrong = "receive.from: titles of 1 to 16 characters";
    if (!wrong)
        return 0;
    snprintf(ret_error->text, sizeof(ret_error->text), "%s", wrong);
    return -EINVAL;
}
