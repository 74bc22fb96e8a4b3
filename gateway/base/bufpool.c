/* The bounded pool of shared buffers: one slab, a free list, reference counts. */
#include "base/buf.h"

#include <pthread.h>
#include <string.h>

struct xw_bufpool {
    pthread_mutex_t lock;
    struct xw_pbuf *free_list;
    size_t free_n;
    size_t count_n;
    _Atomic uint64_t refused_n;
    uint8_t *slab;
    struct xw_pbuf bufs[];
};

int xw_bufpool_new(size_t count_n, size_t cap_n_bytes, struct xw_bufpool **ret_pool)
{
    if (count_n == 0 || cap_n_bytes == 0 || count_n > SIZE_MAX / 2 / sizeof(struct xw_pbuf) ||
        cap_n_bytes > SIZE_MAX / 2 / count_n - 64)
        return -EINVAL;
    size_t step = (cap_n_bytes + 63) & ~(size_t)63;
    struct xw_bufpool *pool = calloc(1, sizeof(*pool) + count_n * sizeof(pool->bufs[0]));
    if (!pool)
        return -ENOMEM;
    pool->slab = aligned_alloc(64, step * count_n);
    if (!pool->slab) {
        free(pool);
        return -ENOMEM;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pool->count_n = pool->free_n = count_n;
    for (size_t i = count_n; i-- > 0;) {
        struct xw_pbuf *b = &pool->bufs[i];
        b->pool = pool;
        b->data = pool->slab + i * step;
        b->cap = cap_n_bytes;
        b->next_free = pool->free_list;
        pool->free_list = b;
    }
    *ret_pool = pool;
    return 0;
}

void xw_bufpool_free(struct xw_bufpool *pool)
{
    if (!pool)
        return;
    pthread_mutex_destroy(&pool->lock);
    free(pool->slab);
    free(pool);
}

int xw_bufpool_get(struct xw_bufpool *pool, struct xw_pbuf **ret_pbuf)
{
    pthread_mutex_lock(&pool->lock);
    struct xw_pbuf *b = pool->free_list;
    if (b) {
        pool->free_list = b->next_free;
        pool->free_n--;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!b) {
        atomic_fetch_add_explicit(&pool->refused_n, 1, memory_order_relaxed);
        return -EAGAIN;
    }
    b->next_free = NULL;
    b->n = 0;
    atomic_store_explicit(&b->refs, 1, memory_order_relaxed);
    *ret_pbuf = b;
    return 0;
}

struct xw_pbuf *xw_pbuf_ref(struct xw_pbuf *pbuf)
{
    atomic_fetch_add_explicit(&pbuf->refs, 1, memory_order_relaxed);
    return pbuf;
}

void xw_pbuf_unref(struct xw_pbuf *pbuf)
{
    /* Release on each drop and acquire on the last: everything done with the buffer by any holder
     * comes before its next use. */
    if (!pbuf || atomic_fetch_sub_explicit(&pbuf->refs, 1, memory_order_acq_rel) != 1)
        return;
    struct xw_bufpool *pool = pbuf->pool;
    pthread_mutex_lock(&pool->lock);
    pbuf->next_free = pool->free_list;
    pool->free_list = pbuf;
    pool->free_n++;
    pthread_mutex_unlock(&pool->lock);
}

size_t xw_bufpool_free_n(struct xw_bufpool *pool)
{
    pthread_mutex_lock(&pool->lock);
    size_t n = pool->free_n;
    pthread_mutex_unlock(&pool->lock);
    return n;
}

uint64_t xw_bufpool_refused_n(struct xw_bufpool *pool)
{
    return atomic_load_explicit(&pool->refused_n, memory_order_relaxed);
}
