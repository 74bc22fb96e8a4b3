/* A way to the county that dies and comes back, or is replaced by another: its two sockets find out
 * at different moments. What was measured while they died is no rate of the link, so live is live
 * again at once; a way that is narrow is still found narrow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/link/rig.h"

enum {
    STEP_US = 10000,
    BLOCK_N = 20,
    BLOCK_US = 40000,
    STREAMS_N = 4,
    STREAM_N_BYTES = 3500, /* a second of one stream with all that it costs, about */
    SLOW_START_US = 300000,
    SLOW_START_RATE = 2500, /* in 10 ms: ten segments in a round trip of 60 ms */
    WINDOW_N_BYTES = 16000, /* what the kernel takes ahead of the way */
    BASE_RTT_US = 60000,
    LIVE_N = RIG_RATE_HZ / 2, /* samples: so young is live */
    WELCOME_MOST_MS = 200,
};

struct side {
    bool dead;          /* its packets vanish until it is opened anew, */
    int64_t alive_us;   /* or until then (0: never) */
    int64_t resent_us;  /* TCP asks again */
    int64_t backoff_us; /* after twice as long each time */
    int64_t dial_us, opened_us;
    int64_t welcome_us; /* opened anew: what it says arrives then; 0 = it does already */
};

struct course {
    struct rig *rig;
    struct side side[XW_LINK_ROLES_N];
    int64_t begin_us, back_us, alive_us; /* the way died, is there, a socket is alive on it again */
    int64_t live_us;                     /* all was live; 0 = not yet */
    unsigned relapsed_n, suspended_most;
};

static int64_t now_of(const struct course *c)
{
    return xw_clock_mono(&c->rig->clock).us;
}

static int64_t between(struct rig *rig, int64_t low_ms, int64_t high_ms)
{
    return (low_ms + (int64_t)rig_random(rig, (uint64_t)(high_ms - low_ms + 1))) * 1000;
}

static bool all_live(const struct course *c)
{
    struct xw_uplink_lane video;
    xw_glink_lane(c->rig->glink, XW__LANE__LANE_VIDEO, &video);
    for (size_t i = 0; i < c->rig->streams_n; i++) {
        const struct rig_stream *s = &c->rig->stream[i];
        if (xw_ranges_end(&s->shown) + LIVE_N < s->end)
            return false;
    }
    return !video.suspended_n && !video.held;
}

static void side_alive(struct course *c, unsigned role)
{
    struct side *side = &c->side[role];
    side->dead = false;
    c->rig->pipe[role].stalled = false;
    if (!c->alive_us && now_of(c) >= c->back_us)
        c->alive_us = now_of(c);
}

static void slow_start(struct course *c, unsigned role)
{
    c->rig->pipe[role].rate = SLOW_START_RATE;
    c->rig->pipe[role].tokens = 0;
    c->side[role].opened_us = now_of(c);
}

/* What a kernel and the uplink do with one socket in 10 ms. */
static void side_step(struct course *c, unsigned role)
{
    struct side *side = &c->side[role];
    struct rig_pipe *p = &c->rig->pipe[role];
    int64_t now = now_of(c);
    if (p->up && p->gateway.state == XW_CONN_ENDED) {
        rig_cut_half(c->rig, role);
        side->dial_us = XW_MAX(now, c->back_us) + between(c->rig, 100, 400);
    }
    if (!p->up && now >= side->dial_us && (role == 0 || xw_glink_linked(c->rig->glink))) {
        rig_connect(c->rig, role);
        side->dead = false;
        side->welcome_us = now + between(c->rig, 10, WELCOME_MOST_MS);
        p->stalled = true;
        p->window = WINDOW_N_BYTES;
        slow_start(c, role);
    }
    if (p->up && side->welcome_us && now >= side->welcome_us) {
        side->welcome_us = 0;
        side_alive(c, role);
    }
    if (p->rate && now - side->opened_us > SLOW_START_US)
        p->rate = 0;
    p->segments_n += (uint32_t)rig_random(c->rig, 2);
    if (!side->dead)
        return;
    if (now >= side->resent_us && p->to_county.n) {
        p->resent_n++;
        p->segments_n++;
        side->backoff_us *= 2;
        side->resent_us = now + side->backoff_us;
    }
    if (side->alive_us && now >= side->alive_us) {
        p->late_us = (uint32_t)(now - c->begin_us);
        slow_start(c, role);
        side_alive(c, role);
    }
}

static void step(struct course *c)
{
    struct rig *rig = c->rig;
    for (size_t k = 0; now_of(c) % BLOCK_US == 0 && k < rig->streams_n; k++)
        rig_block(rig, &rig->stream[k], BLOCK_N);
    rig_run(rig, STEP_US);
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
        side_step(c, role);
    c->suspended_most = XW_MAX(c->suspended_most, (unsigned)rig->suspended_n);
    if (!c->alive_us)
        return;
    bool live = all_live(c);
    if (live && !c->live_us)
        c->live_us = now_of(c);
    c->relapsed_n += c->live_us && !live;
}

static void go_on(struct course *c, int64_t us)
{
    for (int64_t end = now_of(c) + us; now_of(c) < end;)
        step(c);
}

