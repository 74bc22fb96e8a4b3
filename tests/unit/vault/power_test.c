/* Power cuts while keys are made and rotated: what was told to be a key of the folder is one, and
 * the key file opens it. On a disk whose syncs are a lie that must fail. */
#include "folder.h"

#include "disk/disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <sys/wait.h>

enum { ROUNDS = 40, CUTS = 6, TOLD_MAX = 64 };

struct told {
    uint32_t ids[TOLD_MAX];
    size_t n;
};

/* In the child: keys, one after another, each told once it is there. */
static void work(const struct folder *folder, const char *rule, bool forget, int out)
{
    struct xw_vault *vault = NULL;
    if (xw_disk_configure(rule) < 0)
        _exit(9);
    int r = xw_vault_open(folder->data, folder->key_file, XW_VAULT_NEW, &vault);
    for (int i = 0; r == 0 && i < 3; i++) {
        uint32_t id = xw_vault_present(vault);
        xw_vault_free(vault);
        if (write(out, &id, sizeof id) != (ssize_t)sizeof id)
            _exit(8);
        r = xw_vault_rotate(folder->data, folder->key_file, forget);
        if (r == 0)
            r = xw_vault_open(folder->data, folder->key_file, XW_VAULT_OWNER, &vault);
    }
    if (r < 0)
        _exit(7);
    xw_disk_cut();
}

/* False: a key that was told is not there, or nothing can be opened. */
static bool all_there(const struct folder *folder, const struct told *told)
{
    struct xw_vault *vault = NULL;
    bool there = xw_vault_open(folder->data, folder->key_file,
                               told->n == 0 ? XW_VAULT_NEW : XW_VAULT_OWNER, &vault) == 0;
    for (size_t i = 0; there && i < told->n; i++)
        there = xw_vault_page_key(vault, told->ids[i]) != NULL;
    xw_vault_free(vault);
    return there;
}

static bool one_life(uint64_t seed, const char *lie)
{
    struct folder folder;
    struct told told = {.n = 0};
    bool well = true;
    folder_init(&folder);
    for (unsigned cut = 0; well && cut < CUTS; cut++) {
        char rule[400];
        int ends[2], status = 0;
        (void)snprintf(rule, sizeof rule, "power:%llu:after=%u:under=%s%s",
                       (unsigned long long)seed * CUTS + cut,
                       (unsigned)((seed * 7 + cut * 13) % 29), folder.dir, lie);
        assert_int_equal(pipe(ends), 0);
        pid_t pid = fork();
        if (pid == 0)
            work(&folder, rule, cut % 2 == 1, ends[1]);
        (void)close(ends[1]);
        for (uint32_t id; read(ends[0], &id, sizeof id) == (ssize_t)sizeof id;)
            told.ids[told.n++] = id;
        (void)close(ends[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        well = all_there(&folder, &told);
    }
    folder_done(&folder);
    return well;
}

static unsigned losses(const char *lie, unsigned lives)
{
    unsigned lost = 0;
    for (unsigned i = 0; i < lives; i++)
        if (!one_life(1 + i, lie)) {
            lost++;
            if (lie[0] == '\0')
                print_message("seed %u loses a key\n", 1 + i);
        }
    return lost;
}

static void no_key_that_was_told_is_lost(void **state)
{
    (void)state;
    const char *rounds = getenv("XW_ROUNDS");
    unsigned lives = rounds == NULL ? ROUNDS : (unsigned)strtoul(rounds, NULL, 10);
    assert_int_equal(losses("", lives), 0);
}

static void a_disk_whose_syncs_lie_is_found_out(void **state)
{
    (void)state;
    assert_true(losses(":lie=data", 10) > 0);
    assert_true(losses(":lie=names", 10) > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_key_that_was_told_is_lost),
        cmocka_unit_test(a_disk_whose_syncs_lie_is_found_out),
    };
    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
