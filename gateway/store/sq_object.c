/* Objects: encrypted files (vault/sealed.h) DIR/objects/aa/HASH, while partial HASH.part. Bytes are
 * synced before they count as held; the name without .part appears only after the hash of the
 * content was found right.
 *
 * What an object is (size, media type) is a row of meta.db; the loop has all rows in memory. */
#include "store/sq_object.h"

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

int sq_file_sync(const char *path)
{
    xw_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fdatasync(fd) < 0)
        return -errno;
    return 0;
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

uint64_t sq_object_content(const char *path)
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
    object->state.verified = sq_object_content(whole) == object->state.size;
    object->state.held = object->state.verified
                             ? object->state.size
                             : held_of_part(object->state.size, sq_object_content(part));
    object->expected = object->state.held;
    if (verified && !object->state.verified)
        xw_log_error("store.object_missing");
    /* Found whole and not told yet, or in part: neither its name nor all its bytes need be on the
     * disk, and what is held is told as durable. */
    if (object->state.held == 0 || verified)
        return 0;
    int r = sq_file_sync(object->state.verified ? whole : part);
    return r < 0 ? r : xw_file_sync_parent(whole);
}

/* Folders of objects whose maker was killed before their names were on the disk. */
static int sync_folders(const struct sq_store *store)
{
    xw_autofree char *folder = NULL, *any = NULL;
    if (asprintf(&folder, "%s/objects", store->dir) < 0) {
        folder = NULL;
        return -ENOMEM;
    }
    if (asprintf(&any, "%s/objects/-", store->dir) < 0) {
        any = NULL;
        return -ENOMEM;
    }
    if (access(folder, F_OK) < 0)
        return 0;
    int r = xw_file_sync_parent(any);
    return r < 0 ? r : xw_file_sync_parent(folder);
}

int sq_objects_open(struct sq_store *store)
{
    store->objects = calloc(1, sizeof *store->objects);
    if (store->objects == NULL)
        return -ENOMEM;
    int r = sync_folders(store);
    if (r < 0)
        return r;
    sqlite3_stmt *rows = sq_get(&store->writer.conn, SQ_OBJECT_ALL);
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