static struct course begin(uint64_t seed)
{
    struct course c = {.rig = rig_new(seed)};
    c.rig->base_rtt_us = BASE_RTT_US;
    for (unsigned i = 0; i < STREAMS_N; i++)
        rig_add_stream(c.rig);
    go_on(&c, 5000000 + between(c.rig, 0, 900) / STEP_US * STEP_US);
    assert_true(all_live(&c));
    c.alive_us = c.live_us = 0;
    c.relapsed_n = 0;
    return c;
}

/* Nothing gets through on either socket from some moment on. Of a hole the sockets that are left
 * come back by themselves, when TCP asks again; behind another address never. */
static void die(struct course *c, int64_t hole_us)
{
    struct rig *rig = c->rig;
    c->begin_us = now_of(c);
    c->back_us = c->begin_us + hole_us;
    unsigned first = (unsigned)rig_random(rig, 2);
    for (unsigned i = 0; i < XW_LINK_ROLES_N; i++) {
        unsigned role = i ? !first : first;
        struct side *side = &c->side[role];
        int64_t asked_us = between(rig, 0, XW_MIN(hole_us / 1000, (int64_t)2000));
        *side = (struct side){.dead = true,
                              .alive_us = hole_us ? c->back_us + asked_us : 0,
                              .backoff_us = 200000,
                              .resent_us = now_of(c) + 200000};
        rig->pipe[role].stalled = true;
        if (!i)
            go_on(c, between(rig, 0, 40) * 10 / STEP_US * STEP_US);
    }
}

static void finish(struct course *c)
{
    c->rig->way_rate = 0;
    go_on(c, 10000000);
    rig_run(c->rig, 60000000);
    rig_check_all(c->rig);
    rig_free(c->rig);
}

static void check_live_at_once(uint64_t seed, bool hole)
{
    struct course c = begin(seed);
    die(&c, hole ? between(c.rig, 300, 6000) : 0);
    go_on(&c, 30000000);
    double took = (double)(c.live_us - c.alive_us) / 1e6;
    print_message("%s, seed %llu: a socket alive after %.2f s, live %.2f s later, %u relapses, "
                  "%u suspended\n",
                  hole ? "hole" : "address", (unsigned long long)seed,
                  (double)(c.alive_us - c.begin_us) / 1e6, took, c.relapsed_n, c.suspended_most);
    assert_true(c.alive_us && c.live_us);
    assert_true(took <= 2);
    assert_int_equal(c.suspended_most, 0);
    assert_int_equal(c.relapsed_n, 0);
    finish(&c);
}

static void behind_another_address_live_is_live_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        check_live_at_once(seed, false);
}

static void after_a_hole_live_is_live_at_once(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        check_live_at_once(seed, true);
}

static void a_way_that_comes_back_narrow_is_found_narrow(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct course c = begin(seed);
        die(&c, seed % 2 ? 0 : between(c.rig, 300, 6000));
        c.rig->way_rate = 2 * STREAM_N_BYTES / 100; /* two of four */
        go_on(&c, 25000000);
        print_message("narrow, seed %llu: %llu suspended\n", (unsigned long long)seed,
                      (unsigned long long)c.rig->suspended_n);
        assert_in_range(c.rig->suspended_n, 1, 3);
        finish(&c);
    }
}

static void live_for(struct rig *rig, int64_t us)
{
    for (int64_t done = 0; done < us; done += BLOCK_US) {
        rig_block(rig, &rig->stream[0], BLOCK_N);
        rig_run(rig, BLOCK_US);
    }
}

/* The bulk socket is the first on the new way, and the other one is given up before the welcome.
 * The county still thinks that lives, and says there what it wants of the streams announced: nobody
 * hears that, so it is asked again when the socket is there anew. */
static void an_answer_on_a_dead_socket_is_asked_for_again(void **state)
{
    (void)state;
    struct rig *rig = rig_new(1);
    rig_add_stream(rig);
    rig_connect(rig, XW__SOCKET_ROLE__SOCKET_SIGNALS);
    live_for(rig, 200000);
    rig_connect(rig, XW__SOCKET_ROLE__SOCKET_BULK);
    live_for(rig, 1000000);
    rig_cut_half(rig, XW__SOCKET_ROLE__SOCKET_BULK);
    rig_connect(rig, XW__SOCKET_ROLE__SOCKET_BULK);
    rig_cut_half(rig, XW__SOCKET_ROLE__SOCKET_SIGNALS);
    live_for(rig, 200000);
    rig_connect(rig, XW__SOCKET_ROLE__SOCKET_SIGNALS);
    live_for(rig, 1000000);
    assert_in_range(xw_ranges_end(&rig->stream[0].shown), rig->stream[0].end - LIVE_N,
                    rig->stream[0].end);
    assert_true(rig_all_there(rig));
    rig_check_all(rig);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_on_a_dead_socket_is_asked_for_again),
        cmocka_unit_test(behind_another_address_live_is_live_at_once),
        cmocka_unit_test(after_a_hole_live_is_live_at_once),
        cmocka_unit_test(a_way_that_comes_back_narrow_is_found_narrow),
    };
    return cmocka_run_group_tests_name("link_way", tests, NULL, NULL);
}
