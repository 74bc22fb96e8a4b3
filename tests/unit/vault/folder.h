/* A folder of a test, and a vault in it.
 *
 * Threads: one. */
#ifndef XW_TESTS_VAULT_FOLDER_H
#define XW_TESTS_VAULT_FOLDER_H

#include "vault/vault.h"

struct folder {
    char dir[200], data[220], key_file[220];
};

/* DIR/data is there and empty; DIR/keys/key is not. */
void folder_init(struct folder *folder);
void folder_done(const struct folder *folder);
/* DIR/data/NAME. */
void folder_path(const struct folder *folder, const char *name, char ret_path[300]);
void folder_read(const char *path, uint8_t *data, size_t cap, size_t *ret_n);
void folder_write(const char *path, const void *data, size_t n);

#endif
