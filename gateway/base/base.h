/* What every C file of the gateway side may use: attributes, cleanup helpers, small macros.
 *
 * Threads: macros and inline functions only, no state.
 * Errors: the whole code base returns an int >= 0 or a negative errno; outputs come last, are named
 * ret_x and stay untouched on failure. */
#ifndef XW_BASE_BASE_H
#define XW_BASE_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* The caller has to look at the result: an ignored errno is a lost sample somewhere. */
#define XW_MUST_CHECK __attribute__((warn_unused_result))
/* Format checking as for printf; both positions count from 1. */
#define XW_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))
#define XW_UNUSED __attribute__((unused))
#define XW_LIKELY(x) __builtin_expect(!!(x), 1)
#define XW_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define XW_ARRAY_N(a) (sizeof(a) / sizeof((a)[0]))

/* Each argument is evaluated once; both should have the same type. They may be nested: every use
 * has variables of its own. */
#ifdef __CPPCHECK__ /* it cannot read expressions that are blocks */
#define XW_MIN(a, b) ((a) < (b) ? (a) : (b))
#define XW_MAX(a, b) ((a) > (b) ? (a) : (b))
#else
#define XW_MIN(a, b) XW_PICK_(a, b, <, XW_JOIN_(xw_a_, __COUNTER__), XW_JOIN_(xw_b_, __COUNTER__))
#define XW_MAX(a, b) XW_PICK_(a, b, >, XW_JOIN_(xw_a_, __COUNTER__), XW_JOIN_(xw_b_, __COUNTER__))
#endif
#define XW_JOIN_(x, y) XW_JOIN_AGAIN_(x, y)
#define XW_JOIN_AGAIN_(x, y) x##y
#define XW_PICK_(a, b, op, va, vb) XW_PICK_AGAIN_(a, b, op, va, vb)
#define XW_PICK_AGAIN_(a, b, op, va, vb)                                                           \
    ({                                                                                             \
        __typeof__(a) va = (a);                                                                    \
        __typeof__(b) vb = (b);                                                                    \
        va op vb ? va : vb;                                                                        \
    })

/* The struct of `type` whose `member` lies at `ptr`. */
#define XW_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

/* XW_CLEANUP(xw_buf_done) struct xw_buf b; runs xw_buf_done(&b) when b goes out of scope. */
#define XW_CLEANUP(fn) __attribute__((cleanup(fn)))

static inline void xw_cleanup_free(void *ptr_to_pointer)
{
    free(*(void **)ptr_to_pointer);
}

static inline void xw_cleanup_close(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* xw_autofree char *text = …;   xw_autoclose int fd = open(…);   (-1 and NULL are fine) */
#define xw_autofree XW_CLEANUP(xw_cleanup_free)
#define xw_autoclose XW_CLEANUP(xw_cleanup_close)

/* Hands an autofree pointer or autoclose descriptor on: yields its value, leaves NULL or -1. */
#define XW_STEAL(pointer)                                                                          \
    ({                                                                                             \
        __typeof__(pointer) xw_steal_ = (pointer);                                                 \
        (pointer) = NULL;                                                                          \
        xw_steal_;                                                                                 \
    })

static inline int xw_steal_fd(int *fd)
{
    int stolen = *fd;
    *fd = -1;
    return stolen;
}

#endif
