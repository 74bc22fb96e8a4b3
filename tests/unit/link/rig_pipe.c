/* The pipes between the two cores of a rig: what waits in them, cuts, time passing; see rig.h. */
#include "unit/link/rig.h"

#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/block.h"

static void drain(struct rig_queue *queue, size_t keep)
{
    struct rig_message **at = &queue->head;
    for (size_t i = 0; i < keep && *at; i++)
        at = &(*at)->next;
    while (*at) {
        struct rig_message *m = *at;
        *at = m->next;
        queue->n--;
        queue->bytes -= m->size;
        free(m);
    }
    queue->tail = at;
}

void rig_connect(struct rig *rig, unsigned role)
{
    struct rig_pipe *p = &rig->pipe[role];
    if (p->up)
        return;
    if (p->county_open) { /* the half-open one stays with the county until it finds out */
        xw_clink_closed(rig->clink, &p->county);
        xw_conn_done(&p->county);
    }
    drain(&p->to_county, 0);
    drain(&p->to_gateway, 0);
    xw_conn_init(&p->gateway, &rig->clock);
    xw_conn_init(&p->county, &rig->clock);
    snprintf(p->county.peer_name, sizeof(p->county.peer_name), "%s", rig->certificate);
    p->late_us = p->segments_n = p->resent_n = 0;
    p->up = p->county_open = true;
    xw_clink_open(rig->clink, &p->county);
    xw_glink_open(rig->glink, &p->gateway, role);
}

static void close_gateway(struct rig *rig, struct rig_pipe *p)
{
    if (!p->up)
        return;
    p->up = false;
    xw_glink_closed(rig->glink, &p->gateway);
    xw_conn_done(&p->gateway);
}
static void close_county(struct rig *rig, struct rig_pipe *p)
{
    if (!p->county_open)
        return;
    p->county_open = false;
    xw_clink_closed(rig->clink, &p->county);
    xw_conn_done(&p->county);
}

static struct rig_message *pop(struct rig_queue *queue)
{
    struct rig_message *m = queue->head;
    if (!m)
        return NULL;
    queue->head = m->next;
    if (!queue->head)
        queue->tail = &queue->head;
    queue->n--;
    queue->bytes -= m->size;
    return m;
}

static void count_codings(struct rig *rig, const Xw__Blocks *blocks)
{
    for (size_t i = 0; i < blocks->n_blocks; i++) {
        bool coded = blocks->blocks[i]->coding == XW_CODING_CHAINED;
        rig->coded_n += coded;
        rig->plain_n += !coded;
        rig->keys_n += coded && blocks->blocks[i]->key_first == blocks->blocks[i]->first;
    }
}

/* A message on its way, looked at; an old county's welcome says nothing of codings. */
static struct rig_message *inspect(struct rig *rig, struct rig_message *m)
{
    Xw__LinkMessage *message = xw__link_message__unpack(NULL, m->size, m->data);
    if (message && message->body_case == XW__LINK_MESSAGE__BODY_BLOCKS)
        count_codings(rig, message->blocks);
    if (message && message->body_case == XW__LINK_MESSAGE__BODY_WELCOME && rig->old_county) {
        message->welcome->block_codings = 0;
        m->size = xw__link_message__pack(message, m->data); /* smaller than before */
    }
    xw__link_message__free_unpacked(message, NULL);
    return m;
}

static bool waits(const struct rig_pipe *p)
{
    return p->stalled || (p->rate && p->tokens <= 0);
}

/* On the way that both pipes share something is before what this pipe has, or nothing may go. */
static bool held_up(const struct rig *rig, const struct rig_pipe *p)
{
    const struct rig_pipe *other = &rig->pipe[p == &rig->pipe[0]];
    const struct rig_message *mine = p->to_county.head, *its = other->to_county.head;
    return rig->way_rate &&
           (rig->way_tokens <= 0 || (mine && its && !waits(other) && its->n < mine->n));
}

static void deliver(struct rig *rig, struct rig_pipe *p, bool to_county)
{
    if (to_county && (waits(p) || held_up(rig, p)))
        return;
    struct rig_message *m = pop(to_county ? &p->to_county : &p->to_gateway);
    if (!m)
        return;
    if (to_county) {
        p->tokens -= (long)m->size;
        rig->way_tokens -= (long)m->size;
    }
    m = inspect(rig, m);
    if (to_county && p->county_open)
        (void)!xw_clink_receive(rig->clink, &p->county, m->data, m->size);
    else if (!to_county && p->up)
        (void)!xw_glink_receive(rig->glink, &p->gateway, m->data, m->size);
    free(m);
}

void rig_cut(struct rig *rig, unsigned role, size_t keep)
{
    struct rig_pipe *p = &rig->pipe[role];
    drain(&p->to_county, keep);
    drain(&p->to_gateway, keep);
    while (keep-- > 0) {
        deliver(rig, p, true);
        deliver(rig, p, false);
    }
    close_gateway(rig, p);
    close_county(rig, p);
    drain(&p->to_county, 0);
    drain(&p->to_gateway, 0);
}

void rig_cut_half(struct rig *rig, unsigned role)
{
    struct rig_pipe *p = &rig->pipe[role];
    drain(&p->to_county, 0);
    drain(&p->to_gateway, 0);
    close_gateway(rig, p);
}

