/* What a file is, and the one door to all readers. */
#include "base/file.h"
#include "formats/xml.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { SNIFF_BYTES = 64 * 1024 };

/* The beginning of a text of 8 or 16 bits as ASCII; everything else becomes '?'. */
static size_t as_ascii(const uint8_t *data, size_t n, char *text, size_t text_size)
{
    size_t step = 1;
    size_t at = 0;
    size_t out = 0;
    if (n >= 4 && ((data[0] == 0xff && data[1] == 0xfe) || (data[0] == '<' && data[1] == 0)))
        step = 2;
    else if (n >= 4 && ((data[0] == 0xfe && data[1] == 0xff) || (data[0] == 0 && data[1] == '<'))) {
        step = 2;
        at = 1;
    }
    for (; at < n && out + 1 < text_size; at += step)
        text[out++] = data[at] >= 0x20 && data[at] < 0x7f                        ? (char)data[at]
                      : data[at] == '\n' || data[at] == '\t' || data[at] == '\r' ? ' '
                                                                                 : '?';
    text[out] = 0;
    return out;
}

/* The name of the root element, without its prefix; behind comments, declarations, DOCTYPE. */
static bool root_name(const char *text, char *name, size_t size)
{
    const char *at = strchr(text, '<');
    while (at) {
        if (strncmp(at, "<!--", 4) == 0)
            at = strstr(at, "-->");
        else if (at[1] != '?' && at[1] != '!')
            break;
        at = at ? strchr(at + 1, '<') : NULL;
    }
    if (!at)
        return false;
    at++;
    size_t n = strcspn(at, " />");
    const char *colon = memchr(at, ':', n);
    if (colon) {
        n -= (size_t)(colon + 1 - at);
        at = colon + 1;
    }
    snprintf(name, size, "%.*s", (int)(n < size ? n : size - 1), at);
    return true;
}

static enum xw_formats_kind sniff_xml(const uint8_t *data, size_t n)
{
    static const struct {
        const char *root;
        enum xw_formats_kind kind;
    } ROOTS[] = {{"AnnotatedECG", XW_FORMATS_AECG},
                 {"RestingECG", XW_FORMATS_MUSE},
                 {"restingecgdata", XW_FORMATS_SIERRA}};
    char name[64];
    char *text = malloc(SNIFF_BYTES + 1);
    enum xw_formats_kind kind = XW_FORMATS_UNKNOWN;
    if (!text)
        return kind;
    (void)as_ascii(data, n, text, SNIFF_BYTES + 1);
    const char *start = text + strspn(text, " ?"); /* a byte order mark is unprintable */
    if (*start == '<' && root_name(start, name, sizeof(name)))
        for (size_t i = 0; i < sizeof(ROOTS) / sizeof(ROOTS[0]); i++)
            kind = strcmp(name, ROOTS[i].root) == 0 ? ROOTS[i].kind : kind;
    free(text);
    return kind;
}

static bool is_scp(const uint8_t *data, size_t n)
{
    /* Section 0 begins behind the file's CRC and length; its number is 0, and either the mark
     * stands in it, or its first pointer is to itself (a device of old leaves the mark out). */
    if (n < 32 || xw_formats_le16(data + 8) != 0)
        return false;
    if (memcmp(data + 16, "SCPECG", 6) == 0)
        return true;
    uint32_t length = xw_formats_le32(data + 10);
    return length >= 36 && length < 4096 && xw_formats_le16(data + 22) == 0 &&
           xw_formats_le32(data + 24) == length &&
           (xw_formats_le32(data + 28) == 7 || xw_formats_le32(data + 28) == 6);
}

static bool is_dicom(const uint8_t *data, size_t n)
{
    if (n >= 132 && memcmp(data + 128, "DICM", 4) == 0)
        return true;
    /* Without a preamble: group 0008, with a low element and a length that is believable. */
    return n >= 16 && xw_formats_le16(data) == 8 && xw_formats_le16(data + 2) <= 0x18 &&
           ((data[4] >= 'A' && data[4] <= 'Z' && data[5] >= 'A' && data[5] <= 'Z') ||
            (xw_formats_le32(data + 4) < 256 && xw_formats_le32(data + 4) % 2 == 0));
}

static bool is_edf(const uint8_t *data, size_t n)
{
    if (n < 256)
        return false;
    if (data[0] == 0xff)
        return memcmp(data + 1, "BIOSEMI", 7) == 0;
    if (memcmp(data, "0       ", 8) != 0)
        return false;
    for (size_t i = 168; i < 256; i++) /* digits, dots, blanks and a reserved text */
        if (data[i] >= 0x7f)
            return false;
    return true;
}

static bool is_mfer(const uint8_t *data, size_t n)
{
    /* The preamble; or byte order, as the format recommends to begin with. */
    if (n >= 6 && data[0] == 0x40 && memcmp(data + 2, "MFR", 3) == 0)
        return true;
    return n >= 8 && data[0] == 0x01 && data[1] == 1 && data[2] <= 1 &&
           (data[3] == 0x02 || data[3] == 0x03 || data[3] == 0x08 || data[3] == 0x17 ||
            data[3] == 0x16 || data[3] == 0x0b);
}

