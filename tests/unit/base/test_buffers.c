/* Byte buffers, the shared buffer pool, and the hand-over ring, single and with two threads. */
#include "support.h"

#include "base/buf.h"
#include "base/ring.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

static void buf_stops_at_its_limit_and_keeps_what_it_has(void **state)
{
    (void)state;
    XW_CLEANUP(xw_buf_done) struct xw_buf buf;
    xw_buf_init(&buf, 10);
    assert_int_equal(xw_buf_append_text(&buf, "12345"), 0);
    assert_int_equal(xw_buf_append_text(&buf, "678901"), -EOVERFLOW);
    assert_int_equal(xw_buf_printf(&buf, "%d", 678901), -EOVERFLOW);
    assert_int_equal(xw_buf_printf(&buf, "%d", 67890), 0); /* exactly full */
    assert_memory_equal(buf.data, "1234567890", 10);
    assert_int_equal(buf.n, 10);
    assert_int_equal(xw_buf_append(&buf, NULL, 0), 0);
    xw_buf_drop(&buf, 4);
    assert_int_equal(buf.n, 6);
    assert_memory_equal(buf.data, "567890", 6);
    size_t n;
    uint8_t *taken = xw_buf_take(&buf, &n);
    assert_int_equal(n, 6);
    assert_null(buf.data);
    free(taken);
    uint8_t *room;
    assert_int_equal(xw_buf_reserve(&buf, SIZE_MAX, &room), -EOVERFLOW);
}

static void pool_lends_each_buffer_once_and_counts_refusals(void **state)
{
    (void)state;
    struct xw_bufpool *pool;
    assert_int_equal(xw_bufpool_new(3, 100, &pool), 0);
    struct xw_pbuf *b[4];
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(xw_bufpool_get(pool, &b[i]), 0);
        assert_int_equal((uintptr_t)b[i]->data % 64, 0);
        memset(b[i]->data, (int)i, b[i]->cap);
    }
    assert_int_equal(xw_bufpool_get(pool, &b[3]), -EAGAIN);
    assert_int_equal(xw_bufpool_refused_n(pool), 1);
    assert_ptr_equal(xw_pbuf_ref(b[1]), b[1]);
    xw_pbuf_unref(b[1]);
    assert_int_equal(xw_bufpool_free_n(pool), 0); /* still one holder */
    assert_int_equal(b[1]->data[99], 1);
    xw_pbuf_unref(b[1]);
    assert_int_equal(xw_bufpool_free_n(pool), 1);
    xw_pbuf_unref(b[0]);
    xw_pbuf_unref(b[2]);
    xw_pbuf_unref(NULL);
    xw_bufpool_free(pool);
    xw_bufpool_free(NULL);
    assert_int_equal(xw_bufpool_new(0, 1, &pool), -EINVAL);
}

enum { HANDS = 4, LENDINGS = 20000 };

static void *use_pool(void *arg)
{
    struct xw_bufpool *pool = arg;
    for (int i = 0; i < LENDINGS; i++) {
        struct xw_pbuf *b;
        if (xw_bufpool_get(pool, &b) < 0)
            continue;
        b->data[0] = (uint8_t)i;
        b->n = 1;
        struct xw_pbuf *again = xw_pbuf_ref(b);
        xw_pbuf_unref(b);
        assert_int_equal(again->data[0], (uint8_t)i);
        xw_pbuf_unref(again);
    }
    return NULL;
}

static void pool_is_safe_from_many_threads(void **state)
{
    (void)state;
    struct xw_bufpool *pool;
    pthread_t threads[HANDS];
    assert_int_equal(xw_bufpool_new(2, 64, &pool), 0);
    for (size_t i = 0; i < HANDS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_pool, pool), 0);
    for (size_t i = 0; i < HANDS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(xw_bufpool_free_n(pool), 2);
    xw_bufpool_free(pool);
}

