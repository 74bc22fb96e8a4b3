/* Sealing: a day file that is over is re-coded where that was not done yet (sq_repack.c), gets its
 * log emptied and switched off, and its SHA-256 noted, so
 * that it can be copied, moved and checked as a file. Hashing goes a slice at a time: a day of 300
 * streams has 200 GB, and compaction must not wait for it. */
#include "store/sq_day.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>

enum { SLICE = 32 << 20, REPACK_SLICE = 2 << 20, BUFFER = 1 << 20 };

struct sq_seal {
    uint32_t day;
    int fd;
    uint64_t size;
    EVP_MD_CTX *context;
    uint8_t *buffer;
};

void sq_seal_forget(struct sq_store *store)
{
    struct sq_seal *seal = store->seal;
    if (seal == NULL)
        return;
    if (seal->fd >= 0)
        (void)close(seal->fd);
    EVP_MD_CTX_free(seal->context);
    free(seal->buffer);
    free(seal);
    store->seal = NULL;
}

void sq_seal_touched(struct sq_store *store, uint32_t day)
{
    if (store->seal != NULL && store->seal->day == day)
        sq_seal_forget(store);
}

/* The oldest day that is over and not sealed: 1, or 0. */
static int next_day(struct sq_store *store, uint32_t *ret_day)
{
    struct sq_conn *conn = NULL;
    int r = sq_conn_take(store, &conn);
    if (r < 0)
        return r;
    uint32_t today = sq_day_of(sq_wall_us());
    sqlite3_stmt *days = sq_get(conn, SQ_DAY_ALL);
    while ((r = sq_step(days)) == 1) {
        uint32_t day = (uint32_t)sqlite3_column_int64(days, 0);
        if (day < today && sqlite3_column_int64(days, 2) == 0) {
            *ret_day = day;
            break;
        }
    }
    (void)sqlite3_reset(days);
    sq_conn_give(store, conn);
    return r;
}

/* 1: quiet; 0: somebody reads it, another time. */
static int quieten(struct sq_store *store, uint32_t day)
{
    sqlite3 *db = NULL;
    int r = sq_day_open_write(store, day, &db);
    if (r == 0) {
        (void)sqlite3_busy_timeout(db, 100);
        r = sq_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    }
    if (r == 0)
        r = sq_exec(db, "PRAGMA journal_mode = DELETE");
    (void)sqlite3_close(db);
    xw_autofree char *wal = NULL;
    xw_autofree char *path = sq_day_path(store, day);
    if (path == NULL || asprintf(&wal, "%s-wal", path) < 0)
        return -ENOMEM;
    if (r == -EBUSY || (r == 0 && access(wal, F_OK) == 0))
        return 0;
    /* A power cut could bring back the log that was removed, and SQLite would copy it into the
     * file, which then is not the one that was hashed. */
    if (r == 0)
        r = xw_file_sync_parent(path);
    return r < 0 ? r : 1;
}

static int begin(struct sq_store *store, uint32_t day)
{
    struct sq_seal *seal = calloc(1, sizeof *seal);
    xw_autofree char *path = sq_day_path(store, day);
    if (seal == NULL || path == NULL) {
        free(seal);
        return -ENOMEM;
    }
    store->seal = seal;
    *seal = (struct sq_seal){.day = day,
                             .fd = open(path, O_RDONLY | O_CLOEXEC),
                             .context = EVP_MD_CTX_new(),
                             .buffer = malloc(BUFFER)};
    if (seal->fd < 0 || seal->context == NULL || seal->buffer == NULL ||
        EVP_DigestInit_ex(seal->context, EVP_sha256(), NULL) != 1) {
        sq_seal_forget(store);
        return -EIO;
    }
    return 0;
}

struct seal_job {
    struct sq_job job;
    uint32_t day;
    uint64_t size;
    uint8_t sha256[32];
};

static int seal_stage(struct sq_store *store, struct sq_job *job)
{
    struct seal_job *self = XW_CONTAINER_OF(job, struct seal_job, job);
    sqlite3_stmt *set = sq_get(&store->writer.conn, SQ_DAY_SEAL);
    (void)sqlite3_bind_int64(set, 1, self->day);
    sq_bind_bytes(set, 2, self->sha256, sizeof self->sha256);
    sq_bind_u64(set, 3, self->size);
    int r = sq_run(set);
    return r < 0 ? sq_fail(store, r) : 0;
}

static int finish(struct sq_store *store)
{
    struct seal_job job = {
        .job = {.stage = seal_stage}, .day = store->seal->day, .size = store->seal->size};
    int r = EVP_DigestFinal_ex(store->seal->context, job.sha256, NULL) == 1 ? 0 : -EIO;
    sq_seal_forget(store);
    if (r == 0)
        r = xw_fault_point("store.seal");
    if (r == 0)
        r = sq_call(store, &job.job);
    if (r == 0)
        xw_log_info("store.sealed", XW_LOG_UINT("day", job.day), XW_LOG_UINT("bytes", job.size));
    return r;
}

/* 1: more of the file to hash. */
static int slice(struct sq_store *store, size_t bytes)
{
    struct sq_seal *seal = store->seal;
    for (size_t done = 0; done < bytes;) {
        ssize_t n = read(seal->fd, seal->buffer, BUFFER);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || (n > 0 && EVP_DigestUpdate(seal->context, seal->buffer, (size_t)n) != 1)) {
            sq_seal_forget(store);
            return -EIO;
        }
        if (n == 0)
            return finish(store);
        done += (size_t)n;
        seal->size += (uint64_t)n;
    }
    return 1;
}

int sq_seal_step(struct sq_store *store, bool all)
{
    if (store->seal == NULL) {
        uint32_t day = 0;
        if (sq_backup_runs(store))
            return 0;
        int r = next_day(store, &day);
        if (r == 1) {
            r = sq_repack_step(store, day, all ? SIZE_MAX : REPACK_SLICE);
            if (r != 0)
                return r == -ENOSPC ? 0 : all ? r : XW_MIN(r, 0);
            r = quieten(store, day);
        }
        if (r == 1)
            r = begin(store, day);
        else
            return r;
        if (r < 0)
            return r;
    }
    int r = slice(store, all ? SIZE_MAX : SLICE);
    /* Asked for everything: there may be another day. */
    return r == 0 && all ? 1 : (all ? r : XW_MIN(r, 0));
}
