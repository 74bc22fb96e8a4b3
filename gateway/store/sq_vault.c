/* The keys of a store's folder. New ones are made for a folder with nothing in it; anything else
 * without its keyring is refused: made anew, it would look like damage and be put aside. */
#include "store/sq_day.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

/* 1: nothing is stored here yet. */
static int is_fresh(const struct sq_store *store)
{
    xw_autofree uint32_t *days = NULL;
    size_t n = 0;
    if (access(store->meta_path, F_OK) == 0)
        return 0;
    int r = sq_day_list(store, &days, &n);
    if (r < 0 || n > 0)
        return r;
    xw_autofree char *objects = NULL;
    if (asprintf(&objects, "%s/objects", store->dir) < 0) {
        objects = NULL;
        return -ENOMEM;
    }
    return access(objects, F_OK) < 0;
}

int sq_vault_open(struct sq_store *store, const char *key_file, bool owner)
{
    int plain = sq_vfs_is_plain(store->meta_path);
    int fresh = plain < 0 ? plain : is_fresh(store);
    int r = fresh < 0 ? fresh : plain == 1 ? -EPROTO : 0;
    if (r == 0)
        r = xw_vault_open(store->dir, key_file,
                          !owner       ? XW_VAULT_READER
                          : fresh == 1 ? XW_VAULT_NEW
                                       : XW_VAULT_OWNER,
                          &store->vault);
    if (r == -ENOENT)
        r = -EKEYREJECTED; /* the keyring is gone, and what it opened is there */
    if (r == 0)
        r = sq_vfs_new(store->vault, &store->vfs);
    store->base.vault = store->vault;
    return r;
}

void sq_vault_close(struct sq_store *store)
{
    sq_vfs_free(store->vfs);
    xw_vault_free(store->vault);
    store->vfs = NULL;
    store->vault = NULL;
    store->base.vault = NULL;
}
