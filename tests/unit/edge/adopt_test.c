/* Killed anywhere, gone on from the spool: what the records say must be what an unbroken run says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/adopt.h"
#include "unit/dsp/scenario.h"

enum { RATE_HZ = 250, SECONDS = 150, BLOCK = 10, WARM_S = 60 };
enum { ROWS = RATE_HZ * SECONDS, RECORDS_MAX = 8192, CHANNELS = 12 };

static int32_t samples[ROWS * CHANNELS];

/* The spool's records: the last revision of each key. */
struct record {
    uint64_t run, sequence, revision;
    struct xw_ecg_event event;
};

struct gateway {
    struct record records[RECORDS_MAX];
    size_t n;
    uint64_t run;
    struct xw_ecg_chain *chain;
    struct xw_adopt adopt;
    bool adopting;
};

static struct record *find(struct gateway *g, uint64_t run, uint64_t sequence)
{
    for (size_t i = g->n; i-- > 0;)
        if (g->records[i].run == run && g->records[i].sequence == sequence)
            return &g->records[i];
    return NULL;
}

static void put(struct gateway *g, uint64_t run, uint64_t sequence, uint64_t revision,
                const struct xw_ecg_event *event, int64_t first)
{
    struct record *r = find(g, run, sequence);
    if (r)
        assert_true(revision > r->revision); /* equal key and revision would be a conflict */
    assert_true(r || g->n < RECORDS_MAX);
    r = r ? r : &g->records[g->n++];
    *r = (struct record){run, sequence, revision, *event};
    r->event.first = first;
}

static void key_of(const struct record *r, uint8_t key[XW_EVENT_KEY_SIZE])
{
    memset(key, 0, XW_EVENT_KEY_SIZE);
    memcpy(key, &r->run, 8);
    memcpy(key + 32, &r->sequence, 8);
}

static void say(void *user, const struct xw_adopt_known *known, const struct xw_ecg_event *event)
{
    struct gateway *g = user;
    uint64_t run = g->run, sequence = event ? event->sequence : 0;
    struct xw_ecg_event ended = {0};
    if (event && event->stage == XW_ECG_STAGE_PROVISIONAL)
        return;
    if (event && event->withdrawn && event->kind == XW_ECG_KIND_BEAT && event->revision <= 1)
        return;
    if (known) {
        memcpy(&run, known->key, 8);
        memcpy(&sequence, known->key + 32, 8);
    }
    if (!event) {
        const struct record *open = find(g, run, sequence);
        if (!known || !open)
            abort();
        ended = open->event;
        ended.end = known->end;
        event = &ended;
    }
    put(g, run, sequence, known ? known->revision : event->revision + 1u, event,
        known ? known->first : event->first);
}

static void on_event(void *user, const struct xw_ecg_event *event)
{
    struct gateway *g = user;
    struct xw_adopt_known known;
    enum xw_adopt_verdict v = g->adopting ? xw_adopt_judge(&g->adopt, event, &known) : XW_ADOPT_NEW;
    if (v != XW_ADOPT_SILENT)
        say(g, v == XW_ADOPT_CONTINUE ? &known : NULL, event);
}

static void chain_begin(struct gateway *g, int64_t first)
{
    struct xw_ecg_config config;
    struct xw_recorder unused;
    xw_recorder_init(&unused);
    xw_scenario_config(&config, RATE_HZ, &unused);
    config.first_sample = first;
    config.on_event = on_event;
    config.user = g;
    assert_int_equal(xw_ecg_chain_new(&config, &g->chain), 0);
    xw_recorder_done(&unused);
}

static void play(struct gateway *g, size_t from, size_t until)
{
    for (size_t at = from; at < until;) {
        size_t n = XW_MIN((size_t)BLOCK, until - at);
        xw_ecg_chain_process(g->chain, samples + at * CHANNELS, n);
        at += n;
        if (g->adopting)
            xw_adopt_advance(&g->adopt, (int64_t)at, say, g);
    }
}

/* The process dies: chain and adoption are gone, records stay. The next one is warmed and goes on.
 */
