/* The county's half of the dead-man alarm path with a clock of its own. */
#include "center/alarmpath.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define S INT64_C(1000000)
#define MS INT64_C(1000)
#define LEG(name) XW__ALARM_LEG__ALARM_LEG_##name
#define PATH(name) XW__ALARM_PATH_STATE__ALARM_PATH_##name

struct world {
    struct xw_clock clock;
    struct xw_alarmpath *a;
    unsigned keeps_n, shows_n, proofs_n, changes_n;
    int keep_r;
    uint32_t screens_n;
    uint64_t probe; /* last shown */
    Xw__AlarmVerdict verdict;
    Xw__AlarmLeg leg, told_leg;
    uint32_t uplink_us, store_us, fanout_us, screen_us;
    Xw__AlarmPathState state;
    int attended; /* -1: not told */
};

static int keep(void *user)
{
    struct world *w = user;
    w->keeps_n++;
    return w->keep_r;
}

static uint32_t show(void *user, const char *gateway_id, uint64_t probe)
{
    struct world *w = user;
    (void)gateway_id;
    w->shows_n++;
    w->probe = probe;
    return w->screens_n;
}

static uint32_t screens(void *user)
{
    return ((struct world *)user)->screens_n;
}

static void answered(void *user, const char *gateway_id, const void *payload, size_t size)
{
    struct world *w = user;
    Xw__AlarmProof *proof = xw__alarm_proof__unpack(NULL, size, payload);
    (void)gateway_id;
    assert_non_null(proof);
    w->proofs_n++;
    w->verdict = proof->verdict;
    w->leg = proof->leg;
    w->uplink_us = proof->uplink_us;
    w->store_us = proof->store_us;
    w->fanout_us = proof->fanout_us;
    w->screen_us = proof->screen_us;
    xw__alarm_proof__free_unpacked(proof, NULL);
}

static bool offset(void *user, const char *gateway_id, int64_t *ret_us)
{
    (void)user;
    (void)gateway_id;
    *ret_us = -3 * S; /* the gateway's clock is 3 s fast */
    return true;
}

static void changed(void *user, const char *gateway_id, Xw__AlarmPathState state, Xw__AlarmLeg leg)
{
    struct world *w = user;
    assert_string_equal(gateway_id, "town-a");
    w->changes_n++;
    w->state = state;
    w->told_leg = leg;
}

static void attended(void *user, bool watched)
{
    ((struct world *)user)->attended = watched;
}

static void begin(struct world *w)
{
    memset(w, 0, sizeof(*w));
    w->attended = -1;
    w->screens_n = 1;
    xw_clock_fake_init(&w->clock, 100 * S, 1700000000 * S);
    const struct xw_alarmpath_config config = {.clock = &w->clock,
                                               .wait_us = 10 * S,
                                               .late_us = 25 * S,
                                               .unattended_us = 60 * S,
                                               .user = w,
                                               .keep = keep,
                                               .show = show,
                                               .screens = screens,
                                               .send = answered,
                                               .offset = offset,
                                               .changed = changed,
                                               .attended = attended};
    assert_int_equal(xw_alarmpath_new(&config, &w->a), 0);
}

static void pass(struct world *w, int64_t us)
{
    for (int64_t done = 0; done < us; done += 100 * MS) {
        xw_clock_fake_advance(&w->clock, XW_MIN(100 * MS, us - done));
        xw_alarmpath_tick(w->a);
    }
}

/* number 0: how the gateway sees it. */
static void probe(struct world *w, uint64_t number, Xw__AlarmLeg broken, uint64_t proven)
{
    uint8_t bytes[XW_ALARMPATH_PAYLOAD_MAX], run[16] = {1, 2, 3};
    Xw__AlarmProbe p = XW__ALARM_PROBE__INIT;
    p.run_id = (ProtobufCBinaryData){16, run};
    p.number = number;
    p.input_us = 3000;
    p.spool_us = 7000;
    p.sent_wall_us = xw_clock_wall(&w->clock).us + 3 * S - 31 * MS;
    p.period_ms = 60000;
    p.broken = broken;
    p.proven = proven;
    p.back_us = proven ? 29000 : 0;
    assert_int_equal(xw_alarmpath_probe(w->a, "town-a", bytes, xw__alarm_probe__pack(&p, bytes)),
                     0);
}

