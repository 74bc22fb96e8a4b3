/* A day of two gateways and three devices of one patient whose clocks run up to 100 ppm apart: what
 * the gateways' anchors say and the county's hub makes of them, against the truth. Their clocks
 * wander with the warmth of the day, their links are lopsided and full of jitter, walls are set, a
 * gateway sleeps, a link is out for an hour. Nothing waits: all clocks are computed. XW_SEED
 * another day (printed) XW_CLOCKS   writes the anchors around each full hour and the truth there to
 * this file: what the pages' own code is tested with (tests/golden/clocks) */
#include "base/clockfit.h"
#include "edge/moment.h"
#include "unit/center/hub_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S INT64_C(1000000)
#define MS INT64_C(1000)
#define HOUR (3600 * S)
#define AGREE_US 20000.0

enum { GATEWAYS_N = 2, DEVICES_N = 3, BLOCK_MS = 250 };

static uint64_t seed = 1, random_state;

static double uniform(void)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(random_state >> 11) / 9007199254740992.0;
}

static double late_us(double mean_us)
{
    return -mean_us * log(1 - uniform());
}

/* A crystal: so many ppm fast, and 1 ppm more and less with the warmth of six hours. */
struct crystal {
    double ppm, phase;
};

static double gained_us(const struct crystal *c, double us)
{
    static const double period_us = 6 * 3600e6;
    double turns = 2 * 3.14159265358979323846 / period_us;
    return c->ppm * 1e-6 * us + 1e-6 / turns * (cos(c->phase) - cos(turns * us + c->phase));
}

static int64_t read_us(const struct crystal *c, int64_t us)
{
    return us + (int64_t)llround(gained_us(c, (double)us));
}

struct gateway {
    struct crystal crystal;
    int64_t wall_us; /* wall - boot */
    bool linked, asleep;
    struct xw_clockfit county;
    double forth_us, back_us; /* mean jitter beyond 15 ms */
};

struct device {
    struct crystal crystal;
    unsigned gateway;
    double rate_hz;
    struct xw_ratefit fit;
    uint64_t newest;
    int64_t arrived_us;
    uint64_t ordinal;
    double error_us;
    bool known;
};

struct day {
    struct crystal county_crystal;
    int64_t county_wall_us; /* wall - its boot */
    int64_t county_set_us;  /* when it was set last */
    struct gateway gateways[GATEWAYS_N];
    struct device devices[DEVICES_N];
    struct fixture hub;
    FILE *out;
    double worst_pair_us, worst_us;
    unsigned checks_n;
};

static int64_t county_wall(const struct day *day, int64_t us)
{
    return read_us(&day->county_crystal, us) + day->county_wall_us;
}

/* True time at which the device takes a sample. */
static int64_t taken_us(const struct device *d, uint64_t index)
{
    double want = (double)index / d->rate_hz * 1e6, us = want;
    for (int i = 0; i < 4; i++)
        us = want - gained_us(&d->crystal, us);
    return (int64_t)llround(us);
}

static void exchange(const struct day *day, struct gateway *g, int64_t us)
{
    double slow = uniform() < 0.03 ? 300e3 : 0; /* somebody else's download */
    int64_t forth = (int64_t)(15e3 + late_us(g->forth_us) + slow);
    int64_t back = (int64_t)(15e3 + late_us(g->back_us));
    struct xw_clockfit_exchange e = {.sent_us = read_us(&g->crystal, us),
                                     .arrived_us = read_us(&g->crystal, us + forth + back)};
    e.receive_us = e.transmit_us = county_wall(day, us + forth);
    xw_clockfit_add(&g->county, &e);
}