static bool is_wfdb(const uint8_t *data, size_t n)
{
    struct xw_wfdb_error error;
    struct xw_wfdb_header *header = NULL;
    if (n == 0 || n > XW_WFDB_MAX_HEADER_BYTES || memchr(data, 0, n))
        return false;
    header = malloc(sizeof(*header));
    bool yes = header && xw_wfdb_header_parse((const char *)data, n, header, &error) >= 0;
    if (yes)
        xw_wfdb_header_done(header);
    free(header);
    return yes;
}

enum xw_formats_kind xw_formats_sniff(const uint8_t *data, size_t data_n)
{
    if (is_scp(data, data_n))
        return XW_FORMATS_SCP;
    if (is_dicom(data, data_n))
        return XW_FORMATS_DICOM;
    if (is_mfer(data, data_n))
        return XW_FORMATS_MFER;
    if (is_edf(data, data_n))
        return XW_FORMATS_EDF;
    enum xw_formats_kind kind = sniff_xml(data, data_n);
    if (kind == XW_FORMATS_UNKNOWN && is_wfdb(data, data_n))
        kind = XW_FORMATS_WFDB;
    return kind;
}

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void set_up(void)
{
    xmlInitParser();
}

static int read_kind(const uint8_t *data, size_t n, struct xw_formats_recording *r,
                     struct xw_formats_error *ret_error)
{
    switch (r->kind) {
    case XW_FORMATS_AECG:
        return xw_formats_read_aecg(data, n, r, ret_error);
    case XW_FORMATS_SCP:
        return xw_formats_read_scp(data, n, r, ret_error);
    case XW_FORMATS_DICOM:
        return xw_formats_read_dicom(data, n, r, ret_error);
    case XW_FORMATS_EDF:
        return xw_formats_read_edf(data, n, r, ret_error);
    case XW_FORMATS_MUSE:
        return xw_formats_read_muse(data, n, r, ret_error);
    case XW_FORMATS_SIERRA:
        return xw_formats_read_sierra(data, n, r, ret_error);
    case XW_FORMATS_MFER:
        return xw_formats_read_mfer(data, n, r, ret_error);
    case XW_FORMATS_WFDB:
        return xw_formats_fail(ret_error, ENOTSUP, "",
                               "a WFDB record is several files: open it by its path");
    default:
        return xw_formats_fail(ret_error, ENOTSUP, "", "%s",
                               n ? "the content is of no ECG format that is known"
                                 : "the file is empty");
    }
}

static int finish(struct xw_formats_recording *r, int e,
                  struct xw_formats_recording **ret_recording)
{
    if (e < 0)
        xw_formats_free(r);
    else
        *ret_recording = r;
    return e;
}

int xw_formats_parse(const uint8_t *data, size_t data_n,
                     struct xw_formats_recording **ret_recording,
                     struct xw_formats_error *ret_error)
{
    (void)pthread_once(&once, set_up);
    struct xw_formats_recording *r = calloc(1, sizeof(*r));
    if (!r)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    r->kind = xw_formats_sniff(data, data_n);
    return finish(r, read_kind(data, data_n, r, ret_error), ret_recording);
}

static int open_wfdb(const char *path, struct xw_formats_recording **ret_recording,
                     struct xw_formats_error *ret_error)
{
    struct xw_formats_recording *r = calloc(1, sizeof(*r));
    if (!r)
        return xw_formats_fail(ret_error, ENOMEM, "", "out of memory");
    r->kind = XW_FORMATS_WFDB;
    return finish(r, xw_formats_read_wfdb(path, r, ret_error), ret_recording);
}

int xw_formats_open(const char *path, size_t max_bytes, struct xw_formats_recording **ret_recording,
                    struct xw_formats_error *ret_error)
{
    uint8_t *data = NULL;
    size_t n;
    struct stat st;
    char header[4096];
    int length = snprintf(header, sizeof(header), "%s.hea", path);
    if (stat(path, &st) < 0) {
        int error = errno;
        if (length > 0 && (size_t)length < sizeof(header) && stat(header, &st) == 0)
            return open_wfdb(path, ret_recording, ret_error);
        return xw_formats_fail(ret_error, error, "", "%s", strerror(error));
    }
    if (!S_ISREG(st.st_mode))
        return xw_formats_fail(ret_error, EINVAL, "", "not a file");
    int e = xw_file_read(path, max_bytes ? max_bytes : XW_FORMATS_MAX_FILE_BYTES, &data, &n);
    if (e < 0)
        return xw_formats_fail(ret_error, -e, "", "%s",
                               e == -EOVERFLOW ? "the file is larger than is read" : strerror(-e));
    e = xw_formats_sniff(data, n) == XW_FORMATS_WFDB
            ? open_wfdb(path, ret_recording, ret_error)
            : xw_formats_parse(data, n, ret_recording, ret_error);
    free(data);
    return e;
}
