/* Codes and revocations: what an administrator may, what is refused, what survives in records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium.h>

#include "center/gatewayadmin.h"
#include "center/revoked.h"

#define NOW INT64_C(1800000000000000)
#define HOUR INT64_C(3600000000)

static struct xw_identities *table;

static int new_table(void **state)
{
    (void)state;
    return xw_identities_new(&table);
}

static int free_table(void **state)
{
    (void)state;
    xw_identities_free(table);
    return 0;
}

static struct xw_gatewayadmin ask(const char *text)
{
    struct xw_gatewayadmin a = {.life_default_us = HOUR, .by = "boss"};
    json_t *o = json_loads(text, 0, NULL);
    assert_non_null(o);
    assert_true(xw_gatewayadmin_knows(o));
    (void)!xw_gatewayadmin_read(o, &a);
    json_decref(o);
    return a;
}

static void enrolled(const char *id, uint32_t generation)
{
    struct xw_identity i = {
        .generation = generation, .revision = generation, .certificate = (char[]){"PEM"}};
    snprintf(i.id, sizeof(i.id), "%s", id);
    assert_int_equal(xw_identities_put(table, &i), 0);
}

static const char *judged(const char *id, uint32_t generation)
{
    struct xw_cert_facts facts = {.generation = generation};
    snprintf(facts.name, sizeof(facts.name), "%s", id);
    return xw_identities_refuse(table, &facts);
}

static void a_code_is_shown_once_and_kept_hashed(void **state)
{
    (void)state;
    struct xw_gatewayadmin a = ask("{\"do\":\"code\",\"gateway\":\"gw-1\",\"site\":\"东镇\"}");
    struct xw_gatewayadmin_records records;
    struct xw_enrolment kept;
    struct xw_code code;
    struct xw_code_keys keys;
    uint8_t hash[32];
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), 0);
    assert_int_equal(xw_code_parse(a.code, &code), 0);
    assert_int_equal(xw_gatewayadmin_pack(&a, &records), 0);
    assert_int_equal(records.n, 2);
    assert_int_equal(xw_enrolment_unpack(&records.v[0], &kept), 0);
    assert_string_equal(kept.site, "东镇");
    assert_int_equal(kept.expires_wall_us, NOW + HOUR);
    xw_code_derive(&code, &keys);
    xw_code_hash(keys.gateway, hash);
    assert_memory_equal(kept.id, keys.id, sizeof(keys.id));
    assert_memory_equal(kept.gateway_hash, hash, sizeof(hash));
    /* Neither the code nor the key that opens it is in what is stored. */
    char hex[65], *body = strndup(records.v[0].body, records.v[0].body_size);
    sodium_bin2hex(hex, sizeof(hex), keys.gateway, sizeof(keys.gateway));
    assert_null(strstr(body, hex));
    assert_null(strstr(body, a.code));
    free(body);
    xw_gatewayadmin_put(&a, table);
    assert_string_equal(xw_enrolment_state(xw_enrolments_find(table, keys.id), NOW), "open");
    assert_string_equal(xw_enrolment_state(xw_enrolments_find(table, keys.id), NOW + HOUR),
                        "expired");
    xw_gatewayadmin_records_done(&records);
}

static void an_id_that_is_taken_needs_to_be_replaced(void **state)
{
    (void)state;
    enrolled("gw-1", 1);
    struct xw_gatewayadmin a = ask("{\"do\":\"code\",\"gateway\":\"gw-1\",\"site\":\"s\"}");
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), -EINVAL);
    assert_string_equal(a.word, "conflict");
    a = ask("{\"do\":\"code\",\"gateway\":\"gw-1\",\"site\":\"s\",\"replace\":true}");
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), 0);
    /* One that was made by hand counts as well. */
    a = ask("{\"do\":\"code\",\"gateway\":\"gw-2\",\"site\":\"s\"}");
    a.known = true;
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), -EINVAL);
}

