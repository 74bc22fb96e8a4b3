/* A folder of a test. */
#include "folder.h"

#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

void folder_init(struct folder *folder)
{
    const char *tmp = getenv("TMPDIR");
    (void)snprintf(folder->dir, sizeof folder->dir, "%.150s/xw-vault-XXXXXX",
                   tmp == NULL ? "/tmp" : tmp);
    assert_non_null(mkdtemp(folder->dir));
    (void)snprintf(folder->data, sizeof folder->data, "%s/data", folder->dir);
    (void)snprintf(folder->key_file, sizeof folder->key_file, "%s/keys/key", folder->dir);
    assert_int_equal(mkdir(folder->data, 0700), 0);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

void folder_done(const struct folder *folder)
{
    (void)nftw(folder->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

void folder_path(const struct folder *folder, const char *name, char ret_path[300])
{
    (void)snprintf(ret_path, 300, "%s/%s", folder->data, name);
}

void folder_read(const char *path, uint8_t *data, size_t cap, size_t *ret_n)
{
    uint8_t *bytes = NULL;
    assert_int_equal(xw_file_read(path, cap, &bytes, ret_n), 0);
    memcpy(data, bytes, *ret_n);
    free(bytes);
}

void folder_write(const char *path, const void *data, size_t n)
{
    assert_int_equal(xw_file_write_atomic(path, data, n, 0600), 0);
}
