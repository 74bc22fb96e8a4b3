/* What stands in for libc's calls on bytes of files: open, close, read, write, lengths, syncs. */
#include "disk_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static bool on(void)
{
    return atomic_load_explicit(&disk_on, memory_order_acquire);
}

static void enter(void)
{
    pthread_mutex_lock(&disk_lock);
    disk_inside++;
}

static void leave(void)
{
    int kept = errno;
    disk_inside--;
    pthread_mutex_unlock(&disk_lock);
    errno = kept;
}

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
    if (!on() || (flags & (O_PATH | O_DIRECTORY)) || (flags & O_TMPFILE) == O_TMPFILE)
        return raw_open(folder, path, flags, mode);
    enter();
    int fd = open_followed(folder, path, flags, mode);
    leave();
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
    if (!on())
        return raw_close(fd);
    enter();
    files_closing(fd);
    int r = raw_close(fd);
    leave();
    return r;
}

/* ---- reading ---- */

static int read_refused(int fd, bool placed, uint64_t offset, size_t *n)
{
    enter();
    const struct file *file = files_of_fd(fd, NULL);
    off_t at = !file || placed ? (off_t)offset : lseek(fd, 0, SEEK_CUR);
    int r = file ? rules_ask(CALL_READ, file->path, (uint64_t)at, *n) : RULE_PASS;
    leave();
    if (r == RULE_SHORT && *n > 1)
        *n /= 2;
    if (r < 0)
        errno = -r;
    return r < 0 ? -1 : 0;
}

ssize_t read(int fd, void *data, size_t n)
{
    if (on() && disk_rules.calls && read_refused(fd, false, 0, &n) < 0)
        return -1;
    return syscall(SYS_read, fd, data, n);
}

ssize_t pread(int fd, void *data, size_t n, off_t offset)
{
    if (on() && disk_rules.calls && read_refused(fd, true, (uint64_t)offset, &n) < 0)
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
    if (!on())
        return write_raw(fd, data, n, placed, offset);
    enter();
    struct file *file = files_of_fd(fd, NULL);
    ssize_t r = file ? write_followed(file, fd, data, n, placed, offset) : -2;
    leave();
    return r == -2 ? write_raw(fd, data, n, placed, offset) : r;
}

/* A followed file gets the parts as one write; sockets and the like as they came. */
static ssize_t write_parts(int fd, const struct iovec *parts, int parts_n, bool placed,
                           off_t offset)
{
    bool followed = false;
    if (on()) {
        enter();
        followed = files_of_fd(fd, NULL) != NULL;
        leave();
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

/* ---- lengths ---- */

static int truncate_followed(struct file *file, int fd, off_t length)
{
    int rule = rules_ask(CALL_TRUNCATE, file->path, 0, 0);
    if (rule < 0) {
        errno = -rule;
        return -1;
    }
    if (disk_rules.power.on && length >= 0)
        files_before_truncate(file, (uint64_t)length);
    int r = (int)syscall(SYS_ftruncate, fd, length);
    if (r == 0 && disk_rules.power.on) {
        files_note_truncate(file, (uint64_t)length);
        cut_count();
    }
    return r;
}

int ftruncate(int fd, off_t length)
{
    if (!on())
        return (int)syscall(SYS_ftruncate, fd, length);
    enter();
    struct file *file = files_of_fd(fd, NULL);
    int r = file ? truncate_followed(file, fd, length) : (int)syscall(SYS_ftruncate, fd, length);
    leave();
    return r;
}

int ftruncate64(int fd, off64_t length)
{
    return ftruncate(fd, length);
}

int truncate(const char *path, off_t length)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    int r = fd < 0 ? -1 : ftruncate(fd, length);
    int kept = errno;
    if (fd >= 0)
        close(fd);
    errno = kept;
    return r;
}

int truncate64(const char *path, off64_t length)
{
    return truncate(path, length);
}

int fallocate(int fd, int mode, off_t offset, off_t n)
{
    if (!on())
        return (int)syscall(SYS_fallocate, fd, mode, offset, n);
    enter();
    struct file *file = files_of_fd(fd, NULL);
    if (file && mode != 0 && disk_rules.power.on)
        disk_die("fallocate of mode %d can not be followed", mode);
    int rule = file ? rules_ask(CALL_TRUNCATE, file->path, 0, 0) : RULE_PASS;
    errno = rule < 0 ? -rule : errno;
    int r = rule < 0 ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, n);
    if (r == 0 && file && disk_rules.power.on) {
        files_note_truncate(file, files_size(file));
        cut_count();
    }
    leave();
    return r;
}

