/* What stands in for libc's calls on lengths and syncs, and on what can not be followed. */
#include "disk_in.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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
    if (!layer_on())
        return (int)syscall(SYS_ftruncate, fd, length);
    layer_enter();
    struct file *file = files_of_fd(fd, NULL);
    int r = file ? truncate_followed(file, fd, length) : (int)syscall(SYS_ftruncate, fd, length);
    layer_leave();
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
    if (!layer_on())
        return (int)syscall(SYS_fallocate, fd, mode, offset, n);
    layer_enter();
    struct file *file = files_of_fd(fd, NULL);
    if (file && mode != 0 && disk_rules.power.on)
        disk_die("fallocate of mode %d can not be followed", mode);
    int rule = file ? rules_ask(CALL_TRUNCATE, file->path, 0, 0) : RULE_PASS;
    if (file && rule == RULE_PASS && (uint64_t)(offset + n) > files_size(file) && disk_is_full())
        rule = -ENOSPC;
    errno = rule < 0 ? -rule : errno;
    int r = rule < 0 ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, n);
    if (r == 0 && file && disk_rules.power.on) {
        files_note_truncate(file, files_size(file));
        cut_count();
    }
    layer_leave();
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
    int rule = rules_ask(CALL_SYNC, file ? file->path : "folder", 0, 0);
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
    if (!layer_on())
        return (int)syscall(call, fd);
    layer_enter();
    int r = sync_followed(fd, call);
    layer_leave();
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
    layer_enter();
    cut_count_sync();
    if (!disk_rules.power.lie_names)
        names_synced_all();
    if (!disk_rules.power.lie_data)
        files_synced_all();
    layer_leave();
}

void sync(void)
{
    if (layer_on() && disk_rules.power.on)
        sync_all();
    else
        syscall(SYS_sync);
}

int syncfs(int fd)
{
    if (!layer_on() || !disk_rules.power.on)
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
    if (!layer_on() || !disk_rules.power.on)
        return;
    layer_enter();
    const struct file *file = files_of_fd(fd, NULL);
    if (file)
        disk_die("%s into %s can not be followed", what, file->path);
    layer_leave();
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
