/* The scenarios: each one a connection, each rule a line. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "devtest.h"

void verdict(struct devtest *t, bool pass, const char *rule, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("%s  %-28s ", pass ? "pass" : "FAIL", rule);
    vprintf(format, args);
    printf("\n");
    fflush(stdout);
    va_end(args);
    t->passed_n += pass;
    t->failed_n += !pass;
}

bool no_fault(struct devtest *t, const char *rule)
{
    if (t->faulted)
        verdict(t, false, rule, "%s: %s (before byte %llu of the connection)",
                t->fault.field[0] ? t->fault.field : "message", t->fault.text,
                (unsigned long long)xw_framer_offset(&t->session.framer));
    return !t->faulted;
}

static struct sent *first_signal(struct devtest *t)
{
    for (unsigned i = 0; i < XW_HELLO_SIGNALS_MAX; i++)
        if (t->sent[i].used)
            return &t->sent[i];
    return NULL;
}

/* Everything that was taken from `first` on is there: blocks or declared gaps. */
static bool whole_from(const struct sent *s, uint64_t first, struct xw_range *ret_hole)
{
    return !xw_ranges_first_gap(&s->known, first, xw_ranges_end(&s->known), ret_hole);
}

static bool comes_back(struct devtest *t, const char *rule)
{
    int64_t begin = now_us();
    bool came = wire_wait(t, t->wait_us);
    verdict(t, came, rule, came ? "after %.1f s" : "no connection within %.0f s",
            (double)(came ? now_us() - begin : t->wait_us) * 1e-6);
    return came;
}

static bool accept_and_stream(struct devtest *t)
{
    t->answer = t->key_size ? ANSWER_CHALLENGE : ANSWER_ACCEPT;
    t->acking = true;
    wire_run(t, t->phase_us);
    if (!no_fault(t, "hello.valid"))
        return false;
    if (!t->accepted) {
        verdict(t, false, t->key_size ? "auth.hmac" : "hello.in_time", "did not come");
        return false;
    }
    verdict(t, true, "hello.valid", "%s, epoch %llu, %s", t->device_id,
            (unsigned long long)t->epoch, t->resumes ? "resumes" : "does not resume");
    if (t->key_size)
        verdict(t, t->proved, "auth.hmac", "answer to the challenge");
    verdict(t, !t->over, "stream.stays", "connected for %.0f s", (double)t->phase_us * 1e-6);
    for (unsigned i = 0; i < XW_HELLO_SIGNALS_MAX; i++) {
        struct sent *s = &t->sent[i];
        struct xw_range hole;
        if (!s->used)
            continue;
        verdict(t, s->any, "stream.blocks", "signal %u: %llu samples", i,
                (unsigned long long)s->rows_n);
        if (!s->any)
            continue;
        double hz = (double)s->rows_n / ((double)t->phase_us * 1e-6);
        double slack = 0.05 * s->rate_hz + 0.5e6 / (double)t->phase_us * s->rate_hz;
        verdict(t, fabs(hz - s->rate_hz) < slack, "stream.rate",
                "signal %u: %.1f samples per second, %.6g announced", i, hz, s->rate_hz);
        bool whole = whole_from(s, s->first_seen, &hole);
        verdict(t, whole, "stream.whole", whole ? "signal %u: no hole" : "signal %u: hole at %llu",
                i, (unsigned long long)(whole ? 0 : hole.first));
    }
    return !t->over;
}

static void late_ack(struct devtest *t)
{
    struct sent *s = first_signal(t);
    uint64_t before = s->rows_n;
    t->acking = false;
    wire_run(t, XW_MIN(t->phase_us, INT64_C(5000000)));
    if (!no_fault(t, "ack.late"))
        return;
    verdict(t, s->rows_n > before && !t->over, "ack.late",
            "goes on sending while nothing is acknowledged");
    wire_warn(t, XW__DEVICE_FAULT__DEVICE_FAULT_STORAGE, "devtest: no room now");
    before = s->rows_n;
    wire_run(t, 2000000);
    verdict(t, s->rows_n > before && !t->over, "fault.not_fatal",
            "a fault that is not fatal does not end the connection");
}

