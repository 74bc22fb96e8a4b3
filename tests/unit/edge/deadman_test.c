/* The gateway's half of the dead-man alarm path with a clock of its own. */
#include "edge/deadman.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define S INT64_C(1000000)
#define MS INT64_C(1000)
#define LEG(name) XW__ALARM_LEG__ALARM_LEG_##name

struct world {
    struct xw_clock clock;
    struct xw_deadman d;
    uint64_t injected, kept;
    int inject_r, keep_r, send_r;
    unsigned sent_n, told_n, changes_n;
    Xw__AlarmProbe last; /* run_id not kept */
    enum xw_deadman_state state;
    Xw__AlarmLeg leg;
    bool offset_known;
    int64_t offset_us;
};

static int inject(void *user, uint64_t number)
{
    struct world *w = user;
    w->injected = number;
    return w->inject_r;
}

static int keep(void *user, uint64_t number)
{
    struct world *w = user;
    w->kept = number;
    return w->keep_r;
}

static int take(void *user, const void *payload, size_t size)
{
    struct world *w = user;
    if (w->send_r < 0)
        return w->send_r;
    Xw__AlarmProbe *probe = xw__alarm_probe__unpack(NULL, size, payload);
    assert_non_null(probe);
    assert_int_equal(probe->run_id.len, 16);
    w->last = *probe;
    w->sent_n += probe->number > 0;
    w->told_n += probe->number == 0;
    xw__alarm_probe__free_unpacked(probe, NULL);
    return 0;
}

static void changed(void *user, enum xw_deadman_state state, Xw__AlarmLeg leg)
{
    struct world *w = user;
    w->changes_n++;
    w->state = state;
    w->leg = leg;
}

static bool offset(void *user, int64_t *ret_us)
{
    const struct world *w = user;
    *ret_us = w->offset_us;
    return w->offset_known;
}

static void begin(struct world *w)
{
    memset(w, 0, sizeof(*w));
    xw_clock_fake_init(&w->clock, 100 * S, 1700000000 * S);
    const struct xw_deadman_config config = {&w->clock, 60 * S, 20 * S,  w,     inject,
                                             keep,      take,   changed, offset};
    xw_deadman_init(&w->d, &config);
}

static void pass(struct world *w, int64_t us)
{
    for (int64_t done = 0; done < us; done += S) {
        xw_clock_fake_advance(&w->clock, XW_MIN(S, us - done));
        xw_deadman_tick(&w->d);
    }
}

static void answer(struct world *w, uint64_t number, Xw__AlarmVerdict verdict, Xw__AlarmLeg leg)
{
    uint8_t bytes[XW_DEADMAN_PAYLOAD_MAX];
    Xw__AlarmProof proof = XW__ALARM_PROOF__INIT;
    proof.run_id = (ProtobufCBinaryData){16, w->d.run.b};
    proof.number = number;
    proof.verdict = verdict;
    proof.leg = leg;
    proof.uplink_us = 31000;
    proof.store_us = 12000;
    proof.fanout_us = 2000;
    proof.screen_us = 16000;
    proof.sent_wall_us = xw_clock_wall(&w->clock).us + w->offset_us - 30 * MS;
    assert_int_equal(xw_deadman_proof(&w->d, bytes, xw__alarm_proof__pack(&proof, bytes)), 0);
}

static void through_the_gateway(struct world *w)
{
    xw_clock_fake_advance(&w->clock, 3 * MS);
    xw_deadman_emerged(&w->d, w->injected);
    xw_clock_fake_advance(&w->clock, 7 * MS);
    xw_deadman_kept(&w->d, w->kept, 0);
}

static void prove(struct world *w)
{
    through_the_gateway(w);
    answer(w, w->last.number, XW__ALARM_VERDICT__ALARM_ARRIVED, LEG(NONE));
    xw_clock_fake_advance(&w->clock, 60 * MS);
    answer(w, w->d.number, XW__ALARM_VERDICT__ALARM_PROVEN, LEG(NONE));
}

