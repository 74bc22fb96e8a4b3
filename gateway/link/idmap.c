/* Open addressing with linear probing; deletion moves later entries of the run back, no tombstones.
 */
#include "link/idmap.h"

#include <string.h>

void xw_idmap_init(struct xw_idmap *map, size_t max_n)
{
    *map = (struct xw_idmap){.max = max_n};
}

void xw_idmap_done(struct xw_idmap *map)
{
    free(map->slots);
    *map = (struct xw_idmap){0};
}

/* The slot that holds id, or the free one where it belongs. */
static struct xw_idmap_slot *probe(struct xw_idmap_slot *slots, size_t cap,
                                   const struct xw_uuid *id)
{
    size_t i = (size_t)xw_uuid_hash(id) & (cap - 1);
    while (slots[i].value && !xw_uuid_equal(&slots[i].id, id))
        i = (i + 1) & (cap - 1);
    return &slots[i];
}

void *xw_idmap_get(const struct xw_idmap *map, const struct xw_uuid *id)
{
    return map->cap ? probe(map->slots, map->cap, id)->value : NULL;
}

static int grow(struct xw_idmap *map)
{
    size_t cap = map->cap ? map->cap * 2 : 16;
    struct xw_idmap_slot *slots = calloc(cap, sizeof(*slots));
    if (!slots)
        return -ENOMEM;
    for (size_t i = 0; i < map->cap; i++)
        if (map->slots[i].value)
            *probe(slots, cap, &map->slots[i].id) = map->slots[i];
    free(map->slots);
    map->slots = slots;
    map->cap = cap;
    return 0;
}

int xw_idmap_put(struct xw_idmap *map, const struct xw_uuid *id, void *value)
{
    if (map->n >= map->max)
        return -EOVERFLOW;
    if ((map->n + 1) * 4 > map->cap * 3) {
        int r = grow(map);
        if (r < 0)
            return r;
    }
    *probe(map->slots, map->cap, id) = (struct xw_idmap_slot){*id, value};
    map->n++;
    return 0;
}

void xw_idmap_delete(struct xw_idmap *map, const struct xw_uuid *id)
{
    if (!map->cap)
        return;
    struct xw_idmap_slot *slot = probe(map->slots, map->cap, id);
    if (!slot->value)
        return;
    size_t mask = map->cap - 1, hole = (size_t)(slot - map->slots);
    for (size_t i = (hole + 1) & mask; map->slots[i].value; i = (i + 1) & mask) {
        size_t home = (size_t)xw_uuid_hash(&map->slots[i].id) & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole].value = NULL;
    map->n--;
}
