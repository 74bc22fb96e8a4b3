/* All attachments: who is there, who goes on, who ends. */
#include "edge/attachment.h"
#include "edge/electrodes.h"

#include "base/log.h"
#include "base/metrics.h"
#include "edge/port.h"
#include "edge/study.h"
#include "edge/technical.h"

#include <stdio.h>
#include <string.h>

enum {
    HIGH_WATER = 256, /* blocks of one attachment in its pipelines */
    LOW_WATER = 64,
    ACK_SPACING_US = 40000,
    BUSY_WITHIN_US = 3000000,
    GONE_AFTER_US = 10000000,
    CLEAN_AFTER_US = 30000000, /* a fenced device is well again */
    ENDED_AFTER_US = 10000000, /* attachments of an earlier process that stay away */
    REMEMBERED_MAX = 512,
    ANCHOR_EVERY_US = 10000000,
    LOOK_MS = 20, /* at the pipelines, while devices are there */
};

XW_GAUGE(attached_gauge, "xw_edge_devices", NULL, "devices attached now");
XW_COUNTER(pauses, "xw_edge_device_pauses_total", NULL,
           "times that a device's socket was not read because the pipeline was full");

struct remembered {
    struct xw_uuid id;
    uint64_t revision;
    bool attached;
    uint8_t *body; /* of the record, while attached */
    size_t body_size;
};

struct xw_fleet {
    struct xw_edge *edge;
    struct xw_attachment *all[XW_EDGE_ATTACHMENTS_MAX];
    size_t all_n;
    struct xw_wake *wake;
    struct xw_timer *ack_timer, *look_timer;
    bool ack_timer_on, looking;
    struct remembered old[REMEMBERED_MAX];
    size_t old_n;
    int64_t started_us;
    bool old_ended;
};

static void drain_all(void *arg);
static void send_acks(void *arg);

int xw_fleet_new(struct xw_edge *edge, struct xw_fleet **ret_fleet)
{
    struct xw_fleet *fleet = calloc(1, sizeof(*fleet));
    if (!fleet)
        return -ENOMEM;
    fleet->edge = edge;
    fleet->started_us = xw_edge_now_us();
    int r = xw_wake_new(edge->loop, drain_all, fleet, &fleet->wake);
    if (r >= 0)
        r = xw_timer_new(edge->loop, send_acks, fleet, &fleet->ack_timer);
    if (r >= 0)
        r = xw_timer_new(edge->loop, drain_all, fleet, &fleet->look_timer);
    if (r < 0) {
        xw_fleet_free(fleet);
        return r;
    }
    *ret_fleet = fleet;
    return 0;
}

static void attachment_free(struct xw_attachment *a)
{
    for (size_t i = 0; i < a->streams_n; i++)
        xw_stream_done(&a->streams[i]);
    free(a->opening);
    free(a);
}

void xw_fleet_free(struct xw_fleet *fleet)
{
    if (!fleet)
        return;
    for (size_t i = 0; i < fleet->all_n; i++)
        attachment_free(fleet->all[i]); /* stops the threads that wake us */
    for (size_t i = 0; i < fleet->old_n; i++)
        free(fleet->old[i].body);
    if (fleet->wake)
        xw_wake_free(fleet->wake);
    if (fleet->ack_timer)
        xw_timer_free(fleet->ack_timer);
    if (fleet->look_timer)
        xw_timer_free(fleet->look_timer);
    free(fleet);
}

struct xw_wake *xw_fleet_wake(struct xw_fleet *fleet)
{
    return fleet->wake;
}

void xw_fleet_each(struct xw_fleet *fleet, void (*each)(void *user, struct xw_attachment *),
                   void *user)
{
    for (size_t i = 0; i < fleet->all_n; i++)
        each(user, fleet->all[i]);
}

size_t xw_fleet_attached_n(const struct xw_fleet *fleet)
{
    size_t n = 0;
    for (size_t i = 0; i < fleet->all_n; i++)
        n += fleet->all[i]->conn != NULL;
    return n;
}

/* ---- from the pipelines to the spool, and back to the device ---- */

static uint32_t in_flight(const struct xw_attachment *a)
{
    uint32_t n = 0;
    for (size_t i = 0; i < a->streams_n; i++)
        n += xw_stream_in_flight(&a->streams[i]);
    return n;
}

