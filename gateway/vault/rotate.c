/* New keys for a folder that nobody has open. */
#include "vault/vault_in.h"

#include "base/clock.h"
#include "base/fault.h"

#include <sodium.h>
#include <string.h>

struct rotation {
    struct xw_keyfile file;
    struct xw_keyring ring;
    uint8_t data[XW_KEYRING_MAX];
    size_t size;
};

static int read_all(struct rotation *o, const char *dir, const char *key_file)
{
    bool whole, unread = false;
    if (sodium_init() < 0)
        return -EIO;
    int r = xw_keyfile_read(key_file, &o->file);
    if (r == 0)
        r = vault_ring_read(dir, &o->file, &o->ring, o->data, &o->size, &whole, &unread);
    return r == 0 && unread ? -EIO : r;
}

static int write_ring(struct rotation *o, const char *dir)
{
    o->size = xw_keyring_wrap(&o->ring, o->file.keys[0].id, o->file.keys[0].key, o->data);
    return vault_ring_write(dir, o->data, o->size, true);
}

/* A key file that is full loses its oldest key: not the one that still wraps the keyring. */
static int make_room(struct rotation *o)
{
    uint32_t id = 0;
    int r = xw_keyring_wrapped_by(o->data, o->size, &id);
    if (r == 0 && o->file.n == XW_KEYFILE_KEYS_MAX &&
        o->file.keys[XW_KEYFILE_KEYS_MAX - 1].id == id)
        r = -EOVERFLOW;
    return r;
}

static int forget_old(struct rotation *o, const char *key_file)
{
    sodium_memzero(&o->file.keys[1], sizeof o->file.keys - sizeof o->file.keys[0]);
    o->file.n = 1;
    return xw_keyfile_write(key_file, &o->file);
}

int xw_vault_rotate(const char *dir, const char *key_file, bool forget)
{
    struct rotation o = {.size = 0};
    int r = read_all(&o, dir, key_file);
    if (r == 0)
        r = make_room(&o);
    if (r == 0)
        r = xw_keyring_add(&o.ring, xw_clock_wall(NULL).us);
    if (r == 0) {
        xw_keyfile_add(&o.file);
        r = xw_keyfile_write(key_file, &o.file);
    }
    if (r == 0)
        r = xw_fault_point("vault.rotate.key");
    if (r == 0)
        r = write_ring(&o, dir);
    if (r == 0 && forget)
        r = forget_old(&o, key_file);
    sodium_memzero(&o, sizeof o);
    return r;
}

int xw_vault_prune(const char *dir, const char *key_file, bool (*in_use)(void *user, uint32_t id),
                   void *user, size_t *ret_dropped_n)
{
    struct rotation o = {.size = 0};
    size_t n = 0, before = 0;
    int r = read_all(&o, dir, key_file);
    if (r == 0) {
        before = o.ring.n;
        for (size_t i = 0; i < before; i++)
            if (i + 1 == before || in_use(user, o.ring.keys[i].id))
                o.ring.keys[n++] = o.ring.keys[i];
        o.ring.n = n;
        r = n < before ? write_ring(&o, dir) : 0;
    }
    if (r == 0)
        *ret_dropped_n = before - n;
    sodium_memzero(&o, sizeof o);
    return r;
}
