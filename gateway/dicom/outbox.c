/* A folder as a queue: what lies in it is not done. */
#include "base/file.h"
#include "dicom/dicom.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_N = 1024, ENTRIES_MAX = 65536, OTHER_NAMES_MAX = 10000 };

static bool of_interest(const char *name)
{
    size_t n = strlen(name);
    return name[0] != '.' && n <= 200 && !(n > 5 && !strcmp(name + n - 5, ".part")) &&
           !(n > 4 && !strcmp(name + n - 4, ".tmp"));
}

static int path_of(const char *dir, const char *sub, const char *name, char ret_path[PATH_N])
{
    int n = snprintf(ret_path, PATH_N, "%s%s/%s", dir, sub, name);
    return n < 0 || n >= PATH_N ? -ENAMETOOLONG : 0;
}

/* What associations left there that were killed with the whole service: nobody was told that it is
 * stored. */
static void remove_leftovers(const char *dir)
{
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        if (!strncmp(e->d_name, XW_OUTBOX_TEMPORARY, strlen(XW_OUTBOX_TEMPORARY)))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
}

int xw_outbox_make(const char *dir)
{
    char path[PATH_N];
    int r = path_of(dir, "", "quarantine", path);
    if (r == 0)
        r = xw_file_make_dirs(path, 0770);
    if (r == 0)
        remove_leftovers(dir);
    return r;
}

static int64_t age_key(const struct stat *st)
{
    return (int64_t)st->st_ctim.tv_sec * 1000000000 + st->st_ctim.tv_nsec;
}

/* Where a file system has no links. */
static int move_to(const char *from, const char *to)
{
    struct stat st;
    if (lstat(to, &st) == 0)
        return -EEXIST;
    return rename(from, to) < 0 ? -errno : 0;
}

/* Under the first of NAME.dcm, NAME~1.dcm … that is free, by a link: nothing that is there is ever
 * replaced, and of two at the same time one gets another name. */
int xw_outbox_place(const char *dir, const char *temporary, const char *name)
{
    char to[PATH_N], number[16] = "";
    int r = -EEXIST;
    for (unsigned i = 0; r == -EEXIST && i < OTHER_NAMES_MAX; i++) {
        if (i > 0)
            snprintf(number, sizeof(number), "~%u", i);
        int n = snprintf(to, sizeof(to), "%s/%.200s%s.dcm", dir, name, number);
        if (n < 0 || n >= PATH_N)
            return -ENAMETOOLONG;
        r = link(temporary, to) < 0 ? -errno : 0;
        if (r == -EPERM || r == -EOPNOTSUPP)
            r = move_to(temporary, to);
    }
    if (r == 0)
        r = xw_file_sync_parent(to);
    return r == 0 && unlink(temporary) < 0 && errno != ENOENT ? -errno : r;
}

int xw_outbox_next(const char *dir, int64_t *after, char *ret_name, size_t name_size,
                   uint32_t *ret_waiting_n)
{
    DIR *d = opendir(dir);
    if (!d)
        return -errno;
    int64_t oldest = INT64_MAX, first = INT64_MAX;
    char first_name[256] = "";
    uint32_t n = 0, seen = 0;
    for (struct dirent *e; seen < ENTRIES_MAX && (e = readdir(d)); seen++) {
        struct stat st;
        if (!of_interest(e->d_name) || fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
            !S_ISREG(st.st_mode))
            continue;
        n++;
        int64_t key = age_key(&st);
        if (key < first) {
            first = key;
            snprintf(first_name, sizeof(first_name), "%s", e->d_name);
        }
        if (key > *after && key < oldest) {
            oldest = key;
            snprintf(ret_name, name_size, "%s", e->d_name);
        }
    }
    closedir(d);
    if (n > 0 && oldest == INT64_MAX) { /* past the last one: from the beginning */
        oldest = first;
        snprintf(ret_name, name_size, "%s", first_name);
    }
    if (n > 0)
        *after = oldest;
    *ret_waiting_n = n;
    return n > 0;
}

uint32_t xw_outbox_count(const char *dir, uint32_t most)
{
    DIR *d = opendir(dir);
    uint32_t n = 0;
    for (struct dirent *e; d && n < most && (e = readdir(d));) {
        struct stat st;
        n += of_interest(e->d_name) &&
             fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
    }
    if (d)
        closedir(d);
    return n;
}

int xw_outbox_done(const char *dir, const char *name, const char *reason)
{
    char from[PATH_N], to[PATH_N], beside[PATH_N + 8];
    int r = path_of(dir, "", name, from);
    if (r == 0)
        r = path_of(dir, "/quarantine", name, to);
    if (r < 0)
        return r;
    if (!reason) {
        if (unlink(from) < 0)
            return -errno;
        return xw_file_sync_parent(from);
    }
    snprintf(beside, sizeof(beside), "%s.reason", to);
    r = xw_file_write_atomic(beside, reason, strlen(reason), 0640);
    if (r == 0 && rename(from, to) < 0)
        r = -errno;
    if (r == 0)
        r = xw_file_sync_parent(to);
    return r < 0 ? r : xw_file_sync_parent(from);
}

int xw_dicom_read(const char *path, size_t max, uint8_t **ret_data, size_t *ret_n)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return -errno;
    return S_ISREG(st.st_mode) ? xw_file_read(path, max, ret_data, ret_n) : -EINVAL;
}
