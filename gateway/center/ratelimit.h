/* Wrong passwords: at most so many a minute per user and per address.
 *
 * A try is counted when it begins and given back when it was right, so that many at once do not
 * slip through. The table is bounded: the entry quiet longest makes room. Threads: loop thread
 * only. */
#ifndef XW_CENTER_RATELIMIT_H
#define XW_CENTER_RATELIMIT_H

#include "base/base.h"
#include "base/clock.h"

enum { XW_LIMITER_ENTRIES = 1024, XW_LIMITER_WINDOW_US = 60000000, XW_LIMITER_NAME_N = 64 };

struct xw_limiter;

XW_MUST_CHECK int xw_limiter_new(const struct xw_clock *clock, uint32_t tries_max,
                                 struct xw_limiter **ret_limiter);
void xw_limiter_free(struct xw_limiter *limiter);
/* True and counted, or false: too many within the last minute. kind 'u' user, 'a' address (of
 * IPv6: its /64). */
bool xw_limiter_try(struct xw_limiter *limiter, char kind, const char *name);
void xw_limiter_forgive(struct xw_limiter *limiter, char kind, const char *name);

#endif
