/* Named fault points: where a test may kill the process, fail a call, or slow it down.
 *
 *   int r = xw_fault_point("store.commit");   // before the commit
 *   if (r < 0) return r;
 *
 * XW_FAULT="store.commit:after=3;link.send:prob=0.01:seed=7:error=EPIPE"
 *   after=N    let the first N passes through (default 0)
 *   times=K    act at most K times (default: no limit)
 *   prob=P     act with probability P at each pass, from a generator seeded by seed=S (a seed not
 *              given is drawn and printed)
 *   kill       SIGKILL to the process itself (the default action)
 *   error=NAME return -NAME (ENOSPC, EIO, EPIPE, …) from the fault point
 *   delay=MS   sleep MS milliseconds, then return 0
 * The names power, alloc and disk.* are rules of the fault file layer below all file calls and the
 * allocator (power cuts, failing calls: tests/disk/disk.h). The process then starts itself anew
 * with the layer preloaded; without it, as in an installed package, such a rule is an error.
 *
 * A name that no code has is an error at start (a test that never fires proves nothing); the plain
 * prefix "store.*" matches several.
 *
 * Cost when XW_FAULT is unset: one load of a flag. Threads: any. Fault points in a shared library
 * are registered with the copy of this module that the library was linked to. */
#ifndef XW_BASE_FAULT_H
#define XW_BASE_FAULT_H

#include "base/base.h"

#include <stdatomic.h>
#include <stdio.h>

struct xw_fault_rule;

struct xw_fault_site {
    const char *name;
    const char *file;
    int line;
    struct xw_fault_rule *rule; /* set by xw_fault_init; NULL = no rule */
};

extern atomic_bool xw_fault_armed;
int xw_fault_hit(struct xw_fault_site *site);

/* Yields 0 or a negative errno, or does not return. The name is a literal "module.place"; every use
 * is listed by --list-faults. Two uses of one name share one rule and its counters. */
#define xw_fault_point(name_)                                                                      \
    ({                                                                                             \
        static struct xw_fault_site xw_fault_site_ = {(name_), __FILE__, __LINE__, NULL};          \
        static struct xw_fault_site *xw_fault_entry_ __attribute__((used, section("xw_faults"))) = \
            &xw_fault_site_;                                                                       \
        (void)xw_fault_entry_;                                                                     \
        XW_UNLIKELY(atomic_load_explicit(&xw_fault_armed, memory_order_acquire))                   \
        ? xw_fault_hit(&xw_fault_site_) : 0;                                                       \
    })

/* Reads XW_FAULT; call once at start, before threads (xw_daemon_start does). 0 or -EINVAL with the
 * reason in ret_error. */
int xw_fault_init(char *ret_error, size_t n_bytes) XW_MUST_CHECK;
/* The same from a text; NULL or "" disarms. For tests; no other thread may be at a fault point. */
int xw_fault_configure(const char *text, char *ret_error, size_t n_bytes) XW_MUST_CHECK;
/* How often a named rule acted. */
uint64_t xw_fault_acted_n(const char *name);
/* One line a place: name, file:line; sorted. */
void xw_fault_list(FILE *out);

#endif
