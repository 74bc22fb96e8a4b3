/* Files that become objects, and objects that go.
 *
 * A file that is imported is encrypted already (vault/sealed.h), with a key of this folder.
 * Import: the file is linked into its place before the row says so; until `done` its owner keeps
 * its own name of it, so a crash between leaves a file that the next import of the same bytes
 * finds. Removal: the row goes first; a crash between leaves a file that the next removal deletes.
 */
#include "store/sq_object.h"

#include "base/fault.h"
#include "base/file.h"
#include "vault/sealed.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct import_job {
    struct sq_job job; /* the row */
    struct sq_store *store;
    char *path;
    char media_type[STORE_MEDIA_MAX + 1];
    uint8_t sha256[32];
    uint64_t size;
    int result;
    xw_store_object_fn done;
    void *user;
};

/* A file of this content's size that can be read with our keys. */
static bool is_whole(const struct sq_store *store, const char *path, uint64_t size)
{
    struct stat st;
    struct xw_sealed sealed;
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd >= 0 && fstat(fd, &st) == 0 && xw_sealed_content((uint64_t)st.st_size) == size &&
           xw_sealed_open(store->vault, fd, &sealed) == 0;
}

/* What lies there already under the name of this hash was verified, or is of another size or not
 * readable: then it is a remnant and gives way. */
static int link_into(const struct sq_store *store, const char *path, const char *whole,
                     uint64_t size)
{
    if (link(path, whole) == 0)
        return 0;
    if (errno != EEXIST)
        return -errno;
    if (is_whole(store, whole, size))
        return 0;
    if (unlink(whole) < 0 || link(path, whole) < 0)
        return -errno;
    return 0;
}

static int import_now(struct import_job *self)
{
    int r = sq_file_sync(self->path);
    if (r == 0)
        r = sq_object_sha256(self->store, self->path, self->sha256, &self->size);
    if (r == 0 && self->size == 0)
        r = -EINVAL;
    if (r < 0)
        return r;
    xw_autofree char *whole = sq_object_path(self->store, self->sha256, "");
    xw_autofree char *folder = whole == NULL ? NULL : strdup(whole);
    if (folder == NULL)
        return -ENOMEM;
    *strrchr(folder, '/') = '\0';
    r = xw_file_make_dirs(folder, 0750);
    if (r == 0)
        r = link_into(self->store, self->path, whole, self->size);
    if (r == 0)
        r = xw_file_sync_parent(whole);
    if (r == 0)
        r = xw_fault_point("store.object.import");
    return r;
}

static void import_work(void *arg)
{
    struct import_job *self = arg;
    self->result = import_now(self);
}

static int import_stage(struct sq_store *store, struct sq_job *job)
{
    struct import_job *self = XW_CONTAINER_OF(job, struct import_job, job);
    sqlite3_stmt *set = sq_get(&store->writer.conn, SQ_OBJECT_SET);
    sq_bind_bytes(set, 1, self->sha256, 32);
    sq_bind_u64(set, 2, self->size);
    sq_bind_text(set, 3, self->media_type);
    (void)sqlite3_bind_int(set, 4, 1);
    int r = sq_run(set);
    return r < 0 ? sq_fail(store, r) : 0;
}

static void import_finish(struct import_job *self)
{
    struct sq_objects *objects = self->store->objects;
    struct object *object = NULL;
    if (self->result == 0) {
        object = sq_object_find(objects, self->sha256);
        if (object == NULL)
            object = sq_object_add(objects, self->sha256, self->size, self->media_type);
        if (object == NULL)
            self->result = -ENOMEM;
    }
    if (object != NULL) {
        object->state.size = object->state.held = object->expected = self->size;
        object->state.verified = object->has_row = true;
    }
    self->done(self->user, self->result, object == NULL ? NULL : &object->state);
    free(self->path);
    free(self);
}

