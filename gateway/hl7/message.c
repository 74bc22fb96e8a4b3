/* Segments, fields, components, escapes. */
#include "hl7/message.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char nothing[] = "";

void xw_hl7_error_set(struct xw_hl7_error *error, const char *where, const char *format, ...)
{
    va_list args;
    snprintf(error->where, sizeof(error->where), "%s", where);
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
}

static int refuse(struct xw_hl7_error *ret_error, const char *where, const char *text)
{
    xw_hl7_error_set(ret_error, where, "%s", text);
    return -EBADMSG;
}

static bool is_end(char c)
{
    return c == '\r' || c == '\n';
}

static struct xw_hl7_piece trimmed(const char *at, size_t n)
{
    static const char junk[] = "&#xD;"; /* of messages that went through XML */
    size_t junk_n = sizeof(junk) - 1;
    while (n > 0 && (*at == ' ' || *at == '\t'))
        at++, n--;
    while (n >= junk_n && !memcmp(at + n - junk_n, junk, junk_n))
        n -= junk_n;
    return (struct xw_hl7_piece){at, n};
}

static int add_segment(struct xw_hl7_message *m, size_t *cap, struct xw_hl7_piece segment,
                       struct xw_hl7_error *ret_error)
{
    if (segment.n < 3)
        return segment.n == 0 ? 0 : refuse(ret_error, "segment", "shorter than its name");
    if (m->segments_n == XW_HL7_SEGMENTS_MAX)
        return refuse(ret_error, "segment", "too many segments");
    if (m->segments_n == *cap) {
        size_t more = *cap ? *cap * 2 : 64;
        void *grown = realloc(m->segments, more * sizeof(*m->segments));
        if (!grown)
            return -ENOMEM;
        m->segments = grown;
        *cap = more;
    }
    m->segments[m->segments_n++] = segment;
    return 0;
}

static int cut_segments(struct xw_hl7_message *m, struct xw_hl7_error *ret_error)
{
    size_t cap = 0;
    const char *at = m->text, *end = m->text + m->text_n;
    if (m->text_n >= 3 && !memcmp(at, "\xef\xbb\xbf", 3))
        at += 3;
    while (at < end) {
        const char *stop = at;
        while (stop < end && !is_end(*stop))
            stop++;
        int r = add_segment(m, &cap, trimmed(at, (size_t)(stop - at)), ret_error);
        if (r < 0)
            return r;
        at = stop + 1;
    }
    return 0;
}

static bool may_separate(char c)
{
    return c > ' ' && c < 0x7f && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') &&
           !(c >= 'a' && c <= 'z');
}

/* MSH-1 and MSH-2. Characters that MSH-2 leaves out are those that everybody uses. */
static int read_separators(struct xw_hl7_message *m, struct xw_hl7_error *ret_error)
{
    static const char usual[] = "^~\\&";
    const struct xw_hl7_piece *msh = &m->segments[0];
    char got[4];
    if (!m->segments_n || !xw_hl7_is(msh, "MSH"))
        return refuse(ret_error, "MSH", "the message does not begin with MSH");
    if (msh->n < 5 || !may_separate(msh->at[3]))
        return refuse(ret_error, "MSH-1", "no field separator");
    m->field = msh->at[3];
    size_t n = 0;
    for (bool in = true; n < 4; n++) {
        char c = 4 + n < msh->n ? msh->at[4 + n] : m->field;
        in = in && c != m->field;
        got[n] = in ? c : usual[n];
        if (!may_separate(got[n]))
            return refuse(ret_error, "MSH-2", "no separators");
    }
    for (size_t i = 0; i < 4; i++)
        for (size_t k = 0; k < i; k++)
            if (got[i] == got[k] || got[i] == m->field || got[k] == m->field)
                return refuse(ret_error, "MSH-2", "one separator for two things");
    m->component = got[0];
    m->repeat = got[1];
    m->escape = got[2];
    m->sub = got[3];
    return 0;
}

int xw_hl7_parse(const void *data, size_t size, struct xw_hl7_message *ret_message,
                 struct xw_hl7_error *ret_error)
{
    struct xw_hl7_message m = {0};
    if (size == 0)
        return refuse(ret_error, "MSH", "an empty message");
    int r = xw_hl7_to_utf8(data, size, &m.text, &m.text_n, &m.charset);
    if (r == -ENOTSUP)
        return refuse(ret_error, "MSH-18", "a coding of characters that is not read here");
    if (r == 0)
        r = cut_segments(&m, ret_error);
    if (r == 0 && m.segments_n == 0)
        r = refuse(ret_error, "MSH", "an empty message");
    if (r == 0)
        r = read_separators(&m, ret_error);
    if (r < 0)
        xw_hl7_done(&m);
    else
        *ret_message = m;
    return r;
}

void xw_hl7_done(struct xw_hl7_message *message)
{
    free(message->segments);
    free(message->text);
    message->segments = NULL;
    message->text = NULL;
}

bool xw_hl7_is(const struct xw_hl7_piece *segment, const char name[3])
{
    return segment->n >= 3 && !memcmp(segment->at, name, 3);
}

