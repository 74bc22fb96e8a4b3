/* The text of a key file. */
#include "vault/keyfile.h"

#include "base/file.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { ID_DIGITS = 8, KEY_DIGITS = 2 * XW_VAULT_KEY_BYTES };
static const char word[] = "xinwang-key 1 ";
static const char head[] = "# Opens the data of one gateway or center. Keep it apart from the "
                           "data and its copies,\n# and keep a copy of it in a safe place: "
                           "without it the data is lost.\n";

static int hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int take_hex(const char *text, uint8_t *ret, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int high = hex_of(text[2 * i]), low = hex_of(text[2 * i + 1]);
        if (high < 0 || low < 0)
            return -EBADMSG;
        ret[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

static int take_line(const char *line, size_t n, struct xw_keyfile *file)
{
    const size_t word_n = sizeof word - 1;
    uint8_t id[4];
    if (n == 0 || line[0] == '#')
        return 0;
    if (n != word_n + ID_DIGITS + 1 + KEY_DIGITS || memcmp(line, word, word_n) != 0 ||
        line[word_n + ID_DIGITS] != ' ' || file->n == XW_KEYFILE_KEYS_MAX)
        return -EBADMSG;
    struct xw_keyfile_key *key = &file->keys[file->n];
    if (take_hex(line + word_n, id, sizeof id) < 0 ||
        take_hex(line + word_n + ID_DIGITS + 1, key->key, sizeof key->key) < 0)
        return -EBADMSG;
    key->id = (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
    if (key->id == 0 || xw_keyfile_find(file, key->id) != NULL)
        return -EBADMSG;
    file->n++;
    return 0;
}

int xw_keyfile_parse(const char *text, size_t size, struct xw_keyfile *ret_file, unsigned *ret_line)
{
    struct xw_keyfile file = {0};
    unsigned line = 0;
    int r = size <= XW_KEYFILE_MAX ? 0 : -EBADMSG;
    for (size_t at = 0; r == 0 && at < size; line++) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t n = end == NULL ? size - at : (size_t)(end - text) - at;
        r = take_line(text + at, n, &file);
        at += n + 1;
    }
    if (r == 0 && file.n == 0)
        r = -EBADMSG;
    if (r < 0)
        *ret_line = line;
    else
        *ret_file = file;
    xw_keyfile_wipe(&file);
    return r;
}

int xw_keyfile_read(const char *path, struct xw_keyfile *ret_file)
{
    struct stat st;
    uint8_t *text = NULL;
    size_t size = 0;
    unsigned line;
    if (stat(path, &st) < 0)
        return errno == ENOENT ? -ENOKEY : -errno;
    if ((st.st_mode & 077) != 0)
        return -EACCES;
    int r = xw_file_read(path, XW_KEYFILE_MAX, &text, &size);
    if (r == -EOVERFLOW)
        r = -EBADMSG;
    if (r == 0)
        r = xw_keyfile_parse((const char *)text, size, ret_file, &line);
    if (text != NULL)
        sodium_memzero(text, size);
    free(text);
    return r;
}

int xw_keyfile_write(const char *path, const struct xw_keyfile *file)
{
    char text[XW_KEYFILE_MAX], hex[KEY_DIGITS + 1];
    size_t n = (size_t)snprintf(text, sizeof text, "%s", head);
    for (size_t i = 0; i < file->n && n < sizeof text; i++) {
        (void)sodium_bin2hex(hex, sizeof hex, file->keys[i].key, XW_VAULT_KEY_BYTES);
        n +=
            (size_t)snprintf(text + n, sizeof text - n, "%s%08x %s\n", word, file->keys[i].id, hex);
    }
    xw_autofree char *folder = strdup(path);
    char *slash = folder == NULL ? NULL : strrchr(folder, '/');
    int r = folder == NULL ? -ENOMEM : n < sizeof text ? 0 : -EOVERFLOW;
    if (r == 0 && slash != NULL && slash != folder) {
        *slash = '\0';
        r = xw_file_make_dirs(folder, 0750);
    }
    if (r == 0)
        r = xw_file_write_atomic(path, text, n, 0600);
    sodium_memzero(text, sizeof text);
    sodium_memzero(hex, sizeof hex);
    return r;
}

void xw_keyfile_add(struct xw_keyfile *file)
{
    struct xw_keyfile_key key;
    if (file->n == XW_KEYFILE_KEYS_MAX)
        file->n--;
    memmove(file->keys + 1, file->keys, file->n * sizeof file->keys[0]);
    do
        key.id = randombytes_random();
    while (key.id == 0 || xw_keyfile_find(file, key.id) != NULL);
    randombytes_buf(key.key, sizeof key.key);
    file->keys[0] = key;
    file->n++;
    sodium_memzero(&key, sizeof key);
}

const uint8_t *xw_keyfile_find(const struct xw_keyfile *file, uint32_t id)
{
    for (size_t i = 0; i < file->n; i++)
        if (file->keys[i].id == id)
            return file->keys[i].key;
    return NULL;
}

void xw_keyfile_wipe(struct xw_keyfile *file)
{
    sodium_memzero(file, sizeof *file);
}