static void a_link_that_comes_up_is_probed_at_once_and_each_leg_has_its_time(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    w.offset_known = true;
    w.offset_us = 5 * S;
    xw_deadman_linked(&w.d, true);
    assert_int_equal(w.injected, 1);
    prove(&w);
    assert_int_equal(w.state, XW_DEADMAN_PROVEN);
    assert_int_equal(w.sent_n, 1);
    const uint32_t want[] = {3000, 7000, 31000, 12000, 2000, 16000, 30000};
    assert_memory_equal(w.d.proven.legs_us, want, sizeof(want));
    assert_int_equal(w.last.number, 0); /* and the county hears that it came back */
    assert_int_equal(w.last.proven, 1);
    assert_int_equal(w.last.broken, LEG(NONE));
    assert_int_equal(w.last.back_us, 30000);
}

static void one_probe_a_minute(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    xw_deadman_linked(&w.d, true);
    for (int minute = 0; minute < 10; minute++) {
        prove(&w);
        pass(&w, 60 * S - 70 * MS);
    }
    assert_in_range(w.d.number, 10, 11);
    assert_int_equal(w.changes_n, 1);
}

/* Each leg: told within 90 s of the worst moment to break, right after a probe came back. */
static void broken_at(Xw__AlarmLeg leg)
{
    struct world w;
    begin(&w);
    xw_deadman_linked(&w.d, true);
    prove(&w);
    int64_t broke_us = xw_clock_mono(&w.clock).us;
    bool asked = false;
    while (w.state == XW_DEADMAN_PROVEN) {
        pass(&w, S);
        if (w.injected == 2 && !asked && leg != LEG(INPUT)) {
            asked = true;
            xw_deadman_emerged(&w.d, 2);
            if (leg != LEG(SPOOL))
                xw_deadman_kept(&w.d, 2, 0);
            if (leg == LEG(BACK))
                answer(&w, 2, XW__ALARM_VERDICT__ALARM_ARRIVED, LEG(NONE));
            if (leg == LEG(STORE) || leg == LEG(SCREEN) || leg == LEG(FANOUT))
                answer(&w, 2, XW__ALARM_VERDICT__ALARM_BROKEN, leg);
        }
        assert_true(xw_clock_mono(&w.clock).us - broke_us <= 90 * S);
    }
    assert_int_equal(w.state, XW_DEADMAN_BROKEN);
    assert_int_equal(w.leg, leg);
    assert_int_equal(w.last.broken, leg); /* the county is told */
    while (w.injected < 3)
        pass(&w, S);
    prove(&w);
    assert_int_equal(w.state, XW_DEADMAN_PROVEN);
}

static void a_leg_that_breaks_is_named_within_90_s_and_its_mending_seen(void **state)
{
    (void)state;
    for (Xw__AlarmLeg leg = LEG(INPUT); leg <= LEG(BACK); leg++)
        broken_at(leg);
}

static void an_error_of_pipeline_or_spool_is_told_at_once(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    w.inject_r = -EIO;
    xw_deadman_linked(&w.d, true);
    assert_int_equal(w.leg, LEG(INPUT));
    w.inject_r = 0;
    pass(&w, 60 * S);
    w.keep_r = -EAGAIN;
    xw_deadman_emerged(&w.d, w.injected);
    assert_int_equal(w.leg, LEG(SPOOL));
    w.keep_r = 0;
    pass(&w, 60 * S);
    xw_deadman_emerged(&w.d, w.injected);
    xw_deadman_kept(&w.d, w.kept, -ENOSPC);
    assert_int_equal(w.leg, LEG(SPOOL));
}

static void nobody_watching_is_a_state_of_its_own(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    xw_deadman_linked(&w.d, true);
    through_the_gateway(&w);
    answer(&w, 1, XW__ALARM_VERDICT__ALARM_UNATTENDED, LEG(UNATTENDED));
    assert_int_equal(w.state, XW_DEADMAN_UNATTENDED);
    assert_int_equal(w.leg, LEG(UNATTENDED));
    assert_int_equal(w.d.proven.number, 0);
}

