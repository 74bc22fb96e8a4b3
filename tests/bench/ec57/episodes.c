/* Episodes: by duration and by number. */
#include "bench/ec57/ec57.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool in_list(const char *list, const char *name, size_t name_n)
{
    while (*list) {
        size_t n = strcspn(list, ",");
        if (n == name_n && strncmp(list, name, n) == 0)
            return true;
        list += n + (list[n] == ',');
    }
    return false;
}

static void open_span(struct xw_ec57_spans *s, bool *open, int64_t at)
{
    if (*open)
        return;
    *open = true;
    if (s->n && s->one[s->n - 1].end >= at)
        s->n--;
    else
        s->one[s->n].first = at;
}

static void close_span(struct xw_ec57_spans *s, bool *open, int64_t at)
{
    if (!*open)
        return;
    *open = false;
    s->one[s->n++].end = at;
}

int xw_ec57_spans_of(const struct xw_wfdb_annotations *annotations, const char *rhythms,
                     int64_t end, struct xw_ec57_spans *ret_spans)
{
    bool open = false, rhythm = false, flutter = false, brackets = in_list(rhythms, "[", 1);
    ret_spans->n = 0;
    ret_spans->one = calloc(annotations->n + 2, sizeof(*ret_spans->one));
    if (!ret_spans->one)
        return -ENOMEM;
    for (size_t i = 0; i < annotations->n; i++) {
        const struct xw_wfdb_annotation *a = &annotations->at[i];
        if (a->code == XW_WFDB_RHYTHM && a->aux)
            rhythm = in_list(rhythms, a->aux, strlen(a->aux));
        else if (a->code == XW_WFDB_VFON)
            flutter = brackets;
        else if (a->code == XW_WFDB_VFOFF)
            flutter = false;
        else
            continue;
        if (rhythm || flutter)
            open_span(ret_spans, &open, a->sample);
        else
            close_span(ret_spans, &open, a->sample);
    }
    close_span(ret_spans, &open, end);
    return 0;
}

void xw_ec57_spans_done(struct xw_ec57_spans *spans)
{
    free(spans->one);
    spans->one = NULL;
    spans->n = 0;
}

struct edge {
    int64_t at;
    int which, step;
};

static int by_time(const void *a, const void *b)
{
    const struct edge *x = a, *y = b;
    return (x->at > y->at) - (x->at < y->at);
}

static size_t add_edges(const struct xw_ec57_spans *spans, int which, struct edge *edge, size_t n)
{
    for (size_t i = 0; spans && i < spans->n; i++) {
        edge[n++] = (struct edge){spans->one[i].first, which, 1};
        edge[n++] = (struct edge){spans->one[i].end, which, -1};
    }
    return n;
}

static int64_t clip(int64_t at, int64_t start, int64_t end)
{
    return at < start ? start : at > end ? end : at;
}

static bool meets(const struct xw_ec57_span *a, const struct xw_ec57_spans *others)
{
    for (size_t i = 0; i < others->n; i++)
        if (others->one[i].first < a->end && a->first < others->one[i].end)
            return true;
    return false;
}

static bool is_within(const struct xw_ec57_span *a, const struct xw_ec57_spans *others)
{
    for (size_t i = 0; others && i < others->n; i++)
        if (others->one[i].first <= a->first && a->end <= others->one[i].end)
            return true;
    return false;
}

static void count(const struct xw_ec57_spans *these, const struct xw_ec57_spans *others,
                  const struct xw_ec57_spans *left_out, int64_t start, int64_t end, uint64_t *ret_n,
                  uint64_t *ret_met)
{
    for (size_t i = 0; i < these->n; i++) {
        struct xw_ec57_span s = {clip(these->one[i].first, start, end),
                                 clip(these->one[i].end, start, end)};
        if (s.first >= s.end || is_within(&s, left_out))
            continue;
        (*ret_n)++;
        *ret_met += meets(&s, others);
    }
}

int xw_ec57_overlap(const struct xw_ec57_spans *reference, const struct xw_ec57_spans *test,
                    const struct xw_ec57_spans *left_out, int64_t start, int64_t end,
                    double rate_hz, struct xw_ec57_episodes *episodes)
{
    size_t n = 2 * (reference->n + test->n + (left_out ? left_out->n : 0)) + 1;
    struct edge *edge = calloc(n, sizeof(*edge));
    if (!edge)
        return -ENOMEM;
    n = add_edges(reference, 0, edge, 0);
    n = add_edges(test, 1, edge, n);
    n = add_edges(left_out, 2, edge, n);
    edge[n++] = (struct edge){end, 0, 0};
    qsort(edge, n, sizeof(*edge), by_time);
    int depth[3] = {0};
    int64_t before = start;
    for (size_t i = 0; i < n; i++) {
        int64_t at = clip(edge[i].at, start, end);
        double seconds = (double)(at - before) / rate_hz;
        if (depth[2] == 0) {
            episodes->all_s += seconds;
            episodes->ref_s += depth[0] > 0 ? seconds : 0;
            episodes->test_s += depth[1] > 0 ? seconds : 0;
            episodes->both_s += depth[0] > 0 && depth[1] > 0 ? seconds : 0;
        }
        depth[edge[i].which] += edge[i].step;
        before = at;
    }
    free(edge);
    count(reference, test, left_out, start, end, &episodes->ref_n, &episodes->found_n);
    count(test, reference, left_out, start, end, &episodes->test_n, &episodes->right_n);
    return 0;
}