/* Blocks that are whole by now and have come through. */
static void blocks(struct device *d, const struct gateway *g, int64_t us)
{
    uint32_t count = (uint32_t)XW_MAX(1.0, d->rate_hz * BLOCK_MS / 1000);
    while (!g->asleep) {
        int64_t sent_us = taken_us(d, d->newest + count - 1);
        if (sent_us > us)
            return;
        double delay_us = 800 + late_us(1000) + (uniform() < 0.02 ? 400e3 * uniform() : 0);
        d->arrived_us = XW_MAX(d->arrived_us, XW_MAX(sent_us + (int64_t)delay_us, us - 240 * MS));
        xw_ratefit_add(&d->fit, d->newest + count - 1, count, read_us(&g->crystal, d->arrived_us),
                       0);
        d->newest += count;
    }
}

static void anchor(struct day *day, unsigned n, int64_t us)
{
    struct device *d = &day->devices[n];
    const struct gateway *g = &day->gateways[d->gateway];
    struct xw_uuid id = fixture_id((uint8_t)(n + 1));
    uint8_t body[512], key[25] = {0};
    Xw__Anchor a = XW__ANCHOR__INIT;
    int64_t boot_us = read_us(&g->crystal, us);
    if (!d->newest || g->asleep)
        return;
    a.stream_id = (ProtobufCBinaryData){16, id.b};
    a.ordinal = ++d->ordinal;
    xw_moment_anchor(&d->fit, &g->county, boot_us, boot_us + g->wall_us, d->newest - 1, &a);
    memcpy(key, id.b, 16);
    const struct xw_store_record record = {.key = key,
                                           .key_size = sizeof(key),
                                           .kind = XW__RECORD_KIND__RECORD_ANCHOR,
                                           .body = body,
                                           .body_size = xw__anchor__pack(&a, body)};
    xw_hub_record(day->hub.hub, &record, NULL);
    int64_t into_us = us % HOUR;
    if (day->out && (into_us > HOUR - 25 * S || into_us < 25 * S))
        fprintf(day->out, "anchor %u %llu %lld %lld %llu %.9g\n", n, (unsigned long long)a.index,
                (long long)a.gateway_wall_us, (long long)a.county_offset_us,
                (unsigned long long)a.uncertainty_us, a.rate_hz);
}

static void judge(struct day *day, int64_t us)
{
    for (unsigned n = 0; n < DEVICES_N; n++) {
        struct device *d = &day->devices[n];
        struct xw_uuid id = fixture_id((uint8_t)(n + 1));
        uint64_t index = d->newest ? d->newest - 1 : 0;
        int64_t wall_us = xw_hub_wall_us(day->hub.hub, &id, index);
        d->known = wall_us && !day->gateways[d->gateway].asleep;
        if (!d->known)
            continue;
        d->error_us = (double)(wall_us - county_wall(day, taken_us(d, index)));
        day->worst_us = fmax(day->worst_us, fabs(d->error_us));
        if (day->out && us % HOUR < S)
            fprintf(day->out, "sample %u %llu %lld\n", n, (unsigned long long)index,
                    (long long)county_wall(day, taken_us(d, index)));
    }
    for (unsigned i = 0; i < DEVICES_N; i++)
        for (unsigned j = 0; j < i; j++) {
            const struct device *a = &day->devices[i], *b = &day->devices[j];
            if (!a->known || !b->known)
                continue;
            double apart_us = fabs(a->error_us - b->error_us);
            day->checks_n++;
            day->worst_pair_us = fmax(day->worst_pair_us, apart_us);
            if (apart_us > AGREE_US)
                print_message("# at %.3f h devices %u and %u are %.1f ms apart\n",
                              (double)us / (double)HOUR, i, j, apart_us / 1e3);
        }
}

