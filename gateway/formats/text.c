/* Texts of any encoding as clean UTF-8, times as files write them, Base64, CRC-32. */
#include "formats/internal.h"

#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int xw_formats_fail(struct xw_formats_error *ret_error, int error, const char *where,
                    const char *format, ...)
{
    if (ret_error) {
        va_list args;
        snprintf(ret_error->where, sizeof(ret_error->where), "%s", where);
        va_start(args, format);
        vsnprintf(ret_error->text, sizeof(ret_error->text), format, args);
        va_end(args);
        for (char *c = ret_error->text; *c; c++)
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                *c = '?';
        for (char *c = ret_error->where; *c; c++)
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                *c = '?';
    }
    return -error;
}

/* Bytes of the UTF-8 sequence at p, 0 when there is none. */
static size_t utf8_n(const uint8_t *p, size_t n)
{
    static const uint32_t LEAST[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t k = p[0] < 0x80             ? 1
               : (p[0] & 0xe0) == 0xc0 ? 2
               : (p[0] & 0xf0) == 0xe0 ? 3
               : (p[0] & 0xf8) == 0xf0 ? 4
                                       : 0;
    if (k == 0 || k > n)
        return 0;
    uint32_t point = k == 1 ? p[0] : p[0] & (0xffu >> (k + 1));
    for (size_t i = 1; i < k; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        point = point << 6 | (p[i] & 0x3f);
    }
    if (k > 1 && (point < LEAST[k] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000)))
        return 0;
    return k;
}

static bool is_utf8(const uint8_t *p, size_t n)
{
    for (size_t i = 0, k; i < n; i += k)
        if ((k = utf8_n(p + i, n - i)) == 0)
            return false;
    return true;
}

static bool in_pairs(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] < 0x80)
            continue;
        if (p[i] < 0xa1 || i + 1 == n || p[i + 1] < 0xa1)
            return false;
        i++;
    }
    return true;
}

/* Clean UTF-8 with only whole characters. */
static void copy_clean(char *dst, size_t dst_size, const uint8_t *p, size_t n)
{
    size_t out = 0;
    for (size_t i = 0; i < n;) {
        size_t k = utf8_n(p + i, n - i);
        if (k == 0 || out + k >= dst_size)
            break;
        if (k == 1 && (p[i] < 0x20 || p[i] == 0x7f))
            dst[out++] = ' ';
        else
            for (size_t j = 0; j < k; j++)
                dst[out++] = (char)p[i + j];
        i += k;
    }
    while (out && dst[out - 1] == ' ')
        out--;
    dst[out] = 0;
    size_t skip = strspn(dst, " ");
    memmove(dst, dst + skip, out + 1 - skip);
}

static bool convert(char *dst, size_t dst_size, const uint8_t *p, size_t n, const char *from)
{
    char buffer[4 * XW_FORMATS_TEXT_BYTES];
    iconv_t cd = iconv_open("UTF-8", from);
    if (cd == (iconv_t)-1)
        return false;
    char *in = (char *)(uintptr_t)p;
    char *out = buffer;
    size_t in_n = n;
    size_t out_n = sizeof(buffer);
    size_t result = iconv(cd, &in, &in_n, &out, &out_n);
    iconv_close(cd);
    if (result == (size_t)-1)
        return false;
    copy_clean(dst, dst_size, (const uint8_t *)buffer, sizeof(buffer) - out_n);
    return true;
}

void xw_formats_text(char *dst, size_t dst_size, const void *src, size_t src_n)
{
    const uint8_t *p = src;
    size_t n = 0;
    while (n < src_n && n < XW_FORMATS_TEXT_BYTES && p[n])
        n++;
    if (n == XW_FORMATS_TEXT_BYTES || is_utf8(p, n)) {
        copy_clean(dst, dst_size, p, n);
        return;
    }
    if (in_pairs(p, n) && convert(dst, dst_size, p, n, "GB18030"))
        return;
    if (!convert(dst, dst_size, p, n, "ISO-8859-1"))
        copy_clean(dst, dst_size, (const uint8_t *)"?", 1);
}

bool xw_formats_set_date(struct xw_formats_time *t, int64_t year, int64_t month, int64_t day)
{
    static const int8_t DAYS[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1800 || year > 9999 || month < 1 || month > 12 || day < 1 || day > DAYS[month - 1])
        return false;
    t->has_date = true;
    t->year = (int16_t)year;
    t->month = (int8_t)month;
    t->day = (int8_t)day;
    return true;
}

