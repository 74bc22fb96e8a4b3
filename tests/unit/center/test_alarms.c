/* Alarms, technical alarms and the journal, on the memory store. */
#include "center/alarms.h"
#include "center/gateways.h"
#include "center/technical.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
    struct xw_loop *loop;
    struct xw_store *store;
    struct xw_journal *journal;
    struct xw_alarms *alarms;
    struct xw_technicals *technicals;
    uint32_t shown_n, committed_n, stream_priority;
    uint64_t out_seq_last;
    char passed_on[64];
    /* Of acknowledgements. */
    unsigned acks_n;
    int ack_status;
    char acked_by[64];
};

static void on_passed_on(void *user, const char *gateway_id, uint64_t seq)
{
    struct fixture *f = user;
    snprintf(f->passed_on, sizeof(f->passed_on), "%s", gateway_id);
    f->out_seq_last = seq;
}

static void on_committed(void *user, const struct xw_store_record *record)
{
    struct fixture *f = user;
    f->committed_n++;
    (void)xw_alarms_record(f->alarms, record);
}

static void on_stream(void *user, const struct xw_uuid *stream, uint32_t priority, const char *code)
{
    struct fixture *f = user;
    (void)stream;
    (void)code;
    f->stream_priority = priority;
}

static const char *gateway_of(void *user, const struct xw_uuid *stream)
{
    (void)user;
    (void)stream;
    return "town";
}

static void show(void *user, const struct xw_store_record *record)
{
    struct fixture *f = user;
    (void)record;
    f->shown_n++;
}

static void init(struct fixture *f)
{
    struct xw_store_config store = {.queue_bytes = 1 << 20, .readers_n = 1};
    struct xw_store_watch watch = {0};
    memset(f, 0, sizeof(*f));
    assert_int_equal(xw_loop_new(NULL, &f->loop), 0);
    assert_int_equal(xw_store_open_memory(f->loop, &store, &watch, &f->store), 0);
    struct xw_journal_config journal = {
        .store = f->store, .user = f, .on_passed_on = on_passed_on, .on_committed = on_committed};
    assert_int_equal(xw_journal_new(&journal, &f->journal), 0);
    struct xw_alarms_config alarms = {
        .journal = f->journal, .user = f, .on_stream = on_stream, .gateway = gateway_of};
    assert_int_equal(xw_alarms_new(&alarms, &f->alarms), 0);
    assert_int_equal(xw_technicals_new(f->journal, show, f, &f->technicals), 0);
}

static void quit(void *arg)
{
    xw_loop_quit(((struct fixture *)arg)->loop);
}

/* Until everything appended is done. */
static void run(struct fixture *f)
{
    struct xw_timer *timer;
    for (int i = 0; i < 200 && (i < 2 || xw_journal_pending_n(f->journal)); i++) {
        assert_int_equal(xw_timer_new(f->loop, quit, f, &timer), 0);
        xw_timer_start(timer, 5, 0);
        xw_loop_run(f->loop);
        xw_timer_free(timer);
    }
}

static void closed(void *user)
{
    xw_loop_quit(((struct fixture *)user)->loop);
}

static void done(struct fixture *f)
{
    xw_store_close(f->store, closed, f);
    xw_loop_run(f->loop);
    xw_technicals_free(f->technicals);
    xw_alarms_free(f->alarms);
    xw_journal_free(f->journal);
    xw_loop_free(f->loop);
}

struct alarm {
    uint8_t key[XW_EVENT_KEY_N], body[256];
    struct xw_store_record record;
};

static void make_word(struct alarm *a, uint8_t n, uint64_t revision, Xw__Priority priority,
                      const char *code, bool withdrawn)
{
    uint8_t stream[16] = {1}, run_id[16] = {2};
    memset(a, 0, sizeof(*a));
    memcpy(a->key, stream, 16);
    memcpy(a->key + 16, run_id, 16);
    a->key[39] = n;
    Xw__Event e = XW__EVENT__INIT;
    e.stream_id.len = e.run_id.len = 16;
    e.stream_id.data = stream;
    e.run_id.data = run_id;
    e.seq = n;
    e.kind = XW__EVENT_KIND__EVENT_ALARM;
    e.priority = priority;
    e.code = (char *)(uintptr_t)code;
    e.withdrawn = withdrawn;
    a->record = (struct xw_store_record){.key = a->key,
                                         .key_size = sizeof(a->key),
                                         .revision = revision,
                                         .kind = XW__RECORD_KIND__RECORD_EVENT,
                                         .body = a->body,
                                         .body_size = xw__event__pack(&e, a->body),
                                         .origin = "town",
                                         .wall_us = 1000 + n};
}

