/* Live pictures of the hub: who watches, what waits for each socket, what a slow one loses. */
#include "center/hub_internal.h"

#include <stdio.h>
#include <string.h>

XW_COUNTER(pictures_fanned, "xw_center_fanout_pictures_total", NULL,
           "pictures offered to browser sockets (one per picture and socket)");
XW_COUNTER(pictures_dropped, "xw_center_dropped_pictures_total", NULL,
           "pictures not sent to a socket that was too slow, or waits for a key frame");

enum { ASK_US = 1000000, FORGET_US = 60000000 };

static int64_t now_us(const struct xw_hub *hub)
{
    return xw_clock_mono(hub->config.clock).us;
}

static struct hub_picture *find(const struct xw_hub *hub, const struct xw_uuid *id)
{
    for (size_t i = 0; i < XW_HUB_PICTURES_MAX; i++)
        if (hub->pictures[i].used && xw_uuid_equal(&hub->pictures[i].id, id))
            return &hub->pictures[i];
    return NULL;
}

static uint16_t number_of(const struct xw_hub *hub, const struct hub_picture *picture)
{
    return (uint16_t)(picture - hub->pictures);
}

static void forget(struct xw_hub *hub, struct hub_picture *picture)
{
    uint16_t n = number_of(hub, picture);
    for (struct xw_hub_socket *s = hub->sockets; s; s = s->next)
        s->states_due[n / 64] &= ~(UINT64_C(1) << (n % 64));
    hub_message_unref(picture->status);
    *picture = (struct hub_picture){0};
}

/* NULL: all places are taken by sources that are watched or speak. */
static struct hub_picture *find_or_add(struct xw_hub *hub, const struct xw_uuid *id)
{
    struct hub_picture *p = find(hub, id), *oldest = NULL;
    for (size_t i = 0; !p && i < XW_HUB_PICTURES_MAX; i++) {
        struct hub_picture *at = &hub->pictures[i];
        if (!at->used)
            p = at;
        else if (!at->watchers_n && now_us(hub) - at->heard_us > FORGET_US &&
                 (!oldest || at->heard_us < oldest->heard_us))
            oldest = at;
    }
    if (!p && oldest) {
        forget(hub, oldest);
        p = oldest;
    }
    if (p && !p->used)
        *p = (struct hub_picture){
            .used = true, .id = *id, .heard_us = now_us(hub), .asked_us = now_us(hub) - ASK_US};
    return p;
}

static struct hub_picture_watch *watch_of(struct xw_hub_socket *socket, uint16_t number)
{
    for (size_t i = 0; i < XW_HUB_PICTURE_WATCH_MAX; i++)
        if (socket->pictures[i].used && socket->pictures[i].picture == number)
            return &socket->pictures[i];
    return NULL;
}

static void want(struct xw_hub *hub, const struct hub_picture *picture, bool key)
{
    if (hub->config.picture_want)
        hub->config.picture_want(hub->config.user, &picture->id, picture->watchers_n > 0, key);
}

/* A key frame for a socket that lost its place: costs the uplink, so not for each one anew. */
static void ask_key(struct xw_hub *hub, struct hub_picture *picture)
{
    if (now_us(hub) - picture->asked_us < ASK_US)
        return;
    picture->asked_us = now_us(hub);
    want(hub, picture, true);
}

/* ---- what waits for one socket ---- */

/* Drops the first `upto` frames of the queue that are of this source. */
static void drop_frames(struct xw_hub_socket *socket, uint16_t number, uint32_t upto)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < socket->frames_n; i++) {
        struct hub_frame *f = &socket->frames[i];
        if (i >= upto || f->picture != number) {
            socket->frames[kept++] = *f;
            continue;
        }
        socket->frames_bytes -= f->message->size;
        hub_message_unref(f->message);
        socket->hub->stats.pictures_dropped_n++;
        xw_counter_add(&pictures_dropped, 1);
    }
    socket->frames_n = kept;
}

