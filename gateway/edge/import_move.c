/* Paths and moves within the watched folder. */
#include "edge/import_move.h"

#include "base/file.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OTHER_NAMES_MAX = 10000 };

int xw_import_path(const char *root, const char *sub, const char *name,
                   char ret_path[XW_IMPORT_PATH_N])
{
    int n = snprintf(ret_path, XW_IMPORT_PATH_N, "%s%s%s%s%s", root, sub[0] ? "/" : "", sub,
                     name[0] ? "/" : "", name);
    return n < 0 || n >= XW_IMPORT_PATH_N ? -ENAMETOOLONG : 0;
}

/* Is that name free, and that of its reason? A file may be called like the reason of another. */
static bool is_free(const char *path)
{
    char beside[XW_IMPORT_PATH_N + sizeof(XW_IMPORT_REASON)];
    struct stat st;
    snprintf(beside, sizeof(beside), "%s" XW_IMPORT_REASON, path);
    return lstat(path, &st) < 0 && lstat(beside, &st) < 0;
}

/* A name that is taken there already gets a number behind it. */
static int free_place(const char *root, const char *sub, const char *name,
                      char ret_path[XW_IMPORT_PATH_N])
{
    char other[256];
    int r = xw_import_path(root, sub, name, ret_path);
    for (unsigned i = 1; r == 0 && !is_free(ret_path); i++) {
        if (i == OTHER_NAMES_MAX)
            return -EEXIST;
        snprintf(other, sizeof(other), "%.200s~%u", name, i);
        r = xw_import_path(root, sub, other, ret_path);
    }
    return r;
}

int xw_import_move(const char *root, const char *name, const char *sub, const char *reason)
{
    char from[XW_IMPORT_PATH_N], to[XW_IMPORT_PATH_N];
    char beside[XW_IMPORT_PATH_N + sizeof(XW_IMPORT_REASON)];
    int r = xw_import_path(root, "", name, from);
    if (r < 0)
        return r;
    r = xw_import_path(root, sub, "", to); /* somebody may have cleared it away */
    if (r == 0)
        r = xw_file_make_dirs(to, 0770);
    if (r == 0)
        r = free_place(root, sub, name, to);
    if (r == 0 && reason) { /* the reason first: never a broken file without one */
        snprintf(beside, sizeof(beside), "%s" XW_IMPORT_REASON, to);
        r = xw_file_write_atomic(beside, reason, strlen(reason), 0640);
    }
    if (r == 0 && rename(from, to) < 0)
        r = -errno;
    if (r == 0)
        r = xw_file_sync_parent(to);
    return r < 0 ? r : xw_file_sync_parent(from);
}

/* A link keeps the bytes of whoever wrote the file, who need not have synced them: before the
 * original goes they are. */
static int sync_bytes(const char *path)
{
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int xw_import_read(const char *path, size_t max, uint8_t **ret_data, size_t *ret_n)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? xw_file_read(path, max, ret_data, ret_n) : -EINVAL;
}

int xw_import_hand_on(const char *root, const char *name, const char *outbox,
                      const uint8_t hash[XW_IMPORT_HASH_N], size_t max)
{
    char from[XW_IMPORT_PATH_N], to[XW_IMPORT_PATH_N], text[2 * XW_IMPORT_HASH_N + 1];
    sodium_bin2hex(text, sizeof(text), hash, XW_IMPORT_HASH_N);
    int r = xw_import_path(root, "", name, from);
    int n = snprintf(to, sizeof(to), "%s/%s.ecg", outbox, text);
    if (r < 0 || n < 0 || n >= XW_IMPORT_PATH_N)
        return -ENAMETOOLONG;
    r = sync_bytes(from);
    if (r < 0)
        return r;
    if (link(from, to) < 0 && errno != EEXIST) {
        xw_autofree uint8_t *data = NULL;
        size_t data_n = 0;
        if (errno != EXDEV && errno != EPERM && errno != EMLINK)
            return -errno;
        r = xw_import_read(from, max, &data, &data_n);
        if (r == 0)
            r = xw_file_write_atomic(to, data, data_n, 0640);
    }
    return r < 0 ? r : xw_file_sync_parent(to);
}
