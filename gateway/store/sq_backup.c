/* A consistent copy while appends go on, by one thread of its own.
 *
 * meta.db is copied first, in one snapshot; day files after it: they only grow, and what the copied
 * index names is in them. While a backup runs no day file is sealed or deleted. The copy is marked,
 * so that a store opened from it is a new incarnation. meta.db gets its name last: a backup that
 * was cut short has none. Sealed day files are checked against their SHA-256 on the way. The copy
 * is encrypted with the same data keys and has the keyring: to restore it one needs the key file.
 */
#include "store/sq_day.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct backup {
    struct sq_store *store;
    char *dir;
    int result;
    xw_store_status_fn done;
    void *user;
    uint8_t *buffer;
};

/* Written out every so often: one sync of a whole day would hold up every commit behind it. */
enum { BUFFER = 1 << 20, STEP_PAGES = 256, SYNC_EVERY = 8 };

static int sync_path(const char *path)
{
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0)
        return -errno;
    return 0;
}

/* Through the database's own copying, within one read snapshot of the source. */
static int copy_db(const struct backup *backup, const char *from, const char *to)
{
    sqlite3 *source = NULL, *target = NULL;
    int r = sq_open_file(backup->store->vfs, from, SQLITE_OPEN_READWRITE, &source);
    if (r == 0)
        r = sq_exec(source, "PRAGMA query_only = ON; BEGIN; SELECT 1 FROM sqlite_master LIMIT 1");
    if (r == 0)
        r = sq_open_file(backup->store->vfs, to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                         &target);
    if (r == 0)
        r = sq_exec(target, "PRAGMA synchronous = OFF; PRAGMA journal_mode = OFF");
    sqlite3_backup *copy = NULL;
    if (r == 0) {
        copy = sqlite3_backup_init(target, "main", source, "main");
        r = copy == NULL ? -ENOMEM : 0;
    }
    xw_autoclose int fd = open(to, O_RDONLY | O_CLOEXEC);
    int rc = SQLITE_OK;
    for (unsigned i = 1; r == 0 && (rc = sqlite3_backup_step(copy, STEP_PAGES)) == SQLITE_OK; i++) {
        if (i % SYNC_EVERY == 0 && fd >= 0 && fdatasync(fd) < 0)
            r = -errno;
        if (atomic_load(&backup->store->closing))
            r = -ECANCELED;
    }
    if (r == 0 && rc != SQLITE_DONE)
        r = rc == SQLITE_BUSY || rc == SQLITE_LOCKED ? -EBUSY : sq_errno(rc);
    if (copy != NULL)
        (void)sqlite3_backup_finish(copy);
    (void)sqlite3_close(source);
    (void)sqlite3_close(target);
    return r < 0 ? r : sync_path(to);
}

static int copy_file(const struct backup *backup, const char *from, const char *to,
                     const void *sha256)
{
    uint8_t sum[32];
    xw_autoclose int in = open(from, O_RDONLY | O_CLOEXEC);
    xw_autoclose int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (in < 0 || out < 0)
        return -errno;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int r = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
    for (unsigned i = 1; r == 0; i++) {
        if (atomic_load(&backup->store->closing))
            r = -ECANCELED;
        if (r == 0 && i % SYNC_EVERY == 0 && fdatasync(out) < 0)
            r = -errno;
        ssize_t n = r < 0 ? 0 : read(in, backup->buffer, BUFFER);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            r = -errno;
        if (n <= 0)
            break;
        if (EVP_DigestUpdate(context, backup->buffer, (size_t)n) != 1)
            r = -EIO;
        else
            r = xw_file_write_all(out, backup->buffer, (size_t)n);
    }
    if (r == 0 && EVP_DigestFinal_ex(context, sum, NULL) != 1)
        r = -EIO;
    EVP_MD_CTX_free(context);
    if (r == 0 && fsync(out) < 0)
        r = -errno;
    if (r == 0 && sha256 != NULL && memcmp(sum, sha256, sizeof sum) != 0)
        r = -EBADMSG;
    return r;
}

