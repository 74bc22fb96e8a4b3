/* Key files, keyrings, and what a crash within a rotation leaves. */
#include "folder.h"

#include "base/fault.h"
#include "vault/keyfile.h"
#include "vault/keyring.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

static int set_up(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL)
        return -1;
    folder_init(folder);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    folder_done(*state);
    free(*state);
    return 0;
}

static int try_open(const struct folder *folder, bool make)
{
    struct xw_vault *vault = NULL;
    int r =
        xw_vault_open(folder->data, folder->key_file, make ? XW_VAULT_NEW : XW_VAULT_OWNER, &vault);
    xw_vault_free(vault);
    return r;
}

static uint32_t present(const struct folder *folder)
{
    struct xw_vault *vault = NULL;
    assert_int_equal(xw_vault_open(folder->data, folder->key_file, XW_VAULT_OWNER, &vault), 0);
    uint32_t id = xw_vault_present(vault);
    xw_vault_free(vault);
    return id;
}

/* ---- key files ---- */

#define KEY_A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

static void a_key_file_is_read_and_bad_lines_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int result;
        unsigned line;
    } cases[] = {
        {"xinwang-key 1 0000002a " KEY_A "\n", 0, 0},
        {"# words\n\nxinwang-key 1 0000002a " KEY_A, 0, 0},
        {"", -EBADMSG, 0},
        {"# words\n", -EBADMSG, 1},
        {"xinwang-key 1 00000000 " KEY_A "\n", -EBADMSG, 1},
        {"xinwang-key 2 0000002a " KEY_A "\n", -EBADMSG, 1},
        {"xinwang-key 1 0000002A " KEY_A "\n", -EBADMSG, 1},
        {"xinwang-key 1 0000002a " KEY_A "0\n", -EBADMSG, 1},
        {"xinwang-key 1 0000002a " KEY_A " \n", -EBADMSG, 1},
        {"#\nxinwang-key 1 0000002a " KEY_A "\nxinwang-key 1 0000002a " KEY_A "\n", -EBADMSG, 3},
        {"hello\n", -EBADMSG, 1},
    };
    for (size_t i = 0; i < XW_ARRAY_N(cases); i++) {
        struct xw_keyfile file = {0};
        unsigned line = 0;
        assert_int_equal(xw_keyfile_parse(cases[i].text, strlen(cases[i].text), &file, &line),
                         cases[i].result);
        assert_int_equal(line, cases[i].line);
        assert_int_equal(file.n, cases[i].result == 0);
    }
}

static void a_key_file_that_others_can_read_is_refused(void **state)
{
    const struct folder *folder = *state;
    assert_int_equal(try_open(folder, true), 0);
    assert_int_equal(chmod(folder->key_file, 0640), 0);
    assert_int_equal(try_open(folder, false), -EACCES);
    assert_non_null(xw_vault_explain(-EACCES));
}

static void a_key_file_holds_so_many_keys_and_loses_the_oldest(void **state)
{
    const struct folder *folder = *state;
    struct xw_keyfile file = {0}, again = {0};
    for (int i = 0; i < XW_KEYFILE_KEYS_MAX + 2; i++)
        xw_keyfile_add(&file);
    assert_int_equal(file.n, XW_KEYFILE_KEYS_MAX);
    assert_int_equal(xw_keyfile_write(folder->key_file, &file), 0);
    assert_int_equal(xw_keyfile_read(folder->key_file, &again), 0);
    assert_memory_equal(&file, &again, sizeof file);
}

/* ---- keyrings ---- */