static bool ending(const struct xw_fleet *fleet, const char *device_id)
{
    for (size_t i = 0; i < fleet->all_n; i++)
        if (fleet->all[i]->state == XW_ATTACHMENT_ENDING &&
            !strcmp(fleet->all[i]->device_id, device_id))
            return true;
    return false;
}

static bool finished(const struct xw_attachment *a)
{
    if (a->state != XW_ATTACHMENT_ENDING || a->owner.waiting_n || a->conn)
        return false;
    for (size_t i = 0; i < a->streams_n; i++)
        if (!a->streams[i].ended)
            return false;
    return true;
}

/* Frees what has said its last word, and opens what waited for that. */
static void reap(struct xw_fleet *fleet)
{
    for (size_t i = 0; i < fleet->all_n; i++) {
        struct xw_attachment *a = fleet->all[i];
        if (!finished(a))
            continue;
        fleet->all[i--] = fleet->all[--fleet->all_n];
        attachment_free(a);
    }
    for (size_t i = 0; i < fleet->all_n; i++) {
        struct xw_attachment *a = fleet->all[i];
        if (a->state == XW_ATTACHMENT_OPENING && !a->opening && !ending(fleet, a->device_id))
            xw_attachment_open(a);
    }
}

static void drain_all(void *arg)
{
    struct xw_fleet *fleet = arg;
    for (size_t i = 0; i < fleet->all_n; i++) {
        struct xw_attachment *a = fleet->all[i];
        for (size_t s = 0; s < a->streams_n; s++)
            xw_stream_drain(&a->streams[s]);
        if (a->conn && xw_devconn_paused(a->conn) && in_flight(a) <= LOW_WATER)
            xw_devconn_resume(a->conn);
    }
    reap(fleet);
}

void xw_fleet_check_pressure(struct xw_attachment *attachment)
{
    if (attachment->conn && in_flight(attachment) >= HIGH_WATER) {
        xw_counter_add(&pauses, 1);
        xw_devconn_pause(attachment->conn);
    }
}

/* Plain blocks do not wake the loop: it looks, as long as any may come. */
static void look(struct xw_fleet *fleet, bool on)
{
    if (on && !fleet->looking)
        xw_timer_start(fleet->look_timer, LOOK_MS, LOOK_MS);
    else if (!on && fleet->looking)
        xw_timer_stop(fleet->look_timer);
    fleet->looking = on;
}

static void send_acks(void *arg)
{
    struct xw_fleet *fleet = arg;
    int64_t now = xw_edge_now_us();
    fleet->ack_timer_on = false;
    for (size_t i = 0; i < fleet->all_n; i++)
        if (fleet->all[i]->ack_due)
            xw_attachment_send_ack(fleet->all[i], now);
}

static void storage_trouble(struct xw_attachment *a)
{
    if (a->storage_told || !a->conn)
        return;
    a->storage_told = true;
    xw_devconn_warn(a->conn, XW__DEVICE_FAULT__DEVICE_FAULT_STORAGE,
                    "the spool takes nothing now: keep what is not acknowledged");
}

static void on_committed(struct xw_commit_owner *owner, int status, uint64_t mark)
{
    struct xw_attachment *a = XW_CONTAINER_OF(owner, struct xw_attachment, owner);
    struct xw_fleet *fleet = a->edge->fleet;
    if (a->state == XW_ATTACHMENT_OPENING)
        xw_opening_committed(a, status);
    else if (a->state == XW_ATTACHMENT_ENDING)
        xw_wake_up(fleet->wake); /* to be freed, but not from here */
    if (status < 0) {
        for (size_t i = 0; i < a->streams_n; i++)
            xw_stream_refused(&a->streams[i]);
        storage_trouble(a);
        return;
    }
    a->facts_kept = XW_MAX(a->facts_kept, mark);
    a->ack_due = true;
    int64_t now = xw_edge_now_us();
    if (now - a->ack_sent_us >= ACK_SPACING_US) {
        xw_attachment_send_ack(a, now);
    } else if (!fleet->ack_timer_on) {
        fleet->ack_timer_on = true;
        xw_timer_start(fleet->ack_timer, ACK_SPACING_US / 1000, 0);
    }
}

/* ---- coming ---- */

