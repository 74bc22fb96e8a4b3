/* The event log: formatting, limits per call site, output. One lock orders everything; the line is
 * made on the stack and leaves in a single write. */
#include "base/log.h"

#include "base/uuid.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { LINE_N_BYTES = 2048, TEXT_MAX_N_BYTES = 256, BURST_N = 10, WINDOW_US = 10000000 };

static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_int log_level = XW_LOG_INFO;
static xw_log_sink_fn log_sink;
static void *log_sink_arg;
static const struct xw_clock *log_clock;
static struct xw_log_site *owing;

struct line {
    char text[LINE_N_BYTES];
    size_t n;
};

static const char *level_name(enum xw_log_level level)
{
    switch (level) {
    case XW_LOG_ERROR:
        return "error";
    case XW_LOG_WARNING:
        return "warning";
    case XW_LOG_NOTICE:
        return "notice";
    case XW_LOG_INFO:
        return "info";
    default:
        return "debug";
    }
}

/* A line that is full stays cut; what does not fit is dropped whole. */
static void put(struct line *line, const char *text, size_t n_bytes)
{
    if (n_bytes > sizeof(line->text) - 1 - line->n)
        return;
    memcpy(line->text + line->n, text, n_bytes);
    line->n += n_bytes;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Plain words go out as they are; all else is quoted with every odd byte as \xNN, so that what a
 * peer sent can neither end the line nor imitate a field. */
static void put_value(struct line *line, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = strnlen(text, TEXT_MAX_N_BYTES);
    bool plain = n > 0;
    for (size_t i = 0; i < n && plain; i++)
        plain =
            text[i] > ' ' && text[i] < 0x7F && text[i] != '"' && text[i] != '=' && text[i] != '\\';
    if (plain) {
        put(line, text, n);
        return;
    }
    put_text(line, "\"");
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\') {
            put(line, (const char[]){'\\', (char)c}, 2);
        } else if (c >= ' ' && c < 0x7F) {
            put(line, &text[i], 1);
        } else {
            put(line, (const char[]){'\\', 'x', digits[c >> 4], digits[c & 15]}, 4);
        }
    }
    put_text(line, "\"");
}

static void put_field(struct line *line, const struct xw_log_field *field)
{
    char text[64];
    const char *value = text;
    switch (field->kind) {
    case XW_LOG_KIND_STR:
        value = field->value.text ? field->value.text : "-";
        break;
    case XW_LOG_KIND_INT:
        snprintf(text, sizeof(text), "%" PRId64, field->value.i);
        break;
    case XW_LOG_KIND_UINT:
        snprintf(text, sizeof(text), "%" PRIu64, field->value.u);
        break;
    case XW_LOG_KIND_DOUBLE:
        snprintf(text, sizeof(text), "%.6g", field->value.d);
        break;
    case XW_LOG_KIND_ID: {
        struct xw_uuid id;
        memcpy(id.b, field->value.id, sizeof(id.b));
        xw_uuid_format(&id, text);
        break;
    }
    case XW_LOG_KIND_ERRNO: {
        int64_t e = field->value.i < 0 ? -field->value.i : field->value.i;
        const char *name = e <= INT32_MAX ? strerrorname_np((int)e) : NULL;
        snprintf(text, sizeof(text), "%" PRId64, e);
        value = name ? name : text;
        break;
    }
    default:
        return;
    }
    put_text(line, " ");
    put_text(line, field->key);
    put_text(line, "=");
    put_value(line, value);
}

/* JOURNAL_STREAM names the device and inode of the journal's socket; it counts only when stderr is
 * still that socket and was not redirected. */
