/* The live hub: the last seconds of every stream, and who watches them.
 *
 * A block is copied once, ready for the wire, into the ring of its stream. Every browser socket
 * keeps a position in each ring that it watches (a tail per subscriber) and takes from there when
 * its own socket can be written. Pictures go last, when no block and no record waits, and never
 * more than 500 ms of them wait for a socket. A slow socket never holds more than hold_us of a
 * stream: what is older is skipped, and the range is told (LiveDropped), to be fetched by range.
 * Everything else (records, statuses, pongs) goes as shared messages through a bounded queue of the
 * socket.
 *
 * Threads: loop thread only. Ownership: headers, records and blocks given in are copied; messages
 * are counted references. Limits: streams_max streams (the one silent longest goes),
 * XW_HUB_WATCH_MAX streams a socket, XW_HUB_QUEUE_MAX messages or XW_HUB_QUEUE_MAX_BYTES a socket
 * (the oldest goes, and the browser is told "records_dropped" so that it asks again). Times: county
 * wall time in µs since 1970, monotonic time for "live". Errors: negative errno. */
#ifndef XW_CENTER_HUB_H
#define XW_CENTER_HUB_H

#include "base/base.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/range.h"
#include "base/uuid.h"
#include "store/store.h"

#include "live.pb-c.h"

enum {
    XW_HUB_WATCH_MAX = 64,
    XW_HUB_QUEUE_MAX = 512,
    XW_HUB_QUEUE_MAX_BYTES = 1 << 20,
    XW_HUB_HEALED_MAX = 64,
    XW_HUB_MESSAGE_MAX_BYTES = 32768, /* of blocks, in one WebSocket message */
    XW_HUB_ATTACHMENTS_MAX = 64,
    XW_HUB_PICTURES_MAX = 256,       /* sources */
    XW_HUB_PICTURE_WATCH_MAX = 8,    /* of one socket */
    XW_HUB_PICTURE_HOLD_US = 500000, /* of pictures, waiting for one socket */
    XW_HUB_PICTURE_QUEUE_MAX = 64,
    XW_HUB_PICTURE_QUEUE_MAX_BYTES = 4 << 20,
};

struct xw_hub;
struct xw_hub_stream;
struct xw_hub_socket;

struct xw_hub_config {
    const struct xw_clock *clock; /* NULL = the machine's */
    uint32_t streams_max;
    int64_t hold_us; /* of a stream, waiting for one socket */
    bool demo;
    void *user;
    /* The socket has something to send: ask for its WRITEABLE. */
    void (*want_write)(void *user, void *socket_user);
    /* What the county holds durably of a stream (blocks and gaps); NULL: nothing. Borrowed. */
    const struct xw_ranges *(*known)(void *user, const struct xw_uuid *stream);
    /* How far the clock of this gateway is ahead of ours; for anchors that do not know. */
    int64_t (*clock_offset_us)(void *user, const char *gateway_id);
    /* Whether any browser watches this picture source, and whether one needs a key frame; NULL:
     * nobody cares. */
    void (*picture_want)(void *user, const struct xw_uuid *attachment, bool on, bool key);
    /* A question to an alarm screen is on its way to the browser. May be NULL. */
    void (*probe_written)(void *user, uint64_t probe);
    /* All gateways and, beside each, its site. Borrowed. Returns their number. */
    size_t (*gateways)(void *user, const Xw__GatewayStatus *const **ret_gateways,
                       const char *const **ret_sites);
};

XW_MUST_CHECK int xw_hub_new(const struct xw_hub_config *config, struct xw_hub **ret_hub);
/* All sockets must be gone. */
void xw_hub_free(struct xw_hub *hub);

/* ---- what comes in ---- */

/* The same again changes nothing; -EBADMSG for a header that cannot be read. site may change. */
XW_MUST_CHECK int xw_hub_stream(struct xw_hub *hub, const struct xw_uuid *id, const void *header,
                                size_t header_size, const char *site);
