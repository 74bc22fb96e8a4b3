/* The VFS itself: it opens files by the default one and passes on what is not content. */
#include "store/sq_vfs_in.h"

#include "base/log.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

struct sq_vfs {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    const struct xw_vault *vault;
    char name[40];
};

static sqlite3_file *real_of(sqlite3_file *file)
{
    return sq_file_of(file)->real;
}

static int file_close(sqlite3_file *file)
{
    struct sq_file *f = sq_file_of(file);
    int rc = f->real->pMethods->xClose(f->real);
    free(f->scratch);
    f->scratch = NULL;
    return rc;
}
static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    if (size == 0 && sq_file_of(file)->main == NULL) /* whoever makes it next names it anew */
        sq_file_of(file)->has_id = false;
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}
static int file_sync(sqlite3_file *file, int flags)
{
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}
static int file_size(sqlite3_file *file, sqlite3_int64 *ret_size)
{
    return real_of(file)->pMethods->xFileSize(real_of(file), ret_size);
}
static int file_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}
static int file_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}
static int file_check_lock(sqlite3_file *file, int *ret_locked)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), ret_locked);
}
static int file_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}
static int file_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}
/* Only what is so for our pages as well: no atomic writes of some size, no reading of parts. */
static int file_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file)) &
           (SQLITE_IOCAP_POWERSAFE_OVERWRITE | SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN);
}
static int file_shm_map(sqlite3_file *file, int region, int size, int extend,
                        void volatile **ret_memory)
{
    return real_of(file)->pMethods->xShmMap(real_of(file), region, size, extend, ret_memory);
}
static int file_shm_lock(sqlite3_file *file, int offset, int n, int flags)
{
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, n, flags);
}
static void file_shm_barrier(sqlite3_file *file)
{
    real_of(file)->pMethods->xShmBarrier(real_of(file));
}
static int file_shm_unmap(sqlite3_file *file, int remove)
{
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

/* Version 2: SQLite maps no content into memory. */
#define METHODS(read, write)                                                                       \
    {                                                                                              \
        .iVersion = 2, .xClose = file_close, .xRead = (read), .xWrite = (write),                   \
        .xTruncate = file_truncate, .xSync = file_sync, .xFileSize = file_size,                    \
        .xLock = file_lock, .xUnlock = file_unlock, .xCheckReservedLock = file_check_lock,         \
        .xFileControl = file_control, .xSectorSize = file_sector_size,                             \
        .xDeviceCharacteristics = file_characteristics, .xShmMap = file_shm_map,                   \
        .xShmLock = file_shm_lock, .xShmBarrier = file_shm_barrier, .xShmUnmap = file_shm_unmap    \
    }
static const sqlite3_io_methods db_methods = METHODS(sq_db_read, sq_db_write);
static const sqlite3_io_methods wal_methods = METHODS(sq_wal_read, sq_wal_write);
static const sqlite3_io_methods journal_methods = METHODS(sq_journal_read, sq_journal_write);

static struct sq_vfs *vfs_of(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static int vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *file, int flags,
                    int *ret_flags)
{
    struct sq_vfs *vfs = vfs_of(base);
    struct sq_file *f = sq_file_of(file);
    bool main = (flags & SQLITE_OPEN_MAIN_DB) != 0, wal = (flags & SQLITE_OPEN_WAL) != 0;
    *f = (struct sq_file){.frame_at = -1};
    if (!main && !wal && (flags & SQLITE_OPEN_MAIN_JOURNAL) == 0) {
        xw_log_error("store.temporary_file_refused", XW_LOG_INT("flags", flags));
        return SQLITE_CANTOPEN;
    }
    f->real = (sqlite3_file *)(void *)(f + 1);
    f->vault = vfs->vault;
    f->main = main ? NULL : sq_file_of(sqlite3_database_file_object(name));
    xw_page_nonces_init(&f->nonces);
    int rc = vfs->real->xOpen(vfs->real, name, f->real, flags, ret_flags);
    if (f->real->pMethods != NULL)
        f->base.pMethods = main ? &db_methods : wal ? &wal_methods : &journal_methods;
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
    return vfs_of(vfs)->real->xDelete(vfs_of(vfs)->real, name, sync);
}
static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret)
{
    return vfs_of(vfs)->real->xAccess(vfs_of(vfs)->real, name, flags, ret);
}
static int vfs_full_name(sqlite3_vfs *vfs, const char *name, int n, char *ret_name)
{
    return vfs_of(vfs)->real->xFullPathname(vfs_of(vfs)->real, name, n, ret_name);
}
static int vfs_random(sqlite3_vfs *vfs, int n, char *ret_bytes)
{
    return vfs_of(vfs)->real->xRandomness(vfs_of(vfs)->real, n, ret_bytes);
}
static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
    return vfs_of(vfs)->real->xSleep(vfs_of(vfs)->real, us);
}
static int vfs_time(sqlite3_vfs *vfs, double *ret_time)
{
    return vfs_of(vfs)->real->xCurrentTime(vfs_of(vfs)->real, ret_time);
}
static int vfs_time_64(sqlite3_vfs *vfs, sqlite3_int64 *ret_time)
{
    return vfs_of(vfs)->real->xCurrentTimeInt64(vfs_of(vfs)->real, ret_time);
}
static int vfs_last_error(sqlite3_vfs *vfs, int n, char *ret_text)
{
    return vfs_of(vfs)->real->xGetLastError(vfs_of(vfs)->real, n, ret_text);
}

