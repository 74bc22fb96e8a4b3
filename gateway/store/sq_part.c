/* Writing of objects that come in parts (sq_object.c): HASH.part grows, each part is synced before
 * it counts as held, and the end is hashed and renamed.
 *
 * Any step may fail on a full or broken disk and is tried again by whoever writes: what the failed
 * one left (a file whose name is not durable, a whole one without a row) is then made good. */
#include "store/sq_object.h"

#include "base/fault.h"
#include "base/file.h"
#include "vault/sealed.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

/* An end that was written and renamed, but what came behind it failed (the folder's sync, the row
 * on a full disk): the part is gone, and the whole must not be taken for nothing. 1: it is all
 * here. */
static int adopt(const struct write_job *self, const char *whole)
{
    uint8_t sha256[32];
    uint64_t size;
    if (sq_object_content(whole) != self->object->state.size)
        return 0;
    int r = sq_object_sha256(self->store, whole, sha256, &size);
    if (r < 0)
        return r == -EBADMSG ? 0 : r;
    if (memcmp(sha256, self->object->state.sha256, sizeof sha256) != 0)
        return 0;
    r = xw_file_sync_parent(whole);
    return r < 0 ? r : 1;
}

static int verify(const struct write_job *self, const char *part, const char *whole)
{
    uint8_t sha256[32];
    uint64_t size;
    int r = sq_object_sha256(self->store, part, sha256, &size);
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
    xw_autofree char *whole = sq_object_path(store, self->object->state.sha256, "");
    xw_autofree char *folder = part == NULL ? NULL : strdup(part);
    if (folder == NULL || whole == NULL)
        return -ENOMEM;
    *strrchr(folder, '/') = '\0';
    int r = adopt(self, whole);
    if (r != 0) {
        self->whole = r == 1;
        return XW_MIN(r, 0);
    }
    r = xw_file_make_dirs(folder, 0750);
    if (r == 0)
        r = write_part(part, self);
    /* Also when the file was there: who made it may have failed (a full disk) or died before its
     * name was on the disk, and a power cut would take what is acknowledged now. */
    if (r == 0 && self->offset == 0)
        r = xw_file_sync_parent(part);
    if (r == 0 && self->offset + self->size == self->object->state.size) {
        r = verify(self, part, whole);
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
    /* A write before it failed: what lies there has a hole, whatever this one did. */
    if (self->result == 0 && !self->whole && self->offset > object->state.held)
        self->result = -ESPIPE;
    if (object->state.verified) {
        self->result = 0; /* it was imported whole meanwhile */
    } else if (self->result == 0) {
        object->state.held = self->whole ? object->state.size : self->offset + self->size;
        object->expected = self->whole ? object->state.size : object->expected;
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
