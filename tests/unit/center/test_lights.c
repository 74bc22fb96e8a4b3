/* Three lights of a stream, and what gateways tell of themselves, with a clock of its own. */
#include "center/gateway_report.h"
#include "hub_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define S INT64_C(1000000)
#define PROVEN XW__LIGHT__LIGHT_PROVEN
#define WAITING XW__LIGHT__LIGHT_WAITING
#define UNKNOWN XW__LIGHT__LIGHT_UNKNOWN

static void lights_are(struct fixture *f, Xw__Light captured, Xw__Light gateway, Xw__Light county)
{
    struct xw_hub_view view;
    struct xw_uuid id = fixture_id(1);
    assert_int_equal(xw_hub_find(f->hub, &id, &view), 0);
    struct xw_hub_lights lights = xw_hub_lights(&view);
    assert_int_equal(lights.captured, captured);
    assert_int_equal(lights.gateway, gateway);
    assert_int_equal(lights.county, county);
}

static void mark(struct fixture *f, uint64_t captured, uint64_t kept)
{
    struct xw_uuid id = fixture_id(1);
    assert_int_equal(xw_hub_mark(f->hub, "gw", &id, captured, kept), 0);
}

static void hold(struct fixture *f, uint64_t end)
{
    assert_int_equal(xw_ranges_add(&f->known, 0, end), 0);
}

/* Ten seconds of it, all at the county. */
static void begin(struct fixture *f)
{
    fixture_init(f);
    fixture_stream(f, 1, "site");
    xw_hub_linked(f->hub, "gw", true);
    for (uint64_t at = 0; at < 5000; at += FIXTURE_BLOCK)
        fixture_block(f, 1, at, true);
    hold(f, 5000);
}

static void what_is_not_told_is_not_green(void **state)
{
    struct fixture f;
    (void)state;
    fixture_init(&f);
    fixture_stream(&f, 1, "site");
    lights_are(&f, UNKNOWN, UNKNOWN, UNKNOWN);
    fixture_block(&f, 1, 0, true);
    lights_are(&f, PROVEN, UNKNOWN, UNKNOWN);
    fixture_done(&f);
}

static void each_light_has_its_own_proof(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    lights_are(&f, PROVEN, UNKNOWN, PROVEN);
    mark(&f, 5000, 4980);
    lights_are(&f, PROVEN, PROVEN, PROVEN);
    mark(&f, 12000, 4980); /* the spool takes nothing: 14 s behind */
    lights_are(&f, PROVEN, WAITING, WAITING);
    mark(&f, 12000, 11800);
    lights_are(&f, PROVEN, PROVEN, WAITING);
    hold(&f, 12000);
    lights_are(&f, PROVEN, PROVEN, PROVEN);
    fixture_done(&f);
}

static void a_hole_at_the_county_is_not_green(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    assert_int_equal(xw_ranges_subtract(&f.known, 1000, 1100), 0);
    lights_are(&f, PROVEN, UNKNOWN, WAITING);
    fixture_done(&f);
}

static void a_suspended_stream_is_captured_as_its_gateway_tells(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    xw_clock_fake_advance(&f.clock, 3 * S);
    lights_are(&f, WAITING, UNKNOWN, PROVEN);
    mark(&f, 6500, 6400);
    lights_are(&f, PROVEN, PROVEN, PROVEN); /* not three seconds behind */
    mark(&f, 9000, 8900);
    lights_are(&f, PROVEN, PROVEN, WAITING);
    xw_clock_fake_advance(&f.clock, 16 * S); /* and no longer than it tells */
    lights_are(&f, WAITING, UNKNOWN, WAITING);
    fixture_done(&f);
}

static void without_a_link_nobody_can_tell(void **state)
{
    struct fixture f;
    (void)state;
    begin(&f);
    mark(&f, 5000, 5000);
    lights_are(&f, PROVEN, PROVEN, PROVEN);
    xw_hub_linked(f.hub, "another", false);
    lights_are(&f, PROVEN, PROVEN, PROVEN);
    xw_hub_linked(f.hub, "gw", false);
    xw_clock_fake_advance(&f.clock, 2 * S);
    lights_are(&f, UNKNOWN, UNKNOWN, UNKNOWN);
    xw_hub_linked(f.hub, "gw", true);
    lights_are(&f, PROVEN, PROVEN, PROVEN);
    fixture_done(&f);
}

