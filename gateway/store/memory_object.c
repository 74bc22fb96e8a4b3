/* The model's objects: one piece of memory each. */
#include "store/memory.h"

#include "base/file.h"

#include <openssl/evp.h>
#include <string.h>

static struct mem_object *find(const struct mem_store *store, const uint8_t *sha256)
{
    for (size_t i = 0; i < store->objects_n; i++)
        if (memcmp(store->objects[i]->state.sha256, sha256, 32) == 0)
            return store->objects[i];
    return NULL;
}

int mem_object_get(struct xw_store *base, const uint8_t *sha256, struct xw_store_object *ret_object)
{
    const struct mem_object *object = find(mem_of(base), sha256);
    if (object == NULL)
        return -ENOENT;
    *ret_object = object->state;
    return 0;
}

struct write_request {
    struct mem_request request;
    struct mem_object *object;
    uint64_t offset;
    size_t size;
    xw_store_object_fn done;
    void *user;
};

static void write_run(struct mem_store *store, struct mem_request *request)
{
    (void)store;
    struct write_request *self = XW_CONTAINER_OF(request, struct write_request, request);
    struct xw_store_object *state = &self->object->state;
    int r = 0;
    state->held = self->offset + self->size;
    if (state->held == state->size) {
        uint8_t sum[EVP_MAX_MD_SIZE];
        mem_must(EVP_Digest(self->object->data, state->size, sum, NULL, EVP_sha256(), NULL) == 1
                     ? 0
                     : -EIO);
        state->verified = memcmp(sum, state->sha256, 32) == 0;
        if (!state->verified) {
            state->held = self->object->expected = 0;
            r = -EBADMSG;
        }
    }
    if (self->done != NULL)
        self->done(self->user, r, state);
    free(self);
}

int mem_object_write(struct xw_store *base, const struct store_object_part *part,
                     xw_store_object_fn done, void *user)
{
    struct mem_store *store = mem_of(base);
    struct mem_object *object = find(store, part->sha256);
    if (store->closing)
        return -ECANCELED;
    if (object != NULL && object->state.size != part->size)
        return -EINVAL;
    if ((object == NULL ? 0 : object->expected) != part->offset ||
        (object != NULL && object->state.verified))
        return -ESPIPE;
    if (object == NULL) {
        object = mem_zeroed(1, sizeof *object);
        object->data = mem_zeroed(part->size + 1, 1);
        object->state.size = part->size;
        memcpy(object->state.sha256, part->sha256, 32);
        memcpy(object->state.media_type, part->media_type, sizeof part->media_type);
        MEM_PUSH_POINTER(store->objects, store->objects_n, store->objects_cap);
        store->objects[store->objects_n++] = object;
    }
    if (part->data_size > 0)
        memcpy(object->data + part->offset, part->data, part->data_size);
    object->expected = part->offset + part->data_size;
    struct write_request self = {.request.run = write_run,
                                 .object = object,
                                 .offset = part->offset,
                                 .size = part->data_size,
                                 .done = done,
                                 .user = user};
    mem_later(store, &((struct write_request *)mem_copy(&self, sizeof self))->request);
    return 0;
}

struct import_request {
    struct mem_request request;
    struct mem_object *object;
    int result;
    xw_store_object_fn done;
    void *user;
};

static void import_run(struct mem_store *store, struct mem_request *request)
{
    (void)store;
    struct import_request *self = XW_CONTAINER_OF(request, struct import_request, request);
    self->done(self->user, self->result, self->object == NULL ? NULL : &self->object->state);
    free(self);
}

