/* Clinical alarms of the county: EVENT_ALARM of medium priority and above, and who has seen them.
 *
 * An alarm is acknowledged exactly once: the first acknowledgement that becomes durable counts, a
 * second one is answered with the first (or -EAGAIN while that one is being written). Threads: loop
 * thread only. Limits: XW_ALARMS_MAX in memory, the oldest acknowledged ones go first (the store
 * keeps all). */
#ifndef XW_CENTER_ALARMS_H
#define XW_CENTER_ALARMS_H

#include "base/base.h"
#include "base/uuid.h"
#include "center/audit.h"
#include "center/journal.h"
#include "store/store.h"

#include <jansson.h>

#include "study.pb-c.h"

enum { XW_ALARMS_MAX = 4096, XW_EVENT_KEY_N = 40 };

struct xw_alarm {
    uint8_t key[XW_EVENT_KEY_N];
    struct xw_uuid stream;
    uint64_t revision;
    Xw__Event *event;
    int64_t wall_us; /* county time of its onset */
    int64_t came_us; /* monotonic, when this process first saw it */
    char acked_by[64];
    int64_t acked_wall_us; /* 0 = not yet */
    bool acking;
};

struct xw_alarms_config {
    struct xw_journal *journal;
    void *user;
    /* Highest unacknowledged of a stream, whenever it changes. */
    void (*on_stream)(void *user, const struct xw_uuid *stream, uint32_t priority,
                      const char *code);
    int64_t (*wall_us)(void *user, const struct xw_uuid *stream, uint64_t index);
    /* Whose log takes the acknowledgement; NULL = none. */
    const char *(*gateway)(void *user, const struct xw_uuid *stream);
};

struct xw_alarms;

XW_MUST_CHECK int xw_alarms_new(const struct xw_alarms_config *config,
                                struct xw_alarms **ret_alarms);
void xw_alarms_free(struct xw_alarms *alarms);
/* A durable record of kind EVENT or ALARM_ACK, also at start. True: a new alarm. */
bool xw_alarms_record(struct xw_alarms *alarms, const struct xw_store_record *record);
const struct xw_alarm *xw_alarms_find(const struct xw_alarms *alarms, const void *key, size_t size);
/* status 0: acknowledged, by and when as it stands now. */
typedef void (*xw_alarms_fn)(void *user, int status, const char *by, int64_t wall_us);
/* -ENOENT; otherwise done is called, perhaps before this returns. */
XW_MUST_CHECK int xw_alarms_ack(struct xw_alarms *alarms, const void *key, size_t size,
                                const char *by, xw_alarms_fn done, void *user);
/* Newest first. */
json_t *xw_alarms_json(const struct xw_alarms *alarms, size_t limit,
                       bool (*sees)(void *user, const struct xw_uuid *stream), void *user);

#endif