static void a_new_folder_gets_keys_and_only_that(void **state)
{
    const struct folder *folder = *state;
    struct stat st;
    assert_int_equal(try_open(folder, false), -ENOENT);
    assert_int_equal(access(folder->key_file, F_OK), -1);
    assert_int_equal(try_open(folder, true), 0);
    assert_int_equal(stat(folder->key_file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    uint32_t id = present(folder);
    assert_int_equal(try_open(folder, true), 0);
    assert_int_equal(present(folder), id);
}

static void a_missing_key_and_another_key_are_told_apart(void **state)
{
    const struct folder *folder = *state;
    struct xw_keyfile file = {0}, other = {0};
    assert_int_equal(try_open(folder, true), 0);
    assert_int_equal(xw_keyfile_read(folder->key_file, &file), 0);
    assert_int_equal(unlink(folder->key_file), 0);
    assert_int_equal(try_open(folder, true), -ENOKEY); /* nor is a new one made */
    assert_int_equal(access(folder->key_file, F_OK), -1);
    xw_keyfile_add(&other);
    assert_int_equal(xw_keyfile_write(folder->key_file, &other), 0);
    assert_int_equal(try_open(folder, true), -ENOKEY);
    other.keys[0].id = file.keys[0].id; /* the name of the right one */
    assert_int_equal(xw_keyfile_write(folder->key_file, &other), 0);
    assert_int_equal(try_open(folder, true), -EKEYREJECTED);
    assert_int_equal(xw_keyfile_write(folder->key_file, &file), 0);
    assert_int_equal(try_open(folder, false), 0);
}

static void one_damaged_copy_of_the_keyring_is_mended_wherever_it_is_damaged(void **state)
{
    const struct folder *folder = *state;
    static const char *const names[] = {"keyring", "keyring.copy"};
    uint8_t good[XW_KEYRING_MAX], now[XW_KEYRING_MAX];
    char path[300];
    size_t n = 0, now_n = 0;
    assert_int_equal(try_open(folder, true), 0);
    folder_path(folder, names[0], path);
    folder_read(path, good, sizeof good, &n);
    for (size_t which = 0; which < 2; which++)
        for (size_t at = 0; at < n; at++) {
            if (at >= 12 && at < 16)
                continue; /* another key's name: it may be newer than the other one */
            memcpy(now, good, n);
            now[at] ^= 0x10;
            folder_path(folder, names[which], path);
            folder_write(path, now, n);
            assert_int_equal(try_open(folder, false), 0);
            folder_read(path, now, sizeof now, &now_n);
            assert_int_equal(now_n, n);
            assert_memory_equal(now, good, n);
        }
    for (size_t which = 0; which < 2; which++) {
        folder_path(folder, names[which], path);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(try_open(folder, false), 0);
        assert_int_equal(access(path, F_OK), 0);
    }
    for (size_t which = 0; which < 2; which++) {
        folder_path(folder, names[which], path);
        folder_write(path, good, n - 1);
    }
    assert_int_equal(try_open(folder, false), -EBADMSG);
}

/* ---- rotation ---- */

/* Its copy may be older: it opens what it can, and the keyring stays for the next time. */
static void a_keyring_that_cannot_be_read_this_time_is_not_replaced(void **state)
{
    const struct folder *folder = *state;
    char path[300], away[300];
    struct stat st;
    assert_int_equal(try_open(folder, true), 0);
    folder_path(folder, "keyring", path);
    folder_path(folder, "away", away);
    assert_int_equal(rename(path, away), 0);
    assert_int_equal(symlink(path, path), 0); /* ELOOP */
    assert_int_equal(try_open(folder, false), 0);
    assert_int_equal(xw_vault_rotate(folder->data, folder->key_file, false), -EIO);
    assert_int_equal(lstat(path, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    assert_int_equal(rename(away, path), 0);
    assert_int_equal(xw_vault_rotate(folder->data, folder->key_file, false), 0);
}

static void a_rotation_makes_both_keys_new_and_keeps_the_old_data_keys(void **state)
{
    const struct folder *folder = *state;
    struct xw_vault *vault = NULL;
    struct xw_keyfile before = {0}, after = {0};
    assert_int_equal(try_open(folder, true), 0);
    uint32_t old = present(folder);
    assert_int_equal(xw_keyfile_read(folder->key_file, &before), 0);
    assert_int_equal(xw_vault_rotate(folder->data, folder->key_file, false), 0);
    assert_int_equal(xw_vault_open(folder->data, folder->key_file, XW_VAULT_OWNER, &vault), 0);
    assert_int_equal(xw_vault_keys_n(vault), 2);
    assert_int_not_equal(xw_vault_present(vault), old);
    assert_non_null(xw_vault_page_key(vault, old));
    assert_int_not_equal(xw_vault_wrapped_by(vault), before.keys[0].id);
    xw_vault_free(vault);
    assert_int_equal(xw_keyfile_read(folder->key_file, &after), 0);
    assert_int_equal(after.n, 2); /* copies made before open with the same file */
    assert_int_equal(xw_vault_rotate(folder->data, folder->key_file, true), 0);
    assert_int_equal(xw_keyfile_read(folder->key_file, &after), 0);
    assert_int_equal(after.n, 1);
    /* the old key file opens nothing any more */
    assert_int_equal(xw_keyfile_write(folder->key_file, &before), 0);
    assert_int_equal(try_open(folder, false), -ENOKEY);
}

static void a_rotation_cut_at_any_step_leaves_what_opens_and_can_be_done_again(void **state)
{
    const struct folder *folder = *state;
    static const char *const rules[] = {
        "vault.rotate.key",    "vault.rotate.ring",   "vault.rotate.copy",  "file.write:after=0",
        "file.write:after=1",  "file.write:after=2",  "file.write:after=3", "file.rename:after=0",
        "file.rename:after=1", "file.rename:after=2", "file.rename:after=3"};
    assert_int_equal(try_open(folder, true), 0);
    for (size_t i = 0; i < XW_ARRAY_N(rules); i++) {
        uint32_t old = present(folder);
        pid_t pid = fork();
        if (pid == 0) {
            char error[200];
            if (xw_fault_configure(rules[i], error, sizeof error) < 0)
                _exit(9);
            _exit(xw_vault_rotate(folder->data, folder->key_file, true) == 0 ? 0 : 8);
        }
        int status = 0;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        struct xw_vault *vault = NULL;
        assert_int_equal(xw_vault_open(folder->data, folder->key_file, XW_VAULT_OWNER, &vault), 0);
        assert_non_null(xw_vault_page_key(vault, old));
        xw_vault_free(vault);
        assert_int_equal(xw_vault_rotate(folder->data, folder->key_file, true), 0);
        assert_int_not_equal(present(folder), old);
    }
}

static void an_older_keyring_that_comes_back_does_not_cost_the_newer_key(void **state)
{
    const struct folder *folder = *state;
    static const char *const names[] = {"keyring", "keyring.copy"};
    uint8_t old[XW_KEYRING_MAX];
    char path[300];
    size_t n = 0;
    assert_int_equal(try_open(folder, true), 0);
    for (size_t which = 0; which < 2; which++) {
        folder_path(folder, names[which], path);
        folder_read(path, old, sizeof old, &n);
        assert_int_equal(xw_vault_rotate(folder->data, folder->key_file, false), 0);
        uint32_t id = present(folder);
        folder_write(path, old, n);
        assert_int_equal(present(folder), id);
        assert_int_equal(present(folder), id);
    }
}

static bool is_kept(void *user, uint32_t id)
{
    const uint32_t *kept = user;
    return id == *kept;
}

static void data_keys_that_nothing_uses_go_but_never_the_present_one(void **state)
{
    const struct folder *folder = *state;
    struct xw_vault *vault = NULL;
    size_t dropped = 0;
    int64_t made;
    assert_int_equal(try_open(folder, true), 0);
    for (int i = 0; i < 3; i++)
        assert_int_equal(xw_vault_rotate(folder->data, folder->key_file, false), 0);
    assert_int_equal(xw_vault_open(folder->data, folder->key_file, XW_VAULT_OWNER, &vault), 0);
    uint32_t kept = xw_vault_key_id(vault, 1, &made), last = xw_vault_present(vault);
    xw_vault_free(vault);
    assert_int_equal(xw_vault_prune(folder->data, folder->key_file, is_kept, &kept, &dropped), 0);
    assert_int_equal(dropped, 2);
    assert_int_equal(xw_vault_open(folder->data, folder->key_file, XW_VAULT_OWNER, &vault), 0);
    assert_int_equal(xw_vault_keys_n(vault), 2);
    assert_int_equal(xw_vault_key_id(vault, 0, &made), kept);
    assert_int_equal(xw_vault_present(vault), last);
    xw_vault_free(vault);
}

static void a_keyring_can_be_full(void **state)
{
    const struct folder *folder = *state;
    assert_int_equal(try_open(folder, true), 0);
    for (int i = 1; i < XW_VAULT_KEYS_MAX; i++)
        assert_int_equal(xw_vault_rotate(folder->data, folder->key_file, true), 0);
    uint32_t id = present(folder);
    assert_int_equal(xw_vault_rotate(folder->data, folder->key_file, true), -EOVERFLOW);
    assert_int_equal(present(folder), id);
}

static void a_key_file_within_the_data_is_told(void **state)
{
    (void)state;
    assert_true(xw_vault_is_outside("/var/keys/a", "/var/data"));
    assert_true(xw_vault_is_outside("/var/data.key", "/var/data"));
    assert_false(xw_vault_is_outside("/var/data/key", "/var/data"));
    assert_false(xw_vault_is_outside("/var/data/key", "/var/data/"));
    assert_false(xw_vault_is_outside("", "/var/data"));
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    if (sodium_init() < 0)
        return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_file_is_read_and_bad_lines_are_named),
        CASE(a_key_file_that_others_can_read_is_refused),
        CASE(a_key_file_holds_so_many_keys_and_loses_the_oldest),
        CASE(a_new_folder_gets_keys_and_only_that),
        CASE(a_missing_key_and_another_key_are_told_apart),
        CASE(one_damaged_copy_of_the_keyring_is_mended_wherever_it_is_damaged),
        CASE(a_keyring_that_cannot_be_read_this_time_is_not_replaced),
        CASE(a_rotation_makes_both_keys_new_and_keeps_the_old_data_keys),
        CASE(a_rotation_cut_at_any_step_leaves_what_opens_and_can_be_done_again),
        CASE(an_older_keyring_that_comes_back_does_not_cost_the_newer_key),
        CASE(data_keys_that_nothing_uses_go_but_never_the_present_one),
        CASE(a_keyring_can_be_full),
        cmocka_unit_test(a_key_file_within_the_data_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