static void restart(struct gateway *g, size_t cut)
{
    size_t from = cut > WARM_S * RATE_HZ ? cut - WARM_S * RATE_HZ : 0;
    xw_ecg_chain_free(g->chain);
    if (g->adopting)
        xw_adopt_done(&g->adopt);
    xw_adopt_init(&g->adopt, (int64_t)cut, RATE_HZ);
    g->adopting = true;
    for (size_t i = 0; i < g->n; i++) {
        const struct record *r = &g->records[i];
        struct xw_adopt_known known = {.revision = r->revision,
                                       .kind = r->event.kind,
                                       .code = r->event.code,
                                       .first = r->event.first,
                                       .end = r->event.end};
        bool touches = r->event.kind == XW_ECG_KIND_BEAT ? r->event.first >= (int64_t)from
                                                         : r->event.end > (int64_t)from;
        if (r->event.withdrawn || !touches)
            continue;
        key_of(r, known.key);
        assert_int_equal(xw_adopt_add(&g->adopt, &known), 0);
    }
    g->run++;
    chain_begin(g, (int64_t)from);
    play(g, from, cut);
    if (from == cut)
        xw_adopt_advance(&g->adopt, (int64_t)cut, say, g);
}

static size_t count(const struct gateway *g, enum xw_ecg_kind kind, enum xw_ecg_code code,
                    bool open_only)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++) {
        const struct xw_ecg_event *e = &g->records[i].event;
        n += e->kind == kind && (!code || e->code == code) && !e->withdrawn &&
             (!open_only || e->end == XW_ECG_OPEN);
    }
    return n;
}

static size_t double_beats(const struct gateway *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < i; j++) {
            const struct xw_ecg_event *a = &g->records[i].event, *b = &g->records[j].event;
            n += a->kind == XW_ECG_KIND_BEAT && b->kind == XW_ECG_KIND_BEAT && !a->withdrawn &&
                 !b->withdrawn && llabs(a->first - b->first) < RATE_HZ * 15 / 100;
        }
    return n;
}

/* Values that a later run says of a time of which an earlier one had said them. */
static size_t double_values(const struct gateway *g)
{
    size_t n = 0;
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < i; j++) {
            const struct xw_ecg_event *a = &g->records[i].event, *b = &g->records[j].event;
            n += a->kind == XW_ECG_KIND_MEASURE && b->kind == XW_ECG_KIND_MEASURE &&
                 a->code == b->code && g->records[i].run != g->records[j].run &&
                 (g->records[i].run > g->records[j].run) != (a->first > b->first);
        }
    return n;
}

static void patient(uint64_t seed)
{
    static const struct {
        unsigned at_s;
        const char *scene;
    } story[] = {{0, "sinus"}, {40, "vf"}, {60, "sinus"}, {85, "asystole"}, {105, "pvc"}};
    struct xw_synth_config config;
    struct xw_synth *synth;
    xw_synth_config_init(&config);
    config.rate_num = RATE_HZ;
    config.seed = seed;
    assert_int_equal(xw_synth_new(&config, &synth), 0);
    for (size_t i = 0; i < XW_ARRAY_N(story); i++) {
        size_t at = story[i].at_s * RATE_HZ;
        size_t until = i + 1 < XW_ARRAY_N(story) ? story[i + 1].at_s * RATE_HZ : ROWS;
        assert_int_equal(xw_synth_set_scene(synth, story[i].scene), 0);
        xw_synth_read(synth, samples + at * CHANNELS, until - at);
    }
    xw_synth_free(synth);
}

enum { DIFFER_MAX = 3 };

static struct gateway whole, broken;

static bool has_beat(const struct gateway *g, int64_t at)
{
    for (size_t i = 0; i < g->n; i++) {
        const struct xw_ecg_event *e = &g->records[i].event;
        if (e->kind == XW_ECG_KIND_BEAT && !e->withdrawn &&
            llabs(e->first - at) < RATE_HZ * 15 / 100)
            return true;
    }
    return false;
}