/* live: newer than everything before it is shown at once; everything else waits to be healed. */
void xw_hub_block(struct xw_hub *hub, const struct xw_store_block *block, bool live);
void xw_hub_gap(struct xw_hub *hub, const struct xw_store_gap *gap);
/* Durable now: told to those who watch, if it is not what they were just shown. */
void xw_hub_stored(struct xw_hub *hub, const struct xw_uuid *stream, struct xw_range range,
                   bool live);
/* A durable record of any kind; those that browsers see go to who watches the stream or the list.
 * site: of a record that belongs to no stream; NULL: only who sees every site. */
void xw_hub_record(struct xw_hub *hub, const struct xw_store_record *record, const char *site);
/* A durable record about an attachment: to who watches it, and with to_list to who watches the
 * list. */
void xw_hub_attachment_record(struct xw_hub *hub, const struct xw_uuid *attachment,
                              const struct xw_store_record *record, const char *site, bool to_list);
/* One whole picture; times of the county. To who watches it, from a key frame on. */
void xw_hub_picture(struct xw_hub *hub, const struct xw_uuid *attachment,
                    const Xw__LiveVideo *picture);
/* Newest state of a picture source: to who watches the picture, the attachment or the list. */
void xw_hub_picture_status(struct xw_hub *hub, const struct xw_uuid *attachment, const char *site,
                           const Xw__VideoStatus *status);
/* A beat that is not confirmed yet (serialized Xw__Event); -EBADMSG, -ENOENT unknown stream,
 * -EPERM not a stream of this gateway. */
XW_MUST_CHECK int xw_hub_beat(struct xw_hub *hub, const char *gateway_id, const void *event,
                              size_t size);
void xw_hub_suspended(struct xw_hub *hub, const char *gateway_id, const struct xw_uuid *streams,
                      size_t streams_n);
/* Highest unacknowledged alarm of a stream; PRIORITY_NONE = none. */
void xw_hub_alarm(struct xw_hub *hub, const struct xw_uuid *stream, uint32_t priority,
                  const char *code);
/* At start: what the store held already. wall from the newest anchor record, or NULL. */
void xw_hub_seed(struct xw_hub *hub, const struct xw_uuid *stream, uint64_t newest,
                 const struct xw_store_record *anchor);
/* How far a gateway says that a stream is captured (0: not told) and kept; one after the newest
 * sample. -ENOENT, -EPERM not a stream of this gateway. */
XW_MUST_CHECK int xw_hub_mark(struct xw_hub *hub, const char *gateway_id,
                              const struct xw_uuid *stream, uint64_t captured, uint64_t kept);
/* A gateway is linked, or not: all its streams; one that was just announced. */
void xw_hub_linked(struct xw_hub *hub, const char *gateway_id, bool linked);
void xw_hub_stream_linked(struct xw_hub *hub, const struct xw_uuid *stream, bool linked);
/* Are the samples before `end` durable at the gateway? */
Xw__Light xw_hub_kept(struct xw_hub *hub, const struct xw_uuid *stream, uint64_t end);
/* A gateway's site became known or changed. */
void xw_hub_site(struct xw_hub *hub, const char *gateway_id, const char *site);
/* Bed of the streams of an attachment, for the list. */
void xw_hub_bed(struct xw_hub *hub, const struct xw_uuid *attachment, const char *bed);
/* Each second: statuses to all who watch the list. */
void xw_hub_tick(struct xw_hub *hub);
/* Every 100 ms: healed ranges that have gathered. */
void xw_hub_flush(struct xw_hub *hub);

/* ---- what is known of a stream ---- */

