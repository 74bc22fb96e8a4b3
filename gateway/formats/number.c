/* Exact numbers: fractions of 64 bits, and decimals as files write them. */
#include "formats/internal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_DIGITS = 18, MAX_EXPONENT = 18 };

static unsigned __int128 gcd(unsigned __int128 a, unsigned __int128 b)
{
    while (b) {
        unsigned __int128 t = a % b;
        a = b;
        b = t;
    }
    return a;
}

int xw_formats_fraction(__int128 num, __int128 den, struct xw_wfdb_fraction *ret)
{
    if (den == 0)
        return -ERANGE;
    bool negative = (num < 0) != (den < 0);
    unsigned __int128 n = num < 0 ? -(unsigned __int128)num : (unsigned __int128)num;
    unsigned __int128 d = den < 0 ? -(unsigned __int128)den : (unsigned __int128)den;
    unsigned __int128 g = gcd(n, d);
    n /= g;
    d /= g;
    if (n > INT64_MAX || d > INT64_MAX)
        return -ERANGE;
    ret->num = negative ? -(int64_t)n : (int64_t)n;
    ret->den = (int64_t)d;
    return 0;
}

int xw_formats_multiply(struct xw_wfdb_fraction a, struct xw_wfdb_fraction b,
                        struct xw_wfdb_fraction *ret)
{
    return xw_formats_fraction((__int128)a.num * b.num, (__int128)a.den * b.den, ret);
}

int xw_formats_divide(struct xw_wfdb_fraction a, struct xw_wfdb_fraction b,
                      struct xw_wfdb_fraction *ret)
{
    return xw_formats_fraction((__int128)a.num * b.den, (__int128)a.den * b.num, ret);
}

double xw_formats_double(struct xw_wfdb_fraction value)
{
    return (double)value.num / (double)value.den;
}

struct cursor {
    const char *at, *end;
};

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0;
}

static struct cursor trimmed(const char *text, size_t n)
{
    struct cursor c = {text, text + n};
    while (c.at < c.end && blank(*c.at))
        c.at++;
    while (c.at < c.end && blank(c.end[-1]))
        c.end--;
    return c;
}

static bool eat(struct cursor *c, char a, char b)
{
    if (c->at == c->end || (*c->at != a && *c->at != b))
        return false;
    c->at++;
    return true;
}

static bool sign(struct cursor *c)
{
    if (eat(c, '-', '-'))
        return true;
    eat(c, '+', '+');
    return false;
}

/* Digits with a point: value = mantissa x 10^exponent. Digits after the 18th significant one are
 * dropped. */
static int digits(struct cursor *c, int64_t *ret_mantissa, int *ret_exponent)
{
    int64_t mantissa = 0;
    int used = 0;
    int exponent = 0;
    bool point = false;
    bool any = false;
    for (; c->at < c->end; c->at++) {
        if (*c->at == '.' && !point) {
            point = true;
            continue;
        }
        if (*c->at < '0' || *c->at > '9')
            break;
        any = true;
        if (used == MAX_DIGITS) {
            exponent += !point;
            if (exponent > 1000)
                return -ERANGE;
            continue;
        }
        mantissa = 10 * mantissa + (*c->at - '0');
        used += mantissa != 0;
        exponent -= point;
        if (exponent < -1000)
            return -ERANGE;
    }
    *ret_mantissa = mantissa;
    *ret_exponent = exponent;
    return any ? 0 : -EBADMSG;
}

static int scaled(int64_t mantissa, int exponent, struct xw_wfdb_fraction *ret)
{
    while (mantissa && exponent < 0 && mantissa % 10 == 0) {
        mantissa /= 10;
        exponent++;
    }
    if (!mantissa)
        exponent = 0;
    if (exponent > MAX_EXPONENT || exponent < -MAX_EXPONENT)
        return -ERANGE;
    __int128 power = 1;
    for (int i = 0; i < (exponent < 0 ? -exponent : exponent); i++)
        power *= 10;
    return exponent < 0 ? xw_formats_fraction(mantissa, power, ret)
                        : xw_formats_fraction(mantissa * power, 1, ret);
}

int xw_formats_decimal(const char *text, size_t text_n, struct xw_wfdb_fraction *ret)
{
    struct cursor c = trimmed(text, text_n);
    int64_t mantissa = 0;
    int exponent = 0;
    bool negative = sign(&c);
    int e = digits(&c, &mantissa, &exponent);
    if (e < 0)
        return e;
    if (eat(&c, 'e', 'E')) {
        bool down = sign(&c);
        int64_t more = 0;
        int unused = 0;
        struct cursor rest = c;
        e = digits(&c, &more, &unused);
        if (e < 0 || memchr(rest.at, '.', (size_t)(rest.end - rest.at)))
            return -EBADMSG;
        if (more > 100)
            return -ERANGE;
        exponent += down ? -(int)more : (int)more;
    }
    if (c.at != c.end)
        return -EBADMSG;
    return scaled(negative ? -mantissa : mantissa, exponent, ret);
}

int xw_formats_whole(const char *text, size_t text_n, int64_t min, int64_t max, int64_t *ret)
{
    struct xw_wfdb_fraction value;
    int e = xw_formats_decimal(text, text_n, &value);
    if (e < 0)
        return e;
    if (value.den != 1)
        return -EBADMSG;
    if (value.num < min || value.num > max)
        return -ERANGE;
    *ret = value.num;
    return 0;
}

void xw_formats_print_fraction(struct xw_wfdb_fraction value, char *ret_text, size_t text_size)
{
    /* Only 2s and 5s below: at most 18 places say it exactly. */
    int64_t den = value.den;
    __int128 num = value.num;
    int places = 0;
    while (den != 1 && places < MAX_DIGITS) {
        num *= 10;
        places++;
        int64_t g = (int64_t)gcd(num < 0 ? (unsigned __int128)-num : (unsigned __int128)num,
                                 (unsigned __int128)den);
        num /= g;
        den /= g;
        if (num > INT64_MAX || num < -INT64_MAX)
            break;
    }
    if (den != 1 || num > INT64_MAX || num < -INT64_MAX) {
        snprintf(ret_text, text_size, "%.12g", xw_formats_double(value));
        return;
    }
    uint64_t magnitude = (uint64_t)(num < 0 ? -num : num);
    uint64_t power = 1;
    for (int i = 0; i < places; i++)
        power *= 10;
    if (places)
        snprintf(ret_text, text_size, "%s%llu.%0*llu", num < 0 ? "-" : "",
                 (unsigned long long)(magnitude / power), places,
                 (unsigned long long)(magnitude % power));
    else
        snprintf(ret_text, text_size, "%s%llu", num < 0 ? "-" : "", (unsigned long long)magnitude);
}
