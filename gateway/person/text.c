/* UTF-8, and what input methods make of ASCII. */
#include "person/text.h"

#include <string.h>
#include <unicode/utf8.h>

size_t xw_person_char(const char *p, size_t n, uint32_t *ret_char)
{
    const uint8_t *b = (const uint8_t *)p;
    int32_t at = 0, size = (int32_t)XW_MIN(n, (size_t)4);
    UChar32 c;
    U8_NEXT(b, at, size, c);
    if (c < 0)
        return 0;
    *ret_char = (uint32_t)c;
    return (size_t)at;
}

size_t xw_person_put(uint32_t c, char p[4])
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        p[i] = (char)(0x80 | (c & 0x3f));
    p[0] = (char)(lead[n] | c);
    return n;
}

/* 0: a blank, which does not count. */
static uint32_t plain_char(uint32_t c)
{
    if (c >= 0xff01 && c <= 0xff5e)
        c = c - 0xff01 + '!';
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == 0xa0 || c == 0x3000 ||
        (c >= 0x2000 && c <= 0x200b) || c == 0xfeff)
        return 0;
    if ((c >= 0x2010 && c <= 0x2015) || c == 0x2212 || c == 0xfe63)
        return '-';
    return c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c;
}

int xw_person_plain(const char *text, char *ret_text, size_t cap)
{
    size_t n = strlen(text), at = 0;
    for (size_t i = 0, k; i < n; i += k) {
        uint32_t c;
        char bytes[4];
        k = xw_person_char(text + i, n - i, &c);
        if (!k)
            return -EILSEQ;
        c = plain_char(c);
        if (!c)
            continue;
        size_t m = xw_person_put(c, bytes);
        if (at + m >= cap)
            return -EOVERFLOW;
        memcpy(ret_text + at, bytes, m);
        at += m;
    }
    ret_text[at] = 0;
    return (int)at;
}