/* In the copy: whoever opens it is somebody new. */
static int mark_copied(const struct backup *backup, const char *path)
{
    sqlite3 *db = NULL;
    int r = sq_open_file(backup->store->vfs, path, SQLITE_OPEN_READWRITE, &db);
    if (r == 0)
        r = sq_exec(db, "PRAGMA journal_mode = DELETE;"
                        "INSERT OR REPLACE INTO state(name, value) VALUES('copied', 1)");
    (void)sqlite3_close(db);
    return r < 0 ? r : sync_path(path);
}

static int copy_meta(const struct backup *backup, const char *part)
{
    int r = copy_db(backup, backup->store->meta_path, part);
    return r < 0 ? r : mark_copied(backup, part);
}

static int copy_day(const struct backup *backup, uint32_t day, bool sealed, const void *sha256)
{
    xw_autofree char *from = sq_day_path(backup->store, day);
    xw_autofree char *to = NULL;
    if (from == NULL || asprintf(&to, "%s/%s", backup->dir, strrchr(from, '/') + 1) < 0) {
        to = NULL;
        return -ENOMEM;
    }
    int r = sealed ? copy_file(backup, from, to, sha256) : copy_db(backup, from, to);
    if (r < 0)
        xw_log_warning("store.backup_day", XW_LOG_UINT("day", day), XW_LOG_ERR(r));
    return r;
}

/* Days as the live index has them now: at least those of the copied one. A damaged day does not
 * keep the others from being copied. */
static int copy_days(const struct backup *backup)
{
    struct day {
        uint32_t day;
        bool sealed;
        uint8_t sha256[32];
    } *days = NULL;
    size_t n = 0, cap = 0;
    struct sq_conn *conn = NULL;
    int r = sq_conn_take(backup->store, &conn);
    if (r < 0)
        return r;
    sqlite3_stmt *rows = sq_get(conn, SQ_DAY_ALL);
    while ((r = sq_step(rows)) == 1) {
        size_t size;
        const void *sha256 = sq_bytes(rows, 3, &size);
        r = store_grow(&days, &cap, n, sizeof *days, 1 << 20);
        if (r < 0)
            break;
        days[n] = (struct day){.day = (uint32_t)sqlite3_column_int64(rows, 0),
                               .sealed = sqlite3_column_int64(rows, 2) != 0 && size == 32};
        if (days[n].sealed)
            memcpy(days[n].sha256, sha256, 32);
        n++;
    }
    (void)sqlite3_reset(rows);
    sq_conn_give(backup->store, conn);
    int first_failure = r;
    for (size_t i = 0; r >= 0 && i < n; i++) {
        int one = copy_day(backup, days[i].day, days[i].sealed, days[i].sha256);
        if (first_failure == 0)
            first_failure = one;
    }
    free(days);
    return first_failure;
}

static int copy_object_folder(const struct backup *backup, const char *name)
{
    xw_autofree char *from = NULL, *to = NULL;
    if (asprintf(&from, "%s/objects/%s", backup->store->dir, name) < 0)
        return -ENOMEM;
    if (asprintf(&to, "%s/objects/%s", backup->dir, name) < 0) {
        to = NULL;
        return -ENOMEM;
    }
    DIR *folder = opendir(from);
    if (folder == NULL)
        return -errno;
    int r = xw_file_make_dirs(to, 0750);
    for (const struct dirent *entry; r == 0 && (entry = readdir(folder)) != NULL;) {
        char source[4096], target[4096];
        /* Whole ones only: a name of 64 characters. */
        if (strlen(entry->d_name) != 64)
            continue;
        int a = snprintf(source, sizeof source, "%s/%s", from, entry->d_name);
        int b = snprintf(target, sizeof target, "%s/%s", to, entry->d_name);
        if (a < 0 || b < 0 || (size_t)a >= sizeof source || (size_t)b >= sizeof target)
            r = -ENAMETOOLONG;
        else
            r = copy_file(backup, source, target, NULL);
    }
    (void)closedir(folder);
    return r < 0 ? r : sync_path(to);
}

