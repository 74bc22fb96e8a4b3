/* A record's header: its record line, then one line a signal, comments anywhere. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wfdb/header_internal.h"

/* Lines of the text, LF or CRLF; a NUL byte or an overlong line is an error. */
struct lines {
    struct xw_wfdb_cursor text;
    unsigned number;
};

static int next_line(struct lines *lines, struct xw_wfdb_cursor *ret_line,
                     struct xw_wfdb_error *ret_error)
{
    size_t left = xw_wfdb_cursor_left(&lines->text);
    if (left == 0)
        return 0;
    const char *newline = memchr(lines->text.at, '\n', left);
    struct xw_wfdb_cursor line = {lines->text.at, newline ? newline : lines->text.end};
    lines->text.at = newline ? newline + 1 : lines->text.end;
    lines->number++;
    if (line.end > line.at && line.end[-1] == '\r')
        line.end--;
    if (xw_wfdb_cursor_left(&line) > XW_WFDB_MAX_LINE_BYTES)
        return xw_wfdb_fail(ret_error, lines->number, EOVERFLOW, "line longer than %d bytes",
                            XW_WFDB_MAX_LINE_BYTES);
    if (memchr(line.at, 0, xw_wfdb_cursor_left(&line)))
        return xw_wfdb_fail(ret_error, lines->number, EBADMSG, "not a text file (NUL byte)");
    *ret_line = line;
    return 1;
}

static int keep_comment(struct xw_wfdb_header *h, size_t *size, struct xw_wfdb_cursor line)
{
    size_t n = xw_wfdb_cursor_left(&line);
    if (*size + n + 2 > XW_WFDB_MAX_COMMENTS_BYTES)
        return -EOVERFLOW;
    if (*size)
        h->comments[(*size)++] = '\n';
    memcpy(h->comments + *size, line.at, n);
    *size += n;
    h->comments[*size] = 0;
    return 0;
}

/* The next line that is neither empty nor a comment; comments are kept. 0 at the end. */
static int next_content_line(struct lines *lines, struct xw_wfdb_header *h, size_t *comments_n,
                             struct xw_wfdb_cursor *ret_line, struct xw_wfdb_error *ret_error)
{
    int r;
    struct xw_wfdb_cursor line = {0};
    while ((r = next_line(lines, &line, ret_error)) > 0) {
        struct xw_wfdb_cursor content = xw_wfdb_cursor_rest(&line);
        if (content.at == content.end)
            continue;
        if (!xw_wfdb_cursor_eat(&content, '#')) {
            *ret_line = content;
            return 1;
        }
        if (keep_comment(h, comments_n, content) < 0)
            return xw_wfdb_fail(ret_error, lines->number, EOVERFLOW,
                                "more than %d bytes of comments", XW_WFDB_MAX_COMMENTS_BYTES);
    }
    return r;
}

/* RATE[/COUNTER_RATE[(COUNTER_BASE)]] */
static int parse_rate(struct xw_wfdb_cursor token, struct xw_wfdb_header *h)
{
    struct xw_wfdb_fraction base = {0, 1};
    if (xw_wfdb_parse_decimal(&token, &h->frame_rate_hz) < 0 || h->frame_rate_hz.num <= 0)
        return -EBADMSG;
    h->counter_rate_hz = h->frame_rate_hz;
    if (xw_wfdb_cursor_eat(&token, '/')) {
        if (xw_wfdb_parse_decimal(&token, &h->counter_rate_hz) < 0)
            return -EBADMSG;
        if (h->counter_rate_hz.num <= 0)
            h->counter_rate_hz = h->frame_rate_hz;
        if (xw_wfdb_cursor_eat(&token, '(') &&
            (xw_wfdb_parse_decimal(&token, &base) < 0 || !xw_wfdb_cursor_eat(&token, ')')))
            return -EBADMSG;
    }
    h->counter_base = (double)base.num / (double)base.den;
    return token.at == token.end ? 0 : -EBADMSG;
}