static struct mem_object *import_bytes(struct mem_store *store, uint8_t *data, size_t size,
                                       const char *media_type)
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    mem_must(EVP_Digest(data, size, sum, NULL, EVP_sha256(), NULL) == 1 ? 0 : -EIO);
    struct mem_object *object = find(store, sum);
    if (object == NULL) {
        object = mem_zeroed(1, sizeof *object);
        MEM_PUSH_POINTER(store->objects, store->objects_n, store->objects_cap);
        store->objects[store->objects_n++] = object;
        memcpy(object->state.sha256, sum, 32);
        memcpy(object->state.media_type, media_type, strlen(media_type));
    }
    free(object->data);
    object->data = data;
    object->state.size = object->state.held = object->expected = size;
    object->state.verified = true;
    return object;
}

int mem_object_import(struct xw_store *base, const char *path, const char *media_type,
                      xw_store_object_fn done, void *user)
{
    struct mem_store *store = mem_of(base);
    struct import_request self = {.request.run = import_run, .done = done, .user = user};
    uint8_t *data = NULL;
    size_t size = 0;
    if (store->closing)
        return -ECANCELED;
    self.result = xw_file_read(path, SIZE_MAX / 2, &data, &size);
    if (self.result == 0 && size == 0)
        self.result = -EINVAL;
    if (self.result == 0)
        self.object = import_bytes(store, data, size, media_type);
    else
        free(data);
    mem_later(store, &((struct import_request *)mem_copy(&self, sizeof self))->request);
    return 0;
}

struct remove_request {
    struct mem_request request;
    uint8_t sha256[32];
    xw_store_status_fn done;
    void *user;
};

static void remove_run(struct mem_store *store, struct mem_request *request)
{
    struct remove_request *self = XW_CONTAINER_OF(request, struct remove_request, request);
    struct mem_object *object = find(store, self->sha256);
    for (size_t i = 0; object != NULL && i < store->objects_n; i++) {
        if (store->objects[i] != object)
            continue;
        store->objects[i] = store->objects[--store->objects_n];
        free(object->data);
        free(object);
        break;
    }
    self->done(self->user, 0);
    free(self);
}

int mem_object_remove(struct xw_store *base, const uint8_t *sha256, xw_store_status_fn done,
                      void *user)
{
    struct mem_store *store = mem_of(base);
    const struct mem_object *object = find(store, sha256);
    struct remove_request self = {.request.run = remove_run, .done = done, .user = user};
    if (store->closing)
        return -ECANCELED;
    if (object != NULL && object->expected != object->state.held)
        return -EBUSY;
    memcpy(self.sha256, sha256, 32);
    mem_later(store, &((struct remove_request *)mem_copy(&self, sizeof self))->request);
    return 0;
}

struct read_request {
    struct mem_request request;
    struct mem_object *object;
    uint64_t offset;
    size_t size;
    xw_store_bytes_fn done;
    void *user;
};

static void read_run(struct mem_store *store, struct mem_request *request)
{
    (void)store;
    struct read_request *self = XW_CONTAINER_OF(request, struct read_request, request);
    self->done(self->user, 0, self->object->data + self->offset, self->size);
    free(self);
}

int mem_object_read(struct xw_store *base, const uint8_t *sha256, uint64_t offset, size_t max_size,
                    xw_store_bytes_fn done, void *user)
{
    struct mem_object *object = find(mem_of(base), sha256);
    if (object == NULL)
        return -ENOENT;
    if (offset > object->state.held)
        return -EINVAL;
    uint64_t size = XW_MIN(object->state.held - offset, (uint64_t)STORE_OBJECT_CHUNK_MAX);
    size = XW_MIN(size, (uint64_t)max_size);
    struct read_request self = {.request.run = read_run,
                                .object = object,
                                .offset = offset,
                                .size = (size_t)size,
                                .done = done,
                                .user = user};
    mem_later(mem_of(base), &((struct read_request *)mem_copy(&self, sizeof self))->request);
    return 0;
}

void mem_objects_free(struct mem_store *store)
{
    for (size_t i = 0; i < store->objects_n; i++) {
        free(store->objects[i]->data);
        free(store->objects[i]);
    }
    free(store->objects);
}
