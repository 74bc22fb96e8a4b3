/* An object that has asynchronous calls outstanding (store reads, commits) when its owner frees it.
 *
 * Each outstanding call holds a reference; the owner's free marks the object dead and gives up its
 * own. Callbacks look at `dead` first. Threads: loop thread only.
 */
#ifndef XW_LINK_LIFE_H
#define XW_LINK_LIFE_H

#include "base/base.h"

struct xw_life {
    unsigned refs_n;
    bool dead;
    void (*destroy)(struct xw_life *life);
};

static inline void xw_life_init(struct xw_life *life, void (*destroy)(struct xw_life *life))
{
    *life = (struct xw_life){.refs_n = 1, .destroy = destroy};
}
static inline void xw_life_ref(struct xw_life *life)
{
    life->refs_n++;
}
static inline void xw_life_unref(struct xw_life *life)
{
    if (--life->refs_n == 0)
        life->destroy(life);
}
static inline void xw_life_end(struct xw_life *life)
{
    life->dead = true;
    xw_life_unref(life);
}

#endif