static void a_withdrawn_code_is_closed_and_a_used_one_stays_used(void **state)
{
    (void)state;
    struct xw_gatewayadmin a = ask("{\"do\":\"code\",\"gateway\":\"gw-1\",\"site\":\"s\"}");
    char text[128], hex[33];
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), 0);
    xw_gatewayadmin_put(&a, table);
    sodium_bin2hex(hex, sizeof(hex), a.enrolment.id, sizeof(a.enrolment.id));
    snprintf(text, sizeof(text), "{\"do\":\"withdraw\",\"id\":\"%s\"}", hex);
    struct xw_enrolment used = a.enrolment;
    a = ask(text);
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), 0);
    xw_gatewayadmin_put(&a, table);
    assert_string_equal(xw_enrolment_state(&a.enrolment, NOW), "withdrawn");
    used.used_wall_us = NOW;
    used.revision = 9;
    assert_int_equal(xw_enrolments_put(table, &used), 0);
    a = ask(text);
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), -EINVAL);
    assert_string_equal(a.word, "conflict");
}

static void a_revoked_gateway_is_refused_until_it_is_enrolled_anew(void **state)
{
    (void)state;
    enrolled("gw-1", 3);
    assert_null(judged("gw-1", 3));
    struct xw_gatewayadmin a = ask("{\"do\":\"revoke\",\"gateway\":\"gw-1\"}");
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), 0);
    /* A rotation that was under way does not undo it, in whichever order they are stored. */
    struct xw_identity rotated = *xw_identities_find(table, "gw-1");
    rotated.revision++;
    xw_gatewayadmin_put(&a, table);
    assert_non_null(judged("gw-1", 3));
    rotated.certificate = NULL;
    assert_int_equal(xw_identities_put(table, &rotated), 0);
    assert_non_null(judged("gw-1", 3));
    assert_non_null(judged("gw-1", 2));
    assert_null(judged("gw-2", 3));
    assert_null(judged("gw-1", 4));
    a = ask("{\"do\":\"revoke\",\"gateway\":\"gw-1\"}");
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), -EINVAL);
    struct xw_identity again = *xw_identities_find(table, "gw-1");
    again.generation = 4;
    again.revoked_wall_us = 0;
    again.revision = xw_identity_overrule(again.revision);
    again.certificate = NULL;
    assert_int_equal(xw_identities_put(table, &again), 0);
    assert_null(judged("gw-1", 4));
    assert_non_null(judged("gw-1", 3));
}

static void a_gateway_that_is_not_known_can_be_revoked_when_it_was_linked(void **state)
{
    (void)state;
    struct xw_gatewayadmin a = ask("{\"do\":\"revoke\",\"gateway\":\"gw-9\"}");
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), -EINVAL);
    assert_string_equal(a.word, "not_found");
    a = ask("{\"do\":\"revoke\",\"gateway\":\"gw-9\"}");
    a.known = true;
    assert_int_equal(xw_gatewayadmin_apply(&a, table, NOW), 0);
    xw_gatewayadmin_put(&a, table);
    assert_non_null(judged("gw-9", 1));
    assert_non_null(judged("gw-9", 0));
}

