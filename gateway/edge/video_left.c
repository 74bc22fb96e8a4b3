/* What lies in the folder of recordings. */
#include "edge/video_left.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The ending behind an id, or NULL. */
static const char *ending_of(const char *name, struct xw_uuid *ret_id)
{
    char id[XW_UUID_TEXT_N_BYTES];
    if (strlen(name) < XW_UUID_TEXT_N_BYTES)
        return NULL;
    memcpy(id, name, XW_UUID_TEXT_N_BYTES - 1);
    id[XW_UUID_TEXT_N_BYTES - 1] = 0;
    return xw_uuid_parse(id, ret_id) == 0 ? name + XW_UUID_TEXT_N_BYTES - 1 : NULL;
}

static int by_age(const void *a, const void *b)
{
    return xw_uuid_compare(a, b);
}

/* Two files of one recording have one id. */
static size_t once(struct xw_uuid *ids, size_t n)
{
    size_t kept = 0;
    if (n)
        qsort(ids, n, sizeof(*ids), by_age);
    for (size_t i = 0; i < n; i++)
        if (!kept || !xw_uuid_equal(&ids[kept - 1], &ids[i]))
            ids[kept++] = ids[i];
    return kept;
}

size_t xw_video_left(const char *clips_dir, struct xw_uuid *ret_left, size_t max)
{
    DIR *dir = opendir(clips_dir);
    struct dirent *entry;
    size_t n = 0;
    while (dir && (entry = readdir(dir))) {
        struct xw_uuid id;
        const char *ending = ending_of(entry->d_name, &id);
        if (ending && (!strcmp(ending, ".clip.tmp") || !strcmp(ending, ".part.tmp")))
            (void)unlinkat(dirfd(dir), entry->d_name, 0);
        else if (ending && (!strcmp(ending, ".part") || !strcmp(ending, ".clip")) && n < max)
            ret_left[n++] = id;
    }
    if (dir)
        closedir(dir);
    return once(ret_left, n);
}
