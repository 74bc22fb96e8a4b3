/* One store a folder, and tools that copy it from outside.
 *
 * DIR/lock is held by the process that has the store open: two writers would each believe in ranges
 * of their own. DIR/lock.backup is held shared by whoever copies. Both vanish with their process.
 */
#include "store/sq.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

static int open_lock(const char *dir, const char *name)
{
    xw_autofree char *path = NULL;
    if (asprintf(&path, "%s/%s", dir, name) < 0) {
        path = NULL;
        return -ENOMEM;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    return fd < 0 ? -errno : fd;
}

int sq_lock(struct sq_store *store)
{
    store->lock_fd = open_lock(store->dir, "lock");
    if (store->lock_fd < 0)
        return store->lock_fd;
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    store->backup_fd = open_lock(store->dir, "lock.backup");
    return XW_MIN(store->backup_fd, 0);
}

void sq_unlock(struct sq_store *store)
{
    if (store->lock_fd >= 0)
        (void)close(store->lock_fd);
    if (store->backup_fd >= 0)
        (void)close(store->backup_fd);
    store->lock_fd = store->backup_fd = -1;
}

bool sq_backup_runs(const struct sq_store *store)
{
    if (atomic_load(&store->backups) > 0)
        return true;
    if (flock(store->backup_fd, LOCK_EX | LOCK_NB) < 0)
        return true;
    (void)flock(store->backup_fd, LOCK_UN);
    return false;
}

int sq_lock_backup(const char *dir)
{
    int fd = open_lock(dir, "lock.backup");
    if (fd >= 0 && flock(fd, LOCK_SH) < 0) {
        int r = -errno;
        (void)close(fd);
        return r;
    }
    return fd;
}
