/* Opening a vault: key file and keyring together. */
#include "vault/vault_in.h"

#include "base/clock.h"
#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct xw_vault {
    uint32_t wrapped_by;
    size_t n;
    struct vault_key {
        uint32_t id;
        int64_t made_us;
        uint8_t page[XW_VAULT_KEY_BYTES], file[XW_VAULT_KEY_BYTES];
    } keys[];
};

static const char *const names[] = {"keyring", "keyring.copy"};

static char *path_of(const char *dir, const char *name)
{
    char *path = NULL;
    return asprintf(&path, "%s/%s", dir, name) < 0 ? NULL : path;
}

/* ---- the two copies ---- */

static int read_one(const char *dir, const char *name, uint8_t *ret_data, size_t *ret_size)
{
    xw_autofree char *path = path_of(dir, name);
    xw_autofree uint8_t *data = NULL;
    size_t size = 0;
    int r = path == NULL ? -ENOMEM : xw_file_read(path, XW_KEYRING_MAX, &data, &size);
    if (r == -EOVERFLOW)
        r = -EBADMSG;
    if (r < 0)
        return r;
    memcpy(ret_data, data, size);
    *ret_size = size;
    return 0;
}

static int unwrap(const uint8_t *data, size_t size, const struct xw_keyfile *file,
                  struct xw_keyring *ret_ring)
{
    uint32_t id = 0;
    int r = xw_keyring_wrapped_by(data, size, &id);
    const uint8_t *key = r == 0 ? xw_keyfile_find(file, id) : NULL;
    if (r == 0 && key == NULL)
        r = -ENOKEY;
    return r < 0 ? r : xw_keyring_unwrap(data, size, key, ret_ring);
}

/* Both are good and differ: a change was cut short, or somebody brought an older one back. The one
 * with more data keys has all that may be needed. A copy that is wrapped by another key than we
 * have is left alone. */
static int compare(const uint8_t *copy, size_t copy_n, const struct xw_keyfile *file,
                   struct xw_keyring *ring, uint8_t *ret_data, size_t *ret_size, bool *ret_whole)
{
    struct xw_keyring other = {0};
    int r = unwrap(copy, copy_n, file, &other);
    *ret_whole = r == -ENOKEY;
    if (r == 0 && other.n > ring->n) {
        *ring = other;
        memcpy(ret_data, copy, copy_n);
        *ret_size = copy_n;
    }
    sodium_memzero(&other, sizeof other);
    return 0;
}

/* Otherwise the copy counts only where the keyring itself is damaged or gone: one whose key is not
 * in the file may be newer than its copy. */
int vault_ring_read(const char *dir, const struct xw_keyfile *file, struct xw_keyring *ret_ring,
                    uint8_t *ret_data, size_t *ret_size, bool *ret_whole, bool *ret_unread)
{
    uint8_t copy[XW_KEYRING_MAX];
    size_t copy_n = 0;
    *ret_unread = false;
    int first = read_one(dir, names[0], ret_data, ret_size);
    int second = read_one(dir, names[1], copy, &copy_n);
    if (first == -ENOENT && second == -ENOENT)
        return -ENOENT;
    if (first == 0)
        first = unwrap(ret_data, *ret_size, file, ret_ring);
    if (first == 0) {
        *ret_whole = second == 0 && copy_n == *ret_size && memcmp(copy, ret_data, copy_n) == 0;
        if (second == 0 && !*ret_whole)
            return compare(copy, copy_n, file, ret_ring, ret_data, ret_size, ret_whole);
        return 0;
    }
    if (first == -ENOKEY || first == -ENOMEM)
        return first;
    if (second == 0)
        second = unwrap(copy, copy_n, file, ret_ring);
    if (second < 0)
        return first == -ENOENT ? second : first;
    memcpy(ret_data, copy, copy_n);
    *ret_size = copy_n;
    *ret_whole = false;
    *ret_unread = first != -ENOENT && first != -EBADMSG && first != -EKEYREJECTED;
    return 0;
}

int vault_ring_write(const char *dir, const uint8_t *data, size_t size, bool points)
{
    int r = 0;
    for (size_t i = 0; r == 0 && i < XW_ARRAY_N(names); i++) {
        xw_autofree char *path = path_of(dir, names[i]);
        r = path == NULL ? -ENOMEM : xw_file_write_atomic(path, data, size, 0640);
        if (r == 0 && points)
            r = i == 0 ? xw_fault_point("vault.rotate.ring") : xw_fault_point("vault.rotate.copy");
    }
    return r;
}

int xw_vault_copy(const char *dir, const char *to)
{
    uint8_t data[XW_KEYRING_MAX];
    size_t size = 0;
    uint32_t id;
    int r = -ENOENT;
    for (size_t i = 0; r < 0 && i < XW_ARRAY_N(names); i++) {
        r = read_one(dir, names[i], data, &size);
        if (r == 0)
            r = xw_keyring_wrapped_by(data, size, &id);
    }
    return r < 0 ? r : vault_ring_write(to, data, size, false);
}

/* ---- a new folder ---- */

