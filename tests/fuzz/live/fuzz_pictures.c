/* Ephemeral messages of a gateway about pictures: parts and statuses, into the sources, the hub and
 * out to a browser. Input: messages, each one byte (bit 0: a status; bit 1: of another gateway; bit
 * 2: time passes; bit 3: the link goes and comes; bit 4: the browser looks away and back) and two
 * bytes of length (LE). Whatever comes, what a browser gets of one run begins with a key frame, and
 * goes on without a hole but at key frames. */
#include "center/hub.h"
#include "center/video.h"

#include <stdlib.h>
#include <string.h>

static const struct xw_uuid probe = {{0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39,
                                      0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f}};

struct county {
    struct xw_clock clock;
    struct xw_hub *hub;
    struct xw_video *video;
};

static void want_write(void *user, void *socket_user)
{
    (void)user;
    (void)socket_user;
}

static void picture_want(void *user, const struct xw_uuid *attachment, bool on, bool key)
{
    struct county *c = user;
    xw_video_want(c->video, attachment, on, key);
}

static const char *owner(void *user, const struct xw_uuid *attachment)
{
    (void)user;
    return xw_uuid_equal(attachment, &probe) ? "town-a" : NULL;
}

static bool linked(void *user, const char *gateway_id)
{
    (void)user;
    (void)gateway_id;
    return true;
}

static int64_t offset_us(void *user, const char *gateway_id)
{
    (void)user;
    (void)gateway_id;
    return -250;
}

static void send_want(void *user, const char *gateway_id, const char *topic, const void *payload,
                      size_t size)
{
    (void)user;
    if (strcmp(gateway_id, "town-a") != 0 || strcmp(topic, "video-want") != 0)
        abort();
    Xw__VideoWant *want = xw__video_want__unpack(NULL, size, payload);
    if (!want || (want->key && !want->on))
        abort();
    xw__video_want__free_unpacked(want, NULL);
}

static void take_frame(void *user, const struct xw_uuid *attachment, const Xw__LiveVideo *frame)
{
    struct county *c = user;
    xw_hub_picture(c->hub, attachment, frame);
}

static void take_status(void *user, const struct xw_uuid *attachment, const Xw__VideoStatus *status)
{
    struct county *c = user;
    xw_hub_picture_status(c->hub, attachment, "site", status);
}

struct seen {
    bool any;
    uint8_t run[16];
    uint64_t frame;
};

/* Reads everything that waits, and checks the order of pictures. */
static void drain(struct xw_hub_socket *socket, struct seen *seen)
{
    struct xw_buf out;
    xw_buf_init(&out, 4 << 20);
    while (xw_hub_next(socket, &out) > 0) {
        Xw__LiveMessage *m = xw__live_message__unpack(NULL, out.n, out.data);
        if (!m)
            abort();
        if (m->body_case == XW__LIVE_MESSAGE__BODY_VIDEO) {
            const Xw__LiveVideo *v = m->video;
            bool on = seen->any && memcmp(seen->run, v->run_id.data, 16) == 0 &&
                      v->frame == seen->frame + 1;
            if (!v->key && !on)
                abort();
            seen->any = true;
            seen->frame = v->frame;
            memcpy(seen->run, v->run_id.data, 16);
        }
        xw__live_message__free_unpacked(m, NULL);
        xw_buf_clear(&out);
    }
    xw_buf_done(&out);
}

static void run(struct county *c, const uint8_t *data, size_t size)
{
    struct xw_hub_socket *socket;
    struct seen seen = {0};
    if (xw_hub_socket_new(c->hub, "site", NULL, &socket) < 0 ||
        xw_hub_picture_watch(socket, &probe, "site", false) < 0)
        abort();
    while (size >= 3) {
        uint8_t how = data[0];
        size_t n = XW_MIN((size_t)(data[1] | data[2] << 8), size - 3);
        uint8_t *copy = malloc(n ? n : 1);
        if (!copy)
            abort();
        memcpy(copy, data + 3, n);
        (void)!xw_video_ephemeral(c->video, how & 2 ? "town-b" : "town-a",
                                  how & 1 ? "video-status" : "video", copy, n);
        free(copy);
        data += 3 + n;
        size -= 3 + n;
        if (how & 4)
            xw_clock_fake_advance(&c->clock, 100000 * (1 + (how >> 5)));
        xw_video_tick(c->video);
        if (how & 8) {
            xw_video_linked(c->video, "town-a", false);
            xw_video_linked(c->video, "town-a", true);
        }
        if (!(how & 32))
            drain(socket, &seen);
        if (how & 16) {
            xw_hub_picture_unwatch(socket, &probe);
            if (xw_hub_picture_watch(socket, &probe, "site", false) < 0)
                abort();
            seen.any = false;
        }
    }
    drain(socket, &seen);
    xw_hub_socket_free(socket);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct county c;
    xw_clock_fake_init(&c.clock, 1000000000, 1800000000000000);
    struct xw_hub_config hub = {.clock = &c.clock,
                                .streams_max = 2,
                                .hold_us = 2000000,
                                .user = &c,
                                .want_write = want_write,
                                .picture_want = picture_want};
    struct xw_video_config video = {.clock = &c.clock,
                                    .user = &c,
                                    .owner = owner,
                                    .linked = linked,
                                    .offset_us = offset_us,
                                    .send = send_want,
                                    .frame = take_frame,
                                    .status = take_status};
    if (xw_hub_new(&hub, &c.hub) < 0 || xw_video_new(&video, &c.video) < 0)
        abort();
    run(&c, data, size);
    xw_hub_free(c.hub);
    xw_video_free(c.video);
    return 0;
}