static void resume(struct devtest *t)
{
    uint64_t held[XW_HELLO_SIGNALS_MAX];
    struct xw_range hole;
    /* All that was not acknowledged must come again, though it was received: to the device it is
     * not handed over. */
    for (unsigned i = 0; i < XW_HELLO_SIGNALS_MAX; i++) {
        uint64_t upto = t->sent[i].used ? xw_ranges_contiguous_end(&t->sent[i].known, 0) : 0;
        uint64_t back = (uint64_t)(t->sent[i].rate_hz * 3); /* 3 s less than was received */
        held[i] = t->held_back[i] = upto > back ? upto - back : 0;
    }
    wire_cut(t);
    if (!comes_back(t, "resume.reconnects"))
        return;
    t->acking = false;
    t->resent_differs_n = 0;
    wire_run(t, XW_MAX(t->phase_us / 2, INT64_C(4000000)));
    for (unsigned i = 0; i < XW_HELLO_SIGNALS_MAX; i++)
        t->held_back[i] = UINT64_MAX;
    if (!no_fault(t, "resume.valid"))
        return;
    verdict(t, !t->hello_changed, "resume.same_hello",
            "same device, epoch and signals as before the cut");
    for (unsigned i = 0; i < XW_HELLO_SIGNALS_MAX; i++) {
        struct sent *s = &t->sent[i];
        if (!s->used)
            continue;
        verdict(t, s->any && s->first_seen <= held[i], "resume.from_held",
                "signal %u: begins at %llu, everything before %llu is held", i,
                (unsigned long long)(s->any ? s->first_seen : 0), (unsigned long long)held[i]);
        bool whole = whole_from(s, s->base, &hole);
        verdict(t, whole, "resume.whole",
                whole ? "signal %u: nothing is missing" : "signal %u: missing from %llu on", i,
                (unsigned long long)(whole ? 0 : hole.first));
    }
    verdict(t, t->resent_differs_n == 0, "resume.same_samples", "%llu samples differ",
            (unsigned long long)t->resent_differs_n);
}

static void refused(struct devtest *t)
{
    wire_cut(t);
    t->answer = ANSWER_REFUSE;
    if (!comes_back(t, "refuse.first"))
        return;
    wire_run(t, 3000000);
    int64_t begin = now_us();
    wire_cut(t);
    bool came = wire_wait(t, t->wait_us);
    int64_t took = now_us() - begin;
    verdict(t, came && took >= 400000, "refuse.comes_back",
            came ? "after %.1f s (at least 0.5 s)" : "did not come back within %.0f s",
            (double)(came ? took : t->wait_us) * 1e-6);
}

static void waiting(struct devtest *t)
{
    wire_cut(t);
    t->answer = ANSWER_WAIT;
    if (!comes_back(t, "wait.connects"))
        return;
    wire_run(t, 3000000);
    if (!no_fault(t, "wait.silent"))
        return;
    verdict(t, !t->over && t->session.state == XW_SESSION_WAITING, "wait.silent",
            "sends no data before it is accepted");
    t->acking = true;
    if (t->session.state == XW_SESSION_WAITING)
        wire_accept(t);
    struct sent *s = first_signal(t);
    wire_run(t, 3000000);
    verdict(t, t->accepted && s->any && !t->over, "wait.goes_on", "sends when it is accepted");
    (void)no_fault(t, "wait.valid");
}

int scenarios_run(struct devtest *t)
{
    for (unsigned i = 0; i < XW_HELLO_SIGNALS_MAX; i++)
        t->held_back[i] = UINT64_MAX;
    t->answer = t->key_size ? ANSWER_CHALLENGE : ANSWER_ACCEPT;
    if (!wire_wait(t, 4 * t->wait_us)) {
        printf("no device connected\n");
        return 3;
    }
    if (accept_and_stream(t) && t->resumes) {
        late_ack(t);
        resume(t);
        refused(t);
        if (!t->key_size)
            waiting(t);
    }
    wire_cut(t);
    printf("%u passed, %u failed\n", t->passed_n, t->failed_n);
    return t->failed_n ? 1 : 0;
}
