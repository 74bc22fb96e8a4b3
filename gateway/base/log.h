/* One line per event on stderr: time, level, event name, key=value fields.
 *
 *   xw_log_info("link.up", XW_LOG_STR("gateway", id), XW_LOG_INT("rtt_us", rtt_us));
 *   2026-11-22T03:21:28.123456Z info link.up gateway=town-a rtt_us=812
 *
 * Never patient data: names, identifiers of patients, sample values. Stream ids, counts, reasons.
 * Fields are typed, so that a peer's bytes cannot forge a line: text that holds anything but plain
 * printable ASCII is quoted and escaped, and cut at 256 bytes.
 *
 * Each call site is limited (a burst of 10, then one line per 10 s); the next line that gets
 * through carries repeated=N, and xw_log_flush() writes what is still owed.
 *
 * Threads: any, except real-time ones (a lock and a write). Keys and event names are literals.
 * Under journald (JOURNAL_STREAM is set) the line starts with <level> and carries no time. */
#ifndef XW_BASE_LOG_H
#define XW_BASE_LOG_H

#include "base/base.h"
#include "base/clock.h"

/* The numbers are those of syslog, smaller is worse. */
enum xw_log_level {
    XW_LOG_ERROR = 3,
    XW_LOG_WARNING = 4,
    XW_LOG_NOTICE = 5,
    XW_LOG_INFO = 6,
    XW_LOG_DEBUG = 7,
};

enum xw_log_kind {
    XW_LOG_KIND_NONE,
    XW_LOG_KIND_STR,
    XW_LOG_KIND_INT,
    XW_LOG_KIND_UINT,
    XW_LOG_KIND_DOUBLE,
    XW_LOG_KIND_ID,
    XW_LOG_KIND_ERRNO
};

struct xw_log_field {
    const char *key;
    enum xw_log_kind kind;
    union {
        const char *text;
        int64_t i;
        uint64_t u;
        double d;
        const uint8_t *id;
    } value;
};

/* Field constructors. Text may be NULL (printed as -). An id is 16 bytes, printed as a UUID.
 * XW_LOG_ERR takes a negative or positive errno and prints its name: error=ENOSPC. */
#define XW_LOG_STR(k, v)                                                                           \
    ((struct xw_log_field){.key = (k), .kind = XW_LOG_KIND_STR, .value.text = (v)})
#define XW_LOG_INT(k, v)                                                                           \
    ((struct xw_log_field){.key = (k), .kind = XW_LOG_KIND_INT, .value.i = (int64_t)(v)})
#define XW_LOG_UINT(k, v)                                                                          \
    ((struct xw_log_field){.key = (k), .kind = XW_LOG_KIND_UINT, .value.u = (uint64_t)(v)})
#define XW_LOG_NUM(k, v)                                                                           \
    ((struct xw_log_field){.key = (k), .kind = XW_LOG_KIND_DOUBLE, .value.d = (v)})
#define XW_LOG_ID(k, v)                                                                            \
    ((struct xw_log_field){.key = (k), .kind = XW_LOG_KIND_ID, .value.id = (v)->b})
#define XW_LOG_ERR(v)                                                                              \
    ((struct xw_log_field){.key = "error", .kind = XW_LOG_KIND_ERRNO, .value.i = (v)})

/* State of one call site, made by the macros. */
struct xw_log_site {
    struct xw_log_site *next_owing;
    const char *event;
    int64_t window_start_us;
    uint32_t in_window_n;
    uint32_t suppressed_n;
    enum xw_log_level level;
    bool listed;
};

#define xw_log_at(level_, event_, ...)                                                             \
    do {                                                                                           \
        static struct xw_log_site xw_log_site_;                                                    \
        if (xw_log_enabled(level_)) {                                                              \
            const struct xw_log_field xw_log_fields_[] = {{0}, ##__VA_ARGS__};                     \
            xw_log_write(&xw_log_site_, (level_), (event_), xw_log_fields_ + 1,                    \
                         XW_ARRAY_N(xw_log_fields_) - 1);                                          \
        }                                                                                          \
    } while (0)
#define xw_log_error(event, ...) xw_log_at(XW_LOG_ERROR, event, ##__VA_ARGS__)
#define xw_log_warning(event, ...) xw_log_at(XW_LOG_WARNING, event, ##__VA_ARGS__)
#define xw_log_notice(event, ...) xw_log_at(XW_LOG_NOTICE, event, ##__VA_ARGS__)
#define xw_log_info(event, ...) xw_log_at(XW_LOG_INFO, event, ##__VA_ARGS__)
#define xw_log_debug(event, ...) xw_log_at(XW_LOG_DEBUG, event, ##__VA_ARGS__)

/* Lines above this level number are not made; XW_LOG_INFO at start. */
void xw_log_set_level(enum xw_log_level level);
bool xw_log_enabled(enum xw_log_level level);
/* "error", "warning", "notice", "info", "debug"; else -EINVAL. */
int xw_log_level_parse(const char *text, enum xw_log_level *ret_level) XW_MUST_CHECK;
/* Where finished lines go (no newline); NULL means stderr. The text is borrowed for the call; the
 * sink is called with the log's lock held and must not log. */
typedef void (*xw_log_sink_fn)(void *arg, enum xw_log_level level, const char *line,
                               size_t n_bytes);
void xw_log_set_sink(xw_log_sink_fn sink, void *arg);
/* The clock of time stamps and rate limits, kept by reference; NULL means the real one. */
void xw_log_set_clock(const struct xw_clock *clock);
/* Writes one line for each site that still owes a repeated=N. Call it at stop and every ~10 s. */
void xw_log_flush(void);

/* Behind the macros. */
void xw_log_write(struct xw_log_site *site, enum xw_log_level level, const char *event,
                  const struct xw_log_field *fields, size_t fields_n);

#endif