static int make_ring(const char *dir, const char *key_file, struct xw_keyfile *file,
                     struct xw_keyring *ret_ring, uint8_t *data, size_t *ret_size)
{
    struct xw_keyring ring = {0};
    int r = xw_keyfile_read(key_file, file);
    if (r == -ENOKEY) {
        xw_keyfile_add(file);
        r = xw_keyfile_write(key_file, file);
        if (r == 0)
            xw_log_notice("vault.key_made", XW_LOG_STR("file", key_file));
    }
    if (r == 0)
        r = xw_keyring_add(&ring, xw_clock_wall(NULL).us);
    if (r == 0) {
        *ret_size = xw_keyring_wrap(&ring, file->keys[0].id, file->keys[0].key, data);
        r = vault_ring_write(dir, data, *ret_size, false);
    }
    if (r == 0)
        *ret_ring = ring;
    sodium_memzero(&ring, sizeof ring);
    return r;
}

/* ---- opening ---- */

static int load(const struct xw_keyring *ring, uint32_t wrapped_by, struct xw_vault **ret_vault)
{
    static const uint8_t file_use[16] = "xinwang file key";
    struct xw_vault *vault = sodium_malloc(sizeof *vault + ring->n * sizeof vault->keys[0]);
    if (vault == NULL)
        return -ENOMEM;
    vault->wrapped_by = wrapped_by;
    vault->n = ring->n;
    for (size_t i = 0; i < ring->n; i++) {
        struct vault_key *key = &vault->keys[i];
        key->id = ring->keys[i].id;
        key->made_us = ring->keys[i].made_us;
        memcpy(key->page, ring->keys[i].key, sizeof key->page);
        (void)crypto_core_hchacha20(key->file, file_use, key->page, NULL);
    }
    (void)sodium_mprotect_readonly(vault);
    *ret_vault = vault;
    return 0;
}

int xw_vault_open(const char *dir, const char *key_file, enum xw_vault_as as,
                  struct xw_vault **ret_vault)
{
    uint8_t data[XW_KEYRING_MAX];
    size_t size = 0;
    bool whole = true, none = false, unread = false;
    uint32_t id = 0;
    struct xw_keyfile file = {0};
    struct xw_keyring ring = {0};
    if (sodium_init() < 0)
        return -EIO;
    int r = xw_keyfile_read(key_file, &file);
    if (r == 0 || r == -ENOKEY) {
        int ring_r = vault_ring_read(dir, &file, &ring, data, &size, &whole, &unread);
        none = ring_r == -ENOENT;
        r = none || r == 0 ? ring_r : r;
    }
    if (none && as == XW_VAULT_NEW)
        r = make_ring(dir, key_file, &file, &ring, data, &size);
    if (r == 0)
        r = xw_keyring_wrapped_by(data, size, &id);
    if (r == 0 && unread)
        xw_log_warning("vault.keyring_not_read");
    else if (r == 0 && !whole &&
             as != XW_VAULT_READER) /* a full disk does not keep it from opening */
        xw_log_warning("vault.keyring_mended",
                       XW_LOG_ERR(vault_ring_write(dir, data, size, false)));
    if (r == 0)
        r = load(&ring, id, ret_vault);
    sodium_memzero(&ring, sizeof ring);
    xw_keyfile_wipe(&file);
    return r;
}

void xw_vault_free(struct xw_vault *vault)
{
    if (vault != NULL)
        sodium_free(vault);
}

/* ---- what is in it ---- */

uint32_t xw_vault_wrapped_by(const struct xw_vault *vault)
{
    return vault->wrapped_by;
}

size_t xw_vault_keys_n(const struct xw_vault *vault)
{
    return vault->n;
}

uint32_t xw_vault_key_id(const struct xw_vault *vault, size_t at, int64_t *ret_made_us)
{
    *ret_made_us = vault->keys[at].made_us;
    return vault->keys[at].id;
}

uint32_t xw_vault_present(const struct xw_vault *vault)
{
    return vault->keys[vault->n - 1].id;
}

/* The newest first: most of what is read was written with it. */
static const struct vault_key *find(const struct xw_vault *vault, uint32_t id)
{
    for (size_t i = vault->n; i-- > 0;)
        if (vault->keys[i].id == id)
            return &vault->keys[i];
    return NULL;
}

const uint8_t *xw_vault_page_key(const struct xw_vault *vault, uint32_t id)
{
    const struct vault_key *key = find(vault, id);
    return key == NULL ? NULL : key->page;
}

const uint8_t *xw_vault_file_key(const struct xw_vault *vault, uint32_t id)
{
    const struct vault_key *key = find(vault, id);
    return key == NULL ? NULL : key->file;
}

bool xw_vault_is_outside(const char *key_file, const char *dir)
{
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    return key_file[0] != '\0' && !(strncmp(key_file, dir, n) == 0 && key_file[n] == '/');
}

const char *xw_vault_explain(int error)
{
    switch (error) {
    case -ENOKEY:
        return "the key file is missing, or it is not the one of this data; put the right key "
               "file in its place";
    case -EKEYREJECTED:
        return "the key file does not open this data's keyring: it is of other data, or the "
               "keyring and its copy are damaged";
    case -EACCES:
        return "the key file must be readable by its owner alone (chmod 600)";
    case -EBADMSG:
        return "the key file or the keyring is damaged";
    case -EPROTO:
        return "the data is not encrypted: it was made by another program or an earlier version";
    default:
        return NULL;
    }
}
