/* Bounded reads, atomic durable writes, folders, free space. */
#include "base/file.h"

#include "base/fault.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

int xw_file_read(const char *path, size_t max_n_bytes, uint8_t **ret_data, size_t *ret_n_bytes)
{
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    /* Sizes of /proc files are 0 and files grow: read until the end, not until st_size. One byte
     * more than allowed is asked for, to tell "just fits" from "too large". */
    XW_CLEANUP(xw_buf_done) struct xw_buf buf;
    if (max_n_bytes > SIZE_MAX / 2)
        return -EINVAL;
    xw_buf_init(&buf, max_n_bytes + 1);
    for (;;) {
        uint8_t *room;
        size_t want = XW_MIN((size_t)65536, buf.max - buf.n);
        int r = xw_buf_reserve(&buf, want, &room);
        if (r < 0)
            return r;
        ssize_t n = read(fd, room, want);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if (n == 0)
            break;
        xw_buf_added(&buf, (size_t)n);
        if (buf.n > max_n_bytes)
            return -EOVERFLOW;
    }
    buf.data[buf.n] = '\0'; /* n <= max: the byte asked for beyond it is free */
    *ret_data = xw_buf_take(&buf, ret_n_bytes);
    return 0;
}

int xw_file_write_all(int fd, const void *data, size_t n_bytes)
{
    const uint8_t *p = data;
    while (n_bytes) {
        ssize_t n = write(fd, p, n_bytes);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        p += n;
        n_bytes -= (size_t)n;
    }
    return 0;
}

int xw_file_sync_parent(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (n >= sizeof(folder))
        return -ENAMETOOLONG;
    if (slash == path)
        n = 1;
    memcpy(folder, path, n);
    folder[n] = '\0';
    xw_autoclose int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    return fsync(fd) < 0 ? -errno : 0;
}

/* Everything that can fail before the old content is touched. */
static int write_temporary(const char *path, const void *data, size_t n_bytes, mode_t mode)
{
    xw_autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0)
        return -errno;
    int r = xw_fault_point("file.write");
    if (r == 0)
        r = xw_file_write_all(fd, data, n_bytes);
    if (r == 0 && fsync(fd) < 0)
        r = -errno;
    return r;
}

int xw_file_write_atomic(const char *path, const void *data, size_t n_bytes, mode_t mode)
{
    char temporary[PATH_MAX];
    int n = snprintf(temporary, sizeof(temporary), "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof(temporary))
        return -ENAMETOOLONG;
    int r = write_temporary(temporary, data, n_bytes, mode);
    if (r == 0)
        r = xw_fault_point("file.rename");
    if (r == 0 && rename(temporary, path) < 0)
        r = -errno;
    if (r < 0) {
        unlink(temporary);
        return r;
    }
    /* Without this the rename itself may be lost with the power. */
    return xw_file_sync_parent(path);
}

/* A new folder is as durable as what will be synced into it: without its own name in the folder
 * above, a power cut takes all of it. */
static int make_dir(const char *path, mode_t mode)
{
    struct stat st;
    if (mkdir(path, mode) == 0) {
        int r = xw_file_sync_parent(path);
        if (r < 0)
            (void)rmdir(path); /* the next try must not find it and take its name for durable */
        return r;
    }
    if (errno != EEXIST || stat(path, &st) < 0)
        return -errno;
    return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

int xw_file_make_dirs(const char *path, mode_t mode)
{
    char part[PATH_MAX];
    size_t n = strlen(path);
    if (n == 0)
        return -EINVAL;
    if (n >= sizeof(part))
        return -ENAMETOOLONG;
    memcpy(part, path, n + 1);
    for (size_t i = 1; i <= n; i++) {
        if (part[i] != '/' && part[i] != '\0')
            continue;
        char kept = part[i];
        part[i] = '\0';
        int r = make_dir(part, mode);
        if (r < 0)
            return r;
        part[i] = kept;
    }
    return 0;
}

int xw_file_space(const char *path, struct xw_file_space *ret_space)
{
    struct statvfs v;
    if (statvfs(path, &v) < 0)
        return -errno;
    ret_space->free_n_bytes = (uint64_t)v.f_bavail * v.f_frsize;
    ret_space->total_n_bytes = (uint64_t)v.f_blocks * v.f_frsize;
    return 0;
}
