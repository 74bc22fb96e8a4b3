/* What stands in for libc's calls on bytes of files: open, close, read, write. */
#include "disk_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* ---- opening ---- */

static int open_followed(int folder, const char *path, int flags, mode_t mode)
{
    struct place place = {.path = NULL};
    struct stat st;
    bool power = disk_rules.power.on;
    if (!place_of(folder, path, &place))
        return raw_open(folder, path, flags, mode);
    int r = rules_ask(CALL_OPEN, place.path, 0, 0);
    bool there = lstat(place.path, &st) == 0;
    if (r == RULE_PASS && !there && (flags & O_CREAT) && disk_is_full())
        r = -ENOSPC;
    bool emptied = there && S_ISREG(st.st_mode) && st.st_size > 0 && (flags & O_TRUNC) != 0;
    struct file *old = emptied && power ? files_of_path(place.path) : NULL;
    if (old)
        files_before_truncate(old, 0);
    int fd = -1;
    if (r < 0)
        errno = -r;
    else
        fd = raw_open(folder, path, flags, mode);
    struct file *file = fd < 0 ? NULL : files_of_fd(fd, place.path);
    if (file && power && !there) {
        files_created(file);
        names_note(NAME_CREATED, &place, NULL, file, NULL);
        cut_count();
    } else if (file && power && emptied) {
        files_note_truncate(file, 0);
        cut_count();
    }
    place_done(&place);
    return fd;
}

