/* A fetal monitor's gateway killed anywhere and gone on from the spool: its records are those of an
 * unbroken run, each once, with the same onset and end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge/adopt.h"
#include "unit/dsp/labour.h"

enum { RATE_HZ = 4, HOURS = 5, BLOCK = 2, FETUSES = 2, CHANNELS = FETUSES + 3 };
enum { ROWS = RATE_HZ * HOURS * 3600, RECORDS_MAX = 4096, WARM_N = XW_FETAL_WARMUP_S * RATE_HZ };

static int32_t samples[ROWS * CHANNELS];

struct record {
    uint64_t run, sequence, revision;
    struct xw_ecg_event event;
};

struct gateway {
    struct record records[RECORDS_MAX]; /* the last revision of each key */
    size_t n;
    uint64_t run;
    struct xw_fetal_chain *chain;
    struct xw_adopt adopt;
    bool adopting;
};

static struct gateway whole, broken;

static void put(struct gateway *g, uint64_t run, uint64_t sequence, uint64_t revision,
                const struct xw_ecg_event *event, int64_t first)
{
    struct record *r = NULL;
    for (size_t i = g->n; i-- > 0 && !r;)
        if (g->records[i].run == run && g->records[i].sequence == sequence)
            r = &g->records[i];
    if (r)
        assert_true(revision > r->revision); /* equal key and revision would be a conflict */
    assert_true(r || g->n < RECORDS_MAX);
    r = r ? r : &g->records[g->n++];
    *r = (struct record){run, sequence, revision, *event};
    r->event.first = first;
}

static void say(void *user, const struct xw_adopt_known *known, const struct xw_ecg_event *event)
{
    struct gateway *g = user;
    uint64_t run = g->run, sequence = event ? event->sequence : 0;
    if (known) {
        memcpy(&run, known->key, 8);
        memcpy(&sequence, known->key + 32, 8);
    }
    struct xw_ecg_event ended = {0};
    if (!event) {
        if (!known)
            abort();
        ended = (struct xw_ecg_event){.kind = known->kind, .code = known->code, .end = known->end};
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
    struct xw_fetal_config config;
    xw_labour_config(&config, RATE_HZ, 1, FETUSES, NULL);
    config.first_sample = first;
    config.on_event = on_event;
    config.user = g;
    assert_int_equal(xw_fetal_chain_new(&config, &g->chain), 0);
}

static void play(struct gateway *g, size_t from, size_t until)
{
    for (size_t at = from; at < until; at += BLOCK) {
        xw_fetal_chain_process(g->chain, samples + at * CHANNELS, BLOCK);
        if (g->adopting)
            xw_adopt_advance(&g->adopt, (int64_t)(at + BLOCK), say, g);
    }
}

static void restart(struct gateway *g, size_t cut)
{
    size_t from = cut > WARM_N ? cut - WARM_N : 0;
    xw_fetal_chain_free(g->chain);
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
        if (r->event.end <= (int64_t)from)
            continue;
        memcpy(known.key, &r->run, 8);
        memcpy(known.key + 32, &r->sequence, 8);
        assert_int_equal(xw_adopt_add(&g->adopt, &known), 0);
    }
    uint32_t missed = 0; /* as the gateway tells the chain */
    for (size_t i = 0; i < g->adopt.known_n; i++)
        for (unsigned f = 0; f < XW_FETAL_MAX; f++)
            if ((unsigned)g->adopt.known[i].code == XW_FETAL_SIGNAL_LOSS + f)
                missed |= 1U << f;
    g->run++;
    chain_begin(g, (int64_t)from);
    xw_fetal_chain_expect(g->chain, missed);
    play(g, from, cut);
}

static void done(struct gateway *g)
{
    xw_fetal_chain_free(g->chain);
    if (g->adopting)
        xw_adopt_done(&g->adopt);
    memset(g, 0, sizeof(*g));
}

static int compare(const void *a, const void *b)
{
    const struct xw_ecg_event *x = &((const struct record *)a)->event;
    const struct xw_ecg_event *y = &((const struct record *)b)->event;
    if (x->code != y->code)
        return x->code < y->code ? -1 : 1;
    return x->first != y->first ? (x->first < y->first ? -1 : 1)
                                : (x->end > y->end) - (x->end < y->end);
}

static size_t differences(struct gateway *a, struct gateway *b)
{
    size_t n = 0, i = 0, j = 0;
    qsort(a->records, a->n, sizeof(a->records[0]), compare);
    qsort(b->records, b->n, sizeof(b->records[0]), compare);
    while (i < a->n || j < b->n) {
        int order = i == a->n ? 1 : j == b->n ? -1 : compare(&a->records[i], &b->records[j]);
        const struct xw_ecg_event *e = order <= 0 ? &a->records[i].event : &b->records[j].event;
        if (order != 0)
            printf("%s: %s %lld-%lld\n", order < 0 ? "missing" : "too much",
                   xw_ecg_code_name(e->code), (long long)e->first, (long long)e->end);
        n += order != 0;
        i += order <= 0;
        j += order >= 0;
    }
    return n;
}

static void a_killed_gateway_says_what_an_unbroken_one_says(void **state)
{
    (void)state;
    unsigned seed = (unsigned)xw_test_seed(20261122);
    for (unsigned round = 0; round < 12; round++) {
        xw_labour_read(samples, ROWS, RATE_HZ, 1, FETUSES, seed + round);
        /* One probe falls off for longer than the warm-up looks back. */
        for (size_t i = ROWS / 3; i < ROWS / 3 * 2; i++)
            samples[i * CHANNELS + round % FETUSES] = 0;
        chain_begin(&whole, 0);
        play(&whole, 0, ROWS);
        chain_begin(&broken, 0);
        size_t at = 0;
        unsigned kills = 1 + (unsigned)rand_r(&seed) % 6;
        for (unsigned k = 0; k < kills; k++) {
            size_t cut = at + (size_t)rand_r(&seed) % (ROWS - at);
            cut -= cut % BLOCK;
            cut = XW_MAX(cut, at);
            play(&broken, at, cut);
            restart(&broken, cut);
            at = cut;
        }
        play(&broken, at, ROWS);
        assert_true(whole.n > HOURS * 60 * FETUSES);
        assert_int_equal(differences(&whole, &broken), 0);
        done(&whole);
        done(&broken);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_gateway_says_what_an_unbroken_one_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