static void prove(struct world *w, uint64_t number)
{
    probe(w, number, LEG(NONE), number - 1);
    assert_int_equal(w->verdict, XW__ALARM_VERDICT__ALARM_ARRIVED);
    xw_clock_fake_advance(&w->clock, 12 * MS);
    xw_alarmpath_kept(w->a, 0);
    xw_clock_fake_advance(&w->clock, 1 * MS);
    xw_alarmpath_written(w->a, w->probe);
    xw_clock_fake_advance(&w->clock, 20 * MS);
    xw_alarmpath_seen(w->a, w->probe, 16000);
    assert_int_equal(w->verdict, XW__ALARM_VERDICT__ALARM_PROVEN);
    probe(w, 0, LEG(NONE), number);
}

static Xw__AlarmPath path_of(struct world *w)
{
    Xw__AlarmPath path;
    xw_alarmpath_fill(w->a, "town-a", &path);
    return path;
}

static void a_probe_goes_through_store_and_screen_and_each_leg_has_its_time(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    prove(&w, 1);
    assert_int_equal(w.state, PATH(PROVEN));
    const uint32_t want[] = {3000, 7000, 31000, 12000, 3000, 16000, 29000};
    Xw__AlarmPath path = path_of(&w);
    assert_int_equal(path.n_legs_us, 7);
    assert_memory_equal(path.legs_us, want, sizeof(want));
    assert_true(path.proven_wall_us > 0);
    xw_alarmpath_free(w.a);
}

static void without_a_commit_nothing_is_shown(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    probe(&w, 1, LEG(NONE), 0);
    pass(&w, 9 * S);
    assert_int_equal(w.shows_n, 0);
    pass(&w, S);
    assert_int_equal(w.verdict, XW__ALARM_VERDICT__ALARM_BROKEN);
    assert_int_equal(w.leg, LEG(STORE));
    assert_int_equal(w.state, PATH(BROKEN));
    assert_int_equal(w.told_leg, LEG(STORE));
    xw_alarmpath_kept(w.a, 0); /* far too late */
    assert_int_equal(w.shows_n, 0);
    prove(&w, 2);
    assert_int_equal(w.state, PATH(PROVEN));
    xw_alarmpath_free(w.a);
}

static void a_store_that_refuses_is_told_at_once(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    w.keep_r = -ENOSPC;
    probe(&w, 1, LEG(NONE), 0);
    assert_int_equal(w.leg, LEG(STORE));
    w.keep_r = 0;
    probe(&w, 2, LEG(NONE), 0);
    xw_alarmpath_kept(w.a, -EIO);
    assert_int_equal(w.leg, LEG(STORE));
    assert_int_equal(w.verdict, XW__ALARM_VERDICT__ALARM_BROKEN);
    xw_alarmpath_free(w.a);
}

static void a_probe_that_came_during_a_commit_waits_for_the_next(void **state)
{
    struct world w;
    uint8_t bytes[XW_ALARMPATH_PAYLOAD_MAX], run[16] = {9};
    Xw__AlarmProbe p = XW__ALARM_PROBE__INIT;
    (void)state;
    begin(&w);
    p.run_id = (ProtobufCBinaryData){16, run};
    p.number = 1;
    p.period_ms = 60000;
    size_t size = xw__alarm_probe__pack(&p, bytes);
    assert_int_equal(xw_alarmpath_probe(w.a, "town-a", bytes, size), 0);
    assert_int_equal(w.keeps_n, 1);
    assert_int_equal(xw_alarmpath_probe(w.a, "town-b", bytes, size), 0);
    assert_int_equal(w.keeps_n, 1); /* one commit at a time, for all */
    xw_alarmpath_kept(w.a, 0);
    assert_int_equal(w.shows_n, 1);
    assert_int_equal(w.keeps_n, 2);
    xw_alarmpath_kept(w.a, 0);
    assert_int_equal(w.shows_n, 2);
    xw_alarmpath_free(w.a);
}

