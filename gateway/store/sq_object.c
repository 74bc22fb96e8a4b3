/* Objects: encrypted files (vault/sealed.h) DIR/objects/aa/HASH, while partial HASH.part. Bytes are
 * synced before they count as held; the name without .part appears only after the hash of the
 * content was found right.
 *
 * What an object is (size, media type) is a row of meta.db; the loop has all rows in memory. */
#include "store/sq_object.h"

#include "base/fault.h"
#include "base/file.h"
#include "base/log.h"
#include "vault/sealed.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

char *sq_object_path(const struct sq_store *store, const uint8_t sha256[32], const char *suffix)
{
    char hex[65];
    char *path = NULL;
    for (int i = 0; i < 32; i++)
        (void)snprintf(hex + 2 * i, 3, "%02x", sha256[i]);
    if (asprintf(&path, "%s/objects/%.2s/%s%s", store->dir, hex, hex, suffix) < 0)
        return NULL;
    return path;
}

/* ---- the map ---- */

static size_t bucket_of(const uint8_t sha256[32])
{
    return (size_t)sha256[0] << 8 | sha256[1];
}

struct object *sq_object_find(const struct sq_objects *objects, const uint8_t sha256[32])
{
    struct object *object = objects->buckets[bucket_of(sha256)];
    while (object != NULL && memcmp(object->state.sha256, sha256, 32) != 0)
        object = object->next;
    return object;
}

struct object *sq_object_add(struct sq_objects *objects, const uint8_t sha256[32], uint64_t size,
                             const char *media_type)
{
    struct object *object = calloc(1, sizeof *object);
    if (object == NULL)
        return NULL;
    memcpy(object->state.sha256, sha256, 32);
    object->state.size = size;
    memcpy(object->state.media_type, media_type,
           strnlen(media_type, sizeof object->state.media_type - 1));
    size_t bucket = bucket_of(sha256);
    object->next = objects->buckets[bucket];
    objects->buckets[bucket] = object;
    return object;
}

void sq_object_drop(struct sq_objects *objects, struct object *object)
{
    struct object **at = &objects->buckets[bucket_of(object->state.sha256)];
    while (*at != object)
        at = &(*at)->next;
    *at = object->next;
    free(object);
}

/* Bytes of content; UINT64_MAX: no file, or none with a head. */
static uint64_t content_of_file(const char *path)
{
    struct stat st;
    bool is = path != NULL && stat(path, &st) == 0 && st.st_size >= XW_SEALED_HEAD;
    return is ? xw_sealed_content((uint64_t)st.st_size) : UINT64_MAX;
}