/* What has waited too long goes, and all of that source up to its next key frame. */
static void trim(struct xw_hub_socket *socket)
{
    int64_t oldest_us = now_us(socket->hub) - XW_HUB_PICTURE_HOLD_US;
    while (socket->frames_n && socket->frames[0].queued_us < oldest_us) {
        uint16_t number = socket->frames[0].picture;
        uint32_t key = socket->frames_n;
        for (uint32_t i = 0; i < socket->frames_n && key == socket->frames_n; i++) {
            const struct hub_frame *f = &socket->frames[i];
            if (f->picture == number && f->key && f->queued_us >= oldest_us)
                key = i;
        }
        struct hub_picture_watch *w = watch_of(socket, number);
        if (key == socket->frames_n && w) {
            w->need_key = true;
            ask_key(socket->hub, &socket->hub->pictures[number]);
        }
        drop_frames(socket, number, key);
    }
}

static bool has_room(const struct xw_hub_socket *socket, const struct hub_message *message)
{
    return socket->frames_n < XW_HUB_PICTURE_QUEUE_MAX &&
           socket->frames_bytes + message->size <= XW_HUB_PICTURE_QUEUE_MAX_BYTES;
}

static void queue_frame(struct xw_hub_socket *socket, struct hub_picture_watch *watch,
                        struct hub_message *message, bool key)
{
    struct xw_hub *hub = socket->hub;
    trim(socket);
    if (key && !has_room(socket, message)) /* what waits is older, and no longer needed */
        drop_frames(socket, watch->picture, socket->frames_n);
    if (!has_room(socket, message) || (watch->need_key && !key)) {
        watch->need_key = true;
        hub->stats.pictures_dropped_n++;
        xw_counter_add(&pictures_dropped, 1);
        ask_key(hub, &hub->pictures[watch->picture]);
        return;
    }
    watch->need_key = false;
    socket->frames[socket->frames_n++] = (struct hub_frame){.message = hub_message_ref(message),
                                                            .queued_us = now_us(hub),
                                                            .picture = watch->picture,
                                                            .key = key};
    socket->frames_bytes += message->size;
    hub->stats.pictures_fanned_n++;
    xw_counter_add(&pictures_fanned, 1);
    hub_socket_wake(socket);
}

static int append_frame(struct xw_hub_socket *socket, struct xw_buf *buf)
{
    struct hub_message *m = socket->frames[0].message;
    socket->frames_n--;
    memmove(&socket->frames[0], &socket->frames[1], socket->frames_n * sizeof(socket->frames[0]));
    socket->frames_bytes -= m->size;
    int r = xw_buf_append(buf, m->data, m->size);
    hub_message_unref(m);
    return r < 0 ? r : 1;
}

int hub_picture_next(struct xw_hub_socket *socket, struct xw_buf *buf)
{
    for (size_t word = 0; word < XW_ARRAY_N(socket->states_due); word++) {
        while (socket->states_due[word]) {
            unsigned bit = (unsigned)__builtin_ctzll(socket->states_due[word]);
            const struct hub_message *m = socket->hub->pictures[word * 64 + bit].status;
            socket->states_due[word] &= socket->states_due[word] - 1;
            if (m) {
                int r = xw_buf_append(buf, m->data, m->size);
                return r < 0 ? r : 1;
            }
        }
    }
    trim(socket);
    return socket->frames_n ? append_frame(socket, buf) : 0;
}

bool hub_picture_more(const struct xw_hub_socket *socket)
{
    for (size_t i = 0; i < XW_ARRAY_N(socket->states_due); i++)
        if (socket->states_due[i])
            return true;
    return socket->frames_n > 0;
}

/* ---- who watches ---- */

static bool wants_state(const struct xw_hub_socket *socket, const struct hub_picture *picture)
{
    bool watched = false;
    for (size_t i = 0; i < XW_HUB_PICTURE_WATCH_MAX; i++)
        watched |= socket->pictures[i].used &&
                   socket->pictures[i].picture == number_of(socket->hub, picture);
    return hub_socket_sees(socket, picture->site) &&
           (watched || socket->list || hub_socket_lists(socket, &picture->id));
}

static void state_due(struct xw_hub_socket *socket, uint16_t number)
{
    socket->states_due[number / 64] |= UINT64_C(1) << (number % 64);
    hub_socket_wake(socket);
}

void hub_picture_states(struct xw_hub_socket *socket)
{
    for (size_t i = 0; i < XW_HUB_PICTURES_MAX; i++)
        if (socket->hub->pictures[i].status && wants_state(socket, &socket->hub->pictures[i]))
            state_due(socket, (uint16_t)i);
}

