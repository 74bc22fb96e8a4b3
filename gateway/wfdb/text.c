/* Error text, the text cursor and exact decimals: what the header parser stands on. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "wfdb/wfdb_internal.h"

enum { MAX_DIGITS = 18 };
#define TEN_TO_18 1000000000000000000LL

int xw_wfdb_fail(struct xw_wfdb_error *ret_error, unsigned line, int error, const char *format, ...)
{
    if (ret_error) {
        va_list args;
        ret_error->line = line;
        va_start(args, format);
        vsnprintf(ret_error->text, sizeof(ret_error->text), format, args);
        va_end(args);
        /* File names come from the file itself: nothing unprintable may reach a terminal. */
        for (char *c = ret_error->text; *c; c++) {
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                *c = '?';
        }
    }
    return -error;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

size_t xw_wfdb_cursor_left(const struct xw_wfdb_cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

bool xw_wfdb_cursor_eat(struct xw_wfdb_cursor *cursor, char c)
{
    if (cursor->at == cursor->end || *cursor->at != c)
        return false;
    cursor->at++;
    return true;
}

bool xw_wfdb_cursor_token(struct xw_wfdb_cursor *cursor, struct xw_wfdb_cursor *ret_token)
{
    while (cursor->at < cursor->end && is_blank(*cursor->at))
        cursor->at++;
    if (cursor->at == cursor->end)
        return false;
    ret_token->at = cursor->at;
    while (cursor->at < cursor->end && !is_blank(*cursor->at))
        cursor->at++;
    ret_token->end = cursor->at;
    return true;
}

struct xw_wfdb_cursor xw_wfdb_cursor_rest(struct xw_wfdb_cursor *cursor)
{
    struct xw_wfdb_cursor rest = *cursor;
    cursor->at = cursor->end;
    while (rest.at < rest.end && is_blank(*rest.at))
        rest.at++;
    while (rest.at < rest.end && is_blank(rest.end[-1]))
        rest.end--;
    return rest;
}

int xw_wfdb_parse_int(struct xw_wfdb_cursor *cursor, int64_t min, int64_t max, int64_t *ret_value)
{
    struct xw_wfdb_cursor c = *cursor;
    bool negative = xw_wfdb_cursor_eat(&c, '-');
    if (!negative)
        xw_wfdb_cursor_eat(&c, '+');
    if (c.at == c.end || !is_digit(*c.at))
        return -EBADMSG;
    int64_t value = 0;
    for (; c.at < c.end && is_digit(*c.at); c.at++) {
        if (value > TEN_TO_18 / 10 - 1)
            return -ERANGE;
        value = value * 10 + (*c.at - '0');
    }
    if (negative)
        value = -value;
    if (value < min || value > max)
        return -ERANGE;
    *cursor = c;
    *ret_value = value;
    return 0;
}

struct mantissa {
    int64_t value;
    int digits;    /* significant ones taken */
    int64_t scale; /* value x 10^scale */
    bool any;
};

static void take_digits(struct xw_wfdb_cursor *c, bool after_point, struct mantissa *m)
{
    for (; c->at < c->end && is_digit(*c->at); c->at++) {
        m->any = true;
        if (m->digits < MAX_DIGITS) {
            m->value = m->value * 10 + (*c->at - '0');
            m->digits += m->value != 0;
            m->scale -= after_point;
        } else {
            m->scale += !after_point;
        }
    }
}

static int64_t gcd(int64_t a, int64_t b)
{
    while (b) {
        int64_t t = a % b;
        a = b;
        b = t;
    }
    return a;
}

static int scale_fraction(int64_t value, int64_t scale, struct xw_wfdb_fraction *ret_value)
{
    struct xw_wfdb_fraction f = {value, 1};
    if (value == 0)
        scale = 0;
    for (; scale < 0 && f.num % 10 == 0; scale++)
        f.num /= 10;
    for (; scale > 0; scale--) {
        if (f.num > TEN_TO_18 / 10)
            return -ERANGE;
        f.num *= 10;
    }
    for (; scale < 0; scale++) {
        if (f.den > TEN_TO_18 / 10)
            return -ERANGE;
        f.den *= 10;
    }
    int64_t divisor = gcd(f.num, f.den);
    f.num /= divisor;
    f.den /= divisor;
    *ret_value = f;
    return 0;
}

int xw_wfdb_parse_decimal(struct xw_wfdb_cursor *cursor, struct xw_wfdb_fraction *ret_value)
{
    struct xw_wfdb_cursor c = *cursor;
    struct mantissa m = {0};
    bool negative = xw_wfdb_cursor_eat(&c, '-');
    if (!negative)
        xw_wfdb_cursor_eat(&c, '+');
    take_digits(&c, false, &m);
    if (xw_wfdb_cursor_eat(&c, '.'))
        take_digits(&c, true, &m);
    if (!m.any)
        return -EBADMSG;
    struct xw_wfdb_cursor e = c;
    int64_t exponent;
    if (xw_wfdb_cursor_eat(&e, 'e') || xw_wfdb_cursor_eat(&e, 'E')) {
        int r = xw_wfdb_parse_int(&e, -400, 400, &exponent);
        if (r == -ERANGE)
            return r;
        if (r == 0) {
            m.scale += exponent;
            c = e;
        }
    }
    struct xw_wfdb_fraction value;
    int r = scale_fraction(m.value, m.scale, &value);
    if (r < 0)
        return r;
    if (negative)
        value.num = -value.num;
    *cursor = c;
    *ret_value = value;
    return 0;
}

int xw_wfdb_print_decimal(struct xw_wfdb_fraction value, char *ret_text, size_t text_size)
{
    int decimals = 0;
    if (value.den <= 0)
        return -EINVAL;
    int64_t divisor = gcd(value.num < 0 ? -value.num : value.num, value.den);
    int64_t num = value.num / divisor;
    int64_t den = value.den / divisor;
    int64_t power = 1; /* 10^decimals, the smallest that den divides */
    for (; power % den; decimals++) {
        if (decimals == MAX_DIGITS)
            return -EINVAL;
        power *= 10;
    }
    int64_t scaled;
    if (__builtin_mul_overflow(num, power / den, &scaled))
        return -EINVAL;
    int64_t whole = scaled / power;
    int64_t part = scaled % power;
    int n = decimals ? snprintf(ret_text, text_size, "%s%lld.%0*lld", scaled < 0 ? "-" : "",
                                (long long)(whole < 0 ? -whole : whole), decimals,
                                (long long)(part < 0 ? -part : part))
                     : snprintf(ret_text, text_size, "%lld", (long long)whole);
    return n < 0 || (size_t)n >= text_size ? -EINVAL : 0;
}

const char *xw_wfdb_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}
