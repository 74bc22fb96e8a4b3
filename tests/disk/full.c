/* A disk that is full for as long as a test wants it to be (the rule disk.full). */
#include "disk_in.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Without libc's access(): no call of ours may come back to us. errno is kept. */
bool disk_is_full(void)
{
    int kept = errno;
    bool full = disk_rules.full_while[0] &&
                syscall(SYS_faccessat, AT_FDCWD, disk_rules.full_while, F_OK) == 0;
    errno = kept;
    return full;
}

typedef int (*statvfs_fn)(const char *path, struct statvfs *ret_space);
typedef int (*fstatvfs_fn)(int fd, struct statvfs *ret_space);

static bool tells(void)
{
    struct stat st;
    return disk_rules.full_while[0] && stat(disk_rules.full_while, &st) == 0 && st.st_size == 0;
}

static int told(int r, struct statvfs *space)
{
    if (r == 0 && tells())
        space->f_bfree = space->f_bavail = 0;
    return r;
}

/* On 64 bit there is one structure of two names. */
_Static_assert(sizeof(struct statvfs) == sizeof(struct statvfs64), "statvfs is not statvfs64");

int statvfs(const char *path, struct statvfs *ret_space)
{
    statvfs_fn next;
    void *found = dlsym(RTLD_NEXT, "statvfs");
    memcpy(&next, &found, sizeof(next));
    return told(next(path, ret_space), ret_space);
}

int fstatvfs(int fd, struct statvfs *ret_space)
{
    fstatvfs_fn next;
    void *found = dlsym(RTLD_NEXT, "fstatvfs");
    memcpy(&next, &found, sizeof(next));
    return told(next(fd, ret_space), ret_space);
}

int statvfs64(const char *path, struct statvfs64 *ret_space)
{
    return statvfs(path, (struct statvfs *)ret_space);
}

int fstatvfs64(int fd, struct statvfs64 *ret_space)
{
    return fstatvfs(fd, (struct statvfs *)ret_space);
}