struct xw_hub_lights {
    Xw__Light captured, gateway, county;
};
struct xw_hub_view {
    struct xw_uuid id;
    const Xw__StreamHeader *header;
    const char *site, *bed;
    const char *head_json;  /* members of Stream that never change, without the braces */
    uint64_t newest;        /* one after the newest sample */
    int64_t newest_wall_us; /* 0 = not known */
    bool live, suspended;
    float rate_bpm;
    uint32_t alarm;
    const char *alarm_code;
    const struct xw_hub_stream *stream;
};
/* Looks at all that is held of the stream: for those who show it. */
struct xw_hub_lights xw_hub_lights(const struct xw_hub_view *view);
/* -ENOENT. Borrowed until control goes back to the loop. */
XW_MUST_CHECK int xw_hub_find(struct xw_hub *hub, const struct xw_uuid *id,
                              struct xw_hub_view *ret_view);
/* In order of appearance. */
void xw_hub_each(struct xw_hub *hub, void (*each)(void *user, const struct xw_hub_view *view),
                 void *user);
/* County wall time of a sample by the newest anchor; 0 = not known. */
int64_t xw_hub_wall_us(struct xw_hub *hub, const struct xw_uuid *id, uint64_t index);

/* ---- browser sockets ---- */

/* site NULL: sees everything. user is what want_write gets. */
XW_MUST_CHECK int xw_hub_socket_new(struct xw_hub *hub, const char *site, void *user,
                                    struct xw_hub_socket **ret_socket);
void xw_hub_socket_free(struct xw_hub_socket *socket);
/* -ENOENT unknown or not visible, -EOVERFLOW too many watched. Watching again starts again. */
XW_MUST_CHECK int xw_hub_watch(struct xw_hub_socket *socket, const struct xw_uuid *stream,
                               uint32_t history_ms);
void xw_hub_unwatch(struct xw_hub_socket *socket, const struct xw_uuid *stream);
bool xw_hub_watches(const struct xw_hub_socket *socket);
void xw_hub_list(struct xw_hub_socket *socket, bool on);
/* Replaces the earlier list; -EOVERFLOW more than XW_HUB_ATTACHMENTS_MAX. What the socket may not
 * see is not sent, whatever it lists. */
XW_MUST_CHECK int xw_hub_attachments(struct xw_hub_socket *socket, const struct xw_uuid *ids,
                                     size_t ids_n);
/* 1: opened, 0: watched already (need_key: it begins anew with a key frame); -ENOENT not visible,
 * -EOVERFLOW too many. site: of the source. */
XW_MUST_CHECK int xw_hub_picture_watch(struct xw_hub_socket *socket,
                                       const struct xw_uuid *attachment, const char *site,
                                       bool need_key);
void xw_hub_picture_unwatch(struct xw_hub_socket *socket, const struct xw_uuid *attachment);
/* The page of this socket shows alarms, to somebody of the county. */
void xw_hub_screen(struct xw_hub_socket *socket, bool on);
uint32_t xw_hub_screens(const struct xw_hub *hub);
/* Asks every alarm screen; how many were asked. */
uint32_t xw_hub_probe(struct xw_hub *hub, const char *gateway_id, uint64_t probe);
/* Watches nothing any more and forgets what was queued: before a last fault and the close. */
void xw_hub_quiet(struct xw_hub_socket *socket);
void xw_hub_pong(struct xw_hub_socket *socket, int64_t client_us);
void xw_hub_fault(struct xw_hub_socket *socket, const char *code, const char *text,
                  const struct xw_uuid *stream);
/* Appends the next message for this socket; asks for another WRITEABLE if there is more. Returns 1,
 * 0 nothing to send, or -EOVERFLOW, -ENOMEM of the buffer. */
XW_MUST_CHECK int xw_hub_next(struct xw_hub_socket *socket, struct xw_buf *ret_message);

struct xw_hub_stats {
    uint32_t streams_n, live_n, sockets_n, watches_n, screens_n;
    uint64_t blocks_n, fanned_n, dropped_blocks_n, dropped_messages_n, ring_bytes;
    uint64_t pictures_fanned_n, pictures_dropped_n;
};
void xw_hub_stats(const struct xw_hub *hub, struct xw_hub_stats *ret_stats);

#endif
