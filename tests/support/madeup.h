/* A made-up gateway, for tests of the county and of the link: real uplink, real spool, no devices.
 * A program gives it its streams' samples and its own lines on stdin; it tells JSON lines on
 * stdout.
 *
 * Threads: one loop. Ownership: the program owns struct madeup (zeroed, the settings filled in);
 * madeup_run frees what is in it. Errors while it runs: a line {"error":…}. */
#ifndef XW_TESTS_MADEUP_H
#define XW_TESTS_MADEUP_H

#include "base/base.h"
#include "base/loop.h"
#include "base/uuid.h"
#include "link/uplink.h"
#include "store/store.h"

#include <uv.h>

enum { MADEUP_CHANNELS_MAX = 18, MADEUP_SAMPLES_MAX = 1000 };

struct madeup_stream {
    struct xw_uuid id;
    uint8_t header[2048];
    size_t header_size;
    uint64_t newest; /* index of the next sample */
};

/* Bytes on their way into the spool. */
struct madeup_object {
    uint8_t *data; /* malloc'd; NULL: none */
    size_t n, at;
    uint8_t sha256[32];
};

struct madeup {
    /* settings */
    int64_t port;
    const char *address, *certs, *id, *site, *software, *dir; /* dir NULL: a spool in memory */
    uint64_t tick_ms;
    void *user;
    void (*on_tick)(void *user);
    void (*on_line)(void *user, char *line);   /* of stdin; may be changed */
    void (*on_object)(void *user, int status); /* in the spool; status: of the offer */
    void (*on_record)(void *user, const struct xw_store_record *record);
    void (*on_ephemeral)(void *user, const char *topic, const void *payload, size_t size);
    void (*on_state)(void *user, const struct xw_uplink_state *state);
    /* what it is made of */
    struct xw_loop *loop;
    struct xw_net *net;
    struct xw_store *store;
    struct xw_uplink *uplink; /* NULL: at the end */
    struct xw_timer *timer;
    struct xw_uplink_config config;
    char ca[512], cert[512], key[512];
    uv_pipe_t in;
    char line[256];
    size_t line_n;
    struct madeup_object object;
};

/* A JSON line. */
void say(const char *format, ...) XW_PRINTF(1, 2);

/* Spool and uplink. */
XW_MUST_CHECK int madeup_start(struct madeup *m);
/* Until a stop, or the end of stdin. */
XW_MUST_CHECK int madeup_run(struct madeup *m);

struct xw_store_batch *madeup_batch(struct madeup *m);
/* Into the record log to the county. */
void madeup_record(struct xw_store_batch *batch, const struct xw_store_record *record);
void madeup_append(struct madeup *m, struct xw_store_batch *batch);

/* Makes the header of an ECG stream. epoch 0: a stream of its own; else one that follows from
 * gateway, device, epoch and header. */
void madeup_header(const struct madeup *m, struct madeup_stream *stream, const char *device,
                   uint64_t hz, size_t channels_n, uint64_t epoch);
/* Tells spool and uplink of it. */
void madeup_open(struct madeup *m, struct madeup_stream *stream, struct xw_store_batch *batch);
/* x: count x channels counts, count <= MADEUP_SAMPLES_MAX. */
void madeup_block(struct madeup *m, struct madeup_stream *stream, const int32_t *x,
                  size_t channels_n, uint32_t count, struct xw_store_batch *batch);

/* Takes data (malloc'd), puts it into the spool from where it stopped there, offers it to the
 * county: on_object. One after the other. */
void madeup_object(struct madeup *m, uint8_t *data, size_t n);

#endif