static void import_row_done(struct sq_store *store, struct sq_job *job)
{
    (void)store;
    struct import_job *self = XW_CONTAINER_OF(job, struct import_job, job);
    if (job->status < 0)
        self->result = job->status;
    import_finish(self);
}

static void import_done(void *arg, int status)
{
    struct import_job *self = arg;
    if (status < 0)
        self->result = status;
    self->job = (struct sq_job){.stage = import_stage, .done = import_row_done};
    if (self->result == 0) {
        self->result = sq_post(self->store, &self->job);
        if (self->result == 0)
            return;
    }
    import_finish(self);
}

int sq_object_import(struct xw_store *base, const char *path, const char *media_type,
                     xw_store_object_fn done, void *user)
{
    struct sq_store *store = sq_of(base);
    if (store->closing)
        return -ECANCELED;
    struct import_job *self = calloc(1, sizeof *self);
    if (self == NULL)
        return -ENOMEM;
    *self = (struct import_job){.store = store, .path = strdup(path), .done = done, .user = user};
    memcpy(self->media_type, media_type, strnlen(media_type, STORE_MEDIA_MAX));
    int r =
        self->path == NULL ? -ENOMEM : xw_pool_submit(store->shelf, import_work, import_done, self);
    if (r < 0) {
        free(self->path);
        free(self);
    }
    return r;
}

/* ---- removal ---- */

struct remove_job {
    struct sq_job job;
    struct sq_store *store;
    uint8_t sha256[32];
    int result;
    xw_store_status_fn done;
    void *user;
};

/* Whoever asked for it forgets the object then: after a power cut nobody would look for a file that
 * came back. */
static int unlink_durably(const char *path)
{
    if (unlink(path) < 0 && errno != ENOENT)
        return -errno;
    int r = xw_file_sync_parent(path);
    return r == -ENOENT ? 0 : r;
}

static void remove_work(void *arg)
{
    struct remove_job *self = arg;
    xw_autofree char *whole = sq_object_path(self->store, self->sha256, "");
    if (whole == NULL)
        self->result = -ENOMEM;
    else
        self->result = unlink_durably(whole);
}

static void remove_end(void *arg, int status)
{
    struct remove_job *self = arg;
    self->done(self->user, status < 0 ? status : self->result);
    free(self);
}

static int remove_stage(struct sq_store *store, struct sq_job *job)
{
    struct remove_job *self = XW_CONTAINER_OF(job, struct remove_job, job);
    sqlite3_stmt *del = sq_get(&store->writer.conn, SQ_OBJECT_DEL);
    sq_bind_bytes(del, 1, self->sha256, 32);
    int r = sq_run(del);
    return r < 0 ? sq_fail(store, r) : 0;
}

static void remove_row_done(struct sq_store *store, struct sq_job *job)
{
    struct remove_job *self = XW_CONTAINER_OF(job, struct remove_job, job);
    struct object *object = sq_object_find(store->objects, self->sha256);
    int r = job->status;
    if (r == 0 && object != NULL)
        sq_object_drop(store->objects, object);
    if (r == 0)
        r = xw_fault_point("store.object.remove");
    if (r == 0)
        r = xw_pool_submit(store->shelf, remove_work, remove_end, self);
    if (r < 0)
        remove_end(self, r);
}

int sq_object_remove(struct xw_store *base, const uint8_t *sha256, xw_store_status_fn done,
                     void *user)
{
    struct sq_store *store = sq_of(base);
    const struct object *object = sq_object_find(store->objects, sha256);
    if (store->closing)
        return -ECANCELED;
    if (object != NULL && object->expected != object->state.held)
        return -EBUSY;
    struct remove_job *self = calloc(1, sizeof *self);
    if (self == NULL)
        return -ENOMEM;
    *self = (struct remove_job){.store = store, .done = done, .user = user};
    memcpy(self->sha256, sha256, 32);
    self->job = (struct sq_job){.stage = remove_stage, .done = remove_row_done};
    int r = sq_post(store, &self->job);
    if (r < 0)
        free(self);
    return r;
}
