/* Whose a spool is, and on which machine it was used last: the file `gateway` in it, two lines. */
#include "edge/identity.h"

#include "base/file.h"

#include <dirent.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

enum { OWNER_MAX_N_BYTES = XW_ENROL_ID_MAX + XW_EDGE_MACHINE_N + 2, CARDS_MAX = 16 };

struct owner {
    char id[XW_ENROL_ID_MAX + 1], machine[XW_EDGE_MACHINE_N];
};

static int path_of(const char *dir, char ret_path[XW_EDGE_PATH_N])
{
    int n = snprintf(ret_path, XW_EDGE_PATH_N, "%s/gateway", dir);
    return n > 0 && n < XW_EDGE_PATH_N ? 0 : -ENAMETOOLONG;
}

static struct owner read_owner(const char *spool_dir)
{
    struct owner owner = {"", ""};
    char path[XW_EDGE_PATH_N];
    xw_autofree uint8_t *data = NULL;
    size_t n = 0;
    if (path_of(spool_dir, path) < 0 || xw_file_read(path, OWNER_MAX_N_BYTES, &data, &n) < 0)
        return owner;
    const uint8_t *end = n ? memchr(data, '\n', n) : NULL;
    size_t id_n = end ? (size_t)(end - data) : n;
    if (id_n > XW_ENROL_ID_MAX || memchr(data, 0, n))
        return owner;
    memcpy(owner.id, data, id_n);
    owner.id[id_n] = 0;
    if (!xw_enrol_id_ok(owner.id))
        owner.id[0] = 0;
    size_t rest = end ? n - id_n - 1 : 0;
    if (rest == XW_EDGE_MACHINE_N && data[n - 1] == '\n') {
        memcpy(owner.machine, data + id_n + 1, rest - 1);
        owner.machine[rest - 1] = 0;
    }
    return owner;
}

void xw_edge_spool_owner(const char *spool_dir, char ret_id[XW_ENROL_ID_MAX + 1])
{
    struct owner owner = read_owner(spool_dir);
    memcpy(ret_id, owner.id, sizeof(owner.id));
}

int xw_edge_spool_claim(const char *spool_dir, const char *id, const char *machine, bool *ret_moved)
{
    char path[XW_EDGE_PATH_N], text[OWNER_MAX_N_BYTES];
    struct owner owner = read_owner(spool_dir);
    if (owner.id[0] && strcmp(owner.id, id) != 0)
        return -EEXIST;
    *ret_moved = owner.machine[0] && machine[0] && strcmp(owner.machine, machine) != 0;
    if (!machine[0])
        machine = owner.machine;
    if (owner.id[0] && strcmp(owner.machine, machine) == 0)
        return 0;
    int n = snprintf(text, sizeof(text), "%.*s\n%s%s", XW_ENROL_ID_MAX, id, machine,
                     machine[0] ? "\n" : "");
    int r = path_of(spool_dir, path);
    if (r == 0)
        r = xw_file_make_dirs(spool_dir, 0750);
    return r < 0 ? r : xw_file_write_atomic(path, text, (size_t)n, 0640);
}

/* ---- the machine ---- */

static size_t read_line(const char *path, char *ret_text, size_t size)
{
    FILE *file = fopen(path, "re");
    size_t n = file ? fread(ret_text, 1, size - 1, file) : 0;
    if (file)
        (void)fclose(file);
    while (n && (ret_text[n - 1] == '\n' || ret_text[n - 1] == 0 || ret_text[n - 1] == ' '))
        n--;
    ret_text[n] = 0;
    return n;
}

/* Cards that come and go (USB) or are made up (virtual) say nothing. */
static bool built_in(const char *dir, const char *name)
{
    char path[XW_EDGE_PATH_N], real[PATH_MAX];
    int n = snprintf(path, sizeof(path), "%s/%.64s/device", dir, name);
    return n > 0 && n < (int)sizeof(path) && realpath(path, real) && !strstr(real, "/usb") &&
           !strstr(real, "/virtual/");
}

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Sorted: the order of a folder is no order. */
static size_t cards(const char *root, char ret_addresses[CARDS_MAX][32])
{
    char dir[XW_EDGE_PATH_N], path[XW_EDGE_PATH_N];
    int length = snprintf(dir, sizeof(dir), "%s/sys/class/net", root);
    size_t n = 0;
    DIR *d = length > 0 && length < (int)sizeof(dir) ? opendir(dir) : NULL;
    for (const struct dirent *e; d && n < CARDS_MAX && (e = readdir(d)) != NULL;) {
        if (e->d_name[0] == '.' || !built_in(dir, e->d_name))
            continue;
        length = snprintf(path, sizeof(path), "%s/%.64s/address", dir, e->d_name);
        if (length > 0 && length < (int)sizeof(path) &&
            read_line(path, ret_addresses[n], sizeof(ret_addresses[n])) > 0)
            n++;
    }
    if (d)
        closedir(d);
    qsort(ret_addresses, n, sizeof(ret_addresses[0]), compare);
    return n;
}

void xw_edge_machine(const char *root, char ret_machine[XW_EDGE_MACHINE_N])
{
    static const char label[] = "xinwang machine 1";
    char path[XW_EDGE_PATH_N], serial[128] = "", addresses[CARDS_MAX][32];
    uint8_t hash[(XW_EDGE_MACHINE_N - 1) / 2];
    crypto_generichash_state state;
    size_t n = 0;
    ret_machine[0] = 0;
    int length = snprintf(path, sizeof(path), "%s/proc/device-tree/serial-number", root);
    if (length < 0 || length >= (int)sizeof(path))
        return;
    if (!read_line(path, serial, sizeof(serial)) && !(n = cards(root, addresses)))
        return;
    crypto_generichash_init(&state, (const uint8_t *)label, sizeof(label) - 1, sizeof(hash));
    crypto_generichash_update(&state, (const uint8_t *)serial, strlen(serial) + 1);
    for (size_t i = 0; i < n; i++)
        crypto_generichash_update(&state, (const uint8_t *)addresses[i], strlen(addresses[i]) + 1);
    crypto_generichash_final(&state, hash, sizeof(hash));
    sodium_bin2hex(ret_machine, XW_EDGE_MACHINE_N, hash, sizeof(hash));
}