/* Beats that one has and the other has not.
 *
 * There are some, and there must be: whether a wave of unknown shape is taken for a beat depends on
 * the shapes and levels that the chain has learned, and a chain that was warmed with the last
 * minute has learned less than one that saw everything. In this story that is a wide wave in
 * fibrillation or soon after the asystole. What is asserted is that this is all: never a beat of
 * the patient's own shape, and no more of them in the whole story than DIFFER_MAX, whatever the
 * number of kills. */
static size_t beats_only_in(const struct gateway *a, const struct gateway *b)
{
    size_t n = 0;
    for (size_t i = 0; i < a->n; i++) {
        const struct xw_ecg_event *e = &a->records[i].event;
        if (e->kind != XW_ECG_KIND_BEAT || e->withdrawn || has_beat(b, e->first))
            continue;
        n++;
        bool doubtful = e->code == XW_ECG_BEAT_VENTRICULAR || e->code == XW_ECG_BEAT_UNKNOWN;
        if (!doubtful)
            print_message("at %.2f s: label %d\n", (double)e->first / RATE_HZ, (int)e->code);
        assert_true(doubtful);
    }
    return n;
}

static void done(struct gateway *g)
{
    xw_ecg_chain_free(g->chain);
    if (g->adopting)
        xw_adopt_done(&g->adopt);
}

static void each_alarm_once_and_each_beat_once(void **state)
{
    (void)state;
    unsigned seed = (unsigned)xw_test_seed(20261122);
    patient(seed);
    memset(&whole, 0, sizeof(whole));
    chain_begin(&whole, 0);
    play(&whole, 0, ROWS);
    size_t beats = count(&whole, XW_ECG_KIND_BEAT, 0, false);
    size_t vf = count(&whole, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_VF, false);
    size_t asystole = count(&whole, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_ASYSTOLE, false);
    assert_true(beats > 80 && vf == 1 && asystole == 1);
    assert_int_equal(double_beats(&whole), 0);
    size_t open_n = count(&whole, XW_ECG_KIND_ALARM, 0, true);

    for (unsigned round = 0; round < 40; round++) {
        memset(&broken, 0, sizeof(broken));
        chain_begin(&broken, 0);
        size_t at = 0;
        unsigned kills = 1 + (unsigned)rand_r(&seed) % 4;
        for (unsigned k = 0; k < kills; k++) {
            size_t cut = at + (size_t)rand_r(&seed) % (ROWS - at);
            cut -= (cut - at) % BLOCK;
            play(&broken, at, cut);
            restart(&broken, cut);
            at = cut;
        }
        play(&broken, at, ROWS);
        assert_int_equal(count(&broken, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_VF, false), 1);
        assert_int_equal(count(&broken, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_ASYSTOLE, false), 1);
        assert_int_equal(count(&broken, XW_ECG_KIND_ALARM, 0, true), open_n);
        assert_int_equal(double_beats(&broken), 0);
        assert_int_equal(double_values(&broken), 0);
        size_t differ = beats_only_in(&whole, &broken) + beats_only_in(&broken, &whole);
        if (differ > DIFFER_MAX)
            print_message("round %u: %zu beats differ\n", round, differ);
        assert_true(differ <= DIFFER_MAX);
        done(&broken);
    }
    done(&whole);
}

