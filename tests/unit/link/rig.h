/* Two session cores back to back: a gateway and a county with model stores, a fake clock, and pipes
 * instead of sockets that can be cut with messages in them.
 *
 * Samples are a function of stream, channel and index, so what arrives is checked against what
 * should be, not against what was sent. */
#ifndef XW_TESTS_LINK_RIG_H
#define XW_TESTS_LINK_RIG_H

#include "link/clink.h"
#include "link/glink.h"
#include "unit/link/model_store.h"

enum { RIG_STREAMS_MAX = 8, RIG_CHANNELS = 3, RIG_RATE_HZ = 500 };

struct rig_message {
    struct rig_message *next;
    uint64_t n; /* counts what both pipes take towards the county */
    size_t size;
    uint8_t data[];
};
struct rig_queue {
    struct rig_message *head, **tail;
    size_t n, bytes;
};
struct rig_pipe {
    bool up;          /* the gateway's end is open */
    bool county_open; /* so is the county's */
    struct xw_conn gateway, county;
    struct rig_queue to_county, to_gateway;
    bool stalled;      /* messages stay in the pipe */
    long rate, tokens; /* bytes to the county in 10 ms; 0 = no limit */
    size_t window;     /* bytes that the pipe takes before the sender waits; 0 = no limit */
    uint32_t late_us;  /* what TCP's smoothed round trip still remembers of a silence */
    uint32_t segments_n, resent_n;
};
struct rig_stream {
    struct xw_uuid id;
    uint8_t header[512];
    size_t header_size;
    uint64_t end;           /* samples made */
    struct xw_ranges shown; /* given to on_block */
    uint64_t shown_twice;
    uint64_t gaps_n, gaps_behind; /* given to on_gap; after blocks that come behind them */
    struct xw_ranges stored;      /* told by on_stored */
};

struct rig {
    struct xw_clock clock;
    struct xw_store *spool, *archive;
    struct xw_glink *glink;
    struct xw_clink *clink;
    struct rig_pipe pipe[XW_LINK_ROLES_N];
    /* The way that both pipes share, first come first served: bytes in 10 ms; 0 = a way each. */
    long way_rate, way_tokens;
    uint64_t way_n;
    uint32_t base_rtt_us; /* 0: 1 ms */
    struct rig_stream stream[RIG_STREAMS_MAX];
    size_t streams_n;
    uint64_t random;
    char gateway_id[32];
    const char *certificate; /* name that the county sees */
    uint64_t records_made, county_records_made;
    uint64_t records_told, county_records_told; /* on_record at county and gateway */
    uint64_t suspended_n, ephemeral_n, gateway_events;
    bool linked, last_live;
    bool old_county;                   /* its welcome does not know of codings */
    uint64_t coded_n, keys_n, plain_n; /* blocks that came to the county: in coding 4, 0 */
    char last_topic[80];
    int object_status;
    unsigned object_calls;
};

struct rig *rig_new(uint64_t seed);
void rig_free(struct rig *rig);
uint64_t rig_random(struct rig *rig, uint64_t below);

struct rig_stream *rig_add_stream(struct rig *rig);
int32_t rig_sample(const struct rig_stream *stream, unsigned channel, uint64_t index);
/* Encodes count samples from first; data must hold xw_block_bound(). */
struct xw_store_block rig_encode(const struct rig_stream *stream, uint64_t first, uint32_t count,
                                 uint8_t *data);
/* The next count samples: into the spool (committed) and to the live lane. */
void rig_block(struct rig *rig, struct rig_stream *stream, uint32_t count);
/* The same, not committed in the spool; the caller does it with rig_commit later. */
void rig_block_live_only(struct rig *rig, struct rig_stream *stream, uint32_t count);
void rig_block_spool_only(struct rig *rig, struct rig_stream *stream, uint32_t count);
/* A record of the gateway; an alarm if so. */
void rig_record(struct rig *rig, struct rig_stream *stream, bool alarm);
void rig_county_record(struct rig *rig);

void rig_connect(struct rig *rig, unsigned role);
/* Both ends see the end; what is in the pipe is lost, but for the first keep messages each way. */
void rig_cut(struct rig *rig, unsigned role, size_t keep);
/* Only the gateway sees it: the county's end stays half open. */
void rig_cut_half(struct rig *rig, unsigned role);
/* Time passes in steps of 10 ms; messages flow. */
void rig_run(struct rig *rig, int64_t us);
/* Messages flow now, no time passes. */
void rig_flow(struct rig *rig);
/* The county's process ends and another begins on the same store. */
void rig_restart_county(struct rig *rig);
void rig_restart_gateway(struct rig *rig);

/* Everything made is in the archive once, with the right samples; nothing is left to be sent. */
void rig_check_all(struct rig *rig);
bool rig_all_there(struct rig *rig);
const struct xw_ranges *rig_known(struct xw_store *store, const struct rig_stream *stream);
const struct xw_ranges *rig_released(struct xw_store *store, const struct rig_stream *stream);

/* For scripts: gives bytes to one end, or takes its next message (unpacked; NULL = none). */
int rig_give_county(struct rig *rig, struct xw_conn *conn, const Xw__LinkMessage *message);
int rig_give_gateway(struct rig *rig, struct xw_conn *conn, const Xw__LinkMessage *message);
Xw__LinkMessage *rig_take_county(struct rig *rig, struct xw_conn *conn);
Xw__LinkMessage *rig_take_gateway(struct rig *rig, struct xw_conn *conn);

#endif
