/* Versions of the rule list at the county, on the memory store: one after another, for every
 * gateway once, and never under a number that somebody has already. */
#include "center/rulelist.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <uv.h>

#include "health.pb-c.h"

struct fixture {
    struct xw_loop *loop;
    struct xw_store *store;
    struct xw_journal *journal;
    struct xw_rulelists *lists;
    struct xw_gateways *gateways;
    struct xw_rulelist_ask ask;
    unsigned done_n, passed_n;
};

static void on_passed_on(void *user, const char *gateway_id, uint64_t seq)
{
    struct fixture *f = user;
    (void)gateway_id;
    (void)seq;
    f->passed_n++;
}

static void on_committed(void *user, const struct xw_store_record *record)
{
    struct fixture *f = user;
    xw_rulelists_record(f->lists, record);
}

static void on_site(void *user, const struct xw_gateway *gateway)
{
    (void)user;
    (void)gateway;
}

static void linked(struct fixture *f, const char *id)
{
    const struct xw_downlink_gateway now = {
        .gateway_id = id, .site_name = id, .software = "", .linked = true};
    xw_gateways_update(f->gateways, &now);
}

static int init(void **state)
{
    struct xw_store_config store = {.queue_bytes = 1 << 20, .readers_n = 1};
    struct xw_store_watch watch = {0};
    struct fixture *f = calloc(1, sizeof(*f));
    assert_non_null(f);
    assert_int_equal(xw_loop_new(NULL, &f->loop), 0);
    assert_int_equal(xw_store_open_memory(f->loop, &store, &watch, &f->store), 0);
    const struct xw_journal_config journal = {
        .store = f->store, .user = f, .on_passed_on = on_passed_on, .on_committed = on_committed};
    assert_int_equal(xw_journal_new(&journal, &f->journal), 0);
    assert_int_equal(xw_rulelists_new(f->journal, &f->lists), 0);
    const struct xw_gateways_config gateways = {.on_site = on_site};
    assert_int_equal(xw_gateways_new(&gateways, &f->gateways), 0);
    linked(f, "east");
    linked(f, "west");
    *state = f;
    return 0;
}

/* Until everything appended is done. */
static void run(struct fixture *f)
{
    for (int i = 0; i < 100000 && xw_journal_pending_n(f->journal); i++)
        uv_run(xw_loop_uv(f->loop), UV_RUN_ONCE);
    assert_int_equal(xw_journal_pending_n(f->journal), 0);
}

static void closed(void *user)
{
    xw_loop_quit(((struct fixture *)user)->loop);
}

static int done(void **state)
{
    struct fixture *f = *state;
    xw_store_close(f->store, closed, f);
    xw_loop_run(f->loop);
    xw_gateways_free(f->gateways);
    xw_rulelists_free(f->lists);
    xw_journal_free(f->journal);
    xw_loop_free(f->loop);
    free(f);
    return 0;
}

static void on_saved(void *user)
{
    ((struct fixture *)user)->done_n++;
}

static int begin(struct fixture *f, uint32_t based_on, float pause_s)
{
    f->ask = (struct xw_rulelist_ask){.based_on = based_on,
                                      .above = xw_gateways_rules_highest(f->gateways, 10000),
                                      .by = "boss",
                                      .reason = "because"};
    xw_ecg_rules_default(&f->ask.rules);
    f->ask.rules.pause_s = pause_s;
    return xw_rulelists_save(f->lists, &f->ask, on_saved, f);
}

static void save(struct fixture *f, uint32_t based_on, float pause_s)
{
    unsigned before = f->done_n;
    assert_int_equal(begin(f, based_on, pause_s), 0);
    run(f);
    assert_int_equal(f->done_n, before + 1);
    assert_null(f->ask.error);
}

static void tell(struct fixture *f, const char *id, uint32_t county_version)
{
    Xw__GatewayReport report = XW__GATEWAY_REPORT__INIT;
    Xw__RulesReport rules = XW__RULES_REPORT__INIT;
    rules.county_version = county_version;
    report.rules = &rules;
    assert_int_equal(xw_gateways_report(f->gateways, id, &report), 0);
}

static void versions_follow_one_another_with_who_and_why(void **state)
{
    struct fixture *f = *state;
    const struct xw_rulelist *newest = xw_rulelists_newest(f->lists);
    assert_int_equal(newest->version, 0);
    save(f, 0, 2.5F);
    assert_int_equal(newest->version, 1);
    assert_int_equal(newest->rules.version, 1);
    assert_string_equal(newest->author, "boss");
    assert_string_equal(newest->reason, "because");
    save(f, 1, 2.8F);
    assert_int_equal(newest->version, 2);
    assert_int_equal(newest->based_on, 1);
    assert_true(newest->rules.pause_s > 2.7F);
}