static struct remembered *remembered_of(struct xw_fleet *fleet, const struct xw_uuid *id)
{
    for (size_t i = 0; i < fleet->old_n; i++)
        if (xw_uuid_equal(&fleet->old[i].id, id))
            return &fleet->old[i];
    return NULL;
}

static struct xw_attachment *find(struct xw_fleet *fleet, const char *device_id)
{
    for (size_t i = 0; i < fleet->all_n; i++)
        if (fleet->all[i]->state != XW_ATTACHMENT_ENDING &&
            !strcmp(fleet->all[i]->device_id, device_id))
            return fleet->all[i];
    return NULL;
}

static void end_attachment(struct xw_attachment *a)
{
    a->state = XW_ATTACHMENT_ENDING;
    for (size_t i = 0; i < a->streams_n; i++)
        xw_stream_end(&a->streams[i]);
}

static bool same_signals(const struct xw_attachment *a, const Xw__DeviceHello *hello)
{
    struct xw_hello_origin origin = {a->edge->config->id, a->edge->config->demo};
    if (hello->n_signals != a->streams_n || hello->can_resume != a->resumes ||
        (hello->can_resume && hello->epoch != a->epoch))
        return false;
    for (size_t i = 0; i < a->streams_n; i++) {
        const struct xw_stream *stream = &a->streams[i];
        struct xw_uuid id;
        xw_autofree uint8_t *header = NULL;
        size_t n;
        if (hello->signals[i]->signal != stream->signal ||
            xw_hello_header(hello, hello->signals[i], &origin, &stream->id, &id, &header, &n) < 0 ||
            n != stream->header_size || memcmp(header, stream->header, n) != 0)
            return false;
    }
    return true;
}

static int add_streams(struct xw_attachment *a, const Xw__DeviceHello *hello,
                       struct xw_device_fault *ret_fault)
{
    struct xw_hello_origin origin = {a->edge->config->id, a->edge->config->demo};
    for (size_t i = 0; i < hello->n_signals; i++) {
        struct xw_uuid fresh = xw_uuid_v7(NULL), id;
        uint8_t *header;
        size_t n;
        int r = xw_hello_header(hello, hello->signals[i], &origin, &fresh, &id, &header, &n);
        if (r >= 0)
            r = xw_stream_init(&a->streams[a->streams_n++], a, hello->signals[i]->signal, &id,
                               header, n);
        if (r < 0) {
            xw_device_fault_set(ret_fault, XW__DEVICE_FAULT__DEVICE_FAULT_BUSY, "", "no memory");
            return -EBADMSG;
        }
        for (size_t j = 0; j < i; j++) {
            if (!xw_uuid_equal(&a->streams[j].id, &id))
                continue;
            xw_device_fault_set(ret_fault, XW__DEVICE_FAULT__DEVICE_FAULT_HEADER, "signals",
                                "signals %u and %u are the same", a->streams[j].signal,
                                hello->signals[i]->signal);
            return -EBADMSG;
        }
    }
    return 0;
}

static void copy_word(char *ret, size_t size, const char *text)
{
    snprintf(ret, size, "%s", text);
}

static struct xw_attachment *attachment_new(struct xw_fleet *fleet, const Xw__DeviceHello *hello,
                                            struct xw_device_fault *ret_fault)
{
    struct xw_attachment *a = calloc(1, sizeof(*a));
    if (!a) {
        xw_device_fault_set(ret_fault, XW__DEVICE_FAULT__DEVICE_FAULT_BUSY, "", "no memory");
        return NULL;
    }
    a->edge = fleet->edge;
    a->owner.done = on_committed;
    a->id = xw_hello_attachment(fleet->edge->config->id, hello->device_id);
    copy_word(a->device_id, sizeof(a->device_id), hello->device_id);
    copy_word(a->model, sizeof(a->model), hello->model);
    copy_word(a->firmware, sizeof(a->firmware), hello->firmware);
    a->epoch = hello->epoch;
    a->resumes = hello->can_resume;
    a->demo = hello->demo || fleet->edge->config->demo;
    struct remembered *old = remembered_of(fleet, &a->id);
    if (old) {
        a->revision = old->revision;
        old->attached = false; /* its own record says from now on */
    }
    if (add_streams(a, hello, ret_fault) < 0) {
        attachment_free(a);
        return NULL;
    }
    return a;
}