/* Statement journals stay in memory whatever their size: on disk they would be pages in clear. */
static void configure(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
}

int sq_vfs_new(const struct xw_vault *vault, struct sq_vfs **ret_vfs)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, configure);
    struct sq_vfs *vfs = calloc(1, sizeof *vfs);
    sqlite3_vfs *real = vfs == NULL ? NULL : sqlite3_vfs_find("unix");
    if (real == NULL) {
        free(vfs);
        return -ENOMEM;
    }
    (void)snprintf(vfs->name, sizeof vfs->name, "xinwang-%p", (void *)vfs);
    vfs->real = real;
    vfs->vault = vault;
    vfs->vfs = (sqlite3_vfs){
        .iVersion = 2,
        .szOsFile = (int)sizeof(struct sq_file) + real->szOsFile,
        .mxPathname = real->mxPathname,
        .zName = vfs->name,
        .pAppData = vfs,
        .xOpen = vfs_open,
        .xDelete = vfs_delete,
        .xAccess = vfs_access,
        .xFullPathname = vfs_full_name,
        .xRandomness = vfs_random,
        .xSleep = vfs_sleep,
        .xCurrentTime = vfs_time,
        .xGetLastError = vfs_last_error,
        .xCurrentTimeInt64 = vfs_time_64,
    };
    if (sqlite3_vfs_register(&vfs->vfs, 0) != SQLITE_OK) {
        free(vfs);
        return -ENOMEM;
    }
    *ret_vfs = vfs;
    return 0;
}

void sq_vfs_free(struct sq_vfs *vfs)
{
    if (vfs == NULL)
        return;
    (void)sqlite3_vfs_unregister(&vfs->vfs);
    free(vfs);
}

const char *sq_vfs_name(const struct sq_vfs *vfs)
{
    return vfs->name;
}

int sq_vfs_prepare(sqlite3 *db)
{
    int reserve = XW_PAGE_RESERVE;
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_RESERVE_BYTES, &reserve);
    int rc = sqlite3_exec(db, "PRAGMA temp_store = MEMORY", NULL, NULL, NULL);
    return rc == SQLITE_OK ? 0 : (rc & 0xff) == SQLITE_NOMEM ? -ENOMEM : -EIO;
}

int sq_vfs_is_plain(const char *path)
{
    char head[16];
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    ssize_t n = pread(fd, head, sizeof head, 0);
    if (n < 0)
        return -errno;
    return n == (ssize_t)sizeof head && memcmp(head, "SQLite format 3", sizeof head) == 0;
}
