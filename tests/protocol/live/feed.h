/* What the files of xw-feed share. */
#ifndef XW_TESTS_FEED_H
#define XW_TESTS_FEED_H

#include "base/base.h"
#include "base/loop.h"
#include "base/uuid.h"
#include "link/uplink.h"
#include "store/store.h"

#include <uv.h>

enum { STREAMS_MAX = 400, CHANNELS_MAX = 18, SAMPLES_MAX = 1000 };

struct stream {
    struct xw_uuid id, run;
    uint8_t header[2048];
    size_t header_size;
    uint64_t newest, anchor_ordinal, anchor_at;
};

struct more;

struct feed {
    struct xw_loop *loop;
    struct xw_net *net;
    struct xw_store *store;
    struct xw_uplink *uplink;
    struct xw_timer *timer;
    uv_pipe_t in;
    char line[256];
    size_t line_n;
    int64_t port, streams_n, hz, channels_n, block_ms, epoch;
    const char *certs, *id, *site, *dir;
    struct stream streams[STREAMS_MAX];
    uint64_t started_us, blocks_made, study_n;
    bool paused, quitting;
    struct more *more;
};

void say(const char *format, ...) XW_PRINTF(1, 2);
struct xw_store_batch *batch_new(struct feed *f);
void put_record(struct xw_store_batch *batch, const struct xw_store_record *record);
void append(struct feed *f, struct xw_store_batch *batch);

/* feed_more.c: observations, clips, pictures. False: no command of its. */
bool more_line(struct feed *f, char **words, size_t words_n);
void more_ephemeral(void *user, const char *topic, const void *payload, size_t size);
void more_timer(struct feed *f);
void more_free(struct feed *f);

#endif
