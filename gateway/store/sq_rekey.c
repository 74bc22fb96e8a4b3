/* Everything written again with the present data key. */
#include "store/sq_day.h"
#include "store/sq_keys.h"
#include "store/sq_vfs_in.h"

#include "base/fault.h"
#include "base/file.h"
#include "vault/sealed.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { PIECE = 1 << 20, NOTE_MAX = 1 << 20 };
static const char suffix[] = ".rekey";

struct rekey {
    struct sq_store *store;
    const struct xw_vault *vault;
    struct xw_page_nonces nonces;
    struct xw_store_rewrite done;
    void (*progress)(void *user, const struct xw_store_rewrite *so_far);
    void *user;
};

static bool ends_with(const char *path, const char *end)
{
    size_t n = strlen(path), end_n = strlen(end);
    return n >= end_n && strcmp(path + n - end_n, end) == 0;
}

/* ---- one file beside the old one ---- */

static int begin_new(const char *path, char **ret_name, int *ret_fd)
{
    struct stat st;
    if (asprintf(ret_name, "%s%s", path, suffix) < 0) {
        *ret_name = NULL;
        return -ENOMEM;
    }
    mode_t mode = stat(path, &st) == 0 ? st.st_mode & 0777 : 0640;
    *ret_fd = open(*ret_name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    return *ret_fd < 0 ? -errno : 0;
}

static int end_new(struct rekey *rekey, const char *path, const char *name, int fd, int r)
{
    struct stat st = {0};
    if (r == 0 && (fsync(fd) < 0 || fstat(fd, &st) < 0))
        r = -errno;
    if (r == 0)
        r = xw_fault_point("store.rekey.file");
    if (r == 0 && rename(name, path) < 0)
        r = -errno;
    if (r == 0)
        r = xw_file_sync_parent(path);
    if (r == 0)
        r = xw_fault_point("store.rekey.named");
    if (r < 0) {
        if (name != NULL)
            (void)unlink(name);
        return r;
    }
    rekey->done.files++;
    rekey->done.bytes += (uint64_t)st.st_size;
    if (rekey->progress != NULL)
        rekey->progress(rekey->user, &rekey->done);
    return 0;
}

/* ---- databases ---- */

/* 1: some page is of another key. */
static int is_old_db(const struct rekey *rekey, int fd, uint32_t page_size)
{
    uint8_t reserve[XW_PAGE_RESERVE];
    for (off_t at = page_size - XW_PAGE_RESERVE;; at += page_size) {
        ssize_t n = pread(fd, reserve, sizeof reserve, at);
        if (n < 0)
            return -errno;
        if (n < (ssize_t)sizeof reserve)
            return 0;
        uint32_t id = xw_page_key_of(reserve);
        if (id != 0 && id != xw_vault_present(rekey->vault))
            return 1;
    }
}

/* A page that does not open is copied as it is: its damage is found and told where it is read. */
static int copy_page(struct rekey *rekey, const struct sq_file *f, uint32_t number, uint8_t *page,
                     uint8_t *raw)
{
    struct xw_page_about about;
    size_t clear_n = number == 1 ? SQ_HEAD_CLEAR : 0;
    memcpy(raw, page, f->page_size);
    sq_about_page(f, number, page, &about);
    int r = xw_page_open(rekey->vault, &about, page, f->page_size, clear_n);
    if (r == 0)
        xw_page_seal(rekey->vault, &rekey->nonces, &about, page, f->page_size, clear_n);
    else
        memcpy(page, raw, f->page_size);
    return r == -ENOKEY ? r : 0;
}

static int copy_pages(struct rekey *rekey, int in, int out, uint32_t page_size)
{
    struct sq_file f = {.page_size = page_size};
    if (page_size == 0 || pread(in, f.id, sizeof f.id, 4) != (ssize_t)sizeof f.id)
        return -EIO;
    xw_autofree uint8_t *page = malloc(page_size);
    xw_autofree uint8_t *raw = malloc(page_size);
    if (page == NULL || raw == NULL)
        return -ENOMEM;
    int r = lseek(in, 0, SEEK_SET) < 0 ? -errno : 0;
    for (uint32_t number = 1; r == 0; number++) {
        size_t used = 0;
        ssize_t n = 1;
        while (used < page_size && (n = read(in, page + used, page_size - used)) != 0) {
            if (n < 0 && errno == EINTR)
                continue;
            if (n < 0)
                return -errno;
            used += (size_t)n;
        }
        if (used == page_size)
            r = copy_page(rekey, &f, number, page, raw);
        if (r == 0 && used > 0)
            r = xw_file_write_all(out, page, used);
        if (used < page_size)
            break;
    }
    return r;
}

/* A power cut must not bring back a log whose frames are of a key that is gone by then: the store
 * would be refused for it. */
static int sync_log(const char *path)
{
    xw_autofree char *name = NULL;
    if (asprintf(&name, "%s-wal", path) < 0) {
        name = NULL;
        return -ENOMEM;
    }
    xw_autoclose int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno != ENOENT)
        return -errno;
    if (fd >= 0 && fsync(fd) < 0)
        return -errno;
    return xw_file_sync_parent(path);
}

