/* Between the files of the link tests' store: model_store.c (life, streams), model_batch.c
 * (appending), model_read.c (reading, epochs, objects). */
#ifndef XW_TESTS_MODEL_STORE_IN_H
#define XW_TESTS_MODEL_STORE_IN_H

#include "unit/link/model_store.h"

enum { RANGES_MAX = 65536 };

struct mblock {
    struct xw_store_block block;
    bool broken;
};
struct mstream {
    struct xw_uuid id;
    uint8_t *header;
    size_t header_size;
    struct xw_ranges blocks, known, released;
    struct mblock *b;
    size_t b_n, b_cap;
    struct xw_store_gap *g;
    size_t g_n, g_cap;
};
struct mrecord {
    struct xw_store_record record;
    uint8_t *bytes;
    char out_log[80];
    uint64_t seq;
};
struct mlog {
    struct xw_uuid id;
    struct xw_ranges received;
};
struct mepoch {
    char owner[80];
    uint64_t epoch;
};
struct mobject {
    struct xw_store_object object;
    uint8_t *data;
};

enum entry_kind { E_STREAM, E_BLOCK, E_GAP, E_RECORD };
struct entry {
    struct entry *next;
    enum entry_kind kind;
    struct xw_uuid id;
    struct xw_store_block block;
    struct xw_store_gap gap;
    struct xw_store_record record;
    uint8_t *bytes;
    size_t size;
    char out_log[80];
    bool has_in;
    struct xw_uuid in_log;
    uint64_t in_seq;
};
struct xw_store_batch {
    struct entry *head, **tail;
    size_t bytes;
    char owner[80];
    uint64_t epoch;
};

/* One completion that waits. */
struct job {
    struct job *next;
    void (*run)(struct xw_store *store, struct job *job);
    struct xw_store_batch *batch;
    int status;
    void *user;
    xw_store_done_fn done;
    xw_store_samples_fn samples;
    xw_store_records_fn records;
    xw_store_epoch_fn epoch;
    xw_store_renewed_fn renewed;
    xw_store_object_fn object;
    xw_store_bytes_fn bytes;
    struct xw_uuid stream;
    struct xw_range range;
    size_t max;
    char name[80];
    uint64_t after, offset, size;
    uint8_t sha256[32];
    char media_type[64];
    uint8_t *data;
    size_t data_size;
};

struct xw_store {
    struct xw_uuid id;
    struct mstream **streams;
    size_t streams_n;
    struct mrecord *records;
    size_t records_n, records_cap;
    struct mlog **logs;
    size_t logs_n;
    struct mepoch epochs[64];
    size_t epochs_n;
    struct mobject *objects;
    size_t objects_n;
    struct job *head, **tail;
    bool hold;
    int fail;
    struct model_figures figures;
};

void model_must(int r);
void *model_copy(const void *data, size_t size);
struct mstream *model_find(struct xw_store *s, const struct xw_uuid *id);
struct mlog *model_log(struct xw_store *s, const struct xw_uuid *id);
struct mepoch *model_epoch(struct xw_store *s, const char *owner);
void model_objects_free(struct xw_store *s);
/* A completion that waits for model_run. */
struct job *model_job(struct xw_store *s, void (*run)(struct xw_store *, struct job *), void *user);

#endif