int sq_object_sha256(const struct sq_store *store, const char *path, uint8_t ret_sha256[32],
                     uint64_t *ret_size)
{
    enum { PIECE = 1 << 20 };
    struct xw_sealed sealed;
    uint64_t at = 0;
    ssize_t n = 0;
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    xw_autofree uint8_t *piece = malloc(PIECE);
    int r = context != NULL && piece != NULL ? xw_sealed_open(store->vault, fd, &sealed) : -ENOMEM;
    if (r == 0 && EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
        r = -ENOMEM;
    while (r == 0 && (n = xw_sealed_pread(&sealed, fd, at, piece, PIECE)) > 0) {
        r = EVP_DigestUpdate(context, piece, (size_t)n) == 1 ? 0 : -EIO;
        at += (uint64_t)n;
    }
    if (r == 0 && n < 0)
        r = (int)n;
    if (r == 0 && EVP_DigestFinal_ex(context, ret_sha256, NULL) != 1)
        r = -EIO;
    EVP_MD_CTX_free(context);
    if (r == 0)
        *ret_size = at;
    return r;
}

/* What is there of a part that is not whole. All of its bytes and no name of a whole object: the
 * end was cut off before the hash was taken, so the last byte is asked for again and brings the
 * hash. */
static uint64_t held_of_part(uint64_t size, uint64_t part_n)
{
    if (part_n > size || size == 0)
        return 0;
    return XW_MIN(part_n, size - 1);
}

/* Row and file are looked at together: the file is renamed before the row says "verified". */
static int settle(const struct sq_store *store, struct object *object, bool verified)
{
    xw_autofree char *whole = sq_object_path(store, object->state.sha256, "");
    xw_autofree char *part = sq_object_path(store, object->state.sha256, ".part");
    if (whole == NULL || part == NULL)
        return -ENOMEM;
    object->state.verified = content_of_file(whole) == object->state.size;
    object->state.held = object->state.verified
                             ? object->state.size
                             : held_of_part(object->state.size, content_of_file(part));
    object->expected = object->state.held;
    if (verified && !object->state.verified)
        xw_log_error("store.object_missing");
    /* Found whole and not told yet: its name may not be on the disk. */
    return object->state.verified && !verified ? xw_file_sync_parent(whole) : 0;
}

int sq_objects_open(struct sq_store *store)
{
    store->objects = calloc(1, sizeof *store->objects);
    if (store->objects == NULL)
        return -ENOMEM;
    sqlite3_stmt *rows = sq_get(&store->writer.conn, SQ_OBJECT_ALL);
    int r;
    while ((r = sq_step(rows)) == 1) {
        size_t size;
        const uint8_t *sha256 = sq_bytes(rows, 0, &size);
        const char *media_type = (const char *)sqlite3_column_text(rows, 2);
        if (size != 32 || media_type == NULL)
            continue;
        struct object *object = sq_object_add(store->objects, sha256, sq_u64(rows, 1), media_type);
        if (object == NULL) {
            (void)sqlite3_reset(rows);
            return -ENOMEM;
        }
        object->has_row = true;
        r = settle(store, object, sqlite3_column_int64(rows, 3) != 0);
        if (r < 0) {
            (void)sqlite3_reset(rows);
            return r;
        }
    }
    return r;
}

void sq_objects_close(struct sq_store *store)
{
    for (size_t i = 0; store->objects != NULL && i < XW_ARRAY_N(store->objects->buckets); i++)
        for (struct object *object = store->objects->buckets[i], *next; object != NULL;
             object = next) {
            next = object->next;
            free(object);
        }
    free(store->objects);
    store->objects = NULL;
}

int sq_object_get(struct xw_store *base, const uint8_t *sha256, struct xw_store_object *ret_object)
{
    const struct object *object = sq_object_find(sq_of(base)->objects, sha256);
    if (object == NULL)
        return -ENOENT;
    *ret_object = object->state;
    return 0;
}

/* ---- writing ---- */

struct write_job {
    struct sq_job job; /* the row */
    struct sq_store *store;
    struct object *object;
    uint64_t offset;
    size_t size;
    int result;
    bool whole, row_needed;
    uint64_t held;
    xw_store_object_fn done;
    void *user;
    uint8_t data[];
};

/* The first bytes begin the file anew, under a nonce that was never used. */
static int begin_part(const struct write_job *self, int fd, struct xw_sealed *ret_sealed)
{
    if (self->offset > 0)
        return xw_sealed_open(self->store->vault, fd, ret_sealed);
    if (ftruncate(fd, 0) < 0)
        return -errno;
    return xw_sealed_begin(self->store->vault, fd, ret_sealed);
}

static int write_part(const char *path, const struct write_job *self)
{
    struct xw_sealed sealed;
    xw_autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0)
        return -errno;
    int r = begin_part(self, fd, &sealed);
    if (r == -EBADMSG)
        (void)unlink(path); /* its head is damaged: nothing of it can be read */
    /* Bytes behind `offset` are of a write that was never acknowledged. */
    if (r == 0)
        r = xw_sealed_cut(fd, self->offset);
    if (r == 0)
        r = xw_sealed_pwrite(&sealed, fd, self->offset, self->data, self->size);
    if (r == 0)
        r = xw_fault_point("store.object.sync");
    if (r == 0 && fdatasync(fd) < 0)
        r = -errno;
    return r;
}

static int verify(const struct sq_store *store, const struct write_job *self, const char *part)
{
    uint8_t sha256[32];
    uint64_t size;
    xw_autofree char *whole = sq_object_path(store, self->object->state.sha256, "");
    int r = whole == NULL ? -ENOMEM : sq_object_sha256(store, part, sha256, &size);
    if (r < 0)
        return r;
    if (memcmp(sha256, self->object->state.sha256, sizeof sha256) != 0) {
        (void)unlink(part);
        return -EBADMSG;
    }
    if (rename(part, whole) < 0)
        return -errno;
    return xw_file_sync_parent(whole);
}

static int write_now(struct write_job *self)
{
    struct sq_store *store = self->store;
    xw_autofree char *part = sq_object_path(store, self->object->state.sha256, ".part");
    xw_autofree char *folder = part == NULL ? NULL : strdup(part);
    if (folder == NULL)
        return -ENOMEM;
    *strrchr(folder, '/') = '\0';
    bool fresh = access(part, F_OK) < 0;
    int r = xw_file_make_dirs(folder, 0750);
    if (r == 0)
        r = write_part(part, self);
    if (r == 0 && fresh)
        r = xw_file_sync_parent(part);
    if (r == 0 && self->offset + self->size == self->object->state.size) {
        r = verify(store, self, part);
        self->whole = r == 0;
    }
    return r;
}

static void write_work(void *arg)
{
    struct write_job *self = arg;
    self->result = write_now(self);
}

static int row_stage(struct sq_store *store, struct sq_job *job)
{
    struct write_job *self = XW_CONTAINER_OF(job, struct write_job, job);
    sqlite3_stmt *set = sq_get(&store->writer.conn, SQ_OBJECT_SET);
    sq_bind_bytes(set, 1, self->object->state.sha256, 32);
    sq_bind_u64(set, 2, self->object->state.size);
    sq_bind_text(set, 3, self->object->state.media_type);
    (void)sqlite3_bind_int(set, 4, self->whole);
    int r = sq_run(set);
    return r < 0 ? sq_fail(store, r) : 0;
}

