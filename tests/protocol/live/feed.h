/* What the files of xw-feed share. */
#ifndef XW_TESTS_FEED_H
#define XW_TESTS_FEED_H

#include "tests/support/madeup.h"

enum { STREAMS_MAX = 400 };

struct stream {
    struct madeup_stream made;
    struct xw_uuid run;
    uint64_t anchor_ordinal, anchor_at;
};

struct more;

struct feed {
    struct madeup gateway;
    int64_t streams_n, hz, channels_n, block_ms, epoch;
    struct stream streams[STREAMS_MAX];
    uint64_t started_us, blocks_made;
    bool paused;
    struct more *more;
};

/* feed_more.c: observations, clips, pictures. False: no command of its. */
bool more_line(struct feed *f, char **words, size_t words_n);
void more_ephemeral(void *user, const char *topic, const void *payload, size_t size);
void more_object(void *user, int status);
void more_timer(struct feed *f);
void more_free(struct feed *f);

#endif