int xw_hub_picture_watch(struct xw_hub_socket *socket, const struct xw_uuid *attachment,
                         const char *site, bool need_key)
{
    struct xw_hub *hub = socket->hub;
    if (!hub_socket_sees(socket, site))
        return -ENOENT;
    struct hub_picture *p = find_or_add(hub, attachment);
    if (!p)
        return -EOVERFLOW;
    snprintf(p->site, sizeof(p->site), "%s", site ? site : "");
    uint16_t number = number_of(hub, p);
    struct hub_picture_watch *w = watch_of(socket, number);
    if (w) {
        if (!need_key)
            return 0;
        drop_frames(socket, number, socket->frames_n);
        w->need_key = true;
        want(hub, p, true);
        return 0;
    }
    for (size_t i = 0; i < XW_HUB_PICTURE_WATCH_MAX && !w; i++)
        if (!socket->pictures[i].used)
            w = &socket->pictures[i];
    if (!w)
        return -EOVERFLOW;
    *w = (struct hub_picture_watch){.used = true, .need_key = true, .picture = number};
    p->watchers_n++;
    if (p->status)
        state_due(socket, number);
    p->asked_us = now_us(hub);
    want(hub, p, true);
    return 1;
}

static void drop_watch(struct xw_hub_socket *socket, struct hub_picture_watch *watch)
{
    struct hub_picture *p = &socket->hub->pictures[watch->picture];
    drop_frames(socket, watch->picture, socket->frames_n);
    *watch = (struct hub_picture_watch){0};
    if (--p->watchers_n == 0)
        want(socket->hub, p, false);
}

void xw_hub_picture_unwatch(struct xw_hub_socket *socket, const struct xw_uuid *attachment)
{
    struct hub_picture *p = find(socket->hub, attachment);
    struct hub_picture_watch *w = p ? watch_of(socket, number_of(socket->hub, p)) : NULL;
    if (w)
        drop_watch(socket, w);
}

void hub_picture_quiet(struct xw_hub_socket *socket)
{
    for (size_t i = 0; i < XW_HUB_PICTURE_WATCH_MAX; i++)
        if (socket->pictures[i].used)
            drop_watch(socket, &socket->pictures[i]);
    memset(socket->states_due, 0, sizeof(socket->states_due));
}

void hub_picture_done(struct xw_hub *hub)
{
    for (size_t i = 0; i < XW_HUB_PICTURES_MAX; i++)
        hub_message_unref(hub->pictures[i].status);
    free(hub->pictures);
}

/* ---- what comes in ---- */

void xw_hub_picture(struct xw_hub *hub, const struct xw_uuid *attachment,
                    const Xw__LiveVideo *picture)
{
    struct hub_picture *p = find(hub, attachment);
    if (!p || !p->watchers_n)
        return;
    Xw__LiveMessage message = XW__LIVE_MESSAGE__INIT;
    message.body_case = XW__LIVE_MESSAGE__BODY_VIDEO;
    message.video = (Xw__LiveVideo *)(uintptr_t)picture;
    struct hub_message *packed = hub_message_pack(&message);
    p->heard_us = now_us(hub);
    for (struct xw_hub_socket *s = hub->sockets; s; s = s->next) {
        struct hub_picture_watch *w = watch_of(s, number_of(hub, p));
        if (w && packed)
            queue_frame(s, w, packed, picture->key);
        else if (w)
            w->need_key = true; /* no memory: what follows rests on it */
    }
    hub_message_unref(packed);
}

void xw_hub_picture_status(struct xw_hub *hub, const struct xw_uuid *attachment, const char *site,
                           const Xw__VideoStatus *status)
{
    struct hub_picture *p = find_or_add(hub, attachment);
    Xw__LiveMessage message = XW__LIVE_MESSAGE__INIT;
    message.body_case = XW__LIVE_MESSAGE__BODY_VIDEO_STATUS;
    message.video_status = (Xw__VideoStatus *)(uintptr_t)status;
    struct hub_message *packed = p ? hub_message_pack(&message) : NULL;
    if (!packed)
        return;
    uint16_t number = number_of(hub, p);
    hub_message_unref(p->status);
    p->status = packed;
    p->heard_us = now_us(hub);
    snprintf(p->site, sizeof(p->site), "%s", site ? site : "");
    for (struct xw_hub_socket *s = hub->sockets; s; s = s->next)
        if (wants_state(s, p))
            state_due(s, number);
}