bool xw_formats_set_clock(struct xw_formats_time *t, int64_t hour, int64_t minute, int64_t second,
                          int64_t ms)
{
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60 || ms < 0 ||
        ms > 999)
        return false;
    if (second == 60) /* a leap second has no place of its own in a day of 86400 */
        second = 59;
    t->has_time = true;
    t->ms_of_day = (int32_t)(((hour * 60 + minute) * 60 + second) * 1000 + ms);
    return true;
}

static int number(const char **at, const char *end, int digits_n)
{
    int value = 0;
    if (end - *at < digits_n)
        return -1;
    for (int i = 0; i < digits_n; i++) {
        if (!isdigit((unsigned char)(*at)[i]))
            return -1;
        value = 10 * value + ((*at)[i] - '0');
    }
    *at += digits_n;
    return value;
}

static void eat_any(const char **at, const char *end, const char *set)
{
    if (*at < end && **at && strchr(set, **at))
        (*at)++;
}

static void zone(const char *at, const char *end, struct xw_formats_time *t)
{
    if (at < end && *at == 'Z') {
        t->has_zone = true;
        return;
    }
    if (at == end || (*at != '+' && *at != '-'))
        return;
    int sign = *at++ == '-' ? -1 : 1;
    int hours = number(&at, end, 2);
    eat_any(&at, end, ":");
    int minutes = number(&at, end, 2);
    if (hours < 0 || hours > 14 || minutes > 59)
        return;
    t->has_zone = true;
    t->zone_min = (int16_t)(sign * (hours * 60 + (minutes < 0 ? 0 : minutes)));
}

bool xw_formats_parse_time(const char *text, size_t text_n, struct xw_formats_time *ret_time)
{
    const char *at = text;
    const char *end = text + text_n;
    struct xw_formats_time t = {0};
    while (at < end && *at == ' ')
        at++;
    int year = number(&at, end, 4);
    eat_any(&at, end, "-/.");
    int month = number(&at, end, 2);
    eat_any(&at, end, "-/.");
    int day = number(&at, end, 2);
    if (!xw_formats_set_date(&t, year, month, day))
        return false;
    eat_any(&at, end, "T ");
    int hour = number(&at, end, 2);
    eat_any(&at, end, ":");
    int minute = number(&at, end, 2);
    eat_any(&at, end, ":");
    int second = number(&at, end, 2);
    int ms = 0;
    if (second >= 0 && at < end && *at == '.') {
        at++;
        for (int i = 0, place = 100; at < end && isdigit((unsigned char)*at); at++, i++) {
            ms += i < 3 ? place * (*at - '0') : 0;
            place /= 10;
        }
    }
    if (hour >= 0 && minute >= 0) {
        if (!xw_formats_set_clock(&t, hour, minute, second < 0 ? 0 : second, ms))
            return false;
        zone(at, end, &t);
    }
    *ret_time = t;
    return true;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int xw_formats_base64(const char *text, size_t text_n, uint8_t **ret_data, size_t *ret_data_n)
{
    uint8_t *data = malloc(text_n / 4 * 3 + 4);
    if (!data)
        return -ENOMEM;
    size_t n = 0;
    unsigned have = 0;
    unsigned pads = 0;
    uint32_t bits = 0;
    for (size_t i = 0; i < text_n; i++) {
        char c = text[i];
        if (c == ' ' || c == '\n' || c == '\r' || c == '\t')
            continue;
        int v = base64_value(c);
        if (c == '=' && have >= 2 && pads < 2)
            pads++;
        else if (v < 0 || pads)
            goto bad;
        bits = bits << 6 | (uint32_t)(v < 0 ? 0 : v);
        if (++have == 4) {
            data[n++] = (uint8_t)(bits >> 16);
            data[n++] = (uint8_t)(bits >> 8);
            data[n++] = (uint8_t)bits;
            have = 0;
        }
    }
    if (have != 0) /* cut off within four characters */
        goto bad;
    *ret_data = data;
    *ret_data_n = n - pads;
    return 0;
bad:
    free(data);
    return -EBADMSG;
}

uint32_t xw_formats_crc32(const uint8_t *data, size_t data_n)
{
    uint32_t crc = 0xffffffffu;
    for (size_t i = 0; i < data_n; i++) {
        crc ^= data[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0xedb88320u & -(crc & 1));
    }
    return ~crc;
}