/* [[HH:]MM:]SS[.mmm] */
static int parse_time(struct xw_wfdb_cursor token, struct xw_wfdb_header *h)
{
    int64_t parts[3];
    int n = 0;
    do {
        if (n == 3 || xw_wfdb_parse_int(&token, 0, 86400, &parts[n]) < 0)
            return -EBADMSG;
        n++;
    } while (xw_wfdb_cursor_eat(&token, ':'));
    int64_t seconds = 0;
    for (int i = 0; i < n; i++)
        seconds = seconds * 60 + parts[i];
    int64_t ms = 0;
    if (xw_wfdb_cursor_eat(&token, '.')) {
        int64_t unit = 100;
        for (; token.at < token.end && *token.at >= '0' && *token.at <= '9'; token.at++, unit /= 10)
            ms += unit * (*token.at - '0');
    }
    if (token.at != token.end || seconds >= 86400)
        return -EBADMSG;
    h->base_time_ms = (int32_t)(seconds * 1000 + ms);
    h->has_base_time = true;
    return 0;
}

/* DD/MM/YYYY */
static int parse_date(struct xw_wfdb_cursor token, struct xw_wfdb_header *h)
{
    int64_t day;
    int64_t month;
    int64_t year;
    if (xw_wfdb_parse_int(&token, 1, 31, &day) < 0 || !xw_wfdb_cursor_eat(&token, '/') ||
        xw_wfdb_parse_int(&token, 1, 12, &month) < 0 || !xw_wfdb_cursor_eat(&token, '/') ||
        xw_wfdb_parse_int(&token, 0, 9999, &year) < 0 || token.at != token.end)
        return -EBADMSG;
    h->base_day = (int8_t)day;
    h->base_month = (int8_t)month;
    h->base_year = (int16_t)year;
    h->has_base_date = true;
    return 0;
}

static int parse_record_name(struct xw_wfdb_cursor token, struct xw_wfdb_header *h, unsigned line,
                             struct xw_wfdb_error *ret_error)
{
    size_t n = xw_wfdb_cursor_left(&token);
    const char *slash = memchr(token.at, '/', n);
    if (slash)
        return xw_wfdb_fail(ret_error, line, ENOTSUP,
                            "a multi-segment record is not read: open one of its segments");
    if (n >= sizeof(h->record))
        return xw_wfdb_fail(ret_error, line, EBADMSG, "the record name is too long");
    memcpy(h->record, token.at, n);
    h->record[n] = 0;
    return 0;
}

static int parse_record_line(struct xw_wfdb_cursor text, struct xw_wfdb_header *h, unsigned line,
                             struct xw_wfdb_error *ret_error)
{
    struct xw_wfdb_cursor token = {0};
    int64_t value = 0;
    if (!xw_wfdb_cursor_token(&text, &token))
        return xw_wfdb_fail(ret_error, line, EBADMSG, "empty record line");
    int r = parse_record_name(token, h, line, ret_error);
    if (r < 0)
        return r;
    if (!xw_wfdb_cursor_token(&text, &token) ||
        xw_wfdb_parse_int(&token, 0, INT32_MAX, &value) < 0 || token.at != token.end)
        return xw_wfdb_fail(ret_error, line, EBADMSG, "the number of signals is missing");
    if (value > XW_WFDB_MAX_SIGNALS)
        return xw_wfdb_fail(ret_error, line, EOVERFLOW, "more than %d signals",
                            XW_WFDB_MAX_SIGNALS);
    h->signals_n = (unsigned)value;
    if (!xw_wfdb_cursor_token(&text, &token))
        return 0;
    if (parse_rate(token, h) < 0)
        return xw_wfdb_fail(ret_error, line, EBADMSG, "the sampling frequency is not a number > 0");
    if (!xw_wfdb_cursor_token(&text, &token))
        return 0;
    if (xw_wfdb_parse_int(&token, 0, INT64_C(1) << 40, &h->frames_n) < 0 || token.at != token.end)
        return xw_wfdb_fail(ret_error, line, EBADMSG, "the number of samples is not a number");
    if (!xw_wfdb_cursor_token(&text, &token))
        return 0;
    if (parse_time(token, h) < 0)
        return xw_wfdb_fail(ret_error, line, EBADMSG, "the base time is not HH:MM:SS");
    if (xw_wfdb_cursor_token(&text, &token) && parse_date(token, h) < 0)
        return xw_wfdb_fail(ret_error, line, EBADMSG, "the base date is not DD/MM/YYYY");
    return 0;
}