static void a_screen_that_is_not_reached_and_one_that_does_not_answer_are_told_apart(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    probe(&w, 1, LEG(NONE), 0);
    xw_alarmpath_kept(w.a, 0);
    pass(&w, 10 * S);
    assert_int_equal(w.leg, LEG(FANOUT));
    probe(&w, 2, LEG(NONE), 0);
    xw_alarmpath_kept(w.a, 0);
    xw_alarmpath_written(w.a, w.probe);
    pass(&w, 10 * S);
    assert_int_equal(w.leg, LEG(SCREEN));
    uint64_t old = w.probe;
    probe(&w, 3, LEG(NONE), 0);
    xw_alarmpath_kept(w.a, 0);
    xw_alarmpath_written(w.a, w.probe);
    xw_alarmpath_seen(w.a, old, 1); /* an answer to another question */
    assert_int_equal(w.verdict, XW__ALARM_VERDICT__ALARM_ARRIVED);
    xw_alarmpath_seen(w.a, 0, 1);
    xw_alarmpath_seen(w.a, UINT64_MAX, 1);
    assert_int_equal(w.verdict, XW__ALARM_VERDICT__ALARM_ARRIVED);
    xw_alarmpath_free(w.a);
}

static void nobody_watching_is_no_fault_of_the_way(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    w.screens_n = 0;
    probe(&w, 1, LEG(NONE), 0);
    xw_alarmpath_kept(w.a, 0);
    pass(&w, 10 * S);
    assert_int_equal(w.verdict, XW__ALARM_VERDICT__ALARM_UNATTENDED);
    assert_int_equal(w.state, PATH(UNATTENDED));
    assert_int_equal(w.attended, -1);
    probe(&w, 0, LEG(UNATTENDED), 0); /* as the gateway repeats it */
    pass(&w, 50 * S);
    assert_int_equal(w.attended, 0);
    w.screens_n = 1;
    pass(&w, S);
    assert_int_equal(w.attended, 1);
    prove(&w, 2);
    assert_int_equal(w.state, PATH(PROVEN));
    xw_alarmpath_free(w.a);
}

static void a_page_being_turned_is_waited_for(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    w.screens_n = 0;
    probe(&w, 1, LEG(NONE), 0);
    xw_alarmpath_kept(w.a, 0);
    pass(&w, 4 * S);
    w.screens_n = 2;
    pass(&w, S);
    assert_int_equal(w.shows_n, 1);
    xw_alarmpath_written(w.a, w.probe);
    xw_alarmpath_seen(w.a, w.probe, 0);
    assert_int_equal(w.state, PATH(PROVEN));
    xw_alarmpath_free(w.a);
}

static void silence_of_a_gateway_is_a_broken_uplink_within_90_s(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    prove(&w, 1);
    pass(&w, 80 * S);
    assert_int_equal(w.state, PATH(PROVEN));
    pass(&w, 10 * S);
    assert_int_equal(w.state, PATH(BROKEN));
    assert_int_equal(w.told_leg, LEG(UPLINK));
    probe(&w, 2, LEG(UPLINK), 1); /* as it saw it; the way itself is whole again */
    assert_int_equal(w.told_leg, LEG(UPLINK));
    xw_alarmpath_kept(w.a, 0);
    xw_alarmpath_written(w.a, w.probe);
    xw_alarmpath_seen(w.a, w.probe, 0);
    probe(&w, 0, LEG(NONE), 2);
    assert_int_equal(w.state, PATH(PROVEN));
    xw_alarmpath_free(w.a);
}