/* A full spool: the last samples were refused, what was said of them was kept. */
static void what_was_said_of_refused_samples_is_not_said_again(void **state)
{
    (void)state;
    unsigned seed = (unsigned)xw_test_seed(20261122);
    patient(seed);
    memset(&whole, 0, sizeof(whole));
    chain_begin(&whole, 0);
    play(&whole, 0, ROWS);
    size_t open_n = count(&whole, XW_ECG_KIND_ALARM, 0, true);
    for (unsigned round = 0; round < 40; round++) {
        memset(&broken, 0, sizeof(broken));
        chain_begin(&broken, 0);
        size_t at = 0;
        for (unsigned k = 0; k < 3; k++) {
            size_t said = at + (size_t)rand_r(&seed) % (ROWS - at);
            said -= (said - at) % BLOCK;
            play(&broken, at, said);
            size_t refused = XW_MIN((size_t)rand_r(&seed) % (25 * RATE_HZ), said - at);
            at = said - refused;
            at -= at % BLOCK;
            restart(&broken, at);
        }
        play(&broken, at, ROWS);
        assert_int_equal(count(&broken, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_VF, false), 1);
        assert_int_equal(count(&broken, XW_ECG_KIND_ALARM, XW_ECG_RHYTHM_ASYSTOLE, false), 1);
        assert_int_equal(count(&broken, XW_ECG_KIND_ALARM, 0, true), open_n);
        assert_int_equal(double_beats(&broken), 0);
        assert_int_equal(double_values(&broken), 0);
        size_t differ = beats_only_in(&whole, &broken) + beats_only_in(&broken, &whole);
        assert_true(differ <= 2 * DIFFER_MAX);
        done(&broken);
    }
    done(&whole);
}

static void an_open_episode_that_is_not_found_again_ends_at_the_cut(void **state)
{
    (void)state;
    struct xw_adopt adopt;
    xw_adopt_init(&adopt, 10000, 100);
    const struct xw_adopt_known known = {.revision = 1,
                                         .kind = XW_ECG_KIND_ALARM,
                                         .code = XW_ECG_RHYTHM_TACHY,
                                         .priority = XW_ECG_PRIORITY_HIGH,
                                         .first = 9000,
                                         .end = XW_ECG_OPEN};
    assert_int_equal(xw_adopt_add(&adopt, &known), 0);
    memset(&broken, 0, sizeof(broken));
    put(&broken, 0, 0, 1, &(struct xw_ecg_event){.kind = XW_ECG_KIND_ALARM, .end = XW_ECG_OPEN}, 9);
    xw_adopt_advance(&adopt, 10000, say, &broken);
    xw_adopt_advance(&adopt, 10999, say, &broken);
    assert_int_equal(broken.records[0].revision, 1);
    xw_adopt_advance(&adopt, 11000, say, &broken);
    assert_int_equal(broken.records[0].revision, 2);
    assert_int_equal(broken.records[0].event.end, 10000);
    const struct xw_ecg_event ended = xw_adopt_ended(&adopt, &adopt.known[0]);
    assert_int_equal(ended.priority, XW_ECG_PRIORITY_HIGH); /* not taken back: it was one */
    assert_int_equal(ended.code, XW_ECG_RHYTHM_TACHY);
    assert_int_equal(ended.end, 10000);
    xw_adopt_done(&adopt);
}

static void priorities_come_back_from_the_wire(void **state)
{
    (void)state;
    for (unsigned p = XW_ECG_PRIORITY_NONE; p <= XW_ECG_PRIORITY_HIGH; p++)
        assert_int_equal(xw_words_priority_of(xw_words_priority((enum xw_ecg_priority)p)), p);
    assert_int_equal(xw_words_priority_of((Xw__Priority)77), XW_ECG_PRIORITY_NONE);
}

static void no_event_ends_before_its_stored_onset(void **state)
{
    (void)state;
    Xw__Event event = XW__EVENT__INIT;
    event.first = 41000;
    event.end = 42460;
    xw_words_event_onset(&event, 42595);
    assert_int_equal(event.first, 42595);
    assert_int_equal(event.end, 42596);
    event.end = 0; /* open */
    xw_words_event_onset(&event, 42000);
    assert_int_equal(event.first, 42000);
    assert_int_equal(event.end, 0);
    event.end = 42460;
    xw_words_event_onset(&event, 42000);
    assert_int_equal(event.end, 42460);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_alarm_once_and_each_beat_once),
        cmocka_unit_test(what_was_said_of_refused_samples_is_not_said_again),
        cmocka_unit_test(no_event_ends_before_its_stored_onset),
        cmocka_unit_test(an_open_episode_that_is_not_found_again_ends_at_the_cut),
        cmocka_unit_test(priorities_come_back_from_the_wire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