/* All signals of one file have its format and offset, and stand together. */
static int check_files(const struct xw_wfdb_header *h, struct xw_wfdb_error *ret_error)
{
    for (unsigned i = 1; i < h->signals_n; i++) {
        const struct xw_wfdb_signal *s = &h->signals[i];
        const struct xw_wfdb_signal *before = &h->signals[i - 1];
        bool same_file = strcmp(s->file, before->file) == 0;
        if (same_file && (s->format != before->format || s->offset_bytes != before->offset_bytes))
            return xw_wfdb_fail(ret_error, 0, EBADMSG,
                                "two formats or offsets for one file '%.60s'", s->file);
        for (unsigned k = 0; !same_file && k < i; k++) {
            if (strcmp(s->file, h->signals[k].file) == 0)
                return xw_wfdb_fail(ret_error, 0, EBADMSG,
                                    "the signals of file '%.60s' do not stand together", s->file);
        }
    }
    return 0;
}

static int parse_lines(struct lines *lines, struct xw_wfdb_header *h,
                       struct xw_wfdb_error *ret_error)
{
    struct xw_wfdb_cursor line = {0};
    size_t comments_n = 0;
    int r = next_content_line(lines, h, &comments_n, &line, ret_error);
    if (r == 0)
        return xw_wfdb_fail(ret_error, 0, EBADMSG, "the header is empty");
    if (r > 0)
        r = parse_record_line(line, h, lines->number, ret_error);
    if (r < 0)
        return r;
    for (unsigned i = 0; i < h->signals_n; i++) {
        r = next_content_line(lines, h, &comments_n, &line, ret_error);
        if (r == 0)
            return xw_wfdb_fail(ret_error, 0, ENODATA, "the header ends after %u of %u signals", i,
                                h->signals_n);
        if (r > 0)
            r = xw_wfdb_signal_parse(line, &h->signals[i], lines->number, ret_error);
        if (r < 0)
            return r;
    }
    do { /* what follows the signals can only be comments; anything else is passed over */
        r = next_content_line(lines, h, &comments_n, &line, ret_error);
    } while (r > 0);
    return r < 0 ? r : check_files(h, ret_error);
}

int xw_wfdb_header_parse(const char *text, size_t text_n, struct xw_wfdb_header *ret_header,
                         struct xw_wfdb_error *ret_error)
{
    if (text_n > XW_WFDB_MAX_HEADER_BYTES)
        return xw_wfdb_fail(ret_error, 0, EOVERFLOW, "the header is larger than %d bytes",
                            XW_WFDB_MAX_HEADER_BYTES);
    struct lines lines = {{text, text + text_n}, 0};
    struct xw_wfdb_header *h = calloc(1, sizeof(*h)); /* 30 kB: not for every caller's stack */
    if (h)
        h->comments = calloc(1, XW_WFDB_MAX_COMMENTS_BYTES);
    if (!h || !h->comments) {
        free(h);
        return xw_wfdb_fail(ret_error, 0, ENOMEM, "out of memory");
    }
    h->frame_rate_hz = h->counter_rate_hz = (struct xw_wfdb_fraction){250, 1};
    int r = parse_lines(&lines, h, ret_error);
    if (r < 0) {
        xw_wfdb_header_done(h);
    } else {
        char *fitted = realloc(h->comments, strlen(h->comments) + 1);
        if (fitted)
            h->comments = fitted;
        *ret_header = *h;
    }
    free(h);
    return r < 0 ? r : 0;
}

int xw_wfdb_header_load(const char *record_path, struct xw_wfdb_header *ret_header,
                        struct xw_wfdb_error *ret_error)
{
    char path[4096];
    uint8_t *data;
    size_t data_n;
    size_t n = strlen(record_path);
    bool has_suffix = n > 4 && strcmp(record_path + n - 4, ".hea") == 0;
    int length = snprintf(path, sizeof(path), "%s%s", record_path, has_suffix ? "" : ".hea");
    if (length < 0 || (size_t)length >= sizeof(path))
        return xw_wfdb_fail(ret_error, 0, ENAMETOOLONG, "the path is too long");
    int r = xw_wfdb_load_file(path, xw_wfdb_base_name(path), XW_WFDB_MAX_HEADER_BYTES, &data,
                              &data_n, ret_error);
    if (r < 0)
        return r;
    r = xw_wfdb_header_parse((const char *)data, data_n, ret_header, ret_error);
    free(data);
    return r;
}

void xw_wfdb_header_done(struct xw_wfdb_header *header)
{
    if (!header)
        return;
    free(header->comments);
    header->comments = NULL;
}