static void make(struct alarm *a, uint8_t n, uint64_t revision, Xw__Priority priority,
                 const char *code)
{
    make_word(a, n, revision, priority, code, false);
}

static void on_acked(void *user, int status, const char *by, int64_t wall_us)
{
    struct fixture *f = user;
    (void)wall_us;
    f->acks_n++;
    f->ack_status = status;
    snprintf(f->acked_by, sizeof(f->acked_by), "%s", by);
}

static void an_alarm_is_acknowledged_exactly_once(void **state)
{
    struct fixture f;
    struct alarm a;
    (void)state;
    init(&f);
    make(&a, 1, 1, XW__PRIORITY__PRIORITY_HIGH, "VF");
    assert_true(xw_alarms_record(f.alarms, &a.record));
    assert_false(xw_alarms_record(f.alarms, &a.record));
    assert_int_equal(f.stream_priority, XW__PRIORITY__PRIORITY_HIGH);
    assert_int_equal(xw_alarms_ack(f.alarms, a.key, sizeof(a.key), "li", on_acked, &f), 0);
    assert_int_equal(f.acks_n, 0); /* not before it is durable */
    assert_int_equal(xw_alarms_ack(f.alarms, a.key, sizeof(a.key), "wang", on_acked, &f), -EAGAIN);
    run(&f);
    assert_int_equal(f.acks_n, 1);
    assert_int_equal(f.ack_status, 0);
    assert_string_equal(f.acked_by, "li");
    assert_string_equal(f.passed_on, "town");
    assert_int_equal(f.out_seq_last, 1);
    assert_int_equal(f.stream_priority, 0);
    assert_int_equal(xw_alarms_ack(f.alarms, a.key, sizeof(a.key), "wang", on_acked, &f), 0);
    assert_string_equal(f.acked_by, "li");
    run(&f);
    assert_int_equal(f.committed_n, 1);
    done(&f);
}

static void low_priority_and_unknown_alarms_are_not_listed(void **state)
{
    struct fixture f;
    struct alarm a;
    (void)state;
    init(&f);
    make(&a, 1, 1, XW__PRIORITY__PRIORITY_LOW, "PVC");
    assert_false(xw_alarms_record(f.alarms, &a.record));
    assert_int_equal(xw_alarms_ack(f.alarms, a.key, sizeof(a.key), "li", on_acked, &f), -ENOENT);
    assert_int_equal(xw_alarms_ack(f.alarms, "x", 1, "li", on_acked, &f), -ENOENT);
    done(&f);
}

static void a_withdrawn_alarm_needs_nobody_any_more(void **state)
{
    struct fixture f;
    struct alarm a;
    (void)state;
    init(&f);
    make(&a, 1, 1, XW__PRIORITY__PRIORITY_HIGH, "VF");
    assert_true(xw_alarms_record(f.alarms, &a.record));
    make(&a, 1, 2, XW__PRIORITY__PRIORITY_NONE, "");
    assert_false(xw_alarms_record(f.alarms, &a.record));
    assert_int_equal(f.stream_priority, 0);
    make(&a, 1, 1, XW__PRIORITY__PRIORITY_HIGH, "VF"); /* an old revision comes late */
    assert_false(xw_alarms_record(f.alarms, &a.record));
    assert_int_equal(f.stream_priority, 0);
    done(&f);
}

/* As gateways say it: SVT, once it is known to be atrial fibrillation. */
static void an_alarm_taken_back_with_its_name_and_priority_needs_nobody_any_more(void **state)
{
    struct fixture f;
    struct alarm a;
    (void)state;
    init(&f);
    make(&a, 1, 1, XW__PRIORITY__PRIORITY_MEDIUM, "SVT");
    assert_true(xw_alarms_record(f.alarms, &a.record));
    assert_int_equal(f.stream_priority, XW__PRIORITY__PRIORITY_MEDIUM);
    make_word(&a, 1, 2, XW__PRIORITY__PRIORITY_MEDIUM, "SVT", true);
    assert_false(xw_alarms_record(f.alarms, &a.record));
    assert_int_equal(f.stream_priority, 0);
    make_word(&a, 2, 2, XW__PRIORITY__PRIORITY_MEDIUM, "SVT", true); /* never seen before */
    assert_false(xw_alarms_record(f.alarms, &a.record));
    assert_int_equal(f.stream_priority, 0);
    done(&f);
}