static void ring_keeps_order_and_refuses_when_full(void **state)
{
    (void)state;
    struct xw_ring ring;
    const void *data;
    size_t n;
    static const uint8_t zeros[2048];
    assert_int_equal(xw_ring_init(&ring, 1000), 0);
    assert_int_equal(ring.cap, 1024);
    assert_int_equal(xw_ring_peek(&ring, &data, &n), -EAGAIN);
    assert_int_equal(xw_ring_write(&ring, zeros, 505), -EMSGSIZE);
    /* Empty at every position: a largest record always fits. */
    for (int i = 0; i < 300; i++) {
        assert_int_equal(xw_ring_write(&ring, zeros, 504), 0);
        assert_int_equal(xw_ring_peek(&ring, &data, &n), 0);
        assert_int_equal(n, 504);
        xw_ring_consume(&ring);
        assert_int_equal(xw_ring_write(&ring, "x", (size_t)(i % 2)), 0);
        assert_int_equal(xw_ring_peek(&ring, &data, &n), 0);
        assert_int_equal(n, i % 2);
        xw_ring_consume(&ring);
    }
    uint32_t written = 0;
    while (xw_ring_write(&ring, &written, sizeof(written)) == 0)
        written++;
    assert_in_range(written, 60, 64);
    assert_int_equal(xw_ring_refused_n(&ring), 1);
    for (uint32_t i = 0; i < written; i++) {
        assert_int_equal(xw_ring_peek(&ring, &data, &n), 0);
        uint32_t v;
        memcpy(&v, data, sizeof(v));
        assert_int_equal(v, i);
        xw_ring_consume(&ring);
    }
    assert_int_equal(xw_ring_peek(&ring, &data, &n), -EAGAIN);
    xw_ring_done(&ring);
}

static void ring_record_may_shrink_between_reserve_and_commit(void **state)
{
    (void)state;
    struct xw_ring ring;
    const void *data;
    void *room;
    size_t n;
    assert_int_equal(xw_ring_init(&ring, 4096), 0);
    assert_int_equal(xw_ring_reserve(&ring, 100, &room), 0);
    assert_int_equal((uintptr_t)room % 8, 0);
    assert_int_equal(xw_ring_peek(&ring, &data, &n), -EAGAIN); /* not committed yet */
    memcpy(room, "abc", 3);
    xw_ring_commit(&ring, 3);
    assert_int_equal(xw_ring_peek(&ring, &data, &n), 0);
    assert_int_equal(n, 3);
    assert_memory_equal(data, "abc", 3);
    xw_ring_done(&ring);
}

enum { RECORDS = 100000 };

static size_t record_size(uint32_t i)
{
    return sizeof(uint32_t) + (i * 7919) % 150;
}

static void *produce(void *arg)
{
    struct xw_ring *ring = arg;
    uint8_t record[256];
    for (uint32_t i = 0; i < RECORDS; i++) {
        size_t n = record_size(i);
        memset(record, (int)(i & 0xFF), n);
        memcpy(record, &i, sizeof(i));
        while (xw_ring_write(ring, record, n) == -EAGAIN)
            sched_yield();
    }
    return NULL;
}

static void ring_hands_every_record_over_once_between_two_threads(void **state)
{
    (void)state;
    struct xw_ring ring;
    pthread_t producer;
    assert_int_equal(xw_ring_init(&ring, 4096), 0);
    assert_int_equal(pthread_create(&producer, NULL, produce, &ring), 0);
    for (uint32_t i = 0; i < RECORDS; i++) {
        const void *data;
        size_t n;
        while (xw_ring_peek(&ring, &data, &n) == -EAGAIN)
            sched_yield();
        uint32_t v;
        memcpy(&v, data, sizeof(v));
        assert_int_equal(v, i);
        assert_int_equal(n, record_size(i));
        if (n > sizeof(v))
            assert_int_equal(((const uint8_t *)data)[n - 1], i & 0xFF);
        xw_ring_consume(&ring);
    }
    pthread_join(producer, NULL);
    xw_ring_done(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_stops_at_its_limit_and_keeps_what_it_has),
        cmocka_unit_test(pool_lends_each_buffer_once_and_counts_refusals),
        cmocka_unit_test(pool_is_safe_from_many_threads),
        cmocka_unit_test(ring_keeps_order_and_refuses_when_full),
        cmocka_unit_test(ring_record_may_shrink_between_reserve_and_commit),
        cmocka_unit_test(ring_hands_every_record_over_once_between_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
