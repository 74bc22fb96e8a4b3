/* Header text, a NUL, then the bytes of its file "f": the whole reader over files on disk. Reading
 * forward and reading again after a seek must give the same samples. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wfdb/wfdb.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROWS = 64, MAX_PASSES = 64 };

static char folder[64];

static void remove_folder(void)
{
    char path[128];
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, i ? "f" : "f.hea");
        unlink(path);
    }
    rmdir(folder);
}

static void save(const char *name, const uint8_t *data, size_t size)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    close(fd);
}

static void read_all(struct xw_wfdb_reader *r)
{
    static int32_t rows[ROWS * XW_WFDB_MAX_SIGNALS];
    static int32_t again[ROWS * XW_WFDB_MAX_SIGNALS];
    struct xw_wfdb_error e;
    int64_t n = 1;
    for (int pass = 0; n > 0 && pass < MAX_PASSES; pass++) {
        int64_t at = xw_wfdb_reader_position(r);
        n = xw_wfdb_reader_read(r, rows, ROWS, &e);
        if (n < 0)
            abort(); /* the file does not change: what open accepted is readable */
        if (n == 0 && at != xw_wfdb_reader_length(r))
            abort();
        if (n == 0)
            break;
        if (xw_wfdb_reader_seek(r, at + n / 2) < 0 ||
            xw_wfdb_reader_read(r, again, (size_t)(n - n / 2), &e) != n - n / 2)
            abort();
        unsigned channels = xw_wfdb_reader_channels(r);
        if (memcmp(rows + (size_t)(n / 2) * channels, again,
                   (size_t)(n - n / 2) * channels * sizeof(*rows)) != 0)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[128];
    struct xw_wfdb_reader *reader;
    struct xw_wfdb_error e;
    const uint8_t *split = size ? memchr(data, 0, size) : NULL;
    if (!split)
        return 0;
    if (!folder[0]) {
        snprintf(folder, sizeof(folder), "%s/xw-fuzz-XXXXXX",
                 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!mkdtemp(folder))
            abort();
        atexit(remove_folder);
    }
    save("f.hea", data, (size_t)(split - data));
    save("f", split + 1, size - (size_t)(split - data) - 1);
    snprintf(path, sizeof(path), "%s/f", folder);
    for (unsigned s = 0; s < 3; s++) { /* all signals, then the first two alone */
        unsigned only = s - 1;
        if (xw_wfdb_reader_open(path, &only, s ? 1 : 0, &reader, &e) < 0)
            continue;
        read_all(reader);
        xw_wfdb_reader_close(reader);
    }
    return 0;
}