static int open_any(int folder, const char *path, int flags, mode_t mode)
{
    if (!layer_on() || (flags & (O_PATH | O_DIRECTORY)) || (flags & O_TMPFILE) == O_TMPFILE)
        return raw_open(folder, path, flags, mode);
    layer_enter();
    int fd = open_followed(folder, path, flags, mode);
    layer_leave();
    return fd;
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? (mode_t)va_arg(args, unsigned) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_any(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_any(AT_FDCWD, path, flags, mode);
}

int openat(int folder, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_any(folder, path, flags, mode);
}

int openat64(int folder, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    mode_t mode = mode_of(flags, args);
    va_end(args);
    return open_any(folder, path, flags, mode);
}

int creat(const char *path, mode_t mode)
{
    return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

int creat64(const char *path, mode_t mode)
{
    return creat(path, mode);
}

/* Those of _FORTIFY_SOURCE. */
int __open_2(const char *path, int flags);
int __open64_2(const char *path, int flags);
int __openat_2(int folder, const char *path, int flags);
int __openat64_2(int folder, const char *path, int flags);
int __open_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}
int __open64_2(const char *path, int flags)
{
    return open_any(AT_FDCWD, path, flags, 0);
}
int __openat_2(int folder, const char *path, int flags)
{
    return open_any(folder, path, flags, 0);
}
int __openat64_2(int folder, const char *path, int flags)
{
    return open_any(folder, path, flags, 0);
}

int close(int fd)
{
    if (!layer_on())
        return raw_close(fd);
    layer_enter();
    files_closing(fd);
    int r = raw_close(fd);
    layer_leave();
    return r;
}

/* ---- reading ---- */

static int read_refused(int fd, bool placed, uint64_t offset, size_t *n)
{
    layer_enter();
    const struct file *file = files_of_fd(fd, NULL);
    off_t at = !file || placed ? (off_t)offset : lseek(fd, 0, SEEK_CUR);
    int r = file ? rules_ask(CALL_READ, file->path, (uint64_t)at, *n) : RULE_PASS;
    layer_leave();
    if (r == RULE_SHORT && *n > 1)
        *n /= 2;
    if (r < 0)
        errno = -r;
    return r < 0 ? -1 : 0;
}

ssize_t read(int fd, void *data, size_t n)
{
    if (layer_on() && disk_rules.calls && read_refused(fd, false, 0, &n) < 0)
        return -1;
    return syscall(SYS_read, fd, data, n);
}

ssize_t pread(int fd, void *data, size_t n, off_t offset)
{
    if (layer_on() && disk_rules.calls && read_refused(fd, true, (uint64_t)offset, &n) < 0)
        return -1;
    return syscall(SYS_pread64, fd, data, n, offset);
}

ssize_t pread64(int fd, void *data, size_t n, off64_t offset)
{
    return pread(fd, data, n, offset);
}

ssize_t __read_chk(int fd, void *data, size_t n, size_t room);
ssize_t __pread_chk(int fd, void *data, size_t n, off_t offset, size_t room);
ssize_t __pread64_chk(int fd, void *data, size_t n, off64_t offset, size_t room);
ssize_t __read_chk(int fd, void *data, size_t n, size_t room)
{
    if (n > room)
        disk_die("read beyond its buffer");
    return read(fd, data, n);
}
ssize_t __pread_chk(int fd, void *data, size_t n, off_t offset, size_t room)
{
    if (n > room)
        disk_die("pread beyond its buffer");
    return pread(fd, data, n, offset);
}
ssize_t __pread64_chk(int fd, void *data, size_t n, off64_t offset, size_t room)
{
    return __pread_chk(fd, data, n, offset, room);
}

/* ---- writing ---- */

static ssize_t write_raw(int fd, const void *data, size_t n, bool placed, uint64_t offset)
{
    return placed ? raw_pwrite(fd, data, n, offset) : syscall(SYS_write, fd, data, n);
}

static ssize_t write_followed(struct file *file, int fd, const void *data, size_t n, bool placed,
                              uint64_t offset)
{
    int flags = fcntl(fd, F_GETFL);
    off_t here = flags & O_APPEND ? (off_t)files_size(file)
                 : placed         ? (off_t)offset
                                  : lseek(fd, 0, SEEK_CUR);
    uint64_t at = here < 0 ? 0 : (uint64_t)here;
    int rule = rules_ask(CALL_WRITE, file->path, at, n);
    if (rule == RULE_PASS && at + n > files_size(file) && disk_is_full())
        rule = -ENOSPC;
    if (rule < 0) {
        errno = -rule;
        return -1;
    }
    if (rule == RULE_SHORT && n > 1)
        n /= 2;
    if (!disk_rules.power.on)
        return write_raw(fd, data, n, placed, offset);
    files_before_write(file, at, n);
    ssize_t r = write_raw(fd, data, n, placed, offset);
    if (r > 0) {
        bool durable = (flags & (O_SYNC | O_DSYNC)) && !disk_rules.power.lie_data;
        files_note_write(file, data, (size_t)r, at, durable);
        cut_count();
    }
    return r;
}

static ssize_t write_any(int fd, const void *data, size_t n, bool placed, uint64_t offset)
{
    if (!layer_on())
        return write_raw(fd, data, n, placed, offset);
    layer_enter();
    struct file *file = files_of_fd(fd, NULL);
    ssize_t r = file ? write_followed(file, fd, data, n, placed, offset) : -2;
    layer_leave();
    return r == -2 ? write_raw(fd, data, n, placed, offset) : r;
}

/* A followed file gets the parts as one write; sockets and the like as they came. */
static ssize_t write_parts(int fd, const struct iovec *parts, int parts_n, bool placed,
                           off_t offset)
{
    bool followed = false;
    if (layer_on()) {
        layer_enter();
        followed = files_of_fd(fd, NULL) != NULL;
        layer_leave();
    }
    if (!followed)
        return placed ? syscall(SYS_pwritev, fd, parts, parts_n, offset, 0)
                      : syscall(SYS_writev, fd, parts, parts_n);
    size_t n = 0, used = 0;
    for (int i = 0; i < parts_n; i++)
        n += parts[i].iov_len;
    char *all = disk_alloc(n);
    for (int i = 0; i < parts_n; i++) {
        memcpy(all + used, parts[i].iov_base, parts[i].iov_len);
        used += parts[i].iov_len;
    }
    ssize_t r = write_any(fd, all, n, placed, (uint64_t)offset);
    disk_free(all);
    return r;
}

ssize_t write(int fd, const void *data, size_t n)
{
    return write_any(fd, data, n, false, 0);
}

ssize_t pwrite(int fd, const void *data, size_t n, off_t offset)
{
    return write_any(fd, data, n, true, (uint64_t)offset);
}

ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset)
{
    return write_any(fd, data, n, true, (uint64_t)offset);
}

ssize_t writev(int fd, const struct iovec *parts, int parts_n)
{
    return write_parts(fd, parts, parts_n, false, 0);
}

ssize_t pwritev(int fd, const struct iovec *parts, int parts_n, off_t offset)
{
    return write_parts(fd, parts, parts_n, true, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int parts_n, off64_t offset)
{
    return write_parts(fd, parts, parts_n, true, offset);
}