static void a_save_on_an_older_version_is_a_conflict_and_a_second_at_once_is_busy(void **state)
{
    struct fixture *f = *state;
    struct xw_rulelist_ask other;
    save(f, 0, 2.5F);
    assert_int_equal(begin(f, 0, 2.6F), -EINVAL);
    assert_string_equal(f->ask.word, "conflict");
    assert_int_equal(begin(f, 1, 2.6F), 0);
    other = f->ask;
    assert_int_equal(xw_rulelists_save(f->lists, &other, on_saved, f), -EINVAL);
    assert_string_equal(other.word, "busy");
    run(f);
    assert_int_equal(xw_rulelists_newest(f->lists)->version, 2);
    assert_int_equal(f->done_n, 2);
}

static void every_gateway_is_given_the_newest_once(void **state)
{
    struct fixture *f = *state;
    xw_rulelists_pass(f->lists, f->gateways, 0);
    run(f);
    assert_int_equal(f->passed_n, 0); /* there is none */
    save(f, 0, 2.5F);
    for (int i = 0; i < 5; i++) {
        xw_rulelists_pass(f->lists, f->gateways, 1000000 * i);
        xw_rulelists_pass(f->lists, f->gateways, 1000000 * i);
        run(f);
    }
    assert_int_equal(f->passed_n, 2);
    assert_int_equal(xw_store_log_last(f->store, "gw/east"), 1);
    linked(f, "north");
    xw_rulelists_pass(f->lists, f->gateways, 6000000);
    run(f);
    assert_int_equal(xw_store_log_last(f->store, "gw/north"), 1);
    assert_int_equal(xw_store_log_last(f->store, "gw/east"), 1);
}

static void after_a_restart_nothing_comes_into_a_log_twice(void **state)
{
    struct fixture *f = *state;
    save(f, 0, 2.5F);
    xw_rulelists_pass(f->lists, f->gateways, 0);
    run(f);
    for (size_t i = 0; i < xw_gateways_n(f->gateways); i++)
        xw_gateways_rules(f->gateways, i)->given = 0; /* as a new process sees it */
    xw_rulelists_pass(f->lists, f->gateways, 1000000);
    run(f);
    assert_int_equal(xw_store_log_last(f->store, "gw/east"), 1);
    assert_int_equal(xw_gateways_at(f->gateways, 0)->rules.given, 1);
}

static void a_gateway_without_it_for_a_minute_is_given_it_again(void **state)
{
    struct fixture *f = *state;
    save(f, 0, 2.5F);
    xw_rulelists_pass(f->lists, f->gateways, 0);
    run(f);
    tell(f, "east", 0);
    tell(f, "west", 1);
    xw_rulelists_pass(f->lists, f->gateways, 59000000);
    assert_int_equal(xw_journal_pending_n(f->journal), 0);
    xw_rulelists_pass(f->lists, f->gateways, 60000000);
    assert_int_equal(xw_journal_pending_n(f->journal), 1);
    run(f);
}

static void a_county_that_was_set_back_goes_on_above_what_gateways_have(void **state)
{
    struct fixture *f = *state;
    tell(f, "east", 41);
    tell(f, "west", 4000000000U); /* not believed */
    save(f, 0, 2.5F);
    assert_int_equal(xw_rulelists_newest(f->lists)->version, 42);
}

static void a_gateway_from_another_county_follows_ours_whatever_number_it_brings(void **state)
{
    struct fixture *f = *state;
    const struct xw_rulelist *newest = xw_rulelists_newest(f->lists);
    save(f, 0, 2.5F);
    tell(f, "east", 57);
    tell(f, "west", 1);
    xw_rulelists_pass(f->lists, f->gateways, 1000000);
    run(f);
    assert_int_equal(newest->version, 58);
    assert_int_equal(newest->based_on, 1);
    assert_true(newest->rules.pause_s > 2.4F && newest->rules.pause_s < 2.6F);
    assert_string_equal(newest->author, "(county)");
    assert_string_equal(newest->reason, "gateway-ahead 57");
    unsigned before = f->passed_n;
    xw_rulelists_pass(f->lists, f->gateways, 2000000);
    run(f);
    assert_int_equal(f->passed_n, before + 2); /* both are given it */
    tell(f, "east", 58);
    xw_rulelists_pass(f->lists, f->gateways, 70000000);
    run(f);
    assert_int_equal(newest->version, 58);
}

static void a_county_without_a_list_of_its_own_puts_its_defaults_above(void **state)
{
    struct fixture *f = *state;
    tell(f, "east", 3);
    xw_rulelists_pass(f->lists, f->gateways, 1000000);
    run(f);
    assert_int_equal(xw_rulelists_newest(f->lists)->version, 4);
}

