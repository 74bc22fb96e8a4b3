/* The list of metrics and their page. */
#include "base/metrics.h"

#include <dirent.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
static struct xw_metric *list;
static size_t list_n;

void xw_metrics_register(struct xw_metric *metric)
{
    pthread_mutex_lock(&list_lock);
    metric->next = list;
    list = metric;
    list_n++;
    pthread_mutex_unlock(&list_lock);
}

void xw_histogram_record(struct xw_histogram *histogram, int64_t value)
{
    size_t i = 0;
    while (i < histogram->bounds_n && value > histogram->bounds[i])
        i++;
    atomic_fetch_add_explicit(&histogram->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value, memory_order_relaxed);
}

static uint64_t bucket(const struct xw_histogram *histogram, size_t i)
{
    return atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
}

uint64_t xw_histogram_count(const struct xw_histogram *histogram)
{
    uint64_t n = 0;
    for (size_t i = 0; i <= histogram->bounds_n; i++)
        n += bucket(histogram, i);
    return n;
}

static int compare(const void *a, const void *b)
{
    const struct xw_metric *x = *(struct xw_metric *const *)a;
    const struct xw_metric *y = *(struct xw_metric *const *)b;
    int order = strcmp(x->name, y->name);
    return order ? order : strcmp(x->labels ? x->labels : "", y->labels ? y->labels : "");
}

static int render_histogram(const struct xw_histogram *h, struct xw_buf *ret_text)
{
    const char *name = h->metric.name;
    const char *labels = h->metric.labels ? h->metric.labels : "";
    const char *comma = *labels ? "," : "";
    uint64_t sum_n = 0;
    int r = 0;
    /* Buckets are cumulative on the page; the count is their sum, so that the two always agree. */
    for (size_t i = 0; i < h->bounds_n && r == 0; i++) {
        sum_n += bucket(h, i);
        r = xw_buf_printf(ret_text, "%s_bucket{%s%sle=\"%" PRId64 "\"} %" PRIu64 "\n", name, labels,
                          comma, h->bounds[i], sum_n);
    }
    sum_n += bucket(h, h->bounds_n);
    if (r == 0)
        r = xw_buf_printf(ret_text, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", name, labels, comma,
                          sum_n);
    const char *open = *labels ? "{" : "";
    const char *close = *labels ? "}" : "";
    int64_t sum = atomic_load_explicit(&h->sum, memory_order_relaxed);
    if (r == 0)
        r = xw_buf_printf(ret_text, "%s_sum%s%s%s %" PRId64 "\n%s_count%s%s%s %" PRIu64 "\n", name,
                          open, labels, close, sum, name, open, labels, close, sum_n);
    return r;
}

static int render_one(const struct xw_metric *m, struct xw_buf *ret_text)
{
    const char *open = m->labels ? "{" : "";
    const char *labels = m->labels ? m->labels : "";
    const char *close = m->labels ? "}" : "";
    switch (m->kind) {
    case XW_METRIC_COUNTER:
        return xw_buf_printf(ret_text, "%s%s%s%s %" PRIu64 "\n", m->name, open, labels, close,
                             xw_counter_get(XW_CONTAINER_OF(m, struct xw_counter, metric)));
    case XW_METRIC_GAUGE:
        return xw_buf_printf(ret_text, "%s%s%s%s %" PRId64 "\n", m->name, open, labels, close,
                             xw_gauge_get(XW_CONTAINER_OF(m, struct xw_gauge, metric)));
    case XW_METRIC_HISTOGRAM:
        return render_histogram(XW_CONTAINER_OF(m, struct xw_histogram, metric), ret_text);
    }
    return -EINVAL;
}

static size_t open_files_n(void)
{
    size_t n = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n > 3 ? n - 3 : 0; /* without ".", ".." and the folder's own descriptor */
}

static uint64_t resident_n_bytes(void)
{
    char text[128] = "";
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    size_t n = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    text[n] = '\0';
    char *blank = strchr(text, ' ');
    return blank ? strtoull(blank, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static int render_process(struct xw_buf *ret_text)
{
    struct rusage u = {0};
    getrusage(RUSAGE_SELF, &u);
    double cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
                   (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1e-6;
    return xw_buf_printf(ret_text,
                         "# TYPE process_cpu_seconds_total counter\n"
                         "process_cpu_seconds_total %.6f\n"
                         "# TYPE process_resident_memory_bytes gauge\n"
                         "process_resident_memory_bytes %" PRIu64 "\n"
                         "# TYPE process_open_fds gauge\n"
                         "process_open_fds %zu\n",
                         cpu_s, resident_n_bytes(), open_files_n());
}

static struct xw_metric **snapshot(size_t *ret_n)
{
    pthread_mutex_lock(&list_lock);
    struct xw_metric **all = calloc(list_n + 1, sizeof(struct xw_metric *));
    size_t n = 0;
    for (struct xw_metric *m = list; all && m; m = m->next)
        all[n++] = m;
    pthread_mutex_unlock(&list_lock);
    *ret_n = n;
    return all;
}

int xw_metrics_render(struct xw_buf *ret_text)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    size_t n;
    xw_autofree struct xw_metric **all = snapshot(&n);
    if (!all)
        return -ENOMEM;
    qsort(all, n, sizeof(struct xw_metric *), compare);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++) {
        if (i == 0 || strcmp(all[i]->name, all[i - 1]->name) != 0)
            r = xw_buf_printf(ret_text, "# HELP %s %s\n# TYPE %s %s\n", all[i]->name, all[i]->help,
                              all[i]->name, types[all[i]->kind]);
        if (r == 0)
            r = render_one(all[i], ret_text);
    }
    return r < 0 ? r : render_process(ret_text);
}