/* Room for one more: the one that has been gone longest makes place. */
static bool make_place(struct xw_fleet *fleet)
{
    struct xw_attachment *oldest = NULL;
    if (fleet->all_n < XW_EDGE_ATTACHMENTS_MAX)
        return true;
    for (size_t i = 0; i < fleet->all_n; i++) {
        struct xw_attachment *a = fleet->all[i];
        if (!a->conn && a->state == XW_ATTACHMENT_READY &&
            (!oldest || a->detached_us < oldest->detached_us))
            oldest = a;
    }
    if (oldest)
        end_attachment(oldest);
    return false;
}

int xw_fleet_attach(struct xw_fleet *fleet, struct xw_devconn *conn, const Xw__DeviceHello *hello,
                    struct xw_device_fault *ret_fault)
{
    struct xw_attachment *a = find(fleet, hello->device_id);
    if (a && a->conn && xw_edge_now_us() - xw_devconn_heard_us(a->conn) < BUSY_WITHIN_US) {
        xw_device_fault_set(ret_fault, XW__DEVICE_FAULT__DEVICE_FAULT_BUSY, "device_id",
                            "attached already, from %s", xw_devconn_peer(a->conn));
        return -EBADMSG;
    }
    if (a && a->conn) /* half open: the device knows better */
        xw_devconn_refuse(a->conn, XW__DEVICE_FAULT__DEVICE_FAULT_BUSY, "a newer connection came");
    if (a && same_signals(a, hello)) {
        a->conn = conn;
        xw_port_attached(conn, a);
        if (a->state == XW_ATTACHMENT_READY)
            xw_attachment_accept(a);
        return 0;
    }
    if (xw_commit_behind(fleet->edge->commit)) {
        xw_device_fault_set(ret_fault, XW__DEVICE_FAULT__DEVICE_FAULT_STORAGE, "",
                            "the spool takes nothing now: try again");
        return -EBADMSG;
    }
    if (a && a->state == XW_ATTACHMENT_OPENING) {
        xw_device_fault_set(ret_fault, XW__DEVICE_FAULT__DEVICE_FAULT_BUSY, "",
                            "the last hello is still being opened: try again");
        return -EBADMSG;
    }
    if ((int64_t)xw_fleet_attached_n(fleet) >= fleet->edge->config->devices_max ||
        !make_place(fleet)) {
        xw_device_fault_set(ret_fault, XW__DEVICE_FAULT__DEVICE_FAULT_BUSY, "",
                            "%zu devices are attached: no place", xw_fleet_attached_n(fleet));
        return -EBADMSG;
    }
    if (a)
        end_attachment(a);
    a = attachment_new(fleet, hello, ret_fault);
    if (!a)
        return -EBADMSG;
    fleet->all[fleet->all_n++] = a;
    look(fleet, true);
    a->conn = conn;
    xw_port_attached(conn, a);
    if (!ending(fleet, a->device_id))
        xw_attachment_open(a); /* else when the old one has said its last word */
    return 0;
}

void xw_attachment_opened(struct xw_attachment *a, int status)
{
    free(XW_STEAL(a->opening));
    if (status < 0) {
        if (a->conn)
            xw_devconn_refuse(a->conn, XW__DEVICE_FAULT__DEVICE_FAULT_STORAGE,
                              "the spool takes nothing now: try again");
        end_attachment(a);
        return;
    }
    a->state = XW_ATTACHMENT_READY;
    a->detached_us = xw_edge_now_us();
    if (a->conn)
        xw_attachment_accept(a);
}

/* ---- going ---- */

void xw_fleet_detach(struct xw_attachment *a, bool said_bye)
{
    a->conn = NULL;
    a->ack_due = false;
    a->said_bye = said_bye;
    a->detached_us = xw_edge_now_us();
    a->detached_wall_us = xw_edge_wall_us();
    for (size_t i = 0; i < a->streams_n; i++)
        xw_electrodes_forget(&a->streams[i]);
    if (a->state == XW_ATTACHMENT_READY && a->attaches_n)
        xw_attachment_record(a, false);
}

