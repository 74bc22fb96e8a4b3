/* malloc and its like, which rules of `alloc` make fail. */
#include "disk_in.h"

#include <errno.h>
#include <stdlib.h>

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

static bool refused(void)
{
    if (!atomic_load_explicit(&disk_on, memory_order_relaxed) || !disk_rules.alloc || disk_inside)
        return false;
    disk_inside++;
    bool refuse = rules_ask(CALL_ALLOC, NULL, 0, 0) < 0;
    disk_inside--;
    if (refuse)
        errno = ENOMEM;
    return refuse;
}

void *malloc(size_t size)
{
    return refused() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return refused() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    return refused() ? NULL : __libc_realloc(memory, size);
}

void *reallocarray(void *memory, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(memory, bytes);
}

void *memalign(size_t align, size_t size)
{
    return refused() ? NULL : __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

int posix_memalign(void **ret_memory, size_t align, size_t size)
{
    int kept = errno;
    if (align % sizeof(void *) || (align & (align - 1)) || !align)
        return EINVAL;
    void *memory = memalign(align, size);
    errno = kept;
    if (!memory)
        return ENOMEM;
    *ret_memory = memory;
    return 0;
}
