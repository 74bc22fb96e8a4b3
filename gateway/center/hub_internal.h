/* What the files of the hub share with each other; nobody else includes this. */
#ifndef XW_CENTER_HUB_INTERNAL_H
#define XW_CENTER_HUB_INTERNAL_H

#include "center/hub.h"
#include "center/hub_ring.h"

#include "base/metrics.h"

enum {
    HUB_LIVE_US = 1500000,       /* a stream is live if it grew within this */
    HUB_RING_IDLE_US = 60000000, /* its ring is given back after this */
    HUB_RATE_OLD_S = 10,         /* a heart rate older than this is not shown */
    HUB_CODE_N = 32,
    HUB_SITE_N = 128,
    HUB_BED_N = 64,
    HUB_STATUS_FULL_TICKS = 10, /* every stream, also the quiet ones */
    HUB_STATUS_REPEAT_TICKS = 5,
};

/* A message that several sockets send. Never from the path of a block. */
struct hub_message {
    uint32_t refs;
    uint32_t size;
    uint64_t probe; /* asks an alarm screen; 0 = no such message */
    uint8_t data[];
};

struct hub_watch {
    struct xw_hub_stream *stream; /* NULL = free slot */
    struct xw_hub_socket *socket;
    struct hub_watch *next_of_stream, **at_of_stream;
    uint64_t next_seq;                 /* entry of the ring to send next */
    uint64_t next_first;               /* sample after the last one sent: where a drop begins */
    const struct hub_message *opening; /* LiveStream still queued: no blocks before it */
    struct xw_ranges healed;
};

/* A source of pictures; the place in xw_hub.pictures is its number. */
struct hub_picture {
    bool used;
    struct xw_uuid id;
    char site[HUB_SITE_N];
    uint32_t watchers_n;
    int64_t heard_us, asked_us;
    struct hub_message *status; /* the newest; NULL: none yet */
};

struct hub_picture_watch {
    bool used, need_key;
    uint16_t picture;
};

struct hub_frame {
    struct hub_message *message;
    int64_t queued_us;
    uint16_t picture;
    bool key;
};

struct xw_hub_socket {
    struct xw_hub *hub;
    void *user;
    struct xw_hub_socket *next, **at;
    char site[HUB_SITE_N]; /* "" = everything */
    bool scoped;
    bool list, wanted, screen;
    struct hub_watch watches[XW_HUB_WATCH_MAX];
    uint32_t watches_end, turn;
    struct hub_message *queue[XW_HUB_QUEUE_MAX];
    uint32_t queue_at, queue_n;
    size_t queue_bytes;
    bool blocks_last;           /* what the last message was, to take turns */
    bool lost;                  /* messages of the queue were given up since it was last told */
    struct hub_message *status; /* the newest only */
    struct xw_uuid attachments[XW_HUB_ATTACHMENTS_MAX];
    uint32_t attachments_n;
    struct hub_picture_watch pictures[XW_HUB_PICTURE_WATCH_MAX];
    struct hub_frame frames[XW_HUB_PICTURE_QUEUE_MAX]; /* oldest first */
    uint32_t frames_n;
    size_t frames_bytes;
    uint64_t states_due[XW_HUB_PICTURES_MAX / 64]; /* bit per source whose state it has not got */
};

struct hub_anchor {
    bool known;
    uint64_t index, ordinal;
    int64_t wall_us; /* county */
    double rate_hz;
    uint8_t *body;
    size_t body_size;
};

struct xw_hub_stream {
    struct xw_hub *hub;
    struct xw_hub_stream *hash_next, *next, **at;
    struct xw_uuid id;
    Xw__StreamHeader *header;
    uint8_t *header_bytes;
    size_t header_size;
    char *head_json;
    char site[HUB_SITE_N], bed[HUB_BED_N];
    double rate_hz;
    uint32_t channels_n;
    uint64_t newest;          /* one after the newest sample that came at all */
    uint64_t shown;           /* … that came live */
    struct xw_ranges unshown; /* came live and could not be shown: healed once durable */
    int64_t grew_mono_us;
    bool grown; /* within this process */
    bool suspended;
    bool linked; /* its gateway */
    struct {     /* what its gateway told */
        uint64_t captured, kept;
        int64_t told_us, grew_us; /* monotonic; 0 = never */
    } mark;
    struct hub_anchor anchor;
    float rate_bpm;
    uint64_t rate_at;
    uint32_t leads_off;
    uint64_t leads_off_at;
    uint32_t alarm;
    char alarm_code[HUB_CODE_N];
    struct xw_hub_ring ring;
    struct hub_watch *watches;
    uint64_t changed_tick;
};