static void tick_ready(struct xw_attachment *a, int64_t now)
{
    struct xw_edge *edge = a->edge;
    bool full = xw_commit_full(edge->commit);
    double hz;
    for (size_t i = 0; i < a->streams_n; i++) {
        struct xw_stream *stream = &a->streams[i];
        if (a->conn && stream->newest != stream->anchor_index &&
            (now >= stream->anchor_due_us || xw_anchor_stepped(stream))) {
            stream->anchor_due_us = now + ANCHOR_EVERY_US;
            xw_anchor_record(stream);
        }
        if (!full)
            xw_stream_fill_lost(stream);
        if (a->conn && xw_ratefit_wrong(&stream->fit, &hz)) {
            char text[128];
            snprintf(text, sizeof(text), "signal %u: %.4g samples per second come, %.4g announced",
                     stream->signal, hz, stream->rate_hz);
            xw_ratefit_pause(&stream->fit);
            xw_devconn_refuse(a->conn, XW__DEVICE_FAULT__DEVICE_FAULT_RATE, text);
        }
    }
    if (a->conn && a->storage_told && !full) {
        a->storage_told = false;
        if (a->resumes)
            xw_devconn_refuse(a->conn, XW__DEVICE_FAULT__DEVICE_FAULT_STORAGE,
                              "there is room again: connect and send what was not acknowledged");
    }
    if (a->conn && now - a->attached_us > CLEAN_AFTER_US)
        xw_technical_clear(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_DEVICE_FENCED,
                           a->device_id);
    if (a->conn)
        return;
    int64_t gone_us = now - a->detached_us;
    if (gone_us > GONE_AFTER_US && !a->said_bye && a->attaches_n)
        xw_technical_raise(edge->technical, XW__TECHNICAL_CODE__TECHNICAL_DEVICE_GONE, a->device_id,
                           "the device does not answer any more", NULL);
    if (gone_us > edge->config->keep_us)
        end_attachment(a);
}

static void end_old(struct xw_fleet *fleet)
{
    fleet->old_ended = true;
    for (size_t i = 0; i < fleet->old_n; i++) {
        struct remembered *old = &fleet->old[i];
        Xw__Attachment *message =
            old->attached ? xw__attachment__unpack(NULL, old->body_size, old->body) : NULL;
        if (!message)
            continue;
        message->attached = false;
        message->since_wall_us = xw_edge_wall_us();
        old->revision = XW_MAX(old->revision + 1, (uint64_t)xw_edge_wall_us());
        struct xw_store_record record = {.key = old->id.b,
                                         .key_size = 16,
                                         .revision = old->revision,
                                         .kind = XW__RECORD_KIND__RECORD_ATTACHMENT};
        xw_commit_message(fleet->edge->commit, &record, &message->base, false);
        xw__attachment__free_unpacked(message, NULL);
    }
}

void xw_fleet_tick(struct xw_fleet *fleet)
{
    int64_t now = xw_edge_now_us();
    drain_all(fleet);
    if (!fleet->old_ended && now - fleet->started_us > ENDED_AFTER_US)
        end_old(fleet);
    for (size_t i = 0; i < fleet->all_n; i++) {
        struct xw_attachment *a = fleet->all[i];
        if (a->state == XW_ATTACHMENT_READY)
            tick_ready(a, now);
        else if (a->state == XW_ATTACHMENT_OPENING && a->opening)
            xw_opening_tick(a);
    }
    look(fleet, fleet->all_n > 0);
    xw_gauge_set(&attached_gauge, (int64_t)xw_fleet_attached_n(fleet));
}

void xw_fleet_remember(struct xw_fleet *fleet, const struct xw_uuid *id, uint64_t revision,
                       bool attached, const void *body, size_t body_size)
{
    if (fleet->old_n == REMEMBERED_MAX)
        return;
    struct remembered *old = &fleet->old[fleet->old_n++];
    *old = (struct remembered){.id = *id, .revision = revision};
    old->body = attached ? malloc(body_size ? body_size : 1) : NULL;
    if (old->body) {
        memcpy(old->body, body, body_size);
        old->body_size = body_size;
        old->attached = true;
    }
}

bool xw_fleet_idle(const struct xw_fleet *fleet)
{
    for (size_t i = 0; i < fleet->all_n; i++)
        if (in_flight(fleet->all[i]))
            return false;
    return true;
}

void xw_fleet_leave(struct xw_fleet *fleet)
{
    for (size_t i = 0; i < fleet->all_n; i++)
        if (fleet->all[i]->conn && fleet->all[i]->state == XW_ATTACHMENT_READY)
            xw_attachment_record(fleet->all[i], false);
}