static void a_gateway_that_never_speaks_is_missed_too(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    xw_alarmpath_gateway(w.a, "town-a");
    pass(&w, 84 * S);
    assert_int_equal(path_of(&w).state, PATH(UNPROVEN));
    pass(&w, 2 * S);
    assert_int_equal(w.told_leg, LEG(UPLINK));
    xw_alarmpath_free(w.a);
}

static void a_revoked_gateway_is_not_missed_until_it_is_let_in_again(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    prove(&w, 1);
    pass(&w, 90 * S);
    assert_int_equal(w.state, PATH(BROKEN));
    xw_alarmpath_silence(w.a, "town-a", true);
    assert_int_equal(w.state, PATH(UNPROVEN));
    pass(&w, 300 * S);
    assert_int_equal(w.state, PATH(UNPROVEN));
    probe(&w, 2, LEG(UPLINK), 1); /* was on its way still */
    pass(&w, 100 * S);
    assert_int_equal(w.state, PATH(UNPROVEN));
    xw_alarmpath_silence(w.a, "town-a", false);
    pass(&w, 84 * S);
    assert_int_equal(w.state, PATH(UNPROVEN));
    pass(&w, 2 * S);
    assert_int_equal(w.state, PATH(BROKEN));
    assert_int_equal(w.told_leg, LEG(UPLINK));
    xw_alarmpath_free(w.a);
}

static void what_only_the_gateway_can_know_counts(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    prove(&w, 1);
    probe(&w, 0, LEG(SPOOL), 1);
    assert_int_equal(w.state, PATH(BROKEN));
    assert_int_equal(w.told_leg, LEG(SPOOL));
    pass(&w, 100 * S); /* no probe comes: the reason is known */
    assert_int_equal(w.told_leg, LEG(SPOOL));
    prove(&w, 2);
    assert_int_equal(w.state, PATH(PROVEN));
    probe(&w, 0, LEG(BACK), 2);
    assert_int_equal(w.told_leg, LEG(BACK));
    probe(&w, 0, LEG(NONE), 2);
    assert_int_equal(w.state, PATH(PROVEN));
    xw_alarmpath_free(w.a);
}

static void what_is_no_probe_is_refused(void **state)
{
    struct world w;
    uint8_t bytes[XW_ALARMPATH_PAYLOAD_MAX + 1] = {0xff, 0xff}, run[15] = {1};
    Xw__AlarmProbe p = XW__ALARM_PROBE__INIT;
    (void)state;
    begin(&w);
    assert_int_equal(xw_alarmpath_probe(w.a, "town-a", bytes, 2), -EBADMSG);
    assert_int_equal(xw_alarmpath_probe(w.a, "town-a", bytes, sizeof(bytes)), -EBADMSG);
    p.run_id = (ProtobufCBinaryData){15, run};
    assert_int_equal(xw_alarmpath_probe(w.a, "town-a", bytes, xw__alarm_probe__pack(&p, bytes)),
                     -EBADMSG);
    assert_int_equal(w.proofs_n, 0);
    xw_alarmpath_free(w.a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_probe_goes_through_store_and_screen_and_each_leg_has_its_time),
        cmocka_unit_test(without_a_commit_nothing_is_shown),
        cmocka_unit_test(a_store_that_refuses_is_told_at_once),
        cmocka_unit_test(a_probe_that_came_during_a_commit_waits_for_the_next),
        cmocka_unit_test(a_screen_that_is_not_reached_and_one_that_does_not_answer_are_told_apart),
        cmocka_unit_test(nobody_watching_is_no_fault_of_the_way),
        cmocka_unit_test(a_page_being_turned_is_waited_for),
        cmocka_unit_test(silence_of_a_gateway_is_a_broken_uplink_within_90_s),
        cmocka_unit_test(a_gateway_that_never_speaks_is_missed_too),
        cmocka_unit_test(a_revoked_gateway_is_not_missed_until_it_is_let_in_again),
        cmocka_unit_test(what_only_the_gateway_can_know_counts),
        cmocka_unit_test(what_is_no_probe_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
