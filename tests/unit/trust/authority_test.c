/* The folder of the county's authority. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "trust/authority.h"

#define NOW_S INT64_C(1800000000)

static char dir[64], authority[96];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/xw-authority-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(authority, sizeof(authority), "%s/authority", dir);
    return 0;
}

static int remove_dir(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static void keys_are_for_the_owner_alone(void **state)
{
    static const char *const names[] = {"ca", "gateways", "servers"};
    (void)state;
    assert_int_equal(xw_authority_init(authority, "东山县", NOW_S), 0);
    for (size_t i = 0; i < XW_ARRAY_N(names); i++) {
        char path[160];
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s.key", authority, names[i]);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0600);
    }
    assert_int_equal(xw_authority_init(authority, "东山县", NOW_S), -EEXIST);
}

static void what_it_signs_leads_to_its_root(void **state)
{
    (void)state;
    struct xw_authority *a;
    struct xw_buf chain;
    struct xw_cert_facts facts;
    const char *why;
    xw_autokey EVP_PKEY *key = NULL;
    xw_buf_init(&chain, XW_PEM_MAX_N_BYTES);
    assert_int_equal(xw_key_new(&key), 0);
    assert_int_equal(xw_authority_init(authority, "county", NOW_S), 0);
    assert_int_equal(xw_authority_open(authority, XW_AUTHORITY_GATEWAYS, &a), 0);
    assert_int_equal(xw_authority_gateway(a, key, "town-a", 3, NOW_S, 3600, &chain, &facts), 0);
    assert_string_equal(facts.name, "town-a");
    assert_int_equal(facts.generation, 3);
    assert_int_equal(facts.until_s, NOW_S + 3600);
    const struct xw_buf *root = xw_authority_root(a);
    assert_int_equal(
        xw_cert_verify(chain.data, chain.n, root->data, root->n, false, NOW_S + 1, &why), 0);
    /* It does not outlive the one that signed it. */
    xw_buf_clear(&chain);
    assert_int_equal(
        xw_authority_gateway(a, key, "town-a", 3, NOW_S, INT64_C(1) << 40, &chain, &facts), 0);
    assert_true(facts.until_s < NOW_S + INT64_C(16) * 31557600);
    xw_authority_free(a);
    xw_buf_done(&chain);
}

static void without_the_roots_key_it_still_signs(void **state)
{
    (void)state;
    struct xw_authority *a;
    char path[160];
    assert_int_equal(xw_authority_init(authority, "county", NOW_S), 0);
    snprintf(path, sizeof(path), "%s/ca.key", authority);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(xw_authority_open(authority, XW_AUTHORITY_SERVERS, &a), 0);
    xw_authority_free(a);
}

static void a_broken_or_foreign_file_is_told(void **state)
{
    (void)state;
    struct xw_authority *a = NULL;
    char other[96], command[400];
    snprintf(other, sizeof(other), "%s/other", dir);
    assert_int_equal(xw_authority_open(authority, XW_AUTHORITY_GATEWAYS, &a), -ENOENT);
    assert_int_equal(xw_authority_init(authority, "county", NOW_S), 0);
    assert_int_equal(xw_authority_init(other, "other", NOW_S), 0);
    snprintf(command, sizeof(command), "cp %s/gateways.key %s/", other, authority);
    assert_int_equal(system(command), 0);
    assert_int_equal(xw_authority_open(authority, XW_AUTHORITY_GATEWAYS, &a), -EBADMSG);
    snprintf(command, sizeof(command), "cp %s/gateways.pem %s/", other, authority);
    assert_int_equal(system(command), 0);
    assert_int_equal(xw_authority_open(authority, XW_AUTHORITY_GATEWAYS, &a), -EBADMSG);
    snprintf(command, sizeof(command), "echo x > %s/servers.key", authority);
    assert_int_equal(system(command), 0);
    assert_int_equal(xw_authority_open(authority, XW_AUTHORITY_SERVERS, &a), -EBADMSG);
}

static void what_a_killed_one_left_is_written_over(void **state)
{
    (void)state;
    char beside[128];
    snprintf(beside, sizeof(beside), "%s.new/ca.key", authority);
    char folder[128];
    snprintf(folder, sizeof(folder), "%s.new", authority);
    assert_int_equal(xw_file_make_dirs(folder, 0700), 0);
    assert_int_equal(xw_file_write_atomic(beside, "half", 4, 0600), 0);
    assert_int_equal(xw_authority_init(authority, "county", NOW_S), 0);
    struct xw_authority *a;
    assert_int_equal(xw_authority_open(authority, XW_AUTHORITY_GATEWAYS, &a), 0);
    xw_authority_free(a);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(keys_are_for_the_owner_alone),           TEST(what_it_signs_leads_to_its_root),
        TEST(without_the_roots_key_it_still_signs),   TEST(a_broken_or_foreign_file_is_told),
        TEST(what_a_killed_one_left_is_written_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
