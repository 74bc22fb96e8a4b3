/* Sessions, rate limits, passwords, users; with a clock that is held still. */
#include "center/ratelimit.h"
#include "center/secret.h"
#include "center/sessions.h"
#include "center/useradmin.h"
#include "center/users.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#define MIN_US INT64_C(60000000)

static struct xw_clock fake;
static unsigned ended_n;

static void on_end(void *user, const struct xw_session *session)
{
    (void)user;
    (void)session;
    ended_n++;
}

static struct xw_sessions *open_sessions(uint32_t max_n)
{
    struct xw_sessions *sessions;
    struct xw_sessions_config config = {.clock = &fake,
                                        .idle_us = 30 * MIN_US,
                                        .max_us = 12 * 60 * MIN_US,
                                        .max_n = max_n,
                                        .on_end = on_end};
    xw_clock_fake_init(&fake, 0, INT64_C(1800000000000000));
    ended_n = 0;
    assert_int_equal(xw_sessions_new(&config, &sessions), 0);
    return sessions;
}

static void a_session_ends_when_idle(void **state)
{
    char token[XW_TOKEN_TEXT_N];
    struct xw_session *session;
    struct xw_sessions *sessions = open_sessions(10);
    (void)state;
    assert_int_equal(xw_sessions_begin(sessions, "li", token, &session), 0);
    for (unsigned i = 0; i < 10; i++) {
        xw_clock_fake_advance(&fake, 29 * MIN_US);
        assert_non_null(xw_sessions_find(sessions, token));
    }
    xw_clock_fake_advance(&fake, 30 * MIN_US + 1);
    assert_null(xw_sessions_find(sessions, token));
    assert_int_equal(ended_n, 1);
    xw_sessions_free(sessions);
}

static void a_session_ends_after_its_longest_time_in_any_case(void **state)
{
    char token[XW_TOKEN_TEXT_N];
    struct xw_session *session;
    struct xw_sessions *sessions = open_sessions(10);
    (void)state;
    assert_int_equal(xw_sessions_begin(sessions, "li", token, &session), 0);
    for (unsigned i = 0; i < 72; i++) {
        assert_non_null(xw_sessions_find(sessions, token));
        xw_clock_fake_advance(&fake, 10 * MIN_US);
    }
    xw_clock_fake_advance(&fake, 1);
    assert_null(xw_sessions_find(sessions, token));
    xw_sessions_free(sessions);
}

static void a_wrong_token_finds_nothing(void **state)
{
    char token[XW_TOKEN_TEXT_N];
    struct xw_session *session;
    struct xw_sessions *sessions = open_sessions(10);
    (void)state;
    assert_int_equal(xw_sessions_begin(sessions, "li", token, &session), 0);
    assert_null(xw_sessions_find(sessions, ""));
    assert_null(xw_sessions_find(sessions, "zz"));
    token[0] = token[0] == 'a' ? 'b' : 'a';
    assert_null(xw_sessions_find(sessions, token));
    xw_sessions_free(sessions);
}

static void a_record_brings_a_session_back_and_holds_no_token(void **state)
{
    char token[XW_TOKEN_TEXT_N];
    uint8_t key[34];
    struct xw_buf body;
    struct xw_store_record record;
    struct xw_session *session, again;
    struct xw_sessions *sessions = open_sessions(10);
    (void)state;
    assert_int_equal(xw_sessions_begin(sessions, "li", token, &session), 0);
    xw_buf_init(&body, 4096);
    assert_int_equal(xw_session_pack(session, key, &body, &record), 0);
    assert_null(memmem(body.data, body.n, token, strlen(token)));
    assert_int_equal(xw_session_unpack(&record, &again), 0);
    xw_sessions_free(sessions);
    sessions = open_sessions(10);
    xw_sessions_restore(sessions, &again);
    session = xw_sessions_find(sessions, token);
    assert_non_null(session);
    assert_string_equal(session->user, "li");
    assert_string_equal(session->csrf, again.csrf);
    xw_buf_done(&body);
    xw_sessions_free(sessions);
}

