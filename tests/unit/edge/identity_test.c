/* Who a gateway is, on its disk: whole or not there, whatever was left by a killed one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/file.h"
#include "edge/enrol.h"
#include "edge/identity.h"
#include "trust/authority.h"

#define NOW_S INT64_C(1800000000)

static char dir[64], authority[96], folder[96];

static int make_dir(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/xw-identity-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(authority, sizeof(authority), "%s/authority", dir);
    snprintf(folder, sizeof(folder), "%s/identity", dir);
    return xw_authority_init(authority, "county", NOW_S);
}

static int remove_dir(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return system(command);
}

static char *text_of(const struct xw_buf *buf)
{
    return strndup((const char *)buf->data, buf->n);
}

/* As after an answer of the county. */
static struct xw_edge_identity granted(const char *id, EVP_PKEY *key)
{
    struct xw_edge_identity i = {
        .grant = {.site = "东镇卫生院", .host = "county.test", .port = 8701},
        .address = "10.0.0.1"};
    struct xw_authority *a;
    struct xw_cert_facts facts;
    struct xw_buf chain, pem;
    xw_buf_init(&chain, XW_PEM_MAX_N_BYTES);
    xw_buf_init(&pem, XW_PEM_MAX_N_BYTES);
    snprintf(i.grant.gateway, sizeof(i.grant.gateway), "%s", id);
    assert_int_equal(xw_authority_open(authority, XW_AUTHORITY_GATEWAYS, &a), 0);
    assert_int_equal(xw_authority_gateway(a, key, id, 1, NOW_S, 3600, &chain, &facts), 0);
    assert_int_equal(xw_key_pem(key, &pem), 0);
    i.grant.certificate = text_of(&chain);
    i.grant.ca = text_of(xw_authority_root(a));
    i.key = text_of(&pem);
    xw_authority_free(a);
    xw_buf_done(&chain);
    xw_buf_done(&pem);
    return i;
}

static const char *in_folder(const char *name)
{
    static char path[2][160];
    static unsigned next;
    char *p = path[next++ % 2];
    snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
    return p;
}

