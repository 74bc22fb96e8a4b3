/* Counters, gauges and histograms for /metrics, in Prometheus text format 0.0.4.
 *
 *   XW_COUNTER(blocks_in, "xw_link_blocks_total", NULL, "blocks taken from peers");
 *   xw_counter_add(&blocks_in, 1);
 *
 * Names: xw_<module>_<what>_<unit>_total (a gauge without _total). Labels are fixed text such as
 * "lane=\"live\""; metrics of one name with different labels share one HELP line. Never a patient,
 * never a stream id as a label.
 *
 * Threads: updates are relaxed atomics from any thread, real-time ones too; registration happens
 * before main; rendering from any thread. Ownership: metrics are static objects, never freed. */
#ifndef XW_BASE_METRICS_H
#define XW_BASE_METRICS_H

#include "base/base.h"
#include "base/buf.h"

#include <stdatomic.h>

enum xw_metric_kind { XW_METRIC_COUNTER, XW_METRIC_GAUGE, XW_METRIC_HISTOGRAM };
enum { XW_HISTOGRAM_BOUNDS_MAX = 24 };

struct xw_metric {
    enum xw_metric_kind kind;
    const char *name;
    const char *labels; /* without braces, or NULL */
    const char *help;
    struct xw_metric *next;
};

struct xw_counter {
    struct xw_metric metric;
    _Atomic uint64_t value;
};

struct xw_gauge {
    struct xw_metric metric;
    _Atomic int64_t value;
};

/* Buckets count values <= bound; one more for the rest. Values in the unit of the name. */
struct xw_histogram {
    struct xw_metric metric;
    const int64_t *bounds; /* ascending */
    size_t bounds_n;
    _Atomic uint64_t buckets[XW_HISTOGRAM_BOUNDS_MAX + 1];
    _Atomic int64_t sum;
};

/* Links a metric in; once for each, before or after main started, from any thread. */
void xw_metrics_register(struct xw_metric *metric);

#define XW_METRIC_DEFINE_(type, enum_kind, var, metric_name, label_text, help_text, ...)           \
    static struct type var = {.metric = {.kind = (enum_kind),                                      \
                                         .name = (metric_name),                                    \
                                         .labels = (label_text),                                   \
                                         .help = (help_text)},                                     \
                              ##__VA_ARGS__};                                                      \
    __attribute__((constructor)) static void xw_metric_register_##var(void)                        \
    {                                                                                              \
        xw_metrics_register(&var.metric);                                                          \
    }                                                                                              \
    struct xw_metric

/* File-scope definitions of static metrics, used like a declaration with a semicolon behind. */
#define XW_COUNTER(var, name, labels, help)                                                        \
    XW_METRIC_DEFINE_(xw_counter, XW_METRIC_COUNTER, var, name, labels, help)
#define XW_GAUGE(var, name, labels, help)                                                          \
    XW_METRIC_DEFINE_(xw_gauge, XW_METRIC_GAUGE, var, name, labels, help)
/* bounds_array: a static const int64_t array of at most XW_HISTOGRAM_BOUNDS_MAX. */
#define XW_HISTOGRAM(var, name, labels, help, bounds_array)                                        \
    _Static_assert(XW_ARRAY_N(bounds_array) <= XW_HISTOGRAM_BOUNDS_MAX, "too many bounds");        \
    XW_METRIC_DEFINE_(xw_histogram, XW_METRIC_HISTOGRAM, var, name, labels, help,                  \
                      .bounds = (bounds_array), .bounds_n = XW_ARRAY_N(bounds_array))

static inline void xw_counter_add(struct xw_counter *counter, uint64_t n)
{
    atomic_fetch_add_explicit(&counter->value, n, memory_order_relaxed);
}
static inline uint64_t xw_counter_get(const struct xw_counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}
static inline void xw_gauge_set(struct xw_gauge *gauge, int64_t value)
{
    atomic_store_explicit(&gauge->value, value, memory_order_relaxed);
}
static inline void xw_gauge_add(struct xw_gauge *gauge, int64_t n)
{
    atomic_fetch_add_explicit(&gauge->value, n, memory_order_relaxed);
}
static inline int64_t xw_gauge_get(const struct xw_gauge *gauge)
{
    return atomic_load_explicit(&gauge->value, memory_order_relaxed);
}
void xw_histogram_record(struct xw_histogram *histogram, int64_t value);
uint64_t xw_histogram_count(const struct xw_histogram *histogram);

/* Appends the whole page, sorted by name, plus process figures (resident bytes, CPU seconds, open
 * descriptors). -EOVERFLOW when ret_text's limit is reached; ret_text then holds a part. */
int xw_metrics_render(struct xw_buf *ret_text) XW_MUST_CHECK;

#endif
