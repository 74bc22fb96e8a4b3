/* Opening and loading files whose content nobody vouches for: regular files only, bounded. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wfdb/wfdb_internal.h"

int xw_wfdb_open_file(const char *path, const char *shown_name, uint64_t *ret_size_bytes,
                      struct xw_wfdb_error *ret_error)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        int error = errno;
        return xw_wfdb_fail(ret_error, 0, error, "%s: %s", shown_name, strerror(error));
    }
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return xw_wfdb_fail(ret_error, 0, EBADMSG, "%s: not a regular file", shown_name);
    }
    *ret_size_bytes = (uint64_t)st.st_size;
    return fd;
}

static int read_all(int fd, uint8_t *data, size_t size, size_t *ret_n)
{
    size_t n = 0;
    while (n < size) {
        ssize_t got = read(fd, data + n, size - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    *ret_n = n;
    return 0;
}

int xw_wfdb_load_file(const char *path, const char *shown_name, size_t max_bytes,
                      uint8_t **ret_data, size_t *ret_data_n, struct xw_wfdb_error *ret_error)
{
    uint64_t size = 0;
    size_t n = 0;
    int fd = xw_wfdb_open_file(path, shown_name, &size, ret_error);
    if (fd < 0)
        return fd;
    if (size > max_bytes) {
        close(fd);
        return xw_wfdb_fail(ret_error, 0, EOVERFLOW, "%s: larger than %zu bytes", shown_name,
                            max_bytes);
    }
    uint8_t *data = malloc((size_t)size + 1);
    int r = data ? read_all(fd, data, (size_t)size, &n) : -ENOMEM;
    close(fd);
    if (r < 0) {
        free(data);
        return xw_wfdb_fail(ret_error, 0, -r, "%s: %s", shown_name, strerror(-r));
    }
    data[n] = 0;
    *ret_data = data;
    *ret_data_n = n;
    return 0;
}