static void the_session_idle_longest_makes_room(void **state)
{
    char first[XW_TOKEN_TEXT_N], token[XW_TOKEN_TEXT_N];
    struct xw_session *session;
    struct xw_sessions *sessions = open_sessions(3);
    (void)state;
    assert_int_equal(xw_sessions_begin(sessions, "first", first, &session), 0);
    for (unsigned i = 0; i < 3; i++) {
        xw_clock_fake_advance(&fake, MIN_US);
        assert_int_equal(xw_sessions_begin(sessions, "li", token, &session), 0);
    }
    assert_int_equal(xw_sessions_n(sessions), 3);
    assert_null(xw_sessions_find(sessions, first));
    assert_non_null(xw_sessions_find(sessions, token));
    xw_sessions_end_user(sessions, "li");
    assert_int_equal(xw_sessions_n(sessions), 0);
    xw_sessions_free(sessions);
}

static unsigned saved_n;
static void on_save(void *user, const struct xw_session *session)
{
    (void)user;
    assert_int_equal(session->revision, 2 + saved_n);
    saved_n++;
}

static void use_is_kept_every_five_minutes(void **state)
{
    char token[XW_TOKEN_TEXT_N];
    struct xw_session *session;
    struct xw_sessions *sessions = open_sessions(3);
    (void)state;
    assert_int_equal(xw_sessions_begin(sessions, "li", token, &session), 0);
    for (unsigned i = 0; i < 60; i++) {
        xw_clock_fake_advance(&fake, MIN_US / 2);
        xw_session_touch(sessions, session);
        xw_sessions_save(sessions, on_save, NULL);
    }
    assert_int_equal(saved_n, 6);
    xw_sessions_free(sessions);
}

static void reading_is_noted_once_in_ten_minutes(void **state)
{
    struct xw_session session = {.user = "li"};
    struct xw_uuid a = {{1}}, b = {{2}};
    (void)state;
    assert_true(xw_session_note_read(&session, &a, MIN_US * 100));
    assert_true(xw_session_note_read(&session, &b, MIN_US * 100));
    assert_false(xw_session_note_read(&session, &a, MIN_US * 109));
    assert_true(xw_session_note_read(&session, &a, MIN_US * 110 + 1));
}

static void the_sixth_wrong_try_within_a_minute_is_refused(void **state)
{
    struct xw_limiter *limiter;
    (void)state;
    xw_clock_fake_init(&fake, 0, 0);
    assert_int_equal(xw_limiter_new(&fake, 5, &limiter), 0);
    for (unsigned i = 0; i < 5; i++)
        assert_true(xw_limiter_try(limiter, 'u', "li"));
    assert_false(xw_limiter_try(limiter, 'u', "li"));
    assert_true(xw_limiter_try(limiter, 'u', "wang"));
    for (unsigned i = 0; i < 5; i++) { /* one owner has all of a /64 */
        char address[32];
        snprintf(address, sizeof(address), "2001:db8:0:1::%u", i);
        assert_true(xw_limiter_try(limiter, 'a', address));
    }
    assert_false(xw_limiter_try(limiter, 'a', "2001:db8:0:1:ffff::1"));
    assert_true(xw_limiter_try(limiter, 'a', "2001:db8:0:2::1"));
    assert_true(xw_limiter_try(limiter, 'a', "li"));
    xw_clock_fake_advance(&fake, XW_LIMITER_WINDOW_US);
    for (unsigned i = 0; i < 5; i++)
        assert_true(xw_limiter_try(limiter, 'u', "li"));
    assert_false(xw_limiter_try(limiter, 'u', "li"));
    xw_limiter_free(limiter);
}

static void right_passwords_do_not_count(void **state)
{
    struct xw_limiter *limiter;
    (void)state;
    xw_clock_fake_init(&fake, 0, 0);
    assert_int_equal(xw_limiter_new(&fake, 5, &limiter), 0);
    for (unsigned i = 0; i < 100; i++) {
        assert_true(xw_limiter_try(limiter, 'u', "li"));
        xw_limiter_forgive(limiter, 'u', "li");
    }
    xw_limiter_free(limiter);
}

static void the_table_of_tries_is_bounded(void **state)
{
    struct xw_limiter *limiter;
    char name[16];
    (void)state;
    xw_clock_fake_init(&fake, 0, 0);
    assert_int_equal(xw_limiter_new(&fake, 1, &limiter), 0);
    for (unsigned i = 0; i < 3 * XW_LIMITER_ENTRIES; i++) {
        snprintf(name, sizeof(name), "%u", i);
        assert_true(xw_limiter_try(limiter, 'a', name));
        xw_clock_fake_advance(&fake, 1);
    }
    assert_false(xw_limiter_try(limiter, 'a', name));
    xw_limiter_free(limiter);
}