static void what_was_saved_is_loaded(void **state)
{
    (void)state;
    xw_autokey EVP_PKEY *key = NULL;
    struct xw_edge_identity back;
    struct stat st;
    assert_int_equal(xw_edge_identity_load(folder, &back), -ENOENT);
    assert_int_equal(xw_edge_pending_key(folder, &key), 0);
    struct xw_edge_identity i = granted("gw-1", key);
    assert_int_equal(xw_edge_identity_save(folder, &i), 0);
    assert_int_equal(access(in_folder("pending.key"), F_OK), -1);
    assert_int_equal(stat(in_folder("identity.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(stat(in_folder("key.pem"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    assert_int_equal(xw_edge_identity_load(folder, &back), 0);
    assert_string_equal(back.grant.gateway, "gw-1");
    assert_string_equal(back.grant.site, "东镇卫生院");
    assert_string_equal(back.address, "10.0.0.1");
    assert_int_equal(back.facts.until_s, NOW_S + 3600);
    xw_edge_identity_done(&back);
    xw_edge_identity_done(&i);
}

static void the_key_of_what_is_under_way_stays_the_same(void **state)
{
    (void)state;
    xw_autokey EVP_PKEY *first = NULL, *again = NULL;
    assert_int_equal(xw_edge_pending_key(folder, &first), 0);
    assert_int_equal(xw_edge_pending_key(folder, &again), 0);
    assert_int_equal(EVP_PKEY_eq(first, again), 1);
}

static void a_key_in_use_is_not_taken_for_the_next_rotation(void **state)
{
    (void)state;
    xw_autokey EVP_PKEY *key = NULL, *next = NULL;
    struct xw_edge_identity back;
    assert_int_equal(xw_edge_pending_key(folder, &key), 0);
    struct xw_edge_identity i = granted("gw-1", key);
    assert_int_equal(xw_edge_identity_save(folder, &i), 0);
    /* Killed between the rename and the unlink. */
    assert_int_equal(xw_file_write_atomic(in_folder("pending.key"), i.key, strlen(i.key), 0600), 0);
    assert_int_equal(xw_edge_identity_load(folder, &back), 0);
    assert_int_equal(xw_edge_pending_key(folder, &next), 0);
    assert_int_not_equal(EVP_PKEY_eq(key, next), 1);
    xw_edge_identity_done(&back);
    xw_edge_identity_done(&i);
}

static void copies_that_differ_are_made_again(void **state)
{
    (void)state;
    xw_autokey EVP_PKEY *key = NULL;
    struct xw_edge_identity back;
    xw_autofree uint8_t *data = NULL;
    size_t n;
    assert_int_equal(xw_edge_pending_key(folder, &key), 0);
    struct xw_edge_identity i = granted("gw-1", key);
    assert_int_equal(xw_edge_identity_save(folder, &i), 0);
    assert_int_equal(xw_file_write_atomic(in_folder("certificate.pem"), "old", 3, 0644), 0);
    assert_int_equal(unlink(in_folder("ca.pem")), 0);
    assert_int_equal(xw_edge_identity_load(folder, &back), 0);
    assert_int_equal(xw_file_read(in_folder("certificate.pem"), 65536, &data, &n), 0);
    assert_string_equal((char *)data, i.grant.certificate);
    assert_int_equal(access(in_folder("ca.pem"), F_OK), 0);
    xw_edge_identity_done(&back);
    xw_edge_identity_done(&i);
}

static void what_does_not_fit_is_neither_saved_nor_loaded(void **state)
{
    (void)state;
    xw_autokey EVP_PKEY *key = NULL, *other = NULL;
    struct xw_edge_identity back;
    assert_int_equal(xw_key_new(&key), 0);
    assert_int_equal(xw_key_new(&other), 0);
    struct xw_edge_identity i = granted("gw-1", key), of_other = granted("gw-1", other);
    char *right = i.key;
    i.key = of_other.key; /* a key that the certificate is not for */
    assert_int_equal(xw_file_make_dirs(folder, 0700), 0);
    assert_int_equal(xw_edge_identity_save(folder, &i), -EBADMSG);
    i.key = right;
    snprintf(i.grant.gateway, sizeof(i.grant.gateway), "gw-2");
    assert_int_equal(xw_edge_identity_save(folder, &i), -EBADMSG);
    assert_int_equal(xw_edge_identity_load(folder, &back), -ENOENT);
    assert_int_equal(xw_file_write_atomic(in_folder("identity.json"), "{\"gateway\":", 11, 0600),
                     0);
    assert_int_equal(xw_edge_identity_load(folder, &back), -EBADMSG);
    xw_edge_identity_done(&i);
    xw_edge_identity_done(&of_other);
}

static void addresses_of_a_county_are_taken_apart(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
    } good[] = {{"county.example", "county.example", 8702},
                {"10.1.2.3:9000", "10.1.2.3", 9000},
                {"[::1]:9000", "::1", 9000},
                {"[fe80::1]", "fe80::1", 8702}};
    static const char *const wrong[] = {"",    ":1",   "a b",    "a:0",      "a:70000",
                                        "a:x", "[::1", "[::1]x", "http://a", "a/b"};
    (void)state;
    char host[XW_ENROL_HOST_MAX + 1];
    uint16_t port;
    for (size_t i = 0; i < XW_ARRAY_N(good); i++) {
        assert_int_equal(xw_edge_enrol_split(good[i].text, host, &port), 0);
        assert_string_equal(host, good[i].host);
        assert_int_equal(port, good[i].port);
    }
    for (size_t i = 0; i < XW_ARRAY_N(wrong); i++)
        assert_int_equal(xw_edge_enrol_split(wrong[i], host, &port), -EINVAL);
}

static void a_spool_keeps_its_gateway(void **state)
{
    (void)state;
    char owner[XW_ENROL_ID_MAX + 1];
    bool moved = true;
    xw_edge_spool_owner(dir, owner);
    assert_string_equal(owner, "");
    assert_int_equal(xw_edge_spool_claim(dir, "town-a", "", &moved), 0);
    assert_false(moved);
    assert_int_equal(xw_edge_spool_claim(dir, "town-b", "", &moved), -EEXIST);
    assert_int_equal(xw_edge_spool_claim(dir, "town-a1", "", &moved), -EEXIST);
    xw_edge_spool_owner(dir, owner);
    assert_string_equal(owner, "town-a");
    /* A torn or foreign file says nothing, and is made anew. */
    char path[128];
    snprintf(path, sizeof(path), "%s/gateway", dir);
    assert_int_equal(xw_file_write_atomic(path, "a b/c", 5, 0600), 0);
    xw_edge_spool_owner(dir, owner);
    assert_string_equal(owner, "");
    assert_int_equal(xw_edge_spool_claim(dir, "town-a", "", &moved), 0);
}

static void a_spool_on_another_machine_is_a_copy(void **state)
{
    static const char one[] = "00112233445566778899aabbccddeeff";
    static const char two[] = "10112233445566778899aabbccddeeff";
    (void)state;
    bool moved = true;
    assert_int_equal(xw_edge_spool_claim(dir, "town-a", one, &moved), 0);
    assert_false(moved); /* the first that is known */
    assert_int_equal(xw_edge_spool_claim(dir, "town-a", one, &moved), 0);
    assert_false(moved);
    assert_int_equal(xw_edge_spool_claim(dir, "town-a", "", &moved), 0);
    assert_false(moved); /* nobody can tell */
    assert_int_equal(xw_edge_spool_claim(dir, "town-a", two, &moved), 0);
    assert_true(moved);
    assert_int_equal(xw_edge_spool_claim(dir, "town-a", two, &moved), 0);
    assert_false(moved); /* once */
}

static void put(const char *name, const char *text)
{
    char path[160], *slash;
    snprintf(path, sizeof(path), "%s/root/%s", dir, name);
    slash = strrchr(path, '/');
    *slash = 0;
    assert_int_equal(xw_file_make_dirs(path, 0700), 0);
    *slash = '/';
    assert_int_equal(xw_file_write_atomic(path, text, strlen(text), 0600), 0);
}

static void a_machine_is_known_by_what_no_copy_of_its_disk_has(void **state)
{
    (void)state;
    char root[96], link[160], first[XW_EDGE_MACHINE_N], second[XW_EDGE_MACHINE_N];
    snprintf(root, sizeof(root), "%s/root", dir);
    xw_edge_machine(root, first);
    assert_string_equal(first, "");
    put("sys/devices/pci0/eth0/x", "");
    put("sys/devices/pci0/usb1/wwan0/x", "");
    put("sys/class/net/wwan0/address", "02:00:00:00:00:09\n");
    snprintf(link, sizeof(link), "%s/sys/class/net/wwan0/device", root);
    assert_int_equal(symlink("../../../devices/pci0/usb1/wwan0", link), 0);
    xw_edge_machine(root, first);
    assert_string_equal(first, ""); /* a dongle is no machine */
    put("sys/class/net/eth0/address", "02:00:00:00:00:01\n");
    snprintf(link, sizeof(link), "%s/sys/class/net/eth0/device", root);
    assert_int_equal(symlink("../../../devices/pci0/eth0", link), 0);
    xw_edge_machine(root, first);
    assert_int_equal(strlen(first), 32);
    put("sys/class/net/wwan0/address", "02:00:00:00:00:0a\n");
    xw_edge_machine(root, second);
    assert_string_equal(first, second);
    put("sys/class/net/eth0/address", "02:00:00:00:00:02\n");
    xw_edge_machine(root, second);
    assert_string_not_equal(first, second);
    put("proc/device-tree/serial-number", "0123");
    xw_edge_machine(root, first);
    put("sys/class/net/eth0/address", "02:00:00:00:00:03\n"); /* a new card in the same board */
    xw_edge_machine(root, second);
    assert_string_equal(first, second);
}

static void a_broken_identity_is_kept_beside(void **state)
{
    (void)state;
    struct xw_edge_identity back;
    struct stat st;
    assert_int_equal(xw_file_make_dirs(folder, 0700), 0);
    assert_int_equal(xw_file_write_atomic(in_folder("identity.json"), "{\"gateway\":", 11, 0600),
                     0);
    assert_int_equal(xw_edge_identity_load(folder, &back), -EBADMSG);
    assert_int_equal(xw_edge_identity_aside(folder), 0);
    assert_int_equal(xw_edge_identity_load(folder, &back), -ENOENT);
    assert_int_equal(stat(in_folder("identity.json.broken"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, make_dir, remove_dir)
    const struct CMUnitTest tests[] = {
        TEST(what_was_saved_is_loaded),
        TEST(the_key_of_what_is_under_way_stays_the_same),
        TEST(a_key_in_use_is_not_taken_for_the_next_rotation),
        TEST(copies_that_differ_are_made_again),
        TEST(what_does_not_fit_is_neither_saved_nor_loaded),
        TEST(addresses_of_a_county_are_taken_apart),
        TEST(a_spool_keeps_its_gateway),
        TEST(a_spool_on_another_machine_is_a_copy),
        TEST(a_machine_is_known_by_what_no_copy_of_its_disk_has),
        TEST(a_broken_identity_is_kept_beside),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
