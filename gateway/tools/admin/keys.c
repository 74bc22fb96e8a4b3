/* `keys show|rotate|rewrite`: of the configured archive, or of any data folder (a gateway's spool)
 * and its key file. */
#include "admin.h"

#include "base/clock.h"
#include "store/keys.h"

#include <stdio.h>
#include <string.h>

static int fail(const char *dir, int r)
{
    const char *why = xw_vault_explain(r);
    if (r == -EBUSY)
        why = "a daemon has it open, or a copy is being made; stop it first";
    if (r == -ENOENT)
        why = "there is no keyring in this folder";
    if (r == -EOVERFLOW)
        why = "there are too many keys; use --forget, or rewrite first";
    fprintf(stderr, "xinwang-admin: keys of %s: %s\n", dir, why ? why : strerror(-r));
    return 1;
}

static json_t *json_of(const struct xw_store_keys *keys)
{
    json_t *list = json_array();
    for (size_t i = 0; i < keys->n; i++) {
        const struct xw_store_key *key = &keys->keys[i];
        char id[9];
        snprintf(id, sizeof(id), "%08x", key->id);
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:b, s:I, s:I}", "id", id, "made_wall_us",
                                        (json_int_t)key->made_us, "present", key->present, "pages",
                                        (json_int_t)key->pages, "files", (json_int_t)key->files));
    }
    char by[9];
    snprintf(by, sizeof(by), "%08x", keys->wrapped_by);
    return json_pack("{s:s, s:o, s:I}", "wrapped_by", by, "keys", list, "unknown",
                     (json_int_t)keys->unknown);
}

static int show(const struct xw_admin_options *o, const char *dir, const char *key_file)
{
    struct xw_store_keys keys;
    char made[XW_WALL_TEXT_N_BYTES];
    int r = xw_store_keys_show(dir, key_file, &keys);
    if (r < 0)
        return fail(dir, r);
    if (o->json) {
        json_t *answer = json_of(&keys);
        json_dumpf(answer, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(answer);
        return 0;
    }
    printf("keyring opened by key %08x\n", keys.wrapped_by);
    for (size_t i = 0; i < keys.n; i++) {
        const struct xw_store_key *key = &keys.keys[i];
        xw_wall_format((struct xw_wall_us){key->made_us}, made);
        printf("data key %08x  made %s  %llu pages  %llu files%s\n", key->id, made,
               (unsigned long long)key->pages, (unsigned long long)key->files,
               key->present ? "  present" : "");
    }
    if (keys.unknown)
        printf("%llu pages and files are of keys that are not in the keyring\n",
               (unsigned long long)keys.unknown);
    return 0;
}

static void on_progress(void *user, const struct xw_store_rewrite *so_far)
{
    (void)user;
    if (isatty(STDERR_FILENO))
        fprintf(stderr, "\r%llu files, %.1f MB", (unsigned long long)so_far->files,
                (double)so_far->bytes / 1e6);
}

static int rewrite(const char *dir, const char *key_file)
{
    struct xw_store_rewrite done;
    int r = xw_store_keys_rewrite(dir, key_file, on_progress, NULL, &done);
    if (isatty(STDERR_FILENO))
        fputc('\n', stderr);
    if (r < 0)
        return fail(dir, r);
    printf("%llu files (%.1f MB) written again, %zu data keys dropped\n",
           (unsigned long long)done.files, (double)done.bytes / 1e6, done.keys_dropped);
    return 0;
}

int xw_admin_keys(const struct xw_admin_options *o, const char *what, const char *dir,
                  const char *key_file)
{
    if (strcmp(what, "show") == 0)
        return show(o, dir, key_file);
    if (strcmp(what, "rewrite") == 0)
        return rewrite(dir, key_file);
    if (strcmp(what, "rotate") != 0)
        return -EINVAL;
    int r = xw_store_keys_rotate(dir, key_file, o->forget);
    if (r < 0)
        return fail(dir, r);
    return o->rewrite ? rewrite(dir, key_file) : 0;
}