static bool everything(void *user, const struct xw_uuid *stream)
{
    (void)user;
    (void)stream;
    return true;
}

static void the_list_is_bounded_and_newest_first(void **state)
{
    struct fixture f;
    (void)state;
    init(&f);
    for (unsigned i = 0; i < XW_ALARMS_MAX + 100; i++) {
        struct alarm a;
        make(&a, 0, 1, XW__PRIORITY__PRIORITY_MEDIUM, "AFIB");
        a.key[38] = (uint8_t)(i >> 8);
        a.key[39] = (uint8_t)i;
        a.key[37] = (uint8_t)(i >> 16);
        a.record.wall_us = i;
        assert_true(xw_alarms_record(f.alarms, &a.record));
    }
    json_t *list = xw_alarms_json(f.alarms, 3, everything, NULL);
    assert_int_equal(json_array_size(list), 3);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "wall_us")),
                     XW_ALARMS_MAX + 99);
    json_decref(list);
    done(&f);
}

static void a_technical_alarm_opens_once_and_ends(void **state)
{
    struct fixture f;
    (void)state;
    init(&f);
    xw_technicals_raise(f.technicals, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, "town", "lost");
    xw_technicals_raise(f.technicals, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, "town", "lost");
    assert_int_equal(f.shown_n, 1);
    assert_true(xw_technicals_open(f.technicals, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, "town"));
    assert_false(
        xw_technicals_open(f.technicals, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, "other"));
    xw_technicals_clear(f.technicals, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, "town");
    xw_technicals_clear(f.technicals, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, "town");
    assert_int_equal(f.shown_n, 2);
    assert_false(xw_technicals_open(f.technicals, XW__TECHNICAL_CODE__TECHNICAL_LINK_LOST, "town"));
    run(&f);
    assert_int_equal(f.committed_n, 2);
    done(&f);
}

struct seen {
    unsigned lost_n, back_n, site_n;
};
static void on_lost(void *user, const struct xw_gateway *g)
{
    (void)g;
    ((struct seen *)user)->lost_n++;
}
static void on_back(void *user, const struct xw_gateway *g)
{
    (void)g;
    ((struct seen *)user)->back_n++;
}
static void on_site(void *user, const struct xw_gateway *g)
{
    (void)g;
    ((struct seen *)user)->site_n++;
}

/* A link that is back within the time says nothing; one that stays away says it once. */
static void a_lost_link_is_told_once_after_its_time(void **state)
{
    struct xw_clock clock;
    struct xw_gateways *gateways;
    struct seen seen = {0};
    struct xw_downlink_gateway now = {
        .gateway_id = "town", .site_name = "东镇", .software = "1", .linked = true};
    (void)state;
    xw_clock_fake_init(&clock, 0, 0);
    struct xw_gateways_config config = {.clock = &clock,
                                        .lost_after_us = 3000000,
                                        .user = &seen,
                                        .on_site = on_site,
                                        .on_lost = on_lost,
                                        .on_back = on_back};
    assert_int_equal(xw_gateways_new(&config, &gateways), 0);
    xw_gateways_update(gateways, &now);
    assert_int_equal(seen.site_n, 1);
    now.linked = false;
    xw_gateways_update(gateways, &now);
    xw_clock_fake_advance(&clock, 2999999);
    xw_gateways_check(gateways);
    assert_int_equal(seen.lost_n, 0);
    now.linked = true;
    xw_gateways_update(gateways, &now);
    now.linked = false;
    xw_gateways_update(gateways, &now);
    xw_clock_fake_advance(&clock, 2000000);
    xw_gateways_update(gateways, &now);
    xw_clock_fake_advance(&clock, 1000000);
    xw_gateways_check(gateways);
    xw_gateways_check(gateways);
    assert_int_equal(seen.lost_n, 1);
    now.linked = true;
    xw_gateways_update(gateways, &now);
    assert_int_equal(seen.back_n, 3);
    assert_int_equal(seen.site_n, 1);
    xw_gateways_free(gateways);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alarm_is_acknowledged_exactly_once),
        cmocka_unit_test(low_priority_and_unknown_alarms_are_not_listed),
        cmocka_unit_test(a_withdrawn_alarm_needs_nobody_any_more),
        cmocka_unit_test(an_alarm_taken_back_with_its_name_and_priority_needs_nobody_any_more),
        cmocka_unit_test(the_list_is_bounded_and_newest_first),
        cmocka_unit_test(a_technical_alarm_opens_once_and_ends),
        cmocka_unit_test(a_lost_link_is_told_once_after_its_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
