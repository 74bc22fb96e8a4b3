/* Two TCP senders and one queue; see bottleneck.h. */
#include "unit/link/bottleneck.h"

#include <stdlib.h>

enum { STEP_US = 1000, LOWAT_N_BYTES = 16 * 1024, LATE_ACK_US = 40000 };

static void list_init(struct neck_list *list)
{
    list->head = NULL;
    list->tail = &list->head;
}

static void push(struct neck_list *list, struct neck_packet *packet)
{
    packet->next = NULL;
    *list->tail = packet;
    list->tail = &packet->next;
}

static struct neck_packet *pop(struct neck_list *list)
{
    struct neck_packet *packet = list->head;
    list->head = packet->next;
    if (!list->head)
        list->tail = &list->head;
    return packet;
}

void neck_init(struct neck *neck, uint64_t rate, int64_t delay_us, int64_t buffer_us, uint64_t seed)
{
    *neck = (struct neck){.rate = rate,
                          .delay_us = delay_us,
                          .buffer_us = buffer_us,
                          .now_us = 1000000,
                          .random = seed * 0x9e3779b97f4a7c15U + 1};
    list_init(&neck->queue);
    list_init(&neck->flying);
    list_init(&neck->acks);
    for (unsigned i = 0; i < NECK_SOCKETS_N; i++) {
        neck->socket[i].cwnd = 10 * NECK_SEGMENT;
        neck->socket[i].ssthresh = 1e12;
        neck->socket[i].pacing = UINT64_MAX;
    }
}

void neck_done(struct neck *neck)
{
    struct neck_list *lists[] = {&neck->queue, &neck->flying, &neck->acks};
    for (unsigned i = 0; i < XW_ARRAY_N(lists); i++)
        while (lists[i]->head)
            free(pop(lists[i]));
}

uint64_t neck_random(struct neck *neck, uint64_t below)
{
    neck->random ^= neck->random << 13;
    neck->random ^= neck->random >> 7;
    neck->random ^= neck->random << 17;
    return neck->random % below;
}

bool neck_writable(const struct neck *neck, unsigned socket)
{
    return neck->socket[socket].unsent < LOWAT_N_BYTES;
}

void neck_write(struct neck *neck, unsigned socket, size_t n_bytes)
{
    neck->socket[socket].unsent += n_bytes;
    neck->socket[socket].written += n_bytes;
}

static void lose(struct neck *neck, struct neck_socket *s, size_t n_bytes)
{
    s->flying -= n_bytes;
    s->unsent += n_bytes; /* sent again */
    s->resent_n++;
    neck->dropped_n++;
    if (neck->now_us - s->halved_us < (int64_t)s->rtt_us)
        return;
    s->halved_us = neck->now_us;
    s->ssthresh = s->cwnd = XW_MAX(s->cwnd / 2, 2.0 * NECK_SEGMENT);
}

static void send_from(struct neck *neck, unsigned at)
{
    struct neck_socket *s = &neck->socket[at];
    if (s->pacing != UINT64_MAX)
        s->budget = XW_MIN(s->budget + (double)s->pacing * STEP_US / 1e6,
                           (double)s->pacing * STEP_US / 1e6 + 2 * NECK_SEGMENT);
    while (s->unsent && (double)s->flying < s->cwnd &&
           (s->pacing == UINT64_MAX || s->budget >= 1)) {
        size_t n = (size_t)XW_MIN(s->unsent, (uint64_t)NECK_SEGMENT);
        uint64_t room = neck->rate * (uint64_t)neck->buffer_us / 1000000;
        s->unsent -= n;
        s->flying += n;
        s->segments_n++;
        s->budget -= (double)n;
        if (neck->queue_n_bytes + n > XW_MAX(room, (uint64_t)2 * NECK_SEGMENT)) {
            lose(neck, s, n);
            return;
        }
        struct neck_packet *packet = malloc(sizeof(*packet));
        if (!packet)
            abort();
        *packet = (struct neck_packet){.socket = at, .n_bytes = n, .sent_us = neck->now_us};
        push(&neck->queue, packet);
        neck->queue_n_bytes += n;
    }
}

static void serve(struct neck *neck)
{
    neck->credit = neck->queue.head ? neck->credit + (double)neck->rate * STEP_US / 1e6 : 0;
    while (neck->queue.head && neck->credit >= (double)neck->queue.head->n_bytes) {
        struct neck_packet *packet = pop(&neck->queue);
        neck->credit -= (double)packet->n_bytes;
        neck->queue_n_bytes -= packet->n_bytes;
        packet->due_us = neck->now_us + neck->delay_us;
        push(&neck->flying, packet);
    }
}

static void deliver(struct neck *neck)
{
    while (neck->flying.head && neck->flying.head->due_us <= neck->now_us) {
        struct neck_packet *packet = pop(&neck->flying);
        neck->socket[packet->socket].delivered += packet->n_bytes;
        bool late = packet->n_bytes < NECK_SEGMENT && neck_random(neck, 4) == 0;
        packet->due_us =
            neck->now_us + neck->delay_us + (late ? (int64_t)neck_random(neck, LATE_ACK_US) : 0);
        push(&neck->acks, packet);
    }
}

static void acknowledge(struct neck *neck)
{
    while (neck->acks.head && neck->acks.head->due_us <= neck->now_us) {
        struct neck_packet *packet = pop(&neck->acks);
        struct neck_socket *s = &neck->socket[packet->socket];
        uint32_t rtt_us = (uint32_t)(neck->now_us - packet->sent_us);
        s->flying -= packet->n_bytes;
        s->acked += packet->n_bytes;
        s->base_rtt_us = s->base_rtt_us ? XW_MIN(s->base_rtt_us, rtt_us) : rtt_us;
        s->rtt_us = s->rtt_us ? s->rtt_us - s->rtt_us / 8 + rtt_us / 8 : rtt_us;
        s->cwnd += s->cwnd < s->ssthresh ? (double)packet->n_bytes
                                         : NECK_SEGMENT * (double)packet->n_bytes / s->cwnd;
        free(packet);
    }
}

void neck_step(struct neck *neck)
{
    neck->now_us += STEP_US;
    for (unsigned i = 0; i < NECK_SOCKETS_N; i++)
        send_from(neck, i);
    serve(neck);
    deliver(neck);
    acknowledge(neck);
}

struct xw_pace_measure neck_measure(const struct neck *neck, unsigned socket)
{
    const struct neck_socket *s = &neck->socket[socket];
    return (struct xw_pace_measure){.rtt_us = s->rtt_us,
                                    .base_rtt_us = s->base_rtt_us,
                                    .acked_n_bytes = s->acked,
                                    .outstanding_n_bytes = s->flying + s->unsent,
                                    .unsent_n_bytes = s->unsent,
                                    .segments_n = s->segments_n,
                                    .resent_n = s->resent_n};
}

int64_t neck_queue_us(const struct neck *neck)
{
    return (int64_t)(neck->queue_n_bytes * 1000000 / neck->rate);
}