static int copy_objects(const struct backup *backup)
{
    xw_autofree char *path = NULL;
    if (asprintf(&path, "%s/objects", backup->store->dir) < 0)
        return -ENOMEM;
    DIR *folder = opendir(path);
    if (folder == NULL)
        return errno == ENOENT ? 0 : -errno;
    int r = 0;
    for (const struct dirent *entry; r == 0 && (entry = readdir(folder)) != NULL;)
        if (strlen(entry->d_name) == 2 && entry->d_name[0] != '.')
            r = copy_object_folder(backup, entry->d_name);
    (void)closedir(folder);
    return r;
}

static int run(const struct backup *backup)
{
    xw_autofree char *meta = NULL, *part = NULL;
    if (asprintf(&meta, "%s/meta.db", backup->dir) < 0)
        return -ENOMEM;
    if (asprintf(&part, "%s/meta.db.part", backup->dir) < 0) {
        part = NULL;
        return -ENOMEM;
    }
    int r = xw_file_make_dirs(backup->dir, 0750);
    if (r == 0 && (access(meta, F_OK) == 0 || access(part, F_OK) == 0))
        r = -EEXIST;
    if (r == 0)
        r = xw_vault_copy(backup->store->dir, backup->dir);
    if (r == 0)
        r = copy_meta(backup, part);
    if (r == 0)
        r = xw_fault_point("store.backup.meta");
    int days = r == 0 ? copy_days(backup) : r;
    if (r == 0)
        r = copy_objects(backup);
    if (r == 0 && rename(part, meta) < 0)
        r = -errno;
    if (r == 0)
        r = xw_file_sync_parent(meta);
    return r < 0 ? r : days;
}

static void backup_work(void *arg)
{
    struct backup *backup = arg;
    backup->buffer = malloc(BUFFER);
    backup->result = backup->buffer == NULL ? -ENOMEM : run(backup);
    free(backup->buffer);
}

static void backup_done(void *arg, int status)
{
    struct backup *backup = arg;
    atomic_fetch_sub(&backup->store->backups, 1);
    if (backup->done != NULL)
        backup->done(backup->user, status < 0 ? status : backup->result);
    free(backup->dir);
    free(backup);
}

int sq_backup(struct xw_store *base, const char *dir, xw_store_status_fn done, void *user)
{
    struct sq_store *store = sq_of(base);
    if (store->closing)
        return -ECANCELED;
    struct backup *backup = calloc(1, sizeof *backup);
    char *copy = strdup(dir);
    if (backup == NULL || copy == NULL) {
        free(backup);
        free(copy);
        return -ENOMEM;
    }
    *backup = (struct backup){.store = store, .dir = copy, .done = done, .user = user};
    atomic_fetch_add(&store->backups, 1);
    int r = xw_pool_submit(store->copier, backup_work, backup_done, backup);
    if (r < 0) {
        atomic_fetch_sub(&store->backups, 1);
        free(copy);
        free(backup);
    }
    return r;
}

int xw_store_backup_dir(const char *dir, const char *key_file, const char *to)
{
    /* As much of a store as copying looks at. */
    struct sq_store *store = calloc(1, sizeof *store);
    struct backup backup = {.store = store, .dir = strdup(to)};
    xw_autoclose int lock = sq_lock_backup(dir);
    int r = lock < 0 ? lock : 0;
    if (store == NULL || backup.dir == NULL) {
        free(store);
        free(backup.dir);
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&store->conns_lock, NULL);
    store->dir = strdup(dir);
    if (asprintf(&store->meta_path, "%s/meta.db", dir) < 0)
        store->meta_path = NULL;
    if (store->dir == NULL || store->meta_path == NULL)
        r = -ENOMEM;
    else if (r == 0 && access(store->meta_path, F_OK) < 0)
        r = -errno;
    if (r == 0)
        r = sq_vault_open(store, key_file, false);
    if (r == 0) {
        backup_work(&backup);
        r = backup.result;
    }
    for (size_t i = 0; i < store->conns_n; i++) {
        sq_conn_close(store->conns[i]);
        free(store->conns[i]);
    }
    (void)pthread_mutex_destroy(&store->conns_lock);
    sq_vault_close(store);
    free(store->dir);
    free(store->meta_path);
    free(store);
    free(backup.dir);
    return r;
}
