/* What uses which key: the ends of pages, the heads of files. */
#include "store/keys.h"
#include "store/sq_keys.h"
#include "store/sq_vfs_in.h"

#include "base/file.h"
#include "store/sq.h"
#include "vault/sealed.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

enum { DEPTH_MAX = 3 };

/* ---- the files of a folder ---- */

static int walk(const char *dir, int depth, int (*each)(void *user, const char *path), void *user)
{
    DIR *folder = opendir(dir);
    if (folder == NULL)
        return errno == ENOENT ? 0 : -errno;
    int r = 0;
    for (const struct dirent *entry; r == 0 && (entry = readdir(folder)) != NULL;) {
        xw_autofree char *path = NULL;
        struct stat st;
        if (entry->d_name[0] == '.')
            continue;
        if (asprintf(&path, "%s/%s", dir, entry->d_name) < 0) {
            path = NULL;
            r = -ENOMEM;
        } else if (lstat(path, &st) < 0) {
            r = errno == ENOENT ? 0 : -errno; /* it went meanwhile */
        } else if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            r = walk(path, depth + 1, each, user);
        } else if (S_ISREG(st.st_mode)) {
            r = each(user, path);
        }
    }
    (void)closedir(folder);
    return r;
}

int sq_each_file(const char *dir, int (*each)(void *user, const char *path), void *user)
{
    return walk(dir, 0, each, user);
}

enum sq_file_kind sq_file_kind(int fd, uint32_t *ret_page_size)
{
    uint8_t head[SQ_WAL_HEAD] = {0};
    ssize_t n = pread(fd, head, sizeof head, 0);
    if (n >= 8 && memcmp(head, "XWFILE1\n", 8) == 0)
        return SQ_FILE_STREAM;
    if (n >= 8 && memcmp(head, "XWNOTE1\n", 8) == 0)
        return SQ_FILE_NOTE;
    if (n < SQ_HEAD_CLEAR)
        return SQ_FILE_OTHER;
    if (memcmp(head, "XWDB", 4) == 0) {
        uint32_t size = (uint32_t)head[16] << 8 | head[17];
        *ret_page_size = size == 1 ? 65536 : size;
        return sq_is_page_size(*ret_page_size) ? SQ_FILE_DB : SQ_FILE_OTHER;
    }
    *ret_page_size = sq_be32(head + 8);
    bool wal = n == SQ_WAL_HEAD && (sq_be32(head) & ~1U) == 0x377f0682U;
    return wal && sq_is_page_size(*ret_page_size) ? SQ_FILE_WAL : SQ_FILE_OTHER;
}

/* ---- counting ---- */

static void count(struct xw_store_keys *keys, uint32_t id, bool page)
{
    for (size_t i = 0; i < keys->n; i++)
        if (keys->keys[i].id == id) {
            if (page)
                keys->keys[i].pages++;
            else
                keys->keys[i].files++;
            return;
        }
    keys->unknown++;
}

static int count_pages(struct xw_store_keys *keys, int fd, off_t begin, uint32_t unit)
{
    uint8_t reserve[XW_PAGE_RESERVE];
    for (off_t at = begin;; at += unit) {
        ssize_t n = pread(fd, reserve, sizeof reserve, at + unit - XW_PAGE_RESERVE);
        if (n < 0)
            return -errno;
        if (n < (ssize_t)sizeof reserve)
            return 0;
        uint32_t id = xw_page_key_of(reserve);
        if (id != 0)
            count(keys, id, true);
    }
}

static int count_file(void *user, const char *path)
{
    struct xw_store_keys *keys = user;
    uint8_t id[4];
    uint32_t size = 0;
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? 0 : -errno;
    switch (sq_file_kind(fd, &size)) {
    case SQ_FILE_DB:
        return count_pages(keys, fd, 0, size);
    case SQ_FILE_WAL:
        return count_pages(keys, fd, SQ_WAL_HEAD, size + SQ_FRAME_HEAD);
    case SQ_FILE_STREAM:
    case SQ_FILE_NOTE:
        if (pread(fd, id, sizeof id, 8) != (ssize_t)sizeof id)
            return -EIO;
        count(keys,
              (uint32_t)id[0] | (uint32_t)id[1] << 8 | (uint32_t)id[2] << 16 |
                  (uint32_t)id[3] << 24,
              false);
        return 0;
    default:
        return 0;
    }
}

int sq_keys_count(const char *dir, const struct xw_vault *vault, struct xw_store_keys *ret_keys)
{
    struct xw_store_keys keys = {.wrapped_by = xw_vault_wrapped_by(vault),
                                 .n = xw_vault_keys_n(vault)};
    for (size_t i = 0; i < keys.n; i++) {
        keys.keys[i].id = xw_vault_key_id(vault, i, &keys.keys[i].made_us);
        keys.keys[i].present = i + 1 == keys.n;
    }
    int r = sq_each_file(dir, count_file, &keys);
    if (r == 0)
        *ret_keys = keys;
    return r;
}

int xw_store_keys_show(const char *dir, const char *key_file, struct xw_store_keys *ret_keys)
{
    struct xw_vault *vault = NULL;
    int r = xw_vault_open(dir, key_file, XW_VAULT_READER, &vault);
    if (r == 0)
        r = sq_keys_count(dir, vault, ret_keys);
    xw_vault_free(vault);
    return r;
}

/* ---- rotation ---- */

int sq_keys_lock(const char *dir, struct sq_store *ret_store)
{
    *ret_store = (struct sq_store){.lock_fd = -1, .backup_fd = -1};
    ret_store->dir = strdup(dir);
    int r = ret_store->dir == NULL ? -ENOMEM : access(dir, F_OK) < 0 ? -errno : 0;
    if (r == 0)
        r = sq_lock(ret_store);
    /* Held to the end: a backup that begins meanwhile waits, or it would have files of a key that
     * is not in the keyring it took. */
    if (r == 0 && flock(ret_store->backup_fd, LOCK_EX | LOCK_NB) < 0)
        r = errno == EWOULDBLOCK ? -EBUSY : -errno;
    if (r == 0 && asprintf(&ret_store->meta_path, "%s/meta.db", dir) < 0) {
        ret_store->meta_path = NULL;
        r = -ENOMEM;
    }
    return r;
}

void sq_keys_unlock(struct sq_store *store)
{
    sq_vault_close(store);
    sq_unlock(store);
    free(store->dir);
    free(store->meta_path);
}

int xw_store_keys_rotate(const char *dir, const char *key_file, bool forget)
{
    struct sq_store *store = calloc(1, sizeof *store);
    if (store == NULL)
        return -ENOMEM;
    int r = sq_keys_lock(dir, store);
    if (r == 0)
        r = xw_vault_rotate(dir, key_file, forget);
    sq_keys_unlock(store);
    free(store);
    return r;
}