void xw_hl7_split(const struct xw_hl7_message *message, const struct xw_hl7_piece *segment,
                  struct xw_hl7_fields *ret_fields)
{
    const char *at = segment->at, *end = at + segment->n;
    size_t i = 0;
    bool msh = xw_hl7_is(segment, "MSH");
    while (i < XW_HL7_FIELDS_MAX) {
        const char *stop = memchr(at, message->field, (size_t)(end - at));
        if (!stop)
            stop = end;
        ret_fields->f[i++] = (struct xw_hl7_piece){at, (size_t)(stop - at)};
        if (msh && i == 1)
            ret_fields->f[i++] = (struct xw_hl7_piece){stop, 1};
        if (stop == end)
            break;
        at = stop + 1;
    }
    for (; i < XW_HL7_FIELDS_MAX; i++)
        ret_fields->f[i] = (struct xw_hl7_piece){nothing, 0};
}

static struct xw_hl7_piece part(struct xw_hl7_piece piece, char separator, size_t n)
{
    const char *at = piece.at, *end = at + piece.n;
    for (;;) {
        const char *stop = at < end ? memchr(at, separator, (size_t)(end - at)) : NULL;
        if (n <= 1)
            return (struct xw_hl7_piece){at, (size_t)((stop ? stop : end) - at)};
        if (!stop)
            return (struct xw_hl7_piece){nothing, 0};
        at = stop + 1;
        n--;
    }
}

struct xw_hl7_piece xw_hl7_repeat(const struct xw_hl7_message *message, struct xw_hl7_piece field,
                                  size_t n)
{
    return part(field, message->repeat, n);
}

struct xw_hl7_piece xw_hl7_component(const struct xw_hl7_message *message,
                                     struct xw_hl7_piece field, size_t n)
{
    return part(field, message->component, n);
}

struct out {
    char *text;
    size_t n, room;
    bool cut;
};

/* A whole character, or none: a text is never cut within one. */
static void out_char(struct out *out, const char *p, size_t n)
{
    bool control = n == 1 && ((uint8_t)*p < ' ' || *p == 0x7f);
    if (out->cut || (out->n == 0 && (control || *p == ' ')))
        return;
    if (out->n + n > out->room) {
        out->cut = true;
        return;
    }
    if (control)
        out->text[out->n++] = ' ';
    else
        memcpy(out->text + out->n, p, n), out->n += n;
}

static void out_text(struct out *out, const char *p, size_t n)
{
    for (size_t i = 0, k; i < n; i += k) {
        k = xw_hl7_utf8_at(p + i, n - i);
        out_char(out, k ? p + i : "?", k ? k : 1);
        k = k ? k : 1;
    }
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static void out_hex(struct out *out, const char *p, size_t n)
{
    char bytes[32];
    size_t k = 0;
    for (; k < sizeof(bytes) && 2 * k + 1 < n; k++) {
        int a = hex(p[2 * k]), b = hex(p[2 * k + 1]);
        if (a < 0 || b < 0)
            return;
        bytes[k] = (char)(a << 4 | b);
    }
    out_text(out, bytes, k);
}

static void out_escape(const struct xw_hl7_message *m, struct out *out, const char *p, size_t n)
{
    char c = n ? p[0] : 0;
    char plain = c == 'F'   ? m->field
                 : c == 'S' ? m->component
                 : c == 'T' ? m->sub
                 : c == 'R' ? m->repeat
                 : c == 'E' ? m->escape
                            : 0;
    if (n == 1 && plain)
        out_char(out, &plain, 1);
    else if (c == 'X')
        out_hex(out, p + 1, n - 1);
    else if (n >= 3 && !memcmp(p, ".br", 3))
        out_char(out, " ", 1);
    /* All others (highlighting, other characters sets) show nothing. */
}

size_t xw_hl7_unescape(const struct xw_hl7_message *m, struct xw_hl7_piece piece, char *ret_text,
                       size_t size)
{
    struct out out = {.text = ret_text, .room = size - 1};
    const char *at = piece.at, *end = at + piece.n;
    while (at < end && !out.cut) {
        const char *esc = memchr(at, m->escape, (size_t)(end - at));
        out_text(&out, at, (size_t)((esc ? esc : end) - at));
        if (!esc)
            break;
        const char *close = memchr(esc + 1, m->escape, (size_t)(end - esc - 1));
        if (!close) { /* an escape that does not end is text */
            out_text(&out, esc, (size_t)(end - esc));
            break;
        }
        out_escape(m, &out, esc + 1, (size_t)(close - esc - 1));
        at = close + 1;
    }
    while (out.n > 0 && ret_text[out.n - 1] == ' ')
        out.n--;
    ret_text[out.n] = 0;
    return out.n;
}

size_t xw_hl7_text(const struct xw_hl7_message *message, struct xw_hl7_piece field, size_t n,
                   char *ret_text, size_t size)
{
    return xw_hl7_unescape(message, xw_hl7_component(message, field, n), ret_text, size);
}