static void a_password_is_right_or_wrong(void **state)
{
    char hash[128];
    (void)state;
    assert_int_equal(xw_secret_hash("correct horse", 13, 1, 8 << 20, hash), 0);
    assert_memory_equal(hash, "$argon2id$", 10);
    assert_true(xw_secret_check(hash, "correct horse", 13));
    assert_false(xw_secret_check(hash, "correct horsf", 13));
    assert_false(xw_secret_check("", "", 0));
}

static struct xw_useradmin ask(const char *json, int expected)
{
    struct xw_useradmin a = {.hash_rounds = 1, .hash_memory_bytes = 8 << 20};
    json_t *o = json_loads(json, 0, NULL);
    assert_non_null(o);
    assert_int_equal(xw_useradmin_read(o, &a), expected);
    json_decref(o);
    return a;
}

static void users_are_added_changed_and_disabled(void **state)
{
    struct xw_users *users;
    struct xw_user user;
    (void)state;
    assert_int_equal(xw_users_new(&users), 0);
    struct xw_useradmin a =
        ask("{\"do\":\"add\",\"user\":\"li\",\"name\":\"李\",\"role\":\"technician\","
            "\"site\":\"东镇\",\"password\":\"12345678\"}",
            0);
    xw_useradmin_hash(&a);
    assert_int_equal(xw_useradmin_apply(&a, users, &user), 0);
    assert_int_equal(xw_users_put(users, &user), 0);
    assert_true(xw_secret_check(xw_users_find(users, "li")->hash, "12345678", 8));
    assert_int_equal(xw_useradmin_apply(&a, users, &user), -EINVAL); /* there already */
    a = ask("{\"do\":\"disable\",\"user\":\"li\"}", 0);
    assert_int_equal(xw_useradmin_apply(&a, users, &user), 0);
    assert_true(user.disabled);
    assert_int_equal(user.revision, 2);
    char key[64];
    struct xw_buf body;
    struct xw_store_record record;
    struct xw_user again;
    xw_buf_init(&body, 4096);
    assert_int_equal(xw_user_pack(&user, key, &body, &record), 0);
    assert_int_equal(xw_user_unpack(&record, &again), 0);
    assert_string_equal(again.site, "东镇");
    assert_string_equal(again.hash, user.hash);
    assert_true(again.disabled);
    xw_buf_done(&body);
    xw_users_free(users);
}

static void bad_requests_say_what_is_wrong(void **state)
{
    static const char *const bad[] = {
        "{}",
        "{\"do\":\"drop\"}",
        "{\"do\":\"add\",\"user\":\"Li\",\"role\":\"reader\",\"password\":\"12345678\"}",
        "{\"do\":\"add\",\"user\":\"li\",\"role\":\"king\",\"password\":\"12345678\"}",
        "{\"do\":\"add\",\"user\":\"li\",\"role\":\"reader\",\"password\":\"short\"}",
        "{\"do\":\"add\",\"user\":\"li\",\"role\":\"village\",\"password\":\"12345678\"}",
        "{\"do\":\"passwd\",\"user\":\"li\"}",
        "{\"do\":\"passwd\",\"user\":\"../li\",\"password\":\"12345678\"}",
    };
    (void)state;
    for (size_t i = 0; i < XW_ARRAY_N(bad); i++)
        assert_non_null(ask(bad[i], -EINVAL).error);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_ends_when_idle),
        cmocka_unit_test(a_session_ends_after_its_longest_time_in_any_case),
        cmocka_unit_test(a_wrong_token_finds_nothing),
        cmocka_unit_test(a_record_brings_a_session_back_and_holds_no_token),
        cmocka_unit_test(the_session_idle_longest_makes_room),
        cmocka_unit_test(use_is_kept_every_five_minutes),
        cmocka_unit_test(reading_is_noted_once_in_ten_minutes),
        cmocka_unit_test(the_sixth_wrong_try_within_a_minute_is_refused),
        cmocka_unit_test(right_passwords_do_not_count),
        cmocka_unit_test(the_table_of_tries_is_bounded),
        cmocka_unit_test(a_password_is_right_or_wrong),
        cmocka_unit_test(users_are_added_changed_and_disabled),
        cmocka_unit_test(bad_requests_say_what_is_wrong),
    };
    return xw_secret_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