static bool stderr_is_journal(void)
{
    static int known; /* under log_lock: 0 unknown, 1 no, 2 yes */
    if (!known) {
        const char *text = getenv("JOURNAL_STREAM");
        struct stat st;
        known = 1;
        if (text && fstat(STDERR_FILENO, &st) == 0) {
            char mine[64];
            snprintf(mine, sizeof(mine), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
            if (strcmp(mine, text) == 0)
                known = 2;
        }
    }
    return known == 2;
}

static void put_head(struct line *line, enum xw_log_level level, const char *event)
{
    if (!log_sink && stderr_is_journal()) {
        put(line, (const char[]){'<', (char)('0' + (int)level), '>'}, 3);
    } else {
        char time[XW_WALL_TEXT_N_BYTES];
        put_text(line, xw_wall_format(xw_clock_wall(log_clock), time));
        put_text(line, " ");
    }
    put_text(line, level_name(level));
    put_text(line, " ");
    put_text(line, event);
}

static void put_repeated(struct line *line, struct xw_log_site *site)
{
    struct xw_log_field field = XW_LOG_UINT("repeated", site->suppressed_n);
    if (site->suppressed_n)
        put_field(line, &field);
    site->suppressed_n = 0;
}

static void emit(struct line *line, enum xw_log_level level)
{
    if (log_sink) {
        line->text[line->n] = '\0';
        log_sink(log_sink_arg, level, line->text, line->n);
        return;
    }
    line->text[line->n++] = '\n'; /* put() left room for one byte */
    for (size_t at = 0; at < line->n;) {
        ssize_t n = write(STDERR_FILENO, line->text + at, line->n - at);
        if (n < 0 && errno != EINTR)
            return; /* nobody is left to be told */
        if (n > 0)
            at += (size_t)n;
    }
}

/* True when this line goes out. A site that had to be silenced gets one line in the next window,
 * not a fresh burst. Debug is asked for by a person, who wants all of it. */
static bool may_pass(struct xw_log_site *site, enum xw_log_level level, const char *event)
{
    int64_t now_us = xw_clock_mono(log_clock).us;
    site->event = event;
    site->level = level;
    if (level == XW_LOG_DEBUG)
        return true;
    if (!site->in_window_n || now_us - site->window_start_us >= WINDOW_US) {
        site->in_window_n = site->suppressed_n ? BURST_N - 1 : 0;
        site->window_start_us = now_us;
    }
    if (site->in_window_n < BURST_N) {
        site->in_window_n++;
        return true;
    }
    site->suppressed_n++;
    if (!site->listed) {
        site->listed = true;
        site->next_owing = owing;
        owing = site;
    }
    return false;
}

void xw_log_write(struct xw_log_site *site, enum xw_log_level level, const char *event,
                  const struct xw_log_field *fields, size_t fields_n)
{
    int saved_errno = errno;
    pthread_mutex_lock(&log_lock);
    if (may_pass(site, level, event)) {
        struct line line;
        line.n = 0;
        put_head(&line, level, event);
        for (size_t i = 0; i < fields_n; i++)
            put_field(&line, &fields[i]);
        put_repeated(&line, site);
        emit(&line, level);
    }
    pthread_mutex_unlock(&log_lock);
    errno = saved_errno;
}

void xw_log_flush(void)
{
    pthread_mutex_lock(&log_lock);
    while (owing) {
        struct xw_log_site *site = owing;
        owing = site->next_owing;
        site->listed = false;
        if (!site->suppressed_n)
            continue; /* paid with a later line */
        struct line line;
        line.n = 0;
        put_head(&line, site->level, site->event);
        put_repeated(&line, site);
        emit(&line, site->level);
    }
    pthread_mutex_unlock(&log_lock);
}

void xw_log_set_level(enum xw_log_level level)
{
    atomic_store_explicit(&log_level, (int)level, memory_order_relaxed);
}

bool xw_log_enabled(enum xw_log_level level)
{
    return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

int xw_log_level_parse(const char *text, enum xw_log_level *ret_level)
{
    for (enum xw_log_level level = XW_LOG_ERROR; level <= XW_LOG_DEBUG; level++) {
        if (strcmp(text, level_name(level)) == 0) {
            *ret_level = level;
            return 0;
        }
    }
    return -EINVAL;
}

void xw_log_set_sink(xw_log_sink_fn sink, void *arg)
{
    pthread_mutex_lock(&log_lock);
    log_sink = sink;
    log_sink_arg = arg;
    pthread_mutex_unlock(&log_lock);
}

void xw_log_set_clock(const struct xw_clock *clock)
{
    pthread_mutex_lock(&log_lock);
    log_clock = clock;
    pthread_mutex_unlock(&log_lock);
}
