/* Configuration files: any text gives values within their ranges, or one error that names its line;
 * values that were read, printed and read again are the same. */
#include "base/config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct conf {
    char *name, *mode, *folder, *token;
    int64_t port, idle_us, spool_n_bytes;
    bool strict;
    struct xw_config_list peers;
};

static const struct xw_config_item items[] = {
    XW_CONFIG_STRING(struct conf, name, "site", "name", "somewhere", "Name."),
    XW_CONFIG_CHOICE(struct conf, mode, "site", "mode", "auto|on|off", "auto", "How."),
    XW_CONFIG_PATH(struct conf, folder, "spool", "folder", "/var/lib/x", "Where."),
    XW_CONFIG_BYTES(struct conf, spool_n_bytes, "spool", "size", 1 << 20, 1LL << 40, "2GiB",
                    "Size."),
    XW_CONFIG_INT(struct conf, port, "device", "port", 1, 65535, NULL, "7701", "Port."),
    XW_CONFIG_BOOL(struct conf, strict, "device", "strict", "yes", "Strict."),
    XW_CONFIG_DURATION(struct conf, idle_us, "device", "idle", 1000, 60000000, "5s", "Idle."),
    XW_CONFIG_SECRET(struct conf, token, "uplink", "token", "", "Secret."),
    XW_CONFIG_LIST(struct conf, peers, "uplink", "peers", 3, "", "Peers."),
};
static const struct xw_config_schema schema = {"fuzz", items, XW_ARRAY_N(items),
                                               sizeof(struct conf)};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int load(const void *data, size_t size, struct conf *ret_conf)
{
    static int fd = -1;
    char path[64];
    struct xw_config_error error = {.text = ""};
    if (fd < 0)
        fd = memfd_create("fuzz.conf", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size)
        abort();
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (xw_config_init(&schema, ret_conf, &error) < 0)
        abort();
    int r = xw_config_load(&schema, path, ret_conf, &error);
    if (r < 0 && (!error.text[0] || !memchr(error.text, 0, sizeof(error.text))))
        abort();
    if (ret_conf->port < 1 || ret_conf->port > 65535 || ret_conf->idle_us < 1000 ||
        ret_conf->idle_us > 60000000 || ret_conf->spool_n_bytes < 1 << 20 ||
        ret_conf->spool_n_bytes > 1LL << 40 || ret_conf->peers.n > 3 || !ret_conf->name ||
        !ret_conf->mode || !ret_conf->folder || !ret_conf->token)
        abort();
    return r;
}

static bool same(const struct conf *a, const struct conf *b)
{
    bool lists = a->peers.n == b->peers.n;
    for (size_t i = 0; lists && i < a->peers.n; i++)
        lists = strcmp(a->peers.items[i], b->peers.items[i]) == 0;
    return lists && a->port == b->port && a->idle_us == b->idle_us && a->strict == b->strict &&
           a->spool_n_bytes == b->spool_n_bytes && strcmp(a->name, b->name) == 0 &&
           strcmp(a->mode, b->mode) == 0 && strcmp(a->folder, b->folder) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf first, second;
    if (load(data, size, &first) >= 0) {
        char *text = NULL;
        size_t n = 0;
        FILE *out = open_memstream(&text, &n);
        if (!out)
            abort();
        xw_config_print(&schema, &first, out);
        fclose(out);
        if (load(text, n, &second) < 0 || !same(&first, &second))
            abort();
        free(text);
        xw_config_done(&schema, &second);
    }
    xw_config_done(&schema, &first);
    return 0;
}