static int pull_into(struct rig *rig, struct rig_queue *queue, size_t window,
                     int (*pull)(void *, struct xw_conn *, struct xw_buf *), void *core,
                     struct xw_conn *conn)
{
    int r = 0;
    struct xw_buf buf;
    xw_buf_init(&buf, XW_LINK_HELLO_MAX_N_BYTES);
    while ((!window || queue->bytes < window) && (r = pull(core, conn, &buf)) > 0) {
        struct rig_message *m = malloc(sizeof(*m) + buf.n);
        assert_non_null(m);
        *m = (struct rig_message){.n = ++rig->way_n, .size = buf.n};
        memcpy(m->data, buf.data, buf.n);
        *queue->tail = m;
        queue->tail = &m->next;
        queue->n++;
        queue->bytes += m->size;
        xw_buf_clear(&buf);
    }
    xw_buf_done(&buf);
    return r;
}

static int gateway_pull(void *core, struct xw_conn *conn, struct xw_buf *buf)
{
    return xw_glink_pull(core, conn, buf);
}
static int county_pull(void *core, struct xw_conn *conn, struct xw_buf *buf)
{
    return xw_clink_pull(core, conn, buf);
}

/* One end wants to close: what it said before still arrives, as far as there is room for it. */
static void orderly(struct rig *rig, struct rig_pipe *p)
{
    while (p->to_county.n && p->county_open && !waits(p) && !held_up(rig, p))
        deliver(rig, p, true);
    while (p->to_gateway.n && p->up)
        deliver(rig, p, false);
    close_gateway(rig, p);
    close_county(rig, p);
}

static bool pump(struct rig *rig)
{
    bool busy = false;
    for (unsigned role = 0; role < XW_LINK_ROLES_N; role++) {
        struct rig_pipe *p = &rig->pipe[role];
        int up = 0, down = 0;
        if (p->up)
            up = pull_into(rig, &p->to_county, p->window, gateway_pull, rig->glink, &p->gateway);
        if (p->county_open)
            down = pull_into(rig, &p->to_gateway, p->window, county_pull, rig->clink, &p->county);
        if (!p->up) /* a kernel takes what is said to somebody who is gone */
            drain(&p->to_gateway, 0);
        if (p->stalled)
            continue;
        if (up < 0 || down < 0) {
            orderly(rig, p);
            continue;
        }
        /* Which socket is quicker is anybody's guess. */
        for (uint64_t n = rig_random(rig, 8); n-- > 0;)
            deliver(rig, p, rig_random(rig, 2));
        bool goes = !waits(p) && (!rig->way_rate || rig->way_tokens > 0);
        busy = busy || (p->to_county.n && goes) || p->to_gateway.n;
    }
    return busy;
}

void rig_flow(struct rig *rig)
{
    bool busy = true;
    for (unsigned i = 0; i < 100000 && busy; i++) {
        busy = pump(rig);
        busy = model_run(rig->spool) || busy;
        busy = model_run(rig->archive) || busy;
    }
}

/* What TCP would say of a pipe. */
static void measure(struct rig *rig, unsigned role)
{
    struct rig_pipe *p = &rig->pipe[role];
    uint32_t base_us = rig->base_rtt_us ? rig->base_rtt_us : 1000;
    /* What was given out ahead of its time is still on its way. */
    size_t waiting = p->to_county.bytes + (p->rate && p->tokens < 0 ? (size_t)-p->tokens : 0);
    size_t held_back = XW_MIN(p->gateway.sent_n_bytes, waiting);
    struct xw_pace_measure m = {.rtt_us = base_us + p->late_us,
                                .base_rtt_us = base_us,
                                .acked_n_bytes = p->gateway.sent_n_bytes - held_back,
                                .outstanding_n_bytes = p->rate ? held_back : waiting,
                                .segments_n = p->segments_n,
                                .resent_n = p->resent_n};
    if (!p->up)
        return;
    if (!p->stalled)
        p->late_us -= p->late_us / 8;
    if (p->rate)
        m.rtt_us += (uint32_t)(waiting * 10000 / (size_t)p->rate);
    if (rig->way_rate)
        m.rtt_us += (uint32_t)((rig->pipe[0].to_county.bytes + rig->pipe[1].to_county.bytes) *
                               10000 / (size_t)rig->way_rate);
    xw_glink_measured(rig->glink, role, &m);
}

void rig_run(struct rig *rig, int64_t us)
{
    for (int64_t done = 0; done < us; done += 10000) {
        xw_clock_fake_advance(&rig->clock, 10000);
        if (rig->clock.mono_us % XW_PACE_MEASURE_US == 0)
            for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
                measure(rig, role);
        for (unsigned role = 0; role < XW_LINK_ROLES_N; role++)
            rig->pipe[role].tokens = XW_MIN(rig->pipe[role].tokens, 0L) + rig->pipe[role].rate;
        rig->way_tokens = XW_MIN(rig->way_tokens, 0L) + rig->way_rate;
        xw_glink_tick(rig->glink);
        xw_clink_tick(rig->clink);
        rig_flow(rig);
    }
}