/* All of the log goes into the file; nobody else has it open. */
static int empty_log(const struct rekey *rekey, const char *path)
{
    sqlite3 *db = NULL;
    int r = sq_open_file(rekey->store->vfs, path, SQLITE_OPEN_READWRITE, &db);
    if (r == 0)
        r = sq_exec(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    (void)sqlite3_close(db);
    return r < 0 ? r : sync_log(path);
}

/* Before its file is another one: what was hashed of it is void. */
static int unseal(const struct rekey *rekey, const char *path)
{
    const char *name = strrchr(path, '/') + 1;
    char text[120];
    sqlite3 *db = NULL;
    if (strncmp(name, "day-", 4) != 0 || access(rekey->store->meta_path, F_OK) < 0)
        return 0;
    (void)snprintf(text, sizeof text,
                   "PRAGMA synchronous = FULL;"
                   "UPDATE day SET sealed = 0, sha256 = NULL WHERE day = %.8s",
                   name + 4);
    int r = sq_open_file(rekey->store->vfs, rekey->store->meta_path, SQLITE_OPEN_READWRITE, &db);
    if (r == 0)
        r = sq_exec(db, text);
    (void)sqlite3_close(db);
    return r;
}

static int rekey_db(struct rekey *rekey, const char *path)
{
    xw_autofree char *name = NULL;
    uint32_t page_size = 0;
    int r = empty_log(rekey, path);
    xw_autoclose int in = open(path, O_RDONLY | O_CLOEXEC);
    xw_autoclose int out = -1;
    if (r == 0 && (in < 0 || sq_file_kind(in, &page_size) != SQ_FILE_DB))
        r = in < 0 ? -errno : -EBADMSG;
    if (r == 0)
        r = is_old_db(rekey, in, page_size);
    if (r <= 0)
        return r;
    r = unseal(rekey, path);
    if (r == 0)
        r = begin_new(path, &name, &out);
    if (r < 0)
        return r;
    return end_new(rekey, path, name, out, copy_pages(rekey, in, out, page_size));
}

/* ---- other files ---- */

static int copy_content(const struct rekey *rekey, const struct xw_sealed *from, int in, int out)
{
    struct xw_sealed to;
    xw_autofree uint8_t *piece = malloc(PIECE);
    uint64_t at = 0;
    ssize_t n = 0;
    int r = piece == NULL ? -ENOMEM : xw_sealed_begin(rekey->vault, out, &to);
    while (r == 0 && (n = xw_sealed_pread(from, in, at, piece, PIECE)) > 0) {
        r = xw_sealed_pwrite(&to, out, at, piece, (size_t)n);
        at += (uint64_t)n;
    }
    return r == 0 && n < 0 ? (int)n : r;
}

static int rekey_stream(struct rekey *rekey, const char *path, int in)
{
    struct xw_sealed from;
    xw_autofree char *name = NULL;
    xw_autoclose int out = -1;
    int r = xw_sealed_open(rekey->vault, in, &from);
    if (r == -EBADMSG || (r == 0 && from.key_id == xw_vault_present(rekey->vault)))
        return 0;
    if (r == 0)
        r = begin_new(path, &name, &out);
    if (r < 0)
        return r;
    return end_new(rekey, path, name, out, copy_content(rekey, &from, in, out));
}

static int rekey_note(struct rekey *rekey, const char *path)
{
    xw_autofree uint8_t *data = NULL;
    size_t n = 0;
    int r = xw_sealed_note_read(rekey->vault, path, NOTE_MAX, &data, &n);
    if (r < 0)
        return r == -EBADMSG ? 0 : r;
    return xw_sealed_note_write(rekey->vault, path, data, n, 0640);
}

static int rekey_file(void *user, const char *path)
{
    struct rekey *rekey = user;
    uint32_t page_size;
    if (ends_with(path, suffix)) /* of a rewriting that was cut short */
        return unlink(path) < 0 ? -errno : 0;
    if (ends_with(path, ".db"))
        return rekey_db(rekey, path);
    xw_autoclose int in = open(path, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return -errno;
    switch (sq_file_kind(in, &page_size)) {
    case SQ_FILE_STREAM:
        return rekey_stream(rekey, path, in);
    case SQ_FILE_NOTE:
        return rekey_note(rekey, path);
    default:
        return 0;
    }
}

/* ---- all of it ---- */

static bool in_use(void *user, uint32_t id)
{
    const struct xw_store_keys *keys = user;
    for (size_t i = 0; i < keys->n; i++)
        if (keys->keys[i].id == id)
            return keys->keys[i].pages + keys->keys[i].files > 0;
    return true;
}

static int rewrite(struct rekey *rekey, const char *dir, const char *key_file)
{
    struct xw_store_keys keys;
    rekey->vault = rekey->store->vault;
    xw_page_nonces_init(&rekey->nonces);
    int r = sq_each_file(dir, rekey_file, rekey);
    if (r == 0)
        r = sq_keys_count(dir, rekey->vault, &keys);
    if (r == 0)
        r = xw_vault_prune(dir, key_file, in_use, &keys, &rekey->done.keys_dropped);
    return r;
}

int xw_store_keys_rewrite(const char *dir, const char *key_file,
                          void (*progress)(void *user, const struct xw_store_rewrite *so_far),
                          void *user, struct xw_store_rewrite *ret_done)
{
    struct sq_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return -ENOMEM;
    struct rekey rekey = {.store = store, .progress = progress, .user = user};
    int r = sq_keys_lock(dir, store);
    if (r == 0)
        r = xw_vault_open(dir, key_file, XW_VAULT_OWNER, &store->vault);
    if (r == 0)
        r = sq_vfs_new(store->vault, &store->vfs);
    if (r == 0)
        r = rewrite(&rekey, dir, key_file);
    sq_keys_unlock(store);
    free(store);
    if (r == 0)
        *ret_done = rekey.done;
    return r;
}