static void an_identity_survives_in_its_record(void **state)
{
    (void)state;
    struct xw_identity i = {.generation = 5,
                            .revoked_wall_us = NOW,
                            .from_wall_us = NOW - HOUR,
                            .until_wall_us = NOW + HOUR,
                            .certificate = (char[]){"-----BEGIN"},
                            .revision = 70000},
                       back;
    char key[XW_IDENTITY_KEY_N];
    struct xw_buf body;
    struct xw_store_record record;
    memset(i.id, 'x', XW_ENROL_ID_MAX); /* the longest */
    randombytes_buf(i.key_hash, sizeof(i.key_hash));
    xw_buf_init(&body, XW_IDENTITY_BODY_MAX);
    assert_int_equal(xw_identity_pack(&i, key, &body, &record), 0);
    assert_true(record.key_size <= 64);
    assert_int_equal(xw_identity_unpack(&record, &back), 0);
    assert_string_equal(back.id, i.id);
    assert_int_equal(back.generation, 5);
    assert_int_equal(back.revoked_wall_us, NOW);
    assert_int_equal(back.revision, 70000);
    assert_memory_equal(back.key_hash, i.key_hash, sizeof(i.key_hash));
    assert_string_equal(back.certificate, "-----BEGIN");
    free(back.certificate);
    record.body_size /= 2;
    assert_true(xw_identity_unpack(&record, &back) < 0);
    xw_buf_done(&body);
}

static void two_changes_of_one_gateway_exclude_each_other(void **state)
{
    (void)state;
    assert_true(xw_identities_hold(table, "a"));
    assert_false(xw_identities_hold(table, "a"));
    assert_true(xw_identities_hold(table, "b"));
    xw_identities_release(table, "a");
    assert_true(xw_identities_hold(table, "a"));
}

static void what_is_asked_wrongly_is_told(void **state)
{
    static const char *const wrong[] = {
        "{\"do\":\"code\",\"gateway\":\"a b\",\"site\":\"s\"}",
        "{\"do\":\"code\",\"gateway\":\"a\"}",
        "{\"do\":\"code\",\"gateway\":\"a\",\"site\":\"s\\u0001\"}",
        "{\"do\":\"code\",\"gateway\":\"a\",\"site\":\"s\",\"life_us\":5}",
        "{\"do\":\"withdraw\",\"id\":\"00\"}",
        "{\"do\":\"withdraw\"}",
        "{\"do\":\"revoke\"}",
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(wrong); i++) {
        struct xw_gatewayadmin a = ask(wrong[i]);
        assert_non_null(a.error);
        assert_string_equal(a.word, "bad_request");
    }
}

static void codes_are_bounded(void **state)
{
    (void)state;
    for (unsigned i = 0; i <= XW_ENROLMENTS_OPEN_MAX; i++) {
        char text[96];
        snprintf(text, sizeof(text), "{\"do\":\"code\",\"gateway\":\"gw-%u\",\"site\":\"s\"}", i);
        struct xw_gatewayadmin a = ask(text);
        int r = xw_gatewayadmin_apply(&a, table, NOW);
        assert_int_equal(r, i < XW_ENROLMENTS_OPEN_MAX ? 0 : -EINVAL);
        if (r == 0)
            xw_gatewayadmin_put(&a, table);
    }
}

/* What was given out before is of no use to who stole the box and the paper beside it. */
static void a_revocation_and_a_new_code_end_the_open_codes_of_that_gateway(void **state)
{
    (void)state;
    struct xw_gatewayadmin_records records;
    struct xw_gatewayadmin first =
        ask("{\"do\":\"code\",\"gateway\":\"gw-1\",\"site\":\"s\",\"replace\":true}");
    struct xw_gatewayadmin other = ask("{\"do\":\"code\",\"gateway\":\"gw-10\",\"site\":\"s\"}");
    enrolled("gw-1", 1);
    assert_int_equal(xw_gatewayadmin_apply(&first, table, NOW), 0);
    xw_gatewayadmin_put(&first, table);
    assert_int_equal(xw_gatewayadmin_apply(&other, table, NOW), 0);
    xw_gatewayadmin_put(&other, table);

    struct xw_gatewayadmin second =
        ask("{\"do\":\"code\",\"gateway\":\"gw-1\",\"site\":\"s\",\"replace\":true}");
    assert_int_equal(xw_gatewayadmin_apply(&second, table, NOW + 1), 0);
    assert_int_equal(second.ended_n, 1);
    assert_int_equal(xw_gatewayadmin_pack(&second, &records), 0);
    assert_int_equal(records.n, 3);
    xw_gatewayadmin_records_done(&records);
    xw_gatewayadmin_put(&second, table);
    const struct xw_enrolment *code = xw_enrolments_find(table, first.enrolment.id);
    assert_string_equal(xw_enrolment_state(code, NOW + 2), "withdrawn");

    struct xw_gatewayadmin revoke = ask("{\"do\":\"revoke\",\"gateway\":\"gw-1\"}");
    assert_int_equal(xw_gatewayadmin_apply(&revoke, table, NOW + 2), 0);
    assert_int_equal(xw_gatewayadmin_pack(&revoke, &records), 0);
    assert_int_equal(records.n, 3);
    xw_gatewayadmin_records_done(&records);
    xw_gatewayadmin_put(&revoke, table);
    code = xw_enrolments_find(table, second.enrolment.id);
    assert_string_equal(xw_enrolment_state(code, NOW + 3), "withdrawn");
    code = xw_enrolments_find(table, other.enrolment.id);
    assert_string_equal(xw_enrolment_state(code, NOW + 3), "open");
}

