/* One patient monitor, as the connections see it. See monitor.h. */
#ifndef XW_EDGE_MONITOR_DEVICE_H
#define XW_EDGE_MONITOR_DEVICE_H

#include "edge/commit.h"
#include "edge/monitor.h"
#include "hl7/observe.h"

enum xw_monitor_device_state {
    XW_MONITOR_IDLE,    /* nothing was taken yet */
    XW_MONITOR_LOADING, /* its memory is being read */
    XW_MONITOR_READY,
    XW_MONITOR_FAILED, /* a commit failed; waits until nothing is on its way */
};

struct xw_monitor_device {
    struct xw_monitor_devices *devices;
    enum xw_monitor_device_state state;
    char id[XW_HL7_DEVICE_MAX + 1], model[65], bed[65], peer[64], place[65];
    struct xw_uuid attachment;
    struct xw_vitals_memory *memory; /* NULL until loading */
    uint32_t pending_n;              /* messages whose commit is on its way */
    uint64_t revision;               /* of the attachment record */
    bool attached, waiting, refused;
    bool load_again; /* the store was busy: at the next tick */
    int64_t heard_us, since_wall_us;
    int64_t fenced_us;  /* last refused as another's double */
    uint64_t memory_no; /* of the durable part; those from memory_low on may be there still */
    uint64_t memory_low;
    int64_t memory_behind_us;
    uint8_t load_after[XW_OBSERVATION_KEY_SIZE];
    size_t loaded_n;
    struct xw_monitor_stats stats;
};

struct xw_monitor_devices;
typedef void (*xw_monitor_ready_fn)(void *user);

/* ready: some monitor became ready, or failed to: waiting messages are to be tried again. */
XW_MUST_CHECK int xw_monitor_devices_new(struct xw_edge *edge, xw_monitor_ready_fn ready,
                                         void *user, struct xw_monitor_devices **ret_devices);
void xw_monitor_devices_free(struct xw_monitor_devices *devices);
void xw_monitor_devices_tick(struct xw_monitor_devices *devices);
void xw_monitor_devices_stop(struct xw_monitor_devices *devices);
void xw_monitor_devices_remember(struct xw_monitor_devices *devices,
                                 const Xw__Attachment *attachment, uint64_t revision);
void xw_monitor_devices_each(struct xw_monitor_devices *devices,
                             void (*each)(void *user, const struct xw_monitor_info *), void *user);

/* Who sent it, and may it? 0 with the device; -EACCES, -EADDRINUSE, -EMFILE, … with the error
 * text. peer: the address alone. */
XW_MUST_CHECK int xw_monitor_device_find(struct xw_monitor_devices *devices,
                                         const struct xw_hl7_oru *oru, const char *peer,
                                         struct xw_monitor_device **ret_device,
                                         struct xw_hl7_error *ret_error);
/* Puts what is new into the spool's open batch. 1: something must be waited for: the caller calls
 * xw_commit_notify with an owner, and xw_monitor_device_done when that is done. 0: all of it is
 * durable already. -EAGAIN: not now (its memory is being
 * read, the batch is full; ready() or the next commit tells). Others: refused,
 * with the error. received_us: gateway's wall clock when the last byte came. */
XW_MUST_CHECK int xw_monitor_device_take(struct xw_monitor_device *device,
                                         const struct xw_hl7_header *header,
                                         const struct xw_hl7_oru *oru, int64_t received_us,
                                         struct xw_hl7_error *ret_error);
/* The commit that was waited for. True: all of the message is durable. */
bool xw_monitor_device_done(struct xw_monitor_device *device, int status);

#endif
