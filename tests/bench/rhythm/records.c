/* Annotations to segments. */
#include "bench/rhythm/records.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int xw_rhythm_list(const char *data, const char *database, const char *suffix,
                   struct xw_rhythm_list *ret_list)
{
    char folder[XW_RHYTHM_PATH_BYTES];
    snprintf(folder, sizeof(folder), "%s/%s", data, database);
    struct dirent **entries;
    int n = scandir(folder, &entries, NULL, alphasort);
    ret_list->n = 0;
    if (n < 0)
        return -ENOENT;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        size_t length = strlen(name), tail = strlen(suffix);
        if (length > tail + 1 && length - tail - 1 < XW_RHYTHM_NAME_BYTES &&
            ret_list->n < XW_RHYTHM_RECORDS_MAX && name[length - tail - 1] == '.' &&
            strcmp(name + length - tail, suffix) == 0) {
            char *to = ret_list->name[ret_list->n++];
            memcpy(to, name, length - tail - 1);
            to[length - tail - 1] = 0;
        }
        free(entries[i]);
    }
    free(entries);
    return ret_list->n ? 0 : -ENOENT;
}

static void add(struct xw_rhythm_segments *s, int64_t first, const char *name, size_t name_n)
{
    if (s->n)
        s->at[s->n - 1].end = first;
    struct xw_rhythm_segment *to = &s->at[s->n++];
    to->first = first;
    name_n = name_n < sizeof(to->name) ? name_n : sizeof(to->name) - 1;
    memcpy(to->name, name, name_n);
    to->name[name_n] = 0;
}

int xw_rhythm_segments_load(const char *path, int64_t end, struct xw_rhythm_segments *ret_segments)
{
    struct xw_wfdb_annotations a;
    struct xw_wfdb_error error = {0};
    int result = xw_wfdb_annotations_load(path, &a, &error);
    if (result < 0)
        return result;
    struct xw_rhythm_segments s = {calloc(a.n + 1, sizeof(*s.at)), 0};
    for (size_t i = 0; s.at && i < a.n; i++) {
        if (a.at[i].code == XW_WFDB_VFON)
            add(&s, a.at[i].sample, "VF", 2);
        else if (a.at[i].code == XW_WFDB_VFOFF)
            add(&s, a.at[i].sample, "", 0);
        else if (a.at[i].aux && a.at[i].aux[0] == '(')
            add(&s, a.at[i].sample, a.at[i].aux + 1, strlen(a.at[i].aux + 1));
    }
    if (s.n)
        s.at[s.n - 1].end = end > 0 ? end : a.at[a.n - 1].sample + 1;
    xw_wfdb_annotations_done(&a);
    if (!s.at)
        return -ENOMEM;
    *ret_segments = s;
    return 0;
}

void xw_rhythm_segments_done(struct xw_rhythm_segments *segments)
{
    free(segments->at);
    segments->at = NULL;
    segments->n = 0;
}

const char *xw_rhythm_name_at(const struct xw_rhythm_segments *segments, int64_t sample,
                              size_t *hint)
{
    while (*hint + 1 < segments->n && segments->at[*hint].end <= sample)
        ++*hint;
    const struct xw_rhythm_segment *s = *hint < segments->n ? &segments->at[*hint] : NULL;
    return s && s->first <= sample && sample < s->end ? s->name : "";
}

static double percent(double part, double rest)
{
    return part + rest > 0 ? 100 * part / (part + rest) : 0;
}

double xw_rhythm_se(const struct xw_rhythm_durations *d)
{
    return percent(d->both, d->missed);
}

double xw_rhythm_sp(const struct xw_rhythm_durations *d)
{
    return percent(d->neither, d->extra);
}

double xw_rhythm_ppv(const struct xw_rhythm_durations *d)
{
    return percent(d->both, d->extra);
}