/* What happens on such a day. */
static void happen(struct day *day, int64_t us)
{
    struct gateway *a = &day->gateways[0], *b = &day->gateways[1];
    if (us == 5 * HOUR)
        a->wall_us += HOUR; /* somebody sets the gateway's clock, an hour wrong */
    if (us == 10 * HOUR)
        b->wall_us -= 3200 * MS;
    if (us == 14 * HOUR) { /* the link's jitter turns round */
        a->forth_us = 3e3;
        a->back_us = 60e3;
    }
    b->asleep = us >= 15 * HOUR && us < 15 * HOUR + 600 * S;
    a->linked = us < 18 * HOUR || us >= 19 * HOUR;
    b->linked = !b->asleep;
    if (us == 20 * HOUR) {
        day->county_wall_us += 2 * S;
        day->county_set_us = us;
    }
}

static void begin(struct day *day)
{
    memset(day, 0, sizeof(*day));
    random_state = seed;
    fixture_init(&day->hub);
    day->county_crystal = (struct crystal){-20, 0.5};
    day->county_wall_us = 1800000000 * S;
    day->county_set_us = -HOUR;
    const double gateway_ppm[] = {50, -50}, device_ppm[] = {50, -50, 20};
    const double rates_hz[] = {500, 125, 4};
    const unsigned gateway_of[] = {0, 0, 1};
    for (unsigned i = 0; i < GATEWAYS_N; i++) {
        struct gateway *g = &day->gateways[i];
        g->crystal = (struct crystal){gateway_ppm[i], 1.0 + i};
        g->wall_us = 1799999000 * S + i * HOUR;
        g->forth_us = i ? 5e3 : 40e3; /* up is worse than down */
        g->back_us = 4e3;
        xw_clockfit_init(&g->county);
    }
    for (unsigned i = 0; i < DEVICES_N; i++) {
        struct device *d = &day->devices[i];
        d->crystal = (struct crystal){device_ppm[i], 2.0 * i};
        d->gateway = gateway_of[i];
        d->rate_hz = rates_hz[i];
        xw_ratefit_init(&d->fit, d->rate_hz);
        fixture_stream(&day->hub, (uint8_t)(i + 1), "site");
        if (day->out)
            fprintf(day->out, "stream %u %g\n", i, d->rate_hz);
    }
}

static void streams_of_one_patient_agree_within_20_ms_for_a_day(void **state)
{
    static struct day day;
    const char *path = getenv("XW_CLOCKS");
    (void)state;
    FILE *out = path ? fopen(path, "w") : NULL;
    begin(&day);
    day.out = out;
    for (unsigned i = 0; out && i < DEVICES_N; i++)
        fprintf(out, "stream %u %g\n", i, day.devices[i].rate_hz);
    for (int64_t us = S; us <= 24 * HOUR; us += BLOCK_MS * MS) {
        happen(&day, us - us % S);
        for (unsigned i = 0; i < DEVICES_N; i++)
            blocks(&day.devices[i], &day.gateways[day.devices[i].gateway], us);
        if (us % (2 * S) == 0)
            for (unsigned i = 0; i < GATEWAYS_N; i++)
                if (day.gateways[i].linked)
                    exchange(&day, &day.gateways[i], us);
        for (unsigned i = 0; i < DEVICES_N; i++)
            if (us % (10 * S) == (int64_t)i * 3 * S) /* each in its own time */
                anchor(&day, i, us);
        if (us % S == 0 && us > 60 * S && us - day.county_set_us > 15 * S)
            judge(&day, us);
    }
    if (out)
        assert_int_equal(fclose(out), 0);
    print_message("# %u pairs, at most %.2f ms apart, at most %.2f ms off\n", day.checks_n,
                  day.worst_pair_us / 1e3, day.worst_us / 1e3);
    assert_true(day.checks_n > 200000);
    assert_true(day.worst_pair_us <= AGREE_US);
    assert_true(day.worst_us <= AGREE_US);
    fixture_done(&day.hub);
}

int main(void)
{
    const char *text = getenv("XW_SEED");
    seed = text ? strtoull(text, NULL, 10) : seed;
    printf("seed %llu\n", (unsigned long long)seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(streams_of_one_patient_agree_within_20_ms_for_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
