/* One direction of a link; see linkway.h. */
#include "linkway.h"

#include <string.h>

enum draw { DRAW_LOSS, DRAW_BURST, DRAW_JITTER, DRAWS_N };

/* splitmix64 of seed, packet and purpose. */
static uint64_t draw(const struct linkway *way, uint64_t n, enum draw what)
{
    uint64_t x = way->seed + (n * DRAWS_N + what + 1) * 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

static bool chance(const struct linkway *way, uint64_t n, enum draw what, int64_t ppm)
{
    return (int64_t)(draw(way, n, what) % 1000000) < ppm;
}

void linkway_init(struct linkway *way, uint64_t seed)
{
    *way = (struct linkway){.seed = seed};
    way->waiting.tail = &way->waiting.head;
    way->flying.tail = &way->flying.head;
}

static struct linkway_packet *pop(struct linkway_list *list)
{
    struct linkway_packet *packet = list->head;
    list->head = packet->next;
    if (!list->head)
        list->tail = &list->head;
    return packet;
}

void linkway_done(struct linkway *way)
{
    while (way->waiting.head)
        free(pop(&way->waiting));
    while (way->flying.head)
        free(pop(&way->flying));
}

/* The fate of packet n. Every packet that comes has one, also those that a full queue drops.
 * Returns the counter of it, NULL: it gets through. */
static uint64_t *fate(struct linkway *way, uint64_t n)
{
    const struct linkway_plan *plan = &way->plan;
    int64_t leave_ppm = 1000000 / XW_MAX(plan->burst_n, (int64_t)1);
    way->bursting =
        plan->burst_ppm && (way->bursting ? !chance(way, n, DRAW_BURST, leave_ppm)
                                          : chance(way, n, DRAW_BURST, plan->burst_ppm));
    if (way->bursting)
        return &way->stats.burst_n;
    return chance(way, n, DRAW_LOSS, plan->loss_ppm) ? &way->stats.lost_n : NULL;
}

static size_t room(const struct linkway *way)
{
    if (!way->plan.rate)
        return SIZE_MAX;
    size_t n = (size_t)(way->plan.rate / 8 * way->plan.buffer_us / 1000000);
    return XW_MAX(n, (size_t)LINKWAY_QUEUE_MIN_N_BYTES);
}

void linkway_put(struct linkway *way, int64_t now_us, const void *data, size_t size)
{
    uint64_t n = ++way->stats.came_n;
    uint64_t *lost = fate(way, n);
    if (way->plan.hole) {
        way->stats.hole_n++;
        return;
    }
    if (way->waiting_bytes + size > room(way) || way->packets_n >= LINKWAY_PACKETS_MAX) {
        way->stats.full_n++;
        return;
    }
    struct linkway_packet *packet = malloc(sizeof(*packet) + size);
    if (!packet)
        return;
    *packet = (struct linkway_packet){.at_us = now_us, .n = n, .lost = lost != NULL, .size = size};
    if (lost)
        ++*lost;
    memcpy(packet->data, data, size);
    *way->waiting.tail = packet;
    way->waiting.tail = &packet->next;
    way->packets_n++;
    way->waiting_bytes += size;
    way->peak_bytes = XW_MAX(way->peak_bytes, way->waiting_bytes);
}

static void fly(struct linkway *way, struct linkway_packet *packet)
{
    const struct linkway_plan *plan = &way->plan;
    int64_t jitter_us = 0;
    if (plan->jitter_us)
        jitter_us =
            (int64_t)(draw(way, packet->n, DRAW_JITTER) % (uint64_t)(2 * plan->jitter_us + 1)) -
            plan->jitter_us;
    packet->at_us += XW_MAX(plan->delay_us + jitter_us, (int64_t)0);
    if (!plan->reorder)
        packet->at_us = XW_MAX(packet->at_us, way->last_us);
    way->last_us = XW_MAX(way->last_us, packet->at_us);
    struct linkway_packet **at = &way->flying.head;
    if (!plan->reorder) /* the latest of all */
        at = way->flying.tail;
    while (*at && (*at)->at_us <= packet->at_us)
        at = &(*at)->next;
    packet->next = *at;
    *at = packet;
    if (!packet->next)
        way->flying.tail = &packet->next;
}

/* Packets whose turn on the wire came take off. */
static void transmit(struct linkway *way, int64_t now_us)
{
    while (way->waiting.head && way->free_us <= now_us) {
        struct linkway_packet *packet = pop(&way->waiting);
        way->waiting_bytes -= packet->size;
        way->free_us = XW_MAX(way->free_us, packet->at_us);
        if (way->plan.rate)
            way->free_us += (int64_t)packet->size * 8 * 1000000 / way->plan.rate;
        packet->at_us = way->free_us;
        if (packet->lost) { /* it took its time on the wire */
            way->packets_n--;
            free(packet);
            continue;
        }
        fly(way, packet);
    }
}

struct linkway_packet *linkway_take(struct linkway *way, int64_t now_us)
{
    transmit(way, now_us);
    while (way->flying.head && way->flying.head->at_us <= now_us) {
        struct linkway_packet *packet = pop(&way->flying);
        way->packets_n--;
        if (way->plan.hole) {
            way->stats.hole_n++;
            free(packet);
            continue;
        }
        way->stats.passed_n++;
        way->stats.passed_bytes += packet->size;
        way->stats.overtaken_n += packet->n < way->last_n;
        way->last_n = XW_MAX(way->last_n, packet->n);
        return packet;
    }
    return NULL;
}

int64_t linkway_due_us(const struct linkway *way)
{
    int64_t due_us = INT64_MAX;
    if (way->waiting.head)
        due_us = XW_MAX(way->free_us, way->waiting.head->at_us);
    if (way->flying.head)
        due_us = XW_MIN(due_us, way->flying.head->at_us);
    return due_us;
}

static int64_t time_us(const struct linkway *way, size_t n_bytes)
{
    return way->plan.rate ? (int64_t)n_bytes * 8 * 1000000 / way->plan.rate : 0;
}

int64_t linkway_queue_us(const struct linkway *way)
{
    return time_us(way, way->waiting_bytes);
}

int64_t linkway_peak_us(struct linkway *way)
{
    int64_t peak_us = time_us(way, way->peak_bytes);
    way->peak_bytes = way->waiting_bytes;
    return peak_us;
}