struct xw_hub {
    struct xw_hub_config config;
    struct xw_hub_stream **buckets;
    uint32_t buckets_n;
    struct xw_hub_stream *streams, **streams_end;
    struct xw_hub_socket *sockets;
    struct hub_picture *pictures; /* XW_HUB_PICTURES_MAX */
    struct xw_hub_stats stats;
    uint64_t tick;
    bool healed_pending;
};

/* hub_stream.c */
struct xw_hub_stream *hub_stream_find(const struct xw_hub *hub, const struct xw_uuid *id);
void hub_stream_free(struct xw_hub_stream *stream);
bool hub_stream_live(const struct xw_hub_stream *stream, int64_t now_us);
int64_t hub_stream_wall_us(const struct xw_hub_stream *stream, uint64_t index);
void hub_stream_anchor(struct xw_hub_stream *stream, const void *body, size_t size);
void hub_stream_event(struct xw_hub_stream *stream, const Xw__Event *event);

/* hub_message.c: NULL when memory is short (counted). */
struct hub_message *hub_message_pack(const Xw__LiveMessage *message);
struct hub_message *hub_message_ref(struct hub_message *message);
void hub_message_unref(struct hub_message *message);
struct hub_message *hub_message_record(const struct xw_store_record *record);
struct hub_message *hub_message_fault(const char *code, const char *text,
                                      const struct xw_uuid *stream);
/* The content of LiveBlocks for one block; pushes it into the ring. -EBADMSG, -ENOSPC. */
int hub_message_push_block(struct xw_hub_stream *stream, const struct xw_store_block *block);
int hub_message_push_gap(struct xw_hub_stream *stream, const struct xw_store_gap *gap);

/* hub_status.c: samples of the last 24 h that lie before the newest durable one and are not here.
 */
uint64_t hub_missing(const struct xw_hub_stream *stream);

/* hub_socket.c */
bool hub_socket_sees(const struct xw_hub_socket *socket, const char *site);
void hub_socket_wake(struct xw_hub_socket *socket);
struct hub_message *hub_socket_pop(struct xw_hub_socket *socket);
/* Takes the reference. */
void hub_socket_queue(struct xw_hub_socket *socket, struct hub_message *message);
void hub_socket_status(struct xw_hub_socket *socket, struct hub_message *message);
void hub_watch_drop(struct hub_watch *watch);

/* hub_picture.c */
/* The next state or picture: 1 appended, 0 none, or the buffer's errno. */
int hub_picture_next(struct xw_hub_socket *socket, struct xw_buf *buf);
bool hub_picture_more(const struct xw_hub_socket *socket);
/* The newest states of what the socket has come to watch. */
void hub_picture_states(struct xw_hub_socket *socket);
/* Lets go of everything that has to do with pictures. */
void hub_picture_quiet(struct xw_hub_socket *socket);
void hub_picture_done(struct xw_hub *hub);

/* hub_attachment.c */
bool hub_socket_lists(const struct xw_hub_socket *socket, const struct xw_uuid *attachment);

/* hub_status.c */
void hub_status_send(struct xw_hub_socket *socket, bool all);
/* To every socket that sees the stream and watches it or the list. Takes the reference. */
void hub_broadcast(struct xw_hub *hub, const struct xw_hub_stream *stream, const char *site,
                   bool to_list, struct hub_message *message);
/* Would anybody get it? */
bool hub_wanted(const struct xw_hub *hub, const struct xw_hub_stream *stream, bool to_list);

#endif