static void a_gateway_that_lies_cannot_use_up_the_numbers(void **state)
{
    struct fixture *f = *state;
    tell(f, "east", 999999998);
    xw_rulelists_pass(f->lists, f->gateways, 1000000);
    run(f);
    assert_int_equal(xw_rulelists_newest(f->lists)->version, 0);
    for (int i = 0; i < 50; i++) { /* one a second */
        tell(f, "east", xw_rulelists_newest(f->lists)->version + 9000);
        xw_rulelists_pass(f->lists, f->gateways, 2000000 + 1000000 * i);
        run(f);
    }
    assert_int_equal(xw_rulelists_newest(f->lists)->version, 9001);
}

static void what_a_gateway_sends_as_a_rule_list_is_none(void **state)
{
    struct fixture *f = *state;
    uint8_t key[XW_RULELIST_KEY_N] = {0}, body[512];
    Xw__RuleSet wire = XW__RULE_SET__INIT;
    wire.version = 7;
    wire.text = (char[]){"[list]\nversion = 7\n[end]\n"};
    wire.author = wire.reason = (char[]){"x"};
    xw_rulelist_prefix(7, key);
    struct xw_store_record record = {.key = key,
                                     .key_size = sizeof(key),
                                     .revision = 1,
                                     .kind = XW__RECORD_KIND__RECORD_RULESET,
                                     .body = body,
                                     .body_size = xw__rule_set__pack(&wire, body),
                                     .origin = "east"};
    struct xw_rulelist list;
    assert_int_equal(xw_rulelist_unpack(&record, &list), -EBADMSG);
    xw_rulelists_record(f->lists, &record);
    assert_int_equal(xw_rulelists_newest(f->lists)->version, 0);
    record.origin = "county";
    assert_int_equal(xw_rulelist_unpack(&record, &list), 0);
    assert_int_equal(list.version, 7);
}

static void a_list_of_a_later_program_is_not_read_but_its_number_is_taken(void **state)
{
    struct fixture *f = *state;
    uint8_t key[XW_RULELIST_KEY_N] = {0}, body[512];
    Xw__RuleSet wire = XW__RULE_SET__INIT;
    wire.version = 9;
    wire.text = (char[]){"[list]\nversion = 9\n[pause]\nfuture = 1\n[end]\n"};
    wire.author = wire.reason = (char[]){"x"};
    xw_rulelist_prefix(9, key);
    const struct xw_store_record record = {.key = key,
                                           .key_size = sizeof(key),
                                           .revision = 1,
                                           .kind = XW__RECORD_KIND__RECORD_RULESET,
                                           .body = body,
                                           .body_size = xw__rule_set__pack(&wire, body),
                                           .origin = "county"};
    xw_rulelists_record(f->lists, &record);
    assert_int_equal(xw_rulelists_newest(f->lists)->version, 0);
    save(f, 0, 2.5F);
    assert_int_equal(xw_rulelists_newest(f->lists)->version, 10);
}

static void the_items_of_the_answer_have_texts_that_a_list_takes_back(void **state)
{
    (void)state;
    struct xw_ecg_rules rules;
    xw_ecg_rules_default(&rules);
    json_t *items = xw_rulelist_items_json(&rules);
    assert_int_equal(json_array_size(items), xw_ecg_rules_entries_n());
    for (size_t i = 0; i < json_array_size(items); i++) {
        const json_t *item = json_array_get(items, i);
        char text[256];
        struct xw_ecg_rules_error error;
        const json_t *allowed = json_object_get(item, "allowed");
        snprintf(text, sizeof(text), "[list]\nversion = 1\n[%s]\n%s = %s\n[end]\n",
                 json_string_value(json_object_get(item, "section")),
                 json_string_value(json_object_get(item, "name")),
                 json_string_value(json_object_get(item, "default")));
        assert_int_equal(xw_ecg_rules_parse(text, strlen(text), &rules, &error), 0);
        assert_true(json_array_size(allowed) > 0 || json_object_get(item, "max"));
    }
    json_decref(items);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, init, done)
    const struct CMUnitTest tests[] = {
        CASE(versions_follow_one_another_with_who_and_why),
        CASE(a_save_on_an_older_version_is_a_conflict_and_a_second_at_once_is_busy),
        CASE(every_gateway_is_given_the_newest_once),
        CASE(after_a_restart_nothing_comes_into_a_log_twice),
        CASE(a_gateway_without_it_for_a_minute_is_given_it_again),
        CASE(a_county_that_was_set_back_goes_on_above_what_gateways_have),
        CASE(a_gateway_from_another_county_follows_ours_whatever_number_it_brings),
        CASE(a_county_without_a_list_of_its_own_puts_its_defaults_above),
        CASE(a_gateway_that_lies_cannot_use_up_the_numbers),
        CASE(what_a_gateway_sends_as_a_rule_list_is_none),
        CASE(a_list_of_a_later_program_is_not_read_but_its_number_is_taken),
        CASE(the_items_of_the_answer_have_texts_that_a_list_takes_back),
    };
#undef CASE
    return cmocka_run_group_tests(tests, NULL, NULL);
}