static void finish(struct write_job *self)
{
    struct object *object = self->object;
    if (object->state.verified) {
        self->result = 0; /* it was imported whole meanwhile */
    } else if (self->result == 0) {
        object->state.held = self->offset + self->size;
        object->state.verified = self->whole;
        object->has_row = true;
    } else {
        if (self->result == -EBADMSG)
            object->state.held = 0;
        object->expected = object->state.held;
    }
    if (self->done != NULL)
        self->done(self->user, self->result, &object->state);
    free(self);
}

static void row_done(struct sq_store *store, struct sq_job *job)
{
    (void)store;
    struct write_job *self = XW_CONTAINER_OF(job, struct write_job, job);
    if (job->status < 0)
        self->result = job->status;
    finish(self);
}

static void write_done(void *arg, int status)
{
    struct write_job *self = arg;
    if (status < 0)
        self->result = status;
    self->job = (struct sq_job){.stage = row_stage, .done = row_done};
    /* The row is written at the beginning and when the object is whole. */
    if (self->result == 0 && (self->whole || self->row_needed)) {
        int r = sq_post(self->store, &self->job);
        if (r == 0)
            return;
        self->result = r;
    }
    finish(self);
}

int sq_object_write(struct xw_store *base, const struct store_object_part *part,
                    xw_store_object_fn done, void *user)
{
    struct sq_store *store = sq_of(base);
    struct object *object = sq_object_find(store->objects, part->sha256);
    if (store->closing)
        return -ECANCELED;
    if (object != NULL && object->state.size != part->size)
        return -EINVAL;
    if ((object == NULL ? 0 : object->expected) != part->offset ||
        (object != NULL && object->state.verified))
        return -ESPIPE;
    if (atomic_load(&store->space) == XW_SPACE_FULL)
        return -ENOSPC;
    struct write_job *self = calloc(1, sizeof *self + part->data_size);
    if (object == NULL)
        object = sq_object_add(store->objects, part->sha256, part->size, part->media_type);
    if (self == NULL || object == NULL) {
        free(self);
        return -ENOMEM;
    }
    *self = (struct write_job){.store = store,
                               .object = object,
                               .offset = part->offset,
                               .size = part->data_size,
                               .row_needed = !object->has_row,
                               .done = done,
                               .user = user};
    if (part->data_size > 0)
        memcpy(self->data, part->data, part->data_size);
    int r = xw_pool_submit(store->shelf, write_work, write_done, self);
    if (r < 0) {
        free(self);
        return r;
    }
    object->expected = part->offset + part->data_size;
    return 0;
}

/* ---- reading ---- */

struct read_job {
    const struct xw_vault *vault;
    char *path;
    uint64_t offset;
    size_t size;
    int result;
    uint8_t *data;
    xw_store_bytes_fn done;
    void *user;
};

static void read_work(void *arg)
{
    struct read_job *self = arg;
    struct xw_sealed sealed;
    xw_autoclose int fd = open(self->path, O_RDONLY | O_CLOEXEC);
    self->data = fd < 0 ? NULL : malloc(self->size + 1);
    if (self->data == NULL) {
        self->result = fd < 0 ? -errno : -ENOMEM;
        return;
    }
    self->result = xw_sealed_open(self->vault, fd, &sealed);
    ssize_t n =
        self->result < 0 ? 0 : xw_sealed_pread(&sealed, fd, self->offset, self->data, self->size);
    if (n < 0)
        self->result = (int)n;
    self->size = n < 0 ? 0 : (size_t)n;
}

static void read_done(void *arg, int status)
{
    struct read_job *self = arg;
    if (status < 0)
        self->result = status;
    self->done(self->user, self->result, self->data, self->result < 0 ? 0 : self->size);
    free(self->path);
    free(self->data);
    free(self);
}

int sq_object_read(struct xw_store *base, const uint8_t *sha256, uint64_t offset, size_t max_size,
                   xw_store_bytes_fn done, void *user)
{
    struct sq_store *store = sq_of(base);
    const struct object *object = sq_object_find(store->objects, sha256);
    if (object == NULL)
        return -ENOENT;
    if (offset > object->state.held)
        return -EINVAL;
    struct read_job *self = calloc(1, sizeof *self);
    if (self == NULL)
        return -ENOMEM;
    uint64_t size = XW_MIN(object->state.held - offset, (uint64_t)STORE_OBJECT_CHUNK_MAX);
    size = XW_MIN(size, (uint64_t)max_size);
    *self = (struct read_job){
        .vault = store->vault,
        .path = sq_object_path(store, sha256, object->state.verified ? "" : ".part"),
        .offset = offset,
        .size = (size_t)size,
        .done = done,
        .user = user};
    int r =
        self->path == NULL ? -ENOMEM : xw_pool_submit(store->readers, read_work, read_done, self);
    if (r < 0) {
        free(self->path);
        free(self);
    }
    return r;
}