static void a_restored_table_meets_what_it_forgot(void **state)
{
    (void)state;
    struct xw_cert_facts met;
    enrolled("gw-1", 1);
    assert_null(judged("gw-1", 1));
    assert_null(judged("by-hand", 0));
    assert_false(xw_identities_newer(table, &met));
    assert_null(judged("gw-1", 2)); /* stolen and replaced after the backup */
    assert_null(judged("gw-1", 3));
    assert_null(judged("gw-1", 2));
    assert_true(xw_identities_newer(table, &met));
    assert_string_equal(met.name, "gw-1");
    assert_int_equal(met.generation, 3);
    assert_false(xw_identities_newer(table, &met));
    enrolled("gw-1", 3);
    assert_non_null(judged("gw-1", 2));
    assert_null(judged("gw-2", 1)); /* enrolled after the backup */
    assert_true(xw_identities_newer(table, &met));
    for (unsigned i = 0; i < 2 * XW_IDENTITIES_NEWER_MAX; i++) {
        char id[16];
        snprintf(id, sizeof(id), "more-%u", i);
        assert_null(judged(id, 1));
    }
    unsigned n = 0;
    while (xw_identities_newer(table, &met))
        n++;
    assert_int_equal(n, XW_IDENTITIES_NEWER_MAX);
}

/* ---- what no backup brings back ---- */

static char *ledger_dir(void)
{
    static char dir[64];
    snprintf(dir, sizeof(dir), "/tmp/xw-revoked-XXXXXX");
    assert_non_null(mkdtemp(dir));
    assert_true(strlen(dir) + 10 < sizeof(dir));
    return dir;
}

static void drop_ledger(const char *dir, char ret_path[80])
{
    snprintf(ret_path, 80, "%s.revoked", dir);
    (void)unlink(ret_path);
    (void)rmdir(dir);
}

static unsigned shut_n;
static void on_shut(void *user, const char *gateway)
{
    (void)user;
    (void)gateway;
    shut_n++;
}

