/* A device accepted by this gateway, with its streams; and all of them together (the fleet).
 *
 *   OPENING  what the spool knows of its streams is looked up; pipelines are made and warmed
 *   READY    attached (a connection) or detached (the analysis waits for the device to return)
 *   ENDING   the chains say their last words; freed when everything is kept
 *
 * An attachment outlives its connections: a device that comes back with the same epoch and the same
 * signals goes on where it was.
 *
 * Threads: loop thread only. Ownership: the fleet owns attachments, an attachment its streams. */
#ifndef XW_EDGE_ATTACHMENT_H
#define XW_EDGE_ATTACHMENT_H

#include "edge/commit.h"
#include "edge/edge.h"
#include "edge/hello.h"
#include "edge/stream.h"

struct xw_devconn;
struct xw_opening;

enum xw_attachment_state { XW_ATTACHMENT_OPENING, XW_ATTACHMENT_READY, XW_ATTACHMENT_ENDING };

struct xw_attachment {
    struct xw_edge *edge;
    enum xw_attachment_state state;
    struct xw_uuid id;
    char device_id[XW_HELLO_ID_MAX + 1], model[65], firmware[65];
    uint64_t epoch;
    bool resumes, demo;
    struct xw_stream streams[XW_HELLO_SIGNALS_MAX];
    size_t streams_n;
    struct xw_devconn *conn; /* NULL: detached */
    struct xw_opening *opening;
    struct xw_commit_owner owner; /* mark: facts_upto */
    bool header_committed;
    uint64_t revision;   /* of the attachment record */
    uint64_t facts_upto; /* taken */
    uint64_t facts_kept; /* in the spool: acknowledged */
    bool facts_refused;  /* the spool was full: the device sends them again */
    bool ack_due;
    int64_t ack_sent_us;
    int64_t attached_us, detached_us, detached_wall_us;
    bool said_bye;
    bool storage_told;
    uint64_t acks_n, attaches_n;
};

struct xw_fleet;

XW_MUST_CHECK int xw_fleet_new(struct xw_edge *edge, struct xw_fleet **ret_fleet);
/* The store must be closed. */
void xw_fleet_free(struct xw_fleet *fleet);
struct xw_wake *xw_fleet_wake(struct xw_fleet *fleet);
/* An accepted device says hello on this connection. 0: the connection belongs to an attachment now
 * and will be accepted when it is open. -EBADMSG with the fault otherwise. */
XW_MUST_CHECK int xw_fleet_attach(struct xw_fleet *fleet, struct xw_devconn *conn,
                                  const Xw__DeviceHello *hello, struct xw_device_fault *ret_fault);
/* Its connection is gone. */
void xw_fleet_detach(struct xw_attachment *attachment, bool said_bye);
void xw_fleet_each(struct xw_fleet *fleet, void (*each)(void *user, struct xw_attachment *),
                   void *user);
size_t xw_fleet_attached_n(const struct xw_fleet *fleet);
/* Once a second. */
void xw_fleet_tick(struct xw_fleet *fleet);
/* Attachment records of an earlier process that say "attached": ended if the device stays away. */
void xw_fleet_remember(struct xw_fleet *fleet, const struct xw_uuid *id, uint64_t revision,
                       bool attached, const void *body, size_t body_size);
/* After each block taken: stops reading the device when its pipelines are full. */
void xw_fleet_check_pressure(struct xw_attachment *attachment);
/* Nothing is on its way through the pipelines any more. */
bool xw_fleet_idle(const struct xw_fleet *fleet);
/* The process ends: writes that the devices are detached. */
void xw_fleet_leave(struct xw_fleet *fleet);

/* ---- one attachment, for its parts ---- */

struct xw_stream *xw_attachment_stream(struct xw_attachment *attachment, unsigned signal);
/* Begins the look-ups; xw_attachment_opened is called when the streams are committed. */
void xw_attachment_open(struct xw_attachment *attachment);
void xw_opening_tick(struct xw_attachment *attachment);
void xw_opening_committed(struct xw_attachment *attachment, int status);
void xw_attachment_opened(struct xw_attachment *attachment, int status);
/* Tells the device that it is accepted and what is held. */
void xw_attachment_accept(struct xw_attachment *attachment);
void xw_attachment_send_ack(struct xw_attachment *attachment, int64_t now_us);
/* The record that says who is there. */
void xw_attachment_record(struct xw_attachment *attachment, bool attached);
/* Leads, pace, marker. */
void xw_attachment_fact(struct xw_attachment *attachment, const Xw__DeviceMessage *message,
                        uint64_t seq);
/* Local record: facts held; key "fact" | attachment | epoch (8 bytes), revision = seq. */
enum { XW_FACTS_KEY_SIZE = 28 };
void xw_attachment_facts_key(const struct xw_attachment *attachment,
                             uint8_t ret_key[XW_FACTS_KEY_SIZE]);
/* The run under which facts of a stream are recorded: always the same. */
struct xw_uuid xw_attachment_facts_run(const struct xw_uuid *stream);
/* A time anchor of the stream, now. */
void xw_anchor_record(struct xw_stream *stream);
bool xw_anchor_stepped(const struct xw_stream *stream);

#endif