int fallocate64(int fd, int mode, off64_t offset, off64_t n)
{
    return fallocate(fd, mode, offset, n);
}

int posix_fallocate(int fd, off_t offset, off_t n)
{
    return fallocate(fd, 0, offset, n) < 0 ? errno : 0;
}

int posix_fallocate64(int fd, off64_t offset, off64_t n)
{
    return posix_fallocate(fd, offset, n);
}

/* ---- syncs ---- */

/* The cut may come while the disk is at it: then nothing of it counts. */
static int sync_followed(int fd, long call)
{
    struct stat st;
    bool folder = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
    struct file *file = folder ? NULL : files_of_fd(fd, NULL);
    if (!folder && !file)
        return (int)syscall(call, fd);
    int rule = rules_ask(CALL_SYNC, folder ? "folder" : file->path, 0, 0);
    if (rule < 0) {
        errno = -rule;
        return -1;
    }
    if (!disk_rules.power.on)
        return (int)syscall(call, fd);
    cut_count_sync();
    if (folder && !disk_rules.power.lie_names)
        names_synced(st.st_dev, st.st_ino);
    if (file && !disk_rules.power.lie_data)
        files_synced(file);
    return 0; /* the real disk is not asked: what it holds is decided at the cut */
}

static int sync_any(int fd, long call)
{
    if (!on())
        return (int)syscall(call, fd);
    enter();
    int r = sync_followed(fd, call);
    leave();
    return r;
}

int fsync(int fd)
{
    return sync_any(fd, SYS_fsync);
}

int fdatasync(int fd)
{
    return sync_any(fd, SYS_fdatasync);
}

static void sync_all(void)
{
    enter();
    cut_count_sync();
    if (!disk_rules.power.lie_names)
        names_synced_all();
    if (!disk_rules.power.lie_data)
        files_synced_all();
    leave();
}

void sync(void)
{
    if (on() && disk_rules.power.on)
        sync_all();
    else
        syscall(SYS_sync);
}

int syncfs(int fd)
{
    if (!on() || !disk_rules.power.on)
        return (int)syscall(SYS_syncfs, fd);
    sync_all();
    return 0;
}

int sync_file_range(int fd, off64_t offset, off64_t n, unsigned flags)
{
    return (int)syscall(SYS_sync_file_range, fd, offset, n, flags);
}

/* ---- what can not be followed ---- */

static void refuse(int fd, const char *what)
{
    if (!on() || !disk_rules.power.on)
        return;
    enter();
    const struct file *file = files_of_fd(fd, NULL);
    if (file)
        disk_die("%s into %s can not be followed", what, file->path);
    leave();
}

void *mmap(void *at, size_t n, int access, int flags, int fd, off_t offset)
{
    if (fd >= 0 && (access & PROT_WRITE) && (flags & MAP_SHARED))
        refuse(fd, "a shared mapping");
    return (void *)syscall(SYS_mmap, at, n, access, flags, fd, offset);
}

void *mmap64(void *at, size_t n, int access, int flags, int fd, off64_t offset)
{
    return mmap(at, n, access, flags, fd, offset);
}

ssize_t copy_file_range(int from, off64_t *from_at, int to, off64_t *to_at, size_t n,
                        unsigned flags)
{
    refuse(to, "copy_file_range");
    return syscall(SYS_copy_file_range, from, from_at, to, to_at, n, flags);
}

ssize_t sendfile(int to, int from, off_t *at, size_t n)
{
    refuse(to, "sendfile");
    return syscall(SYS_sendfile, to, from, at, n);
}

ssize_t sendfile64(int to, int from, off64_t *at, size_t n)
{
    return sendfile(to, from, at, n);
}
