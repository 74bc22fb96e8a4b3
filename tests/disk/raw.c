/* System calls without libc's wrappers, memory that no rule can take away, and the layer's lock. */
#include "disk_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* libc's own allocator under its own name. */
extern void *__libc_calloc(size_t n, size_t size);
extern void __libc_free(void *memory);

void disk_say(const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    n = n < 0 ? 0 : n > (int)sizeof(line) - 2 ? (int)sizeof(line) - 2 : n;
    line[n] = '\n';
    (void)syscall(SYS_write, 2, line, (size_t)n + 1);
}

void disk_die(const char *format, ...)
{
    char line[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    disk_say("disk: %s", line);
    abort();
}

void *disk_alloc(size_t size)
{
    void *memory = __libc_calloc(1, size ? size : 1);
    if (!memory)
        disk_die("no memory for what was not synced (%zu bytes)", size);
    return memory;
}

void disk_free(void *memory)
{
    __libc_free(memory);
}

char *disk_copy_text(const char *text)
{
    size_t n = strlen(text) + 1;
    return memcpy(disk_alloc(n), text, n);
}

int raw_open(int folder, const char *path, int flags, mode_t mode)
{
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

int raw_close(int fd)
{
    return (int)syscall(SYS_close, fd);
}

ssize_t raw_pread(int fd, void *data, size_t n, uint64_t offset)
{
    return syscall(SYS_pread64, fd, data, n, (off_t)offset);
}

ssize_t raw_pwrite(int fd, const void *data, size_t n, uint64_t offset)
{
    return syscall(SYS_pwrite64, fd, data, n, (off_t)offset);
}

int raw_unlink(const char *path, bool folder)
{
    return (int)syscall(SYS_unlinkat, AT_FDCWD, path, folder ? AT_REMOVEDIR : 0);
}

bool layer_on(void)
{
    return atomic_load_explicit(&disk_on, memory_order_acquire);
}

void layer_enter(void)
{
    pthread_mutex_lock(&disk_lock);
    disk_inside++;
}

void layer_leave(void)
{
    int kept = errno;
    disk_inside--;
    pthread_mutex_unlock(&disk_lock);
    errno = kept;
}