static void a_cut_link_sends_the_same_probe_again_when_it_is_back(void **state)
{
    struct world w;
    (void)state;
    begin(&w);
    xw_deadman_linked(&w.d, true);
    through_the_gateway(&w);
    answer(&w, 1, XW__ALARM_VERDICT__ALARM_ARRIVED, LEG(NONE));
    xw_deadman_linked(&w.d, false);
    pass(&w, 5 * S);
    xw_deadman_linked(&w.d, true);
    assert_int_equal(w.sent_n, 2);
    assert_int_equal(w.last.number, 1);
    answer(&w, 1, XW__ALARM_VERDICT__ALARM_PROVEN, LEG(NONE));
    assert_int_equal(w.state, XW_DEADMAN_PROVEN);
    xw_deadman_linked(&w.d, false);
    pass(&w, 61 * S); /* without a link the gateway's own legs are still probed */
    assert_int_equal(w.injected, 2);
    through_the_gateway(&w);
    pass(&w, 20 * S);
    assert_int_equal(w.leg, LEG(UPLINK));
    xw_deadman_linked(&w.d, true);
    assert_int_equal(w.injected, 3);
}

static void answers_of_another_run_number_or_time_change_nothing(void **state)
{
    struct world w;
    static const uint8_t noise[] = {0xff, 0xff, 0xff};
    (void)state;
    begin(&w);
    xw_deadman_linked(&w.d, true);
    answer(&w, 1, XW__ALARM_VERDICT__ALARM_PROVEN, LEG(NONE)); /* not sent yet */
    through_the_gateway(&w);
    answer(&w, 7, XW__ALARM_VERDICT__ALARM_PROVEN, LEG(NONE));
    w.d.run.b[0] ^= 1;
    uint8_t run[16];
    memcpy(run, w.d.run.b, sizeof(run));
    answer(&w, 1, XW__ALARM_VERDICT__ALARM_ARRIVED, LEG(NONE));
    memcpy(w.d.run.b, run, sizeof(run));
    assert_int_equal(w.changes_n, 0);
    assert_int_equal(xw_deadman_proof(&w.d, noise, sizeof(noise)), -EBADMSG);
    pass(&w, 20 * S);
    assert_int_equal(w.state, XW_DEADMAN_BROKEN);
    answer(&w, 1, XW__ALARM_VERDICT__ALARM_PROVEN, LEG(NONE)); /* too late is broken */
    assert_int_equal(w.state, XW_DEADMAN_BROKEN);
}

static void a_county_cannot_name_a_leg_that_is_not_its_own(void **state)
{
    struct world w;
    uint8_t bytes[XW_DEADMAN_PAYLOAD_MAX];
    Xw__AlarmProof proof = XW__ALARM_PROOF__INIT;
    (void)state;
    begin(&w);
    xw_deadman_linked(&w.d, true);
    through_the_gateway(&w);
    proof.run_id = (ProtobufCBinaryData){16, w.d.run.b};
    proof.number = 1;
    proof.verdict = XW__ALARM_VERDICT__ALARM_BROKEN;
    proof.leg = (Xw__AlarmLeg)77;
    assert_int_equal(xw_deadman_proof(&w.d, bytes, xw__alarm_proof__pack(&proof, bytes)), -EBADMSG);
    assert_int_equal(w.changes_n, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_link_that_comes_up_is_probed_at_once_and_each_leg_has_its_time),
        cmocka_unit_test(one_probe_a_minute),
        cmocka_unit_test(a_leg_that_breaks_is_named_within_90_s_and_its_mending_seen),
        cmocka_unit_test(an_error_of_pipeline_or_spool_is_told_at_once),
        cmocka_unit_test(nobody_watching_is_a_state_of_its_own),
        cmocka_unit_test(a_cut_link_sends_the_same_probe_again_when_it_is_back),
        cmocka_unit_test(answers_of_another_run_number_or_time_change_nothing),
        cmocka_unit_test(a_county_cannot_name_a_leg_that_is_not_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