static void a_piece_is_at_the_gateway_when_it_said_so(void **state)
{
    struct fixture f;
    struct xw_uuid id = fixture_id(1), other = fixture_id(7);
    (void)state;
    begin(&f);
    assert_int_equal(xw_hub_kept(f.hub, &id, 4000), UNKNOWN);
    mark(&f, 5000, 4500);
    assert_int_equal(xw_hub_kept(f.hub, &id, 4000), PROVEN);
    assert_int_equal(xw_hub_kept(f.hub, &id, 4501), WAITING);
    assert_int_equal(xw_hub_kept(f.hub, &other, 1), UNKNOWN);
    xw_hub_linked(f.hub, "gw", false);
    assert_int_equal(xw_hub_kept(f.hub, &id, 4000), PROVEN); /* it does not unsay it */
    assert_int_equal(xw_hub_kept(f.hub, &id, 4501), UNKNOWN);
    fixture_done(&f);
}

static size_t report_of(const struct xw_uuid *id, size_t id_size, size_t marks_n, uint8_t *ret)
{
    Xw__GatewayReport report = XW__GATEWAY_REPORT__INIT;
    Xw__StreamMark one = XW__STREAM_MARK__INIT, *marks[300];
    one.stream_id = (ProtobufCBinaryData){id_size, (uint8_t *)(uintptr_t)id->b};
    one.captured = 6000;
    one.kept = 5900;
    for (size_t i = 0; i < marks_n; i++)
        marks[i] = &one;
    report.streams = marks;
    report.n_streams = marks_n;
    report.backlog_ms = 90000;
    report.oldest_unsent_wall_us = 1800000000 * S;
    report.suspended_n = 2;
    return xw__gateway_report__pack(&report, ret);
}

static void a_report_is_taken_and_a_wrong_one_refused(void **state)
{
    static uint8_t bytes[16384];
    struct fixture f;
    struct xw_gateways *gateways;
    struct xw_uuid id = fixture_id(1), other = fixture_id(9);
    const Xw__GatewayStatus *const *statuses;
    const char *const *sites;
    (void)state;
    begin(&f);
    const struct xw_gateways_config config = {.clock = &f.clock};
    assert_int_equal(xw_gateways_new(&config, &gateways), 0);
    size_t n = report_of(&id, 16, 1, bytes);
    assert_int_equal(xw_gateway_report_take(gateways, f.hub, "gw", bytes, n), -ENOENT);
    xw_gateways_update(gateways, &(struct xw_downlink_gateway){.gateway_id = "gw",
                                                               .linked = true,
                                                               .clock_offset_us = 5 * S,
                                                               .clock_uncertainty_us = 900,
                                                               .clock_drift_ppb = -12000,
                                                               .clock_drift_known = true});
    assert_int_equal(xw_gateway_report_take(gateways, f.hub, "gw", bytes, n), 0);
    lights_are(&f, PROVEN, PROVEN, PROVEN);
    assert_int_equal(xw_gateways_statuses(gateways, &statuses, &sites), 1);
    assert_int_equal(statuses[0]->backlog_ms, 90000);
    assert_int_equal(statuses[0]->oldest_unsent_wall_us, 1799999995 * S); /* in county time */
    assert_int_equal(statuses[0]->suspended_n, 2);
    assert_int_equal(statuses[0]->clock_drift_ppb, -12000);
    assert_true(statuses[0]->seen && statuses[0]->report_wall_us > 0);
    assert_int_equal(xw_gateway_report_take(gateways, f.hub, "gw", "\xff\xff", 2), -EBADMSG);
    n = report_of(&id, 15, 1, bytes);
    assert_int_equal(xw_gateway_report_take(gateways, f.hub, "gw", bytes, n), -EBADMSG);
    n = report_of(&other, 16, 1, bytes); /* not known here yet */
    assert_int_equal(xw_gateway_report_take(gateways, f.hub, "gw", bytes, n), 0);
    n = report_of(&id, 16, 257, bytes);
    assert_int_equal(xw_gateway_report_take(gateways, f.hub, "gw", bytes, n), -EBADMSG);
    xw_gateways_update(gateways, &(struct xw_downlink_gateway){.gateway_id = "gw-2"});
    n = report_of(&id, 16, 1, bytes); /* a stream of another gateway */
    assert_int_equal(xw_gateway_report_take(gateways, f.hub, "gw-2", bytes, n), -EPERM);
    xw_gateways_free(gateways);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_told_is_not_green),
        cmocka_unit_test(each_light_has_its_own_proof),
        cmocka_unit_test(a_hole_at_the_county_is_not_green),
        cmocka_unit_test(a_suspended_stream_is_captured_as_its_gateway_tells),
        cmocka_unit_test(without_a_link_nobody_can_tell),
        cmocka_unit_test(a_piece_is_at_the_gateway_when_it_said_so),
        cmocka_unit_test(a_report_is_taken_and_a_wrong_one_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