static void a_store_from_an_older_backup_knows_who_was_revoked_since(void **state)
{
    (void)state;
    char path[80];
    const char *dir = ledger_dir();
    shut_n = 0;
    assert_int_equal(xw_revoked_merge(dir, table, on_shut, NULL), 0); /* no file yet */
    assert_int_equal(xw_revoked_add(dir, XW_REVOKED_REVOKED, "gw-1", 1, NOW), 0);
    assert_int_equal(xw_revoked_add(dir, XW_REVOKED_REVOKED, "by-hand", 0, NOW), 0);
    enrolled("gw-1", 1); /* as the backup has it */
    enrolled("gw-2", 1);
    assert_null(judged("gw-1", 1));
    assert_int_equal(xw_revoked_merge(dir, table, on_shut, NULL), 2);
    assert_int_equal(shut_n, 2);
    assert_non_null(judged("gw-1", 1));
    assert_non_null(judged("by-hand", 0));
    assert_null(judged("gw-2", 1));
    assert_int_equal(xw_identities_find(table, "gw-1")->revoked_wall_us, NOW);
    assert_int_equal(xw_revoked_merge(dir, table, on_shut, NULL), 0); /* once is enough */
    /* and the one that was enrolled in its place comes in, the old one does not */
    assert_int_equal(xw_revoked_add(dir, XW_REVOKED_NEWER, "gw-1", 1, NOW), 0);
    assert_int_equal(xw_revoked_merge(dir, table, on_shut, NULL), 1);
    assert_null(judged("gw-1", 2));
    assert_non_null(judged("gw-1", 1));
    assert_int_equal(xw_identities_find(table, "gw-1")->revoked_wall_us, 0);
    drop_ledger(dir, path);
}

static void a_store_that_knows_more_is_left_as_it_is(void **state)
{
    (void)state;
    char path[80];
    const char *dir = ledger_dir();
    assert_int_equal(xw_revoked_add(dir, XW_REVOKED_REVOKED, "gw-1", 1, NOW), 0);
    assert_int_equal(xw_revoked_add(dir, XW_REVOKED_NEWER, "gw-1", 1, NOW), 0);
    enrolled("gw-1", 2);
    assert_int_equal(xw_revoked_merge(dir, table, NULL, NULL), 0);
    assert_null(judged("gw-1", 2));
    assert_int_equal(xw_identities_find(table, "gw-1")->revision, 2);
    drop_ledger(dir, path);
}

static void a_torn_or_damaged_line_spoils_no_other(void **state)
{
    (void)state;
    char path[80];
    const char *dir = ledger_dir();
    assert_int_equal(xw_revoked_add(dir, XW_REVOKED_REVOKED, "gw-1", 1, NOW), 0);
    snprintf(path, sizeof(path), "%s.revoked", dir);
    FILE *file = fopen(path, "a");
    assert_non_null(file);
    (void)fputs("\n1 R 1 17 gw-9 00000000\n1 R\n  \n1 R 99999999999 1 gw-8 1\n1 R 1 18000", file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(xw_revoked_add(dir, XW_REVOKED_REVOKED, "gw-2", 3, NOW), 0);
    assert_int_equal(xw_revoked_merge(dir, table, NULL, NULL), 2);
    assert_non_null(judged("gw-1", 1));
    assert_non_null(judged("gw-2", 3));
    assert_null(judged("gw-9", 1));
    assert_null(judged("gw-8", 1));
    assert_int_equal(xw_revoked_add(dir, XW_REVOKED_REVOKED, "not an id\n", 3, NOW), -EINVAL);
    drop_ledger(dir, path);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, new_table, free_table)
    const struct CMUnitTest tests[] = {
        TEST(a_code_is_shown_once_and_kept_hashed),
        TEST(an_id_that_is_taken_needs_to_be_replaced),
        TEST(a_withdrawn_code_is_closed_and_a_used_one_stays_used),
        TEST(a_revoked_gateway_is_refused_until_it_is_enrolled_anew),
        TEST(a_gateway_that_is_not_known_can_be_revoked_when_it_was_linked),
        TEST(an_identity_survives_in_its_record),
        TEST(two_changes_of_one_gateway_exclude_each_other),
        TEST(what_is_asked_wrongly_is_told),
        TEST(codes_are_bounded),
        TEST(a_restored_table_meets_what_it_forgot),
        TEST(a_revocation_and_a_new_code_end_the_open_codes_of_that_gateway),
        TEST(a_store_from_an_older_backup_knows_who_was_revoked_since),
        TEST(a_store_that_knows_more_is_left_as_it_is),
        TEST(a_torn_or_damaged_line_spoils_no_other),
    };
    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
