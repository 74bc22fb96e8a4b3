/* malloc and its kin, counted. */
#include "unit/dsp/allocations.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define XW_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define XW_SANITIZED 1
#endif
#endif

static atomic_bool counting;
static atomic_uint_fast64_t calls_n;

bool xw_allocations_can_count(void)
{
#if defined(XW_SANITIZED) || !defined(__GLIBC__)
    return false;
#else
    return true;
#endif
}

void xw_allocations_begin(void)
{
    atomic_store(&calls_n, 0);
    atomic_store(&counting, true);
}

uint64_t xw_allocations_end(void)
{
    atomic_store(&counting, false);
    return atomic_load(&calls_n);
}

#if !defined(XW_SANITIZED) && defined(__GLIBC__)
void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t n, size_t bytes);
void *__libc_realloc(void *p, size_t bytes);
void *__libc_memalign(size_t align, size_t bytes);
void __libc_free(void *p);

static void count(void)
{
    if (atomic_load_explicit(&counting, memory_order_relaxed))
        atomic_fetch_add_explicit(&calls_n, 1, memory_order_relaxed);
}

void *malloc(size_t bytes)
{
    count();
    return __libc_malloc(bytes);
}

void *calloc(size_t n, size_t bytes)
{
    count();
    return __libc_calloc(n, bytes);
}

void *realloc(void *p, size_t bytes)
{
    count();
    return __libc_realloc(p, bytes);
}

void free(void *p)
{
    if (p)
        count();
    __libc_free(p);
}

void *aligned_alloc(size_t align, size_t bytes)
{
    count();
    return __libc_memalign(align, bytes);
}

void *memalign(size_t align, size_t bytes)
{
    count();
    return __libc_memalign(align, bytes);
}

int posix_memalign(void **ret_p, size_t align, size_t bytes)
{
    count();
    void *p = __libc_memalign(align, bytes);
    if (!p)
        return ENOMEM;
    *ret_p = p;
    return 0;
}
#endif
